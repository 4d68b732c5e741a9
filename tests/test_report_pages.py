"""The page of each experiment municipality: what is on it, and what is left out and said."""

from __future__ import annotations

import json
import math
import re
import shutil
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval import figures
from ballot_eval.estimation.rates import wilson_interval
from ballot_eval.panel import contrast
from ballot_eval.reporting.language import DUTCH, ENGLISH
from ballot_eval.reporting.layout import PAGE_BREAK
from ballot_eval.reporting.pages import municipality_pages
from ballot_eval.reporting.rendering import render
from ballot_eval.results import MarkingMeasure, StationCoverage
from ballot_eval.schema import TABLES
from ballot_eval.simulation import simulate_panel
from ballot_eval.topics.profiles import COMPARABLE, booth_medians, pace_medians, profiles
from ballot_eval.topics.voters import voters_of

COUNTS = list(TABLES["counting_times"].names)


def counts(codes) -> pd.DataFrame:
    """Return a finished count of an hour and one of two hours in each municipality."""
    start = pd.Timestamp("2026-03-18T21:00")
    rows = pd.DataFrame(
        {
            "election_id": "GR2026",
            "municipality_code": np.repeat(codes, 2),
            "counting_method": "DSO",
            "counting_unit_type": "polling_station",
            "started_at": start,
            "ended_at": start + pd.to_timedelta([60, 120] * len(codes), unit="min"),
            "counters_count": 4,
            "ballots_count": 400,
            "lists_count": 10,
            "recount": "no",
            "counting_status": "finished",
        }
    )
    return rows.reindex(columns=COUNTS)


def observed(codes):
    """Return three voters in each municipality; of the last the end was not seen."""
    return voters_of(
        pd.DataFrame(
            {
                "municipality_code": np.repeat(codes, 3),
                "polling_station_id": "SB1",
                "ballot": "new",
                "voting_seconds": [40.0, 50.0, 90.0] * len(codes),
                "assisted": "no",
                "observation_status": ["complete", "complete", "broken_off"] * len(codes),
            }
        )
    )


def marked(code, topic, level, quantity, numbers, numerator=12.0, denominator=24.0):
    return MarkingMeasure(
        *(topic, "GR2026", code, level, quantity, "counted", *numbers),
        numerator=numerator,
        denominator=denominator,
    )


@pytest.fixture(scope="module")
def results(gr2026):
    return simulate_panel(gr2026, seed=3, effect=0.003)


@pytest.fixture(scope="module")
def panel(gr2026, results):
    regions = pd.DataFrame(columns=list(TABLES["region_results"].names))
    return be.build_panel({"municipality_results": results, "region_results": regions}, gr2026)


@pytest.fixture
def outcome(gr2026, results, panel):
    """Return an outcome of which Boekel alone has stations, reasons and times."""
    reasons = [
        marked("0755", "reasons", "design", "share_of_invalid", (0.5, 0.4, 0.6)),
        marked("0755", "reasons", "design", "share_of_votes_cast", (0.002,)),
        marked("0755", "reasons", "several_parties", "share_of_invalid", (0.25,), 6.0),
        marked("0755", "reasons", "writing", "share_of_invalid", (0.0,), 0.0),
        marked("0755", "party_only", "total", "share_of_valid", (0.02, 0.01, 0.03)),
        marked("0755", "counting_differences", "DSO", "stations_more_share", (0.1,), 1.0, 9.0),
        marked("0755", "counting_differences", "DSO", "stations_fewer_share", (0.2,), 2.0, 9.0),
        marked("0484", "reasons", "design", "share_of_invalid", (math.nan,)),
    ]
    coverage = [StationCoverage("GR2026", "0755", 9, 0, 0, 5000, 5000.0, 1.0, True)]
    accepted = {"municipality_results": results, "counting_times": counts(["0755"])}
    return SimpleNamespace(
        study=gr2026,
        panel=panel,
        validation=SimpleNamespace(accepted=accepted),
        results=SimpleNamespace(marking=reasons, station_coverage=coverage),
        voting=SimpleNamespace(voters={"unassisted": observed(["0755"])}, main="unassisted"),
    )


@pytest.fixture
def made(outcome, tmp_path, monkeypatch):
    """Return a function to the pages, by the heading of each, and the alternative texts."""
    drawn = []
    monkeypatch.setattr(figures, "save", lambda *arguments: drawn.append(arguments))

    def run(say=DUTCH):
        text, alts = municipality_pages(say, outcome, tmp_path)
        parts = re.split(r"(?m)^## (.+)$", text)
        assert len(drawn) == len(alts)
        return dict(zip(parts[1::2], parts[2::2], strict=True)), alts

    return run


