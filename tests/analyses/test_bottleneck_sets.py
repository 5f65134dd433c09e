"""Which steps count and which may be the biggest: rules on made-up clouds, and how often the biggest is kept."""

import numpy as np

from kaanalysis.analyses.bottleneck_sets import candidates, count_bottlenecks, flag_bottlenecks
from kaanalysis.policy import Policy


def cloud(first: tuple[float, float], second: tuple[float, float], n: int = 200) -> list[list[float]]:
    return [list(pair) for pair in zip(np.linspace(*first, n), np.linspace(*second, n), strict=True)]


def test_settled_dismissed_and_open_steps(policy: Policy) -> None:
    """Minimum 2: the first always above, the second in 10 % (dismissed), the third in half of the resamples (open)."""
    draws = np.column_stack(
        [np.full(200, 9.0), np.where(np.arange(200) < 20, 3.0, 1.0), np.where(np.arange(200) < 100, 3.0, 1.0)]
    )
    settled, drawn = flag_bottlenecks(draws, policy)
    assert settled.tolist() == [True, False, False]
    assert drawn.sum(axis=0).tolist() == [200, 0, 100]
    number, counts = count_bottlenecks(draws, policy)
    assert number == 1 and np.bincount(counts).tolist() == [0, 100, 100]


def test_where_none_can_be_named_the_steps_that_may_be_it_are(policy: Policy) -> None:
    """Two close steps and one that never comes near; the leading step is always among them, whatever the draws."""
    close = [[a, b, 0.5] for a, b in cloud((5, 9), (9, 5))]
    assert candidates(np.array([7, 6.9, 0.5]), np.array(close), 50, policy).tolist() == [True, True, False]
    clear = [[a, b, 0.5] for a, b in cloud((5, 9), (0.1, 1))]
    assert candidates(np.array([7, 0.5, 0.5]), np.array(clear), 50, policy).tolist() == [True, False, False]
    # Fewer sellers leave more steps in: the same draws, a step ahead in 2.5 % of them.
    few = [[7.0, 9.0 if i < 6 else 1.0] for i in range(200)]
    assert candidates(np.array([7, 1.2]), np.array(few), 400, policy).tolist() == [True, True]
    some = [[7.0, 9.0 if i < 4 else 1.0] for i in range(200)]
    assert candidates(np.array([7, 1.2]), np.array(some), 400, policy).tolist() == [True, False]
    assert candidates(np.array([7, 1.2]), np.array(some), 8, policy).tolist() == [True, True]


def test_the_biggest_of_close_steps_is_among_the_candidates_as_often_as_asked(policy: Policy) -> None:
    """400 companies, three steps of relief 6, 5.9 and 5 known with error 1: the biggest is kept in at least 97.5 % of them, less chance."""
    g, kept = np.random.default_rng(4), []
    truth = np.array([6.0, 5.9, 5.0])
    for _ in range(400):
        point = truth + g.standard_normal(3)
        drawn = point + g.standard_normal((300, 3))
        kept.append(candidates(np.array(point), np.array(drawn), 200, policy)[0])
    assert np.mean(kept) > 0.955
