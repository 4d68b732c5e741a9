"""Tables on invalid and blank votes, effects, checks, findings and files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from ballot_eval.formatting import sort_name
from ballot_eval.raw import SourceFile
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.reporting.tables.terms import (
    FORMATS,
    GROUPS,
    HISTORY_METHODS,
    METHODS,
    OUTCOMES,
    POOLS,
    SEVERITIES,
    WEIGHTINGS,
    covariate_name,
)
from ballot_eval.results import Check, Effect, Rate
from ballot_eval.topics.station_effects import METHOD as STATION_METHOD
from ballot_eval.validation import Finding


def _rate_cells(say: Language, rate: Rate) -> list[str]:
    limits = NO_NUMBER if math.isnan(rate.ci_lower) else say.interval(rate.ci_lower, rate.ci_upper)
    return [say.number(rate.numerator), say.number(rate.denominator), say.percent(rate.rate), limits]


def rates_groups(say: Language, rates: Sequence[Rate]) -> str:
    """Return invalid votes of the groups and the country per election."""
    rows = []
    for rate in rates:
        if rate.unit in GROUPS and rate.outcome == "invalid":
            # The election is named once, at the first of its groups.
            election = rate.election if rate.unit == "experiment" else ""
            rows.append([election, say.pick(GROUPS)[rate.unit], *_rate_cells(say, rate)])
    header = ["Verkiezing", "Groep", "Ongeldig", "Uitgebracht", "Aandeel", "Interval"]
    return pipe_table(header, rows, "llrrrr")


def rates_municipalities(
    say: Language, rates: Iterable[Rate], names: Mapping[str, str], codes: Sequence[str], election: str
) -> str:
    """Return invalid and blank votes of each experiment municipality at one election."""
    found = {(r.unit, r.outcome): r for r in rates if r.election == election}
    rows = []
    for code in sorted(codes, key=lambda c: sort_name(names[c])):
        blank = found[code, "blank"]
        cells = [say.number(blank.numerator), say.percent(blank.rate)]
        rows.append([names[code], *_rate_cells(say, found[code, "invalid"]), *cells])
    header = ["Gemeente", "Ongeldig", "Uitgebracht", "Aandeel", "Interval", "Blanco", "Aandeel"]
    return pipe_table(header, rows, "lrrrrrr")


#: What stands in a table where an effect has no number; the text below it says why.
UNDEFINED = "niet te schatten"


def _effect_cells(say: Language, item: Effect | Check) -> list[str]:
    if math.isnan(item.estimate):
        return [UNDEFINED, NO_NUMBER, NO_NUMBER]
    limits = say.interval(item.ci_lower, item.ci_upper, percent_sign=False, sign=True)
    return [say.points(item.estimate, unit=False), limits, say.p_value(item.p_value)]


def effects(say: Language, items: Sequence[Effect], method: str = "randomisation") -> str:
    """Return the effects by outcome, baseline and weighting, by one method: the plain test."""
    rows = [
        [say.pick(OUTCOMES)[e.outcome], e.baseline, say.pick(WEIGHTINGS)[e.weighting], *_effect_cells(say, e)]
        for e in items
        if e.method == method
    ]
    header = ["Uitkomst", "Vergeleken met", "Weging", "Effect", "Interval", "p-waarde"]
    return pipe_table(header, rows, "lllrrr")


def one_outcome(items: Sequence[Effect], outcome: str, baseline: str) -> list[Effect]:
    """Return the effects on an outcome against a baseline, and those from the whole history.

    Those with polling stations as rows have a table of their own.
    """
    return [
        e
        for e in items
        if e.outcome == outcome
        and (e.baseline == baseline or e.method in HISTORY_METHODS)
        and e.method != STATION_METHOD
    ]


def effects_methods(say: Language, items: Sequence[Effect], outcome: str, baseline: str) -> str:
    """Return one outcome's differences against one baseline, by method and weighting."""
    rows = [
        [say.pick(METHODS)[e.method], say.pick(WEIGHTINGS)[e.weighting], *_effect_cells(say, e)]
        for e in one_outcome(items, outcome, baseline)
        if e.estimand == "att"
    ]
    return pipe_table(["Methode", "Weging", "Effect", "Interval", "p-waarde"], rows, "llrrr")


