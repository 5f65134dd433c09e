"""M-4.4: what does the way to the first return cost, how long does it last, and does it stay within what was agreed?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kaanalysis.aggregates import ALL
from kaanalysis.analyses.ledger import PATHS, Outcome, best_in_expectation, expected_payoff
from kaanalysis.analyses.path_economics import EXPECTED, NEEDS, SPAN, span, state_of_share
from kaanalysis.analyses.path_rule import open_paths
from kaanalysis.analyses.verdicts import find_flips, number, share_of_draws
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number
from kaanalysis.stats import expected_value_of_perfect_information

CAP = "ledger.loss_cap_share"

FEEDS = {"M-4.4": NEEDS}


def _loss_numbers(outcomes: Mapping[str, Outcome], cap: float, currency: str) -> list[Number]:
    """Depth and length of the strategic loss and the chance to breach the cap, per path; the cap; what perfect information is worth."""
    made: list[Number] = []
    for path in PATHS:
        made.append(span("strategic_loss", path, outcomes[path].loss, currency, SPAN))
        made.append(span("strategic_loss_months", path, outcomes[path].loss_months, "months", SPAN))
        made.append(
            share_of_draws(
                "p_breach",
                path,
                outcomes[path].loss > cap,
                "share of draws beyond the cap; chance of single deals included",
            )
        )
    made.append(
        Number("loss_cap", ALL, cap, None, None, None, 1, currency, "policy share of the last year's won amount")
    )
    worth = expected_value_of_perfect_information(expected_payoff(outcomes))
    made.append(number("evpi", ALL, replace(worth, method=f"{worth.method}; {EXPECTED}"), currency))
    return made


def find(
    outcomes: Mapping[str, Outcome], rule_finding: Finding, won_in_year: float, policy: Policy, currency: str
) -> Finding:
    """M-4.4 for the paths that the rule leaves open. won_in_year: the company's won amount of the last twelve months.

    Term `cap`: ``default`` where the cap is the workbook's own. Undecided with the reason ``loss_depends`` where every open path is
    decided, but not all alike: then only the path is open."""
    cap = policy[CAP] * won_in_year
    horizon = policy["ledger.horizon_months"]
    loss = tuple(replace(n, horizon_months=horizon) for n in _loss_numbers(outcomes, cap, currency))
    still_open = open_paths(rule_finding, policy)
    best = best_in_expectation(outcomes)
    named = rule_finding.reason if rule_finding.reason in PATHS else best
    # A default is nobody's decision, and a loss held against it is no breach of anything that was agreed.
    unset = {} if CAP in policy.overrides else {"cap": "default"}

    def judge(p: Policy) -> list[Finding]:
        # Claim: the path stays within the loss cap. While the rule leaves several paths open, all of them must say the same.
        cap_now = p[CAP] * won_in_year
        shares = [float((outcomes[path].loss <= cap_now).mean()) for path in still_open]
        states = {state_of_share(share, p["ledger.certainty"]) for share in shares}
        state = next(iter(states)) if len(states) == 1 else "undecided"
        reason = "loss_depends" if len(states) > 1 and "undecided" not in states else f"loss_{state}"
        return [Finding("M-4.4", "strategic_loss", state, reason, loss, terms={"path": named, **unset})]

    flips = find_flips(judge, "M-4.4", policy, [CAP, "ledger.certainty"])
    return replace(judge(policy)[0], flips=flips)


def capped(outcomes: Mapping[str, Outcome], loss: Finding, policy: Policy) -> dict[str, str]:
    """Term `capped` for M-4: ``other`` where the path expected to bring most breaks the loss cap in more than 1 − `ledger.certainty` of
    the draws and another does not, the best of which `within` names; ``none`` where all do; nothing where the best stays within it."""
    held = [p for p in PATHS if state_of_share(1 - _breach(loss, p), policy["ledger.certainty"]) == "supported"]
    if best_in_expectation(outcomes) in held:
        return {}
    return {"capped": "other", "within": best_in_expectation(outcomes, held)} if held else {"capped": "none"}


def _breach(loss: Finding, path: str) -> float:
    number = loss.number("p_breach", path)
    return float(number.value) if number is not None and number.value is not None else 1.0
