"""03: who follows the standard sequence: compliance by seller as a funnel plot, and what departs from it (M-3.1)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from kaanalysis.figures.parts import format_axis, only_x_grid, room_for_text, rows_of
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, BASE, INK, LINE, SEGMENT_TEXT, SEGMENTS, SMALL, SOFT, wrap

CONTROL = (0.95, 0.998)  # two and three standard errors, the usual limits of a funnel plot
MOST_KINDS, MOST_NAMED = 8, 4


def funnel_limits(count: np.ndarray, share: float, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Shares between which a seller with `count` deals lies with probability `level` if all comply alike: exact binomial quantiles, moved
    between whole deals so that the limits are smooth (Spiegelhalter 2005, Statistics in Medicine 24, 1185–1202, appendix A.1.1); 1
    where even a seller all of whose deals comply is nothing rare, 0 likewise."""
    out = []
    for p in ((1 - level) / 2, (1 + level) / 2):
        r = stats.binom.ppf(p, count, share)
        at, below = stats.binom.cdf(r, count, share), stats.binom.cdf(r - 1, count, share)
        smooth = np.clip((r - (at - p) / np.maximum(at - below, 1e-12)) / count, 0.0, 1.0)
        out.append(np.where(r == count, 1.0, np.where(r == 0, 0.0, smooth)))
    return out[0], out[1]


def beyond_chance(compliant: np.ndarray, count: np.ndarray, share: float, level: float) -> np.ndarray:
    """Sellers of whom so few or so many deals comply that it has a chance below (1 - level) / 2 on its side if all complied alike."""
    tail = (1 - level) / 2
    few = stats.binom.cdf(compliant, count, share) < tail
    return np.asarray(few | (stats.binom.sf(compliant - 1, count, share) < tail), dtype=bool)


def seller_funnel(scene: Scene, ax: Axes) -> Axes:
    """A dot per seller by number of deals: hollow as counted, filled shrunk toward the others, with its interval; the funnel holds what
    chance alone makes of sellers who comply alike."""
    sellers, whole = scene.frame("sop_sellers"), scene.frame("sop").iloc[0]
    share = float(whole["value"])
    most = float(sellers["deals"].max())
    grid = np.arange(1.0, max(most * 1.08, 6.0))
    if 0 < share < 1:
        for level, alpha in zip(CONTROL, (0.30, 0.16), strict=True):
            low, high = funnel_limits(grid, share, level)
            ax.fill_between(grid, low, high, color=LINE, alpha=alpha, linewidth=0, zorder=0.8)
    ax.axhline(share, color=SOFT, linewidth=1.2, zorder=1.5)
    outside = []
    beyond = beyond_chance(sellers["compliant"].to_numpy(), sellers["deals"].to_numpy(), share, CONTROL[1])
    for r, far in zip(rows_of(sellers), beyond, strict=True):
        color = BAD if far else SEGMENT_TEXT["SMB"]
        ax.plot([r.deals, r.deals], [r.low, r.high], color=color, linewidth=1.0, alpha=0.8, zorder=2)
        ax.plot([r.deals], [r.share], "o", markerfacecolor="none", markeredgecolor=color, markersize=5, zorder=3)
        fill = BAD if far else SEGMENTS["SMB"]
        ax.plot([r.deals], [r.shrunk], "o", color=fill, markeredgecolor="white", markersize=6.5, zorder=4)
        if far:
            outside.append(r)
    for r in sorted(outside, key=lambda r: abs(r.share - share), reverse=True)[:MOST_NAMED]:
        side = -1 if r.deals > most * 0.7 else 1
        ax.annotate(
            scene.words.term("seller", str(r.owner)), (r.deals, r.shrunk), xytext=(7 * side, 0), textcoords="offset points",
            ha="left" if side > 0 else "right", va="center", fontsize=SMALL, color=BAD,
        )  # fmt: skip
    ends = sellers[["low", "high", "share"]].to_numpy(float)
    bottom = float(ends.min())
    ax.set_ylim(max(0.0, bottom - 0.1 * (1.02 - bottom)) - 0.005, 1.012)
    ax.set_xlim(0, max(most * 1.08, 6.0))
    format_axis(ax.yaxis, scene.share if bottom < 0.95 else lambda v, _: scene.exact_share(v), 5)
    format_axis(ax.xaxis, scene.count, 5, whole=True)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    ax.set_title(scene.text("sellers_title", n=scene.count(len(sellers))), fontsize=BASE)
    return ax


def departure_bars(rows: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Share of the deals in which each departure occurs, the commonest first."""
    ax.barh(range(len(rows)), rows["share"], height=0.6, color=[INK if y == 0 else LINE for y in range(len(rows))])
    for y, r in enumerate(rows_of(rows)):
        ax.annotate(
            scene.text("departure", share=scene.exact_share(float(r.share)), n=scene.count(int(r.deals))),
            (float(r.share), y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=SMALL,
        )  # fmt: skip
    names = [wrap(scene.text(f"kind_{r.kind}", stage=scene.step(str(r.stage))), 13, 2) for r in rows_of(rows)]
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(max(len(rows), 3) - 0.4, -0.6)
    room_for_text(ax, float(rows["share"].max()), 1.75, scene)
    only_x_grid(ax)
    ax.set_xlabel(scene.text("share_label"))
    ax.set_ylabel(scene.text("kinds_label"))
    ax.set_title(scene.text("departures_title"), fontsize=BASE)
    return ax


def _stages(scene: Scene) -> str:
    names = str(scene.frame("sop").iloc[0]["standard"]).split(" > ")
    return " → ".join(scene.step(name) for name in names)


def draw_sop(scene: Scene, figure: Figure) -> None:
    rows = scene.result.frames.get("sop_deviations", pd.DataFrame()).head(MOST_KINDS)
    if len(rows):
        left, right = figure.subplots(1, 2, width_ratios=[1.45, 1])
        departure_bars(rows, scene, right)
    else:
        figure.set_size_inches(6.6, 4.2)
        left = figure.subplots()
    seller_funnel(scene, left)
    whole = scene.frame("sop").iloc[0]
    scene.note(f"standard_{whole['source']}", stages=_stages(scene))
    share = float(whole["value"])
    if 0 < share < 1:
        scene.note(
            "dots",
            level=scene.level(),
            inner=scene.share(CONTROL[0]),
            outer=f"{100 * CONTROL[1]:g}%",
        )
    else:
        scene.note("dots_alike", level=scene.level())


def sop_terms(scene: Scene) -> dict[str, str]:
    """The share of deals that comply and the commonest departure, for the title."""
    whole = scene.frame("sop").iloc[0]
    terms = {
        "share": scene.exact_share(float(whole["value"])),
        "n": scene.count(int(whole["deals"])),
        "stages": _stages(scene),
    }
    rows = scene.result.frames.get("sop_deviations")
    if rows is None or rows.empty:
        return terms | {"variant": "all"}
    first = rows.iloc[0]
    return terms | {"departure": scene.text(f"kind_{first['kind']}", stage=scene.step(str(first["stage"])))}


FIGURES = (FigureSpec("sop", ("sop", "sop_sellers"), draw_sop, (8.6, 4.6), (), sop_terms),)
