"""Results as values: frozen, named; all rates and effects are fractions of votes cast."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

from ballot_eval.estimation.specification import Specification

#: Version of the layout of ``results.json``.
RESULTS_VERSION = 1


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of votes cast with its interval.

    ``unit`` is ``experiment``, ``control``, ``reference``, ``national`` or a municipality code;
    ``rate`` and its limits are fractions, NaN where undefined or where no interval applies.
    """

    election: str
    unit: str
    outcome: str
    numerator: int
    denominator: int
    rate: float
    ci_lower: float
    ci_upper: float
    method: str


@dataclass(frozen=True, slots=True)
class StationRate:
    """A share of the votes cast at polling stations, with its interval.

    ``unit`` is ``experiment``, ``control`` or ``reference``. ``dimension`` says which stations:
    ``total`` (all), ``size_class`` (``level`` gives the votes cast at the station) or
    ``station_type``. ``phi`` is Pearson's dispersion of the stations' counts around ``rate``, 1 for
    chance alone. Rates and limits are fractions, NaN where undefined.
    """

    election: str
    unit: str
    dimension: str
    level: str
    outcome: str
    stations_count: int
    municipalities_count: int
    numerator: int
    denominator: int
    rate: float
    ci_lower: float
    ci_upper: float
    phi: float
    method: str


@dataclass(frozen=True, slots=True)
class StationDispersion:
    """How far counts lie from one rate, in multiples of the variance by chance alone.

    ``unit`` is a group, or ``all`` for every polling station there is. ``phi`` is Pearson's
    dispersion of the counts of the ``count`` units of ``level`` (``polling_station`` or
    ``municipality``) around the rate of ``around``: the ``group``, or each unit's own
    ``municipality``. ``without_share`` is the share of the units without such a vote and
    ``expected_without_share`` what chance alone would give; both between 0 and 1.
    """

    election: str
    unit: str
    outcome: str
    level: str
    around: str
    count: int
    phi: float
    without_share: float
    expected_without_share: float


@dataclass(frozen=True, slots=True)
class StationCoverage:
    """How much of a municipality's result its polling stations add up to.

    ``stations_count`` are the stations with known counts and votes, ``unknown_count`` those left
    out because a count is not known, ``without_votes_count`` those left out without votes.
    ``coverage`` is the votes cast at the former over those of the municipality (1 is all of them),
    NaN where it has no accepted result, and then they are not used; ``complete`` tells whether
    votes cast, invalid and blank votes are all equal to those of the stations together.
    """

    election: str
    municipality_code: str
    stations_count: int
    unknown_count: int
    without_votes_count: int
    votes_cast_count: int
    municipality_votes_cast_count: float
    coverage: float
    complete: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """An estimated effect of the new ballot.

    ``estimand`` says what the estimate and its limits are: ``att`` is a difference in fractions
    of votes cast, ``rate_ratio`` and ``odds_ratio`` are ratios (1 is no effect). ``note`` says
    why an effect could not be estimated (its numbers are NaN then), that half a vote was added
    to counts, or which municipalities took no part. ``draws``, ``exact`` and ``p_error`` are
    those of the test that was made, 0 draws where none was. ``p_error`` is the Monte-Carlo
    standard error of a drawn p-value: 0 when exact, NaN where nothing is drawn.
    """

    outcome: str
    estimand: str
    contrast: str
    weighting: str
    baseline: str
    method: str
    estimate: float
    ci_lower: float
    ci_upper: float
    p_value: float
    n_experiment: int
    n_control: int
    draws: int
    exact: bool
    seed: int
    note: str = ""
    p_error: float = math.nan


