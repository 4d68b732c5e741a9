"""Why a number is missing, or how it was made, in the words of the evaluation.

Estimators speak of rows, columns, clusters and groups. What a run writes in ``note`` speaks of
municipalities by code and of elections; the report says the same in Dutch and in English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a pattern in what an estimator says, and the words for it.

    ``note`` is what the files say, ``dutch`` and ``english`` what the report says; ``english`` is
    empty where the report has the words of the files. Named groups of the pattern return between
    braces in all of them.
    """

    pattern: str
    note: str
    dutch: str
    english: str = ""

    @property
    def note_pattern(self) -> str:
        """The regular expression of a note with this reason."""
        return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(self.note))

    def told(self, language: str) -> str:
        """Return the words of the report in ``language``, ``nl`` or ``en``."""
        return self.dutch if language == "nl" else self.english or self.note


#: Tried in this order: what is more particular comes first.
REASONS = (
    Reason(
        r"rests on cluster (?P<who>\S+) alone",
        "the effect rests on municipality {who} alone, so its uncertainty cannot be estimated",
        "het effect rust op {who} alleen, zodat de onzekerheid niet te schatten is",
        "the effect rests on {who} alone, so its uncertainty cannot be estimated",
    ),
    Reason(
        r"studentised statistic needs at least two|do not vary within the roles, so there is no sc",
        "the studentised test needs at least two experiment municipalities and two controls",
        "de gestudentiseerde toets heeft twee experiment- en twee controlegemeenten nodig",
        "the studentised test needs at least two experiment municipalities and two control "
        "municipalities",
    ),
    Reason(
        r"there is no studentised statistic with strata",
        "there is no studentised statistic with strata",
        "binnen groepen naar grootte is er geen gestudentiseerde toets",
        "within groups by size there is no studentised test",
    ),
    Reason(
        r"a stratum holds only experiment municipalities: (?P<who>.+)",
        "a stratum holds only experiment municipalities: {who}",
        "een groep naar grootte bestaat uit alleen experimentgemeenten: {who}",
        "a group by size consists of experiment municipalities only: {who}",
    ),
    Reason(
        r"the method does not compare within strata",
        "the method does not compare within strata, so it would estimate another effect",
        "de methode vergelijkt niet binnen groepen naar grootte",
        "the method does not compare within groups by size",
    ),
    Reason(
        r"there is no joint test, and none",
        "there is no joint test, and none against a margin, within strata",
        "binnen groepen naar grootte is er geen gezamenlijke toets, en geen toets tegen een marge",
        "within groups by size there is no joint test, and no test against a margin",
    ),
    Reason(
        r"a survey of one cluster says nothing|the answers are of one polling station or one mun",
        "the answers are of one polling station or one municipality, which does not show how much "
        "answers vary",
        "de antwoorden komen van één stembureau of één gemeente, en dat laat niet zien hoe sterk "
        "antwoorden uiteenlopen",
    ),
    Reason(
        r"one unit only in group|a side has one municipality",
        "a side has one municipality, which does not show how much such municipalities vary",
        "één gemeente laat niet zien hoe sterk zulke gemeenten uiteenlopen",
        "one municipality does not show how much such municipalities vary",
    ),
    Reason(
        r"no experiment municipality has results of polling stations",
        "no experiment municipality has results of polling stations",
        "van geen enkele experimentgemeente zijn er uitslagen van stembureaus",
        "no experiment municipality has results by polling station",
    ),
    Reason(
        r"no control municipality has results of polling stations",
        "no control municipality has results of polling stations",
        "van geen enkele controlegemeente zijn er uitslagen van stembureaus",
        "no control municipality has results by polling station",
    ),
    Reason(
        r"left out without results of polling stations: (?P<who>.+)",
        "left out without results of polling stations: {who}",
        "zonder uitslagen van stembureaus, en daarom weggelaten: {who}",
        "left out, having no results by polling station: {who}",
    ),
    Reason(
        r"there is no earlier election of the same type with votes per candidate",
        "there is no earlier election of the same type with votes per candidate",
        "er is geen eerdere verkiezing van dezelfde soort met stemmen per kandidaat",
    ),
    Reason(
        r"no experiment municipality, or no control, has votes per candidate at both elections",
        "no experiment municipality, or no control, has votes per candidate at both elections",
        "geen enkele experiment- of controlegemeente heeft bij beide verkiezingen stemmen per "
        "kandidaat",
        "no experiment municipality, or no control municipality, has votes per candidate at "
        "both elections",
    ),
    Reason(
        r"no experiment municipality, or no control, has votes per candidate",
        "no experiment municipality, or no control, has votes per candidate",
        "van geen enkele experiment- of controlegemeente zijn stemmen per kandidaat bekend",
        "no experiment municipality, or no control municipality, has votes per candidate",
    ),
    Reason(
        r"no experiment municipality, or no control, has a list that can be judged",
        "no experiment municipality, or no control, has a list that can be judged",
        "geen enkele experiment- of controlegemeente heeft een lijst die te beoordelen is",
        "no experiment municipality, or no control municipality, has a list that can be assessed",
    ),
    Reason(
        r"no records of polling stations with this way of counting at the baseline",
        "no records of polling stations with this way of counting at the baseline",
        "van de eerdere verkiezing zijn er geen uitslagen van stembureaus die zo telden",
        "there are no results of polling stations that counted in this way at the earlier election",
    ),
    Reason(
        r"left out without reasons of invalidity: (?P<who>.+)",
        "left out without reasons of invalidity: {who}",
        "zonder redenen van ongeldigheid, en daarom weggelaten: {who}",
        "left out, having no reasons for invalidity: {who}",
    ),
    Reason(
        r"no control municipality has results at both (?P<two>.+)",
        "no control municipality has results at both {two}",
        "geen enkele controlegemeente heeft uitslagen van zowel {two}",
        "no control municipality has results for both {two}",
    ),
    Reason(
        r"no control municipality has results at all of (?P<several>.+)",
        "no control municipality has results at all of {several}",
        "geen enkele controlegemeente heeft uitslagen van alle verkiezingen: {several}",
        "no control municipality has results for all of the elections {several}",
    ),
    Reason(
        r"half a vote added to every count, because (?P<who>.+) had none at an election",
        "half a vote added to every count, because {who} had none at an election",
        "bij elk aantal is een halve stem opgeteld, omdat er bij een van de verkiezingen geen "
        "zulke stemmen waren: {who}",
        "half a vote was added to every count, because there were no such votes at one of the "
        "elections in {who}",
    ),
    Reason(
        r"left out without all facts and earlier rates: (?P<who>.+)",
        "left out without all facts and earlier rates: {who}",
        "niet alle kenmerken en eerdere aandelen zijn bekend, en daarom weggelaten: {who}",
        "left out, because not all characteristics and earlier shares are known: {who}",
    ),
    Reason(
        r"no votes of this kind at (?P<where>\S+) in any experiment municipality",
        "no votes of this kind at {where} in any experiment municipality, so there is no ratio",
        "bij {where} had geen enkele experimentgemeente zulke stemmen",
        "no experiment municipality had such votes at {where}",
    ),
    Reason(
        r"no votes of this kind at (?P<where>\S+) in any control municipality",
        "no votes of this kind at {where} in any control municipality, so there is no ratio",
        "bij {where} had geen enkele controlegemeente zulke stemmen",
        "no control municipality had such votes at {where}",
    ),
    Reason(
        r"no events with the new ballot|zero events on one side of",
        "a set of municipalities has no votes of this kind at all, so the ratio is undefined",
        "een hele groep van gemeenten had geen zulke stemmen",
        "a whole group of municipalities had no such votes",
    ),
    Reason(
        r"zero events|there are no events|no events at all|has events and more than one",
        "there are no votes of this kind at one of the elections",
        "bij een van de verkiezingen waren er geen zulke stemmen",
        "at one of the elections there were no such votes",
    ),
    Reason(
        r"separation:",
        "where there are no votes of this kind the model runs to 0, so an estimate is infinite",
        "waar geen zulke stemmen zijn, loopt het model naar nul en is een schatting oneindig",
        "where there are no such votes, the model tends to zero and an estimate is infinite",
    ),
    Reason(
        r"covariates in columns .* do not vary|covariates are collinear|covariate \d+ is constant",
        "the municipalities do not differ enough in their facts and earlier rates",
        "de gemeenten verschillen te weinig in kenmerken en eerdere aandelen",
        "the municipalities differ too little in characteristics and earlier shares",
    ),
    Reason(
        r"too few municipalities for|no freedom beside the role|explain the role completely",
        "too few municipalities for these covariates",
        "er zijn te weinig gemeenten om met deze kenmerken rekening te houden",
        "there are too few municipalities to take these characteristics into account",
    ),
    Reason(
        r"leave no residual freedom|cannot carry|at least two clusters|within roles needs at least",
        "too few municipalities",
        "er zijn te weinig gemeenten",
        "there are too few municipalities",
    ),
    Reason(
        r"too few for placebos|or more controls|needs \d+ controls|the number of controls"
        r"|never-adopting units|leave no controls",
        "too few controls have results at every election",
        "te weinig controlegemeenten hebben uitslagen van alle verkiezingen",
        "too few control municipalities have results for all elections",
    ),
    Reason(
        r"vary no more than|rho runs to its boundary|alpha runs to a boundary",
        "the counts vary no more than the model's own chance, so its spread is not defined",
        "de aantallen lopen niet meer uiteen dan het toeval van het model",
        "the counts vary no more than chance in the model",
    ),
    Reason(
        r"does not settle|no convergence|did not converge|flat at its maximum",
        "the model could not be fitted",
        "het model is niet aan te passen aan deze gegevens",
        "the model cannot be fitted to these data",
    ),
    Reason(
        r"residuals are zero|error is zero|identical|perfectly|all values are the same"
        r"|the same for all units|do not vary|same estimate for every|gives the target no variance",
        "the outcomes do not differ between municipalities",
        "de uitkomsten verschillen niet tussen gemeenten",
    ),
    Reason(
        r"needs a period after the start and",
        "the method needs two earlier elections",
        "de methode heeft twee eerdere verkiezingen nodig",
    ),
    Reason(
        r"convex hull of the controls",
        "no weights give the controls the means of the experiment municipalities",
        "geen gewichten geven de controlegemeenten de gemiddelden van de experimentgemeenten",
        "no weights give the control municipalities the means of the experiment municipalities",
    ),
    Reason(
        r"no public facts on (?P<who>.+)",
        "no public facts on {who}",
        "van {who} zijn de openbare kenmerken niet bekend",
        "the public characteristics of {who} are not known",
    ),
    Reason(
        r"cannot be reassigned|at least one experiment unit and one control",
        "the experiment cannot be given to other municipalities",
        "het experiment is niet aan andere gemeenten toe te wijzen",
        "the experiment cannot be assigned to other municipalities",
    ),
    Reason(
        r"cannot be told from municipality and election effects",
        "the effect cannot be told from those of municipalities and elections",
        "het effect is niet te scheiden van dat van gemeenten en verkiezingen",
        "the effect cannot be separated from those of municipalities and elections",
    ),
    Reason(
        r"at least one finite coefficient|there is no election before",
        "there is no election before to compare with",
        "er is geen eerdere verkiezing om mee te vergelijken",
        "there is no earlier election to compare with",
    ),
)

