"""The tables a company folder may hold: columns, types, units, keys and the rules that rows must meet.

This file is the one place where the contract is written down as code; ``data/README.md`` is generated from it
(``make dictionary``) and :mod:`kaanalysis.company` enforces it. Nothing here reads data.

Every rule says what happens to what breaks it:

``refuse``     the table cannot be used; the run stops before anything is computed (exit code 2)
``set_aside``  the row is left out of every computation, and named
``censor``     what ends after the cut-off is taken as still open at the cut-off
``blank``      only the value is left out (becomes null), the row stays, and the value is named
``keep``       the row stays as it is; it is only pointed out
``ignore``     a file or column that the contract does not know; it is not read
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

Action = Literal["refuse", "set_aside", "censor", "blank", "keep", "ignore"]
ColumnType = Literal["id", "text", "choice", "date", "time", "month", "amount", "number", "integer", "flag", "share"]


class UnusableData(Exception):
    """The input cannot be used. The message is one sentence for a person; the command line exits with 2."""


def nearest(name: str, known: Iterable[str], n: int = 1) -> list[str]:
    """Those of `known` likely meant by `name`, the likeliest first, whatever their case, blanks, hyphens and underscores."""

    def plain(text: str) -> str:
        return re.sub(r"[\s_-]+", "", text.casefold())

    by_plain = {plain(k): k for k in known}
    return [by_plain[k] for k in difflib.get_close_matches(plain(name), by_plain, n)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint to put behind a name that nobody knows, " (did you mean …?)"; empty where none is like it."""
    near = nearest(name, known)
    return f" (did you mean {near[0]}?)" if near else ""


@dataclass(frozen=True)
class Column:
    """One column of a contract table.

    type: ``id``/``text``/``choice`` text; ``date`` a day; ``time`` a moment; ``month`` the first day of a month;
    ``amount`` money in the company's currency; ``number`` and ``integer`` plain numbers; ``flag`` true/false; ``share`` 0–1.
    required: the table cannot be read without the column, and a row without a value in it is set aside.
    references: ``table.column`` that a value must occur in.
    minimum: smallest value allowed (numbers and amounts).
    """

    name: str
    type: ColumnType
    required: bool = False
    choices: tuple[str, ...] = ()
    references: str | None = None
    minimum: float | None = None
    unit: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Order:
    """A pair of dates of one row that must not run backwards: ``earlier`` <= ``later`` where both are given."""

    earlier: str
    later: str
    action: Action = "set_aside"


