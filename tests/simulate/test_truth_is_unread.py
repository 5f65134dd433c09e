"""The truth lies beside the company folder and nothing that analyses the company can know it.

Three ways: no module that reads a company may import the simulator (also an import contract in pyproject.toml); while a company is
analysed no file with the truth is opened; and the results are the same, byte by byte, whether the truth is there, gone, or false."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kaanalysis.runner import analyse_in_process
from kaanalysis.simulate import simulate, truth_path

WATCH = """
import sys
seen = []
sys.addaudithook(lambda event, args: seen.append(str(args[0])) if event == "open" and args else None)
from kaanalysis.runner import analyse_in_process
from pathlib import Path
analyse_in_process(sys.argv[1], Path(sys.argv[2]), overrides={"evidence.draws": 200, "ledger.draws": 256})
known = sorted(name for name in sys.modules if name.startswith("kaanalysis.simulate"))
import json
print(json.dumps({"opened": len(seen), "truths": [p for p in seen if p.endswith("truth.json")], "simulator": known}))
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate("siphon", tmp_path_factory.mktemp("unread") / "company", seed=3, size=0.5)


def results(company: Path, out: Path) -> dict[str, bytes]:
    analyse_in_process(str(company), out, overrides={"evidence.draws": 200, "ledger.draws": 256})
    return {p.name: p.read_bytes() for p in sorted((out / "results").glob("*.json"))}


def test_the_truth_is_not_in_the_folder(company: Path) -> None:
    truth = json.loads(truth_path(company).read_text(encoding="utf-8"))
    assert truth["planted"]["patterns"]["M-D"] is True
    text = "".join(p.read_text(encoding="utf-8") for p in company.rglob("*.*"))
    assert "planted" not in text and "pass_probability" not in text


def test_analysing_opens_no_truth_and_loads_no_simulator(company: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(company), str(tmp_path / "run")], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["opened"] > 20  # the watch works: policy, results and tables were opened
    assert found["truths"] == [] and found["simulator"] == []


def test_the_results_are_the_same_with_the_truth_there_gone_or_false(company: Path, tmp_path: Path) -> None:
    there = results(company, tmp_path / "there")
    kept = truth_path(company).read_bytes()
    try:
        truth_path(company).write_text('{"planted": {"patterns": {"M-D": false}}}', encoding="utf-8")
        false = results(company, tmp_path / "false")
    finally:
        truth_path(company).write_bytes(kept)
    assert there == false and len(there) == 6
    moved = shutil.copytree(company, tmp_path / "elsewhere")  # without the truth, which lies beside
    assert not truth_path(moved).exists() and results(moved, tmp_path / "gone") == there
