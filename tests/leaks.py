"""Does a folder hold any of given names? For runs that are to leave the house under pseudonyms.

Every file is looked into layer by layer: text with its escapes undone (HTML, XML, JSON, percent), data URIs and notebook outputs decoded, tables by
cell, workbooks and other archives by member, metadata of pictures and PDFs, file names. Nothing is passed over in silence: a file that
cannot be looked into is itself a finding.

What it does not see is text that is only drawn, as pixels of a PNG or as glyphs of a PDF's page. Figures are safe through their SVG, whose glyphs are
outlines too but carry each line of text as a comment; those are read.
"""

from __future__ import annotations

import base64
import binascii
import html
import io
import json
import re
import struct
import unicodedata
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TEXT = {
    ".html",
    ".htm",
    ".svg",
    ".xml",
    ".json",
    ".ipynb",
    ".toml",
    ".csv",
    ".tsv",
    ".txt",
    ".md",
    ".css",
    ".js",
    ".log",
    ".rels",
    ".vml",
    ".yaml",
    "",
}
ARCHIVES = {".xlsx", ".zip", ".docx", ".pptx"}
PICTURES = {".png"}
BINARY = {".jpg", ".jpeg", ".gif", ".woff", ".woff2", ".otf", ".ttf", ".ico"}  # searched as bytes
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w=.\"'-]+)*?)(;base64)?,([A-Za-z0-9+/=_%\s.~!*'()-]*)")
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_COMMENT = re.compile(r"<!--(.*?)-->", re.S)
_TAG = re.compile(r"<[^<>]*>")
_SUFFIX = {
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "application/json": ".json",
    "text/html": ".html",
    "text/css": ".css",
}


@dataclass(frozen=True)
class Leak:
    """A name found, or "" for what could not be looked into. where: file and the place in it; around: the text there."""

    name: str
    where: str
    around: str


