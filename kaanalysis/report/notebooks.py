"""Executed notebooks as pages beside them, for readers without Jupyter: code folded, pictures with their claim, nothing loaded."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.manifest import Manifest
from kaanalysis.paths import PACKAGE
from kaanalysis.report.note_html import rendered
from kaanalysis.report.typesetting import FONTS, environment, tag, typeset
from kaanalysis.runfolder import write_text
from kaanalysis.text import words

# What a notebook may show: text, lists, tables, pictures that it carries.
_TAGS = frozenset({
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "img", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr", "ul",
})  # fmt: skip
_NOT_SHOWN = re.compile(
    r"<(style|script)\b.*?</\1\s*>", re.S | re.I
)  # with what is in them, which a list of tags alone would leave as text
_ATTRIBUTES = frozenset({"alt", "class", "colspan", "id", "lang", "rowspan", "scope", "title"})


def convert_notebooks(run: Path, manifest: Manifest) -> list[Path]:
    """``notebooks/<id>.html`` for every executed notebook of the run, those that stopped too; what is newer than its notebook and the
    templates is kept.

    In the language of the notebooks, the first of the run's. Returns the pages written."""
    language, written = (manifest.languages or ["en"])[0], []
    templates = max(p.stat().st_mtime_ns for p in (PACKAGE / "templates").rglob("*"))
    for step in manifest.steps:
        source = run / "notebooks" / f"{step.id}.ipynb"
        target = source.with_suffix(".html")
        newest = max(source.stat().st_mtime_ns, templates) if source.is_file() else 0
        if newest and not (target.is_file() and target.stat().st_mtime_ns >= newest):
            try:
                write_text(target, page_of(source, step.id, language, manifest))
            except (
                Exception
            ) as error:  # the report is worth more than this page of it, and links to the notebook itself
                warnings.warn(f"{source.name} could not be made a page: {type(error).__name__}: {error}", stacklevel=2)
            else:
                written.append(target)
    return written


def page_of(source: Path, id: str, language: str, manifest: Manifest) -> str:
    """One executed notebook as a page in the report's style."""
    import nbformat

    w = words(language)
    notebook = nbformat.read(source, as_version=4)
    title = w(f"analyses.{REGISTRY[id].name}.title")
    page = environment().get_template("notebook.html").render(
        t=w, language=language, title=title, company=manifest.company["name"], report=f"../report.{language}.html#{id}",
        body=_body(notebook, tag(language), {
            "code": w("report.page.code"), "failed": w("report.page.failed"),
            "note": w("report.notes.title"), "whose": w("report.notes.whose"),
        }), fonts=FONTS,
    )  # fmt: skip
    return typeset(page, language)


def clean(text: str) -> str:
    """HTML of a notebook with what only shows something: no scripts, no handlers, nothing that would be loaded."""
    import bleach

    return str(
        bleach.clean(
            _NOT_SHOWN.sub("", text),
            tags=_TAGS,
            attributes=_may_stay,
            protocols=["http", "https", "mailto", "data"],
            strip=True,
        )
    )


def _may_stay(tag: str, name: str, value: str) -> bool:
    if tag == "img" and name == "src":
        return value.startswith("data:image/")
    return name in _ATTRIBUTES or (tag == "a" and name == "href" and not value.startswith("data:"))


def _body(notebook: Any, language: str, said: dict[str, str]) -> str:
    """The cells by nbconvert, with the workbook's own template: no scripts, no fonts or formulas from a network."""
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(
        template_name="kaanalysis", extra_template_basedirs=[str(PACKAGE / "templates" / "nbconvert")], language_code=language,
        mathjax_url="", require_js_url="", mermaid_js_url="", jquery_url="", sanitize_html=True, anchor_link_text="",
        exclude_input_prompt=True, exclude_output_prompt=True, exclude_anchor_links=True,
    )  # fmt: skip
    exporter.register_filter("shown", clean)
    exporter.register_filter("note", rendered)
    body, _ = exporter.from_notebook_node(notebook, resources=said)
    return str(body)
