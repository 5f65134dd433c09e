"""The five verbs of a notebook, used as a notebook uses them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from kaanalysis import workbook
from kaanalysis.contracts import UnusableData
from kaanalysis.results import Result, StaleResult, load_result
from kaanalysis.runfolder import HEADLESS, result_path

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


def test_show_says_what_it_cannot_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = workbook.open("01_base_assumptions", DEMO, str(tmp_path), "en", FEW)
    assert book.show("nonsense") is None
    assert "Nothing to draw: the data for “nonsense” is missing." in capsys.readouterr().out


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
