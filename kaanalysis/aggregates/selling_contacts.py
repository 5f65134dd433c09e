"""What selling did where on the customer's side: who of a key-account deal was met, which steps it reached, which steps selling takes."""

from __future__ import annotations

import ibis
import pandas as pd

from kaanalysis.aggregates.common import deals_with_customer, microseconds
from kaanalysis.company import Company
from kaanalysis.policy import Policy

KEY = "KA"


def _key_deals(company: Company, policy: Policy) -> ibis.Table:
    deals = deals_with_customer(company, policy)
    return deals.filter(deals.segment == KEY)


def steps_reached(company: Company, policy: Policy, steps: list[str]) -> pd.DataFrame:
    """One row per key-account deal and step of `steps` that it reached: opportunity_id, owner, account (customer group), outcome, step, at
    (last moment of the step, microseconds since 1970-01-01; null where not dated), stage (whether a stage of the company's own carries
    that name). A step is reached by a buying step of the deal's log or by a stage of the same name (the contract: the same step)."""
    deals = _key_deals(company, policy).select("opportunity_id", "owner", "outcome", account="cluster")
    parts = []
    if company.has("buying_steps.opportunity_id"):
        log = company.table("buying_steps")
        parts.append(log.select("opportunity_id", "step", at_us=microseconds(log["at"])).mutate(stage=False))
    if company.has("stage_history.stage"):
        own = company.table("stage_history")
        parts.append(own.select("opportunity_id", step="stage", at_us=microseconds(own.entered_at)).mutate(stage=True))
    columns = ["opportunity_id", "owner", "account", "outcome", "step", "at", "stage"]
    if not parts or not steps:
        return pd.DataFrame(columns=columns)
    both = parts[0] if len(parts) == 1 else parts[0].union(parts[1])
    both = both.filter(both.step.isin(steps))
    reached = both.group_by(["opportunity_id", "step"]).aggregate(at=both.at_us.max(), stage=both.stage.max())
    joined = reached.inner_join(deals, "opportunity_id").select(columns)
    return joined.order_by(["opportunity_id", "step"]).execute()


def parties_contacted(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per key-account deal and party that the seller was in contact with: opportunity_id, role, department, contacts. A contact
    counts for every role of the person: an activity, and, where the policy's ``alignment.reading`` is `persons`, the day on which the
    person was first met (engaged_at)."""
    known = company.table("stakeholders")
    people = known.select("opportunity_id", "person_id", "role", "department")
    contacts = []
    if company.has("activities.person_id"):
        done = company.table("activities")
        contacts.append(done.filter(done.person_id.notnull()).select("opportunity_id", "person_id"))
    if policy["alignment.reading"] == "persons":
        contacts.append(known.filter(known.engaged_at.notnull()).select("opportunity_id", "person_id").distinct())
    if not contacts:
        return pd.DataFrame(columns=["opportunity_id", "role", "department", "contacts"])
    joined = ibis.union(*contacts).inner_join(people, ["opportunity_id", "person_id"])
    joined = joined.semi_join(_key_deals(company, policy), "opportunity_id")
    frame = joined.group_by(["opportunity_id", "role", "department"]).aggregate(contacts=joined.count())
    return frame.order_by(["opportunity_id", "role", "department"]).execute()


def selling_steps(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per step that selling takes in key-account deals: kind (stage, activity), name, times, deals (in how many)."""
    parts = []
    for kind, table, column in (("stage", "stage_history", "stage"), ("activity", "activities", "action")):
        if company.has(f"{table}.{column}"):
            rows = company.table(table).semi_join(_key_deals(company, policy), "opportunity_id")
            made = rows.group_by(name=rows[column]).aggregate(times=rows.count(), deals=rows.opportunity_id.nunique())
            parts.append(made.order_by("name").execute().assign(kind=kind))
    columns = ["kind", "name", "times", "deals"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
