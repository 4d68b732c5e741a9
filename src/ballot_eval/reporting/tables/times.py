"""Measures of times as Markdown tables for the report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.results import Measure
from ballot_eval.topics.booths import CLOSE
from ballot_eval.topics.counting_time import MIDNIGHT

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

BALLOTS = {"nl": {"new": "nieuw", "old": "oud"}, "en": {"new": "new", "old": "old"}}
SUBSETS = {
    "nl": {"unassisted": "zonder hulp", "assisted": "met hulp", "all": "alle kiezers"},
    "en": {"unassisted": "without help", "assisted": "with help", "all": "all voters"},
}
KINDS = {
    "nl": {
        "DSO": "DSO, stembureau",
        "CSO": "CSO, stembureau",
        "CSO_central": "CSO, centrale zitting",
    },
    "en": {
        "DSO": "DSO, polling station",
        "CSO": "CSO, polling station",
        "CSO_central": "CSO, central session",
    },
}
METHODS = {
    "nl": {
        "mixed_model": "gemengd model",
        "mixed_model_stations": "gemengd model, alleen stembureaus",
        "mixed_model_age": "gemengd model, met leeftijd",
        "randomisation": "hertoewijzing van gemeenten",
        "kaplan_meier": "beperkt gemiddelde (Kaplan–Meier)",
    },
    "en": {
        "mixed_model": "mixed model",
        "mixed_model_stations": "mixed model, polling stations only",
        "mixed_model_age": "mixed model, with age",
        "randomisation": "reassignment of municipalities",
        "kaplan_meier": "restricted mean (Kaplan–Meier)",
    },
}

#: Ratios of the work: at the same ballots, counters and lists, or as it was.
WORK = {
    "nl": {
        ("work_ratio", "mixed_model"): "gemengd model",
        ("work_ratio", "cr2"): "regressie, CR2",
        ("pace_ratio", "randomisation"): "hertoewijzing, zonder correctie",
    },
    "en": {
        ("work_ratio", "mixed_model"): "mixed model",
        ("work_ratio", "cr2"): "regression, CR2",
        ("pace_ratio", "randomisation"): "reassignment, not adjusted",
    },
}
SPEEDS = {
    "nl": {
        "cox": "Cox",
        "cox_adjusted": "Cox, bij gelijke omvang",
        "logrank_randomisation": "logrank, hertoewijzing",
    },
    "en": {
        "cox": "Cox",
        "cox_adjusted": "Cox, at equal size",
        "logrank_randomisation": "log-rank, reassignment",
    },
}

#: How the quantity starts that compares with the municipalities' own earlier election.
SINCE = "pace_ratio_since_"


def limits(say: Language, m: Measure, digits: int = 0) -> str:
    """Return the limits of a measure; an upper limit that was not reached is open."""
    if math.isnan(m.ci_lower) or math.isnan(m.ci_upper):
        return NO_NUMBER
    return say.between(m.ci_lower, m.ci_upper, digits)


def p_text(say: Language, m: Measure) -> str:
    """Return the p-value of a measure, or a dash where it has none."""
    return NO_NUMBER if math.isnan(m.p_value) else say.p_value(m.p_value)


def p_header(say: Language) -> str:
    """Return the head of a column of p-values."""
    return say(nl="p-waarde", en="p-value")


def _index(items: Sequence[Measure]) -> dict[tuple[str, str, str, str], Measure]:
    return {(m.quantity, m.group, m.subset, m.method): m for m in items}


def _cells(say: Language, m: Measure | None, digits: int = 0) -> list[str]:
    if m is None or math.isnan(m.estimate):
        return [NO_NUMBER, NO_NUMBER]
    return [say.number(m.estimate, digits), limits(say, m, digits)]


def _with_limits(say: Language, m: Measure, digits: int = 0) -> str:
    estimate, within = _cells(say, m, digits)
    return estimate if estimate == NO_NUMBER else f"{estimate} ({within})"


def voting_times(say: Language, items: Sequence[Measure]) -> str:
    """Return median, P90 and restricted mean in seconds, by voters and ballot."""
    found = _index(items)
    rows = []
    for subset, name in say.pick(SUBSETS).items():
        for ballot, label in say.pick(BALLOTS).items():
            key = (ballot, subset, "kaplan_meier")
            median = found.get(("median_seconds", *key))
            if median is None:
                continue
            p90, mean = found[("p90_seconds", *key)], found[("restricted_mean_seconds", *key)]
            cells = [*_cells(say, median), *_cells(say, p90), *_cells(say, mean)]
            rows.append([name, label, say.number(median.n), *cells])
    header = {
        "nl": ["Kiezers", "Biljet", "Aantal", "Mediaan", "Interval", "P90", "Interval"],
        "en": ["Voters", "Ballot", "Number", "Median", "Interval", "P90", "Interval"],
    }
    last = [say(nl="Gemiddelde", en="Mean"), "Interval"]
    return pipe_table([*say.pick(header), *last], rows, "llrrrrrrr")


def voting_ratios(say: Language, items: Sequence[Measure]) -> str:
    """Return the ratios of new to old by voters and method; 1 is no difference."""
    subsets, methods = say.pick(SUBSETS), say.pick(METHODS)
    rows = [
        [subsets[m.subset], methods[m.method], *_cells(say, m, 2), p_text(say, m)]
        for m in items
        if m.quantity in ("ratio", "restricted_mean_ratio")
    ]
    return pipe_table(_ratio_header(say, say(nl="Kiezers", en="Voters")), rows, "llrrr")


def _ratio_header(say: Language, about: str) -> list[str]:
    """Return the head of a table of ratios by method; ``about`` heads what they are of."""
    header = {"nl": ["Methode", "Verhouding", "Interval"], "en": ["Method", "Ratio", "Interval"]}
    return [about, *say.pick(header), p_header(say)]


def booths(say: Language, items: Sequence[Measure]) -> str:
    """Return the booths needed by arrivals per hour in a peak."""
    rows = []
    for rate, new, old, difference in booth_rows(items):
        cells = [_booths(say, m) for m in (new, old, difference)]
        rows.append([say.number(rate), *cells])
    header = {
        "nl": ["Kiezers per uur", "Nieuw", "Oud", "Verschil"],
        "en": ["Voters per hour", "New", "Old", "Difference"],
    }
    return pipe_table(say.pick(header), rows, "rrrr")


def booth_rows(items: Sequence[Measure]) -> Iterator[tuple[int, Measure, Measure, Measure]]:
    """Yield per arrival rate the booths with the new and the old ballot and their difference."""
    by_rate: dict[int, list[Measure]] = {}
    for m in items:
        if m.quantity == "booths_needed":
            by_rate.setdefault(int(m.subset.split("_", 1)[0]), []).append(m)
    for rate, (new, old, difference) in by_rate.items():
        yield rate, new, old, difference


def is_close(m: Measure) -> bool:
    """Return whether another simulation could well give a neighbouring number of booths."""
    return CLOSE in m.note


def _booths(say: Language, m: Measure) -> str:
    if math.isnan(m.estimate):
        return say.number(math.nan)
    sign = m.group == "new-old"
    text = say.number(m.estimate, sign=sign) + ("\\*" if is_close(m) else "")
    if math.isnan(m.ci_lower):
        return f"{text} ({NO_NUMBER})"
    if m.ci_lower == m.ci_upper == m.estimate:
        return text
    low, high = (say.number(v, sign=sign) for v in (m.ci_lower, m.ci_upper))
    return f"{text} ({low} {say(nl='tot', en='to')} {high})"


def counting_pace(say: Language, items: Sequence[Measure]) -> str:
    """Return person-minutes per 100 ballots by kind of count and ballot."""
    found = _index(items)
    rows = []
    for kind, name in say.pick(KINDS).items():
        for ballot, label in say.pick(BALLOTS).items():
            median = found.get(
                ("median_person_minutes_per_100_ballots", ballot, kind, "finished_counts")
            )
            if median is None:
                continue
            mean = found[("mean_person_minutes_per_100_ballots", ballot, kind, "finished_counts")]
            size = [say.number(median.n), say.number(median.n_clusters)]
            rows.append([name, label, *size, *(_with_limits(say, m, 1) for m in (median, mean))])
    # Intervals stand in the same cell: two columns more do not fit on the page.
    header = {
        "nl": ["Telling", "Biljet", "Aantal", "Gemeenten", "Mediaan (interval)"],
        "en": ["Count", "Ballot", "Number", "Municipalities", "Median (interval)"],
    }
    last = say(nl="Gemiddelde (interval)", en="Mean (interval)")
    return pipe_table([*say.pick(header), last], rows, "llrrrr")


def counting_ratios(say: Language, items: Sequence[Measure]) -> str:
    """Return the ratios of the work, new to old, by kind of count and method."""
    kinds, work = say.pick(KINDS), say.pick(WORK)
    rows = [
        [kinds[m.subset], work[m.quantity, m.method], *_cells(say, m, 2), p_text(say, m)]
        for m in items
        if (m.quantity, m.method) in work
    ]
    return pipe_table(_ratio_header(say, _count_header(say)), rows, "llrrr")


def _count_header(say: Language) -> str:
    return say(nl="Telling", en="Count")


def counting_speed(say: Language, items: Sequence[Measure]) -> str:
    """Return how much faster counts finish with the new ballot, by kind of count and method.

    The ratio of Cox is that of the rates of finishing; above 1 is faster. The log-rank test by
    reassigning municipalities has a p-value alone.
    """
    kinds, speeds = say.pick(KINDS), say.pick(SPEEDS)
    rows = []
    for m in items:
        if m.method in speeds:
            cells = [NO_NUMBER] * 2 if m.method == "logrank_randomisation" else _cells(say, m, 2)
            rows.append([kinds[m.subset], speeds[m.method], *cells, p_text(say, m)])
    return pipe_table(_ratio_header(say, _count_header(say)), rows, "llrrr")


#: Minutes after its start at which a central session is looked at; stations at midnight.
SESSION_MINUTES = 300


def counting_finished(say: Language, items: Sequence[Measure]) -> str:
    """Return how soon counts were finished: median, and share finished.

    Of polling stations time runs from their closing and the share is that at midnight; of central
    sessions both count from their start.
    """
    found = _index(items)
    rows = []
    for kind, name in say.pick(KINDS).items():
        session = kind == "CSO_central"
        origin, minutes = ("start", SESSION_MINUTES) if session else ("closing", MIDNIGHT)
        for ballot, label in say.pick(BALLOTS).items():
            key = (ballot, kind, "kaplan_meier")
            share = found.get((f"share_finished_{minutes}_minutes_after_{origin}", *key))
            if share is None:
                continue
            middle = found[f"median_minutes_after_{origin}", ballot, kind, "kaplan_meier"]
            limit = share.ci_lower, share.ci_upper
            within = NO_NUMBER if math.isnan(limit[0]) else say.interval(*limit, 0)
            when = _moment(say, minutes, session=session)
            cells = [when, say.percent(share.estimate, 0), within]
            rows.append([name, label, *_cells(say, middle), *cells])
    header = {
        "nl": ["Telling", "Biljet", "Mediaan (minuten)", "Interval", "Moment", "Klaar"],
        "en": ["Count", "Ballot", "Median (min)", "Interval", "Moment", "Finished"],
    }
    return pipe_table([*say.pick(header), "Interval"], rows, "llrrlrr")


def _moment(say: Language, minutes: float, *, session: bool) -> str:
    """Return when the share finished is taken: of a session so long after its start."""
    if not session:
        return say(nl="middernacht", en="midnight")
    hours = say.number(minutes / 60)
    return say(nl=f"na {hours} uur", en=f"after {hours} hours")


def counting_since(say: Language, items: Sequence[Measure]) -> str:
    """Return the change of the pace since an earlier election, against controls, as a ratio."""
    kinds = say.pick(KINDS)
    rows = [
        [
            kinds[m.subset],
            m.quantity.removeprefix(SINCE),
            say.number(m.n),
            *_cells(say, m, 2),
            p_text(say, m),
        ]
        for m in items
        if m.quantity.startswith(SINCE)
    ]
    header = {
        "nl": ["Telling", "Sinds", "Gemeenten", "Verhouding", "Interval"],
        "en": ["Count", "Since", "Municipalities", "Ratio", "Interval"],
    }
    return pipe_table([*say.pick(header), p_header(say)], rows, "llrrrr")


def time_tables(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the tables of times, those that there are results for."""
    made: dict[str, str] = {}
    voting, counting = outcome.results.voting_time, outcome.results.counting_time
    if voting:
        made["voting_times"] = voting_times(say, voting)
        made["voting_ratios"] = voting_ratios(say, voting)
    if any(booth_rows(voting)):
        made["booths"] = booths(say, voting)
    if counting:
        made["counting_pace"] = counting_pace(say, counting)
        made["counting_ratios"] = counting_ratios(say, counting)
        made["counting_speed"] = counting_speed(say, counting)
        made["counting_finished"] = counting_finished(say, counting)
    if any(m.quantity.startswith(SINCE) for m in counting):
        made["counting_since"] = counting_since(say, counting)
    return made
