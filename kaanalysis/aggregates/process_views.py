"""Views of the buying process: small frames, each a group-by over the transitions table. Days are elapsed days unless a name says
working days. The kind of flow is in every frame."""

from __future__ import annotations

from collections.abc import Iterable

import ibis
import numpy as np
import pandas as pd

from kaanalysis.aggregates.transitions import PARTS, US_PER_DAY, Transitions

VARIANTS_SHOWN = 40
_NAMED = {"kind": "kinds", "step": "steps", "next_step": "steps", "party": "parties", "next_party": "parties"}


def _with_names(frame: pd.DataFrame, process: Transitions, order: Iterable[str | tuple[str, bool]]) -> pd.DataFrame:
    """Numbers turned into names, rows in a fixed order: column names, or (name, ascending). Rows are put in order while they are numbers,
    which stand in the order of their names: sorting text takes longer than the engine takes for the view."""
    by = [(o, True) if isinstance(o, str) else o for o in order]
    if all(pd.api.types.is_numeric_dtype(frame[name]) for name, _ in by):
        keys = [frame[name].to_numpy() * (1 if ascending else -1) for name, ascending in reversed(by)]
        frame = frame.iloc[np.lexsort(keys)].reset_index(drop=True)
    else:
        frame = frame.sort_values([b[0] for b in by], ascending=[b[1] for b in by], kind="stable", ignore_index=True)
    names = {c: getattr(process, of)[frame[c].to_numpy(int)] for c, of in _NAMED.items() if c in frame}
    return frame.assign(**names)


def _days(frame: pd.DataFrame, names: dict[str, str | tuple[str, ...]]) -> pd.DataFrame:
    """Microseconds as days; a column of several quantiles becomes as many columns."""
    for source, target in names.items():
        values = frame.pop(source)
        if isinstance(target, str):
            frame[target] = values.astype(float) / US_PER_DAY
        else:
            table = np.array([v if v is not None else [np.nan] * len(target) for v in values], dtype=float)
            for place, name in enumerate(target):
                frame[name] = table.reshape(len(frame), len(target))[:, place] / US_PER_DAY
    return frame


def directly_follows(process: Transitions) -> pd.DataFrame:
    """One row per kind and pair of steps that follow each other directly: count, median_days, p90_days from the one to the other."""
    pairs = process.waits
    frame = pairs.group_by(["kind", "step", "next_step"]).aggregate(
        count=pairs.count(), q=pairs.wait_us.quantile([0.5, 0.9])
    )
    frame = _days(frame.execute(), {"q": ("median_days", "p90_days")})
    return _with_names(frame, process, ["kind", ("count", False), "step", "next_step"])


def working_days(process: Transitions, *by: str) -> pd.DataFrame:
    """The median of the waits in working days by `by` (columns of the moves, besides kind): column median_working_days, NaN where the
    calendar knows none of the days. To be joined to another view of the same columns."""
    pairs = process.moves.filter(process.moves.next_step.notnull())
    frame = pairs.group_by(["kind", *by]).aggregate(median_us=pairs.work_us.quantile(0.5)).execute()
    return _with_names(_days(frame, {"median_us": "median_working_days"}), process, ["kind", *by])


def returns(process: Transitions) -> pd.DataFrame:
    """One row per kind and pair of steps of which the second was there before in the flow: returns (how often; rework, where
    `directly_follows` counts all). To be joined to that."""
    moves = process.moves
    again = process.repeats.select(back_flow="flow", back_place=ibis._.place - 1)
    pairs = moves.inner_join(again, [("flow", "back_flow"), ("place", "back_place")])
    frame = pairs.group_by(["kind", "step", "next_step"]).aggregate(returns=pairs.count()).execute()
    return _with_names(frame, process, ["kind", "step", "next_step"])


