"""Steadiness as counted in many companies: none where nothing is planted, some where the product is starved."""

from __future__ import annotations

from kaanalysis.simulate.parameters import load
from kaanalysis.simulate.replica import replica_truth
from kaanalysis.simulate.replica_sales import changes


def test_a_starved_product_makes_conversion_unsteady_and_healthy_companies_are_left_out() -> None:
    world = load("starved_product")
    assert changes(world) and not changes(load("healthy"))
    counted = replica_truth(world, 4.0, 1.0, only=("steadiness",))
    assert counted["conversion_stability|SMB"] > 0.01 and counted["conversion_trend|SMB"] < 0
    assert "conversion_stability|SMB" not in replica_truth(load("healthy"), 1.0, 1.0, only=("steadiness",))
