"""Votes for the candidate whose number is that of the list. Arrays only.

A voter who marks the number of the list again where that of a candidate is asked for votes for
candidate k of list k: valid, and perhaps not meant. The signature is an *excess*: that candidate
has a larger share of the votes on the list than is to be expected. What is to be expected comes
from the other lists of the municipality at the same position (lists that differ by municipality:
municipal elections), or from the same candidate in municipalities with the old ballot (the same
lists everywhere: national elections).

It cannot be told apart on list 1, where it is a vote for the first candidate, and on a list that
is too short; the last candidates of a list, often well known and there to draw votes, are left out
by asking for more than ``SPARE`` names after k. A candidate who is known may well stand at position
k of list k somewhere: the tests take municipalities, or the numbers of lists, as what could have
been otherwise.

Votes are stored as (U, L, P): U municipalities, L numbers of lists from 1, P positions from 1,
NaN where there is no such candidate. The excess has the same shape, in fractions of the votes on
the list, NaN where it cannot be told.

Sources: Hodges & Lehmann (1963), Annals of Mathematical Statistics 34 (shift and its interval);
Fisher (1935), The Design of Experiments (permutation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import mannwhitneyu, norm

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: A list has to have more names after the candidate than this, so that its last three are never
#: judged; and this many votes.
SPARE, MIN_VOTES = 2, 200

#: Highest number that is looked at where lists differ by municipality: hardly any list with a
#: higher one is long enough.
LARGEST = 12

#: Controls from which a variance is taken; with fewer, one could be small by chance.
ENOUGH = 10

#: Why a list takes no part, in the order in which the reasons are looked for.
EXCLUSIONS = ("first_list", "high_number", "short_list", "few_votes", "nothing_to_compare")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Lists that can be judged, one entry (n,) each.

    ``unit`` is the position of the municipality and ``number`` that of the list and the candidate;
    ``votes`` are the candidate's, ``total`` those of the list, ``excess`` a fraction of ``total``.
    """

    unit: IntArray
    number: IntArray
    votes: FloatArray
    total: FloatArray
    excess: FloatArray

    def only(self, keep: BoolArray) -> Pairs:
        """Return the pairs that ``keep`` (n,) marks."""
        floats = (values[keep] for values in (self.votes, self.total, self.excess))
        return Pairs(self.unit[keep], self.number[keep], *floats)


@dataclass(frozen=True, slots=True)
class Shift:
    """A robust difference between two groups: estimate, limits and two-sided p-value."""

    estimate: float
    ci_lower: float
    ci_upper: float
    p_value: float


@dataclass(frozen=True, slots=True)
class NumberTest:
    """The mean excess at the numbers of the lists, against numbers dealt out at random.

    ``expected`` is the mean over ``draws`` in which the lists of a municipality swap numbers; both
    are in standard deviations, as what was tested is. ``count`` is the number of lists that the
    mean is of: those whose candidate has a deviation.
    """

    estimate: float
    expected: float
    p_value: float
    draws: int
    count: int


def list_totals(votes: FloatArray) -> FloatArray:
    """Return the votes (U, L) on each list; NaN where there is no list."""
    present = ~np.isnan(votes)
    return np.where(present.any(axis=2), np.nansum(votes, axis=2), np.nan)


def judged(votes: FloatArray, *, spare: int = SPARE, min_votes: int = MIN_VOTES) -> BoolArray:
    """Return which candidates (U, L, P) can be judged.

    Not the first one, and only on lists with at least ``min_votes`` votes and more than
    ``spare`` names after the candidate.
    """
    length = (~np.isnan(votes)).sum(axis=2)[:, :, None]
    position = np.arange(1, votes.shape[2] + 1)
    enough = np.nan_to_num(list_totals(votes))[:, :, None] >= min_votes
    there: BoolArray = ~np.isnan(votes) & enough & (length > position + spare) & (position > 1)
    return there


def excess_over_other_lists(
    votes: FloatArray, *, spare: int = SPARE, min_votes: int = MIN_VOTES
) -> FloatArray:
    """Return shares minus the mean share at the same position on the municipality's other lists.

    Every list counts the same. NaN where the candidate, or every other one, cannot be judged.
    """
    mask = judged(votes, spare=spare, min_votes=min_votes)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(mask, votes / list_totals(votes)[:, :, None], np.nan)
        others = mask.sum(axis=1, keepdims=True) - 1
        rest = np.nansum(shares, axis=1, keepdims=True) - shares
        return np.asarray(shares - np.where(others > 0, rest / others, np.nan))


