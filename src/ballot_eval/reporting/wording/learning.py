"""The sentences of the report on learning: chosen by rule from the results, never by hand."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from ballot_eval.formatting import (
    display_name,
    sort_name,
)
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

NOT_ASKED = "Het leereffect is niet gemeten."
NOT_MEASURED = "Dit is met deze gegevens niet te meten."


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
        return dict.fromkeys(texts, NOT_ASKED)
    return {name: text(say, outcome) for name, text in texts.items()}


def _answer(say: Language, outcome: Outcome) -> str:
    """Answer whether voters learn, for the summary: over time, and at one election."""
    parts = []
    if (change := latest_of(outcome, counted_changes(outcome))) is not None:
        parts.append(
            f"In de gemeenten die telkens meededen {verdict(say, change)} {period(say, change)} "
            f"({with_limits(say, change)})."
        )
    elif (change := latest_of(outcome, rounded_changes(outcome))) is not None:
        parts.append(
            f"{capital(rounded_change(say, change))}. Van {elections_of(say, uses_of(outcome)['rounded'])} "
            "zijn alleen afgeronde aandelen bekend, zodat niet is te toetsen of dat toeval is."
        )
    if later := measures_of(outcome, quantity="later_against_first", method="exact_permutation"):
        m = later[0]
        clear = not m.ci_lower <= 0 <= m.ci_upper
        parts.append(
            "Gemeenten die het stembiljet eerder gebruikten, verschillen bij deze verkiezing "
            f"{'' if clear else 'niet aantoonbaar '}van gemeenten die het voor het "
            f"eerst gebruikten ({with_limits(say, m)})."
        )
    return " ".join(parts) or NOT_MEASURED


def _fixed_set(say: Language, outcome: Outcome) -> str:
    """Say which municipalities were in at every use, who left, joined, and lacks counts."""
    learning, study = outcome.learning, outcome.study
    assert learning is not None
    exposures = learning.history.learning.exposures
    sets = [set(study.election_by_id(e.election).new_ballot) for e in exposures]
    fixed, members = set(study.fixed_set()), set(learning.history.members)
    gone = set().union(*sets) - sets[-1]
    joined = sets[-1] - set().union(*sets[:-1])
    elections = elections_of(say, list(exposures))
    text = f"Bij {elections} deed geen enkele gemeente telkens mee."
    if fixed:
        text = f"Bij {elections} deden telkens mee: {_names(say, outcome, fixed)}."
    if gone:
        text += f" Niet meer mee deed {_names(say, outcome, gone)}."
    if joined:
        text += f" Voor het eerst mee deden {_names(say, outcome, joined)}."
    if lost := fixed - members:
        text += (
            f" Van {_names(say, outcome, lost)} ontbreken aantallen bij een van de verkiezingen; de "
            f"vergelijking in de tijd gaat daarom alleen over {_names(say, outcome, members)}."
        )
    return text


def _names(say: Language, outcome: Outcome, codes: set[str]) -> str:
    names = sorted((outcome.study.municipalities[c] for c in codes), key=sort_name)
    return say.listed([display_name(n) for n in names])


def _later_first(say: Language, outcome: Outcome) -> str:
    found = measures_of(outcome, quantity="later_against_first", method="exact_permutation")
    if not found:
        return (
            "Bij deze verkiezing gebruikten alle experimentgemeenten het stembiljet even vaak; er "
            "is geen groep om mee te vergelijken. De figuur en de tabel blijven daarom leeg."
        )
    m = found[0]
    groups = {g.subset: g for g in measures_of(outcome, quantity="excess_of_group")}
    later, first = groups["later"], groups["first"]
    text = (
        f"Het effect is {say.points(later.estimate)} in de {say.municipalities(later.n)} die het "
        f"stembiljet eerder gebruikten, en {say.points(first.estimate)} in de "
        f"{say.municipalities(first.n)} die het voor het eerst gebruikten: een verschil van "
        f"{say.points(m.estimate)} ({ends(say, m)}; p-waarde {say.p_value(m.p_value)}). Elke verdeling van "
        "de experimentgemeenten over de twee groepen is nagegaan."
    )
    if detectable := measures_of(outcome, quantity="detectable_difference"):
        size = detectable[0].estimate
        text += (
            f" Met zo weinig gemeenten wordt pas een verschil van {say.points(abs(size), sign=False)} "
            f"met een kans van {say.percent(0.8, 0)} gevonden."
        )
    return (
        f"{text} De vergelijking neemt aan dat de gemeenten die eerder meededen niet al anders "
        "waren; zij zijn niet geloot, en zij deden ervaring op met tellen en voorlichten, niet "
        "alleen hun kiezers."
    )


def _within_station(say: Language, outcome: Outcome) -> str:
    found = measures_of(outcome, quantity="within_station_time_ratio", method="cr2_municipality")
    found = found or measures_of(outcome, quantity="within_station_time_ratio")
    if not found:
        return (
            "Van geen stembureau zijn tijden bekend van kiezers die het stembiljet eerder "
            "gebruikten naast die van anderen."
        )
    m = found[0]
    clear = not m.ci_lower <= 1 <= m.ci_upper
    return (
        "Kiezers die het nieuwe stembiljet eerder gebruikten, zijn op hetzelfde stembureau "
        f"{say.number(m.estimate, 2)} keer zo lang in het stemhokje als kiezers die dat niet deden "
        f"({say.number(m.ci_lower, 2)} tot {say.number(m.ci_upper, 2)}; p-waarde {say.p_value(m.p_value)})"
        f"{'' if clear else '; een verschil is niet aangetoond'}. Zij zijn niet geloot: wie vaker "
        "stemt, kan ook om andere redenen sneller zijn."
    )


def _decomposition(say: Language, outcome: Outcome) -> str:
    """Say what the latest change between two uses in a row is made of."""
    exposures = outcome.learning.history.learning.exposures if outcome.learning else ()
    names = [f"{b.election}-{a.election}" for a, b in itertools.pairwise(exposures)]
    found = {m.group: m for m in measures_of(outcome, quantity="decomposition_naive")}
    known = [name for name in names if name in found]
    if not known:
        return NOT_MEASURED
    naive = found[known[-1]]
    parts = [
        m
        for m in measures_of(outcome, group=naive.group)
        if m.quantity.startswith("decomposition_") and m != naive and m.estimate != 0
    ]
    written = [f"{PARTS[m.quantity.removeprefix('decomposition_')]} {_part(say, m)}" for m in parts]
    text = (
        "Het aandeel in alle gemeenten met het nieuwe stembiljet samen veranderde "
        f"{period(say, naive)} met {_part(say, naive)} procentpunt. Dat is de som van: "
        f"{say.listed(written)}. De delen tellen precies op."
    )
    if any(m.method in ROUNDED for m in (naive, *parts)):
        text += " Waar twee grenzen staan, laat de afronding alles daartussen open."
    if any(m.quantity == "decomposition_excess_over_control" for m in parts):
        return (
            f"{text} Zonder aantallen van een eerdere verkiezing van dezelfde soort zijn het eigen "
            "beginpunt en het effect niet uit elkaar te halen, en is over leren niets te zeggen."
        )
    return (
        f"{text} Dat het laatste deel leren is, is een aanname: instructies, voorlichting en de "
        "soort verkiezing kunnen ook een rol spelen."
    )


def _part(say: Language, m: Measure) -> str:
    """Return a part in percentage points: a number, or the limits that rounding leaves it."""
    return ends(say, m) if m.method in ROUNDED else say.points(m.estimate, unit=False)


def _forecast(say: Language, outcome: Outcome) -> str:
    learning = outcome.learning
    assert learning is not None
    additive = {f.label: f for f in learning.forecasts if f.scale == "additive"}
    if not additive:
        return NOT_MEASURED
    parts = [
        f"{SCENARIOS[name]} {say.percent(f.share)}"
        f" (ongeveer {say.number(round(f.extra_votes(f.share), -2))} extra)"
        for name, f in additive.items()
    ]
    rate = say.percent(next(iter(additive.values())).control_rate)
    text = (
        f"Met het oude stembiljet was het {rate}. Met het nieuwe is in heel Nederland te "
        f"verwachten, als het gaat {say.listed(parts)}. "
        f"Dat zijn {say.count(len(parts))} rekenvoorbeelden, geen voorspellingen. De "
        "intervallen gaan over het gemiddelde effect en nemen aan dat de experimentgemeenten op de "
        "rest van het land lijken; de uiterste gemeenten laten zien wat het zou zijn als heel het "
        "land was als de gemeente met het kleinste of het grootste effect."
    )
    if "best_municipality" in additive:
        text += (
            " De beste gemeente is de kleinste uitkomst van een aantal en dus deels toeval; een "
            "interval dat daar rekening mee houdt, is er niet."
        )
    if "most_exposures" not in additive:
        return (
            f"{text} Leren zoals gezien is niet doorgerekend: bij deze verkiezing gebruikten alle "
            "gemeenten het stembiljet even vaak, en van een andere keer is het effect alleen bij "
            "een andere soort verkiezing bekend."
        )
    return (
        f"{text} Eerste gebruik en gebruik na meer keren zijn alleen als verschil in procentpunten "
        "berekend: van zo kleine groepen is geen verhouding geschat."
    )
