"""XES event logs (IEEE 1849, plain or gzip) as one columnar table, read in one pass, block by block.

Two readers give the same table. The plain one gives every element to expat. The quick one (:mod:`kaanalysis.xes_bytes`)
reads whole traces out of the bytes; it is used per block, and only where the block is written in the one form that
practically every tool writes (``<string key="…" value="…"/>``, nothing nested). A block in any other form, or one that
does not add up, goes to expat, which reads it or says where it is broken.
"""

from __future__ import annotations

import gzip
import xml.parsers.expat as expat
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from kaanalysis.contracts import UnusableData
from kaanalysis.xes_bytes import read_block

BLOCK = 4 << 20  # bytes
CHUNK = 200_000  # values of a column that wait as Python objects before they are packed
CASE, TIME = "case:concept:name", "time:timestamp"
EVENT_KEYS = ("concept:name", TIME, "org:role", "org:resource", "id")
_TRACE, _TRACE_END = b"<trace>", b"</trace>"


@dataclass(frozen=True)
class EventLog:
    """table: one row per event in the order of the file, a column per key asked for (text; ``time:timestamp`` in UTC
    without a zone, microseconds). untimed: 1-based numbers of the events without a readable time, and what stood there
    (None: nothing). cases: traces in the log, also those without an event."""

    table: pa.Table
    untimed: tuple[tuple[int, str | None], ...]
    cases: int


def read_xes(path: Path, keys: Sequence[str] = (CASE, *EVENT_KEYS), *, quick: bool = True) -> EventLog:
    """Read a log; ``case:`` before a key asks for an attribute of the trace, any other key for one of the event.

    A key that the log never uses becomes a column of nulls. quick=False uses expat for everything (for comparison).
    Raises UnusableData naming file, line and column if the file cannot be read as XML, holds no log, or breaks off."""
    reader = _Reader(path, tuple(dict.fromkeys(keys)))
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as stream:
            for block, aligned in _blocks(stream):
                if not (quick and aligned and reader.quick(block)):
                    reader.feed(block)
                reader.pack(CHUNK)
            reader.feed(b"", True)
    except (OSError, EOFError, zlib.error) as error:
        raise UnusableData(f"{path.name} cannot be read: {error}.") from None
    if not reader.log_seen:
        raise UnusableData(f"{path.name} is not an event log: it has no <log> element.")
    reader.pack(0)
    table = pa.table({key: pa.chunked_array(chunks) for key, chunks in reader.chunks.items()})
    return _with_times(table, reader.cases)


def _blocks(stream: gzip.GzipFile | BufferedReader) -> Iterator[tuple[bytes, bool]]:
    """The bytes of a stream, cut so that whole traces lie together where possible; the flag says that a block is
    nothing but whole traces."""
    rest, inside = b"", False
    while read := stream.read(BLOCK):
        rest += read
        if not inside:
            start = rest.find(_TRACE)
            if start < 0:
                continue
            yield rest[:start], False
            rest, inside = rest[start:], True
        end = rest.rfind(_TRACE_END) + len(_TRACE_END)
        if end >= len(_TRACE_END):
            yield rest[:end], True
            rest = rest[end:]
        elif len(rest) > 16 * BLOCK:  # one trace as large as this, or a file in another form
            yield rest, False
            rest = b""
    yield rest, False


def _text(values: list[Any]) -> pa.Array:
    """Strings and UTF-8 bytes, mixed, as Arrow text."""
    return pa.array(values, pa.binary()).cast(pa.string())


def _with_times(table: pa.Table, cases: int) -> EventLog:
    if TIME not in table.column_names:
        return EventLog(table, (), cases)
    with duckdb.connect() as engine:
        numbers = pa.array(range(1, table.num_rows + 1), pa.int64())
        engine.register("log", pa.table({"n": numbers, "said": table.column(TIME)}))
        # A cast to TIMESTAMP would drop the offset; a time without an offset counts as UTC.
        moment = "make_timestamp(epoch_us(TRY_CAST(said AS TIMESTAMPTZ)))"
        engine.execute(f"CREATE TABLE timed AS SELECT n, said, {moment} AS moment FROM log")
        times = engine.sql("SELECT moment FROM timed ORDER BY n").to_arrow_table().column(0)
        untimed = engine.sql("SELECT n, said FROM timed WHERE moment IS NULL ORDER BY n").fetchall()
    at = table.column_names.index(TIME)
    return EventLog(table.set_column(at, TIME, times), tuple(untimed), cases)


