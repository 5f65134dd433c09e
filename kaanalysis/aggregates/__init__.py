"""Small frames out of big tables: the only code that sees tables of any size. Ibis expressions, run inside the engine.

Every function takes an open company and the policy, says what one row of its frame is, and does no statistics.
Dates are subtracted as whole days. A month is 365.25 / 12 days.
"""

from kaanalysis.aggregates.approvals import approvals_by_flow, approvals_in_flows, stances, value_accounts
from kaanalysis.aggregates.common import (
    ALL,
    DAYS_PER_MONTH,
    counted_deals,
    day_number,
    deals_with_customer,
    materialised,
    months_before,
)
from kaanalysis.aggregates.customers import (
    account_holders,
    account_register,
    customer_lives,
    order_amounts,
    product_lines,
    recurring_fees,
    won_amounts,
)
from kaanalysis.aggregates.deal_contacts import (
    budget_talks,
    deal_people,
    key_account_exits,
    key_account_stages,
    loss_words,
)
from kaanalysis.aggregates.deals import (
    closed_deals,
    deal_times,
    growth_by_account,
    history_start,
    spend_by_account,
    stage_sojourns,
    untimed_deals,
)
from kaanalysis.aggregates.flow_lives import flow_lives, performance_spectrum, waiting_by_cluster
from kaanalysis.aggregates.flows import CELL as LIBRARY_CELL
from kaanalysis.aggregates.flows import (
    library_accounts,
    library_deals,
    library_flows,
    other_accounts,
    party_order,
    roles_taking_part,
    told_steps,
)
from kaanalysis.aggregates.launch_evidence import launch_evidence
from kaanalysis.aggregates.parties import parties_by_deal, persons_by_account, returning_persons
from kaanalysis.aggregates.process import parties_by_flow
from kaanalysis.aggregates.quarrels import disputes_between_teams, handovers, ownership_claims
from kaanalysis.aggregates.rankings import ranking_matches
from kaanalysis.aggregates.reckoning import reckoning_by_deal
from kaanalysis.aggregates.reference_flows import flow_roles, key_account_deals, role_meetings
from kaanalysis.aggregates.reference_steps import reference_steps
from kaanalysis.aggregates.segments import (
    DEFINITIONS,
    account_segments,
    segment_missing,
    segment_needs,
    segment_version,
)
from kaanalysis.aggregates.selling_contacts import parties_contacted, selling_steps, steps_reached
from kaanalysis.aggregates.steps_and_selling import stage_sequences, steps_and_selling
from kaanalysis.aggregates.teams import (
    has_key_account_team,
    key_account_deal_sizes,
    key_account_deals_by_month,
    key_account_disputes,
    key_account_fees,
    key_account_openings,
    key_account_revenue,
    monthly_revenue_by_motion,
    team_disputes,
    team_economics,
    team_years,
    won_by_motion,
    won_in_last_year,
)
from kaanalysis.aggregates.transitions import Transitions, transitions

__all__ = [
    "ALL",
    "DAYS_PER_MONTH",
    "DEFINITIONS",
    "LIBRARY_CELL",
    "Transitions",
    "account_holders",
    "account_register",
    "account_segments",
    "approvals_by_flow",
    "approvals_in_flows",
    "budget_talks",
    "buying_nodes",
    "closed_deals",
    "counted_deals",
    "customer_lives",
    "day_number",
    "deal_people",
    "deal_times",
    "deals_with_customer",
    "directly_follows",
    "disputes_between_teams",
    "flow_durations",
    "flow_lives",
    "flow_roles",
    "growth_by_account",
    "handovers",
    "has_key_account_team",
    "history_start",
    "key_account_deal_sizes",
    "key_account_deals",
    "key_account_deals_by_month",
    "key_account_disputes",
    "key_account_exits",
    "key_account_fees",
    "key_account_openings",
    "key_account_revenue",
    "key_account_stages",
    "launch_evidence",
    "library_accounts",
    "library_deals",
    "library_flows",
    "loss_words",
    "materialised",
    "monthly_revenue_by_motion",
    "months_before",
    "order_amounts",
    "other_accounts",
    "ownership_claims",
    "parties_by_deal",
    "parties_by_flow",
    "parties_contacted",
    "party_order",
    "performance_spectrum",
    "persons_by_account",
    "product_lines",
    "ranking_matches",
    "reckoning_by_deal",
    "recurring_fees",
    "reference_steps",
    "returning_persons",
    "role_meetings",
    "roles_taking_part",
    "segment_missing",
    "segment_needs",
    "segment_version",
    "selling_steps",
    "spend_by_account",
    "stage_sequences",
    "stage_sojourns",
    "stances",
    "steps_and_selling",
    "steps_reached",
    "team_disputes",
    "team_economics",
    "team_years",
    "told_steps",
    "transitions",
    "untimed_deals",
    "value_accounts",
    "waiting_by_cluster",
    "won_amounts",
    "won_by_motion",
    "won_in_last_year",
]
