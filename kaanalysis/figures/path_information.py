"""04: what there is to find out before deciding, which inputs carry the uncertainty, and the paths' odds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple

from kaanalysis.figures.parts import baseline, format_axis, mark_line, only_x_grid, rows_of
from kaanalysis.figures.path_selection import ORDER
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, LINE, PATH_TEXT, PATHS, SOFT, wrap
from kaanalysis.results import Result

MOST_INPUTS, MOST_ROWS = 8, 10
PILOT = (5, 10, 20)
FILLS = {"data": INK, "both": SOFT, "policy": LINE}  # dark to light, so that grey tells them apart


def worth_bars(rows: pd.DataFrame, names: list[str], scene: Scene, ax: Axes) -> Axes:
    """A bar per study or input: what knowing it is worth, with its interval, dark where the company's data tell of it today."""
    for y, r in enumerate(rows_of(rows)):
        ax.barh(y, r.evppi, height=0.62, color=FILLS[str(r.origin)], zorder=2)
        ax.plot([r.low, r.high], [y, y], color="white", linewidth=3.4, solid_capstyle="butt", zorder=3)
        ax.plot([r.low, r.high], [y, y], color=INK, linewidth=1.3, solid_capstyle="butt", zorder=4)
    ax.set_yticks(range(len(rows)), names, linespacing=1.05)
    ax.set_ylim(len(rows) - 0.45, -0.6)
    only_x_grid(ax)
    return ax


