"""Tables for a reader: both languages, nothing promised that the data does not carry, evidence named."""

import numpy as np
import pandas as pd
import pytest
from figure_frames import sheet_finding, sheet_frames

from kaanalysis import display
from kaanalysis.results import Finding, Number, Result
from kaanalysis.text import words


@pytest.fixture
def result(small_results: dict[str, Result]) -> Result:
    return small_results["01_base_assumptions"]


@pytest.fixture
def framing(small_results: dict[str, Result]) -> Result:
    return small_results["00_problem_framing"]


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
    shown = display.assumptions.principles(
        Result("01_base_assumptions", "", "", "", [], {"principles": frame}), words("en")
    )
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
    table = display.assumptions.white_space(made, words("en"))
    assert table["evidence"].tolist() == [
        "on “Example 500” 2024, place 7 (ranking list beside the company)", "annual revenue CN¥60M", "pays 3 times what its size predicts",
    ]  # fmt: skip
    assert table["account"].tolist() == ["a (A)", "not recorded (B)", "c (C)"]
    assert table["held by"].tolist() == ["ka, ka-06; 1 deal open, 4 deals lost", "nobody", "nobody"]
    assert table["to expect a year"].iloc[0] == "CN¥102K (CN¥81K to CN¥133K)"


def test_a_flip_next_to_its_mark_shows_the_digits_that_tell_them_apart(result: Result) -> None:
    frame = result.frames["statements"].assign(now=0.5, flip_at=0.4971, unit="share", value=0.4, low=0.3, high=0.6)
    shown = display.assumptions.statements(
        Result("01_base_assumptions", "", "", "", [], {"statements": frame}), words("en")
    )
    assert shown["set to"].iloc[0] == "50%" and shown["changes at"].iloc[0] == "49.7%"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_blank_sheet_and_what_stands_alone_read_in_both_languages(language: str) -> None:
    made = Result("03_sales_flow", "", "", "", [sheet_finding()], sheet_frames())
    assert display.available(made) == ["sales_sheet_nodes", "sheet_orphans"]
    table = display.display_table(made, "sales_sheet_nodes", words(language))
    assert (
        table.shape == (11, 11)
        and table.iloc[7].tolist()[:6]
        == {
            "en": [
                "8",
                "board memo",
                "investor",
                "approves",
                "20% (only above an authority limit)",
                "76% (66% to 76%, 95% interval) of 100 deals",
            ],
            "zh": [
                "8",
                "董事会呈批",
                "出资人",
                "审批",
                "20%（仅在超出审批权限时）",
                "100 个商机中 76%（95% 区间 66% 至 76%）",
            ],
        }[language]
    )
    assert (
        table.iloc[9, 6]
        == {"en": "clause review, negotiation, sign-off preparation", "zh": "条款逐条商议、商务谈判、签批准备"}[
            language
        ]
    )
    listed = display.display_table(made, "sheet_orphans", words(language)).to_numpy().tolist()
    assert listed == {
        "en": [["customer's node, nobody there", "need raised", "", "20% of 100 deals"], ["activity, no item of the sheet", "call", "", "40"],
               ["item judged, not demanded", "astrology", "collaborating teams", "2"]],
        "zh": [["客户节点，无人跟进", "提出需求", "", "100 个商机中 20%"], ["销售活动，对不上表中条目", "电话", "", "40"],
               ["评过分的条目，无节点要求", "占星", "协同团队", "2"]],
    }[language]  # fmt: skip


def test_a_sheet_without_contacts_on_record_says_so() -> None:
    made = Result("03_sales_flow", "", "", "", [], sheet_frames(2, coverage=False))
    table = display.display_table(made, "sales_sheet_nodes", words("en"))
    assert table["deals with a contact"].tolist() == ["not on record"] * 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_table_has_a_title_for_the_report(language: str) -> None:
    names = {name for tables in display.TABLES.values() for name in tables}
    assert [name for name in sorted(names) if not words(language).has(f"display.title.{name}")] == []


def test_an_analysis_without_display_tables_has_none() -> None:
    assert display.available(Result("04_path_selection", "", "", "", [])) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_of_the_buying_process_read_in_both_languages(small_results: dict[str, Result], language: str) -> None:
    made = small_results["02_procurement_flow"]
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
    table = display.buying.authority_steps(
        Result("02_procurement_flow", "", "", "", [], {"authority_steps": frame}), words("en")
    )
    assert table["effect"].tolist() == ["added by the limit", ""]
    assert table["days"].tolist() == ["21 days", "not to be had"]


