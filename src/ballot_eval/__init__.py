"""Evaluate an experiment with a new ballot paper, from raw result files to a report."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("ballot-eval")

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
