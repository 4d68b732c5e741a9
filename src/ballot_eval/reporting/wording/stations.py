"""The sentences of the report on results of polling stations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.figures.base import KINDS
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import municipality_names
from ballot_eval.reporting.wording.notes import why
from ballot_eval.results import Effect, StationCoverage
from ballot_eval.topics.station_effects import METHOD

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NO_STATIONS = {
    "nl": "Uitslagen per stembureau zijn niet gemeten.",
    "en": "Results per polling station were not measured.",
}

#: Municipalities that are named one by one; the file names them all.
NAMED = 12


def station_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to.

    That there are no stations is said once; what would follow is left out.
    """
    if not _coverage(outcome):
        empty = {f"station_{name}_text": "" for name in ("coverage", "dispersion", "effect")}
        return {"station_sample_text": say.pick(NO_STATIONS)} | empty
    return {
        "station_sample_text": _sample(say, outcome),
        "station_coverage_text": _incomplete(say, outcome),
        "station_dispersion_text": _dispersion(say, outcome),
        "station_effect_text": _effect(say, outcome),
    }


def _coverage(outcome: Outcome) -> list[StationCoverage]:
    """Return the coverage at the study's election; nothing without any usable station."""
    here = [c for c in outcome.results.station_coverage if c.election == outcome.study.election]
    return here if any(c.stations_count for c in here) else []


def _sample(say: Language, outcome: Outcome) -> str:
    here, election = _coverage(outcome), outcome.study.election
    stations = say.stations(sum(c.stations_count for c in here))
    where = say.municipalities(sum(c.stations_count > 0 for c in here))
    text = say(
        nl=f"Bij {election} is van {stations} in {where} bekend hoeveel stemmen ongeldig en blanco "
        "waren.",
        en=f"For {stations} in {where} at {election} it is known how many votes were invalid and "
        "how many were blank.",
    )
    unknown, empty = (
        sum(getattr(c, field) for c in here) for field in ("unknown_count", "without_votes_count")
    )
    of_unknown = say(nl="waarvan een aantal onbekend is", en="for which a count is unknown")
    without = say(nl="zonder stemmen", en="without votes")
    parts = [
        f"{say.stations(n)} {reason}"
        for n, reason in ((unknown, of_unknown), (empty, without))
        if n
    ]
    left_out = say(nl="Weggelaten", en="Left out")
    return f"{text} {left_out}: {say.listed(parts)}." if parts else text


def _incomplete(say: Language, outcome: Outcome) -> str:
    """Name the municipalities of which the stations do not add up to the result."""
    here = _coverage(outcome)
    without = sum(not c.stations_count for c in here)
    short = [c for c in here if c.stations_count and not c.complete]
    lead = ""
    if without:
        absent = say.municipalities(without)
        lead = say(
            nl=f"Van {absent} zijn er geen uitslagen per stembureau. ",
            en=f"There are no results per polling station for {absent}. ",
        )
    if not short:
        where = say(
            nl="de andere gemeenten" if without else "elke gemeente",
            en="the other municipalities" if without else "every municipality",
        )
        return lead + say(
            nl=f"In {where} tellen de stembureaus precies op tot de uitslag van de gemeente.",
            en=f"In {where} the polling stations add up exactly to the result of the municipality.",
        )
    where, named = say.municipalities(len(short)), _shortest(say, short, outcome)
    return lead + say(
        nl=f"In {where} tellen de stembureaus niet precies op tot de uitslag; tussen haakjes hun "
        f"deel van de stemmen van de gemeente: {named}. `station_coverage.csv` noemt ze alle.",
        en=f"In {where} the polling stations do not add up exactly to the result; in brackets "
        f"their share of the votes of the municipality: {named}. `station_coverage.csv` names "
        "them all.",
    )


def _shortest(say: Language, short: list[StationCoverage], outcome: Outcome) -> str:
    """Return the municipalities with what their stations are of the result, least first."""
    names = municipality_names(outcome.panel)
    ordered = sorted(short, key=lambda c: (not math.isnan(c.coverage), c.coverage))
    listed = ", ".join(
        f"{names.get(c.municipality_code, c.municipality_code)} ({_share(say, c)})"
        for c in ordered[:NAMED]
    )
    if len(short) <= NAMED:
        return listed
    more = say.number(len(short) - NAMED)
    return listed + say(nl=f" en nog {more}", en=f" and {more} more")


