"""The looks of the html, read from ``styles/house.scss``, for where there is no Quarto.

Quarto compiles the file as a layer of its theme. Here its variables are filled in, which is all
of Sass that the file may use; anything more is refused, with its line.
"""

from __future__ import annotations

import re
from typing import NoReturn

from ballot_eval.errors import BallotEvalError

MARKER = re.compile(r"/\*--\s*scss:(\w+)\s*--\*/")
COMMENT = re.compile(r"/\*(?!--\s*scss:).*?\*/|(?:^|(?<=\s))//[^\n]*", re.DOTALL | re.MULTILINE)
DEFAULT = re.compile(r"\$([\w-]+)\s*:\s*(.+?)\s*(?:!default\s*)?;")
USE = re.compile(r"#\{\$([\w-]+)\}|\$([\w-]+)")

#: What only a Sass compiler understands; a plain browser would silently leave out the rule.
SASS = re.compile(r"@(?:use|forward|include|mixin|function|return|if|else|each|for|while|extend)\b")


def css_of(scss: str, name: str = "house.scss") -> str:
    """Return the css of a theme layer: its rules, with the variables of its defaults filled in.

    Raises BallotEvalError, naming the file ``name`` and the line, for anything else than
    ``$variable: value;`` (``!default`` allowed) among the defaults, an unknown variable, and Sass.
    """
    values: dict[str, str] = {}
    rules: list[str] = []
    section = ""
    bare = COMMENT.sub(lambda match: "\n" * match.group().count("\n"), scss)
    for number, line in enumerate(bare.splitlines(), 1):
        if marker := MARKER.fullmatch(line.strip()):
            section = marker.group(1)
            continue
        text = line.rstrip()
        if not text:
            continue
        where = f"{name}, line {number}"
        if section == "defaults":
            variable = DEFAULT.fullmatch(text.strip())
            if not variable:
                _refuse(where, text, "only '$variable: value;' may stand among the defaults")
            values[variable.group(1)] = _filled(variable.group(2), values, where)
        elif section == "rules":
            if SASS.search(text):
                _refuse(where, text, "this needs Sass, which only Quarto has: write plain css")
            rules.append(_filled(text, values, where))
        else:
            _refuse(where, text, "only the sections scss:defaults and scss:rules are read")
    return "\n".join(rules) + "\n"


def _filled(text: str, values: dict[str, str], where: str) -> str:
    def value(match: re.Match[str]) -> str:
        variable = match.group(1) or match.group(2)
        if variable not in values:
            _refuse(where, text, f"${variable} is not among the defaults above")
        return values[variable]

    return USE.sub(value, text)


def _refuse(where: str, text: str, why: str) -> NoReturn:
    msg = f"{where}: {text.strip()!r}: {why}"
    raise BallotEvalError(msg)
