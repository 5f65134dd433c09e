"""M-A, hatching: the best SMB sellers were grown into KA sellers, and key accounts take longer, bring no more, are won less, cost more.

Five signs, all of which must be there: the set-up and the four effects that the method names. The set-up is a sign because the effects
alone are not M-A's own: a starved product lengthens cycles too, a siphoned pool raises the cost of sales too.

- hatched_share: of the KA teams' deals since the launch, the share worked by people who had sold for SMB teams before.
- cycle_ratio: days from opening to winning, key-account deals opened since the launch against those opened before, over the same for
  small customers; at the same customer size.
- deal_size_ratio: won amounts, since against before. The sign is that they stay below the rise that a KA team is built for. Not held
  against customers' size: where larger customers make deals larger, deal size did rise.
- success_change: share won within the horizon, since minus before, less the same for small customers; at the same customer size.
- cost_of_sales_ratio: what the selling teams cost (with support) per amount won, since against before. All direct teams together: how an
  SMB seller's time was split between large and small customers before the launch is on nobody's record.

What else could produce the signs, and what unmasks it. Larger customers: they would raise deal size, and cycle and success are compared at
the same size. A young programme: every deal is followed for the same time after its opening, open ones are censored, cost is held
against what the deals opened in the same months brought within that time. A market that slows: small customers would show it, sold by
those who stayed. Sellers choosing whom to serve: all key-account deals of direct teams count, whoever works them.
Effects are associations: nobody drew lots who became a KA seller.
"""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates.patterns import pattern_deals
from kaanalysis.analyses import hatching_effects as effects
from kaanalysis.analyses.hatching_effects import Gathered
from kaanalysis.analyses.hatching_frames import hatching_frames
from kaanalysis.analyses.pattern_days import day_number, days_of
from kaanalysis.analyses.pattern_signs import Beyond, Sign, missing_sign, sign_of
from kaanalysis.company import Company
from kaanalysis.policy import Policy

ID, KEY = "M-A", "hatching"
FEEDS = (
    "company.ka_launch",
    "teams.motion",
    "opportunities.team",
    "opportunities.owner",
    "opportunities.created_at",
    "opportunities.closed_at",
)
FLIPS = (
    "hatching.hatched_share",
    "hatching.cycle_ratio",
    "hatching.size_rise",
    "hatching.success_drop",
    "hatching.cost_rise",
)
# name, unit, side of the margin, policy value, method, what it is held against where all is there
KINDS: dict[str, tuple[str, Beyond, str, str, str]] = {
    "hatched_share": ("share", "above", "hatching.hatched_share", effects.SHARE, "target"),
    "cycle_ratio": ("ratio", "above", "hatching.cycle_ratio", effects.CYCLE, "unaffected_teams"),
    "deal_size_ratio": ("ratio", "below", "hatching.size_rise", effects.SIZE, "before_after"),
    "success_change": ("share difference", "below", "hatching.success_drop", effects.SUCCESS, "unaffected_teams"),
    "cost_of_sales_ratio": ("ratio", "above", "hatching.cost_rise", effects.COST, "before_after"),
}


def gather(company: Company, policy: Policy) -> Gathered:
    """The deals and the months behind the signs. A deal opened before `observed_from` is on record only because it was still open then, so
    it is left out; renewals as ``conversion.deals`` says."""
    as_of, launch = day_number(company.info.as_of), company.info.ka_launch
    feeds = company.missing(*FEEDS)
    segments = aggregates.segment_missing(company, policy)
    amounts = company.missing("opportunities.amount")
    costs = company.missing("team_months.cost", "team_months.support_cost")
    needs = {
        "hatched_share": feeds,
        "cycle_ratio": feeds + segments,
        "deal_size_ratio": feeds + segments + amounts,
        "success_change": feeds + segments,
        "cost_of_sales_ratio": feeds + amounts + costs,
    }
    found = {name: tuple(dict.fromkeys(missing)) for name, missing in needs.items()}
    deals = _deals(company, policy) if not feeds else pd.DataFrame()
    months = _months(company, deals) if not feeds and not costs else pd.DataFrame(columns=["opened", "ended", "cost"])
    return Gathered(deals, months, None if launch is None else day_number(launch), as_of, found)


