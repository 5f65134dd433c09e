"""What the ledger is fed: every input from where it should come, its origin said, and what hangs together."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analyses.ledger_company import HEAD, base, sales, tables

from kaanalysis.analyses.ledger import PATHS, evaluate, expected_npv
from kaanalysis.analyses.ledger_inputs import Inputs, draw_inputs, gather_inputs, lifetime_months, policy_input
from kaanalysis.analyses.ledger_lines import SETTINGS
from kaanalysis.company import Company, open_company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result


@pytest.fixture(scope="module")
def gathered(write_company: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> Inputs:
    opened = open_company(write_company(tmp_path_factory.mktemp("ledger"), tables()))
    made = gather_inputs(opened, policy, base(), sales())
    assert isinstance(made, Inputs)
    return made


def test_each_input_says_where_it_comes_from_and_is_what_it_should_be(gathered: Inputs, policy: Policy) -> None:
    held = {i.name: i for i in gathered.items}
    data = {n for n, i in held.items() if i.origin == "data"}
    assert data == {"seller_cost", "support_cost", "smb_bookings", "deals_per_seller", "conflict_hours", "success", "cycle_months", "deal_size",
                    "cycle_spread", "deal_variation", "relief", "relieved_steps", "lifetime_months", "potential_accounts", "deals_per_account"}  # fmt: skip
    assert all(i.origin in ("data", "policy") for i in gathered.items)
    assert (held["success"].value, held["success"].low, held["success"].high) == (0.4, 0.3, 0.5)
    assert held["cycle_months"].value == pytest.approx(61 / (365.25 / 12)) and held["relief"].value == pytest.approx(
        0.12
    )
    assert (held["potential_accounts"].value, held["potential_accounts"].high) == (90, 200)
    # Six accounts were known; each opened two deals in two years, three of them four more in all.
    assert held["deals_per_account"].value == pytest.approx(16 / 6 / 2)
    assert held["deals_per_seller"].value == pytest.approx(28 / 24 / 4) and held[
        "conflict_hours"
    ].value == pytest.approx(3 / 4)
    assert held["gross_margin"].value == policy["ledger.gross_margin"] and held["gross_margin"].origin == "policy"
    low, high = policy.threshold("split.ramp_months").spread  # type: ignore[misc]
    assert (held["split.ramp_months"].low, held["split.ramp_months"].high) == (low, high)


def test_contracts_that_do_not_last_bring_no_money(
    write_company: Callable[..., Path], tmp_path: Path, policy: Policy
) -> None:
    """0.3 of 0.4 last, so three quarters of the relief do; the severity is of 50 steps."""
    made = gather_inputs(open_company(write_company(tmp_path, tables())), policy, base(), sales(kept=True))
    assert isinstance(made, Inputs)
    held = {i.name: i for i in made.items}
    assert (held["success"].value, held["success"].low, held["success"].high) == (0.3, 0.2, 0.4)
    assert held["relief"].value == pytest.approx(0.12 * 0.75)
    assert (held["relieved_steps"].value, held["relieved_steps"].uncertain) == (50.0, False)


def test_sellers_are_a_decision_and_no_belief(gathered: Inputs, policy: Policy) -> None:
    for path in PATHS:
        item = next(i for i in gathered.items if i.name == f"{path}.sellers")
        assert not item.uncertain and item.value == policy[f"{path}.sellers"]


def test_beliefs_about_one_setting_hang_together_between_paths_only(gathered: Inputs, policy: Policy) -> None:
    at = {n: i for i, n in enumerate(gathered.names)}
    r, strength = gathered.correlation, policy["ledger.belief_correlation"]
    for setting in SETTINGS:
        assert r[at[f"split.{setting}"], at[f"rebuild.{setting}"]] == pytest.approx(strength, abs=1e-6)
    assert r[at["split.ramp_months"], at["split.productivity"]] == pytest.approx(0, abs=1e-6)
    assert r[at["success"], at["seller_cost"]] == pytest.approx(0, abs=1e-6), "other tables: independent"
    assert r[at["success"], at["gross_margin"]] == pytest.approx(0, abs=1e-6)
    assert np.abs(r[at["deals_per_seller"], [at["seller_cost"], at["smb_bookings"], at["conflict_hours"]]]).max() > 0
    assert np.linalg.eigvalsh(r)[0] > 0


def test_where_the_company_records_nothing_the_policy_speaks(company: Callable[..., Company], policy: Policy) -> None:
    made = gather_inputs(company(**tables(disputes=False)), policy, base(estimated=False), sales(severity=False))
    assert isinstance(made, Inputs)
    held = {i.name: i for i in made.items}
    for name in ("conflict_hours", "accounts_moved"):
        assert held[name].origin == "policy" and held[name].value == policy[f"ledger.{name}"]
    assert (held["potential_accounts"].value, held["potential_accounts"].uncertain) == (40, False)
    assert (held["relief"].value, held["relief"].uncertain) == (0, False)
    # All that the ledger asks for is there.
    x = draw_inputs(made, 64, 1)
    assert np.isfinite(expected_npv(x, 36, 0.1)).all()


def test_accounts_moved_are_what_other_teams_brought_before_the_launch(
    company: Callable[..., Company], policy: Policy
) -> None:
    made = tables()
    before = policy["siphon.before_months"]
    launch = dt.date(2024, 7, 1)
    # Five accounts bought 120 on average from SMB in the months before the launch, and the KA team has won 400 from each since.
    rows = [f"S{i},A{i},S,s1,new,2024-03-01,2024-03-0{i + 1},won,{100 + 10 * i}" for i in range(5)]
    rows += [f"K{i},A{i},K,o1,new,2025-01-01,2025-02-0{i + 1},won,400" for i in range(5)]
    made["opportunities"] = HEAD + "\n".join(rows) + "\n"
    toml = {"ka_launch": launch, "observed_from": dt.date(2020, 1, 1)}
    found = gather_inputs(company(toml, **made), policy, base(), sales())
    assert isinstance(found, Inputs)
    item = next(i for i in found.items if i.name == "accounts_moved")
    since = (dt.date(2025, 12, 31) - launch).days / (365.25 / 12)
    assert item.origin == "data" and item.value == pytest.approx(120 / before * since / 400)
    # Before the records begin nothing is known of what other teams brought.
    late = gather_inputs(company({**toml, "observed_from": launch}, **made), policy, base(), sales())
    assert isinstance(late, Inputs)
    assert next(i for i in late.items if i.name == "accounts_moved").origin == "policy"


def subscribed(rows: list[str]) -> str:
    return "account_id,product,started_at,ended_at,monthly_fee\n" + "\n".join(rows) + "\n"


def test_the_recurring_share_is_what_first_contracts_pay_a_year(
    company: Callable[..., Company], policy: Policy
) -> None:
    # B0 … B5 were won over 100 … 105 on 2023-09-01; A5 pays nothing on record.
    rows = [f"A{i},crm,2023-09-{1 + 7 * i:02},,{3 if i < 4 else 6}" for i in range(4)]
    rows += ["A4,crm,2023-09-01,,2", "A4,hr,2023-08-20,,4", "A5,crm,2023-09-01,,", "A0,crm,2020-01-01,,50"]
    made = gather_inputs(company(**tables(), subscriptions=subscribed(rows)), policy, base(), sales())
    assert isinstance(made, Inputs)
    item = next(i for i in made.items if i.name == "recurring_share")
    assert (item.origin, item.unit) == ("data", policy.threshold("ledger.recurring_share").unit)
    assert (
        item.value == pytest.approx(12 * (4 * 3 + 6) / (100 + 101 + 102 + 103 + 104))
        and item.low < item.value < item.high
    )
    # Four contracts say too little.
    few = gather_inputs(company(**tables(), subscriptions=subscribed(rows[:4])), policy, base(), sales())
    assert isinstance(few, Inputs)
    belief = next(i for i in few.items if i.name == "recurring_share")
    assert (belief.origin, belief.value) == ("policy", policy["ledger.recurring_share"])


def test_support_cost_that_is_nowhere_on_record_is_not_made_up(company: Callable[..., Company], policy: Policy) -> None:
    bare = tables()
    head, *rows = bare["team_months"].splitlines()
    cut = [",".join([*row.split(",")[:4], "", row.split(",")[5]]) for row in rows]
    made = gather_inputs(company(**{**bare, "team_months": "\n".join([head, *cut]) + "\n"}), policy, base(), sales())
    assert isinstance(made, Inputs)
    item = next(i for i in made.items if i.name == "support_cost")
    assert (item.value, item.uncertain) == (0, False) and np.isfinite(made.correlation).all()


def test_what_is_missing_is_named(company: Callable[..., Company], policy: Policy) -> None:
    without = {k: v for k, v in tables().items() if k != "team_months"}
    made = gather_inputs(company(**without), policy, base(), sales())
    assert isinstance(made, list) and {"team_months.cost", "team_months.bookings"} <= set(made)
    nothing = replace(sales().findings[0], numbers=(), needs=("opportunities.closed_at",))
    bare = Result("03_sales_flow", "", "", "", [nothing, sales().findings[1]])
    assert gather_inputs(company(**tables()), policy, base(), bare) == ["opportunities.closed_at"]


@pytest.mark.parametrize("mean_life", [6.0, 36.0, 200.0])
def test_lifetime_is_the_exponential_law_with_that_restricted_mean(mean_life: float) -> None:
    restricted = mean_life * -np.expm1(-36 / mean_life)  # E[min(T, 36)]
    held = Number(
        "rmst", "KA", restricted, restricted * 0.99, min(restricted * 1.01, 35.8), 0.95, 50, "months", "m", 36
    )
    made = lifetime_months(Result("01", "d", "p", "x", [Finding("M-1.2", "k", "supported", "r", (held,))]))
    assert made is not None and made[0] == pytest.approx(mean_life, rel=1e-6) and made[1] < made[0]
    assert made[2] > made[0] or restricted * 1.01 > 35.8


def test_a_company_without_a_key_account_team_has_its_ledger(company: Callable[..., Company], policy: Policy) -> None:
    """M-4 is written for it: SMB sellers worked the key accounts' deals; how many a KA seller would open is a belief."""
    made = tables(disputes=False)
    made["teams"] = "team,motion\nS,SMB\n"
    made["team_months"] = "\n".join(r for r in made["team_months"].splitlines() if not r.startswith("K,")) + "\n"
    made["opportunities"] = made["opportunities"].replace(",K,", ",S,")
    found = gather_inputs(company(**made), policy, base(), sales())
    assert isinstance(found, Inputs)
    held = {i.name: i for i in found.items}
    item, threshold = held["deals_per_seller"], policy.threshold("ledger.deals_per_seller")
    assert (item.origin, item.value, (item.low, item.high)) == ("policy", threshold.value, threshold.spread)
    assert held["deal_size"].origin == held["success"].origin == held["seller_cost"].origin == "data"
    assert np.isfinite(expected_npv(draw_inputs(found, 64, 1), 36, 0.1)).all()