def ratios(say: Language, items: Sequence[Effect], outcome: str, baseline: str) -> str:
    """Return one outcome's ratios against one baseline, by method; 1 is no effect."""
    rows = [
        [
            say.pick(METHODS)[e.method],
            say.pick(WEIGHTINGS)[e.weighting],
            *_ratio_cells(say, e),
        ]
        for e in one_outcome(items, outcome, baseline)
        if e.estimand != "att"
    ]
    return pipe_table(["Methode", "Weging", "Verhouding", "Interval", "p-waarde"], rows, "llrrr")


def _ratio_cells(say: Language, item: Effect) -> list[str]:
    if math.isnan(item.estimate):
        return [UNDEFINED, NO_NUMBER, NO_NUMBER]
    limits = f"{say.number(item.ci_lower, 2)} tot {say.number(item.ci_upper, 2)}"
    return [say.number(item.estimate, 2), limits, say.p_value(item.p_value)]


def estimated(items: Sequence[Check]) -> list[Check]:
    """Return the checks that have a number, or none by definition rather than for a reason."""
    return [c for c in items if not (c.note and math.isnan(c.estimate))]


def control_pools(say: Language, items: Sequence[Check]) -> str:
    """Return the primary effect against each pool of controls."""
    rows = [
        [say.pick(POOLS)[c.variant], say.number(c.n_control), *_effect_cells(say, c)]
        for c in items
        if c.check == "control_pool"
    ]
    return pipe_table(["Vergeleken met", "Aantal", "Effect", "Interval", "p-waarde"], rows, "lrrrr")


def placebos(say: Language, items: Sequence[Check]) -> str:
    """Return the effects between elections at which everybody had the old ballot."""
    rows = [
        [
            say.pick(OUTCOMES)[c.outcome],
            c.variant.replace("-", " → "),
            say.pick(WEIGHTINGS)[c.weighting],
            *_effect_cells(say, c),
        ]
        for c in items
        if c.check == "placebo"
    ]
    header = ["Uitkomst", "Periode", "Weging", "Verschil", "Interval", "p-waarde"]
    return pipe_table(header, rows, "lllrrr")


def leave_one_out(say: Language, items: Sequence[Check], names: Mapping[str, str]) -> str:
    """Return the primary effect without each experiment municipality in turn."""
    left_out = [c for c in items if c.check == "leave_one_out"]
    left_out.sort(key=lambda c: sort_name(names[c.variant]))
    rows = [[names[c.variant], *_effect_cells(say, c)] for c in left_out]
    return pipe_table(["Zonder", "Effect", "Interval", "p-waarde"], rows, "lrrr")


def findings(say: Language, items: Sequence[Finding], rule_statements: Mapping[str, str]) -> str:
    """Return the number of findings per rule, errors first, with an example of each."""
    order = list(SEVERITIES)
    by_code: dict[str, list[Finding]] = {}
    for finding in sorted(items, key=lambda f: order.index(f.severity)):
        by_code.setdefault(finding.code, []).append(finding)
    rows = []
    for code, group in by_code.items():
        first = group[0]
        name = first.file.rsplit("/", 1)[-1]
        place = f"{name}, regel {first.line}" if first.line else name or first.election
        rows.append(
            [code, say.pick(SEVERITIES)[first.severity], say.number(len(group)), rule_statements[code], place]
        )
    return pipe_table(["Code", "Ernst", "Aantal", "Bevinding", "Waar (eerste)"], rows, "llrll")


def balance(say: Language, items: Sequence[Check]) -> str:
    """Return the standardised mean differences before and after matching."""
    items = estimated(items)
    after = {c.variant: c.estimate for c in items if c.check == "balance_after"}
    rows = [
        [covariate_name(c.variant), say.number(c.estimate, 2), say.number(after[c.variant], 2)]
        for c in items
        if c.check == "balance_before"
    ]
    return pipe_table(["Kenmerk", "Alle controlegemeenten", "Gelijkende gemeenten"], rows, "lrr")


def inputs(say: Language, files: Sequence[SourceFile], used: Mapping[str, int]) -> str:
    """Return the files that were read; ``used`` is how many rows of each the analysis accepted."""
    rows = [
        [
            f.path.rsplit("/", 1)[-1],
            FORMATS.get(f.format, f.format),
            say.number(f.lines),
            say.number(used.get(f.path, 0)),
            f.sha256[:12],
        ]
        for f in files
        if f.status == "read"
    ]
    header = ["Bestand", "Soort", "Regels", "Rijen gebruikt", "sha256 (begin)"]
    return pipe_table(header, rows, "llrrl")
