"""The report: made from the run folder's files alone, self-contained, escaped, a failure in its place."""

from __future__ import annotations

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from kaanalysis import runner
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.contracts import UnusableData
from kaanalysis.figures import available
from kaanalysis.manifest import Manifest
from kaanalysis.report import build, misfits, sections
from kaanalysis.results import load_result
from kaanalysis.runfolder import drawn_path, read_result, write_bytes, write_text
from kaanalysis.runner import analyse_in_process
from kaanalysis.text import words

DEMO = Path(__file__).parent.parent / "data" / "demo"


class Page(HTMLParser):
    """Collects what the tests ask of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.alts: list[str | None] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        if tag == "img":
            self.alts.append(given.get("alt"))
        if "id" in given:
            self.ids.append(given["id"] or "")
        if tag == "a":
            self.links.append(given.get("href") or "")
        if tag in ("img", "script", "iframe", "source") and given.get("src"):
            self.loads.append(given["src"] or "")
        if tag == "link":
            self.loads.append(given.get("href") or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def run(report_run: Path) -> Path:
    return report_run


@pytest.fixture(scope="module", params=["en", "zh"])
def page(request: pytest.FixtureRequest, run: Path) -> tuple[str, Page]:
    return request.param, Page((run / f"report.{request.param}.html").read_text(encoding="utf-8"))


def test_report_loads_nothing_from_outside(page: tuple[str, Page]) -> None:
    pictures = [
        source for source in page[1].loads if source != "data:,"
    ]  # which keeps a browser from asking for an icon
    assert pictures and all(source.startswith("data:image/svg+xml;base64,") for source in pictures)
    assert "script" not in page[1].tags


def test_headings_are_in_order_and_landmarks_are_named(page: tuple[str, Page]) -> None:
    """WCAG 2.2, 1.3.1 and 2.4.1: one h1, no level left out on the way down, one main, a link past the head as the first link."""
    tags = page[1].tags
    levels = [int(t[1]) for t in tags if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert [tags.count(t) for t in ("main", "header", "footer")] == [1, 1, 1]
    assert page[1].links[0] == "#decision"


def test_the_decision_comes_first_then_a_card_for_each_question_then_the_sections(page: tuple[str, Page]) -> None:
    order = [
        page[1].ids.index(id)
        for id in ("decision", "verdicts", "00_problem_framing", "margins", "faults", "policy", "provenance")
    ]
    assert order == sorted(order)
    assert [id for id in page[1].ids if id.startswith("q-")] == [f"q-{id}" for id in REGISTRY]


def test_no_figure_in_the_prose_differs_from_the_results(run: Path, page: tuple[str, Page]) -> None:
    assert misfits(run, page[0]) == []


def test_a_figure_changed_in_the_prose_is_found(run: Path) -> None:
    """The check can fail: one digit of one sentence is another."""
    text = (run / "report.en.html").read_text(encoding="utf-8")
    sentence = re.search(r'<p data-said="M-1.2">([^<]*?)(\d+\.\d)', text)
    assert sentence is not None
    changed = text[: sentence.start(2)] + "98.7" + text[sentence.end(2) :]
    assert {(m.figure, m.source) for m in misfits(run, "en", changed)} == {("98.7", "M-1.2")}


def test_every_override_is_marked_with_the_value_of_the_file(run: Path) -> None:
    text = (run / "report.en.html").read_text(encoding="utf-8")
    assert re.search(r"<mark><code>evidence\.draws = 200</code></mark>.*?<code>1000</code>", text)


def test_an_executed_notebook_is_a_page_that_loads_nothing_and_hides_its_code(
    run: Path, page: tuple[str, Page]
) -> None:
    linked = {link for link in page[1].links if link.endswith(".html") and link.startswith("notebooks/")}
    assert len(linked) == 3
    for link in linked:
        parsed = Page((run / link).read_text(encoding="utf-8"))
        assert all(source.startswith("data:") for source in parsed.loads)
        assert "script" not in parsed.tags and "iframe" not in parsed.tags
        assert parsed.tags.count("details") >= 5  # a folded one for each cell of code
        assert all(alt and len(alt) > 20 for alt in parsed.alts)
        assert f"../report.en.html#{Path(link).stem}" in parsed.links


def test_every_figure_has_an_alternative_text_that_says_what_it_claims(page: tuple[str, Page]) -> None:
    assert all(alt and len(alt) > 20 for alt in page[1].alts)
    assert len(set(page[1].alts)) == len(page[1].alts)


def test_links_inside_the_page_lead_somewhere(page: tuple[str, Page]) -> None:
    inner = {link[1:] for link in page[1].links if link.startswith("#")}
    assert inner and inner <= set(page[1].ids)
    assert len(set(page[1].ids)) == len(page[1].ids)


def test_all_findings_are_there_with_state_and_sentence(run: Path, page: tuple[str, Page]) -> None:
    language, parsed = page
    for path in (run / "results").glob("*.json"):
        for finding in load_result(path).findings:
            assert finding.id in parsed.ids
            assert words(language)(f"findings.{finding.key}.title") in parsed.text


def test_names_are_escaped(run: Path) -> None:
    text = (run / "report.en.html").read_text(encoding="utf-8")
    assert "A &lt;b&gt;&amp; B&lt;/b&gt;" in text and "<b>& B" not in text and "<i>" not in text
    # In the running header, a string of the style sheet, no character of a name can end it.
    assert "A\\000020\\00003cb\\00003e\\000026" in text and "\\000022Co\\000022" in text


def test_faults_are_named_with_row_and_value(page: tuple[str, Page]) -> None:
    language, parsed = page
    assert words(language)("rules.orphan") in parsed.text and words(language)("actions.set_aside") in parsed.text


def test_overrides_and_hashes_are_shown(run: Path, page: tuple[str, Page]) -> None:
    manifest = Manifest.read(run)
    assert manifest is not None
    assert (
        "evidence.draws = 200" in page[1].text
        and manifest.stamp["data_hash"] in page[1].text
        and manifest.stamp["policy_hash"] in page[1].text
    )


@pytest.fixture
def broken(run: Path, tmp_path: Path) -> Path:
    """A run whose sales flow failed, so that path selection was skipped."""
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    manifest = Manifest.read(copy)
    assert manifest is not None
    manifest.steps = [s for s in manifest.steps if s.id[:2] in ("03", "04", "05")]
    for step in manifest.steps:
        if step.id == "03_sales_flow":
            step.status, step.error = "failed", "ZeroDivisionError: division by <zero> in line 98"
        if step.id == "04_path_selection":
            step.status, step.needs = "skipped", "03_sales_flow"
    (copy / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    (copy / "results" / "03_sales_flow.json").unlink()
    return copy


def test_a_failed_and_a_skipped_step_are_shown_in_their_place_and_there_is_no_decision(broken: Path) -> None:
    text = build(broken, "en").read_text(encoding="utf-8")
    assert "ZeroDivisionError: division by &lt;zero&gt;" in text
    assert "This step needs “03_sales_flow”, which failed." in text
    assert "M-D" in Page(text).ids and "M-3.6" not in Page(text).ids
    headline = re.search(r'<p class="headline"[^>]*>(.*?)</p>', text)
    assert headline is not None and headline[1] == "No decision: path selection did not run to its end."
    assert misfits(broken, "en") == []


def test_a_figure_that_its_notebook_drew_for_this_report_is_not_drawn_again(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = tmp_path / "run"
    shutil.copytree(run, only)
    manifest = Manifest.read(only)
    assert manifest is not None
    manifest.steps = [s for s in manifest.steps if s.id == "05_failure_patterns"]
    write_text(only / "manifest.json", manifest.to_json())
    specs = available(read_result(only, "05_failure_patterns"))
    for spec in specs:
        write_bytes(drawn_path(only, "05_failure_patterns", spec.name, "zh"), f"<svg>{spec.name}</svg>".encode())
    monkeypatch.setattr(sections, "draw_figure", lambda *_: pytest.fail("drawn again"))
    page = build(only, "zh").read_text(encoding="utf-8")
    for spec in specs:
        assert base64.b64encode(f"<svg>{spec.name}</svg>".encode()).decode() in page


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match=r"has no manifest\.json"):
        build(tmp_path, "en")


def assert_alike(a: object, b: object, at: str = "") -> None:
    """Equal, floats but for the last digits: two processes may sum in another order. Says where not."""
    if isinstance(a, dict) and isinstance(b, dict):
        assert a.keys() == b.keys(), at
        for key in a:
            assert_alike(a[key], b[key], f"{at}/{key}")
    elif isinstance(a, list) and isinstance(b, list):
        assert len(a) == len(b), at
        for i, pair in enumerate(zip(a, b, strict=True)):
            assert_alike(*pair, f"{at}/{i}")
    else:
        assert a == (pytest.approx(b, rel=1e-9, abs=1e-12) if isinstance(b, float) else b), at


def test_analyse_and_report_write_equal_results(tmp_path: Path) -> None:
    """The notebook's result and the one computed in process are the same but for the figures' paths. The smallest notebook stands for all:
    each is the same five verbs around the same analysis."""
    analyse_in_process(str(DEMO), tmp_path / "analysed", only=["00"], overrides={"evidence.draws": 200})
    manifest = runner.run_notebooks(
        str(DEMO),
        tmp_path / "reported",
        languages=["zh"],
        only=["00"],
        overrides={"evidence.draws": 200},
        finish=lambda r: build(r, "zh") and None,
    )
    assert [s.status for s in manifest.steps] == ["done"], manifest.steps
    results = [
        json.loads((tmp_path / d / "results/00_problem_framing.json").read_text()) for d in ("analysed", "reported")
    ]
    assert results[1].pop("figures") and results[0].pop("figures") == {}
    assert_alike(results[0], results[1])
    executed = json.loads((tmp_path / "reported/notebooks/00_problem_framing.ipynb").read_text())
    tags = [t for c in executed["cells"] for t in c["metadata"].get("tags", [])]
    assert "lang-zh" in tags and "lang-en" not in tags and "exercise" not in tags
    assert (tmp_path / "reported/report.zh.html").is_file()
