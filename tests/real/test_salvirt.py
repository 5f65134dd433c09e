"""Bohanec et al., B2B sales history (CC BY 4.0): the known facts, through the import."""

import csv

import pytest


@pytest.fixture
def deals(imported):
    return imported("salvirt", "salvirt")


@pytest.fixture
def attributes(real_data):
    """The source as it is, for the attributes that the contract has no column for."""
    with next(real_data("salvirt").glob("*.csv")).open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter=";"))


def test_every_row_is_a_deal_with_an_account_of_its_own(deals):
    assert deals.report.rows == {"accounts": 448, "opportunities": 448}
    assert deals.ask("SELECT count(*) FROM opportunities WHERE account_id = opportunity_id") == [(448,)]


def test_each_exact_duplicate_is_named_with_the_row_it_repeats(deals, attributes):
    named = deals.ask('SELECT "row"::INT, "action" FROM import_report WHERE rule = \'exact_duplicate\' ORDER BY 1')
    assert len(named) == 83
    assert len({tuple(a.values()) for a in attributes}) == 365
    for row, action in named:
        first = int(action.removeprefix("kept: repeats row "))
        assert first < row and attributes[row - 1] == attributes[first - 1]


def test_win_rates_by_client(deals):
    found = deals.ask(
        "SELECT category, count(*), round(avg((outcome = 'won')::INT), 2) FROM opportunities GROUP BY 1 ORDER BY 2 DESC"
    )
    assert found[:3] == [("Normal", 237, 0.43), ("Strategic account", 170, 0.69), ("First deal", 39, 0.15)]
    assert [row[:2] for row in found[3:]] == [("Bad client", 2)]
    assert deals.ask("SELECT \"row\"::INT FROM import_report WHERE rule = 'client_type_unlisted'") != []
    assert deals.ask("SELECT count(*) FROM accounts WHERE segment = 'KA'") == [(170,)]


def test_win_rates_by_what_the_contract_has_no_column_for(deals, attributes):
    won = dict(deals.ask("SELECT opportunity_id, outcome = 'won' FROM opportunities"))

    def rate(**wanted: str) -> float:
        rows = [n for n, a in enumerate(attributes, 1) if all(a[k] == v for k, v in wanted.items())]
        return round(sum(won[f"row-{n:03d}"] for n in rows) / len(rows), 2)

    assert [rate(Comp_size=size) for size in ("Big", "Mid", "Small")] == [0.59, 0.38, 0.40]
    assert (rate(Forml_tend="Yes"), rate(Forml_tend="No")) == (0.23, 0.54)
    assert {rate(Purch_dept="Unknown"), rate(Budgt_alloc="Unknown")} <= {0.14, 0.15, 0.16}
    by_authority = [rate(Authority=level) for level in ("Low", "Mid", "High")]
    assert max(by_authority) - min(by_authority) < 0.1


def test_what_was_not_known_is_read_with_intervals_and_duplicates_both_ways(deals):
    from kaanalysis.analyses.unknown_facts import measure
    from kaanalysis.company import open_company
    from kaanalysis.policy import load_policy

    numbers, frames, _ = measure(open_company(deals.report.out), load_policy())
    won = {n.segment: n.value for n in numbers if n.name == "unknown_won_share"}
    assert {round(won["Purch_dept"], 2), round(won["Budgt_alloc"], 2)} <= {0.14, 0.15, 0.16}
    frame = frames["unknown_facts"].set_index(["fact", "rows"])
    for fact in ("Purch_dept", "Budgt_alloc"):
        every, once = frame.loc[(fact, "all")], frame.loc[(fact, "distinct")]
        assert every["unknown"] + every["known"] == 448 and once["unknown"] + once["known"] == 365
        assert every["low"] < every["value"] < every["high"] and every["value"] > 1
    assert frame.loc[("Budgt_alloc", "all"), "low"] > 1
