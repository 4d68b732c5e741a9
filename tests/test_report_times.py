"""What the report says of times, from results: also where something is not known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
from ballot_eval.reporting.tables import times as tables_times
from ballot_eval.reporting.wording.counting import NO_COUNTING
from ballot_eval.reporting.wording.times import NO_VOTING, time_sentences
from ballot_eval.results import Measure
from ballot_eval.topics.booths import CLOSE
from ballot_eval.topics.counting_time import CountingTimes
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
    """Return a function from a language, measures and voters per subset to the sentences."""

    def run(say, *voting, subsets=None, counting=NOTHING, quantiles=None, study=gr2026):
        outcome = SimpleNamespace(
            study=study,
            voting=VotingTimes(voting, subsets or {}, quantiles, {}),
            counting=counting,
            results=SimpleNamespace(voting_time=voting, counting_time=counting.measures),
        )
        return time_sentences(say, outcome)

    return run


def ratio(estimate, low, high, **fields):
    made = {"quantity": "ratio", "group": "new/old", "subset": "unassisted", "n": 4}
    made |= {"method": "mixed_model"} | fields
    return Measure(estimate=estimate, ci_lower=low, ci_upper=high, p_value=0.01, **made)


def everyone(answers="no"):
    """Return subsets in which nobody was helped, or everybody answered so."""
    return {"unassisted": voters(answers), "all": voters(answers)}


@pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)
def test_that_nothing_was_measured_is_said_once_and_in_the_summary(said, say):
    sentences = {name: text for name, text in said(say).items() if text and name != "fewest_events"}
    assert sentences == {
        "voting_sample_text": say.pick(NO_VOTING),
        "voting_answer_text": say.pick(NO_VOTING),
        "counting_sample_text": say.pick(NO_COUNTING),
        "counting_answer_text": say.pick(NO_COUNTING),
    }


@pytest.mark.parametrize(
    ("say", "answers", "words"),
    [
        (
            DUTCH,
            ["no", "no", "yes", "unknown"],
            "Hulp kreeg 1 kiezer. Van 1 kiezer is niet vastgelegd of die hulp kreeg; die telt",
        ),
        (
            DUTCH,
            ["unknown", "unknown", "yes", "yes"],
            "Hulp kregen 2 kiezers. Van 2 kiezers is niet vastgelegd of zij hulp kregen; zij",
        ),
        (
            ENGLISH,
            ["no", "no", "yes", "unknown"],
            "1 voter was helped. For 1 voter it was not recorded whether they were helped; they",
        ),
        (
            ENGLISH,
            ["unknown", "unknown", "yes", "yes"],
            "2 voters were helped. For 2 voters it was not recorded whether they were helped; they",
        ),
    ],
)
def test_of_whom_help_is_not_known_is_said(said, say, answers, words):
    some = voters(answers)
    assert words in said(say, subsets={"unassisted": some, "all": some})["voting_sample_text"]


@pytest.mark.parametrize(
    ("say", "sample", "helped", "answer", "ratio_of"),
    [
        (
            DUTCH,
            "Of kiezers hulp kregen, is niet vastgelegd",
            "Hulp kreeg",
            "Stemmen met het nieuwe stembiljet duurt 20% korter (verhouding 0,80; 0,70 tot 0,90).",
            "Van alle kiezers is de tijd",
        ),
        (
            ENGLISH,
            "Whether voters were helped was not recorded",
            "were helped.",
            "Voting with the new ballot takes 20% less time (ratio 0.80; 0.70 to 0.90).",
            "For all voters, the time",
        ),
    ],
    ids=["nl", "en"],
)
def test_where_help_was_not_recorded_all_voters_are_the_answer(
    said, say, sample, helped, answer, ratio_of
):
    found = said(say, ratio(0.8, 0.7, 0.9, subset="all"), subsets={"all": voters("unknown")})
    assert sample in found["voting_sample_text"]
    assert helped not in found["voting_sample_text"]
    assert found["voting_answer_text"] == answer
    assert found["voting_ratio_text"].startswith(ratio_of)
    assert found["assisted_text"] == ""


@pytest.mark.parametrize(
    ("say", "measures", "words"),
    [
        (DUTCH, [(1.2, 1.1, 1.3)], "duurt 20% langer (verhouding 1,20; 1,10 tot 1,30)."),
        (ENGLISH, [(1.2, 1.1, 1.3)], "takes 20% more time (ratio 1.20; 1.10 to 1.30)."),
        (DUTCH, [(0.9, 0.8, 1.1)], "Een verschil is niet aangetoond (verhouding 0,90;"),
        (ENGLISH, [(0.9, 0.8, 1.1)], "No difference was shown (ratio 0.90;"),
        (DUTCH, [], "Een vergelijking is met deze gegevens niet te berekenen."),
        (ENGLISH, [], "A comparison cannot be"),
    ],
)
def test_the_answer_on_voting_times(said, say, measures, words):
    found = said(say, *(ratio(*m) for m in measures), subsets=everyone())
    assert words in found["voting_answer_text"]


@pytest.mark.parametrize(
    ("say", "ballots", "words"),
    [
        (
            DUTCH,
            ("new", "old"),
            "De helft van de kiezers zonder hulp is klaar binnen 45 seconden met het nieuwe en "
            "binnen 45 seconden met het oude stembiljet.",
        ),
        (
            ENGLISH,
            ("new", "old"),
            "Half of the voters without help have finished within 45 seconds with the new and "
            "within 45 seconds with the old ballot.",
        ),
        (DUTCH, ("old",), "zonder hulp is klaar binnen 45 seconden met het oude stembiljet."),
        (ENGLISH, ("old",), "without help have finished within 45 seconds with the old ballot."),
    ],
)
def test_the_medians_are_told_by_ballot(said, say, ballots, words):
    medians = [
        Measure("median_seconds", ballot, "unassisted", "kaplan_meier", 45.0) for ballot in ballots
    ]
    found = said(say, ratio(0.8, 0.7, 0.9), *medians, subsets=everyone())
    assert found["voting_answer_text"].endswith(words)


@pytest.mark.parametrize(
    ("say", "differing", "words"),
    [
        (DUTCH, 0, ", en zij zijn het eens of er een verschil is aangetoond."),
        (DUTCH, 1, "; één daarvan komt tot een andere slotsom."),
        (DUTCH, 2, "; twee daarvan komen tot een andere slotsom."),
        (ENGLISH, 0, ", and they agree on whether a difference was shown."),
        (ENGLISH, 1, "; one of them reaches a different conclusion."),
        (ENGLISH, 2, "; two of them reach a different conclusion."),
    ],
)
def test_methods_that_differ(said, say, differing, words):
    others = ("randomisation", "mixed_model_age")
    measures = [ratio(0.8, 0.7, 0.9)]
    measures += [
        ratio(0.9, 0.8, 1.1 if i < differing else 0.95, method=name)
        for i, name in enumerate(others)
    ]
    assert said(say, *measures, subsets=everyone())["voting_ratio_text"].endswith(words)


@pytest.mark.parametrize(
    ("say", "seconds", "text"),
    [
        (DUTCH, (600, 600, 600), "tot 600 seconden."),
        (
            DUTCH,
            (600, 600, 300),
            "600 seconden voor kiezers met hulp en 300 seconden voor alle kiezers.",
        ),
        (ENGLISH, (600, 600, 600), "no more than 600 seconds."),
        (
            ENGLISH,
            (600, 600, 300),
            "600 seconds for voters with help and 300 seconds for all voters.",
        ),
    ],
)
def test_every_horizon_is_named(said, say, seconds, text):
    fields = {"quantity": "horizon_seconds", "group": "all", "method": "plan_or_longest_known"}
    subsets = ("unassisted", "assisted", "all")
    measures = [
        Measure(subset=subset, estimate=value, **fields)
        for subset, value in zip(subsets, seconds, strict=True)
    ]
    assert said(say, *measures, subsets={"all": voters("no")})["horizon_text"].endswith(text)


@pytest.mark.parametrize(
    ("say", "measures", "words"),
    [
        (DUTCH, [], "Voor kiezers met hulp kan geen verschil worden berekend."),
        (DUTCH, [(0.8, 0.7, 0.9)], "daar is de verhouding 0,80 (0,70 tot 0,90)."),
        (DUTCH, [(0.9, 0.7, 1.1)], "(0,70 tot 1,10), zodat een verschil niet is aangetoond."),
        (ENGLISH, [], "For voters with help no difference can be calculated."),
        (ENGLISH, [(0.8, 0.7, 0.9)], "for them the ratio is 0.80 (0.70 to 0.90)."),
        (ENGLISH, [(0.9, 0.7, 1.1)], "(0.70 to 1.10), so no difference was shown."),
    ],
)
def test_voters_with_help_have_a_sentence_of_their_own(said, say, measures, words):
    found = [ratio(*m, subset="assisted") for m in measures]
    subsets = everyone() | {"assisted": voters("yes")}
    assert said(say, *found, subsets=subsets)["assisted_text"].endswith(words)


@pytest.mark.parametrize(
    ("say", "last", "ends", "words"),
    [
        (DUTCH, 0.9, "Bij kwantiel 10% is de verhouding 0,80", "sluit niet uit dat"),
        (DUTCH, 2.0, "Bij kwantiel 10% is de verhouding 0,80", "sluit uit dat"),
        (ENGLISH, 0.9, "At the 10% quantile the ratio is 0.80", "does not rule out that"),
        (ENGLISH, 2.0, "At the 10% quantile the ratio is 0.80", "together rules out that"),
    ],
)
def test_whether_one_ratio_may_hold_for_fast_and_slow_voters(said, say, last, ends, words):
    logs = np.log([0.8, last])
    limits = {"ci_lower": logs - 0.1, "ci_upper": logs + 0.1}
    bands = {"band_lower": logs - 0.2, "band_upper": logs + 0.2}
    quantiles = SimpleNamespace(quantiles=(0.1, 0.9), estimates=logs, **limits, **bands)
    text = said(say, subsets=everyone(), quantiles=quantiles)["voting_quantiles_text"]
    assert text.startswith(ends)
    assert words in text


@pytest.mark.parametrize(
    ("say", "share", "within", "words"),
    [
        (DUTCH, None, None, ["Verschillen tussen waarnemers zijn niet te berekenen."]),
        (DUTCH, 0.03, None, ["ligt 3% tussen", "Op geen stembureau werkten twee waarnemers"]),
        (DUTCH, 0.001, (0.08, 0.3), ["ligt vrijwel niets tussen", "niet meer dan door toeval"]),
        (DUTCH, 0.03, (0.08, 0.01), ["spreiding tussen hen is ongeveer 8% van de tijd."]),
        (ENGLISH, None, None, ["Differences between observers cannot be calculated."]),
        (ENGLISH, 0.03, None, ["3% lies between", "At no polling station did two observers work"]),
        (ENGLISH, 0.001, (0.08, 0.3), ["almost nothing lies between", "no more than by chance"]),
        (ENGLISH, 0.03, (0.08, 0.01), ["spread between them is about 8% of the time."]),
    ],
)
def test_what_is_known_of_observers(said, say, share, within, words):
    items = []
    if share is not None:
        items.append(Measure("observer_share_of_variance", "all", "all", "mixed_model", share))
    if within is not None:
        size, p = within
        fields = {"estimate": size, "p_value": p}
        items.append(Measure("observer_sd_log_seconds", "all", "all", "mixed_model", **fields))
    text = said(say, *items, subsets=everyone())["observers_text"]
    for piece in words:
        assert piece in text


def booths(note="", low=2.0):
    fields = {"subset": "120_arrivals_per_hour", "method": "queue_simulation"}
    numbers = (("new", 3.0, note), ("old", 3.0, ""), ("new-old", 0.0, ""))
    return [
        Measure(
            "booths_needed", group, estimate=value, ci_lower=low, ci_upper=4.0, note=why, **fields
        )
        for group, value, why in numbers
    ]


@pytest.mark.parametrize(
    ("say", "cell", "words"),
    [(DUTCH, "(2 tot 4)", "sterretje"), (ENGLISH, "(2 to 4)", "an asterisk")],
    ids=["nl", "en"],
)
def test_a_number_of_booths_close_to_another_is_marked_and_explained(said, say, cell, words):
    assert f"| 3\\* {cell} | 3 {cell} |" in tables_times.booths(say, booths(CLOSE))
    subsets = {"all": voters("no")}
    assert words in said(say, *booths(CLOSE), subsets=subsets)["booths_close_text"]
    assert said(say, *booths(), subsets=subsets)["booths_close_text"] == ""
    assert "\\*" not in tables_times.booths(say, booths())


def test_a_number_of_booths_without_interval():
    assert "| 3 (–) | 3 (–) |" in tables_times.booths(DUTCH, booths(low=float("nan")))


def differences(limits):
    """Return the booths needed at 60, 120, … voters per hour with these limits of new minus old."""
    fields = {"quantity": "booths_needed", "method": "queue_simulation", "estimate": 1.0}
    return [
        Measure(
            group=group, subset=f"{60 * i}_arrivals_per_hour", ci_lower=low, ci_upper=high, **fields
        )
        for i, (low, high) in enumerate(limits, 1)
        for group in ("new", "old", "new-old")
    ]


@pytest.mark.parametrize(
    ("say", "limits", "words"),
    [
        (DUTCH, [], "Hoeveel stemhokjes nodig zijn, is niet berekend."),
        (DUTCH, [(float("nan"), float("nan"))], "niet te berekenen."),
        (DUTCH, [(-1, 1)], "is bij geen van de onderzochte aantallen kiezers aangetoond."),
        (
            DUTCH,
            [(1, 2), (-2, -1), (-2, -1)],
            "Met het nieuwe stembiljet zijn bij 120 en 180 kiezers per uur minder stemhokjes nodig "
            "en bij 60 kiezers per uur meer stemhokjes nodig.",
        ),
        (DUTCH, [(1, 2), (-1, 1)], "; bij de andere aantallen is geen verschil aangetoond."),
        (ENGLISH, [], "How many voting booths are needed was not calculated."),
        (ENGLISH, [(float("nan"), float("nan"))], "wait longer than 5 minutes for a voting booth."),
        (ENGLISH, [(-1, 1)], "was not shown at any of the numbers of voters examined."),
        (
            ENGLISH,
            [(1, 2), (-2, -1), (-2, -1)],
            "With the new ballot, fewer voting booths are needed at 120 and 180 voters per hour "
            "and more voting booths are needed at 60 voters per hour.",
        ),
        (ENGLISH, [(1, 2), (-1, 1)], "; at the other numbers no difference was shown."),
    ],
)
def test_at_which_arrivals_more_or_fewer_booths_are_needed(said, say, limits, words):
    text = said(say, *differences(limits), subsets=everyone())["booths_text"]
    assert words in text
