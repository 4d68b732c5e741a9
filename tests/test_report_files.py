"""The pdf and the docx for readers who hear them: tags, languages, alternative texts, heads."""

from __future__ import annotations

import re
import zipfile
import zlib
from html import unescape

import pytest

INDEXES = {"index": ("nl", "nl-NL"), "index-en": ("en", "en-GB")}


@pytest.fixture(scope="module", params=list(INDEXES))
def made(request, finished):
    """Return the folder of the report, a file's stem and the codes of its language."""
    return finished / "out/report", request.param, *INDEXES[request.param]


@pytest.fixture(scope="module")
def alternatives(made):
    """Return the alternative texts of the images of the html, one for each image."""
    page = (made[0] / f"{made[1]}.html").read_text(encoding="utf-8")
    images = re.findall(r"<img[^>]*>", page)
    alts = [re.search(r'\balt="([^"]*)"', image) for image in images]
    assert all(alts)
    return [" ".join(unescape(alt.group(1)).split()) for alt in alts if alt]


def unpacked(file) -> bytes:
    """Return all of a pdf with its compressed streams unpacked."""
    content = file.read_bytes()
    parts = [content]
    for start in re.finditer(rb"(?<!end)stream\r?\n", content):
        try:
            parts.append(zlib.decompressobj().decompress(content[start.end() :]))
        except zlib.error:
            continue
    return b"\n".join(parts)


def text_of(written: bytes) -> str:
    """Return a string of a pdf: in hexadecimals UTF-16, in brackets Latin letters."""
    if written.startswith(b"<"):
        return bytes.fromhex(written[1:-1].decode()).decode("utf-16")
    return re.sub(r"\\([()\\])", r"\1", written[1:-1].decode("latin-1"))


def test_the_pdf_says_that_it_is_accessible_in_which_language_and_under_which_title(made):
    folder, stem, _, language = made
    pdf = unpacked(folder / f"{stem}.pdf")
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    (catalog,) = re.findall(rb"<</Type/Catalog.*?>>\s*endobj", pdf, re.DOTALL)
    assert f"/Lang({language})".encode() in catalog
    assert b"/Marked true" in catalog
    assert b"/DisplayDocTitle true" in catalog
    page = (folder / f"{stem}.html").read_text(encoding="utf-8")
    (title,) = re.findall(r"<title>(.*?)</title>", page)
    assert title.encode() in pdf


def test_every_figure_of_the_pdf_has_its_alternative_text(made, alternatives):
    pdf = unpacked(made[0] / f"{made[1]}.pdf")
    elements = re.findall(rb"/S/Figure.*?endobj", pdf, re.DOTALL)
    found = [re.search(rb"/Alt(<[0-9A-F]+>|\(.*?\))(?=/|>>)", element) for element in elements]
    assert len(elements) == len(alternatives) > 20
    assert all(found)
    assert {text_of(alt.group(1)) for alt in found if alt} == set(alternatives)
    assert pdf.count(b"/S/TH") > pdf.count(b"/S/Table") > 40
    levels = [int(level) for level in re.findall(rb"/S/H(\d)\b", pdf)]
    assert set(levels) == {1, 2}


def test_the_docx_has_its_language_its_alternative_texts_and_repeated_heads(made, alternatives):
    with zipfile.ZipFile(made[0] / f"{made[1]}.docx") as archive:
        document = archive.read("word/document.xml").decode()
        styles = archive.read("word/styles.xml").decode()
    assert re.search(rf'<w:lang [^>]*w:val="{made[2]}"', styles)
    described = re.findall(r'<wp:docPr [^>]*?descr="([^"]*)"', document)
    assert len(described) == document.count("<w:drawing>")
    assert [" ".join(unescape(alt).split()) for alt in described] == alternatives
    # No table holds a figure, and the first row of each is repeated on every page.
    tables = re.findall(r"<w:tbl>.*?</w:tbl>", document, re.DOTALL)
    assert len(tables) > 40
    assert all(table.count("<w:tblHeader") == 1 for table in tables)
    assert not any("<w:drawing>" in table for table in tables)
    assert document.count('w:val="TableText"') > 1000
