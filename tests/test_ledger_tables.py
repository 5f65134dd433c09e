"""The ledger as tables for a reader and as sheets of the workbook: every line, to the cent, in both languages."""

import numpy as np
import pandas as pd
import pytest

from kaanalysis import display, sheets
from kaanalysis.analyses.ledger import LINES, PATHS
from kaanalysis.analyses.ledger_inputs import COMMON
from kaanalysis.analyses.ledger_lines import NAMED, RELIEVED, SETTINGS
from kaanalysis.results import Finding, Number, Result
from kaanalysis.text import LANGUAGES, words


@pytest.fixture(scope="module")
def made() -> Result:
    rng = np.random.default_rng(1)
    rows = [
        (p, m, m // 12 + 1, line, round(float(rng.normal(0, 1e5)), 2))
        for p in PATHS
        for line in LINES
        for m in range(14)
    ]
    lines = pd.DataFrame(rows, columns=["path", "month", "year", "line", "amount"])
    inputs = pd.DataFrame(
        [("success", 0.5, 0.4, 0.6, 0.95, "share", "data"), ("split.sellers", 6.0, 6.0, 6.0, 0.9, "sellers", "policy"),
         ("conflict_hours", 2.0, 0.5, 6.0, 0.9, "hours per seller and month", "policy")],
        columns=["input", "value", "low", "high", "level", "unit", "origin"],
    )  # fmt: skip
    pairs = pd.DataFrame([("success", "relief", -0.4)], columns=["first", "second", "correlation"])
    finding = Finding(
        "M-4.4",
        "strategic_loss",
        "supported",
        "loss_supported",
        (Number("loss_cap", "all", 1e6, None, None, None, 1, "CNY", "m"),),
    )
    return Result(
        "04_path_selection",
        "",
        "",
        "",
        [finding],
        {"ledger_lines": lines, "inputs": inputs, "input_correlations": pairs},
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reader_sees_every_line_the_cash_and_what_smb_loses(made: Result, language: str) -> None:
    w = words(language)
    table = display.display_table(made, "ledger_lines", w)
    assert len(table) == len(LINES) + 2 and table.columns.is_unique
    lines = made.frames["ledger_lines"]
    split = lines[lines["path"] == "split"]
    column = w.term("path", "split")
    assert table[column].iloc[0] == w.value(float(split[split["line"] == "sellers"]["amount"].sum()), "CNY")
    assert table[column].iloc[-2] == w.value(float(split["amount"].sum()), "CNY")
    lost = split[split["line"].isin(["smb_people", "smb_product", "smb_accounts"])]["amount"].sum()
    assert table[column].iloc[-1] == w.value(float(lost), "CNY")
    assert "ledger_lines" in display.WHOLE


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sheet_adds_up_in_every_row_and_down_every_path(made: Result, language: str) -> None:
    w = words(language)
    sheet = sheets.of_result(made, w)[w("sheet.title.ledger_lines")]
    assert len(sheet) == 3 * 14 and sheet.columns.is_unique
    named = [w(f"figures.line.{line}") for line in LINES]
    cents = (
        (sheet[[*named, w("figures.line.cash"), w("figures.line.cumulative")]].astype(float) * 100).round().astype(int)
    )
    assert (cents[named].sum(axis=1) == cents[w("figures.line.cash")]).all()
    for path in PATHS:
        own = cents[(sheet[w("table.path")] == w.term("path", path)).to_numpy()]
        assert own[w("figures.line.cumulative")].tolist() == own[w("figures.line.cash")].cumsum().tolist()
    assert set(sheet[w("table.unit")]) == {"CNY"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_inputs_say_their_origin_and_a_decision_has_no_interval(made: Result, language: str) -> None:
    w = words(language)
    table = display.display_table(made, "inputs", w)
    assert table.iloc[:, 2].tolist() == [
        w("display.origin.data"),
        w("display.origin.policy"),
        w("display.origin.policy"),
    ]
    assert w("figures.input.success") == table.iloc[0, 0] and w.term("path", "split") in table.iloc[1, 0]
    assert "90" not in table.iloc[1, 1] and "90" in table.iloc[2, 1]
    found = sheets.of_result(made, w)
    assert found[w("sheet.title.inputs")].iloc[0, 1:4].tolist() == [0.5, 0.4, 0.6]
    assert found[w("sheet.title.input_correlations")].iloc[0].tolist() == [
        w("figures.input.success"),
        w("figures.input.relief"),
        -0.4,
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_input_and_line_has_a_name(language: str) -> None:
    w = words(language)
    for name in (*SETTINGS, NAMED, *(n for n, _ in COMMON), "potential_accounts", "deals_per_account", "accounts_moved", "conflict_hours",
                 "cycle_spread", "deal_variation", RELIEVED):  # fmt: skip
        assert w.has(f"figures.input.{name}"), name
    assert all(w.has(f"figures.line.{line}") for line in LINES)
