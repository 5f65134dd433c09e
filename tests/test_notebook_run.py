"""One notebook: its parameters are the workbook's, or it is refused; its failure is recorded."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from kaanalysis import notebook_run
from kaanalysis.contracts import UnusableData
from kaanalysis.notebook_run import PARAMETERS, check_parameters, execute


def test_the_workbook_s_parameters_are_taken(tmp_path: Path) -> None:
    source = "\n".join(f"{name} = {{}}" for name in PARAMETERS)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "a.ipynb")
    check_parameters(tmp_path / "a.ipynb")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("data = ''\nrun = ''\nlang = ''", "lacks overrides"),
        ("data = ''\nrun = ''\nlang = ''\noverrides = {}\nspeed = 1", "has unknown speed"),
    ],
)
def test_a_notebook_with_other_parameters_is_refused(tmp_path: Path, source: str, said: str) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "a.ipynb")
    with pytest.raises(UnusableData, match=said):
        check_parameters(tmp_path / "a.ipynb")


def test_a_failing_notebook_is_recorded_with_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("raise ValueError('told to')")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "bad.ipynb")
    monkeypatch.setattr(notebook_run, "notebook_path", lambda id: tmp_path / "bad.ipynb")
    step = execute("00_problem_framing", tmp_path / "run", {"lang": "en"})
    assert (step.status, step.error) == ("failed", "ValueError: told to")
    assert (tmp_path / "run/notebooks/00_problem_framing.ipynb").is_file()