@dataclass(frozen=True, slots=True)
class Check:
    """A robustness check: the same effect under one changed choice, named in ``variant``.

    ``note`` says why there is no number, or which municipalities took no part.
    """

    check: str
    variant: str
    outcome: str
    weighting: str
    baseline: str
    method: str
    estimate: float
    ci_lower: float
    ci_upper: float
    p_value: float
    n_experiment: int
    n_control: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Power:
    """The chance to find a true ``effect`` with ``n_experiment`` municipalities.

    ``effect`` and ``detectable_effect`` (found with a chance of 0.8) are fractions of votes cast;
    ``power`` and its Monte-Carlo standard error are between 0 and 1.
    """

    outcome: str
    n_experiment: int
    n_control: int
    effect: float
    power: float
    power_error: float
    detectable_effect: float


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a topic other than the rates: a time, a share, a ratio.

    ``quantity`` names what is measured, with its unit as suffix (``median_seconds``), ``group``
    whose it is (``new``, ``old``) or which are compared (``new/old``, a ratio; ``new-old``, a
    difference), and ``subset`` the observations. ``n`` counts these, ``n_clusters`` the clusters
    that the uncertainty rests on (``cluster`` says what they are), ``n_experiment`` the
    municipalities with the new ballot among them, where municipalities are compared. A number, or
    an interval, that could not be computed is NaN, and ``note`` says why, or what else to keep in
    mind.
    """

    quantity: str
    group: str
    subset: str
    method: str
    estimate: float
    ci_lower: float = math.nan
    ci_upper: float = math.nan
    p_value: float = math.nan
    n: int = 0
    cluster: str = ""
    n_clusters: int = 0
    draws: int = 0
    seed: int = 0
    note: str = ""
    n_experiment: int = 0


@dataclass(frozen=True, slots=True)
class MarkingMeasure:
    """One number on how ballots were marked and counted.

    ``topic`` is ``reasons``, ``party_only``, ``preference``, ``repeated_number``,
    ``counting_differences``, ``station_funnel`` or ``turnout``. ``election`` of a change since an
    earlier one names both (``GR2026-GR2022``). ``unit`` is ``experiment``, ``control``,
    ``reference``, a contrast (``experiment-control``) or a municipality code; ``level`` says of
    what within the topic (a reason, a list, a candidate number, a way of counting, a polling
    station, ``total``). ``quantity`` names what ``estimate`` is, with
    its unit as suffix; shares are fractions. ``numerator`` and ``denominator`` are the counts
    behind a share, NaN where there are none. ``count`` is the number of municipalities, stations
    or pairs that the uncertainty rests on, as ``counted`` says. ``source`` is empty for what was
    computed from the data, and says where a published number stands. What could not be estimated
    is NaN, and ``note`` says why.
    """

    topic: str
    election: str
    unit: str
    level: str
    quantity: str
    method: str
    estimate: float
    ci_lower: float = math.nan
    ci_upper: float = math.nan
    p_value: float = math.nan
    numerator: float = math.nan
    denominator: float = math.nan
    count: int = 0
    counted: str = ""
    draws: int = 0
    seed: int = 0
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SurveyMeasure:
    """One number of a survey that may be published, or the mark that it may not.

    ``table`` and ``question`` say what was asked, ``answer`` the answer that is counted (empty for
    a mean or median), ``quantity`` what is given. ``group`` is ``experiment`` or ``control``, or
    ``experiment-control`` for a comparison; ``breakdown`` and ``level`` name a subgroup, both
    ``total`` for all. ``n`` are the respondents behind it (those who answered) and ``count`` those
    of them who gave the answer, not weighted. ``method`` says what the uncertainty rests on,
    ``weighting`` who counts the same. ``p_adjusted`` is for all questions of the survey together
    (Holm).

    ``hidden``: some count is below the threshold of the plan, or would give away another that is;
    every number is NaN then. Weighted numbers are in five significant digits, medians in two or
    one. ``note`` says why a number could not be estimated.
    """

    table: str
    question: str
    answer: str
    quantity: str
    group: str
    breakdown: str = "total"
    level: str = "total"
    method: str = ""
    weighting: str = ""
    estimate: float = math.nan
    standard_error: float = math.nan
    ci_lower: float = math.nan
    ci_upper: float = math.nan
    df: float = math.nan
    design_effect: float = math.nan
    p_value: float = math.nan
    p_adjusted: float = math.nan
    n: float = math.nan
    count: float = math.nan
    hidden: bool = False
    note: str = ""


Result = (
    SurveyMeasure
    | Rate
    | StationRate
    | StationDispersion
    | StationCoverage
    | Effect
    | Check
    | Power
    | Specification
    | Measure
    | MarkingMeasure
)


def to_frame(items: Sequence[Result], kind: type) -> pd.DataFrame:
    """Return one row per result, columns in the order of the fields of ``kind``."""
    columns = [f.name for f in dataclasses.fields(kind)]
    return pd.DataFrame([dataclasses.astuple(item) for item in items], columns=columns)


@dataclass(frozen=True, slots=True)
class ResultSet:
    """All results of one run. Round-trips through :meth:`to_json` and :meth:`from_json`."""

    study: str
    rates: tuple[Rate, ...]
    effects: tuple[Effect, ...]
    checks: tuple[Check, ...]
    specifications: tuple[Specification, ...] = ()
    power: tuple[Power, ...] = ()
    voting_time: tuple[Measure, ...] = ()
    counting_time: tuple[Measure, ...] = ()
    learning: tuple[Measure, ...] = ()
    survey: tuple[SurveyMeasure, ...] = ()
    stations: tuple[StationRate, ...] = ()
    station_dispersion: tuple[StationDispersion, ...] = ()
    station_coverage: tuple[StationCoverage, ...] = ()
    marking: tuple[MarkingMeasure, ...] = ()

    def to_json(self) -> str:
        """Return the results as stable JSON text; an undefined number is ``null``, never 0."""
        values = {"version": RESULTS_VERSION} | dataclasses.asdict(self)
        return json.dumps(_encode(values), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote; ValueError for another version."""
        values = json.loads(text)
        if values["version"] != RESULTS_VERSION:
            found = values["version"]
            msg = f"results.json has version {found}, this program reads {RESULTS_VERSION}"
            raise ValueError(msg)
        made = {
            name: tuple(kind(**_decode(v)) for v in values[name]) for name, kind in KINDS.items()
        }
        return cls(values["study"], **made)


#: The fields of a set of results and what each holds, in the order of the fields.
KINDS: dict[str, type] = {
    "rates": Rate,
    "effects": Effect,
    "checks": Check,
    "specifications": Specification,
    "power": Power,
    "voting_time": Measure,
    "counting_time": Measure,
    "learning": Measure,
    "survey": SurveyMeasure,
    "stations": StationRate,
    "station_dispersion": StationDispersion,
    "station_coverage": StationCoverage,
    "marking": MarkingMeasure,
}


#: How JSON, which has no infinity, writes one; an interval without a limit has it.
INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}


def _encode(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _encode(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(v) for v in value]
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decode(values: dict[str, Any]) -> dict[str, Any]:
    return {
        k: math.nan if v is None else INFINITIES.get(v, v) if isinstance(v, str) else v
        for k, v in values.items()
    }
