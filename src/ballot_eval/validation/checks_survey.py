"""The checks behind the rules on surveys: of voters, at polling stations, of municipalities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ballot_eval.answers import answered, asked, filled, missing_code
from ballot_eval.questionnaire import NO_ANSWER, Question, Questionnaire
from ballot_eval.sources.personal import personal_in_text
from ballot_eval.validation import checks_times as times
from ballot_eval.validation.checks import Check
from ballot_eval.validation.context import Context, Hit
from ballot_eval.validation.moments import LAST_DAY, election_days
from ballot_eval.vote_choice import VOTE_CHOICE, names_party

VOTERS, STATIONS = "voter_survey", "station_survey"

#: So many interviews in a row with identical answers, by one interviewer, are suspicious, where
#: at least so many questions were answered.
LONGEST_RUN = 3
LEAST_ANSWERS = 5

#: An interview so long before the stations open or after they close is no slip of a few minutes.
SLACK_MINUTES = 60

#: Beyond this share of the asked without an answer or refusing, in percent, a question is named.
MISSING_PERCENT = 20

_STATION = ["election_id", "municipality_code", "polling_station_id"]
_WEIGHTS = ("station_voters_count", "approached_count", "refused_count")


def vote_choice(context: Context) -> Iterator[Hit]:
    """Yield the columns that look like vote choice; never what stands in them."""
    for file in context.raw.files:
        for column, sign in file.personal_columns:
            if sign == VOTE_CHOICE:
                yield Hit(file=file.path, fields=column, detail=f": {column}")


def each(hits: Callable[[Context, str], Iterator[Hit]]) -> Check:
    """Return the check of every survey of the study by what is a check of one table."""

    def check(context: Context) -> Iterator[Hit]:
        for questionnaire, _ in context.surveys():
            yield from hits(context, questionnaire.table)

    return check


def other_elections(context: Context) -> Iterator[Hit]:
    """Yield the rows of other elections than that of the questionnaire, per place."""
    for questionnaire, _ in context.surveys():
        yield from times.election_hits(context, questionnaire.table, (questionnaire.election,))


def unknown_station(context: Context) -> Iterator[Hit]:
    """Yield the rows of stations that are not among those counted in their municipality.

    Nothing can be said where a municipality gave no counting times of polling stations.
    """
    # All of them, those whose times are faulty too.
    counts = context.raw.tables[times.COUNTING]
    counts = counts[counts["counting_unit_type"] == "polling_station"]
    fields = ["election_id", "municipality_code", "counting_unit_id"]
    stations = set(map(tuple, counts[fields].to_numpy(dtype=str).tolist()))
    places = {key[:2] for key in stations}
    for questionnaire, frame in context.surveys():
        if questionnaire.table not in (VOTERS, STATIONS):
            continue
        keys = [tuple(key) for key in frame[_STATION].to_numpy(dtype=str).tolist()]
        strange = [key[:2] in places and key not in stations for key in keys]
        for _, group in frame[strange].groupby(_STATION):
            yield _group(context, questionnaire.table, group, "polling_station_id")


def _group(context: Context, table: str, group: pd.DataFrame, fields: str, value: str = "") -> Hit:
    """Return one hit on several rows, with the place of the first; of one row, with its own."""
    first = group.iloc[0]
    hit = Hit(
        table,
        tuple(int(i) for i in group.index),
        fields,
        "; ".join(filter(None, (_number(context, "rows", len(group)), value))),
    )
    if len(group) == 1:
        return hit
    return replace(
        hit,
        file=str(first["source_file"]),
        election=str(first["election_id"]),
        code=str(first["municipality_code"]),
        detail=f" ({first['source_file']}:{first['source_line']})",
    )


def _number(context: Context, name: str, count: int) -> str:
    """Return how many people it is about, or that they are fewer than the threshold."""
    threshold = context.study.survey.threshold
    return f"{name}<{threshold}" if 0 < count < threshold else f"{name}={count}"


def _per_file(
    context: Context, table: str, frame: pd.DataFrame, fields: str, value: str = ""
) -> Iterator[Hit]:
    for (file, election), group in frame.groupby(["source_file", "election_id"]):
        hit = _group(context, table, group, fields, value)
        one = len(group) == 1
        yield hit if one else replace(hit, file=str(file), election=str(election), code="")


def out_of_bounds(context: Context) -> Iterator[Hit]:
    """Yield the numbers below the minimum or above the maximum of their question."""
    for questionnaire, frame in context.surveys():
        for question in questionnaire.questions:
            if question.minimum is None or question.maximum is None:
                continue
            number = frame[question.id]
            for index, value in number[
                (number < question.minimum) | (number > question.maximum)
            ].items():
                # The number itself may be one of a person and is not shown.
                side = f"> {question.maximum:g}"
                if value < question.minimum:
                    side = f"< {question.minimum:g}"
                detail = f": {question.id} {side}"
                yield Hit(questionnaire.table, (int(str(index)),), question.id, "", detail)


def two_answers(context: Context) -> Iterator[Hit]:
    """Yield the rows with an answer and don't know or refused at once, per question and file."""
    for questionnaire, frame in context.surveys():
        for question in questionnaire.questions:
            if not question.missing_codes or question.scale not in ("multiple", "number"):
                continue
            if question.scale == "number":
                given = frame[question.id].notna() & (frame[f"{question.id}_{NO_ANSWER}"] != "")
            else:
                marks = [f"{question.id}_{code}" for code in question.codes]
                given = (frame[marks] == "yes").any(axis=1)
                given &= missing_code(frame, question) != ""
            yield from _per_file(context, questionnaire.table, frame[given], question.id)


