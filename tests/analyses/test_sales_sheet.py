"""The customer's flow as nodes, by hand: what is a node, in which order, whose; and what the sheet demands there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.analyses.sales_sheet import blank_sheet, flow_nodes, nodes, precedence_places, wanted_cell
from kaanalysis.company import Company, open_company
from kaanalysis.contracts import LANES
from kaanalysis.policy import Policy, PolicyError, load_policy
from kaanalysis.sales_sheets import SHEET
from kaanalysis.workbook import worked

Open = Callable[..., Company]
POLICY = load_policy()


def steps(*flows: str, amounts: list[float] | None = None, limits: dict[str, float] | None = None) -> pd.DataFrame:
    """Flows such as "a:user:do b:legal:approve" as rows of `reference_steps`; a limit is recorded with every row of its step."""
    rows = []
    for f, flow in enumerate(flows):
        for place, word in enumerate(flow.split()):
            step, role, part = (word.split(":") + ["user", "do"][len(word.split(":")) - 1 :])[:3]
            rows.append({
                "flow_id": f"F{f}", "cluster": f"C{f}", "step": step, "role": role if role != "-" else None, "department": f"D {role}",
                "part": part, "place": place, "amount": amounts[f] if amounts else np.nan,
                "authority_limit": (limits or {}).get(step, np.nan), "category": None, "industry": None, "size_band": None,
            })  # fmt: skip
    return pd.DataFrame(rows)


def found(frame: pd.DataFrame, **changes: Any) -> list[tuple[str, str]]:
    made = flow_nodes(frame, POLICY.override({k.replace("_", ".", 1): v for k, v in changes.items()}))
    return list(zip(made["step"], made["role"], strict=True))


def test_a_step_is_a_node_from_half_of_the_purchases_on() -> None:
    """a in 4 of 4, b in 2, c in 1: at a half a and b, at 0.6 a alone, at a fifth all three."""
    frame = steps("a b", "a b c", "a", "a")
    assert [s for s, _ in found(frame)] == ["a", "b"]
    assert [s for s, _ in found(frame, sheet_step_share=0.6)] == ["a"]
    assert [s for s, _ in found(frame, sheet_step_share=0.2)] == ["a", "b", "c"]
    made = flow_nodes(frame, POLICY).set_index("step")
    assert made.loc["b", "share"] == 0.5 and made.loc["b", "share_low"] < 0.5 < made.loc["b", "share_high"]
    assert set(made["flows"]) == {4} and not made["conditional"].any()


def test_a_step_above_an_authority_limit_is_kept_and_marked_with_its_share() -> None:
    """The memo is in 1 of 4 purchases, in both that exceed 100 of five … and a step as rare without a limit is no node."""
    flows = ["a b", "a b", "a b", "a memo b", "a x b"]
    amounts = [50.0, 60.0, 70.0, 300.0, 90.0]
    made = flow_nodes(steps(*flows, amounts=amounts, limits={"memo": 100.0}), POLICY)
    assert made["step"].tolist() == ["a", "memo", "b"] and made["conditional"].tolist() == [False, True, False]
    assert made["share"].tolist() == [1.0, 0.2, 1.0]
    assert found(steps(*flows, amounts=amounts)) == [("a", "user"), ("b", "user")], (
        "no limit on record: not conditional"
    )
    three = steps(
        "a b", "a memo b", "a b", "a b", "a b", amounts=[50.0, 300.0, 400.0, 500.0, 60.0], limits={"memo": 100.0}
    )
    assert [s for s, _ in found(three)] == ["a", "b"], "only one of three above the limit has it"


def test_order_is_by_precedence_and_does_not_move_because_others_are_missing() -> None:
    """c comes late in every purchase that has it; its mean rank of 2 in short purchases would put it before b (rank 2.5)."""
    frame = steps("a b d c", "a b d c", "a c", "a c", "a b d", "a b d")
    places = precedence_places(pd.DataFrame({
        "a": [0, 0, 0, 0, 0, 0], "b": [1, 1, np.nan, np.nan, 1, 1], "c": [3, 3, 1, 1, np.nan, np.nan], "d": [2, 2, np.nan, np.nan, 2, 2],
    }))  # fmt: skip
    assert places.to_dict() == {"a": 0.0, "b": pytest.approx(1 / 3), "c": 1.0, "d": pytest.approx(2 / 3)}
    assert [s for s, _ in found(frame)] == ["a", "b", "d", "c"]


def test_ties_go_to_the_commoner_step_and_then_by_name() -> None:
    assert [s for s, _ in found(steps("b a", "a b"))] == ["a", "b"]
    assert [s for s, _ in found(steps("b a", "a b", "b"))] == ["b", "a"]


def test_a_repeated_step_counts_where_it_first_comes() -> None:
    assert [s for s, _ in found(steps("a memo b memo memo", "a memo b"))] == ["a", "memo", "b"]


def test_role_department_and_part_are_the_commonest_and_a_second_role_in_most_purchases_is_its_own_node() -> None:
    frame = steps(
        "a b:legal:approve", "a b:legal:inform b:finance:approve", "a b:legal:approve b:finance:approve", "a b:owner:do"
    )
    made = flow_nodes(frame, POLICY)
    assert list(zip(made["step"], made["role"], made["part"], strict=True)) == [
        ("a", "user", "do"), ("b", "legal", "approve"), ("b", "finance", "approve"),
    ]  # fmt: skip
    assert made["department"].tolist() == ["D user", "D legal", "D finance"]
    assert made["share"].tolist() == [1.0, 1.0, 0.5], "the step's share for its main role, its own for the other"


def test_a_step_without_a_role_is_a_node_with_the_catalogue_s_default() -> None:
    made = flow_nodes(steps("a:-:approve", "a:-:approve"), POLICY)
    assert made["role"].tolist() == [None] and made["part"].tolist() == ["approve"]


@settings(
    deadline=None, max_examples=15
)  # one purchase that depends on the order of rows shows in nearly every example
@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6), min_size=1, max_size=6), st.randoms())
def test_the_order_of_rows_and_the_names_of_purchases_do_not_matter(flows: list[list[str]], random: Any) -> None:
    frame = steps(*(" ".join(f) for f in flows))
    names = sorted(frame["flow_id"].unique())
    new = dict(zip(names, random.sample(names, len(names)), strict=True))
    other = frame.assign(flow_id=frame["flow_id"].map(new)).sample(frac=1, random_state=1)
    a, b = flow_nodes(frame, POLICY), flow_nodes(other, POLICY)
    columns = ["node", "step", "role", "part", "conditional", "share", "flows"]
    pd.testing.assert_frame_equal(a[columns], b[columns])
    assert a["node"].tolist() == list(range(1, len(a) + 1))


def test_the_method_s_crm_purchase_becomes_a_sheet_with_five_lanes(policy: Policy) -> None:
    sheet = blank_sheet(open_company(worked("crm")), policy)
    assert sheet.columns.tolist() == SHEET
    made = nodes(sheet)
    assert made["step"].tolist()[:3] == [
        "suppliers known and unknown contacted",
        "procurement watches",
        "technology watches",
    ]
    assert sheet.groupby("node")["lane"].nunique().eq(5).all() and not sheet.duplicated(["node", "lane", "item"]).any()
    neighbour = made[made["role"].isna()].iloc[0]
    assert neighbour["step"] == "neighbouring sales head watches" and neighbour["part"] == "influence"


PURCHASES = "flow_id,step,part,role,step_no,opportunity_id,category,industry,size_band,source\n"
DEALS = "opportunity_id,account_id,created_at,closed_at,outcome,category\n"


def bought(company: Open, toml: Any = None) -> Company:
    """Won W (a b), lost L (a x), open O (a y), all key accounts; S won by a small customer; two interviews, one of a small shop."""
    flows = {
        "W": ("w", "a b", "1000+", ""), "L": ("l", "a x", "1000+", ""), "O": ("o", "a y", "1000+", ""), "S": ("s", "a z", "1-99", ""),
        "I": ("", "a b c", "1000+", "interview"), "J": ("", "a v", "1-99", "interview"),
    }  # fmt: skip
    rows = "".join(
        f"{f},{step},do,user,{n},{deal},crm,retail,{band},{source}\n"
        for f, (deal, names, band, source) in flows.items()
        for n, step in enumerate(names.split())
    )
    deals = [("w", "K", "won"), ("l", "K", "lost"), ("o", "K", "open"), ("s", "T", "won")]
    closed = {"won": "2025-06-01", "lost": "2025-06-01", "open": ""}
    return company(
        toml, accounts="account_id,segment\nK,KA\nT,SMB\n", buying_steps=PURCHASES + rows,
        opportunities=DEALS + "".join(f"{d},{a},2025-01-01,{closed[o]},{o},crm\n" for d, a, o in deals),
    )  # fmt: skip


def test_only_finished_key_account_purchases_and_their_like_are_drawn_from(company: Open, policy: Policy) -> None:
    """Of six flows two count: the won one and the interview of its size. Lost, open, small and small-shop flows do not."""
    made = nodes(blank_sheet(bought(company), policy.override({"sheet.step_share": 0.4})))
    assert made["step"].tolist() == ["a", "b", "c"] and set(made["flows"]) == {2.0}
    assert made["share"].tolist() == [1.0, 1.0, 0.5]


def test_a_cell_is_chosen_by_the_policy(company: Open, policy: Policy) -> None:
    opened = bought(company)
    whole = blank_sheet(opened, policy.override({"sheet.cell": "crm | retail | 1000+"}))
    pd.testing.assert_frame_equal(whole, blank_sheet(opened, policy))
    assert blank_sheet(opened, policy.override({"sheet.cell": "| finance |"})).empty
    assert wanted_cell(" | retail | ") == {"industry": "retail"} and wanted_cell("  ") == {}
    with pytest.raises(PolicyError, match=r"must name category \| industry \| size band"):
        blank_sheet(opened, policy.override({"sheet.cell": "retail"}))


def test_a_saved_sheet_stands_in_place_of_the_generated_one(company: Open, policy: Policy) -> None:
    opened = bought(company)
    opened.sheet = blank_sheet(opened, policy).query("node == 2").assign(node=1).reset_index(drop=True)
    pd.testing.assert_frame_equal(blank_sheet(opened, policy), opened.sheet)


def test_without_a_buying_flow_there_is_no_sheet(company: Open, policy: Policy) -> None:
    empty = blank_sheet(company(), policy)
    assert empty.empty and empty.columns.tolist() == SHEET and nodes(empty).empty


def test_a_node_at_which_a_company_demands_nothing_stays(company: Open, policy: Policy) -> None:
    opened = bought(company)
    opened.selling = {
        "items": {},
        "sheet": {"user": {"do": {lane: [] for lane in LANES}}},
    }
    sheet = blank_sheet(opened, policy)
    assert nodes(sheet)["step"].tolist() == ["a", "b", "c"] and sheet["item"].isna().all()
