"""Replicate weights: the variance of any statistic from repeating it with other weights.

The jackknife leaves out one cluster at a time (JK1 without strata, JKn with; Wolter 2007,
Introduction to Variance Estimation, chapter 4). The bootstrap draws one cluster fewer than there
are in each stratum, with replacement, and rescales (Rao and Wu 1988, JASA 83; Rao, Wu and Yue 1992,
Survey Methodology 18). Calibration changes every replicate, so that the variance contains what
calibration gains and costs
(:func:`~ballot_eval.estimation.survey.replicate_raking.rake_replicates`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from ballot_eval.estimation.survey.design import SurveyDesign, SurveyEstimate

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
#: What is estimated from weights (n,): a number or k numbers.
Statistic = Callable[[FloatArray], npt.ArrayLike]
#: Replicates of which all weights are held at once for a statistic of the caller.
BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class ReplicateWeights:
    """Weights of ``n`` respondents and of each of the replicates, in compact form.

    In replicate r respondent i has the weight
    ``weights[i] * multipliers[r, clusters[i]] * adjustments[r, cells[i]]``.

    - ``weights`` (n,): of the whole sample;
    - ``clusters`` (n,), ``multipliers`` (replicates, clusters): what drawing does;
    - ``cells`` (n,), ``adjustments`` (replicates, cells): what calibration does, 1 without;
    - ``scale``, ``rscales`` (replicates,): the covariance is ``scale`` times the sum of squared
      deviations times ``rscales``;
    - ``mse``: deviations are from the estimate of the whole sample, not from the mean of the
      replicates;
    - ``df``: clusters less strata;
    - ``failed``: positions, among the replicates drawn, of those left out as they could not be
      calibrated.
    """

    weights: FloatArray
    clusters: IntArray
    multipliers: FloatArray
    cells: IntArray
    adjustments: FloatArray
    scale: float
    rscales: FloatArray
    mse: bool
    df: int
    method: Literal["jackknife", "bootstrap"]
    failed: tuple[int, ...] = ()

    @property
    def n(self) -> int:
        """Respondents."""
        return len(self.weights)

    @property
    def n_replicates(self) -> int:
        """Replicates."""
        return len(self.multipliers)

    def replicate_weights(self, rows: slice | None = None) -> FloatArray:
        """Return the weights (replicates, n) of all replicates or of a slice of them."""
        chosen = slice(None) if rows is None else rows
        result: FloatArray = (
            self.weights
            * self.multipliers[chosen][:, self.clusters]
            * self.adjustments[chosen][:, self.cells]
        )
        return result

    def totals(self, values: FloatArray) -> FloatArray:
        """Return the weighted totals of ``values`` (n, p) in every replicate (replicates, p)."""
        columns = [
            (self._sums(column) * self.adjustments.T).sum(axis=0)
            for column in (self.weights[:, None] * values).T
        ]
        return np.column_stack(columns)

    def _sums(self, column: FloatArray) -> FloatArray:
        """Return sums of a column (n,) by cell in every replicate (cells, replicates)."""
        return cell_sums(column, self.cells, self.clusters, self.multipliers)


def jackknife_weights(design: SurveyDesign, *, mse: bool = False) -> ReplicateWeights:
    """Return the replicates that leave out one cluster each: JK1, or JKn with strata.

    As R's ``as.svrepdesign(type = "JK1")`` and ``"JKn"``: the other clusters of the stratum make up
    for the one left out, and the finite-population correction goes into ``rscales``. There are
    as many replicates as clusters, each with one multiplier per cluster.

    Raises ValueError for calibrated designs, and for strata with one cluster that are not
    completely drawn.
    """
    _check_uncalibrated(design)
    strata, drawn = _strata(design)
    size = drawn[strata]
    multipliers = np.where(strata[:, None] == strata, (size / np.maximum(size - 1, 1))[:, None], 1)
    np.fill_diagonal(multipliers, 0.0)
    # A stratum of one cluster is drawn completely: it adds nothing and must not be emptied.
    multipliers[size == 1] = 1.0
    rscales = (1 - design.fraction[strata]) * (size - 1) / size
    return _uncalibrated(design, multipliers, 1.0, rscales, "jackknife", mse=mse)


def rao_wu_weights(
    design: SurveyDesign, *, draws: int, seed: int, mse: bool = False
) -> ReplicateWeights:
    """Return ``draws`` replicates of the Rao-Wu rescaling bootstrap.

    Of the m clusters of a stratum m - 1 are drawn with replacement; a cluster drawn k times gets
    the multiplier 1 - r + r·k·m/(m - 1), r being the root of one less the share of the clusters of
    the population that was drawn. Without finite-population correction that is R's
    ``as.svrepdesign(type = "subbootstrap")``, which knows no such correction.

    Raises ValueError for fewer than two draws, calibrated designs, and strata with one cluster
    that are not completely drawn.
    """
    if draws < 2:
        msg = f"a variance needs at least two draws, found {draws}"
        raise ValueError(msg)
    _check_uncalibrated(design)
    strata, drawn = _strata(design)
    rng = np.random.default_rng(seed)
    multipliers = np.ones((draws, design.n_clusters))
    for stratum, size in enumerate(drawn):
        if size == 1:
            continue
        times = rng.multinomial(size - 1, np.full(size, 1 / size), size=draws)
        root = np.sqrt(1 - design.fraction[stratum])
        multipliers[:, strata == stratum] = 1 - root + root * times * size / (size - 1)
    return _uncalibrated(design, multipliers, 1 / (draws - 1), np.ones(draws), "bootstrap", mse=mse)


def replicate_covariance(
    replicates: ReplicateWeights, estimates: npt.ArrayLike, full: npt.ArrayLike
) -> FloatArray:
    """Return the covariance (k, k) from ``estimates`` (replicates, k) and that of all, (k,).

    Raises ValueError for other shapes and for estimates that are not finite, with the replicates.
    """
    values, centre = np.asarray(estimates, dtype=float), np.asarray(full, dtype=float)
    if (
        values.ndim != 2
        or centre.ndim != 1
        or values.shape != (replicates.n_replicates, *centre.shape)
    ):
        msg = (
            f"estimates must be ({replicates.n_replicates}, k) and full (k,), found "
            f"{values.shape} and {centre.shape}"
        )
        raise ValueError(msg)
    if not np.isfinite(centre).all():
        msg = "the statistic is not defined in the whole sample"
        raise ValueError(msg)
    undefined = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(undefined):
        msg = f"the statistic is not defined in {named(undefined)}"
        raise ValueError(msg)
    if not replicates.mse:
        centre = values[replicates.rscales > 0].mean(axis=0)
    deviation = values - centre
    result: FloatArray = replicates.scale * (deviation * replicates.rscales[:, None]).T @ deviation
    return result


def replicate_estimate(
    replicates: ReplicateWeights,
    statistic: Literal["mean", "total", "ratio"] | Statistic,
    values: npt.ArrayLike | None = None,
    *,
    denominator: npt.ArrayLike | None = None,
    domain: npt.ArrayLike | None = None,
) -> SurveyEstimate:
    """Return a statistic with its covariance from the replicates.

    ``"mean"``, ``"total"`` and ``"ratio"`` are of ``values`` (n,) or (n, k), a ratio over totals of
    ``denominator`` (n,) or (n, k), all of the respondents for which ``domain`` (n,) holds. They do
    not form the weights of the replicates. Any other statistic is a function of weights (n,) that
    returns one number or k numbers; it is called once per replicate and without ``values``.

    Raises ValueError for values of another shape or not finite, an empty domain, and statistics
    that are not defined in every replicate (a domain that lost all its respondents).
    """
    if callable(statistic):
        if values is not None or denominator is not None or domain is not None:
            msg = "a function of the weights takes no values, denominator or domain"
            raise ValueError(msg)
        full, estimates = _call(replicates, statistic)
        n = replicates.n
    else:
        inside = _domain(domain, replicates.n)
        full, estimates = _linear(replicates, statistic, values, denominator, inside)
        n = int(inside.sum())
    variance = replicate_covariance(replicates, estimates, full)
    return SurveyEstimate(full, variance, replicates.df, n, np.full(len(full), np.nan))


def _call(replicates: ReplicateWeights, statistic: Statistic) -> tuple[FloatArray, FloatArray]:
    full = np.atleast_1d(np.asarray(statistic(replicates.weights), dtype=float))
    estimates = np.empty((replicates.n_replicates, len(full)))
    for begin in range(0, replicates.n_replicates, BATCH):
        rows = slice(begin, begin + BATCH)
        for row, weights in enumerate(replicates.replicate_weights(rows), begin):
            estimates[row] = statistic(weights)
    return full, estimates


def _linear(
    replicates: ReplicateWeights,
    statistic: str,
    values: npt.ArrayLike | None,
    denominator: npt.ArrayLike | None,
    inside: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return totals or ratios of totals of the whole sample and of the replicates."""
    if statistic not in ("mean", "total", "ratio"):
        msg = f"statistic must be mean, total, ratio or a function, found {statistic!r}"
        raise ValueError(msg)
    if (statistic == "ratio") != (denominator is not None):
        msg = "a ratio needs a denominator, and only a ratio has one"
        raise ValueError(msg)
    above = _columns(values, "values", inside)
    full, estimates = replicates.weights @ above, replicates.totals(above)
    if statistic == "total":
        return full, estimates
    below = inside[:, None] if denominator is None else _columns(denominator, "denominator", inside)
    if below.shape[1] not in (1, above.shape[1]):
        msg = "denominator must have one column, or as many as values"
        raise ValueError(msg)
    # Zero denominators are reported by replicate, not by NumPy.
    with np.errstate(divide="ignore", invalid="ignore"):
        return full / (replicates.weights @ below), estimates / replicates.totals(below)


