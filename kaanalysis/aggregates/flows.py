"""Purchases as units of a library: one row per buying flow with its cell, and where the key accounts are that a library should serve."""

from __future__ import annotations

import ibis
import pandas as pd

from kaanalysis.aggregates.common import day_number, deals_with_customer, microseconds
from kaanalysis.aggregates.segments import account_segments
from kaanalysis.aggregates.transitions import US_PER_DAY, buying_steps
from kaanalysis.company import Company
from kaanalysis.policy import Policy

CELL = ("category", "industry", "size_band")
FLOWS_PER_CELL = 200  # beyond so many a cell's mean is known and its pairs are plenty


def _steps(company: Company) -> ibis.Table:
    """Buying steps with `party`, and whether they were told in an interview."""
    steps = buying_steps(company)
    return steps.mutate(told=(steps.source == "interview").fill_null(False))


def library_flows(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per finished purchase: flow_id, told (from an interview), segment, cluster, category, industry, size_band, amount
    (largest), steps, parties (distinct), days (first to last moment of a log; sum of the days told in an interview), last (day number
    of the last step, null without times), sequence and names (party with its part, and step, in order), roles (distinct parties),
    cell_flows.

    Purchases that ended without an order or are still open are left out: how far they came says nothing about how the customer buys. A
    flow without a deal counts as finished. Of cells with more than FLOWS_PER_CELL logged flows that many are taken, by a hash of
    their ids; `cell_flows` is how many there are. segment and cluster (customer group) come from the deal or the account; null if
    neither is given. Where there are key accounts, flows of other segments are left out: the library is to serve selling to key accounts.
    """
    steps = _steps(company)
    order = [steps["at"], steps.step_no, steps.row__]
    flows = steps.group_by("flow_id").aggregate(
        told=steps.told.any(), opportunity_id=steps.opportunity_id.max(), account_id=steps.account_id.max(),
        **{c: steps[c].max() for c in CELL},
        amount=steps.amount.max(), steps=steps.count(), parties=steps.party.nunique(), told_days=steps.days.sum(),
        first=ibis.coalesce(steps.started_at, steps["at"]).min(), end=steps["at"].max(),
        sequence=(steps.party + "/" + steps.part).collect(order_by=order), names=steps.step.collect(order_by=order),
        roles=steps.party.collect(distinct=True),
    )  # fmt: skip
    deals = deals_with_customer(company, policy)
    deals = deals.select("opportunity_id", "outcome", deal_segment=deals.segment, deal_cluster=deals.cluster)
    groups = account_segments(company, policy)
    groups = groups.select("account_id", account_segment=groups.segment, account_cluster=groups.cluster)
    flows = flows.left_join(deals, "opportunity_id").drop("opportunity_id_right")
    flows = flows.left_join(groups, "account_id").drop("account_id_right")
    flows = flows.filter((flows.outcome == "won") | flows.outcome.isnull())
    flows = flows.mutate(segment=ibis.coalesce(flows.deal_segment, flows.account_segment))
    if _has_key_accounts(company, policy):
        flows = flows.filter((flows.segment == "KA") | flows.segment.isnull())
    flows = flows.mutate(
        cluster=ibis.coalesce(flows.deal_cluster, flows.account_cluster),
        days=ibis.coalesce((microseconds(flows.end) - microseconds(flows["first"])) / US_PER_DAY, flows.told_days),
        last=day_number(flows.end),
    )
    flows = flows.mutate(
        cell_flows=ibis._.count().over(ibis.window(group_by=[*CELL, "told"])),
        place=ibis.row_number().over(
            ibis.window(group_by=[*CELL, "told"], order_by=[flows.flow_id.hash(), flows.flow_id])
        ),
    )
    flows = flows.filter((flows.place < FLOWS_PER_CELL) | flows.told)
    return (
        flows.select(
            "flow_id", "told", "segment", "cluster", *CELL, "amount", "steps", "parties", "days", "last", "sequence",
            "names", "roles", "cell_flows",
        )
        .order_by("flow_id")
        .execute()
    )  # fmt: skip


def _has_key_accounts(company: Company, policy: Policy) -> bool:
    accounts = account_segments(company, policy)
    return bool(accounts.filter(accounts.segment == "KA").limit(1).count().execute())


def _with_employees(company: Company, policy: Policy) -> ibis.Table:
    accounts, sizes = account_segments(company, policy), company.table("accounts")
    return accounts.inner_join(sizes.select("account_id", "employees"), "account_id")


def library_accounts(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per key account: account_id, cluster, industry, employees; empty where no segment is known."""
    accounts = _with_employees(company, policy)
    accounts = accounts.filter(accounts.segment == "KA").order_by("account_id")
    frame = accounts.select("account_id", "cluster", "industry", "employees").execute()
    return frame.astype({"employees": "float64"})


def other_accounts(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per industry and head count of accounts that are no key accounts: industry, employees, accounts."""
    accounts = _with_employees(company, policy)
    accounts = accounts.filter((accounts.segment != "KA").fill_null(True) & accounts.employees.notnull())
    frame = accounts.group_by(["industry", "employees"]).aggregate(accounts=accounts.count())
    return frame.order_by(["industry", "employees"]).execute().astype({"employees": "float64"})


def library_deals(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per category and key account that has deals in it: account_id, category, deals, open_amount (of deals still open)."""
    deals = deals_with_customer(company, policy)
    deals = deals.filter((deals.segment == "KA") & deals.category.notnull())
    still = (deals.outcome == "open").ifelse(deals.amount.fill_null(0.0), 0.0)
    frame = deals.group_by(["account_id", "category"]).aggregate(deals=deals.count(), open_amount=still.sum())
    return frame.order_by(["account_id", "category"]).execute()


def told_steps(company: Company) -> pd.DataFrame:
    """One row per step told in an interview, in order: flow_id, step, part, party (? where neither role nor department is named),
    step_no, days, amount, category, industry, size_band."""
    steps = _steps(company)
    steps = steps.filter(steps.told).order_by(["flow_id", "step_no", "row__"])
    return steps.select("flow_id", "step", "part", "party", "step_no", "days", "amount", *CELL).execute()


def roles_taking_part(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per deal of key accounts (of all where no segment is known) with persons on record: source ("deals"), cluster, roles.
    Without stakeholders one row per finished flow: source ("flows"), cluster (the flow itself where no customer is named), roles."""
    columns = ["source", "cluster", "roles"]
    if company.has("stakeholders.role"):
        people = company.table("stakeholders")
        deals = deals_with_customer(company, policy)
        if _has_key_accounts(company, policy):
            deals = deals.filter(deals.segment == "KA")
        joined = people.inner_join(deals.select("opportunity_id", "cluster"), "opportunity_id")
        made = joined.group_by(["opportunity_id", "cluster"]).aggregate(roles=joined.role.collect(distinct=True))
        return made.order_by("opportunity_id").execute().assign(source="deals")[columns]
    if not company.has("buying_steps.flow_id"):
        return pd.DataFrame(columns=columns)
    flows = library_flows(company, policy)
    cluster = flows["cluster"].fillna("flow " + flows["flow_id"].astype(str))
    return flows.assign(source="flows", cluster=cluster)[columns]


def party_order(company: Company) -> pd.DataFrame:
    """One row per interviewed flow and party, in the order in which the parties first take part: flow_id, place (1 = first), party,
    department (first named), part (the strongest: approve, influence, inform, do), steps, days (sum of those told)."""
    steps = _steps(company)
    told = steps.filter(steps.told).order_by(["flow_id", "step_no", "row__"])
    frame = told.select("flow_id", "party", "department", "part", "days").execute()
    strength = {"approve": 0, "influence": 1, "inform": 2, "do": 3}
    frame = frame.assign(turn=range(len(frame)), strength=frame["part"].map(strength))
    made = frame.groupby(["flow_id", "party"], as_index=False).agg(
        turn=("turn", "min"), department=("department", "first"), strength=("strength", "min"), steps=("turn", "size"),
        days=("days", lambda d: d.sum(min_count=1)),
    )  # fmt: skip
    made = made.sort_values(["flow_id", "turn"], ignore_index=True)
    back = {v: k for k, v in strength.items()}
    made = made.assign(place=made.groupby("flow_id").cumcount() + 1, part=made["strength"].map(back))
    return made[["flow_id", "place", "party", "department", "part", "steps", "days"]]
