"""How different are the needs of two customers? The divergence of product mixes, freed from what few order lines make up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from kaanalysis.stats.estimate import Estimate, Significance
from kaanalysis.stats.inputs import FloatArray, IntArray, check_level, labels, numbers

NODES = 40
SMALL = 1e-3  # below this likeness the expansion for nearly equal mixes is exact to four digits
METHOD = "mean Jensen–Shannon divergence, Dirichlet mixes fitted by moments, cluster jackknife, t"


def dirichlet_divergence(likeness: float, mix: Any) -> float:
    """Mean Jensen–Shannon divergence (bits) between two independent mixes from one Dirichlet distribution.

    ``mix``: the mean mix, shape (k,), adding up to 1. ``likeness``: ρ = 1 / (1 + concentration), 0 … 1: the correlation of two orders of
    one customer. 0: all customers have the mean mix, the divergence is 0; 1: every customer buys one product only, the divergence is
    1 − Σ mix² (the chance that two customers buy different ones). Entropies of a Dirichlet mix have a closed form; that of the
    middle of two mixes is integrated product by product by Gauss–Jacobi quadrature. Raises ValueError for values out of range.
    Sources: Lin 1991, IEEE Trans. Inf. Theory 37, 145–151; Minka 2000, Estimating a Dirichlet distribution.
    """
    share = numbers(mix, "mix")
    if (share < 0).any() or not np.isclose(share.sum(), 1.0, atol=1e-9):
        raise ValueError("mix must hold shares of 0 or more that add up to 1")
    if not 0 <= likeness <= 1:
        raise ValueError(f"likeness must be between 0 and 1; not {likeness}")
    return float(np.clip(_by_product(likeness, share).sum(), 0.0, 1.0 - float(share @ share)))


def _by_product(likeness: float, share: FloatArray) -> FloatArray:
    """What each product adds to the divergence, given its share of the mean mix; shape as share."""
    if likeness >= 1 - 1e-9:
        return share * (1 - share)
    if likeness <= SMALL:  # Σ (p − q)² / (8 π ln 2) in expectation
        return np.where(share > 0, likeness * (1 - share) / (4 * np.log(2)), 0.0)
    whole = (1 - likeness) / likeness
    single = share * (special.digamma(whole + 1) - special.digamma(share * whole + 1)) / np.log(2)
    middle = np.zeros(len(share))
    for k in np.flatnonzero((share > 0) & (share < 1)):
        a = share[k] * whole
        with np.errstate(invalid="ignore"):  # scipy divides 0 by 0 on a branch that it then does not take
            x, w = special.roots_jacobi(NODES, whole - a - 1, a - 1)
        x, w = (x + 1) / 2, w / w.sum()
        between = (x[:, None] + x[None, :]) / 2
        middle[k] = w @ (-special.xlogy(between, between) / np.log(2)) @ w
    return np.asarray(middle - single)


@dataclass(frozen=True)
class _Mixes:
    """Mixes by account, and what two orders of one account have in common. same, apart: sums over pairs of lines from different
    orders, of those with the same product and of all."""

    mix: FloatArray
    same: FloatArray
    apart: FloatArray
    cluster: IntArray
    names: list[Any]

    @property
    def informed(self) -> FloatArray:
        """1 where an account has two orders, 0 elsewhere."""
        return (self.apart > 0).astype(np.float64)

    @property
    def repeat(self) -> FloatArray:
        """Chance that two lines from different orders are of the same product; 0 where there is one order."""
        return np.divide(self.same, self.apart, out=np.zeros(len(self.same)), where=self.apart > 0)


def _mixes(account: Any, order: Any, product: Any, lines: Any, cluster: Any) -> _Mixes:
    count = numbers(lines, "lines")
    if (count <= 0).any():
        raise ValueError(f"lines must be above 0; not {count[(count <= 0).argmax()]}")
    who, accounts = labels(account, "account", len(count))
    what, products = labels(product, "product", len(count))
    pairs, _ = labels(
        np.fromiter(zip(who, np.asarray(order, dtype=object), strict=True), object, len(count)), "order", len(count)
    )
    group, names = labels(cluster, "cluster", len(count))
    table = np.zeros((len(accounts), len(products)))
    np.add.at(table, (who, what), count)
    whole = table.sum(axis=1)
    # Lines of one order are drawn up together, so only pairs from different orders tell what an account comes back for.
    cell, _ = labels(np.fromiter(zip(pairs, what, strict=True), object, len(count)), "cell", len(count))
    in_cell = np.bincount(cell, weights=count)
    cell_account = np.zeros(len(in_cell), np.int64)
    cell_account[cell] = who
    in_order = np.bincount(pairs, weights=count)
    order_account = np.zeros(len(in_order), np.int64)
    order_account[pairs] = who
    same = (table**2).sum(axis=1) - np.bincount(cell_account, weights=in_cell**2, minlength=len(accounts))
    apart = whole**2 - np.bincount(order_account, weights=in_order**2, minlength=len(accounts))
    of_account = np.zeros(len(accounts), np.int64)
    of_account[who] = group
    return _Mixes(table / whole[:, None], np.maximum(same, 0.0), np.where(apart > 1e-9, apart, 0.0), of_account, names)


def _moments(mixes: _Mixes, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(likeness, mean mix) for each row of account weights, shapes (rows,) and (rows, products); NaN where not determined."""
    n, informed = weights.sum(axis=1), weights @ mixes.informed
    with np.errstate(invalid="ignore", divide="ignore"):
        within = (weights @ (mixes.repeat * mixes.informed)) / informed
        total = weights @ mixes.mix
        own = weights @ (mixes.mix**2).sum(axis=1)
        between = ((total**2).sum(axis=1) - own) / (n * (n - 1))
        likeness = (within - between) / (1 - between)
        return np.where((n > 1) & (informed > 0) & (between < 1), likeness, np.nan), total / n[:, None]


