"""The divergence of product mixes: closed forms, quadrature against simulation, and coverage with few order lines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import xlogy

from kaanalysis.stats import likeness_permutation, need_distance, need_distance_difference
from kaanalysis.stats.composition import dirichlet_divergence

BASE = 1 / np.arange(1, 9)
MIX = BASE / BASE.sum()


def company(g, accounts, concentration, orders, lines, mix=MIX):
    """One entry per account, order and product."""
    needs = g.dirichlet(concentration * mix, accounts)
    rows = []
    for account in range(accounts):
        for order in range(g.integers(1, orders + 1)):
            drawn = g.multinomial(g.integers(lines[0], lines[1] + 1), needs[account])
            rows += [(account, f"{account} {order}", product, drawn[product]) for product in np.flatnonzero(drawn)]
    return [np.array(column, dtype=object) for column in zip(*rows, strict=True)]


def test_limits_of_the_divergence():
    assert dirichlet_divergence(0, MIX) == 0
    assert dirichlet_divergence(1, MIX) == pytest.approx(1 - MIX @ MIX)  # two customers of one product each
    assert dirichlet_divergence(0.999999, MIX) == pytest.approx(1 - MIX @ MIX, abs=1e-3)
    assert dirichlet_divergence(0.5, [1.0]) == 0  # one product: nothing to differ in
    # Nearly equal mixes: rho (k - 1) / (4 ln 2), the same from quadrature just above the switch.
    assert dirichlet_divergence(0.00101, MIX) == pytest.approx(0.00101 * 7 / (4 * np.log(2)), rel=0.01)
    for wrong in ({"likeness": 1.1, "mix": MIX}, {"likeness": 0.5, "mix": [0.5, 0.4]}):
        with pytest.raises(ValueError, match="must"):
            dirichlet_divergence(**wrong)


@pytest.mark.parametrize("concentration", [0.05, 1.0, 6.0, 40.0])
def test_quadrature_against_simulation(concentration):
    g = np.random.default_rng(3)
    a, b = g.dirichlet(concentration * MIX, 60_000), g.dirichlet(concentration * MIX, 60_000)

    def entropy(p):
        return -xlogy(p, p).sum(axis=1) / np.log(2)

    each = entropy((a + b) / 2) - (entropy(a) + entropy(b)) / 2
    assert dirichlet_divergence(1 / (1 + concentration), MIX) == pytest.approx(
        each.mean(), abs=4 * each.std() / np.sqrt(len(each))
    )


def test_likeness_by_hand():
    """Two accounts, two orders of one line each: A buys x and x (same 1 of 1), B buys x and y (0 of 1), so within = 1/2. Between:
    A's mix (1, 0) times B's (1/2, 1/2) = 1/2. Likeness (1/2 - 1/2) / (1 - 1/2) = 0."""
    found = need_distance(["A", "A", "B", "B"], ["1", "2", "3", "4"], ["x", "x", "x", "y"], [1, 1, 1, 1])
    assert found.likeness == pytest.approx(0) and found.estimate.value == 0 and found.estimate.low is None
    # Each account its own product: within 1, between 0, likeness 1, and the divergence of pure customers 1 - Σ π² = 1/2.
    pure = need_distance(["A", "A", "B", "B"], ["1", "2", "3", "4"], ["x", "x", "y", "y"], [2, 1, 1, 3])
    assert pure.likeness == pytest.approx(1) and pure.estimate.value == pytest.approx(0.5)


def test_lines_of_one_order_do_not_count_as_coming_back():
    """One order with ten lines of one product says nothing of what the account will want next time."""
    found = need_distance(["A", "B", "C"], ["1", "2", "3"], ["x", "y", "x"], [10, 10, 10])
    assert found.estimate.value is None and "two orders" in found.estimate.method


def test_entries_may_come_split_and_in_any_order():
    g = np.random.default_rng(5)
    account, order, product, lines = company(g, 30, 3.0, 3, (2, 5))
    at = g.permutation(len(account))
    split = [np.repeat(column, lines.astype(int)) for column in (account, order, product)]
    whole = need_distance(account, order, product, lines).estimate
    assert need_distance(account[at], order[at], product[at], lines[at]).estimate.value == pytest.approx(whole.value)
    again = need_distance(*split, np.ones(len(split[0]))).estimate
    assert (again.value, again.low, again.high) == pytest.approx((whole.value, whole.low, whole.high))


def test_few_lines_do_not_make_needs_look_different():
    """The plain divergence of accounts that all need the same is large with two lines each; this one is not."""
    found = need_distance(*company(np.random.default_rng(6), 400, 1e7, 3, (1, 2))).estimate
    assert found.value < 0.05 and found.low == 0


def test_coverage_with_one_to_six_lines_an_order():
    """200 companies each: what SMB and KA look like."""
    g = np.random.default_rng(7)
    for accounts, concentration, orders, lines in ((250, 40.0, 2, (1, 2)), (50, 4.0, 4, (2, 6))):
        there, hits = dirichlet_divergence(1 / (1 + concentration), MIX), []
        for _ in range(200):
            found = need_distance(*company(g, accounts, concentration, orders, lines)).estimate
            hits.append(found.low <= there <= found.high)
        assert np.mean(hits) == pytest.approx(0.95, abs=0.04)


def test_coverage_where_accounts_of_a_group_buy_alike():
    """Four accounts of a group share their needs: taken as one cluster, the interval holds; taken as four, it would not."""
    g = np.random.default_rng(8)
    there, hits, naive = dirichlet_divergence(1 / 5, MIX), [], []
    for _ in range(60):
        group, order, product, lines = company(g, 40, 4.0, 24, (5, 9))
        account = np.array([f"{a} {int(o.split()[1]) // 6}" for a, o in zip(group, order, strict=True)], dtype=object)
        for clusters, out in ((group, hits), (None, naive)):
            found = need_distance(account, order, product, lines, clusters).estimate
            out.append(found.low <= there <= found.high)
    assert np.mean(hits) > 0.9 > np.mean(naive)


def test_difference_adds_in_squares_and_counts_a_shared_group_once():
    g = np.random.default_rng(9)
    a, b = (need_distance(*company(g, n, c, 3, (2, 4))) for n, c in ((60, 3.0), (80, 20.0)))
    apart = need_distance_difference(a, type(b)(b.estimate, {("b", k): v for k, v in b.shifts.items()}, b.likeness))
    reach = np.sqrt(sum(s**2 for d in (a, b) for s in d.shifts.values()))
    assert apart.value == pytest.approx(a.estimate.value - b.estimate.value)
    assert (apart.high - apart.low) / 2 == pytest.approx(1.98 * reach, rel=0.02)
    same = need_distance_difference(a, a)
    assert same.value == 0 and same.low is None  # nothing left that could vary
    nothing = need_distance([], [], [], [])
    assert nothing.estimate.value is None and need_distance_difference(a, nothing).value is None


def test_permutation_is_calibrated_and_sees_a_difference():
    g = np.random.default_rng(10)
    levels = []
    for run in range(60):
        account, order, product, lines = company(g, 60, 4.0, 3, (2, 4))
        group = np.where(account.astype(int) < 25, "KA", "SMB")
        levels.append(likeness_permutation(account, order, product, lines, account, group, draws=99, seed=run).p_value)
    assert 0.35 < np.mean(levels) < 0.65 and np.mean(np.array(levels) <= 0.1) < 0.25
    first, second = company(g, 80, 2.0, 4, (2, 5)), company(g, 80, 60.0, 4, (2, 5))
    joined = [np.concatenate([x, y]) for x, y in zip(first, second, strict=True)]
    joined[0][len(first[0]) :] += 1000
    group = np.repeat(["KA", "SMB"], [len(first[0]), len(second[0])])
    found = likeness_permutation(*joined, joined[0], group, draws=199)
    assert found.p_value <= 0.01 and found.statistic < 0  # the second label's orders are less alike
    with pytest.raises(ValueError, match="one group"):
        likeness_permutation(["A", "A"], ["1", "2"], ["x", "y"], [1, 1], ["A", "A"], ["KA", "SMB"])
    assert likeness_permutation(["A"], ["1"], ["x"], [1], ["A"], ["KA"]).p_value is None


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=30
    )
)
@settings(max_examples=80, deadline=None)
def test_always_within_its_range(rows):
    account, order, product, lines = (np.array(c, dtype=object) for c in zip(*rows, strict=True))
    found = need_distance(account, order, product, lines).estimate
    if found.value is not None:
        assert 0 <= found.value <= 1
        assert found.low is None or 0 <= found.low <= found.value <= found.high <= 1


def test_lines_of_zero_are_refused():
    with pytest.raises(ValueError, match="lines must be above 0"):
        need_distance(["A"], ["1"], ["x"], [0])
