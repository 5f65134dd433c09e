"""Commands: help everywhere, exit codes of the contract, one sentence and no traceback for bad input."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from run_folders import SALES, success, write_run

from kaanalysis.run_lock import locked

ROOT = Path(__file__).parent.parent
VERBS = ("check", "import", "report", "analyse", "diff", "simulate", "list", "pdf")


def kaanalysis(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kaanalysis.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "company.toml").write_text('name = "Small"\ncurrency = "CNY"\nas_of = 2026-06-30\n')
    (folder / "accounts.csv").write_text("account_id,employees\na1,5\na2,7\n")
    (folder / "opportunities.csv").write_text("opportunity_id,account_id,outcome\no1,a1,won\n")
    return folder


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    done = kaanalysis(verb, "--help")
    assert done.returncode == 0 and "Usage:" in done.stdout


def test_check_says_clean(small: Path) -> None:
    done = kaanalysis("check", small)
    assert done.returncode == 0, done.stderr
    assert "accounts: 2 of 2 rows valid" in done.stdout
    assert "M-3.6  not in full, missing: accounts.segment, stage_history.stage" in done.stdout


def test_check_names_the_broken_value_and_exits_1(small: Path) -> None:
    (small / "accounts.csv").write_text("account_id,employees\na1,many\na2,7\n")
    done = kaanalysis("check", small)
    assert done.returncode == 1
    assert (
        "accounts.employees, row 1, value 'many': must be a finite number: digits and a point, no separators, no currency sign (value left out, row kept)"
        in done.stdout
    )


def test_check_lists_every_repeated_key_and_exits_2(small: Path) -> None:
    (small / "accounts.csv").write_text("account_id\na1\na1\na2\na2\n")
    done = kaanalysis("check", small)
    assert done.returncode == 2
    assert "accounts.account_id, row 2, value 'a1'" in done.stdout and "row 4, value 'a2'" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "nowhere"), "nowhere does not exist"),
        (("report", "nowhere", "--out", "x"), "nowhere does not exist"),
        (
            ("analyse", "data/demo", "--out", "x", "--only", "99"),
            "there is no analysis '99'; there are: 00_problem_framing",
        ),
        (("analyse", "data/demo", "--out", "x", "--set", "success.target"), "must read name=value"),
        (
            ("analyse", "data/demo", "--out", "x", "--set", "success.target=0.5", "--set", " success.target=0.6"),
            "--set success.target is given more than once",
        ),
        (
            ("analyse", "data/demo", "--out", "x", "--set", "success.aim=1"),
            "policy has no value 'success.aim'",
        ),
        (("report", "data/demo", "--out", "x", "--set", "success.target=5"), "must lie between"),
        (("report", "data/demo", "--out", "x", "--lang", "fr"), "must name languages out of en, zh"),
        (("import", "sap", "x", "--out", "y"), "sap"),
        (("import",), "import needs SOURCE"),
        (("import", "flow_sheet", "nowhere.xlsx", "--out", "y"), "nowhere.xlsx does not exist"),
        (("import", "sales_sheet", "nowhere.xlsx", "--out", "data/demo"), "nowhere.xlsx is no Excel workbook"),
        (("import", "salesforce", "--template", "x"), "--template goes with flow_sheet alone"),
        (("import", "flow_sheet", "x", "--out", "y", "--lang", "fr"), "must be one of en, zh"),
        (("simulate", "nobody", "--out", "y"), "nobody"),
        (("simulate", "--list", "--lang", "fr"), "must be one of en, zh"),
        (("list", "--lang", "fr"), "must be one of en, zh"),
        (("report", "data/demo", "--out", "policy.toml"), "policy.toml is a file; name a folder"),
        (("report", "data/demo", "--out", "policy.toml", "--by", "region"), "policy.toml is a file; name a folder"),
        (("analyse", "data/demo", "--out", "policy.toml"), "policy.toml is a file; name a folder"),
        (("diff", "nowhere", "data"), "nowhere is no run folder"),
        (("diff", "data", "data"), "data is no run folder: it holds no manifest.json"),
        (("diff", "data", "data", "--lang", "fr"), "must be one of en, zh"),
        (("report", "data/demo", "--out", "x", "--since", "nowhere"), "nowhere is no run folder"),
        (
            ("report", "data/demo", "--out", "x", "--since", "nowhere", "--by", "region"),
            "goes with one report, not with --by",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments: tuple[str, ...], said: str) -> None:
    done = kaanalysis(*arguments)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr and "Traceback" not in done.stderr
    assert not (ROOT / "x").exists() and not (ROOT / "y").exists()


@pytest.mark.parametrize("arguments", [("nowhere",), ("data/demo", "--lang", "fr"), ("data/demo", "--set", "success.target=5")])  # fmt: skip
def test_a_report_that_nobody_watches_says_a_refusal_once_logs_it_and_gives_notice(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    log, told = tmp_path / "log.jsonl", tmp_path / "told"
    hook = f'echo "$KAANALYSIS_STATUS $KAANALYSIS_EXIT" > "{told}"'
    done = kaanalysis("report", *arguments, "--out", tmp_path / "run", "--quiet", "--log", log, "--on-failure", hook)
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    last = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    assert (last["step"], last["status"], last["exit"]) == ("run", "refused", 2) and last["error"] in done.stderr
    assert told.read_text() == "refused 2\n" and not (tmp_path / "run").exists()


def test_analyse_and_report_are_refused_while_the_run_folder_is_being_written(small: Path, tmp_path: Path) -> None:
    with locked(tmp_path / "run"):
        for verb in ("analyse", "report"):
            done = kaanalysis(verb, small, "--out", tmp_path / "run")
            assert done.returncode == 2 and "is being written by process" in done.stderr and done.stdout == ""
    assert not (tmp_path / "run").exists()


def test_analyse_writes_results_without_a_kernel(small: Path, tmp_path: Path) -> None:
    done = kaanalysis("analyse", small, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "run/results/03_sales_flow.json").read_text())
    assert result["schema"] == 1 and {f["id"] for f in result["findings"]} == {
        "M-3.1",
        "M-3.2",
        "M-3.3a",
        "M-3.3b",
        "M-3.3c",
        "M-3.5",
        "M-3.6",
    }
    assert all(f["state"] == "no_data" and f["needs"] for f in result["findings"])


def test_import_list_and_simulate_list_explain_each(tmp_path: Path) -> None:
    listed = kaanalysis("import", "--list").stdout
    assert all(name in listed for name in ("Maven", "Salvirt", "Olist", "BPI Challenge 2020", "Salesforce"))
    assert "healthy:" in kaanalysis("simulate", "--list").stdout
    assert "00_problem_framing:" in kaanalysis("list", "--lang", "zh").stdout


def test_simulate_makes_a_company_that_check_finds_clean(tmp_path: Path) -> None:
    done = kaanalysis("simulate", "healthy", "--out", tmp_path / "c", "--seed", "3", "--size", "0.2")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "c.truth.json").is_file() and not (tmp_path / "c" / "truth.json").exists()
    assert kaanalysis("check", tmp_path / "c").returncode == 0


def test_flow_sheets_say_what_they_lack_in_the_language_asked_for(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "flow,step,part,role\nA,asks,do,user\n,decides,approve,owner\nB,name dropped,influence,\n", encoding="utf-8"
    )
    done = kaanalysis("import", "flow_sheet", sheet, "--out", tmp_path / "c")
    assert done.returncode == 0, done.stderr
    assert "A: 2 steps, 2 parties; it says who buys and by which process" in done.stdout
    assert "B: 1 step, 0 parties; not yet a sample" in done.stdout and "the sampling frame" in done.stdout
    chinese = kaanalysis("import", "flow_sheet", sheet, "--out", tmp_path / "c2", "--lang", "zh").stdout
    assert "还不算样本" in chinese and "抽样框" in chinese
    again = kaanalysis("import", "flow_sheet", sheet, "--out", tmp_path / "c")
    assert again.returncode == 2 and "already has the flow A, B" in again.stderr
    made = kaanalysis("import", "flow_sheet", "--template", tmp_path / "t.xlsx")
    assert made.returncode == 0 and (tmp_path / "t.xlsx").is_file()
    assert kaanalysis("check", tmp_path / "c").returncode == 1


def test_an_edited_sales_sheet_becomes_the_company_s_and_its_mistakes_are_named(small: Path, tmp_path: Path) -> None:
    from kaanalysis.analyses.sales_sheet import blank_sheet
    from kaanalysis.company import open_company
    from kaanalysis.policy import load_policy
    from kaanalysis.sales_sheets import write_sheet
    from kaanalysis.workbook import worked

    sheet = write_sheet(tmp_path / "s.xlsx", blank_sheet(open_company(worked("crm")), load_policy()), "zh")
    done = kaanalysis("import", "sales_sheet", sheet, "--out", small, "--lang", "zh")
    assert done.returncode == 0 and "12 个节点" in done.stdout, done.stderr
    assert open_company(small).sheet is not None
    book = openpyxl.load_workbook(sheet)
    book.worksheets[0]["E3"] = "拍板"
    book.save(sheet)
    wrong = kaanalysis("import", "sales_sheet", sheet, "--out", small)
    assert wrong.returncode == 2 and "row 3, part, value '拍板': must be one of approve 审批" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_diff_says_what_moved_and_exits_0_or_1(tmp_path: Path) -> None:
    before = success(0.55, 0.49, 0.61)
    after = success(0.57, 0.51, 0.63, state="supported", reason="success_supported")
    a, b = write_run(tmp_path / "a", {SALES: [before]}), write_run(tmp_path / "b", {SALES: [after]}, data="d2")
    moved = kaanalysis("diff", a, b)
    assert moved.returncode == 1 and "undecided → supported" in moved.stdout and moved.stderr == ""
    assert "尚不能判定 → 成立" in kaanalysis("diff", a, b, "--lang", "zh").stdout
    same = kaanalysis("diff", a, a, "--json")
    assert same.returncode == 0 and json.loads(same.stdout)["moved"] == []


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
@pytest.mark.parametrize(
    ("data", "run"),
    [("/tmp/sp ace/co", "reports/co"), ("/tmp/sp ace/my co/", "reports/my co"), ("data/demo", "reports/demo")],
)
def test_make_report_takes_a_folder_with_a_blank_in_its_name(data: str, run: str) -> None:
    done = subprocess.run(
        ["make", "-n", "report", f"DATA={data}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said = next(line for line in done.stdout.splitlines() if "kaanalysis report" in line)
    assert shlex.split(said)[1:5] == ["report", data, "--out", run]
