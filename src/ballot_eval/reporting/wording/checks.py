"""The sentences of the report on checks: chosen by rule from the results, never by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.figures.base import KINDS
from ballot_eval.formatting import (
    sort_name,
)
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import municipality_names
from ballot_eval.reporting.selection import estimated, one_outcome
from ballot_eval.reporting.tables.terms import METHODS, POOLS
from ballot_eval.reporting.wording.notes import why
from ballot_eval.results import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ballot_eval.evaluation import Outcome


def check_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    return {
        "placebo_text": _placebo_text(say, outcome),
        "jumps_text": _jumps_text(say, outcome),
        "methods_text": _methods_text(say, outcome),
        "pools_text": _pools_text(say, outcome),
        "trends_text": _trends_text(say, outcome),
        "specifications_text": _specifications_text(say, outcome),
        "synthetic_text": _synthetic_text(say, outcome),
        "power_text": _power_text(say, outcome),
        "family_text": _family_text(say, outcome),
        "turnout_text": _turnout_text(say, outcome),
        "fit_text": _fit_text(say, outcome),
        "balance_text": _balance_text(say, outcome),
        "controls_text": _controls_text(say, outcome),
    }


NOTHING = "Dit is niet gemeten."
NO_STRATA = "Dit is niet gemaakt, omdat het analyseplan binnen groepen naar grootte vergelijkt."


def _checks(outcome: Outcome, check: str) -> list[Check]:
    return [c for c in estimated(outcome.results.checks) if c.check == check]


def _without(say: Language, outcome: Outcome, check: str) -> str:
    """Return why a check has no number: the reason of its row, or that it was not measured."""
    notes = [c.note for c in outcome.results.checks if c.check == check and c.note]
    return f"Dit is niet te schatten: {why(say, notes[0], outcome)}." if notes else NOTHING


def _range(say: Language, values: Sequence[float]) -> str:
    return f"{say.interval(min(values), max(values), percent_sign=False, sign=True)} procentpunt"


def _methods_text(say: Language, outcome: Outcome) -> str:
    primary = outcome.primary.effect
    found = [
        e
        for e in one_outcome(outcome.results.effects, primary.outcome, primary.baseline)
        if e.estimand == "att" and math.isfinite(e.estimate)
    ]
    if not found:
        return "Geen van de methoden heeft met deze gegevens een getal."
    holding = sum(e.ci_lower <= 0 <= e.ci_upper for e in found)
    return (
        f"De {say.number(len(found))} schattingen in procentpunten lopen van "
        f"{_range(say, [e.estimate for e in found])}; {say.number(holding) if holding else 'geen'} van hun "
        f"intervallen {'bevatten' if holding > 1 else 'bevat'} nul."
    )


def _pools_text(say: Language, outcome: Outcome) -> str:
    found = _checks(outcome, "control_pool")
    if not found:
        return _without(say, outcome, "control_pool")
    return f"Naargelang de groep loopt het effect van {_range(say, [c.estimate for c in found])}."


def _trends_text(say: Language, outcome: Outcome) -> str:
    found = {c.variant: c for c in _checks(outcome, "relative_magnitudes")}
    if not found:
        return _without(say, outcome, "relative_magnitudes")
    one, limit = found["1"], found["breakdown"].estimate
    if math.isnan(limit):
        return (
            "Ook als de gemeenten zonder het experiment gelijk op gingen, bevat dit interval nul."
        )
    text = (
        "Zouden de gemeenten na de invoering evenveel uiteen zijn gelopen als het meest dat zij "
        "daarvoor van verkiezing tot verkiezing deden, dan ligt het effect op "
        f"{say.limits(one)}. "
    )
    if math.isinf(limit):
        return text + "Bij geen enkele omvang van zulke verschillen bevat het interval nul."
    return (
        f"{text}Het interval bevat nul vanaf {say.number(limit, 1)} keer die omvang. Omdat de "
        "intervallen van deze methode met weinig gemeenten te smal zijn, is ook die grens eerder "
        "te gunstig."
    )


def _specifications_text(say: Language, outcome: Outcome) -> str:
    found = outcome.results.specifications
    if not found:
        return NOTHING if outcome.study.analysis.strata is None else NO_STRATA
    excluding = sum(not s.ci_lower <= 0 <= s.ci_upper for s in found)
    share = "alle" if excluding == len(found) else say.number(excluding) if excluding else "geen"
    return (
        f"De {say.number(len(found))} combinaties van basisverkiezing, controlegroep, weging en "
        f"methode geven een effect van {_range(say, [s.estimate for s in found])}; bij "
        f"{share} daarvan bevat het interval nul niet."
        f"{_omitted(say, outcome)}{_joint_sentence(say, outcome)}"
    )


def _omitted(say: Language, outcome: Outcome) -> str:
    """Say how many combinations could not be estimated, of what kind, and why."""
    omitted = [c for c in outcome.results.checks if c.check == "specification_omitted"]
    if not omitted:
        return ""
    kinds: dict[str, list[str]] = {}
    for check in omitted:
        pool, method = check.variant.rsplit(":", 1)
        kind = f"{say.pick(POOLS)[pool.partition(':')[0]]} bij {say.pick(METHODS)[method]}"
        kinds.setdefault(why(say, check.note, outcome), []).append(kind)
    parts = [f"{'; '.join(dict.fromkeys(v))} ({reason})" for reason, v in kinds.items()]
    return (
        f" Daarnaast {'is' if len(omitted) == 1 else 'zijn'} er {say.number(len(omitted))} niet te "
        f"schatten: {say.listed(parts)}."
    )


def _joint_sentence(say: Language, outcome: Outcome) -> str:
    found = [c for c in _checks(outcome, "specification_joint") if c.variant == "median"]
    if not found:
        return ""
    joint = 2 * len(outcome.study.baselines)
    return (
        f" Van de {say.count(joint)} met hertoewijzing onder alle gemeenten en zonder "
        "kenmerken ligt zonder effect de middelste schatting met een kans van "
        f"{say.p_value(found[0].p_value)} zo ver van nul."
    )


def _synthetic_text(say: Language, outcome: Outcome) -> str:
    units = _checks(outcome, "synthetic_unit")
    placebos = [c.estimate for c in _checks(outcome, "synthetic_placebo")]
    if not units or not placebos:
        return _without(say, outcome, "synthetic_unit")
    larger = sum(abs(p) >= min(abs(u.estimate) for u in units) for p in placebos)
    return (
        f"Van de {say.number(len(placebos))} controlegemeenten, elk in de plaats van een "
        f"experimentgemeente gezet, {'heeft' if larger == 1 else 'hebben'} er "
        f"{say.count(larger) if larger else 'geen'} een schijneffect dat minstens zo "
        "groot is als het kleinste van de experimentgemeenten."
    )


def _power_text(say: Language, outcome: Outcome) -> str:
    sizes = {p.n_experiment: p for p in outcome.results.power}
    if not sizes:
        return NOTHING
    parts = []
    for n, p in sorted(sizes.items()):
        size = p.detectable_effect
        found = say.points(size, sign=False) if math.isfinite(size) else "geen onderzocht effect"
        parts.append(f"met {say.municipalities(n)} is dat {found}")
    return (
        f"Het kleinste effect dat met een kans van {say.percent(0.8, 0)} wordt gevonden, als elke "
        f"gemeente even zwaar telt: {say.listed(parts)}."
    )


def _family_text(say: Language, outcome: Outcome) -> str:
    found = {c.outcome: c for c in _checks(outcome, "family_max_t")}
    if not found:
        return _without(say, outcome, "family_max_t")
    parts = [f"{say.pick(KINDS)[name]} {say.p_value(c.p_value)}" for name, c in found.items()]
    return (
        "Wie naar meer uitkomsten kijkt, vindt eerder iets. Gecorrigeerd daarvoor zijn de "
        f"p-waarden: {say.listed(parts)}."
    )


def _turnout_text(say: Language, outcome: Outcome) -> str:
    found = _checks(outcome, "placebo_outcome")
    if not found:
        return _without(say, outcome, "placebo_outcome")
    return (
        "Op de opkomst hoort het stembiljet geen invloed te hebben: daar is het verschil "
        f"{say.points(found[0].estimate)} ({say.limits(found[0])}; p-waarde {say.p_value(found[0].p_value)})."
    )


def _fit_text(say: Language, outcome: Outcome) -> str:
    found = {c.variant: c.estimate for c in _checks(outcome, "goodness_of_fit")}
    if "quasi_binomial" not in found:
        return _without(say, outcome, "goodness_of_fit")
    size = found["quasi_binomial"]
    than = "meer" if size > 1 else "niet meer"
    return (
        f"De aantallen lopen {than} uiteen dan het toeval van losse stemmen toelaat: de spreiding "
        f"is {say.number(size, 1)} keer die van het binomiale model. De modellen houden daar "
        "rekening mee."
    )


def _balance_text(say: Language, outcome: Outcome) -> str:
    before, after = _checks(outcome, "balance_before"), _checks(outcome, "balance_after")
    if not before:
        return _without(say, outcome, "balance_before")
    closer = sum(abs(a.estimate) < abs(b.estimate) for a, b in zip(after, before, strict=True))
    near = sum(abs(a.estimate) < 0.1 for a in after)
    return (
        f"Van de {say.count(len(after))} kenmerken komen er {say.count(closer)} dichter "
        "bij de experimentgemeenten en ligt het verschil bij "
        f"{say.count(near) if near else 'geen'} onder {say.number(0.1, 1)} standaardafwijking."
        + _left_out(say, before[0], outcome)
    )


def _left_out(say: Language, check: Check, outcome: Outcome) -> str:
    """Say how many controls could not be matched, and which."""
    if not check.note:
        return ""
    controls = outcome.primary.effect.n_control - check.n_control
    return f" Niet vergeleken: {say.municipalities(controls)} ({why(say, check.note, outcome)})."


def _placebo_text(say: Language, outcome: Outcome) -> str:
    study = outcome.study
    wanted = ("placebo", study.analysis.outcome, study.analysis.weighting)
    found = [c for c in _checks(outcome, "placebo") if (c.check, c.outcome, c.weighting) == wanted]
    if not found and any(c.check == "placebo" for c in outcome.results.checks):
        return _without(say, outcome, "placebo")
    if not found:
        return (
            "Er is maar één eerdere verkiezing van dezelfde soort, dus zo'n vergelijking van twee "
            "verkiezingen zonder het nieuwe stembiljet is niet gemeten."
        )
    placebo = found[-1]
    earlier, later = placebo.variant.split("-")
    return (
        f"Tussen {earlier} en {later} gebruikte niemand het nieuwe stembiljet. Een goede methode "
        f"vindt dan geen effect: zij geeft {say.points(placebo.estimate)} "
        f"({say.limits(placebo)}; p-waarde {say.p_value(placebo.p_value)})."
    )


def _jumps_text(say: Language, outcome: Outcome) -> str:
    """Say what the effect is without the controls that changed unlike all others."""
    found = [c for c in outcome.results.checks if c.check == "without_jumps"]
    if not found:
        return "Geen enkele controlegemeente veranderde zo sterk dat zij daarom opvalt."
    check = found[0]
    names = municipality_names(outcome.panel)
    listed = sorted((names[c] for c in check.variant.split("+")), key=sort_name)
    return (
        "Enkele controlegemeenten veranderden heel anders dan alle andere: "
        f"{say.listed(listed)}. Zonder hen is het effect {say.points(check.estimate)} "
        f"({say.limits(check)}; p-waarde {say.p_value(check.p_value)})."
    )


def _controls_text(say: Language, outcome: Outcome) -> str:
    """Say what the effect is without the one control that matters most, either way."""
    found = sorted(_checks(outcome, "leave_control_out"), key=lambda c: c.estimate)
    if not found:
        return ""
    names = municipality_names(outcome.panel)
    low, high = found[0], found[-1]
    return (
        "Ook één controlegemeente kan tellen. Zonder telkens een ervan ligt het effect tussen "
        f"{say.points(low.estimate, 3)} (zonder {names[low.variant]}) en {say.points(high.estimate, 3)} "
        f"(zonder {names[high.variant]})."
    )


def margin_text(say: Language, outcome: Outcome) -> str:
    """Return the verdict against the margin of the plan; without a margin there is none."""
    margin, effect = outcome.study.analysis.margin, outcome.primary.effect
    if margin is None:
        return (
            "Het analyseplan noemt geen marge; daarom geeft dit rapport geen oordeel over de "
            "vraag of het verschil klein genoeg is."
        )
    found = {c.check: c for c in outcome.results.checks}
    inferior, equal = found["non_inferiority"], found["equivalence"]
    size = say.points(margin, sign=False)
    text = f"De vooraf vastgelegde marge voor {say.pick(KINDS)[effect.outcome]} is {size}. "
    if math.isnan(inferior.estimate):
        return text + f"Daaraan is niet te toetsen: {why(say, inferior.note, outcome)}."
    shown, same = inferior.variant == "non_inferior", equal.variant == "equivalent"
    return (
        f"{text}Dat het effect kleiner is dan die marge, is {'' if shown else 'niet '}aangetoond "
        f"(eenzijdige bovengrens {say.points(inferior.ci_upper)}; p-waarde "
        f"{say.p_value(inferior.p_value)}). Dat het tussen {say.points(-margin, unit=False)} en "
        f"{say.points(margin)} ligt, zodat er in de praktijk geen verschil is, is "
        f"{'' if same else 'niet '}aangetoond ({say.limits(equal)}; p-waarde {say.p_value(equal.p_value)})."
    )
