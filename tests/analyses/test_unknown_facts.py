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
