"""Simulated votes for lists and candidates: the simulated valid votes, dealt out.

Levels follow the official candidate results of GR2022 (330 municipalities, 2,832 lists): 8.6 lists
per municipality and more where more people vote, of 19 names on average and shorter as their number
is higher; 54.1% of the votes are not for the first candidate, and of these the candidate at
position p has about (p − 1)^−0.8, with a spread per candidate of the factor exp(0.6). At elections
of the whole country every municipality has the same lists, with candidates that are known in some
places and not in others; fewer and shorter lists than in reality keep the files small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import Election, StudyDesign
from ballot_eval.schema import TABLES
from ballot_eval.simulation.places import check_truth
from ballot_eval.simulation.stations import shared_out
from ballot_eval.simulation.streams import stream

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Types of elections at which every municipality has the same lists.
NATIONAL = ("TK", "EP")

#: Fewest and most lists, and names on a list, at elections where lists differ by municipality.
LISTS, NAMES = (3, 26), (3, 50)

#: Names on a list on which the first candidate has the share of the truth on average.
USUAL_NAMES, USUAL_NATIONAL_NAMES = 17, 26

#: How many lists, and names on each, where the lists are the same everywhere.
NATIONAL_LISTS, NATIONAL_NAMES = 15, (20, 40)


@dataclass(frozen=True, slots=True)
class CandidateTruth:
    """What is put into simulated votes for lists and candidates.

    With the new ballot the share ``party_only_share`` of the voters of a list marks only the party,
    which is a vote for the first candidate, and ``repeat_share`` marks the number of the list as
    that of the candidate; where the list has no such candidate they vote as the others do. Both
    are no official level. ``local_sd`` is the spread between municipalities of the log share of a
    candidate of a national list.
    """

    preference_share: float = 0.541
    national_preference_share: float = 0.31
    first_sd: float = 0.126
    position_sd: float = 0.6
    local_sd: float = 0.25
    party_only_share: float = 0.06
    repeat_share: float = 0.02


CANDIDATE_TRUTH = CandidateTruth()


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists of one municipality: weights (L,) and the shares (n,) of the candidates of each."""

    weights: FloatArray
    shares: tuple[FloatArray, ...]


