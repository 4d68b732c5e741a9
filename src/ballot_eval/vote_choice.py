"""Signs of vote choice: it is never asked, never read and never handed on.

Too strict rather than too lax: "did you find the list easily" is refused as well; say it in other
words. What cannot be told: a choice in a longer open answer, or one behind a code and a harmless
name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: What :func:`vote_choice_sign` says of a column; the only sign of this kind.
VOTE_CHOICE = "vote choice"

#: Words of a name or a sentence, joined by underscores.
_WORDS = re.compile(
    r"(^|_)("
    r"(stem)?partij[a-z]*|part(y|ies)|politie(k|ke)|political|fracties?|"
    r"(voorkeurs?)?kandida(at|te|ten)[a-z]*|candidates?|"
    r"(kandidaten|kies|stem)?lijst(en|je|[a-z]*)|(candidate_?|electoral_?)?lists?|"
    r"stem_?keuzes?|stemgedrag|stemvoorkeur[a-z]*|voorkeur(s)?stem(men)?|keuze_stem|"
    r"vot(e|ing)_?(choice|intention|preference)|choice_of_vote|"
    r"(ge)?stem(t|d|de|den|men)?(_[a-z]+){0,3}_op|op_(wie|welke)|"
    r"vot(e|ed|ing)(_[a-z]+){0,2}_for(?!_the_first_time)|"
    r"(linkse?|rechtse?|left|right)_wing"
    r")($|_)"
)

#: Names of parties in the House of Representatives that are no ordinary words.
_ACRONYMS = re.compile(
    r"(?<![A-Za-z0-9])(VVD|PVV|CDA|D66|NSC|BBB|SGP|FVD|FvD|JA21|PvdA|PvdD|GL-PvdA|GroenLinks|"
    r"ChristenUnie|50PLUS|DENK|BIJ1)(?![A-Za-z0-9])"
)
_PARTIES = frozenset(
    {
        *("vvd", "pvv", "cda", "d66", "nsc", "bbb", "sp", "sgp", "fvd", "ja21", "pvda", "pvdd"),
        *("groenlinks", "groenlinks-pvda", "groenlinks/pvda", "gl-pvda", "gl/pvda", "cu"),
        *("christenunie", "50plus", "denk", "volt", "bij1", "forum voor democratie"),
        *("partij voor de dieren", "partij voor de vrijheid", "partij van de arbeid"),
        *("nieuw sociaal contract", "lokale partij", "blanco gestemd"),
    }
)

#: A column is taken for vote choice when at least this share of its filled cells names a party.
MIN_SHARE = 0.5


def about_vote_choice(text: str) -> bool:
    """Return whether a name, a wording or a label looks like vote choice."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text.strip())
    words = re.sub(r"[^a-zà-ÿ]+", "_", spaced.lower()).strip("_")
    return bool(_WORDS.search(words)) or names_party(text)


def names_party(text: str) -> bool:
    """Return whether the name of a party stands in a text, ordinary words left aside."""
    return _ACRONYMS.search(text) is not None or text.strip().casefold() in _PARTIES


def vote_choice_sign(column: str, cells: Sequence[str]) -> str:
    """Return ``VOTE_CHOICE`` when a column looks like it by name or content, else an empty text."""
    filled = [cell for cell in cells if cell.strip()]
    named = sum(cell.strip().casefold() in _PARTIES for cell in filled)
    if about_vote_choice(column) or (named and named >= MIN_SHARE * len(filled)):
        return VOTE_CHOICE
    return ""
