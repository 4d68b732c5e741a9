"""The CSV of party votes per polling station: every fault, and the official files."""

from __future__ import annotations

import zipfile

import pandas as pd
import pytest

from ballot_eval.schema import TABLES
from ballot_eval.sources import read_raw
from ballot_eval.sources.formats import parse
from ballot_eval.sources.frames import joined
from ballot_eval.sources.text import FileError

NAME = "TK2025_Stemmen_Per_Lijst_Per_Stembureau.csv"
HEADER = (
    '"GemeenteCode";"GemeenteNaam";"Postcode";"StembureauNaam";"StembureauCode";"PartijNaam";'
    '"AantalStemmen"'
)
TEXT = f"""{HEADER}
14;Groningen;"9712HN";Stembureau Stadhuis (postcode: 9712 HN);SB100;"50PLUS";7
14;Groningen;"9712HN";Stembureau Stadhuis (postcode: 9712 HN);SB100;VVD;5
755;Boekel;"";Stembureau Nia Domo (postcode: 5427AB);SB1;VVD;20
14;Groningen;;"Stembureau ""De Kern""; zaal 1";SB101;VVD;1
9001;Bonaire;;Stembureau Kralendijk;SB1;VVD;3
9010;NBSB;;Briefstembureau 1;SB1;VVD;4
14;Groningen;"9712HN";Stembureau Stadhuis (postcode: 9712 HN);SB100;D66;2
"""

#: Where the sum of the stations is not what the long CSV has for the municipality: the bundle was
#: made of the municipalities' counts, and these two were changed later by a few votes. The counting
#: software's file of the district has the bundle's numbers (``tk2023_earlier_counts.csv``).
DIFFERENCES = {
    "TK2023": {
        ("0189", "PVV (Partij voor de Vrijheid)"): -1,
        ("0556", "CDA"): 1,
        ("0556", "Nieuw Sociaal Contract"): -1,
        ("0556", "PVV (Partij voor de Vrijheid)"): 1,
    },
    "TK2025": {},
}


def tables_of(parsed):
    return {p.table: joined(TABLES[p.table], [("f", p)]) for p in parsed.blocks}


def faults_of(text, name=NAME):
    with pytest.raises(FileError) as caught:
        parse(name, text.encode("utf-8-sig"))
    return " | ".join(caught.value.faults)


@pytest.mark.parametrize("mark", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lists_and_stations_are_read(mark, end):
    parsed = parse(f"a.zip/{NAME}", TEXT.replace("\n", end).encode(mark))
    # The Caribbean public bodies and the postal station are no municipalities.
    assert (parsed.format, parsed.lines, parsed.lines_used) == ("kiesraad_bundle", 7, 5)
    tables = tables_of(parsed)
    lists = tables["list_results"].astype(str)
    columns = ["municipality_code", "polling_station_id", "list_number", "list_name", "votes_count"]
    assert lists[[*columns, "source_line"]].to_numpy().tolist() == [
        ["0014", "100", "", "50PLUS", "7", "2"],
        ["0014", "100", "", "VVD", "5", "3"],
        ["0755", "1", "", "VVD", "20", "4"],
        ["0014", "101", "", "VVD", "1", "5"],
        ["0014", "100", "", "D66", "2", "8"],
    ]
    stations = tables["station_results"]
    columns = ["municipality_code", "polling_station_id", "polling_station_name", "postcode"]
    assert stations[columns].to_numpy().tolist() == [
        ["0014", "100", "Stembureau Stadhuis", "9712HN"],
        ["0755", "1", "Stembureau Nia Domo", "5427AB"],
        ["0014", "101", 'Stembureau "De Kern"; zaal 1', ""],
    ]
    assert stations["municipality_name"].tolist() == ["Groningen", "Boekel", "Groningen"]
    assert stations["valid_votes_count"].tolist() == ["14", "20", "1"]
    assert set(stations["votes_cast_count"]) == set(stations["eligible_voters_count"]) == {""}
    assert stations["source_line"].tolist() == [2, 4, 5]
    assert set(stations["election_id"]) == set(lists["election_id"]) == {"TK2025"}


def test_a_cell_that_is_no_number_stays_and_makes_the_sum_unknown():
    tables = tables_of(parse(NAME, TEXT.replace("VVD;5", "VVD;vijf").encode()))
    assert tables["list_results"]["votes_count"].tolist() == ["7", "vijf", "20", "1", "2"]
    assert tables["station_results"]["valid_votes_count"].tolist() == ["", "20", "1"]


def test_a_file_with_other_regions_only_has_no_rows_of_municipalities():
    rows = TEXT.splitlines()
    parsed = parse(NAME, "\n".join([rows[0], rows[5], rows[6]]).encode())
    assert (parsed.lines, parsed.lines_used, parsed.blocks) == (2, 0, [])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("VVD;5", "VVD;5;6", "line 3: 8 cells where the header has 7"),
        (";VVD;20", ";VVD", "line 4: 6 cells where the header has 7"),
        ("755;Boekel", "G0755;Boekel", "line 4: GemeenteCode 'G0755' is no number"),
        ("SB101", "SB100", "line 5: StembureauNaam 'Stembureau \"De Kern\"; zaal 1' differs"),
        ("StembureauCode", "Stembureau", "column StembureauCode is missing"),
        ('"De Kern', "De Kern", "line 5: broken quoting"),
        (TEXT[len(HEADER) :], "", "holds no rows below its header"),
    ],
)
def test_a_fault_is_named_with_its_line(old, new, expected):
    assert old in TEXT
    assert expected in faults_of(TEXT.replace(old, new))


