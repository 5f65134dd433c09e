"""01: the method's eight base assumptions on one screen."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.definitions import kept_verdicts
from kaanalysis.figures.parts import cut_ends, format_axis, interval_h, log_ticks, rows_of, state_mark
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, LINE, SEGMENTS, SMALL, STATES, wrap
from kaanalysis.results import Number, Result
from kaanalysis.text import rounded

AXES = ("M-1.1", "M-1.2", "M-1.3", "M-1.4")
COLUMNS = ("SMB", "KA")
BELOW = {"few", "short", "generic"}  # statements that hold where the number lies below its mark
LOGARITHMIC = {"accounts_estimated", "spend_ratio"}


def _limits(row: Any) -> tuple[float, float]:
    """Limits that hold mark, value and as much of the interval as leaves both to be seen; logarithmic for counts and ratios."""
    seen = [float(v) for v in (row.value, row.now) if np.isfinite(v)]
    seen += [float(row.low)] if not np.isfinite(row.value) and np.isfinite(row.low) else []
    ends = [float(v) for v in (row.low, row.high) if np.isfinite(v)]
    if row.number in LOGARITHMIC:
        low, high = min(seen), max(seen)
        low = max(min([low, *ends]), low / 20)
        high = min(max([high, *ends]), high * 20)
        room = (high / low) ** 0.08 * 1.12
        return low / room, high * room
    if row.unit == "share":
        return 0.0, min(1.0, max([*seen, *ends]) * 1.15) or 1.0
    return 0.0, min(max([*seen, *ends]), 3 * max(seen)) * 1.12


def _number(row: Any) -> Number:
    """The row's number as precise as its interval allows."""
    value, low, high = (float(v) if np.isfinite(v) else None for v in (row.value, row.low, row.high))
    return rounded(Number(str(row.number), str(row.of), value, low, high, None, int(row.n), str(row.unit), ""))


def statement_cell(row: Any, scene: Scene, ax: Axes) -> Axes:
    """One statement: its number with interval on its own scale, the side on which it holds, the verdict in shape and word."""
    ax.set_title(wrap(scene.words.term("statement", str(row.statement)), 23), fontsize=BASE, color=INK, linespacing=1.1)
    ax.set_yticks([])
    ax.set_ylim(0, 1)
    ax.grid(False, axis="y")
    ax.spines["left"].set_visible(False)
    state = str(row.state)
    trans = ax.get_yaxis_transform()
    state_mark(ax, 0.02, 0.84, state, 7, transform=trans)
    word = scene.words(f"states.{state}")
    ax.text(
        0.05,
        0.84,
        word,
        transform=ax.transAxes,
        va="center",
        fontsize=SMALL + 0.5,
        fontweight="bold",
        color=STATES[state][2],
    )
    number = _number(row)
    if number.value is None and number.low is None:
        ax.set_xticks([])
        ax.set_xlim(0, 1)
        ax.set_xlabel(scene.words(f"number_names.{row.number}"))
        return ax
    span = scene.between(number.low, number.high, number.unit, number.value) if number.value is not None else ""
    value = scene.words.estimate(number)
    text = scene.text("value" if span else "bare", value=value, span=span, n=scene.count(number.n))
    ax.text(1.0, 0.84, text, transform=ax.transAxes, ha="right", va="center", fontsize=SMALL)
    low, high = _limits(row)
    if row.number in LOGARITHMIC:
        ax.set_xscale("log")
    ax.set_xlim(low, high)
    mark = float(row.now)
    side = (low, mark) if row.statement in BELOW else (mark, high)
    ax.fill_between(side, 0, 0.66, color=LINE, alpha=0.22, linewidth=0, zorder=0)
    ax.plot([mark, mark], [0, 0.66], color=INK, linewidth=1.1, linestyle=(0, (4, 3)), zorder=2)
    color = SEGMENTS[str(row.segment)]
    interval_h(ax, 0.33, row.value, row.low, row.high, color, 8)
    open_top = np.isfinite(row.low) and not np.isfinite(row.high)
    if open_top:
        ax.plot([row.low, high], [0.33, 0.33], color=color, linewidth=2.2, solid_capstyle="butt", zorder=3)
        if number.value is None:  # no middle value: the limit itself is marked
            ax.plot([row.low, row.low], [0.24, 0.42], color=color, linewidth=2.2, zorder=3)
    cut_ends(ax, 0.33, row.low, np.inf if open_top else row.high, color)
    if row.number in LOGARITHMIC:
        log_ticks(ax.xaxis, low, high, scene.count, 5)
    else:
        format_axis(ax.xaxis, scene.share if row.unit == "share" else scene.count, 5)
    ax.set_xlabel(scene.text(f"of_{row.number}"))
    return ax


def draw_statements(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("statements")
    axes = figure.subplots(4, 2, squeeze=False, sharey=True)
    cells = {(str(r.axis), str(r.segment)): r for r in rows_of(frame)}
    for row, axis in zip(axes, AXES, strict=True):
        for ax, segment in zip(row, COLUMNS, strict=True):
            statement_cell(cells[(axis, segment)], scene, ax)
        row[0].set_ylabel(wrap(scene.text(axis), 6), fontweight="bold", rotation=0, ha="left", va="center", labelpad=58)
    scene.note("reading", level=scene.level())


def _measured(result: Result) -> bool:
    return bool(result.frames["statements"][["value", "low"]].notna().any(axis=None))


def statement_terms(scene: Scene) -> dict[str, str]:
    """How many of the eight hold, by which definition of a key account, and how many verdicts do so by the others, for the title."""
    counts = scene.frame("statements")["state"].value_counts()
    terms = {s: scene.count(int(counts.get(s, 0))) for s in ("supported", "contradicted", "undecided", "no_data")}
    terms["all"] = scene.count(int(counts.sum()))
    used = next((f.terms["definition"] for f in scene.result.findings if "definition" in f.terms), None)
    terms["definition"] = scene.words.term("definition", used or str(scene.policy["segment.definition"]))
    frame = scene.result.frames.get("definitions")
    kept, findings, definitions = kept_verdicts(frame, scene) if frame is not None else (0, 0, "")
    said = {"kept": scene.count(kept), "findings": scene.count(findings), "definitions": definitions}
    terms["moves"] = scene.text("moves", **said) if definitions else ""
    if counts.get("supported", 0) == counts.sum():
        return {"variant": "all", **{k: terms[k] for k in ("all", "definition", "moves")}}
    return terms | ({"variant": "gaps"} if counts.get("no_data", 0) else {})


FIGURES = (
    FigureSpec("statements", ("statements",), draw_statements, (8.2, 6.4), terms=statement_terms, worth=_measured),
)
