"""Hand-made results of 05, for the tests of its figures and tables."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from figure_frames import number, result

from kaanalysis.results import Finding, Number, Result

LAUNCH = dt.date(2024, 7, 1)
KEYS = {
    "M-A": "hatching",
    "M-B": "channel",
    "M-C": "rival_team",
    "M-D": "siphon",
    "M-E": "starved_product",
    "M-F": "shortfall",
}
STATES = {
    "M-A": "supported",
    "M-B": "undecided",
    "M-C": "contradicted",
    "M-D": "supported",
    "M-E": "no_data",
    "M-F": "undecided",
}
SIGNS = (
    ("M-A", "cycle_ratio", 1.42, 1.25, 1.61, 1.1, "above", 0.0002, 0.9998, "before_after", "ratio", 210),
    ("M-A", "deal_size_ratio", 0.93, 0.80, 1.08, 1.05, "below", 0.06, 0.94, "before_after", "ratio", 90),
    ("M-A", "success_change", -0.21, -0.31, -0.11, -0.05, "below", 0.001, 0.999, "before_after", "share difference", 420),
    ("M-A", "cost_of_sales_ratio", 1.8, 1.5, 2.2, 1.1, "above", 0.00001, 0.99999, "own_past", "ratio", 24),
    ("M-B", "registration_ratio", 0.72, 0.55, 0.95, 0.8, "below", 0.22, 0.78, "other_regions", "ratio", 300),
    ("M-B", "diverted_change", 0.02, -0.05, 0.09, 0.05, "above", 0.8, 0.2, "other_regions", "share difference", 300),
    ("M-C", "double_pursuit", 1.02, 0.96, 1.08, 1.5, "above", 0.99, 0.0001, "chance", "ratio", 800),
    ("M-C", "dispute_rate", 0.01, 0.0, 0.03, 0.05, "above", 0.99, 0.002, "target", "share", 800),
    ("M-D", "moved_share", 0.83, 0.70, 0.93, 0.5, "above", 0.0001, 0.9999, "target", "share", 60),
    ("M-D", "new_customer_ratio", 0.4, 0.2, 0.8, 0.9, "below", 0.01, 0.99, "own_past", "ratio", 60),
    ("M-F", "ka_attainment", 0.7, 0.5, 0.95, 0.9, "below", 0.04, 0.96, "target", "share", 24),
    ("M-F", "dispute_hours", np.nan, np.nan, np.nan, 0.1, "above", np.nan, np.nan, "target", "share", 0),
    ("M-X4", "early_change_share", 0.67, 0.22, 0.96, 0.25, "above", 0.16, 0.98, "target", "share", 6),
)  # fmt: skip


def signs() -> pd.DataFrame:
    columns = ["pattern", "sign", "value", "low", "high", "margin", "beyond", "p_present", "p_absent", "comparison", "unit", "n"]  # fmt: skip
    return pd.DataFrame(SIGNS, columns=columns).assign(level=0.95)


def findings(states: dict[str, str] | None = None, lead: tuple[float | None, float | None] = (9, 9)) -> list[Finding]:
    made = []
    for id, key in KEYS.items():
        state = (states or STATES)[id]
        p = {"supported": 0.0004, "contradicted": 0.97}.get(state, 0.3)
        numbers: tuple[Number, ...] = ()
        if state != "no_data":
            months = Number("lead_months", "all", lead[0], lead[1], None, None, 20, "months", "by hand")
            numbers = (number("score", "all", 0.5, "share"), Number("p_adjusted", "all", p, None, None, None, 4, "probability", "by hand"), months)  # fmt: skip
        needs = ("team_months.product_capacity",) if state == "no_data" else ()
        made.append(Finding(id, key, state, f"{key}_{state}", numbers, needs=needs))  # type: ignore[arg-type]
    return made


def warning(alarmed: dict[str, int] | None = None, looks: int = 22) -> pd.DataFrame:
    """looks month ends; alarmed: the place from which a pattern's alarm holds until the last."""
    from_ = {"M-A": 6, "M-D": 10} if alarmed is None else alarmed
    months = pd.date_range("2024-09-30", periods=looks, freq="ME")
    rng, parts = np.random.default_rng(1), []
    for pattern in (*KEYS, "revenue"):
        at = from_.get(pattern, looks)
        p = np.where(np.arange(looks) >= at, 10.0 ** -(1.5 + 0.15 * np.arange(looks)), rng.uniform(0.06, 1, looks))
        if pattern == "M-C":
            p[3] = 0.01  # an alarm that came and went
        if pattern == "M-E":
            p[:] = np.nan
        state = np.where(np.isnan(p), "no_data", np.where(p <= 0.05, "supported", "undecided"))
        parts.append(pd.DataFrame({"month": months, "pattern": pattern, "p_adjusted": p, "state": state, "holds": np.arange(looks) >= at}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def timeline(series: int = 6, jump: float = 4.0) -> pd.DataFrame:
    rng, months, parts = np.random.default_rng(2), pd.date_range("2021-01-01", "2026-06-01", freq="MS"), []
    after = (months >= pd.Timestamp(LAUNCH)).astype(float)
    for k in range(series):
        value = 20 + 0.1 * np.arange(len(months)) + rng.normal(0, 1.5, len(months)) + (jump * after * (k % 2))
        pattern, unit = list(KEYS)[k % 6], ("days", "share", "CNY")[k % 3]
        scale = {"share": 0.01, "CNY": 1e4}.get(unit, 1.0)
        parts.append(pd.DataFrame({"pattern": pattern, "series": f"series {k}", "month": months, "value": value * scale, "unit": unit}))  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    frame.loc[7, "value"] = np.nan
    return frame


def changes() -> pd.DataFrame:
    rows = [
        ("2024-05-30", "decision", "decision", False), ("2024-07-01", "launch", "launch", False), ("2024-09-05", "channel", "channel", False),
        ("2024-12-01", "channel", "channel", True), ("2025-03-20", "pay", "pay", False), ("2025-07-01", "reversal", "channel", False),
        ("2025-12-08", "target", "target", False), ("2026-03-08", "reversal", "pay", False),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["at", "kind", "of_kind", "early"]).assign(what="渠道分利比例下调 share cut", who="head of sales", reverses=None)  # fmt: skip
    frame["at"] = pd.to_datetime(frame["at"])
    months = (frame["at"] - pd.Timestamp(LAUNCH)).dt.days / 30.4375
    return frame.assign(months_since_launch=months, months_since_same=np.where(frame["early"], 2.9, np.nan))


def overlap(teams: tuple[str, ...] = ("channel", "ka", "smb-east", "smb-north", "smb-south")) -> pd.DataFrame:
    rows = [(a, b, 30 if {a, b} == {"ka", "smb-east"} else 3 + i + k, 4.0, 1.0 + i, 9.0 + i, 6.0 if "ka" in (a, b) else np.nan)
            for i, a in enumerate(teams) for k, b in enumerate(teams) if a < b]  # fmt: skip
    return pd.DataFrame(rows, columns=["team_a", "team_b", "accounts", "expected", "low", "high", "disputes"])


def failure(states: dict[str, str] | None = None, lead: tuple[float | None, float | None] = (9, 9), **frames: pd.DataFrame) -> Result:  # fmt: skip
    made = {
        "signs": signs(),
        "early_warning": warning(),
        "timelines": timeline(),
        "changes": changes(),
        "overlap": overlap(),
        **frames,
    }
    return result("05_failure_patterns", findings(states, lead), {k: f for k, f in made.items() if len(f)})
