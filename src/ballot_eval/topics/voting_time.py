"""How long voters are in the booth, with the new and the old ballot.

Times are skewed, clustered in polling stations and sometimes broken off before the voter left.
Voters who were helped are kept apart: the main comparison is of those who voted alone. Intervals
of one ballot take polling stations as clusters; comparisons of the ballots take municipalities,
since these were assigned (docs/decisions/0009).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.durations import mean_interval, quantile_interval
from ballot_eval.estimation.mixed import LogLinearRatio, log_linear_ratio
from ballot_eval.estimation.observers import ObserverEffects, observer_effects
from ballot_eval.estimation.quantile_regression import (
    QuantileBootstrap,
    quantile_regression_bootstrap,
)
from ballot_eval.estimation.restricted_mean import (
    MeanContrast,
    RestrictedMeanContrast,
    common_horizon,
    restricted_mean,
    restricted_mean_contrast,
)
from ballot_eval.estimation.survival import SurvivalCurve
from ballot_eval.results import Measure
from ballot_eval.topics.measures import (
    Basis,
    Comparison,
    Numbers,
    exponentiated,
    mean_alone,
    quantile_alone,
    randomised_means,
    reached,
    require_both,
    require_several,
    survival_curve,
)
from ballot_eval.topics.voters import MUNICIPALITY, STATION, SUBSETS, Voters, select_voters

FloatArray = npt.NDArray[np.float64]

#: Quantiles that are reported in seconds.
REPORTED = {"median_seconds": 0.5, "p90_seconds": 0.9}


@dataclass(frozen=True, slots=True)
class VotingTimes:
    """Measures of the time in the booth, and what the figures draw.

    ``voters`` are those of each subset; ``quantiles`` the ratios by quantile of the main
    comparison, on the logarithmic scale, or None where they cannot be estimated; ``curves`` the
    Kaplan–Meier curves by subset and ballot, where there are any. ``main`` is the subset of the
    main comparison: voters without help, or all where of none it is known that they had none.
    """

    measures: tuple[Measure, ...]
    voters: dict[str, Voters]
    quantiles: QuantileBootstrap | None
    curves: dict[tuple[str, str], SurvivalCurve]

    @property
    def main(self) -> str:
        """Return the subset of the main comparison."""
        return _main(self.voters)


def _main(voters: dict[str, Voters]) -> str:
    return "unassisted" if "unassisted" in voters else "all"


def voting_time_results(frame: pd.DataFrame, study: StudyDesign) -> VotingTimes:
    """Return all measures of the accepted ``voting_times``; none where nothing was measured."""
    made: list[Measure] = []
    voters: dict[str, Voters] = {}
    curves: dict[tuple[str, str], SurvivalCurve] = {}
    quantiles: dict[str, QuantileBootstrap | None] = {}
    for subset in SUBSETS:
        found = select_voters(frame, study, subset)
        if not found.n:
            continue
        voters[subset] = found
        horizon = _horizon(found, study)
        Comparison("all", subset, found.n, made).add(
            "horizon_seconds", "plan_or_longest_known", partial(_alone, horizon), Basis("", 0)
        )
        for group, rows in (("new", found.new), ("old", ~found.new)):
            if rows.any():
                part = found.only(rows)
                to = Comparison(group, subset, part.n, made)
                curve = _one_ballot(part, horizon, to, study)
                if curve is not None:
                    curves[subset, group] = curve
        _ratios(found, Comparison("new/old", subset, found.n, made), study)
        to = Comparison("new/old", subset, found.n, made)
        quantiles[subset] = _quantiles(found, to, study)
        _restricted(found, subset, horizon, made, study)
    main = _main(voters)
    if main in voters:
        _observers(voters[main], main, made, study)
    return VotingTimes(tuple(made), voters, quantiles.get(main), curves)


def _alone(value: float) -> Numbers:
    return value, math.nan, math.nan, math.nan


def _horizon(voters: Voters, study: StudyDesign) -> float:
    """Return up to where the times with both ballots are known, at most the horizon of the plan."""
    plan, codes = study.times.horizon_seconds, voters.municipality.to_numpy(str)
    try:
        restricted_mean_contrast(
            voters.seconds, voters.complete, voters.new, horizon=plan, clusters=codes
        )
    except ValueError:
        try:
            known = common_horizon(voters.seconds, voters.complete, voters.new, clusters=codes)
        except ValueError:
            # What cannot be compared says so itself.
            return plan
        return min(plan, known)
    return plan


def _one_ballot(
    voters: Voters, horizon: float, to: Comparison, study: StudyDesign
) -> SurvivalCurve | None:
    """Add mean, median and P90 of one ballot: complete observations alone, and all of them.

    Of one station there are estimates without interval. Returns the Kaplan–Meier curve of all
    observations, None where there is none.
    """
    level = study.analysis.confidence_level
    done = voters.only(voters.complete)
    several = partial(require_several, cluster=STATION)
    stations, complete = Basis.of(STATION, voters.station), Basis.of(STATION, done.station)

    def mean() -> Numbers:
        several(done.station, what="complete observations")
        found = mean_interval(done.seconds, done.station, confidence_level=level)
        return found.estimate, found.ci_lower, found.ci_upper, math.nan

    def quantile(q: float) -> Callable[[], Numbers]:
        def work() -> Numbers:
            several(done.station, what="complete observations")
            found = quantile_interval(
                done.seconds, done.station, quantile=q, method="woodruff", confidence_level=level
            )
            return found.estimate, found.ci_lower, found.ci_upper, math.nan

        return work

    def survival_quantile(q: float) -> Callable[[], Numbers]:
        def work() -> Numbers:
            several(voters.station, what="observations")
            return reached(curve().quantile(q))

        return work

    def curve() -> SurvivalCurve:
        return survival_curve(voters.seconds, voters.complete, voters.station, study)

    def restricted() -> Numbers:
        several(voters.station, what="observations")
        found = restricted_mean(
            *(voters.seconds, voters.complete),
            horizon=horizon,
            clusters=voters.station,
            confidence_level=level,
        )
        return found.estimate, found.ci_lower, found.ci_upper, math.nan

    def alone() -> float:
        return restricted_mean(voters.seconds, voters.complete, horizon=horizon).estimate

    seconds = done.seconds
    to.add(
        "mean_seconds", "complete_observations", mean, complete, point=partial(mean_alone, seconds)
    )
    for name, q in REPORTED.items():
        to.add(
            name,
            "complete_observations",
            quantile(q),
            complete,
            point=partial(quantile_alone, seconds, q),
        )
        known = partial(lambda q: curve().quantile(q).estimate, q)
        to.add(name, "kaplan_meier", survival_quantile(q), stations, point=known)
    to.add("restricted_mean_seconds", "kaplan_meier", restricted, stations, point=alone)
    try:
        return curve()
    except ValueError:
        return None


def _ratios(voters: Voters, to: Comparison, study: StudyDesign) -> None:
    """Add the ratio of new to old, of complete observations, by several methods."""
    analysis = study.analysis
    done = voters.only(voters.complete)
    codes = done.municipality.to_numpy(str)
    stations = Basis.of(STATION, done.station)
    units = Basis.of(MUNICIPALITY, codes)

    def model(groups: object, *, ages: bool = False) -> Callable[[], Numbers]:
        def work() -> Numbers:
            # Also of a model with stations alone: one municipality per ballot cannot be told from
            # the ballot.
            _require(done)
            found: LogLinearRatio = log_linear_ratio(
                done.seconds,
                done.new,
                groups,  # type: ignore[arg-type]
                covariates=_ages(done) if ages else None,
                confidence_level=analysis.confidence_level,
            )
            return found.ratio, found.ci_lower, found.ci_upper, found.p_value

        return work

    def reassigned() -> Numbers:
        _require(done)
        found = randomised_means(np.log(done.seconds), done.new, done.municipality, study)
        return exponentiated((found.estimate, found.ci_lower, found.ci_upper, found.p_value))

    to.add("ratio", "mixed_model", model((codes, done.station)), units)
    to.add("ratio", "mixed_model_stations", model(done.station), stations)
    if done.n and (done.frame["age_band"] != "").any():
        aged = model((codes, done.station), ages=True)
        to.add("ratio", "mixed_model_age", aged, units)
    drawn = units.drawn(analysis.draws, analysis.seed)
    to.add("ratio", "randomisation", reassigned, drawn)


def _require(voters: Voters) -> None:
    what = "complete observations"
    require_both(voters.new, voters.municipality, what=what, cluster=MUNICIPALITY)


def _ages(voters: Voters) -> FloatArray:
    """Return a column per age band but the first; an unknown age is a band of its own."""
    dummies = pd.get_dummies(voters.frame["age_band"], drop_first=True)
    return dummies.to_numpy(dtype=float)


def _quantiles(voters: Voters, to: Comparison, study: StudyDesign) -> QuantileBootstrap | None:
    """Add the ratio at each quantile of the plan."""
    times, analysis = study.times, study.analysis
    done = voters.only(voters.complete)
    basis = Basis.of(MUNICIPALITY, done.municipality).drawn(times.draws, analysis.seed)
    names = [f"ratio_q{100 * q:g}" for q in times.quantiles]
    try:
        _require(done)
        found = quantile_regression_bootstrap(
            np.log(done.seconds),
            np.column_stack([np.ones(done.n), done.new]),
            clusters=done.municipality.to_numpy(str),
            quantiles=times.quantiles,
            column=1,
            method="pairs",
            draws=times.draws,
            seed=analysis.seed,
            confidence_level=analysis.confidence_level,
        )
    except ValueError as reason:
        error = reason

        def refused() -> Numbers:
            raise error

        for name in names:
            to.add(name, "quantile_regression", refused, basis)
        return None
    columns = (found.estimates, found.ci_lower, found.ci_upper, found.p_values)
    for name, row in zip(names, np.column_stack(columns).tolist(), strict=True):
        to.add(name, "quantile_regression", partial(exponentiated, tuple(row)), basis)
    return found


def _restricted(
    voters: Voters, subset: str, horizon: float, made: list[Measure], study: StudyDesign
) -> None:
    """Add difference and ratio of the restricted means, with broken-off observations."""
    basis = Basis.of(MUNICIPALITY, voters.municipality)

    def work(part: Callable[[RestrictedMeanContrast], MeanContrast]) -> Callable[[], Numbers]:
        def numbers() -> Numbers:
            _require(voters)
            found = part(
                restricted_mean_contrast(
                    voters.seconds,
                    voters.complete,
                    voters.new,
                    horizon=horizon,
                    clusters=voters.municipality.to_numpy(str),
                    confidence_level=study.analysis.confidence_level,
                )
            )
            return found.estimate, found.ci_lower, found.ci_upper, found.p_value

        return numbers

    difference = Comparison("new-old", subset, voters.n, made)
    difference.add("restricted_mean_seconds", "kaplan_meier", work(lambda c: c.difference), basis)
    ratio = Comparison("new/old", subset, voters.n, made)
    ratio.add("restricted_mean_ratio", "kaplan_meier", work(lambda c: c.ratio), basis)


def _observers(voters: Voters, subset: str, made: list[Measure], study: StudyDesign) -> None:
    """Add how far observers differ: their share of the spread, and within one station.

    The share holds the differences between stations too; only where two observers worked in one
    station can they be told apart from it.
    """
    done = voters.only(voters.complete)
    observers = (done.frame["municipality_code"] + ":" + done.frame["observer_id"]).to_numpy(str)
    draws, seed = study.times.draws, study.analysis.seed

    effects: ObserverEffects | None = None
    reason = ""
    try:
        effects = observer_effects(
            np.log(done.seconds), observers, done.station, done.new, draws=draws, seed=seed
        )
    except ValueError as error:
        reason = str(error)

    def share() -> Numbers:
        if effects is None:
            raise ValueError(reason)
        return effects.share, math.nan, math.nan, math.nan

    def within() -> Numbers:
        if effects is None:
            raise ValueError(reason)
        if not effects.separable:
            msg = "no station had two observers, so observer and station cannot be told apart"
            raise ValueError(msg)
        spread = math.sqrt(max(effects.variance_within_station, 0.0))
        return spread, math.nan, math.nan, effects.p_value

    to = Comparison("all", subset, done.n, made)
    basis = Basis.of("observer", observers)
    to.add("observer_share_of_variance", "analysis_of_variance", share, basis)
    drawn = basis.drawn(draws, seed)
    to.add("observer_sd_log_seconds", "permutation_within_station", within, drawn)
