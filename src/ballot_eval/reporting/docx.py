"""Finishing touches on a docx.

A4, a font that is everywhere, contents that are filled in, readable tables and, on simulated
data, a header on each page.

Neither Quarto nor Pandoc can put a header on the pages of a docx without a reference document,
which would be the same for real and for simulated data; so the finished file is mended.
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

#: A4 with margins of 2.3 cm, in twentieths of a point.
PAGE = (
    '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1304" w:right="1304" w:bottom="1304" '
    'w:left="1304" w:header="567" w:footer="567" w:gutter="0"/>'
)

#: Word and LibreOffice have it, or one of the same widths: words in tables then fit their columns.
FONT = "Arial"

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

#: Pandoc puts a figure in a table of this width, and the one that fills the page.
FIGURE_WIDTH, TEXT_WIDTH = 'w:w="7920"', 'w:w="9298"'

#: Thin lines between the rows of every table.
TABLE_STYLE = (
    '<w:tblBorders><w:top w:val="single" w:sz="6" w:color="808080"/>'
    '<w:bottom w:val="single" w:sz="6" w:color="808080"/>'
    '<w:insideH w:val="single" w:sz="4" w:color="D0D0D0"/></w:tblBorders>'
)

#: For the table that only holds another one.
NO_BORDERS = (
    '<w:tblBorders><w:top w:val="nil"/><w:bottom w:val="nil"/><w:insideH w:val="nil"/>'
    "</w:tblBorders>"
)

#: The style of the text in tables: 8.5 points.
TEXT_STYLE = (
    '<w:style w:type="paragraph" w:customStyle="1" w:styleId="TableText">'
    '<w:name w:val="Table Text"/><w:basedOn w:val="Compact"/><w:qFormat/>'
    '<w:rPr><w:sz w:val="17"/><w:szCs w:val="17"/></w:rPr></w:style>'
)


def finish_docx(file: Path, notice: str) -> None:
    """Mend ``file`` in place; ``notice`` (empty: none) becomes the header of every page.

    Doing it twice gives the same file as doing it once.
    """
    with zipfile.ZipFile(file) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    parts["word/styles.xml"] = _styles(parts["word/styles.xml"].decode()).encode()
    theme = parts["word/theme/theme1.xml"].decode()
    theme = re.sub(r'(<a:latin typeface=)"[^"]*"', rf'\1"{FONT}"', theme)
    parts["word/theme/theme1.xml"] = theme.encode()
    document = _contents(_page(_table_text(parts["word/document.xml"].decode())))
    parts["word/document.xml"] = document.encode()
    if notice:
        parts |= _header(parts, notice)
    work = file.with_suffix(".docx.tmp")
    with zipfile.ZipFile(work, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            # A fixed date, so that the same report gives the same file.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    shutil.move(work, file)


def _styles(text: str) -> str:
    """Give the style of tables lines, and add a style for their text."""
    if TABLE_STYLE not in text:
        table = re.compile(
            r'(<w:style [^>]*w:styleId="Table"[^>]*>.*?)(?=<w:tblCellMar>)', re.DOTALL
        )
        text = table.sub(lambda m: m.group(1) + TABLE_STYLE, text, count=1)
    if TEXT_STYLE not in text:
        text = text.replace("</w:styles>", TEXT_STYLE + "</w:styles>")
    return text


def _table_text(document: str) -> str:
    """Set the paragraphs inside tables, which Pandoc gives a style of lists, in their own.

    Quarto sets a table inside a table with its caption, and centres what was aligned already.
    """
    document = re.sub(
        r'(<w:jc w:val="(?:left|right)" ?/>)<w:jc w:val="center" ?/>', r"\1", document
    )
    document = re.sub(
        r'(<w:tblW w:type="pct" w:w="5000" ?/>)(<w:tblLayout w:type="fixed" ?/>'
        r'<w:tblLook [^>]*w:val="0000" ?/>)',
        rf"\1{NO_BORDERS}\2",
        document,
    )
    compact, own = '<w:pStyle w:val="Compact"', '<w:pStyle w:val="TableText"'
    return re.sub(
        r"<w:tbl>.*?</w:tbl>",
        lambda m: m.group(0).replace(compact, own),
        document,
        flags=re.DOTALL,
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


def _page(document: str) -> str:
    """Make every section A4; a document without sections gets one."""
    if "<w:sectPr" not in document:
        document = document.replace("</w:body>", "<w:sectPr/></w:body>")
    document = document.replace(FIGURE_WIDTH, TEXT_WIDTH)
    document = re.sub(r"<w:pg(Sz|Mar)\b[^>]*/>", "", document)
    document = re.sub(r"<w:sectPr([^>/]*)/>", r"<w:sectPr\1></w:sectPr>", document)
    # The page comes after references to headers and footnotes, before columns and the rest.
    before = r"(<w:sectPr[^>]*>(?:<w:(?:headerReference|footerReference|footnotePr|type)\b"
    return re.sub(
        before + r"(?:[^>]*/>|.*?</w:footnotePr>))*)",
        lambda m: m.group(1) + PAGE,
        document,
        flags=re.DOTALL,
    )


def _header(parts: dict[str, bytes], notice: str) -> dict[str, bytes]:
    """Return the changed parts: the header, its relation, its type, its use in every section."""
    header = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:hdr xmlns:w="{WORD}"><w:p>'
        '<w:pPr><w:jc w:val="center"/></w:pPr><w:r><w:rPr><w:b/><w:color w:val="8A3B00"/>'
        f'<w:sz w:val="16"/></w:rPr><w:t>{escape(notice)}</w:t></w:r></w:p></w:hdr>'
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
