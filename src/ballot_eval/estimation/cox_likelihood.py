"""The partial likelihood of the Cox model: value, derivatives, residuals, maximum. Arrays only.

Rows are sorted by stratum and time, so that every risk set is a stretch of rows up to the end of
its stratum and all sums over risk sets are differences of one cumulative sum. Each event is one
step; with Efron's rule the k-th of d tied events sees the tied rows with weight 1 − k/d.

Sources: Cox (1972), JRSS B 34; Efron (1977), JASA 72; Breslow (1974), Biometrics 30 (ties);
Therneau & Grambsch (2000), Modeling Survival Data (residuals); Jacobsen (1989), Annals of
Statistics 17 (when the maximum exists).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ballot_eval.estimation.risk_sets import BoolArray, FloatArray, IntArray

Ties = Literal["efron", "breslow"]

#: Directions with less information than this share of the largest are collinear.
SINGULAR = 1e-10
#: Rows of a column that vary less than this share of its size are constant.
CONSTANT = 1e-12
#: Twice the distance from the maximum at which iteration stops; quadratic, so the next is nil.
CONVERGED = 1e-16
_ITERATIONS = 60


@dataclass(frozen=True, slots=True)
class CoxData:
    """Rows sorted by stratum and time, and where the risk sets are.

    ``x`` (n, p) is centred and scaled, ``event`` (n,), ``stratum`` (n,) and ``time`` (n,) sorted;
    ``set_of`` (n,) is each row's distinct stratum-time, ``start`` and ``stop`` (S,) the rows at
    risk at it. ``step_set`` and ``step_tie`` (E,) give the risk set of every event and the share
    of the tied rows that it no longer sees (all 0 for Breslow's rule).
    """

    x: FloatArray
    event: BoolArray
    stratum: IntArray
    time: FloatArray
    set_of: IntArray
    start: IntArray
    stop: IntArray
    step_set: IntArray
    step_tie: FloatArray

    def risk_sums(self, values: FloatArray) -> FloatArray:
        """Return the sums of ``values`` (n, ...) over the risk set of every event (E, ...)."""
        sums = np.zeros((len(values) + 1, *values.shape[1:]))
        sums[:-1] = values[::-1].cumsum(axis=0)[::-1]
        total: FloatArray = (sums[self.start] - sums[self.stop])[self.step_set]
        if self.step_tie.any():
            tied = values * self.event.reshape(-1, *[1] * (values.ndim - 1))
            tied = np.add.reduceat(tied, self.start, axis=0)[self.step_set]
            total = total - self.step_tie.reshape(-1, *[1] * (values.ndim - 1)) * tied
        return total

    def without(self, rows: BoolArray, ties: Ties) -> CoxData:
        """Return the data without the marked sorted rows; the order stays."""
        keep = ~rows
        return sorted_data(
            self.x[keep], self.event[keep], self.stratum[keep], self.time[keep], ties
        )


def sorted_data(
    x: FloatArray, event: BoolArray, stratum: IntArray, time: FloatArray, ties: Ties
) -> CoxData:
    """Return the risk sets of rows already sorted by stratum and time."""
    n = len(time)
    first = np.ones(n, dtype=bool)
    first[1:] = (np.diff(time) != 0) | (np.diff(stratum) != 0)
    start = np.flatnonzero(first)
    set_of = np.cumsum(first) - 1
    stop = np.searchsorted(stratum, stratum[start], side="right")
    deaths = np.bincount(set_of[event], minlength=len(start))
    step_set = np.repeat(np.arange(len(start)), deaths)
    tie = np.zeros(len(step_set))
    if ties == "efron":
        before = np.repeat(np.cumsum(deaths) - deaths, deaths)
        tie = (np.arange(len(step_set)) - before) / deaths[step_set]
    return CoxData(x, event, stratum, time, set_of, start, stop, step_set, tie)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The partial likelihood at one coefficient vector.

    ``weight`` (n,) is the relative hazard of a row (scaled within its stratum), ``total`` (E,) its
    sum over the risk set of each event, ``mean`` (E, p) the weighted mean of the columns there,
    ``variance`` (E, p, p) their weighted covariance.
    """

    loglik: float
    score: FloatArray
    information: FloatArray
    weight: FloatArray
    total: FloatArray
    mean: FloatArray
    variance: FloatArray


def evaluate(data: CoxData, beta: FloatArray) -> Evaluation:
    """Return log likelihood, score (p,), information (p, p) and their parts at ``beta`` (p,)."""
    x = data.x
    eta = x @ beta
    # The likelihood does not change when a stratum is shifted; this keeps exp() in range.
    heads = np.flatnonzero(np.diff(data.stratum, prepend=-1))
    eta = eta - np.repeat(np.maximum.reduceat(eta, heads), np.diff(heads, append=len(eta)))
    weight = np.exp(eta)
    weighted = weight[:, None] * x
    total = data.risk_sums(weight)
    mean = data.risk_sums(weighted) / total[:, None]
    square = data.risk_sums(weighted[:, :, None] * x[:, None, :]) / total[:, None, None]
    variance = square - mean[:, :, None] * mean[:, None, :]
    score = x[data.event].sum(axis=0) - mean.sum(axis=0)
    loglik = float(eta[data.event].sum() - np.log(total).sum())
    return Evaluation(loglik, score, variance.sum(axis=0), weight, total, mean, variance)


@dataclass(frozen=True, slots=True)
class Maximum:
    """The maximum, with the evaluation there and at 0."""

    beta: FloatArray
    at_maximum: Evaluation
    at_zero: Evaluation
    iterations: int


def maximise(data: CoxData, names: Sequence[str], start: FloatArray | None = None) -> Maximum:
    """Return the maximum of the partial likelihood by Newton's method with step halving.

    Raises ValueError for no event, a column that does not vary within the risk sets or is
    collinear with others, and a likelihood that keeps rising (an infinite coefficient).
    """
    if not data.event.any():
        msg = "no event was observed: every time is censored"
        raise ValueError(msg)
    p = data.x.shape[1]
    zero = evaluate(data, np.zeros(p))
    check_information(zero.information, names)
    beta = np.zeros(p) if start is None else start
    now = zero if start is None else evaluate(data, beta)
    for iteration in range(1, _ITERATIONS + 1):
        step = _newton_step(now, names)
        decrement = float(now.score @ step)
        # A flat likelihood that still asks for long steps (in standard deviations of a column).
        if decrement < 1e-6 and np.abs(step).max() > 0.1:
            _raise_monotone(names, int(np.argmax(np.abs(step))))
        for _ in range(30):
            ahead = evaluate(data, beta + step)
            if ahead.loglik >= now.loglik - 1e-12 * abs(now.loglik):
                break
            step = step / 2
        beta, now = beta + step, ahead
        if decrement < CONVERGED:
            return Maximum(beta, now, zero, iteration)
        # Rounding in the likelihood can keep the decrement just above the target.
        if decrement < 1e-12 and iteration > 20:
            return Maximum(beta, now, zero, iteration)
    msg = f"the Cox model did not converge in {_ITERATIONS} iterations"
    raise ValueError(msg)


def _newton_step(at: Evaluation, names: Sequence[str]) -> FloatArray:
    values, vectors = np.linalg.eigh(at.information)
    if values[0] <= 1e-14 * max(float(values[-1]), 1.0):
        _raise_monotone(names, int(np.argmax(np.abs(vectors[:, 0]))))
    step: FloatArray = vectors @ ((vectors.T @ at.score) / values)
    return step


def _raise_monotone(names: Sequence[str], column: int) -> None:
    msg = (
        f"the likelihood keeps rising with the coefficient of {names[column]}: there is no finite "
        "estimate (at every event the column is at its extreme, or a group has no events)"
    )
    raise ValueError(msg)


def check_information(information: FloatArray, names: Sequence[str]) -> None:
    """Raise ValueError for columns without information of their own at coefficients of 0."""
    size = np.diag(information)
    flat = np.flatnonzero(size <= SINGULAR * max(1.0, float(size.max())))
    if len(flat):
        msg = f"{names[flat[0]]} does not vary among the rows at risk at the events"
        raise ValueError(msg)
    scale = np.sqrt(size)
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    if values[0] <= SINGULAR:
        involved = [n for n, part in zip(names, vectors[:, 0], strict=True) if abs(part) > 1e-4]
        msg = f"the columns {', '.join(involved)} are collinear: the design is singular"
        raise ValueError(msg)


def residuals(data: CoxData, at: Evaluation) -> tuple[FloatArray, FloatArray]:
    """Return martingale (n,) and score (n, p) residuals of the sorted rows.

    With Efron's rule a tied event passes each step with the weight that it still had there.
    """
    size = len(data.start)
    seen = (1 - data.step_tie) / at.total
    columns = np.column_stack([np.ones(len(at.total)), at.mean])
    whole, own, average = (np.zeros((size, columns.shape[1])) for _ in range(3))
    np.add.at(whole, data.step_set, columns / at.total[:, None])
    np.add.at(own, data.step_set, columns * seen[:, None])
    np.add.at(average, data.step_set, columns)
    passed = whole.cumsum(axis=0) - whole
    first = np.searchsorted(data.stratum[data.start], data.stratum[data.start])
    passed = (passed - passed[first])[data.set_of]
    passed += np.where(data.event[:, None], own[data.set_of], whole[data.set_of])
    passed *= at.weight[:, None]
    martingale = data.event - passed[:, 0]
    score = -(data.x * passed[:, :1] - passed[:, 1:])
    mean = (average[:, 1:] / np.maximum(average[:, :1], 1))[data.set_of]
    score[data.event] += (data.x - mean)[data.event]
    return martingale, score
