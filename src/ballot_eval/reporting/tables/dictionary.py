"""The data dictionary: what the files of a run and of the data hold, as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ballot_eval.outputs import output_columns
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.pipe import pipe_table
from ballot_eval.schema import Column, Table
from ballot_eval.schema.output_columns import OUTPUT_COLUMNS
from ballot_eval.schema.outputs import OTHER_OUTPUTS, OUTPUT_TABLES, OutputColumn

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: What a cell of the tables of a run may hold.
OUTPUT_KINDS = {
    "nl": {
        "text": "tekst",
        "count": "geheel getal",
        "number": "getal",
        "unit": "getal van 0 tot 1",
        "truth": "True of False",
    },
    "en": {
        "text": "text",
        "count": "whole number",
        "number": "number",
        "unit": "number from 0 to 1",
        "truth": "True or False",
    },
}

#: What a cell of the data may hold; a text with ``allowed`` answers names these instead.
RAW_KINDS = {
    "nl": {
        "text": "tekst",
        "count": "geheel getal",
        "decimal": "getal",
        "moment": "tijdstip",
        "day_moment": "tijdstip",
    },
    "en": {
        "text": "text",
        "count": "whole number",
        "decimal": "number",
        "moment": "date and time",
        "day_moment": "date and time",
    },
}

#: Units by the end of the name of a column that has one.
UNITS = {"nl": {"_seconds": "seconden"}, "en": {"_seconds": "seconds"}}


def dictionary_tables(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the tables of the dictionary, with one for each raw table that has rows."""
    described = outcome.raw.described
    read = {name: described[name] for name, frame in outcome.raw.tables.items() if len(frame)}
    made = {"dictionary_outputs": outputs(say), "dictionary_tables": raw_tables(say, read)}
    return made | {f"dictionary_{name}": raw_columns(say, table) for name, table in read.items()}


def outputs(say: Language) -> str:
    """Return what a run delivers: every file, each table followed by its columns."""
    rows = []
    for table, names in output_columns().items():
        what = OUTPUT_TABLES[table]
        rows.append([f"**{table}.csv**", "", say(nl=what.nl, en=what.en)])
        for column in (output_column(table, name) for name in names):
            kind = say.pick(OUTPUT_KINDS)[column.kind]
            rows.append([column.name, kind, say(nl=column.nl, en=column.en)])
    for name, what in OTHER_OUTPUTS.items():
        rows.append([f"**{name}**", "", say(nl=what.nl, en=what.en)])
    header = {
        "nl": ("Bestand en kolommen", "Soort", "Betekenis"),
        "en": ("File and columns", "Type", "Meaning"),
    }
    return pipe_table(say.pick(header), rows, "lll")


def output_column(table: str, name: str) -> OutputColumn:
    """Return the description of a column of a table of a run; KeyError without one."""
    found = [c for c in OUTPUT_COLUMNS if c.name == name]
    for column in (*(c for c in found if table in c.tables), *(c for c in found if not c.tables)):
        return column
    raise KeyError(f"{table}.{name}")


def raw_tables(say: Language, read: Mapping[str, Table]) -> str:
    """Return the raw tables with what a row of them is and what identifies it."""
    rows = [[name, say(nl=t.nl, en=t.en), ", ".join(t.key)] for name, t in read.items()]
    header = {
        "nl": ("Tabel", "Rijen", "Een rij is te herkennen aan"),
        "en": ("Table", "Rows", "A row is identified by"),
    }
    return pipe_table(say.pick(header), rows, "lll")


def raw_columns(say: Language, table: Table) -> str:
    """Return the columns of a raw table: name, type with unit, whether required, and meaning."""
    rows = [
        [c.name, _kind(say, c), _required(say, c), say(nl=c.nl, en=c.en)] for c in table.columns
    ]
    header = {
        "nl": ("Kolom", "Soort", "Verplicht", "Betekenis"),
        "en": ("Column", "Type", "Required", "Meaning"),
    }
    return pipe_table(say.pick(header), rows, "llll")


def _kind(say: Language, column: Column) -> str:
    """Return the type of a column with its unit, or the texts that are allowed."""
    if column.allowed:
        return ", ".join(column.allowed)
    kind = say.pick(RAW_KINDS)[column.kind]
    units = [unit for end, unit in say.pick(UNITS).items() if column.name.endswith(end)]
    return ", ".join([kind, *units])


def _required(say: Language, column: Column) -> str:
    """Return whether every file has a column, and whether its cells may be empty."""
    if column.optional:
        return say(nl="mag ontbreken", en="may be absent")
    if column.nullable:
        return say(nl="mag leeg zijn", en="may be empty")
    return say(nl="ja", en="yes")
