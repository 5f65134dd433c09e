"""Tables of what to find out, of turns and of the difference, from frames by hand, in both languages."""

import pandas as pd
import pytest

from kaanalysis import display
from kaanalysis.results import Finding, Number, Result
from kaanalysis.text import words


@pytest.fixture
def result() -> Result:
    information = pd.DataFrame({
        "kind": ["study", "study", "input"], "name": ["pilot_team", "costs", "success"], "study": ["pilot_team", "costs", "closed_deals"],
        "origin": ["both", "policy", "data"], "inputs": [2, 1, 1], "evppi": [2e6, 4e5, 1e5], "low": [1.8e6, 0, 0], "high": [2.2e6, 9e5, 2e5],
        "level": 0.95, "share": [0.7, 0.1, 0.0], "n": 4096,
    })  # fmt: skip
    reconcile = pd.DataFrame(
        [("belief", "split.ramp_months", "months", 9.0, 6.0, 14.0, 13.0), ("belief", "success", "share", 0.5, 0.4, 0.6, None),
         ("decision", "ledger.horizon_months", "months", 60.0, 24.0, 120.0, 40.0)],
        columns=["kind", "input", "unit", "now", "low", "high", "at"],
    )  # fmt: skip
    difference = pd.DataFrame(
        {"one": "split", "other": "part_time", "line": ["renewals", "leader"], "amount": [5e6, -2e6]}
    )
    frames = {"information": information, "reconcile": reconcile, "difference": difference}
    evpi = Number("evpi", "all", 3e6, None, None, None, 4096, "CNY", "m")
    return Result(
        "04_path_selection", "d", "p", "x", [Finding("M-4.4", "strategic_loss", "supported", "r", (evpi,))], frames
    )


def test_studies_say_what_they_are_worth_and_how_they_are_done(result: Result) -> None:
    table = display.display_table(result, "information", words("en"))
    assert len(table) == 2 and table.iloc[0].tolist() == [
        "what a team reaches", "CN¥2M (CN¥1.8M to CN¥2.2M, 95% interval)".replace("CN¥2M", words("en").value(2e6, "CNY"))
        .replace("CN¥1.8M", words("en").value(1.8e6, "CNY")).replace("CN¥2.2M", words("en").value(2.2e6, "CNY")),
        "data and policy", words("en").term("study_how", "pilot_team"),
    ]  # fmt: skip


def test_decisions_first_and_what_turns_nothing_last(result: Result) -> None:
    table = display.display_table(result, "reconcile", words("en"))
    assert table["input"].tolist() == ["horizon of the ledger", "split: ramp", "success"]
    assert table["changes at"].tolist() == ["40 months", "13 months", "nowhere near what is believed"]
    assert table["range"].iloc[1] == "6 months to 14 months"


def test_the_difference_ends_in_its_sum(result: Result) -> None:
    table = display.display_table(result, "difference", words("zh"))
    assert len(table) == 3 and table.iloc[-1].tolist() == ["合计", words("zh").value(3e6, "CNY")]
    assert table.columns[1] == "拆分减兼职，现值"


def test_all_three_are_shown_in_both_languages(result: Result) -> None:
    assert display.available(result) == ["information", "reconcile", "difference"]
    english, chinese = (
        [display.display_table(result, n, words(c)) for n in display.available(result)] for c in ("en", "zh")
    )
    for a, b in zip(english, chinese, strict=True):
        assert a.shape == b.shape and set(a.columns).isdisjoint(b.columns)
