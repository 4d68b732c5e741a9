"""What the summary says of the count: whether it takes more work, and whether it is more exact."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.wording.measures import find_measure
from ballot_eval.reporting.wording.verdicts import not_estimated, verdict
from ballot_eval.results import MarkingMeasure, Measure
from ballot_eval.topics.marking.counting_differences import TOPIC as DIFFERENCES
from ballot_eval.topics.marking.shares import CONTRAST
from ballot_eval.topics.marking.station_records import UNKNOWN_METHOD

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: The kinds of count, which are different work, as words in a sentence.
KINDS = {
    "nl": {
        "DSO": "stembureaus die alles tellen (DSO)",
        "CSO": "stembureaus die alleen lijsten tellen (CSO)",
        "CSO_central": "centrale zittingen",
    },
    "en": {
        "DSO": "polling stations that count everything (DSO)",
        "CSO": "polling stations that count lists only (CSO)",
        "CSO_central": "central sessions",
    },
}

#: Methods that compare the work; the plan names the one that answers.
WORK = (("work_ratio", "mixed_model"), ("work_ratio", "cr2"), ("pace_ratio", "randomisation"))

#: Ways of counting whose records are compared, as words in a sentence.
RECORDS = {
    "nl": {"DSO": "DSO", "CSO": "CSO", UNKNOWN_METHOD: "onbekende wijze van tellen"},
    "en": {"DSO": "DSO", "CSO": "CSO", UNKNOWN_METHOD: "way of counting unknown"},
}


def work_ratio(outcome: Outcome, kind: str) -> Measure | None:
    """Return the ratio of the work, new to old, by the method that the plan names."""
    method = outcome.study.times.method
    quantity = "work_ratio" if method == "mixed_model" else "pace_ratio"
    return find_measure(
        outcome.results.counting_time, quantity=quantity, subset=kind, method=method
    )


def work_verdict(m: Measure) -> str:
    """Return what a ratio of the work shows."""
    return verdict(m.estimate, m.ci_lower, m.ci_upper, neutral=1.0)


def counting_answer(say: Language, outcome: Outcome) -> str:
    """Answer whether counting takes more work, for every kind of count apart."""
    kinds = [kind for kind in say.pick(KINDS) if kind in outcome.counting.paces]
    if not kinds:
        return say(
            nl="De tijd voor het tellen is niet gemeten.",
            en="The time that counting takes was not measured.",
        )
    found = {kind: m for kind in kinds if (m := work_ratio(outcome, kind)) is not None}
    if not found:
        return not_estimated(say, outcome, "")
    text = say(nl="Verhouding nieuw tot oud: ", en="Ratio of new to old: ")
    text += "; ".join(f"{say.pick(KINDS)[kind]} {_work(say, m)}" for kind, m in found.items())
    text += "."
    if any(_disputed(outcome, kind, m) for kind, m in found.items()):
        text += say(
            nl=" Niet elke methode komt tot dezelfde slotsom.",
            en=" Not every method comes to the same conclusion.",
        )
    return text


def _work(say: Language, m: Measure) -> str:
    size = say.percent(abs(m.estimate - 1), 0)
    limits = f"{say.number(m.estimate, 2)}; {say.between(m.ci_lower, m.ci_upper)}"
    said = {
        "more": say(nl=f"{size} meer werk", en=f"{size} more work"),
        "less": say(nl=f"{size} minder werk", en=f"{size} less work"),
        "not_shown": say(nl="geen verschil aangetoond", en="no difference shown"),
        "not_tested": say(nl="niet te toetsen", en="cannot be tested"),
    }[work_verdict(m)]
    return f"{said} ({limits})"


def _disputed(outcome: Outcome, kind: str, answer: Measure) -> bool:
    """Return whether another method gives a kind of count another verdict."""
    return any(
        (m.quantity, m.method) in WORK
        and m.subset == kind
        and math.isfinite(m.estimate)
        and work_verdict(m) != work_verdict(answer)
        for m in outcome.results.counting_time
    )


def accuracy_answer(say: Language, outcome: Outcome) -> str:
    """Answer whether fewer stations count other numbers of ballots than of admitted voters.

    The change since the first baseline where there is one, else the difference at the election,
    which is no effect.
    """
    study = outcome.study
    items = [
        m
        for m in outcome.results.marking
        if (m.topic, m.unit, m.quantity) == (DIFFERENCES, CONTRAST, "stations_any_share")
    ]
    parts, level_only = [], False
    for level, words in say.pick(RECORDS).items():
        change = _with_number(items, f"{study.election}-{study.baselines[0]}", level)
        now = _with_number(items, study.election, level)
        if (m := change or now) is not None:
            level_only |= change is None
            parts.append(f"{words} {_exactness(say, m)}")
    if not parts:
        return say(
            nl="Een vergelijking van getelde stembiljetten met toegelaten kiezers is er niet.",
            en="There is no comparison of ballots counted with voters admitted.",
        )
    found, since = "; ".join(parts), study.baselines[0]
    text = say(
        nl="Hoe vaak stembureaus meer of minder stembiljetten telden dan kiezers, vergeleken met "
        f"de controlegemeenten{'' if level_only else f' en met {since}'}: {found}.",
        en="How often polling stations counted more or fewer ballots than voters, compared with "
        f"the control municipalities{'' if level_only else f' and with {since}'}: {found}.",
    )
    if level_only:
        text += say(
            nl=" Een vergelijking bij één verkiezing is geen effect.",
            en=" A comparison at one election is not an effect.",
        )
    return text


def _with_number(items: list[MarkingMeasure], election: str, level: str) -> MarkingMeasure | None:
    for m in items:
        if (m.election, m.level) == (election, level):
            return None if math.isnan(m.estimate) else m
    return None


def _exactness(say: Language, m: MarkingMeasure) -> str:
    ends = say.interval(m.ci_lower, m.ci_upper, 1, percent_sign=False, sign=True)
    said = {
        "more": say(nl="vaker", en="more often"),
        "less": say(nl="minder vaak", en="less often"),
        "not_shown": say(nl="geen verschil aangetoond", en="no difference shown"),
        "not_tested": say(nl="niet te toetsen", en="cannot be tested"),
    }[verdict(m.estimate, m.ci_lower, m.ci_upper)]
    return f"{said} ({say.points(m.estimate, 1)}; {ends})"
