"""The blank sheet (M-3.5) as a file: an Excel workbook for the analyst, read back without loss; and the saved sheet beside a company.

The workbook has one row per node of the customer's flow, a cell per lane with one item to a line, and a page that says which item a name
stands for. The order of rows is the order of nodes. A line that begins with a blank belongs to the item above it, so that names may have
line breaks. ``kaanalysis import sales_sheet`` stores it as ``sheets/sales_sheet.csv`` in the company's folder: one row per node and item.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from kaanalysis.contracts import LANES, UnusableData
from kaanalysis.disk import drafted
from kaanalysis.lanes import read_lanes
from kaanalysis.paths import workbook_file
from kaanalysis.selling import STEP_PARTS, Catalogue, Item, catalogue, item_key

SOURCE = "sales_sheet"
FOLDER, FILE = "sheets", "sales_sheet.csv"
NODE = ["node", "step", "role", "department", "part"]
FACTS = ["conditional", "share", "share_low", "share_high", "flows"]
SHEET = [*NODE, "lane", "item", "item_en", "item_zh", *FACTS]
# (field, English heading, Chinese heading); a sheet may have either or both.
HEADINGS = (
    ("node", "node", "节点"), ("step", "step", "步骤"), ("role", "role", "角色"), ("department", "department", "部门"),
    ("part", "part", "参与方式"), ("action", "sales action", "销售动作"), ("information", "information exchanged", "信息交换"),
    ("system", "system support", "系统支持"), ("capability", "seller capability", "能力要求"),
    ("support", "collaborating teams", "协同团队"), ("conditional", "above a limit only", "仅超权限"),
    ("share", "share of purchases", "占比"), ("share_low", "from", "下限"), ("share_high", "to", "上限"),
    ("flows", "purchases", "采购笔数"),
)  # fmt: skip
NEEDED = ("step", "part", *LANES)
ITEM_HEADINGS = (
    ("lane", "lane", "泳道"), ("written", "as written", "表中写法"), ("item", "key", "键"), ("item_en", "English", "英文"),
    ("item_zh", "Chinese", "中文"),
)  # fmt: skip
ITEMS_PAGE, SHEET_PAGE, GUIDE_PAGE = "items 条目", "sales sheet 销售流程表", "how to 用法"
GUIDE = (
    ("One row is one node of the customer's flow; the order of rows is the order of nodes.",
     "一行是客户流程的一个节点，行的先后就是节点的先后。"),
    ("In a lane's cell, one item to a line. A line that begins with a blank belongs to the item above it.",
     "泳道单元格里一行写一个条目；以空格开头的行接上一个条目。"),
    ("Add, remove or rename rows and items freely; a new name is a new item. Its name in the other language goes on the page of items.",
     "行和条目可随意增删改名，新名字就是新条目；另一种语言的叫法写在条目页。"),
    ("Back into the workbook: kaanalysis import sales_sheet THIS.xlsx --out COMPANY",
     "改好后导入：kaanalysis import sales_sheet 本文件.xlsx --out 公司文件夹"),
)  # fmt: skip
SHOWN_FAULTS = 20


@cache
def _choices(field: str) -> dict[str, str]:
    """A role's or part's label in sheets ("finance 财务") by its key."""
    guide = tomllib.loads(workbook_file("data/flows/guide.toml").read_text(encoding="utf-8"))
    return {label.split(" ")[0]: label for label in guide["choices"][field]}


def _decoded(field: str, text: str) -> str:
    """The key of a role or part that a sheet calls so, by key, Chinese name or both; else the text itself."""
    plain = text.strip().casefold()
    for key, label in _choices(field).items():
        if plain in (key, label.casefold(), label.partition(" ")[2].casefold()):
            return key
    return text


def empty_sheet() -> pd.DataFrame:
    """A sheet without nodes, with the columns :data:`SHEET`."""
    return pd.DataFrame(columns=SHEET, dtype=object)


def in_lines(items: list[str]) -> str:
    """Names as the lines of one cell; a name's own line breaks are followed by two blanks."""
    return "\n".join(name.replace("\n", "\n  ") for name in items)


def from_lines(cell: str) -> list[str]:
    """The mirror of :func:`in_lines`; empty lines between items are nothing."""
    items: list[str] = []
    for line in cell.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if items and line.startswith(" "):
            items[-1] += "\n" + line[2 if line.startswith("  ") else 1 :]
        elif line.strip():
            items.append(line)
    return [item.strip() for item in items]


