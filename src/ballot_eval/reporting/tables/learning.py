"""Measures of the learning effect as Markdown tables for the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ballot_eval.design import StudyDesign
from ballot_eval.formatting import display_name, sort_name
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import display_names
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.reporting.tables.terms import WEIGHTINGS
from ballot_eval.reporting.tables.times import limits, p_header, p_text
from ballot_eval.results import Measure
from ballot_eval.topics.naive_change import ROUNDED

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

METHODS = {
    "nl": {
        "exact_permutation": "alle verdelingen",
        "exact_permutation_studentised": "alle verdelingen, gestudentiseerd",
        "exact_permutation_adjusted": "alle verdelingen, met kenmerken",
        "exact_permutation_stratified": "alle verdelingen, binnen grootte",
    },
    "en": {
        "exact_permutation": "all divisions",
        "exact_permutation_studentised": "all divisions, studentised",
        "exact_permutation_adjusted": "all divisions, with covariates",
        "exact_permutation_stratified": "all divisions, within size",
    },
}
PARTS = {
    "nl": {
        "joiners": "gemeenten die erbij kwamen",
        "leavers": "gemeenten die afvielen",
        "control_trend": "ontwikkeling elders",
        "own_start": "soort verkiezing en eigen beginpunt",
        "learning": "verandering van het effect",
        "excess_over_control": "verschil met elders, beginpunt en effect samen",
    },
    "en": {
        "joiners": "municipalities that joined",
        "leavers": "municipalities that left",
        "control_trend": "trend elsewhere",
        "own_start": "type of election and own starting point",
        "learning": "change in the effect",
        "excess_over_control": "difference from elsewhere, starting point and effect together",
    },
}
SCENARIOS = {
    "nl": {
        "no_further_learning": "zoals nu",
        "first_use": "zoals bij eerste gebruik",
        "most_exposures": "zoals na meer keren",
        "best_municipality": "zoals in de beste gemeente",
    },
    "en": {
        "no_further_learning": "as now",
        "first_use": "as at first use",
        "most_exposures": "as after more uses",
        "best_municipality": "as in the best municipality",
    },
}
SCALES = {
    "nl": {"additive": "verschil", "ratio": "verhouding"},
    "en": {"additive": "difference", "ratio": "ratio"},
}


def _points(say: Language, m: Measure) -> list[str]:
    """Return a difference of fractions with its limits, in percentage points."""
    if math.isnan(m.estimate):
        return [NO_NUMBER, NO_NUMBER]
    if math.isnan(m.ci_lower):
        return [say.points(m.estimate, unit=False), NO_NUMBER]
    ends = say.interval(m.ci_lower, m.ci_upper, percent_sign=False, sign=True)
    return [say.points(m.estimate, unit=False), ends]


def exposures(say: Language, study: StudyDesign) -> str:
    """Return which municipality used the new ballot at which election, by how often."""
    used = [e for e in study.elections if e.new_ballot]
    rows = []
    for code in sorted(study.municipalities, key=lambda c: sort_name(study.municipalities[c])):
        if code in study.ever_exposed():
            cells = [
                _nth_use(say, study.exposure(code, e.id)) if code in e.new_ballot else NO_NUMBER
                for e in used
            ]
            rows.append([display_name(study.municipalities[code]), *cells])
    first = say(nl="Gemeente", en="Municipality")
    return pipe_table([first, *(e.id for e in used)], rows, "l" * (len(used) + 1))


def _nth_use(say: Language, n: int) -> str:
    return say(nl=f"{n}e keer", en=f"use {n}")


def excess(say: Language, items: Sequence[Measure], study: StudyDesign) -> str:
    """Return the excess over the controls at each use of the ballot.

    What rounding leaves open stands in a column of its own: it is no uncertainty by chance.
    """
    weightings = say.pick(WEIGHTINGS)
    order = [e.id for e in sorted(study.elections, key=lambda e: e.date)]
    found = [m for m in items if m.quantity == "excess" and m.subset in weightings]
    rows = [
        [
            m.group,
            weightings[m.subset],
            say(nl="afgeronde aandelen", en="rounded shares")
            if m.method in ROUNDED
            else say(nl="aantallen", en="counts"),
            *_split(say, m),
            p_text(say, m),
        ]
        for m in sorted(found, key=lambda m: order.index(m.group))
        if math.isfinite(m.estimate)
    ]
    header = {
        "nl": ["Verkiezing", "Weging", "Bekend", "Effect", "Interval", "Door afronding"],
        "en": ["Election", "Weighting", "Known from", "Effect", "Interval", "By rounding"],
    }
    return pipe_table([*say.pick(header), p_header(say)], rows, "lllrrrr")


def _split(say: Language, m: Measure) -> list[str]:
    """Return a difference, its interval by chance, and its limits by rounding."""
    estimate, ends = _points(say, m)
    return [estimate, NO_NUMBER, ends] if m.method in ROUNDED else [estimate, ends, NO_NUMBER]


#: The tests that the table of changes shows; the others are in the file. Within strata there is
#: no studentised one.
TESTS = ("randomisation_studentised", "randomisation")


def changes(say: Language, items: Sequence[Measure]) -> str:
    """Return the changes of the excess between uses of the ballot, as difference and as ratio.

    Differences by the studentised test, which holds beyond the ballots cast; the last column is
    the p-value adjusted for the other changes.
    """
    joint = {(m.group, m.subset): m for m in items if m.quantity == "change_in_excess_joint"}
    weightings, scales = say.pick(WEIGHTINGS), say.pick(SCALES)
    rows = []
    for m in _shown_changes(say, items):
        cells = _split(say, m)
        if m.quantity == "change_in_ratio":
            ends = [NO_NUMBER, limits(say, m, 2)]
            cells = [say.number(m.estimate, 2), *(ends if m.method in ROUNDED else ends[::-1])]
        together = NO_NUMBER
        if m.quantity == "change_in_excess" and (m.group, m.subset) in joint:
            together = p_text(say, joint[m.group, m.subset])
        scale = scales["additive" if m.quantity == "change_in_excess" else "ratio"]
        rows.append([_arrow(m), scale, weightings[m.subset], *cells, p_text(say, m), together])
    header = {
        "nl": ["Van en naar", "Als", "Weging", "Verandering", "Interval", "Door afronding"],
        "en": ["From and to", "As", "Weighting", "Change", "Interval", "By rounding"],
    }
    last = say(nl="Samen", en="Joint")
    return pipe_table([*say.pick(header), p_header(say), last], rows, "lllrrrrr")


def _shown_changes(say: Language, items: Sequence[Measure]) -> list[Measure]:
    """Return the pooled changes with a number, of each difference only the preferred test."""
    found = [
        m
        for m in items
        if m.quantity in ("change_in_excess", "change_in_ratio")
        and m.subset in say.pick(WEIGHTINGS)
        and math.isfinite(m.estimate)
    ]
    studentised = {(m.group, m.subset) for m in found if m.method == TESTS[0]}
    return [
        m
        for m in found
        if (m.quantity, m.method) != ("change_in_excess", TESTS[1])
        or (m.group, m.subset) not in studentised
    ]


def _arrow(m: Measure) -> str:
    return " → ".join(reversed(m.group.split("-")))


def own_changes(say: Language, items: Sequence[Measure], names: Mapping[str, str]) -> str:
    """Return the effect at two uses and its change, municipality by municipality."""
    found = {(m.quantity, m.group, m.subset): m for m in items if m.subset in names}
    rows = []
    for m in found.values():
        if m.quantity != "change_in_excess" or not math.isfinite(m.estimate):
            continue
        later, earlier = m.group.split("-")
        ends = [_open(say, found["excess", e, m.subset]) for e in (earlier, later)]
        ratio = found.get(("change_in_ratio", m.group, m.subset))
        rows.append(
            (
                sort_name(names[m.subset]),
                [names[m.subset], _arrow(m), *ends, _open(say, m), _open_ratio(say, ratio)],
            )
        )
    # Sorting is stable: the periods of one municipality stay in order.
    cells = [row for _, row in sorted(rows, key=lambda pair: pair[0])]
    header = {
        "nl": ["Gemeente", "Van en naar", "Effect eerst", "Effect daarna", "Verschil"],
        "en": ["Municipality", "From and to", "Effect before", "Effect after", "Difference"],
    }
    last = say(nl="Verhouding", en="Ratio")
    return pipe_table([*say.pick(header), last], cells, "llrrrr")


def _open(say: Language, m: Measure) -> str:
    """Return a difference in percentage points, or the limits that rounding leaves it."""
    return _points(say, m)[1] if m.method in ROUNDED else _points(say, m)[0]


def _open_ratio(say: Language, m: Measure | None) -> str:
    if m is None or math.isnan(m.estimate):
        return NO_NUMBER
    return limits(say, m, 2) if m.method in ROUNDED else say.number(m.estimate, 2)


def later_first(say: Language, items: Sequence[Measure]) -> str:
    """Return the difference between municipalities that used the ballot before and the others."""
    methods = say.pick(METHODS)
    rows = [
        [methods[m.method], *_points(say, m), p_text(say, m)]
        for m in items
        if m.quantity == "later_against_first"
    ]
    header = {
        "nl": ["Methode", "Verschil", "Interval"],
        "en": ["Method", "Difference", "Interval"],
    }
    return pipe_table([*say.pick(header), p_header(say)], rows, "lrrr")


def decomposition(say: Language, items: Sequence[Measure]) -> str:
    """Return the parts of the naive change of the share, in percentage points."""
    # The change itself opens the list of its parts.
    naive = say(nl="**verandering van het aandeel**", en="**change in the share**")
    labels = {"naive": naive} | say.pick(PARTS)
    rows = []
    for m in items:
        name = m.quantity.removeprefix("decomposition_")
        if name == m.quantity or math.isnan(m.estimate):
            continue
        rows.append([_arrow(m) if name == "naive" else "", labels[name], *_points(say, m)])
    header = {
        "nl": ["Van en naar", "Onderdeel", "Bijdrage", "Door afronding"],
        "en": ["From and to", "Part", "Contribution", "By rounding"],
    }
    return pipe_table(say.pick(header), rows, "llrr")


def forecasts(say: Language, items: Sequence[Measure]) -> str:
    """Return the expected national share and extra votes by scenario."""
    found = {(m.quantity, m.group, m.subset): m for m in items}
    scenarios, scales = say.pick(SCENARIOS), say.pick(SCALES)
    rows = []
    for (quantity, scenario, scale), m in found.items():
        if quantity != "forecast_share":
            continue
        extra = found["forecast_extra_votes", scenario, scale]
        spread = found["forecast_share_range_of_municipalities", scenario, scale]
        share = [
            say.interval(v.ci_lower, v.ci_upper) if math.isfinite(v.ci_lower) else NO_NUMBER
            for v in (m, spread)
        ]
        votes = say.number(round(extra.estimate, -2))
        cells = [say.percent(m.estimate), *share, votes]
        rows.append([scenarios[scenario], scales[scale], *cells])
    header = {
        "nl": ["Als het gaat", "Gerekend met", "Aandeel", "Interval", "Uiterste gemeenten"],
        "en": ["If things go", "Calculated with", "Share", "Interval", "Extreme municipalities"],
    }
    last = say(nl="Extra stemmen", en="Extra votes")
    return pipe_table([*say.pick(header), last], rows, "llrrrr")


def learning_tables(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the tables of learning, those that there are results for."""
    learning = outcome.results.learning
    if not learning:
        return {}
    made = {"exposures": exposures(say, outcome.study)}
    found = [m for m in learning if math.isfinite(m.estimate)]
    quantities = {m.quantity for m in found if not m.subset.isdigit()}
    if "excess" in quantities:
        made["excess"] = excess(say, learning, outcome.study)
    if any((m.quantity, m.subset.isdigit()) == ("change_in_excess", True) for m in found):
        made["own_changes"] = own_changes(say, learning, display_names(outcome.study))
    for name, quantity, table in (
        ("changes", "change_in_excess", changes),
        ("later_first", "later_against_first", later_first),
        ("decomposition", "decomposition_naive", decomposition),
        ("forecasts", "forecast_share", forecasts),
    ):
        if quantity in quantities:
            made[name] = table(say, learning)
    return made
