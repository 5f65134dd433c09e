"""M-0.4: whether customers bring more than a period ago, apart from there being other kinds of them.

The won amount per customer rises when key accounts become more and small customers fewer, though nobody buys more (Simpson 1951). So growth
is read within segments and put together with the earlier period's shares of customers (direct standardisation: Kitagawa 1955; Rothman,
Greenland and Lash, Modern Epidemiology, 3rd ed. 2008, chapter 3). What the plain growth holds beyond that is the mix.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.known_accounts import Array, Units, ratio
from kaanalysis.analyses.verdicts import below, percentile_number
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number

METHOD = "won amount per customer, Poisson cluster bootstrap (percentile)"


def value_columns(units: Units) -> Array:
    """For each segment in turn (:attr:`Units.strata`): won amounts of both periods, customers with deals of both; by account."""
    d0, d1 = units.column("deals_0") > 0, units.column("deals_1") > 0
    values = np.column_stack([units.column("amount_0"), units.column("amount_1"), d0, d1]).astype(float)
    return np.column_stack([values * mine[:, None] for _, mine in units.strata()])


def parts_of(sums: Array) -> Array:
    """Sums of :func:`value_columns` as (segments, 4, draws)."""
    return np.ascontiguousarray(sums.T).reshape(-1, 4, len(sums))


def _growth(before: Array, now: Array) -> Array:
    return np.where(before > 0, now / np.where(before > 0, before, 1.0) - 1, np.nan)


def plain_growth(parts: Array) -> Array:
    """Growth of the won amount per customer, whoever the customers are; by draw. parts: (segments, 4, draws)."""
    a0, a1, c0, c1 = parts.sum(axis=0)
    return np.where(c1 > 0, _growth(ratio(a0, c0), ratio(a1, c1)), np.nan)


def standardised_growth(parts: Array) -> Array:
    """Growth had the customers' shares of segments stayed what they were: Σ w·(amount per customer now) / Σ w·(then) − 1, w the
    customers of the earlier period; by draw. Segments without customers in one of the periods have no growth and do not count; NaN where
    none has. With one segment it is :func:`plain_growth`."""
    a0, a1, c0, c1 = (parts[:, k] for k in range(4))
    there = (c0 > 0) & (c1 > 0)
    return _growth(np.where(there, a0, 0.0).sum(axis=0), np.where(there, c0 * ratio(a1, c1), 0.0).sum(axis=0))


def value_shortfall(parts: Array, target: float) -> Array:
    """What the present customers' won amount lacks to that of their segment a period ago, grown by `target`; by draw."""
    a0, a1, c0, c1 = (parts[:, k] for k in range(4))
    return np.where((c0 > 0) & (c1 > 0), c1 * (1 + target) * ratio(a0, c0) - a1, 0.0).sum(axis=0)


def value_numbers(sums: Array, draws: Array, units: Units, policy: Policy) -> list[Number]:
    """Growth with the mix held (first), of every segment by itself, plain, and what of the plain growth is mix."""
    whole, drawn, level = parts_of(sums), parts_of(draws), policy["evidence.level"]
    buyers = units.frame[(units.frame["deals_0"] > 0) | (units.frame["deals_1"] > 0)]

    def made(name: str, segment: str, value: Array, sample: Array, unit: str, who: pd.DataFrame) -> Number:
        point = float(value[0]) if np.isfinite(value[0]) else None
        clusters = who["cluster"].nunique()
        return percentile_number(name, segment, point, sample, level, len(who), unit, METHOD, clusters=clusters)

    rate, every = "share per period", aggregates.ALL
    held = standardised_growth(whole), standardised_growth(drawn)
    plain = plain_growth(whole), plain_growth(drawn)
    numbers = [made("value_growth_same_mix", every, *held, rate, buyers)]
    strata = [s for s, _ in units.strata()]
    if len(strata) > 1:
        for place, segment in enumerate(strata):
            if segment:
                mine = slice(place, place + 1)
                who = buyers[buyers["segment"] == segment]
                pair = plain_growth(whole[mine]), plain_growth(drawn[mine])
                numbers.append(made("value_growth", segment, *pair, rate, who))
        mix = plain[0] - held[0], plain[1] - held[1]
        numbers.append(made("value_growth_by_mix", every, *mix, "share difference", buyers))
    return [*numbers, made("value_growth", every, *plain, rate, buyers)]


def judge_value(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-0.4: supported if the won amount per customer, the mix of segments held, surely grew by less than the stall rate; contradicted if
    surely by more. Undecided too where a segment by itself surely says the opposite: the whole base then moves in no one direction.

    Wrong if the customers within a segment are of other kinds than before: many small new ones lower the value per customer without
    anybody buying less."""
    growth, mark = next(n for n in numbers if n.name == "value_growth_same_mix"), policy["growth.stall_rate"]
    shown = all(any(n.name == "value_growth" and n.segment == s for n in numbers) for s in ("SMB", "KA"))
    terms = {"mix": "shown" if shown else ""}
    if growth.n < policy["evidence.minimum_units"] or growth.value is None:
        return [Finding("M-0.4", "value_stalled", "undecided", "too_few", tuple(numbers), terms=terms)]
    state = below(growth.low, growth.high, mark)
    segments = {below(n.low, n.high, mark) for n in numbers if n.name == "value_growth" and n.segment != aggregates.ALL}
    against = {"supported": "contradicted", "contradicted": "supported"}.get(state)
    if against in segments or {"supported", "contradicted"} <= segments:
        return [Finding("M-0.4", "value_stalled", "undecided", "value_segments_differ", tuple(numbers), terms=terms)]
    return [Finding("M-0.4", "value_stalled", state, f"value_{state}", tuple(numbers), terms=terms)]
