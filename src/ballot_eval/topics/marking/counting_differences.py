"""Ballots counted more and fewer than voters admitted: levels of groups, experiment on control.

More and fewer are kept apart at every station and are never set off against each other: what
netting them within municipalities would hide is itself a number. DSO and CSO are different ways
of counting and are never pooled; stations of which the way is not known are a level of their own.

*Comparisons.* The difference between experiment and control at one election is a level: groups
differed before. Where the baseline has polling stations with the same way of counting, each
station is set against the earlier number of its whole municipality, because a station is not the
same place at the next election (see :mod:`~ballot_eval.topics.station_effects`). Municipalities
are what is reassigned, each with all its stations. A share of stations counts every station once,
a rate of ballots counts stations as often as they had votes cast.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.inference import RandomisationResult
from ballot_eval.estimation.rates import intraclass_correlation, overdispersed_interval
from ballot_eval.panel import Contrast, Panel, contrast
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.marking.shares import CONTRAST, drawn_measure
from ballot_eval.topics.marking.station_records import (
    LEFT_OUT,
    PARTS,
    StationRecords,
    select_records,
)
from ballot_eval.topics.station_effects import METHOD, WITHOUT_STATIONS, station_test
from ballot_eval.topics.stations import groups_of

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

TOPIC = "counting_differences"
INTERVAL_METHOD = "wilson_rao_scott"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A rate of stations: what counts, as numbers (n,) of rows, and out of what.

    ``of_ballots`` says that the denominator is the votes cast, not the stations.
    """

    numerator: Callable[[pd.DataFrame], pd.Series[float]]
    of_ballots: bool = False

    def counts(self, rows: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
        """Return numerators and denominators (n,) of stations; NaN numerators are unknown."""
        numerator = np.asarray(self.numerator(rows), dtype=np.float64)
        if self.of_ballots:
            return numerator, np.asarray(rows["votes"], dtype=np.float64)
        return numerator, np.ones(len(rows))


def _any_of(*columns: str) -> Callable[[pd.DataFrame], pd.Series[float]]:
    """Return 1 for a station with a positive number in some column, NaN where unknown."""

    def marked(rows: pd.DataFrame) -> pd.Series[float]:
        total = rows[list(columns)].sum(axis=1, skipna=False)
        return (total > 0).astype(float).where(total.notna())

    return marked


def _column(name: str) -> Callable[[pd.DataFrame], pd.Series[float]]:
    return lambda rows: rows[name]


#: Numbers of which experiment and control are compared.
COMPARED = {
    "stations_more_share": Quantity(_any_of("more")),
    "stations_fewer_share": Quantity(_any_of("fewer")),
    "stations_any_share": Quantity(_any_of("more", "fewer")),
    "stations_unexplained_share": Quantity(_any_of("more_unexplained", "fewer_unexplained")),
    "more_ballots_rate": Quantity(_column("more"), of_ballots=True),
    "fewer_ballots_rate": Quantity(_column("fewer"), of_ballots=True),
}

#: All numbers that are given of a group; the parts add up to the difference.
QUANTITIES = {
    **COMPARED,
    "stations_unaccounted_share": Quantity(_any_of("more_unaccounted", "fewer_unaccounted")),
    **{
        f"{direction}_{part}_ballots_rate": Quantity(
            _column(f"{direction}_{part}"), of_ballots=True
        )
        for direction in ("more", "fewer")
        for part in PARTS
    },
}


def difference_measures(
    accepted: Mapping[str, pd.DataFrame], panel: Panel
) -> Iterator[MarkingMeasure]:
    """Yield levels, what netting hides, what is left out, and the comparisons; none without data.

    Levels are given of every election of the panel with records; comparisons are of the study's
    election, at one election or (``election`` names both) since a baseline.
    """
    records = select_records(accepted["station_results"], panel)
    for election in panel.study.needed_elections():
        for level in records.levels(election):
            yield from _levels(records, election, level)
        yield from _left_out(records, election)
    for level in records.levels(panel.study.election):
        yield from _comparisons(records, level)


def _levels(records: StationRecords, election: str, level: str) -> Iterator[MarkingMeasure]:
    """Yield the numbers of groups and of experiment municipalities, and what netting would hide."""
    rows = records.at(election, level)
    groups = groups_of(rows)
    confidence = records.panel.study.analysis.confidence_level
    about = MarkingMeasure(
        topic=TOPIC, election=election, unit="", level=level, quantity="", method="", estimate=0.0
    )
    for name, quantity in QUANTITIES.items():
        stations = _known(rows, quantity)
        sums = {unit: stations.municipal(members) for unit, members in groups.items()}
        rho = intraclass_correlation(*sums["control"][:2])
        for unit, (x, n, _) in sums.items():
            if not len(x):
                continue
            low, high = overdispersed_interval(x, n, intraclass=rho, confidence_level=confidence)
            yield replace(
                _share(about, unit, name, x, n),
                method=INTERVAL_METHOD,
                ci_lower=low,
                ci_upper=high,
            )
        for x, n, code in zip(*sums["experiment"], strict=True):
            made = _share(about, stations.codes[code], name, np.array([x]), np.array([n]))
            count = int((stations.unit == code).sum())
            yield replace(made, count=count, counted="stations")
    for unit, members in groups.items():
        if members.any():
            yield from _netting(rows[members], replace(about, unit=unit))


@dataclass(frozen=True, slots=True)
class _Known:
    """Stations of which a number is known (n,): its count, its weight and the municipality.

    ``codes`` are the municipalities that ``unit`` (n,) points into; not all need have a station.
    ``rows`` (n,) are the positions of the stations among those that were asked.
    """

    count: FloatArray
    weight: FloatArray
    unit: IntArray
    codes: tuple[str, ...]
    rows: IntArray

    def have(self) -> set[str]:
        """Return the municipalities with a station."""
        return {self.codes[i] for i in np.unique(self.unit)}

    def among(self, codes: tuple[str, ...]) -> _Known:
        """Return the stations of some municipalities, which ``unit`` then points into."""
        position = {code: i for i, code in enumerate(codes)}
        unit = np.array([position.get(code, -1) for code in self.codes], dtype=np.intp)[self.unit]
        kept = unit >= 0
        return _Known(self.count[kept], self.weight[kept], unit[kept], codes, self.rows[kept])

    def municipal(
        self, members: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], IntArray]:
        """Return counts and weights of the stations that are ``members``, by municipality (g,).

        The third vector (g,) points into ``codes``.
        """
        kept = members[self.rows]
        units, unit = np.unique(self.unit[kept], return_inverse=True)
        x, n = (
            np.bincount(unit, weights=values[kept]).astype(np.int64)
            for values in (self.count, self.weight)
        )
        return x, n, units


