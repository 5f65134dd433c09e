"""02 Procurement flow: how does the customer buy?

Are the interested parties one person or several (:mod:`role_merge`, M-2.2), what has that to do with winning (:mod:`merge_outcome`), how do
they take part (:mod:`parties`, M-2.3), does the purchase pay for each of them (:mod:`economic_account`, M-2.1), where are approvals
added (:mod:`authority`, M-2.5), how does the process run (:mod:`buying_process`), and what does a library of such purchases cover
(:mod:`flow_library`, M-2.6)?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses import (
    authority,
    buying_process,
    economic_account,
    flow_library,
    merge_outcome,
    messages,
    missing_parties,
    parties,
    reckoning,
    role_merge,
    unseen_parties,
)
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Result

ID = "02_procurement_flow"
FEEDS = {
    "M-2.1": economic_account.FEEDS,
    "M-2.2": role_merge.FEEDS,
    "M-2.3": parties.FEEDS,
    "M-2.5": authority.FEEDS,
    "M-2.6": flow_library.FEEDS,
}


def _parties_by_deal(company: Company, policy: Policy) -> pd.DataFrame | None:
    if company.missing("stakeholders.person_id", "stakeholders.role", "stakeholders.part"):
        return None
    deals = aggregates.parties_by_deal(company, policy)
    index = role_merge.role_merge_index
    return deals.assign(
        merge=index(deals["persons"].to_numpy(), deals["roles"].to_numpy()),
        early_merge=index(deals["early_persons"].to_numpy(), deals["early_roles"].to_numpy()),
    )


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-2.1, M-2.2, M-2.3, M-2.5, M-2.6 and the views of the buying process. Every finding names the segment definition it used."""
    deals = _parties_by_deal(company, policy)
    logged = not company.missing("buying_steps.at")
    merged, frames = role_merge.find(company, policy, deals)
    if deals is not None and merged.state != "no_data" and company.has("opportunities.created_at"):
        outcomes, made = merge_outcome.measure(company, policy, deals)
        merged, frames = replace(merged, numbers=(*merged.numbers, *outcomes)), frames | made
    if merged.state != "no_data":
        sums, made = reckoning.measure(company, policy)
        merged, frames = replace(merged, numbers=(*merged.numbers, *sums)), frames | made
    kinds, made = parties.find(company, policy, deals, logged)
    frames |= made
    if deals is not None:
        for view in (unseen_parties, missing_parties):
            numbers, made = view.measure(company, policy)
            kinds, frames = replace(kinds, numbers=(*kinds.numbers, *numbers)), frames | made
    if logged:
        durations, made = buying_process.find(company, policy)
        frames |= made
        kinds = replace(kinds, numbers=(*kinds.numbers, *durations))
    account, made = economic_account.find(company, policy)
    frames |= made
    limit, made = authority.find(company, policy)
    frames |= made
    library, made = flow_library.find(company, policy)
    frames |= made | messages.find(company, policy)
    found = (account, merged, kinds, limit, library)
    findings = [replace(f, terms={**f.terms, "definition": policy["segment.definition"]}) for f in found]
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), findings, frames)
