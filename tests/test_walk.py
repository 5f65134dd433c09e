"""The start page: the notebooks in order, what the run folder holds of each, what the data lack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kaanalysis import workbook
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.company import Company, open_company
from kaanalysis.contracts import UnusableData
from kaanalysis.policy import Policy
from kaanalysis.results import Result
from kaanalysis.runfolder import result_path, save_result
from kaanalysis.text import words
from kaanalysis.walk import Walk, walk

ID = "01_base_assumptions"


@pytest.fixture(scope="module")
def small(small_demo: Path) -> Company:
    return open_company(small_demo)


def stop(made: Walk, id: str) -> tuple[str, bool, tuple[str, ...]]:
    found = next(s for s in made.stops if s.analysis.id == id)
    return found.holds, found.current, found.lacks


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_walk_names_every_notebook_in_order_with_its_question_and_findings(
    small: Company, policy: Policy, tmp_path: Path, language: str
) -> None:
    w = words(language)
    made = walk(small, tmp_path, w, policy.hash)
    assert [s.analysis.id for s in made.stops] == list(REGISTRY)
    shown = made._repr_mimebundle_()
    for analysis in REGISTRY.values():
        line = next(row for row in shown["text/markdown"].splitlines() if f"]({analysis.id}.ipynb)" in row)
        assert w(f"analyses.{analysis.name}.question") in line and w("lab.walk.not_yet") in line
        assert all(f">{finding}<" in line for finding in analysis.feeds)
        assert f"{analysis.id}.ipynb" in shown["text/plain"]
    assert w("lab.walk.done", n=0, all=6) in shown["text/plain"] and shown["text/plain"] == repr(made)


def test_verdicts_are_counted_and_results_of_other_data_or_policy_told_apart(
    small: Company, policy: Policy, small_results: dict[str, Result], tmp_path: Path
) -> None:
    result, w = small_results[ID], words("en")
    save_result(tmp_path, replace(result, frames={}))
    holds, current, _ = stop(walk(small, tmp_path, w, policy.hash), ID)
    counted = {
        s: sum(f.state == s for f in result.findings) for s in ("supported", "contradicted", "undecided", "no_data")
    }
    assert holds == ", ".join(f"{n} {w('states.' + s)}" for s, n in counted.items() if n) and current
    holds, current, _ = stop(walk(small, tmp_path, w, "another"), ID)
    assert f"under another policy ({result.policy_hash})" in holds and not current
    save_result(tmp_path, replace(result, frames={}, data_hash="elsewhere"))
    assert stop(walk(small, tmp_path, w, policy.hash), ID)[:2] == ("made from other data: run it again", False)
    result_path(tmp_path, ID).write_text("{")
    assert stop(walk(small, tmp_path, w, policy.hash), ID)[:2] == ("not readable: run it again", False)


def test_what_the_data_lack_is_named_by_finding(
    company: Callable[..., Company], policy: Policy, tmp_path: Path
) -> None:
    bare = company(
        accounts=[{"account_id": "A", "segment": "KA"}],
        opportunities=[{"opportunity_id": "O", "account_id": "A", "outcome": "won", "created_at": "2025-01-01", "closed_at": "2025-02-01", "amount": 5}],
    )  # fmt: skip
    made = walk(bare, tmp_path, words("en"), policy.hash)
    assert "M-0.2: accounts.industry" in stop(made, "00_problem_framing")[2]
    lacks = stop(made, "02_procurement_flow")[2]
    assert any("stakeholders.part / buying_steps.part" in said for said in lacks), "either would do"
    assert all(said in str(made) for said in lacks)
    row = next(line for line in made.markdown().splitlines() if "02_procurement_flow" in line)
    assert row.replace("\\|", "").count("|") == 6, "no name breaks out of its cell"


def test_the_verb_walk_reads_the_company_s_own_run_folder(
    small_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAANALYSIS_RUN", raising=False)
    made = workbook.walk(str(small_demo), str(tmp_path), "zh")
    assert "尚未运行" in str(made)
    with pytest.raises(UnusableData, match="lang must be one of en, zh"):
        workbook.walk(str(small_demo), str(tmp_path), "fr")
