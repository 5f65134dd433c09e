"""The start page of a lab session: the notebooks in order, the question of each, what the run folder holds of it, what the data lack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kaanalysis.analyses.registry import REGISTRY, Analysis
from kaanalysis.company import Company
from kaanalysis.contracts import UnusableData
from kaanalysis.results import STATES, Result, load_result
from kaanalysis.runfolder import result_path
from kaanalysis.text import Words

COLUMNS = ("notebook", "question", "findings", "run", "lacks")


@dataclass(frozen=True)
class Stop:
    """One notebook on the walk. holds: what the run folder holds of it, in words; current: whether that was made from this data and
    policy; lacks: what the data do not hold for it, in words, findings that lack the same together."""

    analysis: Analysis
    title: str
    question: str
    findings: tuple[str, ...]
    holds: str
    current: bool
    lacks: tuple[str, ...]

    @property
    def file(self) -> str:
        return f"{self.analysis.id}.ipynb"


class Walk:
    """The notebooks as a table: Markdown with links for a notebook, columns of text elsewhere."""

    def __init__(self, stops: list[Stop], words: Words) -> None:
        self.stops, self.words = stops, words

    def _heads(self) -> list[str]:
        return [self.words(f"lab.walk.{c}") for c in COLUMNS]

    def _done(self) -> str:
        return self.words("lab.walk.done", n=sum(s.current for s in self.stops), all=len(self.stops))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/markdown": self.markdown(), "text/plain": str(self)}

    def markdown(self) -> str:
        """The table in Markdown; the links are relative to the notebooks' folder."""
        rows = [self._heads(), ["---"] * len(COLUMNS)]
        for s in self.stops:
            # Names and numbers such as M-1.5a stay in one piece.
            link = _whole(f"[{s.analysis.id.split('_')[0]} {s.title}]({s.file})")
            findings = self.words.list_of(_whole(f) for f in s.findings)
            lacks = "<br>".join(map(_cell, s.lacks)) or self.words("lab.walk.nothing_lacks")
            rows.append([link, _cell(s.question), findings, _cell(s.holds), lacks])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n\n" + self._done()

    def __str__(self) -> str:
        lines, between = [], "；" if self.words.language == "zh" else "; "
        for s in self.stops:
            lines.append(f"{s.file}  {s.question}")
            lacks = between.join(s.lacks) or self.words("lab.walk.nothing_lacks")
            said = (self.words.list_of(s.findings), s.holds, lacks)
            lines += [f"    {head}: {text}" for head, text in zip(self._heads()[2:], said, strict=True)]
        return "\n".join([*lines, self._done()])

    __repr__ = __str__


def _whole(text: str) -> str:
    return f'<span style="white-space: nowrap">{text}</span>'


def _cell(text: str) -> str:
    """A text for a cell of a Markdown table: names of columns and findings are not set as anything else."""
    for mark in ("\\", "|", "_", "*", "<", "`"):
        text = text.replace(mark, f"\\{mark}")
    return text


def walk(company: Company, run: Path, words: Words, policy_hash: str) -> Walk:
    """The walk over one company: what its run folder holds under this policy, and what its data lack."""
    stops = []
    for analysis in REGISTRY.values():
        holds, current = _holds(run, analysis, company.data_hash, policy_hash, words)
        key = f"analyses.{analysis.name}"
        stops.append(
            Stop(analysis, words(f"{key}.title"), words(f"{key}.question"), tuple(analysis.feeds), holds, current,
                 _lacks(analysis.feeds, company, words))
        )  # fmt: skip
    return Walk(stops, words)


def _holds(run: Path, analysis: Analysis, data_hash: str, policy_hash: str, words: Words) -> tuple[str, bool]:
    """What the run folder holds of an analysis, and whether it was made from this data and policy."""
    path = result_path(run, analysis.id)
    if not path.is_file():
        return words("lab.walk.not_yet"), False
    try:
        result = load_result(path)
    except UnusableData:
        return words("lab.walk.unreadable"), False
    if result.data_hash != data_hash:
        return words("lab.walk.other_data"), False
    counted = _counted(result, words)
    if result.policy_hash != policy_hash:
        return words("lab.walk.other_policy", counted=counted, hash=result.policy_hash), False
    return counted, True


def _counted(result: Result, words: Words) -> str:
    """Its verdicts counted, in the order of the states; those that no finding has are left out."""
    states = Counter(f.state for f in result.findings)
    return words.list_of(
        words("lab.walk.verdicts", n=states[s], state=words(f"states.{s}")) for s in STATES if states[s]
    )


def _lacks(feeds: Mapping[str, tuple[str, ...]], company: Company, words: Words) -> tuple[str, ...]:
    """Columns that the data do not hold and that a finding cannot do without; findings that lack the same are named together."""
    by_columns: dict[tuple[str, ...], list[str]] = {}
    for finding, needs in feeds.items():
        if missing := company.missing(*needs):
            by_columns.setdefault(tuple(missing), []).append(finding)
    said = []
    for columns, findings in by_columns.items():
        named = words.list_of(c.replace("|", " / ") for c in columns)  # one of the two is enough
        if len(findings) == len(feeds):
            said.append(words("lab.walk.all_lack", columns=named))
        else:
            said.append(words("lab.walk.part_lacks", finding=words.list_of(findings), columns=named))
    return tuple(said)
