"""The effect as a ratio, from models of the counts at two elections."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ballot_eval.estimation.betabinomial import did_beta_binomial
from ballot_eval.estimation.count_data import RatioEffect
from ballot_eval.estimation.counts import did_ratio
from ballot_eval.panel import Contrast, Panel, contrast
from ballot_eval.results import Effect
from ballot_eval.topics.effect_rows import Answer, Comparison
from ballot_eval.topics.invalid_votes import require_controls
from ballot_eval.topics.strata import stratum_dummies

#: The models and what their ratio is one of.
MODELS = (
    ("quasi_binomial", "odds_ratio"),
    ("quasi_poisson", "rate_ratio"),
    ("quasi_negative_binomial", "rate_ratio"),
    ("quasi_beta_binomial", "odds_ratio"),
)


def count_effects(
    panel: Panel, data: Contrast, outcome: str, comparison: Comparison
) -> Iterator[Effect]:
    """Yield the effect by every count model; none with one municipality on a side."""
    for method, estimand in MODELS:

        def model(method: str = method) -> Answer:
            require_controls(data, comparison.baseline, panel.study.election)
            if min(data.treated.sum(), (~data.treated).sum()) < 2:
                # The spread would be that of the other side alone, and the p-value far too small.
                msg = "a side has one municipality"
                raise ValueError(msg)
            r = count_model(panel, outcome, comparison.baseline, method)
            return Answer(r.ratio, r.ci_lower, r.ci_upper, r.p_value)

        yield comparison.effect(method, model, estimand=estimand)


def count_model(panel: Panel, outcome: str, baseline: str, method: str) -> RatioEffect:
    """Return a count model on the two elections, with municipality and election effects.

    With strata every stratum has its own effect of the later election. ``method`` is one of
    :mod:`ballot_eval.estimation.counts` or ``quasi_beta_binomial``. Errors (all ValueError) as
    there, and for a stratum without controls.
    """
    study = panel.study
    data = contrast(panel, outcome, study.election, baseline)
    stratum_dummies(data)
    codes = list(data.codes)
    rows = [panel.counts(e, outcome).loc[codes] for e in (baseline, study.election)]
    numerators = np.concatenate([r["numerator"].to_numpy(dtype=float) for r in rows])
    denominators = np.concatenate([r["denominator"].to_numpy(dtype=float) for r in rows])
    # One label for the earlier election suffices: the municipality effects hold its strata.
    election = np.concatenate([np.zeros(len(codes), dtype=np.intp), 1 + data.strata])
    cells = (
        numerators,
        denominators,
        np.tile(np.array(codes), 2),
        election,
        np.concatenate([np.zeros(len(codes), dtype=bool), data.treated]),
    )
    level = study.analysis.confidence_level
    if method == "quasi_beta_binomial":
        return did_beta_binomial(*cells, method="quasi_beta_binomial", confidence_level=level)
    return did_ratio(*cells, method=method, confidence_level=level)  # type: ignore[arg-type]
