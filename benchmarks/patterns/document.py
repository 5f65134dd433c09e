"""benchmarks/PATTERNS.md: what is found where, how early, and whether the signs' intervals hold the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.patterns.study import PLANTED
from kaanalysis.stats import wilson

Rows = Sequence[Mapping[str, Any]]
PATTERNS = tuple(PLANTED.values())
CONFLICTS = ("M-X1", "M-X2", "M-X3", "M-X4")
LOW, HIGH = 0.93, 0.97
# Sums of money grow with the company, so a large one does not know them.
SUMS = frozenset({"ka_revenue_new", "ka_revenue_carried_on", "ka_revenue_on_top", "smb_lost", "net_increment"})


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def share(flags: Sequence[bool]) -> str:
    """A share of companies in percent with Wilson's 95 % interval."""
    found = wilson(sum(flags), len(flags), 0.95)
    assert found.value is not None and found.low is not None and found.high is not None
    return f"{100 * found.value:.0f} [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def states(rows: Mapping[str, Rows], state: str, ids: Sequence[str], *, any_of: str) -> str:
    """Share of companies by world in which a finding has `state`; the planted pattern in bold, `any_of`: whether any has."""
    out = []
    for world, companies in rows.items():
        cells = []
        for id in ids:
            told = share([r["findings"][id]["state"] == state for r in companies])
            cells.append(f"**{told}**" if PLANTED.get(world) == id else told)
        told = share([any(r["findings"][id]["state"] == state for id in ids) for r in companies])
        out.append([world, str(len(companies)), *cells, told])
    return _table(["world", "companies", *ids, any_of], out)


def told_apart(rows: Mapping[str, Rows]) -> str:
    """Of the companies of a world, the share in which the planted pattern is found, and alone; and in which its adjusted p-value is the
    smallest."""
    out = []
    for world, id in PLANTED.items():
        if world not in rows:
            continue
        companies = rows[world]
        found = [r["findings"][id]["state"] == "supported" for r in companies]
        others = [o for o in PATTERNS if o != id]
        alone = [
            f and all(r["findings"][o]["state"] != "supported" for o in others)
            for f, r in zip(found, companies, strict=True)
        ]
        first = [_p(r, id) < min(_p(r, o) for o in others) for r in companies]
        out.append([world, id, share(found), share(alone), share(first)])
    return _table(["world", "planted", "found", "found alone", "smallest p-value"], out)


def _p(row: Mapping[str, Any], id: str) -> float:
    value = row["findings"][id]["p_adjusted"]
    return 2.0 if value is None else float(value)


def leads(rows: Mapping[str, Rows]) -> str:
    """Lead time of the planted pattern where it holds at as_of."""
    out = []
    for world, id in PLANTED.items():
        held = [r["findings"][id] for r in rows.get(world, ())]
        known = [h for h in held if h["lead_months"] is not None]
        if not known:
            continue
        months = np.array([h["lead_months"] for h in known], float)
        at_least = share([h["lead_at_least"] for h in known])
        low, middle, high = np.quantile(months, [0.1, 0.5, 0.9])
        out.append([world, id, f"{len(known)} of {len(held)}", f"{middle:.0f} ({low:.0f} to {high:.0f})", at_least])
    head = ["world", "pattern", "alarm that lasts", "lead in months: median (80 % of companies)"]
    return _table([*head, "revenue shows nothing by the last day"], out)


def coverage(rows: Mapping[str, Rows], truths: Mapping[str, Mapping[str, float]]) -> str:
    """Coverage of the signs' 95 % intervals by world; * where 93 to 97 % lies outside its Monte-Carlo interval."""
    names = list(
        dict.fromkeys(n for companies in rows.values() for r in companies for n in r["signs"] if n not in SUMS)
    )
    out = []
    for name in names:
        cells = []
        for world, companies in rows.items():
            held = [r["signs"][name] for r in companies if None not in r["signs"].get(name, [None])]
            true = truths[world].get(name)
            if true is None or len(held) < len(companies) / 2:
                cells.append("–")
                continue
            inside = [low <= true <= high for _, low, high in held]
            found = wilson(sum(inside), len(inside), 0.95)
            off = found.high < LOW or found.low > HIGH  # type: ignore[operator]
            cells.append(f"{100 * sum(inside) / len(inside):.0f}{'*' if off else ''}")
        out.append([f"`{name}`", *cells])
    return _table(["sign", *rows], out)


def document(
    rows: Mapping[float, Mapping[str, Rows]],
    truths: Mapping[str, Mapping[str, float]],
    looks: str,
    stamp: Mapping[str, Any],
) -> str:
    """rows: by size and world. truths: signs of very large companies by world. looks: what monthly looks do to false alarms."""
    told = "\n".join(f"- {name}: {value}" for name, value in stamp.items())
    parts: list[str] = []
    main = max(rows)

    def add(title: str, text: str, made: Callable[[Mapping[str, Rows]], str]) -> None:
        parts.append(f"## {title}\n\n{text}\n")
        for size, of_size in rows.items():
            parts.append(f"Size {size:g}:\n\n{made(of_size)}")

    add("Found where", "Companies in which a pattern is `supported`, in percent with Wilson's 95 % interval; the planted one in bold.",
        lambda r: states(r, "supported", PATTERNS, any_of="any of the six"))  # fmt: skip
    add("Told apart", "*Found alone*: the planted pattern is supported and no other is.", told_apart)
    add("Ruled out", "Companies in which a pattern is `contradicted`. In bold: wrongly, as it is planted.",
        lambda r: states(r, "contradicted", PATTERNS, any_of="any of the six"))  # fmt: skip
    add(
        "Conflicts",
        "Companies in which a conflict is `supported`.",
        lambda r: states(r, "supported", CONFLICTS, any_of="any of the four"),
    )
    until = "Months from the pattern's lasting alarm to the month in which the total revenue falls below its own trend; where it has not by"
    add("Lead time", f"{until} the last day, at least the months until then.", leads)
    return f"""# Failure patterns: found, told apart, in time

Written by `make bench-patterns`; do not edit by hand.

{told}

{"".join(p + chr(10) for p in parts)}
## Monthly looks

{looks}
## Intervals of the signs

Coverage in percent of nominal 95 %, size {main:g}; the truth is the same sign in one company {stamp["large"]} times the size. \\*: beyond
Monte-Carlo error outside 93 to 97 %. Sums of money are left out, as they grow with the company. What is
planned per team (capacity, quota, support cost) is drawn for as many teams in the large company as in a small one, so there the large
company is one draw more and no truth.

{coverage(rows[main], truths)}"""
