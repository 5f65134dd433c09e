"""The rule and the first wins as tables, in both languages, without holes."""

import pytest
from figure_frames import result, staging_frames

from kaanalysis.analyses.continuation_replay import early_wins
from kaanalysis.analyses.continuation_rule import rule_of
from kaanalysis.display import available, display_table
from kaanalysis.policy import load_policy
from kaanalysis.text import LANGUAGES, words


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_rule_and_the_first_wins_read_in_both_languages(language: str) -> None:
    frames, rule = staging_frames(), rule_of(load_policy())
    assert rule is not None
    made = result("04_path_selection", [], {**frames, "early_wins": early_wins(frames["continuation_replay"], rule, 2)})
    assert {"continuation_rule", "early_wins"} <= set(available(made))
    rules, wins = (display_table(made, name, words(language)) for name in ("continuation_rule", "early_wins"))
    for table in (rules, wins):
        assert (table.map(lambda cell: bool(str(cell).strip()))).all(axis=None)
    rows = rules.set_index(rules.columns[0])
    # Two of six where success is poor: 47 %; the rule 9.9 %; ten of up to 27.
    assert "47%" in rows.loc[words(language).term("plan", "wins")].tolist()
    assert rows.loc[words(language).term("plan", "two_stage")].tolist()[:4] == ["27", "10", "9", "9.9%"]
    assert len(wins) == 2
