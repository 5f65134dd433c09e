"""The definition cards: how many closed projects decide, the method's 169 among them, exits and maturity by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from kaanalysis.analyses.rate_cards import design_effect, projects_needed
from kaanalysis.analyses.rates import find
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import closed_needed

Open = Callable[..., Company]


def test_sixty_percent_needs_the_methods_169_closed_projects() -> None:
    assert projects_needed(0.6, (0.5,)) == 169


def test_at_a_mark_no_number_decides_and_outside_the_nearer_one_does() -> None:
    assert projects_needed(0.5, (0.5,)) is None and projects_needed(0.1, (0.1, 0.2)) is None
    assert projects_needed(0.25, (0.1, 0.2)) == closed_needed(0.25, 0.2)
    assert projects_needed(0.05, (0.1, 0.2)) == closed_needed(0.05, 0.1)
    assert projects_needed(0.15, (0.1, 0.2)) == max(closed_needed(0.15, 0.1), closed_needed(0.15, 0.2))  # type: ignore[type-var]
    assert projects_needed(0.03, (-0.02, 0.08)) == closed_needed(0.03, 0.08), "a mark below zero asks nothing"


def test_design_effect_by_hand() -> None:
    # 100 independent deals at one half: error 0.05; an interval of twice that error is worth a quarter of them.
    reach = 1.959963985 * 0.1
    wide = Number("success", "KA", 0.5, 0.5 - reach, 0.5 + reach, 0.95, 100, "share", "m")
    assert design_effect(wide, 100) == pytest.approx(4)
    assert design_effect(wide, 10) == 1, "never better than independent"
    assert design_effect(Number("success", "KA", 0.5, None, None, 0.95, 9, "share", "m"), 9) == 1


def day(ago: int) -> dt.date:
    return dt.date(2025, 12, 31) - dt.timedelta(days=ago)


def test_a_card_by_hand(company: Open, policy: Policy) -> None:
    # 12 sellers; opened 400 days ago: 6 won (one refunded), 3 lost, 1 drifted; opened 100 and 50 days ago: one open each.
    rows = (
        [(400, 20, "won", "")] * 5
        + [(400, 20, "won", "refunded")]
        + [(400, 300, "lost", "")] * 3
        + [(400, 30, "lost", "drifted")]
    )
    text = "opportunity_id,account_id,owner,created_at,closed_at,outcome,exit\n"
    for i, (opened, after, outcome, left) in enumerate(rows):
        text += f"O{i},K,s{i},{day(opened)},{day(opened - after)},{outcome},{left}\n"
    text += f"O10,K,s10,{day(100)},,open,\nO11,K,s11,{day(50)},,open,\nO12,K,s12,,,open,\n"
    findings, frames = find(company(accounts="account_id,segment\nK,KA\n", opportunities=text), policy)
    success = next(f for f in findings if f.id == "M-3.2")
    card = frames["definition_cards"].set_index("rate").loc["success"]
    assert (card["n"], card["won"], card["lost"], card["drifted"], card["open"], card["undone"], card["untimed"]) == (
        12,
        6,
        3,
        1,
        2,
        1,
        1,
    )
    # Two open deals leave the risk set at 50 and 100 days: won by 20 days 6/12; kept 5/12.
    assert card["value"] == pytest.approx(0.5) and card["kept"] == pytest.approx(5 / 12)
    assert success.number("success_kept").value == pytest.approx(5 / 12)  # type: ignore[union-attr]
    # Ten of twelve are followed beyond 365 days; the last was opened 50 days ago.
    assert card["followed"] == pytest.approx(10 / 12) and card["mature_on"] == str(day(400 - 365))
    assert card["complete_on"] == str(day(50) + dt.timedelta(days=365))
    assert card["closed"] == 10 and card["closed_last_year"] == 3, "those lost 100 days ago"
    assert success.number("projects_to_decide").value is None, "the rate lies at its mark"  # type: ignore[union-attr]
    eased = policy.override({"success.target": 0.3})
    findings, frames = find(company(accounts="account_id,segment\nK,KA\n", opportunities=text), eased)
    card = frames["definition_cards"].set_index("rate").loc["success"]
    assert card["projects_needed"] == closed_needed(0.5, 0.3)
    assert card["missing"] >= card["projects_needed"] - 10 and card["decided_on"] > "2026"
