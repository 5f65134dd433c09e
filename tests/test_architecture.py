"""The house: floors, inventory, one environment behind every door, nothing of this machine in the repository."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from kaanalysis.dictionary import dictionary

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_imports_go_down_the_floors_and_analyses_do_not_know_each_other() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_floors_contract_knows_every_module() -> None:
    layers = next(c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers")["layers"]
    named = {m.strip().removeprefix("kaanalysis.") for layer in layers for m in layer.split("|")}
    there = {p.stem for p in (ROOT / "kaanalysis").glob("*.py")} | {
        p.parent.name for p in (ROOT / "kaanalysis").glob("*/__init__.py")
    }
    assert there - {"__init__"} == named


def test_architecture_names_every_module_and_nothing_that_is_not_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    there = {
        p.name if p.is_file() else p.name + "/"
        for p in (ROOT / "kaanalysis").iterdir()
        if p.suffix == ".py" or (p / "__init__.py").is_file()
    }
    there -= {"__init__.py"}
    named = set(re.findall(r"^\| `([a-z_]+(?:\.py|/))` \|", text, re.M))
    assert named == there


def test_environment_yml_has_the_dependencies_of_pyproject() -> None:
    """Conda installs the project itself with its extras, pinned by the same file; so the door can only differ in the extras."""
    lines = [line.strip() for line in (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()]
    assert "- -c constraints.txt" in lines
    editable = next(line for line in lines if line.startswith("- -e ."))
    extras = set(re.findall(r"\[(.*)\]", editable)[0].split(","))
    assert extras <= set(PROJECT["project"]["optional-dependencies"]) and {"lab", "test"} <= extras
    python = next(line for line in lines if line.startswith("- python="))
    assert python.removeprefix("- python=") == PROJECT["project"]["requires-python"].removeprefix(">=")


def test_every_dependency_is_pinned_in_constraints() -> None:
    pinned = {
        re.split(r"[=<>!~ ;\[]", line)[0].lower()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line
    }
    wanted = [
        *PROJECT["project"]["dependencies"],
        *(d for e in PROJECT["project"]["optional-dependencies"].values() for d in e),
    ]
    own = {PROJECT["project"]["name"]}  # an extra may take in another
    missing = {re.split(r"[=<>!~ ;\[]", d)[0].lower() for d in wanted} - pinned - own
    assert missing == set()


def test_dependencies_are_all_used() -> None:
    """A dependency that nothing imports is weight; those that are used by name only are listed with where."""
    by_name = {"ipykernel": "the kernel of every notebook"}
    source = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "kaanalysis").rglob("*.py")).lower()
    for dependency in PROJECT["project"]["dependencies"]:
        name = re.split(r"[=<>!~ ;\[]", dependency)[0].lower()
        module = {"ibis-framework": "ibis"}.get(name, name)
        assert name in by_name or re.search(rf"\b(import|from) {module}\b", source), name


def test_data_dictionary_is_the_one_the_contract_makes() -> None:
    assert (ROOT / "data" / "README.md").read_text(encoding="utf-8") == dictionary(), "run `make dictionary`"


def test_no_registry_host_and_no_path_of_a_machine_is_committed() -> None:
    forbidden = re.compile(
        r"pypi\.org|pythonhosted|anaconda\.org|npmjs\.(com|org)|registry\.\w+\.\w+|/work/main|/root/|/home/\w+/", re.I
    )
    own = Path(__file__).resolve()
    for path in tracked():
        if path.resolve() == own or path.suffix in (".otf", ".ttf", ".png", ".parquet", ".gz", ".svg"):
            continue
        found = forbidden.search(path.read_text(encoding="utf-8", errors="ignore"))
        assert not found, f"{path.relative_to(ROOT)}: {found.group() if found else ''}"


def test_readme_names_only_targets_and_commands_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    named = {a or b for a, b in re.findall(r"^ +make ([a-z]+)|`make ([a-z]+)", readme, re.M)}
    assert named >= {"report", "test", "lab", "help"} and named <= targets
    verbs = set(re.findall(r"\bkaanalysis (check|import|report|analyse|simulate|list)\b", readme))
    assert verbs >= {"check", "import", "report"}


def test_readme_pictures_are_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert pictures and all((ROOT / p).is_file() for p in pictures)
