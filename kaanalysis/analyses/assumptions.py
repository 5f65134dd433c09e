"""M-1 read statement by statement: the method's eight base assumptions, what follows from each, and how far the two groups overlap.

The findings M-1.1 to M-1.4 compare small customers with key accounts. Each also says something of either group alone ("small customers
are many", "key accounts stay long"); these eight statements are judged here on the findings' own numbers against marks in the policy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses import market
from kaanalysis.analyses.verdicts import above, below, clustered_share, find_flips, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, State
from kaanalysis.stats import bootstrap


@dataclass(frozen=True)
class Statement:
    """One of the eight. number, of: the number that carries it and that number's segment; side: on which side of the policy value `mark`
    its interval must lie; doubts: reasons for which the axis' own finding distrusts that number, so that the statement is not
    decided on it either."""

    axis: str
    segment: str
    key: str
    number: str
    of: str
    side: str
    mark: str
    doubts: tuple[str, ...] = ()


STATEMENTS = (
    Statement("M-1.1", "SMB", "many", "accounts_estimated", "SMB", "above", "market.large", ("lists_uneven",)),
    Statement("M-1.1", "KA", "few", "accounts_estimated", "KA", "below", "market.small", ("lists_uneven",)),
    Statement("M-1.2", "SMB", "short", "rmst", "SMB", "below", "lifecycle.short_months"),
    Statement("M-1.2", "KA", "long", "rmst", "KA", "above", "lifecycle.long_months"),
    Statement("M-1.3", "SMB", "generic", "custom_share", "SMB", "below", "needs.generic_share"),
    Statement("M-1.3", "KA", "individual", "custom_share", "KA", "above", "needs.individual_share"),
    Statement("M-1.4", "SMB", "varied", "spend_dispersion", "SMB", "above", "spend.varied"),
    Statement("M-1.4", "KA", "well_paying", "spend_ratio", "KA-SMB", "above", "spend.ratio", ("spend_mix",)),
)
# What the method concludes from each statement: (segment, principle, statement it rests on).
PRINCIPLES = (
    ("SMB", "channel_coverage", "many"),
    ("SMB", "transaction_model", "short"),
    ("SMB", "simple_product", "generic"),
    ("SMB", "comparative_advantage", "varied"),
    ("KA", "named_accounts", "few"),
    ("KA", "lasting_relationship", "long"),
    ("KA", "combined_solution", "individual"),
    ("KA", "dedicated_effort", "well_paying"),
)
LOOKS = ("stay", "needs", "pay", "size")
COLUMNS = ("axis", "segment", "statement", "state", "number", "of", "value", "low", "high", "level", "n", "unit", "policy", "now",
           "flip_at", "flip_to")  # fmt: skip


def _reach(statement: Statement, finding: Finding, number: Number) -> tuple[float | None, float | None]:
    """The interval that decides: the number's own, and of potential customers the one that the finding M-1.1 goes by."""
    if statement.axis != "M-1.1":
        return number.low, number.high
    return market.reach(finding.numbers, statement.of)


def _state(statement: Statement, finding: Finding | None, policy: Policy) -> State:
    number = finding.number(statement.number, statement.of) if finding is not None else None
    if finding is None or number is None:
        return "no_data"
    if number.n < policy["evidence.minimum_units"] or finding.reason in statement.doubts:
        return "undecided"
    return (above if statement.side == "above" else below)(*_reach(statement, finding, number), policy[statement.mark])


