"""BPI Challenge 2020 (van Dongen, 4TU): the known facts, through the import."""

import datetime as dt

import pytest


@pytest.fixture
def steps(imported):
    return imported("bpic2020", "bpic2020")


@pytest.mark.parametrize(
    ("kind", "cases", "events", "median"), [("domestic", 10_357, 55_628, 7.3), ("international", 6_323, 70_727, 65.3)]
)
def test_cases_events_and_median_duration(steps, kind, cases, events, median):
    found = steps.ask(f"""WITH c AS (SELECT flow_id, count(*) AS n, epoch(max("at") - min("at")) / 86400 AS days
                                     FROM buying_steps WHERE category = '{kind}' GROUP BY 1)
                          SELECT count(*), sum(n), round(median(days), 1) FROM c""")
    assert found == [(cases, events, median)]


def test_roles_are_those_of_the_log(steps):
    roles = dict(steps.ask("SELECT role, count(*) FROM buying_steps GROUP BY 1"))
    assert set(roles) == {"EMPLOYEE", "ADMINISTRATION", "BUDGET OWNER", "SUPERVISOR", "DIRECTOR", "PRE_APPROVER", None}
    assert steps.report.faults == {"role_missing": 224}
    assert roles[None] == 224 + 19_826 + 12_574  # role lost, and steps of the payment system


def test_approvals_are_told_from_work(steps):
    parts = steps.ask("SELECT part, count(*) FROM buying_steps GROUP BY 1 ORDER BY 1")
    assert [part for part, _ in parts] == ["approve", "do", "inform"]
    assert steps.ask(
        "SELECT count(*) FROM buying_steps WHERE part = 'approve' AND (role = 'EMPLOYEE' OR step NOT LIKE '% by %')"
    ) == [(0,)]
    assert steps.ask("SELECT DISTINCT step FROM buying_steps WHERE part = 'inform'") == [("Send Reminder",)]


def test_times_are_utc_and_order_follows_them(steps):
    first = "SELECT \"at\" FROM buying_steps WHERE flow_id = 'domestic/declaration86791' AND step_no = 1"
    assert steps.ask(first) == [(dt.datetime(2017, 1, 9, 8, 49, 50),)]
    backwards = """SELECT count(*) FROM (SELECT "at" < lag("at") OVER (PARTITION BY flow_id ORDER BY step_no) AS b
                   FROM buying_steps) WHERE b"""
    assert steps.ask(backwards) == [(0,)]


def test_deals_are_an_empty_table_and_the_cut_off_is_the_last_event(steps):
    assert steps.report.rows == {"accounts": 1, "opportunities": 0, "buying_steps": 126_355}
    assert steps.report.company["as_of"] == steps.ask('SELECT max("at")::DATE FROM buying_steps')[0][0]
