"""The sentence of the report on the curve through three uses, chosen by rule from the results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.estimation.learning_decay import Decay
from ballot_eval.reporting.language import Language

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def decay_sentence(say: Language, outcome: Outcome) -> str:
    """Say how fast the effect nears a level that stays, or why that cannot be said."""
    learning = outcome.learning
    assert learning is not None
    curve = learning.decay
    if curve is None:
        return (
            "Hoe snel een effect slijt, is alleen te schatten als de aantallen van drie keren "
            "bekend zijn; dat is hier niet zo."
        )
    if math.isnan(curve.half_life):
        return (
            "Door de drie keren gaat geen kromme van een effect dat elke keer met dezelfde factor "
            "een blijvend niveau nadert; een halveringstijd is er dus niet. "
            f"{_without(say, curve)}"
        )
    falls = curve.amplitude > 0
    what = "het deel van het effect boven" if falls else "wat het effect ligt onder"
    way = "daalt" if falls else "groeit"
    level = say.points(curve.asymptote)
    return (
        f"Het effect {way} van keer tot keer. Wordt {what} het blijvende niveau elke keer met "
        f"dezelfde factor kleiner, dan halveert dat in {say.number(curve.half_life, 1)} keer "
        f"({_span(say, curve.half_life_lower, curve.half_life_upper)}) en is het blijvende niveau "
        f"{level} ({_level(say, curve)}). {_without(say, curve)}"
    )


def _without(say: Language, curve: Decay) -> str:
    """Say how often the uncertainty allows no curve, or one that goes the other way."""
    text = (
        "Van de gevallen die bij de onzekerheid passen, heeft "
        f"{say.percent(curve.share_without, 0)} geen kromme"
    )
    if not math.isnan(curve.half_life):
        text += "; de grenzen gelden alleen voor de andere"
    falls = curve.amplitude > 0
    other = curve.share_rising if falls else 1 - curve.share_without - curve.share_rising
    if not math.isnan(curve.half_life) and other > 0:
        way = "stijgt" if falls else "daalt"
        text += f", en in {say.percent(other, 0)} van alle gevallen {way} het effect juist"
    return f"{text}."


def _span(say: Language, lower: float, upper: float) -> str:
    if math.isnan(lower):
        return "grenzen niet te bepalen"
    return f"{say.number(lower, 1)} tot {say.number(upper, 1)}"


def _level(say: Language, curve: Decay) -> str:
    if math.isnan(curve.asymptote_lower):
        return "grenzen niet te bepalen"
    return say.interval(curve.asymptote_lower, curve.asymptote_upper, percent_sign=False, sign=True)
