"""The proof of the numbers, small: intervals hold their truth on a few dozen companies, and a broken estimator is caught.

The full measurement is ``make bench-validity``; its results are in benchmarks/VALIDITY.md.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.validity import base_cells, report, store, study, truths
from benchmarks.validity.cells import BORDER, Cell, healthy_cell, with_segment
from benchmarks.validity.engine import Engine
from kaanalysis import text
from kaanalysis.analyses import rates as rate_analysis
from kaanalysis.policy import Policy, load_policy
from kaanalysis.simulate import draw_company
from kaanalysis.simulate.parameters import load
from kaanalysis.simulate.replica import FIRST_SEED, replica_truth
from kaanalysis.stats import Estimate, jeffreys

COMPANIES = 30
TEXTS = Path(text.__file__).parent / "text"


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Truths and rows of the tests are kept apart from those of a measurement."""
    patch = pytest.MonkeyPatch()
    patch.setattr(store, "FOLDER", tmp_path_factory.mktemp("validity"))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def quick() -> Policy:
    return load_policy().override({"evidence.draws": 200})


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def rates(quick: Policy) -> tuple[Cell, dict[str, float]]:
    """A company whose KA deals are mostly young, so that many are open: what a naive share of the closed ones gets wrong."""
    world = with_segment(healthy_cell().world, "KA", growth=6.0, before_launch=None)
    cell = Cell("young deals", "", "healthy", ("", ""), "", world, ("03",), (1.0,), without=("stage_history",))
    exact = truths.exact_numbers(world, quick)
    return cell, {key: exact[key] for key in ("conversion|SMB", "success|KA")}


def covered(engine: Engine, cell: Cell, truth: dict[str, float], policy: Policy) -> dict[str, report.Share]:
    """Coverage by number and segment, over the numbers that `truth` holds."""
    rows = [study.company_row(engine, cell, 1.0, seed, policy) for seed in range(COMPANIES)]
    for row in rows:
        row["numbers"] = {k: v for k, v in row["numbers"].items() if k.split("|", 1)[1] in truth}
    frame = report.coverage(rows, truth, 1.0)
    return {f"{r.number}|{r.segment}": r.covered for r in frame.itertuples()}


def test_rates_hold_their_truth(engine: Engine, rates: tuple[Cell, dict[str, float]], quick: Policy) -> None:
    found = covered(engine, *rates, quick)
    assert set(found) == {"conversion|SMB", "success|KA"}
    assert all(not report.mark(share).startswith("below") for share in found.values()), found


def half_as_wide(estimate: Callable[..., Estimate]) -> Callable[..., Estimate]:
    def broken(*args: Any, **kwargs: Any) -> Estimate:
        made = estimate(*args, **kwargs)
        if made.value is None or made.low is None or made.high is None:
            return made
        return replace(made, low=(made.low + made.value) / 2, high=(made.high + made.value) / 2)

    return broken


def share_of_closed(time: Any, outcome: Any, clusters: Any, cause: str, horizon: float, level: float = 0.95, entry: Any = None) -> Estimate:  # fmt: skip
    closed = np.array([o is not None for o in outcome])
    return jeffreys(int((np.asarray(outcome) == cause).sum()), int(closed.sum()), level)


