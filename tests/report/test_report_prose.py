"""The check of the prose on pages made by hand: what it takes out, what it passes, what it finds."""

from __future__ import annotations

import pytest

from kaanalysis.report.prose import check, figures_in

GIVEN = {"M-1.2": ["14.2 months (9.8 to 18.5 months, 95% interval)"], "M-4": ["CN¥10.7M"], "count:12": ["12"]}


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("It changed by -2.0% (−31.9% to 41.1%)", {"-2.0%", "-31.9%", "41.1%"}),
        ("CN¥10.7M against $5 K and 1,311 accounts", {"CN¥10.7M", "$5K", "1,311"}),
        ("净现值 ¥1074万，区间 ¥403 万至 1.2亿", {"¥1074万", "¥403万", "1.2亿"}),
        ("赢单率为15%，见 M-3.1 与 M-1.5a、M-A、M-X2", {"15%"}),
        ("01_base_assumptions: no figure", set()),
        ("2026年6月30日", {"2026", "6", "30"}),
    ],
)
def test_figures_are_taken_out_as_written(text: str, figures: set[str]) -> None:
    assert figures_in(text) == figures


def test_prose_that_says_what_its_source_says_passes() -> None:
    page = '<p data-said="M-1.2">They stay <b>14.2</b> months longer (9.8 to 18.5).</p><table><tr><td>77</td></tr></table><code>5</code>'
    assert check(page, GIVEN) == []


@pytest.mark.parametrize(
    ("page", "figure", "source"),
    [
        ('<p data-said="M-1.2">They stay 14.3 months longer.</p>', "14.3", "M-1.2"),
        ('<p data-said="M-1.2">They stay <b>-14.2</b> months longer.</p>', "-14.2", "M-1.2"),  # the sign counts
        ('<p data-said="M-4">CN¥10.7K</p>', "CN¥10.7K", "M-4"),  # and the scale
        ('<p data-said="M-4">14.2 months</p>', "14.2", "M-4"),  # and whose number it is
        ("<p>Some 3 of them</p>", "3", ""),  # a number without a source
        ('<p data-said="M-9">Some 3 of them</p>', "3", "M-9"),  # a source that is not there
        ('<img src="data:," alt="A line at 7" data-said="M-4">', "7", "M-4"),
        ('<table><tr><td data-said="M-4">9 of them</td></tr></table>', "9", "M-4"),  # a sentence in a table
        ('<p data-said="count:12">13 more</p>', "13", "count:12"),
    ],
)
def test_prose_that_differs_from_its_source_is_found(page: str, figure: str, source: str) -> None:
    assert [(m.figure, m.source) for m in check(page, GIVEN)] == [(figure, source)]


def test_several_sources_give_together() -> None:
    assert check('<p data-said="M-1.2 M-4">14.2 and CN¥10.7M</p>', GIVEN) == []


def test_an_analysts_words_are_not_the_reports_and_end_where_their_element_does() -> None:
    note = (
        '<aside data-analyst><p>We counted 5 of <b>7</b>.</p><p data-said="M-4">and 8<br></p><img alt="at 9"></aside>'
    )
    assert check(f"<div>{note}</div>", GIVEN) == []
    assert [m.figure for m in check(f"<div>{note}<p>6 more</p></div>", GIVEN)] == ["6"]
    assert [m.figure for m in check(f'<p data-said="M-4">3 {note} 4</p>', GIVEN)] == ["3", "4"]
