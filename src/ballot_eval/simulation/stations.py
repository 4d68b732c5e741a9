"""Simulated results of polling stations: the simulated municipal counts, dealt out to stations.

Levels follow the official results of GR2022 (330 municipalities, 11,972 stations with votes).
Votes cast at a station follow a Weibull distribution of shape 2: around its mean of 559 the
official 5th, 50th and 95th percentiles of 145, 528 and 1,081 are 143, 525 and 1,092. Invalid and
blank votes are dealt out by a Dirichlet-multinomial distribution, with which the dispersion is
the same at small and large stations, as it is in the official results.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.schema import TABLES
from ballot_eval.simulation.places import VOTES_PER_STATION, check_truth, stream

IntArray = npt.NDArray[np.int64]

#: Shape of the Weibull distribution of the votes cast at stations.
SIZE_SHAPE = 2.0

#: Types of polling stations, in the words of the municipalities.
TYPES = ("regulier", "bijzonder", "mobiel")


@dataclass(frozen=True, slots=True)
class StationTruth:
    """What is put into simulated results of polling stations.

    ``dispersion`` is the variance of the invalid (and of the blank) counts of stations around
    their municipality's rate, over that by chance alone. ``more_share`` and ``fewer_share`` of
    the stations count more or fewer ballots than they admitted voters, large stations more often;
    ``one_share`` of these differences is a single ballot. Shares of types are no official level.
    """

    dispersion: float = 1.57
    votes_per_station: float = VOTES_PER_STATION
    proxy_share: float = 0.11
    proxy_sd: float = 0.030
    more_share: float = 0.074
    fewer_share: float = 0.105
    one_share: float = 0.7
    special_share: float = 0.05
    mobile_share: float = 0.02


STATION_TRUTH = StationTruth()


def simulate_stations(
    results: pd.DataFrame, *, seed: int, truth: StationTruth = STATION_TRUTH
) -> pd.DataFrame:
    """Return ``station_results`` that add up to ``results`` (``municipality_results``) exactly.

    One row per station. Voter cards are not simulated: there are none at municipal elections.
    Deterministic in ``seed``, with a stream of its own. Raises ValueError for a parameter outside
    its range, and for a dispersion of less than 1.
    """
    check_truth(truth)
    if truth.dispersion < 1:
        msg = f"dispersion is {truth.dispersion}; chance alone gives 1"
        raise ValueError(msg)
    rng = stream(seed, "station_results")
    frame = pd.concat(list(_municipalities(results, rng, truth)), ignore_index=True)
    frame = frame.assign(**_record(frame["votes_cast_count"].to_numpy(np.int64), rng, truth))
    special, mobile = truth.special_share, truth.mobile_share
    chances = (1 - special - mobile, special, mobile)
    frame["station_type"] = rng.choice(TYPES, len(frame), p=chances)
    frame["postcode"] = ""
    names = [name for name in TABLES["station_results"].names if name in frame.columns]
    return frame[names]


def _municipalities(
    results: pd.DataFrame, rng: np.random.Generator, truth: StationTruth
) -> Iterator[pd.DataFrame]:
    for row in results.to_dict("records"):
        total = int(row["votes_cast_count"])
        stations = max(1, round(total / truth.votes_per_station))
        votes = shared_out(total, rng.weibull(SIZE_SHAPE, stations))
        invalid = _dealt_out(int(row["invalid_votes_count"]), votes, votes, rng, truth)
        blank = _dealt_out(int(row["blank_votes_count"]), votes, votes - invalid, rng, truth)
        yield pd.DataFrame(
            {
                **{c: row[c] for c in ("election_id", "municipality_code", "municipality_name")},
                "polling_station_id": [str(i + 1) for i in range(stations)],
                "polling_station_name": [f"Stembureau {i + 1}" for i in range(stations)],
                "eligible_voters_count": shared_out(int(row["eligible_voters_count"]), votes),
                "votes_cast_count": votes,
                "valid_votes_count": votes - invalid - blank,
                "blank_votes_count": blank,
                "invalid_votes_count": invalid,
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


def _record(votes: IntArray, rng: np.random.Generator, truth: StationTruth) -> dict[str, IntArray]:
    """Return A, B, C, D, I and J of the record of each station with ``votes`` (n,) cast."""
    relative = votes / max(float(votes.mean()), 1.0)
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
