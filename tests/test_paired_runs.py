"""Two runs resampled together: the jackknife's arithmetic, which numbers it may judge, and false alarms and power by simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_folders import SALES, write_run
from scipy import stats

from kaanalysis.analyses.registry import analyse_all
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.company import open_company
from kaanalysis.compared_runs import read_run
from kaanalysis.diff import Diff, compare
from kaanalysis.joint_uncertainty import kind_of
from kaanalysis.paired_runs import (
    DRAWS,
    GROUPS,
    group_of,
    jackknife_error,
    paired,
    quick,
    values,
    values_without,
    without,
)
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number

KEY = "M-1.4"
Z = float(stats.norm.isf(0.025))


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    """Leaving out each of n values of a mean gives s / √n exactly (Efron and Tibshirani 1993, section 11.2)."""
    x = np.random.default_rng(1).standard_normal(20)
    left = (x.sum() - x) / 19
    assert jackknife_error(left) == pytest.approx(x.std(ddof=1) / np.sqrt(20))


def test_groups_are_the_same_in_every_run_and_about_even() -> None:
    sizes = np.bincount([group_of(f"A{i:04d}") for i in range(4000)], minlength=GROUPS)
    assert group_of("A0001") == group_of("A0001") and len(sizes) == GROUPS
    assert stats.chisquare(sizes).pvalue > 1e-3


def test_without_a_group_all_that_hangs_on_its_accounts_is_gone(company) -> None:
    accounts = [
        {"account_id": f"A{i}", "segment": "SMB", "parent_account_id": "A1" if i == 2 else ""} for i in range(40)
    ]
    deals = [{"opportunity_id": f"O{i}", "account_id": f"A{i}", "outcome": "won"} for i in range(40)]
    stages = [{"opportunity_id": f"O{i}", "stage": "lead", "entered_at": "2025-01-01"} for i in range(40)]
    flows = [{"flow_id": "told", "step": "ask", "part": "do", "account_id": None, "opportunity_id": None}]
    whole = company(accounts=accounts, opportunities=deals, stage_history=stages, buying_steps=flows)
    facts = {"opportunity_id": [f"O{i}" for i in range(40)], "fact": "budget", "value": "yes", "known": True}
    whole.deal_facts = pd.DataFrame(facts)
    group = group_of("A1")
    left = without(whole, group)
    gone = {f"A{i}" for i in range(40) if group_of(f"A{1 if i == 2 else i}") == group}
    assert {"A1", "A2"} <= gone  # a subsidiary goes with its head office, whatever its own id
    assert set(left.table("accounts").account_id.execute()) == {a["account_id"] for a in accounts} - gone
    assert set(left.table("stage_history").opportunity_id.execute()) == {
        f"O{i}" for i in range(40) if f"A{i}" not in gone
    }
    assert set(left.deal_facts["opportunity_id"]) == set(left.table("opportunities").opportunity_id.execute())
    assert left.table("buying_steps").count().execute() == 1  # told in an interview, of nobody's account
    assert whole.table("accounts").count().execute() == 40


def test_values_without_each_group_are_those_of_the_analyses(small_demo: Path, policy: Policy) -> None:
    found = values_without(open_company(small_demo), policy, ["00_problem_framing"], groups=3)
    key = ("00_problem_framing", "M-0", "revenue_per_head", "SMB")
    assert len(found) == 3 and len({f[key] for f in found}) == 3


def test_fewer_draws_leave_every_value_with_a_sampling_interval_as_it_is(small_demo: Path, policy: Policy) -> None:
    """Only then may the values without each group be computed with few."""
    assert all(quick(policy)[name] == policy.threshold(name).range[0] for name in DRAWS)
    company, id = open_company(small_demo), "01_base_assumptions"
    with only_numbers():
        many, few = (analyse_all(company, p, [id]) for p in (policy.override({"evidence.draws": 300}), quick(policy)))
    sampled = [(f.id, n) for f in many[id].findings for n in f.numbers if kind_of(n) == "sampling"]
    least = values(few)
    assert len(sampled) > 20
    assert all(least[id, finding, n.name, n.segment] == pytest.approx(n.value, rel=1e-9) for finding, n in sampled)


# The comparison ---------------------------------------------------------------------------------------------------


def run_of(folder: Path, numbers: list[Number], data: str) -> Path:
    finding = Finding(KEY, "willingness_to_pay", "undecided", "spend_undecided", tuple(numbers))
    return write_run(folder, {SALES: [finding]}, data=data)


def mean_number(name: str, x: np.ndarray, widen: float = 1.0) -> Number:
    half = widen * Z * x.std(ddof=1) / np.sqrt(len(x))
    return Number(name, "all", x.mean(), x.mean() - half, x.mean() + half, 0.95, len(x), "log units", "mean")


def left_out(columns: list[np.ndarray], rows: int) -> list[dict[tuple[str, str, str, str], float]]:
    group = np.arange(rows) % GROUPS
    return [
        {(SALES, KEY, f"n{k}", "all"): float(x[:rows][group != g].mean()) for k, x in enumerate(columns)}
        for g in range(GROUPS)
    ]


def compared(folder: Path, columns: list[np.ndarray], old: int, new: int, widen: float = 1.0) -> tuple[Diff, Diff]:
    """The comparison by intervals alone, and by the paired jackknife."""
    sides = [[mean_number(f"n{k}", x[:rows], widen) for k, x in enumerate(columns)] for rows in (old, new)]
    diff = compare(read_run(run_of(folder / "a", sides[0], "d1")), read_run(run_of(folder / "b", sides[1], "d2")))
    return diff, paired(diff, left_out(columns, old), left_out(columns, new)).diff


def test_variance_of_nested_means_is_the_difference_of_their_variances(tmp_path: Path) -> None:
    """Hausman 1978: of the means of n and of the same n and m more rows. A width some five times sharper than for independence."""
    rng, widths = np.random.default_rng(5), []
    for i in range(12):
        columns = [rng.standard_normal(440) for _ in range(4)]
        by_intervals, by_pairs = compared(tmp_path / str(i), columns, 400, 440)
        for a, b in zip(by_intervals.verdicts[0].numbers, by_pairs.verdicts[0].numbers, strict=True):
            assert b.change.dependence == "paired"
            widths.append((b.change.high - b.change.low) / (a.change.high - a.change.low))
    exact = np.sqrt((1 / 400 - 1 / 440) / (1 / 400 + 1 / 440)) * stats.t.isf(0.025, GROUPS - 1) / Z
    assert np.mean(widths) == pytest.approx(exact, rel=0.12)


def test_false_alarms_one_month_later_are_at_most_one_in_twenty_and_a_new_month_that_differs_is_seen(
    tmp_path: Path,
) -> None:
    rng, false, found, seen_by_intervals = np.random.default_rng(11), 0, 0, 0
    repeats = 60
    for i in range(repeats):
        columns = [rng.standard_normal(440) for _ in range(8)]
        false += bool(compared(tmp_path / f"{i}", columns, 400, 440)[1].numbers("changed"))
        columns[0][400:] += 1.5
        by_intervals, by_pairs = compared(tmp_path / f"{i}m", columns, 400, 440)
        found += by_pairs.verdicts[0].numbers[0].outcome == "changed"
        seen_by_intervals += by_intervals.verdicts[0].numbers[0].outcome == "changed"
    assert false <= stats.binom.isf(0.001, repeats, 0.05)
    assert found >= 0.9 * repeats and seen_by_intervals == 0  # what two intervals alone must overlook


def test_numbers_that_accounts_do_not_explain_keep_their_intervals(tmp_path: Path) -> None:
    """Own intervals three times as wide as leaving out accounts tells (drawn over few sellers, say): kept. Half as wide again: raised."""
    columns = [np.random.default_rng(2).standard_normal(440)]
    far = paired_of(tmp_path / "far", columns, 3.0)
    near = paired_of(tmp_path / "near", columns, 1.5)
    plain = paired_of(tmp_path / "plain", columns, 1.0)
    assert far.dependence == "not_negative"
    assert near.dependence == plain.dependence == "paired"
    own, alone = near, plain
    assert (own.high - own.low) / (alone.high - alone.low) == pytest.approx(1.5, rel=0.25)


def paired_of(folder: Path, columns: list[np.ndarray], widen: float):
    return compared(folder, columns, 400, 440, widen)[1].verdicts[0].numbers[0].change


def test_a_number_missing_without_some_group_keeps_its_intervals(tmp_path: Path) -> None:
    columns = [np.random.default_rng(2).standard_normal(440)]
    diff, _ = compared(tmp_path, columns, 400, 440)
    old, new = left_out(columns, 400), left_out(columns, 440)
    new[3] = {}
    found = paired(diff, old, new)
    assert (found.judged, found.left) == (0, 1) and found.diff.verdicts[0].numbers[
        0
    ].change.dependence == "not_negative"
