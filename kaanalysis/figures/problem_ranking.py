"""00: which of the four problem statements weighs most."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import (
    baseline,
    cut_ends,
    format_axis,
    interval_h,
    only_x_grid,
    rows_of,
    state_mark,
    window,
)
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, LINE, SMALL, SOFT, STATES, wrap

STATEMENTS = ("M-0.1", "M-0.2", "M-0.3", "M-0.4")


NOBODY = "none"


def ranked(scene: Scene) -> pd.DataFrame:
    """The frame, most likely largest first, with the statements that could not be fed below it, and last that none misses anything."""
    frame = scene.frame("problem_ranking").sort_values("p_first", ascending=False, kind="stable")
    states = {f.id: f.state for f in scene.result.findings}
    rest = [s for s in STATEMENTS if s in states and s not in set(frame["statement"])]
    more = pd.DataFrame({"statement": rest, "state": [states[s] for s in rest]}).reindex(columns=frame.columns)
    nobody = frame["statement"] == NOBODY
    return pd.concat([f for f in (frame[~nobody], more, frame[nobody]) if len(f)], ignore_index=True)


def statement_name(scene: Scene, id: str) -> str:
    """The statement in a few words; the industry named where one is meant."""
    finding = scene.finding(id)
    industry = finding.terms.get("industry") if finding is not None else None
    if id == "M-0.2" and industry:
        return scene.text("M-0.2_named", industry=scene.words.term("industry", industry))
    return scene.text(id)


def _partly(row: Any) -> bool:
    """Whether less of a shortfall counts than there is."""
    return bool(np.isfinite(row.shortfall) and abs(row.counted - row.shortfall) > 1e-6 * abs(row.shortfall))


def shortfall_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """What each statement misses in a period, with its interval; 0 parts what is missing from what is not."""
    left, right = window(frame["shortfall"], frame["low"], frame["high"])
    reach = right - left
    ax.set_xlim(left - 0.02 * reach, right + 0.02 * reach)
    ax.axvspan(max(0.0, left), right + 0.02 * reach, color=LINE, alpha=0.13, linewidth=0, zorder=0)
    baseline(ax, x=0)
    for y, r in enumerate(rows_of(frame)):
        if r.statement == NOBODY:
            continue
        if not np.isfinite(r.shortfall):
            ax.annotate(scene.words("states.no_data"), (0, y), xytext=(6, 0), textcoords="offset points", va="center",
                        fontsize=SMALL, color=SOFT)  # fmt: skip
            continue
        color = INK if y == 0 and r.counted > 0 else SOFT
        interval_h(ax, y, np.nan, r.low, r.high, color)
        cut_ends(ax, y, r.low, r.high, color)
        label, partly = scene.signed(r.shortfall), _partly(r)
        if partly:
            ax.plot(
                [r.shortfall],
                [y],
                "o",
                color=color,
                markerfacecolor="white",
                markersize=8,
                markeredgewidth=1.4,
                zorder=4,
            )
            label = scene.text("counts", value=label, counted=scene.signed(r.counted))
        interval_h(ax, y, r.counted, None, None, color, 8)
        ax.annotate(
            label,
            (r.shortfall if not partly else (r.shortfall + r.counted) / 2, y),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL,
            fontweight="bold" if y == 0 else "normal",
        )
    names = [wrap(statement_name(scene, str(s)), 15) for s in frame["statement"]]
    ax.set_yticks(range(len(frame)), names)
    ax.set_ylim(len(frame) - 0.45, -0.75)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.compact, 5)
    ax.set_xlabel(scene.text("x_label", currency=scene.currency))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def state_column(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """The verdict of each statement: shape and word."""
    for y, (statement, state) in enumerate(zip(frame["statement"], frame["state"], strict=True)):
        if statement == NOBODY:
            continue
        state_mark(ax, 0.06, y, str(state), 7)
        ax.text(0.17, y, wrap(scene.words(f"states.{state}"), 8), va="center", fontsize=SMALL, color=STATES[state][2])
    ax.set_xlim(0, 1)
    ax.set_xticks([0.5], [" "])
    ax.grid(False)
    ax.tick_params(axis="y", labelleft=False)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_xlabel(scene.text("state_label"))
    return ax


def chance_bars(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """The chance of each statement to be the one that misses most."""
    for y, (statement, chance) in enumerate(zip(frame["statement"], frame["p_first"], strict=True)):
        nobody = statement == NOBODY
        if np.isfinite(chance):
            ax.barh(
                y,
                chance,
                height=0.5,
                color=INK if y == 0 else LINE,
                hatch="///" if nobody else None,
                edgecolor="white" if nobody else None,
            )
            text = scene.words.value(float(chance), "probability")
            ax.annotate(text, (chance, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=SMALL)
    only_x_grid(ax)
    ax.tick_params(axis="y", labelleft=False)
    ax.set_xlim(0, 1.3)
    ax.set_xticks([0, 0.5, 1])
    ax.xaxis.set_major_formatter(scene.share)
    ax.set_xlabel(scene.text("chance_label"))
    return ax


def draw_ranking(scene: Scene, figure: Figure) -> None:
    frame = ranked(scene)
    figure.set_size_inches(8.2, 1.7 + 0.5 * len(frame))
    left, middle, right = figure.subplots(1, 3, sharey=True, width_ratios=[2.6, 0.85, 1])
    shortfall_rows(frame, scene, left)
    state_column(frame, scene, middle)
    chance_bars(frame, scene, right)
    for ax in (middle, right):
        ax.title.set_fontsize(BASE)
    number = scene.number("shortfall")
    target = scene.share(scene.policy["growth.target_rate"])
    n = scene.count(number.n if number is not None else 0)
    scene.note("reading", level=scene.level(), target=target, n=n)
    for r in rows_of(frame[frame["statement"] == "M-0.2"]):
        if _partly(r):
            scene.note("industry", level=scene.share(r.level))


def ranking_terms(scene: Scene) -> dict[str, str]:
    """The statement most likely to weigh most, for the title: open where another may as well; where none surely misses anything, that."""
    frame = scene.frame("problem_ranking")
    frame = frame[frame["statement"] != NOBODY].sort_values("p_first", ascending=False, kind="stable")
    top = frame.iloc[0]
    terms = {
        "statement": statement_name(scene, str(top["statement"])),
        "chance": scene.words.value(float(top["p_first"]), "probability"),
        "amount": scene.amount(float(top["counted"])),
        "target": scene.share(scene.policy["growth.target_rate"]),
    }
    if float(top["counted"]) <= 0:
        return {**terms, "variant": "none"}
    if not (frame["low"] > 0).any():
        return {**terms, "variant": "unsure"}
    return (
        terms
        if float(top["p_first"]) >= scene.policy["evidence.level"] and top["low"] > 0
        else {**terms, "variant": "open"}
    )


FIGURES = (FigureSpec("problem_ranking", ("problem_ranking",), draw_ranking, (8.2, 4.2), terms=ranking_terms),)
