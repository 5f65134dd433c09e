"""Facts of deals beside a company: what is known, what is not, and what is set aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from kaanalysis.contracts import UnusableData
from kaanalysis.deal_facts import read_deal_facts


def write(folder: Path, text: str, name: str = "notes.csv") -> Path:
    (folder / "deal_facts").mkdir(exist_ok=True)
    (folder / "deal_facts" / name).write_text(text, encoding="utf-8")
    return folder


def test_every_other_column_is_a_fact_and_empty_or_unknown_is_not_known(tmp_path: Path) -> None:
    facts, faults, digest = read_deal_facts(
        write(tmp_path, "商机编号,budget,department\nO1,Yes,Unknown\nO2,,未知\nO3,No, IT \n")
    )
    assert faults == [] and digest
    known = facts.set_index(["fact", "opportunity_id"])["known"]
    assert known["budget"].tolist() == [True, False, True] and known["department"].tolist() == [False, False, True]
    assert facts[facts["fact"] == "department"]["value"].tolist()[2] == "IT"


def test_rows_without_a_deal_and_repeated_ones_are_named(tmp_path: Path) -> None:
    facts, faults, _ = read_deal_facts(write(tmp_path, "opportunity_id,budget\nO1,Yes\n,Yes\nO1,No\n"))
    assert facts["opportunity_id"].tolist() == ["O1"]
    assert {(f.row, f.rule) for f in faults} == {(2, "required"), (3, "key_repeated")}


def test_facts_of_a_deal_that_the_company_has_not_are_set_aside_and_named(tmp_path: Path) -> None:
    facts, faults, _ = read_deal_facts(write(tmp_path, "opportunity_id,budget\nO1,Yes\nO9,Yes\n"), lambda: {"O1", "O2"})
    assert facts["opportunity_id"].tolist() == ["O1"]
    assert [(f.row, f.value, f.rule, f.action) for f in faults] == [(2, "O9", "orphan", "set_aside")]


def test_without_a_folder_there_is_nothing_and_without_ids_it_is_refused(tmp_path: Path) -> None:
    facts, faults, digest = read_deal_facts(tmp_path)
    assert facts.empty and faults == [] and digest == b""
    with pytest.raises(UnusableData, match="no column opportunity_id"):
        read_deal_facts(write(tmp_path, "deal,budget\nO1,Yes\n"))
