"""A company's accounts in groups by one of their columns: which groups there are, and a company cut down to one of them.

A group is named in the place where the data lies: ``data/demo#region=east`` is what hangs on the accounts with region east, and
``data/demo#region=`` what hangs on accounts without a region. Every command and notebook takes such a place, so that a group's report can
be repeated by itself. Values are compared as they stand, capital letters and all.

What hangs on an account: its deals with their stages, activities and stakeholders, its order lines, subscriptions, owners and
disputes, and the buying flows that name it or one of its deals, with their economic accounts and interviews. A subsidiary goes by its own
value, not by its parent's. Teams are those with a deal or an account in the group. Their months (cost, heads) cannot be divided: they
are kept where none of these teams has a deal or an account outside the group, and left out as a whole otherwise, so that what needs
costs says `no_data` and does not hold a company's cost against a part's revenue. Left out, too: flows that name no account, and
ranking lists, in which other groups' customers would count as not won.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from kaanalysis.contracts import TABLES, UnusableData

if TYPE_CHECKING:
    from kaanalysis.intake import RawTables

MARK = "#"
COLUMNS = tuple(c.name for c in TABLES["accounts"].columns if c.name != "account_id")
OF_ACCOUNT = ("order_lines", "subscriptions", "ownership", "disputes", "opportunities")
OF_DEAL = ("stage_history", "activities", "stakeholders")
# Rows of these tables stand in one group each, or in none; teams and what they can do may serve several.
DIVIDED = ("accounts", *OF_ACCOUNT, *OF_DEAL, "buying_steps", "value_items", "team_months")


def place_of(data: str, column: str, value: str | None) -> str:
    """The place of one group of the company at `data`; value None: the accounts without a value."""
    return f"{data}{MARK}{column}={value or ''}"


def selection(data: str) -> tuple[str, str | None, str | None]:
    """(place of the company, column, value) of a place that may name a group; column None: the whole company, value None: no value.

    A file or folder whose own name holds the mark is taken as it is."""
    marks = [] if _exists(data) else list(re.finditer(rf"{MARK}(\w+)=", data))
    if not marks:
        return data, None, None
    # The first that names a column: a value may hold what looks like another.
    mark = next((m for m in marks if m[1] in COLUMNS), marks[0])
    check_column(mark[1])
    return data[: mark.start()], mark[1], data[mark.end() :] or None


def _exists(place: str) -> bool:
    try:
        return Path(place).exists()
    except (OSError, ValueError):  # a value longer than any file's name, or with a sign that none can have
        return False


def check_column(column: str) -> None:
    """Refuse what is no column of accounts to group by: :class:`UnusableData` names those that are."""
    if column not in COLUMNS:
        raise UnusableData(f"accounts cannot be grouped by {column!r}; columns to group by: {', '.join(COLUMNS)}.")


def groups_of(accounts: ibis.Table, column: str) -> pd.DataFrame:
    """One row per group of valid accounts: value (None: no value; last), accounts (their number); by falling size, then by value."""
    check_column(column)
    counted = accounts.group_by(value=accounts[column].cast("string")).agg(accounts=ibis._.count()).execute()
    counted = counted.assign(value=counted["value"].astype(object).where(counted["value"].notna(), None))
    counted["none"] = [v is None for v in counted["value"]]
    ordered = counted.sort_values(["none", "accounts", "value"], ascending=[True, False, True])
    return ordered[["value", "accounts"]].reset_index(drop=True)


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def cut(raw: RawTables, there: set[str], column: str, value: str | None) -> None:
    """Remove from the engine's checked tables every row that does not hang on an account of the group. there: the tables that the
    company has. Raises :class:`UnusableData` where no account has the value."""
    check_column(column)
    own = f'"{column}" IS NULL' if value is None else f'CAST("{column}" AS VARCHAR) = {_literal(value)}'
    if not raw.raw_sql(f"SELECT count(*) FROM accounts WHERE {own}")[0][0]:
        said = f"with {column} {value!r}" if value is not None else f"without {column}"
        raise UnusableData(f"there is no account {said}.")
    raw.raw_sql(f"CREATE TEMP TABLE group_accounts AS SELECT account_id AS id FROM accounts WHERE {own}")
    # Before anything goes: which teams work for the group, and which of them elsewhere too.
    works = [f"SELECT team, account_id FROM {t}" for t in ("opportunities", "ownership") if t in there]
    inside = "account_id IN (SELECT id FROM group_accounts)"
    raw.raw_sql(
        f"CREATE TEMP TABLE group_teams AS SELECT team, bool_or(NOT {inside}) AS shared FROM ({' UNION ALL '.join(works)}) "
        f"WHERE team IS NOT NULL GROUP BY team HAVING bool_or({inside})"
    )
    _keep(raw, there, ("accounts", *OF_ACCOUNT), inside)
    raw.raw_sql("CREATE TEMP TABLE group_deals AS SELECT opportunity_id AS id FROM opportunities")
    _keep(raw, there, OF_DEAL, "opportunity_id IN (SELECT id FROM group_deals)")
    if "buying_steps" in there:
        raw.raw_sql(
            "CREATE TEMP TABLE group_flows AS SELECT DISTINCT flow_id AS id FROM buying_steps "
            "WHERE account_id IN (SELECT id FROM group_accounts) OR opportunity_id IN (SELECT id FROM group_deals)"
        )
        _keep(raw, there, ("buying_steps", "value_items"), "flow_id IN (SELECT id FROM group_flows)")
    else:
        _keep(raw, there, ("value_items",), "false")
    _keep(raw, there, ("teams", "capability"), "team IN (SELECT team FROM group_teams)")
    alone = "NOT EXISTS (SELECT 1 FROM group_teams WHERE shared)"
    _keep(raw, there, ("team_months",), f"team IN (SELECT team FROM group_teams) AND {alone}")


def _keep(raw: RawTables, there: set[str], tables: tuple[str, ...], condition: str) -> None:
    for table in tables:
        if table in there:
            raw.raw_sql(f'DELETE FROM "{table}" WHERE ({condition}) IS NOT TRUE')


def resolved(data: str) -> str:
    """A place with its path made absolute, whatever group it names; addresses of databases are left as they are."""
    whole, column, value = selection(data)
    whole = whole if "://" in whole else str(Path(whole).resolve())
    return whole if column is None else place_of(whole, column, value)


def label(data: str) -> str:
    """A place without the folders before it, as a report may name it: it must not tell where it was made."""
    whole, column, value = selection(data)
    whole = whole.split("@")[-1] if "://" in whole else Path(whole).name
    return whole if column is None else place_of(whole, column, value)
