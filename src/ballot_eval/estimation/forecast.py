"""What a national introduction would mean for the share and the number of invalid votes.

The expected share of an election like the one the control rate comes from is the control rate
plus the excess of the new ballot (additive) or times its ratio; votes are shares times votes
cast. Nothing is fitted: a scenario says which excess is carried over to the whole country.

Which uncertainty counts for a national total? A total over some 340 municipalities depends on
the mean effect over all of them. Differences between municipalities cancel in it, so an interval
of the average effect (such as the randomisation interval) is the statement about the total, and
a prediction interval for a single municipality would be far too wide. That interval takes the
effect to be the same everywhere, or the experiment municipalities to stand for the country.
They volunteered, so a second and wider statement stands beside it: the range over single
municipalities, that is, the whole country as the municipality with the smallest or the largest
excess. It is not a confidence interval. Between the two lies ``sampled``: a t-interval of the
mean for the case that they were a random sample of all municipalities.

The control rate of the chosen election is a count and has no interval; that a future election
starts from another level is a scenario too, not part of the interval. For a total over ballots
the excess should be ballot-weighted.

Sources: Imbens & Rubin (2015), Causal Inference, ch. 6 (average effects in a finite population);
Higgins, Thompson & Spiegelhalter (2009), JRSS A 172 (mean effect, its interval, and prediction).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

__all__ = ["Effect", "Forecast", "GroupEffects", "forecast", "forecast_scenarios"]

Scale = Literal["additive", "ratio"]
#: The scenarios of :func:`forecast_scenarios`, in order.
Scenario = Literal["no_further_learning", "first_use", "most_exposures", "best_municipality"]


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect with its limits: an excess as a fraction, or a ratio of rates. NaN: not known.

    ``municipalities`` (K,) are the effects of the single municipalities, for the range.
    Raises ValueError for an estimate that is not finite or not within its limits, for one limit
    without the other, and for effects of municipalities that are not finite.
    """

    estimate: float
    lower: float = math.nan
    upper: float = math.nan
    municipalities: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not math.isfinite(self.estimate):
            msg = f"an effect of {self.estimate} cannot be carried over"
            raise ValueError(msg)
        if math.isnan(self.lower) != math.isnan(self.upper):
            msg = "one limit alone is missing"
            raise ValueError(msg)
        if self.lower > self.estimate or self.estimate > self.upper:
            msg = f"{self.estimate} does not lie within {self.lower} to {self.upper}"
            raise ValueError(msg)
        if not all(map(math.isfinite, self.municipalities)):
            msg = "the effect of a single municipality is not finite; leave it out"
            raise ValueError(msg)

    @classmethod
    def from_draws(
        cls,
        draws: npt.ArrayLike,
        *,
        estimate: float | None = None,
        confidence_level: float = 0.95,
        municipalities: tuple[float, ...] = (),
    ) -> Effect:
        """Return an effect with the quantiles of draws (B,) of it as limits.

        The draws are of the effect itself (a bootstrap, a posterior), not of its distribution
        under no effect. ``estimate`` is their mean by default.
        Raises ValueError for fewer than 20 draws, for draws that are not finite, and when the
        estimate lies outside the limits.
        """
        values = np.asarray(draws, dtype=float)
        if values.ndim != 1 or len(values) < 20 or not np.isfinite(values).all():
            msg = "limits need at least 20 finite draws"
            raise ValueError(msg)
        _check_level(confidence_level)
        tail = (1 - confidence_level) / 2
        lower, upper = np.quantile(values, [tail, 1 - tail]).tolist()
        middle = float(values.mean()) if estimate is None else estimate
        return cls(middle, lower, upper, municipalities)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected share of invalid votes, their number and how many more than without the ballot.

    ``share`` is a fraction; ``votes`` and ``extra_votes`` are expected numbers, not rounded.
    ``_lower`` and ``_upper`` follow from the limits of the average effect, ``_range_`` from the
    single municipalities and ``_sampled_`` from a random sample of them (see the module); NaN
    where there are none. ``cut_off`` says that some share fell below 0 or above 1 and was set to
    that limit; votes and extra votes follow the share.
    """

    label: str
    scale: Scale
    control_rate: float
    votes_cast: float
    share: float
    share_lower: float
    share_upper: float
    share_range_lower: float
    share_range_upper: float
    share_sampled_lower: float
    share_sampled_upper: float
    cut_off: bool

    def votes(self, share: float) -> float:
        """Return the number of invalid votes at a share, such as ``share_upper``."""
        return share * self.votes_cast

    def extra_votes(self, share: float) -> float:
        """Return how many invalid votes a share means beyond the control rate."""
        return (share - self.control_rate) * self.votes_cast


def forecast(
    control_rate: float,
    votes_cast: float,
    effect: Effect,
    *,
    label: str,
    scale: Scale,
    confidence_level: float = 0.95,
) -> Forecast:
    """Return the expected national share of invalid votes under one scenario.

    ``control_rate`` is the share (a fraction) without the new ballot, ``votes_cast`` the national
    number of votes cast at the same election. ``effect`` is an excess (``scale="additive"``:
    share = rate + excess) or a ratio of rates (``scale="ratio"``: share = rate × ratio).
    ``confidence_level`` is that of the ``sampled`` limits alone; those of the effect have their
    own. Raises ValueError for a rate outside 0 to 1, votes cast that are not positive, an unknown
    scale, and a negative ratio.
    """
    if not 0 <= control_rate <= 1:
        msg = f"a control rate of {control_rate} is not a fraction"
        raise ValueError(msg)
    if not 0 < votes_cast < math.inf:
        msg = f"{votes_cast} votes cast are not a positive number"
        raise ValueError(msg)
    if scale not in ("additive", "ratio"):
        msg = f"unknown scale {scale!r}"
        raise ValueError(msg)
    _check_level(confidence_level)
    single = effect.municipalities
    if scale == "ratio" and min(effect.estimate, effect.lower, *single) < 0:
        msg = "a ratio of rates is negative"
        raise ValueError(msg)
    ends = (min(single), max(single)) if single else (math.nan, math.nan)
    effects = {
        "share": effect.estimate,
        **_named("", (effect.lower, effect.upper)),
        **_named("range_", ends),
        **_named("sampled_", _sampled(effect, scale, confidence_level)),
    }
    raw = {
        k: control_rate + e if scale == "additive" else control_rate * e for k, e in effects.items()
    }
    # NaN is never beyond a limit, and stays.
    cut = {k: 0.0 if v < 0 else 1.0 if v > 1 else v for k, v in raw.items()}
    cut_off = any(v < 0 or v > 1 for v in raw.values())
    return Forecast(label, scale, control_rate, votes_cast, cut_off=cut_off, **cut)


def _named(kind: str, limits: tuple[float, float]) -> dict[str, float]:
    return {f"share_{kind}lower": limits[0], f"share_{kind}upper": limits[1]}


def _sampled(effect: Effect, scale: Scale, confidence_level: float) -> tuple[float, float]:
    """Return a t-interval around the estimate with the spread of the single municipalities.

    On the ratio scale it is one of logarithms, undefined when a municipality has a ratio of 0.
    """
    single = np.array(effect.municipalities)
    ratio = scale == "ratio"
    if len(single) < 2 or (ratio and min(single.min(), effect.estimate) <= 0):
        return math.nan, math.nan
    values = np.log(single) if ratio else single
    quantile = float(student.ppf(0.5 + confidence_level / 2, len(single) - 1))
    half = quantile * float(values.std(ddof=1)) / math.sqrt(len(single))
    if ratio:
        return effect.estimate * math.exp(-half), effect.estimate * math.exp(half)
    return effect.estimate - half, effect.estimate + half


def _check_level(confidence_level: float) -> None:
    if not 0 < confidence_level < 1:
        msg = f"a confidence level lies between 0 and 1, not {confidence_level}"
        raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class GroupEffects:
    """The effect of one group of municipalities on both scales; ``ratio`` may be left out."""

    excess: Effect
    ratio: Effect | None = None


def forecast_scenarios(
    control_rate: float,
    votes_cast: float,
    *,
    latest: GroupEffects,
    first_use: GroupEffects | None = None,
    most_exposures: GroupEffects | None = None,
    confidence_level: float = 0.95,
) -> dict[tuple[Scenario, Scale], Forecast]:
    """Return the forecasts of the usual scenarios, on every scale a group has an effect on.

    ``no_further_learning``: all experiment municipalities at the latest election (``latest``).
    ``first_use``: those that used the ballot for the first time. ``most_exposures``: those that
    used it most often, so learning as it was seen. ``best_municipality``: the smallest own effect
    among those of ``latest``; the smallest of several is small in part by luck, so it has no
    interval and no range, and on the ratio scale it may be another municipality.
    A group that is None, or has no effects of single municipalities, has no scenario.
    Raises ValueError as :func:`forecast` does.
    """
    groups: dict[Scenario, GroupEffects | None] = {
        "no_further_learning": latest,
        "first_use": first_use,
        "most_exposures": most_exposures,
        "best_municipality": _best(latest),
    }
    made: dict[tuple[Scenario, Scale], Forecast] = {}
    for scenario, group in groups.items():
        if group is None:
            continue
        pairs: tuple[tuple[Scale, Effect | None], ...] = (
            ("additive", group.excess),
            ("ratio", group.ratio),
        )
        for scale, effect in pairs:
            if effect is not None:
                made[scenario, scale] = forecast(
                    control_rate,
                    votes_cast,
                    effect,
                    label=scenario,
                    scale=scale,
                    confidence_level=confidence_level,
                )
    return made


def _best(group: GroupEffects) -> GroupEffects | None:
    if not group.excess.municipalities:
        return None
    ratios = () if group.ratio is None else group.ratio.municipalities
    return GroupEffects(
        excess=Effect(min(group.excess.municipalities)),
        ratio=Effect(min(ratios)) if ratios else None,
    )
