"""Synthetic control, synthetic difference-in-differences and plain DiD in one frame. Arrays only.

An estimate is a double contrast: experiment mean minus weighted controls (unit weights ω), after
minus weighted before (time weights λ). Difference-in-differences has both uniform; synthetic
control fits ω to the levels before and has λ = 0; synthetic difference-in-differences fits both,
each up to a constant, with a ridge on ω. All experiment units start in the same period.

Sources: Abadie, Diamond & Hainmueller (2010), JASA 105 (synthetic control, in-space placebos);
Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), AER 111(12) (algorithms 1, 3 and 4; the
tuning and the sparsified Frank–Wolfe solver are those of the authors' software). The weights
are solved for in :mod:`ballot_eval.estimation.simplex`; the placebos are in
:mod:`ballot_eval.estimation.placebos`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.simplex import (
    frank_wolfe,
    simplex_least_squares,
    simplex_ridge,
    sparsify,
)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: How the weights are found: see :func:`synthetic_effect`.
Method = Literal["synthetic_control", "synthetic_did", "did"]
#: How the weights are solved for: see :func:`synthetic_effect`.
Solver = Literal["exact", "frank_wolfe", "frank_wolfe_sparse"]

# The authors' settings: rounds of the solver before and after sparsification, the ridge of the
# time weights and the smallest decrease worth a further round, both in units of the noise level.
_ROUNDS_BEFORE, _ROUNDS = 100, 10_000
_TINY_RIDGE, _SMALLEST_DECREASE = 1e-6, 1e-5
_BLOCK = 256  # problems solved at a time: bounds memory, not a setting of the method


@dataclass(frozen=True, slots=True)
class SyntheticEstimate:
    """An effect and the weights behind it, in the unit of the outcomes.

    ``effects`` has one entry per period after the start and averages to ``estimate``;
    ``observed`` and ``counterfactual`` cover all periods. ``unit_weights`` has one entry per unit
    (0 for experiment units) and sums to 1; ``time_weights`` has one per period before and sums to
    1 (0 for synthetic control, which compares levels). ``pre_rmse`` is the root mean squared gap
    before the start, for the two DiD methods around its mean: clearly above 0 for synthetic
    control, it says that the unit lies outside the hull of the controls and the levels do not
    match. ``converged`` is False when the solver used up its rounds, as it often does; the authors'
    software then gives the same numbers, without saying so.
    """

    estimate: float
    effects: FloatArray
    observed: FloatArray
    counterfactual: FloatArray
    unit_weights: FloatArray
    time_weights: FloatArray
    pre_rmse: float
    converged: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """Checked input: ``experiment`` (n1, periods) and ``control`` (n0, periods).

    The first ``n_pre`` periods lie before the start; ``noise`` is the standard deviation of the
    controls' first differences in them, all together. As in the authors' software it contains
    shocks common to all units, unless every period moved by the same amount.
    """

    experiment: FloatArray
    control: FloatArray
    roles: BoolArray
    n_pre: int
    method: Method
    solver: Solver | None
    noise: float

    def ridge(self, size: int) -> float:
        """Return ζ of the unit weights when ``size`` units have the role together."""
        return float((size * (self.control.shape[1] - self.n_pre)) ** 0.25 * self.noise)


@dataclass(frozen=True, slots=True)
class Weights:
    """Unit weights (problems, n0), time weights (problems, n_pre), convergence (problems,)."""

    units: FloatArray
    times: FloatArray
    converged: BoolArray


def synthetic_effect(
    outcomes: FloatArray,
    treated: BoolArray,
    *,
    n_post: int,
    method: Method,
    solver: Solver | None = None,
) -> SyntheticEstimate:
    """Return the effect on the mean of the experiment units, over the last ``n_post`` periods.

    ``outcomes`` is (units, periods) in order of time; ``treated`` (units,) marks the experiment
    units. ``method`` is ``did``, ``synthetic_control`` or ``synthetic_did``. The last two need a
    ``solver``: ``exact`` gives the optimum; ``frank_wolfe_sparse`` repeats the authors' software,
    100 rounds, small weights dropped, then 10,000 rounds (its synthetic control adds a negligible
    ridge); ``frank_wolfe`` leaves the dropping out. Published numbers are those of
    ``frank_wolfe_sparse``, which often stops short of the optimum. With more controls than
    periods before, synthetic-control weights that fit exactly are not unique, and neither is the
    estimate; ``exact`` then returns weights on at most n_pre + 1 controls.

    Raises ValueError for NaN, a missing role, identical outcomes, or too few periods. With one
    period before only ``did`` is defined: one number does not pick weights, nor show a noise level.
    """
    frame = make_frame(outcomes, treated, n_post, method, solver)
    target = frame.experiment.mean(axis=0)[None, :]
    weights = solve_weights(frame, target, None, frame.ridge(len(frame.experiment)))
    return _describe(frame, target, weights)[0]


def synthetic_effects_per_unit(
    outcomes: FloatArray,
    treated: BoolArray,
    *,
    n_post: int,
    method: Method,
    solver: Solver | None = None,
) -> tuple[SyntheticEstimate, ...]:
    """Return the effect for each experiment unit alone against all controls, in row order.

    Arguments and errors as :func:`synthetic_effect`.
    """
    frame = make_frame(outcomes, treated, n_post, method, solver)
    weights = solve_weights(frame, frame.experiment, None, frame.ridge(1))
    return tuple(_describe(frame, frame.experiment, weights))


def make_frame(
    outcomes: FloatArray, treated: BoolArray, n_post: int, method: Method, solver: Solver | None
) -> Frame:
    """Check the input and split it by role. ValueError says what is wrong."""
    y, roles = np.asarray(outcomes, dtype=float), np.asarray(treated)
    if method not in ("synthetic_control", "synthetic_did", "did"):
        msg = f"method must be 'synthetic_control', 'synthetic_did' or 'did', not {method!r}"
        raise ValueError(msg)
    if method != "did" and solver not in ("exact", "frank_wolfe", "frank_wolfe_sparse"):
        msg = f"solver must be 'exact', 'frank_wolfe' or 'frank_wolfe_sparse', not {solver!r}"
        raise ValueError(msg)
    if y.ndim != 2 or roles.shape != (len(y),) or roles.dtype != bool:
        msg = "outcomes must be (units, periods) and treated one boolean per unit"
        raise ValueError(msg)
    if not np.isfinite(y).all():
        rows = np.flatnonzero(~np.isfinite(y).all(axis=1)).tolist()
        msg = f"outcomes must be finite; leave out or complete the units in rows {rows}"
        raise ValueError(msg)
    n_pre, fitted = y.shape[1] - n_post, method != "did"
    if n_post < 1 or n_pre < (2 if fitted else 1):
        msg = f"{method} needs a period after the start and {2 if fitted else 1} before; there are "
        raise ValueError(msg + f"{max(n_post, 0)} and {n_pre}")
    if not roles.any() or (~roles).sum() < (2 if fitted else 1):
        msg = f"{method} needs an experiment unit and {2 if fitted else 1} or more controls"
        raise ValueError(msg)
    control = y[~roles]
    _not_identical(y, control[:, :n_pre], method)
    noise = float(np.diff(control[:, :n_pre], axis=1).std(ddof=1)) if fitted else 0.0
    return Frame(y[roles], control, roles, n_pre, method, solver, noise)


def _not_identical(y: FloatArray, before: FloatArray, method: Method) -> None:
    """Raise ValueError when the outcomes give the method nothing to work on."""
    smallest = 1e-12 * float(np.abs(y).max())
    if np.ptp(y) <= smallest:
        msg = "all outcomes are identical; there is nothing to estimate"
        raise ValueError(msg)
    if method != "did" and np.ptp(before, axis=0).max() <= smallest:
        msg = "the controls have identical outcomes before the start, which pick no weights"
        raise ValueError(msg)
    if method == "synthetic_did" and np.ptp(np.diff(before, axis=1)) <= smallest:
        msg = "the controls change identically before the start, so the noise level is zero"
        raise ValueError(msg)


def effects_of(
    frame: Frame, targets: FloatArray, weights: Weights
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return effects (problems, n_post), counterfactuals (problems, periods) and fits before."""
    fitted = weights.units @ frame.control
    gaps = targets - fitted
    before = gaps[:, : frame.n_pre]
    shift = (weights.times * before).sum(axis=1, keepdims=True)
    centre = 0.0 if frame.method == "synthetic_control" else before.mean(axis=1, keepdims=True)
    rmse = np.sqrt(((before - centre) ** 2).mean(axis=1))
    return gaps[:, frame.n_pre :] - shift, fitted + shift, rmse


