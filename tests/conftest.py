"""Small companies written as CSV into a temporary folder, and a small cut of data/demo for tests over whole analyses."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from company_files import Rows, write_company
from hypothesis import settings

from kaanalysis.analyses.registry import analyse_all
from kaanalysis.company import Company, open_company
from kaanalysis.policy import Policy, load_policy
from kaanalysis.results import Result

# In CI the same examples every time: a red build is to mean a change, not a lucky draw. Elsewhere they keep searching.
# No deadline anywhere: a busy machine is slow, which is no fault of the code.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", name="write_company")
def _write_company() -> Callable[..., Path]:
    """The plain writer, for tests that make many companies of their own."""
    return write_company


@pytest.fixture
def company_folder(tmp_path: Path) -> Callable[..., Path]:
    """company_folder(as_of=…, observed_from=…, ka_launch=…, **tables) → the folder; each call makes a new one."""
    made: list[Path] = []

    def build(toml: Mapping[str, Any] | None = None, **tables: Rows) -> Path:
        made.append(write_company(tmp_path / f"company{len(made)}", tables, toml))
        return made[-1]

    return build


@pytest.fixture
def company(company_folder: Callable[..., Path]) -> Callable[..., Company]:
    """As company_folder, opened without refusing, so that faults can be read."""
    return lambda toml=None, **tables: open_company(company_folder(toml, **tables), refuse=False)


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The workbook's own policy with few draws, so that bootstraps are fast."""
    return load_policy().override({"evidence.draws": 200, "ledger.draws": 256})


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/demo cut to every sixth small customer and every second key account, with all that hangs on them."""
    source, target = ROOT / "data" / "demo", tmp_path_factory.mktemp("demo") / "demo"
    target.mkdir()
    read = {p.stem: pd.read_csv(p, dtype=str, keep_default_na=False) for p in source.glob("*.csv")}
    accounts = read["accounts"]
    number = accounts["account_id"].str[1:].astype(int)
    kept = accounts[
        ((accounts["segment"] == "KA") & (number % 2 == 0)) | ((accounts["segment"] == "SMB") & (number % 6 == 0))
    ]
    ids = set(kept["account_id"])
    kept = kept.assign(parent_account_id=kept["parent_account_id"].where(kept["parent_account_id"].isin(ids), ""))
    deals = read["opportunities"][read["opportunities"]["account_id"].isin(ids)]
    cut = {"accounts": kept, "opportunities": deals}
    for name, frame in read.items():
        if name not in cut:
            if "account_id" in frame:
                frame = frame[frame["account_id"].isin(ids | {""})]
            if "opportunity_id" in frame:
                frame = frame[frame["opportunity_id"].isin({*deals["opportunity_id"], ""})]
            cut[name] = frame
    for name, frame in cut.items():
        frame.to_csv(target / f"{name}.csv", index=False)
    shutil.copy(source / "company.toml", target)
    shutil.copytree(source / "changes", target / "changes")
    return target


_BLANK = b'<svg xmlns="http://www.w3.org/2000/svg" width="590pt" height="300pt" viewBox="0 0 590 300"/>'


@pytest.fixture(scope="session")
def report_run(tmp_path_factory: pytest.TempPathFactory, demo_results: dict[str, Result]) -> Path:
    """A run folder of data/demo with both reports: a company whose name needs escaping, a fault, an override, and three of the
    repository's own executed notebooks. Only the figures of 04 are drawn: that every figure can be is for their own tests to show."""
    from kaanalysis.manifest import Manifest, Step
    from kaanalysis.report import build, sections
    from kaanalysis.runfolder import save_frame, save_result, write_text

    def make() -> Path:
        run, few = tmp_path_factory.mktemp("report") / "run", {"evidence.draws": 200}
        policy = load_policy().override(few)
        for result in demo_results.values():
            save_result(run, replace(result, figures={}))
        company = {
            "name": 'A <b>& B</b> "Co" \\',
            "currency": "CNY",
            "as_of": "2026-06-30",
            "language": "zh",
            "ka_launch": "2022-07-01",
        }
        values = {name: t.value for name, t in policy.thresholds.items()}
        stamp = {"data_hash": "0123456789abcdef", "policy_hash": policy.hash, "code_hash": "fedcba9876543210"}
        steps, rows = [Step(id, "done", 1.0) for id in demo_results], {"accounts": [1472, 1473]}
        manifest = Manifest(
            stamp, company, "demo", values, few, {"python": "3.11.7"}, ["en", "zh"], "kaanalysis report x",
            "2026-07-01T08:00:00+00:00", "2026-07-01T08:01:00+00:00", steps, rows, 1,
        )  # fmt: skip
        write_text(run / "manifest.json", manifest.to_json())
        fault = ["opportunities", "account_id", 7.0, "=1+1<i>", "orphan", "set_aside"]
        save_frame(
            run,
            "tables/data_faults.parquet",
            pd.DataFrame([fault], columns=["table", "column", "row", "value", "rule", "action"]),
        )
        save_frame(
            run,
            "tables/import_faults.parquet",
            pd.DataFrame(columns=["file", "row", "column", "value", "rule", "action"], dtype=object),
        )
        (run / "notebooks").mkdir()
        for id in ("00_problem_framing", "01_base_assumptions", "04_path_selection"):
            shutil.copy(ROOT / "notebooks" / f"{id}.ipynb", run / "notebooks")
        draw, encode = sections.draw_figure, sections.figure_bytes
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sections, "draw_figure", lambda s, r, *a: draw(s, r, *a) if r.id.startswith("04") else None)
            patch.setattr(sections, "figure_bytes", lambda f, kind: _BLANK if f is None else encode(f, kind))
            for language in ("en", "zh"):
                build(run, language)
        return run

    return computed_once("report", tmp_path_factory, make)


def computed_once(name: str, tmp_path_factory: pytest.TempPathFactory, make: Callable[[], Any]) -> Any:
    """What `make` gives, made by the first worker that asks and read from its file by the others of the same test run."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return make()
    path = tmp_path_factory.getbasetemp().parent / f"{name}-{run}.pickle"
    if not path.exists():
        partial = path.with_name(f"{path.name}.{os.environ['PYTEST_XDIST_WORKER']}")
        partial.write_bytes(pickle.dumps(make()))
        partial.replace(path)
    return pickle.loads(path.read_bytes())


@pytest.fixture(scope="session")
def demo_results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """All analyses of data/demo with few draws, for tests that read them and change nothing."""
    few = load_policy().override({"evidence.draws": 200})
    return computed_once("demo", tmp_path_factory, lambda: analyse_all(open_company(ROOT / "data" / "demo"), few))


@pytest.fixture(scope="session")
def small_results(tmp_path_factory: pytest.TempPathFactory, small_demo: Path, policy: Policy) -> dict[str, Result]:
    """All analyses of the small cut, for tests that read them and change nothing."""
    return computed_once("small", tmp_path_factory, lambda: analyse_all(open_company(small_demo), policy))
