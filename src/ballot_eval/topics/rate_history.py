"""Rates of municipalities over all elections of the study, and what only these can say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from ballot_eval.estimation.placebos import placebo_standard_error
from ballot_eval.estimation.pvalue_curve import TIE_TOLERANCE, monte_carlo_error
from ballot_eval.estimation.staggered import (
    NEVER,
    GroupTimeEffects,
    common_baselines,
    group_time_effects,
)
from ballot_eval.estimation.synthetic import synthetic_effect
from ballot_eval.panel import Panel
from ballot_eval.results import Effect
from ballot_eval.topics.effect_rows import Answer, Comparison

FloatArray = npt.NDArray[np.float64]

#: Placebo samples behind the limits and the p-value of a synthetic control.
PLACEBO_DRAWS = 999


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


def comparable_history(panel: Panel, outcome: str) -> RateHistory:
    """Return the history where it can be compared as a whole.

    Raises ValueError with strata, within which these methods do not compare, and when no control
    has a result at every election.
    """
    if panel.study.analysis.strata is not None:
        msg = "the method does not compare within strata"
        raise ValueError(msg)
    history = rate_history(panel, outcome)
    if history.treated.all():
        msg = f"no control municipality has results at all of {', '.join(history.elections)}"
        raise ValueError(msg)
    return history


def group_time(panel: Panel, outcome: str) -> GroupTimeEffects:
    """Return the group-time effects over the study's elections, by order of the elections.

    One baseline for all: the last election before the new ballot. Earlier elections are placebos.
    Errors as :func:`comparable_history` and :func:`group_time_effects`.
    """
    history = comparable_history(panel, outcome)
    return _group_time(history.rates, history.treated)


def group_time_by_exposure(panel: Panel, outcome: str) -> dict[int, GroupTimeEffects]:
    """Return the group-time effects by how often municipalities have used the new ballot now.

    Each is against all controls, so those who use it for the first time and those who do so for
    the third are not taken for one group. Errors as :func:`group_time`.
    """
    history = comparable_history(panel, outcome)
    study = panel.study
    times = np.array([study.exposure(code, study.election) for code in history.codes])
    found = {}
    for count in np.unique(times[history.treated]):
        keep = ~history.treated | (times == count)
        found[int(count)] = _group_time(history.rates[keep], history.treated[keep])
    return found


def _group_time(rates: FloatArray, treated: npt.NDArray[np.bool_]) -> GroupTimeEffects:
    periods = np.arange(rates.shape[1], dtype=float)
    adoption = np.where(treated, periods[-1], NEVER)
    return group_time_effects(
        rates, periods, adoption, baselines=common_baselines(periods, adoption)
    )


def history_effects(panel: Panel, outcome: str) -> Iterator[Effect]:
    """Yield the methods that use all elections of the study, municipalities weighing equally."""
    study = panel.study
    history = rate_history(panel, outcome)
    experiment = int(history.treated.sum())
    z = float(norm.ppf(0.5 + study.analysis.confidence_level / 2))

    def against(baseline: str) -> Comparison:
        return Comparison(
            outcome,
            f"{study.election}-{baseline}",
            "municipality",
            baseline,
            experiment,
            len(history.codes) - experiment,
            study.analysis.seed,
        )

    def staggered() -> Answer:
        effects = group_time(panel, outcome)
        estimate, error = float(effects.estimates[-1]), float(effects.std_errors[-1])
        p_value = float(2 * norm.sf(abs(estimate) / error))
        return Answer(estimate, estimate - z * error, estimate + z * error, p_value)

    # The staggered effect is a change since the last election; the others use all before.
    yield against(history.elections[-2]).effect("callaway_santanna", staggered)
    whole = against("+".join(history.elections[:-1]))
    for method in ("synthetic_control", "synthetic_did"):

        def synthetic(method: str = method) -> Answer:
            return _synthetic(panel, outcome, method, z)

        yield whole.effect(method, synthetic)


def _synthetic(panel: Panel, outcome: str, method: str, z: float) -> Answer:
    """Return a synthetic effect of all experiment municipalities together.

    Limits and p-value come from the same placebo samples: as many controls in the place of the
    experiment municipalities, estimated as they are.
    """
    history = comparable_history(panel, outcome)
    options = {"n_post": 1, "method": method, "solver": "exact"}
    estimate = synthetic_effect(history.rates, history.treated, **options).estimate  # type: ignore[arg-type]
    placebos = placebo_standard_error(
        history.rates,
        history.treated,
        draws=PLACEBO_DRAWS,
        seed=panel.study.analysis.seed,
        **options,  # type: ignore[arg-type]
    )
    reached = int((np.abs(placebos.estimates) >= abs(estimate) * (1 - TIE_TOLERANCE)).sum())
    p_value = (reached + 1) / (placebos.draws + 1)
    half = z * placebos.standard_error
    return Answer(
        estimate,
        estimate - half,
        estimate + half,
        p_value,
        draws=placebos.draws,
        p_error=monte_carlo_error(p_value, placebos.draws, exact=False),
    )
