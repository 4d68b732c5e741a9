"""The sentences of the report on times: chosen by rule from the results, never by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.formatting import count_in_words, number, p_value, percent
from ballot_eval.reporting.tables_times import KINDS, SINCE, SUBSETS, WORK, booth_rows
from ballot_eval.reporting.wording_checks import enumerate_words, municipalities
from ballot_eval.results import Measure
from ballot_eval.topics.counting_time import MIDNIGHT

if TYPE_CHECKING:
    from ballot_eval.pipeline import Outcome

NO_VOTING = "De tijd in het stemhokje is niet gemeten."
NO_COUNTING = "De tijd voor het tellen is niet gemeten."

NO_COMPARISON = "Een vergelijking is met deze gegevens niet te berekenen."

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
        "horizon_text": _horizon(outcome),
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


def _plural(count: int, one: str, many: str) -> str:
    return f"{number(count)} {one if count == 1 else many}"


def _voting_sample(outcome: Outcome) -> str:
    if "all" not in outcome.voting.voters:
        return NO_VOTING
    voters = outcome.voting.voters["all"]
    new, helped = int(voters.new.sum()), int((voters.frame["assisted"] == "yes").sum())
    broken = int((~voters.complete).sum())
    stations = _plural(len(set(voters.station)), "stembureau", "stembureaus")
    return (
        f"Waarnemers hebben van {_plural(voters.n, 'kiezer', 'kiezers')} de tijd in het "
        f"stemhokje opgenomen, op {stations} in {municipalities(voters.municipality.nunique())}: "
        f"{number(new)} met het nieuwe en {number(voters.n - new)} met het oude stembiljet. "
        f"Hulp {'kreeg' if helped == 1 else 'kregen'} {_plural(helped, 'kiezer', 'kiezers')}. Bij "
        f"{number(broken)} is de waarneming afgebroken voordat de kiezer klaar was. In de mediaan, "
        "de P90 en het gemiddelde tellen zij mee als ‘langer dan de gemeten tijd’; in de "
        "verhouding volgens het gemengde model en in die per kwantiel tellen zij niet mee."
    )


def _ratio(outcome: Outcome, subset: str = "unassisted", method: str = "") -> Measure | None:
    """Return the ratio of voting times by a method, by default the one that the plan names."""
    return _measure(
        outcome.results.voting_time,
        quantity="ratio",
        subset=subset,
        method=method or outcome.study.times.method,
    )


def _voting_answer(outcome: Outcome) -> str:
    """Answer whether voting takes longer, for the summary."""
    if "all" not in outcome.voting.voters:
        return NO_VOTING
    ratio = _ratio(outcome)
    if ratio is None:
        return NO_COMPARISON
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
    middle = ""
    if medians[0] is not None and medians[1] is not None:
        middle = (
            f" De helft van de kiezers zonder hulp is binnen {number(medians[0].estimate)} "
            "seconden klaar, met het oude stembiljet binnen "
            f"{number(medians[1].estimate)} seconden."
        )
    size = f"verhouding {number(ratio.estimate, 2)}; {_limits(ratio)}"
    if not _clear(ratio):
        return f"Een verschil is niet aangetoond ({size}).{middle}"
    change = _change(ratio, "korter", "langer")
    return f"Stemmen met het nieuwe stembiljet duurt {change} ({size}).{middle}"


def _voting_ratio(outcome: Outcome) -> str:
    if "all" not in outcome.voting.voters:
        return NO_VOTING
    ratio = _ratio(outcome)
    if ratio is None:
        return NO_COMPARISON
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
    text += (
        f"De {count_in_words(len(others))} methoden geven een verhouding van {number(low, 2)} tot "
        f"{number(high, 2)}"
    )
    differing = [m for m in others if _clear(m) != _clear(ratio)]
    if not differing:
        return text + ", en zij zijn het eens of er een verschil is aangetoond."
    return text + f"; {count_in_words(len(differing))} daarvan komt tot een andere slotsom."


def _horizon(outcome: Outcome) -> str:
    """Say how long a long time counts in the mean."""
    found = {
        m.subset: m.estimate
        for m in outcome.results.voting_time
        if m.quantity == "horizon_seconds" and m.subset != "all"
    }
    if not found:
        return NO_VOTING
    parts = [f"{number(v)} seconden voor kiezers {SUBSETS[k]}" for k, v in found.items()]
    if len(set(found.values())) == 1:
        parts = [f"{number(next(iter(found.values())))} seconden"]
    return (
        f"In het gemiddelde telt een langere tijd niet verder mee dan tot {enumerate_words(parts)}."
    )


def _voting_quantiles(outcome: Outcome) -> str:
    found = outcome.voting.quantiles
    if found is None:
        return NO_COMPARISON if outcome.voting.voters else NO_VOTING
    ends = []
    for k in (0, -1):
        limits = [number(math.exp(v[k]), 2) for v in (found.ci_lower, found.ci_upper)]
        ends.append(
            f"bij kwantiel {percent(found.quantiles[k], 0)} is de verhouding "
            f"{number(math.exp(found.estimates[k]), 2)} ({limits[0]} tot {limits[1]})"
        )
    text = enumerate_words(ends)
    # One ratio for all quantiles is possible when some value lies within the whole band.
    same = found.band_lower.max() <= found.band_upper.min()
    return (
        f"{text[0].upper()}{text[1:]}. De band voor alle kwantielen samen sluit "
        f"{'niet ' if same else ''}uit dat de verhouding overal dezelfde is."
    )


def _assisted(outcome: Outcome) -> str:
    ratio = _ratio(outcome, "assisted")
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
        return "Verschillen tussen waarnemers zijn niet te berekenen."
    size = percent(share.estimate, 0) if share.estimate >= 0.005 else "vrijwel niets"
    text = (
        f"Van alle verschillen in tijd met hetzelfde stembiljet ligt {size} tussen waarnemers, met "
        "de verschillen tussen hun stembureaus daarin. "
    )
    if within is None:
        return text + (
            "Op geen stembureau werkten twee waarnemers; waarnemer en stembureau zijn daarom niet "
            "te scheiden."
        )
    if within.p_value >= 0.05 or within.estimate < 0.005:
        return text + (
            "Waarnemers op hetzelfde stembureau verschillen niet meer dan door toeval (p-waarde "
            f"{p_value(within.p_value)})."
        )
    return text + (
        f"Waarnemers op hetzelfde stembureau verschillen (p-waarde {p_value(within.p_value)}); de "
        f"spreiding tussen hen is ongeveer {percent(within.estimate, 0)} van de tijd."
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
    found = [(number(rate), d) for rate, _, _, d in rows if math.isfinite(d.estimate)]
    if not found:
        return text + NO_COMPARISON
    parts = [
        f"bij {enumerate_words(rates)} kiezers per uur {word} stemhokjes nodig"
        for word, rates in (
            ("minder", [rate for rate, d in found if d.ci_upper < 0]),
            ("meer", [rate for rate, d in found if d.ci_lower > 0]),
        )
        if rates
    ]
    if not parts:
        return text + (
            "Dat daarvoor met het nieuwe stembiljet meer of minder stemhokjes nodig zijn, is bij "
            "geen van de onderzochte aantallen kiezers aangetoond."
        )
    clear = sum(d.ci_upper < 0 or d.ci_lower > 0 for _, d in found)
    rest = "; bij de andere aantallen is geen verschil aangetoond" if clear < len(found) else ""
    return f"{text}Met het nieuwe stembiljet zijn {enumerate_words(parts)}{rest}."


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


def _work_ratio(outcome: Outcome, kind: str) -> Measure | None:
    """Return the ratio of the work by the method that the plan names."""
    method = outcome.study.times.method
    quantity = "work_ratio" if method == "mixed_model" else "pace_ratio"
    return _measure(outcome.results.counting_time, quantity=quantity, subset=kind, method=method)


def _work_clause(kind: str, ratio: Measure) -> str:
    numbers = f"(verhouding {number(ratio.estimate, 2)}; {_limits(ratio)})"
    if not _clear(ratio):
        return f"op {IN_WORDS[kind]} is geen verschil aangetoond {numbers}"
    return f"op {IN_WORDS[kind]} is tellen {_change(ratio, 'minder', 'meer')} werk {numbers}"


def _counting_answer(outcome: Outcome) -> str:
    """Answer whether counting takes longer, for the summary."""
    if not _kinds(outcome):
        return NO_COUNTING
    found = {kind: _work_ratio(outcome, kind) for kind in _kinds(outcome)}
    clauses = [_work_clause(kind, ratio) for kind, ratio in found.items() if ratio is not None]
    if not clauses:
        return NO_COMPARISON
    text = "; ".join(clauses)
    doubt = " Niet elke methode bevestigt dit." if _doubtful(outcome) else ""
    return f"{text[0].upper()}{text[1:]}.{doubt}"


def _doubtful(outcome: Outcome) -> list[str]:
    """Return the kinds of count at which a method disagrees with the one that the plan names."""
    doubtful = []
    for kind in _kinds(outcome):
        ratio = _work_ratio(outcome, kind)
        others = [
            m
            for m in outcome.results.counting_time
            if m.subset == kind and (m.quantity, m.method) in WORK and math.isfinite(m.estimate)
        ]
        if ratio is not None and any(_clear(m) != _clear(ratio) for m in others):
            doubtful.append(kind)
    return doubtful


def _counting_ratios(outcome: Outcome) -> str:
    if not _kinds(outcome):
        return NO_COUNTING
    parts = [
        f"{IN_WORDS[kind]} {number(ratio.estimate, 2)} ({_limits(ratio)})"
        for kind in _kinds(outcome)
        if (ratio := _work_ratio(outcome, kind)) is not None
    ]
    if not parts:
        return NO_COMPARISON
    text = (
        "De verhouding van het werk met het nieuwe tot dat met het oude stembiljet is "
        f"{enumerate_words(parts)}. Alleen tellingen die klaar waren tellen hierin mee."
    )
    doubtful = [IN_WORDS[kind] for kind in _doubtful(outcome)]
    if doubtful:
        text += (
            f" Over {enumerate_words(doubtful)} zijn de methoden het niet eens of er een verschil "
            "is aangetoond."
        )
    return text


def _finished(outcome: Outcome) -> str:
    parts = []
    for kind in ("DSO", "CSO"):
        shares = [
            _measure(
                outcome.results.counting_time,
                quantity=f"share_finished_{MIDNIGHT}_minutes_after_closing",
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
        return NO_COMPARISON if _kinds(outcome) else NO_COUNTING
    return f"Om middernacht was {enumerate_words(parts)} klaar."


def _since(outcome: Outcome) -> str:
    parts = [
        f"op {IN_WORDS[m.subset]} sinds {m.quantity.removeprefix(SINCE)} "
        f"{number(m.estimate, 2)} ({_limits(m)}; p-waarde {p_value(m.p_value)})"
        for m in outcome.results.counting_time
        if m.quantity.startswith(SINCE) and math.isfinite(m.estimate)
    ]
    if not parts:
        return "Van een eerdere verkiezing zijn geen tijden die te vergelijken zijn."
    return (
        "De verandering van het werk in de experimentgemeenten, gedeeld door die in de "
        f"controlegemeenten, is {enumerate_words(parts)}."
    )
