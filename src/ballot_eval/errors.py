"""Errors the package raises. Data faults are findings, not errors: see ``validation``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ballot_eval.sources.download import Downloaded
    from ballot_eval.validation import ValidationReport


class BallotEvalError(Exception):
    """Base of every error of this package; its text is meant for a user."""

    exit_code = 2


class DesignError(BallotEvalError):
    """The study file or the call is wrong. Each problem names key, fault and what is allowed."""

    exit_code = 2


class ReadError(BallotEvalError):
    """One or more files cannot be read.

    ``problems`` holds one line per fault: file, line, what is wrong, what to do. Of a file with
    very many, the last line only counts the rest.
    """

    exit_code = 3

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class DownloadError(ReadError):
    """One or more files cannot be had.

    ``problems`` holds one line per file: what went wrong and what to do; ``done`` the files that
    are there all the same.
    """

    def __init__(self, problems: Sequence[str], done: Sequence[Downloaded]) -> None:
        self.done = tuple(done)
        super().__init__(problems)


class InvalidDataError(BallotEvalError):
    """Validation found errors; ``report`` carries the findings."""

    exit_code = 1

    def __init__(self, message: str, report: ValidationReport) -> None:
        self.report = report
        super().__init__(message)
