"""Group-time effects of a roll-out in steps, against never-adopting controls. Arrays only.

A group is the set of units that first used the new ballot in the same period. Its effect at a
period is its mean change since a baseline period minus the same change of the units that never
used it. Periods need not be evenly spaced: everything goes by their order, never by the distance
of their labels.

Standard errors treat units as sampled and are valid when *every group* is large. With a handful
of units in a group they are too small (a group of five understates its own variance by a fifth,
apart from the normal critical value): there they are a second opinion beside randomisation
inference, never the primary interval.

Source: Callaway & Sant'Anna (2021), Journal of Econometrics 225(2), 200–230, without covariates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: First-adoption period of a unit that never adopts.
NEVER = math.inf

#: (group, period) → baseline period, all three as period labels.
Baselines = Mapping[tuple[float, float], float]


@dataclass(frozen=True, slots=True)
class GroupTimeEffects:
    """Effects ATT(g, t); one entry per effect, sorted by group and period.

    ``groups``, ``periods`` and ``baselines`` are period labels, ``exposure`` the number of periods
    since adoption (0 in the first period of use, negative before), ``group_sizes`` the number of
    units in the group, ``n_control`` the number of never-adopting units. ``estimates`` and
    ``std_errors`` are in the unit of the outcome; the error is sqrt(Σψ²)/n for a column ψ of
    ``influence`` (units, effects). ``reasons`` is "" for an estimated effect and "no_baseline"
    for one that is NaN because the caller named no baseline for it; its baseline is NaN too.
    ``first_adoption`` and ``weights`` are those of the units.
    """

    groups: FloatArray
    periods: FloatArray
    baselines: FloatArray
    exposure: IntArray
    estimates: FloatArray
    std_errors: FloatArray
    reasons: tuple[str, ...]
    group_sizes: IntArray
    n_control: int
    influence: FloatArray
    first_adoption: FloatArray
    weights: FloatArray


@dataclass(frozen=True, slots=True)
class AggregateEffects:
    """Averages of group-time effects.

    ``labels`` (k,) are lengths of exposure for "dynamic", group or period labels for "group" and
    "calendar", and empty for "simple"; ``estimates``, ``std_errors`` (k,) and ``influence``
    (units, k) go with them. The ``overall_`` fields average over them as `aggregate_effects`
    says. ``skipped`` counts the undefined effects that were left out.
    """

    method: str
    labels: FloatArray
    estimates: FloatArray
    std_errors: FloatArray
    influence: FloatArray
    overall_estimate: float
    overall_std_error: float
    overall_influence: FloatArray
    skipped: int


@dataclass(frozen=True, slots=True)
class _Panel:
    """Checked input: outcomes (n, periods), role of every unit, group labels and their places."""

    outcomes: FloatArray
    labels: FloatArray
    first_adoption: FloatArray
    weights: FloatArray
    groups: FloatArray
    never: BoolArray

    def place(self, label: float) -> int:
        return int(np.searchsorted(self.labels, label))


def group_time_effects(
    outcomes: FloatArray,
    periods: FloatArray,
    first_adoption: FloatArray,
    *,
    weights: FloatArray | None = None,
    baselines: Baselines | None = None,
) -> GroupTimeEffects:
    """Return ATT(g, t) of every group and period, with never-adopting controls.

    ``outcomes`` (n, T) is a balanced panel, ``periods`` (T,) its strictly increasing labels and
    ``first_adoption`` (n,) the label at which a unit first adopts, or `NEVER`. ``weights`` (n,)
    weigh units within group and controls, and groups in the averages; they default to 1.

    Without ``baselines`` the base period varies: from adoption on it is the last period before
    adoption, before it the preceding period, so the first period has no effect. With ``baselines``
    exactly the pairs named there are compared, so that elections of different type are never
    differenced; see `same_type_baselines` and `common_baselines`. A period from adoption on that
    has no entry stays in the result as NaN with the reason "no_baseline"; an earlier one is not
    in the result.

    Raises ValueError for a missing outcome, a group or control side of fewer than two units,
    adoption in the first or an unknown period, a baseline that is not before adoption, and
    effects without any variation between units.
    """
    panel = _check_panel(outcomes, periods, first_adoption, weights)
    pairs = _varying_pairs(panel) if baselines is None else _named_pairs(panel, baselines)
    n, k = len(panel.outcomes), len(pairs)
    influence = np.full((n, k), math.nan)
    estimates, base = np.full(k, math.nan), np.full(k, math.nan)
    for column, (g, t, b) in enumerate(pairs):
        if b >= 0:
            base[column] = panel.labels[b]
            estimates[column], influence[:, column] = _difference(panel, g, t, b)
    group_of = [g for g, _, _ in pairs]
    adopted = np.array([panel.place(g) for g in group_of], dtype=np.intp)
    at = np.array([t for _, t, _ in pairs], dtype=np.intp)
    sizes = [int((panel.first_adoption == g).sum()) for g in group_of]
    return GroupTimeEffects(
        groups=np.array(group_of, dtype=float),
        periods=panel.labels[at],
        baselines=base,
        exposure=at - adopted,
        estimates=estimates,
        std_errors=_std_errors(influence),
        reasons=tuple("" if b >= 0 else "no_baseline" for _, _, b in pairs),
        group_sizes=np.array(sizes, dtype=np.intp),
        n_control=int(panel.never.sum()),
        influence=influence,
        first_adoption=panel.first_adoption,
        weights=panel.weights,
    )


def same_type_baselines(
    periods: FloatArray, types: Sequence[str], first_adoption: FloatArray
) -> dict[tuple[float, float], float]:
    """Return the last earlier period of the same type as baseline of every group and period.

    ``types`` has one entry per period. From adoption on the baseline is the last period of the
    type before adoption, before it the preceding one of the type. Pairs that have none are
    absent. Raises ValueError when ``types`` and ``periods`` differ in length.
    """
    labels = _check_periods(periods)
    if len(types) != len(labels):
        msg = f"{len(types)} types for {len(labels)} periods"
        raise ValueError(msg)
    found: dict[tuple[float, float], float] = {}
    for group in _groups(np.asarray(first_adoption, dtype=float)):
        for t, label in enumerate(labels):
            limit = min(float(group), float(label))
            before = [
                p for p, kind in zip(labels, types, strict=True) if p < limit and kind == types[t]
            ]
            if before:
                found[float(group), float(label)] = float(before[-1])
    return found


def common_baselines(
    periods: FloatArray, first_adoption: FloatArray
) -> dict[tuple[float, float], float]:
    """Return one baseline per group for all periods: the last one before its adoption.

    Known as the universal base period. Effects before adoption are then deviations from that one
    period, as the bounds in `ballot_eval.estimation.sensitivity` need them. The baseline itself
    is no effect. Raises ValueError for a group that adopts in the first period.
    """
    labels = _check_periods(periods)
    found: dict[tuple[float, float], float] = {}
    for group in _groups(np.asarray(first_adoption, dtype=float)):
        earlier = labels[labels < group]
        if not len(earlier):
            msg = f"group {group:g} adopts in the first period and has no baseline"
            raise ValueError(msg)
        found |= {(float(group), float(t)): float(earlier[-1]) for t in labels if t != earlier[-1]}
    return found


def aggregate_effects(
    effects: GroupTimeEffects,
    *,
    method: Literal["simple", "dynamic", "group", "calendar"],
    undefined: Literal["raise", "skip"] = "raise",
) -> AggregateEffects:
    """Return averages of the effects of groups that have adopted, with standard errors.

    "simple" averages all effects from adoption on, weighted by the size of the group; "dynamic"
    averages per length of exposure (also before adoption), "calendar" per period, both weighted
    by group size; "group" averages per group, all periods equal. The overall number is the equal
    average over exposures from 0 on ("dynamic") or over periods ("calendar"), and the average
    over groups by size ("group"). Size is the sum of the weights; that it is estimated is part of
    the standard error.

    A NaN effect raises ValueError, unless ``undefined`` is "skip": then the averages are over the
    others, another estimand, and ``skipped`` tells how many were left out.
    """
    kept = _defined(effects, undefined)
    post = kept & (effects.exposure >= 0)
    if method == "dynamic":
        keys, chosen = effects.exposure.astype(float), kept
    elif method == "calendar":
        keys, chosen = effects.periods, post
    elif method in ("group", "simple"):
        keys, chosen = effects.groups, post & (method == "group")
    else:
        msg = f"method must be simple, dynamic, group or calendar, not {method!r}"
        raise ValueError(msg)
    labels = np.unique(keys[chosen])
    parts = [_share_average(effects, chosen & (keys == label)) for label in labels]
    estimates = np.array([estimate for estimate, _ in parts], dtype=float)
    influence = np.array([psi for _, psi in parts]).reshape(len(parts), len(effects.weights)).T
    if method == "simple":
        overall, psi = _share_average(effects, post)
    elif method == "group":
        membership = effects.first_adoption[:, None] == labels[None, :]
        overall, psi = _by_share(estimates, influence, membership, effects.weights)
    else:
        counted = labels >= 0 if method == "dynamic" else np.ones(len(labels), dtype=bool)
        overall, psi = float(estimates[counted].mean()), influence[:, counted].mean(axis=1)
    return AggregateEffects(
        method=method,
        labels=labels,
        estimates=estimates,
        std_errors=_std_errors(influence),
        influence=influence,
        overall_estimate=overall,
        overall_std_error=float(_std_errors(psi[:, None])[0]),
        overall_influence=psi,
        skipped=int((~kept).sum()),
    )


def _defined(effects: GroupTimeEffects, undefined: str) -> BoolArray:
    """Return which effects are numbers, or refuse to leave the others out unasked."""
    kept = np.isfinite(effects.estimates)
    if undefined not in ("raise", "skip"):
        msg = f'undefined must be "raise" or "skip", not {undefined!r}'
        raise ValueError(msg)
    if undefined == "raise" and not kept.all():
        msg = (
            f"{int((~kept).sum())} effects have no baseline; skipping them changes what is "
            'averaged: name baselines for them or pass undefined="skip"'
        )
        raise ValueError(msg)
    if not (kept & (effects.exposure >= 0)).any():
        msg = "no effect from adoption on is defined"
        raise ValueError(msg)
    return kept


def influence_covariance(influence: FloatArray) -> FloatArray:
    """Return the covariance (k, k) of effects with influence functions (n, k): ψ'ψ/n²."""
    psi = np.asarray(influence, dtype=float)
    return np.asarray(psi.T @ psi / len(psi) ** 2, dtype=float)


