"""M-1.1: counts and concentration by hand, the verdict around its marks, lists that say nothing or that lean the same way."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import hypergeom

from kaanalysis.analyses.market import find, reach
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.stats import Overlap, population_size

Open = Callable[..., Company]


def register(
    company: Open,
    smb: tuple[int, int, int],
    ka: tuple[int, int, int],
    industry: Callable[[int, str], str] | None = None,
) -> Company:
    """(on both lists, only worked, only on the ranking) accounts of either segment."""
    rows = "account_id,segment,industry,ranked_on,created_at\n"
    for segment, (both, ours, theirs) in (("SMB", smb), ("KA", ka)):
        for i in range(both + ours + theirs):
            listed, worked = i < both or i >= both + ours, i < both + ours
            place = (
                industry(i, "list" if not worked else "ours" if not listed else "both")
                if industry
                else ("retail", "finance")[i % 2]
            )
            rows += f"{segment}{i},{segment},{place},{'list' if listed else ''},{'2024-01-01' if worked else ''}\n"
    return company(accounts=rows, opportunities="opportunity_id,account_id,outcome\n")


def test_chapman_and_the_verdict_by_hand(company: Open, policy: Policy) -> None:
    """SMB: (40 + 760 + 1) (40 + 160 + 1) / 41 - 1 = 3,926 in all. KA: (40 + 60 + 1) (40 + 40 + 1) / 41 - 1 = 199."""
    found, frames = find(register(company, (40, 760, 160), (40, 60, 40)), policy)
    assert found.number("accounts_known", "SMB").value == 960  # type: ignore[union-attr]
    assert found.number("accounts_estimated", "SMB").value == pytest.approx(801 * 201 / 41 - 1)  # type: ignore[union-attr]
    assert found.number("accounts_estimated", "KA").value == pytest.approx(101 * 81 / 41 - 1)  # type: ignore[union-attr]
    assert (found.state, found.reason) == ("supported", "market_supported")
    assert frames["market"].to_dict("records")[1] == {
        "segment": "KA",
        "known": 140,
        "worked": 100,
        "listed": 80,
        "both": 40,
    }
    # If both lists hold rather the same accounts, more are missing; the odds ratio at which key accounts are no longer few is a flip.
    flips = {f.policy: f for f in found.flips}
    assert set(flips) == {"market.large", "market.small", "market.dependence", "market.minimum_matches"}
    # Both have 40 accounts on both lists: asked for one more, there is no upper limit left for the key accounts.
    assert (flips["market.minimum_matches"].at, flips["market.minimum_matches"].to) == (41, "undecided")
    assert found.number("accounts_on_both_lists", "SMB").value == 40  # type: ignore[union-attr]


def test_the_interval_shown_is_the_one_judged_the_wider_of_both_readings(company: Open, policy: Policy) -> None:
    """Lists drawn up apart by industry: what the plain reading would call few is open within industries."""

    def industry(i: int, kind: str) -> str:
        return f"industry {i % 8}"

    found, _ = find(register(company, (30, 760, 160), (12, 60, 40), industry), policy)
    plain = population_size(Overlap(12, 60, 40))
    shown, inside = (found.number(n, "KA") for n in ("accounts_estimated", "accounts_estimated_stratified"))
    assert shown is not None and inside is not None and plain.high is not None
    assert shown.value == plain.value and shown.high == inside.high > plain.high  # type: ignore[operator]
    assert (shown.low, shown.high) == reach(found.numbers, "KA")


def test_few_matches_leave_the_lower_limit_alone(company: Open, policy: Policy) -> None:
    """6 of 7 asked for: no value, no upper limit. That small customers are many may still hold; that key accounts are few may not."""
    found, _ = find(register(company, (6, 1200, 60), (40, 60, 40)), policy)
    smb = found.number("accounts_estimated", "SMB")
    assert smb is not None and smb.value is None and smb.high is None and smb.low > 2000  # type: ignore[operator]
    assert found.state == "supported"
    open_, _ = find(register(company, (40, 760, 160), (6, 60, 4)), policy)
    assert (open_.state, open_.reason) == ("undecided", "few_matches")
    seven, _ = find(register(company, (40, 760, 160), (7, 60, 4)), policy)
    assert seven.state == "supported"


def test_lower_limits_hold_with_few_matches_and_upper_limits_do_not_by_the_hypergeometric_law(policy: Policy) -> None:
    """All ways in which two independent lists can overlap, with their chances: how often the limits lie on the wrong side of the truth."""
    least, low_wrong, high_wrong, high_wrong_kept = policy["market.minimum_matches"], [], [], []
    for size in (1000, 2000, 5000, 30_000):
        for first in (60, 600):
            for second in (10, 34, 200):
                matches = np.arange(max(0, first + second - size), min(first, second) + 1)
                chance = hypergeom.pmf(matches, size, first, second)
                low = high = kept = 0.0
                for both, weight in zip(matches, chance, strict=True):
                    limits = population_size(Overlap(int(both), int(first - both), int(second - both)))
                    if weight > 1e-9 and limits.low is not None and limits.high is not None:
                        low += weight * (limits.low > size)
                        high += weight * (limits.high < size)
                        kept += weight * (limits.high < size and both >= least)
                low_wrong.append(low)
                high_wrong.append(high)
                high_wrong_kept.append(kept)
    assert max(low_wrong) < 0.035  # nominal: 0.025
    assert max(high_wrong) > 0.15 > 0.06 > max(high_wrong_kept)


def test_a_market_that_is_nearly_all_known_contradicts(company: Open, policy: Policy) -> None:
    found, _ = find(register(company, (150, 760, 20), (40, 60, 40)), policy)
    assert (found.state, found.reason) == ("contradicted", "market_smb_contradicted")
    many, _ = find(register(company, (10, 3000, 100), (30, 1300, 400)), policy)
    assert many.reason == "market_ka_contradicted"


def test_a_list_inside_our_own_register_estimates_nothing(company: Open, policy: Policy) -> None:
    found, _ = find(register(company, (40, 760, 0), (40, 60, 40)), policy)
    assert (found.state, found.reason) == ("undecided", "one_list")
    assert found.number("accounts_estimated", "SMB").value is None  # type: ignore[union-attr]
    # Key accounts known beyond the mark are there for certain, list or no list.
    sure, _ = find(register(company, (40, 760, 100), (0, 1200, 0)), policy)
    assert sure.reason == "market_ka_known"


def test_no_list_at_all_is_no_data_with_the_counts(company: Open, policy: Policy) -> None:
    found, frames = find(register(company, (0, 80, 0), (0, 20, 0)), policy)
    assert (found.state, found.needs) == ("no_data", ("accounts.ranked_on",))
    assert found.number("accounts_known", "SMB").value == 80 and "market" not in frames  # type: ignore[union-attr]


def test_lists_that_both_prefer_one_industry_leave_it_undecided(company: Open, policy: Policy) -> None:
    def industry(i: int, kind: str) -> str:
        return "finance" if kind == "both" or i % 5 == 0 else "retail"

    found, _ = find(register(company, (60, 760, 160), (40, 60, 40), industry), policy)
    assert (found.state, found.reason) == ("undecided", "lists_uneven")


def test_concentration_is_of_all_won_value(company: Open, policy: Policy) -> None:
    accounts = "account_id,segment\n" + "".join(f"A{i},SMB\n" for i in range(20)) + "K,KA\n"
    deals = "opportunity_id,account_id,outcome,created_at,closed_at,amount\n"
    deals += "".join(f"O{i},A{i},won,2023-01-01,2023-05-01,{100 if i < 10 else 50}\n" for i in range(20))
    found, frames = find(company(accounts=accounts, opportunities=deals), policy)
    assert found.number("top10_share", "SMB").value == pytest.approx(1000 / 1500)  # type: ignore[union-attr]
    # Half hold two thirds: Gini = 2/3 - 1/2 = 1/6.
    assert found.number("gini", "SMB").value == pytest.approx(1 / 6)  # type: ignore[union-attr]
    assert frames["lorenz"].query("segment == 'SMB'")["held"].iloc[10] == pytest.approx(500 / 1500)
