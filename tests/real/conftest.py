"""Real data stand beside the checkout in ``../shared/data``, outside the project; without them these tests skip."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from kaanalysis.imports import ImportReport, import_source

DATA = Path(__file__).parents[3] / "shared" / "data"


class Imported:
    """A company folder made from real data. ask: SQL over its tables, by name."""

    def __init__(self, report: ImportReport, folder: Path) -> None:
        self.report, self.folder = report, folder
        self.engine = duckdb.connect()
        for path in folder.glob("*.parquet"):
            self.engine.execute(f"CREATE VIEW {path.stem} AS FROM '{path}'")
        self.engine.execute(
            f"CREATE VIEW import_report AS FROM read_csv('{folder}/import_report.csv', all_varchar = true)"
        )

    def ask(self, query: str) -> list[tuple]:
        return self.engine.sql(query).fetchall()


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    def folder(name: str) -> Path:
        if not (DATA / name).is_dir():
            pytest.skip(f"real data not here: {DATA / name}")
        return DATA / name

    return folder


@pytest.fixture(scope="session")
def imported(real_data, tmp_path_factory) -> Callable[[str, str], Imported]:
    """imported(source, folder): the company folder made from ../shared/data/<folder>, once per session."""
    made: dict[str, Imported] = {}

    def make(source: str, name: str) -> Imported:
        if source not in made:
            origin, out = real_data(name), tmp_path_factory.mktemp("real") / source
            made[source] = Imported(import_source(source, origin, out), out)
        return made[source]

    return make
