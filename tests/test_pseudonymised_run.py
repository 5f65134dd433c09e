"""A run folder under pseudonyms, searched for every original name; and the two kinds of run kept apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from leaks import leaks

from kaanalysis import pseudonymised_run, runner, workbook
from kaanalysis.company import open_company
from kaanalysis.company_names import names_of
from kaanalysis.contracts import UnusableData
from kaanalysis.manifest import Manifest, Step
from kaanalysis.pseudonymise import Pseudonymiser
from kaanalysis.pseudonymised_run import KEY, stamped, tidy_notebook, tidy_sheets, without_places
from kaanalysis.pseudonyms import KeyInRun, key_path, read_or_make_key
from kaanalysis.report import build
from kaanalysis.results import load_result
from kaanalysis.runfolder import HEADLESS, result_path
from kaanalysis.runner import analyse_in_process

FEW = {"evidence.draws": 200}
HOUSE = "Harbour & Söhne <Holding>"
SECRET = bytes(range(32))


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A company of which every name is unmistakable: customers, their group, sellers, partner, persons, and broken values that are names."""
    folder = tmp_path / "harbour-crm-dump"
    folder.mkdir()
    (folder / "company.toml").write_text(
        f'name = "{HOUSE}"\ncurrency = "CNY"\nas_of = 2025-12-31\nka_launch = 2024-01-01\n', encoding="utf-8"
    )
    accounts, deals, people, teams = (
        ["account_id,name,parent_account_id,region,industry,employees,annual_revenue,segment"],
        [],
        [],
        ["ka-team", "smb-team"],
    )
    deals.append("opportunity_id,account_id,team,owner,partner_id,origin,created_at,closed_at,outcome,amount")
    people.append("opportunity_id,person_id,department,role,part,key_person,engaged_at")
    for i in range(24):
        segment, parent = ("KA", "") if i % 3 == 0 else ("SMB", "ACC-Q003" if i % 7 == 1 else "")
        revenue = "ask Sabine Quast" if i == 5 else str(900_000 * (i + 1))
        accounts.append(
            f"ACC-Q{i:03d},岚榆制造{chr(0x5170 + i)}厂,{parent},east,retail,{40 * (i + 1)},{revenue},{segment}"
        )
        for j in range(3):
            won = "won" if (i + j) % 2 else "lost"
            deals.append(
                f"DEAL-Z{i:03d}{j},ACC-Q{i:03d},{teams[i % 3 > 0]},seller.quentin{i % 4},ptn-zeta{i % 2},new,202{2 + j}-0{1 + i % 9}-05,"
                f"202{2 + j}-1{i % 3}-20,{won},{1000 * (i + 1)}"
            )
            people.append(f"DEAL-Z{i:03d}{j},prs-xaver{i}{j},finance,finance,approve,true,202{2 + j}-0{1 + i % 9}-15")
    deals.append("DEAL-Zodd,ACC-Qgone,ka-team,seller.quentin0,,new,2024-05-05,,open,10")
    for name, rows in {"accounts": accounts, "opportunities": deals, "stakeholders": people}.items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "teams.csv").write_text("team,motion\nka-team,KA\nsmb-team,SMB\n", encoding="utf-8")
    (folder / "rankings").mkdir()
    (folder / "rankings" / "list.csv").write_text("rank,name\n1,Unseen Giant Corp\n2,岚榆制造兰厂\n", encoding="utf-8")
    return folder


def originals(folder: Path) -> set[str]:
    """Every name of the company, those that only broken values hold, and the folder that tells whose it is."""
    more = {"Sabine Quast", "ACC-Qgone", "DEAL-Zodd", folder.name, str(folder.parent)}
    return set(names_of(open_company(folder, refuse=False))["name"]) | more


