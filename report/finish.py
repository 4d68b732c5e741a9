"""Finish the docx that Quarto made: readable tables, and the notice on simulated data."""

import json
import os
import sys
from pathlib import Path

from prepare import HERE, with_package


def finish(_):
    """Mend every docx of this rendering; return the exit code."""
    from ballot_eval.reporting.docx import finish_docx
    from ballot_eval.reporting.rendering import language_of

    listing = json.loads((HERE / "_generated" / "artefacts.json").read_text(encoding="utf-8"))
    for name in os.environ.get("QUARTO_PROJECT_OUTPUT_FILES", "").splitlines():
        if name.endswith(".docx"):
            language = language_of(Path(name))
            finish_docx(Path(name), listing["languages"][language]["notice"])
    return 0


if __name__ == "__main__":
    sys.exit(with_package(__file__, finish))