def draw_information(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("information")
    studies = frame[frame["kind"] == "study"]
    inputs = frame[(frame["kind"] == "input") & (frame["evppi"] > 0)].head(MOST_INPUTS)
    left, right = figure.subplots(1, 2, sharex=True)
    worth_bars(studies, [wrap(scene.named("study", str(n)), 12, 3) for n in studies["name"]], scene, left)
    worth_bars(inputs, [wrap(scene.named("input", str(n)), 11, 3) for n in inputs["name"]], scene, right)
    evpi, cost = scene.number("evpi"), scene.number("waiting_cost")
    for ax, title in ((left, "studies"), (right, "inputs")):
        ax.set_title(scene.text(title), fontsize=BASE)
        ax.set_xlabel(scene.text("x_label", currency=scene.currency))
        if evpi is not None and evpi.value:
            mark_line(ax, x=float(evpi.value))
        if cost is not None and cost.value:
            ax.axvline(float(cost.value), color=INK, linewidth=1.2, linestyle=(0, (1, 2)), zorder=5)
    left.set_ylabel(scene.text("y_label"))
    right.set_ylabel(scene.text("y_input"))
    left.set_xlim(0, max(float(frame["high"].max()), float(evpi.value or 0) if evpi is not None else 0.0, 1.0) * 1.05)
    format_axis(left.xaxis, scene.compact, 4)
    format_axis(right.xaxis, scene.compact, 4)
    level = scene.share(float(frame["level"].iloc[0]))
    scene.note("reading", level=level, n=scene.count(int(frame["n"].iloc[0])))
    if evpi is not None and evpi.value:
        delay = "" if cost is None or not cost.value else scene.amount(float(cost.value))
        months = scene.count(float(scene.policy["ledger.study_months"]))
        scene.note("limits" if delay else "limit", evpi=scene.amount(float(evpi.value)), cost=delay, months=months)
    pilot = scene.result.frames.get("pilot_value")
    if pilot is not None and len(pilot):
        worth = pilot.set_index("deals")["evsi"]
        said = [scene.amount(float(worth[m])) for m in PILOT]
        scene.note("pilot", deals=scene.words.list_of(str(m) for m in PILOT), worth=scene.words.list_of(said))


def information_terms(scene: Scene) -> dict[str, str]:
    """The study worth most, and which of the four claims holds (M-4.4's term ``information``)."""
    frame = scene.frame("information")
    first = frame[frame["kind"] == "study"].iloc[0]
    finding = scene.finding("M-4.4")
    claim = finding.terms.get("information") if finding is not None else None
    terms = {"study": scene.named("study", str(first["name"])), "worth": scene.amount(float(first["evppi"]))}
    return {"variant": claim, **terms} if claim else terms


def share_rows(rows: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Per input: Shapley effect as a bar with its interval, first order as a hollow ring, total order as a filled diamond."""
    for y, r in enumerate(rows_of(rows)):
        ax.barh(y, max(r.shapley, 0.0), height=0.6, color=FILLS[str(r.origin)], alpha=0.85, zorder=2)
        for color, width in (("white", 3.2), (INK, 1.2)):  # to be seen on dark bars too
            ax.plot([r.shapley_low, r.shapley_high], [y, y], color=color, linewidth=width, zorder=3)
        for value, offset, marker, face in ((r.first, -0.2, "o", "white"), (r.total, 0.2, "D", "#A63D1E")):
            ax.plot(
                [value], [y + offset], marker, color=face, markeredgecolor=INK, markeredgewidth=1.2, markersize=5.5,
                linestyle="none", zorder=5,
            )  # fmt: skip
    ax.set_yticks(range(len(rows)), [wrap(scene.named("input", str(n)), 24, 2) for n in rows["input"]])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    only_x_grid(ax)
    baseline(ax, x=0.0)
    return ax


def draw_sensitivity(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("sensitivity")
    rows = frame[frame["output"] == "difference"].head(MOST_ROWS)
    ax = share_rows(rows, scene, figure.subplots())
    ends = rows[["shapley_high", "first", "total"]].to_numpy(float)
    ax.set_xlim(min(0.0, float(rows["shapley_low"].min()) * 1.2), max(float(np.nanmax(ends)) * 1.08, 0.05))
    format_axis(ax.xaxis, scene.share, 6)
    first = rows.iloc[0]
    pair = {c: scene.named("path", str(first[c])) for c in ("one", "other")}
    ax.set_xlabel(scene.text("x_label", **pair))
    ax.set_ylabel(scene.text("y_label"))
    scene.note("reading", level=scene.share(float(first["level"])))
    scene.note("orders")


def sensitivity_terms(scene: Scene) -> dict[str, str]:
    rows = scene.frame("sensitivity")
    first = rows[rows["output"] == "difference"].iloc[0]
    pair = {c: scene.named("path", str(first[c])) for c in ("one", "other")}
    return {**pair, "input": scene.named("input", str(first["input"])), "share": scene.share(float(first["shapley"]))}


def odds_curves(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Distribution function of each path's net present value, its chance to be the best in the legend."""
    drawn = []
    for path, dash in zip(ORDER, ((0, (1, 1)), "-", (0, (5, 2))), strict=True):
        curve = frame[frame["path"] == path]
        best = scene.number("p_best", path)
        said = scene.named("path", path)
        if best is not None and best.value is not None:
            said = scene.text("curve", path=said, share=scene.share(float(best.value)))
        (wide,) = ax.plot(curve["npv"], curve["share"], color=PATHS[path], linewidth=4.2, alpha=0.9, zorder=2)
        (thin,) = ax.plot(curve["npv"], curve["share"], color=PATH_TEXT[path], linewidth=1.4, linestyle=dash, zorder=3)
        drawn.append(((wide, thin), said))
    legend = ax.legend(
        [d for d, _ in drawn], [t for _, t in drawn], loc="lower right", frameon=False, handlelength=2.6,
        handler_map={tuple: HandlerTuple(ndivide=1)},
    )  # fmt: skip
    for text, path in zip(legend.get_texts(), ORDER, strict=True):
        text.set_color(PATH_TEXT[path])
        text.set_fontweight("bold")
    ax.axvline(0, color=INK, linewidth=0.9, zorder=1.6)
    return ax


def draw_odds(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("path_odds")
    ax = odds_curves(frame, scene, figure.subplots())
    # The far tails of the widest path would flatten the rest.
    inner = frame[(frame["share"] >= 0.02) & (frame["share"] <= 0.98)]["npv"]
    room = float(inner.max() - inner.min())
    ax.set_xlim(float(inner.min()) - 0.02 * room, float(inner.max()) + 0.12 * room)
    ax.set_ylim(0, 1.02)
    format_axis(ax.xaxis, scene.compact, 7)
    format_axis(ax.yaxis, scene.share, 5)
    ax.set_xlabel(scene.text("x_label", currency=scene.currency))
    ax.set_ylabel(scene.text("y_label"))
    scene.note("reading", n=scene.count(int(scene.frame("dominance")["n"].iloc[0])))
    held = {(str(r.one), str(r.other)): r for r in rows_of(scene.frame("dominance"))}
    for one, other in (("split", "part_time"), ("rebuild", "part_time"), ("rebuild", "split")):
        row = held[(one, other)]
        if not row.violation <= 0.5:  # told from the side of the one with the larger mean
            one, other = other, one
            row = held[(one, other)]
        names = {"one": scene.named("path", one), "other": scene.named("path", other)}
        violation = scene.share(float(row.violation)) if pd.notna(row.violation) else ""
        scene.note(f"dominance_{row.reading}", **names, violation=violation, better=scene.share(float(row.better)))


def odds_terms(scene: Scene) -> dict[str, str]:
    best = {p: scene.number("p_best", p) for p in ORDER}
    known = {p: float(n.value) for p, n in best.items() if n is not None and n.value is not None}
    if not known:
        return {"variant": "none"}
    path = max(known, key=lambda p: known[p])
    return {"path": scene.named("path", path), "share": scene.share(known[path])}


def _anything(result: Result) -> bool:
    return bool((result.frames["information"]["evppi"] > 0).any())


FIGURES = (
    FigureSpec("path_odds", ("path_odds", "dominance"), draw_odds, (7.6, 4.4), terms=odds_terms),
    FigureSpec("sensitivity", ("sensitivity",), draw_sensitivity, (7.6, 4.8), terms=sensitivity_terms),
    FigureSpec("information", ("information",), draw_information, (8.6, 4.8), terms=information_terms, worth=_anything),
)
