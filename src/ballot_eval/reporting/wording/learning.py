"""The sentences of the report on learning: chosen by rule from the results, never by hand."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ballot_eval.estimation.forecast import Forecast
from ballot_eval.formatting import display_name, sort_name
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.learning import PARTS, SCENARIOS
from ballot_eval.reporting.wording.decay import decay_sentence
from ballot_eval.reporting.wording.over_time import (
    capital,
    changes_sentence,
    counted_changes,
    elections_of,
    ends,
    latest_of,
    longest_of,
    measures_of,
    period,
    published_sentence,
    rounded_change,
    rounded_changes,
    source_sentence,
    uses_of,
    verdict,
    with_limits,
)
from ballot_eval.results import Measure
from ballot_eval.topics.naive_change import ROUNDED

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NOT_ASKED = {
    "nl": "Het leereffect is niet gemeten.",
    "en": "The learning effect was not measured.",
}
NOT_MEASURED = {
    "nl": "Dit is met deze gegevens niet te meten.",
    "en": "This cannot be measured with these data.",
}


def learning_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    texts = {
        "learning_answer_text": _answer,
        "fixed_set_text": _fixed_set,
        "published_text": published_sentence,
        "published_source_text": source_sentence,
        "learning_changes_text": changes_sentence,
        "decay_text": decay_sentence,
        "later_first_text": _later_first,
        "within_station_text": _within_station,
        "decomposition_text": _decomposition,
        "forecast_text": _forecast,
    }
    if outcome.learning is None:
        return dict.fromkeys(texts, say.pick(NOT_ASKED))
    return {name: text(say, outcome) for name, text in texts.items()}


def _answer(say: Language, outcome: Outcome) -> str:
    """Answer whether voters learn, for the summary: over time, and at one election."""
    parts = []
    if (change := longest_of(outcome, counted_changes(outcome))) is not None:
        clause = f"{verdict(say, change)} {period(say, change)} ({with_limits(say, change)})"
        parts.append(
            say(
                nl=f"In de gemeenten die telkens meededen {clause}.",
                en=f"In the municipalities that took part every time, {clause}.",
            )
        )
    elif (change := latest_of(outcome, rounded_changes(outcome))) is not None:
        elections = elections_of(say, uses_of(outcome)["rounded"])
        untested = say(
            nl=f"Van {elections} zijn alleen afgeronde aandelen bekend, zodat niet is te toetsen "
            "of dat toeval is.",
            en=f"Of {elections} only rounded shares are known, so that it cannot be tested whether "
            "this is due to chance.",
        )
        parts.append(f"{capital(rounded_change(say, change))}. {untested}")
    if later := measures_of(outcome, quantity="later_against_first", method="exact_permutation"):
        parts.append(_groups_answer(say, later[0]))
    return " ".join(parts) or say.pick(NOT_MEASURED)


def _groups_answer(say: Language, m: Measure) -> str:
    clear = not m.ci_lower <= 0 <= m.ci_upper
    return say(
        nl="Het effect in gemeenten die het stembiljet eerder gebruikten, verschilt bij deze "
        f"verkiezing {'' if clear else 'niet aantoonbaar '}van dat in gemeenten die het voor het "
        f"eerst gebruikten ({with_limits(say, m)}).",
        en="At this election, the effect in municipalities that had used the ballot before "
        f"{'differs' if clear else 'does not demonstrably differ'} from that in municipalities "
        f"that used it for the first time ({with_limits(say, m)}).",
    )


def _fixed_set(say: Language, outcome: Outcome) -> str:
    """Say which municipalities were in at every use, who left, joined, and lacks counts."""
    learning, study = outcome.learning, outcome.study
    assert learning is not None
    exposures = learning.history.learning.exposures
    sets = [set(study.election_by_id(e.election).new_ballot) for e in exposures]
    fixed, members = set(study.fixed_set()), set(learning.history.members)
    gone = set().union(*sets) - sets[-1]
    joined = sets[-1] - set().union(*sets[:-1])
    elections, names = elections_of(say, list(exposures)), _names(say, outcome, fixed)
    parts = [
        say(
            nl=f"Bij {elections} deden telkens mee: {names}.",
            en=f"At {elections}, these took part every time: {names}.",
        )
        if fixed
        else say(
            nl=f"Bij {elections} deed geen enkele gemeente telkens mee.",
            en=f"At {elections}, no municipality took part every time.",
        )
    ]
    if gone:
        deed, names = "deed" if len(gone) == 1 else "deden", _names(say, outcome, gone)
        parts.append(say(nl=f"Niet meer mee {deed} {names}.", en=f"{names} no longer took part."))
    if joined:
        deed, names = "deed" if len(joined) == 1 else "deden", _names(say, outcome, joined)
        parts.append(
            say(
                nl=f"Voor het eerst mee {deed} {names}.",
                en=f"{names} took part for the first time.",
            )
        )
    if lost := fixed - members:
        parts.append(_lost(say, _names(say, outcome, lost), _names(say, outcome, members)))
    return " ".join(parts)


def _lost(say: Language, lost: str, members: str) -> str:
    return say(
        nl=f"Van {lost} ontbreken aantallen bij een van de verkiezingen; de vergelijking in de "
        f"tijd gaat daarom alleen over {members}.",
        en=f"For {lost}, counts are missing at one of the elections; the comparison over time is "
        f"therefore only about {members}.",
    )


def _names(say: Language, outcome: Outcome, codes: set[str]) -> str:
    names = sorted((outcome.study.municipalities[c] for c in codes), key=sort_name)
    return say.listed([display_name(n) for n in names])


def _later_first(say: Language, outcome: Outcome) -> str:
    found = measures_of(outcome, quantity="later_against_first", method="exact_permutation")
    if not found:
        return say(
            nl="Bij deze verkiezing gebruikten alle experimentgemeenten het stembiljet even vaak; "
            "er is geen groep om mee te vergelijken. De figuur en de tabel blijven daarom leeg.",
            en="At this election all experiment municipalities had used the ballot equally often; "
            "there is no group to compare with. The figure and the table therefore remain empty.",
        )
    groups = {g.subset: g for g in measures_of(outcome, quantity="excess_of_group")}
    parts = [_groups_differ(say, found[0], groups["later"], groups["first"])]
    if detectable := measures_of(outcome, quantity="detectable_difference"):
        size = say.points(abs(detectable[0].estimate), sign=False)
        chance = say.percent(0.8, 0)
        parts.append(
            say(
                nl=f"Met zo weinig gemeenten wordt pas een verschil van {size} met een kans van "
                f"{chance} gevonden.",
                en=f"With so few municipalities, a difference has to be as large as {size} to be "
                f"found with a probability of {chance}.",
            )
        )
    parts.append(
        say(
            nl="De vergelijking neemt aan dat de gemeenten die eerder meededen niet al anders "
            "waren; zij zijn niet geloot, en zij deden ervaring op met tellen en voorlichten, niet "
            "alleen hun kiezers.",
            en="The comparison assumes that the municipalities that took part before were not "
            "already different; they were not drawn by lot, and it was not only their voters who "
            "gained experience: they did too, in counting and in informing voters.",
        )
    )
    return " ".join(parts)


def _groups_differ(say: Language, m: Measure, later: Measure, first: Measure) -> str:
    """Return the effect in both groups, their difference and how it was tested."""
    before, now = say.points(later.estimate), say.points(first.estimate)
    difference, limits, p = say.points(m.estimate), ends(say, m), say.p_value(m.p_value)
    return say(
        nl=f"Het effect is {before} in de {say.municipalities(later.n)} die het stembiljet eerder "
        f"gebruikten, en {now} in de {say.municipalities(first.n)} die het voor het eerst "
        f"gebruikten: een verschil van {difference} ({limits}; p-waarde {p}). Elke verdeling van "
        "de experimentgemeenten over de twee groepen is nagegaan.",
        en=f"The effect is {before} in the {say.municipalities(later.n)} that had used the ballot "
        f"before, and {now} in the {say.municipalities(first.n)} that used it for the first time: "
        f"a difference of {difference} ({limits}; p-value {p}). Every division of the experiment "
        "municipalities into the two groups was examined.",
    )


def _within_station(say: Language, outcome: Outcome) -> str:
    found = measures_of(outcome, quantity="within_station_time_ratio", method="cr2_municipality")
    found = found or measures_of(outcome, quantity="within_station_time_ratio")
    if not found:
        return say(
            nl="Van geen stembureau zijn tijden bekend van kiezers die het stembiljet eerder "
            "gebruikten naast die van anderen.",
            en="At no polling station are times known of voters who had used the ballot before "
            "beside those of others.",
        )
    m = found[0]
    clear = not m.ci_lower <= 1 <= m.ci_upper
    ratio, limits = say.number(m.estimate, 2), say.between(m.ci_lower, m.ci_upper)
    p = say.p_value(m.p_value)
    return say(
        nl="Kiezers die het nieuwe stembiljet eerder gebruikten, zijn op hetzelfde stembureau "
        f"{ratio} keer zo lang in het stemhokje als kiezers die dat niet deden ({limits}; p-waarde "
        f"{p}){'' if clear else '; een verschil is niet aangetoond'}. Zij zijn niet geloot: wie "
        "vaker stemt, kan ook om andere redenen sneller zijn.",
        en="At the same polling station, voters who had used the new ballot before are in the "
        f"voting booth {ratio} times as long as voters who had not ({limits}; p-value {p})"
        f"{'' if clear else '; no difference was shown'}. They were not drawn by lot: "
        "those who vote more often may be faster for other reasons too.",
    )


def _decomposition(say: Language, outcome: Outcome) -> str:
    """Say what the latest change between two uses in a row is made of."""
    exposures = outcome.learning.history.learning.exposures if outcome.learning else ()
    names = [f"{b.election}-{a.election}" for a, b in itertools.pairwise(exposures)]
    found = {m.group: m for m in measures_of(outcome, quantity="decomposition_naive")}
    known = [name for name in names if name in found]
    if not known:
        return say.pick(NOT_MEASURED)
    naive = found[known[-1]]
    parts = [
        m
        for m in measures_of(outcome, group=naive.group)
        if m.quantity.startswith("decomposition_") and m != naive and m.estimate != 0
    ]
    texts = [_sum_of_parts(say, naive, parts)]
    if any(m.method in ROUNDED for m in (naive, *parts)):
        texts.append(
            say(
                nl="Waar twee grenzen staan, laat de afronding alles daartussen open.",
                en="Where two limits are given, rounding leaves open everything between them.",
            )
        )
    apart = all(m.quantity != "decomposition_excess_over_control" for m in parts)
    return " ".join([*texts, _about_the_last_part(say, apart=apart)])


def _sum_of_parts(say: Language, naive: Measure, parts: list[Measure]) -> str:
    labels = say.pick(PARTS)
    written = say.listed(
        [f"{labels[m.quantity.removeprefix('decomposition_')]} {_part(say, m)}" for m in parts]
    )
    return say(
        nl="Het aandeel in alle gemeenten met het nieuwe stembiljet samen veranderde "
        f"{period(say, naive)} met {_part(say, naive)} procentpunt. Dat is de som van: {written}. "
        "De delen tellen precies op.",
        en="The share in all municipalities with the new ballot together changed "
        f"{period(say, naive)} by {_part(say, naive)} percentage points. That is the sum of: "
        f"{written}. The parts add up exactly.",
    )


def _part(say: Language, m: Measure) -> str:
    """Return a part in percentage points: a number, or the limits that rounding leaves it."""
    return ends(say, m) if m.method in ROUNDED else say.points(m.estimate, unit=False)


def _about_the_last_part(say: Language, *, apart: bool) -> str:
    """Say what the last part tells of learning; ``apart``, whether it is the effect alone."""
    if not apart:
        return say(
            nl="Zonder aantallen van een eerdere verkiezing van dezelfde soort zijn het eigen "
            "beginpunt en het effect niet uit elkaar te halen, en is over leren niets te zeggen.",
            en="Without counts of an earlier election of the same type, the municipalities’ own "
            "starting point and the effect cannot be told apart, and nothing can be said about "
            "learning.",
        )
    return say(
        nl="Dat het laatste deel leren is, is een aanname: instructies, voorlichting en de soort "
        "verkiezing kunnen ook een rol spelen.",
        en="That the last part is learning is an assumption: instructions, public information and "
        "the type of election may play a part too.",
    )


def _forecast(say: Language, outcome: Outcome) -> str:
    """Say what a national introduction would mean, and what it is not worked out for."""
    learning = outcome.learning
    assert learning is not None
    additive = {f.label: f for f in learning.forecasts if f.scale == "additive"}
    if not additive:
        return say.pick(NOT_MEASURED)
    texts = [_worked_examples(say, additive)]
    if "best_municipality" in additive:
        texts.append(
            say(
                nl="De beste gemeente is de kleinste uitkomst van een aantal en dus deels toeval; "
                "een interval dat daar rekening mee houdt, is er niet.",
                en="The best municipality is the smallest of a number of outcomes and so partly "
                "due to chance; there is no interval that takes this into account.",
            )
        )
    texts.append(_repeated_use(say, known="most_exposures" in additive))
    return " ".join(texts)


def _worked_examples(say: Language, forecasts: Mapping[str, Forecast]) -> str:
    """Return the expected share by scenario and what its interval is about."""
    scenarios = say.pick(SCENARIOS)
    parts: list[str] = []
    for name, f in forecasts.items():
        share, extra = say.percent(f.share), say.number(round(f.extra_votes(f.share), -2))
        parts.append(
            say(
                nl=f"{scenarios[name]} {share} (ongeveer {extra} extra)",
                en=f"{share} {'' if parts else 'if things go '}{scenarios[name]} "
                f"(about {extra} extra)",
            )
        )
    rate = say.percent(next(iter(forecasts.values())).control_rate)
    examples, n = say.listed(parts), say.count(len(parts))
    these = say(
        nl=f"Dat zijn {n} rekenvoorbeelden, geen voorspellingen.",
        en=f"These are {n} worked examples, not predictions.",
    )
    if len(parts) == 1:
        these = say(
            nl="Dat is een rekenvoorbeeld, geen voorspelling.",
            en="This is a worked example, not a prediction.",
        )
    return say(
        nl=f"Met het oude stembiljet was het aandeel {rate}. Met het nieuwe is in heel Nederland "
        f"te verwachten, als het gaat {examples}. {these} De intervallen gaan over het gemiddelde "
        "effect en nemen aan dat de experimentgemeenten op de rest van het land lijken; de "
        "uiterste gemeenten laten zien wat het zou zijn als heel het land was als de gemeente met "
        "het kleinste of het grootste effect.",
        en=f"With the old ballot the share was {rate}. With the new one, the share to be expected "
        f"in the whole of the Netherlands is {examples}. {these} "
        "The intervals are about the mean effect and assume that the experiment municipalities "
        "resemble the rest of the country; the extreme municipalities show what it would be if "
        "the whole country were like the municipality with the smallest or the largest effect.",
    )


def _repeated_use(say: Language, *, known: bool) -> str:
    """Say how the share after more uses was worked out, or why it was not."""
    if not known:
        return say(
            nl="Leren zoals gezien is niet doorgerekend: bij deze verkiezing gebruikten alle "
            "gemeenten het stembiljet even vaak, en van een andere keer is het effect alleen bij "
            "een andere soort verkiezing bekend.",
            en="Learning as observed was not worked out: at this election all municipalities had "
            "used the ballot equally often, and for any other use the effect is known only at "
            "another type of election.",
        )
    return say(
        nl="Eerste gebruik en gebruik na meer keren zijn alleen als verschil in procentpunten "
        "berekend: van zo kleine groepen is geen verhouding geschat.",
        en="‘As at first use’ and ‘as after more uses’ are calculated only as a difference in "
        "percentage points: no ratio was estimated for such small groups.",
    )
