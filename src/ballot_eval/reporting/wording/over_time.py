"""The sentences of the report on one effect at several uses, by rule from the results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.plan_topics import Exposure
from ballot_eval.reporting.language import Language
from ballot_eval.results import Measure
from ballot_eval.topics.naive_change import ROUNDED

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def measures_of(outcome: Outcome, **wanted: str) -> list[Measure]:
    """Return the measures with these fields that have a number, in order."""
    return [
        m
        for m in outcome.results.learning
        if all(getattr(m, k) == v for k, v in wanted.items()) and math.isfinite(m.estimate)
    ]


def ends(say: Language, m: Measure) -> str:
    """Return the limits of a measure in percentage points, without the unit."""
    return say.interval(m.ci_lower, m.ci_upper, percent_sign=False, sign=True)


def with_limits(say: Language, m: Measure) -> str:
    """Return estimate and limits in percentage points."""
    return f"{say.points(m.estimate)}; {ends(say, m)}"


def period(say: Language, m: Measure) -> str:
    """Return between which elections a change is."""
    later, earlier = m.group.split("-")
    return f"van {earlier} naar {later}"


def capital(text: str) -> str:
    """Return a sentence with its first letter as a capital."""
    return text[0].upper() + text[1:]


def verdict(say: Language, m: Measure) -> str:
    """Return whether the effect changed, as a clause: ``nam het effect af``."""
    if m.ci_lower > 0:
        return "nam het effect toe"
    return "nam het effect af" if m.ci_upper < 0 else "veranderde het effect niet aantoonbaar"


def counted_changes(outcome: Outcome) -> list[Measure]:
    """Return the tested changes: studentised, or plain within the strata of the plan."""
    wanted = {"quantity": "change_in_excess", "subset": outcome.study.analysis.weighting}
    return measures_of(outcome, method="randomisation_studentised", **wanted) or measures_of(
        outcome, method="randomisation", **wanted
    )


def rounded_changes(outcome: Outcome, quantity: str = "change_in_excess") -> list[Measure]:
    """Return the changes of which no more is known than what rounding leaves open."""
    return measures_of(outcome, quantity=quantity, subset="ballot", method="identity_rounded")


def latest_of(outcome: Outcome, changes: list[Measure]) -> Measure | None:
    """Return the change to the study's election from the use before it, if it is there."""
    last = f"{outcome.study.election}-"
    return next((m for m in changes if m.group.startswith(last)), None)


def rounded_change(say: Language, m: Measure) -> str:
    """Say what rounding leaves open of a change; its direction only when it leaves that."""
    if m.ci_lower <= 0 <= m.ci_upper:
        low, high = (say.points(v, unit=False) for v in (m.ci_lower, m.ci_upper))
        return (
            f"{period(say, m)} ligt de verandering van het effect tussen {low} en {high} procentpunt: "
            "de afronding laat open of het omhoog of omlaag ging"
        )
    least, most = sorted((abs(m.ci_lower), abs(m.ci_upper)))
    way = "omlaag" if m.ci_upper < 0 else "omhoog"
    size = say.interval(least, most, percent_sign=False)
    return f"{period(say, m)} ging het effect {size} procentpunt {way} (grenzen door afronding)"


def uses_of(outcome: Outcome) -> dict[str, list[Exposure]]:
    """Return the uses by what is known: ``counted``, ``rounded`` or ``left_out``."""
    learning = outcome.learning
    assert learning is not None
    made: dict[str, list[Exposure]] = {"counted": [], "rounded": [], "left_out": []}
    for exposure in learning.history.learning.exposures:
        found = measures_of(outcome, quantity="excess", group=exposure.election, subset="ballot")
        if not found:
            made["left_out"].append(exposure)
        else:
            made["rounded" if found[0].method in ROUNDED else "counted"].append(exposure)
    return made


def elections_of(say: Language, uses: list[Exposure]) -> str:
    """Return the elections of some uses as words in a sentence."""
    return say.listed([e.election for e in uses])


