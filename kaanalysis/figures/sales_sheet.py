"""03: the blank sheet as aligned swim lanes: the customer's flow on top, five lanes of selling below, a column per node (M-3.5).

All geometry is in inches (the axes' data unit). Nodes stand in bands of at most six columns, so that items stay legible whatever the
length of the flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle

from kaanalysis.contracts import LANES
from kaanalysis.figures.lanes import PART
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, INK, KA, LINE, PAPER, SMALL, SOFT, text_width, wrap

PER_BAND, LABEL, WIDEST = 6, 1.02, 9.3
FONT, INCH, LEADING = 8.6, 72.0, 1.24
LINE_TALL = FONT * LEADING / INCH
PAD, BAR, GAP, HANG, DOT = 0.09, 0.13, 0.32, 0.08, "•"


@dataclass(frozen=True)
class Band:
    """One row of nodes: their columns, what the lanes' cells hold as wrapped lines, and how tall each part is."""

    nodes: list[dict[Any, Any]]
    heads: list[tuple[str, str]]
    cells: dict[str, list[list[str]]]
    head: float
    lanes: dict[str, float]

    @property
    def height(self) -> float:
        return self.head + sum(self.lanes.values())


def bands_of(n: int) -> int:
    """Columns per band: as even as bands of at most :data:`PER_BAND` allow."""
    return -(-n // -(-n // PER_BAND)) if n else 0


def _lines(items: list[str], ems: float) -> list[str]:
    """Items as lines of at most so many ems; the first line of each begins with a dot."""
    out: list[str] = []
    for item in items:
        first, *rest = wrap(item.replace("\n", " "), ems, 3).split("\n")
        out += [DOT + first, *rest]
    return out


def _who(node: dict[Any, Any], scene: Scene) -> str:
    role = node["role"] if isinstance(node["role"], str) else node["department"]
    named = scene.words.term("party", role) if isinstance(role, str) else scene.text("unknown_party")
    return scene.text("who", role=named, part=scene.words(f"parts.{node['part']}"))


def _beside(share: float, scene: Scene) -> str:
    """A share in whole percent, with a digit more where it would read like the mark that it lies below."""
    least = scene.policy["sheet.covered_share"]
    said = scene.share(share)
    return scene.words.value(share, "share", fine=True) if said == scene.share(least) and share < least else said


def _facts(node: dict[Any, Any], scene: Scene) -> str:
    """What the bar says in words: in time and late where both are known, any contact else."""
    coverage, late = node.get("coverage", np.nan), node.get("late", np.nan)
    if not np.isfinite(coverage):
        return scene.text("unknown")
    if np.isfinite(late):
        return scene.text("in_time", share=_beside(coverage, scene), late=scene.share(late))
    return scene.text("contact", share=_beside(coverage, scene))


def layout(scene: Scene) -> tuple[list[Band], float]:
    """The bands and the width of a column, in inches."""
    sheet, table = scene.frame("sales_sheet"), scene.frame("sales_sheet_nodes")
    nodes = table.sort_values("node").to_dict("records")
    per = bands_of(len(nodes))
    column = min(2.4, (WIDEST - LABEL) / per)
    ems = (column - 2 * PAD) * INCH / FONT
    name = "item_zh" if scene.words.language == "zh" else "item_en"
    bands = []
    for start in range(0, len(nodes), per):
        mine = nodes[start : start + per]
        heads, cells = [], {lane: [] for lane in LANES}  # type: tuple[list[tuple[str, str]], dict[str, list[list[str]]]]
        for node in mine:
            below = wrap(_who(node, scene), ems, 2)
            if node["conditional"]:
                known = np.isfinite(node["share"])
                said = (
                    scene.text("conditional", share=scene.share(node["share"]))
                    if known
                    else scene.text("conditional_alone")
                )
                below += "\n" + wrap(said, ems, 2)
            heads.append((wrap(f"{node['node']} {scene.step(str(node['step']))}", ems * 0.86, 3), below))
            own = sheet[sheet["node"] == node["node"]]
            for lane in LANES:
                items = [scene.words.term("item", str(i)) for i in own.loc[own["lane"] == lane, name]]
                cells[lane].append(_lines(items, ems - HANG * INCH / FONT))
        head = max((a + "\n" + b).count("\n") + 1 for a, b in heads) * LINE_TALL + 2 * PAD + BAR + LINE_TALL + 0.1
        tall = {lane: max(1, *(len(c) for c in cells[lane])) * LINE_TALL + 2 * PAD for lane in LANES}
        bands.append(Band(mine, heads, cells, head, tall))
    return bands, column


def _bar(ax: Axes, node: dict[Any, Any], x: float, y: float, width: float, text: str, least: float) -> None:
    """The bar of coverage with its words below: dark for acted (in time), hatched for late, blank for the rest."""
    coverage, late = node.get("coverage", np.nan), node.get("late", np.nan)
    ax.add_patch(Rectangle((x, y - BAR), width, BAR, facecolor=PAPER, edgecolor=LINE, linewidth=0.7, zorder=3))
    low = bool(np.isfinite(coverage) and coverage < least)
    if np.isfinite(coverage):
        ax.add_patch(
            Rectangle((x, y - BAR), width * coverage, BAR, facecolor=BAD if low else KA, linewidth=0, zorder=4)
        )
        if np.isfinite(late):
            start = x + width * coverage
            ax.add_patch(
                Rectangle(
                    (start, y - BAR),
                    width * late,
                    BAR,
                    facecolor="#D5DEE7",
                    edgecolor=SOFT,
                    hatch="////",
                    linewidth=0,
                    zorder=4,
                )
            )
    said = f"▲ {text}" if low else text
    size = FONT - 0.6
    wide = text_width(said) * (1.1 if low else 1.0)  # bold letters are wider
    while wide * size / INCH > width + PAD and size > 6.1:
        size -= 0.1
    ax.text(x, y - BAR - 0.03, said, va="top", ha="left", fontsize=size, color=BAD if low else SOFT,
            fontweight="bold" if low else "normal", zorder=5)  # fmt: skip


def _label(ax: Axes, y: float, tall: float, name: str, strong: bool) -> None:
    said = wrap(name, (LABEL - 2 * PAD) * INCH / SMALL, 4)
    ax.text(PAD, y - tall / 2, said, va="center", ha="left", fontsize=SMALL, color=INK if strong else SOFT,
            fontweight="bold", linespacing=1.1, zorder=5)  # fmt: skip


def draw_band(band: Band, top: float, column: float, width: float, last: bool, scene: Scene, ax: Axes) -> None:
    """One band with its upper edge at `top`."""
    least = scene.policy["sheet.covered_share"]
    bar_tall = BAR + LINE_TALL + 0.08
    box = band.head - bar_tall - 0.02
    _label(ax, top, box, scene.text("customer"), True)
    _label(ax, top - box, bar_tall, scene.text("today"), False)
    for i, (node, (name, who)) in enumerate(zip(band.nodes, band.heads, strict=True)):
        x = LABEL + i * column
        line, dashes, fill = PART.get(str(node["part"]), PART["do"])
        ax.add_patch(FancyBboxPatch(
            (x + 0.05, top - box + 0.06), column - 0.16, box - 0.1, boxstyle="round,pad=0,rounding_size=0.05", facecolor=fill,
            edgecolor=INK, linewidth=line, linestyle=dashes, zorder=3,
        ))  # fmt: skip
        ax.text(
            x + PAD, top - PAD, name, va="top", ha="left", fontsize=FONT, fontweight="bold", linespacing=1.1, zorder=4
        )
        ax.text(x + PAD, top - box + 0.06 + PAD / 2, who, va="bottom", ha="left", fontsize=FONT - 0.8, color=SOFT, linespacing=1.1,
                zorder=4)  # fmt: skip
        if not (last and i == len(band.nodes) - 1):
            tip, middle = x + column + 0.035, top - box / 2
            ax.add_patch(Polygon([(tip - 0.13, middle + 0.09), (tip - 0.13, middle - 0.09), (tip, middle)], color=KA, linewidth=0,
                                 zorder=4))  # fmt: skip
        _bar(ax, node, x + PAD, top - box, column - 2 * PAD - 0.06, _facts(node, scene), least)
    y = top - band.head
    right = LABEL + len(band.nodes) * column
    for k, lane in enumerate(LANES):
        tall = band.lanes[lane]
        shade = "#F1F4F6" if k % 2 == 0 else PAPER
        ax.add_patch(Rectangle((0, y - tall), width, tall, facecolor=shade, linewidth=0, zorder=0))
        ax.plot([0, width], [y, y], color=LINE, linewidth=0.6, zorder=1)
        _label(ax, y, tall, scene.words.term("lane", lane), True)
        for i, lines in enumerate(band.cells[lane]):
            for row, text in enumerate(lines):
                x, middle = LABEL + i * column + PAD, y - PAD - (row + 0.5) * LINE_TALL
                if text.startswith(DOT):
                    ax.plot([x + 0.015], [middle], "o", color=SOFT, markersize=2.0, zorder=4)
                ax.text(
                    x + HANG, middle, text.removeprefix(DOT), va="center_baseline", ha="left", fontsize=FONT, zorder=4
                )
        y -= tall
    for i in range(len(band.nodes) + 1):
        x = LABEL + i * column
        ax.plot([x, x], [y, top - band.head], color=LINE, linewidth=0.5, zorder=1)
    ax.plot([0, right], [y, y], color=LINE, linewidth=0.6, zorder=1)


def draw_sheet(scene: Scene, figure: Figure) -> None:
    bands, column = layout(scene)
    width = LABEL + max(len(b.nodes) for b in bands) * column
    height = sum(b.height for b in bands) + GAP * (len(bands) - 1)
    figure.set_size_inches(width + 0.3, height + 1.15)
    ax = figure.subplots()
    ax.set_xlim(0, width + 0.06)
    ax.set_ylim(-height, 0)
    ax.set_aspect("equal")
    ax.grid(False)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    for side in ax.spines.values():
        side.set_visible(False)
    top = 0.0
    for i, band in enumerate(bands):
        draw_band(band, top, column, width, i == len(bands) - 1, scene, ax)
        top -= band.height + GAP
    table = scene.frame("sales_sheet_nodes")
    known = _shares(table, "coverage")
    if known.notna().any():
        scene.note("bar_time" if _shares(table, "late").notna().any() else "bar")
        if (known < scene.policy["sheet.covered_share"]).any():
            scene.note("bold", least=scene.share(scene.policy["sheet.covered_share"]))
    if table["flows"].notna().any():
        scene.note("frames", n=scene.count(int(table["flows"].max())))
    finding = scene.finding("M-3.5")
    if finding is not None and finding.terms.get("sheet") == "saved":
        scene.note("saved")


def _shares(table: pd.DataFrame, column: str) -> pd.Series:
    return table[column] if column in table else pd.Series(np.nan, index=table.index)


FIGURES = (
    FigureSpec("sales_sheet", ("sales_sheet", "sales_sheet_nodes"), draw_sheet, (10.0, 8.0), findings=("M-3.5",)),
)
