"""02: the library of purchases: which cells it holds, how thin cells lean on their neighbours, and how alike purchases are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kaanalysis.figures.parts import format_axis, interval_h, mean_line, only_x_grid, only_y_grid, rows_of
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, BASE, GRID, INK, KA, LINE, PAPER, SMALL, SOFT, wrap
from kaanalysis.results import Result

CELL = ["category", "industry", "size_band"]
MOST_COLUMNS, MOST_ROWS, MOST_PANELS, MOST_CELLS = 7, 8, 4, 18
_SHADES = LinearSegmentedColormap.from_list("held", ["#D6E3F0", KA])


def _kept(frame: pd.DataFrame, column: str, most: int) -> list[str]:
    """The values of a dimension that weigh most, in the order of their weight."""
    weight = frame.groupby(column)[["weight", "flows"]].sum()
    return [str(v) for v in weight.sort_values(["weight", "flows"], ascending=False, kind="stable").index[:most]]


def _bands(frame: pd.DataFrame) -> list[str]:
    """Size bands that weigh most, smallest first as far as their names begin with a number."""
    kept = _kept(frame, "size_band", MOST_PANELS)

    def start(label: str) -> float:
        digits = "".join(c for c in label.split("-")[0].replace(",", "") if c.isdigit())
        return float(digits) if digits else np.inf

    return sorted(kept, key=start)


def _leading(scene: Scene) -> tuple[Any, ...] | None:
    """The cell to sample next."""
    order = scene.result.frames.get("library_next")
    if order is None or not len(order):
        return None
    first = order.sort_values("rank").iloc[0]
    return tuple(str(first[c]) for c in CELL)


def coverage_panel(
    frame: pd.DataFrame, scene: Scene, ax: Axes, band: str, rows: list[str], columns: list[str], most: int
) -> Axes:
    """One size band: category × industry; the darker the more purchases held, white with a red number where key accounts are and none
    is held."""
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.grid(False)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    cells = {(str(r.category), str(r.industry)): r for r in rows_of(frame[frame["size_band"] == band])}
    leading = _leading(scene)
    for y, category in enumerate(rows):
        for x, industry in enumerate(columns):
            cell = cells.get((category, industry))
            if cell is None:
                ax.add_patch(Rectangle((x - 0.47, y - 0.44), 0.94, 0.88, facecolor=GRID, edgecolor="none"))
                continue
            shade = _SHADES(np.log1p(cell.flows) / np.log1p(most)) if cell.flows else to_rgb(PAPER)
            missing = not cell.answered and cell.accounts
            ax.add_patch(
                Rectangle(
                    (x - 0.47, y - 0.44), 0.94, 0.88, facecolor=shade, edgecolor=BAD if missing else LINE,
                    linewidth=1.1 if missing else 0.5,
                    linestyle=(0, (3, 2)) if missing else "-",
                )
            )  # fmt: skip
            dark = cell.flows and np.log1p(cell.flows) / np.log1p(most) > 0.6
            text = scene.text("cell", flows=scene.count(int(cell.flows)), accounts=scene.count(int(cell.accounts)))
            ax.text(x, y, text, ha="center", va="center", fontsize=SMALL + 0.5, color=PAPER if dark else BAD if missing else INK,
                    fontweight="bold" if missing else "normal")  # fmt: skip
            if leading == (category, industry, band):
                frame_around = Rectangle((x - 0.49, y - 0.47), 0.98, 0.94, fill=False, edgecolor=INK, linewidth=2.4)
                frame_around.set(clip_on=False, zorder=4)
                ax.add_patch(frame_around)
                ax.annotate(
                    scene.text("next"),
                    (x + 0.44, y - 0.36),
                    ha="right",
                    va="top",
                    fontsize=SMALL - 1,
                    fontweight="bold",
                    zorder=5,
                )
    ax.set_yticks(range(len(rows)), [wrap(scene.words.term("category", c), 16, 2) for c in rows])
    ax.set_xticks(range(len(columns)), [wrap(scene.words.term("industry", c), 14, 2) for c in columns])
    mine = frame[frame["size_band"] == band]
    held = float(mine.loc[mine["answered"] > 0, "weight"].sum())
    ax.set_title(
        scene.text(
            "panel",
            band=scene.words.term("size", band),
            share=scene.share(held),
            all=scene.share(float(mine["weight"].sum())),
        ),
        fontsize=BASE,
    )
    return ax


def draw_coverage(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("library")
    bands, rows = _bands(frame), _kept(frame, "category", MOST_ROWS)
    columns, most = _kept(frame, "industry", MOST_COLUMNS), max(1, int(frame["flows"].max()))
    figure.set_size_inches(max(6.4, 1.9 + 1.15 * len(columns)), 1.5 + len(bands) * (0.42 + 0.36 * len(rows)))
    panels = figure.subplots(len(bands), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    for ax, band in zip(panels, bands, strict=True):
        coverage_panel(frame, scene, ax, band, rows, columns, most)
    panels[len(panels) // 2].set_ylabel(scene.text("y_label"))
    panels[-1].set_xlabel(scene.text("x_label"))
    scene.note("reading")
    shown = frame[frame["size_band"].isin(bands) & frame["category"].isin(rows) & frame["industry"].isin(columns)]
    if len(shown) < len(frame):
        scene.note("left_out", n=scene.count(len(frame) - len(shown)))


def coverage_terms(scene: Scene) -> dict[str, str]:
    """How much of what key accounts buy lies in cells that are held, for the title."""
    frame, leading = scene.frame("library"), _leading(scene)
    need = frame[frame["accounts"] > 0]
    held = need["answered"] > 0
    terms = {
        "share": scene.exact_share(float(need.loc[held, "weight"].sum())), "held": scene.count(int(held.sum())),
        "all": scene.count(len(need)),
    }  # fmt: skip
    if leading is None:
        return {"variant": "no_next", **terms}
    return terms | {"cell": scene.words.cell(leading)}


def _needed(result: Result) -> bool:
    return bool((result.frames["library"]["accounts"] > 0).any())


def shrink_panel(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Parties per purchase by cell: hollow the cell's own mean, filled with its interval the one shrunk toward the neighbours."""
    for y, row in enumerate(rows_of(frame)):
        interval_h(ax, y, row.parties, row.parties_low, row.parties_high, KA, 7)
        if np.isfinite(row.parties_raw):
            ax.annotate(
                "",
                (row.parties, y),
                (row.parties_raw, y),
                arrowprops={"arrowstyle": "-", "color": SOFT, "linewidth": 1.0},
            )
            ax.plot(
                [row.parties_raw],
                [y],
                "o",
                color=SOFT,
                markerfacecolor=PAPER,
                markersize=6.5,
                markeredgewidth=1.3,
                zorder=5,
            )
    low = float(np.nanmin(frame[["parties_low", "parties_raw"]].to_numpy(float)))
    high = float(np.nanmax(frame[["parties_high", "parties_raw"]].to_numpy(float)))
    room = (high - low) * 0.04 or 0.5
    ax.set_xlim(low - room, high + room)
    for y, row in enumerate(rows_of(frame)):
        ax.annotate(
            scene.share(float(row.parties_weight)),
            (1.01, y),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=SMALL,
        )
    ax.annotate(
        scene.text("weight"), (1.01, -0.9), xycoords=("axes fraction", "data"), va="center", fontsize=SMALL, color=SOFT
    )
    names = [
        scene.text("row", cell=scene.words.cell(str(getattr(r, c)) for c in CELL), n=scene.count(int(r.flows)))
        for r in rows_of(frame)
    ]
    ax.set_yticks(range(len(frame)), names)
    ax.set_ylim(len(frame) - 0.4, -1.4)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.count, 5)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_shrinkage(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("library")
    order = frame.sort_values(["weight", "flows"], ascending=False, kind="stable").head(MOST_CELLS)
    order = order.sort_values(["flows", "weight"], ascending=False, kind="stable", ignore_index=True)
    figure.set_size_inches(8.2, 1.5 + 0.27 * len(order))
    shrink_panel(order, scene, figure.subplots())
    scene.note("reading", level=scene.level())
    if len(order) < len(frame):
        scene.note("left_out", n=scene.count(len(order)), all=scene.count(len(frame)))


def shrinkage_terms(scene: Scene) -> dict[str, str]:
    """How many cells rest on their neighbours rather than on themselves, for the title."""
    frame = scene.frame("library")
    return {"thin": scene.count(int((frame["parties_weight"] < 0.5).sum())), "all": scene.count(len(frame))}


def _shrunk(result: Result) -> bool:
    frame = result.frames["library"]
    return "parties_weight" in frame and bool(frame["parties_weight"].notna().any())


def similarity_panel(frame: pd.DataFrame, scene: Scene, ax: Axes, kind: str) -> Axes:
    """Share of pairs by their likeness, with the mean and its interval."""
    mine = frame[frame["kind"] == kind]
    total = float(mine["pairs"].sum()) or 1.0
    color = KA if kind == "within" else SOFT
    ax.bar(mine["similarity"], mine["pairs"] / total, width=0.04, color=color, alpha=0.8)
    mean = scene.number(f"flow_similarity_{kind}")
    label = scene.text("mean", value=scene.words.value(mean.value if mean else None, ""))
    mean_line(ax, mean, label, above=0.95, turn=0.4, alpha=0.22)
    ax.set_title(scene.text(kind, n=scene.count(int(mine["pairs"].sum()))), fontsize=BASE)
    ax.set_xlim(-0.03, 1.03)
    ax.margins(y=0.1)
    only_y_grid(ax)
    format_axis(ax.yaxis, scene.share, 4)
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_similarity(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("library_similarity")
    kinds = [k for k in ("within", "between") if (frame["kind"] == k).any()]
    panels = figure.subplots(len(kinds), 1, sharex=True, squeeze=False)[:, 0]
    for ax, kind in zip(panels, kinds, strict=True):
        similarity_panel(frame, scene, ax, kind)
    format_axis(panels[-1].xaxis, scene.count)
    panels[-1].set_xlabel(scene.text("x_label"))
    scene.note("reading", level=scene.level())


FIGURES = (
    FigureSpec("library", ("library",), draw_coverage, (8.2, 6.0), (), coverage_terms, _needed),
    FigureSpec("library_shrinkage", ("library",), draw_shrinkage, (8.2, 6.0), (), shrinkage_terms, _shrunk),
    FigureSpec("library_similarity", ("library_similarity",), draw_similarity, (7.2, 4.4), ("M-2.6",)),
)
