"""Checks of how ballots were marked: reasons of invalidity and votes for a party alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from ballot_eval.schema.marking import MARKING_TABLES, NEW_ONLY
from ballot_eval.validation.checks_details import (
    CANDIDATES,
    LIST,
    LISTS,
    MUNICIPALITIES,
    PLACE,
    STATIONS,
    votes_by,
    without_result,
)
from ballot_eval.validation.context import Context, Hit
from ballot_eval.wholes import whole_or_parts

REASONS, PARTY_ONLY = MARKING_TABLES

#: A table, the column that is empty for the whole, and what else tells its rows apart.
_LEVELS = (
    (REASONS, "polling_station_id", [*PLACE[:2], "reason"]),
    (PARTY_ONLY, "polling_station_id", [*PLACE[:2], "list_number"]),
    (PARTY_ONLY, "list_number", PLACE),
)

Broken = Callable[[pd.DataFrame], "pd.Series[bool]"]


def _more(d: pd.DataFrame) -> pd.Series[bool]:
    return d["votes"] > d["limit"]


def _fewer(d: pd.DataFrame) -> pd.Series[bool]:
    return d["votes"] < d["limit"]


def _added_up(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return ``votes`` by ``keys`` and, in ``rows``, the raw rows that they are the sum of."""
    groups = frame.reset_index(names="row").groupby(list(keys), sort=False)
    return groups.agg(votes=("votes_count", "sum"), rows=("row", tuple)).reset_index()


def _hits(
    context: Context, table: str, found: pd.DataFrame, names: tuple[str, str]
) -> Iterator[Hit]:
    """Yield a hit per row of ``found``: its raw rows, its ``votes`` and the ``limit``, by name."""
    part, whole = names
    for row in found.to_dict("records"):
        where = [row[k] for k in ("polling_station_id", "list_number", "reason") if row.get(k)]
        yield Hit(
            table,
            tuple(int(index) for index in row["rows"]),
            "votes_count",
            f"{whole}={row['limit']}; {part}={row['votes']}",
            f": {', '.join(where)}" if where else "",
            file=str(context.kept(table)["source_file"].loc[row["rows"][0]]),
            election=str(row["election_id"]),
            code=str(row["municipality_code"]),
        )


def _records(context: Context, field: str) -> pd.DataFrame:
    """Return a count of all stations and municipalities by place, where it is known."""
    whole = context.kept(MUNICIPALITIES).assign(polling_station_id="")
    both = [d[[*PLACE, field]].dropna() for d in (context.kept(STATIONS), whole)]
    return pd.concat(both, ignore_index=True).rename(columns={field: "limit"})


def _reasons_against_invalid(context: Context, broken: Broken) -> Iterator[Hit]:
    frame = context.kept(REASONS)
    places = _added_up(frame, PLACE)
    # Stations stand for their municipality where it has no reasons of its own.
    best = whole_or_parts(frame, "polling_station_id", PLACE[:2])
    rest = _added_up(best[best["polling_station_id"] != ""], PLACE[:2])
    both = pd.concat([places, rest.assign(polling_station_id="")], ignore_index=True)
    both = both.merge(_records(context, "invalid_votes_count"), on=PLACE)
    yield from _hits(context, REASONS, both[broken(both)], ("reasons", "invalid_votes_count"))


def reasons_exceed(context: Context) -> Iterator[Hit]:
    """Yield the places with more reasons than invalid votes."""
    return _reasons_against_invalid(context, _more)


def reasons_missing(context: Context) -> Iterator[Hit]:
    """Yield the places with fewer reasons than invalid votes."""
    return _reasons_against_invalid(context, _fewer)


def _parts_against_whole(context: Context, broken: Broken) -> Iterator[Hit]:
    for table, part, keys in _LEVELS:
        frame = context.kept(table)
        is_whole = frame[part] == ""
        whole = frame.loc[is_whole, [*keys, "votes_count"]].rename(columns={"votes_count": "limit"})
        both = _added_up(frame[~is_whole], keys).merge(whole, on=keys)
        names = ("lists" if part == "list_number" else "stations", "whole")
        yield from _hits(context, table, both[broken(both)], names)


def parts_exceed(context: Context) -> Iterator[Hit]:
    """Yield the stations, or lists, that together have more than the whole that is given too."""
    return _parts_against_whole(context, _more)


