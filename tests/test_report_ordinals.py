"""How the two languages of the report write order and numbers of polling stations."""

from __future__ import annotations

import pytest

from ballot_eval.reporting.language import DUTCH, ENGLISH


@pytest.mark.parametrize(
    ("value", "english"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (111, "111th"),
    ],
)
def test_which_in_a_row(value, english):
    assert ENGLISH.ordinal(value) == english
    assert DUTCH.ordinal(value) == f"{value}e"


@pytest.mark.parametrize(
    ("count", "dutch", "english"),
    [
        (0, "0 stembureaus", "0 polling stations"),
        (1, "1 stembureau", "1 polling station"),
        (1200, "1.200 stembureaus", "1,200 polling stations"),
    ],
)
def test_a_number_of_polling_stations(count, dutch, english):
    assert (DUTCH.stations(count), ENGLISH.stations(count)) == (dutch, english)
