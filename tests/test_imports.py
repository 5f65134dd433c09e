"""Imports of small hand-made sources: what is read, reported and refused, and that nothing is half-written."""

import csv
import datetime as dt
import json
import tomllib
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from kaanalysis.company import open_company
from kaanalysis.company_toml import read_company_toml
from kaanalysis.contracts import TABLES, UnusableData
from kaanalysis.imports import detect_encoding, import_source, list_sources, load_maps

MAP = """
title = { en = "Shop.", zh = "商店。" }
reads = { en = "Reads deals.csv.", zh = "读取 deals.csv。" }
cannot_feed = { en = "Cannot feed steps.", zh = "无法提供步骤。" }
citation = "made up"
licence = "CC0"
[company]
name = "Shop"
currency = "CNY"
language = "zh"
as_of = { sql = "SELECT max(closed) FROM deals" }
[sources.deals]
files = ["deals.csv", "deals.xlsx"]
columns = ["id = id | 商机编号", "customer = customer | 客户", "price = price | 金额",
           "closed = closed | 结单日期", "note?"]
types = { number = ["price"], date = ["closed"] }
[[corrections]]
source = "deals"
column = "customer"
values = { "Acmee" = "Acme" }
[[faults]]
source = "deals"
rule = "test_deal"
when = "customer = 'TEST'"
column = "customer"
action = "set_aside"
en = "a test deal"
zh = "测试商机"
[[faults]]
source = "deals"
rule = "not_closed"
when = "closed IS NULL"
column = "closed"
action = "kept"
detail = "'as open'"
en = "no closing date"
zh = "没有结单日期"
[tables.accounts]
from = "SELECT DISTINCT customer FROM deals ORDER BY 1"
[tables.accounts.columns]
account_id = "customer"
industry = "NULL"
[tables.opportunities]
from = "deals"
[tables.opportunities.columns]
opportunity_id = "id"
account_id = "customer"
amount = "price"
closed_at = "closed"
loss_reason = "note"
outcome = "CASE WHEN closed IS NULL THEN 'open' ELSE 'won' END"
[tables.stage_history]
from = "SELECT * FROM deals WHERE false"
[tables.stage_history.columns]
opportunity_id = "id"
stage = "note"
entered_at = "closed"
"""
DEALS = "id,customer,price,closed\n1,Acme,10,2024-05-01\n2,Acmee,x,2024-06-01\n3,TEST,5,2024-07-01\n4,Bolt,7,\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "maps").mkdir()
    (tmp_path / "from").mkdir()
    (tmp_path / "maps" / "shop.toml").write_text(MAP, encoding="utf-8")
    (tmp_path / "from" / "deals.csv").write_text(DEALS, encoding="utf-8")
    return tmp_path


def run(shop: Path, out: str = "out"):
    return import_source("shop", shop / "from", shop / out, maps=shop / "maps")


def rows(folder: Path, table: str) -> list[dict]:
    return pq.read_table(folder / f"{table}.parquet").to_pylist()


