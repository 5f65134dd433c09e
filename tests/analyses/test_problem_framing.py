"""M-0.1 to M-0.4: each statement by hand, its verdict around the threshold, the ranking, and companies that must not get a verdict."""

import datetime as dt
from collections.abc import Callable

import pytest

from kaanalysis.analyses.growth_bridge import FACTORS
from kaanalysis.analyses.penetration import judge_industry, judge_leading
from kaanalysis.analyses.problem_framing import analyse, judge_base
from kaanalysis.analyses.value_per_customer import judge_value
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import Estimate


def rows(before: list[float], now: list[float]) -> tuple[str, str]:
    """One account per place; 0 = nothing won in that year."""
    deals = "opportunity_id,account_id,outcome,created_at,closed_at,amount\nX,A0,lost,2023-01-01,2023-01-02,\n"
    for i, (a, b) in enumerate(zip(before, now, strict=True)):
        deals += f"B{i},A{i},won,2024-01-01,2024-05-01,{a}\n" * (
            a > 0
        ) + f"N{i},A{i},won,2025-01-01,2025-05-01,{b}\n" * (b > 0)
    return "account_id,segment\n" + "".join(f"A{i},SMB\n" for i in range(len(before))), deals


def run(company: Callable[..., Company], policy: Policy, before: list[float], now: list[float], **toml: object):
    accounts, deals = rows(before, now)
    return analyse(company(toml, accounts=accounts, opportunities=deals), policy, {})


def test_bridge_by_hand_and_its_parts_add_up(company: Callable[..., Company], policy: Policy) -> None:
    # Signed in both: 10 → 16 and 20 → 14 (+0); only before: 5; only now: 7 and 9. Before 35, now 46.
    finding = run(company, policy, [10, 20, 5, 0, 0], [16, 14, 0, 7, 9]).finding("M-0.1")
    value = {n.name: n.value for n in finding.numbers if n.segment == "SMB"}
    assert (value["retained"], value["new"], value["not_repeated"]) == pytest.approx((0, 16, -5))
    assert (
        value["retained"] + value["new"] + value["not_repeated"]
        == pytest.approx(value["revenue_now"] - value["revenue_before"])
        == pytest.approx(11)
    )
    assert sum(value[f] for f in FACTORS) == pytest.approx(11)
    assert value["growth_rate"] == pytest.approx(11 / 35)
    assert finding.state == "undecided" and finding.reason == "too_few"


def test_a_base_that_halves_has_stalled_one_that_doubles_has_not(
    company: Callable[..., Company], policy: Policy
) -> None:
    amounts = [float(10 + i % 7) for i in range(40)]
    assert (
        run(company, policy, amounts, [a * (0.4 + 0.01 * (i % 9)) for i, a in enumerate(amounts)])
        .finding("M-0.1")
        .state
        == "supported"
    )
    assert (
        run(company, policy, amounts, [a * (2 + 0.01 * (i % 9)) for i, a in enumerate(amounts)]).finding("M-0.1").state
        == "contradicted"
    )
    assert (
        run(company, policy, amounts, [a * (0.4 + 1.2 * (i % 2)) for i, a in enumerate(amounts)]).finding("M-0.1").state
        == "undecided"
    )


def test_one_customer_group_is_one_unit_and_gives_no_interval(company: Callable[..., Company], policy: Policy) -> None:
    accounts, deals = rows([10.0] * 20, [20.0] * 20)
    grouped = "account_id,segment,parent_account_id\n" + "".join(f"A{i},SMB,{'A0' if i else ''}\n" for i in range(20))
    finding = analyse(company(accounts=grouped, opportunities=deals), policy, {}).finding("M-0.1")
    assert finding.state == "undecided" and finding.number("growth_rate", "SMB").low is None  # type: ignore[union-attr]
    # The same twenty as customers of their own, all growing alike: nothing varies, which is no certainty either.
    assert analyse(company(accounts=accounts, opportunities=deals), policy, {}).finding("M-0.1").state == "undecided"


