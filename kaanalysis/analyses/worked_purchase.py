"""A worked purchase, party by party (M-2.4, M-2.5): in which order they come in, what each gains and gives up, and what each sees of it.

The method's two examples lie in ``data/flows`` as filled flow sheets; any flow told in an interview can be read the same way.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.economic_account import balance_if_told
from kaanalysis.company import Company

COLUMNS = ["flow_id", "place", "party", "department", "part", "days", "gains", "costs", "balance", "told", "seen"]


def worked_purchase(company: Company, told: Iterable[str] | None = None) -> pd.DataFrame:
    """One row per told flow and party, by the step at which the party first takes part: flow_id, place (1 = first), party, department,
    part, days, gains, costs, balance, told, seen (what the party sees of its account: the balance if it was told what it gains, its
    costs alone if not).

    told: roles that were told; None: all of them. A party without an account has nulls there. Amounts in the company's currency.
    """
    order = aggregates.party_order(company)
    if not company.has("value_items.amount"):
        return order.reindex(columns=COLUMNS)
    items = company.table("value_items").select("flow_id", "role", "item", "amount").execute()
    accounts = balance_if_told(items, set(items["role"]) if told is None else told).rename(columns={"role": "party"})
    return order.merge(accounts, on=["flow_id", "party"], how="left").reindex(columns=COLUMNS)