def _known(rows: pd.DataFrame, quantity: Quantity) -> _Known:
    count, weight = quantity.counts(rows)
    known = np.flatnonzero(np.isfinite(count))
    units = rows["municipality_code"].cat
    codes = tuple(str(code) for code in units.categories)
    unit = np.asarray(units.codes, dtype=np.intp)
    return _Known(count[known], weight[known], unit[known], codes, known)


def _share(
    about: MarkingMeasure,
    unit: str,
    name: str,
    x: npt.NDArray[np.int64],
    n: npt.NDArray[np.int64],
) -> MarkingMeasure:
    return replace(
        about,
        unit=unit,
        quantity=name,
        method="share",
        estimate=float(x.sum() / n.sum()),
        numerator=float(x.sum()),
        denominator=float(n.sum()),
        count=len(x),
        counted="municipalities",
    )


def _netting(rows: pd.DataFrame, about: MarkingMeasure) -> Iterator[MarkingMeasure]:
    """Yield in how many municipalities both occur, and the part that netting would hide."""
    sums = rows.groupby("municipality_code", observed=True)[["more", "fewer"]].sum()
    both = (sums > 0).all(axis=1)
    gross = float(sums.to_numpy().sum())
    hidden = gross - float((sums["more"] - sums["fewer"]).abs().sum())
    for name, numerator, denominator in (
        ("municipalities_both_share", float(both.sum()), float(len(both))),
        ("netting_hidden_share", hidden, gross),
    ):
        yield replace(
            about,
            quantity=name,
            method="share",
            estimate=numerator / denominator if denominator else math.nan,
            numerator=numerator,
            denominator=denominator,
            count=len(sums),
            counted="municipalities",
        )


