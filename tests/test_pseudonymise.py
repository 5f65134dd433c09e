"""Names replaced where a result leaves: hand-worked texts and frames first, then all analyses of a small company."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import Names

from kaanalysis.company import open_company
from kaanalysis.company_names import names_of
from kaanalysis.contracts import UnusableData
from kaanalysis.pseudonymise import Pseudonymiser, translation
from kaanalysis.pseudonyms import Pseudonyms, read_or_make_key
from kaanalysis.results import Finding, Number, Result

SECRET = bytes(range(32))
MADE = Pseudonyms(SECRET)
WORD = re.compile(r"\b[A-Z]-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")


def cells(column: pd.Series) -> list[object]:
    """The values, None where one is missing."""
    return [None if not isinstance(v, list | tuple) and pd.isna(v) else v for v in column]


def known(kept: frozenset[str] = frozenset(), **kinds: dict[str, str]) -> Pseudonymiser:
    """names by kind → id; the code words are those of the ids."""
    words = {kind: {name: MADE.of(kind, id) for name, id in names.items()} for kind, names in kinds.items()}
    return Pseudonymiser(MADE, MADE.of("company", "House"), words, kept)


@pytest.fixture
def some() -> Pseudonymiser:
    return known(
        frozenset({"ka", "board memo", "won"}),
        account={"A1": "A1", "Alpha": "A1", "Alpha Beta": "A2", "A2": "A2", "岚榆制造": "A3", "7": "7", "won": "won"},
        seller={"kim": "kim", "ka": "ka", "memo": "memo"},
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Alpha", "{A1}"),
        ("Alpha Beta, then Alpha.", "{A2}, then {A1}."),  # the longest first
        ("Alphabet A12 xA1 A1_b", "Alphabet A12 xA1 A1_b"),  # no whole word
        ("(A1) | A1/kim", "({A1}) | {A1}/{kim}"),
        ("与岚榆制造签约", "与{A3}签约"),  # Chinese has no blanks between words
        ("won 7 of 17 by ka", "won 7 of 17 by ka"),  # words of the workbook, figures
        ("board memo", "board memo"),  # a whole text of the workbook, though a seller is called memo
        ("a memo", "a {memo}"),
        ("", ""),
    ],
)
def test_a_text(some: Pseudonymiser, said: str, expected: str) -> None:
    words = {id: MADE.of("account", id) for id in ("A1", "A2", "A3")} | {
        n: MADE.of("seller", n) for n in ("kim", "memo")
    }
    assert some.text(said) == expected.format(**words)
    assert some.text(some.text(said)) == some.text(said)


def test_what_is_a_name_and_a_word_is_counted(some: Pseudonymiser) -> None:
    assert some.ambiguous == ("7", "ka", "won")
    assert some.counts() == {"account": 7, "seller": 3, "ambiguous": 3}


def test_columns_of_names_are_replaced_whole_and_nothing_else_changes(some: Pseudonymiser) -> None:
    frame = pd.DataFrame(
        {
            "account_id": ["A1", "7", None, "unheard"],
            "name": ["Alpha", None, "Omega", "x"],
            "owner": ["kim", "ka", None, "head of sales"],  # a seller, or who sees to a measure
            "team": ["ka", "won", None, "kim"],
            "n": [1, 2, 3, 4],
            "note": ["told by kim", "won", None, ""],
            "list": [["A1", "x"], [], None, ("kim",)],
        }
    )
    before = frame.copy(deep=True)
    out = some.frame(frame)
    account = {n: MADE.of("account", n) for n in ("A1", "7", "Omega", "unheard")}
    kim = MADE.of("seller", "kim")
    assert cells(out["account_id"]) == [account["A1"], account["7"], None, account["unheard"]]
    assert cells(out["name"]) == [account["A1"], None, account["Omega"], account["unheard"]]
    assert cells(out["owner"]) == [kim, MADE.of("seller", "ka"), None, "head of sales"]
    assert cells(out["team"]) == ["ka", "won", None, kim]
    assert cells(out["n"]) == [1, 2, 3, 4] and out["n"].dtype == frame["n"].dtype
    assert cells(out["note"]) == [f"told by {kim}", "won", None, ""]
    assert cells(out["list"]) == [[account["A1"], "x"], [], None, (kim,)]
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(some.frame(out), out)


def test_names_in_headings_categories_and_attributes(some: Pseudonymiser) -> None:
    frame = pd.DataFrame({"kim": [1.0], "c": pd.Categorical(["Alpha"])})
    frame.attrs["by"] = {"kim": ["A1"]}
    out = some.frame(frame)
    kim, alpha = MADE.of("seller", "kim"), MADE.of("account", "A1")
    assert list(out.columns) == [kim, "c"] and out["c"].tolist() == [alpha] and out.attrs == {"by": {kim: [alpha]}}


def test_a_column_of_other_names_keeps_them(some: Pseudonymiser) -> None:
    """Without an account beside it a name may be that of a study or of a curve."""
    assert some.frame(pd.DataFrame({"name": ["study", "Alpha"]}))["name"].tolist() == [
        "study",
        MADE.of("account", "A1"),
    ]


def test_a_result_keeps_its_numbers_and_states(some: Pseudonymiser) -> None:
    number = Number("share", "A1", 0.5, 0.4, 0.6, 0.95, 9, "share", "Wilson")
    finding = Finding(
        "M-1.2", "lifecycle", "supported", "won", (number,), terms={"who": "kim | Alpha", "definition": "ka"}
    )
    result = Result("01", "d", "p", "2026-06-30", [finding], {"f": pd.DataFrame({"account_id": ["A1"]})})
    out = some.result(result)
    said = out.findings[0]
    assert said.numbers[0].to_dict() == {**number.to_dict(), "segment": MADE.of("account", "A1")}
    assert said.terms == {"who": f"{MADE.of('seller', 'kim')} | {MADE.of('account', 'A1')}", "definition": "ka"}
    assert (said.id, said.state, said.reason) == ("M-1.2", "supported", "won")
    assert result.findings[0].terms["who"] == "kim | Alpha", "what was handed in stays"
    assert "A1" not in out.to_json()


def test_broken_values_stay_only_where_they_can_be_no_name(some: Pseudonymiser) -> None:
    faults = pd.DataFrame(
        [("accounts", "annual_revenue", 1, "-12.5", "below_minimum", "blank"), ("accounts", "annual_revenue", 2, "ask Bo", "not_a_number", "blank"),
         ("opportunities", "account_id", 3, "A99", "orphan", "set_aside"), ("stakeholders", "person_id", 4, "007", "orphan", "set_aside"),
         ("accounts", "", 5, "A1,Alpha,x", "ragged_row", "set_aside"), ("accounts", "name", 6, "4711", "odd", "keep"),
         ("accounts", "region", 7, None, "required", "blank")],
        columns=["table", "column", "row", "value", "rule", "action"],
    )  # fmt: skip
    out = some.faults(faults)
    made = [
        "-12.5", MADE.of("value", "ask Bo"), MADE.of("account", "A99"), MADE.of("person", "007"), MADE.of("value", "A1,Alpha,x"),
        MADE.of("value", "4711"), None,
    ]  # fmt: skip
    assert cells(out["value"]) == made
    assert out.drop(columns="value").equals(faults.drop(columns="value"))
    imported = pd.DataFrame(
        {"file": ["Alpha.csv"], "row": ["1"], "column": ["phone"], "value": ["139"], "rule": ["r"], "action": ["keep"]}
    )
    told = some.faults(imported, imported=True)
    assert told["value"].tolist() == [MADE.of("value", "139")] and "Alpha" not in told["file"][0]


@settings(max_examples=60)
@given(
    st.sets(
        st.text(st.sampled_from("ab1 司岚-"), min_size=2, max_size=6).filter(
            lambda n: n == n.strip() and "  " not in n
        ),
        min_size=1,
        max_size=8,
    ),
    st.text(st.sampled_from("ab1 司岚-,"), max_size=40),
)
def test_no_whole_name_is_left_in_any_text(names: set[str], said: str) -> None:
    """Found by another search than the one that replaces (tests/leaks.py)."""
    made = known(account={n: n for n in names})
    clear = set(made.anywhere)
    left = WORD.sub("\0", made.text(said))
    assert not [n for n, _ in Names(clear).found(left)] or left.casefold() != left


def test_all_results_of_a_company_equal_but_for_names(small_demo, small_results: dict[str, Result]) -> None:  # type: ignore[no-untyped-def]
    company = open_company(small_demo)
    made, originals = Pseudonymiser.of(company, SECRET), set(names_of(company)["name"])
    search = Names(n for n in originals if n not in made.ambiguous)
    replaced = 0
    for id, result in small_results.items():
        out = made.result(result)
        for before, after in zip(result.findings, out.findings, strict=True):
            assert before.state == after.state and before.reason == after.reason and before.flips == after.flips
            assert [n.to_dict() | {"segment": ""} for n in before.numbers] == [
                n.to_dict() | {"segment": ""} for n in after.numbers
            ]
        assert list(out.frames) == list(result.frames)
        for name, frame in result.frames.items():
            other = out.frames[name]
            numbers = frame.select_dtypes(exclude=["object", "string", "category"]).columns
            pd.testing.assert_frame_equal(other[numbers], frame[numbers])
            for column in frame.columns.difference(numbers):
                same = (frame[column].astype(str) == other[column].astype(str)) | (
                    frame[column].isna() & other[column].isna()
                )
                replaced += int((~same).sum())
                assert other.loc[~same, column].astype(str).str.contains(WORD).all(), (id, name, column)
                if column not in ("name", "name_a", "name_b"):  # accounts of the same name are told apart by their ids
                    assert other[column].astype(str).nunique() <= frame[column].astype(str).nunique()
            text = "\n".join(str(v) for c in other for v in other[c] if not isinstance(v, float))
            assert not list(search.found(text)), (id, name)
        assert not list(search.found(out.to_json())), id
    assert replaced > 100


def test_code_words_are_read_back_with_data_and_key(company_folder: Callable[..., Path], tmp_path: Path) -> None:
    company = open_company(company_folder(accounts="account_id,name\nA1,Alpha\n"))
    with pytest.raises(UnusableData, match="is missing"):
        translation(company, tmp_path / "key")
    made = Pseudonymiser.of(company, read_or_make_key(tmp_path / "key"))
    table = translation(company, tmp_path / "key")
    assert set(table.loc[table["word"] == made.text("Alpha"), "name"]) == {"A1", "Alpha"}
