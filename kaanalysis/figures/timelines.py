"""05: what the patterns' series do around the launch beside what they would have done, and the decisions of the programme under them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from kaanalysis.decision_log import KINDS
from kaanalysis.figures.parts import format_axis, rows_of
from kaanalysis.figures.pattern_parts import PATTERNS, pattern_name
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, BASE, INK, KA, LINE, PAPER, SMALL, SOFT, wrap
from kaanalysis.stats import placebo_band

BEFORE = 24  # months before the launch that are shown
MOST = 12  # series
COLUMNS = 2


@dataclass(frozen=True)
class Timeline:
    """One series by month without holes (NaN where a month has no value), its trend before the launch carried on, and the placebo band
    around it; all of one length. after: which months are since the launch; chance: the band is what chance would give."""

    pattern: str
    series: str
    unit: str
    month: pd.DatetimeIndex
    value: npt.NDArray[np.float64]
    trend: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    after: npt.NDArray[np.bool_]
    chance: bool

    @property
    def outside(self) -> npt.NDArray[np.bool_]:
        """Months since the launch whose value lies outside the band."""
        with np.errstate(invalid="ignore"):
            return self.after & ((self.value < self.low) | (self.value > self.high))


def timelines(scene: Scene) -> list[Timeline]:
    """All series with their bands, by pattern and in the order in which they come; without a launch there is neither trend nor band."""
    frame = scene.frame("timelines").assign(month=lambda f: pd.to_datetime(f["month"]))
    order = {id: k for k, id in enumerate(PATTERNS)}
    made = []
    for (pattern, series), rows in frame.groupby(["pattern", "series"], sort=False):
        values = rows.set_index("month")["value"].astype(float).sort_index()
        month = pd.date_range(values.index.min(), values.index.max(), freq="MS")
        value = np.asarray(values.reindex(month), dtype=np.float64)
        at = len(month) if scene.launch is None else int((month < pd.Timestamp(scene.launch).replace(day=1)).sum())
        band = placebo_band(value, at, scene.policy["evidence.level"])
        never_below = np.nanmin(value, initial=0.0) >= 0
        low = np.asarray(np.maximum(band.low, 0.0), dtype=np.float64) if never_below else band.low
        high, carried = band.high, band.trend
        if not np.nanmax(
            np.abs(value[:at]), initial=0.0
        ):  # nothing before the launch: what there was none of forecasts nothing
            low, high, carried = (np.full(len(month), np.nan) for _ in range(3))
        chance = "low" in rows and bool(rows["low"].notna().any())
        if chance:  # the pattern measures what chance would give: a better comparison than the past
            given = rows.set_index("month")[["low", "high"]].astype(float).reindex(month)
            low, high = (np.asarray(given[end], dtype=np.float64) for end in ("low", "high"))
        keep = np.arange(len(month)) >= (at - BEFORE if scene.launch is not None else 0)
        unit = str(rows["unit"].iloc[0]) if "unit" in rows else ""
        after = np.arange(len(month)) >= at
        trend = np.full(len(month), np.nan) if chance else carried
        made.append(Timeline(str(pattern), str(series), unit, month[keep], value[keep], trend[keep], low[keep], high[keep], after[keep],
                             chance))  # fmt: skip
    return sorted(made, key=lambda t: order.get(t.pattern, len(order)))


def timeline_panel(line: Timeline, scene: Scene, ax: Axes) -> Axes:
    """One series: its months, the trend before the launch as dashes, the band, and the months outside it as dots."""
    x = dates.date2num(line.month.to_pydatetime())
    ax.fill_between(x, line.low, line.high, color=LINE, alpha=0.3, linewidth=0, zorder=1)
    ax.plot(x, line.trend, color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=2)
    ax.plot(x, line.value, color=KA, linewidth=1.5, zorder=3)
    padded = np.isfinite(np.concatenate([[np.nan], line.value, [np.nan]]))
    alone = padded[1:-1] & ~padded[:-2] & ~padded[2:]  # no line reaches a month between two without a value
    ax.plot(x[alone], line.value[alone], "o", color=KA, markersize=2.4, zorder=3, linestyle="none")
    out = line.outside
    ax.plot(x[out], line.value[out], "o", color=BAD, markersize=3.6, zorder=4, linestyle="none")
    title = scene.text("panel", id=line.pattern, series=scene.named("series", line.series))
    ax.set_title(wrap(title, 26, 2), fontsize=BASE - 0.5, linespacing=1.1)
    share = line.unit.startswith("share")
    format_axis(
        ax.yaxis,
        scene.share if share else scene.compact if _currency(line.unit) else scene.count,
        4,
    )
    ax.set_ylim(*_limits(line))
    named = f"figures.timelines.unit_{line.unit}"
    ax.set_ylabel(scene.words(named) if scene.words.has(named) else line.unit, fontsize=SMALL - 0.5)
    return ax


def _currency(unit: str) -> bool:
    return len(unit) == 3 and unit.isupper()


def _limits(line: Timeline) -> tuple[float, float]:
    """Ends of the axis with room above the highest mark; from 0 on where the series comes near it, as one that never moved from it."""
    every = np.concatenate([line.value, line.trend, line.low, line.high])
    every = every[np.isfinite(every)]
    least, most = float(every.min()), float(every.max())
    room = 0.08 * ((most - least) or abs(most) or 1.0)
    if 0 <= least <= 0.3 * most or most == 0:
        return -0.5 * room, (most or 1.0) + room
    return least - room, most + room


def change_strip(changes: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """The decisions by date, a row per matter: dots, triangles where the last one in the matter could not yet show what it does, crosses
    where one was taken back."""
    kinds = [k for k in KINDS if (changes["of_kind"] == k).any()]
    for row in rows_of(changes):
        marker, color, size = (
            ("X", BAD, 7) if row.kind == "reversal" else ("^", BAD, 6.5) if row.early else ("o", INK, 5)
        )
        ax.plot([float(dates.date2num(row.at))], [kinds.index(row.of_kind)], marker, color=color, markersize=size,
                markeredgecolor="white", markeredgewidth=0.5, zorder=4, linestyle="none")  # fmt: skip
    for y, kind in enumerate(kinds):
        ax.annotate(scene.words.term("change_kind", kind), (0, y), xycoords=("axes fraction", "data"), xytext=(2, 0),
                    textcoords="offset points", va="center", fontsize=SMALL - 0.5, zorder=3,
                    bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0})  # fmt: skip
    ax.set_yticks(range(len(kinds)), [""] * len(kinds))
    ax.set_ylim(len(kinds) - 0.4, -0.6)
    ax.grid(False, axis="x")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def _dates(ax: Axes, limits: tuple[float, float], launch: float | None, decided: list[float], labelled: bool) -> None:
    """The shared axis of time: the launch as a line, the decisions since as hairs."""
    ax.set_xlim(*limits)
    for day in decided:
        ax.axvline(day, color=LINE, linewidth=0.5, zorder=0.5)
    if launch is not None:
        ax.axvline(launch, color=INK, linewidth=1.1, linestyle=(0, (5, 2)), zorder=1.5)
    # Januaries by hand: a locator of dates works them out again at every look at every panel.
    years = range(dates.num2date(limits[0]).year, dates.num2date(limits[1]).year + 2)
    marks = [(float(dates.date2num(dt.date(year, 1, 1))), str(year)) for year in years]
    inside = [(at, f"{year}-01") for at, year in marks if limits[0] <= at <= limits[1]]
    ax.xaxis.set_major_locator(FixedLocator([at for at, _ in inside]))
    ax.xaxis.set_major_formatter(FixedFormatter([said for _, said in inside]))
    ax.tick_params(axis="x", labelbottom=labelled, labelsize=SMALL - 0.5)


def draw_timelines(scene: Scene, figure: Figure) -> None:
    every = timelines(scene)
    shown = every[:MOST]
    changes = scene.result.frames.get("changes")
    logged = changes is not None and len(changes) > 0
    rows = -(-len(shown) // COLUMNS)
    kinds = changes["of_kind"].nunique() if changes is not None else 0
    strip = 0.24 * kinds + 0.25
    figure.set_size_inches(8.2, 1.28 * rows + (strip if logged else 0) + 1.6)
    heights = [1.0] * rows + ([strip / 1.1] if logged else [])
    axes = figure.subplots(len(heights), COLUMNS, squeeze=False, sharex=True, gridspec_kw={"height_ratios": heights})
    first = min(t.month[0] for t in shown)
    limits = (float(dates.date2num(first)), float(dates.date2num(max(t.month[-1] for t in shown))) + 31)
    launch = float(dates.date2num(scene.launch)) if scene.launch is not None else None
    recent = changes[changes["at"] >= first] if changes is not None and logged else pd.DataFrame({"at": []})
    decided = [float(dates.date2num(d)) for d in recent["at"]]
    for at in range(rows * COLUMNS):
        ax = axes[at // COLUMNS, at % COLUMNS]
        if at >= len(shown):
            ax.remove()
            continue
        timeline_panel(shown[at], scene, ax)
        lowest = at + COLUMNS >= len(shown)
        _dates(ax, limits, launch, decided, lowest and not logged)
        if lowest and not logged:
            ax.set_xlabel(scene.text("x_label"), fontsize=SMALL)
    if logged:
        for column in range(COLUMNS):
            change_strip(recent, scene, axes[-1, column])
            _dates(axes[-1, column], limits, launch, [], True)
            axes[-1, column].set_xlabel(scene.text("x_label"), fontsize=SMALL)
            axes[-1, column].set_ylabel(scene.text("y_changes"), fontsize=SMALL - 0.5)
        axes[-1, 0].set_title(scene.text("strip"), fontsize=BASE - 0.5)
    if any(t.chance for t in shown):
        said = (scene.named("series", t.series) for t in shown if t.chance)
        scene.note("chance", series=reduce(lambda a, b: scene.text("list_pair", a=a, b=b), said))
    if scene.launch is not None:
        scene.note("band", level=scene.share(scene.policy["evidence.level"]))
    scene.note("log" if logged else "no_log", months=scene.count(scene.policy["change_log.settle_months"]))
    if len(every) > MOST:
        scene.note("left_out", n=scene.count(len(every) - MOST))


def timelines_terms(scene: Scene) -> dict[str, str]:
    """The series with the longest stay outside its band since the launch, of the patterns that are there if any is, for the title."""
    if scene.launch is None:
        return {"variant": "no_launch"}
    found = [
        (float(t.outside[t.after].mean()), -k, t)
        for k, t in enumerate(timelines(scene))
        if np.isfinite(t.low[t.after]).any()
    ]
    if not found:
        return {"variant": "no_band"}
    there = [f for f in found if (said := scene.finding(f[2].pattern)) is not None and said.state == "supported"]
    share, _, line = max(there or found, key=lambda f: f[:2])
    few = share <= 2 * (1 - float(scene.policy["evidence.level"]))
    series = {
        "series": scene.named("series", line.series),
        "pattern": pattern_name(scene, line.pattern),
        "share": scene.share(share),
    }
    if few:
        return {"variant": "inside", "share": series["share"]}
    return {"variant": "outside" if there else "unshown", **series}


FIGURES = (FigureSpec("timelines", ("timelines",), draw_timelines, (8.2, 7.0), terms=timelines_terms),)
