"""Purchases as far as approvals, money and accounts go: one row per buying flow, per approval in it, per line of a role's account."""

from __future__ import annotations

import ibis
import pandas as pd

from kaanalysis.aggregates.common import deals_with_customer, microseconds
from kaanalysis.aggregates.transitions import US_PER_DAY
from kaanalysis.company import Company
from kaanalysis.policy import Policy


def _steps(company: Company, policy: Policy) -> ibis.Table:
    """Buying steps with every optional column there, their times as int64 microseconds, and the deal they belong to: segment, cluster
    (customer group; the flow itself where it belongs to no deal), outcome; the deal's amount where the step has none."""
    steps = company.table("buying_steps")
    steps = steps.mutate(
        at_us=microseconds(steps["at"]),
        begin_us=microseconds(steps.started_at.fill_null(steps["at"])),
    )
    deals = deals_with_customer(company, policy)
    deals = deals.select("opportunity_id", "segment", "cluster", "outcome", deal_amount="amount")
    joined = steps.left_join(deals, "opportunity_id").drop("opportunity_id_right")
    return joined.mutate(
        cluster=joined.cluster.fill_null(joined.flow_id), amount=joined.amount.fill_null(joined.deal_amount)
    )


def approvals_by_flow(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per buying flow: flow_id, segment (null without a deal), cluster, category, department (who took the first step), source,
    amount (largest recorded), recorded_limit (largest), approvals (different steps with part `approve`: a round that is repeated adds
    none), days (from the first beginning to the last step; null without times), outcome (of its deal, null without), last_step."""
    steps = _steps(company, policy)
    order = ibis.window(group_by="flow_id", order_by=["at_us", "step_no", "row__"])
    back = ibis.window(group_by="flow_id", order_by=[ibis.desc("at_us"), ibis.desc("step_no"), ibis.desc("row__")])
    steps = steps.mutate(place=ibis.row_number().over(order), from_end=ibis.row_number().over(back))
    frame = steps.group_by("flow_id").aggregate(
        segment=steps.segment.max(), cluster=steps.cluster.max(), category=steps.category.max(), source=steps.source.max(),
        department=(steps.place == 0).ifelse(steps.department, ibis.null("string")).max(),
        amount=steps.amount.max(), recorded_limit=steps.authority_limit.max(),
        approvals=(steps.part == "approve").ifelse(steps.step, ibis.null("string")).nunique(),
        days=(steps.at_us.max() - steps.begin_us.min()) / US_PER_DAY, outcome=steps.outcome.max(),
        last_step=(steps.from_end == 0).ifelse(steps.step, ibis.null("string")).max(),
    )  # fmt: skip
    return frame.order_by("flow_id").execute()


def approvals_in_flows(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per flow and approval step in it: flow_id, step, days (recorded, else from its beginning to its end, added up over
    rounds; null where neither is known)."""
    steps = _steps(company, policy)
    approvals = steps.filter(steps.part == "approve")
    spent = (approvals.at_us - approvals.begin_us) / US_PER_DAY
    known = approvals.started_at.notnull().ifelse(spent, ibis.null("float64"))
    approvals = approvals.mutate(spent=approvals.days.fill_null(known))
    frame = approvals.group_by(["flow_id", "step"]).aggregate(days=approvals.spent.sum())
    return frame.order_by(["flow_id", "step"]).execute()


def value_accounts(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per told line of a role's account: flow_id, role, item, amount, purchase (the purchase's own amount, null where no buying
    step of the flow records one)."""
    items = company.table("value_items").select("flow_id", "role", "item", "amount")
    if company.missing("buying_steps.amount"):
        return items.order_by(["flow_id", "role", "item"]).execute().assign(purchase=float("nan"))
    steps = company.table("buying_steps")
    purchases = steps.group_by("flow_id").aggregate(purchase=steps.amount.max())
    joined = items.left_join(purchases, "flow_id").select("flow_id", "role", "item", "amount", "purchase")
    return joined.order_by(["flow_id", "role", "item"]).execute()


def stances(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per role, segment and customer group: told (persons of deals whose stance is recorded), against (of these). The key person
    is left out: it is who speaks for the purchase."""
    people = company.table("stakeholders")
    people = people.filter(people.stance.notnull())
    people = people.filter(~people.key_person.fill_null(False))
    deals = deals_with_customer(company, policy).select("opportunity_id", "segment", "cluster")
    joined = people.inner_join(deals, "opportunity_id")
    frame = joined.group_by(["role", "segment", "cluster"]).aggregate(
        told=joined.count(), against=(joined.stance == "against").ifelse(1, 0).sum()
    )
    return frame.order_by(["role", "segment", "cluster"]).execute()
