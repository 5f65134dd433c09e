"""The templates of the report and of the notebooks' pages, and what is done to a page that they have set."""

from __future__ import annotations

import html
import re

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from kaanalysis.paths import PACKAGE
from kaanalysis.report.typeface import font_faces

FONTS = "/*fonts*/"  # stands in the page until its characters are known


def css_string(text: object) -> str:
    """`text` as a string of a style sheet: every character that is no letter or digit escaped, so that no name can end it."""
    return '"' + "".join(c if c.isalnum() else f"\\{ord(c):06x}" for c in str(text)) + '"'


_MINUS = re.compile(r"(?<![\w-])-(?=[A-Z]{0,3}[¥$€£₩₹]?\d)")


def signed(text: str) -> str:
    """`text` with a minus before its negative numbers in place of the hyphen, after which a line may break."""
    return _MINUS.sub("−", text)


def tag(language: str) -> str:
    """The language tag of a page (BCP 47)."""
    return "zh-Hans" if language == "zh" else language


def environment() -> Environment:
    """The templates, with everything that is put into them escaped."""
    made = Environment(
        loader=FileSystemLoader(PACKAGE / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["css_string"] = css_string
    made.filters["signed"] = signed
    made.globals["tag"] = tag
    return made


def typeset(page: str, language: str) -> str:
    """The page with the fonts for its Chinese put in."""
    return page.replace(FONTS, font_faces(html.unescape(page), language), 1)
