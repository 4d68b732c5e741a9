"""Results as Markdown pipe tables for the report. Nothing is computed here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ballot_eval.formatting import interval, number, p_value, percent, points
from ballot_eval.raw import SourceFile
from ballot_eval.results import Check, Effect, Rate
from ballot_eval.validation import Finding

GROUPS = {
    "experiment": "Experimentgemeenten",
    "control": "Controlegemeenten",
    "reference": "Referentiegemeenten",
    "national": "Nederland",
}
OUTCOMES = {"invalid": "ongeldig", "blank": "blanco", "residual": "ongeldig en blanco"}
WEIGHTINGS = {"municipality": "per gemeente", "ballot": "per stem"}
METHODS = {
    "randomisation": "gewoon",
    "randomisation_studentised": "gestudentiseerd",
}
SEVERITIES = {"error": "fout", "warning": "waarschuwing", "info": "ter kennisneming"}

#: The report's findings table names each finding up to this many; findings.csv has them all.
MAX_FINDINGS = 40


def pipe_table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Return a Pandoc pipe table; ``align`` has one letter per column, l or r.

    Relative column widths follow the longest cell, so wide tables wrap instead of running off.
    """
    cells = [[c.replace("|", "\\|").replace("\n", " ") for c in row] for row in (header, *rows)]
    widths = [max(3, min(60, max(len(row[i]) for row in cells))) for i in range(len(header))]
    rule = [
        "-" * (w - 1) + ":" if a == "r" else ":" + "-" * (w - 1)
        for w, a in zip(widths, align, strict=True)
    ]
    lines = [cells[0], rule, *cells[1:]]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"


def _rate_cells(rate: Rate) -> list[str]:
    limits = "" if math.isnan(rate.ci_lower) else interval(rate.ci_lower, rate.ci_upper)
    return [number(rate.numerator), number(rate.denominator), percent(rate.rate), limits]


def rates_groups(rates: Sequence[Rate]) -> str:
    """Return invalid votes of the groups and the country per election."""
    rows = [
        [rate.election, GROUPS[rate.unit], *_rate_cells(rate)]
        for rate in rates
        if rate.unit in GROUPS and rate.outcome == "invalid"
    ]
    header = ["Verkiezing", "Groep", "Ongeldig", "Uitgebracht", "Aandeel", "Interval"]
    return pipe_table(header, rows, "llrrrr")


def rates_municipalities(
    rates: Sequence[Rate], names: Mapping[str, str], codes: Sequence[str], election: str
) -> str:
    """Return invalid and blank votes of each experiment municipality at one election."""
    rows = []
    for code in sorted(codes, key=lambda c: names[c].lstrip("'s-")):
        found = {r.outcome: r for r in rates if r.unit == code and r.election == election}
        invalid, blank = found["invalid"], found["blank"]
        cells = [number(blank.numerator), percent(blank.rate)]
        rows.append([names[code], *_rate_cells(invalid), *cells])
    header = [
        "Gemeente",
        "Ongeldig",
        "Uitgebracht",
        "Aandeel",
        "Interval",
        "Blanco",
        "Aandeel blanco",
    ]
    return pipe_table(header, rows, "lrrrrrr")


def effects(items: Sequence[Effect]) -> str:
    """Return all effects with interval and p-value."""
    rows = [
        [
            OUTCOMES[e.outcome],
            e.baseline,
            WEIGHTINGS[e.weighting],
            METHODS[e.method],
            points(e.estimate, unit=False),
            interval(e.ci_lower, e.ci_upper, percent_sign=False, sign=True),
            p_value(e.p_value),
        ]
        for e in items
    ]
    header = ["Uitkomst", "Basis", "Weging", "Toets", "Effect", "Interval", "p-waarde"]
    return pipe_table(header, rows, "llllrrr")


def robustness(items: Sequence[Check], names: Mapping[str, str]) -> str:
    """Return the placebo and leave-one-out checks of the study's primary outcome."""
    rows = []
    for check in items:
        if check.outcome != "invalid":
            continue
        placebo = check.check == "placebo"
        what = "Placebo " + check.variant.replace("-", " → ") if placebo else ""
        rows.append(
            [
                what or f"Zonder {names[check.variant]}",
                WEIGHTINGS[check.weighting],
                points(check.estimate, unit=False),
                interval(check.ci_lower, check.ci_upper, percent_sign=False, sign=True),
                p_value(check.p_value),
            ]
        )
    return pipe_table(["Controle", "Weging", "Effect", "Interval", "p-waarde"], rows, "llrrr")


def findings(items: Sequence[Finding]) -> str:
    """Return the findings, errors and warnings first, with file and line."""
    order = list(SEVERITIES)
    ranked = sorted(items, key=lambda f: order.index(f.severity))
    rows = [
        [
            f.code,
            SEVERITIES[f.severity],
            f"{f.file}, regel {f.line}" if f.line else f.file,
            f.statement,
        ]
        for f in ranked[:MAX_FINDINGS]
    ]
    text = pipe_table(["Code", "Ernst", "Bestand", "Bevinding"], rows, "llll")
    if len(ranked) > MAX_FINDINGS:
        rest = number(len(ranked) - MAX_FINDINGS)
        text += f"\nNog {rest} bevindingen staan in `findings.csv`.\n"
    return text


def inputs(files: Sequence[SourceFile]) -> str:
    """Return the files that were read with the start of their sha256."""
    rows = [[f.path, f.format, number(f.lines), f.sha256[:12]] for f in files if f.status == "read"]
    return pipe_table(["Bestand", "Formaat", "Regels", "sha256 (begin)"], rows, "llrl")
