"""Simulated results of polling stations: the simulated municipal counts, dealt out to stations.

Levels follow the official results of GR2022 (330 municipalities, 11,972 stations with votes).
Votes cast at a station follow a Weibull distribution of shape 2: around its mean of 559 the
official 5th, 50th and 95th percentiles of 145, 528 and 1,081 are 143, 525 and 1,092. Invalid and
blank votes are dealt out by a Dirichlet-multinomial distribution, with which the dispersion is
the same at small and large stations, as it is in the official results. More and fewer ballots are
counted more often in some municipalities than in others, at every election, which leaves fewer
municipalities where both occur.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.schema import NO_EXPLANATION, OTHER_EXPLANATION, TABLES
from ballot_eval.simulation.places import check_truth, stations_count
from ballot_eval.simulation.streams import stream

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Shape of the Weibull distribution of the votes cast at stations, and how far (log scale) the
#: share of a station in the votes of its municipality moves from one election to another.
SIZE_SHAPE = 2.0
SIZE_SHOCK_SD = 0.08

#: Types of polling stations, in the words of the municipalities.
TYPES = ("regulier", "bijzonder", "mobiel")

#: What stands before the number of a station, here and in the other tables.
STATION_PREFIX = "SB"


@dataclass(frozen=True, slots=True)
class StationTruth:
    """What is put into simulated results of polling stations.

    ``dispersion`` is the variance of the invalid (and of the blank) counts of stations around
    their municipality's rate, over that by chance alone. ``more_share`` and ``fewer_share`` of
    the stations count more or fewer ballots than they admitted voters, large stations more often;
    municipalities differ in how often by ``difference_sd`` (log scale), the same at every election.
    ``one_share`` of these differences is a single ballot. With the new ballot differences are
    ``difference_factor`` times as frequent.

    Each difference has one explanation: one that goes with its direction (``own_share``; of fewer
    ballots ``unreturned_share`` of those are ballots not returned), another (``other_share``),
    none (``no_explanation_share``), or the record leaves all boxes empty. The shares are those of
    differences of either direction together, at GR2022. Shares of types are no official level.
    """

    dispersion: float = 1.57
    proxy_share: float = 0.11
    proxy_sd: float = 0.030
    more_share: float = 0.074
    fewer_share: float = 0.105
    difference_sd: float = 0.6
    one_share: float = 0.7
    difference_factor: float = 1.0
    own_share: float = 0.15
    unreturned_share: float = 0.9
    other_share: float = 0.28
    no_explanation_share: float = 0.48
    special_share: float = 0.05
    mobile_share: float = 0.02


STATION_TRUTH = StationTruth()


def simulate_stations(
    results: pd.DataFrame,
    *,
    seed: int,
    truth: StationTruth = STATION_TRUTH,
    new_ballot: Collection[tuple[str, str]] = (),
    counting_methods: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return ``station_results`` that add up to ``results`` (``municipality_results``) exactly.

    One row per station; ``new_ballot`` are the elections and municipalities with the new ballot. Of
    those in ``counting_methods`` the way of counting is given, of others it is unknown. Voter cards
    are not simulated: there are none at municipal elections.
    Deterministic in ``seed``, and the same for an election whatever others there are. Raises
    ValueError for a parameter outside its range, for a dispersion of less than 1, and for
    explanations of more than all differences.
    """
    check_truth(truth)
    if truth.dispersion < 1:
        msg = f"dispersion is {truth.dispersion}; chance alone gives 1"
        raise ValueError(msg)
    if truth.own_share + truth.other_share + truth.no_explanation_share > 1:
        msg = "the shares of explanations add up to more than 1"
        raise ValueError(msg)
    parts = [
        _election(rows, str(election), seed, truth, new_ballot)
        for election, rows in results.groupby("election_id", sort=False)
    ]
    frame = pd.concat(parts, ignore_index=True)
    frame["postcode"] = ""
    methods = counting_methods or {}
    frame["counting_method"] = [methods.get(code, "") for code in frame["municipality_code"]]
    names = [name for name in TABLES["station_results"].names if name in frame.columns]
    return frame[names]


