"""Figures: each draws in both languages from small hand-made frames, the same bytes twice, no glyph missing."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_frames import (
    alignment,
    base_assumptions,
    library_result,
    number,
    parties,
    problem_framing,
    result,
    sheet_finding,
    sheet_frames,
    sop,
    staging_frames,
)
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text
from pattern_frames import STATES, failure

from kaanalysis import figures
from kaanalysis.figures import FIGURES, MissingGlyph, alt_text, available, draw_figure, figure_title, save_figure
from kaanalysis.figures.lanes import _boxes
from kaanalysis.figures.parts import spread
from kaanalysis.figures.process import choose
from kaanalysis.figures.registry import _scene
from kaanalysis.figures.style import missing_in, refuse_missing, replaced, styled, text_width, wrap
from kaanalysis.paths import PACKAGE
from kaanalysis.results import Finding, Result
from kaanalysis.text import LANGUAGES, catalogue, words

LAUNCH = dt.date(2025, 3, 1)
RARE = "龘"  # in no subset of common hanzi, and not in DejaVu Sans


def process(kinds: tuple[str, ...] = ("KA", "SMB"), steps: int = 6, name: str = "step") -> dict[str, pd.DataFrame]:
    roles, parts = ["user", "procurement", "finance", "legal", "?"], ["do", "approve", "inform", "influence"]
    nodes, edges = [], []
    for kind in kinds:
        for i in range(steps):
            wait = np.nan if i == 0 else 3.0 * i
            nodes.append(
                (kind, f"{name} {i}", roles[i % 5], parts[i % 4], 100 - i, 100 - i, float(i), wait, (wait or 0) * 90)
            )
            for j, count in ((i + 1, 90 - i), (i + 2, 12), (i - 2, 8)):
                if 0 <= j < steps:
                    edges.append((kind, f"{name} {i}", f"{name} {j}", count, count, 0.002 * 10 ** (i % 4), 20.0))
    durations = pd.DataFrame(
        [(k, 100, 600, 40.0, 35.0, 45.0, 80.0) for k in kinds],
        columns=["kind", "flows", "events", "median_days", "low", "high", "p90_days"],
    )
    sequences = [(k, [f"{name} {j}" for j in (*range(min(steps, 5)), 2)], 60 - 20 * i, 0.6 - 0.2 * i, 12.0, 30)
                 for k in kinds for i in range(3)]  # fmt: skip
    waited = [(k, r, 90 - 9 * i, 80, 2.0 + i, 9.0, 500.0 - 90 * i, 0.4 - 0.07 * i, np.nan if i == 3 else 1.5)
              for k in kinds for i, r in enumerate(roles)]  # fmt: skip
    hands = [
        (k, a, b, 90 - 10 * i - 5 * j, 2.0 + j, 70)
        for k in kinds
        for i, a in enumerate(roles)
        for j, b in enumerate(roles)
        if j < 3
    ]
    acting = [(k, r, d, 40 + i, 30) for k in kinds for i, r in enumerate(roles[:4]) for d in ("finance", "IT", "")]
    at = pd.Timestamp("2025-01-01")
    lines = [(k, s, f"{name} {s}", f"{name} {s + 1}", f, f % 4, at + pd.Timedelta(days=f + 9 * s), at + pd.Timedelta(days=f + 9 * s + f % 7))
             for k in kinds for s in range(3) for f in range(20)]  # fmt: skip
    more = {
        "variants": (sequences, "kind sequence flows share median_days variants"),
        "waiting_by_party": (waited, "kind party count flows median_days p90_days total_days share median_working_days"),
        "handovers": (hands, "kind party next_party count median_days flows"),
        "role_departments": (acting, "kind role department events flows"),
        "spectrum": (lines, "kind segment step next_step flow quarter begins ends"),
        "rework": ([(k, f"{name} 1", 9, 90, 12, 3.0, 40.0) for k in kinds],
                   "kind step flows reached repeats median_extra_days total_extra_days"),
        "process_facts": ([("CN", 600, 12)], "calendar events unknown_days"),
    }  # fmt: skip
    node_columns = ["kind", "step", "party", "part", "count", "flows", "place", "median_wait_days", "total_wait_days"]
    edge_columns = ["kind", "step", "next_step", "count", "flows", "median_days", "p90_days"]
    return {
        "buying_nodes": pd.DataFrame(nodes, columns=node_columns),
        "directly_follows": pd.DataFrame(edges, columns=edge_columns),
        "flow_durations": durations,
        **{frame: pd.DataFrame(rows, columns=columns.split()) for frame, (rows, columns) in more.items()},
    }


def authority(limit: bool = True) -> tuple[Finding, dict[str, pd.DataFrame]]:
    amount = np.exp(np.linspace(10, 13, 60))
    above = amount > 2e5
    flows = pd.concat(
        pd.DataFrame(
            {
                "segment": s,
                "flow_id": [f"{s}{i}" for i in range(60)],
                "amount": amount / k,
                "approvals": counts,
                "days": 100.0,
            }
        )
        for s, k, counts in (("SMB", 30, 1 + (np.arange(60) % 4 == 0)), ("KA", 1, 6 + above * limit))
    )
    columns = [
        "segment",
        "flows",
        "finished",
        "placed",
        "limit",
        "low",
        "high",
        "round_amount",
        "below",
        "above",
        "p_value",
        "sharpness",
    ]
    nothing = (np.nan,) * 4
    there = (2e5, 1.9e5, np.nan if limit else 2.1e5, np.nan) if limit else nothing
    fits = pd.DataFrame(
        [
            ("SMB", 90, 60, 60, *nothing, 1.25, np.nan, 0.4, np.nan),
            ("KA", 80, 60, 60, *there, 6.0, 7.0, 0.001 if limit else np.nan, 0.9),
        ],
        columns=columns,
    )
    numbers = [
        number("authority_limit", "KA", 2e5, "CNY"), number("limit_approvals", "KA", 1, "approvals"),
        number("limit_jump", "KA", 1, "approvals"), number("limit_p_value", "KA", 0.4, "probability"),
    ]  # fmt: skip
    if limit:
        numbers += [number("limit_days", "KA", 27, "days"), number("limit_step_days", "KA", 23, "days")]
    state, reason = ("supported", "limit_supported_days") if limit else ("undecided", "limit_undecided")
    finding = Finding("M-2.5", "authority_limit", state, reason, tuple(numbers), terms={"step": "board memo"})  # type: ignore[arg-type]
    return finding, {"authority_flows": flows, "authority_fits": fits}


def economic_account() -> tuple[Finding, dict[str, pd.DataFrame]]:
    rows = [(f"F{f}", role, gains, costs, gains - costs) for f in range(5)
            for role, gains, costs in (("owner", 3e5, 2e5), ("user", 4e4, 3.8e4), ("executor", 1e4, 5e4))]  # fmt: skip
    purchases = pd.DataFrame(rows, columns=["flow_id", "role", "gains", "costs", "balance"])
    opponents = pd.DataFrame(
        [
            ("executor", 5, 5, -4e4, 0.999, 0.003, True),
            ("user", 5, 2, 2e3, 0.3, 1.0, False),
            ("owner", 5, 0, 1e5, 0.0, 1.0, False),
        ],
        columns=["role", "purchases", "negative", "balance", "p_negative", "p_adjusted", "opponent"],
    )
    numbers = (
        number("account_total", "all", 6e4, "CNY"),
        *(number("account_balance", r, v, "CNY") for r, v in (("owner", 1e5), ("user", 2e3), ("executor", -4e4))),
    )
    finding = Finding(
        "M-2.1", "economic_account", "contradicted", "account_opponent", numbers, terms={"party": "executor"}
    )
    return finding, {"economic_account": purchases, "opponents": opponents}


def procurement_flow() -> Result:
    library = library_result()
    merge = pd.DataFrame(
        {
            "segment": ["SMB", "SMB", "KA", "KA"],
            "persons": [1, 2, 6, 7],
            "roles": [8] * 4,
            "deals": [30, 10, 8, 9],
            "index": [1, 0.86, 0.29, 0.14],
        }
    )
    flows = pd.DataFrame(
        {"flow_id": range(30), "category": ["domestic"] * 20 + ["international"] * 10, "approve": [1, 2, 3] * 10}
    )
    numbers = (number("role_merge_index", "SMB", 0.96, "index"), number("role_merge_index", "KA", 0.2, "index"))
    findings = [
        Finding("M-2.2", "role_merge", "supported", "merge_supported", numbers),
        Finding(
            "M-2.3",
            "node_kinds",
            "undecided",
            "log_only",
            (number("approve_parties", "domestic", 2.0, "parties"), *parties()[0]),
            needs=("stakeholders.part",),
        ),
    ]
    frames = {**process(), "role_merge": merge, "parties_by_flow": flows, **parties()[1]}
    for made in (authority(), economic_account(), (library.findings[0], library.frames)):
        findings.append(made[0])
        frames |= made[1]
    return result("02_procurement_flow", findings, frames)


def sales_flow(step: str = "budget approval") -> Result:
    curves = []
    for name, segment, share in (("conversion", "SMB", 0.16), ("success", "KA", 0.55)):
        days = np.arange(0, 400, 20.0)
        for cause, part in (("won", share), ("lost", 0.3), ("drifted", 0.1)):
            incidence = part * (1 - np.exp(-days / 80))
            curves.append(pd.DataFrame({
                "cause": cause, "days": days, "at_risk": 100, "incidence": incidence,
                "low": incidence * 0.8, "high": incidence * 1.2,
                "segment": segment, "name": name, "horizon_days": 365,
            }))  # fmt: skip
    steps = ["need raised", step, "owner sign-off" if step == "contract review" else "contract review"]
    relief = [0.4, 8.0, 1.0]
    table = pd.DataFrame({
        "step": steps, "entered": [90, 70, 40], "lost_share": [0.1, 0.3, 0.1], "median_days": [10.0, 12.0, 41.0],
        "relief": relief,
        "low": [0.0, 5.0, 0.0], "high": [1.0, 12.0, 2.5], "p_rank_1": [0.0, 0.95, 0.05], "passing_days": [9.5, 11.0, 42.0],
        "delay": [0.0, 0.0, 1.4], "delay_low": [np.nan, np.nan, 0.5], "delay_high": [np.nan, np.nan, 2.0],
        "sooner": [0.0, 0.0, 30.0], "sooner_low": [np.nan, np.nan, 22.0], "sooner_high": [np.nan, np.nan, 36.0],
    })  # fmt: skip
    items = pd.DataFrame({
        "lane": ["action", "action", "support"], "item": ["value workshop", "memo drafting", "legal"], "item_zh": ["价值研讨", None, "法务"],
        "demanded": True, "judged": [True, False, True], "judges": [2, 0, 1], "level": [0.5, np.nan, 0.9], "low": [0.4, np.nan, np.nan],
        "high": [0.6, np.nan, np.nan], "required": 0.8, "reached": [0.62, np.nan, 1.0], "weight": [0.7, 0.3, 1.0],
        "steps": [step, step, step], "relief": [8.0, 8.0, 8.0],
    })  # fmt: skip
    lanes = pd.DataFrame({
        "lane": ["action", "support"], "fit": [0.62, 1.0], "low": [0.5, np.nan], "high": [0.7, np.nan], "n": [1, 1], "demanded": [2, 1],
        "unjudged": [0.3, 0.0], "absent": [0.43, 1.0], "present": [0.73, 1.0],
    })  # fmt: skip
    shared = items[items["judged"]].assign(
        relief=[6.0, 0.0], low=[4.0, np.nan], high=[8.0, np.nan], lane_relief=[6.0, 0.0], lane_low=[4.0, np.nan],
        lane_high=[8.0, np.nan], p_rank_1=[1.0, 0.0],
    )  # fmt: skip
    closed = pd.DataFrame(
        {
            "group": ["SMB", "KA", "first deal"],
            "value": [0.4, 0.6, 0.2],
            "low": [0.3, 0.5, 0.1],
            "high": [0.5, 0.7, 0.4],
            "n": [90, 30, 12],
        }
    )
    reliefs = tuple(number("relief", s, r, "wins per 100 deals") for s, r in zip(steps, relief, strict=True))
    reliefs += (
        number("fit", "KA", 0.81, "fit"), number("fit_unjudged", "KA", 0.15, "share"), number("fit_if_absent", "KA", 0.7, "fit"),
        number("fit_if_present", "KA", 0.86, "fit"), number("lane_relief", "action", 6.0, "wins per 100 deals"),
    )  # fmt: skip
    terms = {"step": step, "slowest": "contract review", "lane": "action"}
    findings = [
        Finding(
            "M-3.1",
            "conversion",
            "contradicted",
            "conversion_below",
            (number("conversion", "SMB", 0.16, "share", horizon=12),),
        ),
        Finding(
            "M-3.2",
            "success",
            "undecided",
            "success_undecided",
            (number("success", "KA", 0.55, "share", horizon=12), number("seller_overlap", "KA", 0.6, "share")),
        ),
        Finding("M-3.6", "bottleneck", "supported", "bottleneck_found", reliefs, terms=terms),
    ]
    findings.append(sheet_finding())
    for id, mode in (("M-3.3a", "split_chain"), ("M-3.3b", "late_departments"), ("M-3.3c", "key_person_only")):
        pair = (number("mode_share", mode, 0.4, "share"), number("mode_relative_risk", mode, 1.4, "ratio"))
        findings.append(Finding(id, mode, "undecided", "mode_undecided", pair))
    frames = {"incidence": pd.concat(curves), "bottlenecks": table, "closed_won": closed, "fit_items": items, "fit_lanes": lanes,
              "lane_reliefs": shared, **sheet_frames(), **sop(), **alignment(), "steadiness": periods(),
              "loss_modes": pd.DataFrame({"opportunity_id": ["O1"]}), **seller_frames()}  # fmt: skip
    return result("03_sales_flow", findings, frames)


def seller_frames() -> dict[str, pd.DataFrame]:
    """Three sellers with an SMB past and two without."""
    groups = ["smb_past"] * 3 + ["no_smb_past"] * 2
    rates = np.array([0.3, 0.4, 0.5, 0.5, 0.7])
    sellers = pd.DataFrame({"owner": list("abcde"), "group": groups, "deals": [4, 9, 12, 3, 20], "won": [1, 4, 6, 2, 14], "rate": rates,
                            "low": rates - 0.2, "high": rates + 0.2, "past_deals": 9, "tenure_months": 20.0, "level": 0.95})  # fmt: skip
    at = (np.arange(50) + 0.5) / 50
    spread = [
        pd.DataFrame({"group": g, "rate": at, "density": np.exp(-((at - m) ** 2) / 0.02)})
        for g, m in zip(("smb_past", "no_smb_past"), (0.4, 0.6), strict=True)
    ]
    return {"sellers": sellers, "seller_spread": pd.concat(spread)}


def periods() -> pd.DataFrame:
    """Six quarters, one of them beyond its limits."""
    first = pd.date_range("2024-10-01", periods=6, freq="QS")
    return pd.DataFrame({
        "segment": "SMB", "start": first.strftime("%Y-%m-%d"), "until": (first + pd.offsets.QuarterEnd()).strftime("%Y-%m-%d"),
        "deals": 100, "won": [15, 14, 30, 16, 13, 15], "sellers": 9, "share": [0.15, 0.14, 0.30, 0.16, 0.13, 0.15], "centre": 0.15,
        "lower": 0.05, "upper": 0.25, "outside": [False, False, True, False, False, False], "follow_up_days": 181,
    })  # fmt: skip


def path_selection() -> Result:
    cloud = pd.DataFrame({"bottlenecks": [1, 2, 4], "fit": [0.7, 0.72, 0.65], "size": [50, 30, 5]})
    months = np.arange(24)
    ledger = pd.concat(
        pd.DataFrame(
            {
                "path": p,
                "month": months,
                "line": "cumulative",
                "median": k * (months - 8.0) * 1e5 - 1e5,
                "low": k * (months - 14.0) * 1e5 - 1e5,
                "high": k * months * 1e5,
            }
        )
        for k, p in enumerate(("part_time", "split", "rebuild"), start=1)
    )
    inputs = pd.DataFrame(
        {
            "input": ["success", "rebuild.ramp_months"],
            "value": [0.5, 15],
            "low": [0.4, 10],
            "high": [0.6, 22],
            "level": 0.9,
            "unit": "",
            "origin": ["data", "policy"],
        }
    )
    lines = pd.DataFrame(
        [(p, m, m // 12 + 1, line, k * a * (1 + m / 24)) for k, p in enumerate(("part_time", "split", "rebuild"), 1) for m in range(24)
         for line, a in (("sellers", -4e4), ("support", -2e4), ("training", -9e3), ("conflict", -1e3), ("smb_people", -8e3),
                         ("smb_accounts", -3e3), ("first_contracts", 1e5), ("renewals", 2e4))],
        columns=["path", "month", "year", "line", "amount"],
    )  # fmt: skip
    worth = pd.DataFrame({
        "kind": ["study", "study", "input", "input"], "name": ["pilot_team", "closed_deals", "ramp_months", "success"],
        "study": ["pilot_team", "closed_deals"] * 2, "origin": ["both", "data", "policy", "data"], "inputs": [2, 1, 2, 1],
        "evppi": [2e6, 4e5, 1.8e6, 0.0], "low": [1.8e6, 0, 1.5e6, 0], "high": [2.2e6, 9e5, 2.1e6, 2e5], "level": 0.95,
        "share": [0.7, 0.1, 0.6, 0.0], "n": 4096,
    })  # fmt: skip
    pilot = pd.DataFrame(
        {"deals": [5, 10, 20], "evsi": [1e4, 2e4, 3e4], "low": 0.0, "high": 5e4, "level": 0.95, "n": 4096}
    )
    shares = pd.DataFrame({
        "output": "difference", "one": "split", "other": "rebuild", "input": ["ramp_months", "success"], "origin": ["policy", "data"],
        "first": [0.5, 0.3], "first_low": 0.2, "first_high": 0.6, "total": [0.6, 0.4], "total_low": 0.3, "total_high": 0.7,
        "shapley": [0.6, 0.4], "shapley_low": [0.5, -0.02], "shapley_high": [0.7, 0.5], "level": 0.95, "n": 1024,
    })  # fmt: skip
    pairs = [(a, b) for a in ("part_time", "split", "rebuild") for b in ("part_time", "split", "rebuild") if a != b]
    dominance = pd.DataFrame(pairs, columns=["one", "other"]).assign(
        reading=["none", "first", "almost", "none", "second", "none"], first=False, second=False,
        violation=[0.9, 0.0, 0.03, 0.7, 0.3, 0.6], better=0.5, low=0.4, high=0.6, level=0.95, n=4096,
    )  # fmt: skip
    odds = pd.concat(
        pd.DataFrame({"path": p, "share": np.linspace(0.005, 0.995, 99), "npv": np.linspace(-1e6 * k, 4e6 * k, 99)})
        for k, p in enumerate(("part_time", "split", "rebuild"), 1)
    )
    found = {
        "information": worth,
        "pilot_value": pilot,
        "sensitivity": shares,
        "dominance": dominance,
        "path_odds": odds,
    }
    rule = (
        number("bottlenecks", "KA", 2, "steps"),
        number("fit", "KA", 0.7, "fit"),
        *(number("p_rule", p, 0.4, "probability") for p in ("part_time", "split", "rebuild")),
    )
    loss = [number("strategic_loss", p, 9e5, "CNY") for p in ("part_time", "split", "rebuild")]
    findings = [
        Finding("M-4", "path_rule", "undecided", "split", rule),
        Finding(
            "M-4.2",
            "path_split",
            "supported",
            "pays_supported",
            (number("payback_month", "split", 9, "months"), number("payback_month", "rebuild", None, "months")),
        ),
        Finding(
            "M-4.4",
            "strategic_loss",
            "undecided",
            "loss_undecided",
            (
                *loss,
                *(number(n, "all", v, "CNY") for n, v in (("loss_cap", 5e5), ("evpi", 2.6e6), ("waiting_cost", 3e5))),
            ),
            terms={"path": "split", "information": "look", "study": "pilot_team"},
        ),
    ]
    borders = pd.DataFrame(
        [
            ("path.few_bottlenecks", "bottlenecks", 1.5, 0.5, "fewer", 1.0, "split", 0.5, False),
            ("path.some_bottlenecks", "bottlenecks", 3.5, -1.5, "more", 2.0, "rebuild", 0.06, True),
            ("path.high_fit", "fit", 0.8, -0.1, "higher", 0.1, "split", 0.0, False),
            ("path.medium_fit", "fit", 0.6, 0.1, "lower", 0.1, "rebuild", 0.0, False),
        ],
        columns=["border", "axis", "at", "distance", "move", "need", "then", "beyond", "nearest"],
    ).assign(now="split")
    frames = {"rule_cloud": cloud, "rule_borders": borders, "ledger": ledger, "ledger_lines": lines, "inputs": inputs}
    return result("04_path_selection", findings, {**frames, **found, **staging_frames()})


def failure_patterns() -> Result:
    bridge = pd.DataFrame(
        {
            "part": ["new", "carried_on", "on_top", "smb_lost", "net_increment"],
            "value": [8e6, 1e6, 2e6, 1.5e6, 9.5e6],
            "low": [7e6, 5e5, 1e6, -1e6, 6e6],
            "high": [9e6, 2e6, 3e6, 4e6, 13e6],
            "least": [8e6, 1e6, 2e6, 5e5, 8.5e6],
            "most": [8e6, 1e6, 2e6, 2.5e6, 10.5e6],
        }
    )
    months = pd.date_range("2024-06-01", periods=24, freq="MS")
    monthly = pd.concat(
        pd.DataFrame({"month": months, "motion": m, "won": k * 1e5, "deals": 4, "accounts": 3})
        for k, m in enumerate(("SMB", "KA", "channel"), 1)
    )
    made = failure({**STATES, "M-D": "contradicted"}, revenue_bridge=bridge, monthly_revenue=monthly)
    money = (number("moved_share", "KA", 0.27, "share"), number("ka_revenue_new", "KA", 8e6, "CNY"))
    made.findings = [replace(f, numbers=(*f.numbers, *money)) if f.id == "M-D" else f for f in made.findings]
    return made


ALL = {
    r.id: r
    for r in (
        problem_framing(),
        base_assumptions(),
        procurement_flow(),
        sales_flow(),
        path_selection(),
        failure_patterns(),
    )
}
CASES = [(id, spec) for id, specs in FIGURES.items() for spec in specs]
NAMES = [f"{id}.{spec.name}" for id, spec in CASES]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("id", "spec"), CASES, ids=NAMES)
def test_draws_with_units_on_every_axis_and_no_missing_glyph(id: str, spec: figures.FigureSpec, language: str) -> None:
    assert spec in available(ALL[id])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_figure(spec, ALL[id], language, launch=LAUNCH)
        assert figures.figure_bytes(figure, "png").startswith(b"\x89PNG")
    for ax in figure.axes:
        assert any(a.get_xlabel().strip() for a in ax.get_shared_x_axes().get_siblings(ax)), "an x axis without a name"
        assert any(a.get_ylabel().strip() for a in ax.get_shared_y_axes().get_siblings(ax)), "a y axis without a name"
    title = figure_title(spec, ALL[id], language)
    assert title and "{" not in title
    assert figure.get_suptitle().replace("\n", "").replace(" ", "") != ""
    assert title in alt_text(spec, ALL[id], language) and len(alt_text(spec, ALL[id], language)) > len(title) + 20
    assert figures.replaced_characters(figure) == 0


@pytest.mark.parametrize(("id", "spec"), CASES, ids=NAMES)
def test_nothing_hangs_over_the_edge(id: str, spec: figures.FigureSpec) -> None:
    for language in LANGUAGES:
        figure = draw_figure(spec, ALL[id], language, launch=LAUNCH)
        width, height = figure.get_size_inches() * figure.dpi
        texts = list(figure.texts)
        for ax in figure.axes:
            texts += [*ax.texts, ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]  # type: ignore[attr-defined]
        for text in texts:
            if text.get_text().strip():
                box = text.get_window_extent()
                assert box.x0 > -2 and box.y0 > -2 and box.x1 < width + 2 and box.y1 < height + 2, text.get_text()


@pytest.mark.parametrize(("id", "spec"), CASES, ids=NAMES)
def test_same_input_gives_the_same_bytes(id: str, spec: figures.FigureSpec) -> None:
    first, second = (figures.figure_bytes(draw_figure(spec, ALL[id], "zh", launch=LAUNCH), "svg") for _ in range(2))
    assert first == second
    assert b"<dc:date>" not in first


def test_a_figure_is_laid_out_once_and_anew_only_where_it_has_changed() -> None:
    id = "01_base_assumptions"
    one, other = (draw_figure(figures.spec(id, "spend"), ALL[id], "en") for _ in range(2))
    places = [axes.get_position(original=True).bounds for axes in one.axes]
    first = figures.figure_bytes(one, "png")
    figures.figure_bytes(other, "svg")  # which has a resolution of its own
    assert figures.figure_bytes(other, "png") == first == figures.figure_bytes(one, "png")
    assert [axes.get_position(original=True).bounds for axes in one.axes] == places
    one.suptitle("A title\nof\nfour\nlines")  # as an analyst may amend it
    assert figures.figure_bytes(one, "png") != first
    assert one.axes[0].get_position(original=True).y1 < places[0][1] + places[0][3]


def test_threads_draw_the_same_as_one() -> None:
    spec = figures.spec("03_sales_flow", "bottlenecks")
    alone = figures.figure_bytes(draw_figure(spec, ALL["03_sales_flow"], "zh"))
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda _: figures.figure_bytes(draw_figure(spec, ALL["03_sales_flow"], "zh")), range(4))
        )
    assert set(together) == {alone}


def test_the_title_follows_the_state() -> None:
    spec = figures.spec("00_problem_framing", "growth_bridge")
    titles = {
        state: figure_title(spec, problem_framing(state), "en") for state in ("supported", "contradicted", "undecided")
    }
    assert len(set(titles.values())) == 3
    assert all("+20%" in t for t in titles.values())


def test_a_bottleneck_that_is_also_the_slowest_step_is_said_to_be() -> None:
    spec = figures.spec("03_sales_flow", "bottlenecks")
    assert "the slowest step is another" in figure_title(spec, sales_flow(), "en")
    assert "also the slowest step" in figure_title(spec, sales_flow("contract review"), "en")


def test_authority_limit_is_drawn_without_a_limit_too() -> None:
    finding, frames = authority(limit=False)
    made = result("02_procurement_flow", [finding], frames)
    spec = figures.spec(made.id, "authority_limit")
    for language in LANGUAGES:
        figure = draw_figure(spec, made, language)
        assert len(figure.axes) == 2, "no days without a limit"
    drawn = " ".join(t.get_text() for t in draw_figure(spec, made, "en").findobj(Text))  # type: ignore[attr-defined]
    assert "approvals never differ" in drawn and "no limit found (p = 40%)" in drawn


def test_a_likely_opponent_is_named_in_title_and_row() -> None:
    finding, frames = economic_account()
    made = result("02_procurement_flow", [finding], frames)
    spec = figures.spec(made.id, "economic_account")
    assert "“executor”, who has reason to oppose" in figure_title(spec, made, "en")
    drawn = [t.get_text() for t in draw_figure(spec, made, "en").findobj(Text)]  # type: ignore[attr-defined]
    assert "−40K: likely opponent" in drawn and "below zero: 30%" in drawn


def test_a_title_without_its_finding_is_plain() -> None:
    bare = result("01_base_assumptions", [], ALL["01_base_assumptions"].frames)
    assert figure_title(figures.spec(bare.id, "survival"), bare, "en") == "How long customers stay"


def test_own_texts_need_no_placeholder() -> None:
    for language in LANGUAGES:
        for key, text in catalogue(language).items():
            assert not missing_in(text), f"{key} ({language})"


def test_a_missing_glyph_in_our_own_text_fails() -> None:
    with styled():
        figure = Figure()
        figure.text(0.5, 0.5, f"大客户{RARE}")
        with pytest.raises(MissingGlyph, match="U\\+9F98"):
            refuse_missing(figure)


def test_a_rare_character_of_a_name_is_drawn_as_a_box_and_counted() -> None:
    assert replaced(f"{RARE}科技") == ("□科技", 1)
    step = f"{RARE}{RARE} review"
    figure = draw_figure(figures.spec("03_sales_flow", "bottlenecks"), sales_flow(step), "zh")
    drawn = " ".join(t.get_text() for t in figure.findobj(Text))  # type: ignore[attr-defined]
    assert "□□ review" in drawn and RARE not in drawn
    assert figures.replaced_characters(figure) >= 2
    assert str(figures.replaced_characters(figure)) in figure.get_supxlabel()


def test_names_with_dollars_and_brackets_are_drawn_as_they_are() -> None:
    figure = draw_figure(figures.spec("03_sales_flow", "bottlenecks"), sales_flow(r"$10k_{x}$ {gate}"), "en")
    assert any("$10k_{x}$ {gate}" in t.get_text() for t in figure.findobj(Text))  # type: ignore[attr-defined]


def test_an_empty_or_absent_frame_is_not_available() -> None:
    full = ALL["03_sales_flow"]
    some = result(
        full.id,
        full.findings,
        {"incidence": full.frames["incidence"].head(0), "bottlenecks": full.frames["bottlenecks"]},
    )
    assert [s.name for s in available(some)] == ["bottlenecks"]
    assert available(result("unknown", [], {})) == []


def test_save_writes_both_formats_and_leaves_nothing_else(tmp_path: Path) -> None:
    figure = draw_figure(figures.spec("01_base_assumptions", "spend"), ALL["01_base_assumptions"], "en")
    svg, png = save_figure(figure, tmp_path / "deep" / "spend.en")
    assert (svg.name, png.name) == ("spend.en.svg", "spend.en.png")
    assert sorted(p.name for p in svg.parent.iterdir()) == ["spend.en.png", "spend.en.svg"]
    with pytest.raises(ValueError, match="svg, png"):
        figures.figure_bytes(figure, "pdf")


def test_a_long_process_keeps_its_boxes_apart() -> None:
    frames = process(("domestic", "international"), steps=40, name="Declaration finally approved by supervisor")
    made = result("02_procurement_flow", [], frames)
    nodes, edges = frames["buying_nodes"], frames["directly_follows"]
    shown = choose(nodes[nodes["kind"] == "domestic"], edges[edges["kind"] == "domestic"])
    assert len(shown.nodes) == 25 and 0 < shown.share_of_moves < 1
    spec = figures.spec(made.id, "directly_follows")
    boxes, _, _ = _boxes(shown, _scene(spec, made, words("en"), None, None), shown.width)
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            apart = abs(a.x - b.x) >= a.half_w + b.half_w or abs(a.y - b.y) >= a.half_h + b.half_h
            assert apart, (a.step, b.step)
    for language in LANGUAGES:
        figure = draw_figure(spec, made, language)
        assert "25" in figure.get_supxlabel() and "40" in figure.get_supxlabel()


def test_arrows_are_back_where_most_moves_return_and_steps_that_come_again_are_marked() -> None:
    frames = process(("KA",))
    edges = frames["directly_follows"]
    frames["directly_follows"] = edges.assign(returns=np.where(edges["next_step"] == "step 1", edges["count"], 0))
    figure = draw_figure(
        figures.spec("02_procurement_flow", "directly_follows"), result("02_procurement_flow", [], frames), "en"
    )
    dashed = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch) and p.get_linestyle() == "--"]
    arrows = sum(isinstance(p, FancyArrowPatch) for p in figure.axes[0].patches)
    into = int((edges["next_step"] == "step 1").sum())
    assert 0 < len(dashed) <= into < arrows
    marks = [t.get_text() for t in figure.axes[0].texts if t.get_text().startswith("↻")]
    assert marks == ["↻\u00a010%"], "9 of 90 flows"


def test_durations_that_no_half_of_the_flows_has_reached_are_said_to_be_open() -> None:
    frames = process(("KA",))
    lost = {"median_days": np.nan, "low": 20.0, "high": np.nan, "p90_days": np.nan}
    made = result("02_procurement_flow", [], {"flow_durations": frames["flow_durations"].assign(**lost)})
    spec = figures.spec(made.id, "flow_durations")
    assert "no median yet" in figure_title(spec, made, "en")
    assert any("not reached" in t.get_text() for t in draw_figure(spec, made, "en").axes[0].texts)


def test_roles_without_departments_of_their_own_are_not_drawn() -> None:
    spec = figures.spec("02_procurement_flow", "role_departments")
    frames = process(("KA",))
    assert spec in available(result("02_procurement_flow", [], frames))
    same = frames["role_departments"].assign(department=frames["role_departments"]["role"])
    assert spec not in available(result("02_procurement_flow", [], {**frames, "role_departments": same}))


def test_without_segments_one_panel_is_enough() -> None:
    curve = ALL["03_sales_flow"].frames["incidence"].query("name == 'success'").assign(segment="all")
    both = pd.concat([curve, curve.assign(name="conversion")])
    rate = number("conversion", "all", 0.5, "share", horizon=12)
    finding = Finding("M-3.1", "conversion", "no_data", "no_segments", (rate,), needs=("accounts.segment",))
    made = result("03_sales_flow", [finding], {"incidence": both})
    spec = figures.spec(made.id, "incidence")
    assert len(draw_figure(spec, made, "en").axes) == 1
    assert figure_title(spec, made, "en").startswith("50%")


def test_spread_keeps_order_gap_and_limits() -> None:
    placed = spread([0.5, 0.5, 0.1, 0.98], 0.1, 0.0, 1.0)
    assert sorted(range(4), key=lambda i: placed[i]) == [2, 0, 1, 3]
    assert min(np.diff(sorted(placed))) >= 0.1 - 1e-9
    assert min(placed) >= 0 and max(placed) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "风控与审计部门需要在合同评审之前完成检查，再由财务付款。",
        "Declaration FINAL_APPROVED by SUPERVISOR",
        "averyverylongwordwithoutanybreaks" * 2,
    ],
)
def test_wrap_fits_and_loses_nothing(text: str) -> None:
    lines = wrap(text, 10).split("\n")
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(text_width(line) <= 12.5 for line in lines)
    assert all(line[0] not in "，。、" for line in lines)
    assert wrap(text, 10, 1).endswith("…")


def test_figure_texts_have_the_same_keys_and_places_in_both_languages() -> None:
    def flat(language: str) -> dict[str, dict[str, str]]:
        return tomllib.loads((PACKAGE / "text" / f"{language}.figures.toml").read_text(encoding="utf-8"))["figures"]

    en, zh = flat("en"), flat("zh")
    assert {k: list(v) for k, v in en.items()} == {k: list(v) for k, v in zh.items()}
    for figure, texts in en.items():
        for key, text in texts.items():
            assert sorted(set(re.findall(r"\{[^}]*\}", text))) == sorted(
                set(re.findall(r"\{[^}]*\}", zh[figure][key]))
            ), f"{figure}.{key}"


def test_lifetimes_of_too_few_are_not_drawn() -> None:
    """A young programme: at no time are five customers of any segment followed."""
    frame = pd.DataFrame({"segment": "KA", "months": [0.0, 3.0], "at_risk": [4, 2], "survival": [1.0, 0.5], "low": [1.0, 0.1],
                          "high": [1.0, 0.9], "entered": [4, 0]})  # fmt: skip
    result = Result("01_base_assumptions", "d", "p", "2025-01-01", [], {"survival": frame})
    assert "survival" not in [s.name for s in available(result)]
    assert "survival" in [s.name for s in available(replace(result, frames={"survival": frame.assign(at_risk=[5, 2])}))]
