"""Log-rank tests of right-censored times, also by reassigning whole clusters. Arrays only.

Sources: Mantel (1966), Cancer Chemotherapy Reports 50; Peto & Peto (1972), JRSS A 135 (scores);
Phipson & Smyth (2010), SAGMB 9(1) (p = (b+1)/(B+1), never 0); Gail, Mark, Carroll, Green & Pee
(1996), Statistics in Medicine 15 (permutation of clusters).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from ballot_eval.estimation.assignments import draw_assignments, gather_sums
from ballot_eval.estimation.labels import label_codes
from ballot_eval.estimation.pvalue_curve import PValueCurve, monte_carlo_error
from ballot_eval.estimation.risk_sets import (
    BoolArray,
    FloatArray,
    IntArray,
    check_clusters,
    check_times,
    counts_by_label,
    risk_table,
    two_groups,
)


@dataclass(frozen=True, slots=True)
class LogrankResult:
    """A log-rank test of K groups, which treats rows as independent.

    ``groups`` (K,) are the labels in sorted order, ``n_units``, ``observed`` and ``expected`` (K,)
    their units, events, and events expected when all have one curve; ``variance`` (K, K) is the
    hypergeometric covariance of ``observed`` − ``expected``. Sums over strata.
    """

    groups: npt.NDArray[Any]
    n_units: IntArray
    observed: FloatArray
    expected: FloatArray
    variance: FloatArray
    chi2: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True)
class LogrankPermutation:
    """A log-rank test by reassigning the role over clusters.

    ``observed`` events of the experiment against ``expected`` ones; ``distribution`` (B,) holds
    observed − expected, less its mean over the assignments, for every assignment. ``p_error`` is
    the Monte-Carlo standard error of the two-sided ``p_value``, 0 when ``exact``. The p-value is
    never 0.
    """

    observed: float
    expected: float
    p_value: float
    p_error: float
    draws: int
    exact: bool
    n_experiment: int
    n_control: int
    distribution: FloatArray


def _strata_codes(strata: npt.ArrayLike | None, n: int) -> IntArray:
    return np.zeros(n, dtype=np.intp) if strata is None else label_codes(strata, "strata", n)[1]


def logrank(
    durations: npt.ArrayLike,
    observed: npt.ArrayLike,
    group: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | None = None,
) -> LogrankResult:
    """Test whether the groups (n,) have one curve; chi-squared, as R's ``survdiff``.

    With ``strata`` (n,) observed and expected events are compared within strata and summed.
    As in R, a group without any expected event is left out and costs a degree of freedom. Rows
    count as independent: for a role assigned to clusters use :func:`logrank_permutation`.
    Raises ValueError for bad times, fewer than two groups, no events, and when no event happened
    while two groups were at risk.
    """
    times, seen = check_times(durations, observed)
    labels, codes = label_codes(group, "group", len(times))
    if len(labels) < 2:
        msg = f"a log-rank test needs at least two groups, found {len(labels)}"
        raise ValueError(msg)
    _require_events(seen)
    blocks = _strata_codes(strata, len(times))
    expected = np.zeros(len(labels))
    variance = np.zeros((len(labels), len(labels)))
    for stratum in range(int(blocks.max()) + 1):
        rows = blocks == stratum
        if seen[rows].any():
            part = _expected(times[rows], seen[rows], codes[rows], len(labels))
            expected, variance = expected + part[0], variance + part[1]
    counted = np.bincount(codes[seen], minlength=len(labels)).astype(float)
    used = expected > 0
    difference = (counted - expected)[used][1:]
    inner = variance[np.ix_(used, used)][1:, 1:]
    if not len(difference) or np.linalg.matrix_rank(inner, hermitian=True) < len(inner):
        msg = "the log-rank test is undefined: groups were never at risk together at an event"
        raise ValueError(msg)
    chi2 = float(difference @ np.linalg.solve(inner, difference))
    df = len(difference)
    return LogrankResult(
        groups=labels,
        n_units=np.bincount(codes, minlength=len(labels)),
        observed=counted,
        expected=expected,
        variance=variance,
        chi2=chi2,
        df=df,
        p_value=float(chdtrc(df, chi2)),
    )


def _require_events(observed: BoolArray) -> None:
    if not observed.any():
        msg = "no event was observed: every time is censored"
        raise ValueError(msg)


def _expected(
    times: FloatArray, observed: BoolArray, codes: IntArray, n_groups: int
) -> tuple[FloatArray, FloatArray]:
    """Return expected events (K,) and the covariance (K, K) of one stratum."""
    table = risk_table(times, observed)
    share = np.concatenate(
        [at_risk for _, at_risk, _ in counts_by_label(table, observed, codes, n_groups)]
    )
    share = share / table.at_risk
    n, d = table.at_risk, table.events
    # The last unit at risk leaves no choice of who has the event.
    weight = d * np.divide(n - d, n - 1, out=np.zeros_like(n), where=n > 1)
    variance = np.diag(share @ weight) - (share * weight) @ share.T
    return share @ d, variance


def logrank_scores(
    durations: npt.ArrayLike, observed: npt.ArrayLike, *, strata: npt.ArrayLike | None = None
) -> FloatArray:
    """Return the log-rank score of every row (n,): 1 for an event, less the hazard it passed.

    The hazard is the Nelson–Aalen estimate of all rows together (within ``strata``): these are the
    martingale residuals under one curve for all. They sum to 0, and the scores of a group sum
    to its observed minus expected events. Raises ValueError for bad times and no events.
    """
    times, seen = check_times(durations, observed)
    _require_events(seen)
    blocks = _strata_codes(strata, len(times))
    scores = np.empty(len(times))
    for stratum in range(int(blocks.max()) + 1):
        rows = blocks == stratum
        table = risk_table(times[rows], seen[rows])
        hazard = np.cumsum(table.events / table.at_risk)
        scores[rows] = seen[rows] - hazard[table.index]
    return scores


def logrank_permutation(
    durations: npt.ArrayLike,
    observed: npt.ArrayLike,
    experiment: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike,
    strata: npt.ArrayLike | None = None,
    assignment_strata: npt.ArrayLike | None = None,
    draws: int,
    max_exact: int,
    seed: int,
) -> LogrankPermutation:
    """Test one curve for both roles by reassigning the role over ``clusters`` (n,).

    ``experiment`` (n,) is the role, the same within a cluster. The statistic is observed minus
    expected events of the experiment. It uses the scores under the pooled null hypothesis (see
    :func:`logrank_scores`), which do not depend on the role: an assignment is a sum of one number
    per experiment cluster. ``strata`` (n,) make the risk sets; ``assignment_strata`` (n,), the
    same within a cluster, are those in which the role was assigned. All assignments are listed
    when there are at most ``max_exact``, else ``draws`` random ones with p = (b+1)/(B+1). The
    statistic is centred at its mean over the assignments, which is 0 without assignment strata.

    With clusters of very different size the large ones decide; the test stays valid, because
    sizes move with their clusters. Raises ValueError for bad times, a cluster with both roles or
    in two assignment strata, no events, and when the role cannot be reassigned.
    """
    times, _ = check_times(durations, observed)
    role = two_groups(experiment, len(times))
    labels, codes = check_clusters(clusters, len(times))
    treated = _of_clusters(role, codes, labels, "roles").astype(bool)
    groups = None
    if assignment_strata is not None:
        _, row_strata = label_codes(assignment_strata, "assignment_strata", len(times))
        groups = _of_clusters(row_strata, codes, labels, "assignment strata").astype(np.intp)
    scores = logrank_scores(durations, observed, strata=strata)
    sums = np.bincount(codes, weights=scores, minlength=len(labels)).astype(float)
    assignments = draw_assignments(treated, groups, draws=draws, max_exact=max_exact, seed=seed)
    total = float(sums[treated].sum())
    if groups is not None:
        share = np.bincount(groups, weights=treated) / np.bincount(groups)
        centre = float(share[groups] @ sums)
    else:
        centre = 0.0
    values = gather_sums(sums[:, None], assignments.members)[0] - centre
    curve = PValueCurve(values, np.zeros(len(values)), total - centre, exact=assignments.exact)
    p_value = curve.p_value(0.0)
    events = float(np.asarray(observed, dtype=float)[role].sum())
    return LogrankPermutation(
        observed=events,
        expected=events - total,
        p_value=p_value,
        p_error=monte_carlo_error(p_value, len(values), exact=assignments.exact),
        draws=len(values),
        exact=assignments.exact,
        n_experiment=int(treated.sum()),
        n_control=int((~treated).sum()),
        distribution=values,
    )


def _of_clusters(
    values: npt.NDArray[Any], codes: IntArray, labels: npt.NDArray[Any], what: str
) -> npt.NDArray[Any]:
    """Return the value of every cluster; ValueError when its rows differ."""
    first = np.unique(codes, return_index=True)[1]
    found: npt.NDArray[Any] = values[first]
    mixed = np.flatnonzero(found[codes] != values)
    if len(mixed):
        msg = f"cluster {labels[codes[mixed[0]]]} has rows of different {what}"
        raise ValueError(msg)
    return found
