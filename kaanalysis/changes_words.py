"""Two runs compared, in words: the sentences, names and phrases of :mod:`kaanalysis.changes`, a function for each part of the page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from babel.numbers import format_percent

from kaanalysis import tables
from kaanalysis.attribution import Split
from kaanalysis.compared_runs import ComparedRun
from kaanalysis.diff import NAMED, Diff, NumberChange, VerdictChange
from kaanalysis.paired_runs import GROUPS, Paired
from kaanalysis.results import Finding, Number
from kaanalysis.text import POINTS, MissingText, Words

_NAMED_NUMBER = re.compile(r"\{([a-z0-9_]+)@([^}|]*)")
_TOLD = ("changed", "differs", "outside")
SHOWN = 8  # names in a row; all of them are in the JSON


@dataclass(frozen=True)
class ChangedNumber:
    """A number as shown: name, what it was and is with intervals, the difference with its interval, and what that amounts to."""

    name: str
    before: str
    after: str
    change: str
    outcome: str
    note: str


@dataclass(frozen=True)
class ChangedVerdict:
    """A verdict that moved: both states and sentences, what moved it, the numbers that carry it."""

    id: str
    title: str
    before_state: str
    after_state: str
    before_state_text: str
    after_state_text: str
    before: str
    after: str
    why: tuple[str, ...]
    numbers: tuple[ChangedNumber, ...]

    @property
    def rows(self) -> list[tuple[str, ChangedNumber]]:
        """The numbers as rows of the table that :class:`ChangesPage` shows too, there with a finding in front."""
        return [("", n) for n in self.numbers]


HEADINGS = ("colon", "sources", "moved", "beyond", "unread", "notes", "number", "before", "after", "change", "meaning", "finding",
            "none_moved", "none_beyond")  # fmt: skip


def once(found: list[tuple[VerdictChange, NumberChange]]) -> list[tuple[VerdictChange, NumberChange]]:
    """A number that several findings repeat stands in the first."""
    seen: dict[tuple[Any, ...], tuple[VerdictChange, NumberChange]] = {}
    for verdict, n in found:
        seen.setdefault((n.number.name, n.number.segment, n.number.value), (verdict, n))
    return list(seen.values())


def summary(diff: Diff, w: Words) -> list[str]:
    shared = [v for v in diff.verdicts if v.moved not in ("added", "removed")]
    beyond, error = len(once(diff.numbers("changed"))), format_percent(1 - diff.level, locale=w.locale)
    said = [w("changes.compared", before=_run(diff.before, w), after=_run(diff.after, w))]
    said.append(w("changes.moved_count", moved=len(diff.moved), all=len(shared)))
    if diff.family:
        said.append(w("changes.beyond_count", beyond=beyond, family=diff.family, error=error))
    elif "data" not in diff.sources.causes and "data" not in diff.sources.unknown:
        said.append(w("changes.same_rows", n=len(once(diff.numbers("differs")))))
    if diff.sources.same_company is False:
        said.append(w("changes.two_companies"))
    return said


def _run(run: ComparedRun, w: Words) -> str:
    return w("changes.run", name=run.name, as_of=run.as_of)


def _policy_name(name: str, w: Words) -> str:
    """A policy value by what it is called, where it is called anything, and by name."""
    return w("changes.called", title=w(f"policy_names.{name}"), name=name) if w.has(f"policy_names.{name}") else name


def _few(names: Iterable[str], w: Words) -> str:
    """Names in a row, the first of them if they are many."""
    all_ = list(names)
    shown = w.list_of(all_[:SHOWN])
    return shown if len(all_) <= SHOWN else w("changes.more", names=shown, n=len(all_) - SHOWN)


def sources(diff: Diff, w: Words, split: Split | None = None) -> list[str]:
    s = diff.sources
    out = [w(f"changes.cause.{s.cause}", causes=w.list_of(w(f"changes.causes.{c}") for c in s.causes))]
    if s.unknown:
        out.append(w("changes.unknown", causes=w.list_of(w(f"changes.causes.{c}") for c in s.unknown)))
    if s.rows:
        rows = (w("changes.rows_of", table=k, before=a, after=b) for k, (a, b) in s.rows.items())
        out.append(w("changes.rows", rows=w.list_of(rows)))
    for name, (a, b) in s.values.items():
        out.append(w("changes.value", name=_policy_name(name, w), before=a, after=b))
    if s.spreads:
        out.append(w("changes.spreads"))
    for key, names in (("only_before", s.only_before), ("only_after", s.only_after)):
        if names:
            out.append(w(f"changes.{key}", names=_few(names, w)))
    if s.versions:
        out.append(w("changes.versions", versions=w.list_of(f"{k} {a} → {b}" for k, (a, b) in s.versions.items())))
    return out + [w("changes.split.not_exact", name=name) for name in (split.inexact if split else ())]


def title(v: VerdictChange, w: Words) -> str:
    return tables.title(v.finding, w) if w.has(f"findings.{v.finding.key}.title") else v.finding.key


def _sentence(finding: Finding | None, w: Words) -> str:
    """What the finding said; its reason's key where this version has no text for it any more."""
    if finding is None:
        return ""
    try:
        return tables.sentence(finding, w, brief=True)
    except MissingText:
        return w("changes.no_sentence", reason=finding.reason)


