"""02: the ways that flows take: the most frequent sequences of steps as rows of lettered boxes, with their share and duration."""

from __future__ import annotations

import string

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kaanalysis.figures.parts import only_x_grid, room_for_text, rows_of
from kaanalysis.figures.process import MOST_PANELS, kind_name, short_step
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, BASE, INK, KA, LINE, PAPER, SEGMENT_TEXT, SMALL, SOFT, wrap

MOST_ROWS, MOST_STEPS = 8, 18
LETTERS = [*string.ascii_uppercase, *string.ascii_lowercase]


def _kinds(scene: Scene) -> list[str]:
    frame = scene.frame("variants")
    flows = (frame["flows"] / frame["share"]).groupby(frame["kind"]).max().sort_values(ascending=False, kind="stable")
    return ["KA"] if "KA" in flows.index else [str(k) for k in flows.index[:MOST_PANELS]]


def _rows(scene: Scene, kind: str) -> pd.DataFrame:
    frame = scene.frame("variants")
    return frame[frame["kind"] == kind].head(MOST_ROWS).reset_index(drop=True)


def _letters(rows: pd.DataFrame) -> dict[str, str]:
    """A letter for each step, in the order in which the rows bring them."""
    steps = dict.fromkeys(str(step) for sequence in rows["sequence"] for step in list(sequence)[:MOST_STEPS])
    return {step: LETTERS[i] if i < len(LETTERS) else str(i) for i, step in enumerate(steps)}


def sequence_boxes(rows: pd.DataFrame, letters: dict[str, str], scene: Scene, ax: Axes) -> Axes:
    """A box with a letter per step; filled where the step was there before in the row."""
    longest = max(min(len(s), MOST_STEPS) for s in rows["sequence"])
    for y, sequence in enumerate(rows["sequence"]):
        shown, before = list(sequence)[:MOST_STEPS], set()
        for x, step in enumerate(shown):
            again = step in before
            before.add(step)
            face, edge = (BAD, BAD) if again else ("#DCE8F3", KA)
            ax.add_patch(Rectangle((x + 0.05, y - 0.34), 0.9, 0.68, facecolor=face, edgecolor=edge, linewidth=0.7))
            ax.text(
                x + 0.5, y, letters[str(step)], ha="center", va="center", fontsize=SMALL, color=PAPER if again else INK
            )
        if len(sequence) > MOST_STEPS:
            ax.text(len(shown) + 0.15, y, "…", va="center", fontsize=SMALL, color=SOFT)
    ax.set_xlim(0, max(longest + (0.8 if longest == MOST_STEPS else 0), 6))
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_yticks(range(len(rows)), [scene.count(i + 1) for i in range(len(rows))])
    ax.tick_params(length=0)
    ax.set_xticks([])
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def _share(scene: Scene, share: float) -> str:
    """Whole percent; with decimals where that would be nearly nothing."""
    return scene.share(share) if share >= 0.05 else scene.exact_share(share)


def share_bars(rows: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """The share of flows that take each way, with the median duration."""
    ax.barh(range(len(rows)), rows["share"], height=0.62, color=LINE)
    for y, r in enumerate(rows_of(rows)):
        text = scene.text("value", share=_share(scene, float(r.share)), median=scene.span(float(r.median_days)))
        ax.annotate(text, (float(r.share), y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=SMALL)
    room_for_text(ax, float(rows["share"].max()), 2.4, scene)
    only_x_grid(ax)
    ax.tick_params(axis="y", labelleft=False)
    ax.set_xlabel(scene.text("share_label"))
    return ax


def _legend(letters: dict[str, str], scene: Scene, columns: int, width: float) -> list[str]:
    """The letters and their steps, wrapped, in columns."""
    lines = [wrap(scene.text("letter", letter=v, step=short_step(scene, k, "")), width, 2) for k, v in letters.items()]
    size = -(-len(lines) // columns)
    return ["\n".join(lines[i : i + size]) for i in range(0, len(lines), size)]


def draw_variants(scene: Scene, figure: Figure) -> None:
    kinds = _kinds(scene)
    parts = [_rows(scene, kind) for kind in kinds]
    legends = [_legend(_letters(rows), scene, 2, 36) for rows in parts]
    sizes = []
    for rows, legend in zip(parts, legends, strict=True):
        sizes += [0.75 + 0.32 * len(rows), 0.1 + 0.165 * max(text.count("\n") + 1 for text in legend)]
    figure.set_size_inches(8.6, 0.9 + sum(sizes))
    grid = figure.add_gridspec(2 * len(kinds), 2, height_ratios=sizes, width_ratios=[2.3, 1])
    for i, (kind, rows, legend) in enumerate(zip(kinds, parts, legends, strict=True)):
        left = figure.add_subplot(grid[2 * i, 0])
        right = figure.add_subplot(grid[2 * i, 1], sharey=left)
        sequence_boxes(rows, _letters(rows), scene, left)
        share_bars(rows, scene, right)
        first = rows.iloc[0]
        title = scene.text(
            "panel",
            kind=kind_name(scene, kind),
            n=scene.count(round(first["flows"] / first["share"])),
            all=scene.count(int(first["variants"])),
        )
        left.set_title(title, color=SEGMENT_TEXT.get(kind, INK), fontsize=BASE)
        below = figure.add_subplot(grid[2 * i + 1, :], sharex=left, sharey=left)
        below.axis("off")
        for place, text in enumerate(legend):
            below.text(
                place / len(legend),
                1,
                text,
                va="top",
                fontsize=SMALL - 0.5,
                color=INK,
                transform=below.transAxes,
                linespacing=1.15,
            )
    scene.note("meaning")


def variant_terms(scene: Scene) -> dict[str, str]:
    """How many ways there are and how much the first ones carry, for the title."""
    kind = _kinds(scene)[0]
    rows = _rows(scene, kind)
    first = rows.head(3)
    return {
        "kind": kind_name(scene, kind),
        "all": scene.count(int(rows["variants"].iloc[0])),
        "top": scene.count(len(first)),
        "share": scene.share(float(first["share"].sum())),
    }


FIGURES = (FigureSpec("variants", ("variants",), draw_variants, (8.6, 5.0), (), variant_terms),)
