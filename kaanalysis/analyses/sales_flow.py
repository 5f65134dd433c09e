"""03 Sales flow: do SMB deals convert near the mark, steadily (M-3.1), and do KA projects succeed (M-3.2) (:mod:`rates`); in which of three
ways are KA deals lost (M-3.3, :mod:`loss_modes`); what would selling look like that is drawn from the customer's flow (M-3.5,
:mod:`sheet_coverage`); where is the biggest bottleneck, and can the team carry the flow (M-3.6, :mod:`bottlenecks`)?

Numbers of further questions stand with the finding that they bear on: :data:`BESIDE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd

from kaanalysis.analyses import alignment, loss_modes, rates, sellers, sheet_coverage, sop, unknown_facts
from kaanalysis.analyses.bottlenecks import bottleneck
from kaanalysis.analyses.sales_sheet import blank_sheet
from kaanalysis.analyses.team_fit import judged_levels
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result

ID = "03_sales_flow"
FEEDS = {
    **rates.FEEDS,
    **loss_modes.FEEDS,
    "M-3.5": sheet_coverage.FEEDS,
    "M-3.6": ("accounts.segment", "stage_history.stage", "opportunities.closed_at"),
}
Measure = Callable[[Company, Policy], tuple[list[Number], dict[str, pd.DataFrame], dict[str, str]]]
# Which finding a measure without a verdict of its own adds its numbers to: does every deal follow the standard sequence; how far do
# sellers with and without an SMB past overlap; what was not known of deals; was the seller there when the customer's steps came.
BESIDE: tuple[tuple[str, Measure], ...] = (
    ("M-3.1", sop.measure),
    ("M-3.2", sellers.measure),
    ("M-3.3b", unknown_facts.measure),
    ("M-3.5", alignment.measure),
)


def _with(finding: Finding, numbers: list[Number], terms: dict[str, str]) -> Finding:
    return replace(finding, numbers=(*finding.numbers, *numbers), terms={**finding.terms, **terms})


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-3.1, M-3.2, M-3.3a to c, M-3.5 and M-3.6, with the frames behind them."""
    findings, frames = rates.find(company, policy)
    lost, made = loss_modes.find(company, policy)
    frames.update(made)
    sheet = blank_sheet(company, policy)
    levels = judged_levels(company, sheet)
    drawn, made = sheet_coverage.find(company, policy, sheet, levels)
    frames.update(made)
    stuck, made = bottleneck(company, policy, sheet, levels)
    frames.update(made)
    findings = [_with(f, [], {"definition": policy["segment.definition"]}) for f in (*findings, *lost, drawn, stuck)]
    for id, measure in BESIDE:
        numbers, made, terms = measure(company, policy)
        frames.update(made)
        findings = [_with(f, numbers, terms) if f.id == id else f for f in findings]
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), findings, frames)
