"""The sentences of the report on one effect at several uses, by rule from the results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.plan_topics import Exposure
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.selection import with_fields
from ballot_eval.results import Measure
from ballot_eval.topics.naive_change import ROUNDED

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def measures_of(outcome: Outcome, **wanted: str) -> list[Measure]:
    """Return the measures with these fields that have a number, in order."""
    found = with_fields(outcome.results.learning, **wanted)
    return [m for m in found if math.isfinite(m.estimate)]


def ends(say: Language, m: Measure) -> str:
    """Return the limits of a measure in percentage points, without the unit."""
    return say.interval(m.ci_lower, m.ci_upper, percent_sign=False, sign=True)


def with_limits(say: Language, m: Measure) -> str:
    """Return estimate and limits in percentage points."""
    return f"{say.points(m.estimate)}; {ends(say, m)}"


def period(say: Language, m: Measure) -> str:
    """Return between which elections a change is."""
    later, earlier = m.group.split("-")
    return say(nl=f"van {earlier} naar {later}", en=f"from {earlier} to {later}")


def capital(text: str) -> str:
    """Return a sentence with its first letter as a capital."""
    return text[0].upper() + text[1:]


def verdict(say: Language, m: Measure) -> str:
    """Return whether the effect changed, as a clause: ``the effect decreased``."""
    if m.ci_lower > 0:
        return say(nl="nam het effect toe", en="the effect increased")
    if m.ci_upper < 0:
        return say(nl="nam het effect af", en="the effect decreased")
    return say(
        nl="veranderde het effect niet aantoonbaar", en="the effect did not demonstrably change"
    )


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


def longest_of(outcome: Outcome, changes: list[Measure]) -> Measure | None:
    """Return the change from the first use, as in the summary; the latest where it is not known."""
    learning = outcome.learning
    assert learning is not None
    exposures = learning.history.learning.exposures
    whole = f"{exposures[-1].election}-{exposures[0].election}"
    return next((m for m in changes if m.group == whole), None) or latest_of(outcome, changes)


def rounded_change(say: Language, m: Measure) -> str:
    """Say what rounding leaves open of a change; its direction only when it leaves that."""
    if m.ci_lower <= 0 <= m.ci_upper:
        low, high = (say.points(v, unit=False) for v in (m.ci_lower, m.ci_upper))
        return say(
            nl=f"{period(say, m)} ligt de verandering van het effect tussen {low} en {high} "
            "procentpunt: de afronding laat open of het omhoog of omlaag ging",
            en=f"{period(say, m)} the change in the effect lies between {low} and {high} "
            "percentage points: rounding leaves open whether it went up or down",
        )
    least, most = sorted((abs(m.ci_lower), abs(m.ci_upper)))
    size = say.interval(least, most, percent_sign=False)
    way = say(nl="omlaag", en="down") if m.ci_upper < 0 else say(nl="omhoog", en="up")
    return say(
        nl=f"{period(say, m)} ging het effect {size} procentpunt {way} (grenzen door afronding)",
        en=f"{period(say, m)} the effect went {way} by {size} percentage points "
        "(limits due to rounding)",
    )


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
        return say(
            nl="Van elke keer zijn aantallen per gemeente bekend.",
            en="Counts by municipality are known for every use.",
        )
    parts = []
    if uses["rounded"]:
        elections = elections_of(say, uses["rounded"])
        parts.append(
            say(
                nl=f"Van {elections} zijn niet alle aantallen bekend, wel gepubliceerde, "
                "afgeronde aandelen. Zij tellen mee als het interval waaruit zij zijn afgerond, "
                "nooit als aantallen; wat de afronding openlaat, staat apart van de onzekerheid "
                "door toeval. Waar de aantallen elders ontbreken, is het aandeel elders dat van "
                "de rest van het land, met gemeenten die pas later meededen.",
                en=f"For {elections} not all counts are known, but published, rounded shares are. "
                "They enter as the interval from which they were rounded, never as counts; what "
                "rounding leaves open is kept apart from the uncertainty due to chance. Where the "
                "counts elsewhere are missing, the share elsewhere is that of the rest of the "
                "country, including municipalities that took part only later.",
            )
        )
    parts.extend(_left_out(say, exposure) for exposure in uses["left_out"])
    return " ".join(parts)


def _left_out(say: Language, exposure: Exposure) -> str:
    election, baseline = exposure.election, exposure.baseline
    return say(
        nl=f"{election} blijft buiten de vergelijking: van die verkiezing, of van {baseline} "
        "ervoor, is te weinig bekend.",
        en=f"{election} is left out of the comparison: too little is known of that election, or "
        f"of {baseline} before it.",
    )


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
            name = say(nl=share.source, en=share.source_en or share.source)
            sources.setdefault(share.election, set()).add(name)
    if not sources:
        return ""
    text = "; ".join(f"{e}: {say.listed(sorted(found))}" for e, found in sources.items())
    return say(
        nl=f"Bron van de afgeronde aandelen van {text}.",
        en=f"Source of the rounded shares for {text}.",
    )


#: What a constant effect is, and on which scale.
SCALE = {
    "nl": (
        "Een effect dat in procentpunten elke keer even groot is, ook als het per gemeente "
        "verschilt, is hier geen leren. Is het effect juist een vaste verhouding, dan is de "
        "verhouding de goede maat: verandert bij een andere soort verkiezing het gewone aandeel, "
        "dan verandert een van de twee maten ook zonder dat iemand leert."
    ),
    "en": (
        "An effect that is equally large every time in percentage points, even if it differs "
        "between municipalities, does not count as learning here. If instead the effect is a "
        "fixed ratio, the ratio is the right measure: if the usual share is different at another "
        "type of election, one of the two measures changes even though nobody learns."
    ),
}


def changes_sentence(say: Language, outcome: Outcome) -> str:
    """Say how the effect changed between uses: tested, and as far as rounding leaves it."""
    found, rounded = counted_changes(outcome), rounded_changes(outcome)
    parts = _tested(say, outcome, found) if found else [_no_test(say)]
    parts += [f"{capital(rounded_change(say, m))}." for m in rounded]
    if rounded:
        parts.append(
            say(
                nl="Of een verandering toeval is, is met afgeronde aandelen niet te toetsen.",
                en="Whether a change is due to chance cannot be tested with rounded shares.",
            )
        )
    parts += [_ratio_change(say, m) for m in rounded_changes(outcome, "change_in_ratio")]
    if found or rounded:
        parts.append(say.pick(SCALE))
    return " ".join(p for p in parts if p)


def _no_test(say: Language) -> str:
    return say(
        nl="Er zijn geen twee keren waarvan de aantallen per gemeente bekend zijn, met een "
        "eerdere verkiezing van dezelfde soort; een toets is daarom niet mogelijk.",
        en="There are no two uses for which the counts by municipality are known, with an earlier "
        "election of the same type; a test is therefore not possible.",
    )


def _tested(say: Language, outcome: Outcome, changes: list[Measure]) -> list[str]:
    """Say what the test gives for each change, for all together, and how it is done."""
    written = []
    for m in changes:
        p = say(nl=f"p-waarde {say.p_value(m.p_value)}", en=f"p-value {say.p_value(m.p_value)}")
        written.append(f"{period(say, m)} {verdict(say, m)} ({with_limits(say, m)}; {p})")
    parts = [
        f"{capital('; '.join(written))}.",
        _joint(say, outcome),
        say(
            nl="De toets wijst de hele geschiedenis van gemeenten anders toe.",
            en="The test reassigns municipalities with their whole history.",
        ),
    ]
    if strata := outcome.study.analysis.strata:
        groups = say.count(strata.size_groups)
        parts.append(
            say(
                nl=f"Dat gebeurt alleen binnen {groups} groepen naar grootte, en ook het verschil "
                "is dat binnen die groepen.",
                en=f"That is done only within {groups} groups by size, and the difference, too, is "
                "that within those groups.",
            )
        )
    return parts


def _ratio_change(say: Language, m: Measure) -> str:
    limits = say.between(m.ci_lower, m.ci_upper)
    return say(
        nl=f"Als verhouding is het effect {period(say, m)} {limits} keer zo groot geworden.",
        en=f"As a ratio, the effect became {limits} times as large {period(say, m)}.",
    )


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
    return say(
        nl="Wie naar meer veranderingen kijkt, vindt eerder iets. Samen getoetst zijn de "
        f"p-waarden, in dezelfde volgorde: {values}.",
        en="The more changes one looks at, the sooner something is found. Tested jointly, the "
        f"p-values are, in the same order: {values}.",
    )
