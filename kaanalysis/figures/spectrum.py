"""02: the performance spectrum: every flow of a sample as a line through the steps over calendar time, so that batches, queues and
standstills are seen that averages hide (Denisov, Fahland and van der Aalst, BPM 2018)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.dates import AutoDateLocator, DateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from kaanalysis.figures.process import kind_name, kinds_shown, short_step
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, BASE, INK, KA, LINE, SEGMENT_TEXT, SMALL, SMB, wrap

QUARTERS = ("#9FC3C0", KA, SMB, BAD)  # fastest to slowest
EARLIEST, LATEST = 0.005, 0.995


def _kinds(scene: Scene) -> list[str]:
    frame = scene.frame("spectrum")
    counts = frame.groupby("kind")["flow"].nunique().rename("flows").reset_index()
    order = scene.result.frames.get("flow_durations")
    if order is not None:
        counts["flows"] = counts["kind"].map(order.set_index("kind")["flows"]).fillna(0)
    return kinds_shown(counts)


def _path(rows: pd.DataFrame) -> list[str]:
    """The names of the levels: the steps of the first segment, then each next one."""
    segments = rows.drop_duplicates("segment").sort_values("segment")
    return [str(segments["step"].iloc[0]), *segments["next_step"].astype(str)]


def spectrum_panel(rows: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Lines from step to step (downwards) over calendar time; colour: the quarter of the durations in that segment, slow above fast."""
    begins, ends = date2num(rows["begins"]), date2num(rows["ends"])
    levels = rows["segment"].to_numpy(float)
    for quarter, color in enumerate(QUARTERS):
        mine = (rows["quarter"] == quarter).to_numpy()
        lines = [((b, s), (e, s + 1)) for b, e, s in zip(begins[mine], ends[mine], levels[mine], strict=True)]
        ax.add_collection(LineCollection(lines, colors=color, linewidths=0.55, alpha=0.75, zorder=2 + quarter / 10))
    path = _path(rows)
    for level in range(len(path)):
        ax.axhline(level, color=LINE, linewidth=0.8, zorder=1.5)
    ax.set_ylim(len(path) - 0.85, -0.15)
    both = pd.concat([rows["begins"], rows["ends"]])
    low, high = (float(date2num(both.quantile(q))) for q in (EARLIEST, LATEST))
    ax.set_xlim(low - 0.01 * (high - low), high + 0.01 * (high - low))
    ax.set_yticks(range(len(path)), [wrap(short_step(scene, step, ""), 15, 2) for step in path])
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=7))
    ax.xaxis.set_major_formatter(DateFormatter("%Y-%m"))
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_spectrum(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("spectrum")
    kinds = _kinds(scene)
    parts = [frame[frame["kind"] == kind] for kind in kinds]
    heights = [0.9 + 0.62 * rows["segment"].nunique() for rows in parts]
    figure.set_size_inches(8.6, 1.2 + sum(heights))
    axes = figure.subplots(len(kinds), 1, height_ratios=heights, squeeze=False)[:, 0]
    for ax, kind, rows in zip(axes, kinds, parts, strict=True):
        spectrum_panel(rows, scene, ax)
        title = scene.text("panel", kind=kind_name(scene, kind), n=scene.count(rows["flow"].nunique()))
        ax.set_title(title, color=SEGMENT_TEXT.get(kind, INK), fontsize=BASE)
    marks = [Line2D([], [], color=c, linewidth=2) for c in QUARTERS]
    axes[0].legend(
        marks, [scene.text(f"quarter_{q}") for q in range(4)], ncols=4, loc="lower right", bbox_to_anchor=(1, 1.0), frameon=False,
        fontsize=SMALL, handlelength=1.4, columnspacing=1.2, borderaxespad=0.1,
    )  # fmt: skip
    scene.note("meaning")


def spectrum_terms(scene: Scene) -> dict[str, str]:
    """The segment in which the sample spends most time, for the title."""
    frame = scene.frame("spectrum")
    kind = _kinds(scene)[0]
    rows = frame[frame["kind"] == kind]
    days = ((rows["ends"] - rows["begins"]).dt.total_seconds() / 86_400).to_numpy(float)
    segment = rows["segment"].to_numpy(int)
    whole = np.bincount(segment, weights=days)
    worst = int(whole.argmax())
    step, following = rows.loc[rows["segment"] == worst, ["step", "next_step"]].iloc[0]
    share = float(whole[worst] / whole.sum()) if whole.sum() > 0 else 0.0
    return {
        "kind": kind_name(scene, kind),
        "step": short_step(scene, str(step), ""),
        "next": short_step(scene, str(following), ""),
        "share": scene.share(share),
        "median": scene.span(float(np.median(days[segment == worst]))),
    }


FIGURES = (FigureSpec("spectrum", ("spectrum",), draw_spectrum, (8.6, 5.0), (), spectrum_terms),)
