"""A real ranking (Fortune Global 500 of 2019): every listed name is found as itself, and so are its usual spellings."""

import pandas as pd
import pytest

from kaanalysis.names import match_names


@pytest.fixture
def listed(real_data) -> list[str]:
    path = real_data("ranking_lists") / "Fortune-Global-2019.tsv"
    return pd.read_csv(path, sep="\t", dtype=str)["Company"].dropna().tolist()


@pytest.mark.parametrize("spelled", [
    str, str.upper, lambda n: f"{n}, Inc.", lambda n: f"The {n} Company Limited", lambda n: n.replace(" & ", " and "), lambda n: f"  {n} plc. ",
])  # fmt: skip
def test_every_listed_name_is_itself_and_no_other(listed, spelled):
    found = match_names([spelled(name) for name in listed], listed, accept=90, consider=70)
    assert found["position"].tolist() == list(range(len(listed)))
    assert (found["state"] == "accepted").all()
    assert (found["position"] == found["listed_position"]).all()


def test_hardly_any_listed_name_is_taken_for_another(listed):
    """Each name against the list without it: they are five hundred different companies."""
    taken = []
    for i, name in enumerate(listed):
        found = match_names([name], listed[:i] + listed[i + 1 :], accept=90, consider=70, workers=1)
        taken += [name] * bool((found["state"] == "accepted").any())
    assert len(taken) <= 2, taken  # "Prudential" leaves out what tells it from Prudential Financial
