"""The checks behind the rules: each takes the context and yields what breaks its rule."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from ballot_eval.estimation.rates import robust_z
from ballot_eval.mergers import MERGERS_SINCE
from ballot_eval.schema import COUNT_FIELDS, RESULT_TABLES
from ballot_eval.sources.personal import personal_values
from ballot_eval.validation.context import Context, Hit
from ballot_eval.vote_choice import VOTE_CHOICE

MUNICIPAL, REGIONAL = RESULT_TABLES

#: A change this many robust standard deviations from the controls' median is a jump.
JUMP_Z = 5.0

#: So many rows of one election in two files are reported once and not row by row.
MANY_DUPLICATES = 10

Check = Callable[[Context], Iterator[Hit]]


def rows_of(
    tables: Sequence[str], broken: Callable[[pd.DataFrame], pd.Series[bool]], *fields: str
) -> Check:
    """Return a check of some tables, row by row, that shows ``fields`` of the broken rows."""

    def check(context: Context) -> Iterator[Hit]:
        for table in tables:
            frame = context.kept(table)
            frame = frame[broken(frame)]
            for index, values in zip(
                frame.index, frame[list(fields)].itertuples(index=False), strict=True
            ):
                value = "; ".join(f"{f}={v}" for f, v in zip(fields, values, strict=True))
                yield Hit(table, (int(index),), "+".join(fields), value)

    return check


def unused(context: Context) -> Iterator[Hit]:
    """Yield the rows of elections that the study does not need, once per file and election."""
    for table in context.typed:
        frame = context.kept(table)
        frame = frame[~frame["election_id"].isin(context.study.all_elections())]
        for (file, election), group in frame.groupby(["source_file", "election_id"]):
            yield _group(table, group, file=str(file), election=str(election))


def negative(context: Context) -> Iterator[Hit]:
    """Yield every negative count."""
    for table in context.typed:
        frame = context.kept(table)
        for field in context.tables[table].of_kind("count"):
            for index, value in frame.loc[frame[field] < 0, field].items():
                yield Hit(table, (int(str(index)),), field, str(value))


def same_file(context: Context) -> Iterator[Hit]:
    """Yield the rows of a file whose content is that of a file read before it."""
    first: dict[str, str] = {}
    for file in context.raw.files:
        if file.status != "read":
            continue
        original = first.setdefault(file.sha256, file.path)
        if original == file.path:
            continue
        for table in context.typed:
            frame = context.kept(table)
            group = frame[frame["source_file"] == file.path]
            if len(group):
                elections = "+".join(sorted(set(group["election_id"])))
                yield _group(
                    table, group, file=file.path, election=elections, detail=f": {original}"
                )


def same_election(context: Context) -> Iterator[Hit]:
    """Yield the rows that two or more files give for one election, when they are many."""
    for table in context.typed:
        for _, group in _duplicated(context, table).groupby("election_id"):
            files = sorted(set(group["source_file"]))
            keys = len(group.drop_duplicates(list(context.tables[table].key)))
            if len(files) > 1 and keys >= MANY_DUPLICATES:
                election = str(group["election_id"].iloc[0])
                detail = ": " + ", ".join(files)
                yield _group(table, group, file=files[-1], election=election, detail=detail)


def duplicate_rows(context: Context) -> Iterator[Hit]:
    """Yield every copy of a row given more than once, with the places of the others."""
    for table in context.typed:
        for _, group in _duplicated(context, table).groupby(list(context.tables[table].key)):
            places = [
                f"{file}:{line}"
                for file, line in zip(group["source_file"], group["source_line"], strict=True)
            ]
            for position, index in enumerate(group.index):
                others = ", ".join(places[:position] + places[position + 1 :])
                yield Hit(
                    table, (int(index),), "+".join(context.tables[table].key), detail=f" {others}"
                )


def _duplicated(context: Context, table: str) -> pd.DataFrame:
    frame = context.kept(table)
    key = list(context.tables[table].key)
    if "list_name" in key:
        # A list with a number is that list, whatever it is called.
        named = frame["list_name"].astype("str").where(frame["list_number"] == "", "")
        frame = frame.assign(list_name=named)
    return frame[frame.duplicated(key, keep=False)]


def _group(table: str, group: pd.DataFrame, *, file: str, election: str, detail: str = "") -> Hit:
    indices = tuple(int(i) for i in group.index)
    return Hit(
        table, indices, value=f"rows={len(group)}", file=file, election=election, detail=detail
    )


def no_election(context: Context) -> Iterator[Hit]:
    """Yield the elections of the study without any accepted municipal row."""
    for election in context.study.needed_elections():
        if context.today(election).empty:
            yield Hit(MUNICIPAL, election=election, value="rows=0")


def no_learning_election(context: Context) -> Iterator[Hit]:
    """Yield the elections for the learning effect without counts, and what is known instead."""
    learning = context.study.learning
    for election in context.study.learning_elections():
        if not context.today(election).empty or learning is None:
            continue
        published = sum(p.election == election for p in learning.published)
        yield Hit(MUNICIPAL, election=election, value=f"published_shares={published}")


def missing_learning(context: Context) -> Iterator[Hit]:
    """Yield who the learning effect needs but has no votes at an election with counts of others."""
    study = context.study
    for election in study.learning_elections():
        present = _with_votes(context, election)
        needed = study.election_by_id(election).new_ballot or study.fixed_set()
        for code in sorted(set(needed) - present) if present else ():
            name = study.municipalities[code]
            yield Hit(MUNICIPAL, election=election, code=code, detail=f": {name}")


def missing_learning_controls(context: Context) -> Iterator[Hit]:
    """Yield the elections for the learning effect that lack controls of the study's election."""
    study = context.study
    ever = set(study.ever_exposed())
    wanted = _with_votes(context, study.election) - ever
    for election in study.learning_elections():
        present = _with_votes(context, election)
        here = len(wanted & present)
        if present and here < len(wanted):
            yield Hit(MUNICIPAL, election=election, value=f"controls={here} of {len(wanted)}")


