"""The five verbs of a notebook, used as a notebook uses them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from matplotlib.figure import Figure
from notebooks_noted import cell, noted

from kaanalysis import evidence_names, lab_notes, workbook
from kaanalysis.contracts import UnusableData
from kaanalysis.figures import FigureSpec
from kaanalysis.note_copies import SESSION
from kaanalysis.policy import Policy
from kaanalysis.pseudonymised_run import KEY
from kaanalysis.results import Result, StaleResult, load_result
from kaanalysis.runfolder import CHECKED, DRAWN_FOR, HEADLESS, drawn_path, result_path, save_result

DEMO = str(Path(__file__).parent.parent / "data" / "demo")
FEW = {"evidence.draws": 200}


@pytest.fixture(autouse=True)
def no_override_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAANALYSIS_RUN", raising=False)


def test_opening_prints_rows_faults_and_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workbook.open("01_base_assumptions", DEMO, str(tmp_path), "zh", FEW)
    said = capsys.readouterr().out
    assert (
        "没有违规的行" in said
        and "已改动：evidence.draws = 200" in said
        and "accounts：采用 1473 行中的 1473 行" in said
    )


def test_verdict_show_flips_and_save(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = workbook.open("01_base_assumptions", DEMO, str(tmp_path), "en", FEW)
    book.verdict()
    book.flips()
    said = capsys.readouterr().out
    assert "M-1.2 Key accounts stay longer than small customers → supported" in said
    assert "difference of lifetimes that counts: now 0" in said
    shown = book.show("survival")._repr_mimebundle_()
    assert base64.b64decode(shown["image/png"]).startswith(b"\x89PNG") and "stay" in shown["text/plain"]
    assert book.table("M-1.2").shape == (9, 5)
    stray = tmp_path / "figures/01_base_assumptions/of_another_company.svg"
    stray.parent.mkdir(parents=True)
    stray.write_text("old")
    book.save()
    assert not stray.exists()
    saved = load_result(result_path(tmp_path, "01_base_assumptions"))
    assert saved.findings == book.result.findings
    for relative in [*saved.tables.values(), *saved.figures.values()]:
        assert (tmp_path / relative).stat().st_size > 0
    assert (tmp_path / "figures/01_base_assumptions/survival.png").is_file()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(figure, language) of every figure drawn."""
    drawn: list[tuple[str, str]] = []
    real = workbook.draw_figure

    def draw(spec: FigureSpec, result: Result, language: str, *more: Any) -> Figure:
        drawn.append((spec.name, language))
        return real(spec, result, language, *more)

    monkeypatch.setattr(workbook, "draw_figure", draw)
    return drawn


def test_in_a_report_a_figure_is_drawn_once_per_language_and_its_files_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[tuple[str, str]]
) -> None:
    alone = workbook.open("00_problem_framing", DEMO, str(tmp_path / "alone"), "zh", FEW)
    alone.save()
    names = [name for name, _ in counted]
    assert len(names) == len(set(names)) > 1 and {language for _, language in counted} == {"zh"}
    counted.clear()
    monkeypatch.setenv(HEADLESS, "1")
    monkeypatch.setenv(DRAWN_FOR, "en,zh")
    book = workbook.open("00_problem_framing", DEMO, str(tmp_path / "run"), "zh", FEW)
    shown = book.show(names[0])._repr_mimebundle_()
    book.save()
    assert sorted(counted) == sorted((name, language) for name in names for language in ("en", "zh"))
    file = f"figures/00_problem_framing/{names[0]}"
    for suffix in (".svg", ".png"):
        assert (tmp_path / "run" / (file + suffix)).read_bytes() == (tmp_path / "alone" / (file + suffix)).read_bytes()
    assert base64.b64decode(shown["image/png"]) == (tmp_path / "run" / (file + ".png")).read_bytes()
    english = drawn_path(tmp_path / "run", "00_problem_framing", names[0], "en").read_bytes()
    assert (tmp_path / "run" / (file + ".svg")).read_bytes() != english
    assert not drawn_path(tmp_path / "run", "00_problem_framing", names[0], "zh").exists(), "that one is the run's own"
    assert not (tmp_path / "alone" / ".drawn").exists(), "an analyst's session draws for no report"


