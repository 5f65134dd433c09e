"""A world of the ledger in round numbers, for tests by hand; and random ones."""

import numpy as np

from kaanalysis.analyses.ledger_lines import PATHS

SETTINGS = {
    "sellers": 2.0, "leader_multiple": 1.0, "pay_uplift": 0.5, "support_multiple": 2.0, "product_multiple": 0.25,
    "training_multiple": 3.0, "systems_multiple": 1.0, "ramp_months": 1.0, "productivity": 0.5, "relief_factor": 1.0,
    "smb_people": 0.25, "smb_product": 0.05, "accounts_factor": 1.0, "conflict_factor": 1.0, "review_multiple": 0.5,
}  # fmt: skip
COMMON = {
    "seller_cost": 10.0, "support_cost": 4.0, "smb_bookings": 20.0, "deals_per_seller": 1.0, "conflict_hours": 4.0,
    "success": 0.4, "cycle_months": 2.0, "cycle_spread": 0.0, "deal_size": 1000.0, "deal_variation": 0.5, "relief": 0.2,
    "lifetime_months": 12.0, "potential_accounts": 1000.0, "deals_per_account": 1.0, "accounts_moved": 0.0, "gross_margin": 0.5,
    "recurring_share": 0.1, "relief_reached": 0.5, "presales_share": 0.25, "hour_multiple": 2.0, "month_hours": 160.0,
    "remaining_share": 0.0,
}  # fmt: skip
MONEY = ("seller_cost", "support_cost", "smb_bookings", "deal_size")


def numbers(**change: float) -> dict[str, float]:
    named = {"split.named_accounts": 500.0}
    return {**COMMON, **{f"{p}.{k}": v for p in PATHS for k, v in SETTINGS.items()}, **named, **change}


def world(**change: float) -> dict[str, np.ndarray]:
    return {k: np.array([float(v)]) for k, v in numbers(**change).items()}


def random_worlds(draws: int, seed: int) -> dict[str, np.ndarray]:
    """Worlds in which everything varies: ceilings bind in some, ramps outlast the horizon in others, shares reach their ends."""
    rng = np.random.default_rng(seed)
    x = {
        k: v * rng.uniform(0.2, 3.0, draws)
        for k, v in numbers(cycle_spread=0.5, accounts_moved=0.4, potential_accounts=30.0).items()
    }
    for share in ("success", "recurring_share", "relief_reached", "presales_share", "gross_margin", "remaining_share"):
        x[share] = rng.uniform(0, 1, draws)
    x["cycle_months"] = rng.uniform(0.3, 20, draws)
    x["split.named_accounts"] = rng.uniform(1, 30, draws)
    x["relieved_steps"] = rng.integers(1, 7, draws).astype(float)
    for path in PATHS:
        x[f"{path}.ramp_months"] = rng.uniform(0, 40, draws)
    return x
