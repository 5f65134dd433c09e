"""The sheets of 05 in the workbook: codes read, headings in the language, numbers whole."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from pattern_frames import failure

from kaanalysis import sheets
from kaanalysis.display.pattern_sheets import COLUMNS, NAMES, SHEETS
from kaanalysis.results import Result
from kaanalysis.text import LANGUAGES, words


def made() -> Result:
    sellers = pd.DataFrame({
        "owner": ["smb-02", "ka-01"], "origin": ["smb_team", "outside"], "past_deals": [31, 0], "standing": [0.75, None],
        "sellers_compared": 24, "deals": [12, 53], "followed": [7, 29], "won": [3, 19], "cycle_days": [95.0, 175.0],
        "deal_size": [41_000.5, None],
    })  # fmt: skip
    origins = pd.DataFrame({
        "origin": ["smb_team", "outside"], "sellers": [1, 1], "deals": [12, 53], "followed": [7, 29], "won": [3, 19],
        "success": [3 / 7, 19 / 29], "low": [0.16, 0.47], "high": [0.75, 0.8], "level": 0.95, "cycle_days": [95.0, 175.0],
        "deal_size": [41_000.5, None], "standing": [0.75, None],
    })  # fmt: skip
    counts = dict.fromkeys(("partner_before", "partner_after", "direct_before", "direct_after", "stood", "late", "unregistered", "purchases", "ka_deals"), 9)  # fmt: skip
    shares = dict.fromkeys(
        ("partner_success_before", "partner_success_after", "early_success_after", "ka_success"), 0.25
    )
    regions = pd.DataFrame({"region": ["east", "west"], "conflict": [True, False], "expected": 7.5, **counts, **shares})
    next_ = pd.DataFrame([("M-A", "supported", "M-3.6", "03_sales_flow")], columns=["finding", "state", "element", "notebook"])  # fmt: skip
    return failure(hatching_sellers=sellers, hatching_origins=origins, channel_regions=regions, look_next=next_)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sheet_is_there_whole_with_headings_in_the_language(language: str) -> None:
    result, w = made(), words(language)
    found = sheets.of_result(result, w)
    for name in SHEETS:
        table = found[w(f"sheet.title.{name}")]
        assert len(table) == len(result.frames[name]) and table.columns.is_unique, name
        assert language == "en" or not any(re.fullmatch(r"[A-Za-z_ ']{2,}", str(c)) for c in table.columns), name
        assert not any(re.fullmatch(r"[a-z]+(_[a-z]+)+", str(c)) for c in table.columns), name
        if name in COLUMNS:
            known = {NAMES[name].get(c, c) for c in result.frames[name].columns} | {"unit", "taken_back"}
            assert set(COLUMNS[name][0]) <= known, name


def test_codes_are_words_and_numbers_stay_numbers() -> None:
    result, w = made(), words("en")
    found = sheets.of_result(result, w)
    signs = found["Signs"]
    assert signs.iloc[0].tolist() == [
        "M-A hatching", w("number_names.cycle_ratio"), 1.42, 1.25, 1.61, 0.95, "times", "above the margin", 1.1,
        w("terms.comparison.before_after"), 0.0002, 0.9998, 210,
    ]  # fmt: skip
    decisions = found["Decisions"].iloc[5]
    assert (
        decisions["date"] == "2025-07-01"
        and decisions["matter"] == "channel terms"
        and decisions["taken back"] == "yes"
    )
    sellers = found["Who sells to key accounts"]
    assert sellers["seller's past"].tolist() == ["from an SMB team", "from elsewhere"]
    assert sellers["median amount of a win"].tolist() == [41_000.5, None]
    assert found["Channel by region"]["in conflict"].tolist() == ["yes", "no"]