def _deals(company: Company, policy: Policy) -> pd.DataFrame:
    deals = pattern_deals(company, policy)
    keep = deals["motion"].isin(["SMB", "KA"]) & deals["created_at"].notna()
    keep &= (deals["outcome"] == "open") | deals["closed_at"].notna()
    if company.info.observed_from is not None:
        keep &= deals["created_at"] >= pd.Timestamp(company.info.observed_from)
    if policy["conversion.deals"] != "all":
        keep &= deals["origin"] != "renewal"
    deals = deals[keep]
    employees = pd.to_numeric(deals["employees"], errors="coerce").astype("float64")
    return pd.DataFrame({
        "cluster": pd.factorize(deals["cluster"])[0], "key": (deals["segment"] == "KA").to_numpy(bool),
        "small": (deals["segment"] == "SMB").to_numpy(bool), "ka_team": (deals["motion"] == "KA").to_numpy(bool),
        "owner": deals["owner"].to_numpy(object), "opened": days_of(deals["created_at"]).to_numpy(),
        "ended": days_of(deals["closed_at"]).to_numpy(), "won": (deals["outcome"] == "won").to_numpy(bool),
        "amount": pd.to_numeric(deals["amount"], errors="coerce").to_numpy("float64"),
        "log_size": np.log(employees.where(employees > 0).to_numpy("float64")),
    })  # fmt: skip


def _months(company: Company, deals: pd.DataFrame) -> pd.DataFrame:
    """Months that began under observation: from `observed_from` on, else from the first deal on."""
    watched = company.info.observed_from
    start = float(day_number(watched)) if watched is not None else deals["opened"].min()
    months = aggregates.team_economics(company)
    months = months[months["motion"].isin(["SMB", "KA"])]
    cost = months["cost"].astype("float64") + months["support_cost"].astype("float64")
    # A month in which one team's cost is not on record has no sum.
    by_month = pd.DataFrame({"month": pd.to_datetime(months["month"]), "cost": cost}).groupby("month")["cost"]
    total = pd.DataFrame({"cost": by_month.agg(lambda x: x.sum(min_count=len(x)))}).dropna()
    first = pd.Series(total.index)
    out = pd.DataFrame({
        "opened": days_of(first).to_numpy(), "ended": days_of(first + pd.offsets.MonthEnd(0)).to_numpy(),
        "cost": total["cost"].to_numpy("float64"),
    })  # fmt: skip
    return out[out["opened"] >= start].reset_index(drop=True)


def signs(gathered: Gathered, cut: dt.date, policy: Policy) -> list[Sign]:
    """The five signs as they stood on the day `cut`, always in the order of :data:`KINDS`.

    Wrong if what sets the deals since the launch apart is neither their sellers nor anything that small customers, the customer's size or
    the time of following show: harder industries, another product, a leader who left."""
    level, out = policy["evidence.level"], []
    found = effects.measured(gathered, day_number(cut), policy)
    for name, (unit, beyond, value, method, comparison) in KINDS.items():
        margin = 0.0 - policy[value] if name == "success_change" else policy[value]
        needs, effect = gathered.needs[name], found.get(name)
        if effect is None or effect.value is None:
            out.append(
                missing_sign(name, needs, margin=margin, beyond=beyond, unit=unit, level=level, method=method,
                             comparison=comparison, segment="KA", n=0 if effect is None else effect.n)
            )  # fmt: skip
            continue
        against = "before_after" if effect.method.endswith(effects.ALONE) else comparison
        turn = math.exp if unit == "ratio" else None
        out.append(sign_of(effect, name, margin, beyond, unit, against, level, transform=turn, segment="KA"))
    return out


def frames(gathered: Gathered, policy: Policy) -> dict[str, pd.DataFrame]:
    """Frames for figures and tables: see :func:`kaanalysis.analyses.hatching_frames.hatching_frames`."""
    return hatching_frames(gathered, policy)
