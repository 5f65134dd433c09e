"""The purchases from which the blank sheet is drawn (M-3.5): the steps of finished key-account purchases and of interviews."""

from __future__ import annotations

import ibis
import pandas as pd

from kaanalysis.aggregates.common import deals_with_customer, microseconds
from kaanalysis.aggregates.segments import account_segments
from kaanalysis.company import Company
from kaanalysis.policy import Policy

CELL = ("category", "industry", "size_band")
FLOWS = 5000  # beyond so many a step's share is known to a percent or two, whatever the customers
COLUMNS = ["flow_id", "cluster", "step", "role", "department", "part", "place", "amount", "authority_limit", *CELL]


def reference_steps(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per step and party of a reference purchase, in order: flow_id, cluster (customer group, else the flow itself), step, role,
    department, part, place (0 = first of its flow), amount (the flow's largest), authority_limit (the step's), category, industry,
    size_band (of the flow, else of its deal).

    Reference are purchases that ended with an order, and flows without a deal (interviews, other logs): a purchase that was lost or is
    open says how far it came, not how the customer buys. Where key accounts are known, only theirs, and of flows without a deal those
    whose buyer is no other account and of a size that key accounts' purchases have (or of no known size). At most FLOWS flows, by a
    hash of their ids."""
    steps = company.table("buying_steps")
    deals = deals_with_customer(company, policy)
    deals = deals.select(
        "opportunity_id", "outcome", deal_segment="segment", deal_group="cluster", deal_category="category",
        deal_industry="industry", deal_amount="amount",
    )  # fmt: skip
    groups = account_segments(company, policy).select(
        known_id="account_id", account_segment="segment", account_group="cluster"
    )
    joined = steps.left_join(deals, "opportunity_id")
    joined = joined.left_join(groups, joined.account_id == groups.known_id)
    flows = joined.group_by("flow_id").aggregate(
        deal=joined.opportunity_id.max(), outcome=joined.outcome.max(),
        segment=ibis.coalesce(joined.deal_segment, joined.account_segment).max(),
        cluster=ibis.coalesce(joined.deal_group, joined.account_group).max(),
        category=joined.category.fill_null(joined.deal_category).max(),
        industry=joined.industry.fill_null(joined.deal_industry).max(),
        size_band=joined.size_band.max(), amount=joined.amount.fill_null(joined.deal_amount).max(),
    )  # fmt: skip
    key = flows.filter((flows.segment == "KA") & flows.deal.notnull())
    if bool(key.limit(1).count().execute()):
        sizes = key.filter(key.size_band.notnull()).select("size_band").distinct().execute()["size_band"].tolist()
        fits = flows.size_band.isnull() | flows.size_band.isin(sizes) if sizes else ibis.literal(True)
        ours = (flows.segment == "KA").fill_null(False)
        flows = flows.filter(ours | (flows.segment.isnull() & flows.deal.isnull() & fits))
    flows = flows.filter(flows.deal.isnull() | (flows.outcome == "won").fill_null(False))
    flows = flows.mutate(draw=ibis.row_number().over(ibis.window(order_by=[flows.flow_id.hash(), flows.flow_id])))
    flows = flows.filter(flows.draw < FLOWS).select("flow_id", "cluster", *CELL, whole="amount")
    own = steps.select("flow_id", "step", "role", "department", "part", "at", "step_no", "row__", "authority_limit")
    rows = own.mutate(at_us=microseconds(own["at"])).inner_join(flows, "flow_id")
    frame = rows.order_by(["flow_id", "at_us", "step_no", "row__"]).execute()
    frame = frame.rename(columns={"whole": "amount"})
    frame = frame.assign(place=frame.groupby("flow_id").cumcount(), cluster=frame["cluster"].fillna(frame["flow_id"]))
    return frame[COLUMNS]
