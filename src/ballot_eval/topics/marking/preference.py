"""Preference votes: the share of valid votes that are not for the first candidate of a list.

With the new ballot a vote for a party alone is a vote for its first candidate; with the old ballot
there is no such vote. *Corrected* shares leave votes for a party alone out, from the first
candidate and from the total: of the voters who chose a candidate, how many chose another than the
first?
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.inference import RandomisationResult
from ballot_eval.estimation.rates import intraclass_correlation, overdispersed_interval
from ballot_eval.panel import Contrast, Panel, size_strata
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.invalid_votes import WEIGHTINGS, randomise_contrast
from ballot_eval.topics.marking.candidates import (
    DRAWS,
    NATIONAL,
    PLACE,
    CandidateVotes,
    candidate_votes,
)
from ballot_eval.topics.marking.party_only import party_only_counts
from ballot_eval.topics.marking.shares import CONTRAST, drawn_measure
from ballot_eval.topics.stations import groups_of

IntArray = npt.NDArray[np.int64]

TOPIC = "preference"
SHARE, CORRECTED = "preference_share", "preference_share_corrected"

#: The level of a comparison at the election alone, without an earlier one.
AT_ELECTION = "total"

#: What the level of a list begins with; its number follows.
LIST = "list_"

#: The notes on what cannot be estimated.
NO_BASELINE = "there is no earlier election of the same type with votes per candidate"
NO_BOTH = "no experiment municipality, or no control, has votes per candidate at both elections"
NO_CONTRAST = "no experiment municipality, or no control, has votes per candidate"


def preference_results(
    accepted: Mapping[str, pd.DataFrame], panel: Panel
) -> Iterator[MarkingMeasure]:
    """Yield the shares of preference votes and their differences; nothing without candidates."""
    study, frame = panel.study, accepted["candidate_results"]
    now = candidate_votes(frame, panel, study.election)
    if now is None:
        return
    earlier = [candidate_votes(frame, panel, e) for e in study.baselines]
    then = [votes for votes in earlier if votes is not None]
    for votes in (*reversed(then), now):
        yield from _shares(votes, panel, SHARE, preference_counts(votes.rows))
    yield from _lists(now)
    if study.election_by_id(now.election).type in NATIONAL:
        yield from _compared_lists(now, panel)
    counts = preference_counts(now.rows)
    yield from _contrasts(counts, then, now, panel, SHARE)
    party_only = party_only_counts(accepted, panel, study.election)
    if any(party_only.get(code) for code in study.experiment()):
        corrected = preference_counts(now.rows, party_only)
        yield from _shares(now, panel, CORRECTED, corrected)
        yield from _contrasts(corrected, then, now, panel, CORRECTED)


def preference_counts(
    rows: pd.DataFrame, party_only: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Return ``numerator`` (votes not for a first candidate) and ``denominator`` by municipality.

    ``rows`` are those of :class:`CandidateVotes`. ``party_only``, by municipality, are votes for a
    party alone: they are taken from the first candidates and from the total, and municipalities
    that are not in it, or where they are more than the votes for first candidates, are left out.
    Municipalities without votes are left out too.
    """
    votes = rows.groupby("municipality_code")["votes_count"].sum()
    first = rows[rows["candidate_number"] == 1].groupby("municipality_code")["votes_count"].sum()
    first = first.reindex(votes.index, fill_value=0)
    alone = pd.Series(0.0, index=votes.index)
    if party_only is not None:
        alone = pd.Series(dict(party_only), dtype=float).reindex(votes.index)
    counts = pd.DataFrame({"numerator": votes - first, "denominator": votes - alone})
    return counts[(alone <= first) & (counts["denominator"] > 0)].astype(np.int64)


def _shares(
    votes: CandidateVotes, panel: Panel, quantity: str, counts: pd.DataFrame
) -> Iterator[MarkingMeasure]:
    """Yield the share of every group, and of every municipality: counts, no interval."""
    yield from _groups(votes, panel, quantity, counts, AT_ELECTION)
    for code, own, every in counts.itertuples():
        parts = (votes.election, str(code), "total", quantity, "count")
        yield _share(parts, int(own), int(every), (math.nan, math.nan), (1, "municipalities"))


def _groups(
    votes: CandidateVotes, panel: Panel, quantity: str, counts: pd.DataFrame, level: str
) -> Iterator[MarkingMeasure]:
    """Yield the share of every group, with municipalities as clusters."""
    confidence = panel.study.analysis.confidence_level
    placed = counts.join(votes.municipalities)
    groups = {unit: placed[members] for unit, members in groups_of(placed).items()}
    rho = intraclass_correlation(*_counts(groups["control"]))
    for unit, rows in groups.items():
        x, n = _counts(rows)
        if len(rows):
            ends = overdispersed_interval(x, n, intraclass=rho, confidence_level=confidence)
            parts = (votes.election, unit, level, quantity, "wilson_rao_scott")
            yield _share(parts, int(x.sum()), int(n.sum()), ends, (len(rows), "municipalities"))


