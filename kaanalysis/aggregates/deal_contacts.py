"""Key-account deals with whom the seller met and when, when the budget was talked of, and where they stood on any day."""

from __future__ import annotations

import tomllib
from functools import cache

import ibis
import pandas as pd

from kaanalysis.aggregates.common import counted_deals, day_number, deals_with_customer, word_pattern
from kaanalysis.company import Company
from kaanalysis.paths import PACKAGE
from kaanalysis.policy import Policy

KEY = "KA"


@cache
def loss_words() -> dict[str, str]:
    """One regular expression per heading of ``loss_words.toml``, for text in lower case."""
    raw = tomllib.loads((PACKAGE / "loss_words.toml").read_text(encoding="utf-8"))
    return {name: word_pattern(words["en"], words["zh"]) for name, words in raw.items()}


def _deals(company: Company, policy: Policy) -> ibis.Table:
    deals = counted_deals(deals_with_customer(company, policy), policy)
    deals = deals.filter((deals.segment == KEY) & deals.created_at.notnull())
    return deals.filter((deals.outcome == "open") | deals.closed_at.notnull())


def key_account_exits(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per key-account deal that can be timed: opportunity_id, account_id, cluster, name, amount, days (to closing or as_of),
    follow_up, entry, result (won, lost, drifted, refunded, litigated; null = open) and loss_reason. A deal won and then refunded or
    litigated ended in that; when is not recorded, so it counts from its closing."""
    deals = _deals(company, policy)
    names = company.table("accounts").select(named_id="account_id", name="name")
    as_of, watched = ibis.literal(company.info.as_of), company.info.observed_from
    joined = deals.left_join(names, deals.account_id == names.named_id)
    opened = day_number(joined.created_at)
    end = (joined.outcome != "open").ifelse(joined.closed_at, as_of)
    undone = joined["exit"].isin(["refunded", "litigated"]).fill_null(False)
    drifted = (joined["exit"] == "drifted").fill_null(False)
    frame = joined.select(
        "opportunity_id", "account_id", "cluster", "name", "amount", "loss_reason",
        days=day_number(end) - opened, follow_up=day_number(as_of) - opened,
        entry=ibis.greatest(day_number(ibis.literal(watched)) - opened, 0) if watched else ibis.literal(0, "int64"),
        result=ibis.cases(
            (joined.outcome == "open", ibis.null("string")), ((joined.outcome == "won") & undone, joined["exit"]),
            (joined.outcome == "won", "won"), (drifted, "drifted"), else_="lost",
        ),
    )  # fmt: skip
    return frame.filter(frame.days >= frame.entry).order_by("opportunity_id").execute()


def deal_people(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per person, role and key-account deal: opportunity_id, person_id, role, department, part, stance, key_person, met (days
    from the deal's opening to the first meeting; missing = never met)."""
    deals = _deals(company, policy).select("opportunity_id", "created_at")
    joined = company.table("stakeholders").inner_join(deals, "opportunity_id")
    frame = joined.select(
        "opportunity_id", "person_id", "role", "department", "part", "stance", "key_person",
        met=(day_number(joined.engaged_at) - day_number(joined.created_at)).cast("float64"),
    )  # fmt: skip
    return frame.order_by(["opportunity_id", "person_id", "role"]).execute()


def budget_talks(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per key-account deal with activities on record: opportunity_id, talked (days from opening to the first activity whose action
    or topic is about budget or price; missing = none is)."""
    deals = _deals(company, policy).select("opportunity_id", "created_at")
    joined = company.table("activities").inner_join(deals, "opportunity_id")
    joined = joined.mutate(told=joined.action.fill_null("").concat(" ", joined.topic.fill_null("")).lower())
    about = joined.told.re_search(loss_words()["budget_talk"]).fill_null(False)
    day = (day_number(joined["at"]) - day_number(joined.created_at)).cast("float64")
    joined = joined.mutate(day=about.ifelse(day, ibis.null("float64")))
    return joined.group_by("opportunity_id").aggregate(talked=joined.day.min()).order_by("opportunity_id").execute()


def key_account_stages(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per stage that a key-account deal entered: opportunity_id, stage, day (days from opening), in order."""
    deals = _deals(company, policy).select("opportunity_id", "created_at")
    joined = company.table("stage_history").inner_join(deals, "opportunity_id")
    frame = joined.select(
        "opportunity_id", "stage", "row__", day=day_number(joined.entered_at) - day_number(joined.created_at)
    )
    return frame.order_by(["opportunity_id", "day", "row__"]).drop("row__").execute()
