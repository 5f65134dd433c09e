"""The collision ledger: which customers two teams are after at the same time, when, and with which deals.

A line is an account pair, a team pair and a period: deals that run together, claims of ownership that overlap, and disputes of the same
teams about the same customer belong to one period as long as no more than ``collisions.gap_months`` lie between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kaanalysis.aggregates import DAYS_PER_MONTH, disputes_between_teams
from kaanalysis.aggregates.collisions import account_names, claim_collisions, deal_collisions
from kaanalysis.aggregates.patterns import pattern_deals
from kaanalysis.analyses.pursuit import CodedDeals, coded, day_of, met_groups
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.pseudonyms import Pseudonyms
from kaanalysis.stats import poisson_binomial_range

FEEDS = ("opportunities.team", "opportunities.created_at", "teams.motion")
COLLISIONS = (
    "line", "account_a", "name_a", "account_b", "name_b", "matched_by", "score", "match_state", "team_a", "team_b", "begins", "ends",
    "deals_a", "deals_b", "open", "won_a", "won_b", "amount_won", "days_held_by_both", "disputes", "hours",
)  # fmt: skip
DEALS = (
    "line", "kind", "opportunity_id", "account_id", "team", "other_team", "owner", "begins", "ends", "outcome", "amount", "hours",
)  # fmt: skip
OVERLAP = ("team_a", "team_b", "accounts", "expected", "low", "high", "disputes")
_PAIR = ["account_a", "account_b", "team_a", "team_b"]


@dataclass(frozen=True)
class Ledger:
    """collisions: one row per line (:data:`COLLISIONS`); deals: what is behind it (:data:`DEALS`; kind: deal, claim, dispute); overlap: one
    row per pair of teams (:data:`OVERLAP`)."""

    collisions: pd.DataFrame
    deals: pd.DataFrame
    overlap: pd.DataFrame

    def frames(self, pseudonyms: Pseudonyms | None = None) -> dict[str, pd.DataFrame]:
        """The frames by the names that results, tables and sheets know; pseudonyms: for a report that leaves the house."""
        found = {"collisions": self.collisions, "collision_deals": self.deals, "overlap": self.overlap}
        return found if pseudonyms is None else {name: pseudonyms.apply(frame) for name, frame in found.items()}


def collision_ledger(company: Company, policy: Policy) -> Ledger | None:
    """The ledger of collisions since the launch (without one: of all on record); None where a column of :data:`FEEDS` is missing.

    Wrong where two companies share a name (lines matched by name say so, with their score, and are for a person to judge) and where teams
    are meant to work together."""
    if company.missing(*FEEDS):
        return None
    pairs, deals = deal_collisions(company, policy), pattern_deals(company, policy)
    claims = claim_collisions(company, policy)
    disputes = disputes_between_teams(company, policy) if company.has("disputes.opened_at") else pd.DataFrame()
    lines, spells = _lines(pairs, claims, _told(disputes, company), policy)
    behind = _behind(lines, spells, pairs, deals)
    return Ledger(_summed(lines, spells, behind, company), behind, overlap_matrix(deals, disputes, company, policy))


def _told(disputes: pd.DataFrame, company: Company) -> pd.DataFrame:
    """Disputes since the launch with their two teams in the ledger's order: the KA team first, else by name."""
    if disputes.empty:
        return pd.DataFrame(columns=["account_id", "opened_at", "team_a", "team_b", "hours"])
    start = company.info.ka_launch or company.info.observed_from
    d = disputes[disputes["opened_at"].notna()]
    d = d[d["opened_at"] >= pd.Timestamp(start)] if start else d
    ka_a, ka_b = (d["motion_a"] == "KA").fillna(False), (d["motion_b"] == "KA").fillna(False)
    turned = ((ka_b & ~ka_a) | ((ka_a == ka_b) & (d["team_a"] > d["team_b"]))).to_numpy(bool)
    first, second = np.where(turned, d["team_b"], d["team_a"]), np.where(turned, d["team_a"], d["team_b"])
    return d.assign(team_a=first, team_b=second)[["account_id", "opened_at", "team_a", "team_b", "hours"]]


