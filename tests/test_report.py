"""The report: what its sources may hold, and what comes out in three formats."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.reporting.docx import finish_docx
from ballot_eval.reporting.rendering import render
from ballot_eval.reporting.tables.invalid_votes import pipe_table

SECTIONS = (
    *(
        "samenvatting",
        "experiment",
        "gegevens",
        "ongeldig",
        "redenen",
        "voorkeur",
        "telverschillen",
        "stembureaus",
    ),
    "leren",
    *("stemhokje", "tellen", "enquete", "robuustheid", "methode", "beperkingen", "herkomst"),
    "vragenlijsten",
)


#: Tables that this study has not: of national elections, and of published numbers in the plan.
ELSEWHERE = {"preference_lists", "marking_published"}


@pytest.fixture(scope="module")
def sources(root):
    files = sorted((root / "report").glob("*.qmd"))
    return {file.name: file.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="module")
def listing(finished):
    file = finished / "out/report-source/_generated/artefacts.json"
    return json.loads(file.read_text(encoding="utf-8"))


def test_every_section_is_included(sources):
    assert set(sources) == {"index.qmd", *(f"_{name}.qmd" for name in SECTIONS)}
    included = re.findall(r"include (\S+)", sources["index.qmd"])
    assert included == [f"_{name}.qmd" for name in SECTIONS]


@pytest.mark.parametrize("section", [f"_{name}.qmd" for name in SECTIONS])
def test_no_number_is_typed_by_hand(sources, section):
    text = re.sub(
        r"\{\{<.*?>\}\}|\$\$.*?\$\$|\$.*?\$|`.*?`|sha256|CRV?\d|@[\w-]+", "", sources[section]
    )
    assert re.findall(r"\d", text) == []


def test_every_reference_names_something_there_is(sources, listing):
    text = "\n".join(sources.values())
    assert set(re.findall(r"\{\{< var (\S+)", text)) <= set(listing["variables"])
    assert set(re.findall(r"\{\{< table (\S+)", text)) - ELSEWHERE == set(listing["tables"])
    assert set(re.findall(r"\{\{< figure (\S+)", text)) == set(listing["figures"])
    assert set(re.findall(r'\{\.made table="(\w+)"', text)) <= set(listing["tables"]) | ELSEWHERE
    made = set(re.findall(r"\{#((?:fig|tbl)-[\w-]+)\}", text))
    elsewhere = {f"tbl-{name.replace('_', '-')}" for name in ELSEWHERE}
    # Sentences chosen by the results name tables and figures too.
    said = "\n".join((text, *listing["variables"].values()))
    assert set(re.findall(r"@((?:fig|tbl)-[\w-]+)", said)) - elsewhere == made - elsewhere


def test_every_variable_is_used(sources, listing):
    used = set(re.findall(r"\{\{< var (\S+)", "\n".join(sources.values())))
    unused = {v for v in listing["variables"] if v not in used}
    assert unused == {"data_notice"}


def test_the_page_has_banner_numbered_references_and_described_images(finished, sources):
    figures, tables = (
        len(re.findall(rf"\{{\{{< {kind} ", "\n".join(sources.values())))
        for kind in ("figure", "table")
    )
    tables -= len(ELSEWHERE)
    page = (finished / "out/report/index.html").read_text(encoding="utf-8")
    assert re.search(r'<(div|aside) class="banner"', page)
    assert "Gesimuleerde gegevens" in page
    page = page.replace("\u00a0", " ").replace("&nbsp;", " ")
    for label in ("Figuur 1", f"Figuur {figures}", "Tabel 1", f"Tabel {tables}"):
        assert label in page
    assert "{{&lt;" not in page
    assert "<em>niet gemeten</em>" not in page
    assert re.findall(r'(?:src|href)="https?://', page) == []
    images = re.findall(r"<img[^>]*>", page)
    assert len(images) == figures > 20
    assert all(re.search(r'alt="[^"]{40,}', image) for image in images)


def test_a_table_that_was_not_made_says_so(finished, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(finished / "out/report-source", source)
    (source / "_generated/tables/placebos.md").unlink()
    render(source, tmp_path / "report")
    page = (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert "<em>niet gemeten</em>" in page


def test_text_about_surveys_comes_in_only_where_there_are_any(finished, tmp_path, monkeypatch):
    source = tmp_path / "source"
    shutil.copytree(finished / "out/report-source", source)
    made = source / "_generated"
    for table in ("survey_response", *(f"{n}_questions" for n in ("voter", "station"))):
        (made / f"tables/{table}.md").unlink()
    monkeypatch.setenv("PATH", "")
    render(source, tmp_path / "report")
    page = (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert "<em>niet gemeten</em>" not in page
    for text, shown in (
        ("Wat kiezers en stembureaus zeggen", True),
        ("laat zien waar zij vandaan komen", False),
        ("Groepen kiezers", False),
        ("Aan kiezers", False),
        ("Aan gemeenten", True),
    ):
        assert (text in " ".join(page.split())) is shown, text


def test_columns_of_tables_are_as_wide_as_their_longest_word():
    text = "een bevinding van vele woorden die over regels loopt " * 3
    table = pipe_table(
        ["Code", "Ernst", "Aantal", "Bevinding", "Waar"],
        [["W.206", "waarschuwing", "12", text, "municipality_results.csv, regel 359"]],
        "llrll",
    )
    widths = [len(rule) for rule in table.splitlines()[1].strip("| ").split(" | ")]
    assert sum(widths) == pytest.approx(96)
    words = ("W.206", "waarschuwing", "Aantal", "bevinding", "municipality_results.csv,")
    assert all(width >= len(word) + 3 for width, word in zip(widths, words, strict=True))
    # Short cells stay on one line where the page has room for them.
    table = pipe_table(["Gemeente", "Interval"], [["Boekel", "−0,10 tot +0,12"]], "lr")
    assert len(table.splitlines()[1].split(" | ")[1]) >= len("−0,10 tot +0,12")


def test_the_contents_of_the_docx_are_filled_in_and_its_font_is_everywhere(finished, sources):
    with zipfile.ZipFile(finished / "out/report/index.docx") as archive:
        document = archive.read("word/document.xml").decode()
        theme = archive.read("word/theme/theme1.xml").decode()
    links = re.findall(r'<w:hyperlink w:anchor="([^"]*)"><w:r>.*?<w:t[^>]*>([^<]*)<', document)
    bookmarks = re.findall(r'w:bookmarkStart [^>]*w:name="([^"]*)"', document)
    chapters = re.findall(r"(?m)^# (.*)$", "\n".join(sources.values()))
    contents = [(anchor, text) for anchor, text in links if text in chapters]
    assert sorted(text for _, text in contents) == sorted(chapters)
    assert {anchor for anchor, _ in contents} <= set(bookmarks)
    assert 'w:dirty="true"' not in document
    assert set(re.findall(r'<a:latin typeface="([^"]*)"', theme)) == {"Arial"}


def test_the_files_of_the_report_tell_how_many_rows_were_used(finished):
    table = (finished / "out/report-source/_generated/tables/inputs.md").read_text(encoding="utf-8")
    assert "| Rijen gebruikt |" in table
    read = pd.read_csv(finished / "raw/municipality_results.csv")
    (row,) = [r for r in table.splitlines() if r.startswith("| municipality_results.csv")]
    written = f"{len(read):,}".replace(",", ".")
    assert row.split(" | ")[2:4] == [written, written]


def test_an_unknown_name_in_the_text_is_named_with_its_line(finished, tmp_path, monkeypatch):
    source = tmp_path / "source"
    shutil.copytree(finished / "out/report-source", source)
    (source / "_methode.qmd").write_text("# Methode\n\n{{< var nowhere >}}\n", encoding="utf-8")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(be.BallotEvalError, match=r"_methode.qmd, line 3: .*nowhere"):
        render(source, tmp_path / "report")


def test_every_page_of_the_pdf_and_the_docx_carries_the_notice(finished):
    with zipfile.ZipFile(finished / "out/report/index.docx") as archive:
        document = archive.read("word/document.xml").decode()
        assert "Gesimuleerde gegevens" in archive.read("word/notice.xml").decode()
    assert document.count("<w:sectPr") == document.count('headerReference w:type="default"') > 0
    assert 'w:w="11906"' in document
    typst = (finished / "out/report-source/_generated/notice.txt").read_text(encoding="utf-8")
    assert typst.startswith("Gesimuleerde gegevens")


def test_finishing_a_docx_twice_is_finishing_it_once(finished, tmp_path):
    file = tmp_path / "index.docx"
    shutil.copyfile(finished / "out/report/index.docx", file)
    before = file.read_bytes()
    finish_docx(file, "Gesimuleerde gegevens.")
    once = file.read_bytes()
    finish_docx(file, "Gesimuleerde gegevens.")
    assert file.read_bytes() == once
    assert len(before) > 10_000


def test_render_makes_the_report_again(finished, tmp_path, call):
    shutil.copytree(finished / "out", tmp_path / "out")
    (tmp_path / "out/report/index.html").unlink()
    code, said = call("render", "gr2026", "--out", tmp_path / "out")
    assert code == 0
    assert "index.html" in said
    assert (tmp_path / "out/report/index.html").is_file()


def test_quarto_renders_the_project(root, tmp_path):
    if shutil.which("quarto") is None:
        pytest.skip("quarto is not on the path")
    for part in ("report", "analysis"):
        ignore = shutil.ignore_patterns("_generated", "_output", "_variables.yml", ".quarto")
        shutil.copytree(root / part, tmp_path / part, ignore=ignore)
    environment = os.environ | {"QUARTO_PYTHON": sys.executable}
    command = ["quarto", "render", "report/"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    made = tmp_path / "report/_output"
    page = (made / "index.html").read_text(encoding="utf-8")
    assert 'class="banner"' in page
    assert "Tabel 1" in page.replace("\u00a0", " ").replace("&nbsp;", " ")
    with zipfile.ZipFile(made / "index.docx") as archive:
        assert "word/notice.xml" in archive.namelist()
    assert (made / "index.pdf").stat().st_size > 10_000
