"""M-D: the revenue bridge by hand, and which companies may be called siphons."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.analyses.failure_patterns import analyse, bridge_parts, judge
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

MONEY = st.floats(0, 1e9)


def test_bridge_by_hand() -> None:
    # 24 months since the launch, rates of 12 months before. New: 100. Taken over with 30 a year before: 60 were to come anyway,
    # of 100 won 60 are carried on, 40 on top. SMB still won 50 of it: only 10 carried on. Taken over, 500 a year: all carried on.
    frame = pd.DataFrame(
        {
            "won": [100, 100, 100, 100],
            "other_won": [0, 0, 50, 0],
            "before": [0, 30, 30, 500],
            "known_before": [0, 1, 1, 1],
        }
    )
    parts = bridge_parts(frame, 24, 12)
    assert parts["new"].tolist() == [100, 0, 0, 0]
    assert parts["carried_on"].tolist() == [0, 60, 10, 100]
    assert parts["on_top"].tolist() == [0, 40, 90, 0]


@given(rows=st.lists(st.tuples(MONEY, MONEY, MONEY, st.booleans()), min_size=1, max_size=8), months=st.floats(0, 60))
def test_parts_add_up_to_what_was_won_and_none_is_negative(rows, months) -> None:
    frame = pd.DataFrame(rows, columns=["won", "other_won", "before", "known_before"])
    parts = bridge_parts(frame.astype({"known_before": int}), months, 12)
    assert parts.sum(axis=1).to_numpy() == pytest.approx(frame["won"].to_numpy())
    assert (parts.to_numpy() >= 0).all()


@pytest.mark.parametrize(("low", "high", "n", "state"), [
    (0.51, 0.9, 30, "supported"), (0.5, 0.9, 30, "undecided"), (0.1, 0.49, 30, "contradicted"), (0.51, 0.9, 9, "undecided"),
    (None, None, 30, "undecided"),
])  # fmt: skip
def test_verdict_around_the_moved_share(low, high, n, state, policy: Policy) -> None:
    assert judge([Number("score", "KA", 0.5, low, high, 0.95, n, "share", "m")], policy)[0].state == state


def run(
    company: Callable[..., Company],
    policy: Policy,
    taken: int,
    new: int,
    *,
    smb_team: str = "S",
    group: bool = False,
    **toml: object,
):
    accounts = "account_id,parent_account_id\n" + "".join(
        f"A{i},{'A0' if group and i else ''}\n" for i in range(taken + new)
    )
    deals = "opportunity_id,account_id,team,outcome,created_at,closed_at,amount\nX,A0,K,lost,2020-01-01,2020-02-01,\n"
    for i in range(taken + new):
        deals += f"K{i},A{i},K,won,2025-01-01,2025-08-01,{100 + i}\n"
        deals += f"S{i},A{i},{smb_team},won,2024-01-01,2024-12-01,50\n" * (i < taken)
    made = company(
        {"ka_launch": dt.date(2025, 6, 30), **toml},
        accounts=accounts,
        opportunities=deals,
        teams="team,motion\nK,KA\nS,SMB\n",
    )
    return analyse(made, policy, {}).findings[0]


@pytest.mark.parametrize(
    ("taken", "new", "state"),
    [(36, 4, "supported"), (4, 36, "contradicted"), (20, 20, "undecided"), (4, 4, "undecided")],
)
def test_left_hand_to_right_hand(
    taken: int, new: int, state: str, company: Callable[..., Company], policy: Policy
) -> None:
    found = run(company, policy, taken, new)
    amounts = np.arange(100, 100 + taken + new)
    assert found.state == state
    assert found.number("score").value == pytest.approx(amounts[:taken].sum() / amounts.sum())  # type: ignore[union-attr]


def test_accounts_won_by_a_team_that_is_gone_are_taken_over_all_the_same(
    company: Callable[..., Company], policy: Policy
) -> None:
    for team in ("", "dissolved"):
        assert run(company, policy, 36, 4, smb_team=team).state == "supported"


def test_records_that_begin_after_the_year_before_the_launch_carry_no_verdict(
    company: Callable[..., Company], policy: Policy
) -> None:
    found = run(company, policy, 4, 36, observed_from=dt.date(2025, 1, 1))
    assert (found.state, found.needs) == ("no_data", ("company.observed_from",))
    assert run(company, policy, 4, 36, observed_from=dt.date(2024, 6, 30)).state == "contradicted"


def test_one_group_of_customers_is_one_unit(company: Callable[..., Company], policy: Policy) -> None:
    assert run(company, policy, 36, 4, group=True).state == "undecided"


def test_what_is_missing_is_named(company: Callable[..., Company], policy: Policy) -> None:
    found = analyse(company(), policy, {}).findings[0]
    assert found.state == "no_data"
    assert set(found.needs) >= {"teams.motion", "opportunities.team", "opportunities.amount", "company.ka_launch"}
