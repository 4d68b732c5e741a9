"""What the report says of reasons for invalidity and votes for a party alone, with and without."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

import ballot_eval as be
from ballot_eval.reporting.drawings.reasons import reason_figures
from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
from ballot_eval.reporting.tables.reasons import marking_published, reason_levels, reason_tables
from ballot_eval.reporting.wording.marking_reasons import (
    NO_PARTY_ONLY,
    NO_REASONS,
    marking_sentences,
)
from ballot_eval.results import Rate
from ballot_eval.topics.marking import marking_results
from ballot_eval.topics.marking.party_only import LEADER, WITHOUT, party_only_results
from ballot_eval.topics.marking.published import published_results
from ballot_eval.topics.marking.reasons import CODES, WITHOUT_REASON, reason_results
from marking_frames import by_key, half_the_stations, marked

NAN = float("nan")

in_both = pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)


@pytest.fixture(scope="module")
def world(gr2026):
    return marked(gr2026)


@pytest.fixture(scope="module")
def measures(world):
    """Return the measures of reasons, all of them known."""
    panel, tables = world
    return tuple(reason_results(tables, panel))


def told(panel, measures):
    results = be.ResultSet(panel.study.id, (), (), (), marking=tuple(measures))
    return SimpleNamespace(study=panel.study, panel=panel, results=results)


def changed(measures, quantity, **fields):
    return [replace(m, **fields) if m.quantity == quantity else m for m in measures]


@in_both
def test_without_tables_the_report_says_so_once(world, say):
    panel, _ = world
    outcome = told(panel, ())
    said = {name: text for name, text in marking_sentences(say, outcome).items() if text}
    assert said == {
        "reasons_text": say.pick(NO_REASONS),
        "party_only_text": say.pick(NO_PARTY_ONLY),
    }
    assert reason_tables(say, outcome) == {}
    assert reason_figures(say, outcome) == {}


SAID = {
    "nl": {
        "reasons_text": "ongeldige stemmen in de experimentgemeenten met redenen is ",
        "reasons_coverage_text": "Van elke experimentgemeente zijn er redenen. Elke ongeldige "
        "stem heeft er een reden.",
        "reasons_net_text": "Bruto min netto is ",
        "party_only_text": "% waar het de 3e keer is.",
    },
    "en": {
        "reasons_text": "invalid votes in the experiment municipalities for which there are "
        "reasons, ",
        "reasons_coverage_text": "There are reasons for every experiment municipality. Every "
        "invalid vote there has a reason.",
        "reasons_net_text": "Gross minus net is ",
        "party_only_text": "% where it is the 3rd time.",
    },
}


@in_both
def test_the_report_has_tables_words_and_a_figure(world, say):
    panel, tables = world
    outcome = told(panel, marking_results(tables, panel))
    made = reason_tables(say, outcome)
    assert set(made) == {"reasons", "reasons_municipalities", "gross_net", "party_only"}
    assert "nan" not in "".join(made.values())
    assert say(nl="| waarvan 1e gebruik |", en="| of which 1st use |") in made["party_only"]
    said = marking_sentences(say, outcome)
    for name, words in say.pick(SAID).items():
        assert words in said[name]
    (rows,), _ = reason_figures(say, outcome)["invalid_reasons"]
    assert rows["unit"].iloc[0] == say(nl="Alle samen", en="All together")
    counted = rows.groupby("unit")["votes"].sum().loc["Boekel"]
    assert counted == panel.counts("GR2026", "invalid").loc["0755", "numerator"]


@in_both
def test_every_reason_has_a_name(say):
    assert set(reason_levels(say)) == {*CODES, "design", "general", WITHOUT_REASON}


MISSING = {
    "nl": (
        "Er zijn redenen van tien van de elf experimentgemeenten; niet van Leiden. Van {} "
        "ongeldige stemmen ",
        " is geen reden opgegeven, in Gouda. De aandelen van redenen zijn daardoor te laag: "
        "hoogstens zoveel als er zonder reden is.",
        "Over de vergelijking: zonder redenen van ongeldigheid, en daarom weggelaten: Leiden.",
        "om andere redenen of zonder opgegeven reden ({}) ongeldig is",
    ),
    "en": (
        "There are reasons for ten of the eleven experiment municipalities; not for Leiden. No "
        "reason is given for {} invalid votes ",
        ", in Gouda. The shares of reasons are therefore too low: by at most the share without a "
        "reason.",
        "On the comparison: left out, having no reasons for invalidity: Leiden.",
        "for other reasons or without a stated reason ({}) (of which",
    ),
}


@in_both
def test_what_is_missing_is_named(world, say):
    panel, tables = world
    frame = tables["invalid_reasons"]
    # Leiden gave none; Gouda does not tell all of them.
    frame = frame[frame["municipality_code"] != "0546"]
    gouda = (frame["municipality_code"] == "0513") & (frame["reason"] == "other")
    found = tuple(reason_results(tables | {"invalid_reasons": frame[~gouda]}, panel))
    said = marking_sentences(say, told(panel, found))
    coverage, short, left_out, untold = say.pick(MISSING)
    lost = int(by_key(found)["experiment", "without_reason", "share_of_invalid"].numerator)
    assert said["reasons_coverage_text"].startswith(coverage.format(lost))
    assert said["reasons_coverage_text"].endswith(short)
    assert said["reasons_gross_text"].endswith(left_out)
    share = by_key(found)["experiment-control", "without_reason", "gross_share"].estimate
    assert untold.format(say.percent(share)) in said["reasons_net_text"]


@pytest.mark.parametrize("net", [-0.001, 0.001])
@in_both
def test_a_net_excess_of_either_sign_reads_right(world, measures, say, net):
    panel, _ = world
    said = marking_sentences(say, told(panel, changed(measures, "net_excess", estimate=net)))
    words = say(
        nl=f"{say.points(net)} ten opzichte van de controlegemeenten (netto;",
        en=f"changed by {say.points(net)} relative to the control municipalities (net;",
    )
    assert words in said["reasons_gross_text"]
    # Every invalid vote has a reason here.
    without = say(nl="zonder opgegeven reden", en="without a stated reason")
    assert without not in said["reasons_net_text"]


@in_both
def test_a_net_excess_that_cannot_be_estimated_says_why(world, measures, say):
    panel, _ = world
    note = "no control municipality has results of polling stations"
    found = changed(measures, "net_excess", estimate=NAN, note=note)
    said = marking_sentences(say, told(panel, found))
    assert said["reasons_net_text"] == ""
    assert said["reasons_gross_text"] == say(
        nl="Het netto verschil is niet te schatten: van geen enkele controlegemeente zijn er "
        "uitslagen van stembureaus.",
        en="The net difference cannot be estimated: no control municipality has results by "
        "polling station.",
    )


@pytest.mark.parametrize(
    ("votes", "dutch", "english"),
    [
        (0, "", ""),
        (
            1,
            "Bij 1 stem was één partij gemarkeerd",
            "On 1 ballot paper one party was marked with several numbers.",
        ),
        (
            1200,
            "Bij 1.200 stemmen was één partij gemarkeerd",
            "On 1,200 ballot papers one party was marked with several numbers.",
        ),
    ],
)
@in_both
def test_votes_of_which_validity_is_not_settled_are_told(
    world, measures, say, votes, dutch, english
):
    panel, _ = world
    found = [replace(m, numerator=votes) if m.level == "several_numbers" else m for m in measures]
    text = marking_sentences(say, told(panel, found))["reasons_unsettled_text"]
    assert text.startswith(say(nl=dutch, en=english))
    assert bool(text) == bool(votes)


@in_both
def test_leaders_are_told_with_and_without_votes_for_a_party_alone(world, say):
    panel, tables = world
    total = by_key(party_only_results(tables, panel))["experiment", "total", "share_of_valid"]
    leader, without = (
        replace(total, quantity=quantity, estimate=estimate)
        for quantity, estimate in ((LEADER, 0.472), (WITHOUT, 0.454))
    )
    text = marking_sentences(say, told(panel, (total, leader, without)))["party_only_leader_text"]
    assert text == say(
        nl="Van alle geldige stemmen is 47,2% voor een lijsttrekker. Zonder de stemmen op alleen "
        "een partij, dus van de stemmen waarop een kandidaat is gemarkeerd, is dat 45,4%.",
        en="Of all valid votes, 47.2% are for the first candidate on a list. Without the votes for "
        "a party alone, that is, of the votes on which a candidate is marked, it is 45.4%.",
    )


@in_both
def test_municipalities_of_which_some_stations_are_known_are_named(world, say):
    panel, tables = world
    code, _, tables = half_the_stations(tables)
    said = marking_sentences(say, told(panel, party_only_results(tables, panel)))
    some = say(nl="niet van elk stembureau bekend", en="not known for every polling station")
    assert some in said["party_only_text"]
    unknown = {k: v for k, v in tables.items() if k != "station_results"}
    rows = tables["party_only_votes"]
    for frame in (rows, rows[rows["municipality_code"] == code]):
        found = party_only_results(unknown | {"party_only_votes": frame}, panel)
        text = marking_sentences(say, told(panel, found))["party_only_text"]
        assert say(nl="telt daarom niet mee", en="it is therefore left out") in text
        assert "nan" not in text


PUBLISHED = {
    "nl": (
        "0,32% | 0,315–0,325% | – |",
        "0,48% | 0,475–0,485% | 0,48% |",
        "0,19% | 0,185–0,195% | – |",
        "36,6% | 36,55–36,65% | – |",
        "30,9% | 30,85–30,95% | – |",
        "+5,7 procentpunt | +5,60 tot +5,80 | – |",
    ),
    "en": (
        "0.32% | 0.315–0.325% | – |",
        "0.48% | 0.475–0.485% | 0.48% |",
        "0.19% | 0.185–0.195% | – |",
        "36.6% | 36.55–36.65% | – |",
        "30.9% | 30.85–30.95% | – |",
        "+5.7 percentage points | +5.60 to +5.80 | – |",
    ),
}


@pytest.fixture(scope="module")
def published(root):
    """Return a study with published numbers, and their measures."""
    study = be.load_study(root / "analysis/tk2025")
    return study, tuple(published_results({}, SimpleNamespace(study=study)))


@in_both
def test_published_numbers_stand_beside_with_their_rounding(published, say):
    study, found = published
    own = Rate("TK2025", "experiment", "invalid", 633, 131_478, 633 / 131_478, NAN, NAN, "")
    # Other municipalities are the reference of the plan than of the publication.
    other = replace(own, unit="reference")
    table = marking_published(say, found, (own, other), study.marking.published)
    lines = table.splitlines()
    # As many decimals as were published, the limits one more.
    ends = [line.split(" | ", 3)[3] for line in lines[2:]]
    *shares, preference, compared, difference = say.pick(PUBLISHED)
    assert ends[:3] == shares
    word = say(nl="voorkeurstemmen", en="preference votes")
    assert [line.split(" | ", 3)[3] for line in lines if word in line] == [
        *(preference, compared, difference)
    ]
    unknown = say(
        nl="Referentiegemeenten van de evaluatie (namen niet vastgesteld)",
        en="Reference municipalities of the evaluation (names not established)",
    )
    assert unknown in lines[4]


SOURCE = {
    "nl": "Bron van de gepubliceerde getallen van TK2025: gepubliceerd in de officiële evaluatie "
    "of de brief aan de Kamer.",
    "en": "Source of the published figures of TK2025: published in the official evaluation or the "
    "letter to the House of Representatives.",
}


@in_both
def test_published_numbers_name_their_source_and_the_net_excess_beside(published, say):
    study, found = published
    effect = be.Effect(
        *("invalid", "att", "experiment-control", "ballot", study.baselines[0], "randomisation"),
        *(0.0025, 0.0010, 0.0040, 0.01, 5, 300, 99, False, 1),
    )
    results = be.ResultSet(study.id, (), (effect,), (), marking=found)
    text = marking_sentences(say, SimpleNamespace(study=study, panel=None, results=results))
    said = text["marking_published_text"]
    assert say.pick(SOURCE) in said
    beside = say(
        nl="Dat is +0,25 procentpunt (+0,10 tot +0,40 procentpunt); de methode verschilt",
        en="That is +0.25 percentage points (+0.10 to +0.40 percentage points); the methods differ",
    )
    assert beside in said
    # Without the effect nothing is said of it.
    results = replace(results, effects=(replace(effect, weighting="municipality"),))
    without = marking_sentences(say, SimpleNamespace(study=study, panel=None, results=results))
    net = say(nl="netto verschil", en="net difference")
    assert net in said
    assert net not in without["marking_published_text"]


def test_a_source_without_an_english_name_keeps_its_own(published):
    study, found = published
    shares = tuple(p.model_copy(update={"source_en": ""}) for p in study.marking.published)
    marking = study.marking.model_copy(update={"published": shares})
    results = be.ResultSet(study.id, (), (), (), marking=found)
    outcome = SimpleNamespace(
        study=study.model_copy(update={"marking": marking}), panel=None, results=results
    )
    text = marking_sentences(ENGLISH, outcome)["marking_published_text"]
    assert shares[0].source in text


@pytest.mark.parametrize(
    ("say", "words", "not_said"),
    [
        (DUTCH, "meer dan één partij kan ook op het oude stembiljet", "nu geldig"),
        (ENGLISH, "more than one party can be marked on the old ballot paper too", "now valid"),
    ],
)
def test_the_report_does_not_say_that_design_errors_need_the_new_ballot(root, say, words, not_said):
    text = (root / "report" / say.code / "_redenen.qmd").read_text(encoding="utf-8")
    assert words in text
    assert not_said not in text
