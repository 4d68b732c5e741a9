"""The sentences of the report on times: chosen by rule from the results, never by hand.

That nothing was measured is said once, and in the summary; what would follow is left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.wording.booths import booth_sentences
from ballot_eval.reporting.wording.counting import counting_sentences
from ballot_eval.reporting.wording.measures import NO_COMPARISON, find_measure, is_clear
from ballot_eval.results import Measure

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NO_VOTING = {
    "nl": "De tijd in het stemhokje is niet gemeten.",
    "en": "The time in the voting booth was not measured.",
}

#: Whose times they are, by subset.
WHO = {
    "nl": {
        "unassisted": "kiezers zonder hulp",
        "assisted": "kiezers met hulp",
        "all": "alle kiezers",
    },
    "en": {
        "unassisted": "voters without help",
        "assisted": "voters with help",
        "all": "all voters",
    },
}
#: A number of voters: one, and more or none.
VOTERS = {"nl": ("kiezer", "kiezers"), "en": ("voter", "voters")}


def time_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    texts = {
        "voting_ratio_text": _voting_ratio,
        "voting_quantiles_text": _voting_quantiles,
        "assisted_text": _assisted,
        "observers_text": _observers,
        "horizon_text": _horizon,
    }
    found = counting_sentences(say, outcome)
    if "all" not in outcome.voting.voters:
        found |= dict.fromkeys((*texts, "booths_text", "booths_close_text"), "")
        answers = ("voting_sample_text", "voting_answer_text")
        return found | dict.fromkeys(answers, say.pick(NO_VOTING))
    found |= {
        "voting_sample_text": _voting_sample(say, outcome),
        "voting_answer_text": _voting_answer(say, outcome),
    }
    found |= {name: text(say, outcome) for name, text in texts.items()}
    return found | booth_sentences(say, outcome)


def _voters(say: Language, count: int) -> str:
    return say.plural(count, nl=VOTERS["nl"], en=VOTERS["en"])


def _voting_sample(say: Language, outcome: Outcome) -> str:
    voters = outcome.voting.voters["all"]
    new, old = say.number(voters.new.sum()), say.number((~voters.new).sum())
    stations = say.stations(len(set(voters.station)))
    where = say.municipalities(voters.municipality.nunique())
    sample = say(
        nl=f"Waarnemers hebben van {_voters(say, voters.n)} de tijd in het stemhokje opgenomen, "
        f"op {stations} in {where}: {new} met het nieuwe en {old} met het oude stembiljet.",
        en=f"Observers recorded how long {_voters(say, voters.n)} spent in the voting booth, at "
        f"{stations} in {where}: {new} with the new and {old} with the old ballot.",
    )
    broken = say.number((~voters.complete).sum())
    gone = say(
        nl=f"Bij {broken} is de waarneming afgebroken voordat de kiezer klaar was. In de mediaan, "
        "de P90 en het gemiddelde tellen zij mee als ‘langer dan de gemeten tijd’; in de "
        "verhouding volgens het gemengde model en in die per kwantiel tellen zij niet mee.",
        en=f"For {broken}, observation was broken off before the voter had finished. In the "
        "median, the P90 and the mean they count as ‘longer than the time measured’; they are "
        "left out of the ratio from the mixed model and of the ratios by quantile.",
    )
    return f"{sample} {_help(say, outcome)} {gone}"


def _help(say: Language, outcome: Outcome) -> str:
    """Say how many voters were helped, and of how many that is not known."""
    helped = outcome.voting.voters["all"].frame["assisted"]
    yes, no, unknown = (int((helped == answer).sum()) for answer in ("yes", "no", "unknown"))
    if not yes + no:
        return say(
            nl="Of kiezers hulp kregen, is niet vastgelegd; de vergelijking gaat over alle "
            "kiezers.",
            en="Whether voters were helped was not recorded; the comparison is about all voters.",
        )
    text = say(
        nl=f"Hulp {'kreeg' if yes == 1 else 'kregen'} {_voters(say, yes)}.",
        en=f"{_voters(say, yes)} {'was' if yes == 1 else 'were'} helped.",
    )
    if not unknown:
        return text
    one = unknown == 1
    rest = say(
        nl=f"Van {_voters(say, unknown)} is niet vastgelegd of {'die' if one else 'zij'} hulp "
        f"{'kreeg' if one else 'kregen'}; {'die telt' if one else 'zij tellen'} alleen mee bij "
        "‘alle kiezers’.",
        en=f"For {_voters(say, unknown)} it was not recorded whether they were helped; they count "
        "only under ‘all voters’.",
    )
    return f"{text} {rest}"


def _ratio(outcome: Outcome, subset: str) -> Measure | None:
    """Return the ratio of voting times by the method that the plan names."""
    method = outcome.study.times.method
    return find_measure(outcome.results.voting_time, quantity="ratio", subset=subset, method=method)


def _voting_answer(say: Language, outcome: Outcome) -> str:
    """Answer whether voting takes longer, for the summary."""
    ratio = _ratio(outcome, outcome.voting.main)
    answer = say.pick(NO_COMPARISON) if ratio is None else _difference(say, ratio)
    return " ".join(part for part in (answer, _medians(say, outcome)) if part)


def _difference(say: Language, ratio: Measure) -> str:
    """Say how much less or more time voting takes, or that no difference was shown."""
    number, limits = say.number(ratio.estimate, 2), say.between(ratio.ci_lower, ratio.ci_upper)
    if not is_clear(ratio):
        return say(
            nl=f"Een verschil is niet aangetoond (verhouding {number}; {limits}).",
            en=f"No difference was shown (ratio {number}; {limits}).",
        )
    size, less = say.percent(abs(ratio.estimate - 1), 0), ratio.estimate < 1
    return say(
        nl=f"Stemmen met het nieuwe stembiljet duurt {size} {'korter' if less else 'langer'} "
        f"(verhouding {number}; {limits}).",
        en=f"Voting with the new ballot takes {size} {'less' if less else 'more'} time "
        f"(ratio {number}; {limits}).",
    )


def _medians(say: Language, outcome: Outcome) -> str:
    """Say within how many seconds half of the voters are ready, by ballot where it is known."""
    subset = outcome.voting.main
    parts = []
    for ballot, nl, en in (("new", "nieuwe", "new"), ("old", "oude", "old")):
        m = find_measure(
            outcome.results.voting_time,
            quantity="median_seconds",
            group=ballot,
            subset=subset,
            method="kaplan_meier",
        )
        if m is not None:
            seconds = say.number(m.estimate)
            parts.append(
                say(
                    nl=f"binnen {seconds} seconden met het {nl}",
                    en=f"within {seconds} seconds with the {en}",
                )
            )
    if not parts:
        return ""
    everyone = subset == "all"
    return say(
        nl=f"De helft van {'alle kiezers' if everyone else 'de kiezers zonder hulp'} is klaar "
        f"{say.listed(parts)} stembiljet.",
        en=f"Half of {'all voters' if everyone else 'the voters without help'} have finished "
        f"{say.listed(parts)} ballot.",
    )


def _voting_ratio(say: Language, outcome: Outcome) -> str:
    subset = outcome.voting.main
    ratio = _ratio(outcome, subset)
    if ratio is None:
        return say.pick(NO_COMPARISON)
    who, number = say.pick(WHO)[subset], say.number(ratio.estimate, 2)
    limits, p = say.between(ratio.ci_lower, ratio.ci_upper), say.p_value(ratio.p_value)
    text = say(
        nl=f"Van {who} is de tijd met het nieuwe stembiljet {number} keer die met het oude "
        f"({limits}; p-waarde {p}).",
        en=f"For {who}, the time with the new ballot is {number} times that with the old "
        f"({limits}; p-value {p}).",
    )
    others = [
        m
        for m in outcome.results.voting_time
        if m.subset == subset
        and m.quantity in ("ratio", "restricted_mean_ratio")
        and math.isfinite(m.estimate)
    ]
    return text if len(others) == 1 else f"{text} {_methods(say, ratio, others)}"


def _methods(say: Language, ratio: Measure, others: list[Measure]) -> str:
    """Say what range the methods give, and whether they agree with that of the plan."""
    low, high = (f(m.estimate for m in others) for f in (min, max))
    n, limits = say.count(len(others)), say.between(low, high)
    text = say(
        nl=f"De {n} methoden geven een verhouding van {limits}",
        en=f"The {n} methods give a ratio of {limits}",
    )
    differing = sum(is_clear(m) != is_clear(ratio) for m in others)
    if not differing:
        return text + say(
            nl=", en zij zijn het eens of er een verschil is aangetoond.",
            en=", and they agree on whether a difference was shown.",
        )
    one, several = differing == 1, say.count(differing)
    return text + say(
        nl=f"; {several} daarvan {'komt' if one else 'komen'} tot een andere slotsom.",
        en=f"; {several} of them {'reaches' if one else 'reach'} a different conclusion.",
    )


def _horizon(say: Language, outcome: Outcome) -> str:
    """Say how long a long time counts in the mean."""
    found = {
        m.subset: say.number(m.estimate)
        for m in outcome.results.voting_time
        if m.quantity == "horizon_seconds"
    }
    if not found:
        return ""
    who = say.pick(WHO)
    parts = [
        say(nl=f"{seconds} seconden voor {who[k]}", en=f"{seconds} seconds for {who[k]}")
        for k, seconds in found.items()
    ]
    if len(set(found.values())) == 1:
        seconds = next(iter(found.values()))
        parts = [say(nl=f"{seconds} seconden", en=f"{seconds} seconds")]
    limits = say.listed(parts)
    return say(
        nl=f"In het gemiddelde telt een langere tijd niet verder mee dan tot {limits}.",
        en=f"In the mean, a longer time counts for no more than {limits}.",
    )


def _voting_quantiles(say: Language, outcome: Outcome) -> str:
    found = outcome.voting.quantiles
    if found is None:
        return say.pick(NO_COMPARISON)
    ends = []
    for k in (0, -1):
        limits = say.between(math.exp(found.ci_lower[k]), math.exp(found.ci_upper[k]))
        quantile = say.percent(found.quantiles[k], 0)
        ratio = say.number(math.exp(found.estimates[k]), 2)
        ends.append(
            say(
                nl=f"bij kwantiel {quantile} is de verhouding {ratio} ({limits})",
                en=f"at the {quantile} quantile the ratio is {ratio} ({limits})",
            )
        )
    text = say.listed(ends)
    # One ratio for all quantiles is possible when some value lies within the whole band.
    same = found.band_lower.max() <= found.band_upper.min()
    band = say(
        nl=f"De band voor alle kwantielen samen sluit {'niet ' if same else ''}uit dat de "
        "verhouding overal dezelfde is.",
        en=f"The band for all quantiles together {'does not rule' if same else 'rules'} out that "
        "the ratio is the same everywhere.",
    )
    return f"{text[0].upper()}{text[1:]}. {band}"


def _assisted(say: Language, outcome: Outcome) -> str:
    if "assisted" not in outcome.voting.voters:
        return ""
    found = _ratio(outcome, "assisted")
    if found is None:
        return say(
            nl="Voor kiezers met hulp kan geen verschil worden berekend.",
            en="For voters with help no difference can be calculated.",
        )
    voters, clear = _voters(say, found.n), is_clear(found)
    ratio, limits = say.number(found.estimate, 2), say.between(found.ci_lower, found.ci_upper)
    return say(
        nl=f"Van {voters} met hulp is de hele tijd gezien; daar is de verhouding {ratio} "
        f"({limits}){'' if clear else ', zodat een verschil niet is aangetoond'}.",
        en=f"For {voters} with help the whole time was seen; for them the ratio is {ratio} "
        f"({limits}){'' if clear else ', so no difference was shown'}.",
    )


def _observers(say: Language, outcome: Outcome) -> str:
    items = outcome.results.voting_time
    share = find_measure(items, quantity="observer_share_of_variance")
    within = find_measure(items, quantity="observer_sd_log_seconds")
    if share is None:
        return say(
            nl="Verschillen tussen waarnemers zijn niet te berekenen.",
            en="Differences between observers cannot be calculated.",
        )
    size = say(nl="vrijwel niets", en="almost nothing")
    if share.estimate >= 0.005:
        size = say.percent(share.estimate, 0)
    text = say(
        nl=f"Van alle verschillen in tijd met hetzelfde stembiljet ligt {size} tussen waarnemers, "
        "met de verschillen tussen hun stembureaus daarin.",
        en=f"Of all variation in time with the same ballot, {size} lies between observers, which "
        "includes the differences between their polling stations.",
    )
    return f"{text} {_same_station(say, within)}"


def _same_station(say: Language, within: Measure | None) -> str:
    """Say whether observers at the same polling station differ, if any worked together."""
    if within is None:
        return say(
            nl="Op geen stembureau werkten twee waarnemers; waarnemer en stembureau zijn daarom "
            "niet te scheiden.",
            en="At no polling station did two observers work; observer and polling station can "
            "therefore not be separated.",
        )
    p = say.p_value(within.p_value)
    if within.p_value >= 0.05 or within.estimate < 0.005:
        return say(
            nl="Waarnemers op hetzelfde stembureau verschillen niet meer dan door toeval (p-waarde "
            f"{p}).",
            en="Observers at the same polling station differ no more than by chance (p-value "
            f"{p}).",
        )
    spread = say.percent(within.estimate, 0)
    return say(
        nl=f"Waarnemers op hetzelfde stembureau verschillen (p-waarde {p}); de spreiding tussen "
        f"hen is ongeveer {spread} van de tijd.",
        en=f"Observers at the same polling station differ (p-value {p}); the spread between them "
        f"is about {spread} of the time.",
    )
