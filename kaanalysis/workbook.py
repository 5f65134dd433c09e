"""The five verbs that a notebook uses: open, verdict, show, flips, save; sheet, for the sales sheet drawn on a blank page (M-3.5); and
explore, to move the decision (M-4).

book = workbook.open("01_base_assumptions", data=data, run=run, lang=lang, overrides=overrides)
book.verdict()            # the verdicts first, as plain text
book.show("survival")     # one figure (or table) of evidence
book.sheet()              # 03: the blank sheet as an Excel file; today's flow stays hidden until it is written
book.explore()            # 04: the decision with sliders; the same picture, still, where nobody can move them
book.flips()              # what would change the verdicts
book.save()               # results, tables and figures into the run folder
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from kaanalysis import display, explore_widgets, tables
from kaanalysis.analyses.registry import REGISTRY, Analysis
from kaanalysis.analyses.sales_sheet import blank_sheet
from kaanalysis.analyses.worked_purchase import worked_purchase
from kaanalysis.company import Company, open_company
from kaanalysis.contracts import UnusableData
from kaanalysis.explore import DRAWS, Explorer
from kaanalysis.figures import FigureSpec, alt_text, available, draw_figure, figure_bytes, save_figure
from kaanalysis.paths import workbook_file
from kaanalysis.policy import Policy, load_policy
from kaanalysis.policy import read_overrides as read_overrides
from kaanalysis.results import Result
from kaanalysis.runfolder import in_lab, read_result, result_path, save_result
from kaanalysis.sales_sheets import FACTS, NODE, is_edited, write_sheet
from kaanalysis.sales_sheets import FOLDER as SHEETS
from kaanalysis.selling import catalogue
from kaanalysis.text import LANGUAGES, Words, words

# What shows today's selling beside the customer's flow: hidden in a notebook until the blank sheet is saved (M-3.5), so that the new
# flow is drawn from the customer's and not by amending today's.
HIDDEN = ("alignment", "alignment_wins", "sheet_orphans")
HIDDEN_FINDING = "M-3.5"
SHEET_FILE = f"{SHEETS}/sales_sheet.xlsx"

# The notebooks' own default; checks set KAANALYSIS_RUN to lead it away from an analyst's folder.
DEFAULT_RUN = "../reports/lab"
EXPLORED = "04_path_selection"


class Picture:
    """A figure as a notebook shows it: a PNG, with its claim as the plain text that a screen reader or a diff sees."""

    def __init__(self, figure: Figure, alt: str, explorer: Explorer | None = None) -> None:
        self.figure, self.alt, self.explorer = figure, alt, explorer

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"image/png": base64.b64encode(figure_bytes(self.figure, "png")).decode("ascii"), "text/plain": self.alt}


class Workbook:
    """One analysis on one company: opened by :func:`open`, computed on the first question."""

    def __init__(
        self, analysis: Analysis, company: Company, policy: Policy, run: Path, language: str, data: str
    ) -> None:
        self.analysis, self.company, self.policy, self.run, self.data = analysis, company, policy, run, data
        self.words: Words = words(language)
        self._result: Result | None = None

    @property
    def result(self) -> Result:
        """The findings with their numbers and frames; computed once."""
        if self._result is None:
            self._result = self.analysis.analyse(self.company, self.policy, self._upstream())
        return self._result

    def _upstream(self) -> dict[str, Result]:
        """Results this analysis rests on, read from the run folder. One that is missing is computed and saved there; one made from
        other data or another policy is refused with the command that renews it."""
        results: dict[str, Result] = {}
        for id in self.analysis.upstream:
            if not result_path(self.run, id).is_file():
                above = REGISTRY[id]
                made = Workbook(above, self.company, self.policy, self.run, self.words.language, self.data)
                save_result(self.run, made.result)
            changes = "".join(f" --set {n}={v}" for n, v in self.policy.overrides.items())
            renew = f"kaanalysis analyse {self.data} --out {self.run} --only {id}{changes}"
            results[id] = read_result(
                self.run, id, data_hash=self.company.data_hash, policy_hash=self.policy.hash, renew=renew
            )
        return results

    def verdict(self) -> None:
        """Print every finding: verdict, sentence, numbers with their intervals. In a lab session M-3.5, which holds today's selling against
        the sheet, stays hidden until the sheet is saved."""
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
        the data cannot feed it. `result.frames` holds every frame as it is. As long as no sales sheet is saved, today's flow is left out
        of the blank sheet, and a printed line stands for what compares the two (:data:`HIDDEN`)."""
        hides = self._hides()
        if hides and name in HIDDEN:
            print(self.words("sales_sheet.hidden", name=name))
            return None
        result = without_contacts(self.result) if hides else self.result
        for spec in available(result):
            if spec.name == name:
                return Picture(self._draw(spec, result), alt_text(spec, result, self.words.language))
        if name in display.available(result):
            return display.display_table(result, name, self.words)
        if name in result.frames:
            return result.frames[name]
        print(self.words("workbook.nothing_to_draw", name=name))
        return None

    def _draw(self, spec: FigureSpec, result: Result | None = None) -> Figure:
        return draw_figure(spec, result or self.result, self.words.language, self.policy, self.company.info.ka_launch)

    def sheet(self) -> str:
        """Write the sales sheet as an Excel file into the run folder, for the analyst to edit; a sentence that says where it is, or that no
        buying flow is there. A file that is there and has been edited is kept."""
        path = self.run / SHEET_FILE
        sheet = blank_sheet(self.company, self.policy)
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
        :func:`kaanalysis.explore_widgets.can_show`) the verdict is printed and the same picture comes once, still."""
        if self.analysis.id != EXPLORED:
            print(self.words("explore.elsewhere", id=EXPLORED))
            return None
        explorer = Explorer(self.company, self.policy, self._upstream(), self.words, draws, more)
        if explore_widgets.can_show():
            return explore_widgets.panel(explorer, self.data, self.run)
        result = explorer.result()
        print("\n".join(explorer.verdict(result)))
        if not explorer.drawable(result):
            return None
        return Picture(explorer.figure(result), explorer.alt(), explorer)

    def table(self, finding: str) -> pd.DataFrame:
        """All numbers of one finding, as a frame of ready text; of what :meth:`verdict` hides only those of the sheet itself."""
        shown = without_contacts(self.result) if self._hides() and in_lab() else self.result
        return tables.numbers_table(shown.finding(finding), self.words)

    def flips(self) -> None:
        """Print what would change each verdict: policy value, now, where it flips; hidden where :meth:`verdict` hides the finding."""
        print("\n".join(self._told(lambda result: tables.flip_lines(result, self.words, self.policy))))

    def save(self) -> None:
        """Write results, tables and figures into the run folder, each file atomically, the results file last."""
        figures = {}
        for spec in available(self.result):
            relative = f"figures/{self.result.id}/{spec.name}"
            save_figure(self._draw(spec), self.run / relative)
            figures[spec.name] = relative + ".svg"
        self.result.figures = figures
        save_result(self.run, self.result)
        print(
            self.words(
                "workbook.saved", n=len(self.result.findings), tables=len(self.result.tables), figures=len(figures)
            )
        )


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
    return display.buying.worked_purchase(worked_purchase(company, told), company.info.currency, words(lang))


def open(id: str, data: str, run: str, lang: str = "en", overrides: Mapping[str, object] | None = None) -> Workbook:
    """Open one analysis on a company folder; prints what was opened, what is wrong with the data, and the policy.

    data: company folder or DuckDB file. run: run folder to hand results on in (where it is the
    notebooks' default, the environment variable KAANALYSIS_RUN replaces it, so that checks do not write into an analyst's
    folder). lang: en or zh. overrides: policy values for this run, by name.
    """
    if id not in REGISTRY:
        raise UnusableData(f"there is no analysis {id!r}; there are: {', '.join(REGISTRY)}.")
    if lang not in LANGUAGES:
        raise UnusableData(f"lang must be one of {', '.join(LANGUAGES)}; not {lang!r}.")
    policy = load_policy().override(dict(overrides or {})).consistent()
    company = open_company(data)
    folder = Path(os.environ.get("KAANALYSIS_RUN", run) if run == DEFAULT_RUN else run)
    book = Workbook(REGISTRY[id], company, policy, folder, lang, data)
    print("\n".join(tables.opening_lines(company, policy, book.words)))
    return book
