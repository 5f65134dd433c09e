"""Who takes part in a buying flow, by the part it plays; for logs and interviews alike."""

from __future__ import annotations

import ibis
import pandas as pd

from kaanalysis.aggregates.transitions import buying_steps
from kaanalysis.company import Company


def parties_by_flow(company: Company) -> pd.DataFrame:
    """One row per buying flow: category, amount (largest), steps, approve, inform, influence (distinct acting parties by part: the
    role, or the department where no role is given)."""
    steps = buying_steps(company)
    frame = steps.group_by(["flow_id", "category"]).aggregate(
        steps=steps.count(), amount=steps.amount.max(),
        **{p: (steps.part == p).ifelse(steps.party, ibis.null("string")).nunique() for p in ("approve", "inform", "influence")},
    )  # fmt: skip
    return frame.order_by("flow_id").execute()