def test_every_experiment_municipality_has_a_page_in_the_order_of_names(made, outcome):
    pages, alts = made()
    assert list(pages) == [
        *("Alphen aan den Rijn", "Boekel", "Gouda", "\u2019s-Hertogenbosch", "Leiden"),
        *("Meierijstad", "Midden-Delfland", "Nijmegen", "Noordoostpolder", "Soest", "Tynaarlo"),
    ]
    assert set(alts) == {f"municipality_{code}" for code in outcome.study.experiment()}
    assert all(alts[f"municipality_{c}"] for c in outcome.study.experiment())


def test_each_page_starts_on_a_page_and_refers_to_all_it_holds(outcome, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "save", lambda *_: None)
    text, _ = municipality_pages(DUTCH, outcome, tmp_path)
    assert text.count(PAGE_BREAK) == text.count("\n## ") == 11
    labels = re.findall(r"\{#((?:fig|tbl)-[\w-]+)\}", text)
    assert len(labels) == len(set(labels)) == 3 * 11
    assert set(re.findall(r"@((?:fig|tbl)-[\w-]*\w)", text)) == set(labels)


def test_a_municipality_with_everything_has_every_row_and_no_last_sentence(made):
    boekel = made()[0]["Boekel"]
    for piece in (
        "| Ongeldig door stembiljet | 12 stemmen: 50% (40–60%) van de ongeldige, 0,20% van",
        "| Redenen | meer dan één partij 6 |",
        "| Alleen een partij | 12 geldige stemmen: 2,0% (1,0–3,0%) |",
        "| Stembureaus | 9, samen 100% van de uitgebrachte stemmen |",
        "| Getelde stembiljetten | 1 van de 9 stembureaus telden er meer dan er kiezers waren",
        "| Tijd in het stemhokje | mediaan 50 seconden, van 3 kiezers zonder hulp |",
        "| Tellen, stembureau (DSO) | mediaan 90 minuten werk per honderd stembiljetten, van 2",
    ):
        assert piece in boekel
    assert "niet gemeten" not in boekel


def test_what_a_municipality_has_not_is_left_out_and_said_once(made):
    page = made()[0]["Alphen aan den Rijn"]
    rows = re.findall(r"(?m)^\| ([^|]+) \|", page)
    assert not {"Redenen", "Stembureaus", "Tijd in het stemhokje"} & set(rows)
    assert page.count("niet gemeten") == 1
    absent = (
        "redenen van ongeldigheid, stemmen op alleen een partij, uitslagen per stembureau, "
        "verschillen bij het tellen, tijd in het stemhokje en tijd voor het tellen"
    )
    last = page.split("```")[0].rstrip()
    assert last.endswith(f"In deze gemeente niet gemeten: {absent}.")


def test_the_english_page_says_the_same(made):
    pages, alts = made(ENGLISH)
    boekel = pages["Boekel"]
    assert "For Boekel, GR2026 was the third election with the new ballot." in boekel
    assert "_generated/en/figures/municipality_0755.svg" in boekel
    assert "Line chart of the share of invalid votes in Boekel" in alts["municipality_0755"]
    for word in ("stemb", "gemeente", "van de", "nieuw", "niet"):
        assert word not in boekel.replace("Boekel", "").lower()


def test_the_place_and_the_change_are_those_of_the_panel(gr2026, results, panel):
    found = {p.code: p for p in profiles({"municipality_results": results}, panel)}
    assert list(found) == sorted(gr2026.experiment())
    data = contrast(panel, "invalid", "GR2026", "GR2022")
    own = dict(zip(data.codes, data.change, strict=True))
    profile = found["0755"]
    assert profile.change == own["0755"]
    assert profile.control_change == pytest.approx(data.change[~data.treated].mean())
    assert profile.smaller_changes == (data.change[~data.treated] < own["0755"]).sum()
    assert (profile.controls_count, profile.comparable_count) == (330, COMPARABLE)
    here = profile.here.shares["invalid"]
    now = panel.counts("GR2026", "invalid")
    row = now.loc["0755"]
    assert (here.votes_count, profile.here.votes_cast_count) == (row.numerator, row.denominator)
    limits = wilson_interval(here.votes_count, profile.here.votes_cast_count)
    assert (here.ci_lower, here.ci_upper) == limits
    controls = now[now["role"] == "control"]
    rates = controls["numerator"] / controls["denominator"]
    assert profile.lower_of_controls == (rates < here.rate).sum()
    near = np.abs(np.log(controls["denominator"] / row.denominator)).astype(float)
    nearest = near.sort_values(kind="stable").index[:COMPARABLE]
    assert profile.lower_of_comparable == (rates[nearest] < here.rate).sum()


