"""The rule's figure and the stage's at their edges: no project yet, none decided, stopped; titles that say what the rule says."""

from __future__ import annotations

import warnings

import pytest
from figure_frames import number, result, staging_frames
from matplotlib.figure import Figure
from matplotlib.text import Text

from kaanalysis import figures
from kaanalysis.figures import available, draw_figure, figure_title
from kaanalysis.results import Finding, Result
from kaanalysis.text import LANGUAGES


def source(drop: tuple[str, ...] = (), terms: dict[str, str] | None = None, **options: object) -> Result:
    frames = {k: v for k, v in staging_frames(**options).items() if k not in drop}  # type: ignore[arg-type]
    value = number("option_value", "staged", -2e6, "CNY")
    return result(
        "04_path_selection", [Finding("M-4", "path_rule", "undecided", "split", (value,), terms=terms or {})], frames
    )


def drawn(made: Result, name: str, language: str) -> Figure:
    spec = figures.spec("04_path_selection", name)
    assert spec in available(made)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return draw_figure(spec, made, language)


def title(made: Result, name: str) -> str:
    return figure_title(figures.spec("04_path_selection", name), made, "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("options", "said"), [
    ({}, "say go on: 10 of 20 won by Nov 29, 2024"),
    ({"won": ()}, "say stop: 0 of 8 won"),
    ({"decided": 5}, "nothing is decided yet: 2 of 5 projects won"),
    ({"drop": ("continuation_replay",)}, "The rule to go on or to stop"),
])  # fmt: skip
def test_the_title_says_what_the_rule_says_by_then(options: dict, said: str, language: str) -> None:
    made = source(**options)
    assert said in title(made, "continuation_rule")
    figure = drawn(made, "continuation_rule", language)
    texts = [t.get_text() for t in figure.axes[1].findobj(Text)]
    assert {"82%", "47%", "10%"} <= set(
        texts
    )  # the chance to go on at 25 %, of the first win, two of six, and the rule


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stage", ["gain", "loss", "open", ""])
def test_the_stage_is_titled_by_what_it_is_worth(stage: str, language: str) -> None:
    terms = {"stage": stage, "commitment": "split"} if stage else {}
    made = source(terms=terms, drop=() if stage != "open" else ("rule_months",))
    words = {
        "gain": "is worth CN¥2M more",
        "loss": "costs CN¥2M",
        "open": "is open",
        "": "what the stage is worth",
    }
    assert words[stage] in title(made, "staged")
    drawn(made, "staged", language)
