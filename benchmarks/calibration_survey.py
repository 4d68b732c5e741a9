"""How often intervals of surveys hold the truth: 1,000 simulated surveys per line.

Run from the repository: python benchmarks/calibration_survey.py [surveys]
Writes the tables of docs/calibration_survey.md to the screen.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import norm

from ballot_eval.estimation.survey.calibration import poststratify
from ballot_eval.estimation.survey.design import SurveyDesign, survey_design
from ballot_eval.estimation.survey.estimates import (
    survey_contrast,
    survey_domain_means,
    survey_mean,
)
from ballot_eval.estimation.survey.intervals import share_interval, t_interval

FloatArray = npt.NDArray[np.float64]
SEED = 20_260_318
STATION_SD, PERSON_SCALE = 0.35, np.pi / np.sqrt(3)

#: Nodes of Gauss–Hermite quadrature, for means over normal shocks.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True, slots=True)
class World:
    """What is simulated: ``municipalities`` and stations of one group, and their differences."""

    municipalities: int
    stations: int
    level: float
    municipality_sd: float
    interviews: int = 32


@dataclass(frozen=True, slots=True)
class Survey:
    """One simulated survey of two groups, and the truth about it."""

    y: FloatArray
    new: npt.NDArray[np.bool_]
    #: Stations in municipalities; the same with the weight of each municipality known.
    places: SurveyDesign
    within: SurveyDesign
    assigned: SurveyDesign
    #: Share with the new ballot in these municipalities, all their stations together.
    share: float


def surveys(world: World, number: int) -> Iterator[Survey]:
    """Yield surveys in which the two ballots do not differ."""
    for i in range(number):
        yield one_survey(world, np.random.default_rng([SEED, i]))


def one_survey(world: World, rng: np.random.Generator) -> Survey:
    """Interview at stations in both groups; larger stations have other voters.

    Stations hold 200 to 1,500 voters, of whom about as many are interviewed at each, so that
    weights differ; at large stations answers are somewhat less favourable. A municipality counts
    the same, whatever its size.
    """
    m = 2 * world.municipalities
    shock = rng.normal(0, world.municipality_sd, m)
    place = np.repeat(np.arange(m), world.stations)
    voters = rng.uniform(200, 1500, len(place))
    score = level_of(world) + shock[place] + rng.normal(0, STATION_SD, len(place))
    score = score - 0.3 * (voters - 850) / 650
    size = np.maximum(rng.poisson(world.interviews, len(place)), 2)
    station = np.repeat(np.arange(len(place)), size)
    y = (rng.random(len(station)) < expit(score[station])).astype(float)
    weight = (voters / size)[station]
    municipality = place[station]
    weight = weight / np.bincount(municipality, weights=weight)[municipality]
    new = municipality < world.municipalities
    places = survey_design(weight, strata=municipality, clusters=station)
    totals = dict.fromkeys(range(m), 1.0)
    within = poststratify(places, municipality, totals).design
    assigned = survey_design(weight, strata=new, clusters=municipality)
    truth = float(np.mean([station_mean(level_of(world) + s) for s in shock[: m // 2]]))
    return Survey(y, new, places, within, assigned, truth)


def level_of(world: World) -> float:
    """Return the log odds of the share that is asked for."""
    return float(logit(world.level))


def station_mean(score: float) -> float:
    """Return the share among the voters of a municipality, over stations of every size."""
    sizes = np.linspace(200, 1500, 201)
    shares = expit(score - 0.3 * (sizes[:, None] - 850) / 650 + STATION_SD * _NODES) @ _WEIGHTS
    return float(sizes @ shares / sizes.sum())


def naive(y: FloatArray) -> tuple[float, float]:
    """Return share and binomial standard error, as if respondents were drawn one by one."""
    return float(y.mean()), float(np.sqrt(y.mean() * (1 - y.mean()) / len(y)))


def shares(world: World, number: int) -> dict[str, tuple[float, float]]:
    """Return coverage and mean length of intervals of the share with the new ballot."""
    held: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    z = norm.ppf(0.975)
    for survey in surveys(world, number):
        found = survey_mean(survey.places, survey.y, domain=survey.new)
        for method in ("korn_graubard", "logit", "wald"):
            low, high = (float(v[0]) for v in share_interval(found, method=method))
            held[method].append((low <= survey.share <= high, high - low))
        found = survey_mean(survey.within, survey.y, domain=survey.new)
        low, high = (float(v[0]) for v in share_interval(found))
        held["poststratified"].append((low <= survey.share <= high, high - low))
        p, error = naive(survey.y[survey.new])
        held["binomial"].append((abs(p - survey.share) <= z * error, 2 * z * error))
    return {name: _summary(rows) for name, rows in held.items()}


def differences(world: World, number: int) -> dict[str, tuple[float, float]]:
    """Return coverage and mean length of intervals of new less old; the truth is 0."""
    held: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    z = norm.ppf(0.975)
    for survey in surveys(world, number):
        groups = np.column_stack([survey.new, ~survey.new])
        for name in ("assigned", "places"):
            means = survey_domain_means(getattr(survey, name), survey.y, groups)
            low, high = (float(v[0]) for v in t_interval(survey_contrast(means, [1, -1])))
            held[name].append((low <= 0 <= high, high - low))
        (p, error), (q, other) = (naive(survey.y[rows]) for rows in groups.T)
        half = z * float(np.hypot(error, other))
        held["binomial"].append((abs(p - q) <= half, 2 * half))
    return {name: _summary(rows) for name, rows in held.items()}


def _summary(rows: list[tuple[bool, float]]) -> tuple[float, float]:
    covered, length = np.array(rows, dtype=float).T
    return float(covered.mean()), float(np.nanmean(length))


def _table(title: str, names: dict[str, str], worlds: list[World], number: int, kind: str) -> None:
    print(f"\n## {title}\n")
    print("| municipalities per ballot | stations | share | sd municipalities |", end="")
    print("".join(f" {label} |" for label in names.values()))
    print("|" + "---:|" * (4 + len(names)))
    for world in worlds:
        found = (shares if kind == "shares" else differences)(world, number)
        cells = [f"{100 * c:.1f}% ({100 * length:.1f})" for c, length in map(found.get, names)]
        total = 2 * world.municipalities * world.stations
        row = [world.municipalities, total, f"{world.level:.0%}", world.municipality_sd, *cells]
        print("| " + " | ".join(map(str, row)) + " |")


def main() -> None:
    """Print both tables."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    worlds = [
        World(municipalities, stations, level, sd)
        for municipalities, stations in ((10, 2), (5, 4), (11, 4))
        for level in (0.75, 0.05)
        for sd in (0.12, 0.30)
    ]
    names = {"korn_graubard": "Korn–Graubard", "logit": "logit", "wald": "t"}
    names |= {"poststratified": "Korn–Graubard, post-stratified", "binomial": "naive"}
    _table("Share with the new ballot", names, worlds, number, "shares")
    names = {"assigned": "municipalities", "places": "stations only", "binomial": "naive"}
    _table("Difference between the ballots", names, worlds, number, "differences")


if __name__ == "__main__":
    main()
