"""Every account in the register with what it won in the two periods compared: the units that the problem statements count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Array = npt.NDArray[np.float64]


def ratio(a: Array, b: Array) -> Array:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


@dataclass(frozen=True)
class Units:
    """Known accounts with what they won in either period. base: the segment of M-0.1."""

    frame: pd.DataFrame
    base: str

    def column(self, name: str) -> Array:
        return self.frame[name].to_numpy(float)

    def strata(self) -> list[tuple[str, Array]]:
        """Segments with accounts, "" for those without a segment, and the flags of their accounts."""
        label = self.frame["segment"].astype(object).where(self.frame["segment"].notna(), "").to_numpy(object)
        return [(str(s), (label == s).astype(float)) for s in sorted(set(label))]

    def flag(self, values: pd.Series) -> Array:
        return values.fillna(False).to_numpy(bool).astype(float)


def known_accounts(company: Company, policy: Policy, accounts: pd.DataFrame) -> Units:
    register = aggregates.account_register(company, policy)
    won = accounts.set_index("account_id")[["amount_0", "amount_1", "deals_0", "deals_1"]]
    frame = register.join(won, on="account_id")
    columns = ["amount_0", "amount_1", "deals_0", "deals_1"]
    frame[columns] = frame[columns].fillna(0.0)
    base = "SMB" if (accounts["segment"] == "SMB").any() else aggregates.ALL
    return Units(frame, base)
