"""Hand-made results, small, for the tests of figures."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from kaanalysis.analyses.continuation_replay import replay
from kaanalysis.analyses.continuation_rule import boundary_frame, characteristic_frame, compared, rule_frame, rule_of
from kaanalysis.analyses.sales_sheet import demanded
from kaanalysis.policy import load_policy
from kaanalysis.results import Finding, Number, Result
from kaanalysis.sales_sheets import FACTS, NODE
from kaanalysis.selling import catalogue


def number(
    name: str, segment: str, value: float | None, unit: str, n: int = 40, horizon: float | None = None
) -> Number:
    low, high = (None, None) if value is None else (value - abs(value) * 0.2 - 0.01, value + abs(value) * 0.2 + 0.01)
    return Number(name, segment, value, low, high, 0.95, n, unit, "by hand", horizon)


def result(id: str, findings: list[Finding], frames: dict[str, pd.DataFrame]) -> Result:
    return Result(id, "data", "policy", "2026-06-30", findings, frames)


def around(rows: list[tuple[object, ...]], columns: list[str], value: str = "value") -> pd.DataFrame:
    """A frame of `rows` with low and high a fifth around `value`."""
    frame = pd.DataFrame(rows, columns=columns)
    reach = frame[value].abs() * 0.2
    return frame.assign(low=frame[value] - reach, high=frame[value] + reach)


def bridge() -> tuple[tuple[Number, ...], pd.DataFrame]:
    values = {
        "customers": 30e4, "deals_per_customer": -5e4, "price": 15e4, "new": 90e4, "retained": 10e4,
        "not_repeated": -60e4, "still_under_contract": -40e4, "gone": -20e4, "revenue_before": 200e4, "revenue_now": 240e4,
    }  # fmt: skip
    scale = {"SMB": 0.6, "KA": 0.3, "all": 1.0}  # a tenth belongs to no segment
    numbers = [number(p, s, v * k, "CNY") for s, k in scale.items() for p, v in values.items()]
    numbers += [number("growth_rate", s, 0.2, "share per period") for s in scale]
    frame = pd.DataFrame([(n.segment, n.name, n.value, n.low, n.high, n.n) for n in numbers])
    frame.columns = pd.Index(["segment", "part", "value", "low", "high", "n"])
    return tuple(numbers), frame


def growth_by(industries: tuple[str, ...] = ("retail", "finance", "logistics")) -> pd.DataFrame:
    parts = {
        "new": 9e5,
        "retained": 1e5,
        "not_repeated": -6e5,
        "change": 4e5,
        "revenue_before": 2e6,
        "revenue_now": 2.4e6,
    }
    rows = [
        (dimension, group, part, value / (place + 1), 12)
        for dimension, groups in (("industry", industries), ("region", ("east", "")))
        for place, group in enumerate(groups)
        for part, value in parts.items()
    ]
    return around(rows, ["dimension", "group", "part", "value", "n"])


def penetration() -> pd.DataFrame:
    rows = [
        (segment, industry, known, known - 3, int(known * share), share, 1e6)
        for segment, share in (("SMB", 0.1), ("KA", 0.5), ("all", 0.15))
        for industry, known in (("retail", 240), ("finance", 60))
    ]
    return around(rows, ["segment", "industry", "known", "worked", "customers", "share", "won"], "share")


def retention() -> pd.DataFrame:
    rows = []
    for segment, kept in (("SMB", 0.6), ("KA", 0.9), ("all", 0.8)):
        for measure, more in (("gross_revenue_retention", 1.0), ("net_revenue_retention", 1.4)):
            rows += [
                (segment, cohort, measure, kept * more, n, n + 2)
                for cohort, n in (("all", 40), ("2023", 25), ("2024", 3))
            ]
    return around(rows, ["segment", "cohort", "measure", "value", "n", "accounts"])


def heads() -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [(f"team {t}", "SMB", y, 5.0, 1e5, 2e4, 4e5 * (1 + 0.1 * y + t)) for t in range(3) for y in range(-3, 1)]
    rows += [("team 2", "SMB", -4, 5.0, 1e5, 2e4, 0.0), ("big", "KA", 0, 4.0, 4e5, 2e5, 8e6)]
    years = pd.DataFrame(rows, columns=["team", "motion", "year", "heads", "cost", "support_cost", "bookings"])
    chain = [("SMB", k, v) for k, v in (("seller", 5e4), ("manager", 1e4), ("training", 1e4), ("support", 8e3))]
    chain += [("KA", "seller", 4e5), ("KA", "support", 2e5)]
    return (
        years.assign(per_head=years["bookings"] / years["heads"]),
        pd.DataFrame(chain, columns=["motion", "link", "cost_per_head"]),
    )


def problem_framing(state: str = "supported") -> Result:
    numbers, frame = bridge()
    ranking = around(
        [("M-0.2", state, 5e5, 0.7), ("M-0.1", state, 2e5, 0.29), ("M-0.4", "contradicted", -6e6, 0.01)],
        ["statement", "state", "shortfall", "p_first"],
        "shortfall",
    ).assign(level=[0.99, 0.95, 0.95], counted=[3e5, 2e5, -6e6])
    nobody = pd.DataFrame([{"statement": "none", "p_first": 0.0}]).reindex(columns=ranking.columns)
    ranking = pd.concat([ranking, nobody.astype(ranking.dtypes.to_dict())], ignore_index=True)
    growth = number("revenue_per_head_growth", "SMB", -0.05, "share per year")
    costs = tuple(number("cost_of_growth", s, v, "currency per currency") for s, v in (("SMB", 1.2), ("KA", 0.4)))
    gap = (
        number("industry_gap", "retail", 0.08, "share difference"),
        number("industry_gap_key_accounts", "finance", 0.2, "share difference"),
        number("shortfall", "M-0.2", 5e5, "CNY"),
    )
    days = {
        "earlier_from": "2024-07-01",
        "earlier_until": "2025-06-30",
        "later_from": "2025-07-01",
        "later_until": "2026-06-30",
    }
    named = {"industry": "retail", "industry_key_accounts": "finance", "key_accounts": "shown"}
    findings = [
        Finding("M-0", "growth_by_heads", state, f"heads_{state}", (growth, *costs)),  # type: ignore[arg-type]
        Finding("M-0.1", "base_stalled", state, f"base_{state}", numbers, terms={"segment": "SMB", **days}),  # type: ignore[arg-type]
        Finding("M-0.2", "industry_behind", state, f"industry_{state}", gap, terms=named),  # type: ignore[arg-type]
        Finding("M-0.3", "leading_behind", "no_data", "missing", needs=("accounts.ranked_on",)),
    ]
    years, chain = heads()
    frames = {
        "growth_bridge": frame, "problem_ranking": ranking, "growth_by": growth_by(), "penetration": penetration(),
        "retention": retention(), "head_years": years, "chain_cost": chain,
    }  # fmt: skip
    return result("00_problem_framing", findings, frames)


STATEMENTS = (
    ("M-1.1", "SMB", "many", "accounts_estimated", "SMB", 9000, "accounts", 2000),
    ("M-1.1", "KA", "few", "accounts_estimated", "KA", 300, "accounts", 1000),
    ("M-1.2", "SMB", "short", "rmst", "SMB", 18, "months", 24),
    ("M-1.2", "KA", "long", "rmst", "KA", 30, "months", 24),
    ("M-1.3", "SMB", "generic", "custom_share", "SMB", 0.07, "share", 0.2),
    ("M-1.3", "KA", "individual", "custom_share", "KA", 0.4, "share", 0.2),
    ("M-1.4", "SMB", "varied", "spend_dispersion", "SMB", 1.2, "log units", 0.8),
    ("M-1.4", "KA", "well_paying", "spend_ratio", "KA-SMB", 20, "ratio", 2),
)


def statements(state: str = "supported") -> pd.DataFrame:
    rows = [(a, s, k, state, n, o, v, 0.95, 40, u, f"policy.{k}", float(m)) for a, s, k, n, o, v, u, m in STATEMENTS]
    columns = ["axis", "segment", "statement", "state", "number", "of", "value", "level", "n", "unit", "policy", "now"]
    return around(rows, columns).assign(flip_at=np.nan, flip_to=None)  # type: ignore[arg-type]


def looks() -> pd.DataFrame:
    kinds = [("SMB", "SMB", "SMB", "SMB")] * 12 + [("KA", "SMB", None, "SMB")] * 5 + [("SMB", None, None, None)] * 3
    rows = [(f"a{i}", f"a{i}", "SMB", *k) for i, k in enumerate(kinds)]
    rows += [(f"k{i}", f"k{i}", "KA", None, "KA", "KA" if i % 3 else "SMB", "KA") for i in range(9)]
    return pd.DataFrame(rows, columns=["account_id", "cluster", "segment", "stay", "needs", "pay", "size"])


def personas() -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = []
    for i in range(30):
        persona = (None, "M-1.5a", "M-1.5b", "M-1.5c", "M-1.5d")[i % 5]
        reach = (None, "global", "national", "regional", "local")[i % 5]
        rows.append(
            (f"a{i}", persona, None if persona else "M-1.5c", 1e6 * 1.4**i, reach, i % 2 == 0, i % 7 == 0, 1e4 * i)
        )
    columns = ["account_id", "persona", "borderline", "annual_revenue", "reach", "customer", "inside", "spend"]
    table = [(i, p, 4, 2e5, "customer") for i in (False, True) for p in (False, True)]
    table += [(None, p, n, 0.0, kind) for kind, n in (("earlier", 7), ("prospect", 9)) for p in (False, True)]
    cells = pd.DataFrame(table, columns=["inside", "persona", "accounts", "spend", "kind"]).astype(
        {"inside": "boolean"}
    )
    return pd.DataFrame(rows, columns=columns).assign(segment="KA"), cells


def definitions() -> pd.DataFrame:
    rows = [
        (d, d, f, "key", "undecided" if (d, f) == ("size", "M-1.4") else "supported", 40, 9, d == "label")
        for d in ("label", "size", "persona")
        for f in ("M-1", "M-1.1", "M-1.2", "M-1.3", "M-1.4")
    ]
    rows.append(("label", "label", "M-1.5c", "persona_regional", "supported", 40, 9, True))
    frame = pd.DataFrame(rows, columns=["definition", "version", "finding", "key", "state", "n_smb", "n_ka", "used"])
    return frame.assign(same_as=frame["definition"].map({"persona": "label"}).astype("string"))


def base_assumptions(state: str = "supported") -> Result:
    curves = []
    for segment, rate in (("SMB", 0.05), ("KA", 0.01)):
        months = np.arange(0, 60, 3.0)
        survival = np.exp(-rate * months)
        curves.append(pd.DataFrame({
            "months": months, "at_risk": np.linspace(60, 6, len(months)).astype(int),
            "entered": [60] + [0] * (len(months) - 1),
            "survival": survival, "low": survival * 0.9, "high": np.minimum(1, survival * 1.1), "segment": segment,
        }))  # fmt: skip
    spend = pd.DataFrame(
        {"segment": ["SMB"] * 20 + ["KA"] * 12, "spend": [*np.geomspace(1e3, 1e5, 20), *np.geomspace(1e5, 1e6, 12)]}
    )
    units = np.linspace(0, 1, 30)
    lorenz = pd.concat(
        pd.DataFrame({"units": units, "held": units**k, "segment": s}) for s, k in (("SMB", 4), ("KA", 2))
    )
    market = pd.DataFrame(
        [("SMB", 1300, 1280, 34, 14), ("KA", 160, 120, 67, 27)],
        columns=["segment", "known", "worked", "listed", "both"],
    )
    mix = pd.DataFrame(
        [(s, p, v) for s in ("SMB", "KA") for p, v in (("base", 0.6), ("travel", 0.3), ("training", 0.1))],
        columns=["segment", "product", "share"],
    )
    stay = (
        number("rmst_difference", "KA-SMB", 12.3, "months", horizon=36),
        *(number("followed_at_horizon", s, n, "customers") for s, n in (("SMB", 30), ("KA", 6))),
    )
    pay = (
        number("spend_median", "SMB", 1e4, "CNY"),
        number("spend_median", "KA", 3e5, "CNY"),
        number("spend_ratio", "KA-SMB", 30.0, "ratio"),
    )
    many = [
        number(name, s, value, unit)
        for s, k in (("SMB", 1.0), ("KA", 0.1), ("all", 1.1))
        for name, value, unit in (
            ("accounts_known", 1300 * k, "accounts"),
            ("accounts_estimated", 9000 * k, "accounts"),
            ("accounts_on_both_lists", 14 * k, "accounts"),
            ("gini", 0.5, "index"),
            ("top10_share", 0.3, "share"),
        )
    ]
    need = [
        *(number(name, s, v, unit) for s, v in (("SMB", 0.05), ("KA", 0.4)) for name, unit in (("need_distance", "bits"), ("custom_share", "share"))),
        number("need_distance_difference", "KA-SMB", 0.35, "bits"),
    ]  # fmt: skip
    shares = (("mixed_share", 0.3), ("mixed_share_three_axes", 0.35))
    mixed = tuple(number(name, s, v, "share") for name, v in shares for s in ("SMB", "KA", "all"))
    findings = [
        Finding("M-1", "two_businesses", state, f"overlap_{state}", mixed),  # type: ignore[arg-type]
        Finding("M-1.1", "potential_customers", state, "market_supported", tuple(many)),  # type: ignore[arg-type]
        Finding("M-1.2", "lifecycle", "supported", "lifecycle_supported", stay),
        Finding("M-1.3", "needs", state, f"needs_{state}", tuple(need)),  # type: ignore[arg-type]
        Finding("M-1.4", "willingness_to_pay", "contradicted", "spend_evenness_contradicted", pay),
    ]
    people, table = personas()
    frames = {
        "survival": pd.concat(curves), "spend": spend, "lorenz": lorenz, "market": market, "product_mix": mix,
        "looks": looks(), "personas": people, "inside_outside": table, "statements": statements(state),
        "definitions": definitions(),
    }  # fmt: skip
    return result("01_base_assumptions", findings, frames)


def parties() -> tuple[tuple[Number, ...], dict[str, pd.DataFrame]]:
    """What 02 says of parties: the alarm's numbers; frames of sums, merged deals, parts, unseen parties and the alarm by role."""
    columns = ["segment", "kind", "value", "n", "level"]
    kinds = ("any", "compare_offers", "discount", "extras", "value_case")
    sums = [
        (s, k, share * (0.9 - 0.1 * i), 80, 0.95) for s, share in (("SMB", 0.4), ("KA", 1)) for i, k in enumerate(kinds)
    ]
    parts = (
        "approve_parties",
        "inform_parties",
        "influence_parties",
        "key_persons",
        "key_opinion_persons",
        "parties_unmet",
    )
    ways = [(s, k, most - i, 80, 0.95) for s, most in (("SMB", 6.0), ("KA", 11.0)) for i, k in enumerate(parts)]
    names = ("merge_win_difference", "merge_win_difference_early", "merge_cycle_ratio")
    outcome = [(s, name, v, 60, 0.95, unit) for s in ("SMB", "KA")
               for name, v, unit in zip(names, (-0.08, np.nan, 1.1), ("share difference",) * 2 + ("ratio",), strict=True)]  # fmt: skip
    unseen = pd.DataFrame({"account_id": ["A1", "A2", "A3"], "name": ["甲 (样例)", None, "C$"], "deals": [4, 3, 2], "found": [10, 9, 8],
                           "estimated": [13.5, 10.0, 8.0], "low": [11.0, 9.1, 8.0], "high": [60.0, 14.0, 9.0]})  # fmt: skip
    alarm = pd.DataFrame({"role": ["owner", "legal", "auditor"], "needed": [12, 5, 0], "caught": [11, 5, 0],
                          "alarmed": [9, 6, 2], "false": [0, 1, 2]})  # fmt: skip
    numbers = (number("alarm_recall", "KA", 0.8, "share"), number("alarm_false", "KA", 0.1, "share"),
               Number("parties_missing", "KA", 7, None, None, None, 12, "parties", "by hand"))  # fmt: skip
    return numbers, {
        "reckoning": around(sums, columns),
        "parties_by_part": around(ways, columns),
        "merge_outcome": around(outcome, ["segment", "number", "value", "n", "level", "unit"]),
        "unseen_parties": unseen,
        "alarm_by_role": alarm,
    }


