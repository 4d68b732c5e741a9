"""The rules on times in the booth (V) and at the count (C), and those that both share."""

from __future__ import annotations

from ballot_eval.validation import checks_times as checks
from ballot_eval.validation.moments import CLOSING_HOUR, LAST_DAY, NIGHT_ENDS
from ballot_eval.validation.rule import Rule

TIME_RULES = (
    Rule(
        "I.107",
        "info",
        "Tijden van een andere verkiezing dan die van de studie (tellingen: ook haar eerdere "
        "verkiezingen); rijen niet gebruikt",
        "Times of another election than the study's (counts: than its baselines too); rows not "
        "used",
        checks.other_elections,
        excludes=True,
    ),
    Rule(
        "I.106",
        "info",
        "Voormalige experimentgemeente: geen experiment en geen controle, tijden niet gebruikt",
        "Former experiment municipality: neither experiment nor control, times not used",
        checks.former,
        excludes=True,
    ),
    Rule(
        "P.109",
        "error",
        "Stembiljet is niet dat van het analyseplan voor deze gemeente en verkiezing",
        "Ballot is not the one that the analysis plan gives this municipality and election",
        checks.other_ballot,
        excludes=True,
    ),
    Rule(
        "P.110",
        "error",
        "Tijden van een gemeente zonder bruikbare uitslag bij deze verkiezing; controleer de "
        "gemeentecode",
        "Times of a municipality without a usable result at this election; check its code",
        checks.without_results,
        excludes=True,
    ),
    Rule(
        "V.101",
        "error",
        "Tijd in het stemhokje is nul of negatief",
        "Time in the booth is zero or negative",
        checks.not_positive(),
        excludes=True,
    ),
    Rule(
        "V.102",
        "error",
        "Tijd in het stemhokje is onmogelijk lang; andere eenheid dan seconden?",
        "Time in the booth is absurdly long; another unit than seconds?",
        checks.longer_than_an_hour(),
        f"> {checks.LONGEST_SECONDS} s",
        excludes=True,
    ),
    Rule(
        "V.103",
        "warning",
        "Tijd in het stemhokje is twijfelachtig kort of lang; controleer het formulier",
        "Time in the booth is doubtfully short or long; check the form",
        checks.doubtful_seconds(),
        "< {} s or > {} s".format(*checks.DOUBTFUL_SECONDS),
    ),
    Rule(
        "V.104",
        "warning",
        "Waarnemer rondt af: te veel tijden zijn een veelvoud van 5, 10 of 30 seconden",
        "Observer rounds: too many times are multiples of 5, 10 or 30 seconds",
        checks.heaped,
        f"p < {checks.HEAPING_P:g} (Holm)",
    ),
    Rule(
        "C.101",
        "error",
        "Er staat niet of de telling DSO of CSO is; die zijn niet te vergelijken",
        "The count is not said to be DSO or CSO, which cannot be compared",
        checks.no_method(),
        excludes=True,
    ),
    Rule(
        "C.102",
        "error",
        "Centrale zitting bij decentrale stemopneming (DSO); die is er alleen bij CSO",
        "Central session of a count at the polling stations (DSO); only CSO has one",
        checks.decentral_session,
        excludes=True,
    ),
    Rule(
        "C.103",
        "error",
        "Centrale zitting zonder datum; geef datum en tijd",
        "Central session without a date; give date and time",
        checks.session_without_date,
        excludes=True,
    ),
    Rule(
        "C.104",
        "error",
        "Telling begon voor de sluiting van de stembureaus",
        "Count started before the polling stations closed",
        checks.before_closing,
        f"{CLOSING_HOUR}:00",
        excludes=True,
    ),
    Rule(
        "C.111",
        "error",
        "Telling begint op een andere dag dan kan; controleer de datum",
        "Count starts on another day than it can; check the date",
        checks.on_another_day,
        f"polling station: {NIGHT_ENDS}:00 the day after; central session or recount: "
        f"{LAST_DAY} days after",
        excludes=True,
    ),
    Rule(
        "C.105",
        "error",
        "Telling eindigt bij of voor haar begin; geef bij een telling over middernacht de datum",
        "Count ends at or before its start; give the date where it went past midnight",
        checks.end_before_start,
        excludes=True,
    ),
    Rule(
        "C.106",
        "error",
        "Telling duurt onmogelijk lang; controleer de datums",
        "Count is absurdly long; check the dates",
        checks.too_long,
        f"> {checks.LONGEST_HOURS} h",
        excludes=True,
    ),
    Rule(
        "C.107",
        "error",
        "Telling zonder tellers, stembiljetten of lijsten",
        "Count without counters, ballots or lists",
        checks.nothing_to_count(),
        excludes=True,
    ),
    Rule(
        "C.108",
        "warning",
        "Telling is twijfelachtig snel of traag; controleer tijden, tellers en stembiljetten",
        "Count is doubtfully fast or slow; check times, counters and ballots",
        checks.doubtful_pace,
        "< {} or > {} person-minutes per 100 ballots".format(*checks.DOUBTFUL_PERSON_MINUTES),
        "ballots_count",
    ),
    Rule(
        "C.109",
        "warning",
        "Gemeente heeft zowel DSO als CSO bij deze verkiezing",
        "Municipality has both DSO and CSO at this election",
        checks.two_methods(),
    ),
    Rule(
        "C.110",
        "warning",
        "Aantal lijsten verschilt binnen de gemeente",
        "Number of lists differs within the municipality",
        checks.two_numbers_of_lists(),
    ),
    Rule(
        "I.105",
        "info",
        "Datum van een telling afgeleid uit het tijdstip (vanaf 12.00 uur de dag van de stemming, "
        "daarvoor de dag erna)",
        "Date of a count derived from the time of day (from 12:00 the day of the election, before "
        "that the day after)",
        checks.bare_times,
    ),
    Rule(
        "I.108",
        "info",
        "Hertellingen, elk op een eigen rij",
        "Recounts, each on a row of its own",
        checks.recounts,
    ),
)
