"""Display tables: findings, numbers, flips and faults as small frames of ready text, in one language."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pandas as pd

from kaanalysis.company import Company
from kaanalysis.contracts import RULES
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Flip, Result
from kaanalysis.text import Words

# Sentences around the one for the reason: a finding's term of that name says which text, none where it has none.
BEFORE = ("whole", "share")
AFTER = ("stance", "today", "today_size", "kept", "missing", "mix", "key_accounts", "price", "border", "easier", "money", "capped", "size",
         "sop", "timing", "stop", "cap", "rivals", "delay", "lane_cost", "carry", "reconcile", "decision", "information", "stage",
         "stage_horizon", "replay", "handover", "signs_gone", "signs_alone", "signs_left", "signs_seen")  # fmt: skip


def _parts(finding: Finding, names: tuple[str, ...], words: Words) -> list[str]:
    """The texts that the finding's terms of these names choose: its own, else those that findings share; what there is no text for is
    left out."""
    chosen = [f"{name}.{finding.terms[name]}" for name in names if finding.terms.get(name)]
    keys = [(f"findings.{finding.key}.{c}", f"findings.shared.{c}") for c in chosen]
    return [next(k for k in pair if words.has(k)) for pair in keys if any(words.has(k) for k in pair)]


def sentence(finding: Finding, words: Words, *, brief: bool = False) -> str:
    """What a finding says: its own text for the reason, else the common one for that state; brief: without what its terms add before
    and after."""
    own = f"findings.{finding.key}.reason.{finding.reason}"
    if finding.state != "no_data" and words.has(own):
        keys = [own] if brief else [*_parts(finding, BEFORE, words), own, *_parts(finding, AFTER, words)]
        said = [words.fill(key, finding) for key in keys]
        return reduce(lambda a, b: words("figures.shared.space", a=a, b=b), said)
    if finding.state == "no_data":
        needs = words.list_of(finding.needs)
        own = f"findings.{finding.key}.no_data.{finding.reason}"
        # Without a verdict there may still be numbers, for all customers together: a finding that has words for them says them.
        if words.has(own) and finding.numbers:
            return words.fill(own, finding, needs=needs)
        return words(f"no_data.{finding.reason}", needs=needs)
    return words.fill(f"undecided.{finding.reason}", finding)


def said(finding: Finding, words: Words, names: tuple[str, ...]) -> list[str]:
    """The sentences that the finding's terms of these names choose (``money``, ``border`` …), each on its own; those it has none of are
    left out."""
    return [words.fill(key, finding) for key in _parts(finding, names, words)]


def title(finding: Finding, words: Words) -> str:
    return words(f"findings.{finding.key}.title")


def numbers_table(finding: Finding, words: Words) -> pd.DataFrame:
    """One row per number: name, value, interval, n, method."""
    rows = [
        (
            words.name_of(n),
            words.value(n.value, n.unit),
            words.interval(n),
            words.value(n.n, ""),
            words.method(n.method),
        )
        for n in finding.numbers
    ]
    return pd.DataFrame(rows, columns=[words(f"table.{c}") for c in ("number", "value", "interval", "n", "method")])


def _shown(value: float, flip: Flip, words: Words, policy_units: dict[str, str], *, fine: bool = False) -> str:
    """A value of the flip's policy: shares and times in their unit, other units only by their number."""
    unit = policy_units.get(flip.policy, "")
    known = unit.startswith("share") or unit in ("months", "days")
    return words.value(value, unit if known else "", fine=fine)


def flip_ends(flip: Flip, words: Words, policy_units: dict[str, str]) -> tuple[str, str]:
    """The policy value now and where the verdict changes; the latter empty where it changes nowhere."""
    now = _shown(flip.now, flip, words, policy_units)
    if flip.at is None:
        return now, ""
    at = _shown(flip.at, flip, words, policy_units)
    # A flip close to the present value needs the digits that tell the two apart.
    return now, at if at != now else _shown(flip.at, flip, words, policy_units, fine=True)