class _Reader:
    """Collects the wanted values of a log, whichever of the two ways a block is read."""

    def __init__(self, path: Path, keys: tuple[str, ...]) -> None:
        self.path = path
        self.chunks: dict[str, list[pa.Array]] = {key: [] for key in keys}
        self.columns: dict[str, list[Any]] = {key: [] for key in keys}  # read by expat, not packed yet
        columns = self.columns
        self.of_case = {key.removeprefix("case:"): values for key, values in columns.items() if key.startswith("case:")}
        self.of_event = {key: values for key, values in columns.items() if not key.startswith("case:")}
        self.cases, self.events, self.log_seen, self.utf8 = 0, 0, False, True
        self.case_values: dict[str, Any] = {}
        self.event_values: dict[str, Any] = {}
        self.first_event = 0  # first event of the open trace: case attributes may follow the events
        self.path_open: list[str] = []
        self.lines_skipped = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.ordered_attributes = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.XmlDeclHandler = self._declared

    # -- expat ---------------------------------------------------------------------------------------------------------
    def feed(self, block: bytes, last: bool = False) -> None:
        try:
            self.parser.Parse(block, last)
        except expat.ExpatError as error:
            where = f"line {error.lineno + self.lines_skipped}, column {error.offset + 1}, after event {self.events}"
            reason = expat.ErrorString(error.code)
            raise UnusableData(f"{self.path.name} is broken XML at {where}: {reason}.") from None

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.utf8 = (encoding or "utf-8").lower() in ("utf-8", "utf8", "us-ascii", "ascii")

    def _start(self, tag: str, attributes: list[str]) -> None:
        tag = tag.rpartition(" ")[2]
        opened = self.path_open
        if tag == "trace" and len(opened) == 1:
            self.cases, self.case_values, self.first_event = self.cases + 1, {}, self.events
        elif tag == "event" and len(opened) == 2:
            self.event_values = {}
        elif tag == "log" and not opened:
            self.log_seen = True
        elif opened[-1:] == ["event"] or opened[-1:] == ["trace"]:
            found = dict(zip(attributes[::2], attributes[1::2], strict=True))
            if "key" in found and "value" in found:
                values = self.event_values if opened[-1] == "event" else self.case_values
                values.setdefault(found["key"], found["value"].encode())
        opened.append(tag)

    def _end(self, _tag: str) -> None:
        tag = self.path_open.pop()
        if tag == "event" and len(self.path_open) == 2:
            self.events += 1
            for key, values in self.of_event.items():
                values.append(self.event_values.get(key))
        elif tag == "trace" and len(self.path_open) == 1:
            for key, values in self.of_case.items():
                values.extend([self.case_values.get(key)] * (self.events - self.first_event))

    # -- bytes ---------------------------------------------------------------------------------------------------------
    def quick(self, block: bytes) -> bool:
        """Read whole traces from bytes; False (and nothing taken) if the block is not in the plain form."""
        if not (self.utf8 and self.path_open == ["log"]):
            return False
        read = read_block(block, tuple(self.of_event), tuple(self.of_case))
        if read is None:
            return False
        self.pack(0)  # what expat read before comes before
        for key, values in read.columns.items():
            self.chunks[key].append(values)
        self.cases += read.traces
        self.events += read.events
        self.lines_skipped += read.lines
        return True

    def pack(self, most: int) -> None:
        """Values that expat read become Arrow text once there are more than `most`."""
        for key, values in self.columns.items():
            if len(values) > most or not (most or self.chunks[key]):
                self.chunks[key].append(_text(values))
                values.clear()
