"""Checks of polling stations, lists and candidates, and of sums between levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.schema import (
    COUNT_FIELDS,
    DETAIL_TABLES,
    DIFFERENCE_FIELDS,
    EXPLANATION_FIELDS,
    RECORD_FIELDS,
)
from ballot_eval.validation.context import Context, Hit

MUNICIPALITIES, STATIONS = "municipality_results", "station_results"
LISTS, CANDIDATES = "list_results", "candidate_results"

PLACE = ["election_id", "municipality_code", "polling_station_id"]
LIST = [*PLACE, "list_number"]

#: Rules that leave rows out because they are not needed, not because something is wrong with them.
NOT_FAULTY = ("I.101", "K.102", "K.104")


def admitted_differ(d: pd.DataFrame) -> pd.Series[bool]:
    """Return where the parts of the admitted voters do not add up: A + B + C ≠ D."""
    parts = d["poll_card_count"] + d["proxy_certificate_count"] + d["voter_card_count"]
    return parts != d["admitted_voters_count"]


def difference(d: pd.DataFrame) -> pd.Series[int]:
    """Return ballots counted less voters admitted: H - D."""
    return d["votes_cast_count"] - d["admitted_voters_count"]


def equal_but_counted(d: pd.DataFrame) -> pd.Series[bool]:
    """Return where D = H and yet more or fewer ballots are given."""
    given = (d["more_ballots_count"] > 0) | (d["fewer_ballots_count"] > 0)
    return (difference(d) == 0) & given


def more_differ(d: pd.DataFrame) -> pd.Series[bool]:
    """Return where H > D and I ≠ H - D."""
    return (difference(d) > 0) & (d["more_ballots_count"] != difference(d))


def more_and_fewer(d: pd.DataFrame) -> pd.Series[bool]:
    """Return where H > D and J is given."""
    return (difference(d) > 0) & (d["fewer_ballots_count"] > 0)


def fewer_differ(d: pd.DataFrame) -> pd.Series[bool]:
    """Return where H < D and J ≠ D - H."""
    return (difference(d) < 0) & (d["fewer_ballots_count"] != -difference(d))


def fewer_and_more(d: pd.DataFrame) -> pd.Series[bool]:
    """Return where H < D and I is given."""
    return (difference(d) < 0) & (d["more_ballots_count"] > 0)


def total_differs(d: pd.DataFrame) -> pd.Series[bool]:
    """Return where D ≠ H - I + J, of totals in which more and fewer ballots both occur."""
    return difference(d) != d["more_ballots_count"] - d["fewer_ballots_count"]


def large_difference(d: pd.DataFrame) -> pd.Series[bool]:
    """Return where D and H differ by 15 or more and by 2% of H or more."""
    size = difference(d).abs()
    # Integer arithmetic, so that exactly 2% is on the warned side without rounding.
    return (size >= 15) & (50 * size >= d["votes_cast_count"])


def votes_by(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return the ``votes`` of lists or candidates, added up by ``keys`` as text."""
    votes = frame.groupby(list(keys), observed=True)["votes_count"].sum()
    return votes.rename("votes").reset_index().astype(dict.fromkeys(keys, "str"))


def _votes(context: Context, table: str, keys: Sequence[str]) -> pd.DataFrame:
    """Return the ``votes`` of lists or candidates, by ``keys`` and ``format`` of the source."""
    frame = context.kept(table)
    frame = frame.assign(format=context.raw.formats(frame).astype("category"))
    votes = votes_by(frame, [*keys, "format"])
    return votes[~_is_among(votes, _incomplete(context, table, keys))]


def _incomplete(context: Context, table: str, keys: Sequence[str]) -> pd.DataFrame:
    """Return the keys, as text, of which a faulty row was left out: their sums mean nothing."""
    lost = [i for i, code in context.excluded[table].items() if code not in NOT_FAULTY]
    rows = context.raw.tables[table].loc[lost, list(keys)]
    return rows.astype("str").drop_duplicates()


