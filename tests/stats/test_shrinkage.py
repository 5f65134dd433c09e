"""Cells that borrow from neighbours: closed forms, Efron and Morris's batting averages, and recovery of what was planted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from kaanalysis.stats import jeffreys, sampling_gain, shrink_means, shrink_shares, shrinkage, shrunk_share_intervals
from kaanalysis.stats.shrinkage import attribute_distance

# Efron and Morris 1975, table 1: averages of the first 45 times at bat of 18 players, and of the rest of the season.
FIRST = np.array([.400, .378, .356, .333, .311, .311, .289, .267, .244, .244, .222, .222, .222, .222, .222, .200, .178, .156])  # fmt: skip
REST = np.array([.346, .298, .276, .222, .273, .270, .263, .210, .269, .230, .264, .256, .303, .264, .226, .285, .316, .200])  # fmt: skip
ALONE = [(i,) for i in range(18)]
NOISE = 0.0659**2


def players() -> object:
    return shrink_means(ALONE, FIRST, np.ones(18), NOISE * 10_000, 10_000, correlations=(0.0,))


def test_batting_averages_come_as_near_as_efron_and_morris_published() -> None:
    """Their estimate's squared error is 0.022 against 0.077 for the averages themselves, 3.5 times smaller."""
    model = players()
    assert ((FIRST - REST) ** 2).sum() == pytest.approx(0.0754, abs=0.0005)
    assert ((model.value - REST) ** 2).sum() < 0.0235  # type: ignore[attr-defined]


def test_equal_cells_give_the_harmonic_prior_closed_form() -> None:
    """Equal variances, no neighbours: the shrinkage is (k − 3) σ² / S · P(χ²(k−1) ≤ S/σ²) / P(χ²(k−3) ≤ S/σ²) toward the mean (Morris
    1983)."""
    model, k = players(), 18
    s = ((FIRST - FIRST.mean()) ** 2).sum()
    share = (k - 3) * NOISE / s * chi2.cdf(s / NOISE, k - 1) / chi2.cdf(s / NOISE, k - 3)
    assert model.value == pytest.approx(FIRST.mean() + (1 - share) * (FIRST - FIRST.mean()), abs=2e-4)  # type: ignore[attr-defined]
    assert model.weight == pytest.approx(np.full(18, (1 - share) * 17 / 18 + 1 / 18), abs=1e-3)  # type: ignore[attr-defined]


CELLS = [(a, b, c) for a in range(4) for b in range(4) for c in range(2)]


def planted(seed: int, correlation: float = 0.7) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, int]:
    """(true means, cell means, units, spread, freedom) of 32 cells with 0 to 5 units; true sd 1, units' sd 1."""
    generator = np.random.default_rng(seed)
    truth = 10 + np.linalg.cholesky(correlation ** attribute_distance(CELLS)) @ generator.normal(size=32)
    count = generator.integers(0, 6, 32)
    units = [generator.normal(t, 1, n) for t, n in zip(truth, count, strict=True)]
    mean = np.array([u.mean() if len(u) else 0.0 for u in units])
    return (
        truth,
        mean,
        count,
        float(sum(((u - u.mean()) ** 2).sum() for u in units if len(u))),
        int(count.sum() - (count > 0).sum()),
    )


def test_intervals_hold_the_true_cells_and_beat_the_raw_means_by_simulation() -> None:
    held, raw, shrunk = [], [], []
    for seed in range(40):
        truth, mean, count, spread, freedom = planted(seed)
        model = shrink_means(CELLS, mean, count, spread, freedom)
        assert model is not None
        low, high = model.interval(0.95)
        held.append((low <= truth) & (truth <= high))
        there = count > 0
        raw.append(((mean - truth) ** 2)[there].mean())
        shrunk.append(((model.value - truth) ** 2)[there].mean())
        assert (model.weight[~there] == 0).all() and (model.weight[there] > 0).all()
    assert 0.92 <= np.mean(held) <= 0.985
    assert np.mean(shrunk) < 0.75 * np.mean(raw)


def test_many_units_speak_for_themselves_and_empty_cells_take_their_neighbours() -> None:
    mean = np.array([1.0 if c[0] < 2 else 5.0 for c in CELLS])
    count = np.full(32, 400.0)
    count[0] = 0
    model = shrink_means(CELLS, mean, count, 400 * 32.0, 400 * 32)
    assert model is not None and model.weight[1:] == pytest.approx(1, abs=0.03)
    assert (
        model.value[1:] == pytest.approx(mean[1:], abs=0.1)
        and model.value[0] < 2.5
        and model.error[0] > 5 * model.error[1]
    )


def test_too_few_cells_or_nothing_that_varies_is_not_shrunk() -> None:
    assert shrink_means(CELLS[:5], [1, 2, 3, 0, 0], [1, 1, 1, 0, 0], 0.0, 0) is None
    assert shrink_means(CELLS[:5], np.ones(5), np.ones(5), 0.0, 0) is None
    single = shrink_means(CELLS[:5], [1.0, 2, 3, 4, 5], np.ones(5), 0.0, 0)
    assert single is not None and not single.within_known
    with pytest.raises(ValueError, match="count"):
        shrink_means(CELLS[:5], np.ones(5), [-1, 1, 1, 1, 1], 1.0, 1)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(-50, 50), st.floats(0.1, 20))
