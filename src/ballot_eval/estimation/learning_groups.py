"""Who used the ballot before against who did not, at one and the same election. Arrays only.

Two comparisons without a change of election type: among the experiment municipalities those that
vote with the new ballot for the third time against those that do so for the first, and among the
voters of a polling station those who used it before against those who did not.

Sources: Fisher (1935), The Design of Experiments (exact permutation of labels); Rosenbaum (2002),
Statistical Science 17(3) (covariance adjustment); Bloom (1995), Evaluation Review 19 (minimum
detectable effect); Bell & McCaffrey (2002), Survey Methodology 28, and Pustejovsky & Tipton
(2018), JBES 36 (CR2 with effects).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.adjusted import stratified_randomisation_test
from ballot_eval.estimation.assignments import Assignments, count_assignments, draw_assignments
from ballot_eval.estimation.clusters import Labels, cluster_design, cluster_ols
from ballot_eval.estimation.inference import RandomisationResult
from ballot_eval.estimation.power import (
    DetectableEffect,
    PowerCurve,
    minimum_detectable_effect,
    placebo_studies,
    power_curve,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: Most assignments that are listed; 4 of 11 have 330, 10 of 20 have 184,756.
MOST_ASSIGNMENTS = 200_000


@dataclass(frozen=True, slots=True)
class LaterAgainstFirst:
    """Municipalities that used the ballot before minus those that use it for the first time.

    ``test`` is the difference with its exact interval and p-value, in the unit of the changes.
    ``smallest_p_value`` is the lowest p-value that these labels can give: 1 / assignments, or
    twice that when both groups are equally large, because swapping them then gives the same
    difference with another sign. When it exceeds 1 − the confidence level nothing can be
    rejected, ``bounded`` is False and the limits are infinite. ``later_excess`` and
    ``first_excess`` are the mean changes of both groups minus that of the never exposed, NaN when
    those are not given; covariates do not enter them.
    """

    test: RandomisationResult
    later_excess: float
    first_excess: float
    n_later: int
    n_first: int
    n_never: int
    smallest_p_value: float
    bounded: bool


@dataclass(frozen=True, slots=True)
class LaterPower:
    """How often a difference between the two groups would be found, by placebo.

    ``curve`` is the share of placebo experiments that reject at each of the effects asked;
    ``positive`` and ``negative`` are the smallest differences of either sign found with the
    asked power (learning is negative: later exposures have fewer invalid votes).
    """

    curve: PowerCurve
    positive: DetectableEffect
    negative: DetectableEffect
    assignments: int


@dataclass(frozen=True, slots=True)
class StationDifference:
    """Voters who used the ballot before minus those who did not, within stations.

    In the unit of the values, with a CR2 standard error and t limits of ``df`` Satterthwaite
    degrees of freedom. Only the ``stations_with_both`` kinds of voter say anything.
    """

    estimate: float
    se: float
    df: float
    ci_lower: float
    ci_upper: float
    p_value: float
    voters: int
    voters_earlier: int
    stations: int
    stations_with_both: int
    clusters: int


def later_against_first(
    changes: FloatArray,
    later: BoolArray,
    *,
    never: FloatArray | None = None,
    covariates: FloatArray | None = None,
    strata: IntArray | None = None,
    weights: FloatArray | None = None,
    never_weights: FloatArray | None = None,
    studentised: bool = False,
    confidence_level: float = 0.95,
) -> LaterAgainstFirst:
    """Compare the ``later`` (m,) with the first-timers on ``changes`` (m,) at one election.

    Only experiment municipalities are permuted, and all assignments of the labels (within
    ``strata``) are listed, so nothing is drawn. The change of the never exposed is subtracted
    from both groups alike and cancels: ``never`` (c,), weighted by ``never_weights``, serves the
    two excesses only. The p-value is exact for "who used it before has the outcome it would have
    had as a first-timer", whatever the effect of the ballot itself, provided that the labels are
    as good as drawn by lot. The interval holds every constant difference that is not rejected.

    ``covariates`` (m,) or (m, k) adjust as in
    :func:`~ballot_eval.estimation.adjusted.adjusted_randomisation_test`; ``weights`` (m,)
    default to 1. With ``strata`` (m,) labels are permuted within them and the difference is that
    within strata, as in :func:`~ballot_eval.estimation.adjusted.stratified_randomisation_test`;
    the two excesses stay plain means.
    Raises ValueError for changes that are not finite, one group that is empty, more than
    200,000 assignments, ``studentised`` together with covariates, with strata or with one
    municipality in a group, and for the reasons given at the tests.
    """
    y, role = np.asarray(changes, dtype=float), np.asarray(later, dtype=bool)
    if y.ndim != 1 or role.shape != y.shape:
        msg = f"changes {y.shape} and later {role.shape} must be vectors over the same units"
        raise ValueError(msg)
    assignments = _all_labels(role, strata)
    test = stratified_randomisation_test(
        y,
        role,
        assignments,
        strata=strata,
        covariates=covariates,
        weights=weights,
        studentised=studentised,
        confidence_level=confidence_level,
    )
    baseline, n_never = _never_mean(never, never_weights)
    smallest = _smallest_p_value(role, assignments)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    return LaterAgainstFirst(
        test=test,
        later_excess=float(np.average(y[role], weights=w[role])) - baseline,
        first_excess=float(np.average(y[~role], weights=w[~role])) - baseline,
        n_later=int(role.sum()),
        n_first=int((~role).sum()),
        n_never=n_never,
        smallest_p_value=smallest,
        bounded=math.isfinite(test.ci_lower) and math.isfinite(test.ci_upper),
    )


def _all_labels(role: BoolArray, strata: IntArray | None) -> Assignments:
    """Return all assignments of the labels."""
    groups = np.zeros(len(role), dtype=np.intp) if strata is None else np.asarray(strata)
    if groups.shape != role.shape:
        msg = f"strata must have one entry per municipality: {groups.shape} for {len(role)}"
        raise ValueError(msg)
    if not 0 < role.sum() < len(role):
        msg = (
            f"{int(role.sum())} of {len(role)} municipalities used the ballot before: the "
            "comparison needs both kinds"
        )
        raise ValueError(msg)
    count = count_assignments(role, groups)
    if count > MOST_ASSIGNMENTS:
        msg = f"{count} assignments are more than the {MOST_ASSIGNMENTS} that are listed"
        raise ValueError(msg)
    return draw_assignments(role, groups, draws=0, max_exact=count, seed=0)


def _smallest_p_value(role: BoolArray, assignments: Assignments) -> float:
    """Return the share of the assignments that tie with the observed one whatever the values."""
    kept = role[assignments.members].sum(axis=1)
    mirrored = 2 * role.sum() == len(role)
    ties = (kept == role.sum()) | ((kept == 0) & mirrored)
    return float(ties.mean())


def _never_mean(never: FloatArray | None, never_weights: FloatArray | None) -> tuple[float, int]:
    """Return the mean change of the never exposed and their number; NaN and 0 without them."""
    if never is None:
        return math.nan, 0
    y = np.asarray(never, dtype=float)
    w = np.ones(len(y)) if never_weights is None else np.asarray(never_weights, dtype=float)
    if y.ndim != 1 or not len(y) or w.shape != y.shape or not np.isfinite(y).all():
        msg = "never must be a vector of finite changes, with as many weights if any"
        raise ValueError(msg)
    if not (np.isfinite(w).all() and (w > 0).all()):
        msg = "never_weights must be finite and positive"
        raise ValueError(msg)
    return float(np.average(y, weights=w)), len(y)


def later_against_first_power(
    control_changes: FloatArray,
    *,
    n_later: int,
    n_first: int,
    effects: FloatArray,
    studies: int,
    seed: int,
    alpha: float = 0.05,
    power: float = 0.8,
) -> LaterPower:
    """Return how large a difference the exact test of both groups would find.

    Every placebo experiment draws ``n_later`` + ``n_first`` different controls from
    ``control_changes``, (n,) or (n, periods) with the periods in turn, gives ``n_later`` of them
    the label, adds the effect to those and runs the plain test of :func:`later_against_first`.
    What the new ballot adds to the spread between municipalities is not in past changes of
    controls, so the smallest differences are on the optimistic side.
    Raises ValueError for groups that are empty or larger together than the number of controls,
    more than 200,000 assignments, an ``alpha`` below every p-value there is, and for the reasons
    given at :func:`~ballot_eval.estimation.power.placebo_studies`.
    """
    y = np.asarray(control_changes, dtype=float)
    y = y[:, None] if y.ndim == 1 else y
    size = n_later + n_first
    if y.ndim != 2 or n_later < 1 or n_first < 1 or size > len(y):
        msg = (
            f"groups of {n_later} and {n_first} must hold at least one and together at most as "
            f"many as there are controls: changes have shape {y.shape}"
        )
        raise ValueError(msg)
    if studies < 1:
        msg = f"studies must be 1 or more, not {studies}"
        raise ValueError(msg)
    labels = _all_labels(np.arange(size) < n_later, None)
    lowest = _smallest_p_value(np.arange(size) < n_later, labels)
    if lowest > alpha:
        msg = f"no p-value of {n_later} against {n_first} is below {lowest:.3g}: alpha is {alpha}"
        raise ValueError(msg)
    # A stream apart from the one that shuffles the labels.
    rng = np.random.default_rng([seed, 2])
    rows = np.array([rng.choice(len(y), size, replace=False) for _ in range(studies)])
    drawn = y[rows, (np.arange(studies) % y.shape[1])[:, None]]
    # Every experiment is a period of its own, so that each has other municipalities.
    placebos = placebo_studies(
        drawn.T,
        experiment_units=n_later,
        alpha=alpha,
        studies=studies,
        draws=len(labels.members),
        seed=seed,
    )
    return LaterPower(
        curve=power_curve(placebos, effects),
        positive=minimum_detectable_effect(placebos, power=power, direction="positive"),
        negative=minimum_detectable_effect(placebos, power=power, direction="negative"),
        assignments=len(labels.members),
    )


def within_station_difference(
    values: FloatArray,
    earlier: BoolArray,
    station: Labels,
    *,
    clusters: Labels | None = None,
    confidence_level: float = 0.95,
) -> StationDifference:
    """Compare voters who used the ballot before (``earlier``) with the others of their station.

    ``values`` (n,), for example log seconds in the booth, and ``earlier`` (n,) are one per voter,
    with the labels of their polling ``station`` (n,). Least squares with a fixed effect per
    station; CR2 standard error over ``clusters`` (n,), by default the stations, with Satterthwaite
    degrees of freedom. Who used it before is not drawn by lot: this is a comparison, not the
    effect of having used it.
    Raises ValueError when a station is in two clusters, when no station has both kinds of voter,
    when one cluster alone has them, and for the reasons given at
    :func:`~ballot_eval.estimation.clusters.cluster_design`.
    """
    y, before = np.asarray(values, dtype=float), np.asarray(earlier, dtype=bool)
    places = np.asarray(station)
    groups = places if clusters is None else np.asarray(clusters)
    if y.ndim != 1 or not before.shape == places.shape == groups.shape == y.shape:
        msg = (
            f"values {y.shape}, earlier {before.shape}, station {places.shape} and clusters "
            f"{groups.shape} must be vectors over the same voters"
        )
        raise ValueError(msg)
    both, n_stations = _stations(places, before)
    if not both:
        msg = (
            f"none of {n_stations} stations has voters of both kinds: there is nothing to compare "
            "within stations"
        )
        raise ValueError(msg)
    design = cluster_design(before[:, None].astype(float), groups, effects=[places])
    if design.within is None:
        msg = "a station lies in two clusters: clusters must hold whole stations"
        raise ValueError(msg)
    found = cluster_ols(design, y, method="cr2", confidence_level=confidence_level)[0]
    return StationDifference(
        estimate=found.estimate,
        se=found.se,
        df=found.df,
        ci_lower=found.ci_lower,
        ci_upper=found.ci_upper,
        p_value=found.p_value,
        voters=len(y),
        voters_earlier=int(before.sum()),
        stations=n_stations,
        stations_with_both=both,
        clusters=found.n_clusters,
    )


def _stations(places: npt.NDArray[np.generic], before: BoolArray) -> tuple[int, int]:
    """Return the number of stations with both kinds of voter, and of stations."""
    labels, codes = np.unique(places, return_inverse=True)
    voters = np.bincount(codes, minlength=len(labels))
    earlier = np.bincount(codes, weights=before, minlength=len(labels))
    return int(((earlier > 0) & (earlier < voters)).sum()), len(labels)
