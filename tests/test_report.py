"""The report: what its sources may hold, and what comes out in three formats."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

import ballot_eval as be
from ballot_eval.reporting.docx import finish_docx
from ballot_eval.reporting.rendering import render

SECTIONS = (
    *("samenvatting", "experiment", "gegevens", "ongeldig", "leren", "stemhokje", "tellen"),
    *("enquete", "robuustheid", "methode", "beperkingen", "herkomst", "vragenlijsten"),
)


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
    assert set(re.findall(r"\{\{< table (\S+)", text)) == set(listing["tables"])
    assert set(re.findall(r"\{\{< figure (\S+)", text)) == set(listing["figures"])
    made = set(re.findall(r"\{#((?:fig|tbl)-[\w-]+)\}", text))
    assert set(re.findall(r"@((?:fig|tbl)-[\w-]+)", text)) == made


def test_every_variable_is_used(sources, listing):
    used = set(re.findall(r"\{\{< var (\S+)", "\n".join(sources.values())))
    unused = {v for v in listing["variables"] if v not in used}
    assert unused == {"data_notice"}


def test_the_page_has_banner_numbered_references_and_described_images(finished, sources):
    figures, tables = (
        len(re.findall(rf"\{{\{{< {kind} ", "\n".join(sources.values())))
        for kind in ("figure", "table")
    )
    page = (finished / "out/report/index.html").read_text(encoding="utf-8")
    assert re.search(r'<(div|section) class="banner" role="note">', page)
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
