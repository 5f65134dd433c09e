"""The quick half of the XES reader: what it takes, and what it leaves to expat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.xes_bytes import _Bytes, read_block

EVENT = b'<event><string key="concept:name" value="%s"/></event>'


def trace(inside: bytes, name: bytes = b"c") -> bytes:
    return b'<trace><string key="concept:name" value="' + name + b'"/>' + inside + b"</trace>"


def read(block: bytes):
    found = read_block(block, ("concept:name", "org:role"), ("concept:name",))
    return None if found is None else {k: v.to_pylist() for k, v in found.columns.items()}


def test_values_of_events_and_of_their_traces() -> None:
    block = (
        trace(EVENT % b"ask" + b"\n" + EVENT % "批准".encode())
        + b"\n  "
        + trace(b"", b"empty")
        + trace(EVENT % b"pay", b"d")
    )
    found = read_block(block, ("concept:name",), ("concept:name",))
    assert found is not None and (found.events, found.traces, found.lines) == (3, 3, 2)
    assert found.columns["concept:name"].to_pylist() == ["ask", "批准", "pay"]
    assert found.columns["case:concept:name"].to_pylist() == ["c", "c", "d"]


def test_first_value_of_a_key_counts_and_a_missing_one_is_null() -> None:
    twice = b'<event><string key="concept:name" value="a"/><string key="concept:name" value="b"/></event>'
    assert read(trace(twice)) == {"concept:name": ["a"], "org:role": [None], "case:concept:name": ["c"]}
    assert read(b"<trace><event></event></trace>") == {
        "concept:name": [None],
        "org:role": [None],
        "case:concept:name": [None],
    }
    assert read(trace(EVENT % b"")) == {"concept:name": [""], "org:role": [None], "case:concept:name": ["c"]}


def test_keys_are_compared_whole() -> None:
    keys = [b"concept:nam", b"concept:names", b"xoncept:name", b"concept:namX", b"concept:nbme"]
    inside = b"".join(b'<string key="%s" value="no"/>' % k for k in keys)
    assert read(b"<trace><event>" + inside + b"</event></trace>")["concept:name"] == [None]  # type: ignore[index]


@pytest.mark.parametrize("odd", [
    trace(EVENT % b"a &amp; b"), trace(EVENT % b"two\nlines"), trace(EVENT % b"a\tb"),  # expat turns these into text of its own
    trace(b"<!-- <event> -->" + EVENT % b"a"), trace(b"<![CDATA[x]]>" + EVENT % b"a"),
    trace(b"<event><string key='concept:name' value='a'/></event>"),
    trace(b'<event><string value="a" key="concept:name"/></event>'),
    trace(b'<event><string key="concept:name" value="a" /></event>'),
    trace(b'<event><string key="concept:name" value="a"></string></event>'),
    trace(b'<event><list key="l"><string key="concept:name" value="a"/></list></event>'),
    trace(EVENT % b"a" + b'<string key="late" value="x"/>'), trace(b"<event>" + EVENT % b"a" + b"</event>"),
    EVENT % b"a", b"</trace>" + trace(EVENT % b"a"), trace(EVENT % b"a")[:-8], trace(EVENT % b"a") + b'<x key="a" value="b"/>',
    trace(b'<event></string key="concept:name" value="a"/></event>'), b'<trace xmlns="x"></trace>', b"  ",
])  # fmt: skip
def test_anything_but_the_plain_form_is_left_to_expat(odd: bytes) -> None:
    assert read(odd) is None


@given(text=st.binary(min_size=1, max_size=40), at=st.integers(0, 30), size=st.integers(1, 20))
def test_eight_bytes_at_a_time_compare_like_slices(text: bytes, at: int, size: int) -> None:
    at = min(at, len(text) - 1)
    wanted = text[at : at + size]
    places = np.array([p for p in range(len(text)) if p + len(wanted) <= len(text)])
    assert _Bytes(text).reads(places, wanted).tolist() == [text[p : p + len(wanted)] == wanted for p in places]