def published_sentence(say: Language, outcome: Outcome) -> str:
    """Say of which uses counts are known, of which rounded shares, and which are left out."""
    uses = uses_of(outcome)
    if not uses["rounded"] and not uses["left_out"]:
        return "Van elke keer zijn aantallen per gemeente bekend."
    parts = []
    if uses["rounded"]:
        parts.append(
            f"Van {elections_of(say, uses['rounded'])} zijn niet alle aantallen bekend, wel "
            "gepubliceerde, afgeronde aandelen. Zij tellen mee als het interval waaruit zij zijn "
            "afgerond, nooit als aantallen; wat de afronding openlaat, staat apart van de "
            "onzekerheid door toeval. Waar de aantallen elders ontbreken, is het aandeel elders "
            "dat van de rest van het land, met gemeenten die pas later meededen."
        )
    parts.extend(
        f"{exposure.election} blijft buiten de vergelijking: van die verkiezing, of van "
        f"{exposure.baseline} ervoor, is te weinig bekend."
        for exposure in uses["left_out"]
    )
    return " ".join(parts)


def source_sentence(say: Language, outcome: Outcome) -> str:
    """Name the source of the published shares that were used."""
    learning = outcome.learning
    assert learning is not None
    if not any(m.method in ROUNDED for m in outcome.results.learning):
        return ""
    rounded = {e.election for e in uses_of(outcome)["rounded"]}
    sources: dict[str, set[str]] = {}
    for share in learning.history.learning.published:
        if share.election in rounded:
            sources.setdefault(share.election, set()).add(share.source)
    parts = [f"{e}: {say.listed(sorted(found))}" for e, found in sources.items()]
    return f"Bron van de afgeronde aandelen van {'; '.join(parts)}." if parts else ""


SCALE = (
    "Een effect dat in procentpunten elke keer even groot is, ook als het per gemeente verschilt, "
    "is hier geen leren. Is het effect juist een vaste verhouding, dan is de verhouding de goede "
    "maat: verandert bij een andere soort verkiezing het gewone aandeel, dan verandert een van de "
    "twee maten ook zonder dat iemand leert."
)


def changes_sentence(say: Language, outcome: Outcome) -> str:
    """Say how the effect changed between uses: tested, and as far as rounding leaves it."""
    found, rounded = counted_changes(outcome), rounded_changes(outcome)
    parts = []
    if found:
        written = [
            f"{period(say, m)} {verdict(say, m)} ({with_limits(say, m)}; p-waarde {say.p_value(m.p_value)})"
            for m in found
        ]
        parts.append(f"{capital('; '.join(written))}.")
        parts.append(_joint(say, outcome))
        parts.append("De toets wijst de hele geschiedenis van gemeenten anders toe.")
        if strata := outcome.study.analysis.strata:
            parts.append(
                f"Dat gebeurt alleen binnen {say.count(strata.size_groups)} groepen naar "
                "grootte, en ook het verschil is dat binnen die groepen."
            )
    else:
        parts.append(
            "Er zijn geen twee keren waarvan de aantallen per gemeente bekend zijn, met een "
            "eerdere verkiezing van dezelfde soort; een toets is daarom niet mogelijk."
        )
    parts += [f"{capital(rounded_change(say, m))}." for m in rounded]
    if rounded:
        parts.append("Of een verandering toeval is, is met afgeronde aandelen niet te toetsen.")
    for m in rounded_changes(outcome, "change_in_ratio"):
        ends = f"{say.number(m.ci_lower, 2)} tot {say.number(m.ci_upper, 2)}"
        parts.append(
            f"Als verhouding is het effect {period(say, m)} {ends} keer zo groot geworden."
        )
    if found or rounded:
        parts.append(SCALE)
    return " ".join(p for p in parts if p)


def _joint(say: Language, outcome: Outcome) -> str:
    weighting = outcome.study.analysis.weighting
    found = [
        m
        for m in outcome.results.learning
        if (m.quantity, m.subset) == ("change_in_excess_joint", weighting)
        and math.isfinite(m.p_value)
    ]
    if not found:
        return ""
    values = say.listed([say.p_value(m.p_value) for m in found])
    return (
        "Wie naar meer veranderingen kijkt, vindt eerder iets. Samen getoetst zijn de p-waarden, "
        f"in dezelfde volgorde: {values}."
    )
