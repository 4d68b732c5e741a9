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
        return say(
            nl="Hoe snel een effect slijt, is alleen te schatten als de aantallen van drie keren "
            "bekend zijn; dat is hier niet zo.",
            en="How fast an effect wears off can be estimated only if the counts of three uses are "
            "known; that is not the case here.",
        )
    return f"{_course(say, curve)} {_without(say, curve)}"


def _course(say: Language, curve: Decay) -> str:
    """Say in how many uses the distance to the lasting level halves, or that it does not."""
    if math.isnan(curve.half_life):
        return say(
            nl="De effecten van de drie keren liggen niet op een kromme die elke keer met "
            "dezelfde factor een blijvend niveau nadert; een halveringstijd is er dus niet.",
            en="The effects at the three uses do not lie on a curve that nears a lasting level by "
            "the same factor at every use; there is therefore no half-life.",
        )
    half = say.number(curve.half_life, 1)
    half_limits = _span(say, curve.half_life_lower, curve.half_life_upper)
    level, level_limits = say.points(curve.asymptote), _level(say, curve)
    falls = curve.amplitude > 0
    part = (
        say(nl="het deel van het effect boven", en="the part of the effect above")
        if falls
        else say(nl="wat het effect ligt onder", en="the amount by which it lies below")
    )
    return say(
        nl=f"Het effect {'daalt' if falls else 'groeit'} van keer tot keer. Wordt {part} het "
        f"blijvende niveau elke keer met dezelfde factor kleiner, dan halveert dat in {half} keer "
        f"({half_limits}) en is het blijvende niveau {level} ({level_limits}).",
        en=f"The effect {'falls' if falls else 'grows'} from use to use. If {part} the lasting "
        f"level becomes smaller by the same factor at every use, it halves in {half} uses "
        f"({half_limits}) and the lasting level is {level} ({level_limits}).",
    )


def _without(say: Language, curve: Decay) -> str:
    """Say how often the uncertainty allows no curve, or one that goes the other way."""
    share = say.percent(curve.share_without, 0)
    text = say(
        nl=f"Van de mogelijke uitkomsten die bij de onzekerheid passen, heeft {share} niet "
        "zo'n kromme",
        en=f"Of the possible outcomes that fit the uncertainty, {share} have no such curve",
    )
    if math.isnan(curve.half_life):
        return f"{text}."
    text += say(
        nl="; de grenzen gelden alleen voor de andere", en="; the limits hold only for the others"
    )
    falls = curve.amplitude > 0
    other = curve.share_rising if falls else 1 - curve.share_without - curve.share_rising
    if other > 0:
        cases = say.percent(other, 0)
        text += say(
            nl=f", en in {cases} van alle gevallen {'stijgt' if falls else 'daalt'} het effect "
            "juist",
            en=f", and in {cases} of all cases the effect {'rises' if falls else 'falls'} instead",
        )
    return f"{text}."


def _span(say: Language, lower: float, upper: float) -> str:
    return _unknown_limits(say) if math.isnan(lower) else say.between(lower, upper, 1)


def _level(say: Language, curve: Decay) -> str:
    lower, upper = curve.asymptote_lower, curve.asymptote_upper
    if math.isnan(lower):
        return _unknown_limits(say)
    return say.interval(lower, upper, percent_sign=False, sign=True)


def _unknown_limits(say: Language) -> str:
    return say(nl="grenzen niet te bepalen", en="limits cannot be determined")
