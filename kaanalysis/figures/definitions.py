"""01: how the verdicts move with the definition of a key account."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kaanalysis.figures.parts import state_mark
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import INK, LINE, SMALL, STATES, wrap
from kaanalysis.results import Result


def _grid(frame: pd.DataFrame) -> pd.DataFrame:
    """States by finding and definition, of the findings that there are under more than one definition."""
    wide = frame.pivot_table(index="finding", columns="definition", values="state", aggfunc="first", sort=False)
    wide = wide.loc[
        :, (wide.notna() & (wide != "no_data")).any()
    ]  # a definition that leaves one group empty says nothing
    wide = wide[wide.notna().sum(axis=1) > 1].sort_index()
    used = [str(d) for d in frame.loc[frame["used"], "definition"].unique()]
    used = [d for d in used if d in wide.columns]
    return wide[used + [d for d in wide.columns if d not in used]]


def kept_verdicts(frame: pd.DataFrame, scene: Scene) -> tuple[int, int, str]:
    """How many findings keep their verdict under every definition, how many there are, and the definitions in words: how many, and how
    many of them tell all customers apart as another does; empty for fewer than two."""
    grid = _grid(frame)
    same = grid.apply(lambda row: len(set(row.dropna())) == 1, axis=1)
    alike = int(
        frame.drop_duplicates("definition").set_index("definition")["same_as"][list(grid.columns)].notna().sum()
    )
    said = {"n": scene.count(len(grid.columns)), "alike": scene.count(alike)}
    key = "definitions_alike" if alike else "definitions"
    words = scene.words(f"figures.shared.{key}", **said) if len(grid) and len(grid.columns) > 1 else ""
    return int(same.sum()) if len(grid) else 0, len(grid), words


def definition_grid(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """A cell per finding and definition with the verdict; the definition in use framed, verdicts that differ from it tinted."""
    grid = _grid(frame)
    facts = frame.drop_duplicates("definition").set_index("definition")
    for y, finding in enumerate(grid.index):
        now = grid.iloc[y, 0]
        for x, definition in enumerate(grid.columns):
            state = grid.loc[finding, definition]
            if not isinstance(state, str):
                continue
            if state != now:
                ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, color=LINE, alpha=0.3, linewidth=0, zorder=0))
            state_mark(ax, x - 0.36, y, state, 7)
            ax.text(
                x - 0.26, y, wrap(scene.words(f"states.{state}"), 9), va="center", fontsize=SMALL + 0.5,
                color=STATES[state][2], fontweight="bold" if state != now else "normal",
            )  # fmt: skip
    names = []
    for d in grid.columns:
        counts = {"smb": scene.count(int(facts["n_smb"][d])), "ka": scene.count(int(facts["n_ka"][d]))}
        other = facts["same_as"][d]
        extra = {} if pd.isna(other) else {"other": scene.text(str(other))}
        names.append(
            scene.text("column_same" if extra else "column", definition=wrap(scene.text(d), 10), **counts, **extra)
        )
    ax.set_xticks(range(len(names)), names)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    used = bool(facts["used"][grid.columns[0]])
    ax.get_xticklabels()[0].set_fontweight("bold" if used else "normal")
    ax.set_yticks(range(len(grid)), [wrap(scene.text(str(f)), 15, 2) for f in grid.index])
    ax.set_xlim(-0.5, len(grid.columns) - 0.5)
    ax.set_ylim(len(grid) - 0.5, -0.5)
    ax.grid(False)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    for y in range(1, len(grid)):
        ax.axhline(y - 0.5, color=LINE, linewidth=0.6, zorder=1)
    if used:
        frame_around = Rectangle((-0.5, -0.5), 1, len(grid), fill=False, edgecolor=INK, linewidth=1.6)
        frame_around.set(clip_on=False, zorder=4)
        ax.add_patch(frame_around)
    ax.set_xlabel(scene.text("x_label"), labelpad=6)
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_definitions(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("definitions")
    grid = _grid(frame)
    figure.set_size_inches(max(5.2, 2.6 + 1.45 * len(grid.columns)), 1.95 + 0.42 * len(grid))
    definition_grid(frame, scene, figure.subplots())
    scene.note("reading")
    if frame.drop_duplicates("definition").set_index("definition")["same_as"][list(grid.columns)].notna().any():
        scene.note("same")


def definition_terms(scene: Scene) -> dict[str, str]:
    """How many findings keep their verdict under every definition, for the title."""
    kept, findings, definitions = kept_verdicts(scene.frame("definitions"), scene)
    terms = {"kept": scene.count(kept), "all": scene.count(findings), "definitions": definitions}
    if kept == findings:
        return {"variant": "all", "all": terms["all"], "definitions": terms["definitions"]}
    return terms


def _several(result: Result) -> bool:
    grid = _grid(result.frames["definitions"])
    return len(grid) > 0 and len(grid.columns) > 1


FIGURES = (
    FigureSpec("definitions", ("definitions",), draw_definitions, (8.2, 4.0), terms=definition_terms, worth=_several),
)