def excess_over_controls(
    votes: FloatArray, controls: BoolArray, *, spare: int = SPARE, min_votes: int = MIN_VOTES
) -> FloatArray:
    """Return the excess over the mean share of the same candidate in ``controls`` (U,).

    The shares that are compared are of the votes not for the first candidate, since the ballot
    itself may change how many there are. If a share e of the voters on the list repeats its number
    and the others choose as voters in the controls do, the share of the candidate goes from q to
    q + e(1 − q)/r, with r the votes not for the first candidate over all votes on the list; what is
    returned is e. NaN where the candidate cannot be judged there, or in no control.
    """
    mask = judged(votes, spare=spare, min_votes=min_votes)
    rest = list_totals(votes) - votes[:, :, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(mask & (rest > 0)[:, :, None], votes / rest[:, :, None], np.nan)
        count = (~np.isnan(shares[controls])).sum(axis=0)
        expected = np.nansum(shares[controls], axis=0) / count
        ratio = (rest / list_totals(votes))[:, :, None]
        return np.asarray(
            ratio * (shares - expected) / np.where(expected < 1, 1 - expected, np.nan)
        )


def own_numbers(values: FloatArray, largest: int | None = None) -> FloatArray:
    """Return the values (U, K) at candidate k of list k, from k = 1 up to ``largest``."""
    size = min(*values.shape[1:], largest or values.shape[1])
    at = np.arange(size)
    return values[:, at, at]


def repeated_pairs(
    excess: FloatArray, votes: FloatArray, *, largest: int | None = LARGEST
) -> Pairs:
    """Return candidate k of every list k from 2 to ``largest`` that can be judged."""
    own = own_numbers(excess, largest)
    own[:, 0] = np.nan
    unit, column = np.nonzero(~np.isnan(own))
    return Pairs(
        unit=unit,
        number=column + 1,
        votes=votes[unit, column, column],
        total=list_totals(votes)[unit, column],
        excess=own[unit, column],
    )


def exclusions(
    excess: FloatArray,
    votes: FloatArray,
    *,
    largest: int | None = LARGEST,
    spare: int = SPARE,
    min_votes: int = MIN_VOTES,
) -> IntArray:
    """Return per list (U, L) why it takes no part: a position in ``EXCLUSIONS``.

    −1 where it does take part and −2 where there is no such list.
    """
    lists = votes.shape[1]
    number = np.arange(1, lists + 1)
    total, length = list_totals(votes), (~np.isnan(votes)).sum(axis=2)
    kept = np.zeros(total.shape, dtype=bool)
    pairs = repeated_pairs(excess, votes, largest=largest)
    kept[pairs.unit, pairs.number - 1] = True
    # From the last reason to the first, so that an earlier one has the last word.
    found = np.full(total.shape, EXCLUSIONS.index("nothing_to_compare"), dtype=np.intp)
    found[total < min_votes] = EXCLUSIONS.index("few_votes")
    found[length <= number + spare] = EXCLUSIONS.index("short_list")
    found[:, number > (largest or lists)] = EXCLUSIONS.index("high_number")
    found[:, 0] = EXCLUSIONS.index("first_list")
    found[kept] = -1
    found[np.isnan(total)] = -2
    return found


def precision_weights(pairs: Pairs, controls: BoolArray) -> FloatArray:
    """Return one over the variance among ``controls`` (U,) of the excess at the same number (n,).

    Positions far down a list vary much less than the second. 0, so that a pair takes no part,
    where fewer than ``ENOUGH`` controls have that number.
    """
    weights = np.zeros(len(pairs.number))
    control = controls[pairs.unit]
    for number in np.unique(pairs.number):
        here = pairs.number == number
        values = pairs.excess[here & control]
        variance = values.var(ddof=1) if len(values) >= ENOUGH else 0.0
        if variance > 0:
            weights[here] = 1 / variance
    return weights


def in_control_deviations(excess: FloatArray, controls: BoolArray, *, by_list: bool) -> FloatArray:
    """Return the excess (U, L, P) in standard deviations among ``controls`` (U,).

    Those of the same position, and with ``by_list`` of the same list too: where lists are the same
    everywhere. Without this, numbers could not be swapped: a candidate known in one region varies
    more between municipalities than others do. NaN with fewer than ``ENOUGH`` controls.
    """
    axes = (0,) if by_list else (0, 1)
    values = excess[controls]
    count = (~np.isnan(values)).sum(axis=axes)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(values, axis=axes) / count
        variance = np.nansum((values - mean) ** 2, axis=axes) / (count - 1)
    usable = (count >= ENOUGH) & (variance > 0)
    return np.asarray(excess / np.sqrt(np.where(usable, variance, np.nan)))


def unit_means(pairs: Pairs, weights: FloatArray, n_units: int) -> FloatArray:
    """Return the weighted mean excess (U,) of each municipality; NaN without a weight."""
    sums, total = (
        np.bincount(pairs.unit, values, n_units) for values in (weights * pairs.excess, weights)
    )
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / np.where(total > 0, total, np.nan))


