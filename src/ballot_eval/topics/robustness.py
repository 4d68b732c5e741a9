"""The same effect under one changed choice at a time, and where there should be none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.assignments import Assignments, draw_assignments
from ballot_eval.estimation.decisions import Decision, equivalence_test, non_inferiority_test
from ballot_eval.estimation.joint import joint_randomisation_test
from ballot_eval.estimation.rates import robust_z
from ballot_eval.panel import OUTCOMES, TURNOUT, Contrast, Panel, contrast
from ballot_eval.results import Check
from ballot_eval.topics.history import check_row, history_checks, undefined_row
from ballot_eval.topics.invalid_votes import (
    METHODS,
    WEIGHTINGS,
    randomise_contrast,
    require_controls,
)
from ballot_eval.topics.pools import control_pools, matched_pool
from ballot_eval.validation.checks import JUMP_Z

BoolArray = npt.NDArray[np.bool_]

#: Outcomes whose p-values are adjusted for each other.
FAMILY = ("invalid", "blank")

#: Tests against the margin of the plan.
DECISIONS = {"non_inferiority": non_inferiority_test, "equivalence": equivalence_test}


def robustness_results(panel: Panel) -> tuple[Check, ...]:
    """Return every check, by the study's own test where it is an effect.

    ``placebo``: elections at which everybody had the old ballot, compared with each other.
    ``leave_one_out``: without each experiment municipality. ``leave_control_out``: without the
    control whose absence lowers, and the one whose absence raises the effect most.
    ``without_jumps``: without the controls that changed unlike all others (see rule P.104).
    ``control_pool``: against other controls. ``placebo_outcome``: on turnout, which the ballot
    should leave alone. ``family_max_t`` and ``family_holm``: p-values adjusted for looking at
    several outcomes. ``non_inferiority`` and ``equivalence``: only when the plan has a margin;
    ``variant`` is the verdict and the limits are one-sided. Where there is no number, ``note`` says
    why.
    All but the placebo are about the primary outcome, weighting and baseline. The checks on the
    history of the municipalities are described in :mod:`ballot_eval.topics.history`.
    """
    study = panel.study
    checks = [*_placebos(panel), *_families(panel), *_decisions(panel), *history_checks(panel)]
    outcome, weighting = study.analysis.outcome, study.analysis.weighting
    data = contrast(panel, outcome, study.election, study.baselines[0])
    about = (outcome, weighting, study.baselines[0])
    for check, variant, keep in _subsets(data, weighting, study):
        checks.append(_check(data.subset(keep), study, (check, variant, *about)))
    for name, keep in control_pools(panel, data, outcome):
        note = matched_pool(panel, data, outcome).note if name == "matched" else ""
        part = data.subset(keep)
        checks.append(_check(part, study, ("control_pool", name, *about), note=note))
    turnout = contrast(panel, TURNOUT, study.election, study.baselines[0])
    other = ("placebo_outcome", TURNOUT, TURNOUT, weighting, study.baselines[0])
    checks.append(_check(turnout, study, other))
    return tuple(checks)


def _placebos(panel: Panel) -> Iterator[Check]:
    study = panel.study
    for earlier, later in itertools.pairwise(study.needed_elections()[:-1]):
        for outcome in OUTCOMES:
            data = contrast(panel, outcome, later, earlier)
            for weighting in WEIGHTINGS:
                about = ("placebo", f"{earlier}-{later}", outcome, weighting, earlier)
                try:
                    require_controls(data, earlier, later)
                except ValueError as error:
                    yield undefined_row(data.treated, about, error)
                else:
                    yield _check(data, study, about)


def _families(panel: Panel) -> Iterator[Check]:
    """Yield the p-values of invalid and blank votes adjusted for each other."""
    study = panel.study
    weighting, baseline = study.analysis.weighting, study.baselines[0]
    contrasts = [contrast(panel, outcome, study.election, baseline) for outcome in FAMILY]
    data, variant = contrasts[0], "+".join(FAMILY)
    try:
        joint = joint_randomisation_test(
            np.column_stack([c.change for c in contrasts]),
            data.treated,
            _unstratified_draws(panel, data),
            scaling="permutation_sd",
            weights=data.votes_cast if weighting == "ballot" else None,
        )
    except ValueError as error:
        for outcome in FAMILY:
            label = ("family_max_t", variant, outcome, weighting, baseline)
            yield undefined_row(data.treated, label, error)
        return
    for check, values in (("family_max_t", joint.p_max_t), ("family_holm", joint.p_holm)):
        for outcome, estimate, p_value in zip(FAMILY, joint.estimates, values, strict=True):
            yield check_row(
                data.treated,
                (check, variant, outcome, weighting, baseline),
                (float(estimate), math.nan, math.nan, float(p_value)),
            )


def _unstratified_draws(panel: Panel, data: Contrast) -> Assignments:
    """Return the assignments of a plan without strata; ValueError with them.

    Joint tests and tests against a margin are of a plain difference, which with strata is
    another effect than the primary one.
    """
    analysis = panel.study.analysis
    if analysis.strata is not None:
        msg = "there is no joint test, and none against a margin, within strata"
        raise ValueError(msg)
    return draw_assignments(
        data.treated, draws=analysis.draws, max_exact=analysis.max_exact, seed=analysis.seed
    )


def decision(panel: Panel, name: str) -> Decision:
    """Return the verdict ``non_inferiority`` or ``equivalence`` against the margin of the plan.

    Raises ValueError without a margin, with strata, and where the outcomes do not allow a test.
    """
    study = panel.study
    margin = study.analysis.margin
    if margin is None:
        msg = "the plan has no margin, so there is no verdict"
        raise ValueError(msg)
    data = contrast(panel, study.analysis.outcome, study.election, study.baselines[0])
    return DECISIONS[name](
        data.change,
        data.treated,
        _unstratified_draws(panel, data),
        margin=margin,
        # One-sided limits at half of what the two-sided interval leaves out.
        alpha=(1 - study.analysis.confidence_level) / 2,
        weights=data.votes_cast if study.analysis.weighting == "ballot" else None,
    )


def _decisions(panel: Panel) -> Iterator[Check]:
    study = panel.study
    if study.analysis.margin is None:
        return
    about = (study.analysis.outcome, study.analysis.weighting, study.baselines[0])
    roles = contrast(panel, study.analysis.outcome, study.election, study.baselines[0]).treated
    for name in DECISIONS:
        try:
            found = decision(panel, name)
        except ValueError as error:
            yield undefined_row(roles, (name, "undecided", *about), error)
            continue
        numbers = (found.estimate, found.ci_lower, found.ci_upper, found.p_value)
        yield check_row(roles, (name, found.verdict, *about), numbers)


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


def _check(
    data: Contrast,
    study: StudyDesign,
    label: tuple[str, str, str, str, str],
    *,
    note: str = "",
) -> Check:
    try:
        result = randomise_contrast(
            data,
            study,
            weighting=label[3],
            method=METHODS[0],
            draws=study.analysis.draws,
            seed=study.analysis.seed,
        )
    except ValueError as error:
        return undefined_row(data.treated, label, error)
    numbers = (result.estimate, result.ci_lower, result.ci_upper, result.p_value)
    return check_row(data.treated, label, numbers, note=note)
