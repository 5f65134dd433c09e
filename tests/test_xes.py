"""The XES reader: both ways of reading give the same table, and what is broken is named with its place."""

import datetime as dt
import gzip
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis import xes
from kaanalysis.contracts import UnusableData
from kaanalysis.xes import read_xes

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0" xmlns="http://www.xes-standard.org">\n'
PLAIN = (
    HEAD
    + """<global scope="event"><string key="concept:name" value="name"/></global>
<trace>
 <string key="concept:name" value="case 1"/><float key="amount" value="12.5"/>
 <event><string key="concept:name" value="ask"/>
        <date key="time:timestamp" value="2024-03-31T01:30:00.000+01:00"/></event>
 <event><string key="concept:name" value="approve"/><date key="time:timestamp" value="2024-03-31T03:30:00+02:00"/>
        <string key="org:role" value="经理"/><string key="id" value="e2"/></event>
</trace>
<trace><string key="concept:name" value="empty"/></trace>
<trace><string key="concept:name" value="case 2"/>
 <event><string key="concept:name" value="ask"/><date key="time:timestamp" value="2024-01-01T00:00:00Z"/></event>
</trace>
</log>
"""
)
KEYS = (xes.CASE, "case:amount", *xes.EVENT_KEYS)


def write(folder: Path, text: str | bytes, name: str = "log.xes") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def both(path: Path, keys: tuple[str, ...] = KEYS) -> xes.EventLog:
    quick, plain = read_xes(path, keys), read_xes(path, keys, quick=False)
    assert quick.table.equals(plain.table)
    assert (quick.untimed, quick.cases) == (plain.untimed, plain.cases)
    return quick


@pytest.mark.parametrize("packed", [False, True])
def test_events_come_in_the_order_of_the_file_with_times_in_utc(tmp_path, packed):
    data = gzip.compress(PLAIN.encode()) if packed else PLAIN.encode()
    log = both(write(tmp_path, data, "log.xes.gz" if packed else "log.xes"))
    assert log.cases == 3 and log.untimed == ()
    assert log.table.column(xes.CASE).to_pylist() == ["case 1", "case 1", "case 2"]
    assert log.table.column("case:amount").to_pylist() == ["12.5", "12.5", None]
    assert log.table.column("concept:name").to_pylist() == ["ask", "approve", "ask"]
    assert log.table.column("org:role").to_pylist() == [None, "经理", None]
    assert log.table.column("org:resource").null_count == 3
    assert log.table.column(xes.TIME).to_pylist() == [
        dt.datetime(2024, 3, 31, 0, 30), dt.datetime(2024, 3, 31, 1, 30), dt.datetime(2024, 1, 1)]  # fmt: skip


