"""Hiding small counts: every promise is checked by listing all tables a reader may think of."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ballot_eval.disclosure import (
    REST,
    Relation,
    audit,
    blank,
    margins,
    protect,
    protect_tables,
)


def table(counts, question="q"):
    """Cells of one question: ``counts`` (groups, answers) with both totals."""
    x = np.asarray(counts)
    x = np.vstack([x, x.sum(axis=0)])
    x = np.hstack([x, x.sum(axis=1, keepdims=True)])
    groups = [f"g{i}" for i in range(len(x) - 1)] + ["total"]
    answers = [f"a{j}" for j in range(x.shape[1] - 1)] + ["total"]
    rows = [(question, g, a, x[i, j]) for i, g in enumerate(groups) for j, a in enumerate(answers)]
    return pd.DataFrame(rows, columns=["question", "group", "answer", "n"])


def marks(counts, *, threshold=10):
    """The marks of a table as an array (groups + 1, answers + 1) of '', 'p' and 's'."""
    cells = protect_tables(table(counts), groups=["group"], threshold=threshold)
    shape = np.asarray(counts).shape
    return cells["suppressed"].str[:1].to_numpy().reshape(shape[0] + 1, shape[1] + 1)


def brute_force(counts, hidden, largest):
    """Extremes of every cell over all tables with inner cells up to ``largest``, one by one."""
    counts, hidden = np.asarray(counts), np.asarray(hidden)
    groups, answers = counts.shape
    true = table(counts)["n"].to_numpy().reshape(groups + 1, answers + 1)
    values = np.array(list(itertools.product(range(largest + 1), repeat=answers)))
    values = np.hstack([values, values.sum(axis=1, keepdims=True)])
    fits = [values[((values == true[i]) | hidden[i]).all(axis=1)] for i in range(groups)]
    low, high = np.full(true.shape, 10**6), np.full(true.shape, -1)
    for rows in itertools.product(*fits[:-1]):
        inner = [np.broadcast_to(row, fits[-1].shape) for row in rows] + [fits[-1]]
        tables = np.stack([*inner, sum(inner)], axis=1)
        tables = tables[((tables == true) | hidden).all(axis=(1, 2))]
        if len(tables):
            low = np.minimum(low, tables.min(axis=0))
            high = np.maximum(high, tables.max(axis=0))
    return low, high


def assert_safe(cells, relations, *, threshold):
    done = protect(cells, relations, threshold=threshold)
    found = audit(done, relations, threshold=threshold)
    assert found["safe"].all(), done[~found["safe"]]
    small = (done["n"] > 0) & (done["n"] < threshold)
    if "published" in done:
        small &= done["published"]
    assert (done.loc[small, "suppressed"] == "primary").all()
    return done


# The reader's interval


def test_interval_of_a_table_worked_by_hand():
    # Hidden: rows g1 and g2, answers a0 and a2. With a for (g1, a0): (g1, a2) = 30 − a,
    # (g2, a0) = 25 − a, (g2, a2) = 4 + a, so that a runs from 0 to 25.
    cells, relations = margins(table([[20, 50, 10], [8, 19, 22], [17, 32, 12]]), groups=["group"])
    hidden = cells["group"].isin(["g1", "g2"]) & cells["answer"].isin(["a0", "a2"])
    found = audit(
        cells.assign(suppressed=hidden.map({True: "x", False: ""})), relations, threshold=10
    )
    limits = found.loc[hidden, ["lower", "upper"]].to_numpy().tolist()
    assert limits == [[0, 25], [5, 30], [0, 25], [4, 29]]


def test_interval_is_infinite_when_totals_are_hidden():
    cells, relations = margins(table([[20, 30], [40, 50]]), groups=["group"])
    found = audit(cells.assign(suppressed="x"), relations, threshold=10)
    assert (found["lower"] == 0).all()
    assert np.isinf(found["upper"]).all()


def test_interval_uses_whole_numbers():
    # Of x, y and z any two add up to at most 1. Halves would make their sum 1.5.
    n = [1, 0, 0, 0, 1, 0, 1, 1, 1, 1]
    cells = pd.DataFrame({"n": n, "suppressed": ["x"] * 7 + [""] * 3})
    relations = [
        Relation(7, (0, 1, 3), "groups"),
        Relation(8, (1, 2, 4), "groups"),
        Relation(9, (0, 2, 5), "groups"),
        Relation(6, (0, 1, 2), "groups"),
    ]
    found = audit(cells, relations, threshold=2)
    assert (found["lower"][:7] == 0).all()
    assert (found["upper"][:7] == 1).all()


def test_audit_finds_what_a_hidden_cell_alone_gives_away():
    cells, relations = margins(table([[3, 30], [40, 50]]), groups=["group"])
    only = cells.assign(suppressed=np.where(cells["n"] == 3, "primary", ""))
    found = audit(only, relations, threshold=10).loc[cells["n"] == 3].iloc[0]
    assert (found["lower"], found["upper"], found["safe"]) == (3, 3, False)
    none = audit(cells.assign(suppressed=""), relations, threshold=10)
    assert not none.loc[cells["n"] == 3, "safe"].any()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=2), min_size=2, max_size=3),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_audit_agrees_with_listing_all_tables(counts, chosen):
    shape = (len(counts) + 1, len(counts[0]) + 1)
    hidden = np.array(chosen[: shape[0] * shape[1]]).reshape(shape)
    hidden[-1, -1] = False  # the number of all respondents bounds every cell
    cells, relations = margins(table(counts), groups=["group"])
    if int(np.sum(counts)) > 12:
        return
    marked = cells.assign(suppressed=np.where(hidden.ravel(), "x", ""))
    found = audit(marked, relations, threshold=3)
    low, high = brute_force(counts, hidden, int(np.sum(counts)))
    np.testing.assert_array_equal(found["lower"], low.ravel())
    np.testing.assert_array_equal(found["upper"], high.ravel())


# What is hidden


def test_nothing_is_hidden_when_all_counts_are_large():
    assert (marks([[10, 30, 12], [40, 50, 11]]) == "").all()


@pytest.mark.parametrize(("n", "mark"), [(9, "p"), (10, ""), (1, "p"), (0, "")])
def test_the_threshold_itself_is_published(n, mark):
    assert marks([[n, 30, 60], [40, 50, 60], [45, 55, 65]])[0, 0] == mark


def test_one_small_count_takes_a_rectangle_with_it():
    found = marks([[3, 30, 60], [40, 50, 60], [45, 55, 65]])
    assert found[0, 0] == "p"
    assert (found == "s").sum() == 3
    assert (found[-1] == "").all()
    assert (found[:, -1] == "").all()


def test_two_small_counts_whose_sum_is_small_need_more():
    # 2 + 3 = 5 follows from the total: neither could be 10.
    found = marks([[2, 3, 60], [40, 50, 60], [45, 55, 65]])
    assert found[0].tolist() == ["p", "p", "s", ""]


def test_a_group_below_the_threshold_vanishes_whole():
    found = marks([[3, 0, 5], [40, 50, 60], [45, 55, 65]])
    assert found[0].tolist() == ["p"] * 4
    # Every column and the totals need a partner, or the difference gives the group away.
    assert ((found[1:, :] == "s").sum(axis=0) >= 1).all()


def test_an_empty_group_says_nothing():
    assert (marks([[0, 0, 0], [40, 50, 60], [45, 55, 65]]) == "").all()


def test_a_group_with_one_answer_only_vanishes_with_its_zeros():
    found = marks([[30, 0, 0], [40, 50, 60], [45, 55, 65]])
    assert found[0, :3].tolist() == ["p"] * 3
    cells, relations = margins(table([[30, 0, 0], [40, 50, 60], [45, 55, 65]]), groups=["group"])
    done = assert_safe(cells, relations, threshold=10)
    assert audit(done, relations, threshold=10)["lower"][0] <= 20


def test_other_zeros_are_published():
    assert (marks([[30, 0, 20], [40, 50, 60]]) == "").all()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), min_size=2, max_size=2).filter(
        lambda counts: 0 < int(np.sum(counts)) <= 12
    )
)
@example([[0, 1, 0], [0, 6, 3]])
def test_no_hidden_count_can_be_worked_out(counts):
    t = 3
    cells, relations = margins(table(counts), groups=["group"])
    done = assert_safe(cells, relations, threshold=t)
    true = done["n"].to_numpy().reshape(3, 4)
    hidden = (done["suppressed"] != "").to_numpy().reshape(3, 4)
    largest = int(true[-1, -1])
    if hidden[-1, -1]:
        largest = min(largest + t, 6)  # no longer bounded: some of the tables are enough
        largest = max(largest, int(true[:-1, :-1].max()) + 1)
    low, high = brute_force(counts, hidden, largest)
    assert (low[hidden] < high[hidden]).all()
    if not hidden[-1, -1]:
        small = (true > 0) & (true < t)
        assert (low[small] == 0).all()
        assert (high[small] >= t).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(3, 40))
def test_tables_of_any_size_are_safe(seed, threshold, scale):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(scale * rng.dirichlet(np.ones(5), size=rng.integers(2, 7)))
    if not counts.sum():
        return
    cells, relations = margins(table(counts), groups=["group"])
    assert_safe(cells, relations, threshold=threshold)


# Several tables at once


def survey(seed=1, *, size=60, questions=2, first=None):
    """Role × age, municipalities of the experiment, and every margin of both."""
    rng = np.random.default_rng(seed)
    found: dict[tuple[str, ...], int] = {}
    places = {"experiment": ["m1", "m2"], "control": ["m3"]}
    people = {
        (role, age, place): int(rng.integers(size // 2, size))
        for role in places
        for age in ("18", "40", "65")
        for place in places[role]
    }
    if first is not None:
        people["experiment", "18", "m1"] = people["experiment", "18", "m2"] = first
    for q in range(questions):
        share = rng.dirichlet(np.ones(4))
        for (role, age, place), n in people.items():
            given = [*rng.multinomial(n, share), n]
            rows = {
                (role, age, "total"),
                (role, "total", "total"),
                ("total", age, "total"),
                ("total", "total", "total"),
            }
            if role == "experiment":
                rows.add((role, "total", place))
            for row, answer in itertools.product(rows, range(5)):
                key = (f"q{q}", *row, "total" if answer == 4 else str(answer))
                found[key] = found.get(key, 0) + int(given[answer])
    columns = ["question", "role", "age", "place", "answer", "n"]
    return pd.DataFrame([(*key, n) for key, n in found.items()], columns=columns)


@pytest.mark.parametrize("seed", range(4))
def test_overlapping_breakdowns_are_protected_together(seed):
    cells, relations = margins(survey(seed), groups=["role", "age", "place"])
    done = assert_safe(cells, relations, threshold=10)
    assert (done["suppressed"] == "secondary").any()


def test_an_overlapping_breakdown_gives_away_what_one_table_hides():
    def cells_of(places):
        kinds = [("e", "total"), ("c", "total"), ("total", "total"), *places]
        numbers = {
            ("e", "total"): (50, 60),
            ("c", "total"): (70, 80),
            ("total", "total"): (120, 140),
            ("e", "m1"): (4, 40),
            ("e", "m2"): (46, 20),
        }
        rows = [
            ("q", *kind, answer, n)
            for kind in kinds
            for answer, n in zip(
                ("yes", "no", "total"), (*numbers[kind], sum(numbers[kind])), strict=True
            )
        ]
        return pd.DataFrame(rows, columns=["question", "role", "place", "answer", "n"])

    alone = protect_tables(
        cells_of([("e", "m1")]), groups=["role", "place"], threshold=10
    ).set_index(["role", "place", "answer"])["suppressed"]
    assert alone["e", "m1", "yes"] == "primary"
    both = protect_tables(
        cells_of([("e", "m1"), ("e", "m2")]), groups=["role", "place"], threshold=10
    ).set_index(["role", "place", "answer"])["suppressed"]
    assert both["e", "m1", "yes"] == "primary"
    # The other municipality is the whole minus this one.
    assert both["e", "m2", "yes"] == "secondary" or both["e", "total", "yes"] == "secondary"


def test_a_missing_group_is_worked_out_and_protected():
    cells = table([[30, 40], [33, 44], [4, 50]])
    cells = cells[cells["group"] != "g2"]
    complete, relations = margins(cells, groups=["group"])
    rest = complete[~complete["published"]]
    assert rest["group"].tolist() == [REST] * 3
    assert rest["n"].tolist() == [4, 50, 54]
    done = assert_safe(complete, relations, threshold=10)
    assert (done.loc[~done["published"], "suppressed"] == "").all()
    assert (done["suppressed"] == "secondary").any()


def test_several_answers_per_respondent_hide_those_who_did_not_give_one():
    cells = pd.DataFrame(
        {
            "question": "q",
            "group": "total",
            "answer": ["a", "b", "c", "total"],
            "n": [95, 50, 0, 100],
        }
    )
    complete, relations = margins(cells, groups=["group"], multiple=["q"])
    done = assert_safe(complete, relations, threshold=10)
    # 100 − 95 = 5 did not answer a.
    assert done["suppressed"].tolist()[0] == "secondary"
    assert done["suppressed"].tolist()[1:3] == ["", ""]


def test_a_small_group_stays_hidden_over_all_questions():
    cells, relations = margins(
        survey(size=200, questions=3, first=3), groups=["role", "age", "place"]
    )
    done = assert_safe(cells, relations, threshold=10)
    totals = done[(done["answer"] == "total") & done["published"]]
    small = totals[(totals["role"] == "experiment") & (totals["age"] == "18")]
    assert (small["suppressed"] == "primary").all()
    hidden = totals.assign(hidden=totals["suppressed"] != "").groupby(["role", "age", "place"])
    # A total that is hidden at one question and shown at another is not hidden.
    assert (hidden["hidden"].min() == hidden["hidden"].max()).all()


# Shares and what is published


def test_shares_vanish_with_their_count_or_their_total():
    done = protect_tables(
        table([[3, 0, 5], [40, 50, 60], [45, 55, 65]]), groups=["group"], threshold=10
    )
    hidden = done["suppressed"] != ""
    assert (done["share_suppressed"] | ~hidden).all()
    for _, group in done.groupby("group"):
        if hidden[group.index[group["answer"] == "total"]].all():
            assert group["share_suppressed"].all()


def test_a_visible_count_has_no_share_when_its_total_is_hidden():
    # 45 divided by its share of 90% would be the total, and the total less 45 the small count.
    cells = pd.DataFrame({"n": [50, 45, 5], "cost": [1.0, 1000.0, 1.0]})
    done = protect(cells, [Relation(0, (1, 2), "answers")], threshold=10)
    assert done["suppressed"].tolist() == ["secondary", "", "primary"]
    assert done["share_suppressed"].all()


def test_blank_shows_one_mark_for_both():
    cells = table([[3, 30, 60], [40, 50, 60], [45, 55, 65]])
    cells["share"] = 0.5
    seen = blank(protect_tables(cells, groups=["group"], threshold=10), shares=["share"])
    assert seen["n"].isna().sum() == seen["share"].isna().sum() == seen["hidden"].sum() == 4
    assert "suppressed" not in seen
    complete, relations = margins(cells[cells["group"] != "g2"], groups=["group"])
    assert len(blank(protect(complete, relations, threshold=10))) == 12
    with pytest.raises(ValueError, match="columns not found"):
        blank(cells)


def test_rows_index_and_columns_stay():
    cells = table([[3, 30, 60], [40, 50, 60]]).sample(frac=1, random_state=1)
    cells["cost"] = 1.0
    done = protect_tables(cells, groups=["group"], threshold=10)
    pd.testing.assert_frame_equal(done[cells.columns], cells)
    again = protect_tables(cells, groups=["group"], threshold=10)
    pd.testing.assert_frame_equal(done, again)


def test_costs_steer_the_choice():
    cells = table([[3, 30, 60], [40, 50, 60], [45, 55, 65]])
    cells["cost"] = np.where(cells["group"] == "g1", 100.0, 1.0)
    done = protect_tables(cells, groups=["group"], threshold=10)
    assert (done.loc[done["group"] == "g1", "suppressed"] == "").all()


# Bad input


@pytest.mark.parametrize("threshold", [1, 0, -3, 2.5, True])
def test_bad_thresholds(threshold):
    with pytest.raises(ValueError, match="threshold"):
        protect_tables(table([[30, 40]]), groups=["group"], threshold=threshold)


@pytest.mark.parametrize("n", [-1, 2.5, np.nan, np.inf])
def test_bad_counts(n):
    cells = table([[30, 40]]).astype({"n": float})
    cells.loc[0, "n"] = n
    with pytest.raises(ValueError, match="whole numbers"):
        margins(cells, groups=["group"])


def test_bad_tables():
    cells = table([[30, 40], [50, 60]])
    with pytest.raises(ValueError, match="columns not found"):
        margins(cells, groups=["region"])
    with pytest.raises(ValueError, match="stated twice"):
        margins(pd.concat([cells, cells[:1]]), groups=["group"])
    with pytest.raises(ValueError, match="no row with answer = 'total'"):
        margins(cells[cells["answer"] != "total"], groups=["group"])
    with pytest.raises(ValueError, match="label is missing"):
        margins(cells.replace("a1", None), groups=["group"])
    with pytest.raises(ValueError, match="more than the total"):
        margins(cells.assign(n=cells["n"].where(cells["n"] != 30, 35)), groups=["group"])
    with pytest.raises(ValueError, match="not in the cells"):
        margins(cells, groups=["group"], multiple=["other"])
    with pytest.raises(ValueError, match="no cells"):
        margins(cells[:0], groups=["group"])


def test_bad_relations():
    cells = pd.DataFrame({"n": [5, 2, 3]})
    with pytest.raises(ValueError, match="does not hold"):
        protect(cells, [Relation(0, (1,), "groups")], threshold=10)
    for relation in (
        Relation(0, (0,), "groups"),
        Relation(0, (3,), "groups"),
        Relation(0, (), "groups"),
        Relation(0, (1, 1), "groups"),
    ):
        with pytest.raises(ValueError, match="different positions"):
            protect(cells, [relation], threshold=10)
    with pytest.raises(ValueError, match="costs"):
        protect(cells.assign(cost=0.0), [], threshold=10)
    with pytest.raises(ValueError, match="call protect first"):
        audit(cells, [], threshold=10)
