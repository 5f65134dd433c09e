"""How many accounts each word means: from all that are known to those who sign again and again."""

from __future__ import annotations

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.known_accounts import Units

STAGES = ("known", "own_register", "ever_customer", "ever_bought", "signed_either", "contract_before", "customer_now", "contract_now",
          "signed_before", "signed_now", "signed_both")  # fmt: skip


def customer_counts(units: Units, fees: pd.DataFrame | None) -> pd.DataFrame:
    """One row per stage and segment: stage (in the order of :data:`STAGES`), segment ("" without one), accounts. Exact counts of what is on
    record, without intervals. fees: as `aggregates.recurring_fees` gives them; None without subscriptions, whose stages are then left out.

    own_register: entered by the company's own hand, not known from a ranking alone. ever_customer: ever won or under contract; ever_bought:
    a won amount at any time. contract_before, contract_now: fees running a period ago and at as_of. customer_now: bought within the spend
    window or under contract. signed_…: a won deal in the earlier period, the later one, either or both."""
    frame = units.frame
    before, now = frame["deals_0"] > 0, frame["deals_1"] > 0
    flags = {
        "known": frame["account_id"].notna(),
        "own_register": frame["worked"],
        "ever_customer": frame["customer"],
        "ever_bought": frame["won"] > 0,
        "signed_either": before | now,
        "customer_now": frame["present"],
        "signed_before": before,
        "signed_now": now,
        "signed_both": before & now,
    }
    if fees is not None:
        held = fees.set_index("account_id")[["before", "now"]].reindex(frame["account_id"]).fillna(0.0) > 0
        flags |= {
            "contract_before": held["before"].set_axis(frame.index),
            "contract_now": held["now"].set_axis(frame.index),
        }
    rows = []
    for stage in (s for s in STAGES if s in flags):
        mine = flags[stage].fillna(False).astype(bool)
        for segment, _ in units.strata():
            of = frame["segment"].isna() if not segment else frame["segment"].eq(segment)
            rows.append((stage, segment, int((mine & of).sum())))
        rows.append((stage, aggregates.ALL, int(mine.sum())))
    return pd.DataFrame(rows, columns=["stage", "segment", "accounts"])
