"""M-3.6 on the decoy companies, against their truth: the slow step, the many early losses and the unlucky step are not the bottleneck."""

from collections.abc import Iterator
from functools import cache

import pandas as pd
import pytest

from benchmarks.validity.engine import Engine
from kaanalysis.analyses.bottlenecks import bottleneck
from kaanalysis.policy import Policy, load_policy
from kaanalysis.results import Finding
from kaanalysis.simulate import draw_company
from kaanalysis.simulate.parameters import load
from kaanalysis.simulate.relief_truth import delay_truth, joint_relief_truth
from kaanalysis.simulate.truth import steps_truth

HORIZON = 365


@pytest.fixture(scope="module")
def quick() -> Policy:
    return load_policy().override({"evidence.draws": 400})


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    yield Engine()


@cache
def drawn(name: str) -> dict[str, pd.DataFrame]:
    world = load(name)
    return draw_company(world, world.seed, 1.0)


def found(engine: Engine, name: str, policy: Policy, without: tuple[str, ...] = ()) -> Finding:
    world, tables = load(name), {k: v for k, v in drawn(name).items() if k not in without}
    return bottleneck(engine.open(world, tables), policy)[0]


def holds(finding: Finding, name: str, segment: str, truth: float) -> bool:
    number = finding.number(name, segment)
    assert number is not None and number.low is not None and number.high is not None
    return number.low <= truth <= number.high


def test_the_slow_step_costs_time_and_the_quick_one_wins(engine: Engine, quick: Policy) -> None:
    finding, world = found(engine, "slow_decoy", quick), load("slow_decoy")
    assert (finding.state, finding.terms["step"], finding.terms["slow"]) == (
        "supported",
        "value case",
        "contract review",
    )
    delay = delay_truth(world, "KA", HORIZON, quick["bottleneck.benchmark_days"])["contract review"]
    assert holds(finding, "relief_delay", "contract review", delay.relief_per_100)
    assert holds(finding, "win_sooner", "contract review", delay.sooner) and delay.sooner > 90
    relief = {s["step"]: s["relief_per_100"] for s in steps_truth(world, "KA", HORIZON)}
    assert holds(finding, "relief", "value case", relief["value case"])
    assert (
        finding.number("relief", "contract review").value < 2 < finding.number("relief_delay", "contract review").value
    )  # type: ignore[union-attr,operator]
    # Quick steps have nothing to give, however many deals they lose.
    assert finding.number("win_sooner", "value case").value == 0  # type: ignore[union-attr]


def test_early_losses_are_not_mistaken_for_the_bottleneck(engine: Engine, quick: Policy) -> None:
    finding, world = found(engine, "late_bottleneck", quick), load("late_bottleneck")
    assert finding.terms["step"] == "owner sign-off" and finding.state in ("supported", "undecided")
    if finding.state == "undecided":
        assert finding.terms["rivals"] == "some" and finding.number("bottleneck_candidates").value >= 2  # type: ignore[union-attr]
    large = [s["step"] for s in steps_truth(world, "KA", HORIZON) if s["relief_per_100"] > 2]
    assert holds(finding, "severity", "KA", joint_relief_truth(world, "KA", HORIZON, large))


def test_where_no_step_loses_more_than_the_benchmark_none_is_named(engine: Engine, quick: Policy) -> None:
    finding = found(engine, "no_bottleneck", quick)
    assert finding.state in ("undecided", "contradicted")
    assert finding.number("bottlenecks").value == 0 and finding.number("severity").value == 0  # type: ignore[union-attr]


def test_without_judgements_the_bottleneck_stands_and_the_team_is_left_open(engine: Engine, quick: Policy) -> None:
    finding = found(engine, "slow_decoy", quick, without=("capability",))
    assert finding.state == "supported" and finding.terms["carry"] == "unknown" and "lane" not in finding.terms
    assert not any(n.name.startswith(("fit", "lane_relief")) for n in finding.numbers)
    # Without buying steps there is no sheet: the judged items stand for what is demanded, and no lane can be held against a step.
    bare = found(engine, "slow_decoy", quick, without=("buying_steps",))
    fit = bare.number("fit", "KA")
    assert fit is not None and "items alike" in fit.method and not any(n.name == "lane_relief" for n in bare.numbers)
    assert bare.number("fit_unjudged").value == 0  # type: ignore[union-attr]
