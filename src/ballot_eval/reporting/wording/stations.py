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

NO_STATIONS = "Uitslagen per stembureau zijn niet gemeten."

#: Municipalities that are named one by one; the file names them all.
NAMED = 12


def station_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to.

    That there are no stations is said once; what would follow is left out.
    """
    if not _coverage(outcome):
        names = ("coverage", "dispersion", "effect")
        return {"station_sample_text": NO_STATIONS} | {f"station_{n}_text": "" for n in names}
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
    here = _coverage(outcome)
    count = sum(c.stations_count for c in here)
    where = say.municipalities(sum(c.stations_count > 0 for c in here))
    text = (
        f"Bij {outcome.study.election} is van {say.plural(count, nl=('stembureau', 'stembureaus'), en=('TODO', 'TODO'))} in "
        f"{where} bekend hoeveel stemmen ongeldig en blanco waren."
    )
    unknown, empty = (
        sum(getattr(c, field) for c in here) for field in ("unknown_count", "without_votes_count")
    )
    parts = [
        f"{say.plural(n, nl=('stembureau', 'stembureaus'), en=('TODO', 'TODO'))} {reason}"
        for n, reason in ((unknown, "waarvan een aantal onbekend is"), (empty, "zonder stemmen"))
        if n
    ]
    return f"{text} Weggelaten: {say.listed(parts)}." if parts else text


def _incomplete(say: Language, outcome: Outcome) -> str:
    """Name the municipalities of which the stations do not add up to the result."""
    here = _coverage(outcome)
    without = sum(not c.stations_count for c in here)
    short = [c for c in here if c.stations_count and not c.complete]
    text = (
        f"Van {say.municipalities(without)} zijn er geen uitslagen per stembureau. "
        if without
        else ""
    )
    if not short:
        where = "de andere gemeenten" if without else "elke gemeente"
        return f"{text}In {where} tellen de stembureaus precies op tot de uitslag van de gemeente."
    names = municipality_names(outcome.panel)
    short.sort(key=lambda c: (not math.isnan(c.coverage), c.coverage))
    listed = [
        f"{names.get(c.municipality_code, c.municipality_code)} ({_share(say, c)})"
        for c in short[:NAMED]
    ]
    more = len(short) - len(listed)
    named = ", ".join(listed) + (f" en nog {say.number(more)}" if more else "")
    return (
        f"{text}In {say.municipalities(len(short))} tellen de stembureaus niet precies op tot de "
        f"uitslag; tussen haakjes hun deel van de stemmen van de gemeente: {named}. "
        "`station_coverage.csv` noemt ze alle."
    )


def _share(say: Language, item: StationCoverage) -> str:
    return "geen uitslag" if math.isnan(item.coverage) else say.percent(item.coverage, 1)


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
            (found["polling_station", "group"], "voor stembureaus rond het aandeel van alle samen"),
            (own, "voor stembureaus rond dat van hun eigen gemeente"),
            (found["municipality", "group"], "voor gemeenten rond dat van alle samen"),
        )
        if not math.isnan(d.phi)
    ]
    if not parts:
        return ""
    kind = say.pick(KINDS)[study.analysis.outcome]
    return (
        f"Voor {kind} in de controlegemeenten is zij {say.listed(parts)}. Van die "
        f"stembureaus had {say.percent(own.without_share, 0)} helemaal geen {kind}; bij toeval alleen "
        f"rond het aandeel van de gemeente is {say.percent(own.expected_without_share, 0)} te "
        "verwachten."
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
        return f"Dat is niet te schatten: {why(say, station.note, outcome)}."
    ballot, plain = found[METHOD, "ballot"], found["randomisation", "ballot"]
    text = (
        f"Telt elk stembureau even zwaar, dan veranderde het aandeel {say.pick(KINDS)[wanted[0]]} met "
        f"{say.points(station.estimate)} ten opzichte van de controlegemeenten ({say.limits(station)}; "
        f"p-waarde {say.p_value(station.p_value)}). "
        f"Telt elke stem even zwaar, dan is het {say.points(ballot.estimate)} ({say.limits(ballot)})"
    )
    return f"{text}{_beside(say, ballot, plain)}."


def _beside(say: Language, ballot: Effect, plain: Effect) -> str:
    """Set the effect by ballots of stations beside that of municipalities."""
    if math.isnan(plain.estimate):
        return ""
    if math.isclose(ballot.estimate, plain.estimate, rel_tol=1e-9, abs_tol=1e-12):
        return ", precies het effect per stem uit de uitslagen van gemeenten"
    return f"; uit de uitslagen van gemeenten is het per stem {say.points(plain.estimate)}"
