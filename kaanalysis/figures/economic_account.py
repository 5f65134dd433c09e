"""02: what each role gains and gives up in the purchases worked out (M-2.1)."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from kaanalysis.figures.parts import baseline, format_axis, interval_h, only_x_grid
from kaanalysis.figures.process import party_name
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, GOOD, INK, OTHER, SMALL, SOFT, wrap


def draw_account(scene: Scene, figure: Figure) -> None:
    """A row per role: mean gains to the right, mean costs to the left, the balance with its interval over them."""
    frame, opponents = scene.frame("economic_account"), scene.frame("opponents").set_index("role")
    means = frame.groupby("role")[["gains", "costs", "balance"]].mean().sort_values("balance", ascending=False)
    roles = [str(r) for r in means.index]
    figure.set_size_inches(8.2, 1.9 + 0.47 * len(roles))
    ax: Axes = figure.subplots()
    rows = means.to_dict("index")
    known = opponents.to_dict("index")
    ends = [0.0, float(means["gains"].max()), -float(means["costs"].max())]
    for y, role in enumerate(roles):
        gains, costs = float(rows[role]["gains"]), float(rows[role]["costs"])
        ax.barh(y, gains, height=0.62, color=GOOD, alpha=0.75, zorder=2)
        ax.barh(y, -costs, height=0.62, color=OTHER, alpha=0.75, zorder=2)
        number = scene.number("account_balance", role)
        value = float(rows[role]["balance"])
        low, high = (None, None) if number is None else (number.low, number.high)
        likely = bool(known[role]["opponent"])
        interval_h(ax, y, value, low, high, BAD if likely else INK, 8)
        ends += [float(v) for v in (low, high) if v is not None]
    left, right = min(ends), max(ends)
    room = (right - left) * 0.34
    ax.set_xlim(left - 0.04 * (right - left), right + room)
    for y, role in enumerate(roles):
        likely, row = bool(known[role]["opponent"]), known[role]
        text = scene.signed(float(rows[role]["balance"]))
        text = scene.text("opponent", value=text) if likely else text
        ax.text(
            right + 0.02 * (right - left), y, text, va="center", fontsize=SMALL + 0.5, color=BAD if likely else INK,
            fontweight="bold" if likely else "normal",
        )  # fmt: skip
        if not likely and row["p_negative"] > 0.05:
            share = scene.words.value(float(row["p_negative"]), "probability")
            ax.text(
                right + 0.17 * (right - left), y, scene.text("open", p=share), va="center", fontsize=SMALL, color=SOFT
            )
    purchases = frame.groupby("role")["flow_id"].nunique()
    ax.set_yticks(
        range(len(roles)),
        [wrap(scene.text("row", role=party_name(scene, r), n=scene.count(int(purchases[r]))), 12, 2) for r in roles],
    )
    ax.set_ylim(len(roles) - 0.5, -0.6)
    baseline(ax, x=0)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.compact)
    ax.set_xticks([t for t in MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(left, right) if left <= t <= right])
    ax.set_xlabel(scene.text("x_label", currency=scene.currency))
    ax.set_ylabel(scene.text("y_label"))
    handles = [
        Patch(color=OTHER, alpha=0.75, label=scene.text("costs")),
        Patch(color=GOOD, alpha=0.75, label=scene.text("gains")),
        Line2D([], [], color=INK, marker="o", markeredgecolor="white", linewidth=2.2, label=scene.text("net")),
    ]
    ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, fontsize=SMALL + 0.5, borderpad=0,
    )  # fmt: skip
    total = scene.number("account_total")
    if total is not None and total.value is not None:
        scene.note("total", total=scene.words.number(total))
    scene.note("reading", level=scene.level())


FIGURES = (FigureSpec("economic_account", ("economic_account", "opponents"), draw_account, (8.2, 5.0), ("M-2.1",)),)
