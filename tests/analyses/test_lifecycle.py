"""M-1.2: numbers by hand, verdicts around thresholds, the mix taken out, and companies that must not get a verdict."""

import datetime as dt
from collections.abc import Callable

import pytest

from kaanalysis.analyses.lifecycle import find
from kaanalysis.company import Company
from kaanalysis.policy import Policy

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
    found = find(made, policy)[0]
    month = 365.25 / 12
    assert found.number("rmst", "SMB").value == pytest.approx(195 / month)  # type: ignore[union-attr]
    assert found.number("rmst", "KA").value == pytest.approx(36)  # type: ignore[union-attr]
    assert found.number("rmst_difference").value == pytest.approx(36 - 195 / month)  # type: ignore[union-attr]
    # Half of 20 are gone once the tenth, of 190 days, is.
    assert found.number("lifetime_median", "SMB").value == pytest.approx(190 / month)  # type: ignore[union-attr]
    assert (found.state, found.terms["source"]) == ("supported", "subscriptions")
    # At 36 months all of the key accounts are under observation, and no small customer is left.
    followed = [found.number("followed_at_horizon", s) for s in ("SMB", "KA")]
    assert [(n.value, n.n, n.horizon_months) for n in followed if n is not None] == [(0, 20, 36), (20, 20, 36)]


def test_key_accounts_that_leave_sooner_contradict(company: Open, policy: Policy) -> None:
    made = lives(company, [(1500, 800 + i) for i in range(20)], [(1500, 100 + 10 * i) for i in range(20)])
    assert find(made, policy)[0].state == "contradicted"


@pytest.mark.parametrize(("n", "reason"), [(9, "too_few"), (10, "lifecycle_supported")])
def test_the_smallest_group_that_may_be_judged(n: int, reason: str, company: Open, policy: Policy) -> None:
    made = lives(company, [(1500, 100 + 10 * i) for i in range(20)], [(1200, None)] * n)
    assert find(made, policy)[0].reason == reason


def test_survivors_older_than_the_records_do_not_prove_long_lives(company: Open, policy: Policy) -> None:
    # All forty key accounts began 1000 days before records did. Whoever left within those 1000 days was never recorded.
    begin = AS_OF - dt.timedelta(days=400)
    ka: list[tuple[int, int | None]] = [(1400 + i, None) for i in range(40)]
    # One of them leaves under our eyes, so the curve has a variance and an interval, all from day 1000 on.
    made = lives(company, [(380 - i, 100 + 3 * i) for i in range(40)], [*ka, (1400, 1060)], observed_from=begin)
    found = find(made, policy)[0]
    assert found.number("rmst", "KA").low > 30  # type: ignore[union-attr, operator]
    assert (found.state, found.reason) == ("undecided", "too_few")


def test_a_horizon_that_nobody_reached_gives_no_verdict(company: Open, policy: Policy) -> None:
    made = lives(company, [(300, 100 + i) for i in range(20)], [(300, None)] * 20)
    found = find(made, policy)[0]
    assert (found.state, found.reason) == ("undecided", "follow_up_too_short")
    assert found.flips[0].policy == "lifecycle.horizon_months"
    assert found.number("rmst_difference_stratified").value is None  # type: ignore[union-attr]


def test_a_gap_that_the_mix_explains_is_no_verdict(company: Open, policy: Policy) -> None:
    """Finance customers stay 1100 days, others 300, whoever they are; key accounts sit in finance: a gap on the whole, none within."""
    accounts, rows = "account_id,segment,industry\n", "account_id,started_at,ended_at\n"
    start = AS_OF - dt.timedelta(days=1500)
    for segment, finance, others in (("SMB", 10, 60), ("KA", 40, 10)):
        for i in range(finance + others):
            in_finance = i < finance
            days = (1100 if in_finance else 300) + (i % 7) * (2 if segment == "SMB" else 1)
            accounts += f"{segment}{i},{segment},{'finance' if in_finance else 'retail'}\n"
            rows += f"{segment}{i},{start},{start + dt.timedelta(days=days)}\n"
    made = company(accounts=accounts, subscriptions=rows, opportunities="opportunity_id,account_id,outcome\n")
    found, _ = find(made, policy)
    assert found.number("rmst_difference").low > 0  # type: ignore[union-attr, operator]
    assert abs(found.number("rmst_difference_stratified").value) < 1  # type: ignore[union-attr, arg-type]
    assert (found.state, found.reason) == ("undecided", "lifecycle_mix")
    assert found.number("log_rank_p_value").value < 0.01  # type: ignore[union-attr, operator]
