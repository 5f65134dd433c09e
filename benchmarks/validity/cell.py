"""What a cell of the study is, and how the worlds of cells are made: `healthy` with few latent parameters moved.

Where a truth has to hit a value, the parameter is found on the truth function (Brent's method).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from scipy import optimize
from scipy.special import expit, logit

from benchmarks.validity.store import DRAWS_FROM, code_hash, remembered, short_hash, world_hash
from benchmarks.validity.truths import exact_numbers, truth_state
from kaanalysis.policy import Policy
from kaanalysis.simulate.world import Segment, World

BORDER = "border"


@dataclass(frozen=True)
class Cell:
    """One world and what is asked of it.

    finding: the finding judged ("" for `healthy`, where all are); kind: holds, fails or border; truth: (state, step or path named) of the
    finding, state "border" at the threshold; moved: what was changed, with the value; analyses: those that are run; without: tables
    left out because the finding does not read them (the time they would cost); share: of the companies asked for, how many.
    """

    name: str
    finding: str
    kind: str
    truth: tuple[str, str]
    moved: str
    world: World
    analyses: tuple[str, ...]
    sizes: tuple[float, ...] = (1.0,)
    without: tuple[str, ...] = ()
    share: float = 1.0
    values: Mapping[str, float] = field(default_factory=dict)


def found(
    world: World, name: str, function: Callable[[float], float], low: float, high: float, within: float = 1e-4
) -> float:
    """The root of `function` between `low` and `high`, `within` that distance, kept on disk under the world and the name."""
    key = short_hash(code_hash(DRAWS_FROM), world_hash(world), name, low, high, within)
    return float(remembered("root", key, lambda: float(optimize.brentq(function, low, high, xtol=within, rtol=1e-6))))


def with_segment(world: World, label: str, **changes: object) -> World:
    """The world with parameters of one segment changed."""
    name = label.lower()
    return replace(world, **{name: replace(getattr(world, name), **changes)})  # type: ignore[arg-type]


def shifted(segment: Segment, log_odds: float) -> Segment:
    """All steps' passing moved by `log_odds`."""
    steps = tuple(
        replace(s, pass_probability=float(expit(logit(s.pass_probability) + log_odds))) for s in segment.steps
    )
    return replace(segment, steps=steps)


def paying(world: World, factor: float) -> World:
    """KA deal sizes, and with them the authority limit, times `factor`: who has to approve stays the same."""
    ka = world.ka
    return with_segment(
        world, "KA", amount_median=ka.amount_median * factor, authority_limit=ka.authority_limit * factor
    )


def exact_cell(name: str, finding: str, kind: str, world: World, policy: Policy, analyses: tuple[str, ...], moved: str,
               value: str, without: tuple[str, ...] = (), share: float = 1.0) -> Cell:  # fmt: skip
    """A cell whose truth is integrated."""
    truth = exact_numbers(world, policy)
    state = (BORDER, "") if kind == BORDER else truth_state(finding, truth, policy)
    expected = {"holds": "supported", "fails": "contradicted", BORDER: BORDER}[kind]
    assert state[0] == expected, f"{name}: the world's truth is {state}, not {expected}"
    return Cell(name, finding, kind, state, f"{moved}; {value}", world, analyses, without=without, share=share)


def counted_cell(
    finding: str,
    kind: str,
    world: World,
    policy: Policy,
    moved: str,
    truth: Mapping[str, float],
    told: str,
    analyses: tuple[str, ...],
    share: float = 1.0,
    sizes: tuple[float, ...] = (1.0,),
) -> Cell:
    """A cell whose truth is counted or known by design; told: the number that decides."""
    state = (BORDER, "") if kind == BORDER else truth_state(finding, truth, policy)
    expected = {"holds": "supported", "fails": "contradicted", BORDER: BORDER}[kind]
    assert state[0] == expected, f"{finding} {kind}: the world's truth is {state}, not {expected}"
    said = f"{moved}; {told.replace('|', ' ')} {truth[told]:.3f}"
    values = {told: truth[told]}
    return Cell(f"{finding}-{kind}", finding, kind, state, said, world, analyses, sizes, share=share, values=values)
