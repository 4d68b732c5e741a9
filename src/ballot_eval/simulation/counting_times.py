"""Simulated times of the count, one row per count of a polling station or central session.

The levels are made up, but for two official figures of the municipal elections of 2026: with the
old ballot the last polling station is ready before midnight in about 53 per cent of the
municipalities that count lists and candidates on the night (DSO), and in about 84 per cent of
those that count only lists then (CSO). The stations and their ballots are those of the simulated
results.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import Election, StudyDesign
from ballot_eval.schema import TABLES
from ballot_eval.simulation.places import check_truth, compared_municipalities
from ballot_eval.simulation.results import simulate_panel
from ballot_eval.simulation.stations import STATION_PREFIX, station_votes
from ballot_eval.simulation.streams import stream
from ballot_eval.validation.moments import NIGHT_IS_SURE

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Lists on the ballot where they are the same everywhere (rounded); at GR they grow with size.
NATIONAL_LISTS = {"TK": 26, "EP": 20, "PS": 16, "WS": 8}

#: Minutes after midnight of election day: polls close, central sessions start the next morning.
POLLS_CLOSE = 21 * 60
CENTRAL_START = 33 * 60

#: Shortest count, and the pause before a recount, in minutes.
SHORTEST_MINUTES = 10
RECOUNT_PAUSE = 5


@dataclass(frozen=True, slots=True)
class CountTruth:
    """Parameters of one kind of count; the three kinds are different quantities, never pooled.

    Person-minutes are ``person_minutes`` · (ballots / ``ballots_count``)^``ballots_elasticity``
    · (lists / 10)^``lists_elasticity`` · (counters / ``counters_count``)^``counters_elasticity``,
    times ``ratio`` with the new ballot. Staff does not depend on the ballot, so ``ratio`` is that
    of the duration as well.

    - ``person_minutes``: at ``ballots_count`` ballots, 10 lists, ``counters_count`` counters;
    - ``counters_count``: usual number of counters per ``ballots_count`` ballots;
    - ``ratio``: new over old ballot, other things equal.
    """

    ratio: float
    person_minutes: float
    ballots_count: int
    counters_count: int
    ballots_elasticity: float
    lists_elasticity: float
    counters_elasticity: float = 0.15

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_truth(self)


@dataclass(frozen=True, slots=True)
class CountingTimeTruth:
    """Parameters of :func:`simulate_counting_times`.

    Standard deviations (``…_sd``) are of the logarithm of the person-minutes.

    - ``dso``, ``cso``, ``central``: station with DSO, station with CSO, central session of CSO;
    - ``cso_share``: municipalities that count with CSO, the same ones at both elections;
    - ``municipality_sd``: stays with a municipality; ``election_sd``: new at each election, shared
      by the units of a municipality; ``station_sd``: of every unit;
    - ``start_delay_minutes``: mean time from the close of the polls (or nine in the morning);
    - ``recount_share``, ``recount_ratio``: finished units that count again, and how long that takes
      relative to the first count;
    - ``still_counting_share``: units last seen before the end, regardless of how long they took;
    - ``bare_time_share``: rows of polling stations with a time of day without a date;
    - ``stations_per_session``: polling stations whose ballots one central session counts.
    """

    dso: CountTruth = CountTruth(0.80, 525.0, 500, 5, 0.85, 0.25)
    cso: CountTruth = CountTruth(0.90, 435.0, 500, 5, 0.75, 0.40)
    central: CountTruth = CountTruth(0.85, 9000.0, 10_000, 30, 0.95, 0.25)
    cso_share: float = 0.58
    municipality_sd: float = 0.10
    election_sd: float = 0.05
    station_sd: float = 0.12
    start_delay_minutes: float = 6.0
    recount_share: float = 0.05
    recount_ratio: float = 0.4
    still_counting_share: float = 0.02
    bare_time_share: float = 0.10
    stations_per_session: int = 20

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_truth(self)


#: The truth of the data that ``simulate`` writes.
COUNTING_TIME_TRUTH = CountingTimeTruth()


def simulate_counting_times(
    study: StudyDesign, *, seed: int, truth: CountingTimeTruth = COUNTING_TIME_TRUTH
) -> pd.DataFrame:
    """Return simulated ``counting_times`` of the first baseline and of the study's election.

    One row per polling station of the experiment municipalities and of as many controls of similar
    size (:func:`~ballot_eval.simulation.places.compared_municipalities`), one per central
    session where candidates are counted the next day, and one more per recount. Stations and their
    ballots are those of the simulated results of the same ``seed``. Times are whole minutes, local
    time. Raises DesignError when the study has no municipality to simulate for.
    """
    rng = stream(seed, "counting_times")
    places = compared_municipalities(study)
    places["cso"] = _central_counts(rng, places["experiment"].to_numpy(), truth.cso_share)
    places["shock"] = rng.normal(0, truth.municipality_sd, len(places))
    # The effect on invalid votes leaves the votes cast as they are.
    panel = simulate_panel(study, seed=seed, effect=0.0)
    panel = panel[panel["municipality_code"].isin(places["municipality_code"])]
    parts = []
    for election in (study.baselines[0], study.election):
        rows = panel[panel["election_id"] == election].sort_values("municipality_code")
        ballots = station_votes(rows, seed=seed)
        units = _units(rng, study.election_by_id(election), places, ballots, truth)
        parts.append(_timed(rng, study.election_by_id(election), units, truth))
    return pd.concat(parts, ignore_index=True)


def simulated_methods(
    counting: pd.DataFrame, codes: Collection[str], *, seed: int, share: float
) -> dict[str, str]:
    """Return the way of counting, DSO or CSO, by municipality: as timed, or else drawn.

    Of the municipalities in ``codes`` without times in ``counting``, ``share`` count with CSO.
    """
    rows = counting.drop_duplicates("municipality_code")
    timed = dict(zip(rows["municipality_code"], rows["counting_method"], strict=True))
    rest = sorted(set(codes) - set(timed))
    central = stream(seed, "counting_methods").random(len(rest)) < share
    drawn = {code: "CSO" if cso else "DSO" for code, cso in zip(rest, central, strict=True)}
    return drawn | timed


def _central_counts(
    rng: np.random.Generator, experiment: npt.NDArray[np.bool_], share: float
) -> npt.NDArray[np.bool_]:
    """Draw who counts with CSO: the share of all, and nearly so of each role."""
    cso = np.zeros(len(experiment), dtype=bool)
    inside = round(share * int(experiment.sum()))
    outside = min(round(share * len(experiment)) - inside, int((~experiment).sum()))
    for role, count in ((experiment, inside), (~experiment, outside)):
        cso[rng.permutation(np.flatnonzero(role))[:count]] = True
    return cso


def _units(
    rng: np.random.Generator,
    election: Election,
    places: pd.DataFrame,
    stations: list[IntArray],
    truth: CountingTimeTruth,
) -> pd.DataFrame:
    """Return the units that count at one election, with ballots, lists and shared shocks.

    ``stations`` are the ballots of the stations of each place.
    """
    shock = places["shock"].to_numpy() + rng.normal(0, truth.election_sd, len(places))
    lists = _lists(rng, election, places["inhabitants_count"].to_numpy(dtype=float))
    rows: list[tuple[str, str, str, int, int, float]] = []
    columns = (places["municipality_code"], places["cso"], lists, shock, stations)
    for code, cso, listed, common, ballots in zip(*columns, strict=True):
        kinds = [("cso" if cso else "dso", STATION_PREFIX, ballots)]
        if cso:
            shares = np.array_split(ballots, -(-len(ballots) // truth.stations_per_session))
            kinds.append(("central", "CS", np.array([share.sum() for share in shares])))
        for kind, prefix, counts in kinds:
            rows += [
                (kind, code, f"{prefix}{number}", int(count), listed, common)
                for number, count in enumerate(counts, start=1)
            ]
    names = ["kind", "municipality_code", "id", "ballots_count", "lists_count", "shock"]
    return pd.DataFrame(rows, columns=names)


def _lists(rng: np.random.Generator, election: Election, inhabitants: FloatArray) -> IntArray:
    """Return the lists on the ballot (places,); at municipal elections large places have more."""
    local = np.round(4 * np.log(inhabitants / 1000) - 5 + rng.normal(0, 1, len(inhabitants)))
    if election.type == "GR":
        return np.maximum(local, 3).astype(np.int64)
    return np.full(len(inhabitants), NATIONAL_LISTS[election.type], dtype=np.int64)


def _timed(
    rng: np.random.Generator, election: Election, units: pd.DataFrame, truth: CountingTimeTruth
) -> pd.DataFrame:
    """Return the rows of the table: staff, start, end and status of every unit."""
    n = len(units)
    kind = units["kind"].to_numpy()
    central = kind == "central"
    new = units["municipality_code"].isin(election.new_ballot).to_numpy()
    recount = rng.random(n) < truth.recount_share
    counters, log = _workload(rng, units, truth)
    log += rng.normal(0, truth.station_sd, n)
    for name in ("dso", "cso", "central"):
        log += np.where(new & (kind == name), np.log(getattr(truth, name).ratio), 0.0)
    minutes = np.maximum(np.round(np.exp(log) / counters), SHORTEST_MINUTES)
    seen = np.floor(minutes * rng.uniform(0.4, 0.95, n))
    unfinished = rng.random(n) < truth.still_counting_share
    again = np.flatnonzero(recount & ~unfinished)
    delay = np.round(rng.gamma(2, truth.start_delay_minutes / 2, n))
    start = np.where(central, CENTRAL_START, POLLS_CLOSE) + delay
    end = start + np.where(unfinished, seen, minutes)
    # A bare time late in the night is not accepted, nor one of a session or a recount.
    bare = (rng.random(n) < truth.bare_time_share) & ~central & (end < 60 * (24 + NIGHT_IS_SURE))
    once_more = (
        minutes[again] * truth.recount_ratio * rng.lognormal(0, truth.station_sd, len(again))
    )
    table = pd.DataFrame(
        {
            "election_id": election.id,
            "municipality_code": units["municipality_code"],
            "counting_unit_id": units["id"],
            "counting_unit_type": np.where(central, "central_session", "polling_station"),
            "counting_method": np.where(kind == "dso", "DSO", "CSO"),
            "ballot": np.where(new, "new", "old"),
            "started_at": _times(election, start, bare),
            "ended_at": _times(election, end, bare),
            "counters_count": counters,
            "ballots_count": units["ballots_count"],
            "lists_count": units["lists_count"],
            "recount": "no",
            "counting_status": np.where(unfinished, "still_counting", "finished"),
        }
    )
    resumed, dated = end[again] + RECOUNT_PAUSE, np.zeros(len(again), dtype=bool)
    recounts = table.iloc[again].assign(
        recount="yes",
        started_at=_times(election, resumed, dated),
        ended_at=_times(election, resumed + np.maximum(np.round(once_more), 1), dated),
    )
    rows = pd.concat([table, recounts]).sort_index(kind="stable")
    return rows[list(TABLES["counting_times"].names)]


def _workload(
    rng: np.random.Generator, units: pd.DataFrame, truth: CountingTimeTruth
) -> tuple[IntArray, FloatArray]:
    """Return counters (n,) and expected log person-minutes (n,) with the old ballot."""
    ballots, lists = units["ballots_count"].to_numpy(float), units["lists_count"].to_numpy(float)
    counters = np.zeros(len(units), dtype=np.int64)
    log = units["shock"].to_numpy(dtype=float).copy()
    luck = rng.normal(0, 0.15, len(units))
    for name in ("dso", "cso", "central"):
        count: CountTruth = getattr(truth, name)
        rows = (units["kind"] == name).to_numpy()
        relative = ballots[rows] / count.ballots_count
        # Small stations have fewer people, but never less than three.
        staff = np.maximum(np.round(count.counters_count * relative**0.8 * np.exp(luck[rows])), 3)
        counters[rows] = staff.astype(np.int64)
        log[rows] += (
            np.log(count.person_minutes)
            + count.ballots_elasticity * np.log(relative)
            + count.lists_elasticity * np.log(lists[rows] / 10)
            + count.counters_elasticity * np.log(staff / count.counters_count)
        )
    return counters, log


def _times(election: Election, minutes: FloatArray, bare: npt.NDArray[np.bool_]) -> list[str]:
    """Return local times as text; ``minutes`` (n,) count from midnight of election day."""
    moments = np.datetime64(election.date, "m") + minutes.astype(np.int64).astype("timedelta64[m]")
    text = np.datetime_as_string(moments, unit="m")
    return [str(t)[-5:] if b else str(t) for t, b in zip(text, bare, strict=True)]
