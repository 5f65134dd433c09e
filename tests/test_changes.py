"""What is different between two runs, in words: as lines, as the report's page, in both languages, for runs of any age."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from run_folders import SALES, success, write_run
from test_report import Page

from kaanalysis.attribution import Path as Way
from kaanalysis.attribution import Split
from kaanalysis.changes import Compared, changes_page, changes_since, compare_runs, lines
from kaanalysis.compared_runs import keep_previous, read_run
from kaanalysis.contracts import UnusableData
from kaanalysis.diff import OUTCOMES, compare
from kaanalysis.results import Finding, Number
from kaanalysis.text import LANGUAGES, words

BEFORE = success(0.55, 0.49, 0.61)
AFTER = success(0.57, 0.51, 0.63, state="supported", reason="success_supported")


def pair(tmp_path: Path, before: Finding = BEFORE, after: Finding = AFTER, **changed) -> tuple[Path, Path]:
    a = write_run(tmp_path / "last", {SALES: [before]}, as_of="2026-05-31")
    return a, write_run(tmp_path / "now", {SALES: [after]}, **({"data": "d2"} | changed))


def text(tmp_path: Path, language: str = "en", **changed) -> str:
    return "\n".join(lines(changes_page(*pair(tmp_path, **changed), language)))


def test_the_page_says_what_moved_from_where_to_where_and_that_it_may_be_chance(tmp_path: Path) -> None:
    said = text(tmp_path)
    assert "Run “now” (as of 2026-06-30) against run “last” (as of 2026-05-31)." in said
    assert "1 of 1 verdicts moved." in said and "Only the data differ" in said
    assert "M-3.2 Key-account projects reach the success mark: undecided → supported" in said
    assert (
        "Whether key-account projects reach the mark of 50% is open" in said
        and "succeed more often than the mark" in said
    )
    assert "The data moved it." in said and "lies near a border, and what moved it may be chance" in said
    assert "0 of 1 numbers tested changed by more than the uncertainty of both runs together" in said
    assert "+2.0 percentage points (-6.5 to 10.5 percentage points, 95% interval)" in said
    assert "the two cannot be negatively related" in said and "half-widths are added outright" not in said


def test_the_same_in_chinese(tmp_path: Path) -> None:
    said = text(tmp_path, "zh")
    assert "运行“now”（截至 2026-06-30），对照运行“last”（截至 2026-05-31）。" in said
    assert "1 项判断中有 1 项改变。" in said and "是数据改变了它。" in said and "这项判断处在边界附近" in said


def test_a_number_beyond_its_uncertainty_stands_in_the_table_with_its_finding(tmp_path: Path) -> None:
    page = changes_page(*pair(tmp_path, success(0.30, 0.25, 0.35), success(0.60, 0.55, 0.65)), "en")
    assert [(f, n.name, n.before) for f, n in page.numbers] == [
        ("M-3.2 Key-account projects reach the success mark", "success, KA", "30% (25% to 35%, 95% interval)")
    ]
    assert "changed: beyond the uncertainty of both (adjusted p under 0.1%)" in page.numbers[0][1].note
    assert page.moved == () and page.headings["none_moved"] in "\n".join(lines(page))


def test_a_verdict_of_the_same_state_says_that_its_reason_is_another(tmp_path: Path) -> None:
    followed = Number("followed_to_horizon", "KA", 0.4, 0.3, 0.5, 0.95, 300, "share", "Jeffreys", 12.0)
    after = dataclasses.replace(BEFORE, reason="immature", numbers=(*BEFORE.numbers, followed))
    said = text(tmp_path, after=after)
    assert (
        "undecided → undecided" in said
        and "The state is the same, its reason is another." in said
        and "Too early to say" in said
    )


def test_policy_that_moved_a_verdict_is_named_with_its_values(tmp_path: Path) -> None:
    after = success(0.55, 0.49, 0.61, state="contradicted", reason="success_contradicted", mark=0.7)
    said = text(tmp_path, after=after, data="d1", policy="p2", values={"success.target": 0.7})
    assert "Only the policy differs" in said and "The policy moved it: mark for KA success (success.target)." in said
    assert "mark for KA success (success.target): 0.5 → 0.7" in said
    assert "nothing between them is chance; numbers that differ: 1." in said and "may be chance" not in said


def test_several_causes_are_said_and_the_way_out(tmp_path: Path) -> None:
    said = text(tmp_path, policy="p2", values={"success.target": 0.7})
    assert "Several things differ: data, policy." in said and "--attribute computes the states between" in said
    assert "lies near a border" not in said  # the policy may have moved it


def test_a_finding_that_got_its_data_says_nothing_of_chance(tmp_path: Path) -> None:
    none = Finding("M-3.2", "success", "no_data", "missing", needs=("opportunities.created_at",))
    said = text(tmp_path, before=none)
    assert "no data → supported" in said and "opportunities.created_at" in said and "chance moved it" not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_runs_of_other_versions_are_shown_by_name_where_words_are_missing(tmp_path: Path, language: str) -> None:
    """A reason, a number and a unit that no text knows any more, an analysis of another schema, a finding of one run only."""
    odd = Number("number_of_old", "X", 1.0, 0.5, 2.0, 0.95, 10, "old units", "old way")
    before = dataclasses.replace(BEFORE, reason="reason_of_old", numbers=(*BEFORE.numbers, odd))
    after = dataclasses.replace(
        AFTER, numbers=(*AFTER.numbers, dataclasses.replace(odd, value=90.0, low=80.0, high=99.0))
    )
    gone = dataclasses.replace(BEFORE, id="M-0.9", key="finding_of_old")
    a = write_run(tmp_path / "a", {SALES: [before, gone], "00_problem_framing": [], "09_of_old": []})
    b = write_run(tmp_path / "b", {SALES: [after], "00_problem_framing": []}, data="d2")
    file = a / "results" / "00_problem_framing.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), "schema": 0}), encoding="utf-8")
    page = changes_page(a, b, language)
    said = "\n".join(lines(page))
    assert "reason_of_old" in said and "number_of_old (X)" in said and "finding_of_old" in said
    assert "00_problem_framing" in said and "09_of_old" in said and len(page.unread) == 3
    assert Page(str(page.html)).text


def test_orders_that_disagree_are_both_told(tmp_path: Path) -> None:
    a, b = pair(tmp_path, policy="p2", values={"success.target": 0.7})
    diff = compare(read_run(a), read_run(b))

    def why(*ways: Way) -> str:
        return Compared(diff, Split(ways, ("last",))).page("en").moved[0].why[0]

    first = Way(("code", "data", "policy"), {"M-3.2": ("data",)}, {})
    assert why(first, Way(("code", "policy", "data"), {"M-3.2": ("data",)}, {})) == (
        "Computed step by step, in either order: moved by data."
    )
    assert why(first, Way(("code", "policy", "data"), {"M-3.2": ("policy",)}, {})) == (
        "Computed step by step, what moved it depends on the order. code → data → policy: moved by data; "
        "code → policy → data: moved by policy."
    )
    assert why(first) == "Computed step by step (code → data → policy): moved by data."
    assert why(Way(("code",), {}, {})) == "Computed step by step, no step moves it."
    assert any("could not be rebuilt" in s for s in Compared(diff, Split((first,), ("last",))).page("en").sources)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_partial_is_escaped_has_unique_ids_and_loads_nothing(tmp_path: Path, language: str) -> None:
    evil = "<script>alert(1)</script>"
    before = dataclasses.replace(success(0.3, 0.25, 0.35), reason=evil)
    a = write_run(tmp_path / "last", {SALES: [before]})
    b = write_run(
        tmp_path / "now", {SALES: [success(0.6, 0.55, 0.65)]}, data="d2", policy="p2", values={"success.target": evil}
    )
    page = changes_page(a, b, language)
    read = Page(str(page.html))
    assert "script" not in read.tags and evil in read.text and read.loads == []
    assert len(read.ids) == len(set(read.ids)) and "changes" in read.ids
    assert page.moved[0].after_state_text in read.text and page.numbers[0][1].note in read.text
    assert ".changes" in page.style and "http" not in page.style


def test_the_page_of_a_run_is_made_from_its_folder_alone(tmp_path: Path) -> None:
    a, b = pair(tmp_path)
    assert changes_since(b, "en") is None
    keep_previous(a, b)
    a.rename(tmp_path / "elsewhere")
    page = changes_since(b, "en")
    assert page is not None and "against run “last”" in page.summary[0] and len(page.moved) == 1


def test_every_outcome_has_a_text_in_both_languages() -> None:
    for language in LANGUAGES:
        assert all(words(language).has(f"changes.outcome.{o}") for o in OUTCOMES)


def test_computing_again_needs_the_data_and_resampling_two_runs_of_one_company(tmp_path: Path) -> None:
    a, b = pair(tmp_path)
    with pytest.raises(UnusableData, match="need --data-a"):
        compare_runs(a, b, attribute=True)
    other = write_run(tmp_path / "other", {SALES: [AFTER]}, data="d2", company="Other")
    with pytest.raises(UnusableData, match="two runs of one company"):
        compare_runs(a, other, "x", paired=True)
