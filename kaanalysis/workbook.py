"""The five verbs that a notebook uses: open, verdict, show, flips, save; sheet, for the sales sheet drawn on a blank page (M-3.5); and
explore, to move the decision (M-4); walk, the start page.

walk(data, run, lang)     # the notebooks in order, what the run folder holds of each, what the data lack
book = workbook.open("01_base_assumptions", data=data, run=run, lang=lang, overrides=overrides)
book.verdict()            # the verdicts first, as plain text
book.show("survival")     # one figure (or table) of evidence; book["survival"] is the same, and completes its name
book.sheet()              # 03: the blank sheet as an Excel file; today's flow stays hidden until it is written
book.explore()            # 04: the decision with sliders; the same picture, still, where nobody can move them
book.flips()              # what would change the verdicts
book.save()               # results, tables and figures into the run folder; in JupyterLab the analyst's notes beside the company
book.notes()              # the notes on this question that are kept
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from kaanalysis import display, evidence_names, explore_widgets, lab_notes, reader_tables, tables
from kaanalysis import walk as walks
from kaanalysis.analyses.registry import REGISTRY, Analysis
from kaanalysis.analyses.sales_sheet import blank_sheet
from kaanalysis.analyses.worked_purchase import worked_purchase
from kaanalysis.company import Company, open_company
from kaanalysis.contracts import UnusableData
from kaanalysis.explore import DRAWS, Explorer
from kaanalysis.figures import FigureSpec, alt_text, available, draw_figure, figure_bytes
from kaanalysis.manifest import holds_report
from kaanalysis.paths import workbook_file
from kaanalysis.policy import Policy, load_policy
from kaanalysis.policy import read_overrides as read_overrides
from kaanalysis.pseudonymise import Pseudonymiser
from kaanalysis.pseudonymised_run import from_environment, refuse_mixing
from kaanalysis.results import Result
from kaanalysis.runfolder import DEFAULT_RUN as DEFAULT_RUN
from kaanalysis.runfolder import (
    DRAWN_FOR,
    drawn_path,
    in_lab,
    read_result,
    result_path,
    run_folder,
    save_result,
    write_bytes,
)
from kaanalysis.sales_sheets import FACTS, NODE, is_edited, write_sheet
from kaanalysis.sales_sheets import FOLDER as SHEETS
from kaanalysis.selling import catalogue
from kaanalysis.text import LANGUAGES, Words, words

# What shows today's selling beside the customer's flow: hidden in a notebook until the blank sheet is saved (M-3.5), so that the new
# flow is drawn from the customer's and not by amending today's.
HIDDEN = ("alignment", "alignment_wins", "sheet_orphans")
HIDDEN_FINDING = "M-3.5"
SHEET_FILE = f"{SHEETS}/sales_sheet.xlsx"

EXPLORED = "04_path_selection"


class Picture:
    """A figure as a notebook shows it: a PNG, with its claim as the plain text that a screen reader or a diff sees."""

    def __init__(self, figure: Figure, alt: str, explorer: Explorer | None = None, png: bytes | None = None) -> None:
        self.figure, self.alt, self.explorer, self._png = figure, alt, explorer, png

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        png = self._png or figure_bytes(self.figure, "png")
        return {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": self.alt}


class Drawn(NamedTuple):
    """A figure and the bytes of its files."""

    figure: Figure
    svg: bytes
    png: bytes


class Workbook:
    """One analysis on one company: opened by :func:`open`, computed on the first question.

    ``verdict()`` first, then ``show("name")`` or ``book["name"]``, ``table("M-1.2")``, ``flips()``, ``save()``; ``result`` holds the
    findings with their numbers, and every frame."""

    def __init__(
        self, analysis: Analysis, company: Company, policy: Policy, run: Path, language: str, data: str,
        pseudonymiser: Pseudonymiser | None = None,
    ) -> None:  # fmt: skip
        self.analysis, self.company, self.policy, self.run, self.data = analysis, company, policy, run, data
        self.words: Words = words(language)
        self.pseudonymiser = pseudonymiser
        self._result: Result | None = None
        self._drawn: dict[str, Drawn] = {}

    def __dir__(self) -> list[str]:
        """What completion offers: the verbs, and what they rest on; not what they are made of."""
        return [*(name for name in vars(Workbook) if not name.startswith("_")), "policy"]

    def _ipython_key_completions_(self) -> list[str]:
        return evidence_names.known(self.analysis.id, self._result)

    def __getitem__(self, name: str) -> Any:
        """As :meth:`show`; in a notebook, ``book["`` and the Tab key list the names.

        >>> book["survival"]"""
        return self.show(name)

    @property
    def result(self) -> Result:
        """The findings with their numbers and frames; computed once. In a run under pseudonyms the analysis sees the original names,
        and nobody behind this door."""
        if self._result is None:
            found = self.analysis.analyse(self.company, self.policy, self._upstream())
            self._result = self.pseudonymiser.result(found) if self.pseudonymiser else found
        return self._result

    def _upstream(self) -> dict[str, Result]:
        """Results this analysis rests on, read from the run folder. One that is missing is computed and saved there; one made from
        other data or another policy is refused with the command that renews it."""
        results: dict[str, Result] = {}
        for id in self.analysis.upstream:
            if not result_path(self.run, id).is_file():
                above = REGISTRY[id]
                made = Workbook(
                    above, self.company, self.policy, self.run, self.words.language, self.data, self.pseudonymiser
                )
                save_result(self.run, made.result)
            changes = "".join(f" --set {n}={v}" for n, v in self.policy.overrides.items())
            verb = "report" if holds_report(self.run) else "analyse"  # which writes into no folder of a report
            renew = f"kaanalysis {verb} {self.data} --out {self.run} --only {id}{changes}"
            results[id] = read_result(
                self.run, id, data_hash=self.company.data_hash, policy_hash=self.policy.hash, renew=renew
            )
        return results

    def verdict(self) -> None:
        """Print every finding: verdict, sentence, numbers with their intervals. In a lab session M-3.5, which holds today's selling against
        the sheet, stays hidden until the sheet is saved.

        >>> book.verdict()"""
        print("\n".join(self._told(lambda result: tables.verdict_lines(result, self.words))))

    def _told(self, lines: Callable[[Result], list[str]]) -> list[str]:
        """The lines of every finding, one sentence in place of what is hidden."""
        said: list[str] = []
        for finding in self.result.findings:
            if finding.id == HIDDEN_FINDING and self._hides() and in_lab():
                name = f"{finding.id} {tables.title(finding, self.words)}"
                said += [name, "  " + self.words("sales_sheet.hidden", name=finding.id)]
            else:
                said += lines(replace(self.result, findings=[finding]))
        return said

    def show(self, name: str) -> Any:
        """The figure of that name, else the table of that name in the reader's language, else the frame as it is; a printed line where
        the data cannot feed it, and the names that there are where the analysis knows no such name. With itables a table has a search
        box, and its heads sort (:mod:`kaanalysis.reader_tables`). `result.frames` holds every frame as it is. As long as no sales sheet is
        saved, today's flow is left out of the blank sheet, and a printed line stands for what compares the two (:data:`HIDDEN`).

        >>> book.show("survival")  # a figure; in 01
        >>> book.show("customer_counts").head(3)  # a table is a pandas frame; in 00"""
        hides = self._hides()
        if hides and name in HIDDEN:
            print(self.words("sales_sheet.hidden", name=name))
            return None
        result = without_contacts(self.result) if hides else self.result
        for spec in available(result):
            if spec.name == name:
                alt = alt_text(spec, result, self.words.language)
                if result is self.result and not in_lab():
                    drawn = self._drawn_once(spec)
                    return Picture(drawn.figure, alt, png=drawn.png)
                return Picture(self._draw(spec, result), alt)
        if name in display.available(result):
            return reader_tables.readable(display.display_table(result, name, self.words), self.words)
        if name in result.frames:
            return reader_tables.readable(result.frames[name], self.words)
        if name not in evidence_names.known(self.analysis.id):
            print("\n".join(evidence_names.unknown_lines(name, self.analysis.id, self.result, self.words)))
            return None
        print(self.words("workbook.nothing_to_draw", name=name))
        return None

    def _draw(self, spec: FigureSpec, result: Result | None = None) -> Figure:
        return draw_figure(spec, result or self.result, self.words.language, self.policy, self.company.info.ka_launch)

    def _drawn_once(self, spec: FigureSpec) -> Drawn:
        """The figure with its files: shown and saved, it is drawn once. Not in a lab session, where an analyst may amend what is shown:
        what is saved is the workbook's own."""
        if spec.name in self._drawn:
            return self._drawn[spec.name]
        figure = self._draw(spec)
        # In this order: a second rendering lays out anew, and the report's SVG is to be that of a figure just drawn.
        drawn = Drawn(figure, figure_bytes(figure, "svg"), figure_bytes(figure, "png"))
        if not in_lab():
            self._drawn[spec.name] = drawn
        return drawn

    def sheet(self) -> str:
        """Write the sales sheet as an Excel file into the run folder, for the analyst to edit; a sentence that says where it is, or that no
        buying flow is there. A file that is there and has been edited is kept.

        >>> print(book.sheet())  # in 03"""
        path = self.run / SHEET_FILE
        sheet = blank_sheet(self.company, self.policy)
        if self.pseudonymiser:
            sheet = self.pseudonymiser.frame(sheet)
        if sheet.empty:
            return self.words("sales_sheet.nothing", needs="buying_steps.step")
        said = "sales_sheet.written"
        if path.is_file() and is_edited(path, catalogue(self.company.selling)):
            said = "sales_sheet.kept"
        else:
            write_sheet(path, sheet, self.words.language)
        return self.words(said, path=SHEET_FILE)

    def _hides(self) -> bool:
        return "sales_sheet" in self.result.frames and not self._sheet_saved()

    def _sheet_saved(self) -> bool:
        return self.company.sheet is not None or (self.run / SHEET_FILE).is_file()

    def explore(self, more: Iterable[str] = (), draws: int = DRAWS) -> Any:
        """04: settings, cut-offs and inputs with sliders, and what rule and ledger then say. more: further policy values to move, such as
        ``split.leader_multiple``; draws: of the ledger's inputs. What it returns has the state as its ``explorer``
        (:class:`kaanalysis.explore.Explorer`). Where nobody can move anything (no ipywidgets, no kernel, or a run without a reader:
        :func:`kaanalysis.explore_widgets.can_show`) the verdict is printed and the same picture comes once, still.

        >>> book.explore(more=["split.leader_multiple"])"""
        if self.analysis.id != EXPLORED:
            print(self.words("explore.elsewhere", id=EXPLORED))
            return None
        explorer = Explorer(self.company, self.policy, self._upstream(), self.words, draws, more)
        if explore_widgets.can_show():
            return explore_widgets.panel(explorer, self.data, self.run)
        result = explorer.result()
        if self.pseudonymiser:
            result = self.pseudonymiser.result(result)
        print("\n".join(explorer.verdict(result)))
        if not explorer.drawable(result):
            return None
        return Picture(explorer.figure(result), explorer.alt(), explorer)

    def table(self, finding: str) -> pd.DataFrame:
        """All numbers of one finding, as a frame of ready text; of what :meth:`verdict` hides only those of the sheet itself. With itables
        it can be searched, and it sorts by the numbers themselves.

        >>> book.table("M-1.2")  # in 01"""
        shown = without_contacts(self.result) if self._hides() and in_lab() else self.result
        asked = shown.finding(finding)
        return reader_tables.readable(
            tables.numbers_table(asked, self.words), self.words, reader_tables.of_numbers(asked)
        )

    def flips(self) -> None:
        """Print what would change each verdict: policy value, now, where it flips; hidden where :meth:`verdict` hides the finding.

        >>> book.flips()"""
        print("\n".join(self._told(lambda result: tables.flip_lines(result, self.words, self.policy))))

    def _svg(self, spec: FigureSpec, language: str) -> bytes:
        launch = self.company.info.ka_launch
        return figure_bytes(draw_figure(spec, self.result, language, self.policy, launch), "svg")

    def save(self) -> None:
        """Write results, tables and figures into the run folder, each file atomically, the results file last.

        >>> book.save()"""
        figures = {}
        for spec in available(self.result):
            relative = f"figures/{self.result.id}/{spec.name}"
            drawn = self._drawn_once(spec)
            write_bytes(self.run / f"{relative}.png", drawn.png)
            write_bytes(self.run / f"{relative}.svg", drawn.svg)
            figures[spec.name] = relative + ".svg"
            for language in filter(None, os.environ.get(DRAWN_FOR, "").split(",")):
                if language != self.words.language:
                    write_bytes(drawn_path(self.run, self.result.id, spec.name, language), self._svg(spec, language))
        self.result.figures = figures
        save_result(self.run, self.result)
        print(
            self.words(
                "workbook.saved", n=len(self.result.findings), tables=len(self.result.tables), figures=len(figures)
            )
        )
        self._keep_notes()

    def _keep_notes(self) -> None:
        """In a lab session: the notes of this notebook, as it was last saved, into the store beside the company; a line says so."""
        if in_lab() and self.pseudonymiser is None:
            print(
                "".join(f"{line}\n" for line in lab_notes.kept_lines(self.analysis.id, self.data, self.words)), end=""
            )

    def notes(self) -> lab_notes.Markdown:
        """The analysts' notes on this question that are kept beside the company (docs/notes.md), each under the heading that it was
        written under; what could not be read is said. As text that a notebook shows as Markdown."""
        if self.pseudonymiser is not None:
            return lab_notes.Markdown(self.words("notes.hidden"))
        return lab_notes.shown(self.analysis.id, self.data, self.words)


def without_contacts(result: Result) -> Result:
    """The result with the blank sheet as it is before today's selling is laid beside it."""
    nodes = result.frames["sales_sheet_nodes"]
    told = [c for c in (*NODE, *FACTS) if c in nodes]
    finding = next((f for f in result.findings if f.id == HIDDEN_FINDING), None)
    drawn = [
        replace(
            f,
            state="undecided",
            reason="only_drawn",
            numbers=tuple(n for n in f.numbers if n.name == "steps"),
            flips=(),
        )
        if f is finding
        else f
        for f in result.findings
    ]
    return replace(result, findings=drawn, frames={**result.frames, "sales_sheet_nodes": nodes[told]})


def worked(name: str, lang: str = "en") -> str:
    """The company folder of one of the method's worked purchases, to be opened like any other: ``reimbursement`` (M-2.4) or ``crm``
    (M-2.5), with its steps and economic accounts in the language. Amounts and days are assumptions (docs/flow_sheet.md). Raises
    UnusableData for another name or language."""
    place = workbook_file("data/flows") / lang
    known = sorted(p.name for p in place.iterdir() if (p / "company.toml").is_file()) if lang in LANGUAGES else []
    if name not in known:
        said = f"one of {', '.join(known)}" if known else f"asked for in one of {', '.join(LANGUAGES)}"
        raise UnusableData(f"a worked purchase must be {said}; not {name!r} in {lang!r}.")
    return str(place / name)


def purchase(name: str, lang: str = "en", told: Iterable[str] | None = None) -> pd.DataFrame:
    """One of the method's worked purchases (:func:`worked`), party by party in the order in which they come in: what each gains, gives
    up, and sees of it where only the roles ``told`` were told what interests them (None: all were)."""
    company = open_company(worked(name, lang))
    shown = display.buying.worked_purchase(worked_purchase(company, told), company.info.currency, words(lang))
    return reader_tables.readable(shown, words(lang))


def walk(data: str, run: str = DEFAULT_RUN, lang: str = "en") -> walks.Walk:
    """The start page: the notebooks in order with the question of each, what the run folder holds of it (not yet run, its verdicts counted,
    or made from other data or another policy), and what the data lack to feed its findings. Nothing is computed. Parameters as in
    :func:`open`.

    >>> workbook.walk("../data/demo")"""
    _check_language(lang)
    company, policy = open_company(data), load_policy().consistent()
    return walks.walk(company, run_folder(data, run), words(lang), policy.hash)


def _check_language(lang: str) -> None:
    if lang not in LANGUAGES:
        raise UnusableData(f"lang must be one of {', '.join(LANGUAGES)}; not {lang!r}.")


def open(id: str, data: str, run: str, lang: str = "en", overrides: Mapping[str, object] | None = None) -> Workbook:
    """Open one analysis on a company folder; prints what was opened, what is wrong with the data, and the policy.

    data: company folder or DuckDB file. run: run folder to hand results on in (where it is the notebooks' default, each company has a
    folder of its own in it, and the environment variable KAANALYSIS_RUN replaces it for checks: :func:`kaanalysis.runfolder.run_folder`).
    lang: en or zh. overrides: policy values for this run, by name.

    >>> book = workbook.open("01_base_assumptions", data="../data/demo", run="../reports/lab", lang="zh")
    """
    if id not in REGISTRY:
        raise UnusableData(f"there is no analysis {id!r}; there are: {', '.join(REGISTRY)}.")
    _check_language(lang)
    policy = load_policy().override(dict(overrides or {})).consistent()
    company = open_company(data)
    folder = run_folder(data, run)
    pseudonymiser = from_environment(company)
    refuse_mixing(folder, pseudonymiser)
    book = Workbook(REGISTRY[id], company, policy, folder, lang, data, pseudonymiser)
    name = pseudonymiser.company if pseudonymiser else ""
    print("\n".join(tables.opening_lines(company, policy, book.words, name)))
    if in_lab() and pseudonymiser is None and (told := lab_notes.told(id, data, book.words)):
        print(told)
    reader_tables.load_controls()
    return book