def test_history_is_every_election_in_order_of_date_with_the_ballot_used(results, panel):
    found = {p.code: p for p in profiles({"municipality_results": results}, panel)}
    elections = ["GR2018", "EP2019", "GR2022", "TK2023", "EP2024", "TK2025", "GR2026"]
    assert [r.election for r in found["0755"].history] == elections
    assert [r.new_ballot for r in found["0755"].history] == [False] * 4 + [True] * 3
    assert [r.new_ballot for r in found["0513"].history] == [False] * 6 + [True]


def test_without_counts_a_published_share_stands_in_or_the_election_is_left_out(
    outcome, results, made
):
    few = results[~results["election_id"].isin(["EP2019", "EP2024"])]
    outcome.validation.accepted["municipality_results"] = few
    pages, alts = made()
    assert "| EP2024 | nieuw | – | 0,6% | afgerond gepubliceerd | – | – |" in pages["Boekel"]
    assert "EP2019" not in pages["Boekel"]
    assert "EP2024 nieuw stembiljet 0,60%;" in alts["municipality_0755"]
    # Gouda was not in the experiment then: nothing was published of it.
    assert "EP2024" not in pages["Gouda"]


def test_medians_are_by_municipality(gr2026):
    times = booth_medians(observed(["0755", "0513"]))
    assert {code: (m.count, m.value) for code, m in times.items()} == {
        "0513": (3, 50.0),
        "0755": (3, 50.0),
    }
    paces = pace_medians(counts(["0755"]), gr2026)
    assert {key: (m.count, m.value) for key, m in paces.items()} == {("0755", "DSO"): (2, 90.0)}


def test_a_median_that_was_not_reached_is_not_a_time(outcome, made):
    voters = observed(["0755"])
    broken = voters_of(voters.frame.assign(observation_status="broken_off"))
    assert math.isnan(booth_medians(broken)["0755"].value)
    outcome.voting.voters["unassisted"] = broken
    assert "In deze gemeente niet gemeten: tijd in het stemhokje." in made()[0]["Boekel"]


@pytest.fixture
def project(tmp_path, monkeypatch, root):
    """Return a small report project with one shortcode for pages and one made page."""
    monkeypatch.setenv("PATH", "")
    folder = tmp_path / "source"
    generated = folder / "_generated"
    for code in ("nl", "en"):
        (generated / code / "pages").mkdir(parents=True)
        (generated / code / "figures").mkdir()
        (generated / code / "notice.txt").write_text("", encoding="utf-8")
        image = f"![Lijn](_generated/{code}/figures/municipality_0755.svg)\\"
        text = f"{PAGE_BREAK}\n## Boekel\n\n{image}\n"
        (generated / code / "pages/municipalities.md").write_text(text, encoding="utf-8")
        figures.save(
            figures.residuals([1.0, 2.0], [0.0, 1.0]),
            generated / code / "figures",
            "municipality_0755",
        )
    empty = {"notice": "", "variables": {}, "tables": [], "figures": {}, "page_figures": {}}
    listing = {"date": "2026-03-18", "languages": {"nl": empty, "en": empty}}
    (generated / "artefacts.json").write_text(json.dumps(listing), encoding="utf-8")
    for index, code in (("index", "nl"), ("index-en", "en")):
        text = (
            f"---\ntitle: t\nlang: {code}\n---\n\n# A\n\n{{{{< pages {code}.municipalities >}}}}\n"
        )
        (folder / f"{index}.qmd").write_text(text, encoding="utf-8")
    # Copied: css is written beside the styles.
    shutil.copytree(root / "report/styles", folder / "styles")
    for name in ("made.lua", "accessible.lua"):
        (folder / name).symlink_to(root / "report" / name)
    return folder


def test_the_pages_come_in_with_images_of_the_format_and_page_breaks(project, tmp_path):
    render(project, tmp_path / "report")
    page = (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert re.search(r'<img[^>]*alt="Lijn"', page)
    assert "image/svg+xml" in page
    assert '<div class="page-break">' in page
    assert "<figure" not in page
    with zipfile.ZipFile(tmp_path / "report/index.docx") as archive:
        document = archive.read("word/document.xml").decode()
        assert any(name.endswith(".png") for name in archive.namelist())
    assert document.count('w:br w:type="page"') == 1


def test_pages_that_were_not_made_say_so(project, tmp_path):
    (project / "_generated/en/pages/municipalities.md").unlink()
    render(project, tmp_path / "report")
    page = (tmp_path / "report/index-en.html").read_text(encoding="utf-8")
    assert "<em>not measured</em>" in page
