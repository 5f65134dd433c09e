"""The figures of each analysis, and what one does with them: draw, name, describe, save."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from weakref import WeakKeyDictionary

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from kaanalysis.figures import (
    alignment,
    authority,
    base_assumptions,
    buyers,
    continuation,
    definitions,
    early_warning,
    economic_account,
    failure_patterns,
    groups,
    heads,
    ledger_lines,
    library,
    loss_modes,
    market,
    matrices,
    needs,
    overlap,
    parties,
    party_waits,
    path_information,
    path_selection,
    patterns,
    personas,
    problem_framing,
    problem_ranking,
    procurement_flow,
    retention,
    sales_flow,
    sales_sheet,
    sellers,
    sop,
    spectrum,
    staged,
    statements,
    steadiness,
    team_fit,
    timelines,
    variants,
)
from kaanalysis.figures.scene import DrawnWords, FigureSpec, Scene
from kaanalysis.figures.style import SMALL, SOFT, TITLE, narrow_punctuation, refuse_missing, styled, wrap
from kaanalysis.policy import Policy, load_policy
from kaanalysis.results import Finding, Result
from kaanalysis.runfolder import write_atomically
from kaanalysis.text import MissingText, Words, words

FIGURES: dict[str, tuple[FigureSpec, ...]] = {
    "00_problem_framing": (
        *problem_ranking.FIGURES,
        *problem_framing.FIGURES,
        *groups.FIGURES,
        *retention.FIGURES,
        *heads.FIGURES,
    ),
    "01_base_assumptions": (
        *statements.FIGURES,
        *market.FIGURES,
        *base_assumptions.FIGURES,
        *needs.FIGURES,
        *personas.FIGURES,
        *definitions.FIGURES,
    ),
    "02_procurement_flow": (
        *procurement_flow.FIGURES,
        *buyers.FIGURES,
        *parties.FIGURES,
        *economic_account.FIGURES,
        *authority.FIGURES,
        *library.FIGURES,
        *party_waits.FIGURES,
        *variants.FIGURES,
        *matrices.FIGURES,
        *spectrum.FIGURES,
    ),
    "03_sales_flow": (
        *sales_flow.RATES,
        *steadiness.FIGURES,
        *sop.FIGURES,
        *sellers.FIGURES,
        *loss_modes.FIGURES,
        *sales_sheet.FIGURES,
        *alignment.FIGURES,
        *sales_flow.BOTTLENECKS,
        *team_fit.FIGURES,
    ),
    "04_path_selection": (
        *path_selection.FIGURES,
        *ledger_lines.FIGURES,
        *path_information.FIGURES,
        *continuation.FIGURES,
        *staged.FIGURES,
    ),
    "05_failure_patterns": (
        *patterns.FIGURES,
        *early_warning.FIGURES,
        *timelines.FIGURES,
        *overlap.FIGURES,
        *failure_patterns.FIGURES,
    ),
}
FORMATS = ("svg", "png")
# Nothing in a file may tell when or by which version it was made: the same input gives the same bytes.
_METADATA = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
_replaced: WeakKeyDictionary[Figure, int] = WeakKeyDictionary()


def spec(result_id: str, name: str) -> FigureSpec:
    """A figure by analysis and name."""
    for found in FIGURES.get(result_id, ()):
        if found.name == name:
            return found
    raise KeyError(
        f"analysis {result_id} has no figure {name!r}; it has: {', '.join(s.name for s in FIGURES.get(result_id, ()))}"
    )


def available(result: Result) -> list[FigureSpec]:
    """The figures of an analysis whose frames are there, not empty and worth drawing."""
    return [
        s
        for s in FIGURES.get(result.id, ())
        if all(f in result.frames and len(result.frames[f]) for f in s.frames) and (s.worth is None or s.worth(result))
    ]


def _scene(spec: FigureSpec, result: Result, texts: Words, policy: Policy | None, launch: dt.date | None) -> Scene:
    return Scene(spec.name, result, texts, policy if policy is not None else load_policy(), launch)


def _sentence(scene: Scene, finding: Finding, prefix: str) -> str | None:
    """The first of ``<prefix>_<reason>``, ``<prefix>_<state>`` and ``<prefix>`` that the finding's numbers can fill."""
    extra: dict[str, object] = {"reason": finding.reason}
    horizon = next((n.horizon_months for n in finding.numbers if n.horizon_months), None)
    if horizon:
        extra["horizon"] = scene.words.value(horizon, "months")
    bottlenecks = finding.number("bottlenecks")
    if bottlenecks is not None and bottlenecks.value is not None:
        extra["count"] = scene.count(float(bottlenecks.value))
    step = finding.terms.get("step")
    same = "_same" if step and finding.terms.get("slowest") == step and finding.state == "supported" else ""
    for key in (f"{prefix}{same or '_' + finding.reason}", f"{prefix}_{finding.state}", prefix):
        name = f"figures.{scene.name}.{key}"
        if scene.words.has(name):
            try:
                return scene.words.fill(name, finding, **extra)
            except MissingText:
                continue
    return None


