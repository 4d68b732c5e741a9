"""The same effect by other methods: what a critic would try, beside the primary answer.

Differences (``att``) come from the regression of a municipality's change on its role, which is the
two-period regression with municipality and election effects; ratios from randomisation and from
count models on the two elections; synthetic controls and group-time effects from all elections of
the study. With strata every method compares within them, or says that it cannot.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.adjusted import adjusted_randomisation_test
from ballot_eval.estimation.assignments import Assignments, draw_assignments
from ballot_eval.estimation.bootstrap import wild_cluster_bootstrap
from ballot_eval.estimation.clusters import ClusterDesign, cluster_design, cluster_ols
from ballot_eval.estimation.ratio import Zeros, ratio_randomisation_test
from ballot_eval.panel import Contrast, Panel, contrast
from ballot_eval.results import Effect
from ballot_eval.topics.count_models import count_effects
from ballot_eval.topics.effect_rows import Answer, Comparison, drawn_answer
from ballot_eval.topics.invalid_votes import require_controls
from ballot_eval.topics.pools import balancing_weights, covariates, left_out_note
from ballot_eval.topics.rate_history import history_effects
from ballot_eval.topics.strata import has_strata, stratum_dummies

FloatArray = npt.NDArray[np.float64]

#: Draws of the wild cluster bootstrap; its Monte-Carlo error at p = 0.05 is 0.002.
BOOTSTRAP_DRAWS = 9_999


def second_opinions(panel: Panel, outcome: str) -> tuple[Effect, ...]:
    """Return the effect on one outcome by every other method, for every baseline.

    A method that cannot be used on these data gives NaN, and the reason in ``note``.
    """
    study = panel.study
    effects: list[Effect] = []
    for baseline in study.baselines:
        data = contrast(panel, outcome, study.election, baseline)
        elections = (baseline, study.election)
        for weighting in ("municipality", "ballot"):
            row = Comparison.of(data, outcome, weighting, elections, study.analysis.seed)
            effects.extend(_Opinions(panel, data, row).effects())
        effects.extend(count_effects(panel, data, outcome, row))
    effects.extend(history_effects(panel, outcome))
    return tuple(effects)


def change_design(data: Contrast, weights: FloatArray) -> tuple[ClusterDesign, FloatArray]:
    """Return the regression of the changes on the role: design (role in column 1) and outcomes.

    Every municipality is a cluster; with strata each has its own mean change. ``weights`` (n,)
    enter as square roots on both sides. Errors as :func:`stratum_dummies` and
    :func:`ballot_eval.estimation.clusters.cluster_design`.
    """
    root = np.sqrt(weights)
    columns = np.column_stack([np.ones(len(root)), data.treated, stratum_dummies(data)])
    return cluster_design(root[:, None] * columns, np.array(data.codes)), root * data.change


@dataclasses.dataclass(frozen=True, slots=True)
class _Opinions:
    """The methods on one contrast with one weighting."""

    panel: Panel
    data: Contrast
    row: Comparison

    @property
    def weights(self) -> FloatArray:
        return self.data.votes_cast if self.row.weighting == "ballot" else np.ones(self.size)

    @property
    def size(self) -> int:
        return len(self.data.codes)

    @property
    def level(self) -> float:
        return self.panel.study.analysis.confidence_level

    def effects(self) -> Iterator[Effect]:
        yield self.row.effect("randomisation_adjusted", self.adjusted)
        yield self.row.effect("randomisation_ratio", self.ratio, estimand="rate_ratio")
        for method in ("crv1", "cr2", "crv3"):
            yield self.row.effect(method, lambda m=method: self.sandwich(m, self.weights))  # type: ignore[misc]
        if self.row.weighting == "municipality":
            yield self.row.effect("entropy_balanced", self.balanced)
        yield self.row.effect("wild_bootstrap", self.bootstrap)

    def drawn(self) -> Assignments:
        analysis = self.panel.study.analysis
        require_controls(self.data, self.row.baseline, self.panel.study.election)
        stratum_dummies(self.data)  # refuses a stratum without controls
        return draw_assignments(
            self.data.treated,
            self.data.strata,
            draws=analysis.draws,
            max_exact=analysis.max_exact,
            seed=analysis.seed,
        )

    def adjusted(self) -> Answer:
        data, x = self.data, covariates(self.data.codes)
        result = adjusted_randomisation_test(
            data.change,
            data.treated,
            self.drawn(),
            covariates=np.column_stack([x, stratum_dummies(data)]),
            weights=self.weights,
            confidence_level=self.level,
        )
        return drawn_answer(result.estimate, result)

    def ratio(self) -> Answer:
        if has_strata(self.data):
            return self.ratio_within_strata()
        counts, zeros, note = self.counts()
        result = ratio_randomisation_test(
            counts[0],
            counts[1],
            self.data.treated,
            self.drawn(),
            weighting="pooled" if self.row.weighting == "ballot" else "municipality",
            baseline_events=counts[2],
            baseline_ballots=counts[3],
            zeros=zeros,
            confidence_level=self.level,
        )
        return drawn_answer(result.ratio, result, note)

    def counts(self) -> tuple[list[FloatArray], Zeros, str]:
        """Return events and ballots, now and before, and what is done about zero counts.

        Only the mean of log rates needs a half where a municipality has no events. Raises
        ValueError when a role has none at all at an election: the halves would be the ratio.
        """
        counts: list[FloatArray] = []
        zero = np.zeros(self.size, dtype=bool)
        for election in (self.panel.study.election, self.row.baseline):
            part = self.panel.counts(election, self.row.outcome).loc[list(self.data.codes)]
            events = part["numerator"].to_numpy(dtype=float)
            for role, who in ((self.data.treated, "experiment"), (~self.data.treated, "control")):
                if role.any() and not events[role].any():
                    msg = f"no votes of this kind at {election} in any {who} municipality"
                    raise ValueError(msg)
            zero |= events == 0
            counts += [events, part["denominator"].to_numpy(dtype=float)]
        if self.row.weighting == "ballot" or not zero.any():
            return counts, "error", ""
        codes = ", ".join(c for c, z in zip(self.data.codes, zero, strict=True) if z)
        note = f"half a vote added to every count, because {codes} had none at an election"
        return counts, "add_half", note

    def ratio_within_strata(self) -> Answer:
        """Return the ratio of geometric means within strata; totals have no such ratio."""
        if self.row.weighting == "ballot":
            msg = "the method does not compare within strata"
            raise ValueError(msg)
        counts, zeros, note = self.counts()
        half = 0.5 if zeros == "add_half" else 0.0
        logs = [np.log((x + half) / (n + 2 * half)) for x, n in (counts[:2], counts[2:])]
        result = adjusted_randomisation_test(
            logs[0] - logs[1],
            self.data.treated,
            self.drawn(),
            covariates=stratum_dummies(self.data),
            confidence_level=self.level,
        )
        answer = drawn_answer(math.exp(result.estimate), result, note)
        low, high = (float(np.exp(limit)) for limit in (result.ci_lower, result.ci_upper))
        return dataclasses.replace(answer, ci_lower=low, ci_upper=high)

    def sandwich(self, method: str, weights: FloatArray) -> Answer:
        require_controls(self.data, self.row.baseline, self.panel.study.election)
        design, y = change_design(self.data, weights)
        (r,) = cluster_ols(
            design,
            y,
            method=method,  # type: ignore[arg-type]
            columns=[1],
            confidence_level=self.level,
        )
        return Answer(r.estimate, r.ci_lower, r.ci_upper, r.p_value)

    def balanced(self) -> Answer:
        if has_strata(self.data):
            msg = "the method does not compare within strata"
            raise ValueError(msg)
        kept, weights = balancing_weights(self.panel, self.data, self.row.outcome)
        part = dataclasses.replace(self, data=self.data.subset(kept))
        return dataclasses.replace(
            part.sandwich("crv3", weights),
            note=left_out_note(self.data, kept),
            n_control=int((kept & ~self.data.treated).sum()),
        )

    def bootstrap(self) -> Answer:
        require_controls(self.data, self.row.baseline, self.panel.study.election)
        design, y = change_design(self.data, self.weights)
        result = wild_cluster_bootstrap(
            design,
            y,
            column=1,
            weights="rademacher",
            draws=BOOTSTRAP_DRAWS,
            seed=self.panel.study.analysis.seed,
            confidence_level=self.level,
        )
        return drawn_answer(result.estimate, result)
