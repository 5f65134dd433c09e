"""Which accounts stand on a ranking: by their own record (``ranked_on``), by name on a list beside the company, or by their head
office."""

from __future__ import annotations

import pandas as pd

from kaanalysis.company import Company
from kaanalysis.names import match_names
from kaanalysis.policy import Policy

COLUMNS = ("account_id", "list", "year", "rank", "listed_name", "list_reach", "score", "state", "field")


def ranking_matches(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per account and list that it may stand on: account_id, list, year, rank, listed_name, list_reach, score (0–100), state
    (accepted, ambiguous, candidate) and field (the column that says so: ``accounts.ranked_on`` or ``rankings``)."""
    key = ("ranking_matches", policy["match.accept"], policy["match.consider"])
    if key not in company.frames:
        company.frames[key] = _matches(company, policy)
    return company.frames[key].copy()


def _matches(company: Company, policy: Policy) -> pd.DataFrame:
    accounts = company.table("accounts")
    parts = [pd.DataFrame(columns=list(COLUMNS))]
    if company.has("accounts.ranked_on"):
        own = (
            accounts.filter(accounts.ranked_on.notnull())
            .select("account_id", list="ranked_on")
            .order_by("account_id")
            .execute()
        )
        parts.append(own.assign(year=None, rank=None, listed_name=None, list_reach=None, score=100.0, state="accepted",
                                field="accounts.ranked_on"))  # fmt: skip
    if len(company.rankings) and company.has("accounts.name"):
        named = accounts.select("account_id", "name").order_by("account_id").execute()
        for _, entries in company.rankings.groupby("list", sort=True):
            listed = entries.reset_index(drop=True)
            found = match_names(
                named["name"].tolist(),
                listed["name"].tolist(),
                accept=policy["match.accept"],
                consider=policy["match.consider"],
            )
            at, of = found["position"].to_numpy(), found["listed_position"].to_numpy()
            entry = listed.iloc[of].reset_index(drop=True)
            parts.append(pd.DataFrame({
                "account_id": named["account_id"].to_numpy()[at], "list": entry["list"], "year": entry["year"], "rank": entry["rank"],
                "listed_name": entry["name"], "list_reach": entry["reach"], "score": found["score"].to_numpy(),
                "state": found["state"].to_numpy(), "field": "rankings",
            }))  # fmt: skip
    whole = [p for p in parts if len(p)]
    out = pd.concat(whole, ignore_index=True) if whole else parts[0]
    return out.sort_values(["account_id", "field", "list"], ignore_index=True)


def ranked_accounts(company: Company, policy: Policy) -> set[str]:
    """Accounts that surely stand on a ranking, by record or by name."""
    matches = ranking_matches(company, policy)
    return set(matches.loc[matches["state"] == "accepted", "account_id"])
