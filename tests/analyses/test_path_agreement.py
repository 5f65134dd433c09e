"""Rule against ledger: where one input makes the rule's path the best, by hand and against the ledger itself; why they differ."""

import numpy as np
import pandas as pd
import pytest
from analyses.ledger_world import numbers, world

from kaanalysis.analyses import path_agreement as pa
from kaanalysis.analyses.ledger import PATHS, evaluate, expected_npv
from kaanalysis.analyses.uncertain_inputs import Input, Inputs, at_normal_scores, draw_inputs
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number
from kaanalysis.tables import sentence
from kaanalysis.text import words

Z90 = 1.6448536269514722


def test_lead_over_the_best_of_the_others() -> None:
    assert pa.lead(np.array([[1.0, 4.0, 2.0], [5.0, 1.0, 2.0]]), 0).tolist() == [-3, 3]


@pytest.mark.parametrize(("leads", "start", "wanted", "at"), [
    ([-1.0, -1.0, 1.0, 1.0], 0.0, True, 1.5), ([1.0, -1.0, -1.0, 1.0], 1.2, True, 0.5), ([-1.0] * 4, 0.0, True, None),
    ([1.0] * 4, 0.0, True, 0.0), ([1.0, 1.0, 1.0, -3.0], 0.0, False, 2.25),
])  # fmt: skip
def test_the_nearest_turn(leads: list[float], start: float, wanted: bool, at: float | None) -> None:
    found = pa.nearest_turn(np.arange(4.0), np.array(leads), start, wanted)
    assert found == (None if at is None else pytest.approx(at))


TWO = Inputs(
    (
        Input("gross_margin", 10.0, 10 - Z90, 10 + Z90, 0.9, "u", "policy", "linear"),  # standard deviation 1
        Input("success", 5.0, 5 - Z90, 5 + Z90, 0.9, "u", "data", "linear"),
    ),
    np.array([[1.0, 0.6], [0.6, 1.0]]),
)


def test_the_reconciling_value_of_linear_paths_by_hand(policy: Policy) -> None:
    # Part-time leads by (margin − 10) − 1 : best where margin is 11, one standard deviation up. Success, correlated 0.6, takes margin
    # along by 0.6 for each of its own, so it must be 1 / 0.6 up, just outside its 90 % interval.
    x = draw_inputs(TWO, 4096, 1)
    payoff = np.column_stack([x["gross_margin"] - 10, np.ones(4096), np.full(4096, -99.0)])
    rows = [pa._belief_row(i, x[i.name], payoff, 0, True) for i in TWO.items]
    made = pd.DataFrame(rows, columns=pa._COLUMNS).set_index("input")
    assert made.loc["gross_margin", "at"] == pytest.approx(11, abs=0.05)
    assert made.loc["gross_margin", "distance"] == pytest.approx(1, abs=0.05)
    assert made.loc["success", "at"] == pytest.approx(5 + 1 / 0.6, abs=0.08)
    assert made["inside"].tolist() == [True, False]
    assert made.loc["gross_margin", ["low", "high"]].tolist() == pytest.approx([10 - Z90, 10 + Z90])
    assert made.loc["gross_margin", "lead_high"] == pytest.approx(Z90 - 1, abs=0.05)


def ledger_inputs() -> Inputs:
    items = [Input(n, v, v, v, 0.9, "", "policy", "linear") for n, v in numbers().items()]
    at = {i.name: k for k, i in enumerate(items)}
    for name, value, low, high in (("deal_size", 1000.0, 800.0, 1250.0), ("rebuild.productivity", 0.8, 0.3, 2.1)):
        items[at[name]] = Input(name, value, low, high, 0.9, "", "policy", "log")
    return Inputs(tuple(items), np.eye(len(items)))


def test_at_the_reconciling_value_the_ledger_itself_turns(policy: Policy) -> None:
    held, months, rate = ledger_inputs(), 36, 0.1
    policy = policy.override({"ledger.horizon_months": months, "ledger.discount_rate": rate})
    x = draw_inputs(held, 4096, 2)
    payoff = expected_npv(x, months, rate)
    order = np.argsort(-payoff.mean(axis=0))
    turned = 0
    for path in (PATHS[order[1]], PATHS[order[0]]):  # the second, which would have to become the best, and the best
        made = pa.reconcile_frame(held, x, payoff, path, policy)
        for row in made[(made["kind"] == "belief") & made["inside"]].itertuples():
            scores = np.random.default_rng(3).normal(size=(4096, len(held.items)))
            scores[:, held.names.index(row.input)] = row.distance
            means = expected_npv(at_normal_scores(held, scores), months, rate).mean(axis=0)
            lead = pa.lead(means[None], PATHS.index(path))[0]
            if (
                row.distance == 0
            ):  # where it turns with the input at its value and the others averaged, there is nothing to move
                assert (lead >= 0) == (path == PATHS[order[1]])
                continue
            assert abs(lead) < 0.04 * np.abs(payoff).mean()  # level at the turn
            turned += 1
        levers = made[made["kind"] == "decision"].set_index("input")
        assert set(levers.index) >= {"ledger.horizon_months", "ledger.discount_rate", f"{path}.sellers"}
    assert turned >= 1


def test_lines_of_the_difference_add_up_to_the_difference() -> None:
    x = world(**{"split.smb_people": 1.0, "rebuild.leader_multiple": 4.0})
    outcomes = {p: evaluate(p, x, 24, 0.1, 0, chance=False) for p in PATHS}
    made = pa.difference_frame(outcomes, "split", "rebuild", 0.1)
    assert made["amount"].sum() == pytest.approx(
        outcomes["split"].expected_npv[0] - outcomes["rebuild"].expected_npv[0]
    )
    held = made.set_index("line")["amount"]
    annuity = sum(1.1 ** (-m / 12) for m in range(24))
    # 3 leaders' pay of 10 less, and 2 sellers x 20 x 0.75 more of SMB bookings lost, at a margin of a half.
    assert held["leader"] == pytest.approx(30 * annuity) and held["smb_people"] == pytest.approx(-15 * annuity)
    assert made["line"].iloc[0] == "leader"


