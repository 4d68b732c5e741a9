"""The report in two languages: how each writes numbers, and that no text has one of them only."""

from __future__ import annotations

import datetime as dt
import importlib
import math
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from ballot_eval import reporting
from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
from two_languages import numbers, one_sided

FOLDER = Path(reporting.__file__).parent
MODULES = sorted(
    file.relative_to(FOLDER).as_posix()
    for file in FOLDER.rglob("*.py")
    if file.name != "__init__.py"
)


def module_of(name: str) -> ModuleType:
    path = name.removesuffix(".py").replace("/", ".")
    return importlib.import_module(f"ballot_eval.reporting.{path}")


@pytest.mark.parametrize("name", MODULES)
def test_no_text_of_the_code_has_one_language_only(name):
    source = (FOLDER / name).read_text(encoding="utf-8")
    found = [
        f"line {line}: {text!r} ({', '.join(sorted(words))})"
        for line, text, words in one_sided(source)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('"""Het stembiljet."""\nx = "the ballot"', []),
        ('def f():\n    """Een stem."""\n    return "een stem"', [3]),
        ('X = "niet gemeten"', [1]),
        ('X = {"nl": "niet", "en": "not"}', []),
        ('X = {"nl": {"a": "niet"}, "en": {"a": "niet"}}', [1]),
        ('X = {"nl": "with the new one", "en": "a"}', [1]),
        ('say(nl="van", en="of")', []),
        ('say(nl=f"van {a}", en=f"van {a}")', [1]),
        ("say(nl=f\"a {'minder' if b else 'meer'}\", en=f\"{'meer' if b else 'more'}\")", [1]),
        ('say(nl="and so on", en="and so on")', [1]),
        ('say(nl="@fig-votes toont `votes.csv`", en="@fig-votes shows it")', []),
        ('say.plural(n, nl=("stem", "stemmen"), en=("vote", "votes"))', []),
        ('say.plural(n, nl=("stem", "stemmen"), en=("stem", "stemmen"))', [1, 1]),
        ('write(nl="van")', [1]),
        ('f"{a} tot {b}"', [1]),
        ('x["een"] = {"van_x": 1, **{"y": "bij"}}', [1, 1]),
        ('say(nl=f"van {KINDS[\'ballot\']}", en="of")', []),
        ('if level == "niet":\n    level = "een"', [2]),
    ],
)
def test_the_check_of_texts_finds_what_it_must_and_no_more(source, lines):
    assert [line for line, _, _ in one_sided(source)] == lines


def terms_of(value: object) -> object:
    """Return the keys of terms, and how many there are where they are listed."""
    if isinstance(value, Mapping):
        return {key: terms_of(term) for key, term in value.items()}
    return len(value) if isinstance(value, (tuple, list)) else None


@pytest.mark.parametrize("name", MODULES)
def test_terms_are_the_same_in_both_languages(name):
    for constant, value in vars(module_of(name)).items():
        if isinstance(value, Mapping) and {"nl", "en"} & set(value):
            assert set(value) == {"nl", "en"}, constant
            assert terms_of(value["nl"]) == terms_of(value["en"]), constant


def test_both_languages_say_their_own():
    assert [say.code for say in LANGUAGES] == ["nl", "en"]
    assert [say(nl="ja", en="yes") for say in LANGUAGES] == ["ja", "yes"]
    assert [say.pick({"nl": 1, "en": 2}) for say in LANGUAGES] == [1, 2]


@pytest.mark.parametrize(
    ("method", "arguments", "choices", "dutch", "english"),
    [
        ("number", (12_345.678, 1), {}, "12.345,7", "12,345.7"),
        ("number", (-0.04, 1), {}, "0,0", "0.0"),
        ("number", (0.25, 2), {"sign": True}, "+0,25", "+0.25"),
        ("number", (math.nan,), {}, "niet gemeten", "not measured"),
        ("percent", (0.0048,), {}, "0,48%", "0.48%"),
        ("points", (-0.0025,), {}, "−0,25 procentpunt", "−0.25 percentage points"),
        ("points", (0.0025,), {"sign": False, "unit": False}, "0,25", "0.25"),
        ("p_value", (0.00012,), {}, "0,0001", "0.0001"),
        ("p_value", (1e-9,), {}, "< 0,000001", "< 0.000001"),
        ("interval", (0.0044, 0.0053), {}, "0,44–0,53%", "0.44–0.53%"),
        (
            "limits",
            (SimpleNamespace(ci_lower=-0.001, ci_upper=0.0012),),
            {},
            "−0,10 tot +0,12 procentpunt",
            "−0.10 to +0.12 percentage points",
        ),
        (
            "points_between",
            (0.0024, 0.004),
            {},
            "+0,24 tot +0,40 procentpunt",
            "+0.24 to +0.40 percentage points",
        ),
        ("between", (0.79, 0.9), {}, "0,79 tot 0,90", "0.79 to 0.90"),
        ("count", (11,), {}, "elf", "eleven"),
        ("count", (1342,), {}, "1.342", "1,342"),
        ("municipalities", (1,), {}, "één gemeente", "one municipality"),
        ("municipalities", (342,), {}, "342 gemeenten", "342 municipalities"),
        ("listed", ([],), {}, "", ""),
        ("listed", (["a"],), {}, "a", "a"),
        ("listed", (["a", "b", "c"],), {}, "a, b en c", "a, b and c"),
        ("level", (0.975,), {}, "97,5%", "97.5%"),
        ("level", (0.95,), {}, "95%", "95%"),
        ("date", (dt.date(2026, 3, 18),), {}, "18 maart 2026", "18 March 2026"),
    ],
)
def test_numbers_lists_and_dates(method, arguments, choices, dutch, english):
    assert getattr(DUTCH, method)(*arguments, **choices) == dutch
    assert getattr(ENGLISH, method)(*arguments, **choices) == english


@pytest.mark.parametrize(
    ("count", "dutch", "english"),
    [
        (0, "0 stemmen", "0 votes"),
        (1, "1 stem", "1 vote"),
        (1234, "1.234 stemmen", "1,234 votes"),
    ],
)
def test_a_noun_follows_its_number(count, dutch, english):
    words = {"nl": ("stem", "stemmen"), "en": ("vote", "votes")}
    assert [say.plural(count, **words) for say in LANGUAGES] == [dutch, english]


def test_numbers_are_read_from_both_languages():
    dutch = "Op 1.234 lijsten (12,5%) in GR2022: −0,25 tot +3."
    english = "On 1,234 lists (12.5%) in GR2022: −0.25 to +3."
    assert numbers(dutch, "nl") == numbers(english, "en") == ["+3", "12.5", "1234", "2022", "−0.25"]
