"""Simulated results of polling stations: the simulated municipal counts, dealt out to stations.

Levels follow the official results of GR2022 (330 municipalities, 11,972 stations with votes).
Votes cast at a station follow a Weibull distribution of shape 2: around its mean of 559 the
official 5th, 50th and 95th percentiles of 145, 528 and 1,081 are 143, 525 and 1,092. Invalid and
blank votes are dealt out by a Dirichlet-multinomial distribution, with which the dispersion is
the same at small and large stations, as it is in the official results.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.schema import NO_EXPLANATION, OTHER_EXPLANATION, TABLES
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
    ``one_share`` of these differences is a single ballot. With the new ballot differences are
    ``difference_factor`` times as frequent.

    Each difference has one explanation: one that goes with its direction (``own_share``; of fewer
    ballots ``unreturned_share`` of those are ballots not returned), another (``other_share``),
    none (``no_explanation_share``), or the record leaves all boxes empty. The shares are those of
    differences of either direction together, at GR2022. Shares of types are no official level.
    """

    dispersion: float = 1.57
    votes_per_station: float = VOTES_PER_STATION
    proxy_share: float = 0.11
    proxy_sd: float = 0.030
    more_share: float = 0.074
    fewer_share: float = 0.105
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
    new_ballot: Collection[str] = (),
    counting_methods: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return ``station_results`` that add up to ``results`` (``municipality_results``) exactly.

    One row per station; the municipalities in ``new_ballot`` have the new ballot. Of those in
    ``counting_methods`` the way of counting is given, of others it is unknown. Voter cards are not
    simulated: there are none at municipal elections.
    Deterministic in ``seed``, with a stream of its own. Raises ValueError for a parameter outside
    its range, for a dispersion of less than 1, and for explanations of more than all differences.
    """
    check_truth(truth)
    if truth.dispersion < 1:
        msg = f"dispersion is {truth.dispersion}; chance alone gives 1"
        raise ValueError(msg)
    if truth.own_share + truth.other_share + truth.no_explanation_share > 1:
        msg = "the shares of explanations add up to more than 1"
        raise ValueError(msg)
    rng = stream(seed, "station_results")
    frame = pd.concat(list(_municipalities(results, rng, truth)), ignore_index=True)
    votes = frame["votes_cast_count"].to_numpy(np.int64)
    new = frame["municipality_code"].isin(list(new_ballot)).to_numpy(dtype=bool)
    frame = frame.assign(**simulate_records(votes, new, rng, truth))
    special, mobile = truth.special_share, truth.mobile_share
    chances = (1 - special - mobile, special, mobile)
    frame["station_type"] = rng.choice(TYPES, len(frame), p=chances)
    # Drawn last, so that what came before stays as it was.
    frame = frame.assign(**_explanations(frame, rng, truth))
    frame["postcode"] = ""
    frame["counting_method"] = frame["municipality_code"].map(counting_methods or {}).fillna("")
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


def simulate_records(
    votes: IntArray, new: npt.NDArray[np.bool_], rng: np.random.Generator, truth: StationTruth
) -> dict[str, IntArray]:
    """Return A, B, C, D, I and J of the record of each station with ``votes`` (n,) cast.

    ``new`` (n,) says where the new ballot was used.
    """
    relative = votes / max(float(votes.mean()), 1.0)
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