def _columns(values: npt.ArrayLike | None, name: str, inside: FloatArray) -> FloatArray:
    """Return values (n, k) with zeros outside the domain, where they may be missing."""
    table = np.asarray(np.nan if values is None else values, dtype=float)
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2 or len(table) != len(inside):
        msg = f"{name} must be ({len(inside)},) or ({len(inside)}, k), found shape {table.shape}"
        raise ValueError(msg)
    table = np.where(inside[:, None] > 0, table, 0.0)
    if not np.isfinite(table).all():
        msg = f"{name} must be finite; leave out respondents who have none by a domain"
        raise ValueError(msg)
    return table


def _domain(domain: npt.ArrayLike | None, n: int) -> FloatArray:
    inside = np.ones(n, dtype=bool) if domain is None else np.asarray(domain)
    if inside.shape != (n,) or inside.dtype != bool:
        msg = f"domain must be {n} times true or false"
        raise ValueError(msg)
    if not inside.any():
        msg = "the domain is empty"
        raise ValueError(msg)
    return inside.astype(float)


def cell_sums(
    column: FloatArray, cells: IntArray, clusters: IntArray, multipliers: FloatArray
) -> FloatArray:
    """Return sums of a column (n,) by cell in every replicate (cells, replicates)."""
    shape = (int(cells.max()) + 1, multipliers.shape[1])
    table = csr_array((column, (cells, clusters)), shape=shape)
    result: FloatArray = np.asarray(table @ np.ascontiguousarray(multipliers.T))
    return result


