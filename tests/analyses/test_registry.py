"""The registry, and all analyses on damaged companies: no traceback, no NaN, and what is missing is named."""

import dataclasses
import datetime as dt
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import ibis
import pandas as pd
import pytest

from kaanalysis.analyses.registry import REGISTRY, analyse_all, select, with_upstream
from kaanalysis.company import Company, open_company
from kaanalysis.company_toml import CompanyInfo
from kaanalysis.contracts import TABLES, UnusableData
from kaanalysis.policy import Policy
from kaanalysis.results import Result

Open = Callable[..., Company]
SEGMENTED = ("M-1.2", "M-1.4", "M-2.2", "M-2.3", "M-3.1", "M-3.2", "M-3.6")


@pytest.fixture(scope="module")
def demo(small_demo: Path) -> Company:
    return open_company(small_demo)


@pytest.fixture
def whole(small_results: dict[str, Result]) -> dict[str, Result]:
    return small_results


def checked(
    company: Company, policy: Policy, ids: str = "012345", known: dict[str, Result] | None = None
) -> dict[str, Result]:
    """Results, after asking of each what any result must keep. ids: the analyses that read what was changed; the rest as `known`."""
    results: dict[str, Result] = {}
    for id, analysis in REGISTRY.items():
        results[id] = analysis.analyse(company, policy, results) if id[1] in ids else (known or {})[id]
    for id, result in results.items():
        json.loads(result.to_json(), parse_constant=lambda word, id=id: pytest.fail(f"{word} in {id}"))
        assert {f.id for f in result.findings} == set(REGISTRY[id].feeds)
        for finding in result.findings:
            where = f"{id} {finding.id} {finding.state} {finding.reason}"
            assert finding.reason, where
            for need in finding.needs:
                for part in need.split("|"):
                    name, _, field = part.partition(".")
                    assert name == "company" or (name in TABLES and (not field or TABLES[name].column(field))), where
            for n in finding.numbers:
                limits = [v for v in (n.low, n.value, n.high) if v is not None]
                assert sorted(limits) == pytest.approx(limits, rel=1e-9, abs=1e-9), f"{where}: {n}"
            if finding.state in ("supported", "contradicted"):
                assert finding.numbers, where
    return results


def state(results: dict[str, Result], id: str) -> str:
    return next(f.state for r in results.values() for f in r.findings if f.id == id)


def without(company: Company, table: str, *columns: str) -> Company:
    """The company as if the table (or columns of it) were not there; a column that is not there is one of nulls (test_checks)."""
    tables = dict(company.tables)
    if not columns:
        del tables[table]
    else:
        tables[table] = tables[table].mutate(**{c: ibis.null(tables[table][c].type()) for c in columns})
    return dataclasses.replace(company, tables=tables, _filled={})


def test_the_whole_demo_runs_and_says_something(demo: Company, policy: Policy) -> None:
    results = checked(demo, policy)
    assert results.keys() == analyse_all(demo, policy, ["00"]).keys() | REGISTRY.keys()
    assert all(f.state != "no_data" for r in results.values() for f in r.findings)


INFO = {f.name for f in dataclasses.fields(CompanyInfo)}
OPTIONAL = [t for t in TABLES if t not in ("accounts", "opportunities")]


READ_BY = {"teams": "01345", "stage_history": "34", "capability": "34", "team_months": "04", "stakeholders": "2", "buying_steps": "2",
           "subscriptions": "014", "order_lines": "1", "ownership": "1", "disputes": "5", "activities": "3", "value_items": "2"}  # fmt: skip


@pytest.mark.parametrize("table", OPTIONAL)
def test_any_optional_table_may_be_missing(table: str, demo: Company, whole: dict[str, Result], policy: Policy) -> None:
    results = checked(without(demo, table), policy, READ_BY.get(table, "0125"), whole)
    for id, analysis in REGISTRY.items():
        for finding in analysis.feeds:
            found = results[id].finding(finding)
            if found.state == "no_data":
                assert any(n.split(".")[0] == table for n in found.needs), (found.id, found.needs)
    expected = {
        "stage_history": "M-3.6",
        "capability": "M-4",
        "team_months": "M-4.1",
        "teams": "M-D",
        "stakeholders": "M-2.2",
        "buying_steps": "M-2.5",
        "value_items": "M-2.1",
    }
    if table in expected:
        assert state(results, expected[table]) == "no_data"


