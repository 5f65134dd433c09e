"""The font in a page: the characters of the page and no others, the same bytes each time."""

from __future__ import annotations

import base64
import io
import re

from fontTools.ttLib import TTFont

from kaanalysis.report.typeface import font_faces
from kaanalysis.report.typesetting import css_string, signed


def glyphs(css: str) -> list[set[str]]:
    fonts = [TTFont(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"base64,([^\"]+)\"", css)]
    return [{chr(code) for code in font.getBestCmap()} for font in fonts]


def test_a_page_holds_both_weights_of_its_characters_and_no_others() -> None:
    made = font_faces("卡点 KA 3,5", "zh")
    assert re.findall(r"font-weight: (\d+)", made) == ["400", "700"]
    assert all(set("卡点KA3,5") <= held and "拆" not in held and "B" not in held for held in glyphs(made))
    assert font_faces("卡点 KA 3,5", "zh") == made


def test_marks_that_the_font_draws_wide_are_left_to_the_system_in_english_only() -> None:
    assert all(not held & set("“”…") for held in glyphs(font_faces("“risk” … 风", "en")))
    assert all(set("“”…风") <= held for held in glyphs(font_faces("“风险” …", "zh")))


def test_a_character_that_the_font_lacks_costs_nothing() -> None:
    assert glyphs(font_faces("a\U0001f600", "en"))[0] == {"a"}


def test_no_name_can_end_a_string_of_the_style_sheet() -> None:
    """CSS Syntax Module Level 3, 4.3.7: six hexadecimal digits, so that none of what follows is read with them."""
    assert css_string('a";}</style>\\') == '"a\\000022\\00003b\\00007d\\00003c\\00002fstyle\\00003e\\00005c"'
    assert css_string("澄屿 A1") == '"澄屿\\000020A1"'


def test_a_line_cannot_break_between_a_minus_and_its_number() -> None:
    """Unicode Standard Annex 14: a break may follow a hyphen, never a minus sign. Dates, ranges and switches keep their hyphens."""
    assert signed("by -2.0% (-CN¥3.1M to 4), 至 -¥2770万") == "by −2.0% (−CN¥3.1M to 4), 至 −¥2770万"
    kept = "2026-06-30, KA-SMB, M-4.4, part-time, --lang, x--3, 3-5"
    assert signed(kept) == kept
