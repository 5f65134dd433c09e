"""Every aggregate on a company of a few rows, all numbers by hand; those of the buying process: tests/aggregates."""

import datetime as dt
from collections.abc import Callable

import pytest
from company_files import DEAL_HEAD, FOUR_ACCOUNTS, deal_rows, records

from kaanalysis import aggregates
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]


@pytest.mark.parametrize(("day", "months", "wanted"), [
    (dt.date(2025, 12, 31), 12, dt.date(2024, 12, 31)),
    (dt.date(2025, 3, 31), 1, dt.date(2025, 2, 28)),
    (dt.date(2024, 2, 29), 12, dt.date(2023, 2, 28)),
    (dt.date(2025, 1, 15), 3, dt.date(2024, 10, 15)),
])  # fmt: skip
def test_months_before_keeps_the_day_where_there_is_one(day: dt.date, months: int, wanted: dt.date) -> None:
    assert aggregates.months_before(day, months) == wanted


def test_segments_by_label_and_by_size(company: Open, policy: Policy) -> None:
    opened = company(accounts=FOUR_ACCOUNTS)
    frame = aggregates.account_segments(opened, policy).order_by("account_id").execute()
    assert records(frame, "account_id", "cluster", "segment") == [
        ("A1", "A1", "SMB"), ("A2", "A2", "KA"), ("A3", "A2", "KA"), ("A4", "A4", None)]  # fmt: skip
    # By size: 10 people small; 900 people, or 60 million, large; nothing known: neither.
    by_size = (
        aggregates.account_segments(opened, policy.override({"segment.definition": "size"}))
        .order_by("account_id")
        .execute()
    )
    assert records(by_size, "segment") == [("SMB",), ("KA",), ("KA",), (None,)]


def test_size_borders_belong_to_key_accounts(company: Open, policy: Policy) -> None:
    rows = "account_id,employees,annual_revenue\nA1,500,\nA2,499,\nA3,,50000000\nA4,,49999999\nA5,499,50000000\n"
    size = policy.override({"segment.definition": "size"})
    frame = (
        aggregates.account_segments(company(accounts=rows, opportunities=DEAL_HEAD), size)
        .order_by("account_id")
        .execute()
    )
    assert frame["segment"].tolist() == ["KA", "SMB", "KA", "SMB", "KA"]
    only = company(accounts="account_id,employees\nA1,600\nA2,\n", opportunities=DEAL_HEAD)
    assert records(aggregates.account_segments(only, size).order_by("account_id").execute(), "segment") == [
        ("KA",),
        (None,),
    ]
    assert aggregates.segment_missing(only, size) == []
    none = company(accounts="account_id\nA1\n", opportunities=DEAL_HEAD)
    assert aggregates.segment_missing(none, size) == ["accounts.employees", "accounts.annual_revenue"]
    assert aggregates.segment_missing(none, policy) == ["accounts.segment"]


def test_deal_times_by_hand(company: Open, policy: Policy) -> None:
    opened = company({"observed_from": dt.date(2025, 1, 1)}, accounts=FOUR_ACCOUNTS, opportunities=deal_rows(
        "A1,T,x,new,2025-12-01,2025-12-11,won,5,",  # 10 days; followed for 30
        "A2,T,y,,2025-12-01,2025-12-01,lost,,drifted",  # on the day it was opened
        "A3,T,y,upgrade,2025-12-21,,open,,",  # open for 10 days
        "A1,T,x,renewal,2025-12-01,2025-12-02,won,5,",  # a renewal counts unless the policy leaves it out
        "A1,T,x,new,,2025-12-02,won,5,",  # no opening date
        "A1,T,x,new,2025-12-01,,lost,5,",  # closed, but when?
        "A4,T,x,new,2024-12-22,2025-01-11,won,5,refunded",  # opened 10 days before records begin: enters late
    ))  # fmt: skip
    frame = aggregates.deal_times(opened, policy)
    assert records(frame, "opportunity_id", "segment", "account", "days", "outcome", "follow_up", "entry") == [
        ("O1", "SMB", "A1", 10, "won", 30, 0),
        ("O2", "KA", "A2", 0, "drifted", 30, 0),
        ("O3", "KA", "A2", 10, None, 10, 0),
        ("O4", "SMB", "A1", 1, "won", 30, 0),
        ("O7", None, "A4", 20, "won", 374, 10),
    ]
    without = policy.override({"conversion.deals": "without_renewals"})
    assert aggregates.deal_times(opened, without)["opportunity_id"].tolist() == ["O1", "O2", "O3", "O7"]
    assert "O4" not in set(aggregates.closed_deals(opened, without)["opportunity_id"])
    assert records(aggregates.untimed_deals(opened, policy).sort_values("segment", na_position="last"), "segment", "deals", "untimed") == [
        ("KA", 2, 0), ("SMB", 4, 2), (None, 1, 0)]  # fmt: skip
    closed = aggregates.closed_deals(opened, policy)
    assert dict(zip(closed["opportunity_id"], closed["won"], strict=True)) == {
        "O1": True,
        "O2": False,
        "O4": True,
        "O5": True,
        "O6": False,
        "O7": True,
    }