def _compared_lists(now: CandidateVotes, panel: Panel) -> Iterator[MarkingMeasure]:
    """Yield the share of every list by group and the difference, where lists are the same.

    Of all votes: votes for a party alone are not always known by list.
    """
    study = panel.study
    for number, rows in now.rows.groupby("list_number"):
        counts, level = preference_counts(rows), f"{LIST}{number}"
        yield from _groups(now, panel, SHARE, counts, level)
        made = _made(counts, None, now, panel)
        yield _difference(made, study, level, SHARE, study.analysis.weighting, most=DRAWS)


def _lists(votes: CandidateVotes) -> Iterator[MarkingMeasure]:
    """Yield the share of every list in the experiment municipalities: counts, no interval."""
    experiment = votes.municipalities.index[votes.municipalities["role"] == "experiment"]
    rows = votes.rows[votes.rows["municipality_code"].isin(experiment)]
    rows = rows.assign(other=rows["votes_count"].where(rows["candidate_number"] > 1, 0))
    lists = rows.groupby(PLACE)[["other", "votes_count"]].sum().reset_index()
    for code, number, other, n in lists[lists["votes_count"] > 0].itertuples(index=False):
        parts = (votes.election, str(code), f"{LIST}{number}", SHARE, "count")
        yield _share(parts, int(other), int(n), (math.nan, math.nan), (1, "lists"))


def _counts(rows: pd.DataFrame) -> tuple[IntArray, IntArray]:
    return rows["numerator"].to_numpy(np.int64), rows["denominator"].to_numpy(np.int64)


def _share(
    parts: tuple[str, str, str, str, str],
    numerator: int,
    denominator: int,
    ends: tuple[float, float],
    counted: tuple[int, str],
) -> MarkingMeasure:
    election, unit, level, quantity, method = parts
    return MarkingMeasure(
        TOPIC,
        election,
        unit,
        level,
        quantity,
        method,
        numerator / denominator,
        *ends,
        numerator=numerator,
        denominator=denominator,
        count=counted[0],
        counted=counted[1],
    )


def _contrasts(
    counts: pd.DataFrame,
    then: list[CandidateVotes],
    now: CandidateVotes,
    panel: Panel,
    quantity: str,
) -> Iterator[MarkingMeasure]:
    """Yield the difference at the election, and the changes since every baseline."""
    made: list[tuple[str, Contrast | str]] = []
    earlier = [(old.election, preference_counts(old.rows)) for old in then]
    for level, before in ((AT_ELECTION, None), *earlier):
        made.append((level, _made(counts, before, now, panel)))
    if not then:
        made.append((panel.study.baselines[0], NO_BASELINE))
    for weighting in WEIGHTINGS:
        for level, data in made:
            yield _difference(data, panel.study, level, quantity, weighting)


def _made(
    counts: pd.DataFrame, before: pd.DataFrame | None, now: CandidateVotes, panel: Panel
) -> Contrast | str:
    """Return the shares or changes that are compared, or why there are none."""
    try:
        return preference_contrast(counts, before, now, panel)
    except ValueError as error:
        return str(error)


def _difference(
    data: Contrast | str,
    study: StudyDesign,
    level: str,
    quantity: str,
    weighting: str,
    *,
    most: int | None = None,
) -> MarkingMeasure:
    """Return the difference by reassignment of the role, or NaN with the reason.

    ``most`` is the highest number of draws; that of the study without it.
    """
    method = f"randomisation_{weighting}"
    about = MarkingMeasure(TOPIC, study.election, CONTRAST, level, quantity, method, math.nan)
    draws, seed = min(study.analysis.draws, most or study.analysis.draws), study.analysis.seed

    def work() -> tuple[RandomisationResult, int]:
        if isinstance(data, str):
            raise ValueError(data)
        found = randomise_contrast(
            data, study, weighting=weighting, method="randomisation", draws=draws, seed=seed
        )
        return found, len(data.codes)

    return drawn_measure(about, study, work)


def preference_contrast(
    counts: pd.DataFrame, earlier: pd.DataFrame | None, now: CandidateVotes, panel: Panel
) -> Contrast:
    """Return the shares at the election, or with ``earlier`` counts their changes.

    Former experiment municipalities are left out. Raises ValueError where a group has none.
    """
    role = now.municipalities["role"].reindex(counts.index)
    share = counts["numerator"] / counts["denominator"]
    size = counts["denominator"]
    if earlier is not None:
        share = (share - earlier["numerator"] / earlier["denominator"]).dropna()
        size = earlier["denominator"].reindex(share.index)
    share = share[role.reindex(share.index) != "former"].sort_index()
    treated = (role[share.index] == "experiment").to_numpy(dtype=bool)
    if not 0 < treated.sum() < len(treated):
        raise ValueError(NO_CONTRAST if earlier is None else NO_BOTH)
    return Contrast(
        codes=tuple(share.index),
        change=share.to_numpy(dtype=float),
        treated=treated,
        votes_cast=counts["denominator"].reindex(share.index).to_numpy(dtype=float),
        strata=size_strata(size.reindex(share.index), panel.study),
    )
