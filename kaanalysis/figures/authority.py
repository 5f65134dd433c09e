"""02: approvals against the amount, with the limit at which they are added and what that costs in days (M-2.5)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import format_axis, interval_h, jitter, log_ticks, only_x_grid
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, SEGMENT_TEXT, SEGMENTS, SMALL, SOFT, wrap
from kaanalysis.results import Result

MOST = 2000  # flows drawn of each segment; the fit rests on all
DAYS = ("limit_days", "limit_step_days")


def _panel(flows: pd.DataFrame, fit: pd.Series, scene: Scene, ax: Axes, step: str) -> Axes:
    """One segment: a dot per finished flow, the mean below and above the limit, its interval shaded."""
    segment = str(fit["segment"])
    shown = flows if len(flows) <= MOST else flows.iloc[:: -(-len(flows) // MOST)]
    amount, approvals = shown["amount"].to_numpy(float), shown["approvals"].to_numpy(float)
    low, high = float(amount.min()) / 1.15, float(amount.max()) * 1.15
    lift = jitter(len(shown), 0.34)
    ax.plot(
        amount, approvals + lift, "o", color=SEGMENTS[segment], markersize=3.6, alpha=0.55, markeredgewidth=0, zorder=2
    )
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    bottom, top = approvals.min() - 0.6, approvals.max() + 1.0
    ax.set_ylim(bottom, top)
    limit = fit["limit"]
    if pd.isna(limit):
        ax.plot([low, high], [fit["below"]] * 2, color=INK, linewidth=1.6, zorder=4)
        p_value = fit["p_value"]
        tested = pd.notna(p_value)
        note = scene.text("no_limit", p=scene.words.value(p_value, "probability")) if tested else scene.text("no_test")
        ax.annotate(note, (0.02, 0.96), xycoords="axes fraction", va="top", fontsize=SMALL + 0.5, color=SOFT)
    else:
        ends = [
            float(fit["low"]) if pd.notna(fit["low"]) else low,
            float(fit["high"]) if pd.notna(fit["high"]) else high,
        ]
        ax.axvspan(*ends, color=INK, alpha=0.16, linewidth=0, zorder=1)
        ax.plot(
            [low, limit, limit, high],
            [fit["below"], fit["below"], fit["above"], fit["above"]],
            color=INK,
            linewidth=1.8,
            zorder=4,
        )
        span = scene.between(fit["low"], fit["high"], scene.currency)
        label = scene.text("limit", value=scene.compact(float(limit)), span=span)
        if pd.notna(fit["round_amount"]):
            label += "\n" + scene.text("limit_round", value=scene.compact(float(fit["round_amount"])))
        left = np.log(limit / low) > 0.5 * np.log(high / low)
        ax.annotate(
            label, (float(limit), top), xytext=(-7 if left else 7, -3), textcoords="offset points",
            ha="right" if left else "left", va="top", fontsize=SMALL + 0.5, fontweight="bold",
        )  # fmt: skip
        if step:
            ax.annotate(
                scene.text("added", step=scene.step(step)), ((limit * high) ** 0.5, float(fit["above"])), xytext=(0, 14),
                textcoords="offset points", ha="center", va="bottom", fontsize=SMALL + 0.5, color=SEGMENT_TEXT[segment],
            )  # fmt: skip
    title = scene.text(
        "panel", segment=scene.segment(segment), n=scene.count(len(flows)), all=scene.count(int(fit["flows"]))
    )
    ax.set_title(title, fontsize=BASE, color=SEGMENT_TEXT[segment])
    log_ticks(ax.xaxis, low, high, scene.compact, 6)
    first, last = int(np.floor(approvals.min())), int(np.ceil(approvals.max()))
    ax.set_yticks(range(max(0, first), last + 1, max(1, (last - first) // 6)))
    format_axis(ax.yaxis, scene.count)
    ax.set_xlabel(scene.text("x_label", currency=scene.currency))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def _days(scene: Scene, ax: Axes) -> Axes:
    """Days added: all in all around the limit, and in the added approvals themselves."""
    rows = [(name, n) for name in DAYS if (n := scene.number(name, "KA")) is not None]
    reach = 0.0
    for y, (_, n) in enumerate(rows):
        interval_h(ax, y, n.value, n.low, n.high, SEGMENTS["KA"], 8)
        ends = [float(v) for v in (n.value, n.low, n.high) if v is not None]
        reach = max(reach, *ends)
        ax.annotate(
            scene.words.value(n.value, "days"), (float(n.value or 0), y), xytext=(0, 7), textcoords="offset points",
            ha="center", va="bottom", fontsize=SMALL + 0.5,
        )  # fmt: skip
    ax.axvline(0, color=INK, linewidth=0.9)
    ax.set_xlim(right=reach * 1.08)
    ax.set_yticks(range(len(rows)), [wrap(scene.text(name), 15) for name, _ in rows])
    ax.set_ylim(-0.5, len(rows) - 0.3)
    ax.invert_yaxis()
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.count, 6)
    ax.set_title(scene.text("days_title"), fontsize=BASE)
    ax.set_xlabel(scene.text("days_x"))
    ax.set_ylabel(scene.text("days_y"))
    return ax


def draw_authority(scene: Scene, figure: Figure) -> None:
    flows, fits = scene.frame("authority_flows"), scene.frame("authority_fits")
    finding = scene.finding("M-2.5")
    step = finding.terms.get("step", "") if finding is not None else ""
    shown = [fit for _, fit in fits.sort_values("segment").iterrows()]  # KA first
    with_days = any(scene.number(name, "KA") is not None for name in DAYS)
    heights = [*([2.6] * len(shown)), *([1.25] if with_days else [])]
    figure.set_size_inches(8.2, sum(heights) + 0.75 * len(heights) + 0.6)
    panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, fit in zip(panels, shown, strict=False):
        segment = str(fit["segment"])
        _panel(flows[flows["segment"] == segment], fit, scene, ax, step if segment == "KA" else "")
    if with_days:
        _days(scene, panels[-1])
    scene.note("reading", level=scene.level())


def _there(result: Result) -> bool:
    """A key-account panel is what the figure is about."""
    return bool((result.frames["authority_flows"]["segment"] == "KA").any())


FIGURES = (
    FigureSpec(
        "authority_limit", ("authority_flows", "authority_fits"), draw_authority, (8.2, 8.0), ("M-2.5",), worth=_there
    ),
)