def test_growth_periods_hold_the_day_they_end_on_and_not_the_day_before_they_begin(
    company: Open, policy: Policy
) -> None:
    # as_of 2025-12-31: later period 2025-01-01 … 2025-12-31, earlier 2024-01-01 … 2024-12-31.
    days = ["2025-12-31", "2025-01-01", "2024-12-31", "2024-01-01", "2023-12-31"]
    rows = [f"A1,T,x,renewal,2020-01-01,{day},won,{10**i}," for i, day in enumerate(days)]
    opened = company(
        accounts=FOUR_ACCOUNTS,
        opportunities=deal_rows(
            *rows, "A2,T,x,new,2025-01-01,2025-05-01,lost,7,", "A3,T,x,new,2025-01-01,2025-05-01,won,,"
        ),
    )
    assert records(aggregates.growth_by_account(opened, policy), "account_id", "cluster", "amount_0", "deals_0", "amount_1", "deals_1") == [
        ("A1", "A1", 1100, 2, 11, 2)]  # fmt: skip
    assert aggregates.growth_by_account(opened, policy)["running"].isna().all(), "without subscriptions nothing says"


def test_growth_says_who_is_still_under_contract(company: Open, policy: Policy) -> None:
    won = [f"{a},T,x,new,2024-01-01,2024-05-01,won,5," for a in ("A1", "A2", "A3")]
    contracts = "account_id,started_at,ended_at\nA1,2024-05-01,\nA1,2023-01-01,2024-01-01\nA2,2024-05-01,2025-05-01\n"
    opened = company(accounts=FOUR_ACCOUNTS, opportunities=deal_rows(*won), subscriptions=contracts)
    assert records(aggregates.growth_by_account(opened, policy), "account_id", "running") == [
        ("A1", 1),
        ("A2", 0),
        ("A3", 0),
    ]


def test_spend_window_begins_the_day_after_the_same_day_a_year_ago(company: Open, policy: Policy) -> None:
    # contract.md leaves the border open ("in the twelve months before as_of"): read as 2025-01-01 … 2025-12-31, both in.
    opened = company(accounts=FOUR_ACCOUNTS, opportunities=deal_rows(
        "A1,T,x,new,2020-01-01,2024-12-31,won,1000,",
        "A1,T,x,new,2020-01-01,2025-01-01,won,20,",
        "A1,T,x,renewal,2020-01-01,2025-12-31,won,3,",
        "A2,T,x,new,2020-01-01,2025-06-01,won,0,",
        "A3,T,x,new,2020-01-01,2025-06-01,won,7,",
        "A3,T,x,new,2020-01-01,2025-06-01,lost,70,",
    ))  # fmt: skip
    assert records(aggregates.spend_by_account(opened, policy), "account_id", "cluster", "segment", "spend") == [
        ("A1", "A1", "SMB", 23), ("A3", "A2", "KA", 7)]  # fmt: skip
    # 1000 (of 2024-12-31) + … is out of the last twelve months here too; 20 + 3 + 7 = 30.
    assert aggregates.won_in_last_year(opened, policy) == 30


