"""Simulated reasons of invalidity and votes for a party alone, dealt out from simulated counts.

The invalid votes of a municipality with the new ballot are of two kinds. Those in excess, which
the new ballot added, are design-related. Of those that the old ballot would have had too, a part
is replaced by a mistake of the design and the rest keeps a general reason. So the design-related
rate is above the net excess by what was replaced. The published levels of TK2025 guided the shares;
those of single reasons and of votes for a party alone are no official level.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.schema import TABLES
from ballot_eval.simulation.places import check_truth
from ballot_eval.simulation.results import INVALID_RATE
from ballot_eval.simulation.streams import stream

IntArray = npt.NDArray[np.int64]

#: Election, municipality and polling station (empty for the whole), and counts.
_Place: TypeAlias = tuple[str, str, str, IntArray]
RNG = np.random.Generator


@dataclass(frozen=True, slots=True)
class MarkingTruth:
    """What is put into simulated reasons and votes for a party alone.

    ``replaced_share`` of the mistakes that the old ballot would have had too are design-related;
    it varies over municipalities with standard deviation ``replaced_sd``. ``design_shares`` and
    ``general_shares`` divide the two kinds over their reasons. ``party_only_share`` of the valid
    votes at a first use mark a party alone, ``party_only_kept_share`` of it remains after each
    further use, and the share of a municipality varies by ``party_only_sd`` (of its logarithm, mean
    kept). Every ``stations_every``-th municipality also has its polling stations.
    """

    replaced_share: float = 0.25
    replaced_sd: float = 0.08
    design_shares: tuple[tuple[str, float], ...] = (
        ("several_parties", 0.45),
        ("number_without_party", 0.35),
        ("number_above_list", 0.20),
    )
    general_shares: tuple[tuple[str, float], ...] = (
        ("several_numbers", 0.10),
        ("writing", 0.40),
        ("other_colour", 0.15),
        ("identifying_mark", 0.10),
        ("other", 0.25),
    )
    party_only_share: float = 0.04
    party_only_kept_share: float = 0.75
    party_only_sd: float = 0.20
    stations_every: int = 3

    def design_rate(self, effect: float) -> float:
        """Return the expected design-related share of votes cast if the ballot adds ``effect``."""
        return effect + self.replaced_share * INVALID_RATE

    def party_only_rate(self, exposure: int) -> float:
        """Return the expected share of valid votes for a party alone at a use of the ballot."""
        return float(self.party_only_share * self.party_only_kept_share ** (exposure - 1))


MARKING_TRUTH = MarkingTruth()


def simulate_reasons(
    results: pd.DataFrame,
    stations: pd.DataFrame | None,
    added: dict[str, float],
    *,
    seed: int,
    truth: MarkingTruth = MARKING_TRUTH,
) -> pd.DataFrame:
    """Return ``invalid_reasons`` that add up to the invalid votes of ``results`` exactly.

    ``results`` are ``municipality_results`` of one election with the new ballot, ``added`` by code
    what the ballot added to the invalid rate, ``stations`` the ``station_results`` that add up to
    them, or None. Deterministic in ``seed``, with a stream of its own. Raises ValueError for a
    parameter outside its range.
    """
    check_truth(truth)
    rng = stream(seed, "invalid_reasons")
    reasons = np.array([name for name, _ in (*truth.design_shares, *truth.general_shares)])
    places: list[_Place] = []
    for i, row in enumerate(results.to_dict("records")):
        code, invalid = str(row["municipality_code"]), int(row["invalid_votes_count"])
        counts = _of_municipality(invalid, int(row["votes_cast_count"]) * added[code], rng, truth)
        places.append((str(row["election_id"]), code, "", counts))
        for place, size in _stations(stations, code, "invalid_votes_count", i, truth):
            taken = rng.multivariate_hypergeometric(counts, size)
            counts = counts - taken
            places.append((str(row["election_id"]), code, place, taken))
    table = _table(places, len(reasons))
    table["reason"] = np.tile(reasons, len(places))
    return table[list(TABLES["invalid_reasons"].names)]


def simulate_party_only(
    results: pd.DataFrame,
    stations: pd.DataFrame | None,
    study: StudyDesign,
    *,
    seed: int,
    truth: MarkingTruth = MARKING_TRUTH,
) -> pd.DataFrame:
    """Return ``party_only_votes`` of all lists together, among the valid votes of ``results``.

    Arguments and errors as those of :func:`simulate_reasons`; the uses of the ballot are those of
    the ``study``.
    """
    check_truth(truth)
    rng = stream(seed, "party_only_votes")
    places: list[_Place] = []
    for i, row in enumerate(results.to_dict("records")):
        code, valid = str(row["municipality_code"]), int(row["valid_votes_count"])
        rate = truth.party_only_rate(study.exposure(code, str(row["election_id"])))
        shock = rng.normal(-(truth.party_only_sd**2) / 2, truth.party_only_sd)
        left = int(rng.binomial(valid, min(rate * float(np.exp(shock)), 1.0)))
        places.append((str(row["election_id"]), code, "", np.array([left])))
        for place, size in _stations(stations, code, "valid_votes_count", i, truth):
            taken = int(rng.hypergeometric(left, valid - left, size)) if size else 0
            left, valid = left - taken, valid - size
            places.append((str(row["election_id"]), code, place, np.array([taken])))
    table = _table(places, 1).assign(list_number="")
    return table[list(TABLES["party_only_votes"].names)]


def _of_municipality(invalid: int, excess: float, rng: RNG, truth: MarkingTruth) -> IntArray:
    """Return the votes by reason of a municipality of which ``excess`` were to be expected."""
    added = int(rng.binomial(invalid, min(excess / invalid, 1.0))) if invalid else 0
    mean, variance = truth.replaced_share, truth.replaced_sd**2
    share = mean
    if variance and 0 < mean < 1:
        precision = mean * (1 - mean) / variance - 1
        share = float(rng.beta(mean * precision, (1 - mean) * precision))
    design = added + int(rng.binomial(invalid - added, share))
    counts = [
        rng.multinomial(total, [weight for _, weight in shares])
        for total, shares in (
            (design, truth.design_shares),
            (invalid - design, truth.general_shares),
        )
    ]
    return np.concatenate(counts).astype(np.int64)


def _stations(
    stations: pd.DataFrame | None, code: str, field: str, place: int, truth: MarkingTruth
) -> Iterator[tuple[str, int]]:
    """Yield number and count of the polling stations of a municipality that has them."""
    if stations is not None and place % truth.stations_every == 0:
        rows = stations[stations["municipality_code"] == code]
        for number, size in zip(rows["polling_station_id"], rows[field], strict=True):
            yield str(number), int(size)


def _table(places: list[_Place], rows: int) -> pd.DataFrame:
    """Return the table of places with so many ``rows`` each."""
    names = ("election_id", "municipality_code", "polling_station_id")
    columns = zip(names, zip(*(place[:3] for place in places), strict=True), strict=True)
    table = pd.DataFrame({name: np.repeat(np.array(cells), rows) for name, cells in columns})
    table["votes_count"] = np.concatenate([place[3] for place in places])
    return table