def _election(
    results: pd.DataFrame,
    election: str,
    seed: int,
    truth: StationTruth,
    new_ballot: Collection[tuple[str, str]],
) -> pd.DataFrame:
    """Return the stations of one election."""
    rng = stream(seed, "station_results", election)
    sizes = station_votes(results, seed=seed)
    frame = _dealt_results(results, sizes, rng, truth)
    new = frame["municipality_code"].map(lambda code: (election, code) in new_ballot)
    habits = [
        stream(seed, "station_results", str(code)).lognormal(
            -(truth.difference_sd**2) / 2, truth.difference_sd
        )
        for code in results["municipality_code"]
    ]
    habit = np.repeat(habits, [len(size) for size in sizes])
    votes = frame["votes_cast_count"].to_numpy(np.int64)
    frame = frame.assign(**simulate_records(votes, new.to_numpy(bool), rng, truth, habit))
    special, mobile = truth.special_share, truth.mobile_share
    chances = (1 - special - mobile, special, mobile)
    frame["station_type"] = rng.choice(TYPES, len(frame), p=chances)
    return frame.assign(**_explanations(frame, rng, truth))


def station_votes(results: pd.DataFrame, *, seed: int) -> list[IntArray]:
    """Return the votes cast at the stations of each row of ``results``, which they add up to.

    ``results`` are ``municipality_results`` of one election. A municipality has the same stations
    at every election, and they keep their size but for a shock. What is drawn depends on the
    municipality and the election alone, not on the other rows.
    """
    made = []
    counts = stations_count(results["eligible_voters_count"])
    columns = ("election_id", "municipality_code", "votes_cast_count")
    for count, (election, code, total) in zip(
        counts, results[list(columns)].itertuples(index=False), strict=True
    ):
        weights = stream(seed, "station_sizes", code).weibull(SIZE_SHAPE, int(count))
        shock = stream(seed, "station_sizes", code, election)
        weights = weights * shock.lognormal(0, SIZE_SHOCK_SD, int(count))
        # At least one voter each, where there are as many: a station without says nothing.
        rest = max(int(total) - int(count), 0)
        ones = shared_out(int(total) - rest, np.ones(int(count)))
        made.append(ones + shared_out(rest, weights))
    return made


def _dealt_results(
    results: pd.DataFrame, sizes: list[IntArray], rng: np.random.Generator, truth: StationTruth
) -> pd.DataFrame:
    """Return the counts of all stations, without the rest of the record."""
    invalid, blank, eligible = [], [], []
    for row, votes in zip(results.to_dict("records"), sizes, strict=True):
        invalid.append(_dealt_out(int(row["invalid_votes_count"]), votes, votes, rng, truth))
        room = votes - invalid[-1]
        blank.append(_dealt_out(int(row["blank_votes_count"]), votes, room, rng, truth))
        eligible.append(shared_out(int(row["eligible_voters_count"]), votes))
    counts = [len(votes) for votes in sizes]
    numbers = pd.Series(np.concatenate([np.arange(1, n + 1) for n in counts])).astype("str")
    cast, spoilt, empty = (np.concatenate(parts) for parts in (sizes, invalid, blank))
    names = ("election_id", "municipality_code", "municipality_name")
    return pd.DataFrame(
        {
            **{name: np.repeat(results[name].to_numpy(object), counts) for name in names},
            "polling_station_id": STATION_PREFIX + numbers,
            "polling_station_name": "Stembureau " + numbers,
            "eligible_voters_count": np.concatenate(eligible),
            "votes_cast_count": cast,
            "valid_votes_count": cast - spoilt - empty,
            "blank_votes_count": empty,
            "invalid_votes_count": spoilt,
        }
    )


