"""BPI Challenge 2020 (van Dongen, 4TU): the known facts, through the import."""

import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest

from kaanalysis import aggregates
from kaanalysis.aggregates import process_views
from kaanalysis.analyses.buying_process import durations
from kaanalysis.company import open_company
from kaanalysis.policy import load_policy


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
    assert set(roles) == {
        "EMPLOYEE",
        "ADMINISTRATION",
        "BUDGET OWNER",
        "SUPERVISOR",
        "DIRECTOR",
        "PRE_APPROVER",
        "SYSTEM",
        None,
    }
    assert steps.report.faults == {"role_missing": 224}
    assert (roles[None], roles["SYSTEM"]) == (224, 19_826 + 12_574)  # role lost; steps of the payment system


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


@pytest.fixture(scope="module")
def process(imported):
    company = open_company(imported("bpic2020", "bpic2020").folder)
    return company, aggregates.transitions(company, load_policy())


PM4PY = json.loads((Path(__file__).parents[1] / "golden" / "pm4py_bpic2020.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", ["domestic", "international"])
def test_directly_follows_and_variants_equal_pm4py_to_the_last_count(process, kind):
    """Counts, medians and variants recorded from pm4py (AGPL, so never run here; `make bench-process` asks it again)."""
    said = PM4PY[kind]
    follows = process_views.directly_follows(process[1]).query("kind == @kind")
    ours = {(r.step, r.next_step): r.count for r in follows.itertuples(index=False)}
    assert ours == {(a, b): n for a, b, n, _ in said["directly_follows"]}
    seconds = {(a, b): s for a, b, _, s in said["directly_follows"]}
    for row in follows.to_dict("records"):
        assert row["median_days"] * 86_400 == pytest.approx(seconds[row["step"], row["next_step"]], abs=1e-3)
    found = process_views.variants(process[1], None).query("kind == @kind")
    counted = sorted((tuple(s), int(n)) for s, n in zip(found["sequence"], found["flows"], strict=True))
    assert len(counted) == said["variants"] and sum(n for _, n in counted) == said["cases"]
    text = "\n".join(f"{n} {' > '.join(s)}" for s, n in counted)
    assert hashlib.sha256(text.encode()).hexdigest() == said["flows_by_variant"]


def test_durations_are_those_known_once_running_flows_are_censored(process):
    company, made = process
    lives = aggregates.flow_lives(company, made, load_policy())
    days = dict(list(lives.groupby("kind")))
    assert {k: (len(g), g["events"].sum()) for k, g in days.items()} == {
        "domestic": (10_357, 55_628),
        "international": (6_323, 70_727),
    }
    medians = {k: durations(k, g, 0.95)[0] for k, g in days.items()}
    # 7.3 and 65.3 days are the medians of all flows up to their last event; a few still run.
    assert round(medians["domestic"].value, 1) == 7.3
    assert (
        medians["international"].low <= 65.3 <= medians["international"].high
        and 65.3 < medians["international"].value < 68
    )
    assert 0 < 1 - days["international"]["finished"].mean() < 0.05


def test_many_parties_and_resubmissions_abroad_one_approval_at_home(process):
    """Rejected declarations are taken back by the employee and submitted again: more often abroad."""
    again = process_views.rework(process[1]).set_index(["kind", "step"])
    home = again.loc[("domestic", "Declaration SUBMITTED by EMPLOYEE")]
    assert (home["flows"], home["reached"], home["repeats"]) == (1006, 10_222, 1149)
    share = again["flows"] / again["reached"]
    assert (
        share["international", "Declaration SUBMITTED by EMPLOYEE"]
        > 2 * share["domestic", "Declaration SUBMITTED by EMPLOYEE"]
    )
    waits = process_views.waiting_by_party(process[1]).set_index(["kind", "party"])["share"]
    assert waits["domestic"].idxmax() == "SYSTEM" and waits["international"].idxmax() == "EMPLOYEE"