def _written(sheet: pd.DataFrame, language: str) -> dict[tuple[str, str], tuple[str, dict[str, str]]]:
    """(lane, item) → (how cells write it: its name in the language, with the key behind it where a lane has the name already; its row)."""
    items = sheet.dropna(subset=["lane"]).drop_duplicates(["lane", "item"])
    taken: set[tuple[str, str]] = set()
    out = {}
    for row in items[["lane", "item", "item_en", "item_zh"]].astype(str).to_dict("records"):
        written = row["item_zh" if language == "zh" else "item_en"]
        while (row["lane"], written) in taken:
            written += f" [{row['item']}]"
        taken.add((row["lane"], written))
        out[(row["lane"], row["item"])] = (written, {str(k): v for k, v in row.items()})
    return out


def write_sheet(path: Path, sheet: pd.DataFrame, language: str) -> Path:
    """Write a sheet (columns :data:`SHEET`) as an Excel workbook with items named in the language, complete or not at all. Raises
    UnusableData for a name that a workbook cannot hold."""
    items = _written(sheet, language)
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = SHEET_PAGE
    _row(page, [f"{en} {zh}" for _, en, zh in HEADINGS])
    for _, mine in sheet.groupby("node", sort=True):
        node = mine.iloc[0]
        cells: list[Any] = []
        for field, _, _ in HEADINGS:
            if field in LANES:
                cells.append(
                    in_lines([items[(field, str(i))][0] for i in mine.loc[mine["lane"] == field, "item"]]) or None
                )
                continue
            value: Any = None if pd.isna(node[field]) else node[field]
            if field in ("role", "part") and value is not None:
                value = _choices(field).get(str(value), value)
            if field == "conditional":
                value = "yes 是" if value else None
            cells.append(value.item() if hasattr(value, "item") else value)
        _row(page, cells)
    _row(list_page := book.create_sheet(ITEMS_PAGE), [f"{en} {zh}" for _, en, zh in ITEM_HEADINGS])
    for written, item in items.values():
        _row(list_page, [item["lane"], written, item["item"], item["item_en"], item["item_zh"]])
    guide = book.create_sheet(GUIDE_PAGE)
    for english, chinese in GUIDE:
        _row(guide, [english, chinese])
    widths = {"node": 7, "step": 22, "role": 18, "department": 18, "part": 14, **dict.fromkeys(LANES, 30)}
    for place, (field, _, _) in enumerate(HEADINGS, start=1):
        page.column_dimensions[get_column_letter(place)].width = widths.get(field, 11)
    for other, width in ((list_page, 28), (guide, 70)):
        for place in range(1, other.max_column + 1):
            other.column_dimensions[get_column_letter(place)].width = width
    page.freeze_panes, list_page.freeze_panes = "C2", "A2"
    book.properties.identifier = _digest(sheet)
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()  # on a full disk, a zip file that was begun tries again to end itself, past every handler
    book.save(packed)
    with drafted(path) as draft:
        draft.write_bytes(packed.getvalue())
    return path


def _row(page: Worksheet, values: list[Any]) -> None:
    row = 1 if page.max_row == 1 and page.cell(1, 1).value is None else page.max_row + 1
    for column, value in enumerate(values, start=1):
        cell = page.cell(row, column)
        if isinstance(value, str):
            if found := ILLEGAL_CHARACTERS_RE.search(value):
                raise UnusableData(
                    f"{value!r} has the character {found.group()!r}, which a workbook cannot hold; rename it."
                )
            cell.value, cell.data_type = value, "s"  # never a formula, whatever it begins with
            cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
        else:
            cell.value = value
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        if row == 1 and page.title != GUIDE_PAGE:
            cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="E4E7EA")


def _digest(sheet: pd.DataFrame) -> str:
    return hashlib.sha256(_csv(sheet).encode()).hexdigest()[:32]


def is_edited(path: Path, known: Catalogue) -> bool:
    """Whether a workbook says something else than when :func:`write_sheet` wrote it, or does not tell."""
    try:
        return openpyxl.load_workbook(path).properties.identifier != _digest(read_sheet(path, known))
    except Exception:  # not a sheet any more: nobody but its owner knows what it holds
        return True


class _Faults:
    """Sentences on what is wrong with a file: page, row, column, value, rule."""

    def __init__(self, file: str) -> None:
        self.file, self.said = file, list[str]()

    def add(self, page: str, row: int | None, column: str, value: object, rule: str) -> None:
        where = f"{self.file}, {page}" + ("" if row is None else f", row {row}") + (f", {column}" if column else "")
        self.said.append(where + ("" if value is None else f", value {str(value)!r}") + f": {rule}.")

    def stop(self) -> None:
        if self.said:
            more = len(self.said) - SHOWN_FAULTS
            raise UnusableData("\n".join(self.said[:SHOWN_FAULTS]) + (f"\n… and {more} more." if more > 0 else ""))


