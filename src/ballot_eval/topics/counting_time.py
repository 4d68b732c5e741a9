"""How long the count takes: pace, share finished by the clock, change since earlier elections.

There are three kinds of count, which are different work and never pooled: at the polling station
under DSO (lists and candidates), at the polling station under CSO (lists), and the central session
of CSO (candidates). Every function here is about one of them.
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
from ballot_eval.estimation.assignments import draw_assignments
from ballot_eval.estimation.clusters import cluster_design, cluster_ols
from ballot_eval.estimation.cox import cox, proportionality_test
from ballot_eval.estimation.durations import mean_interval, quantile_interval
from ballot_eval.estimation.inference import randomisation_test
from ballot_eval.estimation.logrank import logrank_permutation
from ballot_eval.estimation.mixed import mixed_model
from ballot_eval.estimation.survival import CurvePoints, SurvivalCurve
from ballot_eval.results import Measure
from ballot_eval.topics.counts import KINDS, CountKind, Counts, log_linear, select_counts
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
from ballot_eval.validation.moments import CLOSING_HOUR

FloatArray = npt.NDArray[np.float64]

MUNICIPALITY = "municipality"

#: Minutes at which the share of finished counts is given: from closing at 21:00, or from the
#: start of a central session.
CLOCK_MINUTES = (60, 120, 180, 240, 300)

#: The remark on a test that does not know that counts of one municipality are alike.
AS_INDEPENDENT = "takes counts as independent: too sure where municipalities differ"

#: Minutes from closing to midnight.
MIDNIGHT = (24 - CLOSING_HOUR) * 60


@dataclass(frozen=True, slots=True)
class CountingTimes:
    """Measures of the counting times, and per kind what the figures draw.

    ``curves`` maps kind and ballot to the Kaplan–Meier curve of the minutes after closing (of a
    central session: after its start), ``paces`` to person-minutes per 100 ballots.
    """

    measures: tuple[Measure, ...]
    curves: dict[str, dict[str, SurvivalCurve]]
    paces: dict[str, dict[str, FloatArray]]


def counting_time_results(frame: pd.DataFrame, study: StudyDesign) -> CountingTimes:
    """Return all measures of the accepted ``counting_times``; none where nothing was measured."""
    made: list[Measure] = []
    curves: dict[str, dict[str, SurvivalCurve]] = {}
    paces: dict[str, dict[str, FloatArray]] = {}
    for kind in KINDS:
        counts = select_counts(frame, study, study.election, kind)
        if not len(counts.frame):
            continue
        curves[kind.name], paces[kind.name] = {}, {}
        for ballot, role in (("new", counts.experiment), ("old", ~counts.experiment)):
            if role.any():
                group = counts.only(role)
                _one_group(group, Comparison(ballot, kind.name, len(group.frame), made), study)
                done = group.only(group.finished)
                paces[kind.name][ballot] = done.pace
                if (curve := _curve(group, study)) is not None:
                    curves[kind.name][ballot] = curve
                    to = Comparison(ballot, kind.name, len(group.frame), made)
                    _shares(curve, group, kind, to)
        _compare(counts, Comparison("new/old", kind.name, len(counts.frame), made), study)
        _since(frame, counts, kind, made, study)
    return CountingTimes(tuple(made), curves, paces)


def _one_group(counts: Counts, to: Comparison, study: StudyDesign) -> None:
    """Add the pace of the finished counts of one ballot."""
    level = study.analysis.confidence_level
    done = counts.only(counts.finished)
    clusters = done.municipality.to_numpy()
    basis = Basis.of(MUNICIPALITY, clusters)

    def several() -> None:
        require_several(clusters, what="finished counts", cluster=MUNICIPALITY)

    def mean() -> Numbers:
        several()
        found = mean_interval(done.pace, clusters, confidence_level=level)
        return found.estimate, found.ci_lower, found.ci_upper, math.nan

    def median() -> Numbers:
        several()
        found = quantile_interval(
            done.pace, clusters, quantile=0.5, method="woodruff", confidence_level=level
        )
        return found.estimate, found.ci_lower, found.ci_upper, math.nan

    name, middle = "person_minutes_per_100_ballots", partial(quantile_alone, quantile=0.5)
    to.add(f"mean_{name}", "finished_counts", mean, basis, point=partial(mean_alone, done.pace))
    to.add(f"median_{name}", "finished_counts", median, basis, point=partial(middle, done.pace))


def _curve(counts: Counts, study: StudyDesign) -> SurvivalCurve | None:
    """Return the Kaplan–Meier curve by the clock; None where it cannot be estimated."""
    try:
        codes = counts.municipality.to_numpy(str)
        return survival_curve(counts.until_finished, counts.finished, codes, study)
    except ValueError:
        return None


def _shares(curve: SurvivalCurve, counts: Counts, kind: CountKind, to: Comparison) -> None:
    """Add the share of counts finished by the clock, or that long after the start."""
    basis = Basis.of(MUNICIPALITY, counts.municipality)

    def several() -> None:
        require_several(counts.municipality, what="counts", cluster=MUNICIPALITY)

    for minutes in CLOCK_MINUTES:
        at = curve.at([minutes])

        def share(at: CurvePoints = at) -> Numbers:
            s, low, high = (float(v[0]) for v in (at.survival, at.lower, at.upper))
            if math.isnan(s):
                raise ValueError("no count was seen so long: the share is not known")
            if s in (0, 1):
                raise ValueError("no count, or every one, was finished: there is no interval")
            several()
            return 1 - s, 1 - high, 1 - low, math.nan

        name = f"share_finished_{minutes}_minutes_after_{kind.origin}"
        alone = partial(lambda at: 1 - float(at.survival[0]), at)
        to.add(name, "kaplan_meier", share, basis, point=alone)
    middle = curve.quantile(0.5)

    def median() -> Numbers:
        several()
        return reached(middle)

    name = f"median_minutes_after_{kind.origin}"
    to.add(name, "kaplan_meier", median, basis, point=lambda: middle.estimate)


def _compare(counts: Counts, to: Comparison, study: StudyDesign) -> None:
    """Add the ratios of new to old ballot: work, and speed of finishing.

    ``work_ratio`` is that of person-minutes at the same ballots, counters and lists;
    ``pace_ratio`` that of person-minutes per 100 ballots as they were, every municipality equal.
    """
    level, analysis = study.analysis.confidence_level, study.analysis
    done = counts.only(counts.finished)
    codes = done.municipality.to_numpy(str)
    basis = Basis.of(MUNICIPALITY, codes)

    def regression() -> Numbers:
        _require(done, "finished counts")
        y, x, _ = log_linear(done)
        design = cluster_design(x, codes)
        (found,) = cluster_ols(design, y, method="cr2", columns=[1], confidence_level=level)
        return exponentiated((found.estimate, found.ci_lower, found.ci_upper, found.p_value))

    def mixed() -> Numbers:
        _require(done, "finished counts")
        y, x, names = log_linear(done)
        fit = mixed_model(
            y,
            x,
            codes,
            names=names,
            degrees_of_freedom="kenward_roger",
            confidence_level=level,
        )
        limits = (float(fit.coefficients[1]), float(fit.ci_lower[1]), float(fit.ci_upper[1]))
        return exponentiated((*limits, float(fit.p_values[1])))

    def reassigned() -> Numbers:
        _require(done, "finished counts")
        found = randomised_means(np.log(done.pace), done.experiment, done.municipality, study)
        return exponentiated((found.estimate, found.ci_lower, found.ci_upper, found.p_value))

    to.add("work_ratio", "mixed_model", mixed, basis)
    to.add("work_ratio", "cr2", regression, basis)
    drawn = basis.drawn(analysis.draws, analysis.seed)
    to.add("pace_ratio", "randomisation", reassigned, drawn)
    _compare_finishing(counts, to, study)


def _require(counts: Counts, what: str) -> None:
    require_both(counts.experiment, counts.municipality, what=what, cluster=MUNICIPALITY)


def _compare_finishing(counts: Counts, to: Comparison, study: StudyDesign) -> None:
    """Add how much faster counts finish with the new ballot; unfinished ones are censored."""
    analysis = study.analysis
    codes = counts.municipality.to_numpy(str)
    durations = counts.until_finished
    basis = Basis.of(MUNICIPALITY, codes)

    def role() -> FloatArray:
        return counts.experiment.astype(float)[:, None]

    def adjusted() -> FloatArray:
        _, x, _ = log_linear(counts)
        return x[:, 1:]

    def hazard(columns: Callable[[], FloatArray]) -> Callable[[], Numbers]:
        def work() -> Numbers:
            _require(counts, "counts")
            found = cox(
                durations,
                counts.finished,
                columns(),
                clusters=codes,
                confidence_level=analysis.confidence_level,
            )
            values = (found.hazard_ratios, found.ci_lower, found.ci_upper, found.p_values)
            estimate, low, high, p_value = (float(v[0]) for v in values)
            return estimate, low, high, p_value

        return work

    def proportional() -> Numbers:
        _require(counts, "counts")
        found = proportionality_test(durations, counts.finished, role(), transform="km")
        return math.nan, math.nan, math.nan, found.columns[0].p_value

    def permuted() -> Numbers:
        _require(counts, "counts")
        found = logrank_permutation(
            durations,
            counts.finished,
            counts.experiment,
            clusters=codes,
            draws=analysis.draws,
            max_exact=analysis.max_exact,
            seed=analysis.seed,
        )
        return found.observed / found.expected, math.nan, math.nan, found.p_value

    to.add("finishing_rate_ratio", "cox", hazard(role), basis)
    to.add("finishing_rate_ratio", "cox_adjusted", hazard(adjusted), basis)
    # The test knows no clusters, so its basis names none.
    alone = Basis("", 0, n=len(codes))
    to.add("proportional_hazards", "schoenfeld", proportional, alone, remark=AS_INDEPENDENT)
    drawn = basis.drawn(analysis.draws, analysis.seed)
    to.add("finished_over_expected", "logrank_randomisation", permuted, drawn)


def _since(
    frame: pd.DataFrame, counts: Counts, kind: CountKind, made: list[Measure], study: StudyDesign
) -> None:
    """Add the change of the pace since earlier elections of the same type, against controls.

    Per municipality the change of its mean log pace, where it had this kind of count both times.
    """
    analysis = study.analysis
    now = _means(counts)
    for baseline in study.baselines:
        then = _means(select_counts(frame, study, baseline, kind))
        both = now.add_suffix("_now").join(then.add_suffix("_then"), how="inner")
        if then.empty:
            continue

        def change(both: pd.DataFrame = both) -> Numbers:
            role = both["role_now"].to_numpy(dtype=bool)
            require_both(role, both.index, what="counts both times", cluster=MUNICIPALITY)
            assignments = draw_assignments(
                role, draws=analysis.draws, max_exact=analysis.max_exact, seed=analysis.seed
            )
            values = (both["log_pace_now"] - both["log_pace_then"]).to_numpy(dtype=float)
            found = randomisation_test(
                values, role, assignments, confidence_level=analysis.confidence_level
            )
            return exponentiated((found.estimate, found.ci_lower, found.ci_upper, found.p_value))

        Comparison("new/old", kind.name, len(both), made).add(
            f"pace_ratio_since_{baseline}",
            "randomisation",
            change,
            Basis(MUNICIPALITY, len(both), analysis.draws, analysis.seed),
        )


def _means(counts: Counts) -> pd.DataFrame:
    """Return role and mean log pace of the finished counts per municipality."""
    done = counts.only(counts.finished)
    frame = pd.DataFrame(
        {
            "code": done.municipality.to_numpy(),
            "role": done.experiment,
            "log_pace": np.log(done.pace),
        }
    )
    return frame.groupby("code").agg(role=("role", "max"), log_pace=("log_pace", "mean"))
