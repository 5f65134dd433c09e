"""The replay on projects as they came: by hand, what was known when, the order in which they count, and its price in errors."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from company_files import day
from scipy import stats

from kaanalysis.analyses.continuation_replay import decided, early_wins, find, projects, replay
from kaanalysis.analyses.continuation_rule import rule_of
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
AS_OF = dt.date(2025, 12, 31)


def made(rows: list[tuple[int, int | None, bool]]) -> pd.DataFrame:
    """Projects: opened on day …, closed after … days (None: open), won."""
    start = pd.Timestamp("2024-01-01")
    opened = [start + pd.Timedelta(days=o) for o, _, _ in rows]
    closed = [pd.NaT if c is None else start + pd.Timedelta(days=o + c) for o, c, _ in rows]
    return pd.DataFrame({
        "opportunity_id": [f"O{i}" for i in range(len(rows))], "opened": opened, "closed": pd.to_datetime(closed),
        "won": [w for _, _, w in rows], "days": [c or 0 for _, c, _ in rows],
    })  # fmt: skip


def on(day: int) -> pd.Timestamp:
    return pd.Timestamp("2024-01-01") + pd.Timedelta(days=day)


def test_a_project_counts_once_it_and_all_opened_before_it_are_decided_by_hand() -> None:
    rows = made([(0, 200, True), (10, 20, False), (20, 400, True), (30, 40, True), (40, None, False)])
    by_opening = decided(rows, "opening", 12, (on(420)).date())
    # The second was lost on day 30, but the first was decided on day 200 only; the third was open at its horizon, day 385.
    assert by_opening["date"].tolist() == [on(200), on(200), on(385), on(385), on(405)]
    assert by_opening["won"].tolist() == [True, False, False, True, False]
    by_closing = decided(rows, "closing", 12, on(500).date())
    assert by_closing["opportunity_id"].tolist() == ["O1", "O3", "O0", "O2"]
    assert by_closing["won"].tolist() == [False, True, True, True]


def test_nothing_is_known_before_it_happened(policy: Policy) -> None:
    """Cut anywhere, the replay says of the days before what it says in the end."""
    rng = np.random.default_rng(7)
    rows = made(
        [(int(o), int(rng.integers(5, 300)), bool(rng.random() < 0.5)) for o in np.sort(rng.integers(0, 500, 40))]
    )
    rule = rule_of(policy)
    assert rule is not None
    whole = replay(rows, rule, on(800).date())
    for cut in (120, 300, 460):
        then = rows.assign(closed=rows["closed"].where(rows["closed"] <= on(cut)))[rows["opened"] <= on(cut)]
        then = then.assign(won=then["won"] & then["closed"].notna())
        early = replay(then, rule, on(cut).date())
        for order in ("opening", "closing"):
            a, b = (f[f["order"] == order].reset_index(drop=True) for f in (early, whole))
            same = b[pd.to_datetime(b["date"]) <= on(cut)].reset_index(drop=True)
            pd.testing.assert_frame_equal(a, same)


def test_losses_close_before_wins_so_by_closing_a_good_programme_is_stopped_by_hand(policy: Policy) -> None:
    # Every other project is won, after 200 days; lost ones are lost after 30. One is opened a week.
    rows = made([(7 * i, 200 if i % 2 else 30, i % 2 == 1) for i in range(40)])
    rule = rule_of(policy)
    assert rule is not None
    looked = replay(rows, rule, on(600).date())
    first = looked[looked["decision"] != "continue"].groupby("order").first()
    # By closing, the first eight are lost on day 30 + 14 · 7 = 128: three of ten are out of reach.
    assert (first.loc["closing", "decision"], first.loc["closing", "closed"]) == ("stop", 8)
    assert first.loc["closing", "date"] == str(on(128).date())
    # By opening, the tenth win is the twentieth project.
    assert (first.loc["opening", "decision"], first.loc["opening", "closed"]) == ("go_on", 20)
    assert first.loc["opening", "date"] == str(on(7 * 19 + 200).date())
    assert set(looked.loc[looked["used"], "order"]) == {"opening"}
    # By evidence valid at every look: what the boundaries of so many looks say.
    for _, mine in looked.groupby("order"):
        decision, at = rule.sequence(len(mine)).decide(mine["wins"].to_numpy())
        said = mine.loc[mine["sequence"] != "continue", ["sequence", "closed"]].head(1).to_numpy().tolist()
        assert said == ([] if decision[0] == 2 else [[("go_on", "stop")[decision[0]], at[0]]])


def test_errors_hold_in_the_order_of_opening_and_do_not_in_that_of_closing_simulated(policy: Policy) -> None:
    rule = rule_of(policy)
    assert rule is not None
    rng, programmes, wrong = np.random.default_rng(20260630), 400, {"opening": 0, "closing": 0}
    plan = rule.boundaries()
    for _ in range(programmes):
        won = rng.random(60) < 0.5
        opened = np.sort(rng.integers(0, 400, 60))
        close = opened + np.where(won, rng.integers(150, 300, 60), rng.integers(10, 120, 60))
        for order, by in (("opening", np.arange(60)), ("closing", np.argsort(close, kind="stable"))):
            wrong[order] += plan.decide(won[by].cumsum())[0][0] == 1
    assert stats.binomtest(wrong["opening"], programmes, 0.0964).pvalue > 0.001
    assert wrong["closing"] / programmes > 0.5


def test_what_two_early_wins_prove_by_bayes_and_the_binomial_law(policy: Policy) -> None:
    rule = rule_of(policy)
    assert rule is not None
    rows = made([(i, 10, i in (1, 5, 6)) for i in range(7)])
    found = early_wins(replay(rows, rule, on(100).date()), rule, 2)
    assert found["closed"].tolist() == [2, 6] and found["win"].tolist() == [1, 2]
    assert found["chance_if_poor"].tolist() == pytest.approx([1 - 0.75**2, 1909 / 4096])
    assert found["chance_if_good"].tolist() == pytest.approx([0.75, 57 / 64])
    # 0.5² 0.5⁴ / (0.25² 0.75⁴): two of six speak for the poor share as much as for the good one.
    assert found["likelihood_ratio"].tolist()[1] == pytest.approx(0.5**6 / (0.25**2 * 0.75**4))
    assert found["still_poor"].tolist()[1] == pytest.approx(stats.beta(2.5, 4.5).cdf(0.25))


ACCOUNTS = "account_id,segment\nK,KA\nS,SMB\n"
HEAD = "opportunity_id,account_id,created_at,closed_at,outcome,exit\n"


def test_projects_are_key_accounts_opened_since_the_launch_and_undone_wins_are_none(
    company: Open, policy: Policy
) -> None:
    rows = [
        ("before", "K", 900, 500, "won", ""), ("kept", "K", 400, 300, "won", ""), ("refunded", "K", 390, 300, "won", "refunded"),
        ("drifted", "K", 380, 200, "lost", "drifted"), ("open", "K", 100, None, "open", ""), ("small", "S", 300, 200, "won", ""),
    ]  # fmt: skip
    text = "".join(f"{i},{a},{day(o)},{'' if c is None else day(c)},{w},{e}\n" for i, a, o, c, w, e in rows)
    there = company({"ka_launch": AS_OF - dt.timedelta(days=500)}, accounts=ACCOUNTS, opportunities=HEAD + text)
    found = projects(there, policy)
    assert found["opportunity_id"].tolist() == ["kept", "refunded", "drifted", "open"]
    assert found["won"].tolist() == [True, False, False, False]
    assert found["closed"].dt.strftime("%Y-%m-%d").tolist()[:3] == [day(300), day(300), day(200)]
    assert found["closed"].isna().tolist() == [False, False, False, True]
    without = company(accounts=ACCOUNTS, opportunities=HEAD + text)
    assert projects(without, policy)["opportunity_id"].tolist()[0] == "before"


def test_terms_say_what_the_rule_says_and_since_when(company: Open, policy: Policy) -> None:
    lost = "".join(f"L{i},K,{day(300 - i)},{day(200 - i)},lost,\n" for i in range(9))
    terms, frames = find(company(accounts=ACCOUNTS, opportunities=HEAD + lost), policy)
    # The eighth loss puts three of ten out of reach.
    assert terms == {"replay": "stop", "decided_on": day(193)}
    assert "early_wins" not in frames and len(frames["continuation_replay"]) == 18
    some = "".join(f"L{i},K,{day(300 - i)},{day(200 - i)},lost,\n" for i in range(3))
    assert find(company(accounts=ACCOUNTS, opportunities=HEAD + some), policy)[0] == {"replay": "continue"}
    none, frames = find(
        company(accounts=ACCOUNTS, opportunities=HEAD + f"O,K,{day(9)},,open,\nP,S,{day(9)},{day(8)},won,\n"), policy
    )
    assert none == {"replay": "none_yet"} and set(frames) == {
        "continuation_rule",
        "rule_boundaries",
        "rule_characteristic",
    }
    undated = company(accounts=ACCOUNTS, opportunities="opportunity_id,account_id,outcome\nO,K,won\n")
    assert find(undated, policy)[0] == {}
    assert find(undated, policy.override({"success.target": 0.25})) == ({}, {})
