"""Run the TK2025 study: read, validate, estimate, write, render."""

from __future__ import annotations

import sys
from pathlib import Path

import ballot_eval as be

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main() -> None:
    """Read the plan beside this file and do what it says."""
    study = be.load_study(HERE)
    raw = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "data" / "raw" / study.id
    summary = be.run(study, raw=raw, out=ROOT / "build" / study.id)
    print(summary.outcome.primary.effect)
    if summary.report_error:
        sys.exit(f"the numbers are written, the report is not: {summary.report_error}")


if __name__ == "__main__":
    main()
