"""02: who takes part and in which way, who has not been found yet, and how good the alarm about missing parties is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import baseline, cut_ends, format_axis, interval_h, note_beside, only_x_grid, rows_of
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, BASE, GOOD, INK, LINE, SEGMENTS, SMALL, SOFT

ACCOUNTS_SHOWN = 14
KINDS = (
    "approve_parties",
    "inform_parties",
    "influence_parties",
    "key_persons",
    "key_opinion_persons",
    "parties_unmet",
)
APART = 0.18  # half the distance between the rows of two segments


def segment_rows(frame: pd.DataFrame, kinds: list[str], scene: Scene, ax: Axes, top: float) -> Axes:
    """One row per kind, within it a dot with interval and value per segment; the segments' names beside the first row's dots."""
    segments = [s for s in ("SMB", "KA", "all") if (frame["segment"] == s).any()]
    for y, kind in enumerate(kinds):
        for place, segment in enumerate(segments):
            mine = frame[(frame["kind"] == kind) & (frame["segment"] == segment)]
            if mine.empty or not np.isfinite(mine["value"].iloc[0]):
                continue
            row, at = mine.iloc[0], y + (2 * place - len(segments) + 1) * APART
            interval_h(ax, at, row["value"], row["low"], row["high"], SEGMENTS[segment], 8)
            end = max(v for v in (row["value"], row["high"]) if np.isfinite(v))
            text = scene.text("dot", segment=scene.segment(segment), value=_value(scene, row))
            note_beside(ax, min(end, top), at, text, INK, 7)
    ax.set_yticks(range(len(kinds)), [scene.text(k) for k in kinds])
    ax.set_ylim(len(kinds) - 0.4, -0.6)
    ax.set_ylabel(scene.text("y_label"))
    only_x_grid(ax)
    return ax


def _value(scene: Scene, row: pd.Series) -> str:
    value = float(row["value"])
    return scene.share(value) if row.get("unit", "") == "share" else scene.count(round(value, 2))


def draw_by_part(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("parties_by_part")
    kinds = [k for k in KINDS if (frame["kind"] == k).any()]
    figure.set_size_inches(7.6, 1.3 + 0.62 * len(kinds))
    ax = figure.subplots()
    top = float(np.nanmax(frame[["value", "high"]].to_numpy(float))) or 1.0
    segment_rows(frame, kinds, scene, ax, top)
    ax.set_xlim(-0.02 * top, 1.22 * top)
    format_axis(ax.xaxis, scene.count, 6)
    ax.set_xlabel(scene.text("x_label"))
    scene.note("reading", level=scene.level())


def by_part_terms(scene: Scene) -> dict[str, str]:
    """Approving and influencing persons of the largest segment there is, for the title."""
    frame = scene.frame("parties_by_part")
    segment = next(s for s in ("KA", "all", "SMB") if (frame["segment"] == s).any())
    values = frame[frame["segment"] == segment].set_index("kind")["value"]

    def said(kind: str) -> str:
        return scene.count(round(float(values.get(kind, np.nan)), 1))

    return {"segment": scene.segment(segment), **{k.removesuffix("_parties"): said(k) for k in KINDS[:3]}}


def account_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Per account: persons found (hollow), estimated in all (full) with the interval."""
    reach = float(frame["estimated"].max()) * 1.9
    for y, r in enumerate(rows_of(frame)):
        ax.plot([r.low, min(r.high, reach)], [y, y], color=LINE, linewidth=2.2, solid_capstyle="butt", zorder=2)
        ax.plot([r.estimated], [y], "o", color=SEGMENTS["KA"], markersize=8, markeredgecolor="white", zorder=4)
        ax.plot(
            [r.found],
            [y],
            "o",
            color=SEGMENTS["KA"],
            markersize=7,
            markerfacecolor="white",
            markeredgewidth=1.5,
            zorder=3,
        )
    ax.set_xlim(0, reach * 1.04)
    for y, r in enumerate(rows_of(frame)):
        cut_ends(ax, y, None, r.high if r.high > reach else None, LINE)
    names = [scene.text("row", account=scene.words.term("account", str(n if pd.notna(n) else a)), deals=scene.count(int(d)))
             for n, a, d in zip(frame["name"], frame["account_id"], frame["deals"], strict=True)]  # fmt: skip
    ax.set_yticks(range(len(frame)), names)
    ax.set_ylim(len(frame) - 0.4, -0.6)
    ax.set_ylabel(scene.text("y_label"))
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.count, 6, whole=True)
    ax.set_xlabel(scene.text("x_label"))
    return ax


