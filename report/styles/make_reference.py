"""Make reference.docx, the looks of the docx: Pandoc's own, with other fonts, colours and page."""

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pypandoc

#: Word and LibreOffice have it, or one of the same widths: words in tables then fit their columns.
FONT = "Arial"
HEADING_COLOUR, LINK_COLOUR, NOTICE_COLOUR = "154273", "154273", "8A3B00"
LINE, STRONG_LINE = "D0D0D0", "6B6B6B"

#: Half points: text, title, headings of the first three levels, text in tables, in captions and
#: in the notice at the head of each page.
TEXT, TITLE, HEADINGS, TABLE_TEXT, CAPTION, NOTICE = 21, 40, (32, 26, 23), 17, 19, 16

#: A4 with margins of 2.3 cm, in twentieths of a point.
PAGE = (
    '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1304" w:right="1304" w:bottom="1304" '
    'w:left="1304" w:header="567" w:footer="567" w:gutter="0"/>'
)

#: Thin lines between the rows of every table, a thicker one under the row that heads it.
TABLE = (
    f'<w:tblBorders><w:top w:val="single" w:sz="6" w:color="{STRONG_LINE}"/>'
    f'<w:bottom w:val="single" w:sz="6" w:color="{STRONG_LINE}"/>'
    f'<w:insideH w:val="single" w:sz="4" w:color="{LINE}"/></w:tblBorders>'
)
FIRST_ROW = (
    '<w:tblStylePr w:type="firstRow"><w:rPr><w:b/><w:bCs/></w:rPr><w:tblPr/><w:tcPr><w:tcBorders>'
    f'<w:bottom w:val="single" w:sz="8" w:color="{STRONG_LINE}"/></w:tcBorders>'
    '<w:vAlign w:val="bottom"/></w:tcPr></w:tblStylePr>'
)
TABLE_TEXT_STYLE = (
    '<w:style w:type="paragraph" w:customStyle="1" w:styleId="TableText">'
    '<w:name w:val="Table Text"/><w:basedOn w:val="Compact"/><w:qFormat/>'
    f'<w:rPr><w:sz w:val="{TABLE_TEXT}"/><w:szCs w:val="{TABLE_TEXT}"/></w:rPr></w:style>'
)
NOTICE_STYLE = (
    '<w:style w:type="paragraph" w:customStyle="1" w:styleId="Notice">'
    '<w:name w:val="Notice"/><w:basedOn w:val="Normal"/><w:qFormat/>'
    f'<w:pPr><w:jc w:val="center"/></w:pPr><w:rPr><w:b/><w:bCs/><w:color w:val="{NOTICE_COLOUR}"/>'
    f'<w:sz w:val="{NOTICE}"/><w:szCs w:val="{NOTICE}"/></w:rPr></w:style>'
)


def size(half_points):
    """Return the marks of a size of text."""
    return f'<w:sz w:val="{half_points}"/><w:szCs w:val="{half_points}"/>'


def style(styles, name, change):
    """Return the styles with ``change`` done to the text of the one called ``name``."""
    pattern = re.compile(rf'<w:style [^>]*w:styleId="{name}".*?</w:style>', re.DOTALL)
    changed, times = pattern.subn(lambda match: change(match.group(0)), styles)
    if times != 1:
        sys.exit(f"Pandoc's reference.docx has {times} styles {name}")
    return changed


def looks(run, paragraph=None):
    """Return a change of a style: its text gets ``run``, its paragraphs ``paragraph``."""

    def change(text):
        text = re.sub(r"\s*<w:rPr>.*?</w:rPr>|\s*<w:rPr ?/>", "", text, flags=re.DOTALL)
        if paragraph is not None:
            text = re.sub(r"<w:pPr>.*?</w:pPr>|<w:pPr ?/>", "", text, flags=re.DOTALL)
            text = text.replace("</w:style>", f"<w:pPr>{paragraph}</w:pPr></w:style>")
        return text.replace("</w:style>", f"<w:rPr>{run}</w:rPr></w:style>")

    return change


def table_looks(text):
    """Give the style of tables its lines and its first row."""
    text = re.sub(r"<w:tblStylePr.*?</w:tblStylePr>", "", text, flags=re.DOTALL)
    text = text.replace("<w:tblCellMar>", TABLE + "<w:tblCellMar>")
    return text.replace("</w:style>", FIRST_ROW + "</w:style>")


def styles_of(text):
    """Return Pandoc's styles with the looks above."""
    heading = (
        f'<w:rFonts w:asciiTheme="majorHAnsi" w:hAnsiTheme="majorHAnsi"/><w:b/><w:bCs/>'
        f'<w:color w:val="{HEADING_COLOUR}"/>'
    )
    text = text.replace('<w:sz w:val="24" />', f'<w:sz w:val="{TEXT}"/>', 1)
    text = text.replace('<w:szCs w:val="24" />', f'<w:szCs w:val="{TEXT}"/>', 1)
    text = style(text, "Title", looks(heading + size(TITLE), '<w:spacing w:after="240"/>'))
    for level, points in enumerate(HEADINGS, 1):
        text = style(text, f"Heading{level}", looks(heading + size(points)))
    text = style(text, "TOCHeading", looks(heading + size(HEADINGS[1])))
    text = style(text, "Caption", looks(size(CAPTION), '<w:spacing w:before="80" w:after="280"/>'))
    above = '<w:keepNext/><w:spacing w:before="280" w:after="80"/>'
    text = style(text, "TableCaption", looks("", above))
    link = f'<w:color w:val="{LINK_COLOUR}"/><w:u w:val="single"/>'
    text = style(text, "Hyperlink", looks(link))
    text = style(text, "Table", table_looks)
    return text.replace("</w:styles>", TABLE_TEXT_STYLE + NOTICE_STYLE + "</w:styles>")


def make():
    """Return the bytes of the reference document; the same Pandoc gives the same bytes."""
    command = [pypandoc.get_pandoc_path(), "--print-default-data-file", "reference.docx"]
    original = subprocess.run(command, check=True, capture_output=True).stdout
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(original)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "word/styles.xml":
                content = styles_of(content.decode()).encode()
            elif name == "word/theme/theme1.xml":
                theme = re.sub(r'(<a:latin typeface=)"[^"]*"', rf'\1"{FONT}"', content.decode())
                content = theme.encode()
            elif name == "word/document.xml":
                content = content.replace(b"<w:sectPr>", b"<w:sectPr>" + PAGE.encode())
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, content)
    return made.getvalue()


if __name__ == "__main__":
    Path(__file__).with_name("reference.docx").write_bytes(make())
