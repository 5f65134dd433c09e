"""What each failure mechanism leaves in the tables, and that every company keeps the contract and agrees with itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import kaanalysis.simulate as simulate_module
from kaanalysis.company import open_company
from kaanalysis.contracts import TABLES, UnusableData
from kaanalysis.simulate import draw_company, parameters, simulate

NAMES = parameters.names()
AS_OF = pd.Timestamp("2026-06-30")


def tables(name: str, seed: int = 5, size: float = 1.0) -> dict[str, pd.DataFrame]:
    found = {n: t.to_pandas() for n, t in draw_company(parameters.load(name), seed, size).items()}
    for n, frame in found.items():
        for column in TABLES[n].columns:
            if column.type in ("date", "time", "month"):
                frame[column.name] = pd.to_datetime(frame[column.name])
    deals = found["opportunities"].merge(found["accounts"][["account_id", "segment", "region"]], on="account_id")
    found["deals"] = deals.merge(found["teams"][["team", "motion"]], on="team")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_company_keeps_the_contract(name: str, tmp_path: Path) -> None:
    opened = open_company(simulate(name, tmp_path / name, seed=3, size=0.4))
    assert opened.faults == [] and set(opened.tables) == set(TABLES)


@pytest.mark.parametrize("name", [n for n in NAMES if any(parameters.load(n).patterns.values())])
def test_every_failing_company_agrees_with_itself(name: str) -> None:
    made = tables(name)
    won = made["deals"].query("outcome == 'won'")
    cents = (won["amount"] * 100).round().astype("int64")
    month = won["closed_at"].dt.to_period("M").dt.to_timestamp()
    booked = made["team_months"].set_index(["team", "month"])["bookings"].mul(100).round().astype("int64")
    sums = cents.groupby([won["team"], month]).sum().rename_axis(["team", "month"])
    assert (booked[booked != 0].sort_index() == sums.sort_index()).all() and len(sums) == (booked != 0).sum()
    lines = made["order_lines"].dropna(subset=["opportunity_id"]).groupby("opportunity_id")["amount"].sum()
    assert np.allclose(lines.sort_index(), won.set_index("opportunity_id")["amount"].sort_index(), atol=0.005)
    deals = made["deals"].set_index("opportunity_id")
    known = set(zip(made["stakeholders"]["opportunity_id"], made["stakeholders"]["person_id"], strict=True))
    for table, column in (
        ("stage_history", "entered_at"),
        ("activities", "at"),
        ("stakeholders", "engaged_at"),
        ("buying_steps", "at"),
    ):
        rows = made[table].dropna(subset=["opportunity_id", column])
        deal = deals.loc[rows["opportunity_id"]]
        assert (rows[column].to_numpy() >= deal["created_at"].to_numpy()).all(), table
        assert (rows[column].to_numpy() <= deal["closed_at"].fillna(AS_OF).to_numpy()).all(), table
        if "person_id" in rows:
            assert set(zip(rows["opportunity_id"], rows["person_id"], strict=True)) <= known
    last = made["stage_history"].sort_values("entered_at", kind="stable").groupby("opportunity_id")["stage"].last()
    assert set(last.index) == set(deals.index)
    # An account has one life of subscriptions, which begins no later than its first registered win.
    lives = made["subscriptions"].groupby("account_id")["started_at"].min()
    first = won.groupby("account_id")["closed_at"].min()
    assert (lives.reindex(first.index) <= first).all()


def test_hatching_moves_the_best_sellers_with_their_names() -> None:
    made, world = tables("hatching"), parameters.load("hatching")
    deals, launch = made["deals"], pd.Timestamp(world.ka_launch)
    moved = set(deals.loc[(deals["motion"] == "KA"), "owner"]) & set(deals.loc[deals["motion"] == "SMB", "owner"])
    assert len(moved) >= 4
    smb = deals[(deals["motion"] == "SMB") & deals["owner"].isin(moved)]
    assert (smb["created_at"] < launch).all() and (deals.loc[(deals["motion"] == "KA"), "created_at"] >= launch).all()
    month = (
        made["team_months"].merge(made["teams"], on="team").query("motion == 'SMB'").groupby("month")["sellers"].sum()
    )
    before, after = month[month.index < launch].iloc[-1], month[month.index >= launch].iloc[0]
    assert after <= before - len(moved) + 1
    key = deals[(deals["segment"] == "KA") & (deals["outcome"] == "won")].assign(
        days=lambda d: (d["closed_at"] - d["created_at"]).dt.days
    )
    late = key["motion"] == "KA"
    assert key.loc[late, "days"].median() > 1.2 * key.loc[~late, "days"].median()


def test_partners_hide_divert_withhold_where_the_conflict_is_and_only_there() -> None:
    made, world = tables("channel", size=8.0), parameters.load("channel")
    assert world.channel is not None
    launch, deals = pd.Timestamp(world.ka_launch), made["deals"].query("motion == 'channel'")
    region = made["accounts"].set_index("account_id")["region"]
    silent = made["order_lines"][made["order_lines"]["opportunity_id"].isna()]
    assert (
        len(silent) > 30
        and set(region[silent["account_id"]]) == set(world.channel.regions)
        and (silent["at"] >= launch).all()
    )
    there = deals["region"].isin(world.channel.regions) & (deals["created_at"] >= launch)
    stages = (
        made["stage_history"].groupby("opportunity_id")["stage"].first().reindex(deals["opportunity_id"]).to_numpy()
    )
    assert (stages[there.to_numpy()] == "close").mean() > 0.1 and (stages[~there.to_numpy()] == "lead").all()
    monthly = (
        there.sum() / 24 / (deals["region"].isin(world.channel.regions) & (deals["created_at"] < launch)).sum() * 42
    )
    assert monthly < 0.65
    # Diverted deals are lost at the last step, to a competitor.
    last = made["stage_history"].groupby("opportunity_id")["stage"].last().reindex(deals["opportunity_id"]).to_numpy()
    rivals = deals[(deals["outcome"] == "lost") & (last == "close")].groupby(there)["lost_to_competitor"].mean()
    assert rivals[True] > 1.3 * rivals[False]
    key = made["deals"].query("motion == 'KA' and outcome != 'open'")
    wins = (key["outcome"] == "won").groupby(key["region"].isin(world.channel.regions)).mean()
    assert wins[True] < wins[False] - 0.1


def test_the_rival_team_pursues_the_same_customers_at_the_same_time() -> None:
    made = tables("rival_team", size=2.0)
    deals = made["deals"].assign(end=lambda d: d["closed_at"].fillna(AS_OF))
    smb_accounts = deals.query("segment == 'SMB'")
    both = smb_accounts.query("motion == 'KA'").merge(
        smb_accounts.query("motion == 'SMB'"), on="account_id", suffixes=("", "_smb")
    )
    close = (both["created_at"] - both["created_at_smb"]).dt.days.abs() <= 3
    assert both.loc[close, "opportunity_id"].nunique() > 0.9 * len(smb_accounts.query("motion == 'KA'"))
    pairs = both[close]
    assert not ((pairs["outcome"] == "won") & (pairs["outcome_smb"] == "won")).any()
    held = made["ownership"][made["ownership"]["to_at"].isna()].groupby("account_id")["team"].nunique()
    assert (held > 1).sum() > 50
    assert len(made["disputes"]) > 5 * len(tables("healthy", size=2.0)["disputes"])


def test_the_siphon_moves_customers_and_drains_the_pool() -> None:
    share = {}
    for name in ("healthy", "siphon"):
        made, launch = tables(name, size=4.0), pd.Timestamp(parameters.load(name).ka_launch)
        won = made["deals"].query("outcome == 'won'")
        before = set(won.loc[(won["motion"] != "KA") & (won["closed_at"] < launch), "account_id"])
        late = won[(won["motion"] == "KA") & (won["closed_at"] >= launch)]
        share[name] = late.loc[late["account_id"].isin(before), "amount"].sum() / late["amount"].sum()
    assert share["siphon"] > 0.8 and share["healthy"] < 0.4
    smb = tables("siphon", size=4.0)["deals"].query("segment == 'SMB'")["created_at"].dt.year.value_counts()
    assert smb[2025] < smb[2023]


def test_starving_pulls_capacity_and_competitors_strike() -> None:
    made, world = tables("starved_product", size=3.0), parameters.load("starved_product")
    launch = pd.Timestamp(world.ka_launch)
    months = made["team_months"].merge(made["teams"], on="team").groupby(["motion", "month"])["product_capacity"].sum()
    assert months["SMB"].iloc[-1] < 0.5 * months["SMB"].iloc[0] and months["KA"].iloc[-1] > 1.8 * months["KA"].iloc[0]
    assert months["SMB"].iloc[-1] + months["KA"].iloc[-1] == pytest.approx(
        months["SMB"].iloc[0] + months["KA"].iloc[0], rel=0.2
    )
    smb = made["deals"].query("segment == 'SMB' and outcome == 'lost'")
    rivals = smb.groupby(smb["created_at"] >= launch)["lost_to_competitor"].mean()
    assert rivals[True] > 1.5 * rivals[False]
    releases = made["team_months"].merge(made["teams"], on="team").query("motion == 'SMB'")
    late = releases["month"] > launch + pd.DateOffset(months=9)
    assert releases.loc[late, "releases"].mean() < 0.7 * releases.loc[releases["month"] < launch, "releases"].mean()


def test_in_a_shortfall_smb_works_key_accounts_and_the_line_blurs() -> None:
    made, world = tables("shortfall", size=3.0), parameters.load("shortfall")
    launch = pd.Timestamp(world.ka_launch)
    key = made["deals"].query("segment == 'KA'").loc[lambda d: d["created_at"] >= launch]
    months = (key["created_at"] - launch).dt.days / 30.4
    by_smb = (key["motion"] != "KA").groupby(pd.cut(months, [0, 6, 15, 24])).mean()
    assert by_smb.iloc[0] < 0.08 < 0.15 < by_smb.iloc[1] < by_smb.iloc[2]
    book = (
        made["team_months"]
        .merge(made["teams"], on="team")
        .query("motion == 'KA'")
        .loc[lambda m: m["month"] > AS_OF - pd.DateOffset(years=1)]
    )
    assert book["bookings"].sum() < 0.7 * book["quota"].sum()
    assert len(made["disputes"]) > 3 * len(tables("healthy", size=3.0)["disputes"])


def test_accounts_on_a_list_alone_are_nobodys() -> None:
    """Worked and listed are independent, so the market can be estimated from the overlap (Chapman 1951)."""
    made, world = tables("exhausted_market", size=20.0), parameters.load("exhausted_market")
    smb = made["accounts"].query("segment == 'SMB'")
    worked, on_list = smb["account_id"].isin(made["ownership"]["account_id"]), smb["ranked_on"].notna()
    assert on_list[~worked].all() and smb.loc[~worked, "created_at"].isna().all()
    market = (worked.sum() + 1) * (on_list.sum() + 1) / ((worked & on_list).sum() + 1) - 1
    assert market == pytest.approx(20 * world.smb.market, rel=0.03)


def test_lost_deals_linger() -> None:
    made = tables("lingering_losses", size=2.0)["deals"].query("segment == 'KA' and outcome != 'open'")
    days = (made["closed_at"] - made["created_at"]).dt.days.groupby(made["outcome"]).median()
    assert days["lost"] > 1.5 * days["won"]


def test_shards_make_one_company(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(simulate_module, "SHARD", 900)
    out = simulate("rival_team", tmp_path / "sharded", seed=4, size=1.0)
    opened = open_company(out)
    assert opened.faults == [] and set(opened.tables) == set(TABLES)
    deals, accounts = (pd.read_csv(out / f"{n}.csv") for n in ("opportunities", "accounts"))
    assert deals["opportunity_id"].is_unique and accounts["account_id"].is_unique
    assert len(deals) == pytest.approx(4060, rel=0.05) and deals["owner"].nunique() == pytest.approx(35, abs=8)
    booked = pd.read_csv(out / "team_months.csv")["bookings"].sum()
    assert booked == pytest.approx(deals.loc[deals["outcome"] == "won", "amount"].sum(), abs=0.01)
    again = simulate("rival_team", tmp_path / "again", seed=4, size=1.0)
    assert all((out / p.relative_to(again)).read_bytes() == p.read_bytes() for p in again.rglob("*.csv"))


def test_a_shard_at_a_time_is_held_and_never_more_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded memory: whatever the size, a piece of at most SHARD opportunities (and what hangs on them) is made at once."""
    monkeypatch.setattr(simulate_module, "SHARD", 500)
    world = parameters.load("healthy")
    rows = [made["opportunities"].num_rows for made, _, _ in simulate_module._shards(world, 1, 1.0)]
    assert len(rows) == 8 and max(rows) <= 500 and sum(rows) == 3920
    names = [set(made) for made, _, _ in simulate_module._shards(world, 1, 1.0)]
    assert set(TABLES) == names[-1] and "team_months" not in names[0]


def test_a_size_beyond_reason_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match="would make"):
        simulate("healthy", tmp_path / "x", size=1e6)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_a_key_account_team_of_a_dozen_deals_is_possible(name: str) -> None:
    world = parameters.load(name)
    made = draw_company(world, 2, 12 / world.ka.opportunities)
    accounts = made["accounts"].to_pandas().set_index("account_id")["segment"]
    key = made["opportunities"].to_pandas()["account_id"].map(accounts).eq("KA").sum()
    assert key == 12 and all(t.num_rows for n, t in made.items() if n not in ("disputes", "value_items"))


def test_the_tables_have_one_schema_whatever_is_planted() -> None:
    schema: dict[str, pa.Schema] = {}
    for name in NAMES:
        for table, made in draw_company(dataclasses.replace(parameters.load(name)), 1, 0.1).items():
            assert schema.setdefault(table, made.schema) == made.schema, (name, table)