def named(positions: IntArray) -> str:
    """Return how many replicates these are, with the first ten positions."""
    shown = ", ".join(str(p) for p in positions[:10])
    noun = "replicate" if len(positions) == 1 else "replicates"
    return f"{len(positions)} {noun}: {shown}{' …' if len(positions) > 10 else ''}"


def _check_uncalibrated(design: SurveyDesign) -> None:
    if design.auxiliary is not None:
        msg = (
            "the weights of this design are calibrated, which replicates must repeat: replicate "
            "the design before calibration and rake the replicates"
        )
        raise ValueError(msg)


def _strata(design: SurveyDesign) -> tuple[IntArray, IntArray]:
    """Return the stratum of every cluster and the clusters of every stratum."""
    strata = design.cluster_strata
    drawn = np.bincount(strata, minlength=len(design.fraction))
    alone = int(((drawn == 1) & (design.fraction < 1)).sum())
    if alone:
        msg = (
            f"{alone} strata hold one cluster, which cannot be left out or drawn again: join strata"
        )
        raise ValueError(msg)
    return strata, drawn.astype(np.intp)


def _uncalibrated(
    design: SurveyDesign,
    multipliers: FloatArray,
    scale: float,
    rscales: FloatArray,
    method: Literal["jackknife", "bootstrap"],
    *,
    mse: bool,
) -> ReplicateWeights:
    return ReplicateWeights(
        weights=design.weights,
        clusters=design.clusters,
        multipliers=multipliers,
        cells=np.zeros(design.n, dtype=np.intp),
        adjustments=np.ones((len(multipliers), 1)),
        scale=scale,
        rscales=rscales,
        mse=mse,
        df=design.df,
        method=method,
    )
