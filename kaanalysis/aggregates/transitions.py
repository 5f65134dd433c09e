"""The transitions table: the event log of buying steps, sorted once, each event with the one that follows it in its flow.

Every process view (:mod:`kaanalysis.aggregates.process_views`) is a group-by over it. Names are whole numbers in it and turned back into
names in the small frames: grouping by numbers is several times faster than by text. Times are int64 microseconds since 1970-01-01.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kaanalysis.aggregates.common import ALL, deals_with_customer, materialised, microseconds
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.stats.working_time import calendar_of, working_calendar

US_PER_DAY = 86_400_000_000
UNKNOWN = "?"
PARTS = ("approve", "do", "inform", "influence")


@dataclass(frozen=True)
class Transitions:
    """A log as two tables in the engine, and what their numbers stand for.

    moves: one row per logged event: flow, kind, step, party, actor, part (numbers), place (0 = first of its flow), at_us, and of the next
    event in the flow, null at its end: next_step, next_party, wait_us (elapsed), work_us (with days off taken out; null where the calendar
    is not known).

    waits: the moves that another follows, as kind, step, next_step and wait_us alone, in the order of these: the engine finds quantiles
    of sorted times in half the time.

    flows: one row per flow: flow (number), flow_id, kind, kind_name, cluster (the customer group, else the flow itself), closed (its deal
    is won or lost).

    lives: one row per flow, what its events say of it as a whole: flow, kind, events, begin_us, end_us, last_step, trace (a 64-bit hash of
    its steps and their places: equal for equal sequences; for a million different ones the chance that any two fall together is below 1
    in 10 million).

    kinds, steps, parties: names by number. actors: one row per role and department, by number (``role``, ``department``, ``party``).
    unknown_days: events on days that the calendar of working days does not know."""

    company: Company
    moves: ibis.Table
    waits: ibis.Table
    flows: ibis.Table
    lives: ibis.Table
    kinds: np.ndarray
    steps: np.ndarray
    parties: np.ndarray
    actors: pd.DataFrame
    unknown_days: int

    @cached_property
    def repeats(self) -> ibis.Table:
        """The events whose step was there before in their flow: flow, kind, step, place, since_us (time since it was there first). Found
        when first asked for: it takes a sort of its own."""
        moves = self.moves
        along = ibis.window(group_by=["flow", "step"], order_by="place")
        found = moves.select(
            "flow", "kind", "step", "place",
            earlier=ibis.row_number().over(along), since_us=moves.at_us - moves.at_us.first().over(along),
        )  # fmt: skip
        return materialised(self.company, "process_repeats", found.filter(found.earlier > 0).drop("earlier"))


def buying_steps(company: Company) -> ibis.Table:
    """Buying steps with `party`: the role, or the department where no role is given."""
    steps = company.table("buying_steps")
    return steps.mutate(party=steps.role.fill_null(steps.department).fill_null(UNKNOWN))


def transitions(company: Company, policy: Policy) -> Transitions:
    """The log of buying steps as :class:`Transitions`, built once per open company, definition of a segment and calendar.

    Steps are in the order of `at`, ties by step_no (none: last), then by row. Interview flows have no times and are left out. The kind of
    a flow is the segment of its deal, else its category (the first in the alphabet where it names several), else ``all``."""
    steps = buying_steps(company)
    logged = steps.filter(steps["at"].notnull() & ((steps.source != "interview") | steps.source.isnull()))
    deals = deals_with_customer(company, policy).select("opportunity_id", "segment", "cluster", "outcome")
    return build(company, logged, deals, calendar_of(policy["process.calendar"], company.info.currency))


def build(company: Company, logged: ibis.Table, deals: ibis.Table | None, calendar: str) -> Transitions:
    """Transitions of the events `logged` (columns as :func:`buying_steps` gives them) in the engine of `company`.

    deals: opportunity_id, segment, cluster, outcome; None where there are none. calendar: see
    :func:`kaanalysis.stats.working_time.working_calendar`."""
    named = _names(company, logged)
    flows = materialised(company, "process_flows", _flows(logged, deals))
    kinds = flows.select("kind_name").distinct().order_by("kind_name").execute()["kind_name"].to_numpy(object)
    numbers = pd.DataFrame({"kind_name": pd.array(kinds, "str"), "kind": np.arange(len(kinds), dtype=np.int16)})
    flows = flows.inner_join(materialised(company, "process_kinds", numbers), "kind_name")
    days, unknown = _calendar(company, logged, calendar)
    table = company.raw.connection.table("view_process_names")  # type: ignore[union-attr]
    moves = materialised(company, "process_moves", _moves(logged, flows, table, days))
    followed = moves.filter(moves.next_step.notnull()).select("kind", "step", "next_step", "wait_us")
    waits = materialised(company, "process_waits", followed.order_by("kind", "next_step", "step", "wait_us"))
    lives = materialised(company, "process_lives", _lives(moves))
    parties = named.drop_duplicates("party_number").sort_values("party_number")["party"].to_numpy(object)
    actors = named.drop_duplicates("actor_number").sort_values("actor_number")[["role", "department", "party"]]
    step_names = named.drop_duplicates("step_number").sort_values("step_number")["step"].to_numpy(object)
    return Transitions(
        company, moves, waits, flows, lives, kinds, step_names, parties, actors.reset_index(drop=True), unknown
    )


def _names(company: Company, logged: ibis.Table) -> pd.DataFrame:
    """The different steps, roles, departments and parts of a log with their numbers, also as a table of the engine."""
    keys = ["step", "role", "department", "part"]
    named = logged.select(
        step="step", role=logged.role.fill_null(""), department=logged.department.fill_null(""), part="part"
    )
    named = named.distinct().execute().sort_values(keys, kind="stable", ignore_index=True)
    party = named["role"].where(named["role"] != "", named["department"])
    named["party"] = party.where(party != "", UNKNOWN)
    named["step_number"] = pd.factorize(named["step"], sort=True)[0].astype(np.int32)
    named["party_number"] = pd.factorize(named["party"], sort=True)[0].astype(np.int16)
    named["actor_number"] = named.groupby(["role", "department"]).ngroup().astype(np.int16)
    named["part_number"] = pd.Categorical(named["part"], categories=list(PARTS)).codes
    materialised(company, "process_names", named.drop(columns="party"))
    return named


def _flows(logged: ibis.Table, deals: ibis.Table | None) -> ibis.Table:
    flows = logged.group_by("flow_id").aggregate(
        opportunity_id=logged.opportunity_id.min(), category=logged.category.min()
    )
    if deals is None:
        flows = flows.mutate(segment=ibis.null("string"), cluster=ibis.null("string"), outcome=ibis.null("string"))
    else:
        flows = flows.left_join(deals, "opportunity_id")
    flows = flows.select(
        "flow_id",
        kind_name=flows.segment.fill_null(flows.category).fill_null(ALL),
        cluster=flows.cluster.fill_null("flow " + flows.flow_id),
        closed=flows.outcome.isin(["won", "lost"]).fill_null(False),
    )
    return flows.mutate(flow=ibis.row_number().over(order_by="flow_id").cast("int32"))


def _lives(moves: ibis.Table) -> ibis.Table:
    placed = (moves.step.cast("int64") * 2**32 + moves.place.cast("int64")).hash()
    return moves.group_by("flow").aggregate(
        kind=moves.kind.max(), events=moves.count(), begin_us=moves.at_us.min(), end_us=moves.at_us.max(), trace=placed.bit_xor(),
        last_step=moves.next_step.isnull().ifelse(moves.step, ibis.null("int32")).max(),
    )  # fmt: skip


def _calendar(company: Company, logged: ibis.Table, calendar: str) -> tuple[ibis.Table, int]:
    """The working calendar over the years of the log as a table of the engine, and the events on days that it does not know."""
    day = logged["at"].date().epoch_days()
    span = logged.aggregate(first=day.min(), last=day.max()).execute().iloc[0]
    if pd.isna(span["first"]):
        frame = working_calendar(calendar, 2000, 2000)
    else:
        first, last = (int(np.datetime64(int(d), "D").astype("datetime64[Y]").astype(int)) + 1970 for d in span)
        frame = working_calendar(calendar, first, last)
    table = materialised(company, "process_days", frame)
    if pd.isna(span["first"]) or (
        len(frame) and frame["day"].iloc[0] <= span["first"] and frame["day"].iloc[-1] >= span["last"]
    ):
        return table, 0
    known = day.between(*(int(v) for v in frame["day"].iloc[[0, -1]])) if len(frame) else ibis.literal(False)
    return table, int(logged.filter(~known).count().execute())


def _moves(logged: ibis.Table, flows: ibis.Table, named: ibis.Table, days: ibis.Table) -> ibis.Table:
    at = logged["at"]
    events = logged.select(
        "flow_id", "step", "part", "step_no", "row__", role_=logged.role.fill_null(""), department_=logged.department.fill_null(""),
        at_us=microseconds(at),
        day_=at.date().epoch_days().cast("int64"),
    )  # fmt: skip
    events = events.inner_join(flows.select("flow_id", "flow", "kind"), "flow_id")
    keys = {"step": "step_of", "role_": "role_of", "department_": "department_of", "part": "part_of"}
    named = named.rename({other: other.removesuffix("_of") for other in keys.values()})
    events = events.inner_join(named, list(keys.items()))
    events = events.left_join(days, events.day_ == days.day)
    events = events.select(
        "flow", "kind", "step_no", "row__", "at_us", step="step_number", party="party_number", actor="actor_number", part="part_number",
        worked_us=events.before * US_PER_DAY + events.working * (events.at_us % US_PER_DAY),
    )  # fmt: skip
    along = ibis.window(group_by="flow", order_by=["at_us", "step_no", "row__"])

    def next_of(column: str) -> ir.Value:
        return events[column].lead().over(along)

    return events.select(
        "flow", "kind", "step", "party", "actor", "part", "at_us",
        place=ibis.row_number().over(along).cast("int32"),
        next_step=next_of("step"), next_party=next_of("party"), wait_us=next_of("at_us") - events.at_us,
        work_us=next_of("worked_us") - events.worked_us,
    )  # fmt: skip