CELL = ["category", "industry", "size_band"]


def library_cells(
    categories: int = 2, industries: int = 3, bands: tuple[str, ...] = ("100-999", "5000+")
) -> pd.DataFrame:
    cells = list(itertools.product([f"c{i}" for i in range(categories)], [f"i{i}" for i in range(industries)], bands))
    frame = pd.DataFrame(cells, columns=CELL)
    n = np.arange(len(frame))
    return frame.assign(
        accounts=1 + n % 7, weight=1 / len(frame), flows=n % 4, answered=np.maximum(n % 4 - 1, 0), parties=8.0 + n % 2, parties_low=7.0,
        parties_high=11.0, parties_raw=np.where(n % 4 > 0, 8.5, np.nan), parties_weight=0.1 * (n % 4),
    )  # fmt: skip


def library_result(
    frame: pd.DataFrame | None = None, reason: str = "library_supported", state: str = "supported"
) -> Result:
    frame = library_cells() if frame is None else frame
    order = frame[CELL].head(3).assign(gain=[0.2, 0.1, 0.05], first=[0.6, 0.3, 0.1], rank=[1, 2, 3], draws=100)
    pairs = pd.DataFrame(
        [("within", 0.8, 12), ("within", 1.0, 30), ("between", 0.2, 50), ("between", 0.6, 70)],
        columns=["kind", "similarity", "pairs"],
    )
    numbers = tuple(
        number(f"flow_similarity_{k}", "all", v, "index")
        for k, v in (("within", 0.9), ("between", 0.5), ("difference", 0.4))
    )
    finding = Finding("M-2.6", "flow_library", state, reason, numbers)  # type: ignore[arg-type]
    return result(
        "02_procurement_flow", [finding], {"library": frame, "library_next": order, "library_similarity": pairs}
    )


