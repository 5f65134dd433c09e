"""The eight statements, the principles that follow, how far the groups overlap, and how verdicts move with the definition."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kaanalysis.analyses.assumptions import (
    PRINCIPLES,
    STATEMENTS,
    judge_overlap,
    mixed_on_all_axes,
    mixed_shares,
    moves_between_definitions,
    overlap_of_looks,
    principles,
    statements,
)
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number

Open = Callable[..., Company]


def findings(
    low: float | None, high: float | None, n: int = 30, only: str | None = None, reason: str = "r"
) -> list[Finding]:
    """All four axes with the same interval. No account is known."""
    out = []
    for axis in ("M-1.1", "M-1.2", "M-1.3", "M-1.4"):
        mine = [s for s in STATEMENTS if s.axis == axis and only in (None, s.key)]
        numbers = [Number(s.number, s.of, 1.0, low, high, 0.95, n, "u", "m") for s in mine]
        if axis == "M-1.1":
            for s in mine:
                numbers.append(Number("accounts_known", s.of, 0, None, None, None, 0, "accounts", "m"))
        out.append(Finding(axis, "k", "undecided", reason, tuple(numbers)))
    return out


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: s.key)
def test_each_statement_around_its_mark(statement, policy: Policy) -> None:
    mark = float(policy[statement.mark])
    better, worse = (1.01, 0.99) if statement.side == "above" else (0.99, 1.01)
    for factors, state in (
        ((better, better), "supported"),
        ((worse, worse), "contradicted"),
        ((0.99, 1.01), "undecided"),
    ):
        ends = sorted(mark * f for f in factors)
        row = statements(findings(*ends), policy).set_index("statement").loc[statement.key]
        assert row["state"] == state and row["now"] == mark and row["policy"] == statement.mark
    assert (
        statements(findings(mark * better, mark * better, n=9), policy)
        .set_index("statement")
        .loc[statement.key, "state"]
        == "undecided"
    )


def test_a_flip_lies_at_the_limit_of_the_interval(policy: Policy) -> None:
    table = statements(findings(0.25, 0.5, only="individual"), policy).set_index("statement")
    row = table.loc["individual"]
    assert (row["state"], row["flip_to"]) == ("supported", "undecided") and row["flip_at"] == pytest.approx(
        0.25, abs=0.001
    )
    assert table.loc["many", "state"] == "no_data" and pd.isna(table.loc["many", "flip_at"])


def test_at_least_so_many_is_many_though_there_is_no_upper_limit(policy: Policy) -> None:
    table = statements(findings(5000.0, None, only="many"), policy).set_index("statement")
    assert table.loc["many", "state"] == "supported"


def test_few_takes_an_upper_limit(policy: Policy) -> None:
    unlimited = statements(findings(200, None, only="few"), policy).set_index("statement")
    assert unlimited.loc["few", "state"] == "undecided" and pd.isna(unlimited.loc["few", "high"])


def test_a_statement_rests_on_no_number_that_its_finding_distrusts(policy: Policy) -> None:
    for reason in ("lists_uneven", "spend_mix"):
        table = statements(findings(1e9, 1e9, reason=reason), policy).set_index("statement")
        distrusted = {"many", "few"} if reason == "lists_uneven" else {"well_paying"}
        for key, row in table.iterrows():
            assert (row["state"] == "undecided") == (key in distrusted), key
            assert key not in distrusted or pd.isna(row["flip_at"])
        stood = principles(statements(findings(1e9, 1e9, reason=reason), policy))
        assert set(stood.loc[stood["state"] == "undecided", "statement"]) == distrusted


def test_a_principle_stands_only_where_its_assumption_does(policy: Policy) -> None:
    stated = statements(findings(0.25, 0.5, only="individual"), policy)
    table = principles(stated).set_index("principle")
    assert table.loc["combined_solution", "state"] == "supported" and set(table.drop("combined_solution")["state"]) == {
        "no_data"
    }
    assert {p[2] for p in PRINCIPLES} == {s.key for s in STATEMENTS}


def customers(company: Open) -> Company:
    """Ten small customers and ten key accounts that look it on every axis, but for K0, which pays like a small one."""
    accounts = "account_id,segment,employees\n"
    deals = "opportunity_id,account_id,outcome,created_at,closed_at,amount\n"
    lines, lives = "account_id,product,amount,at,custom,opportunity_id\n", "account_id,started_at,ended_at\n"
    for segment in ("S", "K"):
        for i in range(10):
            id, small = f"{segment}{i}", segment == "S"
            accounts += f"{id},{'SMB' if small else 'KA'},{20 if small else 2000}\n"
            deals += f"O{id},{id},won,2025-01-01,2025-05-01,{100 if small or i == 0 else 10000}\n"
            lines += f"{id},p,100,2025-05-01,{str(not small).lower()},O{id}\n"
            lives += f"{id},2021-01-01,{'2021-06-01' if small else ''}\n"
    return company(accounts=accounts, opportunities=deals, order_lines=lines, subscriptions=lives)


def test_looks_and_mixed_share_by_hand(company: Open, policy: Policy) -> None:
    looks = overlap_of_looks(customers(company), policy).set_index("account_id")
    assert (looks.loc["S3", ["stay", "needs", "pay", "size"]] == "SMB").all()
    assert (looks.loc["K3", ["stay", "needs", "pay", "size"]] == "KA").all()
    assert looks.loc["K0", "pay"] == "SMB" and looks.loc["K0", "size"] == "KA"
    for name in ("mixed_share", "mixed_share_three_axes"):
        numbers = {n.segment: n.value for n in mixed_shares(looks.reset_index(), policy) if n.name == name}
        assert numbers == pytest.approx({"SMB": 0.0, "KA": 0.1, "all": 0.05})


def test_an_axis_not_known_cannot_disagree_so_three_axes_are_told_apart(policy: Policy) -> None:
    """Ten of which two axes are known and agree, ten of which three are and half disagree: 5 of 20, and 5 of 10."""
    rows = [("SMB", "SMB", None), *[("SMB", "SMB", "KA" if i < 5 else "SMB") for i in range(10)]]
    looks = pd.DataFrame([rows[0]] * 10 + rows[1:], columns=["stay", "needs", "pay"]).assign(size=None)
    looks = looks.astype("string").assign(account_id=range(20), segment="SMB", cluster=[f"c{i}" for i in range(20)])
    found = {(n.name, n.segment): n for n in mixed_shares(looks, policy)}
    assert found[("mixed_share", "all")].value == 0.25 and found[("mixed_share", "all")].n == 20
    assert found[("mixed_share_three_axes", "all")].value == 0.5 and found[("mixed_share_three_axes", "SMB")].n == 10
    none = {n.name: n for n in mixed_shares(looks.head(10), policy) if n.segment == "all"}
    assert none["mixed_share_three_axes"].value is None and none["mixed_share_three_axes"].n == 0


def test_only_lives_that_could_show_either_look_have_one(company: Open, policy: Policy) -> None:
    """A began too late to have reached the cut of 24 months, even though it has left; B reached it; C left before; D began before the records."""
    made = company(
        {"observed_from": dt.date(2020, 1, 1)}, accounts="account_id,segment\nA,SMB\nB,KA\nC,SMB\nD,KA\n",
        opportunities="opportunity_id,account_id,outcome,created_at,closed_at,amount\n",
        subscriptions="account_id,started_at,ended_at\nA,2025-06-01,2025-09-01\nB,2021-01-01,\nC,2021-01-01,2021-06-01\nD,2015-01-01,\n",
    )  # fmt: skip
    looks = overlap_of_looks(made, policy).set_index("account_id")
    assert (
        looks["stay"].fillna("-").to_dict() == {"A": "-", "B": "KA", "C": "SMB", "D": "-"}
        and looks["size"].isna().all()
    )


@pytest.mark.parametrize(
    ("low", "high", "state"), [(0.1, 0.49, "supported"), (0.1, 0.5, "undecided"), (0.51, 0.6, "contradicted")]
)
def test_overlap_around_its_mark(low, high, state, policy: Policy) -> None:
    numbers = [Number("mixed_share", s, 0.3, low, high, 0.95, 30, "share", "m") for s in ("SMB", "KA", "all")]

    def nearer(low: float, high: float, n: int = 30) -> Number:
        return Number("mixed_share_three_axes", "all", 0.4, low, high, 0.95, n, "share", "m")

    assert judge_overlap([*numbers, nearer(low, high)], policy)[0].state == state
    assert judge_overlap(numbers[:1], policy)[0].reason == "too_few"
    # Both shares are lower bounds: that few are mixed takes both, that many are the first alone.
    open_ = "contradicted" if state == "contradicted" else "undecided"
    assert judge_overlap([*numbers, nearer(0.3, 0.6)], policy)[0].state == open_
    too_few = judge_overlap([*numbers, nearer(low, high, 9)], policy)[0]
    assert (too_few.state, too_few.reason) == (
        (open_, "overlap_contradicted") if state == "contradicted" else ("undecided", "axes_unknown")
    )


def test_definitions_that_the_data_cannot_feed_are_left_out(company: Open, policy: Policy) -> None:
    now = [Finding("M-1.2", "lifecycle", "supported", "r")]
    asked = []

    def find(under: Policy) -> list[Finding]:
        asked.append(under["segment.definition"])
        return [Finding("M-1.2", "lifecycle", "undecided", "r")]

    table = moves_between_definitions(customers(company), policy, now, find)
    assert asked == ["size"]  # no teams, no reach or revenue; the label's findings are those of this run
    assert table[["definition", "state", "n_smb", "n_ka", "used"]].values.tolist() == [
        ["label", "supported", 10, 10, True], ["size", "undecided", 10, 10, False],
    ]  # fmt: skip
    assert table["same_as"].tolist()[1] == "label" and pd.isna(table["same_as"].iloc[0])  # the same ten and ten
    assert table["version"].iloc[1].startswith("size ") and table["version"].iloc[0] == "label"


def looks_of(rows: list[tuple[str | None, ...]], segments: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["stay", "needs", "pay", "size"]).astype("string")
    return frame.assign(account_id=range(len(rows)), segment=segments, cluster=[f"c{i}" for i in range(len(rows))])


def test_mixed_on_all_axes_by_hand(policy: Policy) -> None:
    """SMB: of four with stay known one looks KA, of four with pay known two do; nobody's needs or size are known. Mixed: 1 − 1/4 · 1/2 − 3/4 ·
    1/2 = 1/2. KA: all alike on the one axis known: 0. Eight and two customers."""
    rows = [("KA", None, None, None), *[("SMB", None, None, None)] * 3, *[(None, None, "KA", None)] * 2,
            *[(None, None, "SMB", None)] * 2, *[(None, None, None, "KA")] * 2]  # fmt: skip
    found = mixed_on_all_axes(looks_of(rows, ["SMB"] * 8 + ["KA"] * 2), policy)
    assert (
        found.value == pytest.approx(0.8 * 0.5) and found.n == 10 and found.low is not None and found.high is not None
    )
    assert mixed_on_all_axes(looks_of([], []), policy).value is None
    # Unlike the shares of those with two and three axes known, what is not known does not count as agreeing.
    bounds = {
        n.name: n.value for n in mixed_shares(looks_of(rows, ["SMB"] * 8 + ["KA"] * 2), policy) if n.segment == "all"
    }
    assert bounds["mixed_share"] is None and bounds["mixed_share_all_axes"] == found.value


def test_few_mixed_is_not_said_where_with_all_axes_it_may_be_half(policy: Policy) -> None:
    numbers = [Number("mixed_share", s, 0.2, 0.1, 0.3, 0.95, 300, "share", "m") for s in ("SMB", "KA", "all")]
    numbers.append(Number("mixed_share_three_axes", "all", 0.3, 0.2, 0.4, 0.95, 200, "share", "m"))

    def every(low: float, high: float) -> list[Number]:
        return [*numbers, Number("mixed_share_all_axes", "all", 0.5, low, high, 0.95, 300, "share", "m")]

    assert judge_overlap(every(0.3, 0.4), policy)[0].state == "supported"
    assert judge_overlap(every(0.45, 0.55), policy)[0].state == "undecided"
    # It rests on independence, so it never says by itself that the groups overlap.
    assert judge_overlap(every(0.6, 0.7), policy)[0].state == "undecided"


def test_all_axes_cover_where_they_are_independent(policy: Policy) -> None:
    rng, held, runs = np.random.default_rng(20260630), 0, 150
    p, seen = {"SMB": [0.4, 0.07, 0.08, 0.02], "KA": [0.8, 0.67, 0.95, 0.99]}, [0.4, 0.8, 0.3, 1.0]
    mixed = {s: 1 - np.prod(v) - np.prod(1 - np.array(v)) for s, v in p.items()}
    truth, quick = (3 * mixed["SMB"] + mixed["KA"]) / 4, policy.override({"evidence.draws": 400})
    segments = ["SMB"] * 240 + ["KA"] * 80
    for _ in range(runs):
        rows = [tuple(("KA" if rng.random() < q else "SMB") if rng.random() < k else None for q, k in zip(p[s], seen, strict=True))
                for s in segments]  # fmt: skip
        found = mixed_on_all_axes(looks_of(rows, segments), quick)
        held += found.low <= truth <= found.high  # type: ignore[operator]
    assert held / runs > 0.95 - 3 * (0.95 * 0.05 / runs) ** 0.5
