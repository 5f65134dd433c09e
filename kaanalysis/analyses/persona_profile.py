"""M-1.5d: what is common among customers that pay far more than their size, and which accounts that are no customers are like them."""

from __future__ import annotations

import pandas as pd
from scipy.stats import fisher_exact

from kaanalysis import aggregates
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.stats import holm


def learn_profile(company: Company, policy: Policy, register: pd.DataFrame) -> pd.DataFrame:
    """What sets the accounts of M-1.5d apart from other paying customers without a persona: one row per industry and category of purchase:
    dimension, value, mine, of_mine, others, of_others (accounts), p_adjusted (Fisher's exact test, Holm over all rows), typical
    (surely commoner among them). Empty with fewer than `evidence.minimum_units` accounts in the persona: too few to learn from."""
    paying = register[register["won"] > 0].set_index("account_id")
    chosen = paying["persona"].eq("M-1.5d").fillna(False)
    rest = paying["persona"].isna()
    columns = ["dimension", "value", "mine", "of_mine", "others", "of_others", "p_adjusted", "typical"]
    if chosen.sum() < policy["evidence.minimum_units"] or not rest.any():
        return pd.DataFrame(columns=columns)
    deals = aggregates.won_amounts(company, policy)
    uses = {"industry": paying["industry"].dropna().rename("value").reset_index(),
            "category": deals[["account_id", "category"]].dropna().drop_duplicates().rename(columns={"category": "value"})}  # fmt: skip
    rows = []
    for dimension, frame in uses.items():
        for value, mine in frame.groupby("value", sort=True):
            has = pd.Series(paying.index.isin(mine["account_id"]), index=paying.index)
            counts = [int((has & side).sum()) for side in (chosen, rest)]
            totals = [int(chosen.sum()), int(rest.sum())]
            table = [[counts[0], totals[0] - counts[0]], [counts[1], totals[1] - counts[1]]]
            rows.append(
                (
                    dimension,
                    str(value),
                    counts[0],
                    totals[0],
                    counts[1],
                    totals[1],
                    float(fisher_exact(table, "greater").pvalue),
                )
            )
    frame = pd.DataFrame(rows, columns=columns[:-1])
    if len(frame):
        frame["p_adjusted"] = holm(frame["p_adjusted"].to_numpy(float))
    return frame.assign(typical=frame["p_adjusted"] < 1 - policy["evidence.level"])


def with_prospects(register: pd.DataFrame, profile: pd.DataFrame) -> pd.DataFrame:
    """The register with accounts that are no customers and have no persona counted under d where their industry is typical of it."""
    industries = (
        set(profile.loc[profile["typical"] & (profile["dimension"] == "industry"), "value"]) if len(profile) else set()
    )
    alike = ~register["customer"] & register["persona"].isna() & register["industry"].isin(industries)
    register["persona"] = register["persona"].mask(alike, "M-1.5d")
    register["field"] = register["field"].where(~alike, "industry")
    return register
