"""Streams of random numbers: no table, election or place changes the numbers of another."""

from __future__ import annotations

import zlib

import numpy as np

#: What has a stream of its own. A new one goes at the end, so that the others stay as they are.
STREAMS = (
    "voting_times",
    "counting_times",
    "voter_survey",
    "station_survey",
    "municipality_survey",
    "station_results",
    "candidate_results",
    "invalid_reasons",
    "party_only_votes",
    "counting_methods",
    "municipality_results",
    "station_sizes",
)


def stream(seed: int, table: str, *names: str) -> np.random.Generator:
    """Return the generator of one table: a spawned child of ``seed``, independent of the others.

    ``names`` (of an election, a municipality) give a child of that one.
    """
    key = (STREAMS.index(table), *(zlib.crc32(name.encode()) for name in names))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
