"""Signs that a column holds personal data, by its name or by what stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

#: Parts of column names, Dutch and English, as whole words.
NAMES = re.compile(
    r"(^|_)("
    r"(voor|achter|roep|familie)?na(a)?m(en)?|((first|last|sur|full)_?)?name|initial(s|en)|"
    r"voorletters|tussenvoegsel|bsn|burgerservicenummer|sofinummer|"
    r"geboorte(datum|dag|jaar|plaats)?|(date_of_)?birth(_?date|day|year)?|dob|"
    r"e?_?mail(adres|_address)?|telefoon(nummer)?|mobiel|(tele)?phone(_number)?|"
    r"adres|address|straat|street|huisnummer|postcode|zip_?code|woonplaats|"
    r"iban|rekeningnummer|paspoort(nummer)?|passport|document_?number|documentnummer|"
    r"stempas(nummer)?|handtekening|signature|foto|photo|gender|geslacht|"
    r"gezondheid|beperking|disability|partij|party|stemkeuze|vote_choice|voted_for|gestemd_op"
    r")($|_)"
)

#: Names of places and parties are not names of people.
OF_THINGS = re.compile(r"gemeente|municipality|station|stembureau|lijst|list|kieskring|district")

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.\w+")
PHONE = re.compile(r"(\+31|0031|0)[\s-]?[1-9](?:[\s-]?\d){8}")
BIRTH = re.compile(r"(19|20)\d\d-\d\d-\d\d|\d\d?[-/]\d\d?[-/](19|20)\d\d")
POSTCODE = re.compile(r"[1-9]\d{3}\s?[A-Z]{2}")
PERSON = re.compile(r"[A-Z][\w.'’-]*(\s(van|de|der|den|het|ten|ter|'t))*\s[A-Z][\w'’-]+")

#: A column is taken for one of these when at least this share of its filled cells looks like it.
MIN_SHARE = 0.5


def _is_citizen_number(cell: str) -> bool:
    """Return whether a cell passes the test of the Dutch citizen service number (BSN)."""
    digits = cell.strip().replace(".", "").replace(" ", "")
    if not re.fullmatch(r"\d{8,9}", digits) or not int(digits):
        return False
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    total = sum(w * int(d) for w, d in zip(weights, digits.zfill(9), strict=True))
    return total % 11 == 0


def _like(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda cell: pattern.fullmatch(cell.strip()) is not None


PEOPLE = "names of people"

CONTENTS: dict[str, Callable[[str], bool]] = {
    "e-mail addresses": _like(EMAIL),
    "telephone numbers": _like(PHONE),
    "citizen service numbers": _is_citizen_number,
    "dates of birth or other dates": _like(BIRTH),
    "postcodes with letters": _like(POSTCODE),
    PEOPLE: _like(PERSON),
}


def personal_sign(column: str, cells: Sequence[str]) -> str:
    """Return in words why a column looks like personal data, or an empty text when it does not."""
    name = re.sub(r"[^a-z]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip()).lower())
    of_things = OF_THINGS.search(name)
    if NAMES.search(name) and not of_things:
        return "its name"
    filled = [cell for cell in cells if cell.strip()]
    for kind, looks in CONTENTS.items():
        if of_things and kind == PEOPLE:
            continue
        if filled and sum(map(looks, filled)) >= MIN_SHARE * len(filled):
            return f"it holds what look like {kind}"
    return ""