def alignment(reading: str = "persons") -> dict[str, pd.DataFrame]:
    """Three steps, one of them with two roles: nobody is late at the first, most are at the last."""
    nodes = [
        ("need raised", "user"),
        ("budget approval", "finance"),
        ("budget approval", "legal"),
        ("owner sign-off", ""),
    ]
    states = {
        "persons": [(40, 0, 2), (25, 5, 8), (20, 2, 0), (4, 20, 6)],
        "stages": [(42, 0, 0), (38, 0, 0), (22, 0, 0), (0, 0, 30)],
    }
    counts = [
        (r, *node, "board", "approve", place, *states[r][place], 3, 0, 0)
        for r in dict.fromkeys([reading, *states])
        for place, node in enumerate(nodes)
    ]
    columns = [
        "reading",
        "step",
        "role",
        "department",
        "part",
        "place",
        "covered",
        "late",
        "missing",
        "censored",
        "no_role",
        "unrecorded",
    ]
    shares = around([(*node, "board", "approve", p, 42, states[reading][p][0] / sum(states[reading][p]), "undecided")
                     for p, node in enumerate(nodes)], ["step", "role", "department", "part", "place", "n", "value", "state"])  # fmt: skip
    shares["late"] = [late / sum((a, late, b)) for a, late, b in states[reading]]
    timing = [(*node, 42, 0.9, 12.0 * p, *(np.array([-60, -30, -12, -3, 9]) + 9 * p)) for p, node in enumerate(nodes)]
    named = ["step", "role", "n", "met", "length", "q05", "q25", "q50", "q75", "q95"]
    return {"alignment": pd.DataFrame(counts, columns=columns), "alignment_shares": shares,
            "alignment_timing": pd.DataFrame(timing, columns=named)}  # fmt: skip


