"""Worlds for the findings of the sales flow: conversion that sways from quarter to quarter, the three ways to lose, steps of the
customer's at which nobody is met."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.validity.cell import BORDER, Cell, counted_cell, found, shifted, with_segment
from benchmarks.validity.truths import exact_numbers, loss_truth, replica
from kaanalysis.policy import Policy
from kaanalysis.simulate.world import World

FEW = 40  # companies in which the steps without a contact are counted


def _conversion(world: World, log_odds: float, policy: Policy) -> float:
    return exact_numbers(replace(world, smb=shifted(world.smb, log_odds)), policy)["conversion|SMB"]


def unsteady(world: World, policy: Policy) -> list[Cell]:
    """Conversion on its mark over the years and off it in every single quarter, by turns above and below: as many quarters of each kind
    lie between the beginning of the records and as_of."""
    mark, steady = policy["conversion.target"], policy["conversion.steady"]
    out = []
    for kind, away in (("fails", 2.5 * steady), (BORDER, steady)):
        up, down = (
            found(world, f"conversion {mark + side:.4f}", lambda x, m=mark + side: _conversion(world, x, policy) - m, -2.0, 2.0)
            for side in (away, -away)
        )  # fmt: skip
        middle, sway = (up + down) / 2, (up - down) / 2
        moved = replace(world, smb=replace(shifted(world.smb, middle), sway=sway))
        truth = {"conversion|SMB": mark, "conversion_stability|SMB": away}
        what = f"every SMB step {middle:+.4f} in log-odds, and {sway:.4f} more or less by turns of quarters; conversion {mark:g}"
        cell = counted_cell("M-3.1", kind, moved, policy, what, truth, "conversion_stability|SMB", ("03",))
        out.append(replace(cell, name=f"M-3.1-{kind}-unsteady"))
    return out


def _risk(world: World, mode: str, policy: Policy) -> float:
    return loss_truth(world, policy)[f"mode_relative_risk|{mode}"]


def losses(world: World, policy: Policy) -> list[Cell]:
    """The effect of a decider not met: planted in all (M-3.3a, M-3.3b), and in deals in which nobody but the key person is met (M-3.3c).
    Fails: the state is there and costs nothing."""
    mark, least = policy["modes.relative_risk"], policy["modes.minimum_share"]

    def unmet(share: float, effect: float, **more: float) -> World:
        return with_segment(world, "KA", unmet=share, unmet_effect=effect, **more)

    out = []
    for id, mode, share, strong in (
        ("M-3.3a", "split_chain", 0.30, -2.5),
        ("M-3.3b", "late_departments", 0.15, -4.0),
    ):
        border = found(
            world, f"{mode} {share} {mark}", lambda e, s=share, m=mode: _risk(unmet(s, e), m, policy) - mark, strong, 0.0, 0.02
        )  # fmt: skip
        for kind, effect in (("holds", strong), (BORDER, border), ("fails", 0.0)):
            moved = unmet(share, effect)
            told = f"mode_relative_risk|{mode}"
            what = f"{share:.0%} of KA persons not met, each {effect:+.2f} in log-odds at their step"
            out.append(counted_cell(id, kind, moved, policy, what, loss_truth(moved, policy), told, ("03",)))

    def alone(chance: float, effect: float) -> World:
        return unmet(0.05, effect, alone=chance)

    told = "mode_share|key_person_only"
    border = found(
        world, f"alone {least}", lambda c: loss_truth(alone(c, -1.5), policy)[told] - least, 0.02, 0.35, 0.005
    )
    for kind, chance, effect in (("holds", 0.35, -1.5), (BORDER, border, -1.5), ("fails", 0.35, 0.0)):
        moved = alone(chance, effect)
        what = f"in {chance:.0%} of KA deals nobody but the key person is met, {effect:+.1f} in log-odds at every step of another's"
        shown = "mode_relative_risk|key_person_only" if kind == "fails" else told
        out.append(counted_cell("M-3.3c", kind, moved, policy, what, loss_truth(moved, policy), shown, ("03",)))
    return out


def contacts(world: World, policy: Policy) -> list[Cell]:
    """Steps of the customer's at which most deals see no contact. No border: what is counted are whole steps."""
    out = []
    for kind, share in (("holds", 0.05), ("fails", 0.65)):
        moved = with_segment(world, "KA", unmet=share, unmet_effect=0.0)
        truth = replica(moved, 1.0, FEW, ("sheet",))
        what = f"{share:.0%} of KA persons not met"
        out.append(counted_cell("M-3.5", kind, moved, policy, what, truth, "steps_uncovered|KA", ("03",)))
    return out
