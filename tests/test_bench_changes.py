"""The study of false alarms of `kaanalysis diff`: a company on an earlier day by hand, and what is counted."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from benchmarks.changes.earlier import earlier
from benchmarks.changes.measure import alarms, as_run, independent, later, negative, together
from benchmarks.changes.study import months_before
from kaanalysis.results import Number

DAY = dt.date(2026, 5, 31)


def days(*values: str | None) -> pa.Array:
    return pa.array([None if v is None else dt.date.fromisoformat(v) for v in values], pa.date32())


@pytest.fixture
def tables() -> dict[str, pa.Table]:
    accounts = {"account_id": ["A1", "A2", "A3"], "parent_account_id": [None, "A3", None],
                "created_at": days("2020-01-01", None, "2026-06-02")}  # fmt: skip
    deals = {"opportunity_id": ["O1", "O2", "O3"], "account_id": ["A1", "A2", "A1"], "outcome": ["won", "lost", "open"],
             "created_at": days("2025-01-01", "2026-05-31", "2026-06-01"), "closed_at": days("2026-05-31", "2026-06-01", None),
             "loss_reason": [None, "price", None]}  # fmt: skip
    acts = {
        "opportunity_id": ["O1", "O3", "O2"],
        "at": pa.array([dt.datetime(2026, 5, 31, 23, 59), dt.datetime(2026, 6, 1), None]),
    }
    met = {"opportunity_id": ["O1", "O2"], "engaged_at": days("2026-06-01", "2025-02-02")}
    return {"accounts": pa.table(accounts), "opportunities": pa.table(deals), "activities": pa.table(acts),
            "stakeholders": pa.table(met), "teams": pa.table({"team": ["t"]})}  # fmt: skip


def test_an_earlier_day_knows_nothing_of_what_came_later(tables: dict[str, pa.Table]) -> None:
    found = {name: t.to_pydict() for name, t in earlier(dict(tables), DAY).items()}
    assert found["accounts"]["account_id"] == ["A1", "A2"]  # A3 came in June; A2 always was there
    assert found["accounts"]["parent_account_id"] == [None, None]
    assert found["opportunities"]["opportunity_id"] == ["O1", "O2"]
    assert found["opportunities"]["outcome"] == ["won", "open"]  # O2 was lost a day later
    assert found["opportunities"]["closed_at"] == [DAY, None] and found["opportunities"]["loss_reason"] == [None, None]
    assert found["activities"]["opportunity_id"] == ["O1", "O2"]  # a time on the day itself belongs to it
    assert found["stakeholders"]["engaged_at"] == [None, dt.date(2025, 2, 2)]
    assert found["teams"] == {"team": ["t"]}


def test_on_its_last_day_a_company_is_as_it_is(tables: dict[str, pa.Table]) -> None:
    assert earlier(dict(tables), dt.date(2030, 1, 1)) == tables


def test_months_are_counted_back_from_month_to_month() -> None:
    day = dt.date(2026, 6, 30)
    assert [months_before(day, m) for m in (0, 1, 4, 12)] == [
        day, dt.date(2026, 5, 31), dt.date(2026, 2, 28), dt.date(2025, 6, 30),
    ]  # fmt: skip


def row(value: float, state: str = "undecided", name: str = "success") -> dict[str, dict]:
    number = Number(name, "KA", value, value - 0.05, value + 0.05, 0.95, 300, "share", "m")
    return {"a|M-3.2": {"state": state, "reason": "r"}, f"a|M-3.2|{name}|KA": number.to_dict()}


def test_false_alarms_and_tipped_verdicts_are_counted() -> None:
    rows = [
        {"at": {"0": row(0.5), "1": row(0.5)}}, {"at": {"0": row(0.8), "1": row(0.5, "supported")}},
    ]  # fmt: skip
    month = alarms(later(rows, 1))
    assert (month.pairs, month.any, month.moved, month.verdicts, month.family) == (2, 1, 1, 2, 1)
    assert month.names == {"success": 1} and month.share[0] == 0.5
    assert alarms(later(rows, 1), frozenset({("other", "KA")})).any == 0
    assert alarms(independent(rows)).pairs == 1
    assert as_run(row(0.5), "a", "c", "d").results["a"].finding("M-3.2").number("success").value == 0.5


def test_numbers_that_go_against_each_other_are_found() -> None:
    """Thirty companies whose later value is one minus the earlier: surely negative, and wrong unless known to be."""
    values = [0.3 + 0.01 * i for i in range(30)]
    rows = [{"at": {"0": row(1 - v), "1": row(v)}} for v in values]
    (found,) = together(rows, 1)
    assert found.correlation == pytest.approx(-1) and found.ratio == pytest.approx(2**0.5)
    assert negative([found]) == [found]
    assert (
        negative(
            together(
                [
                    {"at": {m: row(r["at"][m]["a|M-3.2|success|KA"]["value"], name="growth_rate") for m in "01"}}
                    for r in rows
                ],
                1,
            )
        )
        == []
    )