def hodges_lehmann(
    values: FloatArray, treated: BoolArray, *, confidence_level: float = 0.95
) -> Shift:
    """Return the median of all differences between ``treated`` (n,) and other ``values`` (n,).

    The p-value is that of the rank-sum test, and the limits are the differences that it does not
    reject, by the normal approximation. A few odd units move it little. Infinite limits where
    there are too few units. Raises ValueError without units on a side, and for values that are
    not finite.
    """
    x, y = values[treated], values[~treated]
    if not len(x) or not len(y):
        msg = "a robust difference needs at least one experiment unit and one control"
        raise ValueError(msg)
    if not np.isfinite(values).all():
        msg = "values must be finite; leave units without a value out first"
        raise ValueError(msg)
    differences = np.sort(np.subtract.outer(x, y).ravel())
    count = len(differences)
    z = float(norm.ppf(0.5 + confidence_level / 2))
    spread = math.sqrt(count * (len(x) + len(y) + 1) / 12)
    skipped = math.floor(count / 2 - z * spread)
    limits = (
        (float(differences[skipped]), float(differences[count - 1 - skipped]))
        if skipped >= 0
        else (-math.inf, math.inf)
    )
    p_value = float(mannwhitneyu(x, y, alternative="two-sided").pvalue)
    return Shift(float(np.median(differences)), *limits, p_value)


def number_test(
    excess: FloatArray,
    votes: FloatArray,
    *,
    draws: int,
    seed: int,
    largest: int | None = LARGEST,
) -> NumberTest:
    """Test the mean excess at the own numbers by dealing the numbers of lists out anew.

    ``excess``, from :func:`in_control_deviations`, and ``votes`` (U, L, P) are of the
    municipalities with the new ballot. In a draw the
    lists of a municipality with numbers from 2 to ``largest`` swap their numbers at random, and
    the excess is taken at the position of the number that each got: would other positions have
    shown as much? Two-sided: p = (b+1)/(draws+1) with b the draws at least as far from their mean.
    Raises ValueError when no list can be judged, and without draws.
    """
    if draws < 1:
        msg = f"draws must be positive, not {draws}"
        raise ValueError(msg)
    rng = np.random.default_rng(seed)
    sums, counts = np.zeros(draws), np.zeros(draws)
    own_sum, own_count = 0.0, 0
    last = min(*excess.shape[1:], largest or excess.shape[1])
    there = ~np.isnan(list_totals(votes))[:, 1:last]
    for values, present in zip(excess[:, 1:last, 1:last], there, strict=True):
        lists = np.flatnonzero(present)
        table = values[np.ix_(lists, lists)]
        known = ~np.isnan(table)
        filled = np.where(known, table, 0.0)
        own_sum, own_count = own_sum + np.trace(filled), own_count + np.trace(known)
        order = rng.random((draws, len(lists))).argsort(axis=1)
        rows = np.arange(len(lists))
        sums += filled[rows, order].sum(axis=1)
        counts += known[rows, order].sum(axis=1)
    if not own_count:
        msg = "no list of these municipalities can be judged"
        raise ValueError(msg)
    drawn = sums[counts > 0] / counts[counts > 0]
    estimate, expected = own_sum / own_count, float(drawn.mean())
    distance = abs(estimate - expected)
    tolerance = 1e-12 * max(1.0, distance)
    beyond = int((np.abs(drawn - expected) >= distance - tolerance).sum())
    p_value = (beyond + 1) / (len(drawn) + 1)
    return NumberTest(float(estimate), expected, p_value, len(drawn), int(own_count))
