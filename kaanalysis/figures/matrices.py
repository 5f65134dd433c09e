"""02: who hands over to whom, and which role acts in which department."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kaanalysis.figures.process import kind_name, kinds_shown, party_name
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, KA, LINE, PAPER, SEGMENT_TEXT, SMALL, SOFT, text_width, wrap
from kaanalysis.results import Result

MOST, LABEL = 9, SMALL - 0.5
Floats = npt.NDArray[np.float64]
SHADES = LinearSegmentedColormap.from_list("shades", [PAPER, "#C9D9E8", KA])


def _kinds(frame: pd.DataFrame, count: str) -> list[str]:
    """KA alone where it is there; otherwise the kinds with most flows, at most two."""
    return kinds_shown(frame.assign(flows=frame[count]))


def _first(frame: pd.DataFrame, columns: tuple[str, str], weight: str) -> list[str]:
    """The names of either column that carry most, most first."""
    both = pd.concat([frame[[c, weight]].set_axis(["name", "weight"], axis=1) for c in columns])
    return both.groupby("name")["weight"].sum().sort_values(ascending=False, kind="stable").head(MOST).index.tolist()


def cells(table: Floats, text: Callable[[int, int], str], ax: Axes, own: npt.NDArray[np.bool_] | None = None) -> Axes:
    """A matrix of shares as shades with a text in each cell above 0. own: cells of another meaning, grey and without a say in the scale."""
    apart = np.zeros(table.shape, bool) if own is None else own
    most = float(np.where(apart, 0.0, table).max()) or 1.0
    for y, x in zip(*np.nonzero(table > 0), strict=True):
        part = float(table[y, x]) / most
        color = LINE if apart[y, x] else SHADES(float(np.sqrt(part)))
        alpha = 0.35 if apart[y, x] else 1.0
        ax.add_patch(Rectangle((x - 0.48, y - 0.47), 0.96, 0.94, facecolor=color, alpha=alpha, linewidth=0))
        dark = not apart[y, x] and part > 0.35
        ax.text(
            x,
            y,
            text(y, x),
            ha="center",
            va="center",
            fontsize=SMALL - 0.5,
            color=PAPER if dark else INK,
            linespacing=1.1,
        )
    ax.set_xlim(-0.5, table.shape[1] - 0.5)
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xticks(range(table.shape[1]))
    ax.set_yticks(range(len(table)))
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0)
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def _matrix(frame: pd.DataFrame, rows: list[str], columns: list[str], names: tuple[str, str], value: str) -> Floats:
    """Values of `frame` as an array, 0 where there are none; names: its columns for rows and columns."""
    at = {name: {n: place for place, n in enumerate(order)} for name, order in zip(names, (rows, columns), strict=True)}
    table = np.zeros((len(rows), len(columns)))
    for row, column, number in zip(frame[names[0]], frame[names[1]], frame[value], strict=True):
        if row in at[names[0]] and column in at[names[1]]:
            table[at[names[0]][row], at[names[1]][column]] += float(number)
    return table


def column_inches(names: list[str]) -> float:
    """Width of a matrix column that holds the longest word of its names, within reason."""
    longest = max(text_width(word) for name in names for word in name.split())
    return float(np.clip(longest * LABEL / 72 + 0.1, 0.72, 1.12))


def handover_panel(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """From the party in the row to the party in the column: share of all handovers and the median time; the diagonal keeps the work."""
    names = _first(frame, ("party", "next_party"), "count")
    between = float(frame.loc[frame["party"] != frame["next_party"], "count"].sum())
    table = _matrix(frame, names, names, ("party", "next_party"), "count") / max(between, 1.0)
    days = _matrix(frame, names, names, ("party", "next_party"), "median_days")

    def text(y: int, x: int) -> str:
        share = scene.share(table[y, x]) if table[y, x] >= 0.005 else scene.text("rare")
        return scene.text("cell", share=share, median=scene.span(days[y, x]))

    cells(table, text, ax, own=np.eye(len(names), dtype=bool))
    shown = [party_name(scene, n) for n in names]
    ax.set_xticklabels([wrap(n, column_inches(shown) * 72 / LABEL, 2) for n in shown], fontsize=LABEL)
    ax.set_yticklabels([wrap(n, 13, 2) for n in shown], fontsize=LABEL)
    ax.set_xlabel(scene.text("x_label"), labelpad=5)
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_handovers(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("handovers")
    kinds = _kinds(frame, "flows")
    sizes = [len(_first(frame[frame["kind"] == k], ("party", "next_party"), "count")) for k in kinds]
    heights = [1.0 + 0.47 * n for n in sizes]
    names = [party_name(scene, str(p)) for p in frame["party"].unique()]
    figure.set_size_inches(max(6.4, 2.0 + column_inches(names) * max(sizes)), 0.9 + sum(heights))
    axes = figure.subplots(len(kinds), 1, height_ratios=heights, squeeze=False)[:, 0]
    for ax, kind in zip(axes, kinds, strict=True):
        handover_panel(frame[frame["kind"] == kind], scene, ax)
        ax.set_title(kind_name(scene, kind), color=SEGMENT_TEXT.get(kind, INK), fontsize=BASE)
    scene.note("meaning")


def handover_terms(scene: Scene) -> dict[str, str]:
    """The most frequent handover between two parties, for the title."""
    frame = scene.frame("handovers")
    kind = _kinds(frame, "flows")[0]
    between = frame[(frame["kind"] == kind) & (frame["party"] != frame["next_party"])]
    slow = between[between["count"] >= 0.05 * between["count"].sum()]
    top = slow.iloc[int(slow["median_days"].to_numpy().argmax())]
    return {
        "kind": kind_name(scene, kind),
        "giver": party_name(scene, str(top["party"])),
        "taker": party_name(scene, str(top["next_party"])),
        "median": scene.span(float(top["median_days"])),
        "share": scene.share(float(top["count"] / between["count"].sum())),
    }


def _between(result: Result) -> bool:
    frame = result.frames["handovers"]
    kind = kinds_shown(frame)[0]
    return bool(((frame["party"] != frame["next_party"]) & (frame["kind"] == kind)).any())


def _acting(result: Result) -> pd.DataFrame:
    frame = result.frames["role_departments"]
    kinds = _kinds(frame, "flows")
    return frame[(frame["kind"] == kinds[0]) & (frame["role"] != "") & (frame["department"] != "")]


def draw_roles(scene: Scene, figure: Figure) -> None:
    frame = _acting(scene.result)
    kind = str(frame["kind"].iloc[0])
    roles, departments = (
        frame.groupby(c)["events"].sum().sort_values(ascending=False, kind="stable").head(12).index.tolist()
        for c in ("role", "department")
    )
    events, flows = (_matrix(frame, roles, departments, ("role", "department"), value) for value in ("events", "flows"))

    def text(y: int, x: int) -> str:
        return scene.text("cell", n=scene.count(events[y, x]), flows=scene.count(flows[y, x]))

    shown = [scene.named("department", d) for d in departments]
    width = column_inches(shown)
    figure.set_size_inches(max(5.6, 2.4 + width * len(departments)), 1.7 + 0.42 * len(roles))
    ax = cells(events / np.maximum(events.sum(axis=1, keepdims=True), 1), text, figure.subplots())
    ax.set_xticklabels([wrap(d, width * 72 / LABEL, 2) for d in shown], fontsize=LABEL)
    ax.set_yticklabels([wrap(party_name(scene, r), 14, 2) for r in roles], fontsize=LABEL)
    ax.set_xlabel(scene.text("x_label"), labelpad=5)
    ax.set_ylabel(scene.text("y_label"))
    ax.set_title(kind_name(scene, kind), color=SEGMENT_TEXT.get(kind, SOFT), fontsize=BASE)
    scene.note("meaning")


def role_terms(scene: Scene) -> dict[str, str]:
    """How many roles act in how many departments, for the title."""
    frame = _acting(scene.result)
    several = frame.groupby("role")["department"].nunique()
    return {
        "kind": kind_name(scene, str(frame["kind"].iloc[0])),
        "roles": str(len(several)),
        "departments": str(frame["department"].nunique()),
        "several": str(int((several > 1).sum())),
    }


def _apart(result: Result) -> bool:
    """Whether roles and departments are two things: some role acts in several departments, or the other way round."""
    frame = _acting(result)
    pairs = (frame["role"] != frame["department"]).any()
    return bool(len(frame) > 2 and pairs and min(len(set(frame["department"])), len(set(frame["role"]))) > 1)


FIGURES = (
    FigureSpec("handovers", ("handovers",), draw_handovers, (8.2, 5.0), (), handover_terms, _between),
    FigureSpec("role_departments", ("role_departments",), draw_roles, (8.2, 5.0), (), role_terms, _apart),
)