def test_analyse_leaves_no_original_and_the_same_numbers(named: Path, tmp_path: Path) -> None:
    out, plain = tmp_path / "out", tmp_path / "plain"
    command = f"kaanalysis analyse {named} --out={out} --pseudonyms"
    key = key_path(out)
    analyse_in_process(str(named), out, only=["base_assumptions"], overrides=FEW, command=command, key=key)
    analyse_in_process(str(named), plain, only=["base_assumptions"], overrides=FEW)
    assert not leaks(out, originals(named))
    assert {leak.name for leak in leaks(plain, originals(named))} >= {HOUSE, "ACC-Q003", "ask Sabine Quast"[4:]}, (
        "the search must find them where names stay"
    )
    one, other = (load_result(result_path(run, "01_base_assumptions")) for run in (out, plain))
    assert [f.to_dict() for f in one.findings] == [f.to_dict() for f in other.findings]
    for name, relative in other.tables.items():
        hidden, shown = pd.read_parquet(out / one.tables[name]), pd.read_parquet(plain / relative)
        assert list(hidden.columns) == list(shown.columns) and len(hidden) == len(shown)
        numbers = shown.select_dtypes("number").columns
        pd.testing.assert_frame_equal(hidden[numbers], shown[numbers])
    manifest = Manifest.read(out)
    assert manifest is not None and manifest.command == "kaanalysis analyse DATA --out=RUN --pseudonyms"
    assert manifest.company["name"] == manifest.data and manifest.pseudonyms["account"] == 24 + 24 + 1
    secret = key.read_text(encoding="utf-8").splitlines()[-1]
    assert not leaks(out, [secret, key.name, str(key)])


