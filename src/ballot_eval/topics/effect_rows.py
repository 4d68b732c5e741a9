"""Rows of ``effects.csv``: what a method found, or the reason why it has no number."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ballot_eval.panel import Contrast
from ballot_eval.reasons import plain_reason
from ballot_eval.results import Effect


@dataclass(frozen=True, slots=True)
class Answer:
    """What one method found: estimate, limits, p-value, and the draws behind them, if any.

    ``n_control`` is given when the method used other controls than the comparison has.
    """

    estimate: float
    ci_lower: float
    ci_upper: float
    p_value: float
    draws: int = 0
    exact: bool = False
    p_error: float = math.nan
    note: str = ""
    n_control: int | None = None


class Found(Protocol):
    """What results of drawn or enumerated tests have in common."""

    @property
    def ci_lower(self) -> float:
        """Lower limit."""

    @property
    def ci_upper(self) -> float:
        """Upper limit."""

    @property
    def p_value(self) -> float:
        """Two-sided p-value."""

    @property
    def draws(self) -> int:
        """Number of assignments or draws."""

    @property
    def exact(self) -> bool:
        """Whether they are all there are."""

    @property
    def p_error(self) -> float:
        """Monte-Carlo standard error of the p-value."""


def drawn_answer(estimate: float, found: Found, note: str = "") -> Answer:
    """Return the answer of a test by draws, with the draws that it really made."""
    return Answer(
        estimate,
        found.ci_lower,
        found.ci_upper,
        found.p_value,
        draws=found.draws,
        exact=found.exact,
        p_error=found.p_error,
        note=note,
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is the same for all methods of one comparison."""

    outcome: str
    contrast: str
    weighting: str
    baseline: str
    n_experiment: int
    n_control: int
    seed: int

    @classmethod
    def of(
        cls, data: Contrast, outcome: str, weighting: str, elections: tuple[str, str], seed: int
    ) -> Comparison:
        """Return the comparison of a contrast between a baseline and a later election."""
        baseline, later = elections
        experiment = int(data.treated.sum())
        control = len(data.codes) - experiment
        return cls(outcome, f"{later}-{baseline}", weighting, baseline, experiment, control, seed)

    def effect(self, method: str, work: Callable[[], Answer], *, estimand: str = "att") -> Effect:
        """Return the effect that ``work`` computes, or NaN with the reason."""
        try:
            found = work()
        except ValueError as error:
            nan = math.nan
            found = Answer(nan, nan, nan, nan, note=plain_reason(error))
        return Effect(
            outcome=self.outcome,
            estimand=estimand,
            contrast=self.contrast,
            weighting=self.weighting,
            baseline=self.baseline,
            method=method,
            estimate=found.estimate,
            ci_lower=found.ci_lower,
            ci_upper=found.ci_upper,
            p_value=found.p_value,
            n_experiment=self.n_experiment,
            n_control=self.n_control if found.n_control is None else found.n_control,
            draws=found.draws,
            exact=found.exact,
            seed=self.seed if found.draws else 0,
            note=found.note,
            p_error=found.p_error,
        )
