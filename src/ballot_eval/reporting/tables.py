"""Results as Markdown pipe tables for the report. Nothing is computed beyond counting rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from ballot_eval.formatting import interval, number, p_value, percent, points, sort_name
from ballot_eval.raw import SourceFile
from ballot_eval.results import Check, Effect, Rate
from ballot_eval.topics.station_effects import METHOD as STATION_METHOD
from ballot_eval.validation import Finding

GROUPS = {
    "experiment": "Experimentgemeenten",
    "control": "Controlegemeenten",
    "reference": "Referentiegemeenten",
    "national": "Nederland",
}
#: What stands where a number is not defined.
NO_NUMBER = "–"

OUTCOMES = {"invalid": "ongeldig", "blank": "blanco", "residual": "samen"}
WEIGHTINGS = {"municipality": "per gemeente", "ballot": "per stem", "station": "per stembureau"}
METHODS = {
    "randomisation": "hertoewijzing",
    "randomisation_studentised": "hertoewijzing, gestudentiseerd",
    "randomisation_adjusted": "hertoewijzing, met kenmerken",
    "randomisation_ratio": "hertoewijzing, verhouding",
    "crv1": "regressie, CRV1",
    "cr2": "regressie, CR2",
    "crv3": "regressie, CRV3 (jackknife)",
    "entropy_balanced": "entropiebalans (CRV3)",
    "wild_bootstrap": "wilde bootstrap",
    "quasi_binomial": "quasi-binomiaal",
    "quasi_poisson": "quasi-Poisson",
    "quasi_negative_binomial": "negatief binomiaal, geschaald",
    "quasi_beta_binomial": "bèta-binomiaal, geschaald",
    "callaway_santanna": "Callaway en Sant’Anna",
    "synthetic_control": "synthetische controle",
    "synthetic_did": "synthetische verschillen",
}
#: Methods that use every election of the study and not one baseline.
HISTORY_METHODS = ("callaway_santanna", "synthetic_control", "synthetic_did")
POOLS = {
    "all": "alle controlegemeenten",
    "reference": "referentiegemeenten",
    "same_size": "zelfde grootteklassen",
    "same_province": "zelfde provincies",
    "without_neighbours": "zonder buurgemeenten",
    "matched": "gelijkende gemeenten",
    "leave_one_out": "zonder één experimentgemeente",
    "leave_control_out": "zonder één controlegemeente",
    "without_jumps": "zonder uitschieters",
}
SEVERITIES = {"error": "fout", "warning": "waarschuwing", "info": "melding"}

#: A pipe table with a longer line gets relative column widths.
PANDOC_LINE = 72

#: So many characters of the text of tables fit on a line of a page in docx; in pdf more do.
PAGE_LINE = 96

#: The white beside the text of a cell, in characters.
WHITE = 4

#: Cells that are no longer than this, such as intervals, come before longer ones, which wrap.
ONE_LINE = 24


def pipe_table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Return a Pandoc pipe table; ``align`` has one letter per column, l or r.

    Relative column widths add up to more than Pandoc's line, so that a table takes the width of
    the page and wraps between words.
    """
    cells = [[c.replace("|", "\\|").replace("\n", " ") for c in row] for row in (header, *rows)]
    widths = _widths(list(zip(*cells, strict=True)))
    stretch = max(1, math.ceil((PANDOC_LINE + 8) / sum(widths)))
    rule = [
        "-" * (w * stretch - 1) + ":" if side == "r" else ":" + "-" * (w * stretch - 1)
        for w, side in zip(widths, align, strict=True)
    ]
    lines = [cells[0], rule, *cells[1:]]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"