def _named(heading: object, headings: tuple[tuple[str, str, str], ...]) -> str | None:
    plain = "" if heading is None else str(heading).strip().casefold()
    return next((f for f, en, zh in headings if plain in (f, en.casefold(), zh, f"{en} {zh}".casefold())), None)


def _columns(page: Worksheet, headings: tuple[tuple[str, str, str], ...]) -> dict[str, int]:
    first = next(page.iter_rows(min_row=1, max_row=1), ())
    return {
        f: cell.column for cell in reversed(first) if cell.column and (f := _named(cell.value, headings)) is not None
    }


def _rows(page: Worksheet, columns: dict[str, int], faults: _Faults) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number, values by field) of rows that hold anything; formulas and error values are faults."""
    for cells in page.iter_rows(min_row=2):
        values: dict[str, Any] = {}
        for field, place in columns.items():
            cell = cells[place - 1] if place <= len(cells) else None
            value = None if cell is None or cell.value is None or not str(cell.value).strip() else cell.value
            if cell is not None and value is not None and cell.data_type in ("f", "e"):
                faults.add(page.title, cell.row, field, value, "must be text or a number, not a formula or an error")
                value = None
            values[field] = value
        if any(v is not None for v in values.values()):
            yield cells[0].row, values


def read_sheet(path: Path, known: Catalogue) -> pd.DataFrame:
    """A workbook as :func:`write_sheet` makes it, edited or not: a frame with the columns :data:`SHEET`, nodes numbered by their rows.

    A name is the item that the page of items gives it, else the catalogue's, else a new one. Raises UnusableData with a sentence for every
    mistake: file, page, row, column, value and rule."""
    try:
        book = openpyxl.load_workbook(path)
    except Exception as error:
        raise UnusableData(f"{path.name} cannot be read as an Excel workbook: {error}.") from None
    faults = _Faults(path.name)
    pages = [p for p in book.worksheets if {"step", "part"} <= set(_columns(p, HEADINGS))]
    if not pages:
        raise UnusableData(
            f"{path.name} has no page with the columns {', '.join(f'{e} {z}' for f, e, z in HEADINGS if f in NEEDED)}."
        )
    page = pages[0]
    columns = _columns(page, HEADINGS)
    for field, english, chinese in HEADINGS:
        if field in NEEDED and field not in columns:
            faults.add(page.title, 1, f"{english} {chinese}", None, "the column is missing")
    faults.stop()
    names = _names(book, faults)
    rows: list[dict[str, Any]] = []
    seen: set[tuple[object, object]] = set()
    for node, (number, values) in enumerate(_rows(page, columns, faults), start=1):
        about = _node(page.title, number, values, faults)
        if (mark := (about["step"], about["role"])) in seen:
            faults.add(page.title, number, "step", about["step"], "a step occurs once for each role")
        seen.add(mark)
        items = [i for lane in LANES for i in _items(page.title, number, lane, values[lane], names, known, faults)]
        told: list[dict[str, Any]] = [{"lane": i.lane, "item": i.key, "item_en": i.en, "item_zh": i.zh} for i in items]
        rows += [{"node": node, **about, **t} for t in told or [dict.fromkeys(("lane", "item", "item_en", "item_zh"))]]
    if not rows:
        faults.add(page.title, None, "", None, "holds no node")
    faults.stop()
    return typed(pd.DataFrame(rows, columns=SHEET))


def _names(book: openpyxl.Workbook, faults: _Faults) -> dict[tuple[str, str], Item]:
    """(lane, name as written) → item, of the pages that list items."""
    names: dict[tuple[str, str], Item] = {}
    for page in book.worksheets:
        columns = _columns(page, ITEM_HEADINGS)
        if not {"lane", "written", "item"} <= set(columns):
            continue
        for number, v in _rows(page, columns, faults):
            if v["lane"] not in LANES:
                faults.add(page.title, number, "lane", v["lane"], f"must be one of {', '.join(LANES)}")
            elif v["written"] is None:
                faults.add(page.title, number, "as written", None, "a name is missing")
            else:
                written = _text(v["written"])
                english, chinese = v.get("item_en"), v.get("item_zh")
                en = _text(english or v["item"] or written)
                key = item_key(_text(v["item"])) if v["item"] is not None else item_key(en)
                names[(v["lane"], written)] = Item(v["lane"], key, en, _text(chinese) if chinese else written)
    return names


def _text(value: object) -> str:
    return str(value).replace("\r\n", "\n").replace("\r", "\n").strip()


def _node(page: str, row: int, values: dict[str, Any], faults: _Faults) -> dict[str, Any]:
    """What a row says of its node, checked."""
    out: dict[str, Any] = {
        f: None if values.get(f) is None else _text(values[f]) for f in ("step", "role", "department")
    }
    if out["step"] is None:
        faults.add(page, row, "step", None, "a node needs the name of the customer's step")
    out["role"] = None if out["role"] is None else _decoded("role", out["role"])
    part = values.get("part")
    out["part"] = None if part is None else _decoded("part", str(part))
    if out["part"] not in STEP_PARTS:
        faults.add(page, row, "part", part, f"must be one of {', '.join(_choices('part').values())}")
    yes = values.get("conditional")
    plain = "" if yes is None else str(yes).strip().casefold()
    if plain not in ("", "yes 是", "yes", "是", "true", "no", "否", "false"):
        faults.add(page, row, "above a limit only", yes, "must be yes 是, or blank")
    out["conditional"] = plain in ("yes 是", "yes", "是", "true")
    for field in ("share", "share_low", "share_high", "flows"):
        value, most = values.get(field), math.inf if field == "flows" else 1.0
        try:
            out[field] = math.nan if value is None else float(value)
        except (TypeError, ValueError):
            out[field] = -1.0
        if not math.isnan(out[field]) and not 0 <= out[field] <= most:
            faults.add(page, row, field, value, "must be a number from 0" + ("" if field == "flows" else " to 1"))
    return out


def _items(
    page: str, row: int, lane: str, cell: object, names: dict[tuple[str, str], Item], known: Catalogue, faults: _Faults
) -> list[Item]:
    found: dict[str, Item] = {}
    for name in from_lines("" if cell is None else str(cell)):
        item = names.get((lane, name)) or known.find(lane, name) or Item(lane, item_key(name), name, name)
        if item.key in found:
            faults.add(page, row, lane, name, "an item occurs once in a node's lane")
        found[item.key] = item
    return list(found.values())


def typed(sheet: pd.DataFrame) -> pd.DataFrame:
    """The frame with the types of a sheet: whole numbers for nodes, shares as numbers, texts as objects with None where there is none."""
    texts = ["step", "role", "department", "part", "lane", "item", "item_en", "item_zh"]
    out = sheet[SHEET].astype(dict.fromkeys(texts, object))
    for column in texts:
        out[column] = out[column].where(out[column].notna(), None)
    numbers = dict.fromkeys(("share", "share_low", "share_high", "flows"), "float64")
    return out.astype({"node": "int64", "conditional": bool, **numbers}).reset_index(drop=True)


def _csv(sheet: pd.DataFrame) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(SHEET)
    for values in typed(sheet).astype(object).itertuples(index=False):
        writer.writerow(["" if v is None or v != v else v for v in values])
    return stream.getvalue()


def save_sheet(folder: Path, sheet: pd.DataFrame) -> Path:
    """Put a sheet beside a company's tables, in place of one that is there."""
    target = folder / FOLDER / FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    with drafted(target) as draft:
        draft.write_bytes(_csv(sheet).encode("utf-8-sig"))
    return target


