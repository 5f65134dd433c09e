"""Notes as cells of a notebook: which they are, what they stand under, and how kept ones are put in."""

from __future__ import annotations

import copy

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from notebooks_noted import ORDER, cell, notebook, noted, shipped

from kaanalysis.note_cells import TOP, Note, base_of, insert, is_code, mark, notes_in, plain, shipped_ids
from kaanalysis.paths import workbook_file


def put(copy_: dict, texts: dict, *, kept: bool = True) -> dict:
    return insert(copy_, texts, ORDER, lambda anchor, text: kept, lambda anchor: f"no cell {anchor}")


def order_of(made: dict) -> list[str]:
    return [c["id"] for c in made["cells"]]


def test_every_cell_that_the_workbook_ships_has_a_tag_and_an_id() -> None:
    paths = sorted(workbook_file("notebooks").glob("[0_]*.ipynb"))
    assert len(paths) == 7
    for path in paths:
        cells = nbformat.read(path, as_version=4).cells
        assert [c.id for c in cells if not c.metadata.get("tags")] == []
        assert len(shipped_ids(nbformat.read(path, as_version=4))) == len(cells)


def test_a_note_stands_under_the_last_shipped_cell_above_it() -> None:
    made = notebook(
        cell("markdown", "before all", "a"),
        *shipped()[:3],
        cell("code", "# Parameters\ndata = 'x'", "made-up", "injected-parameters"),
        cell("markdown", "  \n", "b"),
        cell("markdown", ["two ", "parts\n"], "c"),
        cell("code", "1 + 1", "d"),
        *shipped()[3:],
        cell("markdown", "without an id"),
    )
    assert notes_in(made) == [
        Note("a", TOP, "before all"),
        Note("c", "params", "two parts"),
        Note("d", "params", "```python\n1 + 1\n```"),
        Note("", "end", "without an id"),
    ]


def test_code_is_kept_as_text_whatever_fences_it_holds() -> None:
    code = "print('''\n````\n''')"
    text = notes_in(noted(cell("code", code, "x")))[0].text
    assert text == f"`````python\n{code}\n`````" and is_code(text)
    assert not is_code("```python\n1\n```\nand why")


def test_a_pasted_picture_becomes_part_of_the_text() -> None:
    pasted = cell("markdown", "![shot](attachment:a.png)", "x")
    pasted["attachments"] = {"a.png": {"image/png": "QUJD\nREVG"}}
    assert notes_in(noted(pasted))[0].text == "![shot](data:image/png;base64,QUJDREVG)"


def test_notes_are_put_under_their_cells_and_others_are_dropped() -> None:
    executed = noted(cell("markdown", "of another company", "old"), cell("code", "mine = 1", "own"))
    made = put(executed, {"figure": ["one", "two"], TOP: ["first of all"], "gone": ["left over"]})
    assert order_of(made) == [
        "note-top-1", "head-en", "head-zh", "params", "open", "figure", "note-figure-1", "note-figure-2", "own", "end", "lost-gone-1", "note-gone-1",
    ]  # fmt: skip
    assert made["cells"][-2]["source"] == "no cell gone"
    assert [n.text for n in notes_in(made)] == ["first of all", "one", "two", "```python\nmine = 1\n```", "left over"]
    assert base_of(made)["note-figure-2"] == ("figure", mark("two")) and base_of(made)["own"] == (
        "figure",
        mark("```python\nmine = 1\n```"),
    )
    nbformat.validate(nbformat.from_dict(made))


def test_own_code_that_ran_is_not_repeated_as_text() -> None:
    made = put(noted(cell("code", "mine = 1", "own")), {"figure": ["```python\nmine = 1\n```", "why"]})
    assert [n.text for n in notes_in(made)] == ["why", "```python\nmine = 1\n```"]


def test_a_cell_of_another_language_is_an_anchor_that_a_run_remembers() -> None:
    """Under the Chinese heading in the notebook, shown under the English one in an English run, and given back under the Chinese one."""
    english = notebook(*(c for c in shipped() if c["id"] != "head-zh"))
    made = put(english, {"head-en": ["under the English"], "head-zh": ["中文标题之下"]})
    assert order_of(made)[:3] == ["head-en", "note-head-en-1", "note-head-zh-1"]
    assert [(n.anchor, n.text) for n in notes_in(made)] == [
        ("head-en", "under the English"),
        ("head-zh", "中文标题之下"),
    ]
    moved = notebook(*made["cells"][:2], *made["cells"][3:5], made["cells"][2], *made["cells"][5:])
    assert notes_in(moved)[1].anchor == "open"


def test_what_the_store_does_not_hold_the_copy_does_not_remember() -> None:
    assert base_of(put(noted(), {"figure": ["a"]}, kept=False)) == {}


def test_an_anchor_of_64_signs_makes_an_id_that_nbformat_takes_and_no_two_alike() -> None:
    long = "x" * 64
    cells = [*shipped(), cell("code", "a = 1", "note-end-1")]
    made = insert(notebook(*cells), {long: ["a"], "x" * 63: ["b"], "end": ["c"]}, ORDER, lambda a, t: True, str)
    assert len(set(order_of(made))) == len(order_of(made)) and max(map(len, order_of(made))) <= 64


texts = st.text(st.characters(codec="utf-8"), max_size=40).map(plain).filter(bool)


@given(st.dictionaries(st.sampled_from([TOP, *ORDER, "gone"]), st.lists(texts, min_size=1, max_size=3)))
def test_put_in_twice_is_put_in_once_and_all_notes_come_back(kept: dict[str, list[str]]) -> None:
    before = noted(cell("markdown", "old", "old"))
    made = put(copy.deepcopy(before), kept)
    assert put(copy.deepcopy(made), kept) == made
    back: dict[str, list[str]] = {}
    for note in notes_in(made):
        back.setdefault(note.anchor, []).append(note.text)
    assert back == kept


@pytest.mark.parametrize(
    "broken",
    [{}, {"cells": 3}, {"cells": [1, {}]}, {"cells": [{"metadata": [], "cell_type": "markdown", "source": "x"}]}],
)
def test_what_is_no_notebook_holds_nothing_to_fall_over(broken: dict) -> None:
    assert all(n.text == "x" for n in notes_in(broken)) and base_of(broken) == {}
