"""The rule of :mod:`kaanalysis.analyses.continuation_rule` held against the company's own key-account projects, as they came.

A project is decided when it is closed, or once it has been open for `success.horizon_months` without a win (success is read at that
horizon, as in M-3.2). Drifted projects are losses; a win that was refunded or litigated is no win. When a win was undone is not on record,
so the replay knows it from the day of closing.

In which order projects count decides whether the errors hold. Losses close before wins: by closing, the first projects of any young
programme are losses, and a rule that expects independent outcomes stops good ones. So a project counts once it and all that were opened
before it are decided (`stage.order`); the other order is replayed beside it.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.continuation_rule import (
    ContinuationRule,
    boundary_frame,
    characteristic_frame,
    compared,
    rule_frame,
    rule_of,
)
from kaanalysis.analyses.verdicts import figures_wanted
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.stats import DECISIONS, StoppingRule, confidence_sequence, evidence_reached

ORDERS = ("opening", "closing")


def projects(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per key-account project opened since ka_launch (since the first one without it) and under observation from its opening:
    opportunity_id, opened, closed (null: open at as_of), won (won and not undone), days (to closing, or so far)."""
    timed = aggregates.deal_times(company, policy)
    deals = timed[(timed["segment"] == "KA") & (timed["entry"] == 0)]
    as_of = pd.Timestamp(company.info.as_of)
    opened = as_of - pd.to_timedelta(deals["follow_up"], unit="D")
    closed = (opened + pd.to_timedelta(deals["days"], unit="D")).where(deals["outcome"].notna())
    made = pd.DataFrame({
        "opportunity_id": deals["opportunity_id"], "opened": opened, "closed": closed, "days": deals["days"],
        "won": (deals["outcome"] == "won") & ~deals["undone"],
    })  # fmt: skip
    if company.info.ka_launch is not None:
        made = made[made["opened"] >= pd.Timestamp(company.info.ka_launch)]
    return made.sort_values(["opened", "opportunity_id"]).reset_index(drop=True)


def decided(made: pd.DataFrame, order: str, horizon_months: float, as_of: dt.date) -> pd.DataFrame:
    """The projects known by as_of in the order in which they count: opportunity_id, date (of the look), won.

    closing: closed ones by closing date. opening: by opening date, each on the day on which it and all opened before it are decided; one
    still open at the horizon is decided then, and is no win."""
    if order == "closing":
        ended = made[made["closed"].notna()].sort_values(["closed", "opened", "opportunity_id"])
        return ended.assign(date=ended["closed"])[["opportunity_id", "date", "won"]].reset_index(drop=True)
    limit = made["opened"] + pd.Timedelta(days=round(horizon_months * DAYS_PER_MONTH))
    in_time = made["closed"].notna() & (made["closed"] <= limit)
    day = made["closed"].where(in_time, limit)
    looked = day.cummax()
    known = looked <= pd.Timestamp(as_of)
    frame = pd.DataFrame({"opportunity_id": made["opportunity_id"], "date": looked, "won": made["won"] & in_time})
    return frame[known].reset_index(drop=True)