def test_lives_are_unions_with_short_pauses_late_entries_and_cuts(company: Open, policy: Policy) -> None:
    opened = company({"observed_from": dt.date(2024, 1, 1)}, accounts="account_id\n" + "".join(f"A{i}\n" for i in range(1, 9)),
                     subscriptions=(
        "account_id,started_at,ended_at\n"
        "A1,2024-03-01,2024-06-01\nA1,2024-08-01,\n"  # pause of 61 days <= 91: one life, running; 365 + 305 = 670 days
        "A2,2024-01-10,2024-02-10\nA2,2024-06-10,2024-07-10\n"  # pause of 121 days: two lives of 31 and 30 days
        "A3,2023-01-01,2024-02-01\n"  # 365 days unseen, then 31
        "A4,2020-01-01,2023-12-31\nA5,2020-01-01,2024-01-01\n"  # over when records begin: never seen
        "A6,2025-12-31,\n"  # begins at the cut-off: no time yet
        "A7,2024-01-01,2024-12-31\nA7,2024-02-01,2024-03-01\n"  # one inside the other: 365 days
        "A8,2024-01-01,2024-01-31\nA8,2024-05-01,2024-05-31\n"  # pause of 91 days exactly: 151 days in one life
    ))  # fmt: skip
    assert records(aggregates.customer_lives(opened, policy), "account_id", "entry", "duration", "ended") == [
        ("A1", 0, 670, False), ("A2", 0, 31, True), ("A2", 0, 30, True), ("A3", 365, 396, True), ("A7", 0, 365, True),
        ("A8", 0, 151, True),
    ]  # fmt: skip
    # With a gap of 2 months (61 days) the 61-day pause still belongs, the 91-day one does not.
    shorter = aggregates.customer_lives(opened, policy.override({"lifecycle.gap_months": 2}))
    assert shorter["account_id"].tolist() == ["A1", "A2", "A2", "A3", "A7", "A8", "A8"]


def test_lives_without_subscriptions_run_from_the_first_win_to_the_last_plus_silence(
    company: Open, policy: Policy
) -> None:
    opened = company(accounts=FOUR_ACCOUNTS, opportunities=deal_rows(
        # 2024-01-15 + 365 = 2025-01-14; won again on 2024-10-01, + 365 = 2025-10-01: one life of 260 + 365 = 625 days, ended.
        "A1,T,x,new,2020-01-01,2024-01-15,won,5,", "A1,T,x,renewal,2020-01-01,2024-10-01,won,,",
        "A2,T,x,new,2020-01-01,2025-06-01,won,5,",  # silence would end 2026-06-01: running, 213 days old
        "A3,T,x,new,2020-01-01,2025-06-01,lost,5,",
    ))  # fmt: skip
    assert records(aggregates.customer_lives(opened, policy), "account_id", "cluster", "entry", "duration", "ended") == [
        ("A1", "A1", 0, 625, True), ("A2", "A2", 0, 213, False)]  # fmt: skip


def test_history_starts_where_the_company_says_or_with_the_first_closing(company: Open) -> None:
    rows = deal_rows("A1,T,x,new,2020-01-01,2021-03-04,won,5,", "A1,T,x,new,2019-01-01,,open,5,")
    assert aggregates.history_start(company(accounts=FOUR_ACCOUNTS, opportunities=rows)) == dt.date(2021, 3, 4)
    assert aggregates.history_start(
        company({"observed_from": dt.date(2022, 1, 1)}, accounts=FOUR_ACCOUNTS, opportunities=rows)
    ) == dt.date(2022, 1, 1)
    assert aggregates.history_start(company()) is None


