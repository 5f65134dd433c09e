"""M-2.2 read twice: deals with one role on record say nothing about merging, and the verdict abstains where they carry it."""

from collections.abc import Callable

import pytest

from kaanalysis.analyses.procurement_flow import analyse
from kaanalysis.analyses.role_merge import judge_merge
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.text import words

Open = Callable[..., Company]
ONE = [("p", "owner", "approve")]
APART = [("p", "owner", "approve"), ("q", "finance", "inform"), ("r", "user", "influence")]
HALF = [("p", "owner", "approve"), ("p", "finance", "approve"), ("q", "user", "influence")]


def people(company: Open, per_deal: dict[str, list[list[tuple[str, str, str]]]]) -> Company:
    accounts, deals, rows = "account_id,segment\n", "opportunity_id,account_id,outcome\n", ""
    for segment, all_deals in per_deal.items():
        for i, persons in enumerate(all_deals):
            name = f"{segment}{i}"
            accounts, deals = accounts + f"{name},{segment}\n", deals + f"{name},{name},open\n"
            rows += "".join(f"{name},{name}{p},{role},{part}\n" for p, role, part in persons)
    return company(accounts=accounts, opportunities=deals, stakeholders="opportunity_id,person_id,role,part\n" + rows)


def test_one_role_deals_alone_carry_no_verdict(company: Open, policy: Policy) -> None:
    """SMB: 30 deals with one person on record (index 1) and 12 apart (0), mean 30 / 42; KA: 20 apart, 5 half. Without the one-role deals
    SMB lies at 0 as KA nearly does."""
    made = people(company, {"SMB": [ONE] * 30 + [APART] * 11 + [HALF], "KA": [APART] * 20 + [HALF] * 5})
    found = analyse(made, policy, {}).finding("M-2.2")
    value = {(n.name, n.segment): n.value for n in found.numbers}
    assert value["role_merge_difference", "KA-SMB"] == pytest.approx(0.1 - 30.5 / 42)
    assert value["role_merge_difference_known", "KA-SMB"] == pytest.approx(0.1 - 0.5 / 12)
    assert value["role_merge_index_known", "SMB"] == pytest.approx(0.5 / 12)
    assert (found.state, found.reason) == ("undecided", "merge_one_role")
    for language in ("en", "zh"):
        assert words(language).fill("findings.role_merge.reason.merge_one_role", found)


def test_too_few_deals_with_two_roles(company: Open, policy: Policy) -> None:
    made = people(company, {"SMB": [ONE] * 30 + [HALF] * 9, "KA": [APART] * 20})
    assert analyse(made, policy, {}).finding("M-2.2").reason == "too_few"


@pytest.mark.parametrize(("known", "state", "reason"), [
    ((-0.6, -0.3), "supported", "merge_supported"),
    ((-0.6, -0.1), "undecided", "merge_one_role"),
    ((-0.1, 0.3), "undecided", "merge_one_role"),
])  # fmt: skip
def test_both_readings_must_agree(known: tuple[float, float], state: str, reason: str, policy: Policy) -> None:
    gaps = [
        Number("role_merge_difference", "KA-SMB", -0.5, -0.7, -0.4, 0.95, 50, "index", "m"),
        Number("role_merge_difference_known", "KA-SMB", sum(known) / 2, *known, 0.95, 40, "index", "m"),
    ]
    found = judge_merge(gaps, 10, policy)[0]
    assert (found.state, found.reason) == (state, reason)
