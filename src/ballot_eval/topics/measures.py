"""Measures with a reason where there is no number, for the topics on times."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.assignments import draw_assignments
from ballot_eval.estimation.inference import RandomisationResult, randomisation_test
from ballot_eval.estimation.survival import SurvivalCurve, SurvivalQuantile, kaplan_meier
from ballot_eval.results import Measure

#: Estimate, lower and upper limit, p-value.
Numbers = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a measure rests on: observations, clusters, and draws from a seed, if any.

    Without ``n`` the observations are all those of the comparison.
    """

    cluster: str
    n_clusters: int
    draws: int = 0
    seed: int = 0
    n: int | None = None

    @classmethod
    def of(cls, cluster: str, labels: npt.ArrayLike) -> Basis:
        """Return the basis of rows whose clusters are named by ``labels`` (n,)."""
        names = np.asarray(labels)
        return cls(cluster, len(np.unique(names)), n=len(names))

    def drawn(self, draws: int, seed: int) -> Basis:
        """Return the same clusters with draws."""
        return Basis(self.cluster, self.n_clusters, draws, seed, self.n)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the measures of one comparison share, and the list they are added to.

    ``n_experiment`` of the ``n`` are municipalities with the new ballot, where that is counted.
    """

    group: str
    subset: str
    n: int
    made: list[Measure]
    n_experiment: int = 0

    def add(
        self,
        quantity: str,
        method: str,
        work: Callable[[], Numbers],
        basis: Basis,
        *,
        point: Callable[[], float] | None = None,
        remark: str = "",
    ) -> None:
        """Add the measure that ``work`` computes, or NaN with the reason why there is none.

        ``point`` computes the estimate alone, which stands without interval where ``work`` cannot
        give one. ``remark`` is what to keep in mind of a number that there is.
        """
        estimate = low = high = p_value = math.nan
        note = remark
        try:
            estimate, low, high, p_value = work()
        except ValueError as reason:
            note = str(reason)
            if point is not None:
                with contextlib.suppress(ValueError):
                    estimate = point()
        self.made.append(
            Measure(
                quantity=quantity,
                group=self.group,
                subset=self.subset,
                method=method,
                estimate=estimate,
                ci_lower=low,
                ci_upper=high,
                p_value=p_value,
                n=self.n if basis.n is None else basis.n,
                cluster=basis.cluster,
                n_clusters=basis.n_clusters,
                draws=basis.draws,
                seed=basis.seed,
                note=note,
                n_experiment=self.n_experiment,
            )
        )


def require_both(
    experiment: npt.NDArray[np.bool_], clusters: npt.ArrayLike, *, what: str, cluster: str
) -> None:
    """Raise ValueError, in words for the results, unless both ballots have two clusters.

    ``experiment`` (n,) says which of the observations are with the new ballot, ``clusters`` (n,)
    of which cluster they are.
    """
    names = np.asarray(clusters)
    for ballot, rows in (("new", experiment), ("old", ~experiment)):
        if not rows.any():
            raise ValueError(f"there are no {what} with the {ballot} ballot")
        if len(np.unique(names[rows])) < 2:
            msg = f"all {what} with the {ballot} ballot are of one {cluster}"
            raise ValueError(msg)


def require_several(clusters: npt.ArrayLike, *, what: str, cluster: str) -> None:
    """Raise ValueError, in words for the results, when there is no spread between clusters.

    ``clusters`` (n,) says of which cluster each observation is.
    """
    found = len(np.unique(np.asarray(clusters)))
    if found == 0:
        raise ValueError(f"there are no {what}")
    if found == 1:
        raise ValueError(f"all {what} are of one {cluster}, so there is no interval")


def mean_alone(values: npt.NDArray[np.float64]) -> float:
    """Return the mean of ``values`` (n,), for where there is no interval; ValueError of none."""
    if not len(values):
        raise ValueError("there are no values")
    return float(values.mean())


def quantile_alone(values: npt.NDArray[np.float64], quantile: float) -> float:
    """Return a quantile (type 1) of ``values`` (n,), for where there is no interval.

    Raises ValueError when there are none.
    """
    if not len(values):
        raise ValueError("there are no values")
    return float(np.quantile(values, quantile, method="inverted_cdf"))


def survival_curve(
    durations: npt.NDArray[np.float64],
    observed: npt.NDArray[np.bool_],
    clusters: npt.ArrayLike,
    study: StudyDesign,
) -> SurvivalCurve:
    """Return the Kaplan–Meier curve; its limits are NaN where all is of one cluster."""
    level = study.analysis.confidence_level
    if len(np.unique(np.asarray(clusters))) > 1:
        return kaplan_meier(durations, observed, clusters=clusters, confidence_level=level)
    curve = kaplan_meier(durations, observed, confidence_level=level)
    none = np.full(len(curve.times), math.nan)
    return replace(curve, standard_error=none, lower=none, upper=none, n_clusters=1)


def reached(found: SurvivalQuantile) -> Numbers:
    """Return a quantile of a survival curve; ValueError where the curve does not fall so far."""
    if math.isnan(found.estimate):
        msg = f"too many observations broke off: {found.probability:.0%} is never reached"
        raise ValueError(msg)
    return found.estimate, found.lower, found.upper, math.nan


def exponentiated(numbers: Numbers) -> Numbers:
    """Return a difference of logarithms and its limits as a ratio."""
    estimate, low, high, p_value = numbers
    return math.exp(estimate), math.exp(low), math.exp(high), p_value


def randomised_means(
    values: npt.NDArray[np.float64],
    experiment: npt.NDArray[np.bool_],
    municipality: pd.Series[str],
    study: StudyDesign,
) -> RandomisationResult:
    """Test a difference of municipal means of ``values`` by reassigning the municipalities.

    Every municipality counts the same. Raises ValueError when the role cannot be reassigned.
    """
    frame = pd.DataFrame({"value": values, "role": experiment, "code": municipality.to_numpy()})
    means = frame.groupby("code").agg(value=("value", "mean"), role=("role", "max"))
    role = means["role"].to_numpy(dtype=bool)
    analysis = study.analysis
    assignments = draw_assignments(
        role, draws=analysis.draws, max_exact=analysis.max_exact, seed=analysis.seed
    )
    return randomisation_test(
        means["value"].to_numpy(dtype=float),
        role,
        assignments,
        confidence_level=analysis.confidence_level,
    )


def compared_rows(frame: pd.DataFrame, study: StudyDesign, election: str) -> pd.DataFrame:
    """Return the rows of an election, with roles, without former experiment municipalities.

    ``experiment`` is the role at the study's election, on whatever ballot the row was.
    """
    rows = frame[frame["election_id"] == election].copy()
    roles = rows["municipality_code"].map(study.role)
    rows["experiment"] = (roles == "experiment").to_numpy(dtype=bool)
    return rows[(roles != "former").to_numpy(dtype=bool)].reset_index(drop=True)
