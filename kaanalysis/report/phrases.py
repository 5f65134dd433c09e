"""The numbers of the results as the report's prose may write them, without the sentences' templates."""

from __future__ import annotations

from collections.abc import Iterator

from babel.numbers import format_percent

from kaanalysis import tables
from kaanalysis.policy import Policy
from kaanalysis.report.margins import relative_margin
from kaanalysis.results import Finding, Number
from kaanalysis.text import Words, rounded


def number_texts(number: Number, words_: Words) -> Iterator[str]:
    """A number as it may be written: with and without interval, rounded by its interval or not; what it rests on; its horizon."""
    for n in {number, rounded(number)}:
        yield from (words_.number(n), words_.estimate(n), words_.interval(n), words_.value(n.value, n.unit))
    yield words_.name_of(number)
    yield words_.value(number.n, "")
    if number.horizon_months is not None:
        yield words_.value(number.horizon_months, "months")


def finding_texts(finding: Finding, words_: Words, policy: Policy) -> Iterator[str]:
    """All numbers of a finding, the ends of its flips, and the names in it, which may hold digits too."""
    units = tables.units_of(policy)
    for number in finding.numbers:
        yield from number_texts(number, words_)
    for flip in finding.flips:
        yield from tables.flip_ends(flip, words_, units)
        share = relative_margin(flip)
        if share is None:
            yield tables.flip_sentence(flip, finding, words_, units)
        else:
            yield format_percent(share, "#,##0.0%", locale=words_.locale)
        yield words_(f"policy_names.{flip.policy}")
    for group, name in finding.terms.items():
        yield words_.term_name(group, name)
    yield from finding.needs
