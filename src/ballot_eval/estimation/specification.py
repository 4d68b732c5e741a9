"""The specification curve: one effect under every defensible choice, and a test of them jointly.

A specification is a choice of baseline, control pool, weighting, scale and method with the
result it gave. The curve sorts and describes them; the joint test asks how often assignments
of the role under which nothing has an effect would give results as far from zero as these.
The choices are a list made beforehand: leaving out those that disappoint undoes the test.

Source: Simonsohn, Simmons & Nelson (2020), Nature Human Behaviour 4, 1208-1214 (three statistics:
the median, the share significant in the dominant direction, the average Z).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from ballot_eval.estimation.inference import TIE_TOLERANCE

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Specification:
    """One way to estimate the effect, and what came out; the first five fields are labels.

    ``estimate`` and limits are in ``unit``, which all specifications of a curve share: bring
    an estimate on another ``outcome_scale`` (a log ratio, say) to that unit first. A limit may
    be infinite, ``p_value`` lies between 0 and 1; otherwise ValueError.
    """

    baseline: str
    control_pool: str
    weighting: str
    outcome_scale: str
    method: str
    unit: str
    estimate: float
    ci_lower: float
    ci_upper: float
    p_value: float

    def __post_init__(self) -> None:
        """Refuse numbers that no estimate can have."""
        if not math.isfinite(self.estimate):
            msg = f"the estimate of a specification must be finite, not {self.estimate}"
            raise ValueError(msg)
        # Written so that NaN fails too.
        if not self.ci_lower <= self.ci_upper:
            msg = f"the limits {self.ci_lower} and {self.ci_upper} are no interval"
            raise ValueError(msg)
        if not 0 <= self.p_value <= 1:
            msg = f"a p-value must lie between 0 and 1, not {self.p_value}"
            raise ValueError(msg)

    @property
    def labels(self) -> tuple[str, str, str, str, str]:
        """The choices that make this specification, which no other of a curve may repeat."""
        return (
            self.baseline,
            self.control_pool,
            self.weighting,
            self.outcome_scale,
            self.method,
        )


@dataclass(frozen=True, slots=True)
class SpecificationCurve:
    """Specifications in the order of their estimates, and their summary.

    ``order`` (k,) are their places in the list given; ``primary`` is the place of the primary
    one in ``specifications``. ``estimates``, ``ci_lower`` and ``ci_upper`` (k,) follow
    ``specifications``. Shares are of all k, the primary one included: with the sign of the
    primary estimate (NaN when that is 0), and with an interval that excludes 0, on either side
    and on the side of the primary estimate.
    """

    specifications: tuple[Specification, ...]
    order: IntArray
    primary: int
    estimates: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    median_estimate: float
    share_same_sign: float
    share_excluding_zero: float
    share_excluding_zero_same_sign: float


@dataclass(frozen=True, slots=True)
class JointTest:
    """Three statistics of a specification curve with p-values under no effect for any unit.

    ``median_estimate`` is in the unit of the estimates and two-sided. ``share_significant`` is
    the share of specifications with a permutation ``p_values`` (k,) of at most ``alpha`` in the
    sign that has most of them, ``average_z`` the mean of their signed normal scores.
    ``p_errors`` are the Monte-Carlo standard errors in the order median, share, Z; 0 when exact.
    """

    median_estimate: float
    median_p_value: float
    share_significant: float
    share_p_value: float
    average_z: float
    average_z_p_value: float
    p_errors: tuple[float, float, float]
    p_values: FloatArray
    alpha: float
    draws: int
    exact: bool


def specification_curve(
    specifications: Sequence[Specification], *, primary: int
) -> SpecificationCurve:
    """Sort ``specifications`` by estimate and describe them.

    ``primary`` is the place in the list of the specification the plan names. Equal estimates
    keep the order of the list. Raises ValueError for an empty list, a ``primary`` outside it,
    more than one unit, or two specifications with the same labels.
    """
    if len(specifications) == 0:
        msg = "a specification curve needs at least one specification"
        raise ValueError(msg)
    if not 0 <= primary < len(specifications):
        msg = f"primary must be a place in the list of {len(specifications)}, not {primary}"
        raise ValueError(msg)
    units = sorted({s.unit for s in specifications})
    if len(units) > 1:
        msg = f"estimates in different units cannot be put in one order: {', '.join(units)}"
        raise ValueError(msg)
    seen: set[tuple[str, ...]] = set()
    for specification in specifications:
        if specification.labels in seen:
            msg = f"a specification is in the list twice: {', '.join(specification.labels)}"
            raise ValueError(msg)
        seen.add(specification.labels)
    order = np.argsort([s.estimate for s in specifications], kind="stable")
    ordered = tuple(specifications[i] for i in order)
    estimates = np.array([s.estimate for s in ordered])
    lower = np.array([s.ci_lower for s in ordered])
    upper = np.array([s.ci_upper for s in ordered])
    sign = float(np.sign(specifications[primary].estimate))
    excluding = np.where(lower > 0, 1.0, np.where(upper < 0, -1.0, 0.0))
    undefined = sign == 0
    return SpecificationCurve(
        specifications=ordered,
        order=order,
        primary=int(np.flatnonzero(order == primary)[0]),
        estimates=estimates,
        ci_lower=lower,
        ci_upper=upper,
        median_estimate=float(np.median(estimates)),
        share_same_sign=math.nan if undefined else float((np.sign(estimates) == sign).mean()),
        share_excluding_zero=float((excluding != 0).mean()),
        share_excluding_zero_same_sign=(
            math.nan if undefined else float((excluding == sign).mean())
        ),
    )


def joint_test(
    estimates: FloatArray, permuted: FloatArray, *, alpha: float, exact: bool
) -> JointTest:
    """Test all specifications at once against the sharp hypothesis of no effect on any unit.

    ``estimates`` (k,) are the observed ones, ``permuted`` (draws, k) those of every
    reassignment of the role, **the same assignment for all specifications of a row**. With
    ``exact`` the rows are all assignments, the observed one among them; otherwise random ones,
    and p = (b+1)/(B+1). What counts as significant is the two-sided rank of an estimate among
    those of its own column, for permuted rows as for the observed one, so that every row is
    treated alike and the p-values hold whatever the dependence between specifications.

    Raises ValueError for no specifications, fewer than one row, other shapes, values that are
    not finite, a column that never varies, ``alpha`` not within (0, 1), or when ``exact`` and
    the observed estimates are not one of the rows.
    """
    observed, rows = _checked(estimates, permuted, alpha)
    spread = np.abs(rows).max(axis=0)
    if exact:
        matches = (np.abs(rows - observed) <= TIE_TOLERANCE * spread).all(axis=1)
        if not matches.any():
            msg = "with all assignments the observed estimates must be one of the rows"
            raise ValueError(msg)
        place = int(np.argmax(matches))
    else:
        # The observed assignment is one of B + 1 that are equally likely under no effect.
        rows, place = np.vstack([observed, rows]), 0
    p = _column_p_values(rows)
    signs = np.sign(rows)
    z = signs * norm.isf(p / 2)
    significant = p <= alpha + 1e-12
    positive, negative = ((significant & (signs == s)).mean(axis=1) for s in (1, -1))
    statistics = (np.median(rows, axis=1), np.maximum(positive, negative), z.mean(axis=1))
    p_joint = [_tail(statistic, place) for statistic in statistics]
    n = len(permuted)
    errors = [0.0 if exact else math.sqrt(q * (1 - q) / n) for q in p_joint]
    return JointTest(
        median_estimate=float(statistics[0][place]),
        median_p_value=p_joint[0],
        share_significant=float(statistics[1][place]),
        share_p_value=p_joint[1],
        average_z=float(statistics[2][place]),
        average_z_p_value=p_joint[2],
        p_errors=(errors[0], errors[1], errors[2]),
        p_values=p[place],
        alpha=float(alpha),
        draws=n,
        exact=exact,
    )


def _column_p_values(rows: FloatArray) -> FloatArray:
    """Return for every entry the share of its column that is at least as far from 0."""
    n = len(rows)
    p = np.empty_like(rows)
    for k in range(rows.shape[1]):
        size = np.abs(rows[:, k])
        slack = TIE_TOLERANCE * size.max()
        p[:, k] = (n - np.searchsorted(np.sort(size), size - slack, side="left")) / n
    return p


def _tail(statistic: FloatArray, place: int) -> float:
    """Return the share of rows whose statistic is at least as far from 0 as that of one row."""
    size = np.abs(statistic)
    return float((size >= size[place] - TIE_TOLERANCE * size.max()).mean())


def _checked(
    estimates: FloatArray, permuted: FloatArray, alpha: float
) -> tuple[FloatArray, FloatArray]:
    observed = np.asarray(estimates, dtype=float)
    rows = np.asarray(permuted, dtype=float)
    if observed.ndim != 1 or len(observed) == 0:
        msg = "estimates must be a vector with at least one specification"
        raise ValueError(msg)
    if rows.ndim != 2 or len(rows) == 0 or rows.shape[1] != len(observed):
        msg = f"permuted must be (draws, {len(observed)}) with at least one row, not {rows.shape}"
        raise ValueError(msg)
    if not (np.isfinite(observed).all() and np.isfinite(rows).all()):
        msg = "estimates must be finite; leave a specification that cannot be estimated out"
        raise ValueError(msg)
    if not 0 < alpha < 1:
        msg = f"alpha must lie between 0 and 1, not {alpha}"
        raise ValueError(msg)
    constant = np.flatnonzero(np.ptp(np.vstack([observed, rows]), axis=0) == 0)
    if len(constant):
        msg = f"specification {constant[0]} gives the same estimate for every assignment"
        raise ValueError(msg)
    return observed, rows
