"""EML_NL 510, the counts of the Dutch electoral software: stations, lists and candidates.

The standard is EML_NL of the Kiesraad, version 1.2 and what 1.3 adds to it. A 510a is of one
polling station, a 510b of a municipality and its stations, a 510c of an electoral district and its
municipalities, a 510d of the whole and its districts.
"""

from __future__ import annotations

import codecs
import re

from lxml import etree

from ballot_eval.sources.eml_groups import GroupReader
from ballot_eval.sources.eml_places import election_of_id, read_count
from ballot_eval.sources.eml_stream import GroupStream
from ballot_eval.sources.eml_tables import Gathered
from ballot_eval.sources.eml_xml import EML, HEAD_BYTES, eml, first, line_of, refuse
from ballot_eval.sources.parsed import Parsed
from ballot_eval.sources.text import Faults, FileError, shown

KINDS = ("510a", "510b", "510c", "510d")

#: What the other kinds of EML_NL are about, by the first three digits of their id.
OTHER_KINDS = {
    "110": "the election and its polling stations",
    "210": "one nomination",
    "230": "candidates",
    "520": "seats and elected candidates",
    "630": "options of a referendum",
}

#: The start of the root element, with or without a prefix.
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?EML[\s/>]")


def is_eml(head: bytes) -> bool:
    """Return whether the first bytes of a file, some thousands, are of EML of any kind.

    So is EML that will be refused, in UTF-16 or with a DOCTYPE, as long as its root is in sight.
    """
    start = head.replace(b"\0", b"").lstrip(codecs.BOM_UTF8 + b"\xff\xfe \t\r\n")
    return start.startswith(b"<") and _ROOT.search(start) is not None


def election_of(content: bytes) -> str:
    """Return the election of an EML file, for example ``GR2022``, without reading it all.

    Empty where the start of the file, which may be all that is given, does not tell.
    """
    try:
        found = first(content, eml("ElectionIdentifier"))
    except FileError:
        return ""
    return "" if found is None else election_of_id(found.get("Id", ""))


def read_eml(path: str, content: bytes) -> Parsed | str:
    """Return the counts of an EML_NL 510a to 510d, or the reason why it is no such file.

    Votes cast (H) stand nowhere in these files. They are the sum of valid (E), blank (F) and
    invalid (G) votes where all three are whole numbers, else empty; a check that H is that sum
    cannot fail for EML. (Admitted voters, D, and the ballots counted more or fewer than that do
    stand in the file; whether H is D and that difference is a real check.) ``Cast`` is, in spite
    of its name, the number of eligible voters.

    Votes of lists and candidates are kept of stations and municipalities. Those of districts and
    of the country are out of scope; so are, and are not counted among ``lines``, the first values
    that a corrigendum gives beside its own. Each element with a count is one of ``lines``.
    ``TotalVotes`` of a place that is also a reporting unit are read once.

    Raises FileError with every fault of the file: XML that is not well-formed, an election that
    contradicts itself, and selections or reporting units that cannot be told apart. ``path`` does
    not matter: all that counts stands in the file.
    """
    del path
    refuse(content)
    if other := _other_kind(content):
        return other
    contest = first(content, eml("Contest"))
    if contest is None:
        msg = f"line 1: no Contest within {HEAD_BYTES} bytes; download the file again"
        raise FileError(msg)
    faults = Faults()
    count = read_count(contest.getroottree().getroot(), faults)
    reader = GroupReader(faults)
    gathered = Gathered(count, reader.names, faults)
    try:
        for group in GroupStream(reader, contest.prefix).read(content):
            gathered.add(group)
            if faults.full:
                break
    except FileError as error:
        faults.add(str(error))
    faults.raise_any()
    return gathered.parsed()


def _other_kind(content: bytes) -> str:
    """Return why a file is no count that is read, in words; empty for a 510a to 510d."""
    root = first(content, None)
    if root is None:
        msg = f"line 1: no root element within {HEAD_BYTES} bytes; download the file again"
        raise FileError(msg)
    name, kind = etree.QName(root), root.get("Id", "").strip()
    if name.localname != "EML":
        return "XML, but not EML_NL"
    if name.namespace != EML:
        msg = (
            f"line {line_of(root)}: EML without its namespace {EML}; "
            "ask who made the file for a right one"
        )
        raise FileError(msg)
    if kind in KINDS:
        return ""
    about = OTHER_KINDS.get(kind[:3])
    return f"EML {kind} ({about}), not a count" if about else f"EML {shown(kind)}, not read"
