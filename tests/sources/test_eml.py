from __future__ import annotations

import random
import re
import tarfile
from collections import Counter
from xml.etree import ElementTree

import eml_files as made
import pytest

from ballot_eval.schema import TABLES
from ballot_eval.sources import eml_stream
from ballot_eval.sources.eml import election_of, is_eml, read_eml
from ballot_eval.sources.frames import joined
from ballot_eval.sources.text import FileError

GR2022 = "GR2022/Telling_GR2022_eml_315of333_gemeenten.tar.xz"
NS = f"{{{made.EML}}}"


def read(text: str | bytes):
    return read_eml("telling.eml.xml", text if isinstance(text, bytes) else text.encode())


def tables(text: str | bytes) -> dict[str, list[dict[str, object]]]:
    """Return the rows of each table of a file, cells that are not empty only."""
    parsed = read(text)
    assert not isinstance(parsed, str), parsed
    return {
        block.table: [
            {c: v for c, v in row.items() if v != ""} for row in block.frame.to_dict("records")
        ]
        for block in parsed.blocks
    }


def faults(text: str | bytes) -> str:
    with pytest.raises(FileError) as raised:
        read(text)
    return str(raised.value)


def slow(content: bytes) -> tuple[Counter, Counter]:
    """Return votes and counts as ElementTree gives them, by station (empty: the municipality)."""
    votes: Counter = Counter()
    counts: Counter = Counter()
    for group in ElementTree.fromstring(content).iter():
        if group.tag not in (f"{NS}TotalVotes", f"{NS}ReportingUnitVotes"):
            continue
        unit = group.find(f"{NS}ReportingUnitIdentifier")
        station = "" if unit is None else unit.get("Id").partition("::SB")[2]
        of_list = ""
        for selection in group.findall(f"{NS}Selection"):
            valid = int(selection.findtext(f"{NS}ValidVotes"))
            affiliation = selection.find(f"{NS}AffiliationIdentifier")
            if affiliation is not None:
                of_list = affiliation.get("Id")
                votes[station, of_list, ""] += valid
            else:
                candidate = selection.find(f"{NS}Candidate/{NS}CandidateIdentifier")
                votes[station, of_list, candidate.get("Id")] += valid
        for name in ("Cast", "TotalCounted", "RejectedVotes", "UncountedVotes"):
            for found in group.findall(NS + name):
                counts[station, name, found.get("ReasonCode", "")] += int(found.text)
    return votes, counts


def fast(content: bytes) -> tuple[Counter, Counter]:
    """Return votes and counts as :func:`slow` does, from the tables."""
    votes: Counter = Counter()
    counts: Counter = Counter()
    for table, rows in tables(content).items():
        for row in rows:
            station = row.get("polling_station_id", "")
            if "votes_count" in row:
                candidate = row.get("candidate_number", "")
                votes[station, row["list_number"], candidate] += int(row["votes_count"])
                assert (candidate == "") == (table == "list_results")
            else:
                for column, key in made.COLUMNS.items():
                    counts[(station, *key)] += int(row[column])
    return votes, counts


def random_count(seed: int) -> str:
    """Return a made-up count; some stations are written in another way than the others."""
    draw = random.Random(seed)
    groups = [made.total()]
    for station in range(1, 13):
        votes = tuple(draw.choice((0, 1, draw.randrange(2000))) for _ in range(5))
        end = draw.choice(("", "", "\n  "))
        body = made.selections(votes, end=end) + made.numbers(draw.randrange(9999), end=end)
        for _ in range(draw.choice((0, 0, 1, 3))):
            body = draw.choice(
                (
                    lambda b: b.replace("<ValidVotes>", "<ValidVotes><!-- 5 -->", 1),
                    lambda b: b.replace("</ValidVotes>", "<?go?></ValidVotes>", 2),
                    lambda b: b.replace("<ValidVotes>1", "<ValidVotes>&#49;"),
                    lambda b: b.replace("<Cast>500", "<Cast><![CDATA[500]]>"),
                    lambda b: b.replace("<Cast>", "<!-- >12< --><Cast>"),
                    lambda b: b.replace("Lijst Een", draw.choice(("7", "Lijst Een B"))),
                    lambda b: f"<kr:ReportingUnitType>Mobile</kr:ReportingUnitType>{b}",
                    lambda b: f"{b}<kr:New><kr:Newer>9</kr:Newer></kr:New>",
                    lambda b: b.replace("<ValidVotes>", "<ValidVotes > ").replace("</V", " </V"),
                )
            )(body)
        name = draw.choice(("Een", "T&amp;O", "De 12", "Één")) + " (postcode: 1234 AB)"
        groups.append(draw.choice(("", "\n", "<!-- </ReportingUnitVotes> -->")))
        unit = made.unit(f"0999::SB{station}", name, body)
        gap = draw.choice(("", "", "\n", "\n\n "))
        groups.append(unit.replace("<ReportingUnitVotes>", f"<ReportingUnitVotes>{gap}"))
    return made.count(*groups)


