"""Flow sheets (interviews in a spreadsheet) into a company folder, a new one or one that is there; and the sheet to fill.

One file is read by the map ``data/imports/flow_sheet.toml`` like any source. What a map cannot do is here: several files at once,
adding to a company that has other data already, and the template.
"""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from kaanalysis.company_toml import read_company_toml
from kaanalysis.contracts import UnusableData
from kaanalysis.disk import drafted
from kaanalysis.import_maps import load_maps
from kaanalysis.imports import ImportReport, import_source
from kaanalysis.interviews import FOLDER, read_interviews, samples
from kaanalysis.paths import workbook_file
from kaanalysis.policy import load_policy
from kaanalysis.source_files import read_file

SOURCE = "flow_sheet"
SHEETS = (".xlsx", ".csv")
ADDED = ("value_items", "buying_steps")  # the steps last: a flow counts as there once its steps are
REPORT = "import_report.csv"


@dataclass(frozen=True)
class FlowSheetReport:
    """rows: rows added per table; faults: reported rows per rule; notes: rule → sentence by language; samples: one row per flow
    (:func:`kaanalysis.interviews.samples`); added: whether the folder was there already."""

    rows: dict[str, int]
    faults: dict[str, int]
    notes: dict[str, dict[str, str]]
    samples: pd.DataFrame
    added: bool


