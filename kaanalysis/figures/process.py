"""What of a buying process is shown, and under which names; shared by the lanes and the figures of waiting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaanalysis.figures.scene import Scene
from kaanalysis.figures.style import SEGMENTS

MOST_PANELS = 2
MOST_NODES, MOST_EDGES = 25, 26
RARE_NODE, RARE_EDGE, OWN_SHARE = 0.03, 0.04, 0.2
NARROW, WIDE, FEW_NODES = 7.4, 9.1, 13


def kinds_shown(nodes: pd.DataFrame) -> list[str]:
    """KA alone where it is there; otherwise the kinds with most flows, at most two."""
    flows = nodes.groupby("kind")["flows"].max().sort_values(ascending=False, kind="stable")
    return ["KA"] if "KA" in flows.index else [str(k) for k in flows.index[:MOST_PANELS]]


def kind_name(scene: Scene, kind: str) -> str:
    return scene.segment(kind) if kind in SEGMENTS else scene.words.term("category", kind)


def durations(scene: Scene) -> dict[str, float]:
    """Median days of a flow by kind, where the frame is there."""
    frame = scene.result.frames.get("flow_durations")
    if frame is None:
        return {}
    return {str(k): float(d) for k, d in zip(frame["kind"], frame["median_days"], strict=True) if np.isfinite(d)}


def flow_count(scene: Scene, nodes: pd.DataFrame, kind: str) -> int:
    """How many flows of a kind there are; where only the nodes say, those that reached the most frequent step."""
    frame = scene.result.frames.get("flow_durations")
    if frame is not None and (frame["kind"] == kind).any():
        return int(frame.loc[frame["kind"] == kind, "flows"].iloc[0])
    return int(nodes.loc[nodes["kind"] == kind, "flows"].max())


def party_name(scene: Scene, party: str) -> str:
    return scene.text("unknown_party") if party in ("?", "", "nan", "None") else scene.words.term("party", party)


def short_step(scene: Scene, step: str, party: str) -> str:
    """A step's name without a closing “by <party>” where the lane says who acts."""
    name = scene.step(step)
    tail = f" by {party}".lower()
    return name[: -len(tail)] if name.lower().endswith(tail) else name


@dataclass(frozen=True)
class Shown:
    """What of a process is drawn. share_of_moves: part of all moves that the drawn edges stand for."""

    nodes: pd.DataFrame
    edges: pd.DataFrame
    all_nodes: int
    share_of_moves: float

    @property
    def width(self) -> float:
        """Inches across: a short process is drawn narrower, so that its letters are larger on a page."""
        return NARROW if len(self.nodes) <= FEW_NODES else WIDE


def choose(nodes: pd.DataFrame, edges: pd.DataFrame) -> Shown:
    """The most frequent steps and moves; each step drawn keeps its strongest move in and out."""
    flows = max(float(nodes["flows"].max()), 1.0)
    kept = (
        nodes[nodes["flows"] >= RARE_NODE * flows].sort_values("flows", ascending=False, kind="stable").head(MOST_NODES)
    )
    steps = set(kept["step"])
    inner = edges[edges["step"].isin(steps) & edges["next_step"].isin(steps)].sort_values(
        ["count", "step", "next_step"], ascending=[False, True, True]
    )
    apart = inner[inner["step"] != inner["next_step"]]
    strong = apart[apart["count"] >= RARE_EDGE * flows].head(MOST_EDGES)
    counts = kept.set_index("step")["count"]
    needed = pd.concat(
        [
            best[best["count"] >= OWN_SHARE * best[end].map(counts)]
            for end in ("step", "next_step")
            for best in [apart.drop_duplicates(end)]
        ]
    )
    shown = (
        pd.concat([strong, needed])
        .drop_duplicates(["step", "next_step"])
        .sort_values(["count", "step", "next_step"], ascending=[False, True, True])
    )
    total = float(edges["count"].sum())
    return Shown(
        kept.sort_values(["place", "step"], kind="stable"),
        shown,
        len(nodes),
        float(shown["count"].sum()) / total if total else 1.0,
    )
