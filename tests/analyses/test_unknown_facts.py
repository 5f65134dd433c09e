"""What was not known of a deal, by hand, with double entries counted both ways."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kaanalysis.analyses.unknown_facts import measure
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]


def noted(company: Open, known: list[bool], won: list[bool], value: list[str] | None = None) -> Company:
    """Closed deals of ten sellers with one fact each."""
    text = "opportunity_id,account_id,owner,outcome\n"
    text += "".join(f"O{i},K,s{i % 10},{'won' if w else 'lost'}\n" for i, w in enumerate(won))
    opened = company(accounts="account_id,segment\nK,KA\n", opportunities=text)
    said = value or [f"v{i}" if k else "" for i, k in enumerate(known)]
    opened.deal_facts = pd.DataFrame(
        {"opportunity_id": [f"O{i}" for i in range(len(won))], "fact": "budget", "value": said, "known": known}
    )
    return opened


def test_risk_of_losing_where_it_was_not_known_by_hand(company: Open, policy: Policy) -> None:
    # Not known: 16 of 20 lost; known: 20 of 50 lost: 0.8 against 0.4.
    known = [False] * 20 + [True] * 50
    won = [i % 5 == 0 for i in range(20)] + [i % 5 >= 2 for i in range(50)]
    numbers, frames, _ = measure(noted(company, known, won), policy)
    named = {n.name: n for n in numbers}
    assert (
        named["unknown_relative_risk"].value == pytest.approx(2) and named["unknown_relative_risk"].segment == "budget"
    )
    assert named["unknown_won_share"].value == pytest.approx(0.2) and named["known_won_share"].value == pytest.approx(
        0.6
    )
    row = frames["unknown_facts"].set_index("rows").loc["all"]
    assert (row["unknown"], row["known"]) == (20, 50)


def test_double_entries_count_once_in_the_second_reading(company: Open, policy: Policy) -> None:
    # Every known deal is there twice; the unknown ones of a seller and outcome are alike, so that one each is left.
    known = [False] * 20 + [True] * 40
    won = [i >= 10 for i in range(20)] + [i % 2 == 0 for i in range(40)]
    value = [""] * 20 + [f"v{i % 20}" for i in range(40)]
    opened = noted(company, known, won, value)
    _, frames, _ = measure(opened, policy.override({"evidence.minimum_units": 5}))
    frame = frames["unknown_facts"].set_index("rows")
    assert frame.loc["all", ["unknown", "known"]].tolist() == [20, 40]
    assert frame.loc["distinct", ["unknown", "known"]].tolist() == [20, 20]


def test_a_fact_that_is_hardly_ever_unknown_is_not_compared(company: Open, policy: Policy) -> None:
    least = policy["evidence.minimum_units"]
    won = np.random.default_rng(1).random(60) < 0.5
    for unknown, there in ((least - 1, False), (least, True)):
        numbers, *_ = measure(noted(company, [i >= unknown for i in range(60)], won.tolist()), policy)
        assert bool(numbers) is there
    assert measure(company(accounts="account_id,segment\nK,KA\n"), policy) == ([], {}, {})


def test_several_facts_at_once_are_one_family(company: Open, policy: Policy) -> None:
    """Two facts that tell nothing, one that tells much and one whose p cannot be told (nobody loses a deal of which it was not known):
    the smallest p counts four times, the next three times (Holm), the last is in the count and has none."""
    generator, deals = np.random.default_rng(5), 80
    won = (np.arange(deals) % 2 == 0).tolist()
    opened = noted(company, [True] * deals, won)
    known = {
        "telling": [w if i % 8 < 6 else not w for i, w in enumerate(won)],
        "never lost": [not (w and i % 3) for i, w in enumerate(won)],
    }
    known |= {name: (generator.random(deals) < 0.5).tolist() for name in ("idle", "void")}
    opened.deal_facts = pd.concat([opened.deal_facts.assign(fact=f, known=k, value=[f"v{i}" for i in range(deals)])
                                   for f, k in known.items()], ignore_index=True)  # fmt: skip
    numbers, frames, _ = measure(opened, policy)
    rows = frames["unknown_facts"].query("rows == 'all'").set_index("fact")
    raw = rows["p_value"].drop("never lost").sort_values()
    assert raw.index[0] == "telling" and np.isnan(rows.loc["never lost", "p_adjusted"])
    wanted = np.minimum(np.maximum.accumulate(raw.to_numpy() * [4, 3, 2]), 1)
    assert rows.loc[raw.index, "p_adjusted"].tolist() == pytest.approx(wanted.tolist())
    risks = [n for n in numbers if n.name == "unknown_relative_risk"]
    assert len(risks) == 4 and all("one of 4 facts compared, p of each adjusted (Holm)" in n.method for n in risks)
    # A fact alone is no family: its p stays as it is.
    opened.deal_facts = opened.deal_facts.query("fact == 'telling'").reset_index(drop=True)
    alone, frames, _ = measure(opened, policy)
    row = frames["unknown_facts"].query("rows == 'all'").iloc[0]
    assert row["p_adjusted"] == row["p_value"] == raw.iloc[0] and not any("Holm" in n.method for n in alone)