def test_a_count_of_a_municipality_and_a_station():
    found = tables(made.count(made.total(), made.unit()))
    assert set(found) == {
        *("municipality_results", "station_results", "list_results", "candidate_results")
    }
    whole, station = found["municipality_results"][0], found["station_results"][0]
    place = {"election_id": "GR2022", "municipality_code": "0999", "municipality_name": "Verzonnen"}
    counts = {
        "eligible_voters_count": "500",
        "votes_cast_count": "77",
        "valid_votes_count": "72",
        "blank_votes_count": "3",
        "invalid_votes_count": "2",
        "poll_card_count": "100",
        "proxy_certificate_count": "101",
        "voter_card_count": "102",
        "admitted_voters_count": "103",
        "more_ballots_count": "104",
        "fewer_ballots_count": "105",
        "unreturned_ballots_count": "106",
        "too_few_ballots_issued_count": "107",
        "too_many_ballots_issued_count": "108",
        "no_explanation_count": "109",
        "other_explanation_count": "110",
        "source_line": 1,
    }
    assert whole == place | counts
    assert station == place | counts | {
        "polling_station_id": "1",
        "polling_station_name": "Stembureau Een",
        "postcode": "1234AB",
    }
    votes = [(r["list_number"], r["list_name"], r["votes_count"]) for r in found["list_results"]]
    assert votes == [("1", "Lijst Een", "60"), ("2", "Lijst Twee & Co", "12")] * 2
    assert [r.get("polling_station_id", "") for r in found["list_results"]] == ["", "", "1", "1"]
    candidates = found["candidate_results"]
    assert [(r["list_number"], r["candidate_number"], r["votes_count"]) for r in candidates] == [
        ("1", "1", "10"),
        ("1", "2", "20"),
        ("1", "3", "30"),
        ("2", "1", "5"),
        ("2", "2", "7"),
    ] * 2


def test_every_element_with_a_count_is_a_line():
    parsed = read(made.count(made.total(), made.unit()))
    assert parsed.format == "eml_510b"
    assert parsed.lines == parsed.lines_used == 2 * (7 + 4 + len(made.REASONS))


@pytest.mark.parametrize("seed", range(40))
def test_groups_written_in_other_ways_are_read_as_by_a_plain_reader(seed):
    text = random_count(seed)
    assert fast(text.encode()) == slow(text.encode())
    starts = [match.start() for match in re.finditer("<ReportingUnitVotes>", text)]
    found = tables(text)
    assert [row["source_line"] for row in found["station_results"]] == [
        text.count("\n", 0, start) + 1 for start in starts
    ]
    lines = text.split("\n")
    for row in found["candidate_results"]:
        line = lines[row["source_line"] - 1]
        assert f'CandidateIdentifier Id="{row["candidate_number"]}"' in line


@pytest.fixture
def taken(monkeypatch) -> list[object]:
    """Return what is taken from the text of each unit, None where it had to be parsed."""
    taken: list[object] = []
    alike = eml_stream.GroupStream._alike

    def counting(self, piece, line):
        group = alike(self, piece, line)
        taken.append(group)
        return group

    monkeypatch.setattr(eml_stream.GroupStream, "_alike", counting)
    return taken