def not_asked(context: Context) -> Iterator[Hit]:
    """Yield the answers to questions that were not asked, per question and file."""
    for questionnaire, frame in context.surveys():
        for question in questionnaire.questions:
            when = question.asked_when
            if when is None:
                continue
            wrong = filled(frame, question) & ~asked(frame, questionnaire, question.id)
            value = f"asked_when={when.question}:{'+'.join(when.answers)}"
            yield from _per_file(context, questionnaire.table, frame[wrong], question.id, value)


def _unanswered(
    questionnaire: Questionnaire, frame: pd.DataFrame
) -> Iterator[tuple[Question, int, int, int]]:
    """Yield question, rows asked, rows unanswered, and rows that refused."""
    for question in questionnaire.questions:
        # Most people have nothing to add to an open question.
        if question.scale == "open":
            continue
        mine = asked(frame, questionnaire, question.id)
        empty = mine & ~answered(frame, question)
        code = question.refused
        refused = 0 if code is None else int((missing_code(frame, question)[mine] == code).sum())
        yield question, int(mine.sum()), int(empty.sum()), refused


def unanswered(context: Context) -> Iterator[Hit]:
    """Yield the questions that some who were asked did not answer."""
    for questionnaire, frame in context.surveys():
        for question, _, empty, _ in _unanswered(questionnaire, frame):
            if empty:
                # How many is among the results, where small numbers are left out.
                yield Hit(
                    questionnaire.table,
                    (),
                    question.id,
                    "",
                    f": {question.id}",
                    election=questionnaire.election,
                )


def many_missing(context: Context) -> Iterator[Hit]:
    """Yield the questions that too many of those asked left empty or refused."""
    for questionnaire, frame in context.surveys():
        for question, n, empty, refused in _unanswered(questionnaire, frame):
            # Whole numbers, so that exactly the threshold is on the silent side without rounding.
            if 100 * (empty + refused) > MISSING_PERCENT * n:
                yield Hit(
                    questionnaire.table,
                    (),
                    question.id,
                    "",
                    f": {question.id}",
                    election=questionnaire.election,
                )


def identical(context: Context) -> Iterator[Hit]:
    """Yield the runs of interviews by one interviewer with the same answers to every question.

    In the order of their time; open answers and rows with few answers are left aside.
    """
    for questionnaire, frame in context.surveys():
        if "interviewer_id" not in frame:
            continue
        questions = [q for q in questionnaire.questions if q.scale != "open"]
        columns = [c.name for q in questions for c in q.columns()]
        if not questions:
            continue
        given = pd.concat([filled(frame, q) for q in questions], axis=1).sum(axis=1)
        enough = given >= LEAST_ANSWERS
        order = ["interviewed_at", "source_file", "source_line"]
        person = ["election_id", "municipality_code", "interviewer_id"]
        named = frame[frame["interviewer_id"] != ""].sort_values([*person, *order])
        # A run ends where the interviewer or an answer changes, or where few answers were given.
        cells = named[[*person, *columns]].astype(str).to_numpy(dtype=object)
        changes = np.ones(len(cells), dtype=bool)
        changes[1:] = (cells[1:] != cells[:-1]).any(axis=1)
        changes |= ~enough[named.index].to_numpy(dtype=bool)
        starts = np.flatnonzero(changes)
        for start, length in zip(starts, np.diff(starts, append=len(cells)), strict=True):
            if length >= LONGEST_RUN:
                # File and line say which; the code is that of a person and stays in the file.
                run = named.iloc[start : start + length]
                yield _group(context, questionnaire.table, run, "interviewer_id")


def _hours(context: Context) -> Iterator[tuple[str, int, str, float]]:
    """Yield table, row, time and minutes outside opening hours of the interviews outside them."""
    for questionnaire, frame in context.surveys():
        if questionnaire.table != VOTERS:
            continue
        minutes = frame["interviewed_at"].dt.hour * 60 + frame["interviewed_at"].dt.minute
        opens, closes = _minutes(questionnaire.opens), _minutes(questionnaire.closes)
        outside = (opens - minutes).clip(lower=0) + (minutes - closes).clip(lower=0)
        for index, distance in outside[outside > 0].items():
            moment = f"interviewed_at={frame.loc[index, 'interviewed_at']:%Y-%m-%dT%H:%M}"
            yield questionnaire.table, int(str(index)), moment, float(distance)


