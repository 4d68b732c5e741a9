"""The sentences of the method chapter on why the answers of the methods differ, from results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.formatting import sort_name
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import municipality_names
from ballot_eval.reporting.selection import named_checks, one_outcome
from ballot_eval.reporting.tables.terms import HISTORY_METHODS, METHODS
from ballot_eval.results import Check, Effect

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
    groups = say.number(strata.size_groups)
    return say(
        nl=f"Dit analyseplan vergelijkt binnen {groups} groepen gemeenten naar grootte. Het effect "
        "is dan niet dat ene verschil, maar het gewogen gemiddelde van zulke verschillen binnen de "
        "groepen; een groep weegt als het product van de gewichten van haar experiment- en haar "
        "controlegemeenten, gedeeld door hun som. Dat is de coëfficiënt van de rol in een "
        "regressie met een eigen gemiddelde verandering voor elke groep.",
        en=f"This analysis plan compares within {groups} groups of municipalities by size. The "
        "effect is then not that single difference, but the weighted mean of such differences "
        "within the groups; the weight of a group is the product of the weights of its experiment "
        "and its control municipalities, divided by their sum. That is the coefficient of the role "
        "in a regression with a mean change of its own for each group.",
    )


def _same_effect_text(say: Language, outcome: Outcome) -> str:
    if outcome.study.analysis.strata is None:
        return say(
            nl="hetzelfde effect met andere methoden",
            en="the same effect by other methods",
        )
    return say(
        nl="het effect met andere methoden, ook binnen de groepen naar grootte; een methode "
        "die dat niet kan, heeft geen getal",
        en="the effect by other methods, also within the groups by size; a method that cannot "
        "do that has no number",
    )


def _assignment_p_text(say: Language, outcome: Outcome) -> str:
    """Say what the primary p-value rests on: the controls that changed unlike all others."""
    found = [c for c in outcome.results.checks if c.check == "without_jumps" and not c.note]
    primary, parts = outcome.primary.effect, []
    if found and found[0].p_value < primary.p_value:
        parts.append(_outliers_sentence(say, outcome, found[0]))
    other = _effects(outcome).get(("randomisation_studentised", primary.weighting))
    if other is None:
        return " ".join(parts)
    p = say.p_value(other.p_value)
    if parts and other.p_value < primary.p_value:
        second = say(
            nl=f"De gestudentiseerde p-waarde is kleiner ({p}), omdat een groep met zo'n "
            "uitschieter ook een grote spreiding heeft, waardoor wordt gedeeld.",
            en=f"The studentised p-value is smaller ({p}), because a group with such an outlier "
            "also has a large spread, by which the difference is divided.",
        )
    else:
        second = say(
            nl=f"De gestudentiseerde p-waarde is {p}; zij meet een verschil af aan hoe sterk de "
            "gemeenten binnen de twee groepen uiteenlopen.",
            en=f"The studentised p-value is {p}; it measures a difference against how much the "
            "municipalities within the two groups vary.",
        )
    return " ".join([*parts, second])


def _outliers_sentence(say: Language, outcome: Outcome, check: Check) -> str:
    """Say what the primary p-value is without the controls that stand out."""
    names = municipality_names(outcome.panel)
    who = sorted((names[c] for c in check.variant.split("+")), key=sort_name)
    listed, one = say.listed(who), len(who) == 1
    without, primary = say.p_value(check.p_value), say.p_value(outcome.primary.effect.p_value)
    return say(
        nl=f"De p-waarde van de hoofdmethode komt van de toewijzingen waarin {listed} "
        f"{'zit, die zelf sterk veranderde' if one else 'zitten, die zelf sterk veranderden'}: "
        f"zonder {'haar' if one else 'hen'} is zij {without} in plaats van {primary}.",
        en=f"The p-value of the main method comes from the assignments that include {listed}, "
        f"which {'itself' if one else 'themselves'} changed strongly: without "
        f"{'it' if one else 'them'} the p-value is {without} instead of {primary}.",
    )


def _regression_p_text(say: Language, outcome: Outcome) -> str:
    """Set the p-values of regression and wild bootstrap beside that of reassignment."""
    primary, effects = outcome.primary.effect, _effects(outcome)
    parts = []
    if crv1 := effects.get(("crv1", primary.weighting)):
        p = say.p_value(crv1.p_value)
        parts.append(
            say(
                nl=f"De p-waarde van CRV1 ({p}) is de kans van een t-verdeling met de "
                "vrijheidsgraden van alle gemeenten, alsof niet alleen de experimentgemeenten de "
                "spreiding bepaalden.",
                en=f"The p-value of CRV1 ({p}) is the probability from a t-distribution with the "
                "degrees of freedom of all municipalities, as if it were not the experiment "
                "municipalities alone that determined the spread.",
            )
        )
    if boot := effects.get(("wild_bootstrap", primary.weighting)):
        p, who = say.p_value(boot.p_value), say.municipalities(boot.n_experiment)
        parts.append(
            say(
                nl=f"De wilde bootstrap ({p}) rekent onder de hypothese dat er geen effect is: het "
                f"hele effect telt dan als toeval van {who}, en elke loting waarin die allemaal "
                "hetzelfde teken krijgen, geeft weer zo'n groot verschil. Met weinig "
                "experimentgemeenten komt dat vaak voor, zodat de p-waarde niet heel klein kan "
                "worden.",
                en=f"The wild bootstrap ({p}) calculates under the hypothesis that there is no "
                f"effect: the whole effect then counts as chance in {who}, and every draw in which "
                "all of these get the same sign gives such a large difference again. With few "
                "experiment municipalities that happens often, so the p-value cannot become very "
                "small.",
            )
        )
    return " ".join(parts)


def _weighting_text(say: Language, outcome: Outcome) -> str:
    """Say why ballots and municipalities as weights give different effects."""
    effects, study = _effects(outcome), outcome.study
    each, ballot = (effects.get(("randomisation", w)) for w in ("municipality", "ballot"))
    if each is None or ballot is None or each.n_experiment < 2:
        return ""
    per_vote, per_municipality = say.points(ballot.estimate), say.points(each.estimate)
    if per_vote == per_municipality:
        return say(
            nl="Hier maakt dat in de gegeven cijfers geen verschil.",
            en="Here that makes no difference in the figures given.",
        )
    rates = {
        (r.election, r.unit): r
        for r in outcome.results.rates
        if r.outcome == study.analysis.outcome and r.unit in study.experiment()
    }
    now = {code: rates[study.election, code] for code in study.experiment()}
    change = {c: r.rate - rates[study.baselines[0], c].rate for c, r in now.items()}
    largest = max(now, key=lambda c: now[c].denominator)
    share = now[largest].denominator / sum(r.denominator for r in now.values())
    name = municipality_names(outcome.panel)[largest]
    by_vote, equal = say.percent(share, 0), say.percent(1 / len(now), 0)
    own, mean = say.points(change[largest]), say.points(sum(change.values()) / len(change))
    return say(
        nl=f"Per stem is het effect {per_vote}, per gemeente {per_municipality}. Per stem telt "
        f"{name} voor {by_vote} van de experimentgemeenten mee in plaats van voor {equal}; het "
        f"aandeel veranderde daar met {own}, in de experimentgemeenten gemiddeld met {mean}. Ook "
        "onder de controlegemeenten wegen de grote dan het meest.",
        en=f"Per vote the effect is {per_vote}, per municipality {per_municipality}. Per vote "
        f"{name} accounts for {by_vote} of the experiment municipalities instead of {equal}; the "
        f"share changed there by {own}, and in the experiment municipalities on average by {mean}. "
        "Among the control municipalities, too, the large ones then have the most weight.",
    )


def _staggered_text(say: Language, outcome: Outcome) -> str:
    """Say whether group-time effects give the plain difference, and of which municipalities."""
    effects = _effects(outcome)
    own = effects.get(("callaway_santanna", "municipality"))
    plain = effects.get(("randomisation", "municipality"))
    if own is None or plain is None:
        return ""
    by_exposure = _by_exposure(say, outcome)
    if abs(own.estimate - plain.estimate) <= SAME:
        return say(
            nl=f"Alle samen is dat hier hetzelfde verschil.{by_exposure}",
            en=f"Taken together, that is the same difference here.{by_exposure}",
        )
    used, every = say.number(own.n_control), say.number(plain.n_control)
    return say(
        nl="Omdat de methode alleen gemeenten gebruikt die van alle verkiezingen een uitslag "
        f"hebben ({used} van de {every} controlegemeenten), is het verschil hier een ander."
        f"{by_exposure}",
        en="Because the method uses only municipalities that have results for all elections "
        f"({used} of the {every} control municipalities), it gives another difference here."
        f"{by_exposure}",
    )


def _by_exposure(say: Language, outcome: Outcome) -> str:
    """Return the effects among those who use the new ballot for the first, third, ... time."""
    parts = []
    for c in named_checks(outcome.results.checks, "effect_by_exposure"):
        effect, limits = say.points(c.estimate), say.limits(c)
        who, one = say.municipalities(c.n_experiment), c.n_experiment == 1
        times = say(
            nl="één keer" if c.variant == "1" else f"{c.variant} keer",
            en={"1": "once", "2": "twice"}.get(c.variant, f"{c.variant} times"),
        )
        parts.append(
            say(
                nl=f"{effect} ({limits}) bij {who} die het stembiljet {times} "
                f"{'heeft' if one else 'hebben'} gebruikt",
                en=f"{effect} ({limits}) in {who} that {'has' if one else 'have'} used the ballot "
                f"paper {times}",
            )
        )
    if not parts:
        return ""
    listed = say.listed(parts)
    return say(
        nl=f" Naar hoe vaak zij het gebruikten: {listed}.",
        en=f" By the number of times that they have used it: {listed}.",
    )


def _synthetic_width_text(say: Language, outcome: Outcome) -> str:
    """Say how the interval of the synthetic control compares with the others of the table."""
    found = [e for e in _effects(outcome).values() if e.estimand == "att"]
    width = {e.method: e.ci_upper - e.ci_lower for e in found if e.method in HISTORY_METHODS}
    other = [e.ci_upper - e.ci_lower for e in found if e.method != "synthetic_control"]
    own = width.get("synthetic_control")
    if own is None or not other:
        return ""
    if own < sorted(other)[len(other) // 2]:
        return say(
            nl="Ook hier is haar interval smaller dan die van de meeste andere methoden.",
            en="Here too its interval is narrower than those of most other methods.",
        )
    widest = own > max(other)
    return say(
        nl="Hier is haar interval "
        f"{'het breedste' if widest else 'breder dan die van de meeste andere methoden'}, omdat de "
        "placebo's van weinig gemeenten sterk uiteenlopen; dat het in simulaties te vaak mist, "
        "geldt ook dan.",
        en="Here its interval is "
        f"{'the widest' if widest else 'wider than those of most other methods'}, because the "
        "placebos of few municipalities vary strongly; that it misses too often in simulations "
        "holds even then.",
    )


def _ratio_p_text(say: Language, outcome: Outcome) -> str:
    """Say why the two ratios by reassignment have different p-values."""
    effects = _effects(outcome)
    each, pooled = (effects.get(("randomisation_ratio", w)) for w in ("municipality", "ballot"))
    if each is None or pooled is None:
        return ""
    method = say.pick(METHODS)["randomisation"]
    per_municipality, per_vote = say.p_value(each.p_value), say.p_value(pooled.p_value)
    text = say(
        nl=f"De twee verhoudingen uit {method} hebben p-waarden van {per_municipality} (per "
        f"gemeente, een gemiddelde van logaritmen) en {per_vote} (per stem, een verhouding van "
        "totalen).",
        en=f"The two ratios from {method} have p-values of {per_municipality} (per municipality, "
        f"a mean of logarithms) and {per_vote} (per vote, a ratio of totals).",
    )
    # More than the drawing of assignments explains.
    if pooled.p_value - each.p_value > 4 * math.hypot(each.p_error, pooled.p_error):
        text += say(
            nl=" Bij andere toewijzingen ligt een verhouding van totalen vaker ver weg, omdat één "
            "gemeente er veel zwaarder in kan tellen.",
            en=" Under other assignments a ratio of totals more often lies far away, because one "
            "municipality can count for much more in it.",
        )
    return text
