"""Does the excess of the new ballot shrink when a municipality uses it again? Arrays only.

``changes`` (n, K) holds one row per municipality of a fixed set of experiment municipalities and
of the never exposed, and one column per exposure: the change of the outcome from a same-type
election with the old ballot to the election of that exposure. The excess of exposure k is
E_k = mean of column k over the experiment municipalities − mean over the never exposed. A
municipality's whole row is reassigned together, so all exposures share their assignments.

The fixed set is the municipalities exposed at every exposure that is compared. Municipalities
that left or joined in between belong in neither group and must be left out by the caller: with
them a change of composition looks like a change of effect.

In other modules, and imported from here as well: :mod:`~ballot_eval.estimation.learning_ratio`
(the same on the scale of ratios), :mod:`~ballot_eval.estimation.learning_groups` (third-timers
against first-timers, voters against voters), :mod:`~ballot_eval.estimation.learning_decay`.

Sources: Roth & Sant'Anna (2023), JPE Microeconomics 1(4) (random timing of a staggered roll-out);
Imbens & Rubin (2015), Causal Inference, ch. 5 (inversion); Wu & Ding (2021), JASA 116
(studentised statistic); Westfall & Young (1993), Resampling-Based Multiple Testing (max-T);
Allers & Kooreman (2009), Public Choice 139 (introductory and permanent effects on Dutch residual
votes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.adjusted import (
    adjusted_curve,
    several,
    stratified_randomisation_test,
    stratum_dummies,
)
from ballot_eval.estimation.assignments import Assignments, draw_assignments
from ballot_eval.estimation.inference import (
    RandomisationResult,
    check_inputs,
    difference_curve,
    result_of,
)
from ballot_eval.estimation.joint import JointResult, Scaling, joint_randomisation_test
from ballot_eval.estimation.learning_decay import Decay, decay
from ballot_eval.estimation.learning_groups import (
    LaterAgainstFirst,
    LaterPower,
    StationDifference,
    later_against_first,
    later_against_first_power,
    within_station_difference,
)
from ballot_eval.estimation.learning_ratio import RatioChange, change_in_ratio, check_exposures
from ballot_eval.estimation.pvalue_curve import PValueCurve

__all__ = [
    "Decay",
    "ExcessByExposure",
    "ExcessChange",
    "LaterAgainstFirst",
    "LaterPower",
    "RatioChange",
    "StationDifference",
    "change_in_excess",
    "change_in_ratio",
    "consecutive_changes",
    "decay",
    "excess_by_exposure",
    "joint_changes",
    "later_against_first",
    "later_against_first_power",
    "within_station_difference",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ExcessByExposure:
    """The excess at each of K exposures, in the unit of the changes; arrays (K,) but where said.

    ``covariance`` (K, K) is that of (E_1, …, E_K) over the assignments, after the estimates are
    taken from the experiment municipalities: what chance in who has the role, and shocks that
    controls show, do to the estimates together. ``differences`` (m, K) are the changes of the
    municipalities ``units`` (m,) minus the mean change of the never exposed. ``p_errors`` are
    Monte-Carlo standard errors, 0 when ``exact``.
    """

    estimates: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    p_values: FloatArray
    p_errors: FloatArray
    covariance: FloatArray
    units: IntArray
    differences: FloatArray
    draws: int
    exact: bool


@dataclass(frozen=True, slots=True)
class ExcessChange:
    """The change of the excess between two exposures, in the unit of the changes.

    ``test`` is the estimate E_k − E_j with its interval and the test of no change; ``excess`` (2,)
    are E_j and E_k with the weights of the test. ``differences`` (m,) are the changes of the
    excess of the municipalities ``units`` (m,) one by one, against the mean of the never exposed.
    """

    test: RandomisationResult
    excess: FloatArray
    units: IntArray
    differences: FloatArray


def excess_by_exposure(
    changes: FloatArray,
    experiment: BoolArray,
    *,
    weights: FloatArray | None = None,
    strata: IntArray | None = None,
    draws: int,
    max_exact: int,
    seed: int,
    confidence_level: float = 0.95,
) -> ExcessByExposure:
    """Return the excess at every exposure, ``changes`` (n, K), from one set of assignments.

    ``experiment`` (n,) marks the fixed set; ``weights`` (n, K), for example votes cast at each
    exposure, default to 1. Every limit and p-value is
    that of :func:`~ballot_eval.estimation.inference.randomisation_test` for an additive effect.
    With ``strata`` (n,) assignments stay within them and so does the estimate: it is the
    coefficient of the role beside indicators of the strata; ``differences`` remain those from
    the mean of all the never exposed.
    The covariance serves :func:`decay`; it holds the spread of municipalities, not that of their
    effects. All assignments are used when there are at most ``max_exact``.
    Raises ValueError for changes that are not a table or not finite, weights of another shape or
    not positive, and when nobody or everybody has the role.
    """
    y, role = _table(changes, experiment)
    w = _weights(weights, y)
    assignments = draw_assignments(role, strata, draws=draws, max_exact=max_exact, seed=seed)
    results, residuals = [], []
    for values, weight in zip(y.T, w.T, strict=True):
        curve = _curve(values, role, assignments, weight, strata)
        results.append(result_of(curve, confidence_level))
        residuals.append(curve.a - curve.estimate * curve.b)
    return ExcessByExposure(
        estimates=np.array([r.estimate for r in results]),
        ci_lower=np.array([r.ci_lower for r in results]),
        ci_upper=np.array([r.ci_upper for r in results]),
        p_values=np.array([r.p_value for r in results]),
        p_errors=np.array([r.p_error for r in results]),
        covariance=np.atleast_2d(np.cov(np.array(residuals), bias=assignments.exact)),
        units=np.flatnonzero(role),
        differences=y[role] - np.average(y[~role], axis=0, weights=w[~role]),
        draws=len(assignments.members),
        exact=assignments.exact,
    )


def change_in_excess(
    changes: FloatArray,
    experiment: BoolArray,
    *,
    exposures: tuple[int, int],
    weights: FloatArray | None = None,
    strata: IntArray | None = None,
    studentised: bool = True,
    draws: int,
    max_exact: int,
    seed: int,
    confidence_level: float = 0.95,
) -> ExcessChange:
    """Test and estimate the change of the excess, E_k − E_j, for ``exposures`` = columns (j, k).

    Columns count from 0. The statistic is a difference of means of the municipalities' own
    changes d_k − d_j, and whole rows are reassigned. Whatever effect τ_i a municipality has at
    both exposures is in d_j and d_k alike and cancels, in every reassignment too. The p-value is
    therefore exact for "no learning": any additive effect that is the same at both exposures in
    every municipality, however large and however different between municipalities, and not only
    for no effect at all. The interval holds every constant change that is not rejected.

    It does not hold for effects that multiply: then another level of the outcome at another
    type of election changes the excess without learning; see :func:`change_in_ratio`.

    ``weights`` are (n,) or (n, K). Those of the two exposures are averaged, each scaled to sum
    1, because only common weights let the effects cancel; ballot-weighted, E_j and E_k can
    therefore differ slightly from those of :func:`excess_by_exposure`.

    With ``strata`` (n,) assignments stay within them and the estimate is the difference within
    strata, as at :func:`excess_by_exposure`; ``excess`` remains one of plain means.

    Both statistics are exact for effects that are the same in the ballots cast. ``studentised``,
    the default, also stays near 5% for effects that are the same in the long run while chance
    decides which ballots turn invalid, so that experiment municipalities vary more than controls.
    The plain statistic is too sure there; it has shorter intervals, finds more, and is the only
    one for a single municipality and within strata. See docs/calibration_learning.md.
    Raises ValueError for exposures that are not two different columns, for ``studentised`` with
    strata, and for the reasons given at :func:`excess_by_exposure` and
    :func:`~ballot_eval.estimation.inference.randomisation_test`.
    """
    y, role = _table(changes, experiment)
    chosen = check_exposures(exposures, y.shape[1])
    w, pair = _common(_weights(weights, y)[:, chosen]), y[:, chosen]
    assignments = draw_assignments(role, strata, draws=draws, max_exact=max_exact, seed=seed)
    own = pair[:, 1] - pair[:, 0]
    test = stratified_randomisation_test(
        own,
        role,
        assignments,
        strata=strata,
        weights=w,
        studentised=studentised,
        confidence_level=confidence_level,
    )
    inside = np.average(pair[role], axis=0, weights=w[role])
    outside = np.average(pair[~role], axis=0, weights=w[~role])
    return ExcessChange(
        test=test,
        excess=inside - outside,
        units=np.flatnonzero(role),
        differences=own[role] - float(np.average(own[~role], weights=w[~role])),
    )


def consecutive_changes(
    changes: FloatArray,
    experiment: BoolArray,
    *,
    scaling: Scaling,
    weights: FloatArray | None = None,
    draws: int,
    max_exact: int,
    seed: int,
) -> JointResult:
    """Test all K − 1 changes from one exposure to the next together, ``changes`` (n, K), K ≥ 3.

    See :func:`joint_changes`. Raises ValueError for fewer than three exposures and for the
    reasons given there.
    """
    y, role = _table(changes, experiment)
    if y.shape[1] < 3:
        msg = (
            f"{y.shape[1]} exposures have {max(y.shape[1] - 1, 0)} consecutive changes: there is "
            "no family to test; see change_in_excess for one change"
        )
        raise ValueError(msg)
    return joint_changes(
        y,
        role,
        pairs=[(k, k + 1) for k in range(y.shape[1] - 1)],
        scaling=scaling,
        weights=weights,
        draws=draws,
        max_exact=max_exact,
        seed=seed,
    )


def joint_changes(
    changes: FloatArray,
    experiment: BoolArray,
    *,
    pairs: Sequence[tuple[int, int]],
    scaling: Scaling,
    weights: FloatArray | None = None,
    draws: int,
    max_exact: int,
    seed: int,
) -> JointResult:
    """Test the changes between several ``pairs`` (j, k) of exposures together; in their order.

    The largest scaled change is compared with the largest of every assignment (max-T), with the
    same assignments for all. The hypothesis is the one of :func:`change_in_excess` at all
    exposures at once, and the weights of a pair are those given there.
    Raises ValueError for no pairs, an unknown ``scaling``, and the reasons given at
    :func:`change_in_excess`.
    """
    y, role = _table(changes, experiment)
    chosen = [check_exposures(pair, y.shape[1]) for pair in pairs]
    if not chosen:
        msg = "there is no pair of exposures to test"
        raise ValueError(msg)
    w = _weights(weights, y)
    assignments = draw_assignments(role, draws=draws, max_exact=max_exact, seed=seed)
    return joint_randomisation_test(
        np.column_stack([y[:, k] - y[:, j] for j, k in chosen]),
        role,
        assignments,
        scaling=scaling,
        weights=np.column_stack([_common(w[:, pair]) for pair in chosen]),
    )


def _curve(
    values: FloatArray,
    role: BoolArray,
    assignments: Assignments,
    weights: FloatArray,
    strata: IntArray | None,
) -> PValueCurve:
    """Return the curve of a difference of means, with several strata of the one within them."""
    if strata is not None and several(strata):
        return adjusted_curve(values, role, assignments, stratum_dummies(strata), weights)
    check_inputs(values, role, assignments, weights)
    return difference_curve(values, role, assignments, weights, studentised=False)


def _table(changes: FloatArray, experiment: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Return changes (n, K) and roles (n,) after checking that they fit together."""
    y, role = np.asarray(changes, dtype=float), np.asarray(experiment, dtype=bool)
    if y.ndim != 2 or not y.shape[1] or role.shape != y.shape[:1]:
        msg = (
            f"changes {y.shape} and roles {role.shape} must be a table of municipalities by "
            "exposures and one role per municipality"
        )
        raise ValueError(msg)
    if not np.isfinite(y).all():
        msg = (
            f"{int((~np.isfinite(y).all(axis=1)).sum())} municipalities lack a finite change at "
            "some exposure; leave out who was not there at every exposure"
        )
        raise ValueError(msg)
    return y, role


def _weights(weights: FloatArray | None, y: FloatArray) -> FloatArray:
    """Return weights (n, K), 1 by default."""
    if weights is None:
        return np.ones_like(y)
    w = np.asarray(weights, dtype=float)
    if w.shape not in (y.shape, y.shape[:1]):
        msg = f"weights must be ({len(y)},) or {y.shape}, not {w.shape}"
        raise ValueError(msg)
    if not (np.isfinite(w).all() and (w > 0).all()):
        msg = "weights must be finite and positive"
        raise ValueError(msg)
    return np.broadcast_to(w if w.ndim == 2 else w[:, None], y.shape)


def _common(weights: FloatArray) -> FloatArray:
    """Return one weight per municipality from those at two exposures, each scaled to sum 1."""
    # Weights that are equal must stay exactly equal: that is the faster way.
    if (np.ptp(weights, axis=0) == 0).all():
        return np.ones(len(weights))
    common: FloatArray = (weights / weights.sum(axis=0)).mean(axis=1)
    return common
