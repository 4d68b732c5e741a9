"""Which format a file has; the canonical CSV, the Kiesraad's long CSV, its older wide CSV."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from ballot_eval.raw import SIMULATION_MARKS
from ballot_eval.schema import COUNT_FIELDS, PERSON_TABLES, RESULT_TABLES, TABLES, Table
from ballot_eval.sources.archive import TAR_ENDINGS
from ballot_eval.sources.bundle import read_bundle
from ballot_eval.sources.elections import election_of_name, elections_in
from ballot_eval.sources.eml import election_of, is_eml, read_eml
from ballot_eval.sources.frames import Records, block
from ballot_eval.sources.header import (
    BUNDLE,
    HEAD_BYTES,
    LONG,
    WIDE,
    WIDE_FIELDS,
    check_header,
    head_of,
    recognise,
)
from ballot_eval.sources.osv import is_osv, read_osv
from ballot_eval.sources.parsed import NumberedRows, Parsed, whole
from ballot_eval.sources.personal import personal_sign
from ballot_eval.sources.places import is_region, table_of
from ballot_eval.sources.text import Faults, FileError, decode, rows, shown
from ballot_eval.vote_choice import vote_choice_sign

__all__ = ["Parsed", "parse"]

LONG_FIELDS = {
    "Kiesgerechtigden": "eligible_voters_count",
    "Opkomst": "votes_cast_count",
    "AantalGeldigeStemmen": "valid_votes_count",
    "AantalBlancoStemmen": "blank_votes_count",
    "AantalOngeldigeStemmen": "invalid_votes_count",
}
#: Votes of lists and candidates, and the table of those of municipalities.
LONG_VOTES = {"LijstAantalStemmen": "list_results", "KandidaatAantalStemmen": "candidate_results"}
LONG_OUT_OF_SCOPE = frozenset({"LijstAantalZetels", "KandidaatGekozen"})


def parse(
    path: str,
    content: bytes,
    tables: Mapping[str, Table] = TABLES,
    elections: Container[str] | None = None,
) -> Parsed | str:
    """Return the rows of a file, or the reason in words why it was not read.

    ``tables`` are the canonical tables that a file may be. Official files are of one election: of
    others than ``elections``, where these are given, nothing is read.
    Raises FileError with every fault of a file that is, or nearly is, of a known format.
    """
    name = path.rsplit("/", 1)[-1]
    if name in SIMULATION_MARKS:
        return "marks the folder as simulated data; holds no results"
    if name.lower().endswith((".zip", ".xz", *TAR_ENDINGS)):
        return "an archive within an archive is not opened; unpack it and put its files here"
    if name.lower().endswith(".xml"):
        return _eml(path, content, elections)
    if not name.lower().endswith((".csv", ".txt")):
        return "not a CSV or XML file of a known format"
    head = head_of(content)
    if is_osv(head):
        named = elections_in(name)
        if elections is not None and named and not any(e in elections for e in named):
            return _unwanted(" and ".join(named))
        return _wanted(read_osv(path, content), elections)
    layout = recognise(head, tables, name.rsplit(".", 1)[0])
    if isinstance(layout, str):
        return layout
    faults = Faults()
    election = "" if layout.table else election_of_name(name, faults)
    numbered = rows(decode(content, latin1=layout.latin1), layout.delimiter, faults)
    line, header = next(numbered, (0, []))
    header = [c.strip() for c in header]
    if header:
        check_header(layout, header, line, faults)
    faults.raise_any()
    if layout is LONG:
        parsed = _long(header, numbered, election, faults)
    elif layout is WIDE:
        parsed = _wide(header, numbered, election, faults)
    elif layout is BUNDLE:
        parsed = read_bundle(header, numbered, election, faults)
    else:
        parsed = _canonical(layout.table, tables[layout.table], header, numbered, faults)
    faults.raise_any()
    if not parsed.lines and not layout.table:
        # An official file that ends at its header is cut off; a canonical one is a template.
        msg = "holds no rows below its header; download it again"
        raise FileError(msg)
    return parsed if layout.table else _wanted(parsed, elections)


def _eml(path: str, content: bytes, elections: Container[str] | None) -> Parsed | str:
    if not is_eml(content[:HEAD_BYTES]):
        return "XML, but not EML_NL"
    election = election_of(content)
    # The largest files are passed over before they are read.
    if election and elections is not None and election not in elections:
        return _unwanted(election)
    parsed = read_eml(path, content)
    return parsed if isinstance(parsed, str) else _wanted(parsed, elections)


def _wanted(parsed: Parsed, elections: Container[str] | None) -> Parsed | str:
    """Return what was read, or why it is left out: it is of an election that is not asked for."""
    found = {str(e) for part in parsed.blocks for e in part.frame["election_id"].unique()}
    if elections is None or not found or any(election in elections for election in found):
        return parsed
    return _unwanted(" and ".join(sorted(found)))


def _unwanted(election: str) -> str:
    return f"holds {election}, which is not part of the study"


def _long(header: list[str], numbered: NumberedRows, election: str, faults: Faults) -> Parsed:
    parsed = Parsed(LONG.format)
    name_at, code_at, kind_at, value_at = (
        header.index(c) for c in ("Regio", "RegioCode", "VeldType", "Waarde")
    )
    made = {name: Records(name, TABLES[name]) for name in (*RESULT_TABLES, *LONG_VOTES.values())}
    open_rows: dict[str, tuple[dict[str, str], dict[str, int]]] = {}
    for line, cells in whole(len(header), numbered, faults):
        parsed.lines += 1
        kind, code, value = cells[kind_at], cells[code_at], cells[value_at]
        if kind in LONG_VOTES and not is_region(code):
            row = dict(zip(header, cells, strict=True))
            made[LONG_VOTES[kind]].add(line, _votes(row, election), {})
        elif kind in LONG_FIELDS:
            count = LONG_FIELDS[kind]
            if code not in open_rows or count in open_rows[code][0]:
                # A field given twice opens a second row, so that validation sees a duplicate.
                table, values = table_of(code, cells[name_at], election)
                open_rows[code] = (values, {})
                made[table].add(line, *open_rows[code])
            open_rows[code][0][count] = value
            open_rows[code][1][count] = line
        else:
            if kind not in LONG_OUT_OF_SCOPE and kind not in LONG_VOTES:
                allowed = ", ".join((*LONG_FIELDS, *LONG_VOTES, *sorted(LONG_OUT_OF_SCOPE)))
                faults.add(f"line {line}: VeldType {shown(kind)} is unknown; allowed: {allowed}")
            continue
        parsed.lines_used += 1
    parsed.blocks = [records.block() for records in made.values() if records.lines]
    return parsed


def _votes(row: dict[str, str], election: str) -> dict[str, str]:
    """Return the cells of a row of party or candidate votes of a whole municipality."""
    cells = {
        "election_id": election,
        "municipality_code": row["RegioCode"].removeprefix("G"),
        "list_number": row.get("LijstNummer", ""),
        "votes_count": row["Waarde"],
    }
    if row["VeldType"] == "KandidaatAantalStemmen":
        return cells | {"candidate_number": row.get("KandidaatNummer", "")}
    return cells | {"list_name": row["LijstNaam"]}


def _wide(header: list[str], numbered: NumberedRows, election: str, faults: Faults) -> Parsed:
    parsed = Parsed(WIDE.format)
    at = {to: header.index(c) for c, to in WIDE_FIELDS.items()}
    made = {name: Records(name, table) for name, table in RESULT_TABLES.items()}
    for line, cells in whole(len(header), numbered, faults):
        parsed.lines += 1
        table, values = table_of(cells[at["code"]], cells[at["name"]], election)
        values |= {c: cells[at[c]] for c in COUNT_FIELDS}
        made[table].add(line, values, {})
    parsed.lines_used = parsed.lines
    parsed.blocks = [records.block() for records in made.values() if records.lines]
    return parsed


def _canonical(
    table: str, described: Table, header: list[str], numbered: NumberedRows, faults: Faults
) -> Parsed:
    parsed = Parsed("canonical_csv")
    lines: list[int] = []
    cells: list[list[str]] = [[] for _ in header]
    for line, row in whole(len(header), numbered, faults):
        lines.append(line)
        for column, cell in zip(cells, row, strict=True):
            column.append(cell)
    known = described.names
    read = {c: column for c, column in zip(header, cells, strict=True) if c in known}
    others = {c: column for c, column in zip(header, cells, strict=True) if c not in known}
    if lines:
        parsed.blocks.append(block(table, read, lines, table=described))
    parsed.lines = parsed.lines_used = len(lines)
    # Of columns that no table has, only the name is kept, and the sign of personal data.
    parsed.other_columns = tuple(others)
    signs = ((column, _sign(table, column, found)) for column, found in others.items())
    parsed.personal_columns = tuple((column, sign) for column, sign in signs if sign)
    return parsed


def _sign(table: str, column: str, cells: Sequence[str]) -> str:
    """Return why a column may not be there, in words; vote choice goes before anything else."""
    found = vote_choice_sign(column, cells) if table in PERSON_TABLES else ""
    return found or personal_sign(column, cells)
