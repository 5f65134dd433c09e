"""M-0: the trend of revenue per head and the price along the chain, by hand."""

from collections.abc import Callable

import pytest

from kaanalysis.analyses.growth_by_heads import chain_cost, find, judge
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

Open = Callable[..., Company]


def teams(
    company: Open, rise: float, motions: tuple[str, ...] = ("SMB", "SMB", "SMB", "SMB"), years: int = 4
) -> Company:
    """What is won per head rises by `rise` a year, a little more in one team and less in another; heads grow by one a year; costs are
    fixed. In the last year every head wins 10,000 at rise 0."""
    listed = "team,motion\n" + "".join(f"t{i},{m}\n" for i, m in enumerate((*motions, "KA")))
    rows, accounts = "team,month,sellers,cost,support_cost\n", "account_id,segment\n"
    deals = "opportunity_id,account_id,team,outcome,created_at,closed_at,amount\n"
    for i in range(len(motions)):
        for year in range(years):
            heads, per_head = 10 + year, 10_000 * (1 + rise + 0.004 * (i - 1.5)) ** (year - years + 1)
            for month in range(1, 13):
                rows += f"t{i},{2026 - years + year}-{month:02d}-01,{heads},{heads * 100},{heads * 50}\n"
            for k in range(heads):
                deals += f"O{i}-{year}-{k},A{i}-{k},t{i},won,2020-01-01,{2026 - years + year}-05-01,{per_head:.6f}\n"
        accounts += "".join(f"A{i}-{k},SMB\n" for k in range(10 + years))
    for month in range(1, 13):
        rows += f"t{len(motions)},2025-{month:02d}-01,2,400,200\n"
    deals += "".join(f"K{i},K{i},t{len(motions)},won,2025-01-01,2025-05-01,4000\n" for i in range(12))
    # A key account that a small-customer team won would be a windfall of a million: it does not count.
    deals += "X,X,t0,won,2025-01-01,2025-05-01,1000000\n"
    accounts += "".join(f"K{i},KA\n" for i in range(12)) + "X,KA\n"
    return company(accounts=accounts, teams=listed, team_months=rows, opportunities=deals)


@pytest.mark.parametrize(
    ("rise", "state"), [(-0.05, "supported"), (0.0, "supported"), (0.12, "contradicted"), (0.03, "undecided")]
)
def test_the_trend_within_teams_decides(rise: float, state: str, company: Open, policy: Policy) -> None:
    found, frames = find(teams(company, rise), policy)
    assert found.state == state
    assert found.number("revenue_per_head_growth").value == pytest.approx(rise, abs=1e-3)  # type: ignore[union-attr]
    assert len(frames["head_years"].query("motion == 'SMB'")) == 16


def test_the_price_of_growth_by_hand(company: Open, policy: Policy) -> None:
    """52 deals of 10,000 by 4 teams of 13: 10,000 a head. A head costs 1,200 and 600 of support; a manager of 1.5 sellers' cost leads
    eight (225), three months of training (300): 2,325 for 10,000. Key accounts, by the same links: 2 heads, 48,000; 4,800 of cost, 900 for
    managers, 1,200 of training, 2,400 of support."""
    found, frames = find(teams(company, 0.0), policy)
    assert found.number("revenue_per_head", "SMB").value == pytest.approx(10_000)  # type: ignore[union-attr]
    assert found.number("cost_of_growth", "SMB").value == pytest.approx(0.2325)  # type: ignore[union-attr]
    assert found.number("cost_of_growth", "KA").value == pytest.approx(9300 / 48_000)  # type: ignore[union-attr]
    low, high = found.number("cost_of_growth", "SMB").low, found.number("cost_of_growth", "SMB").high  # type: ignore[union-attr]
    assert low < 0.2325 < high
    assert found.terms["price"] == "both"
    chain = frames["chain_cost"].query("motion == 'SMB'").set_index("link")["cost_per_head"]
    by_hand = {"seller": 1200, "manager": 225, "training": 300, "support": 600}
    assert chain.to_dict() == pytest.approx(by_hand) and chain_cost(1200, 600, policy) == pytest.approx(by_hand)


def test_a_year_that_is_not_whole_does_not_count(company: Open, policy: Policy) -> None:
    one = find(teams(company, 0.1, years=1), policy)[0]
    assert (one.state, one.reason) == ("undecided", "history_too_short")


def test_what_is_missing_is_named(company: Open, policy: Policy) -> None:
    assert {"team_months.sellers", "team_months.cost", "teams.motion"} <= set(find(company(), policy)[0].needs)
    no_smb = find(teams(company, 0.1, ("channel", "channel")), policy)[0]
    assert (no_smb.state, no_smb.reason) == ("no_data", "no_team_years")


def test_no_interval_is_no_verdict(policy: Policy) -> None:
    trend = Number("revenue_per_head_growth", "SMB", 0.1, None, None, 0.95, 4, "share per year", "m")
    assert judge([trend], policy)[0].state == "undecided"
