"""The report: made from the run folder's files alone, self-contained, escaped, a failure in its place."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kaanalysis import runner
from kaanalysis.contracts import UnusableData
from kaanalysis.manifest import Manifest, Step
from kaanalysis.report import build
from kaanalysis.results import load_result
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
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    company = folder / "company"
    shutil.copytree(DEMO, company)
    toml = (company / "company.toml").read_text(encoding="utf-8")
    (company / "company.toml").write_text(
        re.sub(r'name = ".*"', 'name = "A <b>& B</b> \\"Co\\""', toml), encoding="utf-8"
    )
    lines = (company / "accounts.csv").read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace(lines[1].split(",")[0], "a-first", 1)
    (company / "accounts.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    analyse_in_process(str(company), folder / "run", overrides={"evidence.draws": 200}, command="kaanalysis analyse x")
    return folder / "run"


@pytest.fixture(scope="module", params=["en", "zh"])
def page(request: pytest.FixtureRequest, run: Path) -> tuple[str, Page]:
    return request.param, Page(build(run, request.param).read_text(encoding="utf-8"))


def test_report_loads_nothing_from_outside(page: tuple[str, Page]) -> None:
    assert page[1].loads and all(source.startswith("data:image/svg+xml;base64,") for source in page[1].loads)
    assert "script" not in page[1].tags


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
    text = build(run, "en").read_text(encoding="utf-8")
    assert "A &lt;b&gt;&amp; B&lt;/b&gt;" in text and "<b>& B" not in text


def test_faults_are_named_with_row_and_value(page: tuple[str, Page]) -> None:
    """The first account was renamed, so what refers to it is an orphan."""
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


def test_a_failed_and_a_skipped_step_are_shown_in_their_place(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    manifest = Manifest.read(copy)
    assert manifest is not None
    for step in manifest.steps:
        if step.id == "03_sales_flow":
            step.status, step.error = "failed", "ZeroDivisionError: division by <zero>"
        if step.id == "04_path_selection":
            step.status, step.needs = "skipped", "03_sales_flow"
    (copy / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    (copy / "results" / "03_sales_flow.json").unlink()
    text = build(copy, "en").read_text(encoding="utf-8")
    assert "ZeroDivisionError: division by &lt;zero&gt;" in text
    assert "This step needs “03_sales_flow”, which failed." in text
    assert "M-1.2" in Page(text).ids and "M-3.6" not in Page(text).ids


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match=r"has no manifest\.json"):
        build(tmp_path, "en")


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
    assert results[0] == results[1]
    executed = json.loads((tmp_path / "reported/notebooks/00_problem_framing.ipynb").read_text())
    tags = [t for c in executed["cells"] for t in c["metadata"].get("tags", [])]
    assert "lang-zh" in tags and "lang-en" not in tags and "exercise" not in tags
    assert (tmp_path / "reported/report.zh.html").is_file()


def test_failing_notebook_is_recorded_with_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("raise ValueError('told to')")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "bad.ipynb")
    monkeypatch.setattr(runner, "notebook_path", lambda id: tmp_path / "bad.ipynb")
    step = runner.execute("00_problem_framing", tmp_path / "run", {"lang": "en"})
    assert (step.status, step.error) == ("failed", "ValueError: told to")
    assert isinstance(step, Step) and (tmp_path / "run/notebooks/00_problem_framing.ipynb").is_file()
