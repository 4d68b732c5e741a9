"""Linear models with random intercepts for polling stations, and ratios of times. Arrays only.

Voters timed in one polling station share its booths, officials and voters; stations of one
municipality share its instructions. Random intercepts let such groups differ by chance, so the
standard error of the ballot counts groups, not only voters. Estimation is exact (no
approximation of the likelihood) by REML or ML; see ``mixed_sums`` and ``mixed_fit``.

Sources: Bates, Mächler, Bolker & Walker (2015), Journal of Statistical Software 67 (the model);
Kuznetsova, Brockhoff & Christensen (2017), JSS 82 (Satterthwaite's degrees of freedom);
Kenward & Roger (1997), Biometrics 53, and Halekoh & Højsgaard (2014), JSS 59 (few groups).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from ballot_eval.estimation.clusters import check_confidence_level
from ballot_eval.estimation.labels import label_codes
from ballot_eval.estimation.mixed_fit import (
    Profile,
    kenward_roger,
    minimise,
    profile_at,
    satterthwaite,
)
from ballot_eval.estimation.mixed_sums import (
    COLLINEAR,
    ROUNDING,
    FloatArray,
    Groups,
    GroupSums,
    IntArray,
    Labels,
    group_sums,
    orthonormal_basis,
    read_groups,
)

Method = Literal["reml", "ml"]
#: How standard errors and degrees of freedom allow for variances being estimated.
Freedom = Literal["satterthwaite", "kenward_roger"]


@dataclass(frozen=True, slots=True)
class MixedModelResult:
    """Coefficients (p,) of a model with L random intercepts, outer level first, for n rows.

    ``covariance`` (p, p) and ``se`` are those of the chosen degrees of freedom: model-based for
    ``satterthwaite``, adjusted for ``kenward_roger``. ``p_values`` are two-sided, of no effect.
    ``group_variances`` (L,) and ``residual_variance`` are in squared units of y; ``theta`` (L,) are
    the standard deviations of the intercepts relative to that of the residuals.
    ``intraclass_correlations`` (L,): correlation of two rows that share the group of that level.
    ``singular`` says that a variance was estimated as 0, so that its level is not in the standard
    errors of ``satterthwaite``. ``log_likelihood`` is the restricted one for ``reml``: compare it
    only between models with the same x. ``random_intercepts`` hold, per level, the predicted
    intercepts (BLUPs) in the order of ``group_labels``.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    se: FloatArray
    covariance: FloatArray
    df: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    p_values: FloatArray
    group_variances: FloatArray
    residual_variance: float
    theta: FloatArray
    intraclass_correlations: FloatArray
    log_likelihood: float
    singular: bool
    n_rows: int
    n_groups: tuple[int, ...]
    group_labels: tuple[npt.NDArray[Any], ...]
    random_intercepts: tuple[FloatArray, ...]
    fitted: FloatArray
    residuals: FloatArray
    method: Method
    degrees_of_freedom: Freedom


