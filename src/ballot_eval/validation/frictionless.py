"""``data/schemas/``: Frictionless Table Schemas, the rules and the data dictionary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ballot_eval.validation.columns import COLUMNS, KEYS, Column
from ballot_eval.validation.rules import RULES


def table_schemas() -> dict[str, str]:
    """Return file name → text of everything in ``data/schemas/``."""
    texts = {
        f"{table}.json": _json(
            {
                "fields": [_field(c) for c in columns],
                "primaryKey": list(KEYS[table]),
                "missingValues": [""],
            }
        )
        for table, columns in COLUMNS.items()
    }
    fields = ("code", "severity", "nl", "en", "threshold", "denominator", "excludes")
    texts["rules.json"] = _json([{f: getattr(rule, f) for f in fields} for rule in RULES])
    texts["README.md"] = _dictionary()
    return texts


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _field(column: Column) -> dict[str, Any]:
    constraints: dict[str, Any] = {"required": True}
    if column.count:
        constraints["minimum"] = 0
    elif column.allowed:
        constraints["enum"] = list(column.allowed)
    else:
        constraints["pattern"] = column.pattern
    return {
        "name": column.name,
        "title": column.nl,
        "description": column.en,
        "type": "integer" if column.count else "string",
        "constraints": constraints,
    }


def _dictionary() -> str:
    lines = ["# Data dictionary", "", "Written by `ballot-eval schemas`; do not edit by hand.", ""]
    for table, columns in COLUMNS.items():
        lines += [f"## {table}.csv", "", "| column | Nederlands | English | form |"]
        lines += ["|---|---|---|---|"]
        for c in columns:
            form = "whole number ≥ 0" if c.count else f"`{c.pattern}`".replace("|", "\\|")
            lines.append(f"| {c.name} | {c.nl} | {c.en} | {form} |")
        lines += ["", f"Key: {', '.join(KEYS[table])}. Comma separated, UTF-8.", ""]
    lines += ["## Rules", "", "| code | severity | statement |", "|---|---|---|"]
    lines += [f"| {rule.code} | {rule.severity} | {rule.en} |" for rule in RULES]
    return "\n".join(lines) + "\n"


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
