"""The search for names in a run folder: each way in which a name can be hidden is planted once and found, and nothing else is."""

from __future__ import annotations

import base64
import html
import json
import struct
import urllib.parse
import zipfile
import zlib
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaks import Names, leaks, plain

CHINESE, ENGLISH = "岚榆制造（样例）", "O'Brien & Söhne <Ltd>"
NAMES = (CHINESE, ENGLISH)


def found(folder: Path) -> set[str]:
    return {leak.name for leak in leaks(folder, NAMES)}


def png(*chunks: tuple[bytes, bytes], after: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunk(*c) for c in chunks) + chunk(b"IEND", b"") + after


def hidden(name: str) -> dict[str, bytes]:
    """The same name in every kind of file, as its writers put it there."""
    said, svg = html.escape(name), f'<svg xmlns="x"><!-- {name.replace("--", "")} --><path d="M0"/></svg>'.encode()
    inside = base64.b64encode(svg).decode()
    notebook = {"cells": [{"outputs": [{"data": {"text/html": ["<b>", said[:3], said[3:], "</b>"]}}]}]}
    picture = {
        "cells": [
            {
                "outputs": [
                    {
                        "data": {
                            "image/png": base64.b64encode(png((b"iTXt", b"Title\0\0\0\0\0" + name.encode()))).decode()
                        }
                    }
                ]
            }
        ]
    }
    return {
        "page.html": f"<p title='x'>{said}</p>".encode(),
        "twice.html": html.escape(said).encode(),
        "tags.html": f"<td>{said[:2]}<wbr>{said[2:]}</td>".encode() if "&" not in said[:2] else said.encode(),
        "numbered.html": "".join(f"&#{ord(c)};" for c in name).encode(),
        "inside.html": f'<img src="data:image/svg+xml;base64,{inside}">'.encode(),
        "link.html": f'<a href="x?{urllib.parse.quote(name)}">x</a>'.encode(),
        "uri.html": f'<img src="data:image/svg+xml,{urllib.parse.quote(svg.decode())}">'.encode(),
        "plain.json": json.dumps({"a": [name]}, ensure_ascii=False).encode(),
        "escaped.json": json.dumps({name: 1}).encode(),
        "notebook.ipynb": json.dumps(notebook).encode(),
        "picture.ipynb": json.dumps(picture).encode(),
        "drawn.svg": svg,
        "broken.svg": f"<svg><!-- {name[:4]} --><g/><!-- {name[4:]} --></svg>".encode(),
        "title.png": png((b"tEXt", b"Title\0" + name.encode())),
        "packed.png": png((b"zTXt", b"Title\0\0" + zlib.compress(name.encode()))),
        "long.png": png((b"iTXt", b"Title\0\1\0zh\0\0" + zlib.compress(name.encode()))),
        "tail.png": png(after=name.encode()),
        "title.pdf": b"%PDF-1.7\n/Title <" + (b"\xfe\xff" + name.encode("utf-16-be")).hex().encode() + b">",
        "packed.pdf": b"%PDF-1.7\nstream\n" + zlib.compress(name.encode()) + b"\nendstream",
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("file", sorted(hidden("ab")))
def test_a_name_is_found_in_every_kind_of_file(tmp_path: Path, file: str, name: str) -> None:
    (tmp_path / file).write_bytes(hidden(name)[file])
    assert found(tmp_path) == {name}
    (tmp_path / file).write_bytes(hidden("Account 17")[file])
    assert found(tmp_path) == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_found_in_tables_their_columns_metadata_and_lists(tmp_path: Path, name: str) -> None:
    frames = {
        "cell": pd.DataFrame({"a": [None, name]}),
        "column": pd.DataFrame({name: [1.0]}),
        "category": pd.DataFrame({"a": pd.Categorical([name])}),
        "lists": pd.DataFrame({"a": [["x", name]]}),
        "attributes": pd.DataFrame({"a": [1.0]}),
    }
    frames["attributes"].attrs["company"] = name
    for kind, frame in frames.items():
        frame.to_parquet(tmp_path / f"{kind}.parquet")
    assert {leak.where.split(".")[0] for leak in leaks(tmp_path, NAMES) if leak.name == name} == set(frames)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_found_in_a_workbook_its_sheets_comments_and_properties(tmp_path: Path, name: str) -> None:
    def book(place: str) -> openpyxl.Workbook:
        made = openpyxl.Workbook()
        sheet = made.active
        if place == "cell":
            sheet["A1"] = name
        elif place == "comment":
            sheet["A1"].comment = openpyxl.comments.Comment(name, "x")
        elif place == "properties":
            made.properties.title = name
        elif place == "sheet":
            sheet.title = name
        return made

    places = ("cell", "comment", "properties", "sheet")
    for place in places:
        book(place).save(tmp_path / f"{place}.xlsx")
    book("nothing").save(tmp_path / "nothing.xlsx")
    assert {leak.where.split(".")[0] for leak in leaks(tmp_path, NAMES)} == set(places)


def test_a_name_is_found_in_the_name_of_a_file_and_of_a_member(tmp_path: Path) -> None:
    (tmp_path / CHINESE).mkdir()
    (tmp_path / CHINESE / "a.txt").write_text("nothing")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("deep/Acme Holding.csv", "x")
    named = leaks(tmp_path, [CHINESE, "Acme Holding"])
    assert [(leak.name, leak.where.split(":")[0]) for leak in named] == [
        ("Acme Holding", "b.zip"),
        (CHINESE, f"{CHINESE}/a.txt"),
    ]


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("a.duckdb", b"x", "cannot be looked into"),
        ("a.parquet", b"no parquet", "cannot be read"),
        ("a.xlsx", b"no zip", "cannot be read"),
        ("a.png", b"no picture", "is no PNG"),
        ("a.json", b"{", "is no JSON"),
        ("a.csv", "岚榆制造".encode("gb18030") * 20, "is no UTF-8 text"),
        ("a.html", b'<img src="data:image/png;base64,AAA">', "cannot be decoded"),
        ("a.html", b'<img src="data:image/png;base64,AAAA">', "is no PNG"),
    ],
)
def test_what_cannot_be_looked_into_is_a_finding(tmp_path: Path, file: str, content: bytes, why: str) -> None:
    (tmp_path / file).write_bytes(content)
    (leak,) = leaks(tmp_path, NAMES)
    assert leak.name == "" and why in leak.around


