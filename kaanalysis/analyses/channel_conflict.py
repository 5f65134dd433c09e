"""M-B: partners sell the standard product, head office takes custom work and top customers; where they clash, partners hide deals (藏单),
divert them (飞单), withhold them (不给单) and obstruct head office on the ground.

Where they clash is not known: the regions are those whose partner registrations together fell furthest below what the direct deals of the
same regions would have led to expect (:func:`kaanalysis.stats.fallen_subset`, over all subsets of regions). Five signs are read in these
regions. `registration_ratio` is the measure that chose them, so the choice is paid for in its p-value and interval; the others rest on
other facts than how many deals were registered, so the choice costs them nothing. Late registration and diversion are the partners'
change beside that of direct deals in the same regions; purchases without a deal and the success of direct key-account deals are held
against the other regions. Two signs of five must be there: each alone has an innocent reading (a channel cut back, a web shop, harder key
accounts), and the method's four ways are means to one end of which partners need not use all. Two of them share a cause, though: of deals
registered late those that fail meanwhile are never registered, so hiding lowers registrations too. That partners win more of what they
register is no sign of anything: a deal hidden until it is safe cannot be lost, and that is what late registration measures.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis.aggregates.common import DAYS_PER_MONTH
from kaanalysis.analyses.channel_evidence import KEY, ChannelConflict, Conflict, frames, gather, regions_in_conflict
from kaanalysis.analyses.pattern_signs import Sign, missing_sign, sign_of
from kaanalysis.policy import Policy
from kaanalysis.stats import (
    Effect,
    design_effect,
    difference_in_differences,
    pseudo_incidence,
    share_contrast,
)

__all__ = ["FEEDS", "FLIPS", "ID", "KEY", "frames", "gather", "regions_in_conflict", "signs"]

ID = "M-B"
FEEDS = ("opportunities.created_at", "opportunities.channel|opportunities.partner_id|teams.motion", "accounts.region",
         "company.ka_launch")  # fmt: skip
FLIPS = ("channel.late_change", "channel.diverted_change", "channel.registration_ratio", "channel.unregistered_change",
         "channel.success_gap")  # fmt: skip
CHANGE_METHOD = "difference in differences to direct deals, Wilson limits put together by MOVER, design effect by partner and region"
RATIO_METHOD = "partner to direct registrations, jackknife by partner and region, Bonferroni over regions"
PURCHASE_METHOD = "difference in differences to other regions, CR2 by customer group"
NONE_METHOD = "no purchase without a deal, Wilson limits put together by MOVER"
BEFORE_METHOD = "before and after, CR2 by customer group"
SUCCESS_METHOD = "pseudo-values of the cumulative incidence, CR2 by customer group"


def signs(gathered: ChannelConflict, cut: dt.date, policy: Policy) -> list[Sign]:
    """The five signs in the regions of :func:`regions_in_conflict`, as known on day `cut`, always in this order: late_registration_change
    (hidden), diverted_change, registration_ratio and unregistered_change (withheld), ka_success_gap (obstruction). Changes and gap are
    differences of shares, −1 … 1; the ratio is 1 where partners register as before beside direct deals, 0 where not at all.

    Wrong if, in the same regions and since the launch, partners were told to register late and fewer of them are left for reasons of the
    company's own: the effects are associations."""
    conflict = regions_in_conflict(gathered, cut, policy)
    small = gathered.small
    there = small[small["region"].isin(conflict.regions) & (small["created_at"] <= pd.Timestamp(cut))]
    return [
        _late(gathered, cut, policy, there),
        _diverted(gathered, cut, policy, there),
        _ratio(gathered, policy, there, conflict.hypotheses),
        _unregistered(gathered, cut, policy, conflict),
        _obstructed(gathered, cut, policy, conflict),
    ]


