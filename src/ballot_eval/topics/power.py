"""What size of effect the design can find, from how much the controls really change."""

from __future__ import annotations

import numpy as np

from ballot_eval.estimation.power import (
    PlaceboStudies,
    minimum_detectable_effect,
    placebo_studies,
    power_curve,
)
from ballot_eval.panel import Panel
from ballot_eval.results import Power
from ballot_eval.topics.rate_history import rate_history

#: True effects, in fractions of votes cast: 0 to 0.3 percentage points.
EFFECTS = np.arange(0, 31) / 10_000

#: The two sizes the experiment has had.
SIZES = (5, 11)

STUDIES, DRAWS = 1_000, 999


def power_results(panel: Panel) -> tuple[Power, ...]:
    """Return the power of the plain test against a range of true effects.

    In each placebo study the role goes to that many controls, drawn at random, and the effect is
    added to their change between two consecutive elections of the study. Municipalities weigh
    equally; the level is 1 − ``confidence_level``. ``detectable_effect`` is the smallest effect
    found with a power of 0.8. Nothing when there are too few controls.
    """
    study = panel.study
    sizes = sorted({*SIZES, len(study.experiment())})
    found: list[Power] = []
    for size in sizes:
        studies = _studies(panel, size)
        if studies is None:
            continue
        curve = power_curve(studies, EFFECTS)
        smallest = minimum_detectable_effect(studies).effect
        for effect, power, error in zip(curve.effects, curve.power, curve.errors, strict=True):
            found.append(
                Power(
                    outcome=study.analysis.outcome,
                    n_experiment=size,
                    n_control=curve.units - size,
                    effect=float(effect),
                    power=float(power),
                    power_error=float(error),
                    detectable_effect=float(smallest),
                )
            )
    return tuple(found)


def _studies(panel: Panel, size: int) -> PlaceboStudies | None:
    study = panel.study
    history = rate_history(panel, study.analysis.outcome)
    changes = np.diff(history.rates[~history.treated], axis=1)
    try:
        return placebo_studies(
            changes,
            experiment_units=size,
            alpha=1 - study.analysis.confidence_level,
            studies=STUDIES,
            draws=DRAWS,
            seed=study.analysis.seed,
        )
    except ValueError:
        return None
