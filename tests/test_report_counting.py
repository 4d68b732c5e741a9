"""What the report says of counting times, from results: every sentence in both languages."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
from ballot_eval.reporting.tables import times as tables_times
from ballot_eval.reporting.wording.counting import counting_sentences
from ballot_eval.results import Measure
from ballot_eval.topics.counting_time import MIDNIGHT, CountingTimes, counting_time_results


@pytest.fixture
def said(gr2026):
    """Return a function from a language and the results on counts to the sentences."""

    def run(say, counting):
        results = SimpleNamespace(counting_time=counting.measures)
        outcome = SimpleNamespace(study=gr2026, counting=counting, results=results)
        return counting_sentences(say, outcome)

    return run


def counts(ends, status="finished"):
    """Return four counts at DSO stations that took so many minutes, the last one so far."""
    start = pd.Timestamp("2026-03-18T21:00")
    return pd.DataFrame(
        {
            "election_id": "GR2026",
            "municipality_code": ["0755", "0755", "0513", "0513"],
            "counting_method": "DSO",
            "counting_unit_type": "polling_station",
            "started_at": start,
            "ended_at": start + pd.to_timedelta(ends, unit="min"),
            "counters_count": 4,
            "ballots_count": 500,
            "lists_count": 10,
            "recount": "no",
            "counting_status": ["finished", "finished", "finished", status],
        }
    )


@pytest.mark.parametrize(
    ("say", "unfinished", "all_finished", "sample", "doubtful"),
    [
        (
            DUTCH,
            "ophield: 1 van de 4 bij stembureaus met DSO.",
            "Alle tellingen waren klaar.",
            "Er zijn tijden van 4 met het nieuwe en 0 met",
            "Bij stembureaus met DSO (p-waarde 0,010) is het twijfelachtig",
        ),
        (
            ENGLISH,
            "stopped: 1 of the 4 at polling stations with DSO.",
            "All counts had finished.",
            "There are times of counts at polling stations with DSO (4 with the new and 0 with the",
            "At polling stations with DSO (p-value 0.010), it is doubtful",
        ),
    ],
    ids=["nl", "en"],
)
def test_what_one_ballot_shows_and_what_does_not_fit_is_said(
    gr2026, said, say, unfinished, all_finished, sample, doubtful
):
    counting = counting_time_results(counts([60, 90, 120, 150], "still_counting"), gr2026)
    found = said(say, counting)
    assert found["unfinished_text"].endswith(unfinished)
    assert found["counting_sample_text"].startswith(sample)
    doubt = Measure(
        "proportional_hazards", "new/old", "DSO", "schoenfeld", float("nan"), p_value=0.01
    )
    text = said(say, CountingTimes((doubt,), counting.curves, counting.paces))
    assert text["proportional_text"].startswith(doubtful)
    assert found["proportional_text"] == ""
    whole = counting_time_results(counts([60, 90, 120, 150]), gr2026)
    assert said(say, whole)["unfinished_text"] == all_finished


def work(estimate, low, high, **fields):
    made = {"quantity": "work_ratio", "group": "new/old", "subset": "DSO", "method": "mixed_model"}
    made |= {"p_value": 0.01} | fields
    return Measure(estimate=estimate, ci_lower=low, ci_upper=high, **made)


@pytest.fixture
def told(said):
    """Return a function from a language and measures of counts to the sentences."""

    def run(say, *measures):
        seen = SimpleNamespace(at_risk=[1])
        curves, paces = {"DSO": {"new": seen}}, {"DSO": {"new": [1.0]}}
        return said(say, CountingTimes(measures, curves, paces))

    return run


@pytest.mark.parametrize(
    ("say", "measures", "words"),
    [
        (DUTCH, [], "Een vergelijking is met deze gegevens niet te berekenen."),
        (DUTCH, [(0.8, 0.7, 0.9)], "tellen 20% minder werk (verhouding 0,80; 0,70 tot 0,90)."),
        (DUTCH, [(1.2, 1.1, 1.3)], "Bij stembureaus met DSO is tellen 20% meer werk"),
        (DUTCH, [(0.9, 0.7, 1.1)], "Bij stembureaus met DSO is geen verschil aangetoond"),
        (ENGLISH, [], "A comparison cannot be"),
        (ENGLISH, [(0.8, 0.7, 0.9)], "counting is 20% less work (ratio 0.80; 0.70 to 0.90)."),
        (ENGLISH, [(1.2, 1.1, 1.3)], "At polling stations with DSO, counting is 20% more work"),
        (ENGLISH, [(0.9, 0.7, 1.1)], "At polling stations with DSO, no difference was shown"),
    ],
)
def test_the_answer_on_counting_times(told, say, measures, words):
    assert words in told(say, *(work(*m) for m in measures))["counting_answer_text"]


@pytest.mark.parametrize(
    ("say", "ratios", "answer", "disagree"),
    [
        (
            DUTCH,
            "oude stembiljet is bij stembureaus met DSO 0,80 (0,70 tot 0,90).",
            "Niet elke methode bevestigt dit.",
            "Over stembureaus met DSO zijn de methoden het niet eens",
        ),
        (
            ENGLISH,
            "to that with the old is 0.80 (0.70 to 0.90) at polling stations with DSO.",
            "Not every method confirms this.",
            "On polling stations with DSO, the methods disagree",
        ),
    ],
    ids=["nl", "en"],
)
def test_a_method_of_counting_times_that_disagrees_is_told(told, say, ratios, answer, disagree):
    alone = told(say, work(0.8, 0.7, 0.9))
    both = told(say, work(0.8, 0.7, 0.9), work(0.9, 0.7, 1.1, method="cr2"))
    assert ratios in alone["counting_ratio_text"]
    for found, differ in ((alone, False), (both, True)):
        assert (answer in found["counting_answer_text"]) is differ
        assert (disagree in found["counting_ratio_text"]) is differ


@pytest.mark.parametrize(
    ("say", "midnight", "since", "nothing"),
    [
        (
            DUTCH,
            "Om middernacht was klaar: bij stembureaus met DSO 98% van de tellingen met het oude "
            "stembiljet.",
            "is bij stembureaus met DSO sinds GR2022 0,80 (0,70 tot 0,90; p-waarde 0,010).",
            "Van een eerdere verkiezing zijn geen tijden die te vergelijken zijn.",
        ),
        (
            ENGLISH,
            "Finished by midnight: at polling stations with DSO, 98% of the counts with the old "
            "ballot.",
            "is 0.80 at polling stations with DSO since GR2022 (0.70 to 0.90; p-value 0.010).",
            "There are no times of an earlier election that can be compared.",
        ),
    ],
    ids=["nl", "en"],
)
def test_shares_at_midnight_and_changes_since_are_told(told, say, midnight, since, nothing):
    share = Measure(
        f"share_finished_{MIDNIGHT}_minutes_after_closing", "old", "DSO", "kaplan_meier", 0.98
    )
    found = told(say, share, work(0.8, 0.7, 0.9, quantity="pace_ratio_since_GR2022"))
    assert found["finished_text"] == midnight
    assert found["counting_since_text"].endswith(since)
    assert told(say)["counting_since_text"] == nothing
    assert told(say)["finished_text"] == ""


WORD = re.compile(r"[^\W\d]\w+")

#: Words of the tables that are the same in Dutch and in English.
SHARED = {
    "Interval",
    "interval",
    "Moment",
    "P90",
    "DSO",
    "CSO",
    "Cox",
    "model",
    "median",
    "CR2",
    "per",
}


def test_tables_of_times_differ_in_their_words_alone(gr2026):
    counting = counting_time_results(counts([60, 90, 120, 150]), gr2026)
    voting = [
        Measure("ratio", "new/old", "all", "mixed_model", 0.8),
        *(
            Measure("booths_needed", group, "60_arrivals_per_hour", "queue_simulation", 2.0)
            for group in ("new", "old", "new-old")
        ),
    ]
    results = SimpleNamespace(voting_time=voting, counting_time=counting.measures)
    dutch, english = (
        tables_times.time_tables(say, SimpleNamespace(results=results)) for say in LANGUAGES
    )
    assert list(dutch) == list(english)
    for name, table in dutch.items():
        assert table.count("|") == english[name].count("|")
        assert set(WORD.findall(table)) & set(WORD.findall(english[name])) <= SHARED
