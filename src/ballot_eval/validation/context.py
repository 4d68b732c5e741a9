"""What a check sees: the study, the raw tables and the rows that are still in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.mergers import current_code
from ballot_eval.questionnaire import Questionnaire
from ballot_eval.raw import RawData
from ballot_eval.schema import COUNT_FIELDS, Table


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that breaks a rule.

    ``rows`` are the raw rows concerned. A hit on one row takes its file, line, election and code
    from that row; a hit on none or many gives what applies. ``detail`` is added to the statement.
    """

    table: str = ""
    rows: tuple[int, ...] = ()
    fields: str = ""
    value: str = ""
    detail: str = ""
    file: str = ""
    election: str = ""
    code: str = ""
    line: int = 0


@dataclass(slots=True)
class Context:
    """The state of one validation: typed rows, and per table the rows excluded so far."""

    raw: RawData
    study: StudyDesign
    typed: dict[str, pd.DataFrame] = field(default_factory=dict)
    excluded: dict[str, dict[int, str]] = field(default_factory=dict)
    _today: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = field(default_factory=dict)
    _kept: dict[str, tuple[pd.DataFrame, int, pd.DataFrame]] = field(default_factory=dict)

    @property
    def tables(self) -> Mapping[str, Table]:
        """Return the descriptions of the raw tables."""
        return self.raw.described

    def surveys(self) -> Iterator[tuple[Questionnaire, pd.DataFrame]]:
        """Yield each questionnaire with the rows of its survey that are still in, if any are."""
        for questionnaire in self.study.questionnaires:
            if questionnaire.table in self.typed:
                frame = self.kept(questionnaire.table)
                if len(frame):
                    yield questionnaire, frame

    def kept(self, table: str) -> pd.DataFrame:
        """Return the typed rows that are still in; the index is that of the raw table."""
        frame, count = self.typed[table], len(self.excluded[table])
        # Rows are only ever added to the excluded ones, so their number tells whether any were.
        known = self._kept.get(table)
        if known is None or known[0] is not frame or known[1] != count:
            rows = frame[~frame.index.isin(list(self.excluded[table]))] if count else frame
            known = self._kept[table] = (frame, count, rows)
        return known[2]

    def today(self, election: str) -> pd.DataFrame:
        """Return the kept municipal counts of one election on the map of the study's election."""
        whole = self.kept("municipality_results")
        known = self._today.get(election)
        if known is None or known[0] is not whole:
            frame = whole[whole["election_id"] == election]
            counts = frame.groupby(self.code_today(frame, election))[list(COUNT_FIELDS)].sum()
            known = self._today[election] = (whole, counts)
        return known[1]

    def code_today(self, frame: pd.DataFrame, election: str) -> pd.Series[str]:
        """Return the code that each row's municipality has at the study's election."""
        since = self.study.election_by_id(election).date
        until = self.study.election_by_id(self.study.election).date
        return current_code(frame["municipality_code"], since, until)