def test_many_of_the_groups_are_taken_from_their_text(taken):
    # So that the test above compares something, and the speed is that of the text.
    read(made.count(made.total(), *(made.unit(f"0999::SB{n}") for n in range(1, 21))))
    assert len(taken) == 20
    assert all(group is not None for group in taken)


def test_units_with_a_type_are_taken_from_their_text_and_keep_it(taken):
    kinds = [(type_, shared) for type_ in ("Fixed", "Mobile", "") for shared in ("true", "false")]
    types = [kinds[n % len(kinds)] for n in range(30)]
    units = [
        made.unit(
            f"0999::SB{n}",
            body=(f"<kr:ReportingUnitType>{type_}</kr:ReportingUnitType>" if type_ else "")
            + f"\n<kr:SharedLocation>{shared}</kr:SharedLocation>\n"
            + made.selections((n, 20, 30, 5, 7))
            + made.numbers(),
        )
        for n, (type_, shared) in enumerate(types, 1)
    ]
    text = made.count(made.total(), *units)
    rows = tables(text)["station_results"]
    assert [row.get("station_type", "") for row in rows] == [type_ for type_, _ in types]
    assert fast(text.encode()) == slow(text.encode())
    # Read twice; each time one of each kind has to be parsed.
    assert len(taken) == 60
    assert taken.count(None) == 2 * len(kinds)


@pytest.mark.parametrize(
    "before",
    ["<!-- > --><kr:T>a</kr:T>", "<kr:T><kr:U>a</kr:U></kr:T>", "<kr:T>1</kr:T>", "a"],
)
def test_units_with_anything_else_before_their_selections_are_parsed(taken, before):
    body = before + made.selections() + made.numbers()
    text = made.count(*(made.unit(f"0999::SB{n}", body=body) for n in range(1, 5)))
    assert fast(text.encode()) == slow(text.encode())
    assert taken
    assert all(group is None for group in taken)


def test_lines_are_those_of_the_rows_in_a_file_with_lines():
    body = made.selections(end="\n") + made.numbers(end="\n")
    units = [f"\n{made.unit(f'0999::SB{n}', body=body)}\n" for n in range(1, 5)]
    text = made.count(f"\n{made.total()}", *units)
    lines = text.split("\n")
    parsed = read(text)
    blocks = {block.table: block for block in parsed.blocks}
    stations = blocks["station_results"]
    for row, line in enumerate(stations.frame["source_line"]):
        assert f"SB{row + 1}" in lines[line - 1]
        for column, element in (
            ("valid_votes_count", "<TotalCounted>"),
            ("poll_card_count", "100"),
        ):
            assert element in lines[stations.cell_lines[column][row] - 1]
    for row in blocks["candidate_results"].frame.to_dict("records"):
        line = lines[row["source_line"] - 1]
        assert f"<ValidVotes>{row['votes_count']}</ValidVotes>" in line
        assert f'CandidateIdentifier Id="{row["candidate_number"]}"' in line


def test_a_fault_behind_groups_taken_from_their_text_has_its_line():
    units = [f"{made.unit(f'0999::SB{n}')}\n" for n in range(1, 9)]
    assert "line 9:" in faults(made.count(made.total(), *units) + "<x>")


def test_prefixes_and_other_namespaces_do_not_matter():
    text = made.count(made.total(), made.unit("0999::SB1"), made.unit("0999::SB2"))
    prefixed = text.replace("xmlns=", "xmlns:e=")
    for name in ("EML", "TransactionId", "ManagingAuthority", "Authority", "Count", "Event"):
        prefixed = prefixed.replace(f"<{name}", f"<e:{name}").replace(f"</{name}", f"</e:{name}")
    for name in ("Election", "Contest", "TotalVotes", "Reporting", "Selection", "Candidate"):
        prefixed = prefixed.replace(f"<{name}", f"<e:{name}").replace(f"</{name}", f"</e:{name}")
    for name in ("Affil", "Registered", "Valid", "Cast", "TotalCounted", "Rejected", "Uncounted"):
        prefixed = prefixed.replace(f"<{name}", f"<e:{name}").replace(f"</{name}", f"</e:{name}")
    # Not the same text twice: parts of names stand within one another.
    prefixed = prefixed.replace("e:e:", "e:")
    assert tables(prefixed) == tables(text)


