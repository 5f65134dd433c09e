"""M-2.2 and M-2.3: the role-merge index at its ends, verdicts around thresholds, and what a log alone can say."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.analyses.parties import judge_kinds
from kaanalysis.analyses.procurement_flow import analyse
from kaanalysis.analyses.role_merge import judge_merge, role_merge_index
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

Open = Callable[..., Company]


@pytest.mark.parametrize(("persons", "roles", "index"), [
    (1, 5, 1.0),  # one person holds every role
    (5, 5, 0.0),  # each role its own person
    (3, 5, 0.5),  # 1 - 2 / 4
    (2, 4, 2 / 3),
    (7, 5, 0.0),  # several persons in one role cannot take it below 0
    (1, 1, 1.0),  # contract.md leaves 0 / 0 open: read as merged
    (3, 1, 0.0),  # one role, several persons: separate
])  # fmt: skip
def test_role_merge_index_by_hand(persons: int, roles: int, index: float) -> None:
    assert role_merge_index(np.array([persons]), np.array([roles]))[0] == pytest.approx(index)


@given(persons=st.integers(1, 20), roles=st.integers(1, 11))
def test_role_merge_index_stays_in_its_range_and_falls_with_persons(persons: int, roles: int) -> None:
    one, more = role_merge_index(np.array([persons, persons + 1]), np.array([roles, roles]))
    assert 0 <= more <= one <= 1


def people(company: Open, per_deal: dict[str, list[list[tuple[str, str, str]]]]) -> Company:
    accounts, deals, rows = (
        "account_id,segment\n",
        "opportunity_id,account_id,outcome\n",
        "opportunity_id,person_id,role,part\n",
    )
    for segment, all_deals in per_deal.items():
        for i, persons in enumerate(all_deals):
            name = f"{segment}{i}"
            accounts, deals = accounts + f"{name},{segment}\n", deals + f"{name},{name},open\n"
            rows += "".join(f"{name},{name}{p},{role},{part}\n" for p, role, part in persons)
    return company(accounts=accounts, opportunities=deals, stakeholders=rows)


MERGED = [("p", "owner", "approve"), ("p", "finance", "approve"), ("p", "user", "influence")]
APART = [("p", "owner", "approve"), ("q", "finance", "inform"), ("r", "user", "influence")]
HALF = [("p", "owner", "approve"), ("p", "finance", "approve"), ("q", "user", "influence")]


def test_merged_in_smb_and_apart_in_ka_by_hand(company: Open, policy: Policy) -> None:
    # SMB: 15 x 1 and 5 x 1/2, mean 0.875; KA: 16 x 0 and 4 x 1/2, mean 0.1; difference -0.775.
    result = analyse(people(company, {"SMB": [MERGED] * 15 + [HALF] * 5, "KA": [APART] * 16 + [HALF] * 4}), policy, {})
    merge = result.finding("M-2.2")
    value = {(n.name, n.segment): n.value for n in merge.numbers}
    assert value[("role_merge_index", "SMB")] == pytest.approx(0.875) and value[
        ("role_merge_index", "KA")
    ] == pytest.approx(0.1)
    assert value[("role_merge_difference", "KA-SMB")] == pytest.approx(-0.775)
    assert value[("parties_per_deal", "KA")] == pytest.approx((16 * 3 + 4 * 2) / 20)
    assert merge.state == "supported"
    kinds = result.finding("M-2.3")
    # Informed in 16 of 20; Jeffreys' lower limit at 95 % is 0.59, above one half.
    assert kinds.number("inform_share", "KA").value == 0.8 and kinds.state == "supported"  # type: ignore[union-attr]
    assert kinds.number("approve_parties", "SMB").value == 1  # type: ignore[union-attr]


def test_the_other_way_round_is_contradicted(company: Open, policy: Policy) -> None:
    result = analyse(people(company, {"SMB": [APART] * 16 + [HALF] * 4, "KA": [MERGED] * 15 + [HALF] * 5}), policy, {})
    assert result.finding("M-2.2").state == "contradicted"
    assert result.finding("M-2.3").state == "contradicted", "nobody is informed in a merged deal"


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [(-0.6, -0.21, "supported"), (-0.6, -0.2, "undecided"), (-0.2, 0.1, "undecided"), (-0.19, 0.1, "contradicted")],
)
def test_merge_verdict_around_its_difference(low: float, high: float, state: str, policy: Policy) -> None:
    gap = [Number("role_merge_difference", "KA-SMB", -0.3, low, high, 0.95, 50, "index", "m")]
    assert judge_merge(gap, 10, policy)[0].state == state
    assert judge_merge(gap, 9, policy)[0].reason == "too_few"


@pytest.mark.parametrize(("limits", "state"), [
    ([(0.6, 0.9)] * 3, "supported"), ([(0.6, 0.9), (0.6, 0.9), (0.5, 0.9)], "undecided"),
    ([(0.6, 0.9), (0.6, 0.9), (0.1, 0.49)], "contradicted"),
    ([(0.1, 0.49), (0.3, 0.7), (0.6, 0.9)], "contradicted"),
])  # fmt: skip
def test_kinds_verdict_around_its_share(limits, state, policy: Policy) -> None:
    shares = [
        Number(f"{p}_share", "KA", 0.5, *pair, 0.95, 50, "share", "m")
        for p, pair in zip(("approve", "inform", "influence"), limits, strict=True)
    ]
    assert judge_kinds(shares, "KA", 50, policy)[0].state == state
    assert judge_kinds(shares, "KA", 9, policy)[0].reason == "too_few"


def test_a_log_alone_shows_who_acted_and_decides_nothing(company: Open, policy: Policy) -> None:
    rows = "flow_id,step,part,role,at\n" + "".join(
        f"F{i},ask,do,user,2025-01-01\nF{i},approve,approve,boss,2025-01-0{2 + i % 5}\n" for i in range(12)
    )
    result = analyse(company(buying_steps=rows), policy, {})
    kinds = result.finding("M-2.3")
    assert (kinds.state, kinds.reason, kinds.needs) == ("undecided", "log_only", ("stakeholders.part",))
    assert result.finding("M-2.2").state == "no_data"
    follows = result.frames["directly_follows"]
    assert follows[["step", "next_step", "count"]].to_numpy().tolist() == [["ask", "approve", 12]]
    # Days 1 2 3 4 5 1 2 3 4 5 1 2 sorted: 1 1 1 2 2 2 3 3 4 4 5 5; the curve falls to one half at 2.
    assert kinds.number("flow_days_median", "all").value == 2  # type: ignore[union-attr]
