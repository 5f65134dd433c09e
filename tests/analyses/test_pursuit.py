"""Two teams after one customer: meetings and their chance by hand, against brute force and against permutation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.analyses.pursuit import OPEN, CodedDeals, coded, met, met_groups, pairs

DEAL = st.tuples(st.integers(0, 30), st.integers(0, 12), st.integers(0, 5))


def deals(rows: list[tuple[int, int, int]], strata: dict[int, int] | None = None) -> CodedDeals:
    """Deals from (opened, days that they ran, customer group)."""
    n = len(rows)
    opened, ran, group = (np.array(c, dtype=np.int64) for c in (zip(*rows, strict=True) if rows else ((), (), ())))
    stratum = np.array([(strata or {}).get(int(g), 0) for g in group], dtype=np.int64)
    none = np.zeros(n, bool)
    return CodedDeals(
        opened, opened + ran, none, none, group, stratum, np.arange(n), np.zeros(n, np.int64), np.arange(n)
    )


def test_meetings_and_chance_by_hand() -> None:
    # Ours with group 0 on days 10 to 20 and with group 1 on day 50. Theirs: group 0 on 20 to 25 (they share day 20), group 2 on 15 to 30,
    # group 3 on 60. Worked groups: 0, 1, 2, 3. Two of the four have one of theirs on days 10 to 20, none on day 50.
    there, chance = met(deals([(10, 10, 0), (50, 0, 1)]), deals([(20, 5, 0), (15, 15, 2), (60, 0, 3)]))
    assert there.tolist() == [True, False] and chance.tolist() == [0.5, 0.0]


def test_chance_looks_inside_the_stratum_only() -> None:
    ours, theirs = deals([(10, 10, 0)], {0: 1, 2: 2}), deals([(10, 5, 0), (10, 5, 2)], {0: 1, 2: 2})
    assert met(ours, theirs)[1].tolist() == [1.0]  # group 0 is alone in its stratum: who works there meets there


@given(ours=st.lists(DEAL, max_size=8), theirs=st.lists(DEAL, max_size=8))
def test_pairs_are_those_that_share_a_day_against_brute_force(ours, theirs) -> None:
    i, j = pairs(deals(ours), deals(theirs), "group")
    expected = {
        (a, b)
        for a, (s, d, g) in enumerate(ours)
        for b, (t, e, h) in enumerate(theirs)
        if g == h and s <= t + e and t <= s + d
    }
    assert set(zip(i.tolist(), j.tolist(), strict=True)) == expected and len(i) == len(expected)


def test_chance_is_what_permuting_the_groups_gives() -> None:
    """Against 4,000 random reassignments of our customer groups within the stratum."""
    g = np.random.default_rng(7)
    ours = deals([(int(a), 6, int(c)) for a, c in zip(g.integers(0, 40, 12), np.arange(12), strict=True)])
    theirs = deals([(int(a), 6, int(c)) for a, c in zip(g.integers(0, 40, 14), g.integers(0, 20, 14), strict=True)])
    chance = met(ours, theirs)[1].sum()
    worked = np.unique(np.concatenate([ours.group, theirs.group]))
    counts = []
    for _ in range(4000):
        moved = g.permutation(worked)[: len(ours.group)]
        rows = [(int(o), 6, int(m)) for o, m in zip(ours.opened, moved, strict=True)]
        counts.append(met(deals(rows), theirs)[0].sum())
    assert np.mean(counts) == pytest.approx(chance, abs=4 * np.std(counts) / np.sqrt(4000))


def test_a_frame_is_coded_and_known_as_of_a_day() -> None:
    frame = pd.DataFrame({
        "opportunity_id": ["a", "b", "c", "d"], "cluster": ["X", "Y", "X", "Z"], "segment": ["KA", "SMB", "KA", None],
        "region": ["east", None, "east", "west"], "employees": [10, 20, 10, None], "team": ["K", "S", "S", None],
        "motion": ["KA", "SMB", "SMB", None], "owner": ["o", None, "p", "q"], "outcome": ["won", "open", "lost", "won"],
        "created_at": pd.to_datetime(["1970-01-02", "1970-01-03", "1970-01-04", "1970-01-05"]),
        "closed_at": pd.to_datetime(["1970-01-20", None, "1970-01-08", "1970-01-09"]),
    })  # fmt: skip
    code = coded(frame)
    assert code.row.tolist() == [0, 1, 2]  # a deal without a team is nobody's pursuit
    assert code.opened.tolist() == [1, 2, 3] and code.closed.tolist() == [19, OPEN, 7]
    assert code.key.tolist() == [True, False, False] and code.group[0] == code.group[2] != code.group[1]
    assert code.stratum[0] == code.stratum[2] != code.stratum[1] and len(set(code.seller.tolist())) == 3
    early = code.known_at(10)
    assert early.closed.tolist() == [OPEN, OPEN, 7] and not early.won.any() and code.known_at(2).row.tolist() == [0, 1]


def test_groups_met_by_hand() -> None:
    # Ours: group 0 twice, of which the second meets theirs; group 1 never. Worked: 0, 1, 2. Group 0's two deals would meet theirs with
    # groups 0 and 2, group 1's with none.
    ours = deals([(10, 5, 0), (30, 5, 0), (60, 5, 1)])
    there, chance = met_groups(ours, deals([(33, 9, 0), (12, 1, 2)]))
    assert there.tolist() == [True, False] and chance.tolist() == pytest.approx([2 / 3, 0.0])
    assert met_groups(ours, deals([]))[0].tolist() == [False, False]


@given(ours=st.lists(DEAL, max_size=8), theirs=st.lists(DEAL, max_size=8))
def test_a_group_is_met_where_one_of_its_deals_is(ours, theirs) -> None:
    mine, other = deals(ours), deals(theirs)
    there, chance = met_groups(mine, other)
    by_deal = met(mine, other)[0]
    assert there.tolist() == [bool(by_deal[mine.group == g].any()) for g in np.unique(mine.group)]
    assert ((chance >= 0) & (chance <= 1)).all() and (chance[there] > 0).all()
