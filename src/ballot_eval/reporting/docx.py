"""Finishing touches on a docx: contents that are filled in and, on simulated data, a header.

The looks come from ``styles/reference.docx``. What is left here it cannot do: a header that
differs between real and simulated data, contents (Pandoc leaves them to Word), and the tables of
Quarto, which sets each in a table with its caption.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEADER_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml"
HEADER_ID = "rIdNotice"

#: Contents that Pandoc left to Word to fill, which it only does when told to.
EMPTY_CONTENTS = re.compile(
    r'<w:p><w:r><w:fldChar w:fldCharType="begin" w:dirty="true" ?/>'
    r'(<w:instrText xml:space="preserve">TOC [^<]*</w:instrText>)'
    r'<w:fldChar w:fldCharType="separate" ?/><w:fldChar w:fldCharType="end" ?/></w:r></w:p>'
)
CHAPTER = re.compile(
    r'<w:bookmarkStart [^>]*w:name="([^"]*)" ?/>\s*'
    r'<w:p>\s*<w:pPr>\s*<w:pStyle w:val="Heading1" ?/>(.*?)</w:p>',
    re.DOTALL,
)
TEXT = re.compile(r"<w:t(?: [^>]*)?>([^<]*)</w:t>")

#: Quarto makes the table around another as wide as on its own page, and the width of ours.
FRAME_WIDTH, TEXT_WIDTH = 'w:w="7920"', 'w:w="9298"'

#: For the table that only holds another one.
NO_BORDERS = (
    '<w:tblBorders><w:top w:val="nil"/><w:bottom w:val="nil"/><w:insideH w:val="nil"/>'
    "</w:tblBorders>"
)


def finish_docx(file: Path, notice: str) -> None:
    """Mend ``file`` in place; ``notice`` (empty: none) becomes the header of every page.

    Doing it twice gives the same file as doing it once.
    """
    with zipfile.ZipFile(file) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    document = _contents(_plain_frames(parts["word/document.xml"].decode()))
    parts["word/document.xml"] = document.encode()
    if notice:
        parts |= _header(parts, notice)
    work = file.with_suffix(".docx.tmp")
    with zipfile.ZipFile(work, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            # A fixed date, so that the same report gives the same file.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    shutil.move(work, file)


def _plain_frames(document: str) -> str:
    """Widen a table that Quarto set around another, take off its lines and undo its centring."""
    document = document.replace(FRAME_WIDTH, TEXT_WIDTH)
    document = re.sub(
        r'(<w:jc w:val="(?:left|right)" ?/>)<w:jc w:val="center" ?/>', r"\1", document
    )
    return re.sub(
        r'(<w:tblW w:type="pct" w:w="5000" ?/>)(<w:tblLayout w:type="fixed" ?/>'
        r'<w:tblLook [^>]*w:val="0000" ?/>)',
        rf"\1{NO_BORDERS}\2",
        document,
    )


def _contents(document: str) -> str:
    """Fill the contents with a link to every chapter; Word adds page numbers on an update."""
    links = [
        f'<w:p><w:pPr><w:pStyle w:val="Compact"/></w:pPr><w:hyperlink w:anchor="{anchor}">'
        '<w:r><w:rPr><w:rStyle w:val="Hyperlink"/></w:rPr><w:t xml:space="preserve">'
        f"{''.join(TEXT.findall(heading))}</w:t></w:r></w:hyperlink></w:p>"
        for anchor, heading in CHAPTER.findall(document)
    ]
    return EMPTY_CONTENTS.sub(
        lambda field: (
            f'<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r>{field.group(1)}</w:r>'
            '<w:r><w:fldChar w:fldCharType="separate"/></w:r></w:p>'
            f'{"".join(links)}<w:p><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
        ),
        document,
    )


def _header(parts: dict[str, bytes], notice: str) -> dict[str, bytes]:
    """Return the changed parts: the header, its relation, its type, its use in every section."""
    header = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:hdr xmlns:w="{WORD}"><w:p>'
        f'<w:pPr><w:pStyle w:val="Notice"/></w:pPr><w:r><w:t>{escape(notice)}</w:t></w:r></w:p>'
        "</w:hdr>"
    )
    relations = parts["word/_rels/document.xml.rels"].decode()
    document = parts["word/document.xml"].decode()
    types = parts["[Content_Types].xml"].decode()
    if HEADER_ID not in relations:
        relation = f'<Relationship Id="{HEADER_ID}" Type="{RELATIONS}/header" Target="notice.xml"/>'
        relations = relations.replace("</Relationships>", relation + "</Relationships>")
        part = f'<Override PartName="/word/notice.xml" ContentType="{HEADER_TYPE}"/>'
        types = types.replace("</Types>", part + "</Types>")
        use = f'<w:headerReference w:type="default" r:id="{HEADER_ID}" xmlns:r="{RELATIONS}"/>'
        document = re.sub(r"(<w:sectPr(?:\s[^>]*)?>)", lambda m: m.group(1) + use, document)
    return {
        "word/notice.xml": header.encode(),
        "word/_rels/document.xml.rels": relations.encode(),
        "word/document.xml": document.encode(),
        "[Content_Types].xml": types.encode(),
    }
