"""``data/schemas/``: Frictionless Table Schemas, the rules and the data dictionary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ballot_eval.schema import SURVEY_TABLES, TABLES, Column
from ballot_eval.validation.rules import RULES


def table_schemas() -> dict[str, str]:
    """Return file name → text of everything in ``data/schemas/``.

    Of surveys the fixed columns only: those of the answers depend on the study.
    """
    texts = {
        f"{name}.json": _json(
            ({"description": table.en} if table.en else {})
            | {
                "fields": [_field(c) for c in table],
                "primaryKey": list(table.key),
                "missingValues": [""],
            }
        )
        for name, table in (TABLES | SURVEY_TABLES).items()
    }
    fields = ("code", "severity", "nl", "en", "threshold", "denominator", "excludes")
    texts["rules.json"] = _json([{f: getattr(rule, f) for f in fields} for rule in RULES])
    texts["README.md"] = _dictionary()
    return texts


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


#: Frictionless types. Decimals and moments stay text there, so that their pattern is checked.
_TYPES = {"count": "integer"}


def _field(column: Column) -> dict[str, Any]:
    # An optional column may be left out of a file; a nullable one has empty cells.
    constraints: dict[str, Any] = {"required": not column.nullable}
    if column.kind == "count":
        constraints["minimum"] = 0
    elif column.allowed:
        constraints["enum"] = list(column.allowed)
    else:
        constraints["pattern"] = column.form
    return {
        "name": column.name,
        "title": column.nl,
        "description": column.en,
        "type": _TYPES.get(column.kind, "string"),
        "constraints": constraints,
    }


def _dictionary() -> str:
    lines = ["# Data dictionary", "", "Written by `ballot-eval schemas`; do not edit by hand.", ""]
    for name, table in (TABLES | SURVEY_TABLES).items():
        lines += [f"## {name}.csv", ""]
        if table.en:
            lines += [f"{table.nl} {table.en}", ""]
        lines += ["| column | Nederlands | English | form |"]
        lines += ["|---|---|---|---|"]
        lines += [f"| {c.name} | {c.nl} | {c.en} | {_form(c)} |" for c in table]
        lines += ["", f"Key: {', '.join(table.key)}. Comma separated, UTF-8."]
        if table.open:
            lines[-1] += " Further columns may stand in the file; they are named, not read."
        if name in SURVEY_TABLES:
            lines[-1] += " The columns of the answers follow from the study's `survey_*.toml`; "
            lines[-1] += "`ballot-eval template DIR --study STUDY` writes them all."
        lines.append("")
    lines += ["## Rules", "", "| code | severity | statement |", "|---|---|---|"]
    lines += [f"| {rule.code} | {rule.severity} | {rule.en} |" for rule in RULES]
    return "\n".join(lines) + "\n"


def _form(column: Column) -> str:
    """Return what a cell may hold, for people."""
    if column.kind == "count":
        form = "whole number ≥ 0"
    elif column.kind == "decimal":
        form = "number, decimals after a point"
    elif column.kind in ("moment", "day_moment"):
        form = "`2026-03-18T21:05` or `21:05`"
    elif column.allowed:
        form = ", ".join(f"`{value}`" for value in column.allowed)
    else:
        form = f"`{column.pattern}`".replace("|", "\\|")
    ends = (", may be empty", ", column may be absent")
    return form + "".join(
        e for e, applies in zip(ends, (column.nullable, column.optional), strict=True) if applies
    )


def write_schemas(folder: Path) -> list[Path]:
    """Write all files into ``folder``; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in table_schemas().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        paths.append(folder / name)
    return paths


def stale_schemas(folder: Path) -> list[str]:
    """Return the names of the files that are missing or differ from the package."""
    return [
        name
        for name, text in table_schemas().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]
