"""The checklist filled in: what a supported rule lists and what an open one does, dates and measures by hand, the named accounts."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kaanalysis.analyses import next_step_measures as measures
from kaanalysis.analyses import next_steps
from kaanalysis.analyses.ledger import PATHS
from kaanalysis.analyses.next_step_measures import Known
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result

AS_OF = dt.date(2026, 1, 31)


def sales(reliefs: dict[str, list[float]]) -> Result:
    numbers = tuple(
        Number("relief", s, float(np.mean(v)), None, None, 0.95, 40, "wins per 100 deals", "m")
        for s, v in reliefs.items()
    )
    draws = pd.DataFrame({f"relief:{s}": v for s, v in reliefs.items()})
    return Result(
        "03_sales_flow",
        "",
        "",
        "",
        [Finding("M-3.6", "bottleneck", "supported", "r", numbers)],
        {"bottleneck_draws": draws},
    )


def known(policy: Policy, **changes: Any) -> Known:
    numbers = (Number("fit", "KA", 0.7, 0.6, 0.8, 0.95, 20, "fit", "m"), Number("to_border", "KA", 1.0, None, None, None, 40, "bottlenecks", "m"))  # fmt: skip
    # Minimum relief is 2: `legal` is above it in all resamples, `budget` in half of them, `demo` in none.
    reliefs = {"legal": [5.0] * 100, "budget": [1.0, 5.0] * 50, "demo": [0.0] * 100}
    outcomes = {
        p: SimpleNamespace(loss=np.arange(1.0, 101), payback=np.where(np.arange(100) < 90, np.arange(100.0), np.nan))
        for p in PATHS
    }
    made = {
        "policy": policy, "chosen": Finding("M-4", "path_rule", "supported", "split", numbers), "sales": sales(reliefs), "numbers": (),
        "currency": "CNY", "white": 3, "x": None, "outcomes": outcomes, "frames": {},
    }  # fmt: skip
    return Known(**{**made, **changes})


def white(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"account_id": [f"A{i}" for i in range(rows)], "name": "x", "expected": 1.0, "list": None})


def test_a_supported_rule_lists_its_own_path_and_nothing_else(policy: Policy) -> None:
    table = next_steps.find(known(policy), ("split",), white(3), AS_OF, {})["next_steps"]
    # What management alone can say is asked for whatever the path.
    assert table.loc[table["status"] == "find_out", ["setting", "about"]].values.tolist() == [
        ["unset", "ledger.loss_cap_share"]
    ]
    table = table[table["status"] != "find_out"]
    assert set(table["path"]) == {"split"} and set(table["status"]) == {"set"}
    relief = table[table["setting"] == "relief"]
    assert relief["about"].tolist() == ["legal"] and relief["value"].tolist() == [5.0]
    assert table["months"].is_monotonic_increasing


def test_an_open_rule_says_what_to_find_out_first_and_lists_every_candidate_as_such(policy: Policy) -> None:
    base = known(policy)
    chosen = Finding("M-4", "path_rule", "undecided", "part_time", base.chosen.numbers)
    names, worth = ["closed_deals", "pilot_team", "plan", "market", "costs", "success"], [5.0, 9.0, 0.0, 2.0, 1.0, 99.0]
    frame = pd.DataFrame({"kind": ["study"] * 5 + ["input"], "name": names, "evppi": worth, "low": worth, "high": np.nan, "level": 0.95, "n": 7})  # fmt: skip
    table = next_steps.find(
        known(policy, chosen=chosen, frames={"information": frame}), ("part_time", "split"), white(3), AS_OF, {}
    )["next_steps"]
    assert list(dict.fromkeys(zip(table["status"], table["path"], strict=True))) == [
        ("find_out", ""), ("provisional", "part_time"), ("provisional", "split")
    ]  # fmt: skip
    first = table[table["status"] == "find_out"].set_index("setting")
    assert (first.loc["steps", "about"], first.loc["steps", "value"]) == ("budget", 0.5)
    assert first.loc["study", "about"].tolist() == ["pilot_team", "closed_deals", "market"], (
        "dearest first, no more than three"
    )
    # None that is not sure to be worth the wait.
    wait = Number("waiting_cost", "all", 4.0, None, None, None, 7, "CNY", "m")
    at_cost = known(policy, chosen=chosen, frames={"information": frame}, numbers=(wait,))
    assert list(measures.worthwhile_studies(at_cost)) == ["pilot_team", "closed_deals"]
    unsure = known(policy, chosen=chosen, frames={"information": frame.assign(low=3.0)}, numbers=(wait,))
    assert measures.worthwhile_studies(unsure) == {}
    assert "data" not in first.index


def test_where_the_rule_cannot_be_read_the_missing_columns_are_the_list(policy: Policy) -> None:
    chosen = Finding("M-4", "path_rule", "no_data", "none", (), needs=("capability.level",))
    bare = Result("03_sales_flow", "", "", "", [Finding("M-3.6", "bottleneck", "no_data", "none", needs=("x.y",))])
    frames = next_steps.find(known(policy, chosen=chosen, sales=bare, outcomes=None), PATHS, white(3), AS_OF, {})
    assert set(frames["next_steps"]["path"]) == {""} and "named_accounts" not in frames
    assert frames["next_steps"].set_index("setting").loc["data", "about"] == "capability.level"


def test_dates_count_from_the_decision_and_end_in_the_month(policy: Policy) -> None:
    # As of 31 January, decided a month later: the end of February; a month after that, 28 March.
    table = next_steps.find(known(policy), ("split",), white(3), AS_OF, {})["next_steps"].set_index("setting")
    assert table.loc["leader", "due"] == "2026-02-28" and table.loc["sellers", "due"] == "2026-03-28"
    now = known(policy.override({"next_steps.decision_months": 0}))
    assert (
        next_steps.find(now, ("split",), white(3), AS_OF, {})["next_steps"].set_index("setting").loc["leader", "due"]
        == "2026-01-31"
    )
    # Relief is due when the ramp ends, the review when the loss must be earned back: 9 months of policy; 79 of the draws below.
    assert table.loc["relief", "months"] == policy["split.ramp_months"] and table.loc["review", "months"] == 79


def test_budget_and_stop_month_are_the_certainty_s_quantiles_by_hand(policy: Policy) -> None:
    certain = known(policy.override({"ledger.certainty": 0.8}))
    assert measures.loss_budget(certain, "split").value == pytest.approx(np.quantile(np.arange(1.0, 101), 0.8))
    # Paid back in months 0 to 89, ten draws never: by month 79 in 80 of 100.
    assert (measures.stop_month(certain, "split").value, measures.stop_month(certain, "split").key) == (79, "")
    never = known(policy.override({"ledger.certainty": 0.95}))
    late = measures.stop_month(never, "split")
    assert (late.value, late.key) == (policy["ledger.horizon_months"], "stop_month_open")
    table = next_steps.find(never, ("split",), white(3), AS_OF, {})["next_steps"].set_index("setting")
    assert table.loc["stop_month", "measure"] == "stop_month_open"


def test_wins_of_the_first_year_are_those_of_the_ledger(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    x = {"deal_size": np.full(11, 100.0), "gross_margin": np.full(11, 0.5)}
    first = np.outer(np.arange(11.0), np.full(12, 50.0))  # k wins a month in draw k
    monkeypatch.setattr(measures, "path_cash", lambda path, x, months: {"first_contracts": first[:, :months]})
    made = measures.wins_first_year(known(policy, x=x), "split")
    assert (made.low, made.n) == (0.0, 11) and made.value == pytest.approx(60, abs=4 * 60**0.5)
    # Expected alike in all draws, what comes is still spread: by the Poisson distribution.
    many = {name: np.full(20_000, v[0]) for name, v in x.items()}
    monkeypatch.setattr(
        measures, "path_cash", lambda path, x, months: {"first_contracts": np.full((20_000, 1), 3.2 * 50)}
    )
    made = measures.wins_first_year(known(policy, x=many), "split")
    ends = stats.poisson(3.2).ppf([0.05, 0.5, 0.95]).tolist()
    assert [made.low, made.value, made.high] == ends


def test_named_accounts_are_as_many_as_the_sellers_of_the_path_hold(policy: Policy) -> None:
    few = policy.override({"split.named_accounts": 2, "part_time.sellers": 1, "split.sellers": 2})
    chosen = Finding("M-4", "path_rule", "undecided", "split", known(policy).chosen.numbers)
    frames = next_steps.find(known(few, chosen=chosen), ("part_time", "split"), white(10), AS_OF, {})
    listed = frames["named_accounts"]
    assert listed["account_id"].tolist() == ["A0", "A1", "A2", "A3"] and listed["rank"].tolist() == [1, 2, 3, 4]
    assert listed["paths"].tolist() == ["part_time,split"] * 2 + ["split"] * 2 and "list" not in listed
    asked = frames["next_steps"].query("setting == 'named_accounts'").set_index("path")["value"]
    assert asked.to_dict() == {"part_time": 2, "split": 4}
    assert "named_accounts" not in next_steps.find(known(few), ("split",), white(0), AS_OF, {})


def test_the_rule_fixed_in_advance_is_read_where_a_run_has_one(policy: Policy) -> None:
    frame = pd.DataFrame({"plan": ["two_stage", "two_stage", "single"], "stage": ["first", "total", "total"], "n": [6, 18, 20], "stop_up_to": [1, 5, 7]})  # fmt: skip
    table = next_steps.find(known(policy, frames={"continuation_rule": frame}), ("split",), white(3), AS_OF, {})[
        "next_steps"
    ]
    looks = table.set_index("setting")[["value", "n"]]
    assert looks.loc["first_look"].tolist() == [1, 6] and looks.loc["last_look"].tolist() == [5, 18]
    without = next_steps.find(known(policy), ("split",), white(3), AS_OF, {})["next_steps"].set_index("setting")
    assert without.loc["first_look"].isna()[["value", "n"]].all()


def test_a_company_s_own_items_are_listed(policy: Policy) -> None:
    own = {
        "owners": {},
        "settings": {"split": {"talk": {"en": "Talk", "owner": "ka_leader", "after": 0, "done": {"en": "talked"}}}},
    }
    table = next_steps.find(known(policy), ("split",), white(3), AS_OF, own)["next_steps"].set_index("setting")
    assert table.loc["talk", ["text_zh", "done_en", "owner_zh"]].tolist() == ["Talk", "talked", "大客户负责人"]
