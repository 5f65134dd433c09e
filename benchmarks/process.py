"""Process views and the XES reader against their fastest peers, in the same run. ``make bench-process`` writes PROCESS.md beside this file.

Peers: pm4py (AGPL: in the extra `bench` only) for the four core views, and pm4py, rustxes and r4pm for XES files. Results are asserted
equal to the last count before anything is timed. Each size runs in a process of its own; ours and the peer's calls take turns, and the
fastest of several counts, so that a busy machine hurts both alike. What is timed is what a user calls: ours from building the Ibis
expression to the finished frame with names in it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
SIZES = (100_000, 1_000_000, 10_000_000)
STEPS, PARTIES, PER_FLOW = 25, 8, 8.8
MEMORY = "2500MB"  # of DuckDB; Python, Arrow and the rest come on top and stay within 4 GiB
VIEWS = ("directly-follows", "variants", "dwell", "handover")
XES_EVENTS = 1_000_000
TARGETS = {"views": {1_000_000: 60, 10_000_000: 100}, "parquet": {10_000_000: 15}, "xes": 1.5}


def draw(events: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flow, step and time (µs) of about `events` events in random order: a process of 25 steps that skips and goes back now and then."""
    generator = np.random.default_rng(seed)
    flows = max(1, round(events / PER_FLOW))
    at, alive = generator.integers(0, 3 * 365 * 86_400, flows) * 1_000_000, np.arange(flows)
    state = np.zeros(flows, np.int64)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    while len(alive):
        found.append((alive, state[alive], at[alive]))
        chance = generator.random(len(alive))
        there = state[alive]
        following = np.where(chance < 0.8, there + 1, np.where(chance < 0.9, there + 2, np.maximum(there - 2, 0)))
        over = (generator.random(len(alive)) < 0.11) | (following >= STEPS)
        at[alive] += (generator.lognormal(11, 1.2, len(alive)) * 1e6).astype(np.int64)
        state[alive] = np.minimum(following, STEPS - 1)
        alive = alive[~over]
    flow, step, moment = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = generator.permutation(len(flow))
    return flow[order], step[order], moment[order]


def write_parquet(path: Path, events: int) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    flow, step, at = draw(events)

    def named(values: np.ndarray, names: list[str]) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(values.astype(np.int32)), pa.array(names)).cast(pa.string())

    number = pc.utf8_lpad(pa.array(flow).cast(pa.string()), 8, "0")
    table = pa.table({
        "flow_id": pc.binary_join_element_wise(pa.scalar("flow"), number, "-"),
        "step": named(step, [f"Step {i:02d} of the process" for i in range(STEPS)]),
        "role": named(step % PARTIES, [f"party {i}" for i in range(PARTIES)]),
        "at": pa.array(at, pa.timestamp("us")),
    })  # fmt: skip
    pq.write_table(table, path)


