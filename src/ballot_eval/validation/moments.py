"""Times of day and dates of a count, as moments."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from ballot_eval.design import StudyDesign

#: A bare time of day before this hour belongs to the day after the election.
NIGHT_ENDS = 12

#: A central session or a recount may start until the end of this day after the election. Central
#: sessions are on the day after; two weeks leave room for delays and disputes, and a date further
#: away is most likely a slip of the pen. A choice of this package, not a rule of law.
LAST_DAY = 14

#: When polling stations close, hour of the day of the election (Kieswet, art. J 1).
CLOSING_HOUR = 21


def is_bare(text: pd.Series[str]) -> pd.Series[bool]:
    """Return which texts give a time of day without a date."""
    return ~text.str.contains("-", regex=False)


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
    """Return local moments of well-formed texts; NaT for a day that is not in the calendar.

    A bare time from ``night_ends`` o'clock is on the day of the election, one before it on the day
    after; with 0 every bare time is on the day of the election. Of
    an election that the study does not know, any day will do: its rows are not used.
    """
    day = election_days(elections, study).fillna(pd.Timestamp(dt.date(2000, 1, 1)))
    hour = text.str.split(":").str[0].where(is_bare(text), "0").astype(int)
    day = day + pd.to_timedelta((hour < night_ends).astype(int), unit="D")
    dated = text.str.replace("T", " ", regex=False).where(
        ~is_bare(text), day.dt.strftime("%Y-%m-%d") + " " + text
    )
    return pd.to_datetime(dated, errors="coerce", format="mixed")
