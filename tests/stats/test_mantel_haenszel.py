"""Risk ratios within strata and clusters: published tables, the plain formula as a peer, and coverage with clustered, censored units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.stats import clustered_risk_ratio, clustered_risk_test, mantel_haenszel_relative_risk

Table = list[tuple[int, int, int, int]]


def units(table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(event, exposed, stratum) of tables (events with, units with, events without, units without)."""
    event, exposed, stratum = [], [], []
    for place, (a, n_a, b, n_b) in enumerate(table):
        event += [1] * a + [0] * (n_a - a) + [1] * b + [0] * (n_b - b)
        exposed += [True] * n_a + [False] * n_b
        stratum += [place] * (n_a + n_b)
    return np.array(event, float), np.array(exposed), np.array(stratum)


def ratio(table: Table):  # type: ignore[no-untyped-def]
    event, exposed, stratum = units(table)
    return clustered_risk_ratio(event, exposed, stratum, np.arange(len(event)))


# Deaths of tolbutamide against placebo, below 55 years and above: Rothman, Epidemiology: An Introduction, 2nd ed. 2012, chapter 10.
UGDP: Table = [(8, 106, 5, 120), (22, 98, 16, 85)]


def test_the_diabetes_trial_of_rothmans_textbook() -> None:
    assert ratio(UGDP).value == pytest.approx(1.33, abs=0.005) and ratio(UGDP).n == 409


def test_without_clusters_it_is_the_plain_ratio_and_nearly_greenland_and_robins_interval() -> None:
    plain = mantel_haenszel_relative_risk(*np.array(UGDP).T)
    found = ratio(UGDP)
    assert found.value == pytest.approx(plain.value)
    assert found.low == pytest.approx(plain.low, rel=0.02) and found.high == pytest.approx(plain.high, rel=0.02)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.just(10), st.integers(1, 9), st.just(12)), min_size=1, max_size=4))
def test_the_value_is_mantel_and_haenszels_and_turning_the_exposure_turns_the_ratio(table: Table) -> None:
    event, exposed, stratum = units(table)
    clusters = np.arange(len(event)) % 7
    found = clustered_risk_ratio(event, exposed, stratum, clusters)
    other = clustered_risk_ratio(event, ~exposed, stratum, clusters)
    assert found.value == pytest.approx(mantel_haenszel_relative_risk(*np.array(table).T).value)
    assert found.value * other.value == pytest.approx(1)
    if found.low is not None and found.high is not None:
        assert found.low <= found.value <= found.high and other.high == pytest.approx(1 / found.low)


def test_a_stratum_in_which_all_are_exposed_says_nothing() -> None:
    more = [*UGDP, (50, 60, 0, 0)]
    assert ratio(more).value == pytest.approx(ratio(UGDP).value) and ratio(more).n == 409


def test_what_cannot_be_had() -> None:
    assert clustered_risk_ratio([], [], [], []).value is None
    assert ratio([(3, 9, 0, 9)]).value is None
    none = ratio([(0, 9, 3, 9)])
    assert (none.value, none.low, none.high) == (0, None, None)
    only = clustered_risk_ratio([1, 1, 0], [1, 1, 1], ["a"] * 3, [1, 2, 3])
    assert only.value is None and only.n == 0
    event, exposed, stratum = units([(1, 9, 3, 9)])
    assert ratio([(1, 9, 3, 9)]).low is None, "without its one event nothing is left to take the logarithm of"
    assert clustered_risk_ratio(event, exposed, stratum, exposed).low is None
    with pytest.raises(ValueError, match="exposed must be true or false"):
        clustered_risk_ratio([1, 0], [0.5, 1], ["a", "a"], [1, 2])


def test_interval_covers_where_clusters_differ_in_both_risk_and_exposure() -> None:
    covered = plain = 0
    companies = 200
    for seed in range(companies):
        g = np.random.default_rng([3, seed])
        cluster = np.repeat(np.arange(60), g.integers(1, 9, 60))
        stratum = g.integers(0, 3, len(cluster))
        habit = g.random(60) < 0.5  # a customer's deals are all alike in the exposure
        exposed = habit[cluster] ^ (g.random(len(cluster)) < 0.1)
        lift = np.exp(0.5 * g.standard_normal(60) - 0.125)[cluster]
        risk = np.clip(np.array([0.15, 0.25, 0.35])[stratum] * np.where(exposed, 1.5, 1.0) * lift, 0, 0.95)
        event = g.random(len(cluster)) < risk
        found = clustered_risk_ratio(event, exposed, stratum, cluster)
        assert found.low is not None and found.high is not None
        covered += found.low <= 1.5 <= found.high
        tables = np.array([[event[(stratum == s) & exposed].sum(), ((stratum == s) & exposed).sum(), event[(stratum == s) & ~exposed].sum(),
                            ((stratum == s) & ~exposed).sum()] for s in range(3)])  # fmt: skip
        naive = mantel_haenszel_relative_risk(*tables.T)
        plain += naive.low <= 1.5 <= naive.high
    # Cutting risks at 0.95 hardly ever happens; three standard errors below 95 % of 200 are 181.
    assert covered >= 181 and plain < covered


@pytest.mark.parametrize("risk", [0.2, 0.3, 0.45])
def test_the_test_and_the_interval_are_the_same_question(risk: float) -> None:
    """Duality: the interval at level 1 - p has 1 at its end; without limits there is no p."""
    generator = np.random.default_rng(7)
    exposed = np.arange(200) % 2 == 0
    event = generator.random(200) < np.where(exposed, risk, 0.2)
    strata, clusters = np.arange(200) % 3, np.arange(200) // 10
    p = clustered_risk_test(event, exposed, strata, clusters).p_value
    assert p is not None
    found = clustered_risk_ratio(event, exposed, strata, clusters, level=1 - p)
    assert found.low is not None and found.high is not None
    assert min(abs(found.low - 1), abs(found.high - 1)) < 1e-9
    assert clustered_risk_test([1, 1, 0], [1, 1, 1], ["a"] * 3, [1, 2, 3]).p_value is None