def _beside_direct(
    gathered: ChannelConflict,
    policy: Policy,
    frame: pd.DataFrame,
    y: str,
    name: str,
    margin: float,
    needs: tuple[str, ...],
) -> Sign:
    """How much more the share `y` of the partners' deals in `frame` changed at the launch than that of the direct ones. The events are
    rare before the launch, so limits are Wilson's and not the normal ones; partners in a region and sellers are the clusters."""
    level, least = policy["evidence.level"], policy["evidence.minimum_units"]
    after, partner = frame["created_at"] >= pd.Timestamp(gathered.launch), frame["partner"]
    cells = [frame[side & time] for side in (partner, ~partner) for time in (after, ~after)]
    if min(len(cell) for cell in cells) < least:
        return missing_sign(name, _needs(gathered, *needs), margin=margin, beyond="above", unit="share difference", level=level,
                            method=CHANGE_METHOD, comparison="direct_deals", n=len(frame))  # fmt: skip
    contrast = share_contrast(
        [cell[y].sum() for cell in cells], [len(cell) for cell in cells], [1, -1, -1, 1],
        [design_effect(cell[y], cell["cluster"].to_numpy()) for cell in cells], CHANGE_METHOD,
    )  # fmt: skip
    found = contrast.interval(level)
    return Sign(name, found.value, found.low, found.high, level, found.n, "share difference", CHANGE_METHOD, margin, "above",
                contrast.p_above(margin), contrast.p_below(margin), "direct_deals")  # fmt: skip


def _late(gathered: ChannelConflict, cut: dt.date, policy: Policy, there: pd.DataFrame) -> Sign:
    """Hidden deals: of the partners' deals that came to stand (reached a stage from which most are won), the share first registered when
    they stood; its change at the launch beside that of the direct deals of the same regions."""
    stood = there[(there["stood_at"] <= pd.Timestamp(cut)) & there["late"].notna()]
    margin = policy["channel.late_change"]
    return _beside_direct(
        gathered, policy, stood, "late", "late_registration_change", margin, ("stage_history.entered_at",)
    )


def _diverted(gathered: ChannelConflict, cut: dt.date, policy: Policy, there: pd.DataFrame) -> Sign:
    """Diverted deals: of the partners' deals that stood and are closed, the share that a competitor won after all; its change at the launch
    beside that of the direct deals of the same regions. Deals whose file does not say are left out."""
    closed = there["stood_at"].notna() & (there["closed_at"] <= pd.Timestamp(cut))
    lost = there[closed & there["diverted"].notna()]
    needs = ("stage_history.entered_at", "opportunities.lost_to_competitor")
    if _needs(gathered, needs[1]):
        lost = lost[:0]
    return _beside_direct(
        gathered, policy, lost, "diverted", "diverted_change", policy["channel.diverted_change"], needs
    )


def _ratio(gathered: ChannelConflict, policy: Policy, known: pd.DataFrame, hypotheses: int) -> Sign:
    """Withheld deals, the partners' side: their registrations since the launch to before, beside those of the direct deals of the same
    regions. As the regions were chosen by it, its p-value is multiplied by the number of choices and its interval widened alike."""
    name, margin, level = "registration_ratio", policy["channel.registration_ratio"], policy["evidence.level"]
    after = (known["created_at"] >= pd.Timestamp(gathered.launch)).to_numpy()
    partner = known["partner"].to_numpy()
    sizes = [int((a & b).sum()) for a in (partner, ~partner) for b in (after, ~after)]
    if min(sizes[1:]) < policy["evidence.minimum_units"]:
        return missing_sign(name, _needs(gathered), margin=margin, beyond="below", unit="ratio", level=level, method=RATIO_METHOD,
                            comparison="direct_deals", n=len(known))  # fmt: skip
    parts = [
        _log_ratio(after[side], known[by].to_numpy()[side]) for side, by in ((partner, "cluster"), (~partner, "group"))
    ]
    squared = sum(error**2 for _, error, _ in parts)
    freedom = squared**2 / sum(error**4 / groups for _, error, groups in parts)
    effect = Effect(parts[0][0] - parts[1][0], math.sqrt(squared), freedom, len(known), RATIO_METHOD)
    paid = sign_of(effect, name, margin, "below", "ratio", "direct_deals", 1 - (1 - level) / hypotheses, math.exp)
    assert paid.p_present is not None
    return replace(paid, level=level, p_present=min(1.0, paid.p_present * hypotheses))


def _log_ratio(after: np.ndarray, clusters: np.ndarray) -> tuple[float, float, int]:
    """(log of the number of units after to before, its delete-one-cluster jackknife error, degrees of freedom). Half a unit is added to
    both numbers, so that none at all has a logarithm; the error is at least that of Poisson counts."""
    code, names = pd.factorize(clusters)
    groups = len(names)
    counts = np.array([np.bincount(code[side], minlength=groups) for side in (after, ~after)], dtype=float)
    total = counts.sum(axis=1, keepdims=True) + 0.5
    without = np.log(total - counts)
    spread = without[0] - without[1]
    error = math.sqrt((groups - 1) / groups * float(((spread - spread.mean()) ** 2).sum())) if groups > 1 else 0.0
    return float(np.log(total[0, 0] / total[1, 0])), max(error, math.sqrt(float((1 / total).sum()))), max(groups - 1, 1)


