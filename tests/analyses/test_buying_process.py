"""Durations with open flows censored, rework and waiting: by hand, against an uncensored truth, and as part of 02."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kaanalysis import aggregates
from kaanalysis.analyses.buying_process import durations, find, waiting_shares
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
STEPS = "flow_id,step,part,role,category,at\n"


def flows(days, finished=True, entry=0.0, seen=True) -> pd.DataFrame:
    return pd.DataFrame({"days": np.asarray(days, float), "finished": finished, "entry_days": entry, "seen": seen})


def test_median_and_tail_of_finished_flows_by_hand() -> None:
    # Of 1 … 20 days the curve falls to one half at 10 and to one tenth at 18.
    median, tail = durations("crm", flows(range(1, 21)), 0.95)
    assert (median.name, median.segment, median.value, median.unit, median.n) == (
        "flow_days_median",
        "crm",
        10,
        "days",
        20,
    )
    assert (tail.name, tail.value) == ("flow_days_p90", 18)


def test_open_flows_are_longer_than_they_look() -> None:
    # At risk 4, 3, 2: survival 3/4 at 1 day; the flow open at 2 leaves; 3/4 · 1/2 = 3/8 at 3 days.
    median, tail = durations("crm", flows([1, 2, 3, 4], [True, False, True, False]), 0.95)
    assert median.value == 3 and tail.value is None and "not reached" in tail.method


def test_late_entries_are_at_risk_from_their_entry_only() -> None:
    # Two flows seen from the start end after 1 and 4 days; two begun 3 days before the records end after 4 and 5.
    # Survival: 1/2 at 1 day (2 at risk), then at 4 days 3 at risk and 2 ends: 1/2 · 1/3.
    median, tail = durations("crm", flows([1, 4, 4, 5, 2], True, [0, 0, 3, 3, 3], [True] * 4 + [False]), 0.95)
    assert (median.value, tail.value) == (1, 5) and median.n == 4
    zero, _ = durations("crm", flows([0, 0, 0, 0, 9], True, [0, 0, 0, 0, 3]), 0.95)
    assert zero.value == 0


def test_censored_median_covers_the_truth_where_the_plain_one_does_not() -> None:
    """Exponential flows of median 30 days, begun evenly over 60 days before the cut-off, 200 logs of 150 flows."""
    generator = np.random.default_rng(5)
    held, plain = [], []
    for _ in range(200):
        length, seen = generator.exponential(30 / np.log(2), 150), generator.uniform(0, 60, 150)
        median, _ = durations("x", flows(np.minimum(length, seen), length <= seen), 0.95)
        held.append(median.low <= 30 and (median.high is None or median.high >= 30))
        plain.append(float(np.median(length[length <= seen])))
    assert 0.90 <= np.mean(held) <= 0.985
    assert np.mean(plain) < 20, "finished flows alone are the short ones"


def log(kind: str, count: int, steps: list[tuple[str, str, int]]) -> str:
    return "".join(
        f"{kind}{i},{s},do,{party},{kind},2025-01-{day:02d}\n" for i in range(count) for s, party, day in steps
    )


def test_numbers_and_frames_of_a_small_log_by_hand(company: Open, policy: Policy) -> None:
    plain = [("ask", "user", 1), ("check", "boss", 5), ("pay", "bank", 6)]
    again = [("ask", "user", 1), ("check", "boss", 2), ("ask", "user", 4), ("check", "boss", 10), ("pay", "bank", 11)]
    opened = company(buying_steps=STEPS + log("x", 12, plain) + log("y", 12, again))
    numbers, frames = find(opened, policy)
    value = {(n.name, n.segment): n.value for n in numbers}
    assert value[("flow_days_median", "x")] == 5 and value[("flow_days_median", "y")] == 10
    assert value[("rework_share", "x")] == 0 and value[("rework_share", "y")] == 1
    # Days waited for: boss 12 · 4 + 12 · (1 + 6), user 12 · 2, bank 24 · 1; 180 in all.
    assert {s: value[("waiting_share", s)] for s in ("boss", "user", "bank")} == pytest.approx(
        {"boss": 132 / 180, "user": 24 / 180, "bank": 24 / 180}
    )
    summary = frames["flow_durations"].set_index("kind")
    assert summary.loc["y", ["flows", "events", "finished", "open", "unseen"]].tolist() == [12, 60, 12, 0, 0]
    assert set(frames) == {"flow_durations", "directly_follows", "buying_nodes", "variants", "rework", "waiting_by_party",
                           "handovers", "role_departments", "spectrum", "process_facts"}  # fmt: skip
    assert frames["rework"]["step"].tolist() == ["ask", "check"]
    assert frames["process_facts"].to_dict("records") == [{"calendar": "CN", "events": 96, "unknown_days": 0}]
    with only_numbers():
        again_numbers, few = find(opened, policy)
    assert again_numbers == numbers and set(few) == {"flow_durations"}


def test_waiting_is_shared_within_key_accounts_where_there_are_any(company: Open, policy: Policy) -> None:
    head = "flow_id,step,part,role,opportunity_id,at\n"
    rows = "".join(
        f"{f},a,do,user,{d},2025-01-01\n{f},b,do,{p},{d},2025-01-05\n"
        for f, d, p in (("F", "O1", "owner"), ("G", "O2", "CFO"))
    )
    opened = company(
        opportunities="opportunity_id,account_id,outcome\nO1,A1,won\nO2,A2,won\n", buying_steps=head + rows
    )
    numbers, _ = find(opened, policy)
    shares = [n for n in numbers if n.name == "waiting_share"]
    assert [(n.segment, n.value) for n in shares] == [("CFO", 1.0)]


def test_waiting_shares_sum_to_one_and_widen_with_fewer_flows(company: Open, policy: Policy) -> None:
    generator = np.random.default_rng(3)

    def shares(count: int):
        rows = "".join(f"F{i},a,do,user,x,2025-01-01\nF{i},b,do,boss,x,2025-01-{2 + generator.integers(9):02d}\n"
                       f"F{i},c,do,bank,x,2025-02-{1 + generator.integers(9):02d}\n" for i in range(count))  # fmt: skip
        return waiting_shares(aggregates.transitions(company(buying_steps=STEPS + rows), policy), None, 0.95)

    few, many = shares(12), shares(300)
    assert sum(n.value for n in few) == pytest.approx(1) == sum(n.value for n in many)
    assert few[0].high - few[0].low > 2 * (many[0].high - many[0].low)


def test_an_event_log_without_times_gives_no_numbers(company: Open, policy: Policy) -> None:
    opened = company(buying_steps=STEPS + "F,a,do,r,x,2026-05-05\n")  # after as_of: set aside
    numbers, frames = find(opened, policy)
    assert numbers == [] and not len(frames["flow_durations"])
