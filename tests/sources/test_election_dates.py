"""Two elections of one year and kind are told apart by the date in the file."""

from __future__ import annotations

import eml_files as made
import pytest

from ballot_eval.sources import read_raw
from ballot_eval.sources.elections import iso_date
from ballot_eval.validation import validate

OSV = """Verkiezing;;Gemeenteraad Verzonnen 2022
Datum;;{date}
Gebied;;Gemeente Verzonnen
Nummer;;0999
Lijstnummer;Aanduiding;Volgnummer;Naam kandidaat;Totaal;Een
Gebiednummer;;;;;1
;opgeroepenen;;;500;500
;geldige stempas;;;77;77
;geldig volmachtbewijs;;;0;0
;geldige kiezerspas;;;0;0
;toegelaten kiezers;;;77;77
;geldige stembiljetten;;;72;72
;blanco stembiljetten;;;3;3
;ongeldige stembiljetten;;;2;2
;aangetroffen stembiljetten;;;77;77
1;Lijst Een;;;72;72
;;1;Een, A.;72;72
"""


def eml(date: str) -> str:
    return made.count(
        made.total(), made.unit(), election=f"GR{date.replace('-', '')}_Verzonnen", date=date
    )


def osv(date: str) -> str:
    return OSV.format(date="-".join(reversed(date.split("-"))))


@pytest.mark.parametrize(("name", "write"), [("telling.eml.xml", eml), ("osv4-3.csv", osv)])
@pytest.mark.parametrize("date", ["2022-03-16", "2022-11-23"])
def test_an_election_on_another_day_than_in_the_plan_is_not_used(
    gr2026, tmp_path, name, write, date
):
    (tmp_path / name).write_text(write(date), encoding="utf-8")
    raw = read_raw(gr2026, tmp_path)
    (file,) = raw.files
    assert (file.status, file.date) == ("read", date)
    tables = {t for t in raw.tables if len(raw.tables[t])}
    assert tables == {
        *("municipality_results", "station_results", "list_results", "candidate_results")
    }
    report = validate(raw, gr2026)
    errors = [f for f in report.findings if f.code == "K.107"]
    if date == "2022-03-16":
        assert not errors
        assert not report.accepted["municipality_results"].empty
        return
    assert {(f.severity, f.file, f.election) for f in errors} == {("error", file.path, "GR2022")}
    assert {f.value for f in errors} == {"file=2022-11-23; plan=2022-03-16"}
    assert len(errors) == len(tables)
    assert all(report.accepted[table].empty for table in tables)
    assert set(report.excluded["code"]) == {"K.107"}


@pytest.mark.parametrize(
    ("text", "date"),
    [
        (" 2022-3-6 ", "2022-03-06"),
        ("06/03/2022", "2022-03-06"),
        ("29-02-2024", "2024-02-29"),
        ("29-02-2022", ""),
        ("2022-13-01", ""),
        ("16 maart 2022", ""),
    ],
)
def test_dates_are_read_in_both_orders_and_have_to_exist(text, date):
    assert iso_date(text) == date
