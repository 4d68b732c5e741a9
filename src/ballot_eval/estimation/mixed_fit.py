"""Maximise the (restricted) likelihood of nested random intercepts. Arrays only.

Coefficients and σ² have a closed form at given relative variances τ = θ² (θ the relative standard
deviations), so the deviance is minimised over one or two τ ≥ 0, with exact first and second
derivatives. The deviance can have more than one minimum, so the search begins at the best point of
a coarse grid.

Sources: Harville (1977), JASA 72; Bates, Mächler, Bolker & Walker (2015), Journal of Statistical
Software 67 (profiled criteria, boundary solutions); Satterthwaite (1946), Biometrics Bulletin 2;
Kenward & Roger (1997), Biometrics 53; Halekoh & Højsgaard (2014), JSS 59.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.mixed_sums import Forms, GroupSums, all_forms, base_forms

FloatArray = npt.NDArray[np.float64]

#: Starting values of τ times the mean group size, for one and for two levels. They are compared in
#: one go, so that many of them cost less than the Newton steps they save.
GRIDS = (
    np.append(0.0, np.geomspace(0.03, 3e5, 60)),
    np.array([0.0, 0.1, 0.3, 1.0, 2.0, 4.0, 8.0, 20.0, 60.0, 1e3, 3e5]),
)
MAX_STEPS = 200
#: The search ends with the Newton step that promises less than half of this in deviance. Such a
#: step begins within 1e-5 standard errors of τ, and Newton's method squares that.
DECREMENT = 1e-10


@dataclass(frozen=True, slots=True)
class Profile:
    """The model at one τ, in the basis Q of the regressors.

    ``inverse`` (p, p) is (Q'H⁻¹Q)⁻¹, ``coefficients`` (p,), ``square`` the residual r'H⁻¹r,
    ``freedom`` its divisor (n − p for REML, n for ML) and ``deviance`` −2 log likelihood without
    the constants of the basis. ``traces`` are tr(PG_g) for REML and tr(H⁻¹G_g) for ML with their
    ``products``; ``leaning`` r'H⁻¹G_gH⁻¹r and ``curvature`` r'H⁻¹G_gPG_hH⁻¹r (L, L).
    """

    forms: Forms
    inverse: FloatArray
    coefficients: FloatArray
    square: float
    freedom: float
    deviance: float
    traces: FloatArray
    products: FloatArray
    leaning: FloatArray
    curvature: FloatArray

    @property
    def residual_variance(self) -> float:
        """σ² at this τ."""
        return self.square / self.freedom

    @property
    def gradient(self) -> FloatArray:
        """Of the profiled deviance in τ."""
        return self.traces - self.freedom * self.leaning / self.square

    @property
    def hessian(self) -> FloatArray:
        """Of the profiled deviance in τ."""
        q = self.leaning / self.square
        return -self.products + self.freedom * (
            2 * self.curvature / self.square - np.multiply.outer(q, q)
        )

    @property
    def expected_hessian(self) -> FloatArray:
        """Its expectation, which has no negative curvature."""
        return self.products - np.multiply.outer(self.traces, self.traces) / self.freedom


def deviances(sums: GroupSums, taus: FloatArray, *, reml: bool) -> FloatArray:
    """Return −2 log likelihood, profiled over coefficients and σ², at ``taus`` (B, L): (B,)."""
    base, log_determinant = base_forms(sums, taus)
    x, xy = base[:, :-1, :-1], base[:, :-1, -1:]
    square = base[:, -1, -1] - (xy * np.linalg.solve(x, xy)).sum(axis=(1, 2))
    freedom = sums.n_rows - (x.shape[1] if reml else 0)
    value = log_determinant + freedom * (1 + np.log(2 * np.pi * square / freedom))
    return np.asarray(value + np.linalg.slogdet(x)[1] if reml else value)


def profile_at(sums: GroupSums, tau: FloatArray, *, reml: bool) -> Profile:
    """Return the model at ``tau`` (L,) with what derivatives and degrees of freedom need."""
    forms = all_forms(sums, tau)
    base = forms.base
    inverse = np.asarray(np.linalg.inv(base[:-1, :-1]), dtype=np.float64)
    coefficients = inverse @ base[:-1, -1]
    square = float(base[-1, -1] - base[:-1, -1] @ coefficients)
    freedom = sums.n_rows - (len(coefficients) if reml else 0)
    residual = np.append(-coefficients, 1.0)
    toward = forms.first @ residual
    curvature = forms.second @ residual @ residual - (toward[:, :-1] @ inverse @ toward[:, :-1].T)
    traces, products = forms.trace, forms.trace_product
    deviance = forms.log_determinant + freedom * (1 + math.log(2 * math.pi * square / freedom))
    if reml:
        deviance -= float(np.linalg.slogdet(inverse)[1])
        traces, products = projected_traces(
            inverse, forms.first[:, :-1, :-1], forms.second[:, :, :-1, :-1], traces, products
        )
    return Profile(
        forms=forms,
        inverse=inverse,
        coefficients=coefficients,
        square=square,
        freedom=freedom,
        deviance=deviance,
        traces=traces,
        products=products,
        leaning=toward @ residual,
        curvature=curvature,
    )


def projected_traces(
    inverse: FloatArray,
    first: FloatArray,
    second: FloatArray,
    trace: FloatArray,
    trace_product: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return tr(PG_g) (L,) and tr(PG_gPG_h) (L, L), P the projection that removes x."""
    mapped = inverse @ first
    products = (
        trace_product
        - 2 * np.einsum("ab,ghba->gh", inverse, second)
        + np.einsum("gab,hba->gh", mapped, mapped)
    )
    return trace - np.einsum("gaa->g", mapped), products


def minimise(sums: GroupSums, *, reml: bool) -> tuple[FloatArray, Profile]:
    """Return τ (L,), exactly 0 where the minimum lies on the boundary, and the model there.

    Raises ValueError when the search does not end.
    """
    levels = sums.groups.levels
    mean_size = sums.n_rows / np.array([len(label) for label in sums.groups.labels])
    grid = np.array(list(itertools.product(GRIDS[levels - 1], repeat=levels))) / mean_size
    tau = grid[int(np.argmin(deviances(sums, grid, reml=reml)))]
    here = profile_at(sums, tau, reml=reml)
    for _ in range(MAX_STEPS):
        gradient = here.gradient
        free = (tau > 0) | (gradient < 0)
        if not free.any():
            return tau, here
        step = np.zeros(levels)
        step[free] = -_direction(here, free)
        decrement = -float(gradient @ step)
        moved = _line_search(sums, tau, step, here, reml=reml)
        # No lower point along a direction of descent: only rounding is left.
        if moved is None:
            return tau, here
        tau, here = moved
        if decrement < DECREMENT:
            return tau, here
    msg = f"the likelihood was not maximised in {MAX_STEPS} steps; check groups and covariates"
    raise ValueError(msg)


def _direction(here: Profile, free: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the Newton step, or the Fisher step where the deviance is not convex."""
    pick = np.ix_(free, free)
    for matrix in (here.hessian[pick], here.expected_hessian[pick]):
        values, vectors = np.linalg.eigh(matrix)
        if values[0] > 1e-12 * abs(values[-1]):
            return np.asarray(vectors @ ((vectors.T @ here.gradient[free]) / values))
    return np.asarray(here.gradient[free] / np.abs(np.diag(here.expected_hessian[pick])))


def _line_search(
    sums: GroupSums, tau: FloatArray, step: FloatArray, here: Profile, *, reml: bool
) -> tuple[FloatArray, Profile] | None:
    noise = 1e-13 * (1 + abs(here.deviance))
    gradient, length = here.gradient, 1.0
    while length > 1e-9:
        candidate = np.maximum(tau + length * step, 0.0)
        gain = float(gradient @ (candidate - tau))
        if gain <= 0 and not np.array_equal(candidate, tau):
            there = profile_at(sums, candidate, reml=reml)
            if there.deviance <= here.deviance + 1e-4 * gain + noise:
                return candidate, there
        length /= 2
    return None


def satterthwaite(here: Profile, tau: FloatArray, contrasts: FloatArray) -> FloatArray:
    """Return the degrees of freedom of each contrast (p, m) of the coefficients in the basis.

    2·v²/var(v) for the variance v of the contrast, by the delta method with the observed
    information on σ² and τ. A variance estimated as 0 is taken to be known, as lmerTest does.
    """
    s2, inside = here.residual_variance, tau > 0
    count = int(inside.sum())
    information = np.zeros((count + 1, count + 1))
    information[0, 0] = here.freedom / s2**2
    information[0, 1:] = information[1:, 0] = here.leaning[inside] / s2**2
    pick = np.ix_(inside, inside)
    information[1:, 1:] = (-here.products + 2 * here.curvature / s2)[pick]
    covariance = 2 * np.linalg.inv(information)
    mapped = here.inverse @ contrasts
    p = len(here.coefficients)
    slopes = np.einsum("am,gab,bm->gm", mapped, here.forms.first[inside, :p, :p], mapped)
    own = (contrasts * mapped).sum(axis=0)
    gradient = np.vstack([own, s2 * slopes])
    spread = np.einsum("gm,gh,hm->m", gradient, covariance, gradient)
    return np.asarray(2 * (s2 * own) ** 2 / spread)


def kenward_roger(
    sums: GroupSums, here: Profile, tau: FloatArray, contrasts: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the adjusted covariance (p, p) in the basis and the degrees of freedom (m,).

    The variances σ² and σ²·τ enter linearly, so the second derivatives of Kenward & Roger vanish.
    For one contrast at a time their scale factor is 1 and the degrees of freedom are 2/A.
    """
    first, second, trace, product = _with_rows(sums, here.forms, tau)
    s, p = here.inverse, len(here.coefficients)
    first, second = first[:, :p, :p], second[:, :, :p, :p]
    _, information = projected_traces(s, first, second, trace, product)
    weight = 2 * np.linalg.inv(information)
    bias = np.einsum("gh,ghab->ab", weight, second) - np.einsum(
        "gh,gab,bc,hcd->ad", weight, first, s, first
    )
    adjusted = here.residual_variance * (s + 2 * s @ bias @ s)
    mapped = s @ contrasts
    slopes = np.einsum("am,gab,bm->gm", mapped, first, mapped) / (contrasts * mapped).sum(axis=0)
    return adjusted, 2 / np.einsum("gm,gh,hm->m", slopes, weight, slopes)


def _with_rows(
    sums: GroupSums, forms: Forms, tau: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Put G = I in front of the levels; I = H − Σ τ_g·G_g gives its forms from theirs."""
    row_first = forms.base - np.tensordot(tau, forms.first, axes=1)
    left = forms.first - np.tensordot(tau, forms.second, axes=1)
    row_second = row_first - np.tensordot(tau, left, axes=1)
    levels, size = len(tau), len(forms.base)
    second = np.empty((levels + 1, levels + 1, size, size))
    second[1:, 1:] = forms.second
    second[0, 1:], second[1:, 0], second[0, 0] = left, np.swapaxes(left, 1, 2), row_second
    row_trace = sums.n_rows - tau @ forms.trace
    cross = forms.trace - tau @ forms.trace_product
    product = np.empty((levels + 1, levels + 1))
    product[1:, 1:] = forms.trace_product
    product[0, 1:] = product[1:, 0] = cross
    product[0, 0] = row_trace - tau @ cross
    return (
        np.concatenate([row_first[None], forms.first]),
        second,
        np.append(row_trace, forms.trace),
        product,
    )
