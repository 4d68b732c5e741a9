"""Plan files: TOML read into frozen models, with one clear line per mistake."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from ballot_eval.errors import DesignError


def formed(pattern: str, words: str) -> AfterValidator:
    """Return a check that a text has the form of ``pattern``; ``words`` say that form."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            msg = f"must be {words} (found {text!r})"
            raise ValueError(msg)
        return text

    return AfterValidator(check)


MunicipalityCode = Annotated[str, formed(r"[0-9]{4}", "four digits between quotes")]
#: What a rate counts: invalid, blank, or both together.
Outcome = Literal["invalid", "blank", "residual"]
ElectionId = Annotated[
    str, formed(r"[A-Z]{2}[0-9]{4}", "two capital letters and a year, such as TK2025")
]


class Frozen(BaseModel):
    """A part of a plan: nothing can be changed, no unknown key is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        """Refuse true and false where a number is asked: Python takes them for 1 and 0."""
        wanted = cls.model_fields[str(info.field_name)].annotation
        entries = value if isinstance(value, list) else [value]
        if wanted is not bool and any(isinstance(entry, bool) for entry in entries):
            msg = "must not be true or false"
            raise ValueError(msg)
        return value


def read_plan(file: Path, advice: str, reserved: tuple[str, ...]) -> dict[str, object]:
    """Return the keys of a TOML file, and under ``sha256`` the hash of the file.

    Raises DesignError, one line that names the file; ``advice`` says what to do when it cannot be
    read, ``reserved`` are the keys that the program fills in itself.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        msg = f"{file}: cannot be read ({error.strerror}); {advice}"
        raise DesignError(msg) from error
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{file}: not valid TOML in UTF-8: {error}"
        raise DesignError(msg) from error
    for key in ("sha256", *reserved):
        if key in values:
            msg = f"{file}: key {key}: is filled in by the program; remove it"
            raise DesignError(msg)
    return values | {"sha256": hashlib.sha256(content).hexdigest()}


def mistakes(file: Path, error: ValidationError, values: dict[str, object]) -> DesignError:
    """Return the error of a plan file: one line per mistake, with file and key."""
    problems = error.errors()
    lines = [
        f"{file}: {_explain(problem, values)}"
        for problem in problems
        # Entries with a mistake are not counted: that there are too few says nothing then.
        if not (problem["type"] == "too_short" and _inside(problem["loc"], problems))
    ]
    return DesignError("\n".join(lines))


def _inside(key: tuple[int | str, ...], problems: Sequence[ErrorDetails]) -> bool:
    """Return whether one of the problems lies in an entry of ``key``."""
    return any(len(p["loc"]) > len(key) and p["loc"][: len(key)] == key for p in problems)


def _explain(problem: object, values: dict[str, object]) -> str:
    """Turn one pydantic problem into ``key: what is wrong (found …)``."""
    assert isinstance(problem, dict)
    key = _key(problem["loc"], values)
    text = str(problem["msg"]).removeprefix("Value error, ")
    kind, found = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return f"key {key}: is not a known key; remove it or correct its spelling"
    if kind == "missing":
        return f"key {key}: is missing and must be given"
    if kind == "value_error":
        return f"key {key}: {text}" if key else text
    text = _PLAIN.get(kind, text)
    for name, value in (problem.get("ctx") or {}).items():
        text = text.replace(f"{{{name}}}", str(value))
    return f"key {key}: {text} (found {found!r})"


#: What pydantic says, in the words of someone who writes a study file.
_PLAIN = {
    "too_short": "needs at least {min_length} entries",
    "too_long": "may have at most {max_length} entries",
    "string_too_short": "must not be empty",
    "string_too_long": "may have at most {max_length} characters",
    "string_type": "must be text between quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "literal_error": "is not allowed; allowed: {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "time_type": "must be a time such as 07:30:00, without quotes",
    "time_parsing": "must be a time such as 07:30:00, without quotes",
    "date_type": "must be a date such as 2026-03-18, without quotes",
    "date_from_datetime_parsing": "must be a date such as 2026-03-18, without quotes",
    "date_from_datetime_inexact": "must be a date without a time",
    "tuple_type": "must be a list between square brackets",
    "dict_type": "must be a table: one heading in single square brackets, with keys below it",
    "model_type": "must be a table: a heading in brackets with keys below it, or { key = value }",
}


def _key(location: tuple[object, ...], values: dict[str, object]) -> str:
    """Return a key as people say it: ``elections[TK2023].type``, not ``elections.2.type``."""
    parts: list[str] = []
    here: object = values
    for part in location:
        if part == "[key]":
            parts[-1] += " (the key itself)"
            continue
        if isinstance(part, int):
            here = here[part] if isinstance(here, list) and part < len(here) else None
            name = here.get("id", part) if isinstance(here, dict) else part
            parts[-1] += f"[{name}]"
            continue
        here = here.get(str(part)) if isinstance(here, dict) else None
        parts.append(str(part))
    return ".".join(parts)
