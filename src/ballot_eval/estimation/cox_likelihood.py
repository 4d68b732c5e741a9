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
#: A step that raises the likelihood by less than half of this is the last. Newton's steps square
#: the error, so that the coefficients are then right to some 1e-12 of their standard errors.
CONVERGED = 1e-12
_ITERATIONS = 60


@dataclass(frozen=True, slots=True)
class CoxData:
    """Rows sorted by stratum and time, and where the risk sets are.

    ``x`` (n, p) is centred and scaled, ``event`` (n,), ``stratum`` (n,) and ``time`` (n,) sorted;
    ``set_of`` (n,) is each row's distinct stratum-time, ``start`` and ``stop`` (S,) the rows at
    risk at it. ``step_set`` and ``step_tie`` (E,) give the risk set of every event and the share
    of the tied rows that it no longer sees (all 0 for Breslow's rule); ``step_first`` is the first
    step of each risk set with events, ``heads`` the first row of each stratum.
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
    step_first: IntArray
    heads: IntArray

    def risk_sums(self, values: FloatArray) -> FloatArray:
        """Return the sums of ``values`` (n, k) over the risk set of every event (E, k)."""
        sums = np.zeros((len(values) + 1, values.shape[1]))
        sums[:-1] = values[::-1].cumsum(axis=0)[::-1]
        total: FloatArray = (sums[self.start] - sums[self.stop])[self.step_set]
        later = np.flatnonzero(self.step_tie)
        if len(later):
            tied = self._by_set(values[self.event])
            total[later] -= self.step_tie[later, None] * tied[self.step_set[later]]
        return total

    def passed(self, values: FloatArray) -> FloatArray:
        """Return the sums of ``values`` (E, k) over the events during which a row was at risk.

        With Efron's rule a tied event takes part in each step with the weight that it still had.
        """
        whole = self._by_set(values)
        before = whole.cumsum(axis=0) - whole
        before -= before[np.searchsorted(self.stratum[self.start], self.stratum[self.start])]
        found = (before + whole)[self.set_of]
        if self.step_tie.any():
            own = before + self._by_set(values * (1 - self.step_tie[:, None]))
            found[self.event] = own[self.set_of[self.event]]
        return found

    def _by_set(self, values: FloatArray) -> FloatArray:
        """Return the sums of ``values`` (E, k) per risk set (S, k); events are in row order."""
        sums = np.zeros((len(self.start), values.shape[1]))
        sums[self.step_set[self.step_first]] = np.add.reduceat(values, self.step_first, axis=0)
        return sums

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
    step_first = np.flatnonzero(np.diff(step_set, prepend=-1))
    heads = np.flatnonzero(np.diff(stratum, prepend=-1))
    return CoxData(x, event, stratum, time, set_of, start, stop, step_set, tie, step_first, heads)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The partial likelihood at one coefficient vector.

    ``weight`` (n,) is the relative hazard of a row (scaled within its stratum), ``total`` (E,) its
    sum over the risk set of each event, ``mean`` (E, p) the weighted mean of the columns there.
    """

    loglik: float
    score: FloatArray
    information: FloatArray
    weight: FloatArray
    total: FloatArray
    mean: FloatArray


def evaluate(data: CoxData, beta: FloatArray) -> Evaluation:
    """Return log likelihood, score (p,), information (p, p) and their parts at ``beta`` (p,)."""
    x = data.x
    eta = x @ beta
    # The likelihood does not change when a stratum is shifted; this keeps exp() in range.
    sizes = np.diff(data.heads, append=len(eta))
    eta = eta - np.repeat(np.maximum.reduceat(eta, data.heads), sizes)
    weight = np.exp(eta)
    sums = data.risk_sums(weight[:, None] * np.column_stack([np.ones(len(x)), x]))
    total = sums[:, 0]
    mean = sums[:, 1:] / total[:, None]
    score = x[data.event].sum(axis=0) - mean.sum(axis=0)
    loglik = float(eta[data.event].sum() - np.log(total).sum())
    whole = np.ones(len(total))
    return Evaluation(
        loglik, score, information_of(data, weight, total, mean, whole), weight, total, mean
    )


def information_of(
    data: CoxData, weight: FloatArray, total: FloatArray, mean: FloatArray, share: FloatArray
) -> FloatArray:
    """Return the covariance of the columns in the risk sets, summed with ``share`` (E,): (p, p).

    The squares are summed by row, not by event: a row counts for all the risk sets it was in.
    """
    hazard = weight * data.passed((share / total)[:, None])[:, 0]
    found: FloatArray = (data.x * hazard[:, None]).T @ data.x - (mean * share[:, None]).T @ mean
    return found


@dataclass(frozen=True, slots=True)
class Maximum:
    """The maximum, with the evaluation there and at the start."""

    beta: FloatArray
    at_maximum: Evaluation
    at_start: Evaluation
    iterations: int


def maximise(data: CoxData, names: Sequence[str], start: FloatArray | None = None) -> Maximum:
    """Return the maximum of the partial likelihood by Newton's method with step halving.

    ``start`` (p,) is 0 by default.
    Raises ValueError for no event, a column that does not vary within the risk sets or is
    collinear with others, and a likelihood that keeps rising (an infinite coefficient).
    """
    if not data.event.any():
        msg = "no event was observed: every time is censored"
        raise ValueError(msg)
    beta = np.zeros(data.x.shape[1]) if start is None else start
    first = now = evaluate(data, beta)
    check_information(first.information, names)
    for iteration in range(1, _ITERATIONS + 1):
        step = _newton_step(now, names)
        decrement = float(now.score @ step)
        # A flat likelihood that still asks for long steps (in standard deviations of a column).
        if decrement < 1e-6 and np.abs(step).max() > 0.1:
            _raise_monotone(names, int(np.argmax(np.abs(step))))
        for _ in range(30):
            # A step far too long makes all weights of a risk set 0; it is then halved.
            with np.errstate(divide="ignore", invalid="ignore"):
                ahead = evaluate(data, beta + step)
            if ahead.loglik >= now.loglik - 1e-12 * abs(now.loglik):
                break
            step = step / 2
        beta, now = beta + step, ahead
        if decrement < CONVERGED:
            return Maximum(beta, now, first, iteration)
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
    """Raise ValueError for columns without information of their own."""
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
    """Return martingale (n,) and score (n, p) residuals of the sorted rows."""
    columns = np.column_stack([np.ones(len(at.total)), at.mean])
    passed = at.weight[:, None] * data.passed(columns / at.total[:, None])
    martingale = data.event - passed[:, 0]
    score = passed[:, 1:] - data.x * passed[:, :1]
    average = np.zeros((len(data.start), columns.shape[1]))
    np.add.at(average, data.step_set, columns)
    sets = data.set_of[data.event]
    score[data.event] += data.x[data.event] - average[sets, 1:] / average[sets, :1]
    return martingale, score
