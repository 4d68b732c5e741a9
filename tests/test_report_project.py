"""The report project as others may leave it: one language, artefacts of another day, mistakes."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from types import SimpleNamespace

import pytest

import ballot_eval as be
from ballot_eval import pipeline
from ballot_eval.reporting.rendering import render

LANGUAGE = {"variables": {"word": "woord"}, "notice": "", "figures": {}}


@pytest.fixture
def project(root, tmp_path, monkeypatch):
    """Return a small report project with artefacts in place, for Pandoc."""
    monkeypatch.setenv("PATH", "")
    folder = tmp_path / "report"
    shutil.copytree(root / "report/styles", folder / "styles")
    for name in ("made.lua", "accessible.lua"):
        shutil.copyfile(root / "report" / name, folder / name)
    for index, code in (("index", "nl"), ("index-en", "en")):
        text = f'---\ntitle: "T"\nlang: {code}\n---\n\n# A\n\n{{{{< var {code}.word >}}}}\n'
        (folder / f"{index}.qmd").write_text(text, encoding="utf-8")
        (folder / "_generated" / code).mkdir(parents=True)
        (folder / "_generated" / code / "notice.txt").touch()
    listing = {"date": "2026-03-18", "languages": dict.fromkeys(("nl", "en"), LANGUAGE)}
    write(folder / "_generated/artefacts.json", listing)
    return folder


def write(file, listing):
    file.write_text(json.dumps(listing), encoding="utf-8")


def test_a_project_in_one_language_gives_the_report_in_that_language(project, tmp_path):
    (project / "index-en.qmd").unlink()
    (made,) = render(project, tmp_path / "out", ["html"]).files
    assert made.name == "index.html"
    assert "woord" in made.read_text(encoding="utf-8")


def test_a_project_without_a_text_is_refused(project, tmp_path):
    for file in project.glob("*.qmd"):
        file.unlink()
    with pytest.raises(be.BallotEvalError, match=r"no index.qmd or index-en.qmd"):
        render(project, tmp_path / "out", ["html"])


def test_artefacts_of_another_version_are_refused_with_what_to_do(project, tmp_path):
    write(project / "_generated/artefacts.json", {"date": "2026-03-18", "figures": {}})
    with pytest.raises(be.BallotEvalError, match=r"another version .* use ballot-eval run"):
        render(project, tmp_path / "out", ["html"])


def test_what_typst_refuses_is_an_error_with_the_file(project, tmp_path):
    (project / "index.qmd").write_text(
        '---\ntitle: "T"\nlang: nl\n---\n\n```{=typst}\n#panic("nobody can read this")\n```\n',
        encoding="utf-8",
    )
    with pytest.raises(be.BallotEvalError, match=r"typst failed on index.typ: .*nobody can read"):
        render(project, tmp_path / "out", ["pdf"])


def test_a_report_that_cannot_be_made_does_not_cost_the_numbers(gr2026, tmp_path, monkeypatch):
    def write_nothing(_, folder, **_options):
        for code in ("nl", "en"):
            (folder / "_generated" / code / "figures").mkdir(parents=True)

    def write_numbers(_, folder):
        (folder / "results.json").write_text("{}", encoding="utf-8")

    def fail(*_):
        raise FileNotFoundError(2, "No such file", "house.scss")

    for name, stand_in in (
        ("evaluate", lambda *_, **__: SimpleNamespace(raw=None, validation=None)),
        ("manifest", lambda *_, **__: "{}"),
        ("write_artefacts", write_nothing),
        ("write_outputs", write_numbers),
        ("_render", fail),
    ):
        monkeypatch.setattr(pipeline, name, stand_in)
    summary = be.run(gr2026, raw=tmp_path / "raw", out=tmp_path / "out")
    assert "house.scss" in summary.report_error
    assert (tmp_path / "out/results.json").is_file()


@pytest.fixture
def prepared(root, tmp_path, monkeypatch):
    """Return ``prepare.py`` of a repository with fresh artefacts, and that repository."""
    study, report = tmp_path / "analysis/own", tmp_path / "report"
    code = tmp_path / "src/ballot_eval/__init__.py"
    for folder in (study, report / "_generated", code.parent, tmp_path / "data/raw/own"):
        folder.mkdir(parents=True)
    for name in ("study.toml", "survey_voters.toml"):
        (study / name).write_text(name, encoding="utf-8")
    code.touch()
    (report / "_variables.yml").touch()
    (tmp_path / "data/raw/own/results.csv").write_text("1\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("prepare", root / "report/prepare.py")
    prepare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(prepare)
    for name, value in (("HERE", report), ("ROOT", tmp_path), ("STUDY", "own")):
        monkeypatch.setattr(prepare, name, value)
    inputs = {"results.csv": prepare.sha256_of(tmp_path / "data/raw/own/results.csv")}
    made = {"study": "own", "plan": prepare.plan_files(study), "inputs": inputs}
    write(report / "_generated/artefacts.json", made)
    return prepare, tmp_path


def test_artefacts_of_today_are_fresh(prepared):
    assert prepared[0].fresh()


@pytest.mark.parametrize(
    "file",
    ["analysis/own/study.toml", "analysis/own/survey_voters.toml", "data/raw/own/results.csv"],
)
def test_another_plan_questionnaire_or_input_makes_artefacts_stale(prepared, file):
    prepare, repository = prepared
    (repository / file).write_text("another", encoding="utf-8")
    assert not prepare.fresh()


def test_artefacts_older_than_the_code_or_of_an_older_form_are_stale(prepared):
    prepare, repository = prepared
    listing = repository / "report/_generated/artefacts.json"
    os.utime(repository / "src/ballot_eval/__init__.py", (listing.stat().st_mtime + 9,) * 2)
    assert not prepare.fresh()
    os.utime(repository / "src/ballot_eval/__init__.py", (listing.stat().st_mtime - 9,) * 2)
    assert prepare.fresh()
    made = json.loads(listing.read_text(encoding="utf-8"))
    write(listing, made | {"plan": None})
    assert not prepare.fresh()


def test_the_hashes_of_the_plan_are_those_that_a_run_writes(root, gr2026, prepared):
    written = {"study.toml": gr2026.sha256} | {q.file: q.sha256 for q in gr2026.questionnaires}
    assert prepared[0].plan_files(root / "analysis/gr2026") == written
