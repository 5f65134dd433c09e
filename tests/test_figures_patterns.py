"""The figures of 05 from hand-made frames: what they draw, what their titles claim, and their edges."""

from __future__ import annotations

import datetime as dt
import types
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from pattern_frames import LAUNCH, STATES, changes, failure, overlap, signs, timeline, warning

from kaanalysis import figures
from kaanalysis.figures import alt_text, available, draw_figure, figure_title
from kaanalysis.figures.early_warning import height
from kaanalysis.figures.patterns import place, verdict_of
from kaanalysis.figures.registry import _scene
from kaanalysis.figures.timelines import timelines
from kaanalysis.results import Result
from kaanalysis.text import LANGUAGES, words

ID = "05_failure_patterns"
NAMES = ("patterns", "early_warning", "timelines", "overlap")


def drawn(made: Result, name: str, language: str = "en", launch: dt.date | None = LAUNCH) -> Figure:
    spec = figures.spec(ID, name)
    assert spec in available(made)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return draw_figure(spec, made, language, launch=launch)


def texts(figure: Figure) -> str:
    return "\n".join(t.get_text() for t in figure.findobj(Text) if t.get_text())


def title(made: Result, name: str, launch: dt.date | None = LAUNCH) -> str:
    return figure_title(figures.spec(ID, name), made, "en", launch=launch)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_each_draws_in_both_languages_with_alt_text_and_labelled_axes(name: str, language: str) -> None:
    made = failure()
    figure = drawn(made, name, language)
    assert len(alt_text(figures.spec(ID, name), made, language, launch=LAUNCH)) > 40
    assert any(ax.get_xlabel() for ax in figure.axes)
    figure.draw_without_rendering()
    right = figure.get_figwidth() * figure.dpi
    for ax in figure.axes:
        for text in ax.texts:
            if text.get_visible() and text.get_text():
                assert text.get_window_extent().x1 <= right + 2, text.get_text()


def sign(value: float, low: float, high: float, margin: float, beyond: str = "above", unit: str = "share") -> object:
    return types.SimpleNamespace(value=value, low=low, high=high, margin=margin, beyond=beyond, unit=unit)


def test_a_sign_is_placed_in_half_widths_beyond_its_margin_on_either_side() -> None:
    assert place(sign(0.8, 0.7, 0.9, 0.5)) == pytest.approx((3, 2, 4))
    assert place(sign(-0.2, -0.3, -0.1, -0.05, "below")) == pytest.approx((1.5, 0.5, 2.5))
    assert place(sign(2.0, 1.0, 4.0, 1.0, unit="ratio")) == pytest.approx((1, 0, 2))  # logarithms: 1 to 4 around 2
    assert place(sign(0.5, 0.5, 0.5, 0.5)) is None and place(sign(np.nan, 0, 1, 0.5)) is None
    assert [verdict_of((x, x - 1, x + 1)) for x in (2, 0.5, -2)] == ["supported", "undecided", "contradicted"]


def test_the_page_holds_every_sign_of_the_six_and_none_of_the_conflicts() -> None:
    figure = drawn(failure(), "patterns")
    said = texts(figure)
    for name in signs()["sign"]:
        known = words("en").texts.get(f"number_names.{name}", name)
        first = known.split()[0]
        assert (first in said) == (name != "early_change_share"), name
    assert "1.42 times (1.25 to 1.61); counts above 1.1 times" in said
    assert "−21 percentage points (−31 to −11); counts below −5" in said
    assert "team_months.product_capacity" in said and "p < 0.001" in said
    assert (
        title(failure(), "patterns")
        == "2 of six patterns are there: hatching, siphon; 1 ruled out, 2 open, 1 not measured"
    )


@pytest.mark.parametrize(("state", "said"), [("contradicted", "None of the six patterns is shown; 6 ruled out, 0 open"), ("undecided", "0 ruled out, 6 open")])  # fmt: skip
def test_without_a_pattern_the_title_says_so(state: str, said: str) -> None:
    assert said in title(failure(dict.fromkeys(STATES, state)), "patterns")


def test_one_pattern_alone_and_signs_of_none_only() -> None:
    one = {**dict.fromkeys(STATES, "undecided"), "M-B": "supported"}
    assert title(failure(one), "patterns").startswith("One of six patterns is there: channel conflict;")
    unmeasured = signs().assign(value=np.nan, low=np.nan, high=np.nan)
    assert figures.spec(ID, "patterns") not in available(failure(signs=unmeasured))


def test_a_p_value_is_drawn_higher_the_smaller_and_crosses_the_line_in_the_middle() -> None:
    heights = [height(p, 0.95) for p in (1.0, 0.5, 0.05, 0.01, 1e-4, 0.0)]
    assert heights == sorted(heights)
    assert heights[0] == 0 and heights[2] == pytest.approx(0.5) and heights[-2:] == [pytest.approx(1)] * 2