@dataclass(frozen=True)
class Table:
    """A contract table. key: columns that together name one row (no key: rows may repeat)."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    orders: tuple[Order, ...] = ()
    after_as_of: tuple[str, ...] = ()  # dates that must not lie after the cut-off
    meaning: str = ""

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name!r}; it has: {', '.join(c.name for c in self.columns)}")

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.required)


MOTIONS = ("SMB", "KA", "channel")
SEGMENTS = ("SMB", "KA")
ROLES = ("owner", "investor", "manager", "executor", "user", "procurement", "finance", "legal", "technology",
         "risk_audit", "administration")  # fmt: skip
PARTS = ("approve", "inform", "influence")
LANES = ("action", "information", "system", "capability", "support")
EXITS = ("lost", "drifted", "refunded", "litigated")


def _account(required: bool = True) -> Column:
    return Column("account_id", "id", required, references="accounts.account_id", meaning="the customer account")


def _deal(required: bool = True) -> Column:
    return Column("opportunity_id", "id", required, references="opportunities.opportunity_id", meaning="the deal")


_TABLES = (
    Table("accounts", (
        Column("account_id", "id", True, meaning="names one account"),
        Column("name", "text", meaning="the customer's name"),
        Column("parent_account_id", "id", references="accounts.account_id", meaning="the group head office's account"),
        Column("industry", "text", meaning="the customer's industry"),
        Column("region", "text", meaning="where the customer is"),
        Column("employees", "number", minimum=0, unit="people", meaning="head count"),
        Column("annual_revenue", "amount", minimum=0, meaning="the customer's own revenue in a year"),
        Column("reach", "choice", choices=("global", "national", "regional", "local"), meaning="how far its business reaches"),
        Column("ranked_on", "text", meaning="name of a ranking or list that holds it"),
        Column("segment", "choice", choices=SEGMENTS, meaning="the company's own label"),
        Column("created_at", "date", meaning="when the account was recorded"),
    ), key=("account_id",), after_as_of=("created_at",), meaning="everyone we sell to or want to sell to"),
    Table("opportunities", (
        Column("opportunity_id", "id", True, meaning="names one deal"),
        _account(),
        Column("team", "text", meaning="the selling team"),
        Column("owner", "text", meaning="the seller"),
        Column("channel", "choice", choices=("direct", "partner"), meaning="who sells"),
        Column("partner_id", "id", meaning="the partner, if one sells"),
        Column("product", "text", meaning="what is sold"),
        Column("category", "text", meaning="main category of the purchase"),
        Column("origin", "choice", choices=("new", "upgrade", "renewal", "expansion"), meaning="why the deal exists"),
        Column("created_at", "date", meaning="when the deal was opened; time counts from here"),
        Column("closed_at", "date", meaning="when it was won or lost"),
        Column("outcome", "choice", True, choices=("won", "lost", "open"), meaning="how it stands at as_of"),
        Column("amount", "amount", minimum=0, meaning="contract value"),
        Column("loss_reason", "text", meaning="the recorded reason"),
        Column("lost_to_competitor", "flag", meaning="a competitor won it"),
        Column("exit", "choice", choices=EXITS, meaning="how it went away; refunded and litigated follow a signature"),
    ), key=("opportunity_id",), orders=(Order("created_at", "closed_at"),), after_as_of=("created_at", "closed_at"),
        meaning="deals, open and closed"),
    Table("teams", (
        Column("team", "id", True, meaning="names one team"),
        Column("motion", "choice", True, choices=MOTIONS, meaning="which business it sells"),
        Column("region", "text", meaning="where it sells"),
        Column("mode", "choice", choices=("part_time", "split", "rebuild"), meaning="the path it was set up on"),
    ), key=("team",), meaning="selling teams"),
    Table("stage_history", (
        _deal(),
        Column("stage", "text", True, meaning="stage entered"),
        Column("entered_at", "time", True, meaning="moment of entering"),
    ), key=("opportunity_id", "stage", "entered_at"), after_as_of=("entered_at",), meaning="each stage a deal entered, and when"),
    Table("activities", (
        _deal(),
        Column("at", "time", True, meaning="moment of the activity"),
        Column("action", "text", True, meaning="what the seller did"),
        Column("owner", "text", meaning="who did it"),
        Column("person_id", "id", meaning="the customer's person reached"),
        Column("topic", "text", meaning="what was talked about"),
    ), after_as_of=("at",), meaning="what our side did"),
    Table("stakeholders", (
        _deal(),
        Column("person_id", "id", True, meaning="a person on the customer's side"),
        Column("department", "text", meaning="where the person works"),
        Column("role", "choice", True, choices=ROLES, meaning="the interest the person holds; one row per role"),
        Column("part", "choice", True, choices=PARTS, meaning="how the person takes part in this purchase"),
        Column("key_person", "flag", meaning="the key person (KP)"),
        Column("stance", "choice", choices=("for", "neutral", "against"), meaning="for or against the purchase"),
        Column("engaged_at", "date", meaning="when we first met the person; null = known, never reached"),
    ), key=("opportunity_id", "person_id", "role"), after_as_of=("engaged_at",), meaning="who on the customer's side takes part"),
    Table("buying_steps", (
        Column("flow_id", "id", True, meaning="one purchase"),
        Column("step", "text", True, meaning="step of the customer's process"),
        Column("part", "choice", True, choices=(*PARTS, "do"), meaning="approval, information, influence, or plain work"),
        Column("department", "text", meaning="department that acts"),
        Column("role", "text", meaning="role that acts"),
        Column("person_id", "id", meaning="person who acts"),
        _deal(False),
        _account(False),
        Column("category", "text", meaning="main category of the purchase"),
        Column("industry", "text", meaning="the buyer's industry"),
        Column("size_band", "text", meaning="the buyer's size class"),
        Column("step_no", "integer", minimum=0, meaning="order within the flow, used where `at` is missing or tied"),
        Column("at", "time", meaning="moment the step was done"),
        Column("started_at", "time", meaning="moment work on the step began"),
        Column("days", "number", minimum=0, unit="days", meaning="how long the step takes, as told in an interview"),
        Column("amount", "amount", meaning="amount of the purchase"),
        Column("authority_limit", "amount", minimum=0, meaning="up to which the acting person may decide"),
        Column("source", "choice", choices=("log", "interview"), meaning="event log or interview sample"),
    ), orders=(Order("started_at", "at", "blank"),), after_as_of=("at", "started_at"), meaning="how the customer buys, step by step"),
    Table("value_items", (
        Column("flow_id", "id", True, meaning="one purchase"),
        Column("role", "choice", True, choices=ROLES, meaning="whose account"),
        Column("item", "choice", True, choices=("income", "saving", "money", "time", "learning", "change", "substitute"),
               meaning="gain (income, saving) or cost given up (the others)"),
        Column("amount", "amount", True, meaning="worth of the item to that role"),
    ), meaning="what a purchase gives and costs each role"),
    Table("order_lines", (
        _account(),
        Column("product", "text", True, meaning="product ordered"),
        Column("amount", "amount", True, meaning="amount paid"),
        Column("at", "date", meaning="order date"),
        Column("custom", "flag", meaning="work made for this customer"),
        Column("list_amount", "amount", minimum=0, meaning="list price of the line"),
        _deal(False),
    ), after_as_of=("at",), meaning="what was ordered"),
    Table("subscriptions", (
        _account(),
        Column("product", "text", meaning="product subscribed"),
        Column("started_at", "date", True, meaning="first day"),
        Column("ended_at", "date", meaning="last day; null = running at as_of"),
        Column("monthly_fee", "amount", minimum=0, meaning="fee per month"),
    ), orders=(Order("started_at", "ended_at"),), after_as_of=("started_at", "ended_at"), meaning="running contracts"),
    Table("ownership", (
        _account(),
        Column("team", "text", True, meaning="team that holds the account"),
        Column("from_at", "date", True, meaning="first day"),
        Column("to_at", "date", meaning="last day; null = still"),
    ), orders=(Order("from_at", "to_at"),), after_as_of=("from_at",), meaning="which team held an account, and when"),
    Table("disputes", (
        _account(),
        Column("opened_at", "date", True, meaning="when it began"),
        Column("team_a", "text", True, meaning="one side"),
        Column("team_b", "text", True, meaning="other side"),
        Column("hours", "number", True, minimum=0, unit="hours", meaning="management time spent"),
    ), after_as_of=("opened_at",), meaning="quarrels between teams about an account"),
    Table("team_months", (
        Column("team", "text", True, meaning="team"),
        Column("month", "month", True, meaning="month (any day of it)"),
        Column("sellers", "number", minimum=0, unit="people", meaning="sellers, full-time equivalents"),
        Column("cost", "amount", minimum=0, meaning="cost of the team"),
        Column("support_cost", "amount", minimum=0, meaning="cost of presales, service and other support"),
        Column("product_capacity", "number", minimum=0, unit="person-days", meaning="product and R&D capacity given to its business"),
        Column("releases", "number", minimum=0, meaning="product releases"),
        Column("quota", "amount", minimum=0, meaning="target"),
        Column("bookings", "amount", meaning="won amount"),
    ), key=("team", "month"), after_as_of=("month",), meaning="what a team costs and brings, month by month"),
    Table("capability", (
        Column("team", "text", True, meaning="team"),
        Column("lane", "choice", True, choices=LANES, meaning="lane of the sales flow"),
        Column("item", "text", True, meaning="what is judged"),
        Column("level", "share", True, minimum=0, meaning="0 = absent, 1 = as the flow demands; one row per judge"),
    ), meaning="what a team can do, judged 0–1"),
)  # fmt: skip

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
INDISPENSABLE = ("accounts", "opportunities")


@dataclass(frozen=True)
class Fault:
    """One broken rule. row: 1-based data row of the table (None: the whole table or column)."""

    table: str
    column: str
    row: int | None
    value: str | None
    rule: str
    action: Action

    def sentence(self) -> str:
        where = f"{self.table}.{self.column}" if self.column else self.table
        row = "" if self.row is None else f", row {self.row}"
        value = "" if self.value is None else f", value {self.value!r}"
        return f"{where}{row}{value}: {self.broken()}"

    def broken(self) -> str:
        """The rule that is broken and what was done about it, without the place."""
        return f"{RULES[self.rule]}{self._more()} ({ACTIONS[self.action]})"

    def _more(self) -> str:
        """What one asks next: which values there are, or which name was meant. Only of the tables themselves: what lies beside them, such
        as a ranking list, has names of its own."""
        if self.rule == "unknown_choice" and self.table in TABLES:
            return f", {', '.join(TABLES[self.table].column(self.column).choices)}"
        if self.rule == "unknown_column" and self.table in TABLES:
            return did_you_mean(self.column, (c.name for c in TABLES[self.table].columns))
        if self.rule == "unknown_table" and "/" not in self.table:
            near = nearest(PurePath(self.table).stem, TABLES)
            return f" (did you mean {near[0]}.csv?)" if near else ""
        return ""


ACTIONS: dict[str, str] = {
    "refuse": "the table cannot be used",
    "set_aside": "row set aside",
    "censor": "taken as still open at as_of",
    "blank": "value left out, row kept",
    "keep": "kept",
    "ignore": "not read",
}

RULES: dict[str, str] = {
    "required": "a required value is missing",
    "key_missing": "a key must not be empty",
    "key_repeated": "a key must occur only once",
    "orphan": "the value must occur in the table it refers to",
    "not_a_date": "must be an ISO 8601 date, such as 2025-12-31",
    "not_a_time": "must be an ISO 8601 date or time, such as 2025-12-31T09:30",
    "not_a_number": "must be a finite number: digits and a point, no separators, no currency sign",
    "thousands_separator": "thousands separators must be removed: 6819.19, not 6,819.19",
    "not_a_flag": "must be true or false",
    "unknown_choice": "must be one of the contract's values",
    "below_minimum": "must not be below 0",
    "above_one": "must lie between 0 and 1",
    "impossible_date": "must lie between 1900 and 2200",
    "after_as_of": "must not lie after as_of",
    "runs_backwards": "an end must not lie before its beginning",
    "open_but_closed": "an open deal must not have a closing date",
    "closed_without_date": "a closed deal should have a closing date",
    "won_but_exit_lost": "a won deal cannot have left as lost or drifted",
    "own_parent": "an account must not be its own parent",
    "mixed_currency": "amounts must all be in the company's currency",
    "unknown_column": "the contract has no such column",
    "unknown_table": "the contract has no such table",
    "excel_file": "is an Excel file; save it as CSV (UTF-8)",
    "repeated_row": "the row repeats an earlier one in every column",
    "empty_table": "the table has no rows",
    "ragged_row": "a row must have as many values as the table has columns",
}
