"""What is wrong with a question of a questionnaire, in one clear line per mistake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ballot_eval.vote_choice import about_vote_choice

if TYPE_CHECKING:
    from ballot_eval.questionnaire import Question

#: Ids that are columns or words of the tables that results are made of.
RESERVED_IDS = frozenset(
    {
        *("answer", "cost", "experiment", "group", "n", "question"),
        *("published", "share_suppressed", "suppressed", "total"),
    }
)

#: Codes that say something else in the results: a sum, and what became of a question.
RESERVED_CODES = frozenset({"answered", "counted", "no_answer", "total", "unanswered"})

#: Scales whose answers may stand in an order.
_ORDERED = ("likert5", "single")

#: Words of columns that are personal data elsewhere, but may be a question about a group.
_GROUPS = ("gender", "geslacht")


def question_problems(question: Question) -> Iterator[str]:
    """Yield the mistakes in one question."""
    yield from _answers(question)
    yield from _share_of(question)
    yield from _numbers(question)
    yield from _flags(question)
    yield from _forbidden(question)


def _answers(question: Question) -> Iterator[str]:
    scale, found = question.scale, question.answers
    if scale in ("yes_no", "number", "open") and found:
        yield f"a question of scale {scale} has no answers of its own; remove answers"
    if scale == "likert5" and len(found) != 5:
        yield f"likert5 needs exactly 5 answers, in order (found {len(found)})"
    if scale in ("single", "multiple") and len(found) < 2:
        yield f"{scale} needs at least 2 answers (found {len(found)})"
    codes = [*question.codes, *question.missing_codes]
    if twice := _twice(codes):
        yield f"the code {twice} is given twice; allowed: each code once"
    for language in ("nl", "en"):
        if twice := _twice(answer.label(language) for answer in found):
            yield f"two answers have the {language} label {twice!r}; give each its own"
    if reserved := [code for code in codes if code in RESERVED_CODES]:
        yield (
            f"the code {reserved[0]} has another meaning in the results; allowed: any but "
            f"{', '.join(sorted(RESERVED_CODES))}"
        )
    if scale == "open" and question.missing_codes:
        yield "an open question has no codes for dont_know or refused; remove them"
    if scale == "likert5" and question.direction is None:
        yield "direction is missing; allowed: best_last, best_first, ordered"
    if scale not in _ORDERED and question.direction is not None:
        yield f"direction does not belong to the scale {scale}; remove it"


def _twice(texts: Iterable[str]) -> str:
    """Return the first text that occurs twice, or an empty text."""
    return next((text for text, times in Counter(texts).items() if times > 1), "")


def _share_of(question: Question) -> Iterator[str]:
    named, codes = question.share_of, question.codes
    if not named:
        return
    if question.scale == "multiple":
        yield "share_of does not belong to the scale multiple: each answer has a share; remove it"
    if unknown := [code for code in named if code not in codes]:
        allowed = ", ".join(codes) or "none on this scale"
        yield f"share_of names {unknown[0]}, which is no answer; allowed: {allowed}"
    if twice := _twice(named):
        yield f"share_of names {twice} twice; allowed: each answer once"
    if set(named) == set(codes):
        yield "share_of names all answers, whose share is always 1; leave one out"


def _numbers(question: Question) -> Iterator[str]:
    lowest, highest = question.minimum, question.maximum
    if question.scale != "number":
        if (lowest, highest) != (None, None):
            yield "minimum and maximum belong to the scale number; remove them"
    elif lowest is None or highest is None:
        yield "a number needs minimum and maximum"
    elif lowest >= highest:
        yield f"minimum {lowest:g} must be less than maximum {highest:g}"


def _flags(question: Question) -> Iterator[str]:
    if question.subgroup and question.scale not in ("likert5", "yes_no", "single"):
        yield f"subgroup needs the scale single, yes_no or likert5, not {question.scale}"
    if question.outcome and question.scale == "open":
        yield "an open question cannot be an outcome; remove outcome"
    if question.exposure and not (question.subgroup and question.scale == "yes_no"):
        yield "exposure needs the scale yes_no and subgroup = true"
    if question.outcome and question.subgroup:
        yield "a question is an outcome or a subgroup variable, not both"


def _forbidden(question: Question) -> Iterator[str]:
    # Within the function: the package of sources needs the study design, and that needs this.
    from ballot_eval.sources.personal import NAMES

    texts = [("id", question.id), ("nl", question.nl), ("en", question.en)]
    for answer in question.answers:
        texts += [(f"answer {answer.code}", t) for t in (answer.code, answer.nl, answer.en)]
    yield from asks_vote_choice(texts)
    if question.id in RESERVED_IDS:
        yield f"the id {question.id} has another meaning in the results; give another id"
    if question.id not in _GROUPS and NAMES.search(question.id):
        yield "id looks like personal data; allowed: groups such as age_band, and no names"


def asks_vote_choice(texts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield what to say of the texts (key, text) that look like vote choice."""
    for key, text in texts:
        if about_vote_choice(text):
            yield (
                f"{key} {text!r} looks like vote choice, which is never asked; remove the "
                "question, or use other words"
            )
