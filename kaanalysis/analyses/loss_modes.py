"""M-3.3: are key-account deals lost in the three ways of SMB-minded teams: a split decision chain (a), budget and other departments too
late (b), only the key person seen (c)?

How often: `mode_share`, of the deals that were lost, drifted off, were refunded or litigated and whose record can tell
(:mod:`loss_coding`), customer groups as clusters. Whether it goes with losing: `mode_relative_risk`. Whole lives must not be compared for
that: a deal lost early had less time to meet people, so not having met them would look deadly even if it had no effect (immortal
time; Suissa, American Journal of Epidemiology 167 (2008) 492–499). So deals still open on ``modes.landmark_days`` are compared by what is
known on that day, within size and the stage they stood in then, and followed to the success horizon, open ones censored. It is an
association: sellers may meet fewer people where they expect less.

`mode_agreement` holds the coding against the recorded loss reason (words in ``loss_words.toml``): Gwet's AC1. Reasons are what sellers
say, so low agreement tells that one of the two is wrong, not which.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.loss_coding import EVIDENCE, MODES, code_modes, landmark, whole_life
from kaanalysis.analyses.verdicts import above, amount_bands, both, clustered_share, figures_wanted, find_flips, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data
from kaanalysis.stats import Estimate, clustered_risk_ratio, gwet_agreement, pseudo_incidence

IDS = dict(zip(("M-3.3a", "M-3.3b", "M-3.3c"), MODES, strict=True))
_ALWAYS = ("accounts.segment", "opportunities.created_at", "opportunities.closed_at", "stakeholders.person_id")
NEEDS = {
    "split_chain": (*_ALWAYS, "stakeholders.stance"),
    "late_departments": (*_ALWAYS, "stakeholders.engaged_at", "activities.topic"),
    "key_person_only": (*_ALWAYS, "stakeholders.engaged_at", "stakeholders.key_person"),
}
FEEDS = {id: NEEDS[mode] for id, mode in IDS.items()}
LEFT_OPEN = (
    0.05  # as in the rates: up to so many open when the last deal is seen, what is settled stands for the horizon
)
FAILED = ("lost", "drifted", "refunded", "litigated")
RATES = [
    "mode",
    "landmark",
    "used",
    "with_mode",
    "lost_with",
    "without_mode",
    "lost_without",
    "value",
    "low",
    "high",
    "n",
    "level",
    "unit",
]
SHARE = "share of lost key-account deals whose record can tell, customer groups as clusters (jackknife)"


@dataclass(frozen=True)
class _Records:
    """What is on record of key-account deals. meetings: whether first meetings are recorded at all."""

    deals: pd.DataFrame
    people: pd.DataFrame
    talks: pd.DataFrame | None
    stages: pd.DataFrame
    meetings: bool


def _read(company: Company, policy: Policy) -> _Records:
    deals = aggregates.key_account_exits(company, policy)
    talks = aggregates.budget_talks(company, policy) if company.has("activities.topic|activities.action") else None
    stages = aggregates.key_account_stages(company, policy) if company.has("stage_history") else None
    empty = pd.DataFrame(columns=["opportunity_id", "stage", "day"])
    return _Records(
        # Of deals opened before the records begin the first meetings were not recorded.
        deals[deals["entry"] == 0].reset_index(drop=True), aggregates.deal_people(company, policy), talks,
        empty if stages is None else stages, company.has("stakeholders.engaged_at"),
    )  # fmt: skip


def _strata(deals: pd.DataFrame, stages: pd.DataFrame, day: float, bands: int) -> np.ndarray:
    """Size band and the stage that each deal stood in on `day`."""
    size = amount_bands(deals["amount"].to_numpy(float), bands)
    last = stages[stages["day"] <= day].groupby("opportunity_id")["stage"].last()
    stage = deals["opportunity_id"].map(last).astype(object)
    return np.asarray(size.astype(object) + " / " + stage.where(stage.notna(), "?").astype(str).to_numpy(object))


def _lost_by(deals: pd.DataFrame, day: float, horizon: float) -> np.ndarray | None:
    """Pseudo-values of having been lost by the horizon, of deals open on `day`; None where more than a twentieth of them would be open
    when the last is seen, before the horizon."""
    if deals.empty or horizon <= day:
        return None
    outcome = deals["result"].astype(object).where(deals["result"].notna(), None)
    ended = outcome.map(lambda r: None if r is None else "failed" if r in FAILED else "won").to_numpy(object)
    time = deals["days"].to_numpy(float) - day
    until = min(horizon - day, float(time.max()))
    failed, won = (pseudo_incidence(time, ended, kind, until) for kind in ("failed", "won"))
    settled = until == horizon - day or float(failed.mean() + won.mean()) >= 1 - LEFT_OPEN
    return failed if settled else None


def _at_landmark(records: _Records, day: float, policy: Policy) -> list[dict[str, object]]:
    """One row per mode: risk of losing with and without it among deals open on `day` (columns :data:`RATES`)."""
    level, horizon = policy["evidence.level"], policy["success.horizon_months"] * aggregates.DAYS_PER_MONTH
    coded = code_modes(records.people, records.talks, landmark(records.deals, day), records.meetings, policy)
    deals = records.deals[records.deals["days"] > day].merge(coded, on="opportunity_id")
    rows: list[dict[str, object]] = []
    for mode in MODES:
        told = deals[deals[mode].notna()]
        flag = told[mode].astype(bool).to_numpy()
        row: dict[str, object] = {"mode": mode, "landmark": day, "used": False, "with_mode": int(flag.sum()),
                                  "without_mode": int((~flag).sum()), "level": level, "unit": "ratio"}  # fmt: skip
        lost = _lost_by(told, day, horizon)
        if lost is None:
            found = Estimate(
                None, None, None, level, len(told), "Mantel–Haenszel risk ratio; not followed to the horizon"
            )
        else:
            strata = _strata(told, records.stages, day, policy["modes.size_bands"])
            found = clustered_risk_ratio(lost, flag, strata, told["cluster"].to_numpy(object), level=level)
            for name, side in (("lost_with", flag), ("lost_without", ~flag)):
                row[name] = float(lost[side].mean()) if side.any() else None
        rows.append(
            row | {"value": found.value, "low": found.low, "high": found.high, "n": found.n, "method": found.method}
        )
    return rows


def _rates(records: _Records, policy: Policy) -> tuple[dict[str, Number], pd.DataFrame]:
    """mode_relative_risk by mode at the policy's landmark; all modes at it, at half and at one and a half times it."""
    day = policy["modes.landmark_days"]
    days = [day / 2, day, 1.5 * day] if figures_wanted() else [day]
    frame = pd.DataFrame([r | {"used": d == day} for d in days for r in _at_landmark(records, d, policy)])
    risks = {}
    for row in frame[frame["used"]].to_dict("records"):
        value, low, high = (None if pd.isna(row[c]) else float(row[c]) for c in ("value", "low", "high"))
        method = (
            f"lost with it over lost without it among deals open on day {day}, within size and stage; {row['method']}"
        )
        mode, n = str(row["mode"]), int(row["n"])
        risks[mode] = Number(
            "mode_relative_risk", mode, value, low, high, float(row["level"]), n, "ratio", method, policy["success.horizon_months"]
        )  # fmt: skip
    frame = frame.drop(columns="method").reindex(columns=RATES)
    return risks, frame.astype(dict.fromkeys(("lost_with", "lost_without", "value", "low", "high"), float))


