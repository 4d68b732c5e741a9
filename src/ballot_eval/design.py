"""The study design: ``study.toml`` read, checked and frozen.

The file is the analysis plan. Whatever decides on a number (who is in the experiment, which
baseline, which weighting, which seed) stands in it and nowhere else.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from ballot_eval.plan_file import (
    ElectionId,
    Frozen,
    MunicipalityCode,
    Outcome,
    formed,
    mistakes,
    read_plan,
)
from ballot_eval.plan_topics import Learning, Marking, PublishedShare, Sources, Survey, Times
from ballot_eval.questionnaire import Questionnaire, load_questionnaires
from ballot_eval.schema import TABLES, Table

Weighting = Literal["municipality", "ballot"]
Role = Literal["experiment", "control", "former"]


class Election(Frozen):
    """One election. ``type`` decides what may be compared: only equal types ever are."""

    id: ElectionId
    date: dt.date
    type: Literal["TK", "GR", "EP", "PS", "WS"]
    new_ballot: tuple[MunicipalityCode, ...] = ()
    results: bool = True

    @model_validator(mode="after")
    def _id_matches(self) -> Self:
        if not self.id.startswith(self.type):
            msg = f"id {self.id} does not start with its type {self.type}"
            raise ValueError(msg)
        if self.id[2:] != str(self.date.year):
            msg = f"id {self.id} does not carry the year of its date {self.date}"
            raise ValueError(msg)
        if len(set(self.new_ballot)) != len(self.new_ballot):
            msg = "new_ballot names a municipality twice"
            raise ValueError(msg)
        return self


class Reference(Frozen):
    """Reference municipalities: named one by one, or the nearest in size by a fixed rule."""

    municipalities: tuple[MunicipalityCode, ...] = ()
    nearest_size: Annotated[int, Field(ge=1, le=20)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if len(set(self.municipalities)) != len(self.municipalities):
            msg = "municipalities names a municipality twice"
            raise ValueError(msg)
        if bool(self.municipalities) == (self.nearest_size is not None):
            msg = "give either municipalities or nearest_size, not both and not neither"
            raise ValueError(msg)
        return self


class Strata(Frozen):
    """Strata within which the experiment role is reassigned: size groups of the municipalities."""

    size_groups: Annotated[int, Field(ge=2, le=10)]


class Analysis(Frozen):
    """Everything that decides how the effect is estimated."""

    outcome: Outcome
    weighting: Weighting
    confidence_level: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    draws: Annotated[int, Field(ge=99, le=10_000_000)]
    max_exact: Annotated[int, Field(ge=1, le=5_000_000)] = 100_000
    seed: Annotated[int, Field(ge=0)]
    #: In fractions of votes cast: 0.001 is 0.1 percentage point.
    margin: Annotated[float, Field(gt=0.0, le=0.05)] | None = None
    strata: Strata | None = None


class StudyDesign(Frozen):
    """One study, frozen and validated. Made by :func:`load_study`."""

    id: Annotated[str, formed(r"[a-z0-9_-]+", "small letters, digits, hyphens and underscores")]
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    title_en: str = ""
    language: Literal["nl", "en"] = "nl"
    election: ElectionId
    baselines: Annotated[tuple[ElectionId, ...], Field(min_length=1)]
    municipalities: dict[MunicipalityCode, str]
    elections: Annotated[tuple[Election, ...], Field(min_length=2)]
    analysis: Analysis
    reference: Reference | None = None
    times: Times = Times()
    learning: Learning | None = None
    marking: Marking = Marking()
    survey: Survey = Survey()
    sources: Sources = Sources()
    #: Whether an empty raw folder is filled with simulated data, marked as such everywhere.
    simulate_when_empty: bool = False
    #: The surveys, from the files ``survey_*.toml`` beside the study file; none is no survey.
    questionnaires: tuple[Questionnaire, ...] = ()
    #: Folder of the report project, relative to the study file.
    report: str | None = None
    sha256: str = ""
    folder: Path = Path()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [e.id for e in self.elections]
        if len(set(ids)) != len(ids):
            msg = "elections: an id is given twice"
            raise ValueError(msg)
        for name in (self.election, *self.baselines):
            if name not in ids:
                msg = f"{name} is not among the elections; allowed: {', '.join(ids)}"
                raise ValueError(msg)
        target = self.election_by_id(self.election)
        if not target.new_ballot:
            msg = f"elections {target.id}: new_ballot is empty, so there is nothing to evaluate"
            raise ValueError(msg)
        if not target.results:
            msg = f"election: {target.id} has results = false, so there is nothing to evaluate"
            raise ValueError(msg)
        if len(set(self.baselines)) != len(self.baselines):
            msg = f"baselines: an election is named twice ({', '.join(self.baselines)})"
            raise ValueError(msg)
        self._check_baselines(target)
        unnamed = sorted(
            {c for e in self.elections for c in e.new_ballot} - set(self.municipalities)
        )
        if unnamed:
            msg = f"new_ballot names {', '.join(unnamed)}, which [municipalities] does not name"
            raise ValueError(msg)
        chosen = set(self.reference.municipalities) if self.reference else set()
        if clash := sorted(chosen & set(self.ever_exposed())):
            msg = f"reference: {', '.join(clash)} used the new ballot and cannot be a reference"
            raise ValueError(msg)
        if self.learning is not None:
            self._check_learning(self.learning)
        for questionnaire in self.questionnaires:
            if questionnaire.election != self.election:
                msg = (
                    f"{questionnaire.file}: key election: {questionnaire.election} is not the "
                    f"election of the study; allowed: {self.election}"
                )
                raise ValueError(msg)
        self._check_survey()
        for published in self.marking.published:
            if not any(e.id == published.election and e.new_ballot for e in self.elections):
                msg = f"marking: published: {published.election} has no new_ballot in this study"
                raise ValueError(msg)
        return self

    def _check_survey(self) -> None:
        voters = self.questionnaire("voter_survey")
        for margin in self.survey.margins:
            found = [q for q in voters.questions if q.id == margin.question] if voters else []
            if not found or found[0].codes != tuple(margin.shares):
                codes = ", ".join(found[0].codes) if found else ""
                allowed = f"one share for each of {codes}" if codes else "a question to voters"
                msg = f"survey.margins: {margin.question} does not fit; allowed: {allowed}"
                raise ValueError(msg)

    def _check_learning(self, learning: Learning) -> None:
        days = []
        for exposure in learning.exposures:
            names = (exposure.election, exposure.baseline)
            if unknown := [n for n in names if n not in {e.id for e in self.elections}]:
                msg = f"learning: {unknown[0]} is not among the elections"
                raise ValueError(msg)
            used = self.election_by_id(exposure.election)
            days.append(used.date)
            if not used.new_ballot:
                msg = f"learning: {used.id} has no new_ballot, so it is no exposure"
                raise ValueError(msg)
            then = self.election_by_id(exposure.baseline)
            if then.type != used.type or then.date >= used.date or then.new_ballot:
                msg = (
                    f"learning: the baseline of {used.id} must be an earlier {used.type} election "
                    f"with the old ballot, not {then.id}"
                )
                raise ValueError(msg)
        if days != sorted(set(days)) or learning.exposures[-1].election != self.election:
            msg = f"learning: exposures must follow each other in time and end with {self.election}"
            raise ValueError(msg)
        self._check_published(learning)

    def _check_published(self, learning: Learning) -> None:
        """Refuse published shares that are of nobody, or that cannot be true together."""
        known: dict[tuple[str, str], dict[str, PublishedShare]] = {}
        for share in learning.published:
            if share.election not in {e.election for e in learning.exposures}:
                msg = f"learning: published: {share.election} is no exposure"
                raise ValueError(msg)
            exposed = self.election_by_id(share.election).new_ballot
            if share.unit.isdigit() and share.unit not in exposed:
                msg = (
                    f"learning: published: {share.unit} had no new ballot at {share.election}; "
                    f"allowed: experiment, rest, {', '.join(exposed)}"
                )
                raise ValueError(msg)
            units = known.setdefault((share.election, share.outcome), {})
            if share.unit in units:
                msg = f"learning: published: {share.unit} at {share.election} is given twice"
                raise ValueError(msg)
            units[share.unit] = share
        for (election, _), units in known.items():
            parts = [units.get(c) for c in self.election_by_id(election).new_ballot]
            _refuse_contradiction(election, units.get("experiment"), parts)

    def _check_baselines(self, target: Election) -> None:
        for name in self.baselines:
            baseline = self.election_by_id(name)
            if baseline.type != target.type:
                msg = (
                    f"baselines: {name} is of another type than {target.id}; only {target.type} is"
                )
                raise ValueError(f"{msg} comparable")
            if baseline.date >= target.date:
                msg = f"baselines: {name} is not earlier than {target.id}"
                raise ValueError(msg)
            if not baseline.results:
                msg = f"baselines: {name} has results = false"
                raise ValueError(msg)
            if baseline.new_ballot:
                msg = f"baselines: {name} was partly held with the new ballot"
                raise ValueError(msg)

    def election_by_id(self, election_id: str) -> Election:
        """Return the election with this id; KeyError when the study has none."""
        for election in self.elections:
            if election.id == election_id:
                return election
        raise KeyError(election_id)

    def experiment(self) -> tuple[str, ...]:
        """Return the codes of the municipalities with the new ballot at the study's election."""
        return self.election_by_id(self.election).new_ballot

    def ever_exposed(self) -> tuple[str, ...]:
        """Return the codes that used the new ballot at any election up to the study's, sorted."""
        last = self.election_by_id(self.election).date
        return tuple(sorted({c for e in self.elections if e.date <= last for c in e.new_ballot}))

    def role(self, code: str) -> Role:
        """Return the role of a municipality at the study's election.

        ``former`` used the new ballot before but not now: neither experiment nor clean control.
        """
        if code in self.experiment():
            return "experiment"
        return "former" if code in self.ever_exposed() else "control"

    def exposure(self, code: str, election_id: str) -> int:
        """Return how often the municipality had used the new ballot, this election included."""
        date = self.election_by_id(election_id).date
        return sum(code in e.new_ballot for e in self.elections if e.date <= date)

    def needed_elections(self) -> tuple[str, ...]:
        """Return the elections whose results are needed: baselines, oldest first, then its own."""
        return (*sorted(self.baselines, key=lambda e: self.election_by_id(e).date), self.election)

    def learning_elections(self) -> tuple[str, ...]:
        """Return the further elections that the learning effect needs, oldest first.

        They may be missing: what they are needed for is then left out, and a finding says so.
        """
        if self.learning is None:
            return ()
        pairs = [(e.baseline, e.election) for e in self.learning.exposures]
        names = {n for pair in pairs for n in pair} - set(self.needed_elections())
        return tuple(sorted(names, key=lambda e: self.election_by_id(e).date))

    def all_elections(self) -> frozenset[str]:
        """Return every election whose results are used: for the effect and for learning."""
        return frozenset((*self.needed_elections(), *self.learning_elections()))

    def fixed_set(self) -> tuple[str, ...]:
        """Return who has the new ballot at every use that the learning effect compares, sorted."""
        if self.learning is None:
            return ()
        sets = [set(self.election_by_id(e.election).new_ballot) for e in self.learning.exposures]
        return tuple(sorted(set.intersection(*sets)))

    def tables(self) -> dict[str, Table]:
        """Return the raw tables of this study: the usual ones and those of its questionnaires."""
        return TABLES | {q.table: q.layout() for q in self.questionnaires}

    def questionnaire(self, table: str) -> Questionnaire | None:
        """Return the questionnaire of a survey table, None when the study has none."""
        return next((q for q in self.questionnaires if q.table == table), None)


