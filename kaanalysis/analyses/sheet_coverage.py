"""M-3.5: does today's selling do anything at every node of the customer's flow, and has today's team what the blank sheet demands?

The sheet (:mod:`kaanalysis.analyses.sales_sheet`) is drawn from the customer's flow alone. Here today's selling is held against it: the
share of key-account deals that reached a node in which the seller had any activity with a person of its role, at any time
(:func:`node_contacts`); whether it came in time is a finer question. Orphans on either side are listed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.sales_sheet import blank_sheet, nodes
from kaanalysis.analyses.team_fit import carriers, judged_levels
from kaanalysis.analyses.verdicts import clustered_share, find_flips, percentile_number, seller_clusters
from kaanalysis.company import Company
from kaanalysis.contracts import LANES
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data
from kaanalysis.selling import Catalogue, catalogue, item_key
from kaanalysis.stats import cluster_weights, draw_means

FEEDS = ("buying_steps.step", "buying_steps.part", "accounts.segment", "activities.person_id", "stakeholders.role")
ID, KEY, SEGMENT = "M-3.5", "sales_sheet", "KA"
ORPHANS = ["side", "kind", "lane", "name", "name_en", "name_zh", "share", "low", "high", "n"]
METHOD = "nodes in whose role fewer than the share of the deals that reached them had any contact"
JUDGED = "demanded items that are judged, mean of the judges against the required level"


def node_contacts(company: Company, policy: Policy, customer: pd.DataFrame) -> pd.DataFrame:
    """One row per node of `customer` (:func:`nodes`) and key-account deal that is past it: node, opportunity_id, owner, account, acted (the
    seller had a contact with a person of the node's role, in the policy's ``alignment.reading``; of its department where no role is
    known).

    A deal is past a node once it is closed, or has reached a later step: what is still being done at an open deal's present step is
    not known yet. Where no person is named, `acted` is that a stage of the company's own has the step's name."""
    reached = aggregates.steps_reached(company, policy, sorted(set(customer["step"].dropna())))
    reached = reached.merge(customer[["node", "step", "role", "department"]], on="step")
    last = reached.groupby("opportunity_id")["at"].transform("max")
    past = (reached["outcome"] != "open").to_numpy(bool) | (reached["at"].to_numpy(float) < last.to_numpy(float))
    reached = reached[past].reset_index(drop=True)
    by_stage = policy["alignment.reading"] == "stages"
    if by_stage or company.missing("activities.person_id|stakeholders.engaged_at", "stakeholders.role"):
        acted = reached["stage"].to_numpy(bool)
    else:
        met = aggregates.parties_contacted(company, policy)
        by_role = pd.MultiIndex.from_frame(met[["opportunity_id", "role"]])
        by_department = pd.MultiIndex.from_frame(met[["opportunity_id", "department"]])
        in_role = pd.MultiIndex.from_frame(reached[["opportunity_id", "role"]]).isin(by_role)
        beside = pd.MultiIndex.from_frame(reached[["opportunity_id", "department"]]).isin(by_department)
        acted = np.where(reached["role"].notna(), in_role, beside & reached["department"].notna())
    return reached.assign(acted=acted)[["node", "opportunity_id", "owner", "account", "acted"]]


@dataclass(frozen=True)
class Coverage:
    """What the verdict rests on. table: one row per node, with coverage, coverage_low, coverage_high (its own interval), surely_below
    (upper end with Bonferroni's correction over the nodes) and deals; draws: resampled coverage (draws × nodes); flows: reference
    purchases; deals: distinct deals past any node; clusters: sellers; saved: whether the analyst's sheet stood in."""

    table: pd.DataFrame
    draws: np.ndarray
    flows: int
    deals: int
    clusters: int
    saved: bool


def cover(customer: pd.DataFrame, contacts: pd.DataFrame, policy: Policy, saved: bool = False) -> Coverage:
    """Coverage of every node out of the rows of :func:`node_contacts`, sellers as clusters."""
    level, k = policy["evidence.level"], len(customer)
    own, kind = seller_clusters(contacts) if len(contacts) else (np.array([], dtype=object), "seller")
    method = f"share of deals past the node, {kind}s as clusters (jackknife)"
    rows: list[list[float | int | None]] = []
    for node in customer["node"]:
        mine = (contacts["node"] == node).to_numpy()
        if not mine.any():
            rows.append([None, None, None, None, 0])
            continue
        flags, groups = contacts["acted"].to_numpy(bool)[mine], own[mine]
        found = clustered_share("coverage", "", flags, groups, level, method)
        strict = clustered_share("coverage", "", flags, groups, 1 - (1 - level) / k, method)
        rows.append([found.value, found.low, found.high, strict.high, int(mine.sum())])
    columns = ["coverage", "coverage_low", "coverage_high", "surely_below", "deals"]
    told = pd.DataFrame(rows, columns=columns, index=customer.index)
    types = {**dict.fromkeys(columns, "float64"), "deals": "int64"}
    table = pd.concat([customer, told.astype(types)], axis=1)
    weights = cluster_weights(own, policy["evidence.draws"], policy["evidence.seed"]).astype(float)
    at = (contacts["node"].to_numpy()[:, None] == customer["node"].to_numpy()[None, :]).astype(float)
    total = weights @ at
    acted = weights @ (at * contacts["acted"].to_numpy(float)[:, None])
    draws = np.divide(acted, total, out=np.full(total.shape, np.nan), where=total > 0)
    flows = customer["flows"].max()
    return Coverage(table, draws, int(flows) if np.isfinite(flows) else 0, contacts["opportunity_id"].nunique(),
                    len(set(own)), saved)  # fmt: skip


def _counts(found: Coverage, policy: Policy) -> list[Number]:
    least, level = policy["sheet.covered_share"], policy["evidence.level"]
    told = found.table["deals"].to_numpy() > 0
    source = "the analyst's saved sheet" if found.saved else "steps of reference purchases"
    steps = Number("steps", SEGMENT, len(found.table), None, None, None, found.flows, "steps", f"count; {source}")
    if not told.any():
        return [steps]
    value = int((found.table["coverage"].to_numpy()[told] < least).sum())
    draws = np.where(np.isnan(found.draws[:, told]).any(axis=1), np.nan, (found.draws[:, told] < least).sum(axis=1))
    uncovered = percentile_number(
        "steps_uncovered", SEGMENT, value, draws, level, found.deals, "steps",
        f"{METHOD}; cluster bootstrap (percentile)", clusters=found.clusters or None,
    )  # fmt: skip
    return [steps, uncovered]


def judge(found: Coverage, lanes: list[Number], policy: Policy) -> list[Finding]:
    """M-3.5: today's selling follows the customer's flow. Supported if at every node surely more than ``sheet.covered_share`` of the deals
    past it had any contact with its role (an intersection-union test, so no correction: Berger 1982); contradicted if at one node surely
    fewer had (Bonferroni over the nodes); else undecided.

    Wrong if contacts were made and not recorded, or recorded with the wrong person: then a node looks uncovered that is not. A contact at
    any time counts, and says nothing of what was talked about: a covered node may still be served late or badly."""
    numbers = (*_counts(found, policy), *lanes)
    table = found.table[found.table["deals"] > 0]
    least = policy["sheet.covered_share"]
    if found.flows < policy["alarm.minimum_flows"] and not found.saved:
        return [Finding(ID, KEY, "undecided", "few_flows", numbers)]
    if found.deals < policy["evidence.minimum_units"] or found.clusters < policy["evidence.minimum_sellers"]:
        return [Finding(ID, KEY, "undecided", "too_few", numbers)]
    worst = table.sort_values(["coverage", "node"]).iloc[0]
    terms = {"step": str(worst["step"])}
    if (table["surely_below"] < least).any():
        return [Finding(ID, KEY, "contradicted", "sheet_uncovered", numbers, terms=terms)]
    if len(table) == len(found.table) and (table["coverage_low"] > least).all():
        return [Finding(ID, KEY, "supported", "sheet_covered", numbers, terms=terms)]
    return [Finding(ID, KEY, "undecided", "sheet_undecided", numbers, terms=terms)]


def judged_items(sheet: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    """One row per team, lane and item on either side: team (None where no team was judged on it), lane, item (key), demanded, level (mean
    of the judges), judges, spread (sum of squared deviations of the judges). levels: :func:`judged_levels`, which calls items as the
    sheet does."""
    wanted = sheet.dropna(subset=["item"])[["lane", "item"]].drop_duplicates().assign(demanded=True)
    told = levels.groupby(["team", "lane", "item"], as_index=False)["level"].agg(
        level="mean", judges="size", spread=lambda x: float(((x - x.mean()) ** 2).sum())
    )  # fmt: skip
    both = told.merge(wanted, on=["lane", "item"], how="outer")
    return both.assign(demanded=both["demanded"].notna(), judges=both["judges"].fillna(0).astype(int))


def lane_numbers(items: pd.DataFrame, policy: Policy) -> list[Number]:
    """lane_coverage and items_unjudged by lane. lane_coverage: of the items that the sheet demands and a team was judged on, team by team,
    the share at ``fit.required_level`` or above; 1 = all, 0 = none.

    Where items have several judges, their disagreement, pooled within items, is an error of each mean: true levels are drawn given it
    (:func:`kaanalysis.stats.draw_means`), and the interval is the middle of the shares so drawn, stretched to the share as judged where
    that lies outside. With one judge to every item no error can be told and there is no interval."""
    required, level = policy["fit.required_level"], policy["evidence.level"]
    draws, seed = policy["evidence.draws"], policy["evidence.seed"]
    wanted = items[items["demanded"]]
    free = int((items["judges"] - 1).clip(lower=0).sum())
    pooled = float(items["spread"].fillna(0).sum()) / free if free else 0.0
    out = []
    for lane in LANES:
        mine = wanted[wanted["lane"] == lane]
        judged = mine[mine["judges"] > 0]
        asked, told = mine["item"].nunique(), judged["item"].nunique()
        if asked == 0:
            continue
        if len(judged):
            value = float((judged["level"] >= required).mean())
            method = f"{JUDGED}; one judge to every item"
            made = Number("lane_coverage", lane, value, None, None, level, len(judged), "share", method)
            if free and pooled > 0:
                true = draw_means(judged["level"], judged["judges"], pooled * free, free, draws, seed)
                low, high = np.quantile((true >= required).mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
                low, high = min(float(low), value), max(float(high), value)
                made = replace(made, low=low, high=high, method=f"{JUDGED}; disagreement of the judges")
            out.append(made)
        method = "items that the sheet demands and no judge has rated"
        out.append(Number("items_unjudged", lane, asked - told, None, None, None, asked, "items", method))
    return out


def orphans(
    found: Coverage | None,
    sheet: pd.DataFrame,
    steps: pd.DataFrame,
    items: pd.DataFrame,
    known: Catalogue,
    policy: Policy,
) -> pd.DataFrame:
    """What stands alone on either side: side (customer, seller), kind (node, stage, activity, capability), lane, name, name_en, name_zh,
    share, low, high, n.

    customer: nodes at which fewer than ``sheet.covered_share`` of the deals had a contact (share of n deals). seller: stages that are no
    step of the customer's, activities that are no item of the sheet (n: times), capability items that no node demands (n: judgements)."""
    rows: list[tuple[object, ...]] = []
    least = policy["sheet.covered_share"]
    if found is not None:
        bare = found.table[(found.table["deals"] == 0) | (found.table["coverage"] < least)]
        for r in bare.to_dict("records"):
            told = (r["coverage"], r["coverage_low"], r["coverage_high"], r["deals"])
            rows.append(("customer", "node", None, *[r["step"]] * 3, *told))
    customer, demanded = set(sheet["step"]), set(sheet.dropna(subset=["item"])["item"])
    for r in steps.to_dict("records"):
        name = str(r["name"])
        keys = {i.key for lane in LANES if (i := known.find(lane, name)) is not None} | {item_key(name)}
        if name not in customer and not (r["kind"] == "activity" and keys & demanded):
            rows.append(("seller", r["kind"], None, name, name, name, np.nan, np.nan, np.nan, r["times"]))
    idle = items[~items["demanded"]].groupby(["lane", "item"], sort=True)[["judges"]].sum().reset_index()
    for r in idle.to_dict("records"):
        item = known.find(r["lane"], r["item"])
        names = (item.en, item.zh) if item is not None else (r["item"], r["item"])
        rows.append(("seller", "capability", r["lane"], r["item"], *names, np.nan, np.nan, np.nan, r["judges"]))
    frame = pd.DataFrame(rows, columns=ORPHANS)
    texts = dict.fromkeys(["side", "kind", "lane", "name", "name_en", "name_zh"], object)
    return frame.astype({**texts, **dict.fromkeys(["share", "low", "high"], "float64"), "n": "int64"})


def find(
    company: Company, policy: Policy, sheet: pd.DataFrame | None = None, levels: pd.DataFrame | None = None
) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-3.5; frames `sales_sheet` (:func:`blank_sheet`), `sales_sheet_nodes` (:func:`nodes` with coverage, coverage_low,
    coverage_high, deals) and `sheet_orphans` (:func:`orphans`). sheet, levels: :func:`blank_sheet` and :func:`judged_levels`,
    computed here where None."""
    sheet = blank_sheet(company, policy) if sheet is None else sheet
    if sheet.empty:
        return no_data(ID, KEY, company.missing("buying_steps.step") or ["buying_steps.step"]), {}
    known, customer = catalogue(company.selling), nodes(sheet)
    levels = judged_levels(company, sheet) if levels is None else levels
    items = judged_items(sheet, carriers(levels)) if len(levels) else None
    lanes = lane_numbers(items, policy) if items is not None else []
    none = pd.DataFrame(
        {"team": [], "lane": [], "item": [], "demanded": np.array([], bool), "judges": np.array([], int)}
    )
    missing = aggregates.segment_missing(company, policy)
    if not missing and not company.has("stage_history.stage"):
        missing = company.missing("activities.person_id|stakeholders.engaged_at", "stakeholders.role")
    frames = {"sales_sheet": sheet, "sales_sheet_nodes": customer}
    steps = (
        aggregates.selling_steps(company, policy) if not missing else pd.DataFrame(columns=["kind", "name", "times"])
    )
    saved = company.sheet is not None
    contacts = node_contacts(company, policy, customer) if not missing else None
    if contacts is None or contacts.empty:
        bare = cover(
            customer.iloc[:0], pd.DataFrame(columns=["node", "opportunity_id", "owner", "account", "acted"]), policy
        )
        drawn = replace(bare, table=customer.assign(deals=0), saved=saved, flows=int(customer["flows"].fillna(0).max()))
        frames["sheet_orphans"] = orphans(None, sheet, steps, items if items is not None else none, known, policy)
        needs = missing or ["buying_steps.opportunity_id"]
        numbers = (*_counts(drawn, policy), *lanes)
        return no_data(ID, KEY, needs, numbers, reason="only_drawn"), frames
    found = cover(customer, contacts, policy, saved)
    frames["sales_sheet_nodes"] = found.table.drop(columns="surely_below")
    frames["sheet_orphans"] = orphans(found, sheet, steps, items if items is not None else none, known, policy)
    finding = judge(found, lanes, policy)[0]
    flips = find_flips(lambda p: judge(found, lanes, p), ID, policy, ["sheet.covered_share"])
    terms = {**finding.terms, "sheet": "saved" if saved else "generated", "cell": policy["sheet.cell"].strip() or "all"}
    return replace(finding, flips=flips, terms=terms), frames
