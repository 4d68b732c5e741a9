"""Placebo tests and standard errors for the estimates of :mod:`ballot_eval.estimation.synthetic`.

Sources: Abadie, Diamond & Hainmueller (2010), JASA 105 (in-space placebos, ratio of fits);
Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), AER 111(12), algorithms 3 (jackknife) and
4 (placebo).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.inference import TIE_TOLERANCE, draw_assignments
from ballot_eval.estimation.synthetic import (
    Frame,
    Method,
    Solver,
    effects_of,
    make_frame,
    solve_weights,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: What a placebo is compared on: see :func:`placebo_test`.
Statistic = Literal["effect", "ratio"]


@dataclass(frozen=True, slots=True)
class PlaceboTest:
    """In-space placebos: every control in turn in the place of an experiment unit.

    ``units`` and ``controls`` are row positions; ``estimates``, ``statistics`` and ``p_values``
    follow ``units``, the ``placebo_`` arrays follow ``controls``. ``mean_estimate`` is the mean
    over the experiment units, ``mean_p_value`` compares the mean statistic with that of
    ``draws`` random sets of as many controls.
    """

    units: IntArray
    estimates: FloatArray
    statistics: FloatArray
    p_values: FloatArray
    controls: IntArray
    placebo_estimates: FloatArray
    placebo_statistics: FloatArray
    mean_estimate: float
    mean_p_value: float
    draws: int


@dataclass(frozen=True, slots=True)
class PlaceboError:
    """Standard error from ``draws`` placebo ``estimates``, in the unit of the outcomes."""

    standard_error: float
    estimates: FloatArray
    draws: int


def placebo_test(
    outcomes: FloatArray,
    treated: BoolArray,
    *,
    n_post: int,
    method: Method,
    statistic: Statistic,
    draws: int,
    seed: int,
    solver: Solver | None = None,
) -> PlaceboTest:
    """Compare each experiment unit, and their mean, with every control in the same place.

    A placebo is fitted on the other controls; experiment units never serve as controls.
    The unit weights of synthetic DiD keep the ridge for one experiment unit.
    ``statistic`` is ``effect``, the absolute estimate, or ``ratio``, the root mean squared gap
    after over that before. p = (1 + #{placebo ≥ own}) / (1 + controls), ties counted; for the
    mean (1 + #)/(1 + ``draws``). Errors as :func:`synthetic_effect`, and ValueError with fewer
    controls than experiment units, or for a ratio when a fit before is exact.
    """
    if statistic not in ("effect", "ratio"):
        msg = f"statistic must be 'effect' or 'ratio', not {statistic!r}"
        raise ValueError(msg)
    if draws < 1:
        msg = f"draws must be 1 or more, not {draws}"
        raise ValueError(msg)
    frame = make_frame(outcomes, treated, n_post, method, solver)
    n1, n0 = len(frame.experiment), len(frame.control)
    _enough_controls(frame, statistic_only=True)
    estimates, statistics = _all_statistics(frame, statistic)
    own, placebos = statistics[:n1], statistics[n1:]
    reached = (placebos[None, :] >= own[:, None] * (1 - TIE_TOLERANCE)).sum(axis=1)
    p_mean, count = _mean_p_value(estimates, statistics, statistic, n1, draws, seed)
    return PlaceboTest(
        units=np.flatnonzero(frame.roles),
        estimates=estimates[:n1],
        statistics=own,
        p_values=(1 + reached) / (1 + n0),
        controls=np.flatnonzero(~frame.roles),
        placebo_estimates=estimates[n1:],
        placebo_statistics=placebos,
        mean_estimate=float(estimates[:n1].mean()),
        mean_p_value=p_mean,
        draws=count,
    )


def _all_statistics(frame: Frame, name: Statistic) -> tuple[FloatArray, FloatArray]:
    """Return estimates and statistics of the experiment units, then of the controls."""
    itself = np.eye(len(frame.control), dtype=bool)
    parts = [
        effects_of(frame, targets, solve_weights(frame, targets, blocked, frame.ridge(1)))
        for targets, blocked in ((frame.experiment, None), (frame.control, itself))
    ]
    effects = np.concatenate([part[0] for part in parts])
    rmse = np.concatenate([part[2] for part in parts])
    estimates = effects.mean(axis=1)
    # What is left of effects that cancel is rounding, and rounding must not break a tie.
    estimates[np.abs(estimates) <= 1e-13 * np.abs(frame.control).max()] = 0.0
    if name == "effect":
        return estimates, np.abs(estimates)
    exact = int((rmse <= 1e-8 * np.ptp(frame.control)).sum())
    if exact:
        msg = f"{exact} units fit exactly before the start, so a ratio to that fit has no value"
        raise ValueError(msg)
    return estimates, np.sqrt((effects**2).mean(axis=1)) / rmse


def _mean_p_value(
    estimates: FloatArray, statistics: FloatArray, name: str, n1: int, draws: int, seed: int
) -> tuple[float, int]:
    """Return the p-value of the mean over the first ``n1`` entries, and the draws behind it."""
    # The sign belongs to the mean of the effects, not to each effect.
    values = estimates if name == "effect" else statistics
    members = _placebo_sets(len(values) - n1, n1, draws, seed)
    means = np.abs(values[n1:][members].mean(axis=1))
    reached = int((means >= abs(values[:n1].mean()) * (1 - TIE_TOLERANCE)).sum())
    return (1 + reached) / (1 + len(members)), len(members)


def placebo_standard_error(
    outcomes: FloatArray,
    treated: BoolArray,
    *,
    n_post: int,
    method: Method,
    draws: int,
    seed: int,
    solver: Solver | None = None,
) -> PlaceboError:
    """Return the placebo standard error of :func:`synthetic_effect` (2021, algorithm 4).

    Each draw gives the role to as many random controls as there are experiment units and
    estimates afresh, with the ridge of the estimate. It assumes that experiment units vary as
    controls do. Raises ValueError as :func:`synthetic_effect`, and when the controls are not more
    than the experiment units.
    """
    frame = make_frame(outcomes, treated, n_post, method, solver)
    _enough_controls(frame, statistic_only=False)
    if draws < 2:
        msg = f"a standard error needs at least two draws, not {draws}"
        raise ValueError(msg)
    n1 = len(frame.experiment)
    members = np.sort(_placebo_sets(len(frame.control), n1, draws, seed), axis=1)
    # With one experiment unit there are only as many different placebos as controls.
    distinct, inverse = np.unique(members, axis=0, return_inverse=True)
    estimates = _placebo_estimates(frame, distinct)[inverse.reshape(-1)]
    return PlaceboError(float(estimates.std()), estimates, draws)


def jackknife_standard_error(
    outcomes: FloatArray,
    treated: BoolArray,
    *,
    n_post: int,
    method: Method,
    solver: Solver | None = None,
) -> float:
    """Return the fixed-weights jackknife standard error over units (2021, algorithm 3).

    Units are left out one by one while the remaining weights keep their proportions; for
    synthetic DiD it tends to be conservative, for synthetic control the authors advise against it.
    Raises ValueError as :func:`synthetic_effect`, and with one experiment unit or one control
    that has all the weight.
    """
    frame = make_frame(outcomes, treated, n_post, method, solver)
    n1, n0 = frame.experiment.shape[0], frame.control.shape[0]
    target = frame.experiment.mean(axis=0)[None, :]
    weights = solve_weights(frame, target, None, frame.ridge(n1))
    omega = weights.units[0]
    if n1 < 2 or omega.max() > 1 - 1e-9:
        msg = "the jackknife needs two experiment units and two controls with weight"
        raise ValueError(msg)
    contrast = np.concatenate([-weights.times[0], np.full(n_post, 1 / n_post)])
    own, other = frame.experiment @ contrast, frame.control @ contrast
    fitted = float(omega @ other)
    without_own = (own.sum() - own) / (n1 - 1) - fitted
    without_other = own.mean() - (fitted - omega * other) / (1 - omega)
    values = np.concatenate([without_own, without_other])
    return math.sqrt((n1 + n0 - 1) * float(values.var()))


def _enough_controls(frame: Frame, *, statistic_only: bool) -> None:
    n1, n0 = len(frame.experiment), len(frame.control)
    donors = 1 if frame.method == "did" else 2
    if n0 < n1 or n0 - (1 if statistic_only else n1) < donors:
        msg = f"{n0} controls are too few for placebos of {n1} experiment units"
        raise ValueError(msg)


def _placebo_sets(n0: int, n1: int, draws: int, seed: int) -> IntArray:
    """Return (draws, n1) positions of controls; a set of all controls is its only one."""
    if n0 == n1:
        return np.arange(n0)[None, :]
    return draw_assignments(np.arange(n0) < n1, draws=draws, max_exact=0, seed=seed).members


def _placebo_estimates(frame: Frame, members: IntArray) -> FloatArray:
    """Return the estimate of each set of controls put in the place of the experiment units."""
    targets = frame.control[members].mean(axis=1)
    blocked = np.zeros((len(members), len(frame.control)), dtype=bool)
    blocked[np.arange(len(members))[:, None], members] = True
    ridge = frame.ridge(len(frame.experiment))
    observed = solve_weights(frame, frame.experiment.mean(axis=0)[None, :], None, ridge)
    # The authors start the solver at the weights of the estimate.
    weights = solve_weights(frame, targets, blocked, ridge, start=observed)
    return np.asarray(effects_of(frame, targets, weights)[0].mean(axis=1))
