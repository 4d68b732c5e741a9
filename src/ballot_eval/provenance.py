"""Where the numbers came from: hashes, versions, seed, plan."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Hashable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.raw import RawData
from ballot_eval.schema import OFFICIAL_TABLES
from ballot_eval.validation import ValidationReport

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


def manifest(
    study: StudyDesign,
    raw: RawData,
    report: ValidationReport,
    out: Path,
    *,
    options: dict[str, bool],
) -> str:
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
        "sources": {
            "prefer": list(study.sources.prefer),
            "tables": source_counts(raw, report),
        },
        "outputs": _outputs(out),
    }
    return _json(values)


def source_counts(raw: RawData, report: ValidationReport) -> list[dict[Hashable, Any]]:
    """Return which formats of files gave the results of each election and table.

    ``units`` and ``rows`` count what was accepted, ``rows_not_preferred`` what was left out because
    the plan prefers another source that gives the same (K.104), and ``units_different`` the
    municipalities or regions among those whose counts are other ones (K.105).
    """
    formats = {f.path: f.format for f in raw.files}
    findings = report.to_frame()
    lost = report.excluded[report.excluded["code"] == "K.104"]
    lost = lost.assign(format=lost["file"].map(formats))
    other = findings[findings["code"] == "K.105"]
    other = other.assign(format=other["file"].map(formats))
    keys = ["election", "format"]
    counts: list[dict[Hashable, Any]] = []
    for table in OFFICIAL_TABLES:
        frame = report.accepted[table]
        election = frame["election_id"].astype("str").rename("election")
        name = raw.formats(frame)
        units = frame[raw.described[table].unit].astype("str").groupby([election, name])
        columns = {
            "units": units.nunique(),
            "rows": units.size(),
            "rows_not_preferred": lost[lost["table"] == table].groupby(keys)["rows"].sum(),
            "units_different": other[other["table"] == table]
            .groupby(keys)["municipality_code"]
            .nunique(),
        }
        whole = pd.concat(columns, axis=1).fillna(0).astype("int64").sort_index().reset_index()
        whole.insert(0, "table", table)
        counts += whole.to_dict("records")
    return counts


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
