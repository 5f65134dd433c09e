"""The report in a real browser: Chromium driven by Playwright. Skipped with a reason where either is missing.

Nothing may be asked of a network, every figure must load, and neither a phone nor paper may cut anything off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import chromium

from kaanalysis.text import words

LANGUAGES = ("en", "zh")
PHONE = {"width": 375, "height": 740}
SHEET = {"width": 680, "height": 1016}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


class Visit:
    """A page opened, with everything that the browser complained of or asked for."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page = browser.new_page(**context)
        self.page.set_default_timeout(120_000)
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()

    @property
    def foreign(self) -> list[str]:
        return [url for url in self.asked if not url.startswith(("file:", "data:"))]

    def wide(self) -> list[str]:
        """Elements that reach over the right edge without standing in a pane that can be moved sideways."""
        found: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll('body *')].filter(e => {
                 const box = e.getBoundingClientRect();
                 return box.width > 1 && box.right > innerWidth + 1 && !e.closest('.pane, .scroll, pre, .hidden, .skip');
               }).slice(0, 5).map(e => e.tagName + ' ' + e.className + ' ' + (e.textContent || '').slice(0, 60))"""
        )
        return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_report_opens_without_complaints_or_requests_and_its_figures_load(
    browser: Any, report_run: Path, language: str
) -> None:
    with Visit(browser, report_run / f"report.{language}.html") as visit:
        sizes = visit.page.evaluate(
            "() => Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth, () => 0)))"
        )
        assert len(sizes) > 40 and all(sizes)
        assert visit.complaints == [] and visit.foreign == []
        assert visit.page.evaluate('() => document.fonts.check(\'16px "KAanalysis Sans SC"\', "卡点")')
        lost = visit.page.evaluate(
            """() => [...document.querySelectorAll('a[href^="#"]')].map(a => decodeURIComponent(a.hash.slice(1)))
                 .filter(id => !document.getElementById(id))"""
        )
        assert lost == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_lead_into_the_executed_notebooks_and_back_and_to_the_other_language(
    browser: Any, report_run: Path, language: str
) -> None:
    with Visit(browser, report_run / f"report.{language}.html") as visit:
        links = [a.get_attribute("href") for a in visit.page.query_selector_all('a[href^="notebooks/"][href$=".html"]')]
        assert len(links) == 3
        visit.page.click(f'a[href="{links[0]}"]')
        assert visit.page.title().startswith(words("en")("report.page.title", title=""))
        assert visit.page.evaluate("() => [...document.images].every(i => i.complete && i.naturalWidth > 0)")
        assert not visit.page.is_visible(".code pre")
        visit.page.locator(".code summary").nth(1).click()
        assert visit.page.locator(".code pre").nth(1).is_visible()
        visit.page.click('header a[href^="../report."]')
        assert visit.page.url.endswith("report.en.html#00_problem_framing")
        visit.page.goto((report_run / f"report.{language}.html").as_uri())
        other = {"en": "zh", "zh": "en"}[language]
        visit.page.click(f'header a[href="report.{other}.html"]')
        assert visit.page.title().startswith(words(other)("report.title"))
        assert visit.complaints == [] and visit.foreign == []


@pytest.mark.parametrize("name", ["report.en.html", "report.zh.html", "notebooks/01_base_assumptions.html"])
def test_nothing_is_cut_off_on_a_phone(browser: Any, report_run: Path, name: str) -> None:
    with Visit(browser, report_run / name, viewport=PHONE) as visit:
        visit.page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
        assert visit.page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
        assert visit.wide() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_in_both_schemes(browser: Any, report_run: Path, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 to 1."""
    with Visit(browser, report_run / "report.en.html", color_scheme=scheme) as visit:
        worst = visit.page.evaluate(
            """() => {
                 const channels = c => c.match(/[\\d.]+/g).map(Number);
                 const light = c => { const [r, g, b] = channels(c).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
                                      return .2126 * r + .7152 * g + .0722 * b; };
                 const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; const v = channels(c);
                                       if (v.length < 4 || v[3] > 0) return c; } return 'rgb(255,255,255)'; };
                 return [...document.querySelectorAll('p, a, li, td, th, h1, h2, h3, h4, span, summary, code, mark')].filter(e => e.textContent.trim()).map(e => {
                   const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
                   return [(a + .05) / (b + .05), e.className + ' ' + e.textContent.slice(0, 40)]; }).sort((x, y) => x[0] - y[0])[0]; }"""
        )
        assert worst[0] >= 4.5, worst


def test_the_first_stop_of_the_keyboard_skips_to_the_decision(browser: Any, report_run: Path) -> None:
    with Visit(browser, report_run / "report.en.html") as visit:
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("() => document.activeElement.className") == "skip"
        visit.page.keyboard.press("Enter")
        assert visit.page.url.endswith("#decision")
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("() => Boolean(document.activeElement.closest('#decision'))")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_decision_fits_on_the_first_sheet_and_the_report_prints(
    browser: Any, report_run: Path, language: str
) -> None:
    with Visit(browser, report_run / f"report.{language}.html", viewport=SHEET) as visit:
        visit.page.emulate_media(media="print")
        # A4 less the margins of the style sheet: 180 x 269 mm at 96 dots an inch.
        assert (
            visit.page.evaluate("() => document.getElementById('decision').getBoundingClientRect().bottom + scrollY")
            <= SHEET["height"]
        )
        assert visit.wide() == []
        printed = visit.page.pdf(prefer_css_page_size=True)
        assert (
            printed.startswith(b"%PDF")
            and printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") + printed.count(b"/Type /Page/") > 10
        )
