import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import AalenJohansenFitter

from kaanalysis.stats import cumulative_incidence, follow_up_share, incidence_at, kaplan_meier


def test_incidence_by_hand():
    # 1 won, 2 lost, 3 open, 4 won. At risk 4, 3, 2, 1. won: 1/4; lost at 2: 3/4 x 1/3 = 1/4; open share then 1/2;
    # won at 4: 1/4 + 1/2 x 1/1 = 3/4.
    curve = cumulative_incidence([1, 2, 3, 4], ["won", "lost", None, "won"])
    won, lost = (curve[curve["cause"] == cause] for cause in ("won", "lost"))
    assert won["time"].tolist() == [0, 1, 2, 3, 4]
    assert won["at_risk"].tolist() == [4, 4, 3, 2, 1]
    assert won["events"].tolist() == [0, 1, 0, 0, 1]
    assert won["incidence"].to_numpy() == pytest.approx([0, 0.25, 0.25, 0.25, 0.75])
    assert lost["incidence"].to_numpy() == pytest.approx([0, 0, 0.25, 0.25, 0.25])
    # Variance of won at 1: S0² k (r - k) / r³ = 1 x 1 x 3 / 64
    assert won["se"].iloc[1] == pytest.approx((3 / 64) ** 0.5)
    # Of lost at 2: from time 1 (F - 0)² d / (r (r - d)) = (1/16) (1/12); from time 2 (9/16) x 1 x 2 / 27: 3/64 again.
    assert lost["se"].iloc[2] == pytest.approx((3 / 64) ** 0.5)


def test_without_censoring_incidence_is_a_binomial_share():
    rng = np.random.default_rng(7)
    duration, outcome = rng.exponential(4, 500), rng.choice(["won", "lost", "drifted"], 500)
    curve = cumulative_incidence(duration, outcome)
    share = np.mean((duration <= 3) & (outcome == "won"))
    at = incidence_at(curve, "won", 3)
    assert at.value == pytest.approx(share, abs=1e-12)
    se = curve[(curve["cause"] == "won") & (curve["time"] <= 3)]["se"].iloc[-1]
    assert se == pytest.approx((share * (1 - share) / 500) ** 0.5, abs=1e-12)


def competing_sample(n=300, seed=8, late=False):
    rng = np.random.default_rng(seed)
    entry = np.where(rng.random(n) < 0.6, 0, rng.exponential(1, n)) if late else None
    duration = rng.exponential(5, n) + (0 if entry is None else entry)
    return duration, rng.choice(["", "lost", "won"], n, p=[0.3, 0.4, 0.3]), entry


@pytest.mark.parametrize("late", [False, True])
def test_incidence_against_lifelines(late):
    duration, outcome, entry = competing_sample(late=late)
    codes = np.select([outcome == "won", outcome == "lost"], [1, 2], 0)
    peer = AalenJohansenFitter(calculate_variance=True).fit(duration, codes, event_of_interest=1, entry=entry)
    curve = cumulative_incidence(duration, outcome, entry)
    won = curve[curve["cause"] == "won"].set_index("time")
    theirs = peer.cumulative_density_.iloc[:, 0]
    at = np.intersect1d(won.index, theirs.index)
    assert len(at) > 290
    assert won.loc[at, "incidence"].to_numpy() == pytest.approx(theirs.loc[at].to_numpy(), abs=1e-9)


def test_single_cause_is_one_minus_kaplan_meier_with_its_limits():
    duration, outcome, entry = competing_sample(late=True)
    curve = cumulative_incidence(duration, np.where(outcome == "", "", "closed"), entry)
    peer = kaplan_meier(duration, outcome != "", entry)
    assert curve["incidence"].to_numpy() == pytest.approx(1 - peer["survival"].to_numpy(), abs=1e-12)
    assert curve["se"].to_numpy() == pytest.approx(peer["se"].to_numpy(), abs=1e-7)
    inside = peer["survival"].between(0, 1, inclusive="neither").to_numpy()
    assert curve["low"].to_numpy()[inside] == pytest.approx(1 - peer["high"].to_numpy()[inside], abs=1e-7)
    assert curve["high"].to_numpy()[inside] == pytest.approx(1 - peer["low"].to_numpy()[inside], abs=1e-7)


def test_variance_against_simulation():
    rng = np.random.default_rng(9)
    values, errors = [], []
    for _ in range(400):
        duration, limit = rng.exponential(5, 80), rng.uniform(1, 12, 80)
        outcome = np.where(duration < limit, rng.choice(["won", "lost"], 80, p=[0.4, 0.6]), "")
        curve = cumulative_incidence(np.minimum(duration, limit), outcome)
        row = curve[(curve["cause"] == "won") & (curve["time"] <= 6)].iloc[-1]
        values.append(row["incidence"])
        errors.append(row["se"])
    assert np.mean(values) == pytest.approx(0.4 * (1 - np.exp(-6 / 5)), abs=0.01)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