def waiting(process: Transitions) -> pd.DataFrame:
    """One row per kind and step that another came before: count, median_wait_days, p90_wait_days, total_wait_days since that one."""
    pairs = process.waits
    frame = pairs.group_by(["kind", "next_step"]).aggregate(
        count=pairs.count(), q=pairs.wait_us.quantile([0.5, 0.9]), total=pairs.wait_us.sum()
    )
    frame = _days(frame.execute(), {"q": ("median_wait_days", "p90_wait_days"), "total": "total_wait_days"})
    return _with_names(frame, process, ["kind", "next_step"]).rename(columns={"next_step": "step"})


def handovers(process: Transitions, *, times: bool = True) -> pd.DataFrame:
    """One row per kind and pair of parties one of which acts directly after the other (twice the same: it keeps the work): count, and with
    `times` median_days and the number of `flows` in which it happens (which take several times as long to find as the counts)."""
    pairs = process.moves.filter(process.moves.next_step.notnull())
    more = {"median_us": pairs.wait_us.quantile(0.5), "flows": pairs.flow.nunique()} if times else {}
    frame = pairs.group_by(["kind", "party", "next_party"]).aggregate(count=pairs.count(), **more).execute()
    frame = _days(frame, {"median_us": "median_days"} if times else {})
    return _with_names(frame, process, ["kind", ("count", False), "party", "next_party"])


def variants(process: Transitions, most: int | None = VARIANTS_SHOWN) -> pd.DataFrame:
    """One row per kind and different sequence of steps, the `most` frequent of each kind (None: all): sequence (list of steps), flows,
    share (of the kind's flows), median_days (first to last step), variants (different sequences of the kind in all)."""
    lives = process.lives
    took = lives.end_us - lives.begin_us
    frame = lives.group_by(["kind", "trace"]).aggregate(
        flows=lives.count(), example=lives.flow.min(), median_us=took.quantile(0.5)
    ).drop("trace").execute()  # fmt: skip
    kind, flows = frame["kind"].to_numpy(int), frame["flows"].to_numpy(int)
    order = np.lexsort([frame["example"].to_numpy(int), -flows, kind])
    different = np.bincount(kind, minlength=len(process.kinds))
    frame["share"], frame["variants"] = flows / np.bincount(kind, weights=flows)[kind], different[kind]
    frame = frame.iloc[order].reset_index(drop=True)
    first = np.concatenate([[0], np.cumsum(different)])[kind[order]]
    frame["rank"] = np.arange(len(frame)) - first
    shown = process.moves.select("flow", "place", "step")
    if most is not None:
        frame = frame[frame["rank"] < most].reset_index(drop=True)
        shown = shown.semi_join(ibis.memtable(frame[["example"]]), [("flow", "example")])
    found = shown.execute()
    flow, place, step = (found[c].to_numpy(int) for c in ("flow", "place", "step"))
    along = np.lexsort([place, flow])
    flow, begins = np.unique(flow[along], return_index=True)
    sequences = [s.tolist() for s in np.split(process.steps[step[along]], begins)[1:]]
    frame["sequence"] = pd.Series(sequences, index=flow, dtype=object).reindex(frame.pop("example")).to_numpy(object)
    frame = _with_names(_days(frame, {"median_us": "median_days"}), process, ["kind", "rank"])
    return frame[["kind", "sequence", "flows", "share", "median_days", "variants"]]


def buying_nodes(process: Transitions) -> pd.DataFrame:
    """One row per kind and step: party and part (most frequent), count, flows, place (mean position in the flow, 0 = first), and
    from the step before to this one median_wait_days, p90_wait_days, total_wait_days, median_working_days (NaN for steps that only
    begin flows)."""
    moves = process.moves
    cells = moves.group_by(["kind", "step", "party", "part"]).aggregate(count=moves.count(), places=moves.place.sum())
    frame = cells.execute().sort_values(
        ["kind", "step", "count", "party", "part"], ascending=[True, True, False, True, True]
    )
    nodes = frame.groupby(["kind", "step"], as_index=False).agg(
        party=("party", "first"), part=("part", "first"), count=("count", "sum"), places=("places", "sum")
    )
    nodes = nodes.merge(reached(process)[["kind", "step", "flows"]], on=["kind", "step"])
    nodes["part"] = np.array(PARTS, dtype=object)[nodes["part"].to_numpy(int)]
    nodes["place"] = nodes.pop("places") / nodes["count"]
    nodes = _with_names(nodes, process, ["kind", "place", "step"])
    worked = working_days(process, "next_step").rename(columns={"next_step": "step"})
    nodes = nodes.merge(waiting(process).drop(columns="count"), on=["kind", "step"], how="left")
    return nodes.merge(worked, on=["kind", "step"], how="left")


