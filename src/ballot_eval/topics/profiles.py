"""One experiment municipality beside all others: its history, its change and its place.

Everything here describes; nothing is tested. The change of one municipality against that of the
controls holds whatever else happened there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.rates import wilson_interval
from ballot_eval.estimation.rounded import Rounded
from ballot_eval.estimation.survival import kaplan_meier
from ballot_eval.mergers import current_code
from ballot_eval.panel import DENOMINATOR, OUTCOMES, Contrast, Panel, contrast
from ballot_eval.topics.counts import KINDS, select_counts
from ballot_eval.topics.voters import Voters

#: So many control municipalities, the nearest in votes cast, are the comparable ones.
COMPARABLE = 20

#: The band of the controls is from the first to the last of these quantiles.
BAND = (0.05, 0.5, 0.95)

_COUNTS = (DENOMINATOR, *OUTCOMES["residual"])


@dataclass(frozen=True, slots=True)
class Share:
    """A share of votes cast with its Wilson interval; fractions, NaN where there were no votes."""

    votes_count: int
    rate: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a municipality at one election.

    ``shares`` are by outcome, empty without counts; ``published`` is the rounded share of the
    plan's outcome that stands in their place, if any. ``controls`` are the quantiles ``BAND`` of
    the rates of the controls by outcome, NaN without any.
    """

    election: str
    new_ballot: bool
    votes_cast_count: int
    shares: dict[str, Share]
    published: Rounded | None
    controls: dict[str, tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of an experiment municipality from results.

    ``history`` is in order of date. ``change`` is that of the rate of the plan's outcome since the
    first baseline and ``control_change`` the mean of the controls' (fractions, NaN where either
    cannot be given). ``lower_of_controls`` of the ``controls_count`` controls have a lower rate,
    ``smaller_changes`` of the ``changes_count`` that have a change have a smaller one, and
    ``lower_of_comparable`` of the ``comparable_count`` controls nearest in votes cast have a lower
    rate.
    """

    code: str
    history: tuple[Result, ...]
    change: float
    control_change: float
    controls_count: int
    lower_of_controls: int
    changes_count: int
    smaller_changes: int
    comparable_count: int
    lower_of_comparable: int

    @property
    def here(self) -> Result:
        """Return the result at the study's election, the last of all."""
        return self.history[-1]


def profiles(accepted: Mapping[str, pd.DataFrame], panel: Panel) -> tuple[Profile, ...]:
    """Return the profile of each experiment municipality, by code."""
    study = panel.study
    elections = sorted(study.all_elections(), key=lambda e: study.election_by_id(e).date)
    counts = {e: _counts(accepted["municipality_results"], study, e) for e in elections}
    bands = {
        e: {outcome: _band(frame, study, outcome) for outcome in OUTCOMES}
        for e, frame in counts.items()
    }
    outcome = study.analysis.outcome
    changes = contrast(panel, outcome, study.election, study.baselines[0])
    now = panel.counts(study.election, outcome)
    now = now[now["denominator"] > 0]
    return tuple(
        _profile(
            code,
            tuple(_result(code, e, counts[e], bands[e], study) for e in elections),
            changes,
            now,
        )
        for code in sorted(study.experiment())
    )


def _counts(results: pd.DataFrame, study: StudyDesign, election: str) -> pd.DataFrame:
    """Return the counts of an election by municipality of today, those with votes."""
    rows = results[results["election_id"] == election]
    since, until = (study.election_by_id(e).date for e in (election, study.election))
    codes = current_code(rows["municipality_code"].astype(str), since, until)
    sums = rows[list(_COUNTS)].groupby(codes.to_numpy()).sum()
    return sums[sums[DENOMINATOR] > 0]


def _rates(frame: pd.DataFrame, outcome: str) -> pd.Series[float]:
    return frame[list(OUTCOMES[outcome])].sum(axis=1) / frame[DENOMINATOR]


def _band(frame: pd.DataFrame, study: StudyDesign, outcome: str) -> tuple[float, float, float]:
    controls = frame[[study.role(str(code)) == "control" for code in frame.index]]
    if controls.empty:
        return (math.nan,) * 3
    low, middle, high = np.quantile(_rates(controls, outcome).to_numpy(float), BAND).tolist()
    return low, middle, high


def _result(
    code: str,
    election: str,
    counts: pd.DataFrame,
    band: dict[str, tuple[float, float, float]],
    study: StudyDesign,
) -> Result:
    new_ballot = code in study.election_by_id(election).new_ballot
    if code not in counts.index:
        return Result(election, new_ballot, 0, {}, _published(code, election, study), band)
    row = dict(zip(_COUNTS, counts.loc[code, list(_COUNTS)].to_numpy(int).tolist(), strict=True))
    cast, level = row[DENOMINATOR], study.analysis.confidence_level
    shares = {}
    for outcome, columns in OUTCOMES.items():
        votes = sum(row[name] for name in columns)
        limits = wilson_interval(votes, cast, confidence_level=level)
        shares[outcome] = Share(votes, votes / cast, *limits)
    return Result(election, new_ballot, cast, shares, None, band)


def _published(code: str, election: str, study: StudyDesign) -> Rounded | None:
    """Return the rounded share of a municipality in the plan, None where it has none."""
    for share in study.learning.published if study.learning else ():
        if (share.election, share.unit, share.outcome) == (election, code, study.analysis.outcome):
            return share.rounded
    return None


def _profile(code: str, history: tuple[Result, ...], data: Contrast, now: pd.DataFrame) -> Profile:
    """Return a profile from the changes and the counts (with votes) of all municipalities."""
    changes = pd.Series(data.change, index=list(data.codes))
    controls = changes[~data.treated]
    rates = now["numerator"] / now["denominator"]
    others = rates[now["role"] == "control"]
    size = np.log(now["denominator"].astype(float))
    near = (size[others.index] - size[code]).abs().sort_values(kind="stable").index[:COMPARABLE]
    change = float(changes.get(code, math.nan))
    return Profile(
        code=code,
        history=history,
        change=change,
        control_change=float(controls.mean()),
        controls_count=len(others),
        lower_of_controls=int((others < rates[code]).sum()),
        changes_count=len(controls),
        smaller_changes=int((controls < change).sum()),
        comparable_count=len(near),
        lower_of_comparable=int((others[near] < rates[code]).sum()),
    )


@dataclass(frozen=True, slots=True)
class Median:
    """The median of so many observations, in the unit of what was observed; NaN: not reached."""

    count: int
    value: float


def booth_medians(voters: Voters) -> dict[str, Median]:
    """Return the median time in the booth in seconds by municipality with observed voters.

    Broken-off observations count as longer than what was seen (Kaplan–Meier).
    """
    made = {}
    for code in sorted(set(voters.municipality)):
        part = voters.only((voters.municipality == code).to_numpy(dtype=bool))
        curve = kaplan_meier(part.seconds, part.complete)
        made[str(code)] = Median(part.n, curve.quantile(0.5).estimate)
    return made


def pace_medians(frame: pd.DataFrame, study: StudyDesign) -> dict[tuple[str, str], Median]:
    """Return the median person-minutes per 100 ballots of finished counts.

    By municipality and kind of count, at the study's election, from accepted ``counting_times``.
    """
    made = {}
    for kind in KINDS:
        counts = select_counts(frame, study, study.election, kind)
        done = counts.only(counts.finished)
        codes, pace = done.municipality.to_numpy(dtype=str), done.pace
        for code in np.unique(codes):
            chosen = pace[codes == code]
            made[str(code), kind.name] = Median(len(chosen), float(np.median(chosen)))
    return made
