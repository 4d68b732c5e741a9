"""Evaluate an experiment with a new ballot paper, from raw result files to a report."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

__version__ = version("ballot-eval")

if TYPE_CHECKING:
    from ballot_eval import figures
    from ballot_eval.comparison import compare_sources
    from ballot_eval.design import StudyDesign, load_study
    from ballot_eval.errors import (
        BallotEvalError,
        DesignError,
        DownloadError,
        InvalidDataError,
        ReadError,
    )
    from ballot_eval.panel import Panel, build_panel
    from ballot_eval.pipeline import RunSummary, run
    from ballot_eval.raw import RawData
    from ballot_eval.results import Check, Effect, Measure, Rate, ResultSet
    from ballot_eval.simulation import simulate
    from ballot_eval.sources import read_raw
    from ballot_eval.sources.download import download
    from ballot_eval.topics.counting_time import counting_time_results
    from ballot_eval.topics.invalid_votes import invalid_vote_effect, invalid_vote_rates
    from ballot_eval.topics.voting_time import voting_time_results
    from ballot_eval.validation import Finding, ValidationReport, validate

#: Where each name of the public face lives. It is imported when it is first asked for: a process
#: that only reads files does without the packages for statistics and figures.
_HOMES = {
    "BallotEvalError": "errors",
    "Check": "results",
    "DesignError": "errors",
    "DownloadError": "errors",
    "Effect": "results",
    "Finding": "validation",
    "InvalidDataError": "errors",
    "Measure": "results",
    "Panel": "panel",
    "Rate": "results",
    "RawData": "raw",
    "ReadError": "errors",
    "ResultSet": "results",
    "RunSummary": "pipeline",
    "StudyDesign": "design",
    "ValidationReport": "validation",
    "build_panel": "panel",
    "compare_sources": "comparison",
    "counting_time_results": "topics.counting_time",
    "download": "sources.download",
    "invalid_vote_effect": "topics.invalid_votes",
    "invalid_vote_rates": "topics.invalid_votes",
    "load_study": "design",
    "read_raw": "sources",
    "run": "pipeline",
    "simulate": "simulation",
    "validate": "validation",
    "voting_time_results": "topics.voting_time",
}

__all__ = [
    "BallotEvalError",
    "Check",
    "DesignError",
    "DownloadError",
    "Effect",
    "Finding",
    "InvalidDataError",
    "Measure",
    "Panel",
    "Rate",
    "RawData",
    "ReadError",
    "ResultSet",
    "RunSummary",
    "StudyDesign",
    "ValidationReport",
    "build_panel",
    "compare_sources",
    "counting_time_results",
    "download",
    "figures",
    "invalid_vote_effect",
    "invalid_vote_rates",
    "load_study",
    "read_raw",
    "run",
    "simulate",
    "validate",
    "voting_time_results",
]


def __getattr__(name: str) -> object:
    """Return a name of the public face, imported when it is first asked for."""
    if name == "figures":
        return import_module("ballot_eval.figures")
    if name not in _HOMES:
        msg = f"module 'ballot_eval' has no attribute {name!r}"
        raise AttributeError(msg)
    found: object = getattr(import_module(f"ballot_eval.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
