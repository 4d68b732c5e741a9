"""Mistakes planted in a finished folder, each with the rule that finds it and the place.

They are made in the text of the files, as hands and spreadsheets make them. Municipal results and
their details are spoilt in control municipalities without times and answers, so that a row left
out there is no mistake anywhere else. Files that cannot be read at all (another encoding, rows of
another length) stop a run before validation and are not among them.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ballot_eval.design import StudyDesign
from ballot_eval.simulation.places import compared_municipalities

#: A code that no municipality has.
UNKNOWN_CODE = "9999"


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding that validation must make.

    ``line`` counts from 1, header included; it is 0, as in the finding, where something is missing
    or many rows or a whole file are concerned, and ``file`` is empty where nothing is there.
    """

    code: str
    severity: str
    file: str
    line: int
    election: str
    municipality_code: str
    what: str


class _Sheet:
    """The cells of one file; rows count from 0, the header is row 0."""

    def __init__(self, path: Path, seen: dict[str, set[int]]) -> None:
        self.path = path
        with path.open(encoding="utf-8", newline="") as handle:
            self.rows = list(csv.reader(handle))
        # Every fault takes a row of its own.
        self._taken = seen.setdefault(path.name, set())

    def column(self, name: str) -> int:
        return self.rows[0].index(name)

    def find(self, wanted: Callable[[dict[str, str]], bool]) -> int:
        """Return the first free row that is as wanted; KeyError when there is none."""
        for row in range(1, len(self.rows)):
            if row not in self._taken and wanted(self.cells(row)):
                self._taken.add(row)
                return row
        raise KeyError(self.path.name)

    def cells(self, row: int) -> dict[str, str]:
        return dict(zip(self.rows[0], self.rows[row], strict=True))

    def set(self, row: int, **cells: str) -> None:
        for name, cell in cells.items():
            self.rows[row][self.column(name)] = cell

    def add(self, row: int, **cells: str) -> int:
        """Append a copy of a row with other cells and return where it stands."""
        self.rows.append(list(self.rows[row]))
        last = len(self.rows) - 1
        self._taken.add(last)
        self.set(last, **cells)
        return last

    def fault(self, code: str, row: int, what: str) -> Fault:
        cells = self.cells(row)
        place = (cells["election_id"], cells["municipality_code"])
        return Fault(code, "error", self.path.name, row + 1, *place, what)

    def write(self) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self.rows)
        self.path.write_text(text.getvalue(), encoding="utf-8", newline="\n")


def plant_faults(folder: Path, study: StudyDesign) -> tuple[Fault, ...]:
    """Spoil the simulated files of a folder and return what validation must find in them.

    A table that is not there gets no faults.
    """
    compared = set(compared_municipalities(study)["municipality_code"])
    planted: list[Fault] = []
    seen: dict[str, set[int]] = {}
    for name, plant in _PLANTERS:
        path = folder / f"{name}.csv"
        if not path.exists():
            continue
        sheet = _Sheet(path, seen)
        free = _Free(study, compared)
        planted += plant(sheet, study, free)
        sheet.write()
    if (path := folder / "municipality_survey.csv").exists():
        copy = path.with_name(f"{path.stem}_copy.csv")
        shutil.copyfile(path, copy)
        what = "the same file twice"
        planted.append(Fault("K.102", "error", copy.name, 0, study.election, "", what))
    return tuple(planted)


class _Free:
    """Says of a row whether it is of a control municipality of which there is nothing but votes."""

    def __init__(self, study: StudyDesign, compared: set[str]) -> None:
        self._study, self._compared = study, compared
        self._used: set[str] = set()

    def at(self, election: str, **cells: str) -> Callable[[dict[str, str]], bool]:
        """Return what says whether a row is of such a municipality, not used before."""

        def wanted(row: dict[str, str]) -> bool:
            code = row["municipality_code"]
            fits = row["election_id"] == election and all(row[k] == v for k, v in cells.items())
            free = self._study.role(code) == "control" and code not in self._compared
            if not fits or not free or code in self._used:
                return False
            self._used.add(code)
            return True

        return wanted


def _municipalities(sheet: _Sheet, study: StudyDesign, free: _Free) -> Iterator[Fault]:
    """Spoil the results of municipalities; those that are missing first, as rows then move."""
    # No analysis is possible without an experiment municipality: those stay.
    gone = [
        (code, "P.105", "warning", "a municipality that the plan names is missing")
        for code in sorted(set(study.municipalities) - set(study.experiment()))[:1]
    ]
    if len(study.baselines) > 1:
        earlier = study.baselines[-1]
        row = sheet.find(free.at(earlier))
        control = sheet.cells(row)["municipality_code"]
        gone.append((control, "P.106", "warning", "a control municipality is missing"))
        keys = [(earlier, code) for code, *_ in gone]
        at = (sheet.column("election_id"), sheet.column("municipality_code"))
        sheet.rows = [r for r in sheet.rows if (r[at[0]], r[at[1]]) not in keys]
        for code, rule, severity, what in gone:
            yield Fault(rule, severity, "", 0, earlier, code, what)
    row = sheet.find(free.at(study.baselines[0]))
    what = "a municipality is given twice"
    yield sheet.fault("K.101", row, what)
    yield sheet.fault("K.101", sheet.add(row), what)
    row = sheet.find(free.at(study.election))
    blank = int(sheet.cells(row)["blank_votes_count"])
    sheet.set(row, blank_votes_count=str(blank + 10))
    yield sheet.fault("F.203", row, "the parts do not add up to the votes cast")
    row = sheet.find(free.at(study.election))
    sheet.set(row, municipality_code=sheet.cells(row)["municipality_code"].lstrip("0"))
    yield sheet.fault("T.103", row, "a spreadsheet took the zeros before a municipality code")
    row = sheet.find(free.at(study.election))
    sheet.set(row, invalid_votes_count=sheet.cells(row)["invalid_votes_count"] + ";")
    yield sheet.fault("T.101", row, "a stray semicolon after a count")
    row = sheet.find(free.at(study.election))
    sheet.set(row, eligible_voters_count="")
    yield sheet.fault("T.102", row, "a count is left empty")


