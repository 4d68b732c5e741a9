"""From a raw folder to finished outputs; with ``sources`` the only part that touches the disk."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ballot_eval.artefacts import write_artefacts
from ballot_eval.design import StudyDesign, load_study
from ballot_eval.errors import DesignError, InvalidDataError, ReadError
from ballot_eval.panel import Panel, build_panel
from ballot_eval.provenance import REPORT_SOURCE, manifest
from ballot_eval.raw import RawData
from ballot_eval.reporting import render
from ballot_eval.results import Check, Effect, Rate, ResultSet, to_frame
from ballot_eval.simulation import simulate
from ballot_eval.sources import read_raw
from ballot_eval.topics.invalid_votes import (
    EffectEstimate,
    effect_results,
    rate_results,
    robustness_results,
)
from ballot_eval.validation import ValidationReport, validate

#: Called with a short sentence at the start of each step.
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything one run knows, in memory."""

    study: StudyDesign
    raw: RawData
    validation: ValidationReport
    panel: Panel
    results: ResultSet
    primary: EffectEstimate
    simulated: bool


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run delivered: its outcome, its folder and, with a report, files and engine."""

    outcome: Outcome
    out: Path
    report_files: tuple[Path, ...] = ()
    engine: str = ""


def is_simulated(raw: Path) -> bool:
    """Return whether a raw folder says of itself that its data are simulated."""
    truth = raw / "truth.json"
    if not truth.is_file():
        return False
    try:
        return bool(json.loads(truth.read_text(encoding="utf-8"))["simulated"])
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{truth.name}: not readable as JSON with a key 'simulated'; restore or remove it"
        raise ReadError([msg]) from error


def evaluate(
    study: StudyDesign, raw: Path, *, allow_errors: bool = False, progress: Progress | None = None
) -> Outcome:
    """Read, validate and estimate; write nothing.

    Raises InvalidDataError when there are errors in the data, unless ``allow_errors``: then the
    faulty rows stay excluded and the rest is analysed.
    """
    say = progress or (lambda _: None)
    say("reading the raw files")
    data = read_raw(study, raw)
    say("validating")
    report = validate(data, study)
    if not allow_errors:
        report.raise_if_errors()
    try:
        panel = build_panel(report.accepted, study)
    except DesignError as error:
        # The design is right; the data that it needs are not there.
        raise InvalidDataError(str(error), report) from error
    say("rates")
    rates = rate_results(panel)
    say("effects")
    effects = effect_results(panel)
    say("robustness")
    checks = robustness_results(panel)
    results = ResultSet(study.id, rates, tuple(e.effect for e in effects), checks)
    return Outcome(study, data, report, panel, results, _primary(effects, study), is_simulated(raw))


def _primary(effects: tuple[EffectEstimate, ...], study: StudyDesign) -> EffectEstimate:
    wanted = (study.analysis.outcome, study.baselines[0], study.analysis.weighting, "randomisation")
    for estimate in effects:
        e = estimate.effect
        if (e.outcome, e.baseline, e.weighting, e.method) == wanted:
            return estimate
    raise KeyError(wanted)


def write_outputs(outcome: Outcome, folder: Path) -> None:
    """Write the tables of a run into ``folder`` (the contract of the package's outputs)."""
    results = outcome.results
    frames: dict[str, pd.DataFrame] = {
        "findings": outcome.validation.to_frame(),
        "excluded_rows": outcome.validation.excluded,
        "rates": to_frame(results.rates, Rate),
        "effects": to_frame(results.effects, Effect),
        "robustness": to_frame(results.checks, Check),
    }
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    (folder / "results.json").write_text(results.to_json(), encoding="utf-8", newline="\n")


def find_report(study: StudyDesign, report_dir: Path | None) -> Path:
    """Return the report project: the one given, or the one that ``study.toml`` names.

    Raises DesignError, saying what to do, when there is none.
    """
    if report_dir is None and study.report is None:
        msg = "study.toml has no key report; add it, give --report DIR, or --no-report"
        raise DesignError(msg)
    project = report_dir or study.folder / str(study.report)
    if not (project / "_quarto.yml").is_file():
        msg = f"{project}: no report project (_quarto.yml); give --report DIR, or --no-report"
        raise DesignError(msg)
    return project.resolve()


def run(
    study: StudyDesign,
    *,
    raw: str | Path,
    out: str | Path,
    report: bool = True,
    report_dir: str | Path | None = None,
    allow_errors: bool = False,
    progress: Progress | None = None,
) -> RunSummary:
    """Do the whole study: read, validate, estimate, write, render.

    Everything is made in a temporary folder beside ``out`` and swapped in at the end, so a run
    that fails leaves the previous outputs whole.
    """
    target = Path(out)
    project = find_report(study, Path(report_dir) if report_dir else None) if report else None
    outcome = evaluate(study, Path(raw), allow_errors=allow_errors, progress=progress)
    engine = ""
    with _swapped_in(target) as work:
        write_outputs(outcome, work)
        write_artefacts(outcome, work / "artefacts")
        shutil.copytree(work / "artefacts" / "_generated" / "figures", work / "figures")
        if project is not None:
            if progress:
                progress("rendering the report")
            engine = _render(project, work)
        else:
            shutil.rmtree(work / "artefacts")
        command = f"ballot-eval run {study.id}"
        text = manifest(
            outcome.study, outcome.raw, work, simulated=outcome.simulated, command=command
        )
        (work / "manifest.json").write_text(text, encoding="utf-8", newline="\n")
    files = tuple(sorted((target / "report").glob("index.*"))) if project else ()
    return RunSummary(outcome, target, files, engine)


def _render(project: Path, work: Path) -> str:
    """Render a copy of the report project with the artefacts of this run; return the engine."""
    source = work / REPORT_SOURCE
    ignore = shutil.ignore_patterns("_generated", "_output", ".quarto", "_variables.yml")
    shutil.copytree(project, source, ignore=ignore)
    shutil.copytree(work / "artefacts", source, dirs_exist_ok=True)
    shutil.rmtree(work / "artefacts")
    return render(source, work / "report").engine


def render_existing(out: str | Path) -> tuple[str, tuple[Path, ...]]:
    """Render the report again from the finished artefacts of a run."""
    target = Path(out)
    source = target / REPORT_SOURCE
    if not source.is_dir():
        msg = f"{target}: holds no finished run with a report; use ballot-eval run first"
        raise DesignError(msg)
    rendered = render(source, target / "report")
    return rendered.engine, tuple(rendered.files)


def prepare_report(study_folder: str | Path, report_dir: str | Path) -> None:
    """Make the artefacts of ``report/`` in place, for ``quarto render report/``.

    The raw folder is ``data/raw/<study>`` of the repository; when it is empty, data are
    simulated there, marked as such.
    """
    study = load_study(study_folder)
    target = Path(report_dir).resolve()
    raw = target.parent / "data" / "raw" / study.id
    ensure_raw(study, raw)
    outcome = evaluate(study, raw)
    with tempfile.TemporaryDirectory() as folder:
        write_artefacts(outcome, Path(folder))
        shutil.rmtree(target / "_generated", ignore_errors=True)
        shutil.copytree(folder, target, dirs_exist_ok=True)


def ensure_raw(study: StudyDesign, raw: Path) -> bool:
    """Simulate into ``raw`` when it is empty and the plan allows it; return whether that was done.

    The seed is that of the analysis, so the folder is the same on every machine.
    """
    if raw.is_dir() and any(p for p in raw.iterdir() if not p.name.startswith(".")):
        return False
    if not study.simulate_when_empty:
        return False
    raw.mkdir(parents=True, exist_ok=True)
    simulate(study, raw, seed=study.analysis.seed)
    return True


@contextlib.contextmanager
def _swapped_in(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of ``target`` when the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield work
        work.chmod(0o755)
        old = work.with_name(work.name + "-old")
        if target.exists():
            target.rename(old)
        work.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
