"""M-2.6: is a library of purchases by category × industry × size built once, and does it serve long?

It is if purchases of one cell are more alike than purchases of different cells (companies of a cell resemble each other), and if they
stay so (companies change slowly). Both are measured on purchases of different customers: two purchases are as alike as the sequences
of who takes part in which way (1 − edit distance / length). Cells with few flows borrow from their neighbours (:mod:`library_cells`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses import library_cells
from kaanalysis.analyses.library_cells import CELL, Demand
from kaanalysis.analyses.verdicts import above, both, figures_wanted, find_flips, number, share_of_draws
from kaanalysis.company import Company
from kaanalysis.interviews import samples
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, State, no_data
from kaanalysis.stats import (
    Decay,
    PairSimilarity,
    Significance,
    pair_similarity,
    permutation_manova,
    sequence_similarity,
    similarity_decay,
)

FEEDS = ("buying_steps.category", "buying_steps.industry", "buying_steps.size_band")
ID, KEY = "M-2.6", "flow_library"
COMPARED = {"parties": "sequence", "steps": "names"}


@dataclass(frozen=True)
class _Likeness:
    pairs: PairSimilarity
    decay: Decay
    test: Significance
    frame: pd.DataFrame  # kind (within, between), similarity, pairs


def label(cell: Any) -> str:
    """A cell as one name."""
    return " / ".join(str(x) for x in cell)


def _flows(company: Company, policy: Policy) -> pd.DataFrame:
    """Finished purchases with a cell; interviews with the day they were held and the purchases a year that were told."""
    flows = aggregates.library_flows(company, policy)
    flows = flows[flows[CELL].notna().all(axis=1)].reset_index(drop=True)
    asked = company.interviews.drop_duplicates("flow_id").set_index("flow_id")
    day = pd.to_datetime(asked["interviewed_at"].reindex(flows["flow_id"])).reset_index(drop=True)
    days = (day - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    return flows.assign(
        last=flows["last"].astype(float).fillna(days),
        cluster=flows["cluster"].fillna("flow " + flows["flow_id"].astype(str)),
        volume=asked["purchases_per_year"].reindex(flows["flow_id"]).to_numpy(float),
        roles=pd.Series([sorted(r) for r in flows["roles"]], dtype=object),
    )


def _likeness(flows: pd.DataFrame, policy: Policy) -> _Likeness:
    """Similarity within and between cells, its decay, and the permutation test, on a bounded sample of the flows."""
    most, seed, level = policy["library.flows_compared"], policy["evidence.seed"], policy["evidence.level"]
    if len(flows) > most:
        flows = flows.sample(most, random_state=seed).sort_values("flow_id")
    flows = flows.reset_index(drop=True)
    table = sequence_similarity([list(s) for s in flows[COMPARED[policy["library.compared"]]]])
    cell, who = flows[CELL].agg(label, axis=1).to_numpy(object), flows["cluster"].to_numpy(object)
    timed = flows["last"].notna().to_numpy()
    months = flows["last"].to_numpy(float)[timed] / aggregates.DAYS_PER_MONTH
    # One flow per customer, the latest: only then can the labels be dealt out again.
    latest = flows.sort_values(["last", "flow_id"], na_position="first").drop_duplicates("cluster", keep="last").index
    one = np.sort(latest.to_numpy())
    return _Likeness(
        pair_similarity(table, cell, who, level=level),
        similarity_decay(table[np.ix_(timed, timed)], months, cell[timed], who[timed], level=level),
        permutation_manova(1 - table[np.ix_(one, one)], cell[one], draws=policy["evidence.draws"], seed=seed),
        _histogram(table, cell, who) if figures_wanted() else pd.DataFrame(),
    )


def _histogram(table: np.ndarray, cell: np.ndarray, who: np.ndarray) -> pd.DataFrame:
    i, j = np.nonzero(np.triu(who[:, None] != who[None, :], 1))
    kind = np.where(cell[i] == cell[j], "within", "between")
    bins = np.clip(np.round(table[i, j] * 20) / 20, 0, 1)
    return (
        pd.DataFrame({"kind": kind, "similarity": bins})
        .groupby(["kind", "similarity"], as_index=False)
        .size()
        .rename(columns={"size": "pairs"})
    )


def _numbers(found: _Likeness, policy: Policy) -> list[Number]:
    pairs, decay, segment = found.pairs, found.decay, aggregates.ALL
    what = "who takes part in which way, in order" if policy["library.compared"] == "parties" else "steps in order"
    most = policy["library.flows_compared"]
    said = f"1 − edit distance / length of {what}; finished purchases of different customers, at most {most}; "

    def told(name: str, estimate: Any, unit: str, scale: float = 1.0) -> Number:
        return number(name, segment, replace(estimate, method=said + estimate.method), unit, scale=scale)

    return [
        told("flow_similarity_within", pairs.within, "index"),
        told("flow_similarity_between", pairs.between, "index"),
        told("flow_similarity_difference", pairs.difference, "index"),
        Number("flow_similarity_p_value", segment, found.test.p_value, None, None, None, found.test.n, "probability",
               found.test.method + "; one flow per customer, the latest"),
        told("flow_decay", decay.rate, "per year", 12.0),
        told("flow_half_life", decay.half_life, "months"),
    ]  # fmt: skip


def _age_state(half_life: Number, rate: Number, months: float) -> State:
    """A half-life without an upper limit still exceeds `months` where its lower limit does, or where likeness surely does not decay."""
    if rate.low is None or rate.high is None:
        return "undecided"
    if rate.high <= 0 or (half_life.low is not None and half_life.low > months):
        return "supported"
    return "contradicted" if half_life.high is not None and half_life.high < months else "undecided"


def judge(numbers: list[Number], customers: int, groups: int, policy: Policy) -> list[Finding]:
    """M-2.6: supported if purchases of one cell are surely more alike than those of different cells, by more than
    `library.similarity_gap`, and their likeness surely halves no sooner than after `library.half_life_months`.

    Wrong if the cells were drawn up so that the same few customers fill them, if likeness is a matter of how things are recorded (one
    system, one seller's words), or if the processes changed after the last purchase on record. Contradicted by cells that are no more
    alike inside than outside: then one flow serves all of them and a library by cell is not needed, which is good news told by the
    reason."""
    kept = tuple(numbers)
    mine = {n.name: n for n in kept}
    if customers < policy["evidence.minimum_units"] or groups < 2:
        return [Finding(ID, KEY, "undecided", "too_few_cells", kept)]
    gap = mine["flow_similarity_difference"]
    cells = above(gap.low, gap.high, policy["library.similarity_gap"])
    age = _age_state(mine["flow_half_life"], mine["flow_decay"], policy["library.half_life_months"])
    state = both(cells, age)
    if state == "supported":
        reason = "library_supported"
    elif state == "contradicted":
        reason = "library_one_flow" if cells == "contradicted" else "library_ages"
    else:
        reason = {"supported": "library_age_undecided"}.get(cells, "library_undecided")
    return [Finding(ID, KEY, state, reason, kept)]


def _coverage(
    frame: pd.DataFrame, wanted: Demand, order: pd.DataFrame, policy: Policy
) -> tuple[list[Number], dict[str, str]]:
    """library_cells, library_covered, library_unplaced, library_next with its robustness; the next cell's name."""
    segment, need = aggregates.ALL, frame[frame["accounts"] > 0]
    if need.empty:
        return [], {}
    placed = len(wanted.accounts)
    held = float(need.loc[need["answered"] > 0, "weight"].sum())
    by = {
        "accounts": "weight: key accounts, spread over categories as their deals are",
        "pipeline": "weight: amount of open deals",
    }
    found = [
        Number("library_cells", segment, len(need), None, None, None, placed, "cells", "category × industry × size with a key account"),
        Number("library_cells_held", segment, int((need["answered"] > 0).sum()), None, None, None, placed, "cells",
               "of these, with a purchase that says who buys and by which process"),
        Number("library_covered", segment, held, None, None, None, placed, "share", by[policy["library.weight"]]),
        Number("library_unplaced", segment, wanted.unplaced, None, None, None, placed + wanted.unplaced, "accounts",
               "key accounts without an industry or size that a cell has"),
    ]  # fmt: skip
    if order.empty:
        return found, {}
    first = order.iloc[0]
    name = label(first[CELL])
    found.append(
        Number("library_next", name, float(first["gain"]), None, None, None, placed, "share",
               "share of the weighted uncertainty about all cells that one more sample removes (Cohn 1996)")
    )  # fmt: skip
    draws = int(first["draws"])
    flags = np.arange(draws) < round(float(first["first"]) * draws)
    method = "draws of customers and of how cells differ in which it is first, Wilson"
    return [*found, share_of_draws("library_next_first", name, flags, method)], {"next": name}


def find(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-2.6; frames `library` (a row per cell: :func:`library_cells.cell_frame` and `shrink`), `library_parties`,
    `library_next`, `library_similarity` (kind, similarity, pairs), `samples` (:func:`kaanalysis.interviews.samples`), `party_order`
    (:func:`kaanalysis.aggregates.party_order`)."""
    frames: dict[str, pd.DataFrame] = {}
    missing = company.missing("buying_steps.flow_id")
    if not missing:
        told = samples(aggregates.told_steps(company), company.interviews, policy["library.sample_steps"])
        if len(told):
            frames |= {"samples": told, "party_order": aggregates.party_order(company)}
        missing = company.missing(*FEEDS)
    if missing:
        return no_data(ID, KEY, [n for n in missing if n != "buying_steps.flow_id"] or list(FEEDS)), frames
    flows = _flows(company, policy)
    wanted = library_cells.demand(company, policy, sorted(flows["size_band"].unique()))
    if len(wanted.purchases):
        # An interview has no segment: it belongs here where its industry and size hold no fewer key accounts than others.
        inside = [c in wanted.mostly for c in flows[CELL[1:]].itertuples(index=False, name=None)]
        flows = flows[flows["segment"].notna().to_numpy() | np.array(inside)].reset_index(drop=True)
    if flows.empty:
        return no_data(ID, KEY, list(FEEDS)), frames
    likeness = _likeness(flows, policy)
    answers = (
        dict(zip(frames["samples"]["flow_id"], frames["samples"]["answers"], strict=True))
        if "samples" in frames
        else {}
    )
    as_of = (pd.Timestamp(company.info.as_of) - pd.Timestamp("1970-01-01")).days
    frame = library_cells.cell_frame(flows, wanted, answers, as_of, likeness.decay.rate.value)
    frame, models = library_cells.shrink(frame, flows, policy["evidence.level"])
    order = library_cells.next_cells(frame, models, wanted, policy)
    frames["library"] = frame
    if figures_wanted():
        frames["library_parties"] = library_cells.party_presence(frame, flows, policy["evidence.level"])
        frames["library_similarity"] = likeness.frame
    if len(order):
        frames["library_next"] = order
    coverage, terms = _coverage(frame, wanted, order, policy)
    numbers = [*coverage, *_numbers(likeness, policy)]
    customers, groups = likeness.pairs.customers, likeness.pairs.groups
    finding = judge(numbers, customers, groups, policy)[0]
    flips = find_flips(
        lambda p: judge(numbers, customers, groups, p),
        ID,
        policy,
        ["library.similarity_gap", "library.half_life_months"],
    )
    return replace(finding, flips=flips, terms=terms), frames
