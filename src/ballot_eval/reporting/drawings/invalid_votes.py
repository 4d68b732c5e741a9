"""The figures of the report, drawn from finished results."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ballot_eval import figures
from ballot_eval.estimation.specification import Specification
from ballot_eval.formatting import display_name
from ballot_eval.panel import Panel
from ballot_eval.reporting.drawings.candidates import candidate_figures
from ballot_eval.reporting.drawings.differences import difference_figures
from ballot_eval.reporting.drawings.learning import learning_figures
from ballot_eval.reporting.drawings.map import map_figures
from ballot_eval.reporting.drawings.reasons import reason_figures
from ballot_eval.reporting.drawings.stations import station_figures
from ballot_eval.reporting.drawings.survey import survey_figures
from ballot_eval.reporting.drawings.times import Drawing, time_figures
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import display_names
from ballot_eval.reporting.selection import estimated, one_outcome
from ballot_eval.reporting.tables.terms import METHODS, POOLS, WEIGHTINGS, covariate_name
from ballot_eval.results import Check, Power, Rate, to_frame

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: Functions of the figures that do not bear their name: one function, several figures.
FUNCTIONS = {
    "station_types": "station_rates",
    "voter_answers": "survey_answers",
    "station_answers": "survey_answers",
    "voter_differences": "survey_differences",
    "station_differences": "survey_differences",
}


def save_figures(say: Language, outcome: Outcome, folder: Path) -> dict[str, str]:
    """Save every figure that these results allow; return the alternative text of each by name."""
    texts = {}
    for name, (arguments, choices) in _drawings(say, outcome).items():
        options = choices | {"language": say.code}
        function = FUNCTIONS.get(name, name)
        figures.save(getattr(figures, function)(*arguments, **options), folder, name)
        texts[name] = getattr(figures, f"alt_text_{function}")(*arguments, **options)
    return texts


def _drawings(say: Language, outcome: Outcome) -> dict[str, Drawing]:
    made = (
        _rates(outcome)
        | _checks(say, outcome)
        | station_figures(say, outcome)
        | time_figures(say, outcome)
    )
    made |= map_figures(outcome)
    made |= candidate_figures(outcome)
    made |= difference_figures(outcome)
    made |= reason_figures(say, outcome)
    return made | learning_figures(say, outcome) | survey_figures(say, outcome)


def _rates(outcome: Outcome) -> dict[str, Drawing]:
    study, results, panel = outcome.study, outcome.results, outcome.panel
    names = display_names(study)
    rates = to_frame(results.rates, Rate)
    primary = outcome.primary.effect
    here = rates[(rates["election"] == study.election) & (rates["outcome"] == "invalid")]
    experiment = here[here["unit"].isin(study.experiment())]
    slopes = panel.results[panel.results["role"] != "former"].assign(
        rate=lambda d: d["invalid_votes_count"] / d["votes_cast_count"],
        municipality_name=lambda d: d["municipality_name"].map(display_name),
    )
    slopes = slopes.rename(columns={"election_id": "election"})
    controls = _control_rates(panel, study.election)
    made: dict[str, Drawing] = {
        "invalid_rates": ((experiment, controls, names, study.election), {}),
        "before_after": ((slopes, study.baselines[0], study.election), {}),
    }
    if math.isfinite(primary.estimate):
        drawn = (outcome.primary.distribution, primary.estimate, primary.p_value)
        made["randomisation"] = (drawn, {})
    return made


def _control_rates(panel: Panel, election: str) -> list[float]:
    counts = panel.counts(election, "invalid")
    rows = counts[(counts["role"] == "control") & (counts["denominator"] > 0)]
    return list(np.asarray(rows["numerator"] / rows["denominator"], dtype=float))


def _checks(say: Language, outcome: Outcome) -> dict[str, Drawing]:
    """Return the figures of effects and robustness, those that there are results for."""
    names = display_names(outcome.study)
    checks = to_frame(estimated(outcome.results.checks), Check)
    made: dict[str, Drawing] = {}
    primary = outcome.primary.effect.estimate
    if math.isfinite(primary):
        made["methods"] = ((_methods(say, outcome),), {})
    left_out = checks[checks["check"] == "leave_one_out"].copy()
    if not left_out["estimate"].isna().all() and math.isfinite(primary):
        left_out["variant"] = left_out["variant"].map(names)
        made["leave_one_out"] = ((left_out, primary), {})
    made |= _event_study(outcome, checks)
    if specifications := _specifications(say, outcome):
        made["specification_curve"] = specifications
    before, after = (checks[checks["check"] == f"balance_{w}"] for w in ("before", "after"))
    if not before.empty:
        labels = [covariate_name(say, v) for v in before["variant"]]
        made["love_plot"] = ((labels, before["estimate"], after["estimate"]), {})
    units = checks[checks["check"] == "synthetic_unit"]
    placebos = checks[checks["check"] == "synthetic_placebo"]
    if not placebos.empty:
        options = {"names": list(units["variant"].map(names))}
        made["placebo_distribution"] = ((placebos["estimate"], units["estimate"]), options)
    power = to_frame(outcome.results.power, Power)
    if not power.empty:
        curves = {int(str(n)): g["power"].to_numpy() for n, g in power.groupby("n_experiment")}
        made["power_curve"] = ((power["effect"].unique(), curves), {})
    if outcome.count_fit is not None:
        fit = outcome.count_fit
        made["residuals"] = ((fit.fitted, fit.pearson_residuals), {})
    return made


def _methods(say: Language, outcome: Outcome) -> pd.DataFrame:
    study = outcome.study
    found = one_outcome(outcome.results.effects, study.analysis.outcome, study.baselines[0])
    rows = [
        {
            "label": f"{say.pick(METHODS)[e.method]}, {say.pick(WEIGHTINGS)[e.weighting]}",
            "estimate": e.estimate,
            "ci_lower": e.ci_lower,
            "ci_upper": e.ci_upper,
            "primary": e == outcome.primary.effect,
        }
        for e in found
        if e.estimand == "att" and not np.isnan(e.estimate)
    ]
    return pd.DataFrame(rows)


def _event_study(outcome: Outcome, checks: pd.DataFrame) -> dict[str, Drawing]:
    alone = checks[checks["check"] == "event_study"].set_index("variant")
    together = checks[checks["check"] == "event_study_uniform"].set_index("variant")
    if len(alone) < 2:
        return {}
    # The election that all others are compared with is 0 by definition, without limits.
    elections = list(outcome.study.needed_elections())
    columns = (
        alone["estimate"].reindex(elections, fill_value=0.0),
        alone["ci_lower"].reindex(elections),
        alone["ci_upper"].reindex(elections),
        together["ci_lower"].reindex(elections),
        together["ci_upper"].reindex(elections),
    )
    periods = np.arange(len(elections)) - (len(elections) - 1)
    return {"event_study": ((periods, *columns), {"labels": elections})}


def _specifications(say: Language, outcome: Outcome) -> Drawing | None:
    found = to_frame(outcome.results.specifications, Specification)
    if found.empty:
        return None
    study = outcome.study
    primary = (
        (found["baseline"] == study.baselines[0])
        & (found["control_pool"] == "all")
        & (found["weighting"] == study.analysis.weighting)
        & (found["method"] == "randomisation")
    )
    if primary.sum() != 1:
        return None
    columns = ["estimate", "ci_lower", "ci_upper", "baseline", "control_pool", "weighting"]
    rows = found[[*columns, "method"]].assign(
        primary=primary,
        control_pool=found["control_pool"].str.partition(":")[0].map(say.pick(POOLS)),
        method=found["method"].map(say.pick(METHODS)),
    )
    return ((rows,), {})
