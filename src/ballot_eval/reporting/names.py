"""Names of municipalities as they are printed."""

from __future__ import annotations

from ballot_eval.design import StudyDesign
from ballot_eval.formatting import display_name
from ballot_eval.panel import Panel


def display_names(study: StudyDesign) -> dict[str, str]:
    """Return the names of the plan's municipalities as they are printed, by code."""
    return {code: display_name(name) for code, name in study.municipalities.items()}


def municipality_names(panel: Panel) -> dict[str, str]:
    """Return the printed name of every municipality of the panel by code."""
    rows = panel.results.drop_duplicates("municipality_code")
    named = zip(rows["municipality_code"], rows["municipality_name"], strict=True)
    return {str(code): display_name(str(name)) for code, name in named}
