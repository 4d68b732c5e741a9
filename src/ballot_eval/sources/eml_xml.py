"""XML that may come from anywhere: what is refused, and how the rest is parsed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from lxml import etree

from ballot_eval.sources.text import UTF16_MARKS, FileError

EML = "urn:oasis:names:tc:evs:schema:eml"
KR = "http://www.kiesraad.nl/extensions"

#: Within as many bytes the root element, the election and the first contest are looked for.
HEAD_BYTES = 65_536
_PIECE = 1024


def eml(name: str) -> str:
    """Return the tag of an element of EML."""
    return f"{{{EML}}}{name}"


def line_of(element: etree._Element) -> int:
    """Return the line on which the start tag of an element ends."""
    return cast("int", element.sourceline)


def local(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname


def refuse(content: bytes) -> None:
    """Raise FileError for another encoding than UTF-8 and for a DOCTYPE, before anything is parsed.

    The official files have none; entities, files and addresses to load can only stand there.
    """
    if content.startswith(UTF16_MARKS) or b"\0" in content[:64]:
        msg = "line 1: the file is UTF-16 or UTF-32; save it as UTF-8"
        raise FileError(msg)
    at = content.find(b"<!DOCTYPE")
    if at >= 0:
        line = content.count(b"\n", 0, at) + 1
        msg = (
            f"line {line}: holds a DOCTYPE, which no official file has and which may lead "
            "elsewhere; download the file again"
        )
        raise FileError(msg)


def pull_parser(
    tag: str | tuple[str, ...] | None, event: Literal["start", "end"]
) -> etree.XMLPullParser:
    """Return a parser that loads nothing from elsewhere and reads UTF-8 only.

    It resolves no entities from outside the file; that there are no others is seen to before.
    Comments and processing instructions are left out, so that the text around them is one. The
    limits of libxml2 on depth and on the length of texts and attributes stay on.
    """
    return etree.XMLPullParser(
        (event,),
        tag=tag,
        encoding="utf-8",
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def seen(parser: etree.XMLPullParser) -> Iterator[etree._Element]:
    """Yield the elements of which a parser has seen the event it looks out for."""
    for _, element in parser.read_events():
        yield cast("etree._Element", element)  # noqa: SLF001


def syntax_fault(error: etree.XMLSyntaxError) -> str:
    """Return what is wrong with XML, with its line, and what to do."""
    words = " ".join((error.msg or "not well-formed").split())
    return f"line {error.lineno or 1}: broken XML ({words}); download the file again"


def first(content: bytes, tag: str | None) -> etree._Element | None:
    """Return the first element (of that tag) that starts in the head of a file, if there is one.

    What stands before it is whole. Raises FileError where the head is no XML that may be read.
    """
    refuse(content[:HEAD_BYTES])
    parser = pull_parser(tag, "start")
    try:
        for start in range(0, min(len(content), HEAD_BYTES), _PIECE):
            parser.feed(content[start : start + _PIECE])
            for element in seen(parser):
                return element
    except etree.XMLSyntaxError as error:
        raise FileError(syntax_fault(error)) from error
    return None
