"""Which of a finding's numbers carries its verdict: the one that its own sentence names first with an interval."""

from __future__ import annotations

import re

from kaanalysis.report.parts import Lead
from kaanalysis.results import Finding, Number
from kaanalysis.text import Words, rounded

# A number's place in a sentence, as in kaanalysis.text: {name@segment}, with |value, |n or |horizon behind it.
_NAMED = re.compile(r"\{([a-z0-9_]+)@([^}|]+)(?:\|(value|horizon|n))?\}")


def named(finding: Finding, words: Words) -> list[Number]:
    """The numbers that the finding's own sentence names, in its order; those it only counts or dates by are left out."""
    keys = (f"findings.{finding.key}.reason.{finding.reason}", f"undecided.{finding.reason}")
    template = next((words.texts[k] for k in keys if words.has(k)), "")
    found = []
    for name, segment, bare in _NAMED.findall(template):
        if bare in ("", "value"):
            at = finding.terms.get(segment[1:], segment[1:]) if segment.startswith("$") else segment
            number = finding.number(name, at)
            if number is not None:
                found.append(number)
    return found


def leading(finding: Finding, words: Words) -> Number | None:
    """The first number with an interval that the sentence names, else the first that it names, else the finding's first with an interval,
    else its first; None where it carries none. The choice never depends on a number's size."""
    said = named(finding, words)

    def sure(numbers: list[Number]) -> list[Number]:
        return [n for n in numbers if n.low is not None or n.high is not None]

    all_ = [n for n in finding.numbers if n.value is not None or n.low is not None or n.high is not None]
    ranked = [*sure(said), *said, *sure(all_), *all_]
    return ranked[0] if ranked else None


def lead(finding: Finding, words: Words) -> Lead | None:
    """The leading number as text; an interval that is not to be had is said to be none."""
    number = leading(finding, words)
    if number is None:
        return None
    interval = words.interval(rounded(number)) or words("report.no_interval")
    count = words("report.rests_on", n=words.value(number.n, "")) if number.n else ""
    return Lead(words.name_of(number), words.estimate(number), interval, count)
