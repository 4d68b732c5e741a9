"""The design of a survey and the variance of what is estimated with it.

Respondents are drawn in clusters (polling stations) within strata. The variance of a total is that
of its cluster totals within each stratum (the ultimate-cluster method; Hansen, Hurwitz and Madow
1953), with the correction for the share of the clusters that was drawn; other estimates enter by
their linear approximation (Binder 1983). With calibrated weights only what the calibration
variables leave unexplained counts (Deville and Särndal 1992).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.labels import label_codes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Lonely = Literal["fail", "centre"]


@dataclass(frozen=True, slots=True, eq=False)
class SurveyDesign:
    """A one-stage cluster sample of ``n`` respondents, or a sample that can be treated as one.

    - ``weights`` (n,): people represented by each respondent; zero only after calibration;
    - ``strata`` (n,), ``clusters`` (n,): codes, clusters numbered through over the strata;
    - ``fraction`` (strata,): share of the clusters of the population that was drawn, 0 without
      finite-population correction;
    - ``lonely``: what a stratum with one cluster does, see :func:`survey_design`;
    - ``auxiliary`` (n, p), ``auxiliary_weights`` (n,): the variables the weights were calibrated on
      and the weights of the regression on them; ``None`` when they were not.
    """

    weights: FloatArray
    strata: IntArray
    clusters: IntArray
    fraction: FloatArray
    lonely: Lonely = "fail"
    auxiliary: FloatArray | None = None
    auxiliary_weights: FloatArray | None = None

    @property
    def n(self) -> int:
        """Respondents."""
        return len(self.weights)

    @property
    def n_clusters(self) -> int:
        """Clusters in the sample."""
        return int(self.clusters.max()) + 1

    @property
    def cluster_strata(self) -> IntArray:
        """Stratum of every cluster (n_clusters,)."""
        strata = np.zeros(self.n_clusters, dtype=np.intp)
        strata[self.clusters] = self.strata
        return strata

    @property
    def df(self) -> int:
        """Degrees of freedom: clusters less strata."""
        return self.n_clusters - len(self.fraction)

    def domain_df(self, domain: npt.NDArray[np.bool_]) -> int:
        """Degrees of freedom of a domain (n,): its clusters less the strata they lie in."""
        rows = np.asarray(domain, dtype=bool) & (self.weights != 0)
        return len(np.unique(self.clusters[rows])) - len(np.unique(self.strata[rows]))

    def reweighted(
        self, weights: FloatArray, auxiliary: FloatArray, auxiliary_weights: FloatArray
    ) -> SurveyDesign:
        """Return the design with calibrated weights, and what they were calibrated on."""
        return replace(
            self, weights=weights, auxiliary=auxiliary, auxiliary_weights=auxiliary_weights
        )


@dataclass(frozen=True, slots=True, eq=False)
class SurveyEstimate:
    """Estimates (k,) of a survey with their covariance (k, k).

    - ``df``: degrees of freedom of the t distribution for intervals;
    - ``design_effect`` (k,): variance over that of a simple random sample of as many respondents,
      NaN where it is not defined;
    - ``n``: respondents the estimate rests on.
    """

    estimate: FloatArray
    covariance: FloatArray
    df: int
    n: int
    design_effect: FloatArray

    @property
    def standard_error(self) -> FloatArray:
        """Standard errors (k,)."""
        result: FloatArray = np.sqrt(np.diag(self.covariance))
        return result


def survey_design(
    weights: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | None = None,
    clusters: npt.ArrayLike | None = None,
    population: npt.ArrayLike | None = None,
    lonely: Lonely = "fail",
) -> SurveyDesign:
    """Return the design of a survey of ``n`` respondents.

    ``weights`` (n,) are positive: how many people a respondent stands for. ``strata`` (n,) and
    ``clusters`` (n,) are labels; without clusters every respondent is drawn separately, without
    strata there is one. A cluster label used in two strata means two clusters. ``population`` (n,)
    is the number of clusters in the population of the respondent's stratum, for the finite-
    population correction; without it the clusters count as drawn with replacement.

    A stratum with one cluster says nothing about its own variance. ``lonely="fail"`` raises
    ValueError; ``"centre"`` takes the deviation of its total from the mean over all clusters,
    which overstates the variance rather than leaving it out.

    Raises ValueError for weights that are not positive and finite, labels that are missing, a
    population that differs within a stratum or is smaller than the sample, and fewer than two
    clusters in all.
    """
    w = np.asarray(weights, dtype=float)
    if w.ndim != 1 or not len(w):
        msg = f"weights must be one number per respondent, found shape {w.shape}"
        raise ValueError(msg)
    if not (np.isfinite(w).all() and (w > 0).all()):
        msg = "weights must be positive and finite; leave out who cannot be weighted"
        raise ValueError(msg)
    n = len(w)
    stratum = np.zeros(n, np.intp) if strata is None else label_codes(strata, "strata", n)[1]
    cluster = (
        np.arange(n, dtype=np.intp) if clusters is None else label_codes(clusters, "clusters", n)[1]
    )
    cluster = np.unique(stratum * (int(cluster.max()) + 1) + cluster, return_inverse=True)[1]
    drawn = np.bincount(np.unique(np.column_stack([stratum, cluster]), axis=0)[:, 0])
    if drawn.sum() < 2:
        msg = "a survey of one cluster says nothing about its own uncertainty"
        raise ValueError(msg)
    if lonely == "fail" and (drawn == 1).any():
        msg = (
            f"{int((drawn == 1).sum())} of {len(drawn)} strata hold one cluster, which says "
            'nothing about its own uncertainty: join strata, or use lonely="centre"'
        )
        raise ValueError(msg)
    fraction = _fraction(population, stratum, drawn)
    return SurveyDesign(w, stratum, cluster.astype(np.intp), fraction, lonely)


def _fraction(population: npt.ArrayLike | None, stratum: IntArray, drawn: IntArray) -> FloatArray:
    """Return the share of the clusters of each stratum that was drawn."""
    if population is None:
        return np.zeros(len(drawn))
    size = np.asarray(population, dtype=float)
    if size.shape != stratum.shape or not np.isfinite(size).all():
        msg = "population must be one finite number per respondent: the clusters of its stratum"
        raise ValueError(msg)
    count = np.zeros(len(drawn))
    count[stratum] = size
    if (count[stratum] != size).any():
        msg = "population differs between respondents of the same stratum"
        raise ValueError(msg)
    if (count < drawn).any():
        msg = "population is smaller than the number of clusters drawn in a stratum"
        raise ValueError(msg)
    return drawn / count


def covariance(design: SurveyDesign, scores: npt.ArrayLike) -> FloatArray:
    """Return the covariance (k, k) of the weighted totals of ``scores`` (n, k).

    For an estimate that is not a total the scores are its linear approximation: what one person
    more would add to the estimate. Strata with every cluster drawn contribute nothing.
    """
    values = np.asarray(scores, dtype=float)
    if values.ndim != 2 or len(values) != design.n or not np.isfinite(values).all():
        msg = f"scores must be a finite array ({design.n}, k), found shape {values.shape}"
        raise ValueError(msg)
    if design.auxiliary is not None and design.auxiliary_weights is not None:
        values = _unexplained(values, design.auxiliary, design.auxiliary_weights)
    weighted = design.weights[:, None] * values
    totals = np.zeros((design.n_clusters, values.shape[1]))
    np.add.at(totals, design.clusters, weighted)
    strata = design.cluster_strata
    drawn = np.bincount(strata, minlength=len(design.fraction)).astype(float)
    centre = np.zeros((len(drawn), values.shape[1]))
    np.add.at(centre, strata, totals)
    centre /= drawn[:, None]
    alone = drawn == 1
    if design.lonely == "centre":
        centre[alone] = totals.mean(axis=0)
    deviation = totals - centre[strata]
    scale = (1 - design.fraction) * np.where(alone, 1.0, drawn / np.maximum(drawn - 1, 1))
    result: FloatArray = (deviation * scale[strata][:, None]).T @ deviation
    return result


def _unexplained(scores: FloatArray, auxiliary: FloatArray, weights: FloatArray) -> FloatArray:
    """Return what the regression of the scores on the calibration variables leaves unexplained.

    The regression is weighted with ``weights``; the residuals themselves are not, so that they
    can be weighted with the calibrated weights (Deville and Särndal 1992, section 5).
    """
    root = np.sqrt(weights)[:, None]
    left, singular, right = np.linalg.svd(auxiliary * root, full_matrices=False)
    kept = singular > singular.max() * max(auxiliary.shape) * np.finfo(float).eps
    projected = left[:, kept].T @ (scores * root) / singular[kept, None]
    result: FloatArray = scores - auxiliary @ (right[kept].T @ projected)
    return result


def kish_effective_size(weights: npt.ArrayLike) -> float:
    """Return (Σw)² / Σw², the respondents of equal weight that are as precise (Kish 1965)."""
    w = np.asarray(weights, dtype=float)
    total = float((w**2).sum())
    if not math.isfinite(total) or total <= 0:
        msg = "weights must be finite and not all zero"
        raise ValueError(msg)
    return float(w.sum() ** 2 / total)
