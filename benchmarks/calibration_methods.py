"""The methods that ``calibration.py`` judges, each as a function of one trial.

A method looks at the counts without an effect (is there a false alarm?) and at those with one
(does the interval hold it?).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from calibration_panels import ADDED, FACTOR, FloatArray, Trial
from scipy.stats import norm

from ballot_eval.estimation.betabinomial import BETA_BINOMIAL_METHODS, did_beta_binomial
from ballot_eval.estimation.bootstrap import wild_cluster_bootstrap
from ballot_eval.estimation.clusters import ClusterDesign, cluster_design, cluster_ols
from ballot_eval.estimation.counts import did_ratio
from ballot_eval.estimation.inference import (
    difference_curve,
    draw_assignments,
    randomisation_test,
)
from ballot_eval.estimation.placebos import placebo_standard_error
from ballot_eval.estimation.ratio import Weighting, ratio_randomisation_test
from ballot_eval.estimation.staggered import NEVER, common_baselines, group_time_effects
from ballot_eval.estimation.synthetic import synthetic_effect

#: p-value without an effect, limits with one.
Answer = tuple[float, float, float]
Work = Callable[[Trial], Answer]
Target = Literal["municipality", "ballot", "own", "ratio", "none"]

#: Draws per panel; (b+1)/(B+1) can be exactly 0.05 with both.
RANDOMISATION_DRAWS = 1_999
BOOTSTRAP_DRAWS = 999
PLACEBO_DRAWS, RANK_DRAWS = 100, 99
Z = float(norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class Method:
    """One line of the table. ``panels`` is how many trials it gets.

    ``target``: what the interval should hold; ``municipality`` and ``ballot`` the added effect
    with those weights, ``own`` the mean addition that the multiplication makes, ``ratio`` the
    factor, ``none`` when there is no interval. ``real`` says whether the method also runs on the
    resampled official results.
    """

    key: str
    label: str
    work: Work
    panels: int
    target: Target = "municipality"
    remark: str = ""
    real: bool = True

    def truths(self, trial: Trial) -> tuple[float, float]:
        """Return the effect in the ballots cast and in the long run; NaN where undefined."""
        match self.target:
            case "municipality":
                return trial.realised(trial.added), ADDED
            case "ballot":
                return trial.realised(trial.added, by_ballot=True), ADDED
            case "own":
                return trial.realised(trial.multiplied), trial.mean_effect
            case "ratio":
                return np.nan, FACTOR
            case "none":
                return np.nan, np.nan


def randomisation(weighting: str, *, studentised: bool = False, multiplied: bool = False) -> Work:
    """Return the randomisation test of a weighted difference of changes."""

    def work(trial: Trial) -> Answer:
        assignments = draw_assignments(
            trial.role, draws=RANDOMISATION_DRAWS, max_exact=1_000, seed=trial.seed
        )
        weights = trial.votes[:, 2] if weighting == "ballot" else np.ones(len(trial.role))
        # Of the null only the p-value is needed; the studentised interval costs most of the time.
        null = difference_curve(
            trial.change(trial.plain), trial.role, assignments, weights, studentised=studentised
        )
        result = randomisation_test(
            trial.change(trial.multiplied if multiplied else trial.added),
            trial.role,
            assignments,
            weights=weights,
            studentised=studentised,
        )
        return null.p_value(0.0), result.ci_lower, result.ci_upper

    return work


def _design(trial: Trial, weighting: str) -> tuple[ClusterDesign, FloatArray]:
    """Return the regression of changes on the role as the package's second opinions have it."""
    root = np.sqrt(trial.votes[:, 2]) if weighting == "ballot" else np.ones(len(trial.role))
    x = root[:, None] * np.column_stack([np.ones(len(root)), trial.role])
    return cluster_design(x, np.arange(len(root))), root


