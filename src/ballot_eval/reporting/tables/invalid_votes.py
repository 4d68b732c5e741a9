"""Tables on invalid and blank votes, effects, checks, findings and files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ballot_eval.formatting import sort_name
from ballot_eval.raw import SourceFile
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.selection import estimated, one_outcome
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.reporting.tables.terms import (
    FORMATS,
    GROUPS,
    METHODS,
    OUTCOMES,
    POOLS,
    SEVERITIES,
    WEIGHTINGS,
    covariate_name,
)
from ballot_eval.results import Check, Effect, Rate
from ballot_eval.validation import Finding
from ballot_eval.validation.rules import RULES

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def _rate_cells(say: Language, rate: Rate) -> list[str]:
    limits = NO_NUMBER if math.isnan(rate.ci_lower) else say.interval(rate.ci_lower, rate.ci_upper)
    return [
        say.number(rate.numerator),
        say.number(rate.denominator),
        say.percent(rate.rate),
        limits,
    ]


def rates_groups(say: Language, rates: Sequence[Rate]) -> str:
    """Return invalid votes of the groups and the country per election."""
    rows = []
    for rate in rates:
        if rate.unit in say.pick(GROUPS) and rate.outcome == "invalid":
            # The election is named once, at the first of its groups.
            election = rate.election if rate.unit == "experiment" else ""
            rows.append([election, say.pick(GROUPS)[rate.unit], *_rate_cells(say, rate)])
    header = say.pick(
        {
            "nl": ["Verkiezing", "Groep", "Ongeldig", "Uitgebracht", "Aandeel", "Interval"],
            "en": ["Election", "Group", "Invalid", "Cast", "Share", "Interval"],
        }
    )
    return pipe_table(header, rows, "llrrrr")


def rates_municipalities(
    say: Language,
    rates: Iterable[Rate],
    names: Mapping[str, str],
    codes: Sequence[str],
    election: str,
) -> str:
    """Return invalid and blank votes of each experiment municipality at one election."""
    found = {(r.unit, r.outcome): r for r in rates if r.election == election}
    rows = []
    for code in sorted(codes, key=lambda c: sort_name(names[c])):
        blank = found[code, "blank"]
        cells = [say.number(blank.numerator), say.percent(blank.rate)]
        rows.append([names[code], *_rate_cells(say, found[code, "invalid"]), *cells])
    header = say.pick(
        {
            "nl": [
                "Gemeente",
                "Ongeldig",
                "Uitgebracht",
                "Aandeel",
                "Interval",
                "Blanco",
                "Aandeel",
            ],
            "en": ["Municipality", "Invalid", "Cast", "Share", "Interval", "Blank", "Share"],
        }
    )
    return pipe_table(header, rows, "lrrrrrr")


#: What stands in a table where an effect has no number; the text below it says why.
UNDEFINED = {"nl": "niet te schatten", "en": "cannot be estimated"}


def _effect_cells(say: Language, item: Effect | Check) -> list[str]:
    if math.isnan(item.estimate):
        return [say.pick(UNDEFINED), NO_NUMBER, NO_NUMBER]
    limits = say.interval(item.ci_lower, item.ci_upper, percent_sign=False, sign=True)
    return [say.points(item.estimate, unit=False), limits, say.p_value(item.p_value)]


def effects(say: Language, items: Sequence[Effect], method: str = "randomisation") -> str:
    """Return the effects by outcome, baseline and weighting, by one method: the plain test."""
    rows = [
        [
            say.pick(OUTCOMES)[e.outcome],
            e.baseline,
            say.pick(WEIGHTINGS)[e.weighting],
            *_effect_cells(say, e),
        ]
        for e in items
        if e.method == method
    ]
    header = say.pick(
        {
            "nl": ["Uitkomst", "Vergeleken met", "Weging", "Effect", "Interval", "p-waarde"],
            "en": ["Outcome", "Compared with", "Weighting", "Effect", "Interval", "p-value"],
        }
    )
    return pipe_table(header, rows, "lllrrr")


def effects_methods(say: Language, items: Sequence[Effect], outcome: str, baseline: str) -> str:
    """Return one outcome's differences against one baseline, by method and weighting."""
    rows = [
        [say.pick(METHODS)[e.method], say.pick(WEIGHTINGS)[e.weighting], *_effect_cells(say, e)]
        for e in one_outcome(items, outcome, baseline)
        if e.estimand == "att"
    ]
    return pipe_table(
        say.pick(
            {
                "nl": ["Methode", "Weging", "Effect", "Interval", "p-waarde"],
                "en": ["Method", "Weighting", "Effect", "Interval", "p-value"],
            }
        ),
        rows,
        "llrrr",
    )


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
    return pipe_table(
        say.pick(
            {
                "nl": ["Methode", "Weging", "Verhouding", "Interval", "p-waarde"],
                "en": ["Method", "Weighting", "Ratio", "Interval", "p-value"],
            }
        ),
        rows,
        "llrrr",
    )


def _ratio_cells(say: Language, item: Effect) -> list[str]:
    if math.isnan(item.estimate):
        return [say.pick(UNDEFINED), NO_NUMBER, NO_NUMBER]
    limits = say.between(item.ci_lower, item.ci_upper)
    return [say.number(item.estimate, 2), limits, say.p_value(item.p_value)]


