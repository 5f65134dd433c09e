"""What interests whom (M-2.4): for every role that takes part in this company's purchases, its interests, what to say and what not."""

from __future__ import annotations

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import clustered_share, figures_wanted
from kaanalysis.company import Company
from kaanalysis.lanes import LANGUAGES, interests
from kaanalysis.policy import Policy

COLUMNS = ["role", "source", "n", "share", "low", "high", "level",
           *(f"{field}_{language}" for language in LANGUAGES for field in ("interests", "message", "avoid"))]  # fmt: skip


def find(company: Company, policy: Policy) -> dict[str, pd.DataFrame]:
    """Frame `messages`, the most frequent role first: role, source (deals, or flows where no person is on record), n (key accounts'
    deals, or flows), share of them in which the role takes part with its interval (customer groups as clusters), and in both languages
    interests (one a line), message, avoid.

    The texts are the catalogue's with the company's own changes (:mod:`kaanalysis.lanes`). Roles without a text of their own are left
    blank, roles of the catalogue that take part nowhere are left out."""
    units = aggregates.roles_taking_part(company, policy)
    if units.empty or not figures_wanted():
        return {}
    catalogue, level, source = interests(company.interests), policy["evidence.level"], str(units["source"].iloc[0])
    clusters = units["cluster"].to_numpy(object)
    method = "share, customer groups as clusters (jackknife)"
    rows = []
    for role in sorted({r for roles in units["roles"] for r in roles}):
        there = [role in set(roles) for roles in units["roles"]]
        share = clustered_share("share", role, there, clusters, level, method)
        said = catalogue.get(role, {})
        texts = []
        for language in LANGUAGES:
            mine = said.get(language, {})
            texts += ["\n".join(mine.get("interests", [])), mine.get("message", ""), mine.get("avoid", "")]
        rows.append((role, source, len(units), share.value, share.low, share.high, level, *texts))
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return {"messages": frame.sort_values(["share", "role"], ascending=[False, True], ignore_index=True)}
