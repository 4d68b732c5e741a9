"""Simulated times of voters in the booth, one row per observed voter.

No source here gives times in the booth with either ballot, so every level below is made up. What
is meant to be real is the structure: few municipalities, stations within them, observers with
habits of their own, a right tail, rows that were cut short, and first use that takes longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.schema import TABLES
from ballot_eval.simulation.places import (
    centred_logs,
    check_truth,
    compared_municipalities,
)
from ballot_eval.simulation.stations import STATION_PREFIX
from ballot_eval.simulation.streams import stream

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Nobody is in and out of the booth in less, or stays longer, in seconds.
SHORTEST_SECONDS, LONGEST_SECONDS = 3.0, 1200.0

#: A station that is observed at all is observed for at least so many voters.
FEWEST_VOTERS = 15


@dataclass(frozen=True, slots=True)
class VotingTimeTruth:
    """Parameters of :func:`simulate_voting_times`; all levels are made up.

    Effects multiply the time; standard deviations (``…_sd``) are of the logarithm of the time.

    - ``ratio``: new over old ballot, geometric mean over the observed voters: those who use the
      new ballot for the first time and those who do not, mixed as they were expected to come;
    - ``level_seconds``: geometric mean of unassisted voters with the old ballot;
    - ``first_use_ratio``: first use over later use of the new ballot (the old one has none);
    - ``assisted_ratio``, ``assisted_share``: voters with help, who take longer;
    - ``age_bands``, ``age_shares``, ``age_ratios``: groups of age, their shares and times relative
      to each other; ``age_recorded_share``: share of observers who note the age;
    - ``municipality_sd``, ``station_sd``, ``observer_sd``, ``voter_sd``: shocks at each level;
    - ``tail_share``, ``tail_mean``: share of voters whose log time gets an exponential addition
      of this mean (the others' noise is normal; the noise as a whole has mean 0);
    - ``stations_count``: observed stations, half in the experiment municipalities;
      ``voters_per_station``, ``voters_per_station_sd``: their mean and (log) spread;
    - ``two_observers_share``: stations with two observers; ``second_station_share``: chance that a
      place is taken by an observer who was at one other station of the municipality before;
    - ``experienced_share``: voters who used the new ballot before, where the municipality did;
      ``first_vote_share``: voters with the old ballot who vote for the first time;
    - ``first_use_unknown_share``, ``assisted_unknown_share``: not told, not seen;
    - ``censored_share``: rows with a time below the true one, of which ``interrupted_share``
      interrupted and the others cut off; a row's chance does not depend on its time;
    - ``tenths_share``: observers who note tenths of seconds, the others note whole seconds;
      ``heaping_seconds``: one observer for each rounds to so many seconds.
    """

    ratio: float = 0.85
    level_seconds: float = 55.0
    first_use_ratio: float = 1.15
    assisted_ratio: float = 2.0
    assisted_share: float = 0.035
    age_bands: tuple[str, ...] = ("18-34", "35-54", "55-74", "75+")
    age_shares: tuple[float, ...] = (0.22, 0.30, 0.34, 0.14)
    age_ratios: tuple[float, ...] = (0.92, 0.95, 1.04, 1.30)
    age_recorded_share: float = 0.7
    municipality_sd: float = 0.05
    station_sd: float = 0.08
    observer_sd: float = 0.06
    voter_sd: float = 0.40
    tail_share: float = 0.06
    tail_mean: float = 0.4
    stations_count: int = 80
    voters_per_station: float = 75.0
    voters_per_station_sd: float = 0.35
    two_observers_share: float = 0.2
    second_station_share: float = 0.5
    experienced_share: float = 0.6
    first_vote_share: float = 0.03
    first_use_unknown_share: float = 0.05
    assisted_unknown_share: float = 0.01
    censored_share: float = 0.03
    interrupted_share: float = 0.6
    tenths_share: float = 0.2
    heaping_seconds: tuple[int, ...] = (5, 10)

    def __post_init__(self) -> None:
        """Check the ranges, so that no table comes out silently wrong."""
        check_truth(self)
        if not len(self.age_bands) == len(self.age_shares) == len(self.age_ratios) > 0:
            msg = "age_bands, age_shares and age_ratios must have the same length, at least 1"
            raise ValueError(msg)
        if min(self.age_shares) < 0 or abs(sum(self.age_shares) - 1) > 1e-9:
            msg = f"age_shares {self.age_shares} must be shares that add up to 1"
            raise ValueError(msg)
        if min(self.age_ratios) <= 0 or min(self.heaping_seconds, default=1) <= 0:
            msg = "age_ratios and heaping_seconds must be above 0"
            raise ValueError(msg)


#: The truth of the data that ``simulate`` writes.
VOTING_TIME_TRUTH = VotingTimeTruth()


def simulate_voting_times(
    study: StudyDesign, *, seed: int, truth: VotingTimeTruth = VOTING_TIME_TRUTH
) -> pd.DataFrame:
    """Return simulated ``voting_times``: one row per observed voter at the study's election.

    Observed are stations of the experiment municipalities and of as many controls of similar size
    (:func:`~ballot_eval.simulation.places.compared_municipalities`), times in seconds with at most
    one decimal. A station and its observers keep their numbers under another ``ratio`` of the same
    ``seed``. Raises DesignError when the study has no municipality to observe, and ValueError when
    there are fewer stations to observe than municipalities.
    """
    rng = stream(seed, "voting_times")
    stations = _stations(rng, study, truth)
    where = stations["municipality"].to_numpy()
    station_of, observer_of = _posts(rng, where, truth)
    post = np.repeat(np.arange(len(station_of)), _voters(rng, station_of, truth))
    station, observer = station_of[post], observer_of[post]
    voters = _voter_traits(rng, stations.iloc[station], truth)
    shock = (
        rng.normal(0, truth.municipality_sd, where.max() + 1)[where[station]]
        + rng.normal(0, truth.station_sd, len(stations))[station]
        + rng.normal(0, truth.observer_sd, observer.max() + 1)[observer]
    )
    log = np.log(truth.level_seconds) + shock + voters.pop("log_effect").to_numpy()
    true = np.exp(log + _noise(rng, len(log), truth)).clip(SHORTEST_SECONDS, LONGEST_SECONDS)
    seconds, status = _recorded(rng, true, observer, truth)
    notes_age = (rng.random(observer.max() + 1) < truth.age_recorded_share)[observer]
    table = voters.assign(
        election_id=study.election,
        municipality_code=stations["municipality_code"].to_numpy()[station],
        polling_station_id=stations["polling_station_id"].to_numpy()[station],
        voting_seconds=seconds,
        observer_id=[f"W{number + 1:02d}" for number in observer],
        observation_number=pd.Series(observer).groupby(observer).cumcount().to_numpy() + 1,
        observation_status=status,
        age_band=voters["age_band"].where(notes_age, ""),
    )
    return table[list(TABLES["voting_times"].names)]


def _stations(rng: np.random.Generator, study: StudyDesign, truth: VotingTimeTruth) -> pd.DataFrame:
    """Return the observed stations, by municipality; a larger one has more of them."""
    places = compared_municipalities(study)
    new = study.election_by_id(study.election).new_ballot
    observed = np.zeros(len(places), dtype=np.int64)
    for group, share in ((True, 0.5), (False, 0.5)):
        mask = (places["experiment"] == group).to_numpy()
        wanted = round(truth.stations_count * share)
        observed[mask] = _allocate(places.loc[mask], wanted)
    rows: list[tuple[int, str, str, bool, bool]] = []
    columns = (places["municipality_code"], places["stations_count"], observed)
    for index, (code, most, count) in enumerate(zip(*columns, strict=True)):
        numbers = np.sort(rng.choice(int(most), int(count), replace=False)) + 1
        earlier = study.exposure(code, study.election) - (code in new)
        rows += [(index, code, f"{STATION_PREFIX}{n}", code in new, earlier > 0) for n in numbers]
    names = ["municipality", "municipality_code", "polling_station_id", "new", "experienced"]
    return pd.DataFrame(rows, columns=names)


def _allocate(places: pd.DataFrame, wanted: int) -> IntArray:
    """Share ``wanted`` stations out by the root of the size; at least 1, at most all there are."""
    most = places["stations_count"].to_numpy(dtype=np.int64)
    weight = np.sqrt(places["inhabitants_count"].to_numpy(dtype=float))
    if wanted < len(places):
        msg = f"stations_count: {wanted} stations cannot be shared out over {len(places)} places"
        raise ValueError(msg)
    given = np.ones(len(places), dtype=np.int64)
    for _ in range(min(wanted, int(most.sum())) - len(places)):
        # The next one goes where the fewest are observed for the size.
        given[np.argmin(np.where(given < most, given / weight, np.inf))] += 1
    return given


def _posts(
    rng: np.random.Generator, municipality: IntArray, truth: VotingTimeTruth
) -> tuple[IntArray, IntArray]:
    """Return station and observer of every post; an observer has one or two, of one place."""
    posts: list[tuple[int, int]] = []
    once: list[int] = []
    observers = 0
    for station, place in enumerate(municipality):
        if station and place != municipality[station - 1]:
            once = []
        before = list(once)
        for _ in range(1 + int(rng.random() < truth.two_observers_share)):
            again = rng.random() < truth.second_station_share
            if again and before:
                observer = before.pop(0)
                once.remove(observer)
            else:
                observer = observers
                observers += 1
                once.append(observer)
            posts.append((station, observer))
    table = np.array(posts, dtype=np.int64)
    return table[:, 0], table[:, 1]


def _voters(rng: np.random.Generator, station_of: IntArray, truth: VotingTimeTruth) -> IntArray:
    """Return the voters (posts,) each observer times at a post; two observers split a station."""
    spread = truth.voters_per_station_sd
    factor = rng.lognormal(-(spread**2) / 2, spread, station_of.max() + 1)
    voters = np.maximum(np.round(truth.voters_per_station * factor), FEWEST_VOTERS).astype(np.int64)
    shared = np.bincount(station_of)[station_of]
    first = np.r_[True, station_of[1:] != station_of[:-1]]
    half = voters[station_of] // shared
    return np.asarray(np.where(first, voters[station_of] - half * (shared - 1), half))


def _voter_traits(
    rng: np.random.Generator, stations: pd.DataFrame, truth: VotingTimeTruth
) -> pd.DataFrame:
    """Return ballot, traits as noted and the log of their joint effect, one row per voter."""
    n = len(stations)
    new = stations["new"].to_numpy()
    chance = np.where(stations["experienced"], 1 - truth.experienced_share, 1.0)
    first = rng.random(n) < np.where(new, chance, truth.first_vote_share)
    assisted = rng.random(n) < truth.assisted_share
    age = rng.choice(len(truth.age_bands), n, p=truth.age_shares)
    # Centred on the share that was expected, so that ``ratio`` is the ratio of all voters.
    learning = np.log(truth.first_use_ratio) * (first - chance[new].mean())
    log_effect = (
        np.where(new, np.log(truth.ratio) + learning, 0.0)
        + np.where(assisted, np.log(truth.assisted_ratio), 0.0)
        + centred_logs(truth.age_ratios, truth.age_shares)[age]
    )
    unknown_first = rng.random(n) < truth.first_use_unknown_share
    unknown_help = rng.random(n) < truth.assisted_unknown_share
    return pd.DataFrame(
        {
            "ballot": np.where(new, "new", "old"),
            "first_use": np.where(unknown_first, "unknown", np.where(first, "yes", "no")),
            "assisted": np.where(unknown_help, "unknown", np.where(assisted, "yes", "no")),
            "age_band": np.array(truth.age_bands)[age],
            "log_effect": log_effect,
        }
    )


def _noise(rng: np.random.Generator, n: int, truth: VotingTimeTruth) -> FloatArray:
    """Return log noise (n,) of mean 0 with a right tail heavier than the left."""
    late = (rng.random(n) < truth.tail_share) * rng.exponential(truth.tail_mean, n)
    return rng.normal(0, truth.voter_sd, n) + late - truth.tail_share * truth.tail_mean


def _recorded(
    rng: np.random.Generator, true: FloatArray, observer: IntArray, truth: VotingTimeTruth
) -> tuple[FloatArray, npt.NDArray[np.str_]]:
    """Return seconds (n,) and status (n,) as the observers note them."""
    observers = int(observer.max()) + 1
    step = np.where(rng.random(observers) < truth.tenths_share, 0.1, 1.0)
    heaping = rng.permutation(observers)[: len(truth.heaping_seconds)]
    step[heaping] = truth.heaping_seconds[: len(heaping)]
    step = step[observer]
    censored = rng.random(len(true)) < truth.censored_share
    kind = np.where(rng.random(len(true)) < truth.interrupted_share, "interrupted", "cut_off")
    seen = true * rng.uniform(0.1, 0.95, len(true))
    # Rounded down: what was seen of an unfinished vote must stay below the true time.
    part = np.maximum(np.floor(seen / step) * step, 1.0)
    whole = np.maximum(np.round(true / step) * step, step)
    seconds = np.where(censored, part, whole).astype(np.float64)
    return np.round(seconds, 1), np.where(censored, kind, "complete")
