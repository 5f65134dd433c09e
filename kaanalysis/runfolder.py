"""The run folder: results, tables and figures handed on by file, each stamped with data and policy, written atomically."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from kaanalysis.contracts import UnusableData
from kaanalysis.paths import workbook_file
from kaanalysis.results import Result, StaleResult, load_result

# Set while a report is run: no analyst is at the keyboard whose blank sheet today's selling could spoil, and verdicts come first there.
HEADLESS = "KAANALYSIS_HEADLESS"
# Set while a report is run: its languages, comma-separated. A figure is drawn once per language, by the notebook that has its frames; in
# languages other than its own it lies in this folder of the run until the run is published.
DRAWN_FOR = "KAANALYSIS_LANGUAGES"
DRAWN = ".drawn"
# Set by checks of the notebooks: a fresh run folder in place of the analyst's (run_folder).
CHECKED = "KAANALYSIS_RUN"
# The notebooks' own default, seen from their folder: in it every company has a run folder of its own.
DEFAULT_RUN = "../reports/lab"


def in_lab() -> bool:
    """Whether an analyst is at the keyboard: neither a report is being run nor a check."""
    return not (os.environ.get(HEADLESS) or os.environ.get(CHECKED))


def at_a_notebook(package: str) -> bool:
    """Whether there is somebody to use what `package` would show: it is installed, this is a notebook's kernel, and nobody executes without
    a reader."""
    if not in_lab() or importlib.util.find_spec(package) is None:
        return False
    shell = sys.modules.get("IPython")
    active = shell.get_ipython() if shell is not None else None
    return getattr(active, "kernel", None) is not None


def run_folder(data: str, run: str) -> Path:
    """Where a notebook hands its results on. `run` as it is, but for :data:`DEFAULT_RUN`: there the environment variable
    :data:`CHECKED` leads away from an analyst's folder, and without it each company has a folder of its own, so that another `data` is
    all that has to be changed: ``data/demo`` has ``../reports/lab/demo``. A company that does not lie in the workbook's folder ``data``
    has six digits of its place behind its name, since two may be called alike; a group of accounts (``demo#region=east``) is a company
    of its own."""
    if run != DEFAULT_RUN:
        return Path(run)
    if os.environ.get(CHECKED):
        return Path(os.environ[CHECKED])
    place, mark, group = data.partition("#")
    whole = place if "://" in place else os.path.abspath(place)  # noqa: PTH100 - links are left as they are
    last = re.split(r"[/\\]", re.split(r"[?]", whole.rstrip("/\\"))[0])[-1]
    name = re.sub(r"[^\w.-]+", "_", last).strip("._") or "company"
    at_home = "://" not in place and Path(whole).parent == workbook_file("data").resolve()
    if not at_home or mark:
        spelt = whole + mark + group
        kind = "_" + re.sub(r"[^\w.-]+", "_", group).strip("._") if mark else ""
        name = f"{name}{kind}-{hashlib.sha256(spelt.encode()).hexdigest()[:6]}"
    return Path(run) / name


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place: a run that dies leaves the old file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    try:
        write(Path(name))
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    write_atomically(path, lambda partial: _write(partial, content))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    def write(partial: Path) -> None:
        partial.write_text(text, encoding="utf-8")

    write_atomically(path, write)


def result_path(run: Path, id: str) -> Path:
    return run / "results" / f"{id}.json"


def drawn_path(run: Path, id: str, name: str, language: str) -> Path:
    """A figure drawn for the report in a language other than the notebooks', for as long as the run is being made."""
    return run / DRAWN / id / language / f"{name}.svg"


def save_frame(run: Path, relative: str, frame: pd.DataFrame, result: Result | None = None) -> None:
    """One frame as Parquet, stamped with the hashes of what it was made from."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    stamp = (
        {} if result is None else {b"data_hash": result.data_hash.encode(), b"policy_hash": result.policy_hash.encode()}
    )
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **stamp})
    write_atomically(run / relative, lambda p: pq.write_table(table, p))


def save_result(run: Path, result: Result) -> None:
    """Frames first, the JSON last: where results/<id>.json is there, everything that it names is there."""
    result.tables = {}
    for name, frame in result.frames.items():
        relative = f"tables/{result.id}/{name}.parquet"
        save_frame(run, relative, frame, result)
        result.tables[name] = relative
    text = result.to_json()
    write_text(result_path(run, result.id), text)
    _drop_others(run / "tables" / result.id, set(result.tables.values()), run)
    _drop_others(
        run / "figures" / result.id,
        {str(Path(f).with_suffix(s)) for f in result.figures.values() for s in (".svg", ".png")},
        run,
    )


def _drop_others(folder: Path, named: set[str], run: Path) -> None:
    """Files of a step that its result no longer names were made from other data: left lying, they would be taken for its own."""
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.relative_to(run).as_posix() not in named and not path.name.startswith("."):
            path.unlink()


def read_result(
    run: Path, id: str, *, data_hash: str | None = None, policy_hash: str | None = None, renew: str = ""
) -> Result:
    """One result with its frames. With hashes given, a result made from other data or another policy is refused: the message names
    `renew`, the command that makes it again."""
    result = load_result(result_path(run, id))
    for what, wanted, found in (("data", data_hash, result.data_hash), ("policy", policy_hash, result.policy_hash)):
        if wanted is not None and wanted != found:
            raise StaleResult(
                f"{result_path(run, id)} was made from other {what} ({found}, now {wanted}). Renew it: {renew}"
            )
    for name, relative in result.tables.items():
        path = run / relative
        if not path.is_file():
            raise UnusableData(f"{path} is missing, though {result_path(run, id)} names it. Renew it: {renew}")
        result.frames[name] = pd.read_parquet(path)
    return result
