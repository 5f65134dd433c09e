"""Which flows have ended, since when they are seen, and the sample drawn step by step."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest

from kaanalysis import aggregates
from kaanalysis.aggregates import process_views
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
ACCOUNTS = "account_id,segment\nA1,KA\nA2,KA\n"
DEALS = "opportunity_id,account_id,outcome\nO1,A1,won\nO2,A2,open\n"
STEPS = "flow_id,step,part,role,opportunity_id,at\n"


def lives(opened: Company, policy: Policy):
    process = aggregates.transitions(opened, policy)
    frame = aggregates.flow_lives(opened, process, policy)
    return frame.set_index(process.flows.order_by("flow").execute()["flow_id"])


def test_a_flow_ends_by_its_deal_by_silence_or_by_its_last_step(company: Open, policy: Policy) -> None:
    # as_of 2025-12-31, silence 180 days: up to 2025-07-03 a flow is silent too long on the 4th it is not.
    rows = STEPS + (
        "closed,ask,do,r,O1,2025-12-01\nclosed,check,do,r,O1,2025-12-11\n"
        "open,ask,do,r,O2,2025-12-01\nopen,check,do,r,O2,2025-12-11\n"
        "silent,ask,do,r,,2025-06-01\nsilent,check,do,r,,2025-07-03\n"
        "waiting,ask,do,r,,2025-06-01\nwaiting,check,do,r,,2025-07-04\n"
        "today,ask,do,r,,2025-12-31T15:00:00\n"
    )
    rows += "".join(f"paid{i},ask,do,r,,2025-11-01\npaid{i},pay,do,r,,2025-12-01\n" for i in range(12))
    frame = lives(company(accounts=ACCOUNTS, opportunities=DEALS, buying_steps=rows), policy)
    found = {
        k: (bool(frame.loc[k, "finished"]), float(frame.loc[k, "days"]))
        for k in ("closed", "open", "silent", "waiting", "today")
    }
    # Open flows are seen up to as_of; one with a step of that day up to that step.
    assert found == {
        "closed": (True, 10),
        "open": (False, 30),
        "silent": (True, 32),
        "waiting": (False, 213),
        "today": (False, 0),
    }
    paid = frame[frame.index.str.startswith("paid")]
    assert paid["finished"].all() and (paid["days"] == 30).all(), "nothing follows a payment"
    assert frame["seen"].all() and not frame["entry_days"].any() and not frame["repeated"].any()


def test_an_end_step_must_be_last_nearly_always_and_reached_often_enough(company: Open, policy: Policy) -> None:
    def flows(ended: int, went_on: int) -> str:
        done = "".join(f"p{i},ask,do,r,,2025-11-01\np{i},pay,do,r,,2025-12-01\n" for i in range(ended))
        return (
            STEPS + done + "".join(f"q{i},pay,do,r,,2025-11-01\nq{i},close,do,r,,2025-12-01\n" for i in range(went_on))
        )

    assert lives(company(buying_steps=flows(9, 1)), policy).loc["p0", "finished"], "9 of 10, the share asked for"
    assert not lives(company(buying_steps=flows(8, 2)), policy).loc["p0", "finished"]
    assert not lives(company(buying_steps=flows(9, 0)), policy).loc["p0", "finished"], "a handful says nothing"
    lower = policy.override({"process.end_share": 0.8})
    assert lives(company(buying_steps=flows(8, 2)), lower).loc["p0", "finished"]


def test_flows_begun_before_the_records_enter_late_or_were_never_seen(company: Open, policy: Policy) -> None:
    rows = STEPS + (
        "late,ask,do,r,,2025-02-19\nlate,check,do,r,,2025-03-21\n"
        "before,ask,do,r,,2025-02-01\nbefore,check,do,r,,2025-02-20\n"
        "after,ask,do,r,,2025-03-05\nafter,check,do,r,,2025-03-06\nmoment,ask,do,r,,2025-03-05\n"
    )
    frame = lives(company({"observed_from": dt.date(2025, 3, 1)}, buying_steps=rows), policy)
    assert frame["entry_days"].to_dict() == {"late": 10, "before": 28, "after": 0, "moment": 0}
    assert frame["seen"].to_dict() == {"late": True, "before": False, "after": True, "moment": True}


def test_repeated_steps_and_waiting_by_cluster(company: Open, policy: Policy) -> None:
    rows = STEPS + (
        "F,ask,do,user,O1,2025-01-01\nF,check,do,boss,O1,2025-01-03\nF,ask,do,user,O1,2025-01-04\nF,check,do,boss,O1,2025-01-09\n"
        "G,ask,do,user,O2,2025-01-01\nG,check,do,boss,O2,2025-01-02\nH,ask,do,user,,2025-01-01\nH,check,do,boss,,2025-01-11\n"
    )
    opened = company(accounts=ACCOUNTS, opportunities=DEALS, buying_steps=rows)
    assert lives(opened, policy)["repeated"].to_dict() == {"F": True, "G": False, "H": False}
    process = aggregates.transitions(opened, policy)
    frame = aggregates.waiting_by_cluster(process).set_index("cluster")
    assert frame.to_dict("index") == {
        "A1": {"boss": 7, "user": 1, "rest": 0}, "A2": {"boss": 1, "user": 0, "rest": 0},
        "flow H": {"boss": 10, "user": 0, "rest": 0}}  # fmt: skip
    assert aggregates.waiting_by_cluster(process, "KA")["cluster"].tolist() == ["A1", "A2"]


def test_parties_beyond_the_most_waited_for_fall_into_the_rest(company: Open, policy: Policy) -> None:
    rows = STEPS + "F,s,do,p0,,2025-01-01\n" + "".join(f"F,s,do,p{i},,2025-02-{i:02d}\n" for i in range(1, 12))
    frame = aggregates.waiting_by_cluster(aggregates.transitions(company(buying_steps=rows), policy))
    assert list(frame.columns[1:]) == ["p1", "p10", "p11", "p2", "p3", "p4", "p5", "p6", "rest"]
    assert frame["rest"].tolist() == [3] and frame["p1"].tolist() == [31]


def test_spectrum_by_hand(company: Open, policy: Policy) -> None:
    # Waits of 1, 2, 3 and 4 days between ask and check: quartiles 1.75, 2.5 and 3.25.
    rows = STEPS + "".join(f"F{i},ask,do,r,,2025-01-01\nF{i},check,do,r,,2025-01-0{1 + i}\n" for i in range(1, 5))
    rows += "alone,ask,do,r,,2025-01-01\n"
    process = aggregates.transitions(company(buying_steps=rows), policy)
    frame = aggregates.performance_spectrum(process, process_views.variants(process))
    assert frame["flow"].tolist() == [0, 1, 2, 3] and frame["quarter"].tolist() == [0, 1, 2, 3]
    assert (frame["begins"] == "2025-01-01").all() and frame["ends"].dt.day.tolist() == [2, 3, 4, 5]
    assert frame[["segment", "step", "next_step"]].drop_duplicates().to_numpy().tolist() == [[0, "ask", "check"]]


@pytest.mark.parametrize("flows", [400, 401, 1000])
def test_spectrum_draws_a_bounded_sample_of_whole_flows(company: Open, policy: Policy, flows: int) -> None:
    rows = STEPS + "".join(
        f"F{i:04d},{s},do,r,,2025-01-01T{hour:02d}:00:00\n" for i in range(flows) for hour, s in enumerate("abc"))  # fmt: skip
    process = aggregates.transitions(company(buying_steps=rows), policy)
    frame = aggregates.performance_spectrum(process, process_views.variants(process))
    shown = frame.groupby("flow")["segment"].agg(list)
    assert 200 <= len(shown) <= 400 and (shown.map(len) == 2).all()
    assert np.ptp(shown.index) > 0.9 * flows - 10, "spread over all flows"


def test_spectrum_of_flows_of_one_step_is_empty(company: Open, policy: Policy) -> None:
    process = aggregates.transitions(company(buying_steps=STEPS + "F,a,do,r,,2025-01-01\n"), policy)
    assert not len(aggregates.performance_spectrum(process, process_views.variants(process)))
