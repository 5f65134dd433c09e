"""Results on disk: the document of the contract, a round trip, and never NaN or infinity."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.contracts import UnusableData
from kaanalysis.results import STATES, Finding, Flip, Number, Result, StaleResult, finite, load_result, no_data

ANY = st.none() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=True, allow_infinity=True)
NUMBERS = st.builds(Number, st.text(max_size=5), st.text(max_size=5), ANY, ANY, ANY, ANY, st.integers(0, 99), st.text(max_size=5),
                    st.text(max_size=5), st.none() | st.floats(0, 120))  # fmt: skip
FLIPS = st.builds(
    Flip,
    st.just("a.b"),
    st.floats(0, 1),
    st.none() | st.floats(),
    st.just((0.0, 1.0)),
    st.none() | st.just("undecided"),
)


def result(findings: list[Finding]) -> Result:
    return Result(
        "01_base_assumptions",
        "d",
        "p",
        "2026-06-30",
        findings,
        {},
        {"survival": "tables/x.parquet"},
        {"survival": "f.svg"},
    )


def number(**change: object) -> Number:
    base = Number("rmst", "KA", 14.2, 9.8, 18.5, 0.95, 412, "months", "m")
    return replace(base, **change)  # type: ignore[arg-type]


def test_the_document_has_exactly_the_keys_of_the_contract() -> None:
    full = Finding(
        "M-1.2",
        "lifecycle",
        "supported",
        "r",
        (number(horizon_months=36),),
        (Flip("a.b", 36, 71.0, (24, 60), "undecided"),),
    )
    document = json.loads(
        result([full, Finding("M-2", "k", "undecided", "r", (number(),), terms={"step": "x"})]).to_json()
    )
    assert list(document) == ["schema", "id", "data_hash", "policy_hash", "as_of", "findings", "tables", "figures"]
    first, second = document["findings"]
    assert list(first) == ["id", "key", "state", "reason", "numbers", "flips", "needs"]
    assert list(second) == [*first, "terms"]
    keys = ["name", "segment", "value", "low", "high", "level", "n", "unit", "method"]
    assert list(first["numbers"][0]) == [*keys, "horizon_months"] and list(second["numbers"][0]) == keys
    assert first["flips"] == [{"policy": "a.b", "now": 36, "at": 71.0, "range": [24, 60], "to": "undecided"}]


@given(numbers=st.lists(NUMBERS, max_size=4), flips=st.lists(FLIPS, max_size=2))
def test_nan_and_infinity_never_reach_the_file_and_what_is_written_is_read_back(
    numbers: list[Number], flips: list[Flip]
) -> None:
    text = result([Finding("M", "k", "undecided", "r", tuple(numbers), tuple(flips), (), {"step": "审批"})]).to_json()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in a result"))
    again = Result.from_json(text)
    assert again.to_json() == text
    for before, after in zip(numbers, again.findings[0].numbers, strict=True):
        wanted = None if before.value is None or not math.isfinite(before.value) else before.value
        assert after.value == wanted


def test_finite_takes_numpy_and_keeps_whole_numbers() -> None:
    import numpy as np

    assert finite(np.float64("nan")) is None and finite(np.float64(1.5)) == 1.5 and finite(np.int64(3)) == 3
    assert finite(-math.inf) is None and finite(7) == 7 and isinstance(finite(7), int)


def test_no_data_without_naming_what_is_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="does not name what it needs"):
        Finding("M-1", "k", "no_data", "missing")
    with pytest.raises(ValueError, match="does not name what it needs"):
        no_data("M-1", "k", [])
    assert no_data("M-1", "k", ["teams.motion"]).needs == ("teams.motion",)


def test_a_state_outside_the_four_is_refused() -> None:
    assert STATES == ("supported", "contradicted", "undecided", "no_data")
    with pytest.raises(ValueError, match="state must be one of"):
        Finding("M-1", "k", "maybe", "r")  # type: ignore[arg-type]


def test_numbers_are_found_by_name_and_segment() -> None:
    finding = Finding("M", "k", "undecided", "r", (number(segment="SMB"), number(segment="KA", value=1.0)))
    assert finding.number("rmst").segment == "SMB" and finding.number("rmst", "KA").value == 1.0  # type: ignore[union-attr]
    assert finding.number("rmst", "all") is None and finding.number("npv") is None
    with pytest.raises(KeyError, match=r"has no finding 'M-9'; it has: M"):
        result([finding]).finding("M-9")


def test_a_missing_broken_or_older_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    with pytest.raises(UnusableData, match="is missing"):
        load_result(path)
    for text in ("{", '{"schema": 1}', '{"schema": 1, "findings": [3]}'):
        path.write_text(text)
        with pytest.raises(UnusableData, match="is not a result"):
            load_result(path)
    path.write_text('{"schema": 2, "id": "x"}')
    with pytest.raises(StaleResult, match="run it again"):
        load_result(path)
    path.write_text(result([]).to_json())
    assert load_result(path).id == "01_base_assumptions"


@pytest.mark.parametrize("text", ["[]", '"x"', "3"])
def test_a_file_that_is_json_but_no_object_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(UnusableData, match="is not a result"):
        load_result(tmp_path / "r.json")
