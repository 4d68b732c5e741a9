"""Invalid, blank and residual votes: rates, the effect of the new ballot, robustness."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.errors import DesignError
from ballot_eval.estimation.adjusted import adjusted_randomisation_test
from ballot_eval.estimation.inference import (
    RandomisationResult,
    draw_assignments,
    randomisation_test,
)
from ballot_eval.estimation.rates import (
    intraclass_correlation,
    overdispersed_interval,
    wilson_interval,
)
from ballot_eval.panel import DENOMINATOR, OUTCOMES, Contrast, Panel, contrast
from ballot_eval.reasons import plain_reason
from ballot_eval.results import Effect, Rate, to_frame
from ballot_eval.topics.strata import has_strata, stratum_dummies

METHODS = ("randomisation", "randomisation_studentised")
WEIGHTINGS = ("municipality", "ballot")

#: The estimand of every effect here: the effect on those who had the new ballot.
ESTIMAND = "att"


@dataclass(frozen=True, slots=True)
class EffectEstimate:
    """An effect with the randomisation distribution behind it (fractions of votes cast)."""

    effect: Effect
    distribution: npt.NDArray[np.float64]


def rate_results(panel: Panel) -> tuple[Rate, ...]:
    """Return rates of the groups, the country and every municipality of the study's elections.

    Municipalities get Wilson intervals. Groups get an overdispersion-aware interval whose
    intraclass correlation comes from the controls of that election. The country is a complete
    count and gets none.
    """
    rates: list[Rate] = []
    for election in panel.study.needed_elections():
        for outcome in OUTCOMES:
            counts = panel.counts(election, outcome)
            rates.extend(_group_rates(panel, counts, election, outcome))
            rates.append(_national_rate(panel, counts, election, outcome))
            rates.extend(_municipality_rates(panel, counts, election, outcome))
    return tuple(rates)


def invalid_vote_rates(panel: Panel) -> pd.DataFrame:
    """Return :func:`rate_results` as a frame, one row per election × unit × outcome."""
    return to_frame(rate_results(panel), Rate)


def _share(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else math.nan


def _group_rates(panel: Panel, counts: pd.DataFrame, election: str, outcome: str) -> list[Rate]:
    level = panel.study.analysis.confidence_level
    pool = counts[counts["role"] == "control"]
    rho = intraclass_correlation(pool["numerator"].to_numpy(), pool["denominator"].to_numpy())
    groups = {
        "experiment": counts[counts["role"] == "experiment"],
        "control": pool,
        "reference": counts[counts["is_reference"]],
    }
    rates = []
    for unit, rows in groups.items():
        if rows.empty:
            continue
        numerator, denominator = int(rows["numerator"].sum()), int(rows["denominator"].sum())
        low, high = overdispersed_interval(
            rows["numerator"].to_numpy(),
            rows["denominator"].to_numpy(),
            intraclass=rho,
            confidence_level=level,
        )
        rate = _share(numerator, denominator)
        rates.append(
            Rate(
                election, unit, outcome, numerator, denominator, rate, low, high, "wilson_rao_scott"
            )
        )
    return rates


def _national_rate(panel: Panel, counts: pd.DataFrame, election: str, outcome: str) -> Rate:
    """Return the official national row, or the sum of all regions when no file carries it."""
    rows = panel.regions[panel.regions["election_id"] == election]
    national = rows[rows["region_type"] == "national"]
    columns = list(OUTCOMES[outcome])
    if not national.empty:
        numerator = int(national[columns].sum(axis=1).iloc[0])
        denominator, method = int(national[DENOMINATOR].iloc[0]), "official_total"
    else:
        other = rows[rows["region_type"].isin(["postal", "caribbean"])]
        numerator = int(counts["numerator"].sum() + other[columns].to_numpy().sum())
        denominator = int(counts["denominator"].sum() + other[DENOMINATOR].sum())
        method = "sum_of_regions"
    rate = _share(numerator, denominator)
    return Rate(
        election, "national", outcome, numerator, denominator, rate, math.nan, math.nan, method
    )


def _municipality_rates(
    panel: Panel, counts: pd.DataFrame, election: str, outcome: str
) -> list[Rate]:
    level = panel.study.analysis.confidence_level
    rates = []
    for code, x, n in zip(counts.index, counts["numerator"], counts["denominator"], strict=True):
        low, high = wilson_interval(int(x), int(n), confidence_level=level)
        rate = _share(int(x), int(n))
        rates.append(Rate(election, code, outcome, int(x), int(n), rate, low, high, "wilson"))
    return rates


def invalid_vote_effect(
    panel: Panel,
    *,
    method: str,
    draws: int,
    seed: int,
    outcome: str | None = None,
    weighting: str | None = None,
    baseline: str | None = None,
) -> Effect:
    """Return the difference-in-differences effect of the new ballot (fraction of votes cast).

    ``method`` is ``randomisation`` or ``randomisation_studentised``. Outcome, weighting and
    baseline default to the primary ones of ``study.toml``. ``municipality`` counts every
    municipality equally; ``ballot`` weighs the changes with the votes cast at the study's
    election, so that the baseline is standardised to today's electorate.
    Raises DesignError for an unknown method, outcome, weighting or baseline.
    """
    study = panel.study
    return estimate_effect(
        panel,
        outcome=outcome or study.analysis.outcome,
        weighting=weighting or study.analysis.weighting,
        baseline=baseline or study.baselines[0],
        method=method,
        draws=draws,
        seed=seed,
    ).effect


def estimate_effect(
    panel: Panel,
    *,
    outcome: str,
    weighting: str,
    baseline: str,
    method: str,
    draws: int,
    seed: int,
) -> EffectEstimate:
    """Return one effect with its randomisation distribution; see :func:`invalid_vote_effect`.

    A method that cannot be used on these data gives NaN, and the reason in ``note``.
    """
    study = panel.study
    allowed = {"outcome": tuple(OUTCOMES), "baseline": study.baselines}
    for name, value in (("outcome", outcome), ("baseline", baseline)):
        if value not in allowed[name]:
            msg = f"{name} {value!r} is unknown; allowed: {', '.join(allowed[name])}"
            raise DesignError(msg)
    data = contrast(panel, outcome, study.election, baseline)
    try:
        require_controls(data, baseline, study.election)
        result = randomise_contrast(
            data, study, weighting=weighting, method=method, draws=draws, seed=seed
        )
        note = ""
    except ValueError as error:
        nothing = np.empty(0)
        nan = math.nan
        result = RandomisationResult(nan, nan, nan, nan, nan, 0, exact=False, distribution=nothing)
        note = plain_reason(error)
    effect = Effect(
        outcome=outcome,
        estimand=ESTIMAND,
        contrast=f"{study.election}-{baseline}",
        weighting=weighting,
        baseline=baseline,
        method=method,
        estimate=result.estimate,
        ci_lower=result.ci_lower,
        ci_upper=result.ci_upper,
        p_value=result.p_value,
        n_experiment=int(data.treated.sum()),
        n_control=int((~data.treated).sum()),
        draws=result.draws,
        exact=result.exact,
        seed=seed,
        note=note,
        p_error=result.p_error,
    )
    return EffectEstimate(effect, result.distribution)


def randomise_contrast(
    data: Contrast, study: StudyDesign, *, weighting: str, method: str, draws: int, seed: int
) -> RandomisationResult:
    """Run the randomisation test on one contrast; with strata, on the difference within them.

    Raises DesignError for an unknown choice and ValueError where the method cannot be used: no
    control, a stratum without any, a studentised statistic with strata, or with one experiment
    municipality or control.
    """
    if method not in METHODS:
        msg = f"method {method!r} is unknown; allowed: {', '.join(METHODS)}"
        raise DesignError(msg)
    if weighting not in WEIGHTINGS:
        msg = f"weighting {weighting!r} is unknown; allowed: {', '.join(WEIGHTINGS)}"
        raise DesignError(msg)
    studentised = method == "randomisation_studentised"
    dummies = stratum_dummies(data)
    assignments = draw_assignments(
        data.treated, data.strata, draws=draws, max_exact=study.analysis.max_exact, seed=seed
    )
    weights = data.votes_cast if weighting == "ballot" else None
    level = study.analysis.confidence_level
    if not has_strata(data):
        return randomisation_test(
            data.change,
            data.treated,
            assignments,
            weights=weights,
            studentised=studentised,
            confidence_level=level,
        )
    if studentised:
        msg = "there is no studentised statistic with strata"
        raise ValueError(msg)
    # The difference within strata: a plain one would differ from 0 without any effect.
    return adjusted_randomisation_test(
        data.change,
        data.treated,
        assignments,
        covariates=dummies,
        weights=weights,
        confidence_level=level,
    )


def require_controls(data: Contrast, baseline: str, election: str) -> None:
    """Raise ValueError, naming the elections, when no control has results at both."""
    if data.treated.all():
        msg = f"no control municipality has results at both {baseline} and {election}"
        raise ValueError(msg)


def effect_results(panel: Panel) -> tuple[EffectEstimate, ...]:
    """Return every outcome × baseline × weighting × method with the study's draws and seed."""
    study = panel.study
    return tuple(
        estimate_effect(
            panel,
            outcome=outcome,
            weighting=weighting,
            baseline=baseline,
            method=method,
            draws=study.analysis.draws,
            seed=study.analysis.seed,
        )
        for outcome in OUTCOMES
        for baseline in study.baselines
        for weighting in WEIGHTINGS
        for method in METHODS
    )
