"""M-2.6: cells, coverage and the verdict on companies whose flows are written by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest

from kaanalysis.analyses.flow_library import find, judge
from kaanalysis.analyses.library_cells import band_limits, demand
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

Open = Callable[..., Company]
PATHS = {
    "retail": ["user/do", "manager/approve", "finance/approve"],
    "finance": ["procurement/do", "risk_audit/approve", "legal/approve", "owner/approve"],
}


def logged(
    customers: int,
    path: Callable[[int, int], list[str]],
    months: int = 60,
    industries: tuple[str, ...] = ("retail", "finance"),
) -> dict[str, str]:
    """One won deal and its log per customer; path(customer, month) gives the parties; months: how far back they are spread."""
    accounts, deals, steps = "account_id,segment,industry,employees\n", "opportunity_id,account_id,outcome,category,amount\n", (
        "flow_id,step,part,role,opportunity_id,category,industry,size_band,at,source\n"
    )  # fmt: skip
    for i in range(customers):
        industry, month = industries[i % len(industries)], (i * 7) % months
        accounts += f"A{i},KA,{industry},{6000 if i % 3 else 2000}\n"
        deals += f"O{i},A{i},won,crm,100\n"
        day = dt.date(2025, 12, 1) - dt.timedelta(days=30 * month)
        for k, move in enumerate(path(i, month)):
            role, part = move.split("/")
            at = day + dt.timedelta(days=k)
            steps += f"F{i},s{k},{part},{role},O{i},crm,{industry},{'5000+' if i % 3 else '1000-4999'},{at},log\n"
    return {"accounts": accounts, "opportunities": deals, "buying_steps": steps}


def spoilt(seed: int) -> Callable[[int, int], list[str]]:
    """The industry's own path, every move replaced by one of the customer's own with chance 0.15."""
    generator = np.random.default_rng(seed)

    def path(i: int, month: int) -> list[str]:
        return [
            m if generator.random() > 0.15 else f"own{i}-{k}/do"
            for k, m in enumerate(PATHS[("retail", "finance")[i % 2]] * 2)
        ]

    return path


def test_cells_that_differ_and_do_not_change_are_supported(company: Open, policy: Policy) -> None:
    found, frames = find(company(**logged(60, spoilt(1))), policy)
    assert (found.state, found.reason) == ("supported", "library_supported")
    assert found.number("flow_similarity_difference").low > 0.3  # type: ignore[union-attr, operator]
    assert found.number("flow_similarity_p_value").value < 0.01  # type: ignore[union-attr, operator]
    assert {f.policy for f in found.flips} == {"library.similarity_gap", "library.half_life_months"}
    assert frames["library"]["flows"].sum() == 60 and set(frames["library"]["industry"]) == {"retail", "finance"}


def test_flows_that_are_the_same_everywhere_need_no_library_by_cell(company: Open, policy: Policy) -> None:
    generator = np.random.default_rng(3)

    def path(i: int, month: int) -> list[str]:
        return [m if generator.random() > 0.1 else f"own{i}-{k}/do" for k, m in enumerate(PATHS["retail"] * 2)]

    found, _ = find(company(**logged(60, path)), policy)
    assert (found.state, found.reason) == ("contradicted", "library_one_flow")


def test_flows_that_are_renewed_every_year_age(company: Open, policy: Policy) -> None:
    """Every step of an industry's flow is replaced after another dozen months: likeness halves long before three years."""
    generator = np.random.default_rng(5)

    def path(i: int, month: int) -> list[str]:
        place = i % 2
        return [
            f"own{i}-{k}/do" if generator.random() < 0.03 else f"{('r', 'f')[place]}{k}-{(month + 2 * k) // 12}/approve"
            for k in range(8)
        ]

    found, frames = find(company(**logged(120, path)), policy)
    assert (found.state, found.reason) == ("contradicted", "library_ages")
    half = found.number("flow_half_life")
    assert half is not None and half.high is not None and half.high < 36 and half.low is not None and half.low > 1
    old = frames["library"].sort_values("age_months")
    assert (old["kept"] <= 1).all() and (old["age_months"] >= 0).all()


