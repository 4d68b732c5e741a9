"""Which election a file is of: from its name, or from the title and the date in it."""

from __future__ import annotations

import datetime as dt
import re

from ballot_eval.sources.text import Faults

ELECTION = re.compile(r"(?<![A-Za-z])(?:TK|EP|GR|PS|WS)20[0-9]{2}", re.IGNORECASE)

#: What is elected, as the official files name it, and how an id begins.
TITLES = {
    "gemeenteraad": "GR",
    "tweede kamer": "TK",
    "europees parlement": "EP",
    "provinciale staten": "PS",
    "waterschap": "WS",
}

#: Elections of which the districts have a code, K1 to K20; those of others differ by province or
#: water authority.
WITH_DISTRICTS = ("TK", "EP")

_YEAR = re.compile(r"(?<![0-9])20[0-9]{2}(?![0-9])")
_DATE = re.compile(
    r"(20[0-9]{2})-([0-9]{1,2})-([0-9]{1,2})|([0-9]{1,2})[-/]([0-9]{1,2})[-/](20[0-9]{2})"
)


def elections_in(name: str) -> list[str]:
    """Return the ids of elections that a file name holds, each once, sorted."""
    return sorted({match.upper() for match in ELECTION.findall(name)})


def election_of_name(name: str, faults: Faults) -> str:
    """Return the id of the election a file name holds, for example ``TK2025``.

    Adds a fault and returns an empty text where it holds none, or more than one.
    """
    found = elections_in(name)
    if not found:
        faults.add(
            "the election cannot be told from the file name; rename it so that it contains one, "
            "for example TK2025"
        )
    elif len(found) > 1:
        faults.add(f"the file name holds {' and '.join(found)}; rename it so that it contains one")
    return found[0] if found else ""


def kind_of_title(title: str) -> str:
    """Return the two letters an id begins with, for example ``GR``; empty where it is unclear."""
    kinds = {kind for words, kind in TITLES.items() if words in " ".join(title.casefold().split())}
    return kinds.pop() if len(kinds) == 1 else ""


def year_of_title(title: str) -> str:
    """Return the last year that a title names, or an empty text."""
    return next(reversed(_YEAR.findall(title)), "")


def iso_date(text: str) -> str:
    """Return ``2022-03-16`` for ``2022-03-16`` or ``16-03-2022``; empty for what is no date."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return ""
    year, month, day = found.group(1, 2, 3) if found[1] else found.group(6, 5, 4)
    try:
        return dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""
