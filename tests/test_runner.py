"""The run: strict parameters, order of steps, failure in its place, resume, and a target that is never half a run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from notebooks_noted import cell, notebook

from kaanalysis import cli, runner
from kaanalysis.analyses import sales_flow
from kaanalysis.company import open_company
from kaanalysis.compared_runs import PREVIOUS, read_run
from kaanalysis.contracts import UnusableData
from kaanalysis.kernel_server import KERNELS
from kaanalysis.manifest import Manifest, Step
from kaanalysis.opened import OPENED
from kaanalysis.results import Finding, Result
from kaanalysis.run_lock import Holder, lock_path
from kaanalysis.runfolder import DRAWN_FOR, HEADLESS, result_path, save_result
from kaanalysis.runner import analyse_in_process, run_notebooks

ALL = [
    "00_problem_framing",
    "01_base_assumptions",
    "02_procurement_flow",
    "03_sales_flow",
    "04_path_selection",
    "05_failure_patterns",
]
RESTS = ["04_path_selection", "05_failure_patterns"]  # on 03_sales_flow


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """The smallest company folder that opens."""
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "company.toml").write_text('name = "Small"\ncurrency = "CNY"\nas_of = 2026-06-30\n')
    (folder / "accounts.csv").write_text("account_id\na1\n")
    (folder / "opportunities.csv").write_text("opportunity_id,account_id,outcome\no1,a1,won\n")
    return folder


class FakeNotebooks:
    """Stands in for Papermill: writes what a notebook would leave, fails where told, and keeps the order of calls."""

    def __init__(self, fails: tuple[str, ...] = (), dies: tuple[str, ...] = ()) -> None:
        self.fails, self.dies, self.ran = fails, dies, list[str]()
        self.parameters: Mapping[str, Any] = {}
        self.headless: str | None = None

    def __call__(self, id: str, run: Path, parameters: Mapping[str, Any]) -> Step:
        self.ran.append(id)
        self.parameters = parameters
        self.headless = os.environ.get(HEADLESS)
        if id in self.dies:
            raise KeyboardInterrupt
        if id in self.fails:
            return Step(id, "failed", 0.1, "ValueError: told to")
        (run / "notebooks").mkdir(exist_ok=True)
        (run / "notebooks" / f"{id}.ipynb").write_text("{}")
        save_result(
            run,
            Result(id, "d", "p", "2026-06-30", [Finding("M-1.2", "lifecycle", "no_data", "missing", needs=("x.y",))]),
        )
        return Step(id, "done", 0.1)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeNotebooks:
    notebooks = FakeNotebooks()
    monkeypatch.setattr(runner, "execute", notebooks)
    return notebooks


def states(manifest: Manifest) -> dict[str, str]:
    return {s.id: s.status for s in manifest.steps}


def test_all_notebooks_run_and_the_manifest_says_so(company: Path, tmp_path: Path, fake: FakeNotebooks) -> None:
    out = tmp_path / "reports" / "run"
    manifest = run_notebooks(str(company), out, languages=["zh"], overrides={"success.target": 0.6})
    assert states(manifest) == dict.fromkeys(ALL, "done")
    assert not manifest.failed
    read = Manifest.read(out)
    assert read is not None and read.steps == manifest.steps
    assert read.overrides == {"success.target": 0.6} and read.policy["success.target"] == 0.6
    assert read.rows == {"accounts": [1, 1], "opportunities": [1, 1]}
    assert fake.parameters["lang"] == "zh" and fake.parameters["overrides"] == {"success.target": 0.6}
    assert fake.headless == "1" and HEADLESS not in os.environ, (
        "kernels know that this is a report; whoever called does not"
    )
    assert [p.name for p in out.parent.iterdir()] == ["run"]  # nothing partial is left beside it


def test_an_analysis_runs_after_what_it_rests_on(company: Path, tmp_path: Path, fake: FakeNotebooks) -> None:
    run_notebooks(str(company), tmp_path / "run", languages=["en"], only=["path_selection"], jobs=2)
    assert sorted(fake.ran) == ["01_base_assumptions", "03_sales_flow", "04_path_selection"]
    assert fake.ran[-1] == "04_path_selection"


def test_a_failing_notebook_stops_only_what_rests_on_it(company: Path, tmp_path: Path, fake: FakeNotebooks) -> None:
    fake.fails = ("03_sales_flow",)
    manifest = run_notebooks(str(company), tmp_path / "run", languages=["en"])
    assert states(manifest) == {
        **dict.fromkeys(ALL, "done"),
        "03_sales_flow": "failed",
        **dict.fromkeys(RESTS, "skipped"),
    }
    assert manifest.failed
    assert next(s for s in manifest.steps if s.id == "04_path_selection").needs == "03_sales_flow"
    assert not result_path(tmp_path / "run", "03_sales_flow").exists()


def test_a_second_run_goes_on_at_what_is_missing(company: Path, tmp_path: Path, fake: FakeNotebooks) -> None:
    fake.fails = ("03_sales_flow",)
    run_notebooks(str(company), tmp_path / "run", languages=["en"])
    fake.fails, fake.ran = (), []
    manifest = run_notebooks(str(company), tmp_path / "run", languages=["en"])
    assert sorted(fake.ran) == ["03_sales_flow", *RESTS]
    assert states(manifest) == {**dict.fromkeys(ALL, "kept"), **dict.fromkeys(["03_sales_flow", *RESTS], "done")}


def test_a_run_that_dies_leaves_the_last_good_run_and_its_own_steps(
    company: Path, tmp_path: Path, fake: FakeNotebooks
) -> None:
    out = tmp_path / "run"
    run_notebooks(str(company), out, languages=["en"])
    before = (out / "manifest.json").read_text()
    fake.dies, fake.ran = ("02_procurement_flow",), []
    with pytest.raises(KeyboardInterrupt):
        run_notebooks(str(company), out, languages=["en"], overrides={"success.target": 0.6}, jobs=1)
    assert (out / "manifest.json").read_text() == before
    fake.dies, fake.ran = (), []
    manifest = run_notebooks(str(company), out, languages=["en"], overrides={"success.target": 0.6}, jobs=1)
    assert "00_problem_framing" not in fake.ran and "02_procurement_flow" in fake.ran
    assert states(manifest)["00_problem_framing"] == "kept"


@pytest.mark.parametrize("change", ["data", "policy", "code"])
def test_steps_of_other_data_policy_or_code_are_not_kept(
    company: Path, tmp_path: Path, fake: FakeNotebooks, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    run_notebooks(str(company), tmp_path / "run", languages=["en"])
    fake.ran = []
    overrides = {}
    if change == "data":
        (company / "accounts.csv").write_text("account_id\na1\na2\n")
    elif change == "policy":
        overrides = {"success.target": 0.4}
    else:
        monkeypatch.setattr(runner, "code_hash", lambda: "other")
    run_notebooks(str(company), tmp_path / "run", languages=["en"], overrides=overrides)
    assert sorted(fake.ran) == ALL


def test_a_folder_that_is_no_run_is_not_overwritten(company: Path, tmp_path: Path, fake: FakeNotebooks) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(UnusableData, match="not empty and is no run folder"):
        run_notebooks(str(company), tmp_path / "mine", languages=["en"])
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work" and fake.ran == []


def test_bad_input_is_refused_before_any_notebook_runs(company: Path, tmp_path: Path, fake: FakeNotebooks) -> None:
    (company / "accounts.csv").write_text("account_id\na1\na1\n")
    with pytest.raises(UnusableData, match=r"accounts\.account_id, row 2"):
        run_notebooks(str(company), tmp_path / "run", languages=["en"])
    assert fake.ran == [] and not (tmp_path / "run").exists()


def test_a_sheet_that_the_analyst_edited_is_carried_into_a_run_under_another_policy(
    company: Path, tmp_path: Path, fake: FakeNotebooks
) -> None:
    out = tmp_path / "run"
    run_notebooks(str(company), out, languages=["en"])
    (out / "sheets").mkdir()
    (out / "sheets" / "sales_sheet.xlsx").write_text("hours of work")
    run_notebooks(str(company), out, languages=["en"], overrides={"success.target": 0.7})
    assert (out / "sheets" / "sales_sheet.xlsx").read_text() == "hours of work"


def test_a_state_written_back_is_carried_on_and_kernels_know_that_nobody_looks(
    company: Path, tmp_path: Path, fake: FakeNotebooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, seen = tmp_path / "run", set()
    real = runner.execute
    monkeypatch.setattr(runner, "execute", lambda *a: seen.add(os.environ.get(HEADLESS)) or real(*a))
    monkeypatch.delenv(HEADLESS, raising=False)
    run_notebooks(str(company), out, languages=["en"])
    (out / "overrides.toml").write_text("[overrides]\n")
    run_notebooks(str(company), out, languages=["en"], overrides={"success.target": 0.7})
    assert (out / "overrides.toml").read_text() == "[overrides]\n"
    assert seen == {"1"} and HEADLESS not in os.environ


def test_a_run_set_against_the_one_that_it_replaces_keeps_what_that_takes(
    company: Path, tmp_path: Path, fake: FakeNotebooks
) -> None:
    out = tmp_path / "reports" / "run"
    run_notebooks(str(company), out, languages=["en"], only=["00"])
    assert not (out / PREVIOUS).exists()
    (company / "accounts.csv").write_text("account_id\na1\na2\n")
    manifest = run_notebooks(str(company), out, languages=["en"], only=["00"], since=out)
    assert manifest.since == "run"
    kept = read_run(out / PREVIOUS)
    assert kept.name == "run" and kept.rows["accounts"] == 1 and read_run(out).rows["accounts"] == 2
    # Made again without, the same run stands for itself.
    assert run_notebooks(str(company), out, languages=["en"], only=["00"]).since == ""
    assert not (out / PREVIOUS).exists()


def test_a_run_to_be_compared_with_is_read_before_anything_is_computed(
    company: Path, tmp_path: Path, fake: FakeNotebooks
) -> None:
    with pytest.raises(UnusableData, match="is no run folder"):
        run_notebooks(str(company), tmp_path / "run", languages=["en"], since=tmp_path / "nowhere")
    assert fake.ran == [] and not (tmp_path / "run").exists()


def test_kernels_find_the_company_opened_and_nothing_of_it_is_left_behind(
    company: Path, tmp_path: Path, fake: FakeNotebooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, seen = tmp_path / "run", []
    real = runner.execute

    def opens(id: str, run: Path, parameters: Mapping[str, Any]) -> Step:
        seen.append((open_company(parameters["data"]).data_hash, os.environ.get(DRAWN_FOR)))
        assert (run / ".opened").is_dir()
        return real(id, run, parameters)

    monkeypatch.setattr(runner, "execute", opens)
    manifest = run_notebooks(str(company), out, languages=["en", "zh"], only=["problem_framing"])
    assert seen == [(manifest.stamp["data_hash"], "en,zh")]
    assert not (out / ".opened").exists() and not (out / ".drawn").exists()
    assert OPENED not in os.environ and DRAWN_FOR not in os.environ and KERNELS not in os.environ


def test_a_stale_lock_is_told_and_the_run_goes_on(company: Path, tmp_path: Path, fake: FakeNotebooks) -> None:
    left = {"pid": 1, "host": "another", "since": "2026-06-30T02:00:00+00:00"}
    lock_path(tmp_path / "run").write_text(json.dumps(left))
    told: list[Holder] = []
    run_notebooks(str(company), tmp_path / "run", languages=["en"], only=["problem_framing"], stale=told.append)
    assert told == [Holder(**left)] and not lock_path(tmp_path / "run").exists()


def test_a_group_is_run_like_a_company_and_named_in_the_manifest(
    company: Path, tmp_path: Path, fake: FakeNotebooks
) -> None:
    (company / "accounts.csv").write_text("account_id,region\na1,a/b\n")
    run_notebooks(f"{company}#region=a/b", tmp_path / "run", languages=["en"], only=["problem_framing"])
    manifest = Manifest.read(tmp_path / "run")
    assert manifest is not None and manifest.data == "company#region=a/b"
    assert fake.parameters["data"] == f"{company}#region=a/b"


def test_what_others_rest_on_runs_first_and_no_more_than_jobs_at_a_time(
    company: Path, tmp_path: Path, fake: FakeNotebooks
) -> None:
    run_notebooks(str(company), tmp_path / "run", languages=["en"], jobs=1)
    assert fake.ran[:3] == ["01_base_assumptions", "03_sales_flow", "04_path_selection"] and sorted(fake.ran) == ALL


def test_notes_in_the_last_run_are_kept_and_put_into_the_next_without_a_step_running_again(
    company: Path, tmp_path: Path, fake: FakeNotebooks
) -> None:
    id, out, said = "00_problem_framing", tmp_path / "run", list[str]()
    run_notebooks(str(company), out, languages=["en"], only=[id])
    cells = [cell("code", "book.save()", "dab9c0ff", "save"), cell("markdown", "Checked.", "mine")]
    (out / "notebooks" / f"{id}.ipynb").write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    kept = tmp_path / "company.notes" / id
    kept.mkdir(parents=True)
    (kept / "gone.md").write_bytes(b"\xff\xfe\xff")
    manifest = run_notebooks(str(company), out, languages=["en"], only=[id], warn=said.append)
    assert fake.ran == [id] and states(manifest) == {id: "kept"}
    assert (kept / "dab9c0ff.md").read_text(encoding="utf-8") == "Checked.\n"
    made = json.loads((out / "notebooks" / f"{id}.ipynb").read_text(encoding="utf-8"))["cells"]
    assert [(c["id"], c["metadata"]["tags"]) for c in made] == [("dab9c0ff", ["save"]), ("note-dab9c0ff-1", ["note"])]
    assert len(said) == 1 and "gone.md is no text" in said[0]


def test_results_that_a_run_of_some_analyses_cannot_take_over_are_told(
    company: Path, tmp_path: Path, fake: FakeNotebooks
) -> None:
    out, told = tmp_path / "run", list[tuple[list[str], list[str]]]()

    def run(only: list[str], target: float) -> None:
        run_notebooks(
            str(company), out, languages=["en"], only=only, overrides={"success.target": target},
            dropped=lambda analyses, causes: told.append((analyses, causes)),
        )  # fmt: skip

    run(["00", "01", "02"], 0.5)
    run(["00"], 0.5)  # under the same stamp they are kept
    run(["00", "01", "02"], 0.6)
    assert told == []
    run(["00"], 0.7)
    assert told == [(["01_base_assumptions", "02_procurement_flow"], ["policy"])]
    assert not result_path(out, "01_base_assumptions").exists()


def test_the_report_says_and_logs_which_results_it_leaves_out(
    company: Path,
    tmp_path: Path,
    fake: FakeNotebooks,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("kaanalysis.report.build", lambda run, language: None)
    out, log = tmp_path / "run", tmp_path / "log"
    run_notebooks(str(company), out, languages=["en"], only=["00", "01"])
    command = [
        "report",
        str(company),
        "--out",
        str(out),
        "--only",
        "00",
        "--set",
        "success.target=0.7",
        "--log",
        str(log),
    ]
    monkeypatch.setattr("sys.argv", ["kaanalysis", *command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "01_base_assumptions" in line]
    assert len(said) == 1 and said[0].endswith("will not be in this one: made from other policy.")
    line = next(x for x in map(json.loads, log.read_text().splitlines()) if x["step"] == "left_out")
    assert (line["analyses"], line["other"]) == (["01_base_assumptions"], ["policy"])


def test_an_analysis_that_fails_is_one_sentence_and_the_others_are_written(
    company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> Result:
        raise ValueError("told to,\nin two lines")

    monkeypatch.setattr(sales_flow, "analyse", fails)
    monkeypatch.setattr("sys.argv", ["kaanalysis", "analyse", str(company), "--out", str(tmp_path / "run")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1, "as of a report in which a notebook failed"
    assert capsys.readouterr().err.splitlines() == [
        "kaanalysis: 03_sales_flow failed: ValueError: told to, in two lines",
        *(f"kaanalysis: {id} skipped: needs 03_sales_flow" for id in RESTS),
    ]
    read = Manifest.read(tmp_path / "run")
    assert read is not None and read.failed
    assert [id for id in ALL if result_path(tmp_path / "run", id).is_file()] == ALL[:3]


def test_ctrl_c_in_a_query_is_no_failed_analysis(
    company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Result:
        raise RuntimeError("Query interrupted")  # as DuckDB does

    monkeypatch.setattr(sales_flow, "analyse", interrupted)
    with pytest.raises(KeyboardInterrupt):
        analyse_in_process(str(company), tmp_path / "run", only=["03"])


def test_analyse_writes_into_no_folder_that_holds_a_report(company: Path, tmp_path: Path, fake: FakeNotebooks) -> None:
    out = tmp_path / "run"
    run_notebooks(str(company), out, languages=["en"], only=["00"])
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with pytest.raises(UnusableData, match="holds a report"):
        analyse_in_process(str(company), out, only=["00"])
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    for _ in range(2):  # a folder of its own, again and again
        analyse_in_process(str(company), tmp_path / "analysed", only=["00"])