def test_elements_of_newer_versions():
    method = '<kr:CountingMethod MethodCode="centrale stemopneming"/>'
    phase = '<kr:Phase PhaseCode="corrigendum"/>'
    body = (
        "<kr:ReportingUnitType>Mobile</kr:ReportingUnitType>"
        "<kr:SharedLocation>true</kr:SharedLocation>"
        + made.selections().replace(
            "<ValidVotes>60", "<kr:InitialValidVotes>61</kr:InitialValidVotes><ValidVotes>60"
        )
        + "<kr:InitialCast>499</kr:InitialCast>"
        + made.numbers()
        + "<kr:ReportingUnitInvestigations><kr:Investigation ReasonCode='x'>true"
        "</kr:Investigation></kr:ReportingUnitInvestigations>"
    )
    text = made.count(made.unit(body=body), in_count=method + phase)
    station = tables(text)["station_results"][0]
    assert station["station_type"] == "Mobile"
    assert station["counting_method"] == "CSO"
    assert station["eligible_voters_count"] == "500"
    assert read(text).format == "eml_510b_corrigendum"
    assert tables(text)["list_results"][0]["votes_count"] == "60"


def test_what_a_code_counts_that_is_not_known_is_reported_and_zeroes_without_a_column_are_not():
    extra = (
        '<UncountedVotes ReasonCode="geen briefstembiljetten">0</UncountedVotes>'
        '<UncountedVotes ReasonCode="te veel briefstembiljetten">4</UncountedVotes>\n'
        '<UncountedVotes ReasonCode="nieuwe reden">0</UncountedVotes>'
    )
    parsed = read(made.count(made.unit(body=made.selections() + made.numbers() + extra)))
    assert parsed.unknown_rows == (
        (1, "UncountedVotes 'te veel briefstembiljetten'"),
        (2, "UncountedVotes 'nieuwe reden'"),
    )
    assert parsed.lines - parsed.lines_used == 3


def test_counts_that_are_no_numbers_stay_as_they_are():
    body = (made.selections() + made.numbers()).replace(">10<", ">-10<").replace(">72<", ">72,0<")
    found = tables(made.count(made.unit(), made.unit("0999::SB2", body=body)))
    assert found["candidate_results"][5]["votes_count"] == "-10"
    station = found["station_results"][1]
    assert station["valid_votes_count"] == "72,0"
    assert "votes_cast_count" not in station
    empty = body.replace(">-10<", "><")
    assert "votes_count" not in tables(made.count(made.unit(body=empty)))["candidate_results"][0]


def test_stations_with_the_same_number_are_both_kept():
    found = tables(made.count(made.total(), made.unit(), made.unit(name="Ander")))
    names = [row["polling_station_name"] for row in found["station_results"]]
    assert names == ["Stembureau Een", "Ander"]


@pytest.mark.parametrize(
    ("unit", "table", "key"),
    [
        ("HSB6::0668", "municipality_results", {"municipality_code": "0668"}),
        ("0668", "municipality_results", {"municipality_code": "0668"}),
        ("HSB6", "region_results", {"region_code": "K6", "region_type": "district"}),
        ("9002", "region_results", {"region_code": "O9002", "region_type": "caribbean"}),
        ("9010", "region_results", {"region_code": "G9010", "region_type": "postal"}),
        (
            "HSB6::0668::SB12",
            "station_results",
            {"municipality_code": "0668", "polling_station_id": "12"},
        ),
        ("SB12", "station_results", {"municipality_code": "0999", "polling_station_id": "12"}),
    ],
)
def test_units_of_every_level(unit, table, key):
    text = made.count(
        made.unit(unit, "Naam"),
        election="TK2025",
        category="TK",
        date="2025-10-29",
        domain="",
        kind="510b",
    )
    found = tables(text)
    assert found[table][0].items() >= key.items()
    assert ("list_results" in found) == (table != "region_results")