def _lines(
    pairs: pd.DataFrame, claims: pd.DataFrame, disputes: pd.DataFrame, policy: Policy
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(lines, spells): every spell (kind, begins, ends, its place in its own frame) with the number of the line that it belongs to."""
    of_deals = pairs[[*_PAIR, "begins", "ends", "matched_by", "score", "match_state"]].assign(kind="deal")
    sure: dict[str, Any] = {"matched_by": "account", "score": 100.0, "match_state": "accepted"}
    of_claims = pd.DataFrame({
        "account_a": claims["account_id"], "account_b": claims["account_id"], "team_a": claims["team_a"], "team_b": claims["team_b"],
        "begins": claims["begins"], "ends": claims["ends"],
    }).assign(kind="claim", hours=np.nan, **sure)  # fmt: skip
    of_disputes = pd.DataFrame({
        "account_a": disputes["account_id"], "account_b": disputes["account_id"], "team_a": disputes["team_a"],
        "team_b": disputes["team_b"], "begins": disputes["opened_at"], "ends": disputes["opened_at"], "hours": disputes["hours"],
    }).assign(kind="dispute", **sure)  # fmt: skip
    made = [s for s in (of_deals.assign(hours=np.nan, pair=np.arange(len(pairs))), of_claims, of_disputes) if len(s)]
    if not made:
        empty = pd.DataFrame(
            columns=[*_PAIR, "begins", "ends", "matched_by", "score", "match_state", "kind", "hours", "pair", "line"]
        )
        return empty, empty
    spells = pd.concat(made, ignore_index=True).sort_values([*_PAIR, "begins", "ends"], ignore_index=True)
    spells = spells.reindex(
        columns=[*spells.columns, *({"pair", "hours"} - set(spells.columns))]
    )  # of deals, of disputes alone
    spells["begins"], spells["ends"] = pd.to_datetime(spells["begins"]), pd.to_datetime(spells["ends"])
    same = spells.groupby(_PAIR, sort=False)
    reach = same["ends"].cummax()
    before = reach.groupby([spells[c] for c in _PAIR], sort=False).shift()
    fresh = before.isna() | ((spells["begins"] - before).dt.days > policy["collisions.gap_months"] * DAYS_PER_MONTH)
    period = fresh.cumsum()
    lines = spells.groupby(period).agg(
        **{c: (c, "first") for c in (*_PAIR, "matched_by", "score", "match_state")}, begins=("begins", "min"), ends=("ends", "max")
    )  # fmt: skip
    order = lines.sort_values(["begins", *_PAIR]).index
    number = pd.Series([f"C{i + 1:0{max(4, len(str(len(order))))}d}" for i in range(len(order))], index=order)
    spells["line"] = period.map(number)
    return lines.loc[order].assign(line=number).reset_index(drop=True), spells


def _behind(lines: pd.DataFrame, spells: pd.DataFrame, pairs: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """What is behind every line, each deal once, the line's first team first."""
    if lines.empty:
        return pd.DataFrame(columns=list(DEALS))
    of_deals = spells[spells["kind"] == "deal"]
    at = pairs.iloc[of_deals["pair"].astype("int64")]
    sides = [
        pd.DataFrame({"line": of_deals["line"].to_numpy(), "opportunity_id": at[f"opportunity_{side}"].to_numpy(),
                      "other_team": at[f"team_{other}"].to_numpy(), "place": place})
        for place, (side, other) in enumerate((("a", "b"), ("b", "a")))
    ]  # fmt: skip
    own = pd.concat(sides, ignore_index=True).drop_duplicates(["line", "opportunity_id", "place"])
    facts = deals[["opportunity_id", "account_id", "team", "owner", "created_at", "closed_at", "outcome", "amount"]]
    own = own.merge(facts, on="opportunity_id").rename(columns={"created_at": "begins", "closed_at": "ends"})
    rest = spells[spells["kind"] != "deal"].rename(
        columns={"account_a": "account_id", "team_a": "team", "team_b": "other_team"}
    )
    parts = [own.assign(kind="deal"), rest.assign(place=2)]
    out = pd.concat([p for p in parts if len(p)], ignore_index=True).reindex(columns=[*DEALS, "place"])
    return out.sort_values(["line", "place", "begins", "opportunity_id"], ignore_index=True)[list(DEALS)]


def _summed(lines: pd.DataFrame, spells: pd.DataFrame, behind: pd.DataFrame, company: Company) -> pd.DataFrame:
    """The lines with what is behind them counted, newest first."""
    if lines.empty:
        return pd.DataFrame(columns=list(COLLISIONS))
    names = account_names(company, sorted({*lines["account_a"], *lines["account_b"]}))
    own = behind[behind["kind"] == "deal"].merge(lines[["line", "team_a"]], on="line")
    own["first"] = own["team"] == own["team_a"]
    won = own["outcome"] == "won"
    counts = own.assign(
        deals_a=own["first"], deals_b=~own["first"], open=own["outcome"] == "open", won_a=won & own["first"],
        won_b=won & ~own["first"], amount_won=own["amount"].where(won, 0.0).fillna(0.0),
    ).groupby("line")[["deals_a", "deals_b", "open", "won_a", "won_b", "amount_won"]].sum()  # fmt: skip
    claims = spells[spells["kind"] == "claim"]
    held = (claims["ends"] - claims["begins"]).dt.days.groupby(claims["line"]).sum()
    quarrels = spells[spells["kind"] == "dispute"].groupby("line")["hours"].agg(["size", "sum"])
    out = lines.set_index("line").join(counts).assign(
        name_a=lines.set_index("line")["account_a"].map(names), name_b=lines.set_index("line")["account_b"].map(names),
        days_held_by_both=held, disputes=quarrels["size"], hours=quarrels["sum"],
    )  # fmt: skip
    whole = ["deals_a", "deals_b", "open", "won_a", "won_b", "days_held_by_both", "disputes"]
    out[whole] = out[whole].fillna(0).astype("int64")
    out[["amount_won", "hours"]] = out[["amount_won", "hours"]].fillna(0.0)
    return out.reset_index()[list(COLLISIONS)].sort_values(["begins", "line"], ascending=False, ignore_index=True)


def overlap_matrix(deals: pd.DataFrame, disputes: pd.DataFrame, company: Company, policy: Policy) -> pd.DataFrame:
    """One row per pair of teams with deals since the launch: team_a (the KA team where one is, else the first by name), team_b, accounts
    (customer groups that both pursued on the same day), expected, low, high (what chance would have it, by
    :func:`kaanalysis.analyses.pursuit.met_groups`: mean and the middle `evidence.level` of the Poisson-binomial distribution), disputes
    (between the two, whoever is named first; null where none are recorded)."""
    start = company.info.ka_launch
    since = deals[deals["created_at"] >= pd.Timestamp(start)] if start else deals
    code = coded(since.reset_index(drop=True)).known_at(day_of(company.info.as_of))
    team = since["team"].to_numpy(object)[code.row]
    told = _told(disputes, company)
    quarrels = told.groupby(["team_a", "team_b"]).size() if len(told) else pd.Series(dtype="int64")
    books: dict[str, CodedDeals] = {str(name): code.pick(team == name) for name in sorted(set(team))}
    # The KA teams first, as in the ledger.
    names = sorted(books, key=lambda name: (not books[name].key.any(), name))
    rows = []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            there, chance = met_groups(books[a], books[b])
            low, high = poisson_binomial_range(chance, policy["evidence.level"])
            count = int(quarrels.get((a, b), 0)) + int(quarrels.get((b, a), 0)) if len(disputes) else None
            rows.append((a, b, int(there.sum()), float(chance.sum()), float(low), float(high), count))
    frame = pd.DataFrame(rows, columns=list(OVERLAP))
    return frame.astype({"disputes": "float64"})