def _stations(sheet: _Sheet, study: StudyDesign, free: _Free) -> Iterator[Fault]:
    here = free.at(study.election)
    row = sheet.find(lambda r: r["votes_cast_count"] != r["valid_votes_count"] and here(r))
    cells = sheet.cells(row)
    valid, cast = cells["valid_votes_count"], cells["votes_cast_count"]
    sheet.set(row, valid_votes_count=cast, votes_cast_count=valid)
    yield sheet.fault("F.203", row, "two columns are swapped")
    row = sheet.find(free.at(study.baselines[0]))
    sheet.set(row, invalid_votes_count="-3")
    yield sheet.fault("N.101", row, "a negative count")


def _candidates(sheet: _Sheet, study: StudyDesign, free: _Free) -> Iterator[Fault]:
    row = sheet.find(free.at(study.election))
    sheet.set(row, votes_count=str(int(sheet.cells(row)["votes_count"]) + 7))
    code = sheet.cells(row)["municipality_code"]
    what = "the candidates of a list do not add up to its total"
    yield Fault("F.402", "error", sheet.path.name, 0, study.election, code, what)


def _reasons(sheet: _Sheet, study: StudyDesign, free: _Free) -> Iterator[Fault]:
    del free
    row = sheet.find(lambda r: r["polling_station_id"] == "")
    sheet.set(row, reason="blanco")
    yield sheet.fault("T.103", row, "an unknown reason")
    row = sheet.find(lambda r: r["polling_station_id"] == "")
    cells = {"municipality_code": _control(study), "reason": "number_above_list"}
    row = sheet.add(row, votes_count="2", **cells)
    yield sheet.fault("M.101", row, "a reason of the new ballot where the old one was used")


def _party_only(sheet: _Sheet, study: StudyDesign, free: _Free) -> Iterator[Fault]:
    del free
    row = sheet.find(lambda r: r["polling_station_id"] == "")
    row = sheet.add(row, municipality_code=_control(study), votes_count="12")
    yield sheet.fault("M.102", row, "votes for a party alone where the old ballot was used")


def _control(study: StudyDesign) -> str:
    """Return a control municipality that has times, so that its results are left as they are."""
    places = compared_municipalities(study)
    return str(places.loc[~places["experiment"], "municipality_code"].iloc[0])


def _voting(sheet: _Sheet, study: StudyDesign, free: _Free) -> Iterator[Fault]:
    del study, free
    for ballot, cells, code, what in (
        ("old", {"municipality_code": UNKNOWN_CODE}, "P.110", "an unknown municipality code"),
        ("new", {"ballot": "old"}, "P.109", "the old ballot where the new one was used"),
        ("new", {"voting_seconds": "0"}, "V.101", "an impossible time of zero"),
        ("old", {"voting_seconds": "55000"}, "V.102", "a time in milliseconds"),
        ("old", {"age_band": "47-48"}, "V.106", "an age in the place of an age band"),
    ):
        row = sheet.find(_complete(ballot))
        sheet.set(row, **cells)
        yield sheet.fault(code, row, what)


def _complete(ballot: str) -> Callable[[dict[str, str]], bool]:
    return lambda row: row["ballot"] == ballot and row["observation_status"] == "complete"


def _counting(sheet: _Sheet, study: StudyDesign, free: _Free) -> Iterator[Fault]:
    del free
    day = study.election_by_id(study.election).date
    for cells, code, what in (
        ({"ended_at": f"{day}T20:15"}, "C.105", "a count that ends before it starts"),
        ({"started_at": f"{day}T25:10"}, "T.105", "an impossible time of day"),
        ({"counting_method": ""}, "C.101", "the way of counting is left out"),
    ):
        row = sheet.find(
            lambda r: r["election_id"] == study.election and r["started_at"].startswith(f"{day}T")
        )
        sheet.set(row, **cells)
        yield sheet.fault(code, row, what)
    sheet.rows[0].append("telefoon")
    for line in sheet.rows[1:]:
        line.append("")
    what = "a column for personal data"
    yield Fault("D.101", "error", sheet.path.name, 0, "", "", what)


def _voters(sheet: _Sheet, study: StudyDesign, free: _Free) -> Iterator[Fault]:
    del free
    asked = study.questionnaire("voter_survey")
    scales = [q for q in asked.questions if q.scale == "likert5"] if asked else []
    if scales:
        question, codes = scales[0].id, scales[0].codes
        row = sheet.find(lambda r: r[question] in codes)
        sheet.set(row, **{question: "9"})
        yield sheet.fault("S.107", row, "an answer that the question does not have")
    row = sheet.find(lambda r: bool(r["interviewed_at"]))
    time = sheet.cells(row)["interviewed_at"][-6:]
    baseline = study.election_by_id(study.baselines[0]).date
    sheet.set(row, interviewed_at=f"{baseline}{time}")
    yield sheet.fault("S.114", row, "an interview on another day than that of the election")


_PLANTERS: tuple[tuple[str, Callable[[_Sheet, StudyDesign, _Free], Iterator[Fault]]], ...] = (
    ("municipality_results", _municipalities),
    ("station_results", _stations),
    ("candidate_results", _candidates),
    ("invalid_reasons", _reasons),
    ("party_only_votes", _party_only),
    ("voting_times", _voting),
    ("counting_times", _counting),
    ("voter_survey", _voters),
)