def statements(findings: list[Finding], policy: Policy) -> pd.DataFrame:
    """One row per statement: its state, the number that carries it, the policy value it is held against and where that would flip it.

    State `no_data` where the finding could not be fed, `undecided` where the finding itself distrusts the number. low, high: the interval
    that decides (inf read as null: no upper limit). flip_at: nearest mark at which the state changes, null where none in its range does."""
    rows = []
    for s in STATEMENTS:
        finding = next((f for f in findings if f.id == s.axis), None)
        number = finding.number(s.number, s.of) if finding is not None else None

        def judge(p: Policy, s: Statement = s, finding: Finding | None = finding) -> list[Finding]:
            return [Finding(s.key, s.key, _state(s, finding, p), "", needs=("no_data",))]

        value, low, high, level, n, unit = None, None, None, None, 0, ""
        flip = None
        if finding is not None and number is not None:
            value, level, n, unit = number.value, number.level, number.n, number.unit
            low, high = _reach(s, finding, number)
            flip = next(iter(find_flips(judge, s.key, policy, [s.mark])), None)
        rows.append((s.axis, s.segment, s.key, _state(s, finding, policy), s.number, s.of, value, low, high, level, n, unit, s.mark,
                     float(policy[s.mark]), flip.at if flip else None, flip.to if flip else None))  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame = frame.astype(dict.fromkeys(("value", "low", "high", "level", "now", "flip_at"), "float64"))
    return frame.replace({"high": {math.inf: math.nan}})


def principles(stated: pd.DataFrame) -> pd.DataFrame:
    """One row per selling principle: segment, principle, statement, axis, state (of the statement it rests on). Only a `supported` one is
    to be printed as advice."""
    by_key = stated.set_index("statement")
    rows = [
        (segment, key, rests, by_key.loc[rests, "axis"], by_key.loc[rests, "state"])
        for segment, key, rests in PRINCIPLES
    ]
    return pd.DataFrame(rows, columns=["segment", "principle", "statement", "axis", "state"])


# How far the groups overlap -----------------------------------------------------------------------------------------


def _between(values: pd.Series, segment: pd.Series) -> float | None:
    """Geometric middle between the two groups' medians; None where one group has no value above 0."""
    medians = [values[(segment == s) & (values > 0)].median() for s in ("SMB", "KA")]
    return None if not all(np.isfinite(m) and m > 0 for m in medians) else float(np.sqrt(medians[0] * medians[1]))


def _by_cut(values: pd.Series, cut: float | None) -> pd.Series:
    look = pd.Series(pd.NA, index=values.index, dtype="string")
    if cut is None:
        return look
    known = values.notna()
    return look.mask(known & (values > cut), "KA").mask(known & (values <= cut), "SMB")