def test_parties_by_deal_count_persons_not_rows(company: Open, policy: Policy) -> None:
    opened = company(accounts=FOUR_ACCOUNTS, opportunities=deal_rows("A2,T,x,new,2025-01-01,,open,,", "A1,T,x,new,2025-01-01,,open,,"),
                     stakeholders=(
        "opportunity_id,person_id,role,part,engaged_at\n"
        "O1,p,owner,approve,2025-02-01\nO1,p,finance,approve,2025-02-01\nO1,q,user,influence,\nO1,r,legal,inform,2025-02-01\n"
        "O2,s,owner,approve,\nO2,s,user,influence,2025-03-01\n"
    ))  # fmt: skip
    frame = aggregates.parties_by_deal(opened, policy)
    wanted = ("opportunity_id", "segment", "persons", "roles", "approve", "inform", "influence", "unmet")
    # q was never met; s was, in one of two roles, and is met.
    assert records(frame, *wanted[:7]) == [("O1", "KA", 3, 4, 1, 1, 1), ("O2", "SMB", 1, 2, 1, 0, 1)]
    assert frame["unmet"].tolist() == [1, 0]
    without = company(
        opportunities=deal_rows("A1,T,x,new,2025-01-01,,open,,"),
        stakeholders="opportunity_id,person_id,role,part\nO1,p,owner,approve\n",
    )
    assert aggregates.parties_by_deal(without, policy)["unmet"].isna().all()


STEPS = "flow_id,step,part,role,department,category,opportunity_id,step_no,at,amount,source\n"


def test_parties_by_flow_take_the_role_or_the_department(company: Open) -> None:
    opened = company(
        buying_steps=STEPS
        + "F,a,approve,CFO,,crm,,1,,5,interview\nF,b,approve,,IT,crm,,2,,9,interview\nF,c,inform,CFO,,crm,,3,,,interview\n"
    )
    assert records(aggregates.parties_by_flow(opened), "flow_id", "category", "steps", "amount", "approve", "inform", "influence") == [
        ("F", "crm", 3, 9, 2, 1, 0)]  # fmt: skip


def test_stage_sojourns_by_hand(company: Open, policy: Policy) -> None:
    opened = company(accounts=FOUR_ACCOUNTS, opportunities=deal_rows(
        "A2,T,x,new,2025-01-01,2025-01-20,won,,", "A2,T,x,new,2025-01-01,,open,,", "A1,T,y,new,2025-01-01,,lost,,",
        "A2,T,x,renewal,2025-01-01,2025-01-20,won,,", "A2,T,x,new,2025-01-01,2025-01-05,lost,,",
    ), stage_history=(
        "opportunity_id,stage,entered_at\nO1,b,2025-01-06\nO1,a,2025-01-01T23:00:00\nO2,a,2025-12-21\nO3,a,2025-01-01\nO3,b,2025-01-03\n"
        "O4,a,2025-01-01\nO5,a,2025-01-09\n"
    ))  # fmt: skip
    assert records(aggregates.stage_sojourns(opened, policy), "opportunity_id", "segment", "stage", "place", "days", "next") == [
        ("O1", "KA", "a", 0, 5, "b"), ("O1", "KA", "b", 1, 14, "won"),  # whole days between dates, whatever the hour
        ("O2", "KA", "a", 0, 10, None),  # still there at the cut-off
        ("O3", "SMB", "a", 0, 2, "b"), ("O3", "SMB", "b", 1, 0, None),  # closed without a date: censored on entering its last stage
        ("O4", "KA", "a", 0, 19, "won"),  # a renewal counts unless the policy leaves it out
        ("O5", "KA", "a", 0, 0, "lost"),  # entered after it was closed: no time, not a negative one
    ]  # fmt: skip


def test_stays_begun_before_the_records_enter_late(company: Open, policy: Policy) -> None:
    # Records begin 2025-03-01. O1 entered a on 2025-02-19 (10 days before) and left it on 2025-03-06: 15 days, 10 of them unseen.
    # O2's stay in a ended before the records begin and was never seen; its stay in b is seen from its start, but O2 did not start there.
    opened = company({"observed_from": dt.date(2025, 3, 1)}, accounts=FOUR_ACCOUNTS, opportunities=deal_rows(
        "A2,T,x,new,2025-02-19,2025-03-20,won,,", "A2,T,x,new,2025-02-01,2025-03-20,lost,,", "A2,T,x,new,2025-03-02,,open,,",
    ), stage_history=(
        "opportunity_id,stage,entered_at\nO1,a,2025-02-19\nO1,b,2025-03-06\nO2,a,2025-02-01\nO2,b,2025-02-25\nO3,a,2025-03-02\n"
    ))  # fmt: skip
    rows = records(
        aggregates.stage_sojourns(opened, policy), "opportunity_id", "stage", "days", "entry", "first", "next"
    )
    assert rows == [
        ("O1", "a", 15, 10, False, "b"), ("O1", "b", 14, 0, False, "won"),
        ("O2", "b", 23, 4, False, "lost"),
        ("O3", "a", 304, 0, True, None),
    ]  # fmt: skip


