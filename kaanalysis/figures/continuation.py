"""04: the rule to go on or to stop against the company's own projects, and how often it errs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from babel.dates import format_date
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import format_axis, mark_line
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, GOOD, INK, LINE, SMALL, SOFT, STATES

GO_TEXT = STATES["supported"][2]
CURVES = {"two_stage": (INK, "-", 2.4), "wins": (BAD, (0, (5, 2)), 1.8), "one_win": (SOFT, (0, (1, 1.5)), 1.8)}
BEHIND = {
    "facecolor": "white",
    "edgecolor": "none",
    "alpha": 0.75,
    "pad": 1.0,
}  # keeps labels apart from lines below them


def day(scene: Scene, iso: str) -> str:
    return format_date(pd.Timestamp(iso).date(), "medium", locale=scene.words.locale)


def boundary_panel(scene: Scene, ax: Axes) -> Axes:
    """Wins against decided projects: where the plan goes on, stops and looks on; the company's own steps; bounds for looks without end."""
    frame = scene.frame("rule_boundaries")
    right, x = float(frame["closed"].max()), frame["closed"].to_numpy(float)
    plan = frame[frame["go_on_from"].notna()]
    total, go_on = int(frame.loc[frame["stop_up_to"].notna(), "closed"].max()), float(plan["go_on_from"].iloc[0])
    top = go_on * 1.75
    ax.plot([0, top], [0, top], color=LINE, linewidth=1.0, zorder=1.6)
    ax.fill_between([go_on, top, total], [go_on, top, top], go_on, color=GOOD, alpha=0.28, linewidth=0, zorder=0.6)
    stops = frame[frame["stop_up_to"].notna()]
    for _, part in stops.groupby((stops["closed"].diff() > 1).cumsum()):
        at, up_to = part["closed"].to_numpy(float), part["stop_up_to"].to_numpy(float)
        ax.fill_between(
            np.append(at - 0.5, at[-1] + 0.5), -0.4, np.append(up_to, up_to[-1]) + 0.4, step="post", color=BAD, alpha=0.22, linewidth=0,
            zorder=0.6,
        )  # fmt: skip
    for name in ("sequence_go_on", "sequence_stop"):
        ax.plot(x, frame[name], color=SOFT, linewidth=1.3, linestyle=(0, (1, 1.4)), zorder=1.8)
    labels = {
        "go_on": (total - 0.4, go_on + 0.25, "bottom", GO_TEXT),
        "stop": (total + 0.2, 0.0, "bottom", BAD),
        "continue": (0.6 * total, 0.55 * go_on, "center", SOFT),
    }
    for key, (x_at, y_at, place, color) in labels.items():
        ax.text(
            x_at, y_at, scene.text(f"region_{key}"), color=color, fontweight="bold", fontsize=SMALL + 0.5, va=place, ha="right", zorder=6,
            bbox=BEHIND,
        )  # fmt: skip
    _own_steps(scene, ax, right)
    ax.set_xlim(0, right)
    ax.set_ylim(-0.4, top)
    format_axis(ax.xaxis, scene.count, 7, whole=True)
    format_axis(ax.yaxis, scene.count, 6, whole=True)
    ax.set_xlabel(scene.text("projects_label"))
    ax.set_ylabel(scene.text("wins_label"))
    return ax


def _own_steps(scene: Scene, ax: Axes, right: float) -> None:
    if "continuation_replay" not in scene.result.frames:
        return
    looked = scene.frame("continuation_replay")
    for used, color, width, line in ((False, SOFT, 1.4, (0, (4, 2))), (True, INK, 2.2, "-")):
        mine = looked[looked["used"] == used]
        if mine.empty:
            continue
        shown = mine[mine["closed"] <= right]
        steps_x, steps_y = np.append(0, shown["closed"]), np.append(0, shown["wins"])
        ax.plot(
            steps_x, steps_y, color=color, linewidth=width, linestyle=line, drawstyle="steps-post", zorder=3 + used,
            label=scene.text(f"order_{mine['order'].iloc[0]}"),
        )  # fmt: skip
        ended = mine[mine["decision"] != "continue"]
        if ended.empty:
            continue
        first = ended.iloc[0]
        marker, fill = ("o", GOOD) if first["decision"] == "go_on" else ("X", BAD)
        ax.plot([first["closed"]], [first["wins"]], marker, color=fill, markeredgecolor=color, markersize=9, zorder=7)
        low = first["wins"] < 2
        ax.annotate(
            day(scene, str(first["date"])), (first["closed"], first["wins"]), xytext=(6, 10 if low else -4), textcoords="offset points",
            fontsize=SMALL, color=color, va="bottom" if low else "top", zorder=8, bbox=BEHIND,
        )  # fmt: skip
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", frameon=False, fontsize=SMALL, handlelength=2.2)


