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


def sha256_of(path: Path) -> str:
    """Return the hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_commit(folder: Path) -> str | None:
    """Return the git commit of the study's folder, None outside a repository."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=folder if folder.is_dir() else None,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def manifest(study: StudyDesign, raw: RawData, out: Path, *, simulated: bool, command: str) -> str:
    """Return the manifest of a run as JSON text.

    It holds no time and no path of the machine, so the same input gives the same manifest.
    """
    values: dict[str, Any] = {
        "study": study.id,
        "plan_sha256": study.sha256,
        "simulated": simulated,
        "command": command,
        "seed": study.analysis.seed,
        "draws": study.analysis.draws,
        "git_commit": git_commit(study.folder),
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
        "outputs": {
            p.relative_to(out).as_posix(): sha256_of(p)
            for p in sorted(out.rglob("*"))
            if p.is_file() and REPORT_SOURCE not in p.relative_to(out).parts
        },
    }
    return json.dumps(values, ensure_ascii=False, indent=1) + "\n"