@pytest.mark.parametrize(("lead", "alarmed", "said"), [
    ((9, 9), None, "9 months later the total revenue still shows nothing"),
    ((4, None), {"M-A": 6, "revenue": 10}, "4 months before the total revenue showed it"),
    ((-2, None), {"M-A": 12, "revenue": 10}, "2 months after the total revenue showed it"),
    ((0, None), {"M-A": 10, "revenue": 10}, "in the same month as the total revenue"),
    ((None, None), {"revenue": 10}, "No pattern's evidence holds; the total revenue lies below its trend"),
    ((None, None), {}, "No pattern's evidence holds today, nor does the total revenue show anything"),
    ((None, None), {"M-A": 10}, "Evidence of hatching holds since 2025-07"),
])  # fmt: skip
def test_the_warning_s_title_says_how_far_ahead(lead: tuple, alarmed: dict[str, int] | None, said: str) -> None:
    assert said in title(failure(lead=lead, early_warning=warning(alarmed)), "early_warning")


def test_the_warning_says_since_when_and_what_is_not_measured() -> None:
    said = texts(drawn(failure(), "early_warning"))
    assert "since 2025-03" in said and "since 2025-07" in said and "not measured" in said
    assert said.count("no alarm that holds") == 4  # M-B, M-C whose alarm came and went, M-F and the revenue


def test_months_outside_the_band_are_those_since_the_launch_beyond_the_placebo_errors() -> None:
    made = failure(timelines=timeline(2, jump=30.0))
    still, jumps = timelines(_scene(figures.spec(ID, "timelines"), made, words("en"), None, LAUNCH))
    assert jumps.outside[jumps.after].all() and not jumps.outside[~jumps.after].any() and still.outside.mean() < 0.1
    assert len(still.month) == 24 + 24 and still.month[24] == pd.Timestamp(LAUNCH)


def test_the_title_names_the_series_furthest_outside_of_the_patterns_that_are_there() -> None:
    jump = timeline(2, jump=30.0)  # of M-B; that of M-A lies still
    nothing = failure(dict.fromkeys(STATES, "undecided"), timelines=jump)
    said = "Outside its band in 100% of the months since the launch: series 1 (channel conflict)"
    unshown = "No pattern is shown; most often outside its band, in 100% of the months since the launch: series 1 (channel conflict)"
    assert title(nothing, "timelines") == unshown
    assert title(failure({**STATES, "M-B": "supported"}, timelines=jump), "timelines") == said
    assert "Hardly a month" in title(failure(timelines=jump), "timelines")  # M-A alone is there
    assert "Hardly a month" in title(failure(timelines=timeline(2, jump=0.0)), "timelines")


def test_a_series_that_was_not_there_before_the_launch_has_no_band() -> None:
    line = timeline(1)
    begun = line.assign(value=line["value"].where(pd.to_datetime(line["month"]) >= pd.Timestamp(LAUNCH), 0.0))
    made = failure(timelines=begun)
    (found,) = timelines(_scene(figures.spec(ID, "timelines"), made, words("en"), None, LAUNCH))
    assert not found.outside.any() and np.isnan(found.trend).all() and np.nanmax(found.value) > 0
    assert "too few months before it" in title(made, "timelines")


def test_amounts_name_their_currency_and_axes_hold_all_that_is_drawn() -> None:
    figure = drawn(failure(timelines=timeline(3)), "timelines")
    assert [ax.get_ylabel() for ax in figure.axes[:3]] == ["days", "share", "CNY"]
    nothing = timeline(1).assign(value=0.0)
    low, high = drawn(failure(timelines=nothing), "timelines").axes[0].get_ylim()
    assert low > -0.2 and high > 1


def strip_of(figure: Figure) -> Axes:
    return figure.axes[-1]


@pytest.mark.parametrize("count", [3, 14])
def test_the_decisions_lie_under_the_series_and_further_series_are_named(count: int) -> None:
    figure = drawn(failure(timelines=timeline(count)), "timelines", "zh")
    marks = [line.get_marker() for line in strip_of(figure).lines if line.get_marker() in ("o", "^", "X")]
    assert sorted(marks) == sorted(["o"] * 5 + ["^"] + ["X"] * 2)
    assert ("另有 2 个序列" in texts(figure)) == (count == 14)


def test_without_a_log_or_a_launch_it_says_so() -> None:
    one = timeline(1)
    assert "No change log is on record" in texts(drawn(failure(timelines=one, changes=changes()[:0]), "timelines"))
    assert "no launch is given" in title(failure(timelines=one), "timelines", None)
    drawn(failure(timelines=one), "timelines", "en", None)
    short = one[pd.to_datetime(one["month"]) >= pd.Timestamp(2024, 1, 1)]
    assert "too few months before it" in title(failure(timelines=short), "timelines")


def test_pairs_beyond_chance_are_framed_and_named() -> None:
    made = failure()
    figure = drawn(made, "overlap")
    assert texts(figure).count("▲") == 1 and "30 ▲\nchance 2–10\ndisputes 6" in texts(figure)
    assert len(figure.axes[0].patches) == 10
    assert (
        title(made, "overlap")
        == "ka and smb-east pursued 30 customers at once, by chance at most 10; 1 of 10 pairs are beyond chance"
    )
    assert title(failure(overlap=overlap().assign(accounts=2)), "overlap").startswith("None of 10 pairs")


def test_many_teams_are_cut_and_two_are_enough() -> None:
    many = overlap(tuple(f"team {k:02d} with a long name" for k in range(13)))
    assert "4 further teams" in texts(drawn(failure(overlap=many), "overlap", "en"))
    drawn(failure(overlap=overlap(("ka", "smb-east"))), "overlap", "zh")
