"""03: was the seller there when the customer's steps came: covered, late and missing per step, and when the first contact was (M-3.5)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from kaanalysis.figures.parts import baseline, format_axis, only_x_grid, rows_of
from kaanalysis.figures.process import party_name
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, BASE, INK, KA, LINE, SMALL, SMB, SOFT, wrap

# Told apart in grey too: dark, light, hatched white.
LOOKS = {
    "covered": {"color": KA},
    "late": {"color": SMB},
    "missing": {"facecolor": "white", "edgecolor": BAD, "hatch": "////"},
}
MOST = 16


def _rows(scene: Scene) -> pd.DataFrame:
    """Nodes in the customer's order that have judged deals, with counts of the reading in use, shares and timing."""
    counts, shares, timing = (scene.frame(f) for f in ("alignment", "alignment_shares", "alignment_timing"))
    used = counts[counts["reading"] == counts["reading"].iloc[0]].drop(
        columns=["reading", "department", "part", "place"]
    )
    key = ["step", "role"]
    made = shares.drop(columns="late").merge(used, on=key).merge(timing.drop(columns="n"), on=key, how="left")
    other = counts[counts["reading"] == "stages"].assign(judged=counts[["covered", "late", "missing"]].sum(axis=1))
    entered = (other["covered"] / other["judged"].where(other["judged"] > 0)).rename("stages")
    made = made.merge(pd.concat([other[key], entered], axis=1), on=key, how="left")
    return made[made[["covered", "late", "missing"]].sum(axis=1) > 0].head(MOST).reset_index(drop=True)


def _reading(scene: Scene) -> str:
    return str(scene.frame("alignment")["reading"].iloc[0])


def _name(scene: Scene, row: pd.Series) -> str:
    step, several = scene.step(str(row["step"])), (scene.frame("alignment_shares")["step"] == row["step"]).sum() > 1
    if several:
        step = scene.text("of_role", step=step, role=party_name(scene, str(row["role"]) or "?"))
    n = int(row[["covered", "late", "missing"]].sum())
    return wrap(scene.text("row", step=step, n=scene.count(n)), 16, 2)


