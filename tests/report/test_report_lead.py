"""The number on a card: the first that the finding's own sentence names with an interval, whatever its size."""

from __future__ import annotations

from kaanalysis.report.lead import lead, leading, named
from kaanalysis.results import Finding, Number
from kaanalysis.text import words

CAP = Number("loss_cap", "all", 1_800_000.0, None, None, None, 1, "CNY", "")
LOSS = Number("strategic_loss", "split", 5_160_000.0, 3_900_000.0, 7_060_000.0, 0.9, 4096, "CNY", "")
OTHER = Number("evpi", "all", 9e9, 1e9, 9.9e9, 0.9, 4096, "CNY", "")
BREACH = Number("p_breach", "split", 0.99, 0.98, 1.0, 0.95, 4096, "probability", "")


def finding(*numbers: Number) -> Finding:
    return Finding("M-4.4", "strategic_loss", "supported", "loss_supported", numbers, terms={"path": "split"})


def test_the_first_number_with_an_interval_that_the_sentence_names_leads() -> None:
    """“On the {path} path … within the cap of {loss_cap}: {strategic_loss} at its deepest …”: the cap has no interval."""
    full = finding(OTHER, CAP, BREACH, LOSS)
    assert [n.name for n in named(full, words("en"))] == ["loss_cap", "strategic_loss", "p_breach"]
    assert leading(full, words("en")) is LOSS
    shown = lead(full, words("en"))
    assert shown is not None
    assert (shown.value, shown.interval) == ("CN¥5.16M", "CN¥3.9M to CN¥7.06M, 90% interval")
    assert shown.n == "n = 4,096"


def test_without_an_interval_in_the_sentence_its_first_number_leads_and_that_is_said() -> None:
    shown = lead(finding(OTHER, CAP), words("en"))
    assert shown is not None and shown.interval == "no interval to be had"
    assert leading(finding(OTHER), words("zh")) is OTHER
    assert lead(finding(), words("en")) is None
