"""A small company that feeds the ledger, and results of 01 and 03 for it, in round numbers."""

import numpy as np
import pandas as pd

from kaanalysis.results import Finding, Number, Result

HEAD = "opportunity_id,account_id,team,owner,origin,created_at,closed_at,outcome,amount\n"


def number(name: str, value: float, low: float | None, high: float | None, unit: str, **more: float) -> Number:
    return Number(name, "KA", value, low, high, 0.95, 50, unit, "m", **more)


def base(*, estimated: bool = True) -> Result:
    counts = [Number("accounts_known", "KA", 40, None, None, None, 40, "accounts", "m")]
    if estimated:
        counts.append(number("accounts_estimated", 90, 60, 200, "accounts"))
    life = number("rmst", 24.0, 20.0, 28.0, "months", horizon_months=36)
    return Result("01_base_assumptions", "", "", "", [
        Finding("M-1.1", "market", "supported", "r", tuple(counts)), Finding("M-1.2", "lifecycle", "supported", "r", (life,))])  # fmt: skip


def sales(*, severity: bool = True, kept: bool = False) -> Result:
    rates = (number("success", 0.4, 0.3, 0.5, "share"), number("cycle_median", 61.0, 50.0, 70.0, "days"))
    rates += (number("success_kept", 0.3, 0.2, 0.4, "share"),) if kept else ()
    stuck = (number("severity", 12.0, 8.0, 20.0, "wins per 100 deals"),) if severity else ()
    return Result("03_sales_flow", "", "", "", [
        Finding("M-3.2", "success", "undecided", "r", rates), Finding("M-3.6", "bottleneck", "undecided", "r", stuck)])  # fmt: skip


def tables(*, disputes: bool = True) -> dict[str, str]:
    """Two years of months; twelve KA accounts, six of them known before, four sellers with a deal a month."""
    rng = np.random.default_rng(5)
    months = pd.date_range("2024-01-01", "2025-12-01", freq="MS")
    rows = [f"K,{m:%Y-%m},4,{rng.integers(36, 44)},{rng.integers(8, 12)},100" for m in months]
    rows += [f"S,{m:%Y-%m},10,{rng.integers(90, 110)},20,{rng.integers(180, 220)}" for m in months]
    deals = [f"B{i},A{i},K,o{i % 4},new,2023-06-0{i + 1},2023-09-01,won,{100 + i}" for i in range(6)]
    deals += [
        f"C{i},A{i % 3},K,o1,new,2024-0{i + 1}-09,2024-09-01,lost," for i in range(0, 8, 2)
    ]  # some months and accounts open more
    for i, month in enumerate(months):
        won = "won" if i % 2 else "lost"
        closed = (month + pd.Timedelta(days=40 + 3 * (i % 7))).date()
        last = "open" if closed > pd.Timestamp("2025-12-31").date() else won
        deals.append(
            f"O{i},A{i % 12},K,o{i % 4},new,{month:%Y-%m}-03,{'' if last == 'open' else closed},{last},{200 + 10 * i}"
        )
    made = {
        "accounts": "account_id,segment\n" + "".join(f"A{i},KA\n" for i in range(12)),
        "teams": "team,motion\nK,KA\nS,SMB\n",
        "team_months": "team,month,sellers,cost,support_cost,bookings\n" + "\n".join(rows) + "\n",
        "opportunities": HEAD + "\n".join(deals) + "\n",
    }
    if disputes:
        held = [f"A{i % 12},{m:%Y-%m}-05,K,S,{2 + i % 3}" for i, m in enumerate(months)]
        made["disputes"] = "account_id,opened_at,team_a,team_b,hours\n" + "\n".join(held) + "\n"
    return made
