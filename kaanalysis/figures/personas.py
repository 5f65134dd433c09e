"""01: who could be a key account seen from outside, and how that meets what customers bring."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from kaanalysis.figures.parts import jitter, log_ticks, only_x_grid
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, KA, LINE, SMALL, SOFT, wrap
from kaanalysis.results import Result

REACHES = ("local", "regional", "national", "global", "")
PERSONAS = {"M-1.5a": "D", "M-1.5b": "s", "M-1.5c": "o", "M-1.5d": "^", "": "x"}


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    """Accounts whose revenue is known, with reach and persona as text ("" where there is none)."""
    mine = frame[frame["annual_revenue"] > 0].copy()
    mine["reach"] = mine["reach"].astype(object).where(mine["reach"].notna(), "")
    mine["persona"] = mine["persona"].astype(object).where(mine["persona"].notna(), "")
    mine["customer"] = mine["customer"].fillna(False).astype(bool)
    return mine


def persona_map(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Revenue against reach; the shape says the persona, a filled mark a customer."""
    mine = _placed(frame)
    reaches = [r for r in REACHES if (mine["reach"] == r).any()]
    limit, margin = float(scene.policy["persona.regional_revenue"]), float(scene.policy["persona.margin"])
    ax.axvspan(limit * (1 - margin), limit * (1 + margin), color=LINE, alpha=0.3, linewidth=0, zorder=0)
    ax.axvline(limit, color=INK, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
    for y, reach in enumerate(reaches):
        row = mine[mine["reach"] == reach].sort_values(["annual_revenue", "account_id"], kind="stable")
        height = y + jitter(len(row), 0.66)
        for persona, marker in PERSONAS.items():
            for customer in (True, False):
                at = (row["persona"] == persona).to_numpy() & (row["customer"] == customer).to_numpy()
                if at.any():
                    ax.plot(
                        row["annual_revenue"].to_numpy(float)[at], height[at], marker, color=KA, linestyle="none",
                        markersize=5 if persona in ("M-1.5c", "") else 6, markerfacecolor=KA if customer else "white",
                        markeredgecolor=(KA if not customer else "white") if persona else (KA if customer else SOFT),
                        markeredgewidth=1.0 if not customer or not persona else 0.5, zorder=3 if persona else 2,
                    )  # fmt: skip
    names = [
        scene.text(
            "reach_row",
            reach=scene.text(f"reach_{r}") if r else scene.text("not_recorded"),
            n=scene.count(int((mine["reach"] == r).sum())),
        )
        for r in reaches
    ]
    ax.set_yticks(range(len(reaches)), names)
    ax.set_ylim(-0.6, len(reaches) - 0.4)
    ax.set_xscale("log")
    low, high = (float(f(np.append(mine["annual_revenue"].to_numpy(float), limit))) for f in (np.min, np.max))
    ax.set_xlim(low / 1.5, high * 1.5)
    log_ticks(ax.xaxis, low / 1.5, high * 1.5, scene.compact, 5)
    ax.annotate(
        scene.text("limit", limit=scene.compact(limit), margin=scene.share(margin)), (limit, 1), xycoords=("data", "axes fraction"),
        xytext=(0, 3), textcoords="offset points", fontsize=SMALL, color=SOFT, va="bottom", ha="center",
    )  # fmt: skip
    only_x_grid(ax)
    ax.set_xlabel(scene.text("x_label", currency=scene.currency))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def persona_key(frame: pd.DataFrame, scene: Scene, ax: Axes) -> None:
    """What the shapes mean, with how many accounts there are of each."""
    mine = _placed(frame)
    handles, labels = [], []
    for persona, marker in PERSONAS.items():
        n = int((mine["persona"] == persona).sum())
        if n:
            handles.append(Line2D([], [], marker=marker, color=KA, linestyle="none", markersize=6))
            name = scene.words.term("persona", persona) if persona else scene.text("none")
            labels.append(scene.text("key", persona=name, n=scene.count(n)))
    ax.legend(handles, labels, loc="upper left", bbox_to_anchor=(-0.12, -0.2), ncols=2, frameon=False, fontsize=SMALL, handletextpad=0.2,
              columnspacing=1.0, borderaxespad=0.0)  # fmt: skip


def inside_table(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Two by two: key account by revenue or not, persona or not; the tint is the money of the cell."""
    customers = frame[frame["kind"] == "customer"]
    total = float(customers["spend"].sum()) or 1.0
    waiting = int(frame.loc[frame["kind"] == "prospect", "accounts"].sum())
    for x, persona in enumerate((True, False)):
        for y, inside in enumerate((True, False)):
            cell = customers[(customers["inside"] == inside) & (customers["persona"] == persona)]
            n, spend = int(cell["accounts"].sum()), float(cell["spend"].sum())
            part = spend / total
            ax.add_patch(
                Rectangle(
                    (x - 0.48, y - 0.47), 0.96, 0.94, facecolor=KA, alpha=0.06 + 0.5 * part, linewidth=0, zorder=1
                )
            )
            agree = persona == inside
            text = scene.text("cell", n=scene.count(n), amount=scene.compact(spend), share=scene.share(part))
            more = persona and not inside and waiting
            ax.text(x, y - (0.16 if more else 0), text, ha="center", va="center", fontsize=SMALL + 0.5, linespacing=1.25,
                    fontweight="bold" if agree and persona else "normal", zorder=3)  # fmt: skip
            if more:
                ax.text(
                    x,
                    y + 0.28,
                    scene.text("waiting", n=scene.count(waiting)),
                    ha="center",
                    va="center",
                    fontsize=SMALL,
                    color=SOFT,
                    zorder=3,
                )
    ax.set_xlim(-0.5, 1.5)
    ax.set_ylim(1.5, -0.5)
    ax.set_xticks([0, 1], [scene.text("outside_yes"), scene.text("outside_no")])
    ax.set_yticks([0, 1], [wrap(scene.text("inside_yes"), 6), wrap(scene.text("inside_no"), 6)])
    ax.grid(False)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_xlabel(scene.text("outside_label"))
    ax.set_ylabel(scene.text("inside_label"))
    return ax


def draw_personas(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("personas")
    rows = _placed(frame)["reach"].nunique()
    figure.set_size_inches(8.2, max(4.2, 2.5 + 0.62 * rows))
    table = scene.result.frames.get("inside_outside")
    if table is not None and len(table):
        left, right = figure.subplots(1, 2, width_ratios=[1.45, 1])
        inside_table(table, scene, right)
        right.set_title(scene.text("table_title"), fontsize=BASE)
    else:
        left = figure.subplots()
    persona_map(frame, scene, left)
    left.set_title(scene.text("map_title"), fontsize=BASE, pad=17)
    persona_key(frame, scene, left)
    scene.note("reading", currency=scene.currency, inside=scene.share(scene.policy["persona.inside_share"]))


def _has_revenue(result: Result) -> bool:
    return bool((result.frames["personas"]["annual_revenue"] > 0).any())


def persona_terms(scene: Scene) -> dict[str, str]:
    """How many have a persona and are no customer yet, and how many of the key accounts by revenue the personas find, for the title."""
    frame = scene.frame("personas")
    with_persona = frame[frame["persona"].notna()]
    inside = frame[frame["inside"].fillna(False).astype(bool)]
    terms = {
        "waiting": scene.count(int((~with_persona["customer"].fillna(False).astype(bool)).sum())),
        "all": scene.count(len(with_persona)),
        "found": scene.count(int(inside["persona"].notna().sum())),
        "inside": scene.count(len(inside)),
    }
    if not len(inside):
        return terms | {"variant": "no_inside"}
    return terms | ({"variant": "all_customers"} if terms["waiting"] == scene.count(0) else {})


FIGURES = (FigureSpec("personas", ("personas",), draw_personas, (8.2, 4.6), terms=persona_terms, worth=_has_revenue),)
