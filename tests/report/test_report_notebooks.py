"""Executed notebooks as pages: foreign text harmless, a failure in its place, kept while the notebook is not newer."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from kaanalysis.manifest import Manifest, Step
from kaanalysis.report.notebooks import convert_notebooks

ID = "00_problem_framing"


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def manifest(language: str) -> Manifest:
    company = {"name": "A <b>& B</b>", "currency": "CNY", "as_of": "2026-06-30", "language": "zh", "ka_launch": ""}
    return Manifest(
        {}, company, "x", {}, {}, {}, [language], "", "", steps=[Step(ID, "failed", error="ValueError: told to")]
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    v4 = nbformat.v4
    said = v4.new_output("stream", name="stdout", text="Smith <script>alert(1)</script> & Co\n")
    picture = v4.new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": 'a claim "quoted" <b>'})
    table = v4.new_output(
        "execute_result",
        {
            "text/html": "<style scoped>.x { color: red }</style><table onclick='x()'><tr><td>7</td></tr></table><script>y()</script>"
        },
    )
    error = v4.new_output("error", ename="ValueError", evalue="told <to>", traceback=["\x1b[0;31mline 1\x1b[0m"])
    cells = [
        v4.new_markdown_cell("# A question\n\n<img src='http://example.invalid/x.png' onerror='x()'>"),
        v4.new_code_cell("print('<code>')", outputs=[said, picture]),
        v4.new_code_cell("2", outputs=[table]),
        v4.new_code_cell("3", outputs=[error]),
    ]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "notebooks" / f"{ID}.ipynb")
    return tmp_path


def test_what_a_notebook_shows_is_escaped_and_runs_nothing(run: Path) -> None:
    (path,) = convert_notebooks(run, manifest("en"))
    text = path.read_text(encoding="utf-8")
    assert "Smith &lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in text and "A &lt;b&gt;&amp; B&lt;/b&gt;" in text
    assert ".x { color" not in text and "y()" not in text
    tags = Tags(text)
    assert not {"script", "iframe", "object"} & {tag for tag, _ in tags.found}
    given = [(name, value or "") for _, attributes in tags.found for name, value in attributes]
    assert not [name for name, _ in given if name.startswith("on")]
    assert all(value.startswith("data:") for name, value in given if name == "src")
    assert [tag for tag, _ in tags.found if tag in ("h1", "td")] == ["h1", "td"]
    assert ("alt", 'a claim "quoted" <b>') in given
    assert "&lt;code&gt;" in text and text.count("<details") == 3


def test_a_notebook_that_stopped_shows_where(run: Path) -> None:
    text = convert_notebooks(run, manifest("zh"))[0].read_text(encoding="utf-8")
    assert "笔记本在此停止" in text and "ValueError: told &lt;to&gt;" in text and 'lang="zh-Hans"' in text


def test_a_page_is_made_again_only_where_its_notebook_is_newer(run: Path) -> None:
    assert len(convert_notebooks(run, manifest("en"))) == 1 and convert_notebooks(run, manifest("en")) == []
    source = run / "notebooks" / f"{ID}.ipynb"
    later = (run / "notebooks" / f"{ID}.html").stat().st_mtime_ns + 10**9
    os.utime(source, ns=(later, later))
    assert len(convert_notebooks(run, manifest("en"))) == 1