def _unregistered(gathered: ChannelConflict, cut: dt.date, policy: Policy, conflict: Conflict) -> Sign:
    """Withheld deals, the customers' side: of what customers other than key accounts bought, the share without a registered deal; its
    change at the launch beside that of the other regions (without others: against before)."""
    name, margin, level = "unregistered_change", policy["channel.unregistered_change"], policy["evidence.level"]
    at, registered = (gathered.bought[c].to_numpy() for c in ("at", "registered_at"))
    known = at <= np.datetime64(cut)
    there, after = gathered.bought["region"].isin(conflict.regions).to_numpy(), at >= np.datetime64(gathered.launch)
    method, comparison = (PURCHASE_METHOD, "other_regions") if conflict.elsewhere else (BEFORE_METHOD, "before_after")
    used = known if conflict.elsewhere else known & there
    sides = (there, ~there) if conflict.elsewhere else (there,)
    sizes = [int((side & when & known).sum()) for side in sides for when in (after, ~after)]
    if min(sizes) < policy["evidence.minimum_units"]:
        return missing_sign(name, _needs(gathered, "order_lines.at"), margin=margin, beyond="above", unit="share difference", level=level,
                            method=method, comparison=comparison, n=int(used.sum()))  # fmt: skip
    y = (~(registered[used] <= np.datetime64(cut))).astype(float)
    effect = difference_in_differences(y, there[used], after[used], gathered.bought["cluster"].to_numpy()[used], method)
    sign = sign_of(effect, name, margin, "above", "share difference", comparison, level)
    if sign.p_present is None and not y.any():
        # Nothing was ever bought past a deal. That is no certainty: limits are then Wilson's, of as many shares of none.
        none = share_contrast([0] * len(sizes), sizes, [1, -1, -1, 1][: len(sizes)], [1] * len(sizes), NONE_METHOD)
        found = none.interval(level)
        return replace(sign, low=found.low, high=found.high, method=NONE_METHOD, p_present=none.p_above(margin),
                       p_absent=none.p_below(margin))  # fmt: skip
    return sign


def _obstructed(gathered: ChannelConflict, cut: dt.date, policy: Policy, conflict: Conflict) -> Sign:
    """Obstruction: success of the direct key-account deals opened since the launch in the regions in conflict, minus that elsewhere (at
    ``success.horizon_months``, sooner where none has been followed so long; open deals censored). Before the launch there are too few for
    a second difference: a region in which key accounts were always harder cannot be told from one in which partners stand in the way.
    Without other regions: minus that of the deals opened before the launch, which other sellers worked."""
    name, margin, level = "ka_success_gap", 0.0 - policy["channel.success_gap"], policy["evidence.level"]
    day, launch, key = pd.Timestamp(cut), pd.Timestamp(gathered.launch), gathered.key
    opened = key[(key["created_at"] <= day) & ((key["created_at"] >= launch) | (not conflict.elsewhere))]
    there = (opened["region"].isin(conflict.regions) & (opened["created_at"] >= launch)).to_numpy()
    comparison = "other_regions" if conflict.elsewhere else "before_after"
    y = np.full(len(opened), np.nan)
    if min(there.sum(), (~there).sum()) >= policy["evidence.minimum_units"]:
        closed = (opened["closed_at"] <= day).to_numpy()
        length = (opened["closed_at"].where(closed, day) - opened["created_at"]).dt.days.to_numpy()
        outcome = opened["won"].map({1.0: "won", 0.0: "lost"}).where(closed, None).to_numpy(object)
        horizon = min(policy["success.horizon_months"] * DAYS_PER_MONTH, length.max())
        y = pseudo_incidence(length, outcome, "won", horizon)
    if not np.isfinite(y).all() or not len(y):
        return missing_sign(name, _needs(gathered), margin=margin, beyond="below", unit="share difference", level=level,
                            method=SUCCESS_METHOD, comparison=comparison, n=len(opened))  # fmt: skip
    everyone = np.ones(len(y), dtype=bool)
    effect = difference_in_differences(y, everyone, there, opened["group"].to_numpy(), SUCCESS_METHOD)
    return sign_of(effect, name, margin, "below", "share difference", comparison, level)


def _needs(gathered: ChannelConflict, *names: str) -> tuple[str, ...]:
    """Which of `names`, of the region and of the launch are missing."""
    return tuple(n for n in gathered.missing if n in (*names, "accounts.region", "company.ka_launch"))
