"""01 as a whole: every finding of M-1 is there, names its definition, and a company without segments gets numbers but no verdict."""

from collections.abc import Callable
from pathlib import Path

from kaanalysis.analyses.base_assumptions import FEEDS, analyse
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.company import Company, open_company
from kaanalysis.policy import Policy
from kaanalysis.results import Result

IDS = ["M-1", "M-1.1", "M-1.2", "M-1.3", "M-1.4", "M-1.5a", "M-1.5b", "M-1.5c", "M-1.5d"]
CONTRACT = {
    "M-1.1": ("accounts_known", "accounts_estimated", "top10_share", "gini"),
    "M-1.2": ("lifetime_median", "rmst", "rmst_difference"),
    "M-1.3": ("need_distance", "custom_share", "need_distance_difference"),
    "M-1.4": ("spend_median", "spend_dispersion", "spend_ratio", "dispersion_difference"),
    "M-1.5a": ("persona_accounts", "persona_not_customers", "persona_borderline"),
}


def test_every_finding_its_contract_numbers_and_its_definition(small_demo: Path, policy: Policy) -> None:
    result = analyse(open_company(small_demo), policy.override({"segment.definition": "size"}), {})
    assert [f.id for f in result.findings] == IDS == list(FEEDS)
    for id, names in CONTRACT.items():
        found = {n.name for n in result.finding(id).numbers}
        assert set(names) <= found, id
    for id in IDS[:5]:
        terms = result.finding(id).terms
        assert terms["definition"] == "size" and terms["version"].startswith("size "), id
    assert len(result.frames["statements"]) == 8 and set(result.frames["definitions"]["definition"]) == {
        "label",
        "team",
        "size",
        "persona",
    }


def test_numbers_are_the_same_without_flips_and_figures(
    small_demo: Path, small_results: dict[str, Result], policy: Policy
) -> None:
    whole = small_results["01_base_assumptions"]
    with only_numbers():
        bare = analyse(open_company(small_demo), policy, {})
    assert [f.numbers for f in bare.findings] == [f.numbers for f in whole.findings]
    assert [f.state for f in bare.findings] == [f.state for f in whole.findings] and "definitions" not in bare.frames


def test_without_segments_there_are_numbers_for_all_and_no_verdict(
    company: Callable[..., Company], policy: Policy
) -> None:
    accounts = "account_id\n" + "".join(f"A{i}\n" for i in range(30))
    deals = "opportunity_id,account_id,outcome,created_at,closed_at,amount,product\n" + "".join(
        f"O{i},A{i % 30},won,2024-01-01,2025-0{1 + i % 6}-01,{100 + i},p{i % 3}\n" for i in range(60)
    )
    result = analyse(company(accounts=accounts, opportunities=deals), policy, {})
    assert {f.state for f in result.findings} == {"no_data"}
    assert result.finding("M-1.1").number("top10_share", "all").value is not None  # type: ignore[union-attr]
    assert "accounts.segment" in result.finding("M-1").needs
