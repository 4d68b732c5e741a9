"""The municipality × election panel: roles, exposure, mergers, same-type baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.errors import DesignError
from ballot_eval.mergers import current_code
from ballot_eval.schema import COUNT_FIELDS

#: Numerator columns of each outcome; ``residual`` votes are invalid and blank together.
OUTCOMES: dict[str, tuple[str, ...]] = {
    "invalid": ("invalid_votes_count",),
    "blank": ("blank_votes_count",),
    "residual": ("invalid_votes_count", "blank_votes_count"),
}

#: The denominator of every invalid and blank rate: votes cast (H = E + F + G).
DENOMINATOR = "votes_cast_count"


#: Votes cast as a share of eligible voters; an outcome that the ballot should leave alone.
TURNOUT = "turnout"

#: Numerator columns and denominator of everything that is compared.
MEASURES = {name: (columns, DENOMINATOR) for name, columns in OUTCOMES.items()} | {
    TURNOUT: ((DENOMINATOR,), "eligible_voters_count")
}


@dataclass(frozen=True, slots=True)
class Panel:
    """Results of the study's elections on today's municipalities.

    ``results`` has one row per election and municipality: ``election_id``, ``municipality_code``,
    ``municipality_name``, ``role`` (experiment, control, former), ``exposure`` (how often the new
    ballot was used, this election included), ``is_reference`` and the counts. ``regions`` keeps
    what is not a municipality: the national row, the postal station, Caribbean bodies.
    """

    study: StudyDesign
    results: pd.DataFrame
    regions: pd.DataFrame

    def counts(self, election: str, outcome: str) -> pd.DataFrame:
        """Return numerator and denominator per municipality at one election, by code.

        ``outcome`` is one of ``OUTCOMES``, or ``turnout``.
        """
        columns, denominator = MEASURES[outcome]
        rows = self.results[self.results["election_id"] == election].set_index("municipality_code")
        return pd.DataFrame(
            {
                "numerator": rows[list(columns)].sum(axis=1),
                "denominator": rows[denominator],
                "role": rows["role"],
                "is_reference": rows["is_reference"],
                "municipality_name": rows["municipality_name"],
            }
        )


def build_panel(accepted: Mapping[str, pd.DataFrame], study: StudyDesign) -> Panel:
    """Build the panel from accepted tables; results of merged municipalities are added up.

    Raises DesignError when an experiment municipality, a whole election, or every control of the
    primary comparison is missing, because an effect without them would not be the effect the
    study registered.
    """
    rows = on_todays_map(accepted["municipality_results"], study)
    have = set(rows["election_id"])
    for election in study.needed_elections():
        if election not in have:
            msg = f"no accepted results of {election}; add its file to the raw folder"
            raise DesignError(msg)
    results = (
        rows.groupby(["election_id", "municipality_code"], sort=True)[list(COUNT_FIELDS)]
        .sum()
        .reset_index()
    )
    latest = rows[rows["election_id"] == study.election]
    latest = latest.drop_duplicates("municipality_code").set_index("municipality_code")
    # The name of today, or the study's own; a municipality gone since keeps its code.
    names = latest["municipality_name"].to_dict() | dict(study.municipalities)
    codes = results["municipality_code"]
    results.insert(2, "municipality_name", codes.map(names).fillna(codes))
    results.insert(3, "role", codes.map(study.role))
    results.insert(
        4,
        "exposure",
        [study.exposure(c, e) for c, e in zip(codes, results["election_id"], strict=True)],
    )
    _require_experiment(results, study)
    if not (results["role"] == "control").any():
        msg = "no control municipality has an accepted result"
        raise DesignError(msg)
    _require_controls(results, study)
    results.insert(5, "is_reference", codes.isin(reference_set(results, study)))
    regions = accepted["region_results"]
    regions = regions[regions["election_id"].isin(study.needed_elections())]
    return Panel(study, results, regions.reset_index(drop=True))


def on_todays_map(frame: pd.DataFrame, study: StudyDesign) -> pd.DataFrame:
    """Return the rows of the study's elections with the codes of municipalities of today, as text.

    ``given_code`` is the code that a row had.
    """
    until = study.election_by_id(study.election).date
    parts = []
    for election in study.needed_elections():
        rows = frame[frame["election_id"] == election]
        codes = rows["municipality_code"].astype(str)
        since = study.election_by_id(election).date
        today = current_code(codes, since, until)
        parts.append(rows.assign(election_id=election, municipality_code=today, given_code=codes))
    return pd.concat(parts, ignore_index=True)


def _require_experiment(results: pd.DataFrame, study: StudyDesign) -> None:
    for election in study.needed_elections():
        counted = (results["election_id"] == election) & (results[DENOMINATOR] > 0)
        have = set(results.loc[counted, "municipality_code"])
        if missing := [c for c in study.experiment() if c not in have]:
            names = ", ".join(f"{study.municipalities[c]} ({c})" for c in missing)
            msg = f"{election}: no accepted result with votes of experiment municipality {names}"
            raise DesignError(msg)


def _require_controls(results: pd.DataFrame, study: StudyDesign) -> None:
    """Raise DesignError when no control has both elections of the primary comparison."""
    counted = results[(results["role"] == "control") & (results[DENOMINATOR] > 0)]
    at = [
        set(counted.loc[counted["election_id"] == election, "municipality_code"])
        for election in (study.election, study.baselines[0])
    ]
    if not at[0] & at[1]:
        msg = (
            "no control municipality has an accepted result with votes at both "
            f"{study.election} and {study.baselines[0]}, the primary comparison"
        )
        raise DesignError(msg)


def reference_set(results: pd.DataFrame, study: StudyDesign) -> tuple[str, ...]:
    """Return the codes of the reference municipalities, sorted; empty when the study has none.

    ``nearest_size`` takes, for each experiment municipality in order of code, the controls with
    the nearest number of votes cast (log scale) at the first baseline, each control once.
    """
    if study.reference is None:
        return ()
    if study.reference.municipalities:
        return tuple(sorted(study.reference.municipalities))
    rows = results[results["election_id"] == study.baselines[0]].set_index("municipality_code")
    size = pd.Series(np.log(rows[DENOMINATOR].where(rows[DENOMINATOR] > 0)), index=rows.index)
    free = size[rows["role"] == "control"].dropna()
    chosen: list[str] = []
    for code in sorted(study.experiment()):
        near = (free - size[code]).abs().sort_values(kind="stable").index
        taken = near[: study.reference.nearest_size]
        chosen.extend(taken)
        free = free.drop(taken)
    return tuple(sorted(chosen))


@dataclass(frozen=True, slots=True)
class Contrast:
    """Changes of a rate between two elections, one entry per municipality that has both.

    ``change`` is in fractions of votes cast, ``votes_cast`` that of the later election.
    """

    codes: tuple[str, ...]
    change: npt.NDArray[np.float64]
    treated: npt.NDArray[np.bool_]
    votes_cast: npt.NDArray[np.float64]
    strata: npt.NDArray[np.intp]

    def subset(self, keep: npt.NDArray[np.bool_]) -> Contrast:
        """Return the contrast of the municipalities that ``keep`` (n,) marks."""
        return Contrast(
            codes=tuple(c for c, k in zip(self.codes, keep, strict=True) if k),
            change=self.change[keep],
            treated=self.treated[keep],
            votes_cast=self.votes_cast[keep],
            strata=self.strata[keep],
        )


def contrast(panel: Panel, outcome: str, election: str, baseline: str) -> Contrast:
    """Return the changes from ``baseline`` to ``election``, experiment against control.

    Former experiment municipalities are left out, and so is a municipality without votes at
    one of the two elections. Raises DesignError when the elections are of different type.
    """
    study = panel.study
    if study.election_by_id(election).type != study.election_by_id(baseline).type:
        msg = f"{election} and {baseline} are of different type and are never differenced"
        raise DesignError(msg)
    now, then = panel.counts(election, outcome), panel.counts(baseline, outcome)
    both = now.join(then[["numerator", "denominator"]].add_suffix("_then"), how="inner")
    usable = (both["role"] != "former") & (both["denominator"] > 0) & (both["denominator_then"] > 0)
    both = both[usable].sort_index()
    change = (
        both["numerator"] / both["denominator"] - both["numerator_then"] / both["denominator_then"]
    )
    return Contrast(
        codes=tuple(both.index),
        change=change.to_numpy(dtype=float),
        treated=(both["role"] == "experiment").to_numpy(dtype=bool),
        votes_cast=both["denominator"].to_numpy(dtype=float),
        strata=size_strata(both["denominator_then"], study),
    )


def size_strata(votes: pd.Series[int], study: StudyDesign) -> npt.NDArray[np.intp]:
    """Return the size group (n,) of each municipality by its ``votes``; 0 without strata."""
    if study.analysis.strata is None:
        return np.zeros(len(votes), dtype=np.intp)
    # Ranks break ties, so the groups are as equal in number as they can be.
    ranks = votes.rank(method="first") - 1
    groups = study.analysis.strata.size_groups
    return np.asarray(ranks * groups // len(votes), dtype=np.intp)
