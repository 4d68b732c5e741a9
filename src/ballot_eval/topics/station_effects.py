"""The effect of the new ballot with polling stations as rows and municipalities reassigned.

The identity of a polling station is not stable: places open, close and are numbered anew, and a
voter may vote anywhere in the municipality. A station therefore has no earlier rate of its own.
What it is compared with is the rate of its whole municipality at the baseline election: the
outcome of a station is its rate at the study's election minus that rate, which is the same for all
stations of the municipality. The experiment was assigned to municipalities, so these are what is
reassigned, each with all its stations.

*Estimand.* The average effect of the new ballot on the rate at the polling stations of the
experiment municipalities, with every station counted once (weighting ``station``) or as often as
it had votes cast (``ballot``). With all stations there, the latter is the ballot-weighted effect
between municipalities. Rates of stations at one election, without a baseline, are levels: they
differed before the new ballot, and their difference is no effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.adjusted import clustered_randomisation_test
from ballot_eval.estimation.assignments import draw_assignments
from ballot_eval.estimation.inference import RandomisationResult
from ballot_eval.panel import OUTCOMES, Contrast, Panel, contrast
from ballot_eval.results import Effect, StationCoverage, StationDispersion, StationRate
from ballot_eval.topics.effect_rows import Answer, Comparison, drawn_answer
from ballot_eval.topics.stations import (
    Stations,
    select_stations,
    station_dispersions,
    station_rates,
)
from ballot_eval.topics.strata import has_strata, stratum_dummies

FloatArray = npt.NDArray[np.float64]

METHOD = "randomisation_stations"
WEIGHTINGS = ("station", "ballot")

#: How a note begins on municipalities of the comparison without rows of polling stations.
WITHOUT_STATIONS = "left out without results of polling stations: "


@dataclass(frozen=True, slots=True)
class StationChanges:
    """Rates of stations (n,) minus the earlier rate of their municipality, as fractions.

    ``units`` (n,) are positions in the municipalities of ``data``, ``votes_cast`` (n,) those of
    the station. ``left_out`` are the municipalities of the comparison without stations.
    """

    data: Contrast
    change: FloatArray
    votes_cast: FloatArray
    units: npt.NDArray[np.intp]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StationResults:
    """All that the results of polling stations say; empty where there are none."""

    rates: tuple[StationRate, ...]
    dispersion: tuple[StationDispersion, ...]
    coverage: tuple[StationCoverage, ...]
    effects: tuple[Effect, ...]


def station_results(frame: pd.DataFrame, panel: Panel) -> StationResults:
    """Return rates, dispersion, coverage and effects of accepted ``station_results``."""
    stations = select_stations(frame, panel)
    return StationResults(
        rates=station_rates(stations),
        dispersion=station_dispersions(stations),
        coverage=stations.coverage,
        effects=station_effects(stations),
    )


def station_changes(stations: Stations, outcome: str, baseline: str) -> StationChanges:
    """Return the changes of the stations at the study's election since ``baseline``.

    The municipalities are those of :func:`ballot_eval.panel.contrast` that have stations: former
    experiment municipalities are left out, and so is one without votes at the baseline.
    """
    panel = stations.panel
    election = panel.study.election
    every = contrast(panel, outcome, election, baseline)
    rows = stations.at(election, outcome)
    known = np.isin(every.codes, rows["municipality_code"].to_numpy(dtype=str))
    data = every.subset(known)
    positions = {code: i for i, code in enumerate(data.codes)}
    rows = rows[rows["municipality_code"].isin(list(positions))]
    units = np.array([positions[code] for code in rows["municipality_code"]], dtype=np.intp)
    then = panel.counts(baseline, outcome).loc[list(data.codes)]
    earlier = (then["numerator"] / then["denominator"]).to_numpy(dtype=float)
    votes = rows["denominator"].to_numpy(dtype=float)
    return StationChanges(
        data=data,
        change=rows["numerator"].to_numpy(dtype=float) / votes - earlier[units],
        votes_cast=votes,
        units=units,
        left_out=tuple(c for c, k in zip(every.codes, known, strict=True) if not k),
    )


def station_effects(stations: Stations) -> tuple[Effect, ...]:
    """Return the effect for every outcome, baseline and weighting of stations.

    None when there are no stations at the study's election. An effect that cannot be estimated is
    NaN, and the reason is in ``note``.
    """
    study = stations.panel.study
    if study.election not in stations.elections:
        return ()
    return tuple(
        effect
        for outcome in OUTCOMES
        for baseline in study.baselines
        for effect in _effects(stations, outcome, baseline)
    )


def _effects(stations: Stations, outcome: str, baseline: str) -> Iterator[Effect]:
    study = stations.panel.study
    changes = station_changes(stations, outcome, baseline)
    elections = (baseline, study.election)
    for weighting in WEIGHTINGS:
        row = Comparison.of(changes.data, outcome, weighting, elections, study.analysis.seed)

        def work(weighting: str = weighting) -> Answer:
            return _answer(changes, study, weighting)

        yield row.effect(METHOD, work)


def _answer(changes: StationChanges, study: StudyDesign, weighting: str) -> Answer:
    """Run the randomisation test; with strata on the differences within them.

    Raises ValueError where the role cannot be reassigned among municipalities with stations.
    """
    weights = changes.votes_cast if weighting == "ballot" else None
    result = station_test(changes.change, changes.units, changes.data, study, weights)
    note = WITHOUT_STATIONS + ", ".join(changes.left_out) if changes.left_out else ""
    return drawn_answer(result.estimate, result, note)


def station_test(
    values: FloatArray,
    units: npt.NDArray[np.intp],
    data: Contrast,
    study: StudyDesign,
    weights: FloatArray | None,
) -> RandomisationResult:
    """Test values (n,) of stations with the role reassigned among the municipalities of ``data``.

    ``units`` (n,) are positions in ``data``, ``weights`` (n,) those of the stations, None for equal
    ones; with strata the comparison is within them. Raises ValueError where a group has no
    municipality, or the role cannot be reassigned.
    """
    for role, who in ((data.treated, "experiment"), (~data.treated, "control")):
        if not role.any():
            msg = f"no {who} municipality has results of polling stations"
            raise ValueError(msg)
    analysis = study.analysis
    return clustered_randomisation_test(
        values,
        units,
        data.treated,
        draw_assignments(
            data.treated,
            data.strata,
            draws=analysis.draws,
            max_exact=analysis.max_exact,
            seed=analysis.seed,
        ),
        covariates=stratum_dummies(data)[units] if has_strata(data) else None,
        weights=weights,
        confidence_level=analysis.confidence_level,
    )
