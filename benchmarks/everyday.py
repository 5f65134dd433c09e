"""What `kaanalysis report` on the demo company costs over its floor. ``make bench-everyday`` writes EVERYDAY.md beside this file.

The floor is one kernel start with the workbook's imports plus the work itself in one process: company opened, all analyses computed. A
second floor adds what a report cannot do without: every figure drawn once per language, the report written. Wall time says what a person
waits, processor time what it costs, and only the second can be read on a machine that does other things meanwhile (the load is given)."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
LANGUAGES = ("en", "zh")
IMPORTS_SHOWN = 12
CELL = "import kaanalysis.workbook"


def spent(who: int) -> float:
    """Processor seconds of this process (RUSAGE_SELF) or of its ended children with theirs (RUSAGE_CHILDREN)."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def measured(work: Callable[[], object], who: int) -> tuple[float, float]:
    """(wall, processor) seconds of one call."""
    wall, cpu = time.perf_counter(), spent(who)
    work()
    return time.perf_counter() - wall, spent(who) - cpu


def command(*words: str) -> tuple[float, float]:
    """(wall, processor) seconds of a command of this Python, all its processes included."""

    def run() -> None:
        subprocess.run(
            [sys.executable, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
        )

    return measured(run, resource.RUSAGE_CHILDREN)


def kernel_start(folder: Path) -> tuple[float, float]:
    """A notebook of one cell that imports the workbook, with Papermill, its kernel started as usual."""
    import nbformat
    import papermill

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "start.ipynb")

    def run() -> None:
        papermill.execute_notebook(
            folder / "start.ipynb", folder / "started.ipynb", kernel_name="python3", progress_bar=False, cwd=str(ROOT),
            extra_arguments=["--log-level=CRITICAL"],
        )  # fmt: skip

    return measured(run, resource.RUSAGE_CHILDREN)


def in_process(run: Path) -> dict[str, tuple[float, float]]:
    """The work of a report in this process, step by step, after its imports; figures and report land in `run`."""
    from kaanalysis import report, runner
    from kaanalysis.analyses.registry import REGISTRY, analyse_all
    from kaanalysis.company import open_company
    from kaanalysis.figures import available, draw_figure, figure_bytes
    from kaanalysis.manifest import Step
    from kaanalysis.policy import load_policy
    from kaanalysis.results import Result
    from kaanalysis.runfolder import drawn_path, save_frame, save_result, write_bytes, write_text

    took: dict[str, tuple[float, float]] = {}
    policy, results = load_policy(), dict[str, Result]()

    def step(name: str, work: Callable[[], object]) -> None:
        took[name] = measured(work, resource.RUSAGE_SELF)

    opened: list[object] = []
    step("company opened", lambda: opened.append(open_company(ROOT / "data" / "demo")))
    company = opened[0]
    step("six analyses", lambda: results.update(analyse_all(company, policy)))  # type: ignore[arg-type]

    def draw(language: str, png: bool) -> None:
        for id, result in results.items():
            for spec in available(result):
                figure = draw_figure(spec, result, language, policy, company.info.ka_launch)  # type: ignore[attr-defined]
                place = drawn_path(run, id, spec.name, language)
                if png:  # the notebooks' own language
                    figure_bytes(figure, "png")
                    result.figures[spec.name] = str(place.relative_to(run))
                write_bytes(place, figure_bytes(figure, "svg"))

    for place, language in enumerate(LANGUAGES):
        step(f"figures, {language} ({'SVG and PNG' if not place else 'SVG'})", lambda: draw(language, not place))  # noqa: B023

    def write() -> None:
        _, _, _, manifest = runner.start("data/demo", run, None, {}, list(LANGUAGES), "")
        manifest.steps = [Step(id, "done") for id in REGISTRY]
        write_text(run / "manifest.json", manifest.to_json())
        save_frame(run, "tables/data_faults.parquet", company.fault_frame())  # type: ignore[attr-defined]
        save_frame(run, "tables/import_faults.parquet", company.import_faults)  # type: ignore[attr-defined]
        for result in results.values():
            save_result(run, result)
        for language in LANGUAGES:
            report.build(run, language)

    step("results and reports written", write)
    return took