def sandwich(method: str, weighting: str) -> Work:
    """Return a cluster-robust t test, one municipality one cluster."""

    def work(trial: Trial) -> Answer:
        design, root = _design(trial, weighting)
        null, effect = (
            cluster_ols(design, root * trial.change(last), method=method, columns=[1])[0]  # type: ignore[arg-type]
            for last in (trial.plain, trial.added)
        )
        return null.p_value, effect.ci_lower, effect.ci_upper

    return work


def wild_bootstrap(weighting: str) -> Work:
    """Return the restricted wild cluster bootstrap."""

    def work(trial: Trial) -> Answer:
        design, root = _design(trial, weighting)
        null, effect = (
            wild_cluster_bootstrap(
                design,
                root * trial.change(last),
                column=1,
                weights="rademacher",
                draws=BOOTSTRAP_DRAWS,
                seed=trial.seed,
            )
            for last in (trial.plain, trial.added)
        )
        return null.p_value, effect.ci_lower, effect.ci_upper

    return work


def count_model(method: str) -> Work:
    """Return a count model on the last two elections, with a multiplied rate as the effect."""

    def work(trial: Trial) -> Answer:
        n = len(trial.role)
        votes = np.concatenate([trial.votes[:, 1], trial.votes[:, 2]])
        where, when = np.tile(np.arange(n), 2), np.repeat([0, 1], n)
        new = np.concatenate([np.zeros(n, dtype=bool), trial.role])
        fit = did_beta_binomial if method in BETA_BINOMIAL_METHODS else did_ratio
        null, effect = (
            fit(
                np.concatenate([trial.before[:, 1], last]),
                votes,
                where,
                when,
                new,
                method=method,  # type: ignore[arg-type]
            )
            for last in (trial.plain, trial.multiplied)
        )
        return null.p_value, effect.ci_lower, effect.ci_upper

    return work


def callaway_santanna(trial: Trial) -> Answer:
    """Return the group-time effect of the last election with normal limits."""
    periods = np.arange(3.0)
    adoption = np.where(trial.role, periods[-1], NEVER)
    null, effect = (
        group_time_effects(
            trial.rates(last), periods, adoption, baselines=common_baselines(periods, adoption)
        )
        for last in (trial.plain, trial.added)
    )
    return _normal(
        float(null.estimates[-1]),
        float(effect.estimates[-1]),
        float(null.std_errors[-1]),
        float(effect.std_errors[-1]),
    )


def _normal(null: float, effect: float, null_error: float, error: float) -> Answer:
    return float(2 * norm.sf(abs(null) / null_error)), effect - Z * error, effect + Z * error


def synthetic(method: str) -> Work:
    """Return a synthetic control or synthetic DiD, normal limits from the placebo error."""

    def work(trial: Trial) -> Answer:
        options = {"n_post": 1, "method": method, "solver": "exact"}
        y, t = trial.rates(trial.plain), trial.role
        # The error comes from the controls alone, so it is the same with the effect.
        error = placebo_standard_error(y, t, **options, draws=PLACEBO_DRAWS, seed=trial.seed)  # type: ignore[arg-type]
        null = synthetic_effect(y, t, **options).estimate  # type: ignore[arg-type]
        effect = synthetic_effect(trial.rates(trial.added), t, **options).estimate  # type: ignore[arg-type]
        return _normal(null, effect, error.standard_error, error.standard_error)

    return work


def placebo_rank(method: str) -> Work:
    """Return the p-value in the report: the rank of the estimate among its placebo samples."""

    def work(trial: Trial) -> Answer:
        options = {"n_post": 1, "method": method, "solver": "exact"}
        y, t = trial.rates(trial.plain), trial.role
        estimate = synthetic_effect(y, t, **options).estimate  # type: ignore[arg-type]
        placebos = placebo_standard_error(y, t, **options, draws=RANK_DRAWS, seed=trial.seed)  # type: ignore[arg-type]
        reached = int((np.abs(placebos.estimates) >= abs(estimate)).sum())
        return (reached + 1) / (RANK_DRAWS + 1), np.nan, np.nan

    return work


