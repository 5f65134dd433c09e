"""What is known about interviews beyond their steps, and what makes an interview a sample (M-3.4).

Files in a company's folder ``interviews``, one row per flow: who was asked, by whom, when, and out of which sampling frame. The
contract's tables have no columns for it, so it lies beside them, as ranking lists do, and counts as data. ``kaanalysis import
flow_sheet`` writes these files; by hand, ``interviews/<name>.csv``, ``.tsv`` or ``.xlsx`` with the columns of :data:`WANTED` will do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from kaanalysis.contracts import Fault
from kaanalysis.source_files import read_beside

FOLDER = "interviews"
COLUMNS = ("flow_id", "company", "sampling_frame", "interviewer", "interviewed_at", "informant", "purchases_per_year",
           "key_person")  # fmt: skip
WANTED = {
    "flow_id": ["flow_id", "flow", "采购编号"],
    "company?": ["company", "受访企业"],
    "sampling_frame?": ["sampling_frame", "抽样框"],
    "interviewer?": ["interviewer", "访谈人"],
    "interviewed_at?": ["interviewed_at", "访谈日期"],
    "informant?": ["informant", "受访人"],
    "purchases_per_year?": ["purchases_per_year", "年采购次数"],
    "key_person?": ["key_person", "关键人"],
}
# What a sample may lack, in the order in which it is asked for: who buys, by which process, and how it came about.
LACKS = ("no_approver", "no_key_person", "no_informed", "no_party", "few_steps", "no_order", "no_days", "no_amount",
         "no_cell", "no_frame", "no_interviewer", "no_date", "no_informant")  # fmt: skip
# Without these it answers neither who buys nor by which process.
DECISIVE = ("no_approver", "no_party", "few_steps", "no_order")


def empty_interviews() -> pd.DataFrame:
    """No interview on record, with the columns and types of :func:`read_interviews`."""
    frame = pd.DataFrame(columns=list(COLUMNS), dtype=object)
    return frame.astype({"interviewed_at": "datetime64[s]", "purchases_per_year": "float64"})


def read_interviews(folder: Path) -> tuple[pd.DataFrame, list[Fault], bytes]:
    """(one row per flow with :data:`COLUMNS`, faults, digest of the files) of a company's folder; all empty without a folder
    ``interviews``.

    A row without flow_id, or with one that an earlier row has, is set aside; a date or number that cannot be read is left out; each is
    a fault. Raises :class:`~kaanalysis.contracts.UnusableData` for a file that cannot be read or has no flow_id."""
    tables, faults, digest = read_beside(folder / FOLDER, WANTED)
    if not tables:
        return empty_interviews(), faults, digest
    frames = [frame.assign(table=table) for table, frame in tables.items()]
    frame = pd.concat(frames, ignore_index=True).astype(object)
    frame = frame.where(frame.notna(), None)
    blank = frame["flow_id"].isna() | (frame["flow_id"].astype(str).str.strip() == "")
    again = frame["flow_id"].duplicated() & ~blank
    for rows, rule in ((blank, "required"), (again, "key_repeated")):
        faults += [
            Fault(t, "flow_id", int(n), v, rule, "set_aside")
            for t, n, v in zip(
                frame.loc[rows, "table"], frame.loc[rows, "_row"], frame.loc[rows, "flow_id"], strict=True
            )
        ]
    frame = frame[~blank & ~again].reset_index(drop=True)
    dates = pd.to_datetime(frame["interviewed_at"], errors="coerce", format="ISO8601")
    counts = pd.to_numeric(frame["purchases_per_year"], errors="coerce")
    for column, read, rule in (("interviewed_at", dates, "not_a_date"), ("purchases_per_year", counts, "not_a_number")):
        odd = frame[column].notna() & read.isna()
        faults += [
            Fault(t, column, int(n), str(v), rule, "blank")
            for t, n, v in zip(frame.loc[odd, "table"], frame.loc[odd, "_row"], frame.loc[odd, column], strict=True)
        ]
    frame = frame.assign(interviewed_at=dates.astype("datetime64[s]"), purchases_per_year=counts.astype("float64"))
    return frame[list(COLUMNS)], faults, digest


def samples(steps: pd.DataFrame, interviews: pd.DataFrame, least_steps: int) -> pd.DataFrame:
    """One row per interviewed flow: flow_id, steps, parties, days, amount, interviewed_at, frame, lacks (keys of :data:`LACKS`, comma
    between), answers (whether it says who buys and by which process).

    steps: as :func:`kaanalysis.aggregates.told_steps` gives them; interviews: as :func:`read_interviews`. A list of names and gossip
    is no sample; a sample answers: who buys this, and what is their internal process (M-3.4)."""
    known = interviews.set_index("flow_id")
    rows = []
    for flow, mine in steps.groupby("flow_id", sort=True):
        about = known.loc[str(flow)].to_dict() if flow in known.index else dict.fromkeys(COLUMNS)

        def told(column: str, about: dict[Any, Any] = about) -> bool:
            return not pd.isna(about[column]) and str(about[column]).strip() != ""

        named = mine["party"].notna() & (mine["party"] != "?")
        lacks = {
            "no_approver": not (mine["part"] == "approve").any(),
            "no_key_person": not told("key_person"),
            "no_informed": not (mine["part"] == "inform").any(),
            "no_party": not named.all(),
            "few_steps": len(mine) < least_steps,
            "no_order": bool(mine["step_no"].isna().any() or mine["step_no"].duplicated().any()),
            "no_days": bool(mine["days"].isna().all()),
            "no_amount": bool(mine["amount"].isna().all()),
            "no_cell": bool(mine[["category", "industry", "size_band"]].isna().all().any()),
            "no_frame": not told("sampling_frame"),
            "no_interviewer": not told("interviewer"),
            "no_date": not told("interviewed_at"),
            "no_informant": not told("informant"),
        }
        found = [key for key in LACKS if lacks[key]]
        rows.append((
            str(flow), len(mine), int(mine.loc[named, "party"].nunique()), float(mine["days"].sum(min_count=1)),
            float(mine["amount"].max()), about["interviewed_at"],
            about["sampling_frame"], ",".join(found),
            not set(found) & set(DECISIVE),
        ))  # fmt: skip
    columns = ["flow_id", "steps", "parties", "days", "amount", "interviewed_at", "frame", "lacks", "answers"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"interviewed_at": "datetime64[s]", "answers": bool, "days": float, "amount": float})
