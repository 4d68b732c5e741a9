"""The sentences on every combination of choices, and on what can be said of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.selection import named_checks
from ballot_eval.reporting.tables.terms import METHODS, POOLS
from ballot_eval.reporting.wording.notes import NOTHING, why

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NO_STRATA = {
    "nl": "Dit is niet gemaakt, omdat het analyseplan binnen groepen naar grootte vergelijkt.",
    "en": "This was not made, because the analysis plan compares within groups by size.",
}


def specifications_text(say: Language, outcome: Outcome) -> str:
    """Say between which effects the combinations of choices lie, and how many leave zero out."""
    found = outcome.results.specifications
    if not found:
        return say.pick(NOTHING if outcome.study.analysis.strata is None else NO_STRATA)
    excluding = sum(not s.ci_lower <= 0 <= s.ci_upper for s in found)
    every, none = say(nl="alle", en="all"), say(nl="geen", en="none")
    share = every if excluding == len(found) else say.number(excluding) if excluding else none
    number, estimates = say.number(len(found)), [s.estimate for s in found]
    effects = say.points_between(min(estimates), max(estimates))
    text = say(
        nl=f"De {number} combinaties van basisverkiezing, controlegroep, weging en methode geven "
        f"een effect van {effects}; bij {share} daarvan bevat het interval nul niet.",
        en=f"The {number} combinations of baseline election, control group, weighting and method "
        f"give an effect of {effects}; for {share} of them the interval excludes zero.",
    )
    return text + _omitted(say, outcome) + _joint(say, outcome)


def _omitted(say: Language, outcome: Outcome) -> str:
    """Say how many combinations could not be estimated, of what kind, and why."""
    omitted = [c for c in outcome.results.checks if c.check == "specification_omitted"]
    if not omitted:
        return ""
    kinds: dict[str, list[str]] = {}
    for check in omitted:
        pool, method = check.variant.rsplit(":", 1)
        against, by = say.pick(POOLS)[pool.partition(":")[0]], say.pick(METHODS)[method]
        kind = say(nl=f"{against} bij {by}", en=f"{against} with {by}")
        kinds.setdefault(why(say, check.note, outcome), []).append(kind)
    parts = say.listed([f"{'; '.join(dict.fromkeys(v))} ({reason})" for reason, v in kinds.items()])
    number, one = say.number(len(omitted)), len(omitted) == 1
    return say(
        nl=f" Daarnaast {'is' if one else 'zijn'} er {number} niet te schatten: {parts}.",
        en=f" In addition, {number} cannot be estimated: {parts}.",
    )


def _joint(say: Language, outcome: Outcome) -> str:
    """Say how likely the median of the estimates by reassignment is without an effect."""
    checks = named_checks(outcome.results.checks, "specification_joint")
    found = [c for c in checks if c.variant == "median"]
    if not found:
        return ""
    joint, p = say.count(2 * len(outcome.study.baselines)), say.p_value(found[0].p_value)
    return say(
        nl=f" Van de {joint} met hertoewijzing onder alle gemeenten en zonder kenmerken ligt "
        f"zonder effect de middelste schatting met een kans van {p} zo ver van nul.",
        en=f" Of the {joint} with reassignment among all municipalities and without covariates, "
        f"the median estimate lies this far from zero with a probability of {p} if there is no "
        "effect.",
    )
