"""The store of notes and its three-way merge: the table of its docstring worked by hand, a round trip, and files that are no notes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.note_cells import Note, mark, plain
from kaanalysis.notes import MOST_BYTES, PART, Store, merge, notes_folder, parse, written

ID = "00_problem_framing"
lines = st.sampled_from(
    [
        PART,
        f"  {PART} ",
        "<!-- \\note -->",
        "<!-- \\\\note -->",
        "---",
        "",
        " ",
        "```",
        "\ufeff",
        "批注 <b>",
        "\x0b",
        "\u2028",
    ]
)
notes = st.lists(st.one_of(st.text(st.characters(codec="utf-8")), st.lists(lines).map("\n".join)), max_size=4)


@given(notes)
def test_what_is_written_is_read_again(texts: list[str]) -> None:
    wanted = [t for t in map(plain, texts) if t]
    assert parse(written(wanted)) == wanted
    assert parse(written(wanted).encode().decode("utf-8")) == wanted


def test_a_file_written_by_hand_is_read_as_it_is_meant() -> None:
    assert parse("\n# One\r\n\r\n---\nstill one\n<!-- note -->\n\n\n<!-- note -->\ntwo\n") == [
        "# One\n\n---\nstill one",
        "two",
    ]
    assert parse(" \n\n") == [] and written([]) == ""
    assert written(["a", "b"]) == "a\n\n<!-- note -->\n\nb\n"


WAS, EDITED, OTHER = "as it was", "edited here", "changed there"
BASE = {"n": ("c", mark(WAS))}


@pytest.mark.parametrize(
    ("copy", "store", "deletes", "after"),
    [
        (WAS, [WAS], True, [WAS]),
        (WAS, [OTHER], True, [OTHER]),
        (WAS, [], True, []),
        (EDITED, [WAS], True, [EDITED]),
        (EDITED, ["x", WAS, "y"], True, ["x", EDITED, "y"]),
        (EDITED, [OTHER], True, [OTHER, EDITED]),
        (EDITED, [], True, [EDITED]),
        (EDITED, [EDITED], True, [EDITED]),
        (None, [WAS], True, []),
        (None, [WAS], False, [WAS]),
        (None, [OTHER], True, [OTHER]),
        (None, [], True, []),
    ],
)
def test_a_note_that_was_known_is_merged_as_the_table_says(
    copy: str | None, store: list[str], deletes: bool, after: list[str]
) -> None:
    found = [Note("n", "c", copy)] if copy is not None else []
    done = merge({"c": store} if store else {}, found, BASE, deletes=deletes)
    assert done.texts == ({"c": after} if after else {})
    again = merge(done.texts, found, BASE, deletes=deletes)  # a run that is read twice
    assert again.texts == done.texts and again.added == again.changed == again.removed == 0


@pytest.mark.parametrize(("store", "after"), [([], ["new"]), ([OTHER], [OTHER, "new"]), (["new"], ["new"])])
def test_a_new_note_is_added_once(store: list[str], after: list[str]) -> None:
    assert merge({"c": store}, [Note("m", "c", "new")], {}, deletes=True).texts == {"c": after}


def test_a_note_moved_under_another_cell_moves_in_the_store_unless_that_has_changed() -> None:
    moved = [Note("n", "d", WAS)]
    assert merge({"c": [WAS, "x"], "d": ["y"]}, moved, BASE, deletes=True).texts == {"c": ["x"], "d": ["y", WAS]}
    assert merge({"c": [OTHER]}, moved, BASE, deletes=True).texts == {"c": [OTHER]}
    both = merge({"c": [OTHER]}, [Note("n", "d", EDITED)], BASE, deletes=True)
    assert both.texts == {"c": [OTHER], "d": [EDITED]}


known = st.lists(st.sampled_from("abc"), max_size=3)


@given(known, known, known, st.booleans())
def test_no_merge_loses_what_the_store_or_an_analyst_alone_has(
    store: list[str], copy: list[str], base: list[str], deletes: bool
) -> None:
    """Whatever was put in before: a text that is new in the copy, or that only the store has, is there afterwards."""
    remembered = {str(i): ("c", mark(t)) for i, t in enumerate(base)}
    done = merge({"c": store}, [Note(str(i), "c", t) for i, t in enumerate(copy)], remembered, deletes=deletes)
    after = done.texts.get("c", [])
    assert {t for i, t in enumerate(copy) if i >= len(base) or base[i] != t} <= set(after)
    assert set(store) - set(base) <= set(after)


def test_each_company_and_group_has_a_store_beside_its_data(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "crm.duckdb").write_bytes(b"")
    mine = str(tmp_path / "mine")
    assert notes_folder(mine) == tmp_path / "mine.notes"
    assert notes_folder(mine + "/") == tmp_path / "mine.notes"
    assert notes_folder(str(tmp_path / "crm.duckdb")) == tmp_path / "crm.notes"
    values = ["", "east", "East", "EAST", "a/b", "a-b", "../../x", "华东", "华/东", "x" * 150]
    found = [notes_folder(f"{mine}#region={v}") for v in values] + [notes_folder(f"{mine}#industry=east")]
    assert len({str(f).casefold() for f in found}) == len(found)
    assert {f.parent for f in found} == {tmp_path / "mine.notes" / "groups"} and all(
        len(f.name.encode()) < 200 for f in found
    )


def test_a_store_gives_back_what_was_written_and_removes_what_is_empty(tmp_path: Path) -> None:
    store = Store(tmp_path / "x.notes")
    assert store.read(ID).texts == {} and not store.folder.exists()
    held, said = store.write(ID, {}, {"top": ["a", "b"], "c1": ["批注"]})
    assert held == store.read(ID).texts == {"top": ["a", "b"], "c1": ["批注"]} and said == []
    by_hand = store.folder / ID / "c1.md"
    by_hand.write_text("\n\n批注\n\n\n", encoding="utf-8")
    store.write(ID, store.read(ID).texts, {"top": [], "c1": ["批注"]})
    assert [p.name for p in (store.folder / ID).iterdir()] == ["c1.md"]
    assert by_hand.read_text(encoding="utf-8") == "\n\n批注\n\n\n", (
        "what has not changed is left as somebody laid it out"
    )


def test_files_that_are_no_notes_are_said_and_left_alone(tmp_path: Path) -> None:
    store, folder = Store(tmp_path / "x.notes"), tmp_path / "x.notes" / ID
    folder.mkdir(parents=True)
    (folder / "c1.md").write_bytes(b"\xff\xfe\xff")
    (folder / "c2.md").write_bytes("批注".encode("gb18030"))
    (folder / "c3.md").write_bytes(b"\xef\xbb\xbfwith a mark")
    (folder / "no cell.md").write_text("x")
    (folder / ".c4.md").write_text("a file half written")
    with (folder / "c5.md").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    (tmp_path / "x.notes" / "06_elsewhere").mkdir()
    shelf = store.read(ID)
    assert shelf.texts == {"c2": ["批注"], "c3": ["with a mark"]} and shelf.closed == {"c1", "c5"}
    said = " ".join(shelf.said)
    assert (
        "c1.md is no text in UTF-8 or GB18030" in said and "c5.md has more than 10 MB" in said and "no cell.md" in said
    )
    assert store.strangers([ID]) == [
        f"{tmp_path / 'x.notes' / '06_elsewhere'} is named after no notebook of this workbook; its notes are not shown."
    ]
    held, said_ = store.write(ID, shelf.texts, {**shelf.copy(), "c1": ["new"]}, shelf.closed)
    assert (
        held == shelf.texts
        and "c1.md was not written" in said_[0]
        and (folder / "c1.md").read_bytes() == b"\xff\xfe\xff"
    )


def test_what_would_be_too_large_to_be_read_again_is_not_written(tmp_path: Path) -> None:
    held, said = Store(tmp_path / "x.notes").write(ID, {}, {"c1": ["x" * MOST_BYTES], "c2": ["small"]})
    assert held == {"c2": ["small"]} and "more than 10 MB" in said[0]


def test_a_store_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.notes").write_text("a file where the folder would be")
    store = Store(tmp_path / "x.notes")
    shelf = store.read(ID)
    assert shelf.texts == {} and "cannot be read" in shelf.said[0]
    held, said = store.write(ID, {}, {"c1": ["a"]})
    assert held == {} and "was not written, so these notes are kept in the notebook alone" in said[0]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_without_the_right_to_write_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    held, said = Store(tmp_path / "x.notes").write(ID, {}, {"c1": ["a"]})
    assert held == {} and "Permission denied" in said[0]
