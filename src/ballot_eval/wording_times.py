"""The sentences of the report on times: chosen by rule from the results, never by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.formatting import count_in_words, number, p_value, percent
from ballot_eval.results import Measure
from ballot_eval.tables_times import KINDS, SINCE, booth_rows
from ballot_eval.topics.counting_time import MIDNIGHT
from ballot_eval.wording_checks import enumerate_words, municipalities

if TYPE_CHECKING:
    from ballot_eval.pipeline import Outcome

NO_VOTING = "De tijd in het stemhokje is niet gemeten."
NO_COUNTING = "De tijd voor het tellen is niet gemeten."

#: What is said of each kind of count in a sentence.
IN_WORDS = {
    "DSO": "stembureaus met DSO",
    "CSO": "stembureaus met CSO",
    "CSO_central": "centrale zittingen",
}


def time_sentences(outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    return {
        "voting_sample_text": _voting_sample(outcome),
        "voting_answer_text": _voting_answer(outcome),
        "voting_ratio_text": _voting_ratio(outcome),
        "voting_quantiles_text": _voting_quantiles(outcome),
        "assisted_text": _assisted(outcome),
        "observers_text": _observers(outcome),
        "booths_text": _booths(outcome),
        "horizon": number(outcome.study.times.horizon_seconds),
        "counting_sample_text": _counting_sample(outcome),
        "counting_answer_text": _counting_answer(outcome),
        "counting_ratio_text": _counting_ratios(outcome),
        "finished_text": _finished(outcome),
        "counting_since_text": _since(outcome),
    }


def _measure(items: tuple[Measure, ...], **wanted: str) -> Measure | None:
    """Return the measure with these fields, or None when there is none with a number."""
    for m in items:
        if all(getattr(m, k) == v for k, v in wanted.items()):
            return None if math.isnan(m.estimate) else m
    return None


def _limits(m: Measure, digits: int = 2) -> str:
    return f"{number(m.ci_lower, digits)} tot {number(m.ci_upper, digits)}"


def _change(m: Measure, less: str, more: str) -> str:
    """Return a ratio as a change in percent, with the word for its direction."""
    return f"{percent(abs(m.estimate - 1), 0)} {less if m.estimate < 1 else more}"


def _clear(m: Measure) -> bool:
    """Return whether the interval of a ratio leaves 1 out."""
    return not m.ci_lower <= 1 <= m.ci_upper


def _voting_sample(outcome: Outcome) -> str:
    if "all" not in outcome.voting.voters:
        return NO_VOTING
    voters = outcome.voting.voters["all"]
    new, helped = int(voters.new.sum()), int((voters.frame["assisted"] == "yes").sum())
    broken = int((~voters.complete).sum())
    stations = len(set(voters.station))
    return (
        f"Waarnemers hebben van {number(voters.n)} kiezers de tijd in het stemhokje opgenomen, op "
        f"{number(stations)} stembureaus in {municipalities(voters.municipality.nunique())}: "
        f"{number(new)} met het nieuwe en {number(voters.n - new)} met het oude stembiljet. "
        f"{number(helped)} kiezers kregen hulp. Bij {number(broken)} is de waarneming afgebroken "
        "voordat de kiezer klaar was; zij tellen mee als ‘langer dan de gemeten tijd’."
    )


def _ratio(outcome: Outcome) -> Measure | None:
    wanted = {"quantity": "ratio", "subset": "unassisted", "method": "mixed_model"}
    return _measure(outcome.results.voting_time, **wanted)


def _voting_answer(outcome: Outcome) -> str:
    """Answer whether voting takes longer, for the summary."""
    ratio = _ratio(outcome)
    medians = [
        _measure(
            outcome.results.voting_time,
            quantity="median_seconds",
            group=ballot,
            subset="unassisted",
            method="kaplan_meier",
        )
        for ballot in ("new", "old")
    ]
    if ratio is None or medians[0] is None or medians[1] is None:
        return NO_VOTING
    middle = (
        f"de helft van de kiezers zonder hulp is binnen {number(medians[0].estimate)} seconden "
        f"klaar, met het oude stembiljet binnen {number(medians[1].estimate)} seconden"
    )
    if not _clear(ratio):
        return (
            "Een verschil is niet aangetoond: de verhouding van de tijden is "
            f"{number(ratio.estimate, 2)} ({_limits(ratio)}); {middle}."
        )
    return (
        f"Stemmen met het nieuwe stembiljet duurt {_change(ratio, 'korter', 'langer')} "
        f"(verhouding {number(ratio.estimate, 2)}; {_limits(ratio)}): {middle}."
    )


def _voting_ratio(outcome: Outcome) -> str:
    ratio = _ratio(outcome)
    if ratio is None:
        return NO_VOTING
    text = (
        "Van kiezers zonder hulp is de tijd met het nieuwe stembiljet "
        f"{number(ratio.estimate, 2)} keer die met het oude ({_limits(ratio)}; p-waarde "
        f"{p_value(ratio.p_value)}). "
    )
    others = [
        m
        for m in outcome.results.voting_time
        if m.subset == "unassisted"
        and m.quantity in ("ratio", "restricted_mean_ratio")
        and math.isfinite(m.estimate)
    ]
    low, high = (f(m.estimate for m in others) for f in (min, max))
    return text + (
        f"De {count_in_words(len(others))} methoden geven een verhouding van {number(low, 2)} tot "
        f"{number(high, 2)}."
    )


def _voting_quantiles(outcome: Outcome) -> str:
    found = outcome.voting.quantiles
    if found is None:
        return NO_VOTING
    ratios = [math.exp(v) for v in (found.estimates[0], found.estimates[-1])]
    ends = [percent(v, 0) for v in (found.quantiles[0], found.quantiles[-1])]
    return (
        f"Bij de snelste kiezers (kwantiel {ends[0]}) is de verhouding {number(ratios[0], 2)}, bij "
        f"de langzaamste (kwantiel {ends[1]}) {number(ratios[1], 2)}."
    )


def _assisted(outcome: Outcome) -> str:
    wanted = {"quantity": "ratio", "subset": "assisted", "method": "mixed_model"}
    ratio = _measure(outcome.results.voting_time, **wanted)
    if ratio is None:
        return "Voor kiezers met hulp kan geen verschil worden berekend."
    return (
        f"Van kiezers met hulp zijn er {number(ratio.n)} waargenomen; daar is de verhouding "
        f"{number(ratio.estimate, 2)} ({_limits(ratio)})"
        + ("." if _clear(ratio) else ", zodat een verschil niet is aangetoond.")
    )


def _observers(outcome: Outcome) -> str:
    items = outcome.results.voting_time
    share = _measure(items, quantity="observer_share_of_variance")
    within = _measure(items, quantity="observer_sd_log_seconds")
    if share is None:
        return "Verschillen tussen waarnemers zijn niet gemeten."
    text = (
        f"Van alle verschillen in tijd met hetzelfde stembiljet ligt {percent(share.estimate, 0)} "
        "tussen waarnemers, met de verschillen tussen hun stembureaus daarin. "
    )
    if within is None:
        return text + (
            "Op geen stembureau werkten twee waarnemers; waarnemer en stembureau zijn daarom niet "
            "te scheiden."
        )
    found = "" if within.p_value < 0.05 else " niet meer dan door toeval"
    return text + (
        f"Waarnemers op hetzelfde stembureau verschillen{found} (p-waarde "
        f"{p_value(within.p_value)}); de spreiding tussen hen is ongeveer "
        f"{percent(within.estimate, 0)} van de tijd."
    )


def _booths(outcome: Outcome) -> str:
    queue = outcome.study.times.queue
    rows = list(booth_rows(outcome.results.voting_time))
    if queue is None or not rows:
        return "Hoeveel stemhokjes nodig zijn, is niet berekend."
    text = (
        f"Minder dan {percent(queue.max_share, 0)} van de kiezers die in een piek van "
        f"{number(queue.peak_minutes)} minuten aankomen, mag langer dan "
        f"{number(queue.max_wait_minutes)} minuten op een stemhokje wachten. "
    )
    fewer = [number(rate) for rate, _, _, d in rows if d.estimate < 0]
    more = [number(rate) for rate, _, _, d in rows if d.estimate > 0]
    parts = [
        f"bij {enumerate_words(rates)} kiezers in dat uur {word} stemhokjes nodig"
        for rates, word in ((fewer, "minder"), (more, "meer"))
        if rates
    ]
    if not parts:
        return text + "Met het nieuwe stembiljet zijn daarvoor evenveel stemhokjes nodig."
    same = " en bij de andere aantallen evenveel" if len(fewer) + len(more) < len(rows) else ""
    return f"{text}Met het nieuwe stembiljet zijn {enumerate_words(parts)}{same}."


def _kinds(outcome: Outcome) -> list[str]:
    return [kind for kind in KINDS if kind in outcome.counting.paces]


def _counting_sample(outcome: Outcome) -> str:
    parts = []
    for kind in _kinds(outcome):
        numbers = {
            m.group: m.n
            for m in outcome.results.counting_time
            if m.subset == kind and m.group in ("new", "old")
        }
        new, old = numbers.get("new", 0), numbers.get("old", 0)
        parts.append(
            f"{number(new)} met het nieuwe en {number(old)} met het oude stembiljet "
            f"van {IN_WORDS[kind]}"
        )
    if not parts:
        return NO_COUNTING
    return f"Er zijn tijden van {enumerate_words(parts)}."


def _pace_ratio(outcome: Outcome, kind: str) -> Measure | None:
    wanted = {"quantity": "person_minutes_ratio", "subset": kind, "method": "mixed_model"}
    return _measure(outcome.results.counting_time, **wanted)


def _pace_clause(kind: str, ratio: Measure) -> str:
    numbers = f"(verhouding {number(ratio.estimate, 2)}; {_limits(ratio)})"
    if not _clear(ratio):
        return f"op {IN_WORDS[kind]} is geen verschil aangetoond {numbers}"
    return f"op {IN_WORDS[kind]} kost tellen {_change(ratio, 'minder', 'meer')} tijd {numbers}"


def _counting_answer(outcome: Outcome) -> str:
    """Answer whether counting takes longer, for the summary."""
    found = {kind: _pace_ratio(outcome, kind) for kind in _kinds(outcome)}
    clauses = [_pace_clause(kind, ratio) for kind, ratio in found.items() if ratio is not None]
    if not clauses:
        return NO_COUNTING
    text = enumerate_words(clauses)
    return f"{text[0].upper()}{text[1:]}. De soorten tellingen zijn niet bij elkaar op te tellen."


def _counting_ratios(outcome: Outcome) -> str:
    parts = [
        f"{IN_WORDS[kind]} {number(ratio.estimate, 2)} ({_limits(ratio)})"
        for kind in _kinds(outcome)
        if (ratio := _pace_ratio(outcome, kind)) is not None
    ]
    if not parts:
        return NO_COUNTING
    return (
        "Bij evenveel stembiljetten, lijsten en tellers is de verhouding van de tijd met het "
        f"nieuwe tot die met het oude stembiljet: {enumerate_words(parts)}."
    )


def _finished(outcome: Outcome) -> str:
    parts = []
    for kind in ("DSO", "CSO"):
        shares = [
            _measure(
                outcome.results.counting_time,
                quantity=f"share_finished_after_{MIDNIGHT}_minutes",
                group=ballot,
                subset=kind,
            )
            for ballot in ("new", "old")
        ]
        if shares[0] is not None and shares[1] is not None:
            new, old = (percent(s.estimate, 0) for s in shares if s is not None)
            parts.append(
                f"op {IN_WORDS[kind]} {new} van de tellingen met het nieuwe en {old} van die met "
                "het oude stembiljet"
            )
    if not parts:
        return NO_COUNTING
    return f"Om middernacht was {enumerate_words(parts)} klaar."


def _since(outcome: Outcome) -> str:
    parts = [
        f"op {IN_WORDS[m.subset]} sinds {m.quantity.removeprefix(SINCE)} een verhouding van "
        f"{number(m.estimate, 2)} ({_limits(m)}; p-waarde {p_value(m.p_value)})"
        for m in outcome.results.counting_time
        if m.quantity.startswith(SINCE) and math.isfinite(m.estimate)
    ]
    if not parts:
        return "Van een eerdere verkiezing zijn geen tijden voor het tellen gemeten."
    return (
        "Vergeleken met hun eigen tijden bij een eerdere verkiezing, en met de verandering in de "
        f"controlegemeenten, hebben de experimentgemeenten {enumerate_words(parts)}."
    )
