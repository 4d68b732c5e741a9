"""Wild cluster bootstrap of one coefficient. Arrays only.

A draw multiplies the residuals of each cluster by one random weight. The t statistic of the new
outcome depends on the weights only through sums over clusters of scores and of products of scores
with Gram matrices, so all draws together cost one product of the weights with a matrix of a few
columns. Under the restriction that the effect is β the residuals are linear in h = β̂ − β: the
numerator of every t statistic is a line in h and its squared scale a parabola, so the p-value of
any hypothesis, and with it the interval, needs no further products.

Sources: Cameron, Gelbach & Miller (2008), REStat 90; Roodman, MacKinnon, Nielsen & Webb (2019),
Stata Journal 19 (low-rank form, inversion); Webb (2023), Canadian Journal of Economics 56
(six-point weights); MacKinnon & Webb (2017), Journal of Applied Econometrics 32 (few experiment
clusters); Phipson & Smyth (2010), SAGMB 9(1) (p = (b+1)/(B+1)).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from ballot_eval.estimation.clusters import (
    ClusterDesign,
    ClusterFit,
    check_column,
    check_confidence_level,
    check_variance,
    fit_scores,
)

FloatArray = npt.NDArray[np.float64]
Weights = Literal["rademacher", "webb"]

#: Two squared t statistics closer than this, relative to the observed one, count as tied.
TIE_TOLERANCE = 1e-9
#: Draws per block of weights: small enough for the cache and for a product in a single thread.
BLOCK = 256

_VALUES: dict[str, FloatArray] = {
    "rademacher": np.array([1.0, -1.0]),
    "webb": np.array([1.0, math.sqrt(0.5), math.sqrt(1.5), -math.sqrt(1.5), -math.sqrt(0.5), -1.0]),
}
#: Standard errors from the estimate within which the outermost value not rejected is searched.
FAR = 256.0
#: Weights that one random byte stands for: 8 signs, or 3 of the six points (6³ = 216).
_WORD_LENGTH: dict[str, int] = {"rademacher": 8, "webb": 3}


@dataclass(frozen=True, slots=True)
class WildBootstrapResult:
    """Outcome of a wild cluster bootstrap; estimate and limits in the unit of the outcome.

    ``statistic`` is the t statistic of the hypothesis that the coefficient is ``null``, with the
    CRV1 ``se``. Of ``draws`` draws ``strict`` have a larger absolute t statistic and ``weak`` one
    at least as large (ties within a relative tolerance). With ``exact`` the draws are all vectors
    of weights there are. ``p_value`` is weak/draws when they hold the observed statistic (exact and
    restricted), otherwise (weak+1)/(draws+1), so it is never 0.
    ``p_error`` is the Monte-Carlo standard error of the p-value, 0 when exact. A limit is infinite
    when no finite effect can be rejected on that side. ``distribution`` (draws,) holds the t
    statistics of the draws at ``null``.
    """

    estimate: float
    se: float
    statistic: float
    null: float
    p_value: float
    p_error: float
    ci_lower: float
    ci_upper: float
    strict: int
    weak: int
    draws: int
    exact: bool
    restricted: bool
    weights: str
    n_clusters: int
    distribution: FloatArray


def wild_cluster_bootstrap(
    design: ClusterDesign,
    y: npt.ArrayLike,
    *,
    column: int,
    weights: Weights,
    draws: int,
    seed: int,
    null: float = 0.0,
    restricted: bool = True,
    confidence_level: float = 0.95,
) -> WildBootstrapResult:
    """Test that the coefficient of ``column`` is ``null`` and give its interval, for ``y`` (n,).

    ``weights``: ``"rademacher"`` (±1) or ``"webb"`` (six points, for few clusters). When there are
    at most ``draws`` different vectors of weights (2^G or 6^G) each is used once and ``seed`` has
    no influence. ``restricted`` draws from the model with the hypothesis imposed (WCR), and the
    interval inverts its test: it runs to the outermost value on each side that is not rejected.
    With few clusters that set can have gaps; the interval then covers them, which errs on the safe
    side (call again with ``null`` to see the p-value of a value inside).
    Otherwise draws come from the fitted model (WCU), and the interval is the symmetric bootstrap-t
    interval. The p-value is two-sided.

    With few experiment clusters among many controls the restricted test rejects too rarely and the
    unrestricted too often (MacKinnon & Webb 2017); with one the bootstrap is degenerate, because
    the distribution hangs on the weight of that cluster, and the call is refused.

    Raises ValueError for a column that does not exist or rests on one cluster, unknown weights,
    fewer than one draw, outcomes that are not finite and residuals that are all zero.
    """
    _check_call(weights, draws, null)
    check_confidence_level(confidence_level)
    check_column(design, column)
    fit = fit_scores(design, y)
    exact = len(_VALUES[weights]) ** design.n_clusters <= draws
    blocks = _blocks(weights, design.n_clusters, draws, seed, exact=exact)
    projection = _project(design, fit, column, restricted=restricted)
    curve = _curve(projection, blocks, signs=weights == "rademacher", exact=exact)
    return _result(
        curve,
        estimate=float(fit.estimates[column]),
        design=design,
        null=null,
        restricted=restricted,
        exact=exact,
        weights=weights,
        confidence_level=confidence_level,
    )


def _check_call(weights: str, draws: int, null: float) -> None:
    if weights not in _VALUES:
        msg = f"unknown weights {weights!r}; choose rademacher or webb"
        raise ValueError(msg)
    if draws < 1:
        msg = f"draws must be at least 1, found {draws}"
        raise ValueError(msg)
    if not math.isfinite(null):
        msg = f"null must be finite, found {null}"
        raise ValueError(msg)


def _blocks(
    weights: str, n_clusters: int, draws: int, seed: int, *, exact: bool
) -> Iterator[FloatArray]:
    if exact:
        return _all_weights(weights, n_clusters)
    return _drawn_weights(weights, n_clusters, draws, seed)


def _result(
    curve: _Curve,
    *,
    estimate: float,
    design: ClusterDesign,
    null: float,
    restricted: bool,
    exact: bool,
    weights: str,
    confidence_level: float,
) -> WildBootstrapResult:
    # Of an enumeration only one of each pair (v, −v) is held: both have the same |t|.
    copies = 2 if exact else 1
    total = copies * len(curve.line[0])
    shift = estimate - null
    factor = design.crv1_factor
    strict, weak = (copies * count for count in curve.counts(shift))
    # Equal weights give back the observed statistic, but only from the restricted model.
    among = exact and restricted
    p_value = weak / total if among else (weak + 1) / (total + 1)
    needed = min(_needed(1 - confidence_level, total, among=among), total)
    rank = -(-needed // copies)
    statistics = curve.statistics(shift) / math.sqrt(factor)
    return WildBootstrapResult(
        estimate=estimate,
        se=math.sqrt(factor * curve.observed),
        statistic=shift / math.sqrt(factor * curve.observed),
        null=null,
        p_value=p_value,
        p_error=0.0 if exact else math.sqrt(p_value * (1 - p_value) / total),
        ci_lower=estimate - curve.reach(rank, +1.0),
        ci_upper=estimate + curve.reach(rank, -1.0),
        strict=strict,
        weak=weak,
        draws=total,
        exact=exact,
        restricted=restricted,
        weights=weights,
        n_clusters=design.n_clusters,
        distribution=np.concatenate([statistics, -statistics]) if exact else statistics,
    )


def _needed(alpha: float, total: int, *, among: bool) -> int:
    """Return how many draws must be at least as extreme for a p-value above ``alpha``.

    ``among``: the observed statistic is one of the draws.
    """
    slack = 1e-9  # alpha times a whole number may fall just short of a whole number
    if among:
        return math.floor(alpha * total + slack) + 1
    return math.floor(alpha * (total + 1) + slack)


def _all_weights(weights: str, n_clusters: int) -> Iterator[FloatArray]:
    """Yield blocks of every vector of weights whose first weight is positive."""
    values = _VALUES[weights]
    base = len(values)
    # The positive values come first, so the first half of the numbers has a positive leading digit.
    total = base**n_clusters // 2
    powers = base ** np.arange(n_clusters - 1, -1, -1, dtype=np.int64)
    for start in range(0, total, BLOCK):
        numbers = np.arange(start, min(start + BLOCK, total), dtype=np.int64)
        yield values[numbers[:, None] // powers % base]


def _drawn_weights(weights: str, n_clusters: int, draws: int, seed: int) -> Iterator[FloatArray]:
    """Yield blocks of random vectors of weights."""
    rng = np.random.default_rng(seed)
    length = _WORD_LENGTH[weights]
    words = np.array(list(itertools.product(_VALUES[weights].tolist(), repeat=length)))
    for start in range(0, draws, BLOCK):
        size = (min(BLOCK, draws - start), -(-n_clusters // length))
        picks = rng.integers(0, len(words), size=size, dtype=np.uint8)
        yield words.take(picks, axis=0).reshape(size[0], -1)[:, :n_clusters]


@dataclass(frozen=True, slots=True)
class _Projection:
    """Score and Gram matrix of each cluster in the directions that matter for one coefficient.

    With q directions: ``scores`` (G, q) under h = 0 and their ``slope`` (G, q) in h, ``pull``
    (G, q) the products K_g d, ``contrast`` (q,) the vector d. ``own`` and ``drift`` (G,) are
    scores and slope along d.
    """

    scores: FloatArray
    slope: FloatArray
    pull: FloatArray
    contrast: FloatArray
    own: FloatArray
    drift: FloatArray


def _project(
    design: ClusterDesign, fit: ClusterFit, column: int, *, restricted: bool
) -> _Projection:
    d = design.contrasts[:, column]
    pull = design.gram @ d
    # Only the span of these rows matters; in a balanced panel it has very few dimensions.
    # It holds d, because the Gram matrices add up to the unit matrix.
    _, size, rows = np.linalg.svd(pull, full_matrices=False)
    span = rows[size > 1e-12 * size[0]].T
    pull, scores, contrast = pull @ span, fit.scores @ span, span.T @ d
    own = scores @ contrast
    check_variance(np.array([own @ own]), d[:, None], fit)
    # Imposing the hypothesis adds h·Qd/‖d‖² to the residuals.
    slope = pull / (contrast @ contrast) if restricted else np.zeros_like(pull)
    return _Projection(scores, slope, pull, contrast, own, slope @ contrast)


def _curve(at: _Projection, blocks: Iterator[FloatArray], *, signs: bool, exact: bool) -> _Curve:
    """Put the blocks of weights through the sums that the t statistics are made of."""
    table = np.hstack([at.scores, at.slope, at.own[:, None] * at.pull, at.drift[:, None] * at.pull])
    squares = np.column_stack([at.own**2, 2 * at.own * at.drift, at.drift**2])
    size = squares.sum(axis=0)
    common = at.pull.T @ at.pull
    parts = []
    same = [np.zeros(0, dtype=bool)]
    for v in blocks:
        fixed = size[None, :] if signs else (v * v) @ squares
        parts.append(_block(np.split(v @ table, 4, axis=1), fixed, common, at.contrast))
        if exact and at.drift.any():
            same.append((v == v[:, :1]).all(axis=1))
    stacked = np.concatenate(parts, axis=1)
    return _Curve(
        line=stacked[:2],
        parabola=stacked[2:],
        size=size,
        observed=float(size[0]),
        same=np.flatnonzero(np.concatenate(same)),
    )


@dataclass(frozen=True, slots=True)
class _Curve:
    """The t statistics of all draws as functions of h, the estimate minus the hypothesis.

    The numerator of a draw is ``line`` (n0 + n1·h) and its squared scale without the factor of
    CRV1 is ``parabola`` (v0 + v1·h + v2·h²), which is rounding when it is tiny against ``size``, a
    parabola too. ``observed`` is the squared scale of the estimate, ``same`` the draws known to
    give back the observed statistic.
    """

    line: FloatArray
    parabola: FloatArray
    size: FloatArray
    observed: float
    same: npt.NDArray[np.intp]

    def scales(self, h: float) -> FloatArray:
        """Return the squared scale of every draw; what is only rounding becomes 0."""
        v0, v1, v2 = self.parabola
        value = v0 + h * (v1 + h * v2)
        size = self.size[0] + h * (self.size[1] + h * self.size[2])
        return np.where(value > 1e-13 * size, value, 0.0)

    def squares(self, h: float) -> FloatArray:
        """Return the squared t statistics; infinite where the scale is 0."""
        numerator = (self.line[0] + h * self.line[1]) ** 2
        scale = self.scales(h)
        flat = scale == 0
        value = np.where(flat, np.inf, numerator / np.where(flat, 1.0, scale))
        value[self.same] = h * h / self.observed  # free of rounding
        return value

    def statistics(self, h: float) -> FloatArray:
        """Return the t statistics with their sign."""
        sign = np.sign(self.line[0] + h * self.line[1])
        return np.asarray(np.where(sign < 0, -1.0, 1.0) * np.sqrt(self.squares(h)))

    def counts(self, h: float) -> tuple[int, int]:
        """Return how many draws are more extreme, and how many at least as extreme."""
        value, observed = self.squares(h), h * h / self.observed
        strict = value > observed * (1 + TIE_TOLERANCE)
        weak = value >= observed * (1 - TIE_TOLERANCE)
        return int(strict.sum()), int(weak.sum())

    def margin(self, h: float, rank: int) -> float:
        """Return the ``rank``-th largest squared t minus the observed; ≥ 0 is not rejected.

        The tolerance for ties makes it positive, not 0, where that draw always ties.
        """
        value = self.squares(h)
        at = len(value) - rank
        threshold = float(np.partition(value, at)[at])
        return min(threshold, 1e300) - h * h / self.observed * (1 - TIE_TOLERANCE)

    def reach(self, rank: int, sign: float) -> float:
        """Return how far from the estimate the outermost value lies that is not rejected.

        ``sign`` +1 looks at hypotheses below the estimate (h > 0), −1 at those above it.
        """
        if rank < 1:
            return math.inf
        # With two or three experiment clusters the curve may rise again beyond a first crossing:
        # look outside in, first by factors of two, then in equal steps.
        unit = math.sqrt(self.observed)
        outer = FAR * unit
        while self.margin(sign * outer, rank) >= 0:
            outer *= 2
            if outer > 1e12 * unit:
                return math.inf
        inner = outer / 2
        while inner > unit and self.margin(sign * inner, rank) < 0:
            outer, inner = inner, inner / 2
        grid = np.linspace(outer, inner if inner > unit else 0.0, 9)
        for high, low in itertools.pairwise(grid.tolist()):
            if self.margin(sign * low, rank) >= 0:
                return float(
                    brentq(lambda h: self.margin(sign * h, rank), low, high, xtol=1e-12 * unit)
                )
        return 0.0


def _block(
    sums: list[FloatArray], fixed: FloatArray, common: FloatArray, d: FloatArray
) -> FloatArray:
    """Return line and parabola (5, draws) of one block from its weighted sums."""
    w0, w1, c0, c1 = sums
    spread0, spread1 = w0 @ common, w1 @ common

    def dot(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("br,br->b", a, b))

    return np.stack(
        [
            w0 @ d,
            w1 @ d,
            fixed[:, 0] + dot(w0, spread0 - 2 * c0),
            fixed[:, 1] + 2 * dot(w0, spread1 - c1) - 2 * dot(w1, c0),
            fixed[:, 2] + dot(w1, spread1 - 2 * c1),
        ]
    )
