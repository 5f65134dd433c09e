"""Figures of alignment and of the standard sequence at their edges: another reading, nobody late, everybody alike, one seller far off."""

from __future__ import annotations

import numpy as np
import pytest
from figure_frames import alignment, result, sop
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy import stats

from kaanalysis import figures
from kaanalysis.figures import available, draw_figure, figure_title
from kaanalysis.figures.sop import beyond_chance, funnel_limits
from kaanalysis.results import Result
from kaanalysis.text import LANGUAGES


def made(frames: dict) -> Result:
    return result("03_sales_flow", [], frames)


def drawn(source: Result, name: str, language: str = "en") -> Figure:
    spec = figures.spec(source.id, name)
    assert spec in available(source)
    return draw_figure(spec, source, language)


def said(figure: Figure) -> str:
    return " ".join(t.get_text().replace("\n", " ") for t in figure.findobj(Text))  # type: ignore[attr-defined]


def test_a_step_of_two_roles_names_them_and_the_title_counts_over_all() -> None:
    """89 of 132 in time, 27 late, 16 never; 4 of 30 at the owner's sign-off."""
    source = made(alignment())
    title = figure_title(figures.spec(source.id, "alignment"), source, "en")
    assert "67%" in title and "20%" in title and "owner sign-off" in title and "13%" in title
    text = said(drawn(source, "alignment"))
    assert "budget approval, finance" in text and "budget approval, legal" in text
    assert "in time by stages alone" in text and "12 steps" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reading_by_stages_says_what_it_is_worth(language: str) -> None:
    source = made(alignment("stages"))
    text = said(drawn(source, "alignment", language))
    assert ("by themselves" if language == "en" else "自动进入") in text
    assert ("by stages alone" if language == "en" else "只看阶段") not in text
    title = figure_title(figures.spec(source.id, "alignment"), source, language)
    assert ("Stages" if language == "en" else "同名阶段") in title


def test_a_seller_far_off_is_named_and_the_others_are_not() -> None:
    text = said(drawn(made(sop()), "sop"))
    assert "seller 3" in text and "seller 1" not in text
    assert "demo skipped" in text and "returned to lead" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_all_deals_comply_there_is_neither_funnel_nor_departure(language: str) -> None:
    source = made(sop(departures=False))
    figure = drawn(source, "sop", language)
    assert len(figure.axes) == 1
    assert "350" in figure_title(figures.spec(source.id, "sop"), source, language)


def test_the_funnel_holds_what_it_says() -> None:
    """Authority: the binomial distribution. Whoever is beyond chance has a tail below half of what is left; the smooth limits lie within
    one deal of the exact quantiles."""
    count = np.arange(5.0, 200.0)
    low, high = funnel_limits(count, 0.8, 0.95)
    exact = [stats.binom.ppf(p, count, 0.8) / count for p in (0.025, 0.975)]
    inside = (high < 1) & (low > 0)
    assert (np.abs(low - exact[0])[inside] <= 1 / count[inside] + 1e-9).all()
    assert (np.abs(high - exact[1])[inside] <= 1 / count[inside] + 1e-9).all()
    chance = np.mean(beyond_chance(np.random.default_rng(4).binomial(60, 0.8, 20_000), np.full(20_000, 60), 0.8, 0.95))
    assert 0.02 < chance <= 0.05
    assert not beyond_chance(np.array([30]), np.array([30]), 0.99, 0.95).any(), (
        "all of 30 where 99 % comply is nothing rare"
    )
