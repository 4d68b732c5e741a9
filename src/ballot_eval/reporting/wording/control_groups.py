"""The sentences on whom the experiment municipalities are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ballot_eval.formatting import sort_name
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import municipality_names
from ballot_eval.reporting.selection import named_checks
from ballot_eval.reporting.wording.notes import why, without_number
from ballot_eval.results import Check

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def control_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    return {
        "pools_text": _pools_text(say, outcome),
        "jumps_text": _jumps_text(say, outcome),
        "controls_text": _controls_text(say, outcome),
        "balance_text": _balance_text(say, outcome),
        "synthetic_text": _synthetic_text(say, outcome),
    }


def _pools_text(say: Language, outcome: Outcome) -> str:
    found = named_checks(outcome.results.checks, "control_pool")
    if not found:
        return without_number(say, outcome, "control_pool")
    estimates = [c.estimate for c in found]
    effects = say.points_between(min(estimates), max(estimates))
    return say(
        nl=f"Naargelang de groep loopt het effect van {effects}.",
        en=f"Depending on the group, the effect ranges from {effects}.",
    )


def _jumps_text(say: Language, outcome: Outcome) -> str:
    """Say what the effect is without the controls that changed unlike all others."""
    found = [c for c in outcome.results.checks if c.check == "without_jumps"]
    if not found:
        return say(
            nl="Geen enkele controlegemeente veranderde zo sterk dat zij daarom opvalt.",
            en="No control municipality changed so strongly that it stands out.",
        )
    check = found[0]
    names = municipality_names(outcome.panel)
    who = sorted((names[c] for c in check.variant.split("+")), key=sort_name)
    listed, effect, limits = say.listed(who), say.points(check.estimate), say.limits(check)
    p = say.p_value(check.p_value)
    if len(who) == 1:
        return say(
            nl=f"Eén controlegemeente veranderde heel anders dan alle andere: {listed}. Zonder "
            f"haar is het effect {effect} ({limits}; p-waarde {p}).",
            en=f"One control municipality changed quite differently from all others: {listed}. "
            f"Without it the effect is {effect} ({limits}; p-value {p}).",
        )
    return say(
        nl=f"Enkele controlegemeenten veranderden heel anders dan alle andere: {listed}. Zonder "
        f"hen is het effect {effect} ({limits}; p-waarde {p}).",
        en=f"Some control municipalities changed quite differently from all others: {listed}. "
        f"Without them the effect is {effect} ({limits}; p-value {p}).",
    )


def _controls_text(say: Language, outcome: Outcome) -> str:
    """Say what the effect is without the one control that matters most, either way."""
    checks = named_checks(outcome.results.checks, "leave_control_out")
    if not checks:
        return ""
    found = sorted(checks, key=lambda c: c.estimate)
    names = municipality_names(outcome.panel)
    low, high = say.points(found[0].estimate, 3), say.points(found[-1].estimate, 3)
    first, last = names[found[0].variant], names[found[-1].variant]
    return say(
        nl="Ook één controlegemeente kan tellen. Zonder telkens een ervan ligt het effect tussen "
        f"{low} (zonder {first}) en {high} (zonder {last}).",
        en="A single control municipality can matter too. With one of them left out at a time, "
        f"the effect lies between {low} (without {first}) and {high} (without {last}).",
    )


def _balance_text(say: Language, outcome: Outcome) -> str:
    before, after = (
        named_checks(outcome.results.checks, f"balance_{when}") for when in ("before", "after")
    )
    if not before:
        return without_number(say, outcome, "balance_before")
    closer = sum(abs(a.estimate) < abs(b.estimate) for a, b in zip(after, before, strict=True))
    near = sum(abs(a.estimate) < 0.1 for a in after)
    every, size = say.count(len(after)), say.number(0.1, 1)
    text = say(
        nl=f"Van de {every} kenmerken komen er {say.count(closer)} dichter bij de "
        f"experimentgemeenten en ligt het verschil bij {say.count(near) if near else 'geen'} "
        f"onder {size} standaardafwijking.",
        en=f"Of the {every} characteristics, {say.count(closer) if closer else 'none'} "
        f"{'comes' if closer == 1 else 'come'} closer to the experiment municipalities, and the "
        f"difference is below {size} standard deviations for "
        f"{say.count(near) if near else 'none'}.",
    )
    return text + _left_out(say, before[0], outcome)


def _left_out(say: Language, check: Check, outcome: Outcome) -> str:
    """Say how many controls could not be matched, and which."""
    if not check.note:
        return ""
    controls = say.municipalities(outcome.primary.effect.n_control - check.n_control)
    reason = why(say, check.note, outcome)
    return say(
        nl=f" Niet vergeleken: {controls} ({reason}).", en=f" Not compared: {controls} ({reason})."
    )


def _synthetic_text(say: Language, outcome: Outcome) -> str:
    checks = outcome.results.checks
    units = named_checks(checks, "synthetic_unit")
    placebos = [c.estimate for c in named_checks(checks, "synthetic_placebo")]
    if not units or not placebos:
        return without_number(say, outcome, "synthetic_unit")
    larger = sum(abs(p) >= min(abs(u.estimate) for u in units) for p in placebos)
    every = say.number(len(placebos))
    return say(
        nl=f"Van de {every} controlegemeenten, elk in de plaats van een experimentgemeente gezet, "
        f"{'heeft' if larger == 1 else 'hebben'} er {say.count(larger) if larger else 'geen'} een "
        "schijneffect dat minstens zo groot is als het kleinste van de experimentgemeenten.",
        en=f"Of the {every} control municipalities, each put in the place of an experiment "
        f"municipality, {say.count(larger) if larger else 'none'} "
        f"{'have' if larger > 1 else 'has'} a placebo effect at least as large as the smallest "
        "effect of the experiment municipalities.",
    )
