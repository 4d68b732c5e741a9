"""The command line.

Exit codes: 0 done, 1 faulty data, 2 wrong call or design, 3 file that cannot be read or had.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ballot_eval import pipeline
from ballot_eval.cli_convert import convert
from ballot_eval.console import MAX_SHOWN, err_console, out_console, refuse_existing
from ballot_eval.design import load_study
from ballot_eval.errors import BallotEvalError, DesignError, DownloadError, InvalidDataError
from ballot_eval.formatting import interval, number, p_value, percent, points
from ballot_eval.progress import download_progress
from ballot_eval.reporting.rendering import FORMATS
from ballot_eval.schema import TABLES
from ballot_eval.simulation import SCENARIOS
from ballot_eval.simulation import simulate as simulate_folder
from ballot_eval.sources import read_raw
from ballot_eval.sources.download import KINDS, Downloaded
from ballot_eval.sources.download import download as download_files
from ballot_eval.validation import ValidationReport
from ballot_eval.validation import validate as validate_raw
from ballot_eval.validation.frictionless import stale_schemas, write_schemas

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

#: The exit code of a program that was interrupted, by convention.
INTERRUPTED = 130

#: Processes of a run when the call does not say.
CORES = os.cpu_count() or 1


class Format(StrEnum):
    """A format of the report."""

    HTML = "html"
    DOCX = "docx"
    PDF = "pdf"


StudyArgument = Annotated[
    Path,
    typer.Argument(metavar="STUDY", help="Study folder, study.toml, or id of a shipped study."),
]
RawOption = Annotated[
    Path | None, typer.Option("--raw", help="Folder with raw files (data/raw/STUDY).")
]
OutOption = Annotated[Path | None, typer.Option("--out", help="Output folder (build/STUDY).")]

ReportOption = Annotated[
    Path | None, typer.Option("--report", help="Report project (else as study.toml says).")
]


def _say(step: str) -> None:
    err_console.print(f"… {step}", style="dim")


def _show_findings(report: ValidationReport) -> None:
    shown = [f for f in report.findings if f.severity != "info"]
    for f in sorted(shown, key=lambda f: f.severity)[:MAX_SHOWN]:
        where = f"{f.file}:{f.line}: " if f.line else f"{f.file}: " if f.file else ""
        about = " ".join(part for part in (f.election, f.municipality_code) if part)
        about = f"{about}: " if about else ""
        value = f" ({f.value})" if f.value and f.value not in f.statement else ""
        colour = "red" if f.severity == "error" else "yellow"
        err_console.print(f.severity, style=colour, end=" ")
        err_console.print(f"{f.code} {where}{about}{f.statement}{value}")
    if len(shown) > MAX_SHOWN:
        err_console.print(f"… and {len(shown) - MAX_SHOWN} more")
    infos = len(report.findings) - len(shown)
    err_console.print(
        f"{report.errors_count} errors, {report.warnings_count} warnings, {infos} notes; "
        f"{report.rows_accepted} of {report.rows_read} rows accepted"
    )


@app.command()
def run(
    *,
    study: StudyArgument,
    raw: RawOption = None,
    out: OutOption = None,
    report: ReportOption = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Make no report.")] = False,
    allow_errors: Annotated[
        bool, typer.Option("--allow-errors", help="Leave faulty rows out and go on.")
    ] = False,
    processes: Annotated[
        int,
        typer.Option(
            min=1, envvar="BALLOT_EVAL_PROCESSES", help="At work side by side; default: the cores."
        ),
    ] = CORES,
) -> None:
    """Validate, estimate, write and render a study."""
    design = load_study(study)
    raw_folder = raw or Path("data/raw") / design.id
    if raw is None and pipeline.ensure_raw(design, raw_folder):
        err_console.print(f"{raw_folder} was empty: filled with SIMULATED data", style="yellow")
    summary = pipeline.run(
        design,
        raw=raw_folder,
        out=out or Path("build") / design.id,
        report=not no_report,
        report_dir=report,
        allow_errors=allow_errors,
        processes=processes,
        progress=_say,
    )
    _show_findings(summary.outcome.validation)
    _show_summary(summary)
    for note in summary.notes:
        err_console.print(note)
    if summary.report_error:
        msg = f"the numbers are written, the report is not: {summary.report_error}"
        raise BallotEvalError(msg)


def _show_summary(summary: pipeline.RunSummary) -> None:
    outcome = summary.outcome
    election = outcome.study.election
    table = Table(title=("SIMULATED DATA: " if outcome.simulated else "") + outcome.study.title)
    for heading in ("", "invalid", "votes cast", "rate"):
        table.add_column(heading, justify="left" if not heading else "right")
    for rate in outcome.results.rates:
        if rate.election == election and rate.outcome == "invalid" and not rate.unit.isdigit():
            table.add_row(
                rate.unit,
                number(rate.numerator, language="en"),
                number(rate.denominator, language="en"),
                percent(rate.rate, language="en"),
            )
    out_console.print(table)
    e = outcome.primary.effect
    limits = interval(e.ci_lower, e.ci_upper, percent_sign=False, sign=True, language="en")
    out_console.print(
        f"effect on {e.outcome} votes, {e.contrast}: {points(e.estimate, language='en')} "
        f"({outcome.study.analysis.confidence_level:.0%} interval {limits}; "
        f"p {p_value(e.p_value, language='en')})"
    )
    out_console.print(f"results: {summary.out}")
    for file in summary.report_files:
        out_console.print(f"report ({summary.engine}): {file}")


@app.command()
def validate(
    study: StudyArgument,
    raw: RawOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write findings.csv and excluded_rows.csv here.")
    ] = None,
) -> None:
    """Show the findings on the raw files; exit code 1 when there are errors."""
    design = load_study(study)
    report = validate_raw(read_raw(design, raw or Path("data/raw") / design.id), design)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        report.to_frame().to_csv(out / "findings.csv", index=False, lineterminator="\n")
        report.excluded.to_csv(out / "excluded_rows.csv", index=False, lineterminator="\n")
    _show_findings(report)
    if report.has_errors:
        raise typer.Exit(1)


app.command()(convert)


@app.command()
def download(
    elections: Annotated[
        list[str], typer.Argument(metavar="ELECTION", help="Elections, for example TK2025.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the files.")],
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help=f"Kind of files: {' or '.join(KINDS)} (csv); may be repeated."),
    ] = None,
) -> None:
    """Download published result files; goes on where it was cut off."""
    try:
        with download_progress(err_console) as progress:
            done = download_files(elections, to, kinds=kind or ("csv",), progress=progress)
    except DownloadError as error:
        _show_downloads(error.done)
        raise
    except KeyboardInterrupt:
        err_console.print("what has come in is kept; the same command goes on with it")
        raise
    _show_downloads(done)


def _show_downloads(done: Sequence[Downloaded]) -> None:
    for file in done:
        came = "downloaded" if file.fresh else "was there already"
        known = "the known sum" if file.verified else "no sum is known yet; write this one down"
        out_console.print(
            f"{file.path}: {came}, {file.size_bytes} bytes, sha256 {file.sha256} ({known})"
        )


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to fill.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulation.")],
    study: Annotated[Path, typer.Option("--study", help="Study to simulate for.")] = Path("gr2026"),
    effect: Annotated[
        float,
        typer.Option("--effect", min=0, max=0.2, help="True effect, fraction of votes cast."),
    ] = 0.003,
    scenario: Annotated[
        str,
        typer.Option("--scenario", help=f"What the new ballot does: {', '.join(SCENARIOS)}."),
    ] = "introduction",
) -> None:
    """Fill a raw folder with simulated results of known truth, marked as simulated."""
    design = load_study(study)
    if folder.is_dir() and any(p for p in folder.iterdir() if not p.name.startswith(".")):
        raise typer.BadParameter(f"{folder} is not empty; give an empty or new folder")
    if scenario not in SCENARIOS:
        allowed = ", ".join(SCENARIOS)
        raise typer.BadParameter(f"--scenario {scenario!r} is unknown; allowed: {allowed}")
    folder.mkdir(parents=True, exist_ok=True)
    simulate_folder(design, folder, seed=seed, effect=effect, scenario=scenario)
    out_console.print(f"simulated data for {design.id}: {folder}")


@app.command()
def template(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder.")],
    study: Annotated[
        Path | None, typer.Option("--study", help="Study whose surveys are added.")
    ] = None,
) -> None:
    """Write empty canonical CSVs with the right headers; never overwrites."""
    tables = TABLES if study is None else load_study(study).tables()
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        file = folder / f"{name}.csv"
        refuse_existing(file)
        file.write_text(",".join(table.names) + "\n", encoding="utf-8", newline="\n")
        out_console.print(str(file))


@app.command()
def render(
    study: StudyArgument,
    out: OutOption = None,
    report: ReportOption = None,
    formats: Annotated[
        list[Format] | None,
        typer.Option("--format", help="Only this one; may be given again. Default: all."),
    ] = None,
) -> None:
    """Render the report again: today's text, the finished results of a run."""
    design = load_study(study)
    rendered = pipeline.render_existing(
        design,
        out or Path("build") / design.id,
        report_dir=report,
        formats=[chosen.value for chosen in formats] if formats else FORMATS,
    )
    for note in rendered.notes:
        err_console.print(note)
    for file in rendered.files:
        out_console.print(f"report ({rendered.engine}): {file}")


