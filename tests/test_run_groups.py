"""Reports by group: names of folders, levels that hold together, which work is kept, and one whole run by processes."""

from __future__ import annotations

import json
import multiprocessing
import time
from pathlib import Path

import pytest
from company_files import write_company
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis import run_groups as module
from kaanalysis import runner
from kaanalysis.company import open_company
from kaanalysis.contracts import UnusableData
from kaanalysis.group_index import Group, GroupRun, level_together
from kaanalysis.manifest import Manifest, Step
from kaanalysis.policy import load_policy
from kaanalysis.run_groups import LONGEST, folder_name, groups_in, run_groups
from kaanalysis.unattended import RunLog


@pytest.mark.parametrize(
    ("value", "name"),
    [("east", "east"), ("华东", "华东"), ("East & West", "East-West"), (None, "no-value"), ("ａｂｃ", "abc"), ("1000-4999", "1000-4999")],
)  # fmt: skip
def test_a_folder_is_named_after_its_group(value: str | None, name: str) -> None:
    assert folder_name(value, set()) == name


@given(st.lists(st.text(max_size=90), unique=True, max_size=12))
def test_every_folder_name_is_safe_short_and_its_own(values: list[str]) -> None:
    taken: set[str] = set()
    names = [folder_name(v, taken) for v in values]
    assert len({n.casefold() for n in names}) == len(values)
    for name in names:
        assert (
            all(c.isalnum() or c == "-" for c in name)
            and 0 < len(name.encode()) <= LONGEST
            and not name.startswith("-")
        )


@pytest.mark.parametrize(
    "value", ["..", ".", "", "/", "../../etc", "CON", "nul", "com1", ".hidden", "a\x00b", "index.en.html"]
)
def test_no_value_leads_out_of_the_folder_or_to_a_name_with_a_meaning(value: str, tmp_path: Path) -> None:
    name = folder_name(value, set())
    assert (tmp_path / name).resolve().parent == tmp_path and not name.startswith(".")
    assert name.casefold() not in ("con", "nul", "com1")


def test_two_values_that_would_share_a_folder_do_not_and_no_value_is_not_the_value_no_value() -> None:
    taken: set[str] = set()
    first, second, third = (folder_name(v, taken) for v in ("a/b", "a b", "A-B"))
    assert first == "a-b" and second.startswith("a-b-") and third.startswith("A-B-")
    taken = set()
    assert folder_name("no value", taken) == "no-value" and folder_name(None, taken).startswith("no-value-")


def test_levels_hold_together_by_bonferroni() -> None:
    assert level_together(0.95, 1) == 0.95
    assert level_together(0.95, 5) == pytest.approx(0.99)
    assert 1 - 7 * (1 - level_together(0.9, 7)) == pytest.approx(0.9)


def test_too_many_groups_are_refused_with_the_policy_that_says_so(tmp_path: Path) -> None:
    accounts = "account_id,name\n" + "".join(f"A{i},N{i}\n" for i in range(31))
    opportunities = "opportunity_id,account_id,outcome\nO1,A1,won\n"
    company = open_company(write_company(tmp_path / "c", {"accounts": accounts, "opportunities": opportunities}))
    with pytest.raises(UnusableData, match=r"makes 31 groups, more than 30 \(policy groups\.most\)"):
        groups_in(company, "name", load_policy())
    assert len(groups_in(company, "name", load_policy().override({"groups.most": 31}))) == 31


@pytest.fixture
def place(tmp_path: Path) -> str:
    accounts = "account_id,region,segment\nA1,east/1,SMB\nA2,east/1,KA\nA3,,SMB\n"
    opportunities = "opportunity_id,account_id,outcome,created_at,closed_at\nO1,A1,won,2025-01-01,2025-02-01\nO3,A3,lost,2025-01-01,2025-02-01\n"
    return str(write_company(tmp_path / "company", {"accounts": accounts, "opportunities": opportunities}))