def _describe(frame: Frame, targets: FloatArray, weights: Weights) -> list[SyntheticEstimate]:
    effects, counterfactual, rmse = effects_of(frame, targets, weights)
    units = np.zeros((len(targets), len(frame.roles)))
    units[:, ~frame.roles] = weights.units
    return [
        SyntheticEstimate(
            estimate=float(effects[b].mean()),
            effects=effects[b],
            observed=targets[b],
            counterfactual=counterfactual[b],
            unit_weights=units[b],
            time_weights=weights.times[b],
            pre_rmse=float(rmse[b]),
            converged=bool(weights.converged[b]),
        )
        for b in range(len(targets))
    ]


def solve_weights(
    frame: Frame,
    targets: FloatArray,
    blocked: BoolArray | None,
    zeta: float,
    *,
    start: Weights | None = None,
) -> Weights:
    """Return the weights for ``targets`` (problems, periods) on the controls not ``blocked``.

    ``blocked`` (problems, n0) bars as many controls in every problem.
    """
    n0, n_pre, problems = len(frame.control), frame.n_pre, len(targets)
    allowed = np.ones((problems, n0)) if blocked is None else (~blocked).astype(float)
    uniform = allowed / allowed.sum(axis=1, keepdims=True)
    even = np.full((problems, n_pre), 1 / n_pre)
    if frame.method == "did":
        return Weights(uniform, even, np.ones(problems, dtype=bool))
    if frame.solver == "exact":
        return _exact(frame, targets, allowed > 0, zeta)
    if start is not None:
        kept = start.units * allowed
        total = kept.sum(axis=1, keepdims=True)
        uniform = np.divide(kept, total, out=uniform, where=total > 0)
        even = np.broadcast_to(start.times, even.shape).copy()
    parts = [slice(first, first + _BLOCK) for first in range(0, problems, _BLOCK)]
    units, fine = _unit_weights(frame, targets, blocked, zeta, uniform, parts)
    if frame.method == "synthetic_control":
        return Weights(units, np.zeros_like(even), fine)
    times, fine_times = _time_weights(frame, allowed, even, parts)
    return Weights(units, times, fine & fine_times)


