"""02: who does the sums, and what merged roles have to do with winning and with the cycle."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parties import segment_rows
from kaanalysis.figures.parts import baseline, format_axis, interval_h, only_x_grid, rows_of, window
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, SEGMENTS, SMALL
from kaanalysis.results import Result

KINDS = ("any", "compare_offers", "discount", "extras", "value_case")
WINS = ("merge_win_difference", "merge_win_difference_early")
CYCLE = "merge_cycle_ratio"
WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}


def draw_reckoning(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("reckoning").assign(unit="share")
    figure.set_size_inches(7.6, 1.3 + 0.62 * len(KINDS))
    ax = figure.subplots()
    segment_rows(frame, list(KINDS), scene, ax, 1.0)
    ax.set_xlim(-0.01, 1.16)
    ax.set_xticks(np.linspace(0, 1, 5))
    format_axis(ax.xaxis, scene.share)
    ax.set_xlabel(scene.text("x_label"))
    scene.note("reading", level=scene.level())


def reckoning_terms(scene: Scene) -> dict[str, str]:
    """The share of any kind in both segments, for the title; in one where there is one."""
    frame = scene.frame("reckoning")
    any_kind = frame[frame["kind"] == "any"].set_index("segment")["value"]
    if set(any_kind.index) == {"SMB", "KA"}:
        return {"smb": scene.share(float(any_kind["SMB"])), "ka": scene.share(float(any_kind["KA"]))}
    segment = str(any_kind.index[0])
    return {"variant": "one", "segment": scene.segment(segment), "share": scene.share(float(any_kind.iloc[0]))}


def outcome_rows(frame: pd.DataFrame, names: tuple[str, ...], neutral: float, scene: Scene, ax: Axes) -> Axes:
    """One row per number and segment: the difference with its interval against the line of no difference."""
    shown = frame[frame["number"].isin(names)].reset_index(drop=True)
    wins = names == WINS
    low, high = window(shown["value"], shown["low"], shown["high"], zero=wins)
    low, high = min(low, neutral), max(high, neutral)
    for y, r in enumerate(rows_of(shown)):
        interval_h(ax, y, r.value, r.low, r.high, SEGMENTS[str(r.segment)], 9)
        value = scene.words.value(float(r.value), str(r.unit)) if np.isfinite(r.value) else scene.words("numbers.none")
        text = scene.text("value", value=value, n=scene.count(int(r.n)))
        at = float(r.value) if np.isfinite(r.value) else neutral
        ax.annotate(
            text, (at, y), xytext=(0, 9), textcoords="offset points", ha="center", fontsize=SMALL, bbox=WHITE, zorder=2
        )
    names_of = [scene.text(f"row_{r.number}", segment=scene.segment(str(r.segment))) for r in rows_of(shown)]
    ax.set_yticks(range(len(shown)), names_of)
    ax.set_ylim(len(shown) - 0.5, -0.8)
    room = 0.12 * (high - low or 1)
    ax.set_xlim(low - room, high + room)
    baseline(ax, x=neutral)
    only_x_grid(ax)

    def points(value: float, _position: object = None) -> str:
        return scene.count(round(100 * value, 6)).replace("-", "−")

    format_axis(ax.xaxis, points if wins else scene.count, 4)
    ax.set_xlabel(scene.text("win_label" if wins else "cycle_label"))
    ax.set_title(scene.text("win_title" if wins else "cycle_title"), fontsize=BASE, color=INK)
    return ax


def draw_outcome(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("merge_outcome")
    rows = [int(frame["number"].isin(names).sum()) for names in (WINS, (CYCLE,))]
    figure.set_size_inches(7.8, 2.5 + 0.5 * sum(rows))
    top, bottom = figure.subplots(2, 1, height_ratios=[r + 0.8 for r in rows])
    outcome_rows(frame, WINS, 0.0, scene, top)
    outcome_rows(frame, (CYCLE,), 1.0, scene, bottom)
    for ax in (top, bottom):
        ax.set_ylabel(scene.text("y_label"))
    scene.note("reading", level=scene.level(), days=scene.count(int(scene.policy["roles.early_days"])))


def outcome_terms(scene: Scene) -> dict[str, str]:
    """Whether any segment's difference in winning is surely not 0, for the title."""
    frame = scene.frame("merge_outcome")
    wins = frame[frame["number"] == WINS[0]]
    sure = wins[(wins["low"] > 0) | (wins["high"] < 0)]
    if sure.empty:
        return {"variant": "open"}
    row = sure.iloc[0]
    variant = "more" if row["value"] > 0 else "less"
    value = scene.words.value(abs(float(row["value"])), "share difference")
    return {"variant": variant, "segment": scene.segment(str(row["segment"])), "value": value}


def _measured(result: Result) -> bool:
    return bool(result.frames["merge_outcome"]["value"].notna().any())


FIGURES = (
    FigureSpec("reckoning", ("reckoning",), draw_reckoning, (7.6, 4.4), (), reckoning_terms),
    FigureSpec("merge_outcome", ("merge_outcome",), draw_outcome, (7.8, 5.5), (), outcome_terms, _measured),
)
