"""Olist marketing funnel (CC BY-NC-SA): the known facts, through the import."""

import datetime as dt

import pytest


@pytest.fixture
def funnel(imported):
    return imported("olist_funnel", "olist_funnel")


def test_conversion(funnel):
    assert funnel.ask("SELECT outcome, count(*) FROM opportunities GROUP BY 1 ORDER BY 1") == [
        ("open", 7158),
        ("won", 842),
    ]
    assert round(842 / funnel.report.rows["opportunities"], 3) == 0.105


def test_time_to_win_with_day_and_month_the_right_way_round(funnel):
    median, upper = funnel.ask("""SELECT median(closed_at - created_at), quantile_cont(closed_at - created_at, 0.75)
                                  FROM opportunities WHERE outcome = 'won'""")[0]
    assert (median, round(upper)) == (14, 55)


def test_negative_durations_are_named_and_both_dates_kept(funnel):
    backwards = funnel.ask("SELECT count(*) FROM opportunities WHERE closed_at < created_at")[0][0]
    assert backwards == funnel.report.faults["won_before_first_contact"] == 1
    assert (
        "check sets the deal aside"
        in funnel.ask("SELECT \"action\" FROM import_report WHERE rule LIKE 'won_before%'")[0][0]
    )


def test_no_losses_and_hardly_any_company_fields(funnel):
    assert funnel.ask("SELECT count(*) FROM opportunities WHERE outcome = 'lost'") == [(0,)]
    assert funnel.ask("SELECT count(industry), count(*) FROM accounts") == [(841, 8000)]
    assert funnel.report.faults["no_business_segment"] == 1


def test_wins_are_recorded_from_observed_from_on(funnel):
    assert funnel.report.company["as_of"] == dt.date(2018, 11, 14)
    assert funnel.report.company["observed_from"] == dt.date(2017, 12, 5)
    first = funnel.ask("""SELECT min(closed_at - created_at) FROM opportunities WHERE created_at < '2017-10-01'""")
    assert first[0][0] > 100  # early leads whose early wins nobody recorded
