"""Sliders for the explorer (:mod:`kaanalysis.explore`) in JupyterLab: ipywidgets of the extra ``lab``, imported only where they are
shown."""

from __future__ import annotations

import html
import math
import re
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kaanalysis.explore import GROUPS, Control, Explorer
from kaanalysis.figures.explore import screen_png
from kaanalysis.policy import PolicyError
from kaanalysis.runfolder import at_a_notebook

if TYPE_CHECKING:
    import ipywidgets


def can_show() -> bool:
    """Whether sliders make sense here: ipywidgets installed, a notebook's kernel, and nobody who executes without a reader."""
    return at_a_notebook("ipywidgets")


class Panel:
    """The sliders, what they lead to, and two buttons; :attr:`box` is the widget that a notebook shows."""

    def __init__(self, explorer: Explorer, data: str, run: Path) -> None:
        import ipywidgets

        self.explorer, self.data, self.run = explorer, data, run
        self._widgets: Any = ipywidgets
        self._moving = False
        self.sliders = {c.name: self._slider(c) for c in explorer.controls}
        w = explorer.words
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "100%"})
        self.verdict, self.state = ipywidgets.HTML(), ipywidgets.HTML()
        back = ipywidgets.Button(description=w("explore.reset"), layout={"width": "auto"})
        write = ipywidgets.Button(description=w("explore.write"), layout={"width": "auto"}, button_style="primary")
        back.on_click(lambda _: self.reset())
        write.on_click(lambda _: self.write())
        self.buttons = {"reset": back, "write": write}
        self.box: ipywidgets.VBox = ipywidgets.VBox(
            [self.verdict, self.picture, self._tabs(), ipywidgets.HBox([back, write]), self.state]
        )
        self.box.explorer = explorer
        self.redraw()

    def _slider(self, control: Control) -> Any:
        # Whole numbers as such; redrawn when let go, not on the way.
        kind = self._widgets.IntSlider if control.whole else self._widgets.FloatSlider
        number: type = int if control.whole else float
        low, high, step, value = (number(v) for v in (control.low, control.high, control.step, control.value))
        places = max(0, -math.floor(math.log10(control.step)))
        shown = {} if control.whole else {"readout_format": f",.{places}f"}
        slider = kind(
            value=value, min=low, max=high, step=step, description=self._described(control), continuous_update=False,
            style={"description_width": "22em"}, layout={"width": "48em"}, **shown,
        )  # fmt: skip
        slider.observe(lambda change, name=control.name: self.moved(name, change["new"]), names="value")
        return slider

    def _described(self, control: Control) -> str:
        """A control's name, with its unit where that is no share and not named already."""
        label, unit = self.explorer.label(control.name), control.unit
        said = unit if re.fullmatch(r"[A-Z]{3}", unit) else self.explorer.words.unit(unit) if unit == "months" else ""
        return label if not said or said in label else self.explorer.words("explore.in_unit", label=label, unit=said)

    def _tabs(self) -> Any:
        groups: dict[str, list[Any]] = {g: [] for g in GROUPS}
        for control in self.explorer.controls:
            groups[control.group].append(self.sliders[control.name])
        there = {g: members for g, members in groups.items() if members}
        tab = self._widgets.Tab([self._widgets.VBox(members) for members in there.values()])
        for place, group in enumerate(there):
            w = self.explorer.words
            tab.set_title(
                place, w(f"explore.group.{group}") if w.has(f"explore.group.{group}") else w.term("path", group)
            )
        return tab

    def moved(self, name: str, value: float) -> None:
        """A slider was let go: the state, then the picture. What cannot be is said, and the slider goes back."""
        if self._moving:
            return
        try:
            self.explorer.set(name, value)
        except PolicyError as error:
            held = {**self.explorer.overrides, **self.explorer.what_ifs}
            control = next(c for c in self.explorer.controls if c.name == name)
            self._put(name, held.get(name, control.value))
            self._say([str(error)], warn=True)
            return
        self.redraw()

    def _put(self, name: str, value: object) -> None:
        self._moving = True
        try:
            self.sliders[name].value = value
        finally:
            self._moving = False

    def redraw(self) -> None:
        """Verdict, picture and state from the explorer's present state."""
        result = self.explorer.result()
        said = [html.escape(line) for line in self.explorer.verdict(result)]
        self.verdict.value = "".join(
            f"<p style='max-width:70em;margin:0.2em 0;line-height:1.4'>{line}</p>" for line in said
        )
        if self.explorer.drawable(result):
            self.picture.value = screen_png(self.explorer.figure(result))
        self._say(self.explorer.state())

    def reset(self) -> None:
        self.explorer.reset()
        for control in self.explorer.controls:
            self._put(control.name, int(control.value) if control.whole else control.value)
        self.redraw()

    def write(self) -> None:
        """Write the overrides beside the run and say where, and how to repeat the run with them."""
        path = self.explorer.write(self.run)
        w = self.explorer.words
        lines = [
            w("explore.written", path=path),
            w("explore.read_back", run=self.run),
            self.explorer.command(self.data, self.run),
        ]
        if self.explorer.what_ifs:
            lines.insert(1, w("explore.what_if_left_out"))
        self._say([*self.explorer.state(), *lines])

    def _say(self, lines: list[str], *, warn: bool = False) -> None:
        colour = "color:#A63D1E;" if warn else ""
        joined = reduce(lambda a, b: f"{a}<br>{b}", [html.escape(line) for line in lines])
        self.state.value = f"<p style='max-width:70em;line-height:1.5;{colour}'>{joined}</p>"


def panel(explorer: Explorer, data: str, run: Path) -> Any:
    """The widget for a notebook cell; its ``explorer`` holds the state."""
    return Panel(explorer, data, run).box
