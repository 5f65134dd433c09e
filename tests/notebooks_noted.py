"""Small notebooks with an analyst's notes, as JSON, for tests."""

from __future__ import annotations

from typing import Any

ORDER = ["head-en", "head-zh", "params", "open", "figure", "end"]


def cell(kind: str, source: str, id: str = "", *tags: str, **metadata: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "cell_type": kind,
        "metadata": {**({"tags": list(tags)} if tags else {}), **metadata},
        "source": source,
    }
    if id:
        made["id"] = id
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def shipped(id: str = "00_problem_framing", data: str = "../data/demo") -> list[dict[str, Any]]:
    """The cells of a notebook as the workbook ships them."""
    return [
        cell("markdown", "# Which problem?", "head-en", "lang-en"),
        cell("markdown", "# 哪一个问题？", "head-zh", "lang-zh"),
        cell("code", f"data: str = {data!r}\nrun = ''\nlang = 'en'\noverrides = {{}}", "params", "parameters"),
        cell(
            "code",
            f'book = workbook.open("{id}", data=data, run=run, lang=lang, overrides=overrides)',
            "open",
            "nbval-check-output",
        ),
        cell("code", 'book.show("growth_bridge")', "figure", "evidence"),
        cell("code", "book.save()", "end", "save"),
    ]


def notebook(*cells: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


def noted(*notes: dict[str, Any], under: str = "figure", **given: Any) -> dict[str, Any]:
    """A shipped notebook with cells of an analyst under one of its own."""
    out = []
    for c in shipped(**given):
        out += [c, *(notes if c["id"] == under else ())]
    return notebook(*out)
