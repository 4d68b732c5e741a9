"""The specification curve: the primary outcome under every combination of defensible choices."""

from __future__ import annotations

import itertools
import math

import numpy as np

from ballot_eval.estimation.adjusted import adjusted_randomisation_test
from ballot_eval.estimation.assignments import draw_assignments
from ballot_eval.estimation.inference import RandomisationResult, randomisation_test
from ballot_eval.estimation.specification import Specification, joint_test
from ballot_eval.panel import Contrast, Panel, contrast
from ballot_eval.results import Check
from ballot_eval.topics.history import check_row
from ballot_eval.topics.invalid_votes import WEIGHTINGS
from ballot_eval.topics.pools import control_pools, covariates
from ballot_eval.topics.robustness import subset

METHODS = ("randomisation", "randomisation_adjusted")


def specification_results(panel: Panel) -> tuple[Specification, ...]:
    """Return every baseline × control pool × weighting × method, from low to high.

    The unit is a fraction of votes cast. A combination that cannot be estimated (covariates that
    are not known, a pool too small for them) is left out. Nothing with
    strata, within which the pools would have to be chosen too.
    """
    study = panel.study
    if study.analysis.strata is not None:
        return ()
    found: list[Specification] = []
    for baseline in study.baselines:
        outcome = study.analysis.outcome
        data = contrast(panel, outcome, study.election, baseline)
        for pool, keep in control_pools(panel, data, outcome):
            part = subset(data, keep)
            for weighting, method in itertools.product(WEIGHTINGS, METHODS):
                try:
                    result = _estimate(part, panel, weighting, method)
                except ValueError:
                    continue
                found.append(
                    Specification(
                        baseline=baseline,
                        control_pool=pool,
                        weighting=weighting,
                        outcome_scale="difference",
                        method=method,
                        unit="fraction of votes cast",
                        estimate=result.estimate,
                        ci_lower=result.ci_lower,
                        ci_upper=result.ci_upper,
                        p_value=result.p_value,
                    )
                )
    return tuple(sorted(found, key=lambda s: s.estimate))


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
    kept = {
        b: subset(c, np.array([code in common for code in c.codes])) for b, c in contrasts.items()
    }
    data = kept[study.baselines[0]]
    drawn = draw_assignments(
        data.treated,
        draws=study.analysis.draws,
        max_exact=study.analysis.max_exact,
        seed=study.analysis.seed,
    )
    level = study.analysis.confidence_level
    try:
        tests = [
            randomisation_test(
                part.change,
                part.treated,
                drawn,
                weights=part.votes_cast if weighting == "ballot" else None,
                confidence_level=level,
            )
            for part, weighting in itertools.product(kept.values(), WEIGHTINGS)
        ]
        joint = joint_test(
            np.array([t.estimate for t in tests]),
            np.column_stack([t.distribution for t in tests]),
            alpha=1 - level,
            exact=drawn.exact,
        )
    except ValueError:
        return ()
    found = {
        "median": (joint.median_estimate, joint.median_p_value),
        "share_significant": (joint.share_significant, joint.share_p_value),
        "average_z": (joint.average_z, joint.average_z_p_value),
    }
    about = (outcome, "+".join(WEIGHTINGS), "+".join(study.baselines))
    return tuple(
        check_row(
            data.treated,
            ("specification_joint", name, *about),
            (estimate, math.nan, math.nan, p_value),
        )
        for name, (estimate, p_value) in found.items()
    )


def _estimate(data: Contrast, panel: Panel, weighting: str, method: str) -> RandomisationResult:
    study = panel.study
    drawn = draw_assignments(
        data.treated,
        draws=study.analysis.draws,
        max_exact=study.analysis.max_exact,
        seed=study.analysis.seed,
    )
    options = {
        "weights": data.votes_cast if weighting == "ballot" else None,
        "confidence_level": study.analysis.confidence_level,
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
