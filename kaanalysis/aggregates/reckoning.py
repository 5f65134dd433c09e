"""Whether anybody on the customer's side is on record as doing the sums: offers compared, discounts and extras asked for, a value case."""

from __future__ import annotations

import tomllib
from functools import cache

import ibis
import ibis.expr.types as ir
import pandas as pd

from kaanalysis.aggregates.common import deals_with_customer, word_pattern
from kaanalysis.company import Company
from kaanalysis.paths import PACKAGE
from kaanalysis.policy import Policy

KINDS = ("compare_offers", "discount", "extras", "value_case")


@cache
def patterns() -> dict[str, str]:
    """One regular expression per kind, for text in lower case: English words whole, Chinese ones anywhere (``reckoning.toml``). It reads
    the same in Python and in the engine (RE2, whose word border is that of Latin script)."""
    raw = tomllib.loads((PACKAGE / "reckoning.toml").read_text(encoding="utf-8"))
    return {kind: word_pattern(raw[kind]["en"], raw[kind]["zh"]) for kind in KINDS}


def _texts(company: Company) -> list[ibis.Table]:
    """Recorded events of deals as (opportunity_id, text): steps of the customer, actions and topics of our side."""
    out = []
    if company.has("buying_steps.opportunity_id"):
        steps = company.table("buying_steps")
        out.append(steps.filter(steps.opportunity_id.notnull()).select("opportunity_id", text=steps.step))
    if company.has("activities.action"):
        activities = company.table("activities")
        columns = [activities.action, activities.topic]
        out += [activities.select("opportunity_id", text=column) for column in columns]
    return out


def reckoning_by_deal(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per closed deal: opportunity_id, segment, cluster, events (recorded ones: 0 where nobody wrote anything down), and by kind
    whether one of its events names it: compare_offers, discount, extras, value_case. Empty without any events on record."""
    columns = ["opportunity_id", "segment", "cluster", "events", *KINDS]
    texts = _texts(company)
    if not texts:
        return pd.DataFrame(columns=columns)
    events = ibis.union(*texts) if len(texts) > 1 else texts[0]
    found: dict[str, ir.Value] = {
        kind: events.text.lower().re_search(p).fill_null(False) for kind, p in patterns().items()
    }
    named = events.mutate(**found)
    by_deal = named.group_by(event_id="opportunity_id").aggregate(
        events=named.text.count(), **{k: named[k].ifelse(1, 0).max() for k in KINDS}
    )
    deals = deals_with_customer(company, policy)
    deals = deals.filter(deals.outcome != "open").select("opportunity_id", "segment", "cluster")
    frame = deals.left_join(by_deal, deals.opportunity_id == by_deal.event_id).drop("event_id")
    frame = frame.mutate(events=frame.events.fill_null(0), **{k: (frame[k] == 1).fill_null(False) for k in KINDS})
    return frame.select(*columns).order_by("opportunity_id").execute()
