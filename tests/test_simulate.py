"""Synthetic companies: same seed same bytes, tables that agree with one another, a truth that the deals obey."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kaanalysis.company import open_company
from kaanalysis.contracts import TABLES, UnusableData
from kaanalysis.simulate import list_companies, parameters, simulate, truth_path
from kaanalysis.simulate.core import MONTH, sellers
from kaanalysis.simulate.customers import draw_customers
from kaanalysis.simulate.deals import draw_deals
from kaanalysis.simulate.truth import last_year
from kaanalysis.simulate.world import World

DEMO = Path(__file__).parents[1] / "data" / "demo"
SEED = 20260630
AS_OF = pd.Timestamp("2026-06-30")


def frames(folder: Path) -> dict[str, pd.DataFrame]:
    out = {}
    for path in sorted(folder.glob("*.csv")):
        table = TABLES[path.stem]
        out[path.stem] = pd.read_csv(path, low_memory=False)
        for column in table.columns:
            if column.type in ("date", "time", "month") and column.name in out[path.stem]:
                out[path.stem][column.name] = pd.to_datetime(out[path.stem][column.name])
    return out


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate("healthy", tmp_path_factory.mktemp("company") / "healthy", seed=SEED)


@pytest.fixture(scope="module")
def tables(company: Path) -> dict[str, pd.DataFrame]:
    return frames(company)


@pytest.fixture(scope="module")
def truth(company: Path) -> dict:
    return json.loads(truth_path(company).read_text(encoding="utf-8"))


def same_bytes(a: Path, b: Path) -> bool:
    names = sorted(p.relative_to(a) for p in a.rglob("*") if p.is_file())
    return names == sorted(p.relative_to(b) for p in b.rglob("*") if p.is_file()) and all(
        (a / n).read_bytes() == (b / n).read_bytes() for n in names
    )


def test_the_demo_is_what_simulate_writes(company: Path) -> None:
    assert same_bytes(company, DEMO)
    ours, committed = (json.loads(truth_path(p).read_text(encoding="utf-8")) for p in (company, DEMO))
    assert ours.keys() == committed.keys() and ours["parameters"] == committed["parameters"]
    # Numbers computed from parameters: their last digit depends on the processor.
    assert ours["planted"].keys() == committed["planted"].keys()
    for name, value in committed["planted"].items():
        assert ours["planted"][name] == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), name
    for label in ("SMB", "KA"):
        assert ours["segments"][label]["won"] == pytest.approx(committed["segments"][label]["won"], rel=1e-9)
    assert sum(p.stat().st_size for p in DEMO.rglob("*.*")) < 4 * 2**20


def test_same_seed_same_bytes_other_seed_other_company(tmp_path: Path) -> None:
    a, b, c = (simulate("healthy", tmp_path / n, seed=s, size=0.2) for n, s in (("a", 5), ("b", 5), ("c", 6)))
    assert same_bytes(a, b)
    assert truth_path(a).read_bytes() == truth_path(b).read_bytes()
    assert (a / "opportunities.csv").read_bytes() != (c / "opportunities.csv").read_bytes()


@pytest.mark.parametrize("size", [0.5, 3.0])
def test_size_scales_accounts_deals_and_sellers(tmp_path: Path, size: float) -> None:
    made = frames(simulate("healthy", tmp_path / "x", seed=1, size=size))
    assert len(made["accounts"]) == pytest.approx(1473 * size, rel=0.01)
    assert len(made["opportunities"]) == pytest.approx(3920 * size, rel=0.01)
    assert made["opportunities"]["owner"].nunique() == pytest.approx(35 * size, rel=0.15)


def test_the_contract_finds_nothing_wrong(company: Path) -> None:
    opened = open_company(company)
    assert opened.faults == []
    assert set(opened.tables) == set(TABLES)


def test_columns_keys_and_choices_are_the_contracts(tables: dict[str, pd.DataFrame]) -> None:
    assert set(tables) == set(TABLES)
    for name, frame in tables.items():
        table = TABLES[name]
        assert list(frame.columns) == [c.name for c in table.columns], name
        assert not frame.duplicated().any(), name
        if table.key:
            assert not frame.duplicated(list(table.key)).any(), name
        for column in table.columns:
            if column.required:
                assert frame[column.name].notna().all(), (name, column.name)
            if column.choices:
                assert set(frame[column.name].dropna()) <= set(column.choices), (name, column.name)
            if column.references:
                other, key = column.references.split(".")
                assert set(frame[column.name].dropna()) <= set(tables[other][key]), (name, column.name)


def test_nothing_lies_after_the_cut_off_and_nothing_runs_backwards(tables: dict[str, pd.DataFrame]) -> None:
    for name, frame in tables.items():
        for column in TABLES[name].columns:
            if column.type in ("date", "time", "month"):
                assert not (frame[column.name] > AS_OF).any(), (name, column.name)
        for order in TABLES[name].orders:
            assert not (frame[order.earlier] > frame[order.later]).any(), name
    deals = tables["opportunities"].set_index("opportunity_id")
    for name, column in (("stage_history", "entered_at"), ("activities", "at"), ("stakeholders", "engaged_at"),
                         ("buying_steps", "at"), ("order_lines", "at")):  # fmt: skip
        frame = tables[name].dropna(subset=["opportunity_id", column])
        deal = deals.loc[frame["opportunity_id"]]
        assert (frame[column].to_numpy() >= deal["created_at"].to_numpy()).all(), name
        assert (frame[column].to_numpy() <= deal["closed_at"].fillna(AS_OF).to_numpy()).all(), name


def test_nothing_is_recorded_before_the_records_begin_but_older_customers_enter_late(
    tables: dict[str, pd.DataFrame],
) -> None:
    begin = pd.Timestamp("2021-01-01")
    assert tables["opportunities"]["created_at"].min() >= begin
    subs = tables["subscriptions"]
    assert (subs["started_at"] < begin).sum() > 100
    assert (subs["ended_at"].fillna(AS_OF) >= begin).all()


def test_bookings_are_the_won_sums_to_the_cent(tables: dict[str, pd.DataFrame]) -> None:
    won = tables["opportunities"].query("outcome == 'won'")
    cents = (won["amount"] * 100).round().astype("int64")
    month = won["closed_at"].dt.to_period("M").dt.to_timestamp()
    sums = cents.groupby([won["team"], month]).sum()
    booked = (tables["team_months"].set_index(["team", "month"])["bookings"] * 100).round().astype("int64")
    assert (booked[booked != 0].sort_index() == sums.rename_axis(["team", "month"]).sort_index()).all()
    assert len(sums) == (booked != 0).sum()


def test_order_lines_add_up_to_the_won_amount(tables: dict[str, pd.DataFrame]) -> None:
    won = tables["opportunities"].query("outcome == 'won'").set_index("opportunity_id")["amount"]
    lines = (tables["order_lines"]["amount"] * 100).round().groupby(tables["order_lines"]["opportunity_id"]).sum()
    assert ((won * 100).round() == lines.reindex(won.index)).all() and len(lines) == len(won)


def test_who_acts_is_among_the_stakeholders(tables: dict[str, pd.DataFrame]) -> None:
    known = set(zip(tables["stakeholders"]["opportunity_id"], tables["stakeholders"]["person_id"], strict=True))
    for name in ("buying_steps", "activities"):
        frame = tables[name].dropna(subset=["opportunity_id"])
        assert frame["person_id"].notna().all()
        assert set(zip(frame["opportunity_id"], frame["person_id"], strict=True)) <= known, name
    keys = tables["stakeholders"].query("key_person").groupby("opportunity_id")["person_id"].nunique()
    assert (keys == 1).all() and len(keys) == len(tables["opportunities"])


def test_subscriptions_are_one_unbroken_life_that_begins_with_the_first_win(tables: dict[str, pd.DataFrame]) -> None:
    subs = tables["subscriptions"].assign(end=lambda f: f["ended_at"].fillna(AS_OF))
    lives = subs.groupby("account_id").agg(start=("started_at", "min"), end=("end", "max"))
    spanning = subs.sort_values("started_at").groupby("account_id")["end"].first()
    assert (spanning == lives["end"]).all()
    won = tables["opportunities"].query("outcome == 'won'").groupby("account_id")["closed_at"].min()
    assert set(won.index) <= set(lives.index)
    new = lives[lives["start"] >= "2021-01-01"]
    assert (won.reindex(new.index) == new["start"]).all()


def test_key_accounts_are_an_increment(tables: dict[str, pd.DataFrame]) -> None:
    """Healthy: few accounts change hands, most KA money since the launch comes from accounts new since, SMB grows."""
    own = tables["ownership"].groupby("account_id")["team"].nunique()
    assert 0 < (own > 1).sum() < 0.03 * len(own)
    deals = tables["opportunities"].merge(tables["accounts"][["account_id", "segment"]], on="account_id")
    won = deals.query("outcome == 'won'")
    ka = won.query("segment == 'KA' and closed_at >= '2024-07-01'")
    taken_over = own[own > 1].index
    assert ka.loc[~ka["account_id"].isin(taken_over), "amount"].sum() > 0.5 * ka["amount"].sum()
    smb = won[won["segment"] == "SMB"]
    yearly = smb.groupby(smb["closed_at"].dt.year)["amount"].sum().loc[2021:2025]
    slope = np.polyfit(yearly.index, np.log(yearly), 1)[0]
    assert 0 < slope < 0.08


def test_truth_lies_beside_the_folder_never_inside(company: Path, truth: dict) -> None:
    assert truth_path(company).parent == company.parent
    assert not [p for p in company.rglob("*") if "truth" in p.name]
    assert truth["seed"] == SEED and truth["parameters"]["ka"]["accounts"] == 120


def test_the_bottleneck_is_the_planted_one_and_the_slowest_step_is_another(truth: dict) -> None:
    ka, planted = truth["segments"]["KA"], truth["planted"]
    assert ka["bottleneck"] == ka["largest_losses"] == planted["bottleneck"]
    assert ka["slowest"] == planted["slowest"] != planted["bottleneck"]
    relief = sorted(step["relief_per_100"] for step in ka["steps"])
    assert relief[-1] > 5 * relief[-2]


def test_the_two_segments_differ_as_the_method_says(truth: dict) -> None:
    smb, ka = truth["segments"]["SMB"], truth["segments"]["KA"]
    assert smb["won"]["365"] == pytest.approx(0.15, abs=0.01)
    assert ka["won"]["365"] == pytest.approx(0.55, abs=0.01)
    assert ka["won"]["180"] < ka["won"]["365"] <= ka["won_ever"]
    assert ka["lifetime"]["rmst_months"] > smb["lifetime"]["rmst_months"] + 6
    assert 25 < ka["spend"]["median"] / smb["spend"]["median"] < 35
    assert ka["role_merge_index"] < 0.4 < 0.8 < smb["role_merge_index"]


@pytest.fixture(scope="module")
def large() -> tuple[World, dict]:
    """A company large enough (40 times the demo) to hold the truth against; only its latent part."""
    world = parameters.load("healthy")
    crew = sellers(world, 77, 40.0)
    made = {}
    for label, _ in world.segments():
        deals = draw_deals(world, label, 77, 40.0, crew)
        made[label] = (deals, draw_customers(world, deals, 77, 40.0))
    return world, made


@pytest.mark.parametrize("label", ["SMB", "KA"])
def test_deals_obey_the_true_incidence(large: tuple[World, dict], truth: dict, label: str) -> None:
    """All deals, followed past as_of: nothing is censored, plain shares estimate it. Four cluster standard errors."""
    _, made = large
    deals, _ = made[label]
    took = deals.end - deals.created
    passed = deals.fails == deals.present.shape[1]
    for horizon in (180, 365):
        for key, hit in (("won", passed & (took <= horizon)), ("lost", ~passed & (took <= horizon))):
            expected = truth["segments"][label][key][str(horizon)]
            sums = np.bincount(deals.owner, weights=hit - expected)
            error = np.sqrt((sums**2).sum()) / len(hit)
            assert abs(hit.mean() - expected) < 4 * error, (label, key, horizon)


@pytest.mark.parametrize("label", ["SMB", "KA"])
def test_steps_persons_and_spend_obey_the_truth(large: tuple[World, dict], truth: dict, label: str) -> None:
    world, made = large
    deals, customers = made[label]
    said = truth["segments"][label]
    for s, step in enumerate(said["steps"]):
        reached = deals.present[:, s] & (deals.fails >= s)
        share = (deals.fails[reached] > s).mean()
        assert share == pytest.approx(step["pass_probability"], abs=5 * np.sqrt(0.25 / reached.sum()) + 0.005)
    held = np.where(deals.person >= 0, deals.person, 0)
    persons = 1 + np.array([(np.unique(row)).size - 1 for row in held[:4000]])
    roles = (deals.person[:4000] >= 0).sum(axis=1)
    assert persons.mean() == pytest.approx(said["parties_per_deal"], abs=0.08)
    assert (1 - (persons - 1) / (roles - 1)).mean() == pytest.approx(said["role_merge_index"], abs=0.01)
    spend = last_year(world, deals, customers)
    sd = said["spend"]["log_sd"]
    assert np.log(np.median(spend) / said["spend"]["median"]) == pytest.approx(0, abs=5 * sd / np.sqrt(len(spend)))
    assert np.log(spend).std() == pytest.approx(sd, abs=4 * sd / np.sqrt(2 * len(spend)))


@pytest.mark.parametrize("label", ["SMB", "KA"])
def test_customers_live_as_long_as_planted(large: tuple[World, dict], truth: dict, label: str) -> None:
    _, made = large
    _, customers = made[label]
    new = (customers.start >= 18628) & (customers.start < 2**40)  # since 2021-01-01: no late entry
    months = (customers.end[new] - customers.start[new]) / MONTH
    said = truth["segments"][label]["lifetime"]
    capped = np.minimum(months, said["horizon_months"])
    assert capped.mean() == pytest.approx(said["rmst_months"], abs=4 * capped.std() / np.sqrt(len(capped)) + 0.05)


def test_an_unknown_company_is_refused_with_the_known_names(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match=r"no company named 'nobody'; known are .*healthy"):
        simulate("nobody", tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_unknown_and_missing_parameters_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (parameters.folder() / "healthy.toml").read_text(encoding="utf-8")
    monkeypatch.setattr(parameters, "folder", lambda: tmp_path)
    (tmp_path / "odd.toml").write_text(text.replace("benchmark =", "benchmrk ="), encoding="utf-8")
    with pytest.raises(UnusableData, match=r"unknown key benchmrk; known are .*benchmark"):
        parameters.load("odd")
    (tmp_path / "odd.toml").write_text(text.replace("benchmark = 0.95\n", ""), encoding="utf-8")
    with pytest.raises(UnusableData, match="benchmark missing"):
        parameters.load("odd")
    (tmp_path / "odd.toml").write_text(text.replace("benchmark = 0.95", 'benchmark = "high"'), encoding="utf-8")
    with pytest.raises(UnusableData, match="benchmark = 'high'"):
        parameters.load("odd")


def test_a_strangers_folder_is_left_alone_and_our_own_is_replaced(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "work.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(UnusableData, match="not made by simulate"):
        simulate("healthy", mine, size=0.1)
    assert (mine / "work.txt").read_text(encoding="utf-8") == "precious"
    ours = simulate("healthy", tmp_path / "ours", seed=1, size=0.1)
    before = (ours / "opportunities.csv").read_bytes()
    simulate("healthy", ours, seed=2, size=0.1)
    assert (ours / "opportunities.csv").read_bytes() != before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "ours", "ours.truth.json"]


def test_a_run_that_dies_leaves_the_last_company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = simulate("healthy", tmp_path / "x", seed=1, size=0.1)
    before = {p.relative_to(out): p.read_bytes() for p in out.rglob("*.*")}

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("kaanalysis.simulate.write.append_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        simulate("healthy", out, seed=2, size=0.1)
    assert {p.relative_to(out): p.read_bytes() for p in out.rglob("*.*")} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x", "x.truth.json"]


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan")])
def test_a_size_that_makes_no_company_is_refused(tmp_path: Path, size: float) -> None:
    with pytest.raises(UnusableData, match="size"):
        simulate("healthy", tmp_path / "x", size=size)


def test_every_company_is_listed_in_both_languages_in_one_line() -> None:
    companies = list_companies()
    assert len(companies) >= 22 and "healthy" in companies
    for name, world in companies.items():
        for text in (world.about_en, world.about_zh, world.naive_en, world.naive_zh):
            assert text and "\n" not in text and len(text) < 170, name
