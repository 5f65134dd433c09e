"""Flow sheets: headings and choices in either language, what is reported, adding to a company, the template, the worked purchases."""

from __future__ import annotations

import csv
import filecmp
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from company_files import write_company

from kaanalysis import workbook
from kaanalysis.analyses import flow_library
from kaanalysis.company import open_company
from kaanalysis.contracts import PARTS, ROLES, UnusableData
from kaanalysis.flow_sheets import headings, import_flow_sheets, write_template
from kaanalysis.policy import load_policy

SHEET = """flow,step,part,role,department,key person,days,category,industry,size band,amount,interview date,interviewer,saving,time
A,asks,do,manager,sales,yes,3,crm,retail,5000+,1000,2026-02-01,me,500,20
,approves,approve,CFO,finance,,5,,,,,,,100,10
B,asks,do,user,,,1,crm,retail,100-999,50,2026-03-01,me,,
,is told,informed,legal,,,,,,,,,,,
"""


def sheet(folder: Path, text: str = SHEET, name: str = "talks.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def table(folder: Path, name: str) -> pd.DataFrame:
    path = folder / f"{name}.parquet"
    return (
        pd.read_parquet(path)
        if path.is_file()
        else pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
    )


def test_a_sheet_becomes_a_company_that_can_be_read(tmp_path: Path) -> None:
    made = import_flow_sheets(sheet(tmp_path / "in"), tmp_path / "out")
    company = open_company(tmp_path / "out")
    assert not made.added and made.rows == {"value_items": 4, "buying_steps": 4} and made.faults == {}
    steps = table(tmp_path / "out", "buying_steps")
    assert steps[["flow_id", "part", "role", "step_no", "category", "amount"]].to_numpy().tolist() == [
        ["A", "do", "manager", 1, "crm", 1000.0], ["A", "approve", "finance", 2, "crm", 1000.0],
        ["B", "do", "user", 1, "crm", 50.0], ["B", "inform", "legal", 2, "crm", 50.0],
    ]  # fmt: skip
    assert (steps["source"] == "interview").all()
    items = table(tmp_path / "out", "value_items")
    assert items.to_numpy().tolist() == [
        ["A", "manager", "saving", 500.0], ["A", "manager", "time", 20.0], ["A", "finance", "saving", 100.0], ["A", "finance", "time", 10.0],
    ]  # fmt: skip
    assert company.interviews["key_person"].where(company.interviews["key_person"].notna(), None).tolist() == [
        "manager",
        None,
    ]
    assert str(company.info.as_of) == "2026-03-01" and company.rows_valid["buying_steps"] == 4
    assert made.samples.set_index("flow_id")["answers"].to_dict() == {"A": True, "B": False}
    assert "no_approver" in made.samples.set_index("flow_id").loc["B", "lacks"]


def chinese(text: str) -> str:
    """The English sheet with Chinese headings and choices."""
    names = {english: zh for _, english, zh in headings()}
    rows = list(csv.reader(text.splitlines()))
    words = {
        "do": "办理",
        "approve": "审批",
        "informed": "告知",
        "manager": "管理人",
        "CFO": "财务",
        "user": "使用者",
        "legal": "法务",
        "yes": "是",
    }
    head = [names[h] for h in rows[0]]
    return "\n".join(",".join(r) for r in [head, *([words.get(c, c) for c in row] for row in rows[1:])]) + "\n"


@pytest.mark.parametrize("form", ["gb18030", "utf-8-sig", "xlsx", "both"])
def test_every_form_of_the_sheet_reads_the_same(tmp_path: Path, form: str) -> None:
    import_flow_sheets(sheet(tmp_path / "en"), tmp_path / "plain")
    path = tmp_path / "zh" / "talks.csv"
    path.parent.mkdir()
    if form in ("xlsx", "both"):
        book = openpyxl.Workbook()
        rows = list(csv.reader((chinese(SHEET) if form == "xlsx" else SHEET).splitlines()))
        if form == "both":  # as the template has them
            names = {english: f"{english} {zh}" for _, english, zh in headings()}
            rows[0] = [names[h] for h in rows[0]]
            rows = [[{"approve": "approve 审批", "manager": "manager 管理人"}.get(c, c) for c in r] for r in rows]
        for row in rows:
            book.worksheets[0].append([float(c) if c.isdigit() else c or None for c in row])
        path = path.with_suffix(".xlsx")
        book.save(path)
    else:
        path.write_bytes(chinese(SHEET).encode(form))
    import_flow_sheets(path, tmp_path / "other")
    for name in ("buying_steps", "value_items"):
        pd.testing.assert_frame_equal(table(tmp_path / "plain", name), table(tmp_path / "other", name))
    kept = [c for c in open_company(tmp_path / "plain").interviews if c != "company"]
    pd.testing.assert_frame_equal(
        open_company(tmp_path / "plain").interviews[kept], open_company(tmp_path / "other").interviews[kept]
    )


def test_broken_rows_are_named_in_both_languages_and_the_rest_is_read(tmp_path: Path) -> None:
    text = (
        "flow,step,part,role,amount,saving\n,lost,do,user,,\nA,asks,do,chief happiness officer,ten,7\n"
        "A,,approve,finance,,\nA,decides,blesses,owner,,\nA,decides,approve,owner,5,\nA,signs,approve,legal,6,\n"
    )
    made = import_flow_sheets(sheet(tmp_path / "in", text), tmp_path / "out")
    assert made.faults == {
        "no_flow": 1, "no_step": 1, "told_twice": 1, "unknown_part": 1, "unknown_role": 1, "unreadable_value": 1, "value_without_role": 1,
    }  # fmt: skip
    assert all(set(made.notes[rule]) == {"en", "zh"} for rule in made.faults)
    steps = table(tmp_path / "out", "buying_steps")
    assert steps["step"].tolist() == ["asks", "decides", "signs"] and set(steps["amount"]) == {5.0}
    assert steps["role"].tolist()[0] == "chief happiness officer"
    with (tmp_path / "out" / "import_report.csv").open(encoding="utf-8-sig") as stream:
        assert {(r["rule"], r["row"]) for r in csv.DictReader(stream)} >= {
            ("no_flow", "1"),
            ("unknown_part", "4"),
            ("told_twice", "6"),
        }


@pytest.mark.parametrize("as_csv", [True, False])
def test_sheets_are_added_to_a_company_that_is_there(tmp_path: Path, as_csv: bool) -> None:
    log = "flow_id,step,part,opportunity_id,at,source\nO1,call,do,O1,2025-12-02,log\n"
    out = write_company(tmp_path / "company", {"buying_steps": log})
    if not as_csv:
        pd.read_csv(out / "buying_steps.csv").to_parquet(out / "buying_steps.parquet")
        (out / "buying_steps.csv").unlink()
    before = open_company(out)
    made = import_flow_sheets(sheet(tmp_path / "in"), out)
    company = open_company(out)
    assert (
        made.added
        and company.rows_valid["buying_steps"] == 5
        and company.rows_valid["accounts"] == before.rows_valid["accounts"]
    )
    steps = company.table("buying_steps").execute().set_index("flow_id")
    assert (
        steps.loc["O1", "source"] == "log"
        and str(steps.loc["O1", "at"])[:10] == "2025-12-02"
        and (steps.loc["B", "source"] == "interview").all()
    )
    assert set(company.interviews["flow_id"]) == {"A", "B"} and company.data_hash != before.data_hash
    again = [p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()]
    with pytest.raises(UnusableData, match="already has the flow A, B"):
        import_flow_sheets(sheet(tmp_path / "in"), out)
    assert again == [p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()], "a refused import changes nothing"
    import_flow_sheets(sheet(tmp_path / "more", SHEET.replace("A,asks", "C,asks").replace("B,asks", "D,asks")), out)
    assert {p.name for p in (out / "interviews").iterdir()} == {"talks.csv", "talks 2.csv"}
    assert open_company(out).rows_valid["buying_steps"] == 9 and not list(out.rglob("*.partial"))


def test_an_import_that_broke_off_can_be_done_again(tmp_path: Path) -> None:
    """Value items and interviews are written before the steps; left without them they are replaced, not doubled."""
    out = write_company(tmp_path / "company", {})
    import_flow_sheets(sheet(tmp_path / "in"), out)
    next(p for p in out.iterdir() if p.stem == "buying_steps").unlink()
    import_flow_sheets(sheet(tmp_path / "in"), out)
    assert open_company(out).rows_valid["value_items"] == 4 and [p.name for p in (out / "interviews").iterdir()] == [
        "talks.csv"
    ]


def test_several_sheets_of_a_folder_make_one_company(tmp_path: Path) -> None:
    sheet(tmp_path / "in")
    sheet(tmp_path / "in", SHEET.replace("A,asks", "C,asks").replace("B,asks", "D,asks"), "z.csv")
    made = import_flow_sheets(tmp_path / "in", tmp_path / "out")
    assert (
        set(made.samples["flow_id"]) == {"A", "B", "C", "D"}
        and open_company(tmp_path / "out").rows_valid["buying_steps"] == 8
    )
    sheet(tmp_path / "in", SHEET, "again.csv")
    with pytest.raises(UnusableData, match="both have the flow 'A'"):
        import_flow_sheets(tmp_path / "in", tmp_path / "other")
    assert not (tmp_path / "other").exists() and {p.name for p in tmp_path.iterdir()} == {"in", "out"}


def test_what_cannot_be_added_is_refused(tmp_path: Path) -> None:
    out = write_company(tmp_path / "company", {})
    foreign = (
        SHEET.replace("flow,", "currency,flow,")
        .replace("\nA,", "\nEUR,A,")
        .replace("\n,", "\n,,")
        .replace("\nB,", "\n,B,")
    )
    with pytest.raises(UnusableData, match="is in EUR, the company in CNY"):
        import_flow_sheets(sheet(tmp_path / "in", foreign), out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnusableData, match="no flow sheet"):
        import_flow_sheets(tmp_path / "empty", out)
    with pytest.raises(UnusableData, match="does not exist"):
        import_flow_sheets(tmp_path / "nowhere", out)
    sheet(tmp_path / "thing", "x", "x.csv")
    with pytest.raises(UnusableData, match="no company"):
        import_flow_sheets(sheet(tmp_path / "in"), tmp_path / "thing")
    with (out / "company.toml").open("a", encoding="utf-8") as stream:
        stream.write('database = "company.duckdb"\n')
    with pytest.raises(UnusableData, match="database"):
        import_flow_sheets(sheet(tmp_path / "in"), out)


def test_the_template_offers_the_contract_s_choices_and_its_example_imports(tmp_path: Path) -> None:
    path = write_template(tmp_path / "sheet.xlsx")
    book = openpyxl.load_workbook(path)
    first, english, zh, meaning = book.worksheets
    assert [c.value for c in first[1]] == [f"{e} {z}" for _, e, z in headings()]
    offered = {rule.formula1 for rule in first.data_validations.dataValidation}
    words = {text.split(" ")[0] for rule in offered for text in rule.strip('"').split(",")}
    assert {*ROLES, *PARTS, "do"} <= words and all(len(rule) <= 255 for rule in offered), "Excel takes no longer list"
    assert meaning.max_row == len(headings()) + 1 and all(
        cell.value for row in meaning.iter_rows(min_row=2) for cell in row
    )
    for example in (english, zh):
        only = openpyxl.Workbook()
        for row in example.iter_rows(values_only=True):
            only.worksheets[0].append(row)
        only.save(tmp_path / f"{example.title}.xlsx")
        made = import_flow_sheets(tmp_path / f"{example.title}.xlsx", tmp_path / example.title)
        assert made.faults == {} and made.samples["answers"].all()
    # A choice as offered is read as meant.
    for row in (["X", "s", "approve 审批"], [None, "t", "do 办理"]):
        first.append(row)
    book.save(tmp_path / "filled.xlsx")
    import_flow_sheets(tmp_path / "filled.xlsx", tmp_path / "filled")
    assert table(tmp_path / "filled", "buying_steps")["part"].tolist() == ["approve", "do"]
    with pytest.raises(UnusableData, match="there already"):
        write_template(path)
    with pytest.raises(UnusableData, match=r"\.xlsx"):
        write_template(tmp_path / "x.csv")


WORKED = [(language, name) for language in ("en", "zh") for name in ("crm", "reimbursement")]


@pytest.mark.parametrize(("language", "name"), WORKED)
def test_worked_purchases_are_what_their_sheets_import_to(tmp_path: Path, language: str, name: str) -> None:
    kept = Path(__file__).parents[1] / "data" / "flows" / language / name
    import_flow_sheets(kept / "sheet" / f"{name}.csv", tmp_path / "made", as_csv=True)
    files = sorted(p.relative_to(tmp_path / "made") for p in (tmp_path / "made").rglob("*") if p.is_file())
    same, different, missing = filecmp.cmpfiles(tmp_path / "made", kept, [str(f) for f in files], shallow=False)
    assert not different and not missing and len(same) == 8
    assert open_company(workbook.worked(name, language)).info.language == language


def order(name: str, language: str, flow: str) -> list[str]:
    company = open_company(workbook.worked(name, language))
    _, frames = flow_library.find(company, load_policy())
    return frames["party_order"].query("flow_id == @flow")["party"].tolist()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_reimbursement_system_goes_in_the_method_s_order(language: str) -> None:
    """M-2.4: administration → team heads → risk control and audit → finance → only then price (procurement)."""
    found = order("reimbursement", language, "reimbursement")
    assert [p for p in found if p != "user"] == ["administration", "manager", "risk_audit", "finance", "procurement"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_crm_is_approved_within_authority_and_explained_above_it(language: str) -> None:
    """M-2.5: within authority the head of sales management approves; above it a memo is explained more than once and another approves."""
    company = open_company(workbook.worked("crm", language))
    steps = company.table("buying_steps").execute()
    within, above = (steps[steps["flow_id"] == f] for f in ("crm-within", "crm-above"))
    assert (
        within["amount"].max()
        <= within["authority_limit"].max()
        == above["authority_limit"].max()
        < above["amount"].max()
    )
    decides = [set(f.loc[f["part"] == "approve", "role"]) for f in (within, above)]
    assert decides == [{"manager", "finance", "legal"}, {"owner", "finance", "legal"}]
    assert (above["role"] == "owner").sum() == 3 and "owner" not in set(within["role"])
    for flow in (within, above):
        watchers = set(flow.loc[flow["part"] == "influence", "role"].dropna())
        assert watchers == {"procurement", "technology"} and (flow["part"] == "influence").sum() == 3
    assert order("crm", language, "crm-within")[0] == order("crm", language, "crm-above")[0] == "manager"


def test_every_role_of_a_worked_purchase_gains_if_told_and_none_but_the_told_would() -> None:
    """Each account is positive in full and negative without its gains: whoever is not told what is in it for them sees a cost."""
    for name in ("reimbursement", "crm"):
        items = open_company(workbook.worked(name)).table("value_items").execute()
        gain = items["item"].isin(["income", "saving"])
        for _, mine in items.groupby(["flow_id", "role"]):
            gains, costs = mine.loc[gain[mine.index], "amount"].sum(), mine.loc[~gain[mine.index], "amount"].sum()
            assert gains > costs > 0


def test_an_unknown_worked_purchase_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnusableData, match="crm, reimbursement"):
        workbook.worked("erp")
    with pytest.raises(UnusableData, match="en, zh"):
        workbook.worked("crm", "fr")