def shared_out(total: int, weights: npt.ArrayLike) -> IntArray:
    """Return whole numbers (n,) in proportion to ``weights`` (n,) that add up to ``total``.

    By largest remainders; weights that are all zero count equally.
    """
    w = np.asarray(weights, dtype=float)
    w = w if w.any() else np.ones(len(w))
    exact = total * w / w.sum()
    shares: IntArray = np.floor(exact).astype(np.int64)
    left = total - int(shares.sum())
    shares[np.argsort(shares - exact, kind="stable")[:left]] += 1
    return shares


def _dealt_out(
    total: int, votes: IntArray, room: IntArray, rng: np.random.Generator, truth: StationTruth
) -> IntArray:
    """Return ``total`` votes of a kind over stations (n,), at most ``room`` (n,) at each.

    The Dirichlet-multinomial of ``total`` with parameters A·votes/Σvotes has the variance of the
    multinomial times (total + A) / (1 + A); A is what makes that the dispersion of the truth.
    """
    counts = np.zeros(len(votes), dtype=np.int64)
    have = votes > 0
    if not total or not have.any():
        return counts
    shares = votes[have] / votes.sum()
    if total > truth.dispersion > 1:
        precision = (total - truth.dispersion) / (truth.dispersion - 1)
        shares = rng.dirichlet(precision * shares)
    counts[have] = rng.multinomial(total, shares)
    excess = np.maximum(counts - room, 0)
    counts -= excess
    if excess.any():
        counts += shared_out(int(excess.sum()), room - counts)
    return counts


def simulate_records(
    votes: IntArray,
    new: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    truth: StationTruth,
    habit: npt.ArrayLike = 1.0,
) -> dict[str, IntArray]:
    """Return A, B, C, D, I and J of the record of each station with ``votes`` (n,) cast.

    ``new`` (n,) says where the new ballot was used, ``habit`` (n,) how much more often than
    elsewhere more or fewer ballots are counted in the municipality.
    """
    relative = votes / max(float(votes.mean()), 1.0) * np.asarray(habit)
    relative = relative * np.where(new, truth.difference_factor, 1.0)
    chance, size = rng.random(len(votes)), rng.geometric(truth.one_share, len(votes))
    is_more = chance < truth.more_share * relative
    is_fewer = ~is_more & (chance < (truth.more_share + truth.fewer_share) * relative)
    more = np.where(is_more, np.minimum(size, votes), 0)
    fewer = np.where(is_fewer, size, 0)
    admitted = votes - more + fewer
    share = truth.proxy_share
    precision = share * (1 - share) / truth.proxy_sd**2 - 1
    proxies = rng.binomial(
        admitted, rng.beta(share * precision, (1 - share) * precision, len(votes))
    )
    return {
        "poll_card_count": admitted - proxies,
        "proxy_certificate_count": proxies,
        "voter_card_count": np.zeros(len(votes), dtype=np.int64),
        "admitted_voters_count": admitted,
        "more_ballots_count": more,
        "fewer_ballots_count": fewer,
    }


def _explanations(
    frame: pd.DataFrame, rng: np.random.Generator, truth: StationTruth
) -> dict[str, IntArray]:
    """Return the boxes that explain the differences of each station (n,); one box at most each."""
    more = frame["more_ballots_count"].to_numpy(np.int64)
    size = more + frame["fewer_ballots_count"].to_numpy(np.int64)
    kind, which = rng.random(len(size)), rng.random(len(size))
    ends = np.cumsum([truth.own_share, truth.other_share, truth.no_explanation_share])
    own = kind < ends[0]
    unreturned = which < truth.unreturned_share
    chosen = {
        "unreturned_ballots_count": own & (more == 0) & unreturned,
        "too_few_ballots_issued_count": own & (more == 0) & ~unreturned,
        "too_many_ballots_issued_count": own & (more > 0),
        OTHER_EXPLANATION: (kind >= ends[0]) & (kind < ends[1]),
        NO_EXPLANATION: (kind >= ends[1]) & (kind < ends[2]),
    }
    return {name: np.where(here, size, 0) for name, here in chosen.items()}
