"""03: the three ways to lose: how often, and whether deals in that state are lost more often."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import cut_ends, format_axis, interval_h, log_ticks, only_x_grid, state_mark
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import KA, LINE, SMALL, SOFT, STATES, wrap
from kaanalysis.results import Number, Result

MODES = {"split_chain": "M-3.3a", "late_departments": "M-3.3b", "key_person_only": "M-3.3c"}
WIDEST = 8.0  # a risk ratio beyond this or its inverse is cut off with an arrow


def _numbers(scene: Scene, name: str) -> list[Number | None]:
    findings = [scene.finding(id) for id in MODES.values()]
    return [None if f is None else f.number(name) for f in findings]


def _row(ax: Axes, y: int, found: Number | None, label: str, scene: Scene) -> None:
    if found is None or found.value is None:
        ax.annotate(
            scene.text("none"),
            (0.5, y),
            xycoords=ax.get_yaxis_transform(),
            ha="center",
            va="center",
            fontsize=SMALL,
            color=SOFT,
        )
        return
    low, high = (np.nan if v is None else float(v) for v in (found.low, found.high))
    interval_h(ax, y, float(found.value), low, high, KA, 8)
    # Beside the left edge the label would run into the names of the rows.
    near = ax.get_xscale() == "linear" and found.value < 0.15
    ax.annotate(
        label,
        (float(found.value), y),
        xytext=(0, 9),
        textcoords="offset points",
        ha="left" if near else "center",
        fontsize=SMALL,
    )


def share_panel(scene: Scene, ax: Axes) -> Axes:
    """Share of lost deals that went each way."""
    least = float(scene.policy["modes.minimum_share"])
    ax.axvspan(least, 1, color=LINE, alpha=0.2, linewidth=0, zorder=0)
    for y, found in enumerate(_numbers(scene, "mode_share")):
        label = (
            ""
            if found is None or found.value is None
            else f"{scene.exact_share(float(found.value))} (n = {scene.count(found.n)})"
        )
        _row(ax, y, found, label, scene)
    ax.set_xlim(0, 1)
    format_axis(ax.xaxis, scene.share, 5)
    ax.set_xlabel(scene.text("share_label"))
    return ax


def risk_panel(scene: Scene, ax: Axes) -> Axes:
    """How many times as often deals in that state are lost, on a logarithmic scale."""
    least = float(scene.policy["modes.relative_risk"])
    risks = _numbers(scene, "mode_relative_risk")
    known = [float(v) for r in risks if r is not None for v in (r.value, r.low, r.high) if v]
    low, high = (max(min([*known, 0.5]), 1 / WIDEST), min(max([*known, 2.0]), WIDEST))
    ax.set_xscale("log")
    ax.set_xlim(low / 1.1, high * 1.1)
    ax.axvspan(least, high * 1.1, color=LINE, alpha=0.2, linewidth=0, zorder=0)
    ax.axvline(1, color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)))
    for y, found in enumerate(risks):
        label = (
            ""
            if found is None or found.value is None
            else f"{scene.words.value(found.value, 'ratio')} (n = {scene.count(found.n)})"
        )
        _row(ax, y, found, label, scene)
        if found is not None and found.value is not None:
            cut_ends(ax, y, found.low, found.high, KA)
    log_ticks(ax.xaxis, low, high, lambda v, _: scene.words.value(float(v), "index"), 5)
    ax.set_xlabel(scene.text("risk_label"))
    return ax


def draw_loss_modes(scene: Scene, figure: Figure) -> None:
    left, right = figure.subplots(1, 2, sharey=True)
    share_panel(scene, left)
    risk_panel(scene, right)
    left.set_yticks(range(3))
    left.set_yticklabels([wrap(scene.words.segment(mode), 18) for mode in MODES])
    left.set_ylabel(scene.text("y_label"))
    left.set_ylim(2.6, -0.6)
    for ax in (left, right):
        only_x_grid(ax)
    for y, id in enumerate(MODES.values()):
        finding = scene.finding(id)
        if finding is not None:
            state_mark(right, 1.04, y, finding.state, 7, transform=right.get_yaxis_transform())
            right.annotate(scene.words(f"states.{finding.state}"), (1.09, y), xycoords=right.get_yaxis_transform(), va="center",
                           fontsize=SMALL, color=STATES[finding.state][2], annotation_clip=False)  # fmt: skip
    day = scene.count(float(scene.policy["modes.landmark_days"]))
    scene.note("compared", level=scene.level(), day=day, share=scene.share(float(scene.policy["modes.minimum_share"])),
               risk=scene.words.value(float(scene.policy["modes.relative_risk"]), "ratio"))  # fmt: skip


def _told(result: Result) -> bool:
    return any(n.name == "mode_share" and n.value is not None for f in result.findings for n in f.numbers)


FIGURES = (FigureSpec("loss_modes", ("loss_modes",), draw_loss_modes, (8.2, 3.8), tuple(MODES.values()), worth=_told),)
