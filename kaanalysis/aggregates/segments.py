"""Who is SMB and who is KA: the policy's definition of a segment, as one column per account.

A definition is a choice (``segment.definition``) with the thresholds it reads; both together are its version. Findings name the version,
since the same words with another revenue limit are another claim.
"""

from __future__ import annotations

import hashlib
import json

import ibis
import ibis.expr.types as ir

from kaanalysis.aggregates.rankings import ranked_accounts
from kaanalysis.company import Company
from kaanalysis.policy import Policy

DEFINITIONS = ("label", "team", "size", "persona")
# What each definition reads: columns, of which one is enough, and policy values.
READS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "label": (("accounts.segment",), ()),
    "team": (("ownership.team", "opportunities.team"), ()),
    "size": (("accounts.employees", "accounts.annual_revenue"), ("segment.size_employees", "segment.size_revenue")),
    "persona": (
        ("accounts.reach", "accounts.annual_revenue"),
        ("persona.regional_revenue", "match.accept", "match.consider"),
    ),
}


def segment_needs(policy: Policy) -> list[str]:
    """Columns that the policy's definition of a segment reads, as alternatives where one is enough."""
    definition = policy["segment.definition"]
    return ["|".join(READS[definition][0]), *(["teams.motion"] if definition == "team" else [])]


def segment_missing(company: Company, policy: Policy) -> list[str]:
    """What is missing to tell SMB from KA under the policy's definition; empty where nothing is."""
    definition = policy["segment.definition"]
    columns = READS[definition][0]
    missing = company.missing(*columns)
    found = missing if len(missing) == len(columns) else []
    return found + (company.missing("teams.motion") if definition == "team" else [])


def segment_version(policy: Policy) -> str:
    """The definition and a short hash of the thresholds it reads: another limit, another version."""
    definition = policy["segment.definition"]
    values = {name: policy[name] for name in READS[definition][1]}
    if not values:
        return str(definition)
    return f"{definition} {hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:6]}"


def _by_size(accounts: ibis.Table, policy: Policy) -> ir.Value:
    """KA where employees or revenue reach their limit, SMB where neither does, null where neither is known."""
    big = (accounts.employees >= policy["segment.size_employees"]).fill_null(False)
    big |= (accounts.annual_revenue >= policy["segment.size_revenue"]).fill_null(False)
    known = accounts.employees.notnull() | accounts.annual_revenue.notnull()
    return known.ifelse(big.ifelse("KA", "SMB"), ibis.null("string"))


def _by_persona(company: Company, accounts: ibis.Table, policy: Policy) -> ir.Value:
    """KA where one of the personas M-1.5a to c fits (d is learnt from customers, so it cannot tell them apart); null where
    nothing is known."""
    reach, revenue, ranked = accounts.reach, accounts.annual_revenue, accounts.ranked_on.notnull()
    if len(company.rankings):
        ranked = accounts.account_id.isin(sorted(ranked_accounts(company, policy)))
    wide = reach.isin(["global", "national"]).fill_null(False) & ranked
    known_there = (reach != "local").fill_null(False) & (revenue >= policy["persona.regional_revenue"]).fill_null(False)
    known = reach.notnull() | revenue.notnull()
    return known.ifelse((wide | known_there).ifelse("KA", "SMB"), ibis.null("string"))


def _team_of_account(company: Company) -> ibis.Table | None:
    """account_id, motion of the team that holds it now: by ownership, else that of its last deal. None where neither is on record."""
    if not company.has("teams.motion"):
        return None
    parts = []
    if company.has("ownership.team"):
        held = company.table("ownership")
        parts.append(held.select("account_id", "team", rank=ibis.literal(1), at=held.from_at, open=held.to_at.isnull()))
    if company.has("opportunities.team"):
        deals = company.table("opportunities")
        parts.append(
            deals.filter(deals.team.notnull()).select(
                "account_id", "team", rank=ibis.literal(0), at=deals.created_at, open=ibis.literal(False)
            )
        )
    if not parts:
        return None
    claims = ibis.union(*parts) if len(parts) > 1 else parts[0]
    latest = ibis.window(
        group_by="account_id",
        order_by=[ibis.desc("rank"), ibis.desc("open"), ibis._.at.desc(nulls_first=False), "team"],
    )
    first = claims.mutate(place=ibis.row_number().over(latest)).filter(ibis._.place == 0)
    teams = company.table("teams").select("team", "motion")
    return first.inner_join(teams, "team").select(held_id="account_id", motion="motion")


def account_segments(company: Company, policy: Policy) -> ibis.Table:
    """One row per account: account_id, cluster (head office, else itself), segment (SMB, KA or null), industry, region."""
    accounts = company.table("accounts")
    definition = policy["segment.definition"]
    if definition == "team":
        held = _team_of_account(company)
        if held is None:
            accounts = accounts.mutate(by_definition=ibis.null("string"))
        else:
            accounts = accounts.left_join(held, accounts.account_id == held.held_id)
            accounts = accounts.mutate(
                by_definition=ibis.cases(
                    (accounts.motion == "KA", "KA"), (accounts.motion.notnull(), "SMB"), else_=ibis.null("string")
                )
            )
        segment = accounts.by_definition
    else:
        rules = {"label": lambda: accounts.segment, "size": lambda: _by_size(accounts, policy),
                 "persona": lambda: _by_persona(company, accounts, policy)}  # fmt: skip
        segment = rules[definition]()
    found = accounts.select("account_id", "industry", "region", parent="parent_account_id", segment=segment)
    if not company.has("accounts.parent_account_id"):
        return found.mutate(cluster=found.account_id).drop("parent")
    # A subsidiary of a subsidiary belongs to the same group: three levels up, which holds for nearly every register.
    up = accounts.select(up_id=accounts.account_id, up_parent=accounts.parent_account_id)
    for level in ("grand", "great"):
        found = found.left_join(up, found.parent == up.up_id).drop("up_id").rename({level: "up_parent"})
        found = found.mutate(parent=found[level].fill_null(found.parent)).drop(level)
    return found.mutate(cluster=found.parent.fill_null(found.account_id)).drop("parent")
