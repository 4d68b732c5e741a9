"""Times of day and dates of a count, as moments."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from ballot_eval.design import StudyDesign

#: A bare time of day before this hour belongs to the day after the election.
NIGHT_ENDS = 12

#: From this hour until ``NIGHT_ENDS`` a bare time of a count is not believed: on a clock of twelve
#: hours ten in the evening reads as ten in the morning. Counts that are seen so early began in the
#: evening and give a date. A choice of this package.
NIGHT_IS_SURE = 4

#: A central session or a recount may start until the end of this day after the election. Central
#: sessions are on the day after; two weeks leave room for delays and disputes, and a date further
#: away is most likely a slip of the pen. A choice of this package, not a rule of law.
LAST_DAY = 14

#: When polling stations close, hour of the day of the election (Kieswet, art. J 1).
CLOSING_HOUR = 21

#: Whose clock the moments are of.
ZONE = "Europe/Amsterdam"


def is_bare(text: pd.Series[str]) -> pd.Series[bool]:
    """Return which texts give a time of day without a date."""
    return ~text.str.contains("-", regex=False)


def bare_hours(text: pd.Series[str]) -> pd.Series[int]:
    """Return the hour of each well-formed text without a date; -1 for one with a date."""
    return text.str.split(":").str[0].where(is_bare(text), "-1").astype(int)


def elapsed_minutes(
    started: pd.Series[pd.Timestamp], ended: pd.Series[pd.Timestamp]
) -> pd.Series[float]:
    """Return the minutes between local moments, also where summer time begins or ends between."""
    return (_localised(ended) - _localised(started)).dt.total_seconds() / 60


def _localised(moments: pd.Series[pd.Timestamp]) -> pd.Series[pd.Timestamp]:
    """Return local moments with their zone; NaT for one that the clock skips.

    Of an hour that comes twice the first is meant: no count is known to fall in one.
    """
    first = np.ones(len(moments), dtype=bool)
    return moments.dt.tz_localize(ZONE, nonexistent="NaT", ambiguous=first)


def election_days(elections: pd.Series[str], study: StudyDesign) -> pd.Series[pd.Timestamp]:
    """Return the day of each row's election; NaT for one that the study does not know."""
    days = {e.id: pd.Timestamp(e.date) for e in study.elections}
    return pd.to_datetime(elections.map(days))


def resolve(
    text: pd.Series[str],
    elections: pd.Series[str],
    study: StudyDesign,
    *,
    night_ends: int = NIGHT_ENDS,
) -> pd.Series[pd.Timestamp]:
    """Return local moments of well-formed texts; NaT for a day or an hour that there is not.

    A bare time from ``night_ends`` o'clock is on the day of the election, one before it on the day
    after; with 0 every bare time is on the day of the election. Of
    an election that the study does not know, any day will do: its rows are not used.
    """
    day = election_days(elections, study).fillna(pd.Timestamp(dt.date(2000, 1, 1)))
    day = day + pd.to_timedelta((bare_hours(text) < night_ends).astype(int), unit="D")
    dated = text.str.replace("T", " ", regex=False).where(
        ~is_bare(text), day.dt.strftime("%Y-%m-%d") + " " + text
    )
    moments = pd.to_datetime(dated, errors="coerce", format="mixed")
    return moments.where(_localised(moments).notna())
