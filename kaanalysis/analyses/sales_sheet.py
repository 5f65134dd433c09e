"""M-3.5: the sales flow drawn on a blank sheet from the customer's flow, not by amending today's.

The customer's flow is that of the reference purchases (:func:`kaanalysis.aggregates.reference_steps`), all of them or those of one library
cell. Each of its steps is a node; each node demands the items that the catalogue (:mod:`kaanalysis.selling`) lists for its role and part,
in five lanes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import clustered_share
from kaanalysis.company import Company
from kaanalysis.policy import Policy, PolicyError
from kaanalysis.sales_sheets import FACTS, NODE, SHEET, empty_sheet, typed
from kaanalysis.selling import Catalogue, catalogue

CELL = list(aggregates.LIBRARY_CELL)
METHOD = "share of reference purchases with the step, customer groups as clusters (jackknife)"


def wanted_cell(text: str) -> dict[str, str]:
    """The columns that the policy's ``sheet.cell`` fixes: ``category | industry | size band``, blanks for all."""
    parts = [p.strip() for p in text.split("|")] if text.strip() else []
    if parts and len(parts) != len(CELL):
        raise PolicyError(
            f"policy sheet.cell = {text!r} must name category | industry | size band, any of them left blank."
        )
    return {column: part for column, part in zip(CELL, parts, strict=False) if part}


def _commonest(values: pd.Series) -> str | None:
    """The most frequent value, of equally frequent ones the first in the alphabet; None where nothing is recorded."""
    counts = values.dropna().value_counts()
    return None if counts.empty else str(min(counts.index[counts == counts.max()]))


def conditional_share(of_step: pd.DataFrame, flows: pd.DataFrame) -> float:
    """The share of purchases above an authority limit that have the step; 0 where it is no such step.

    The limit is the median of those recorded with the step, which must be recorded in most purchases that have it."""
    limits = of_step.groupby("flow_id")["authority_limit"].max()
    if limits.notna().mean() < 0.5:
        return 0.0
    above = flows.index[(flows["amount"] > limits.median()).to_numpy()]
    return float(np.isin(above, limits.index).mean()) if len(above) else 0.0


def precedence_places(first: pd.DataFrame) -> pd.Series:
    """Typical relative place of each column: the mean, over the other columns, of the share of rows with both in which the other comes
    first (ties half). 0: comes before all others, 1: after all. first: place by row and column, NaN where a row lacks it.

    A Borda count of pairwise comparisons (de Borda 1784): unlike a mean rank it does not move a step because others are missing."""
    x = first.to_numpy(float)
    a, b = x[:, :, None], x[:, None, :]
    both = np.isfinite(a) & np.isfinite(b)
    with np.errstate(invalid="ignore"):
        earlier = ((b < a) + 0.5 * (b == a)) * both
    pairs = both.sum(axis=0).astype(float)
    share = np.divide(earlier.sum(axis=0), pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    np.fill_diagonal(share, np.nan)
    known = np.isfinite(share)
    place = np.divide(
        np.nansum(share, axis=1), known.sum(axis=1), out=np.full(len(share), 0.5), where=known.any(axis=1)
    )
    return pd.Series(place, index=first.columns)


def _kept(share: float | None) -> float:
    """A share to six digits, which a spreadsheet keeps; NaN where there is none."""
    return np.nan if share is None else round(share, 6)


def flow_nodes(steps: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The customer's flow out of the rows of :func:`kaanalysis.aggregates.reference_steps`: one row per node, in order, with
    :data:`~kaanalysis.sales_sheets.NODE` and :data:`~kaanalysis.sales_sheets.FACTS`.

    A step is a node if at least ``sheet.step_share`` of the purchases has it, or of those above its authority limit (`conditional`). The
    role most often recorded takes it; another role is a node of its own where it takes part in the step in that share as well. share:
    of all purchases, with its interval; flows: purchases in all."""
    if steps.empty:
        return pd.DataFrame(columns=[*NODE, *FACTS])
    flows = steps.groupby("flow_id", sort=True).agg(cluster=("cluster", "first"), amount=("amount", "max"))
    least, level = policy["sheet.step_share"], policy["evidence.level"]
    rows: list[dict[str, object]] = []
    firsts: dict[int, pd.Series] = {}
    for step, of_step in steps.groupby("step", sort=True):
        share = of_step["flow_id"].nunique() / len(flows)
        conditional = share < least
        if conditional and conditional_share(of_step, flows) < least:
            continue
        main = _commonest(of_step["role"])
        parties = of_step.groupby("role")["flow_id"].nunique()
        others = [str(r) for r in parties.index if r != main and parties[r] / len(flows) >= least]
        for role in [main, *others]:
            mine = of_step if role == main else of_step[of_step["role"] == role]
            first = mine.groupby("flow_id")["place"].min()
            there = flows.index.isin(first.index)
            found = clustered_share("share", "", there, flows["cluster"].to_numpy(object), level, METHOD)
            taken = mine if role is None else mine[mine["role"] == role]
            firsts[len(rows)] = first.reindex(flows.index)
            rows.append({
                "step": str(step), "role": role, "department": _commonest(taken["department"]),
                "part": _commonest(taken["part"]), "conditional": conditional, "flows": len(flows),
                **{name: _kept(x) for name, x in (("share", found.value), ("share_low", found.low), ("share_high", found.high))},
            })  # fmt: skip
    frame = pd.DataFrame(rows, columns=[*NODE[1:], *FACTS])
    if frame.empty:
        return pd.DataFrame(columns=[*NODE, *FACTS])
    frame["place"] = precedence_places(pd.DataFrame(firsts)).to_numpy()
    frame = frame.sort_values(
        ["place", "share", "step", "role"], ascending=[True, False, True, True], ignore_index=True
    )
    frame.insert(0, "node", np.arange(1, len(frame) + 1))
    return frame[[*NODE, *FACTS]].astype(dict.fromkeys(("role", "department"), object))


def demanded(nodes: pd.DataFrame, known: Catalogue) -> pd.DataFrame:
    """The nodes with the items that the catalogue demands there: one row per node × lane × item, with :data:`SHEET`."""
    rows = []
    for node in nodes.to_dict("records"):
        role = node["role"] if isinstance(node["role"], str) else None
        items = known.demanded(role, str(node["part"]))
        told = [{"lane": i.lane, "item": i.key, "item_en": i.en, "item_zh": i.zh} for i in items]
        rows += [{**node, **t} for t in told or [{}]]  # a node stays where a company demands nothing there
    return typed(pd.DataFrame(rows, columns=SHEET)) if rows else empty_sheet()


def blank_sheet(company: Company, policy: Policy) -> pd.DataFrame:
    """The sheet: one row per customer node × lane × item, with :data:`kaanalysis.sales_sheets.SHEET` (lane and item None for a node without
    items); empty where there is no buying flow. A sheet that the analyst has saved stands in place of the generated one."""
    if company.sheet is not None:
        return company.sheet.copy()
    if company.missing("buying_steps.step"):
        return empty_sheet()
    steps = aggregates.reference_steps(company, policy)
    for column, value in wanted_cell(policy["sheet.cell"]).items():
        steps = steps[steps[column] == value]
    return demanded(flow_nodes(steps.reset_index(drop=True), policy), catalogue(company.selling))


def nodes(sheet: pd.DataFrame) -> pd.DataFrame:
    """One row per node of a sheet, in order: :data:`NODE` and :data:`FACTS`."""
    kept = [c for c in (*NODE, *FACTS) if c in sheet]
    return sheet.drop_duplicates("node")[kept].sort_values("node", ignore_index=True)
