"""M-1.4: numbers by hand, verdicts around thresholds, the mix taken out, discounts."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from kaanalysis.analyses.spending import find, judge
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

Open = Callable[..., Company]


def spend(company: Open, smb: list[float], ka: list[float]) -> Company:
    accounts, deals = "account_id,segment\n", "opportunity_id,account_id,outcome,created_at,closed_at,amount\n"
    for segment, amounts in (("SMB", smb), ("KA", ka)):
        for i, amount in enumerate(amounts):
            accounts += f"{segment}{i},{segment}\n"
            deals += f"{segment}{i},{segment}{i},won,2025-01-01,2025-05-01,{amount}\n"
    return company(accounts=accounts, opportunities=deals)


WIDE = [float(np.exp(1.5 * z)) * 100 for z in np.linspace(-2, 2, 40)]
EVEN = [float(np.exp(0.2 * z)) * 1000 for z in np.linspace(-2, 2, 40)]


def test_spend_by_hand_and_its_verdict(company: Open, policy: Policy) -> None:
    found = find(spend(company, WIDE, EVEN), policy)[0]
    assert found.state == "supported"
    # Both are symmetric in the log, so the medians are the means of the two middle ones and their ratio is about 10.
    middle = [(v[19] + v[20]) / 2 for v in (WIDE, EVEN)]
    assert found.number("spend_median", "SMB").value == pytest.approx(middle[0])  # type: ignore[union-attr]
    assert found.number("spend_ratio").value == pytest.approx(middle[1] / middle[0])  # type: ignore[union-attr]
    sd = np.std(np.log(WIDE), ddof=1)
    assert found.number("spend_dispersion", "SMB").value == pytest.approx(sd, rel=0.02)  # type: ignore[union-attr]
    gap = found.number("dispersion_difference").value  # type: ignore[union-attr]
    assert gap == pytest.approx(np.std(np.log(EVEN), ddof=1) - sd, rel=0.02)


@pytest.mark.parametrize(("smb", "ka", "reason"), [
    (EVEN, [a / 10 for a in WIDE], "spend_level_contradicted"),
    ([a / 100 for a in EVEN], WIDE, "spend_evenness_contradicted"),
    (WIDE, [a / 50 for a in EVEN], "spend_level_contradicted"),
])  # fmt: skip
def test_one_half_of_the_claim_failing_contradicts_it(smb, ka, reason, company: Open, policy: Policy) -> None:
    found = find(spend(company, smb, ka), policy)[0]
    assert (found.state, found.reason) == ("contradicted", reason)


def numbers(ratio: tuple[float, float], gap: tuple[float, float], n: int = 30) -> list[Number]:
    return [
        Number("spend_median", "SMB", 1, 1, 1, 0.95, n, "CNY", "m"), Number("spend_median", "KA", 1, 1, 1, 0.95, n, "CNY", "m"),
        Number("spend_ratio", "KA-SMB", 3, *ratio, 0.95, 2 * n, "ratio", "m"),
        Number("spend_ratio_stratified", "KA-SMB", 3, *ratio, 0.95, 2 * n, "ratio", "m"),
        Number("dispersion_difference", "KA-SMB", -1, *gap, 0.95, 2 * n, "log units", "m"),
    ]  # fmt: skip


@pytest.mark.parametrize(("ratio", "gap", "state"), [
    ((2.1, 9), (-1, -0.1), "supported"), ((2.0, 9), (-1, -0.1), "undecided"), ((2.1, 9), (-1, 0.0), "undecided"),
    ((1, 1.9), (-1, -0.1), "contradicted"), ((2.1, 9), (0.1, 1), "contradicted"), ((1, 9), (0.1, 1), "contradicted"),
])  # fmt: skip
def test_spend_at_and_around_its_thresholds(ratio, gap, state, policy: Policy) -> None:
    assert judge(numbers(ratio, gap), policy)[0].state == state
    assert judge(numbers(ratio, gap, 9), policy)[0].reason == "too_few"


def test_a_ratio_that_the_mix_explains_is_no_verdict(policy: Policy) -> None:
    items = [
        n if n.name != "spend_ratio_stratified" else replace(n, value=0.9, low=0.5, high=1.4)
        for n in numbers((2.1, 9), (-1, -0.1))
    ]
    assert (judge(items, policy)[0].state, judge(items, policy)[0].reason) == ("undecided", "spend_mix")


def test_ratio_within_industries_by_hand(company: Open, policy: Policy) -> None:
    """In retail key accounts pay twice what small ones do, in finance eight times; equal numbers, so the geometric middle is four times."""
    accounts, deals = "account_id,segment,industry\n", "opportunity_id,account_id,outcome,created_at,closed_at,amount\n"
    for i in range(40):
        segment, industry = ("SMB", "KA")[i % 2], ("retail", "finance")[i // 20]
        amount = 100 * (1 if segment == "SMB" else 2 if industry == "retail" else 8) * (1 + 0.02 * (i % 20 // 2))
        accounts += f"A{i},{segment},{industry}\n"
        deals += f"O{i},A{i},won,2025-01-01,2025-05-01,{amount}\n"
    found, frames = find(company(accounts=accounts, opportunities=deals), policy)
    assert found.number("spend_ratio_stratified").value == pytest.approx(4.0)  # type: ignore[union-attr]
    assert len(frames["spend"]) == 40 and found.number("discount") is None


def test_discounts_by_hand(company: Open, policy: Policy) -> None:
    """Small customers pay 90 of 100 listed, key accounts 75; lines without a list price do not count."""
    accounts = "account_id,segment\n" + "".join(f"{s}{i},{s}\n" for s in ("SMB", "KA") for i in range(40))
    deals = "opportunity_id,account_id,outcome,created_at,closed_at,amount\n" + "".join(
        f"{s}{i},{s}{i},won,2025-01-01,2025-05-01,{100 + i}\n" for s in ("SMB", "KA") for i in range(40)
    )
    lines = "account_id,product,amount,at,list_amount\n" + "".join(
        f"{s}{i},p,{paid * (1 + i % 3)},2025-05-01,{100 * (1 + i % 3)}\n{s}{i},p,999,2025-05-01,\n"
        for s, paid in (("SMB", 90), ("KA", 75))
        for i in range(40)
    )
    found, _ = find(company(accounts=accounts, opportunities=deals, order_lines=lines), policy)
    assert found.number("discount", "SMB").value == pytest.approx(0.10)  # type: ignore[union-attr]
    assert found.number("discount", "KA").value == pytest.approx(0.25)  # type: ignore[union-attr]
    assert found.number("discount_difference").value == pytest.approx(0.15)  # type: ignore[union-attr]


def test_a_segment_without_an_amount_is_too_few_and_no_column_is_missing(company: Open, policy: Policy) -> None:
    accounts = "account_id,segment\n" + "".join(f"S{i},SMB\n" for i in range(12)) + "K,KA\n"
    deals = "opportunity_id,account_id,outcome,created_at,closed_at,amount\n"
    deals += (
        "".join(f"D{i},S{i},won,2025-01-01,2025-05-01,{100 + i}\n" for i in range(12))
        + "DK,K,won,2025-01-01,2025-05-01,\n"
    )
    found = find(company(accounts=accounts, opportunities=deals), policy)[0]
    assert (found.state, found.reason, found.needs) == ("undecided", "too_few", ())
    assert found.number("spend_median", "all").n == 12  # type: ignore[union-attr]