def _share(say: Language, item: StationCoverage) -> str:
    if math.isnan(item.coverage):
        return say(nl="geen uitslag", en="no result")
    return say.percent(item.coverage, 1)


def _dispersion(say: Language, outcome: Outcome) -> str:
    """Say how far stations of the controls vary, and how many had no such vote."""
    study = outcome.study
    found = {
        (d.level, d.around): d
        for d in outcome.results.station_dispersion
        if (d.election, d.unit, d.outcome) == (study.election, "control", study.analysis.outcome)
    }
    if not found:
        return ""
    own = found["polling_station", "municipality"]
    parts = [
        f"{say.number(d.phi, 2)} {words}"
        for d, words in (
            (
                found["polling_station", "group"],
                say(
                    nl="voor stembureaus rond het aandeel van alle samen",
                    en="for polling stations around the share of all together",
                ),
            ),
            (
                own,
                say(
                    nl="voor stembureaus rond dat van hun eigen gemeente",
                    en="for polling stations around that of their own municipality",
                ),
            ),
            (
                found["municipality", "group"],
                say(
                    nl="voor gemeenten rond dat van alle samen",
                    en="for municipalities around that of all together",
                ),
            ),
        )
        if not math.isnan(d.phi)
    ]
    if not parts:
        return ""
    kind = say.pick(KINDS)[study.analysis.outcome]
    none, expected = (say.percent(v, 0) for v in (own.without_share, own.expected_without_share))
    return say(
        nl=f"Voor {kind} in de controlegemeenten is zij {say.listed(parts)}. Van die stembureaus "
        f"had {none} helemaal geen {kind}; bij toeval alleen rond het aandeel van de gemeente is "
        f"{expected} te verwachten.",
        en=f"For {kind} in the control municipalities it is {say.listed(parts)}. Of those polling "
        f"stations, {none} had no {kind} at all; by chance alone around the share of the "
        f"municipality, {expected} are to be expected.",
    )


def _effect(say: Language, outcome: Outcome) -> str:
    """Say what the effect is with stations as rows, and how it compares with municipalities."""
    study = outcome.study
    wanted = (study.analysis.outcome, study.baselines[0])
    found = {
        (e.method, e.weighting): e
        for e in outcome.results.effects
        if (e.outcome, e.baseline) == wanted
    }
    station = found[METHOD, "station"]
    if math.isnan(station.estimate):
        reason = why(say, station.note, outcome)
        return say(
            nl=f"Dat is niet te schatten: {reason}.", en=f"This cannot be estimated: {reason}."
        )
    ballot, plain = found[METHOD, "ballot"], found["randomisation", "ballot"]
    kind, size = say.pick(KINDS)[wanted[0]], say.points(station.estimate)
    p_value = say.p_value(station.p_value)
    by_ballot = f"{say.points(ballot.estimate)} ({say.limits(ballot)}){_beside(say, ballot, plain)}"
    return say(
        nl=f"Telt elk stembureau even zwaar, dan veranderde het aandeel {kind} met {size} ten "
        f"opzichte van de controlegemeenten ({say.limits(station)}; p-waarde {p_value}). Telt elke "
        f"stem even zwaar, dan is het {by_ballot}.",
        en=f"If every polling station counts equally, the share of {kind} changed by {size} "
        f"relative to the control municipalities ({say.limits(station)}; p-value {p_value}). If "
        f"every vote counts equally, it is {by_ballot}.",
    )


def _beside(say: Language, ballot: Effect, plain: Effect) -> str:
    """Set the effect by ballots of stations beside that of municipalities."""
    if math.isnan(plain.estimate):
        return ""
    if math.isclose(ballot.estimate, plain.estimate, rel_tol=1e-9, abs_tol=1e-12):
        return say(
            nl=", precies het effect per stem uit de uitslagen van gemeenten",
            en=", exactly the effect per vote from the results of municipalities",
        )
    size = say.points(plain.estimate)
    return say(
        nl=f"; uit de uitslagen van gemeenten is het per stem {size}",
        en=f"; from the results of municipalities it is {size} per vote",
    )
