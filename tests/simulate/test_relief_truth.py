"""Truth of relieved delay and of several steps relieved: against the plain truth of a company that is made that way, and counted deals."""

from dataclasses import replace

import pytest

from kaanalysis.simulate.core import sellers
from kaanalysis.simulate.deals import draw_deals
from kaanalysis.simulate.parameters import load
from kaanalysis.simulate.relief_truth import delay_truth, joint_relief_truth
from kaanalysis.simulate.truth import incidence, steps_truth
from kaanalysis.simulate.world import World

HORIZON = 365


def with_days(world: World, step: str, days: float) -> World:
    steps = tuple(replace(s, days=days) if s.name == step else s for s in world.ka.steps)
    return replace(world, ka=replace(world.ka, steps=steps))


@pytest.mark.parametrize("name", ["slow_decoy", "hatching"])
def test_relief_of_delay_is_the_incidence_of_a_company_whose_step_is_that_quick(name: str) -> None:
    world = load(name)
    found = delay_truth(world, "KA", HORIZON, 14.0)
    for step in ("contract review", "board memo"):
        own = next(s for s in world.ka.steps if s.name == step)
        quick = with_days(world, step, own.days * 14.0 / found[step].median)
        wanted = 100 * (incidence(quick, "KA", HORIZON) - incidence(world, "KA", HORIZON))
        assert found[step].relief_per_100 == pytest.approx(wanted, abs=1e-9) and wanted > 0
    assert found["owner sign-off"].relief_per_100 == found["owner sign-off"].sooner == 0, (
        "it takes no longer than the benchmark"
    )


def test_joint_relief_of_one_step_is_its_relief_and_of_several_not_their_sum() -> None:
    world = load("split_fits")
    steps = {s["step"]: s["relief_per_100"] for s in steps_truth(world, "KA", HORIZON)}
    large = [s for s, v in steps.items() if v > 2]
    assert len(large) == 3
    for step in large:
        assert joint_relief_truth(world, "KA", HORIZON, [step]) == pytest.approx(steps[step], abs=1e-9)
    together = joint_relief_truth(world, "KA", HORIZON, large)
    assert together > 1.1 * sum(steps[s] for s in large), (
        "deals spared at one step are worth more where the next spares them too"
    )
    assert joint_relief_truth(world, "KA", HORIZON, []) == 0


def test_median_win_comes_as_much_sooner_as_in_drawn_deals() -> None:
    """40,000 deals of the decoy, and as many with contract review at the benchmark: days by which as many have been won."""
    world = load("slow_decoy")
    found = delay_truth(world, "KA", HORIZON, 14.0)["contract review"]
    days = []
    for one in (world, with_days(world, "contract review", 14.0)):
        deals = draw_deals(one, "KA", 7, 125.0, sellers(one, 7, 125.0))
        took = (deals.end - deals.created)[deals.fails == deals.present.shape[1]]
        days.append((sorted(took.tolist()), len(deals.created)))
    (now, all_now), (then, all_then) = days
    half = sum(d <= HORIZON for d in now) / all_now / 2
    sooner = now[int(half * all_now)] - then[int(half * all_then)]
    assert found.sooner == pytest.approx(sooner, abs=2.5)
