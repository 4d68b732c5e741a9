"""Signs that a column holds personal data, by its name or by what stands in it.

What cannot be told: a name inside a longer text. A column of remarks ("Jan de Vries was te laat")
passes unless it holds an e-mail address; read such columns before you hand a file over. Nor can a
single capitalised word be told from a place, or two from the name of a building: columns that are
by their name about places and lists are not searched for names of people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

#: People at the polling station, in one word of a column's name.
_ROLES = (
    r"(plaatsvervangend_)?voorzitters?|chair(man|woman|person)?|tellers?|waarnemers?|"
    r"observators?|observers?|kiezers?|voters?|stembureaul(id|eden)|secretaris|invullers?|"
    r"medewerkers?|contact(_?perso(o)?n)?|ingevuld_door|filled_in_by"
)

#: Parts of column names, Dutch and English, as whole words.
NAMES = re.compile(
    r"(^|_)("
    rf"(voor|achter|roep|familie|{_ROLES})?na(a)?m(en)?|((first|last|sur|full|user|{_ROLES})_?)?"
    rf"names?|naam({_ROLES})|initial(s|en)|voorletters|tussenvoegsel|"
    r"bsn|burgerservicenummer|sofinummer|"
    r"geboorte[a-z]*|geboren|geb_?(dat(um)?|jaar|dag|plaats)|birth[a-z]*|born|dob|"
    # An age in groups is no personal data here, an exact one is.
    r"(leeftijd(en)?|ages?)(?!_(band|group|groep|klasse|class|categor|range|cohort))|"
    r"e?_?mail(adres|_address)?|telefoon(nummer)?|mobiel|(tele)?phone(_number)?|"
    r"adres|address|straat|street|huisnummer|postcode|zip_?code|woonplaats|"
    r"iban|rekeningnummer|paspoort(nummer)?|passport|document_?number|documentnummer|"
    r"stempas(nummer)?|handtekening|signature|foto|photo|gender|geslacht|"
    r"(kiezers?|voters?)_?(nummer|number|nr|id)|id_?kaart|identiteits[a-z]*|rijbewijs(nummer)?|"
    r"mobiele?_?nummer|contactgegevens|contact_details|ip|paraaf|signalement|kleding|clothing|"
    r"religie|religion|geloof|etniciteit|ethnicity|nationaliteit|nationality|sekse|sex|"
    r"gezondheid|beperking|disability|handicap|blind|slechtziend|"
    # Whether a polling station is accessible is about a place.
    r"(rolstoel|wheelchair)(?!_(toegank|access))|"
    r"partij|party|stemkeuze|vote_choice|voted_for|gestemd_op"
    r")($|_)"
)

_THINGS = (
    r"gemeente|municipality|(polling_)?station|stembureau|(kandidaten)?lijst|(candidate_)?list|"
    r"kieskring|(electoral_)?district|provincie|province|regio|region|locatie|location|"
    r"gebouw|building|wijk|buurt|plaats|place|kern"
)

#: Names of places and lists, from end to end: only these are not names of people.
OF_THINGS = re.compile(
    rf"({_THINGS})(_?(naam|name|locatie|location|type|soort))?|"
    rf"(naam|name)_?((van|of)_)?((de|het|the)_)?({_THINGS})"
)

#: Columns that are about a person where they hold more than a code, a number or yes and no.
OF_PEOPLE = re.compile(
    rf"((eerste|tweede|derde|first|second|third)_)?({_ROLES})(_(one|two|[a-z]))?|"
    r"[a-z_]+_(door|by)(_[a-z])?",
    re.ASCII,
)
CODE = re.compile(r"[A-Za-z]{0,4}[ -]?\d{1,5}[A-Za-z]?|\d+([.,]\d+)?|ja|nee|yes|no|unknown|[xX-]")

#: Parts of column names that make a pair of words in lower case a name; remarks are none.
HINTS = re.compile(r"naam|name|voorzitter|chair|teller|waarnemer|observer|observator|contact")
REMARKS = re.compile(r"opmerk|toelicht|remark|comment|note|notitie|beschrijv|descri|reden|reason")

EMAIL = re.compile(r"[^@\s]@[^@\s]+\.\w")
PHONE = re.compile(r"(\+31|0031|0)[\s-]?[1-9](?:[\s-]?\d){8}")
DATE = re.compile(
    r"(?:(?P<first>\d{4})[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.](?P<last>\d{4}))"
    r"([T ]\d\d?:\d\d(:\d\d)?)?"
)
POSTCODE = re.compile(r"[1-9]\d{3}\s?[A-Z]{2}")

#: Voters were born before this year; a later date is one of the election or of the form.
BORN_BEFORE = 2015

#: A column is taken for one of these when at least this share of its filled cells looks like it.
MIN_SHARE = 0.5

_PARTICLE = re.compile(r"van|de|der|den|het|ten|ter|te|['’]t|la|le|von|el|al")
_TITLE = re.compile(r"(dhr|hr|heer|mevr|mevrouw|mw|mej|dr|drs|ir|ing|mr|prof|mrs|ms)\.?", re.I)
_WORD = re.compile(r"[^\W\d_]+(['’.-]+[^\W\d_]+)*\.?|['’]t")
_INITIALS = re.compile(r"([^\W\d_]\.)+")

#: More words than this make a sentence.
_MOST_WORDS = 6


def _is_citizen_number(cell: str) -> bool:
    """Return whether a cell passes the test of the Dutch citizen service number (BSN)."""
    digits = cell.strip().replace(".", "").replace(" ", "")
    if not re.fullmatch(r"\d{8,9}", digits, re.ASCII) or not int(digits):
        return False
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    total = sum(w * int(d) for w, d in zip(weights, digits.zfill(9), strict=True))
    return total % 11 == 0


def _is_birth_date(cell: str) -> bool:
    found = DATE.fullmatch(cell.strip())
    return found is not None and 1900 <= int(found["first"] or found["last"]) < BORN_BEFORE


def _is_capital(word: str) -> bool:
    return word[0].isupper()


def _is_person(cell: str) -> bool:
    """Return whether a cell looks like a name: ``Jan de Vries``, ``J. de Vries``, ``Vries, J. de``.

    Two words with a capital, or one after a title, with nothing but particles between.
    """
    before, comma, after = cell.strip().partition(",")
    words = before.split()
    titled = bool(words) and _TITLE.fullmatch(words[0]) is not None
    words = words[titled:]
    given = after.split()
    if not words or len(words) + len(given) > _MOST_WORDS:
        return False
    if not all(_WORD.fullmatch(w) for w in (*words, *given)):
        return False
    if not all(_is_capital(w) or _PARTICLE.fullmatch(w) for w in (*words, *given)):
        return False
    capitals, given_capitals = sum(map(_is_capital, words)), sum(map(_is_capital, given))
    if comma:
        return capitals > 0 and given_capitals > 0
    # A particle ends a name only after initials: "Vries J. de".
    ends = _is_capital(words[-1]) or any(map(_INITIALS.fullmatch, words[1:]))
    return ends and capitals >= (1 if titled else 2)


def _is_pair_of_words(cell: str) -> bool:
    """Return whether a cell is two to four words of letters, as a name in lower case is."""
    words = cell.replace(",", " ").split()
    return 2 <= len(words) <= 4 and all(_WORD.fullmatch(w) for w in words)


def _like(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda cell: pattern.fullmatch(cell.strip()) is not None


def _has_email(cell: str) -> bool:
    return EMAIL.search(cell) is not None


EMAILS, PHONES, CITIZEN_NUMBERS = "e-mail addresses", "telephone numbers", "citizen service numbers"
PEOPLE = "names of people"

CONTENTS: dict[str, Callable[[str], bool]] = {
    EMAILS: _has_email,
    PHONES: _like(PHONE),
    CITIZEN_NUMBERS: _is_citizen_number,
    "dates of birth": _is_birth_date,
    "postcodes with letters": _like(POSTCODE),
    PEOPLE: _is_person,
}


def personal_sign(column: str, cells: Sequence[str]) -> str:
    """Return in words why a column looks like personal data, or an empty text when it does not.

    One e-mail address is enough; of what else it may hold, ``MIN_SHARE`` of the filled cells.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip())
    name = re.sub(r"[^a-z]+", "_", spaced.lower()).strip("_")
    of_things = OF_THINGS.fullmatch(name) is not None
    filled = [cell for cell in cells if cell.strip()]
    if not of_things and NAMES.search(name):
        return "its name"
    # The code of an observer, or how many people counted, is no name.
    coded = bool(filled) and all(CODE.fullmatch(cell.strip()) for cell in filled)
    if OF_PEOPLE.fullmatch(name) and not coded:
        return "its name"
    for kind, looks in CONTENTS.items():
        if of_things and kind == PEOPLE:
            continue
        if _holds(kind, looks, filled):
            return f"it holds what look like {kind}"
    hinted = HINTS.search(name) and not REMARKS.search(name) and not of_things
    if hinted and _holds(PEOPLE, _is_pair_of_words, filled):
        return f"it holds what look like {PEOPLE}"
    return ""