def import_flow_sheets(from_path: Path, out: Path, *, as_csv: bool = False) -> FlowSheetReport:
    """Read one sheet, or all sheets of a folder, into ``out``: a new company folder, or one that holds a company and takes the flows in.

    as_csv: a new folder's tables as CSV; an existing table keeps its form. Raises UnusableData, and changes nothing, for no sheet, a
    sheet that cannot be read, a flow that two sheets or the company have already, another currency than the company's, a company in a
    database. Every file that changes is replaced whole, the steps last; after a break the import can be done again."""
    if not from_path.exists():
        raise UnusableData(f"{from_path} does not exist: it should be a flow sheet, or a folder of them.")
    sheets = (
        sorted(p for p in from_path.iterdir() if p.suffix.casefold() in SHEETS and p.name[0] not in ".~")
        if from_path.is_dir()
        else [from_path]
    )
    if not sheets:
        raise UnusableData(f"{from_path} holds no flow sheet: expected {' or '.join('*' + s for s in SHEETS)}.")
    there = out.is_dir() and any(out.iterdir())
    if there and not (out / "company.toml").is_file():
        raise UnusableData(
            f"{out} already holds something that is no company; name a company folder, or one that does not exist yet."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as temporary:
        made = [import_source(SOURCE, sheet, Path(temporary) / str(n), as_csv=as_csv) for n, sheet in enumerate(sheets)]
        folders = [m.out for m in made]
        _refuse_repeated(sheets, folders)
        for folder in folders[1:] if not there else folders:
            _merge(folder, out if there else folders[0])
        report = _report(made, folders, there)
        if not there:
            if out.exists():
                out.rmdir()
            folders[0].chmod(0o755)
            folders[0].replace(out)
    return report


def _text_table(path: Path) -> pa.Table:
    """A table of a company folder as text, without row numbers."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return table.cast(pa.schema([(name, pa.string()) for name in table.column_names]))
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header = next(csv.reader(stream), [])
    table, _ = read_file(path, {}, {name: [name] for name in header})
    return table.drop_columns(["_row"])


def _file(folder: Path, table: str) -> Path | None:
    return next((p for s in (".csv", ".parquet") if (p := folder / f"{table}{s}").is_file()), None)


def _flows(folder: Path) -> set[str]:
    path = _file(folder, "buying_steps")
    return set() if path is None else set(_text_table(path).column("flow_id").to_pylist())


def _refuse_repeated(sheets: list[Path], folders: list[Path]) -> None:
    seen: dict[str, str] = {}
    for sheet, folder in zip(sheets, folders, strict=True):
        for flow in sorted(_flows(folder)):
            if flow in seen:
                raise UnusableData(
                    f"{sheet.name} and {seen[flow]} both have the flow {flow!r}; give one of them another number."
                )
            seen[flow] = sheet.name


def _merge(folder: Path, target: Path) -> None:
    """Put what `folder` holds into the company folder `target`."""
    info = read_company_toml(target / "company.toml")
    if info.database:
        raise UnusableData(f"{target} keeps its tables in a database; flow sheets can only be added to files.")
    mine = _flows(folder)
    if common := sorted(mine & _flows(target)):
        named = ", ".join(common[:5]) + (" …" if len(common) > 5 else "")
        raise UnusableData(
            f"{target} already has the flow {named}; give the new one another number, or remove the old one's rows."
        )
    asked = sorted((folder / FOLDER).glob("*.csv"))
    for path in asked:
        currencies = set(_text_table(path).column("currency").to_pylist()) - {None, info.currency}
        if currencies:
            raise UnusableData(
                f"{path.name} is in {', '.join(sorted(currencies))}, the company in {info.currency}: convert the amounts first."
            )
    (target / FOLDER).mkdir(exist_ok=True)
    for path in asked:
        _put(path, target / FOLDER / _free_name(target / FOLDER, path.stem, mine))
    _append_report(folder / REPORT, target / REPORT)
    for table in ADDED:
        new = _file(folder, table)
        if new is not None:
            _append(new, target, table, mine)


def _free_name(folder: Path, stem: str, flows: set[str]) -> str:
    """A name that no other sheet's interviews have; that of the same flows, left by an import that broke off, is taken again."""
    name, count = f"{stem}.csv", 1
    while (folder / name).exists() and not set(_text_table(folder / name).column("flow_id").to_pylist()) & flows:
        count += 1
        name = f"{stem} {count}.csv"
    return name


def _put(source: Path, target: Path) -> None:
    with drafted(target) as draft:
        shutil.copyfile(source, draft)


def _append_report(new: Path, target: Path) -> None:
    with new.open(encoding="utf-8-sig", newline="") as stream:
        header, *rows = list(csv.reader(stream))
    if target.is_file():
        with target.open(encoding="utf-8-sig", newline="") as stream:
            before = list(csv.reader(stream))[1:]
        rows = before + [r for r in rows if r not in before]
    _write_csv(target, header, rows)


def _write_csv(target: Path, header: list[str], rows: Iterable[Iterable[object]]) -> None:
    with drafted(target) as draft, draft.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def _append(new: Path, folder: Path, table: str, flows: set[str]) -> None:
    """Rows of `new` behind those of the folder's table, each column where it belongs; rows of the same flows, left by an import that
    broke off, are replaced."""
    path = _file(folder, table)
    if path is None:
        _put(new, folder / new.name)
        return
    if path.suffix == ".csv":
        rows = _text_table(new)
        old = _text_table(path)
        old = old.filter(pa.array([f not in flows for f in old.column("flow_id").to_pylist()], pa.bool_()))
        both = pa.concat_tables([old, rows], promote_options="default")
        _write_csv(path, both.column_names, zip(*(c.to_pylist() for c in both.columns), strict=True))
        return
    old = pq.read_table(path)
    old = old.filter(pa.array([f not in flows for f in old.column("flow_id").to_pylist()], pa.bool_()))
    rows = pq.read_table(new) if new.suffix == ".parquet" else _text_table(new)
    known = {name: old.schema.field(name).type for name in old.column_names}
    rows = rows.cast(pa.schema([(n, known.get(n, rows.schema.field(n).type)) for n in rows.column_names]))
    with drafted(path) as draft:
        pq.write_table(pa.concat_tables([old, rows], promote_options="default"), draft, compression="zstd")


def _report(made: list[ImportReport], folders: list[Path], there: bool) -> FlowSheetReport:
    rows: dict[str, int] = {}
    faults: dict[str, int] = {}
    notes: dict[str, dict[str, str]] = {}
    for report in made:
        for table in ADDED:
            rows[table] = rows.get(table, 0) + report.rows.get(table, 0)
        for rule, count in report.faults.items():
            faults[rule] = faults.get(rule, 0) + count
        notes |= report.notes
    judged = [] if there or len(folders) > 1 else folders
    frames = [_judged(folder) for folder in (judged or folders)]
    return FlowSheetReport(rows, faults, notes, pd.concat(frames, ignore_index=True), there)


def _judged(folder: Path) -> pd.DataFrame:
    path = _file(folder, "buying_steps")
    if path is None:
        return samples(pd.DataFrame(columns=["flow_id"]), read_interviews(folder)[0], 1)
    steps = _text_table(path).to_pandas()
    optional = ("department", "role", "category", "industry", "size_band", "step_no", "days", "amount")
    steps = steps.reindex(columns=[*steps.columns, *(c for c in optional if c not in steps)]).astype(object)
    numbers = {c: pd.to_numeric(steps[c], errors="coerce") for c in ("step_no", "days", "amount")}
    steps = steps.assign(party=steps["role"].fillna(steps["department"]).fillna("?"), **numbers)
    return samples(steps, read_interviews(folder)[0], load_policy()["library.sample_steps"])


def headings() -> list[tuple[str, str, str]]:
    """(field, English heading, Chinese heading) of a sheet, in order, as the map names them."""
    out = []
    for text in load_maps()[SOURCE].sources["sheet"]["columns"]:
        field, _, aliases = text.partition("=")
        english, chinese = (a.strip() for a in aliases.split("|")[:2])
        out.append((field.strip().rstrip("?"), english, chinese))
    return out


def write_template(path: Path) -> Path:
    """An Excel workbook to fill: a sheet with headings in both languages and lists of choices, a filled example in each language, and
    what every column means. Raises UnusableData if ``path`` is there already or is no .xlsx."""
    if path.suffix.casefold() != ".xlsx":
        raise UnusableData(f"{path} must end in .xlsx: the template is an Excel workbook.")
    if path.exists():
        raise UnusableData(f"{path} is there already; a filled sheet must not be overwritten.")
    guide = tomllib.loads(workbook_file("data/flows/guide.toml").read_text(encoding="utf-8"))
    columns, choices = headings(), guide["choices"]
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "flow sheet 采购流程表"
    _head(sheet, [f"{english} {chinese}" for _, english, chinese in columns])
    for place, (field, _, _) in enumerate(columns, start=1):
        if field in choices:
            rule = DataValidation(
                "list", formula1='"' + ",".join(choices[field]) + '"', allow_blank=True, showErrorMessage=False
            )
            sheet.add_data_validation(rule)
            letter = get_column_letter(place)
            rule.add(f"{letter}2:{letter}500")
    for language, title in (("en", "example"), ("zh", "示例")):
        example = book.create_sheet(title)
        source = workbook_file(f"data/flows/{language}/crm/sheet/crm.csv")
        with source.open(encoding="utf-8-sig", newline="") as stream:
            header, *rows = list(csv.reader(stream))
        _head(example, header)
        for row in rows:
            example.append([_cell(text) for text in row])
    meaning = book.create_sheet("columns 各列含义")
    _head(meaning, ["column 列", "English", "中文"], wide=60)
    for field, english, chinese in columns:
        meaning.append([f"{english} {chinese}", guide["meaning"][field]["en"], guide["meaning"][field]["zh"]])
    for line in meaning.iter_rows(min_row=2):
        for cell in line:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()  # on a full disk, a zip file that was begun tries again to end itself, past every handler
    book.save(packed)
    with drafted(path) as draft:
        draft.write_bytes(packed.getvalue())
    return path


def _cell(text: str) -> str | float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text


def _head(sheet: Worksheet, names: list[str], wide: int | None = None) -> None:
    sheet.append(names)
    for place, name in enumerate(names, start=1):
        cell = sheet.cell(1, place)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="E4E7EA")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[get_column_letter(place)].width = wide or max(12, min(28, len(name) + 4))
    sheet.freeze_panes = "A2"