def _is_among(frame: pd.DataFrame, keys: pd.DataFrame) -> npt.NDArray[np.bool_]:
    own = pd.MultiIndex.from_frame(frame[list(keys.columns)].astype("str"))
    return np.asarray(own.isin(pd.MultiIndex.from_frame(keys)))


def _with_lists(context: Context, table: str) -> pd.DataFrame:
    """Return the records of a table beside the sum of their lists, where there are any.

    ``row`` is the index of the record, ``format`` that of its source, ``list_format`` the lists'.
    """
    sums = _votes(context, LISTS, PLACE).rename(columns={"format": "list_format"})
    records = context.kept(table).reset_index(names="row")
    records = records.assign(format=context.raw.formats(records))
    if table == MUNICIPALITIES:
        records = records.assign(polling_station_id="")
    return records.merge(sums, on=PLACE)


def _lists_against_valid(
    context: Context, broken: Callable[[pd.DataFrame], pd.Series[bool]]
) -> Iterator[Hit]:
    for table in (MUNICIPALITIES, STATIONS):
        both = _with_lists(context, table)
        # What two sources say is compared elsewhere: it is no mistake of one of them.
        both = both[both["format"] == both["list_format"]]
        for row in both[broken(both)].itertuples(index=False):
            value = f"valid_votes_count={row.valid_votes_count}; lists={row.votes}"
            yield Hit(table, (int(str(row.row)),), "valid_votes_count", value)


def valid_missing(context: Context) -> Iterator[Hit]:
    """Yield the records without valid votes whose lists have votes."""
    return _lists_against_valid(context, lambda d: (d["valid_votes_count"] == 0) & (d["votes"] > 0))


def lists_differ(context: Context) -> Iterator[Hit]:
    """Yield the records whose lists do not add up to the valid votes: E.1 + … + E.n ≠ E."""
    return _lists_against_valid(context, lambda d: d["valid_votes_count"] != d["votes"])


def _with_candidates(context: Context) -> pd.DataFrame:
    """Return the lists beside the sum of their candidates, where there are any, as text keys."""
    lists = context.kept(LISTS)
    # A list given twice is a finding of its own.
    lists = lists[lists["list_number"] != ""].drop_duplicates(LIST)
    totals = lists[[*LIST, "votes_count"]].assign(list_format=context.raw.formats(lists))
    return _votes(context, CANDIDATES, LIST).merge(
        totals.astype(dict.fromkeys(LIST, "str")), on=LIST
    )


def _candidates_against_lists(
    context: Context, broken: Callable[[pd.DataFrame], pd.Series[bool]]
) -> Iterator[Hit]:
    both = _with_candidates(context)
    both = both[both["format"] == both["list_format"]]
    found = both[broken(both)]
    if found.empty:
        return
    candidates = context.kept(CANDIDATES)
    places = candidates.groupby(LIST, observed=True).indices
    for row in found.to_dict("records"):
        rows = candidates.iloc[places[tuple(row[key] for key in LIST)]]
        yield Hit(
            CANDIDATES,
            tuple(int(index) for index in rows.index),
            "votes_count",
            f"list={row['list_number']}; total={row['votes_count']}; candidates={row['votes']}",
            f": {row['polling_station_id']}" if row["polling_station_id"] else "",
            file=str(rows["source_file"].iloc[0]),
            election=str(row["election_id"]),
            code=str(row["municipality_code"]),
        )


def other_source(context: Context) -> Iterator[Hit]:
    """Yield the municipalities whose lists or candidates disagree with a total of another source.

    The plan's preference goes by table, so one source may give the total and another the parts.
    """
    lists = pd.concat(
        [
            _with_lists(context, table)[
                [*PLACE[:2], "format", "list_format", "valid_votes_count", "votes"]
            ].rename(columns={"valid_votes_count": "votes_count"})
            for table in (MUNICIPALITIES, STATIONS)
        ]
    )
    for table, both in ((LISTS, lists), (CANDIDATES, _with_candidates(context))):
        differ = (both["votes_count"] != both["votes"]).fillna(value=False)
        found = both[(both["format"] != both["list_format"]) & differ]
        for (election, code), group in found.groupby(PLACE[:2]):
            value = f"sums={len(group)}; sources={'+'.join(_sources(group))}"
            yield Hit(table, value=value, election=str(election), code=str(code))


