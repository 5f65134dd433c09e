"""What KA teams won since the launch, taken apart: new customers, what accounts taken over would have brought anyway, what came on top."""

from __future__ import annotations

import numpy as np
import pandas as pd

PARTS = ("new", "carried_on", "on_top")


def bridge_parts(accounts: pd.DataFrame, months_since: float, months_before: int) -> pd.DataFrame:
    """KA revenue since the launch by account and part: new (no earlier win by another team), carried_on (taken over, up to the
    account's own monthly rate before the launch × months since), on_top (taken over, beyond that). Parts add up to `won`."""
    taken = accounts["known_before"].to_numpy() > 0
    won = accounts["won"].to_numpy(float)
    expected = accounts["before"].to_numpy(float) / months_before * months_since
    # What other teams still win from the account since the launch has used up part of what was expected anyway.
    left = np.maximum(expected - accounts["other_won"].to_numpy(float), 0.0)
    carried = np.where(taken, np.minimum(won, left), 0.0)
    return pd.DataFrame(
        {"new": np.where(taken, 0.0, won), "carried_on": carried, "on_top": np.where(taken, won - carried, 0.0)}
    )
