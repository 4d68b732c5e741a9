"""Simulated answers of voters, members of polling stations and municipalities.

No earlier survey is behind the levels: all of them are made up. What is meant to be real is the
structure: stations drawn within municipalities, interviews within stations, people at one station
who resemble each other, older voters where more of them vote, questions left unanswered. The
answers follow from the questionnaires of a study, whatever they ask.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from ballot_eval.answers import asked
from ballot_eval.design import StudyDesign
from ballot_eval.questionnaire import NO_ANSWER, Question, Questionnaire
from ballot_eval.simulation.counting_times import simulate_counting_times
from ballot_eval.simulation.places import check_truth, compared_municipalities
from ballot_eval.simulation.streams import stream

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SurveyTruth:
    """Parameters of the simulated surveys; all levels are made up.

    An answer is that of a latent normal-logistic score: the higher it is, the more favourable the
    answer (or yes, or the later one in order). On that scale, in log odds:

    - ``effects``: the new ballot, by question; other questions have none;
    - ``levels``: the average, by question, 0 where not given;
    - ``adverse``: questions where a higher answer is a worse one;
    - ``learning``: having used the new ballot before, on outcomes with an effect;
    - ``burdens``: what belonging to a subgroup takes off outcomes, by question and answer;
    - ``municipality_sd``, ``station_sd``, ``person_sd``: what people of one place, one station and
      one person's answers share;
    - ``ageing_sd``: how much the ages of voters differ between stations; older voters vote at
      larger stations as much as this times ``ageing_slope`` per log of the station's size.

    Shares and sizes:

    - ``experienced_share``: who used the new ballot before, where the municipality did;
      ``moved_share``: the same in the other experiment municipalities;
    - ``dont_know_share``, ``refused_share``, ``empty_share``: where such an answer is offered;
    - ``participation_share``: of the voters who are asked for an interview;
    - ``stations_count``: interviewed per municipality, at most as many as there are;
      ``interviews_count``: mean per station;
    - ``members_count``: members of a polling station, of whom ``members_share`` answer.
    """

    effects: Mapping[str, float] = field(
        default_factory=lambda: {
            "ease": 0.35,
            "clarity": 0.20,
            "sure": -0.25,
            "help_needed": 0.30,
            "workload": -0.20,
            "explaining": -0.40,
            "counting_ease": 0.60,
            "voters_asked_help": 0.40,
            "preparation_ease": -0.50,
        }
    )
    levels: Mapping[str, float] = field(
        default_factory=lambda: {
            "ease": 1.2,
            "clarity": 0.9,
            "sure": 3.0,
            "informed": 0.4,
            "help_needed": -2.6,
            "preference": 0.3,
            "trouble_seeing": -1.8,
            "trouble_reading": -2.3,
            "counted": 1.5,
            "doubtful_ballots": -0.4,
            "training_enough": 1.6,
        }
    )
    adverse: tuple[str, ...] = ("help_needed", "voters_asked_help", "doubtful_ballots")
    learning: float = 0.40
    burdens: Mapping[str, Mapping[str, float]] = field(
        default_factory=lambda: {
            "trouble_seeing": {"yes": 0.6},
            "trouble_reading": {"yes": 0.8},
            "age_band": {"65_74": 0.2, "75_plus": 0.5},
        }
    )
    municipality_sd: float = 0.12
    station_sd: float = 0.35
    person_sd: float = 0.80
    ageing_sd: float = 0.40
    ageing_slope: float = 0.30
    experienced_share: float = 0.60
    moved_share: float = 0.02
    dont_know_share: float = 0.02
    refused_share: float = 0.015
    empty_share: float = 0.01
    participation_share: float = 0.55
    stations_count: int = 8
    interviews_count: int = 34
    members_count: int = 6
    members_share: float = 0.6

    def __post_init__(self) -> None:
        """Check the ranges, so that no table comes out silently wrong."""
        check_truth(self)


#: The truth of the data that ``simulate`` writes.
SURVEY_TRUTH = SurveyTruth()

#: Shares of five answers, from the least favourable, and of an answer to any number of others,
#: at an average of 0: those of a logistic score with its cuts here.
_CUTS = (-2.4, -1.2, -0.2, 1.8)


def simulate_surveys(
    study: StudyDesign, *, seed: int, truth: SurveyTruth = SURVEY_TRUTH
) -> dict[str, pd.DataFrame]:
    """Return the simulated raw table of every questionnaire of the study.

    In the experiment municipalities and as many controls of similar size
    (:func:`~ballot_eval.simulation.places.compared_municipalities`); the polling stations and
    their voters are those of the simulated counting times of the same ``seed``. Each question has
    random numbers of its own, so that another effect on one leaves the answers to others as they
    are. Raises DesignError when the study has no municipality to simulate for.
    """
    makers = {
        "voter_survey": _voters,
        "station_survey": _members,
        "municipality_survey": _municipalities,
    }
    made: dict[str, pd.DataFrame] = {}
    stations = _stations(study, seed) if study.questionnaires else pd.DataFrame()
    for questionnaire in study.questionnaires:
        table = questionnaire.table
        people = makers[table](stream(seed, table), study, stations, truth)
        _answer(people, questionnaire, study, truth, seed)
        made[table] = people[list(questionnaire.layout().names)].reset_index(drop=True)
    return made


def _stations(study: StudyDesign, seed: int) -> pd.DataFrame:
    """Return the polling stations of the study's election with their voters."""
    counts = simulate_counting_times(study, seed=seed)
    first = counts["recount"].eq("no") & counts["election_id"].eq(study.election)
    rows = counts[first & counts["counting_unit_type"].eq("polling_station")]
    names = {"counting_unit_id": "polling_station_id", "ballots_count": "station_voters_count"}
    columns = ["election_id", "municipality_code", "ballot", *names.values()]
    return rows.rename(columns=names)[columns].reset_index(drop=True)