def frame(*rows: tuple[str, float | None, bool]) -> pd.DataFrame:
    return pd.DataFrame([("belief", n, a, i) for n, a, i in rows], columns=["kind", "input", "at", "inside"])


@pytest.mark.parametrize(("rows", "agree", "key"), [
    ([("a", 1.0, True), ("b", 2.0, False)], False, "inside"), ([("b", 2.0, False)], False, "beyond"), ([("c", None, False)], False, "nothing"),
    ([("a", 1.0, True)], True, "turns"), ([("b", 2.0, False)], True, "holds"), ([("c", None, False)], True, "holds"),
])  # fmt: skip
def test_what_is_said(rows: list, agree: bool, key: str) -> None:
    found, row = pa.judge(frame(*rows), agree)
    assert found == key and (row is None or row["input"] == rows[0][0])


def test_terms_and_numbers_say_the_same_as_the_frames(policy: Policy) -> None:
    held = ledger_inputs()
    policy = policy.override({"ledger.horizon_months": 36})
    x = draw_inputs(held, 512, 2)
    outcomes = {p: evaluate(p, x, 36, policy["ledger.discount_rate"], 0) for p in PATHS}
    best = max(PATHS, key=lambda p: outcomes[p].expected_npv.mean())
    for path in PATHS:
        numbers_, terms, frames = pa.find(Finding("M-4", "path_rule", "supported", path), outcomes, held, x, policy)
        assert (terms["best"], terms["money"]) == (best, "agree" if path == best else "disagree")
        assert frames["difference"]["one"].unique().tolist() == [best]
        for n in numbers_:
            key = {"reconciled_at": "input", "decided_at": "lever"}[n.name]
            row = frames["reconcile"].set_index("input").loc[terms[key]]
            assert n.segment == terms[key] and n.value == row["at"]
    # Where the rule leaves the ledger's path open beside others there is nothing to reconcile.
    asked = tuple(Number("p_rule", p, 0.4, None, None, 0.95, 100, "probability", "m") for p in PATHS)
    numbers_, terms, _ = pa.find(Finding("M-4", "path_rule", "undecided", "split", asked), outcomes, held, x, policy)
    assert terms["money"] == "open" and not {"reconcile", "decision"} & set(terms) and numbers_ == []
    assert pa.find(Finding("M-4", "path_rule", "no_data", "none", needs=("a.b",)), outcomes, held, x, policy) == (
        [],
        {},
        {},
    )


def test_sellers_are_whole_persons_beyond_the_turn_and_the_size_of_another_path_is_named(policy: Policy) -> None:
    policy = policy.override({"part_time.sellers": 3, "split.sellers": 6, "rebuild.sellers": 12})

    def said(name: str, now: float, at: float) -> dict[str, str]:
        return pa.whole_sellers(pd.Series({"input": name, "now": now, "at": at}), policy)

    assert said("part_time.sellers", 3, 5.99) == {"decision": "same_size", "like": "split", "persons": "6"}
    assert said("part_time.sellers", 3, 8.2) == {"decision": "sellers", "persons": "9"}
    assert said("rebuild.sellers", 12, 8.8) == {"decision": "sellers", "persons": "8"}
    assert said("ledger.horizon_months", 60, 40.2) == {}


def test_an_input_that_cannot_pass_its_own_value_has_no_turn_between() -> None:
    # Half of the draws lie at 0; there part-time leads by 5, above 0 by 5 - 2 x: the turn is at 2.5 and nowhere before.
    item = Input("split.product_multiple", 0.0, 0.0, 3.0, 0.9, "u", "policy", "linear")
    values = item.at(np.random.default_rng(1).normal(size=4096))
    payoff = np.column_stack([np.full(4096, 5.0), 2 * values, np.full(4096, -99.0)])
    row = dict(zip(pa._COLUMNS, pa._belief_row(item, values, payoff, 0, False), strict=True))
    assert row["at"] == pytest.approx(2.5, abs=0.05) and row["inside"] and row["lead_low"] == pytest.approx(5, abs=0.05)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("key", ["inside", "beyond", "nothing", "turns", "holds"])
def test_whatever_is_found_is_said(key: str, language: str) -> None:
    amounts = [("bottlenecks", "KA", 1, "steps"), ("fit", "KA", 0.8, "fit"), ("p_rule", "split", 0.9, "probability"),
               ("p_best", "rebuild", 0.6, "probability"), ("reconciled_at", "split.ramp_months", 14.2, "months"),
               ("decided_at", "ledger.horizon_months", 40.0, "months")]  # fmt: skip
    held = tuple(Number(name, segment, value, None, None, None, 9, unit, "m") for name, segment, value, unit in amounts)
    terms = {"best": "rebuild", "money": "disagree", "line": "renewals", "reconcile": key, "input": "split.ramp_months",
             "decision": "found", "lever": "ledger.horizon_months"}  # fmt: skip
    said = sentence(Finding("M-4", "path_rule", "supported", "split", held, terms=terms), words(language))
    texts = words(language).texts
    assert texts["figures.line.renewals"] in said and texts["policy_names.ledger.horizon_months"] in said
    assert (texts["figures.input.ramp_months"] in said) == (key in ("inside", "beyond", "turns"))