def sop(departures: bool = True) -> dict[str, pd.DataFrame]:
    """Four sellers, the last of whom complies far less than chance would make him; or all deals comply."""
    deals, compliant = [120, 80, 60, 90], [110, 72, 55, 45] if departures else [120, 80, 60, 90]
    share = sum(compliant) / sum(deals)
    sellers = pd.DataFrame({"owner": [f"seller {i}" for i in range(4)], "deals": deals, "compliant": compliant})
    sellers["share"] = sellers["compliant"] / sellers["deals"]
    sellers["shrunk"] = 0.8 * sellers["share"] + 0.2 * share
    sellers = sellers.assign(low=sellers["shrunk"] - 0.05, high=(sellers["shrunk"] + 0.05).clip(upper=1))
    whole = pd.DataFrame([("lead > demo > close", "commonest", sum(deals), share, share - 0.04, min(share + 0.04, 1.0))],
                         columns=["standard", "source", "deals", "value", "low", "high"])  # fmt: skip
    kinds = [
        ("skipped", "demo", 40, 38),
        ("returned", "lead", 20, 18),
        ("repeated", "demo", 9, 9),
        ("outside", "pilot", 4, 4),
    ]
    named = pd.DataFrame(kinds, columns=["kind", "stage", "times", "deals"]).assign(
        share=lambda f: f["deals"] / sum(deals)
    )
    return {"sop": whole, "sop_sellers": sellers} | ({"sop_deviations": named} if departures else {})