@pytest.mark.parametrize(("column", "said"), [("city", "columns to group by"), ("account_id", "cannot be grouped by")])
def test_another_column_is_refused_before_anything_runs(place: str, tmp_path: Path, column: str, said: str) -> None:
    with pytest.raises(UnusableData, match=said):
        run_groups(place, tmp_path / "run", column, languages=["en"])
    assert not (tmp_path / "run").exists()
    with pytest.raises(UnusableData, match="is one group already"):
        run_groups(place + "#region=", tmp_path / "run", "segment", languages=["en"])


def test_a_run_by_groups_and_a_single_run_do_not_take_each_others_place(place: str, tmp_path: Path) -> None:
    single = tmp_path / "single"
    runner.analyse_in_process(place, single, only=["failure_patterns"])
    with pytest.raises(UnusableData, match="holds no run by region"):
        run_groups(place, single, "region", languages=["en"])
    grouped = Manifest({"by": "region"}, {}, "", {}, {}, {}, [], "", "")
    (tmp_path / "grouped").mkdir()
    (tmp_path / "grouped" / "manifest.json").write_text(grouped.to_json())
    with pytest.raises(UnusableData, match="holds runs by region"):
        runner.run_notebooks(place, tmp_path / "grouped", languages=["en"])
    with pytest.raises(UnusableData, match="holds runs by region"):
        runner.analyse_in_process(place, tmp_path / "grouped")


def test_each_group_gets_a_run_folder_of_its_own_and_a_second_run_keeps_what_is_done(
    place: str, tmp_path: Path
) -> None:
    out, log = tmp_path / "run", RunLog(tmp_path / "log", "run")
    told: list[str] = []
    manifest = run_groups(
        place, out, "region", only=["failure_patterns"], languages=["en", "zh"], log=log, tell=lambda s, *_: told.append(s.id)
    )  # fmt: skip
    assert [(s.id, s.status, s.error) for s in manifest.steps] == [("east-1", "done", ""), ("no-value", "done", "")]
    assert sorted(told) == ["east-1", "no-value"] and manifest.stamp["by"] == "region"
    assert sorted(p.name for p in out.iterdir()) == [
        "east-1",
        "index.en.html",
        "index.zh.html",
        "manifest.json",
        "no-value",
    ]
    inside = Manifest.read(out / "east-1")
    assert inside is not None and inside.data == "company#region=east/1" and inside.rows["accounts"] == [2, 2]
    assert (out / "no-value" / "report.zh.html").is_file()
    assert not [p for p in tmp_path.rglob(".*") if p.name not in (".", "..")], "no lock, nothing handed on is left"
    written = [json.loads(x) for x in (tmp_path / "log").read_text(encoding="utf-8").splitlines()]
    assert {x["group"] for x in written} == {"east/1", None} and {x["status"] for x in written} == {"done"}
    (out / "east-1" / "overrides.toml").write_text("[overrides]\n")
    again = run_groups(
        place, out, "region", only=["failure_patterns"], languages=["en"], overrides={"success.target": 0.6}
    )
    assert not again.failed and (out / "east-1" / "overrides.toml").is_file(), "an analyst's state is carried on"


def _only_a_is_quick(order: module._Order) -> GroupRun:
    """Stands in for the run of a group, in the worker's process."""
    if order.group.folder != "a":
        time.sleep(120)
    return GroupRun(order.group, manifest=Manifest({}, {}, "", {}, {}, {}, ["en"], "", ""))


def test_a_run_by_groups_that_is_stopped_waits_for_no_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_run_group", _only_a_is_quick)
    groups = [Group(name, name, 1) for name in ("a", "b", "c")]
    orders = [module._Order(g, 3, "", "region", tmp_path, None, {}, ["en"], 1, "", RunLog(None, "")) for g in groups]

    def stop(step: Step, done: int, total: int) -> None:
        raise KeyboardInterrupt  # as a signal does, whenever it comes

    before, begun = set(multiprocessing.active_children()), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        module._in_parallel(orders, tmp_path, 2, stop)
    assert time.monotonic() - begun < 60
    for worker in set(multiprocessing.active_children()) - before:
        worker.join(10)
        assert not worker.is_alive()