def ratio(weighting: Weighting) -> Work:
    """Return the randomisation test of a ratio of rates, with a multiplied rate as the effect.

    As in the package, half a vote is added to every count when the mean of log rates needs it.
    """

    def work(trial: Trial) -> Answer:
        assignments = draw_assignments(
            trial.role, draws=RANDOMISATION_DRAWS, max_exact=1_000, seed=trial.seed
        )
        before = trial.before[:, 1]
        results = [
            ratio_randomisation_test(
                last,
                trial.votes[:, 2],
                trial.role,
                assignments,
                weighting=weighting,
                baseline_events=before,
                baseline_ballots=trial.votes[:, 1],
                zeros="add_half"
                if weighting == "municipality" and not (last.all() and before.all())
                else "error",
            )
            for last in (trial.plain, trial.multiplied)
        ]
        return results[0].p_value, results[1].ci_lower, results[1].ci_upper

    return work


#: Panels per method: the slower it is, the fewer.
FAST, MIDDLE, SLOW, SLOWER = 2_000, 600, 250, 200

WEIGHTINGS: tuple[Literal["municipality", "ballot"], ...] = ("municipality", "ballot")
RATIOS: tuple[tuple[Weighting, str], ...] = (
    ("municipality", "municipality-weighted"),
    ("pooled", "ballot-weighted"),
)
QUASI = ("quasi_binomial", "quasi_poisson", "quasi_negative_binomial", "quasi_beta_binomial")
UNSCALED = (
    ("negative_binomial", "not in the report: spread too small with two elections"),
    ("beta_binomial", "not in the report: spread too small with two elections"),
    ("poisson", "not in the report: ignores spread"),
)
SYNTHETIC = (("synthetic_control", "synthetic control"), ("synthetic_did", "synthetic DiD"))

METHODS: tuple[Method, ...] = (
    Method(
        "plain",
        "randomisation, municipality-weighted",
        randomisation("municipality"),
        FAST,
        remark="**primary**",
    ),
    Method(
        "own",
        "same, effect ×2.2 instead of +0.30",
        randomisation("municipality", multiplied=True),
        FAST,
        "own",
        "mean effect of municipalities that differ",
    ),
    Method(
        "plain_ballot",
        "randomisation, ballot-weighted",
        randomisation("ballot"),
        FAST,
        "ballot",
    ),
    *(
        Method(
            f"studentised_{w}",
            f"randomisation, studentised, {w}-weighted",
            randomisation(w, studentised=True),
            MIDDLE,
            w,
        )
        for w in WEIGHTINGS
    ),
    *(
        Method(
            f"ratio_{w}",
            f"randomisation, ratio, {label}",
            ratio(w),
            MIDDLE,
            "ratio",
        )
        for w, label in RATIOS
    ),
    *(
        Method(f"{m}_{w}", f"{m.upper()}, {w}-weighted", sandwich(m, w), FAST, w)
        for w in WEIGHTINGS
        for m in ("crv1", "cr2", "crv3")
    ),
    *(
        Method(
            f"wild_{w}", f"restricted wild bootstrap, {w}-weighted", wild_bootstrap(w), MIDDLE, w
        )
        for w in WEIGHTINGS
    ),
    Method("cs", "Callaway–Sant'Anna, normal interval", callaway_santanna, FAST),
    *(Method(m, m, count_model(m), SLOW, "ratio") for m in QUASI),
    *(Method(m, m, count_model(m), SLOW, "ratio", remark) for m, remark in UNSCALED),
    *(
        Method(m, f"{label}, placebo standard error", synthetic(m), SLOWER)
        for m, label in SYNTHETIC
    ),
    *(
        Method(
            f"{m}_test",
            f"{label}, rank among placebos",
            placebo_rank(m),
            SLOWER,
            "none",
            "the p-value in the report",
            real=False,
        )
        for m, label in SYNTHETIC
    ),
)