def _agreement(failed: pd.DataFrame, mode: str, level: float) -> list[Number]:
    """Coding against recorded reason, of lost deals with a reason whose record can tell; nothing where no reason speaks of the mode."""
    told = failed[failed[mode].notna() & failed["loss_reason"].notna()]
    reasons = told["loss_reason"].astype(str).str.lower().str.replace("_", " ")
    said = reasons.str.contains(aggregates.loss_words()[mode], regex=True)
    if told.empty or not said.any():
        return []
    found = gwet_agreement(
        told[mode].astype(bool).to_numpy(), said.to_numpy(bool), told["cluster"].to_numpy(object), level=level
    )
    return [number("mode_agreement", mode, found, "index")]


def judge_mode(id: str, numbers: tuple[Number, ...], policy: Policy) -> list[Finding]:
    """Supported where surely more than ``modes.minimum_share`` of lost deals went this way and surely ``modes.relative_risk`` times as
    many deals in that state are lost; contradicted where either is surely not so.

    Wrong if what is on record is not what happened: persons never entered make a deal look as if only the key person was seen, a stance
    is what the seller believes it to be, and a loss may be why nobody was met any more just before the landmark."""
    mode = IDS[id]
    named = {n.name: n for n in numbers}
    share, risk = named["mode_share"], named["mode_relative_risk"]
    if share.n < policy["evidence.minimum_units"]:
        return [Finding(id, mode, "undecided", "mode_too_few", numbers)]
    often = above(share.low, share.high, policy["modes.minimum_share"])
    deadly = above(risk.low, risk.high, policy["modes.relative_risk"])
    state = both(often, deadly)
    if state == "supported":
        reason = "mode_supported"
    elif often == "contradicted":
        reason = "mode_rare"
    elif deadly == "contradicted":
        reason = "mode_harmless"
    elif risk.low is None or risk.high is None:
        reason = "mode_not_compared"
    else:
        reason = "mode_undecided"
    return [Finding(id, mode, state, reason, numbers)]