def imports() -> list[tuple[float, str]]:
    """(seconds, package) of the slowest imports of the workbook, each package with what it alone brings in (-X importtime)."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", CELL], capture_output=True, text=True, check=True, cwd=ROOT
    )
    own: dict[str, float] = {}
    for line in done.stderr.splitlines()[1:]:
        itself, _, name = line.removeprefix("import time:").split("|")
        package = name.strip().split(".")[0]
        own[package] = own.get(package, 0.0) + int(itself) / 1e6
    return sorted(((seconds, name) for name, seconds in own.items()), reverse=True)[:IMPORTS_SHOWN]


def document(jobs: int) -> str:
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = command(
            "-m",
            "kaanalysis.cli",
            "report",
            "data/demo",
            "--out",
            f"{folder}/run",
            "--jobs",
            str(jobs),
            "--log",
            f"{folder}/log",
        )
        again = command("-m", "kaanalysis.cli", "report", "data/demo", "--out", f"{folder}/run", "--jobs", str(jobs))
        steps = [json.loads(line) for line in (folder / "log").read_text(encoding="utf-8").splitlines()]
        start = kernel_start(folder)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.everyday", "--in-process", f"{folder}/work"], check=True, capture_output=True, text=True, cwd=ROOT
        )  # fmt: skip
        work = {k: tuple(v) for k, v in json.loads(done.stdout).items()}
    floor = [start, work["company opened"], work["six analyses"]]
    whole = [start, *work.values()]
    rows = [
        ("`kaanalysis report`", report),
        ("the same again, everything kept", again),
        ("floor: one kernel start with imports, company opened, six analyses in one process", added(floor)),
        ("floor with every figure drawn once per language and the reports written", added(whole)),
    ]
    lines = [
        "# The everyday report", "",
        f"`make bench-everyday`, {dt.date.today()}, Python {platform.python_version()}, {platform.machine()}, {len(os.sched_getaffinity(0))} cores, "
        f"`--jobs {jobs}`, load {load:.1f} at the start (every core busy beside this run makes wall times longer; read the processor times then). "
        "Demo company, six notebooks, English and Chinese, warm environment.", "",
        "| | wall s | processor s |", "|---|---|---|", *[f"| {what} | {wall:.1f} | {cpu:.1f} |" for what, (wall, cpu) in rows], "",
        f"Against the floor: {report[0] / added(floor)[0]:.2f} × in wall time, {report[1] / added(floor)[1]:.2f} × in processor time; against "
        f"the floor with figures and reports {report[0] / added(whole)[0]:.2f} × and {report[1] / added(whole)[1]:.2f} ×.", "",
        "## Where the time goes", "", "| in one process | wall s | processor s |", "|---|---|---|",
        f"| kernel start with imports | {start[0]:.1f} | {start[1]:.1f} |",
        *[f"| {what} | {wall:.1f} | {cpu:.1f} |" for what, (wall, cpu) in work.items()], "",
        "| step of the report | wall s |", "|---|---|",
        *[f"| {s['step']} | {s['seconds']:.1f} |" for s in steps if "seconds" in s], "",
        "| imports of `kaanalysis.workbook` | s |", "|---|---|", *[f"| {name} | {seconds:.2f} |" for seconds, name in imports()], "",
        "Paid once per run: imports (kernels are forked from one process that has them), the company (opened, checked and handed on as a file), "
        "each figure (drawn by the notebook that has its frames, for all languages of the report).",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def added(parts: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(p[0] for p in parts), sum(p[1] for p in parts)


def main() -> None:
    if sys.argv[1:2] == ["--in-process"]:
        print(json.dumps(in_process(Path(sys.argv[2]))))
        return
    text = document(jobs=2)
    (Path(__file__).parent / "EVERYDAY.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
