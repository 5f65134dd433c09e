"""Merged against separate deals of the same size: by hand, size held fixed, and what comes from the recording alone found out."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kaanalysis.analyses.merge_outcome import amount_bands, measure, merged_half
from kaanalysis.analyses.procurement_flow import _parties_by_deal
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
ROLES = ("owner", "finance", "user", "legal", "technology")


def test_halves_and_bands_by_hand() -> None:
    assert merged_half(np.array([0.1, 0.2, 0.3, 0.4])).tolist() == [False, False, True, True]
    # The median is 1: at or above it are four of five, above it nobody.
    assert merged_half(np.array([1.0, 1, 1, 0, 1])).tolist() == [True, True, True, False, True]
    assert not merged_half(np.ones(4)).any() and not merged_half(np.zeros(0)).any()
    assert amount_bands(np.array([1.0, 2, 3, 4, np.nan]), 2).tolist() == ["0", "0", "1", "1", "?"]


def made(company: Open, deals: pd.DataFrame) -> Company:
    """deals: segment, merged, amount, outcome, opened, days, met (days after opening by which the persons beyond the first are met)."""
    accounts, rows, people = "account_id,segment\n", [], []
    for i, d in enumerate(deals.to_dict("records")):
        accounts += f"A{i},{d['segment']}\n"
        closed = d["opened"] + dt.timedelta(days=int(d["days"]))
        rows.append({"opportunity_id": f"O{i}", "account_id": f"A{i}", "amount": d["amount"], "outcome": d["outcome"],
                     "created_at": d["opened"], "closed_at": None if d["outcome"] == "open" else closed})  # fmt: skip
        for r, role in enumerate(ROLES):
            person = f"P{i}" if d["merged"] else f"P{i}{r}"
            at = d["opened"] + dt.timedelta(days=int(d["met"]) if r > 1 else 0)
            people.append(
                {"opportunity_id": f"O{i}", "person_id": person, "role": role, "part": "approve", "engaged_at": at}
            )
    return company(accounts=accounts, opportunities=rows, stakeholders=people)


def numbers(company: Company, policy: Policy) -> dict[str, tuple[float | None, float | None, float | None]]:
    deals = _parties_by_deal(company, policy)
    assert deals is not None
    return {f"{n.name}|{n.segment}": (n.value, n.low, n.high) for n in measure(company, policy, deals)[0]}  # type: ignore[misc]


def test_a_difference_that_is_all_size_is_none(company: Open, policy: Policy) -> None:
    """Small deals are mostly merged and all won, large ones mostly separate and all lost: plainly merged deals win more; within bands of
    amount nothing is left. Merged ones take twice as long."""
    rows = []
    for small, merged, count in ((True, True, 24), (True, False, 8), (False, True, 8), (False, False, 24)):
        for k in range(count):
            days = 40 if merged else 20
            rows.append(
                (
                    "KA",
                    merged,
                    (100 if small else 900) + k,
                    "won" if small else "lost",
                    dt.date(2023, 1, 1 + k),
                    days,
                    0,
                )
            )
    frame = pd.DataFrame(rows, columns=["segment", "merged", "amount", "outcome", "opened", "days", "met"])
    found = numbers(made(company, frame), policy.override({"roles.amount_bands": 2, "evidence.minimum_units": 8}))
    assert found["merge_win_difference|KA"][0] == pytest.approx(0, abs=1e-12)
    assert found["merge_cycle_ratio|KA"][0] == pytest.approx(2)


def test_a_planted_difference_is_found_and_open_deals_are_censored(company: Open, policy: Policy) -> None:
    g = np.random.default_rng(4)
    merged = g.random(400) < 0.5
    won = g.random(400) < np.where(merged, 0.7, 0.3)
    opened = [dt.date(2024, 1, 1) + dt.timedelta(days=int(d)) for d in g.integers(0, 720, 400)]
    days = g.integers(40, 200, 400)
    still = np.array([(dt.date(2025, 12, 31) - o).days for o in opened]) < days
    outcome = np.where(still, "open", np.where(won, "won", "lost"))
    assert still.sum() > 30
    frame = pd.DataFrame({"segment": "KA", "merged": merged, "amount": g.lognormal(5, 1, 400), "outcome": outcome,
                          "opened": opened, "days": days, "met": 5})  # fmt: skip
    value, low, high = found = numbers(made(company, frame), policy)["merge_win_difference|KA"]
    # What the deals come to once the open ones are closed as well, which the data does not show.
    whole = won[merged].mean() - won[~merged].mean()
    assert low < whole < high and abs(value - whole) < 0.05 and low > 0.2, found  # type: ignore[operator]


def test_what_comes_from_the_recording_is_gone_among_those_met_early(company: Open, policy: Policy) -> None:
    """Nobody is merged; of lost deals half never got beyond the first person before they ended, so they look merged. Among the persons met
    in the first days the difference is gone, because there is none."""
    g = np.random.default_rng(7)
    lost = g.random(300) < 0.5
    looks = lost & (g.random(300) < 0.5)
    early = g.random(300) < 0.5  # who of all is met early has nothing to do with the outcome
    accounts, rows, people = "account_id,segment\n", [], []
    for i in range(300):
        opened = dt.date(2023, 1, 1) + dt.timedelta(days=i)
        accounts += f"A{i},KA\n"
        rows.append({"opportunity_id": f"O{i}", "account_id": f"A{i}", "amount": float(g.lognormal(5, 1)),
                     "outcome": "lost" if lost[i] else "won", "created_at": opened,
                     "closed_at": opened + dt.timedelta(days=90)})  # fmt: skip
        for r, role in enumerate(ROLES):
            late = r >= (4 if early[i] else 2)  # in the first days: two or four roles of two persons
            person = f"P{i}" if (looks[i] and late) else f"P{i}{r if late else r % 2}"
            at = opened + dt.timedelta(days=80 if late else 3)
            people.append(
                {"opportunity_id": f"O{i}", "person_id": person, "role": role, "part": "approve", "engaged_at": at}
            )
    found = numbers(company(accounts=accounts, opportunities=rows, stakeholders=people), policy)
    assert found["merge_win_difference|KA"][2] < -0.1  # type: ignore[operator]
    value, low, high = found["merge_win_difference_early|KA"]
    assert low < 0 < high and abs(value) < 0.15  # type: ignore[operator, arg-type]


def test_too_few_on_a_side_gives_no_number(company: Open, policy: Policy) -> None:
    rows = [("KA", k < 3, 100.0 + k, "won", dt.date(2023, 1, 1), 30, 0) for k in range(40)]
    frame = pd.DataFrame(rows, columns=["segment", "merged", "amount", "outcome", "opened", "days", "met"])
    opened = made(company, frame)
    assert numbers(opened, policy)["merge_win_difference|KA"] == (None, None, None)
    deals = _parties_by_deal(opened, policy)
    assert deals is not None and measure(opened, policy, deals)[1] == {}