def verdict(v: VerdictChange, diff: Diff, w: Words, split: Split | None = None) -> ChangedVerdict:
    assert v.before and v.after
    why = [_split(v, split, w) if split else _why(v, diff, w)]
    if v.moved == "reason":
        why.insert(0, w("changes.reason"))
    if v.moved == "named":
        changed = [k for k in NAMED if v.before.terms.get(k) != v.after.terms.get(k)]
        why.insert(0, w("changes.named", before=w.list_of(_term(v.before, k, w) for k in changed),
                        after=w.list_of(_term(v.after, k, w) for k in changed)))  # fmt: skip
    carry = _carrying(v, w)
    if diff.family and "no_data" not in (
        v.before.state,
        v.after.state,
    ):  # data that came or went are no matter of chance
        why.append(w(f"changes.noise.{_noise(v, carry, diff)}"))
    shown = [n for n in v.numbers if (n.number.name, n.number.segment) in carry or n.outcome in _TOLD]
    return ChangedVerdict(
        v.id, title(v, w), v.before.state, v.after.state, w(f"states.{v.before.state}"), w(f"states.{v.after.state}"),
        _sentence(v.before, w), _sentence(v.after, w), tuple(why), tuple(number(n, w) for n in shown),
    )  # fmt: skip


def _noise(v: VerdictChange, carry: set[tuple[str, str]], diff: Diff) -> str:
    """Whether chance may have moved a verdict: carried (a number is beyond it), near_border (the data alone differ and none is), within
    (none is, but more than the data differs), not_told (a number that it rests on cannot be tested)."""
    if v.beyond_noise:
        return "carried"
    told = [n for n in v.numbers if (n.number.name, n.number.segment) in carry and n.outcome not in ("same", "differs")]
    if not any(n.change for n in told) or any(n.change is None for n in told):
        return "not_told"
    return "near_border" if diff.sources.cause == "data" else "within"


def _term(finding: Finding, name: str, w: Words) -> str:
    return w.term(name, w.term("step", finding.terms.get(name, "–")))


def _why(v: VerdictChange, diff: Diff, w: Words) -> str:
    cause = diff.sources.cause
    if cause == "policy" and v.policy:
        return w("changes.why.own_policy", names=w.list_of(_policy_name(p, w) for p in v.policy))
    return w(f"changes.why.{cause}", causes=w.list_of(w(f"changes.causes.{c}") for c in diff.sources.causes))


def _split(v: VerdictChange, split: Split, w: Words) -> str:
    """What moved it along each order in which the states between the runs were computed."""

    def names(causes: Iterable[str]) -> str:
        return w.list_of(w(f"changes.causes.{c}") for c in causes) or w("changes.split.nothing")

    def order(causes: tuple[str, ...]) -> str:
        return " → ".join(w(f"changes.causes.{c}") for c in causes)

    found = [(p.causes, p.moved.get(v.id, ())) for p in split.paths]
    if not any(moved for _, moved in found):
        return w("changes.split.not_now")
    if len({frozenset(moved) for _, moved in found}) == 1:
        key = "one" if len(found) > 1 else "one_order"
        return w(f"changes.split.{key}", order=order(found[0][0]), causes=names(found[0][1]))
    first, second = (w("changes.split.order", order=order(causes), causes=names(moved)) for causes, moved in found)
    return w("changes.split.differ", first=first, second=second)