def _voters(
    rng: np.random.Generator, study: StudyDesign, stations: pd.DataFrame, truth: SurveyTruth
) -> pd.DataFrame:
    """Return one row per interview at stations drawn in every municipality."""
    drawn = [
        rows.iloc[
            np.sort(rng.choice(len(rows), min(truth.stations_count, len(rows)), replace=False))
        ]
        for _, rows in stations.groupby("municipality_code")
    ]
    places = pd.concat(drawn, ignore_index=True)
    voters = places["station_voters_count"].to_numpy(dtype=int)
    wanted = np.maximum(rng.poisson(truth.interviews_count, len(places)), 2)
    approached = np.minimum(np.round(wanted / truth.participation_share), voters).astype(int)
    took_part = np.maximum(rng.binomial(approached, truth.participation_share), 1)
    places = places.assign(approached_count=approached, refused_count=approached - took_part)
    people = places.loc[places.index.repeat(took_part)].reset_index(drop=True)
    order = people.groupby(["municipality_code", "polling_station_id"]).cumcount()
    opened = study.questionnaire("voter_survey")
    first, last = (opened.opens, opened.closes) if opened else (None, None)
    start = first.hour * 60 + first.minute if first else 0
    length = (last.hour * 60 + last.minute if last else 0) - start
    # Spread over the day in order, with a break of chance between two interviews.
    share = (order + rng.random(len(people))) / people.groupby(
        ["municipality_code", "polling_station_id"]
    )["election_id"].transform("size")
    minutes = np.minimum(start + np.floor(share.to_numpy() * length), start + length - 1)
    day = study.election_by_id(study.election).date
    return people.assign(
        respondent_id=_numbered(people, "R"),
        interviewer_id="I" + people["municipality_code"] + _half(order, people),
        interviewed_at=[f"{day}T{int(m) // 60:02d}:{int(m) % 60:02d}" for m in minutes],
        ageing=_ageing(rng, people, truth),
    )


def _half(order: pd.Series, people: pd.DataFrame) -> pd.Series:
    """Return A for the first half of the interviews at a station and B for the second."""
    place = ["municipality_code", "polling_station_id"]
    size = people.groupby(place)["election_id"].transform("size")
    return pd.Series(np.where(order * 2 < size, "A", "B"), index=people.index)


def _ageing(rng: np.random.Generator, people: pd.DataFrame, truth: SurveyTruth) -> FloatArray:
    """Return how much older than average the voters of a station are, in log odds (n,)."""
    station = people["municipality_code"] + ":" + people["polling_station_id"]
    codes, names = pd.factorize(station)
    size = np.log(people["station_voters_count"].to_numpy(dtype=float))
    shift = rng.normal(0, truth.ageing_sd, len(names))[codes]
    result: FloatArray = shift + truth.ageing_slope * (size - size.mean())
    return result


