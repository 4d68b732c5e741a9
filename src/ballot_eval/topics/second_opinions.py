"""The same effect by other methods: what a critic would try, beside the primary answer.

Differences (``att``) come from the regression of a municipality's change on its role, which is the
two-period regression with municipality and election effects; ratios from count models on the two
elections; synthetic controls and group-time effects from all elections of the study.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from ballot_eval.estimation.adjusted import adjusted_randomisation_test
from ballot_eval.estimation.assignments import Assignments, count_assignments, draw_assignments
from ballot_eval.estimation.betabinomial import did_beta_binomial
from ballot_eval.estimation.bootstrap import wild_cluster_bootstrap
from ballot_eval.estimation.clusters import ClusterDesign, cluster_design, cluster_ols
from ballot_eval.estimation.count_data import RatioEffect
from ballot_eval.estimation.counts import did_ratio
from ballot_eval.estimation.placebos import placebo_standard_error, placebo_test
from ballot_eval.estimation.pvalue_curve import monte_carlo_error
from ballot_eval.estimation.ratio import ratio_randomisation_test
from ballot_eval.estimation.staggered import (
    NEVER,
    GroupTimeEffects,
    common_baselines,
    group_time_effects,
)
from ballot_eval.estimation.synthetic import synthetic_effect
from ballot_eval.panel import Contrast, Panel, contrast
from ballot_eval.results import Effect
from ballot_eval.topics.pools import balancing_weights, covariates

FloatArray = npt.NDArray[np.float64]

#: Draws of the wild cluster bootstrap; its Monte-Carlo error at p = 0.05 is 0.002.
BOOTSTRAP_DRAWS = 9_999

#: Placebo samples behind the standard error of a synthetic control.
PLACEBO_DRAWS = 400

#: Limits and p-value of one method, in the order of an effect's fields.
Numbers = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class RateHistory:
    """Rates of the municipalities that have a result at every election of the study.

    ``rates`` is (municipalities, elections) in order of time, ``treated`` the role now. Former
    experiment municipalities are left out.
    """

    codes: tuple[str, ...]
    elections: tuple[str, ...]
    rates: FloatArray
    treated: npt.NDArray[np.bool_]


def rate_history(panel: Panel, outcome: str) -> RateHistory:
    """Return the balanced history of an outcome's rates over the elections of the study."""
    elections = panel.study.needed_elections()
    tables = [panel.counts(e, outcome) for e in elections]
    now = tables[-1]
    usable = [set(t.index[t["denominator"] > 0]) for t in tables]
    codes = sorted(set(now.index[now["role"] != "former"]).intersection(*usable))
    rates = np.column_stack(
        [(t["numerator"] / t["denominator"]).loc[codes].to_numpy(dtype=float) for t in tables]
    )
    treated = (now.loc[codes, "role"] == "experiment").to_numpy(dtype=bool)
    return RateHistory(tuple(codes), elections, rates, treated)


