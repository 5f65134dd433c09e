"""Today's selling beside the customer's steps: who of a step's role was reached when, which stages were entered, and the order
of stages of small deals."""

from __future__ import annotations

import ibis
import pandas as pd

from kaanalysis.aggregates.common import counted_deals, day_number, deals_with_customer, microseconds
from kaanalysis.company import Company
from kaanalysis.policy import Policy

KEY = "KA"
NODE = ["opportunity_id", "step", "role"]


def _nodes(company: Company, policy: Policy) -> ibis.Table:
    """Steps of key-account deals on record in an event log: one row per deal, step and role, over all rounds of the step."""
    deals = deals_with_customer(company, policy).filter(ibis._.segment == KEY)
    steps = company.table("buying_steps")
    steps = steps.filter(
        steps.opportunity_id.notnull() & steps["at"].notnull() & (steps.source != "interview").fill_null(True)
    )
    steps = steps.mutate(
        end_us=microseconds(steps["at"]), begin_us=microseconds(steps.started_at.fill_null(steps["at"]))
    )
    return steps.semi_join(deals, "opportunity_id")


def _people(company: Company, steps: ibis.Table) -> ibis.Table:
    """The persons through whom the seller acts with a node: who holds its role in this deal, and who took the step; one row per deal,
    step, role and person, with what is on record of the meetings."""
    actors = steps.filter(steps.person_id.notnull()).select(*NODE, "person_id")
    if not company.has("stakeholders.role"):
        found = actors.distinct()
        return found.mutate(engaged_us=ibis.null("int64"))
    held = company.table("stakeholders").select("opportunity_id", "role", "person_id")
    holders = steps.select(*NODE).distinct().inner_join(held, ["opportunity_id", "role"]).select(*NODE, "person_id")
    found = actors.union(holders).distinct()
    known = company.table("stakeholders")
    met = known.group_by(met_deal="opportunity_id", met_person="person_id").aggregate(met=known.engaged_at.min())
    found = found.left_join(met, [found.opportunity_id == met.met_deal, found.person_id == met.met_person])
    return found.mutate(engaged_us=microseconds(found.met.cast("timestamp"))).drop("met", "met_deal", "met_person")


def _reached(company: Company, steps: ibis.Table) -> ibis.Table:
    """One row per deal, step and role with a person: node_deal, node_step, node_role, persons, activities, first_activity_us,
    last_activity_us, engaged_us."""
    people = _people(company, steps)
    if company.has("activities.person_id"):
        done = company.table("activities").semi_join(steps, "opportunity_id")
        done = done.filter(done.person_id.notnull()).mutate(us=microseconds(ibis._["at"]))
        done = done.group_by(done_deal="opportunity_id", done_person="person_id").aggregate(
            first_us=done.us.min(), last_us=done.us.max(), times=done.count()
        )
        people = people.left_join(done, [people.opportunity_id == done.done_deal, people.person_id == done.done_person])
    else:
        people = people.mutate(first_us=ibis.null("int64"), last_us=ibis.null("int64"), times=ibis.null("int64"))
    # A role that nobody recorded is a group of its own; a join on it must not lose it.
    people = people.mutate(node_role=people.role.fill_null(""))
    return people.group_by(node_deal="opportunity_id", node_step="step", node_role="node_role").aggregate(
        persons=people.person_id.nunique(), activities=people.times.sum().cast("int64"), first_activity_us=people.first_us.min(),
        last_activity_us=people.last_us.max(), engaged_us=people.engaged_us.min(),
    )  # fmt: skip


def steps_and_selling(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per key-account deal, buying step that it reached (event log, not interviews) and role that acts in it.

    The deal: opportunity_id, owner, account (customer group), outcome, amount, opened and closed (days since 1970; closed null where
    open or not dated). The customer's side: step, role (null: not recorded), department and part (of the last round), rounds,
    begin_us, end_us (first beginning to last end over all rounds; where no beginning is recorded a round begins when it ends).
    The seller's: persons (who hold the role in this deal, or took the step), activities (with them), first_activity_us,
    last_activity_us, engaged_us (when the first of them was met), stage_us (when the stage of the step's name was first entered).
    Times are int64 microseconds since 1970, null where nothing is on record; a person with several roles counts for each."""
    steps = _nodes(company, policy)
    nodes = steps.group_by(NODE).aggregate(
        rounds=steps.count(), begin_us=steps.begin_us.min(), end_us=steps.end_us.max(),
        department=steps.department.argmax(steps.end_us), part=steps.part.argmax(steps.end_us),
    )  # fmt: skip
    reached = _reached(company, steps)
    nodes = nodes.mutate(same_role=nodes.role.fill_null(""))
    nodes = nodes.left_join(
        reached,
        [
            nodes.opportunity_id == reached.node_deal,
            nodes.step == reached.node_step,
            nodes.same_role == reached.node_role,
        ],
    ).drop("node_deal", "node_step", "node_role", "same_role")
    if company.has("stage_history.entered_at"):
        stages = company.table("stage_history")
        entered = stages.group_by(stage_deal="opportunity_id", stage="stage").aggregate(entered=stages.entered_at.min())
        nodes = nodes.left_join(entered, [nodes.opportunity_id == entered.stage_deal, nodes.step == entered.stage])
        nodes = nodes.mutate(stage_us=microseconds(nodes.entered)).drop("stage_deal", "stage", "entered")
    else:
        nodes = nodes.mutate(stage_us=ibis.null("int64"))
    deals = deals_with_customer(company, policy)
    deals = deals.select(
        "opportunity_id", "owner", "outcome", "amount", account=deals.cluster,
        opened=day_number(deals.created_at), closed=day_number(deals.closed_at),
    )  # fmt: skip
    frame = nodes.inner_join(deals, "opportunity_id").select(
        "opportunity_id", "owner", "account", "outcome", "amount", "opened", "closed", "step", "role", "department", "part", "rounds",
        "begin_us", "end_us", "persons", "activities", "first_activity_us", "last_activity_us", "engaged_us", "stage_us",
    )  # fmt: skip
    return frame.order_by(["opportunity_id", "begin_us", "end_us", "step", "role"]).execute()


def stage_sequences(company: Company, policy: Policy, segment: str = "SMB") -> pd.DataFrame:
    """One row per stage entry of the segment's deals, in order: opportunity_id, owner, account (customer group), outcome, amount, opened,
    closed (days since 1970), place (0 = first), stage, entered_us. Entries at the same moment keep the table's order. Which deals
    count: the policy's ``conversion.deals``."""
    deals = counted_deals(deals_with_customer(company, policy), policy)
    deals = deals.filter(deals.segment == segment)
    deals = deals.select(
        "opportunity_id", "owner", "outcome", "amount", account=deals.cluster,
        opened=day_number(deals.created_at), closed=day_number(deals.closed_at),
    )  # fmt: skip
    stages = company.table("stage_history").select("opportunity_id", "stage", "entered_at", "row__")
    order = ibis.window(group_by="opportunity_id", order_by=["entered_at", "row__"])
    stages = stages.mutate(place=ibis.row_number().over(order), entered_us=microseconds(stages.entered_at))
    frame = stages.inner_join(deals, "opportunity_id").select(
        "opportunity_id", "owner", "account", "outcome", "amount", "opened", "closed", "place", "stage", "entered_us"
    )
    return frame.order_by(["opportunity_id", "place"]).execute()
