"""The buying process: the transitions table, and the views that are group-bys over it."""

from __future__ import annotations

import ibis
import pandas as pd

from kaanalysis.aggregates.common import ALL, deals_with_customer
from kaanalysis.company import Company
from kaanalysis.policy import Policy


def parties_by_flow(company: Company) -> pd.DataFrame:
    """One row per buying flow: category, amount (largest), steps, approve, inform, influence (distinct acting parties by part: the
    role, or the department where no role is given)."""
    steps = _steps(company)
    frame = steps.group_by(["flow_id", "category"]).aggregate(
        steps=steps.count(), amount=steps.amount.max(),
        **{p: (steps.part == p).ifelse(steps.party, ibis.null("string")).nunique() for p in ("approve", "inform", "influence")},
    )  # fmt: skip
    return frame.order_by("flow_id").execute()


def _steps(company: Company) -> ibis.Table:
    """Buying steps with `party` and `category`, optional columns that are missing null; flows of deals carry their segment as
    category where the table has none."""
    steps = company.table("buying_steps")
    kinds = {"at": "timestamp", "started_at": "timestamp", "amount": "float64", "step_no": "int64", "days": "float64"}
    for column in (
        "role",
        "department",
        "category",
        "at",
        "started_at",
        "amount",
        "step_no",
        "days",
        "opportunity_id",
        "source",
    ):
        if column not in steps.columns:
            steps = steps.mutate(**{column: ibis.null(kinds.get(column, "string"))})
    return steps.mutate(party=steps.role.fill_null(steps.department).fill_null("?"))


def transitions(company: Company, policy: Policy) -> ibis.Table:
    """The transitions table: one row per logged buying step, with the step that follows it in the same flow.

    Columns: flow_id, kind (segment of the deal, else category), step, party, part, at_us (int64 microseconds), next_step, next_party,
    next_us. Steps are in the order of `at`, ties by step_no, then by row. Interview flows have no times and are left out.
    """
    steps = _steps(company)
    logged = steps.filter(steps["at"].notnull() & ((steps.source != "interview") | steps.source.isnull()))
    segments = deals_with_customer(company, policy).select("opportunity_id", "segment")
    logged = logged.left_join(segments, "opportunity_id")
    logged = logged.mutate(
        kind=logged.segment.fill_null(logged.category).fill_null(ALL),
        at_us=logged["at"].truncate("s").epoch_seconds().cast("int64") * 1_000_000
        + logged["at"].microsecond() % 1_000_000,
    )
    order = ibis.window(group_by="flow_id", order_by=["at_us", "step_no", "row__"])
    return logged.select(
        "flow_id", "kind", "step", "party", "part", "at_us", "row__", "step_no",
    ).mutate(
        next_step=ibis._.step.lead().over(order), next_party=ibis._.party.lead().over(order), next_us=ibis._.at_us.lead().over(order),
        place=ibis.row_number().over(order),
    )  # fmt: skip


def directly_follows(moves: ibis.Table) -> pd.DataFrame:
    """One row per kind and pair of steps that follow each other directly: flows, count, median_days, p90_days (elapsed)."""
    pairs = moves.filter(moves.next_step.notnull()).mutate(days=(ibis._.next_us - ibis._.at_us) / 86_400_000_000)
    frame = pairs.group_by(["kind", "step", "next_step"]).aggregate(
        count=pairs.count(),
        flows=pairs.flow_id.nunique(),
        median_days=pairs.days.quantile(0.5),
        p90_days=pairs.days.quantile(0.9),
    )
    return frame.order_by(["kind", ibis.desc("count"), "step", "next_step"]).execute()


def buying_nodes(moves: ibis.Table) -> pd.DataFrame:
    """One row per kind and step: party (most frequent), part, count, flows, place (mean position in the flow, 0 = first) and
    median_wait_days (from the step before to this one)."""
    order = ibis.window(group_by="flow_id", order_by=["at_us", "step_no", "row__"])
    waits = moves.mutate(wait=(ibis._.at_us - ibis._.at_us.lag().over(order)) / 86_400_000_000)
    frame = waits.group_by(["kind", "step"]).aggregate(
        party=waits.party.mode(), part=waits.part.mode(), count=waits.count(), flows=waits.flow_id.nunique(),
        place=waits.place.mean(), median_wait_days=waits.wait.quantile(0.5), total_wait_days=waits.wait.sum(),
    )  # fmt: skip
    return frame.order_by(["kind", "place", "step"]).execute()


def flow_durations(moves: ibis.Table) -> pd.DataFrame:
    """One row per flow: kind, events, days from its first to its last event."""
    frame = moves.group_by(["flow_id", "kind"]).aggregate(
        events=moves.count(), days=(moves.at_us.max() - moves.at_us.min()) / 86_400_000_000
    )
    return frame.order_by("flow_id").execute()
