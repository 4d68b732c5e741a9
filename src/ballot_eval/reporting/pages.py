"""Pages of the report of which the number differs by study: one per experiment municipality."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ballot_eval import figures
from ballot_eval.figures.base import KINDS
from ballot_eval.formatting import sort_name
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.layout import PAGE_BREAK, image
from ballot_eval.reporting.names import display_names
from ballot_eval.reporting.tables.municipality import details, history, missing
from ballot_eval.reporting.wording.experiment import which_time
from ballot_eval.topics.profiles import Profile, Result, booth_medians, pace_medians, profiles

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def municipality_pages(say: Language, outcome: Outcome, folder: Path) -> tuple[str, dict[str, str]]:
    """Return the pages in Markdown, and the alternative text of each figure by name.

    The figures are saved in ``folder``, ``_generated/<language>/figures`` of the report; images are
    referred to as svg, and the engines take the png where a format needs it.
    """
    names = display_names(outcome.study)
    accepted = outcome.validation.accepted
    voters = outcome.voting.voters.get(outcome.voting.main)
    times = booth_medians(voters) if voters is not None else {}
    paces = pace_medians(accepted["counting_times"], outcome.study)
    pages, alts = [], {}
    found = profiles(accepted, outcome.panel)
    for profile in sorted(found, key=lambda p: sort_name(names[p.code])):
        name, figure = names[profile.code], f"municipality_{profile.code}"
        alts[figure] = _save(say, outcome, profile, name, folder, figure)
        rows = details(say, outcome, profile, times, paces)
        without = missing(say, outcome, profile, times, paces)
        drawn = image(alts[figure], f"_generated/{say.code}/figures/{figure}.svg")
        texts = (_opening(say, outcome, profile, name), drawn, history(say, profile), rows)
        pages.append(_page(say, outcome, name, profile.code, texts) + without)
    return "\n".join(pages), alts


def _page(
    say: Language, outcome: Outcome, name: str, code: str, texts: tuple[str, str, str, str]
) -> str:
    """Return a page without its last line: break, heading, sentence, figure and two tables."""
    opening, picture, past, rows = texts
    election = outcome.study.election
    kind = say.pick(KINDS)[outcome.study.analysis.outcome]
    drawn = say(
        nl=f"Aandeel {kind} in {name}, met interval, en de controlegemeenten",
        en=f"Share of {kind} in {name}, with interval, and the control municipalities",
    )
    results = say(
        nl=f"Uitslagen van {name} bij alle verkiezingen van dit onderzoek",
        en=f"Results of {name} at all elections of this study",
    )
    known = say(
        nl=f"Wat er verder van {name} bekend is, {election}",
        en=f"What else is known of {name}, {election}",
    )
    return f"""{PAGE_BREAK}
## {name}

{opening}

::: {{#fig-municipality-{code}}}
{picture}

{drawn}
:::

::: {{#tbl-municipality-{code}}}
{past}
{results}
:::

::: {{#tbl-municipality-{code}-more}}
{rows}
{known}
:::

"""


def _opening(say: Language, outcome: Outcome, profile: Profile, name: str) -> str:
    """Say the result, which use it is, and what the figure and the tables are."""
    study = outcome.study
    kind = say.pick(KINDS)[study.analysis.outcome]
    share = profile.here.shares[study.analysis.outcome]
    cast, votes = say.number(profile.here.votes_cast_count), say.number(share.votes_count)
    use = study.exposure(profile.code, study.election)
    time = which_time(say, use)
    rate = say.percent(share.rate)
    code = profile.code
    return say(
        nl=f"Voor {name} was {study.election} de {time} verkiezing met het nieuwe stembiljet. "
        f"Onder de {cast} uitgebrachte stemmen waren {votes} {kind} ({rate}). "
        f"Zie @fig-municipality-{code}, @tbl-municipality-{code} en @tbl-municipality-{code}-more.",
        en=f"For {name}, {study.election} was the {time} election with the new ballot. Among the "
        f"{cast} votes cast were {votes} {kind} ({rate}). See @fig-municipality-{code}, "
        f"@tbl-municipality-{code} and @tbl-municipality-{code}-more.",
    )


def _save(
    say: Language, outcome: Outcome, profile: Profile, name: str, folder: Path, figure: str
) -> str:
    """Save the figure of a municipality; return its alternative text."""
    kind = outcome.study.analysis.outcome
    rows = pd.DataFrame([_row(result, kind) for result in profile.history if _known(result)])
    figures.save(
        figures.municipality_history(rows, name, kind=kind, language=say.code), folder, figure
    )
    return figures.alt_text_municipality_history(rows, name, kind=kind, language=say.code)


def _known(result: Result) -> bool:
    return bool(result.shares) or result.published is not None


def _row(result: Result, kind: str) -> dict[str, object]:
    """Return a row of the figure; a published share is drawn with the limits of its rounding."""
    if result.published is not None:
        rounded = result.published
        numbers = (rounded.share, rounded.lower, rounded.upper)
    else:
        share = result.shares[kind]
        numbers = (share.rate, share.ci_lower, share.ci_upper)
    band = result.controls.get(kind, (math.nan,) * 3)
    return {
        "election": result.election,
        "new_ballot": result.new_ballot,
        **dict(zip(("rate", "ci_lower", "ci_upper"), numbers, strict=True)),
        **dict(zip(("control_lower", "control_median", "control_upper"), band, strict=True)),
    }