def _sources(group: pd.DataFrame) -> list[str]:
    return sorted({*group["format"], *group["list_format"]})


def list_total_missing(context: Context) -> Iterator[Hit]:
    """Yield the candidates with votes on a list whose total is zero."""
    return _candidates_against_lists(context, lambda d: (d["votes_count"] == 0) & (d["votes"] > 0))


def candidates_differ(context: Context) -> Iterator[Hit]:
    """Yield the candidates that do not add up to the total of their list."""
    return _candidates_against_lists(context, lambda d: d["votes_count"] != d["votes"])


def stations_differ(context: Context) -> Iterator[Hit]:
    """Yield the municipalities whose stations do not add up to their result.

    Counts that are not known of every station, or not of the municipality, are not compared.
    """
    keys = PLACE[:2]
    # Voters may vote anywhere in their municipality, so few files give them by station.
    fields = [f for f in (*COUNT_FIELDS, *RECORD_FIELDS) if f != "eligible_voters_count"]
    stations = context.kept(STATIONS)
    # A station that was left out as faulty is a finding of its own.
    stations = stations[~_is_among(stations, _incomplete(context, STATIONS, keys))]
    groups = stations.groupby(keys)[fields]
    # A count that one station does not give makes the sum unknown.
    sums = groups.sum().where(groups.count().eq(groups.size(), axis=0))
    results = context.kept(MUNICIPALITIES).reset_index(names="row")
    both = results.merge(sums.reset_index(), on=keys, suffixes=("", "_sum"))
    # What is unknown on either side is not different.
    differs = pd.DataFrame({f: (both[f] != both[f"{f}_sum"]).fillna(value=False) for f in fields})
    some = differs.any(axis=1)
    for row, told in zip(
        both[some].to_dict("records"), differs[some].to_dict("records"), strict=True
    ):
        different = [f for f in fields if told[f]]
        value = "; ".join(f"{f}={row[f]}, stations={row[f'{f}_sum']}" for f in different)
        yield Hit(MUNICIPALITIES, (int(row["row"]),), "+".join(different), value)


def explanations_differ(context: Context) -> Iterator[Hit]:
    """Yield the municipalities with stations whose explanations do not add up to I + J."""
    frame = context.kept(STATIONS)
    told = frame[list(EXPLANATION_FIELDS)].sum(axis=1, skipna=False)
    difference = frame[list(DIFFERENCE_FIELDS)].sum(axis=1, skipna=False)
    # What is unknown on either side is not different.
    broken = (told != difference).fillna(value=False)
    every = frame.groupby(PLACE[:2], observed=True).size().to_dict()
    for (election, code), rows in frame[broken].groupby(PLACE[:2], observed=True):
        yield Hit(
            STATIONS,
            tuple(int(index) for index in rows.index),
            "+".join((*DIFFERENCE_FIELDS, *EXPLANATION_FIELDS)),
            f"stations={len(rows)} of {every[(election, code)]}",
            file=str(rows["source_file"].iloc[0]),
            election=str(election),
            code=str(code),
        )


def without_result(context: Context, tables: Sequence[str] = tuple(DETAIL_TABLES)) -> Iterator[Hit]:
    """Yield the municipalities of detailed tables that have no result of their own."""
    results = context.kept(MUNICIPALITIES)
    have = set(zip(results["election_id"], results["municipality_code"], strict=True))
    for table in tables:
        frame = context.kept(table)
        sizes = frame.groupby(PLACE[:2], observed=True).size().rename("rows").reset_index()
        for election, code, count in sizes.itertuples(index=False):
            if (election, code) not in have:
                yield Hit(table, value=f"rows={count}", election=str(election), code=str(code))