def _minutes(time: dt.time) -> int:
    return time.hour * 60 + time.minute


def around_hours(context: Context) -> Iterator[Hit]:
    """Yield the interviews with voters shortly before the stations opened or after they closed."""
    for table, index, moment, distance in _hours(context):
        if distance <= SLACK_MINUTES:
            yield Hit(table, (index,), "interviewed_at", moment)


def outside_hours(context: Context) -> Iterator[Hit]:
    """Yield the interviews with voters long before the stations opened or after they closed."""
    for table, index, moment, distance in _hours(context):
        if distance > SLACK_MINUTES:
            yield Hit(table, (index,), "interviewed_at", moment)


def on_another_day(context: Context) -> Iterator[Hit]:
    """Yield the interviews on a day on which there can be none.

    Voters are interviewed on the day of the election; members of a polling station fill in their
    form on that day or in the two weeks after it.
    """
    for questionnaire, frame in context.surveys():
        if "interviewed_at" not in frame:
            continue
        last = 0 if questionnaire.table == VOTERS else LAST_DAY
        day = election_days(frame["election_id"], context.study)
        days = (frame["interviewed_at"].dt.normalize() - day).dt.days
        for index in days.index[(days < 0) | (days > last)]:
            moment = f"interviewed_at={frame.loc[index, 'interviewed_at']:%Y-%m-%dT%H:%M}"
            yield Hit(questionnaire.table, (int(str(index)),), "interviewed_at", moment)


def _stations(
    context: Context, table: str
) -> Iterator[tuple[pd.DataFrame, dict[str, list[int]], Sequence[str]]]:
    """Yield per station its rows, the numbers it gives for each weight, and their names."""
    names = _WEIGHTS if table == VOTERS else ("staff_count",)
    for questionnaire, frame in context.surveys():
        if questionnaire.table == table:
            for _, group in frame.groupby(_STATION):
                found = {n: sorted({int(v) for v in group[n].dropna()}) for n in names}
                yield group, found, names


def different_weights(context: Context) -> Iterator[Hit]:
    """Yield the stations that give two numbers where every row should have the same one."""
    for table in (VOTERS, STATIONS):
        for group, found, names in _stations(context, table):
            for name in names:
                if len(found[name]) > 1:
                    numbers = dict.fromkeys(_number(context, name, n) for n in found[name])
                    value = "; ".join(numbers)
                    yield _group(context, table, group, name, value)


def impossible_weights(context: Context) -> Iterator[Hit]:
    """Yield the stations whose numbers of voters, approached and refusals cannot all be true.

    More refused than were approached, more approached than voted, more interviews than people
    who were approached and did not refuse, or none where there is an interview.
    """
    for table in (VOTERS, STATIONS):
        for group, found, names in _stations(context, table):
            one = {n: values[0] for n, values in found.items() if len(values) == 1}
            voters, approached, refused = (one.get(n) for n in _WEIGHTS)
            limits = [one.get("staff_count"), voters, approached]
            if approached is not None:
                limits.append(approached - (refused or 0))
            fault = any(len(group) > limit for limit in limits if limit is not None)
            fault |= voters is not None and approached is not None and approached > voters
            if fault:
                numbers = "; ".join(_number(context, n, v) for n, v in one.items())
                yield _group(context, table, group, "+".join(names), numbers)


def incomplete_weights(context: Context) -> Iterator[Hit]:
    """Yield the weight inputs that some stations give and others do not, per survey."""
    for table in (VOTERS, STATIONS):
        given = list(_stations(context, table))
        for name in given[0][2] if given else ():
            missing = sum(not found[name] for _, found, _ in given)
            if 0 < missing < len(given):
                election = context.study.election
                value = f"{name}: stations={missing} of {len(given)}"
                yield Hit(table, (), name, value, election=election)


def _open_answers(looks: Callable[[str], bool]) -> Check:
    def check(context: Context) -> Iterator[Hit]:
        for questionnaire, frame in context.surveys():
            for question in questionnaire.questions:
                if question.scale != "open":
                    continue
                found = frame[[looks(cell) for cell in frame[question.id]]]
                yield from _per_file(context, questionnaire.table, found, question.id)

    return check


def personal_open_answers() -> Check:
    """Return the check for open answers with an address or number of a person in them."""
    return _open_answers(personal_in_text)


def party_open_answers() -> Check:
    """Return the check for open answers in which the name of a party stands."""
    return _open_answers(names_party)
