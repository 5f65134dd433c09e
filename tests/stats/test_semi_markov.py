"""The semi-Markov flow against closed forms, brute force in the time domain, long simulation, and re-runs with changed kernels."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.stats.semi_markov import (
    StepCounts,
    cluster_draws,
    count_steps,
    draw_reliefs,
    estimate_flow,
    median_time,
    sub_distributions,
)

Stay = tuple[str, str | None, int, bool, object]


def counts_of(stays: list[Stay], horizon: int, order: list[str], **more) -> StepCounts:
    step, following, days, first, cluster = (list(part) for part in zip(*stays, strict=True))
    return count_steps(step, following, days, first, cluster, horizon, order=order, **more)


def from_kernels(kernels: dict[tuple[str, str], list[int]], order: list[str], horizon: int) -> StepCounts:
    """Counts whose kernels are exactly those given: one stay per case and day, all cases starting in the first step."""
    stays: list[Stay] = []
    for (source, goal), days in kernels.items():
        stays += [(source, goal, day, source == order[0], len(stays) + i) for i, day in enumerate(days)]
    return counts_of(stays, horizon, order, most_clusters=10**6)


def brute_won(kernel: dict[tuple[str, str], np.ndarray], start: dict[str, float], horizon: int) -> float:
    """Chance to be won by the horizon by renewal recursion over days in the time domain; every way takes at least a day."""
    at = {step: np.zeros(horizon + 1) for step in start}
    for step, share in start.items():
        at[step][0] += share
    won = 0.0
    for day in range(horizon + 1):
        for (source, goal), mass in kernel.items():
            here = at[source][day]
            if here == 0:
                continue
            for wait in range(horizon - day + 1):
                if mass[wait] == 0:
                    continue
                if goal == "won":
                    won += here * mass[wait]
                elif goal != "lost":
                    assert wait > 0
                    at[goal][day + wait] += here * mass[wait]
    return won


def kernels_of(counts: StepCounts) -> tuple[dict[tuple[str, str], np.ndarray], dict[str, float]]:
    masses, starts = sub_distributions(counts, np.ones((1, counts.clusters)))
    return dict(zip(counts.moves, masses[0], strict=True)), dict(zip(counts.steps, starts[0], strict=True))


def relieved(
    kernel: dict[tuple[str, str], np.ndarray], step: str, benchmark: float
) -> dict[tuple[str, str], np.ndarray]:
    """The kernels with that step's losses cut to the benchmark and what is spared sent on along its own ways, in their own time."""
    lost = sum(m.sum() for (s, g), m in kernel.items() if s == step and g == "lost")
    passed = sum(m.sum() for (s, g), m in kernel.items() if s == step and g != "lost")
    spare = max(0.0, lost - (1 - benchmark))
    factor = 1 + spare / passed if passed > 0 else 1.0
    return {(s, g): m * factor if s == step and g != "lost" else m for (s, g), m in kernel.items()}


def test_two_steps_with_constant_times_by_hand() -> None:
    # a: 6 of 10 go to b after 2 days, 4 lost after 1. b: 3 of 6 won after 5 days, 3 lost after 3. Won by day 7: 0.6 x 0.5 = 0.3.
    kernels = {("a", "b"): [2] * 6, ("a", "lost"): [1] * 4, ("b", "won"): [5] * 3, ("b", "lost"): [3] * 3}
    flow = estimate_flow(from_kernels(kernels, ["a", "b"], 7), 0.9)
    assert flow.won[0] == pytest.approx(0.3, abs=1e-9)
    assert flow.lost[0] == pytest.approx([0.4, 0.5]) and flow.passed[0] == pytest.approx([0.6, 0.5])
    # Relief to 10 % loss: a passes 0.9, won 0.45, so 0.15; b passes 0.9, won 0.6 x 0.9 = 0.54, so 0.24.
    assert flow.relief[0] == pytest.approx([0.15, 0.24], abs=1e-9)
    # By day 6 nobody can be won: the flow takes 7 days.
    assert estimate_flow(from_kernels(kernels, ["a", "b"], 6), 0.9).won[0] == pytest.approx(0, abs=1e-9)


def test_two_geometric_steps_by_closed_form() -> None:
    # Counts in proportion to p q^(t-1) with p = 1/2 over t = 1 … 10: 512, 256 … 1. Their sum is negative binomial up to the cut.
    days = [t for t in range(1, 11) for _ in range(2 ** (10 - t))]
    flow = estimate_flow(from_kernels({("a", "b"): days, ("b", "won"): days}, ["a", "b"], 10), 0.95)
    total = 2**10 - 1
    # P(T1 + T2 <= 10) = sum over s of (s - 1) ways, each 2^(10-t1) 2^(10-t2) = 2^(20-s).
    wanted = sum((s - 1) * 2 ** (20 - s) for s in range(2, 11)) / total**2
    assert flow.won[0] == pytest.approx(wanted, abs=1e-9)


