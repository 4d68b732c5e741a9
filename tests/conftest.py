"""Shared fixtures: the repository, the official files, one finished simulated run, the program."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

import ballot_eval as be
from ballot_eval import cli, figures

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def official() -> Path:
    """Return the folder with the official result files, or skip where it is absent."""
    folder = Path(os.environ.get("BALLOT_EVAL_OFFICIAL", ROOT.parent / "shared/data/kiesraad"))
    if not folder.is_dir():
        pytest.skip("the official result files are not on this machine")
    return folder


@pytest.fixture(scope="session")
def gr2026() -> be.StudyDesign:
    return be.load_study(ROOT / "analysis/gr2026")


@pytest.fixture(scope="session")
def light(tmp_path_factory) -> Path:
    """Return a study folder: GR2026 without surveys and with few draws, for whole runs."""
    text = (ROOT / "analysis/gr2026/study.toml").read_text(encoding="utf-8")
    for old, new in (
        ("draws = 100000", "draws = 999"),
        ("draws = 1999", "draws = 99"),
        ("[30, 60, 90, 120, 150, 180]", "[60]"),
        ('"../../report"', f"'{ROOT / 'report'}'"),
    ):
        assert old in text
        text = text.replace(old, new)
    folder = tmp_path_factory.mktemp("light")
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory, gr2026, worker_id) -> Path:
    """Return a folder with ``raw`` (simulated), ``out`` (its run) and the report in ``out``.

    The first process of tests that needs it makes it, for all.
    """
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    folder = shared / "finished"
    try:
        folder.mkdir()
    except FileExistsError:
        while not (folder / "ready").exists():
            assert not (folder / "failed").exists(), "the run failed in another process of tests"
            time.sleep(1)
        return folder
    try:
        (folder / "raw").mkdir()
        be.simulate(gr2026, folder / "raw", seed=2026)
        be.run(gr2026, raw=folder / "raw", out=folder / "out")
    except BaseException:
        (folder / "failed").touch()
        raise
    (folder / "ready").touch()
    return folder


def sketch(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let figures be drawn but not painted: each file becomes the same small picture."""
    figures.save(Figure(figsize=(1, 1)), folder, "sketch")

    def save(_, target: Path, name: str) -> None:
        for kind in ("svg", "png"):
            shutil.copyfile(folder / f"sketch.{kind}", target / f"{name}.{kind}")

    patch.setattr(figures, "save", save)


@pytest.fixture
def sketches(monkeypatch, tmp_path_factory) -> None:
    """Draw figures without painting them, in a test on something else."""
    sketch(monkeypatch, tmp_path_factory.mktemp("sketch"))


@pytest.fixture(scope="module")
def module_sketches(tmp_path_factory) -> Iterator[None]:
    """Draw figures without painting them, in every test of a module."""
    with pytest.MonkeyPatch.context() as patch:
        sketch(patch, tmp_path_factory.mktemp("sketch"))
        yield


@pytest.fixture
def call(monkeypatch, capsys):
    """Return a function that runs the program: (exit code, what it said on both streams).

    In this process: the tests themselves are what runs side by side.
    """
    monkeypatch.setenv("BALLOT_EVAL_PROCESSES", "1")

    def run(*arguments) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["ballot-eval", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, said.out + said.err

    return run


@pytest.fixture(scope="session")
def gr2022_stations(official, gr2026, tmp_path_factory) -> pd.DataFrame:
    """Return the accepted results of the polling stations of GR2022."""
    folder = tmp_path_factory.mktemp("gr2022")
    # The counts of the same election in another format would be there twice.
    shutil.copy(official / "GR2022/GR2022_osv4-3_330_gemeenten.tar.xz", folder)
    return be.validate(be.read_raw(gr2026, folder), gr2026).accepted["station_results"]
