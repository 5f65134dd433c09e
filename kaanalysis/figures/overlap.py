"""05: which teams pursue the same accounts, against chance."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kaanalysis.figures.matrices import SHADES
from kaanalysis.figures.parts import rows_of
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, INK, LINE, PAPER, SMALL, wrap

MOST = 9  # teams that the matrix shows


def beyond(row: Any) -> bool:
    """Whether a pair shares more accounts than nearly all draws of chance."""
    return bool(row.accounts > row.high)


def overlap_cells(frame: Any, teams: list[str], scene: Scene, ax: Axes) -> Axes:
    """Shared accounts of each pair of teams below the diagonal, as shades with what chance gives and the disputes; framed beyond chance."""
    place = {team: at for at, team in enumerate(teams)}
    rows = [r for r in rows_of(frame) if r.team_a in place and r.team_b in place and r.team_a != r.team_b]
    most = max((float(r.accounts) for r in rows), default=1.0) or 1.0
    for row in rows:
        x, y = sorted((place[row.team_a], place[row.team_b]))
        part = float(row.accounts) / most
        ax.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=SHADES(part**0.5) if part else PAPER,
                               edgecolor=BAD if beyond(row) else LINE, linewidth=2.4 if beyond(row) else 0.5,
                               zorder=3 if beyond(row) else 2))  # fmt: skip
        ends = [scene.count(float(v)) for v in (row.low, row.high)]
        expected = (
            scene.text("expected", low=ends[0], high=ends[1])
            if ends[0] != ends[1]
            else scene.text("expected_one", n=ends[0])
        )
        lines = [scene.count(float(row.accounts)) + (" ▲" if beyond(row) else ""), expected]
        if row.disputes == row.disputes and row.disputes:
            lines.append(scene.text("disputes", n=scene.count(float(row.disputes))))
        ax.text(x, y, "\n".join(lines), ha="center", va="center", fontsize=SMALL - 0.5, linespacing=1.3, zorder=4,
                color=PAPER if part > 0.55 else INK, fontweight="bold" if beyond(row) else "normal")  # fmt: skip
    ax.set_xlim(-0.5, len(teams) - 1.5)
    ax.set_ylim(len(teams) - 0.5, 0.5)
    ax.set_xticks(range(len(teams) - 1), [wrap(scene.named("team", t), 9, 2) for t in teams[:-1]])
    ax.set_yticks(range(1, len(teams)), [wrap(scene.named("team", t), 12, 2) for t in teams[1:]])
    ax.grid(False)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_overlap(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("overlap")
    sums: dict[str, float] = {}
    for row in rows_of(frame):
        for team in (row.team_a, row.team_b):
            sums[team] = sums.get(team, 0.0) + float(row.accounts)
    teams = sorted(sums, key=lambda t: (-sums[t], t))
    shown = sorted(teams[:MOST])
    figure.set_size_inches(min(8.2, 2.2 + 1.05 * (len(shown) - 1)), 1.9 + 0.68 * (len(shown) - 1))
    overlap_cells(frame, shown, scene, figure.subplots())
    scene.note("reading", level=scene.share(scene.policy["evidence.level"]))
    if len(teams) > MOST:
        scene.note("left_out", n=scene.count(len(teams) - MOST))


def overlap_terms(scene: Scene) -> dict[str, str]:
    """The pair furthest beyond chance, and how many pairs are, for the title."""
    rows = [r for r in rows_of(scene.frame("overlap")) if r.team_a != r.team_b]
    found = sorted((r for r in rows if beyond(r)), key=lambda r: (-(r.accounts - r.high), r.team_a, r.team_b))
    if not found:
        return {"variant": "none", "pairs": scene.count(len(rows))}
    first = found[0]
    return {
        "variant": "beyond", "a": scene.named("team", first.team_a), "b": scene.named("team", first.team_b),
        "accounts": scene.count(float(first.accounts)), "high": scene.count(float(first.high)), "n": scene.count(len(found)),
        "pairs": scene.count(len(rows)),
    }  # fmt: skip


FIGURES = (FigureSpec("overlap", ("overlap",), draw_overlap, (7.2, 5.6), terms=overlap_terms),)
