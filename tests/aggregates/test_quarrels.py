"""Disputes, claims of ownership and orderly handovers, by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pandas as pd

from kaanalysis.aggregates import disputes_between_teams, handovers, ownership_claims
from kaanalysis.company import Company
from kaanalysis.policy import Policy

TEAMS = "team,motion\nK,KA\nS,SMB\nC,channel\n"


def test_disputes_and_claims_carry_group_and_motion(company: Callable[..., Company], policy: Policy) -> None:
    made = company(
        accounts="account_id,parent_account_id\nA1,\nA2,A1\n", teams=TEAMS,
        disputes="account_id,opened_at,team_a,team_b,hours\nA2,2025-03-01,S,K,3\nA1,2025-02-01,K,gone,4\n",
        ownership="account_id,team,from_at,to_at\nA2,K,2025-02-01,\nA2,S,2024-01-01,2025-01-31\n",
    )  # fmt: skip
    disputes = disputes_between_teams(made, policy)
    assert disputes[["account_id", "cluster", "motion_a", "motion_b"]].astype(object).where(disputes.notna(), None).to_numpy().tolist() == [
        ["A1", "A1", "KA", None], ["A2", "A1", "SMB", "KA"],
    ]  # fmt: skip
    claims = ownership_claims(made, policy)
    assert claims[["cluster", "team", "motion"]].to_numpy().tolist() == [["A1", "S", "SMB"], ["A1", "K", "KA"]]
    assert claims["to_at"].isna().tolist() == [False, True]
    assert ownership_claims(company(), policy).empty


def claims(*rows: tuple[str, str, str, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["account_id", "team", "from_at", "to_at"])
    frame["motion"] = frame["team"].map({"K": "KA", "S": "SMB"})
    return frame.assign(from_at=pd.to_datetime(frame["from_at"]), to_at=pd.to_datetime(frame["to_at"]))


def test_a_handover_is_orderly_where_the_other_lets_go() -> None:
    found = handovers(
        claims(
            ("same day", "S", "2024-01-01", "2025-03-01"), ("same day", "K", "2025-03-01", None),
            ("day before", "S", "2024-01-01", "2025-02-28"), ("day before", "K", "2025-03-01", None),
            ("both", "S", "2024-01-01", None), ("both", "K", "2025-03-01", None),
            ("new", "K", "2025-03-01", None), ("kept", "S", "2024-01-01", None),
            ("back later", "S", "2024-01-01", "2025-03-01"), ("back later", "K", "2025-03-01", "2025-09-01"),
            ("back later", "S", "2025-09-01", None),
        )
    )  # fmt: skip
    assert sorted(found["account_id"]) == ["back later", "day before", "same day"]
    assert set(found["at"]) == {pd.Timestamp(dt.date(2025, 3, 1))}
    assert handovers(claims()).empty
