"""Voters who mark the number of the list again where that of a candidate is asked for.

Such a vote is valid, for candidate k of list k, and perhaps not meant. What it would be without is
taken from the municipality's other lists at the same position, at municipal and other regional
elections; at national ones from the same candidate in control municipalities
(:mod:`~ballot_eval.estimation.repeated_number`). The difference with controls, where the old ballot
shows the candidate's name, is what the new ballot adds.

*Estimand.* The mean excess over the lists of the experiment municipalities that can be judged, in
fractions of the votes on the list: every list counted once (``list``, with which the report
leads) or as often as it has votes (``ballot``); where lists differ by municipality also by how
little the position varies among controls (``precision``: for the same excess on every list). A
municipality that was made of several has no lists of its own before that, and is left out there.

In simulated results (200 seeds, 66 controls, 68 at national elections, an excess of 0.02; standard
error 1.5 points) the 95% intervals held it at municipal elections in 98% (``list``), 97.5%
(``ballot``), 93.5% (``precision``) and 97% (``hodges_lehmann``, which compares the means over
lists) of cases, and at national ones in 91.5, 93.5 and 95.5% (no ``precision``). At national
elections the same candidate varies so little among controls that chance in the excess itself is not
seen: there ``precision`` held it in 66.5% and is not given. At municipal ones its mean is 0.0213.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.clusters import cluster_design, cluster_ols
from ballot_eval.estimation.inference import RandomisationResult
from ballot_eval.estimation.repeated_number import (
    EXCLUSIONS,
    LARGEST,
    Pairs,
    excess_over_controls,
    excess_over_other_lists,
    exclusions,
    hodges_lehmann,
    in_control_deviations,
    list_totals,
    number_test,
    precision_weights,
    repeated_pairs,
    unit_means,
)
from ballot_eval.panel import DENOMINATOR, Contrast, Panel, size_strata
from ballot_eval.reasons import plain_reason
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.invalid_votes import randomise_contrast
from ballot_eval.topics.marking.candidates import (
    DRAWS,
    NATIONAL,
    CandidateVotes,
    candidate_votes,
)
from ballot_eval.topics.marking.shares import CONTRAST, drawn_measure
from ballot_eval.topics.strata import has_strata

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

TOPIC = "repeated_number"
EXCESS = "excess_share"

WEIGHTINGS = ("list", "ballot")

NO_PAIRS = "no experiment municipality, or no control, has a list that can be judged"


@dataclass(frozen=True, slots=True)
class Repeated:
    """What can be judged at one election.

    ``votes`` and ``excess`` are (U, L, P) as in the estimation module, ``roles`` (U,) and ``size``
    (U,), the votes cast, belong to ``codes``. ``pairs`` are candidate k of list k, where it can be
    judged, up to ``largest``, the highest number that is looked at; None for all there are.
    """

    election: str
    national: bool
    codes: tuple[str, ...]
    roles: npt.NDArray[np.str_]
    size: pd.Series[int]
    votes: FloatArray
    excess: FloatArray
    largest: int | None
    pairs: Pairs

    def of(self, *roles: str) -> BoolArray:
        """Return which municipalities (U,) have one of the roles."""
        return np.isin(self.roles, roles)


def repeated_number_results(
    accepted: Mapping[str, pd.DataFrame], panel: Panel
) -> Iterator[MarkingMeasure]:
    """Yield the excess at the study's election and, with the old ballot, at its baselines.

    Nothing without votes per candidate at the study's election.
    """
    study, frame = panel.study, accepted["candidate_results"]
    now = candidate_votes(frame, panel, study.election)
    if now is None:
        return
    for election in reversed(study.baselines):
        earlier = candidate_votes(frame, panel, election)
        if earlier is not None:
            data = repeated_number(earlier, panel)
            yield from _groups(data, panel, ("all", "experiment", "control"))
            yield from _contrasts(data, panel)
    data = repeated_number(now, panel)
    yield from _groups(data, panel, ("experiment", "control"))
    contrasts = list(_contrasts(data, panel))
    yield from contrasts
    yield from _by_number(data, panel)
    yield _number_test(data, panel.study)
    yield from _unintended(data, contrasts)
    yield from _exclusions(data)


def repeated_number(found: CandidateVotes, panel: Panel) -> Repeated:
    """Return what can be judged of the votes for candidates at one election."""
    national = panel.study.election_by_id(found.election).type in NATIONAL
    votes, units = found.array(), found.municipalities
    if not national:
        kept = ~units.index.isin(found.merged)
        votes, units = votes[kept], units[kept]
    roles = units["role"].to_numpy(dtype=str)
    excess = (
        excess_over_controls(votes, roles == "control")
        if national
        else excess_over_other_lists(votes)
    )
    cast = panel.results[panel.results["election_id"] == found.election]
    size = cast.set_index("municipality_code")[DENOMINATOR].reindex(units.index)
    codes = tuple(str(code) for code in units.index)
    largest = None if national else LARGEST
    return Repeated(
        election=found.election,
        national=national,
        codes=codes,
        roles=roles,
        size=size,
        votes=votes,
        excess=excess,
        largest=largest,
        pairs=repeated_pairs(excess, votes, largest=largest),
    )


def _groups(data: Repeated, panel: Panel, units: tuple[str, ...]) -> Iterator[MarkingMeasure]:
    """Yield the mean excess of groups over all lists, and at every number."""
    for unit in units:
        members = np.ones(len(data.codes), bool) if unit == "all" else data.of(unit)
        pairs = data.pairs.only(members[data.pairs.unit])
        if len(pairs.number):
            yield _mean(data.election, unit, "total", pairs, panel.study)
        for number in np.unique(pairs.number):
            part = pairs.only(pairs.number == number)
            yield _mean(data.election, unit, str(number), part, panel.study)


def _mean(election: str, unit: str, level: str, pairs: Pairs, study: StudyDesign) -> MarkingMeasure:
    """Return the mean excess over lists with the jackknife interval over municipalities."""
    low, high, note = math.nan, math.nan, ""
    try:
        design = cluster_design(np.ones((len(pairs.unit), 1)), pairs.unit)
        found = cluster_ols(
            design,
            pairs.excess,
            method="crv3",
            confidence_level=study.analysis.confidence_level,
        )[0]
        low, high = found.ci_lower, found.ci_upper
    except ValueError as error:
        note = plain_reason(error)
    return MarkingMeasure(
        TOPIC,
        election,
        unit,
        level,
        EXCESS,
        "crv3",
        float(pairs.excess.mean()),
        low,
        high,
        numerator=float(pairs.votes.sum()),
        denominator=float(pairs.total.sum()),
        count=len(pairs.unit),
        counted="lists",
        note=note,
    )


def repeated_contrast(data: Repeated, pairs: Pairs, weighting: str, study: StudyDesign) -> Contrast:
    """Return the mean excess of every experiment and control municipality that has one.

    ``change`` is the mean and ``votes_cast`` the sum of the weights. Raises ValueError where one
    of the groups has no list that can be judged.
    """
    controls = data.of("control")
    weights = {
        "list": np.ones(len(pairs.unit)),
        "ballot": pairs.total,
        "precision": precision_weights(pairs, controls),
    }[weighting]
    means = unit_means(pairs, weights, len(data.codes))
    kept = np.flatnonzero(~np.isnan(means) & data.of("experiment", "control"))
    treated = data.of("experiment")[kept]
    if not 0 < treated.sum() < len(treated):
        raise ValueError(NO_PAIRS)
    return Contrast(
        codes=tuple(data.codes[i] for i in kept),
        change=means[kept],
        treated=treated,
        votes_cast=np.bincount(pairs.unit, weights, len(data.codes))[kept].astype(float),
        strata=size_strata(data.size.iloc[kept], study),
    )


def _contrast(
    data: Repeated, pairs: Pairs, panel: Panel, level: str, weighting: str, draws: int
) -> MarkingMeasure:
    """Return the excess of experiment over control municipalities, by reassignment."""
    study, method = panel.study, f"randomisation_{weighting}"
    about = MarkingMeasure(TOPIC, data.election, CONTRAST, level, EXCESS, method, math.nan)

    def work() -> tuple[RandomisationResult, int]:
        made = repeated_contrast(data, pairs, weighting, study)
        found = randomise_contrast(
            made,
            study,
            # The weights of the contrast are those of its municipalities together.
            weighting="ballot",
            method="randomisation",
            draws=draws,
            seed=study.analysis.seed,
        )
        return found, len(made.codes)

    return drawn_measure(about, study, work)


def _contrasts(data: Repeated, panel: Panel) -> Iterator[MarkingMeasure]:
    """Yield the difference over all lists: by reassignment, and robust to odd municipalities."""
    study, pairs = panel.study, data.pairs
    for weighting in (*WEIGHTINGS, *(() if data.national else ("precision",))):
        yield _contrast(data, pairs, panel, "total", weighting, study.analysis.draws)
    parts = (TOPIC, data.election, CONTRAST, "total", EXCESS, "hodges_lehmann")
    try:
        made = repeated_contrast(data, pairs, "list", study)
        if has_strata(made):
            msg = "the method does not compare within strata"
            raise ValueError(msg)
        level = study.analysis.confidence_level
        found = hodges_lehmann(made.change, made.treated, confidence_level=level)
    except ValueError as error:
        yield MarkingMeasure(*parts, math.nan, note=plain_reason(error))
        return
    ends = (found.ci_lower, found.ci_upper, found.p_value)
    count = len(made.codes)
    yield MarkingMeasure(*parts, found.estimate, *ends, count=count, counted="municipalities")


def _by_number(data: Repeated, panel: Panel) -> Iterator[MarkingMeasure]:
    """Yield the difference at every number that an experiment municipality has."""
    pairs = data.pairs
    draws = min(DRAWS, panel.study.analysis.draws)
    for number in np.unique(pairs.number[data.of("experiment")[pairs.unit]]):
        part = pairs.only(pairs.number == number)
        yield _contrast(data, part, panel, str(number), "list", draws)


def _number_test(data: Repeated, study: StudyDesign) -> MarkingMeasure:
    """Return whether other positions of the experiment municipalities show as much."""
    parts = (TOPIC, data.election, "experiment", "total", "excess_deviations", "number_permutation")
    experiment = data.of("experiment")
    deviations = in_control_deviations(data.excess, data.of("control"), by_list=data.national)
    seed = study.analysis.seed
    try:
        found = number_test(
            deviations[experiment],
            data.votes[experiment],
            draws=min(DRAWS, study.analysis.draws),
            seed=seed,
            largest=data.largest,
        )
    except ValueError as error:
        return MarkingMeasure(*parts, math.nan, note=plain_reason(error))
    return MarkingMeasure(
        *parts,
        found.estimate - found.expected,
        p_value=found.p_value,
        count=found.count,
        counted="lists",
        draws=found.draws,
        seed=seed,
    )


def _unintended(data: Repeated, contrasts: Sequence[MarkingMeasure]) -> Iterator[MarkingMeasure]:
    """Yield votes that were perhaps not meant: the excess times the votes on lists judged.

    ``contrasts`` are the differences over all lists of the same data. As a number, as a share of
    the votes on these lists, and of all valid votes; by ``list`` for the same excess on all of
    them. ``repeated_share`` is what candidate k of list k has in all: there cannot be more.
    """
    experiment = data.of("experiment")
    pairs = data.pairs.only(experiment[data.pairs.unit])
    judged, own = float(pairs.total.sum()), float(pairs.votes.sum())
    valid = float(np.nansum(list_totals(data.votes)[experiment]))
    counted = {"count": len(pairs.unit), "counted": "lists"}
    names = (TOPIC, data.election, "experiment", "total")
    if judged:
        yield MarkingMeasure(
            *names,
            "repeated_share",
            "count",
            own / judged,
            numerator=own,
            denominator=judged,
            **counted,  # type: ignore[arg-type]
        )
    methods = [f"randomisation_{weighting}" for weighting in WEIGHTINGS]
    for found in (m for m in contrasts if m.method in methods):
        for quantity, scale, votes in (
            ("unintended_votes", judged, math.nan),
            ("unintended_share_of_judged", 1.0, judged),
            ("unintended_share_of_valid", judged / valid if valid else math.nan, valid),
        ):
            yield MarkingMeasure(
                *names,
                quantity,
                found.method,
                found.estimate * scale,
                found.ci_lower * scale,
                found.ci_upper * scale,
                found.p_value,
                numerator=found.estimate * judged,
                denominator=votes,
                **counted,  # type: ignore[arg-type]
                draws=found.draws,
                seed=found.seed,
                note=found.note,
            )


def _exclusions(data: Repeated) -> Iterator[MarkingMeasure]:
    """Yield the number of lists of experiment municipalities that are left out, by reason."""
    experiment = data.of("experiment")
    totals = list_totals(data.votes)[experiment]
    found = exclusions(data.excess, data.votes, largest=data.largest)[experiment]
    valid = float(np.nansum(totals))
    for position, reason in enumerate(EXCLUSIONS):
        here = found == position
        yield MarkingMeasure(
            TOPIC,
            data.election,
            "experiment",
            reason,
            "excluded_lists",
            "count",
            float(here.sum()),
            numerator=float(totals[here].sum()),
            denominator=valid,
            count=int(here.sum()),
            counted="lists",
        )
