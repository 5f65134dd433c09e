"""M-F, shortfall: the key-account team misses its target, the SMB teams fill the hole, and the line between them blurs.

Five signs, of which ``shortfall.signs`` must be there:

- ka_attainment: bookings over quota of the KA teams, over the months after the ramp. Against the share that policy asks for. Teams that
  booked nothing at all are measured by the deals that their quota stood for.
- smb_fills: quota per SMB seller in the last months, against its own trend before the launch: the hole is handed on. Quotas, because
  bookings are no sign of it: SMB teams lose their key accounts at the launch, and a few large deals drown what they gain; both are in
  the frames.
- border_blur: growth of the share of key accounts' new deals that SMB teams work, since the launch. Growth, not level: a few key accounts
  stay with SMB teams in any company.
- key_account_disputes: disputes between KA and SMB teams about key accounts, the last months against the time since the launch before.
  Handing accounts over brings disputes too, but they fade.
- support_cost_growth: support cost per seller in the last months, against its own trend before the launch, in teams that were there then.

What else could produce the signs, and what tells it apart. A rival team (M-C) brings disputes and no rest, but about small customers, and
it is the KA team that crosses the line, not SMB. A hatched team or a siphon (M-A, M-D) misses its target too, but nobody else works its
accounts. A young programme books nothing yet: months of the ramp do not count. Quotas and support costs that rise every year do so before
the launch as well: trend. Effects are associations: what management would have asked of SMB without the programme is not on record.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates.patterns import pattern_deals
from kaanalysis.analyses import shortfall_effects as effects
from kaanalysis.analyses.pattern_days import day_number, days_of
from kaanalysis.analyses.pattern_signs import Beyond, Sign, missing_sign, sign_of
from kaanalysis.analyses.shortfall_effects import Gathered
from kaanalysis.analyses.shortfall_frames import monthly
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.stats import Effect

ID, KEY = "M-F", "shortfall"
FEEDS = ("company.ka_launch", "teams.motion", "team_months.quota", "team_months.bookings")
FLIPS = (
    "shortfall.attainment",
    "shortfall.ramp_months",
    "shortfall.fill_rise",
    "shortfall.blur_rise",
    "shortfall.dispute_rise",
    "shortfall.support_rise",
)
# name, unit, side of the margin, policy value, method, what it is held against
KINDS: dict[str, tuple[str, Beyond, str, str, str]] = {
    "ka_attainment": ("share", "below", "shortfall.attainment", effects.ATTAINMENT, "target"),
    "smb_fills": ("ratio", "above", "shortfall.fill_rise", effects.BEYOND_TREND, "trend"),
    "border_blur": ("share difference", "above", "shortfall.blur_rise", effects.BLUR, "own_past"),
    "key_account_disputes": ("ratio", "above", "shortfall.dispute_rise", effects.DISPUTES, "own_past"),
    "support_cost_growth": ("ratio", "above", "shortfall.support_rise", effects.BEYOND_TREND, "trend"),
}
SLOW = ("smb_fills", "border_blur", "support_cost_growth")  # follow a miss: that they are not there yet says nothing
MONTHS = ("opened", "ended", "team", "motion", "sellers", "support_cost", "quota", "bookings")


def gather(company: Company, policy: Policy) -> Gathered:
    """The key accounts' deals, the teams' months and the disputes behind the signs."""
    launch = company.info.ka_launch
    feeds, segments = company.missing("company.ka_launch", "teams.motion"), aggregates.segment_missing(company, policy)
    quota, sellers = company.missing("team_months.quota"), company.missing("team_months.sellers")
    worked = company.missing("opportunities.team", "opportunities.created_at")
    quarrels = company.missing("disputes.team_a", "disputes.team_b", "disputes.opened_at")
    needs = {
        "ka_attainment": feeds + quota + company.missing("team_months.bookings"),
        "smb_fills": feeds + quota + sellers,
        "border_blur": feeds + segments + worked,
        "key_account_disputes": feeds + segments + quarrels,
        "support_cost_growth": feeds + sellers + company.missing("team_months.support_cost"),
    }
    found = {name: tuple(dict.fromkeys(missing)) for name, missing in needs.items()}
    return Gathered(
        _deals(company, policy, launch) if launch is not None and not found["border_blur"] else _empty("cluster", "opened", "by_smb"),
        _months(company) if not feeds and company.has("team_months") else _empty(*MONTHS),
        _disputes(company, policy, launch)
        if launch is not None and not found["key_account_disputes"]
        else _empty("cluster", "opened", "hours"),
        None if launch is None else day_number(launch), day_number(company.info.as_of), found,
        _won(company, policy) if not segments and company.has("opportunities.closed_at") else _empty("closed", "amount"),
    )  # fmt: skip


def _empty(*columns: str) -> pd.DataFrame:
    return pd.DataFrame({c: pd.Series(dtype="float64") for c in columns})


def _deals(company: Company, policy: Policy, launch: dt.date) -> pd.DataFrame:
    deals = pattern_deals(company, policy)
    keep = (deals["segment"] == "KA") & deals["motion"].isin(["SMB", "KA"])
    deals = deals[keep & (deals["created_at"] >= pd.Timestamp(launch))]
    return pd.DataFrame({
        "cluster": pd.factorize(deals["cluster"])[0], "opened": days_of(deals["created_at"]).to_numpy("float64"),
        "by_smb": (deals["motion"] == "SMB").to_numpy(bool),
    })  # fmt: skip


def _won(company: Company, policy: Policy) -> pd.DataFrame:
    deals = pattern_deals(company, policy)
    deals = deals[
        (deals["segment"] == "KA") & (deals["outcome"] == "won") & deals["amount"].notna() & deals["closed_at"].notna()
    ]
    amounts = deals["amount"].to_numpy("float64")
    return pd.DataFrame({"closed": days_of(deals["closed_at"]).to_numpy("float64"), "amount": amounts})


def _months(company: Company) -> pd.DataFrame:
    months = aggregates.team_economics(company)
    months = months[months["motion"].notna()]
    first = pd.to_datetime(months["month"])
    amounts = {c: pd.to_numeric(months[c], errors="coerce").to_numpy("float64") for c in MONTHS[4:]}
    return pd.DataFrame({
        "opened": days_of(first).to_numpy(), "ended": days_of(first + pd.offsets.MonthEnd(0)).to_numpy(),
        "team": months["team"].to_numpy(object), "motion": months["motion"].to_numpy(object), **amounts,
    })  # fmt: skip


def _disputes(company: Company, policy: Policy, launch: dt.date) -> pd.DataFrame:
    found = aggregates.team_disputes(company, policy)
    between = (found["motion_a"] == "KA") & (found["motion_b"] == "SMB")
    between |= (found["motion_a"] == "SMB") & (found["motion_b"] == "KA")
    found = found[between & (found["segment"] == "KA") & (found["opened_at"] >= pd.Timestamp(launch))]
    return pd.DataFrame({
        "cluster": pd.factorize(found["cluster"])[0], "opened": days_of(found["opened_at"]).to_numpy("float64"),
        "hours": pd.to_numeric(found["hours"], errors="coerce").to_numpy("float64"),
    })  # fmt: skip


def signs(gathered: Gathered, cut: dt.date, policy: Policy) -> list[Sign]:
    """The five signs as they stood on the day `cut`, always in the order of :data:`KINDS`.

    Wrong if the quota was never meant to be met, if SMB's quotas were raised for reasons of their own at the same time, or if key accounts
    worked by SMB teams were agreed to be theirs. What comes only after a miss (:data:`SLOW`) is no evidence of absence before so many
    months as the window has have passed since the launch: no hole has been there to fill yet."""
    found = effects.measured(gathered, day_number(cut), policy)
    made = [_sign(name, found.get(name), gathered.needs[name], policy) for name in KINDS]
    if (
        gathered.launch is None
        or day_number(cut) >= effects.months_after(gathered.launch, policy["shortfall.window_months"]) - 1
    ):
        return made
    return [replace(s, p_absent=None) if s.name in SLOW else s for s in made]


def _sign(
    name: str, effect: Effect | effects.RateRatio | effects.NothingBooked | None, needs: tuple[str, ...], policy: Policy
) -> Sign:
    unit, beyond, value, method, comparison = KINDS[name]
    margin, level = policy[value], policy["evidence.level"]
    if effect is None or effect.value is None:
        n = 0 if effect is None else effect.n
        return missing_sign(name, needs, margin=margin, beyond=beyond, unit=unit, level=level, method=method,
                            comparison=comparison, segment="KA", n=n)  # fmt: skip
    if isinstance(effect, effects.RateRatio):
        low, high = effect.limits(level)
        present, absent = effect.p_above(margin), effect.p_below(margin)
        return Sign(name, effect.value, low, high, level, effect.n, unit, method, margin, beyond, present, absent, comparison,
                    segment="KA")  # fmt: skip
    if isinstance(effect, effects.NothingBooked):
        return sign_of(effect, name, margin, beyond, unit, comparison, level, segment="KA")
    segment = "SMB" if comparison == "trend" else "KA"
    turn = None if name == "border_blur" else math.exp  # the others are differences of logs
    return replace(sign_of(effect, name, margin, beyond, unit, comparison, level, transform=turn), segment=segment)


def frames(gathered: Gathered, policy: Policy) -> dict[str, pd.DataFrame]:
    """shortfall_monthly: month, series (attainment of the KA teams; smb_quota and smb_bookings per SMB seller; border_blur: share of key
    accounts' new deals worked by SMB teams; disputes and dispute_hours about key accounts; support_cost per seller of the teams that were
    there a year before the launch), value, n (months' teams, deals or disputes behind it), after (since the launch). Months not over at
    as_of are left out. Empty without a launch."""
    return {"shortfall_monthly": monthly(gathered)}
