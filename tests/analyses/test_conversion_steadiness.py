"""M-3.1's second half: periods by hand, equal follow-up, and companies that are steady and that are not."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest

from kaanalysis import aggregates
from kaanalysis.analyses.conversion_steadiness import borders, measure
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

Open = Callable[..., Company]
ACCOUNTS = "account_id,segment\nS,SMB\n"
HEAD = "opportunity_id,account_id,owner,created_at,closed_at,outcome\n"


def test_borders_are_calendar_quarters_that_end_where_follow_up_begins() -> None:
    found = borders(dt.date(2025, 12, 31), dt.date(2024, 10, 2), 3, 6)
    assert found == [dt.date(2025, 1, 1), dt.date(2025, 4, 1), dt.date(2025, 7, 1)]
    assert borders(dt.date(2025, 12, 31), dt.date(2024, 10, 1), 3, 6)[0] == dt.date(2024, 10, 1)
    assert borders(dt.date(2025, 12, 31), dt.date(2025, 5, 1), 3, 6) == [dt.date(2025, 7, 1)]


def found_in(company: Company, policy: Policy) -> tuple[dict[str, Number], dict]:  # type: ignore[type-arg]
    deals = aggregates.deal_times(company, policy)
    numbers, frames = measure(company, deals[deals["segment"] == "SMB"], "SMB", policy)
    return {n.name: n for n in numbers}, frames


def rows(shares: list[int], per: int = 100, delay: int = 20) -> str:
    """Quarters back from 2025-06-30, the last first: so many of `per` deals won after `delay` days, the rest lost."""
    lines = []
    for back, won in enumerate(shares):
        year, quarter = divmod(2025 * 4 + 1 - back, 4)
        for i in range(per):
            opened = dt.date(year, 3 * quarter + 1, 1 + i % 28)
            closed = opened + dt.timedelta(days=delay if i < won else 5)
            lines.append(f"O{back}-{i},S,seller{i * 7 % 11},{opened},{closed},{'won' if i < won else 'lost'}\n")
    return HEAD + "".join(lines)


def test_periods_by_hand_and_a_quarter_that_stands_out(company: Open, policy: Policy) -> None:
    opened = company(accounts=ACCOUNTS, opportunities=rows([15, 14, 16, 40, 15, 15]))
    numbers, frames = found_in(opened, policy)
    frame = frames["steadiness"]
    assert frame["start"].tolist()[0] == "2024-01-01" and frame["until"].tolist()[-1] == "2025-06-30"
    assert frame["won"].tolist() == [15, 15, 40, 16, 14, 15] and (frame["deals"] == 100).all()
    assert frame["outside"].tolist() == [False, False, True, False, False, False]
    assert frame["follow_up_days"].iloc[0] == (dt.date(2025, 12, 31) - dt.date(2025, 6, 30)).days
    assert numbers["periods_outside"].value == 1 and numbers["periods_outside"].n == 6
    p_value = numbers["conversion_periods_p_value"].value
    assert p_value is not None and p_value < 0.001


def test_a_win_after_the_common_follow_up_counts_in_no_period(company: Open, policy: Policy) -> None:
    # Old deals had time to be won after a year; young ones had not. Followed equally long, all periods are alike.
    # 184 days from the last opening to as_of.
    for delay, won in ((184, 15), (185, 0)):
        text = rows([15, 15, 15, 15], delay=delay) + rows([0, 9])[len(HEAD) :].replace("O", "Q")
        _, frames = found_in(company(accounts=ACCOUNTS, opportunities=text), policy)
        assert frames["steadiness"]["won"].tolist() == [won, won, won + 9, won]
    numbers, _ = found_in(company(accounts=ACCOUNTS, opportunities=rows([15, 15, 15, 15])), policy)
    found = numbers["conversion_stability"]
    assert found.value == found.low == 0 and found.high is not None and found.high > 0.01


def test_a_period_with_few_deals_is_left_out_and_counted(company: Open, policy: Policy) -> None:
    text = rows([15, 14, 16, 15]) + "X,S,a,2024-04-01,2024-05-09,lost\n"
    numbers, frames = found_in(company(accounts=ACCOUNTS, opportunities=text), policy)
    assert len(frames["steadiness"]) == 4
    assert "1 periods with too few deals left out" in numbers["conversion_stability"].method


@pytest.mark.parametrize(("spread", "steady"), [(0.0, True), (0.12, False)])
def test_steady_and_unsteady_companies_are_told_apart(
    spread: float, steady: bool, company: Open, policy: Policy
) -> None:
    g = np.random.default_rng(3)
    shares = np.clip(15 + 100 * spread * g.standard_normal(16), 1, 90)
    counts = g.binomial(600, shares / 100).tolist()
    numbers, _ = found_in(company(accounts=ACCOUNTS, opportunities=rows(counts, per=600)), policy)
    found, mark = numbers["conversion_stability"], policy["conversion.steady"]
    assert found.low is not None and found.high is not None
    assert (found.high < mark) if steady else (found.low > mark)
