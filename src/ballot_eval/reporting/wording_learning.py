"""The sentences of the report on learning: chosen by rule from the results, never by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.formatting import (
    count_in_words,
    display_name,
    interval,
    number,
    p_value,
    percent,
    points,
    sort_name,
)
from ballot_eval.reporting.tables_learning import PARTS, SCENARIOS
from ballot_eval.reporting.wording_checks import enumerate_words, municipalities
from ballot_eval.results import Measure

if TYPE_CHECKING:
    from ballot_eval.pipeline import Outcome

NOT_ASKED = "Het leereffect is niet gemeten."
NOT_MEASURED = "Dit is met deze gegevens niet te meten."


def learning_sentences(outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    texts = {
        "learning_answer_text": _answer,
        "fixed_set_text": _fixed_set,
        "learning_changes_text": _changes,
        "decay_text": _decay,
        "published_text": _published,
        "later_first_text": _later_first,
        "within_station_text": _within_station,
        "decomposition_text": _decomposition,
        "forecast_text": _forecast,
    }
    if outcome.learning is None:
        return dict.fromkeys(texts, NOT_ASKED)
    return {name: text(outcome) for name, text in texts.items()}


def _found(outcome: Outcome, **wanted: str) -> list[Measure]:
    """Return the measures with these fields that have a number, in order."""
    return [
        m
        for m in outcome.results.learning
        if all(getattr(m, k) == v for k, v in wanted.items()) and math.isfinite(m.estimate)
    ]


def _limits(m: Measure) -> str:
    return interval(m.ci_lower, m.ci_upper, percent_sign=False, sign=True) + " procentpunt"


def _period(m: Measure) -> str:
    later, earlier = m.group.split("-")
    return f"van {earlier} naar {later}"


def _verdict(m: Measure) -> str:
    """Return whether the effect changed, as a clause: ``nam het effect af``."""
    if m.ci_lower > 0:
        return "nam het effect toe"
    return "nam het effect af" if m.ci_upper < 0 else "veranderde het effect niet aantoonbaar"


def _latest_change(outcome: Outcome) -> Measure | None:
    weighting = outcome.study.analysis.weighting
    found = _found(
        outcome,
        quantity="change_in_excess",
        method="randomisation_studentised",
        subset=weighting,
    )
    study = outcome.study
    mine = [m for m in found if m.group.startswith(f"{study.election}-")]
    return mine[0] if mine else None


def _answer(outcome: Outcome) -> str:
    """Answer whether voters learn, for the summary: over time, and at one election."""
    parts = []
    if (change := _latest_change(outcome)) is not None:
        parts.append(
            f"In de gemeenten die telkens meededen {_verdict(change)} {_period(change)} "
            f"({points(change.estimate)}; {_limits(change)})."
        )
    elif rounded := _found(outcome, quantity="decomposition_learning", method="identity_rounded"):
        m = rounded[-1]
        parts.append(
            f"Het effect ging {_period(m)} met {points(m.estimate)} {_direction(m.estimate)}; van "
            "de eerste verkiezing zijn alleen afgeronde aandelen bekend, zodat niet is te toetsen "
            "of dat toeval is."
        )
    if later := _found(outcome, quantity="later_against_first", method="exact_permutation"):
        parts.append(
            "Gemeenten die het stembiljet eerder gebruikten, verschillen bij deze verkiezing "
            f"{'' if _clear(later[0]) else 'niet aantoonbaar '}van gemeenten die het voor het "
            f"eerst gebruikten ({points(later[0].estimate)}; {_limits(later[0])})."
        )
    return " ".join(parts) or NOT_MEASURED


def _direction(change: float) -> str:
    return "omlaag" if change < 0 else "omhoog"


def _clear(m: Measure) -> bool:
    return not m.ci_lower <= 0 <= m.ci_upper


def _fixed_set(outcome: Outcome) -> str:
    """Say which municipalities were in at every use, who left and who joined."""
    study = outcome.study
    assert study.learning is not None
    sets = [set(study.election_by_id(e.election).new_ballot) for e in study.learning.exposures]
    fixed = set.intersection(*sets)
    gone = set().union(*sets) - sets[-1]
    joined = sets[-1] - set().union(*sets[:-1])
    elections = enumerate_words([e.election for e in study.learning.exposures])
    text = f"Bij {elections} deden telkens mee: {_names(outcome, fixed)}."
    if gone:
        text += f" Niet meer mee deed {_names(outcome, gone)}."
    if joined:
        text += f" Voor het eerst mee deden {_names(outcome, joined)}."
    return text


def _names(outcome: Outcome, codes: set[str]) -> str:
    names = sorted((outcome.study.municipalities[c] for c in codes), key=sort_name)
    return enumerate_words([display_name(n) for n in names])


def _changes(outcome: Outcome) -> str:
    weighting = outcome.study.analysis.weighting
    wanted = {"quantity": "change_in_excess", "method": "randomisation_studentised"}
    found = _found(outcome, subset=weighting, **wanted)
    if not found:
        return (
            "Er zijn geen twee keren waarvan de aantallen per gemeente bekend zijn, met een "
            "eerdere verkiezing van dezelfde soort; een toets is daarom niet mogelijk."
        )
    parts = [
        f"{_period(m)} {_verdict(m)} ({points(m.estimate)}; {_limits(m)}; p-waarde "
        f"{p_value(m.p_value)})"
        for m in found
    ]
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _decay(outcome: Outcome) -> str:
    learning = outcome.learning
    assert learning is not None
    if learning.decay is None:
        return (
            "Hoe snel een effect slijt, is alleen te schatten als de aantallen van drie keren "
            "bekend zijn; dat is hier niet zo."
        )
    curve = learning.decay
    missing = percent(curve.share_without, 0)
    if math.isnan(curve.half_life):
        return (
            "Door de drie keren gaat geen kromme van een effect dat slijt; een halveringstijd is "
            f"er dus niet. Gezien de onzekerheid ontbreekt zo'n kromme in {missing} van de "
            "gevallen."
        )
    return (
        "Als het effect elke keer met dezelfde factor kleiner wordt, halveert het in "
        f"{number(curve.half_life, 1)} keer en blijft er uiteindelijk "
        f"{points(curve.asymptote, sign=False)} over. Dat is erg onzeker: in {missing} van de "
        "gevallen die bij de onzekerheid passen, is er zo'n kromme niet."
    )


def _published(outcome: Outcome) -> str:
    learning = outcome.learning
    assert learning is not None
    known = learning.history.counts
    missing = [e for e in learning.history.learning.exposures if e.election not in known]
    if not missing:
        return "Van elke keer zijn de aantallen per gemeente bekend."
    return (
        f"Van {enumerate_words([e.election for e in missing])} zijn alleen gepubliceerde, "
        "afgeronde aandelen bekend. Zij tellen mee als het interval waaruit zij zijn afgerond, "
        "nooit als aantallen; het interval in de tabel is dan alleen dat van de afronding. Het "
        "aandeel elders is daar dat van de rest van het land, met gemeenten die pas later "
        "meededen."
    )


def _later_first(outcome: Outcome) -> str:
    found = _found(outcome, quantity="later_against_first", method="exact_permutation")
    if not found:
        return (
            "Bij deze verkiezing gebruikten alle experimentgemeenten het stembiljet even vaak; er "
            "is geen groep om mee te vergelijken."
        )
    m = found[0]
    groups = {g.subset: g for g in _found(outcome, quantity="excess_of_group")}
    later, first = groups["later"], groups["first"]
    text = (
        f"Het effect is {points(later.estimate)} in de {municipalities(later.n)} die het "
        f"stembiljet eerder gebruikten, en {points(first.estimate)} in de "
        f"{municipalities(first.n)} die het voor het eerst gebruikten: een verschil van "
        f"{points(m.estimate)} ({_limits(m)}; p-waarde {p_value(m.p_value)})."
    )
    if detectable := _found(outcome, quantity="detectable_difference"):
        size = detectable[0].estimate
        text += (
            f" Met zo weinig gemeenten wordt pas een verschil van {points(abs(size), sign=False)} "
            f"met een kans van {percent(0.8, 0)} gevonden."
        )
    return text


def _within_station(outcome: Outcome) -> str:
    found = _found(outcome, quantity="within_station_time_ratio", method="cr2_municipality")
    found = found or _found(outcome, quantity="within_station_time_ratio")
    if not found:
        return (
            "Van geen stembureau zijn tijden bekend van kiezers die het stembiljet eerder "
            "gebruikten naast die van anderen."
        )
    m = found[0]
    clear = not m.ci_lower <= 1 <= m.ci_upper
    return (
        "Kiezers die het nieuwe stembiljet eerder gebruikten, zijn op hetzelfde stembureau "
        f"{number(m.estimate, 2)} keer zo lang in het stemhokje als kiezers die dat niet deden "
        f"({number(m.ci_lower, 2)} tot {number(m.ci_upper, 2)}; p-waarde {p_value(m.p_value)})"
        f"{'' if clear else '; een verschil is niet aangetoond'}. Zij zijn niet geloot: wie vaker "
        "stemt, kan ook om andere redenen sneller zijn."
    )


def _decomposition(outcome: Outcome) -> str:
    found = _found(outcome, quantity="decomposition_naive")
    if not found:
        return NOT_MEASURED
    naive = found[-1] if len(found) < 3 else found[-2]
    parts = [
        m
        for m in _found(outcome, group=naive.group)
        if m.quantity.startswith("decomposition_") and m != naive and m.estimate != 0
    ]
    written = [
        f"{PARTS[m.quantity.removeprefix('decomposition_')]} {points(m.estimate, unit=False)}"
        for m in parts
    ]
    return (
        "Het aandeel in alle gemeenten met het nieuwe stembiljet samen veranderde "
        f"{_period(naive)} met {points(naive.estimate)}. Dat is de som van: "
        f"{enumerate_words(written)}."
    )


def _forecast(outcome: Outcome) -> str:
    learning = outcome.learning
    assert learning is not None
    additive = {f.label: f for f in learning.forecasts if f.scale == "additive"}
    if not additive:
        return NOT_MEASURED
    parts = [
        f"{SCENARIOS[name]} {percent(f.share)}"
        f" (ongeveer {number(round(f.extra_votes(f.share), -2))} extra)"
        for name, f in additive.items()
    ]
    rate = percent(next(iter(additive.values())).control_rate)
    return (
        f"Met het oude stembiljet was het {rate}. Met het nieuwe is in heel Nederland te "
        f"verwachten, als het gaat {enumerate_words(parts)}. "
        f"Dat zijn {count_in_words(len(parts))} rekenvoorbeelden, geen voorspellingen."
    )