def _check_panel(
    outcomes: FloatArray,
    periods: FloatArray,
    first_adoption: FloatArray,
    weights: FloatArray | None,
) -> _Panel:
    y = np.asarray(outcomes, dtype=float)
    labels = _check_periods(periods)
    first = np.asarray(first_adoption, dtype=float)
    if y.ndim != 2 or y.shape[1] != len(labels) or first.shape != y.shape[:1]:
        msg = f"outcomes {y.shape} do not fit {len(labels)} periods and {first.shape} units"
        raise ValueError(msg)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    if w.shape != first.shape or not (np.isfinite(w).all() and (w > 0).all()):
        msg = "weights must be finite and positive, one per unit"
        raise ValueError(msg)
    if not np.isfinite(y).all():
        unit, period = np.argwhere(~np.isfinite(y))[0]
        msg = (
            f"outcome of unit {unit} at period {labels[period]:g} is missing or infinite "
            f"({int((~np.isfinite(y)).sum())} in all); the panel must be balanced"
        )
        raise ValueError(msg)
    groups = _check_adoption(first, labels)
    return _Panel(y, labels, first, w, groups, first == NEVER)


def _check_periods(periods: FloatArray) -> FloatArray:
    labels = np.asarray(periods, dtype=float)
    if labels.ndim != 1 or len(labels) < 2 or not np.isfinite(labels).all():
        msg = "periods must be at least two finite labels"
        raise ValueError(msg)
    if not (np.diff(labels) > 0).all():
        msg = "periods must be strictly increasing"
        raise ValueError(msg)
    return labels


