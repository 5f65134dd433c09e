"""The five verbs of a notebook, used as a notebook uses them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from kaanalysis import workbook
from kaanalysis.contracts import UnusableData
from kaanalysis.results import StaleResult, load_result
from kaanalysis.runfolder import result_path

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
