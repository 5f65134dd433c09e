"""Kinds of deals: every registered deal is of one of them."""

from __future__ import annotations

import pytest

from kaanalysis.simulate import parameters
from kaanalysis.simulate.kinds import kinds


@pytest.mark.parametrize("name", parameters.names())
@pytest.mark.parametrize("label", ["SMB", "KA"])
def test_kinds_of_deals_add_up_to_all(name: str, label: str) -> None:
    found = kinds(parameters.load(name), label)
    assert sum(k.weight for k in found) == pytest.approx(1) and all(k.weight > 0 for k in found)
