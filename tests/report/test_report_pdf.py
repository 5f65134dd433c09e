"""Printing: which engine is taken, what is said where none is, complete or not at all; a real browser is driven in the browser's tests."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kaanalysis import cli
from kaanalysis.contracts import UnusableData
from kaanalysis.report import pdf

PRINTS = '#!/bin/sh\nfor a in "$@"; do case "$a" in --print-to-pdf=*) printf "%%PDF-1.7 x" > "${a#--print-to-pdf=}";; esac; done\n'
FAILS = '#!/bin/sh\necho "no display" >&2; exit 3\n'


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "report.en.html").write_text("<p>x</p>", encoding="utf-8")
    return tmp_path


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(pdf.BROWSER, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(pdf, "_weasyprint_works", lambda: False)


def browser(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> Path:
    path = folder / "a-browser"
    path.write_text(script, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(pdf.BROWSER, str(path))
    return path


def test_a_browser_prints_beside_the_page(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser(monkeypatch, run, PRINTS)
    assert pdf.print_pdf(run / "report.en.html") == run / "report.en.pdf"
    assert (run / "report.en.pdf").read_bytes().startswith(b"%PDF")


def test_an_engine_that_fails_is_told_of_and_leaves_nothing(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser(monkeypatch, run, FAILS)
    with pytest.raises(UnusableData, match=r"a-browser did not print report\.en\.html \(exit code 3\): no display"):
        pdf.print_pdf(run / "report.en.html")
    assert sorted(p.name for p in run.iterdir()) == ["a-browser", "report.en.html"]


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_one_sentence_says_what_to_install() -> None:
    with pytest.raises(
        pdf.NoEngine, match=r"install Chromium or Chrome, or WeasyPrint with pip install 'kaanalysis\[pdf\]'"
    ):
        pdf.find_engine()


def test_a_browser_that_is_named_but_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pdf.BROWSER, "/nowhere/a-browser")
    with pytest.raises(pdf.NoEngine, match="names 'a-browser', which is not there"):
        pdf.find_engine()


def test_weasyprint_is_taken_where_no_browser_is(no_engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_weasyprint_works", lambda: True)
    assert pdf.find_engine().name == "WeasyPrint"


def test_command_prints_the_reports_that_are_there(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser(monkeypatch, run, PRINTS)
    done = CliRunner().invoke(cli.app, ["pdf", str(run)])
    assert done.exit_code == 0 and done.output.split() == [str(run / "report.en.pdf")]


@pytest.mark.parametrize("arguments", [["pdf", "RUN"], ["report", "nowhere", "--out", "RUN/out", "--pdf"]])
@pytest.mark.usefixtures("no_engine")
def test_command_without_an_engine_ends_with_2_before_anything_runs(
    arguments: list[str], run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["kaanalysis", *(a.replace("RUN", str(run)) for a in arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "no engine can print the report" in capsys.readouterr().err
    assert not (run / "out").exists()


def test_command_on_a_folder_without_a_report_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["kaanalysis", "pdf", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2 and "holds no report" in capsys.readouterr().err
