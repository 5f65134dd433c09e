"""The checklist of each path: whole in both languages, as the method has it, changed by a company's file, mistakes named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kaanalysis import path_settings
from kaanalysis.analyses import ledger, next_step_measures
from kaanalysis.company import open_company
from kaanalysis.contracts import UnusableData
from kaanalysis.lanes import read_lanes, read_path_settings
from kaanalysis.path_settings import EACH, MEASURES, PATHS, UNDECIDED
from kaanalysis.path_settings import path_settings as settings


def test_paths_are_the_ledger_s_and_every_measure_is_filled_in_by_somebody() -> None:
    assert PATHS == ledger.PATHS
    by_listing = {"relief", "p_bottleneck", "information_worth"}
    assert set(MEASURES) == set(next_step_measures.BY_PATH) | by_listing
    used = {i.measure for i in settings().items} - {""}
    assert used == set(MEASURES), "a measure that no item asks for is dead"
    assert {i.each for i in settings().items} - {""} == set(EACH)


def test_every_path_has_what_the_method_asks_of_it() -> None:
    """M-4.1 to M-4.3, each setting named there."""
    asked = {
        "part_time": {"sellers", "bonus", "scheme", "first_look", "last_look", "review"},
        "split": {"leader", "sellers", "support", "pay", "targets", "named_accounts", "review"},
        "rebuild": {"plan", "support", "loss_budget", "stop_month", "relief", "review"},
    }
    for path, keys in asked.items():
        assert keys <= {i.key for i in settings().of(path)}, path
        assert {"loss_budget", "stop_month", "relief", "named_accounts"} <= {i.key for i in settings().of(path)}
    assert len(settings().of(UNDECIDED)) >= 4


def test_both_languages_say_it_without_a_number() -> None:
    for item in settings().items:
        assert item.en != item.zh and not any(c.isdigit() for c in item.en + item.zh), item.key
        assert bool(item.done_en) == bool(item.done_zh) and (item.measure or item.done_en), item.key
        assert ("{name}" in item.en) == ("{name}" in item.zh) == bool(item.each), item.key
    for said in settings().owners.values():
        assert set(said) == {"en", "zh"}


def own(tmp_path: Path, text: str, name: str = "own.toml") -> Path:
    (tmp_path / "lanes").mkdir(exist_ok=True)
    (tmp_path / "lanes" / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_company_changes_adds_and_leaves_out_items(tmp_path: Path) -> None:
    own(tmp_path, "[settings.split.leader]\nafter = 2\n[settings.split.pay]\noff = true\n")
    own(
        tmp_path,
        '[owners.works_council]\nzh = "工会"\n[settings.split.talk]\nzh = "征求意见"\nowner = "works_council"\nafter = 0\ndone.zh = "已留存记录"\n',
        "z.toml",
    )
    changed = settings(read_path_settings(tmp_path))
    split = {i.key: i for i in changed.of("split")}
    assert split["leader"].after == 2 and split["leader"].en == {i.key: i for i in settings().of("split")}["leader"].en
    assert "pay" not in split and "pay" in {i.key for i in settings().of("split")}
    assert (split["talk"].en, split["talk"].done_en) == ("征求意见", "已留存记录"), "one language stands for both"
    assert changed.owners["works_council"] == {"en": "工会", "zh": "工会"}
    assert changed.of("rebuild") == settings().of("rebuild")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("settings = 3", "settings must be a table"),
        ("[settings.takeover.leader]\nafter = 1", "own.toml: settings = 'takeover' must be one of part_time, split"),
        ("[settings.split]\nleader = 1", r"settings\.split\.leader must be a table of the fields"),
        ("[settings.split.leader]\nwhen = 1", "unknown field when; known are en, zh, owner"),
        ("[settings.split.leader]\nafter = -1", "after = -1 must be a whole number of months"),
        ("[settings.split.leader]\nafter = true", "after = True must be a whole number of months"),
        ("[settings.split.leader]\nafter = 'soon'", "or one of stop_month, ramp_months"),
        ("[settings.split.leader]\nmeasure = 'mood'", "measure = 'mood' must be one of sellers"),
        ("[settings.split.leader]\nowner = 'Ms Li'", r"leader\.owner = 'Ms Li' must be one of chief_executive"),
        ("[settings.split.leader]\nen = ''", r"leader\.en must be a text"),
        ("[settings.split.leader]\nen = 'within {months}'", r"\{months\} stands for nothing"),
        ("[settings.split.leader]\noff = 1", "off must be true or false"),
        ("[settings.split.new]\nen = 'x'", "lacks owner and after"),
        ("[settings.split.new]\nen = 'x'\nowner = 'ka_leader'\nafter = 1", "lacks measure or done"),
        ("[settings.split.new]\nowner = 'ka_leader'\nafter = 1\nmeasure = 'fit'", "lacks en or zh"),
        ("owners.boss = 'x'", r"owners\.boss must be a table such as"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UnusableData, match=said):
        read_path_settings(own(tmp_path, text))


def test_settings_are_no_role_and_no_lane_and_other_settings_are_other_data(
    company_folder: Callable[..., Path],
) -> None:
    folder = company_folder()
    before = open_company(folder)
    assert before.path_settings == {} == read_path_settings(folder)
    after = open_company(own(folder, "[settings.split.leader]\nafter = 2\n"))
    assert after.path_settings["settings"]["split"]["leader"] == {"after": 2}
    assert after.interests == {} == after.selling and after.data_hash != before.data_hash
    assert read_lanes(folder)[2] != b""


def test_a_catalogue_entry_in_one_language_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "path_settings.toml"
    path.write_text('[owners.a]\nen = "x"\n[settings.split.b]\nen = "x"\n', encoding="utf-8")
    monkeypatch.setattr(path_settings, "workbook_file", lambda name: path)
    path_settings._raw_catalogue.cache_clear()
    try:
        with pytest.raises(UnusableData, match="a must be there in both languages"):
            path_settings.path_settings()
    finally:
        path_settings._raw_catalogue.cache_clear()
