"""Every view of the buying process against a recount in plain Python, and its corners by hand."""

import datetime as dt
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaanalysis import aggregates
from kaanalysis.aggregates import process_views as views
from kaanalysis.company import Company, open_company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
STEPS = "flow_id,step,part,role,department,category,at\n"
LOG = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from("abcd"), st.integers(0, 6), st.none() | st.integers(0, 2)),
    min_size=1,
    max_size=40,
)
PARTY = {"a": "sales", "b": "sales", "c": "finance", "d": ""}


def near(values) -> object:
    return pytest.approx(tuple(values), nan_ok=True)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(log=LOG)
def test_views_against_a_recount_in_plain_python(
    log: list[tuple], write_company: Callable[..., Path], tmp_path_factory, policy: Policy
) -> None:
    start = dt.datetime(2025, 1, 1)
    rows = [{"flow_id": f"F{f}", "step": s, "part": "do", "role": PARTY[s], "category": "crm", "step_no": n,
             "at": (start + dt.timedelta(hours=12 * h)).isoformat()} for f, s, h, n in log]  # fmt: skip
    opened = open_company(write_company(tmp_path_factory.mktemp("log"), {"buying_steps": rows}))
    process = aggregates.transitions(opened, policy)
    flows = defaultdict(list)
    for place, (f, s, h, n) in enumerate(log):
        flows[f].append((h, np.inf if n is None else n, place, s))  # no number: after those that have one
    traces = {f: [(e[3], e[0] / 2) for e in sorted(events)] for f, events in flows.items()}
    party = {s: p or "?" for s, p in PARTY.items()}
    pairs, waits, hands, by_party = (defaultdict(list) for _ in range(4))
    hand_flows, repeats = defaultdict(set), defaultdict(list)
    for f, trace in traces.items():
        for (one, t), (two, u) in itertools.pairwise(trace):
            pairs[one, two].append(u - t)
            waits[two].append(u - t)
            hands[party[one], party[two]].append(u - t)
            hand_flows[party[one], party[two]].add(f)
            by_party[party[two]].append(u - t)
        for step in {s for s, _ in trace}:
            times = [t for s, t in trace if s == step]
            if len(times) > 1:
                repeats[step].append((len(times) - 1, times[-1] - times[0]))

    frame = views.directly_follows(process)
    assert {(r.step, r.next_step): (r.count, r.median_days, r.p90_days) for r in frame.itertuples(index=False)} == {
        k: near((len(v), np.quantile(v, 0.5), np.quantile(v, 0.9))) for k, v in pairs.items()
    }
    came_back = Counter((a[0], b[0]) for t in traces.values() for i, (a, b) in enumerate(itertools.pairwise(t))
                        if b[0] in {s for s, _ in t[: i + 1]})  # fmt: skip
    assert {(r.step, r.next_step): r.returns for r in views.returns(process).itertuples(index=False)} == came_back
    frame = views.waiting(process)
    assert {
        r.step: (r.count, r.median_wait_days, r.p90_wait_days, r.total_wait_days) for r in frame.itertuples(index=False)
    } == {k: near((len(v), np.quantile(v, 0.5), np.quantile(v, 0.9), sum(v))) for k, v in waits.items()}
    frame = views.handovers(process)
    assert {(r.party, r.next_party): (r.count, r.flows, r.median_days) for r in frame.itertuples(index=False)} == {
        k: near((len(v), len(hand_flows[k]), np.median(v))) for k, v in hands.items()
    }
    frame = views.waiting_by_party(process)
    total = sum(sum(v) for v in by_party.values())
    assert {r.party: (r.count, r.total_days, r.share) for r in frame.itertuples(index=False)} == {
        k: near((len(v), sum(v), sum(v) / total if total else np.nan)) for k, v in by_party.items()
    }
    frame = views.rework(process)
    assert {r.step: (r.flows, r.repeats, r.median_extra_days) for r in frame.itertuples(index=False)} == {
        k: near((len(v), sum(n for n, _ in v), np.median([d for _, d in v]))) for k, v in repeats.items()
    }
    counted = Counter(tuple(s for s, _ in trace) for trace in traces.values())
    frame = views.variants(process, None)
    assert {tuple(r.sequence): r.flows for r in frame.itertuples()} == counted
    assert frame["variants"].eq(len(counted)).all() and frame["share"].sum() == pytest.approx(1)
    assert frame["flows"].is_monotonic_decreasing
    top = views.variants(process, 2)
    assert top["flows"].tolist() == sorted(counted.values(), reverse=True)[:2]
    assert all(counted[tuple(s)] == n for s, n in zip(top["sequence"], top["flows"], strict=True))
    nodes = views.buying_nodes(process)
    assert dict(zip(nodes["step"], nodes["count"], strict=True)) == Counter(s for _, s, _, _ in log)
    reached = Counter(s for trace in traces.values() for s in {e[0] for e in trace})
    assert dict(zip(nodes["step"], nodes["flows"], strict=True)) == reached
    assert (nodes["party"] == nodes["step"].map(party)).all() and nodes["place"].is_monotonic_increasing
    # Days off can only shorten a wait.
    merged = views.directly_follows(process).merge(
        views.working_days(process, "step", "next_step"), on=["kind", "step", "next_step"]
    )
    assert (merged["median_working_days"] <= merged["median_days"] + 1e-9).all()


