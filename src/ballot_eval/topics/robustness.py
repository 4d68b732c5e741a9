"""The same effect under one changed choice at a time, and where there should be none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.rates import robust_z
from ballot_eval.panel import OUTCOMES, Contrast, Panel, contrast
from ballot_eval.results import Check
from ballot_eval.topics.invalid_votes import METHODS, WEIGHTINGS, randomise_contrast
from ballot_eval.validation.checks import JUMP_Z

BoolArray = npt.NDArray[np.bool_]


def robustness_results(panel: Panel) -> tuple[Check, ...]:
    """Return every check, by the study's own test where it is an effect.

    ``placebo``: elections at which everybody had the old ballot, compared with each other.
    ``leave_one_out``: without each experiment municipality. ``leave_control_out``: without the
    control whose absence lowers, and the one whose absence raises the effect most.
    ``without_jumps``: without the controls that changed unlike all others (see rule P.104).
    All but the placebo are about the primary outcome, weighting and baseline.
    """
    study = panel.study
    checks = [*_placebos(panel)]
    outcome, weighting = study.analysis.outcome, study.analysis.weighting
    data = contrast(panel, outcome, study.election, study.baselines[0])
    about = (outcome, weighting, study.baselines[0])
    for check, variant, keep in _subsets(data, weighting, study):
        checks.append(_check(_subset(data, keep), study, (check, variant, *about)))
    return tuple(checks)


def _placebos(panel: Panel) -> Iterator[Check]:
    study = panel.study
    for earlier, later in itertools.pairwise(study.needed_elections()[:-1]):
        for outcome in OUTCOMES:
            data = contrast(panel, outcome, later, earlier)
            for weighting in WEIGHTINGS:
                about = ("placebo", f"{earlier}-{later}", outcome, weighting, earlier)
                yield _check(data, study, about)


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


def _subset(data: Contrast, keep: npt.NDArray[np.bool_]) -> Contrast:
    return Contrast(
        codes=tuple(c for c, k in zip(data.codes, keep, strict=True) if k),
        change=data.change[keep],
        treated=data.treated[keep],
        votes_cast=data.votes_cast[keep],
        strata=data.strata[keep],
    )


def _check(data: Contrast, study: StudyDesign, label: tuple[str, str, str, str, str]) -> Check:
    check, variant, outcome, weighting, baseline = label
    try:
        result = randomise_contrast(
            data,
            study,
            weighting=weighting,
            method=METHODS[0],
            draws=study.analysis.draws,
            seed=study.analysis.seed,
        )
        numbers = (result.estimate, result.ci_lower, result.ci_upper, result.p_value)
    except ValueError:
        # A subset in which no assignment differs from another has no answer.
        numbers = (math.nan,) * 4
    estimate, ci_lower, ci_upper, p_value = numbers
    return Check(
        check=check,
        variant=variant,
        outcome=outcome,
        weighting=weighting,
        baseline=baseline,
        method=METHODS[0],
        estimate=estimate,
        ci_lower=ci_lower,
        ci_upper=ci_upper,
        p_value=p_value,
        n_experiment=int(data.treated.sum()),
        n_control=int((~data.treated).sum()),
    )
