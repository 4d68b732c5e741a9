"""Non-inferiority and equivalence against a margin, by inverting one-sided randomisation tests.

The margin and the level come from the analysis plan and are fixed before the data are seen;
nothing here proposes one, and there is no verdict without one. Higher values are the bad side
(invalid votes, minutes): for an outcome where more is better, pass the values with their sign
turned. ``not_shown`` is not evidence of the opposite, only the absence of proof.

For an additive effect τ the statistic of assignment π is a_π − τ·b_π (see
:mod:`ballot_eval.estimation.inference`). It does not exceed the observed â − τ exactly when τ is
at most e_π = (â − a_π)/(1 − b_π), so the one-sided p-value at every τ, and the limit that belongs
to it, are counts and order statistics of one vector e.

Sources: Schuirmann (1987), J. Pharmacokinetics and Biopharmaceutics 15 (two one-sided tests);
Wellek (2010), Testing Statistical Hypotheses of Equivalence and Noninferiority, ch. 1 and 3;
Imbens & Rubin (2015), Causal Inference, ch. 5 (inversion); Phipson & Smyth (2010), SAGMB 9(1);
Wu & Ding (2021), JASA 116 (studentised statistic).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.inference import Assignments, difference_curve
from ballot_eval.estimation.pvalue_curve import TIE_TOLERANCE, PValueCurve

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

Verdict = Literal["non_inferior", "equivalent", "not_shown"]

#: Slack of p ≤ alpha against rounding of a count divided by a number of draws.
_LEVEL_SLACK = 1e-12

#: Where a studentised p-value is looked at, in spreads of the statistic from the estimate: fine
#: where limits lie, then ever coarser to where only the observed assignment is left.
_OFFSETS = np.concatenate([np.linspace(0.0, 2.0, 65), np.geomspace(2.2, 1e4, 24)])


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict against a margin; estimate, margin and limits in the unit of the values.

    ``p_upper`` belongs to the hypothesis that the effect is at least ``margin``, ``p_lower`` to
    that it is at most −``margin`` (NaN for non-inferiority, which does not ask); ``p_value`` is
    the one that decides, the larger of those asked. ``ci_upper`` and ``ci_lower`` are one-sided
    limits at 1 − ``alpha`` each (``ci_lower`` is −inf for non-inferiority), so for equivalence
    they enclose a 1 − 2·``alpha`` interval. The verdict is positive exactly when the limits lie
    strictly within the margin. ``p_error`` is the Monte-Carlo standard error, 0 when exact.
    """

    verdict: Verdict
    estimate: float
    margin: float
    alpha: float
    p_upper: float
    p_lower: float
    p_value: float
    p_error: float
    ci_lower: float
    ci_upper: float
    draws: int
    exact: bool
    studentised: bool


def non_inferiority_test(
    values: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    *,
    margin: float,
    alpha: float,
    weights: FloatArray | None = None,
    studentised: bool = False,
) -> Decision:
    """Test that the effect on ``values`` (n,) is smaller than ``margin``; higher is worse.

    The hypothesis is that the effect is at least +``margin``; ``non_inferior`` when it is
    rejected at one-sided level ``alpha``. Both come from the analysis plan. ``treated`` (n,) is
    true for experiment units, ``weights`` (n,) default to 1. Ties count against the verdict;
    drawn p-values are (b+1)/(B+1). The studentised p-value need not fall with the effect, so it
    is the largest over the effects scanned from the margin outwards.

    Raises ValueError when ``margin`` is not a positive number, ``alpha`` not within (0, 0.5),
    values or weights are not finite (weights: positive), all values are the same, the
    assignments are of another size, or the studentised statistic has fewer than two units with
    or without the role.
    """
    curve = _checked_curve(
        values, treated, assignments, margin, alpha, weights, studentised=studentised
    )
    upper = _Side(curve, +1, exact=assignments.exact)
    p_upper, limit = upper.test(margin, alpha)
    return _decision("non_inferior", curve, assignments, margin, alpha, (p_upper, limit), None)


