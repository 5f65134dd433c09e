"""Worlds for the findings M-0 to M-1.5: heads, industries, leading accounts, value, two businesses, the market, needs, personas.

Truths that are counted are found on few companies with common random numbers; shares of customers by industry or ranking follow from the
latent factor by Bayes' rule, so that only the share of customers among the accounts has to be counted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy import optimize

from benchmarks.validity.cell import BORDER, Cell, counted_cell, exact_cell, found, paying, with_segment
from benchmarks.validity.truths import replica
from kaanalysis.policy import Policy
from kaanalysis.simulate.world import Lagging, Leaning, Manner, World

FEW = 60  # companies behind a counted truth that decides a state, or a parameter on the way to a threshold
LIKE_HEALTHY = 0.35  # of the companies asked for, where the world is or is near `healthy`, which is studied by itself


def _heads(world: World, policy: Policy) -> list[Cell]:
    """Small-customer teams that sell to small customers only, with as many sellers as ever: revenue per head grows as the openings."""
    world = with_segment(replace(world, ka_by_smb=0.0), "KA", before_launch=0.0)
    world = replace(world, teams=tuple(replace(t, at_start=1.0) if t.motion == "SMB" else t for t in world.teams))
    told, out = "revenue_per_head_growth|SMB", []
    for kind, rate in (("holds", -0.35), (BORDER, policy["growth.head_rate"]), ("fails", 0.60)):
        moved = with_segment(world, "SMB", growth=rate)
        what = f"as many SMB sellers as ever, who sell to small customers only; openings {rate:+.0%} a year"
        out.append(counted_cell("M-0", kind, moved, policy, what, {told: rate}, told, ("00",)))
    return out


def gap_behind(factor: float, share: float, part: float) -> float:
    """Share of customers elsewhere minus that in the group, which holds `part` of those that are no customers and `factor` times that part
    of the customers; share: of customers in all."""
    mine = factor * part * share / (factor * part * share + part * (1 - share))
    others = (1 - factor * part) * share / ((1 - factor * part) * share + (1 - part) * (1 - share))
    return others - mine


def gap_within(factor: float, segments: Sequence[tuple[float, float]], part: float) -> float:
    """:func:`gap_behind` within segments, over those that the group's accounts belong to. segments: (accounts, share of customers)."""
    known = [n * part * (factor * share + 1 - share) for n, share in segments]
    return float(np.average([gap_behind(factor, share, part) for _, share in segments], weights=known))


def gap_ranked(chance: float, share: float, ranked: float) -> float:
    """Share of customers among those on no ranking minus that among those on one, where `chance` of the customers and `ranked` of the
    others are on one; share: of customers in all."""
    mine = share * chance / (share * chance + (1 - share) * ranked)
    others = share * (1 - chance) / (share * (1 - chance) + (1 - share) * (1 - ranked))
    return others - mine


def _at(gap: Callable[[float], float], wanted: float) -> float:
    """Where a falling function of a share has the wanted value."""
    return float(optimize.brentq(lambda x: gap(x) - wanted, 0.0, 1.0))


def _industry(world: World, policy: Policy) -> list[Cell]:
    counted, part = replica(world, 1.0, FEW, ("shares",)), 1 / len(world.industries)
    segments = [(counted[f"known|{s}"], counted[f"present_share|{s}"]) for s in ("SMB", "KA")]
    behind = world.industries[1]
    told, out = f"industry_gap|{behind}", []
    for kind, gap in (("holds", 0.15), (BORDER, policy["growth.penetration_gap"]), ("fails", 0.0)):
        factor = _at(lambda f: gap_within(f, segments, part), gap)
        moved = replace(world, lagging=Lagging(behind, factor))
        what = f"of the customers {behind} holds {factor:.3f} times its even share"
        if kind == "fails":  # that no industry lies behind takes many known accounts to say
            moved, what = with_segment(moved, "SMB", ranked=0.3), f"{what}, 30% of the market on a ranking"
        cell = counted_cell("M-0.2", kind, moved, policy, what, {told: gap}, told, ("00",))
        out.append(replace(cell, truth=(cell.truth[0], behind if kind == "holds" else "")))
    return out


def _leading(world: World, policy: Policy) -> list[Cell]:
    share, ranked = replica(world, 1.0, FEW, ("shares",))["present_share|KA worked"], 0.4
    told, out = "leading_difference|all", []
    for kind, gap in (("holds", 0.40), (BORDER, policy["growth.penetration_gap"]), ("fails", -0.25)):
        chance = _at(lambda c: gap_ranked(c, share, ranked), gap)
        moved = with_segment(world, "KA", ranked=ranked, ranked_present=chance)
        what = f"{chance:.1%} of KA customers on a ranking, {ranked:.0%} of the other key accounts"
        out.append(counted_cell("M-0.3", kind, moved, policy, what, {told: -gap}, told, ("00",)))
    return out


