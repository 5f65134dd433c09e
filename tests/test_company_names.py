"""The names of a company, by hand, and the words that are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kaanalysis.company import Company, open_company
from kaanalysis.company_names import kept_words, names_of


def test_every_kind_of_name_with_the_id_it_goes_by(company_folder: Callable[..., Path]) -> None:
    folder = company_folder(
        {"name": "Own House"},
        accounts="account_id,name\nA1,Alpha\nA2,Twin\nA3,Twin\n",
        opportunities="opportunity_id,account_id,outcome,owner,partner_id\nO1,A1,open,kim,north\n",
        stakeholders="opportunity_id,person_id,role,part\nO1,Pia,owner,approve\n",
        buying_steps="flow_id,step,part\nF1,sign,approve\n",
    )
    (folder / "rankings").mkdir()
    (folder / "rankings" / "big.csv").write_text("rank,name\n1,Omega\n2,Alpha\n", encoding="utf-8")
    found = {(k, n): i for k, n, i in names_of(open_company(folder)).itertuples(index=False)}
    assert found == {
        ("company", "Own House"): "Own House",
        ("account", "A1"): "A1", ("account", "A2"): "A2", ("account", "A3"): "A3",
        ("account", "Alpha"): "A1",
        ("account", "Twin"): "Twin",  # of two accounts: a word of its own
        ("account", "Omega"): "Omega",
        ("deal", "O1"): "O1", ("deal", "F1"): "F1",
        ("seller", "kim"): "kim", ("partner", "north"): "north", ("person", "Pia"): "Pia",
    }  # fmt: skip


def test_an_interviews_customer_and_people_are_names(company_folder: Callable[..., Path]) -> None:
    folder = company_folder(buying_steps="flow_id,step,part\nF1,sign,approve\n")
    (folder / "interviews").mkdir()
    (folder / "interviews" / "one.csv").write_text(
        "flow_id,company,interviewer,informant,interviewed_at\nF1,Asked Ltd,Ines,Ivo,2025-01-02\n", encoding="utf-8"
    )
    found = names_of(open_company(folder)).set_index("name")["kind"]
    assert (found["Asked Ltd"], found["Ines"], found["Ivo"]) == ("account", "person", "person")


def test_kept_words_are_teams_and_what_texts_are_looked_up_by(company: Callable[..., Company]) -> None:
    kept = kept_words(company(teams="team,motion\ndelta,KA\n", accounts="account_id,name,region\nA1,Alpha,far east\n"))
    assert {"delta", "far east", "KA", "won", "supported", "account_id"} <= kept
    assert not {"Alpha", "A1"} & kept