def replay(made: pd.DataFrame, rule: ContinuationRule, as_of: dt.date, *, evidence: bool = True) -> pd.DataFrame:
    """The rule held against projects, with at every date only what was known then: one row per order and project that counts.

    Columns: order, used (whether it is the rule's order), look, date, opportunity_id, won, closed (projects so far), wins, low, high
    (confidence sequence at 1 − false_go, valid at all looks at once), go_on_from, stop_up_to (null after the plan's end), decision
    (go_on, stop, continue; the first is final), sequence (the same by evidence valid at every look). evidence False leaves limits and
    sequence out: they take most of the time."""
    plan = rule.boundaries()
    parts = []
    for order in ORDERS:
        known = decided(made, order, rule.horizon_months, as_of)
        n = len(known)
        if not n:
            continue
        wins = known["won"].to_numpy(int).cumsum()
        look = np.arange(1, n + 1)
        limits = np.full((n, 2), np.nan)
        if evidence:
            limits[:] = np.column_stack(confidence_sequence(wins, look, 1 - rule.false_go))

        def edge(values: np.ndarray, n: int = n) -> np.ndarray:
            out = np.full(n, np.nan)
            out[: min(n, len(values))] = values[:n]
            return out

        parts.append(
            pd.DataFrame({
                "order": order, "used": order == rule.order, "look": look, "date": known["date"].dt.strftime("%Y-%m-%d"),
                "opportunity_id": known["opportunity_id"], "won": known["won"].to_numpy(bool), "closed": look, "wins": wins,
                "low": limits[:, 0], "high": limits[:, 1], "go_on_from": edge(plan.go_on), "stop_up_to": edge(plan.stop),
                "decision": _standing(plan, wins), "sequence": _by_evidence(rule, wins) if evidence else "continue",
            })
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _standing(rule: StoppingRule, wins: np.ndarray) -> list[str]:
    """What a rule says at every look: continue until its first decision, that decision from then on."""
    decision, at = rule.decide(wins)
    kind = DECISIONS[int(decision[0])]
    return [kind if kind != "continue" and k >= at[0] else "continue" for k in range(1, len(wins) + 1)]


def _by_evidence(rule: ContinuationRule, wins: np.ndarray) -> list[str]:
    """What the evidence valid at every look says: continue until it first decides, that decision from then on."""
    look = np.arange(1, len(wins) + 1)
    up, down = evidence_reached(wins, look, rule.poor, rule.good, rule.false_go, rule.false_stop)
    first = int(np.argmax(up | down)) if (up | down).any() else len(wins)
    kind = "continue" if first == len(wins) else "go_on" if up[first] else "stop"
    return [kind if k >= first else "continue" for k in range(len(wins))]


def early_wins(looked: pd.DataFrame, rule: ContinuationRule, most: int) -> pd.DataFrame:
    """What the first wins prove. One row per win up to `most`, in the rule's order: win, date, closed (projects decided by then),
    chance_if_poor, chance_if_good (so many wins or more among as many), likelihood_ratio (good against poor, of the outcomes as
    they came; below 1 they speak for poor), still_poor (posterior chance of a share up to poor, Jeffreys prior)."""
    rows = []
    mine = looked[looked["used"]]
    for _, row in mine[mine["won"] & (mine["wins"] <= most)].iterrows():
        w, k = int(row["wins"]), int(row["closed"])
        ratio = (rule.good / rule.poor) ** w * ((1 - rule.good) / (1 - rule.poor)) ** (k - w)
        chances = [float(scipy_stats.binom.sf(w - 1, k, p)) for p in (rule.poor, rule.good)]
        rows.append((w, row["date"], k, *chances, ratio, float(scipy_stats.beta.cdf(rule.poor, w + 0.5, k - w + 0.5))))
    columns = ["win", "date", "closed", "chance_if_poor", "chance_if_good", "likelihood_ratio", "still_poor"]
    return pd.DataFrame(rows, columns=columns)


def _rule_frames(rule: ContinuationRule, policy: Policy) -> dict[str, pd.DataFrame]:
    rules = compared(rule, policy)
    return {
        "continuation_rule": rule_frame(rule, rules),
        "rule_boundaries": boundary_frame(rule),
        "rule_characteristic": characteristic_frame(rules),
    }


def find(company: Company, policy: Policy) -> tuple[dict[str, str], dict[str, pd.DataFrame]]:
    """Terms of M-4 and the frames continuation_rule, rule_boundaries, rule_characteristic, continuation_replay, early_wins.

    Terms: `replay` (go_on, stop, continue: what the rule says of the projects so far; none_yet without any) and `decided_on` (the day on
    which it first said so). No terms and no frames where the policy fixes no rule; no replay without dated key-account projects."""
    rule = rule_of(policy)
    if rule is None:
        return {}, {}
    drawn = figures_wanted()
    frames = _rule_frames(rule, policy) if drawn else {}
    absent = company.missing("opportunities.created_at", "opportunities.closed_at")
    if absent or aggregates.segment_missing(company, policy):
        return {}, frames
    looked = replay(projects(company, policy), rule, company.info.as_of, evidence=drawn)
    mine = looked[looked["used"]] if len(looked) else looked
    if not len(mine):
        return {"replay": "none_yet"}, frames
    if drawn:
        frames |= {"continuation_replay": looked, "early_wins": early_wins(looked, rule, policy["stage.first_wins"])}
    final = str(mine["decision"].iloc[-1])
    terms = {"replay": final}
    if final != "continue":
        terms["decided_on"] = str(mine.loc[mine["decision"] == final, "date"].iloc[0])
    return terms, {k: v for k, v in frames.items() if len(v)}