def test_team_economics_and_monthly_revenue(company: Open, policy: Policy) -> None:
    opened = company(accounts=FOUR_ACCOUNTS, teams="team,motion\nK,KA\nS,SMB\n", team_months="team,month,cost\nK,2025-01,5\nX,2025-01,6\n",
                     opportunities=deal_rows(
        "A1,S,x,new,2025-01-01,2025-03-31,won,5,", "A1,S,x,new,2025-01-01,2025-03-01,won,6,", "A2,K,x,new,2025-01-05,2025-04-01,won,7,",
        "A2,K,x,renewal,2025-01-05,2025-04-02,won,8,", "A3,K,x,,2025-02-05,,open,,", "A4,Z,x,new,2025-01-01,2025-03-01,won,9,",
    ))  # fmt: skip
    assert records(aggregates.team_economics(opened), "team", "motion", "cost", "sellers") == [
        ("K", "KA", 5, None),
        ("X", None, 6, None),
    ]
    revenue = aggregates.monthly_revenue_by_motion(opened)
    assert [(str(m)[:7], k, w, d, a) for m, k, w, d, a in records(revenue, "month", "motion", "won", "deals", "accounts")] == [
        ("2025-03", "SMB", 11, 2, 1), ("2025-04", "KA", 15, 2, 1)]  # fmt: skip
    opened_by_month = aggregates.key_account_deals_by_month(opened, policy)
    assert [(str(m)[:7], n) for m, n in records(opened_by_month, "month", "opened")] == [("2025-01", 1), ("2025-02", 1)]
    assert records(aggregates.key_account_deal_sizes(opened, policy), "cluster", "amount") == [("A2", 7)]
    assert records(
        aggregates.team_economics(company(team_months="team,month,cost\nK,2025-01,5\n")), "motion", "cost"
    ) == [(None, 5)]


def test_how_often_known_key_accounts_open_deals_and_hours_of_disputes(company: Open, policy: Policy) -> None:
    # As of 2025-12-31; the last twelve months begin after 2024-12-31.
    opened = company(accounts="account_id,segment\nA1,KA\nA2,KA\nA3,KA\nA4,SMB\nA5,KA\n", teams="team,motion\nK,KA\nS,SMB\nP,channel\n",
                     opportunities=deal_rows(
        "A1,K,x,new,2024-12-31,,open,,", "A1,K,x,new,2025-01-01,,open,,", "A1,S,x,upgrade,2025-06-01,,open,,",  # two, by whatever team
        "A1,K,x,renewal,2025-06-02,,open,,",  # a renewal is no new deal
        "A2,K,x,,2023-01-01,,open,,",  # known, opened none since
        "A3,K,x,new,2025-02-01,,open,,",  # first met since
        "A4,S,x,new,2024-01-01,,open,,", "A4,S,x,new,2025-03-01,,open,,",  # no key account
        "A5,K,x,renewal,2023-02-01,,open,,",
    ), disputes="account_id,opened_at,team_a,team_b,hours\nA1,2025-03-05,S,K,4\nA1,2025-03-31,K,P,2.5\nA1,2025-04-01,S,P,9\n")  # fmt: skip
    assert records(aggregates.key_account_openings(opened, policy, 12), "cluster", "opened") == [("A1", 2), ("A2", 0)]
    hours = [(str(m)[:10], h) for m, h in records(aggregates.key_account_disputes(opened), "month", "hours")]
    assert hours == [("2025-03-01", 2.5), ("2025-03-01", 4)]