def _list(failed: pd.DataFrame) -> pd.DataFrame:
    """Every lost deal with what coded it, the longest first."""
    columns = ["opportunity_id", "account_id", "name", "result", "days", "amount", "loss_reason", *MODES, *EVIDENCE]
    return failed[columns].sort_values(["days", "opportunity_id"], ascending=[False, True]).reset_index(drop=True)


def find(company: Company, policy: Policy) -> tuple[list[Finding], dict[str, pd.DataFrame]]:
    """M-3.3a to c: numbers (segment = the mode) mode_share, mode_relative_risk, mode_agreement where reasons speak of it, mode_untold (lost
    deals whose record cannot tell) and modes_none (lost deals that surely went none of the three ways). Frames `loss_modes` (a row per
    lost deal: opportunity_id, account_id, name, result, days, amount, loss_reason, the three modes, the evidence) and
    `loss_mode_rates` (mode × landmark: with_mode, lost_with, without_mode, lost_without, risk ratio with interval)."""
    common = company.missing(*_ALWAYS[1:])
    segments = aggregates.segment_missing(company, policy)
    if common or segments:
        return [no_data(id, mode, [*segments, *common]) for id, mode in IDS.items()], {}
    records = _read(company, policy)
    failed = records.deals[records.deals["result"].isin(FAILED)]
    if failed.empty:
        return [no_data(id, mode, ["opportunities.outcome"], reason="no_lost_deals") for id, mode in IDS.items()], {}
    coded = code_modes(records.people, records.talks, whole_life(failed, policy), records.meetings, policy)
    failed = failed.merge(coded, on="opportunity_id")
    risks, rates = _rates(records, policy)
    level = policy["evidence.level"]
    none = (failed[list(MODES)] == False).all(axis=1).fillna(False)  # noqa: E712 (missing is neither)
    findings = []
    for id, mode in IDS.items():
        missing = [m for m in company.missing(*NEEDS[mode]) if m not in segments]
        if missing:
            findings.append(no_data(id, mode, missing))
            continue
        told = failed[failed[mode].notna()]
        if told.empty:
            findings.append(
                no_data(
                    id,
                    mode,
                    ["stakeholders.part" if mode == "split_chain" else "stakeholders.role"],
                    reason="mode_untold",
                )
            )
            continue
        share = clustered_share(
            "mode_share", mode, told[mode].astype(bool).to_numpy(), told["cluster"].to_numpy(object), level, SHARE
        )
        count = "count of lost key-account deals"
        numbers = (
            share,
            risks[mode],
            *_agreement(failed, mode, level),
            Number("mode_untold", mode, len(failed) - len(told), None, None, None, len(failed), "deals", count),
            Number("modes_none", "KA", int(none.sum()), None, None, None, len(failed), "deals", count),
        )
        finding = judge_mode(id, numbers, policy)[0]

        def again(p: Policy, id: str = id, numbers: tuple[Number, ...] = numbers) -> list[Finding]:
            return judge_mode(id, numbers, p)

        flips = find_flips(again, id, policy, ["modes.minimum_share", "modes.relative_risk"])
        findings.append(replace(finding, flips=flips))
    return findings, {"loss_modes": _list(failed), "loss_mode_rates": rates}