def _left_out(records: StationRecords, election: str) -> Iterator[MarkingMeasure]:
    """Yield the numbers of stations by group: used, left out by reason, without explanations."""
    every = records.every[records.every["election_id"] == election]
    used = records.rows[records.rows["election_id"] == election]
    groups, own = groups_of(every), groups_of(used)
    for unit, members in groups.items():
        if not members.any():
            continue
        reasons = every["left_out"][members].value_counts()
        without = used["more_explained"][own[unit]].isna().sum()
        counts = {
            "stations_used_count": reasons.get("", 0),
            **{f"stations_{reason}_count": reasons.get(reason, 0) for reason in LEFT_OUT},
            "stations_without_explanations_count": without,
        }
        for name, value in counts.items():
            yield MarkingMeasure(
                topic=TOPIC,
                election=election,
                unit=unit,
                level="total",
                quantity=name,
                method="count",
                estimate=float(value),
                count=int(members.sum()),
                counted="stations",
            )


def _comparisons(records: StationRecords, level: str) -> Iterator[MarkingMeasure]:
    """Yield experiment on control at the study's election, and since each baseline."""
    panel = records.panel
    study = panel.study
    now = records.at(study.election, level)
    for baseline in study.baselines:
        every = contrast(panel, "invalid", study.election, baseline)
        then = records.at(baseline, level)
        for name, quantity in COMPARED.items():
            here, before = _known(now, quantity), _known(then, quantity)
            about = MarkingMeasure(
                topic=TOPIC,
                election=study.election,
                unit=CONTRAST,
                level=level,
                quantity=name,
                method=METHOD,
                estimate=math.nan,
            )
            # The level is the same whatever it is compared with later.
            if baseline == study.baselines[0]:
                yield _compared(every, here, None, study, about)
            since = replace(about, election=f"{study.election}-{baseline}")
            yield _compared(every, here, before, study, since)


def _compared(
    every: Contrast, now: _Known, then: _Known | None, study: StudyDesign, about: MarkingMeasure
) -> MarkingMeasure:
    """Return a difference of levels, or of changes since ``then``; NaN with a reason.

    ``every`` are the municipalities of the comparison, also those without such stations.
    """
    have = now.have() if then is None else now.have() & then.have()
    missing = sorted(set(every.codes) - have)
    note = WITHOUT_STATIONS + ", ".join(missing) if missing else ""

    def work() -> tuple[RandomisationResult, int]:
        if then is not None and not len(then.count):
            msg = "no records of polling stations with this way of counting at the baseline"
            raise ValueError(msg)
        data = every.subset(np.isin(every.codes, sorted(have)))
        values, here = _values(data, now, then)
        return station_test(values, here.unit, data, study, here.weight), len(data.codes)

    return drawn_measure(replace(about, note=note), study, work)


def _values(data: Contrast, now: _Known, then: _Known | None) -> tuple[FloatArray, _Known]:
    """Return values (n,) of the stations of the municipalities in ``data``, and these stations."""
    here = now.among(data.codes)
    values = here.count / here.weight
    if then is not None:
        own = then.among(data.codes)
        sums = (np.bincount(own.unit, part) for part in (own.count, own.weight))
        count, weight = sums
        values = values - (count / weight)[here.unit]
    return values, here
