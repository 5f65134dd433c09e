"""The command line: each verb is one thin function over the library. Exit codes as in the contract."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kaanalysis.contracts import UnusableData
from kaanalysis.disk import refusal, writing

if TYPE_CHECKING:
    from kaanalysis.report import Engine
    from kaanalysis.unattended import Watch

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

By = Annotated[
    str | None,
    typer.Option("--by", metavar="COLUMN", help="A report per value of this column of accounts, and a page over them."),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but what went wrong (cron, systemd, CI).")]
Log = Annotated[
    Path | None, typer.Option("--log", help="Append what happened to this file as JSON lines (docs/schedule.md).")
]
Keep = Annotated[
    int | None,
    typer.Option("--keep", min=1, help="Of the runs beside RUN named by a date, keep so many and the last good one."),
]
OnFailure = Annotated[
    str | None,
    typer.Option("--on-failure", metavar="CMD", help="Run this where the run fails or is refused (docs/schedule.md)."),
]

Hide = Annotated[
    bool,
    typer.Option(
        "--pseudonyms",
        help="Replace the names of customers, deals, sellers, partners and persons in everything written; the key lies beside the run.",
    ),
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--pseudonym-key", help="Key of --pseudonyms (made where missing), to have the same code words in several runs."
    ),
]


def _key(out: Path, pseudonyms: bool, key: Path | None) -> Path | None:
    """Where the key of this run lies; None where its names stay."""
    from kaanalysis.pseudonyms import key_path

    return key or (key_path(Path(out).resolve()) if pseudonyms else None)


def _told_ambiguous(count: int) -> None:
    """What a reader of code words must know before the folder is handed on."""
    if count:
        print(
            f"kaanalysis: {count} names are also words of the workbook or too short to be told from others; they are replaced in "
            "columns of names only (docs/pseudonyms.md).",
            file=sys.stderr,
        )


def _command() -> str:
    """The command as typed, without the folders before file names: a report must not tell where it was made."""
    words = [Path(w).name if Path(w).is_absolute() else w for w in sys.argv[1:]]
    return shlex.join(["kaanalysis", *words])


def _refuse_other_language(lang: str) -> None:
    """Every command that speaks one language refuses another alike: none falls back to English without saying so."""
    from kaanalysis.text import LANGUAGES

    if lang not in LANGUAGES:
        raise UnusableData(f"--lang {lang!r} must be one of {', '.join(LANGUAGES)}.")


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
    from kaanalysis.imports import list_sources

    _refuse_other_language(lang)
    if list_:
        for plan in list_sources():
            print(plan.explain(lang) + "\n")
        return
    if template is not None:
        from kaanalysis.flow_sheets import SOURCE, write_template

        if source != SOURCE or from_path is not None or out is not None:
            raise UnusableData(f"--template goes with {SOURCE} alone: kaanalysis import {SOURCE} --template FILE.")
        with writing(template):
            print(write_template(template))
        return
    if source is None or from_path is None or out is None:
        raise UnusableData("import needs SOURCE, FROM and --out DATA (kaanalysis import --list shows the sources).")
    with writing(out):
        _import(source, from_path, out, csv, lang)


def _import(source: str, from_path: Path, out: Path, csv: bool, lang: str) -> None:
    from kaanalysis.imports import import_source
    from kaanalysis.run_lock import refuse_inside_run

    if source == "flow_sheet":
        _import_flow_sheets(from_path, out, csv, lang)
        return
    if source == "sales_sheet":
        from kaanalysis.sales_sheets import import_sheet
        from kaanalysis.text import words

        sheet, w = import_sheet(from_path, out), words(lang)
        print(w("sales_sheet.imported", out=out, nodes=sheet["node"].nunique(), items=sheet["item"].notna().sum()))
        return
    refuse_inside_run(out)
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
def analyse(
    data: Data, out: Out, only: Only = None, set_: Set = None, pseudonyms: Hide = False, pseudonym_key: Key = None
) -> None:
    """Compute results and tables in one process, without notebooks, figures or report. Exit: 0 all done, 1 an analysis failed (the others'
    results are there), 2 bad input."""
    from kaanalysis.policy import parse_assignments
    from kaanalysis.runner import analyse_in_process

    key = _key(out, pseudonyms, pseudonym_key)
    with writing(out):
        manifest = analyse_in_process(
            data, out, only=only, overrides=parse_assignments(set_ or []), command=_command(), key=key
        )
    _told_ambiguous(manifest.pseudonyms.get("ambiguous", 0))
    broken = [s for s in manifest.steps if s.status in ("failed", "skipped")]
    for step in broken:
        said = " ".join(step.error.split()) or f"needs {step.needs}"
        print(f"kaanalysis: {step.id} {step.status}: {said}", file=sys.stderr)
    print(f"{len(manifest.steps) - len(broken)} analyses → {out / 'results'}")
    raise typer.Exit(1 if broken else 0)


@app.command()
def report(
    data: Data, out: Out,
    lang: Annotated[str, typer.Option(help="Languages of the report, the first also of the notebooks: en, zh, or en,zh.")] = "en,zh",
    only: Only = None, set_: Set = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Notebooks at a time (default: one per core).")] = None,
    since: Annotated[Path | None, typer.Option("--since", metavar="RUN", help="Earlier run: say what changed since.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Also print each report to PDF (a browser, or the extra pdf).")] = False,
    by: By = None, quiet: Quiet = False, log: Log = None, keep: Keep = None, on_failure: OnFailure = None,
    pseudonyms: Hide = False, pseudonym_key: Key = None,
) -> None:  # fmt: skip
    """Execute the notebooks, write the run folder and the report. Exit: 0 all ran, 1 a notebook failed, 2 bad input."""
    from kaanalysis.kernel_server import KernelServer
    from kaanalysis.manifest import Step
    from kaanalysis.unattended import Watch

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )
    try:
        # The watch outside: a stop is handled from here on, and no kernel computes on while a notice of failure is given.
        with Watch(out, log, on_failure) as watch, KernelServer(), writing(out), bar:
            # The rest is imported while the server imports, on another core.
            from kaanalysis.analyses.registry import select, with_upstream
            from kaanalysis.policy import parse_assignments
            from kaanalysis.report import build, find_engine
            from kaanalysis.runner import run_notebooks

            if by and since is not None:
                raise UnusableData(
                    "--since goes with one report, not with --by: `kaanalysis diff` sets two groups' runs side by side."
                )
            key = _key(out, pseudonyms, pseudonym_key)
            if by and key is not None:
                raise UnusableData(
                    "--pseudonyms goes with one report, not with --by: the names of groups are names of folders."
                )
            languages = _languages(lang)
            engine = find_engine() if pdf else None  # refused before anything runs
            task = bar.add_task("groups" if by else "notebooks", total=None if by else len(with_upstream(select(only))))

            def tell(step: Step, done: int, total: int) -> None:
                watch.log.step(step)
                bar.update(task, completed=done, total=total, description=step.id)
                if step.status in ("failed", "skipped") or not (console.is_terminal or quiet):
                    said = step.error or (f"needs {step.needs}" if step.needs else f"{step.seconds:.1f} s")
                    console.print(f"{step.id}: {step.status} ({said})", markup=False, highlight=False, soft_wrap=True)

            def warn(said: str) -> None:
                watch.log.write("notes", "failed", error=said)
                if not quiet:
                    console.print(f"kaanalysis: {said}", markup=False, highlight=False, soft_wrap=True)

            def dropped(analyses: list[str], causes: list[str]) -> None:
                watch.log.write("left_out", "done", analyses=analyses, other=causes)
                if not quiet:
                    said = f"{', '.join(analyses)} of the last run in {out} will not be in this one"
                    why = f"made from other {' and '.join(causes)}"
                    console.print(f"kaanalysis: {said}: {why}.", markup=False, highlight=False, soft_wrap=True)

            def finish(run: Path) -> None:
                for language in languages:
                    bar.update(task, description=f"report.{language}.html")
                    begun = time.monotonic()
                    build(run, language)
                    watch.log.write(f"report.{language}", "done", time.monotonic() - begun)

            asked: dict[str, Any] = {
                "only": only, "overrides": parse_assignments(set_ or []), "languages": languages, "jobs": jobs or os.cpu_count() or 1,
                "command": _command(), "tell": tell, "stale": watch.stale, "warn": warn, "dropped": dropped,
            }  # fmt: skip
            if by:
                from kaanalysis.run_groups import run_groups

                watch.manifest = run_groups(data, out, by, log=watch.log, **asked)
            else:
                watch.manifest = run_notebooks(data, out, since=since, key=key, finish=finish, **asked)
            if engine is not None:
                _print_pdfs(out, languages, engine, watch, quiet)
            watch.keep(keep)
            _told_ambiguous(watch.manifest.pseudonyms.get("ambiguous", 0))
    except KeyboardInterrupt:
        print(
            "kaanalysis: interrupted; nothing was published, finished steps are kept for the next run.",
            file=sys.stderr,
        )
        sys.stderr.flush()
        os._exit(130)  # notebooks under way are not waited for; their kernels end with this process
    for language in [] if quiet else languages:
        print(out / f"{'index' if by else 'report'}.{language}.html")
    raise typer.Exit(watch.exit_code)


@app.command()
def pdf(
    run: Annotated[Path, typer.Argument(help="Run folder of a report.")],
    lang: Annotated[
        str, typer.Option(help="Languages to print: en, zh, or en,zh (default: those that are there).")
    ] = "",
) -> None:
    """Print the reports of a run folder to PDF. Exit: 0 printed, 2 no report there or nothing on this machine that prints."""
    from kaanalysis.report import find_engine, print_pdf
    from kaanalysis.text import LANGUAGES

    there = [x for x in LANGUAGES if (run / f"report.{x}.html").is_file()]
    languages = _languages(lang) if lang else there
    if not languages:
        raise UnusableData(f"{run} holds no report: run `kaanalysis report` first.")
    engine = find_engine()
    for language in languages:
        print(print_pdf(run / f"report.{language}.html", engine))


def _languages(lang: str) -> list[str]:
    from kaanalysis.text import LANGUAGES

    languages = [part.strip() for part in lang.split(",") if part.strip()]
    if not languages or set(languages) - set(LANGUAGES):
        raise UnusableData(f"--lang {lang!r} must name languages out of {', '.join(LANGUAGES)}.")
    return languages


def _print_pdfs(out: Path, languages: list[str], engine: Engine, watch: Watch, quiet: bool) -> None:
    """Print the reports of a finished run (of every group, with --by); an engine that fails is told of and costs the run nothing else."""
    from kaanalysis.report import print_pdf

    for language in languages:
        for page in sorted(p for place in (out, *out.glob("*/")) for p in place.glob(f"report.{language}.html")):
            begun = time.monotonic()
            try:
                printed = print_pdf(page, engine)
            except UnusableData as error:
                print(f"kaanalysis: {error}", file=sys.stderr)
                watch.unprinted = str(error)
                watch.log.write(f"pdf.{language}", "failed", time.monotonic() - begun, str(error))
                return
            watch.log.write(f"pdf.{language}", "done", time.monotonic() - begun)
            if not quiet:
                print(printed)


@app.command()
def diff(
    run_a: Annotated[Path, typer.Argument(metavar="RUN_A", help="Run folder of the earlier run.")],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help="Run folder of the later run.")],
    json_: Annotated[bool, typer.Option("--json", help="All of it as JSON: keys and numbers, no sentences.")] = False,
    lang: Annotated[str, typer.Option(help="en or zh.")] = "en",
    data_a: Annotated[str | None, typer.Option("--data-a", metavar="DATA", help="What RUN_A was made from.")] = None,
    data_b: Annotated[str | None, typer.Option("--data-b", metavar="DATA", help="What RUN_B was made from (default: as RUN_A).")] = None,
    attribute: Annotated[bool, typer.Option("--attribute", help="Compute the states between: what moved each verdict.")] = False,
    paired: Annotated[bool, typer.Option("--paired", help="Resample both companies together: a sharper look at the numbers.")] = False,
) -> None:  # fmt: skip
    """What is different between two runs, change told apart from noise. Exit: 0 no verdict moved, 1 a verdict moved, 2 unusable input."""
    import json

    from kaanalysis.changes import compare_runs, lines

    _refuse_other_language(lang)
    compared = compare_runs(run_a, run_b, data_a, data_b, attribute=attribute, paired=paired)
    if json_:
        print(json.dumps(compared.to_dict(), ensure_ascii=False, indent=1, allow_nan=False))
    else:
        print("\n".join(lines(compared.page(lang))))
    raise typer.Exit(1 if compared.diff.moved else 0)


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
    from kaanalysis.run_lock import refuse_inside_run
    from kaanalysis.simulate import list_companies, truth_path
    from kaanalysis.simulate import simulate as make

    _refuse_other_language(lang)
    if list_:
        for name, world in list_companies().items():
            print(f"{name}: {world.about_zh if lang == 'zh' else world.about_en}")
        return
    if company is None or out is None:
        raise UnusableData("simulate needs COMPANY and --out DATA (kaanalysis simulate --list shows the companies).")
    refuse_inside_run(out)
    with writing(out):
        make(company, out, seed, size)
    print(f"{out} (truth in {truth_path(out)})")


@app.command("list")
def list_analyses(lang: Annotated[str, typer.Option(help="en or zh.")] = "en") -> None:
    """List the analyses: id, question, findings, and the columns that feed them."""
    from kaanalysis.analyses.registry import REGISTRY
    from kaanalysis.text import words

    _refuse_other_language(lang)
    for analysis in REGISTRY.values():
        print(f"{analysis.id}: {words(lang)(f'analyses.{analysis.name}.question')}")
        for finding, needs in analysis.feeds.items():
            print(f"  {finding:6} {', '.join(needs)}")


def main() -> None:
    """Entry point: bad input, and what cannot be read or written, becomes one sentence on standard error and exit code 2, never a
    traceback."""
    try:
        app()
    except Exception as error:
        said = error if isinstance(error, UnusableData) else refusal(error)
        if said is None:
            raise
        print(f"kaanalysis: {said}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