@pytest.mark.parametrize("kind", ["half as wide", "share of the closed deals"])
def test_a_broken_estimator_is_caught(
    kind: str,
    engine: Engine,
    rates: tuple[Cell, dict[str, float]],
    quick: Policy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = rate_analysis.clustered_incidence_at
    broken = half_as_wide(sound) if kind == "half as wide" else share_of_closed
    monkeypatch.setattr(rate_analysis, "clustered_incidence_at", broken)
    assert report.mark(covered(engine, *rates, quick)["success|KA"]) == "below"


def test_every_interval_of_the_workbook_has_a_truth_or_a_reason(engine: Engine, quick: Policy) -> None:
    cell = healthy_cell()
    row = study.company_row(engine, cell, 0.5, 1, quick)
    truth = truths.all_numbers(cell.world, 0.5, quick, pieces=6)
    frame = report.coverage([row], truth, 0.5)
    assert len(frame) > 110 and set(frame["analysis"]) == {"00", "01", "02", "03", "05"}
    named = {key.split("|")[1] for key in row["numbers"]}
    assert set(truths.NO_COVERAGE) <= named, "a reason is given for a number that is not there"
    # One company does not show every number: those that have a name in the texts are all there can be.
    names = set(tomllib.loads((TEXTS / "en.toml").read_text(encoding="utf-8"))["number_names"])
    told = {key.split("|")[0] for key in truth}
    kinds = [told, set(truths.NO_COVERAGE), set(truths.NO_INTERVAL)]
    assert names <= set.union(*kinds), f"neither truth nor reason: {sorted(names - set.union(*kinds))}"
    assert not any(a & b for a, b in itertools.combinations(kinds, 2)) and not truths.NO_INTERVAL & named
    assert names >= truths.NO_INTERVAL, "a number without an interval is named that does not exist"
    with pytest.raises(report.NoTruth, match="success"):
        report.coverage([row], {k: v for k, v in truth.items() if not k.startswith("success")}, 0.5)


def test_truths_agree_where_there_are_two(quick: Policy) -> None:
    """Integrated truth against plain counting in pooled companies: what one gets wrong the other would show."""
    world = healthy_cell().world
    exact, counted = truths.exact_numbers(world, quick), replica_truth(world, 16.0, 2.0)
    # Tolerances are three times the counted value's own error, from the spread of these numbers in one company.
    for key, tolerance in (
        ("role_merge_index|KA", 0.012), ("role_merge_index|SMB", 0.004), ("parties_per_deal|KA", 0.1),
        ("spend_dispersion|SMB", 0.07), ("spend_dispersion|KA", 0.05),
    ):  # fmt: skip
        assert counted[key] == pytest.approx(exact[key], abs=tolerance), key
    assert counted["won|SMB"] == pytest.approx(exact["conversion|SMB"], abs=0.008)
    assert counted["won|KA"] == pytest.approx(exact["success|KA"], abs=0.05)
    assert counted["spend_median|KA"] == pytest.approx(exact["spend_median|KA"], rel=0.06)


# Estimators of these differ from the plain count on purpose: degrees of freedom, strata.
NOT_PLAIN = ("spend_dispersion|SMB", "spend_dispersion|KA", "spend_ratio_stratified|KA-SMB")


@pytest.mark.parametrize("name", ["healthy", "siphon"])
def test_what_is_counted_in_one_company_is_what_the_analyses_read(name: str, engine: Engine, quick: Policy) -> None:
    """A definition written down twice: of one company the replica must count what the analyses estimate, to the last digit."""
    from kaanalysis.analyses.registry import REGISTRY
    from kaanalysis.analyses.verdicts import only_numbers

    world = load(name)
    counted = replica_truth(world, 0.4, 0.4)
    company = engine.open(world, draw_company(world, FIRST_SEED, 0.4))
    compared = 0
    with only_numbers():
        for id in ("00_problem_framing", "01_base_assumptions"):
            for finding in REGISTRY[id].analyse(company, quick, {}).findings:
                for number in finding.numbers:
                    key = f"{number.name}|{number.segment}"
                    if (
                        number.level is not None
                        and number.value is not None
                        and key in counted
                        and key not in NOT_PLAIN
                    ):
                        assert number.value == pytest.approx(counted[key], rel=1e-9, abs=1e-12), key
                        compared += 1
    assert compared > 50


def test_worlds_of_the_base_findings_are_what_they_are_named(quick: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_cells, "FEW", 2)
    world = healthy_cell().world
    for group in ("M-0-", "M-0.2", "M-0.3", "M-1.1"):
        made = base_cells.GROUPS[group](world, quick)
        assert {cell.kind for cell in made} == {"holds", "fails", BORDER} and len({c.name for c in made}) == len(made)
        assert all(cell.name.startswith(cell.finding) for cell in made)
    assert base_cells.gap_behind(1.0, 0.3, 0.2) == pytest.approx(0)
    assert base_cells.gap_ranked(0.2, 0.6, 0.2) == pytest.approx(0)
    # By hand: of 100 accounts 20 in the industry, 10 customers, none of them there: none of 18 against 10 of 82.
    assert base_cells.gap_behind(0.0, 0.1, 0.2) == pytest.approx(10 / 82)


def test_memory_and_folder_give_the_same_company(engine: Engine, tmp_path: Path, quick: Policy) -> None:
    """What is left out for speed (files, checks, compiled again) changes no number."""
    from kaanalysis.analyses.registry import REGISTRY
    from kaanalysis.company import open_company
    from kaanalysis.simulate import simulate

    world = healthy_cell().world
    folder = simulate("healthy", tmp_path / "company", seed=3, size=0.5)
    analysis = REGISTRY["03_sales_flow"]
    slow = analysis.analyse(open_company(folder), quick, {})
    engine.open(world, draw_company(world, 99, 0.5))
    for _ in range(2):  # the second time from remembered SQL
        fast = analysis.analyse(engine.open(world, draw_company(world, 3 + world.history, 0.5)), quick, {})
        for a, b in zip(slow.findings, fast.findings, strict=True):
            assert (a.state, a.reason, a.numbers, a.flips) == (b.state, b.reason, b.numbers, b.flips)


@pytest.mark.parametrize(
    ("found", "truth", "expected"),
    [
        (["supported", "", ""], ("supported", ""), "right"),
        (["supported", "", ""], ("contradicted", ""), "wrong"),
        (["undecided", "", ""], ("supported", ""), "undecided"),
        (["no_data", "", ""], ("supported", ""), "undecided"),
        (["supported", "", "demo"], ("supported", "close"), "wrong"),
        (["supported", "", "close"], ("supported", "close"), "right"),
        (["contradicted", "", ""], (BORDER, ""), "wrong"),
        (["undecided", "", ""], (BORDER, ""), "undecided"),
        (["supported", "", ""], (truths.BETWEEN, ""), "wrong"),
    ],
)
def test_verdicts_are_told_apart(found: list[str], truth: tuple[str, str], expected: str) -> None:
    assert report.verdict(found, truth) == expected


def test_coverage_by_hand() -> None:
    intervals = [[1.0, 0.0, 2.0], [3.0, 2.5, 4.0], [0.0, -1.0, 0.5], [1.0, 0.5, None], [1.0, None, None]]
    rows = [{"numbers": {"01|rmst|KA": values, "04|npv|split": [1.0, 0.0, 2.0]}} for values in intervals]
    [row] = report.coverage(rows, {"rmst|KA": 1.0}, 1.0).to_dict("records")
    # Held by the first and by the one open above; the second begins above, the third ends below; the last has none.
    assert (row["covered"].count, row["covered"].of, row["without"].count) == (2, 4, 1)
    assert row["too_low"] == row["too_high"] == 0.25
    assert row["bias"] == pytest.approx(0.2 / ((2 + 1.5 + 1.5) / 3 / 2))


def test_states_of_two_parts_and_the_industry_furthest_behind(quick: Policy) -> None:
    large, small, gap = quick["market.large"], quick["market.small"], quick["growth.penetration_gap"]
    for smb, ka, expected in (
        (large + 1, small - 1, "supported"),
        (large - 1, small - 1, "contradicted"),
        (large + 1, small + 1, "contradicted"),
    ):
        truth = {"accounts_estimated|SMB": float(smb), "accounts_estimated|KA": float(ka)}
        assert truths.truth_state("M-1.1", truth, quick) == (expected, "")
    gaps = {"industry_gap|a": -0.02, "industry_gap|b": gap + 0.01, "industry_gap|named": 0.0}
    assert truths.truth_state("M-0.2", gaps, quick)[0] == "supported"
    assert truths.truth_state("M-0.2", gaps | {"industry_gap|b": gap - 0.01}, quick)[0] == "contradicted"
    assert (
        truths.truth_state("M-0", {"revenue_per_head_growth|SMB": quick["growth.head_rate"] - 0.01}, quick)[0]
        == "supported"
    )
    assert truths.truth_state("M-1.5b", {"persona_hit_difference|M-1.5b": 0.3}, quick) == ("supported", "")
    for uncovered, state in ((0.0, "supported"), (1.0, "contradicted")):
        assert truths.truth_state("M-3.5", {"steps_uncovered|KA": uncovered}, quick) == (state, "")


@pytest.mark.parametrize(("count", "expected"), [(950, ""), (900, "below"), (925, "(below)"), (990, "above"), (974, "(above)")])  # fmt: skip
def test_marks(count: int, expected: str) -> None:
    assert report.mark(report.Share(count, 1000)) == expected


def test_the_rule_of_paths_written_twice_is_the_same_rule(quick: Policy) -> None:
    from kaanalysis.analyses.path_rule import rule

    for count in range(6):
        for fit in (0.3, 0.6, 0.7, 0.8, 0.95):
            assert truths.path_asked_for(count, fit, quick) == rule(np.array([count]), np.array([fit]), quick)[0]


def test_rows_are_kept_and_a_cut_line_is_done_again(quick: Policy) -> None:
    cell = replace(healthy_cell(), name="kept", analyses=("00",), sizes=(0.5,))
    kept = study.rows_of(cell, 0.5, quick)
    tasks = study.open_tasks([cell], lambda c: c.sizes, 3, quick)
    assert [len(t.seeds) for t in tasks] == [3]
    kept.append([{"seed": tasks[0].seeds[0]}])
    with kept.path.open("a", encoding="utf-8") as file:
        file.write('{"seed": ')
    assert [t.seeds for t in study.open_tasks([cell], lambda c: c.sizes, 3, quick)] == [tasks[0].seeds[1:]]
    kept.append([{"seed": s} for s in tasks[0].seeds[1:]])
    assert len(study.rows(cell, 0.5, 3, quick)) == 3
    other = replace(cell, world=with_segment(cell.world, "KA", growth=0.2))
    assert study.rows(other, 0.5, 3, quick) == [], "rows of another world must not be taken for this one's"


def test_table_is_markdown() -> None:
    made = report.table(pd.DataFrame({"a": [1], "b": [report.Share(1, 2)]}))
    assert made.splitlines() == ["| a | b |", "|---|---|", "| 1 | 50.0 [9.5, 90.5] |"]
