"""Parts of the analysis plan that belong to one topic each: sources, times, learning, surveys."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from ballot_eval.estimation.rounded import Rounded
from ballot_eval.plan_file import ElectionId, Frozen, Outcome, formed

Share = Annotated[float, Field(gt=0.0, lt=1.0)]

#: A published share of invalid or blank votes above this fraction is a slip of the pen.
MOST_PUBLISHED = 0.1


class Queue(Frozen):
    """The question on voting booths: how many, so that few voters wait long in a peak.

    Fewer than ``max_share`` of the voters who arrive in a peak of ``peak_minutes`` may wait longer
    than ``max_wait_minutes``.
    """

    arrivals_per_hour: Annotated[
        tuple[Annotated[int, Field(ge=1, le=1000)], ...], Field(min_length=1)
    ]
    max_wait_minutes: Annotated[float, Field(ge=0.0, le=120.0)]
    max_share: Share
    peak_minutes: Annotated[float, Field(gt=0.0, le=600.0)] = 60.0
    replications: Annotated[int, Field(ge=100, le=100_000)] = 1000
    draws: Annotated[int, Field(ge=20, le=10_000)] = 200

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.arrivals_per_hour) != sorted(set(self.arrivals_per_hour)):
            msg = "arrivals_per_hour must rise"
            raise ValueError(msg)
        return self


class Times(Frozen):
    """How times in the booth and at the count are compared."""

    #: The method that the report leads with; the others stand beside it.
    method: Literal["mixed_model", "randomisation"] = "mixed_model"
    #: Voting times beyond it count as this long in the restricted mean, in seconds; less where
    #: observations broke off before.
    horizon_seconds: Annotated[float, Field(gt=0.0, le=3600.0)] = 600.0
    quantiles: Annotated[tuple[Share, ...], Field(min_length=1)] = (0.1, 0.25, 0.5, 0.75, 0.9)
    #: Draws of the cluster bootstrap.
    draws: Annotated[int, Field(ge=99, le=100_000)] = 1999
    queue: Queue | None = None

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.quantiles) != sorted(set(self.quantiles)):
            msg = "quantiles must rise"
            raise ValueError(msg)
        return self


class Exposure(Frozen):
    """One use of the new ballot whose excess is compared with that of the others."""

    election: ElectionId
    #: Election of the same type with the old ballot, which the excess is measured against.
    baseline: ElectionId


ADVICE = "give the percentage as published, such as 0.74% or 0,74%"


def checked_percentage(share: str) -> Rounded:
    """Return a percentage as it was published; ValueError, with advice, for anything else."""
    if not share.endswith("%"):
        msg = f"{share!r} has no percent sign; {ADVICE}"
        raise ValueError(msg)
    try:
        return Rounded(share)
    except ValueError as error:
        msg = f"{error}; {ADVICE}"
        raise ValueError(msg) from error


class PublishedShare(Frozen):
    """A share of votes cast of which only the rounded figure is known, never a count.

    ``unit`` is ``experiment`` (all who had the new ballot, together), ``rest`` (the country without
    them) or a municipality code; ``share`` is the text as published, such as ``0.74%`` or
    ``0,74%``, whose decimals say how it was rounded; ``source`` says where it was published, in
    Dutch, and ``source_en`` the same in English (``source`` stands where it is empty).
    """

    election: ElectionId
    unit: Annotated[
        str, formed(r"experiment|rest|[0-9]{4}", "experiment, rest or a code of four digits")
    ]
    share: str
    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    source_en: str = ""
    outcome: Outcome = "invalid"

    @field_validator("share")
    @classmethod
    def _percentage(cls, share: str) -> str:
        if checked_percentage(share).share > MOST_PUBLISHED:
            msg = f"{share!r} is above {MOST_PUBLISHED:.0%}, which no election comes near; {ADVICE}"
            raise ValueError(msg)
        return share

    @property
    def rounded(self) -> Rounded:
        """Return the share with the limits that its rounding leaves."""
        return Rounded(self.share)


class Learning(Frozen):
    """Which uses of the new ballot are compared, and what is known of them besides counts."""

    exposures: Annotated[tuple[Exposure, ...], Field(min_length=2)]
    published: tuple[PublishedShare, ...] = ()


class PublishedMarking(Frozen):
    """A published share on how the ballot was marked, which stands beside what is computed.

    ``quantity``: ``design_related`` and ``invalid`` are of votes cast, ``party_only`` and
    ``preference`` of valid votes. ``unit`` is ``experiment`` (all who had the new ballot,
    together), ``reference`` (the municipalities it was compared with), ``comparison`` (compared
    with whom is not known) or a municipality code. ``share``, ``source`` and ``source_en`` are
    as those of :class:`PublishedShare`.
    """

    election: ElectionId
    quantity: Literal["design_related", "invalid", "party_only", "preference"]
    unit: Annotated[
        str,
        formed(
            r"experiment|reference|comparison|[0-9]{4}",
            "experiment, reference, comparison or a code of four digits",
        ),
    ]
    share: str
    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    source_en: str = ""

    @field_validator("share")
    @classmethod
    def _percentage(cls, share: str) -> str:
        checked_percentage(share)
        return share

    @property
    def rounded(self) -> Rounded:
        """Return the share with the limits that its rounding leaves."""
        return Rounded(self.share)


class Marking(Frozen):
    """What is known of how the ballot was marked besides counts."""

    published: tuple[PublishedMarking, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Self:
        keys = [(p.election, p.quantity, p.unit) for p in self.published]
        for key in keys:
            if keys.count(key) > 1:
                msg = f"marking: published: {key[1]} of {key[2]} at {key[0]} is given twice"
                raise ValueError(msg)
        return self


class SurveyMargin(Frozen):
    """Known shares of the voters to which the weights of a survey are raked.

    ``shares`` gives each answer to ``question``, in the order of the questionnaire, the share of
    the voters who would give it. They are used for the new and the old ballot separately.
    """

    question: str
    shares: dict[str, Share]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not math.isclose(sum(self.shares.values()), 1.0, abs_tol=1e-6):
            msg = f"shares of {self.question} add up to {sum(self.shares.values()):g}, not to 1"
            raise ValueError(msg)
        return self


class Survey(Frozen):
    """How the answers of surveys are weighted, compared and protected."""

    #: Counts of fewer respondents are not published, nor what reveals them.
    threshold: Annotated[int, Field(ge=3, le=1000)] = 10
    #: Whether each municipality counts the same, or as its voters do, in all surveys: of stations
    #: that were not asked it is not known how many members they have.
    weighting: Literal["municipality", "voter"] = "municipality"
    #: Interval of a share; both keep within 0 and 1.
    interval: Literal["korn_graubard", "logit"] = "korn_graubard"
    margins: tuple[SurveyMargin, ...] = ()
    #: Least and most that raking may multiply a weight by.
    bounds: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (0.2, 5.0)
    #: Least and most weight as a multiple of the mean weight, after raking; none is no trimming.
    trim: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.bounds[0] < 1 < self.bounds[1]:
            msg = f"bounds must lie around 1, found {self.bounds}"
            raise ValueError(msg)
        if self.trim is not None and not self.trim[0] < 1 < self.trim[1]:
            msg = f"trim must lie around 1, found {self.trim}"
            raise ValueError(msg)
        names = [m.question for m in self.margins]
        if len(set(names)) < len(names):
            msg = "margins: a question is named twice"
            raise ValueError(msg)
        return self


#: The formats of files that may give one and the same result.
SourceFormat = Literal[
    "canonical_csv", "eml_510", "osv4-3", "kiesraad_long", "kiesraad_wide", "kiesraad_bundle"
]


class Sources(Frozen):
    """Which source counts where several give the same: formats, the best first.

    A format that is not named comes after those that are.
    """

    prefer: tuple[SourceFormat, ...] = ()

    def rank(self, found: str) -> int:
        """Return the place of a file's format in the preference; the highest for others."""
        # EML comes as eml_510a to eml_510d.
        places = (i for i, name in enumerate(self.prefer) if found.startswith(name))
        return next(places, len(self.prefer))

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len(set(self.prefer)) != len(self.prefer):
            msg = "prefer names a format twice"
            raise ValueError(msg)
        return self
