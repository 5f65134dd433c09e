"""04: what each path spends and brings by year, line by line, and what it costs SMB."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from kaanalysis.analyses.ledger import PATHS, SMB_LOSS
from kaanalysis.figures.parts import baseline, format_axis, only_y_grid
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import INK, KA, PAPER, PATH_TEXT, SMALL, SMB

# Lines drawn as one part of a bar, from the zero line outwards, with fill and hatch: grey tells them by lightness, SMB's loss by hatching.
GROUPS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "first_contracts": (("first_contracts",), KA, ""),
    "renewals": (("renewals",), "#8FB4D9", ""),
    "people": (("sellers", "leader", "pay_change"), "#4A525A", ""),
    "service": (("presales", "support"), "#8D959C", ""),
    "set_up": (("product", "training", "systems"), "#C9CED3", ""),
    "friction": (("conflict", "review"), "#F1F2F4", ""),
    "smb_loss": (SMB_LOSS, SMB, "////"),
}


def by_year(frame: pd.DataFrame, path: str) -> pd.DataFrame:
    """Amounts of one path, one row per year and one column per group of lines."""
    groups = {line: name for name, (lines, _, _) in GROUPS.items() for line in lines}
    rows = frame[frame["path"] == path]
    rows = rows.assign(group=rows["line"].map(groups))
    table = rows.pivot_table(index="year", columns="group", values="amount", aggfunc="sum", fill_value=0.0)
    return table.reindex(columns=list(GROUPS), fill_value=0.0)


def year_bars(frame: pd.DataFrame, scene: Scene, ax: Axes, path: str) -> Axes:
    """Signed stacks of one path: what comes in above zero, what goes out below, net cash as diamonds."""
    table = by_year(frame, path)
    up, down = np.zeros(len(table)), np.zeros(len(table))
    for name, (_, fill, hatch) in GROUPS.items():
        values = table[name].to_numpy(float)
        for part, base in ((np.maximum(values, 0.0), up), (np.minimum(values, 0.0), down)):
            if np.any(part):
                ax.bar(
                    table.index,
                    part,
                    0.72,
                    bottom=base,
                    color=fill,
                    hatch=hatch,
                    edgecolor=INK,
                    linewidth=0.4,
                    zorder=2,
                )
                base += part
    net = table.sum(axis=1).to_numpy(float)
    ax.plot(
        table.index,
        net,
        "D-",
        color=INK,
        markerfacecolor=PAPER,
        markeredgecolor=INK,
        markersize=5.5,
        linewidth=1.2,
        zorder=4,
    )
    baseline(ax, y=0.0)
    only_y_grid(ax)
    room = up.max() - down.min()
    ax.set_ylim(down.min() - 0.05 * room, up.max() + 0.16 * room)
    said = scene.text("sum", amount=scene.signed(float(net.sum())))
    ax.annotate(
        said,
        (0.03, 0.985),
        xycoords="axes fraction",
        va="top",
        fontsize=SMALL,
        color=PATH_TEXT[path],
        fontweight="bold",
    )
    ax.set_xticks(table.index)
    format_axis(ax.xaxis, scene.count)
    format_axis(ax.yaxis, scene.compact, 7)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_title(scene.named("path", path), color=PATH_TEXT[path])
    return ax


def draw_lines(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("ledger_lines")
    top, below = np.ravel(figure.subfigures(2, 1, height_ratios=(0.14, 0.86), squeeze=False))
    row = below.subplots(1, len(PATHS))
    for ax, path in zip(row, PATHS, strict=True):
        year_bars(frame, scene, ax, path)
    row[0].set_ylabel(scene.text("y_label", currency=scene.currency))
    for ax in row[1:]:
        ax.set_ylabel(scene.currency)  # each panel has a scale of its own
    handles = [
        Patch(facecolor=f, hatch=h, edgecolor=INK, linewidth=0.4, label=scene.text(n))
        for n, (_, f, h) in GROUPS.items()
    ]
    net = row[0].get_lines()[0]
    net.set_label(scene.text("net"))
    top.legend(
        handles=[*handles, net],
        loc="center left",
        ncols=4,
        frameon=False,
        fontsize=SMALL,
        handlelength=1.3,
        columnspacing=1.2,
    )
    scene.note("reading")


def line_terms(scene: Scene) -> dict[str, str]:
    """What the path in question brings, spends and costs SMB over the horizon; no path in question: no claim."""
    finding = scene.finding("M-4.4")
    path = finding.terms.get("path") if finding is not None else None
    if path is None:
        return {"variant": "none"}
    table = by_year(scene.frame("ledger_lines"), path)
    sums = table.sum()
    brought, lost = sums["first_contracts"] + sums["renewals"], -sums["smb_loss"]
    spent = -(sums.sum() - brought + lost)
    amounts = {n: scene.amount(float(v)) for n, v in (("brought", brought), ("spent", spent), ("lost", lost))}
    return {"path": scene.named("path", path), "years": scene.count(len(table)), **amounts}


FIGURES = (FigureSpec("ledger_lines", ("ledger_lines",), draw_lines, (8.6, 4.8), (), line_terms),)
