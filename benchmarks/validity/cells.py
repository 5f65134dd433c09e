"""The companies that are drawn: `healthy` as it is, and worlds in which one finding holds, fails, or lies exactly at its threshold.

Each is `healthy` with one or few latent parameters moved (:mod:`benchmarks.validity.cell`). At the threshold nothing can be said with
right: any bold verdict there counts as wrong. The findings M-0 to M-1.5 have theirs in :mod:`benchmarks.validity.base_cells`, but for
those that compare two integrated numbers (M-0.1, M-1.2, M-1.4).
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np

from benchmarks.validity import base_cells, sales_cells
from benchmarks.validity.cell import BORDER, Cell, exact_cell, found, paying, shifted, with_segment
from benchmarks.validity.truths import exact_numbers, path_asked_for, reliefs, replica, siphon_distance, truth_state
from kaanalysis.policy import Policy
from kaanalysis.simulate.parameters import load
from kaanalysis.simulate.world import World

__all__ = ["BORDER", "SIZES", "Cell", "healthy_cell", "verdict_cells", "with_segment"]

SIZES = (0.5, 1.0, 2.0)
PLANTED = "budget approval"  # the step that worlds with a planted bottleneck weaken
DEALS = (25, 50, 100, 200, 400)  # KA deals at which the bottleneck is sought


def passing(world: World, values: Mapping[str, float], others: float) -> World:
    """KA steps with the given passing, all others with `others`; whom the seller never met makes no difference."""
    steps = tuple(replace(s, pass_probability=values.get(s.name, others)) for s in world.ka.steps)
    return with_segment(world, "KA", steps=steps, unmet_effect=0.0)


def capable(world: World, level: float) -> World:
    """KA teams with this mean level of capability."""
    return replace(world, teams=tuple(replace(t, capability=level) if t.motion == "KA" else t for t in world.teams))


def healthy_cell() -> Cell:
    """All findings and numbers of the company in which nothing fails."""
    every = ("00", "01", "02", "03", "04", "05")
    return Cell("healthy", "", "healthy", ("", ""), "nothing", load("healthy"), every, SIZES)


def _growth(world: World, policy: Policy) -> list[Cell]:
    out = []
    for kind, rate in (("holds", -0.35), (BORDER, 0.0), ("fails", 0.60)):
        moved = with_segment(world, "SMB", growth=rate)
        truth = (BORDER, "") if kind == BORDER else truth_state("M-0.1", {"growth_rate|SMB": rate}, policy)
        # Openings grow by `rate` a year of 365.25 days and pass through the same delays, so wins of two years of 365 days do too.
        value = (1 + rate) ** (365 / 365.25) - 1
        out.append(Cell(f"M-0.1-{kind}", "M-0.1", kind, truth, f"SMB openings grow by {rate:+.0%} a year", moved, ("00",),
                        values={"growth_rate|SMB": value}))  # fmt: skip
    return out


def _lifecycle(world: World, policy: Policy) -> list[Cell]:
    # A customer who buys again before its life would have ended is drawn to stay longer: with few key accounts and many repeats their
    # lives would no longer be those that the truth integrates. Here nobody buys again.
    world = with_segment(world, "KA", repeat=0.0)
    out = []
    for kind, difference in (("holds", 6.0), (BORDER, policy["lifecycle.minimum_difference"]), ("fails", -6.0)):

        def missing(months: float, difference: float = difference) -> float:
            moved = with_segment(world, "KA", life_median_months=months)
            return exact_numbers(moved, policy)["rmst_difference|KA-SMB"] - difference

        months = found(world, f"life {difference}", missing, 3.0, 90.0)
        moved = with_segment(world, "KA", life_median_months=months)
        out.append(exact_cell(f"M-1.2-{kind}", "M-1.2", kind, moved, policy, ("01",), f"KA median life {months:.1f} months, no repeats",
                          f"difference of restricted means {difference:+.1f} months"))  # fmt: skip
    return out


def _spend(world: World, policy: Policy) -> list[Cell]:
    out = []
    now = exact_numbers(world, policy)["spend_ratio|KA-SMB"]
    for kind, ratio in ((BORDER, policy["spend.ratio"]), ("fails", 1.0)):
        moved = paying(world, ratio / now)
        out.append(exact_cell(f"M-1.4-level-{kind}", "M-1.4", kind, moved, policy, ("01",),
                          f"KA deal sizes × {ratio / now:.4f}", f"ratio of medians {ratio:g}"))  # fmt: skip
    for kind, difference in (("holds", -0.3), (BORDER, -policy["spend.dispersion"]), ("fails", 0.3)):

        def missing(log_sd: float, difference: float = difference) -> float:
            moved = with_segment(world, "SMB", amount_log_sd=log_sd)
            return exact_numbers(moved, policy)["dispersion_difference|KA-SMB"] - difference

        log_sd = found(world, f"evenness {difference}", missing, 0.05, 1.4)
        moved = with_segment(world, "SMB", amount_log_sd=log_sd)
        out.append(exact_cell(f"M-1.4-evenness-{kind}", "M-1.4", kind, moved, policy, ("01",),
                          f"SMB log deal size has standard deviation {log_sd:.3f}",
                          f"difference of log dispersion {difference:+.2f}"))  # fmt: skip
    return out


def _merge(world: World, policy: Policy) -> list[Cell]:
    out = []
    for kind, gap in (("holds", -0.35), (BORDER, -policy["roles.merge_difference"]), ("fails", -0.05)):

        def moved_by(weight: float) -> World:
            few = np.zeros(4)
            few[: len(world.smb.persons)] = world.smb.persons
            persons = (1 - weight) * few + weight * np.array([0.0, 0.0, 0.0, 1.0])
            return with_segment(world, "SMB", persons=tuple(float(p) for p in persons))

        def missing(weight: float, gap: float = gap) -> float:
            return exact_numbers(moved_by(weight), policy)["role_merge_difference|KA-SMB"] - gap

        weight = found(world, f"merge {gap}", missing, 0.0, 1.0)
        out.append(exact_cell(f"M-2.2-{kind}", "M-2.2", kind, moved_by(weight), policy, ("02",),
                          f"{weight:.1%} of SMB deals with four separate persons",
                          f"difference of role merge {gap:+.2f}", without=("buying_steps",)))  # fmt: skip
    return out


def _kinds(world: World, policy: Policy) -> list[Cell]:
    out = []
    for kind, share in (("holds", 0.75), (BORDER, policy["roles.presence_share"]), ("fails", 0.25)):
        # With five persons the informed roles fall to the key person, who is seen as approving; with more they have their own.
        persons = np.array(world.ka.persons)
        rest = persons.copy()
        rest[4] = 0.0
        persons = rest / rest.sum() * share
        persons[4] = 1 - share
        moved = with_segment(world, "KA", persons=tuple(float(p) for p in persons))
        truth = (BORDER, "") if kind == BORDER else ("supported" if kind == "holds" else "contradicted", "")
        out.append(Cell(f"M-2.3-{kind}", "M-2.3", kind, truth, f"{1 - share:.0%} of KA deals with five persons; "
                        f"share of deals with an informed person {share:g}", moved, ("02",), without=("buying_steps",),
                        values={"inform_share|KA": share}))  # fmt: skip
    return out


def _limit(world: World, policy: Policy) -> list[Cell]:
    """A limit elsewhere; and none, where an approval comes and goes with who holds which role, whatever the amount. No border: what is
    planted are whole approvals."""
    lower = with_segment(world, "KA", authority_limit=250_000.0)
    steps = tuple(replace(s, above_limit=False, only_separate=s.name == PLANTED) for s in world.ka.steps)
    none = with_segment(world, "KA", steps=tuple(s for s in steps if s.name != "board memo"))
    cells = (("holds", "supported", lower, "KA limit of authority 250,000"), ("fails", "contradicted", none, "KA without a limit; "
             f"{PLANTED} only where finance has a person of its own"))  # fmt: skip
    return [
        Cell(f"M-2.5-{kind}", "M-2.5", kind, (state, ""), told, moved, ("02",)) for kind, state, moved, told in cells
    ]


def _rates(world: World, policy: Policy) -> list[Cell]:
    out = []
    mark, away = policy["conversion.target"], policy["conversion.tolerance"]
    conversions = (("fails-low", mark - 2 * away + 0.02), (f"{BORDER}-low", mark - away), ("holds", mark),
                   (f"{BORDER}-high", mark + away), ("fails-high", mark + 2 * away))  # fmt: skip
    target = policy["success.target"]
    successes = (("fails", target - 0.2), (BORDER, target), ("holds", target + 0.2))
    for finding, label, key, wanted in (
        ("M-3.1", "SMB", "conversion|SMB", conversions),
        ("M-3.2", "KA", "success|KA", successes),
    ):
        for kind, value in wanted:

            def moved_by(log_odds: float, label: str = label) -> World:
                name = label.lower()
                return replace(world, **{name: shifted(getattr(world, name), log_odds)})  # type: ignore[arg-type]

            def missing(log_odds: float, key: str = key, value: float = value, moved_by=moved_by) -> float:  # type: ignore[no-untyped-def]
                return exact_numbers(moved_by(log_odds), policy)[key] - value

            log_odds = found(world, f"{key} {value:.4f}", missing, -2.0, 2.0)
            out.append(exact_cell(f"{finding}-{kind}", finding, kind.split("-")[0], moved_by(log_odds), policy, ("03",),
                              f"every {label} step {log_odds:+.4f} in log-odds", f"{key.split('|')[0]} {value:g}",
                              without=("stage_history",)))  # fmt: skip
    return out + sales_cells.unsteady(world, policy)


def _bottlenecks(world: World, policy: Policy) -> list[Cell]:
    out = []
    minimum = policy["bottleneck.minimum_relief"]

    def planted(value: float) -> World:
        return passing(world, {PLANTED: value}, 0.94)

    def relief(value: float) -> float:
        return reliefs(exact_numbers(planted(value), policy))[PLANTED]

    ten = found(world, "relief 10", lambda v: relief(v) - 10.0, 0.60, 0.93)
    border = found(world, "relief minimum", lambda v: relief(v) - minimum, 0.80, 0.949)
    for name, value in (("pass-0.84", 0.84), ("relief-10", ten)):
        for deals in DEALS:
            moved = with_segment(planted(value), "KA", opportunities=deals)
            out.append(exact_cell(f"M-3.6-{name}-{deals}", "M-3.6", "holds", moved, policy, ("03",),
                              f"one step passes at {value:.4f}, the others at 0.94; {deals} KA deals",
                              f"relief {relief(value):.1f}"))  # fmt: skip
    few = planted(border)
    out.append(exact_cell(f"M-3.6-{BORDER}", "M-3.6", BORDER, few, policy, ("03",),
                      f"one step passes at {border:.4f}, the others at 0.94", f"largest relief {minimum:g}"))  # fmt: skip
    twin = passing(world, {PLANTED: 0.84, "value case": 0.84}, 0.94)
    out.append(exact_cell("M-3.6-border-twins", "M-3.6", BORDER, twin, policy, ("03",),
                      "two steps pass at 0.84, the others at 0.94", "two equal reliefs: neither is the biggest"))  # fmt: skip
    near = passing(world, {PLANTED: 0.84, "value case": 0.85}, 0.94)
    ahead = reliefs(exact_numbers(near, policy))
    out.append(exact_cell("M-3.6-near-twins", "M-3.6", "holds", near, policy, ("03",),
                      "one step passes at 0.84, one at 0.85, the others at 0.94",
                      f"reliefs {ahead[PLANTED]:.1f} and {ahead['value case']:.1f}"))  # fmt: skip
    none = passing(world, {}, 0.95)
    out.append(exact_cell("M-3.6-fails", "M-3.6", "fails", none, policy, ("03",),
                      "all steps pass at 0.95", "no step loses more than the benchmark"))  # fmt: skip
    return out


def _paths(world: World, policy: Policy) -> list[Cell]:
    names = [s.name for s in world.ka.steps if not s.above_limit]
    asks = {
        "part_time": (passing(world, {PLANTED: 0.85}, 0.97), 0.95),
        "split-by-count": (passing(world, dict.fromkeys(names[1:6:2], 0.86), 0.97), 0.95),
        "split-by-fit": (passing(world, {PLANTED: 0.85}, 0.97), 0.56),
        "rebuild-by-count": (passing(world, dict.fromkeys(names[1:7], 0.84), 0.97), 0.95),
        "rebuild-by-fit": (passing(world, {PLANTED: 0.85}, 0.97), 0.36),
    }
    out = []
    for name, (moved, level) in asks.items():
        moved = capable(moved, level)
        truth = {**replica(moved, 1.0, 40), **exact_numbers(moved, policy)}
        path = path_asked_for(truth["bottlenecks|KA"], truth["fit|KA"], policy)
        assert name.startswith(("part_time", "split", "rebuild")[path]), (
            name,
            truth["bottlenecks|KA"],
            truth["fit|KA"],
        )
        out.append(Cell(f"M-4-{name}", "M-4", "holds", truth_state("M-4", truth, policy),
                        f"{truth['bottlenecks|KA']:.0f} bottlenecks, fit {truth['fit|KA']:.2f}", moved, ("01", "03", "04"),
                        (1.0,), values={k: truth[k] for k in ("bottlenecks|KA", "fit|KA")}))  # fmt: skip
    return out


def _siphon(world: World, policy: Policy) -> list[Cell]:
    def moved_by(weight: float) -> World:
        ka = world.ka
        before = (ka.before_launch or 0.0) + weight * 0.5
        return with_segment(world, "KA", repeat=ka.repeat + weight * (0.95 - ka.repeat), before_launch=before)

    def missing(weight: float) -> float:
        return siphon_distance(replica(moved_by(weight), 1.0), policy)

    # Counted, not integrated: half a hundredth of the way is finer than what the replica's own chance leaves. The name holds what the
    # border hangs on: the margins, and how many signs must be there.
    marks = [policy[f"siphon.{m}"] for m in ("signs", "moved_share", "upgrade_share", "new_customers", "drained_ratio")]
    border = found(world, f"siphon {marks}", missing, 0.05, 0.75, 0.005)
    out = []
    for kind, weight in (("fails", 0.25), (BORDER, border), ("holds", 1.0)):
        moved = moved_by(weight)
        counted = replica(moved, 1.0)
        truth = (BORDER, "") if kind == BORDER else truth_state("M-D", counted, policy)
        values = {
            k: counted[k] for k in ("moved_share|KA", "upgrade_share|KA", "new_customers_ratio|KA", "smb_won_ratio|SMB")
        }
        share = f"share of KA revenue taken over {counted['moved_share|KA']:.3f}"
        about = (
            f"{moved.ka.repeat:.0%} of KA deals are repeats, {moved.ka.before_launch:.0%} before the launch; {share}"
        )
        out.append(Cell(f"M-D-{kind}", "M-D", kind, truth, about, moved, ("05",), values=values))
    return out


GROUPS: dict[str, Callable[[World, Policy], list[Cell]]] = {
    "M-0.1": _growth,
    "M-1.2": _lifecycle,
    "M-1.4": _spend,
    "M-2.2": _merge,
    "M-2.3": _kinds,
    "M-2.5": _limit,
    "M-3.1,M-3.2": _rates,
    "M-3.6": _bottlenecks,
    "M-4": _paths,
    "M-D": _siphon,
    "M-3.3": sales_cells.losses,
    "M-3.5": sales_cells.contacts,
    **base_cells.GROUPS,
}


def _group(findings: str, policy: Policy) -> list[Cell]:
    return GROUPS[findings](load("healthy"), policy)


def verdict_cells(policy: Policy, only: str = "", jobs: int = 1) -> list[Cell]:
    """All worlds in which one finding holds, fails or lies at its threshold; `only`: beginnings of names, separated by commas; jobs:
    processes that find their parameters."""
    names = tuple(n for n in only.split(",") if n)
    wanted = [
        g for g in GROUPS if not names or any(n.startswith(f) or f.startswith(n) for n in names for f in g.split(","))
    ]
    if jobs == 1:
        made = [_group(group, policy) for group in wanted]
    else:
        # The longest first: the truth of M-D is counted in hundreds of companies.
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            coming = {group: pool.submit(_group, group, policy) for group in reversed(wanted)}
            made = [coming[group].result() for group in wanted]
    cells = [cell for group in made for cell in group]
    return [cell for cell in cells if not names or cell.name.startswith(names)]
