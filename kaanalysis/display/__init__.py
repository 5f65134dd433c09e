"""Frames of a result as tables that a reader is shown: picked columns, names and numbers in the language, nothing computed."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from kaanalysis.display import (
    assumptions,
    buying,
    collisions,
    framing,
    health_check,
    next_steps,
    path_information,
    paths,
    rates,
    selling,
    staging,
)
from kaanalysis.display import parts as parts
from kaanalysis.display import pattern_sheets as pattern_sheets
from kaanalysis.results import Result
from kaanalysis.text import Words

TABLES: dict[str, dict[str, Callable[[Result, Words], pd.DataFrame]]] = {
    "00_problem_framing": {
        "customer_counts": framing.customer_counts,
    },
    "01_base_assumptions": {
        "statements": assumptions.statements,
        "principles": assumptions.principles,
        "definitions": assumptions.definitions,
        "white_space": assumptions.white_space,
        "persona_sensitivity": assumptions.persona_sensitivity,
        "persona_profile": assumptions.persona_profile,
    },
    "02_procurement_flow": {
        "missing_parties": buying.missing_parties,
        "unseen_parties": buying.unseen_parties,
        "opponents": buying.opponents,
        "authority_steps": buying.authority_steps,
        "authority_groups": buying.authority_groups,
        "messages": buying.messages,
        "library_next": buying.library_next,
        "samples": buying.samples,
    },
    "03_sales_flow": {
        "definition_cards": rates.definition_cards,
        "loss_modes": rates.loss_modes,
        "unknown_facts": rates.unknown_facts,
        "sales_sheet_nodes": selling.sales_sheet_nodes,
        "sheet_orphans": selling.sheet_orphans,
        "fit_items": selling.fit_items,
        "fit_teams": selling.fit_teams,
        "lane_reliefs": selling.lane_reliefs,
        "alignment_wins": selling.alignment_wins,
    },
    "04_path_selection": {
        "next_steps": next_steps.next_steps,
        "named_accounts": next_steps.named_accounts,
        "ledger_lines": paths.ledger_lines,
        "inputs": paths.inputs,
        "information": path_information.information,
        "paths_by_size": path_information.paths_by_size,
        "reconcile": path_information.reconcile,
        "difference": path_information.difference,
        "continuation_rule": staging.continuation_rule,
        "early_wins": staging.early_wins,
    },
    "05_failure_patterns": {
        "signs": health_check.signs,
        "early_warning": health_check.early_warning,
        "launch_evidence": health_check.launch_evidence,
        "change_kinds": health_check.change_kinds,
        "changes": health_check.changes,
        "look_next": health_check.look_next,
        "collisions": collisions.collisions,
        "collision_deals": collisions.collision_deals,
    },
}
SHOWN = 12  # rows of a table in the report; all are in the run folder
# Tables whose rows are questions or tasks, or add up: none is left out.
WHOLE = ("definition_cards", "next_steps", "ledger_lines", "difference", "signs", "changes", "look_next")
DRAWN = {"sales_sheet_nodes": "sales_sheet"}  # tables that the figure of another name holds: left out where it is drawn


def available(result: Result) -> list[str]:
    """Names of the display tables whose frames are there, in the order they are shown."""
    return [name for name in TABLES.get(result.id, {}) if len(result.frames.get(name, ()))]


def display_table(result: Result, name: str, words: Words) -> pd.DataFrame:
    """One display table; KeyError for a name that the analysis has no display of."""
    return TABLES[result.id][name](result, words)
