"""What the report says of preference votes and repeated numbers, also where some are missing."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.reporting.drawings.candidates import candidate_figures
from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
from ballot_eval.reporting.names import display_names
from ballot_eval.reporting.tables.candidates import (
    METHODS,
    REASONS,
    candidate_tables,
    preference_lists,
)
from ballot_eval.reporting.wording.candidates import (
    NO_CANDIDATES,
    NO_PARTY_ONLY,
    candidate_sentences,
)
from ballot_eval.results import MarkingMeasure
from ballot_eval.simulation import CANDIDATE_TRUTH, simulate_candidates
from ballot_eval.topics.marking import marking_results
from ballot_eval.topics.marking.repeated_number import EXCESS
from candidate_frames import few_draws, simulated_panel, valid_votes

in_both = pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)


@pytest.fixture(scope="module")
def told(gr2026):
    """Return a function from a change of the simulated candidates to an outcome of a run."""
    panel = simulated_panel(few_draws(gr2026, 199))
    rows = valid_votes(panel, "GR2022", "GR2026")

    def run(change=lambda frame: frame, *, repeat=0.02, party_only=None):
        truth = replace(CANDIDATE_TRUTH, repeat_share=repeat)
        _, frame = simulate_candidates(rows, panel.study, seed=5, truth=truth)
        accepted = {"candidate_results": change(frame)}
        if party_only is not None:
            accepted["party_only_votes"] = party_only
        found = tuple(
            m
            for m in marking_results(accepted, panel)
            if m.topic in ("preference", "repeated_number")
        )
        results = be.ResultSet(panel.study.id, (), (), (), marking=found)
        return SimpleNamespace(study=panel.study, panel=panel, results=results)

    return run


@pytest.fixture(scope="module")
def full(told):
    """Return an outcome with votes per candidate everywhere and voters who repeat the number."""
    return told()


def tables_of(say, outcome):
    return candidate_tables(say, outcome.results, outcome.study, display_names(outcome.study))


@in_both
def test_that_there_are_no_candidates_is_said_once(told, say):
    outcome = told(lambda frame: frame.head(0))
    said = candidate_sentences(say, outcome)
    assert {name: text for name, text in said.items() if text} == {
        "preference_text": say.pick(NO_CANDIDATES)
    }
    assert tables_of(say, outcome) == {}
    assert candidate_figures(outcome) == {}


@in_both
def test_every_name_in_the_section_is_made(full, root, say):
    section = (root / f"report/{say.code}/_voorkeur.qmd").read_text(encoding="utf-8")
    names = set(re.findall(rf"var {say.code}\.(\w+)", section))
    assert names - set(candidate_sentences(say, full)) == {"election"}
    made = tables_of(say, full)
    # Lists are compared one by one where they are the same everywhere.
    tables = set(re.findall(rf"< table {say.code}\.(\w+)", section))
    assert tables - set(made) == {"preference_lists"}
    figures = set(re.findall(rf"< figure {say.code}\.(\w+)", section))
    assert figures == set(candidate_figures(full))
    labels = set(re.findall(r"@((?:tbl|fig)-[a-z-]+)", section))
    assert labels <= set(re.findall(r"::: \{#((?:tbl|fig)-[a-z-]+)\}", section))


EXCESS_FOUND = {
    "nl": {
        "repeated_text": "procentpunt hoger dan verwacht, vergeleken",
        "repeated_votes_text": "op de andere is het niet te zien",
        "repeated_before_text": "en dat is niet van nul te onderscheiden",
        "repeated_checks_text": "weinig invloed hebben, is +",
        "preference_text": "Het aandeel daarvan is in de experimentgemeenten ",
        "preference_effect_text": "Van alle stemmen veranderde het aandeel sinds GR2022 met ",
    },
    "en": {
        "repeated_text": "percentage points higher than expected, compared",
        "repeated_votes_text": "on the others it cannot be seen",
        "repeated_before_text": "which cannot be distinguished from zero",
        "repeated_checks_text": "have little influence, is +",
        "preference_text": "in the experiment municipalities, and ",
        "preference_effect_text": "The share of all votes changed by ",
    },
}


@in_both
def test_an_excess_is_a_number_of_votes_with_an_interval(full, say):
    said = candidate_sentences(say, full)
    for name, words in say.pick(EXCESS_FOUND).items():
        assert words in said[name]
    ends = say(
        nl="Dat past bij kiezers die het nummer van de lijst herhalen.",
        en="This is consistent with voters repeating the number of the list.",
    )
    assert said["repeated_text"].endswith(ends)
    votes, valid = (
        next(
            m
            for m in full.results.marking
            if (m.quantity, m.method) == (quantity, "randomisation_list")
        )
        for quantity in ("unintended_votes", "unintended_share_of_valid")
    )
    text, size = said["repeated_votes_text"], say.number(votes.estimate)
    perhaps = say(
        nl="onbedoeld ongeveer {} (",
        en="not intended, on the lists that can be judged, is about {} (",
    )
    assert perhaps.format(size) in text
    share = f"{say.percent(valid.estimate)} ({say.interval(valid.ci_lower, valid.ci_upper)})"
    assert f"{share} {say(nl='van alle geldige stemmen', en='of all valid votes')}" in text
    assert said["preference_corrected_text"] == say.pick(NO_PARTY_ONLY)


def test_the_figure_has_every_number_and_all_together(full):
    (rows,), _ = candidate_figures(full)["repeated_numbers"]
    assert set(rows["number"]) == {0, *range(2, 13)}


@in_both
def test_without_an_excess_only_an_upper_limit_is_given(told, say):
    said = candidate_sentences(say, told(repeat=0.0))
    assert said["repeated_text"].endswith(
        say(
            nl="Dat is niet van nul te onderscheiden.",
            en="This cannot be distinguished from zero.",
        )
    )
    most = say(nl="onbedoeld niet meer dan ongeveer", en="be judged, is no more than about")
    assert most in said["repeated_votes_text"]
    limit = say(nl="de bovengrens van het interval: ", en="the upper limit of the interval: ")
    assert limit in said["repeated_votes_text"]


LOWER = {
    "nl": (
        "−1,00 procentpunt",
        "procentpunt lager dan verwacht",
        "Kiezers die het nummer van de lijst herhalen, verklaren dat niet.",
        "en dat is wel van nul te onderscheiden.",
    ),
    "en": (
        "−1.00 percentage points",
        "percentage points lower than expected",
        "Voters repeating the number of the list do not explain this.",
        "which can be distinguished from zero.",
    ),
}


@in_both
def test_fewer_votes_than_expected_are_no_repeated_numbers(full, say):
    changed = tuple(
        replace(m, estimate=-0.01, ci_lower=-0.02, ci_upper=-0.001)
        if (m.unit, m.method) == ("experiment-control", "randomisation_list")
        else m
        for m in full.results.marking
    )
    outcome = SimpleNamespace(
        study=full.study, panel=full.panel, results=replace(full.results, marking=changed)
    )
    said = candidate_sentences(say, outcome)
    size, lower, verdict, before = say.pick(LOWER)
    assert size in said["repeated_before_text"]
    assert said["repeated_before_text"].endswith(before)
    assert lower in said["repeated_text"]
    assert said["repeated_text"].endswith(verdict)


@in_both
def test_a_test_that_excludes_nothing_has_no_limits(full, say):
    changed = tuple(
        replace(m, ci_lower=-math.inf, ci_upper=math.inf) if m.quantity == EXCESS else m
        for m in full.results.marking
    )
    outcome = SimpleNamespace(
        study=full.study, panel=full.panel, results=replace(full.results, marking=changed)
    )
    text = candidate_sentences(say, outcome)["repeated_text"]
    assert say(nl="(zonder grenzen; p-waarde ", en="(without limits; p-value ") in text


CORRECTED = {
    "nl": "Van de kiezers die een kandidaat markeerden, koos in de experimentgemeenten "
    r"{0} niet de eerste, in de controlegemeenten {0}\.$",
    "en": "Of the voters who marked a candidate, the share who did not choose the first is "
    r"{0} in the experiment municipalities, and {0} in the control municipalities\.$",
}


@in_both
def test_a_correction_stands_beside_what_it_corrects(told, gr2026, say):
    columns = ["municipality_code", "votes_count"]
    alone = pd.DataFrame([(code, 50) for code in gr2026.experiment()], columns=columns)
    alone = alone.assign(election_id="GR2026", polling_station_id="", list_number="")
    outcome = told(party_only=alone)
    said = candidate_sentences(say, outcome)
    share = r"\d+[,.]\d% \(\d+[,.]\d–\d+[,.]\d%\)"
    pattern = say.pick(CORRECTED).format(share)
    assert re.search(pattern, said["preference_corrected_text"])
    without = say(
        nl="Zonder partijstemmen veranderde het aandeel",
        en="The share without party-only votes changed by",
    )
    assert without in said["preference_effect_text"]
    lines = tables_of(say, outcome)["preference_municipalities"].splitlines()
    assert len(lines) == 2 + 11
    assert " – " not in lines[2]


@pytest.mark.parametrize(
    ("say", "row"),
    [
        (DUTCH, ["2", "30,0%", "31,0%", "−1,00", "−2,00 tot +1,00", "0,400"]),
        (ENGLISH, ["2", "30.0%", "31.0%", "−1.00", "−2.00 to +1.00", "0.400"]),
    ],
)
def test_lists_that_are_the_same_everywhere_have_a_row_each(say, row):
    def share(unit, level, estimate, **more):
        parts = ("preference", "TK2025", unit, level, "preference_share", "count")
        return MarkingMeasure(*parts, estimate, **more)

    ends = {"ci_lower": -0.02, "ci_upper": 0.01, "p_value": 0.4}
    items = [
        share("experiment", "list_2", 0.3),
        share("control", "list_2", 0.31),
        share("experiment-control", "list_2", -0.01, **ends),
        share("experiment", "list_3", 0.3),
        share("experiment-control", "list_3", math.nan),
        share("experiment-control", "total", -0.01, **ends),
    ]
    rows = preference_lists(say, items, "TK2025").splitlines()[2:]
    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in rows] == [row]
    assert preference_lists(say, items[-1:], "TK2025") == ""


MISSING = {
    "nl": (
        "Van alle stemmen is de verandering sinds GR2022 niet te schatten: er is geen eerdere "
        "verkiezing van dezelfde soort met stemmen per kandidaat.",
        "Dat is niet te schatten: geen enkele experiment- of controlegemeente heeft een lijst die "
        "te beoordelen is.",
        "Van geen enkele experimentgemeente zijn bij deze verkiezing stemmen per kandidaat bekend.",
    ),
    "en": (
        "The change in the share of all votes since GR2022 cannot be estimated: there is no "
        "earlier election of the same type with votes per candidate.",
        "This cannot be estimated: no experiment municipality, or no control municipality, has a "
        "list that can be assessed.",
        "Votes per candidate at this election are not known for any experiment municipality.",
    ),
}


@in_both
def test_reasons_stand_where_numbers_are_missing(told, gr2026, say):
    no_change, no_excess, none_here = say.pick(MISSING)
    now = told(lambda frame: frame[frame["election_id"] == "GR2026"])
    assert candidate_sentences(say, now)["preference_effect_text"] == no_change
    alone = told(lambda frame: frame[frame["municipality_code"].isin(gr2026.experiment())])
    said = candidate_sentences(say, alone)
    assert said["repeated_text"] == no_excess
    assert said["repeated_votes_text"] == ""
    texts = (*said.values(), *tables_of(say, alone).values())
    assert not any("nan" in text.lower() for text in texts)
    others = told(lambda frame: frame[~frame["municipality_code"].isin(gr2026.experiment())])
    assert candidate_sentences(say, others)["preference_text"] == none_here
    assert candidate_figures(others) == {}


@in_both
def test_every_method_and_reason_has_a_name(full, say):
    items = [m for m in full.results.marking if m.topic == "repeated_number"]
    contrasts = [m for m in items if m.unit == "experiment-control" and m.level == "total"]
    assert {m.method for m in contrasts} == set(say.pick(METHODS))
    assert {m.level for m in items if m.quantity == "excluded_lists"} == set(say.pick(REASONS))
    assert all(math.isfinite(m.estimate) for m in contrasts)
