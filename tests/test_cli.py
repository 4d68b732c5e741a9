"""The program: exit codes, what it says on bad input, outputs left whole."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

import ballot_eval as be

pytestmark = pytest.mark.usefixtures("module_sketches")


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory, light, module_sketches):  # noqa: ARG001
    study = be.load_study(light)
    folder = tmp_path_factory.mktemp("cli")
    (folder / "raw").mkdir()
    be.simulate(study, folder / "raw", seed=1)
    be.run(study, raw=folder / "raw", out=folder / "out", report=False)
    return folder


@pytest.fixture
def copied(finished_run, tmp_path):
    """Return a copy of a raw folder and of its finished outputs, to be broken."""
    shutil.copytree(finished_run, tmp_path / "run")
    return tmp_path / "run"


MUNICIPAL = "municipality_results.csv"


def edited(old, new):
    def change(raw):
        text = (raw / MUNICIPAL).read_text(encoding="utf-8")
        assert old in text
        (raw / MUNICIPAL).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def line_twice(raw):
    text = (raw / MUNICIPAL).read_text(encoding="utf-8")
    (raw / MUNICIPAL).write_text(text + text.splitlines()[40] + "\n", encoding="utf-8")


def file_twice(raw):
    shutil.copyfile(raw / MUNICIPAL, raw / "copy.csv")


def election_twice(raw):
    # The same results, one cell changed, so that it is another file.
    text = (raw / MUNICIPAL).read_text(encoding="utf-8")
    (raw / "other.csv").write_text(text.replace("Boekel", "Boekel (NB)"), encoding="utf-8")


def semicolons(raw):
    text = (raw / MUNICIPAL).read_text(encoding="utf-8")
    (raw / MUNICIPAL).write_text(text.replace(",", ";"), encoding="utf-8")


def latin1(raw):
    text = (raw / MUNICIPAL).read_text(encoding="utf-8").replace("Boekel", "Boekèl", 1)
    (raw / MUNICIPAL).write_bytes(text.encode("iso-8859-1"))


def emptied(raw):
    (raw / MUNICIPAL).write_text("", encoding="utf-8")


def text_in_count(raw):
    lines = (raw / MUNICIPAL).read_text(encoding="utf-8").splitlines()
    lines[7] = lines[7].rsplit(",", 1)[0] + ",veel"
    (raw / MUNICIPAL).write_text("\n".join(lines) + "\n", encoding="utf-8")


def wrong_total(raw):
    lines = (raw / MUNICIPAL).read_text(encoding="utf-8").splitlines()
    head, last = lines[7].rsplit(",", 1)
    lines[7] = f"{head},{int(last) + 1}"
    (raw / MUNICIPAL).write_text("\n".join(lines) + "\n", encoding="utf-8")


def bomb(raw):
    with zipfile.ZipFile(raw / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("TK2025_uitslag.csv", b"0" * (60 * 1024**2))


@pytest.mark.parametrize(
    ("break_it", "code", "said"),
    [
        (line_twice, 1, f"K.101 {MUNICIPAL}:41"),
        (file_twice, 1, "K.102"),
        (election_twice, 1, "K.103"),
        (semicolons, 3, f"{MUNICIPAL}: line 1: the separator"),
        (latin1, 3, f"{MUNICIPAL}: line"),
        (edited("votes_cast_count", "votes_count"), 3, "column votes_cast_count is missing"),
        (text_in_count, 1, f"T.101 {MUNICIPAL}:8"),
        (wrong_total, 1, f"F.203 {MUNICIPAL}:8"),
        (emptied, 3, f"{MUNICIPAL}: is empty"),
        (bomb, 3, "bomb.zip/TK2025_uitslag.csv"),
        (lambda raw: (raw / MUNICIPAL).unlink(), 1, "P.102"),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_bad_input_is_named_and_leaves_previous_outputs_whole(
    copied, light, call, break_it, code, said
):
    before = {p: p.read_bytes() for p in (copied / "out").rglob("*") if p.is_file()}
    break_it(copied / "raw")
    found, text = call(
        "run", light, "--raw", copied / "raw", "--out", copied / "out", "--no-report"
    )
    assert (found, said in text) == (code, True), text
    assert "Traceback" not in text
    assert {p: p.read_bytes() for p in (copied / "out").rglob("*") if p.is_file()} == before
    assert call("validate", light, "--raw", copied / "raw")[0] == code


def test_allow_errors_leaves_the_faulty_row_out_and_lists_it(copied, light, call):
    wrong_total(copied / "raw")
    arguments = ("run", light, "--raw", copied / "raw", "--out", copied / "out", "--no-report")
    assert call(*arguments, "--allow-errors")[0] == 0
    listed = (copied / "out/excluded_rows.csv").read_text(encoding="utf-8").splitlines()
    assert len(listed) == 2
    assert ",8," in listed[1]
    assert "F.203" in listed[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("validate", "gr2026", "--raw", "nowhere"), 3, "does not exist"),
        (("run", "nowhere"), 2, "nowhere"),
        (("simulate", "full", "--seed", "1"), 2, "not empty"),
        (("render", "gr2026", "--out", "nowhere"), 2, "ballot-eval run first"),
        (("convert", "nowhere", "--to", "x"), 3, "does not exist"),
        (("run", "gr2026", "--report", "nowhere"), 2, "no report project"),
        (("guess",), 2, "guess"),
        (("simulate", "new", "--seed", "-1"), 2, "--seed"),
        (("simulate", "new", "--seed", "1", "--effect", "7"), 2, "--effect"),
        (("simulate", "new", "--seed", "1", "--scenario", "some"), 2, "is unknown; allowed"),
        (("convert", "full", "--to", "full/file.txt"), 3, "full"),
        (("template", "full/file.txt"), 2, "full/file.txt"),
        (("schemas", "--check"), 2, "does not exist; give the folder of the schemas with --to DIR"),
        (("schemas", "--check", "--to", "full/file.txt"), 2, "is a file"),
    ],
)
def test_wrong_calls_are_told_plainly(tmp_path, monkeypatch, call, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file.txt").write_text("x", encoding="utf-8")
    found, text = call(*arguments)
    assert found == code
    assert said in " ".join(text.split())
    assert "Traceback" not in text


def test_outputs_never_replace_files_of_others(finished_run, light, tmp_path, call):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "keep.txt").write_text("mine", encoding="utf-8")
    run = ("run", light, "--no-report", "--raw")
    code, said = call(*run, finished_run / "raw", "--out", mine)
    assert code == 2
    assert "not of an earlier run" in " ".join(said.split())
    assert (mine / "keep.txt").read_text(encoding="utf-8") == "mine"
    raw = tmp_path / "project/raw"
    shutil.copytree(finished_run / "raw", raw)
    assert call(*run, raw, "--out", tmp_path / "project")[0] == 2
    assert call(*run, raw, "--out", raw)[0] == 2
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    assert call(*run, raw, "--out", file)[0] == 2
    assert call(*run, raw, "--out", file / "below")[0] == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "mine", "project"]


def test_simulated_data_stay_marked_wherever_they_lie(finished_run, tmp_path, call):
    deep = tmp_path / "deep"
    shutil.copytree(finished_run / "raw", deep / "one/two")
    packed = tmp_path / "packed"
    packed.mkdir()
    shutil.make_archive(str(packed / "raw"), "zip", finished_run / "raw")
    single = finished_run / "raw" / MUNICIPAL
    assert all(be.read_raw(None, place).simulated for place in (deep, packed, single))
    assert call("convert", single, "--to", tmp_path / "converted")[0] == 0
    assert be.read_raw(None, tmp_path / "converted").simulated
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copyfile(single, alone / MUNICIPAL)
    assert not be.read_raw(None, alone).simulated


def test_numbers_survive_a_report_that_cannot_be_rendered(
    finished_run, light, root, tmp_path, call, monkeypatch
):
    monkeypatch.setenv("PATH", "")
    project = tmp_path / "report"
    ignore = shutil.ignore_patterns("_generated", "_output", "_variables.yml", ".quarto")
    shutil.copytree(root / "report", project, ignore=ignore)
    (project / "nl/_methode.qmd").write_text("{{< var nowhere >}}\n", encoding="utf-8")
    raw, out = finished_run / "raw", tmp_path / "out"
    code, said = call("run", light, "--raw", raw, "--out", out, "--report", project)
    assert code == 2
    assert "_methode.qmd, line 1" in " ".join(said.split())
    assert (out / "effects.csv").is_file()
    assert not (out / "report").exists()
    (project / "nl/_methode.qmd").write_text("# Methode, opnieuw\n", encoding="utf-8")
    assert call("render", light, "--out", out, "--report", project)[0] == 0
    assert "Methode, opnieuw" in (out / "report/index.html").read_text(encoding="utf-8")
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert "report/index.html" in manifest["outputs"]


def test_a_failing_quarto_is_told_and_pandoc_takes_over(
    finished_run, light, tmp_path, call, monkeypatch
):
    broken = tmp_path / "bin/quarto"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho broken quarto >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(broken.parent))
    arguments = ("run", light, "--raw", finished_run / "raw", "--out", tmp_path / "out")
    code, said = call(*arguments)
    assert code == 0, said
    assert "broken quarto" in said
    assert "report (Pandoc)" in said


def test_a_broken_study_is_named_by_key(root, tmp_path, call):
    text = (root / "analysis/gr2026/study.toml").read_text(encoding="utf-8")
    broken = text.replace("draws = 100000", 'draws = "many"')
    assert broken != text
    (tmp_path / "study.toml").write_text(broken, encoding="utf-8")
    code, said = call("validate", tmp_path, "--raw", tmp_path)
    assert code == 2
    assert "analysis.draws" in said


def test_template_is_readable_and_never_overwrites(tmp_path, call):
    assert call("template", tmp_path / "t")[0] == 0
    assert call("template", tmp_path / "t")[0] == 2
    code, said = call("validate", "gr2026", "--raw", tmp_path / "t")
    assert code == 1
    assert "P.102" in said


def test_convert_gives_canonical_tables_with_the_same_cells(finished_run, tmp_path, call):
    assert call("convert", finished_run / "raw", "--to", tmp_path)[0] == 0
    assert (tmp_path / MUNICIPAL).read_bytes() == (finished_run / "raw" / MUNICIPAL).read_bytes()
    assert call("convert", finished_run / "raw", "--to", tmp_path)[0] == 2


@pytest.mark.parametrize("again", ["", MUNICIPAL, "copy.csv"])
def test_convert_refuses_a_file_that_is_given_twice(copied, tmp_path, call, again):
    raw = copied / "raw"
    if again == "copy.csv":
        shutil.copyfile(raw / MUNICIPAL, tmp_path / again)
        raw = tmp_path
    other = raw / again
    code, said = call("convert", copied / "raw", other, "--to", tmp_path / "to")
    assert (code, "give each file once" in " ".join(said.split())) == (2, True)
    assert not (tmp_path / "to").exists()


def test_convert_takes_the_surveys_of_a_study(gr2026, tmp_path, call):
    raw = tmp_path / "raw"
    raw.mkdir()
    be.simulate(gr2026, raw, seed=1)
    code, said = call("convert", raw, "--to", tmp_path / "without")
    assert (code, "not read: station_survey.csv: a survey; give a study" in said) == (0, True)
    assert not (tmp_path / "without/station_survey.csv").exists()
    code, said = call(*("convert", raw, "--to", tmp_path / "with", "--study", "gr2026"))
    assert (code, "a survey" in said) == (0, False)
    direct, again = be.read_raw(gr2026, raw), be.read_raw(gr2026, tmp_path / "with")
    for name in ("voter_survey", "station_survey", "municipality_survey"):
        assert len(direct.tables[name])
        columns = [c for c in direct.tables[name] if not c.startswith("source_")]
        assert direct.tables[name][columns].equals(again.tables[name][columns])


def test_brackets_in_names_are_text(light, copied, tmp_path, call):
    title = "Experiment [/nieuw] biljet [concept] :smile:"
    folder = tmp_path / "map [oud][/b]"
    folder.mkdir(parents=True)
    text = (light / "study.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^title = .*$", f'title = "{title}"', text)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    for survey in (copied / "raw").glob("*_survey.csv"):
        survey.unlink()
    code, said = call(
        *("run", folder, "--raw", copied / "raw", "--out", folder / "out", "--no-report")
    )
    assert code == 0, said
    assert title in " ".join(said.split())
    assert f"results: {folder / 'out'}" in said
    for arguments in (("simulate", folder / "raw", "--seed", "1"), ("template", folder / "empty")):
        code, said = call(*arguments)
        assert (code, str(folder) in said) == (0, True), said
    assert call("validate", folder / "none[/b]")[0] == 2


def test_an_interrupted_run_says_so_and_leaves_the_outputs_whole(copied, call, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = (copied / "out/manifest.json").read_bytes()
    monkeypatch.setattr("ballot_eval.evaluation.build_panel", interrupt)
    code, said = call("run", "gr2026", "--raw", copied / "raw", "--out", copied / "out")
    assert (code, "stopped; the outputs of earlier runs are as they were" in said) == (130, True)
    assert (copied / "out/manifest.json").read_bytes() == before


def test_a_place_that_cannot_be_written_is_refused_before_the_analysis(
    finished_run, tmp_path, call, monkeypatch
):
    def too_late(*_, **__):
        pytest.fail("the analysis was begun")

    monkeypatch.setattr("ballot_eval.pipeline.evaluate", too_late)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    out = tmp_path / "file/below"
    code, said = call("run", "gr2026", "--raw", finished_run / "raw", "--out", out, "--no-report")
    assert (code, "give another place" in said) == (2, True)


@pytest.mark.official
def test_converted_official_files_give_the_same_tables(official, tmp_path, call):
    file = official / "TK2025/TK2025_CSV.zip"
    assert call("convert", file, "--to", tmp_path)[0] == 0
    direct, again = be.read_raw(None, file), be.read_raw(None, tmp_path)
    for name, table in direct.tables.items():
        columns = [c for c in table.columns if not c.startswith("source_")]
        assert table[columns].equals(again.tables[name][columns])


def test_schemas_on_disk_are_those_of_the_package(root, tmp_path, call):
    assert call("schemas", "--check", "--to", root / "data/schemas")[0] == 0
    assert call("schemas", "--check", "--to", tmp_path)[0] == 1
    assert call("schemas", "--to", tmp_path)[0] == 0
    assert call("schemas", "--check", "--to", tmp_path)[0] == 0


def test_a_wheel_works_in_an_empty_folder(root, light, tmp_path):
    def run(*arguments, cwd=tmp_path, env=None):
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    pip = ("-m", "pip", "--disable-pip-version-check", "--quiet")
    flags = ("--no-deps", "--no-build-isolation", "--no-index")
    made = run(*pip, "wheel", *flags, "--wheel-dir", tmp_path / "dist", root)
    assert made.returncode == 0, made.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    placed = run(*pip, "install", "--no-deps", "--no-index", "--target", tmp_path / "site", wheel)
    assert placed.returncode == 0, placed.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    env = {"PYTHONPATH": str(tmp_path / "site"), "PATH": ""}
    where = run("-c", "import ballot_eval; print(ballot_eval.__file__)", cwd=empty, env=env)
    assert str(tmp_path / "site") in where.stdout, where.stderr
    program = ("-m", "ballot_eval")
    for arguments in (
        ("simulate", "raw", "--seed", "1"),
        ("validate", "gr2026", "--raw", "raw"),
        ("run", light, "--raw", "raw", "--out", "out", "--no-report"),
    ):
        done = run(*program, *arguments, cwd=empty, env=env)
        assert done.returncode == 0, done.stderr
    assert (empty / "out/effects.csv").is_file()
    refused = run(*program, "run", "gr2026", "--raw", "raw", cwd=empty, env=env)
    assert refused.returncode == 2
    assert "--report DIR" in refused.stderr
    assert not (empty / "build").exists()
