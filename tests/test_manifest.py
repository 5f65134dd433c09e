"""The manifest of a run, and the hash of the code that made it."""

import json
from pathlib import Path

import nbformat

from kaanalysis import manifest
from kaanalysis.manifest import Manifest


def test_code_hash_does_not_see_outputs_of_notebooks(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    nbformat.write(notebook, tmp_path / "a.ipynb")
    before = manifest._source(tmp_path / "a.ipynb")
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="2")]
    nbformat.write(notebook, tmp_path / "a.ipynb")
    assert manifest._source(tmp_path / "a.ipynb") == before


def test_code_hash_does_not_see_an_analysts_notes_but_own_code_and_what_the_workbook_says(tmp_path: Path) -> None:
    text, code = nbformat.v4.new_markdown_cell("# Ours", metadata={"tags": ["lang-en"]}), nbformat.v4.new_code_cell("1")
    note, own = nbformat.v4.new_markdown_cell("a note"), nbformat.v4.new_code_cell("mine = 1")

    def of(*cells: nbformat.NotebookNode) -> bytes:
        nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), tmp_path / "a.ipynb")
        return manifest._source(tmp_path / "a.ipynb")

    assert of(text, note, code) == of(text, code)
    assert len({of(text, code), of(code), of(text, code, own)}) == 3


def test_manifest_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert Manifest.read(tmp_path) is None
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": 1}))
    assert Manifest.read(tmp_path) is None


def test_manifest_of_a_run_from_before_there_were_comparisons_is_read(tmp_path: Path) -> None:
    old = Manifest({}, {}, "demo", {}, {}, {}, ["en"], "kaanalysis", "2026-01-01")
    raw = json.loads(old.to_json())
    assert raw.pop("since") == ""
    (tmp_path / "manifest.json").write_text(json.dumps(raw))
    assert Manifest.read(tmp_path) == old
