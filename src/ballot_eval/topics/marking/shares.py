"""What the parts on marking share: rows on today's municipalities, shares and their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.inference import RandomisationResult
from ballot_eval.estimation.rates import own_interval
from ballot_eval.panel import Panel, on_todays_map
from ballot_eval.reasons import plain_reason
from ballot_eval.results import MarkingMeasure

MUNICIPALITY = ["election_id", "municipality_code"]
PLACE = [*MUNICIPALITY, "polling_station_id"]

#: Why a municipality or a group has no interval.
NO_STATIONS = "no interval: nothing is known of its polling stations"
ONE_MUNICIPALITY = "no interval: one municipality does not show how much municipalities vary"
NO_SPREAD = "no interval: no such votes, or no others"
PARTS_DIFFER = "no interval: the polling stations do not add up to the municipality"

VALID = "valid_votes_count"

#: The unit of what compares the two groups.
CONTRAST = "experiment-control"


def placed(frame: pd.DataFrame | None, panel: Panel) -> pd.DataFrame:
    """Return the rows of the study's elections, texts as text, with the codes of today.

    ``whole`` is the municipality that the row was given for and ``place`` that and its polling
    station, so that those of merged municipalities stay apart. An absent table has no rows.
    """
    if frame is None or frame.empty:
        return pd.DataFrame(columns=[*PLACE, "whole", "place"])
    rows = on_todays_map(frame, panel.study).rename(columns={"given_code": "whole"})
    station = rows["polling_station_id"].astype(str)
    return rows.assign(polling_station_id=station, place=rows["whole"] + "/" + station)


def share_measure(
    base: Mapping[str, str],
    level: str,
    quantity: str,
    counts: tuple[float, float],
    clusters: tuple[npt.ArrayLike, npt.ArrayLike] | None,
    *,
    counted: str,
    confidence_level: float,
) -> MarkingMeasure:
    """Return a share with its dispersion-aware interval, as a row of ``marking.csv``.

    ``base`` holds ``topic``, ``election`` and ``unit``; ``counts`` are numerator and denominator,
    ``clusters`` the numerators and denominators of the ``counted`` units (each (n,)) that the
    interval rests on, None where they are not known. Clusters that do not add up to the counts
    are not those that the share is of: they give no interval.
    """
    numerator, denominator = float(counts[0]), float(counts[1])
    x, n = (np.asarray(c, dtype=np.int64) for c in (clusters or ((), ())))
    # A unit without such ballots takes no part.
    x, n = x[n > 0], n[n > 0]
    low, high = own_interval(x, n, confidence_level=confidence_level)
    note = ""
    if len(n) and (x.sum(), n.sum()) != (numerator, denominator):
        low = high = math.nan
        note = PARTS_DIFFER
    elif math.isnan(low):
        few = ONE_MUNICIPALITY if counted == "municipalities" else NO_STATIONS
        note = few if len(x) < 2 else NO_SPREAD
    return MarkingMeasure(
        topic=base["topic"],
        election=base["election"],
        unit=base["unit"],
        level=level,
        quantity=quantity,
        method="wilson_rao_scott",
        estimate=numerator / denominator if denominator else math.nan,
        ci_lower=low,
        ci_upper=high,
        numerator=numerator,
        denominator=denominator,
        count=len(x),
        counted=counted,
        note=note,
    )


def drawn_measure(
    about: MarkingMeasure, study: StudyDesign, work: Callable[[], tuple[RandomisationResult, int]]
) -> MarkingMeasure:
    """Return the row ``about`` with what a test by draws found, or NaN with the reason.

    ``work`` returns the outcome and the number of municipalities that took part, and raises
    ValueError where there can be no test.
    """
    try:
        found, count = work()
    except ValueError as error:
        return replace(about, estimate=math.nan, note=plain_reason(error))
    return replace(
        about,
        estimate=found.estimate,
        ci_lower=found.ci_lower,
        ci_upper=found.ci_upper,
        p_value=found.p_value,
        count=count,
        counted="municipalities",
        draws=found.draws,
        seed=study.analysis.seed,
    )


def with_results(frame: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Return sums by election and municipality beside role, exposure and counts of the panel.

    ``frame`` has the index election and municipality; one without an accepted result is left out.
    """
    return frame.join(panel.results.set_index(MUNICIPALITY), how="inner")


def covered_votes(
    rows: pd.DataFrame, accepted: Mapping[str, pd.DataFrame], panel: Panel
) -> pd.Series:
    """Return the valid votes that some counts are about, by election and municipality.

    ``rows`` are :func:`placed`, each of a whole municipality or of a polling station. Stations
    cover their own valid votes, which may be fewer than those of the municipality; NaN where
    those of a station are not known, or a merged municipality has counts of both kinds.
    """
    is_station = rows["polling_station_id"] != ""
    keys = [*MUNICIPALITY, "place"]
    known = placed(accepted.get("station_results"), panel).reindex(columns=[*keys, VALID])
    given = rows.loc[is_station, keys].drop_duplicates().merge(known, "left", keys)
    votes = given.astype({VALID: float}).groupby(MUNICIPALITY)[VALID].sum(min_count=1)
    unknown = given.loc[given[VALID].isna(), MUNICIPALITY]
    both = rows.loc[~is_station, MUNICIPALITY].drop_duplicates().merge(given[MUNICIPALITY])
    unsure = pd.MultiIndex.from_frame(pd.concat([unknown, both]))
    votes = votes.mask(votes.index.isin(unsure))
    whole = pd.MultiIndex.from_frame(rows.loc[~is_station, MUNICIPALITY])
    every = panel.results.set_index(MUNICIPALITY)[VALID].astype(float)
    every = every.loc[every.index.isin(whole) & ~every.index.isin(votes.index)]
    return cast("pd.Series", pd.concat([every, votes]))


def columns_of(frame: pd.DataFrame, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the sum (n,) of some columns of counts."""
    return frame[list(names)].sum(axis=1).to_numpy(dtype=np.int64)
