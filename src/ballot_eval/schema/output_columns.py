"""What the columns of the tables of a run mean.

Which columns a table has follows from the results (:mod:`ballot_eval.outputs`); a test fails when
one of them is not described here.
"""

from __future__ import annotations

from ballot_eval.schema.outputs import OutputColumn

_TIMES = ("voting_time", "counting_time", "learning")
_SHARES = ("rates", "stations")

OUTPUT_COLUMNS: tuple[OutputColumn, ...] = (
    OutputColumn("code", "text", "Code van de regel", "Code of the rule"),
    OutputColumn(
        "severity",
        "text",
        "Ernst: fout, waarschuwing of melding",
        "Severity: error, warning or note",
    ),
    OutputColumn(
        "table",
        "text",
        "Tabel van de gegevens waar het om gaat",
        "Table of the data that it is about",
    ),
    OutputColumn("file", "text", "Gelezen bestand", "File that was read"),
    OutputColumn(
        "line",
        "count",
        "Regel van het bestand, de eerste is 1; 0 als er geen is",
        "Line of the file, the first is 1; 0 where there is none",
    ),
    OutputColumn(
        "rows",
        "count",
        "Aantal weggelaten rijen waar deze regel voor staat",
        "Number of left-out rows that this line stands for",
    ),
    OutputColumn("municipality_code", "text", "Gemeentecode", "Municipality code"),
    OutputColumn(
        "election",
        "text",
        "Verkiezing; bij een verandering beide",
        "Election; of a change both",
    ),
    OutputColumn("fields", "text", "Kolommen waar het om gaat", "Columns that it is about"),
    OutputColumn("statement", "text", "De bevinding in woorden", "The finding in words"),
    OutputColumn("value", "text", "Wat er stond", "What was found there"),
    OutputColumn("reason", "text", "Waarom de rij is weggelaten", "Why the row was left out"),
    OutputColumn(
        "unit",
        "text",
        "Groep, vergelijking van groepen, of gemeentecode",
        "Group, comparison of groups, or municipality code",
    ),
    OutputColumn(
        "unit", "text", "Eenheid van de schatting", "Unit of the estimate", ("specifications",)
    ),
    OutputColumn(
        "outcome",
        "text",
        "Ongeldige stemmen (invalid), blanco (blank), samen (residual), of opkomst (turnout)",
        "Invalid votes, blank votes, both (residual), or turnout",
    ),
    OutputColumn(
        "dimension",
        "text",
        "Waarnaar stembureaus zijn ingedeeld: total is niet ingedeeld",
        "By what polling stations are grouped: total is all of them",
    ),
    OutputColumn(
        "level", "text", "Grootte of soort van de stembureaus", "Size or type of the stations"
    ),
    OutputColumn(
        "level",
        "text",
        "Wat uiteenloopt: stembureaus of gemeenten",
        "What varies: polling stations or municipalities",
        ("station_dispersion",),
    ),
    OutputColumn(
        "level",
        "text",
        "Waarvan binnen het onderwerp: een reden, lijst, kandidaat of stembureau",
        "Of what within the topic: a reason, list, candidate or polling station",
        ("marking",),
    ),
    OutputColumn(
        "level",
        "text",
        "Antwoord waarmee een groep is afgebakend; total is iedereen",
        "Answer that defines a subgroup; total is everyone",
        ("survey",),
    ),
    OutputColumn(
        "around",
        "text",
        "Rond welk aandeel: dat van de groep of van elke gemeente",
        "Around which rate: that of the group or of each municipality",
    ),
    OutputColumn(
        "stations_count",
        "count",
        "Stembureaus met bekende aantallen en met stemmen",
        "Polling stations with known counts and votes",
    ),
    OutputColumn(
        "municipalities_count",
        "count",
        "Gemeenten van die stembureaus",
        "Municipalities of these polling stations",
    ),
    OutputColumn(
        "unknown_count",
        "count",
        "Stembureaus waarvan een aantal onbekend is",
        "Polling stations of which a count is unknown",
    ),
    OutputColumn(
        "without_votes_count",
        "count",
        "Stembureaus zonder stemmen",
        "Polling stations with no votes",
    ),
    OutputColumn(
        "votes_cast_count",
        "count",
        "Uitgebrachte stemmen van de stembureaus samen",
        "Votes cast at the polling stations together",
    ),
    OutputColumn(
        "municipality_votes_cast_count",
        "count",
        "Uitgebrachte stemmen in de uitslag van de gemeente",
        "Votes cast in the result of the municipality",
    ),
    OutputColumn(
        "coverage",
        "number",
        "Uitgebrachte stemmen van de stembureaus, gedeeld door die van de gemeente",
        "Votes cast at the polling stations, divided by those of the municipality",
    ),
    OutputColumn(
        "complete",
        "truth",
        "Of uitgebrachte, ongeldige en blanco stemmen alle gelijk zijn aan die van de gemeente",
        "Whether votes cast, invalid and blank votes are all equal to those of the municipality",
    ),
    OutputColumn("numerator", "count", "Teller van het aandeel", "Numerator of the share", _SHARES),
    OutputColumn(
        "numerator",
        "number",
        "Aantal achter het getal of teller van het aandeel; kan geschat zijn",
        "Count behind the number or numerator of the share; may be an estimate",
        ("marking",),
    ),
    OutputColumn(
        "denominator",
        "count",
        "Noemer van het aandeel: uitgebrachte stemmen",
        "Denominator of the share: votes cast",
        _SHARES,
    ),
    OutputColumn(
        "denominator",
        "count",
        "Noemer van het aandeel",
        "Denominator of the share",
        ("marking",),
    ),
    OutputColumn("rate", "unit", "Deel van de uitgebrachte stemmen", "Fraction of votes cast"),
    OutputColumn(
        "phi",
        "number",
        "Spreiding, als veelvoud van wat toeval geeft",
        "Dispersion, as a multiple of what chance gives",
    ),
    OutputColumn(
        "without_share",
        "unit",
        "Aandeel stembureaus of gemeenten zonder zo’n stem",
        "Share of stations or municipalities without such a vote",
    ),
    OutputColumn(
        "expected_without_share",
        "unit",
        "Aandeel stembureaus of gemeenten zonder zo’n stem als alleen toeval werkt",
        "Share of stations or municipalities without such a vote by chance alone",
    ),
    OutputColumn(
        "topic",
        "text",
        "Onderwerp: redenen, stemmen op een partij, voorkeurstemmen, telverschillen of opkomst",
        "Topic: reasons, votes for a party, preference votes, counting differences or turnout",
    ),
    OutputColumn("check", "text", "Welke controle", "Which check"),
    OutputColumn("variant", "text", "Wat er anders is gekozen", "Which choice was changed"),
    OutputColumn(
        "estimand",
        "text",
        "Verschil van delen van de stemmen (att) of een verhouding",
        "Difference of fractions of votes cast (att) or a ratio",
    ),
    OutputColumn(
        "contrast", "text", "Welke verkiezingen zijn vergeleken", "Which elections are compared"
    ),
    OutputColumn(
        "weighting",
        "text",
        "Wat even zwaar telt: elke gemeente, stem, kiezer of elk stembureau",
        "What counts the same: each municipality, ballot, voter or polling station",
    ),
    OutputColumn(
        "baseline",
        "text",
        "Eerdere verkiezing waarmee is vergeleken",
        "Earlier election that is compared with",
    ),
    OutputColumn(
        "control_pool",
        "text",
        "Welke gemeenten de controle zijn",
        "Which municipalities are controls",
    ),
    OutputColumn(
        "outcome_scale",
        "text",
        "Schaal waarop is geschat: een verschil of verhouding",
        "Scale of the estimation: a difference or a ratio",
    ),
    OutputColumn("question", "text", "Vraag van de enquête", "Question of the survey"),
    OutputColumn(
        "answer",
        "text",
        "Antwoord dat is geteld; leeg bij een gemiddelde of mediaan",
        "Answer that is counted; empty for a mean or median",
    ),
    OutputColumn(
        "quantity",
        "text",
        "Wat het getal is, met de eenheid in de naam",
        "What the number is, with its unit in the name",
    ),
    OutputColumn(
        "group",
        "text",
        "Stembiljet, groep of verkiezing, of wat is vergeleken",
        "Ballot paper, group or election, or what is compared",
    ),
    OutputColumn("subset", "text", "Van welke waarnemingen", "Of which observations"),
    OutputColumn(
        "breakdown",
        "text",
        "Vraag waarmee groepen zijn afgebakend; total is iedereen",
        "Question that defines subgroups; total is everyone",
    ),
    OutputColumn(
        "method",
        "text",
        "Methode van de schatting of het interval",
        "Method of the estimate or the interval",
    ),
    OutputColumn(
        "method",
        "text",
        "Waarop de onzekerheid rust",
        "What the uncertainty rests on",
        ("survey",),
    ),
    OutputColumn(
        "estimate",
        "number",
        "Schatting; van aandelen en hun verschillen een deel, geen percentage",
        "Estimate; of shares and their differences a fraction, not a percentage",
    ),
    OutputColumn("standard_error", "number", "Standaardfout", "Standard error"),
    OutputColumn(
        "ci_lower", "number", "Ondergrens van het interval", "Lower limit of the interval"
    ),
    OutputColumn(
        "ci_upper", "number", "Bovengrens van het interval", "Upper limit of the interval"
    ),
    OutputColumn("df", "number", "Vrijheidsgraden", "Degrees of freedom"),
    OutputColumn(
        "design_effect",
        "number",
        "Variantie, als veelvoud van die bij een aselecte steekproef van mensen",
        "Variance, as a multiple of that in a simple random sample of people",
    ),
    OutputColumn("p_value", "unit", "p-waarde", "p-value"),
    OutputColumn(
        "p_adjusted",
        "unit",
        "p-waarde voor alle vragen van de enquête samen (Holm)",
        "p-value for all questions of the survey together (Holm)",
    ),
    OutputColumn(
        "p_error",
        "unit",
        "Standaardfout van een gelote p-waarde; 0 als alles is doorgerekend",
        "Standard error of a drawn p-value; 0 where all were computed",
    ),
    OutputColumn(
        "effect",
        "number",
        "Werkelijk effect, als deel van de uitgebrachte stemmen",
        "True effect, as a fraction of votes cast",
    ),
    OutputColumn(
        "power",
        "unit",
        "Kans om dat werkelijke effect te vinden",
        "Chance to find that true effect",
    ),
    OutputColumn(
        "power_error",
        "unit",
        "Standaardfout van de kans om een effect te vinden",
        "Standard error of the chance to find an effect",
    ),
    OutputColumn(
        "detectable_effect",
        "number",
        "Effect dat met een kans van 80% wordt gevonden, als deel van de uitgebrachte stemmen",
        "Effect that is found with a chance of 80%, as a fraction of votes cast",
    ),
    OutputColumn("n", "count", "Aantal waarnemingen", "Number of observations", _TIMES),
    OutputColumn(
        "n",
        "count",
        "Aantal mensen of gemeenten waarop het getal rust",
        "Number of people or municipalities that the number rests on",
    ),
    OutputColumn(
        "count",
        "count",
        "Hoeveel van hen dit antwoord gaven, niet gewogen",
        "How many of these gave this answer, unweighted",
        ("survey",),
    ),
    OutputColumn(
        "count",
        "count",
        "Aantal stembureaus of gemeenten",
        "Number of polling stations or municipalities",
        ("station_dispersion",),
    ),
    OutputColumn(
        "count",
        "count",
        "Aantal waarop de onzekerheid rust",
        "Number that the uncertainty rests on",
        ("marking",),
    ),
    OutputColumn(
        "counted", "text", "Waarvan count het aantal geeft", "What count is the number of"
    ),
    OutputColumn(
        "hidden",
        "truth",
        "Of het getal is weggelaten om de mensen erachter te beschermen",
        "Whether the number is left out to protect the people behind it",
    ),
    OutputColumn(
        "cluster",
        "text",
        "Op welke eenheden de onzekerheid rust",
        "Units that the uncertainty rests on",
    ),
    OutputColumn(
        "n_clusters",
        "count",
        "Aantal eenheden waarop de onzekerheid rust",
        "Number of units that the uncertainty rests on",
    ),
    OutputColumn(
        "n_experiment",
        "count",
        "Gemeenten met het nieuwe stembiljet",
        "Municipalities with the new ballot paper",
    ),
    OutputColumn("n_control", "count", "Controlegemeenten", "Control municipalities"),
    OutputColumn(
        "draws",
        "count",
        "Aantal lotingen van de toets; 0 zonder toets",
        "Number of draws of the test; 0 without a test",
    ),
    OutputColumn(
        "exact",
        "truth",
        "Of alle mogelijke toewijzingen zijn doorgerekend",
        "Whether all possible assignments were computed",
    ),
    OutputColumn("seed", "count", "Toevalsgetal van de lotingen", "Seed of the draws"),
    OutputColumn(
        "source",
        "text",
        "Waar een gepubliceerd getal staat; leeg als het is berekend",
        "Where a published number stands; empty where it was computed",
    ),
    OutputColumn(
        "note",
        "text",
        "Waarom een getal ontbreekt, of hoe het is gemaakt",
        "Why a number is missing, or how it was made",
    ),
)
