"""Which answers to a subgroup question are told apart."""

from __future__ import annotations

import pytest

from ballot_eval.topics.survey.levels import put_together


@pytest.mark.parametrize(
    ("answers", "outcome", "together"),
    [
        # At, and just below, the threshold of 10.
        ({"a": 10, "b": 40, "c": 50}, {}, ""),
        ({"a": 9, "b": 40, "c": 50}, {}, "ab"),
        # Two rare ones of ten respondents are enough for each other; of nine they are not.
        ({"a": 4, "b": 6, "c": 50}, {}, "ab"),
        ({"a": 4, "b": 5, "c": 50}, {}, "abc"),
        # Enough gave it, but too few of them answered an outcome.
        ({"a": 12, "b": 40, "c": 50}, {"a": 9, "b": 40, "c": 50}, "ab"),
        ({"a": 4, "b": 6, "c": 50}, {"a": 3, "b": 6, "c": 50}, "abc"),
        # Nobody is no small number, and hides nobody.
        ({"a": 0, "b": 40, "c": 50}, {}, ""),
        ({"a": 0, "b": 9, "c": 50}, {}, "bc"),
        # All the same: the size of the group would tell what everyone answered.
        ({"a": 0, "b": 0, "c": 50}, {}, "abc"),
        # Too few in all.
        ({"a": 3, "b": 2, "c": 1}, {}, "abc"),
    ],
)
def test_rare_answers_are_put_together_until_they_are_enough(answers, outcome, together):
    assert put_together([answers, outcome or answers], "abc", 10) == frozenset(together)


def test_the_order_says_which_others_are_put_with_a_rare_answer():
    answers = {"a": 9, "b": 40, "c": 41}
    assert put_together([answers], "acb", 10) == {"a", "c"}
    # An answer that nobody gave hides nobody, and comes last.
    assert put_together([answers | {"b": 0}], "abc", 10) == {"a", "c"}
