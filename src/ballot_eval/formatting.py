"""Numbers as people read them. The only place that makes percentages; never the process locale."""

from __future__ import annotations

import datetime as dt
import math
import re

MONTHS = {
    "nl": (
        *("januari", "februari", "maart", "april", "mei", "juni"),
        *("juli", "augustus", "september", "oktober", "november", "december"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}
NOT_MEASURED = {"nl": "niet gemeten", "en": "not measured"}
MINUS = "\u2212"


def number(value: float, digits: int = 0, *, language: str = "nl", sign: bool = False) -> str:
    """Return a number with thousands marks: ``12.345,6`` in Dutch, ``12,345.6`` in English."""
    if math.isnan(value):
        return NOT_MEASURED[language]
    if math.isinf(value):
        return ("" if value > 0 else MINUS) + "∞"
    rounded = round(value, digits)
    text = f"{abs(rounded):,.{digits}f}"
    if language == "nl":
        text = text.translate(str.maketrans(",.", ".,"))
    lead = MINUS if rounded < 0 else "+" if sign and rounded > 0 else ""
    return lead + text


def percent(rate: float, digits: int = 2, *, language: str = "nl") -> str:
    """Return a fraction as a percentage: 0.0048 is ``0,48%``."""
    text = number(rate * 100, digits, language=language)
    return text if math.isnan(rate) else text + "%"


def points(
    effect: float, digits: int = 2, *, language: str = "nl", sign: bool = True, unit: bool = True
) -> str:
    """Return a difference of fractions in percentage points: 0.0025 is ``+0,25 procentpunt``."""
    text = number(effect * 100, digits, language=language, sign=sign)
    if math.isnan(effect) or not unit:
        return text
    return text + (" procentpunt" if language == "nl" else " percentage points")


def p_value(p: float, *, language: str = "nl") -> str:
    """Return a p-value with one significant digit below 0.001, never as 0."""
    if math.isnan(p):
        return NOT_MEASURED[language]
    if p < 0.5e-6:
        return "< " + number(1e-6, 6, language=language)
    # One significant digit below 0.001, three decimals above.
    digits = 3 if p >= 0.001 else -math.floor(math.log10(float(f"{p:.0e}")))
    return number(p, digits, language=language)


def interval(
    lower: float,
    upper: float,
    digits: int = 2,
    *,
    language: str = "nl",
    percent_sign: bool = True,
    sign: bool = False,
) -> str:
    """Return two fractions as an interval in percent or points: ``0,44–0,53%``."""
    if math.isnan(lower) or math.isnan(upper):
        return NOT_MEASURED[language]
    word = " tot " if language == "nl" else " to "
    join = word if sign else "–"
    low, high = (number(v * 100, digits, language=language, sign=sign) for v in (lower, upper))
    return f"{low}{join}{high}" + ("%" if percent_sign else "")


#: Numbers up to twelve are written in words in running text.
WORDS = {
    "nl": (
        *("nul", "één", "twee", "drie", "vier", "vijf", "zes"),
        *("zeven", "acht", "negen", "tien", "elf", "twaalf"),
    ),
    "en": (
        *("no", "one", "two", "three", "four", "five", "six"),
        *("seven", "eight", "nine", "ten", "eleven", "twelve"),
    ),
}


def count_in_words(value: int, *, language: str = "nl") -> str:
    """Return a count as running text has it: ``elf``, and ``342`` beyond twelve."""
    words = WORDS[language]
    return words[value] if 0 <= value < len(words) else number(value, language=language)


def ordinal(value: int, *, language: str = "nl") -> str:
    """Return which in a row, in digits: ``3e`` in Dutch, ``3rd`` in English."""
    if language == "nl":
        return f"{value}e"
    tens, ones = value % 100 // 10, value % 10
    return f"{value}{'th' if tens == 1 else ('th', 'st', 'nd', 'rd')[ones if ones < 4 else 0]}"


def display_name(name: str) -> str:
    """Return a name as it is printed: with an apostrophe, not a straight quote."""
    return name.replace("'", "\u2019")


def sort_name(name: str) -> str:
    """Return the key by which a municipality is sorted: 's-Hertogenbosch stands under H."""
    return re.sub(r"^['\u2019][st][ -]", "", name).casefold()


def date(day: dt.date, *, language: str = "nl") -> str:
    """Return a date in words: ``29 oktober 2025``, ``29 October 2025``."""
    return f"{day.day} {MONTHS[language][day.month - 1]} {day.year}"
