"""What is timed: our estimators and, for each, the peers that give the same numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import peers
from samples import LONG, PERIODS, ROWS, STATIONS, UNITS, Samples
from timing import Values, Work

from ballot_eval.estimation.adjusted import clustered_randomisation_test
from ballot_eval.estimation.betabinomial import fit_beta_binomial
from ballot_eval.estimation.bootstrap import wild_cluster_bootstrap
from ballot_eval.estimation.clusters import cluster_design, cluster_ols
from ballot_eval.estimation.inference import draw_assignments, randomisation_test
from ballot_eval.estimation.multiplier import multiplier_bootstrap
from ballot_eval.estimation.placebos import (
    jackknife_standard_error,
    placebo_standard_error,
    placebo_test,
)
from ballot_eval.estimation.staggered import group_time_effects
from ballot_eval.estimation.synthetic import Solver, synthetic_effect

DRAWS_RANDOMISATION, DRAWS_WILD, DRAWS_PLACEBO, DRAWS_MULTIPLIER = 100_000, 9_999, 200, 9_999


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer: ``prepare`` (data, draws) gives the work, or raises ImportError.

    It makes ``draws`` draws (those of the case when None), and its time is multiplied when those
    are fewer. ``warm_draws`` are enough to compile. ``note`` says why values need not agree.
    """

    name: str
    prepare: Callable[[Samples, int], Work]
    draws: int | None = None
    warm_draws: int = 20
    note: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One estimator of ours, with its peers; estimates may differ by the share ``relative``."""

    key: str
    name: str
    size: str
    ours: Work
    peers: tuple[Peer, ...] = ()
    draws: int = 1
    relative: float = 1e-6


def all_cases(data: Samples) -> list[Case]:
    """Return every case, in the order of the table."""
    return [
        *randomisation(data),
        stations(data),
        *clusters(data),
        beta_binomial(data),
        *synthetic(data),
        staggered(data),
    ]


def randomisation(data: Samples) -> list[Case]:
    """Time the draws apart, then draws with test and interval, plain and studentised."""
    size = f"11 of {UNITS}, {DRAWS_RANDOMISATION:,} draws"

    def draw() -> object:
        return draw_assignments(data.role, draws=DRAWS_RANDOMISATION, max_exact=1, seed=1)

    def test(*, studentised: bool) -> Values:
        found = randomisation_test(data.change, data.role, draw(), studentised=studentised)
        return {"estimate": found.estimate, "p": found.p_value}

    def only_draws() -> Values:
        draw()
        return {}

    ritest, coin = peers.pyfixest_ritest, "gives each unit the role with chance ½, not 11 of 342"
    return [
        Case("draws", "randomisation, the draws alone", size, only_draws),
        Case(
            "plain",
            "randomisation, plain, with interval",
            size,
            functools.partial(test, studentised=False),
            (
                Peer("pyfixest ritest", functools.partial(ritest, kind="c"), note=coin),
                Peer("ritest-python", peers.ritest_python),
            ),
            draws=DRAWS_RANDOMISATION,
        ),
        Case(
            "studentised",
            "randomisation, studentised, with interval",
            size,
            functools.partial(test, studentised=True),
            (
                Peer(
                    "pyfixest ritest, t",
                    functools.partial(ritest, kind="t"),
                    draws=500,
                    note=f"{coin}; one variance for both groups",
                ),
            ),
            draws=DRAWS_RANDOMISATION,
        ),
    ]


def stations(data: Samples) -> Case:
    """Time the test on rows of polling stations, with municipalities reassigned."""

    def test() -> Values:
        drawn = draw_assignments(data.role, draws=DRAWS_RANDOMISATION, max_exact=1, seed=1)
        found = clustered_randomisation_test(
            data.stations,
            data.station_unit,
            data.role,
            drawn,
            weights=data.station_ballots,
        )
        return {"estimate": found.estimate, "p": found.p_value}

    return Case(
        "stations",
        "randomisation, weighted station rows, with interval",
        f"{STATIONS:,} rows, {DRAWS_RANDOMISATION:,} draws",
        test,
        draws=DRAWS_RANDOMISATION,
    )


def clusters(data: Samples) -> list[Case]:
    """Time the wild bootstrap and CRV3, with the preparation of the design and without."""
    x, y = data.new_ballot[:, None], data.panel.ravel()
    size = f"{UNITS} × {PERIODS}, two-way effects"

    def prepare() -> object:
        return cluster_design(x, data.unit, effects=[data.unit, data.period])

    ready = prepare()

    def wild(design: object) -> Values:
        found = wild_cluster_bootstrap(
            design, y, column=0, weights="rademacher", draws=DRAWS_WILD, seed=1
        )
        return {"p": found.p_value}

    def crv3(design: object) -> Values:
        # The sum over clusters without (G−1)/G is what pyfixest calls CRV3 without a factor.
        found = cluster_ols(design, y, method="crv3", crv3_scale="sum")[0]
        return {"estimate": found.estimate, "se": found.se}

    wild_peers = (
        Peer("pyfixest wildboottest", peers.pyfixest_bootstrap),
        Peer("wildboottest", peers.wildboottest_bootstrap),
        Peer("diff-diff wild_bootstrap_se", peers.diff_diff_bootstrap),
    )
    wild_size = f"{size}, {DRAWS_WILD:,} draws"
    name = "restricted wild bootstrap, with interval"
    return [
        Case(
            "wild",
            f"{name}, from arrays",
            wild_size,
            lambda: wild(prepare()),
            wild_peers,
            draws=DRAWS_WILD,
        ),
        Case("wild-ready", f"{name}, design ready", wild_size, lambda: wild(ready)),
        Case(
            "crv3",
            "CRV3, from arrays",
            size,
            lambda: crv3(prepare()),
            (Peer("pyfixest vcov CRV3, fit ready", peers.pyfixest_crv3),),
        ),
        Case("crv3-ready", "CRV3, design ready", size, lambda: crv3(ready)),
    ]


def beta_binomial(data: Samples) -> Case:
    """Time the maximum likelihood fit of a beta-binomial regression."""

    def fit() -> Values:
        found = fit_beta_binomial(
            data.counts,
            data.totals,
            data.design,
            names=["constant", "slope", "step"],
            method="beta_binomial",
        )
        return {"slope": float(found.coefficients[1]), "rho": found.overdispersion}

    return Case(
        "beta-binomial",
        "beta-binomial maximum likelihood",
        f"{ROWS:,} rows, 3 columns",
        fit,
        (
            Peer("corncob", peers.corncob),
            Peer("statsmodels GenericLikelihoodModel", peers.generic_likelihood),
        ),
        relative=1e-3,
    )


def synthetic(data: Samples) -> list[Case]:
    """Time placebos of synthetic control and two errors of synthetic diff-in-diff."""
    y, first = data.long, np.arange(UNITS) < 1
    size = f"{UNITS} × {LONG}"

    def placebos() -> Values:
        found = placebo_test(
            y,
            first,
            n_post=1,
            method="synthetic_control",
            solver="exact",
            statistic="effect",
            draws=999,
            seed=1,
        )
        return {"estimate": found.mean_estimate}

    def did(solver: Solver, *, draws: int) -> Values:
        options = {"n_post": 1, "method": "synthetic_did", "solver": solver}
        estimate = synthetic_effect(y, data.role, **options).estimate
        if draws == 1:
            return {
                "estimate": estimate,
                "jackknife se": jackknife_standard_error(y, data.role, **options),
            }
        error = placebo_standard_error(y, data.role, draws=draws, seed=1, **options)
        return {"estimate": estimate, "placebo se": error.standard_error}

    def case(key: str, what: str, solver: Solver, draws: int) -> Case:
        work = functools.partial(did, solver, draws=draws)
        peer = Peer(
            "diff-diff SyntheticDiD",
            peers.diff_diff_sdid,
            warm_draws=1 if draws == 1 else 5,
            note="other weights (its solver stops early)" if solver == "exact" else "",
        )
        return Case(key, f"synthetic DiD, {what}", size, work, (peer,), draws=draws)

    return [
        Case(
            "placebos",
            "synthetic control, placebos for all units, exact",
            size,
            placebos,
            (
                Peer("diff-diff in_space_placebo", peers.diff_diff_placebos),
                Peer("pysyncon Synth", peers.pysyncon_placebos, draws=6, warm_draws=1),
            ),
            draws=UNITS,
            relative=1e-3,
        ),
        case("sdid", "jackknife error, published solver", "frank_wolfe_sparse", 1),
        case(
            "sdid-placebo",
            f"{DRAWS_PLACEBO} placebos, published solver",
            "frank_wolfe_sparse",
            DRAWS_PLACEBO,
        ),
        case("sdid-exact", f"{DRAWS_PLACEBO} placebos, exact", "exact", DRAWS_PLACEBO),
    ]


def staggered(data: Samples) -> Case:
    """Time group-time effects with their multiplier bootstrap."""
    periods = np.arange(PERIODS, dtype=float)

    def work() -> Values:
        effects = group_time_effects(data.staggered, periods, data.first_adoption)
        bands = multiplier_bootstrap(
            effects.estimates,
            effects.influence,
            method="mammen",
            draws=DRAWS_MULTIPLIER,
            seed=1,
        )
        return {
            "estimate": float(effects.estimates[-1]),
            "bootstrap se": float(bands.std_errors[-1]),
        }

    return Case(
        "staggered",
        "Callaway–Sant'Anna, multiplier bootstrap",
        f"{UNITS} × {PERIODS}, 2 groups, {DRAWS_MULTIPLIER:,} draws",
        work,
        (
            Peer("csdid", peers.csdid, warm_draws=100, note="multipliers ±1, ours Mammen's"),
            Peer("diff-diff CallawaySantAnna", peers.diff_diff_staggered, warm_draws=100),
            Peer("moderndid", peers.moderndid, warm_draws=100),
        ),
        draws=DRAWS_MULTIPLIER,
    )
