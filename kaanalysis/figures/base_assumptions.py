"""01: how long customers stay, and what they spend."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from kaanalysis.figures.parts import format_axis, mark_line, step_band
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import SEGMENT_TEXT, SEGMENTS, SMALL
from kaanalysis.results import Result

ENOUGH_AT_RISK = 5  # fewer are not drawn at all; fewer than the policy's evidence.minimum_units are dashed


def _segments(frame: pd.DataFrame) -> list[str]:
    return [s for s in ("SMB", "KA", "all") if (frame["segment"] == s).any()]


def _followed(curve: pd.DataFrame) -> tuple[int, int]:
    """Customers behind a curve, and how many of them were customers before the records began and enter late."""
    n = int(curve["entered"].sum())
    return n, n - int(curve.sort_values("months")["at_risk"].iloc[0])


def _shown_until(frame: pd.DataFrame, horizon: float | None) -> float:
    """Months to draw: as far as enough are still followed in some segment, at most twice the horizon; 0 where there never are."""
    reach = frame.loc[frame["at_risk"] >= ENOUGH_AT_RISK, "months"].max()
    reach = 0.0 if pd.isna(reach) else float(reach)
    return min(reach, 2 * horizon) if horizon else reach


def _anybody_followed(result: Result) -> bool:
    return bool((result.frames["survival"]["at_risk"] >= ENOUGH_AT_RISK).any())


def survival_curves(frame: pd.DataFrame, scene: Scene, ax: Axes, horizon: float | None = None) -> Axes:
    """Kaplan–Meier steps with log-log bands, labelled at the curve."""
    until = _shown_until(frame, horizon)
    for segment in _segments(frame):
        curve = frame[(frame["segment"] == segment) & (frame["months"] <= until)].sort_values("months")
        enough = curve["at_risk"] >= ENOUGH_AT_RISK
        # Late entries may bring their number up again: the curve ends where there are too few for the first time.
        curve = curve[enough.cummax() & ~(enough.cummax() & ~enough).cummax()]
        if curve.empty:  # too few were ever followed at one time: there is no curve to draw for them
            continue
        color = SEGMENTS[segment]
        step_band(ax, curve["months"], curve["low"], curve["high"], color)
        for thin, style in ((curve["at_risk"] < scene.policy["evidence.minimum_units"], (0, (3, 2))), (None, "-")):
            shown = ~(curve["at_risk"] < scene.policy["evidence.minimum_units"]) if thin is None else thin
            # A step reaches from its own time to the next: the times that follow a step shown belong to it.
            drawn = curve["survival"].where(shown | shown.shift(fill_value=False))
            ax.step(curve["months"], drawn, where="post", color=color, linestyle=style)
        at = until * 0.3
        near = curve[curve["months"] <= max(at, curve["months"].iloc[0])].iloc[-1]
        n, _ = _followed(frame[frame["segment"] == segment])
        ax.annotate(
            scene.text("curve", segment=scene.segment(segment), n=scene.count(n)),
            (at, near["high"]),
            xytext=(0, 5),
            textcoords="offset points",
            color=SEGMENT_TEXT[segment],
            fontweight="bold",
            va="bottom",
        )
    if horizon:
        mark_line(ax, x=horizon, label=scene.text("horizon", horizon=scene.words.value(horizon, "months")))
    ax.set_ylim(0, 1.04)
    ax.set_xlim(0, until)
    format_axis(ax.yaxis, scene.share, 5)
    ax.set_ylabel(scene.text("y_label"))
    return ax


def at_risk(frame: pd.DataFrame, scene: Scene, ax: Axes, months: list[float]) -> Axes:
    """Rows of counts under the curves: how many are still followed."""
    segments = _segments(frame)
    for y, segment in enumerate(segments):
        curve = frame[frame["segment"] == segment].sort_values("months")
        times, counts = curve["months"].to_numpy(), curve["at_risk"].to_numpy()
        for month in months:
            at = int(np.searchsorted(times, month - 1e-9, side="left"))
            count = int(counts[at]) if at < len(counts) else 0
            ax.text(
                month,
                y,
                scene.count(count),
                ha="center",
                va="center",
                fontsize=SMALL,
                color=SEGMENT_TEXT[segment],
                clip_on=False,
            )
    ax.set_yticks(range(len(segments)), [scene.segment(s) for s in segments])
    ax.set_ylim(len(segments) - 0.4, -0.6)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.grid(False)
    ax.tick_params(axis="y", length=0, pad=18)
    ax.set_title(scene.text("at_risk"), fontsize=SMALL, fontweight="normal", pad=2)
    return ax


def draw_survival(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("survival")
    difference = scene.number("rmst_difference")
    horizon = difference.horizon_months if difference is not None else None
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[5, 1])
    survival_curves(frame, scene, top, horizon)
    until = top.get_xlim()[1]
    step = next(s for s in (3, 6, 12, 24, 48) if until / s <= 9 or s == 48)
    months = [float(m) for m in np.arange(0, until + 0.01, step)]
    top.set_xticks(months)
    format_axis(top.xaxis, scene.count)
    top.tick_params(axis="x", labelbottom=True)
    at_risk(frame, scene, bottom, months)
    bottom.tick_params(axis="x", length=0, labelbottom=False)
    bottom.set_xlabel(scene.text("x_label"))
    bottom.set_ylabel("n")
    scene.note("band", level=scene.level(), least=scene.count(int(scene.policy["evidence.minimum_units"])))
    late = {s: _followed(frame[frame["segment"] == s])[1] for s in _segments(frame)}
    if any(late.values()):
        said = (scene.text("late_of", segment=scene.segment(s), n=scene.count(n)) for s, n in late.items() if n)
        scene.note("late", late=scene.words.list_of(said))


def spend_curves(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Share of customers that spend at most so much, on a log scale, with medians and their intervals."""
    for segment in _segments(frame):
        values = np.sort(frame.loc[frame["segment"] == segment, "spend"].to_numpy(float))
        values = values[values > 0]
        color = SEGMENTS[segment]
        ax.step(np.append(values[:1], values), np.linspace(0, 1, len(values) + 1), where="post", color=color)
        median = scene.number("spend_median", segment)
        middle = float(np.median(values)) if median is None or median.value is None else float(median.value)
        if median is not None and median.low is not None and median.high is not None:
            ax.plot(
                [median.low, median.high],
                [0.5, 0.5],
                color=color,
                linewidth=5,
                alpha=0.55,
                solid_capstyle="butt",
                zorder=3,
            )
        ax.plot([middle], [0.5], "o", color=color, markersize=8, markeredgecolor="white", zorder=4)
        ax.annotate(
            scene.text(
                "curve", segment=scene.segment(segment), n=scene.count(len(values)), median=scene.amount(middle)
            ),
            (middle, 0.5),
            xytext=(-10, 10),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=SEGMENT_TEXT[segment],
            fontweight="bold",
            fontsize=SMALL + 0.5,
        )
    ax.set_xscale("log")
    low, high = float(frame["spend"].min()), float(frame["spend"].max())
    ax.set_xlim(low / 6, high * 1.4)
    ax.xaxis.set_major_locator(LogLocator(base=10))
    ax.xaxis.set_minor_formatter(NullFormatter())
    format_axis(ax.xaxis, scene.compact)
    format_axis(ax.yaxis, scene.share, 5)
    ax.set_ylim(0, 1.02)
    ax.set_ylabel(scene.text("y_label"))
    months = scene.words.value(int(scene.policy["spend.window_months"]), "months")
    ax.set_xlabel(scene.text("x_label", currency=scene.currency, window=months))
    return ax


def draw_spend(scene: Scene, figure: Figure) -> None:
    spend_curves(scene.frame("spend"), scene, figure.subplots())
    months = scene.words.value(int(scene.policy["spend.window_months"]), "months")
    scene.note("bar", level=scene.level(), window=months)


FIGURES = (
    FigureSpec("survival", ("survival",), draw_survival, (7.2, 4.9), ("M-1.2",), worth=_anybody_followed),
    FigureSpec("spend", ("spend",), draw_spend, (7.2, 4.0), ("M-1.4",)),
)