def test_records_that_do_not_cover_two_periods_give_no_verdict(company: Callable[..., Company], policy: Policy) -> None:
    for day, short in ((dt.date(2023, 12, 31), False), (dt.date(2024, 1, 1), True)):
        finding = run(company, policy, [10.0] * 20, [float(i + 20) for i in range(20)], observed_from=day).finding(
            "M-0.1"
        )
        assert (finding.reason == "history_too_short") == short and (
            not short or finding.needs == ("company.observed_from",)
        )


@pytest.mark.parametrize(("low", "high", "state"), [
    (-0.3, -0.01, "supported"), (-0.3, 0.0, "undecided"), (0.0, 0.2, "undecided"), (0.01, 0.2, "contradicted"), (None, None, "undecided"),
])  # fmt: skip
def test_verdict_at_and_around_the_stall_rate(low, high, state, policy: Policy) -> None:
    rate = Number("growth_rate", "SMB", 0.0, low, high, 0.95, 40, "share per period", "m")
    whole = Number("growth_rate", "all", 0.0, low, high, 0.95, 80, "share per period", "m")
    assert judge_base([rate, whole], policy)[0].state == state
    few = Number("growth_rate", "SMB", 0.0, low, high, 0.95, 9, "share per period", "m")
    assert judge_base([few, whole], policy)[0].reason == "too_few"


def result(low: float | None, high: float | None, name: str, n: int = 40) -> list[Number]:
    return [Number(name, "all", 0.0, low, high, 0.95, n, "share", "m")]


@pytest.mark.parametrize(
    ("low", "high", "whole"), [(0.11, 2.0, "above"), (-0.5, 0.09, "short"), (0.0, 2.0, "open"), (None, None, "open")]
)
@pytest.mark.parametrize(
    ("net", "kept"), [((0.5, 0.9), "shrinks"), ((1.1, 2.0), "grows"), ((0.9, 1.1), "open"), (None, None)]
)
def test_the_whole_is_held_against_the_target_and_present_customers_against_their_fees(
    low, high, whole, net, kept, policy: Policy
) -> None:
    numbers = [Number("growth_rate", s, 0.2, low, high, 0.95, 40, "share per period", "m") for s in ("SMB", "all")]
    if net is not None:
        numbers.append(Number("net_revenue_retention", "SMB", 1.0, *net, 0.95, 40, "share", "m"))
    terms = judge_base(numbers, policy)[0].terms
    assert (terms["whole"], terms.get("kept")) == (whole, kept)


@pytest.mark.parametrize(("low", "high", "state"), [
    (0.051, 0.3, "supported"), (0.05, 0.3, "undecided"), (-0.2, 0.049, "contradicted"), (-0.2, 0.05, "undecided"),
])  # fmt: skip
def test_leading_accounts_and_industries_around_the_gap_that_counts(low, high, state, policy: Policy) -> None:
    # Leading accounts are read the other way round: their share minus the others'.
    assert judge_leading(result(-high, -low, "leading_difference"), policy)[0].state == state
    assert judge_leading(result(-high, -low, "leading_difference", 9), policy)[0].reason == "too_few"
    gap = Estimate(0.1, low, high, 0.95, 100, "m")
    other = Estimate(-0.1, -0.3, -0.2, 0.95, 100, "m")
    assert judge_industry({"a": gap, "b": other}, result(low, high, "industry_gap"), policy)[0].state == state
    assert judge_industry({"a": gap}, [], policy)[0].reason == "one_industry"


@pytest.mark.parametrize(
    ("low", "high", "state"), [(-0.3, -0.01, "supported"), (-0.3, 0.1, "undecided"), (0.01, 0.2, "contradicted")]
)
def test_value_per_customer_around_the_stall_rate(low, high, state, policy: Policy) -> None:
    assert judge_value(result(low, high, "value_growth_same_mix"), policy)[0].state == state
    assert judge_value(result(low, high, "value_growth_same_mix", 9), policy)[0].reason == "too_few"