def equivalence_test(
    values: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    *,
    margin: float,
    alpha: float,
    weights: FloatArray | None = None,
    studentised: bool = False,
) -> Decision:
    """Test that the effect on ``values`` (n,) lies strictly between −``margin`` and +``margin``.

    Two one-sided tests, each at level ``alpha``: ``equivalent`` when both hypotheses, that the
    effect is at least ``margin`` and that it is at most −``margin``, are rejected. Arguments and
    errors as :func:`non_inferiority_test`.
    """
    curve = _checked_curve(
        values, treated, assignments, margin, alpha, weights, studentised=studentised
    )
    upper = _Side(curve, +1, exact=assignments.exact).test(margin, alpha)
    lower = _Side(curve, -1, exact=assignments.exact).test(-margin, alpha)
    return _decision("equivalent", curve, assignments, margin, alpha, upper, lower)


def _decision(
    positive: Verdict,
    curve: PValueCurve,
    assignments: Assignments,
    margin: float,
    alpha: float,
    upper: tuple[float, float],
    lower: tuple[float, float] | None,
) -> Decision:
    p_value = upper[0] if lower is None else max(upper[0], lower[0])
    n = len(assignments.members)
    error = 0.0 if assignments.exact else math.sqrt(p_value * (1 - p_value) / n)
    return Decision(
        verdict=positive if p_value <= alpha + _LEVEL_SLACK else "not_shown",
        estimate=curve.estimate,
        margin=float(margin),
        alpha=float(alpha),
        p_upper=upper[0],
        p_lower=math.nan if lower is None else lower[0],
        p_value=p_value,
        p_error=error,
        ci_lower=-math.inf if lower is None else lower[1],
        ci_upper=upper[1],
        draws=n,
        exact=assignments.exact,
        studentised=bool(curve.scale),
    )


class _Side:
    """One one-sided test: ``sign`` +1 against effects at or above a bound, −1 at or below."""

    def __init__(self, curve: PValueCurve, sign: int, *, exact: bool) -> None:
        self.curve = curve
        self.sign = sign
        self.exact = exact
        # The observed assignment is as extreme as itself whatever the effect: never divide there.
        self.same = curve.b > 1 - 1e-12

    def test(self, bound: float, alpha: float) -> tuple[float, float]:
        """Return the p-value of the effects at and beyond ``bound``, and the limit at 1 − alpha."""
        if self.curve.scale:
            return self._scan(bound, alpha)
        p_value = self.p_value(bound)
        limit = self._order_statistic(alpha)
        if p_value > alpha + _LEVEL_SLACK:
            # A limit that ties with the bound must not fall short of it by rounding.
            limit = self.sign * max(self.sign * limit, self.sign * bound)
        return p_value, limit

    def p_value(self, tau: float) -> float:
        """Return the one-sided p-value of the hypothesis that the effect is ``tau``."""
        curve = self.curve
        statistic = curve.a - tau * curve.b
        observed: float | FloatArray = curve.estimate - tau
        slack = TIE_TOLERANCE * max(abs(curve.estimate - tau), _spread(curve))
        if curve.scale:
            # Multiplied through by both scales: one of them may be 0.
            v0, v1, v2 = curve.scale
            scale = math.sqrt(curve.observed_scale)
            statistic = statistic * scale
            observed = observed * np.sqrt(np.maximum(v0 + tau * (v1 + tau * v2), 0.0))
            slack *= scale
        extreme = int(((self.sign * (statistic - observed) <= slack) | self.same).sum())
        n = len(curve.a)
        return extreme / n if self.exact else (extreme + 1) / (n + 1)

    def _order_statistic(self, alpha: float) -> float:
        """Return the outermost effect whose plain p-value exceeds alpha, without search."""
        curve = self.curve
        ends = np.full(len(curve.a), self.sign * math.inf)
        np.divide(curve.estimate - curve.a, 1 - curve.b, out=ends, where=~self.same)
        n = len(ends)
        # The number of ends that must reach an effect for its p-value to exceed alpha.
        if self.exact:
            needed = math.floor(alpha * n + 1e-9) + 1
        else:
            needed = math.floor(alpha * (n + 1) + 1e-9)
        if needed < 1:
            return self.sign * math.inf
        return float(self.sign * -np.partition(-self.sign * ends, needed - 1)[needed - 1])

    def _scan(self, bound: float, alpha: float) -> tuple[float, float]:
        """Look at the studentised p-value from outside in, past the bound and past the limit.

        The p-value is the largest at or beyond the bound and the limit the outermost crossing
        of alpha among the same effects, so the two cannot disagree.
        """
        steps = np.concatenate([-_OFFSETS[1:], _OFFSETS]) * _spread(self.curve)
        effects = np.append(self.curve.estimate + steps, bound)
        largest, outer, inner = 0.0, math.inf, math.nan
        for effect in sorted(effects.tolist(), key=lambda e: -self.sign * e):
            p_value = self.p_value(effect)
            beyond = self.sign * (effect - bound) >= 0
            if beyond:
                largest = max(largest, p_value)
            if math.isnan(inner):
                if p_value > alpha + _LEVEL_SLACK:
                    inner = effect
                else:
                    outer = effect
            elif not beyond:
                break
        if math.isinf(outer) or math.isnan(inner):
            return largest, self.sign * math.inf
        for _ in range(40):
            middle = (inner + outer) / 2
            if self.p_value(middle) > alpha + _LEVEL_SLACK:
                inner = middle
            else:
                outer = middle
        return largest, inner


