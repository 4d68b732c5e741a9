"""Votes on which only a party is marked: valid with the new ballot, for the first candidate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ballot_eval.panel import Panel
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.marking.shares import (
    MUNICIPALITY,
    VALID,
    covered_votes,
    placed,
    share_measure,
    with_results,
)
from ballot_eval.wholes import whole_or_parts

TOPIC = "party_only"
VOTES = "votes_count"

#: What tells the municipalities apart that rows were given for.
WHOLE = ["election_id", "whole"]

#: Share of a list's votes that are for its first candidate, with and without those for the party
#: alone: of the votes on which a candidate is marked, then, those for the first.
LEADER, WITHOUT = "leader_share", "leader_share_without_party_only"

#: Why the share of a list is a range.
TOTAL_ONLY = "only the total of all lists is known, so this is a range"

#: What the share of a municipality is of, where not every polling station has counts.
SOME_STATIONS = "of the polling stations with counts of party-only votes: not all have them"
NOT_COVERED = "no estimate: the valid votes of the polling stations with counts are not known"
#: How a note begins on municipalities that a group leaves out.
LEFT_OUT = "left out, the valid votes of polling stations with counts are not known: "


@dataclass(frozen=True, slots=True)
class PartyOnlyCounts:
    """Votes for a party alone on today's municipalities.

    ``municipalities`` has the index election and municipality, ``party_only``, the valid votes that
    this was counted among (``covered``: fewer than all where not every station has counts, NaN
    where not known), the votes for all ``first`` candidates (NaN where candidates are not known),
    those for ``all`` candidates and the counts of the panel. ``stations`` has the votes of polling
    stations with known valid votes. ``lists`` has a row per list of municipalities with candidates:
    ``list_number``, ``party_only`` (NaN where only a total is known), ``first`` and ``all``.
    """

    panel: Panel
    municipalities: pd.DataFrame
    stations: pd.DataFrame
    lists: pd.DataFrame

    def beside_candidates(self) -> pd.DataFrame:
        """Return the municipalities of which all votes are counted, with first candidates.

        Those with fewer votes for first candidates than for parties alone are left out.
        """
        frame = self.municipalities
        is_whole = frame["covered"] == frame[VALID]
        return frame[is_whole & (frame["first"] >= frame["party_only"])]


def party_only_results(accepted: Mapping[str, pd.DataFrame], panel: Panel) -> list[MarkingMeasure]:
    """Return shares of votes for a party alone, and the first candidates' shares without them."""
    counts = count_party_only(accepted, panel)
    if counts is None:
        return []
    return [*group_shares(counts), *municipality_shares(counts), *leader_shares(counts)]


def count_party_only(accepted: Mapping[str, pd.DataFrame], panel: Panel) -> PartyOnlyCounts | None:
    """Return the accepted ``party_only_votes`` beside results and candidates, None without any.

    Lists and stations stand for a whole that was not given itself.
    """
    rows = placed(accepted.get("party_only_votes"), panel)
    if rows.empty:
        return None
    every = _of_all_lists(rows)
    total = _totals(every, accepted, panel)
    known = rows[rows["list_number"] != ""]
    by_list = whole_or_parts(known, "polling_station_id", [*WHOLE, "list_number"])
    by_list = _of_whole(by_list, accepted, panel)
    lists = _lists(accepted, panel, set(rows["whole"]), by_list)
    sums = lists.groupby(MUNICIPALITY)[["first", "all"]].sum()
    municipal = with_results(total.join(sums), panel)
    own = every[every["polling_station_id"] != ""].groupby([*MUNICIPALITY, "place"])[VOTES].sum()
    valid = placed(accepted.get("station_results"), panel)
    valid = valid.reindex(columns=[*MUNICIPALITY, "place", VALID]).dropna()
    stations = valid.merge(own.reset_index(), on=[*MUNICIPALITY, "place"])
    return PartyOnlyCounts(panel, municipal, stations, lists)


