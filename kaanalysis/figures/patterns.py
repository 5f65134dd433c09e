"""05: the six patterns on one page, each with its signs against the margin that counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator

from kaanalysis.figures.parts import cut_ends, rows_of
from kaanalysis.figures.pattern_parts import PATTERNS, VERDICTS, p_text, pattern_name, several, verdict_mark
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, LINE, SMALL, SOFT, wrap
from kaanalysis.results import Number, Result
from kaanalysis.text import POINTS, rounded

STRIP, GAP, HEAD = 1.2, 0.35, 1.5  # lines of words that an interval, the room below it and a panel's head take
REACH = 4.0  # half widths of an interval that the scale shows on either side of the margin
TEXT_SIZE = SMALL - 0.5
WIDTH = 3.55 * 72 / TEXT_SIZE  # ems of words that a panel holds


def place(row: Any) -> tuple[float, float, float] | None:
    """(value, low, high) of a sign as distances from its margin in half widths of its own interval, so that it lies beyond the margin where
    they are above 0, whichever side that is. Ratios are taken by their logarithm. None without an interval of any width."""
    four = [float(v) for v in (row.value, row.low, row.high, row.margin)]
    if not all(math.isfinite(v) for v in four):
        return None
    if str(row.unit) == "ratio" and min(four) > 0:
        four = [math.log(v) for v in four]
    value, low, high, margin = four
    half = (high - low) / 2
    if half <= 0:
        return None
    side = 1.0 if row.beyond == "above" else -1.0
    ends = sorted((side * (low - margin) / half, side * (high - margin) / half))
    return side * (value - margin) / half, ends[0], ends[1]


def verdict_of(at: tuple[float, float, float]) -> str:
    """What one sign alone says: supported where its whole interval lies beyond the margin (:func:`place`), contradicted where it lies
    within, else undecided."""
    _, low, high = at
    return "supported" if low > 0 else "contradicted" if high < 0 else "undecided"


def _words(row: Any, scene: Scene) -> tuple[str, str]:
    """(the sign's name, its effect with its interval in its own unit and the margin)."""
    name = scene.words(f"number_names.{row.sign}") if scene.words.has(f"number_names.{row.sign}") else str(row.sign)
    value, low, high = (float(v) if np.isfinite(v) else None for v in (row.value, row.low, row.high))
    if value is None:
        return name, scene.text("sign_missing")
    unit = str(row.unit)
    number = rounded(Number(str(row.sign), "all", value, low, high, None, int(row.n), unit, ""))
    margin, said = float(row.margin) + 0.0, scene.words.estimate(number)  # + 0.0: a margin of -0.0 is none
    span = scene.words.span(number)
    # Hundredths are named once, behind the value.
    counts = scene.count(round(100 * margin, 2)) if unit == POINTS else scene.words.margin(margin, unit)
    counted = scene.text(str(row.beyond), value=counts)
    if not span:
        return name, scene.text("sign_bare", value=said, margin=counted).replace("-", "−")
    return name, scene.text("sign", value=said, span=span, margin=counted).replace("-", "−")


@dataclass(frozen=True)
class Block:
    """One sign's lines of words and whether an interval lies under them."""

    row: Any
    lines: list[str]

    @property
    def height(self) -> float:
        """In lines: its words, its interval where there is one, and room below."""
        return len(self.lines) + (STRIP if place(self.row) else 0.0) + GAP


def blocks(signs: pd.DataFrame, scene: Scene) -> list[Block]:
    """The signs of a pattern with their words broken to the panel's width."""
    made = []
    for row in rows_of(signs):
        name, said = _words(row, scene)
        made.append(Block(row, [*wrap(name, WIDTH, 2).split("\n"), *wrap(said, WIDTH, 2).split("\n")]))
    return made


def pattern_panel(found: list[Block], id: str, scene: Scene, ax: Axes, lines: float) -> Axes:
    """One pattern: head with verdict and p-value, and for each sign its words above its interval, which is shaded where the sign is there.
    lines: room for so many lines of words."""
    finding = scene.finding(id)
    state = finding.state if finding is not None else "no_data"
    p = finding.number("p_adjusted") if finding is not None else None
    # Of a pattern that is not there the p-value of its being there says nothing more.
    said = p_text(scene, None if p is None or state == "contradicted" else p.value)
    head = scene.text("head", id=id, name=pattern_name(scene, id))
    verdict = scene.text("verdict", state=scene.text(state), p=said) if said else scene.text(state)
    ax.set_xlim(-REACH, REACH)
    ax.set_ylim(lines, -HEAD)
    verdict_mark(ax, -REACH * 0.97, 0.55 - HEAD, state, 7)
    ax.text(-REACH * 0.9, 0.55 - HEAD, head, fontsize=BASE, fontweight="bold", va="center")
    ax.text(
        REACH,
        0.55 - HEAD,
        verdict,
        fontsize=SMALL,
        fontweight="bold",
        va="center",
        ha="right",
        color=VERDICTS[state][2],
    )
    y = 0.0
    for block in found:
        for k, line in enumerate(block.lines):
            ax.text(-REACH, y + k + 0.5, line, fontsize=TEXT_SIZE, va="center")
        _interval(block.row, y + len(block.lines), ax)
        y += block.height
    if not found:
        needs = ", ".join(finding.needs) if finding is not None else ""
        ax.text(
            -REACH,
            0.1,
            wrap(scene.text("pattern_missing", needs=needs), WIDTH, 4),
            fontsize=TEXT_SIZE,
            va="top",
            color=SOFT,
        )
    ax.set_yticks([])
    ax.grid(False)
    ax.xaxis.set_major_locator(FixedLocator([-4, -2, 0, 2, 4]))
    ax.tick_params(axis="x", length=2)
    ax.spines["left"].set_visible(False)
    return ax


def _interval(row: Any, top: float, ax: Axes) -> None:
    """A sign's interval in a strip below its words."""
    at = place(row)
    if at is None:
        return
    ax.add_patch(Rectangle((-REACH, top), REACH, STRIP, facecolor="#F4F5F6", linewidth=0, zorder=0))
    ax.add_patch(Rectangle((0, top), REACH, STRIP, facecolor=LINE, alpha=0.35, linewidth=0, zorder=0))
    ax.plot([0, 0], [top, top + STRIP], color=INK, linewidth=1.2, zorder=2)
    state = verdict_of(at)
    color, middle = VERDICTS[state][0], top + STRIP / 2
    value, low, high = at
    ends = [float(np.clip(v, -REACH, REACH)) for v in (low, high)]
    if ends[0] < ends[1]:
        ax.plot(ends, [middle] * 2, color=color, linewidth=2.2, solid_capstyle="butt", zorder=3)
    if abs(value) <= REACH:
        verdict_mark(ax, value, middle, state, 6)
    cut_ends(ax, middle, low, high, color)


def draw_patterns(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("signs")
    found = {id: blocks(frame[frame["pattern"] == id], scene) for id in PATTERNS}
    lines = [max(4.0, *(sum(b.height for b in found[id]) for id in PATTERNS[at : at + 2])) for at in range(0, 6, 2)]
    figure.set_size_inches(8.2, (sum(lines) + 3 * HEAD) * TEXT_SIZE * 1.28 / 72 + 1.9)
    axes = figure.subplots(3, 2, sharex=True, sharey="row", gridspec_kw={"height_ratios": [n + HEAD for n in lines]})
    for at, id in enumerate(PATTERNS):
        pattern_panel(found[id], id, scene, axes[at // 2, at % 2], lines[at // 2])
    for ax in axes[:, 0]:
        ax.set_ylabel(scene.text("y_label"), fontsize=SMALL, color=SOFT)
    for ax in axes[2]:
        ax.xaxis.set_major_formatter(lambda v, _: scene.count(v).replace("-", "−"))
        ax.set_xlabel(scene.text("x_label"), fontsize=SMALL)
    scene.note("reading", level=scene.share(scene.policy["evidence.level"]))
    scene.note("shapes")


def patterns_terms(scene: Scene) -> dict[str, str]:
    """Which of the patterns are there, and how many surely are not, for the title."""
    states = {id: f.state for id in PATTERNS if (f := scene.finding(id)) is not None}
    there = [id for id, state in states.items() if state == "supported"]
    absent = sum(state == "contradicted" for state in states.values())
    unmeasured = sum(states.get(id, "no_data") == "no_data" for id in PATTERNS)
    still = scene.count(len(PATTERNS) - len(there) - absent - unmeasured)
    rest = (
        scene.text("rest_unmeasured", open=still, missing=scene.count(unmeasured))
        if unmeasured
        else scene.text("rest", open=still)
    )
    counts = {"absent": scene.count(absent), "rest": rest}
    if not there:
        return {"variant": "none", **counts}
    key = "one" if len(there) == 1 else "some"
    return {"variant": key, "patterns": several(scene, there), "n": scene.count(len(there)), **counts}


def _measured(result: Result) -> bool:
    frame = result.frames["signs"]
    return bool(frame.loc[frame["pattern"].isin(PATTERNS), "value"].notna().any())


FIGURES = (FigureSpec("patterns", ("signs",), draw_patterns, (8.2, 8.0), terms=patterns_terms, worth=_measured),)

__all__ = ["FIGURES", "draw_patterns", "pattern_panel", "patterns_terms", "place", "verdict_of"]
