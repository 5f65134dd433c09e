"""Tables of 03 sales flow for a reader: the blank sheet, selling held against it, the team and its gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kaanalysis.contracts import LANES
from kaanalysis.display.parts import Rows, as_frame, bare
from kaanalysis.results import Number, Result
from kaanalysis.text import Words


def sales_sheet_nodes(result: Result, words: Words) -> pd.DataFrame:
    """The blank sheet, one row per node of the customer's flow: step, who acts there and how, how many purchases have it, in how many deals
    the seller had a contact, and the items of every lane."""
    rows: Rows = []
    sheet = result.frames["sales_sheet"]
    level = next((n.level for f in result.findings for n in f.numbers if n.level), None)
    for _, row in result.frames["sales_sheet_nodes"].iterrows():
        own = sheet[sheet["node"] == row["node"]]
        lanes = [words.list_of(own.loc[own["lane"] == lane, f"item_{words.language}"]) for lane in LANES]
        who = bare(row["role"] if isinstance(row["role"], str) else row["department"], words, "party")
        taken = words.value(row["share"], "share") if pd.notna(row["share"]) else words("display.not_recorded")
        if row["conditional"] and pd.notna(row["share"]):
            taken = words("display.above_limit", share=taken)
        way, met = words(f"parts.{row['part']}"), _contacted(row, level, words)
        rows.append((str(row["node"]), words.term("step", str(row["step"])), who, way, taken, met, *lanes))
    columns = [words(f"table.{h}") for h in ("node", "step", "role", "way", "purchases_with", "contacted")]
    return pd.DataFrame(rows, columns=[*columns, *(words.term("lane", lane) for lane in LANES)])


def _contacted(row: pd.Series, level: float | None, words: Words) -> str:
    if pd.isna(row.get("coverage")):
        return words("display.no_contacts")
    low, high = (None if pd.isna(row[c]) else float(row[c]) for c in ("coverage_low", "coverage_high"))
    share = Number("", "", float(row["coverage"]), low, high, level, int(row["deals"]), "share", "")
    return words("display.any_contact", value=words.number(share), n=words.value(int(row["deals"]), ""))


def alignment_wins(result: Result, words: Words) -> pd.DataFrame:
    """Won shares of the deals that reached a step, where the seller was there in time and where not, and the difference within bands of
    amount: an association."""
    rows: Rows = []
    level = next((n.level for f in result.findings for n in f.numbers if n.level), None)
    for _, row in result.frames["alignment_wins"].iterrows():
        sides = [
            words(
                "display.won_of",
                share=words.value(row[f"won_{side}"] / row[side], "share"),
                n=words.value(int(row[side]), ""),
            )
            if row[side]
            else "–"
            for side in ("covered", "uncovered")
        ]
        value, low, high = (None if pd.isna(row[c]) else float(row[c]) for c in ("value", "low", "high"))
        gap = Number("", "", value, low, high, level, 0, "share difference", "")
        said = words.number(gap) if gap.value is not None else words("display.too_few")
        rows.append((words.term("step", str(row["step"])), *sides, said))
    return as_frame(rows, ("step", "there_in_time", "not_in_time", "difference"), words)


def sheet_orphans(result: Result, words: Words) -> pd.DataFrame:
    """Nodes that selling does not reach, and steps of selling that no node asks for."""
    rows: Rows = []
    for _, row in result.frames["sheet_orphans"].iterrows():
        customer = row["side"] == "customer"
        name = str(row["name_zh" if words.language == "zh" else "name_en"])
        kind = words.term("orphan", "customer" if customer else str(row["kind"]))
        counted = words.value(int(row["n"]), "")
        if customer and pd.notna(row["share"]):
            counted = words("display.any_contact", value=words.value(float(row["share"]), "share"), n=counted)
        lane = words.term("lane", str(row["lane"])) if isinstance(row["lane"], str) else ""
        rows.append((kind, words.term("activity", words.term("step", name)), lane, counted))
    return as_frame(rows, ("what", "name", "lane", "counted"), words)


def item_of(row: pd.Series, words: Words) -> str:
    """An item of the sales sheet in the language, as the catalogue has it; as in the data where it has none."""
    zh = row["item_zh"]
    return zh if words.language == "zh" and isinstance(zh, str) else str(row["item"])


def steps_of(row: pd.Series, words: Words) -> str:
    """The steps that demand an item, in the language."""
    return words.list_of(words.term("step", s) for s in str(row["steps"]).split(", ") if s)


def fit_items(result: Result, words: Words) -> pd.DataFrame:
    """What the sheet demands and how far today's team has it: items whose gap costs the lane's fit most first, then those that nobody
    judged by weight, then those judged but not demanded."""
    frame = result.frames["fit_items"]
    kind = np.select([~frame["demanded"], ~frame["judged"]], [2, 1], 0)
    cost = np.where(kind == 0, frame["weight"] * (1 - frame["reached"].fillna(0)), frame["weight"])
    rows: Rows = []
    for i in np.lexsort((frame["item"], -cost, kind)):
        row = frame.iloc[int(i)]
        said = words("display.not_judged") if not row["judged"] else words.value(float(row["level"]), "level")
        if row["judged"] and pd.notna(row["low"]):
            ends = (words.value(float(row[c]), "level") for c in ("low", "high"))
            said += f" ({words('numbers.span', **dict(zip(('low', 'high'), ends, strict=True)))})"
        steps = steps_of(row, words) if row["demanded"] else words("display.not_demanded")
        weight = words.value(float(row["weight"]), "share") if row["demanded"] else ""
        judges = words.value(int(row["judges"]), "")
        rows.append((words.term("lane", str(row["lane"])), item_of(row, words), said, words.value(float(row["required"]), "level"), judges,
                     weight, steps))  # fmt: skip
    return as_frame(
        rows, ("lane", "item", "judged_level", "required_level", "judges", "weight_in_lane", "demanded_at"), words
    )


def fit_teams(result: Result, words: Words) -> pd.DataFrame:
    """Every team's fit to the flow, in all and by lane: which team could carry it."""
    frame = result.frames["fit_teams"]
    finding = result.finding("M-3.6")
    rows: Rows = []
    for team, own in frame.groupby("team", sort=False):
        number = finding.number("fit_team", str(team))
        by_lane = own.set_index("lane")["fit"]
        cells = [
            words.value(float(by_lane[lane]), "fit") if lane in by_lane else words("numbers.none") for lane in LANES
        ]
        motion = str(own["motion"].iloc[0])
        rows.append(
            (str(team), words.segment(motion) if motion else "", words.number(number) if number else "", *cells)
        )
    columns = [words(f"table.{h}") for h in ("team", "segment", "fit")]
    return pd.DataFrame(rows, columns=[*columns, *(words.term("lane", lane) for lane in LANES)])


def lane_reliefs(result: Result, words: Words) -> pd.DataFrame:
    """The items that the steps' relief falls to, shared out by shortfall, largest first."""
    frame = result.frames["lane_reliefs"]
    rows: Rows = []
    for _, row in frame[frame["relief"] > 0].sort_values(["relief", "item"], ascending=[False, True]).iterrows():
        level = next((n.level for f in result.findings for n in f.numbers if n.name == "lane_relief"), None)
        value, low, high = (None if pd.isna(row[c]) else float(row[c]) for c in ("relief", "low", "high"))
        number = Number("", "", value, low, high, level, 1, "wins per 100 deals", "")
        rows.append((item_of(row, words), words.term("lane", str(row["lane"])), words.value(float(row["level"]), "level"),
                     words.number(number), steps_of(row, words)))  # fmt: skip
    return as_frame(rows, ("item", "lane", "judged_level", "relief", "comes_from"), words)