def _of_all_lists(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of all lists together, or those of single lists where a place has no such."""
    return whole_or_parts(rows, "list_number", [*WHOLE, "place"])


def _totals(rows: pd.DataFrame, accepted: Mapping[str, pd.DataFrame], panel: Panel) -> pd.DataFrame:
    """Return ``party_only`` votes of municipalities, and the valid votes that they ``covered``."""
    best = whole_or_parts(rows, "polling_station_id", WHOLE)
    total = best.groupby(MUNICIPALITY)[VOTES].sum().rename("party_only").to_frame()
    return total.assign(covered=covered_votes(best, accepted, panel))


def party_only_counts(
    accepted: Mapping[str, pd.DataFrame], panel: Panel, election: str
) -> dict[str, int]:
    """Return the votes on which only a party is marked, by municipality of today.

    0 where the old ballot was used, which has no such votes; a municipality with the new ballot is
    absent where they were not counted, or not at all of its polling stations. What is given for a
    whole municipality, or for all lists, goes before the sum of its parts.
    """
    results = panel.results[panel.results["election_id"] == election]
    valid = results.set_index("municipality_code")[VALID]
    new = panel.study.election_by_id(election).new_ballot
    counts = {str(code): 0 for code in valid.index if code not in new}
    rows = placed(accepted.get("party_only_votes"), panel)
    rows = rows[rows["election_id"] == election]
    if rows.empty:
        return counts
    total = _totals(_of_all_lists(rows), accepted, panel).droplevel("election_id")
    whole = total[total["covered"] == valid.reindex(total.index)]
    given = whole.loc[whole.index.isin(list(new)), "party_only"]
    return counts | {str(code): int(votes) for code, votes in given.items()}


def _of_whole(
    rows: pd.DataFrame, accepted: Mapping[str, pd.DataFrame], panel: Panel
) -> pd.DataFrame:
    """Return the rows of municipalities of which they cover every valid vote."""
    votes = covered_votes(rows, accepted, panel)
    every = panel.results.set_index(MUNICIPALITY)[VALID].reindex(votes.index)
    return rows[pd.MultiIndex.from_frame(rows[MUNICIPALITY]).isin(votes.index[votes == every])]


def _lists(
    accepted: Mapping[str, pd.DataFrame], panel: Panel, codes: set[str], by_list: pd.DataFrame
) -> pd.DataFrame:
    """Return first candidates and votes per list of the municipalities ``codes`` (as given)."""
    candidates = accepted.get("candidate_results")
    if candidates is not None:
        candidates = candidates[candidates["municipality_code"].isin(codes)]
    rows = placed(candidates, panel).reindex(
        columns=[
            *MUNICIPALITY,
            "polling_station_id",
            "whole",
            "list_number",
            "candidate_number",
            VOTES,
        ]
    )
    rows = whole_or_parts(rows, "polling_station_id", WHOLE)
    rows = rows.astype({"list_number": str, "candidate_number": str, VOTES: float})
    keys = [*MUNICIPALITY, "list_number"]
    votes = rows.groupby(keys)[VOTES].sum().rename("all").to_frame()
    votes["first"] = rows[rows["candidate_number"] == "1"].groupby(keys)[VOTES].sum()
    votes["party_only"] = by_list.groupby(keys)[VOTES].sum().astype(float)
    return votes.fillna({"first": 0.0}).reset_index("list_number")


def group_shares(counts: PartyOnlyCounts) -> Iterator[MarkingMeasure]:
    """Yield the shares of valid votes and of first candidates' votes that mark a party alone.

    Of the experiment municipalities together, and of those with the same number of uses of the
    ballot.
    """
    for election, here in counts.municipalities.groupby(level="election_id"):
        rows = here[here["role"] == "experiment"]
        levels = {"total": rows}
        levels |= {f"exposure_{k}": part for k, part in rows.groupby("exposure")}
        for level, part in levels.items():
            if len(part):
                yield from _shares(counts, str(election), "experiment", level, part)


def municipality_shares(counts: PartyOnlyCounts) -> Iterator[MarkingMeasure]:
    """Yield the same shares of each municipality."""
    for election, code in counts.municipalities.index:
        part = counts.municipalities.loc[[(election, code)]]
        yield from _shares(counts, str(election), str(code), "total", part)


def _shares(
    counts: PartyOnlyCounts, election: str, unit: str, level: str, rows: pd.DataFrame
) -> Iterator[MarkingMeasure]:
    base = {"topic": TOPIC, "election": election, "unit": unit}
    confidence = counts.panel.study.analysis.confidence_level
    group = not unit.isdigit()
    stations = counts.stations[
        (counts.stations["election_id"] == election)
        & (counts.stations["municipality_code"] == unit)
    ]
    known = rows[rows["covered"].notna()]
    share = share_measure(
        base,
        level,
        "share_of_valid",
        (known["party_only"].sum(), known["covered"].sum()),
        (known["party_only"], known["covered"]) if group else (stations[VOTES], stations[VALID]),
        counted="municipalities" if group else "stations",
        confidence_level=confidence,
    )
    yield replace(share, note="; ".join(filter(None, (_coverage(rows, group=group), share.note))))
    rows = rows[rows.index.isin(counts.beside_candidates().index)]
    if len(rows):
        yield share_measure(
            base,
            level,
            "share_of_first",
            (rows["party_only"].sum(), rows["first"].sum()),
            (rows["party_only"], rows["first"]) if group else None,
            counted="municipalities" if group else "stations",
            confidence_level=confidence,
        )


def _coverage(rows: pd.DataFrame, *, group: bool) -> str:
    """Say of which polling stations or municipalities a share is, where not of all."""
    missing = rows.index[rows["covered"].isna()].get_level_values("municipality_code")
    if len(missing):
        return LEFT_OUT + ", ".join(missing) if group else NOT_COVERED
    return SOME_STATIONS if (rows["covered"] != rows[VALID]).any() else ""


def rows_of(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a frame with its index as columns."""
    for row in frame.reset_index().to_dict("records"):
        yield {str(name): value for name, value in row.items()}


def leader_shares(counts: PartyOnlyCounts) -> Iterator[MarkingMeasure]:
    """Yield the first candidates' share of votes, with and without votes for a party alone.

    Of all lists together, of the experiment municipalities and of each; and of each list of a
    municipality. Where only the total of all lists is known, the share of a list is a range that
    holds for certain. Municipalities without candidates, with counts of some polling stations only,
    or with fewer votes for first candidates than for parties alone, are left out.
    """
    frame = counts.beside_candidates()
    for election in frame.index.unique("election_id"):
        here = frame.loc[[election]]
        rows = here[here["role"] == "experiment"]
        if len(rows):
            sums = {name: float(rows[name].sum()) for name in ("first", "all", "party_only")}
            yield from _leader(election, "experiment", "total", sums, len(rows))
        for row in rows_of(here):
            code = row["municipality_code"]
            yield from _leader(election, code, "total", row, 1)
            for item in rows_of(counts.lists.loc[[(election, code)]]):
                yield from _of_list(election, code, item, row)


def _leader(
    election: str, unit: str, level: str, row: Mapping[str, Any], count: int
) -> Iterator[MarkingMeasure]:
    for quantity, less in ((LEADER, 0.0), (WITHOUT, float(row["party_only"]))):
        numerator, denominator = float(row["first"]) - less, float(row["all"]) - less
        yield MarkingMeasure(
            topic=TOPIC,
            election=election,
            unit=unit,
            level=level,
            quantity=quantity,
            method="counted",
            estimate=numerator / denominator if denominator > 0 else math.nan,
            numerator=numerator,
            denominator=denominator,
            count=count,
            counted="municipalities",
        )


def _of_list(
    election: str, unit: str, item: Mapping[str, Any], whole: Mapping[str, Any]
) -> Iterator[MarkingMeasure]:
    """Yield the shares of one list; a range where its votes for the party alone are not known."""
    level = str(item["list_number"])
    if not math.isnan(item["party_only"]):
        yield from _leader(election, unit, level, item, 1)
        return
    yield next(_leader(election, unit, level, item, 1))
    first, total = float(whole["first"]), float(whole["party_only"])
    own = float(item["first"])
    # The other lists take as many of the total as they can, or as few.
    most, least = min(total, own), max(total - (first - own), 0.0)
    ends = [
        (own - less) / (float(item["all"]) - less) if item["all"] > less else math.nan
        for less in (most, least)
    ]
    yield MarkingMeasure(
        topic=TOPIC,
        election=election,
        unit=unit,
        level=level,
        quantity=WITHOUT,
        method="bounds",
        estimate=ends[0] if most == least else math.nan,
        ci_lower=ends[0],
        ci_upper=ends[1],
        count=1,
        counted="municipalities",
        note=TOTAL_ONLY,
    )
