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
    r"(kandidaten|kies|stem)?lijst(en|je|[a-z]*)|"
    r"(candidate_?|electoral_?)?lists?(_?(numbers?|num|nr|no))?|"
    r"stem_?(keuzes?|intenties?|voornemens?)|stemgedrag|stemvoorkeur[a-z]*|"
    r"voorkeur(s)?stem(men)?|keuze_stem|"
    r"vot(e|ing)_?(choice|intention|preference)|choice_of_vote|welke_keuze|which_choice|"
    r"(ge)?stem(t|d|de|den|men)?(_[a-z]+){0,3}_op|op_(wie|welke)|"
    r"(ge)?stem(t|d|de|den)?(_[a-z]+){0,2}_voor(?!_(het|de)_)|"
    r"(ge)?stem(t|d|de|den|men)?(_[a-z]+){0,3}_(links|rechts)|"
    # "What did you vote", "for whom did you choose", "who got your vote".
    r"(wat|wie)(_[a-z]+){0,3}_(gestemd|gekozen|stemt|stemde|koos|kiest)|"
    r"(wat|wie|welke?)(_[a-z]+){1,3}_(uw|je|jouw|mijn)_stem|"
    r"(what|whom?)_(did|do|have|has|will)_[a-z]+_(vote|choose|chosen|pick|picked|voted)|"
    r"(what|whom?|which)(_[a-z]+){1,3}_(your|my)_vote|"
    r"vot(e|ed|ing)(_[a-z]+){0,2}_for(?!_the_first_time)|"
    r"(linkse?|rechtse?|left|right)_wing"
    r")($|_)|"
    # Alone these are a choice; in a sentence they may be the act of voting.
    r"^((uw|je|jouw|mijn|your|my)_)?(stem|vote)$"
)

#: Names of parties that are no ordinary words.
_NAMES = re.compile(
    r"(?<![A-Za-z0-9])(?:(?i:"
    r"vvd|pvv|cda|d['’]?66|nsc|bbb|sgp|fvd|ja21|pvda|pvdd|bij1|50 ?plus|"
    r"groen ?links|christen ?unie|"
    r"partij voor de (dieren|vrijheid)|partij van de arbeid|socialistische partij|"
    r"nieuw sociaal contract|forum voor democratie|boer ?burger ?beweging|"
    r"staatkundig gereformeerde partij|lokale partij|blanco gestemd|gemeentebelangen)"
    r"|DENK|(?i:leefbaar) [A-Z][a-z]+)(?![A-Za-z0-9])"
)

#: Names of parties that are ordinary words or short: only alone.
_ALONE = frozenset({"sp", "cu", "gl", "denk", "volt", "leefbaar"})

#: Numbers before a name, and what stands behind it between brackets.
_NUMBERED = re.compile(r"^(lijst |list )?\(?\d{1,2}\)?[\s:)–-]+|\([^)]*\)")

#: A column is taken for vote choice when at least this share of its filled cells names a party.
MIN_SHARE = 0.5


def about_vote_choice(text: str) -> bool:
    """Return whether a name, a wording or a label looks like vote choice."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text.strip())
    words = re.sub(r"[^a-zà-ÿ]+", "_", spaced.lower()).strip("_")
    return bool(_WORDS.search(words)) or names_party(text)


def names_party(text: str) -> bool:
    """Return whether the name of a party stands in a text, ordinary words left aside."""
    # The dots of "V.V.D." go, those after a number ("1. D66", "1.D66") become a space.
    plain = re.sub(r"(?<=\d)\.(?!\d)", " ", text).replace(".", "")
    alone = _NUMBERED.sub("", plain.strip()).strip().casefold()
    return _NAMES.search(plain) is not None or alone in _ALONE


def vote_choice_sign(column: str, cells: Sequence[str]) -> str:
    """Return ``VOTE_CHOICE`` when a column looks like it by name or content, else an empty text."""
    filled = [cell for cell in cells if cell.strip()]
    named = sum(map(names_party, filled))
    if about_vote_choice(column) or (named and named >= MIN_SHARE * len(filled)):
        return VOTE_CHOICE
    return ""