def _groups(first: FloatArray) -> FloatArray:
    return np.unique(first[first != NEVER])


def _check_adoption(first: FloatArray, labels: FloatArray) -> FloatArray:
    """Return the group labels, or say what makes the groups unusable."""
    groups = _groups(first)
    never = int((first == NEVER).sum())
    unknown = groups[~np.isin(groups, labels)]
    alone = [f"{g:g}" for g in groups if (first == g).sum() < 2]
    msg = ""
    if len(unknown):
        msg = f"first adoption {unknown[0]:g} is not one of the periods (never: NEVER)"
    elif not len(groups):
        msg = "no unit adopts"
    elif groups[0] == labels[0]:
        count = int((first == labels[0]).sum())
        msg = f"{count} units adopt in the first period and have no baseline; leave them out first"
    elif never < 2:
        msg = f"{never} never-adopting units; at least two are needed as controls"
    elif alone:
        msg = (
            f"one unit only in group {', '.join(alone)}: its standard error cannot be estimated; "
            "use randomisation inference"
        )
    if msg:
        raise ValueError(msg)
    return groups


def _varying_pairs(panel: _Panel) -> list[tuple[float, int, int]]:
    """Return (group, place of period, place of baseline), without the first period."""
    count = len(panel.labels)
    return [
        (float(g), t, min(t, panel.place(g)) - 1) for g in panel.groups for t in range(1, count)
    ]