def test_a_name_is_found_as_a_whole_word_in_any_case_and_width() -> None:
    names = Names(["Acme", "A12", "岚榆"])

    def hits(text: str) -> list[str]:
        return [name for name, _ in names.found(text)]

    assert hits("the ACME-report, Ａ１２") == ["Acme", "A12"]
    assert hits("acmeology, A123, BA12, A12_x") == []
    assert hits("在岚榆制造") == ["岚榆"]  # Chinese has no words to end
    assert hits("acme\nacme") == ["Acme"]


def test_names_that_begin_alike_are_all_found() -> None:
    names = Names(["岚榆", "岚榆制造", "榆制", "制造业"])
    assert sorted(n for n, _ in names.found("岚榆制造")) == sorted(["岚榆", "岚榆制造", "榆制"])
    assert [n for n, _ in Names(["Acme", "Acme Holding"]).found("acme  holdings")] == ["Acme"]


WORDS = st.text("ab1 岚榆制造", min_size=2, max_size=5).filter(lambda n: len(plain(n)) > 1)


@given(st.lists(WORDS, min_size=1, max_size=30), st.text("ab1 岚榆制造", max_size=60))
def test_one_expression_for_many_names_finds_what_each_alone_would(names: list[str], text: str) -> None:
    together = {plain(n) for n, _ in Names(names).found(text)}
    assert together == {plain(n) for n in names if any(True for _ in Names([n]).found(text))}


def test_too_short_a_name_is_refused_and_no_names_find_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two characters or more"):
        Names(["a"])
    (tmp_path / "a.txt").write_text("a")
    assert leaks(tmp_path, []) == []
