"""From a raw folder to finished outputs; with ``sources`` the only part that touches the disk."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ballot_eval.design import StudyDesign, load_study
from ballot_eval.errors import BallotEvalError, DesignError
from ballot_eval.evaluation import Outcome, Progress, evaluate
from ballot_eval.outputs import output_frames
from ballot_eval.provenance import MANIFEST, REPORT_SOURCE, manifest, renewed
from ballot_eval.reporting.artefacts import write_artefacts
from ballot_eval.reporting.language import LANGUAGES
from ballot_eval.reporting.rendering import FORMATS, Rendered, render
from ballot_eval.simulation import simulate


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run delivered: its outcome, its folder and, with a report, files and engine.

    ``notes`` tell what the engine had to do without; ``report_error`` why there is no report.
    """

    outcome: Outcome
    out: Path
    report_files: tuple[Path, ...] = ()
    engine: str = ""
    notes: tuple[str, ...] = ()
    report_error: str = ""


def write_outputs(outcome: Outcome, folder: Path) -> None:
    """Write the tables of a run into ``folder`` (the contract of the package's outputs)."""
    frames = output_frames(outcome.validation, outcome.results)
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    text = outcome.results.to_json()
    (folder / "results.json").write_text(text, encoding="utf-8", newline="\n")


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
    processes: int = 1,
    progress: Progress | None = None,
) -> RunSummary:
    """Do the whole study: read, validate, estimate, write, render.

    Everything is made in a temporary folder beside ``out`` and swapped in at the end, so a run
    that fails leaves the previous outputs whole. A report that cannot be rendered does not cost
    the numbers: they are swapped in without it, and ``report_error`` says what was wrong.
    ``processes`` at work side by side give the same outputs sooner.
    Raises DesignError when ``out`` holds anything that no run of this package has made.
    """
    target = Path(out)
    project = find_report(study, Path(report_dir) if report_dir else None) if report else None
    _check_target(target, Path(raw), study)
    outcome = evaluate(
        study, Path(raw), allow_errors=allow_errors, processes=processes, progress=progress
    )
    rendered, report_error = Rendered("", ()), ""
    with _swapped_in(target) as work:
        write_outputs(outcome, work)
        if progress:
            progress("tables and figures")
        write_artefacts(outcome, work / "artefacts", processes=processes)
        _copy_figures(work / "artefacts" / "_generated", work / "figures", study.language)
        if project is not None:
            if progress:
                progress("rendering the report")
            try:
                rendered = _render(project, work / "artefacts", work)
            except (BallotEvalError, OSError) as error:
                report_error = str(error)
                shutil.rmtree(work / "report", ignore_errors=True)
        shutil.rmtree(work / "artefacts")
        options = {"report": report, "allow_errors": allow_errors}
        text = manifest(study, outcome.raw, outcome.validation, work, options=options)
        _write_manifest(text, work)
    files = tuple(target / "report" / f.name for f in rendered.files)
    return RunSummary(outcome, target, files, rendered.engine, rendered.notes, report_error)


def _copy_figures(generated: Path, target: Path, language: str) -> None:
    """Copy the figures: in the language of the study, and in the others in folders beside."""
    for say in LANGUAGES:
        folder = target if say.code == language else target / say.code
        shutil.copytree(generated / say.code / "figures", folder, dirs_exist_ok=True)


def _write_manifest(text: str, folder: Path) -> None:
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")


def _render(
    project: Path, artefacts: Path, work: Path, formats: Sequence[str] = FORMATS
) -> Rendered:
    """Render a copy of the report project with the artefacts of a run."""
    source = work / REPORT_SOURCE
    ignore = shutil.ignore_patterns("_generated", "_output", ".quarto", "_variables.yml")
    shutil.copytree(project, source, ignore=ignore)
    shutil.copytree(artefacts, source, dirs_exist_ok=True)
    return render(source, work / "report", formats)


def render_existing(
    study: StudyDesign,
    out: str | Path,
    *,
    report_dir: str | Path | None = None,
    formats: Sequence[str] = FORMATS,
) -> Rendered:
    """Render the report again: today's text of the project, the finished results of a run.

    ``formats`` are some of html, docx and pdf; others made before are gone, since their text is
    of another day. The outputs are swapped in whole, with a renewed manifest. Raises DesignError
    when there is no finished run with a report, and BallotEvalError when the text cannot be
    rendered.
    """
    target = Path(out)
    made = target / REPORT_SOURCE
    if not (target / MANIFEST).is_file() or not made.is_dir():
        msg = f"{target}: holds no finished run with a report; use ballot-eval run first"
        raise DesignError(msg)
    project = find_report(study, Path(report_dir) if report_dir else None)
    with _swapped_in(target) as work:
        shutil.copytree(
            target, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("report", REPORT_SOURCE)
        )
        artefacts = work / "artefacts"
        shutil.copytree(made / "_generated", artefacts / "_generated")
        shutil.copyfile(made / "_variables.yml", artefacts / "_variables.yml")
        rendered = _render(project, artefacts, work, formats)
        shutil.rmtree(artefacts)
        _write_manifest(renewed((target / MANIFEST).read_text(encoding="utf-8"), work), work)
    return Rendered(
        rendered.engine, tuple(target / "report" / f.name for f in rendered.files), rendered.notes
    )


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


def _check_target(target: Path, raw: Path, study: StudyDesign) -> None:
    """Raise DesignError unless ``target`` may be replaced: new, empty, or an earlier run's.

    Raises OSError when no folder can be made beside it, before any time is spent on the analysis.
    """
    if target.exists() and not target.is_dir():
        msg = f"{target}: is a file; give a folder for the outputs"
        raise DesignError(msg)
    here = target.resolve()
    for name, other in (("raw data", raw.resolve()), ("study", study.folder.resolve())):
        if other == here or here in other.parents:
            msg = f"{target}: holds the {name}; give another folder for the outputs"
            raise DesignError(msg)
    if target.is_dir() and any(target.iterdir()) and not (target / MANIFEST).is_file():
        msg = f"{target}: holds files that are not of an earlier run; give a new or empty folder"
        raise DesignError(msg)
    _work_folder(target).rmdir()


def _work_folder(target: Path) -> Path:
    """Return a new temporary folder beside ``target``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))


@contextlib.contextmanager
def _swapped_in(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of ``target`` when the block succeeds."""
    work = _work_folder(target)
    try:
        yield work
        work.chmod(0o755)
        old = work.with_name(work.name + "-old")
        if target.exists():
            target.rename(old)
        try:
            work.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
