"""Writing the company folder whole or not at all, and the truth beside it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from kaanalysis.contracts import UnusableData

MARK = "# made by kaanalysis simulate"


def made_here(folder: Path) -> bool:
    """Whether `folder` was itself made by simulate: the first line of its company.toml says so."""
    info = folder / "company.toml"
    return info.is_file() and info.read_text(encoding="utf-8", errors="replace").startswith(MARK)


def refuse(out: Path) -> None:
    """Refuse what simulate must not replace: a file, or a folder with something else in it."""
    if out.exists() and not out.is_dir():
        raise UnusableData(f"{out} is a file; name a folder.")
    if out.is_dir() and any(out.iterdir()) and not made_here(out):
        raise UnusableData(f"{out} is not empty and was not made by simulate; name another folder.")


def truth_path(out: Path) -> Path:
    """Where the truth lies: beside the folder, never in it."""
    return out.with_name(f"{out.name}.truth.json")


@contextmanager
def _sibling(target: Path) -> Iterator[Path]:
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    try:
        yield draft
    finally:
        if draft.is_dir():
            shutil.rmtree(draft)
        else:
            draft.unlink(missing_ok=True)


def write_company(
    out: Path, info: str, shards: Iterable[dict[str, pa.Table]], truth: Callable[[], dict[str, Any]]
) -> None:
    """Write into a sibling, shard after shard, then rename; a folder that simulate made earlier is replaced. truth: called last."""
    refuse(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with _sibling(out) as draft, _sibling(truth_path(out)) as note:
        draft.mkdir()
        (draft / "company.toml").write_text(info, encoding="utf-8")
        for shard in shards:
            for name, table in shard.items():
                path = draft / f"{name}.csv"
                path.parent.mkdir(exist_ok=True)
                append_csv(table, path)
        note.write_text(json.dumps(truth(), ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        old = out.with_name(f".{out.name}.{os.getpid()}.old")
        if out.exists():
            out.rename(old)
        try:
            draft.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise
        note.replace(truth_path(out))
        if old.exists():
            shutil.rmtree(old)


def append_csv(table: pa.Table, path: Path) -> None:
    """Rows added to a file that is begun with a header: UTF-8, empty for null; quotes only in a shard that holds commas, quotes or
    line ends."""
    with path.open("ab") as file:
        if not file.tell():
            file.write((",".join(table.column_names) + "\n").encode())
        start = file.tell()
        for quoting in ("none", "needed"):
            options = pyarrow.csv.WriteOptions(include_header=False, batch_size=65536, quoting_style=quoting)
            try:
                if table.num_rows:
                    pyarrow.csv.write_csv(table, file, options)
                return
            except pa.ArrowInvalid:
                file.seek(start)
                file.truncate()