def fit_result() -> Result:
    items = pd.DataFrame({
        "lane": ["action", "action", "support", "system"], "item": ["value workshop", "memo drafting", "legal", "old tool"],
        "item_zh": ["价值研讨", "协助起草呈批件", "法务", None], "demanded": [True, True, True, False], "judged": [True, False, True, True],
        "judges": [2, 0, 1, 1], "level": [0.5, np.nan, 0.6, 0.9], "low": [0.4, np.nan, np.nan, np.nan], "high": [0.6, np.nan, np.nan, np.nan],
        "required": 0.8, "reached": [0.625, np.nan, 0.75, 1.0], "weight": [0.7, 0.3, 1.0, 0.0],
        "steps": ["value case, budget approval", "board memo", "contract review", ""],
    })  # fmt: skip
    teams = pd.DataFrame({"team": ["ka", "ka", "smb"], "motion": ["KA", "KA", "SMB"], "lane": ["action", "support", "action"],
                          "fit": [0.625, 0.75, 0.5], "n": 1})  # fmt: skip
    gaps = items[[True, False, True, False]].assign(relief=[6.0, 0.0], low=[4.0, np.nan], high=[8.0, np.nan])
    numbers = (
        Number("fit_team", "ka", 0.69, 0.6, 0.8, 0.95, 2, "fit", "m"),
        Number("fit_team", "smb", 0.5, None, None, 0.95, 1, "fit", "m"),
        Number("lane_relief", "action", 6.0, 4.0, 8.0, 0.95, 1, "wins per 100 deals", "m"),
    )
    frames = {"fit_items": items, "fit_teams": teams, "lane_reliefs": gaps}
    return Result(
        "03_sales_flow", "d", "p", "2026-06-30", [Finding("M-3.6", "bottleneck", "supported", "x", numbers)], frames
    )


def test_fit_by_item_shows_costly_gaps_first_then_what_nobody_judged_then_what_nobody_asked_for() -> None:
    table = display.selling.fit_items(fit_result(), words("en"))
    assert table["item"].tolist() == ["value workshop", "legal", "memo drafting", "old tool"]
    assert table["level judged"].tolist() == ["0.50 (0.40 to 0.60)", "0.60", "not judged", "0.90"]
    assert table["demanded at"].tolist()[:2] == ["value case, budget approval", "contract review"]
    assert table["demanded at"].iloc[3] == "not demanded by the sheet" and table["weight in the lane"].iloc[3] == ""
    chinese = display.selling.fit_items(fit_result(), words("zh"))
    assert chinese["条目"].tolist() == ["价值研讨", "法务", "协助起草呈批件", "old tool"]
    assert chinese["要求它的步骤"].iloc[0] == "价值论证、预算审批"


def test_which_team_could_carry_it_and_where_the_gaps_cost() -> None:
    teams = display.selling.fit_teams(fit_result(), words("en"))
    assert teams["team"].tolist() == ["ka", "smb"] and teams["fit"].iloc[0].startswith("0.69 (0.60 to 0.80")
    assert teams["sales action"].tolist() == ["0.62", "0.50"] and teams["collaborating teams"].iloc[1] == words("en")(
        "numbers.none"
    )
    gaps = display.selling.lane_reliefs(fit_result(), words("zh"))
    assert gaps["条目"].tolist() == ["价值研讨"], "an item that nothing falls to is left out"
    assert gaps["归到它的疏通收益"].iloc[0].startswith("每百单多赢 6")


@pytest.mark.parametrize(("language", "expected"), [
    ("en", [["budget approval", "75% won (n = 40)", "25% won (n = 40)", "50 percentage points (40 to 60 percentage points, 95% interval)"],
            ["owner sign-off", "50% won (n = 8)", "–", "too few on one side"]]),
    ("zh", [["预算审批", "75% 赢单（n = 40）", "25% 赢单（n = 40）", "50 个百分点（95% 区间 40 至 60 个百分点）"],
            ["老板签批", "50% 赢单（n = 8）", "–", "有一侧样本太少"]]),
])  # fmt: skip
def test_winning_where_the_seller_was_there_in_time_beside_where_not(language: str, expected: list[list[str]]) -> None:
    columns = ["step", "covered", "won_covered", "uncovered", "won_uncovered", "value", "low", "high"]
    frame = pd.DataFrame([("budget approval", 40, 30, 40, 10, 0.5, 0.4, 0.6), ("owner sign-off", 8, 4, 0, 0, np.nan, np.nan, np.nan)],
                         columns=columns)  # fmt: skip
    share = Number("step_covered", "KA", 0.8, 0.7, 0.9, 0.95, 90, "share", "")
    finding = Finding("M-3.5", "sales_sheet", "undecided", "sheet_undecided", (share,))
    made = Result("03_sales_flow", "d", "p", "2026-06-30", [finding], {"alignment_wins": frame})
    assert display.display_table(made, "alignment_wins", words(language)).to_numpy().tolist() == expected


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_of_the_sales_flow_read_in_both_languages_without_holes(
    small_results: dict[str, Result], language: str
) -> None:
    result = small_results["03_sales_flow"]
    assert set(display.available(result)) >= {"definition_cards", "loss_modes"}
    for name in display.available(result):
        table = display.display_table(result, name, words(language))
        assert len(table) and not table.isna().any().any()
        assert not table.astype(str).isin(["nan", "None", "<NA>"]).any().any(), name
    cards = display.rates.definition_cards(result, words(language))
    assert len(cards) == 14 and cards.shape[1] == 3 and cards.astype(str).ne("").iloc[:13].all().all()
