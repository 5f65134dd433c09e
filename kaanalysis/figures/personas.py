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


# Rows of the table: kind, key by revenue or not; those who did not pay stand apart, since nobody can say which they would be.
TABLE_ROWS = (("customer", True, 0.0), ("customer", False, 1.0), ("earlier", None, 2.15), ("prospect", None, 3.05))


def inside_table(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Persona or not against key account by revenue or not, the tint being the money of the cell; below, customers that did not pay in
    the window and accounts that were never customers."""
    total = float(frame["spend"].sum()) or 1.0
    for kind, inside, y in TABLE_ROWS:
        row = frame[
            (frame["kind"] == kind) & (frame["inside"].isna() if inside is None else frame["inside"].eq(inside))
        ]
        height = 0.94 if inside is not None else 0.72
        for x, persona in enumerate((True, False)):
            cell = row[row["persona"] == persona]
            n, spend = int(cell["accounts"].sum()), float(cell["spend"].sum())
            color, tint = (KA, 0.06 + 0.5 * spend / total) if inside is not None else (LINE, 0.3)
            corner = (x - 0.48, y - height / 2)
            ax.add_patch(Rectangle(corner, 0.96, height, facecolor=color, alpha=tint, linewidth=0, zorder=1))
            if inside is not None:
                text = scene.text(
                    "cell", n=scene.count(n), amount=scene.compact(spend), share=scene.share(spend / total)
                )
            else:
                text = scene.text("cell_plain" if kind == "earlier" else "cell_accounts", n=scene.count(n))
            strong = persona and (inside or kind == "prospect")
            ax.text(x, y, text, ha="center", va="center", fontsize=SMALL + 0.5, linespacing=1.25, zorder=3,
                    fontweight="bold" if strong else "normal")  # fmt: skip
    ax.set_xlim(-0.5, 1.5)
    ax.set_ylim(3.45, -0.5)
    ax.set_xticks([0, 1], [scene.text("outside_yes"), scene.text("outside_no")])
    names = ("inside_yes", "inside_no", "earlier", "prospect")
    ax.set_yticks([y for _, _, y in TABLE_ROWS], [wrap(scene.text(n), 7.5) for n in names])
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
    figure.set_size_inches(8.2, max(4.9, 2.5 + 0.62 * rows))
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
    months = scene.words.value(int(scene.policy["spend.window_months"]), "months")
    scene.note(
        "reading", currency=scene.currency, inside=scene.share(scene.policy["persona.inside_share"]), window=months
    )
    known = scene.number("accounts_known", "KA")
    if known is not None:
        mine = frame[frame["segment"].eq("KA").fillna(False) & frame["persona"].notna()]
        definition = scene.words.term("definition", str(scene.policy["segment.definition"]))
        scene.note("labelled", n=scene.count(len(mine)), all=scene.count(known.n), definition=definition)


def _has_revenue(result: Result) -> bool:
    return bool((result.frames["personas"]["annual_revenue"] > 0).any())


def persona_terms(scene: Scene) -> dict[str, str]:
    """How many have a persona and are no customer yet, and how many of the key accounts by revenue the personas find, for the title."""
    frame = scene.frame("personas")
    with_persona = frame[frame["persona"].notna()]
    inside = frame[frame["inside"].fillna(False).astype(bool)]
    paid, found = int((with_persona["spend"] > 0).sum()), int(inside["persona"].notna().sum())
    waiting = int((~with_persona["customer"].fillna(False).astype(bool)).sum())
    terms = {"waiting": scene.count(waiting), "all": scene.count(len(with_persona))}
    if not len(inside) or not paid:
        return terms | {"variant": "no_inside"}
    terms |= {
        "found": scene.count(found), "inside": scene.count(len(inside)), "paid": scene.count(paid), "share": scene.share(found / paid),
        "window": scene.words.value(int(scene.policy["spend.window_months"]), "months"),
    }  # fmt: skip
    return terms | ({"variant": "all_customers"} if not waiting else {})


FIGURES = (FigureSpec("personas", ("personas",), draw_personas, (8.2, 4.9), terms=persona_terms, worth=_has_revenue),)
