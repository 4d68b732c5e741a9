"""The study file: both shipped studies load, and each mistake gives one clear line."""

from __future__ import annotations

import pytest

from ballot_eval.design import load_study
from ballot_eval.errors import DesignError

SOURCE = (
    'share = "0.74%", source = "gepubliceerd in de officiële evaluatie of de brief aan de Kamer"'
)


@pytest.fixture
def plan(root):
    return (root / "analysis/gr2026/study.toml").read_text(encoding="utf-8")


def write(folder, text):
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


def test_tk2025_as_registered(root):
    study = load_study(root / "analysis/tk2025")
    assert study.experiment() == ("0484", "0755", "0147", "1842", "1730")
    assert study.needed_elections() == ("TK2021", "TK2023", "TK2025")
    assert study.exposure("0147", "TK2025") == 2
    assert study.exposure("0147", "TK2023") == 0
    assert len(study.sha256) == 64


def test_gr2026_roles_and_exposure(root):
    study = load_study(root / "analysis/gr2026/study.toml")
    assert len(study.experiment()) == 11
    assert study.role("0147") == "former"
    assert study.role("0513") == "experiment"
    assert study.role("0363") == "control"
    exposures = [study.exposure(c, "GR2026") for c in study.experiment()]
    assert sorted(exposures) == [1] * 7 + [3] * 4


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("seed = 2026", "", "key analysis.seed: is missing"),
        ("seed = 2026", "seed = 2026\nsede = 1", "key analysis.sede: is not a known key"),
        ('weighting = "municipality"', 'weighting = "equal"', "'municipality' or 'ballot'"),
        ("confidence_level = 0.95", "confidence_level = 95", "less than 1"),
        ("seed = 2026", "seed = true", "key analysis.seed: must not be true or false"),
        ("seed = 2026", "seed = 2026\nmargin = true", "margin: must not be true or false"),
        ('id = "gr2026"', 'id = "GR 2026"', "key id: must be small letters, digits, hyphens"),
        ('"0513" = "Gouda"', '"513" = "Gouda"', "(the key itself): must be four digits"),
        ("[municipalities]", "[[municipalities]]", "key municipalities: must be a table"),
        ("draws = 100000", 'draws = "many"', "key analysis.draws: "),
        ('["GR2022", "GR2018"]', '["TK2025"]', "of another type than GR2026"),
        ('["GR2022", "GR2018"]', '["GR2014"]', "GR2014 is not among the elections"),
        ('"0513" = "Gouda"', "", "new_ballot names 0513"),
        ("nearest_size = 2", 'municipalities = ["0147"]', "cannot be a reference"),
        ("date = 2018-03-21", "date = 2019-03-21", "does not carry the year"),
        ("arrivals_per_hour = [30,", "arrivals_per_hour = [30, 30,", "arrivals_per_hour must rise"),
        ("arrivals_per_hour = [30,", "arrivals_per_hour = [300,", "arrivals_per_hour must rise"),
        ("[analysis]", "[analysis", "not valid TOML"),
        ('["GR2022", "GR2018"]', '["GR2022", "GR2022"]', "named twice"),
        ('["GR2022", "GR2018"]', "[]", "key baselines: needs at least 1 entries"),
        ("seed = 2026", "seed = 2026\nmargin = 0.25", "must be at most 0.05"),
        (
            'date = 2026-03-18\ntype = "GR"',
            'date = 2026-03-18\ntype = "XX"',
            "elections[GR2026].type",
        ),
        ("date = 2026-03-18", "results = false\ndate = 2026-03-18", "has results = false"),
        ('"0513" = "Gouda"', '"513" = "Gouda"', "key municipalities.513 (the key itself)"),
        ('id = "gr2026"', 'id = "gr2026"\nfolder = "x"', "filled in by the program"),
        ('"EP2024", baseline = "EP2019"', '"EP2024"', "learning.exposures[0].baseline: is missing"),
        ('unit = "0755", share', 'unit = "0363", share', "0363 had no new ballot at EP2024"),
        ('unit = "rest"', 'unit = "experiment"', "experiment at EP2024 is given twice"),
        ('election = "EP2024", unit = "rest"', 'election = "EP2019", unit = "rest"', "no exposure"),
        ('"0.74%"', '"0.24%"', "contradicts the shares of its municipalities, 0.7%, 0.6%"),
        ('"0.74%"', '"99%"', "'99%' is above 10%, which no election comes near"),
        ('"0.74%"', '"0.74"', "has no percent sign; give the percentage as published"),
        ('"0.74%"', '"-0.1%"', "is not one percentage such as 0,74%"),
        (SOURCE, 'share = "0.74%"', "learning.published[0].source: is missing"),
    ],
)
def test_a_mistake_gives_one_clear_line(tmp_path, plan, old, new, expected):
    assert old in plan
    with pytest.raises(DesignError) as caught:
        load_study(write(tmp_path, plan.replace(old, new)))
    text = str(caught.value)
    assert expected in text
    assert "study.toml" in text
    assert len(text.splitlines()) == 1


def test_published_shares_may_have_a_comma(tmp_path, plan):
    study = load_study(write(tmp_path, plan.replace('"0.74%"', '"0,74%"')))
    share = study.learning.published[0]
    assert (share.rounded.lower, share.rounded.upper) == (0.00735, 0.00745)
    assert share.source
    assert study.fixed_set() == ("0484", "0755", "1730", "1842")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DesignError, match="cannot be read"):
        load_study(tmp_path)


def test_the_design_is_frozen(root):
    study = load_study(root / "analysis/tk2025")
    with pytest.raises(Exception, match="frozen"):
        study.language = "en"
