"""Invalid, blank and residual votes: rates, the effect of the new ballot, robustness."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.errors import DesignError
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
from ballot_eval.results import Check, Effect, Rate, to_frame

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
    """Return one effect with its randomisation distribution; see :func:`invalid_vote_effect`."""
    study = panel.study
    allowed = {"outcome": tuple(OUTCOMES), "baseline": study.baselines}
    for name, value in (("outcome", outcome), ("baseline", baseline)):
        if value not in allowed[name]:
            msg = f"{name} {value!r} is unknown; allowed: {', '.join(allowed[name])}"
            raise DesignError(msg)
    data = contrast(panel, outcome, study.election, baseline)
    result = randomise_contrast(
        data, study, weighting=weighting, method=method, draws=draws, seed=seed
    )
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
    )
    return EffectEstimate(effect, result.distribution)


def randomise_contrast(
    data: Contrast, study: StudyDesign, *, weighting: str, method: str, draws: int, seed: int
) -> RandomisationResult:
    """Run the randomisation test on one contrast; DesignError for an unknown choice."""
    if method not in METHODS:
        msg = f"method {method!r} is unknown; allowed: {', '.join(METHODS)}"
        raise DesignError(msg)
    if weighting not in WEIGHTINGS:
        msg = f"weighting {weighting!r} is unknown; allowed: {', '.join(WEIGHTINGS)}"
        raise DesignError(msg)
    if not 0 < data.treated.sum() < len(data.treated):
        msg = "an effect needs at least one experiment municipality and one control"
        raise DesignError(msg)
    assignments = draw_assignments(
        data.treated, data.strata, draws=draws, max_exact=study.analysis.max_exact, seed=seed
    )
    return randomisation_test(
        data.change,
        data.treated,
        assignments,
        weights=data.votes_cast if weighting == "ballot" else None,
        studentised=method == "randomisation_studentised",
        confidence_level=study.analysis.confidence_level,
    )


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


def robustness_results(panel: Panel) -> tuple[Check, ...]:
    """Return placebo contrasts between the baselines and leave-one-municipality-out effects.

    The placebo compares two elections at which everybody had the old ballot. Leave-one-out
    drops each experiment municipality in turn from the primary effect.
    """
    study = panel.study
    checks: list[Check] = []
    ordered = study.needed_elections()[:-1]
    for earlier, later in itertools.pairwise(ordered):
        for outcome in OUTCOMES:
            for weighting in WEIGHTINGS:
                data = contrast(panel, outcome, later, earlier)
                variant = f"{earlier}-{later}"
                checks.append(
                    _check(data, study, ("placebo", variant, outcome, weighting, earlier))
                )
    outcome, weighting = study.analysis.outcome, study.analysis.weighting
    data = contrast(panel, outcome, study.election, study.baselines[0])
    if data.treated.sum() > 1:
        for code in study.experiment():
            keep = np.array([c != code for c in data.codes])
            label = ("leave_one_out", code, outcome, weighting, study.baselines[0])
            checks.append(_check(_subset(data, keep), study, label))
    return tuple(checks)


def _subset(data: Contrast, keep: npt.NDArray[np.bool_]) -> Contrast:
    return Contrast(
        codes=tuple(c for c, k in zip(data.codes, keep, strict=True) if k),
        change=data.change[keep],
        treated=data.treated[keep],
        votes_cast=data.votes_cast[keep],
        strata=data.strata[keep],
    )


def _check(data: Contrast, study: StudyDesign, label: tuple[str, str, str, str, str]) -> Check:
    check, variant, outcome, weighting, baseline = label
    result = randomise_contrast(
        data,
        study,
        weighting=weighting,
        method=METHODS[0],
        draws=study.analysis.draws,
        seed=study.analysis.seed,
    )
    return Check(
        check=check,
        variant=variant,
        outcome=outcome,
        weighting=weighting,
        baseline=baseline,
        method=METHODS[0],
        estimate=result.estimate,
        ci_lower=result.ci_lower,
        ci_upper=result.ci_upper,
        p_value=result.p_value,
        n_experiment=int(data.treated.sum()),
        n_control=int((~data.treated).sum()),
    )