def _widths(columns: Sequence[Sequence[str]]) -> list[int]:
    """Return the width of each column in characters: that of its longest word at least.

    The rest of the line goes to short cells first, then to the cells that take most lines.
    """
    words = [
        max(len(word) for cell in column for word in (*cell.split(), "")) for column in columns
    ]
    longest = [max(map(len, column)) for column in columns]
    widths = [word + WHITE for word in words]
    left = max(0, PAGE_LINE - sum(widths))
    for i in sorted(range(len(columns)), key=longest.__getitem__):
        if longest[i] <= ONE_LINE:
            extra = min(longest[i] - words[i], left)
            widths[i] += extra
            left -= extra
    for _ in range(left):
        most = max(range(len(columns)), key=lambda i: longest[i] / widths[i])
        widths[most] += 1
    return widths


def _rate_cells(rate: Rate) -> list[str]:
    limits = NO_NUMBER if math.isnan(rate.ci_lower) else interval(rate.ci_lower, rate.ci_upper)
    return [number(rate.numerator), number(rate.denominator), percent(rate.rate), limits]


def rates_groups(rates: Sequence[Rate]) -> str:
    """Return invalid votes of the groups and the country per election."""
    rows = []
    for rate in rates:
        if rate.unit in GROUPS and rate.outcome == "invalid":
            # The election is named once, at the first of its groups.
            election = rate.election if rate.unit == "experiment" else ""
            rows.append([election, GROUPS[rate.unit], *_rate_cells(rate)])
    header = ["Verkiezing", "Groep", "Ongeldig", "Uitgebracht", "Aandeel", "Interval"]
    return pipe_table(header, rows, "llrrrr")


def rates_municipalities(
    rates: Iterable[Rate], names: Mapping[str, str], codes: Sequence[str], election: str
) -> str:
    """Return invalid and blank votes of each experiment municipality at one election."""
    found = {(r.unit, r.outcome): r for r in rates if r.election == election}
    rows = []
    for code in sorted(codes, key=lambda c: sort_name(names[c])):
        blank = found[code, "blank"]
        cells = [number(blank.numerator), percent(blank.rate)]
        rows.append([names[code], *_rate_cells(found[code, "invalid"]), *cells])
    header = ["Gemeente", "Ongeldig", "Uitgebracht", "Aandeel", "Interval", "Blanco", "Aandeel"]
    return pipe_table(header, rows, "lrrrrrr")


#: What stands in a table where an effect has no number; the text below it says why.
UNDEFINED = "niet te schatten"


def _effect_cells(item: Effect | Check) -> list[str]:
    if math.isnan(item.estimate):
        return [UNDEFINED, NO_NUMBER, NO_NUMBER]
    limits = interval(item.ci_lower, item.ci_upper, percent_sign=False, sign=True)
    return [points(item.estimate, unit=False), limits, p_value(item.p_value)]