def market(
    company: Callable[..., Company], behind: float = 0.2, leading: float = 0.5, segment: Callable[[int], str] = lambda _: "SMB",
    also: str = "", worth: float = 1.0,
) -> Company:  # fmt: skip
    """300 worked accounts in three industries, half of them customers but for `behind` in finance and `leading` of those on a ranking.
    also: rows of further accounts; worth: times what the others pay that finance's customers do."""
    accounts = "account_id,segment,industry,ranked_on,created_at\n"
    deals = "opportunity_id,account_id,outcome,created_at,closed_at,amount\n"
    for i in range(300):
        industry = ("retail", "logistics", "finance")[i % 3]
        ranked = i % 10 == 0
        share = behind if industry == "finance" else leading if ranked else 0.5
        accounts += f"A{i},{segment(i)},{industry},{'list' if ranked else ''},2023-01-01\n"
        if ((i // 3) * 0.6180339887) % 1 < share:
            times = worth if industry == "finance" else 1.0
            deals += f"B{i},A{i},won,2024-01-01,2024-05-01,{times * (90 + i % 21)}\n"
            deals += f"N{i},A{i},won,2025-01-01,2025-05-01,{times * (90 + (i * 7) % 21)}\n"
    return company({"observed_from": dt.date(2023, 1, 1)}, accounts=accounts + also, opportunities=deals)


def test_an_industry_that_lies_behind_is_found_and_priced(company: Callable[..., Company], policy: Policy) -> None:
    made = analyse(market(company), policy, {})
    found = made.finding("M-0.2")
    assert (found.state, found.terms["industry"], found.terms["key_accounts"]) == ("supported", "finance", "")
    table = made.frames["penetration"].query("segment == 'all'").set_index("industry")
    assert table["known"].tolist() == [100, 100, 100] and table.loc["finance", "customers"] == pytest.approx(20, abs=3)
    others = table.drop("finance")["customers"].sum() / 200
    gap = others - table.loc["finance", "customers"] / 100
    assert found.number("industry_gap").value == pytest.approx(gap)  # type: ignore[union-attr]
    worth = 100 * gap * table.loc["finance", "won"] / table.loc["finance", "customers"]
    assert found.number("shortfall").value == pytest.approx(worth)  # type: ignore[union-attr]
    ranking = made.frames["problem_ranking"].set_index("statement")
    assert ranking.index[0] == "M-0.2" and ranking.loc["M-0.2", "level"] == pytest.approx(1 - 0.05 / 3)
    assert 0 < ranking.loc["M-0.2", "counted"] < ranking.loc["M-0.2", "shortfall"]
    assert found.number("p_first").value > 0.9  # type: ignore[union-attr, operator]
    assert {f.policy for f in found.flips} == {"growth.penetration_gap"}


def test_industries_are_compared_within_segments_and_key_accounts_stand_apart(
    company: Callable[..., Company], policy: Policy
) -> None:
    """Finance holds half of the key accounts, of whom as many are customers as of the small ones, so a mix cannot make the gap. By hand: the
    industry's own accounts weigh the gaps, and a key account missing is worth what one brings."""
    opened = market(
        company, segment=lambda i: "KA" if i % 3 == 2 and i % 2 else "KA" if i % 12 == 0 else "SMB", worth=5.0
    )
    made = analyse(opened, policy, {})
    found = made.finding("M-0.2")
    table = made.frames["penetration"].set_index(["segment", "industry"])
    gaps, worth = {}, 0.0
    for segment in ("SMB", "KA"):
        mine = table.loc[segment]
        own, rest = mine.loc["finance"], mine.drop("finance")
        gaps[segment] = rest["customers"].sum() / rest["known"].sum() - own["customers"] / own["known"]
        worth += own["known"] * gaps[segment] * own["won"] / own["customers"]
    known = {s: table.loc[(s, "finance"), "known"] for s in gaps}
    by_hand = sum(known[s] * gaps[s] for s in gaps) / sum(known.values())
    assert found.number("industry_gap", "finance").value == pytest.approx(by_hand)  # type: ignore[union-attr]
    assert found.number("industry_gap", "finance").n == 100  # type: ignore[union-attr]
    assert found.number("shortfall").value == pytest.approx(worth)  # type: ignore[union-attr]
    key = found.number("industry_gap_key_accounts")
    assert key is not None and found.terms["industry_key_accounts"] == key.segment == "finance"
    assert key.value == pytest.approx(gaps["KA"]) and key.n == known["KA"] and found.terms["key_accounts"] == "shown"
    # Only two industries hold ten key accounts or more, so two gaps must hold at once.
    assert key.level == pytest.approx(1 - 0.05 / 2)


def test_leading_accounts_that_are_missing_are_found(company: Callable[..., Company], policy: Policy) -> None:
    found = analyse(market(company, behind=0.5, leading=0.0), policy, {}).finding("M-0.3")
    assert found.state == "supported" and found.number("leading_share").value < 0.2  # type: ignore[union-attr, operator]
    assert analyse(market(company, behind=0.5, leading=0.9), policy, {}).finding("M-0.3").state == "contradicted"


def test_accounts_from_a_ranking_alone_are_counted_and_in_no_share(
    company: Callable[..., Company], policy: Policy
) -> None:
    """One denominator: shares, difference, missing amount and stop rule are of the accounts in the company's own register."""
    plain = analyse(market(company), policy, {}).finding("M-0.3")
    listed = "".join(f"L{i},SMB,retail,list,\n" for i in range(7))
    more = analyse(market(company, also=listed), policy, {}).finding("M-0.3")
    for name in (
        "leading_share",
        "other_share",
        "leading_difference",
        "shortfall",
        "detectable_change",
        "cases_needed",
    ):
        assert more.number(name).value == pytest.approx(plain.number(name).value), name  # type: ignore[union-attr]
    counts = [(f.number("leading_known").value, f.number("leading_from_rankings_alone").value) for f in (plain, more)]  # type: ignore[union-attr]
    assert counts == [(30, 0), (37, 7)] and more.number("leading_difference").n == 30  # type: ignore[union-attr]
    share = {k: more.number(f"{k}_share").value for k in ("leading", "other")}  # type: ignore[union-attr]
    assert more.number("leading_difference").value == pytest.approx(share["leading"] - share["other"])  # type: ignore[union-attr, operator]


def test_every_statement_carries_its_stop_rule_and_rank(company: Callable[..., Company], policy: Policy) -> None:
    made = analyse(market(company), policy, {})
    for id in ("M-0.1", "M-0.2", "M-0.3", "M-0.4"):
        found = made.finding(id)
        change, wanted = found.number("detectable_change", id), found.number("change_wanted", id)
        if found.state == "contradicted":
            assert change is None and "stop" not in found.terms, id
            continue
        assert change is not None and wanted is not None and change.unit in ("share difference", "share per period"), id
        assert (found.terms["stop"] == "shown") == (change.value <= wanted.value)  # type: ignore[operator]
        # The conftest company ends its records on 2025-12-31; the next period is the year after.
        assert (found.terms["later_from"], found.terms["next_until"]) == ("2025-01-01", "2026-12-31")
    ranking = made.frames["problem_ranking"]
    assert ranking["p_first"].sum() == pytest.approx(1.0) and "none" in set(ranking["statement"])


def test_where_nothing_is_missing_none_comes_first(company: Callable[..., Company], policy: Policy) -> None:
    grown = [12.0 + 1.2 * (i % 7) for i in range(40)]
    made = run(company, policy.override({"growth.target_rate": 0.0}), [10.0 + i % 7 for i in range(40)], grown)
    ranking = made.frames["problem_ranking"]
    assert ranking["statement"].iloc[0] == "none" and ranking["p_first"].iloc[0] == 1


def test_an_industry_that_lags_by_chance_counts_for_nothing(company: Callable[..., Company], policy: Policy) -> None:
    ranking = analyse(market(company, behind=0.48), policy, {}).frames["problem_ranking"].set_index("statement")
    assert ranking.loc["M-0.2", "shortfall"] > 0
    assert ranking.loc["M-0.2", "counted"] == 0 and ranking.loc["M-0.2", "p_first"] == 0


def test_how_many_accounts_each_word_means(company: Callable[..., Company], policy: Policy) -> None:
    accounts = "account_id,segment,created_at,ranked_on\nA0,SMB,2023-01-01,\nA1,SMB,2023-01-01,\nA2,KA,2023-01-01,\nA3,KA,,list\nA4,,2023-01-01,\n"
    deals = (
        "opportunity_id,account_id,outcome,created_at,closed_at,amount\n"
        "1,A0,won,2024-01-01,2024-05-01,5\n2,A0,won,2025-01-01,2025-05-01,6\n3,A2,won,2024-01-01,2024-05-01,9\n4,A1,lost,2024-01-01,2024-05-01,\n"
    )
    fees = "account_id,started_at,ended_at,monthly_fee\nA1,2023-01-01,2025-06-30,1\nA2,2025-03-01,,1\n"
    made = analyse(
        company({"observed_from": dt.date(2023, 1, 1)}, accounts=accounts, opportunities=deals, subscriptions=fees),
        policy,
        {},
    )
    frame = made.frames["customer_counts"].pivot_table(index="stage", columns="segment", values="accounts")
    by_hand = {  # all, SMB, KA, without a segment
        "known": (5, 2, 2, 1), "own_register": (4, 2, 1, 1), "ever_customer": (3, 2, 1, 0), "ever_bought": (2, 1, 1, 0),
        "signed_either": (2, 1, 1, 0), "contract_before": (1, 1, 0, 0), "customer_now": (2, 1, 1, 0), "contract_now": (1, 0, 1, 0),
        "signed_before": (2, 1, 1, 0), "signed_now": (1, 1, 0, 0), "signed_both": (1, 1, 0, 0),
    }  # fmt: skip
    assert {s: tuple(int(x) for x in frame.loc[s, ["all", "SMB", "KA", ""]]) for s in frame.index} == by_hand


def test_without_industries_or_rankings_the_statement_says_what_is_missing(
    company: Callable[..., Company], policy: Policy
) -> None:
    made = run(company, policy, [10.0 + i for i in range(20)], [12.0 + 2 * i for i in range(20)])
    assert made.finding("M-0.2").needs == ("accounts.industry",) and made.finding("M-0.3").needs == (
        "accounts.ranked_on",
    )
    assert made.finding("M-0.4").state != "no_data" and made.finding("M-0").state == "no_data"


def test_retention_by_hand(company: Callable[..., Company], policy: Policy) -> None:
    """Twelve accounts at 100 a year ago: six still at 100, three now at 150, three gone. Gross (6 · 100 + 3 · 100) / 1200, net 1050 / 1200. A
    contract begun since does not count."""
    accounts, fees = "account_id,segment\n", "account_id,started_at,ended_at,monthly_fee\n"
    for i in range(13):
        accounts += f"A{i},SMB\n"
        ended = "2025-06-30" if 9 <= i < 12 else ""
        fees += f"A{i},{'2025-03-01' if i == 12 else '2023-01-01'},{ended},100\n"
        fees += f"A{i},2025-02-01,,50\n" * (6 <= i < 9)
    deals = rows([10.0] * 13, [10.0] * 13)[1]
    made = analyse(
        company({"observed_from": dt.date(2023, 1, 1)}, accounts=accounts, opportunities=deals, subscriptions=fees),
        policy,
        {},
    )
    found = made.finding("M-0.1")
    # At the end seven pay 100 and three 150: twelve times that is the recurring revenue of a year.
    assert found.number("annual_recurring_revenue", "SMB").value == pytest.approx(12 * 1150)  # type: ignore[union-attr]
    assert found.number("gross_revenue_retention", "SMB").value == pytest.approx(0.75)  # type: ignore[union-attr]
    assert found.number("net_revenue_retention", "SMB").value == pytest.approx(0.875)  # type: ignore[union-attr]
    assert set(made.frames["retention"]["cohort"]) == {"all", "2023"}
