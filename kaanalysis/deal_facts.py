"""What sellers say of deals that the contract has no column for: files in the folder ``deal_facts`` beside a company's tables.

``deal_facts/<any name>.csv``, ``.tsv`` or ``.xlsx``, UTF-8 or GB18030: a column opportunity_id (商机编号) and any others, one fact each
(whether the purchasing department is known, whether the budget is allocated …). A fact's values are text; an empty one, or one that says
so (:data:`UNKNOWN`), means that it was not known.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from kaanalysis.contracts import Fault
from kaanalysis.source_files import read_beside

FOLDER = "deal_facts"
WANTED = {"opportunity_id": ["opportunity_id", "opportunity id", "deal_id", "商机编号", "商机ID"]}
COLUMNS = ("opportunity_id", "fact", "value", "known")
UNKNOWN = ("unknown", "not known", "unclear", "?", "n/a", "na", "未知", "不详", "不清楚", "不了解")


def empty_facts() -> pd.DataFrame:
    return pd.DataFrame(columns=list(COLUMNS))


def read_deal_facts(
    folder: Path, deals: Callable[[], set[str]] | None = None
) -> tuple[pd.DataFrame, list[Fault], bytes]:
    """(one row per deal and fact with :data:`COLUMNS`, faults, digest of the files) of a company's folder; all empty without a folder
    ``deal_facts``. known: whether the value says anything. A row without a deal is set aside, of two rows of one deal in a file the first
    counts, and a row of no deal of the company (`deals`: their ids, asked for only where there are facts) is set aside; each is a fault.
    Raises :class:`UnusableData` for a file that cannot be read or has no opportunity_id."""
    tables, faults, digest = read_beside(folder / FOLDER, WANTED, rest=True)
    parts = [empty_facts()]
    for table, frame in tables.items():
        blank = frame["opportunity_id"].isna() | (frame["opportunity_id"].astype(str).str.strip() == "")
        twice = ~blank & frame["opportunity_id"].duplicated()
        strange = ~blank & ~twice & (~frame["opportunity_id"].isin(deals()) if deals else False)
        for rows, rule in ((blank, "required"), (twice, "key_repeated"), (strange, "orphan")):
            named = frame.loc[rows, ["_row", "opportunity_id"]].itertuples(index=False, name=None)
            faults += [
                Fault(table, "opportunity_id", int(row), str(id) if rule == "orphan" else None, rule, "set_aside")
                for row, id in named
            ]
        kept = frame[~blank & ~twice & ~strange].drop(columns="_row")
        long = kept.melt(id_vars="opportunity_id", var_name="fact", value_name="value")
        text = long["value"].fillna("").astype(str).str.strip()
        known = (text != "") & ~text.str.casefold().isin(UNKNOWN)
        parts.append(long.assign(value=text.where(text != ""), known=known)[list(COLUMNS)])
    facts = pd.concat(parts[1:], ignore_index=True) if len(parts) > 1 else parts[0]
    return facts, faults, digest
