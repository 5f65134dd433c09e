"""What people tell about purchases: the library cells' buying flows, and each role's account of the worked ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from kaanalysis.contracts import TABLES
from kaanalysis.simulate.core import rng
from kaanalysis.simulate.world import Step, World


def _customer_steps(steps: tuple[Step, ...], above: bool) -> list[Step]:
    return [s for s in steps if s.buying != "-" and (above or not s.above_limit)]


def interviews(world: World, seed: int) -> dict[str, pa.Array]:
    """One purchase per library cell, as told: no deal, no dates, days per step rounded to half days."""
    g = rng(seed, "interviews")
    row: dict[str, list[object]] = {k: [] for k in (
        "flow_id", "step", "part", "department", "role", "category", "industry", "size_band", "step_no", "days",
        "amount", "authority_limit")}  # fmt: skip
    for f, cell in enumerate(world.cells):
        segment = world.segment(cell.segment)
        departments = {r.role: r.department for r in segment.roles}
        above = cell.amount > cell.authority_limit
        told = [(s.buying or s.name, s.role, s.part, s.days) for s in _customer_steps(segment.steps, above)]
        for inform in segment.informs:
            place = next((k for k, x in enumerate(told) if x[0] == inform.after), len(told) - 1)
            told.insert(place + 1, (inform.name, inform.role, "inform", 0.0))
        limit_at = next((k for k, x in enumerate(told) if x[1] == "finance"), 0)
        for k, (name, role, kind, days) in enumerate(told):
            noise = float(np.exp(0.15 * g.standard_normal()))
            values = (f"F{f + 1:02d}", name, kind, departments[role], role, cell.category, cell.industry,
                      cell.size_band, k + 1, round(2 * days * cell.scale * noise) / 2, cell.amount,
                      cell.authority_limit if k == limit_at else None)  # fmt: skip
            for key, value in zip(row, values, strict=True):
                row[key].append(value)
    n = len(row["flow_id"])
    made = {key: pa.array(values) for key, values in row.items()}
    empty, never = pa.nulls(n, pa.string()), pa.nulls(n, pa.date32())
    made |= {"person_id": empty, "opportunity_id": empty, "account_id": empty, "at": never, "started_at": never,
             "source": pa.repeat("interview", n),
             "authority_limit": made["authority_limit"].cast(pa.float64())}  # fmt: skip
    return {column.name: made[column.name] for column in TABLES["buying_steps"].columns}


def value_items(world: World, seed: int) -> pa.Table:
    """Each role's account in the worked purchases: gains and costs as shares of the amount, with a little noise."""
    g = rng(seed, "value_items")
    flows = [(f, c) for f, c in enumerate(world.cells) if c.segment == "KA"][: world.worked_flows]
    rows = [(f"F{f + 1:02d}", v.role, v.item, c.amount * v.share) for f, c in flows for v in world.value_items]
    amount = np.array([r[3] for r in rows]) * np.exp(0.05 * g.standard_normal(len(rows)))
    return pa.table({"flow_id": [r[0] for r in rows], "role": [r[1] for r in rows], "item": [r[2] for r in rows],
                     "amount": np.round(amount, -1)})  # fmt: skip
