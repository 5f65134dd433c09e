"""Inputs of the ledger made up for tests: somewhere in their usual ranges, or fixed."""

from __future__ import annotations

import numpy as np

from kaanalysis.analyses.ledger_lines import NAMED, NAMED_PATHS, PATHS, SETTINGS

RANGES = {
    "seller_cost": (2e4, 4e4), "smb_bookings": (3e4, 9e4), "deals_per_seller": (0.4, 1.5), "deal_size": (2e5, 6e5),
    "deal_variation": (0.3, 1), "support_cost": (3e3, 9e3), "success": (0.1, 0.6), "cycle_months": (3, 9),
    "cycle_spread": (0.2, 0.6), "lifetime_months": (20, 60), "relief": (0, 0.1), "relief_reached": (0.3, 0.9),
    "gross_margin": (0.6, 0.8), "recurring_share": (0.3, 0.7), "presales_share": (0.3, 0.5), "potential_accounts": (300, 900),
    "deals_per_account": (0.5, 2), "accounts_moved": (0.02, 0.3), "conflict_hours": (0.5, 6), "hour_multiple": (2, 4),
    "month_hours": (160, 170), "remaining_share": (0, 1),
}  # fmt: skip


def inputs(draws: int, seed: int = 5, **fixed: float) -> dict[str, np.ndarray]:
    """All inputs of the ledger, (draws,) each; those named are fixed (``part_time__sellers`` for ``part_time.sellers``)."""
    rng = np.random.default_rng(seed)
    x = {name: rng.uniform(*ends, draws) for name, ends in RANGES.items()}
    for path in PATHS:
        for setting in SETTINGS:
            x[f"{path}.{setting}"] = rng.uniform(0.2, 1.2, draws)
        x[f"{path}.sellers"], x[f"{path}.ramp_months"] = rng.uniform(2, 8, draws), rng.uniform(4, 14, draws)
        if path in NAMED_PATHS:
            x[f"{path}.{NAMED}"] = rng.uniform(10, 30, draws)
    return x | {name.replace("__", "."): np.full(draws, value) for name, value in fixed.items()}