def read_saved(folder: Path) -> tuple[pd.DataFrame | None, bytes]:
    """(the sheet saved beside a company, None where there is none; digest of its file). Raises UnusableData for a file that is no sheet."""
    path = folder / FOLDER / FILE
    if not path.is_file():
        return None, b""
    raw = path.read_bytes()
    again = "import the Excel sheet again (kaanalysis import sales_sheet), or remove the file"
    try:
        header, *rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
        if header != SHEET or any(len(r) != len(SHEET) for r in rows) or not rows:
            raise ValueError(f"its columns must be {', '.join(SHEET)}, with a row for each node and item")
        frame = pd.DataFrame([[v or None for v in r] for r in rows], columns=SHEET, dtype=object)
        frame["conditional"] = frame["conditional"].map({"True": True, "False": False}).astype(bool)
        frame = typed(frame.astype({"node": "int64"}))
        if not (frame["lane"].dropna().isin(LANES).all() and frame["part"].isin(STEP_PARTS).all()):
            raise ValueError("it has a lane or part that the contract does not know")
    except (ValueError, TypeError, UnicodeDecodeError) as error:
        raise UnusableData(f"{FOLDER}/{FILE} is no saved sales sheet ({error}); {again}.") from None
    return frame, hashlib.sha256(path.name.encode() + raw).digest()


def import_sheet(from_path: Path, out: Path) -> pd.DataFrame:
    """Read an Excel sheet and save it beside the company in `out`; the sheet. Raises UnusableData, and changes nothing, for a mistake."""
    if not (out / "company.toml").is_file():
        raise UnusableData(f"{out} is no company folder; a sales sheet is saved beside a company that is there.")
    if not from_path.is_file() or from_path.suffix.casefold() != ".xlsx":
        raise UnusableData(f"{from_path} is no Excel workbook (.xlsx) with a sales sheet.")
    sheet = read_sheet(from_path, catalogue(read_lanes(out)[1]))
    save_sheet(out, sheet)
    return sheet
