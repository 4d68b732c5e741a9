"""The sentences of the method chapter on why the answers of the methods differ, from results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.formatting import sort_name
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import municipality_names
from ballot_eval.reporting.selection import estimated, one_outcome
from ballot_eval.reporting.tables.terms import HISTORY_METHODS, METHODS
from ballot_eval.results import Effect

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: Estimates (fractions of votes cast) nearer than this are the same but for rounding.
SAME = 1e-9


def method_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to; empty where they do not apply."""
    return {
        "strata_text": _strata_text(say, outcome),
        "same_effect_text": _same_effect_text(say, outcome),
        "assignment_p_text": _assignment_p_text(say, outcome),
        "regression_p_text": _regression_p_text(say, outcome),
        "weighting_text": _weighting_text(say, outcome),
        "staggered_text": _staggered_text(say, outcome),
        "synthetic_width_text": _synthetic_width_text(say, outcome),
        "ratio_p_text": _ratio_p_text(say, outcome),
    }


def _effects(outcome: Outcome) -> dict[tuple[str, str], Effect]:
    """Return the estimated effects on the primary outcome by method and weighting."""
    study = outcome.study
    found = one_outcome(outcome.results.effects, study.analysis.outcome, study.baselines[0])
    return {(e.method, e.weighting): e for e in found if math.isfinite(e.estimate)}


def _strata_text(say: Language, outcome: Outcome) -> str:
    strata = outcome.study.analysis.strata
    if strata is None:
        return ""
    return (
        f"Dit analyseplan vergelijkt binnen {say.number(strata.size_groups)} groepen gemeenten naar "
        "grootte. Het effect is dan niet dat ene verschil, maar het gewogen gemiddelde van zulke "
        "verschillen binnen de groepen; een groep weegt als het product van de gewichten van haar "
        "experiment- en haar controlegemeenten, gedeeld door hun som. Dat is de coëfficiënt van de "
        "rol in een regressie met een eigen gemiddelde verandering voor elke groep."
    )


def _same_effect_text(say: Language, outcome: Outcome) -> str:
    if outcome.study.analysis.strata is None:
        return "geven hetzelfde effect met andere methoden"
    return (
        "geven het effect met andere methoden, ook binnen de groepen naar grootte; een methode die "
        "dat niet kan, heeft geen getal"
    )


def _assignment_p_text(say: Language, outcome: Outcome) -> str:
    """Say what the primary p-value rests on: the controls that changed unlike all others."""
    found = [c for c in outcome.results.checks if c.check == "without_jumps" and not c.note]
    primary, parts = outcome.primary.effect, []
    if found and found[0].p_value < primary.p_value:
        names = municipality_names(outcome.panel)
        listed = sorted((names[c] for c in found[0].variant.split("+")), key=sort_name)
        parts.append(
            "De p-waarde van de hoofdmethode komt van de toewijzingen waarin "
            f"{say.listed(listed)} {'zit' if len(listed) == 1 else 'zitten'}, die zelf sterk "
            f"veranderden: zonder hen is zij {say.p_value(found[0].p_value)} in plaats van "
            f"{say.p_value(primary.p_value)}."
        )
    other = _effects(outcome).get(("randomisation_studentised", primary.weighting))
    if parts and other is not None and other.p_value < primary.p_value:
        parts.append(
            f"De gestudentiseerde p-waarde is kleiner ({say.p_value(other.p_value)}), omdat een groep "
            "met zo'n uitschieter ook een grote spreiding heeft, waardoor wordt gedeeld."
        )
    elif other is not None:
        parts.append(
            f"De gestudentiseerde p-waarde is {say.p_value(other.p_value)}; zij meet een verschil af "
            "aan hoe sterk de gemeenten binnen de twee groepen uiteenlopen."
        )
    return " ".join(parts)


def _regression_p_text(say: Language, outcome: Outcome) -> str:
    """Set the p-values of regression and wild bootstrap beside that of reassignment."""
    primary, effects = outcome.primary.effect, _effects(outcome)
    parts = []
    if crv1 := effects.get(("crv1", primary.weighting)):
        parts.append(
            f"De p-waarde van CRV1 ({say.p_value(crv1.p_value)}) is de kans van een t-verdeling met de "
            "vrijheidsgraden van alle gemeenten, alsof niet alleen de experimentgemeenten de "
            "spreiding bepaalden."
        )
    if boot := effects.get(("wild_bootstrap", primary.weighting)):
        parts.append(
            f"De wilde bootstrap ({say.p_value(boot.p_value)}) rekent onder de hypothese dat er geen "
            "effect is: het hele effect telt dan als toeval van "
            f"{say.municipalities(boot.n_experiment)}, en elke loting waarin die allemaal hetzelfde "
            "teken krijgen, geeft weer zo'n groot verschil. Met weinig experimentgemeenten komt "
            "dat vaak voor, zodat de p-waarde niet heel klein kan worden."
        )
    return " ".join(parts)