def test_party_and_part_of_a_node_are_the_most_frequent(company: Open, policy: Policy) -> None:
    opened = company(buying_steps=STEPS + (
        "F,check,approve,CFO,,,2025-01-01\nG,check,approve,CFO,,,2025-01-01\nH,check,do,clerk,,,2025-01-01\n"
    ))  # fmt: skip
    nodes = views.buying_nodes(aggregates.transitions(opened, policy))
    assert nodes[["party", "part", "count", "flows"]].to_numpy().tolist() == [["CFO", "approve", 3, 3]]
    assert nodes["median_wait_days"].isna().all(), "nothing came before"


def test_role_and_department_matrix_by_hand(company: Open, policy: Policy) -> None:
    opened = company(buying_steps=STEPS + (
        "F,a,do,CFO,finance,x,2025-01-01\nF,b,do,CFO,finance,x,2025-01-02\nF,c,do,CFO,board,x,2025-01-03\n"
        "G,a,do,CFO,finance,x,2025-01-01\nG,b,do,,,x,2025-01-02\nH,a,do,,IT,y,2025-01-01\n"
    ))  # fmt: skip
    frame = views.role_departments(aggregates.transitions(opened, policy))
    assert frame.to_numpy().tolist() == [
        ["x", "", "", 1, 1], ["x", "CFO", "board", 1, 1], ["x", "CFO", "finance", 3, 2], ["y", "", "IT", 1, 1]]  # fmt: skip


def test_kinds_are_told_apart_in_every_view(company: Open, policy: Policy) -> None:
    opened = company(buying_steps=STEPS + "".join(
        f"{k}{i},{s},do,r{s},,{k},2025-01-0{day}\n" for k, size in (("x", 2), ("y", 3)) for i in range(size)
        for s, day in (("a", 1), ("b", 2 if k == "x" else 4), ("a", 5))))  # fmt: skip
    process = aggregates.transitions(opened, policy)
    assert views.directly_follows(process)[["kind", "step", "next_step", "count", "median_days"]].to_numpy().tolist() == [
        ["x", "a", "b", 2, 1.0], ["x", "b", "a", 2, 3.0], ["y", "a", "b", 3, 3.0], ["y", "b", "a", 3, 1.0]]  # fmt: skip
    assert views.rework(process)[["kind", "step", "flows", "reached", "total_extra_days"]].to_numpy().tolist() == [
        ["x", "a", 2, 2, 8.0], ["y", "a", 3, 3, 12.0]]  # fmt: skip
    found = views.variants(process)
    assert found[["kind", "flows", "share", "median_days", "variants"]].to_numpy().tolist() == [
        ["x", 2, 1.0, 4.0, 1], ["y", 3, 1.0, 4.0, 1]]  # fmt: skip
    assert found["sequence"].tolist() == [["a", "b", "a"]] * 2


def test_an_empty_log_gives_empty_views_with_their_columns(company: Open, policy: Policy) -> None:
    process = aggregates.transitions(company(buying_steps=STEPS + "F,a,do,r,,,\n"), policy)
    for view in (views.directly_follows, views.returns, views.waiting, views.handovers, views.variants, views.buying_nodes, views.rework,
                 views.waiting_by_party, views.role_departments):  # fmt: skip
        assert not len(view(process)) and "kind" in view(process)