def _with_votes(context: Context, election: str) -> set[str]:
    today = context.today(election)
    return set(today.index[today["votes_cast_count"] > 0])


def missing_experiment(context: Context) -> Iterator[Hit]:
    """Yield the experiment municipalities without an accepted result at an election."""
    return _missing(context, context.study.experiment())


def experiment_without_votes(context: Context) -> Iterator[Hit]:
    """Yield the experiment municipalities whose result is there, but without votes cast."""
    for election in context.study.needed_elections():
        today = context.today(election)
        empty = set(today.index[today["votes_cast_count"] == 0])
        for code in sorted(set(context.study.experiment()) & empty):
            name = context.study.municipalities[code]
            yield Hit(MUNICIPAL, election=election, code=code, detail=f": {name}")


def before_mergers(context: Context) -> Iterator[Hit]:
    """Yield the elections of the study that are older than the table of mergers."""
    study = context.study
    for election in (*study.needed_elections(), *study.learning_elections()):
        if study.election_by_id(election).date < MERGERS_SINCE:
            yield Hit(MUNICIPAL, election=election, value=f"table from {MERGERS_SINCE}")


def other_regions(context: Context) -> Iterator[Hit]:
    """Yield the rows of provinces and districts, once per file and election."""
    regions = context.kept(REGIONAL)
    regions = regions[regions["region_type"].isin(["province", "district"])]
    for (file, election), group in regions.groupby(["source_file", "election_id"]):
        yield _group(REGIONAL, group, file=str(file), election=str(election))


def missing_named(context: Context) -> Iterator[Hit]:
    """Yield the other municipalities that the plan names without an accepted result."""
    study = context.study
    reference = study.reference.municipalities if study.reference else ()
    return _missing(context, {*study.municipalities, *reference} - set(study.experiment()))


def _missing(context: Context, codes: tuple[str, ...] | set[str]) -> Iterator[Hit]:
    for election in context.study.needed_elections():
        present = set(context.today(election).index)
        if not present:
            continue
        for code in sorted(set(codes) - present):
            name = context.study.municipalities.get(code, code)
            yield Hit(MUNICIPAL, election=election, code=code, detail=f": {name}")


def incomplete_control(context: Context) -> Iterator[Hit]:
    """Yield the controls that have a result at some but not all elections of the study."""
    study = context.study
    present = {e: set(context.today(e).index) for e in study.needed_elections()}
    present = {e: codes for e, codes in present.items() if codes}
    for code in sorted(set().union(*present.values()) - set(study.municipalities)):
        for election, codes in present.items():
            if code not in codes:
                others = [e for e in present if code in present[e]]
                yield Hit(MUNICIPAL, election=election, code=code, value="has=" + "+".join(others))