COLUMNS = {
    "accounts.segment": "012345", "accounts.parent_account_id": "0125", "opportunities.owner": "34", "opportunities.amount": "0145",
    "opportunities.closed_at": "012345", "opportunities.created_at": "34", "opportunities.team": "45", "opportunities.origin": "34",
    "opportunities.exit": "3", "opportunities.category": "3", "subscriptions.ended_at": "14", "team_months.cost": "4",
    "team_months.support_cost": "4", "team_months.bookings": "4", "team_months.sellers": "4", "stakeholders.engaged_at": "2",
    "buying_steps.at": "2", "buying_steps.role": "2", "buying_steps.opportunity_id": "2", "buying_steps.amount": "2",
    "buying_steps.started_at": "2", "buying_steps.days": "2", "stakeholders.stance": "2", "stakeholders.key_person": "2",
}  # fmt: skip
# Read by framing and base assumptions alone.
COLUMNS_OF_THE_BASE = {
    "accounts.name": "1", "accounts.industry": "01", "accounts.region": "01", "accounts.reach": "1", "accounts.ranked_on": "01",
    "accounts.annual_revenue": "1", "accounts.employees": "1", "accounts.created_at": "1", "order_lines.custom": "1",
    "order_lines.list_amount": "1", "order_lines.opportunity_id": "1", "order_lines.at": "1", "subscriptions.monthly_fee": "0",
    "ownership.to_at": "1", "teams.motion": "01",
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS_OF_THE_BASE)
def test_any_column_of_the_base_may_be_missing(
    name: str, demo: Company, whole: dict[str, Result], policy: Policy
) -> None:
    checked(without(demo, *name.split(".")), policy, COLUMNS_OF_THE_BASE[name], whole)


@pytest.mark.parametrize("name", COLUMNS)
def test_any_optional_column_may_be_missing_or_empty(
    name: str, demo: Company, whole: dict[str, Result], policy: Policy
) -> None:
    table, column = name.split(".")
    results = checked(without(demo, table, column), policy, COLUMNS[name], whole)
    if name == "accounts.segment":
        for finding in SEGMENTED:
            found = next(f for r in results.values() for f in r.findings if f.id == finding)
            assert found.state == "no_data" and "accounts.segment" in found.needs, found
    if name == "opportunities.amount":
        assert {state(results, i) for i in ("M-0.1", "M-1.4", "M-4.1", "M-D")} == {"no_data"}
    if name in ("opportunities.created_at", "opportunities.closed_at"):
        assert state(results, "M-3.1") == state(results, "M-3.2") == "undecided"


@pytest.mark.parametrize("segment", ["KA", "SMB", "none"])
def test_one_segment_alone(segment: str, demo: Company, policy: Policy) -> None:
    accounts = demo.tables["accounts"]
    kept = accounts.filter(accounts.segment == segment)
    ids = kept.select("account_id")
    deals = demo.tables["opportunities"].semi_join(ids, "account_id")
    cut = {"accounts": kept, "opportunities": deals}
    for name, table in demo.tables.items():
        if name not in cut and "opportunity_id" in table.columns and name != "buying_steps":
            cut[name] = table.semi_join(deals.select("opportunity_id"), "opportunity_id")
        elif name not in cut and "account_id" in table.columns and name != "buying_steps":
            cut[name] = table.semi_join(ids, "account_id")
    results = checked(dataclasses.replace(demo, tables={**demo.tables, **cut}, _filled={}), policy)
    assert {state(results, i) for i in ("M-1.2", "M-1.4", "M-2.2")} == {"no_data"}


def test_files_cut_down_on_disk_run_too(small_demo: Path, policy: Policy, tmp_path: Path) -> None:
    for change in ("only the two", "empty opportunities"):
        folder = tmp_path / change
        folder.mkdir()
        shutil.copy(small_demo / "company.toml", folder)
        shutil.copy(small_demo / "accounts.csv", folder)
        text = (small_demo / "opportunities.csv").read_text()
        (folder / "opportunities.csv").write_text(text if change == "only the two" else text.split("\n", 1)[0] + "\n")
        results = checked(open_company(folder), policy)
        if change == "empty opportunities":
            # Who is on the register, and what a persona finds there, needs no deal.
            by_accounts = {"M-1.1", "M-1.5a", "M-1.5b", "M-1.5c"}
            fed = {f.id for r in results.values() for f in r.findings if f.state != "no_data"}
            assert fed <= by_accounts


