"""The flow re-run with steps relieved: on a small company by hand, and that reliefs do not add up."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest

from kaanalysis.analyses.bottlenecks import bottleneck
from kaanalysis.analyses.what_if import relieve
from kaanalysis.company import Company
from kaanalysis.contracts import UnusableData
from kaanalysis.policy import Policy

ACCOUNTS = "account_id,segment\nK,KA\n"


def day(ago: int) -> str:
    return str(dt.date(2025, 12, 31) - dt.timedelta(days=ago))


@pytest.fixture
def two_steps(company: Callable[..., Company]) -> Company:
    """200 deals: 40 lost in a after 2 days, 160 pass it after 4; of these 80 are lost in b, 80 won after 100 days. Sellers differ."""
    deals, stages = (
        "opportunity_id,account_id,owner,created_at,closed_at,outcome\n",
        "opportunity_id,stage,entered_at\n",
    )
    for i in range(200):
        opened = 700 - i
        in_a, lost = i % 5 == 0, i % 5 == 0 or i % 5 in (1, 2)
        after = 2 if in_a else 104
        deals += f"O{i},K,seller{i * 7 % 23},{day(opened)},{day(opened - after)},{'lost' if lost else 'won'}\n"
        stages += f"O{i},a,{day(opened)}\n" + ("" if in_a else f"O{i},b,{day(opened - 4)}\n")
    return company(accounts=ACCOUNTS, opportunities=deals, stage_history=stages)


def test_by_hand_and_together_more_than_the_sum(two_steps: Company, policy: Policy) -> None:
    quick = policy.override({"evidence.draws": 200})
    both = relieve(two_steps, quick, losses=["a", "b"])
    assert both.won_now.value == pytest.approx(0.4) and both.won_then.value == pytest.approx(0.95 * 0.95)
    assert both.gained.value == pytest.approx(100 * (0.9025 - 0.4)) and both.gained.horizon_months == 12
    apart = [relieve(two_steps, quick, losses=[s]).gained.value for s in "ab"]
    assert apart == pytest.approx([7.5, 36.0]) and both.gained.value > sum(apart) + 6  # type: ignore[operator,arg-type]
    assert both.won_then.low < both.won_then.value < both.won_then.high  # type: ignore[operator]
    curve = both.curve
    assert curve["days"].iloc[-1] == 365 and curve["then"].iloc[-1] == pytest.approx(0.9025)
    assert (curve["gain"] >= -1e-9).all() and (curve["low"] <= curve["high"]).all()


def test_delay_brings_wins_sooner_and_losses_stay(two_steps: Company, policy: Policy) -> None:
    """b takes 100 days, the benchmark 14: the win that came on day 104 comes about 86 days sooner, none is added within a year."""
    found = relieve(two_steps, policy.override({"evidence.draws": 200}), delays=["b"])
    assert found.gained.value == pytest.approx(0, abs=1e-6) and found.sooner.value == pytest.approx(86, abs=1.5)
    quarter = policy.override({"evidence.draws": 200, "success.horizon_months": 3})
    assert relieve(two_steps, quarter, delays=["b"]).gained.value == pytest.approx(40, abs=1e-6), (
        "they now come within three months"
    )
    nothing = relieve(two_steps, quarter)
    assert nothing.gained.value == 0 and np.allclose(nothing.curve["now"], nothing.curve["then"])


def test_m_3_6_carries_the_same_reliefs(two_steps: Company, policy: Policy) -> None:
    finding, frames = bottleneck(two_steps, policy)
    single = relieve(two_steps, policy, losses=["b"]).gained
    assert finding.number("relief", "b").value == pytest.approx(single.value)  # type: ignore[union-attr]
    assert finding.number("bottlenecks").value == 2  # type: ignore[union-attr]
    both = relieve(two_steps, policy, losses=["a", "b"]).gained
    severity = finding.number("severity")
    assert severity is not None and severity.value == pytest.approx(both.value) and severity.low < severity.high  # type: ignore[operator]
    assert frames["bottleneck_draws"]["severity"].between(severity.value - 30, severity.value + 30).all()  # type: ignore[operator]
    assert finding.number("win_sooner", "b").value == pytest.approx(86, abs=1.5)  # type: ignore[union-attr]
    assert finding.terms["slow"] == "b" and finding.terms["delay"] == "time" and finding.terms["carry"] == "unknown"
    assert frames["bottlenecks"]["passing_days"].tolist() == pytest.approx([4, 100], abs=0.6)


def test_what_is_missing_or_unknown_is_said(
    two_steps: Company, company: Callable[..., Company], policy: Policy
) -> None:
    with pytest.raises(ValueError, match="must be among a, b; not c"):
        relieve(two_steps, policy, losses=["c"])
    with pytest.raises(UnusableData, match="segment SMB"):
        relieve(two_steps, policy, segment="SMB")
    with pytest.raises(UnusableData, match=r"stage_history\.stage"):
        relieve(company(), policy)
