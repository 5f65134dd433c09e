"""The quick half of the XES reader: whole traces out of a block of bytes, by the places of their marks.

Nothing is parsed element by element. NumPy finds all quotation marks and all tags; in the one form that practically every tool writes
(``<string key="…" value="…"/>``, nothing nested) each attribute has four marks at fixed distances, so keys and values lie between them
and Arrow copies the values out. A block that is not wholly in that form is refused, and expat reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Places = npt.NDArray[np.int64]
_TRACE, _EVENT, _EVENT_END, _TRACE_END, _ATTRIBUTE = range(5)
_TAGS = {_TRACE: b"<trace>", _EVENT: b"<event>", _EVENT_END: b"</event>", _TRACE_END: b"</trace>"}
# What may stand behind a tag, attributes left out: nothing but whole events in traces.
_FOLLOWS = np.zeros((4, 4), bool)
for _before, _after in ((_TRACE, _EVENT), (_TRACE, _TRACE_END), (_EVENT, _EVENT_END), (_EVENT_END, _EVENT), (_EVENT_END, _TRACE_END),
                        (_TRACE_END, _TRACE)):  # fmt: skip
    _FOLLOWS[_before, _after] = True


@dataclass(frozen=True)
class Block:
    """What a block of whole traces holds: a column per key asked for (text, one value per event; null where it is not there)."""

    columns: dict[str, pa.Array]
    events: int
    traces: int
    lines: int  # ends of lines


class _Bytes:
    """A block, with the eight bytes at any place as one number, so that text is compared by numbers."""

    def __init__(self, block: bytes) -> None:
        self.padded = block + bytes(8)
        self.bytes = np.frombuffer(self.padded, np.uint8)
        self.words: npt.NDArray[np.uint64] = np.ndarray((len(block) + 1,), "<u8", self.padded, strides=(1,))

    def reads(self, at: Places, text: bytes) -> npt.NDArray[np.bool_]:
        """Whether `text` stands at each place."""
        same = np.ones(len(at), bool)
        starts = list(range(0, max(len(text) - 7, 1), 8))
        if len(text) > 8 and len(text) % 8:
            starts.append(len(text) - 8)
        for start in starts:
            part = text[start : start + 8]
            number = np.uint64(int.from_bytes(part, "little"))
            mask = np.uint64((1 << 8 * len(part)) - 1)
            same &= (self.words[at + start] & mask) == number
        return same


def read_block(block: bytes, of_event: Sequence[str], of_case: Sequence[str]) -> Block | None:
    """The events of a block that holds nothing but whole traces; None where any of it is not in the plain form.

    of_event, of_case: the keys wanted of events and of traces; the columns of a trace's keys are named ``case:<key>``. The first value
    counts where a key stands twice."""
    if b"&" in block:
        return None
    data = _Bytes(block)
    tags: Places = np.flatnonzero(data.bytes == ord("<"))
    quotes: Places = np.flatnonzero(data.bytes == ord('"'))
    if len(quotes) % 4 or not len(tags):
        return None
    kind = np.full(len(tags), _ATTRIBUTE, np.int8)
    for code, text in _TAGS.items():
        kind[data.reads(tags, text)] = code
    frame = kind[kind != _ATTRIBUTE]
    if not len(frame) or frame[0] != _TRACE or frame[-1] != _TRACE_END or not _FOLLOWS[frame[:-1], frame[1:]].all():
        return None
    is_attribute = kind == _ATTRIBUTE
    marks = quotes.reshape(-1, 4)
    if int(is_attribute.sum()) != len(marks) or not _plain(data, tags, is_attribute, marks):
        return None
    # The tag around an attribute: the last one before it that is none.
    around = np.maximum.accumulate(np.where(is_attribute, -1, np.arange(len(tags))))[is_attribute]
    if len(around) and not (around >= 0).all():
        return None
    within = kind[around]
    if not np.isin(within, (_TRACE, _EVENT)).all():
        return None
    number = {code: np.cumsum(kind == code) - 1 for code in (_TRACE, _EVENT)}
    events, traces = int((kind == _EVENT).sum()), int((kind == _TRACE).sum())
    trace_of_event = number[_TRACE][kind == _EVENT]
    values = _values(data, marks)
    columns = {}
    for code, keys, size in ((_EVENT, of_event, events), (_TRACE, of_case, traces)):
        mine = np.flatnonzero(within == code)
        owner = number[code][around[mine]]
        for key in keys:
            picked = _pick(data, marks, mine, owner, key.encode(), size)
            if code == _TRACE:
                picked = picked[trace_of_event]
            taken = _take(values, picked)
            if taken is None:
                return None
            columns[key if code == _EVENT else f"case:{key}"] = taken
    return Block(columns, events, traces, int(np.count_nonzero(data.bytes == ord("\n"))))


def _plain(data: _Bytes, tags: Places, is_attribute: npt.NDArray[np.bool_], marks: Places) -> bool:
    """Whether every attribute reads ``<type key="…" value="…"/>`` with nothing between its tag and the next but that."""
    at = np.flatnonzero(is_attribute)
    here, following = tags[at], np.append(tags, len(data.padded))[at + 1]
    name = data.bytes[here + 1]
    return bool(
        (here < marks[:, 0] - 5).all()
        and (marks[:, 3] < following).all()
        and (((name | 32) >= ord("a")) & ((name | 32) <= ord("z"))).all()
        and data.reads(marks[:, 0] - 5, b' key="').all()
        and (marks[:, 2] - marks[:, 1] == 8).all()
        and data.reads(marks[:, 1] + 1, b' value="').all()
        and data.reads(marks[:, 3] + 1, b"/>").all()
    )


def _values(data: _Bytes, marks: Places) -> pa.Array:
    """All that stands between value marks, and the gaps between, as one Arrow array over the block itself: values at even places."""
    ends = np.empty(2 * len(marks), np.int32)
    ends[0::2], ends[1::2] = marks[:, 2] + 1, marks[:, 3]
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(data.padded)]
    return pa.Array.from_buffers(pa.binary(), max(len(ends) - 1, 0), buffers)


def _pick(data: _Bytes, marks: Places, mine: Places, owner: Places, key: bytes, size: int) -> Places:
    """For each of `size` owners the number of its first attribute with that key; -1 where it has none."""
    long_enough = marks[mine, 1] - marks[mine, 0] - 1 == len(key)
    found = np.flatnonzero(long_enough)
    found = found[data.reads(marks[mine[found], 0] + 1, key)]
    picked = np.full(size, -1, np.int64)
    picked[owner[found[::-1]]] = mine[found[::-1]]  # backwards, so that the first of two is written last
    return picked


def _take(values: pa.Array, picked: Places) -> pa.Array | None:
    """The values of these attributes as text; None where one holds a control character, which expat would read as a blank."""
    places = pa.array(2 * picked, mask=picked < 0)
    if not len(values):
        return pa.nulls(len(picked), pa.string())
    taken = values.take(places)
    _, offsets, content = taken.buffers()
    if content is not None:
        end = int(np.frombuffer(offsets, np.int32)[len(picked)])
        if (np.frombuffer(content, np.uint8)[:end] < ord(" ")).any():
            return None
    return taken.cast(pa.string())