@dataclass(frozen=True)
class NeedDistance:
    """estimate: the divergence with its interval (bits); shifts: what leaving out each cluster adds to it, in jackknife scale, keyed by
    cluster; likeness: ρ, as estimated (below 0 by chance where mixes are equal)."""

    estimate: Estimate
    shifts: dict[Any, float]
    likeness: float | None


def need_distance(
    account: Any, order: Any, product: Any, lines: Any, cluster: Any = None, *, level: float = 0.95
) -> NeedDistance:
    """How far the product mixes of two customers lie apart: mean Jensen–Shannon divergence in bits, 0 … 1 (0: all need the same; the
    upper end, no product in common, is reached only with very many products).

    One entry per account, order and product: ``account``, ``order``, ``product`` labels; ``lines``: number of order lines, above 0;
    ``cluster``: group of the account (None: each its own). Two observed mixes of one line each nearly always differ, so the plain
    divergence says how few lines there are, not how needs differ. Here the chance that two lines from different orders of one account are
    of one product, against that of two accounts, gives the likeness ρ without bias, whatever the number of lines; the
    divergence is then that of Dirichlet mixes with this ρ and the mean mix (:func:`dirichlet_divergence`). Delete-one-cluster jackknife
    with Student's t. Value None where fewer than two accounts, or none with two orders, are there; limits None with fewer than three
    clusters. Wrong where accounts with many orders need other things than those with one. Raises ValueError for unusable input.
    Sources: Lin 1991; Weir and Cockerham 1984, Evolution 38, 1358–1370 (the moments); Efron and Tibshirani 1993, chapter 11.
    """
    check_level(level)
    own = account if cluster is None else cluster
    if not len(account):
        return NeedDistance(Estimate(None, None, None, level, 0, METHOD), {}, None)
    mixes = _mixes(account, order, product, lines, own)
    n = len(mixes.mix)
    likeness, mix = _moments(mixes, np.ones((1, n)))
    if not np.isfinite(likeness[0]):
        return NeedDistance(
            Estimate(None, None, None, level, n, METHOD + "; too few accounts with two orders"), {}, None
        )
    at, mean = float(np.clip(likeness[0], 0.0, 1.0)), mix[0]
    value = dirichlet_divergence(at, mean)
    k = len(mixes.names)
    left_likeness, left_mix = _without_each(mixes, k)
    if k < 3 or not np.isfinite(left_likeness).all():
        return NeedDistance(Estimate(value, None, None, level, n, METHOD), {}, float(likeness[0]))
    # The divergence is smooth in likeness and mix: its change by leaving a cluster out is read from its slopes.
    moved = _slope(at, mean) * (left_likeness - likeness[0]) + (left_mix - mean) @ _mix_slopes(at, mean)
    shift = (moved - moved.mean()) * np.sqrt((k - 1) / k)
    error = float(np.sqrt((shift**2).sum()))
    shifts = dict(zip(mixes.names, shift, strict=True))
    if not error > 0:
        return NeedDistance(Estimate(value, None, None, level, n, METHOD), shifts, float(likeness[0]))
    reach = float(stats.t.ppf((1 + level) / 2, _freedom(mixes, k))) * error
    estimate = Estimate(value, max(0.0, value - reach), min(1.0, value + reach), level, n, METHOD)
    return NeedDistance(estimate, shifts, float(likeness[0]))


