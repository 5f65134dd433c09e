"""One look for all figures: palette, font, rcParams, and the rule that no glyph may be missing.

Colours are told apart by colour-blind readers and, by their lightness, in grey: SMB light, KA dark. The font is the
package's own subset of Noto Sans CJK SC, registered by file, with matplotlib's DejaVu Sans behind it for names in other
scripts.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from kaanalysis.paths import PACKAGE

FONTS = PACKAGE / "assets" / "fonts"
FAMILY = "KAanalysis Sans SC"
FALLBACK = "DejaVu Sans"
PLACEHOLDER = "□"

SMB, KA, OTHER = "#E8A33D", "#114E86", "#8A8F94"
GOOD, BAD = "#5FB3A3", "#A63D1E"
INK, SOFT, LINE, GRID, PAPER = "#1F2428", "#5B6268", "#9AA0A6", "#E4E7EA", "#FFFFFF"
SEGMENTS = {"SMB": SMB, "KA": KA, "all": SOFT}
# Where segment-coloured text stands on paper: SMB's fill is too light to read.
SEGMENT_TEXT = {"SMB": "#9A5F00", "KA": KA, "all": SOFT}
# A verdict is told by colour, shape and word: (fill, marker, text colour); an undecided one is drawn hollow.
STATES = {
    "supported": (GOOD, "o", "#2A7264"),
    "contradicted": (BAD, "X", BAD),
    "undecided": (OTHER, "D", SOFT),
    "no_data": (LINE, "_", SOFT),
}
PATHS = {"part_time": "#EBCB78", "split": "#5A9FA8", "rebuild": "#5D3A7E"}
PATH_TEXT = {"part_time": "#7A5C00", "split": "#1F6068", "rebuild": "#4A2A6B"}

BASE, SMALL, TITLE = 10.5, 9.0, 12.5
DPI = 150

RC = {
    "font.family": [FAMILY, FALLBACK],
    "font.size": BASE,
    "axes.labelsize": BASE,
    "axes.titlesize": BASE + 0.5,
    "xtick.labelsize": SMALL + 0.5,
    "ytick.labelsize": SMALL + 0.5,
    "figure.titlesize": TITLE,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": False,
    "axes.edgecolor": LINE,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.8,
    "patch.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "svg.hashsalt": "kaanalysis",
    "svg.fonttype": "path",
    "path.simplify": True,
    "savefig.facecolor": PAPER,
}

_lock = threading.RLock()


class MissingGlyph(ValueError):
    """A text of the workbook has a character that the figures' fonts do not hold; the message names both."""


@cache
def register_fonts() -> frozenset[int]:
    """Make the package's fonts known to matplotlib, by file, and return the code points that figures can draw."""
    files = sorted(FONTS.glob("*.otf"))
    if not files:
        raise FileNotFoundError(f"{FONTS} holds no font: run scripts/subset_font.py")
    for path in files:
        font_manager.fontManager.addfont(str(path))
    regular = FONTS / "KAanalysisSansSC-Regular.otf"
    behind = font_manager.findfont(FALLBACK, fallback_to_default=False)
    return frozenset(_code_points(regular) | _code_points(Path(behind)))


def _code_points(path: Path) -> set[int]:
    return set(FT2Font(str(path)).get_charmap())


def missing_in(text: str) -> list[str]:
    """The characters of `text` that no font of the figures holds."""
    known = register_fonts()
    return [c for c in text if c != "\n" and ord(c) not in known]


def replaced(text: str) -> tuple[str, int]:
    """`text` as it can be drawn, with □ for every character that the fonts lack, and how many there were."""
    lacking = set(missing_in(text))
    if not lacking:
        return text, 0
    return "".join(PLACEHOLDER if c in lacking else c for c in text), sum(c in lacking for c in text)


def refuse_missing(figure: Figure) -> None:
    """Raise :class:`MissingGlyph` for the first text of a laid-out figure that the fonts cannot draw."""
    for text in figure.findobj(Text):
        content = text.get_text()
        lacking = missing_in(content)
        if lacking:
            name = unicodedata.name(lacking[0], "unnamed")
            raise MissingGlyph(
                f"{lacking[0]!r} (U+{ord(lacking[0]):04X}, {name}) of the text {content!r} is in no font of the figures"
            )


# The font is a Chinese one: its curly quotation marks and ellipsis are as wide as a hanzi.
_NARROW = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "…": "..."})


def narrow_punctuation(figure: Figure) -> None:
    """Marks that the font draws as wide as a hanzi, in the narrow form for a language with Latin letters."""
    for text in figure.findobj(Text):
        content = text.get_text()
        if content.translate(_NARROW) != content:
            text.set_text(content.translate(_NARROW))


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save inside this: the style for all figures, one thread at a time (matplotlib's settings are global)."""
    register_fonts()
    with _lock, mpl.rc_context(RC):  # type: ignore[arg-type]
        yield


def text_width(text: str) -> float:
    """Width of one line in ems, near enough to wrap and to keep labels apart."""
    width = 0.0
    for c in text:
        if ord(c) >= 0x2E80:
            width += 1.0
        elif c in "iljtfr.,:;'|!()[] ·":
            width += 0.31
        elif c in "mwMW%@":
            width += 0.88
        elif c.isupper():
            width += 0.65
        else:
            width += 0.56
    return width


_NOT_FIRST = set("，。、；：？！）」』》”’…%‰,.;:?!)]")


def _pieces(text: str) -> list[str]:
    """Breakable pieces: words with the blank behind them, CJK characters with punctuation that cannot begin lines."""
    pieces: list[str] = []
    for c in text:
        wide = ord(c) >= 0x2E80
        joins = pieces and c in _NOT_FIRST
        word = pieces and not wide and not pieces[-1].endswith(" ") and ord(pieces[-1][-1]) < 0x2E80
        if joins or word or (c == " " and pieces):
            pieces[-1] += c
        else:
            pieces.append(c)
    return pieces


def wrap(text: str, width: float, lines: int | None = None) -> str:
    """`text` broken into lines of at most `width` ems; beyond `lines` lines it ends in an ellipsis."""
    out: list[str] = []
    for paragraph in text.split("\n"):
        row = ""
        for piece in _pieces(paragraph):
            if row and text_width((row + piece).rstrip()) > width:
                out.append(row.rstrip())
                row = piece
            else:
                row += piece
            while text_width(row.rstrip()) > width * 1.15 and len(row) > 4:  # a single word longer than the line
                cut = max(2, int(len(row) * width / text_width(row)))
                out.append(row[:cut])
                row = row[cut:]
        out.append(row.rstrip())
    if lines is not None and len(out) > lines:
        last = out[lines - 1]
        while last and text_width(last + "…") > width:
            last = last[:-1]
        out = [*out[: lines - 1], last.rstrip() + "…"]
    return "\n".join(out)
