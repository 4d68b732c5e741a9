"""The sentences of the report on times: chosen by rule from the results, never by hand.

That nothing was measured is said once, and in the summary; what would follow is left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.times import booth_rows, is_close
from ballot_eval.reporting.wording.counting import counting_sentences
from ballot_eval.reporting.wording.measures import (
    NO_COMPARISON,
    change_text,
    find_measure,
    is_clear,
    limits_text,
)
from ballot_eval.results import Measure

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NO_VOTING = "De tijd in het stemhokje is niet gemeten."

#: Whose times they are, by subset.
WHO = {
    "unassisted": "kiezers zonder hulp",
    "assisted": "kiezers met hulp",
    "all": "alle kiezers",
}


def time_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    return counting_sentences(say, outcome) | {
        "voting_sample_text": _voting_sample(say, outcome),
        "voting_answer_text": _voting_answer(say, outcome),
        "voting_ratio_text": _voting_ratio(say, outcome),
        "voting_quantiles_text": _voting_quantiles(say, outcome),
        "assisted_text": _assisted(say, outcome),
        "observers_text": _observers(say, outcome),
        "booths_text": _booths(say, outcome),
        "booths_close_text": _booths_close(say, outcome),
        "horizon_text": _horizon(say, outcome),
    }


def _measured(outcome: Outcome) -> bool:
    return "all" in outcome.voting.voters


def _voting_sample(say: Language, outcome: Outcome) -> str:
    if not _measured(outcome):
        return NO_VOTING
    voters = outcome.voting.voters["all"]
    new, broken = int(voters.new.sum()), int((~voters.complete).sum())
    stations = say.plural(
        len(set(voters.station)), nl=("stembureau", "stembureaus"), en=("TODO", "TODO")
    )
    return (
        f"Waarnemers hebben van {say.plural(voters.n, nl=('kiezer', 'kiezers'), en=('TODO', 'TODO'))} de tijd in het "
        f"stemhokje opgenomen, op {stations} in {say.municipalities(voters.municipality.nunique())}: "
        f"{say.number(new)} met het nieuwe en {say.number(voters.n - new)} met het oude stembiljet. "
        f"{_help(say, outcome)} Bij "
        f"{say.number(broken)} is de waarneming afgebroken voordat de kiezer klaar was. In de mediaan, "
        "de P90 en het gemiddelde tellen zij mee als ‘langer dan de gemeten tijd’; in de "
        "verhouding volgens het gemengde model en in die per kwantiel tellen zij niet mee."
    )


def _help(say: Language, outcome: Outcome) -> str:
    """Say how many voters were helped, and of how many that is not known."""
    helped = outcome.voting.voters["all"].frame["assisted"]
    counts = {answer: int((helped == answer).sum()) for answer in ("yes", "no", "unknown")}
    if not counts["yes"] + counts["no"]:
        return "Of kiezers hulp kregen, is niet vastgelegd; de vergelijking gaat over alle kiezers."
    text = (
        f"Hulp {'kreeg' if counts['yes'] == 1 else 'kregen'} "
        f"{say.plural(counts['yes'], nl=('kiezer', 'kiezers'), en=('TODO', 'TODO'))}."
    )
    if not counts["unknown"]:
        return text
    one = counts["unknown"] == 1
    return (
        f"{text} Van {say.plural(counts['unknown'], nl=('kiezer', 'kiezers'), en=('TODO', 'TODO'))} is niet vastgelegd of "
        f"{'die' if one else 'zij'} hulp {'kreeg' if one else 'kregen'}; "
        f"{'die telt' if one else 'zij tellen'} alleen mee bij ‘alle kiezers’."
    )


def _ratio(outcome: Outcome, subset: str) -> Measure | None:
    """Return the ratio of voting times by the method that the plan names."""
    method = outcome.study.times.method
    return find_measure(outcome.results.voting_time, quantity="ratio", subset=subset, method=method)


def _voting_answer(say: Language, outcome: Outcome) -> str:
    """Answer whether voting takes longer, for the summary."""
    if not _measured(outcome):
        return NO_VOTING
    ratio, middle = _ratio(outcome, outcome.voting.main), _medians(say, outcome)
    if ratio is None:
        return NO_COMPARISON + middle
    size = f"verhouding {say.number(ratio.estimate, 2)}; {limits_text(say, ratio)}"
    if not is_clear(ratio):
        return f"Een verschil is niet aangetoond ({size}).{middle}"
    change = change_text(say, ratio, "korter", "langer")
    return f"Stemmen met het nieuwe stembiljet duurt {change} ({size}).{middle}"


def _medians(say: Language, outcome: Outcome) -> str:
    """Say within how many seconds half of the voters are ready, by ballot where it is known."""
    subset = outcome.voting.main
    parts = []
    for ballot, word in (("new", "nieuwe"), ("old", "oude")):
        m = find_measure(
            outcome.results.voting_time,
            quantity="median_seconds",
            group=ballot,
            subset=subset,
            method="kaplan_meier",
        )
        if m is not None:
            parts.append(f"binnen {say.number(m.estimate)} seconden met het {word}")
    if not parts:
        return ""
    who = "alle kiezers" if subset == "all" else "de kiezers zonder hulp"
    return f" De helft van {who} is klaar {say.listed(parts)} stembiljet."


def _voting_ratio(say: Language, outcome: Outcome) -> str:
    if not _measured(outcome):
        return ""
    subset = outcome.voting.main
    ratio = _ratio(outcome, subset)
    if ratio is None:
        return NO_COMPARISON
    text = (
        f"Van {WHO[subset]} is de tijd met het nieuwe stembiljet "
        f"{say.number(ratio.estimate, 2)} keer die met het oude ({limits_text(say, ratio)}; p-waarde "
        f"{say.p_value(ratio.p_value)}). "
    )
    others = [
        m
        for m in outcome.results.voting_time
        if m.subset == subset
        and m.quantity in ("ratio", "restricted_mean_ratio")
        and math.isfinite(m.estimate)
    ]
    if len(others) == 1:
        return text.rstrip()
    low, high = (f(m.estimate for m in others) for f in (min, max))
    text += (
        f"De {say.count(len(others))} methoden geven een verhouding van {say.number(low, 2)} tot "
        f"{say.number(high, 2)}"
    )
    differing = [m for m in others if is_clear(m) != is_clear(ratio)]
    if not differing:
        return text + ", en zij zijn het eens of er een verschil is aangetoond."
    come = "komt" if len(differing) == 1 else "komen"
    return text + f"; {say.count(len(differing))} daarvan {come} tot een andere slotsom."


def _horizon(say: Language, outcome: Outcome) -> str:
    """Say how long a long time counts in the mean."""
    found = {
        m.subset: m.estimate for m in outcome.results.voting_time if m.quantity == "horizon_seconds"
    }
    if not found:
        return ""
    parts = [f"{say.number(v)} seconden voor {WHO[k]}" for k, v in found.items()]
    if len(set(found.values())) == 1:
        parts = [f"{say.number(next(iter(found.values())))} seconden"]
    return f"In het gemiddelde telt een langere tijd niet verder mee dan tot {say.listed(parts)}."


def _voting_quantiles(say: Language, outcome: Outcome) -> str:
    found = outcome.voting.quantiles
    if found is None:
        return NO_COMPARISON if _measured(outcome) else ""
    ends = []
    for k in (0, -1):
        limits = [say.number(math.exp(v[k]), 2) for v in (found.ci_lower, found.ci_upper)]
        ends.append(
            f"bij kwantiel {say.percent(found.quantiles[k], 0)} is de verhouding "
            f"{say.number(math.exp(found.estimates[k]), 2)} ({limits[0]} tot {limits[1]})"
        )
    text = say.listed(ends)
    # One ratio for all quantiles is possible when some value lies within the whole band.
    same = found.band_lower.max() <= found.band_upper.min()
    return (
        f"{text[0].upper()}{text[1:]}. De band voor alle kwantielen samen sluit "
        f"{'niet ' if same else ''}uit dat de verhouding overal dezelfde is."
    )


def _assisted(say: Language, outcome: Outcome) -> str:
    if "assisted" not in outcome.voting.voters:
        return ""
    ratio = _ratio(outcome, "assisted")
    if ratio is None:
        return "Voor kiezers met hulp kan geen verschil worden berekend."
    return (
        f"Van {say.plural(ratio.n, nl=('kiezer', 'kiezers'), en=('TODO', 'TODO'))} met hulp is de hele tijd gezien; daar is de "
        f"verhouding {say.number(ratio.estimate, 2)} ({limits_text(say, ratio)})"
        + ("." if is_clear(ratio) else ", zodat een verschil niet is aangetoond.")
    )


def _observers(say: Language, outcome: Outcome) -> str:
    if not _measured(outcome):
        return ""
    items = outcome.results.voting_time
    share = find_measure(items, quantity="observer_share_of_variance")
    within = find_measure(items, quantity="observer_sd_log_seconds")
    if share is None:
        return "Verschillen tussen waarnemers zijn niet te berekenen."
    size = say.percent(share.estimate, 0) if share.estimate >= 0.005 else "vrijwel niets"
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
            f"{say.p_value(within.p_value)})."
        )
    return text + (
        f"Waarnemers op hetzelfde stembureau verschillen (p-waarde {say.p_value(within.p_value)}); de "
        f"spreiding tussen hen is ongeveer {say.percent(within.estimate, 0)} van de tijd."
    )


def _booths(say: Language, outcome: Outcome) -> str:
    if not _measured(outcome):
        return ""
    queue = outcome.study.times.queue
    rows = list(booth_rows(outcome.results.voting_time))
    if queue is None or not rows:
        return "Hoeveel stemhokjes nodig zijn, is niet berekend."
    text = (
        f"Minder dan {say.percent(queue.max_share, 0)} van de kiezers die in een piek van "
        f"{say.number(queue.peak_minutes)} minuten aankomen, mag langer dan "
        f"{say.number(queue.max_wait_minutes)} minuten op een stemhokje wachten. "
    )
    found = [(say.number(rate), d) for rate, _, _, d in rows if math.isfinite(d.ci_lower)]
    if not found:
        return text + NO_COMPARISON
    parts = [
        f"bij {say.listed(rates)} kiezers per uur {word} stemhokjes nodig"
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
    return f"{text}Met het nieuwe stembiljet zijn {say.listed(parts)}{rest}."


def _booths_close(say: Language, outcome: Outcome) -> str:
    """Explain the mark on a number of booths that is close to another; nothing without one."""
    rows = booth_rows(outcome.results.voting_time)
    if not any(is_close(m) for _, *measures in rows for m in measures):
        return ""
    return (
        "Bij een getal met een sterretje ligt het aandeel dat te lang wacht zo dicht bij de grens, "
        "dat een nieuwe nabootsing op een stemhokje meer of minder kan uitkomen."
    )