def _refuse_contradiction(
    election: str, together: PublishedShare | None, parts: list[PublishedShare | None]
) -> None:
    """Raise ValueError when no votes cast make the shares of all parts that of all together."""
    known = [p for p in parts if p is not None]
    if together is None or not known or len(known) < len(parts):
        return
    low, high = min(p.rounded.lower for p in known), max(p.rounded.upper for p in known)
    if together.rounded.upper < low or together.rounded.lower > high:
        msg = (
            f"learning: published: {together.share} for all together at {election} contradicts "
            f"the shares of its municipalities, {', '.join(p.share for p in known)}"
        )
        raise ValueError(msg)


def shipped_study(study_id: str) -> Path | None:
    """Return the file of a study that comes with the package, None when there is none.

    A wheel carries the studies; a checkout has them in ``analysis/``.
    """
    here = Path(__file__).resolve().parent
    candidates = (
        here / "data" / "studies" / study_id / "study.toml",
        here.parents[1] / "analysis" / study_id / "study.toml",
    )
    return next((file for file in candidates if file.is_file()), None)


def load_study(path: str | Path) -> StudyDesign:
    """Read a study file and the questionnaires beside it into a frozen :class:`StudyDesign`.

    ``path`` is a ``study.toml``, the folder that holds it, or the id of a study that comes with
    the package (``gr2026``). Raises DesignError with one line per mistake: key, what is wrong,
    what is allowed.
    """
    file = Path(path)
    if file.is_dir():
        file = file / "study.toml"
    elif not file.exists() and file.name == str(path):
        file = shipped_study(file.name) or file
    advice = "give a study folder or a study.toml"
    values = read_plan(file, advice, ("folder", "questionnaires"))
    values |= {"folder": file.parent, "questionnaires": load_questionnaires(file.parent)}
    try:
        return StudyDesign.model_validate(values)
    except ValidationError as error:
        raise mistakes(file, error, values) from error