def test_disputes_with_their_customer_and_both_teams_motions(company: Open, policy: Policy) -> None:
    opened = company(
        accounts=FOUR_ACCOUNTS, teams="team,motion\nsmb,SMB\nka,KA\n",
        disputes="account_id,opened_at,team_a,team_b,hours\nA3,2025-05-02,smb,ka,2\nA1,2025-04-01,ka,lost,0\nA4,2025-06-01,ka,smb,1\n",
    )  # fmt: skip
    found = aggregates.team_disputes(opened, policy)
    columns = ("account_id", "cluster", "segment", "team_a", "motion_a", "team_b", "motion_b", "hours")
    assert records(found, *columns) == [
        ("A1", "A1", "SMB", "ka", "KA", "lost", None, 0), ("A3", "A2", "KA", "smb", "SMB", "ka", "KA", 2),
        ("A4", "A4", None, "ka", "KA", "smb", "SMB", 1),
    ]  # fmt: skip


def test_a_subscription_belongs_to_the_nearest_won_deal(company: Open, policy: Policy) -> None:
    opened = company(
        accounts="account_id,segment\nA1,KA\nA2,KA\nA3,KA\nA4,SMB\n",
        opportunities=deal_rows(
            "A1,K,x,new,2023-01-01,2023-03-01,won,120,",
            "A1,K,x,expansion,2023-02-01,2023-04-01,won,60,",
            "A2,K,x,,2023-01-01,2023-03-01,won,240,",
            "A3,K,x,new,2023-01-01,2023-03-01,lost,99,",
            "A3,K,x,new,2023-01-01,2024-03-01,won,99,",
            "A4,S,x,new,2023-01-01,2023-03-01,won,50,",
        ),
        subscriptions="account_id,started_at,monthly_fee\n"
        "A1,2023-03-10,10\nA1,2023-03-25,5\n"  # the later one is the expansion's
        "A2,2023-03-01,7\nA2,2023-05-30,8\nA2,2023-05-31,9\n"  # 90 days and 91
        "A3,2023-03-01,4\nA4,2023-03-01,5\n",
    )  # nothing won then; no key account
    assert records(aggregates.key_account_fees(opened, policy), "cluster", "amount", "fee") == [
        ("A1", 120, 10),
        ("A1", 60, 5),
        ("A2", 240, 15),
    ]


def test_key_account_revenue_by_hand(company: Open, policy: Policy) -> None:
    # Launch 2025-07-01; the year before it begins 2024-07-01.
    opened = company({"ka_launch": dt.date(2025, 7, 1)}, accounts="account_id,parent_account_id\nA1,\nA2,\nA3,A2\nA4,\nA5,\nA6,\n",
                     teams="team,motion\nK,KA\nS,SMB\n", opportunities=deal_rows(
        "A1,K,x,new,2025-01-01,2025-07-01,won,100,", "A1,K,x,renewal,2025-01-01,2025-08-01,won,11,",  # new to us: 111
        "A2,K,x,new,2025-01-01,2025-09-01,won,50,", "A2,S,x,new,2024-01-01,2024-07-01,won,12,", "A2,S,x,new,2024-01-01,2024-06-30,won,9,",
        "A2,S,x,new,2025-01-01,2025-10-01,won,4,",  # SMB still wins from A2: 4
        "A3,K,x,new,2025-01-01,2025-09-01,won,5,", "A3,,x,new,2023-01-01,2023-02-01,won,,",  # known to a team without a name, no amount
        "A4,S,x,new,2025-01-01,2025-09-01,won,5,",  # not a key account of ours
        "A5,K,x,new,2025-01-01,2025-06-30,won,5,", "A5,K,x,new,2025-01-01,2025-09-01,won,6,",  # KA team before the launch
        "A6,K,x,new,2025-01-01,2025-09-01,lost,6,",
    ))  # fmt: skip
    frame = aggregates.key_account_revenue(opened, policy)
    # A3 is a subsidiary of A2: one group, known before, 50 + 5.
    assert records(frame, "cluster", "won", "other_won", "before", "known_before") == [
        ("A1", 111, 0, 0, 0), ("A2", 55, 4, 12, 1), ("A5", 6, 0, 0, 0)]  # fmt: skip