def _value(world: World, policy: Policy) -> list[Cell]:
    """Every win a customer of its own and the same chance whoever sells, so that what a customer brings changes by the key-account team's
    deal sizes alone: since the launch, a year before as_of. Beside it the mix: key accounts that become more raise the plain amount per
    customer, though no customer brings more."""
    world = replace(world, smb_on_ka=Manner(), ka_team=Manner(), ka_by_smb=0.0)
    world = with_segment(world, "SMB", repeat=0.0, growth=0.0)
    world = with_segment(
        world, "KA", repeat=0.0, growth=0.0, before_launch=None, accounts=1400, market=1400, opportunities=1280
    )
    told, out = "value_growth_same_mix|all", []
    launched = replace(world, ka_launch=world.as_of - dt.timedelta(days=round(1.5 * 365.25)))
    for kind, factor in (("holds", 0.35), ("fails", 3.0)):
        moved = replace(launched, ka_team=Manner(amount=factor))
        what = f"no repeats, KA team's deal sizes × {factor:g} from a year and a half before as_of"
        out.append(
            counted_cell("M-0.4", kind, moved, policy, what, replica(moved, 1.0, FEW, ("growth",)), told, ("00",))
        )
    for name, rate in (("mix-up", 1.0), ("mix-down", -0.45)):
        moved = with_segment(world, "KA", growth=rate)
        what = f"no repeats, deal sizes even, KA openings {rate:+.0%} a year"
        cell = counted_cell("M-0.4", BORDER, moved, policy, what, {told: 0.0}, told, ("00",))
        out.append(replace(cell, name=f"M-0.4-{name}"))
    return out


def _overlap(world: World, policy: Policy) -> list[Cell]:
    told, counted = "mixed_share|all", ("mixed",)

    def moved_by(log_employees: float) -> World:
        return with_segment(world, "SMB", employees_median=float(np.exp(log_employees)))

    def missing(log_employees: float) -> float:
        return replica(moved_by(log_employees), 1.0, FEW, counted)[told] - float(policy["overlap.mixed_share"])

    low, high = np.log(world.smb.employees_median), np.log(world.ka.employees_median)
    border = found(world, "mixed", missing, low, high, 0.02)
    out = []
    for kind, at in (("holds", low), (BORDER, border), ("fails", high)):
        moved, what = moved_by(at), f"SMB employees {np.exp(at):.0f} in the median"
        if (
            kind == "holds"
        ):  # in `healthy` small customers stay so long that nearly half would be mixed if every axis were known
            moved = with_segment(with_segment(moved, "SMB", life_median_months=8.0), "KA", life_median_months=90.0)
            what += ", median lives 8 months SMB, 90 KA"
        out.append(counted_cell("M-1", kind, moved, policy, what, replica(moved, 1.0, FEW, counted), told, ("01",)))
    return out


def _market(world: World, policy: Policy) -> list[Cell]:
    """The market of one segment moved, with lists long enough to tell; then lists that lean."""
    large, small, key = policy["market.large"], policy["market.small"], world.ka
    out = []
    for kind, label, size, ranked in (
        ("holds", "KA", key.market, key.ranked),
        ("border-smb", "SMB", large, 0.03),
        ("border-smb-few", "SMB", large, 0.005),  # fewer on both lists than an upper limit takes: the lower one decides
        ("fails-smb", "SMB", 1400, 0.05),
        ("border-ka", "KA", small, key.ranked),
        ("fails-ka", "KA", 3 * small, key.ranked),
    ):
        moved, share = with_segment(world, label, market=size, ranked=ranked), LIKE_HEALTHY if kind == "holds" else 1.0
        what = f"{size} potential {label} customers, {100 * ranked:g}% of them on a ranking"
        name, marks = f"M-1.1-{kind}", f"marks {large} and {small}"
        out.append(exact_cell(name, "M-1.1", kind.split("-")[0], moved, policy, ("01",), what, marks, share=share))
    # More key accounts than the mark, and lists that would make them look fewer: an estimate taken at its word says the opposite.
    many, named = with_segment(world, "KA", accounts=300, market=1200, ranked=0.15), world.industries[:2]
    for name, worked in (("one-list-leans", 1.0), ("both-lists-lean", 6.0)):
        moved = replace(many, leaning=Leaning(named, worked, 6.0))
        what = f"1200 potential KA customers, those in {' and '.join(named)} {worked:g} times as likely to be worked"
        ranked_too, told = "6 times as likely to be on a ranking", "name: lists_uneven"
        cell = exact_cell(f"M-1.1-{name}", "M-1.1", "fails", moved, policy, ("01",), f"{what} and {ranked_too}", told)
        out.append(replace(cell, truth=("contradicted", "lists_uneven")))
    return out