def overlap_of_looks(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per customer with a segment: account_id, cluster, segment, and what it looks like (SMB, KA or null) on each of
    :data:`LOOKS`, cut half-way between the two groups.

    stay: whether a life lasted to the middle of the two lifetime marks, of those that began on record and long enough ago to tell; needs:
    share of custom work in its own orders; pay: spend of the window; size: employees, else revenue (geometric middle of medians)."""
    register = aggregates.account_register(company, policy)
    frame = register[register["customer"] & register["segment"].isin(["SMB", "KA"])].set_index("account_id")
    frame = frame[["cluster", "segment", "employees", "annual_revenue", "spend"]]
    size = frame["employees"] if frame["employees"].notna().any() else frame["annual_revenue"]
    out = frame[["cluster", "segment"]].copy()
    out["size"] = _by_cut(size.astype(float), _between(size.astype(float), frame["segment"]))
    spend = frame["spend"].where(frame["spend"] > 0)
    out["pay"] = _by_cut(spend, _between(spend, frame["segment"]))
    out["needs"] = _needs_look(company, policy, frame)
    out["stay"] = _stay_look(company, policy, frame)
    return out.reset_index()[["account_id", "cluster", "segment", *LOOKS]]


def _needs_look(company: Company, policy: Policy, frame: pd.DataFrame) -> pd.Series:
    if not company.has("order_lines.custom"):
        return pd.Series(pd.NA, index=frame.index, dtype="string")
    orders = aggregates.order_amounts(company, policy).set_index("account_id")
    orders = orders[orders["amount"] > 0]
    share = (orders["custom"] / orders["amount"]).reindex(frame.index)
    means = [share[frame["segment"] == s].mean() for s in ("SMB", "KA")]
    return _by_cut(share, float(np.mean(means)) if np.isfinite(means).all() else None)


def _stay_look(company: Company, policy: Policy, frame: pd.DataFrame) -> pd.Series:
    look = pd.Series(pd.NA, index=frame.index, dtype="string")
    if not company.has("subscriptions") and not company.has("opportunities.closed_at"):
        return look
    lives = aggregates.customer_lives(company, policy)
    lives = lives[lives["account_id"].isin(frame.index)]
    last = lives.sort_values("life").groupby("account_id").last().reindex(frame.index)
    cut = (policy["lifecycle.short_months"] + policy["lifecycle.long_months"]) / 2 * DAYS_PER_MONTH
    # Only lives seen from their start, and long enough ago to have reached the cut: among the others only one of the two looks can show.
    told = last["entry"].eq(0) & (last["since"] >= cut)
    stayed = (last["duration"] >= cut).fillna(False)
    return look.mask(told & stayed, "KA").mask(told & ~stayed, "SMB")


ALL_AXES = "mixed_share_all_axes"
MIXED = {"mixed_share": 2, "mixed_share_three_axes": 3}  # number name: axes that must be known of a customer


def mixed_shares(looks: pd.DataFrame, policy: Policy) -> list[Number]:
    """Share of the customers that look SMB on one axis and KA on another, by segment and for all: of those with two axes known or
    more, and of those with three or more. An axis not known cannot disagree, so either is at least so much; the second is nearer, of
    fewer customers."""
    seen, level = looks[list(LOOKS)], policy["evidence.level"]
    known, key = seen.notna().sum(axis=1), (seen == "KA").fillna(False).sum(axis=1)
    mixed, numbers = (key > 0) & (key < known), []
    for name, axes in MIXED.items():
        method = f"share of customers with at least {axes} axes known, cluster jackknife"
        for segment in ("SMB", "KA", aggregates.ALL):
            mine = (known >= axes) & (looks["segment"].eq(segment) | (segment == aggregates.ALL))
            if mine.any():
                clusters, flags = looks.loc[mine, "cluster"].to_numpy(object), mixed[mine].to_numpy(bool)
                numbers.append(clustered_share(name, segment, flags, clusters, level, method))
            elif segment == aggregates.ALL:
                numbers.append(Number(name, segment, None, None, None, level, 0, "share", method))
    return [*numbers, mixed_on_all_axes(looks, policy)]


def mixed_on_all_axes(looks: pd.DataFrame, policy: Policy) -> Number:
    """Share (0 … 1) of all customers that would look SMB on one axis and KA on another if every axis were known of them: within each
    segment from the share that looks KA on each axis, the axes taken as independent there.

    Not a bound: axes that disagree in the same customers make it too large. An axis known of nobody in a segment is left out there, so that
    with one axis it is 0. None without a customer."""
    level, method = policy["evidence.level"], "from shares on each axis, independent within segments; cluster bootstrap"
    inside = [looks["segment"].eq(s).to_numpy(bool) for s in ("SMB", "KA")]
    known = looks[list(LOOKS)].notna().to_numpy(np.float64)
    key = (looks[list(LOOKS)] == "KA").fillna(False).to_numpy(np.float64)
    count = int(sum(m.sum() for m in inside))
    if not count:
        return Number(ALL_AXES, aggregates.ALL, None, None, None, level, 0, "share", method)

    def statistic(weights: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        w, mixed = weights.astype(np.float64), np.zeros(len(weights))
        for mine in inside:
            on_record = w[:, mine] @ known[mine]
            with np.errstate(invalid="ignore"):
                share = (w[:, mine] @ key[mine]) / on_record
            alike = (
                np.where(on_record > 0, share, 1.0).prod(axis=1),
                np.where(on_record > 0, 1 - share, 1.0).prod(axis=1),
            )
            mixed += w[:, mine].sum(axis=1) * np.clip(1 - alike[0] - alike[1], 0.0, 1.0)
        return mixed / np.maximum(sum(w[:, m].sum(axis=1) for m in inside), 1e-12)

    found = bootstrap(statistic, looks["cluster"].to_numpy(object), draws=policy["evidence.draws"], seed=policy["evidence.seed"],
                      level=level, method=method)  # fmt: skip
    return number(ALL_AXES, aggregates.ALL, replace(found, n=count), "share")


def judge_overlap(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-1: two businesses if surely fewer than `overlap.mixed_share` of the customers look SMB on one axis and KA on another, of those
    with two axes known, of those with three, and as estimated for all axes (:func:`mixed_on_all_axes`). Contradicted by the first alone,
    which can only be too small.

    Wrong where the label follows one of the axes by definition: then that axis cannot disagree. Wrong too if customers of whom more is
    known are of another kind than the rest."""
    by_name = {(n.name, n.segment): n for n in numbers}
    units = [by_name[("mixed_share", s)].n if ("mixed_share", s) in by_name else 0 for s in ("SMB", "KA")]
    least, mark = policy["evidence.minimum_units"], policy["overlap.mixed_share"]
    if min(units) < least:
        return [Finding("M-1", "two_businesses", "undecided", "too_few", tuple(numbers))]
    whole, nearer = (by_name[(name, aggregates.ALL)] for name in MIXED)
    state = below(whole.low, whole.high, mark)
    if state != "contradicted":
        if nearer.n < least:
            return [Finding("M-1", "two_businesses", "undecided", "axes_unknown", tuple(numbers))]
        every = by_name.get((ALL_AXES, aggregates.ALL))
        # Of those of whom two or three axes are known the share can only be too small: it takes that of all axes to say that few are.
        if below(nearer.low, nearer.high, mark) != "supported" or (
            every is not None and below(every.low, every.high, mark) != "supported"
        ):
            state = "undecided"
    return [Finding("M-1", "two_businesses", state, f"overlap_{state}", tuple(numbers))]


def overlap_finding(looks: pd.DataFrame, policy: Policy) -> Finding:
    """The finding M-1 with its flip."""
    numbers = mixed_shares(looks, policy)
    flips = find_flips(lambda p: judge_overlap(numbers, p), "M-1", policy, ["overlap.mixed_share"])
    return replace(judge_overlap(numbers, policy)[0], flips=flips)


# How verdicts move with the definition -------------------------------------------------------------------------------


def moves_between_definitions(
    company: Company, policy: Policy, now: list[Finding], find: Callable[[Policy], list[Finding]]
) -> pd.DataFrame:
    """One row per definition of a segment that the data can feed and finding: definition, version, finding, key, state, n_smb, n_ka
    (customers), used (the definition of this run, whose findings are `now`), same_as (an earlier definition that tells every customer
    apart alike, so that this one is no further test; else null). `find` computes the findings under another."""
    rows: list[tuple[object, ...]] = []
    told: dict[str, pd.Series] = {}
    for definition in aggregates.DEFINITIONS:
        under = policy.override({"segment.definition": definition})
        if aggregates.segment_missing(company, under):
            continue
        used = definition == policy["segment.definition"]
        register = aggregates.account_register(company, under)
        mine = register[register["customer"]].set_index("account_id")["segment"].fillna("")
        same = next((name for name, other in told.items() if mine.equals(other)), None)
        told[definition] = mine
        sizes = (int(mine.eq("SMB").sum()), int(mine.eq("KA").sum()))
        for finding in now if used else find(under):
            rows.append(
                (
                    definition,
                    aggregates.segment_version(under),
                    finding.id,
                    finding.key,
                    finding.state,
                    *sizes,
                    used,
                    same,
                )
            )
    names = ["definition", "version", "finding", "key", "state", "n_smb", "n_ka", "used", "same_as"]
    return pd.DataFrame(rows, columns=names).astype({"same_as": "string"})
