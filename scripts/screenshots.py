"""Pictures of a report for people to look at: both languages, light, dark, phone and paper, a picture for each part.

    python scripts/screenshots.py RUN FOLDER

Needs Playwright (extra test) and a Chromium (``KAANALYSIS_BROWSER`` names one that is not on the path).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from kaanalysis.report.pdf import BROWSER, BROWSERS, SWITCHES

PARTS = (
    "decision",
    "verdicts",
    "00_problem_framing",
    "03_sales_flow",
    "04_path_selection",
    "margins",
    "faults",
    "provenance",
)
SHOWN = {  # width, height of a picture, colour scheme, medium
    "light": (1280, 1500, "light", "screen"),
    "dark": (1280, 1500, "dark", "screen"),
    "phone": (375, 1500, "light", "screen"),
    "paper": (680, 1016, "light", "print"),
}


def shoot(browser: Browser, page: Path, parts: tuple[str, ...], folder: Path) -> int:
    """Pictures of one page from each of its parts on, in every way it is shown; how many."""
    count = 0
    for name, (width, height, scheme, medium) in SHOWN.items():
        tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        tab.set_default_timeout(240_000)
        tab.emulate_media(media=medium, color_scheme=scheme)
        tab.goto(page.as_uri())
        wide = tab.evaluate("() => document.documentElement.scrollWidth")
        if wide > width:
            print(f"{page.name} {name}: {wide} px wide, {width} are there")
        for part in parts:
            there = tab.evaluate(
                """part => { document.documentElement.style.scrollBehavior = 'auto';
                     const element = document.getElementById(part);
                     if (element) window.scrollTo(0, element.getBoundingClientRect().top + scrollY);
                     return Boolean(element); }""",
                part,
            )
            if there:
                tab.wait_for_timeout(400)  # until what came into view is painted
                tab.screenshot(path=folder / f"{page.stem}.{name}.{part}.png")
                count += 1
        tab.close()
    return count


def main(run: Path, folder: Path) -> int:
    """Returns the exit code: 2 where the run holds no report."""
    pages = sorted(run.resolve().glob("report.*.html"))
    if not pages:
        print(f"{run} holds no report: run `kaanalysis report` first.", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    wanted = os.environ.get(BROWSER)
    found = shutil.which(wanted) if wanted else next((p for n in BROWSERS if (p := shutil.which(n))), None)
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=[*SWITCHES[1:-1], *root])
        count = sum(shoot(browser, page, PARTS, folder) for page in pages)
        count += sum(
            shoot(browser, page, ("cells",), folder) for page in sorted((run.resolve() / "notebooks").glob("03*.html"))
        )
        browser.close()
    print(f"{count} pictures in {folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