def test_segments_by_team_follow_who_holds_the_account_now(company, policy) -> None:
    by_team = policy.override({"segment.definition": "team"})
    opened = company(
        accounts="account_id\nA\nB\nC\nD\n", teams="team,motion\nsmall,SMB\nkey,KA\nvia,channel\n",
        ownership="account_id,team,from_at,to_at\nA,small,2024-01-01,2024-12-31\nA,key,2025-01-01,\nB,via,2024-01-01,\n",
        opportunities=DEAL_HEAD,
    )  # fmt: skip
    found = dict(
        aggregates.account_segments(opened, by_team).select("account_id", "segment").execute().itertuples(index=False)
    )
    assert found["A"] == "KA" and found["B"] == "SMB" and not isinstance(found["C"], str)
    bare = company(accounts="account_id\nA\n")
    assert aggregates.segment_missing(bare, by_team) == ["ownership.team", "opportunities.team", "teams.motion"]
    assert aggregates.segment_needs(by_team) == ["ownership.team|opportunities.team", "teams.motion"]


def test_a_deal_tells_the_team_where_ownership_does_not(company, policy) -> None:
    opened = company(
        accounts="account_id\nA\nB\n", teams="team,motion\nsmall,SMB\nkey,KA\n",
        opportunities="opportunity_id,account_id,team,outcome,created_at\n1,A,small,open,2025-01-01\n2,A,key,open,2025-02-01\n3,B,key,open,2024-01-01\n",
    )  # fmt: skip
    found = (
        aggregates.account_segments(opened, policy.override({"segment.definition": "team"}))
        .order_by("account_id")
        .execute()
    )
    assert found["segment"].tolist() == ["KA", "KA"]


def test_segments_by_persona_read_reach_rankings_and_revenue(company, policy) -> None:
    opened = company(
        accounts="account_id,reach,ranked_on,annual_revenue\nA,global,list,\nB,national,,\nC,regional,,60000000\nD,local,,60000000\nE,,,\n"
    )
    by_persona = policy.override({"segment.definition": "persona"})
    found = aggregates.account_segments(opened, by_persona).order_by("account_id").execute()["segment"]
    assert found.fillna("-").tolist() == ["KA", "SMB", "KA", "SMB", "-"]


def test_a_version_changes_with_the_thresholds_it_reads_and_no_other(policy) -> None:
    size = policy.override({"segment.definition": "size"})
    assert aggregates.segment_version(policy) == "label"
    assert aggregates.segment_version(size) != aggregates.segment_version(
        size.override({"segment.size_employees": 600})
    )
    assert aggregates.segment_version(size) == aggregates.segment_version(size.override({"spend.ratio": 3.0}))


def test_register_tells_worked_from_listed_and_customers_from_present_ones(company, policy) -> None:
    opened = company(
        accounts="account_id,ranked_on,created_at\nA,list,\nB,,2020-01-01\nC,,\nD,,\nE,list,\n",
        opportunities="opportunity_id,account_id,outcome,created_at,closed_at,amount\n1,B,won,2023-01-01,2023-05-01,10\n2,C,won,2025-01-01,2025-05-01,20\n",
        subscriptions="account_id,started_at,ended_at\nD,2022-01-01,2023-01-01\n", order_lines="account_id,product,amount,at\nE,p,5,2025-01-01\n",
    )  # fmt: skip
    register = aggregates.account_register(opened, policy).set_index("account_id")
    assert register["worked"].to_dict() == {"A": False, "B": True, "C": True, "D": True, "E": True}
    assert register["customer"].to_dict() == {"A": False, "B": True, "C": True, "D": True, "E": False}
    assert register["present"].to_dict() == {"A": False, "B": False, "C": True, "D": False, "E": False}
    assert register.loc["B", ["won", "spend"]].tolist() == [10, 0] and register.loc["C", ["won", "spend"]].tolist() == [
        20,
        20,
    ]