def mixed_model(
    y: npt.ArrayLike,
    x: npt.ArrayLike,
    groups: Labels | tuple[Labels, Labels],
    *,
    method: Method = "reml",
    degrees_of_freedom: Freedom = "satterthwaite",
    names: Sequence[str] | None = None,
    confidence_level: float = 0.95,
) -> MixedModelResult:
    """Regress ``y`` (n,) on ``x`` (n, p) with a random intercept per group.

    ``groups`` are labels (n,), or a tuple (outer, inner) of labels for two nested intercepts, such
    as municipality and polling station; inner labels must be unique over the outer groups. No
    intercept is added to ``x``: give a column of ones.

    ``satterthwaite`` takes the degrees of freedom of each coefficient from the observed
    information; for a comparison between groups they are about the number of groups minus 2. When
    the variance between groups is estimated as 0 it treats the rows as independent.
    ``kenward_roger`` (REML only) also enlarges the standard errors and keeps counting groups then:
    prefer it with few groups.

    Raises ValueError for missing values, lengths that differ, collinear columns, fewer than two
    groups on a level, levels that are not nested or cannot be told apart, columns that explain all
    differences between groups, an outcome that is constant, fitted perfectly, or without spread
    within groups, and an unknown method.
    """
    _check_call(method, degrees_of_freedom, confidence_level)
    outcome, basis, r = _read_rows(y, x)
    read = read_groups(groups, len(outcome))
    labels = _column_names(names, len(r))
    projection = basis.T @ outcome
    residual = outcome - basis @ projection
    length = float(np.linalg.norm(residual))
    if length <= ROUNDING * np.linalg.norm(outcome):
        msg = "y is constant or fitted perfectly by x: there is nothing to estimate"
        raise ValueError(msg)
    # Dividing by the scale keeps all sums near 1, so that tolerances mean the same in any unit.
    scale = length / math.sqrt(len(outcome))
    sums = group_sums(np.column_stack([basis, residual / scale]), read)
    _check_within(sums)
    _check_between(sums)
    tau, here = minimise(sums, reml=method == "reml")
    in_basis = projection + scale * here.coefficients
    intercepts, fitted = _predictions(read, here, tau, scale, basis @ in_basis)
    variance = scale**2 * here.residual_variance
    return MixedModelResult(
        names=labels,
        **_inference(sums, here, tau, (r, scale, in_basis), degrees_of_freedom, confidence_level),
        group_variances=variance * tau,
        residual_variance=variance,
        theta=np.sqrt(tau),
        intraclass_correlations=np.cumsum(tau) / (1 + tau.sum()),
        log_likelihood=_log_likelihood(here, r, scale, method),
        singular=bool((tau == 0).any()),
        n_rows=len(outcome),
        n_groups=tuple(len(level) for level in read.labels),
        group_labels=read.labels,
        random_intercepts=intercepts,
        fitted=fitted,
        residuals=outcome - fitted,
        method=method,
        degrees_of_freedom=degrees_of_freedom,
    )


def _inference(
    sums: GroupSums,
    here: Profile,
    tau: FloatArray,
    units: tuple[FloatArray, float, FloatArray],
    degrees_of_freedom: Freedom,
    confidence_level: float,
) -> dict[str, FloatArray]:
    """Return coefficients in the units of x and y (R, scale, coefficients in Q), se, limits."""
    r, scale, in_basis = units
    contrasts: FloatArray = np.asarray(np.linalg.inv(r).T, dtype=np.float64)
    if degrees_of_freedom == "kenward_roger":
        inner, df = kenward_roger(sums, here, tau, contrasts)
    else:
        inner, df = here.residual_variance * here.inverse, satterthwaite(here, tau, contrasts)
    covariance = scale**2 * (contrasts.T @ inner @ contrasts)
    estimates, se = contrasts.T @ in_basis, np.sqrt(np.diag(covariance))
    half = stdtrit(df, 0.5 + confidence_level / 2) * se
    return {
        "coefficients": estimates,
        "se": se,
        "covariance": covariance,
        "df": df,
        "ci_lower": estimates - half,
        "ci_upper": estimates + half,
        "p_values": 2 * stdtr(df, -np.abs(estimates) / se),
    }


def _check_call(method: str, degrees_of_freedom: str, confidence_level: float) -> None:
    if method not in ("reml", "ml") or degrees_of_freedom not in (
        "satterthwaite",
        "kenward_roger",
    ):
        msg = (
            f"unknown method {method!r} or degrees_of_freedom {degrees_of_freedom!r}; "
            "choose reml or ml and satterthwaite or kenward_roger"
        )
        raise ValueError(msg)
    if method == "ml" and degrees_of_freedom == "kenward_roger":
        msg = "kenward_roger is defined for method='reml'; with 'ml' choose satterthwaite"
        raise ValueError(msg)
    check_confidence_level(confidence_level)


