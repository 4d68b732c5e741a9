"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ballot_eval.validation.context import Context, Hit
from ballot_eval.validation.findings import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; its ``check`` yields what breaks it, on the rows that are still in.

    The rules on single cells have no check: the first pass, by pandera, decides on them.
    ``excludes`` says whether rows that break the rule are left out of the analysis.
    """

    code: str
    severity: Severity
    nl: str
    en: str
    check: Callable[[Context], Iterable[Hit]] | None = None
    threshold: str = ""
    denominator: str = ""
    excludes: bool = False

    def statement(self, language: str) -> str:
        """Return the statement in Dutch (``nl``) or English."""
        return self.nl if language == "nl" else self.en
