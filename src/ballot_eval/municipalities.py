"""The 342 municipalities of the Netherlands in 2025: public facts for choosing controls.

Figures are from Statistics Netherlands (CBS), open data under CC BY 4.0; borders and places on the
map of tiles were derived from CBS and Kadaster boundaries. ``data/SOURCES.md`` names the sources
one by one. Codes are four digits, as text, and equal those of the results of the parliamentary
election of 29 October 2025 (TK2025).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import pandas as pd

#: Columns of :func:`load_municipalities` that hold numbers; shares are fractions.
FIGURES = (
    "inhabitants_count",
    "inhabitants_per_km2",
    "higher_education_share",
    "mean_income_eur_thousands",
    "lowest_income_households_share",
    "highest_income_households_share",
    "address_density",
)


def load_municipalities() -> pd.DataFrame:
    """Return the municipalities of 2025, one row each, indexed by ``municipality_code``.

    The caller gets a copy. Source of the figures: CBS, open data, CC BY 4.0. Columns:

    - ``municipality_name``, ``province``: text;
    - ``inhabitants_count``, ``inhabitants_per_km2``: 2025;
    - ``higher_education_share``: share with a degree of hbo or university, 2024;
    - ``mean_income_eur_thousands``: per inhabitant and year, in thousands of euros;
    - ``lowest_income_households_share``, ``highest_income_households_share``: households in the
      lowest 40 and in the highest 20 per cent of the national distribution, as shares of the
      households of the municipality;
    - ``address_density``: addresses per km² around an address, 2019. NaN for Eemsdelta, Dijk en
      Waard, Land van Cuijk, Maashorst and Voorne aan Zee, which did not exist then. Purmerend and
      Amsterdam have the figure of before Beemster and Weesp joined them.
    """
    return _municipalities().copy()


def neighbours_of(codes: Iterable[str]) -> tuple[str, ...]:
    """Return the codes that border at least one of ``codes``, sorted, without ``codes`` themselves.

    Bordering means touching along a stretch, over land or over a river. Borders through lakes,
    estuaries and the sea do not count with few exceptions, so the five Wadden islands and
    Goeree-Overflakkee have no neighbours. Some borders shorter than about 1 km are missing too
    (``data/SOURCES.md``). Raises ValueError for one string instead of a collection, and for a code
    that is not a municipality of 2025.
    """
    if isinstance(codes, str):
        raise ValueError(f"codes must be a collection of codes, not one string: {codes!r}")
    wanted = set(codes)
    unknown = sorted(wanted.difference(_municipalities().index), key=str)
    if unknown:
        raise ValueError(f"not a municipality code of 2025: {', '.join(map(str, unknown))}")
    pairs = _borders()
    found = {other for code in wanted for other in pairs.get(code, ())}
    return tuple(sorted(found - wanted))


def load_tiles() -> pd.DataFrame:
    """Return the place of every municipality on a map of hexagons, by ``municipality_code``.

    ``row`` counts southwards and ``column`` eastwards, both from 0; odd rows lie half a tile to the
    east. No two share a place, and each province but for the Wadden islands is one piece. Derived
    from boundaries of CBS and Kadaster, CC BY 4.0 (``data/SOURCES.md``). The caller gets a copy.
    """
    path = files("ballot_eval") / "data" / "tiles.csv"
    with path.open(encoding="utf-8") as handle:
        table = pd.read_csv(handle, dtype={"municipality_code": str})
    return table.set_index("municipality_code")


@cache
def _borders() -> dict[str, frozenset[str]]:
    """Return the neighbours by code; the file has each pair once, the lower code first."""
    path = files("ballot_eval") / "data" / "neighbours.csv"
    with path.open(encoding="utf-8") as handle:
        table = pd.read_csv(handle, dtype=str)
    both: dict[str, set[str]] = {}
    for one, other in zip(table["municipality_code"], table["neighbour_code"], strict=True):
        both.setdefault(one, set()).add(other)
        both.setdefault(other, set()).add(one)
    return {code: frozenset(others) for code, others in both.items()}


@cache
def _municipalities() -> pd.DataFrame:
    path = files("ballot_eval") / "data" / "municipalities.csv"
    with path.open(encoding="utf-8") as handle:
        table = pd.read_csv(handle, dtype={"municipality_code": str})
    return table.set_index("municipality_code")