def control_pools(say: Language, items: Sequence[Check]) -> str:
    """Return the primary effect against each pool of controls."""
    rows = [
        [say.pick(POOLS)[c.variant], say.number(c.n_control), *_effect_cells(say, c)]
        for c in items
        if c.check == "control_pool"
    ]
    return pipe_table(
        say.pick(
            {
                "nl": ["Vergeleken met", "Aantal", "Effect", "Interval", "p-waarde"],
                "en": ["Compared with", "Number", "Effect", "Interval", "p-value"],
            }
        ),
        rows,
        "lrrrr",
    )


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
    header = say.pick(
        {
            "nl": ["Uitkomst", "Periode", "Weging", "Verschil", "Interval", "p-waarde"],
            "en": ["Outcome", "Period", "Weighting", "Difference", "Interval", "p-value"],
        }
    )
    return pipe_table(header, rows, "lllrrr")


def leave_one_out(say: Language, items: Sequence[Check], names: Mapping[str, str]) -> str:
    """Return the primary effect without each experiment municipality in turn."""
    left_out = [c for c in items if c.check == "leave_one_out"]
    left_out.sort(key=lambda c: sort_name(names[c.variant]))
    rows = [[names[c.variant], *_effect_cells(say, c)] for c in left_out]
    return pipe_table(
        say.pick(
            {
                "nl": ["Zonder", "Effect", "Interval", "p-waarde"],
                "en": ["Without", "Effect", "Interval", "p-value"],
            }
        ),
        rows,
        "lrrr",
    )


def findings(say: Language, items: Sequence[Finding], rule_statements: Mapping[str, str]) -> str:
    """Return the number of findings per rule, errors first, with an example of each."""
    order = list(say.pick(SEVERITIES))
    by_code: dict[str, list[Finding]] = {}
    for finding in sorted(items, key=lambda f: order.index(f.severity)):
        by_code.setdefault(finding.code, []).append(finding)
    rows = []
    for code, group in by_code.items():
        first = group[0]
        name = first.file.rsplit("/", 1)[-1]
        place = (
            f"{name}, {say(nl='regel', en='line')} {first.line}"
            if first.line
            else name or first.election
        )
        rows.append(
            [
                code,
                say.pick(SEVERITIES)[first.severity],
                say.number(len(group)),
                rule_statements[code],
                place,
            ]
        )
    return pipe_table(
        say.pick(
            {
                "nl": ["Code", "Ernst", "Aantal", "Bevinding", "Waar (eerste)"],
                "en": ["Code", "Severity", "Number", "Finding", "Where (first)"],
            }
        ),
        rows,
        "llrll",
    )


def balance(say: Language, items: Sequence[Check]) -> str:
    """Return the standardised mean differences before and after matching."""
    items = estimated(items)
    after = {c.variant: c.estimate for c in items if c.check == "balance_after"}
    rows = [
        [covariate_name(say, c.variant), say.number(c.estimate, 2), say.number(after[c.variant], 2)]
        for c in items
        if c.check == "balance_before"
    ]
    return pipe_table(
        say.pick(
            {
                "nl": ["Kenmerk", "Alle controlegemeenten", "Gelijkende gemeenten"],
                "en": ["Characteristic", "All control municipalities", "Matched municipalities"],
            }
        ),
        rows,
        "lrr",
    )


def inputs(say: Language, files: Sequence[SourceFile], used: Mapping[str, int]) -> str:
    """Return the files that were read; ``used`` is how many rows of each the analysis accepted."""
    rows = [
        [
            f.path.rsplit("/", 1)[-1],
            say.pick(FORMATS).get(f.format, f.format),
            say.number(f.lines),
            say.number(used.get(f.path, 0)),
            f.sha256[:12],
        ]
        for f in files
        if f.status == "read"
    ]
    header = say.pick(
        {
            "nl": ["Bestand", "Soort", "Regels", "Rijen gebruikt", "sha256 (begin)"],
            "en": ["File", "Kind", "Lines", "Rows used", "sha256 (start)"],
        }
    )
    return pipe_table(header, rows, "llrrl")


def vote_tables(say: Language, outcome: Outcome, names: Mapping[str, str]) -> dict[str, str]:
    """Return the tables of votes, effects, checks, findings and files."""
    study, results = outcome.study, outcome.results
    primary = study.analysis.outcome
    statements = {rule.code: rule.statement(say.code) for rule in RULES}
    made = {
        "rates_groups": rates_groups(say, results.rates),
        "rates_municipalities": rates_municipalities(
            say, results.rates, names, study.experiment(), study.election
        ),
        "effects": effects(say, results.effects),
        "effects_methods": effects_methods(say, results.effects, primary, study.baselines[0]),
        "ratios": ratios(say, results.effects, primary, study.baselines[0]),
        "control_pools": control_pools(say, results.checks),
        "findings": findings(say, outcome.validation.findings, statements),
        "inputs": inputs(say, outcome.raw.files, _rows_used(outcome)),
    }
    checks = {c.check for c in estimated(results.checks)}
    if "placebo" in checks:
        made["placebos"] = placebos(say, results.checks)
    if "balance_before" in checks:
        made["balance"] = balance(say, results.checks)
    if "leave_one_out" in checks:
        made["leave_one_out"] = leave_one_out(say, results.checks, names)
    return made


def _rows_used(outcome: Outcome) -> dict[str, int]:
    """Return the number of accepted rows by the file that they came from."""
    accepted = outcome.validation.accepted.values()
    return dict(Counter(file for frame in accepted for file in frame["source_file"]))
