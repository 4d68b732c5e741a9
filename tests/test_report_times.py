"""What the report says of times, from results: also where something is not known."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from ballot_eval.reporting.tables import times as tables_times
from ballot_eval.reporting.wording.counting import NO_COUNTING
from ballot_eval.reporting.wording.times import NO_VOTING, time_sentences
from ballot_eval.results import Measure
from ballot_eval.topics.booths import CLOSE
from ballot_eval.topics.counting_time import CountingTimes, counting_time_results
from ballot_eval.topics.voters import voters_of
from ballot_eval.topics.voting_time import VotingTimes

NOTHING = CountingTimes((), {}, {})
MUNICIPALITIES = ("0755", "0513", "0363", "0344")


def voters(helped):
    """Return four voters in four municipalities, two per ballot."""
    return voters_of(
        pd.DataFrame(
            {
                "municipality_code": MUNICIPALITIES,
                "polling_station_id": "SB1",
                "ballot": ["new", "new", "old", "old"],
                "voting_seconds": [50.0, 60.0, 55.0, 65.0],
                "assisted": helped,
                "observation_status": "complete",
            }
        )
    )


@pytest.fixture
def said(gr2026):
    """Return a function from measures and voters per subset to the sentences."""

    def run(*voting, subsets=None, counting=NOTHING, study=gr2026):
        outcome = SimpleNamespace(
            study=study,
            voting=VotingTimes(voting, subsets or {}, None, {}),
            counting=counting,
            results=SimpleNamespace(voting_time=voting, counting_time=counting.measures),
        )
        return time_sentences(outcome)

    return run


def ratio(estimate, low, high, **fields):
    made = {"quantity": "ratio", "group": "new/old", "subset": "unassisted", "n": 4}
    made |= {"method": "mixed_model"} | fields
    return Measure(estimate=estimate, ci_lower=low, ci_upper=high, p_value=0.01, **made)


def test_that_nothing_was_measured_is_said_once_and_in_the_summary(said):
    sentences = {name: text for name, text in said().items() if text and name != "fewest_events"}
    assert sentences == {
        "voting_sample_text": NO_VOTING,
        "voting_answer_text": NO_VOTING,
        "counting_sample_text": NO_COUNTING,
        "counting_answer_text": NO_COUNTING,
    }


def test_of_whom_help_is_not_known_is_said(said):
    some = voters(["no", "no", "yes", "unknown"])
    text = said(subsets={"unassisted": some, "all": some})["voting_sample_text"]
    assert "Hulp kreeg 1 kiezer. Van 1 kiezer is niet vastgelegd of die hulp kreeg" in text


def test_where_help_was_not_recorded_all_voters_are_the_answer(said):
    found = said(ratio(0.8, 0.7, 0.9, subset="all"), subsets={"all": voters("unknown")})
    assert "Of kiezers hulp kregen, is niet vastgelegd" in found["voting_sample_text"]
    assert "Hulp kreeg" not in found["voting_sample_text"]
    assert found["voting_answer_text"].startswith(
        "Stemmen met het nieuwe stembiljet duurt 20% korter (verhouding 0,80; 0,70 tot 0,90)."
    )
    assert found["voting_ratio_text"].startswith("Van alle kiezers is de tijd")
    assert found["assisted_text"] == ""


@pytest.mark.parametrize(
    ("differing", "verb"), [(1, "één daarvan komt"), (2, "twee daarvan komen")]
)
def test_methods_that_differ(said, differing, verb):
    others = ("randomisation", "mixed_model_age")[:differing]
    measures = [ratio(0.8, 0.7, 0.9), *(ratio(0.9, 0.8, 1.1, method=name) for name in others)]
    text = said(*measures, subsets={"unassisted": voters("no"), "all": voters("no")})
    assert verb in text["voting_ratio_text"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ((600, 600, 600), "tot 600 seconden."),
        ((600, 600, 300), "600 seconden voor kiezers met hulp en 300 seconden voor alle kiezers."),
    ],
)
def test_every_horizon_is_named(said, seconds, text):
    fields = {"quantity": "horizon_seconds", "group": "all", "method": "plan_or_longest_known"}
    subsets = ("unassisted", "assisted", "all")
    measures = [
        Measure(subset=subset, estimate=value, **fields)
        for subset, value in zip(subsets, seconds, strict=True)
    ]
    assert said(*measures, subsets={"all": voters("no")})["horizon_text"].endswith(text)


def booths(note="", low=2.0):
    fields = {"subset": "120_arrivals_per_hour", "method": "queue_simulation"}
    numbers = (("new", 3.0, note), ("old", 3.0, ""), ("new-old", 0.0, ""))
    return [
        Measure(
            "booths_needed", group, estimate=value, ci_lower=low, ci_upper=4.0, note=why, **fields
        )
        for group, value, why in numbers
    ]


def test_a_number_of_booths_close_to_another_is_marked_and_explained(said):
    assert "| 3\\* (2 tot 4) | 3 (2 tot 4) |" in tables_times.booths(booths(CLOSE))
    subsets = {"all": voters("no")}
    assert "sterretje" in said(*booths(CLOSE), subsets=subsets)["booths_close_text"]
    assert said(*booths(), subsets=subsets)["booths_close_text"] == ""
    assert "\\*" not in tables_times.booths(booths())


def test_a_number_of_booths_without_interval():
    assert "| 3 (–) | 3 (–) |" in tables_times.booths(booths(low=float("nan")))


def test_what_one_ballot_shows_and_what_does_not_fit_is_said(gr2026, said):
    start = pd.Timestamp("2026-03-18T21:00")
    rows = pd.DataFrame(
        {
            "election_id": "GR2026",
            "municipality_code": ["0755", "0755", "0513", "0513"],
            "counting_method": "DSO",
            "counting_unit_type": "polling_station",
            "started_at": start,
            "ended_at": start + pd.to_timedelta([60, 90, 120, 150], unit="min"),
            "counters_count": 4,
            "ballots_count": 500,
            "lists_count": 10,
            "recount": "no",
            "counting_status": ["finished", "finished", "finished", "still_counting"],
        }
    )
    counting = counting_time_results(rows, gr2026)
    found = said(counting=counting)
    assert found["unfinished_text"].endswith("ophield: 1 van de 4 bij stembureaus met DSO.")
    assert found["counting_sample_text"].startswith("Er zijn tijden van 4 met het nieuwe en 0 met")
    doubt = Measure(
        "proportional_hazards", "new/old", "DSO", "schoenfeld", float("nan"), p_value=0.01
    )
    text = said(counting=CountingTimes((doubt,), counting.curves, counting.paces))
    assert text["proportional_text"].startswith("Bij stembureaus met DSO (p-waarde 0,010)")
    assert found["proportional_text"] == ""
