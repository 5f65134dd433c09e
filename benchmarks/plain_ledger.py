"""The ROI ledger as a plain loop over deals by month, in pure Python: what docs/ledger.md says, line by line, with nothing vectorised.

Written from that page and not from :mod:`kaanalysis.analyses.ledger_lines`, so that the two can be held against each other
(benchmarks/ledger.py, tests/analyses/test_ledger_value.py). One world at a time: `x` holds numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

NORMAL_SCALE = math.sqrt(2)


def share_won_before(months_since: float, median: float, spread: float) -> float:
    """Lognormal distribution function of the time from opening to win."""
    if months_since <= 0:
        return 0.0
    if spread < 1e-6:
        return 1.0 if months_since > median else 0.0 if months_since < median else 0.5
    return 0.5 * (1 + math.erf(math.log(months_since / median) / spread / NORMAL_SCALE))


def plain_cash(path: str, x: Mapping[str, float], months: int, discount_rate: float = 0.0) -> dict[str, list[float]]:
    """Expected cash of one path by line and month; what the review counts beyond the end, discounted to the last month."""

    def own(name: str) -> float:
        return x[f"{path}.{name}"]

    sellers, wage, margin = own("sellers"), x["seller_cost"], x["gross_margin"]
    ramp_length = max(own("ramp_months"), 1.0)
    accounts = x["potential_accounts"]
    if f"{path}.named_accounts" in x:
        accounts = min(accounts, sellers * own("named_accounts"))
    moved = min(max(x["accounts_moved"] * own("accounts_factor"), 0.0), 1.0)
    stays_a_year = math.exp(-12 / x["lifetime_months"])
    cash: dict[str, list[float]] = {}

    def book(line: str, month: int, amount: float) -> None:
        cash.setdefault(line, [0.0] * months)[month] += amount

    for month in range(months):
        book("sellers", month, 0.0 if path == "part_time" else -sellers * wage)
        book("leader", month, -wage * own("leader_multiple") if sellers > 0 else 0.0)
        book("pay_change", month, -sellers * wage * own("pay_uplift"))
        service = sellers * x["support_cost"] * own("support_multiple")
        book("presales", month, -service * x["presales_share"])
        book("support", month, -service + service * x["presales_share"])
        book("product", month, -sellers * wage * own("product_multiple"))
        part_of_ramp = max(0.0, min(1.0, ramp_length - month)) / ramp_length
        for line in ("training", "systems"):
            book(line, month, -sellers * wage * own(f"{line}_multiple") * part_of_ramp)
        for line in ("smb_people", "smb_product"):
            book(line, month, -sellers * x["smb_bookings"] * own(line) * margin)
        hour = wage / x["month_hours"] * x["hour_multiple"]
        book("conflict", month, -sellers * max(x["conflict_hours"], 0.0) * own("conflict_factor") * hour)
    beyond = 0.0
    for opening in range(months):
        done = min(1.0, (opening + 1) / ramp_length)
        opened = sellers * x["deals_per_seller"] * own("productivity") * done
        opened = min(opened, accounts * x["deals_per_account"] / 12)
        # Every relieved step passes better in a straight line; alike, they are the k-th root of what they win together.
        root = 1 / max(x.get("relieved_steps", 1.0), 1.0)
        one_now, one_then = x["success"] ** root, (x["success"] + max(x["relief"], 0.0)) ** root
        way = x["relief_reached"] * own("relief_factor") * done
        chance = min(1.0, (one_now + way * (one_then - one_now)) ** (1 / root))
        for win in range(opening, months):
            lag = win - opening
            share = share_won_before(lag + 0.5, x["cycle_months"], x["cycle_spread"])
            if lag > 0:
                share -= share_won_before(lag - 0.5, x["cycle_months"], x["cycle_spread"])
            value = opened * chance * share * x["deal_size"] * margin
            book("first_contracts", win, value)
            book("smb_accounts", win, -moved * value)
            there, month = 1.0, win + 12
            while month < months:
                there *= stays_a_year
                book("renewals", month, value * x["recurring_share"] * there)
                book("smb_accounts", month, -moved * value * x["recurring_share"] * there)
                month += 12
            # Renewals beyond the end: a geometric series from the first of them, which is due in `month`.
            due = (
                value * x["recurring_share"] * there * stays_a_year / (1 + discount_rate) ** ((month - months + 1) / 12)
            )
            beyond += due / (1 - stays_a_year / (1 + discount_rate)) * (1 - moved)
    book("renewals", 0, 0.0)
    book("review", months - 1, x["remaining_share"] * beyond - sellers * wage * own("review_multiple"))
    return cash


def plain_npv(path: str, x: Mapping[str, float], months: int, discount_rate: float) -> float:
    """Net present value of one path: every month's cash discounted to the decision."""
    lines = plain_cash(path, x, months, discount_rate)
    value = 0.0
    for month in range(months):
        value += sum(line[month] for line in lines.values()) / (1 + discount_rate) ** (month / 12)
    return value