def draw_unseen(scene: Scene, figure: Figure) -> None:
    whole = scene.frame("unseen_parties")
    frame = whole[whole["estimated"] > whole["found"]].head(ACCOUNTS_SHOWN)
    figure.set_size_inches(7.8, 1.7 + 0.3 * len(frame))
    account_rows(frame, scene, figure.subplots())
    scene.note("reading", level=scene.level(), shown=scene.count(len(frame)), all=scene.count(len(whole)))
    scene.note("bound")


def _some_unseen(result: object) -> bool:
    frame = result.frames["unseen_parties"]  # type: ignore[attr-defined]
    return bool((frame["estimated"] > frame["found"]).any())


def unseen_terms(scene: Scene) -> dict[str, str]:
    """Means over the accounts, for the title."""
    frame = scene.frame("unseen_parties")
    found, estimated = float(frame["found"].mean()), float(frame["estimated"].mean())
    return {
        "found": scene.count(round(found, 1)),
        "unseen": scene.count(round(estimated - found, 2)),
        "n": scene.count(len(frame)),
    }


def paired_bars(frame: pd.DataFrame, whole: str, part: str, color: str, scene: Scene, ax: Axes) -> Axes:
    """Per role how many there were (outline) and how many of them count (filled), in numbers beside it."""
    reach = max(1.0, float(frame[whole].max()))
    for y, r in enumerate(frame.to_dict("records")):
        ax.barh(y, r[whole], height=0.62, color="white", edgecolor=LINE, linewidth=1.1, zorder=2)
        ax.barh(y, r[part], height=0.62, color=color, zorder=3)
        text = scene.text("of", part=scene.count(int(r[part])), whole=scene.count(int(r[whole])))
        ax.annotate(text, (r[whole], y), xytext=(5, 0), textcoords="offset points", va="center", fontsize=SMALL)
    ax.set_xlim(0, reach * 1.28)
    only_x_grid(ax)
    baseline(ax, x=0)
    format_axis(ax.xaxis, scene.count, 4, whole=True)
    ax.set_xlabel(scene.text(f"{whole}_label"))
    number = scene.number("alarm_recall" if whole == "needed" else "alarm_false")
    if number is not None and number.value is not None:
        span = scene.between(number.low, number.high, "share", float(number.value))
        value = scene.exact_share(float(number.value))
        ax.set_title(scene.text(f"{whole}_title", value=value, span=span), fontsize=BASE, color=INK)
    else:
        ax.set_title(scene.text(f"{whole}_open"), fontsize=BASE, color=SOFT)
    return ax


def draw_alarm(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("alarm_by_role")
    figure.set_size_inches(8.2, 1.8 + 0.36 * len(frame))
    left, right = figure.subplots(1, 2, sharey=True)
    paired_bars(frame, "needed", "caught", GOOD, scene, left)
    paired_bars(frame, "alarmed", "false", BAD, scene, right)
    left.set_yticks(range(len(frame)), [scene.words.term("party", str(r)) for r in frame["role"]])
    left.set_ylim(len(frame) - 0.4, -0.6)
    left.set_ylabel(scene.text("y_label"))
    days = scene.count(int(scene.policy["alarm.review_days"]))
    scene.note("reading", days=days, level=scene.level())


def alarm_terms(scene: Scene) -> dict[str, str]:
    """Recall and false alarms, for the title; without them where too few were seen to tell."""
    recall, false, open_now = (scene.number(n) for n in ("alarm_recall", "alarm_false", "parties_missing"))
    missing = {
        "missing": scene.count(int(open_now.value or 0)) if open_now is not None else scene.words("numbers.none")
    }
    if recall is None or false is None or recall.value is None or false.value is None:
        return {"variant": "open", **missing}
    return {"recall": scene.share(float(recall.value)), "false": scene.share(float(false.value)), **missing}


FIGURES = (
    FigureSpec("parties_by_part", ("parties_by_part",), draw_by_part, (7.6, 5.0), (), by_part_terms),
    FigureSpec("unseen_parties", ("unseen_parties",), draw_unseen, (7.8, 5.6), (), unseen_terms, _some_unseen),
    FigureSpec("alarm_by_role", ("alarm_by_role",), draw_alarm, (8.2, 4.4), (), alarm_terms),
)