def _claim(spec: FigureSpec, scene: Scene) -> str:
    """What the picture shows, with its numbers: from the findings, else from computed terms, else the plain title."""
    said = []
    for place, id in enumerate(spec.findings):
        finding = scene.finding(id)
        if finding is not None:
            prefix = "claim" if len(spec.findings) == 1 else f"claim_{place + 1}"
            said.append(_sentence(scene, finding, prefix))
            among = f"figures.{scene.name}.among"
            if said[-1] and finding.terms.get("key_accounts") and scene.words.has(among):
                said.append(scene.words.fill(among, finding))
    sentences = [s for s in said if s]
    if sentences:
        return reduce(lambda a, b: scene.words("figures.shared.and", a=a, b=b), sentences)
    if spec.terms is not None:
        terms = spec.terms(scene)
        variant = terms.pop("variant", "")
        return scene.text(f"claim_{variant}" if variant else "claim", **terms)
    return scene.text("title")


def figure_title(
    spec: FigureSpec, result: Result, language: str, policy: Policy | None = None, launch: dt.date | None = None
) -> str:
    """The figure's claim, computed from the finding: other words for supported, contradicted and undecided."""
    return _claim(spec, _scene(spec, result, words(language), policy, launch))


def alt_text(
    spec: FigureSpec, result: Result, language: str, policy: Policy | None = None, launch: dt.date | None = None
) -> str:
    """The claim and what is drawn, for readers who do not see the picture."""
    scene = _scene(spec, result, words(language), policy, launch)
    return scene.text("alt_frame", claim=_claim(spec, scene), drawn=scene.text("alt"))


def draw_figure(
    spec: FigureSpec,
    result: Result,
    language: str,
    policy: Policy | None = None,
    launch: dt.date | None = None,
    *,
    title: bool = True,
) -> Figure:
    """A finished figure, laid out and free of missing glyphs.

    policy: thresholds drawn as lines and cells (default: the workbook's policy file). launch: start of the KA business,
    marked over time. title: with the claim above it. Independent of pyplot; safe in threads (one is drawn at a time).

    Raises :class:`~kaanalysis.figures.style.MissingGlyph` where a text of the workbook has a character that the fonts
    lack. In names from the data such characters become □; `replaced_characters` says how many, and so does the note
    under the figure.
    """
    drawn = DrawnWords(language)
    scene = _scene(spec, result, drawn, policy, launch)
    with styled():
        figure = Figure(figsize=spec.size, layout="constrained")
        FigureCanvasAgg(figure)
        spec.draw(scene, figure)
        figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)  # type: ignore[union-attr,call-arg]
        inches = figure.get_figwidth()
        if title:
            claim = wrap(_claim(spec, scene), (inches - 0.3) * 72 / TITLE / 1.04)
            figure.suptitle(claim, x=0.1 / inches, ha="left", fontsize=TITLE, fontweight="bold", linespacing=1.15)
        if drawn.replaced:
            scene.note("replaced", n=scene.count(drawn.replaced))
        if scene.notes:
            joined = reduce(lambda a, b: drawn("figures.shared.space", a=a, b=b), scene.notes)
            note = wrap(joined, (inches - 0.25) * 72 / SMALL / 1.02)
            figure.supxlabel(note, x=0.1 / inches, ha="left", fontsize=SMALL, color=SOFT, linespacing=1.2)
        if language != "zh":
            narrow_punctuation(figure)
        figure.draw_without_rendering()
        refuse_missing(figure)
        _replaced[figure] = drawn.replaced
    return figure


def replaced_characters(figure: Figure) -> int:
    """How many characters of names from the data the fonts lack, drawn as □."""
    return _replaced.get(figure, 0)


def figure_bytes(figure: Figure, format: str = "svg") -> bytes:
    """The figure as a file's bytes, the same for the same input; format: svg or png."""
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; not {format!r}")
    buffer = io.BytesIO()
    with styled(), _as_laid_out(figure):
        # Not savefig: it draws everything once more before it draws, to know what this figure has known since it was laid out.
        if format == "svg":
            FigureCanvasSVG(figure).print_svg(buffer, metadata=_METADATA[format])
        else:
            FigureCanvasAgg(figure).print_png(buffer, metadata=_METADATA[format])
    return buffer.getvalue()


@contextmanager
def _as_laid_out(figure: Figure) -> Iterator[None]:
    """Keep the canvas, the resolution (SVG sets its own) and, where nothing has changed since the figure was laid out, the layout, which
    takes as long as drawing."""
    canvas, resolution, engine, current = figure.canvas, figure.dpi, figure.get_layout_engine(), not figure.stale
    if current:
        figure.set_layout_engine("none")
    try:
        yield
    finally:
        figure.set_canvas(canvas)
        figure.dpi = resolution
        figure.set_layout_engine(engine if engine is not None else "none")
        figure.stale = not current


def save_figure(figure: Figure, path_without_suffix: Path | str) -> tuple[Path, Path]:
    """Write ``<path>.svg`` and ``<path>.png``, each complete or not at all; returns both paths."""
    base = Path(path_without_suffix)
    written = []
    for suffix in FORMATS:
        target = base.with_name(f"{base.name}.{suffix}")
        content = figure_bytes(figure, suffix)

        def write(partial: Path, content: bytes = content) -> None:
            partial.write_bytes(content)

        write_atomically(target, write)
        written.append(target)
    return written[0], written[1]


__all__ = [
    "FIGURES",
    "FORMATS",
    "alt_text",
    "available",
    "draw_figure",
    "figure_bytes",
    "figure_title",
    "replaced_characters",
    "save_figure",
    "spec",
]