def parts_missing(context: Context) -> Iterator[Hit]:
    """Yield the stations, or lists, that together have less than the whole that is given too."""
    return _parts_against_whole(context, _fewer)


def stations_missing(context: Context) -> Iterator[Hit]:
    """Yield the municipalities whose stations stand for them, but not all that have a result."""
    frame = context.kept(PARTY_ONLY)
    best = whole_or_parts(frame, "polling_station_id", PLACE[:2])
    given = _added_up(best[best["polling_station_id"] != ""], PLACE[:2])
    every = context.kept(STATIONS)[PLACE].merge(given[PLACE[:2]], on=PLACE[:2])
    lacking = every.merge(best[PLACE].drop_duplicates(), "left", on=PLACE, indicator="have")
    counts = lacking.assign(limit=1, without=lacking["have"] == "left_only")
    sums = counts.groupby(PLACE[:2], sort=False)[["limit", "without"]].sum().reset_index()
    found = given.merge(sums[sums["without"] > 0], on=PLACE[:2])
    found = found.assign(votes=found["limit"] - found["without"])
    yield from _hits(context, PARTY_ONLY, found, ("with_party_only_votes", "stations"))


def marking_without_result(context: Context) -> Iterator[Hit]:
    """Yield the municipalities with reasons or votes for a party alone, but without a result."""
    return without_result(context, tuple(MARKING_TABLES))


def _party_only(context: Context, *, lists: bool) -> pd.DataFrame:
    """Return the votes for a party alone by list and place, or of all lists by place.

    All lists together are those given as such or, where they are not, the sum of the lists.
    """
    frame = context.kept(PARTY_ONLY)
    if lists:
        return _added_up(frame[frame["list_number"] != ""], LIST)
    return _added_up(whole_or_parts(frame, "list_number", PLACE), PLACE)


def party_only_exceeds_first(context: Context) -> Iterator[Hit]:
    """Yield the votes for a party alone that are more than those for its first candidate."""
    candidates = context.kept(CANDIDATES)
    first = candidates[candidates["candidate_number"] == "1"]
    for lists, keys in ((True, LIST), (False, PLACE)):
        limit = votes_by(first, keys).rename(columns={"votes": "limit"})
        both = _party_only(context, lists=lists).merge(limit, on=keys)
        yield from _hits(context, PARTY_ONLY, both[_more(both)], ("party_only", "first_candidate"))


def party_only_exceeds_valid(context: Context) -> Iterator[Hit]:
    """Yield the votes for a party alone that are more than its votes, or than all valid votes."""
    of_lists = votes_by(context.kept(LISTS), LIST).rename(columns={"votes": "limit"})
    valid = _records(context, "valid_votes_count")
    for lists, keys, limit, name in (
        (True, LIST, of_lists, "list"),
        (False, PLACE, valid, "valid_votes_count"),
    ):
        both = _party_only(context, lists=lists).merge(limit, on=keys)
        yield from _hits(context, PARTY_ONLY, both[_more(both)], ("party_only", name))


def _with_old_ballot(context: Context, table: str) -> pd.DataFrame:
    """Return the rows with votes of municipalities that had the old ballot at the election."""
    frame = context.kept(table)
    frame = frame[frame["votes_count"] > 0]
    parts = [frame.head(0)]
    for election, rows in frame.groupby("election_id"):
        new = context.study.election_by_id(str(election)).new_ballot
        parts.append(rows[~context.code_today(rows, str(election)).isin(new)])
    return pd.concat(parts)


def new_reasons_with_old_ballot(context: Context) -> Iterator[Hit]:
    """Yield the reasons of the new ballot where the old one was used."""
    frame = _with_old_ballot(context, REASONS)
    for row in frame[frame["reason"].isin(NEW_ONLY)].itertuples():
        yield Hit(REASONS, (int(str(row.Index)),), "reason", str(row.reason), f": {row.reason}")


def party_only_with_old_ballot(context: Context) -> Iterator[Hit]:
    """Yield the votes for a party alone where the old ballot was used."""
    for row in _with_old_ballot(context, PARTY_ONLY).itertuples():
        yield Hit(PARTY_ONLY, (int(str(row.Index)),), "votes_count", str(row.votes_count))
