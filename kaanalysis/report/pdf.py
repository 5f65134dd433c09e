"""The report on paper: its page printed by a real engine, a browser of the machine or WeasyPrint (extra ``pdf``)."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kaanalysis.contracts import UnusableData
from kaanalysis.runfolder import write_atomically

BROWSER = "KAANALYSIS_BROWSER"  # path of a Chromium-like browser; empty: none is to be used
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
# Headless, and without the calls home that a browser makes at its start.
SWITCHES = ("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--disable-extensions", "--no-pdf-header-footer")  # fmt: skip
SECONDS = 180


class NoEngine(UnusableData):
    """Nothing on this machine can print a page; the message says what to install."""


@dataclass(frozen=True)
class Engine:
    """What prints: its name, and a call that turns a page into a file."""

    name: str
    write: Callable[[Path, Path], None]


def _with_browser(browser: str, page: Path, target: Path) -> None:
    # A browser refuses to run as root inside its sandbox; the page is our own and loads nothing.
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="kaanalysis-browser-", ignore_cleanup_errors=True) as profile:
        command = [browser, *SWITCHES, *root, f"--user-data-dir={profile}", f"--print-to-pdf={target}", page.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UnusableData(f"{browser} did not print {page.name}: {error}.") from None
    if not target.is_file() or not target.read_bytes().startswith(b"%PDF"):
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UnusableData(f"{browser} did not print {page.name} (exit code {done.returncode}): {last}")


def _with_weasyprint(page: Path, target: Path) -> None:
    from weasyprint import HTML

    HTML(filename=str(page)).write_pdf(str(target))


def _weasyprint_works() -> bool:
    """Whether WeasyPrint is there with the system libraries it needs (Pango)."""
    if importlib.util.find_spec("weasyprint") is None:
        return False
    try:
        importlib.import_module("weasyprint")
    except (ImportError, OSError):
        return False
    return True


def find_engine() -> Engine:
    """The engine that prints: the browser named in ``KAANALYSIS_BROWSER``, else one on the search path, else WeasyPrint.

    Raises :class:`NoEngine` where there is none."""
    wanted = os.environ.get(BROWSER)
    if wanted and not shutil.which(wanted):
        raise NoEngine(f"{BROWSER} names {Path(wanted).name!r}, which is not there.")
    names = BROWSERS if wanted is None else (wanted,) if wanted else ()
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found:
        return Engine(Path(found).name, partial(_with_browser, found))
    if _weasyprint_works():
        return Engine("WeasyPrint", _with_weasyprint)
    raise NoEngine(
        "no engine can print the report: install Chromium or Chrome, or WeasyPrint with pip install 'kaanalysis[pdf]'; "
        f"a browser elsewhere is named in {BROWSER}."
    )


def print_pdf(page: Path, engine: Engine | None = None) -> Path:
    """Print ``report.<language>.html`` to ``report.<language>.pdf`` beside it, complete or not at all; returns its path.

    Raises :class:`NoEngine` where nothing can print, :class:`UnusableData` where the page is missing or the engine failed."""
    if not page.is_file():
        raise UnusableData(f"{page} is missing: run `kaanalysis report` first.")
    engine = engine or find_engine()
    target = page.with_suffix(".pdf")
    write_atomically(target, lambda unfinished: engine.write(page.resolve(), unfinished))
    return target
