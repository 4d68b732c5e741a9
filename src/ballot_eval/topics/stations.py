"""Results of polling stations: which can be used, their rates by size and type, their dispersion.

The rates and dispersions here are levels, at one election. A difference in level between the
experiment and other municipalities is no effect: see :mod:`~ballot_eval.topics.station_effects`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.estimation.rates import (
    intraclass_correlation,
    overdispersed_interval,
    pearson_dispersion,
    within_dispersion,
)
from ballot_eval.panel import DENOMINATOR, OUTCOMES, Panel, on_todays_map
from ballot_eval.results import StationCoverage, StationDispersion, StationRate

BoolArray = npt.NDArray[np.bool_]

#: Votes cast at a station from which a next size class begins. At GR2022 half of the stations
#: lay between 347 and 734 votes cast and one in fourteen at 1,000 or more; the classes hold 14,
#: 33, 30, 16 and 7 per cent of them.
SIZE_LIMITS = (250, 500, 750, 1000)

#: The classes in words of numbers: ``0-249``, ``250-499``, …, ``1000+``.
SIZE_CLASSES = (
    *(f"{low}-{high - 1}" for low, high in zip((0, *SIZE_LIMITS), SIZE_LIMITS, strict=False)),
    f"{SIZE_LIMITS[-1]}+",
)

#: The level of stations of which the type is not known.
UNKNOWN_TYPE = "unknown"

#: Counts without which a station says nothing about rates.
_NEEDED = (DENOMINATOR, *OUTCOMES["residual"])


@dataclass(frozen=True, slots=True)
class Stations:
    """The polling stations of the panel's elections that can be used, on today's municipalities.

    ``rows`` has one row per election and station: ``election_id``, ``municipality_code``, ``role``
    (former experiment municipalities included), ``is_reference``, ``station_type`` (empty where
    not given), ``size_class`` and the counts behind rates. ``coverage`` has an entry for every
    municipality of an election with stations, also one without stations itself.
    """

    panel: Panel
    rows: pd.DataFrame
    coverage: tuple[StationCoverage, ...]

    @property
    def elections(self) -> tuple[str, ...]:
        """Return the elections with usable stations, oldest first."""
        have = set(self.rows["election_id"])
        return tuple(e for e in self.panel.study.needed_elections() if e in have)

    def at(self, election: str, outcome: str) -> pd.DataFrame:
        """Return the stations at one election, with ``numerator`` and ``denominator``."""
        rows = self.rows[self.rows["election_id"] == election]
        return rows.assign(
            numerator=rows[list(OUTCOMES[outcome])].sum(axis=1), denominator=rows[DENOMINATOR]
        )


def select_stations(frame: pd.DataFrame, panel: Panel) -> Stations:
    """Return the stations of accepted ``station_results`` that can be used.

    Left out and counted in the coverage: stations with an unknown number of invalid or blank votes
    or of votes cast, stations without votes, and those of a municipality without accepted result.
    Elections that the study does not need are not looked at.
    """
    every = placed_stations(frame, panel, _NEEDED)
    every = every.assign(station_type=as_text(every["station_type"]))
    known = every[list(_NEEDED)].notna().all(axis=1)
    voted = known & (every[DENOMINATOR] > 0).fillna(value=False).astype(bool)
    used = every[voted].astype(dict.fromkeys(_NEEDED, np.int64))
    placed = panel.results[["election_id", "municipality_code", "role", "is_reference"]]
    rows = used.merge(placed, on=["election_id", "municipality_code"])
    rows["size_class"] = size_classes(rows[DENOMINATOR].to_numpy())
    # Categories are added up many times faster than text.
    rows = rows.astype({"municipality_code": "category"})
    status = every[["election_id", "municipality_code"]].assign(
        unknown_count=~known, without_votes_count=known & ~voted
    )
    return Stations(panel, rows, tuple(_coverage(status, used, panel)))


def placed_stations(frame: pd.DataFrame, panel: Panel, columns: Sequence[str]) -> pd.DataFrame:
    """Return the stations of the study's elections in the municipalities of today.

    The columns are ``election_id``, ``municipality_code``, ``polling_station_id``,
    ``station_type``, ``counting_method`` and those asked for; one that the file does not have is
    missing in every row. Columns of text other than the first two keep the text of the file.
    """
    keys = ("election_id", "municipality_code", "polling_station_id")
    wanted = [*keys, "station_type", "counting_method", *columns]
    return on_todays_map(frame.reindex(columns=wanted), panel.study)[wanted]


def as_text(values: pd.Series[Any]) -> pd.Series[str]:
    """Return text, empty where there is none."""
    made = values.astype(object)
    return made.where(made.notna(), "").astype(str)


def size_classes(votes_cast: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """Return the size class (n,) of stations by their number of votes cast (n,)."""
    position = np.searchsorted(SIZE_LIMITS, np.asarray(votes_cast), side="right")
    return np.array(SIZE_CLASSES, dtype=object)[position]


def _coverage(status: pd.DataFrame, used: pd.DataFrame, panel: Panel) -> Iterator[StationCoverage]:
    """Yield what stations add up to, by election and municipality."""
    keys = ["election_id", "municipality_code"]
    left_out = status.groupby(keys)[["unknown_count", "without_votes_count"]].sum()
    sums = used.groupby(keys)[list(_NEEDED)].sum().assign(stations_count=used.groupby(keys).size())
    have = panel.results["election_id"].isin(set(status["election_id"]))
    own = panel.results[have].set_index(keys)[list(_NEEDED)].add_prefix("own_")
    table = own.join(left_out, how="outer").join(sums)
    counts = [*left_out.columns, *sums.columns]
    table[counts] = table[counts].fillna(0).astype(int)
    for row in table.reset_index().to_dict("records"):
        total = float(row[f"own_{DENOMINATOR}"])
        yield StationCoverage(
            election=str(row["election_id"]),
            municipality_code=str(row["municipality_code"]),
            stations_count=int(row["stations_count"]),
            unknown_count=int(row["unknown_count"]),
            without_votes_count=int(row["without_votes_count"]),
            votes_cast_count=int(row[DENOMINATOR]),
            municipality_votes_cast_count=total,
            coverage=row[DENOMINATOR] / total if total > 0 else math.nan,
            complete=all(row[name] == row[f"own_{name}"] for name in _NEEDED),
        )


def groups_of(rows: pd.DataFrame) -> dict[str, BoolArray]:
    """Return which stations (n,) belong to each group that is compared; former ones to none."""
    role = rows["role"].to_numpy(dtype=str)
    return {
        "experiment": role == "experiment",
        "control": role == "control",
        "reference": rows["is_reference"].to_numpy(dtype=bool),
    }


def station_rates(stations: Stations) -> tuple[StationRate, ...]:
    """Return invalid, blank and residual rates of groups by size class and type of station.

    Each has the interval of the group rates in ``rates.csv``: Wilson with the Rao–Scott number of
    ballots, with municipalities as clusters. The intraclass correlation is that of the controls
    among the same stations, so that what stations of one municipality share counts once, and what
    they do not share counts too.
    """
    return tuple(
        rate
        for election in stations.elections
        for outcome in OUTCOMES
        for rate in _election_rates(stations, election, outcome)
    )


def _election_rates(stations: Stations, election: str, outcome: str) -> Iterator[StationRate]:
    rows = stations.at(election, outcome)
    confidence = stations.panel.study.analysis.confidence_level
    for dimension, level, chosen in _levels(rows):
        part = rows[chosen]
        groups = groups_of(part)
        rho = intraclass_correlation(*_municipal(part[groups["control"]]))
        for unit, members in groups.items():
            if not members.any():
                continue
            x, n = _municipal(part[members])
            numerator, denominator = int(x.sum()), int(n.sum())
            low, high = overdispersed_interval(x, n, intraclass=rho, confidence_level=confidence)
            yield StationRate(
                election=election,
                unit=unit,
                dimension=dimension,
                level=level,
                outcome=outcome,
                stations_count=int(members.sum()),
                municipalities_count=len(x),
                numerator=numerator,
                denominator=denominator,
                rate=numerator / denominator,
                ci_lower=low,
                ci_upper=high,
                phi=pearson_dispersion(*_counts(part[members])),
                method="wilson_rao_scott",
            )


def _levels(rows: pd.DataFrame) -> Iterator[tuple[str, str, BoolArray]]:
    """Yield dimension, level and which stations (n,) they hold; types only where they are given."""
    yield "total", "total", np.ones(len(rows), dtype=bool)
    sizes = rows["size_class"].to_numpy(dtype=str)
    for level in SIZE_CLASSES:
        yield "size_class", level, sizes == level
    kinds = rows["station_type"].to_numpy(dtype=str)
    if (kinds != "").any():
        for kind in sorted(set(kinds), key=lambda k: (k == "", k)):
            yield "station_type", str(kind) or UNKNOWN_TYPE, kinds == kind


def _counts(rows: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return rows["numerator"].to_numpy(np.int64), rows["denominator"].to_numpy(np.int64)


def _municipal(rows: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the counts of the stations added up by municipality."""
    codes = np.unique(rows["municipality_code"].cat.codes, return_inverse=True)[1]
    x, n = (np.bincount(codes, weights=counts).astype(np.int64) for counts in _counts(rows))
    return x, n