def _freedom(mixes: _Mixes, clusters: int) -> int:
    """Clusters that hold an account with two orders, less one: only they tell how alike one account's orders are."""
    return max(1, min(clusters, len(np.unique(mixes.cluster[mixes.apart > 0]))) - 1)


def _without_each(mixes: _Mixes, clusters: int) -> tuple[FloatArray, FloatArray]:
    """Likeness and mean mix without each cluster, from sums: the same as `_moments` with that cluster's weights at 0."""

    def rest(values: FloatArray) -> FloatArray:
        if values.ndim == 1:
            return np.asarray(values.sum() - np.bincount(mixes.cluster, weights=values, minlength=clusters))
        out = np.zeros((clusters, values.shape[1]))
        np.add.at(out, mixes.cluster, values)
        return values.sum(axis=0) - out

    n, informed = rest(np.ones(len(mixes.mix))), rest(mixes.informed)
    total, own = rest(mixes.mix), rest((mixes.mix**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        within = rest(mixes.repeat * mixes.informed) / informed
        between = ((total**2).sum(axis=1) - own) / (n * (n - 1))
        likeness = np.where((n > 1) & (informed > 0.5), (within - between) / (1 - between), np.nan)
        return likeness, total / n[:, None]


def _slope(likeness: float, mix: FloatArray, step: float = 1e-4) -> float:
    low, high = max(0.0, likeness - step), min(1.0, likeness + step)
    return (dirichlet_divergence(high, mix) - dirichlet_divergence(low, mix)) / (high - low)


def _mix_slopes(likeness: float, mix: FloatArray, step: float = 1e-4) -> FloatArray:
    """Change of the divergence as a product's share grows; only differences between products count, since shares add up to 1."""
    low, high = np.maximum(mix - step, mix / 2), np.minimum(mix + step, (1 + mix) / 2)
    rise = _by_product(likeness, high) - _by_product(likeness, low)
    return np.asarray(rise / (high - low))


def need_distance_difference(a: NeedDistance, b: NeedDistance, *, level: float = 0.95) -> Estimate:
    """Need distance of ``a`` minus that of ``b`` (bits, −1 … 1), a cluster found in both counted once; Welch–Satterthwaite t.

    None where one of them is; no limits where one has none.
    """
    check_level(level)
    method, n = "difference of " + METHOD, a.estimate.n + b.estimate.n
    if a.estimate.value is None or b.estimate.value is None:
        return Estimate(None, None, None, level, n, method)
    value = a.estimate.value - b.estimate.value
    parts = [sum(s**2 for s in d.shifts.values()) for d in (a, b)]
    both = [
        a.shifts.get(key, 0.0) - b.shifts.get(key, 0.0) for key in {**a.shifts, **b.shifts}
    ]  # in order: a set's would change the last digit
    error = float(np.sqrt(sum(s**2 for s in both)))
    if not min(parts) > 0 or not error > 0:
        return Estimate(value, None, None, level, n, method)
    freedom = sum(parts) ** 2 / sum(p**2 / (len(d.shifts) - 1) for p, d in zip(parts, (a, b), strict=True))
    reach = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    return Estimate(value, max(-1.0, value - reach), min(1.0, value + reach), level, n, method)


def likeness_permutation(
    account: Any, order: Any, product: Any, lines: Any, cluster: Any, group: Any, *, draws: int = 999, seed: int = 0
) -> Significance:
    """Is the likeness of orders within an account the same in two groups? Permutation of the groups among clusters.

    Arguments as in :func:`need_distance`; ``group``: one of two labels per entry, the same for an account's whole cluster.
    ``statistic``: likeness of the second label in order of appearance minus that of the first; ``p_value``: two-sided, 1/(draws+1) … 1, of
    that difference over its standard error in each deal (studentised, so that groups of unequal size and spread do not pass for unequal
    needs). It is exact where both groups are alike in everything.
    None with fewer than two groups or where one group's likeness is not determined. Raises ValueError for more than two groups or a
    cluster in both. Sources: Good, Permutation, Parametric and
    Bootstrap Tests of Hypotheses, 3rd ed. 2005; Janssen 1997, Statistics and Probability Letters 36, 9–21 (studentised).
    """
    mixes = _mixes(account, order, product, lines, cluster)
    of_entry, names = labels(group, "group", len(account))
    method = f"permutation of clusters, {draws} draws"
    if len(names) > 2:
        raise ValueError(f"group must hold two labels; not {len(names)}")
    who, _ = labels(cluster, "cluster", len(account))
    of_cluster = np.zeros(len(mixes.names), np.int64)
    of_cluster[who] = of_entry
    if (of_cluster[who] != of_entry).any():
        raise ValueError("a cluster must lie in one group; not in both")
    n = len(mixes.mix)
    if len(names) < 2:
        return Significance(None, None, n, method)
    generator = np.random.default_rng(seed)

    def compared(assigned: IntArray) -> tuple[FloatArray, FloatArray]:
        """(difference of likeness, the same over its standard error) for every deal of groups to clusters."""
        second = (assigned[:, mixes.cluster] == 1).astype(np.float64)
        likeness, variance = [], []
        for weights in (second, 1 - second):
            likeness.append(_moments(mixes, weights)[0])
            count = weights @ mixes.informed
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = (weights @ (mixes.repeat * mixes.informed)) / count
                spread = (weights @ (mixes.repeat**2 * mixes.informed)) / count - mean**2
                variance.append(np.where(count > 1, np.maximum(spread, 0.0) / (count - 1), np.nan))
        difference = likeness[0] - likeness[1]
        with np.errstate(invalid="ignore", divide="ignore"):
            return difference, np.abs(difference) / np.sqrt(variance[0] + variance[1])

    found, studentised = (float(x[0]) for x in compared(of_cluster[None, :]))
    if not np.isfinite(found) or not np.isfinite(studentised):
        return Significance(None, None, n, method)
    dealt = np.concatenate([
        compared(np.stack([generator.permutation(of_cluster) for _ in range(min(100, draws - start))]))[1]
        for start in range(0, draws, 100)
    ])  # fmt: skip
    beyond = int((dealt >= studentised - 1e-12).sum() + (~np.isfinite(dealt)).sum())
    return Significance(found, (1 + beyond) / (draws + 1), n, method)
