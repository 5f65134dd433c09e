"""M-1.3: custom share by hand, verdicts around both thresholds, and what is judged where custom work is not recorded."""

from collections.abc import Callable

import numpy as np
import pytest

from kaanalysis.analyses.needs import find, judge
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

Open = Callable[..., Company]
PRODUCTS = [f"p{k}" for k in range(6)]


def orders(
    company: Open, smb: float, ka: float, custom: tuple[float, float] | None = (0.05, 0.4), seed: int = 1
) -> Company:
    """60 accounts a segment, four orders of three lines; concentration of their product mixes; share of lines made to measure."""
    g = np.random.default_rng(seed)
    accounts, lines = (
        "account_id,segment\n",
        "account_id,product,amount,at,opportunity_id" + (",custom\n" if custom else "\n"),
    )
    deals = "opportunity_id,account_id,outcome,created_at,closed_at,amount\n"
    for side, (segment, concentration) in enumerate((("SMB", smb), ("KA", ka))):
        for i in range(60):
            accounts += f"{segment}{i},{segment}\n"
            mix = g.dirichlet(np.full(6, concentration / 6))
            for order in range(4):
                deals += f"{segment}{i}-{order},{segment}{i},won,2025-01-01,2025-02-01,300\n"
                for product in g.choice(PRODUCTS, 3, p=mix):
                    made = f",{str(g.random() < custom[side]).lower()}" if custom else ""
                    lines += f"{segment}{i},{product},100,2025-02-01,{segment}{i}-{order}{made}\n"
    return company(accounts=accounts, opportunities=deals, order_lines=lines)


def test_individual_needs_and_custom_work_support(company: Open, policy: Policy) -> None:
    found, frames = find(orders(company, 60.0, 1.5), policy)
    assert found.state == "supported"
    assert found.number("need_distance", "KA").value > 4 * found.number("need_distance", "SMB").value  # type: ignore[union-attr, operator]
    assert found.number("need_distance_p_value").value < 0.05  # type: ignore[union-attr, operator]
    assert found.number("custom_share", "KA").value == pytest.approx(0.4, abs=0.06)  # type: ignore[union-attr]
    mix = frames["product_mix"]
    assert mix.groupby("segment")["share"].sum().tolist() == pytest.approx([1, 1])


def test_alike_needs_contradict_by_custom_work_and_stay_open_by_distance(company: Open, policy: Policy) -> None:
    found, _ = find(orders(company, 5.0, 5.0, (0.05, 0.05)), policy)
    assert (found.state, found.reason) == ("contradicted", "needs_custom_contradicted")


def test_without_custom_work_recorded_the_products_alone_are_judged(company: Open, policy: Policy) -> None:
    found, _ = find(orders(company, 60.0, 1.5, None), policy)
    assert (found.state, found.reason) == ("supported", "needs_products_supported")
    assert found.number("custom_share") is None and {f.policy for f in found.flips} == {"needs.distance_difference"}


def test_won_deals_stand_in_for_order_lines(company: Open, policy: Policy) -> None:
    accounts = "account_id,segment\n" + "".join(f"{s}{i},{s}\n" for s in ("SMB", "KA") for i in range(12))
    deals = "opportunity_id,account_id,outcome,created_at,closed_at,amount,product\n" + "".join(
        f"{s}{i}-{k},{s}{i},won,2025-01-01,2025-02-01,1,{PRODUCTS[(i if s == 'KA' else k) % 6]}\n"
        for s in ("SMB", "KA") for i in range(12) for k in range(3)
    )  # fmt: skip
    found, _ = find(company(accounts=accounts, opportunities=deals), policy)
    # A key account always buys its own product; a small one never the same twice.
    assert found.number("need_distance", "KA").value == pytest.approx(1 - 1 / 6)  # type: ignore[union-attr]
    assert found.number("need_distance", "SMB").value == 0  # type: ignore[union-attr]


def numbers(distance: tuple[float, float], custom: tuple[float, float] | None, n: int = 30) -> list[Number]:
    items = [Number("need_distance", s, 0.2, 0.1, 0.3, 0.95, n, "bits", "m") for s in ("SMB", "KA")]
    items.append(Number("need_distance_difference", "KA-SMB", 0.1, *distance, 0.95, 2 * n, "bits", "m"))
    return items + (
        [Number("custom_share_difference", "KA-SMB", 0.2, *custom, 0.95, 2 * n, "share", "m")] if custom else []
    )


@pytest.mark.parametrize(("distance", "custom", "reason"), [
    ((0.01, 0.2), (0.11, 0.3), "needs_supported"), ((0.0, 0.2), (0.11, 0.3), "needs_undecided"), ((0.01, 0.2), (0.1, 0.3), "needs_undecided"),
    ((-0.2, -0.01), (0.11, 0.3), "needs_distance_contradicted"), ((0.01, 0.2), (0.0, 0.09), "needs_custom_contradicted"),
    ((0.01, 0.2), None, "needs_products_supported"), ((-0.1, 0.2), None, "needs_products_undecided"),
])  # fmt: skip
def test_around_its_thresholds(distance, custom, reason, policy: Policy) -> None:
    assert judge(numbers(distance, custom), policy)[0].reason == reason
    assert judge(numbers(distance, custom, 9), policy)[0].reason == "too_few"
