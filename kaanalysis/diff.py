"""What is different between two runs: which verdicts moved, whether data, policy or code can have moved them, and which numbers differ by
more than their joint uncertainty.

Everything here is keys and numbers; :mod:`kaanalysis.changes` puts it into words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kaanalysis.compared_runs import CAUSES, ComparedRun, Sources, sources
from kaanalysis.joint_uncertainty import Change, change, dependence, kind_of
from kaanalysis.results import Finding, Number
from kaanalysis.stats.multiplicity import holm

SCHEMA = 1
LEVEL = 0.95  # where neither run says at what level it judges
# Terms of a finding that name what it is about: a decided verdict about another step is another verdict.
NAMED = ("step", "path", "party", "industry", "definition")
DECIDED = ("supported", "contradicted")
# What became of a number. changed, within: beyond its joint uncertainty over the family, or not. differs: compared exactly. inside,
# outside: where the later value lies in the earlier span of belief. computed: its interval is conditional on the rest, so it tells nothing.
OUTCOMES = (
    "changed",
    "within",
    "same",
    "differs",
    "inside",
    "outside",
    "computed",
    "untested",
    "other_quantity",
    "added",
    "removed",
)


@dataclass(frozen=True)
class NumberChange:
    """One number in both runs (None: in one only). change: the difference with its interval and p-value where it can be tested;
    p_adjusted: by Holm over all numbers tested."""

    before: Number | None
    after: Number | None
    outcome: str
    change: Change | None = None
    p_adjusted: float | None = None

    @property
    def number(self) -> Number:
        found = self.after or self.before
        assert found is not None
        return found

    def to_dict(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "name": self.number.name, "segment": self.number.segment, "unit": self.number.unit, "outcome": self.outcome,
            "before": self.before.to_dict() if self.before else None, "after": self.after.to_dict() if self.after else None,
        }  # fmt: skip
        if self.change:
            c = self.change
            out["change"] = {"value": c.value, "low": c.low, "high": c.high, "level": c.level, "p_value": c.p_value,
                             "p_adjusted": self.p_adjusted, "dependence": c.dependence}  # fmt: skip
        return out


@dataclass(frozen=True)
class VerdictChange:
    """One finding in both runs. moved: state, reason, named (a decided verdict about another step, path …), added, removed, or "" where it
    stands. policy: values among those that its flips name which differ between the runs."""

    analysis: str
    id: str
    before: Finding | None
    after: Finding | None
    moved: str
    numbers: tuple[NumberChange, ...] = ()
    policy: tuple[str, ...] = ()

    @property
    def finding(self) -> Finding:
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def beyond_noise(self) -> bool:
        """Whether a number of it changed beyond the joint uncertainty."""
        return any(n.outcome == "changed" for n in self.numbers)

    def to_dict(self) -> dict[str, Any]:
        def side(finding: Finding | None) -> dict[str, Any] | None:
            if finding is None:
                return None
            named = {k: finding.terms[k] for k in NAMED if k in finding.terms}
            return {"state": finding.state, "reason": finding.reason, "named": named, "needs": list(finding.needs)}

        return {"analysis": self.analysis, "id": self.id, "key": self.finding.key, "moved": self.moved,
                "before": side(self.before), "after": side(self.after), "policy": list(self.policy),
                "numbers": [n.to_dict() for n in self.numbers]}  # fmt: skip


@dataclass(frozen=True)
class Diff:
    """Two runs compared. level: of intervals and, over the whole family, of "changed"; family: how many numbers were tested; unread:
    (analysis, why not in the earlier run or "", why not in the later or "")."""

    before: ComparedRun
    after: ComparedRun
    sources: Sources
    verdicts: tuple[VerdictChange, ...]
    level: float
    family: int
    unread: tuple[tuple[str, str, str], ...]

    @property
    def moved(self) -> tuple[VerdictChange, ...]:
        """Verdicts that say something else, in the order of the analyses; those that only one run has are not among them."""
        return tuple(v for v in self.verdicts if v.moved in ("state", "reason", "named"))

    def numbers(self, *outcomes: str) -> list[tuple[VerdictChange, NumberChange]]:
        return [(v, n) for v in self.verdicts for n in v.numbers if n.outcome in outcomes]

    def to_dict(self) -> dict[str, Any]:
        s = self.sources

        def run(r: ComparedRun) -> dict[str, Any]:
            stamps = {f"{c}_hash": r.stamp(c) for c in CAUSES}
            return {
                "name": r.name,
                "company": r.company,
                "as_of": r.as_of,
                "made": r.made,
                **stamps,
                "overrides": r.overrides,
            }

        return {
            "schema": SCHEMA, "before": run(self.before), "after": run(self.after),
            "cause": s.cause, "causes": list(s.causes), "unknown_causes": list(s.unknown), "same_company": s.same_company,
            "policy": {"values": {k: list(v) for k, v in s.values.items()}, "only_before": list(s.only_before),
                       "only_after": list(s.only_after), "spreads": s.spreads},
            "versions": {k: list(v) for k, v in s.versions.items()}, "rows": {k: list(v) for k, v in s.rows.items()},
            "level": self.level, "family": self.family, "moved": [v.id for v in self.moved],
            "unread": [{"analysis": a, "before": b, "after": c} for a, b, c in self.unread],
            "verdicts": [v.to_dict() for v in self.verdicts],
        }  # fmt: skip


def compare(before: ComparedRun, after: ComparedRun) -> Diff:
    """Two runs finding by finding, number by number; analyses that only one of them can show are named, not compared."""
    made_from = sources(before, after)
    level = after.policy.get("evidence.level", before.policy.get("evidence.level", LEVEL))
    level = float(level) if isinstance(level, int | float) and 0 < level < 1 else LEVEL
    same_data = "data" not in made_from.causes and "data" not in made_from.unknown
    verdicts, unread = [], []
    for id in sorted({*before.results, *after.results, *(u.analysis for r in (before, after) for u in r.unread)}):
        old, new = before.results.get(id), after.results.get(id)
        if old is None or new is None:
            unread.append((id, "" if old else before.why_not(id), "" if new else after.why_not(id)))
            continue
        known = {f.id: f for f in old.findings}
        later = {f.id: f for f in new.findings}
        for finding in [*later, *(i for i in known if i not in later)]:
            verdicts.append(_verdict(id, known.get(finding), later.get(finding), made_from, same_data, level))
    judged, family = _family_wise(verdicts, 1 - level)
    return Diff(before, after, made_from, tuple(judged), level, family, tuple(unread))


def _verdict(
    analysis: str, before: Finding | None, after: Finding | None, made_from: Sources, same_data: bool, level: float
) -> VerdictChange:
    if before is None or after is None:
        id, moved = (before or after).id, "added" if before is None else "removed"  # type: ignore[union-attr]
        return VerdictChange(analysis, id, before, after, moved)
    moved = how_moved(before, after)
    named = {f.policy for f in (*before.flips, *after.flips)}
    old, new = {_key(n): n for n in before.numbers}, {_key(n): n for n in after.numbers}
    numbers = tuple(
        _number(old.get(k), new.get(k), made_from, same_data, level) for k in [*new, *(k for k in old if k not in new)]
    )
    return VerdictChange(
        analysis, after.id, before, after, moved, numbers, tuple(sorted(named & set(made_from.values)))
    )


def how_moved(before: Finding, after: Finding) -> str:
    """state, reason, named (a decided verdict is about another step, path …), or "" where the verdict stands."""
    if before.state != after.state:
        return "state"
    if before.reason != after.reason:
        return "reason"
    other = any(before.terms.get(k) != after.terms.get(k) for k in NAMED)
    return "named" if after.state in DECIDED and other else ""


def _key(number: Number) -> tuple[str, str]:
    return number.name, number.segment


def _number(
    before: Number | None, after: Number | None, made_from: Sources, same_data: bool, level: float
) -> NumberChange:
    if before is None or after is None:
        return NumberChange(before, after, "added" if before is None else "removed")
    if before.unit != after.unit or before.horizon_months != after.horizon_months:
        return NumberChange(before, after, "other_quantity")
    if equal(before.value, after.value):
        # Without a value there may still be a limit that moved; one limit alone cannot be tested.
        known = before.value is not None or (equal(before.low, after.low) and equal(before.high, after.high))
        if same_data or kind_of(after) != "sampling" or kind_of(before) != "sampling":
            return NumberChange(before, after, "same" if known else "untested")
    elif same_data:
        return NumberChange(before, after, "differs")  # the same rows: no chance between the two
    kinds = {kind_of(before), kind_of(after)}
    if kinds == {"exact"}:
        return NumberChange(before, after, "differs")
    if "conditional" in kinds:
        return NumberChange(before, after, "computed")
    if "belief" in kinds:
        return NumberChange(before, after, _against_span(before, after))
    assumed = "any" if made_from.same_company is None else dependence(after.name, same_company=made_from.same_company)
    tested = change(before, after, assumed, level)
    return NumberChange(before, after, "untested" if tested is None else "within", tested)


def _against_span(before: Number, after: Number) -> str:
    if before.low is None or before.high is None or after.value is None:
        return "untested"
    return "inside" if before.low <= after.value <= before.high else "outside"


def equal(a: float | int | None, b: float | int | None) -> bool:
    """The same number but for the last digits of floating point."""
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def judged_again(diff: Diff, changes: Mapping[tuple[str, str, str, str], Change]) -> Diff:
    """The comparison with the differences of some numbers known better; keys are (analysis, finding, name, segment). The family stays."""

    def better(v: VerdictChange, n: NumberChange) -> NumberChange:
        return replace(n, change=changes.get((v.analysis, v.id, *_key(n.number)), n.change))

    verdicts = [replace(v, numbers=tuple(better(v, n) for n in v.numbers)) for v in diff.verdicts]
    judged, family = _family_wise(verdicts, 1 - diff.level)
    return replace(diff, verdicts=tuple(judged), family=family)


def _family_wise(verdicts: list[VerdictChange], error: float) -> tuple[list[VerdictChange], int]:
    """Holm over all numbers tested: the chance that any is called changed where none has is at most `error`. A number that several
    findings repeat counts once."""
    tests: dict[tuple[Any, ...], float] = {}
    for verdict in verdicts:
        for n in verdict.numbers:
            if n.change:
                tests[_test(n)] = n.change.p_value
    adjusted = dict(zip(tests, holm(list(tests.values())), strict=True)) if tests else {}

    def judged(n: NumberChange) -> NumberChange:
        if n.change is None:
            return n
        p = float(adjusted[_test(n)])
        return replace(n, outcome="changed" if p <= error else "within", p_adjusted=p)

    return [replace(v, numbers=tuple(judged(n) for n in v.numbers)) for v in verdicts], len(tests)


def _test(n: NumberChange) -> tuple[Any, ...]:
    assert n.before and n.after
    return n.number.name, n.number.segment, n.number.horizon_months, n.before.value, n.after.value
