"""Small companies written as CSV into a temporary folder, and a small cut of data/demo for tests over whole analyses."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable, Mapping
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
    return target


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
