"""Control limits of a funnel plot of rates that vary more than by chance. Arrays only.

*Dispersion.* Spiegelhalter's multiplicative model: the count of a unit has the variance of the
binomial times one φ, whatever its size. φ comes from winsorised scores, so that the units that the
plot is there to find do not widen its limits. The published estimate, their mean square, is too
small: winsorised binomial scores have a mean square of less than 1, and scores of counts with an
expectation of one or two are so skewed that the upper tail, which is cut, is where the dispersion
is. Here φ is the value at which the winsorised mean square *expected* under the model below is the
one that is found. The additive alternative, a variance between units that is added to that within,
makes the dispersion grow with the size of a unit; in official results of polling stations it hardly
does.

*Limits.* Multiplying the distance of binomial limits from the centre by √φ, as published, keeps
the skewness of the binomial. With small expected counts that is far too little: under simulated
dispersion of 1.6 to 2.5 three to four times as many units as intended lie above an upper limit of
99.8%. The limits here are quantiles of the beta-binomial distribution with variance φ times that
of the binomial, interpolated between the whole numbers as published. At φ = 1 they are the
published exact limits.

Sources: Spiegelhalter (2005), Statistics in Medicine 24, 1185–1202 (funnel plots, exact limits by
interpolation, winsorised multiplicative and additive overdispersion); Skellam (1948), JRSS B 10
(beta-binomial distribution).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import betaln

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Share of the scores that is pulled in at either end.
WINSORISED = 0.1

#: A larger dispersion is not looked for.
LARGEST = 50.0

#: Chance beyond which a distribution is not followed, and the least precision of a beta.
_NEGLIGIBLE, _LEAST_PRECISION = 1e-10, 1e-3

#: So close to a dispersion of 1 the beta function leaves too few digits.
_BINOMIAL = 1e-6


def funnel_limits(
    denominators: IntArray, rate: float, phi: float, *, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper control limits (n,) of rates, as fractions.

    ``denominators`` (n,) are ballots, ``rate`` is the centre and ``phi`` the dispersion; ``level``
    is the share of units meant to lie within, such as 0.998. Units on a limit lie within. A lower
    limit is below 0 where a count of 0 is not unusually low; an upper one is 0 at least, because no
    count of 0 is unusually high. Raises ValueError for a rate or level that does not lie between 0
    and 1, a dispersion below 1 and denominators below 1.
    """
    n, where = np.unique(np.asarray(denominators, dtype=np.int64), return_inverse=True)
    _check(n, rate, phi)
    if not 0 < level < 1:
        msg = f"level must lie between 0 and 1, not {level}"
        raise ValueError(msg)
    tails = ((1 - level) / 2, (1 + level) / 2)
    found = np.full((2, len(n)), np.nan)
    below = np.zeros(len(n))
    for k, chance in enumerate(_chances(n, rate, phi)):
        up_to = below + chance
        for limit, tail in zip(found, tails, strict=True):
            # k is the smallest count with at least this chance of it or less.
            reached = np.isnan(limit) & (up_to >= tail)
            limit[reached] = k - (up_to - tail)[reached] / chance[reached]
        if not np.isnan(found[1]).any():
            break
        below = up_to
    lower, upper = found[0] / n, np.maximum(found[1], 0.0) / n
    return lower[where], upper[where]


def funnel_dispersion(
    numerators: IntArray, denominators: IntArray, rate: float, *, share: float = WINSORISED
) -> float:
    """Return the dispersion φ of counts (n,) around a ``rate``, robust to unusual units.

    ``share`` of the scores is pulled in at either end. At least 1. Raises ValueError for the
    reasons given at :func:`funnel_limits`, for counts outside 0 to their denominator, for fewer
    than two units, a share outside [0, 0.5), and a dispersion of more than ``LARGEST``.
    """
    x, n = np.asarray(numerators, dtype=np.int64), np.asarray(denominators, dtype=np.int64)
    sizes, times = np.unique(n, return_counts=True)
    _check(sizes, rate, 1.0)
    if x.shape != n.shape or len(x) < 2 or not ((x >= 0) & (x <= n)).all():
        msg = "at least two counts are needed, each between 0 and its denominator"
        raise ValueError(msg)
    if not 0 <= share < 0.5:
        msg = f"the winsorised share must lie between 0 and 0.5, not {share}"
        raise ValueError(msg)
    found = _winsorised(_scores(x, n, rate), np.ones(len(x)), share)

    def excess(phi: float) -> float:
        return _expected(sizes, times, rate, phi, share) - found

    if excess(1.0) >= 0:
        return 1.0
    upper = 2.0
    while excess(upper) < 0:
        upper *= 1.5
        if upper > LARGEST:
            msg = f"the dispersion is more than {LARGEST:g} times that by chance"
            raise ValueError(msg)
    return float(brentq(excess, 1.0, upper, xtol=1e-6))


def _check(n: IntArray, rate: float, phi: float) -> None:
    if not 0 < rate < 1:
        msg = f"the rate must lie between 0 and 1, not {rate}"
        raise ValueError(msg)
    if not phi >= 1:
        msg = f"the dispersion is {phi}; chance alone gives 1"
        raise ValueError(msg)
    if not len(n) or n.min() < 1:
        msg = "every unit needs a denominator of 1 or more"
        raise ValueError(msg)


def _scores(x: FloatArray | IntArray, n: IntArray, rate: float) -> FloatArray:
    return np.asarray((x - n * rate) / np.sqrt(n * rate * (1 - rate)), dtype=float)


def _winsorised(scores: FloatArray, weights: FloatArray, share: float) -> float:
    """Return the weighted mean square of scores, those beyond the quantiles pulled in to them."""
    order = np.argsort(scores, kind="stable")
    z, w = scores[order], weights[order]
    below = np.cumsum(w) / w.sum()
    low, high = (z[np.searchsorted(below, tail)] for tail in (share, 1 - share - 1e-12))
    return float(np.average(np.clip(z, low, high) ** 2, weights=w))


def _expected(sizes: IntArray, times: IntArray, rate: float, phi: float, share: float) -> float:
    """Return the winsorised mean square of units of these sizes under the model."""
    scores, weights = [], []
    for k, chance in enumerate(_chances(sizes, rate, phi)):
        scores.append(_scores(np.full(len(sizes), k), sizes, rate))
        weights.append(chance * times)
        if k > rate * sizes.max() and chance.max() < _NEGLIGIBLE:
            break
    return _winsorised(np.concatenate(scores), np.concatenate(weights), share)


def _chances(n: IntArray, rate: float, phi: float) -> Iterator[FloatArray]:
    """Yield the chances (n,) of 0, 1, 2, … events among ``n`` (n,) ballots.

    Beta-binomial with intraclass correlation ρ = (φ − 1)/(n − 1), so a variance of φ times that of
    the binomial; a unit of φ ballots or fewer has the most that it can have. Binomial at φ = 1.
    """
    binomial = phi - 1 < _BINOMIAL
    with np.errstate(divide="ignore"):
        if binomial:
            log = n * np.log1p(-rate)
        else:
            precision = np.maximum((n - phi) / (phi - 1), _LEAST_PRECISION)
            a, b = rate * precision, (1 - rate) * precision
            log = betaln(a, b + n) - betaln(a, b)
        for k in range(int(n.max()) + 1):
            yield np.exp(log)
            odds = rate / (1 - rate) if binomial else (a + k) / (b + n - k - 1)
            # Beyond n the number of ways is 0, and so is the chance of every further count.
            log = log + np.log(np.maximum(n - k, 0) / (k + 1)) + np.log(np.abs(odds))
