"""The package's Chinese font in a page: cut down to the characters that the page holds, so that it reads the same on any machine.

All of a page is set in the font that the figures use too. Only marks that this Chinese font draws as wide as a hanzi (quotation marks,
dashes, the ellipsis) are left to the reader's system in a page in English.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from functools import cache

from kaanalysis.paths import PACKAGE

FAMILY = "KAanalysis Sans SC"
WEIGHTS = {"Regular": 400, "Bold": 700}
_WIDE = frozenset("“”‘’…—·")  # marks that both scripts share and Chinese sets full-width


def wanted(text: str, language: str) -> frozenset[str]:
    """The characters of a page that the font is embedded for."""
    there = frozenset(c for c in frozenset(text) if c.isprintable())
    return there | _WIDE if language == "zh" else there - _WIDE


@cache
def _subset(weight: str, characters: frozenset[str]) -> bytes:
    """The font's glyphs for these characters as WOFF, the same bytes for the same characters."""
    from fontTools import subset

    options = subset.Options(flavor="woff", layout_features=["kern", "palt", "locl"], notdef_outline=True)
    options.hinting, options.desubroutinize = False, False
    font = subset.load_font(str(PACKAGE / "assets" / "fonts" / f"KAanalysisSansSC-{weight}.otf"), options)
    font.recalcTimestamp = False
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=sorted(ord(c) for c in characters))
    cutter.subset(font)
    buffer = io.BytesIO()
    subset.save_font(font, buffer, options)
    return buffer.getvalue()


def _range(characters: Iterable[str]) -> str:
    return ",".join(f"U+{ord(c):X}" for c in sorted(characters))


def font_faces(text: str, language: str) -> str:
    """``@font-face`` rules for a page, as data. text: all that the page holds; characters that the font lacks are left to the system."""
    characters = wanted(text, language)
    faces = []
    for weight, number in WEIGHTS.items():
        data = base64.b64encode(_subset(weight, characters)).decode("ascii")
        faces.append(
            f'@font-face {{ font-family: "{FAMILY}"; font-weight: {number}; font-display: block; '
            f'src: url("data:font/woff;base64,{data}") format("woff"); '
            + ("" if language == "zh" else f"unicode-range: {_range(characters)}; ")
            + "}"
        )
    return "\n".join(faces)
