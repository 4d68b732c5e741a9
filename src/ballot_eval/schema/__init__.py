"""The raw tables, stated once: for readers, pandera, Frictionless and the data dictionary."""

from __future__ import annotations

from ballot_eval.schema.columns import Column, Kind, Table
from ballot_eval.schema.details import DETAIL_TABLES
from ballot_eval.schema.marking import MARKING_TABLES
from ballot_eval.schema.results import (
    COUNT_FIELDS,
    DIFFERENCE_FIELDS,
    EXPLANATION_FIELDS,
    NO_EXPLANATION,
    OTHER_EXPLANATION,
    OWN_EXPLANATIONS,
    RECORD_FIELDS,
    REGION_TYPES,
    RESULT_TABLES,
)
from ballot_eval.schema.surveys import SURVEY_TABLES
from ballot_eval.schema.times import TIME_TABLES

__all__ = [
    "COUNTED_TABLES",
    "COUNT_FIELDS",
    "DETAIL_TABLES",
    "DIFFERENCE_FIELDS",
    "EXPLANATION_FIELDS",
    "MARKING_TABLES",
    "NO_EXPLANATION",
    "OFFICIAL_TABLES",
    "OTHER_EXPLANATION",
    "OWN_EXPLANATIONS",
    "PERSON_TABLES",
    "RECORD_FIELDS",
    "REGION_TYPES",
    "RESULT_TABLES",
    "SURVEY_TABLES",
    "TABLES",
    "TIME_TABLES",
    "Column",
    "Kind",
    "Table",
]

#: The tables that need no questionnaire.
TABLES: dict[str, Table] = RESULT_TABLES | DETAIL_TABLES | MARKING_TABLES | TIME_TABLES

#: Tables that official files give, so that two of them can give the same.
OFFICIAL_TABLES = (*RESULT_TABLES, *DETAIL_TABLES)

#: Tables with the counts of a record; in some files each count stands on a line of its own.
COUNTED_TABLES = (*RESULT_TABLES, "station_results")

#: Tables of which one row is about one person; vote choice is looked for in their columns.
PERSON_TABLES = ("voting_times", *SURVEY_TABLES)
