"""02: whom the buying process waits for: share of all waiting and median wait by party."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import note_beside, only_x_grid, room_for_text, rows_of
from kaanalysis.figures.process import kind_name, kinds_shown, party_name
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, LINE, SEGMENT_TEXT, SOFT, wrap
from kaanalysis.results import Result

MOST = 10


def _rows(scene: Scene, kind: str) -> pd.DataFrame:
    frame = scene.frame("waiting_by_party")
    own = frame[(frame["kind"] == kind) & frame["share"].notna()]
    return own.sort_values(["share", "party"], ascending=[False, True], kind="stable").head(MOST).reset_index(drop=True)


def party_bars(rows: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Share of all waiting that falls on each party, with the median wait each time; the largest dark."""
    ax.barh(range(len(rows)), rows["share"], height=0.62, color=[INK if y == 0 else LINE for y in range(len(rows))])
    for y, r in enumerate(rows_of(rows)):
        worked = float(r.median_working_days)
        key = "value" if np.isfinite(worked) else "value_elapsed"
        text = scene.text(key, share=scene.share(float(r.share)), median=scene.span(float(r.median_days)),
                          worked="" if not np.isfinite(worked) else scene.span(worked), tail=scene.span(float(r.p90_days)))  # fmt: skip
        note_beside(ax, float(r.share), y, text, INK if y == 0 else SOFT, 4)
    names = [
        wrap(scene.text("row", party=party_name(scene, str(r.party)), n=scene.count(int(r.count))), 16, 2)
        for r in rows_of(rows)
    ]
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    room_for_text(ax, float(rows["share"].max() or 1.0), 2.05, scene)
    only_x_grid(ax)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def _kinds(scene: Scene) -> list[str]:
    return [k for k in kinds_shown(scene.frame("waiting_by_party")) if len(_rows(scene, k))]


def draw_party_waits(scene: Scene, figure: Figure) -> None:
    kinds = _kinds(scene)
    parts = [_rows(scene, kind) for kind in kinds]
    heights = [0.75 + 0.42 * len(rows) for rows in parts]
    figure.set_size_inches(8.2, 0.9 + sum(heights))
    axes = figure.subplots(len(kinds), 1, height_ratios=heights, squeeze=False)[:, 0]
    for ax, kind, rows in zip(axes, kinds, parts, strict=True):
        party_bars(rows, scene, ax)
        ax.set_title(kind_name(scene, kind), color=SEGMENT_TEXT.get(kind, INK), fontsize=BASE)
    facts = scene.result.frames.get("process_facts")
    if facts is not None and len(facts):
        first = facts.iloc[0]
        scene.note("calendar", calendar=scene.text(f"calendar_{first['calendar']}"))
        if first["unknown_days"]:
            scene.note("unknown_days", n=scene.count(int(first["unknown_days"])), of=scene.count(int(first["events"])))
    scene.note("meaning")


def party_wait_terms(scene: Scene) -> dict[str, str]:
    """The party waited for longest, for the title; both where two kinds are shown."""
    kinds = _kinds(scene)
    tops = [_rows(scene, kind).iloc[0] for kind in kinds[:2]]
    terms: dict[str, str] = {}
    for place, (kind, top) in enumerate(zip(kinds, tops, strict=False), 1):
        terms |= {f"kind_{place}": kind_name(scene, kind), f"party_{place}": party_name(scene, str(top["party"])),
                  f"share_{place}": scene.share(float(top["share"]))}  # fmt: skip
    return terms | ({"variant": "two"} if len(kinds) > 1 else {})


def _waited(result: Result) -> bool:
    return bool(result.frames["waiting_by_party"]["share"].notna().any())


FIGURES = (
    FigureSpec("party_waits", ("waiting_by_party",), draw_party_waits, (8.2, 4.0), (), party_wait_terms, _waited),
)
