"""Maven CRM practice set (fictitious): the known facts, through the import."""

import datetime as dt

import pytest


@pytest.fixture
def crm(imported):
    return imported("maven_crm", "maven_crm")


def test_every_deal_is_there_with_its_outcome(crm):
    assert crm.ask("SELECT outcome, count(*), count(created_at) FROM opportunities GROUP BY 1 ORDER BY 1") == [
        ("lost", 2473, 2473), ("open", 1589 + 500, 1589), ("won", 4238, 4238)]  # fmt: skip
    assert crm.report.rows == {"accounts": 85 + 1, "opportunities": 8800, "order_lines": 4238}
    assert crm.report.company["as_of"] == dt.date(2017, 12, 31)


def test_deals_without_an_account_stay_and_are_all_open(crm):
    nameless = "SELECT outcome, count(*) FROM opportunities WHERE account_id = '(no account recorded)' GROUP BY 1"
    assert crm.ask(nameless) == [("open", 1425)]
    assert crm.report.faults["no_account"] == 1425
    assert crm.ask("SELECT * EXCLUDE account_id FROM accounts WHERE account_id = '(no account recorded)'") == [
        (None,) * 6
    ]


def test_the_dirt_is_corrected_and_counted(crm):
    corrected = (
        'SELECT "value", "action", count(*) FROM import_report WHERE rule = \'corrected_value\' GROUP BY ALL ORDER BY 1'
    )
    assert crm.ask(corrected) == [
        ("GTXPro", "corrected: GTX Pro", 1480),
        ("Philipines", "corrected: Philippines", 1),
        ("technolgy", "corrected: technology", 12),
    ]
    assert crm.ask("SELECT count(DISTINCT product) FROM opportunities") == [(7,)]
    assert crm.ask("SELECT count(*) FROM order_lines WHERE list_amount IS NULL") == [(0,)]


def test_share_of_the_ten_largest_accounts(crm):
    share = crm.ask("""
        WITH v AS (SELECT account_id, sum(amount) AS v FROM opportunities WHERE outcome = 'won' GROUP BY 1)
        SELECT (SELECT sum(v) FROM (SELECT v FROM v ORDER BY v DESC LIMIT 10)) / sum(v), count(*) FROM v""")[0]
    assert (round(share[0], 3), share[1]) == (0.207, 85)


def test_revenue_is_in_usd(crm):
    assert crm.ask("SELECT annual_revenue, employees FROM accounts WHERE account_id = 'Acme Corporation'") == [
        (1100.04e6, 2822)
    ]


def test_closings_are_recorded_from_observed_from_on_so_early_deals_are_late_entries(crm):
    assert crm.report.company["observed_from"] == dt.date(2017, 3, 1)
    lasted = "SELECT min(closed_at - created_at), max(closed_at - created_at) FROM opportunities WHERE created_at"
    early, late = crm.ask(f"{lasted} < '2016-11-01'")[0], crm.ask(f"{lasted} > '2017-03-01'")[0]
    assert early[0] > 120 and late[0] == 1 and max(early[1], late[1]) == 138
