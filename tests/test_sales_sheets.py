"""The sheet as an Excel file: there and back without loss, edits taken as meant, every mistake named with its place."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from kaanalysis.analyses.sales_sheet import demanded
from kaanalysis.company import open_company
from kaanalysis.contracts import LANES, ROLES, UnusableData
from kaanalysis.sales_sheets import (
    FACTS,
    HEADINGS,
    NODE,
    SHEET,
    from_lines,
    import_sheet,
    in_lines,
    read_saved,
    read_sheet,
    save_sheet,
    typed,
    write_sheet,
)
from kaanalysis.selling import STEP_PARTS, catalogue, item_key

COLUMN = {field: place for place, (field, _, _) in enumerate(HEADINGS, start=1)}
NODES = pd.DataFrame(
    [
        (1, "need raised", "user", "business", "do", False, 0.99, 0.96, 0.999362, 133.0),
        (2, "budget, first talk", None, "财务部", "approve", True, 0.21, math.nan, math.nan, 133.0),
        (3, "合同审核", "legal", None, "approve", False, 1.0, 0.9, 1.0, 133.0),
    ],
    columns=[*NODE, *FACTS],
)


def sheet() -> pd.DataFrame:
    return demanded(NODES, catalogue())


def same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(a, b)


# Names as people write them: any script, commas, quotes, line breaks, a leading = or blank lines inside; no blanks around, which no
# reader of a spreadsheet can see.
_text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="\ufffe\uffff\x85\u2028\u2029"),
    min_size=1, max_size=12,
)  # fmt: skip
names = st.one_of(
    st.lists(_text, min_size=1, max_size=3).map("\n".join),
    st.sampled_from(["账户计划", "=1+1", "a, b", "a\n\n b", '"', "-x", "总经理会面，当面谈", "x [x]", "\u3000缩进\n  两格"]),
).map(str.strip).filter(bool)  # fmt: skip
shares = st.one_of(st.just(math.nan), st.integers(0, 10**6).map(lambda x: x / 10**6))


@st.composite
def sheets(draw: Any) -> pd.DataFrame:
    known = {lane: [] for lane in LANES}  # type: dict[str, list[tuple[str, str, str]]]
    for lane in LANES:
        for name in draw(st.lists(names, max_size=4, unique_by=item_key)):
            known[lane].append((item_key(name), draw(st.sampled_from([name, item_key(name)])), draw(names)))
    roles = st.one_of(st.none(), st.sampled_from(ROLES), st.just("工会"))
    marks = draw(st.lists(st.tuples(names, roles), min_size=1, max_size=4, unique=True))
    rows = []
    for node, (step, role) in enumerate(marks, start=1):
        about = (node, step, role, draw(st.one_of(st.none(), names)), draw(st.sampled_from(STEP_PARTS)))
        facts = (draw(st.booleans()), draw(shares), draw(shares), draw(shares), float(draw(st.integers(0, 9999))))
        told = [(lane, *item) for lane in LANES for item in known[lane] if draw(st.booleans())]
        rows += [(*about, *t, *facts) for t in told or [(None, None, None, None)]]
    return typed(pd.DataFrame(rows, columns=SHEET))


@given(sheets(), st.sampled_from(["en", "zh"]))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_there_and_back_is_the_identity(tmp_path: Path, made: pd.DataFrame, language: str) -> None:
    same(read_sheet(write_sheet(tmp_path / "s.xlsx", made, language), catalogue()), made)
    save_sheet(tmp_path, made)
    saved, digest = read_saved(tmp_path)
    assert saved is not None and len(digest) == 32
    same(saved, made)


@given(st.lists(names, max_size=5))
def test_names_as_lines_of_a_cell_come_back(items: list[str]) -> None:
    assert from_lines(in_lines(items)) == items


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_generated_sheet_comes_back_as_it_was(tmp_path: Path, language: str) -> None:
    path = write_sheet(tmp_path / "sheet.xlsx", sheet(), language)
    page = openpyxl.load_workbook(path).worksheets[0]
    assert [c.value for c in page[1]][:2] == ["node 节点", "step 步骤"] and page.max_row == 4
    wanted = {"en": "clause review\nnegotiation\nsign-off preparation", "zh": "条款逐条商议\n商务谈判\n签批准备"}
    assert page.cell(4, COLUMN["action"]).value == wanted[language]
    assert page.cell(4, COLUMN["role"]).value == "legal 法务" and page.cell(2, COLUMN["part"]).value == "do 办理"
    same(read_sheet(path, catalogue()), sheet())


def edited(tmp_path: Path, edit: Callable[[Worksheet], None], language: str = "en") -> Path:
    path = write_sheet(tmp_path / "sheet.xlsx", sheet(), language)
    book = openpyxl.load_workbook(path)
    edit(book.worksheets[0])
    book.save(path)
    return path


def test_an_analyst_adds_removes_renames_items_and_nodes(tmp_path: Path) -> None:
    def edit(page: Worksheet) -> None:
        page.cell(2, COLUMN["action"]).value = "discovery interview\n产品共创会\nDEMO"
        page.cell(2, COLUMN["support"]).value = None
        page.delete_rows(3)
        page.insert_rows(2)
        page.cell(2, COLUMN["step"]).value, page.cell(2, COLUMN["part"]).value = "工会听证", "告知"
        page.cell(2, COLUMN["role"]).value, page.cell(2, COLUMN["information"]).value = "法务", "变化说明"

    found = read_sheet(edited(tmp_path, edit), catalogue())
    assert found.drop_duplicates("node")[["node", "step", "role", "part"]].values.tolist() == [
        [1, "工会听证", "legal", "inform"], [2, "need raised", "user", "do"], [3, "合同审核", "legal", "approve"],
    ]  # fmt: skip
    second = found[found["node"] == 2]
    action = second[second["lane"] == "action"]
    assert action["item"].tolist() == ["discovery interview", "产品共创会", "solution demonstration"], (
        "an alias is read"
    )
    assert action["item_en"].tolist()[1] == action["item_zh"].tolist()[1] == "产品共创会", "a new item has one name"
    assert "support" not in set(second["lane"]) and math.isnan(found["share"].iloc[0])
    untouched = sheet().query("node == 3").reset_index(drop=True)
    same(found[found["node"] == 3].reset_index(drop=True), untouched)


def put(field: str, value: object, row: int = 3) -> Callable[[Worksheet], None]:
    def edit(page: Worksheet) -> None:
        page.cell(row, COLUMN[field]).value = value  # type: ignore[assignment]

    return edit


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            put("part", "decides"),
            r"sheet\.xlsx, sales sheet 销售流程表, row 3, part, value 'decides': must be one of approve 审批",
        ),
        (put("part", None), r"row 3, part: must be one of"),
        (put("step", None), r"row 3, step: a node needs the name"),
        (put("share", "half"), r"row 3, share, value 'half': must be a number from 0 to 1"),
        (put("share", 1.5), r"row 3, share, value '1\.5': must be a number from 0 to 1"),
        (put("flows", -1), r"row 3, flows, value '-1': must be a number from 0\."),
        (put("conditional", "maybe"), r"row 3, above a limit only, value 'maybe': must be yes"),
        (put("action", "=A1"), r"row 3, action, value '=A1': must be text or a number, not a formula"),
        (put("action", "negotiation\nNegotiation"), r"row 3, action, value 'Negotiation': an item occurs once"),
        (
            lambda p: (put("step", "合同审核")(p), put("role", "legal")(p)),
            r"row 4, step, value '合同审核': a step occurs once",
        ),
        (lambda p: p.delete_cols(COLUMN["system"]), r"row 1, system support 系统支持: the column is missing"),
        (lambda p: p.delete_cols(COLUMN["part"]), r"has no page with the columns"),
        (lambda p: p.delete_rows(2, 9), r"sales sheet 销售流程表: holds no node"),
    ],
)
def test_mistakes_are_named_with_page_row_column_value_and_rule(
    tmp_path: Path, edit: Callable[[Worksheet], None], said: str
) -> None:
    with pytest.raises(UnusableData, match=said):
        read_sheet(edited(tmp_path, edit), catalogue())


def test_all_mistakes_of_a_sheet_are_told_at_once(tmp_path: Path) -> None:
    def edit(page: Worksheet) -> None:
        put("part", "x")(page)
        put("step", None, row=4)(page)

    with pytest.raises(UnusableData) as error:
        read_sheet(edited(tmp_path, edit), catalogue())
    assert str(error.value).count("\n") == 1


def test_a_name_that_no_workbook_can_hold_is_named(tmp_path: Path) -> None:
    made = sheet()
    made["step"] = made["step"].replace("need raised", "need\x07raised")
    with pytest.raises(UnusableData, match="has the character"):
        write_sheet(tmp_path / "s.xlsx", made, "en")


def test_a_saved_sheet_is_the_company_s_and_other_data(company_folder: Callable[..., Path], tmp_path: Path) -> None:
    folder = company_folder()
    before = open_company(folder)
    assert before.sheet is None and read_saved(folder) == (None, b"")
    imported = import_sheet(write_sheet(tmp_path / "s.xlsx", sheet(), "zh"), folder)
    after = open_company(folder)
    assert after.sheet is not None and after.data_hash != before.data_hash
    same(after.sheet, imported)
    same(imported, sheet())
    assert not after.faults or after.faults == before.faults, "the folder sheets is no unknown table"


def test_the_company_s_own_items_are_read_by_their_aliases(company_folder: Callable[..., Path], tmp_path: Path) -> None:
    folder = company_folder()
    (folder / "lanes").mkdir()
    own = '[items.action]\n"joint lab" = { zh = "联合实验室", aliases = ["lab day"] }\n'
    (folder / "lanes" / "ours.toml").write_text(own, encoding="utf-8")
    path = edited(tmp_path, put("action", "Lab Day"))
    found = import_sheet(path, folder)
    row = found[(found["node"] == 2) & (found["lane"] == "action")].iloc[0]
    assert (row["item"], row["item_zh"]) == ("joint lab", "联合实验室")


def test_what_is_no_sheet_or_no_company_is_refused(company_folder: Callable[..., Path], tmp_path: Path) -> None:
    folder = company_folder()
    (tmp_path / "text.xlsx").write_text("no workbook")
    with pytest.raises(UnusableData, match="cannot be read as an Excel workbook"):
        import_sheet(tmp_path / "text.xlsx", folder)
    with pytest.raises(UnusableData, match="is no Excel workbook"):
        import_sheet(tmp_path / "none.xlsx", folder)
    with pytest.raises(UnusableData, match="is no company folder"):
        import_sheet(write_sheet(tmp_path / "s.xlsx", sheet(), "en"), tmp_path)
    save_sheet(folder, sheet())
    saved = folder / "sheets" / "sales_sheet.csv"
    saved.write_text(saved.read_text(encoding="utf-8-sig").replace("approve", "decide"), encoding="utf-8")
    with pytest.raises(UnusableData, match="is no saved sales sheet"):
        open_company(folder)