def report(folder: Path) -> list[dict]:
    with (folder / "import_report.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def nothing_left(shop: Path) -> bool:
    return sorted(p.name for p in shop.iterdir()) == ["from", "maps"]


def test_a_company_folder_comes_out_with_every_broken_row_named(shop):
    done = run(shop)
    out = shop / "out"
    assert done.rows == {"accounts": 2, "opportunities": 3}
    assert [(r["opportunity_id"], r["account_id"], r["amount"], r["outcome"]) for r in rows(out, "opportunities")] == [
        ("1", "Acme", 10.0, "won"), ("2", "Acme", None, "won"), ("4", "Bolt", 7.0, "open")]  # fmt: skip
    assert [tuple(r.values()) for r in report(out)] == [
        ("deals.csv", "2", "customer", "Acmee", "corrected_value", "corrected: Acme"),
        ("deals.csv", "2", "price", "x", "unreadable_value", "blank"),
        ("deals.csv", "3", "customer", "TEST", "test_deal", "set_aside"),
        ("deals.csv", "4", "closed", "", "not_closed", "kept: as open"),
    ]
    assert done.faults == {"corrected_value": 1, "not_closed": 1, "test_deal": 1, "unreadable_value": 1}
    assert done.notes["test_deal"] == {"en": "a test deal", "zh": "测试商机"}


def test_company_toml_meets_the_contract_and_carries_the_source(shop):
    run(shop)
    info = read_company_toml(shop / "out" / "company.toml")
    assert (info.name, info.currency, info.as_of, info.language) == ("Shop", "CNY", dt.date(2024, 6, 1), "zh")
    assert info.source == {"map": "shop", "citation": "made up", "licence": "CC0"}
    summary = json.loads((shop / "out" / "import.json").read_text(encoding="utf-8"))
    assert summary["files"] == [{"file": "deals.csv", "rows": 4}]
    assert summary["tables"]["accounts"] == {"rows": 2, "columns": ["account_id"]}


def test_columns_that_are_null_throughout_and_empty_tables_are_not_written(shop):
    run(shop)
    assert pq.read_schema(shop / "out" / "accounts.parquet").names == ["account_id"]
    assert "loss_reason" not in pq.read_schema(shop / "out" / "opportunities.parquet").names
    assert not (shop / "out" / "stage_history.parquet").exists()


def test_types_follow_the_contract(shop):
    run(shop)
    schema = pq.read_schema(shop / "out" / "opportunities.parquet")
    assert {name: str(schema.field(name).type) for name in ("opportunity_id", "amount", "closed_at")} == {
        "opportunity_id": "string", "amount": "double", "closed_at": "date32[day]"}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_headers_and_text_in_any_usual_encoding(shop, encoding):
    text = "商机编号,客户,金额,结单日期\r\n一,华为技术,3.5,2024-05-01\r\n二,“㐀𠀀”公司,4,2024-05-02\r\n"
    (shop / "from" / "deals.csv").write_bytes(text.encode(encoding))
    run(shop)
    assert [r["account_id"] for r in rows(shop / "out", "opportunities")] == ["华为技术", "“㐀𠀀”公司"]
    assert report(shop / "out") == []


def test_bytes_that_are_no_text_are_refused(shop):
    (shop / "from" / "deals.csv").write_bytes(b"id,customer\n1,\xff\xff\xff\n")
    with pytest.raises(UnusableData, match=r"deals\.csv is neither UTF-8 nor GB18030"):
        detect_encoding(shop / "from" / "deals.csv")
    with pytest.raises(UnusableData, match=r"deals\.csv"):
        run(shop)
    assert nothing_left(shop)


def test_an_excel_sheet_reads_like_the_csv(shop):
    book = openpyxl.Workbook()
    for line in [
        ["id", "customer", "price", "closed"],
        [1, "Acme", 10, dt.datetime(2024, 5, 1)],
        [2, "Bolt", 7.5, None],
    ]:
        book.active.append(line)
    (shop / "from" / "deals.csv").unlink()
    book.save(shop / "from" / "deals.xlsx")
    run(shop)
    found = rows(shop / "out", "opportunities")
    assert [(r["opportunity_id"], r["amount"], r["closed_at"]) for r in found] == [
        ("1", 10.0, dt.date(2024, 5, 1)), ("2", 7.5, None)]  # fmt: skip


def test_a_row_with_too_few_fields_is_named_and_later_rows_keep_their_number(shop):
    (shop / "from" / "deals.csv").write_text(
        'id,customer,price,closed\n1,"A\n\nB",1,2024-05-01\n2,short\n3,C,bad,2024-05-02\n'
    )
    run(shop)
    assert [(r["row"], r["value"], r["rule"]) for r in report(shop / "out")] == [
        ("2", "2,short", "wrong_number_of_fields"), ("3", "bad", "unreadable_value")]  # fmt: skip
    assert [r["account_id"] for r in rows(shop / "out", "opportunities")] == ["A\n\nB", "C"]


@pytest.mark.parametrize("value", ["nan", "inf", "1,000", "十"])
def test_a_number_that_is_none_is_left_out_and_named(shop, value):
    (shop / "from" / "deals.csv").write_text(f'id,customer,price,closed\n1,A,"{value}",2024-05-01\n', encoding="utf-8")
    run(shop)
    assert [(r["value"], r["rule"]) for r in report(shop / "out")] == [(value, "unreadable_value")]


def test_column_names_are_found_without_regard_to_case_and_underscores(shop):
    (shop / "from" / "deals.csv").write_text("ID,Cus_Tomer,PRICE,Closed\n1,A,2,2024-05-01\n")
    assert run(shop).rows["opportunities"] == 1


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda d: (d / "deals.csv").unlink(), "no file for deals: expected deals.csv or deals.xlsx"),
        (lambda d: (d / "deals.csv").write_text("id,price,closed\n1,2,\n"), "deals.csv has no column customer or 客户"),
        (lambda d: (d / "deals.csv").write_text(""), "deals.csv"),
        (lambda d: (d / "deals.csv").write_text("id,id,customer,price,closed\n1,1,A,2,\n"), "column id more than once"),
        (lambda d: (d / "deals.xlsx").write_bytes(b"no"), "more than one file for deals: deals.csv, deals.xlsx"),
        (lambda d: (d / "deals.csv").write_text("id,customer,price,closed\n1,A,2,\n"), "as_of"),
    ],
)  # fmt: skip
def test_bad_input_is_named_and_leaves_nothing_behind(shop, break_it, words):
    break_it(shop / "from")
    with pytest.raises(UnusableData) as caught:
        run(shop)
    assert words in str(caught.value)
    assert nothing_left(shop)


