import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.stats import gini, top_share


def test_gini_by_hand():
    # 1, 2, 3: sum of (2i - n - 1) x = -2 + 0 + 6 = 4; 4 / (3 x 6) = 2/9. One has all of 4: 3/4.
    assert gini([3, 1, 2], draws=50).value == pytest.approx(2 / 9)
    assert gini([0, 0, 0, 7], draws=50).value == pytest.approx(0.75)
    assert gini([5, 5, 5], draws=50).value == 0


def test_gini_of_the_exponential_distribution_is_one_half():
    at = gini(np.random.default_rng(25).exponential(size=1500), draws=400)
    assert at.low < 0.5 < at.high and at.value == pytest.approx(0.5, abs=0.02)


def test_top_share_by_hand():
    assert top_share([1, 2, 3, 4], count=1, draws=50).value == pytest.approx(0.4)
    assert top_share([1, 2, 3, 4], fraction=0.5, draws=50).value == pytest.approx(0.7)
    assert top_share([1, 2, 3, 4], fraction=0.3, draws=50).value == pytest.approx(0.7)  # 1.2 units: rounded up to 2
    assert top_share([1, 2], count=10, draws=50).value == 1
    assert top_share(np.ones(30), fraction=0.1, draws=50).value == pytest.approx(0.1)


def test_edges_and_wrong_input():
    for nothing in ([], [0, 0]):
        assert gini(nothing).value is None and top_share(nothing, count=1).value is None
    assert gini([4]).value == 0 and gini([4]).low is None
    with pytest.raises(ValueError, match=r"values must be 0 or more; not -1.0 at index 1"):
        gini([1, -1])
    for arguments in ({}, {"count": 1, "fraction": 0.1}):
        with pytest.raises(ValueError, match="count or fraction must be given"):
            top_share([1], **arguments)
    with pytest.raises(ValueError, match="count must be"):
        top_share([1], count=0)
    with pytest.raises(ValueError, match="fraction must be"):
        top_share([1], fraction=10)


amounts = st.lists(st.floats(0, 1e9, allow_subnormal=False), min_size=1, max_size=25)


@given(amounts)
@settings(max_examples=100, deadline=None)
def test_gini_is_the_mean_absolute_difference_and_within_its_range(values):
    at = gini(values, draws=10)
    if at.value is None:
        return
    data = np.array(values) / max(values)
    wanted = np.abs(data[:, None] - data).mean() / (2 * data.mean())
    assert at.value == pytest.approx(wanted, abs=1e-9)
    assert 0 <= at.value <= (len(values) - 1) / len(values) + 1e-9


@given(amounts, st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_top_share_is_at_least_the_share_of_units(values, count):
    at = top_share(values, count=count, draws=5)
    if at.value is not None:
        assert min(1, count / len(values)) - 1e-9 <= at.value <= 1
