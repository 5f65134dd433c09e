"""Tables with controls: only where somebody reads, in the reader's language, sorted by what their numbers say, whole without scripts."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

from kaanalysis import reader_tables
from kaanalysis.reader_tables import ReaderTable, number_in, of_numbers, readable, sort_keys, table_html
from kaanalysis.results import Finding, Number
from kaanalysis.tables import numbers_table
from kaanalysis.text import words

installed = pytest.mark.skipif(
    importlib.util.find_spec("itables") is None, reason="itables (extra lab) is not installed"
)
FRAME = pd.DataFrame({"name": ["b <i>", "a", "c"], "amount": ["CN¥900K", "CN¥1.2M", "not to be had"]})


def in_a_kernel(monkeypatch: pytest.MonkeyPatch, *, there: bool = True) -> None:
    monkeypatch.delenv("KAANALYSIS_HEADLESS", raising=False)
    monkeypatch.delenv("KAANALYSIS_RUN", raising=False)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object())))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if there else None)


def test_controls_come_only_in_a_kernel_with_itables_and_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_kernel(monkeypatch)
    assert reader_tables.can_show() and isinstance(readable(FRAME, words("en")), ReaderTable)
    for name in ("KAANALYSIS_HEADLESS", "KAANALYSIS_RUN"):
        monkeypatch.setenv(name, "1")
        assert readable(FRAME, words("en")) is FRAME, name
        reader_tables.load_controls()  # nothing to display to: it would fail
        monkeypatch.delenv(name)
    in_a_kernel(monkeypatch, there=False)
    assert readable(FRAME, words("en")) is FRAME


def test_a_table_for_a_reader_is_a_frame_and_gives_plain_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_kernel(monkeypatch)
    table = readable(FRAME, words("en"))
    pd.testing.assert_frame_equal(pd.DataFrame(table), FRAME)
    assert list(table.columns) == ["name", "amount"] and table.shape == (3, 2)
    for made in (table.head(1), table[["name"]], table.sort_values("name"), table.copy()):
        assert type(made) is pd.DataFrame
    assert repr(table) == repr(FRAME)


@pytest.mark.parametrize(
    ("language", "said", "value"),
    [
        ("en", "CN¥1.2M", 1_200_000.0),
        ("en", "-CN¥66.6K", -66_600.0),
        ("zh", "-¥23.9万", -239_000.0),
        ("zh", "¥1.2亿", 120_000_000.0),
        ("en", "3.4%", 0.034),
        ("en", "under 0.1%", 0.001),
        ("zh", "低于 0.1%", 0.001),
        ("zh", "至少 12 个月", 12.0),
        ("en", "1,311", 1311.0),
        ("en", "-0.35", -0.35),
        ("en", "12 months (9 to 15, 95% interval)", 12.0),
        ("en", "2026-06-30", 20_260_630.0),
        ("en", "July 1, 2025", 20_250_701.0),
        ("zh", "2025年7月1日", 20_250_701.0),
        ("en", "M-1.2", None),
        ("en", "C0012", None),
        ("en", "not to be had", None),
        ("en", "", None),
        ("en", "12 KA", 12.0),
    ],
)
def test_ready_text_sorts_by_the_number_it_begins_with(language: str, said: str, value: float | None) -> None:
    assert number_in(said, words(language)) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_values_as_the_workbook_writes_them_are_read_back_to_the_digits_shown(language: str) -> None:
    w = words(language)
    for unit, values in {
        "CNY": (85, 8_565_427.7, -4.5e6, 3e9),
        "share": (0.1594, 0.0312, -0.4),
        "months": (16.16, 3.0),
        "deals": (1, 9700),
    }.items():
        for value in values:
            assert number_in(w.value(value, unit), w) == pytest.approx(value, rel=0.02), (unit, value)


def test_a_column_sorts_as_numbers_only_where_it_holds_numbers() -> None:
    frame = pd.DataFrame(
        {
            "amount": ["CN¥900K", "CN¥1.2M", "not to be had", None],
            "account": ["360 Security", "58 City", "Acme", "Bolt"],
            "number": [3, 1, 2, 4],
            "mixed": ["5 days", "none", "unknown", "7 days"],
        }
    )
    assert sort_keys(frame, words("en")) == {0: [900_000.0, 1_200_000.0, None, None]}


def test_numbers_of_a_finding_sort_by_themselves_not_by_their_digits() -> None:
    numbers = (
        Number("rmst", "SMB", 16.1611, 15.0, 17.0, 0.95, 412, "months", ""),
        Number("rmst", "KA", 16.1622, None, 17.5, 0.95, 80, "months", ""),
        Number("rmst", "all", None, None, None, None, 0, "months", ""),
    )
    finding = Finding("M-1.2", "lifecycle", "supported", "longer", numbers)
    keys = of_numbers(finding)
    assert keys == {1: [16.1611, 16.1622, None], 2: [15.0, 17.5, None], 3: [412, 80, 0]}
    frame = numbers_table(finding, words("en"))
    assert frame.iloc[0, 1] == frame.iloc[1, 1] == "16.2 months", "as text they are the same"
    assert list(frame.columns[1:4]) == ["value", "interval", "n"]


@installed
@pytest.mark.parametrize(("language", "search"), [("en", "Search:"), ("zh", "搜索：")])
def test_the_table_speaks_the_language_escapes_its_cells_and_asks_no_network(language: str, search: str) -> None:
    html = table_html(FRAME, words(language), {1: [9e5, 1.2e6, None]})
    assert json.dumps(search)[1:-1] in html
    assert "<i>" not in html and "&lt;i&gt;" in html
    assert "[900000.0, 1200000.0, null][meta.row]" in html
    assert not re.search(r"(src=|import .* from |url\()\s*['\"]?https?:", html)


@installed
def test_without_scripts_the_whole_table_stands_there() -> None:
    long = pd.DataFrame(
        {"at": range(reader_tables.PAGE - 1), "said": [f"row {i}" for i in range(reader_tables.PAGE - 1)]}
    )
    still = re.sub(r"<script.*?</script>", "", table_html(long, words("en"), {}), flags=re.DOTALL)
    assert all(f"row {i}<" in still for i in range(len(long)))


@installed
def test_a_named_index_moves_what_columns_sort_by() -> None:
    html = table_html(FRAME.rename_axis("no"), words("en"), {1: [1.0, 2.0, 3.0]})
    target = re.search(r'"render": "[^"]*\[1\.0, 2\.0, 3\.0\][^"]*", "targets": (\d)', html)
    assert target is not None and target[1] == "2"


@installed
def test_a_frame_with_very_many_rows_is_shown_as_pandas_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_kernel(monkeypatch)
    many = pd.DataFrame({"n": range(reader_tables.MOST + 1)})
    assert readable(many, words("en"))._repr_html_() == many._repr_html_()
