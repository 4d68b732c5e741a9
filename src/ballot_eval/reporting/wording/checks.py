"""The sentences of the report on checks: chosen by rule from the results, never by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.figures.base import KINDS
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.selection import named_checks, one_outcome
from ballot_eval.reporting.wording.control_groups import control_sentences
from ballot_eval.reporting.wording.notes import NOTHING, without_number
from ballot_eval.reporting.wording.specifications import specifications_text

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def check_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    own = {
        "placebo_text": _placebo_text(say, outcome),
        "methods_text": _methods_text(say, outcome),
        "trends_text": _trends_text(say, outcome),
        "specifications_text": specifications_text(say, outcome),
        "power_text": _power_text(say, outcome),
        "family_text": _family_text(say, outcome),
        "turnout_text": _turnout_text(say, outcome),
        "fit_text": _fit_text(say, outcome),
    }
    return own | control_sentences(say, outcome)


def _placebo_text(say: Language, outcome: Outcome) -> str:
    analysis, checks = outcome.study.analysis, outcome.results.checks
    wanted = (analysis.outcome, analysis.weighting)
    found = [c for c in named_checks(checks, "placebo") if (c.outcome, c.weighting) == wanted]
    if not found and any(c.check == "placebo" for c in checks):
        return without_number(say, outcome, "placebo")
    if not found:
        return say(
            nl="Er is maar één eerdere verkiezing van dezelfde soort, dus zo'n vergelijking van "
            "twee verkiezingen zonder het nieuwe stembiljet is niet gemeten.",
            en="There is only one earlier election of the same type, so such a comparison of two "
            "elections without the new ballot paper was not measured.",
        )
    placebo = found[-1]
    earlier, later = placebo.variant.split("-")
    estimate, limits = say.points(placebo.estimate), say.limits(placebo)
    p = say.p_value(placebo.p_value)
    return say(
        nl=f"Tussen {earlier} en {later} gebruikte niemand het nieuwe stembiljet. Een goede "
        f"methode vindt dan geen effect: zij geeft {estimate} ({limits}; p-waarde {p}).",
        en=f"Between {earlier} and {later} nobody used the new ballot paper. A good method then "
        f"finds no effect: it gives {estimate} ({limits}; p-value {p}).",
    )


def _methods_text(say: Language, outcome: Outcome) -> str:
    primary = outcome.primary.effect
    found = [
        e
        for e in one_outcome(outcome.results.effects, primary.outcome, primary.baseline)
        if e.estimand == "att" and math.isfinite(e.estimate)
    ]
    if not found:
        return say(
            nl="Geen van de methoden heeft met deze gegevens een getal.",
            en="None of the methods has a number with these data.",
        )
    holding = sum(e.ci_lower <= 0 <= e.ci_upper for e in found)
    number, estimates = say.number(len(found)), [e.estimate for e in found]
    effects = say.points_between(min(estimates), max(estimates))
    some = say.number(holding) if holding else say(nl="geen", en="none")
    return say(
        nl=f"De {number} schattingen in procentpunten lopen van {effects}; {some} van hun "
        f"intervallen {'bevatten' if holding > 1 else 'bevat'} nul.",
        en=f"The {number} estimates of this difference range from {effects}; {some} of their "
        f"intervals {'contain' if holding > 1 else 'contains'} zero.",
    )


def _trends_text(say: Language, outcome: Outcome) -> str:
    checks = named_checks(outcome.results.checks, "relative_magnitudes")
    if not checks:
        return without_number(say, outcome, "relative_magnitudes")
    found = {c.variant: c for c in checks}
    limits, limit = say.limits(found["1"]), found["breakdown"].estimate
    if math.isnan(limit):
        return say(
            nl="Ook als de gemeenten zonder het experiment gelijk op gingen, bevat dit interval "
            "nul.",
            en="Even if the municipalities had moved in parallel without the experiment, this "
            "interval contains zero.",
        )
    text = say(
        nl="Zouden de gemeenten na de invoering evenveel uiteen zijn gelopen als het meest dat "
        f"zij daarvoor van verkiezing tot verkiezing deden, dan ligt het effect op {limits}. ",
        en="If the municipalities had drifted apart after the introduction by as much as they did "
        "at most from one election to the next before it, the effect would be "
        f"{limits}. ",
    )
    if math.isinf(limit):
        return text + say(
            nl="Bij geen enkele omvang van zulke verschillen bevat het interval nul.",
            en="At no size of such differences does the interval contain zero.",
        )
    times = say.number(limit, 1)
    return text + say(
        nl=f"Het interval bevat nul vanaf {times} keer die omvang. Omdat de intervallen van deze "
        "methode met weinig gemeenten te smal zijn, is ook die grens eerder te gunstig.",
        en=f"The interval contains zero from {times} times that size. Because the intervals of "
        "this method are too narrow with few municipalities, that limit too is, if anything, too "
        "favourable.",
    )


def _power_text(say: Language, outcome: Outcome) -> str:
    sizes = {p.n_experiment: p.detectable_effect for p in outcome.results.power}
    if not sizes:
        return say.pick(NOTHING)
    none = say(nl="geen onderzocht effect", en="none of the effects examined")
    parts = []
    for n, size in sorted(sizes.items()):
        found = say.points(size, sign=False) if math.isfinite(size) else none
        who = say.municipalities(n)
        parts.append(say(nl=f"met {who} is dat {found}", en=f"with {who} it is {found}"))
    chance, listed = say.percent(0.8, 0), say.listed(parts)
    return say(
        nl=f"Het kleinste effect dat met een kans van {chance} wordt gevonden, als elke gemeente "
        f"even zwaar telt: {listed}.",
        en=f"The smallest effect that is found with a probability of {chance}, if every "
        f"municipality has equal weight: {listed}.",
    )


def _family_text(say: Language, outcome: Outcome) -> str:
    checks = named_checks(outcome.results.checks, "family_max_t")
    if not checks:
        return without_number(say, outcome, "family_max_t")
    found = {c.outcome: c for c in checks}
    parts = [f"{say.pick(KINDS)[name]} {say.p_value(c.p_value)}" for name, c in found.items()]
    listed = say.listed(parts)
    return say(
        nl="Wie naar meer uitkomsten kijkt, vindt eerder iets. Gecorrigeerd daarvoor zijn de "
        f"p-waarden: {listed}.",
        en="Whoever looks at more outcomes is more likely to find something. Corrected for this, "
        f"the p-values are: {listed}.",
    )


def _turnout_text(say: Language, outcome: Outcome) -> str:
    found = named_checks(outcome.results.checks, "placebo_outcome")
    if not found:
        return without_number(say, outcome, "placebo_outcome")
    estimate, limits = say.points(found[0].estimate), say.limits(found[0])
    p = say.p_value(found[0].p_value)
    return say(
        nl="Op de opkomst hoort het stembiljet geen invloed te hebben: daar is het verschil "
        f"{estimate} ({limits}; p-waarde {p}).",
        en="The ballot paper should not affect turnout: there the difference is "
        f"{estimate} ({limits}; p-value {p}).",
    )


def _fit_text(say: Language, outcome: Outcome) -> str:
    checks = named_checks(outcome.results.checks, "goodness_of_fit")
    found = {c.variant: c.estimate for c in checks}
    if "quasi_binomial" not in found:
        return without_number(say, outcome, "goodness_of_fit")
    size = found["quasi_binomial"]
    more, times = size > 1, say.number(size, 1)
    return say(
        nl=f"De aantallen lopen {'meer' if more else 'niet meer'} uiteen dan het toeval van losse "
        f"stemmen toelaat: de spreiding is {times} keer die van het binomiale model. De modellen "
        "houden daar rekening mee.",
        en=f"The counts vary {'more' if more else 'no more'} than chance among independent votes "
        f"allows: the spread is {times} times that of the binomial model. The models take this "
        "into account.",
    )
