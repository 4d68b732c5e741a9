"""Invalid rates of polling stations in a funnel plot: which lie further out than chance takes them.

Experiment and control stations each have their own centre, the rate of all ballots of the group,
and their own dispersion. A station outside the limits differs from the others *of its group*, so
an effect of the new ballot that is the same everywhere puts none there. Stations vary with their
municipality too;
the limits allow for what is common, not for what is particular, so a station outside them is a
reason to look, not a fault.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.estimation.funnel import funnel_dispersion, funnel_limits
from ballot_eval.panel import Panel
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.stations import groups_of, select_stations

TOPIC = "station_funnel"
METHOD = "beta_binomial_limits"

#: The shares of stations that the inner and the outer limits are meant to hold.
LEVELS = (0.95, 0.998)

#: Quantities of a station beyond the outer limits, and of shares outside each.
BEYOND = "beyond_99_8_rate"
OUTSIDE = {0.95: "outside_95_share", 0.998: "outside_99_8_share"}

#: The groups in a funnel; reference municipalities are among the controls.
UNITS = ("control", "experiment")


@dataclass(frozen=True, slots=True)
class Funnel:
    """The polling stations of one group (n,) around their common rate.

    ``rows`` has ``municipality_code``, ``polling_station_id``, ``numerator`` and ``denominator``.
    ``outside`` holds by level which stations (n,) lie outside its limits. ``rate`` and ``phi`` are
    NaN where there are no limits, ``note`` then says why.
    """

    unit: str
    rows: pd.DataFrame
    rate: float
    phi: float
    outside: Mapping[float, npt.NDArray[np.bool_]]
    note: str = ""

    def limits(
        self, level: float, votes_cast: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the limits (m,) of a level at numbers of votes cast (m,)."""
        return funnel_limits(np.asarray(votes_cast), self.rate, self.phi, level=level)


def station_funnels(frame: pd.DataFrame, panel: Panel) -> tuple[Funnel, ...]:
    """Return the funnel of each group with stations at the study's election.

    ``frame`` is accepted ``station_results``; the outcome is the primary one of the study.
    """
    stations = select_stations(frame, panel)
    study = panel.study
    rows = stations.at(study.election, study.analysis.outcome)
    groups = groups_of(rows)
    return tuple(_funnel(unit, rows[groups[unit]]) for unit in UNITS if groups[unit].any())


def _funnel(unit: str, rows: pd.DataFrame) -> Funnel:
    x, n = (rows[c].to_numpy(dtype=np.int64) for c in ("numerator", "denominator"))
    rate = float(x.sum() / n.sum())
    try:
        phi = funnel_dispersion(x, n, rate)
    except ValueError as error:
        return Funnel(unit, rows, math.nan, math.nan, {}, str(error))
    outside = {}
    for level in LEVELS:
        lower, upper = funnel_limits(n, rate, phi, level=level)
        outside[level] = (x / n < lower) | (x / n > upper)
    return Funnel(unit, rows, rate, phi, outside)


def funnel_measures(accepted: Mapping[str, pd.DataFrame], panel: Panel) -> Iterator[MarkingMeasure]:
    """Yield centre, dispersion and shares outside of each group, and every station far outside.

    The last have the municipality as ``unit`` and the number of the station as ``level``.
    """
    for funnel in station_funnels(accepted["station_results"], panel):
        yield from _measures(funnel, panel.study.election)


def _measures(funnel: Funnel, election: str) -> Iterator[MarkingMeasure]:
    rows = funnel.rows
    x, n = (rows[c].to_numpy(dtype=float) for c in ("numerator", "denominator"))
    about = MarkingMeasure(
        topic=TOPIC,
        election=election,
        unit=funnel.unit,
        level="total",
        quantity="rate",
        method=METHOD,
        estimate=funnel.rate,
        numerator=float(x.sum()),
        denominator=float(n.sum()),
        count=len(rows),
        counted="stations",
        note=funnel.note,
    )
    yield about
    nan = math.nan
    yield replace(about, quantity="phi", estimate=funnel.phi, numerator=nan, denominator=nan)
    for level, outside in funnel.outside.items():
        yield replace(
            about,
            quantity=OUTSIDE[level],
            estimate=float(outside.mean()),
            numerator=float(outside.sum()),
            denominator=float(len(rows)),
        )
    if not funnel.outside:
        return
    far = rows[funnel.outside[LEVELS[-1]]]
    for row in far.to_dict("records"):
        yield replace(
            about,
            unit=str(row["municipality_code"]),
            level=str(row["polling_station_id"]),
            quantity=BEYOND,
            estimate=row["numerator"] / row["denominator"],
            numerator=float(row["numerator"]),
            denominator=float(row["denominator"]),
            count=1,
        )
