"""The command line: each verb is one thin function over the library. Exit codes as in the contract."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kaanalysis.contracts import UnusableData

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  help="Does a company that grew on small customers have what key accounts take? "
                       "Reads a company folder, says what its data supports.")  # fmt: skip

Data = Annotated[
    str, typer.Argument(help="Company folder (company.toml and tables), or a DuckDB file with company.toml beside it.")
]
Out = Annotated[Path, typer.Option("--out", help="Run folder to write.")]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Only this analysis (id, number or name; repeat for several) and what it rests on."),
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Override a policy value: name=value (repeat for several).")
]


def _command() -> str:
    """The command as typed, without the folders before file names: a report must not tell where it was made."""
    words = [Path(w).name if Path(w).is_absolute() else w for w in sys.argv[1:]]
    return shlex.join(["kaanalysis", *words])


@app.command()
def check(data: Data, rows: Annotated[int, typer.Option(help="How many broken rows to print in full.")] = 50) -> None:
    """Read a company folder; print what is wrong, and which findings it can feed. Exit: 0 clean, 1 usable with warnings, 2 unusable."""
    from kaanalysis.analyses.registry import REGISTRY
    from kaanalysis.company import open_company

    company = open_company(data, refuse=False)
    info = company.info
    print(f"{info.name}: as of {info.as_of}, amounts in {info.currency}")
    for name in company.tables:
        print(f"  {name}: {company.rows_valid[name]} of {company.rows_read[name]} rows valid")
    if company.faults:
        print("Faults (rows are data rows: a spreadsheet shows row N as line N + 1):")
    for fault in company.faults[:rows]:
        print("  " + fault.sentence())
    if len(company.faults) > rows:
        print(f"  … and {len(company.faults) - rows} more (--rows N shows more)")
    if len(company.import_faults):
        print(f"  {len(company.import_faults)} notes from the import: see import_report.csv")
    print("Findings that it can feed:")
    for analysis in REGISTRY.values():
        for finding, needs in analysis.feeds.items():
            missing = company.missing(*needs)
            print(f"  {finding:6} {'yes' if not missing else 'not in full, missing: ' + ', '.join(missing)}")
    if company.refused:
        print(f"Unusable: rows that break a rule of their table's key: {len(company.refused)}.", file=sys.stderr)
        raise typer.Exit(2)
    raise typer.Exit(1 if company.faults or len(company.import_faults) else 0)


@app.command("import")
def import_(
    source: Annotated[str | None, typer.Argument(help="Which kind of source (see --list).")] = None,
    from_path: Annotated[Path | None, typer.Argument(metavar="FROM", help="Folder of the export.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Company folder to write.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV tables, to be completed in a spreadsheet.")] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="List the sources, what each feeds and what it cannot.")
    ] = False,
    template: Annotated[
        Path | None, typer.Option("--template", help="With flow_sheet: write an Excel sheet to fill, and stop.")
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of --list and of what a flow sheet lacks: en or zh.")] = "en",
) -> None:
    """Turn a CRM export or event log into a company folder; flow sheets also into one that is there; `sales_sheet`: save an edited sales
    sheet beside the company in --out."""
    from kaanalysis.imports import import_source, list_sources
    from kaanalysis.text import LANGUAGES

    if lang not in LANGUAGES:
        raise UnusableData(f"--lang {lang!r} must be one of {', '.join(LANGUAGES)}.")

    if list_:
        for plan in list_sources():
            print(plan.explain(lang) + "\n")
        return
    if template is not None:
        from kaanalysis.flow_sheets import SOURCE, write_template

        if source != SOURCE or from_path is not None or out is not None:
            raise UnusableData(f"--template goes with {SOURCE} alone: kaanalysis import {SOURCE} --template FILE.")
        print(write_template(template))
        return
    if source is None or from_path is None or out is None:
        raise UnusableData("import needs SOURCE, FROM and --out DATA (kaanalysis import --list shows the sources).")
    if source == "flow_sheet":
        _import_flow_sheets(from_path, out, csv, lang)
        return
    if source == "sales_sheet":
        from kaanalysis.sales_sheets import import_sheet
        from kaanalysis.text import words

        sheet, w = import_sheet(from_path, out), words(lang)
        print(w("sales_sheet.imported", out=out, nodes=sheet["node"].nunique(), items=sheet["item"].notna().sum()))
        return
    made = import_source(source, from_path, out, as_csv=csv)
    print(f"{out}: " + ", ".join(f"{n} {t}" for t, n in made.rows.items()))
    for rule, count in made.faults.items():
        print(f"  {count} × {made.notes.get(rule, {}).get(lang, rule)}")
    if made.faults:
        print(f"  every one of them is named in {out / 'import_report.csv'}")
    print(f"Next: kaanalysis check {out} says what it can answer and what is missing.")


def _import_flow_sheets(from_path: Path, out: Path, csv: bool, lang: str) -> None:
    """Flow sheets into a new or present company; for each flow, what a good sample still lacks (M-3.4)."""
    from kaanalysis.flow_sheets import import_flow_sheets
    from kaanalysis.text import words

    made, w = import_flow_sheets(from_path, out, as_csv=csv), words(lang)
    print(f"{out}: " + ", ".join(f"{n} {t}" for t, n in made.rows.items()))
    for rule, count in made.faults.items():
        print(f"  {count} × {made.notes.get(rule, {}).get(lang, rule)}")
    if made.faults:
        print("  " + w("samples.named", file=out / "import_report.csv"))
    for _, flow in made.samples.iterrows():
        lacks = w.list_of(w(f"samples.lacks.{key}") for key in str(flow["lacks"]).split(",") if key)
        verdict = w("samples.answers" if flow["answers"] else "samples.no_answer")
        key = "samples.flow_lacks" if lacks else "samples.flow"
        counts = {unit: w.value(int(flow[unit]), unit) for unit in ("steps", "parties")}
        print("  " + w(key, flow=flow["flow_id"], verdict=verdict, lacks=lacks, **counts))
    print(w("samples.next", out=out))


@app.command()
def analyse(data: Data, out: Out, only: Only = None, set_: Set = None) -> None:
    """Compute results and tables in one process, without notebooks, figures or report."""
    from kaanalysis.policy import parse_assignments
    from kaanalysis.runner import analyse_in_process

    manifest = analyse_in_process(data, out, only=only, overrides=parse_assignments(set_ or []), command=_command())
    print(f"{len(manifest.steps)} analyses → {out / 'results'}")


@app.command()
def report(
    data: Data, out: Out,
    lang: Annotated[str, typer.Option(help="Languages of the report, the first also of the notebooks: en, zh, or en,zh.")] = "en,zh",
    only: Only = None, set_: Set = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Notebooks at a time (default: one per core).")] = None,
) -> None:  # fmt: skip
    """Execute the notebooks, write the run folder and the report. Exit: 0 all ran, 1 a notebook failed, 2 bad input."""
    from kaanalysis.analyses.registry import select, with_upstream
    from kaanalysis.policy import parse_assignments
    from kaanalysis.report import build
    from kaanalysis.runner import Step, run_notebooks
    from kaanalysis.text import LANGUAGES

    languages = [part.strip() for part in lang.split(",") if part.strip()]
    unknown = [x for x in languages if x not in LANGUAGES]
    if unknown or not languages:
        raise UnusableData(f"--lang {lang!r} must name languages out of {', '.join(LANGUAGES)}.")
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("notebooks", total=len(with_upstream(select(only))))

        def tell(step: Step, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, description=step.id)
            if step.status in ("failed", "skipped") or not console.is_terminal:
                said = step.error or (f"needs {step.needs}" if step.needs else f"{step.seconds:.1f} s")
                console.print(f"{step.id}: {step.status} ({said})", markup=False, highlight=False, soft_wrap=True)

        def finish(run: Path) -> None:
            for language in languages:
                bar.update(task, description=f"report.{language}.html")
                build(run, language)

        try:
            manifest = run_notebooks(
                data,
                out,
                only=only,
                overrides=parse_assignments(set_ or []),
                languages=languages,
                jobs=jobs or os.cpu_count() or 1,
                command=_command(),
                tell=tell,
                finish=finish,
            )
        except KeyboardInterrupt:
            bar.stop()
            print(
                "kaanalysis: interrupted; nothing was published, finished steps are kept for the next run.",
                file=sys.stderr,
            )
            sys.stderr.flush()
            os._exit(130)  # notebooks under way are not waited for; their kernels end with this process
    for language in languages:
        print(out / f"report.{language}.html")
    raise typer.Exit(1 if manifest.failed else 0)


@app.command()
def simulate(
    company: Annotated[str | None, typer.Argument(help="Which company (see --list).")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Company folder to write; the truth is written beside it.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Start of the random numbers; the company's own by default.")] = None,
    size: Annotated[float, typer.Option(help="Number of customers and deals against the company's own.")] = 1.0,
    list_: Annotated[bool, typer.Option("--list", help="List the companies, a line each.")] = False,
    lang: Annotated[str, typer.Option(help="Language of --list: en or zh.")] = "en",
) -> None:
    """Write a synthetic company with planted, recorded truth."""
    from kaanalysis.simulate import list_companies, truth_path
    from kaanalysis.simulate import simulate as make

    if list_:
        for name, world in list_companies().items():
            print(f"{name}: {world.about_zh if lang == 'zh' else world.about_en}")
        return
    if company is None or out is None:
        raise UnusableData("simulate needs COMPANY and --out DATA (kaanalysis simulate --list shows the companies).")
    make(company, out, seed, size)
    print(f"{out} (truth in {truth_path(out)})")


@app.command("list")
def list_analyses(lang: Annotated[str, typer.Option(help="en or zh.")] = "en") -> None:
    """List the analyses: id, question, findings, and the columns that feed them."""
    from kaanalysis.analyses.registry import REGISTRY
    from kaanalysis.text import words

    for analysis in REGISTRY.values():
        print(f"{analysis.id}: {words(lang)(f'analyses.{analysis.name}.question')}")
        for finding, needs in analysis.feeds.items():
            print(f"  {finding:6} {', '.join(needs)}")


def main() -> None:
    """Entry point: bad input becomes one sentence on standard error and exit code 2, never a traceback."""
    try:
        app()
    except UnusableData as error:
        print(f"kaanalysis: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