def write_xes(path: Path, events: int) -> None:
    """A log in the form that process-mining tools write; times to the millisecond."""
    flow, step, at = draw(int(events * 1.1), 2)
    order = np.lexsort((at, flow))[:events]
    last = -1
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8" ?>\n<log xes.version="1.0" xmlns="http://www.xes-standard.org/">\n'
        )
        for i, (c, s, t) in enumerate(zip(flow[order].tolist(), step[order].tolist(), at[order].tolist(), strict=True)):
            if c != last:
                file.write(
                    ("\t</trace>\n" if last >= 0 else "")
                    + f'\t<trace>\n\t\t<string key="concept:name" value="case {c}"/>\n'
                )
                file.write(f'\t\t<float key="Amount" value="{c % 9000 / 7:.4f}"/>\n')
                last = c
            moment = (dt.datetime(2018, 1, 1) + dt.timedelta(milliseconds=t // 1000)).isoformat(timespec="milliseconds")
            file.write(
                f'\t\t<event>\n\t\t\t<string key="id" value="event {i}"/>\n\t\t\t<string key="org:resource" value="STAFF MEMBER"/>\n'
                f'\t\t\t<string key="concept:name" value="Step {s:02d} of the process"/>\n\t\t\t<date key="time:timestamp" '
                f'value="{moment}+00:00"/>\n\t\t\t<string key="org:role" value="party {s % PARTIES}"/>\n\t\t</event>\n'
            )
        file.write("\t</trace>\n</log>\n")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


# -- ours --------------------------------------------------------------------------------------------------------------
def our_process(path: Path) -> Any:
    """The transitions table from a Parquet file, as the workbook builds it from the steps of a company."""
    import ibis

    from kaanalysis.aggregates.transitions import build

    connection = ibis.duckdb.connect()
    raw = SimpleNamespace(connection=connection, raw_sql=lambda query: connection.raw_sql(query).fetchall())
    with tempfile.TemporaryDirectory() as folder:
        raw.raw_sql(f"SET memory_limit = '{MEMORY}'; SET temp_directory = '{folder}'")
        raw.raw_sql(
            f"CREATE VIEW events AS SELECT *, file_row_number AS row__ FROM read_parquet('{path}', file_row_number = true)"
        )
        events = connection.table("events")
        nothing = {c: ibis.null("string") for c in ("department", "category", "opportunity_id")}
        events = events.mutate(part=ibis.literal("do"), step_no=ibis.null("int64"), **nothing)
        return build(SimpleNamespace(raw=raw), events, None, "CN")  # type: ignore[arg-type]


def our_views(process: Any) -> dict[str, Callable[[], Any]]:
    from kaanalysis.aggregates import process_views as views

    return {
        "directly-follows": lambda: views.directly_follows(process),
        "variants": lambda: views.variants(process),
        "dwell": lambda: views.waiting(process),
        "handover": lambda: views.handovers(process, times=False),
    }


def all_views(process: Any) -> None:
    """Everything that the notebook shows of the process, working days and flows included."""
    from kaanalysis.analyses.buying_process import _views

    _views(process)


def scan(process: Any) -> None:
    moves = process.moves
    columns = ("flow", "kind", "step", "party", "at_us", "place", "next_step", "next_party", "wait_us")
    moves.aggregate(**{c: moves[c].max() for c in columns}).execute()


# -- pm4py -------------------------------------------------------------------------------------------------------------
def their_log(path: Path) -> tuple[float, float, Any]:
    import pandas as pd
    import pm4py

    read, frame = timed(lambda: pd.read_parquet(path))

    def ready() -> Any:
        log = pm4py.format_dataframe(frame, case_id="flow_id", activity_key="step", timestamp_key="at")
        log["org:resource"] = log["role"]
        return log

    took, log = timed(ready)
    return read, took, log


def their_views(log: Any) -> dict[str, Callable[[], Any]]:
    import pm4py

    # Its service time is that of an event's own start and end: the wait for a step needs the event before as the start. A frame of its
    # own, because with such a column the directly-follows graph sorts by it. Not timed.
    waited = log.assign(start_timestamp=log.groupby("case:concept:name")["time:timestamp"].shift())
    waited = waited[waited["start_timestamp"].notna()]
    return {
        # Counts and times are two calls there.
        "directly-follows": lambda: (pm4py.discover_dfg(log)[0], pm4py.discover_performance_dfg(log)[0]),
        "variants": lambda: pm4py.get_variants(log),
        "dwell": lambda: pm4py.get_service_time(
            waited, start_timestamp_key="start_timestamp", aggregation_measure="median"
        ),
        "handover": lambda: pm4py.discover_handover_of_work_network(log, resource_key="org:resource"),
    }


def assert_equal(process: Any, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Counts to the last one, medians to a microsecond."""
    from kaanalysis.aggregates import process_views as views

    counts, times = theirs["directly-follows"]
    follows = {
        (r.step, r.next_step): (r.count, r.median_days) for r in ours["directly-follows"].itertuples(index=False)
    }
    assert {k: v[0] for k, v in follows.items()} == {k: int(v) for k, v in counts.items()}
    assert all(abs(follows[k][1] * 86_400 - times[k]["median"]) < 1e-5 for k in follows)
    found = views.variants(process, None)
    assert {tuple(s): n for s, n in zip(found["sequence"], found["flows"], strict=True)} == dict(theirs["variants"])
    dwell = dict(zip(ours["dwell"]["step"], ours["dwell"]["median_wait_days"], strict=True))
    assert set(dwell) == set(theirs["dwell"]) and all(
        abs(dwell[s] * 86_400 - t) < 1e-5 for s, t in theirs["dwell"].items()
    )
    hands = {(r.party, r.next_party): r.count for r in ours["handover"].itertuples(index=False)}
    network = theirs["handover"].connections
    scale = sum(network.values()) / sum(hands.values())  # pm4py gives parts of all handovers, or of the largest
    assert set(hands) == {k for k, v in network.items() if v} and all(
        abs(network[k] / scale - n) < 1e-3 for k, n in hands.items()
    )


# -- children ----------------------------------------------------------------------------------------------------------
def compare(path: Path, rounds: int, theirs_rounds: int) -> dict[str, Any]:
    """Both loaded in one process; calls take turns. Best seconds by view and tool."""
    warnings.filterwarnings("ignore")
    process = our_process(path)
    read, prepared, log = their_log(path)
    mine, peer = our_views(process), their_views(log)
    results: dict[str, dict[str, Any]] = {"ours": {}, "pm4py": {}}
    best = {tool: dict.fromkeys(VIEWS, np.inf) for tool in results}
    for turn in range(max(rounds, theirs_rounds)):
        for view in VIEWS:
            for tool, calls, count in (("ours", mine, rounds), ("pm4py", peer, theirs_rounds)):
                if turn < count:
                    took, results[tool][view] = timed(calls[view])
                    best[tool][view] = min(best[tool][view], took)
        if turn == 0:
            assert_equal(process, results["ours"], results["pm4py"])
    scanned = min(timed(lambda: scan(process))[0] for _ in range(rounds))
    every = min(timed(lambda: all_views(process))[0] for _ in range(2))
    events = len(log)
    return {"events": events, "flows": int(log["case:concept:name"].nunique()), "variants": len(results["pm4py"]["variants"]),
            "best": best, "scan": scanned, "all": every, "pm4py_load": read + prepared, "pm4py_read": read}  # fmt: skip


def from_parquet(path: Path) -> dict[str, Any]:
    """Ours from the file to the four views, in a fresh process: seconds and peak memory (GiB)."""
    importlib.import_module("kaanalysis.aggregates.process_views")  # imports are not counted, with neither tool

    begun = time.perf_counter()
    process = our_process(path)
    built = time.perf_counter()
    for call in our_views(process).values():
        call()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"build": built - begun, "views": time.perf_counter() - built, "peak": peak}


def read_xes(path: Path, reader: str) -> dict[str, Any]:
    warnings.filterwarnings("ignore")
    if reader == "kaanalysis":
        from kaanalysis.xes import read_xes as read

        return {"seconds": timed(lambda: read(path).table.num_rows)[0]}
    if reader == "rustxes":
        import rustxes

        return {"seconds": timed(lambda: rustxes.import_xes(str(path)))[0]}
    if reader == "r4pm, kept in Rust":
        import r4pm

        return {"seconds": timed(lambda: r4pm.import_item("EventLog", str(path)))[0]}
    if reader == "r4pm":
        import r4pm.df

        return {"seconds": timed(lambda: r4pm.df.import_xes(str(path)))[0]}
    import pm4py

    return {"seconds": timed(lambda: pm4py.read_xes(str(path), variant=reader.removeprefix("pm4py ")))[0]}


READERS = ("kaanalysis", "r4pm, kept in Rust", "rustxes", "r4pm", "pm4py chunk_regex")


def child(*words: object) -> dict[str, Any]:
    """This script in a process of its own; what it prints last is its answer."""
    command = [sys.executable, "-m", "benchmarks.process", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


# -- the report --------------------------------------------------------------------------------------------------------
def met(value: float, target: float | None, *, at_most: bool = False) -> str:
    if target is None:
        return ""
    good = value <= target if at_most else value >= target
    return f"{'met' if good else '**not met**'} (target {'≤' if at_most else '≥'} {target:g} ×)"


def slope(sizes: list[int], seconds: list[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def document(found: dict[int, dict[str, Any]], files: dict[int, dict[str, Any]], xes: dict[str, float] | None) -> str:
    load = os.getloadavg()[0]
    lines = ["# Process views and XES against their peers", "",
             f"`make bench-process`, {dt.date.today()}, Python {platform.python_version()}, {platform.machine()}, "
             f"{len(os.sched_getaffinity(0))} cores, load {load:.1f} at the end (other work was running). Seconds, fastest of the turns. "
             "Synthetic logs of 25 steps and 8 parties, written by `benchmarks/process.py`; before anything is timed the results are "
             "asserted equal: counts, variants and handovers to the last one, medians to 10 µs.", "",
             "## The four core views, once the data is loaded", "",
             "Ours: from the call to the finished frame, by Ibis on DuckDB, times with median and 90th percentile. pm4py: "
             "`discover_dfg` and `discover_performance_dfg`, `get_variants`, `get_service_time` of the waits, "
             "`discover_handover_of_work_network`.", "",
             "| events (flows, variants) | tool | " + " | ".join(VIEWS) + " | together | ratio | target |", "|---|---|" + "---|" * 7]  # fmt: skip
    for size, row in found.items():
        sums = {tool: sum(best.values()) for tool, best in row["best"].items()}
        for tool in ("ours", "pm4py"):
            cells = " | ".join(f"{row['best'][tool][v]:.3f}" for v in VIEWS)
            ratio = sums["pm4py"] / sums["ours"]
            tail = f"{ratio:.0f} × | {met(ratio, TARGETS['views'].get(size))}" if tool == "ours" else " |"
            head = f"{row['events']:,} ({row['flows']:,}, {row['variants']:,})" if tool == "ours" else ""
            lines.append(f"| {head} | {tool} | {cells} | {sums[tool]:.3f} | {tail} |")
    sizes = [row["events"] for row in found.values()]
    lines += ["", "| | ours | pm4py |", "|---|---|---|"]
    together = {tool: [sum(row["best"][tool].values()) for row in found.values()] for tool in ("ours", "pm4py")}
    if len(sizes) > 1:
        lines.append(f"| slope of log seconds on log events (1: linear) | {slope(sizes, together['ours']):.2f} | {slope(sizes, together['pm4py']):.2f} |")  # fmt: skip
    for size, row in found.items():
        ratios = " | ".join(f"{sum(row['best'][tool].values()) / row['scan']:.0f} ×" for tool in ("ours", "pm4py"))
        lines.append(
            f"| four views against one scan of their columns, {size:,} events ({row['scan'] * 1000:.0f} ms) | {ratios} |"
        )
    for size, row in found.items():
        lines.append(
            f"| every view of the notebook, working days and spectrum included, {size:,} events | {row['all']:.2f} s | – |"
        )
    lines += ["", "## From Parquet to the four views, the transitions table included", "",
              f"Ours in a fresh process with DuckDB held to {MEMORY}; pm4py: reading, `format_dataframe`, and the views above.", "",
              "| events | ours: build + views | peak memory | pm4py: load + views | ratio | target |", "|---|---|---|---|---|---|"]  # fmt: skip
    for size, row in found.items():
        own, views = files[size], sum(row["best"]["pm4py"].values())
        total, theirs = own["build"] + own["views"], row["pm4py_load"] + views
        within = "within 4 GiB" if own["peak"] < 4 else "**above 4 GiB**"
        lines.append(f"| {row['events']:,} | {own['build']:.2f} + {own['views']:.2f} = {total:.2f} | {own['peak']:.2f} GiB, {within} | "
                     f"{row['pm4py_load']:.1f} + {views:.1f} = {theirs:.1f} | {theirs / total:.1f} × | "
                     f"{met(theirs / total, TARGETS['parquet'].get(size))} |")  # fmt: skip
    if xes:
        lines += ["", f"## Reading an XES file of {XES_EVENTS:,} events", "",
                  "Each reading in a fresh process, imports not counted. “Kept in Rust” gives no table: the events stay in an object of "
                  "the library and have to be copied out.", "", "| reader | seconds | ours against it | target |", "|---|---|---|---|"]  # fmt: skip
        best = min(v for k, v in xes.items() if k != "kaanalysis")
        for reader, seconds in sorted(xes.items(), key=lambda item: item[1]):
            against = "" if reader == "kaanalysis" else f"{xes['kaanalysis'] / seconds:.2f} ×"
            target = (
                met(xes["kaanalysis"] / seconds, TARGETS["xes"], at_most=True) if seconds == best and against else ""
            )
            lines.append(f"| {reader} | {seconds:.2f} | {against} | {target} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="internal: compare|parquet|xes PATH …")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--without-xes", action="store_true")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "PROCESS.md")
    options = parser.parse_args()
    if options.words:
        what, path, *rest = options.words
        answer = (compare(Path(path), int(rest[0]), int(rest[1])) if what == "compare"
                  else from_parquet(Path(path)) if what == "parquet" else read_xes(Path(path), rest[0]))  # fmt: skip
        print("\n" + json.dumps(answer))
        return
    found, files, xes = {}, {}, None
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            path = Path(folder) / "events.parquet"
            write_parquet(path, size)
            own = [child("parquet", path)]
            found[size] = child("compare", path, 7, 1 if size > 3_000_000 else 4)
            own.append(child("parquet", path))
            files[size] = min(own, key=lambda f: f["build"] + f["views"])
            print(size, json.dumps(found[size]), json.dumps(files[size]), flush=True)
        if not options.without_xes:
            path = Path(folder) / "log.xes"
            write_xes(path, XES_EVENTS)
            slow = {"pm4py chunk_regex": 1}
            xes = dict.fromkeys(READERS, np.inf)
            for turn in range(4):
                for reader in READERS:
                    if turn < slow.get(reader, 4):
                        xes[reader] = min(xes[reader], child("xes", path, reader)["seconds"])
    text = document(found, files, xes)
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
