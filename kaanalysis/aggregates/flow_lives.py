"""How long flows have lived and whether they have ended, and a sample of them step by step (the performance spectrum)."""

from __future__ import annotations

import datetime as dt
import itertools

import ibis
import numpy as np
import pandas as pd

from kaanalysis.aggregates.process_views import reached
from kaanalysis.aggregates.transitions import US_PER_DAY, Transitions
from kaanalysis.company import Company
from kaanalysis.policy import Policy

SPECTRUM_FLOWS, SPECTRUM_SEGMENTS = 400, 6
WAITED_FOR = 8  # parties that are told apart in waiting_by_cluster


def _midnight_us(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days * US_PER_DAY


def end_steps(lives: pd.DataFrame, steps: pd.DataFrame, policy: Policy) -> set[tuple[int, int]]:
    """Kinds and steps (numbers) that end the process: in at least ``process.end_share`` of the flows that reached them nothing follows.

    Steps that fewer than ``evidence.minimum_units`` flows reached are left out: among a handful that happen to rest there an open flow
    would count as finished."""
    last = lives.groupby(["kind", "last_step"]).size()
    at = steps.set_index(["kind", "step"])["flows"]
    share = last.reindex(at.index, fill_value=0) / at
    ends = share[(share >= policy["process.end_share"]) & (at >= policy["evidence.minimum_units"])]
    return {(int(kind), int(step)) for kind, step in ends.index}


def flow_lives(company: Company, process: Transitions, policy: Policy) -> pd.DataFrame:
    """One row per flow: kind (name), cluster, events, days (first to last step, or to ``as_of`` where open), finished, entry_days
    (days from its first step to ``observed_from`` where that is later, else 0), repeated (a step came again), seen (false: it ended
    before the records begin).

    A flow has finished at its last step if its deal is closed, if that is a step that ends the process (:func:`end_steps`), or if it has
    been silent for more than ``process.silence_days`` before ``as_of``. All others are open and censored at ``as_of`` (or at a step of
    that very day). Flows that began before ``observed_from`` are on record only because they were still running then: they enter
    late. A flow whose first steps fell before the records and are missing cannot be told from a new one; it counts from its first
    step on record."""
    deals = process.flows.select("flow", "cluster", "closed")
    lives = process.lives.drop("trace").inner_join(deals, "flow").order_by("flow").execute()
    again = process.repeats.select("flow").distinct().execute()["flow"]
    final = end_steps(lives, reached(process), policy)
    at_end = np.fromiter(
        ((k, s) in final for k, s in zip(lives["kind"], lives["last_step"], strict=True)), bool, len(lives)
    )
    end, begin = lives["end_us"].to_numpy(np.int64), lives["begin_us"].to_numpy(np.int64)
    now = _midnight_us(company.info.as_of)
    silent = now - end > policy["process.silence_days"] * US_PER_DAY
    finished = lives["closed"].to_numpy(bool) | at_end | silent
    until = np.where(finished, end, np.maximum(end, now))
    start = company.info.observed_from
    entry = np.maximum(0, _midnight_us(start) - begin) if start is not None else np.zeros(len(lives), np.int64)
    return pd.DataFrame(
        {
            "kind": process.kinds[lives["kind"].to_numpy(int)],
            "cluster": lives["cluster"].to_numpy(object),
            "events": lives["events"].to_numpy(int),
            "days": (until - begin) / US_PER_DAY,
            "finished": finished,
            "entry_days": entry / US_PER_DAY,
            "repeated": lives["flow"].isin(again).to_numpy(bool),
            "seen": (entry == 0) | (until - begin > entry),
        }
    )


def waiting_by_cluster(process: Transitions, kind: str | None = None) -> pd.DataFrame:
    """One row per cluster (customer group, else flow) with the days that its flows waited for each party: a column per party, the
    :data:`WAITED_FOR` that were waited for longest. kind: of flows of that kind alone. Column ``rest``: for all other parties."""
    pairs = process.moves.filter(process.moves.next_step.notnull())
    if kind is not None:
        pairs = pairs.filter(pairs.kind == int(np.flatnonzero(process.kinds == kind)[0]))
    totals = pairs.group_by("next_party").aggregate(total=pairs.wait_us.sum()).execute()
    top = totals.sort_values(["total", "next_party"], ascending=[False, True])["next_party"].head(WAITED_FOR).tolist()
    sums = {f"p{p}": (pairs.next_party == p).ifelse(pairs.wait_us, 0).sum() for p in top}
    by_flow = pairs.group_by("flow").aggregate(**sums, whole=pairs.wait_us.sum())
    by_flow = by_flow.inner_join(process.flows.select("flow", "cluster"), "flow")
    columns = [*sums, "whole"]
    frame = (
        by_flow.group_by("cluster").aggregate(**{c: by_flow[c].sum() for c in columns}).order_by("cluster").execute()
    )
    frame[columns] = frame[columns].astype(float) / US_PER_DAY
    frame["rest"] = (frame.pop("whole") - frame[list(sums)].sum(axis=1)).clip(lower=0)
    return frame.rename(columns={f"p{p}": str(process.parties[p]) for p in top})


def performance_spectrum(process: Transitions, sequences: pd.DataFrame) -> pd.DataFrame:
    """One row per pair of steps passed by a flow of a sample: kind, segment (0 = uppermost), step, next_step, flow (number), begins and
    ends (moments), quarter (0 … 3: of the durations of all flows in this segment, 3 the slowest).

    sequences: :func:`kaanalysis.aggregates.process_views.variants`; the segments are the first :data:`SPECTRUM_SEGMENTS` pairs of the
    sequence that carries most moves of its kind. The sample are at most :data:`SPECTRUM_FLOWS` flows of a kind that pass one of them,
    spread evenly over the flows' numbers. Source: Denisov, Fahland and van der Aalst, Unbiased, fine-grained description of processes
    performance from event data, BPM 2018."""
    number = {name: place for place, name in enumerate(process.steps)}
    kinds = {name: place for place, name in enumerate(process.kinds)}
    segments = []
    for kind, group in sequences[sequences["sequence"].map(len) > 1].groupby("kind", sort=False):
        carried = group["flows"] * (group["sequence"].map(len) - 1)
        path = group["sequence"].iloc[int(carried.to_numpy().argmax())]
        pairs = list(dict.fromkeys(itertools.pairwise(path)))[:SPECTRUM_SEGMENTS]
        segments += [(kinds[kind], place, number[a], number[b]) for place, (a, b) in enumerate(pairs)]
    columns = ["kind", "segment", "step", "next_step"]
    wanted = pd.DataFrame(segments, columns=columns).astype(int)
    moves = process.moves
    passed = (
        moves.inner_join(ibis.memtable(wanted), ["kind", "step", "next_step"])
        if len(wanted)
        else moves.limit(0).mutate(segment=0)
    )
    limits = passed.group_by(["kind", "segment"]).aggregate(q=passed.wait_us.quantile([0.25, 0.5, 0.75]))
    flows = passed.select("kind", "flow").distinct()
    of_kind = ibis.window(group_by="kind")
    flows = flows.mutate(
        rank=ibis.row_number().over(ibis.window(group_by="kind", order_by="flow")), size=flows.count().over(of_kind)
    )
    step = (flows["size"] // SPECTRUM_FLOWS + 1).cast("int64")
    sample = flows.filter(flows["rank"] % step == 0).select(sampled="flow")
    frame = (
        passed.inner_join(sample, passed.flow == sample.sampled).select(*columns, "flow", "at_us", "wait_us").execute()
    )
    quarters = {(r.kind, r.segment): np.asarray(r.q, float) for r in limits.execute().itertuples()}
    frame = frame.sort_values(["kind", "segment", "at_us", "flow"], kind="stable", ignore_index=True)
    frame["quarter"] = np.array(
        [
            np.searchsorted(quarters[k, s], w, side="left")
            for k, s, w in zip(frame["kind"], frame["segment"], frame["wait_us"], strict=True)
        ],
        int,
    )
    frame["begins"] = pd.to_datetime(frame["at_us"], unit="us")
    frame["ends"] = pd.to_datetime(frame.pop("at_us") + frame.pop("wait_us"), unit="us")
    for column, names in (("kind", process.kinds), ("step", process.steps), ("next_step", process.steps)):
        frame[column] = names[frame[column].to_numpy(int)]
    return frame
