"""Respondents of a survey with their weights and the two designs that uncertainty rests on.

A respondent stands for the voters of the polling station where the interview was, and the
stations of a municipality for all its voters. Municipalities count the same, or as their voters,
as the plan says. What is said of one ballot takes polling stations as clusters within these very
municipalities; what compares the ballots takes municipalities, since these were assigned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.answers import answers
from ballot_eval.design import StudyDesign
from ballot_eval.errors import DesignError
from ballot_eval.estimation.survey.calibration import poststratify, rake, trim_weights
from ballot_eval.estimation.survey.design import SurveyDesign, survey_design
from ballot_eval.estimation.survey.margins import MarginInput
from ballot_eval.plan_topics import Survey
from ballot_eval.questionnaire import Question, Questionnaire
from ballot_eval.topics.measures import compared_rows

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

EXPERIMENT, CONTROL = "experiment", "control"
GROUPS = (EXPERIMENT, CONTROL)

#: Label of respondents who did not give an answer that weights are raked to.
UNKNOWN = "(unknown)"

#: Relative misfit with which margins count as met by weights that were calibrated to them before.
SATISFIED = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The ``n`` respondents of one survey, and how they stand for the population.

    - ``frame``: their accepted rows; ``group`` (n,): ``experiment`` or ``control``;
    - ``municipality``, ``station`` (n,): names, a station's with its municipality before it;
    - ``places``: clusters are stations within municipalities, for statements on one ballot;
    - ``assigned``: clusters are municipalities within the groups, for comparisons;
    - ``subgroups``: by subgroup question and answer, who gave it (n,);
    - ``unweighted``: municipalities whose stations lack the numbers for base weights, so that
      their respondents count the same.
    """

    questionnaire: Questionnaire
    frame: pd.DataFrame
    group: npt.NDArray[np.str_]
    municipality: npt.NDArray[np.str_]
    station: npt.NDArray[np.str_]
    places: SurveyDesign
    assigned: SurveyDesign
    subgroups: Mapping[str, Mapping[str, BoolArray]]
    unweighted: tuple[str, ...]

    def members(self, group: str) -> BoolArray:
        """Return who belongs to a group (n,)."""
        return np.asarray(self.group == group)


def survey_sample(
    questionnaire: Questionnaire,
    accepted: Mapping[str, pd.DataFrame],
    study: StudyDesign,
    *,
    weighting: str | None = None,
) -> Sample | None:
    """Return the respondents of a survey with their weights; None when nobody answered.

    ``weighting`` is that of the plan unless given. Raises ValueError when the answers are of one
    place only, and DesignError when the margins of the plan cannot be met.
    """
    frame = compared_rows(accepted[questionnaire.table], study, study.election)
    if frame.empty:
        return None
    municipality = frame["municipality_code"].to_numpy(dtype=str)
    group = np.where(frame["experiment"], EXPERIMENT, CONTROL)
    if "polling_station_id" in frame:
        station = (frame["municipality_code"] + ":" + frame["polling_station_id"]).to_numpy(str)
    else:
        station = municipality
    base, unweighted = _base_weights(frame, station, questionnaire.table)
    chosen = weighting or study.survey.weighting
    totals = _totals(municipality, accepted, study, chosen)
    weights = base * _factor(base, municipality, totals)
    margins: list[MarginInput] = []
    if questionnaire.table == "voter_survey":
        margins = _margins(weights, frame, group, questionnaire, study)
        weights = _calibrated(weights, municipality, margins, study, chosen)
    places, assigned = _designs(weights, group, municipality, station, margins)
    return Sample(
        questionnaire=questionnaire,
        frame=frame,
        group=group,
        municipality=municipality,
        station=station,
        places=places,
        assigned=assigned,
        subgroups={q.id: _levels(frame, questionnaire, q) for q in questionnaire.subgroups},
        unweighted=unweighted,
    )


def _levels(
    frame: pd.DataFrame, questionnaire: Questionnaire, subgroup: Question
) -> dict[str, BoolArray]:
    """Return for each answer to a subgroup question who gave it (n,)."""
    given = answers(frame, questionnaire, subgroup.id).to_numpy(dtype=object)
    return {code: np.asarray(given == code) for code in subgroup.codes}