def test_another_unit_or_origin_moves_the_cells_along(seed: int, shift: float, scale: float) -> None:
    _, mean, count, spread, freedom = planted(seed)
    a = shrink_means(CELLS, mean, count, spread, freedom)
    b = shrink_means(CELLS, shift + scale * mean, count, scale**2 * spread, freedom)
    assert a is not None and b is not None
    assert b.value == pytest.approx(shift + scale * a.value, rel=1e-6, abs=1e-6) and b.weight == pytest.approx(
        a.weight, abs=1e-8
    )


def test_gain_by_hand_for_independent_cells() -> None:
    """One more unit in a cell that no other tells about: weight · v² / (v + σ²) of Σ weight · v, v the cell's variance. Where cells say
    nothing of each other only the common mean links them, and that is known well among thirty cells."""
    _, mean, count, spread, freedom = planted(1, 0.0001)
    model = shrink_means(CELLS, mean, count, spread, freedom, correlations=(0.0,))
    assert model is not None
    weight = np.zeros(32)
    weight[3] = 2.0
    gain = model.chance @ sampling_gain(model, weight, count)
    assert gain.argmax() == 3
    at = int(model.chance.argmax())
    v = model.covariance[at, 3, 3]
    assert sampling_gain(model, weight, count)[at, 3] == pytest.approx(v / (v + model.within_sd**2), rel=1e-9)


def test_gain_prefers_heavy_unknown_cells_with_heavy_neighbours() -> None:
    _, mean, count, spread, freedom = planted(2)
    count = np.where(np.arange(32) < 16, 5, 1)
    model = shrink_means(CELLS, mean, count, spread, freedom)
    assert model is not None
    even = model.chance @ sampling_gain(model, np.ones(32), count)
    assert even[16:].min() > even[:16].max() and (even > 0).all() and even.sum() < 32
    near = np.zeros(32)
    near[[i for i, c in enumerate(CELLS) if c[0] == 3]] = 1.0
    told = model.chance @ sampling_gain(model, near, count)
    assert CELLS[int(told.argmax())][0] == 3


def test_shares_by_hand() -> None:
    """Nothing observed: the flat prior's mean, one half. All cells 0 or all: far apart, so a cell keeps its own share."""
    value, weight = shrink_shares([0, 0], [0, 0])
    assert value == pytest.approx([0.5, 0.5]) and (weight == 0).all()
    value, weight = shrink_shares([20, 0, 20, 0, 20, 0], [20] * 6)
    assert value == pytest.approx([1, 0, 1, 0, 1, 0], abs=0.05) and (weight > 0.9).all()
    value, weight = shrink_shares([10] * 8 + [1], [20] * 8 + [1])
    assert value[-1] == pytest.approx(0.5, abs=0.06) and weight[-1] < 0.15 < weight[0]
    with pytest.raises(ValueError, match="between 0 and count"):
        shrink_shares([2], [1])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8))
def test_a_shrunk_share_lies_between_its_own_and_the_rest(cells: list[tuple[int, int]]) -> None:
    yes, n = np.array([a for a, _ in cells], float), np.array([a + b for a, b in cells], float)
    value, weight = shrink_shares(yes, n)
    assert ((value > 0) & (value < 1) & (weight >= 0) & (weight < 1)).all()
    other, _ = shrink_shares(n - yes, n)
    assert other == pytest.approx(1 - value, abs=1e-9)


def test_intervals_of_shrunk_shares_are_a_mix_of_betas() -> None:
    """Authority: drawing from the same posterior. The value lies inside, a cell without units spans what cells have, and more units give a
    narrower interval."""
    present, count = np.array([9, 8, 3, 40, 0]), np.array([10, 10, 10, 80, 0])
    value, _ = shrink_shares(present, count)
    low, high = shrunk_share_intervals(present, count)
    assert ((low < value) & (value < high)).all()
    assert high[3] - low[3] < high[2] - low[2] < high[4] - low[4]
    a, b, chance = shrinkage.beta_binomial_grid(present.astype(float), count.astype(float))
    generator = np.random.default_rng(3)
    at = generator.choice(len(chance), 200_000, p=chance)
    for cell in range(5):
        drawn = generator.beta(a[at] + present[cell], b[at] + count[cell] - present[cell])
        assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([low[cell], high[cell]], abs=0.006)


def test_intervals_of_shrunk_shares_hold_the_truth_on_the_average_of_sellers() -> None:
    """8 samples of 20 sellers from Beta(6, 2) with 5 to 40 deals: of 160 intervals at 90 % some 144 hold their own seller's share; 130 is
    three standard errors below, with samples that hang together. Intervals that hold 75 % pass one time in twelve."""
    generator, held = np.random.default_rng(2), 0
    for _ in range(8):
        size, truth = generator.integers(5, 41, 20), generator.beta(6, 2, 20)
        low, high = shrunk_share_intervals(generator.binomial(size, truth), size, 0.9)
        held += int(((low <= truth) & (truth <= high)).sum())
    assert held >= 130


def test_where_nothing_varies_every_cell_has_its_own_jeffreys_interval() -> None:
    """200 of 200 and 2 of 2: no model may say that the second is as sure as the first."""
    low, high = shrunk_share_intervals([200, 2, 0], [200, 2, 0])
    assert low == pytest.approx([jeffreys(200, 200).low, jeffreys(2, 2).low, 0.0])
    assert high.tolist() == [1.0, 1.0, 1.0]
    assert shrunk_share_intervals([0, 0], [9, 9])[0].tolist() == [0.0, 0.0]