def test_a_cause_that_never_occurred_has_an_upper_limit():
    # 4 lost of 4: the state of all four is known at the end, so high = 1 - 0.025 ** (1/4).
    curve = cumulative_incidence([1, 2, 3, 4], ["lost"] * 4, causes=["won", "lost"])
    at = incidence_at(curve, "won", 4)
    assert (at.value, at.low) == (0, 0) and at.high == pytest.approx(1 - 0.025**0.25)
    with pytest.raises(ValueError, match="cause must be one of"):
        incidence_at(curve, "drifted", 4)
    with pytest.raises(ValueError, match="causes must name every outcome"):
        cumulative_incidence([1], ["lost"], causes=["won"])


def test_horizon_beyond_the_last_time_at_risk():
    curve = cumulative_incidence([1, 2, 3], ["won", "lost", None])
    assert incidence_at(curve, "won", 3).value == pytest.approx(1 / 3)
    beyond = incidence_at(curve, "won", 3.5)
    assert beyond.value is None and beyond.n == 3 and "beyond" in beyond.method
    closed = cumulative_incidence([1, 2, 3], ["won", "lost", "won"])
    assert incidence_at(closed, "won", 99).value == pytest.approx(2 / 3)


def test_labels_for_censored():
    wanted = cumulative_incidence([1, 2, 3], ["won", None, "lost"])
    for outcome in (["won", "", "lost"], ["won", float("nan"), "lost"]):
        assert cumulative_incidence([1, 2, 3], outcome).equals(wanted)
    assert cumulative_incidence([1, 2, 3], ["won", "open", "lost"], censored="open").equals(wanted)
    assert cumulative_incidence([1, 2], [0, 1], censored=0)["cause"].unique().tolist() == [1]
    assert cumulative_incidence([1, 2], [0, 1])["cause"].unique().tolist() == [0, 1]


def test_follow_up_share_by_hand():
    # Open at 1, won at 2, open at 3, open at 4. Reverse: at 1 one of 4 is cut off: 3/4; at 3 one of 2: 3/8.
    duration, outcome = [1, 2, 3, 4], ["", "won", "", ""]
    shares = [follow_up_share(duration, outcome, horizon).value for horizon in (1, 1.5, 3, 3.5)]
    assert shares == pytest.approx([1, 0.75, 0.75, 0.375])
    # Cut off and won at one moment: the won one had left before, so the other is one of one.
    assert follow_up_share([1, 1, 2], ["won", "", ""], 1.5).value == pytest.approx(0.5)
    assert follow_up_share([1, 2], ["won", "lost"], 9).value == 1
    assert follow_up_share([1, 2], ["", ""], 9).value == 0


def test_follow_up_share_recovers_the_truth():
    rng = np.random.default_rng(10)
    life, potential = rng.exponential(4, 4000), rng.uniform(0, 10, 4000)
    outcome = np.where(life <= potential, "won", "")
    share = follow_up_share(np.minimum(life, potential), outcome, 6)
    assert share.low <= np.mean(potential >= 6) <= share.high and share.value == pytest.approx(0.4, abs=0.03)


def test_empty_input():
    curve = cumulative_incidence([], [], causes=["won"])
    assert len(curve) == 1 and curve["incidence"].tolist() == [0]
    assert incidence_at(curve, "won", 5).value is None and incidence_at(curve, "won", 5).n == 0
    assert len(cumulative_incidence([], [])) == 0 and incidence_at(cumulative_incidence([], []), "won", 5).n == 0
    assert follow_up_share([], [], 5).value is None


rows = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 10), st.sampled_from(["", "won", "lost", "drifted"])),
    min_size=1,
    max_size=40,
)


@given(rows)
@settings(max_examples=150, deadline=None)
def test_incidences_and_the_open_share_add_up_to_one(sample):
    entry, length, outcome = (np.array(column) for column in zip(*sample, strict=True))
    curve = cumulative_incidence(entry + length, outcome, entry)
    if curve.empty:
        return
    assert not curve.isna().any().any()
    total = curve.groupby("time")["incidence"].sum()
    left = kaplan_meier(entry + length, outcome != "", entry).set_index("time")["survival"]
    assert (total + left).to_numpy() == pytest.approx(np.ones(len(total)), abs=1e-9)
    assert (curve["low"] <= curve["incidence"] + 1e-9).all() and (curve["high"] >= curve["incidence"] - 1e-9).all()
    assert curve[["low", "high", "incidence"]].stack().between(0, 1).all()
