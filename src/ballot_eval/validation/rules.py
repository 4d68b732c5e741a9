"""The rules: code, severity, statement, threshold, denominator and check in one object.

Codes F and W are those of the Kiesraad's counting software; T (types), N (negative), K (keys),
P (plausibility), M (marking of the ballot), R (reading), D (data protection), V (voting times),
C (counting times), S (surveys) and I (information) are this package's own. A more
specific rule stands before the general one that would follow from it.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from ballot_eval.schema import COUNTED_TABLES, RESULT_TABLES
from ballot_eval.validation import checks, checks_sources
from ballot_eval.validation.rule import Rule
from ballot_eval.validation.rules_details import LEVEL_RULES, RECORD_RULES
from ballot_eval.validation.rules_marking import MARKING_RULES
from ballot_eval.validation.rules_survey import OFF_SCALE, SURVEY_RULES
from ballot_eval.validation.rules_times import TIME_RULES

D, H = "admitted_voters_count", "votes_cast_count"

#: Voters may vote anywhere in their municipality: at a station, eligible voters mean little.
TOTALS = tuple(RESULT_TABLES)


def _sum_differs(d: pd.DataFrame) -> pd.Series[bool]:
    parts = d["valid_votes_count"] + d["blank_votes_count"] + d["invalid_votes_count"]
    return parts != d[H]


def _at_least_3_percent(field: str) -> Callable[[pd.DataFrame], pd.Series[bool]]:
    # Integer arithmetic, so that exactly 3% is on the warned side without rounding.
    return lambda d: (d[H] > 0) & (100 * d[field] >= 3 * d[H])


def _too_few_eligible(d: pd.DataFrame) -> pd.Series[bool]:
    eligible, voters = d["eligible_voters_count"], d[D].fillna(d[H])
    return (eligible > 0) & (eligible < voters)


WHOLE = Rule("T.101", "error", "Geen geheel getal", "Not a whole number", excludes=True)
EMPTY = Rule("T.102", "error", "Verplichte cel is leeg", "Required cell is empty", excludes=True)
FORM = Rule("T.103", "error", "Waarde heeft niet de juiste vorm", "Malformed value", excludes=True)

NUMBER = Rule(
    "T.104",
    "error",
    "Geen getal (met een punt voor de decimalen)",
    "Not a number (with a point before the decimals)",
    excludes=True,
)
DATE = Rule(
    "T.105",
    "error",
    "Geen tijdstip (2026-03-18T21:05 of 21:05)",
    "Not a time (2026-03-18T21:05 or 21:05)",
    excludes=True,
)

_GENERAL_RULES = (
    Rule(
        "I.101",
        "info",
        "Verkiezing hoort niet bij deze studie; rijen niet gebruikt",
        "Election is not part of this study; rows not used",
        checks.unused,
        excludes=True,
    ),
    Rule(
        "K.107",
        "error",
        "Bestand is van een verkiezing op een andere dag dan in het analyseplan; haal het weg of "
        "herstel de datum. Datum in het bestand",
        "File is of an election on another day than in the analysis plan; remove it or correct the "
        "date. Date in the file",
        checks_sources.another_date,
        excludes=True,
    ),
    Rule("N.101", "error", "Negatief aantal", "Negative count", checks.negative, excludes=True),
    Rule(
        "K.102",
        "error",
        "Bestand is gelijk aan een ander bestand; haal er één weg. Gelijk aan",
        "File is the same as another; remove one of them. Same as",
        checks.same_file,
        excludes=True,
    ),
    Rule(
        "K.105",
        "warning",
        "Twee bronnen geven een andere uitslag; die van de voorkeur in het analyseplan geldt",
        "Two sources give different results; the one that the analysis plan prefers counts",
        checks_sources.sources_differ,
    ),
    Rule(
        "K.104",
        "info",
        "Het analyseplan kiest voor een andere bron; rijen niet gebruikt",
        "The analysis plan prefers another source; rows not used",
        checks_sources.not_preferred,
        excludes=True,
    ),
    Rule(
        "K.103",
        "error",
        "Verkiezing staat in meer dan één bestand; haal er één weg. Bestanden",
        "Election is given by more than one file; remove one of them. Files",
        checks.same_election,
        threshold=f"{checks.MANY_DUPLICATES} rows",
        excludes=True,
    ),
    Rule(
        "K.101",
        "error",
        "Rij komt meer dan eens voor; ook in",
        "Row given more than once; also in",
        checks.duplicate_rows,
        excludes=True,
    ),
    *RECORD_RULES,
    Rule(
        "F.203",
        "error",
        "Geldig, blanco en ongeldig (E+F+G) tellen niet op tot de uitgebrachte stemmen (H)",
        "Valid, blank and invalid votes (E+F+G) do not add up to votes cast (H)",
        checks.rows_of(
            COUNTED_TABLES,
            _sum_differs,
            *("valid_votes_count", "blank_votes_count", "invalid_votes_count", H),
        ),
        excludes=True,
    ),
    Rule(
        "W.201",
        "warning",
        "Blanco stemmen zijn 3% of meer van de uitgebrachte stemmen",
        "Blank votes are 3% or more of votes cast",
        checks.rows_of(
            COUNTED_TABLES, _at_least_3_percent("blank_votes_count"), "blank_votes_count", H
        ),
        "3%",
        H,
    ),
    Rule(
        "W.202",
        "warning",
        "Ongeldige stemmen zijn 3% of meer van de uitgebrachte stemmen",
        "Invalid votes are 3% or more of votes cast",
        checks.rows_of(
            COUNTED_TABLES, _at_least_3_percent("invalid_votes_count"), "invalid_votes_count", H
        ),
        "3%",
        H,
    ),
    Rule(
        "W.204",
        "warning",
        "Er zijn geen uitgebrachte stemmen",
        "There are no votes cast",
        checks.rows_of(COUNTED_TABLES, lambda d: d[H] == 0, H),
    ),
    Rule(
        "W.205",
        "warning",
        "Aantal kiesgerechtigden ontbreekt (0)",
        "The number of eligible voters is missing (0)",
        checks.rows_of(
            TOTALS,
            lambda d: (d["eligible_voters_count"] == 0) & (d[H] > 0),
            "eligible_voters_count",
        ),
    ),
    Rule(
        "W.206",
        "warning",
        "Minder kiesgerechtigden dan toegelaten kiezers (of, waar die onbekend zijn, dan "
        "uitgebrachte stemmen)",
        "Fewer eligible voters than admitted voters (or, where these are unknown, than votes cast)",
        checks.rows_of(TOTALS, _too_few_eligible, "eligible_voters_count", D, H),
    ),
    *LEVEL_RULES,
    Rule(
        "P.102",
        "error",
        "Geen bruikbare uitslagen van deze verkiezing; voeg het bestand toe of herstel het",
        "No usable results of this election; add its file or correct it",
        checks.no_election,
    ),
    Rule(
        "P.111",
        "warning",
        "Geen aantallen van deze verkiezing voor het leereffect; alleen gepubliceerde aandelen "
        "tellen, als die er zijn",
        "No counts of this election for the learning effect; only published shares count, if any",
        checks.no_learning_election,
    ),
    Rule(
        "P.112",
        "warning",
        "Gemeente met het nieuwe stembiljet heeft bij deze verkiezing geen stemmen; het leereffect "
        "wordt zonder haar aantallen bepaald",
        "Municipality with the new ballot has no votes at this election; the learning effect is "
        "estimated without its counts",
        checks.missing_learning,
    ),
    Rule(
        "P.113",
        "warning",
        "Controlegemeenten ontbreken bij deze verkiezing; zij vallen buiten het leereffect",
        "Control municipalities are missing at this election; left out of the learning effect",
        checks.missing_learning_controls,
    ),
    Rule(
        "P.101",
        "error",
        "Experimentgemeente ontbreekt bij deze verkiezing",
        "Experiment municipality is missing at this election",
        checks.missing_experiment,
    ),
    Rule(
        "P.107",
        "error",
        "Experimentgemeente heeft geen uitgebrachte stemmen bij deze verkiezing",
        "Experiment municipality has no votes cast at this election",
        checks.experiment_without_votes,
    ),
    Rule(
        "P.105",
        "warning",
        "Gemeente uit het analyseplan ontbreekt bij deze verkiezing",
        "Municipality named in the analysis plan is missing at this election",
        checks.missing_named,
    ),
    Rule(
        "P.103",
        "warning",
        "Landelijke rij verschilt van de som van de gemeenten en overige gebieden",
        "National row differs from the sum of municipalities and other areas",
        checks.national,
    ),
    Rule(
        "P.104",
        "warning",
        "Aandeel ongeldig springt ten opzichte van de eigen vorige uitslag",
        "Share of invalid votes jumps against the municipality's own earlier result",
        checks.jump,
        f"|robust z| > {checks.JUMP_Z:g}",
        H,
    ),
    Rule(
        "P.106",
        "warning",
        "Controlegemeente heeft niet bij elke verkiezing een uitslag; valt buiten de vergelijking",
        "Control municipality lacks a result for some election; left out of the comparison",
        checks.incomplete_control,
    ),
    Rule(
        "I.103",
        "info",
        "Uitslagen van opgeheven gemeenten opgeteld bij hun opvolger",
        "Results of merged municipalities added to their successor",
        checks.merged,
    ),
    Rule(
        "P.108",
        "warning",
        "Verkiezing van voor de tabel van gemeentelijke herindelingen; samengevoegde gemeenten "
        "van daarvoor zijn niet te vergelijken",
        "Election before the table of municipal mergers; municipalities merged before it cannot "
        "be compared",
        checks.before_mergers,
    ),
    Rule(
        "I.104",
        "info",
        "Provincies en kieskringen; niet nodig voor de analyse",
        "Provinces and districts; not needed for the analysis",
        checks.other_regions,
        excludes=True,
    ),
    Rule("I.102", "info", "Bestand niet gelezen", "File not read", checks_sources.unread),
    Rule(
        "R.101",
        "warning",
        "Rij met een onbekende naam is niet gelezen",
        "Row with an unknown name was not read",
        checks_sources.unknown_rows,
    ),
    Rule("R.102", "info", "Over het lezen", "Remark on reading", checks_sources.notes),
    Rule(
        "D.101",
        "error",
        "Kolom lijkt persoonsgegevens te bevatten en is niet gelezen; haal haar uit het bestand",
        "Column looks like personal data and was not read; remove it from the file",
        checks.personal,
    ),
    Rule(
        "D.103",
        "error",
        "Cellen lijken persoonsgegevens te bevatten; zet er een nummer of code voor in de plaats. "
        "Kolom",
        "Cells look like personal data; put a number or code in their place. Column",
        checks.personal_cells,
        excludes=True,
    ),
    Rule(
        "D.102",
        "info",
        "Kolom niet gebruikt",
        "Column not used",
        checks.other_columns,
    ),
)

#: The second pass, in this order.
TABLE_RULES = (*_GENERAL_RULES, *MARKING_RULES, *TIME_RULES, *SURVEY_RULES)

#: Every rule there is, in the order of the dictionary.
RULES = (WHOLE, EMPTY, FORM, NUMBER, DATE, OFF_SCALE, *TABLE_RULES)
