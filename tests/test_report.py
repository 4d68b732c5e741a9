"""The report: what its sources may hold, and what comes out in three formats."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from lxml import html

import ballot_eval as be
from ballot_eval.evaluation import evaluate
from ballot_eval.formatting import NOT_MEASURED
from ballot_eval.reporting.artefacts import write_artefacts
from ballot_eval.reporting.docx import finish_docx
from ballot_eval.reporting.rendering import INDEXES, language_of, render
from ballot_eval.reporting.tables.invalid_votes import pipe_table
from report_text import blocks, images

#: Tables that this study has not: of national elections, and of published numbers in the plan.
ELSEWHERE = {"preference_lists", "marking_published"}

LANGUAGES = ("nl", "en")

ROOT = Path(__file__).parents[1]

#: What a line of a section is made of besides words, in the order in which it stands there.
SKELETON = re.compile(
    r"^#+|\{\{<.*?>\}\}|^:::+.*$|\{#[\w-]+\}|@(?:fig|tbl)-[\w-]+|^(?:- |\|)|`[^`]*`|\$[^$]*\$"
)


def sections(root, code):
    files = sorted((root / "report" / code).glob("_*.qmd"))
    return {file.name: file.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="module", params=LANGUAGES)
def code(request):
    return request.param


@pytest.fixture(scope="module")
def sources(root, code):
    return sections(root, code)


@pytest.fixture(scope="module")
def listing(finished, code):
    file = finished / "out/report-source/_generated/artefacts.json"
    return json.loads(file.read_text(encoding="utf-8"))["languages"][code]


def index_of(root, code):
    return (root / f"report/{INDEXES[code]}.qmd").read_text(encoding="utf-8")


def test_every_section_is_included_once_and_in_the_same_order_in_both_languages(root):
    included = {}
    for code in LANGUAGES:
        found = re.findall(r"include (\S+)/(_\S+)", index_of(root, code))
        assert {language for language, _ in found} == {code}
        included[code] = [name for _, name in found]
        assert sorted(included[code]) == sorted(sections(root, code))
        # Two page breaks make an empty page in docx, and when the html is printed.
        assert not re.search(r"pagebreak >\}\}\s+\{\{< pagebreak", index_of(root, code))
    assert included["nl"] == included["en"]


def section_names():
    return [f"{code}/{name}" for code in LANGUAGES for name in sections(ROOT, code)]


@pytest.mark.parametrize("section", section_names())
def test_no_number_is_typed_by_hand(root, section):
    text = (root / "report" / section).read_text(encoding="utf-8")
    words = re.sub(r"\{\{<.*?>\}\}|\$\$.*?\$\$|\$.*?\$|`.*?`|sha256|CRV?\d|@[\w-]+", "", text)
    assert re.findall(r".{0,30}\d.{0,30}", words) == []


def skeleton(text, code):
    """What stands in a text besides words: headings, shortcodes, divs, references, table rows."""
    parts = []
    for line in text.splitlines():
        if not line.strip():
            parts.append("")
            continue
        found = [part.strip() for part in SKELETON.findall(line)]
        parts.append(" ".join(found).replace(f"{code}.", ""))
    return parts


def test_both_languages_have_the_same_skeleton(root):
    dutch, english = (sections(root, code) for code in LANGUAGES)
    assert set(dutch) == set(english)
    for name, text in dutch.items():
        one, other = skeleton(text, "nl"), skeleton(english[name], "en")
        assert [sorted(line.split()) for line in one] == [sorted(x.split()) for x in other], name


def test_the_languages_have_the_same_results(finished):
    file = finished / "out/report-source/_generated/artefacts.json"
    dutch, english = json.loads(file.read_text(encoding="utf-8"))["languages"].values()
    for kind in ("variables", "tables", "figures"):
        assert list(dutch[kind]) == list(english[kind])
    # The same numbers, each in its own way of writing.
    for name, text in dutch["variables"].items():
        numbers = (
            sorted(re.findall(r"\d+", text)),
            sorted(re.findall(r"\d+", english["variables"][name])),
        )
        assert numbers[0] == numbers[1], name


def test_every_reference_names_something_there_is(sources, listing, code):
    text = "\n".join(sources.values())
    assert set(re.findall(rf"\{{\{{< var {code}\.(\S+)", text)) <= set(listing["variables"])
    tables = set(re.findall(rf"\{{\{{< table {code}\.(\S+)", text))
    assert tables - ELSEWHERE == set(listing["tables"])
    assert set(re.findall(rf"\{{\{{< figure {code}\.(\S+)", text)) == set(listing["figures"])
    conditions = set(re.findall(rf'\{{\.made table="{code}\.(\w+)"', text))
    assert conditions <= set(listing["tables"]) | ELSEWHERE
    made = set(re.findall(r"\{#((?:fig|tbl)-[\w-]+)\}", text))
    elsewhere = {f"tbl-{name.replace('_', '-')}" for name in ELSEWHERE}
    # Sentences chosen by the results name tables and figures too.
    said = "\n".join((text, *listing["variables"].values()))
    assert set(re.findall(r"@((?:fig|tbl)-[\w-]+)", said)) - elsewhere == made - elsewhere
    # Quarto takes a shortcode right behind a reference for a part of that reference.
    assert re.findall(r"@[\w-]+ \{\{<.*?>\}\}", text) == []


def test_no_shortcode_of_the_other_language(sources, code):
    for name, text in sources.items():
        found = re.findall(r"\{\{< (?:var|table|figure|notice|pages) (\w+)[.\s]", text)
        assert set(found) <= {code}, name


def test_every_figure_has_a_text_of_its_own_to_be_read_aloud(listing):
    texts = listing["figures"]
    assert all(len(text) > 40 for text in texts.values())
    assert len(set(texts.values())) == len(texts)


def test_every_variable_is_used(root, listing, code):
    text = "\n".join((index_of(root, code), *sections(root, code).values()))
    used = set(re.findall(rf"\{{\{{< var {code}\.(\S+)", text))
    unused = {v for v in listing["variables"] if v not in used}
    assert unused == {"data_notice"}


WORDS = {
    "nl": ("Gesimuleerde gegevens", "Figuur", "Tabel"),
    "en": ("Simulated data", "Figure", "Table"),
}


def test_the_page_has_banner_numbered_references_and_described_images(
    finished, sources, code, listing
):
    figures, tables = (
        len(re.findall(rf"\{{\{{< {kind} ", "\n".join(sources.values())))
        for kind in ("figure", "table")
    )
    tables -= len(ELSEWHERE)
    notice, figure, table = WORDS[code]
    page = (finished / f"out/report/{INDEXES[code]}.html").read_text(encoding="utf-8")
    assert re.search(rf'<html[^>]* lang="{code}"', page)
    assert re.search(r'<(div|aside) class="banner"', page)
    assert notice in page
    page = page.replace("\u00a0", " ").replace("&nbsp;", " ")
    for label in (f"{figure} 1", f"{figure} {figures}", f"{table} 1", f"{table} {tables}"):
        assert label in page
    assert "{{&lt;" not in page
    assert f"<em>{NOT_MEASURED[code]}</em>" not in page
    assert re.findall(r'(?:src|href)="https?://', page) == []
    images = re.findall(r"<img[^>]*>", page)
    assert len(images) == figures + len(listing["page_figures"]) > 20
    assert all(re.search(r'alt="[^"]{40,}', image) for image in images)


def test_a_table_that_was_not_made_says_so(finished, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(finished / "out/report-source", source)
    (source / "_generated/nl/tables/placebos.md").unlink()
    render(source, tmp_path / "report", ["html"])
    page = (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert "<em>niet gemeten</em>" in page


def test_text_about_surveys_comes_in_only_where_there_are_any(finished, tmp_path, monkeypatch):
    source = tmp_path / "source"
    shutil.copytree(finished / "out/report-source", source)
    made = source / "_generated"
    tables = (f"{n}_{kind}" for n in ("voter", "station") for kind in ("questions", "outcomes"))
    for table in ("survey_response", *tables):
        (made / f"nl/tables/{table}.md").unlink()
    monkeypatch.setenv("PATH", "")
    render(source, tmp_path / "report", ["html"])
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


def test_the_contents_of_the_docx_are_filled_in_and_its_font_is_everywhere(finished, sources, code):
    with zipfile.ZipFile(finished / f"out/report/{INDEXES[code]}.docx") as archive:
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
    table = (finished / "out/report-source/_generated/nl/tables/inputs.md").read_text(
        encoding="utf-8"
    )
    assert "| Rijen gebruikt |" in table
    read = pd.read_csv(finished / "raw/municipality_results.csv")
    (row,) = [r for r in table.splitlines() if r.startswith("| municipality_results.csv")]
    written = f"{len(read):,}".replace(",", ".")
    assert row.split(" | ")[2:4] == [written, written]


def test_an_unknown_name_in_the_text_is_named_with_its_line(finished, tmp_path, monkeypatch):
    source = tmp_path / "source"
    shutil.copytree(finished / "out/report-source", source)
    (source / "nl/_methode.qmd").write_text(
        "# Methode\n\n{{< var nl.nowhere >}}\n", encoding="utf-8"
    )
    monkeypatch.setenv("PATH", "")
    with pytest.raises(be.BallotEvalError, match=r"_methode.qmd, line 3: .*nowhere"):
        render(source, tmp_path / "report", ["html"])


def test_every_page_of_the_pdf_and_the_docx_carries_the_notice(finished, code):
    with zipfile.ZipFile(finished / f"out/report/{INDEXES[code]}.docx") as archive:
        document = archive.read("word/document.xml").decode()
        assert WORDS[code][0] in archive.read("word/notice.xml").decode()
    assert document.count("<w:sectPr") == document.count('headerReference w:type="default"') > 0
    assert 'w:w="11906"' in document
    typst = finished / f"out/report-source/_generated/{code}/notice.txt"
    assert typst.read_text(encoding="utf-8").startswith(WORDS[code][0])


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
    ended, said = call("render", "gr2026", "--out", tmp_path / "out", "--format", "html")
    assert ended == 0
    assert "index.html" in said
    made = {file.name for file in (tmp_path / "out/report").iterdir()}
    assert made == {"index.html", "index-en.html"}


def test_quarto_renders_the_project_and_pandoc_says_the_same(root, tmp_path, monkeypatch):
    if shutil.which("quarto") is None:
        pytest.skip("quarto is not on the path")
    for part in ("report", "analysis"):
        ignore = shutil.ignore_patterns("_generated", "_output", "_variables.yml", ".quarto")
        shutil.copytree(root / part, tmp_path / part, ignore=ignore)
    environment = os.environ | {"QUARTO_PYTHON": sys.executable}
    command = ["quarto", "render", "report/"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    made = tmp_path / "report/_output"
    for code, index in INDEXES.items():
        page = (made / f"{index}.html").read_text(encoding="utf-8")
        assert 'class="banner"' in page
        assert f"{WORDS[code][2]} 1" in page.replace("\u00a0", " ").replace("&nbsp;", " ")
        # What Quarto cannot resolve it prints so, with a warning only.
        assert not re.search(r"\?(?:var|meta):|\?@(?:fig|tbl)-", page)
        with zipfile.ZipFile(made / f"{index}.docx") as archive:
            assert "word/notice.xml" in archive.namelist()
        assert (made / f"{index}.pdf").stat().st_size > 10_000
    monkeypatch.setenv("PATH", "")
    for page in render(tmp_path / "report", tmp_path / "pandoc", ["html"]).files:
        assert blocks(page) == blocks(made / page.name)
        assert images(page) == images(made / page.name)


@pytest.mark.usefixtures("sketches")
def test_results_alone_make_a_whole_report_that_says_what_was_not_measured(
    finished, light, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", "")
    (tmp_path / "raw").mkdir()
    for name in ("municipality_results.csv", "region_results.csv"):
        shutil.copyfile(finished / "raw" / name, tmp_path / "raw" / name)
    outcome = evaluate(be.load_study(light), tmp_path / "raw")
    source = tmp_path / "source"
    shutil.copytree(ROOT / "report", source)
    write_artefacts(outcome, source)
    for page in render(source, tmp_path / "report", ["html"]).files:
        text = page.read_text(encoding="utf-8")
        code = language_of(page)
        chapters = re.findall(r"(?m)^# (.*)$", "\n".join(sections(ROOT, code).values()))
        headings = {" ".join(h.text_content().split()) for h in html.fromstring(text).iter("h2")}
        assert set(chapters) <= headings
        assert NOT_MEASURED[code] in text
        assert not re.search(r"\bnan\b|None|\{\{", " ".join(blocks(page)))