def flip_sentence(flip: Flip, finding: Finding, words: Words, policy_units: dict[str, str]) -> str:
    """Where one policy value would have to go for the verdict to change."""
    name = words(f"policy_names.{flip.policy}")
    now, at = flip_ends(flip, words, policy_units)
    if flip.at is None:
        low, high = (_shown(end, flip, words, policy_units) for end in flip.range)
        return words("flips.never", policy=name, now=now, low=low, high=high)
    side = words("flips.up" if flip.at > flip.now else "flips.down", at=at)
    if finding.key == "path_rule":
        return words("flips.path", policy=name, now=now, side=side, to=words.term("path", flip.to or ""))
    return words("flips.moves", policy=name, now=now, side=side, to=words(f"states.{flip.to}"))


def units_of(policy: Policy) -> dict[str, str]:
    return {name: t.unit for name, t in policy.thresholds.items()}


def fault_counts(faults: pd.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    """Faults counted by the columns `by`: one dict per combination, with `count`."""
    counted = faults.groupby(by, dropna=False, sort=True).size().reset_index(name="count")
    return [{str(k): v for k, v in row.items()} for row in counted.to_dict("records")]


def fault_summary(faults: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Faults counted by table, column, rule and action."""
    columns = [words(f"table.{c}") for c in ("table", "column", "rule", "action", "count")]
    if faults.empty:
        return pd.DataFrame(columns=columns)
    grouped = (
        faults.groupby(["table", "column", "rule", "action"], dropna=False, sort=True).size().reset_index(name="count")
    )
    grouped["rule"] = [words(f"rules.{r}") if r in RULES else r for r in grouped["rule"]]
    grouped["action"] = [words(f"actions.{a}") for a in grouped["action"]]
    return grouped.set_axis(columns, axis=1)


def opening_lines(company: Company, policy: Policy, words: Words, name: str = "") -> list[str]:
    """What was opened: company, period, rows used, faults, policy. Counts and names only, so that a notebook's output can be checked.
    name: the company's code word in a run under pseudonyms."""
    info = company.info
    lines = [words("opening.company", name=name or info.name, as_of=info.as_of, currency=info.currency)]
    for name in company.tables:
        lines.append(
            "  " + words("opening.rows", table=name, valid=company.rows_valid[name], read=company.rows_read[name])
        )
    faults = company.fault_frame()
    if faults.empty:
        lines.append(words("opening.faults_none"))
    else:
        lines.append(words("opening.faults_heading", n=len(faults)))
        for row in fault_counts(faults, ["table", "column", "rule", "action"]):
            said = {"rule": words(f"rules.{row['rule']}"), "action": words(f"actions.{row['action']}")}
            lines.append(
                "  " + words("opening.fault", table=row["table"], column=row["column"], n=row["count"], **said)
            )
    if len(company.import_faults):
        lines.append(words("opening.import_faults", n=len(company.import_faults)))
        lines += [
            f"  {r['count']} × {r['rule']} ({r['action']})"
            for r in fault_counts(company.import_faults, ["rule", "action"])
        ]
    if policy.overrides:
        changed = ", ".join(f"{n} = {v}" for n, v in sorted(policy.overrides.items()))
        lines.append(words("opening.policy", hash=policy.hash, overrides=changed))
    else:
        lines.append(words("opening.policy_plain", hash=policy.hash))
    return lines


def verdict_lines(result: Result, words: Words) -> list[str]:
    """All findings of a result as plain text: id, title, state, sentence, then the numbers."""
    lines: list[str] = []
    for finding in result.findings:
        lines.append(f"{finding.id} {title(finding, words)} → {words(f'states.{finding.state}')}")
        lines.append(f"  {sentence(finding, words)}")
        if finding.needs:
            lines.append("  " + words("workbook.needs", needs=words.list_of(finding.needs)))
        for number in finding.numbers:
            lines.append(f"    {words.name_of(number)}: {words.number(number)}; n = {number.n}")
    return lines


def flip_lines(result: Result, words: Words, policy: Policy) -> list[str]:
    """What would change each verdict, as plain text."""
    units, lines = units_of(policy), []
    for finding in result.findings:
        lines.append(f"{finding.id} {title(finding, words)}")
        if finding.flips:
            lines += [f"  {flip_sentence(f, finding, words, units)}" for f in finding.flips]
        else:
            lines.append("  " + words("flips.missing" if finding.state in ("no_data", "undecided") else "flips.none"))
    return lines
