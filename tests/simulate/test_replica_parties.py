"""What a customer who does the sums leaves behind is planted as said and disturbs nothing; parties are counted as the analyses count them."""

from dataclasses import replace

import pandas as pd
import pytest

from benchmarks.validity.engine import Engine
from kaanalysis.analyses.procurement_flow import analyse
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.contracts import UnusableData
from kaanalysis.policy import Policy
from kaanalysis.simulate import draw_company
from kaanalysis.simulate.parameters import _consistent, load
from kaanalysis.simulate.replica import FIRST_SEED, replica_truth
from kaanalysis.simulate.tables import RECKONING
from kaanalysis.simulate.world import Reckons


def test_planting_adds_activities_and_changes_nothing_else() -> None:
    world = load("healthy")
    silent = replace(world, smb=replace(world.smb, reckons=Reckons()), ka=replace(world.ka, reckons=Reckons()))
    with_sums, without = draw_company(world, 5, 0.3), draw_company(silent, 5, 0.3)
    assert all(with_sums[name].equals(without[name]) for name in with_sums if name != "activities")
    acts = with_sums["activities"].to_pandas()
    planted = acts["action"].isin([action for action, _ in RECKONING.values()])
    assert acts[~planted].reset_index(drop=True).equals(without["activities"].to_pandas())
    deals = with_sums["opportunities"].to_pandas().set_index("opportunity_id")
    own = acts[planted].join(deals[["created_at", "closed_at"]], on="opportunity_id")
    assert (own["at"] >= own["created_at"]).all() and (own["at"] <= own["closed_at"].fillna(world.as_of)).all()
    assert not own.duplicated(["opportunity_id", "action"]).any()


def test_chances_are_what_deals_show_that_live_as_long_as_the_flow_takes() -> None:
    world = load("healthy")
    drawn = draw_company(world, 3, 8.0)
    deals, acts = drawn["opportunities"].to_pandas(), drawn["activities"].to_pandas()
    ka = deals["team"].eq("ka") & deals["outcome"].ne("open")
    planned = sum(step.days for step in world.ka.steps)
    lives = pd.to_datetime(deals["closed_at"]) - pd.to_datetime(deals["created_at"])
    long = deals[ka & (lives.dt.days >= planned)]["opportunity_id"]
    for kind, (action, _) in RECKONING.items():
        shown = long.isin(acts.loc[acts["action"] == action, "opportunity_id"])
        # Some five hundred deals: the standard error is 0.022.
        assert shown.mean() == pytest.approx(getattr(world.ka.reckons, kind), abs=0.06), kind
    assert len(long) > 400


def test_chances_outside_their_range_are_refused() -> None:
    world = load("healthy")
    with pytest.raises(UnusableData, match="reckons must hold chances"):
        _consistent(replace(world, ka=replace(world.ka, reckons=Reckons(discount=1.2))), "x.toml")


def test_what_is_counted_in_one_company_is_what_the_analysis_reads(policy: Policy) -> None:
    """A definition written down twice, to the last digit; the merged deals, which the estimator reads from censored ones too, to theirs
    within its own interval."""
    world = load("healthy")
    counted = replica_truth(world, 1.0, 1.0, only=("key_persons", "sums", "merged"))
    with only_numbers():
        company = Engine().open(world, draw_company(world, FIRST_SEED, 1.0))
        findings = analyse(company, policy, {}).findings
    compared = 0
    for number in (n for f in findings for n in f.numbers):
        key = f"{number.name}|{number.segment}"
        if key not in counted or number.value is None or number.name == "parties_return_difference":
            continue
        compared += 1
        if number.name.startswith("merge_"):
            assert number.low is not None and number.high is not None and number.low < counted[key] < number.high, key
        else:
            assert number.value == pytest.approx(counted[key], rel=1e-9, abs=1e-12), key
    assert compared == 3 * 2 + 1 + 6 * 2 + 1 + 3 * 2