def reached(process: Transitions) -> pd.DataFrame:
    """One row per kind and step, as numbers: count (events), flows (that reached it)."""
    counts = process.moves.group_by(["kind", "step"]).aggregate(count=ibis._.count()).execute()
    more = process.repeats.group_by(["kind", "step"]).aggregate(again=ibis._.count()).execute()
    frame = counts.merge(more, on=["kind", "step"], how="left")
    frame["flows"] = frame["count"] - frame.pop("again").fillna(0).astype(int)
    return frame


def rework(process: Transitions) -> pd.DataFrame:
    """One row per kind and step that comes again in a flow: flows (in which it comes again), reached (flows with the step at all),
    repeats (times beyond the first), median_extra_days and total_extra_days (from the first time to the last, per flow)."""
    more = process.repeats
    by_flow = more.group_by(["flow", "kind", "step"]).aggregate(repeats=more.count(), extra=more.since_us.max())
    loops = by_flow.group_by(["kind", "step"]).aggregate(
        flows=by_flow.count(),
        repeats=by_flow.repeats.sum(),
        median_us=by_flow.extra.quantile(0.5),
        total_us=by_flow.extra.sum(),
    )
    at_all = reached(process)[["kind", "step", "flows"]].rename(columns={"flows": "reached"})
    frame = loops.execute().merge(at_all, on=["kind", "step"])
    frame = _days(frame, {"median_us": "median_extra_days", "total_us": "total_extra_days"})
    frame = _with_names(frame, process, ["kind", ("flows", False), "step"])
    return frame[["kind", "step", "flows", "reached", "repeats", "median_extra_days", "total_extra_days"]]


def waiting_by_party(process: Transitions) -> pd.DataFrame:
    """One row per kind and party that the process waited for: count (times it acted after another step), flows, median_days, p90_days,
    total_days from the step before to its own, share of the kind's total, median_working_days."""
    pairs = process.moves.filter(process.moves.next_step.notnull())
    frame = pairs.group_by(["kind", "next_party"]).aggregate(
        count=pairs.count(), flows=pairs.flow.nunique(), q=pairs.wait_us.quantile([0.5, 0.9]), total=pairs.wait_us.sum()
    )
    frame = _days(frame.execute(), {"q": ("median_days", "p90_days"), "total": "total_days"})
    whole = frame.groupby("kind")["total_days"].transform("sum")
    frame["share"] = np.where(whole > 0, frame["total_days"] / whole.where(whole > 0, 1.0), np.nan)
    frame = _with_names(frame, process, ["kind", ("total_days", False), "next_party"])
    return frame.merge(working_days(process, "next_party"), on=["kind", "next_party"], how="left").rename(
        columns={"next_party": "party"}
    )


def role_departments(process: Transitions) -> pd.DataFrame:
    """One row per kind, role and department that acted (empty text: not recorded): events, flows."""
    moves = process.moves
    frame = moves.group_by(["kind", "actor"]).aggregate(events=moves.count(), flows=moves.flow.nunique()).execute()
    actors = process.actors.iloc[frame.pop("actor").to_numpy(int)].reset_index(drop=True)
    frame = pd.concat([frame, actors[["role", "department"]]], axis=1)
    return _with_names(frame, process, ["kind", "role", "department"])[
        ["kind", "role", "department", "events", "flows"]
    ]
