"""Forked kernels: one process each, with the environment asked for; gone when whoever asked is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import papermill
import psutil
import pytest

from kaanalysis.kernel_server import KERNELS, KernelServer, kernel_manager

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kernels are forked; this system has no fork")


@pytest.fixture(scope="module")
def server() -> Iterator[KernelServer]:
    with KernelServer() as started:
        yield started


def run(folder: Path, source: str, name: str = "a") -> str:
    """What a notebook of one cell prints in a forked kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / f"{name}.ipynb")
    papermill.execute_notebook(
        folder / f"{name}.ipynb", folder / f"{name}.out.ipynb", kernel_name="python3", progress_bar=False, cwd=str(folder),
        extra_arguments=["--log-level=CRITICAL"], **kernel_manager(),
    )  # fmt: skip
    return nbformat.read(folder / f"{name}.out.ipynb", 4).cells[0].outputs[0]["text"].strip()


def test_each_notebook_has_a_process_of_its_own_forked_from_the_server(
    server: KernelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASKED_FOR", "yes")
    told = "import os, sys; print(os.getpid(), os.getppid(), os.environ['ASKED_FOR'], os.getcwd(), 'kaanalysis.workbook' in sys.modules)"
    first, second = run(tmp_path, told, "a").split(), run(tmp_path, told, "b").split()
    assert server._server is not None
    assert first[0] != second[0] and first[1] == second[1] == str(server._server.pid)
    assert first[2:] == ["yes", str(tmp_path), "True"]
    assert psutil.Process(server._server.pid).children() == []


def test_what_one_notebook_does_to_its_modules_another_does_not_see(server: KernelServer, tmp_path: Path) -> None:
    run(tmp_path, "import kaanalysis.workbook as w; w.SPOILT = 1; print('done')", "a")
    assert run(tmp_path, "import kaanalysis.workbook as w; print(hasattr(w, 'SPOILT'))", "b") == "False"


def test_a_wide_table_is_shown_whole_as_in_a_kernel_started_the_usual_way(server: KernelServer, tmp_path: Path) -> None:
    wide = "import pandas as pd; print(pd.get_option('display.max_columns'), '...' in pd.DataFrame([['x' * 30] * 12])._repr_html_())"
    assert run(tmp_path, wide) == "20 False"


def test_a_failing_cell_and_a_dead_kernel_are_told(server: KernelServer, tmp_path: Path) -> None:
    with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError"):
        run(tmp_path, "1 / 0")
    with pytest.raises(Exception, match=r"(?i)kernel died|DeadKernel"):
        run(tmp_path, "import os; os._exit(7)", "b")
    assert run(tmp_path, "print('still serving')", "c") == "still serving"


STARTER = """
import papermill, sys
from kaanalysis.kernel_server import KernelServer, kernel_manager
with KernelServer():
    papermill.execute_notebook(sys.argv[1], sys.argv[1] + ".out", kernel_name="python3", progress_bar=False, **kernel_manager())
"""


@pytest.mark.parametrize("with_server", [False, True], ids=["of the run", "of the run and its server"])
def test_kill_9_of_the_run_ends_server_and_kernels(tmp_path: Path, with_server: bool) -> None:
    cell = f"import os, pathlib, time\npathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\ntime.sleep(120)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "a.ipynb")
    environment = {k: v for k, v in os.environ.items() if k != KERNELS}
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "a.ipynb")], env=environment, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 100
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < until and starter.poll() is None
        time.sleep(0.1)
    children = psutil.Process(starter.pid).children(recursive=True)
    assert int((tmp_path / "pid").read_text()) in [c.pid for c in children]
    # With the group, as a terminal or a supervisor kills it, the server has no moment left to end its kernels, which are in groups of their own.
    (os.killpg if with_server else os.kill)(starter.pid, signal.SIGKILL)
    starter.wait()
    gone, alive = psutil.wait_procs(children, timeout=30)
    assert alive == [] and len(gone) >= 2


def test_without_a_server_kernels_start_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KERNELS, raising=False)
    assert kernel_manager() == {}
