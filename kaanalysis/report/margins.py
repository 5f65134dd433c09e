"""What would change our mind: every policy value that would change a verdict, over all analyses, the smallest margin first."""

from __future__ import annotations

import math
from collections.abc import Iterable

from babel.numbers import format_percent

from kaanalysis import tables
from kaanalysis.policy import Policy
from kaanalysis.report.parts import Margin
from kaanalysis.results import Finding, Flip
from kaanalysis.text import Words

WIDE = 100  # a range of numbers of customers or of amounts is wider than that, one of shares or months is not
# Findings that a change of the path would come from: the rule, what it reads, and the money.
DECISIVE = ("M-4", "M-3.6", "M-4.1", "M-4.2", "M-4.3", "M-4.4")


def relative_margin(flip: Flip) -> float | None:
    """How far a policy value is from changing the verdict, as share of the range that the policy allows: |at − now| / (high − low), of
    logarithms where the range spans a factor of more than :data:`WIDE`: there a doubling is as far anywhere.

    0: any move changes it; 1: only a move from one end of the range to the other does. None where nothing within the range changes it, or
    the range is a single value. Values of different units are compared by it; it takes the range for what is thinkable, so a range drawn
    too wide makes a margin look small, one drawn too tight makes it look large."""
    low, high = flip.range
    if flip.at is None or high <= low:
        return None
    ends = [float(low), float(high), float(flip.now), float(flip.at)]
    if low > 0 and high > WIDE * low and min(ends) > 0:
        ends = [math.log(e) for e in ends]
    return abs(ends[3] - ends[2]) / (ends[1] - ends[0])


def margins(findings: Iterable[Finding], words: Words, policy: Policy) -> list[Margin]:
    """All flips of the findings that lie within their range, smallest relative margin first; ties in the order of the findings."""
    units, made = tables.units_of(policy), []
    for finding in findings:
        for flip in finding.flips:
            share = relative_margin(flip)
            if share is None:
                continue
            now, at = tables.flip_ends(flip, words, units)
            then = words.term("path", flip.to or "") if finding.key == "path_rule" else words(f"states.{flip.to}")
            made.append(
                Margin(
                    finding.id, tables.title(finding, words), flip.policy, words(f"policy_names.{flip.policy}"), now, at, then,
                    share, format_percent(share, "#,##0.0%", locale=words.locale),
                    tables.flip_sentence(flip, finding, words, units),
                )
            )  # fmt: skip
    return sorted(made, key=lambda m: m.share)


def unmoved(findings: Iterable[Finding]) -> int:
    """How many policy values were moved through their whole range without changing the verdict."""
    return sum(flip.at is None for finding in findings for flip in finding.flips)


def deciding(margins_: list[Margin], most: int = 3) -> list[Margin]:
    """The smallest margins among the findings that the path comes from."""
    return [m for m in margins_ if m.finding in DECISIVE][:most]
