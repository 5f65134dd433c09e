"""Where two teams meet at one customer: matched across their books by account, by customer group, and by name.

The tables are joined in the engine; what comes out is as large as the collisions, not as the books.
"""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd

from kaanalysis.aggregates.common import deals_with_customer, materialised
from kaanalysis.aggregates.quarrels import ownership_claims
from kaanalysis.company import Company
from kaanalysis.names import match_names
from kaanalysis.policy import Policy

MATCHES = ("account_a", "account_b", "matched_by", "score", "match_state")
_DEAL = ("opportunity_id", "account_id", "cluster", "team", "motion", "opened", "ended")


def _since(company: Company) -> dt.date:
    return company.info.ka_launch or company.info.observed_from or dt.date(1900, 1, 1)


def _worked(company: Company, policy: Policy) -> ibis.Table:
    """Dated deals with a team, opened since the launch (without one: all): :data:`_DEAL`; ended is as_of while the deal runs."""
    deals = deals_with_customer(company, policy).left_join(company.table("teams").select("team", "motion"), "team")
    deals = deals.filter(deals.team.notnull() & deals.created_at.notnull() & (deals.created_at >= _since(company)))
    deals = deals.mutate(opened=deals.created_at, ended=deals.closed_at.fill_null(ibis.literal(company.info.as_of)))
    return deals.select(*_DEAL)


