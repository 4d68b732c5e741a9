"""The sentences on what a national introduction would mean, by rule from the results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.estimation.forecast import Forecast
from ballot_eval.figures.base import KINDS as VOTES
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.times import booth_rows
from ballot_eval.reporting.wording.measures import find_measure
from ballot_eval.reporting.wording.summary_counting import KINDS, work_ratio, work_verdict
from ballot_eval.reporting.wording.verdicts import level_text, verdict
from ballot_eval.results import Measure

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def introduction_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    return {
        "introduction_uses_text": _uses(say, outcome),
        "introduction_booths_text": _booths(say, outcome),
        "introduction_counting_text": _counting(say, outcome),
        "introduction_unknown_text": _unknown(say, outcome),
    }


def _forecasts(outcome: Outcome) -> dict[str, Forecast]:
    """Return the forecasts that carry over a difference, by scenario."""
    found = outcome.learning.forecasts if outcome.learning else ()
    return {f.label: f for f in found if f.scale == "additive"}


def _extra(say: Language, outcome: Outcome, forecast: Forecast) -> str:
    """Return extra votes to hundreds, with the limits of the average effect."""
    low, extra, high = (
        say.number(round(forecast.extra_votes(share), -2), sign=True)
        for share in (forecast.share_lower, forecast.share, forecast.share_upper)
    )
    if math.isnan(forecast.share_lower):
        return extra
    level, word = level_text(say, outcome), say(nl="tot", en="to")
    return f"{extra} ({level} {low} {word} {high})"


def _uses(say: Language, outcome: Outcome) -> str:
    """Set the country at its first use beside the country after more uses."""
    found = _forecasts(outcome)
    if not {"first_use", "most_exposures"} <= found.keys():
        return _one_kind_of_use(say, outcome)
    first, later = (_extra(say, outcome, found[k]) for k in ("first_use", "most_exposures"))
    kind = say.pick(VOTES)[outcome.study.analysis.outcome]
    text = say(
        nl="Gaat het overal als waar het stembiljet voor het eerst is gebruikt, dan verandert het "
        f"landelijke aantal {kind} met {first}; gaat het als waar het eerder is gebruikt, met "
        f"{later}.",
        en="If it goes everywhere as where the ballot was used for the first time, the national "
        f"number of {kind} changes by {first}; if it goes as where it was used before, by "
        f"{later}.",
    )
    for m in outcome.results.learning:
        if (m.quantity, m.method) == ("later_against_first", "exact_permutation"):
            shown = verdict(m.estimate, m.ci_lower, m.ci_upper) in ("more", "less")
            return text + _whether_shown(say, shown=shown)
    return text


def _one_kind_of_use(say: Language, outcome: Outcome) -> str:
    """Say that first and later use are not told apart, and why where the plan shows it."""
    study = outcome.study
    text = say(
        nl="Wat eerste gebruik van later gebruik onderscheidt, is bij deze verkiezing niet te "
        "berekenen",
        en="What sets first use apart from later use cannot be computed at this election",
    )
    if len({study.exposure(code, study.election) > 1 for code in study.experiment()}) > 1:
        return f"{text}."
    return text + say(
        nl=": er zijn geen gemeenten die het stembiljet voor het eerst gebruikten naast gemeenten "
        "die het eerder gebruikten.",
        en=": there are no municipalities that used the ballot for the first time beside others "
        "that had used it before.",
    )


def _whether_shown(say: Language, *, shown: bool) -> str:
    if shown:
        return say(
            nl=" Het verschil tussen de twee groepen gemeenten is aangetoond, maar zij zijn niet "
            "geloot.",
            en=" The difference between the two groups of municipalities has been shown, but they "
            "were not drawn by lot.",
        )
    return say(
        nl=" Een verschil tussen de twee groepen gemeenten is niet aangetoond.",
        en=" No difference between the two groups of municipalities has been shown.",
    )


def _booths(say: Language, outcome: Outcome) -> str:
    """Say at which numbers of voters more or fewer booths are needed at a polling station."""
    rows = list(booth_rows(outcome.results.voting_time))
    if not rows:
        return say(
            nl="Hoeveel stemhokjes een stembureau nodig zou hebben, is niet gemeten.",
            en="How many booths a polling station would need was not measured.",
        )
    parts = [
        _booths_at(say, rate, new, old)
        for rate, new, old, d in rows
        if verdict(d.estimate, d.ci_lower, d.ci_upper) in ("more", "less")
    ]
    if not parts:
        return say(
            nl="Dat een stembureau in een piek meer of minder stemhokjes nodig heeft, is bij geen "
            "van de onderzochte aantallen kiezers aangetoond.",
            en="That a polling station needs more or fewer booths in a peak has not been shown for "
            "any of the numbers of voters that were examined.",
        )
    rest = ""
    if len(parts) < len(rows):
        rest = say(
            nl="; bij andere aantallen kiezers is geen verschil aangetoond",
            en="; at other numbers of voters no difference has been shown",
        )
    return say(
        nl=f"Per stembureau zijn in een piek nodig: {say.listed(parts)}{rest}.",
        en=f"A polling station needs in a peak: {say.listed(parts)}{rest}.",
    )


def _booths_at(say: Language, rate: int, new: Measure, old: Measure) -> str:
    booths = say.plural(int(new.estimate), nl=("stemhokje", "stemhokjes"), en=("booth", "booths"))
    return say(
        nl=f"bij {say.number(rate)} kiezers per uur {booths} in plaats van "
        f"{say.number(old.estimate)}",
        en=f"at {say.number(rate)} voters an hour {booths} instead of {say.number(old.estimate)}",
    )


def _counting(say: Language, outcome: Outcome) -> str:
    """Say how many minutes of work the ratio is, on the mean with the old ballot."""
    parts = []
    for kind, words in say.pick(KINDS).items():
        ratio = work_ratio(outcome, kind)
        old = find_measure(
            outcome.results.counting_time,
            quantity="mean_person_minutes_per_100_ballots",
            group="old",
            subset=kind,
        )
        if ratio is None or old is None or math.isnan(ratio.ci_lower):
            continue
        change, low, high = (
            say.number(old.estimate * (v - 1), sign=True)
            for v in (ratio.estimate, ratio.ci_lower, ratio.ci_upper)
        )
        mean = say.number(old.estimate)
        text = say(
            nl=f"bij {words} met {change} ({low} tot {high}) op {mean} minuten",
            en=f"at {words} by {change} ({low} to {high}) from {mean} minutes",
        )
        if work_verdict(ratio) == "not_shown":
            text += say(nl=", een verschil is niet aangetoond", en=", no difference shown")
        parts.append(text)
    if not parts:
        return say(
            nl="Hoeveel meer of minder tijd het tellen zou kosten, is niet gemeten.",
            en="How much more or less time counting would take was not measured.",
        )
    joined = "; ".join(parts)
    return say(
        nl="Geldt de verhouding overal, dan verandert het werk van de tellers samen per honderd "
        f"stembiljetten, in minuten, {joined}. Het gemiddelde met het oude stembiljet is daarbij "
        "als vast genomen.",
        en="If the ratio holds everywhere, the work of the counters together for every hundred "
        f"ballots changes, in minutes, {joined}. The mean with the old ballot is taken as fixed.",
    )


def _unknown(say: Language, outcome: Outcome) -> str:
    """Name the parts of the evaluation for which there are no data."""
    topics = {m.topic for m in outcome.results.marking if not m.source}
    surveys = {s.questionnaire.table for s in outcome.surveys}
    absent = [
        text
        for known, text in (
            (
                "reasons" in topics,
                say(nl="de redenen van ongeldigheid", en="the reasons for invalidity"),
            ),
            (
                "party_only" in topics,
                say(
                    nl="hoe vaak alleen een partij is gemarkeerd",
                    en="how often only a party was marked",
                ),
            ),
            (
                "all" in outcome.voting.voters,
                say(nl="de tijd in het stemhokje", en="the time in the booth"),
            ),
            (
                bool(outcome.counting.paces),
                say(nl="de tijd voor het tellen", en="the time that counting takes"),
            ),
            (
                "voter_survey" in surveys,
                say(nl="wat kiezers vinden", en="what voters think"),
            ),
            (
                "station_survey" in surveys,
                say(nl="wat stembureauleden vinden", en="what polling station members think"),
            ),
        )
        if not known
    ]
    if not absent:
        return say(
            nl="Van elk onderdeel dat dit rapport behandelt, zijn er gegevens.",
            en="There are data on every part that this report covers.",
        )
    return say(
        nl=f"Niet gemeten: {say.listed(absent)}.",
        en=f"Not measured: {say.listed(absent)}.",
    )