def plain(text: str) -> str:
    """As names are compared: compatible forms alike, no case, runs of blanks one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class Names:
    """Names to look for. A name that begins or ends with an ASCII letter or digit is only found where a word does; one of a single
    character would be everywhere and is refused."""

    def __init__(self, names: Iterable[str]) -> None:
        self.original = {plain(n): n for n in names if plain(n)}
        short = [n for n in self.original if len(n) < 2]
        if short:
            raise ValueError(f"names must have two characters or more; not {', '.join(map(repr, short))}")
        self._pattern = re.compile(_trie(self.original)) if self.original else None

    def found(self, text: str) -> Iterator[tuple[str, str]]:
        """(name, what stands around it), each name once. Of names that begin alike the longest and all shorter ones that fit."""
        seen: set[str] = set()
        text = plain(text)
        at = 0
        while self._pattern and (hit := self._pattern.search(text, at)):
            at = hit.start() + 1
            for end in range(hit.end(), hit.start() + 1, -1):
                name = text[hit.start() : end]
                if name in self.original and name not in seen and _whole(text, hit.start(), end):
                    seen.add(name)
                    yield self.original[name], text[max(0, hit.start() - 40) : end + 40]


def _whole(text: str, start: int, end: int) -> bool:
    """Whether a name stands by itself: no ASCII word goes on at either end."""

    def word(c: str) -> bool:
        return c.isascii() and (c.isalnum() or c == "_")

    before, after = text[start - 1 : start], text[end : end + 1]
    return not (before and word(before) and word(text[start])) and not (after and word(after) and word(text[end - 1]))


def _trie(names: Iterable[str]) -> str:
    """One expression for very many names, sharing their beginnings: its cost hardly grows with their number."""
    root: dict[str, Any] = {}
    for name in names:
        node = root
        for c in name:
            node = node.setdefault(c, {})
        node["end"] = True

    def expression(node: dict[str, Any]) -> str:
        ways = [re.escape(c) + expression(child) for c, child in sorted(node.items(), key=str) if c != "end"]
        if not ways:
            return ""
        inner = ways[0] if len(ways) == 1 else "(?:" + "|".join(ways) + ")"
        return f"(?:{inner})?" if "end" in node else inner

    return expression(root)


def leaks(folder: Path, names: Iterable[str]) -> list[Leak]:
    """Every place in a folder (or a file) that holds one of `names`, and every file that cannot be looked into, in order of the files."""
    wanted, out = Names(names), list[Leak]()
    files = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else [folder]
    for path in files:
        where = path.relative_to(folder).as_posix() if folder.is_dir() else path.name
        layers = [("file name", where), *_layers(path.suffix.lower(), path.read_bytes())]
        found: set[tuple[str, str]] = set()
        for place, text in layers:
            if place.startswith("!"):
                out.append(Leak("", where, place[1:]))
                continue
            for name, around in wanted.found(text):
                if (name, place) not in found:
                    found.add((name, place))
                    out.append(Leak(name, f"{where}: {place}", around))
    return out


def _layers(suffix: str, content: bytes) -> Iterator[tuple[str, str]]:
    """(place, text) of everything that a file says; a place that begins with ! says why it cannot be looked into."""
    try:
        if suffix in TEXT:
            yield from _text(suffix, content)
        elif suffix == ".parquet":
            yield from _parquet(content)
        elif suffix in ARCHIVES:
            yield from _archive(content)
        elif suffix in PICTURES:
            yield from _png(content)
        elif suffix == ".pdf":
            yield from _pdf(content)
        elif suffix in BINARY:
            yield "bytes", content.decode("utf-8", "ignore")
        else:
            yield f"!files of the kind {suffix!r} cannot be looked into", ""
    except (zipfile.BadZipFile, pa.ArrowException, struct.error, zlib.error, UnicodeError, OSError) as error:
        yield f"!cannot be read: {error}", ""


def _text(suffix: str, content: bytes) -> Iterator[tuple[str, str]]:
    text = content.decode("utf-8-sig", "replace")
    if text.count("�") > len(text) / 100:
        yield "!is no UTF-8 text", ""
        return
    inner = []

    def take(match: re.Match[str]) -> str:
        inner.append((match[1] or "text/plain", bool(match[3]), match[4]))
        return f"data:{match[1] or ''},"

    text = _DATA_URI.sub(take, text)
    yield "text", text
    if suffix in (".json", ".ipynb"):
        yield from _json(text)
    yield "text, escapes undone", undone(text)
    if "<" in text:
        comments = [c.strip() for c in _COMMENT.findall(html.unescape(text))]
        yield "comments", "\n".join(comments)
        yield "comments, lines joined", "".join(comments)  # a drawn name broken over lines
        yield "text without tags", html.unescape(_TAG.sub("", text))
    for kind, encoded, body in inner:
        yield from _data(kind, body, encoded)


def undone(text: str) -> str:
    """Text without the escapes of HTML (twice: a page within a page), JSON and addresses."""
    text = _UNICODE.sub(lambda m: chr(int(m[1], 16)), html.unescape(text))
    return urllib.parse.unquote(html.unescape(text))


def _data(kind: str, body: str, encoded: bool) -> Iterator[tuple[str, str]]:
    body = urllib.parse.unquote(body)
    try:
        content = base64.b64decode("".join(body.split()), validate=True) if encoded else body.encode()
    except (binascii.Error, ValueError):
        yield f"!a data URI of {kind} cannot be decoded", ""
        return
    suffix = _SUFFIX.get(kind, "" if kind.startswith("text/") else "." + kind.rpartition("/")[2])
    for place, text in _layers(suffix, content):
        yield (f"!{kind} within: {place[1:]}" if place.startswith("!") else f"{kind} within: {place}"), text


def _json(text: str) -> Iterator[tuple[str, str]]:
    """Every key and text of a document; pictures in a notebook's outputs decoded."""
    try:
        document = json.loads(text)
    except ValueError:
        yield "!is no JSON", ""
        return

    def walk(node: Any, kind: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, dict):
            for key, value in node.items():
                yield "key", key
                yield from walk(value, key)
        elif isinstance(node, list):
            if node and all(isinstance(v, str) for v in node):
                yield from walk("".join(node), kind)  # a notebook keeps a text as a list of its lines
            else:
                for value in node:
                    yield from walk(value, kind)
        elif isinstance(node, str):
            if kind in _SUFFIX:
                yield from _data(kind, node, kind == "image/png")
            else:
                yield "value", html.unescape(node)

    yield from walk(document, "")