def _checked_curve(
    values: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    margin: float,
    alpha: float,
    weights: FloatArray | None,
    *,
    studentised: bool,
) -> PValueCurve:
    """Return the statistics of all assignments after checking everything that enters them."""
    if margin is None or not (math.isfinite(margin) and margin > 0):
        msg = f"margin must be a positive number from the analysis plan, not {margin}"
        raise ValueError(msg)
    if not 0 < alpha < 0.5:
        msg = f"alpha must be a one-sided level between 0 and 0.5, not {alpha}"
        raise ValueError(msg)
    y = np.asarray(values, dtype=float)
    t = np.asarray(treated, dtype=bool)
    w = np.ones_like(y) if weights is None else np.asarray(weights, dtype=float)
    if y.ndim != 1 or t.shape != y.shape or w.shape != y.shape:
        msg = "values, treated and weights must be vectors of the same length"
        raise ValueError(msg)
    if not np.isfinite(y).all():
        msg = "values must be finite; leave units without a baseline out first"
        raise ValueError(msg)
    if not (np.isfinite(w).all() and (w > 0).all()):
        msg = "weights must be finite and positive"
        raise ValueError(msg)
    if not 0 < t.sum() < len(t):
        msg = "a decision needs at least one experiment unit and one control"
        raise ValueError(msg)
    if assignments.n_units != len(y) or assignments.members.shape[1] != t.sum():
        msg = (
            f"assignments give the role to {assignments.members.shape[1]} of "
            f"{assignments.n_units} units, the values have it for {t.sum()} of {len(y)}"
        )
        raise ValueError(msg)
    if np.ptp(y) == 0:
        msg = "all values are the same, so no assignment differs from another"
        raise ValueError(msg)
    if studentised and (t.sum() < 2 or (~t).sum() < 2):
        msg = "the studentised statistic needs at least two units with and two without the role"
        raise ValueError(msg)
    if studentised and np.ptp(y[t]) == 0 and np.ptp(y[~t]) == 0:
        msg = "the values do not vary within the roles, so there is no scale to studentise by"
        raise ValueError(msg)
    return difference_curve(y, t, assignments, w, studentised=studentised)


def _spread(curve: PValueCurve) -> float:
    """Return the largest distance of a permuted statistic from what the estimate implies."""
    return float(np.abs(curve.a - curve.b * curve.estimate).max()) or 1.0