def _members(
    rng: np.random.Generator, study: StudyDesign, stations: pd.DataFrame, truth: SurveyTruth
) -> pd.DataFrame:
    """Return one row per member who answered, of stations drawn in every municipality."""
    drawn = [
        rows.iloc[
            np.sort(rng.choice(len(rows), min(truth.stations_count, len(rows)), replace=False))
        ]
        for _, rows in stations.groupby("municipality_code")
    ]
    places = pd.concat(drawn, ignore_index=True).assign(staff_count=truth.members_count)
    answering = np.maximum(rng.binomial(truth.members_count, truth.members_share, len(places)), 1)
    people = places.loc[places.index.repeat(answering)].reset_index(drop=True)
    day = study.election_by_id(study.election).date
    return people.assign(
        respondent_id=_numbered(people, "L"),
        interviewer_id="",
        interviewed_at=[f"{day}T{22 + int(h)}:{int(m):02d}" for h, m in _late(rng, len(people))],
        ageing=0.0,
    )


def _late(rng: np.random.Generator, n: int) -> npt.NDArray[np.int64]:
    return np.column_stack([rng.integers(0, 2, n), rng.integers(0, 60, n)])


def _municipalities(
    rng: np.random.Generator, study: StudyDesign, stations: pd.DataFrame, truth: SurveyTruth
) -> pd.DataFrame:
    """Return one row per municipality."""
    del rng, stations, truth
    codes = compared_municipalities(study)["municipality_code"]
    new = codes.isin(study.experiment())
    return pd.DataFrame(
        {
            "election_id": study.election,
            "municipality_code": codes,
            "ballot": np.where(new, "new", "old"),
            "respondent_id": "G" + codes,
            "ageing": 0.0,
        }
    )


def _numbered(people: pd.DataFrame, letter: str) -> pd.Series:
    """Return a code per row, unique within its municipality."""
    number = people.groupby("municipality_code").cumcount() + 1
    return letter + number.astype(str).str.zfill(4)


def _answer(
    people: pd.DataFrame,
    questionnaire: Questionnaire,
    study: StudyDesign,
    truth: SurveyTruth,
    seed: int,
) -> None:
    """Add the columns of every question to ``people``, in place."""
    shared = _Shared(people, study, truth, _generator(seed, questionnaire.table, "people"))
    # First what the other answers depend on; nobody is asked by an answer that comes later.
    first = [q for q in questionnaire.subgroups if q.asked_when is None or q.exposure]
    later = [q for q in questionnaire.questions if q not in first]
    for question in (*first, *later):
        rng = _generator(seed, questionnaire.table, question.id)
        if question.scale == "open":
            people[question.id] = ""
            continue
        score = shared.score(question, rng)
        given = _given(question, score, rng)
        put = asked(people, questionnaire, question.id).to_numpy(dtype=bool)
        missing = _missing(question, len(people), truth, rng)
        _write(people, question, given, put, missing)
        if question.subgroup and question.scale != "multiple":
            shared.note(question, people[question.id].to_numpy(dtype=object))


def _generator(seed: int, table: str, name: str) -> np.random.Generator:
    """Return the random numbers of one question: the same whatever else is asked."""
    return np.random.default_rng([seed, zlib.crc32(table.encode()), zlib.crc32(name.encode())])


