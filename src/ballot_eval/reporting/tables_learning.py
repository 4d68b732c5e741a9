"""Measures of the learning effect as Markdown tables for the report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ballot_eval.design import StudyDesign
from ballot_eval.formatting import display_name, interval, number, points, sort_name
from ballot_eval.reporting.tables import WEIGHTINGS, pipe_table
from ballot_eval.reporting.tables_times import NO_NUMBER, limits, p_text
from ballot_eval.results import Measure

METHODS = {
    "exact_permutation": "alle verdelingen",
    "exact_permutation_studentised": "alle verdelingen, gestudentiseerd",
    "exact_permutation_adjusted": "alle verdelingen, met kenmerken",
    "exact_permutation_stratified": "alle verdelingen, binnen grootte",
}
PARTS = {
    "joiners": "gemeenten die erbij kwamen",
    "leavers": "gemeenten die afvielen",
    "control_trend": "ontwikkeling elders",
    "own_start": "soort verkiezing en eigen beginpunt",
    "learning": "verandering van het effect",
    "excess_over_control": "verschil met elders, beginpunt en effect samen",
}
SCENARIOS = {
    "no_further_learning": "zoals nu",
    "first_use": "zoals bij eerste gebruik",
    "most_exposures": "zoals na meer keren",
    "best_municipality": "zoals in de beste gemeente",
}
SCALES = {"additive": "verschil", "ratio": "verhouding"}


def _points(m: Measure) -> list[str]:
    """Return a difference of fractions with its limits, in percentage points."""
    if math.isnan(m.estimate):
        return [NO_NUMBER, NO_NUMBER]
    if math.isnan(m.ci_lower):
        return [points(m.estimate, unit=False), NO_NUMBER]
    ends = interval(m.ci_lower, m.ci_upper, percent_sign=False, sign=True)
    return [points(m.estimate, unit=False), ends]


def exposures(study: StudyDesign) -> str:
    """Return which municipality used the new ballot at which election, by how often."""
    used = [e for e in study.elections if e.new_ballot]
    rows = []
    for code in sorted(study.municipalities, key=lambda c: sort_name(study.municipalities[c])):
        if code in study.ever_exposed():
            cells = [
                f"{study.exposure(code, e.id)}e keer" if code in e.new_ballot else NO_NUMBER
                for e in used
            ]
            rows.append([display_name(study.municipalities[code]), *cells])
    return pipe_table(["Gemeente", *(e.id for e in used)], rows, "l" * (len(used) + 1))


def excess(items: Sequence[Measure]) -> str:
    """Return the excess over the controls at each use of the ballot."""
    rows = [
        [m.group, WEIGHTINGS[m.subset], "aantallen", *_points(m), p_text(m)]
        for m in items
        if m.quantity == "excess" and m.subset in WEIGHTINGS
    ]
    counted = {m.group for m in items if m.quantity == "excess" and m.subset in WEIGHTINGS}
    rounded = {m.group: m for m in items if m.quantity == "level_excess" and m.group not in counted}
    rows = [
        *(
            [m.group, "per stem", "afgeronde aandelen", *_points(m), NO_NUMBER]
            for m in rounded.values()
        ),
        *rows,
    ]
    header = ["Verkiezing", "Weging", "Bekend", "Effect", "Interval", "p-waarde"]
    return pipe_table(header, rows, "lllrrr")


def changes(items: Sequence[Measure]) -> str:
    """Return the changes of the excess between uses of the ballot, as difference and as ratio.

    Differences by the studentised test, which holds beyond the ballots cast; the plain one is in
    the file.
    """
    rows = []
    for m in items:
        period = " → ".join(reversed(m.group.split("-")))
        if (m.quantity, m.method) == ("change_in_excess", "randomisation_studentised"):
            kind, cells = "verschil", _points(m)
        elif m.quantity == "change_in_ratio":
            kind = "verhouding"
            cells = [number(m.estimate, 2), limits(m, 2)]
        else:
            continue
        rows.append([period, kind, WEIGHTINGS[m.subset], *cells, p_text(m)])
    header = ["Van en naar", "Als", "Weging", "Verandering", "Interval", "p-waarde"]
    return pipe_table(header, rows, "lllrrr")


def later_first(items: Sequence[Measure]) -> str:
    """Return the difference between municipalities that used the ballot before and the others."""
    rows = [
        [METHODS[m.method], *_points(m), p_text(m)]
        for m in items
        if m.quantity == "later_against_first"
    ]
    return pipe_table(["Methode", "Verschil", "Interval", "p-waarde"], rows, "lrrr")


def decomposition(items: Sequence[Measure]) -> str:
    """Return the parts of the naive change of the share, in percentage points."""
    rows = []
    for m in items:
        name = m.quantity.removeprefix("decomposition_")
        if name == m.quantity:
            continue
        period = " → ".join(reversed(m.group.split("-")))
        # The change itself opens the list of its parts.
        label = "**verandering van het aandeel**" if name == "naive" else PARTS[name]
        rows.append([period if name == "naive" else "", label, *_points(m)])
    return pipe_table(["Van en naar", "Onderdeel", "Bijdrage", "Door afronding"], rows, "llrr")


def forecasts(items: Sequence[Measure]) -> str:
    """Return the expected national share and extra votes by scenario."""
    found = {(m.quantity, m.group, m.subset): m for m in items}
    rows = []
    for (quantity, scenario, scale), m in found.items():
        if quantity != "forecast_share":
            continue
        extra = found["forecast_extra_votes", scenario, scale]
        spread = found["forecast_share_range_of_municipalities", scenario, scale]
        share = [
            interval(v.ci_lower, v.ci_upper) if math.isfinite(v.ci_lower) else NO_NUMBER
            for v in (m, spread)
        ]
        votes = number(round(extra.estimate, -2))
        cells = [f"{number(100 * m.estimate, 2)}%", *share, votes]
        rows.append([SCENARIOS[scenario], SCALES[scale], *cells])
    header = ["Als het gaat", "Gerekend met", "Aandeel", "Interval", "Uiterste gemeenten"]
    return pipe_table([*header, "Extra stemmen"], rows, "llrrrr")
