"""Small frames out of big tables: the only code that sees tables of any size. Ibis expressions, run inside the engine.

Every function takes an open company and the policy, says what one row of its frame is, and does no statistics.
Dates are subtracted as whole days. A month is 365.25 / 12 days.
"""

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
    parties_by_deal,
    product_lines,
    recurring_fees,
    won_amounts,
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
from kaanalysis.aggregates.process import buying_nodes, directly_follows, flow_durations, parties_by_flow, transitions
from kaanalysis.aggregates.rankings import ranking_matches
from kaanalysis.aggregates.segments import (
    DEFINITIONS,
    account_segments,
    segment_missing,
    segment_needs,
    segment_version,
)
from kaanalysis.aggregates.teams import (
    key_account_deal_sizes,
    key_account_deals_by_month,
    key_account_revenue,
    monthly_revenue_by_motion,
    team_economics,
    team_years,
    won_by_motion,
    won_in_last_year,
)

__all__ = [
    "ALL",
    "DAYS_PER_MONTH",
    "DEFINITIONS",
    "account_holders",
    "account_register",
    "account_segments",
    "buying_nodes",
    "closed_deals",
    "counted_deals",
    "customer_lives",
    "day_number",
    "deal_times",
    "deals_with_customer",
    "directly_follows",
    "flow_durations",
    "growth_by_account",
    "history_start",
    "key_account_deal_sizes",
    "key_account_deals_by_month",
    "key_account_revenue",
    "materialised",
    "monthly_revenue_by_motion",
    "months_before",
    "order_amounts",
    "parties_by_deal",
    "parties_by_flow",
    "product_lines",
    "ranking_matches",
    "recurring_fees",
    "segment_missing",
    "segment_needs",
    "segment_version",
    "spend_by_account",
    "stage_sojourns",
    "team_economics",
    "team_years",
    "transitions",
    "untimed_deals",
    "won_amounts",
    "won_by_motion",
    "won_in_last_year",
]