class _Shared:
    """What the answers of one person have in common, and those of a station and a place."""

    def __init__(
        self,
        people: pd.DataFrame,
        study: StudyDesign,
        truth: SurveyTruth,
        rng: np.random.Generator,
    ) -> None:
        self.truth = truth
        self.new = (people["ballot"] == "new").to_numpy(dtype=bool)
        self.place = pd.factorize(people["municipality_code"])[0]
        station = people["municipality_code"]
        if "polling_station_id" in people:
            station = station + ":" + people["polling_station_id"]
        self.station = pd.factorize(station)[0]
        self.person = rng.normal(0, truth.person_sd, len(people))
        self.ageing = people["ageing"].to_numpy(dtype=float)
        self.burden = np.zeros(len(people))
        self.before = np.zeros(len(people), dtype=bool)
        earlier = [study.exposure(code, study.election) - 1 for code in people["municipality_code"]]
        self.share = np.where(np.array(earlier) > 0, truth.experienced_share, truth.moved_share)

    def score(self, question: Question, rng: np.random.Generator) -> FloatArray:
        """Return the latent score (n,), before the chance of a single answer."""
        truth = self.truth
        n = len(self.new)
        level = truth.levels.get(question.id, 0.0)
        place = rng.normal(0, truth.municipality_sd, n)[self.place]
        station = rng.normal(0, truth.station_sd, n)[self.station]
        if question.exposure:
            chance: FloatArray = np.asarray(logit(self.share))
            return chance
        if question.subgroup:
            older = self.ageing if question.id == "age_band" else 0.0
            return np.full(n, level) + older
        score = level + place + station
        if question.outcome:
            sign = -1.0 if question.id in truth.adverse else 1.0
            effect = truth.effects.get(question.id, 0.0)
            score = score + effect * self.new - sign * self.burden + sign * self.person
            if effect:
                score = score + sign * truth.learning * self.before
        result: FloatArray = np.asarray(score, dtype=float)
        return result

    def note(self, question: Question, given: npt.NDArray[np.object_]) -> None:
        """Take in the answer to a subgroup question."""
        for code, weight in self.truth.burdens.get(question.id, {}).items():
            self.burden = self.burden + weight * (given == code)
        if question.exposure:
            self.before = np.asarray(given == "yes")


def _given(question: Question, score: FloatArray, rng: np.random.Generator) -> pd.DataFrame:
    """Return the answer (n, 1), or a yes or no per answer (n, answers)."""
    n = len(score)
    if question.scale == "number":
        low, high = float(question.minimum or 0), float(question.maximum or 0)
        middle = low + (high - low) * 0.01
        amount = np.exp(np.log(middle - low + 1) + score + rng.normal(0, 0.5, n))
        return pd.DataFrame({"": np.clip(np.round(low + amount), low, high)})
    if question.scale == "multiple":
        rarer = np.linspace(0, 2, len(question.codes))
        return pd.DataFrame(
            {
                code: np.where(rng.random(n) < expit(score - less), "yes", "no")
                for code, less in zip(question.codes, rarer, strict=True)
            }
        )
    if question.scale == "yes_no":
        return pd.DataFrame({"": np.where(rng.random(n) < expit(score), "yes", "no")})
    codes = np.array(question.codes, dtype=object)
    if question.direction == "best_first":
        codes = codes[::-1]
    k = len(codes)
    cuts = np.array(_CUTS) if k == 5 else logit(np.arange(1, k) / k)
    latent = score + rng.logistic(size=n)
    return pd.DataFrame({"": codes[np.searchsorted(cuts, latent)]})


def _missing(
    question: Question, n: int, truth: SurveyTruth, rng: np.random.Generator
) -> npt.NDArray[np.object_]:
    """Return the code of don't know or refused, ``(empty)``, or an empty text for an answer."""
    draw = rng.random(n)
    missing = np.full(n, "", dtype=object)
    edge = 0.0
    for code, share in (
        (question.dont_know, truth.dont_know_share),
        (question.refused, truth.refused_share),
        ("(empty)", truth.empty_share),
    ):
        if code is not None:
            missing[(draw >= edge) & (draw < edge + share)] = code
            edge += share
    return missing


def _write(
    people: pd.DataFrame,
    question: Question,
    given: pd.DataFrame,
    put: BoolArray,
    missing: npt.NDArray[np.object_],
) -> None:
    """Write the cells of a question, in place."""
    has = put & (missing == "")
    coded = put & np.isin(missing, question.missing_codes)
    if question.scale == "multiple":
        for code in question.codes:
            cell = np.where(coded, "no", "")
            people[f"{question.id}_{code}"] = np.where(has, given[code], cell)
        for code in question.missing_codes:
            answer = np.where(missing == code, "yes", "no")
            people[f"{question.id}_{code}"] = np.where(has | coded, answer, "")
        return
    if question.scale == "number":
        people[question.id] = given[""].where(has)
        if question.missing_codes:
            people[f"{question.id}_{NO_ANSWER}"] = np.where(coded, missing, "")
        return
    people[question.id] = np.where(has, given[""], np.where(coded, missing, ""))
