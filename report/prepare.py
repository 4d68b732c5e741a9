"""Make what the report takes in, when it is missing or out of date. Standard library only."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
STUDY = os.environ.get("BALLOT_EVAL_STUDY", "gr2026")


def sha256_of(file):
    """Return the hexadecimal sha256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def plan_files(study):
    """Return the hash of each file of an analysis plan: the plan itself and its questionnaires."""
    files = (study / "study.toml", *sorted(study.glob("survey_*.toml")))
    return {file.name: sha256_of(file) for file in files}


def code_is_newer(made):
    """Return whether the package in this repository was changed after ``made`` was written."""
    code = (ROOT / "src" / "ballot_eval").rglob("*.py")
    return any(file.stat().st_mtime > made.stat().st_mtime for file in code)


def fresh():
    """Return whether the artefacts are there, of today's code and of this study, plan and data."""
    listing = HERE / "_generated" / "artefacts.json"
    if not (listing.is_file() and (HERE / "_variables.yml").is_file()):
        return False
    plan = ROOT / "analysis" / STUDY / "study.toml"
    if not plan.is_file():
        return True  # a prepared copy, away from the repository
    made = json.loads(listing.read_text(encoding="utf-8"))
    if (made["study"], made.get("plan")) != (STUDY, plan_files(plan.parent)):
        return False
    if code_is_newer(listing):
        return False
    raw = ROOT / "data" / "raw" / STUDY
    files = [p for p in raw.rglob("*") if p.is_file() and not p.name.startswith(".")]
    # A member of an archive has its hash under "archive.zip/member".
    whole = {name: digest for name, digest in made["inputs"].items() if ".zip/" not in name}
    found = {p.relative_to(raw).as_posix(): p for p in files if p.suffix.lower() != ".zip"}
    if set(whole) != set(found) or len(whole) != len(made["inputs"]):
        return False
    return all(sha256_of(file) == whole[name] for name, file in found.items())


def with_package(script, work):
    """Call ``work``; where ballot_eval is missing, run ``script`` in the repository's .venv."""
    try:
        import ballot_eval
    except ImportError:
        for name in ("bin/python", "Scripts/python.exe"):
            python = ROOT / ".venv" / name
            if python.is_file() and not os.environ.get("BALLOT_EVAL_RETRIED"):
                env = dict(os.environ, BALLOT_EVAL_RETRIED="1")
                return subprocess.call([str(python), script], env=env)
        print("ballot_eval is not installed: type 'make report' in the repository first")
        return 1
    return work(ballot_eval)


def prepare(ballot_eval):
    """Make the artefacts; return the exit code."""
    from ballot_eval.pipeline import prepare_report

    try:
        prepare_report(ROOT / "analysis" / STUDY, HERE)
    except ballot_eval.BallotEvalError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(0 if fresh() else with_package(__file__, prepare))
