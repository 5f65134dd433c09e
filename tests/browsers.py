"""The machine's own Chromium, driven by Playwright; tests that need one are skipped with a reason where it is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kaanalysis.report.pdf import BROWSER, BROWSERS, SWITCHES


@contextmanager
def chromium() -> Iterator[Any]:
    """A running browser: the one that the environment variable names, else the first on the path, else Playwright's own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (extra test)")
    wanted = os.environ.get(BROWSER)
    found = shutil.which(wanted) if wanted else next((p for n in BROWSERS if (p := shutil.which(n))), None)
    with playwright.sync_playwright() as driver:
        if found is None and not Path(driver.chromium.executable_path).is_file():
            pytest.skip(f"no Chromium on this machine ({BROWSER} names one elsewhere)")
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        started = driver.chromium.launch(executable_path=found, args=[*SWITCHES[1:-1], *root])
        yield started
        started.close()