def test_one_interview_per_cell_cannot_tell_what_companies_share(company: Open, policy: Policy) -> None:
    rows = "flow_id,step,part,role,category,industry,size_band,step_no,source\n"
    for f, industry in enumerate(("retail", "finance", "energy")):
        rows += "".join(f"F{f},s{k},approve,r{k},crm,{industry},5000+,{k},interview\n" for k in range(3))
    found, frames = find(company(buying_steps=rows), policy)
    assert (found.state, found.reason) == ("undecided", "too_few_cells")
    assert len(frames["samples"]) == 3 and found.number("library_cells") is None


def test_missing_columns_are_named(company: Open, policy: Policy) -> None:
    found, frames = find(company(), policy)
    assert (
        found.state == "no_data"
        and set(found.needs) == {f"buying_steps.{c}" for c in ("category", "industry", "size_band")}
        and not frames
    )
    bare, _ = find(company(buying_steps="flow_id,step,part,category\nF1,s,do,crm\n"), policy)
    assert bare.needs == ("buying_steps.industry", "buying_steps.size_band")


def test_coverage_by_hand(company: Open, policy: Policy) -> None:
    """Six key accounts in three cells (3 retail 5000+, 2 finance 5000+, 1 finance 1000-4999), one category; a won log covers the
    first, an interview that names no approver does not cover the second; a lost deal's log counts for nothing; a seventh account has
    no head count."""
    accounts = "account_id,segment,industry,employees\n" + "".join(f"A{i},KA,retail,6000\n" for i in range(3))
    accounts += "B0,KA,finance,9000\nB1,KA,finance,7000\nC,KA,finance,1200\nD,KA,finance,\nS,SMB,retail,5\n"
    deals = "opportunity_id,account_id,outcome,category,amount\nO0,A0,won,crm,10\nO1,B0,lost,crm,10\nO2,A1,open,crm,30\nO3,C,open,crm,10\n"
    steps = "flow_id,step,part,role,opportunity_id,category,industry,size_band,at,step_no,source\n"
    steps += (
        "F0,s,do,user,O0,crm,retail,5000+,2025-01-01,,log\nF0,t,approve,owner,O0,crm,retail,5000+,2025-02-01,,log\n"
    )
    steps += "F1,s,do,user,O1,crm,finance,1000-4999,2025-01-01,,log\nF2,s,do,user,,crm,finance,5000+,,1,interview\nF2,t,do,owner,,crm,finance,5000+,,2,interview\n"
    opened = company(accounts=accounts, opportunities=deals, buying_steps=steps)
    found, frames = find(opened, policy)
    numbers = {n.name: n.value for n in found.numbers}
    # The band 1000-4999 is named by the lost deal's flow alone, which is no purchase: account C then has no cell.
    assert numbers["library_cells"] == 2 and numbers["library_unplaced"] == 2
    assert numbers["library_covered"] == pytest.approx(3 / 5) and numbers["library_cells_held"] == 1
    cells = frames["library"].set_index(["industry", "size_band"])
    assert cells.loc[("retail", "5000+"), ["accounts", "flows", "logged"]].tolist() == [3, 1, 1]
    assert cells.loc[("finance", "5000+"), ["accounts", "flows", "told", "answered"]].tolist() == [2, 1, 1, 0]
    pipeline = demand(opened, policy.override({"library.weight": "pipeline"}), ["1000-4999", "5000+"]).purchases
    weights = pipeline.groupby(["industry", "size_band"])["weight"].sum()
    assert weights.to_dict() == pytest.approx(
        {("retail", "5000+"): 0.75, ("finance", "1000-4999"): 0.25, ("finance", "5000+"): 0.0}
    )


@pytest.mark.parametrize(
    ("label", "limits"),
    [
        ("100-999", (100, 999)), ("1,000–4,999 people", (1000, 4999)), ("100 至 999 人", (100, 999)), ("5000+", (5000, np.inf)),
        (">= 500", (500, np.inf)), ("1000人以上", (1000, np.inf)), ("<50", (0, 50)), ("300人以下", (0, 300)), ("large", None), ("9-1", None),
    ],
)  # fmt: skip
def test_size_bands_are_read_from_their_names(label: str, limits: tuple[float, float] | None) -> None:
    assert band_limits(label) == limits