STEPS = (
    ("need raised", "user", "do"), ("supplier shortlist", "procurement", "do"), ("requirements review", "technology", "approve"),
    ("value case", "manager", "approve"), ("risk and audit check", "risk_audit", "approve"), ("budget approval", "finance", "approve"),
    ("administration informed", "administration", "inform"), ("board memo", "investor", "approve"),
    ("neighbouring head watches", "executor", "influence"), ("contract review", "legal", "approve"), ("owner sign-off", "owner", "approve"),
)  # fmt: skip


def sheet_frames(count: int = 11, coverage: bool = True, late: bool = False) -> dict[str, pd.DataFrame]:
    """A blank sheet of so many nodes with what selling does at them, as analyses/sheet_coverage.py makes it."""
    rows = [
        (n + 1, STEPS[n % 11][0] + (f" {n // 11 + 1}" if n >= 11 else ""), STEPS[n % 11][1], "a department", STEPS[n % 11][2],
         n % 11 == 7, 0.2 if n % 11 == 7 else 0.99, 0.1, 1.0, 133.0)
        for n in range(count)
    ]  # fmt: skip
    nodes = pd.DataFrame(rows, columns=[*NODE, *FACTS])
    sheet = demanded(nodes, catalogue())
    if coverage:
        share = np.linspace(0.2, 1.0, count) * (0.7 if late else 1.0)
        nodes = nodes.assign(coverage=share, coverage_low=share - 0.1, coverage_high=share, deals=100)
        if late:
            nodes = nodes.assign(late=0.25)
    orphans = pd.DataFrame(
        [("customer", "node", None, "need raised", "need raised", "need raised", 0.2, 0.1, 0.3, 100),
         ("seller", "activity", None, "call", "call", "call", np.nan, np.nan, np.nan, 40),
         ("seller", "capability", "support", "astrology", "astrology", "占星", np.nan, np.nan, np.nan, 2)],
        columns=["side", "kind", "lane", "name", "name_en", "name_zh", "share", "low", "high", "n"],
    )  # fmt: skip
    return {"sales_sheet": sheet, "sales_sheet_nodes": nodes, "sheet_orphans": orphans}


