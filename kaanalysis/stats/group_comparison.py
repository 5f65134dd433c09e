"""The log-rank test: do groups leave at the same rate?"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.estimate import Significance
from kaanalysis.stats.inputs import flags, labels, observation


def log_rank(duration: Any, event: Any, group: Any, entry: Any = None) -> Significance:
    """Log-rank test of two or more groups; units may enter late.

    ``duration``, ``event``, ``entry`` as in ``kaplan_meier``; ``group`` one label per unit, none missing. At every
    event time the events of each group are compared with what its share of those at risk would give; variances are
    hypergeometric, so ties are allowed. ``statistic``: chi-squared with groups - 1 degrees of freedom, 0 or more (0:
    exactly as expected). ``p_value``: 0 … 1; small means that the hazards differ. It has little power where curves
    cross. Both are None with fewer than two groups, without events, or where the groups are never at risk together.

    Raises ValueError for missing or unequally long input and durations not longer than their entry.
    Sources: Mantel 1966; Peto and Peto 1972; Klein and Moeschberger 2003, section 7.3.
    """
    length, start = observation(duration, entry)
    happened = flags(event, "event", len(length))
    code, names = labels(group, "group", len(length))
    n, method = len(length), "log-rank"
    if len(names) < 2 or not happened.any():
        return Significance(None, None, n, method)
    time = np.unique(length[happened])
    at_risk = np.empty((len(time), len(names)))
    events = np.empty((len(time), len(names)))
    for position in range(len(names)):
        own = code == position
        begun = np.searchsorted(np.sort(start[own]), time, side="left")
        at_risk[:, position] = begun - np.searchsorted(np.sort(length[own]), time, side="left")
        events[:, position] = np.bincount(np.searchsorted(time, length[own & happened]), minlength=len(time))
    total, died = at_risk.sum(axis=1), events.sum(axis=1)
    share = at_risk / total[:, None]
    surplus = (events - died[:, None] * share).sum(axis=0)
    # With one unit at risk there is nothing to compare: its hypergeometric variance is 0.
    scale = np.divide(died * (total - died), total - 1, out=np.zeros(len(time)), where=total > 1)
    covariance = np.diag((scale[:, None] * share).sum(axis=0)) - (share * scale[:, None]).T @ share
    # The surpluses add up to 0. The pseudo-inverse uses exactly the directions that the data inform, so a group that
    # is never at risk beside another costs a degree of freedom instead of breaking the test.
    freedom = int(np.linalg.matrix_rank(covariance, hermitian=True))
    if freedom == 0:
        return Significance(None, None, n, method)
    statistic = float(surplus @ np.linalg.pinv(covariance, hermitian=True) @ surplus)
    return Significance(statistic, float(stats.chi2.sf(statistic, freedom)), n, f"{method}, {freedom} df")
