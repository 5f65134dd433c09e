"""05 Failure patterns: is the KA business new, or the SMB business under another name (M-D, siphon)?

The left-hand-to-right-hand bridge takes what KA teams won since the launch apart by account: accounts that no other team had won before
(new), and accounts taken over from other teams, whose revenue is what they brought anyway (their own rate before the launch, carried on)
and what came on top. The share of KA revenue from accounts taken over is the score; sums count the number of customer groups as chance too
(:mod:`kaanalysis.stats.totals`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.revenue_bridge import PARTS as PARTS
from kaanalysis.analyses.revenue_bridge import bridge_parts as bridge_parts
from kaanalysis.analyses.verdicts import above, figures_wanted, find_flips, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result, no_data
from kaanalysis.stats import share_of_total, total

ID = "05_failure_patterns"
FEEDS = {
    "M-D": (
        "company.ka_launch",
        "teams.motion",
        "opportunities.team",
        "opportunities.amount",
        "opportunities.closed_at",
    )
}


def judge(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-D: present if more than `siphon.moved_share` of KA revenue surely comes from accounts taken over, absent if surely less.

    Wrong if accounts taken over would have left without the KA team: the bridge cannot see that."""
    score = next(n for n in numbers if n.name == "score")
    if score.n < policy["evidence.minimum_units"]:
        return [Finding("M-D", "siphon", "undecided", "too_few", tuple(numbers))]
    state = above(score.low, score.high, policy["siphon.moved_share"])
    return [Finding("M-D", "siphon", state, f"siphon_{state}", tuple(numbers))]


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-D with the revenue bridge. Needs ka_launch in company.toml, team motions, and won amounts by team."""
    result = Result(ID, company.data_hash, policy.hash, str(company.info.as_of), [])
    missing = company.missing(*FEEDS["M-D"])
    launch = company.info.ka_launch
    if missing or launch is None:
        result.findings = [no_data("M-D", "siphon", missing)]
        return result
    covered = aggregates.history_start(company)
    if covered is None or covered > aggregates.months_before(launch, policy["siphon.before_months"]):
        # What other teams won before the launch is on record in part or not at all: accounts taken over would look new.
        result.findings = [no_data("M-D", "siphon", ["company.observed_from"])]
        return result
    accounts = aggregates.key_account_revenue(company, policy)
    if accounts.empty:
        result.findings = [no_data("M-D", "siphon", ["opportunities.amount"], reason="no_ka_revenue")]
        return result
    since = (company.info.as_of - launch).days / DAYS_PER_MONTH
    parts = bridge_parts(accounts, since, policy["siphon.before_months"])
    level, currency, n = policy["evidence.level"], company.info.currency, len(accounts)
    taken_over = parts["carried_on"] + parts["on_top"]
    shares = {
        "score": (taken_over, parts["new"]),
        "no_increment_share": (parts["carried_on"], parts["new"] + parts["on_top"]),
    }
    made = {name: share_of_total(part, rest, level=level) for name, (part, rest) in shares.items()}
    sums = {p: total(parts[p], level=level) for p in PARTS}
    numbers = [
        number("score", "KA", replace(made["score"], n=n), "share"),
        *(number(f"ka_revenue_{p}", "KA", replace(sums[p], n=n), currency) for p in PARTS),
        number("no_increment_share", "KA", replace(made["no_increment_share"], n=n), "share"),
    ]
    finding = judge(numbers, policy)[0]
    flips = find_flips(lambda p: judge(numbers, p), "M-D", policy, ["siphon.moved_share"])
    result.findings = [replace(finding, flips=flips)]
    if not figures_wanted():
        return result
    rows = [(name, x.value, x.low, x.high) for name, x in zip(PARTS, numbers[1:4], strict=True)]
    result.frames = {
        "revenue_bridge": pd.DataFrame(rows, columns=["part", "value", "low", "high"]),
        "monthly_revenue": aggregates.monthly_revenue_by_motion(company),
    }
    return result