def random_flow(seed: int, steps: int, loop: bool, horizon: int) -> StepCounts:
    source = random.Random(seed)
    order = [f"s{i}" for i in range(steps)]
    stays: list[Stay] = []
    for i, step in enumerate(order):
        goals = [*order[i + 1 :], "won", "lost", None, *(order[: i + 1] if loop else [])]
        for n in range(source.randint(3, 25)):
            stays.append(
                (step, source.choice(goals), source.randint(1, 12), i == 0 or source.random() < 0.1, f"c{n % 7}")
            )
    return counts_of(stays, horizon, order)


@pytest.mark.parametrize("loop", [False, True], ids=["acyclic", "with rework"])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.integers(1, 4), benchmark=st.floats(0.5, 1.0))
def test_won_and_relief_against_brute_force_in_the_time_domain(
    loop: bool, seed: int, steps: int, benchmark: float
) -> None:
    counts = random_flow(seed, steps, loop, 30)
    flow = estimate_flow(counts, benchmark)
    kernel, start = kernels_of(counts)
    plain = brute_won(kernel, start, 30)
    # Damping leaves an error below 1e-6 where cases wrap around the transform.
    assert flow.won[0] == pytest.approx(plain, abs=1e-6)
    for i, step in enumerate(counts.steps):
        assert flow.relief[0, i] == pytest.approx(
            brute_won(relieved(kernel, step, benchmark), start, 30) - plain, abs=1e-6
        )


def test_sherman_morrison_equals_a_second_solution_to_a_billionth() -> None:
    counts = random_flow(5, 4, True, 40)
    kernel, start = kernels_of(counts)
    flow = estimate_flow(counts, 0.9)
    assert flow.relief.max() > 0.01
    plain = brute_won(kernel, start, 40)
    for i, step in enumerate(counts.steps):
        assert flow.relief[0, i] == pytest.approx(brute_won(relieved(kernel, step, 0.9), start, 40) - plain, abs=1e-8)


def test_rework_loop_against_long_simulation() -> None:
    # a → b; b goes back to a in 3 of 10, is won in 4, lost in 3; times 1 … 5.
    kernels = {
        ("a", "b"): [1, 2, 3, 4, 5] * 2,
        ("b", "a"): [1, 2, 3],
        ("b", "won"): [2, 3, 4, 5],
        ("b", "lost"): [1, 2, 3],
    }
    flow = estimate_flow(from_kernels(kernels, ["a", "b"], 25), 0.95)
    rng = np.random.default_rng(4)
    ways = [(g, d) for (s, g), days in kernels.items() if s == "b" for d in days]
    won, n = 0, 40_000
    for _ in range(n):
        day = 0
        while True:
            day += int(rng.integers(1, 6))
            goal, wait = ways[int(rng.integers(len(ways)))]
            day += wait
            if day > 25 or goal != "a":
                won += goal == "won" and day <= 25
                break
    assert flow.won[0] == pytest.approx(won / n, abs=4 * (0.25 / n) ** 0.5)


def test_endless_rework_converges_to_the_geometric_sum() -> None:
    # One step, one day: back to itself with 1/2, won with 1/4, lost with 1/4. Won by day h: (1/4) (1 - 2^-h) / (1/2).
    counts = from_kernels({("a", "a"): [1, 1], ("a", "won"): [1], ("a", "lost"): [1]}, ["a"], 12)
    assert estimate_flow(counts, 0.95).won[0] == pytest.approx(0.5 * (1 - 2.0**-12), abs=1e-6)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_without_losses_beyond_the_benchmark_there_is_no_relief(seed: int) -> None:
    source = random.Random(seed)
    kernels = {
        ("a", "b"): [source.randint(1, 9) for _ in range(19)],
        ("a", "lost"): [2],
        ("b", "won"): [source.randint(1, 9) for _ in range(9)],
    }
    flow = estimate_flow(from_kernels(kernels, ["a", "b"], 40), 0.95)  # a loses 1 of 20: the benchmark itself
    assert flow.relief[0] == pytest.approx([0, 0], abs=1e-12)
    assert flow.won[0] == pytest.approx(0.95, abs=1e-8)


def test_a_step_that_only_loses_gains_nothing_since_it_has_no_way_on() -> None:
    flow = estimate_flow(
        from_kernels({("a", "b"): [1, 1], ("a", "won"): [1, 1], ("b", "lost"): [3, 3]}, ["a", "b"], 10), 0.95
    )
    assert flow.relief[0].tolist() == [0.0, 0.0]


def test_censored_cases_do_not_bias_the_chance_where_closed_counts_do() -> None:
    # Wins take 60 … 120 days, losses 1 … 30; half of the deals are cut off at a random day up to 120. Truth: 40 % won.
    rng = np.random.default_rng(11)
    n = 4000
    won = rng.random(n) < 0.4
    days = np.where(won, rng.integers(60, 121, n), rng.integers(1, 31, n))
    cut = np.where(rng.random(n) < 0.5, rng.integers(1, 121, n), 10_000)
    seen = days <= cut
    following = [None if not s else "won" if w else "lost" for s, w in zip(seen, won, strict=True)]
    counts = count_steps(["d"] * n, following, np.minimum(days, cut), [True] * n, list(range(n)), 150, order=["d"])
    naive = sum(f == "won" for f in following) / sum(f is not None for f in following)
    assert naive < 0.36
    assert estimate_flow(counts, 0.95).won[0] == pytest.approx(0.4, abs=0.03)


