"""02 Procurement flow: how does the customer buy?

Are the interested parties one person or several (:mod:`role_merge`, M-2.2), how do they take part (:mod:`parties`, M-2.3), and how does
the process run (:mod:`buying_process`)?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses import buying_process, flow_library, messages, parties, role_merge
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Result

ID = "02_procurement_flow"
FEEDS = {"M-2.2": role_merge.FEEDS, "M-2.3": parties.FEEDS, "M-2.6": flow_library.FEEDS}


def _parties_by_deal(company: Company, policy: Policy) -> pd.DataFrame | None:
    if company.missing("stakeholders.person_id", "stakeholders.role", "stakeholders.part"):
        return None
    deals = aggregates.parties_by_deal(company, policy)
    return deals.assign(merge=role_merge.role_merge_index(deals["persons"].to_numpy(), deals["roles"].to_numpy()))


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-2.2, M-2.3 and the views of the buying process. Every finding names the segment definition it used."""
    deals = _parties_by_deal(company, policy)
    logged = not company.missing("buying_steps.at")
    merged, frames = role_merge.find(company, policy, deals)
    kinds, made = parties.find(company, policy, deals, logged)
    frames |= made
    if logged:
        durations, made = buying_process.find(company, policy)
        frames |= made
        kinds = replace(kinds, numbers=(*kinds.numbers, *durations))
    library, made = flow_library.find(company, policy)
    frames |= made | messages.find(company, policy)
    findings = [
        replace(f, terms={**f.terms, "definition": policy["segment.definition"]}) for f in (merged, kinds, library)
    ]
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), findings, frames)
