"""Notes over runs: from the last run and the notebooks into the store, from the store into the new run; by company, group and key."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from notebooks_noted import cell, noted

from kaanalysis import run_groups, run_notes
from kaanalysis.account_groups import resolved
from kaanalysis.company import open_company
from kaanalysis.manifest import Manifest
from kaanalysis.note_cells import notes_in
from kaanalysis.notes import Store, notes_folder
from kaanalysis.pseudonymise import Pseudonymiser
from kaanalysis.run_notes import RunNotes

ID = "00_problem_framing"
Edit = Callable[[list[dict[str, Any]]], None]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small companies and a workbook with one notebook."""
    for name in ("mine", "other"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        (folder / "company.toml").write_text(f'name = "{name} Ltd"\ncurrency = "CNY"\nas_of = 2026-06-30\n')
        (folder / "accounts.csv").write_text("account_id,name,region\na1,Harbour Holding,east\na2,Quast Works,west\n")
        (folder / "opportunities.csv").write_text("opportunity_id,account_id,outcome\no1,a1,won\n")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(run_notes, "workbook_file", lambda relative: tmp_path / relative)
    source(tmp_path, noted(data="../data/demo"))

    return tmp_path


def source(house: Path, notebook: dict[str, Any]) -> None:
    (house / "notebooks" / f"{ID}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def write(run: Path, notebook: dict[str, Any]) -> None:
    (run / "notebooks").mkdir(parents=True, exist_ok=True)
    (run / "notebooks" / f"{ID}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def read(run: Path) -> dict[str, Any]:
    return json.loads((run / "notebooks" / f"{ID}.ipynb").read_text(encoding="utf-8"))


def edit(run: Path, change: Edit) -> None:
    made = read(run)
    change(made["cells"])
    write(run, made)


def run(
    house: Path,
    data: str = "mine",
    out: str = "run",
    *,
    pseudonymiser: Pseudonymiser | None = None,
    finish: Callable[[], None] = lambda: None,
) -> tuple[Path, list[str]]:
    """What a run does with notes (tests/test_runner.py has a whole one): a step of the same company is kept, else executed anew."""
    place, target, said = resolved(str(house / "data" / data)), house / out, list[str]()
    company = pseudonymiser.company if pseudonymiser else ""
    notes = RunNotes(place, data, "en", said.append, pseudonymiser, company)
    notes.take(target)
    partial, last = house / ".partial", Manifest.read(target)
    if last is not None and last.stamp["data_hash"] == data:
        shutil.copytree(target, partial)
    else:
        made = json.loads((house / "notebooks" / f"{ID}.ipynb").read_text(encoding="utf-8"))
        made["metadata"] = {"papermill": {"parameters": {"data": "DATA" if pseudonymiser else place}}}
        made["cells"] = [c for c in made["cells"] if c.get("id") != "head-zh"]  # as a run in English drops it
        write(partial, made)
    notes.put_into(partial, ID)
    stamp = {"data_hash": data} | ({"pseudonyms": pseudonymiser.pseudonyms.fingerprint()} if pseudonymiser else {})
    manifest = Manifest(stamp, {}, company or data, {}, {}, {}, ["en"], "kaanalysis", "2026-01-01")
    (partial / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    finish()
    notes.take(target)
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(exist_ok=True)
    partial.replace(target)
    return target, said


def add(text: str, under: str = "figure") -> Edit:
    def change(cells: list[dict[str, Any]]) -> None:
        at = next(i for i, c in enumerate(cells) if c.get("id") == under)
        cells.insert(at + 1, cell("markdown", text, f"new-{len(cells)}"))

    return change


def rewrite(old: str, new: str | None) -> Edit:
    def change(cells: list[dict[str, Any]]) -> None:
        note = next(c for c in cells if "".join(c["source"]) == old)
        cells.remove(note) if new is None else note.update(source=new)

    return change


def store(house: Path, data: str = "mine") -> dict[str, list[str]]:
    return Store(notes_folder(str(house / "data" / data))).read(ID).texts


def shown(run: Path) -> list[str]:
    return [n.text for n in notes_in(read(run))]


def test_notes_written_into_a_run_survive_the_next(house: Path) -> None:
    out, _ = run(house)
    edit(out, add("checked with finance"))
    _, said = run(house)
    assert said == []
    assert shown(out) == ["checked with finance"] and store(house) == {"figure": ["checked with finance"]}
    made = next(c for c in read(out)["cells"] if c["source"] == ["checked with finance"])
    assert made["metadata"]["tags"] == ["note"] and made["id"] == "note-figure-1"
    before = (out / "notebooks" / f"{ID}.ipynb").stat().st_mtime_ns
    run(house)
    assert (out / "notebooks" / f"{ID}.ipynb").stat().st_mtime_ns == before, "the page made of it stays too"


def test_a_note_kept_by_hand_is_put_into_a_run_that_is_finished_already(house: Path) -> None:
    out, _ = run(house)
    folder = house / "data" / "mine.notes" / ID
    folder.mkdir(parents=True)
    (folder / "head-zh.md").write_text("由手工写下\n", encoding="utf-8")
    run(house)
    assert shown(out) == ["由手工写下"]
    run(house)
    assert store(house) == {"head-zh": ["由手工写下"]}, (
        "its anchor is the cell of the other language, which this run does not show"
    )


@pytest.mark.parametrize(
    ("in_run", "in_store", "after"),
    [
        ("edited", None, ["edited"]),
        (None, "changed", ["changed"]),
        ("edited", "changed", ["changed", "edited"]),
        ("", None, []),
        ("", "changed", ["changed"]),
        (None, "", []),
        ("edited", "", ["edited"]),
    ],
)
def test_what_was_changed_in_the_run_and_in_the_store_meets(
    house: Path, in_run: str | None, in_store: str | None, after: list[str]
) -> None:
    """None: as it was; empty: taken out."""
    out, _ = run(house)
    edit(out, add("was"))
    run(house)
    if in_run is not None:
        edit(out, rewrite("was", in_run or None))
    if in_store is not None:
        (house / "data" / "mine.notes" / ID / "figure.md").write_text(in_store)
    run(house)
    assert store(house).get("figure", []) == after == shown(out)


def test_a_run_of_another_company_does_not_show_the_notes_and_does_not_lose_them(house: Path) -> None:
    out, _ = run(house)
    edit(out, add("on mine"))
    _, said = run(house, "other")  # into the same run folder
    assert shown(out) == [] and store(house) == {"figure": ["on mine"]} and store(house, "other") == {} and said == []


def test_notes_in_the_notebooks_belong_to_the_company_that_they_name_and_own_code_runs_for_all(house: Path) -> None:
    source(house, noted(cell("markdown", "on mine", "n1"), cell("code", "mine = 1", "n2"), data="../data/mine"))
    out, _ = run(house, "other", out="of_other")
    assert shown(out) == ["```python\nmine = 1\n```"] and store(house, "other") == {}
    out, _ = run(house)
    assert shown(out) == ["on mine", "```python\nmine = 1\n```"]
    assert store(house) == {"figure": ["on mine", "```python\nmine = 1\n```"]}
    source(house, noted(cell("markdown", "on mine, edited", "n1"), cell("code", "mine = 2", "n2"), data="../data/mine"))
    run(house)
    assert store(house) == {"figure": ["on mine, edited", "```python\nmine = 2\n```"]}


def test_a_note_of_a_cell_that_is_gone_stands_at_the_end_and_says_so(house: Path) -> None:
    Store(notes_folder(str(house / "data" / "mine"))).write(ID, {}, {"long-gone": ["still here"]})
    out, _ = run(house)
    assert ["".join(c["source"]) for c in read(out)["cells"][-2:]] == [
        "These notes stood under a cell that this notebook no longer has (long-gone).",
        "still here",
    ]
    run(house)
    assert store(house) == {"long-gone": ["still here"]}


def test_where_the_store_cannot_be_written_notes_go_on_from_run_to_run(house: Path) -> None:
    out, _ = run(house)
    edit(out, add("nowhere to put it"))
    blocked = house / "data" / "mine.notes"
    blocked.write_text("a file in the way")
    for _ in range(2):
        _, said = run(house)
        assert shown(out) == ["nowhere to put it"]
        assert any("was not written, so these notes are kept in the notebook alone" in s for s in said)
    blocked.unlink()
    _, said = run(house)
    assert said == [] and store(house) == {"figure": ["nowhere to put it"]} and shown(out) == ["nowhere to put it"]


def test_broken_notes_are_said_and_fail_no_run(house: Path) -> None:
    out, _ = run(house)
    folder = house / "data" / "mine.notes"
    (folder / ID).mkdir(parents=True)
    (folder / ID / "figure.md").write_bytes(b"\xff\xfe\xff")
    (folder / "07_of_a_colleague").mkdir()
    noted_ = read(out)
    noted_["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "x", "attachments": [1]})
    write(out, noted_)
    _, said = run(house)
    told = " ".join(said)
    assert (
        "is no text in UTF-8" in told
        and "07_of_a_colleague is named after no notebook" in told
        and "notes could not be kept: " in told
    )


def test_what_is_written_while_the_next_run_is_made_is_kept(house: Path) -> None:
    out, _ = run(house)
    run(house, finish=lambda: edit(out, add("late")))
    assert store(house) == {"figure": ["late"]}
    run(house)
    assert shown(out) == ["late"]


def test_under_pseudonyms_names_in_notes_are_replaced_and_no_code_word_gets_into_the_store(house: Path) -> None:
    picture = "![](data:image/png;base64,QUJD)"
    Store(notes_folder(str(house / "data" / "mine"))).write(
        ID, {}, {"figure": [f"Harbour Holding pays late {picture}"]}
    )
    made = Pseudonymiser.of(open_company(str(house / "data" / "mine")), bytes(range(32)))
    out, _ = run(house, out="board", pseudonymiser=made)
    (said,) = shown(out)
    assert said.endswith("pays late ![]()") and "Harbour" not in json.dumps(read(out))
    edit(out, rewrite(said, said + ", as ever"))
    edit(out, add("asked Quast Works", "end"))
    run(house, out="board", pseudonymiser=made)
    word = said.split(" pays")[0]
    assert store(house) == {"figure": [f"Harbour Holding pays late {picture}"]}
    assert shown(out)[:2] == [said, f"{word} pays late ![](), as ever"] and len(shown(out)) == 3
    assert "Quast" not in "".join(shown(out)), "names typed into a run under pseudonyms are replaced in the next"
    plain, _ = run(house, out="inside")
    assert shown(plain) == [f"Harbour Holding pays late {picture}"]
    edit(out, rewrite(f"{word} pays late ![](), as ever", None))
    run(house, out="board", pseudonymiser=made)
    assert len(shown(out)) == 2


def test_groups_keep_their_notes_apart_and_those_of_a_group_that_is_gone(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    east, west = (f"{house / 'data' / 'mine'}#region={r}" for r in ("east", "west"))
    for place, text in ((east, "on the east"), (west, "on the west")):
        Store(notes_folder(place)).write(ID, {}, {"figure": [text]})
    out, _ = run(house, "mine#region=east", out="by/east")
    assert shown(out) == ["on the east"]
    west_out, _ = run(house, "mine#region=west", out="by/west")
    assert shown(west_out) == ["on the west"]
    edit(west_out, add("nobody left"))
    notes = run_notes.RunNotes(str(house / "data" / "mine"), "d", "en", lambda said: None)
    run_groups._take_notes(notes, house / "by")
    assert sorted(Store(notes_folder(west)).read(ID).texts["figure"]) == ["nobody left", "on the west"]
    assert store(house) == {}


def test_notes_in_a_dated_run_come_into_the_next_of_another_date_once(house: Path) -> None:
    monday, _ = run(house, out="2026-06-29")
    edit(monday, add("seen on Monday"))
    later = (monday / "manifest.json").stat().st_mtime_ns + 10**9
    os.utime(monday / "notebooks" / f"{ID}.ipynb", ns=(later, later))
    tuesday, _ = run(house, out="2026-06-30")
    assert shown(tuesday) == ["seen on Monday"]
    (house / "data" / "mine.notes" / ID / "figure.md").write_text("and settled on Tuesday")
    wednesday, _ = run(house, out="2026-07-01")
    assert shown(wednesday) == ["and settled on Tuesday"], "Monday's run has said its own already"
    assert run_notes.dated_beside(house / "run") == []