def test_late_entry_counts_a_case_as_at_risk_only_from_then_on() -> None:
    # Won on day 1 (from the start), lost on day 3 (entered at 2), won on day 4 (from the start).
    # Day 1: 2 at risk, 1 won: 1/2. Day 3: 2 at risk, 1 lost. Day 4: the last one won: 1/2 x 1/2. Together 3/4.
    counts = count_steps(
        ["d"] * 3, ["won", "lost", "won"], [1, 3, 4], [True] * 3, [1, 2, 3], 5, order=["d"], entry=[0, 2, 0]
    )
    assert estimate_flow(counts, 0.95).won[0] == pytest.approx(0.75, abs=1e-9)
    whole = count_steps(["d"] * 3, ["won", "lost", "won"], [1, 3, 4], [True] * 3, [1, 2, 3], 5, order=["d"])
    assert estimate_flow(whole, 0.95).won[0] == pytest.approx(2 / 3, abs=1e-9)


def test_aalen_johansen_within_a_step_by_hand() -> None:
    # Days 1 won, 2 open, 3 lost, 4 won; at risk 4, 3, 2, 1. won: 1/4; lost: 3/4 x 1/2 = 3/8; won on 4: 3/8 x 1 = 3/8.
    counts = counts_of(
        [("d", "won", 1, True, 1), ("d", None, 2, True, 2), ("d", "lost", 3, True, 3), ("d", "won", 4, True, 4)],
        5,
        ["d"],
    )
    masses = dict(zip(counts.moves, sub_distributions(counts, np.ones((1, 4)))[0][0], strict=True))
    assert masses[("d", "won")] == pytest.approx([0, 0.25, 0, 0, 0.375, 0])
    assert masses[("d", "lost")] == pytest.approx([0, 0, 0, 0.375, 0, 0])
    assert median_time(counts, ("d", "won"), np.ones((1, 4)))[0] == 4  # 0.25 of 0.625 is less than half
    assert np.isnan(median_time(counts, ("d", "gone"), np.ones((1, 4)))[0])


def test_an_event_and_a_cut_on_the_same_day_leave_the_cut_case_at_risk() -> None:
    counts = counts_of([("d", "won", 2, True, 1), ("d", None, 2, True, 2)], 3, ["d"])
    assert estimate_flow(counts, 0.95).won[0] == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("most", [1, 2, 3, 400])
def test_joining_clusters_does_not_change_point_estimates(most: int) -> None:
    stays: list[Stay] = []
    source = random.Random(3)
    for n, step in itertools.product(range(30), ("a", "b")):
        stays.append(
            (
                step,
                source.choice(["won", "lost", "b" if step == "a" else "won", None]),
                source.randint(0, 9),
                step == "a",
                n,
            )
        )
    joined, apart = (estimate_flow(counts_of(stays, 20, ["a", "b"], most_clusters=m), 0.9) for m in (most, 10**6))
    assert joined.won == pytest.approx(apart.won, abs=1e-12) and joined.relief == pytest.approx(apart.relief, abs=1e-12)
    assert counts_of(stays, 20, ["a", "b"], most_clusters=most).clusters == min(most, 30)


def test_weighting_a_cluster_twice_is_having_it_twice() -> None:
    stays: list[Stay] = [
        ("a", "won", 2, True, "x"),
        ("a", "lost", 3, True, "x"),
        ("a", "won", 1, True, "y"),
        ("a", None, 1, True, "y"),
    ]
    weighted = estimate_flow(counts_of(stays, 5, ["a"]), 0.9, np.array([[2.0, 1.0]]))
    doubled = estimate_flow(counts_of([*stays, *stays[:2]], 5, ["a"]), 0.9)
    assert weighted.won[0] == pytest.approx(doubled.won[0]) and weighted.relief[0] == pytest.approx(doubled.relief[0])


def test_draws_keep_the_number_of_clusters_repeat_by_seed_and_do_not_hang_on_chunks() -> None:
    counts = random_flow(1, 2, False, 20)
    drawn = np.concatenate(list(cluster_draws(counts, 130, 7)))
    assert drawn.shape == (130, counts.clusters) and (drawn.sum(axis=1) == counts.clusters).all()
    assert draw_reliefs(counts, 0.9, 70, 7) == pytest.approx(draw_reliefs(counts, 0.9, 70, 7), abs=0)
    assert draw_reliefs(counts, 0.9, 70, 7)[3] == pytest.approx(
        estimate_flow(counts, 0.9, drawn[3:4]).relief[0], abs=1e-12
    )


@pytest.mark.parametrize(
    ("days", "horizon", "message"), [([-1], 5, "must not be negative; row 0"), ([1], 0, "at least 1 day")]
)
def test_impossible_input_is_refused(days: list[int], horizon: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        count_steps(["a"], ["won"], days, [True], [1], horizon, order=["a"])
