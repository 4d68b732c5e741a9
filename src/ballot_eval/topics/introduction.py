"""What share of invalid votes to expect if the whole country used the new ballot."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.forecast import Effect, Forecast, GroupEffects, forecast_scenarios
from ballot_eval.estimation.learning import excess_by_exposure
from ballot_eval.panel import Contrast, Panel, contrast
from ballot_eval.results import Effect as EffectResult
from ballot_eval.results import Measure

BoolArray = npt.NDArray[np.bool_]

#: Named in the order in which the report shows them.
SCENARIOS = ("no_further_learning", "first_use", "most_exposures", "best_municipality")


def introduction_results(
    panel: Panel, ratio: EffectResult | None
) -> tuple[tuple[Forecast, ...], tuple[Measure, ...]]:
    """Return the forecasts by scenario, and the same as measures.

    Every vote counts the same, as it does in a national total. ``ratio`` is the effect of this
    election as a ratio of rates, if it could be estimated; the other scenarios are additive.
    """
    study = panel.study
    data = contrast(panel, study.analysis.outcome, study.election, study.baselines[0])
    codes = np.array(data.codes)
    later = np.array([study.exposure(c, study.election) > 1 for c in codes]) & data.treated
    first = data.treated & ~later
    latest = GroupEffects(
        _excess(panel, data, data.treated),
        Effect(ratio.estimate, ratio.ci_lower, ratio.ci_upper) if ratio is not None else None,
    )
    both = bool(first.any() and later.any())
    counts = panel.counts(study.election, study.analysis.outcome)
    controls = counts[counts["role"] == "control"]
    votes_cast = int(counts["denominator"].sum())
    found = forecast_scenarios(
        float(controls["numerator"].sum() / controls["denominator"].sum()),
        votes_cast,
        latest=latest,
        first_use=GroupEffects(_excess(panel, data, first)) if both else None,
        most_exposures=GroupEffects(_excess(panel, data, later)) if both else None,
        confidence_level=study.analysis.confidence_level,
    )
    made = tuple(found.values())
    sizes = {
        "no_further_learning": int(data.treated.sum()),
        "first_use": int(first.sum()),
        "most_exposures": int(later.sum()),
        "best_municipality": 1,
    }
    return made, tuple(m for f in made for m in _measures(f, sizes[f.label], study))


def _excess(panel: Panel, data: Contrast, group: BoolArray) -> Effect:
    """Return the ballot-weighted excess of a group over the never exposed."""
    analysis = panel.study.analysis
    kept = group | ~data.treated
    found = excess_by_exposure(
        data.change[kept][:, None],
        group[kept],
        weights=data.votes_cast[kept][:, None],
        draws=analysis.draws,
        max_exact=analysis.max_exact,
        seed=analysis.seed,
        confidence_level=analysis.confidence_level,
    )
    return Effect(
        float(found.estimates[0]),
        float(found.ci_lower[0]),
        float(found.ci_upper[0]),
        tuple(found.differences[:, 0].tolist()),
    )


def _measures(found: Forecast, n: int, study: StudyDesign) -> list[Measure]:
    """Return share, votes and extra votes, with the limits of the average effect and the range.

    ``n`` are the municipalities whose effect is carried over. The limits of the average effect
    rest on the draws of the plan; the range over single municipalities on none.
    """
    ends = {
        "": (found.share_lower, found.share_upper),
        "_range_of_municipalities": (found.share_range_lower, found.share_range_upper),
    }
    note = "cut off at 0 or 1" if found.cut_off else ""
    measures = []
    for suffix, (low, high) in ends.items():
        drawn = not suffix and math.isfinite(high - low)
        for quantity, of in (
            ("forecast_share", float),
            ("forecast_votes", found.votes),
            ("forecast_extra_votes", found.extra_votes),
        ):
            measures.append(
                Measure(
                    quantity=quantity + suffix,
                    group=found.label,
                    subset=found.scale,
                    method="forecast",
                    estimate=of(found.share),
                    ci_lower=of(low),
                    ci_upper=of(high),
                    n=n,
                    draws=study.analysis.draws if drawn else 0,
                    seed=study.analysis.seed if drawn else 0,
                    note=note,
                    n_experiment=n,
                )
            )
    return measures