def _carrying(v: VerdictChange, w: Words) -> set[tuple[str, str]]:
    """(name, segment) of the numbers that the sentences of both verdicts rest on."""
    found: set[tuple[str, str]] = set()
    for finding in (v.before, v.after):
        assert finding is not None
        text = w.texts.get(f"findings.{finding.key}.reason.{finding.reason}", "")
        for name, segment in _NAMED_NUMBER.findall(text):
            at = finding.terms.get(segment[1:], segment[1:]) if segment.startswith("$") else segment
            number = finding.number(name, at or None)
            if number is not None:
                found.add((number.name, number.segment))
    return found


def number(n: NumberChange, w: Words) -> ChangedNumber:
    def said(number: Number | None) -> str:
        if number is None:
            return w("changes.not_there")
        try:
            return w.number(number)
        except MissingText:  # a unit of another version
            return w.number(replace(number, unit=""))

    try:
        name = w.name_of(n.number)
    except MissingText:
        name = f"{n.number.name} ({n.number.segment})"
    return ChangedNumber(name, said(n.before), said(n.after), _difference(n, w), n.outcome, _meaning(n, w))


def _difference(n: NumberChange, w: Words) -> str:
    """Later minus earlier with its interval; of shares in percentage points."""
    c, unit = n.change, n.number.unit
    if c is None:
        return ""
    share = (unit.startswith("share") or unit == "probability") and unit != POINTS
    unit = POINTS if share else unit
    if unit != POINTS and not re.fullmatch(r"[A-Z]{3}", unit) and not w.has(f"units.{unit}"):
        unit = ""
    low, high = (c.low, c.high) if not share else (max(-1.0, c.low), min(1.0, c.high))
    shown = w.number(Number(n.number.name, n.number.segment, c.value, low, high, c.level, n.number.n, unit, ""))
    return f"+{shown}" if c.value > 0 else shown


def _meaning(n: NumberChange, w: Words) -> str:
    if n.change is None or n.p_adjusted is None:
        return w(f"changes.outcome.{n.outcome}")
    p = w.value(min(n.p_adjusted, 1.0), "probability") if n.p_adjusted < 0.999 else format_percent(1, locale=w.locale)
    return w(f"changes.outcome.{n.outcome}", p=p)


def unread(diff: Diff, w: Words) -> list[str]:
    out = []
    for id, before, after in diff.unread:
        name = id.split("_", 1)[-1]
        called = w(f"analyses.{name}.title") if w.has(f"analyses.{name}.title") else id
        sides = [w(f"changes.not_in.{side}", why=w(f"changes.unread_why.{why}")) for side, why in
                 (("before", before), ("after", after)) if why]  # fmt: skip
        out.append(w("changes.unread_line", id=id, title=called, why=w.list_of(sides)))
    for kind in ("added", "removed"):
        names = [f"{v.id} {title(v, w)}" for v in diff.verdicts if v.moved == kind]
        if names:
            out.append(w(f"changes.findings_{kind}", names=w.list_of(names)))
    return out


def notes(diff: Diff, w: Words, paired: Paired | None = None) -> list[str]:
    """How noise was told from change, and what that rests on."""
    if not diff.family:
        return [w("changes.note.exact")]
    used = {n.change.dependence for v in diff.verdicts for n in v.numbers if n.change}
    error = format_percent(1 - diff.level, locale=w.locale)
    out = [w("changes.note.family", family=diff.family, error=error)]
    out += [w(f"changes.note.{d}") for d in ("independent", "not_negative", "any") if d in used]
    if paired:
        out.append(w("changes.note.paired", n=paired.judged, groups=GROUPS))
        out.append(w("changes.note.paired_left", n=paired.left))
    if diff.numbers("computed", "inside", "outside"):
        out.append(w("changes.note.not_sampling"))
    if diff.numbers("untested"):
        out.append(w("changes.note.untested", n=len(diff.numbers("untested"))))
    return [*out, w("changes.note.exact")]
