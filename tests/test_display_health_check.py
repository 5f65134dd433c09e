"""The tables of 05 in both languages, without holes, and what their cells say."""

import datetime as dt

import pandas as pd
import pytest
from pattern_frames import changes, failure

from kaanalysis.analyses.change_log import ChangeLog, change_kinds
from kaanalysis.display import available, display_table
from kaanalysis.policy import load_policy
from kaanalysis.results import Result
from kaanalysis.text import LANGUAGES, words

NAMES = ("signs", "early_warning", "launch_evidence", "change_kinds", "changes")


def made() -> Result:
    evidence = pd.DataFrame({
        "finding": ["M-1.2", "M-2.6"], "units": ["customers", "flows"], "count": pd.array([24, None], "Int64"),
        "needs": ["", "buying_steps.at"], "wanted": 10, "possible": pd.array([True, None], "boolean"),
    })  # fmt: skip
    log = changes()[["at", "kind", "what", "who", "reverses"]].assign(reverses=[None] * 5 + ["channel", None, "pay"])
    kinds = change_kinds(
        ChangeLog(log, dt.date(2024, 7, 1), dt.date(2026, 6, 30), None, None, evidence, ()), load_policy()
    )
    return failure(launch_evidence=evidence, change_kinds=kinds)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cell_says_something_in_the_language(language: str) -> None:
    result = made()
    assert set(NAMES) <= set(available(result))
    for name in NAMES:
        table = display_table(result, name, words(language))
        assert len(table) and table.map(lambda cell: bool(str(cell).strip())).all(axis=None), name
        heads = list(table.columns)
        assert len(set(heads)) == len(heads) and (
            language == "en" or not any(h.isascii() and len(h) > 1 for h in heads)
        ), heads


def test_what_the_cells_say() -> None:
    result, english = made(), words("en")
    signs = display_table(result, "signs", english)
    first = signs.iloc[0].tolist()
    assert (
        first[0] == "M-A hatching"
        and "1.42" in first[2]
        and first[3].startswith("above 1.1")
        and first[4] == "before the launch"
    )
    assert "95% interval" in first[2] and signs.iloc[2, 3] == "below -5.0 percentage points"
    assert "0.001" in first[5] and signs.iloc[11, 2] == "–"
    warned = display_table(result, "early_warning", english).set_index("pattern")
    assert (
        warned.loc["M-A hatching"].tolist()[0] == "2025-03"
        and "at least 9 months" in warned.loc["M-A hatching"].tolist()[2]
    )
    assert warned.loc["M-C rival team"].tolist()[3:] == ["1", "22"]  # an alarm that came and went
    log = display_table(result, "changes", english)
    assert log.iloc[0, 4] == "1.1 months before" and log.iloc[1, 4] == "–" and log.iloc[2, 4] == "2.2 months after"
    assert log.iloc[5, 1] == "channel terms: taken back" and log.iloc[3, 5] == "2.9 months, early"
    kinds = display_table(result, "change_kinds", english).set_index("matter")
    assert kinds.loc["channel terms"].tolist()[:3] == ["3", "1", "1"]
    evidence = display_table(result, "launch_evidence", english)
    assert evidence.iloc[0].tolist()[1:] == ["24", "10", "yes"] and evidence.iloc[1, 1] == "buying_steps.at"