def characteristic_panel(scene: Scene, ax: Axes) -> Axes:
    """The chance to go on over the true success, for the rule, the method's wins and the first win alone."""
    frame, rules = scene.frame("rule_characteristic"), scene.frame("continuation_rule")
    asked = rules.iloc[0]
    first = {
        "n": scene.count(float(scene.policy["stage.first_projects"])),
        "wins": scene.count(float(scene.policy["stage.first_wins"])),
    }
    for share in (float(asked["poor"]), float(asked["good"])):
        mark_line(ax, x=share, label=scene.share(share))
    for name, (color, line, width) in CURVES.items():
        curve = frame[frame["plan"] == name]
        if curve.empty or (name == "one_win" and scene.policy["stage.first_wins"] == 1):
            continue
        ax.plot(
            curve["share"],
            curve["go_on"],
            color=color,
            linestyle=line,
            linewidth=width,
            label=scene.text(f"curve_{name}", **first),
            zorder=3,
        )
        at = float(np.interp(float(asked["poor"]), curve["share"], curve["go_on"]))
        ax.plot([asked["poor"]], [at], "o", color=color, markersize=5, zorder=4)
        ax.annotate(
            scene.share(at),
            (float(asked["poor"]), at),
            xytext=(-5, 3),
            textcoords="offset points",
            ha="right",
            fontsize=SMALL,
            color=color,
        )
    ax.legend(loc="lower right", frameon=False, fontsize=SMALL, handlelength=2.2)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.12)
    ax.set_yticks(np.linspace(0, 1, 6))
    format_axis(ax.xaxis, scene.share, 5)
    format_axis(ax.yaxis, scene.share)
    ax.set_xlabel(scene.text("share_label"))
    ax.set_ylabel(scene.text("chance_label"))
    return ax


def draw_rule(scene: Scene, figure: Figure) -> None:
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    boundary_panel(scene, left)
    characteristic_panel(scene, right)
    rules = scene.frame("continuation_rule")
    plan = {str(row["stage"]): row for _, row in rules[rules["plan"] == "two_stage"].iterrows()}
    scene.note(
        "plan",
        first=scene.count(float(plan["first"]["n"])),
        few=scene.count(float(plan["first"]["stop_up_to"])),
        total=scene.count(float(plan["total"]["n"])),
        wins=scene.count(float(plan["total"]["go_on_from"])),
        false_go=scene.exact_share(float(plan["total"]["false_go"])),
        poor=scene.share(float(plan["total"]["poor"])),
        false_stop=scene.exact_share(float(plan["total"]["false_stop"])),
        good=scene.share(float(plan["total"]["good"])),
    )
    scene.note("sequence")


def rule_terms(scene: Scene) -> dict[str, str]:
    """What the rule says of the company's own projects, for the title."""
    frames = scene.result.frames
    mine = (
        frames["continuation_replay"][frames["continuation_replay"]["used"]]
        if "continuation_replay" in frames
        else None
    )
    if mine is None or mine.empty:
        return {"variant": "none"}
    last = mine.iloc[-1]
    if last["decision"] == "continue":
        return {
            "variant": "continue",
            "wins": scene.count(float(last["wins"])),
            "closed": scene.count(float(last["closed"])),
        }
    first = mine[mine["decision"] != "continue"].iloc[0]
    counts = {"wins": scene.count(float(first["wins"])), "closed": scene.count(float(first["closed"]))}
    return {"variant": str(last["decision"]), **counts, "date": day(scene, str(first["date"]))}


FIGURES = (
    FigureSpec(
        "continuation_rule",
        ("continuation_rule", "rule_boundaries", "rule_characteristic"),
        draw_rule,
        (8.6, 4.5),
        terms=rule_terms,
    ),
)
