"""The files that a run delivers and what they hold.

Which tables there are follows from the results (:mod:`ballot_eval.outputs`); a test fails when one
of them is not described here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ``count``: a whole number; ``unit``: from 0 to 1; ``truth``: ``True`` or ``False``.
OutputKind = Literal["text", "count", "number", "unit", "truth"]


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file or folder of a run and what it holds."""

    nl: str
    en: str


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column of the tables of a run; of ``tables`` alone where it has a meaning of its own."""

    name: str
    kind: OutputKind
    nl: str
    en: str
    tables: tuple[str, ...] = ()


OUTPUT_TABLES: dict[str, OutputFile] = {
    "findings": OutputFile(
        "bevindingen bij de controle van de gegevens", "findings of the checks of the data"
    ),
    "excluded_rows": OutputFile(
        "rijen van de gegevens die niet zijn gebruikt, met de reden",
        "rows of the data that were not used, with the reason",
    ),
    "rates": OutputFile(
        "aandeel ongeldige en blanco stemmen, per gemeente en groep",
        "share of invalid and blank votes, per municipality and group",
    ),
    "effects": OutputFile(
        "effect van het nieuwe stembiljet, per methode",
        "effect of the new ballot paper, per method",
    ),
    "robustness": OutputFile(
        "hetzelfde effect met één keuze anders, en toetsen van de aannames",
        "the same effect with one choice changed, and tests of the assumptions",
    ),
    "specifications": OutputFile(
        "het effect bij elke combinatie van verdedigbare keuzes",
        "the effect under every combination of defensible choices",
    ),
    "power": OutputFile("de kans om een effect te vinden", "the chance to find an effect"),
    "voting_time": OutputFile("tijden in het stemhokje", "times in the voting booth"),
    "counting_time": OutputFile("tijden van het tellen", "times of the count"),
    "learning": OutputFile(
        "het effect bij elk gebruik van het stembiljet en hoe het verandert",
        "the effect at each use of the ballot paper and how it changes",
    ),
    "survey": OutputFile(
        "wat kiezers, stembureauleden en gemeenten antwoorden",
        "what voters, polling station members and municipalities answer",
    ),
    "stations": OutputFile(
        "aandeel ongeldige en blanco stemmen naar grootte en soort stembureau",
        "share of invalid and blank votes by size and type of polling station",
    ),
    "station_dispersion": OutputFile(
        "hoe ver stembureaus en gemeenten uiteenlopen",
        "how far polling stations and municipalities vary",
    ),
    "station_coverage": OutputFile(
        "hoeveel van de uitslag van een gemeente de stembureaus samen zijn",
        "how much of the result of a municipality its polling stations add up to",
    ),
    "marking": OutputFile(
        "hoe stembiljetten zijn ingevuld en geteld", "how ballot papers were marked and counted"
    ),
}

#: What else a run leaves in its folder.
OTHER_OUTPUTS: dict[str, OutputFile] = {
    "results.json": OutputFile(
        "alle uitkomsten samen, voor verwerking door software",
        "all results together, for processing by software",
    ),
    "figures": OutputFile("de figuren", "the figures"),
    "report": OutputFile("het rapport", "the report"),
    "report-source": OutputFile(
        "de tekst, tabellen en figuren waaruit het rapport is gemaakt",
        "the text, tables and figures that the report was made from",
    ),
    "manifest.json": OutputFile(
        "controlegetallen van alle invoer en uitvoer, versies en toevalsgetal",
        "checksums of all input and output, versions and seed",
    ),
}
