"""The verdict against the margin of the analysis plan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.figures.base import KINDS
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.wording.notes import why

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def margin_text(say: Language, outcome: Outcome) -> str:
    """Return the verdict against the margin of the plan; without a margin there is none."""
    margin = outcome.study.analysis.margin
    if margin is None:
        return say(
            nl="Het analyseplan noemt geen marge; daarom geeft dit rapport geen oordeel over de "
            "vraag of het verschil klein genoeg is.",
            en="The analysis plan names no margin; this report therefore gives no verdict on "
            "whether the difference is small enough.",
        )
    kind = say.pick(KINDS)[outcome.primary.effect.outcome]
    size = say.points(margin, sign=False)
    text = say(
        nl=f"De vooraf vastgelegde marge voor {kind} is {size}. ",
        en=f"The margin for {kind}, fixed in advance, is {size}. ",
    )
    return text + _verdicts(say, outcome, margin)


def _verdicts(say: Language, outcome: Outcome, margin: float) -> str:
    """Say whether the effect was shown to be below the margin, and within it either way."""
    found = {c.check: c for c in outcome.results.checks}
    inferior, equal = found["non_inferiority"], found["equivalence"]
    if math.isnan(inferior.estimate):
        reason = why(say, inferior.note, outcome)
        return say(
            nl=f"Daaraan is niet te toetsen: {reason}.",
            en=f"The effect cannot be tested against it: {reason}.",
        )
    shown, same = inferior.variant == "non_inferior", equal.variant == "equivalent"
    upper, p_inferior = say.points(inferior.ci_upper), say.p_value(inferior.p_value)
    low, high = say.points(-margin, unit=False), say.points(margin)
    limits, p_equal = say.limits(equal), say.p_value(equal.p_value)
    return say(
        nl=f"Dat het effect kleiner is dan die marge, is {'' if shown else 'niet '}aangetoond "
        f"(eenzijdige bovengrens {upper}; p-waarde {p_inferior}). Dat het tussen {low} en {high} "
        f"ligt, zodat er in de praktijk geen verschil is, is {'' if same else 'niet '}aangetoond "
        f"({limits}; p-waarde {p_equal}).",
        en=f"It has {'' if shown else 'not '}been shown that the effect is smaller than that "
        f"margin (one-sided upper limit {upper}; p-value {p_inferior}). It has "
        f"{'' if same else 'not '}been shown that the effect lies between {low} and {high}, so "
        f"that in practice there is no difference ({limits}; p-value {p_equal}).",
    )
