"""What the numbers about selling beside the customer's steps and about the standard sequence rest on, counted in one company after the
other and pooled: part of :mod:`kaanalysis.simulate.replica`.

Plain pandas on the tables as drawn, written down a second time. Comparisons of winning are means over companies with the weights that
each company's own strata have, as the estimator takes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kaanalysis.simulate.replica_base import Drawn, frame

STATES = ("covered", "late", "missing")


def _bands(amount: pd.Series, bands: int) -> pd.Series:
    """Band of every deal by amount, of equally many deals each."""
    borders = amount.quantile(np.linspace(0, 1, bands + 1)[1:-1]).to_numpy()
    return pd.Series((amount.to_numpy()[:, None] > borders[None, :]).sum(axis=1), index=amount.index)


def _weighed(rows: pd.DataFrame, strata: list[str], side: str) -> np.ndarray:
    """(Σ w · difference in `won`, Σ w) over strata in which both sides occur, w = n m / (n + m)."""
    out = np.zeros(2)
    for _, mine in rows.groupby(strata):
        yes, no = mine.loc[mine[side], "won"], mine.loc[~mine[side], "won"]
        if len(yes) and len(no):
            w = len(yes) * len(no) / (len(yes) + len(no))
            out += [w * (yes.mean() - no.mean()), w]
    return out


def _nodes(drawn: Drawn, deals: pd.DataFrame) -> pd.DataFrame:
    """Steps of key-account deals with the first contact with their role: opportunity_id, step, role, part, first, last (beginning and end),
    contact (NaT: never)."""
    steps = frame(drawn.tables["buying_steps"], "opportunity_id", "step", "role", "part", "at", "started_at", "source")
    steps = steps[(steps["source"] == "log") & steps["opportunity_id"].isin(deals.index)]
    people = frame(drawn.tables["stakeholders"], "opportunity_id", "person_id", "role", "engaged_at")
    done = frame(drawn.tables["activities"], "opportunity_id", "person_id", "at").rename(columns={"at": "contact"})
    met = people.rename(columns={"engaged_at": "contact"}).dropna(subset=["contact"])
    acted = done.merge(people.drop(columns="engaged_at"), on=["opportunity_id", "person_id"])
    contact = pd.concat([met, acted]).groupby(["opportunity_id", "role"])["contact"].min()
    nodes = steps.groupby(["opportunity_id", "step", "role"]).agg(
        first=("started_at", "min"), last=("at", "max"), part=("part", "last")
    )
    return nodes.reset_index().merge(contact.reset_index(), on=["opportunity_id", "role"], how="left")


def _inversions(nodes: pd.DataFrame) -> list[float]:
    """Of every deal the share of pairs of roles met the other way round than their first steps began."""
    shares = []
    for _, mine in nodes.dropna(subset=["contact"]).groupby("opportunity_id"):
        roles = mine.groupby("role").agg(theirs=("first", "min"), ours=("contact", "min"))
        theirs, ours = (roles[c].to_numpy() for c in ("theirs", "ours"))
        wrong = pairs = 0
        for i in range(len(roles)):
            for j in range(i + 1, len(roles)):
                if theirs[i] != theirs[j] and ours[i] != ours[j]:
                    pairs += 1
                    wrong += int((theirs[i] < theirs[j]) != (ours[i] < ours[j]))
        if pairs:
            shares.append(wrong / pairs)
    return shares


def gather_alignment(drawn: Drawn) -> dict[str, Any]:
    """Deals by step and state; deals with an order and the sum of their inversions; the weighed difference in winning."""
    deals = drawn.deals[drawn.deals["segment"] == "KA"].set_index("opportunity_id")
    nodes = _nodes(drawn, deals)
    closed = nodes["opportunity_id"].map(deals["closed_at"].where(deals["outcome"] != "open"))
    state = np.where(nodes["contact"] <= nodes["last"], 0, np.where(nodes["contact"] <= closed, 1, 2))
    over = closed.notna()
    states = {
        step: np.bincount(state[(over & (nodes["step"] == step)).to_numpy()], minlength=3)
        for step in nodes["step"].unique()
    }
    order = _inversions(nodes[over])
    rows = nodes.assign(covered=state == 0)
    created, end = nodes["opportunity_id"].map(deals["created_at"]), nodes["opportunity_id"].map(deals["closed_at"])
    horizon = drawn.marks.horizon_days
    days = (end - created).dt.days
    rows["won"] = (nodes["opportunity_id"].map(deals["outcome"]).eq("won") & (days <= horizon)).astype(float)
    known = ((drawn.end - created).dt.days >= horizon) & ((nodes["last"] - created).dt.days <= horizon)
    rows = rows[known & (nodes["part"] != "inform")]
    amounts = rows.drop_duplicates("opportunity_id")["opportunity_id"]
    band = _bands(deals.loc[amounts, "amount"], drawn.marks.amount_bands)
    rows["band"] = rows["opportunity_id"].map(band)
    return {
        "states": states,
        "order": np.array([len(order), sum(order)]),
        "won": _weighed(rows, ["step", "band"], "covered"),
    }


def pool_alignment(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    whole: dict[str, np.ndarray] = {}
    for one in gathered:
        for step, n in one["states"].items():
            whole[step] = whole.get(step, np.zeros(3)) + n
    whole["KA"] = np.sum(list(whole.values()), axis=0)
    out = {
        f"step_{s}|{step}": float(n[i] / n.sum()) for step, n in whole.items() if n.sum() for i, s in enumerate(STATES)
    }
    deals, inverted = np.sum([g["order"] for g in gathered], axis=0)
    gap, weight = np.sum([g["won"] for g in gathered], axis=0)
    out |= {"order_inversions|KA": float(inverted / deals)} if deals else {}
    return out | ({"covered_win_difference|KA": float(gap / weight)} if weight else {})


def _follows(stages: list[str], standard: list[str], won: bool) -> bool:
    return stages == (standard if won else standard[: len(stages)])


def gather_sequence(drawn: Drawn) -> dict[str, Any]:
    """Small customers' deals with stages, those that follow the world's own sequence as far as they came; won ones, those whose stages are
    the sequence; sellers' deals and those that follow; the weighed difference in winning between deals in the same stage."""
    deals = drawn.deals[drawn.deals["segment"] == "SMB"].set_index("opportunity_id")
    owner = frame(drawn.tables["opportunities"], "opportunity_id", "owner").set_index("opportunity_id")["owner"]
    history = frame(drawn.tables["stage_history"], "opportunity_id", "stage", "entered_at")
    history = history[history["opportunity_id"].isin(deals.index)]
    standard = [s.name for s in drawn.world.smb.steps]
    place = {name: i for i, name in enumerate(standard)}
    history = history.assign(place=history["stage"].map(place))
    # The seller's stages come in the order of the customer's, several on one day too.
    history = history.sort_values(["opportunity_id", "entered_at", "place"])
    history["turn"] = history.groupby("opportunity_id").cumcount()
    history["followed"] = (history["turn"] == history["place"]).groupby(history["opportunity_id"]).cummin()
    paths = history.groupby("opportunity_id")["stage"].agg(list)
    won = deals.loc[paths.index, "outcome"] == "won"
    follows = pd.Series([_follows(p, standard, w) for p, w in zip(paths, won, strict=True)], index=paths.index)
    same = pd.Series([p == standard for p in paths], index=paths.index)
    created = history["opportunity_id"].map(deals["created_at"])
    days = history["opportunity_id"].map((deals["closed_at"] - deals["created_at"]).dt.days)
    horizon = drawn.marks.horizon_days
    rows = history.assign(
        won=(history["opportunity_id"].map(deals["outcome"]).eq("won") & (days <= horizon)).astype(float)
    )
    rows = rows[((drawn.end - created).dt.days >= horizon) & ((history["entered_at"] - created).dt.days <= horizon)]
    amounts = rows.drop_duplicates("opportunity_id")["opportunity_id"]
    band = _bands(deals.loc[amounts, "amount"], drawn.marks.amount_bands)
    rows = rows.assign(band=rows["opportunity_id"].map(band))
    sellers = follows.groupby(owner.reindex(follows.index)).agg(["size", "sum"]).to_numpy(float)
    return {
        "counts": np.array([len(follows), follows.sum(), won.sum(), same[won].sum()], dtype=float),
        "sellers": sellers, "won": _weighed(rows, ["stage", "band"], "followed"),
    }  # fmt: skip


def pool_sequence(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    """The spread between sellers from what no chance makes: pairs of deals of one seller, minus pairs of deals at large."""
    deals, follows, won, same = np.sum([g["counts"] for g in gathered], axis=0)
    if not deals or not won:
        return {}
    n, y = np.concatenate([g["sellers"] for g in gathered]).T
    share, several = follows / deals, n > 1
    # E[share²] of a seller, without bias, out of pairs of different deals (Hoeffding's U-statistic).
    squares = (y * (y - 1) / np.maximum(n * (n - 1), 1))[several].mean()
    spread = float(np.sqrt(max(0.0, squares - (y / n)[several].mean() ** 2)))
    gap, weight = np.sum([g["won"] for g in gathered], axis=0)
    return {
        "sop_compliance|SMB": float(share), "sop_standard_share|SMB": float(same / won), "sop_sellers_spread|SMB": spread,
        "sop_win_difference|SMB": float(gap / weight) if weight else 0.0,
    }  # fmt: skip


COUNTED = {"alignment": (gather_alignment, pool_alignment), "sequence": (gather_sequence, pool_sequence)}