def test_a_notebooks_verbs_and_the_report_hold_no_original(
    named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a kernel does, in this process: the key comes by the environment; then the report in both languages, Excel and figures."""
    out = tmp_path / "out"
    key = key_path(out)
    run = runner.start(
        str(named), out, ["base_assumptions"], FEW, ["en", "zh"], f"kaanalysis report {named} --out {out}"
    )
    company, manifest = run[0], run[3]
    runner._pseudonymised(company, manifest, str(named), out, key)
    manifest.steps = [Step("01_base_assumptions", "done", 1.0)]
    runner.write_text(out / "manifest.json", manifest.to_json())
    pseudonymised_run.save_faults(out, company, Pseudonymiser.of(company, read_or_make_key(key)))
    monkeypatch.setenv(KEY, str(key))
    monkeypatch.setenv(HEADLESS, "1")
    book = workbook.open("01_base_assumptions", str(named), str(out), "zh", FEW)
    book.verdict()
    book.flips()
    book.save()
    said = capsys.readouterr().out
    (tmp_path / "said.txt").write_text(said, encoding="utf-8")
    assert manifest.company["name"] in said and not leaks(tmp_path / "said.txt", originals(named))
    white = book.show("white_space")
    assert white is None or not any(n in str(white) for n in ("岚榆制造", "ACC-Q", "Unseen"))
    for language in ("en", "zh"):
        build(out, language)
    assert not leaks(out, originals(named))
    kinds = {p.suffix for p in out.rglob("*") if p.is_file()}
    assert {".html", ".json", ".parquet", ".xlsx", ".svg", ".png"} <= kinds
    assert manifest.company["name"] in (out / "report.zh.html").read_text(encoding="utf-8")
    names = pd.concat([pd.read_parquet(p) for p in (out / "tables" / "01_base_assumptions").glob("*.parquet")])
    word = Pseudonymiser.of(company, read_or_make_key(key)).words["account"]
    assert set(names["account_id"].dropna()) & set(word.values()), "customers are there, by their code words"


def notebook(*outputs: dict[str, object], source: str = "") -> dict[str, object]:
    return {
        "cells": [{"cell_type": "code", "source": [source], "outputs": list(outputs)}],
        "metadata": {"papermill": {"parameters": {"data": "/x/acme"}}},
    }


def test_errors_and_folders_in_a_notebook() -> None:
    word = _words().of("seller", "kim li")
    made = Pseudonymiser(_words(), "F-1", {"seller": {"kim li": word}})
    raised = {
        "output_type": "error",
        "ename": "KeyError",
        "evalue": "'kim li'",
        "traceback": ["at /x/acme/t.csv", "kim li"],
    }
    shown = {"output_type": "display_data", "data": {"image/png": "/x/acme", "text/plain": ["/x/acme/a"]}}
    out = tidy_notebook(
        notebook(raised, shown, source="data = '/x/acme'\nrun = '/x/run'"), made, [("/x", "X"), ("/x/acme", "DATA")]
    )
    cell = out["cells"][0]
    assert cell["source"] == ["data = 'DATA'\nrun = 'X/run'"] and out["metadata"]["papermill"]["parameters"] == {
        "data": "DATA"
    }
    assert cell["outputs"][0] == raised | {"evalue": f"'{word}'", "traceback": ["at DATA/t.csv", word]}
    assert cell["outputs"][1]["data"] == {"image/png": "/x/acme", "text/plain": ["DATA/a"]}, "pictures are no text"


def _words():  # type: ignore[no-untyped-def]
    from kaanalysis.pseudonyms import Pseudonyms

    return Pseudonyms(SECRET)


def test_no_folder_that_is_everywhere_is_replaced() -> None:
    assert without_places({"a": "x/y", "b": [1, None]}, [("/", "~"), ("", "Z")]) == {"a": "x/y", "b": [1, None]}


def test_sheets_that_an_analyst_edited(tmp_path: Path) -> None:
    made = Pseudonymiser(_words(), "F-1", {"account": {"Alpha Ltd": _words().of("account", "A1")}})
    book = openpyxl.Workbook()
    book.active["A1"], book.active["B2"] = "told by Alpha Ltd", 3  # type: ignore[index]
    book.save(tmp_path / "sheet.xlsx")
    tidy_sheets(tmp_path, made)
    assert not leaks(tmp_path, ["Alpha Ltd"])
    assert openpyxl.load_workbook(tmp_path / "sheet.xlsx").active["B2"].value == 3  # type: ignore[index]
    before = (tmp_path / "sheet.xlsx").read_bytes()
    tidy_sheets(tmp_path, made)
    assert (tmp_path / "sheet.xlsx").read_bytes() == before
    tidy_sheets(tmp_path / "nowhere", made)


def test_runs_of_the_two_kinds_are_kept_apart(
    company_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = company_folder(), tmp_path / "out"
    only = ["problem_framing"]
    analyse_in_process(str(folder), out, only=only, key=key_path(out))
    analyse_in_process(str(folder), out, only=only, key=key_path(out))
    with pytest.raises(UnusableData, match="under pseudonyms; choose another --out"):
        analyse_in_process(str(folder), out, only=only)
    with pytest.raises(UnusableData, match="under pseudonyms"):  # nor does an analyst's notebook write names into it
        workbook.open("00_problem_framing", str(folder), str(out))
    plain = tmp_path / "plain"
    analyse_in_process(str(folder), plain, only=only)
    with pytest.raises(UnusableData, match="original names; choose another --out"):
        analyse_in_process(str(folder), plain, only=only, key=key_path(plain))
    (plain / "manifest.json").unlink()
    with pytest.raises(UnusableData, match="unknown make"):
        analyse_in_process(str(folder), plain, only=only, key=key_path(plain))
    with pytest.raises(KeyInRun):
        analyse_in_process(str(folder), tmp_path / "new", only=only, key=tmp_path / "new" / "key")
    assert not (tmp_path / "new").exists()


def test_the_runner_tells_kernels_where_the_key_is_and_tidies_what_they_leave(
    company_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    folder, out = (
        company_folder(opportunities="opportunity_id,account_id,outcome,owner\nO1,A1,open,Kim Quast\n"),
        tmp_path / "out",
    )
    told: list[str | None] = []

    def fails(id: str, run: Path, parameters: dict[str, object]) -> Step:
        told.append(os.environ.get(KEY))
        (run / "notebooks").mkdir(exist_ok=True)
        left = notebook({"output_type": "error", "evalue": "Kim Quast", "traceback": []}, source=str(parameters))
        (run / "notebooks" / f"{id}.ipynb").write_text(json.dumps(left), encoding="utf-8")
        return Step(id, "failed", 0.1, f"ValueError: Kim Quast in {folder}")

    monkeypatch.setattr(runner, "execute", fails)
    manifest = runner.run_notebooks(
        str(folder), out, only=["problem_framing"], languages=["en"], key=key_path(out), command="kaanalysis report"
    )
    assert told == [str(key_path(out))] and KEY not in os.environ
    assert "Kim" not in manifest.steps[0].error and "in DATA" in manifest.steps[0].error
    assert not leaks(out, ["Kim Quast", str(folder), str(tmp_path), key_path(out).name])
    runner.run_notebooks(str(folder), tmp_path / "plain", only=["problem_framing"], languages=["en"])
    assert told[1] == ""


def test_the_command_keeps_its_options(company_folder: Callable[..., Path]) -> None:
    company = open_company(company_folder())
    made = Pseudonymiser.of(company, SECRET)
    manifest = Manifest(
        {},
        {"name": "Test"},
        "acme",
        {},
        {},
        {},
        [],
        "kaanalysis report in/acme --out=q --set a=1 --pseudonym-key my.key",
        "",
    )
    stamped(manifest, made, {"acme": "DATA", "q": "RUN", "my.key": "KEY"})
    assert manifest.command == "kaanalysis report DATA --out=RUN --set a=1 --pseudonym-key KEY"
    assert manifest.stamp == {"pseudonyms": made.pseudonyms.fingerprint()} and SECRET.hex() not in manifest.to_json()
