"""Who takes part in purchases: by deal, by account, by role of the reference flows, and whether anybody did the sums."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from kaanalysis.aggregates.common import day_number, deals_with_customer
from kaanalysis.company import Company
from kaanalysis.policy import Policy

KEY = "KA"


def _persons(people: ibis.Table, where: ir.BooleanValue) -> ir.IntegerScalar:
    """Distinct persons among the rows where `where` holds."""
    return where.fill_null(False).ifelse(people.person_id, ibis.null("string")).nunique()


def parties_by_deal(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per deal with stakeholders: opportunity_id, segment, cluster, amount, persons, roles, approve, inform, influence (distinct
    persons by part), key_persons (marked as such), key_opinions (influencing from outside the process, not marked), unmet (persons
    never reached; null where engaged_at is not recorded), closed (an open deal may yet reach them), early_persons and early_roles (those
    met within ``roles.early_days`` of opening)."""
    deals = deals_with_customer(company, policy)
    deals = deals.select("opportunity_id", "segment", "cluster", "outcome", "amount", "created_at")
    people = company.table("stakeholders")
    joined = people.inner_join(deals, "opportunity_id")
    own = ibis.window(group_by=["opportunity_id", "person_id"])
    joined = joined.mutate(
        marked=joined.key_person.fill_null(False).ifelse(1, 0).max().over(own) > 0,
        early=(day_number(joined.engaged_at) - day_number(joined.created_at) <= policy["roles.early_days"]).fill_null(False),
    )  # fmt: skip
    # Met in one role is met; marked as key person in one row is one.
    met = _persons(joined, joined.engaged_at.notnull())
    unmet = joined.person_id.nunique() - met if company.has("stakeholders.engaged_at") else ibis.null("int64")
    frame = joined.group_by(["opportunity_id", "segment", "cluster", "amount"]).aggregate(
        persons=joined.person_id.nunique(), roles=joined.role.nunique(),
        **{p: _persons(joined, joined.part == p) for p in ("approve", "inform", "influence")},
        key_persons=_persons(joined, joined.marked),
        key_opinions=_persons(joined, (joined.part == "influence") & ~joined.marked),
        unmet=unmet, closed=(ibis._.outcome != "open").max(),
        early_persons=_persons(joined, joined.early),
        early_roles=joined.early.ifelse(joined.role, ibis.null("string")).nunique(),
    )  # fmt: skip
    return frame.order_by("opportunity_id").execute()


def persons_by_account(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per account with stakeholders in at least two deals: account_id, name, cluster, segment, deals, found (distinct persons), met
    (persons summed over deals), once, twice (persons on record in exactly one, exactly two of its deals)."""
    accounts = company.table("accounts")
    deals = deals_with_customer(company, policy).select("opportunity_id", "account_id", "cluster", "segment")
    rows = company.table("stakeholders").select("opportunity_id", "person_id").distinct()
    rows = rows.inner_join(deals, "opportunity_id")
    occasions = rows.group_by(["account_id", "cluster", "segment"]).aggregate(deals=rows.opportunity_id.nunique())
    times = rows.group_by(["account_id", "person_id"]).aggregate(times=rows.count())
    counts = times.group_by(counted_id="account_id").aggregate(
        found=times.count(), met=times.times.sum(), once=(times.times == 1).ifelse(1, 0).sum(),
        twice=(times.times == 2).ifelse(1, 0).sum(),
    )  # fmt: skip
    frame = occasions.filter(occasions.deals >= 2)
    frame = frame.inner_join(counts, frame.account_id == counts.counted_id).drop("counted_id")
    return frame.inner_join(accounts.select("account_id", "name"), "account_id").order_by("account_id").execute()


def returning_persons(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per deal that follows another with the same account: account_id, cluster, segment, months (between their openings) and
    share (of the earlier deal's persons who are on record in the later one too). Deals without an opening date are left out."""
    deals = deals_with_customer(company, policy).select(
        "opportunity_id", "account_id", "cluster", "segment", "created_at"
    )
    people = company.table("stakeholders").select("opportunity_id", "person_id").distinct()
    known = deals.filter(deals.created_at.notnull()).inner_join(
        people.select("opportunity_id").distinct(), "opportunity_id"
    )
    order = ibis.window(group_by="account_id", order_by=["created_at", "opportunity_id"])
    pairs = known.mutate(before=known.opportunity_id.lag().over(order), since=known.created_at.lag().over(order))
    pairs = pairs.filter(pairs.before.notnull()).mutate(days=day_number(ibis._.created_at) - day_number(ibis._.since))
    pairs = pairs.select("opportunity_id", "account_id", "cluster", "segment", "before", "days")
    earlier = people.select(before="opportunity_id", person_id="person_id")
    later = people.select(later_id="opportunity_id", later_person="person_id")
    both = pairs.inner_join(earlier, "before")
    both = both.left_join(later, [both.opportunity_id == later.later_id, both.person_id == later.later_person])
    frame = both.group_by(["opportunity_id", "account_id", "cluster", "segment", "days"]).aggregate(
        share=both.later_person.notnull().ifelse(1.0, 0.0).mean()
    )
    return frame.order_by(["account_id", "opportunity_id"]).execute()