def test_one_number_of_two_stations_is_named_with_every_column_that_differs():
    faults = faults_of(TEXT.replace("SB101", "SB100"))
    assert (
        "line 5: Postcode '' differs from that of the rows before of station 100 of 0014" in faults
    )
    assert "give each station a number of its own" in faults


def test_the_formats_are_joined_in_one_table(tmp_path):
    (tmp_path / NAME).write_text(TEXT, encoding="utf-8-sig")
    (tmp_path / "TK2025_uitslag.csv").write_text(
        "Regio;RegioCode;OuderRegioCode;LijstNaam;VeldType;Waarde\n"
        "Boekel;G0755;K18;VVD;LijstAantalStemmen;20\n",
        encoding="utf-8",
    )
    (tmp_path / "osv4-3_telling_tk2025_tilburg.csv").write_text(
        "Lijstnummer;Aanduiding;Volgnummer;Naam kandidaat;Totaal;Stadhuis\nGebiednummer;;;;;1\n"
        ";geldige stembiljetten;;;3;3\n;blanco stembiljetten;;;0;0\n"
        ";ongeldige stembiljetten;;;0;0\n1;VVD;;;3;3\n",
        encoding="utf-8",
    )
    tables = read_raw(None, tmp_path).tables
    columns = ["municipality_code", "polling_station_id", "list_number", "votes_count"]
    assert tables["list_results"][columns].astype(str).to_numpy().tolist()[4:] == [
        ["0014", "100", "", "2"],
        ["0755", "", "", "20"],
        ["0855", "", "1", "3"],
        ["0855", "1", "1", "3"],
    ]
    assert tables["station_results"]["polling_station_id"].tolist() == ["100", "1", "101", "1"]


def test_the_election_is_in_the_file_name():
    assert "the election cannot be told" in faults_of(TEXT, "Stemmen_Per_Stembureau.csv")


@pytest.fixture(scope="module", params=["TK2023", "TK2025"])
def election(request, official):
    """Return the election, what was read of its bundle, and the tables of its long CSV."""
    path = official / f"{request.param}/{request.param}_CSV.zip"
    if not path.is_file():
        pytest.skip(f"{path.name} is not on this machine")
    parsed = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(("_uitslag.csv", "Stembureau.csv")):
                found = parse(name, archive.read(name))
                parsed[found.format] = found
    return request.param, parsed["kiesraad_bundle"], tables_of(parsed["kiesraad_long"])


@pytest.mark.official
def test_stations_add_up_to_the_municipalities_but_for_known_differences(election):
    name, bundle, long = election
    known = DIFFERENCES[name]
    tables = tables_of(bundle)
    keys = ["municipality_code", "list_name"]

    def sums(table):
        votes = table.astype(str).assign(votes=lambda t: t["votes_count"].astype(int))
        return votes.groupby(keys)["votes"].sum()

    change = sums(tables["list_results"]).sub(sums(long["list_results"]), fill_value=0)
    assert change[change != 0].to_dict() == known
    stations = tables["station_results"]
    valid = stations["valid_votes_count"].astype(int).groupby(stations["municipality_code"]).sum()
    whole = long["municipality_results"].set_index("municipality_code")["valid_votes_count"]
    change = valid - whole.astype(int)
    expected = pd.Series(known, dtype=float).groupby(level=0).sum() if known else {}
    assert len(valid) == 342
    assert change[change != 0].to_dict() == dict(expected)


def test_differences_are_those_of_the_counting_softwares_files(root):
    table = pd.read_csv(root / "tests/reference/tk2023_earlier_counts.csv", dtype={0: str})
    cells = table.set_index(["municipality_code", "count"])
    change = cells["counting_software"] - cells["long_csv"]
    for (code, party), votes in DIFFERENCES["TK2023"].items():
        assert change[code, party] == votes


@pytest.mark.official
def test_every_line_is_used_or_out_of_scope(election):
    name, bundle, _ = election
    lines, elsewhere, stations = {
        "TK2023": (251_488, 220, 10_036),
        "TK2025": (240_562, 294, 10_071),
    }[name]
    assert (bundle.lines, bundle.lines - bundle.lines_used) == (lines, elsewhere)
    tables = tables_of(bundle)
    assert len(tables["station_results"]) == stations
    # The public bodies and the postal station stand at the end of the file.
    assert tables["list_results"]["source_line"].tolist() == list(range(2, lines - elsewhere + 2))
