"""03 Sales flow: do SMB deals convert near the mark (M-3.1), do KA projects succeed (M-3.2) (:mod:`rates`), in which of three ways are
KA deals lost (M-3.3, :mod:`loss_modes`), and where is the biggest bottleneck (M-3.6, :mod:`bottlenecks`)?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kaanalysis.analyses import loss_modes, rates, sellers, unknown_facts
from kaanalysis.analyses.bottlenecks import bottleneck
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Result

ID = "03_sales_flow"
FEEDS = {
    **rates.FEEDS,
    **loss_modes.FEEDS,
    "M-3.6": ("accounts.segment", "stage_history.stage", "opportunities.closed_at"),
}


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-3.1, M-3.2 and M-3.6, with the incidence curves and the table of steps behind them."""
    findings, frames = rates.find(company, policy)
    told, made = sellers.measure(company, policy)
    frames.update(made)
    findings = [replace(f, numbers=(*f.numbers, *told)) if f.id == "M-3.2" else f for f in findings]
    lost, made = loss_modes.find(company, policy)
    frames.update(made)
    unknown, made = unknown_facts.measure(company, policy)
    frames.update(made)
    lost = [replace(f, numbers=(*f.numbers, *unknown)) if f.id == "M-3.3b" else f for f in lost]
    stuck, made = bottleneck(company, policy)
    frames.update(made)
    definition = {"definition": policy["segment.definition"]}
    findings = [replace(f, terms={**f.terms, **definition}) for f in (*findings, *lost, stuck)]
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), findings, frames)
