"""Which inputs of the ledger one study would answer together: what there is to find out before deciding."""

from __future__ import annotations

from collections.abc import Mapping

from kaanalysis.analyses.uncertain_inputs import Inputs

# Settings by study, in the order in which a reader meets them; a setting of a path is named without its path: what tells of the pay
# of one path tells of the others. How each would be found out is in the texts (terms.study_how).
STUDIES: Mapping[str, tuple[str, ...]] = {
    "closed_deals": ("success", "deal_size", "deal_variation", "cycle_months", "cycle_spread", "relief"),
    "pilot_team": ("deals_per_seller", "productivity", "ramp_months", "relief_factor", "relief_reached"),
    "customers": ("lifetime_months", "recurring_share", "gross_margin", "remaining_share"),
    "market": ("potential_accounts", "deals_per_account", "named_accounts"),
    "costs": (
        "seller_cost",
        "support_cost",
        "presales_share",
        "leader_multiple",
        "pay_uplift",
        "support_multiple",
        "training_multiple",
        "systems_multiple",
        "review_multiple",
    ),
    "product_capacity": ("product_multiple", "smb_product"),
    "smb_side": (
        "smb_bookings",
        "smb_people",
        "accounts_moved",
        "accounts_factor",
        "conflict_hours",
        "conflict_factor",
        "hour_multiple",
        "month_hours",
    ),
    "plan": ("sellers",),
}
OTHER = "other"  # an input that no study names is not left out


def setting_of(name: str) -> str:
    """An input's name without its path."""
    return name.rpartition(".")[2]


def study_of(name: str) -> str:
    setting = setting_of(name)
    return next((study for study, settings in STUDIES.items() if setting in settings), OTHER)


def by_setting(inputs: Inputs) -> dict[str, list[int]]:
    """Uncertain inputs by setting: the columns of all paths that share it."""
    out: dict[str, list[int]] = {}
    for i, item in enumerate(inputs.items):
        if item.uncertain:
            out.setdefault(setting_of(item.name), []).append(i)
    return out


def by_study(inputs: Inputs) -> dict[str, list[int]]:
    """Uncertain inputs by study, in the order of :data:`STUDIES`."""
    out: dict[str, list[int]] = {}
    for study in (*STUDIES, OTHER):
        columns = [i for i, item in enumerate(inputs.items) if item.uncertain and study_of(item.name) == study]
        if columns:
            out[study] = columns
    return out


def origin_of(inputs: Inputs, columns: list[int]) -> str:
    """``data`` or ``policy`` where all of the inputs are so, else ``both``."""
    origins = {inputs.items[i].origin for i in columns}
    return origins.pop() if len(origins) == 1 else "both"