def test_orders_without_a_deal_are_an_order_a_day(company, policy) -> None:
    opened = company(
        order_lines="account_id,product,amount,at,opportunity_id\nA1,p,1,2025-01-01,\nA1,p,1,2025-01-01,\nA1,q,1,2025-01-02,\nA1,p,1,2025-01-03,O1\n"
    )
    lines = aggregates.product_lines(opened, policy)
    assert lines[["order", "product", "lines"]].values.tolist() == [
        ["O1", "p", 1],
        ["day 2025-01-01", "p", 2],
        ["day 2025-01-02", "q", 1],
    ]


def test_fees_then_and_now(company, policy) -> None:
    opened = company(
        subscriptions="account_id,started_at,ended_at,monthly_fee\nA1,2020-01-01,2025-06-30,100\nA1,2024-06-01,,50\nA2,2025-06-01,,70\n"
    )
    fees = aggregates.recurring_fees(opened, policy)
    assert fees[["account_id", "cohort", "before", "now"]].values.tolist() == [
        ["A1", 2020, 150.0, 50.0],
        ["A2", 2025, 0.0, 70.0],
    ]


def test_team_years_count_back_from_the_last_whole_month_and_leave_out_key_accounts_of_small_teams(
    company, policy
) -> None:
    months = "team,month,sellers,cost\n" + "".join(
        f"t,{y}-{m:02d}-01,{y - 2020},2\n" for y in (2023, 2024, 2025) for m in range(1, 13)
    )
    deals = (
        DEAL_HEAD
        + "1,A1,t,,,2023-01-01,2023-01-15,won,7,\n2,A1,t,,,2025-01-01,2025-12-31,won,5,\n3,A2,t,,,2025-01-01,2025-06-01,won,100,\n"
    )
    tables = {
        "team_months": months,
        "teams": "team,motion\nt,SMB\n",
        "opportunities": deals,
        "accounts": "account_id,segment\nA1,SMB\nA2,KA\n",
    }
    years = aggregates.team_years(company(**tables), policy)
    assert years[["year", "heads", "won", "cost"]].values.tolist() == [[-2, 3, 7, 24], [-1, 4, 0, 24], [0, 5, 5, 24]]
    # As of the middle of a month that month is left out, and a year that is not whole with it.
    middle = aggregates.team_years(company({"as_of": dt.date(2025, 11, 15)}, **tables), policy)
    assert middle["year"].tolist() == [-1, 0]


def test_an_account_is_held_by_ownership_under_way_else_by_the_team_of_its_latest_deal(company) -> None:
    """A is owned, though another team's deal came later; B's ownership ended; C is owned and has no deal; D nobody ever touched."""
    rows = "opportunity_id,account_id,team,owner,created_at,closed_at,outcome\n"
    rows += (
        "1,A,smb,s1,2024-01-01,2024-02-01,lost\n2,A,smb,s2,2025-01-01,,open\n3,B,smb,s1,2024-01-01,2024-03-01,lost\n"
    )
    rows += "4,B,channel,s9,2024-05-01,2024-06-01,won\n"
    held = "account_id,team,from_at,to_at\nA,ka,2023-01-01,\nB,ka,2023-01-01,2023-06-01\nC,ka,2024-01-01,\n"
    made = company(accounts="account_id\nA\nB\nC\nD\n", opportunities=rows, ownership=held)
    frame = aggregates.account_holders(made).set_index("account_id").astype(object)
    frame = frame.where(frame.notna(), None)
    assert {k: tuple(v) for k, v in frame.iterrows()} == {
        "A": ("ka", "s2", 1, 1), "B": ("channel", "s9", 0, 1), "C": ("ka", None, 0, 0),
    }  # fmt: skip
    alone = aggregates.account_holders(
        company(accounts="account_id\nA\n", opportunities=rows.splitlines()[0] + "\n" + rows.splitlines()[1] + "\n")
    )
    assert alone.to_dict("records") == [
        {"account_id": "A", "team": "smb", "seller": "s1", "open_deals": 0, "lost_deals": 1}
    ]
    bare = aggregates.account_holders(
        company(accounts="account_id\nA\n", opportunities="opportunity_id,account_id,outcome\n1,A,won\n")
    )
    assert bare["team"].isna().all() and bare["open_deals"].tolist() == [0]
