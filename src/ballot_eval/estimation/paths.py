"""Randomisation inference for staggered designs: whole exposure paths are permuted. Arrays only.

Where municipalities start, stop and repeat at different elections, what is reassigned is the
whole history of a municipality. A contrast of paths, such as third-timers against first-timers,
is tested without assuming that a history has no other consequences than those in the contrast.

Sources: Roth & Sant'Anna (2023), JPE Microeconomics 1(4) (random timing of a staggered
roll-out); Shaikh & Toulis (2021), JASA 116 (randomisation tests with staggered adoption);
Imbens & Rubin (2015), Causal Inference, ch. 5 (inversion).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.assignments import PathAssignments
from ballot_eval.estimation.inference import RandomisationResult, result_of
from ballot_eval.estimation.pvalue_curve import PValueCurve

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def path_randomisation_test(
    values: FloatArray,
    paths: IntArray,
    assignments: PathAssignments,
    *,
    contrast: FloatArray,
    pattern: FloatArray | None = None,
    confidence_level: float = 0.95,
) -> RandomisationResult:
    """Test the contrast Σ_p λ_p·(mean of path p − mean of the never exposed).

    ``values`` is (n,), or (n, P) with in column p−1 the outcome on which path p is compared (for
    example the change up to the elections that path p is about); both means of path p are then
    taken in its own column. ``paths`` (n,) is 0 for never exposed, else 1..P; ``contrast`` (P,)
    holds λ. Every path keeps its number of units.

    The hypothesis H_τ that is tested and inverted: a unit with observed path p would, never
    exposed, have had its value lowered by τ·e_p, in every column. ``pattern`` (P,) holds e, or
    (P, P) with in row p−1 the effect of path p on each column; by default it is proportional to
    λ. It is scaled so that the contrast of the effects is 1: τ is the value of the contrast. The
    p-value is that of H_0, no effect of any path on any unit; the p-values of other effects, and
    so the interval, rest on the pattern. When Σλ = 0 and only units that were exposed are
    permuted, an effect common to all paths changes nothing, and only differences in e matter.

    Without never-exposed units the contrast must sum to 0 and ``values`` be (n,).
    Raises ValueError for NaN, for shapes that do not fit, a contrast of zeros or over a path that
    no unit has, and a pattern that the contrast does not see.
    """
    labels, lam = np.asarray(paths), np.asarray(contrast, dtype=float)
    y = _checked_values(values, labels, lam, assignments)
    sizes = np.bincount(labels, minlength=len(lam) + 1)
    if not sizes[0] and not (np.asarray(values).ndim == 1 and abs(lam.sum()) <= 1e-12):
        msg = "without never-exposed units the contrast must sum to 0, over one column of values"
        raise ValueError(msg)
    centred = y - y.mean(axis=0)
    if np.abs(centred).max() <= 1e-14 * np.abs(y).max():
        centred = np.zeros_like(y)
    effects = _effects(pattern, labels, lam)
    exposed = np.flatnonzero(labels)[None, :]
    own = labels[exposed[0]]
    scale = float(_contrasts(effects, lam, sizes, exposed, own)[0])
    if abs(scale) <= 1e-12 * np.abs(effects).max() * np.abs(lam).max():
        msg = "the contrast does not see an effect with this pattern: it cancels out"
        raise ValueError(msg)
    slots = assignments.labels
    curve = PValueCurve(
        a=_contrasts(centred, lam, sizes, assignments.members, slots),
        b=_contrasts(effects / scale, lam, sizes, assignments.members, slots),
        estimate=float(_contrasts(centred, lam, sizes, exposed, own)[0]),
        exact=assignments.exact,
    )
    return result_of(curve, confidence_level)


def _checked_values(
    values: FloatArray, labels: IntArray, lam: FloatArray, assignments: PathAssignments
) -> FloatArray:
    """Return the values as (n, P) after checking shapes, labels and contrast."""
    y = np.asarray(values, dtype=float)
    y = np.repeat(y[:, None], lam.size, axis=1) if y.ndim == 1 else y
    n = assignments.n_units
    if lam.ndim != 1 or labels.shape != (n,) or y.shape != (n, lam.size):
        msg = (
            f"values {y.shape}, paths {labels.shape} and contrast {lam.shape} do not fit "
            f"{n} units: (n,) or (n, P), (n,) and (P,)"
        )
        raise ValueError(msg)
    if not np.isfinite(y).all():
        msg = "values must be finite; leave units without a baseline out first"
        raise ValueError(msg)
    if not np.isfinite(lam).all() or not lam.any():
        msg = "the contrast must be finite and not all zeros"
        raise ValueError(msg)
    if not np.array_equal(np.sort(labels[labels > 0]), np.sort(assignments.labels)):
        msg = "the paths are not those of the assignments"
        raise ValueError(msg)
    if labels.max() > lam.size:
        msg = f"path {int(labels.max())} has no place in a contrast of {lam.size} paths"
        raise ValueError(msg)
    missing = [p + 1 for p in np.flatnonzero(lam) if not (labels == p + 1).any()]
    if missing:
        msg = f"no unit has path {missing[0]}, which is in the contrast"
        raise ValueError(msg)
    return y


def _effects(pattern: FloatArray | None, labels: IntArray, lam: FloatArray) -> FloatArray:
    """Return the effect of every unit's observed path on every column, (n, P)."""
    e = lam if pattern is None else np.asarray(pattern, dtype=float)
    e = np.repeat(e[:, None], lam.size, axis=1) if e.ndim == 1 else e
    if e.shape != (lam.size, lam.size) or not np.isfinite(e).all():
        msg = f"pattern must be finite, of shape ({lam.size},) or ({lam.size}, {lam.size})"
        raise ValueError(msg)
    effects: FloatArray = np.vstack([np.zeros(lam.size), e])[labels]
    return effects


def _contrasts(
    y: FloatArray, lam: FloatArray, sizes: IntArray, members: IntArray, slots: IntArray
) -> FloatArray:
    """Return the contrast for every row of ``members``, whose column j has path ``slots[j]``.

    A unit adds its share of the mean of its path and is missing from the mean of the never
    exposed: what it adds depends on unit and path alone, so a draw is one sum of gathered numbers.
    """
    never = (y @ lam) / sizes[0] if sizes[0] else np.zeros(len(y))
    total = np.full(len(members), -never.sum())
    columns = [never + lam[p] * y[:, p] / max(int(sizes[p + 1]), 1) for p in range(lam.size)]
    for j, path in enumerate(slots):
        total += np.take(columns[path - 1], members[:, j])
    return total