def simulate_candidates(
    results: pd.DataFrame,
    study: StudyDesign,
    *,
    seed: int,
    truth: CandidateTruth = CANDIDATE_TRUTH,
    party_only: Mapping[str, int] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return ``list_results`` and ``candidate_results`` that add up to ``results`` exactly.

    ``results`` are simulated ``municipality_results``, also of several elections; rows are whole
    municipalities. ``party_only`` are the votes for a party alone at the study's election by
    municipality, in the place of those that follow from the truth. Deterministic in ``seed``, with
    a stream of its own. Raises ValueError for a parameter outside its range, and for more votes
    for a party alone than the valid votes leave beside repeated numbers.
    """
    check_truth(truth)
    if truth.party_only_share + truth.repeat_share > 1:
        msg = "party_only_share and repeat_share together are more than 1"
        raise ValueError(msg)
    parts = [
        _election(rows, study.election_by_id(str(election)), seed, truth, given)
        for election, rows in results.groupby("election_id", sort=False)
        for given in [party_only or {} if election == study.election else {}]
    ]
    tables = ("list_results", "candidate_results")
    lists, candidates = (
        pd.concat([part[i] for part in parts], ignore_index=True)[list(TABLES[name].required)]
        for i, name in enumerate(tables)
    )
    return lists, candidates


def _election(
    results: pd.DataFrame,
    plan: Election,
    seed: int,
    truth: CandidateTruth,
    party_only: Mapping[str, int],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the lists and the candidates of one election."""
    everywhere = None
    if plan.type in NATIONAL:
        everywhere = _national_lists(stream(seed, "candidate_results", plan.id), truth)
    totals: list[IntArray] = []
    votes: list[list[IntArray]] = []
    codes = list(results["municipality_code"])
    for code, valid in zip(codes, results["valid_votes_count"], strict=True):
        rng = stream(seed, "candidate_results", plan.id, code)
        own = _in_place(everywhere, rng, truth) if everywhere else _own(int(valid), rng, truth)
        total = shared_out(int(valid), own.weights)
        alone = np.zeros(len(total), dtype=np.int64)
        repeat = 0.0
        if code in plan.new_ballot:
            given = party_only.get(code)
            alone = _alone(total, given, rng, truth)
            repeat = _repeat(given, int(valid), truth)
        totals.append(total)
        votes.append(list(_votes(own, total, alone, repeat, rng)))
    numbers = [np.arange(1, len(total) + 1) for total in totals]
    whole = {"election_id": plan.id, "polling_station_id": ""}
    lists = pd.DataFrame(
        {
            **whole,
            "municipality_code": np.repeat(codes, [len(total) for total in totals]),
            "list_number": np.concatenate(numbers),
            "votes_count": np.concatenate(totals),
        }
    )
    lists["list_name"] = "Lijst " + lists["list_number"].astype("str")
    flat = [v for own in votes for v in own]
    sizes = [len(v) for v in flat]
    candidates = pd.DataFrame(
        {
            **whole,
            "municipality_code": np.repeat(lists["municipality_code"].to_numpy(), sizes),
            "list_number": np.repeat(lists["list_number"].to_numpy(), sizes),
            "candidate_number": np.concatenate([np.arange(1, n + 1) for n in sizes]),
            "votes_count": np.concatenate(flat),
        }
    )
    return lists, candidates


def _own(valid: int, rng: np.random.Generator, truth: CandidateTruth) -> _Lists:
    """Return lists as a municipality of that many valid votes has them."""
    count = round(float(np.clip(3.49 * np.log(max(valid, 1)) - 24.9 + rng.normal(0, 2), *LISTS)))
    number = np.arange(1, count + 1)
    names = 28 * number**-0.3 * np.exp(rng.normal(0, 0.45, count))
    return _Lists(
        weights=np.asarray(number**-0.5 * np.exp(rng.normal(0, 0.4, count)), dtype=np.float64),
        shares=tuple(
            _shares(n, USUAL_NAMES, truth.preference_share, rng, truth)
            for n in np.clip(names.round(), *NAMES).astype(int)
        ),
    )


def _national_lists(rng: np.random.Generator, truth: CandidateTruth) -> _Lists:
    number = np.arange(1, NATIONAL_LISTS + 1)
    names = rng.integers(*NATIONAL_NAMES, NATIONAL_LISTS, endpoint=True)
    shares = tuple(
        _shares(int(n), USUAL_NATIONAL_NAMES, truth.national_preference_share, rng, truth)
        for n in names
    )
    return _Lists(np.asarray(number**-0.8, dtype=np.float64), shares)


def _shares(
    names: int, usual_names: int, preference: float, rng: np.random.Generator, truth: CandidateTruth
) -> FloatArray:
    """Return the share of every candidate of a list of so many names."""
    first = 1 - preference
    precision = first * preference / truth.first_sd**2 - 1 if truth.first_sd else np.inf
    if np.isfinite(precision):
        first = float(rng.beta(first * precision, preference * precision))
    rest = np.arange(1, names) ** -0.8 * np.exp(rng.normal(0, truth.position_sd, names - 1))
    # The first one competes with all names of a list of usual length, so that the second does not
    # have more on a short list than on a long one.
    usual = (np.arange(1, usual_names) ** -0.8).sum() * np.exp(truth.position_sd**2 / 2)
    weights = np.concatenate([[usual * first / (1 - first)], rest])
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _in_place(national: _Lists, rng: np.random.Generator, truth: CandidateTruth) -> _Lists:
    """Return the lists of the country as one municipality votes on them."""
    weights = national.weights * np.exp(rng.normal(0, 0.4, len(national.weights)))
    shares = []
    for share in national.shares:
        local = share * np.exp(rng.normal(0, truth.local_sd, len(share)))
        shares.append(local / local.sum())
    return _Lists(weights, tuple(shares))


def _alone(
    totals: IntArray, given: int | None, rng: np.random.Generator, truth: CandidateTruth
) -> IntArray:
    """Return the votes (L,) for a party alone on every list."""
    if given is None:
        return rng.binomial(totals, truth.party_only_share)
    if given > (1 - truth.repeat_share) * totals.sum():
        msg = (
            f"{given} votes for a party alone and a share of {truth.repeat_share:g} that repeats "
            f"a number are more than the {totals.sum()} valid votes"
        )
        raise ValueError(msg)
    return shared_out(given, totals)


def _repeat(given: int | None, valid: int, truth: CandidateTruth) -> float:
    """Return the share of those who mark a candidate that makes ``repeat_share`` of all voters."""
    if not truth.repeat_share:
        return 0.0
    alone = truth.party_only_share if given is None else given / max(valid, 1)
    # The two may be all there are, with a rounding error above 1.
    return min(truth.repeat_share / (1 - alone), 1.0)


def _votes(
    own: _Lists, totals: IntArray, alone: IntArray, repeat: float, rng: np.random.Generator
) -> Iterator[IntArray]:
    """Yield the votes for the candidates of every list; ``repeat`` is of those not alone."""
    for i, (share, total, party) in enumerate(zip(own.shares, totals, alone, strict=True)):
        chances = share
        if repeat and i < len(share):
            chances = (1 - repeat) * share
            chances[i] += repeat
        votes = rng.multinomial(total - party, chances)
        votes[0] += party
        yield votes
