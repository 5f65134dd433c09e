"""All analyses in the order of the walk, what each rests on, and which columns feed its findings.

One line per analysis; the name after the number also names the notebook, the results file, the text keys and the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

from kaanalysis.analyses import (
    base_assumptions,
    failure_patterns,
    path_selection,
    problem_framing,
    procurement_flow,
    sales_flow,
)
from kaanalysis.company import Company
from kaanalysis.contracts import UnusableData
from kaanalysis.policy import Policy
from kaanalysis.results import Result


@dataclass(frozen=True)
class Analysis:
    """id: as in results/<id>.json. upstream: analyses whose results it reads. feeds: finding id → columns it cannot do without."""

    id: str
    module: ModuleType
    upstream: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.id.split("_", 1)[1]

    @property
    def feeds(self) -> Mapping[str, tuple[str, ...]]:
        return self.module.FEEDS

    @property
    def analyse(self) -> Callable[[Company, Policy, Mapping[str, Result]], Result]:
        return self.module.analyse


REGISTRY: dict[str, Analysis] = {
    a.id: a
    for a in (
        Analysis("00_problem_framing", problem_framing),
        Analysis("01_base_assumptions", base_assumptions),
        Analysis("02_procurement_flow", procurement_flow),
        Analysis("03_sales_flow", sales_flow),
        Analysis("04_path_selection", path_selection, ("01_base_assumptions", "03_sales_flow")),
        Analysis("05_failure_patterns", failure_patterns, ("03_sales_flow",)),
    )
}


def select(only: list[str] | None) -> list[Analysis]:
    """The analyses asked for (all if None), in order; an id may be given by its number or its name alone."""
    if not only:
        return list(REGISTRY.values())
    chosen = set()
    for wanted in only:
        found = [
            a.id
            for a in REGISTRY.values()
            if wanted in (a.id, a.name, a.id.split("_")[0], a.id.split("_")[0].lstrip("0") or "0")
        ]
        if not found:
            raise UnusableData(f"there is no analysis {wanted!r}; there are: {', '.join(REGISTRY)}.")
        chosen.update(found)
    return [a for a in REGISTRY.values() if a.id in chosen]


def with_upstream(analyses: list[Analysis]) -> list[Analysis]:
    """`analyses` and everything they rest on, each after what it rests on."""
    wanted: set[str] = set()

    def add(analysis: Analysis) -> None:
        for id in analysis.upstream:
            add(REGISTRY[id])
        wanted.add(analysis.id)

    for analysis in analyses:
        add(analysis)
    return [a for a in REGISTRY.values() if a.id in wanted]


def analyse_all(company: Company, policy: Policy, only: list[str] | None = None) -> dict[str, Result]:
    """Results by id, computed in this process; what an analysis rests on is computed too."""
    results: dict[str, Result] = {}
    for analysis in with_upstream(select(only)):
        results[analysis.id] = analysis.analyse(company, policy, {id: results[id] for id in analysis.upstream})
    return results
