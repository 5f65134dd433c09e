"""Write benchmarks/LEDGER.md: how fast the ledger and what is made of its uncertainty are, beside a plain loop and SALib in one run.

``python -m benchmarks.ledger_document [company]``, with the extra ``bench``; on a machine that does nothing else."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import ledger, sensitivity

PAGE = Path(__file__).with_name("LEDGER.md")
PACKAGES = ("numpy", "scipy", "pandas", "SALib")


def said(main: object, company: str) -> str:
    """What one of the two prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main(company)  # type: ignore[operator]
    return out.getvalue().rstrip()


def versions() -> str:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found)


def main(company: str = "data/demo") -> None:
    parts = [said(part.main, company) for part in (ledger, sensitivity)]
    PAGE.write_text(
        f"""# How fast is the ledger?
`make bench-ledger`, {dt.date.today()}, Python {platform.python_version()}, {versions()}, {platform.machine()}.

The ledger against a plain loop over worlds, paths and months, written a second time from docs/ledger.md (`benchmarks/plain_ledger.py`); the loop is
timed on few worlds and scaled:

```
{parts[0]}
```

Its sensitivity and the value of information against SALib, which reads independent inputs only and takes one output at a time; model and number of
rows are the same:

```
{parts[1]}
```
""",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(*sys.argv[1:2])
