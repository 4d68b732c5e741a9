"""The report: real Quarto where there is one, otherwise Pandoc from the same sources."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import yaml

from ballot_eval.errors import BallotEvalError

SHORTCODE = re.compile(r"\{\{<\s*(\w+)(?:\s+([\w./-]+))?\s*>\}\}")

NOT_MEASURED = "*niet gemeten*"


@dataclass(frozen=True, slots=True)
class Rendered:
    """The files that were made (html, docx, pdf) and the engine that made them."""

    engine: str
    files: tuple[Path, ...]


def render(report_dir: Path, out_dir: Path) -> Rendered:
    """Render a prepared copy of ``report/`` (artefacts in place) to html, docx and pdf.

    Raises BallotEvalError when the engine fails or a shortcode names something unknown.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    beside = str(Path(sys.executable).parent)
    quarto = shutil.which("quarto") or shutil.which("quarto", path=beside)
    if quarto:
        return _quarto(quarto, report_dir, out_dir)
    return _pandoc(report_dir, out_dir)


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
    folder: Path
    variables: dict[str, str]
    figures: dict[str, str]
    simulated: bool

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
            text = self.variables["data_notice"]
            return f"**{text}**" if self.simulated else ""
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


def _pandoc(report_dir: Path, out_dir: Path) -> Rendered:
    try:
        import pypandoc
        import typst
    except ImportError as error:
        msg = f"{error.name} is missing for the report: pip install 'ballot-eval[report]'"
        raise BallotEvalError(msg) from error
    listing = json.loads((report_dir / "_generated/artefacts.json").read_text(encoding="utf-8"))
    variables = yaml.safe_load((report_dir / "_variables.yml").read_text(encoding="utf-8"))
    source = _Source(report_dir, variables, listing["figures"], listing["simulated"])
    made = tuple(out_dir / f"index.{suffix}" for suffix in ("html", "docx", "pdf"))
    data = files("ballot_eval") / "data"
    with as_file(data / "crossref.lua") as lua, as_file(data / "report.css") as css:
        shared = [f"--lua-filter={lua}", f"--resource-path={report_dir}", "--toc", "--toc-depth=1"]
        banner = report_dir / "_generated" / "banner.html"
        notice = html.escape(variables["data_notice"])
        text = f'<div class="banner" role="note">{notice}</div>\n' if listing["simulated"] else ""
        banner.write_text(text, encoding="utf-8")
        page = [f"--css={css}", "--embed-resources", "--mathml", f"--include-before-body={banner}"]
        header = report_dir / "_generated" / "header.typ"
        header.write_text(_typst_header(variables["data_notice"]), encoding="utf-8")
        pages = [f"--include-in-header={header}", "--variable=papersize:a4"]
        work = report_dir / "index.typ"
        for to, target, image, extra in (
            ("html5", made[0], "svg", page),
            ("docx", made[1], "png", []),
            ("typst", work, "svg", pages),
        ):
            body = source.expand(report_dir / "index.qmd", image)
            arguments = ["--standalone", "--metadata=lang:nl", *shared, *extra]
            try:
                pypandoc.convert_text(
                    body, to, format="markdown", outputfile=str(target), extra_args=arguments
                )
            except RuntimeError as error:
                msg = f"pandoc failed on {target.name}: {error}"
                raise BallotEvalError(msg) from error
    typst.compile(str(work), output=str(made[2]), root=str(report_dir))
    return Rendered("Pandoc", made)


def _typst_header(notice: str) -> str:
    text = json.dumps(notice, ensure_ascii=False)
    header = f'text(size: 8pt, weight: "bold", fill: rgb("#8a3b00"), {text})' if notice else "none"
    return f"#set page(header: {header})\n#set table(stroke: 0.4pt + luma(180))\n#show table: set text(size: 8pt)\n"