def state_bars(rows: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Shares of the closed deals in each state, stacked to 1; whisker: interval of the covered share; diamond: the same by stages alone."""
    counts = rows[list(LOOKS)].to_numpy(float)
    shares = counts / counts.sum(axis=1, keepdims=True)
    left = np.zeros(len(rows))
    for i, look in enumerate(LOOKS.values()):
        ax.barh(range(len(rows)), shares[:, i], left=left, height=0.62, linewidth=0.5, **look)  # type: ignore[arg-type]
        left += shares[:, i]
    for y, r in enumerate(rows_of(rows)):
        if np.isfinite(r.low) and np.isfinite(r.high):
            ax.plot([r.low, r.high], [y, y], color="white", linewidth=3.4, solid_capstyle="butt", zorder=4)
            ax.plot([r.low, r.high], [y, y], color=INK, linewidth=1.6, solid_capstyle="butt", zorder=5)
        if _reading(scene) != "stages" and np.isfinite(r.stages):
            ax.plot(
                [max(r.stages, 0.013)],
                [y],
                "D",
                color=INK,
                markerfacecolor="white",
                markersize=5,
                zorder=6,
                clip_on=False,
            )
        ax.annotate(
            scene.share(float(shares[y, 0])), (0, y), xytext=(11, 0), textcoords="offset points", va="center",
            fontsize=SMALL, color="white" if shares[y, 0] > 0.12 else INK, fontweight="bold", zorder=6,
        )  # fmt: skip
    ax.axvline(
        float(scene.policy["alignment.covered_share"]), color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=3.5
    )
    ax.set_xlim(0, 1)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.share, 4)
    ax.set_yticks(range(len(rows)), [_name(scene, r) for _, r in rows.iterrows()])
    ax.set_ylim(len(rows) - 0.5, -0.6)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def timing_rows(rows: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Days from a step's end to the first contact: middle half and nine tenths of the deals in which there was one, the median; pale: the
    step itself, of median length."""
    for y, r in enumerate(rows_of(rows)):
        if np.isfinite(r.length) and r.length > 0:
            ax.barh([y], [r.length], left=[-r.length], height=0.62, color=LINE, alpha=0.45, linewidth=0)
        if np.isfinite(r.q50):
            late = r.q50 > 0
            ax.plot([r.q05, r.q95], [y, y], color=SOFT, linewidth=1.1, zorder=3)
            ax.plot([r.q25, r.q75], [y, y], color=KA, linewidth=5.0, solid_capstyle="butt", zorder=4)
            ax.plot([r.q50], [y], "o", color=BAD if late else "white", markeredgecolor=INK, markersize=5, zorder=5)
    ends = rows[["q05", "q95"]].to_numpy(float)
    low, high = (
        min(0.0, float(np.nanmin(ends))) if np.isfinite(ends).any() else -1.0,
        float(np.nanmax([1.0, *ends[:, 1]])),
    )
    span = high - low
    ax.set_xlim(low - 0.03 * span, max(high, 0.12 * span) + 0.03 * span)
    baseline(ax, x=0)
    ax.axvline(0, color=INK, linewidth=1.1, zorder=2.5)
    only_x_grid(ax)
    ax.tick_params(axis="y", labelleft=False)
    format_axis(ax.xaxis, scene.count, 5)
    ax.set_xlabel(scene.text("days_label"))
    ax.set_title(scene.text("days_title"), fontsize=BASE)
    return ax


def draw_alignment(scene: Scene, figure: Figure) -> None:
    rows = _rows(scene)
    figure.set_size_inches(8.6, 2.7 + 0.36 * len(rows))
    left, right = figure.subplots(1, 2, width_ratios=[1.35, 1], sharey=True)
    state_bars(rows, scene, left)
    timing_rows(rows, scene, right)
    handles: list[Patch | Line2D] = [Patch(linewidth=0.5, **look) for look in LOOKS.values()]  # type: ignore[arg-type]
    labels = [scene.text(state) for state in LOOKS]
    if _reading(scene) != "stages" and rows["stages"].notna().any():
        handles.append(Line2D([], [], marker="D", linestyle="none", color=INK, markerfacecolor="white", markersize=5))
        labels.append(scene.text("stages"))
    left.legend(handles, labels, ncols=2, loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False, fontsize=SMALL, handlelength=1.4,
                columnspacing=1.2, borderaxespad=0.1)  # fmt: skip
    scene.note(f"reading_{_reading(scene)}")
    scene.note("lines", level=scene.level(), mark=scene.share(float(scene.policy["alignment.covered_share"])))
    censored = int(
        scene.frame("alignment").query("reading == @reading", local_dict={"reading": _reading(scene)})["censored"].sum()
    )
    if censored:
        scene.note("censored", n=scene.count(censored))


def alignment_terms(scene: Scene) -> dict[str, str]:
    """Shares over all steps and the step with the least, for the title."""
    rows = _rows(scene)
    counts = rows[["covered", "late", "missing"]].sum()
    whole = float(counts.sum())
    own = rows["covered"] / rows[["covered", "late", "missing"]].sum(axis=1)
    worst = int(own.to_numpy().argmin())
    terms = {
        "covered": scene.share(float(counts["covered"]) / whole),
        "late": scene.share(float(counts["late"]) / whole),
        "step": scene.step(str(rows["step"].iloc[worst])),
        "least": scene.share(float(own.iloc[worst])),
    }
    if _reading(scene) == "stages":
        return terms | {"variant": "stages"}
    return terms | ({"variant": "late"} if counts["late"] > counts["missing"] else {})


FIGURES = (
    FigureSpec(
        "alignment",
        ("alignment", "alignment_shares", "alignment_timing"),
        draw_alignment,
        (8.6, 6.0),
        (),
        alignment_terms,
    ),
)
