"""The formats: canonical CSV, the Kiesraad's long CSV, its older wide CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ballot_eval.raw import COUNT_FIELDS, TABLES
from ballot_eval.sources.text import FileFault, decode, rows

LONG_HEADER = ("Regio", "RegioCode", "OuderRegioCode", "LijstNaam", "VeldType", "Waarde")
LONG_FIELDS = {
    "Kiesgerechtigden": "eligible_voters_count",
    "Opkomst": "votes_cast_count",
    "AantalGeldigeStemmen": "valid_votes_count",
    "AantalBlancoStemmen": "blank_votes_count",
    "AantalOngeldigeStemmen": "invalid_votes_count",
}
LONG_OUT_OF_SCOPE = frozenset(
    {"LijstAantalStemmen", "KandidaatAantalStemmen", "LijstAantalZetels", "KandidaatGekozen"}
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
REGION_TYPES = {"L": "national", "P": "province", "K": "district", "O": "caribbean"}

#: The polling station for postal votes from abroad: coded like a municipality, but none.
POSTAL_CODE = "G9010"

ELECTION = re.compile(r"(?:^|[^A-Za-z])((?:TK|EP|GR|PS|WS)20\d\d)")


@dataclass(slots=True)
class Parsed:
    """Rows of one file: (table, values by column, line by count field, first line)."""

    format: str
    records: list[tuple[str, dict[str, str], dict[str, int], int]] = field(default_factory=list)
    lines: int = 0
    lines_used: int = 0


def parse(path: str, content: bytes) -> Parsed | str:
    """Return the rows of a file, or the reason in words why it is of no known format.

    Raises FileFault for a file that is, or nearly is, of a known format but faulty.
    """
    name = path.rsplit("/", 1)[-1]
    if not name.lower().endswith((".csv", ".txt")):
        return "not a CSV file of a known format"
    if not content.strip():
        msg = "is empty; remove it or download it again"
        raise FileFault(msg)
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        decode(content, latin1=False)
    first = content.split(b"\n", 1)[0].decode("iso-8859-1").removeprefix("ï»¿").rstrip("\r")
    kinds = {"kiesraad_long": (LONG_HEADER, ";"), "kiesraad_wide": (tuple(WIDE_FIELDS), ";")}
    kinds |= {table: (columns, ",") for table, columns in TABLES.items()}
    best, score = "", 0.0
    for kind, (columns, _) in kinds.items():
        found = {c.strip().strip('"') for c in re.split(r"[;,\t|]", first)}
        share = len(found & set(columns)) / len(columns)
        if share > score:
            best, score = kind, share
    if score < 0.6:
        return "its header is not that of a known format"
    columns, delimiter = kinds[best]
    header = [c.strip().strip('"') for c in first.split(delimiter)]
    if len(header) == 1:
        msg = f"line 1: the separator is not {delimiter!r}; save it with {delimiter!r}"
        raise FileFault(f"{msg} between the cells")
    if missing := [c for c in columns if c not in header]:
        strange = [c for c in header if c and c not in columns] if best != "kiesraad_wide" else []
        found_text = f"; found instead: {', '.join(strange[:5])}" if strange else ""
        msg = f"line 1: column {', '.join(missing)} is missing{found_text}; give it its name again"
        raise FileFault(msg)
    if best == "kiesraad_long":
        return _long(name, content)
    return _wide(name, content) if best == "kiesraad_wide" else _tidy(best, content)


def _election(name: str) -> str:
    match = ELECTION.search(name)
    if match is None:
        msg = "the election cannot be told from the file name; rename it so that it contains one"
        raise FileFault(f"{msg}, for example TK2025")
    return match.group(1)


def _table_of(path_code: str, name: str, election: str) -> tuple[str, dict[str, str]]:
    """Return the table a region belongs to and its key cells; codes stay as found."""
    kind = REGION_TYPES.get(path_code[:1])
    if path_code == POSTAL_CODE:
        kind = "postal"
    if kind is None:
        # What is no known region type is left to validation, as a municipality code.
        code = path_code.removeprefix("G")
        keys = {"municipality_code": code, "municipality_name": name}
        return "municipality_results", {"election_id": election} | keys
    keys = {"region_code": path_code, "region_name": name, "region_type": kind}
    return "region_results", {"election_id": election} | keys


def _table_rows(text: str, delimiter: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    iterator = rows(text, delimiter)
    _, header = next(iterator)
    return [c.strip() for c in header], iterator


def _check_width(line: int, cells: list[str], header: list[str]) -> None:
    if len(cells) != len(header):
        msg = f"line {line}: {len(cells)} cells where the header has {len(header)}; mend the line"
        raise FileFault(msg)


def _long(name: str, content: bytes) -> Parsed:
    election = _election(name)
    parsed = Parsed("kiesraad_long")
    header, iterator = _table_rows(decode(content, latin1=False), ";")
    at = {c: header.index(c) for c in LONG_HEADER}
    open_rows: dict[str, tuple[dict[str, str], dict[str, int]]] = {}
    for line, cells in iterator:
        _check_width(line, cells, header)
        parsed.lines += 1
        kind = cells[at["VeldType"]]
        if kind in LONG_OUT_OF_SCOPE:
            continue
        if kind not in LONG_FIELDS:
            msg = f"line {line}: VeldType {kind!r} is unknown; allowed: {', '.join(LONG_FIELDS)}"
            raise FileFault(msg)
        parsed.lines_used += 1
        code, count = cells[at["RegioCode"]], LONG_FIELDS[kind]
        if code not in open_rows or count in open_rows[code][0]:
            # A field given twice opens a second row, so that validation sees a duplicate.
            table, values = _table_of(code, cells[at["Regio"]], election)
            open_rows[code] = (values, {})
            parsed.records.append((table, *open_rows[code], line))
        open_rows[code][0][count] = cells[at["Waarde"]]
        open_rows[code][1][count] = line
    return parsed


def _wide(name: str, content: bytes) -> Parsed:
    election = _election(name)
    parsed = Parsed("kiesraad_wide")
    header, iterator = _table_rows(decode(content, latin1=True), ";")
    at = {to: header.index(c) for c, to in WIDE_FIELDS.items()}
    for line, cells in iterator:
        if len(cells) <= max(at.values()):
            _check_width(line, cells, header)
        table, values = _table_of(cells[at["code"]], cells[at["name"]], election)
        values |= {c: cells[at[c]] for c in COUNT_FIELDS}
        parsed.records.append((table, values, dict.fromkeys(COUNT_FIELDS, line), line))
        parsed.lines += 1
    parsed.lines_used = parsed.lines
    return parsed


def _tidy(table: str, content: bytes) -> Parsed:
    parsed = Parsed("canonical_csv")
    header, iterator = _table_rows(decode(content, latin1=False), ",")
    for line, cells in iterator:
        _check_width(line, cells, header)
        cell = dict(zip(header, cells, strict=True))
        values = {c: cell[c] for c in TABLES[table]}
        parsed.records.append((table, values, dict.fromkeys(COUNT_FIELDS, line), line))
        parsed.lines += 1
    parsed.lines_used = parsed.lines
    return parsed