def _named_pairs(panel: _Panel, baselines: Baselines) -> list[tuple[float, int, int]]:
    """Return the same for the caller's baselines; −1 where an effect has none."""
    for (group, period), base in baselines.items():
        if group not in panel.groups or period not in panel.labels or base not in panel.labels:
            msg = f"baseline {base:g} of group {group:g} at {period:g}: unknown group or period"
            raise ValueError(msg)
        if base >= group or base == period:
            msg = (
                f"baseline {base:g} of group {group:g} at {period:g} must be another period, "
                "before adoption"
            )
            raise ValueError(msg)
    named = {(float(g), panel.place(t)): panel.place(b) for (g, t), b in baselines.items()}
    pairs = [
        (float(g), t, named.get((float(g), t), -1))
        for g in panel.groups
        for t in range(len(panel.labels))
        if (float(g), t) in named or t >= panel.place(g)
    ]
    if all(b < 0 for _, t, b in pairs):
        msg = "baselines name no pair of periods at all"
        raise ValueError(msg)
    return pairs


def _difference(panel: _Panel, group: float, t: int, base: int) -> tuple[float, FloatArray]:
    """Return the difference-in-differences and its influence function (n,)."""
    change = panel.outcomes[:, t] - panel.outcomes[:, base]
    n = len(change)
    psi = np.zeros(n)
    means = []
    for sign, side in ((1.0, panel.first_adoption == group), (-1.0, panel.never)):
        w = panel.weights[side]
        mean = float((w * change[side]).sum() / w.sum())
        psi[side] = sign * n * w * (change[side] - mean) / w.sum()
        means.append(mean)
    scale = float(np.abs(panel.outcomes[:, [t, base]]).max())
    if np.abs(psi).max() <= 1e-12 * scale:
        msg = f"all changes of group {group:g} to {panel.labels[t]:g} are identical: no variation"
        raise ValueError(msg)
    return means[0] - means[1], psi


def _share_average(effects: GroupTimeEffects, chosen: BoolArray) -> tuple[float, FloatArray]:
    membership = effects.first_adoption[:, None] == effects.groups[None, chosen]
    return _by_share(
        effects.estimates[chosen], effects.influence[:, chosen], membership, effects.weights
    )


def _by_share(
    estimates: FloatArray, influence: FloatArray, membership: BoolArray, weights: FloatArray
) -> tuple[float, FloatArray]:
    """Average effects by the share of their group, with the influence of estimated shares.

    ``membership`` (n, k) tells whether a unit is in the group of an effect.
    """
    relative = weights / weights.mean()
    shares = (relative[:, None] * membership).mean(axis=0)
    total = float(shares.sum())
    average = float(shares @ estimates / total)
    # Derivative of the shares: zero when all effects are of one group.
    shift = relative * (membership @ (estimates - average)) / total
    return average, influence @ (shares / total) + shift


def _std_errors(influence: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt((influence**2).sum(axis=0)) / len(influence), dtype=float)
