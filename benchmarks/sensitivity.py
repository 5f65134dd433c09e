"""How fast the sensitivity of the ledger is, and that its indices are right: SALib on the same model in one run, published values.

``python -m benchmarks.sensitivity [company]``; prints tables and writes nothing. SALib (extra ``bench``) reads independent inputs only, so
both are timed on the ledger with its inputs taken as independent, at the same number of model runs; the dependent analysis is timed
besides. Where SALib is not installed its rows say so.
"""

from __future__ import annotations

import resource
import sys
from types import ModuleType
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.ledger import SEED, WORLDS, company_inputs, timed
from kaanalysis.analyses.ledger import PATHS, expected_npv
from kaanalysis.analyses.ledger_inputs import Inputs, draw_inputs
from kaanalysis.analyses.path_agreement import reconcile_frame
from kaanalysis.analyses.path_information import information_frame, pilot_frame
from kaanalysis.analyses.path_sensitivity import dominance_frame
from kaanalysis.analyses.studies import by_setting
from kaanalysis.analyses.uncertain_inputs import at_normal_scores
from kaanalysis.policy import Policy, load_policy
from kaanalysis.stats import expected_value_of_perfect_information, shapley_effects, variance_shares

BASE = 1024  # 2^16 runs of the model for some sixty inputs
# Ishigami and Homma 1990, a = 7, b = 0.1.
FIRST, TOTAL = np.array([0.3139, 0.4424, 0.0]), np.array([0.5576, 0.4424, 0.2437])


def peer() -> tuple[ModuleType, ModuleType] | None:
    """SALib's sampler and analyser, None where it is not installed."""
    try:
        from SALib.analyze import sobol as analyser
        from SALib.sample import sobol as sampler
    except ImportError:
        return None
    return sampler, analyser


def by_salib(model: Any, inputs: int, base: int) -> tuple[np.ndarray, np.ndarray]:
    """First and total order by SALib, of a model of independent standard normal scores with one output."""
    found = peer()
    if found is None:
        raise SystemExit("SALib is not installed: it is in the extra bench")
    sampler, analyser = found
    problem = {"num_vars": inputs, "names": [f"x{i}" for i in range(inputs)], "bounds": [[0.0, 1.0]] * inputs}
    points = sampler.sample(problem, base, calc_second_order=False, seed=SEED)
    y = np.asarray(model(stats.norm.ppf(np.clip(points, 1e-12, 1 - 1e-12))))
    indices = analyser.analyze(problem, y, calc_second_order=False, num_resamples=100, seed=SEED)
    return np.asarray(indices["S1"]), np.asarray(indices["ST"])


def ishigami(z: np.ndarray) -> np.ndarray:
    x = np.pi * (2 * stats.norm.cdf(z) - 1)
    return np.asarray(np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


def errors() -> None:
    """Largest errors against Ishigami's published indices, at 4096 base points."""
    ours = variance_shares(ishigami, np.eye(3), base=4096, seed=SEED)
    mine = [np.array([e.value for e in order[0]], dtype=float) for order in (ours.first, ours.total)]
    print("largest error against the published indices of Ishigami's function, 4,096 base points")
    print(f"  ours: first {np.abs(mine[0] - FIRST).max():.4f}, total {np.abs(mine[1] - TOTAL).max():.4f}")
    if peer() is None:
        print("  SALib: not installed, not run")
        return
    first, total = by_salib(ishigami, 3, 4096)
    print(f"  SALib: first {np.abs(first - FIRST).max():.4f}, total {np.abs(total - TOTAL).max():.4f}")


def times(inputs: Inputs, policy: Policy) -> None:
    months, rate = policy["ledger.horizon_months"], policy["ledger.discount_rate"]
    groups = list(by_setting(inputs).values())
    uncertain = sorted(i for g in groups for i in g)
    place = {column: k for k, column in enumerate(uncertain)}
    parts = [[place[i] for i in g] for g in groups]
    matrix = inputs.correlation[np.ix_(uncertain, uncertain)]

    def paths(scores: np.ndarray) -> np.ndarray:
        z = np.zeros((len(scores), len(inputs.items)))
        z[:, uncertain] = scores
        return expected_npv(at_normal_scores(inputs, z), months, rate)

    x = draw_inputs(inputs, WORLDS, SEED)
    payoff = expected_npv(x, months, rate)
    evpi = expected_value_of_perfect_information(payoff)
    d, alone = len(uncertain), np.eye(len(uncertain))
    rows = [
        timed(f"value of {WORLDS:,} draws, {len(PATHS)} paths", WORLDS, lambda: expected_npv(x, months, rate)),
        timed("Sobol indices, inputs as independent, with intervals", BASE * (d + 2),
              lambda: variance_shares(paths, alone, base=BASE, seed=SEED)),
        timed("Sobol indices, dependent groups, with intervals", BASE * (len(parts) + 2),
              lambda: variance_shares(paths, matrix, parts, BASE, SEED)),
        timed("Shapley effects, dependent groups, with intervals", BASE * (len(parts) + 1),
              lambda: shapley_effects(paths, matrix, parts, BASE, SEED)),
        timed("value of partial information, all studies and inputs", WORLDS,
              lambda: information_frame(inputs, x, payoff, evpi, SEED)),
        timed("value of more closed deals", WORLDS, lambda: pilot_frame(x, payoff, 0.95, SEED)),
        timed("dominance of all pairs", WORLDS, lambda: dominance_frame(payoff, payoff, policy)),
        timed("what would reconcile rule and ledger", WORLDS, lambda: reconcile_frame(inputs, x, payoff, PATHS[0], policy)),
    ]  # fmt: skip
    if peer() is not None:
        rows.append(timed("SALib: Sobol indices, inputs as independent, one path", BASE * (d + 2),
                          lambda: by_salib(lambda z: paths(z)[:, 0], d, BASE)))  # fmt: skip
    print(f"{d} uncertain inputs in {len(parts)} groups, {months} months; seconds")
    for row in rows:
        print(f"  {row.name:<56} {row.seconds:>8.2f}  ({row.worlds:,} rows)")
    if peer() is None:
        print(f"  {'SALib: Sobol indices':<56} not installed, not run")
    print(f"  {'all of ours':<56} {sum(r.seconds for r in rows if not r.name.startswith('SALib')):>8.2f}")


def main(data: str = "data/demo") -> None:
    policy = load_policy().override({"evidence.draws": 200})
    times(company_inputs(data, policy), policy)
    errors()
    print(f"memory at its highest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:2])
