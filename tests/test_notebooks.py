"""Notebooks: one template, two languages, outputs where outputs belong, and a verdict that cannot change unseen."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.notebook_run import check_parameters

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("0*.ipynb"))
START = ROOT / "notebooks" / "start.ipynb"  # no analysis: it leads to them


def cells(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


def tags(cell: dict[str, Any]) -> list[str]:
    return list(cell["metadata"].get("tags", []))


def shape(path: Path) -> list[str]:
    """Kinds of cells in order; what may repeat, once: the evidence part (two headings and one or more cells) and the exercise (two texts,
    perhaps with a cell to run)."""
    kinds = [f"{c['cell_type']}:{','.join(tags(c))}" for c in cells(path)]
    part = ["markdown:lang-en", "markdown:lang-zh", "code:evidence"]
    exercise = ["markdown:lang-en,exercise", "markdown:lang-zh,exercise"]
    out: list[str] = []
    for kind in kinds:
        if (kind == "code:evidence" and out[-1:] == [kind]) or (kind == "code:exercise" and out[-2:] == exercise):
            continue
        out.append(kind)
        for repeated in (part, exercise):
            if out[-2 * len(repeated) :] == repeated + repeated:
                del out[-len(repeated) :]
    return out


def test_every_analysis_has_its_notebook() -> None:
    assert [p.stem for p in NOTEBOOKS] == list(REGISTRY)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_follows_the_template(path: Path) -> None:
    assert shape(path) == shape(ROOT / "notebooks" / "_template.ipynb")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_is_thin(path: Path) -> None:
    source = "\n".join("".join(c["source"]) for c in cells(path) if c["cell_type"] == "code")
    assert not re.search(r"^\s*(def|class|for|while)\b", source, re.M)
    assert f'workbook.open("{path.stem}"' in source
    check_parameters(path)


def test_every_notebook_is_known() -> None:
    """One that no test knows would be neither followed nor refreshed."""
    assert {p.name for p in (ROOT / "notebooks").glob("*.ipynb")} == {p.name for p in [*NOTEBOOKS, START]} | {
        "_template.ipynb"
    }


def test_the_start_page_leads_to_every_notebook_and_says_nothing_twice() -> None:
    source = "\n".join("".join(c["source"]) for c in cells(START) if c["cell_type"] == "code")
    assert (
        not re.search(r"^\s*(def|class|for|while)\b", source, re.M)
        and "workbook.walk(data=data, run=run, lang=lang)" in source
    )
    prose = "\n".join("".join(c["source"]) for c in cells(START) if c["cell_type"] == "markdown")
    assert not any(id in prose for id in REGISTRY) and "M-" not in prose, "the table says it, from the registry"
    parameters = next(c for c in cells(START) if "parameters" in tags(c))
    first = next(c for c in cells(NOTEBOOKS[0]) if "parameters" in tags(c))
    assert "".join(first["source"]).startswith("".join(parameters["source"])), "the same parameters, word for word"
    walk = next(c for c in cells(START) if "walk" in tags(c))
    said = "".join(walk["outputs"][0]["data"]["text/markdown"])
    assert all(f"({id}.ipynb)" in said for id in REGISTRY)
    linked = re.findall(r"\]\((\.\./[^)]+)\)", prose)
    assert linked and all((START.parent / place).is_file() for place in linked)


@pytest.mark.parametrize("path", [*NOTEBOOKS, START], ids=lambda p: p.stem)
def test_headings_come_in_both_languages_side_by_side(path: Path) -> None:
    prose = [c for c in cells(path) if c["cell_type"] == "markdown"]
    assert len(prose) % 2 == 0
    for english, chinese in zip(prose[::2], prose[1::2], strict=True):
        assert "lang-en" in tags(english) and "lang-zh" in tags(chinese)
        assert re.search(r"[\u4e00-\u9fff]", "".join(chinese["source"])) and not re.search(
            r"[\u4e00-\u9fff]", "".join(english["source"])
        )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_cells_that_should_show_something_hold_an_output(path: Path) -> None:
    """A cleared notebook passes nbval without comparing anything."""
    for cell in cells(path):
        if cell["cell_type"] == "code" and set(tags(cell)) & {"nbval-check-output", "evidence", "save"}:
            assert cell["outputs"], "".join(cell["source"])
            assert not any(o["output_type"] == "error" for o in cell["outputs"])
        if "evidence" in tags(cell) and "book.show" in "".join(cell["source"]):
            kinds = {k for o in cell["outputs"] for k in o.get("data", {})}
            assert kinds & {"image/png", "text/html"}, "".join(cell["source"])


@pytest.mark.parametrize("path", [*NOTEBOOKS, START], ids=lambda p: p.stem)
def test_kept_outputs_name_no_path_of_a_machine(path: Path) -> None:
    assert not re.search(r"/(work|home|root|tmp|Users)/", path.read_text(encoding="utf-8"))


def nbval(path: Path, run: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--nbval-lax", "--rootdir", str(path.parent), str(path)],
        capture_output=True, text=True, check=False, cwd=path.parent, env={**os.environ, "KAANALYSIS_RUN": str(run)},
    )  # fmt: skip


@pytest.mark.parametrize(("overrides", "passes"), [("{}", True), ('{"lifecycle.minimum_difference": 20}', False)])
def test_a_verdict_moved_past_its_flip_makes_nbval_fail(tmp_path: Path, overrides: str, passes: bool) -> None:
    """The same notebook with one policy value beyond its flip: M-1.2 becomes another verdict, and the kept output no longer fits. Cells that
    draw are left out: the verdict is compared, and the whole notebook runs as one of the suite's own."""
    notebook = json.loads((ROOT / "notebooks" / "01_base_assumptions.ipynb").read_text(encoding="utf-8"))
    notebook["cells"] = [c for c in notebook["cells"] if "evidence" not in tags(c) or "nbval-check-output" in tags(c)]
    for cell in notebook["cells"]:
        if "parameters" in tags(cell):
            source = "".join(cell["source"]).replace('"../data/demo"', repr(str(ROOT / "data" / "demo")))
            cell["source"] = source.replace("overrides: dict = {}", f"overrides: dict = {overrides}")
        if "book.save" in "".join(cell["source"]):
            cell["source"] = ""
    (tmp_path / "01_base_assumptions.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    done = nbval(tmp_path / "01_base_assumptions.ipynb", tmp_path / "run")
    assert (done.returncode == 0) is passes, done.stdout[-3000:]
    if not passes:
        assert "book.verdict()" in done.stdout
