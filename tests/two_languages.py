"""What tells Dutch text from English, for tests of texts in two languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

_DUTCH = """
het een één van niet zijn gemeente gemeenten stem stemmen stembiljet stembiljetten
stembureau stembureaus kiezers wordt worden werd bij dat dit deze geen keer waar voor tot
ook maar met zonder sinds tussen onder boven minder meer alle elke aandeel ongeldig
ongeldige blanco verschil zij hun waarvan samen zowel naar omdat daarvan schatten onbekend
verkiezing verkiezingen uitslag uitslagen lijst lijsten andere
"""
_ENGLISH = """
the and with from which votes vote ballot ballots municipality municipalities that this
these those were are not than has have share election elections invalid blank between by
because without polling stations
"""

#: Words that one language has and the other has not.
DUTCH, ENGLISH = frozenset(_DUTCH.split()), frozenset(_ENGLISH.split())


def foreign_words(text: str, words: frozenset[str], names: Iterable[str] = ()) -> set[str]:
    """Return the words of a language that stand in a text outside ``names``, in lower case."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "")
    # References to figures and tables, and names of files, are no words.
    text = re.sub(r"[@#](?:fig|tbl)-[\w-]*|`[^`]*`", "", text)
    return set(re.findall(r"[^\W\d_]+", text.casefold())) & words


def numbers(text: str, language: str) -> list[str]:
    """Return the numbers of a text with their signs, sorted, as Python writes them."""
    thousands, decimal = (".", ",") if language == "nl" else (",", ".")
    pattern = rf"[−+]?\d+(?:{re.escape(thousands)}\d{{3}})*(?:{re.escape(decimal)}\d+)?"
    found = re.findall(pattern, text)
    return sorted(n.replace(thousands, "").replace(decimal, ".") for n in found)


def one_sided(source: str) -> Iterator[tuple[int, str, set[str]]]:
    """Find texts in code that one language would show to readers of the other.

    Yields the line, the text and its foreign words: Dutch anywhere but in ``nl=`` of ``say(...)``
    or ``say.plural(...)`` and the "nl" entry of a dict, and English in those. Docstrings, codes
    that something is looked up by, and what is compared with are nobody's text.
    """
    yield from _walk(ast.parse(source), dutch=False)


def _walk(node: ast.AST, *, dutch: bool) -> Iterator[tuple[int, str, set[str]]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if found := foreign_words(node.value, ENGLISH if dutch else DUTCH):
            yield node.lineno, node.value, found
        return
    if isinstance(node, ast.Call) and _says(node.func):
        for keyword in node.keywords:
            if keyword.arg in ("nl", "en"):
                yield from _walk(keyword.value, dutch=keyword.arg == "nl")
        return
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            code = key.value if isinstance(key, ast.Constant) else None
            if code not in ("nl", "en") and key is not None and not dutch:
                yield from _walk(key, dutch=False)
            yield from _walk(value, dutch=code == "nl" or (dutch and code != "en"))
        return
    if isinstance(node, ast.Subscript):
        yield from _walk(node.value, dutch=dutch)
        return
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.Compare) or _is_docstring(child)):
            yield from _walk(child, dutch=dutch)


def _says(function: ast.expr) -> bool:
    """Return whether a call is one of a language: ``say(...)``, ``say.plural(...)``."""
    if isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Name) and function.id in ("say", "self")


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