def _parquet(content: bytes) -> Iterator[tuple[str, str]]:
    table = pq.read_table(io.BytesIO(content))
    yield "column names", "\n".join(table.column_names)
    for key, value in (table.schema.metadata or {}).items():
        yield "metadata", undone(f"{key.decode('utf-8', 'replace')}\n{value.decode('utf-8', 'replace')}")
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_temporal(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type):
            continue
        values = column.to_pylist()
        yield f"column {name}", "\n".join(dict.fromkeys(str(v) for v in values if v is not None))


def _archive(content: bytes) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield "comment", archive.comment.decode("utf-8", "replace")
        for member in archive.infolist():
            yield f"member {member.filename}", member.filename
            suffix = Path(member.filename).suffix.lower()
            for place, text in _layers(suffix, archive.read(member)):
                yield (
                    (f"!{member.filename}: {place[1:]}" if place.startswith("!") else f"{member.filename}: {place}"),
                    text,
                )


def _png(content: bytes) -> Iterator[tuple[str, str]]:
    """Textual chunks of a PNG (Specification, third edition, 11.3.3) and any other that is no picture; its pixels are not read."""
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        yield "!is no PNG", ""
        return
    at = 8
    while at + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        body, at = content[at + 8 : at + 8 + length], at + 12 + length
        if kind == b"IEND":
            break
        if kind == b"zTXt":
            key, _, rest = body.partition(b"\0")
            body = key + b"\n" + zlib.decompress(rest[1:])
        elif kind == b"iTXt":
            key, _, rest = body.partition(b"\0")
            language, _, rest_ = rest[2:].partition(b"\0")
            translated, _, said = rest_.partition(b"\0")
            body = b"\n".join((key, language, translated, zlib.decompress(said) if rest[:1] == b"\1" else said))
        if kind not in (b"IDAT", b"IHDR", b"PLTE"):
            encoding = "latin-1" if kind in (b"tEXt", b"zTXt") else "utf-8"
            yield f"chunk {kind.decode('ascii', 'replace')}", body.decode(encoding, "replace")
            if encoding == "latin-1":  # writers put UTF-8 there all the same
                yield f"chunk {kind.decode('ascii', 'replace')}", body.decode("utf-8", "replace")
    if at != len(content):
        yield "after the picture", content[at:].decode("utf-8", "replace")


def _pdf(content: bytes) -> Iterator[tuple[str, str]]:
    """Titles, outlines, links and other texts of a PDF, in its plain and compressed parts; the glyphs of its pages are not read."""
    parts = [content]
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", content, re.S):
        try:
            parts.append(zlib.decompress(match[1]))
        except zlib.error:
            continue
    for part in parts:
        yield "bytes", part.decode("utf-8", "ignore")
        for found in re.findall(rb"\(((?:\\.|[^\\()])*)\)", part):
            body = re.sub(rb"\\([()\\])", rb"\1", found)
            body = re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8) & 255]), body)
            yield "text", body[2:].decode("utf-16-be", "ignore") if body[:2] == b"\xfe\xff" else body.decode("latin-1")
        for found in re.findall(rb"<((?:[0-9A-Fa-f]{2})+)>", part):
            body = bytes.fromhex(found.decode())
            if body[:2] == b"\xfe\xff":
                yield "text", body[2:].decode("utf-16-be", "ignore")
