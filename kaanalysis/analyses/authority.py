"""M-2.5: where the amount of a purchase crosses a limit of authority, are approvals added? Where, which, and what do they cost in days?

Counted are the different approval steps of a *finished* flow (:func:`finished`). A flow that ended early never came to its later
approvals, so its count says where it failed and not what its process asks for. Among finished flows of one process the count is a
function of the amount: that dearer purchases finish more seldom makes the side above thinner, and nothing else. Where customers differ
in their limits, those whose process more often leads to the end weigh more.

The count is fitted with a step along log amount. Whether there is one is asked by permutation over customer groups, where it lies by
the cuts that a likelihood ratio keeps, whether it is one limit and not many different ones by comparison with a gradual rise
(:mod:`kaanalysis.stats.change_point`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.authority_effect import added_days, added_steps, recorded_share
from kaanalysis.analyses.verdicts import difference_of_means, figures_wanted, find_flips, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data
from kaanalysis.stats import Estimate, change_point, change_point_test, holm, largest_jump, step_weight

FEEDS = ("accounts.segment", "buying_steps.part", "buying_steps.amount|opportunities.amount")
DIMENSIONS = ("category", "department")
FITS = [
    "segment",
    "flows",
    "finished",
    "placed",
    "limit",
    "low",
    "high",
    "round_amount",
    "below",
    "above",
    "p_value",
    "sharpness",
]
GROUPS = ["segment", "dimension", "value", "flows", "limit", "low", "high", "jump", "p_value", "p_adjusted", "exists"]


def finished(flows: pd.DataFrame) -> pd.Series:
    """Which flows ran to their end: those of a won deal; without a deal, told ones, and logged ones whose last step is the one that
    flows of their category end with most often (a rejection ends few of them)."""
    alone = flows["outcome"].isna()
    logged = alone & (flows["source"] != "interview")
    category = flows["category"].fillna(aggregates.ALL)
    last = flows.loc[logged].groupby(category[logged])["last_step"].agg(lambda s: next(iter(s.mode()), ""))
    at_end = flows["last_step"] == category.map(last)
    return (flows["outcome"] == "won") | (alone & (flows["source"] == "interview")) | (logged & at_end)


def roundest(low: float, high: float) -> float:
    """The amount with the fewest digits in low … high (both above 0), of several the one nearest to their geometric middle: people set
    limits at round amounts."""
    middle = np.sqrt(low * high)
    for digits in range(1, 17):
        unit = 10.0 ** (np.floor(np.log10(high)) - digits + 1)
        amounts = np.arange(np.ceil(low / unit - 1e-9), np.floor(high / unit + 1e-9) + 1) * unit
        if len(amounts):
            return float(amounts[np.abs(np.log(amounts / middle)).argmin()])
    return float(middle)


@dataclass(frozen=True)
class Fit:
    """What a group of flows says about a limit. limit: in currency, None where nothing was found (p not small); steps: of
    :func:`kaanalysis.analyses.authority_effect.added_steps`, empty without a limit."""

    flows: pd.DataFrame
    p_value: float | None
    jump: Estimate
    limit: Estimate | None
    weight: float | None
    test: str

    @property
    def above(self) -> np.ndarray:
        assert self.limit is not None and self.limit.value is not None
        return self.flows["amount"].to_numpy(float) > self.limit.value


def least_units(flows: int, policy: Policy) -> int:
    """Flows on either side of a limit, at the least."""
    return max(policy["authority.side_units"], int(np.ceil(policy["authority.side_share"] * flows)))


def fit(flows: pd.DataFrame, policy: Policy) -> Fit:
    """flows: finished ones with an amount above 0 and a cluster."""
    x, y = np.log(flows["amount"].to_numpy(float)), flows["approvals"].to_numpy(float)
    clusters, level = flows["cluster"].to_numpy(object), policy["evidence.level"]
    least, seed = least_units(len(flows), policy), policy["evidence.seed"]
    test = change_point_test(x, y, clusters, least=least, draws=policy["authority.permutations"], seed=seed)[0]
    jump = largest_jump(x, y, clusters, least=least, draws=policy["evidence.draws"], seed=seed, level=level)
    limit, weight = None, None
    if test.p_value is not None and test.p_value <= 1 - level:
        place = change_point(x, y, least=least, draws=policy["evidence.draws"], seed=seed, level=level)
        weight = step_weight(x, y, least=least)
        value, low, high = (None if v is None else float(np.exp(v)) for v in (place.value, place.low, place.high))
        limit = None if value is None else Estimate(value, low, high, level, place.n, place.method)
    return Fit(flows, test.p_value, jump, limit, weight, test.method)


def _always(fitted: Fit, segment: str) -> list[Number]:
    """Whether there is a limit: what is said of both segments."""
    n = len(fitted.flows)
    return [
        Number(
            "limit_p_value",
            segment,
            fitted.p_value,
            None,
            None,
            None,
            n,
            "probability",
            fitted.test + ", customer groups",
        ),
        number("limit_jump", segment, fitted.jump, "approvals"),
    ]


def _about(fitted: Fit, segment: str, company: Company, policy: Policy) -> list[Number]:
    """The limit itself, where there is one: place, how sharp, what it adds."""
    if fitted.limit is None:
        return []
    n, limit = len(fitted.flows), fitted.limit
    out = [number("authority_limit", segment, limit, company.info.currency)]
    if limit.low is not None and limit.high is not None:
        amount = roundest(limit.low, limit.high)
        method = "roundest amount within the interval"
        out.append(Number("limit_round", segment, amount, None, None, None, n, company.info.currency, method))
    out.append(
        Number(
            "limit_sharpness",
            segment,
            fitted.weight,
            None,
            None,
            None,
            n,
            "index",
            "weight of a step against a ramp, BIC",
        )
    )
    clusters = fitted.flows["cluster"].to_numpy(object)
    method = "mean above minus mean below, the limit taken as found"
    added = difference_of_means(fitted.flows["approvals"], fitted.above, clusters, policy, method)
    out.append(number("limit_approvals", segment, added, "approvals"))
    return out


def judge(numbers: list[Number], segment: str, units: int, policy: Policy) -> list[Finding]:
    """M-2.5: supported if the permutation test finds a step, it adds `authority.minimum_step` approvals or more, and a step tells the
    counts better than a gradual rise. Contradicted only where a step of that size is excluded at every amount; without a find it is
    undecided.

    Wrong if amount stands for something else that adds approvals (a department, a kind of product): the frame `authority_groups` asks
    within those. With many limits, one per customer, the one fitted is none of them: a gradual rise leaves the verdict open. One
    company in twenty
    without a limit gets a small p by chance."""
    said = {n.name: n for n in numbers if n.segment == segment}
    kept = tuple(numbers)
    if units < policy["evidence.minimum_units"]:
        return [Finding("M-2.5", "authority_limit", "undecided", "too_few", kept)]

    def verdict(state: str, reason: str) -> list[Finding]:
        return [Finding("M-2.5", "authority_limit", state, reason, kept)]  # type: ignore[arg-type]

    smallest, jump = policy["authority.minimum_step"], said["limit_jump"]
    if jump.high is not None and jump.high < smallest:
        return verdict("contradicted", "limit_contradicted")
    added = said.get("limit_approvals")
    if "authority_limit" not in said or added is None or added.value is None or added.value < smallest:
        return verdict("undecided", "limit_undecided")
    sharp = said["limit_sharpness"].value
    if sharp is None or sharp < policy["authority.sharpness"]:
        return verdict("undecided", "limit_gradual")
    return verdict("supported", "limit_supported")


def _groups(placed: dict[str, pd.DataFrame], policy: Policy) -> pd.DataFrame:
    """The same question within every category and department that has enough flows; p-values adjusted over all of them (Holm)."""
    rows = []
    for segment, flows in placed.items():
        for dimension in DIMENSIONS:
            for value, own in flows.groupby(dimension):
                if len(own) < max(policy["evidence.minimum_units"], 2 * least_units(len(own), policy)):
                    continue
                found = fit(own, policy)
                place = found.limit or Estimate(None, None, None, policy["evidence.level"], len(own), "")
                rows.append(
                    (
                        segment,
                        dimension,
                        str(value),
                        len(own),
                        place.value,
                        place.low,
                        place.high,
                        found.jump.value,
                        found.p_value,
                    )
                )
    frame = pd.DataFrame(rows, columns=GROUPS[:9])
    for column in ("limit", "low", "high", "jump", "p_value"):
        frame[column] = frame[column].astype(float)
    tested = frame["p_value"].notna()
    frame.loc[tested, "p_adjusted"] = holm(frame.loc[tested, "p_value"])
    frame = frame.reindex(columns=GROUPS)
    return frame.assign(exists=frame["p_adjusted"].fillna(1.0) <= 1 - policy["evidence.level"])


def _row(segment: str, mine: pd.DataFrame, fitted: Fit) -> tuple[object, ...]:
    """A row of `authority_fits`."""
    counts = (segment, len(mine), int(mine["finished"].sum()), len(fitted.flows))
    place = fitted.limit
    if place is None:
        return (*counts, None, None, None, None, fitted.flows["approvals"].mean(), None, fitted.p_value, None)
    tidy = None if place.low is None or place.high is None else roundest(place.low, place.high)
    below, above = (fitted.flows.loc[side, "approvals"].mean() for side in (~fitted.above, fitted.above))
    return (*counts, place.value, place.low, place.high, tidy, below, above, fitted.p_value, fitted.weight)


def find(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-2.5. Frames: `authority_fits` (one row per segment: flows, finished, placed, limit …), `authority_flows` (the
    flows placed), `authority_steps` (presence of every approval below and above), `authority_groups` (by category and department),
    `authority_recorded` (limits that the data itself names)."""
    missing = [*company.missing("buying_steps.part"), *company.missing("buying_steps.amount|opportunities.amount")]
    if missing:
        return no_data("M-2.5", "authority_limit", missing), {}
    flows = aggregates.approvals_by_flow(company, policy)
    flows["finished"] = finished(flows)
    usable = flows[flows["finished"] & (flows["amount"] > 0)]
    segments = [s for s in ("SMB", "KA") if (usable["segment"] == s).any()]
    placed = {s: usable[usable["segment"] == s].reset_index(drop=True) for s in segments}
    if "KA" not in segments:
        needs = aggregates.segment_missing(company, policy) or aggregates.segment_needs(policy)
        # Without segments one process is mixed with another, and amount tells which: only within a category can be asked.
        log = usable[(usable["source"] != "interview") & usable["outcome"].isna()].reset_index(drop=True)
        kinds = {str(k): fit(own, policy) for k, own in log.groupby(log["category"].fillna(aggregates.ALL))}
        numbers = [n for k, fitted in kinds.items() for n in (*_always(fitted, k), *_about(fitted, k, company, policy))]
        frames = {"authority_groups": _groups({aggregates.ALL: log}, policy)} if kinds and figures_wanted() else {}
        return no_data("M-2.5", "authority_limit", needs, numbers, "no_segments" if numbers else "missing"), frames
    fits = {s: fit(own, policy) for s, own in placed.items()}
    numbers = [n for s, fitted in fits.items() for n in _always(fitted, s)]
    ka = fits["KA"]
    numbers += _about(ka, "KA", company, policy)
    frames = {
        "authority_fits": pd.DataFrame([_row(s, flows[flows["segment"] == s], f) for s, f in fits.items()], columns=FITS),
        "authority_flows": pd.concat(placed.values(), ignore_index=True)[["segment", "flow_id", "amount", "approvals", "days"]],
    }  # fmt: skip
    step = None
    if ka.limit is not None:
        steps = aggregates.approvals_in_flows(company, policy)
        table = added_steps(ka.flows, steps, ka.above, least_units(len(ka.flows), policy), policy)
        step = next(iter(table.loc[table["added"], "step"]), None)
        numbers += added_days(ka.flows, steps, set(table.loc[table["added"], "step"]), ka.limit, "KA", policy)
        share, recorded = recorded_share(flows, ka.limit, "KA", policy)
        numbers += share
        frames |= {"authority_steps": table, "authority_recorded": recorded}
    if figures_wanted():
        frames["authority_groups"] = _groups(placed, policy)
    finding = judge(numbers, "KA", len(ka.flows), policy)[0]
    flips = find_flips(
        lambda p: judge(numbers, "KA", len(ka.flows), p),
        "M-2.5",
        policy,
        ["authority.minimum_step", "authority.sharpness"],
    )
    if finding.reason == "limit_supported" and step is not None:
        days = [finding.number(name, "KA") for name in ("limit_days", "limit_step_days")]
        reason = "limit_supported_days" if all(days) else "limit_supported_step"
        finding = replace(finding, reason=reason, terms={"step": str(step)})
    return replace(finding, flips=flips), frames
