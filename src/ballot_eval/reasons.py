"""Why a number is missing, or how it was made, in the words of the evaluation.

Estimators speak of rows, columns, clusters and groups. What a run writes in ``note`` speaks of
municipalities and elections, and the report says the same in Dutch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a pattern in what an estimator says, and the words for it.

    Named groups of the pattern return between braces in ``english`` and ``dutch``.
    """

    pattern: str
    english: str
    dutch: str

    @property
    def note(self) -> str:
        """The pattern of ``english`` in a note."""
        return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(self.english))


#: Tried in this order: what is more particular comes first.
REASONS = (
    Reason(
        r"rests on cluster (?P<who>\S+) alone",
        "the effect rests on municipality {who} alone, so its uncertainty cannot be estimated",
        "het effect rust op {who} alleen, zodat de onzekerheid niet te schatten is",
    ),
    Reason(
        r"studentised statistic needs at least two|do not vary within the roles, so there is no sc",
        "the studentised test needs at least two experiment municipalities and two controls",
        "de gestudentiseerde toets heeft twee experiment- en twee controlegemeenten nodig",
    ),
    Reason(
        r"there is no studentised statistic with strata",
        "there is no studentised statistic with strata",
        "binnen groepen naar grootte is er geen gestudentiseerde toets",
    ),
    Reason(
        r"a stratum holds only experiment municipalities: (?P<who>.+)",
        "a stratum holds only experiment municipalities: {who}",
        "een groep naar grootte bestaat uit alleen experimentgemeenten: {who}",
    ),
    Reason(
        r"the method does not compare within strata",
        "the method does not compare within strata, so it would estimate another effect",
        "de methode vergelijkt niet binnen groepen naar grootte",
    ),
    Reason(
        r"there is no joint test, and none",
        "there is no joint test, and none against a margin, within strata",
        "binnen groepen naar grootte is er geen gezamenlijke toets, en geen toets tegen een marge",
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
    ),
    Reason(
        r"no experiment municipality has results of polling stations",
        "no experiment municipality has results of polling stations",
        "van geen enkele experimentgemeente zijn er uitslagen van stembureaus",
    ),
    Reason(
        r"no control municipality has results of polling stations",
        "no control municipality has results of polling stations",
        "van geen enkele controlegemeente zijn er uitslagen van stembureaus",
    ),
    Reason(
        r"left out without results of polling stations: (?P<who>.+)",
        "left out without results of polling stations: {who}",
        "zonder uitslagen van stembureaus, en daarom weggelaten: {who}",
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
    ),
    Reason(
        r"no experiment municipality, or no control, has votes per candidate",
        "no experiment municipality, or no control, has votes per candidate",
        "van geen enkele experiment- of controlegemeente zijn stemmen per kandidaat bekend",
    ),
    Reason(
        r"no experiment municipality, or no control, has a list that can be judged",
        "no experiment municipality, or no control, has a list that can be judged",
        "geen enkele experiment- of controlegemeente heeft een lijst die te beoordelen is",
    ),
    Reason(
        r"no records of polling stations with this way of counting at the baseline",
        "no records of polling stations with this way of counting at the baseline",
        "van de eerdere verkiezing zijn er geen uitslagen van stembureaus die zo telden",
    ),
    Reason(
        r"left out without reasons of invalidity: (?P<who>.+)",
        "left out without reasons of invalidity: {who}",
        "zonder redenen van ongeldigheid, en daarom weggelaten: {who}",
    ),
    Reason(
        r"no control municipality has results at both (?P<two>.+)",
        "no control municipality has results at both {two}",
        "geen enkele controlegemeente heeft uitslagen van zowel {two}",
    ),
    Reason(
        r"no control municipality has results at all of (?P<several>.+)",
        "no control municipality has results at all of {several}",
        "geen enkele controlegemeente heeft uitslagen van alle verkiezingen: {several}",
    ),
    Reason(
        r"half a vote added to every count, because (?P<who>.+) had none at an election",
        "half a vote added to every count, because {who} had none at an election",
        "bij elk aantal is een halve stem opgeteld, want zonder zulke stemmen bij een verkiezing: "
        "{who}",
    ),
    Reason(
        r"left out without all facts and earlier rates: (?P<who>.+)",
        "left out without all facts and earlier rates: {who}",
        "niet alle kenmerken en eerdere aandelen zijn bekend, en daarom weggelaten: {who}",
    ),
    Reason(
        r"no votes of this kind at (?P<where>\S+) in any experiment municipality",
        "no votes of this kind at {where} in any experiment municipality, so there is no ratio",
        "bij {where} had geen enkele experimentgemeente zulke stemmen",
    ),
    Reason(
        r"no votes of this kind at (?P<where>\S+) in any control municipality",
        "no votes of this kind at {where} in any control municipality, so there is no ratio",
        "bij {where} had geen enkele controlegemeente zulke stemmen",
    ),
    Reason(
        r"no events with the new ballot|zero events on one side of",
        "a set of municipalities has no votes of this kind at all, so the ratio is undefined",
        "een hele groep van gemeenten had geen zulke stemmen",
    ),
    Reason(
        r"zero events|there are no events|no events at all|has events and more than one",
        "there are no votes of this kind at one of the elections",
        "bij een van de verkiezingen waren er geen zulke stemmen",
    ),
    Reason(
        r"separation:",
        "where there are no votes of this kind the model runs to 0, so an estimate is infinite",
        "waar geen zulke stemmen zijn, loopt het model naar nul en is een schatting oneindig",
    ),
    Reason(
        r"covariates in columns .* do not vary|covariates are collinear|covariate \d+ is constant",
        "the municipalities do not differ enough in their facts and earlier rates",
        "de gemeenten verschillen te weinig in kenmerken en eerdere aandelen",
    ),
    Reason(
        r"too few municipalities for|no freedom beside the role|explain the role completely",
        "too few municipalities for these covariates",
        "er zijn te weinig gemeenten om met deze kenmerken rekening te houden",
    ),
    Reason(
        r"leave no residual freedom|cannot carry|at least two clusters|within roles needs at least",
        "too few municipalities",
        "er zijn te weinig gemeenten",
    ),
    Reason(
        r"too few for placebos|or more controls|needs \d+ controls|the number of controls"
        r"|never-adopting units|leave no controls",
        "too few controls have results at every election",
        "te weinig controlegemeenten hebben uitslagen van alle verkiezingen",
    ),
    Reason(
        r"vary no more than|rho runs to its boundary|alpha runs to a boundary",
        "the counts vary no more than the model's own chance, so its spread is not defined",
        "de aantallen lopen niet meer uiteen dan het toeval van het model",
    ),
    Reason(
        r"does not settle|no convergence|did not converge|flat at its maximum",
        "the model could not be fitted",
        "het model is niet aan te passen aan deze gegevens",
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
    ),
    Reason(
        r"no public facts on (?P<who>.+)",
        "no public facts on {who}",
        "van {who} zijn de openbare kenmerken niet bekend",
    ),
    Reason(
        r"cannot be reassigned|at least one experiment unit and one control",
        "the experiment cannot be given to other municipalities",
        "het experiment is niet aan andere gemeenten toe te wijzen",
    ),
    Reason(
        r"cannot be told from municipality and election effects",
        "the effect cannot be told from those of municipalities and elections",
        "het effect is niet te scheiden van dat van gemeenten en verkiezingen",
    ),
    Reason(
        r"at least one finite coefficient|there is no election before",
        "there is no election before to compare with",
        "er is geen eerdere verkiezing om mee te vergelijken",
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
            return reason.english.format(**found.groupdict())
    return message


def told_reason(note: str, names: Mapping[str, str], *, language: str = "nl") -> str:
    """Return a note in the words of the report, with ``names`` of municipalities by code.

    Of a long list the first are named and the rest is counted.
    """
    for reason in REASONS:
        if found := re.fullmatch(reason.note, note):
            parts = {k: _named(v, names, language) for k, v in found.groupdict().items()}
            return (reason.dutch if language == "nl" else reason.english).format(**parts)
    return OTHER[language]


def _named(words: str, names: Mapping[str, str], language: str) -> str:
    """Return what a pattern found, with names for codes and at most ``LISTED`` of a list."""
    if language == "nl":
        words = words.replace(" and ", " als ")
    items = [names.get(item, item) for item in words.split(", ")]
    more = len(items) - LISTED
    rest = {"nl": f" en nog {more}", "en": f" and {more} more"}[language]
    return ", ".join(items[:LISTED]) + (rest if more > 0 else "")
