"""Copies of notebooks: whose they are, what they held last time, and a lab session's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from notebooks_noted import cell, notebook, noted, shipped

from kaanalysis.note_cells import insert, shipped_ids
from kaanalysis.note_copies import SESSION, data_of, headings_of, keep_session, opened_in, read_notebook, session_file
from kaanalysis.notes import Store

ID = "00_problem_framing"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """notebooks/ beside two companies, and a kernel that works for one of its notebooks."""
    for folder in ("notebooks", "data/a", "data/b"):
        (tmp_path / folder).mkdir(parents=True)
    path = tmp_path / "notebooks" / f"{ID}.ipynb"
    monkeypatch.setenv(SESSION, str(path))
    monkeypatch.chdir(path.parent)
    return path


def save(path: Path, *notes: dict[str, Any], data: str = "../data/a") -> None:
    path.write_text(json.dumps(noted(*notes, data=data), ensure_ascii=False), encoding="utf-8")


def texts(company: str) -> dict[str, list[str]]:
    return Store(Path(f"../data/{company}.notes")).read(ID).texts


def test_a_note_is_kept_edited_and_stays_when_it_is_gone_from_the_notebook(lab: Path) -> None:
    save(lab, cell("markdown", "first", "n1"), cell("code", "x = 1", "n2"))
    kept = keep_session(ID, "../data/a")
    assert kept is not None and kept.merged.added == 2 and kept.said == []
    assert texts("a") == {"figure": ["first", "```python\nx = 1\n```"]}
    save(lab, cell("markdown", "first, better", "n1"))
    kept = keep_session(ID, "../data/a")
    assert kept is not None and (kept.merged.added, kept.merged.changed, kept.merged.removed) == (0, 1, 0)
    assert texts("a") == {"figure": ["first, better", "```python\nx = 1\n```"]}, (
        "the notebook may have been checked out afresh"
    )
    save(lab, cell("markdown", "better still", "n1"))
    keep_session(ID, "../data/a")
    assert texts("a")["figure"][0] == "better still"


def test_a_note_taken_out_of_the_store_by_hand_does_not_come_back(lab: Path) -> None:
    save(lab, cell("markdown", "first", "n1"))
    keep_session(ID, "../data/a")
    Path(f"../data/a.notes/{ID}/figure.md").unlink()
    keep_session(ID, "../data/a")
    assert texts("a") == {}


def test_notes_on_one_company_do_not_go_over_to_another_that_is_opened_in_the_same_notebook(lab: Path) -> None:
    save(lab, cell("markdown", "on a", "n1"))
    keep_session(ID, "../data/a")
    save(lab, cell("markdown", "on a", "n1"), cell("markdown", "on b", "n2"), data="../data/b")
    kept = keep_session(ID, "../data/b")
    assert kept is not None and kept.elsewhere == 1
    assert texts("b") == {"figure": ["on b"]} and texts("a") == {"figure": ["on a"]}
    save(lab, cell("markdown", "on b", "n2"))  # the analyst clears away what is not on b
    keep_session(ID, "../data/b")
    kept = keep_session(ID, "../data/a")
    assert texts("a") == {"figure": ["on a"]} and kept is not None and kept.elsewhere == 1


def test_a_copy_that_a_run_made_gives_up_what_is_taken_out_of_it(lab: Path) -> None:
    kept = {"figure": ["stays", "goes"]}
    Store(Path("../data/a.notes")).write(ID, {}, kept)
    made = insert(noted(), kept, shipped_ids(noted()), lambda a, t: True, str)
    made["cells"] = [c for c in made["cells"] if c["source"] != ["goes"]] + [cell("markdown", "new")]
    lab.write_text(json.dumps(made), encoding="utf-8")
    keep_session(ID, "../data/a")
    assert texts("a") == {"figure": ["stays"], "end": ["new"]}


def test_an_edit_of_an_edit_in_a_copy_that_a_run_made_is_one_note(lab: Path) -> None:
    Store(Path("../data/a.notes")).write(ID, {}, {"figure": ["one"]})
    made = insert(noted(), {"figure": ["one"]}, shipped_ids(noted()), lambda a, t: True, str)
    note = next(c for c in made["cells"] if c["source"] == ["one"])
    for said in ("two", "three"):
        note["source"] = said
        lab.write_text(json.dumps(made), encoding="utf-8")
        keep_session(ID, "../data/a")
    assert texts("a") == {"figure": ["three"]}


@pytest.mark.parametrize("what", ["another analysis", "no notebook", "no session", "broken"])
def test_what_is_not_this_sessions_notebook_is_left_alone(
    lab: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    save(lab, cell("markdown", "first", "n1"))
    if what == "no notebook":
        lab.unlink()
    elif what == "no session":
        monkeypatch.delenv(SESSION)
    elif what == "broken":
        lab.write_text("{", encoding="utf-8")
    assert keep_session("01_base_assumptions" if what == "another analysis" else ID, "../data/a") is None
    assert not Path("../data/a.notes").exists()


def test_a_sessions_name_is_a_file_or_nothing(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert session_file() is None
    save(lab)
    assert session_file() == lab
    monkeypatch.setenv(SESSION, f"notebooks/{lab.name}")  # as from the server's root, where it was given no name
    assert session_file() == lab
    monkeypatch.setenv(SESSION, str(lab.parent))
    assert session_file() is None


def test_which_company_a_copy_is_about(lab: Path, tmp_path: Path) -> None:
    assert data_of(lab, noted(data="../data/a")) == str(tmp_path / "data" / "a")
    assert data_of(lab, noted(data="../data/a#region=east")) == str(tmp_path / "data" / "a") + "#region=east"
    assert data_of(lab, noted(data="../data/gone")) is None
    ran = noted(data="../data/a") | {"metadata": {"papermill": {"parameters": {"data": str(tmp_path / "data" / "b")}}}}
    assert data_of(lab, ran) == str(tmp_path / "data" / "b")
    hidden = noted(data="../data/a") | {"metadata": {"papermill": {"parameters": {"data": "DATA"}}}}
    assert data_of(lab, hidden) is None
    for code in ("data = open('x')", "data = (", "other = 1"):
        assert data_of(lab, notebook(cell("code", code, "p", "parameters"))) is None


def test_what_a_notebook_opens_and_its_headings() -> None:
    assert opened_in(noted()) == ID and opened_in(notebook()) == ""
    assert (
        opened_in(
            notebook(
                cell("markdown", 'workbook.open("x")', "m", "t"), cell("code", "workbook.open('y', data)", "c", "t")
            )
        )
        == "y"
    )
    assert list(headings_of(notebook(*shipped()), "zh").items())[:4] == [
        ("top", ""), ("head-en", ""), ("head-zh", "哪一个问题？"), ("params", "哪一个问题？"),
    ]  # fmt: skip
    assert headings_of(notebook(*shipped()), "en")["figure"] == "Which problem?"


def test_what_is_no_notebook_is_none(tmp_path: Path) -> None:
    for content in (b"", b"{}", b"[]", b'{"cells": 3}', b"\xff"):
        (tmp_path / "a.ipynb").write_bytes(content)
        assert read_notebook(tmp_path / "a.ipynb") is None
    assert read_notebook(tmp_path / "b.ipynb") is None
