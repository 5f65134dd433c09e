"""Studies: every uncertain input of the ledger belongs to one, none is left out, and settings of several paths go together."""

import numpy as np
from analyses.ledger_world import numbers

from kaanalysis.analyses.ledger_inputs import SETTINGS
from kaanalysis.analyses.studies import OTHER, STUDIES, by_setting, by_study, origin_of, setting_of, study_of
from kaanalysis.analyses.uncertain_inputs import Input, Inputs
from kaanalysis.text import catalogue


def made(*items: tuple[str, float, str]) -> Inputs:
    held = tuple(
        Input(name, 1.0, 1.0 - spread, 1.0 + spread, 0.9, "", origin, "linear") for name, spread, origin in items
    )
    return Inputs(held, np.eye(len(held)))


def test_every_input_of_the_ledger_belongs_to_exactly_one_study() -> None:
    for name in (*numbers(), *SETTINGS):
        assert study_of(name) != OTHER, name
    settings = [s for group in STUDIES.values() for s in group]
    assert len(settings) == len(set(settings))


def test_settings_of_all_paths_go_together_and_what_is_known_is_no_study() -> None:
    inputs = made(("success", 0.1, "data"), ("split.sellers", 0.0, "policy"), ("split.ramp_months", 0.2, "policy"),
                  ("rebuild.ramp_months", 0.2, "policy"), ("new_thing", 0.1, "data"))  # fmt: skip
    assert by_setting(inputs) == {"success": [0], "ramp_months": [2, 3], "new_thing": [4]}
    assert by_study(inputs) == {"closed_deals": [0], "pilot_team": [2, 3], OTHER: [4]}
    assert (setting_of("split.ramp_months"), setting_of("success")) == ("ramp_months", "success")
    assert (origin_of(inputs, [2, 3]), origin_of(inputs, [0, 2])) == ("policy", "both")


def test_every_study_has_a_name_and_a_way_in_both_languages() -> None:
    for language in ("en", "zh"):
        texts = catalogue(language)
        for study in (*STUDIES, OTHER):
            assert f"terms.study.{study}" in texts and f"terms.study_how.{study}" in texts
