"""The same effect under one changed choice at a time, and where there should be none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ballot_eval.design import StudyDesign
from ballot_eval.errors import DesignError
from ballot_eval.estimation.assignments import draw_assignments
from ballot_eval.estimation.decisions import Decision, equivalence_test, non_inferiority_test
from ballot_eval.estimation.joint import joint_randomisation_test
from ballot_eval.estimation.rates import robust_z
from ballot_eval.panel import OUTCOMES, TURNOUT, Contrast, Panel, contrast
from ballot_eval.results import Check
from ballot_eval.topics.history import check_row, history_checks
from ballot_eval.topics.invalid_votes import METHODS, WEIGHTINGS, randomise_contrast
from ballot_eval.topics.pools import control_pools
from ballot_eval.validation.checks import JUMP_Z

BoolArray = npt.NDArray[np.bool_]


def robustness_results(panel: Panel) -> tuple[Check, ...]:
    """Return every check, by the study's own test where it is an effect.

    ``placebo``: elections at which everybody had the old ballot, compared with each other.
    ``leave_one_out``: without each experiment municipality. ``leave_control_out``: without the
    control whose absence lowers, and the one whose absence raises the effect most.
    ``without_jumps``: without the controls that changed unlike all others (see rule P.104).
    ``control_pool``: against other controls. ``placebo_outcome``: on turnout, which the ballot
    should leave alone. ``family_max_t`` and ``family_holm``: p-values adjusted for looking at
    several outcomes. ``non_inferiority`` and ``equivalence``: only when the plan has a margin;
    ``variant`` is the verdict and the limits are one-sided.
    All but the placebo are about the primary outcome, weighting and baseline. The checks on the
    history of the municipalities are described in :mod:`ballot_eval.topics.history`.
    """
    study = panel.study
    checks = [*_placebos(panel), *_families(panel), *_decisions(panel), *history_checks(panel)]
    outcome, weighting = study.analysis.outcome, study.analysis.weighting
    data = contrast(panel, outcome, study.election, study.baselines[0])
    about = (outcome, weighting, study.baselines[0])
    for check, variant, keep in _subsets(data, weighting, study):
        checks.append(_check(subset(data, keep), study, (check, variant, *about)))
    for name, keep in control_pools(panel, data, outcome):
        checks.append(_check(subset(data, keep), study, ("control_pool", name, *about)))
    turnout = contrast(panel, TURNOUT, study.election, study.baselines[0])
    label = ("placebo_outcome", TURNOUT, TURNOUT, weighting, study.baselines[0])
    checks.append(_check(turnout, study, label))
    return tuple(checks)


def _placebos(panel: Panel) -> Iterator[Check]:
    study = panel.study
    for earlier, later in itertools.pairwise(study.needed_elections()[:-1]):
        for outcome in OUTCOMES:
            data = contrast(panel, outcome, later, earlier)
            for weighting in WEIGHTINGS:
                about = ("placebo", f"{earlier}-{later}", outcome, weighting, earlier)
                yield _check(data, study, about)


def _families(panel: Panel) -> Iterator[Check]:
    """Yield the p-values of invalid and blank votes adjusted for each other."""
    study = panel.study
    weighting, baseline = study.analysis.weighting, study.baselines[0]
    family = ("invalid", "blank")
    if study.analysis.strata is not None:
        # As for the decisions: no joint test of differences within strata.
        return
    contrasts = [contrast(panel, outcome, study.election, baseline) for outcome in family]
    data = contrasts[0]
    drawn = draw_assignments(
        data.treated,
        data.strata,
        draws=study.analysis.draws,
        max_exact=study.analysis.max_exact,
        seed=study.analysis.seed,
    )
    try:
        joint = joint_randomisation_test(
            np.column_stack([c.change for c in contrasts]),
            data.treated,
            drawn,
            scaling="permutation_sd",
            weights=data.votes_cast if weighting == "ballot" else None,
        )
    except ValueError:
        return
    for check, values in (("family_max_t", joint.p_max_t), ("family_holm", joint.p_holm)):
        for outcome, estimate, p_value in zip(family, joint.estimates, values, strict=True):
            yield check_row(
                data.treated,
                (check, "+".join(family), outcome, weighting, baseline),
                (float(estimate), math.nan, math.nan, float(p_value)),
            )


def decisions(panel: Panel) -> dict[str, Decision]:
    """Return the verdicts against the margin of the plan by name.

    None without a margin, and none with strata: the difference within strata has no such test
    here, and a plain difference would be another effect than the primary one.
    """
    study = panel.study
    margin = study.analysis.margin
    if margin is None or study.analysis.strata is not None:
        return {}
    outcome, weighting = study.analysis.outcome, study.analysis.weighting
    data = contrast(panel, outcome, study.election, study.baselines[0])
    drawn = draw_assignments(
        data.treated,
        data.strata,
        draws=study.analysis.draws,
        max_exact=study.analysis.max_exact,
        seed=study.analysis.seed,
    )
    weights = data.votes_cast if weighting == "ballot" else None
    # One-sided limits at half of what the two-sided interval leaves out.
    alpha = (1 - study.analysis.confidence_level) / 2
    tests = {"non_inferiority": non_inferiority_test, "equivalence": equivalence_test}
    return {
        name: test(data.change, data.treated, drawn, margin=margin, alpha=alpha, weights=weights)
        for name, test in tests.items()
    }


def _decisions(panel: Panel) -> Iterator[Check]:
    study = panel.study
    outcome, weighting = study.analysis.outcome, study.analysis.weighting
    data = contrast(panel, outcome, study.election, study.baselines[0])
    for name, decision in decisions(panel).items():
        yield check_row(
            data.treated,
            (name, decision.verdict, outcome, weighting, study.baselines[0]),
            (decision.estimate, decision.ci_lower, decision.ci_upper, decision.p_value),
        )


def _subsets(
    data: Contrast, weighting: str, study: StudyDesign
) -> Iterator[tuple[str, str, BoolArray]]:
    """Yield (check, variant, which municipalities stay)."""
    codes = np.array(data.codes)
    if data.treated.sum() > 1:
        for code in study.experiment():
            yield "leave_one_out", code, codes != code
    for position in _influential_controls(data, weighting):
        keep = np.ones(len(codes), dtype=bool)
        keep[position] = False
        yield "leave_control_out", str(codes[position]), keep
    z = np.abs(robust_z(data.change, data.change[~data.treated]))
    jumped = ~data.treated & (z > JUMP_Z)
    if jumped.any():
        yield "without_jumps", "+".join(codes[jumped]), ~jumped


def _influential_controls(data: Contrast, weighting: str) -> tuple[int, ...]:
    """Return the controls without which the effect is lowest and highest."""
    controls = np.flatnonzero(~data.treated)
    if len(controls) < 3:
        return ()
    w = data.votes_cast[controls] if weighting == "ballot" else np.ones(len(controls))
    y = data.change[controls]
    without = ((w * y).sum() - w * y) / (w.sum() - w)
    # A lower mean of the controls is a higher effect.
    return int(controls[without.argmax()]), int(controls[without.argmin()])


def subset(data: Contrast, keep: BoolArray) -> Contrast:
    """Return the contrast of the municipalities that ``keep`` (n,) marks."""
    return Contrast(
        codes=tuple(c for c, k in zip(data.codes, keep, strict=True) if k),
        change=data.change[keep],
        treated=data.treated[keep],
        votes_cast=data.votes_cast[keep],
        strata=data.strata[keep],
    )


def _check(data: Contrast, study: StudyDesign, label: tuple[str, str, str, str, str]) -> Check:
    try:
        result = randomise_contrast(
            data,
            study,
            weighting=label[3],
            method=METHODS[0],
            draws=study.analysis.draws,
            seed=study.analysis.seed,
        )
    except (ValueError, DesignError):
        # A subset in which no assignment differs from another has no answer.
        return check_row(data.treated, label, (math.nan,) * 4)
    numbers = (result.estimate, result.ci_lower, result.ci_upper, result.p_value)
    return check_row(data.treated, label, numbers)
