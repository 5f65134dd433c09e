"""04 Path selection: which path do bottlenecks and fit ask for (M-4, :mod:`path_rule`), what does each path bring (M-4.1 … M-4.3,
:mod:`path_economics`), and what does the way there cost (M-4.4, :mod:`strategic_loss`)? The money comes from the ROI ledger
(:mod:`kaanalysis.analyses.ledger`), computed once here for all questions.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses import path_economics, path_rule, strategic_loss
from kaanalysis.analyses.ledger import PATHS, evaluate, ledger_frame, lines_frame
from kaanalysis.analyses.ledger_inputs import Inputs, draw_inputs, gather_inputs
from kaanalysis.analyses.verdicts import figures_wanted
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Result, no_data

ID = "04_path_selection"
FEEDS = {**path_rule.FEEDS, **path_economics.FEEDS, **strategic_loss.FEEDS}


def _no_money(needs: list[str]) -> list[Finding]:
    absent = [no_data(id, f"path_{p}", needs) for id, p in zip(path_economics.IDS, PATHS, strict=True)]
    return [*absent, no_data("M-4.4", "strategic_loss", needs)]


def _money(
    company: Company, policy: Policy, inputs: Inputs, chosen: Finding
) -> tuple[list[Finding], dict[str, pd.DataFrame]]:
    horizon, rate, seed = policy["ledger.horizon_months"], policy["ledger.discount_rate"], policy["evidence.seed"]
    x = draw_inputs(inputs, policy["ledger.draws"], seed)
    outcomes = {p: evaluate(p, x, horizon, rate, seed) for p in PATHS}
    currency, year = company.info.currency, aggregates.won_in_last_year(company, policy)
    findings = path_economics.find(outcomes, policy, currency)
    findings.append(strategic_loss.find(outcomes, chosen, year, policy, currency))
    if not figures_wanted():
        return findings, {}
    return findings, {
        "ledger": ledger_frame(outcomes),
        "ledger_lines": lines_frame(outcomes),
        "inputs": inputs.frame(),
        "input_correlations": inputs.correlations(),
    }


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-4, M-4.1 … M-4.4 from the results of 01 and 03 and the company's team months."""
    base, sales = upstream["01_base_assumptions"], upstream["03_sales_flow"]
    chosen, frames = path_rule.find(sales, policy)
    inputs = gather_inputs(company, policy, base, sales)
    if isinstance(inputs, list):
        findings = _no_money(inputs)
    else:
        findings, made = _money(company, policy, inputs, chosen)
        frames = {**frames, **made}
    chosen = path_rule.with_money(chosen, findings)
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), [chosen, *findings], frames)
