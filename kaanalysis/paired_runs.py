"""A sharper look at two runs of one company: both computed again without the same accounts, group by group.

Two runs share most of their rows, and their intervals cannot say how much of the uncertainty they share. With both data folders at hand it
can be measured: accounts (with their subsidiaries) are dealt into groups by their id, the same in both, and each group is left out of both
runs in turn. What the difference of a number varies by over the groups is its own variance, whatever the covariance (delete-a-group
jackknife: Shao and Tu, The Jackknife and Bootstrap, 1995, section 5.4; Kott, Journal of Official Statistics 17 (2001) 521–526), judged by
Student's t with one degree of freedom less than groups.

A number is only judged so where leaving accounts out explains its own uncertainty: what the jackknife finds for the later value by itself
is held against that value's own interval. Where it finds less, as for numbers whose interval is drawn over sellers, the standard error of
the difference is raised by the same factor; where it finds less than :data:`LEAST` of it (numbers from no account at all, such as what
teams can do) the two intervals count as before. What accounts do not carry, such as a month that was bad for all, it does not see.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from kaanalysis.analyses.registry import analyse_all
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.company import Company
from kaanalysis.diff import Diff, judged_again
from kaanalysis.joint_uncertainty import Change, kind_of
from kaanalysis.policy import Policy
from kaanalysis.results import Number, Result

GROUPS = 20
DRAWS = ("evidence.draws", "ledger.draws", "needs.permutations", "authority.permutations")
LEAST = 0.5  # of a number's own standard error that leaving out accounts has to explain
Key = tuple[str, str, str, str]


def group_of(account: str, groups: int = GROUPS) -> int:
    """The group of an account by the hash of its id: the same in every run, whatever else is there."""
    return int.from_bytes(hashlib.sha256(account.encode()).digest()[:8], "big") % groups


def without(company: Company, group: int, groups: int = GROUPS) -> Company:
    """The company without the accounts of a group, their subsidiaries and all that hangs on them. Tables that know no account stay."""
    accounts = company.table("accounts").select("account_id", "parent_account_id").execute()
    parent = dict(zip(accounts["account_id"], accounts["parent_account_id"], strict=True))

    def head(account: str) -> str:
        seen = {account}
        while isinstance(above := parent.get(account), str) and above in parent and above not in seen:
            seen.add(above)
            account = above
        return account

    dropped = [a for a in parent if group_of(head(a), groups) == group]
    if not dropped:
        return company
    tables = dict(company.tables)
    deals = company.table("opportunities")
    lost = deals.filter(deals.account_id.isin(dropped)).opportunity_id
    for name, table in company.tables.items():
        keep = None
        for column, gone in (("account_id", dropped), ("opportunity_id", lost)):
            if column in table.columns:
                there = table[column].isnull() | table[column].notin(gone)
                keep = there if keep is None else keep & there
        if keep is not None:
            tables[name] = table.filter(keep)
    facts = company.deal_facts
    if len(facts):
        facts = facts[~facts["opportunity_id"].isin(set(lost.execute()))]
    return dataclasses.replace(company, tables=tables, deal_facts=facts, _filled={})


def quick(policy: Policy) -> Policy:
    """The policy with as few draws as it allows: they make intervals, and only values are wanted here."""
    least = {name: policy.threshold(name).range for name in DRAWS}
    return policy.override({name: span[0] for name, span in least.items() if span})


def values_without(company: Company, policy: Policy, ids: list[str], groups: int = GROUPS) -> list[dict[Key, float]]:
    """Every number's value without each group in turn."""
    out = []
    for group in range(groups):
        with only_numbers():
            out.append(values(analyse_all(without(company, group, groups), policy, ids)))
    return out


def values(results: Mapping[str, Result]) -> dict[Key, float]:
    return {
        (id, f.id, n.name, n.segment): float(n.value)
        for id, r in results.items() for f in r.findings for n in f.numbers if n.value is not None
    }  # fmt: skip


def jackknife_error(left: np.ndarray) -> float:
    """Standard error from the values without each group, shape (groups,): √((G − 1)/G · Σ (θ₍g₎ − mean)²)."""
    groups = len(left)
    return math.sqrt((groups - 1) / groups * float(((left - left.mean()) ** 2).sum()))


@dataclass(frozen=True)
class Paired:
    """The comparison judged by it; judged, left: how many numbers are, and how many keep their two intervals."""

    diff: Diff
    judged: int
    left: int


def paired(diff: Diff, before: list[dict[Key, float]], after: list[dict[Key, float]]) -> Paired:
    """The comparison with the numbers judged by the paired jackknife where that holds.

    before, after: from :func:`values_without` for each run, over the same groups."""
    sharper: dict[Key, Change] = {}
    for verdict in diff.verdicts:
        for n in verdict.numbers:
            key = (verdict.analysis, verdict.id, n.number.name, n.number.segment)
            if n.change is None or n.before is None or n.after is None:
                continue
            if any(key not in side for side in (*before, *after)):
                continue
            old, new = (np.array([v[key] for v in side]) for side in (before, after))
            found = _change(n.before, n.after, old, new, diff.level)
            if found is not None:
                sharper[key] = found
    tested = sum(1 for v in diff.verdicts for n in v.numbers if n.change)
    return Paired(judged_again(diff, sharper), len(sharper), tested - len(sharper))


def _change(before: Number, after: Number, old: np.ndarray, new: np.ndarray, level: float) -> Change | None:
    """None where leaving out accounts does not explain the number's own uncertainty."""
    if kind_of(after) != "sampling" or after.level is None:
        return None
    assert after.value is not None and before.value is not None and after.low is not None and after.high is not None
    own = (after.high - after.low) / (2 * float(stats.norm.isf((1 - after.level) / 2)))
    alone = jackknife_error(new)
    if alone < LEAST * own:
        return None
    error = jackknife_error(new - old) * max(1.0, own / alone)
    value, freedom = float(after.value) - float(before.value), len(new) - 1
    if error == 0:
        return None
    reach = float(stats.t.isf((1 - level) / 2, freedom)) * error
    p_value = min(1.0, 2 * float(stats.t.sf(abs(value) / error, freedom)))
    return Change(value, value - reach, value + reach, level, p_value, "paired")


def resample(diff: Diff, old: tuple[Company, Policy], new: tuple[Company, Policy]) -> Paired:
    """Both runs, each as (company, policy), computed without each group, and the comparison judged by it. Takes 2 × :data:`GROUPS` times
    as long as computing the analyses once without looking for flips."""
    ids = sorted({v.analysis for v in diff.verdicts})
    before, after = (values_without(company, quick(policy), ids) for company, policy in (old, new))
    return paired(diff, before, after)
