"""The rules on surveys (S): of voters, of members of polling stations, of municipalities.

That a respondent is given twice is rule K.101, as in every other table.
"""

from __future__ import annotations

from ballot_eval.validation import checks_survey as checks
from ballot_eval.validation import checks_times as times
from ballot_eval.validation.moments import LAST_DAY
from ballot_eval.validation.rule import Rule

#: A rule on single cells: the first pass decides on it.
OFF_SCALE = Rule(
    "S.107",
    "error",
    "Antwoord staat niet in de vragenlijst",
    "Answer is not in the questionnaire",
    excludes=True,
)

SURVEY_RULES = (
    Rule(
        "S.101",
        "error",
        "Kolom lijkt een stemkeuze te bevatten en is niet gelezen; haal haar uit het bestand",
        "Column looks like vote choice and was not read; remove it from the file",
        checks.vote_choice,
    ),
    Rule(
        "S.102",
        "info",
        "Antwoorden bij een andere verkiezing dan die van de vragenlijst; rijen niet gebruikt",
        "Answers at another election than the questionnaire's; rows not used",
        checks.other_elections,
        excludes=True,
    ),
    Rule(
        "S.103",
        "info",
        "Voormalige experimentgemeente: geen experiment en geen controle, antwoorden niet gebruikt",
        "Former experiment municipality: neither experiment nor control, answers not used",
        checks.each(times.former_hits),
        excludes=True,
    ),
    Rule(
        "S.104",
        "error",
        "Stembiljet is niet dat van het analyseplan voor deze gemeente (vragenlijst)",
        "Ballot is not the one that the analysis plan gives this municipality (survey)",
        checks.each(times.ballot_hits),
        excludes=True,
    ),
    Rule(
        "S.105",
        "error",
        "Antwoorden uit een gemeente zonder bruikbare uitslag bij deze verkiezing; controleer de "
        "gemeentecode",
        "Answers from a municipality without a usable result at this election; check its code",
        checks.each(times.result_hits),
        excludes=True,
    ),
    Rule(
        "S.106",
        "warning",
        "Stembureau is niet een van de getelde stembureaus van deze gemeente; controleer nummer of "
        "naam",
        "Polling station is not among those counted in this municipality; check its number or name",
        checks.unknown_station,
    ),
    Rule(
        "S.108",
        "error",
        "Getal ligt buiten de grenzen van de vraag",
        "Number is outside the bounds of the question",
        checks.out_of_bounds,
        excludes=True,
    ),
    Rule(
        "S.109",
        "warning",
        "Vraag beantwoord die volgens de vragenlijst niet is gesteld; het antwoord telt niet mee",
        "Question answered that the questionnaire did not ask; the answer does not count",
        checks.not_asked,
    ),
    Rule(
        "S.110",
        "info",
        "Vraag gesteld en niet (helemaal) beantwoord",
        "Question asked and not (fully) answered",
        checks.unanswered,
    ),
    Rule(
        "S.111",
        "warning",
        "Veel ontbrekende antwoorden of weigeringen bij deze vraag",
        "Many missing answers or refusals at this question",
        checks.many_missing,
        f"> {checks.MISSING_PERCENT}%",
        "asked",
    ),
    Rule(
        "S.112",
        "warning",
        "Antwoord en 'weet niet' of 'wil niet zeggen' tegelijk; telt als geen antwoord",
        "Answer and 'don't know' or 'refused' at once; counts as no answer",
        checks.two_answers,
    ),
    Rule(
        "S.113",
        "warning",
        "Zelfde interviewer, meteen na elkaar gelijke antwoorden op alle vragen; controleer de "
        "formulieren",
        "Same interviewer, identical answers to all questions in a row; check the forms",
        checks.identical,
        f"{checks.LONGEST_RUN} interviews with {checks.LEAST_ANSWERS} answers or more",
    ),
    Rule(
        "S.114",
        "error",
        "Gesprek op een andere dag dan kan; controleer de datum",
        "Interview on a day on which it cannot be; check the date",
        checks.on_another_day,
        f"voters: day of the election; polling stations: {LAST_DAY} days after",
        excludes=True,
    ),
    Rule(
        "S.115",
        "error",
        "Gesprek met een kiezer ver buiten de openingstijd van de stembureaus; controleer de tijd",
        "Interview with a voter far outside the opening hours of the stations; check the time",
        checks.outside_hours,
        f"> {checks.SLACK_MINUTES} min",
        excludes=True,
    ),
    Rule(
        "S.116",
        "warning",
        "Gesprek met een kiezer even voor het openen of na het sluiten van de stembureaus",
        "Interview with a voter shortly before the stations open or after they close",
        checks.around_hours,
        f"<= {checks.SLACK_MINUTES} min",
    ),
    Rule(
        "S.117",
        "error",
        "Rijen van één stembureau geven verschillende aantallen voor de weging",
        "Rows of one polling station give different numbers for the weights",
        checks.different_weights,
        excludes=True,
    ),
    Rule(
        "S.118",
        "error",
        "Aantallen voor de weging kunnen niet kloppen: kiezers, gevraagd, geweigerd en gesprekken",
        "Numbers for the weights cannot be right: voters, approached, refused and interviews",
        checks.impossible_weights,
        excludes=True,
    ),
    Rule(
        "S.119",
        "warning",
        "Aantallen voor de weging ontbreken bij een deel van de stembureaus",
        "Numbers for the weights are missing at some polling stations",
        checks.incomplete_weights,
    ),
    Rule(
        "S.120",
        "error",
        "Open antwoord lijkt een adres of nummer van een persoon te bevatten; streep dat door",
        "Open answer seems to contain an address or number of a person; cross it out",
        checks.personal_open_answers(),
        excludes=True,
    ),
    Rule(
        "S.121",
        "warning",
        "In een open antwoord staat de naam van een partij; streep die door",
        "An open answer contains the name of a party; cross it out",
        checks.party_open_answers(),
    ),
)