def _needs(world: World, policy: Policy) -> list[Cell]:
    alike, apart, own = world.smb.product_spread, world.ka.product_spread, world.smb.custom
    out = []
    for kind, smb, ka, custom in (
        ("holds", alike, apart, world.ka.custom),
        ("border-distance", apart, apart, world.ka.custom),
        ("fails-distance", apart, alike, world.ka.custom),
        ("border-custom", alike, apart, own + policy["needs.custom_difference"]),
        ("fails-custom", alike, apart, own),
    ):
        moved = with_segment(with_segment(world, "SMB", product_spread=smb), "KA", product_spread=ka, custom=custom)
        mixes = f"product mixes of concentration {smb:g} (SMB) and {ka:g} (KA)"
        made, share = f"made to measure {own:.0%} and {custom:.0%}", LIKE_HEALTHY if kind == "holds" else 1.0
        name, plain = f"M-1.3-{kind}", kind.split("-")[0]
        out.append(exact_cell(name, "M-1.3", plain, moved, policy, ("01",), mixes, made, share=share))
    return out


def _regional(world: World, policy: Policy) -> list[Cell]:
    """M-1.5c: many small customers known beyond their town and of some revenue; what key accounts earn decides whether revenue tells."""
    told, counted = "persona_hit_difference|M-1.5c", ("personas",)
    known = with_segment(world, "SMB", revenue_median=60_000_000.0, reach=(0.0, 0.03, 0.62, 0.35))

    def moved_by(log_revenue: float) -> World:
        return with_segment(known, "KA", revenue_median=float(np.exp(log_revenue)))

    def missing(log_revenue: float) -> float:
        return replica(moved_by(log_revenue), 1.0, FEW, counted)[told] - float(policy["persona.hit_difference"])

    low, high = np.log(5_000_000.0), np.log(world.ka.revenue_median)
    border = found(known, "regional persona", missing, low, high, 0.02)
    of = "revenue in the median, million: KA {:.0f}, SMB {:.0f}"
    worlds = {
        "holds": (world, of.format(world.ka.revenue_median / 1e6, world.smb.revenue_median / 1e6), LIKE_HEALTHY),
        BORDER: (moved_by(border), of.format(np.exp(border) / 1e6, 60), 1.0),
        "fails": (moved_by(low), of.format(5, 60), 1.0),
    }
    return [
        counted_cell("M-1.5c", kind, moved, policy, what, replica(moved, 1.0, FEW, counted), told, ("01",), share)
        for kind, (moved, what, share) in worlds.items()
    ]


def _paying_persona(world: World, policy: Policy) -> list[Cell]:
    """M-1.5d: amounts that follow size alone, then small customers some of whom pay more in every deal: too little to matter beside the key
    accounts, and enough."""
    told, counted = "persona_hit_difference|M-1.5d", ("personas",)
    flat = with_segment(with_segment(world, "SMB", employees_log_sd=1e-6), "KA", employees_log_sd=1e-6)
    # Nobody pays more than size predicts but by chance: any bold verdict is wrong, and the right word is that there is nobody.
    truth, what = (BORDER, "persona_nobody"), "one size in each segment, no account pays more than others; name: nobody"
    out = [Cell("M-1.5d-nobody", "M-1.5d", BORDER, truth, what, flat, ("01",))]
    some = with_segment(flat, "SMB", account_log_sd=1.0)
    large = paying(with_segment(flat, "SMB", amount_log_sd=1.3, account_log_sd=1.2), 0.1)
    for kind, moved, what, size in (
        ("fails", some, "SMB accounts' own level 1.0 of 1.12 log units, KA deal sizes as they are", 3.0),
        ("holds", large, "SMB accounts' own level 1.2 of 1.3 log units, KA deal sizes × 0.1", 1.0),
    ):
        hits = replica(moved, size, FEW, counted)
        out.append(counted_cell("M-1.5d", kind, moved, policy, what, hits, told, ("01",), sizes=(size,)))
    return out


GROUPS: dict[str, Callable[[World, Policy], list[Cell]]] = {
    "M-0-": _heads,
    "M-0.2": _industry,
    "M-0.3": _leading,
    "M-0.4": _value,
    "M-1-": _overlap,
    "M-1.1": _market,
    "M-1.3": _needs,
    "M-1.5c": _regional,
    "M-1.5d": _paying_persona,
}
