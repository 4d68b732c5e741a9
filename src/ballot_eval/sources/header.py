"""Headers: which format a file has, and whether its columns are those of that format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ballot_eval.schema import SURVEY_TABLES, Table
from ballot_eval.sources.text import UTF16_MARKS, Faults, FileError, shown

#: A file with this share of a format's columns is taken for that format, faults and all.
MIN_SHARE = 0.6

#: Two column names this alike (``SequenceMatcher.ratio``) are taken for one, renamed.
MIN_LIKENESS = 0.7

#: The column that only surveys have.
FORM_CODE = "respondent_id"

#: Where the header is looked for; the widest official header has 2 kB.
HEAD_BYTES = 65_536

LONG_OTHERS = (
    "GrootOuderRegioCode",
    "Partij",
    "LijstNummer",
    "KandidaatNummer",
    "KandidaatInitialen",
    "KandidaatVoornaam",
    "KandidaatTussenvoegsel",
    "KandidaatAchternaam",
    "KandidaatWoonplaats",
    "KandidaatGeslacht",
)
WIDE_FIELDS = {
    "RegioNaam": "name",
    "RegioCode": "code",
    "Kiesgerechtigden": "eligible_voters_count",
    "Opkomst": "votes_cast_count",
    "GeldigeStemmen": "valid_votes_count",
    "BlancoStemmen": "blank_votes_count",
    "OngeldigeStemmen": "invalid_votes_count",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns a format needs, those it may have besides, and how its cells are divided.

    ``others`` is None where any other column may stand (a column per party) and empty where
    none may. ``table`` names the canonical table, if it is one.
    """

    format: str
    columns: tuple[str, ...]
    others: frozenset[str] | None
    delimiter: str
    latin1: bool = False
    table: str = ""
    #: Columns by which the format is told; without them, all that it needs.
    fixed: tuple[str, ...] = ()

    def likeness(self, found: Collection[str], name: str) -> tuple[float, bool, int]:
        """Return how like this layout a file is: the greater, the more.

        The share of the telling columns that its header has decides. Surveys share those: then
        the ``name`` of the file does, and the number of columns that the layout has a place for.
        """
        telling = self.fixed if self.fixed and FORM_CODE in found else self.columns
        share = sum(c.casefold() in found for c in telling) / len(telling)
        known = {c.casefold() for c in (*self.columns, *(self.others or ()))}
        return share, bool(self.table) and self.table == name, len(known.intersection(found))


LONG = Layout(
    "kiesraad_long",
    ("Regio", "RegioCode", "OuderRegioCode", "LijstNaam", "VeldType", "Waarde"),
    frozenset(LONG_OTHERS),
    ";",
)
WIDE = Layout("kiesraad_wide", tuple(WIDE_FIELDS), None, ";", latin1=True)
BUNDLE = Layout(
    "kiesraad_bundle",
    (
        "GemeenteCode",
        "GemeenteNaam",
        "Postcode",
        "StembureauNaam",
        "StembureauCode",
        "PartijNaam",
        "AantalStemmen",
    ),
    frozenset(),
    ";",
)


def _canonical(tables: Mapping[str, Table]) -> tuple[Layout, ...]:
    """Return the layouts of the canonical tables, and of surveys that the study does not have."""
    return tuple(
        Layout(
            "canonical_csv",
            tuple(c.name for c in table if not c.optional),
            None if table.open else frozenset(c.name for c in table if c.optional),
            ",",
            table=name,
            # Questions may be missing; the file is still that of a survey.
            fixed=tuple(c.name for c in table if not (c.optional or c.answer))
            if name in SURVEY_TABLES
            else (),
        )
        for name, table in (SURVEY_TABLES | dict(tables)).items()
    )


def head_of(content: bytes) -> str:
    """Return the first text of a file, whatever its encoding, to tell its format by.

    Raises FileError for a file without content.
    """
    # Marks of Unicode and separators alone are no content either.
    if not content.strip(b" \t\r\n;,\xef\xbb\xbf\xff\xfe\0"):
        msg = "is empty; remove it or download it again"
        raise FileError(msg)
    utf16 = content.startswith(UTF16_MARKS)
    head = content[:HEAD_BYTES].decode("utf-16" if utf16 else "iso-8859-1", errors="replace")
    return head.removeprefix("ï»¿")


def recognise(head: str, tables: Mapping[str, Table], name: str = "") -> Layout | str:
    """Return the layout a file has or nearly has, or the reason in words why it has none.

    ``head`` is its first text (:func:`head_of`); ``tables`` are the canonical tables that it may
    be; ``name`` is that of the file, without its ending.
    """
    # NUL is left out so that UTF-16 without a mark is recognised, and then refused as such.
    found = _first_cells(head.replace("\0", ""))
    best, score = None, (0.0, False, 0)
    for layout in (LONG, WIDE, BUNDLE, *_canonical(tables)):
        likeness = layout.likeness(found, name)
        if likeness > score:
            best, score = layout, likeness
    if best is not None and score[0] >= MIN_SHARE:
        if best.table and best.table not in tables:
            return "a survey; give a study that has its questionnaire (survey_*.toml)"
        return best
    if re.search(r"[\x00-\x08\x0e-\x1f]", head):
        return "not text but binary content; if it is a spreadsheet, save it as CSV"
    return "its header is not that of a known format"


def _first_cells(head: str) -> set[str]:
    """Return the cells of the first line that is not blank, whatever separates them."""
    for line in re.split(r"\r\n|\r|\n", head):
        cells = {c.strip(' \t"').casefold() for c in re.split(r"[;,\t|]", line)} - {""}
        if cells:
            return cells
    return set()


def check_header(layout: Layout, header: Sequence[str], line: int, faults: Faults) -> None:
    """Add a fault for every column that is missing, renamed, given twice or not allowed."""
    if len(header) == 1:
        d = layout.delimiter
        faults.add(f"line {line}: the separator is not {d!r}; save it with {d!r} between the cells")
        return
    for column, times in Counter(header).items():
        if column and times > 1:
            faults.add(f"line {line}: column {shown(column)} stands there {times} times; keep one")
    missing = [c for c in layout.columns if c not in header]
    allowed = {*layout.columns, *(layout.others or ()), ""}
    strange = list(dict.fromkeys(c for c in header if c not in allowed))
    renamed = _renamed(missing, strange)
    unknown = [c for c in strange if c not in renamed.values()]
    for column in missing:
        hint = "give it its name again"
        if column in renamed:
            hint = f"rename {shown(renamed[column])}, which is probably it"
        elif unknown and layout.others:
            hint = f"found instead: {', '.join(map(shown, unknown[:5]))}; {hint}"
        faults.add(f"line {line}: column {column} is missing; {hint}")
    if layout.table:
        for column in unknown if layout.others is not None else ():
            faults.add(f"line {line}: column {shown(column)} is unknown; remove it")
        for number, column in enumerate(header, start=1):
            if not column:
                faults.add(f"line {line}: column {number} has no name; remove it")


def _renamed(missing: Collection[str], strange: Collection[str]) -> dict[str, str]:
    """Pair missing columns with the strange ones most like them, the most alike first."""
    likeness = [
        (SequenceMatcher(None, m.casefold(), s.casefold()).ratio(), m, s)
        for m in missing
        for s in strange
    ]
    pairs: dict[str, str] = {}
    for ratio, column, name in sorted(likeness, reverse=True):
        if ratio >= MIN_LIKENESS and column not in pairs and name not in pairs.values():
            pairs[column] = name
    return pairs
