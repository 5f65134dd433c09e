"""The sliders: shown only where somebody can move them; a move redraws, what cannot be goes back, writing back says where."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from explored import upstream_by_hand

from kaanalysis import explore_widgets
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.company import Company, open_company
from kaanalysis.explore import Explorer
from kaanalysis.policy import Policy, read_overrides
from kaanalysis.runfolder import save_result
from kaanalysis.text import words
from kaanalysis.workbook import Workbook

ID = "04_path_selection"
installed = pytest.mark.skipif(
    importlib.util.find_spec("ipywidgets") is None, reason="ipywidgets (extra lab) is not installed"
)


@pytest.fixture(scope="module")
def company(small_demo: Path) -> Company:
    return open_company(small_demo)


def in_a_kernel(monkeypatch: pytest.MonkeyPatch, kernel: object, ipywidgets: bool) -> None:
    monkeypatch.delenv("KAANALYSIS_HEADLESS", raising=False)
    monkeypatch.delenv("KAANALYSIS_RUN", raising=False)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=kernel)))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if ipywidgets else None)


def test_sliders_come_only_in_a_kernel_with_ipywidgets_and_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_kernel(monkeypatch, object(), True)
    assert explore_widgets.can_show()
    for name in ("KAANALYSIS_HEADLESS", "KAANALYSIS_RUN"):
        monkeypatch.setenv(name, "1")
        assert not explore_widgets.can_show(), name
        monkeypatch.delenv(name)
    in_a_kernel(monkeypatch, None, True)
    assert not explore_widgets.can_show(), "a plain Python has no kernel"
    in_a_kernel(monkeypatch, object(), False)
    assert not explore_widgets.can_show()


def test_without_a_reader_the_cell_prints_the_verdict_and_draws_once(
    small_demo: Path, company: Company, policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.setenv("KAANALYSIS_HEADLESS", "1")
    for result in upstream_by_hand(company, policy).values():
        save_result(tmp_path, result)
    book = Workbook(REGISTRY[ID], company, policy, tmp_path, "en", str(small_demo))
    shown = book.explore(draws=64)
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0].startswith("M-4 ")
        and lines[1].startswith("The rule leaves several paths open")
        and lines[2].startswith("M-4.4 ")
    )
    assert shown._repr_mimebundle_()["text/plain"].startswith("The decision as it stands")
    assert shown.explorer.as_overrides() == dict(policy.overrides)
    assert "ipywidgets" not in sys.modules or importlib.util.find_spec("ipywidgets") is not None
    other = Workbook(REGISTRY["00_problem_framing"], company, policy, tmp_path, "en", str(small_demo))
    assert other.explore() is None and "Only 04_path_selection" in capsys.readouterr().out


@pytest.fixture(scope="module")
def only_panel(company: Company, policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> explore_widgets.Panel:
    explorer = Explorer(company, policy, upstream_by_hand(company, policy), words("en"), 64)
    return explore_widgets.Panel(explorer, "data/demo", tmp_path_factory.mktemp("panel") / "run")


@pytest.fixture
def panel(only_panel: explore_widgets.Panel) -> explore_widgets.Panel:
    only_panel.reset()
    return only_panel


@installed
def test_a_slider_moves_the_state_the_verdict_and_the_picture(panel: explore_widgets.Panel) -> None:
    before, verdict = bytes(panel.picture.value), panel.verdict.value
    assert before.startswith(b"\x89PNG") and set(panel.sliders) == {c.name for c in panel.explorer.controls}
    panel.sliders["path.few_bottlenecks"].value = 3
    panel.sliders["path.high_fit"].value = 0.6
    assert panel.explorer.overrides == {"path.few_bottlenecks": 3, "path.high_fit": 0.6}
    assert bytes(panel.picture.value) != before and panel.verdict.value != verdict and "high" in panel.state.value


@installed
def test_what_cannot_be_goes_back_and_is_said(panel: explore_widgets.Panel) -> None:
    panel.sliders["path.few_bottlenecks"].value = 3
    panel.sliders["path.some_bottlenecks"].value = 2
    assert panel.sliders["path.some_bottlenecks"].value == 3 and "must not exceed" in panel.state.value
    assert panel.explorer.overrides == {"path.few_bottlenecks": 3}


@installed
def test_buttons_write_back_and_reset(panel: explore_widgets.Panel) -> None:
    panel.sliders["split.sellers"].value = 12
    panel.sliders["success"].value = 0.9
    panel.buttons["write"].click()
    assert read_overrides(panel.run)["split.sellers"] == 12
    assert "--set split.sellers=12.0" in panel.state.value and "are no overrides" in panel.state.value
    panel.buttons["reset"].click()
    assert panel.sliders["split.sellers"].value == 6 and panel.explorer.overrides == {} == panel.explorer.what_ifs
    assert panel.box.explorer is panel.explorer