def _holds(kind: str, looks: Callable[[str], bool], filled: Sequence[str]) -> bool:
    found = sum(map(looks, filled))
    return found > 0 and (kind == EMAILS or found >= MIN_SHARE * len(filled))


def personal_in_text(cell: str) -> bool:
    """Return whether an e-mail address, telephone or citizen service number stands in a text."""
    return (
        _has_email(cell)
        or re.search(rf"(?<!\d){PHONE.pattern}(?!\d)", cell) is not None
        or any(map(_is_citizen_number, re.findall(r"(?<!\d)\d{8,9}(?!\d)", cell)))
    )


def personal_values(cells: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the values of a column of codes and numbers that look personal, by kind.

    Looked for are e-mail addresses and telephone numbers, of which one is enough, and citizen
    service numbers: one number in eleven passes their test, so at least ``MIN_SHARE`` of the
    different values must.
    """
    values = frozenset(cell for cell in cells if cell.strip())
    found: dict[str, frozenset[str]] = {}
    for kind, least in ((EMAILS, 0.0), (PHONES, 0.0), (CITIZEN_NUMBERS, MIN_SHARE)):
        alike = frozenset(filter(CONTENTS[kind], values))
        if alike and len(alike) >= least * len(values):
            found[kind] = alike
    return found
