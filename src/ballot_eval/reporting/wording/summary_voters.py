"""What the summary says of voters: mistakes, learning, time in the booth, answers, turnout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.questionnaire import Question
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.survey import index, lead_outcome
from ballot_eval.reporting.wording.measures import find_measure
from ballot_eval.reporting.wording.verdicts import (
    joint_verdict,
    not_estimated,
    verdict,
)
from ballot_eval.results import Check, MarkingMeasure, Measure
from ballot_eval.topics.naive_change import ROUNDED
from ballot_eval.topics.survey.cells import COUNTED, TOTAL
from ballot_eval.topics.survey.comparisons import COMPARED
from ballot_eval.topics.survey.sample import CONTROL, EXPERIMENT

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome
    from ballot_eval.topics.survey import SurveyResults


def reasons_answer(say: Language, outcome: Outcome) -> str:
    """Answer what goes wrong: invalid because of the design, and votes for a party alone."""
    items = [
        m
        for m in outcome.results.marking
        if (m.unit, m.election, m.source) == ("experiment", outcome.study.election, "")
    ]
    design = _marked(items, "reasons", "design", "share_of_invalid")
    of_cast = _marked(items, "reasons", "design", "share_of_votes_cast")
    party = _marked(items, "party_only", "total", "share_of_valid")
    parts = []
    if design is None or of_cast is None:
        parts.append(
            say(
                nl="De redenen van ongeldigheid zijn niet gemeten.",
                en="The reasons for invalidity were not measured.",
            )
        )
    else:
        share, cast = say.percent(design.estimate, 0), say.percent(of_cast.estimate)
        ends = _ends(say, design, 0)
        parts.append(
            say(
                nl=f"Van de ongeldige stemmen is {share}{ends} ongeldig door het stembiljet: "
                f"{cast} van alle uitgebrachte stemmen.",
                en=f"Of the invalid votes, {share}{ends} are invalid due to the ballot paper: "
                f"{cast} of all votes cast.",
            )
        )
    if party is None:
        parts.append(
            say(
                nl="Hoe vaak alleen een partij is gemarkeerd, is niet gemeten.",
                en="How often only a party was marked was not measured.",
            )
        )
    else:
        share, ends = say.percent(party.estimate, 1), _ends(say, party, 1)
        parts.append(
            say(
                nl=f"Op {share}{ends} van de geldige stemmen is alleen een partij gemarkeerd; die "
                "tellen voor de eerste kandidaat.",
                en=f"In {share}{ends} of the valid votes only a party was marked; these count for "
                "the first candidate.",
            )
        )
    return " ".join(parts)


def _marked(
    items: list[MarkingMeasure], topic: str, level: str, quantity: str
) -> MarkingMeasure | None:
    """Return the number with these fields, None without one."""
    for m in items:
        if (m.topic, m.level, m.quantity) == (topic, level, quantity):
            return None if math.isnan(m.estimate) else m
    return None


def _ends(say: Language, m: MarkingMeasure, digits: int) -> str:
    if math.isnan(m.ci_lower):
        return ""
    return f" ({say.interval(m.ci_lower, m.ci_upper, digits)})"


def learning_answer(say: Language, outcome: Outcome) -> str:
    """Answer whether the effect fades: over time, and for those who used the ballot before."""
    parts = [text for text in (_over_time(say, outcome), _later(say, outcome)) if text]
    return " ".join(parts) or say(
        nl="Het leereffect is niet gemeten.", en="The learning effect was not measured."
    )


def first_to_last(outcome: Outcome) -> Measure | None:
    """Return the change of the effect from the first use of the plan to the study's election.

    Counted where there are counts, else what rounding leaves of it; None where neither is known.
    """
    study = outcome.study
    if study.learning is None:
        return None
    first, last = study.learning.exposures[0].election, study.learning.exposures[-1].election
    for subset, methods in (
        (study.analysis.weighting, ("randomisation_studentised", "randomisation")),
        ("ballot", ("identity_rounded",)),
    ):
        for method in methods:
            for m in outcome.results.learning:
                about = (m.quantity, m.group, m.subset, m.method)
                wanted = ("change_in_excess", f"{last}-{first}", subset, method)
                if about == wanted and math.isfinite(m.estimate):
                    return m
    return None


def _over_time(say: Language, outcome: Outcome) -> str:
    m = first_to_last(outcome)
    if m is None:
        return ""
    later, earlier = m.group.split("-")
    limits = _in_points(say, m)
    between = say(nl=f"van {earlier} naar {later}", en=f"from {earlier} to {later}")
    if m.method in ROUNDED:
        ends = say.limits(m)
        return say(
            nl=f"In de gemeenten die telkens meededen, veranderde het effect {between} met "
            f"{ends}; meer laat de afronding van gepubliceerde cijfers niet zien, en te toetsen "
            "is het niet.",
            en=f"In the municipalities that took part each time, the effect changed by {ends} "
            f"{between}; the rounding of published figures shows no more, and it cannot be "
            "tested.",
        )
    changed = {
        "more": say(nl="nam het effect toe", en="the effect grew"),
        "less": say(nl="nam het effect af", en="the effect became smaller"),
        "not_shown": say(
            nl="veranderde het effect niet aantoonbaar",
            en="no change of the effect has been shown",
        ),
        "not_tested": say(nl="veranderde het effect", en="the effect changed"),
    }[verdict(m.estimate, m.ci_lower, m.ci_upper)]
    return say(
        nl=f"In de gemeenten die telkens meededen, {changed} {between} ({limits}).",
        en=f"In the municipalities that took part each time, {changed} {between} ({limits}).",
    )


def _in_points(say: Language, m: Measure | Check, digits: int = 2) -> str:
    ends = say.interval(m.ci_lower, m.ci_upper, digits, percent_sign=False, sign=True)
    return f"{say.points(m.estimate, digits)}; {ends}"


def _later(say: Language, outcome: Outcome) -> str:
    for m in outcome.results.learning:
        if (m.quantity, m.method) == ("later_against_first", "exact_permutation"):
            break
    else:
        return ""
    found = verdict(m.estimate, m.ci_lower, m.ci_upper)
    if found == "not_measured":
        return ""
    limits = _in_points(say, m)
    than = {
        "more": say(nl="groter dan", en="larger than"),
        "less": say(nl="kleiner dan", en="smaller than"),
        "not_shown": say(nl="niet aantoonbaar anders dan", en="not shown to differ from"),
        "not_tested": say(nl="niet te vergelijken met", en="not comparable with"),
    }[found]
    return say(
        nl=f"Bij later gebruik is het effect {than} bij eerste gebruik ({limits}).",
        en=f"At later use the effect is {than} that at first use ({limits}).",
    )


def turnout_answer(say: Language, outcome: Outcome) -> str:
    """Answer whether turnout changed otherwise than in the control municipalities."""
    for check in outcome.results.checks:
        if check.check == "placebo_outcome":
            break
    else:
        return say(nl="De opkomst is niet gemeten.", en="Turnout was not measured.")
    found = verdict(check.estimate, check.ci_lower, check.ci_upper)
    if found == "not_measured":
        return not_estimated(say, outcome, check.note)
    limits = _in_points(say, check, 1)
    text = {
        "not_shown": say(
            nl="Geen verschil met de controlegemeenten aangetoond",
            en="No difference from the control municipalities shown",
        ),
        "more": say(
            nl="Ja: zij is hoger dan met de controlegemeenten te verwachten was",
            en="Yes: it is higher than the control municipalities led one to expect",
        ),
        "less": say(
            nl="Ja: zij is lager dan met de controlegemeenten te verwachten was",
            en="Yes: it is lower than the control municipalities led one to expect",
        ),
        "not_tested": say(
            nl="Het verschil met de controlegemeenten is niet te toetsen",
            en="The difference from the control municipalities cannot be tested",
        ),
    }[found]
    return f"{text} ({limits})."


def booth_answer(say: Language, outcome: Outcome) -> str:
    """Answer whether voters are longer in the booth, by the method that the plan names."""
    if "all" not in outcome.voting.voters:
        return say(
            nl="De tijd in het stemhokje is niet gemeten.",
            en="The time in the booth was not measured.",
        )
    subset = outcome.voting.main
    ratio = find_measure(
        outcome.results.voting_time,
        quantity="ratio",
        subset=subset,
        method=outcome.study.times.method,
    )
    medians = _medians(say, outcome, subset)
    if ratio is None:
        return not_estimated(say, outcome, "") + medians
    size = say.percent(abs(ratio.estimate - 1), 0)
    ends = say.between(ratio.ci_lower, ratio.ci_upper)
    limits = say(
        nl=f"verhouding {say.number(ratio.estimate, 2)}; {ends}",
        en=f"ratio {say.number(ratio.estimate, 2)}; {ends}",
    )
    text = {
        "more": say(nl=f"Ja, {size} langer", en=f"Yes, {size} longer"),
        "less": say(nl=f"Nee, {size} korter", en=f"No, {size} shorter"),
        "not_shown": say(nl="Geen verschil aangetoond", en="No difference shown"),
        "not_tested": say(nl="Een verschil is niet te toetsen", en="A difference cannot be tested"),
    }[verdict(ratio.estimate, ratio.ci_lower, ratio.ci_upper, neutral=1.0)]
    return f"{text} ({limits}).{medians}"


def _medians(say: Language, outcome: Outcome, subset: str) -> str:
    """Add within how many seconds half of the voters are ready; nothing unless known of both."""
    found = [
        find_measure(
            outcome.results.voting_time,
            quantity="median_seconds",
            group=ballot,
            subset=subset,
            method="kaplan_meier",
        )
        for ballot in ("new", "old")
    ]
    if found[0] is None or found[1] is None:
        return ""
    new, old = (say.number(m.estimate) for m in found if m is not None)
    if subset == "all":
        who = say(nl="alle kiezers", en="all voters")
    else:
        who = say(nl="de kiezers zonder hulp", en="the voters without help")
    return say(
        nl=f" De helft van {who} is klaar binnen {new} seconden; met het oude stembiljet {old}.",
        en=f" Half of {who} have finished within {new} seconds; with the old ballot, {old}.",
    )


def survey_answer(say: Language, outcome: Outcome) -> str:
    """Answer what voters and polling station members say: the first outcome of each survey."""
    parts = []
    for table, nobody in (
        ("voter_survey", say(nl="Kiezers zijn niet gevraagd.", en="Voters were not asked.")),
        (
            "station_survey",
            say(
                nl="Stembureauleden zijn niet gevraagd.",
                en="Polling station members were not asked.",
            ),
        ),
    ):
        survey = next((s for s in outcome.surveys if s.questionnaire.table == table), None)
        lead = lead_outcome(survey.questionnaire) if survey else None
        if survey is None or lead is None:
            parts.append(nobody)
        else:
            parts.append(_said(say, outcome, survey, lead))
    return " ".join(parts)


#: Who answers, at the start of a sentence.
WHO = {
    "nl": {"voter_survey": "Kiezers", "station_survey": "Stembureauleden"},
    "en": {"voter_survey": "Voters", "station_survey": "Polling station members"},
}


def _said(say: Language, outcome: Outcome, survey: SurveyResults, lead: Question) -> str:
    """Say how many gave the counted answers with either ballot, and what the difference shows."""
    found = index(survey.measures, outcome.study)
    shares = [
        found.get(("share", lead.id, COUNTED, group, TOTAL, TOTAL))
        for group in (EXPERIMENT, CONTROL)
    ]
    who = say.pick(WHO)[survey.questionnaire.table]
    known = [m.estimate for m in shares if m is not None and math.isfinite(m.estimate)]
    if len(known) < len(shares):
        return say(
            nl=f"{who}: een vergelijking is niet te tonen.",
            en=f"{who}: no comparison can be shown.",
        )
    difference = found.get(("difference", lead.id, COUNTED, COMPARED, TOTAL, TOTAL))
    new, old = (say.percent(share, 0) for share in known)
    question, answer = lead.wording(say.code), _answers(say, lead)
    text = say(
        nl=f"{who}, op ‘{question}’: {new} zegt ‘{answer}’, met het oude stembiljet {old}",
        en=f"{who}, to ‘{question}’: {new} say ‘{answer}’, with the old ballot {old}",
    )
    alpha = 1 - outcome.study.analysis.confidence_level
    shown = (
        "not_tested"
        if difference is None
        else joint_verdict(difference.estimate, difference.p_adjusted, alpha=alpha)
    )
    if difference is None or shown in ("not_measured", "not_tested"):
        return say(nl=f"{text}; dat is niet te toetsen.", en=f"{text}; this cannot be tested.")
    ends = say.interval(difference.ci_lower, difference.ci_upper, 0, percent_sign=False, sign=True)
    limits = say(nl=f"({ends} procentpunt)", en=f"({ends} percentage points)")
    if shown == "not_shown":
        return say(
            nl=f"{text}; geen verschil aangetoond {limits}.",
            en=f"{text}; no difference shown {limits}.",
        )
    return say(
        nl=f"{text}; dat verschil is aangetoond {limits}.",
        en=f"{text}; that difference has been shown {limits}.",
    )


def _answers(say: Language, question: Question) -> str:
    """Return the answers that are counted together, as they were worded."""
    labels = [question.label(code, say.code) for code in question.counted]
    joined = say(nl=" of ", en=" or ")
    return joined.join([labels[0], *(label[0].lower() + label[1:] for label in labels[1:])])
