"""The languages of the report: which of two wordings, and numbers as that language writes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from ballot_eval import formatting

Term = TypeVar("Term")


class WithLimits(Protocol):
    """Anything with the limits of an interval, as fractions."""

    @property
    def ci_lower(self) -> float:
        """The lower limit."""

    @property
    def ci_upper(self) -> float:
        """The upper limit."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the report.

    Called with the same sentence in both languages it returns its own, so that the two stand side
    by side where the result is known that they tell. The methods write numbers.
    """

    code: Literal["nl", "en"]

    def __call__(self, *, nl: str, en: str) -> str:
        """Return the wording in this language."""
        return nl if self.code == "nl" else en

    def pick(self, terms: Mapping[str, Term]) -> Term:
        """Return this language's entry of terms kept by the code of the language."""
        return terms[self.code]

    def number(self, value: float, digits: int = 0, *, sign: bool = False) -> str:
        """Return a number with thousands marks."""
        return formatting.number(value, digits, language=self.code, sign=sign)

    def percent(self, rate: float, digits: int = 2) -> str:
        """Return a fraction as a percentage."""
        return formatting.percent(rate, digits, language=self.code)

    def points(
        self, effect: float, digits: int = 2, *, sign: bool = True, unit: bool = True
    ) -> str:
        """Return a difference of fractions in percentage points."""
        return formatting.points(effect, digits, language=self.code, sign=sign, unit=unit)

    def p_value(self, p: float) -> str:
        """Return a p-value, never as 0."""
        return formatting.p_value(p, language=self.code)

    def interval(
        self,
        lower: float,
        upper: float,
        digits: int = 2,
        *,
        percent_sign: bool = True,
        sign: bool = False,
    ) -> str:
        """Return two fractions as an interval in percent or points."""
        options = {"percent_sign": percent_sign, "sign": sign}
        return formatting.interval(lower, upper, digits, language=self.code, **options)

    def limits(self, item: WithLimits, digits: int = 2) -> str:
        """Return the limits of a difference of fractions, in percentage points."""
        return self.points_between(item.ci_lower, item.ci_upper, digits)

    def points_between(self, lower: float, upper: float, digits: int = 2) -> str:
        """Return two differences of fractions as a range in percentage points."""
        unit = self(nl="procentpunt", en="percentage points")
        return f"{self.interval(lower, upper, digits, percent_sign=False, sign=True)} {unit}"

    def between(self, lower: float, upper: float, digits: int = 2) -> str:
        """Return two numbers as ``0,79 tot 0,90``."""
        word = self(nl="tot", en="to")
        return f"{self.number(lower, digits)} {word} {self.number(upper, digits)}"

    def count(self, value: int) -> str:
        """Return a count as running text has it: in words up to twelve."""
        return formatting.count_in_words(value, language=self.code)

    def plural(self, count: int, *, nl: tuple[str, str], en: tuple[str, str]) -> str:
        """Return a count in digits with its noun, each pair the singular and the plural."""
        one, many = nl if self.code == "nl" else en
        return f"{self.number(count)} {one if count == 1 else many}"

    def ordinal(self, value: int) -> str:
        """Return which in a row, in digits: ``3e``, ``3rd``."""
        return formatting.ordinal(value, language=self.code)

    def municipalities(self, count: int) -> str:
        """Return a number of municipalities in words."""
        if count == 1:
            return self(nl="één gemeente", en="one municipality")
        return f"{self.count(count)} {self(nl='gemeenten', en='municipalities')}"

    def stations(self, count: int) -> str:
        """Return a number of polling stations, in digits."""
        nouns = {"nl": ("stembureau", "stembureaus"), "en": ("polling station", "polling stations")}
        return self.plural(count, **nouns)

    def listed(self, items: Sequence[str]) -> str:
        """Return words as a list in a sentence: ``a, b en c``."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self(nl='en', en='and')} {items[-1]}"

    def level(self, confidence: float) -> str:
        """Return the level of an interval: ``95%``."""
        text = f"{100 * confidence:g}%"
        return text.replace(".", ",") if self.code == "nl" else text

    def date(self, day: dt.date) -> str:
        """Return a date in words."""
        return formatting.date(day, language=self.code)


DUTCH, ENGLISH = Language("nl"), Language("en")

#: The report is made in each of these.
LANGUAGES = (DUTCH, ENGLISH)