def national(context: Context) -> Iterator[Hit]:
    """Yield the counts of a national row that are not the sum over all regions below it."""
    regions = context.kept(REGIONAL)
    for election in context.study.needed_elections():
        municipal = context.today(election)
        here = regions[regions["election_id"] == election]
        other = here[here["region_type"].isin(["postal", "caribbean"])]
        if municipal.empty:
            continue
        for index, row in here[here["region_type"] == "national"].iterrows():
            for field in COUNT_FIELDS:
                total = int(municipal[field].sum()) + int(other[field].sum())
                if total != row[field]:
                    value = f"{field}={row[field]}; sum={total}"
                    yield Hit(REGIONAL, (int(str(index)),), field, value)


def jump(context: Context) -> Iterator[Hit]:
    """Yield the municipalities whose change of the invalid rate lies far from the controls'.

    The distance is in robust standard deviations (1.4826 times the median absolute deviation)
    from the controls' median change, for each pair of consecutive elections. A municipality
    that had used the new ballot by the later one is expected to change and is not judged.
    """
    study = context.study
    for then, now in itertools.pairwise(study.needed_elections()):
        both = context.today(now).join(context.today(then).add_suffix("_then"), how="inner")
        cast, cast_then = both["votes_cast_count"], both["votes_cast_count_then"]
        both = both[(cast > 0) & (cast_then > 0)]
        exposed = np.array([study.exposure(str(code), now) > 0 for code in both.index], dtype=bool)
        both = both[~exposed]
        change = (
            both["invalid_votes_count"] / both["votes_cast_count"]
            - both["invalid_votes_count_then"] / both["votes_cast_count_then"]
        )
        controls = change[change.index.map(study.role) == "control"]
        z = pd.Series(robust_z(change.to_numpy(), controls.to_numpy()), index=change.index)
        frame = context.kept(MUNICIPAL)
        frame = frame[frame["election_id"] == now]
        codes = context.code_today(frame, now)
        for code in z.index[z.abs() > JUMP_Z]:
            value = f"{then}; change={change[code]:+.5f}; z={z[code]:+.1f}"
            for index in frame.index[codes == code][:1]:
                yield Hit(MUNICIPAL, (int(index),), "invalid_votes_count", value)


def merged(context: Context) -> Iterator[Hit]:
    """Yield per election how many municipalities are added to the one they merged into."""
    for election in context.study.needed_elections():
        frame = context.kept(MUNICIPAL)
        frame = frame[frame["election_id"] == election]
        codes = context.code_today(frame, election)
        moved = frame.index[codes != frame["municipality_code"]]
        if len(moved):
            into = len(set(codes[moved]))
            yield Hit(MUNICIPAL, election=election, value=f"from={len(moved)}; into={into}")


def personal(context: Context) -> Iterator[Hit]:
    """Yield the columns that look like personal data; never what stands in them."""
    for file in context.raw.files:
        for column, sign in file.personal_columns:
            if sign == VOTE_CHOICE:
                # It has a rule of its own.
                continue
            yield Hit(file=file.path, fields=column, value=sign, detail=f": {column}")


def personal_cells(context: Context) -> Iterator[Hit]:
    """Yield the columns that are read with cells that look personal; never what stands in them."""
    for table, described in context.tables.items():
        frame = context.raw.tables[table]
        # Files of results are official; the others are filled in by hand.
        for column in described.of_kind("text", "count") if described.open else ():
            for file, group in frame.groupby("source_file"):
                for kind, values in personal_values(group[column]).items():
                    indices = tuple(int(i) for i in group.index[group[column].isin(values)])
                    value = f"rows={len(indices)}; {kind}"
                    yield Hit(table, indices, column, value, f": {column}", file=str(file))


def other_columns(context: Context) -> Iterator[Hit]:
    """Yield the other columns that were not read."""
    for file in context.raw.files:
        signs = dict(file.personal_columns)
        for column in file.other_columns:
            if column not in signs:
                yield Hit(file=file.path, fields=column, detail=f": {column}")
