"""Tables for a reader: both languages, nothing promised that the data does not carry, evidence named."""

from pathlib import Path

import pandas as pd
import pytest

from kaanalysis import display
from kaanalysis.analyses import procurement_flow
from kaanalysis.analyses.base_assumptions import analyse
from kaanalysis.analyses.problem_framing import analyse as analyse_framing
from kaanalysis.company import open_company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result
from kaanalysis.text import words


@pytest.fixture(scope="module")
def result(small_demo: Path, policy: Policy) -> Result:
    return analyse(open_company(small_demo), policy, {})


@pytest.fixture(scope="module")
def framing(small_demo: Path, policy: Policy) -> Result:
    return analyse_framing(open_company(small_demo), policy, {})


def test_00_shows_as_a_table_what_no_figure_draws(framing: Result) -> None:
    assert display.available(framing) == ["customer_counts"]


def test_account_counts_narrow_from_known_to_signing_again(framing: Result) -> None:
    table = display.display_table(framing, "customer_counts", words("en"))
    assert (table["SMB"] + table["KA"] == table["all"]).all() and table["all"].iloc[0] == table["all"].max()
    counts = framing.frames["customer_counts"].set_index(["stage", "segment"])["accounts"]
    for segment in ("SMB", "KA", "all"):
        either, both = counts["signed_either", segment], counts["signed_both", segment]
        assert either == counts["signed_before", segment] + counts["signed_now", segment] - both
        assert counts["known", segment] >= counts["ever_customer", segment] >= counts["ever_bought", segment] >= either


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_table_reads_in_both_languages_without_holes(result: Result, language: str) -> None:
    assert set(display.available(result)) >= {"statements", "principles", "definitions", "white_space"}
    for name in display.available(result):
        table = display.display_table(result, name, words(language))
        assert len(table) == len(result.frames[name]) or name == "definitions"
        assert not table.isna().any().any() and not table.astype(str).isin(["nan", "None", "<NA>"]).any().any(), name


def test_the_eight_statements_are_on_one_screen(result: Result) -> None:
    table = display.display_table(result, "statements", words("en"))
    assert len(table) == 8 and table["verdict"].isin(["supported", "contradicted", "undecided", "no data"]).all()


def test_a_principle_is_printed_only_where_its_assumption_is_supported(result: Result) -> None:
    frame = result.frames["principles"].copy()
    frame["state"] = ["supported", "contradicted", "undecided", "no_data"] * 2
    shown = display.principles(Result("01_base_assumptions", "", "", "", [], {"principles": frame}), words("en"))
    printed = ~shown["selling principle"].str.startswith("not printed")
    assert printed.tolist() == [True, False, False, False] * 2


def test_evidence_names_list_place_year_and_field_or_the_amount() -> None:
    number = Number("spend_median", "KA", 1.0, None, None, 0.95, 1, "CNY", "m")
    nothing = {
        "industry": None,
        "region": "east",
        "excess": None,
        "annual_revenue": 6e7,
        "list": None,
        "year": None,
        "rank": None,
        "field": None,
        "expected": 101_880.21,
        "low": 80_976.0,
        "high": 133_184.0,
        "team": None,
        "seller": None,
        "open_deals": 0,
        "lost_deals": 0,
    }
    rows = [
        {
            "account_id": "A",
            "name": "a",
            "persona": "M-1.5a",
            **nothing,
            "list": "Example 500",
            "year": "2024",
            "rank": "7",
            "field": "rankings",
            "team": "ka",
            "seller": "ka-06",
            "open_deals": 1,
            "lost_deals": 4,
        },
        {"account_id": "B", "name": None, "persona": "M-1.5c", **nothing},
        {"account_id": "C", "name": "c", "persona": "M-1.5d", **nothing, "excess": 3.0},
    ]
    made = Result(
        "01_base_assumptions",
        "",
        "",
        "",
        [Finding("M-1.4", "k", "undecided", "r", (number,))],
        {"white_space": pd.DataFrame(rows)},
    )
    table = display.white_space(made, words("en"))
    assert table["evidence"].tolist() == [
        "on “Example 500” 2024, place 7 (ranking list beside the company)", "annual revenue CN¥60M", "pays 3 times what its size predicts",
    ]  # fmt: skip
    assert table["account"].tolist() == ["a (A)", "not recorded (B)", "c (C)"]
    assert table["held by"].tolist() == ["ka, ka-06; 1 deal open, 4 deals lost", "nobody", "nobody"]
    assert table["to expect a year"].iloc[0] == "CN¥102K (CN¥81K to CN¥133K)"


def test_a_flip_next_to_its_mark_shows_the_digits_that_tell_them_apart(result: Result) -> None:
    frame = result.frames["statements"].assign(now=0.5, flip_at=0.4971, unit="share", value=0.4, low=0.3, high=0.6)
    shown = display.statements(Result("01_base_assumptions", "", "", "", [], {"statements": frame}), words("en"))
    assert shown["set to"].iloc[0] == "50%" and shown["changes at"].iloc[0] == "49.7%"


def test_an_analysis_without_display_tables_has_none() -> None:
    assert display.available(Result("03_sales_flow", "", "", "", [])) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_of_the_buying_process_read_in_both_languages(small_demo: Path, policy: Policy, language: str) -> None:
    made = procurement_flow.analyse(open_company(small_demo), policy, {})
    assert set(display.available(made)) >= {"opponents", "authority_groups"}
    for name in display.available(made):
        table = display.display_table(made, name, words(language))
        assert len(table) == len(made.frames[name])
        assert not table.isna().any().any() and not table.astype(str).isin(["nan", "None", "<NA>"]).any().any(), name


def test_what_a_limit_adds_is_said_and_nothing_else() -> None:
    frame = pd.DataFrame(
        [
            ("memo", 9, 0.0, 1.0, 1.0, 0.8, 1.0, 0.001, 0.002, True, 21.0),
            ("budget", 20, 1.0, 1.0, 0.0, -0.1, 0.1, 1.0, 1.0, False, None),
        ],
        columns=[
            "step",
            "flows",
            "below",
            "above",
            "difference",
            "low",
            "high",
            "p_value",
            "p_adjusted",
            "added",
            "days",
        ],
    )
    table = display.authority_steps(
        Result("02_procurement_flow", "", "", "", [], {"authority_steps": frame}), words("en")
    )
    assert table["effect"].tolist() == ["added by the limit", ""]
    assert table["days"].tolist() == ["21 days", "not to be had"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_of_the_sales_flow_read_in_both_languages_without_holes(
    small_demo: Path, policy: Policy, language: str
) -> None:
    from kaanalysis.analyses.sales_flow import analyse as analyse_sales

    result = analyse_sales(open_company(small_demo), policy, {})
    assert set(display.available(result)) >= {"definition_cards", "loss_modes"}
    for name in display.available(result):
        table = display.display_table(result, name, words(language))
        assert len(table) and not table.isna().any().any()
        assert not table.astype(str).isin(["nan", "None", "<NA>"]).any().any(), name
    cards = display.definition_cards(result, words(language))
    assert len(cards) == 14 and cards.shape[1] == 3 and cards.astype(str).ne("").iloc[:13].all().all()