def test_the_plain_form_is_read_the_quick_way(tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(
        xes._Reader, "quick", lambda self, block, real=xes._Reader.quick: taken.append(real(self, block)) or taken[-1]
    )
    read_xes(write(tmp_path, PLAIN), KEYS)
    assert taken == [True]


@pytest.mark.parametrize(
    "event",
    [
        "<event><string value='ask' key='concept:name'/></event>",
        '<event><string key="concept:name" value="ask"></string></event>',
        '<event><!-- <event> --><string key="concept:name" value="ask"/></event>',
        '<event ><string  key = "concept:name"  value = "ask" /></event>',
        '<event><string key="concept:name" value="&#97;sk"/></event>',
        '<event><list key="x"><values><string key="concept:name" value="no"/></values></list>'
        '<string key="concept:name" value="ask"><string key="concept:name" value="no"/></string></event>',
    ],
)
def test_other_forms_of_the_same_event_are_read_alike(tmp_path, event):
    text = PLAIN.replace("</log>", f'<trace>{event}<string key="concept:name" value="after"/></trace></log>')
    log = both(write(tmp_path, text))
    assert log.table.column("concept:name").to_pylist()[-1] == "ask"
    assert log.table.column(xes.CASE).to_pylist()[-1] == "after"
    assert log.untimed == ((4, None),)


def test_a_prefixed_namespace_and_another_encoding(tmp_path):
    text = PLAIN.replace("UTF-8", "ISO-8859-1").replace("经理", "Prüferin").encode("latin-1")
    assert both(write(tmp_path, text)).table.column("org:role").to_pylist()[1] == "Prüferin"
    prefixed = PLAIN.replace("xmlns=", "xmlns:x=").replace("</", "</x:")
    for tag in ("log", "global", "trace", "event", "string", "date", "float"):
        prefixed = prefixed.replace(f"<{tag}", f"<x:{tag}")
    assert both(write(tmp_path, prefixed)).table.num_rows == 3


def test_blocks_smaller_than_a_trace_change_nothing(tmp_path, monkeypatch):
    whole = both(write(tmp_path, PLAIN)).table
    for size in (1, 7, 64, 300):
        monkeypatch.setattr(xes, "BLOCK", size)
        monkeypatch.setattr(xes, "CHUNK", 1)
        assert both(write(tmp_path, PLAIN)).table.equals(whole)


def test_an_event_without_a_readable_time_stays_and_is_named_with_its_number(tmp_path):
    text = PLAIN.replace("2024-03-31T03:30:00+02:00", "yesterday")
    log = both(write(tmp_path, text))
    assert log.untimed == ((2, "yesterday"),)
    assert log.table.num_rows == 3


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (PLAIN.replace('<event><string key="concept:name" value="ask"/>', '<event><string key="concept:name"', 1),
         "line 7, column"),
        (PLAIN[: PLAIN.index("<trace><string key")], "after event 2"),
        (PLAIN.replace("</trace>\n<trace>", "<trace>", 1), "is broken XML at line"),
        (PLAIN.replace('value="经理"', 'value="R&D"'), "line 9, column"),
        ("<html></html>", "has no <log> element"),
        ("", "is broken XML at line 1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("quick", [True, False])
def test_broken_files_are_named_with_line_and_column(tmp_path, broken, words, quick):
    with pytest.raises(UnusableData) as caught:
        read_xes(write(tmp_path, broken), KEYS, quick=quick)
    assert "log.xes" in str(caught.value) and words in str(caught.value)


def test_a_gzip_file_that_breaks_off_is_named(tmp_path):
    with pytest.raises(UnusableData, match=r"log\.xes\.gz cannot be read"):
        read_xes(write(tmp_path, gzip.compress(PLAIN.encode())[:-20], "log.xes.gz"))


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12)
TIMES = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 1, 1))
EVENT = st.fixed_dictionaries(
    {}, optional={"concept:name": TEXT, "org:role": TEXT, "time:timestamp": TIMES, "extra": TEXT}
)
TRACE = st.tuples(st.fixed_dictionaries({}, optional={"concept:name": TEXT}), st.lists(EVENT, max_size=4))


def _attributes(given_values: dict, style: int) -> str:
    out = ""
    for key, value in given_values.items():
        said = value.isoformat() + "+00:00" if isinstance(value, dt.datetime) else value
        quoted = quoteattr(said, {"\n": "&#10;"})
        out += {
            0: f"<string key={quoteattr(key)} value={quoted}/>\n",
            1: f"<string value={quoted} key={quoteattr(key)} />",
            2: f"<string key={quoteattr(key)} value={quoted}></string>",
        }[style]
    return out


@settings(max_examples=150, deadline=None)
@given(st.lists(TRACE, max_size=5), st.sampled_from([0, 0, 1, 2]))
def test_what_is_written_is_read(traces, style):
    text = HEAD
    for head, events in traces:
        body = "".join(f"<event>{_attributes(event, style)}</event>" for event in events)
        text += f"<trace>{_attributes(head, style)}{body}</trace>\n"
    with TemporaryDirectory() as folder:
        log = both(write(Path(folder), text + "</log>"), (xes.CASE, "concept:name", "org:role", xes.TIME))
    wanted = [(head.get("concept:name"), event) for head, events in traces for event in events]
    assert log.cases == len(traces)
    assert log.table.column(xes.CASE).to_pylist() == [case for case, _ in wanted]
    for key in ("concept:name", "org:role", xes.TIME):
        assert log.table.column(key).to_pylist() == [event.get(key) for _, event in wanted]