@app.command()
def schemas(
    *,
    check: Annotated[bool, typer.Option("--check", help="Only tell what is out of date.")] = False,
    to: Annotated[Path, typer.Option("--to", help="Folder.")] = Path("data/schemas"),
) -> None:
    """Write the table schemas and the data dictionary from the package."""
    if check:
        if not to.is_dir():
            what = "is a file" if to.exists() else "does not exist"
            msg = f"{to}: {what}; give the folder of the schemas with --to DIR"
            raise DesignError(msg)
        if stale := stale_schemas(to):
            err_console.print("out of date: " + ", ".join(stale) + "; run ballot-eval schemas")
            raise typer.Exit(1)
        return
    for path in write_schemas(to):
        out_console.print(str(path))


def main() -> None:
    """Run the command line; every expected error is one message and an exit code."""
    try:
        app()
    except BallotEvalError as error:
        if isinstance(error, InvalidDataError):
            _show_findings(error.report)
        _say_error(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _say_error(f"{where}{error.strerror or error}; give another place")
        sys.exit(2)
    except SystemExit as ended:
        # Typer turns an interrupt into this exit code.
        if ended.code == INTERRUPTED:
            err_console.print("stopped; the outputs of earlier runs are as they were")
        raise


def _say_error(text: str) -> None:
    err_console.print("error", style="red", end=" ")
    err_console.print(text)