def _weighting_text(say: Language, outcome: Outcome) -> str:
    """Say why ballots and municipalities as weights give different effects."""
    effects, study = _effects(outcome), outcome.study
    each, ballot = (effects.get(("randomisation", w)) for w in ("municipality", "ballot"))
    if each is None or ballot is None or each.n_experiment < 2:
        return ""
    if say.points(each.estimate) == say.points(ballot.estimate):
        return "Hier maakt dat in de gegeven cijfers geen verschil."
    rates = {
        (r.election, r.unit): r
        for r in outcome.results.rates
        if r.outcome == study.analysis.outcome and r.unit in study.experiment()
    }
    now = {code: rates[study.election, code] for code in study.experiment()}
    change = {c: r.rate - rates[study.baselines[0], c].rate for c, r in now.items()}
    largest = max(now, key=lambda c: now[c].denominator)
    share = now[largest].denominator / sum(r.denominator for r in now.values())
    mean = sum(change.values()) / len(change)
    name = municipality_names(outcome.panel)[largest]
    return (
        f"Per stem is het effect {say.points(ballot.estimate)}, per gemeente {say.points(each.estimate)}. "
        f"Per stem telt {name} voor {say.percent(share, 0)} van de experimentgemeenten mee in plaats "
        f"van voor {say.percent(1 / len(now), 0)}; het aandeel veranderde daar met "
        f"{say.points(change[largest])}, in de experimentgemeenten gemiddeld met {say.points(mean)}. Ook "
        "onder de controlegemeenten wegen de grote dan het meest."
    )


def _staggered_text(say: Language, outcome: Outcome) -> str:
    """Say whether group-time effects give the plain difference, and of which municipalities."""
    effects = _effects(outcome)
    own = effects.get(("callaway_santanna", "municipality"))
    plain = effects.get(("randomisation", "municipality"))
    if own is None or plain is None:
        return ""
    if abs(own.estimate - plain.estimate) <= SAME:
        return f"Alle samen is dat hier hetzelfde verschil.{_by_exposure(say, outcome)}"
    return (
        "Omdat de methode alleen gemeenten gebruikt die van alle verkiezingen een uitslag hebben "
        f"({say.number(own.n_control)} van de {say.number(plain.n_control)} controlegemeenten), is het "
        f"verschil hier een ander.{_by_exposure(say, outcome)}"
    )


def _by_exposure(say: Language, outcome: Outcome) -> str:
    """Return the effects among those who use the new ballot for the first, third, ... time."""
    found = [c for c in estimated(outcome.results.checks) if c.check == "effect_by_exposure"]
    parts = [
        f"{say.points(c.estimate)} ({say.limits(c)}) bij {say.municipalities(c.n_experiment)} die het "
        f"stembiljet {'één keer' if c.variant == '1' else f'{c.variant} keer'} hebben gebruikt"
        for c in found
    ]
    return f" Naar hoe vaak zij het gebruikten: {say.listed(parts)}." if parts else ""


def _synthetic_width_text(say: Language, outcome: Outcome) -> str:
    """Say how the interval of the synthetic control compares with the others of the table."""
    found = [e for e in _effects(outcome).values() if e.estimand == "att"]
    width = {e.method: e.ci_upper - e.ci_lower for e in found if e.method in HISTORY_METHODS}
    other = [e.ci_upper - e.ci_lower for e in found if e.method != "synthetic_control"]
    own = width.get("synthetic_control")
    if own is None or not other:
        return ""
    if own < sorted(other)[len(other) // 2]:
        return "Ook hier is haar interval smaller dan die van de meeste andere methoden."
    how = "het breedste" if own > max(other) else "breder dan die van de meeste andere methoden"
    return (
        f"Hier is haar interval {how}, omdat de placebo's van weinig gemeenten sterk "
        "uiteenlopen; dat het in simulaties te vaak mist, geldt ook dan."
    )


def _ratio_p_text(say: Language, outcome: Outcome) -> str:
    """Say why the two ratios by reassignment have different p-values."""
    effects = _effects(outcome)
    each, pooled = (effects.get(("randomisation_ratio", w)) for w in ("municipality", "ballot"))
    if each is None or pooled is None:
        return ""
    text = (
        f"De twee verhoudingen uit {say.pick(METHODS)['randomisation']} hebben p-waarden van "
        f"{say.p_value(each.p_value)} (per gemeente, een gemiddelde van logaritmen) en "
        f"{say.p_value(pooled.p_value)} (per stem, een verhouding van totalen)."
    )
    # More than the drawing of assignments explains.
    if pooled.p_value - each.p_value > 4 * math.hypot(each.p_error, pooled.p_error):
        text += (
            " Bij andere toewijzingen ligt een verhouding van totalen vaker ver weg, omdat één "
            "gemeente er veel zwaarder in kan tellen."
        )
    return text