def test_the_whole_of_a_district_a_country_and_a_province():
    tk = {"election": "TK2025", "category": "TK", "date": "2025-10-29", "domain": ""}
    district = made.count(
        made.total(),
        made.unit("0668", "West Maas en Waal"),
        **tk,
        kind="510c",
        authority='<AuthorityIdentifier Id="HSB6">Nijmegen</AuthorityIdentifier>',
        contest='<ContestIdentifier Id="6"><ContestName>Nijmegen</ContestName></ContestIdentifier>',
    )
    found = tables(district)
    assert found["region_results"][0]["region_code"] == "K6"
    assert found["region_results"][0]["region_name"] == "Nijmegen"
    assert found["municipality_results"][0]["municipality_name"] == "West Maas en Waal"
    assert {row["municipality_code"] for row in found["candidate_results"]} == {"0668"}
    parsed = read(district)
    assert parsed.lines - parsed.lines_used == 7
    short = made.selections().replace('CandidateIdentifier Id="', 'CandidateIdentifier ShortCode="')
    country = made.count(
        made.total(short + made.numbers()),
        **tk,
        kind="510d",
        authority='<AuthorityIdentifier Id="CSB">Kiesraad</AuthorityIdentifier>',
    )
    assert tables(country)["region_results"][0]["region_code"] == "L528"
    province = made.count(
        made.total(),
        kind="510d",
        election="PS2023_Fryslan",
        category="PS",
        date="2023-03-15",
        domain="<kr:ElectionDomain>Fryslân</kr:ElectionDomain>",
    )
    assert tables(province)["region_results"][0]["region_code"] == "P21"


def test_one_station_and_one_municipality_are_read_once():
    one = tables(made.count(made.total(), made.unit(), kind="510a"))
    assert {table: len(rows) for table, rows in one.items()} == {
        "station_results": 1,
        "list_results": 2,
        "candidate_results": 5,
    }
    whole = tables(made.count(made.total(), made.unit("0999", "Verzonnen"), kind="510d"))
    assert len(whole["municipality_results"]) == 1
    assert len(whole["list_results"]) == 2
    other = made.unit(body=made.selections((10, 20, 30, 7, 5)) + made.numbers())
    assert "differ from the TotalVotes" in faults(made.count(made.total(), other, kind="510a"))
    assert "of which station" in faults(made.count(made.total(), kind="510a"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"election": "GR2022", "category": "TK"}, "not of ElectionCategory 'TK'"),
        ({"date": "2023-03-16"}, "does not fit ElectionDate '2023-03-16'"),
        ({"date": "16 maart 2022"}, "does not fit ElectionDate"),
        ({"election": "GR20221123_X", "date": "2022-11-24"}, "does not fit ElectionDate"),
        ({"election": "Verzonnen"}, "is no election and year"),
        ({"authority": "<AuthorityIdentifier/>", "domain": ""}, "of no municipality"),
    ],
)
def test_an_election_or_place_that_contradicts_itself(change, said):
    assert said in faults(made.count(made.total(), **change))


