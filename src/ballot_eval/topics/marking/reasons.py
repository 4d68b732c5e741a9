"""Reasons of invalidity: their shares, and the design-related rate against the net excess.

*Gross and net.* The gross design-related rate counts the votes that are invalid because of how the
new ballot works. The net excess is the effect of the ballot on all invalid votes together, against
earlier elections and controls. They differ by an identity: gross less net is the share of invalid
votes that was to be expected with the old ballot, less the share that is invalid now for other
reasons. What was expected and did not come back as a general reason either became valid or has
been replaced by a mistake of the design.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ballot_eval.estimation.inference import RandomisationResult
from ballot_eval.panel import DENOMINATOR, OUTCOMES, Panel, contrast
from ballot_eval.reasons import plain_reason
from ballot_eval.results import MarkingMeasure
from ballot_eval.schema.marking import INVALID_REASONS
from ballot_eval.topics.invalid_votes import randomise_contrast, require_controls
from ballot_eval.topics.marking.shares import (
    CONTRAST,
    MUNICIPALITY,
    columns_of,
    placed,
    share_measure,
    with_results,
)
from ballot_eval.wholes import whole_or_parts

TOPIC = "reasons"
(INVALID,) = OUTCOMES["invalid"]
CODES = tuple(r.code for r in INVALID_REASONS)

#: Invalid votes of which no reason was given.
WITHOUT_REASON = "without_reason"

#: The reasons that each level adds up.
LEVELS: dict[str, tuple[str, ...]] = {code: (code,) for code in CODES} | {
    "design": tuple(r.code for r in INVALID_REASONS if r.kind == "design"),
    "general": tuple(r.code for r in INVALID_REASONS if r.kind == "general"),
    WITHOUT_REASON: (WITHOUT_REASON,),
}

#: Denominators of the shares.
SHARES = {"share_of_invalid": INVALID, "share_of_votes_cast": DENOMINATOR}

#: How a note begins on experiment municipalities of which no reasons are known.
LEFT_OUT = "left out without reasons of invalidity: "


@dataclass(frozen=True, slots=True)
class ReasonCounts:
    """Invalid votes by reason, a column per reason and one for those without.

    ``municipalities`` has the index election and municipality and the counts of the panel beside
    the reasons; ``stations`` has a row per polling station of which invalid votes and votes cast
    are known.
    """

    panel: Panel
    municipalities: pd.DataFrame
    stations: pd.DataFrame

    def of_stations(self, election: str, code: str) -> pd.DataFrame:
        """Return the stations of one municipality at one election."""
        here = self.stations["election_id"] == election
        return self.stations[here & (self.stations["municipality_code"] == code)]


def reason_results(accepted: Mapping[str, pd.DataFrame], panel: Panel) -> list[MarkingMeasure]:
    """Return shares of reasons, and the design-related rate against the net excess."""
    counts = count_reasons(accepted, panel)
    if counts is None:
        return []
    return [*group_shares(counts), *municipality_shares(counts), *gross_and_net(counts)]


def count_reasons(accepted: Mapping[str, pd.DataFrame], panel: Panel) -> ReasonCounts | None:
    """Return the accepted ``invalid_reasons`` on today's municipalities, None without any.

    Stations stand for their municipality where it has no reasons of its own. Municipalities and
    stations without an accepted result are left out.
    """
    rows = placed(accepted.get("invalid_reasons"), panel)
    if rows.empty:
        return None
    best = whole_or_parts(rows, "polling_station_id", ["election_id", "whole"])
    municipal = with_results(_wide(best, MUNICIPALITY), panel)
    own = _wide(rows[rows["polling_station_id"] != ""], [*MUNICIPALITY, "place"])
    known = placed(accepted.get("station_results"), panel).reindex(
        columns=[*MUNICIPALITY, "place", INVALID, DENOMINATOR]
    )
    stations = known.dropna().merge(own.reset_index(), on=[*MUNICIPALITY, "place"])
    return ReasonCounts(panel, _completed(municipal), _completed(stations))


def _wide(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the votes by ``keys``, a column per reason, 0 where a reason is not mentioned."""
    wide = rows.pivot_table("votes_count", keys, "reason", "sum", fill_value=0)
    return wide.reindex(columns=list(CODES), fill_value=0).astype(np.int64)


def _completed(frame: pd.DataFrame) -> pd.DataFrame:
    missing = frame[INVALID] - columns_of(frame, CODES)
    return frame.assign(**{WITHOUT_REASON: missing.clip(lower=0)})


