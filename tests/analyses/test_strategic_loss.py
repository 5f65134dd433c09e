"""M-4.4: within the cap or not, for the paths that the rule leaves open; what perfect information is worth."""

from types import SimpleNamespace

import numpy as np
import pytest

from kaanalysis.analyses import strategic_loss
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number
from kaanalysis.text import words


def outcomes(part_time: float, split: float, rebuild: float) -> dict:
    """Losses over ten worlds: each path breaches a cap of 100 in the given share of them."""

    def one(share: float, worth: list[float]) -> SimpleNamespace:
        loss = np.where(np.arange(10) < 10 * share, 150.0, 60.0)
        return SimpleNamespace(
            loss=loss, loss_months=np.full(10, 9.0), npv=np.array(worth), expected_npv=np.array(worth)
        )

    return {
        "part_time": one(part_time, [1.0] * 10),
        "split": one(split, [0.0] * 5 + [4.0] * 5),
        "rebuild": one(rebuild, [3.0] * 5 + [0.0] * 5),
    }


def rule(state: str, reason: str, **shares: float) -> Finding:
    numbers = tuple(Number("p_rule", p, v, None, None, 0.95, 100, "probability", "m") for p, v in shares.items())
    needs = ("capability.level",) if state == "no_data" else ()
    return Finding("M-4", "path_rule", state, reason, numbers, (), needs)  # type: ignore[arg-type]


@pytest.mark.parametrize(("chosen", "breaches", "state", "path"), [
    (rule("supported", "split"), (0.0, 0.2, 1.0), "supported", "split"),
    (rule("supported", "split"), (0.0, 0.3, 1.0), "undecided", "split"),
    (rule("supported", "split"), (0.0, 0.8, 1.0), "contradicted", "split"),
    (rule("undecided", "split", split=0.6, rebuild=0.4), (0.0, 0.0, 1.0), "undecided", "split"),  # split keeps to it, rebuild not
    (rule("undecided", "split", split=0.6, rebuild=0.4), (0.0, 0.0, 0.5), "undecided", "split"),  # rebuild itself is open
    (rule("undecided", "split", split=0.6, rebuild=0.4), (1.0, 0.0, 0.0), "supported", "split"),  # both open ones do
    (rule("no_data", "none"), (0.0, 0.0, 0.0), "supported", "split"),  # no rule: all open, the best on average is named
])  # fmt: skip
def test_the_loss_stays_within_the_cap(
    chosen: Finding, breaches: tuple[float, float, float], state: str, path: str, policy: Policy
) -> None:
    year = 100 / policy["ledger.loss_cap_share"]
    made = strategic_loss.find(outcomes(*breaches), chosen, year, policy, "CNY")
    depends = chosen.state == "undecided" and breaches[1:] == (0.0, 1.0)  # each open path is decided, but not alike
    reason = "loss_depends" if depends else f"loss_{state}"
    assert (made.state, made.reason, made.terms) == (state, reason, {"path": path, "cap": "default"})
    assert made.number("loss_cap").value == pytest.approx(100)  # type: ignore[union-attr]
    assert [made.number("p_breach", p).value for p in outcomes(0, 0, 0)] == pytest.approx(list(breaches))  # type: ignore[union-attr]


def test_a_cap_that_somebody_set_is_no_default(policy: Policy) -> None:
    own = policy.override({"ledger.loss_cap_share": 0.2})
    assert "cap" not in strategic_loss.find(outcomes(0, 1, 1), rule("supported", "split"), 1000.0, own, "CNY").terms


def test_a_higher_cap_flips_the_verdict(policy: Policy) -> None:
    made = strategic_loss.find(outcomes(0, 1, 1), rule("supported", "split"), 1000.0, policy, "CNY")
    assert made.state == "contradicted"
    flip = next(f for f in made.flips if f.policy == "ledger.loss_cap_share")
    assert flip.at == pytest.approx(0.15, abs=0.002) and flip.to == "supported"


def test_perfect_information_is_worth_the_best_of_each_world_less_the_best_on_average(policy: Policy) -> None:
    # Best of each world: 3 in five, 4 in five. Best on average: split with 2. Luck has no part in it.
    made = strategic_loss.find(outcomes(0, 0, 0), rule("supported", "split"), 1000.0, policy, "CNY")
    assert made.number("evpi").value == pytest.approx(1.5)  # type: ignore[union-attr]


@pytest.mark.parametrize(("breaches", "said"), [
    ((0.0, 0.0, 1.0), {}),  # the best on average, split, stays within it
    ((0.0, 1.0, 0.1), {"capped": "other", "within": "rebuild"}),  # of the two that do, the better
    ((0.0, 1.0, 0.5), {"capped": "other", "within": "part_time"}),
    ((0.5, 1.0, 0.5), {"capped": "none"}),
])  # fmt: skip
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_best_path_within_the_agreed_loss_is_named(
    breaches: tuple[float, float, float], said: dict[str, str], language: str, policy: Policy
) -> None:
    held = outcomes(*breaches)
    loss = strategic_loss.find(held, rule("supported", "split"), 100 / policy["ledger.loss_cap_share"], policy, "CNY")
    assert strategic_loss.capped(held, loss, policy) == said
    texts = words(language).texts
    assert all(f"findings.path_rule.capped.{said[k]}" in texts for k in said if k == "capped")
    assert all(f"terms.within.{said[k]}" in texts for k in said if k == "within")
