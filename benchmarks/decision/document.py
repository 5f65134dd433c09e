"""benchmarks/DECISION.md: the tables with what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.decision import score
from benchmarks.decision.judge import CAPS, SPANS
from kaanalysis.analyses.ledger import PATHS

ALL_CAPS = (
    "p_breach_at",
    "breach_at",
    f"the same for losses agreed from {100 * CAPS[0]:.0f} % to {100 * CAPS[-1]:.0f} % of a year's wins",
)
NUMBERS = (("p_breach", "breach", "beyond the agreed loss"), ("p_gain", "gain", "net present value above 0"),
           ("p_best", "best", "the best path by expected value"))  # fmt: skip


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _with(value: float, low: float, high: float) -> str:
    return f"{_percent(value)} ({100 * low:.0f}–{100 * high:.0f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def reliability(judged: score.Judged) -> str:
    parts = []
    head = ["predicted", "predictions of companies", "mean predicted", "came true (95 %)"]
    for name, real, told in (NUMBERS[0], ALL_CAPS, *NUMBERS[1:]):
        held = score.chances(judged, name, real)
        rows = [
            [f"{_percent(b.low)} to {_percent(b.high)}", f"{b.n} of {b.companies}", _percent(b.predicted), _with(b.frequency, *b.interval)]
            for b in score.reliability(held)
        ]  # fmt: skip
        scores = score.brier_scores(held)
        skill, low, high = scores["skill"]
        all_together = (
            f"\nAll together: expected {_percent(held.predicted.mean())}, came true "
            f"{_with(*score.mean_with_interval(held.frequency, held.company))}. Brier score {scores['score'][0]:.3f}, climatology "
            f"{scores['climatology'][0]:.3f}; skill {skill:.2f} ({low:.2f} to {high:.2f}), of at most {scores['limit'][0]:.2f}.\n"
        )
        parts.append(f"### `{name}`: {told}\n\n" + _table(head, rows) + all_together)
    return "\n".join(parts)


def by_world(judged: score.Judged) -> str:
    rows = []
    for world, companies in judged.items():
        for path in PATHS:
            row = [world, path]
            for name, real, _ in NUMBERS:
                held = score.chances({world: companies}, name, real, [path])
                row += [_percent(held.predicted.mean()), _percent(held.frequency.mean())]
            rows.append(row)
    head = ["world", "path", *(t for name, _, _ in NUMBERS for t in (f"`{name}`", "came true"))]
    return _table(head, rows)


def spans(judged: score.Judged) -> str:
    rows = []
    for world, companies in judged.items():
        for path in PATHS:
            row = [world, path]
            for name in SPANS:
                found = score.coverage(companies, path, name)
                none = len(companies) - (found[3] if found else 0)
                row.append("–" if found is None else _with(*found[:3]) + (f", {none} without" if none else ""))
            rows.append(row)
    return _table(["world", "path", *(f"`{name}`" for name in SPANS)], rows)


def as_smb(judged: score.Judged) -> str:
    rows = []
    for world, companies in judged.items():
        held = [made["paths"]["part_time"] for made in companies]
        told = [np.mean([h[name] for h in held]) for name in ("p_breach", "p_gain")]
        real = [np.mean([h["as_smb"][name] for h in held]) for name in ("breach", "gain")]
        inside = np.mean([h["as_smb"]["within"]["npv"] for h in held])
        rows.append(
            [world, _percent(told[0]), _percent(real[0]), _percent(told[1]), _percent(real[1]), _percent(inside)]
        )
    return _table(["world", "`p_breach`", "came true", "`p_gain`", "came true", "`npv` in its span"], rows)


def _millions(value: float) -> str:
    return f"{value / 1e6:.2f}"


def worth(judged: score.Judged, values: Mapping[str, Mapping[str, float]]) -> str:
    rows = []
    for world, companies in judged.items():
        row = [world]
        for path in PATHS:
            drawn = np.array([made["paths"][path]["real"]["npv"] for made in companies])
            error = drawn.std(ddof=1) / np.sqrt(len(drawn)) if len(drawn) > 1 else float("nan")
            row.append(
                f"{_millions(values[world][path])}; {_millions(float(drawn.mean()))} ± {_millions(float(error))}"
            )
        rows.append([*row, max(values[world], key=lambda p: values[world][p])])
    return _table(["world", *PATHS, "oracle's path"], rows)


def regret(judged: score.Judged, values: Mapping[str, Mapping[str, float]]) -> str:
    rows = []
    for world, companies in judged.items():
        worth_here = values[world]
        best = max(*worth_here.values(), 0.0)
        for who, lost in score.regrets(companies, worth_here).items():
            mean, low, high = score.mean_with_interval(lost, np.arange(len(lost)))
            share = f"{100 * mean / best:.0f} %" if best > 0 else "–"
            sure = f"{sum(m['rule'][0] == 'supported' for m in companies)} of {len(companies)}" if who == "rule" else ""
            named = ", ".join(sorted({m["rule"][1] for m in companies})) if who == "rule" else ""
            told = f"{_millions(mean)} ({_millions(low)} to {_millions(high)})"
            rows.append([world, who, told, share, _percent(float((lost <= 0).mean())), sure, named])
    return _table(["world", "who names the path", "mean regret, millions (95 %)", "of the oracle's value", "same path", "rule supported",
                   "the rule names"], rows)  # fmt: skip


def regret_within(judged: score.Judged, values: Mapping[str, Mapping[str, float]], chance: float) -> str:
    rows = []
    for world, companies in judged.items():
        best, held = score.capped(companies, values[world], chance)
        for who, found in held.items():
            mean, low, high = score.mean_with_interval(found.lost, np.arange(len(found.lost)))
            told = f"{_millions(mean)} ({_millions(low)} to {_millions(high)})"
            rows.append([world, best, who, _percent(found.breaks), told, _percent(found.nothing)])
    return _table(["world", "best path that keeps it", "who names the path", "names one that breaks it",
                   "mean regret, millions (95 %)", "names none"], rows)  # fmt: skip


def staged(judged: score.Judged, known: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for world, companies in judged.items():
        said = [made["staged"]["stage"] for made in companies]
        values = np.array([made["staged"]["option_value"] for made in companies])
        mean, low, high = score.mean_with_interval(values, np.arange(len(values)))
        truth = known[world]
        rows.append([
            world, f"{truth['stage']}, {_millions(truth['option_value'])} against {truth['commitment']}",
            *(str(said.count(s)) for s in ("gain", "open", "loss")), f"{_millions(mean)} ({_millions(low)} to {_millions(high)})",
        ])  # fmt: skip
    return _table(
        ["world", "data inputs known", "04: gain", "04: open", "04: loss", "04's option value, millions (95 %)"], rows
    )


GUIDE = """Companies are drawn from worlds whose truth is known; 01, 03 and 04 see each as the workbook does; beside each prediction stand
futures of the same path, drawn deal by deal in that world (`kaanalysis/simulate/futures.py`), not by the ledger's formulas. A
future draws from the policy's own beliefs what only the policy states, and takes from the world what data can tell. **So this
proves: given right beliefs, chances and spans are what they claim to be. Whether the beliefs are right it cannot tell.**

