"""Which municipality uses the new ballot for which time, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ballot_eval.formatting import sort_name
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import display_names

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: The first uses as words; a later one is written as a number.
TIMES = {
    "nl": {1: "eerste", 2: "tweede", 3: "derde", 4: "vierde"},
    "en": {1: "first", 2: "second", 3: "third", 4: "fourth"},
}


def which_time(say: Language, use: int) -> str:
    """Return which use of the ballot it is: ``derde``, ``third``."""
    return say.pick(TIMES).get(use) or say.ordinal(use)


def experiment_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentence by the name that the report refers to."""
    return {"experiment_uses_text": _uses(say, outcome)}


def _uses(say: Language, outcome: Outcome) -> str:
    study, names = outcome.study, display_names(outcome.study)
    groups: dict[int, list[str]] = {}
    for code in study.experiment():
        groups.setdefault(study.exposure(code, study.election), []).append(names[code])
    parts = []
    for use, members in sorted(groups.items(), reverse=True):
        listed, time = say.listed(sorted(members, key=sort_name)), which_time(say, use)
        parts.append(
            say(nl=f"voor de {time} keer in {listed}", en=f"for the {time} time in {listed}")
        )
    joined, where = "; ".join(parts), say.municipalities(len(study.experiment()))
    election = study.election_by_id(study.election)
    day = say.date(election.date)
    return say(
        nl=f"Bij {election.id} ({day}) is het nieuwe stembiljet gebruikt in {where}: {joined}.",
        en=f"At {election.id} ({day}) the new ballot paper was used in {where}: {joined}.",
    )