def effects(items: Sequence[Effect], method: str = "randomisation") -> str:
    """Return the effects by outcome, baseline and weighting, by one method: the plain test."""
    rows = [
        [OUTCOMES[e.outcome], e.baseline, WEIGHTINGS[e.weighting], *_effect_cells(e)]
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


def effects_methods(items: Sequence[Effect], outcome: str, baseline: str) -> str:
    """Return one outcome's differences against one baseline, by method and weighting."""
    rows = [
        [METHODS[e.method], WEIGHTINGS[e.weighting], *_effect_cells(e)]
        for e in one_outcome(items, outcome, baseline)
        if e.estimand == "att"
    ]
    return pipe_table(["Methode", "Weging", "Effect", "Interval", "p-waarde"], rows, "llrrr")


def ratios(items: Sequence[Effect], outcome: str, baseline: str) -> str:
    """Return one outcome's ratios against one baseline, by method; 1 is no effect."""
    rows = [
        [
            METHODS[e.method],
            WEIGHTINGS[e.weighting],
            *_ratio_cells(e),
        ]
        for e in one_outcome(items, outcome, baseline)
        if e.estimand != "att"
    ]
    return pipe_table(["Methode", "Weging", "Verhouding", "Interval", "p-waarde"], rows, "llrrr")


def _ratio_cells(item: Effect) -> list[str]:
    if math.isnan(item.estimate):
        return [UNDEFINED, NO_NUMBER, NO_NUMBER]
    limits = f"{number(item.ci_lower, 2)} tot {number(item.ci_upper, 2)}"
    return [number(item.estimate, 2), limits, p_value(item.p_value)]


def estimated(items: Sequence[Check]) -> list[Check]:
    """Return the checks that have a number, or none by definition rather than for a reason."""
    return [c for c in items if not (c.note and math.isnan(c.estimate))]


def control_pools(items: Sequence[Check]) -> str:
    """Return the primary effect against each pool of controls."""
    rows = [
        [POOLS[c.variant], number(c.n_control), *_effect_cells(c)]
        for c in items
        if c.check == "control_pool"
    ]
    return pipe_table(["Vergeleken met", "Aantal", "Effect", "Interval", "p-waarde"], rows, "lrrrr")


def placebos(items: Sequence[Check]) -> str:
    """Return the effects between elections at which everybody had the old ballot."""
    rows = [
        [
            OUTCOMES[c.outcome],
            c.variant.replace("-", " → "),
            WEIGHTINGS[c.weighting],
            *_effect_cells(c),
        ]
        for c in items
        if c.check == "placebo"
    ]
    header = ["Uitkomst", "Periode", "Weging", "Verschil", "Interval", "p-waarde"]
    return pipe_table(header, rows, "lllrrr")


def leave_one_out(items: Sequence[Check], names: Mapping[str, str]) -> str:
    """Return the primary effect without each experiment municipality in turn."""
    left_out = [c for c in items if c.check == "leave_one_out"]
    left_out.sort(key=lambda c: sort_name(names[c.variant]))
    rows = [[names[c.variant], *_effect_cells(c)] for c in left_out]
    return pipe_table(["Zonder", "Effect", "Interval", "p-waarde"], rows, "lrrr")


def findings(items: Sequence[Finding], rule_statements: Mapping[str, str]) -> str:
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
            [code, SEVERITIES[first.severity], number(len(group)), rule_statements[code], place]
        )
    return pipe_table(["Code", "Ernst", "Aantal", "Bevinding", "Waar (eerste)"], rows, "llrll")


def balance(items: Sequence[Check]) -> str:
    """Return the standardised mean differences before and after matching."""
    items = estimated(items)
    after = {c.variant: c.estimate for c in items if c.check == "balance_after"}
    rows = [
        [covariate_name(c.variant), number(c.estimate, 2), number(after[c.variant], 2)]
        for c in items
        if c.check == "balance_before"
    ]
    return pipe_table(["Kenmerk", "Alle controlegemeenten", "Gelijkende gemeenten"], rows, "lrr")


def covariate_name(variant: str) -> str:
    """Return a covariate of the matching in words."""
    return COVARIATES.get(variant, variant.replace("rate_", "aandeel "))


COVARIATES = {
    "log_inhabitants": "inwoners (log)",
    "log_density": "inwoners per km² (log)",
    "higher_education_share": "hoger opgeleid",
    "mean_income_eur_thousands": "inkomen per inwoner",
}


def inputs(files: Sequence[SourceFile], used: Mapping[str, int]) -> str:
    """Return the files that were read; ``used`` is how many rows of each the analysis accepted."""
    rows = [
        [
            f.path.rsplit("/", 1)[-1],
            FORMATS.get(f.format, f.format),
            number(f.lines),
            number(used.get(f.path, 0)),
            f.sha256[:12],
        ]
        for f in files
        if f.status == "read"
    ]
    header = ["Bestand", "Soort", "Regels", "Rijen gebruikt", "sha256 (begin)"]
    return pipe_table(header, rows, "llrrl")


FORMATS = {
    "kiesraad_long": "Kiesraad, lang",
    "kiesraad_wide": "Kiesraad, breed",
    "canonical_csv": "eigen CSV",
}
