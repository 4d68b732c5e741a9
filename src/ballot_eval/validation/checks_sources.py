"""Checks of where rows came from: files not read, rows not known, two sources for one thing."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ballot_eval.raw import by_file
from ballot_eval.schema import COUNTED_TABLES, OFFICIAL_TABLES
from ballot_eval.validation.context import Context, Hit


def unread(context: Context) -> Iterator[Hit]:
    """Yield the files that were listed and not read."""
    for file in context.raw.files:
        if file.status == "not_read":
            yield Hit(file=file.path, value=file.reason)


def unknown_rows(context: Context) -> Iterator[Hit]:
    """Yield the rows of files of which the reader does not know what they count."""
    for file in context.raw.files:
        for line, label in file.unknown_rows:
            yield Hit(file=file.path, line=line, value=label, detail=f": {label}")


def notes(context: Context) -> Iterator[Hit]:
    """Yield what a reader had to take from elsewhere than the usual place."""
    for file in context.raw.files:
        for line, text in file.notes:
            yield Hit(file=file.path, line=line, value=text, detail=f": {text}")


def another_date(context: Context) -> Iterator[Hit]:
    """Yield the rows of files whose election was on another day than that of the study.

    Some municipalities, those that merge, elect their councils in another month of the year.
    """
    dates = {file.path: file.date for file in context.raw.files if file.date}
    for table in context.typed:
        frame = context.kept(table)
        if not dates or "election_id" not in frame:
            continue
        frame = frame[frame["source_file"].isin(dates)]
        for (file, election), group in frame.groupby(["source_file", "election_id"], observed=True):
            ours, theirs = context.study.election_by_id(str(election)).date, dates[str(file)]
            if theirs != ours.isoformat():
                yield Hit(
                    table,
                    tuple(int(index) for index in group.index),
                    value=f"file={theirs}; plan={ours}",
                    detail=f": {theirs}",
                    file=str(file),
                    election=str(election),
                )


def _ranked(context: Context, table: str) -> pd.DataFrame:
    """Return the kept rows of a table that two sources of different preference both give.

    ``rank`` is the place of the source in the preference of the study, and ``best`` that of the
    best source that gives the same: a unit at an election, by station or as a whole.
    """
    frame = context.kept(table)
    sources = context.study.sources
    rank = {f.path: sources.rank(f.format) for f in context.raw.files}
    ranks = by_file(frame, rank, len(sources.prefer)).astype("int64")
    if ranks.nunique() < 2:
        # One source, as in most runs: nothing to choose between.
        return frame.head(0).assign(rank=ranks, best=ranks)
    keys = [frame["election_id"], frame[context.tables[table].unit]]
    if "list_number" in frame:
        # Votes by station are something else than those of the whole municipality.
        keys.append((frame["polling_station_id"] == "").rename("whole"))
    best = ranks.groupby(keys, observed=True).transform("min")
    worst = ranks.groupby(keys, observed=True).transform("max")
    return frame.assign(rank=ranks, best=best)[best < worst]


def not_preferred(context: Context) -> Iterator[Hit]:
    """Yield the rows that a source gives which the study prefers less, by table and source."""
    if not context.study.sources.prefer:
        return
    for table in OFFICIAL_TABLES:
        frame = _ranked(context, table)
        lost = frame[frame["rank"] > frame["best"]]
        for (election, name), group in lost.groupby(
            [lost["election_id"].astype("str"), context.raw.formats(lost)]
        ):
            units = group[context.tables[table].unit].nunique()
            rows = tuple(int(index) for index in group.index)
            value = f"{name}: rows={len(rows)}; units={units}"
            yield Hit(table, rows, value=value, detail=f": {name}", election=str(election))


def sources_differ(context: Context) -> Iterator[Hit]:
    """Yield the units whose counts differ between the preferred source and another."""
    if not context.study.sources.prefer:
        return
    for table in COUNTED_TABLES:
        described = context.tables[table]
        key, counts = list(described.key), list(described.of_kind("count"))
        frame = _ranked(context, table)
        won = frame[frame["rank"] == frame["best"]].drop_duplicates(key)
        lost = frame[frame["rank"] > frame["best"]].reset_index(names="row")
        both = lost.merge(won[[*key, *counts, "source_file"]], on=key, suffixes=("", "_won"))
        for row in both.to_dict("records"):
            pairs = {c: (row[f"{c}_won"], row[c]) for c in counts}
            told = [
                f"{c}={a} ({b})"
                for c, (a, b) in pairs.items()
                if not (pd.isna(a) or pd.isna(b) or a == b)
            ]
            if told:
                files = f": {row['source_file_won']} ({row['source_file']})"
                yield Hit(table, (int(row["row"]),), value="; ".join(told), detail=files)
    for table in OFFICIAL_TABLES:
        if context.tables[table].large:
            yield from _votes_differ(context, table)


def _votes_differ(context: Context, table: str) -> Iterator[Hit]:
    """Yield the municipalities whose votes of lists or candidates differ between two sources."""
    frame = _ranked(context, table)
    match = frame["list_number"].astype("str")
    if "list_name" in frame:
        # Where a source gives names only, lists are matched by these.
        by_name = frame["election_id"].isin(frame.loc[match == "", "election_id"])
        match = match.mask(by_name, frame["list_name"].astype("str"))
    keys = ["election_id", "municipality_code", "polling_station_id", "match"]
    keys += [c for c in ("candidate_number",) if c in frame]
    frame = frame.assign(match=match)[[*keys, "votes_count", "source_file", "rank", "best"]]
    frame = frame.astype(dict.fromkeys([*keys, "source_file"], "str"))
    won, lost = frame[frame["rank"] == frame["best"]], frame[frame["rank"] > frame["best"]]
    both = lost.merge(won[[*keys, "votes_count", "source_file"]], on=keys, suffixes=("", "_won"))
    differ = both[both["votes_count"] != both["votes_count_won"]]
    places = ["election_id", "municipality_code", "source_file", "source_file_won"]
    for keys_of, group in differ.groupby(places):
        election, code, file, other = map(str, keys_of)
        yield Hit(
            table,
            value=f"cells={len(group)}",
            detail=f": {other} ({file})",
            file=file,
            election=election,
            code=code,
        )