def station_dispersions(stations: Stations) -> tuple[StationDispersion, ...]:
    """Return how far stations and municipalities lie from a common rate, by election and group.

    ``all`` are the stations of all municipalities, former experiment ones included.
    """
    made: list[StationDispersion] = []
    for election in stations.elections:
        for outcome in OUTCOMES:
            rows = stations.at(election, outcome)
            units = {"all": np.ones(len(rows), dtype=bool)} | groups_of(rows)
            for unit, members in units.items():
                if members.any():
                    made.extend(_group_dispersions(rows[members], election, unit, outcome))
    return tuple(made)


def _group_dispersions(
    rows: pd.DataFrame, election: str, unit: str, outcome: str
) -> Iterator[StationDispersion]:
    x, n = _counts(rows)
    codes = rows["municipality_code"].to_numpy(dtype=str)
    sums = rows.groupby(codes)[["numerator", "denominator"]].transform("sum")
    own = (sums["numerator"] / sums["denominator"]).to_numpy(dtype=float)
    total = x.sum() / n.sum()
    x_sum, n_sum = _municipal(rows)
    for level, around, counts, votes, rate, phi in (
        ("polling_station", "group", x, n, total, pearson_dispersion(x, n)),
        ("polling_station", "municipality", x, n, own, within_dispersion(x, n, codes)),
        ("municipality", "group", x_sum, n_sum, total, pearson_dispersion(x_sum, n_sum)),
    ):
        yield StationDispersion(
            election=election,
            unit=unit,
            outcome=outcome,
            level=level,
            around=around,
            count=len(counts),
            phi=phi,
            without_share=float((counts == 0).mean()),
            expected_without_share=float(((1 - rate) ** votes).mean()),
        )
