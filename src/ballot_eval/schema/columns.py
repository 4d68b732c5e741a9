"""What a raw table and a column are, and the columns that many tables share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

#: A whole number; a negative one gets a finding of its own. Not ``\\d``, here and below: that
#: takes the digits of every script.
WHOLE_PATTERN = r"-?[0-9]{1,12}"
DECIMAL_PATTERN = r"-?[0-9]{1,9}(\.[0-9]{1,6})?"
MOMENT_PATTERN = r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ])?([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"

#: A ``day_moment`` without a date is on the day of the election; a ``moment`` before noon is on
#: the day after it, in the night of the count.
Kind = Literal["text", "count", "decimal", "moment", "day_moment"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a raw table.

    ``pattern`` is that of a text; of the other kinds it follows. A file need not have an
    ``optional`` column; a cell of a ``nullable`` one may be empty. What stands in a ``private``
    column is never shown in a finding. An ``answer`` is one to a question of a questionnaire.
    """

    name: str
    nl: str
    en: str
    pattern: str = ""
    kind: Kind = "text"
    allowed: tuple[str, ...] = ()
    optional: bool = False
    nullable: bool = False
    private: bool = False
    answer: bool = False

    @property
    def form(self) -> str:
        """Return the regular expression that a filled cell has to match from end to end."""
        patterns = {
            "count": WHOLE_PATTERN,
            "decimal": DECIMAL_PATTERN,
            "moment": MOMENT_PATTERN,
            "day_moment": MOMENT_PATTERN,
        }
        return patterns.get(self.kind, "|".join(self.allowed) or self.pattern)


@dataclass(frozen=True, slots=True)
class Table:
    """A raw table: its columns, those that identify a row, and the one that names its unit.

    ``open`` says whether a file may have further columns; they are named in a finding, not read.
    ``nl`` and ``en`` say what one row is. Of a ``large`` table, with millions of rows, the raw
    text is kept as categories.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unit: str
    open: bool = False
    large: bool = False
    nl: str = ""
    en: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all columns."""
        return tuple(c.name for c in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Return the names of the columns that every file has."""
        return tuple(c.name for c in self.columns if not c.optional)

    def of_kind(self, *kinds: Kind) -> tuple[str, ...]:
        """Return the names of the columns of some kinds."""
        return tuple(c.name for c in self.columns if c.kind in kinds)

    def __iter__(self) -> Iterator[Column]:
        """Iterate over the columns."""
        return iter(self.columns)


ELECTION = Column("election_id", "Verkiezing", "Election", r"(TK|EP|GR|PS|WS)20[0-9]{2}")
MUNICIPALITY = Column(
    "municipality_code", "Gemeentecode, vier cijfers", "Municipality code, four digits", r"[0-9]{4}"
)
BALLOT = Column("ballot", "Stembiljet", "Ballot", allowed=("new", "old"))

#: Short codes of letters and digits: a name does not fit, and is not wanted.
CODE_PATTERN = r"[A-Za-z]{0,4}[ -]?[0-9]{1,5}[A-Za-z]?"

#: Names or numbers of polling stations and sessions; no sign that an e-mail address has.
UNIT_PATTERN = r"[0-9A-Za-zÀ-ÖØ-öø-ž'’(][0-9A-Za-zÀ-ÖØ-öø-ž .\-/'’()]{0,39}"


#: Number of a polling station in the official files, as text; empty for the whole municipality.
STATION = Column(
    "polling_station_id",
    "Nummer van het stembureau",
    "Number of the polling station",
    r"[0-9A-Za-z][0-9A-Za-z._\-]{0,19}",
)
