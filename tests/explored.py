"""Results of 01 and 03 by hand, with what path selection reads of them, for a company that is real enough to have costs and deals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result


def upstream_by_hand(company: Company, policy: Policy, *, fit: bool = True) -> dict[str, Result]:
    """One bottleneck for sure and one that half of 200 resamples say is one; fit 0.85. fit False: no capability was judged."""
    stamp = (company.data_hash, policy.hash, str(company.info.as_of))
    months = Number("rmst", "KA", 29.0, 26.0, 32.0, 0.95, 60, "months", "m", 36)
    known = Number("accounts_known", "KA", 150, None, None, None, 150, "accounts", "count")
    base = [
        Finding("M-1.1", "market", "undecided", "r", (known,)),
        Finding("M-1.2", "lifecycle", "supported", "r", (months,)),
    ]
    relief = {"legal review": np.full(200, 8.0), "budget approval": np.tile([1.0, 5.0], 100)}
    numbers = [
        Number("relief", s, float(v.mean()), 1.0, 9.0, 0.95, 60, "wins per 100 deals", "m") for s, v in relief.items()
    ]
    numbers += [Number("bottlenecks", "KA", 1, 1.0, 2.0, 0.95, 140, "steps", "m"), Number("severity", "KA", 8.0, 6.0, 10.0, 0.95, 1, "wins per 100 deals", "m", 18)]  # fmt: skip
    if fit:
        numbers.append(Number("fit", "KA", 0.85, 0.78, 0.92, 0.95, 25, "fit", "m"))
    success = (Number("success", "KA", 0.5, 0.4, 0.6, 0.95, 140, "share", "m", 18), Number("cycle_median", "KA", 180.0, 160.0, 200.0, 0.95, 70, "days", "m"))  # fmt: skip
    draws = pd.DataFrame({"fit": np.linspace(0.76, 0.94, 200), **{f"relief:{s}": v for s, v in relief.items()}})
    sales = [
        Finding("M-3.2", "success", "supported", "r", success),
        Finding("M-3.6", "bottleneck", "supported", "r", tuple(numbers)),
    ]
    return {
        "01_base_assumptions": Result("01_base_assumptions", *stamp, base),
        "03_sales_flow": Result("03_sales_flow", *stamp, sales, {"bottleneck_draws": draws}),
    }