How to read it. A chance is calibrated where *came true* agrees with *predicted*. Intervals resample companies: all that is said
of one hangs together. A prediction holds the errors of its company's data beside the beliefs and luck; the futures are drawn at
the one truth. So within a world good predictions are a little less sure than the frequencies, which lie further from the
middle, and spans of 90 % hold a little more than that; the other way round they would be too sure. *Skill* is against naming
one and the same chance everywhere; *at most* is the skill of who knows each company's true frequency. Spans are of 90 %."""


def document(
    judged: score.Judged,
    values: Mapping[str, Mapping[str, float]],
    known: Mapping[str, Mapping[str, Any]],
    chance: float,
    stamp: Mapping[str, Any],
) -> str:
    """values: what each path and staging are worth where the data inputs are known; known: staging there; chance: of breaking the agreed
    loss that is put up with."""
    told = "\n".join(f"- {name}: {value}" for name, value in stamp.items())
    return f"""# The decision: predicted against simulated

Written by `make bench-decision`; do not edit by hand.

{told}

{GUIDE}

## Chances

{reliability(judged)}
## Chances by world and path

{by_world(judged)}
## Share of futures within the 90 % span

{spans(judged)}
`payback_month`: a span without an upper limit holds futures that are never paid back; *without*: companies of which 04 gives no
span, since in most draws it is never paid back.

## What each path is worth

Millions, mean over the beliefs, data inputs known: by the ledger; by futures, with their standard error.

{worth(judged, values)}
## Regret

What is lost against the oracle, who knows the data inputs (not the future, nor which belief is right) and takes what has the best
expected net present value: a path, part-time first and then split by the fixed rule (*staged*), or nothing. *rule*: the path that
bottlenecks and fit ask for (M-4), supported or not; *money*: the best mean of the ledger's expected values; *money or staged*:
staging where 04 calls it a gain.

{regret(judged, values)}
## Regret within the agreed loss

The same, but only paths count that break the agreed loss in at most {_percent(chance)} of all futures; a regret below 0 is won by
breaking it. *money within the loss*: the best by the ledger among those that 04 expects to keep it, nothing where none does.

{regret_within(judged, values, chance)}
## Part-time first

Whether looking first pays, where the data inputs are known and as 04 says of each company (both conventions of the horizon must
agree, else it is open).

{staged(judged, known)}
## What the ledger does not know

One success rate serves all paths. If today's sellers, who cover key accounts part-time, work them as SMB sellers do in these
worlds (less often successful at every step), this becomes of what 04 says of `part_time`:

{as_smb(judged)}"""