def _read_rows(y: npt.ArrayLike, x: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    outcome = np.asarray(y, dtype=float)
    if outcome.ndim != 1:
        msg = f"y must be one value per row, found shape {outcome.shape}"
        raise ValueError(msg)
    if not np.isfinite(outcome).all():
        msg = "y holds missing or infinite values; leave those rows out first"
        raise ValueError(msg)
    return outcome, *orthonormal_basis(x, len(outcome))


def _column_names(names: Sequence[str] | None, p: int) -> tuple[str, ...]:
    labels = tuple(names) if names is not None else tuple(f"x{i}" for i in range(p))
    if len(labels) != p or len(set(labels)) != p:
        msg = f"names must be {p} different names, one per column of x, found {labels}"
        raise ValueError(msg)
    return labels


def _check_within(sums: GroupSums) -> None:
    """Raise ValueError when no spread is left within the (inner) groups to measure σ² by."""
    values, vectors = np.linalg.eigh(sums.within[:-1, :-1])
    kept = values > COLLINEAR
    along = vectors[:, kept].T @ sums.within[:-1, -1]
    left = sums.within[-1, -1] - float((along**2 / values[kept]).sum())
    # The outcome was scaled to a sum of squares of n.
    if left <= 1e-10 * sums.n_rows:
        msg = (
            "within groups the outcome does not vary beyond what x explains: the model has no "
            "residual variance; compare one value per group instead"
        )
        raise ValueError(msg)


def _check_between(sums: GroupSums) -> None:
    """Raise ValueError when x leaves nothing to tell the variances of the levels apart by.

    They are identified when P and the PG_gP are linearly independent (P removes x): their
    inner products, with P itself taken out, are the expected Hessian at τ = 0.
    """
    here = profile_at(sums, np.zeros(sums.groups.levels), reml=True)
    unit = np.sqrt(np.diag(here.forms.trace_product))
    if np.linalg.eigvalsh(here.expected_hessian / np.outer(unit, unit))[0] <= COLLINEAR:
        msg = (
            "x explains all differences between the groups of a level, so that their variance "
            "cannot be estimated: use fewer columns, more groups, or leave that level out"
        )
        raise ValueError(msg)


def _log_likelihood(here: Profile, r: FloatArray, scale: float, method: Method) -> float:
    """Undo the basis and the scaling of the outcome in the deviance."""
    deviance = here.deviance + 2 * here.freedom * math.log(scale)
    if method == "reml":
        deviance += 2 * float(np.log(np.abs(np.diag(r))).sum())
    return -deviance / 2


def _predictions(
    groups: Groups, here: Profile, tau: FloatArray, scale: float, fixed: FloatArray
) -> tuple[tuple[FloatArray, ...], FloatArray]:
    """Return τ·Z'H⁻¹r per level, and the fitted values with them."""
    residual = scale * np.append(-here.coefficients, 1.0)
    scores = (here.forms.outer_score, here.forms.inner_score)[2 - groups.levels :]
    intercepts = tuple(t * (score @ residual) for t, score in zip(tau, scores, strict=True))
    fitted = fixed + sum(b[code] for b, code in zip(intercepts, groups.codes, strict=True))
    return intercepts, fitted


@dataclass(frozen=True, slots=True)
class LogLinearRatio:
    """Ratio of times, new ballot over old (1 is no effect), and its limits.

    ``log_estimate`` and ``log_se`` are the coefficient on the scale of natural logarithms;
    ``n_groups_experiment`` and ``n_groups_control`` count groups of the outermost level with at
    least one voter in that role. ``model`` is the whole fit: variances, covariates, residuals.
    """

    ratio: float
    ci_lower: float
    ci_upper: float
    p_value: float
    df: float
    log_estimate: float
    log_se: float
    n_experiment: int
    n_control: int
    n_groups_experiment: int
    n_groups_control: int
    model: MixedModelResult


def log_linear_ratio(
    seconds: npt.ArrayLike,
    experiment: npt.ArrayLike,
    groups: Labels | tuple[Labels, Labels],
    *,
    covariates: npt.ArrayLike | None = None,
    covariate_names: Sequence[str] | None = None,
    method: Method = "reml",
    degrees_of_freedom: Freedom = "kenward_roger",
    confidence_level: float = 0.95,
) -> LogLinearRatio:
    """Return how many times as long ``seconds`` (n,) are with the new ballot.

    The mixed model of :func:`mixed_model` on log seconds, with an intercept, ``experiment`` (n,)
    (True: new ballot) and ``covariates`` (n, q). The ratio is exp of the coefficient: the ratio of
    **geometric means**, given group and covariates. It is the ratio of medians when the errors are
    symmetric on the log scale, and the ratio of arithmetic means when they have the same
    distribution with both ballots (the ballot stretches all times alike); when the spread of log
    seconds differs between the ballots, it is neither.

    The groups must be those that received the ballot together: when municipalities are
    assigned, stations of one municipality share its chance, and ``groups`` must name it, alone
    or as the outer level. Only finished, uncensored times belong here: times cut short bias the
    ratio.

    Raises ValueError for times that are not positive, a role with fewer than two outermost groups,
    covariates that do not fit, and for what :func:`mixed_model` refuses.
    """
    times = np.asarray(seconds, dtype=float)
    if times.ndim != 1 or not np.isfinite(times).all() or (times <= 0).any():
        msg = "seconds must be one finite number above 0 per voter; leave other rows out first"
        raise ValueError(msg)
    role = _role(experiment, len(times))
    counts = _groups_per_role(role, groups)
    columns, names = [np.ones(len(times)), role], ["intercept", "experiment"]
    if covariates is not None:
        extra = np.asarray(covariates, dtype=float)
        if extra.ndim != 2 or len(extra) != len(times):
            msg = f"covariates must have {len(times)} rows and columns, found shape {extra.shape}"
            raise ValueError(msg)
        columns.append(extra)
        given = covariate_names or [f"covariate_{i}" for i in range(extra.shape[1])]
        names.extend(given)
    fit = mixed_model(
        np.log(times),
        np.column_stack(columns),
        groups,
        method=method,
        degrees_of_freedom=degrees_of_freedom,
        names=names,
        confidence_level=confidence_level,
    )
    return LogLinearRatio(
        ratio=math.exp(fit.coefficients[1]),
        ci_lower=math.exp(fit.ci_lower[1]),
        ci_upper=math.exp(fit.ci_upper[1]),
        p_value=float(fit.p_values[1]),
        df=float(fit.df[1]),
        log_estimate=float(fit.coefficients[1]),
        log_se=float(fit.se[1]),
        n_experiment=int(role.sum()),
        n_control=int((~role).sum()),
        n_groups_experiment=counts[0],
        n_groups_control=counts[1],
        model=fit,
    )


def _role(experiment: npt.ArrayLike, n: int) -> npt.NDArray[np.bool_]:
    values = np.asarray(experiment)
    if values.shape != (n,):
        msg = f"experiment must have one value per voter: expected {n}, found {values.shape}"
        raise ValueError(msg)
    if values.dtype != bool and not bool(np.isin(values, (0, 1)).all()):
        msg = "experiment must be True or False (1 or 0) for every voter"
        raise ValueError(msg)
    role = values.astype(bool)
    if role.all() or not role.any():
        msg = "seconds of both the new and the old ballot are needed; one of them is absent"
        raise ValueError(msg)
    return role


def _groups_per_role(
    role: npt.NDArray[np.bool_], groups: Labels | tuple[Labels, Labels]
) -> tuple[int, int]:
    outermost = groups[0] if isinstance(groups, tuple) and groups else groups
    codes: IntArray = label_codes(outermost, "groups", len(role))[1]
    new, old = (len(np.unique(codes[rows])) for rows in (role, ~role))
    if min(new, old) < 2:
        msg = (
            f"the new ballot was timed in {new} groups and the old in {old}; each needs two or "
            "more, or the ballot cannot be told from what is special to one group"
        )
        raise ValueError(msg)
    return new, old