def test_a_key_account_team_that_opened_nothing_is_given_no_belief(
    company: Callable[..., Company], policy: Policy
) -> None:
    made = tables()
    made["opportunities"] = made["opportunities"].replace(",K,", ",S,")
    assert gather_inputs(company(**made), policy, base(), sales()) == ["opportunities.team"]


def test_three_deals_in_two_of_24_months_are_few_and_never_less_than_none(
    company: Callable[..., Company], policy: Policy
) -> None:
    """Resampled, many draws hold neither month: the lower limit is 0, and a normal law through it goes below."""
    made = tables()
    head, *rows = made["opportunities"].splitlines()
    # The others' deals were opened before the last two years.
    late = [r for r in rows if ",2023-" not in r]
    early = [r.replace(",2024-", ",2022-").replace(",2025-", ",2023-").replace(",2026-", ",2024-") for r in late]
    early += [r for r in rows if ",2023-" in r] + [
        f"N{i},A{i},K,o{i},new,2025-0{3 + 2 * (i // 2)}-01,,open," for i in range(3)
    ]
    made["opportunities"] = "\n".join([head, *early]) + "\n"
    found = gather_inputs(company(**made), policy, base(), sales())
    assert isinstance(found, Inputs)
    item = next(i for i in found.items if i.name == "deals_per_seller")
    assert item.value == pytest.approx(3 / 24 / 4) and item.low == 0
    x = draw_inputs(found, 512, 1)
    assert x["deals_per_seller"].min() == 0
    for path in PATHS:
        assert np.isfinite(evaluate(path, x, 36, 0.1, 1).npv).all()


def test_a_belief_without_a_spread_is_settled(policy: Policy) -> None:
    assert not policy_input("month_hours", policy, "log", "ledger.month_hours").uncertain
    assert policy_input("split.ramp_months", policy, "log").uncertain