def _base_weights(
    frame: pd.DataFrame, station: npt.NDArray[np.str_], table: str
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return people per respondent by what is known of the station (n,), and where it is not.

    People are the voters of the station, or its members who were asked.
    """
    column = {"voter_survey": "station_voters_count", "station_survey": "staff_count"}.get(table)
    if column is None or column not in frame:
        return np.ones(len(frame)), ()
    people = pd.to_numeric(frame[column]).astype(float)
    respondents = people.groupby(station).transform("size")
    weight = people / respondents
    known = weight.notna() & (weight > 0)
    whole = known.groupby(frame["municipality_code"]).transform("all")
    left_out = tuple(sorted(set(frame.loc[~whole, "municipality_code"])))
    return weight.where(whole, 1.0).to_numpy(dtype=float), left_out


def _totals(
    municipality: npt.NDArray[np.str_],
    accepted: Mapping[str, pd.DataFrame],
    study: StudyDesign,
    weighting: str,
) -> dict[str, float]:
    """Return what the weights of every municipality add up to."""
    codes = np.unique(municipality)
    if weighting == "municipality":
        return {str(code): 1.0 for code in codes}
    results = accepted["municipality_results"]
    today = results[results["election_id"] == study.election].set_index("municipality_code")
    return {str(code): float(today.loc[code, "votes_cast_count"]) for code in codes}


def _factor(
    base: FloatArray, municipality: npt.NDArray[np.str_], totals: Mapping[str, float]
) -> FloatArray:
    codes, where = np.unique(municipality, return_inverse=True)
    sums = np.bincount(where, weights=base)
    result: FloatArray = np.array([totals[str(code)] for code in codes])[where] / sums[where]
    return result


def _margins(
    weights: FloatArray,
    frame: pd.DataFrame,
    group: npt.NDArray[np.str_],
    questionnaire: Questionnaire,
    study: StudyDesign,
) -> list[MarginInput]:
    """Return the margins of the plan, each for the groups separately."""
    made: list[MarginInput] = []
    for margin in study.survey.margins:
        given = answers(frame, questionnaire, margin.question)
        made.append(_margin(given, margin.shares, group, weights))
    return made


def _calibrated(
    weights: FloatArray,
    municipality: npt.NDArray[np.str_],
    margins: Sequence[MarginInput],
    study: StudyDesign,
    weighting: str,
) -> FloatArray:
    """Return the weights raked to the margins, municipalities kept, and trimmed."""
    plan = study.survey
    found = survey_design(weights)
    kept = (municipality, _sums(municipality, weights))
    if margins:
        try:
            found = rake(found, [kept, *margins], bounds=plan.bounds).design
        except ValueError as reason:
            names = ", ".join(m.question for m in plan.margins)
            msg = f"study.toml: key survey.margins (1: municipality, then {names}), weighting "
            raise DesignError(f"{msg}{weighting}: {reason}") from reason
    if plan.trim is not None:
        mean = float(found.weights.mean())
        # Without margins the weights were not raked: the municipalities are kept nevertheless.
        found = found if margins else poststratify(found, *kept).design
        lower, upper = (mean * limit for limit in plan.trim)
        try:
            found = trim_weights(found, lower, upper, names=_names(kept, margins, plan)).design
        except ValueError as reason:
            msg = f"study.toml: key survey.trim, weighting {weighting}: {reason}"
            raise DesignError(msg) from reason
    return found.weights


def _names(kept: MarginInput, margins: Sequence[MarginInput], plan: Survey) -> list[str]:
    """Return what to call the totals that trimming keeps, in the order of raking."""
    questions = ["municipality", *(m.question for m in plan.margins)]
    return [
        f"{question} {label}"
        for question, (labels, _) in zip(questions, [kept, *margins], strict=True)
        for label in np.unique(np.asarray(labels))
    ]


def _sums(labels: npt.NDArray[np.str_], weights: FloatArray) -> dict[str, float]:
    names, where = np.unique(labels, return_inverse=True)
    return dict(zip(names.tolist(), np.bincount(where, weights=weights).tolist(), strict=True))


def _margin(
    given: pd.Series, shares: Mapping[str, float], group: npt.NDArray[np.str_], weights: FloatArray
) -> tuple[npt.NDArray[np.str_], dict[str, float]]:
    """Return labels of group and answer, and their totals; who gave none keeps the weight."""
    answer = given.fillna(UNKNOWN).to_numpy(dtype=str)
    labels = np.char.add(np.char.add(group, ":"), answer)
    own = _sums(labels, weights)
    totals: dict[str, float] = {}
    for name, size in _sums(group, weights).items():
        unknown = own.get(f"{name}:{UNKNOWN}", 0.0)
        totals |= {f"{name}:{code}": share * (size - unknown) for code, share in shares.items()}
        if unknown:
            totals[f"{name}:{UNKNOWN}"] = unknown
    return labels, totals


def _designs(
    weights: FloatArray,
    group: npt.NDArray[np.str_],
    municipality: npt.NDArray[np.str_],
    station: npt.NDArray[np.str_],
    margins: Sequence[MarginInput],
) -> tuple[SurveyDesign, SurveyDesign]:
    """Return the designs with stations and with municipalities as clusters.

    That the weights of a municipality add up to a known total is left out of the variance: with
    two to four stations in each, a variance within municipalities that uses it is too small
    (docs/calibration_survey.md).
    """
    assigned = survey_design(weights, strata=group, clusters=municipality, lonely="centre")
    within = assigned
    if not (station == municipality).all():
        strata = _strata(group, municipality, station)
        within = survey_design(weights, strata=strata, clusters=station, lonely="centre")
    if margins:
        raked = rake(assigned, margins, tolerance=SATISFIED).design
        same = within is assigned
        within = raked if same else rake(within, margins, tolerance=SATISFIED).design
        assigned = raked
    return within, assigned


def _strata(
    group: npt.NDArray[np.str_], municipality: npt.NDArray[np.str_], station: npt.NDArray[np.str_]
) -> npt.NDArray[np.str_]:
    """Return the municipality as stratum (n,); those with one station are joined in their group.

    One station says nothing about its own variance; joined, differences between their
    municipalities count as if they were between stations, which overstates it. One that would
    be left alone is joined with the municipality of its group that has the fewest stations.
    """
    places = pd.DataFrame({"group": group, "municipality": municipality, "station": station})
    stations = places.groupby(["group", "municipality"])["station"].nunique()
    strata: dict[str, str] = {}
    for name, counts in stations.groupby(level="group"):
        order = counts.droplevel("group").sort_values(kind="stable")
        alone = int((order == 1).sum())
        joined = order.index[: max(alone, 2) if alone else 0]
        strata |= {code: code for code in order.index} | dict.fromkeys(joined, f"{name}:joined")
    return places["municipality"].map(strata).to_numpy(dtype=str)
