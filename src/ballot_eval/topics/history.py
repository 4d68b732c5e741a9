"""What the elections before say: trends, synthetic controls, the balance of matches.

Checks (municipalities weigh equally, primary outcome):
``event_study`` and ``event_study_uniform``: the difference at every election from the last one
with the old ballot, with limits for each alone and for all together (sup-t of the normal law).
``effect_by_exposure``: the effect at the study's election among those who use the new ballot for
the first, second, ... time (``variant``), where the study has several.
``relative_magnitudes``: the effect when trends differed by a number of times the largest
difference before (``variant``); ``breakdown``: from which number on the interval holds 0.
``synthetic_unit`` and ``synthetic_placebo``: synthetic difference-in-differences of each
experiment municipality, and of each control in its place.
``balance_before`` and ``balance_after``: standardised mean differences (``estimate``) of public
facts and earlier rates, before and after matching.
``goodness_of_fit``: Pearson dispersion (``estimate``) of a count model; 1 is its own variance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from ballot_eval.estimation.multiplier import sup_t_bands
from ballot_eval.estimation.placebos import placebo_test
from ballot_eval.estimation.sensitivity import relative_magnitude_sensitivity
from ballot_eval.estimation.staggered import influence_covariance
from ballot_eval.panel import Panel, contrast
from ballot_eval.reasons import plain_reason
from ballot_eval.results import Check
from ballot_eval.topics.count_models import count_model
from ballot_eval.topics.pools import matched_pool
from ballot_eval.topics.rate_history import (
    comparable_history,
    group_time,
    group_time_by_exposure,
    rate_history,
)

#: How many times the largest earlier difference of trends is allowed for.
MAGNITUDES = (0.0, 0.5, 1.0, 1.5, 2.0)

#: Normal draws behind the limits for all elections together: the error of their quantile is 0.005.
BAND_DRAWS = 99_999

BoolArray = npt.NDArray[np.bool_]


def history_checks(panel: Panel) -> Iterator[Check]:
    """Yield all checks on the history; one that these data do not allow gives NaN and the reason.

    Its ``variant`` is empty then, because what it would have looked at is not known.
    """
    study = panel.study
    outcome = study.analysis.outcome
    parts = (
        ("event_study", _event_study),
        ("effect_by_exposure", _by_exposure),
        ("relative_magnitudes", _magnitudes),
        ("synthetic_unit", _placebos_in_space),
        ("balance_before", _balance),
        ("goodness_of_fit", _fit),
    )
    for check, part in parts:
        try:
            yield from part(panel, outcome)
        except ValueError as error:
            roles, about = _about(panel, outcome)
            yield undefined_row(roles, (check, "", *about), error)


def _about(panel: Panel, outcome: str) -> tuple[BoolArray, tuple[str, str, str]]:
    """Return the roles, and outcome, weighting and baseline, of what uses the whole history."""
    history = rate_history(panel, outcome)
    return history.treated, (outcome, "municipality", history.elections[-2])


def _event_study(panel: Panel, outcome: str) -> Iterator[Check]:
    study = panel.study
    roles, about = _about(panel, outcome)
    elections = study.needed_elections()
    effects = group_time(panel, outcome)
    bands = sup_t_bands(
        effects.estimates,
        effects.influence,
        draws=BAND_DRAWS,
        seed=study.analysis.seed,
        confidence_level=study.analysis.confidence_level,
    )
    limits = {
        "event_study": (bands.pointwise_lower, bands.pointwise_upper),
        "event_study_uniform": (bands.uniform_lower, bands.uniform_upper),
    }
    for check, (lower, upper) in limits.items():
        for place, period in enumerate(effects.periods):
            numbers = (
                float(effects.estimates[place]),
                float(lower[place]),
                float(upper[place]),
                math.nan,
            )
            label = (check, elections[int(period)], *about)
            yield check_row(roles, label, numbers, method="group_time")


def _by_exposure(panel: Panel, outcome: str) -> Iterator[Check]:
    study = panel.study
    _, about = _about(panel, outcome)
    found = group_time_by_exposure(panel, outcome)
    z = float(norm.ppf(0.5 + study.analysis.confidence_level / 2))
    for count, effects in found.items() if len(found) > 1 else ():
        estimate, error = float(effects.estimates[-1]), float(effects.std_errors[-1])
        p_value = float(2 * norm.sf(abs(estimate) / error))
        numbers = (estimate, estimate - z * error, estimate + z * error, p_value)
        roles = np.repeat([True, False], [effects.group_sizes[-1], effects.n_control])
        label = ("effect_by_exposure", str(count), *about)
        yield check_row(roles, label, numbers, method="group_time")


def _magnitudes(panel: Panel, outcome: str) -> Iterator[Check]:
    study = panel.study
    roles, about = _about(panel, outcome)
    effects = group_time(panel, outcome)
    before = effects.exposure < 0
    if not before.any():
        msg = "there is no election before"
        raise ValueError(msg)
    found = relative_magnitude_sensitivity(
        effects.estimates[before],
        effects.estimates[~before],
        influence_covariance(effects.influence),
        mbar=np.array(MAGNITUDES),
        confidence_level=study.analysis.confidence_level,
    )
    check, method = "relative_magnitudes", "group_time"
    for size, low, high in zip(found.mbar, found.ci_lower, found.ci_upper, strict=True):
        numbers = (found.estimate, float(low), float(high), math.nan)
        yield check_row(roles, (check, f"{size:g}", *about), numbers, method=method)
    numbers = (float(found.breakdown_confidence), math.nan, math.nan, math.nan)
    yield check_row(roles, (check, "breakdown", *about), numbers, method=method)


def _placebos_in_space(panel: Panel, outcome: str) -> Iterator[Check]:
    study = panel.study
    history = comparable_history(panel, outcome)
    roles, about = _about(panel, outcome)
    test = placebo_test(
        history.rates,
        history.treated,
        n_post=1,
        method="synthetic_did",
        statistic="effect",
        draws=study.analysis.draws,
        seed=study.analysis.seed,
        solver="exact",
    )
    nan = math.nan
    for unit, estimate, p_value in zip(test.units, test.estimates, test.p_values, strict=True):
        label = ("synthetic_unit", history.codes[unit], *about)
        numbers = (float(estimate), nan, nan, float(p_value))
        yield check_row(roles, label, numbers, method="synthetic_did")
    for unit, estimate in zip(test.controls, test.placebo_estimates, strict=True):
        label = ("synthetic_placebo", history.codes[unit], *about)
        yield check_row(roles, label, (float(estimate), nan, nan, nan), method="synthetic_did")


def _balance(panel: Panel, outcome: str) -> Iterator[Check]:
    study = panel.study
    data = contrast(panel, outcome, study.election, study.baselines[0])
    about = (outcome, "municipality", study.baselines[0])
    found = matched_pool(panel, data, outcome)
    if not np.isfinite(found.balance.difference_before).all():
        # There is no spread to standardise by.
        msg = "a side has one municipality"
        raise ValueError(msg)
    for check, differences, kept in (
        ("balance_before", found.balance.difference_before, found.compared),
        ("balance_after", found.balance.difference_after, found.members),
    ):
        for name, difference in zip(found.names, differences, strict=True):
            numbers = (float(difference), math.nan, math.nan, math.nan)
            label = (check, name, *about)
            roles = data.treated[kept]
            yield check_row(roles, label, numbers, method="mahalanobis", note=found.note)


def _fit(panel: Panel, outcome: str) -> Iterator[Check]:
    study = panel.study
    baseline = study.baselines[0]
    roles = contrast(panel, outcome, study.election, baseline).treated
    for method in ("quasi_binomial", "quasi_poisson", "quasi_negative_binomial"):
        fit = count_model(panel, outcome, baseline, method).model.goodness
        numbers = (float(fit.dispersion), math.nan, math.nan, math.nan)
        label = ("goodness_of_fit", method, outcome, "ballot", baseline)
        yield check_row(roles, label, numbers, method=method)


def check_row(
    treated: BoolArray,
    label: tuple[str, str, str, str, str],
    numbers: tuple[float, float, float, float],
    *,
    method: str = "randomisation",
    note: str = "",
) -> Check:
    """Return a check on municipalities with these roles.

    ``numbers`` are estimate, limits and p-value.
    """
    check, variant, outcome, weighting, baseline = label
    estimate, ci_lower, ci_upper, p_value = numbers
    return Check(
        check=check,
        variant=variant,
        outcome=outcome,
        weighting=weighting,
        baseline=baseline,
        method=method,
        estimate=estimate,
        ci_lower=ci_lower,
        ci_upper=ci_upper,
        p_value=p_value,
        n_experiment=int(treated.sum()),
        n_control=int((~treated).sum()),
        note=note,
    )


def undefined_row(
    treated: BoolArray, label: tuple[str, str, str, str, str], error: ValueError
) -> Check:
    """Return a check without numbers that says why there are none."""
    return check_row(treated, label, (math.nan,) * 4, note=plain_reason(error))
