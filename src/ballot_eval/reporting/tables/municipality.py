"""The tables on the page of one experiment municipality."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.results import MarkingMeasure
from ballot_eval.schema.marking import INVALID_REASONS
from ballot_eval.topics.marking.counting_differences import TOPIC as DIFFERENCES
from ballot_eval.topics.marking.reasons import WITHOUT_REASON
from ballot_eval.topics.profiles import Median, Profile, Result, Share

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

Times = Mapping[str, Median]
Paces = Mapping[tuple[str, str], Median]

#: Kinds of count, as rows are named.
COUNTS = {
    "nl": {
        "DSO": "Tellen, stembureau (DSO)",
        "CSO": "Tellen, stembureau (CSO)",
        "CSO_central": "Tellen, centraal (CSO)",
    },
    "en": {
        "DSO": "Counting, station (DSO)",
        "CSO": "Counting, station (CSO)",
        "CSO_central": "Counting, central (CSO)",
    },
}


def history(say: Language, profile: Profile) -> str:
    """Return votes cast, invalid and blank votes at every election of which something is known."""
    rows = []
    for result in profile.history:
        if not result.shares and result.published is None:
            continue
        ballot = say(nl="nieuw", en="new") if result.new_ballot else say(nl="oud", en="old")
        cast = say.number(result.votes_cast_count) if result.shares else NO_NUMBER
        rows.append([result.election, ballot, cast, *_votes(say, result)])
    header = say.pick(
        {
            "nl": ["Verkiezing", "Biljet", "Uitgebracht", "Ongeldig", "Interval", "Blanco"],
            "en": ["Election", "Ballot", "Votes cast", "Invalid", "Interval", "Blank"],
        }
    )
    return pipe_table([*header, "Interval"], rows, "llrrrrr")


def _votes(say: Language, result: Result) -> list[str]:
    """Return counts and shares of invalid and blank votes; a published share says what it is."""
    if result.shares:
        return [
            cell
            for outcome in ("invalid", "blank")
            for cell in _share_cells(say, result.shares[outcome])
        ]
    published = result.published
    assert published is not None
    share = say.percent(published.share, max((published.decimals or 0), 0))
    return [share, say(nl="afgerond gepubliceerd", en="published, rounded"), *[NO_NUMBER] * 2]


def _share_cells(say: Language, share: Share) -> tuple[str, str]:
    count = f"{say.number(share.votes_count)} ({say.percent(share.rate)})"
    return count, say.interval(share.ci_lower, share.ci_upper)


def details(say: Language, outcome: Outcome, profile: Profile, times: Times, paces: Paces) -> str:
    """Return what else there is of a municipality, a row each; what there is not has no row."""
    marked = _marked(outcome, profile.code)
    rows = [
        *_change(say, outcome, profile),
        *_place(say, profile),
        *_reasons(say, marked),
        *_party_only(say, marked),
        *_stations(say, outcome, profile.code),
        *_differences(say, marked),
        *_times(say, outcome, profile.code, times, paces),
    ]
    header = say.pick({"nl": ["Wat", "Uitkomst"], "en": ["What", "Outcome"]})
    return pipe_table(header, [list(row) for row in rows], "ll")


def missing(say: Language, outcome: Outcome, profile: Profile, times: Times, paces: Paces) -> str:
    """Return one sentence on what was not measured in a municipality; nothing when all was."""
    code, marked = profile.code, _marked(outcome, profile.code)
    parts = (
        (_reasons(say, marked), say(nl="redenen van ongeldigheid", en="reasons for invalidity")),
        (
            _party_only(say, marked),
            say(nl="stemmen op alleen een partij", en="votes for a party alone"),
        ),
        (
            _stations(say, outcome, code),
            say(nl="uitslagen per stembureau", en="results by polling station"),
        ),
        (
            _differences(say, marked),
            say(nl="verschillen bij het tellen", en="counting differences"),
        ),
        (
            _times(say, outcome, code, times, {}),
            say(nl="tijd in het stemhokje", en="time in the booth"),
        ),
        (
            _times(say, outcome, code, {}, paces),
            say(nl="tijd voor het tellen", en="time that counting takes"),
        ),
    )
    absent = [name for rows, name in parts if not list(rows)]
    if not absent:
        return ""
    listed = say.listed(absent)
    return say(
        nl=f"In deze gemeente niet gemeten: {listed}.\n",
        en=f"Not measured in this municipality: {listed}.\n",
    )


def _marked(outcome: Outcome, code: str) -> dict[tuple[str, str, str], MarkingMeasure]:
    """Return what was computed of a municipality at the election, by topic, level and quantity."""
    return {
        (m.topic, m.level, m.quantity): m
        for m in outcome.results.marking
        if (m.unit, m.election, m.source) == (code, outcome.study.election, "")
        and not math.isnan(m.estimate)
    }


def _change(say: Language, outcome: Outcome, profile: Profile) -> Iterator[tuple[str, str]]:
    if math.isnan(profile.change):
        return
    own, controls, gap = (
        say.points(v, 3, unit=False)
        for v in (profile.change, profile.control_change, profile.change - profile.control_change)
    )
    baseline = outcome.study.baselines[0]
    yield (
        say(nl=f"Verandering sinds {baseline}", en=f"Change since {baseline}"),
        say(
            nl=f"{own} procentpunt; controlegemeenten gemiddeld {controls}; verschil {gap}",
            en=f"{own} percentage points; controls on average {controls}; difference {gap}",
        ),
    )
    yield (
        say(nl="Kleinere verandering in", en="Smaller change in"),
        _of_controls(say, profile.smaller_changes, profile.changes_count),
    )


def _place(say: Language, profile: Profile) -> Iterator[tuple[str, str]]:
    everyone = _of_controls(say, profile.lower_of_controls, profile.controls_count)
    near = _of(say, profile.lower_of_comparable, profile.comparable_count)
    yield (
        say(nl="Lager aandeel in", en="Lower share in"),
        say(
            nl=f"{everyone}; {near} van de meest gelijke grootte",
            en=f"{everyone}; {near} of the most similar size",
        ),
    )


def _of_controls(say: Language, part: int, whole: int) -> str:
    return say(
        nl=f"{_of(say, part, whole)} controlegemeenten",
        en=f"{_of(say, part, whole)} control municipalities",
    )


def _of(say: Language, part: int, whole: int) -> str:
    return say(
        nl=f"{say.number(part)} van de {say.number(whole)}",
        en=f"{say.number(part)} of the {say.number(whole)}",
    )


def _reasons(
    say: Language, marked: Mapping[tuple[str, str, str], MarkingMeasure]
) -> Iterator[tuple[str, str]]:
    design = marked.get(("reasons", "design", "share_of_invalid"))
    if design is None:
        return
    cast = marked["reasons", "design", "share_of_votes_cast"]
    yield (
        say(nl="Ongeldig door stembiljet", en="Invalid due to ballot"),
        say(
            nl=f"{say.number(design.numerator)} stemmen: {_with_interval(say, design, 0)} van de "
            f"ongeldige, {say.percent(cast.estimate)} van de uitgebrachte",
            en=f"{say.number(design.numerator)} votes: {_with_interval(say, design, 0)} of the "
            f"invalid, {say.percent(cast.estimate)} of the votes cast",
        ),
    )
    words = [(r.code, say(nl=r.nl, en=r.en)) for r in INVALID_REASONS]
    words.append((WITHOUT_REASON, say(nl="zonder opgegeven reden", en="no reason given")))
    parts = [
        f"{text} {say.number(m.numerator)}"
        for code, text in words
        if (m := marked.get(("reasons", code, "share_of_invalid"))) is not None and m.numerator
    ]
    if parts:
        yield say(nl="Redenen", en="Reasons"), "; ".join(parts)


def _party_only(
    say: Language, marked: Mapping[tuple[str, str, str], MarkingMeasure]
) -> Iterator[tuple[str, str]]:
    m = marked.get(("party_only", "total", "share_of_valid"))
    if m is not None:
        yield (
            say(nl="Alleen een partij", en="Only a party marked"),
            say(
                nl=f"{say.number(m.numerator)} geldige stemmen: {_with_interval(say, m, 1)}",
                en=f"{say.number(m.numerator)} valid votes: {_with_interval(say, m, 1)}",
            ),
        )


def _with_interval(say: Language, m: MarkingMeasure, digits: int) -> str:
    text = say.percent(m.estimate, digits)
    if math.isnan(m.ci_lower):
        return text
    return f"{text} ({say.interval(m.ci_lower, m.ci_upper, digits)})"


def _stations(say: Language, outcome: Outcome, code: str) -> Iterator[tuple[str, str]]:
    for c in outcome.results.station_coverage:
        if (c.election, c.municipality_code) == (outcome.study.election, code) and c.stations_count:
            share = say.percent(c.coverage, 0)
            yield (
                say(nl="Stembureaus", en="Polling stations"),
                say(
                    nl=f"{say.number(c.stations_count)}, samen {share} van de uitgebrachte stemmen",
                    en=f"{say.number(c.stations_count)}, together {share} of the votes cast",
                ),
            )


def _differences(
    say: Language, marked: Mapping[tuple[str, str, str], MarkingMeasure]
) -> Iterator[tuple[str, str]]:
    for (topic, level, quantity), more in marked.items():
        fewer = marked.get((topic, level, "stations_fewer_share"))
        if (topic, quantity) != (DIFFERENCES, "stations_more_share") or fewer is None:
            continue
        yield (
            say(nl="Getelde stembiljetten", en="Ballots counted"),
            say(
                nl=f"{say.number(more.numerator)} van de {say.number(more.denominator)} "
                f"stembureaus telden er meer dan er kiezers waren, {say.number(fewer.numerator)} "
                "minder",
                en=f"{say.number(more.numerator)} of the {say.number(more.denominator)} polling "
                f"stations counted more than there were voters, {say.number(fewer.numerator)} "
                "fewer",
            ),
        )


def _times(
    say: Language, outcome: Outcome, code: str, times: Times, paces: Paces
) -> Iterator[tuple[str, str]]:
    if code in times and not math.isnan(times[code].value):
        m = times[code]
        median = say.number(m.value)
        voters = say.plural(m.count, nl=("kiezer", "kiezers"), en=("voter", "voters"))
        if outcome.voting.main == "unassisted":
            voters += say(nl=" zonder hulp", en=" without help")
        yield (
            say(nl="Tijd in het stemhokje", en="Time in the booth"),
            say(
                nl=f"mediaan {median} seconden, van {voters}",
                en=f"median {median} seconds, of {voters}",
            ),
        )
    for kind, words in say.pick(COUNTS).items():
        if (code, kind) in paces:
            m = paces[code, kind]
            median = say.number(m.value)
            counts = say.plural(m.count, nl=("telling", "tellingen"), en=("count", "counts"))
            yield (
                words,
                say(
                    nl=f"mediaan {median} minuten werk per honderd stembiljetten, van {counts}",
                    en=f"median {median} minutes of work per hundred ballots, of {counts}",
                ),
            )
