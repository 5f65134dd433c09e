"""What to find out first: closed form through the ledger's frame, whether to wait, and the value of more closed deals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kaanalysis.analyses import path_information as pi
from kaanalysis.analyses.uncertain_inputs import Input, Inputs, draw_inputs
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number
from kaanalysis.stats import Estimate, expected_value_of_perfect_information
from kaanalysis.tables import sentence
from kaanalysis.text import words

INPUTS = Inputs(
    (
        Input("success", 0.5, 0.3, 0.7, 0.9, "share", "data", "logit"),
        Input("split.ramp_months", 9.0, 6.0, 12.0, 0.9, "months", "policy", "linear"),
        Input("rebuild.ramp_months", 9.0, 6.0, 12.0, 0.9, "months", "policy", "linear"),
        Input("gross_margin", 0.7, 0.6, 0.8, 0.9, "share", "policy", "linear"),
        Input("split.sellers", 6.0, 6.0, 6.0, 0.9, "sellers", "policy", "log"),
    ),
    np.eye(5),
)


def draws(n: int = 4096) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Payoffs of three paths, linear in the normal inputs: 0, a (ramp − 9), and far below."""
    x = draw_inputs(INPUTS, n, 1)
    return x, np.column_stack([np.zeros(n), 100 * (x["split.ramp_months"] - 9), np.full(n, -1e6)])


def test_largest_first_and_in_closed_form() -> None:
    x, payoff = draws()
    evpi = expected_value_of_perfect_information(payoff)
    made = pi.information_frame(INPUTS, x, payoff, evpi, 0)
    # 100 x a normal with 1.645 sd = 3: E max(0, y) = 100 x 3 / 1.645 / sqrt(2 pi), the whole of the uncertainty.
    truth = 100 * 3 / stats.norm.ppf(0.95) / np.sqrt(2 * np.pi)
    first = made.iloc[0]
    assert (first["kind"], first["name"], first["origin"], first["inputs"]) == ("study", "pilot_team", "policy", 2)
    assert first["evppi"] == pytest.approx(truth, rel=0.02) and first["share"] == pytest.approx(1, abs=0.01)
    assert made.loc[made["kind"] == "input", "name"].iloc[0] == "ramp_months"
    assert set(made["name"]) == {"pilot_team", "closed_deals", "customers", "success", "ramp_months", "gross_margin"}
    for _, rows in made.groupby("kind"):
        assert (rows["evppi"].diff().dropna() <= 0).all()
    assert (made["evppi"] <= evpi.value).all() and (made["evppi"] >= 0).all()
    assert (made.loc[made["study"] != "pilot_team", "evppi"] < 0.05 * truth).all()


def test_waiting_costs_what_the_best_path_loses_by_beginning_later() -> None:
    payoff = np.array([[100.0, 300.0, 0.0], [100.0, 100.0, 0.0]])
    assert pi.waiting_cost(payoff, 12, 0.25) == pytest.approx(200 * (1 - 1 / 1.25))
    assert pi.waiting_cost(payoff, 0, 0.25) == 0 and pi.waiting_cost(-payoff - 1, 12, 0.25) == 0


def worth(low: float, high: float) -> pd.DataFrame:
    return pd.DataFrame({"kind": ["study", "input"], "low": [low, 9e9], "high": [high, 9e9]})


@pytest.mark.parametrize(("low", "high", "evpi", "said"), [
    (0.0, 50.0, 90.0, "decide"), (0.0, 90.0, 150.0, "no_study"), (110.0, 150.0, 300.0, "look"), (90.0, 150.0, 300.0, "open"),
])  # fmt: skip
def test_whether_to_look_first_at_a_delay_that_costs_100(low: float, high: float, evpi: float, said: str) -> None:
    assert pi.judge(worth(low, high), Estimate(evpi - 10, evpi - 20, evpi, 0.95, 100, "m"), 100.0) == said


def test_more_closed_deals_are_worth_more_up_to_knowing_success() -> None:
    x, _ = draws()
    payoff = np.column_stack([np.zeros(4096), 1000 * (x["success"] - 0.5), np.full(4096, -1e6)])
    made = pi.pilot_frame(x, payoff, 0.95, 0)
    assert made["deals"].tolist() == list(pi.PILOT_SIZES) and (made["evsi"].diff().dropna() > -1e-6).all()
    known = np.maximum(payoff[:, 1], 0).mean() - max(payoff[:, 1].mean(), 0)
    assert 0.2 * known < made["evsi"].iloc[-1] < known * 1.02


def test_numbers_name_the_three_largest_studies(policy: Policy) -> None:
    x, payoff = draws(1024)
    numbers, terms, frames = pi.find(INPUTS, x, payoff, policy, "CNY")
    assert [n.segment for n in numbers if n.name == "evppi"] == frames["information"]["name"].head(3).tolist()
    assert terms["study"] == "pilot_team" and terms["information"] in ("look", "open", "no_study", "decide")
    cost = next(n for n in numbers if n.name == "waiting_cost")
    assert cost.value == pi.waiting_cost(payoff, policy["ledger.study_months"], policy["ledger.discount_rate"])
    assert {n.unit for n in numbers} == {"CNY"} and "pilot_value" in frames


def test_nothing_uncertain_is_worth_nothing_to_find_out(policy: Policy) -> None:
    fixed = Inputs((Input("success", 0.5, 0.5, 0.5, 0.9, "share", "data", "logit"),), np.eye(1))
    numbers, terms, frames = pi.find(fixed, draw_inputs(fixed, 64, 1), np.tile([1.0, 2.0, 0.0], (64, 1)), policy, "CNY")
    assert terms == {"information": "decide"} and frames["information"].empty
    assert [n.name for n in numbers] == ["waiting_cost"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("key", ["decide", "no_study", "look", "open"])
def test_whatever_is_found_is_said(key: str, language: str) -> None:
    amounts = [("loss_cap", "all", 5e5), ("strategic_loss", "split", 4e5), ("evpi", "all", 3e6), ("evppi", "pilot_team", 2e6),
               ("waiting_cost", "all", 1e5)]  # fmt: skip
    held = [Number(name, segment, value, None, None, None, 9, "CNY", "m") for name, segment, value in amounts]
    held.append(Number("p_breach", "split", 0.1, None, None, None, 9, "probability", "m"))
    terms = {"path": "split", "information": key, "study": "pilot_team"}
    said = sentence(
        Finding("M-4.4", "strategic_loss", "supported", "loss_supported", tuple(held), terms=terms), words(language)
    )
    texts = words(language).texts
    assert (texts["terms.study.pilot_team"] in said) == (key != "decide") and words(language).value(1e5, "CNY") in said
    assert words(language).name_of(held[3]).count(texts["terms.study.pilot_team"]) == 1
