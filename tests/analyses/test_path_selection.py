"""04: the questions put together, and what is said where the ledger cannot be fed."""

from collections.abc import Callable

from kaanalysis.analyses import path_selection
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
