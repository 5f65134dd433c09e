"""Companies by what differs: keys over keys, entries over entries, and every slip named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.contracts import UnusableData
from kaanalysis.simulate import parameters
from kaanalysis.simulate.parameters import changed, load, names


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "healthy.toml").write_text(
        (parameters.folder() / "healthy.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    monkeypatch.setattr(parameters, "folder", lambda: tmp_path)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


def test_a_company_like_another_holds_only_what_differs(here: Path) -> None:
    write(
        here,
        "other",
        'like = "healthy"\n[ka]\nunmet = 0.5\n[[ka.steps]]\nname = "value case"\ndays = 3\n[[teams]]\nteam = "ka"\ncost = 1\n',
    )
    healthy, other = load("healthy"), load("other")
    assert other.ka.unmet == 0.5 and healthy.ka.unmet != 0.5
    days = {s.name: s.days for s in other.ka.steps}
    assert (
        days["value case"] == 3
        and days["contract review"] == {s.name: s.days for s in healthy.ka.steps}["contract review"]
    )
    assert [s.name for s in other.ka.steps] == [s.name for s in healthy.ka.steps]
    assert {t.team: t.cost for t in other.teams}["ka"] == 1 and other.smb == healthy.smb


def test_likeness_passes_on_and_a_circle_is_refused(here: Path) -> None:
    write(here, "a", 'like = "healthy"\ndisputes = 7\n')
    write(here, "b", 'like = "a"\n')
    assert load("b").disputes == 7
    write(here, "c", 'like = "d"\n')
    write(here, "d", 'like = "c"\n')
    for name in ("c", "d"):
        with pytest.raises(UnusableData, match=r"like = '[cd]' must name another company"):
            load(name)
    write(here, "e", 'like = "nobody"\n')
    with pytest.raises(UnusableData, match="like = 'nobody'"):
        load("e")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[ka.steps]]\nname = "no such step"\ndays = 3\n', "no steps 'no such step'; known are need raised"),
        ("[ka]\nunmeet = 0.5\n", "unknown key unmeet"),
        ("[ka]\norigin_mix = [0.5, 0.5]\n", "origin_mix must be three shares"),
        ("[ka]\nlinger = 0.0\n", "linger must be above 0"),
        ("[smb]\nmarket = 3\n", "market holds at least the accounts"),
        ('[channel]\nregions = ["moon"]\nhidden = 0.1\ndiverted = 0.1\nwithheld = 0.1\nobstruction = 0.1\ndisputed = 0.1\n', "channel.regions"),
        ("[siphon]\n", "moved missing"),
        ('bottleneck = "no such step"\n', "is no step of KA"),
    ],
)  # fmt: skip
def test_a_slip_of_the_pen_is_named(here: Path, text: str, sentence: str) -> None:
    write(here, "odd", 'like = "healthy"\n' + text)
    with pytest.raises(UnusableData, match=sentence):
        load("odd")


def test_every_committed_company_loads_and_plants_what_its_name_says() -> None:
    planted = {name: [id for id, there in load(name).patterns.items() if there] for name in names()}
    assert {name: ids for name, ids in planted.items() if ids} == {
        "hatching": ["M-A"], "channel": ["M-B"], "rival_team": ["M-C"], "siphon": ["M-D"], "starved_product": ["M-E"], "shortfall": ["M-F"],
    }  # fmt: skip


keys = st.text("abc", min_size=1, max_size=2)
values = st.one_of(st.integers(), st.booleans(), st.text("xyz", max_size=3))


@given(st.dictionaries(keys, values), st.dictionaries(keys, values))
def test_plain_keys_are_replaced_and_the_rest_kept(base: dict, by: dict) -> None:
    assert changed(base, by, "x") == {**base, **by}


@given(st.dictionaries(keys, st.dictionaries(keys, values)))
def test_nothing_changed_is_the_same(base: dict) -> None:
    assert changed(base, {}, "x") == base and changed(base, base, "x") == base
