"""The benchmark of process views measures what it says: its log is one, and both tools find the same in it."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import process
from kaanalysis.aggregates import process_views
from kaanalysis.xes import CASE, read_xes


def test_the_drawn_log_is_about_as_large_as_asked_with_rising_times() -> None:
    flow, step, at = process.draw(20_000)
    assert abs(len(flow) - 20_000) < 600 and set(np.unique(step)) == set(range(process.STEPS))
    order = np.lexsort((at, flow))
    same = np.diff(flow[order]) == 0
    assert (np.diff(at[order])[same] > 0).all()
    first = np.append(True, ~same)
    assert (step[order][first] == 0).all(), "every flow begins at the first step"


def test_views_of_the_drawn_log_are_those_of_a_plain_count(tmp_path: Path) -> None:
    process.write_parquet(tmp_path / "log.parquet", 3000)
    flow, step, at = process.draw(3000)
    made = process.our_process(tmp_path / "log.parquet")
    follows = process_views.directly_follows(made)
    order = np.lexsort((at, flow))
    same = np.diff(flow[order]) == 0
    pairs = list(zip(step[order][:-1][same], step[order][1:][same], strict=True))
    counted = {
        (f"Step {a:02d} of the process", f"Step {b:02d} of the process"): pairs.count((a, b)) for a, b in set(pairs)
    }
    assert {(r.step, r.next_step): r.count for r in follows.itertuples(index=False)} == counted


def test_both_tools_find_the_same(tmp_path: Path) -> None:
    pytest.importorskip("pm4py", reason="pm4py is AGPL and in the environment of `make bench-process` only")
    process.write_parquet(tmp_path / "log.parquet", 5000)
    made, (_, _, log) = process.our_process(tmp_path / "log.parquet"), process.their_log(tmp_path / "log.parquet")
    ours = {name: call() for name, call in process.our_views(made).items()}
    process.assert_equal(made, ours, {name: call() for name, call in process.their_views(log).items()})


def test_the_written_xes_file_is_read_whole(tmp_path: Path) -> None:
    process.write_xes(tmp_path / "log.xes", 2000)
    log = read_xes(tmp_path / "log.xes")
    assert log.table.num_rows == 2000 and not log.untimed and log.table.column(CASE).null_count == 0


def test_the_table_says_plainly_what_was_not_met() -> None:
    assert process.met(61, 60).startswith("met") and process.met(59, 60).startswith("**not met**")
    assert process.met(1.4, 1.5, at_most=True).startswith("met") and process.met(1, None) == ""
    assert process.slope([10, 100, 1000], [1.0, 10.0, 100.0]) == pytest.approx(1)
