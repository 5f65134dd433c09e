"""M-0.1: the decomposition is exact, each part by hand, and the verdict turns where its interval meets the stall rate."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.analyses.problem_framing import FACTORS, analyse, factor_parts, judge, log_mean
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

AMOUNT = st.floats(0.01, 1e9)
PERIOD = st.tuples(AMOUNT, st.integers(1, 10**6), st.integers(1, 10**6)) | st.just((0.0, 0, 0))


def arrays(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


@given(before=PERIOD, now=PERIOD)
def test_factors_add_up_to_the_change_also_where_a_period_is_empty(before, now) -> None:
    parts = factor_parts(*((arrays(a), arrays(b)) for a, b in zip(before, now, strict=True)))
    total = sum(parts[f][0] for f in FACTORS)
    assert total == pytest.approx(now[0] - before[0], rel=1e-9, abs=1e-9 * max(1, now[0], before[0]))
    assert all(np.isfinite(parts[f]).all() for f in FACTORS)


def test_one_factor_alone_gets_the_whole_change() -> None:
    # 10 customers x 2 deals x 5 = 100; twice the customers, the deals, the price: 200 each time.
    for factor, deals, customers in (("customers", 40, 20), ("deals_per_customer", 40, 10), ("price", 20, 10)):
        parts = factor_parts((arrays(100), arrays(200)), (arrays(20), arrays(deals)), (arrays(10), arrays(customers)))
        assert {f: pytest.approx(parts[f][0], abs=1e-9) for f in FACTORS} == {
            f: 100.0 if f == factor else 0.0 for f in FACTORS
        }


def test_ang_2004_weights_by_hand() -> None:
    # 100 → 300 with customers x 1.5, deals per customer x 1, price x 2; L = 200 / ln 3.
    parts = factor_parts((arrays(100), arrays(300)), (arrays(10), arrays(15)), (arrays(10), arrays(15)))
    weight = 200 / np.log(3)
    assert parts["customers"][0] == pytest.approx(weight * np.log(1.5))
    assert parts["price"][0] == pytest.approx(weight * np.log(2))


@given(a=AMOUNT, b=AMOUNT)
def test_the_logarithmic_mean_lies_between_its_two_and_is_symmetric(a: float, b: float) -> None:
    mean = log_mean(arrays(a), arrays(b))[0]
    assert min(a, b) * (1 - 1e-9) <= mean <= max(a, b) * (1 + 1e-9)
    assert mean == pytest.approx(log_mean(arrays(b), arrays(a))[0], rel=1e-6)
    assert log_mean(arrays(a), arrays(a))[0] == a and log_mean(arrays(0), arrays(a))[0] == 0


def rows(before: list[float], now: list[float]) -> tuple[str, str]:
    """One account per place; 0 = nothing won in that year."""
    deals = "opportunity_id,account_id,outcome,created_at,closed_at,amount\nX,A0,lost,2023-01-01,2023-01-02,\n"
    for i, (a, b) in enumerate(zip(before, now, strict=True)):
        deals += f"B{i},A{i},won,2024-01-01,2024-05-01,{a}\n" * (
            a > 0
        ) + f"N{i},A{i},won,2025-01-01,2025-05-01,{b}\n" * (b > 0)
    return "account_id,segment\n" + "".join(f"A{i},SMB\n" for i in range(len(before))), deals


def run(company: Callable[..., Company], policy: Policy, before: list[float], now: list[float], **toml: object):
    accounts, deals = rows(before, now)
    return analyse(company(toml, accounts=accounts, opportunities=deals), policy, {})


def test_bridge_by_hand_and_its_parts_add_up(company: Callable[..., Company], policy: Policy) -> None:
    # Stayed: 10 → 16 and 20 → 14 (+0); lost: 5; new: 7 and 9. Before 35, now 46.
    finding = run(company, policy, [10, 20, 5, 0, 0], [16, 14, 0, 7, 9]).findings[0]
    value = {n.name: n.value for n in finding.numbers if n.segment == "SMB"}
    assert (value["retained"], value["new"], value["lost"]) == pytest.approx((0, 16, -5))
    assert (
        value["retained"] + value["new"] + value["lost"]
        == pytest.approx(value["revenue_now"] - value["revenue_before"])
        == pytest.approx(11)
    )
    assert sum(value[f] for f in FACTORS) == pytest.approx(11)
    assert value["growth_rate"] == pytest.approx(11 / 35)
    assert finding.state == "undecided" and finding.reason == "too_few"


def test_a_base_that_halves_has_stalled_one_that_doubles_has_not(
    company: Callable[..., Company], policy: Policy
) -> None:
    amounts = [float(10 + i % 7) for i in range(40)]
    assert (
        run(company, policy, amounts, [a * (0.4 + 0.01 * (i % 9)) for i, a in enumerate(amounts)]).findings[0].state
        == "supported"
    )
    assert (
        run(company, policy, amounts, [a * (2 + 0.01 * (i % 9)) for i, a in enumerate(amounts)]).findings[0].state
        == "contradicted"
    )
    assert (
        run(company, policy, amounts, [a * (0.4 + 1.2 * (i % 2)) for i, a in enumerate(amounts)]).findings[0].state
        == "undecided"
    )


def test_one_customer_group_is_one_unit_and_gives_no_interval(company: Callable[..., Company], policy: Policy) -> None:
    accounts, deals = rows([10.0] * 20, [20.0] * 20)
    grouped = "account_id,segment,parent_account_id\n" + "".join(f"A{i},SMB,{'A0' if i else ''}\n" for i in range(20))
    finding = analyse(company(accounts=grouped, opportunities=deals), policy, {}).findings[0]
    assert finding.state == "undecided" and finding.number("growth_rate", "SMB").low is None  # type: ignore[union-attr]
    # The same twenty as customers of their own, all growing alike: nothing varies, which is no certainty either.
    assert analyse(company(accounts=accounts, opportunities=deals), policy, {}).findings[0].state == "undecided"


def test_records_that_do_not_cover_two_periods_give_no_verdict(company: Callable[..., Company], policy: Policy) -> None:
    for day, short in ((dt.date(2023, 12, 31), False), (dt.date(2024, 1, 1), True)):
        finding = run(company, policy, [10.0] * 20, [float(i + 20) for i in range(20)], observed_from=day).findings[0]
        assert (finding.reason == "history_too_short") == short and (
            not short or finding.needs == ("company.observed_from",)
        )


@pytest.mark.parametrize(("low", "high", "state"), [
    (-0.3, -0.01, "supported"), (-0.3, 0.0, "undecided"), (0.0, 0.2, "undecided"), (0.01, 0.2, "contradicted"), (None, None, "undecided"),
])  # fmt: skip
def test_verdict_at_and_around_the_stall_rate(low, high, state, policy: Policy) -> None:
    rate = Number("growth_rate", "SMB", 0.0, low, high, 0.95, 40, "share per period", "m")
    assert judge([rate], policy)[0].state == state
    few = Number("growth_rate", "SMB", 0.0, low, high, 0.95, 9, "share per period", "m")
    assert judge([few], policy)[0].reason == "too_few"
