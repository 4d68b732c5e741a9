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
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from ballot_eval.errors import BallotEvalError
from ballot_eval.formatting import NOT_MEASURED
from ballot_eval.reporting import layout
from ballot_eval.reporting.docx import finish_docx
from ballot_eval.reporting.house_style import css_of

SHORTCODE = re.compile(r"\{\{<\s*(\w+)(?:\s+([\w./-]+))?\s*>\}\}")

#: The index of the report in each language; the files that are made bear its name.
INDEXES = {"nl": "index", "en": "index-en"}

#: Quarto's names of the formats, by the files' own.
QUARTO = {"html": "html", "docx": "docx", "pdf": "typst"}
FORMATS = tuple(QUARTO)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The files that were made (html, docx, pdf in each language) and the engine that made them."""

    engine: str
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def render(report_dir: Path, out_dir: Path, formats: Sequence[str] = FORMATS) -> Rendered:
    """Render a prepared copy of ``report/`` (artefacts in place) in each language that it has.

    ``formats`` are some of ``FORMATS``. With Quarto when there is one; when that fails, with
    Pandoc, and ``notes`` says why.

    Raises BallotEvalError when the engine fails, a shortcode names something unknown, the project
    has no text, or another version made the artefacts.
    """
    listing, targets = _listing(report_dir), _targets(report_dir, out_dir, formats)
    out_dir.mkdir(parents=True, exist_ok=True)
    beside = str(Path(sys.executable).parent)
    quarto = shutil.which("quarto") or shutil.which("quarto", path=beside)
    notes: tuple[str, ...] = ()
    with _fixed_clock(listing["date"]):
        if quarto:
            try:
                return _quarto(quarto, report_dir, targets)
            except (BallotEvalError, OSError) as error:
                notes = (f"{error}", "made with Pandoc instead")
        rendered = _pandoc(report_dir, targets, listing)
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


def _listing(report_dir: Path) -> dict[str, Any]:
    """Return what the artefacts say that there is."""
    text = (report_dir / "_generated" / "artefacts.json").read_text(encoding="utf-8")
    listing: dict[str, Any] = json.loads(text)
    if not {"date", "languages"} <= listing.keys():
        msg = "another version of ballot_eval made these results; use ballot-eval run again"
        raise BallotEvalError(msg)
    return listing


def _targets(report_dir: Path, out_dir: Path, formats: Sequence[str]) -> tuple[Path, ...]:
    """Return the files to make: a project may have its text in one language only."""
    there = [index for index in INDEXES.values() if (report_dir / f"{index}.qmd").is_file()]
    if not there:
        names = " or ".join(f"{index}.qmd" for index in INDEXES.values())
        msg = f"the report project has no {names}"
        raise BallotEvalError(msg)
    return tuple(out_dir / f"{index}.{suffix}" for index in there for suffix in formats)


def _quarto(quarto: str, report_dir: Path, targets: tuple[Path, ...]) -> Rendered:
    environment = os.environ | {"QUARTO_PYTHON": sys.executable}
    wanted = dict.fromkeys(QUARTO[target.suffix.removeprefix(".")] for target in targets)
    done = subprocess.run(
        [quarto, "render", ".", "--to", ",".join(wanted)],
        cwd=report_dir,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        msg = f"quarto render failed:\n{done.stderr[-2000:]}"
        raise BallotEvalError(msg)
    for target in targets:
        shutil.copyfile(report_dir / "_output" / target.name, target)
    return Rendered("Quarto", targets)


@dataclass(frozen=True, slots=True)
class _Source:
    """A prepared report project, for the Pandoc engine.

    What the shortcodes name starts with the code of its language: ``nl.effects``.
    """

    folder: Path
    languages: dict[str, Any]

    def expand(self, file: Path, image: str) -> str:
        """Return the text of a file with includes and shortcodes resolved."""
        lines = file.read_text(encoding="utf-8").splitlines()
        return "\n".join(
            SHORTCODE.sub(lambda m, n=n: self._resolve(m, file, n, image), line)  # type: ignore[misc]
            for n, line in enumerate(lines, 1)
        )

    def _resolve(self, match: re.Match[str], file: Path, line: int, image: str) -> str:
        kind, argument = match.group(1), match.group(2) or ""
        if kind == "include" and (self.folder / argument).is_file():
            return self.expand(self.folder / argument, image)
        if kind == "pagebreak":
            return layout.PAGE_BREAK
        code, _, name = argument.partition(".")
        if kind in ("var", "notice", "table", "figure", "pages") and code in self.languages:
            text = getattr(self, f"_{kind}")(code, name, image)
            if text is not None:
                return str(text)
        msg = f"{file.name}, line {line}: {match.group(0)} names nothing that is there"
        raise BallotEvalError(msg)

    def _var(self, code: str, name: str, image: str) -> str | None:  # noqa: ARG002
        found: str | None = self.languages[code]["variables"].get(name)
        return found

    def _notice(self, code: str, name: str, image: str) -> str:  # noqa: ARG002
        notice = self.languages[code]["notice"]
        return f'::: {{.banner role="note"}}\n**{notice}**\n:::' if notice else ""

    def _table(self, code: str, name: str, image: str) -> str:  # noqa: ARG002
        table = self.folder / "_generated" / code / "tables" / f"{name}.md"
        return table.read_text(encoding="utf-8") if table.is_file() else _not_measured(code)

    def _figure(self, code: str, name: str, image: str) -> str:
        figures = self.languages[code]["figures"]
        if name not in figures:
            return _not_measured(code)
        return layout.image(figures[name], f"_generated/{code}/figures/{name}.{image}")

    def _pages(self, code: str, name: str, image: str) -> str:
        pages = self.folder / "_generated" / code / "pages" / f"{name}.md"
        if not pages.is_file():
            return _not_measured(code)
        return pages.read_text(encoding="utf-8").replace(".svg)", f".{image})")


def _not_measured(code: str) -> str:
    return f"*{NOT_MEASURED[code]}*"


def _pandoc(report_dir: Path, targets: tuple[Path, ...], listing: dict[str, Any]) -> Rendered:
    """Make every file, as many at a time as there are cores: Pandoc is a process of its own."""
    source = _Source(report_dir, listing["languages"])
    scss = report_dir / "styles" / "house.scss"
    css = css_of(scss.read_text(encoding="utf-8"), scss.name)
    scss.with_suffix(".css").write_text(css, encoding="utf-8")
    with as_file(files("ballot_eval") / "data") as data:

        def make(target: Path) -> None:
            _make(source, target, data)
            if target.suffix == ".docx":
                finish_docx(target, listing["languages"][language_of(target)]["notice"])

        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            # Reading every result raises what went wrong in one of them.
            list(pool.map(make, targets))
    return Rendered("Pandoc", targets)


def language_of(file: Path) -> str:
    """Return the language of a file of the report, by its name."""
    return next(code for code, index in INDEXES.items() if index == file.stem)


def _make(source: _Source, target: Path, data: Path) -> None:
    """Make one file of the report with Pandoc, and with typst where it is a pdf."""
    try:
        import pypandoc
        import typst
    except ImportError as error:
        msg = f"{error.name} is missing for the report: pip install 'ballot-eval[report]'"
        raise BallotEvalError(msg) from error
    to, image, extra = _options(source.folder, target, data)
    file = source.folder / f"{target.stem}.typ" if target.suffix == ".pdf" else target
    # The text is left out before what is left is numbered.
    steps = (source.folder / "made.lua", data / "crossref.lua", source.folder / "accessible.lua")
    filters = [f"--lua-filter={lua}" for lua in steps]
    arguments = ["--standalone", *filters, f"--resource-path={source.folder}", "--toc", *extra]
    body = source.expand(source.folder / f"{target.stem}.qmd", image)
    try:
        pypandoc.convert_text(
            body, to, format="markdown", outputfile=str(file), extra_args=arguments
        )
    except RuntimeError as error:
        msg = f"pandoc failed on {file.name}: {error}"
        raise BallotEvalError(msg) from error
    if target.suffix == ".pdf":
        # PDF/UA-1: typst refuses what a screen reader could not read, such as a bare image.
        try:
            typst.compile(
                str(file), output=str(target), root=str(source.folder), pdf_standards=["ua-1"]
            )
        except typst.TypstError as error:
            msg = f"typst failed on {file.name}: {error}"
            raise BallotEvalError(msg) from error


def _options(folder: Path, target: Path, data: Path) -> tuple[str, str, list[str]]:
    """Return what Pandoc makes for ``target``, of which kind of images, and with which options."""
    styles = folder / "styles"
    if target.suffix == ".html":
        # The title is the one heading of the first level.
        headings = ["--shift-heading-level-by=1", "--toc-depth=2", "--section-divs"]
        page = [f"--template={data / 'page.html'}", f"--css={styles / 'house.css'}"]
        return "html5", "svg", [*headings, *page, "--embed-resources", "--mathml"]
    if target.suffix == ".docx":
        return "docx", "png", ["--toc-depth=1", f"--reference-doc={styles / 'reference.docx'}"]
    header = [f"--include-in-header={styles / 'typst.typ'}", "--variable=papersize:a4"]
    return "typst-smart", "svg", ["--toc-depth=1", *header]