#: Municipalities that the report names before it counts the rest; the files name them all.
LISTED = 12

#: What the report says when none of these fits.
OTHER = {"nl": "deze gegevens laten het niet toe", "en": "these data do not allow it"}


def plain_reason(error: ValueError | str) -> str:
    """Return why something cannot be estimated, in English; an unknown message as it is."""
    message = str(error)
    for reason in REASONS:
        if found := re.search(reason.pattern, message):
            return reason.note.format(**found.groupdict())
    return message


def told_reason(note: str, names: Mapping[str, str], *, language: str = "nl") -> str:
    """Return a note in the words of the report, with ``names`` of municipalities by code.

    Of a long list the first are named and the rest is counted.
    """
    for reason in REASONS:
        if found := re.fullmatch(reason.note_pattern, note):
            named = _named_dutch if language == "nl" else _named_english
            parts = {k: named(v, names) for k, v in found.groupdict().items()}
            return reason.told(language).format(**parts)
    return OTHER[language]


def _named_dutch(words: str, names: Mapping[str, str]) -> str:
    """Return what a pattern found, with names for codes and at most ``LISTED`` of a list."""
    items = [names.get(item, item) for item in words.replace(" and ", " als ").split(", ")]
    more = len(items) - LISTED
    return ", ".join(items[:LISTED]) + (f" en nog {more}" if more > 0 else "")


def _named_english(words: str, names: Mapping[str, str]) -> str:
    """Return the same in English, where the last of a list follows ``and``."""
    items = [names.get(item, item) for item in words.split(", ")]
    if len(items) > LISTED:
        items = [*items[:LISTED], f"{len(items) - LISTED} more"]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
