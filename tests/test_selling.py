"""The blank-sheet catalogue: every role × part has something sensible in every lane, and a company changes it by a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from kaanalysis.company import open_company
from kaanalysis.contracts import LANES, ROLES, UnusableData
from kaanalysis.lanes import interests, read_lanes
from kaanalysis.selling import DEFAULT, STEP_PARTS, catalogue, item_key

ROOT = Path(__file__).parents[1]


def test_every_role_and_part_demands_one_to_four_items_in_each_lane() -> None:
    known = catalogue()
    assert set(known.sheet) == {DEFAULT, *ROLES}
    for role in (*ROLES, "works council", None):
        for part in STEP_PARTS:
            count = pd.Series([i.lane for i in known.demanded(role, part)]).value_counts()
            assert set(count.index) == set(LANES) and count.between(1, 4).all(), (role, part)


def test_every_item_has_both_names_and_is_used_and_no_name_means_two_items() -> None:
    known = catalogue()
    used = {(i.lane, i.key) for role in known.sheet for part in STEP_PARTS for i in known.demanded(role, part)}
    assert used == set(known.items)
    for lane in LANES:
        names = [
            item_key(n)
            for i in known.items.values()
            if i.lane == lane
            for n in {i.key, item_key(i.en), item_key(i.zh), *map(item_key, i.aliases)}
        ]
        assert len(names) == len(set(names)), lane
    for item in known.items.values():
        assert item.key == item_key(item.en) and any("\u4e00" <= c <= "\u9fff" for c in item.zh), item


def test_the_demo_s_capability_table_is_in_it_lane_by_lane() -> None:
    table = pd.read_csv(ROOT / "data" / "demo" / "capability.csv")
    known = catalogue()
    assert all(known.find(lane, item) for lane, item in set(zip(table["lane"], table["item"], strict=True)))


def test_what_the_method_asks_for_is_asked_for() -> None:
    """M-2.3 to M-2.5, M-3.2, M-3.3: who must be given what, wherever the rest may be argued over."""
    known = catalogue()

    def has(role: str, part: str, *keys: str) -> bool:
        return set(keys) <= {i.key for i in known.demanded(role, part)}

    assert has("manager", "do", "decision chain", "value chain", "account plan"), (
        "M-3.3a: value chain and decision chain"
    )
    assert has("finance", "approve", "budget conversation", "budget and authority limit"), (
        "M-3.3b: the budget talked through"
    )
    assert has("legal", "approve", "contract terms", "clause review"), "M-2.5 (4): comply, or supply a reason"
    assert has("investor", "approve", "memo drafting", "presenting to a board"), "M-2.5 (3): the memo above the limit"
    assert all(has(r, "influence", "reading an organisation") for r in ("manager", "procurement", "technology")), (
        "M-3.3c"
    )
    assert has("risk_audit", "approve", "risk answers", "control evidence"), "M-2.4: checks up front"
    assert has("user", "inform", "training", "what changes for whom")
    assert not any("price" in i.key or i.key == "negotiation" for i in known.demanded("user", "inform")), (
        "only then price"
    )


def own(tmp_path: Path, text: str, name: str = "own.toml") -> Path:
    (tmp_path / "lanes").mkdir(exist_ok=True)
    (tmp_path / "lanes" / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_company_adds_items_and_roles_and_replaces_lists(tmp_path: Path) -> None:
    own(tmp_path, """
[items.action]
"Union Hearing" = { zh = "工会听证", aliases = ["hearing"] }
[items.support]
legal = { zh = "法务部" }
[sheet.works_council.approve]
action = ["hearing", "negotiation"]
[sheet.legal.approve]
action = []
[finance.en]
message = "Interests stand in the same files."
""")  # fmt: skip
    said, selling, digest = read_lanes(tmp_path)
    known = catalogue(selling)
    assert (
        said["finance"]["en"]["message"]
        and "sheet" not in said
        and "items" not in interests(said)
        and len(digest) == 32
    )
    council = known.demanded("works_council", "approve")
    assert [i.key for i in council if i.lane == "action"] == ["union hearing", "negotiation"]
    assert next(i for i in council).en == "Union Hearing", "shown as the company writes it"
    default = [i for i in known.demanded("unheard of", "approve") if i.lane != "action"]
    assert [i for i in council if i.lane != "action"] == default, "lanes not named are the default's"
    assert known.demanded("works_council", "inform") == known.demanded(None, "inform")
    assert [i for i in known.demanded("legal", "approve") if i.lane == "action"] == []
    assert known.items[("support", "legal")].zh == "法务部" and known.find("support", "legal team") is not None
    assert catalogue().items[("support", "legal")].zh == "法务", "the catalogue itself stays as it is"


def test_an_item_may_be_defined_in_one_file_and_demanded_in_another(tmp_path: Path) -> None:
    own(tmp_path, '[sheet.user.do]\naction = ["joint lab"]\n', "a.toml")
    own(tmp_path, '[items.action]\n"joint lab" = {}\n', "b.toml")
    known = catalogue(read_lanes(tmp_path)[1])
    assert known.demanded("user", "do")[0].zh == "joint lab", "one name stands for both languages"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("items = 3", r"own\.toml: items must be a table"),
        ("[items.gossip]\nx = {}", r"own\.toml: items\.gossip must be one of action, information"),
        ("[items.action]\nx = 3", r"own\.toml: items\.action\.'x' must be a table"),
        ("[items.action]\nx = { fr = 'y' }", r"items\.action\.'x' has unknown field fr; known are en, zh, aliases"),
        ("[items.action]\nx = { zh = 3 }", r"items\.action\.'x'\.zh must be a text"),
        ("[items.action]\nx = { aliases = 'y' }", r"items\.action\.'x'\.aliases must be a list of texts"),
        ("[sheet.user]\ndo = 3", r"own\.toml: sheet\.user\.do must be one of approve"),
        ("[sheet.user.decide]\naction = []", r"own\.toml: sheet\.user\.decide must be one of approve, inform, influence, do"),
        ("[sheet.user.do]\ngossip = []", r"own\.toml: sheet\.user\.do\.gossip is no lane"),
        ("[sheet.user.do]\naction = 'offer'", r"own\.toml: sheet\.user\.do\.action must be a list"),
        ("[sheet.user.do]\naction = ['bribe']", r"own\.toml: sheet\.user\.do\.action names 'bribe', which no \[items\.action\]"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_file_and_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UnusableData, match=said):
        read_lanes(own(tmp_path, text))


def test_another_catalogue_is_other_data(company_folder: Callable[..., Path]) -> None:
    folder = company_folder()
    before = open_company(folder)
    after = open_company(own(folder, "[sheet.user.do]\naction = ['offer']\n"))
    assert before.selling == {} and after.data_hash != before.data_hash
    assert catalogue(after.selling).demanded("user", "do")[0].key == "offer"