def test_next_cell_is_empty_heavy_and_near_heavy_cells(company: Open, policy: Policy) -> None:
    tables = logged(60, spoilt(2), industries=("retail", "finance"))
    tables["accounts"] += "".join(f"N{i},KA,energy,9000\n" for i in range(40))
    found, frames = find(company(**tables), policy)
    order = frames["library_next"]
    assert order.loc[0, ["category", "industry", "size_band"]].tolist() == ["crm", "energy", "5000+"]
    assert (
        order["gain"].is_monotonic_decreasing
        and order["first"].sum() == pytest.approx(1)
        and order.loc[0, "first"] > 0.8
    )
    assert (
        found.terms["next"] == "crm / energy / 5000+" and found.number("library_next", found.terms["next"]) is not None
    )


def numbers(
    difference: tuple[float | None, float | None],
    rate: tuple[float | None, float | None],
    half: tuple[float | None, float | None],
) -> list[Number]:
    def made(name: str, limits: tuple[float | None, float | None]) -> Number:
        return Number(name, "all", 0.0, *limits, 0.95, 50, "index", "by hand")

    return [made("flow_similarity_difference", difference), made("flow_decay", rate), made("flow_half_life", half)]


@pytest.mark.parametrize(
    ("difference", "rate", "half", "state", "reason"),
    [
        ((0.1, 0.2), (0.01, 0.02), (40, 80), "supported", "library_supported"),
        ((0.1, 0.2), (-0.02, -0.01), (None, None), "supported", "library_supported"),
        ((0.1, 0.2), (-0.02, 0.01), (60, None), "supported", "library_supported"),
        ((0.1, 0.2), (-0.02, 0.9), (10, None), "undecided", "library_age_undecided"),
        ((0.1, 0.2), (None, None), (None, None), "undecided", "library_age_undecided"),
        ((0.1, 0.2), (0.5, 0.9), (10, 20), "contradicted", "library_ages"),
        ((-0.1, 0.04), (0.01, 0.02), (40, 80), "contradicted", "library_one_flow"),
        ((0.0, 0.1), (0.01, 0.02), (40, 80), "undecided", "library_undecided"),
        ((None, None), (0.01, 0.02), (40, 80), "undecided", "library_undecided"),
    ],
)
def test_verdict_around_its_marks(difference, rate, half, state: str, reason: str, policy: Policy) -> None:
    found = judge(numbers(difference, rate, half), 50, 5, policy)[0]
    assert (found.state, found.reason) == (state, reason)
    assert judge(numbers(difference, rate, half), 5, 5, policy)[0].reason == "too_few_cells"
    assert judge(numbers(difference, rate, half), 50, 1, policy)[0].reason == "too_few_cells"


def test_studies_get_the_same_numbers_without_the_frames_of_figures(company: Open, policy: Policy) -> None:
    opened = company(**logged(24, spoilt(4)))
    full, _ = find(opened, policy)
    with only_numbers():
        bare, frames = find(opened, policy)
    assert (
        bare.numbers == full.numbers
        and bare.flips == ()
        and not {"library_similarity", "library_parties"} & set(frames)
    )


def test_steps_can_be_compared_in_place_of_parties(company: Open, policy: Policy) -> None:
    opened = company(**logged(24, spoilt(4)))
    steps, _ = find(opened, policy.override({"library.compared": "steps"}))
    # The logs number their steps, so named by steps all flows look alike: same names, same lengths within an industry.
    assert (
        steps.number("flow_similarity_within").value == 1
        and "steps in order" in steps.number("flow_similarity_within").method
    )  # type: ignore[union-attr]


def test_a_bounded_sample_is_drawn_by_the_seed(company: Open, policy: Policy) -> None:
    opened = company(**logged(150, spoilt(6)))
    small = policy.override({"library.flows_compared": 100})
    first, second = find(opened, small)[0], find(opened, small)[0]
    other = find(opened, small.override({"evidence.seed": 5}))[0]
    assert first.numbers == second.numbers and first.number("flow_similarity_within") != other.number(
        "flow_similarity_within"
    )
    assert first.number("flow_similarity_within").n == 100  # type: ignore[union-attr]
