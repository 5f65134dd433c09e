"""The workplace, end to end in a real browser: a JupyterLab server, the start page, one notebook on another company, in both languages.

Skipped with a reason where JupyterLab, itables or Chromium is missing. States are waited for, never a time."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import chromium

from kaanalysis.reader_tables import number_in
from kaanalysis.runfolder import CHECKED, HEADLESS
from kaanalysis.text import words

for needed in ("jupyterlab", "itables"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed (extra lab)", allow_module_level=True)

ROOT = Path(__file__).parent.parent
CHEAP = "00_problem_framing"
PATIENCE = 240  # seconds for any one state: a busy machine is slow, which is no fault of the code
BUSY = "[...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-InputPrompt')].some(e => e.textContent.includes('*'))"


@pytest.fixture
def workplace(small_demo: Path, tmp_path: Path) -> Path:
    """A folder as `make lab` finds it: the notebooks, the demo company, and another company beside it."""
    folder = tmp_path / "workplace"
    (folder / "notebooks").mkdir(parents=True)
    for name in ("start", CHEAP):
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", folder / "notebooks")
    for source, name in ((ROOT / "data" / "demo", "demo"), (small_demo, "mine")):
        shutil.copytree(source, folder / "data" / name)
    toml = folder / "data" / "mine" / "company.toml"
    toml.write_text(re.sub(r'^name = ".*"$', 'name = "Mine"', toml.read_text(encoding="utf-8"), flags=re.M), "utf-8")
    return folder


class Server:
    """A JupyterLab server of its own: no configuration, settings or kernels of the machine's user, no calls to a network."""

    def __init__(self, folder: Path, own: Path) -> None:
        self.folder, self.runtime = folder, own / "runtime"
        settings = own / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        places = {f"JUPYTER_{kind}_DIR": str(own / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
        lab = {"JUPYTERLAB_SETTINGS_DIR": str(own / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces")}
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, **places, **lab, "IPYTHONDIR": str(own / "ipython"), "PYTHONPATH": path}
        for name in (CHECKED, HEADLESS):  # a check of the notebooks has no reader; here there is one
            environment.pop(name, None)
        self.log = (own / "server.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0",
             "--ServerApp.port_retries=0", "--LabApp.extension_manager=readonly", "--ServerApp.open_browser=False",
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", f"--ServerApp.root_dir={folder}"],
            env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        known = self._wait(
            lambda: next(iter(sorted(self.runtime.glob("jpserver-*.json"))), None), "the server to start"
        )
        said = self._wait(lambda: json.loads(known.read_text() or "null"), "the server to say where it is")
        self.url, self.token = said["url"], said["token"]
        self._wait(lambda: self.ask("api"), "the server to answer")

    def _wait(self, look: Any, what: str) -> Any:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                if found := look():
                    return found
            except (OSError, ValueError):
                pass
            time.sleep(0.1)
        pytest.fail(f"waited for {what}; the server said:\n{Path(self.log.name).read_text()[-3000:]}")

    def ask(self, what: str) -> Any:
        request = urllib.request.Request(self.url + what, headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def wait_for_kernel(self, notebook: str) -> None:
        """Until the notebook has a kernel that answers; before, JupyterLab asks which to take."""

        def idle() -> bool:
            sessions = [s for s in self.ask("api/sessions") if s["path"].endswith(f"{notebook}.ipynb")]
            return any(s["kernel"]["execution_state"] == "idle" for s in sessions)

        self._wait(idle, f"a kernel for {notebook}")

    def close(self) -> None:
        self.process.terminate()  # it ends its kernels
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


@pytest.fixture
def server(workplace: Path, tmp_path: Path) -> Iterator[Server]:
    own = tmp_path / "jupyter"
    own.mkdir()
    started = Server(workplace, own)
    yield started
    started.close()


class Desk:
    """One page of JupyterLab, with what the browser complained of and asked for."""

    def __init__(self, browser: Any, server: Server) -> None:
        self.server = server
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page = browser.new_page(viewport={"width": 1400, "height": 1000})
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self.asked.append(r.url))

    @property
    def foreign(self) -> list[str]:
        return [url for url in self.asked if not url.startswith((self.server.url, "data:", "blob:"))]

    def open(self, notebook: str) -> None:
        self.page.goto(f"{self.server.url}lab/tree/notebooks/{notebook}.ipynb?token={self.server.token}")
        self.ready(notebook)

    def ready(self, notebook: str) -> None:
        """Until the notebook lies on top and its kernel answers, here and there."""
        self.page.wait_for_url(f"**/notebooks/{notebook}.ipynb*")
        self.server.wait_for_kernel(notebook)
        self.page.wait_for_function(
            "document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'"
        )

    @property
    def notebook(self) -> Any:
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def menu(self, name: str, item: str) -> None:
        self.page.click(f'.lm-MenuBar-itemLabel:text-is("{name}")')
        self.page.click(f'.lm-Menu-itemLabel:text-is("{item}")')

    def set_parameter(self, line: str) -> None:
        """Type the one line that sets this parameter over the one that is there."""
        name = line.split(":")[0]
        self.notebook.locator(".jp-CodeCell .cm-line").filter(has_text=re.compile(rf"^{name}: ")).first.click()
        self.page.keyboard.press("Home")
        self.page.keyboard.press("Shift+End")
        self.page.keyboard.insert_text(line)

    def run_all(self) -> dict[str, Any]:
        """Run all cells, save, and return the notebook as it lies on disk: every cell ran, none ended in an error."""
        self.menu("Run", "Run All Cells")
        self.page.wait_for_function(BUSY)
        self.page.wait_for_function(f"!{BUSY}")
        saved = self.save()
        code = [c for c in saved["cells"] if c["cell_type"] == "code"]
        assert [o for c in code for o in c["outputs"] if o["output_type"] == "error"] == []
        assert all(c["execution_count"] for c in code)
        return saved

    def save(self) -> dict[str, Any]:
        self.page.keyboard.press("Control+s")
        self.page.wait_for_function("!document.querySelector('.lm-TabBar-tab.lm-mod-current.jp-mod-dirty')")
        path = self.server.folder / "notebooks" / self.page.url.split("/notebooks/")[1].split("?")[0]
        return dict(json.loads(path.read_text(encoding="utf-8")))

    def write_below(self, text: str) -> None:
        """A Markdown cell below the last one, as an analyst writes a note."""
        self.notebook.locator(".jp-Cell .jp-InputPrompt, .jp-Cell .jp-InputArea-prompt").last.click()
        for key in ("Escape", "b", "m", "Enter"):
            self.page.keyboard.press(key)
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Control+Enter")

    def table(self) -> Any:
        """The last table with controls."""
        found = self.notebook.locator(".dt-container").last
        found.scroll_into_view_if_needed()
        return found

    def column(self, at: int) -> list[str]:
        return [str(t) for t in self.table().locator(f"tbody tr td:nth-child({at})").all_inner_texts()]


def said(saved: dict[str, Any], kind: str) -> str:
    """All outputs of one kind; ``stdout`` for what is printed."""
    outputs = [o for c in saved["cells"] for o in c.get("outputs", [])]
    if kind == "stdout":
        return "".join("".join(o["text"]) for o in outputs if o["output_type"] == "stream")
    return "\n".join("".join(o["data"][kind]) for o in outputs if kind in o.get("data", {}))


def test_an_analyst_s_day_from_the_start_page_to_another_company_in_both_languages(server: Server) -> None:
    with chromium() as browser:
        desk = Desk(browser, server)
        desk.open("start")
        walk = said(desk.run_all(), "text/markdown")
        assert walk.count(words("en")("lab.walk.not_yet")) == 6
        # A link in the table opens the notebook beside the start page, in the same window.
        desk.notebook.locator(f'.jp-RenderedMarkdown td a[href*="{CHEAP}.ipynb"]').click()
        desk.ready(CHEAP)

        desk.set_parameter('data: str = "../data/mine"')
        english = desk.run_all()
        assert said(english, "stdout").startswith("Mine · as of ")
        assert len(said(english, "image/png")) > 100_000
        assert [p.name[:4] for p in (server.folder / "reports" / "lab").iterdir()] == ["mine"]
        _filters_and_sorts(desk)

        # A note of the analyst is there after the next run, and kept beside the data (kaanalysis.notes) once her notebook is saved.
        desk.write_below("**Ask finance** about the second half.")
        desk.save()
        desk.set_parameter('lang: str = "zh"')
        chinese = desk.run_all()
        assert "".join(chinese["cells"][-1]["source"]) == "**Ask finance** about the second half."
        kept = list((server.folder / "data" / "mine.notes" / CHEAP).glob("*.md"))
        assert [p.read_text(encoding="utf-8").strip() for p in kept] == ["**Ask finance** about the second half."]
        for kind in ("stdout", "text/plain"):
            assert re.search("[\u4e00-\u9fff]{4}", said(chinese, kind)) and said(chinese, kind) != said(english, kind)
        assert said(chinese, "image/png") != said(english, "image/png")
        assert desk.table().locator("label").inner_text() == words("zh")("lab.table.search")

        # Back on the start page, the walk knows what has been run.
        desk.page.locator('.lm-TabBar-tabLabel:text-is("start.ipynb")').click()
        desk.ready("start")
        desk.set_parameter('data: str = "../data/mine"')
        walk = said(desk.run_all(), "text/markdown")
        assert walk.count(words("en")("lab.walk.not_yet")) == 5 and words("en")("lab.walk.done", n=1, all=6) in walk
        assert desk.complaints == [] and desk.foreign == []


def _filters_and_sorts(desk: Desk) -> None:
    """The numbers of M-0.1: the search box leaves the rows that hold what is typed; the head of a column sorts by what its numbers say."""
    before = desk.column(1)
    desk.table().locator("input[type=search]").fill("signed in")
    desk.page.wait_for_function(
        "n => { const all = document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .dt-container');"
        " return all[all.length - 1].querySelectorAll('tbody tr').length < n; }",
        arg=len(before),
    )
    left = desk.column(1)
    assert 0 < len(left) < len(before) and all("signed in" in row for row in left)
    for order in ("ascending", "descending"):
        head = desk.table().locator("thead th").nth(1)
        head.click()
        desk.table().locator(f'thead th[aria-sort="{order}"]').first.wait_for(state="attached")
        shown = desk.column(2)
        values = [number_in(text, words("en")) for text in shown]
        assert None not in values and len(set(values)) > 3
        assert values == sorted(values, key=lambda v: v or 0, reverse=order == "descending")
        assert shown != sorted(shown, reverse=order == "descending"), "as text they would stand otherwise"