HEAD = "opportunity_id,account_id,created_at,closed_at,outcome,amount\n"
ODD = {
    "one deal": HEAD + "O1,A1,2025-01-01,2025-02-01,won,5\n",
    "one deal without dates": HEAD + "O1,A2,,,won,5\n",
    "one deal won on its first day, on as_of": HEAD + "O1,A2,2025-12-31,2025-12-31,won,5\n",
    "everything open": HEAD + "".join(f"O{i},A{1 + i % 2},2025-{1 + i % 12:02}-01,,open,5\n" for i in range(40)),
    "everything won on day 0": HEAD
    + "".join(f"O{i},A{1 + i % 2},2024-{1 + i % 12:02}-01,2024-{1 + i % 12:02}-01,won,5\n" for i in range(40)),
    "everything lost": HEAD
    + "".join(f"O{i},A{1 + i % 2},2024-{1 + i % 12:02}-01,2024-{1 + i % 12:02}-09,lost,5\n" for i in range(40)),
    "all amounts nothing": HEAD
    + "".join(f"O{i},A{1 + i % 2},2024-{1 + i % 12:02}-01,2025-{1 + i % 12:02}-09,won,0\n" for i in range(40)),
    "no rows": HEAD,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_companies(name: str, company: Open, policy: Policy) -> None:
    more = {
        "teams": "team,motion\nK,KA\nS,SMB\n",
        "team_months": "team,month,sellers,cost,bookings\nK,2025-01,1,1,1\nK,2025-02,0,0,0\nS,2025-01,,,\nS,2025-02,1,1,0\n",
        "subscriptions": "account_id,started_at,ended_at\nA1,2025-12-31,\nA2,2025-01-01,2025-01-01\n",
        "capability": "team,lane,item,level\nK,action,x,0\n",
    }
    if name != "no rows":
        more["stage_history"] = "opportunity_id,stage,entered_at\n" + "".join(
            f"{line.split(',')[0]},a,{line.split(',')[2] or '2025-01-01'}\n" for line in ODD[name].splitlines()[1:]
        )
        more["stakeholders"] = "opportunity_id,person_id,role,part\nO1,p,owner,approve\n"
        more["buying_steps"] = "flow_id,step,part,at,opportunity_id\nF,s,do,2025-01-01,O1\n"
    results = checked(company({"ka_launch": dt.date(2025, 6, 1)}, opportunities=ODD[name], **more), policy)
    bold = [
        (f.id, f.state, f.reason)
        for r in results.values()
        for f in r.findings
        if f.state in ("supported", "contradicted")
    ]
    # Two accounts carry no verdict about customers. Of forty deals, all of one account, and of one seller each, some do.
    assert not [b for b in bold if b[0] in ("M-0.1", "M-1.2", "M-1.4", "M-2.2", "M-2.3", "M-D", "M-4")], bold


def test_select_takes_numbers_names_and_ids_in_the_order_of_the_walk() -> None:
    assert [a.id for a in select(["sales_flow", "00", "01_base_assumptions"])] == [
        "00_problem_framing",
        "01_base_assumptions",
        "03_sales_flow",
    ]
    assert [a.id for a in select(None)] == list(REGISTRY) == [a.id for a in select([])]
    with pytest.raises(UnusableData, match="no analysis 'sales'"):
        select(["sales"])


def test_what_an_analysis_rests_on_comes_before_it() -> None:
    assert [a.id for a in with_upstream(select(["04"]))] == [
        "01_base_assumptions",
        "03_sales_flow",
        "04_path_selection",
    ]
    for position, analysis in enumerate(REGISTRY.values()):
        assert all(list(REGISTRY).index(u) < position for u in analysis.upstream)
        assert re.fullmatch(r"\d\d_" + analysis.module.__name__.rsplit(".", 1)[1], analysis.id)
        assert analysis.id == analysis.module.ID


def test_every_feed_names_a_column_there_is() -> None:
    for analysis in REGISTRY.values():
        for feeds in analysis.feeds.values():
            for feed in feeds:
                for part in feed.split("|"):
                    table, column = part.split(".")
                    assert column in INFO if table == "company" else TABLES[table].column(column)


def test_the_same_data_policy_and_seed_give_the_same_document(demo: Company, policy: Policy) -> None:
    one, two = (analyse_all(demo, policy, ["00", "05"]) for _ in range(2))
    assert {k: r.to_json() for k, r in one.items()} == {k: r.to_json() for k, r in two.items()}
    for name, frame in one["00_problem_framing"].frames.items():
        pd.testing.assert_frame_equal(frame, two["00_problem_framing"].frames[name])
