"""Gwet's AC1: his own example, its ends, and coverage with clusters."""

from __future__ import annotations

import numpy as np
import pytest

from kaanalysis.stats import gwet_agreement


def records(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    a = np.array([1] * (both + first) + [0] * (second + neither))
    b = np.array([1] * both + [0] * first + [1] * second + [0] * neither)
    return a, b


def test_the_example_for_which_gwet_left_kappa() -> None:
    # Gwet 2002, Kappa statistic is not satisfactory, table 4: 118, 5, 2, 0 of 125: AC1 0.9408.
    a, b = records(118, 5, 2, 0)
    found = gwet_agreement(a, b, np.arange(125))
    assert found.value == pytest.approx(0.9408, abs=1e-4) and found.n == 125


def test_its_ends_by_hand() -> None:
    a, b = records(20, 0, 0, 20)
    assert gwet_agreement(a, b, np.arange(40)).value == 1
    assert gwet_agreement(a, 1 - b, np.arange(40)).value == pytest.approx(-1)
    # Half of the records equal, half of each yes: what chance gives.
    a, b = records(10, 10, 10, 10)
    assert gwet_agreement(a, b, np.arange(40)).value == pytest.approx(0)
    assert gwet_agreement([], [], []).value is None
    assert gwet_agreement([1, 0], [1, 0], [1, 2]).low is None


def test_interval_covers_with_clusters() -> None:
    # Each cluster agrees in a share of its own, on the mean 0.8, half of the units being yes: AC1 = (0.8 - 0.5) / 0.5 = 0.6.
    covered = 0
    for seed in range(200):
        g = np.random.default_rng([5, seed])
        cluster = np.repeat(np.arange(40), g.integers(2, 8, 40))
        share = g.beta(8, 2, 40)[cluster]
        a = g.random(len(cluster)) < 0.5
        b = np.where(g.random(len(cluster)) < share, a, ~a)
        found = gwet_agreement(a, b, cluster)
        covered += found.low is not None and found.high is not None and found.low <= 0.6 <= found.high
    assert covered >= 181
