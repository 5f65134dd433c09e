"""M-2.1: accounts by hand, what an untold role sees, the verdict's ways, Monte Carlo against its closed form, opponents against stances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.analyses.economic_account import (
    COSTS,
    GAINS,
    against_difference,
    balance_if_told,
    draw_account,
    find,
    judge,
    likely_opponents,
    measure,
)
from kaanalysis.company import Company, open_company
from kaanalysis.paths import workbook_file
from kaanalysis.policy import Policy, load_policy
from kaanalysis.simulate.parameters import load

Open = Callable[..., Company]
ITEMS = ["flow_id", "role", "item", "amount"]


def account(**roles: dict[str, float]) -> list[tuple[str, str, float]]:
    return [(role, item, amount) for role, items in roles.items() for item, amount in items.items()]


# The reimbursement system, much shortened: only finance's gain speaks for itself.
ONE = account(
    administration={"saving": 30, "change": 10},
    manager={"saving": 40, "time": 25},
    risk_audit={"saving": 20, "learning": 15},
    finance={"saving": 90, "money": 50},
)


def table(lines: list[tuple[str, str, float]], purchases: int = 1, noise: float = 0.0, seed: int = 1) -> pd.DataFrame:
    g = np.random.default_rng(seed)
    rows = [(f"F{f}", r, i, a * np.exp(noise * g.normal()), 200.0) for f in range(purchases) for r, i, a in lines]
    return pd.DataFrame(rows, columns=[*ITEMS, "purchase"])


def test_balances_by_hand_and_the_cfo_alone_is_wrong() -> None:
    """All told: 20, 15, 5, 40. Only finance told: the other three see what it costs them, 10, 25 and 15, and nothing else."""
    told = balance_if_told(table(ONE), ["administration", "manager", "risk_audit", "finance"]).set_index("role")
    assert told["balance"].to_dict() == {"administration": 20, "finance": 40, "manager": 15, "risk_audit": 5}
    assert (told["seen"] == told["balance"]).all()
    cfo = balance_if_told(table(ONE), ["finance"]).set_index("role")
    assert cfo["seen"].to_dict() == {"administration": -10, "finance": 40, "manager": -25, "risk_audit": -15}
    assert (cfo["seen"] < 0).sum() == 3 and cfo["told"].sum() == 1
    assert (balance_if_told(table(ONE), [])["seen"] < 0).all()
    with pytest.raises(ValueError, match="item must be one of income, saving"):
        balance_if_told(table(ONE).assign(item="joy"), [])


LINES = st.lists(
    st.tuples(st.sampled_from(["F1", "F2"]), st.sampled_from(["owner", "user", "legal"]), st.sampled_from([*GAINS, *COSTS]),
              st.floats(0, 1e6)), min_size=1, max_size=25)  # fmt: skip


@given(LINES, st.sets(st.sampled_from(["owner", "user", "legal", "nobody"])))
@settings(max_examples=50, deadline=None)
def test_telling_never_makes_an_account_look_worse(lines: list[tuple[str, str, str, float]], told: set[str]) -> None:
    items = pd.DataFrame(lines, columns=ITEMS)
    some, more = balance_if_told(items, told), balance_if_told(items, {*told, "owner"})
    assert (more["seen"] >= some["seen"] - 1e-6).all()
    assert np.allclose(some["balance"], some["gains"] - some["costs"])
    assert (some["seen"] <= some["balance"] + 1e-6).all()


def test_numbers_by_hand(policy: Policy) -> None:
    numbers = {(n.name, n.segment): n for n in measure(draw_account(table(ONE, 6), policy), "CNY", policy)}
    assert numbers["account_balance", "manager"].value == pytest.approx(15)
    assert numbers["account_balance_share", "manager"].value == pytest.approx(15 / 200)
    assert numbers["account_total", "all"].value == pytest.approx(80)
    assert numbers["account_total_share", "all"].value == pytest.approx(0.4)
    assert numbers["roles_negative", "all"].value == 0 and numbers["account_total", "all"].n == 6


def test_the_interval_of_one_line_is_the_lognormal_s() -> None:
    """One role with one gain, told alike in every purchase: only the shared half of the guess is left, lognormal with log variance
    ½ (log 1.3 / 1.645)²; told once, the whole of it."""
    many = load_policy().override({"evidence.draws": 20_000})
    for purchases, part in ((8, 0.5), (1, 1.0)):
        numbers = measure(draw_account(table(account(owner={"income": 100.0}), purchases), many), "CNY", many)
        mean = next(n for n in numbers if n.name == "account_balance")
        reach = 1.959964 * np.sqrt(part) * np.log(1.3) / 1.644854
        assert (mean.low, mean.high) == pytest.approx((100 * np.exp(-reach), 100 * np.exp(reach)), rel=0.01)


def test_without_errors_of_the_guesses_the_interval_is_student_s() -> None:
    from scipy import stats

    sure = load_policy().override({"evidence.draws": 20_000, "account.spread": 0.05})
    items = table(account(owner={"income": 100.0}), 6, noise=0.6)
    mean = next(n for n in measure(draw_account(items, sure), "CNY", sure) if n.name == "account_balance")
    told = items["amount"].to_numpy()
    half = stats.t.isf(0.025, 5) * told.std(ddof=1) / np.sqrt(6)
    assert (mean.low, mean.high) == pytest.approx((told.mean() - half, told.mean() + half), rel=0.05)


@pytest.mark.parametrize(("lines", "state", "reason", "party"), [
    (account(owner={"income": 100, "money": 40}, user={"saving": 30, "learning": 10}), "supported", "account_supported", ""),
    (account(owner={"income": 100, "money": 40}, user={"saving": 5, "change": 30}), "contradicted", "account_opponent", "user"),
    (account(owner={"income": 40, "money": 100}, user={"saving": 30, "learning": 10}), "contradicted", "account_total_negative", ""),
    (account(owner={"income": 60, "money": 36}, user={"saving": 5, "change": 30}), "contradicted", "account_opponent_open", "user"),
    (account(owner={"income": 100, "money": 40}, user={"saving": 30, "learning": 28}), "undecided", "account_undecided", ""),
])  # fmt: skip
def test_the_ways_of_the_verdict(
    lines: list[tuple[str, str, float]], state: str, reason: str, party: str, policy: Policy
) -> None:
    found = judge(draw_account(table(lines, 6, 0.05), policy), "CNY", [], policy)[0]
    assert (found.state, found.reason, found.terms.get("party", "")) == (state, reason, party)
    assert judge(draw_account(table(lines, 4, 0.05), policy), "CNY", [], policy)[0].reason == "too_few"


def test_a_wider_guess_takes_certainty_away(policy: Policy) -> None:
    items = table(account(owner={"income": 100, "money": 60}), 6, 0.05)
    spreads = {
        s: judge(draw_account(items, p := policy.override({"account.spread": s})), "CNY", [], p)[0].state
        for s in (0.1, 1.5)
    }
    assert spreads == {0.1: "supported", 1.5: "undecided"}


def test_roles_on_the_edge_are_rarely_called_opponents_by_simulation(policy: Policy) -> None:
    """Seven roles whose gain equals their cost: one called a likely opponent by chance in 5 % of worlds at most (Bonferroni)."""
    lines = account(**{f"role {i}": {"saving": 50.0, "change": 50.0} for i in range(7)})
    called = 0
    for seed in range(80):
        drawn = draw_account(table(lines, 6, 0.3, seed), policy.override({"account.spread": 0.05}))
        called += bool(likely_opponents(drawn, policy)["opponent"].any())
    assert called / 80 <= 0.10


def test_opponents_against_stances_by_hand(policy: Policy) -> None:
    """Losing roles: 6 of 10 against; winning ones 2 of 20. A role without an account, and one at zero, do not count."""
    rows = [("user", f"c{i}", 2, 2 if i < 3 else 0) for i in range(5)] + [
        ("owner", f"c{i}", 4, 1 if i < 2 else 0) for i in range(5)
    ]
    people = pd.DataFrame(
        [*rows, ("legal", "c1", 9, 9), ("manager", "c2", 9, 9)], columns=["role", "cluster", "told", "against"]
    )
    found = against_difference(people, {"user": -3.0, "owner": 4.0, "manager": 0.0}, policy)
    assert found is not None and found.value == pytest.approx(0.6 - 0.1) and found.n == 30
    assert against_difference(people, {"owner": 4.0}, policy) is None


def test_frames_and_stances_of_a_company(company: Open, policy: Policy) -> None:
    items = [dict(zip(ITEMS, (f"F{f}", r, i, a), strict=True)) for f in range(5) for r, i, a in account(
        owner={"income": 100, "money": 40}, user={"saving": 5, "change": 30})]  # fmt: skip
    steps = [{"flow_id": f"F{f}", "step": "a", "part": "approve", "amount": 500} for f in range(5)]
    people = [
        {
            "opportunity_id": "O1",
            "person_id": f"p{i}",
            "role": role,
            "part": "inform",
            "stance": stance,
            "key_person": key,
        }
        for i, (role, stance, key) in enumerate(
            [("user", "against", "false"), ("user", "for", "true"), ("owner", "for", "false")]
        )
    ]
    found, frames = find(company(value_items=items, buying_steps=steps, stakeholders=people), policy)
    assert (found.state, found.reason, found.terms) == (
        "contradicted",
        "account_opponent",
        {"party": "user", "stance": "unseen"},
    )
    assert found.number("opponent_against_difference").value == 1.0  # type: ignore[union-attr]
    frame = frames["economic_account"].set_index(["flow_id", "role"])
    assert frame.loc[("F0", "user"), ["gains", "costs", "balance", "share", "total"]].tolist() == [
        5,
        30,
        -25,
        -0.05,
        35,
    ]
    assert frame.loc[("F0", "user"), "opponent"] and not frame.loc[("F0", "owner"), "opponent"]
    assert frames["opponents"].loc[0, ["role", "purchases", "negative"]].tolist() == ["user", 5, 5]
    assert {f.policy for f in found.flips} == {"account.spread", "account.minimum_purchases"}
    bare, _ = find(company(value_items=items), policy)
    assert bare.state == "contradicted" and bare.number("account_total_share") is None


def test_no_account_is_no_data(company: Open, policy: Policy) -> None:
    found, frames = find(company(), policy)
    assert (found.state, found.needs, frames) == ("no_data", ("value_items.amount",), {})


def test_the_demo_s_planted_accounts_are_recovered() -> None:
    """data/companies/healthy.toml gives every role's account as a share of the amount: the executor's is below zero, no other."""
    policy = load_policy()
    found, frames = find(open_company(workbook_file("data/demo")), policy)
    planted: dict[str, float] = {}
    for item in load("healthy").value_items:
        planted[item.role] = planted.get(item.role, 0.0) + item.share * (1 if item.item in GAINS else -1)
    shares = {n.segment: n for n in found.numbers if n.name == "account_balance_share"}
    assert set(shares) == set(planted)
    for role, share in planted.items():
        assert shares[role].low < share < shares[role].high, role  # type: ignore[operator]
    assert found.terms == {"party": "executor", "stance": "unseen"} and (found.state, found.reason) == (
        "contradicted",
        "account_opponent",
    )
    assert list(frames["opponents"].query("opponent")["role"]) == [r for r, s in planted.items() if s < 0]
    assert replace(found, flips=()).number("roles_negative").value == 1  # type: ignore[union-attr]
