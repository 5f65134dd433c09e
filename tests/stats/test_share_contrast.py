"""Contrasts of shares: equal to Wilson's and Newcombe's intervals where those apply, and covering where events are rare or clustered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.stats import design_effect, newcombe_difference, share_contrast, wilson

CELL = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def contrast(cells, weights, effects=None):
    return share_contrast([c[0] for c in cells], [c[1] for c in cells], weights, effects or [1] * len(cells), "m")


@given(CELL)
def test_one_share_has_the_interval_of_wilson(cell):
    found, authority = contrast([cell], [1]).interval(0.95), wilson(*cell)
    assert (found.value, found.low, found.high) == pytest.approx(
        (authority.value, authority.low, authority.high), abs=1e-12
    )


@given(CELL, CELL)
def test_two_shares_have_the_interval_of_newcombe(a, b):
    found, authority = contrast([a, b], [1, -1]).interval(0.9), newcombe_difference(*a, *b, 0.9)
    assert (found.low, found.high) == pytest.approx((authority.low, authority.high), abs=1e-12)


def test_newcombes_published_example():
    # Newcombe 1998b, table II, method 10, example (a): 56 of 70 and 48 of 80: 0.2, from 0.0524 to 0.3339.
    found = contrast([(56, 70), (48, 80)], [1, -1]).interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_a_difference_in_differences_by_hand():
    # 10 of 20, none of 50, 5 of 100, 5 of 100: 0.5 - 0 - 0.05 + 0.05.
    found = contrast([(10, 20), (0, 50), (5, 100), (5, 100)], [1, -1, -1, 1])
    assert found.value == pytest.approx(0.5) and found.units == 270
    parts = [wilson(10, 20), wilson(0, 50), wilson(5, 100), wilson(5, 100)]
    low = 0.5 - np.sqrt(
        (0.5 - parts[0].low) ** 2 + parts[1].high ** 2 + (parts[2].high - 0.05) ** 2 + (0.05 - parts[3].low) ** 2
    )
    assert found.interval(0.95).low == pytest.approx(low)


@given(st.lists(CELL, min_size=4, max_size=4), st.floats(-0.6, 0.6), st.floats(0.8, 0.99))
def test_tests_and_intervals_say_the_same(cells, margin, level):
    found = contrast(cells, [1, -1, -1, 1])
    tail, interval = (1 - level) / 2, found.interval(level)
    assert found.p_above(margin) + found.p_below(margin) == pytest.approx(1)
    if min(abs(interval.low - margin), abs(interval.high - margin)) > 1e-6:
        assert (found.p_above(margin) < tail) == (interval.low > margin)
        assert (found.p_below(margin) < tail) == (interval.high < margin)


def test_a_share_of_none_is_no_certainty():
    found = contrast([(0, 20)], [1])
    # Wilson's upper limit z² / (n + z²) is 0.1 at z² = 20 / 9.
    assert found.p_below(0.1) == pytest.approx(0.0680, abs=1e-4) and found.p_above(0.0) == pytest.approx(0.5)


def test_clusters_that_agree_count_as_one_unit_each():
    # Four clusters of five units alike, two all yes, two all no: residual sums ± 2.5, variance 4/3 · 25/400, binomial 0.25 / 20.
    event = np.repeat([1, 0, 1, 0], 5)
    assert design_effect(event, np.repeat(list("abcd"), 5)) == pytest.approx(4 / 3 * 25 / 400 * 80)
    assert design_effect(event, np.arange(20)) == pytest.approx(
        20 / 19
    )  # units of their own: the factor n / (n - 1) alone
    assert design_effect(event, ["a"] * 20) == 1 and design_effect(np.zeros(20), np.arange(20)) == 1
    # 20 units at a design effect of 4 are five.
    assert contrast([(8, 20)], [1], [4.0]).limits(1.96) == pytest.approx(contrast([(2, 5)], [1]).limits(1.96))


@pytest.mark.parametrize("spread", [0.0, 1.5])
def test_limits_cover_rare_and_clustered_changes(spread):
    """400 companies: 18 clusters of about five deals, 30 % late after and 1 % before, direct deals never; spread: of the clusters' own
    log-odds. The true change is the mean over clusters. Of the lower limits at 97.5 % at most 5 % may lie above it (Monte-Carlo error 1 %)."""
    g = np.random.default_rng(7)
    nodes = np.random.default_rng(1).standard_normal(200_000)

    def share(base, own):
        return 1 / (1 + np.exp(-(np.log(base / (1 - base)) + spread * own)))

    truth = share(0.3, nodes).mean() - share(0.01, nodes).mean()
    missed = []
    for _ in range(400):
        own, cluster = g.standard_normal(18), np.repeat(np.arange(18), 5)
        after, before = (g.random(90) < share(p, own)[cluster] for p in (0.3, 0.01))
        effects = [design_effect(y, cluster) for y in (after, before)]
        cells = share_contrast(
            [after.sum(), before.sum(), 0, 0], [90, 90, 80, 120], [1, -1, -1, 1], [*effects, 1, 1], "m"
        )
        missed.append(cells.limits(1.96)[0] > truth)
    assert np.mean(missed) <= 0.05


@pytest.mark.parametrize(("arguments", "said"), [
    (([0], [0], [1], [1]), "above 0"), (([2], [1], [1], [1]), "between 0 and count"), (([1], [2], [1], [0.5]), "1 or more"),
    (([1], [2], [1, 1], [1]), "1 values"), (([1], [2], [1], [1, 1]), "1 values"),
])  # fmt: skip
def test_what_is_no_share_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        share_contrast(*arguments, "m")