def _exact(frame: Frame, targets: FloatArray, allowed: BoolArray, zeta: float) -> Weights:
    """Return the optimal weights, problem by problem."""
    n_pre, problems = frame.n_pre, len(targets)
    units, times = np.zeros(allowed.shape), np.zeros((problems, n_pre))
    after = frame.control[:, n_pre:].mean(axis=1)
    for p, own in enumerate(allowed):
        before, target = frame.control[own, :n_pre], targets[p, :n_pre]
        if frame.method == "synthetic_control":
            units[p, own] = simplex_least_squares(before.T, target)
            continue
        centred = before - before.mean(axis=1, keepdims=True)
        ridge = n_pre * zeta**2
        units[p, own] = simplex_ridge(centred.T, target - target.mean(), ridge=ridge)
        ridge = len(before) * (_TINY_RIDGE * frame.noise) ** 2
        level, later = before - before.mean(axis=0), after[own] - after[own].mean()
        times[p] = simplex_least_squares(level, later, ridge=ridge)
    return Weights(units, times, np.ones(problems, dtype=bool))


def _unit_weights(
    frame: Frame,
    targets: FloatArray,
    blocked: BoolArray | None,
    zeta: float,
    start: FloatArray,
    parts: list[slice],
) -> tuple[FloatArray, BoolArray]:
    """Fit the controls' periods before to those of the targets."""
    a, b = frame.control[:, : frame.n_pre].T, targets[:, : frame.n_pre]
    if frame.method == "synthetic_control":
        zeta = _TINY_RIDGE * frame.noise
    else:  # an intercept: compare the movements around the mean
        a, b = a - a.mean(axis=0), b - b.mean(axis=1, keepdims=True)
    solved = [
        _two_rounds(frame, a, b[s], start[s], None if blocked is None else blocked[s], len(a), zeta)
        for s in parts
    ]
    return np.concatenate([w for w, _ in solved]), np.concatenate([c for _, c in solved])


def _time_weights(
    frame: Frame, allowed: FloatArray, start: FloatArray, parts: list[slice]
) -> tuple[FloatArray, BoolArray]:
    """Fit the controls' periods before to their mean after, on each problem's own controls."""
    after = frame.control[:, frame.n_pre :].mean(axis=1, keepdims=True)
    table = np.concatenate([frame.control[:, : frame.n_pre], after], axis=1)
    solved = []
    for s in parts:
        own = allowed[s]
        count = int(own[0].sum())
        means = own @ table / count
        centred = (table[None] - means[:, None]) * own[:, :, None]
        # The triangular factor has the same least squares with n_pre + 1 rows, not one per control.
        small = np.asarray(np.linalg.qr(centred, mode="r"), dtype=float)
        zeta = _TINY_RIDGE * frame.noise
        a, b = small[:, :, :-1], small[:, :, -1]
        solved.append(_two_rounds(frame, a, b, start[s], None, count, zeta))
    return np.concatenate([w for w, _ in solved]), np.concatenate([c for _, c in solved])


def _two_rounds(
    frame: Frame,
    a: FloatArray,
    b: FloatArray,
    start: FloatArray,
    blocked: BoolArray | None,
    rows: int,
    zeta: float,
) -> tuple[FloatArray, BoolArray]:
    """Run Frank–Wolfe shortly, drop small weights, and run it again to the end."""

    def run(start: FloatArray, rounds: int) -> tuple[FloatArray, BoolArray]:
        return frank_wolfe(
            a,
            b,
            start,
            blocked=blocked,
            rows=rows,
            zeta=zeta,
            min_decrease=_SMALLEST_DECREASE * frame.noise,
            rounds=rounds,
        )

    if frame.solver == "frank_wolfe":
        return run(start, _ROUNDS)
    return run(sparsify(run(start, _ROUNDS_BEFORE)[0]), _ROUNDS)
