"""The sentences of the report on the voting booths that are needed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.times import booth_rows, is_close
from ballot_eval.reporting.wording.measures import NO_COMPARISON

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome
    from ballot_eval.plan_topics import Queue


def booth_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    return {"booths_text": _booths(say, outcome), "booths_close_text": _close(say, outcome)}


def _booths(say: Language, outcome: Outcome) -> str:
    queue = outcome.study.times.queue
    rows = list(booth_rows(outcome.results.voting_time))
    if queue is None or not rows:
        return say(
            nl="Hoeveel stemhokjes nodig zijn, is niet berekend.",
            en="How many voting booths are needed was not calculated.",
        )
    found = [(say.number(rate), d) for rate, _, _, d in rows if math.isfinite(d.ci_lower)]
    fewer = [rate for rate, d in found if d.ci_upper < 0]
    more = [rate for rate, d in found if d.ci_lower > 0]
    if not found:
        answer = say.pick(NO_COMPARISON)
    elif not fewer and not more:
        answer = say(
            nl="Dat daarvoor met het nieuwe stembiljet meer of minder stemhokjes nodig zijn, is "
            "bij geen van de onderzochte aantallen kiezers aangetoond.",
            en="That this takes more or fewer voting booths with the new ballot was not "
            "shown at any of the numbers of voters examined.",
        )
    else:
        some = len(fewer) + len(more) < len(found)
        answer = _difference(say, fewer, more, some_unclear=some)
    return f"{_rule(say, queue)} {answer}"


def _rule(say: Language, queue: Queue) -> str:
    """Say how long how many voters may wait."""
    share, peak = say.percent(queue.max_share, 0), say.number(queue.peak_minutes)
    wait = say.number(queue.max_wait_minutes)
    return say(
        nl=f"De eis in het analyseplan is dat van de kiezers die in een piek van {peak} minuten "
        f"aankomen, minder dan {share} langer dan {wait} minuten op een stemhokje wacht.",
        en=f"The analysis plan requires that of the voters who arrive in a peak of {peak} minutes, "
        f"fewer than {share} wait longer than {wait} minutes for a voting booth.",
    )


def _difference(say: Language, fewer: list[str], more: list[str], *, some_unclear: bool) -> str:
    """Say at which numbers of voters per hour a difference was shown."""
    words = {"nl": ("minder", "meer"), "en": ("fewer", "more")}
    parts = [
        say(
            nl=f"bij {say.listed(rates)} kiezers per uur {word} stemhokjes nodig",
            en=f"{word} voting booths are needed at {say.listed(rates)} voters per hour",
        )
        for word, rates in zip(say.pick(words), (fewer, more), strict=True)
        if rates
    ]
    rest = say(
        nl="; bij de andere aantallen is geen verschil aangetoond",
        en="; at the other numbers no difference was shown",
    )
    return say(
        nl=f"Met het nieuwe stembiljet zijn {say.listed(parts)}{rest if some_unclear else ''}.",
        en=f"With the new ballot, {say.listed(parts)}{rest if some_unclear else ''}.",
    )


def _close(say: Language, outcome: Outcome) -> str:
    """Explain the mark on a number of booths that is close to another; nothing without one."""
    rows = booth_rows(outcome.results.voting_time)
    if not any(is_close(m) for _, *measures in rows for m in measures):
        return ""
    return say(
        nl="Bij een getal met een sterretje ligt het aandeel dat te lang wacht zo dicht bij de "
        "grens, dat een nieuwe nabootsing op een stemhokje meer of minder kan uitkomen.",
        en="For a number with an asterisk, the share that waits too long lies so close to the "
        "limit that a new simulation could give one voting booth more or fewer.",
    )
