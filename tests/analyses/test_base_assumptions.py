"""M-1.2 and M-1.4: numbers by hand, verdicts around thresholds, and companies that must not get a verdict."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest

from kaanalysis.analyses.base_assumptions import analyse, judge_spend
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

Open = Callable[..., Company]
AS_OF = dt.date(2025, 12, 31)


def lives(
    company: Open, smb: list[tuple[int, int | None]], ka: list[tuple[int, int | None]], **toml: object
) -> Company:
    """(began so many days before as_of, lasted so many days; None = running) per account."""
    accounts, rows = "account_id,segment\n", "account_id,started_at,ended_at\n"
    for segment, group in (("SMB", smb), ("KA", ka)):
        for i, (ago, days) in enumerate(group):
            start = AS_OF - dt.timedelta(days=ago)
            accounts += f"{segment}{i},{segment}\n"
            rows += f"{segment}{i},{start},{'' if days is None else start + dt.timedelta(days=days)}\n"
    return company(toml, accounts=accounts, subscriptions=rows, opportunities="opportunity_id,account_id,outcome\n")


def test_restricted_means_by_hand(company: Open, policy: Policy) -> None:
    # SMB: 20 lives of 100 … 290 days, all seen to their end: mean 195 days. KA: 20 running for 1200 days: 36 months, all of it.
    made = lives(company, [(1500, 100 + 10 * i) for i in range(20)], [(1200, None)] * 20)
    found = analyse(made, policy, {}).finding("M-1.2")
    month = 365.25 / 12
    assert found.number("rmst", "SMB").value == pytest.approx(195 / month)  # type: ignore[union-attr]
    assert found.number("rmst", "KA").value == pytest.approx(36)  # type: ignore[union-attr]
    assert found.number("rmst_difference").value == pytest.approx(36 - 195 / month)  # type: ignore[union-attr]
    # Half of 20 are gone once the tenth, of 190 days, is.
    assert found.number("lifetime_median", "SMB").value == pytest.approx(190 / month)  # type: ignore[union-attr]
    assert (found.state, found.terms["source"]) == ("supported", "subscriptions")


def test_key_accounts_that_leave_sooner_contradict(company: Open, policy: Policy) -> None:
    made = lives(company, [(1500, 800 + i) for i in range(20)], [(1500, 100 + 10 * i) for i in range(20)])
    assert analyse(made, policy, {}).finding("M-1.2").state == "contradicted"


@pytest.mark.parametrize(("n", "reason"), [(9, "too_few"), (10, "lifecycle_supported")])
def test_the_smallest_group_that_may_be_judged(n: int, reason: str, company: Open, policy: Policy) -> None:
    made = lives(company, [(1500, 100 + 10 * i) for i in range(20)], [(1200, None)] * n)
    assert analyse(made, policy, {}).finding("M-1.2").reason == reason


def test_survivors_older_than_the_records_do_not_prove_long_lives(company: Open, policy: Policy) -> None:
    # All forty key accounts began 1000 days before records did. Whoever left within those 1000 days was never recorded.
    begin = AS_OF - dt.timedelta(days=400)
    ka: list[tuple[int, int | None]] = [(1400 + i, None) for i in range(40)]
    # One of them leaves under our eyes, so the curve has a variance and an interval, all from day 1000 on.
    made = lives(company, [(380 - i, 100 + 3 * i) for i in range(40)], [*ka, (1400, 1060)], observed_from=begin)
    found = analyse(made, policy, {}).finding("M-1.2")
    assert found.number("rmst", "KA").low > 30  # type: ignore[union-attr, operator]
    assert (found.state, found.reason) == ("undecided", "too_few")


def test_a_horizon_that_nobody_reached_gives_no_verdict(company: Open, policy: Policy) -> None:
    made = lives(company, [(300, 100 + i) for i in range(20)], [(300, None)] * 20)
    found = analyse(made, policy, {}).finding("M-1.2")
    assert (found.state, found.reason) == ("undecided", "follow_up_too_short")
    assert found.flips[0].policy == "lifecycle.horizon_months"


def spend(company: Open, smb: list[float], ka: list[float]) -> Company:
    accounts, deals = "account_id,segment\n", "opportunity_id,account_id,outcome,created_at,closed_at,amount\n"
    for segment, amounts in (("SMB", smb), ("KA", ka)):
        for i, amount in enumerate(amounts):
            accounts += f"{segment}{i},{segment}\n"
            deals += f"{segment}{i},{segment}{i},won,2025-01-01,2025-05-01,{amount}\n"
    return company(accounts=accounts, opportunities=deals)


WIDE = [float(np.exp(1.5 * z)) * 100 for z in np.linspace(-2, 2, 40)]
EVEN = [float(np.exp(0.2 * z)) * 1000 for z in np.linspace(-2, 2, 40)]


def test_spend_by_hand_and_its_verdict(company: Open, policy: Policy) -> None:
    found = analyse(spend(company, WIDE, EVEN), policy, {}).finding("M-1.4")
    assert found.state == "supported"
    # Both are symmetric in the log, so the medians are the means of the two middle ones and their ratio is about 10.
    middle = [(v[19] + v[20]) / 2 for v in (WIDE, EVEN)]
    assert found.number("spend_median", "SMB").value == pytest.approx(middle[0])  # type: ignore[union-attr]
    assert found.number("spend_ratio").value == pytest.approx(middle[1] / middle[0])  # type: ignore[union-attr]
    sd = np.std(np.log(WIDE), ddof=1)
    assert found.number("spend_dispersion", "SMB").value == pytest.approx(sd, rel=0.02)  # type: ignore[union-attr]
    gap = found.number("dispersion_difference").value  # type: ignore[union-attr]
    assert gap == pytest.approx(np.std(np.log(EVEN), ddof=1) - sd, rel=0.02)


@pytest.mark.parametrize(("smb", "ka", "reason"), [
    (EVEN, [a / 10 for a in WIDE], "spend_level_contradicted"),
    ([a / 100 for a in EVEN], WIDE, "spend_evenness_contradicted"),
    (WIDE, [a / 50 for a in EVEN], "spend_level_contradicted"),
])  # fmt: skip
def test_one_half_of_the_claim_failing_contradicts_it(smb, ka, reason, company: Open, policy: Policy) -> None:
    found = analyse(spend(company, smb, ka), policy, {}).finding("M-1.4")
    assert (found.state, found.reason) == ("contradicted", reason)


def numbers(ratio: tuple[float, float], gap: tuple[float, float], n: int = 30) -> list[Number]:
    return [
        Number("spend_median", "SMB", 1, 1, 1, 0.95, n, "CNY", "m"), Number("spend_median", "KA", 1, 1, 1, 0.95, n, "CNY", "m"),
        Number("spend_ratio", "KA-SMB", 3, *ratio, 0.95, 2 * n, "ratio", "m"), 
        Number("dispersion_difference", "KA-SMB", -1, *gap, 0.95, 2 * n, "log units", "m"),
    ]  # fmt: skip


@pytest.mark.parametrize(("ratio", "gap", "state"), [
    ((2.1, 9), (-1, -0.1), "supported"), ((2.0, 9), (-1, -0.1), "undecided"), ((2.1, 9), (-1, 0.0), "undecided"),
    ((1, 1.9), (-1, -0.1), "contradicted"), ((2.1, 9), (0.1, 1), "contradicted"), ((1, 9), (0.1, 1), "contradicted"),
])  # fmt: skip
def test_spend_at_and_around_its_thresholds(ratio, gap, state, policy: Policy) -> None:
    assert judge_spend(numbers(ratio, gap), policy)[0].state == state
    assert judge_spend(numbers(ratio, gap, 9), policy)[0].reason == "too_few"
