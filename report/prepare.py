"""Make the artefacts of this report when they are missing. Standard library only."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
STUDY = os.environ.get("BALLOT_EVAL_STUDY", "gr2026")


def fresh():
    """Return whether the artefacts there are, are those of the study asked for."""
    listing = HERE / "_generated" / "artefacts.json"
    if not (listing.is_file() and (HERE / "_variables.yml").is_file()):
        return False
    if not (HERE.parent / "analysis").is_dir():
        return True  # a prepared copy, away from the repository
    return json.loads(listing.read_text(encoding="utf-8"))["study"] == STUDY


def main():
    """Prepare, with the repository's own .venv when this Python lacks the package."""
    if fresh():
        return 0
    try:
        from ballot_eval.pipeline import prepare_report
    except ImportError:
        for name in ("bin/python", "Scripts/python.exe"):
            python = HERE.parent / ".venv" / name
            if python.is_file() and not os.environ.get("BALLOT_EVAL_RETRIED"):
                env = dict(os.environ, BALLOT_EVAL_RETRIED="1")
                return subprocess.call([str(python), __file__], env=env)
        print("ballot_eval is not installed: type 'make report' in the repository first")
        return 1
    prepare_report(HERE.parent / "analysis" / STUDY, HERE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