def same_names(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per account in a KA team's book whose name is found in another team's book under another customer group: the columns
    :data:`MATCHES`, account_a the KA team's. match_state: accepted, or ambiguous where another name is as near (``match.accept``).

    A book: accounts with a deal opened since the launch, or held. Names of one group are left out: the register says that already. Account
    names are compared in English and Chinese (:mod:`kaanalysis.names`)."""
    if not company.has("accounts.name"):
        return pd.DataFrame(columns=list(MATCHES))
    deals = _worked(company, policy).select("account_id", "cluster", "motion").distinct().execute()
    claims = ownership_claims(company, policy)
    held = claims[claims["to_at"].isna()][["account_id", "cluster", "motion"]]
    book = pd.concat([deals, held], ignore_index=True).drop_duplicates()
    named = company.table("accounts").select("account_id", "name").execute().dropna(subset=["name"])
    book = book.merge(named, on="account_id").sort_values("account_id")
    ours = book[book["motion"] == "KA"].drop_duplicates("account_id")
    theirs = book[book["motion"] != "KA"].drop_duplicates("account_id")
    parts = []
    # An account in both books would find itself; it is set against the others only.
    both = ours["account_id"].isin(theirs["account_id"]).to_numpy(bool)
    for mine, listed in ((ours[~both], theirs), (ours[both], theirs[~theirs["account_id"].isin(ours["account_id"])])):
        if mine.empty or listed.empty:
            continue
        found = match_names(
            mine["name"].tolist(), listed["name"].tolist(), accept=policy["match.accept"], consider=policy["match.accept"]
        )  # fmt: skip
        a, b = mine.iloc[found["position"].to_numpy()], listed.iloc[found["listed_position"].to_numpy()]
        rows = pd.DataFrame({
            "account_a": a["account_id"].to_numpy(), "account_b": b["account_id"].to_numpy(), "matched_by": "name",
            "score": found["score"].to_numpy(), "match_state": found["state"].to_numpy(),
        })  # fmt: skip
        parts.append(rows[a["cluster"].to_numpy() != b["cluster"].to_numpy()])
    out = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(MATCHES))
    return out.sort_values(["account_a", "account_b"], ignore_index=True)


def deal_collisions(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per pair of deals of two teams that ran on a day together with one customer: opportunity_a, opportunity_b, account_a,
    account_b, team_a, team_b, motion_a, motion_b, begins, ends (the days that they share), and how the customer was matched:
    matched_by (account, group, name), score (100 but by name), match_state.

    The KA team is team_a where one is; else the teams are in the order of their names. Deals opened since the launch."""
    deals = _worked(company, policy)
    a = deals.rename({f"{c}_a": c for c in _DEAL})
    b = deals.view().rename({f"{c}_b": c for c in _DEAL})
    met = [a.team_a != b.team_b, a.opened_a <= b.ended_b, b.opened_b <= a.ended_a]
    joined = a.join(b, [a.cluster_a == b.cluster_b, *met])
    found = joined.mutate(
        matched_by=(joined.account_id_a == joined.account_id_b).ifelse("account", "group"), score=ibis.literal(100.0),
        match_state=ibis.literal("accepted"),
    )  # fmt: skip
    names = same_names(company, policy)
    parts = [_oriented(found).execute()]
    if len(names):
        of_names = materialised(company, "same_names", names)
        named = a.join(of_names, a.account_id_a == of_names.account_a)
        b2 = deals.view().rename({f"{c}_b": c for c in _DEAL})
        pairs = named.join(
            b2,
            [
                named.account_b == b2.account_id_b,
                named.team_a != b2.team_b,
                named.opened_a <= b2.ended_b,
                b2.opened_b <= named.ended_a,
            ],
        )
        parts.append(_oriented(pairs).execute())
    frame = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    for column in ("begins", "ends"):
        frame[column] = pd.to_datetime(frame[column]).dt.normalize()
    return frame.sort_values(["begins", "opportunity_a", "opportunity_b"], ignore_index=True)


def _oriented(pairs: ibis.Table) -> ibis.Table:
    """Each pair once: the KA team first where only one is, else by team name."""
    ka_a, ka_b = (pairs.motion_a == "KA").fill_null(False), (pairs.motion_b == "KA").fill_null(False)
    kept = pairs.filter((ka_a & ~ka_b) | ((ka_a == ka_b) & (pairs.team_a < pairs.team_b)))
    return kept.select(
        opportunity_a="opportunity_id_a", opportunity_b="opportunity_id_b", account_a="account_id_a", account_b="account_id_b",
        team_a="team_a", team_b="team_b", motion_a="motion_a", motion_b="motion_b", begins=ibis.greatest(kept.opened_a, kept.opened_b),
        ends=ibis.least(kept.ended_a, kept.ended_b), matched_by="matched_by", score="score", match_state="match_state",
    )  # fmt: skip


def claim_collisions(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per account and time in which two teams hold it: account_id, team_a, team_b, motion_a, motion_b, begins, ends (days; as_of
    where both hold it still). The KA team is team_a. Overlaps before the launch are left out; the day of a handover is none."""
    claims = ownership_claims(company, policy)
    end = pd.Timestamp(company.info.as_of)
    claims = claims.assign(to_at=claims["to_at"].fillna(end))
    busy = claims[claims.duplicated("account_id", keep=False)]
    pairs = busy.merge(busy, on="account_id", suffixes=("_a", "_b"))
    ka_a, ka_b = (pairs["motion_a"] == "KA").fillna(False), (pairs["motion_b"] == "KA").fillna(False)
    pairs = pairs[(ka_a & ~ka_b) | ((ka_a == ka_b) & (pairs["team_a"] < pairs["team_b"]))]
    start = pd.Timestamp(_since(company))
    begins = pairs[["from_at_a", "from_at_b"]].max(axis=1)
    begins = begins.where(begins >= start, start)
    ends = pairs[["to_at_a", "to_at_b"]].min(axis=1)
    found = pairs.assign(begins=begins, ends=ends)[(begins < ends).to_numpy(bool)]
    columns = ["account_id", "team_a", "team_b", "motion_a", "motion_b", "begins", "ends"]
    return found[columns].sort_values(["begins", "account_id", "team_a", "team_b"], ignore_index=True)


def account_names(company: Company, accounts: list[str]) -> pd.Series:
    """Names of these accounts by account_id; null where none is recorded."""
    register = company.table("accounts")
    found = register.filter(register.account_id.isin(accounts)).select("account_id", "name").execute()
    return found.set_index("account_id")["name"]