def sheet_finding(count: int = 11, reason: str = "sheet_uncovered", saved: bool = False) -> Finding:
    state = {"sheet_uncovered": "contradicted", "sheet_covered": "supported", "only_drawn": "no_data"}.get(
        reason, "undecided"
    )
    numbers = (number("steps", "KA", count, "steps"), number("steps_uncovered", "KA", 4, "steps"))
    terms = {"step": "need raised", "sheet": "saved" if saved else "generated", "cell": "all"}
    kept = numbers[:1] if reason == "only_drawn" else numbers
    needs = ("activities.person_id",) if state == "no_data" else ()
    return Finding("M-3.5", "sales_sheet", state, reason, kept, needs=needs, terms=terms)  # type: ignore[arg-type]


def staging_frames(decided: int = 40, won: tuple[int, ...] = (1, 3)) -> dict[str, pd.DataFrame]:
    """The rule and its replay on projects opened a week apart, of which those are won (place modulo 4), late; and a stage worth looking at."""
    policy = load_policy()
    rule = rule_of(policy)
    assert rule is not None
    rules = compared(rule, policy)
    opened = pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * np.arange(decided), unit="D")
    wins = np.isin(np.arange(decided) % 4, won)
    closed = opened + pd.to_timedelta(np.where(wins, 200, 40), unit="D")
    made = pd.DataFrame(
        {
            "opportunity_id": [f"O{i}" for i in range(decided)],
            "opened": opened,
            "closed": closed,
            "won": wins,
            "days": 0,
        }
    )
    names = ["nothing", "part_time", "split", "rebuild", "rule", "wins", "best_by_wins", "hindsight"]
    kinds = ["commit"] * 4 + ["staged"] * 3 + ["limit"]
    staged = around(
        [(n, k, 1e6 * i) for i, (n, k) in enumerate(zip(names, kinds, strict=True))],
        ["strategy", "kind", "mean"],
        "mean",
    )
    staged = staged.assign(error=1e4, p_gain=0.9, regret=1e5, p_split=0.4, p_stop=0.1, month=18.0, own_horizon=staged["mean"],
                           own_horizon_error=1e4)  # fmt: skip
    actions = [
        (w, w + (w > 4), 0.2, a, (w - 3) * k * 1e6)
        for w in range(0, 10, 2)
        for a, k in (("stay", 0.5), ("split", 1), ("stop", 0.2))
    ]
    seen = around(actions, ["wins", "wins_to", "probability", "action", "mean"], "mean")
    months = pd.DataFrame(
        {
            "stage": ["first", "total", "decision"],
            "projects": [10.0, 27, 18.5],
            "months": [14.0, 21, 18],
            "within": 0.97,
        }
    )
    return {
        "continuation_rule": rule_frame(rule, rules), "rule_boundaries": boundary_frame(rule),
        "rule_characteristic": characteristic_frame(rules), "staged": staged,
        "continuation_replay": replay(made, rule, closed.max().date()), "rule_months": months,
        "staged_wins": seen.assign(best=seen.groupby("wins")["mean"].transform("max") == seen["mean"]),
    }  # fmt: skip
