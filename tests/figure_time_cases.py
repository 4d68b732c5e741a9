"""What the figures of times are drawn from, and pieces of their words."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

NAN, INF = float("nan"), float("inf")
GROUPS = {
    "nieuw stembiljet, zonder hulp": (4.2, 0.5, 4210),
    "oud stembiljet, zonder hulp": (3.9, 0.5, 1690),
    "nieuw stembiljet, met hulp": (4.9, 0.6, 133),
    "oud stembiljet, met hulp": (4.6, 0.6, 41),
}
ROLES = {name: "new" if name.startswith("nieuw") else "old" for name in GROUPS}
MEDIANS = {
    "nieuw stembiljet, zonder hulp": (66.4, 64.8, 68.2),
    "oud stembiljet, zonder hulp": (49.1, 47.0, 51.3),
    "nieuw stembiljet, met hulp": (144.0, 124.0, INF),
    "oud stembiljet, met hulp": (NAN, NAN, NAN),
}


def voting_seconds() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {name: rng.lognormal(m, s, n) for name, (m, s, n) in GROUPS.items()}


def _many() -> tuple:
    rng = np.random.default_rng(2)
    names = [
        f"{ballot} stembiljet, {age} jaar en ouder, eerste keer {first}"
        for ballot, age, first in itertools.product(
            ("nieuw", "oud"), ("55", "75"), ("ja", "nee", "onbekend")
        )
    ]
    sizes = [1, 3, 9, 10, 400, 60, *[30] * 6]
    seconds = {k: rng.lognormal(4, 0.6, n) for k, n in zip(names, sizes, strict=True)}
    seconds[names[5]] = np.full(60, 45.0)
    medians = dict.fromkeys(names, (55.0, 50.0, 61.0))
    medians |= {names[0]: (3.2, 1.0, 9.0), names[1]: (620.0, 400.0, INF), names[4]: (290, 20, 310)}
    return seconds, medians


def steps_of(seconds: dict, seen: float, unit: float = 1) -> tuple:
    """Return times in whole units, last seen at ``seen``, as steps of a curve with their counts."""
    times, weights, counts = {}, {}, {}
    for name, values in seconds.items():
        rounded = np.minimum(np.ceil(values / unit) * unit, seen + unit)
        at, ties = np.unique(rounded, return_counts=True)
        times[name], counts[name] = at, len(values)
        weights[name] = np.where(at > seen, 0, ties / len(values))
    return times, {"weights": weights, "counts": counts}


SECONDS, STEPS = steps_of(voting_seconds(), 240)


QUANTILES = [0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95]
RATIOS = np.array([1.02, 1.05, 1.10, 1.14, 1.20, 1.22, NAN])
ERRORS = np.array([0.04, 0.03, 0.025, 0.03, 0.04, 0.07, NAN])
LOWER, UPPER = RATIOS * np.exp(-2 * ERRORS), RATIOS * np.exp(2 * ERRORS)
BANDS = {"band_lower": RATIOS * np.exp(-3 * ERRORS), "band_upper": RATIOS * np.exp(3 * ERRORS)}


def _dense() -> tuple:
    at = np.arange(1, 20) / 20
    ratios = np.exp(0.6 * at - 0.1)
    lower, upper = 0.8 * ratios, 1.3 * ratios
    lower[0], upper[-2:] = 0, INF
    return at, ratios, lower, upper, (9.0, 0.5, 30.0)


def _curve(n: int, mean: float, spread: float, seen: float = 1000) -> tuple:
    rng = np.random.default_rng(n)
    minutes, counts = np.unique(np.round(rng.normal(mean, spread, n)).clip(5), return_counts=True)
    share = np.cumsum(counts) / n
    half = 1.96 * np.sqrt(share * (1 - share) / n)
    made = (minutes, share, np.clip(share - half, 0, 1), np.clip(share + half, 0, 1))
    return tuple(values[minutes <= seen] for values in made)


NEW, OLD = "nieuw stembiljet", "oud stembiljet"
DSO, CSO = "DSO: stembureau telt lijsten en kandidaten", "CSO: stembureau telt lijsten"
CENTRAL = "CSO: centrale telling van kandidaten (dag na de verkiezing)"
CURVES = {
    DSO: {NEW: _curve(48, 195, 45, 250), OLD: _curve(310, 150, 50)},
    CSO: {NEW: _curve(60, 100, 30), OLD: _curve(400, 95, 30)},
    CENTRAL: {NEW: _curve(6, 330, 80), OLD: _curve(30, 300, 90)},
}
CLOCK = {
    "roles": {NEW: "new", OLD: "old"},
    "clock_origin_minutes": {CENTRAL: 9 * 60},
    "origin_labels": {CENTRAL: "kloktijd, dag na de verkiezing"},
    "censored": {DSO: {NEW: [251, 254, 260]}},
}


def _with_gaps(curve: tuple) -> tuple:
    """Leave out the bounds of the first and last tenth and of a stretch in the middle."""
    minutes, share, *bounds = curve
    drawn = (share > 0.1) & (share < 0.9) & (np.abs(share - 0.5) > 0.1)
    return minutes, share, *(np.where(drawn, values, NAN) for values in bounds)


GAPS = {DSO: {name: _with_gaps(curve) for name, curve in CURVES[DSO].items()}}
FOUR = {
    "telling": {
        "a": ([60], [0.3], [NAN], [NAN]),
        "een lange naam van een soort biljet": _curve(50, 180, 40),
        "c": ([30, 1000], [0.5, 1], [0.2, 0.9], [0.8, 1]),
        "d": _curve(20, 200, 50),
    }
}


def _rates() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    kinds = {"DSO, stembureau": 3.6, "CSO, stembureau": 2.9, "CSO, centrale telling": 3.3}
    rows = [
        (kind, ballot, rate)
        for kind, mean in kinds.items()
        for ballot, n in (("new", 12), ("old", 150))
        for rate in rng.lognormal(mean, 0.35, n)
    ]
    return pd.DataFrame(rows, columns=["kind", "ballot", "rate"])


def medians_of(rates: pd.DataFrame) -> pd.DataFrame:
    groups = rates[["kind", "ballot"]].drop_duplicates(ignore_index=True)
    values = [31.4, 36.2, 15.9, 18.1, NAN, 28.0]
    made = groups.assign(median=values[: len(groups)])
    return made.assign(lower=made["median"] * 0.9, upper=made["median"] * 1.2)


RATES = _rates()
LONG = RATES.assign(rate=RATES["rate"] ** 3, kind=RATES["kind"] + " met een naam die erg lang is")
LONG_MEDIANS = medians_of(LONG).assign(median=5000.0, lower=0.0, upper=INF)

ARRIVALS = np.arange(40, 161, 10)
BOOTHS_NEW = np.array([3, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5])
BOOTHS_OLD = np.array([2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5])
LIMIT = {"max_wait_minutes": 5, "max_share": 0.05}
BOUNDS = {
    "lower_new": BOOTHS_NEW - 1,
    "upper_new": BOOTHS_NEW + 1,
    "lower_old": BOOTHS_OLD,
    "upper_old": BOOTHS_OLD + 1,
}


def _crowd() -> tuple:
    arrivals = np.arange(20, 401, 5)
    new = np.ceil(arrivals * 1.4 / 60 + 1.3)
    new[:3] = NAN
    return arrivals, new, np.ceil(arrivals * 1.1 / 60 + 1.2)


#: What each figure is drawn from; after a colon, a variant of the same figure.
CASES = {
    "voting_time_ridges": ((voting_seconds(), MEDIANS), {"horizon_seconds": 300, "roles": ROLES}),
    "voting_time_ridges:two": (
        (dict(itertools.islice(voting_seconds().items(), 2)), MEDIANS),
        {"horizon_seconds": 180},
    ),
    "voting_time_ridges:many": (_many(), {"horizon_seconds": 300}),
    "voting_time_ridges:steps": (
        (SECONDS, MEDIANS),
        {"horizon_seconds": 240, "roles": ROLES} | STEPS,
    ),
    "quantile_effects": ((QUANTILES, RATIOS, LOWER, UPPER, (1.15, 1.09, 1.21)), BANDS),
    "quantile_effects:plain": ((QUANTILES, RATIOS, LOWER, UPPER), {}),
    "quantile_effects:dense": (_dense(), {}),
    "finished_by_clock": ((CURVES,), CLOCK),
    "finished_by_clock:elapsed": ((FOUR,), {"clock_origin_minutes": {"telling": NAN}}),
    "finished_by_clock:gaps": ((GAPS,), {"roles": CLOCK["roles"]}),
    "counting_rates": ((RATES, medians_of(RATES)), {}),
    "counting_rates:plain": ((RATES[RATES["kind"] == "DSO, stembureau"],), {}),
    "counting_rates:unfinished": (
        (RATES.assign(finished=np.arange(len(RATES)) % 20 > 0), medians_of(RATES)),
        {},
    ),
    "counting_rates:extreme": ((LONG, LONG_MEDIANS), {}),
    "booths_needed": ((ARRIVALS, BOOTHS_NEW, BOOTHS_OLD), LIMIT),
    "booths_needed:bounds": ((ARRIVALS, BOOTHS_NEW, BOOTHS_OLD), LIMIT | BOUNDS),
    "booths_needed:crowd": (_crowd(), {"max_wait_minutes": 2.5, "max_share": 0.025}),
    "booths_needed:uneven": (
        ([60, 75, 120, 400], [3, 4, 4, 11], [3, 3, 4, 9]),
        {"max_wait_minutes": 5, "max_share": 0.05, "lower_new": [2, 3, 4, 10]}
        | {"upper_new": [4, 4, 5, 12], "lower_old": [3, 3, 3, 8], "upper_old": [3, 4, 4, 9]},
    ),
    "booths_needed:one": (([80], [4], [3]), {"max_wait_minutes": 1, "max_share": 0.1}),
}

#: Pieces of the alternative text in Dutch and in English.
TEXTS = {
    "voting_time_ridges": (
        [
            "in 4 groepen, getekend tot 300 seconden",
            "zonder hulp (4.210 kiezers) mediaan 66 s (65 tot 68), 0,",
            "mediaan 144 s (124 tot ∞)",
            "mediaan niet gemeten",
        ],
        ["4,210 voters) median 66 s (65 to 68), 0.", "median not measured, 2.4% longer than 300 s"],
    ),
    "voting_time_ridges:two": (["% langer dan 180 s"], ["% longer than 180 s"]),
    "voting_time_ridges:many": (["1 kiezer)", "3,2 s (1,0 tot 9,0)"], ["1 voter)", "620.0 s"]),
    "voting_time_ridges:steps": (
        ["zonder hulp (4.210 kiezers) mediaan 66 s", "met hulp (41 kiezers) mediaan niet gemeten"],
        ["(4,210 voters) median 66 s", "(133 voters) median 144 s"],
    ),
    "quantile_effects": (
        ["50%: 1,14 (1,07 tot 1,21)", "95%: niet gemeten", "van 0,90 tot 1,51", "1,15 (1,09 tot"],
        ["50%: 1.14 (1.07 to 1.21)", "95%: not measured", "from 0.90 to 1.51", "is 1.15 (1.09 to"],
    ),
    "quantile_effects:plain": (["5%: 1,02 (0,94 tot 1,10)"], ["5%: 1.02 (0.94 to 1.10)"]),
    "quantile_effects:dense": (["90%: 1,55 (1,24 tot ∞)"], ["90%: 1.55 (1.24 to ∞)"]),
    "finished_by_clock": (
        [f"{DSO}: {NEW} helft klaar om 00:", "(01:20)", f"{CENTRAL}: {NEW} helft klaar om 1"],
        [f"{DSO}: {NEW} half finished at 00:", f"{OLD} half finished at 23:"],
    ),
    "finished_by_clock:elapsed": (
        ["a helft niet bereikt", "(1,0 uur) 30% klaar", "c helft klaar na 0,5 uur"],
        ["a half not reached", "(1.0 h) 30% finished", "c half finished after 0.5 h"],
    ),
    "finished_by_clock:gaps": ([f"{NEW} helft klaar om 00:"], [f"{OLD} half finished at 23:"]),
    "counting_rates": (
        ["DSO, stembureau, nieuw (n = 12) 31,4 (28,3 tot 37,7)", "nieuw (n = 12) niet gemeten"],
        ["DSO, stembureau, new (n = 12) 31.4 (28.3 to 37.7)", "old (n = 150) 28.0 (25.2 to 33.6)"],
    ),
    "counting_rates:plain": (["oud (n = 150) 3"], ["old (n = 150) 3"]),
    "counting_rates:unfinished": (
        ["Van 25 tellingen is het eind niet waargenomen"],
        ["The end of 25 counts was not observed"],
    ),
    "counting_rates:extreme": (["5.000 (0 tot ∞)"], ["5,000 (0 to ∞)"]),
    "booths_needed": (
        [
            "minder dan 5% van de kiezers langer dan 5 minuten",
            "bij 13 aantallen kiezers per uur in de piek van 40 tot en met 160: bij 40 nieuw 3 en",
            "; bij 50 tot en met 80 nieuw 3 en oud 3; bij 90 nieuw 4",
        ],
        [
            "fewer than 5% of the voters wait longer than 5 minutes",
            "for 13 numbers of voters per hour in the peak from 40 to 160: for 40 new 3 and old 2",
            "; for 160 new 5 and old 5.",
        ],
    ),
    "booths_needed:bounds": (["bij 90 nieuw 4 en oud 3"], ["from 40 to 160: for 40"]),
    "booths_needed:crowd": (
        ["minder dan 2,5% van de kiezers langer dan 2,5 minuten", "nieuw niet gemeten en oud 2"],
        [
            "fewer than 2.5% of the voters wait longer than 2.5 minutes",
            "new not measured and old 2",
        ],
    ),
    "booths_needed:uneven": (
        ["bij 4 aantallen kiezers per uur in de piek van 60 tot en met 400: bij 60 nieuw 3 en oud"],
        ["; for 75 new 4 and old 3; for 120 new 4 and old 4; for 400 new 11 and old 9."],
    ),
    "booths_needed:one": (
        ["langer dan 1 minuut", "bij 80 kiezers per uur in de piek: nieuw 4 en oud 3."],
        ["than 1 minute, for 80 voters per hour in the peak: new 4 and old 3."],
    ),
}
