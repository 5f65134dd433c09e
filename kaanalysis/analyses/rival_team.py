"""M-C, rival team: a separate key-account team takes customers from the other teams, who quarrel about them, and efficiency never comes.

Four signs, all since the launch: the KA team's deals meet another team's deal with the same customer more often than chance would have
it (`double_pursuit`); it quarrels with other teams beyond what the handover at the launch explains (`dispute_rate`), which costs management
time (`dispute_hours`); and its deals are not won more often than other teams' deals with such customers (`efficiency_gain`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaanalysis.aggregates import DAYS_PER_MONTH, disputes_between_teams, handovers, ownership_claims
from kaanalysis.aggregates.patterns import pattern_deals
from kaanalysis.analyses.pattern_signs import Beyond, Sign, missing_sign, sign_of
from kaanalysis.analyses.pursuit import CodedDeals, coded, day_of, days_of, met
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import (
    EventRate,
    Measured,
    RateDifference,
    cluster_regression,
    event_rate,
    poisson_binomial_range,
    share_beyond_expected,
)
from kaanalysis.stats.inputs import BoolArray, FloatArray, IntArray

ID, KEY = "M-C", "rival_team"
FEEDS = ("company.ka_launch", "teams.motion", "opportunities.team", "opportunities.created_at")
FLIPS = (
    "rival_team.double_pursuit",
    "rival_team.dispute_rate",
    "rival_team.dispute_hours",
    "rival_team.efficiency_gain",
)
SIGNS = ("double_pursuit", "dispute_rate", "dispute_hours", "efficiency_gain")
# Quarrel without double pursuit is another pattern, and its rate and its hours are two readings of the same disputes.
REQUIRED = ("double_pursuit",)
_PURSUIT = "share of deals beyond chance in strata, clusters of customers and sellers, exact"
_HANDOVER = "recorded since the launch, soon after the account went over to a KA team"
_RATE = "weighted Poisson rate by customer group, Fay and Feuer"
_GAIN = "difference of shares won within the horizon, within segments, clusters of sellers, t"
# policy value of the margin, side, unit, what the effect is held against
_MEASURED: dict[str, tuple[str, Beyond, str, str]] = {
    "double_pursuit": ("rival_team.double_pursuit", "above", "share", "chance"),
    "dispute_rate": ("rival_team.dispute_rate", "above", "disputes per deal", "before_after"),
    "dispute_hours": ("rival_team.dispute_hours", "above", "hours per seller and month", "before_after"),
    "efficiency_gain": ("rival_team.efficiency_gain", "below", "share difference", "unaffected_teams"),
}


@dataclass(frozen=True)
class Quarrels:
    """Disputes between a KA team and another as numbers, shape (n,) each, oldest first: opened (days since 1970-01-01), group (code of the
    customer group), hours (NaN: not recorded), since_handover (days since its account went over to the KA team in an orderly way;
    NaN: it did not, or later)."""

    opened: IntArray
    group: IntArray
    hours: FloatArray
    since_handover: FloatArray


@dataclass(frozen=True)
class Rivals:
    """What the signs are made of. missing: table.columns that some sign cannot do without; launch: None where it is not recorded."""

    deals: CodedDeals | None
    quarrels: Quarrels | None
    launch: dt.date | None
    as_of: dt.date
    missing: tuple[str, ...]


def gather(company: Company, policy: Policy) -> Rivals:
    """Deals, disputes and claims of ownership, read once."""
    missing = tuple(company.missing(*FEEDS, "disputes.opened_at", "disputes.hours"))
    deals = None if set(missing) & set(FEEDS) else coded(pattern_deals(company, policy))
    quarrels = None
    if deals is not None and "disputes.opened_at" not in missing:
        quarrels = quarrels_of(disputes_between_teams(company, policy), ownership_claims(company, policy))
    return Rivals(deals, quarrels, company.info.ka_launch, company.info.as_of, missing)


def quarrels_of(disputes: pd.DataFrame, claims: pd.DataFrame) -> Quarrels:
    """The disputes between a KA team and another, set against the handovers that the claims tell of; both as the aggregates give them."""
    between = (disputes["motion_a"] == "KA") != (disputes["motion_b"] == "KA")
    found = disputes[between & disputes["opened_at"].notna()]
    at = handovers(claims).set_index("account_id")["at"].reindex(found["account_id"])
    since = (found["opened_at"] - pd.to_datetime(at).to_numpy()).dt.days.to_numpy(np.float64)
    hours = pd.to_numeric(found["hours"], errors="coerce").to_numpy(np.float64)
    group = pd.factorize(found["cluster"])[0].astype(np.int64)
    return Quarrels(days_of(found["opened_at"]), group, hours, np.where(since >= 0, since, np.nan))


def signs(gathered: Rivals, cut: dt.date, policy: Policy) -> list[Sign]:
    """double_pursuit, dispute_rate, dispute_hours, efficiency_gain as known on day `cut`.

    Wrong where two teams are meant to work a customer together (the tables do not tell help from rivalry), where customers of one
    segment, region and size differ so much in how often they buy that both teams meet there anyway, and where disputes are only
    written down since the launch."""
    lacking = [m for m in gathered.missing if m in FEEDS]
    if gathered.deals is None or gathered.launch is None or cut <= gathered.launch:
        return [_missing(name, lacking, policy) for name in SIGNS]
    known, launch, now = gathered.deals.known_at(day_of(cut)), day_of(gathered.launch), day_of(cut)
    since = known.opened >= launch
    ours = known.key & since
    if int(ours.sum()) < policy["evidence.minimum_units"]:
        return [_missing(name, (), policy, int(ours.sum())) for name in SIGNS]
    return [
        _double_pursuit(known, ours, since, policy),
        *_disputes(gathered, known, ours, launch, now, policy),
        _efficiency(known, ours, since, now, policy),
    ]


def _missing(name: str, needs: list[str] | tuple[str, ...], policy: Policy, n: int = 0) -> Sign:
    margin, beyond, unit, comparison = _MEASURED[name]
    return missing_sign(
        name, needs, margin=policy[margin], beyond=beyond, unit=unit, level=policy["evidence.level"],
        method="missing" if needs else "too few", comparison=comparison, n=n, segment="KA",
    )  # fmt: skip


def _sign(effect: Measured, name: str, policy: Policy) -> Sign:
    margin, beyond, unit, comparison = _MEASURED[name]
    return sign_of(effect, name, policy[margin], beyond, unit, comparison, policy["evidence.level"], segment="KA")


def _double_pursuit(known: CodedDeals, ours: BoolArray, since: BoolArray, policy: Policy) -> Sign:
    """Share of the KA team's deals that meet another team's with the same customer group, less its expectation by chance. Another team's
    deal from before the launch belongs to the handover: who takes a customer over meets what was under way. Customers are clusters as
    well as sellers: one large customer can bring most of the meetings."""
    mine = known.pick(ours)
    there, chance = met(mine, known.pick(~known.key & since))
    excess = share_beyond_expected(there, chance, mine.group, mine.seller, _PURSUIT)
    return _sign(excess, "double_pursuit", policy)


def _disputes(
    gathered: Rivals, known: CodedDeals, ours: BoolArray, launch: int, now: int, policy: Policy
) -> list[Sign]:
    """Disputes with other teams per deal of the KA team, and their hours per seller and month: since the launch and beyond the handover
    (``rival_team.handover_months``), less those of the time before where the KA team worked then already."""
    q = gathered.quarrels
    if q is None:
        return [_missing(n, ["disputes.opened_at"], policy) for n in ("dispute_rate", "dispute_hours")]
    there = q.opened <= now
    explained = q.since_handover <= policy["rival_team.handover_months"] * DAYS_PER_MONTH
    left, early = there & (q.opened >= launch) & ~explained, there & (q.opened < launch)
    before = known.key & ~ours

    def rate(weight: FloatArray, most: float, exposures: tuple[float, float]) -> Measured:
        made: list[EventRate] = []
        for part, exposure in zip((left, early), exposures, strict=True):
            if exposure > 0:
                sums = np.bincount(q.group[part], weights=weight[part])
                made.append(event_rate(sums, exposure, _RATE, largest=None if part.any() else most))
        return made[0] if len(made) == 1 else RateDifference(made[0], made[1], _RATE)

    deals = float(ours.sum()), float(before.sum())
    found = [_sign(rate(np.ones(len(q.opened)), 1.0, deals), "dispute_rate", policy)]
    written = q.hours[there & np.isfinite(q.hours)]
    months = _seller_months(known, ours, now), _seller_months(known, before, launch)
    if not len(written) or months[0] <= 0:
        needs = [m for m in gathered.missing if m == "disputes.hours"]
        return [*found, _missing("dispute_hours", needs, policy)]
    # Hours not written down are taken as the mean of the others: leaving them out would make quarrels cheaper.
    hours = np.where(np.isfinite(q.hours), q.hours, written.mean())
    return [*found, _sign(rate(hours, float(written.max()), months), "dispute_hours", policy)]


def _seller_months(known: CodedDeals, which: BoolArray, until: int) -> float:
    """Months of selling by the sellers of these deals, each from the first of them to `until`."""
    deals = known.pick(which)
    _, first = np.unique(deals.seller, return_index=True)  # deals are oldest first
    return float((until - deals.opened[first]).clip(min=0).sum() / DAYS_PER_MONTH)


def _efficiency(known: CodedDeals, ours: BoolArray, since: BoolArray, now: int, policy: Policy) -> Sign:
    """Share of deals won within ``rival_team.horizon_months``: the KA team's less other teams' with customers of the same segment, deals
    that met one of the KA team's left out of the others. Only deals as old as the horizon count, so that young losses weigh no more than
    young wins."""
    days = policy["rival_team.horizon_months"] * DAYS_PER_MONTH
    touched, theirs = np.zeros(len(ours), bool), ~known.key & since
    touched[theirs] = met(known.pick(theirs), known.pick(ours))[0]
    old = (now - known.opened >= days) & (known.segment >= 0)
    ours, others = ours & old, ~known.key & ~touched & old
    shared = np.intersect1d(known.segment[ours], known.segment[others])
    inside = np.isin(known.segment, shared)
    ours, others = ours & inside, others & inside
    least = policy["evidence.minimum_units"]
    if ours.sum() < least or others.sum() < least:
        return _missing("efficiency_gain", (), policy, int(ours.sum()))
    used = known.pick(ours | others)
    won = used.won & (used.closed - used.opened <= days)
    columns = [ours[ours | others], *(used.segment == label for label in shared)]
    x = np.column_stack([c.astype(np.float64) for c in columns])
    effect = cluster_regression(won.astype(np.float64), x, used.seller).effect(np.eye(x.shape[1])[0], _GAIN)
    return _sign(effect, "efficiency_gain", policy)


def explained(gathered: Rivals, policy: Policy) -> tuple[list[Number], dict[str, str]]:
    """Numbers `handover_disputes` and `handover_hours`: disputes between a KA team and another since the launch that the handover of
    their account explains, and the hours recorded of them; none of either is said where no dispute is on record. Term `handover` where
    there is one: a reader who finds them in the data is to see where they went."""
    q = gathered.quarrels
    if q is None or gathered.launch is None:
        return [], {}
    there = (q.opened >= day_of(gathered.launch)) & (q.opened <= day_of(gathered.as_of))
    within = there & (q.since_handover <= policy["rival_team.handover_months"] * DAYS_PER_MONTH)
    n = int(within.sum())
    if not n:
        return [], {}
    hours = float(np.nansum(q.hours[within]))
    numbers = [
        Number("handover_disputes", "KA", float(n), None, None, None, n, "disputes", _HANDOVER),
        Number("handover_hours", "KA", hours, None, None, None, n, "hours", _HANDOVER),
    ]
    return numbers, {"handover": "all" if n == int(there.sum()) else "some"}


def frames(gathered: Rivals, policy: Policy) -> dict[str, pd.DataFrame]:
    """timeline: one row per month since the launch and series (month, series, value): KA teams' deals opened (ka_deals), those that
    meet another team's with the same customer (double_pursuit), what chance would bring (chance, chance_low, chance_high: the middle
    `level` of its Poisson-binomial distribution); disputes with other teams beyond the handover and of the handover (disputes,
    disputes_handover), hours of the former (dispute_hours)."""
    if gathered.deals is None or gathered.launch is None:
        return {}
    known, launch = gathered.deals.known_at(day_of(gathered.as_of)), day_of(gathered.launch)
    since = known.opened >= launch
    mine = known.pick(known.key & since)
    there, chance = met(mine, known.pick(~known.key & since))
    start = pd.Timestamp(gathered.launch).to_period("M")
    months = pd.period_range(start, pd.Timestamp(gathered.as_of).to_period("M"), freq="M")

    def place(days: IntArray) -> IntArray:
        at = pd.to_datetime(days, unit="D").to_period("M")
        return np.asarray((at.year - start.year) * 12 + at.month - start.month, dtype=np.int64)

    n, at = len(months), place(mine.opened)

    def sums(place: IntArray, weight: FloatArray | BoolArray) -> FloatArray:
        return np.asarray(np.bincount(place, weights=weight, minlength=n), dtype=np.float64)

    series = {
        "ka_deals": sums(at, np.ones(len(at))), "double_pursuit": sums(at, there), "chance": sums(at, chance),
    }  # fmt: skip
    level = policy["evidence.level"]
    ends = [poisson_binomial_range(chance[at == m], level) for m in range(n)]
    series |= {
        "chance_low": np.array([e[0] for e in ends], dtype=float),
        "chance_high": np.array([e[1] for e in ends], dtype=float),
    }
    if gathered.quarrels is not None:
        q = gathered.quarrels
        late = (q.opened >= launch) & (q.opened <= day_of(gathered.as_of))
        explained = q.since_handover <= policy["rival_team.handover_months"] * DAYS_PER_MONTH
        hours = np.nan_to_num(q.hours)
        for name, which, weight in (
            ("disputes", late & ~explained, np.ones(len(hours))), ("disputes_handover", late & explained, np.ones(len(hours))),
            ("dispute_hours", late & ~explained, hours),
        ):  # fmt: skip
            series[name] = sums(place(q.opened[which]), weight[which])
    rows = [pd.DataFrame({"month": months.to_timestamp(), "series": k, "value": v}) for k, v in series.items()]
    return {"timeline": pd.concat(rows, ignore_index=True)}
