"""04: the questions put together, and what is said where the ledger cannot be fed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from analyses.ledger_company import base, sales, tables

from kaanalysis.analyses import path_selection
from kaanalysis.analyses.ledger import PATHS, expected_npv
from kaanalysis.analyses.ledger_inputs import Inputs, draw_inputs, gather_inputs
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.company import Company, open_company
from kaanalysis.policy import Policy
from kaanalysis.results import Result, no_data


def upstream() -> dict[str, Result]:
    base = Result("01_base_assumptions", "", "", "", [no_data("M-1.2", "lifecycle", ["subscriptions.started_at"])])
    sales = [
        no_data("M-3.2", "success", ["opportunities.closed_at"]),
        no_data("M-3.6", "bottleneck", ["stage_history.stage"]),
    ]
    return {"01_base_assumptions": base, "03_sales_flow": Result("03_sales_flow", "", "", "", sales)}


def test_without_money_and_flow_every_finding_names_what_is_missing(company: Callable, policy: Policy) -> None:
    opened = company(
        accounts="account_id,segment\nA1,KA\n", opportunities="opportunity_id,account_id,outcome\nO1,A1,open\n"
    )
    made = path_selection.analyse(opened, policy, upstream())
    assert [(f.id, f.state) for f in made.findings] == [
        (i, "no_data") for i in ("M-4", "M-4.1", "M-4.2", "M-4.3", "M-4.4")
    ]
    assert set(path_selection.FEEDS) == {f.id for f in made.findings}
    for finding in made.findings[1:]:
        assert {"team_months.cost", "teams.motion", "opportunities.closed_at", "subscriptions.started_at"} <= set(
            finding.needs
        )
    assert made.finding("M-4").needs == ("stage_history.stage",) and made.frames == {}


@pytest.fixture(scope="module")
def fed(write_company: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Company:
    return open_company(write_company(tmp_path_factory.mktemp("fed"), tables()))


def test_with_money_all_questions_are_answered_from_one_ledger(fed: Company, policy: Policy) -> None:
    made = path_selection.analyse(fed, policy, {"01_base_assumptions": base(), "03_sales_flow": sales()})
    assert [f.id for f in made.findings] == ["M-4", "M-4.1", "M-4.2", "M-4.3", "M-4.4"]
    assert made.finding("M-4").state == "no_data" and all(f.state != "no_data" for f in made.findings[1:])
    assert set(made.frames) == {"ledger", "ledger_lines", "inputs", "input_correlations"}
    # The expected cash of the lines, discounted, is the mean of the worlds' expected values, which perfect information is judged by.
    lines = made.frames["ledger_lines"]
    discount = (1 + policy["ledger.discount_rate"]) ** (-lines["month"] / 12)
    value = (lines["amount"] * discount).groupby(lines["path"]).sum()
    inputs = gather_inputs(fed, policy, base(), sales())
    assert isinstance(inputs, Inputs)
    x = draw_inputs(inputs, policy["ledger.draws"], policy["evidence.seed"])
    worlds = expected_npv(x, policy["ledger.horizon_months"], policy["ledger.discount_rate"])
    assert [value[p] for p in PATHS] == pytest.approx(worlds.mean(axis=0).tolist(), abs=1.0)  # cents of five years
    evpi = made.finding("M-4.4").number("evpi")
    assert evpi is not None and evpi.value == pytest.approx(worlds.max(axis=1).mean() - worlds.mean(axis=0).max())
    with only_numbers():
        bare = path_selection.analyse(fed, policy, {"01_base_assumptions": base(), "03_sales_flow": sales()})
    assert bare.frames == {} and [f.numbers for f in bare.findings] == [f.numbers for f in made.findings]
