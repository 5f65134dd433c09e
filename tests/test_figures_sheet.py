"""The blank sheet as swim lanes at its edges: one node, many, late contacts, nothing on record; both languages; nothing overlaps."""

from __future__ import annotations

import warnings

import pytest
from figure_frames import result, sheet_finding, sheet_frames
from matplotlib.figure import Figure
from matplotlib.text import Text

from kaanalysis import figures
from kaanalysis.figures import available, draw_figure, figure_title
from kaanalysis.figures.sales_sheet import bands_of, layout
from kaanalysis.figures.scene import Scene
from kaanalysis.policy import load_policy
from kaanalysis.results import Result
from kaanalysis.text import LANGUAGES, words


def sheet(count: int = 11, reason: str = "sheet_uncovered", saved: bool = False, **options: bool) -> Result:
    return result("03_sales_flow", [sheet_finding(count, reason, saved)], sheet_frames(count, **options))


def drawn(source: Result, language: str) -> Figure:
    spec = figures.spec("03_sales_flow", "sales_sheet")
    assert spec in available(source)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return draw_figure(spec, source, language)


def said(figure: Figure) -> list[str]:
    return [t.get_text().replace("\n", " ") for t in figure.findobj(Text) if t.get_text()]  # type: ignore[attr-defined]


def test_bands_are_even_and_of_at_most_six_nodes() -> None:
    assert [bands_of(n) for n in (0, 1, 6, 7, 11, 12, 13, 25)] == [0, 1, 6, 4, 6, 6, 5, 5]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [1, 11, 25])
def test_texts_stay_inside_their_columns_and_do_not_cover_each_other(count: int, language: str) -> None:
    source = sheet(count)
    figure = drawn(source, language)
    scene = Scene("sales_sheet", source, words(language), load_policy())
    bands, column = layout(scene)
    assert [len(b.nodes) for b in bands] == [bands_of(count)] * (count // bands_of(count)) + (
        [count % bands_of(count)] if count % bands_of(count) else []
    )
    ax = figure.axes[0]
    inch = ax.transData.transform((1, 0))[0] - ax.transData.transform((0, 0))[0]
    boxes = [t.get_window_extent() for t in ax.texts if t.get_text().strip()]
    assert max(b.width for b in boxes) < column * inch
    overlaps = sum(a.padded(-1).overlaps(b.padded(-1)) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
    assert overlaps == 0
    sizes = {t.get_fontsize() for t in ax.texts}
    assert min(sizes) >= 6 and figure.get_figwidth() < 10.5


@pytest.mark.parametrize(("language", "words_"), [("en", "only above a limit (20%)"), ("zh", "仅超权限时（20%）")])
def test_every_item_is_there_and_a_conditional_node_says_so(language: str, words_: str) -> None:
    source = sheet()
    texts = said(drawn(source, language))
    assert any(words_ in t for t in texts)
    whole = " ".join(texts).replace(" ", "")
    for item in source.frames["sales_sheet"][f"item_{language}"].unique():
        assert item.replace(" ", "") in whole, item


def test_low_coverage_is_marked_by_shape_and_word_and_late_contacts_are_hatched() -> None:
    texts = said(drawn(sheet(), "en"))
    assert sum("▲ contact" in t for t in texts) == 4 and any("Bold with ▲: below 50%" in t for t in texts)
    late = drawn(sheet(late=True), "en")
    assert any("in time 14%, late 25%" in t for t in said(late))
    hatched = [p for p in late.axes[0].patches if p.get_hatch()]
    assert len(hatched) == 11


def test_without_anything_on_record_the_sheet_stands_alone() -> None:
    figure = drawn(sheet(reason="only_drawn", coverage=False), "en")
    assert "not on record" in said(figure) and not any("contact" in t for t in said(figure) if "▲" in t)
    assert "11 steps, five lanes" in figure_title(
        figures.spec("03_sales_flow", "sales_sheet"), sheet(reason="only_drawn"), "en"
    )


def test_the_title_follows_the_verdict_and_a_saved_sheet_is_named() -> None:
    spec = figures.spec("03_sales_flow", "sales_sheet")
    titles = {
        r: figure_title(spec, sheet(reason=r), "zh") for r in ("sheet_uncovered", "sheet_covered", "sheet_undecided")
    }
    assert len(set(titles.values())) == 3 and all("提出需求" in t for t in titles.values())
    assert any("As saved by the analyst." in t for t in said(drawn(sheet(saved=True), "en")))


def test_a_name_without_a_glyph_is_replaced_and_counted() -> None:
    source = sheet(2)
    source.frames["sales_sheet"]["item_en"] = source.frames["sales_sheet"]["item_en"].replace(
        "account plan", "plan \U00013000"
    )
    assert figures.replaced_characters(drawn(source, "en")) > 0


def test_a_node_that_the_analyst_added_has_no_share_and_is_drawn_all_the_same() -> None:
    source = sheet(9)
    source.frames["sales_sheet_nodes"] = source.frames["sales_sheet_nodes"].assign(
        share=float("nan"), flows=float("nan")
    )
    texts = said(drawn(source, "en"))
    assert any(t.endswith("only above a limit") for t in texts) and not any(
        "nan" in t.casefold().split() for t in texts
    )
