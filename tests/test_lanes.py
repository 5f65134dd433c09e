"""What interests whom: the catalogue holds every role in both languages, and a company changes it by a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kaanalysis.company import open_company
from kaanalysis.contracts import ROLES, UnusableData
from kaanalysis.lanes import FIELDS, interests, read_lanes


def test_every_role_has_interests_a_message_and_what_to_avoid_in_both_languages() -> None:
    catalogue = interests()
    assert set(catalogue) == set(ROLES)
    for entry in catalogue.values():
        assert all(entry[language][field] for language in ("en", "zh") for field in FIELDS)
        assert len(entry["en"]["interests"]) == len(entry["zh"]["interests"]) >= 2


def test_the_method_s_own_example_is_in_it() -> None:
    """M-2.4, word for word where it says what interests whom."""
    said = {role: " ".join([*e["en"]["interests"], e["en"]["message"]]).casefold() for role, e in interests().items()}
    for role, words in {
        "administration": ("flight", "hotel", "approval flows"),
        "manager": ("phone", "tablet", "recall", "midway"),
        "risk_audit": ("before", "receipts", "time and project"),
        "finance": ("reports", "account classification", "electronic ledger", "claimant", "posting"),
    }.items():
        assert all(word in said[role] for word in words), role


def own(tmp_path: Path, text: str, name: str = "own.toml") -> Path:
    (tmp_path / "lanes").mkdir(exist_ok=True)
    (tmp_path / "lanes" / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_company_changes_a_field_and_adds_a_role(tmp_path: Path) -> None:
    own(tmp_path, '[finance.en]\nmessage = "Ours."\n[works_council.zh]\ninterests = ["岗位"]\nmessage = "不裁员。"\n')
    own(tmp_path, '[finance.en]\nmessage = "Later file."\n', "z.toml")
    changes, _, digest = read_lanes(tmp_path)
    merged = interests(changes)
    assert merged["finance"]["en"]["message"] == "Later file." and len(digest) == 32
    assert merged["finance"]["en"]["avoid"] == interests()["finance"]["en"]["avoid"]
    assert merged["finance"]["zh"] == interests()["finance"]["zh"], "the catalogue's Chinese is not replaced by English"
    assert merged["works_council"]["en"]["message"] == merged["works_council"]["zh"]["message"] == "不裁员。"
    assert interests()["finance"]["en"]["message"] != "Later file.", "the catalogue itself stays as it is"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("finance = 3", "finance must be a table"),
        ("[finance.fr]\nmessage = 'x'", r"finance\.fr must be one of en, zh"),
        ("[finance.en]\nslogan = 'x'", "unknown field slogan"),
        ("[finance.en]\ninterests = 'x'", "must be a list of texts"),
        ("[finance.en]\nmessage = ['x']", "must be a text"),
        ("[finance", "not valid TOML"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UnusableData, match=said):
        read_lanes(own(tmp_path, text))


def test_other_words_are_other_data(company_folder: Callable[..., Path]) -> None:
    folder = company_folder()
    before = open_company(folder)
    assert before.interests == {} and read_lanes(folder) == ({}, {}, b"")
    after = open_company(own(folder, '[legal.en]\nmessage = "x"\n'))
    assert after.interests["legal"]["en"]["message"] == "x" and after.data_hash != before.data_hash
