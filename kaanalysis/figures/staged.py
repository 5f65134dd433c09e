"""04: what a part-time stage is worth, by strategy and by the wins it shows."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import format_axis, interval_h, mark_line, only_x_grid, rows_of
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import INK, LINE, PATH_TEXT, SMALL, SOFT, wrap

ACTION_LOOK = {"stay": (PATH_TEXT["part_time"], "o"), "split": (PATH_TEXT["split"], "s"), "stop": (SOFT, "v")}


def strategy_rows(scene: Scene, ax: Axes) -> Axes:
    """What every strategy is worth: mean and the span of the draws."""
    frame = scene.frame("staged").reset_index(drop=True)
    place, ticks = 0.0, []
    for kind in ("commit", "staged", "limit"):
        for row in rows_of(frame[frame["kind"] == kind]):
            color = INK if kind == "staged" else SOFT
            if row.high > row.low:
                ax.plot([row.low, row.high], [place, place], color=LINE, linewidth=5, solid_capstyle="butt", zorder=2)
            interval_h(ax, place, float(row.mean), None, None, color, 8)
            ticks.append((place, str(row.strategy)))
            place += 1
        place += 0.6
    names = [
        wrap(scene.text(f"strategy_{name}", wins=scene.count(float(scene.policy["stage.first_wins"]))), 13, 3)
        for _, name in ticks
    ]
    ax.set_yticks([y for y, _ in ticks], names)
    ax.set_ylim(place - 0.9, -0.7)
    mark_line(ax, x=0, color=INK)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.compact, 4)
    ax.set_xlabel(scene.text("value_label", currency=scene.currency))
    ax.set_ylabel(scene.text("strategy_label"))
    return ax


def action_panel(scene: Scene, ax: Axes) -> Axes:
    """What every action brings at the review, by the wins seen until then; rings: the best one."""
    frame = scene.frame("staged_wins")
    groups = sorted(frame["wins"].unique())
    span = frame.drop_duplicates("wins").set_index("wins")["wins_to"]
    for action, (color, marker) in ACTION_LOOK.items():
        mine = frame[frame["action"] == action].sort_values("wins")
        x = [groups.index(w) for w in mine["wins"]]
        if action == "split":
            ax.fill_between(x, mine["low"], mine["high"], color=color, alpha=0.16, linewidth=0)
        ax.plot(
            x,
            mine["mean"],
            color=color,
            marker=marker,
            markersize=5.5,
            linewidth=1.8,
            label=scene.text(f"action_{action}"),
        )
        best = mine[mine["best"]]
        ax.plot(
            [groups.index(w) for w in best["wins"]],
            best["mean"],
            "o",
            color="none",
            markeredgecolor=INK,
            markersize=11,
            markeredgewidth=1.4,
        )
    step = max(1, -(-len(groups) // 6))
    names = [
        scene.count(float(w)) if span[w] == w else f"{scene.count(float(w))}–{scene.count(float(span[w]))}"
        for w in groups
    ]
    ax.set_xticks(range(0, len(groups), step), names[::step])
    ax.axhline(0, color=INK, linewidth=0.9, zorder=1.6)
    format_axis(ax.yaxis, scene.compact, 6)
    ax.legend(loc="upper left", frameon=False, fontsize=SMALL, handlelength=2.0)
    ax.set_xlabel(scene.text("seen_label", months=scene.count(float(scene.policy["stage.review_months"]))))
    ax.set_ylabel(scene.text("value_label", currency=scene.currency))
    return ax


def draw_staged(scene: Scene, figure: Figure) -> None:
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1])
    strategy_rows(scene, left)
    action_panel(scene, right)
    scene.note("reading")
    months = scene.result.frames.get("rule_months")
    if months is not None:
        row = months[months["stage"] == "decision"].iloc[0]
        if np.isfinite(row["months"]):
            scene.note("months", months=scene.count(float(row["months"])), within=scene.share(float(row["within"])))


def staged_terms(scene: Scene) -> dict[str, str]:
    """Whether staging by the rule beats the best commitment, for the title."""
    finding = scene.finding("M-4")
    value = scene.number("option_value")
    stage = finding.terms.get("stage") if finding is not None else None
    if finding is None or stage is None or value is None or value.value is None:
        return {"variant": "none"}
    amount = scene.amount(abs(float(value.value)))
    return {
        "variant": stage,
        "amount": amount,
        "commitment": scene.words.term("commitment", finding.terms["commitment"]),
    }


FIGURES = (FigureSpec("staged", ("staged", "staged_wins"), draw_staged, (8.6, 4.7), terms=staged_terms),)
