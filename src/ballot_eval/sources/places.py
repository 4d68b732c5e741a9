"""What official files write about places: regions, municipalities and polling stations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from ballot_eval.municipalities import load_municipalities

REGION_TYPES = {"L": "national", "P": "province", "K": "district", "O": "caribbean"}

#: The polling station for postal votes from abroad: coded like a municipality, but none.
POSTAL_CODE = "G9010"

#: The Caribbean public bodies, which other files code like municipalities too.
_CARIBBEAN = frozenset({"9001", "9002", "9003"})

#: The end of a name in which the counting software keeps the postcode of a station.
_POSTCODE = re.compile(r"\s*\(postcode:([^()]*)\)\s*$", re.IGNORECASE)


def is_region(code: str) -> bool:
    """Return whether a region code is of something that is no municipality."""
    return code[:1] in REGION_TYPES or code == POSTAL_CODE


def region_code(number: str) -> str:
    """Return the region code of four digits that stand for a municipality or its like."""
    return f"O{number}" if number in _CARIBBEAN else f"G{number}"


def table_of(code: str, name: str, election: str) -> tuple[str, dict[str, str]]:
    """Return the table a region belongs to and its key cells; codes stay as found."""
    if not is_region(code):
        # What is no known region type is left to validation, as a municipality code.
        keys = {"municipality_code": code.removeprefix("G"), "municipality_name": name}
        return "municipality_results", {"election_id": election} | keys
    kind = "postal" if code == POSTAL_CODE else REGION_TYPES[code[:1]]
    keys = {"region_code": code, "region_name": name, "region_type": kind}
    return "region_results", {"election_id": election} | keys


def station_name(name: str, postcode: str = "") -> tuple[str, str]:
    """Return the name of a station without the postcode in it, and the postcode without spaces.

    ``postcode`` is that of a column of its own. A different one in the name stays there.
    """
    own = "".join(postcode.split())
    found = _POSTCODE.search(name)
    if found is None:
        return name, own
    named = "".join(found[1].split())
    if own and named and own.casefold() != named.casefold():
        return name, own
    return name[: found.start()], own or named


def station_number(text: str) -> str:
    """Return the number of a station without what the files put before it: ``0668::SB1``, ``SB1``.

    Other text stays as it is, without the space around it.
    """
    return re.sub(r"^([0-9]{4}::)?SB", "", text.strip())


def municipality_in(name: str) -> tuple[str, str] | None:
    """Return code and name of the one municipality of 2025 that a file name holds, or None.

    Case, accents, spaces and signs do not count: ``telling_west-maas-en-waal`` holds West Maas en
    Waal. Of names within one another the longest counts.
    """
    words = [plain(word) for word in re.split(r"[\W_]+", name) if plain(word)]
    known = _municipalities()
    spans = [
        (start, end, known[joined])
        for start in range(len(words))
        for end in range(start + 1, len(words) + 1)
        if (joined := "".join(words[start:end])) in known
    ]
    found = {
        place
        for start, end, place in spans
        if not any(s <= start and end <= e and (s, e) != (start, end) for s, e, _ in spans)
    }
    return found.pop() if len(found) == 1 else None


def are_municipalities(numbers: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether all numbers are codes of municipalities of 2025 that bear those names."""
    known = _municipalities()
    return all(
        known.get(plain(name), ("", ""))[0] == number.zfill(4)
        for number, name in zip(numbers, names, strict=True)
    )


def plain(text: str) -> str:
    """Return the letters and digits of a text alone, in lower case and without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in apart if c.isalnum())


@cache
def _municipalities() -> dict[str, tuple[str, str]]:
    names = load_municipalities()["municipality_name"]
    return {plain(str(name)): (str(code), str(name)) for code, name in names.items()}