def group_shares(counts: ReasonCounts) -> Iterator[MarkingMeasure]:
    """Yield the shares of every level in each group, with municipalities as clusters.

    Former experiment municipalities belong to no group. Reasons that were not given are a level of
    their own: with it the shares of reasons add up to 1.
    """
    for election, here in counts.municipalities.groupby(level="election_id"):
        for role in ("experiment", "control"):
            rows = here[here["role"] == role]
            if len(rows):
                yield from _shares(counts.panel, str(election), role, rows, rows)


def municipality_shares(counts: ReasonCounts) -> Iterator[MarkingMeasure]:
    """Yield the shares of every level in each municipality, with its stations as clusters."""
    for election, code in counts.municipalities.index:
        rows = counts.municipalities.loc[[(election, code)]]
        stations = counts.of_stations(str(election), str(code))
        yield from _shares(counts.panel, str(election), str(code), rows, stations)


def _shares(
    panel: Panel, election: str, unit: str, rows: pd.DataFrame, clusters: pd.DataFrame
) -> Iterator[MarkingMeasure]:
    base = {"topic": TOPIC, "election": election, "unit": unit}
    counted = "stations" if unit.isdigit() else "municipalities"
    for quantity, denominator in SHARES.items():
        for level, codes in LEVELS.items():
            yield share_measure(
                base,
                level,
                quantity,
                (columns_of(rows, codes).sum(), rows[denominator].sum()),
                (columns_of(clusters, codes), clusters[denominator]),
                counted=counted,
                confidence_level=panel.study.analysis.confidence_level,
            )


def gross_and_net(counts: ReasonCounts) -> Iterator[MarkingMeasure]:
    """Yield the gross design-related rate, the net excess and what they differ by.

    All are of the experiment municipalities with reasons at the study's election, every ballot
    counted once, against the first baseline. Gross rates are counts and have no interval; the
    intervals are those of the randomisation test of the net excess.
    """
    panel, study = counts.panel, counts.panel.study
    frame = counts.municipalities
    frame = frame[frame.index.get_level_values("election_id") == study.election]
    frame = frame[frame["role"] == "experiment"].droplevel("election_id")
    baseline = study.baselines[0]
    data = contrast(panel, "invalid", study.election, baseline)
    data = data.subset(~data.treated | np.isin(data.codes, frame.index.to_numpy(dtype=str)))
    rows = frame[frame.index.isin(data.codes)]
    if rows.empty:
        return
    analysis = study.analysis
    note = ""
    try:
        require_controls(data, baseline, study.election)
        net = randomise_contrast(
            data,
            study,
            weighting="ballot",
            method="randomisation",
            draws=analysis.draws,
            seed=analysis.seed,
        )
    except ValueError as error:
        nan = math.nan
        net = RandomisationResult(nan, nan, nan, nan, nan, 0, exact=False, distribution=np.empty(0))
        note = plain_reason(error)
    missing = sorted(set(study.experiment()) - set(rows.index))
    yield from _compared(rows, net, study.election, analysis.seed, note or _left_out(missing))


def _left_out(codes: list[str]) -> str:
    return LEFT_OUT + ", ".join(codes) if codes else ""


def _compared(
    rows: pd.DataFrame, net: RandomisationResult, election: str, seed: int, note: str
) -> Iterator[MarkingMeasure]:
    cast = float(rows[DENOMINATOR].sum())
    invalid = float(rows[INVALID].sum())
    gross = {level: float(columns_of(rows, codes).sum()) for level, codes in LEVELS.items()}

    def measure(
        level: str, quantity: str, value: tuple[float, float, float], numerator: float = math.nan
    ) -> MarkingMeasure:
        tested = math.isnan(numerator)
        return MarkingMeasure(
            topic=TOPIC,
            election=election,
            unit=CONTRAST,
            level=level,
            quantity=quantity,
            method="randomisation" if tested else "counted",
            estimate=value[0],
            ci_lower=value[1],
            ci_upper=value[2],
            p_value=net.p_value if quantity == "net_excess" else math.nan,
            numerator=numerator,
            denominator=math.nan if tested else cast,
            count=len(rows),
            counted="municipalities",
            draws=net.draws if tested else 0,
            seed=seed if tested else 0,
            note=note,
        )

    effect = (net.estimate, net.ci_lower, net.ci_upper)
    nan = math.nan
    for level in ("design", "general", "several_numbers", WITHOUT_REASON):
        yield measure(level, "gross_share", (gross[level] / cast, nan, nan), gross[level])
    yield measure("invalid", "gross_share", (invalid / cast, nan, nan), invalid)
    yield measure("invalid", "net_excess", effect)
    yield measure("invalid", "expected_share", _less(invalid / cast, effect))
    yield measure("design", "gross_minus_net", _less(gross["design"] / cast, effect))


def _less(share: float, effect: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return a counted share less an effect, and the limits that the effect leaves it."""
    estimate, lower, upper = effect
    return share - estimate, share - upper, share - lower
