"""04 Path selection: which path do bottlenecks and fit ask for (M-4, :mod:`path_rule`), what does each path bring (M-4.1 … M-4.3,
:mod:`path_economics`), and what does the way there cost (M-4.4, :mod:`strategic_loss`)? The money comes from the ROI ledger
(:mod:`kaanalysis.analyses.ledger`), computed once here for all questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses import (
    continuation_replay,
    next_steps,
    path_agreement,
    path_economics,
    path_information,
    path_rule,
    path_sensitivity,
    path_size,
    set_up_today,
    staged_choice,
    strategic_loss,
)
from kaanalysis.analyses.continuation_rule import rule_of
from kaanalysis.analyses.ledger import PATHS, Array, Outcome, evaluate, expected_payoff, ledger_frame, lines_frame
from kaanalysis.analyses.ledger_inputs import Inputs, draw_inputs, gather_inputs
from kaanalysis.analyses.next_step_measures import Known
from kaanalysis.analyses.verdicts import figures_wanted
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Result, no_data

ID = "04_path_selection"
FEEDS = {**path_rule.FEEDS, **path_economics.FEEDS, **strategic_loss.FEEDS}


def no_money(needs: list[str]) -> list[Finding]:
    """M-4.1 … M-4.4 where the ledger lacks what it needs. needs: names of tables and columns."""
    absent = [no_data(id, f"path_{p}", needs) for id, p in zip(path_economics.IDS, PATHS, strict=True)]
    return [*absent, no_data("M-4.4", "strategic_loss", needs)]


def _money(
    company: Company, policy: Policy, inputs: Inputs, chosen: Finding
) -> tuple[list[Finding], dict[str, pd.DataFrame], dict[str, Array], dict[str, Outcome]]:
    """The rule's finding with the ledger's word and what staging is worth beside it, M-4.1 … M-4.4; the frames; the draws of the inputs
    and what each path makes of them."""
    horizon, rate, seed = policy["ledger.horizon_months"], policy["ledger.discount_rate"], policy["evidence.seed"]
    x = draw_inputs(inputs, policy["ledger.draws"], seed)
    outcomes = {p: evaluate(p, x, horizon, rate, seed) for p in PATHS}
    payoff, npv = expected_payoff(outcomes), np.column_stack([outcomes[p].npv for p in PATHS])
    currency, year = company.info.currency, aggregates.won_in_last_year(company, policy)
    findings = path_economics.find(outcomes, policy, currency)
    loss = strategic_loss.find(outcomes, chosen, year, policy, currency)
    numbers, terms, frames = path_information.find(inputs, x, payoff, policy, currency)
    findings.append(replace(loss, numbers=(*loss.numbers, *numbers), terms={**loss.terms, **terms}))
    numbers, terms, made = path_agreement.find(chosen, outcomes, inputs, x, policy)
    sized, sizes = path_size.find(x, payoff, policy)
    chosen = path_rule.with_money(
        chosen, findings, numbers, {**terms, **sized, **strategic_loss.capped(outcomes, loss, policy)}
    )
    worth, terms, staged = staged_choice.find(x, rule_of(policy), policy, currency)
    findings.insert(0, path_rule.with_more(chosen, worth, terms))
    if not figures_wanted():
        return findings, {}, x, outcomes
    frames = {
        "ledger": ledger_frame(outcomes),
        "ledger_lines": lines_frame(outcomes),
        "inputs": inputs.frame(),
        "input_correlations": inputs.correlations(),
        **frames,
        **made,
        **staged,
        "paths_by_size": sizes,
        "sensitivity": path_sensitivity.sensitivity_frame(inputs, path_sensitivity.best_two(payoff), policy),
        "dominance": path_sensitivity.dominance_frame(npv, payoff, policy),
        "path_odds": path_sensitivity.odds_frame(npv),
    }
    return findings, frames, x, outcomes


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-4, M-4.1 … M-4.4 from the results of 01 and 03 and the company's team months."""
    base, sales = upstream["01_base_assumptions"], upstream["03_sales_flow"]
    chosen, frames = path_rule.find(sales, policy)
    terms, replayed = continuation_replay.find(company, policy)
    chosen, frames = path_rule.with_more(chosen, [], terms), {**frames, **replayed}
    chosen = path_rule.with_more(chosen, *set_up_today.find(company, policy))
    inputs = gather_inputs(company, policy, base, sales)
    x, outcomes = None, None
    if isinstance(inputs, list):
        findings = [chosen, *no_money(inputs)]
    else:
        findings, made, x, outcomes = _money(company, policy, inputs, chosen)
        frames = {**frames, **made}
    if figures_wanted():
        white = base.frames.get("white_space", pd.DataFrame())
        numbers = tuple(n for f in findings[1:] for n in f.numbers)
        known = Known(policy, findings[0], sales, numbers, company.info.currency, len(white), x, outcomes, frames)
        still_open = path_rule.open_paths(findings[0], policy)
        frames |= next_steps.find(known, still_open, white, company.info.as_of, company.path_settings)
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), findings, frames)
