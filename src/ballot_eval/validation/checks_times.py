"""The checks behind the rules on times: in the booth and at the count."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.estimation.observers import heaping
from ballot_eval.validation.checks import Check, rows_of
from ballot_eval.validation.context import Context, Hit
from ballot_eval.validation.moments import (
    CLOSING_HOUR,
    LAST_DAY,
    NIGHT_ENDS,
    NIGHT_IS_SURE,
    bare_hours,
    elapsed_minutes,
    election_days,
    is_bare,
)

VOTING, COUNTING = "voting_times", "counting_times"

#: Seconds in the booth: beyond the outer limits absurd, beyond the inner ones doubtful.
LONGEST_SECONDS = 3600
DOUBTFUL_SECONDS = (5, 1200)
#: Nobody votes in less: a slip of the stopwatch.
SHORTEST_SECONDS = 2

#: An age band is at least this many years wide, so that it gives no exact age away.
FEWEST_YEARS = 5

#: Hours of one count: longer is absurd.
LONGEST_HOURS = 36

#: An observer is said to round below this p-value, adjusted for all observers and multiples.
HEAPING_P = 0.001

#: Person-minutes per 100 ballots: beyond these doubtful.
DOUBTFUL_PERSON_MINUTES = (2, 600)


def longer_than_an_hour() -> Check:
    """Return the check for absurdly long times in the booth."""
    return rows_of([VOTING], lambda d: d["voting_seconds"] > LONGEST_SECONDS, "voting_seconds")


def not_positive() -> Check:
    """Return the check for times in the booth of zero or less."""
    return rows_of([VOTING], lambda d: d["voting_seconds"] <= 0, "voting_seconds")


def absurdly_short() -> Check:
    """Return the check for whole times in the booth in which nobody can have voted."""
    return rows_of(
        [VOTING],
        lambda d: (
            (d["voting_seconds"] < SHORTEST_SECONDS) & (d["observation_status"] == "complete")
        ),
        "voting_seconds",
    )


def narrow_age_band(context: Context) -> Iterator[Hit]:
    """Yield the rows whose age band is so narrow, or upside down, that it may be an exact age.

    The band itself is not passed on.
    """
    frame = context.kept(VOTING)
    bounds = frame["age_band"].str.extract(r"^(\d\d)-(\d\d)$").astype(float)
    narrow = bounds[1] - bounds[0] + 1 < FEWEST_YEARS
    for index in frame.index[narrow]:
        yield Hit(VOTING, (int(str(index)),), "age_band")


def doubtful_seconds() -> Check:
    """Return the check for times in the booth that are possible but hardly so."""
    low, high = DOUBTFUL_SECONDS

    def doubtful(d: pd.DataFrame) -> pd.Series[bool]:
        # A broken-off observation may well be short.
        short = (d["voting_seconds"] < low) & (d["observation_status"] == "complete")
        return short | (d["voting_seconds"] > high)

    return rows_of([VOTING], doubtful, "voting_seconds")


def other_ballot(context: Context) -> Iterator[Hit]:
    """Yield the times whose ballot is not the one that the plan gives their municipality."""
    for table in (VOTING, COUNTING):
        yield from ballot_hits(context, table)


def without_results(context: Context) -> Iterator[Hit]:
    """Yield the municipalities with times but without an accepted result, per election."""
    for table in (VOTING, COUNTING):
        yield from result_hits(context, table)


def former(context: Context) -> Iterator[Hit]:
    """Yield the times of former experiment municipalities, per file, election and municipality."""
    for table in (VOTING, COUNTING):
        yield from former_hits(context, table)


def other_elections(context: Context) -> Iterator[Hit]:
    """Yield the rows of elections whose times are not compared, per file and municipality.

    Voting times are of the study's election only, counting times of its baselines too.
    """
    study = context.study
    for table, wanted in ((VOTING, ()), (COUNTING, study.baselines)):
        yield from election_hits(context, table, (study.election, *wanted))


def ballot_hits(context: Context, table: str) -> Iterator[Hit]:
    """Yield the rows of a table whose ballot is not the one that the plan gives them."""
    new = {e.id: e.new_ballot for e in context.study.elections}
    frame = context.kept(table)
    codes = zip(frame["election_id"], frame["municipality_code"], strict=True)
    planned = ["new" if code in new[election] else "old" for election, code in codes]
    for index, ballot in frame.loc[frame["ballot"] != planned, "ballot"].items():
        yield Hit(table, (int(str(index)),), "ballot", f"ballot={ballot}")


def result_hits(context: Context, table: str) -> Iterator[Hit]:
    """Yield the municipalities of a table without an accepted result, per election."""
    frame = context.kept(table)
    for election, group in frame.groupby("election_id"):
        known = set(context.today(str(election)).index)
        codes = context.code_today(group, str(election))
        for code, missing in group[~codes.isin(known)].groupby(codes):
            file, line = missing[["source_file", "source_line"]].iloc[0]
            hit = _many(table, missing, str(file), str(election), str(code))
            # Of a single row its place is that of the finding.
            one = len(missing) == 1
            yield replace(hit, file="") if one else replace(hit, detail=f" ({file}:{line})")


def former_hits(context: Context, table: str) -> Iterator[Hit]:
    """Yield the rows of a table that are of former experiment municipalities, per place."""
    roles = {code: context.study.role(code) for code in context.study.municipalities}
    gone = {code for code, role in roles.items() if role == "former"}
    frame = context.kept(table)
    yield from _per_place(table, frame[frame["municipality_code"].isin(gone)])


def election_hits(context: Context, table: str, wanted: Sequence[str]) -> Iterator[Hit]:
    """Yield the rows of a table that are of other elections than ``wanted``, per place."""
    frame = context.kept(table)
    yield from _per_place(table, frame[~frame["election_id"].isin(wanted)])


def _per_place(table: str, frame: pd.DataFrame) -> Iterator[Hit]:
    for key, group in frame.groupby(["source_file", "election_id", "municipality_code"]):
        file, election, code = map(str, key)
        yield _many(table, group, file, election, code)


def _many(table: str, group: pd.DataFrame, file: str, election: str, code: str) -> Hit:
    indices = tuple(int(i) for i in group.index)
    return Hit(table, indices, value=f"rows={len(group)}", file=file, election=election, code=code)


def no_method() -> Check:
    """Return the check for counts that do not say DSO or CSO."""
    return rows_of([COUNTING], lambda d: d["counting_method"].str.strip() == "", "counting_method")


def decentral_session(context: Context) -> Iterator[Hit]:
    """Yield the central sessions that are said to be of a count at the polling stations."""
    check = rows_of(
        [COUNTING],
        lambda d: (d["counting_method"] == "DSO") & (d["counting_unit_type"] == "central_session"),
        "counting_method",
        "counting_unit_type",
    )
    yield from check(context)


def _texts(context: Context, frame: pd.DataFrame) -> pd.DataFrame:
    """Return begin and end of counts as they were written."""
    return context.raw.tables[COUNTING].loc[frame.index, ["started_at", "ended_at"]]


def _without_date(texts: pd.DataFrame, rows: pd.Series[bool]) -> Iterator[Hit]:
    for index, (started, ended) in zip(texts.index[rows], texts[rows].to_numpy(), strict=True):
        value = f"started_at={started}; ended_at={ended}"
        yield Hit(COUNTING, (int(str(index)),), "started_at+ended_at", value)


def day_unknown(context: Context) -> Iterator[Hit]:
    """Yield the central sessions and recounts with a bare time: the day cannot be told."""
    frame = context.kept(COUNTING)
    texts = _texts(context, frame)
    bare = is_bare(texts["started_at"]) | is_bare(texts["ended_at"])
    later = (frame["counting_unit_type"] == "central_session") | (frame["recount"] == "yes")
    yield from _without_date(texts, bare & later)


def half_day_unknown(context: Context) -> Iterator[Hit]:
    """Yield the counts with a bare time in the morning, which may well be one in the evening."""
    texts = _texts(context, context.kept(COUNTING))
    hours = texts.apply(bare_hours)
    morning = (hours >= NIGHT_IS_SURE) & (hours < NIGHT_ENDS)
    yield from _without_date(texts, morning.any(axis=1))


def before_closing(context: Context) -> Iterator[Hit]:
    """Yield the counts that started before the polling stations closed."""
    frame = context.kept(COUNTING)
    closing = election_days(frame["election_id"], context.study)
    closing = closing + pd.Timedelta(hours=CLOSING_HOUR)
    for index, started in frame.loc[frame["started_at"] < closing, "started_at"].items():
        value = f"started_at={started:%Y-%m-%dT%H:%M}"
        yield Hit(COUNTING, (int(str(index)),), "started_at", value)


def on_another_day(context: Context) -> Iterator[Hit]:
    """Yield the counts that started on a day on which there is no such count.

    A polling station starts on the day of the election or in the night after it; a central
    session, like a recount anywhere, may be days later.
    """
    frame = context.kept(COUNTING)
    day = election_days(frame["election_id"], context.study)
    later = (frame["counting_unit_type"] == "central_session") | (frame["recount"] == "yes")
    # Both limits are moments that are too late themselves.
    night = day + pd.Timedelta(days=1, hours=NIGHT_ENDS)
    limit = night.where(~later, day + pd.Timedelta(days=LAST_DAY + 1))
    for index, started in frame.loc[frame["started_at"] >= limit, "started_at"].items():
        value = f"started_at={started:%Y-%m-%dT%H:%M}"
        yield Hit(COUNTING, (int(str(index)),), "started_at", value)


def _moments(frame: pd.DataFrame) -> Iterator[tuple[int, str]]:
    for index, row in frame.iterrows():
        started, ended = (f"{row[c]:%Y-%m-%dT%H:%M}" for c in ("started_at", "ended_at"))
        yield int(str(index)), f"started_at={started}; ended_at={ended}"


def end_before_start(context: Context) -> Iterator[Hit]:
    """Yield the counts that ended when they started, or before."""
    frame = context.kept(COUNTING)
    for index, value in _moments(frame[frame["ended_at"] <= frame["started_at"]]):
        yield Hit(COUNTING, (index,), "started_at+ended_at", value)


def too_long(context: Context) -> Iterator[Hit]:
    """Yield the counts of an absurd length."""
    frame = context.kept(COUNTING)
    minutes = elapsed_minutes(frame["started_at"], frame["ended_at"])
    for index, value in _moments(frame[minutes > 60 * LONGEST_HOURS]):
        yield Hit(COUNTING, (index,), "started_at+ended_at", value)


def nothing_to_count() -> Check:
    """Return the check for counts without people, ballots or lists."""
    fields = ("counters_count", "ballots_count", "lists_count")
    return rows_of([COUNTING], lambda d: (d[list(fields)] == 0).any(axis=1), *fields)


def doubtful_pace(context: Context) -> Iterator[Hit]:
    """Yield the finished counts that took hardly credible person-minutes per 100 ballots."""
    frame = context.kept(COUNTING)
    frame = frame[frame["counting_status"] == "finished"]
    minutes = elapsed_minutes(frame["started_at"], frame["ended_at"])
    pace = 100 * minutes * frame["counters_count"] / frame["ballots_count"]
    low, high = DOUBTFUL_PERSON_MINUTES
    for index, value in pace[(pace < low) | (pace > high)].items():
        yield Hit(COUNTING, (int(str(index)),), "", f"person_minutes_per_100_ballots={value:.1f}")


def _varying(field: str) -> Check:
    def check(context: Context) -> Iterator[Hit]:
        frame = context.kept(COUNTING)
        for (election, code), group in frame.groupby(["election_id", "municipality_code"]):
            found = sorted(set(group[field]))
            if len(found) > 1:
                value = f"{field}=" + "+".join(map(str, found))
                yield Hit(COUNTING, election=str(election), code=str(code), value=value)

    return check


def two_methods() -> Check:
    """Return the check for municipalities with DSO and CSO at one election."""
    return _varying("counting_method")


def two_numbers_of_lists() -> Check:
    """Return the check for municipalities with two numbers of lists at one election."""
    return _varying("lists_count")


def bare_times(context: Context) -> Iterator[Hit]:
    """Yield per election how many counts got their date from the time of day."""
    frame = context.kept(COUNTING)
    texts = _texts(context, frame)
    bare = is_bare(texts["started_at"]) | is_bare(texts["ended_at"])
    for election, group in frame[bare].groupby("election_id"):
        after = int((group["ended_at"].dt.hour < NIGHT_ENDS).sum())
        value = f"rows={len(group)}; ended_after_midnight={after}"
        yield Hit(COUNTING, election=str(election), value=value)


def recounts(context: Context) -> Iterator[Hit]:
    """Yield per election how many rows are recounts."""
    frame = context.kept(COUNTING)
    for election, group in frame[frame["recount"] == "yes"].groupby("election_id"):
        yield Hit(COUNTING, election=str(election), value=f"rows={len(group)}")


def _as_read(times: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float]:
    """Return the times that an observer read in the usual unit, and that unit in seconds.

    Most are whole seconds, or most are tenths; none are returned where most are finer, which are
    not heaped on anything. A few cells in another unit decide nothing.
    """
    for unit in (1.0, 0.1):
        in_unit = np.isclose(times / unit, np.round(times / unit), rtol=0, atol=1e-6)
        if 2 * in_unit.sum() > len(times):
            return np.round(times[in_unit] / unit) * unit, unit
    return times[:0], math.nan


def heaped(context: Context) -> Iterator[Hit]:
    """Yield the observers whose times are too often multiples of 5, 10 or 30 seconds.

    Exact binomial tests, with Holm's adjustment over all observers and multiples.
    """
    frame = context.kept(VOTING)
    frame = frame[frame["observation_status"] == "complete"]
    tests: list[tuple[float, tuple[str, str, str], str]] = []
    for (election, code, observer), group in frame.groupby(
        ["election_id", "municipality_code", "observer_id"]
    ):
        key = (str(election), str(code), str(observer))
        times = group["voting_seconds"].to_numpy(dtype=float)
        times, unit = _as_read(times)
        if not len(times):
            continue
        for found in heaping(times, np.zeros(len(times)), resolution=unit):
            value = (
                f"multiples_of_{found.multiple:g}={found.count} of {found.n}; "
                f"expected={found.expected_share:.0%}"
            )
            tests.append((found.p_value, key, value))
    # Holm: the smallest p-value times the number of tests, the next one less, and so on.
    reported = set()
    for rank, (p_value, key, value) in enumerate(sorted(tests)):
        if p_value * (len(tests) - rank) >= HEAPING_P:
            break
        if key in reported:
            continue
        reported.add(key)
        shown = f"observer={key[2]}; {value}"
        yield Hit(VOTING, fields="voting_seconds", value=shown, election=key[0], code=key[1])
