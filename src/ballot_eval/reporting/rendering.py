"""The report: real Quarto where there is one, otherwise Pandoc from the same sources."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from ballot_eval.errors import BallotEvalError
from ballot_eval.reporting.docx import finish_docx

SHORTCODE = re.compile(r"\{\{<\s*(\w+)(?:\s+([\w./-]+))?\s*>\}\}")

NOT_MEASURED = "*niet gemeten*"

#: What ``_quarto.yml`` tells Quarto, for Pandoc.
SHARED_ARGUMENTS = (
    "--standalone",
    "--metadata=lang:nl",
    "--metadata=toc-title:Inhoud",
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The files that were made (html, docx, pdf) and the engine that made them."""

    engine: str
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def render(report_dir: Path, out_dir: Path) -> Rendered:
    """Render a prepared copy of ``report/`` (artefacts in place) to html, docx and pdf.

    With Quarto when there is one; when that fails, with Pandoc, and ``notes`` says why.

    Raises BallotEvalError when the engine fails or a shortcode names something unknown.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    listing = json.loads((report_dir / "_generated/artefacts.json").read_text(encoding="utf-8"))
    beside = str(Path(sys.executable).parent)
    quarto = shutil.which("quarto") or shutil.which("quarto", path=beside)
    notes: tuple[str, ...] = ()
    with _fixed_clock(listing["date"]):
        if quarto:
            try:
                return _quarto(quarto, report_dir, out_dir)
            except (BallotEvalError, OSError) as error:
                notes = (f"{error}", "made with Pandoc instead")
        rendered = _pandoc(report_dir, out_dir, listing)
    return Rendered(rendered.engine, rendered.files, notes)


@contextlib.contextmanager
def _fixed_clock(date: str) -> Iterator[None]:
    """Let the engines date their files on ``date``, so that the same report is the same file."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    moment = dt.datetime.fromisoformat(date).replace(hour=12, tzinfo=dt.UTC)
    os.environ["SOURCE_DATE_EPOCH"] = str(int(moment.timestamp()))
    try:
        yield
    finally:
        del os.environ["SOURCE_DATE_EPOCH"]
        if before is not None:
            os.environ["SOURCE_DATE_EPOCH"] = before


def _quarto(quarto: str, report_dir: Path, out_dir: Path) -> Rendered:
    environment = os.environ | {"QUARTO_PYTHON": sys.executable}
    done = subprocess.run(
        [quarto, "render", "."],
        cwd=report_dir,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        msg = f"quarto render failed:\n{done.stderr[-2000:]}"
        raise BallotEvalError(msg)
    made = []
    for suffix in ("html", "docx", "pdf"):
        target = out_dir / f"index.{suffix}"
        shutil.copyfile(report_dir / "_output" / target.name, target)
        made.append(target)
    return Rendered("Quarto", tuple(made))


@dataclass(frozen=True, slots=True)
class _Source:
    """A prepared report project, for the Pandoc engine."""

    folder: Path
    variables: dict[str, str]
    figures: dict[str, str]
    notice: str

    def expand(self, file: Path, image: str) -> str:
        """Return the text of a file with includes and shortcodes resolved."""
        lines = file.read_text(encoding="utf-8").splitlines()
        return "\n".join(
            SHORTCODE.sub(lambda m, n=n: self._resolve(m, file, n, image), line)  # type: ignore[misc]
            for n, line in enumerate(lines, 1)
        )

    def _resolve(self, match: re.Match[str], file: Path, line: int, image: str) -> str:
        kind, name = match.group(1), match.group(2) or ""
        if kind == "include" and (self.folder / name).is_file():
            return self.expand(self.folder / name, image)
        if kind == "var" and name in self.variables:
            return self.variables[name]
        if kind == "notice":
            return f'::: {{.banner role="note"}}\n**{self.notice}**\n:::' if self.notice else ""
        if kind == "table":
            table = self.folder / "_generated" / "tables" / f"{name}.md"
            return table.read_text(encoding="utf-8") if table.is_file() else NOT_MEASURED
        if kind == "figure":
            if name not in self.figures:
                return NOT_MEASURED
            alt = self.figures[name].replace("]", "\\]").replace("[", "\\[")
            # The backslash keeps Pandoc from making a captioned figure of its own.
            return f"![{alt}](_generated/figures/{name}.{image})\\"
        msg = f"{file.name}, line {line}: {match.group(0)} names nothing that is there"
        raise BallotEvalError(msg)


def _pandoc(report_dir: Path, out_dir: Path, listing: dict[str, Any]) -> Rendered:
    try:
        import pypandoc
        import typst
    except ImportError as error:
        msg = f"{error.name} is missing for the report: pip install 'ballot-eval[report]'"
        raise BallotEvalError(msg) from error
    source = _Source(report_dir, listing["variables"], listing["figures"], listing["notice"])
    html, docx, pdf = (out_dir / f"index.{suffix}" for suffix in ("html", "docx", "pdf"))
    page = report_dir / "index.typ"
    styles = report_dir / "styles"
    contents = ["--toc", "--toc-depth=1"]
    css = [f"--css={styles / name}" for name in ("page.css", "report.css")]
    css += ["--embed-resources", "--mathml", "--section-divs"]
    layout = [f"--include-in-header={styles / 'typst.typ'}", "--variable=papersize:a4"]
    with as_file(files("ballot_eval") / "data" / "crossref.lua") as crossref:
        # The text is left out before what is left is numbered.
        filters = [f"--lua-filter={file}" for file in (report_dir / "made.lua", crossref)]
        shared = [*SHARED_ARGUMENTS, *filters, f"--resource-path={report_dir}"]
        for to, target, image, extra in (
            ("html5", html, "svg", [*contents, *css]),
            ("docx", docx, "png", contents),
            ("typst-smart", page, "svg", [*contents, *layout]),
        ):
            body = source.expand(report_dir / "index.qmd", image)
            try:
                pypandoc.convert_text(
                    body,
                    to,
                    format="markdown",
                    outputfile=str(target),
                    extra_args=[*shared, *extra],
                )
            except RuntimeError as error:
                msg = f"pandoc failed on {target.name}: {error}"
                raise BallotEvalError(msg) from error
    finish_docx(docx, listing["notice"])
    typst.compile(str(page), output=str(pdf), root=str(report_dir))
    return Rendered("Pandoc", (html, docx, pdf))