def test_a_failure_while_writing_leaves_nothing_behind(shop, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("kaanalysis.imports.json.dumps", fail)
    with pytest.raises(OSError, match="disk full"):
        run(shop)
    assert nothing_left(shop)


def test_a_folder_that_holds_something_is_refused_and_kept(shop):
    (shop / "out").mkdir()
    run(shop)  # an empty one is taken
    before = (shop / "out" / "company.toml").read_bytes()
    with pytest.raises(UnusableData, match="already holds something"):
        run(shop)
    assert (shop / "out" / "company.toml").read_bytes() == before


def test_an_import_twice_gives_the_same_bytes(shop):
    run(shop, "a")
    run(shop, "b")
    for name in ("company.toml", "import_report.csv", "import.json", "opportunities.parquet"):
        assert (shop / "a" / name).read_bytes() == (shop / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('licence = "CC0"', 'licence = "CC0"\nlicense = "CC0"', "the map has unknown key license; known are"),
        ("types = {", "type = {", "sources.deals has unknown key type; known are columns, delimiter"),
        ('action = "kept"', 'action = "hidden"', "faults 2: action must be one of kept, set_aside, merged"),
        ('source = "deals"\ncolumn', 'source = "deal"\ncolumn', "corrections 1: source must be one of deals"),
        ('industry = "NULL"', 'sector = "NULL"', "accounts has no column sector; it has account_id"),
        ('outcome = "CASE', 'exit = "CASE', "opportunities must have column outcome"),
        ("[tables.stage_history]", "[tables.stages]", "the contract has no table stages"),
        ('zh = "商店。"', 'de = "Laden."', "title must be given in en and zh"),
        ('citation = "made up"', "", "citation is missing"),
        ("[company]", "[company", "shop.toml is not valid TOML"),
        ("when = \"closed IS NULL\"", "when = \"ended IS NULL\"", "rule not_closed: Binder Error"),
        ('amount = "price"', "amount = \"'ten'\"", "table opportunities: Conversion Error"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_map_is_named(shop, old, new, words):
    assert old in MAP
    (shop / "maps" / "shop.toml").write_text(MAP.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UnusableData) as caught:
        run(shop)
    assert words in str(caught.value)
    assert nothing_left(shop)


def test_a_map_cannot_read_other_files(shop):
    (shop / "secret.csv").write_text("customer\nmine\n")
    stolen = MAP.replace(
        "SELECT DISTINCT customer FROM deals ORDER BY 1", f"SELECT * FROM read_csv('{shop}/secret.csv')"
    )
    (shop / "maps" / "shop.toml").write_text(stolen, encoding="utf-8")
    with pytest.raises(UnusableData, match="Permission Error"):
        run(shop)


def test_an_unknown_source_or_folder_is_refused(tmp_path):
    with pytest.raises(UnusableData, match="no import map named hubspot; known are bpic2020, flow_sheet, maven_crm"):
        import_source("hubspot", tmp_path, tmp_path / "out")
    with pytest.raises(UnusableData, match="does not exist"):
        import_source("salvirt", tmp_path / "nowhere", tmp_path / "out")


def test_the_maps_that_come_with_the_workbook_explain_themselves():
    maps = load_maps()
    assert set(maps) >= {"maven_crm", "salvirt", "olist_funnel", "bpic2020", "salesforce"}
    assert [m.name for m in list_sources()] == list(maps)
    for one in maps.values():
        for lang in ("en", "zh"):
            assert one.licence in one.explain(lang) and one.citation in one.explain(lang)
        for fault in one.faults:
            assert fault["en"] and fault["zh"] and fault["rule"].isidentifier()
        for name, table in one.tables.items():
            assert set(table["columns"]) <= {c.name for c in TABLES[name].columns}


# -- the Salesforce map on a small export with the names that Salesforce itself uses -----------------------------------
SALESFORCE = {
    "Account.csv": "Id,Name,ParentId,Industry,NumberOfEmployees,AnnualRevenue,BillingCountry,"
    "CreatedDate,IsDeleted,MasterRecordId\n"
    "001A,Acme,,IT,100,5000,CN,2023-01-01T00:00:00.000Z,false,\n"
    "001B,Acme old,,,,,,2022-01-01T00:00:00.000Z,true,001A\n"
    "001C,Gone,,,,,,2022-01-01T00:00:00.000Z,true,\n",
    "Opportunity.csv": "Id,AccountId,OwnerId,Type,CreatedDate,CloseDate,IsClosed,IsWon,IsDeleted,Amount,"
    "CurrencyIsoCode\n"
    "0061,001A,0051,New Customer,2023-02-01T09:00:00.000Z,2023-03-01,true,true,false,100,CNY\n"
    "0062,001B,0051,Existing Customer - Upgrade,2023-02-02T09:00:00.000Z,2023-04-01,true,false,false,50,USD\n"
    "0063,001A,0059,,2023-02-03T09:00:00.000Z,2029-01-01,false,false,false,70,CNY\n"
    "0064,001A,0051,,2023-02-04T09:00:00.000Z,2023-03-05,true,true,true,10,CNY\n",
    "OpportunityHistory.csv": "Id,OpportunityId,StageName,CreatedDate,IsDeleted\n"
    "h1,0061,Prospecting,2023-02-01T09:00:00.000Z,false\nh2,0061,Prospecting,2023-02-02T09:00:00.000Z,false\n"
    "h3,0061,Closed Won,2023-03-01T09:00:00.000Z,false\n",
    "OpportunityLineItem.csv": "Id,OpportunityId,Product2Id,Quantity,ListPrice,TotalPrice,IsDeleted\n"
    "l1,0061,01t1,2,60,100,false\nl2,0063,01t1,1,60,60,false\n",
    "OpportunityContactRole.csv": "Id,OpportunityId,ContactId,Role,IsPrimary,IsDeleted\n"
    "r1,0061,0031,Decision Maker,true,false\nr2,0061,0032,Influencer,false,false\n",
    "Contact.csv": "Id,Department\n0031,Sales\n",
    "Task.csv": "Id,WhatId,WhoId,OwnerId,Type,Subject,IsClosed,IsDeleted,CreatedDate,ActivityDate\n"
    "t1,0061,0031,0051,Call,price,true,false,2023-02-05T09:00:00.000Z,2023-02-06\n"
    "t2,0061,,0051,,later,false,false,2023-02-05T09:00:00.000Z,2023-09-06\n"
    "t3,001A,,0051,,account,true,false,2023-02-05T09:00:00.000Z,2023-02-06\n",
    "User.csv": "Id,Name\n0051,Li Wei\n",
    "Product2.csv": "Id,Name\n01t1,Suite\n",
}


@pytest.fixture
def salesforce(tmp_path: Path) -> Path:
    (tmp_path / "from").mkdir()
    for name, text in SALESFORCE.items():
        (tmp_path / "from" / name).write_text(text, encoding="utf-8")
    import_source("salesforce", tmp_path / "from", tmp_path / "out")
    return tmp_path / "out"


def test_salesforce_deals_keep_their_meaning(salesforce):
    deals = {r["opportunity_id"]: r for r in rows(salesforce, "opportunities")}
    assert {k: (v["account_id"], v["outcome"], v["owner"], v["origin"]) for k, v in deals.items()} == {
        "0061": ("001A", "won", "Li Wei", "new"),
        "0062": ("001A", "lost", "Li Wei", "upgrade"),  # of the account that was merged into 001A
        "0063": ("001A", "open", "0059", None),
    }
    assert deals["0063"]["closed_at"] is None  # the close date of an open deal is a forecast
    assert [deals[k]["amount"] for k in ("0061", "0062", "0063")] == [100.0, None, 70.0]  # one currency
    assert tomllib.loads((salesforce / "company.toml").read_text(encoding="utf-8"))["currency"] == "CNY"
    assert [r["account_id"] for r in rows(salesforce, "accounts")] == ["001A"]


def test_salesforce_histories_activities_people_and_lines(salesforce):
    assert [(r["stage"], r["entered_at"].day) for r in rows(salesforce, "stage_history")] == [
        ("Prospecting", 1),
        ("Closed Won", 1),
    ]
    assert [(r["action"], r["person_id"], r["topic"]) for r in rows(salesforce, "activities")] == [
        ("Call", "0031", "price")
    ]
    person = rows(salesforce, "stakeholders")[0]
    assert (person["person_id"], person["role"], person["part"], person["key_person"]) == (
        "0031",
        "manager",
        "approve",
        True,
    )
    line = rows(salesforce, "order_lines")[0]
    assert (line["product"], line["amount"], line["list_amount"], line["at"]) == (
        "Suite",
        100.0,
        120.0,
        dt.date(2023, 3, 1),
    )
    named = {(r["file"], r["row"], r["rule"]) for r in report(salesforce)}
    assert named == {
        ("Account.csv", "2", "merged"), ("Account.csv", "3", "deleted"), ("Opportunity.csv", "4", "deleted"),
        ("Opportunity.csv", "2", "other_currency"), ("OpportunityHistory.csv", "2", "stage_unchanged"),
        ("OpportunityLineItem.csv", "2", "deal_not_won"), ("OpportunityContactRole.csv", "2", "role_not_mapped"),
        ("Task.csv", "2", "not_done"), ("Task.csv", "3", "no_opportunity"),
    }  # fmt: skip


def test_tables_as_csv_hold_the_same_as_parquet(shop):
    """A spreadsheet opens CSV, not Parquet; the company read back must be the same."""
    run(shop, "parquet")
    import_source("shop", shop / "from", shop / "csv", maps=shop / "maps", as_csv=True)
    assert (shop / "csv" / "accounts.csv").read_bytes().startswith(b"\xef\xbb\xbf") and not list(
        (shop / "csv").glob("*.parquet")
    )
    both = [open_company(shop / kind) for kind in ("parquet", "csv")]
    for name in both[0].tables:
        assert both[0].tables[name].execute().equals(both[1].tables[name].execute()), name
    assert both[0].faults == both[1].faults