SELECTION = "<Selection><Candidate>"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('<AffiliationIdentifier Id="2">', "<AffiliationIdentifier>", "has no Id"),
        ('<CandidateIdentifier Id="2">', "<CandidateIdentifier>", "has no Id"),
        ('<CandidateIdentifier Id="2"></CandidateIdentifier>', "", "no CandidateIdentifier"),
        ("<ValidVotes>20</ValidVotes>", "", "is not one list or candidate with one ValidVotes"),
        ("<ValidVotes>20", "<ValidVotes>1</ValidVotes><ValidVotes>20", "with one ValidVotes"),
        ("<ValidVotes>20", "<ValidVotes>2<b/>0", "holds other elements"),
        ("<Cast>500</Cast>", "<Cast>500</Cast><Cast>501</Cast>", "Cast stands twice"),
        ("ongeldig", "blanco", "stands twice"),
        (SELECTION, "<Selection><ReferendumOptionIdentifier/>", "is not one list or candidate"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_group_that_cannot_be_told_apart_is_refused(old, new, said, first):
    good = made.selections() + made.numbers()
    bad = good.replace(old, new, 1)
    if "Referendum" in new:
        bad = bad.replace("</Candidate>", "", 1).replace('<CandidateIdentifier Id="1">', "", 1)
        bad = bad.replace("</CandidateIdentifier>", "", 1)
    assert bad != good
    before = [] if first else ["\n", made.unit(), "\n", made.unit("0999::SB2"), "\n"]
    text = made.count(*before, made.unit("0999::SB3", body=bad))
    line = 1 if first else 4
    assert said in faults(text)
    assert f"line {line}:" in faults(text)


def test_a_candidate_before_any_list_is_refused():
    candidate = made.selections().partition("</Selection>")[2]
    text = made.count("\n", made.unit(body=candidate + made.numbers()))
    assert "line 2: Selection is a candidate before any list" in faults(text)


LONG = "9" * 5000  # More digits than Python makes a number of.


@pytest.mark.parametrize(
    "id_",
    ["", "0999::", "SB", "999::SB1", "0999SB1", "0999::SB1::SB2", "HSB100", f"HSB{LONG}"],
)
def test_an_id_that_is_of_no_place_is_refused(id_):
    assert "is of no station, municipality or district" in faults(made.count(made.unit(id_)))


@pytest.mark.parametrize("number", ["geen", "100", LONG])
@pytest.mark.parametrize("committee", [True, False])
def test_a_district_whose_number_is_none_is_refused(number, committee):
    text = made.count(
        made.total(),
        election="TK2025",
        category="TK",
        date="2025-10-29",
        kind="510c",
        domain="",
        authority=f'<AuthorityIdentifier Id="{f"HSB{number}" if committee else "CSB"}"/>',
        contest=f'<ContestIdentifier Id="{number}"/>',
    )
    assert "a count of a district whose ContestIdentifier is" in faults(text)


def test_the_contest_of_a_group_is_its_own():
    tk = {"election": "TK2025", "category": "TK", "date": "2025-10-29", "domain": ""}
    first = made.total() + made.unit("0668", "A") + made.unit("0668", "B")
    number = '<ContestIdentifier Id="{}"><ContestName>Kring {}</ContestName></ContestIdentifier>'
    text = made.count(
        first,
        "</Contest><Contest>",
        number.format(7, 7),
        made.total(),
        made.unit("0200", "C"),
        **tk,
        kind="510c",
        authority='<AuthorityIdentifier Id="CSB">Kiesraad</AuthorityIdentifier>',
        contest=number.format(6, 6),
    )
    regions = tables(text)["region_results"]
    assert [(r["region_code"], r["region_name"]) for r in regions] == [
        ("K6", "Kring 6"),
        ("K7", "Kring 7"),
    ]


def test_groups_outside_a_contest_and_empty_ones_are_refused():
    text = made.count(made.total())
    assert "outside a Contest" in faults(
        text.replace("<Contest>", "<Contest><x>").replace("</Contest>", "</x></Contest>")
    )
    assert "no votes of lists" in faults(made.count("<TotalVotes></TotalVotes>"))
    assert "holds no counts" in faults(made.count())


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("230b", "EML 230b (candidates), not a count"),
        ("110a", "EML 110a (the election and its polling stations), not a count"),
        ("520", "EML 520 (seats and elected candidates), not a count"),
        ("510q", "EML '510q', not read"),
        ("", "EML '', not read"),
    ],
)
def test_other_kinds_are_not_read(kind, said):
    assert read(made.count(kind=kind)) == said


def test_other_xml_is_not_read():
    assert read("<html><body/></html>") == "XML, but not EML_NL"


def test_without_its_namespace_it_is_refused():
    text = made.count(made.total()).replace(f'xmlns="{made.EML}" ', "")
    assert "line 1: EML without its namespace" in faults(text)


LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE EML [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>
"""
OUTSIDE = '<!DOCTYPE EML [<!ENTITY x SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS + made.count(made.total().replace(">60<", ">&d;<")), "line 2: holds a DOCTYPE"),
        (OUTSIDE + made.count(made.total().replace(">60<", ">&x;<")), "line 1: holds a DOCTYPE"),
        (
            '<!DOCTYPE EML SYSTEM "http://localhost:1/x.dtd">' + made.count(made.total()),
            "line 1: holds a DOCTYPE",
        ),
        (made.count("\n", made.total().replace(">60<", ">&d;<")), "line 2: broken XML"),
        (made.count("\n", "<a>" * 300), "line 2: broken XML"),
        (made.count("\n", f'<a x="{"y" * 11_000_000}"/>'), "MB without the end"),
        (made.count("\n", made.total().replace(">60<", f' x="{"y" * 11_000_000}">60<')), "line 1"),
        (made.count("\n", made.total()).replace("</EML>", ""), "line 2: broken XML"),
        (made.count(made.total(), made.unit())[:-900], "line 1: broken XML"),
        (made.count(made.total(), "\0"), "broken XML"),
        ("", "line 1: no root element"),
        ("<EML", "line 1: no root element"),
        ("<EML " + 'a="1" ' * 90_000, "line 1: no root element"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_hostile_and_broken_files_are_refused_with_a_line(text, said):
    found = faults(text)
    assert said in found
    assert len(found) < 1000


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_refused(encoding):
    content = made.count(made.total()).encode(encoding)
    assert "save it as UTF-8" in faults(content)
    assert is_eml(content[:4096])


def test_bytes_that_are_no_utf8_are_refused_with_their_line():
    text = made.count(made.total(), "\n", made.unit(), "\n", made.unit("0999::SB2", "Café"))
    assert "line 3: broken XML" in faults(text.encode("latin-1"))
    declared = f'<?xml version="1.0" encoding="ISO-8859-1"?>{text}'
    assert "line 3: broken XML" in faults(declared.encode("latin-1"))


def test_no_more_faults_are_looked_for_than_are_written():
    text = made.count(*["<TotalVotes></TotalVotes>"] * 100_000)
    assert faults(text).count("no votes of lists") <= 20


def test_more_than_65535_lines():
    text = made.count("\n" * 70_000, made.unit(), made.unit("0999::SB2"))
    assert [row["source_line"] for row in tables(text)["station_results"]] == [70_001] * 2


def test_the_head_tells_what_a_file_is():
    text = made.count(made.total())
    assert is_eml(text.encode())
    assert is_eml(b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x --><eml:EML xmlns:eml='x'>")
    assert not is_eml(b"<html><EMLX>")
    assert not is_eml(b"Regio;<EML ;x")
    assert not is_eml(b"")
    assert election_of(text.encode()) == "GR2022"
    assert election_of(text.encode()[:700]) == "GR2022"
    assert election_of(text.encode()[:200]) == ""
    assert election_of(text.replace("GR2022_Verzonnen", "AB2023_X").encode()) == "WS2023"
    assert election_of(b"no xml") == ""


@pytest.fixture(scope="module")
def gr2022(official) -> dict[str, bytes]:
    """Return every tenth of the official counts of GR2022 by name."""
    with tarfile.open(official / GR2022) as archive:
        members = sorted((m for m in archive if m.isfile()), key=lambda m: m.name)[::10]
        return {m.name: archive.extractfile(m).read() for m in members}


@pytest.mark.official
def test_official_counts_are_read_as_by_a_plain_reader(gr2022):
    assert len(gr2022) == 32
    for content in gr2022.values():
        assert fast(content) == slow(content)
        assert election_of(content) == "GR2022"
        assert is_eml(content[:4096])


@pytest.mark.official
def test_official_counts_add_up_and_fit_the_described_tables(gr2022):
    blocks: dict[str, list] = {}
    for name, content in gr2022.items():
        parsed = read(content)
        assert parsed.lines == parsed.lines_used
        assert parsed.unknown_rows == ()
        for block in parsed.blocks:
            blocks.setdefault(block.table, []).append((name, block))
    whole = {table: joined(TABLES[table], parts) for table, parts in blocks.items()}
    for table, frame in whole.items():
        for column in TABLES[table]:
            cells = frame[column.name].astype(str)
            filled = cells[cells != ""] if column.nullable or column.optional else cells
            bad = filled[~filled.str.fullmatch(column.form)]
            assert bad.empty, (table, column.name, bad.unique()[:5])
    stations = whole["station_results"]["valid_votes_count"].astype(int).sum()
    assert whole["municipality_results"]["valid_votes_count"].astype(int).sum() == stations
    for table in ("list_results", "candidate_results"):
        votes = whole[table]["votes_count"].astype(str).astype(int)
        in_station = whole[table]["polling_station_id"] != ""
        assert votes[in_station].sum() == votes[~in_station].sum() == stations