def test_what_an_analyst_does_to_a_shown_figure_is_not_saved(tmp_path: Path, counted: list[tuple[str, str]]) -> None:
    book = workbook.open("00_problem_framing", DEMO, str(tmp_path / "a"), "en", FEW)
    book.save()
    name = counted[0][0]
    book.show(name).figure.axes[0].set_title("mine")
    saved = (tmp_path / f"a/figures/00_problem_framing/{name}.svg").read_bytes()
    book.save()
    assert (tmp_path / f"a/figures/00_problem_framing/{name}.svg").read_bytes() == saved


def test_show_tells_a_name_it_does_not_know_from_data_that_are_missing(
    tmp_path: Path, company_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    bare = company_folder(
        accounts=[{"account_id": "A"}], opportunities=[{"opportunity_id": "O", "account_id": "A", "outcome": "open"}]
    )
    book = workbook.open("01_base_assumptions", str(bare), str(tmp_path), "en", FEW)
    capsys.readouterr()
    assert book.show("survival") is None
    assert capsys.readouterr().out == "Nothing to draw: the data for “survival” is missing.\n"
    assert book["survivl"] is None
    said = capsys.readouterr().out
    assert said.startswith("This notebook knows no figure and no table “survivl”.\nNearest: survival")
    assert "There are: " in said and "persona_sensitivity" in said and "Nothing to draw" not in said


def test_completion_offers_the_names_and_the_verbs(small_demo: Path, tmp_path: Path) -> None:
    """In IPython's own completer, as JupyterLab asks it."""
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    book = workbook.open("05_failure_patterns", str(small_demo), str(tmp_path), "en", FEW)
    shell = InteractiveShell()
    shell.user_ns["book"] = book

    def offered(typed: str) -> set[str]:
        with provisionalcompleter():
            return {c.text for c in shell.Completer.completions(typed, len(typed))}

    assert offered('book["ti') == {"timelines"}
    assert offered('book["') == set(evidence_names.known(book.analysis.id))
    assert book._result is None, "completing computes nothing"
    verbs = {"verdict", "show", "table", "flips", "sheet", "explore", "save", "result", "policy"}
    assert verbs <= offered("book.") and not offered("book.") & set(vars(book)) - {"policy"}


@pytest.mark.parametrize("verb", ["verdict", "show", "table", "flips", "sheet", "explore", "save"])
def test_every_verb_explains_itself_with_an_example(verb: str) -> None:
    said = getattr(workbook.Workbook, verb).__doc__
    assert f">>> book.{verb}(" in said or f">>> print(book.{verb}(" in said
    for function in (workbook.open, workbook.walk):
        assert f"workbook.{function.__name__}(" in (function.__doc__ or "")


def test_language_changes_sentences_tables_and_figures(
    small_demo: Path, small_results: dict[str, Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chinese, shown = re.compile("[\u4e00-\u9fff]"), {}
    for lang in ("en", "zh"):
        book = workbook.open("01_base_assumptions", str(small_demo), str(tmp_path), lang, FEW)
        book._result = small_results["01_base_assumptions"]
        capsys.readouterr()
        book.verdict()
        book.flips()
        picture = book.show("survival")._repr_mimebundle_()
        shown[lang] = (
            capsys.readouterr().out,
            picture["text/plain"],
            str(list(book.show("principles").columns)),
            str(list(book.table("M-1.2").columns)),
            picture["image/png"],
        )
    assert all(a != b for a, b in zip(shown["en"], shown["zh"], strict=True))
    assert all(chinese.search(text) for text in shown["zh"][:4])
    assert not any(chinese.search(text) for text in shown["en"][:4])


def test_another_company_meets_no_result_of_the_one_before(
    small_demo: Path, small_results: dict[str, Result], policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """05 rests on 03: in the default run folder `data` alone is changed; in a folder that both are sent to the other's result is refused."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    here = small_results["03_sales_flow"]
    for run, refused in ((workbook.DEFAULT_RUN, 0), ("../reports/both", 1)):
        books = [workbook.open("05_failure_patterns", d, run, "en", policy.overrides) for d in (str(small_demo), DEMO)]
        stale = 0
        for book in books:
            save_result(book.run, replace(here, data_hash=book.company.data_hash))
        for book in books:
            try:
                assert book._upstream()["03_sales_flow"].data_hash == book.company.data_hash
            except StaleResult:
                stale += 1
        assert stale == refused, run


def test_upstream_is_made_where_missing_and_refused_where_stale(tmp_path: Path) -> None:
    book = workbook.open("04_path_selection", DEMO, str(tmp_path), "en", FEW)
    assert book.result.finding("M-4").reason in ("part_time", "split", "rebuild")
    assert result_path(tmp_path, "03_sales_flow").is_file()
    other = workbook.open("04_path_selection", DEMO, str(tmp_path), "en", {**FEW, "success.target": 0.6})
    with pytest.raises(
        StaleResult,
        match=r"other policy.*kaanalysis analyse .*--only 01_base_assumptions --set evidence.draws=200 --set success.target=0.6",
    ):
        _ = other.result


def test_environment_variable_leads_checks_away_from_the_analysts_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAANALYSIS_RUN", str(tmp_path / "check"))
    assert workbook.open("00_problem_framing", DEMO, workbook.DEFAULT_RUN, "en", FEW).run == tmp_path / "check"
    assert workbook.open("00_problem_framing", DEMO, str(tmp_path / "mine"), "en", FEW).run == tmp_path / "mine"


@pytest.mark.parametrize(
    ("id", "lang", "overrides", "said"),
    [
        ("99_nothing", "en", {}, "there is no analysis '99_nothing'"),
        ("01_base_assumptions", "fr", {}, "lang must be one of en, zh"),
        ("01_base_assumptions", "en", {"lifecycle.horizon": 3}, "policy has no value 'lifecycle.horizon'"),
    ],
)
def test_wrong_parameters_are_refused(
    tmp_path: Path, id: str, lang: str, overrides: dict[str, object], said: str
) -> None:
    with pytest.raises(UnusableData, match=said):
        workbook.open(id, DEMO, str(tmp_path), lang, overrides)


def test_today_s_flow_stays_hidden_until_the_blank_sheet_is_saved(
    tmp_path: Path, small_demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = workbook.open("03_sales_flow", str(small_demo), str(tmp_path), "en", FEW)
    assert book.show("sheet_orphans") is None
    assert "stays hidden until the blank sheet is saved" in capsys.readouterr().out
    assert "coverage" not in book.show("sales_sheet")._repr_mimebundle_()["text/plain"]
    assert book.show("sales_sheet_nodes")["deals with a contact"].eq("not on record").all()
    assert "sheets/sales_sheet.xlsx of the run folder" in book.sheet()
    assert book.show("sheet_orphans") is not None
    assert book.show("sales_sheet_nodes")["deals with a contact"].str.contains("interval").all()
    assert "coverage" in book.result.frames["sales_sheet_nodes"], "what is computed and saved is never cut"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_verdict_that_compares_with_today_is_hidden_in_the_lab_and_told_in_a_report(
    lang: str,
    tmp_path: Path,
    small_demo: Path,
    small_results: dict[str, Result],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book = workbook.open("03_sales_flow", str(small_demo), str(tmp_path), lang, FEW)
    book._result = small_results["03_sales_flow"]  # what is told is under test, not the computing
    compared = [book.words.name_of(n) for n in book.result.finding("M-3.5").numbers if n.name != "steps"]
    hidden = book.words("sales_sheet.hidden", name="M-3.5")
    assert compared and "book.sheet()" in hidden

    def said() -> str:
        capsys.readouterr()
        book.verdict()
        book.flips()
        return capsys.readouterr().out

    before = said()
    assert before.count(hidden) == 2 and not any(name in before for name in compared)
    assert "M-3.6" in before and len(book.table("M-3.5")) == 1
    monkeypatch.setenv(HEADLESS, "1")
    report = said()
    assert hidden not in report and all(name in report for name in compared)
    monkeypatch.delenv(HEADLESS)
    assert said() == before
    book.sheet()
    assert said() == report and len(book.table("M-3.5")) == len(book.result.finding("M-3.5").numbers)


def test_an_edited_sheet_is_kept_and_an_unedited_one_is_drawn_anew(tmp_path: Path, small_demo: Path) -> None:
    book = workbook.open("03_sales_flow", str(small_demo), str(tmp_path), "zh", FEW)
    assert "已写入" in book.sheet() and "已写入" in book.sheet()
    path = tmp_path / workbook.SHEET_FILE
    wider = workbook.open("03_sales_flow", str(small_demo), str(tmp_path), "en", {**FEW, "sheet.step_share": 0.1})
    assert "is in" in wider.sheet(), "another policy draws another sheet: nobody's work is lost"
    edited = openpyxl.load_workbook(path)
    edited.worksheets[0]["B2"] = "客户立项"
    edited.save(path)
    before = path.read_bytes()
    assert "已被改过" in book.sheet() and path.read_bytes() == before
    path.write_text("no workbook")
    assert "已被改过" in book.sheet(), "what cannot be read is not overwritten either"


def test_without_a_buying_flow_there_is_nothing_to_draw(tmp_path: Path, write_company: Callable[..., Path]) -> None:
    folder = write_company(tmp_path / "bare", {})
    book = workbook.open("03_sales_flow", str(folder), str(tmp_path / "run"), "en", FEW)
    assert "buying_steps.step is missing" in book.sheet() and not (tmp_path / "run" / "sheets").exists()


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The smallest company, and a session of JupyterLab with a notebook on it that holds two notes; returns the company's folder."""
    folder = tmp_path / "data" / "small"
    folder.mkdir(parents=True)
    (folder / "company.toml").write_text('name = "Small"\ncurrency = "CNY"\nas_of = 2026-06-30\n')
    (folder / "accounts.csv").write_text("account_id\na1\n")
    (folder / "opportunities.csv").write_text("opportunity_id,account_id,outcome\no1,a1,won\n")
    path = tmp_path / "notebooks" / "mine.ipynb"
    path.parent.mkdir()
    path.write_text(
        json.dumps(noted(cell("markdown", "Checked.", "n1"), cell("markdown", "And 中文.", "n2"))), encoding="utf-8"
    )
    monkeypatch.setenv(SESSION, str(path))
    monkeypatch.delenv(HEADLESS, raising=False)
    monkeypatch.chdir(path.parent)
    return folder


def test_in_a_lab_session_notes_are_kept_beside_the_company_and_shown(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = workbook.open("00_problem_framing", "../data/small", str(tmp_path / "run"))
    assert "notes" not in capsys.readouterr().out
    assert "No notes are kept for this question." in book.notes()
    book.save()
    assert "2 notes kept in ../data/small.notes/00_problem_framing." in capsys.readouterr().out
    before = book.company.data_hash
    again = workbook.open("00_problem_framing", "../data/small", str(tmp_path / "run"), "zh")
    assert "本问题已有 2 条批注" in capsys.readouterr().out
    assert again.company.data_hash == before, "notes are no part of the company's data"
    shown = again.notes()
    assert shown._repr_markdown_() == repr(shown) == str(shown) and shown.endswith("\n\nChecked.\n\nAnd 中文.")
    (session.parent / "small.notes" / "00_problem_framing" / "figure.md").write_bytes(b"\xff\xfe\xff")
    assert "is no text in UTF-8" in again.notes()


@pytest.mark.parametrize("where", ["report", "check", "code words"])
def test_outside_a_lab_session_no_note_is_kept_or_told(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    if where != "code words":
        monkeypatch.setenv(HEADLESS if where == "report" else CHECKED, "1")
    else:
        monkeypatch.setenv(KEY, str(tmp_path / "key"))
    (session.parent / "small.notes" / "00_problem_framing").mkdir(parents=True)
    (session.parent / "small.notes" / "00_problem_framing" / "x.md").write_text("there already")
    book = workbook.open("00_problem_framing", "../data/small", str(tmp_path / "run"))
    book._keep_notes()
    said = capsys.readouterr().out
    assert "note" not in said and [
        p.name for p in (session.parent / "small.notes" / "00_problem_framing").iterdir()
    ] == ["x.md"]
    assert ("there already" in book.notes()) == (where != "code words")


def test_a_note_that_cannot_be_kept_is_said_and_the_results_are_saved(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    book = workbook.open("00_problem_framing", "../data/small", str(tmp_path / "run"))
    (session.parent / "small.notes").write_text("a file in the way")
    book._keep_notes()
    assert "was not written, so these notes are kept in the notebook alone" in capsys.readouterr().out

    def fails(id: str, data: str) -> None:
        raise KeyError("whatever a file may hold")

    monkeypatch.setattr(lab_notes, "keep_session", fails)
    book._keep_notes()
    assert "Notes could not be kept: KeyError" in capsys.readouterr().out
