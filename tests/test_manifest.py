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


def test_manifest_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert Manifest.read(tmp_path) is None
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": 1}))
    assert Manifest.read(tmp_path) is None