def second_opinions(panel: Panel, outcome: str) -> tuple[Effect, ...]:
    """Return the effect on one outcome by every other method, for every baseline.

    A method that cannot be used on these data gives NaN, and the reason in ``note``.
    """
    study = panel.study
    effects: list[Effect] = []
    for baseline in study.baselines:
        data = contrast(panel, outcome, study.election, baseline)
        for weighting in ("municipality", "ballot"):
            effects.extend(_regressions(data, panel, outcome, baseline, weighting))
        effects.extend(_count_models(panel, data, outcome, baseline))
    effects.extend(_histories(panel, outcome))
    return tuple(effects)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is the same for all methods of one comparison."""

    outcome: str
    contrast: str
    weighting: str
    baseline: str
    n_experiment: int
    n_control: int

    def effect(
        self,
        method: str,
        work: Callable[[], Numbers],
        *,
        estimand: str = "att",
        draws: int = 0,
        exact: bool = False,
        seed: int = 0,
    ) -> Effect:
        """Return the effect that ``work`` computes, or NaN with the reason."""
        try:
            estimate, low, high, p_value = work()
            note = ""
            error = monte_carlo_error(p_value, draws, exact=exact) if draws else math.nan
        except ValueError as reason:
            estimate = low = high = p_value = error = math.nan
            note = str(reason)
        return Effect(
            outcome=self.outcome,
            estimand=estimand,
            contrast=self.contrast,
            weighting=self.weighting,
            baseline=self.baseline,
            method=method,
            estimate=estimate,
            ci_lower=low,
            ci_upper=high,
            p_value=p_value,
            n_experiment=self.n_experiment,
            n_control=self.n_control,
            draws=draws,
            exact=exact,
            seed=seed,
            note=note,
            p_error=error,
        )


def change_design(data: Contrast, weights: FloatArray) -> tuple[ClusterDesign, FloatArray]:
    """Return the regression of the changes on the role: design (role last) and outcomes.

    Every municipality is a cluster. ``weights`` (n,) enter as square roots on both sides. Errors
    as :func:`ballot_eval.estimation.clusters.cluster_design`.
    """
    root = np.sqrt(weights)
    x = root[:, None] * np.column_stack([np.ones(len(root)), data.treated])
    return cluster_design(x, np.arange(len(root))), root * data.change


def _regressions(
    data: Contrast, panel: Panel, outcome: str, baseline: str, weighting: str
) -> Iterator[Effect]:
    study = panel.study
    level, seed = study.analysis.confidence_level, study.analysis.seed
    experiment = int(data.treated.sum())
    frame = _Frame(
        outcome,
        f"{study.election}-{baseline}",
        weighting,
        baseline,
        experiment,
        len(data.codes) - experiment,
    )

    weights = data.votes_cast if weighting == "ballot" else np.ones(len(data.codes))

    def sandwich(method: str, w: FloatArray) -> Numbers:
        design, y = change_design(data, w)
        (r,) = cluster_ols(
            design,
            y,
            method=method,  # type: ignore[arg-type]
            columns=[1],
            confidence_level=level,
        )
        return r.estimate, r.ci_lower, r.ci_upper, r.p_value

    def bootstrap() -> Numbers:
        design, y = change_design(data, weights)
        r = wild_cluster_bootstrap(
            design,
            y,
            column=1,
            weights="rademacher",
            draws=BOOTSTRAP_DRAWS,
            seed=seed,
            confidence_level=level,
        )
        return r.estimate, r.ci_lower, r.ci_upper, r.p_value

    def drawn() -> Assignments:
        return draw_assignments(
            data.treated,
            data.strata,
            draws=study.analysis.draws,
            max_exact=study.analysis.max_exact,
            seed=seed,
        )

    def adjusted() -> Numbers:
        x = [covariates(data.codes)]
        if np.ptp(data.strata):
            x.append((data.strata[:, None] == np.unique(data.strata)[1:]).astype(float))
        r = adjusted_randomisation_test(
            data.change,
            data.treated,
            drawn(),
            covariates=np.column_stack(x),
            weights=data.votes_cast if weighting == "ballot" else None,
            confidence_level=level,
        )
        return r.estimate, r.ci_lower, r.ci_upper, r.p_value

    def ratio() -> Numbers:
        now, then = (
            panel.counts(e, outcome).loc[list(data.codes)] for e in (study.election, baseline)
        )
        counted = [
            part[column].to_numpy(dtype=float)
            for part in (now, then)
            for column in ("numerator", "denominator")
        ]
        r = ratio_randomisation_test(
            counted[0],
            counted[1],
            data.treated,
            drawn(),
            weighting="pooled" if weighting == "ballot" else "municipality",
            baseline_events=counted[2],
            baseline_ballots=counted[3],
            zeros="error" if weighting == "ballot" else "add_half",
            confidence_level=level,
        )
        return r.ratio, r.ci_lower, r.ci_upper, r.p_value

    count = count_assignments(data.treated, data.strata)
    exact = count <= study.analysis.max_exact
    chance = {"draws": count if exact else study.analysis.draws, "exact": exact, "seed": seed}
    yield frame.effect("randomisation_adjusted", adjusted, **chance)  # type: ignore[arg-type]
    yield frame.effect(
        "randomisation_ratio",
        ratio,
        estimand="rate_ratio",
        **chance,  # type: ignore[arg-type]
    )
    for method in ("crv1", "cr2", "crv3"):
        yield frame.effect(method, lambda method=method: sandwich(method, weights))  # type: ignore[misc]
    if weighting == "municipality":

        def balanced() -> Numbers:
            return sandwich("crv3", balancing_weights(panel, data, outcome))

        yield frame.effect("entropy_balanced", balanced)
    yield frame.effect("wild_bootstrap", bootstrap, draws=BOOTSTRAP_DRAWS, seed=seed)


def _count_models(panel: Panel, data: Contrast, outcome: str, baseline: str) -> Iterator[Effect]:
    study = panel.study
    experiment = int(data.treated.sum())
    frame = _Frame(
        outcome,
        f"{study.election}-{baseline}",
        "ballot",
        baseline,
        experiment,
        len(data.codes) - experiment,
    )
    for method, estimand in (
        ("quasi_binomial", "odds_ratio"),
        ("quasi_poisson", "rate_ratio"),
        ("quasi_negative_binomial", "rate_ratio"),
        ("quasi_beta_binomial", "odds_ratio"),
    ):

        def model(method: str = method) -> Numbers:
            r = count_model(panel, outcome, baseline, method)
            return r.ratio, r.ci_lower, r.ci_upper, r.p_value

        yield frame.effect(method, model, estimand=estimand)


def count_model(panel: Panel, outcome: str, baseline: str, method: str) -> RatioEffect:
    """Return a count model on the two elections, with municipality and election effects.

    ``method`` is one of :mod:`ballot_eval.estimation.counts` or ``quasi_beta_binomial``. Errors
    (all ValueError) as there.
    """
    study = panel.study
    codes = contrast(panel, outcome, study.election, baseline).codes
    rows = [panel.counts(e, outcome).loc[list(codes)] for e in (baseline, study.election)]
    numerators = np.concatenate([r["numerator"].to_numpy(dtype=float) for r in rows])
    denominators = np.concatenate([r["denominator"].to_numpy(dtype=float) for r in rows])
    role = (rows[1]["role"] == "experiment").to_numpy(dtype=bool)
    now = np.repeat([False, True], len(codes))
    cells = (
        numerators,
        denominators,
        np.tile(np.array(codes), 2),
        now.astype(int),
        np.tile(role, 2) & now,
    )
    level = study.analysis.confidence_level
    if method == "quasi_beta_binomial":
        return did_beta_binomial(*cells, method="quasi_beta_binomial", confidence_level=level)
    return did_ratio(*cells, method=method, confidence_level=level)  # type: ignore[arg-type]


def group_time(panel: Panel, outcome: str) -> GroupTimeEffects:
    """Return the group-time effects over the study's elections, by order of the elections.

    One baseline for all: the last election before the new ballot. Earlier elections are placebos.
    """
    history = rate_history(panel, outcome)
    periods = np.arange(len(history.elections), dtype=float)
    adoption = np.where(history.treated, periods[-1], NEVER)
    return group_time_effects(
        history.rates, periods, adoption, baselines=common_baselines(periods, adoption)
    )


def _histories(panel: Panel, outcome: str) -> Iterator[Effect]:
    """Yield the methods that use all elections of the study, municipalities weighing equally.

    The limits of synthetic controls come from ``PLACEBO_DRAWS`` placebo samples, their p-value
    from as many draws as the plan has.
    """
    study = panel.study
    history = rate_history(panel, outcome)
    experiment = int(history.treated.sum())

    def frame_of(baseline: str) -> _Frame:
        return _Frame(
            outcome,
            f"{study.election}-{baseline}",
            "municipality",
            baseline,
            experiment,
            len(history.codes) - experiment,
        )

    z = float(norm.ppf(0.5 + study.analysis.confidence_level / 2))

    def staggered() -> Numbers:
        effects = group_time(panel, outcome)
        estimate, error = float(effects.estimates[-1]), float(effects.std_errors[-1])
        p_value = float(2 * norm.sf(abs(estimate) / error))
        return estimate, estimate - z * error, estimate + z * error, p_value

    def synthetic(method: str) -> Numbers:
        options = {"n_post": 1, "method": method, "solver": "exact"}
        draw = {"draws": PLACEBO_DRAWS, "seed": study.analysis.seed}
        y, t = history.rates, history.treated
        estimate = synthetic_effect(y, t, **options).estimate  # type: ignore[arg-type]
        error = placebo_standard_error(y, t, **options, **draw).standard_error  # type: ignore[arg-type]
        p_value = placebo_test(
            y,
            t,
            **options,  # type: ignore[arg-type]
            statistic="effect",
            draws=study.analysis.draws,
            seed=study.analysis.seed,
        ).mean_p_value
        return estimate, estimate - z * error, estimate + z * error, p_value

    # The staggered effect is a change since the last election; the others use all before.
    yield frame_of(history.elections[-2]).effect("callaway_santanna", staggered)
    frame = frame_of("+".join(history.elections[:-1]))
    for method in ("synthetic_control", "synthetic_did"):
        yield frame.effect(
            method,
            lambda method=method: synthetic(method),  # type: ignore[misc]
            draws=study.analysis.draws,
            seed=study.analysis.seed,
        )
