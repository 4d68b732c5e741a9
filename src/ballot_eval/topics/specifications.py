"""The specification curve: the primary outcome under every combination of defensible choices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ballot_eval.estimation.adjusted import adjusted_randomisation_test
from ballot_eval.estimation.assignments import Assignments, draw_assignments
from ballot_eval.estimation.inference import RandomisationResult, randomisation_test
from ballot_eval.estimation.specification import JointTest, Specification, joint_test
from ballot_eval.panel import Contrast, Panel, contrast
from ballot_eval.results import Check, Effect
from ballot_eval.topics.history import check_row, undefined_row
from ballot_eval.topics.invalid_votes import WEIGHTINGS, require_controls
from ballot_eval.topics.pools import control_pools, covariates

METHODS = ("randomisation", "randomisation_adjusted")


#: Other methods on the same scale, in the curve as they are in the effects.
BORROWED_METHODS = ("entropy_balanced", "synthetic_control", "synthetic_did")

#: Other choices of municipalities, in the curve as they are in the checks.
BORROWED_CHECKS = ("leave_one_out", "leave_control_out", "without_jumps")


@dataclass(frozen=True, slots=True)
class Specifications:
    """The specifications from low to high, and those that could not be estimated, with reasons.

    The latter are checks ``specification_omitted``, with pool and method in ``variant``.
    """

    found: tuple[Specification, ...]
    omitted: tuple[Check, ...]


def specification_results(
    panel: Panel, effects: Iterable[Effect] = (), checks: Iterable[Check] = ()
) -> Specifications:
    """Return every baseline × control pool × weighting × method of the primary outcome.

    From ``effects`` come the differences by ``BORROWED_METHODS``, each with its own baseline, and
    from ``checks`` the primary effect without single municipalities (``BORROWED_CHECKS``; the pool
    is then ``check:municipalities``). The unit is a fraction of votes cast. Nothing with strata,
    within which the pools would have to be chosen too.
    """
    study = panel.study
    if study.analysis.strata is not None:
        return Specifications((), ())
    results = [
        *_combinations(panel),
        *(
            _of_row(e, "all")
            for e in effects
            if e.method in BORROWED_METHODS and e.outcome == study.analysis.outcome
        ),
        *(_of_row(c, f"{c.check}:{c.variant}") for c in checks if c.check in BORROWED_CHECKS),
    ]
    found = [r for r in results if isinstance(r, Specification)]
    return Specifications(
        tuple(sorted(found, key=lambda s: s.estimate)),
        tuple(r for r in results if isinstance(r, Check)),
    )


def _combinations(panel: Panel) -> Iterator[Specification | Check]:
    study = panel.study
    outcome = study.analysis.outcome
    for baseline in study.baselines:
        data = contrast(panel, outcome, study.election, baseline)
        for pool, keep in control_pools(panel, data, outcome):
            part = data.subset(keep)
            for weighting, method in itertools.product(WEIGHTINGS, METHODS):
                labels = (baseline, pool, weighting, method)
                try:
                    require_controls(part, baseline, study.election)
                    result = _estimate(part, panel, weighting, method)
                except ValueError as error:
                    about = (f"{pool}:{method}", outcome, weighting, baseline)
                    yield undefined_row(part.treated, ("specification_omitted", *about), error)
                else:
                    yield _specification(labels, result)


def _specification(
    labels: tuple[str, str, str, str], numbers: RandomisationResult | Effect | Check
) -> Specification:
    baseline, pool, weighting, method = labels
    return Specification(
        baseline=baseline,
        control_pool=pool,
        weighting=weighting,
        outcome_scale="difference",
        method=method,
        unit="fraction of votes cast",
        estimate=numbers.estimate,
        ci_lower=numbers.ci_lower,
        ci_upper=numbers.ci_upper,
        p_value=numbers.p_value,
    )


def _of_row(row: Effect | Check, pool: str) -> Specification | Check:
    """Return a finished result as a specification, or as one that could not be estimated."""
    if math.isfinite(row.estimate):
        return _specification((row.baseline, pool, row.weighting, row.method), row)
    nan = math.nan
    return Check(
        check="specification_omitted",
        variant=f"{pool}:{row.method}",
        outcome=row.outcome,
        weighting=row.weighting,
        baseline=row.baseline,
        method=row.method,
        estimate=nan,
        ci_lower=nan,
        ci_upper=nan,
        p_value=nan,
        n_experiment=row.n_experiment,
        n_control=row.n_control,
        note=row.note,
    )


def specification_checks(panel: Panel) -> tuple[Check, ...]:
    """Return the joint test of the specifications that share their municipalities.

    They are every baseline × weighting against all controls: one reassignment then serves all.
    Check ``specification_joint``: ``median`` (its estimate), ``share_significant`` and
    ``average_z`` with the p-value of each under no effect anywhere.
    """
    study = panel.study
    if study.analysis.strata is not None:
        return ()
    outcome = study.analysis.outcome
    contrasts = {b: contrast(panel, outcome, study.election, b) for b in study.baselines}
    common = set.intersection(*(set(c.codes) for c in contrasts.values()))
    kept = [c.subset(np.isin(c.codes, list(common))) for c in contrasts.values()]
    roles = kept[0].treated
    about = (outcome, "+".join(WEIGHTINGS), "+".join(study.baselines))
    try:
        joint = _joint(panel, kept)
    except ValueError as error:
        return (undefined_row(roles, ("specification_joint", "median", *about), error),)
    found = {
        "median": (joint.median_estimate, joint.median_p_value),
        "share_significant": (joint.share_significant, joint.share_p_value),
        "average_z": (joint.average_z, joint.average_z_p_value),
    }
    return tuple(
        check_row(
            roles,
            ("specification_joint", name, *about),
            (estimate, math.nan, math.nan, p_value),
        )
        for name, (estimate, p_value) in found.items()
    )


def _joint(panel: Panel, contrasts: list[Contrast]) -> JointTest:
    """Return the joint test of contrasts of the same municipalities, with both weightings."""
    if contrasts[0].treated.all():
        msg = f"no control municipality has results at all of {', '.join(panel.study.baselines)}"
        raise ValueError(msg)
    drawn = _draws(panel, contrasts[0])
    level = panel.study.analysis.confidence_level
    tests = [
        randomisation_test(
            part.change,
            part.treated,
            drawn,
            weights=part.votes_cast if weighting == "ballot" else None,
            confidence_level=level,
        )
        for part, weighting in itertools.product(contrasts, WEIGHTINGS)
    ]
    return joint_test(
        np.array([t.estimate for t in tests]),
        np.column_stack([t.distribution for t in tests]),
        alpha=1 - level,
        exact=drawn.exact,
    )


def _draws(panel: Panel, data: Contrast) -> Assignments:
    analysis = panel.study.analysis
    return draw_assignments(
        data.treated, draws=analysis.draws, max_exact=analysis.max_exact, seed=analysis.seed
    )


def _estimate(data: Contrast, panel: Panel, weighting: str, method: str) -> RandomisationResult:
    drawn = _draws(panel, data)
    options = {
        "weights": data.votes_cast if weighting == "ballot" else None,
        "confidence_level": panel.study.analysis.confidence_level,
    }
    if method == METHODS[0]:
        return randomisation_test(data.change, data.treated, drawn, **options)  # type: ignore[arg-type]
    x = covariates(data.codes)
    if len(data.codes) < 4 * x.shape[1]:
        msg = "too few municipalities for the covariates"
        raise ValueError(msg)
    return adjusted_randomisation_test(
        data.change,
        data.treated,
        drawn,
        covariates=np.asarray(x),
        **options,  # type: ignore[arg-type]
    )
