"""Every rule of the contract is triggered by a file and named with table, column, row, value, rule and action."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaanalysis.company import Company, open_company
from kaanalysis.contracts import RULES, TABLES, UnusableData

A = "account_id,parent_account_id,segment,employees,annual_revenue,created_at\n"
D = "opportunity_id,account_id,created_at,closed_at,outcome,amount,lost_to_competitor,exit\n"
GOOD = "O1,A1,2025-01-01,2025-02-01,won,5,false,\n"

# rule → (tables, expected fault: table, column, row, value, action)
CASES = {
    "required": (
        {"opportunities": D + GOOD + "O2,A1,2025-01-01,,,5,,\n"},
        ("opportunities", "outcome", 2, None, "set_aside"),
    ),
    "key_missing": ({"accounts": A + "A1,,,,,\n,,KA,,,\n"}, ("accounts", "account_id", 2, None, "refuse")),
    "key_repeated": ({"accounts": A + "A1,,,,,\nA2,,,,,\nA1,,KA,,,\n"}, ("accounts", "account_id", 3, "A1", "refuse")),
    "orphan": (
        {"opportunities": D + GOOD + "O2,ZZ,2025-01-01,,open,5,,\n"},
        ("opportunities", "account_id", 2, "ZZ", "set_aside"),
    ),
    "not_a_date": ({"accounts": A + "A1,,,,,2025-02-30\n"}, ("accounts", "created_at", 1, "2025-02-30", "blank")),
    "not_a_time": (
        {"stage_history": "opportunity_id,stage,entered_at\nO1,s,yesterday\n"},
        ("stage_history", "entered_at", 1, "yesterday", "set_aside"),
    ),
    "not_a_number": ({"accounts": A + 'A1,,,"1,5",,\n'}, ("accounts", "employees", 1, "1,5", "blank")),
    "thousands_separator": (
        {"accounts": A + 'A1,,,"6,819",,\n'},
        ("accounts", "employees", 1, "6,819", "blank"),
    ),
    "not_a_flag": (
        {"opportunities": D + "O1,A1,2025-01-01,2025-02-01,lost,5,yes,\n"},
        ("opportunities", "lost_to_competitor", 1, "yes", "blank"),
    ),
    "unknown_choice": ({"accounts": A + "A1,,ka,,,\n"}, ("accounts", "segment", 1, "ka", "blank")),
    "below_minimum": ({"accounts": A + "A1,,,-1,,\n"}, ("accounts", "employees", 1, "-1", "blank")),
    "above_one": (
        {"capability": "team,lane,item,level\nT,action,x,1\nT,action,y,1.01\n"},
        ("capability", "level", 2, "1.01", "set_aside"),
    ),
    "impossible_date": ({"accounts": A + "A1,,,,,1899-12-31\n"}, ("accounts", "created_at", 1, "1899-12-31", "blank")),
    "after_as_of": (
        {"accounts": A + "A1,,,,,2025-12-31\nA2,,,,,2026-01-01\n"},
        ("accounts", "created_at", 2, "2026-01-01", "set_aside"),
    ),
    "runs_backwards": (
        {"opportunities": D + "O1,A1,2025-02-01,2025-01-31,won,5,,\n"},
        ("opportunities", "closed_at", 1, "2025-01-31", "set_aside"),
    ),
    "open_but_closed": (
        {"opportunities": D + "O1,A1,2025-01-01,2025-02-01,open,5,,\n"},
        ("opportunities", "closed_at", 1, "2025-02-01", "blank"),
    ),
    "closed_without_date": (
        {"opportunities": D + "O1,A1,2025-01-01,,won,5,,\n"},
        ("opportunities", "closed_at", 1, None, "keep"),
    ),
    "won_but_exit_lost": (
        {"opportunities": D + "O1,A1,2025-01-01,2025-02-01,won,5,,drifted\n"},
        ("opportunities", "exit", 1, "drifted", "keep"),
    ),
    "own_parent": ({"accounts": A + "A1,A1,,,,\n"}, ("accounts", "parent_account_id", 1, "A1", "blank")),
    "mixed_currency": ({"accounts": A + "A1,,,,USD 5,\n"}, ("accounts", "annual_revenue", 1, "USD 5", "blank")),
    "unknown_column": ({"accounts": "account_id,colour\nA1,red\n"}, ("accounts", "colour", None, None, "ignore")),
    "unknown_table": ({"notes": "a\n1\n"}, ("notes.csv", "", None, None, "ignore")),
    "repeated_row": (
        {"value_items": "flow_id,role,item,amount\nF,owner,income,5\nF,owner,income,6\nF,owner,income,5\n"},
        ("value_items", "", 3, None, "keep"),
    ),
    "empty_table": ({"teams": "team,motion\n"}, ("teams", "", None, None, "keep")),
    "ragged_row": ({"teams": "team,motion\nT1,SMB\nT2\nT3,KA\n"}, ("teams", "", 2, "T2", "set_aside")),
}


def test_every_rule_of_the_contract_has_a_case() -> None:
    # A table as an Excel file cannot be written as the text that these cases are: test_intake has it.
    assert set(CASES) == set(RULES) - {"excel_file"}


@pytest.mark.parametrize("rule", CASES)
def test_rule_is_named_with_its_place(rule: str, company: Callable[..., Company]) -> None:
    tables, (table, column, row, value, action) = CASES[rule]
    opened = company(**tables)
    found = [(f.table, f.column, f.row, f.value, f.action) for f in opened.faults if f.rule == rule]
    assert found == [(table, column, row, value, action)]
    if row is not None and table in opened.tables:
        kept = opened.table(table).execute()
        present = row in set(kept["row__"])
        assert present == (action in ("blank", "keep", "censor") or rule == "key_repeated")
        if action == "blank":
            assert kept.loc[kept["row__"] == row, column].isna().all()


def test_a_clean_company_has_no_faults(company: Callable[..., Company]) -> None:
    opened = company(accounts=A + "A1,,SMB,5,5.5,2020-01-01\n", opportunities=D + GOOD)
    assert opened.faults == []
    assert opened.rows_read == opened.rows_valid == {"accounts": 1, "opportunities": 1}


def test_a_column_that_was_not_given_is_there_as_typed_nulls(company: Callable[..., Company]) -> None:
    """So that whoever reads a table need not ask which columns came with it; `has` still says that nothing is in it."""
    columns = ",".join(c.name for c in TABLES["team_months"].columns if c.required)
    made = company(accounts="account_id\nA\n", team_months=f"{columns}\nT,2025-01\n")
    for name, table in made.tables.items():
        types = {"id": "string", "text": "string", "choice": "string", "date": "date", "month": "date", "flag": "boolean",
                 "integer": "int64", "time": "timestamp(6)"}  # fmt: skip
        schema = {c: str(t) for c, t in table.schema().items() if c != "row__"}
        assert schema == {c.name: types.get(c.type, "float64") for c in TABLES[name].columns}, name
    assert not made.has("accounts.segment") and not made.has("team_months.cost")


def test_valid_rows_beside_broken_ones_are_kept_with_their_values(company: Callable[..., Company]) -> None:
    opened = company(
        accounts=A + "A1,,SMB,7,1e3,2020-02-29\n", opportunities=D + GOOD + "O2,A1,x,,won,bad,,\nO3,ZZ,,,open,,,\n"
    )
    deals = opened.table("opportunities").order_by("row__").execute()
    assert deals["opportunity_id"].tolist() == ["O1", "O2"]
    assert deals["amount"].tolist()[0] == 5.0 and deals["amount"].isna().tolist() == [False, True]
    account = opened.table("accounts").execute().iloc[0]
    assert (account["employees"], account["annual_revenue"], str(account["created_at"])[:10]) == (7, 1000, "2020-02-29")


def test_duplicate_keys_stop_the_run_and_are_all_listed_for_check(company_folder: Callable[..., Path]) -> None:
    folder = company_folder(accounts="account_id\nA1\nA1\nA1\n")
    with pytest.raises(UnusableData, match=r"accounts\.account_id, row 2, value 'A1'.*2 such rows"):
        open_company(folder)
    assert [(f.row, f.rule) for f in open_company(folder, refuse=False).refused] == [
        (2, "key_repeated"),
        (3, "key_repeated"),
    ]


def test_a_key_of_several_columns_may_repeat_in_each(company: Callable[..., Company]) -> None:
    rows = "team,month,cost\nT,2025-01,1\nT,2025-02,1\nU,2025-01,1\nT,2025-01-15,2\n"
    # The month of 2025-01-15 is 2025-01: the same key as row 1, though it is written differently.
    assert [(f.row, f.value) for f in company(team_months=rows).refused] == [(4, "T, 2025-01-15")]


@pytest.mark.parametrize("name", ["accounts", "opportunities"])
def test_missing_indispensable_table_is_refused(name: str, company_folder: Callable[..., Path]) -> None:
    folder = company_folder()
    (folder / f"{name}.csv").unlink()
    with pytest.raises(UnusableData, match=f"table {name} is missing"):
        open_company(folder)


def test_missing_required_column_is_refused_by_name(company_folder: Callable[..., Path]) -> None:
    with pytest.raises(UnusableData, match=r"teams.*no column motion"):
        open_company(company_folder(teams="team\nT\n"))


def test_a_closing_after_the_cut_off_is_still_open_at_it(company: Callable[..., Company]) -> None:
    opened = company(opportunities=D + "O1,A1,2025-01-01,2026-01-01,won,5,,\nO2,A1,2025-01-01,2025-12-31,won,5,,\n",
                     subscriptions="account_id,started_at,ended_at\nA1,2025-01-01,2026-03-01\n")  # fmt: skip
    deals = opened.table("opportunities").order_by("row__").execute()
    assert deals["outcome"].tolist() == ["open", "won"]
    assert deals["closed_at"].isna().tolist() == [True, False]
    assert opened.table("subscriptions").execute()["ended_at"].isna().all()
    assert [(f.table, f.row, f.action) for f in opened.faults] == [
        ("opportunities", 1, "censor"),
        ("subscriptions", 1, "censor"),
    ]


def test_what_refers_to_a_row_set_aside_is_an_orphan_all_the_way_down(company: Callable[..., Company]) -> None:
    # A2 is recorded after the cut-off, so its deal has no account, so the deal's stage has no deal.
    opened = company(accounts=A + "A1,,,,,\nA2,,,,,2026-06-01\n", opportunities=D + GOOD + "O2,A2,2025-01-01,,open,5,,\n",
                     stage_history="opportunity_id,stage,entered_at\nO1,s,2025-01-01\nO2,s,2025-01-01\n")  # fmt: skip
    assert [(f.table, f.column, f.row, f.rule) for f in opened.faults] == [
        ("accounts", "created_at", 2, "after_as_of"),
        ("opportunities", "account_id", 2, "orphan"),
        ("stage_history", "opportunity_id", 2, "orphan"),
    ]


def test_orphan_parents_are_found_also_beside_an_empty_key(company: Callable[..., Company]) -> None:
    # A null in the list of known accounts must not make "not in the list" unknown.
    opened = company(accounts=A + "A1,,,,,\n,,,,,\nA3,ZZ,,,,\n")
    assert ("parent_account_id", 3, "ZZ") in [(f.column, f.row, f.value) for f in opened.faults if f.rule == "orphan"]


def test_a_step_that_ends_before_it_began_loses_its_beginning_only(company: Callable[..., Company]) -> None:
    opened = company(
        buying_steps="flow_id,step,part,started_at,at\nF,s,do,2025-02-02,2025-02-01\nF,t,do,2025-02-01,2025-02-02\n"
    )
    steps = opened.table("buying_steps").order_by("row__").execute()
    assert steps["started_at"].isna().tolist() == [True, False]
    assert steps["at"].notna().all()
    assert [(f.column, f.row, f.value, f.rule, f.action) for f in opened.faults] == [
        ("started_at", 1, "2025-02-02", "runs_backwards", "blank")
    ]


def test_currency_column_of_another_currency_sets_the_row_aside(company: Callable[..., Company]) -> None:
    opened = company(order_lines="account_id,product,amount,currency\nA1,p,5,CNY\nA1,p,6,eur\nA1,p,7,\n")
    assert opened.table("order_lines").execute()["amount"].tolist() == [5, 7]
    assert [(f.column, f.row, f.value, f.rule) for f in opened.faults] == [("currency", 2, "eur", "mixed_currency")]


TIMES = {
    "2025-01-01": "2025-01-01 00:00:00",
    "2025-01-01T10:00": "2025-01-01 10:00:00",
    "2025-01-01 10:00:05": "2025-01-01 10:00:05",
    "2025-01-01T10:00:00Z": "2025-01-01 10:00:00",
    "2025-01-01T10:00:00+08:00": "2025-01-01 02:00:00",
    "2025-01-01T10:00:00+0800": "2025-01-01 02:00:00",
    "2025-01-01T01:00:00-05": "2025-01-01 06:00:00",
    "2025-01-01T23:30:00-08:00": "2025-01-02 07:30:00",
    "2025-01-01T10:00:00.25": "2025-01-01 10:00:00.250000",
}


def test_times_with_zones_become_utc(company: Callable[..., Company]) -> None:
    rows = "".join(f"O1,s{i},{text}\n" for i, text in enumerate(TIMES))
    opened = company(stage_history="opportunity_id,stage,entered_at\n" + rows)
    assert opened.faults == []
    assert [str(t) for t in opened.table("stage_history").order_by("row__").execute()["entered_at"]] == list(
        TIMES.values()
    )


def test_months_flags_and_integers_get_their_types(company: Callable[..., Company]) -> None:
    opened = company(
        team_months="team,month,cost\nA,2025-03,1\nB,2025-03-31,2\nC,2025-13,3\nD,March,4\n",
        stakeholders="opportunity_id,person_id,role,part,key_person\n"
        + "".join(f"O1,P{i},user,approve,{flag}\n" for i, flag in enumerate(["true", "FALSE", "1", "0", "", "yes"])),
        buying_steps="flow_id,step,part,step_no\n"
        + "".join(f"F,s,do,{n}\n" for n in ["3", "4.0", "1e2", "1.5", "1e30", "nan", "-1"]),
    )
    months = opened.table("team_months").order_by("row__").execute()["month"]
    assert [str(m)[:10] for m in months] == ["2025-03-01", "2025-03-01"]
    people = opened.table("stakeholders").order_by("row__").execute()["key_person"].tolist()
    assert [None if p is None or p != p else bool(p) for p in people] == [True, False, True, False, None, None]
    numbers = opened.table("buying_steps").order_by("row__").execute()["step_no"]
    assert [None if n != n else int(n) for n in numbers] == [3, 4, 100, None, None, None, None]
    assert [(f.column, f.row, f.rule) for f in opened.faults] == [
        ("key_person", 6, "not_a_flag"), ("step_no", 4, "not_a_number"), ("step_no", 5, "not_a_number"),
        ("step_no", 6, "not_a_number"), ("step_no", 7, "below_minimum"), ("month", 3, "not_a_date"), ("month", 4, "not_a_date"),
    ]  # fmt: skip


TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), max_size=12) | st.sampled_from(
    [
        "=cmd|' /C calc'!A0",
        '"',
        '""',
        "'",
        ",",
        "\n",
        "😀客户",
        "x" * 300_000,
        "NULL",
        "nan",
        "1e999",
        "2025-01-01",
        "true",
        "-5",
        " ",
    ]
)
CELL = st.fixed_dictionaries({
    "account_id": st.sampled_from(["A1", "A2", "ZZ", ""]) | TEXT, "product": TEXT, "amount": st.sampled_from(["1", "2.5"]) | TEXT,
    "at": st.sampled_from(["2025-01-01", "2030-01-01"]) | TEXT, "custom": TEXT, "list_amount": TEXT,
})  # fmt: skip


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(CELL, min_size=1, max_size=12))
def test_no_row_is_ever_lost_whatever_the_values(
    rows: list[dict[str, str]], write_company: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    opened = open_company(write_company(tmp_path_factory.mktemp("any"), {"order_lines": rows}), refuse=False)
    aside = {f.row for f in opened.faults if f.table == "order_lines" and f.action == "set_aside"}
    assert opened.rows_read["order_lines"] == len(rows)
    assert opened.rows_valid["order_lines"] == len(rows) - len(aside)
    kept = opened.table("order_lines").order_by("row__").execute()
    assert set(kept["row__"]) == set(range(1, len(rows) + 1)) - aside
    for row, product, amount in kept[["row__", "product", "amount"]].itertuples(index=False):
        assert product == rows[row - 1]["product"].strip(" \t\n\r\v\f")
        assert amount == pytest.approx(float(rows[row - 1]["amount"]))


LINES = ["T{i},SMB,north", "T{i},SMB", "T{i},KA,a,b", 'T{i},KA,"x\ny"', 'T{i},KA,"a"b', "T{i},boss,north"]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(st.sampled_from(LINES), min_size=1, max_size=15))
def test_rows_keep_their_numbers_among_ragged_and_many_line_rows(
    lines: list[str], write_company: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "team,motion,region\n" + "".join(line.format(i=i) + "\n" for i, line in enumerate(lines, 1))
    opened = open_company(write_company(tmp_path_factory.mktemp("ragged"), {"teams": text}), refuse=False)
    ragged = [i for i, line in enumerate(lines, 1) if line in ("T{i},SMB", "T{i},KA,a,b", 'T{i},KA,"a"b')]
    unknown = [i for i, line in enumerate(lines, 1) if "boss" in line]
    assert sorted(f.row for f in opened.faults if f.rule == "ragged_row") == ragged
    assert sorted(f.row for f in opened.faults if f.rule == "unknown_choice") == unknown
    kept = opened.table("teams").order_by("row__").execute()
    assert kept["team"].tolist() == [f"T{i}" for i in range(1, len(lines) + 1) if i not in ragged + unknown]
    assert kept["row__"].tolist() == [i for i in range(1, len(lines) + 1) if i not in ragged + unknown]
    assert opened.rows_read["teams"] == len(lines)
