"""Counted in very many companies: how conversion differs from period to period where something changes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from kaanalysis.simulate.replica_base import Drawn
from kaanalysis.simulate.world import World


def changes(world: World) -> bool:
    """Whether anything planted can move SMB conversion in time: its own sway, partners', rivals' or product's doings, or teams that lose
    sellers."""
    if world.smb.sway:
        return True
    planted = (world.hatching, world.channel, world.rivalry, world.siphon, world.starving, world.shortfall)
    return any(mechanism is not None for mechanism in planted)


def _periods(drawn: Drawn) -> dict[str, Any]:
    """Deals opened and won within the follow-up by period of opening, last period first."""
    marks, end = drawn.marks, drawn.end + pd.Timedelta(days=1)
    deals = drawn.deals[drawn.deals["segment"] == "SMB"]
    last = end - pd.DateOffset(months=marks.follow_up_months)
    days = (drawn.end - last).days + 1
    won = (deals["outcome"] == "won") & ((deals["closed_at"] - deals["created_at"]).dt.days <= days)
    opened, of_won = [], []
    count = 1
    while (start := end - pd.DateOffset(months=marks.follow_up_months + count * marks.period_months)) >= pd.Timestamp(
        drawn.world.observed_from
    ):
        until = end - pd.DateOffset(months=marks.follow_up_months + (count - 1) * marks.period_months)
        mine = (deals["created_at"] >= start) & (deals["created_at"] < until)
        opened.append(int(mine.sum()))
        of_won.append(int((mine & won).sum()))
        count += 1
    return {"opened": np.array(opened, dtype=float), "won": np.array(of_won, dtype=float)}


def _pool_periods(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    """Standard deviation between periods and slope a year, where something planted can move them; elsewhere both are exactly 0."""
    if not changes(drawn.world):
        return {}
    opened, won = (np.sum([g[key] for g in gathered], axis=0) for key in ("opened", "won"))
    share = won / np.maximum(opened, 1)
    noise = float(np.mean(share * (1 - share) / np.maximum(opened, 1)))
    years = -np.arange(len(share)) * drawn.marks.period_months / 12
    slope = np.polyfit(years, share, 1, w=np.sqrt(opened))[0]
    spread = max(float(np.var(share, ddof=1)) - noise, 0.0)
    return {"conversion_stability|SMB": float(np.sqrt(spread)), "conversion_trend|SMB": float(slope)}


COUNTED: dict[str, tuple[Callable[[Drawn], Any], Callable[..., dict[str, float]]]] = {
    "steadiness": (_periods, _pool_periods)
}
