"""Ranking lists that lie beside a company: files in its folder ``rankings``, one list each, with at least a column of names.

``rankings/<list>.csv``, ``.tsv`` or ``.xlsx``, UTF-8 or GB18030. Columns, in any order and case: name (company, 公司, 企业名称, 名称),
optionally rank (排名, 名次), year (年份), reach (global, national, regional: whom the list covers). The file's name is the list's name;
without a year column a year in it is taken. Lists are matched to accounts by :mod:`kaanalysis.names`; what matches counts as
``accounts.ranked_on`` does.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from kaanalysis.contracts import TABLES, Fault
from kaanalysis.source_files import read_beside

FOLDER = "rankings"
COLUMNS = ("list", "year", "rank", "name", "reach", "row")
REACHES = TABLES["accounts"].column("reach").choices
WANTED = {
    "name": ["name", "company", "company name", "公司", "公司名称", "企业名称", "名称"],
    "rank?": ["rank", "ranking", "position", "排名", "名次"],
    "year?": ["year", "年份", "年度"],
    "reach?": ["reach", "scope", "范围"],
}


def read_rankings(folder: Path) -> tuple[pd.DataFrame, list[Fault], bytes]:
    """(lists as one frame with :data:`COLUMNS`, faults, digest of the files) of a company's folder; all empty without a folder
    ``rankings``.

    A row without a name is set aside, a reach that is none of the contract's is left out, each as a fault; a file of another kind is
    reported and not read. Raises :class:`UnusableData` for a file that cannot be read or has no column of names."""
    tables, faults, digest = read_beside(folder / FOLDER, WANTED)
    frames = [pd.DataFrame(columns=list(COLUMNS))]
    for table, read in tables.items():
        path, frame = Path(table), read.rename(columns={"_row": "row"})
        blank = frame["name"].isna() | (frame["name"].astype(str).str.strip() == "")
        faults += [Fault(table, "name", int(row), None, "required", "set_aside") for row in frame.loc[blank, "row"]]
        reach = frame["reach"].str.strip().str.casefold()
        odd = reach.notna() & ~reach.isin(REACHES)
        faults += [
            Fault(table, "reach", int(row), value, "unknown_choice", "blank")
            for row, value in zip(frame.loc[odd, "row"], frame.loc[odd, "reach"], strict=True)
        ]
        year = re.search(r"(19|20)\d\d", path.stem)
        frame = frame.assign(
            list=path.stem, reach=reach.where(~odd), name=frame["name"].str.strip(),
            year=frame["year"].fillna(year.group() if year else None), rank=frame["rank"],
        )[~blank]  # fmt: skip
        frames.append(frame[list(COLUMNS)])
    lists = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    return lists, faults, digest
