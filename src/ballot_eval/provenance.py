"""Where the numbers came from: hashes, versions, seed, plan."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ballot_eval.design import StudyDesign
from ballot_eval.raw import RawData

#: Packages whose version can change a number or a picture.
PACKAGES = ("ballot-eval", "numpy", "scipy", "pandas", "pandera", "matplotlib", "statsmodels")


#: The prepared copy of the report project, kept to render again; no output of its own.
REPORT_SOURCE = "report-source"

MANIFEST = "manifest.json"


def sha256_of(path: Path) -> str:
    """Return the hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """Return the git commit of the study's folder and whether files differ from it.

    None, None outside a repository.
    """

    def ask(*arguments: str) -> str:
        answer = subprocess.run(
            ["git", *arguments],
            cwd=folder if folder.is_dir() else None,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
        return answer.stdout.strip()

    try:
        return ask("rev-parse", "HEAD"), bool(ask("status", "--porcelain"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def manifest(study: StudyDesign, raw: RawData, out: Path, *, options: dict[str, bool]) -> str:
    """Return the manifest of a run as JSON text.

    It holds no time and no path of the machine, so the same input gives the same manifest.
    ``options`` are those of the call that change what comes out.
    """
    commit, dirty = git_state(study.folder)
    values: dict[str, Any] = {
        "study": study.id,
        "plan_sha256": study.sha256,
        "simulated": raw.simulated,
        "options": options,
        "seed": study.analysis.seed,
        "draws": study.analysis.draws,
        "git_commit": commit,
        "git_has_changes": dirty,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "inputs": [
            {
                "path": f.path,
                "format": f.format,
                "status": f.status,
                "reason": f.reason,
                "sha256": f.sha256,
                "lines": f.lines,
                "lines_used": f.lines_used,
                "lines_out_of_scope": f.lines_out_of_scope,
            }
            for f in raw.files
        ],
        "outputs": _outputs(out),
    }
    return _json(values)


def renewed(text: str, out: Path) -> str:
    """Return a manifest with the outputs that are in ``out`` now."""
    return _json(json.loads(text) | {"outputs": _outputs(out)})


def _outputs(out: Path) -> dict[str, str]:
    return {
        p.relative_to(out).as_posix(): sha256_of(p)
        for p in sorted(out.rglob("*"))
        if p.is_file() and p.name != MANIFEST and REPORT_SOURCE not in p.relative_to(out).parts
    }


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, indent=1) + "\n"
