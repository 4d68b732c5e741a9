"""Statistical disclosure control of published survey tables.

A table gives, per question and group of respondents, the number of respondents per answer, the
total of the group and the (weighted) share. Small counts point at persons, so they are left out
(*primary*), and so are other cells from which they could be worked out (*secondary*): totals,
other answers, complementary groups, and the same answer in an overlapping breakdown.

*Which cells are sensitive.* With a threshold t:

- a count n with 0 < n < t;
- every count, zeros too, of a group of fewer than t respondents;
- every count, zeros too, of a group in which all gave the same answer: the total would tell what
  each of them answered (group disclosure). Other zeros are published, since they point at nobody.
  A zero that is so by design (a question that the group was not asked) says nothing: leave the
  cell out of the frame.

*When a sensitive cell is protected.* A reader who knows everything published, and that counts
are whole and not negative, must not be able to rule out any count of 0, 1, …, t: not even whether
there is anybody in the cell, nor whether there are enough. A cell that holds a whole group of t
or more must be possible as low as t below its count. In the terms of Fischetti & Salazar (2000)
the lower, upper and sliding protection levels of a count n < t are n, t − n and t.

*Publish one mark.* ``primary`` and ``secondary`` are for the makers of a table. The reader must
see the same mark for both, or knows which counts are below t.

*Shares* vanish with their count, weighted ones too: the count is the share times the total, about
so when weighted, and weighted counts satisfy the same equations as counts, so a hidden weighted
share could be worked out wherever the count could. Shares of a hidden total vanish as well: a
visible count divided by its share is the total. Blank the standard errors and intervals with them.

*Not covered:* readers who use the rules themselves to guess why a cell is hidden; respondents who
pool what they know of each other; totals of different questions that nearly agree because of item
non-response (equal ones are covered); what only follows from rebuilding the answers of all
respondents to several questions at once.

Sources: Hundepool et al. (2012), Statistical Disclosure Control, ch. 4 and 5 (threshold rule,
secondary suppression, group disclosure); Fischetti & Salazar (2000), JASA 95, 916–928.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from ballot_eval.disclosure.attack import IntArray, System, intervals
from ballot_eval.disclosure.search import hide

__all__ = ["REST", "Relation", "audit", "blank", "margins", "protect", "protect_tables"]

REST = "(rest)"
_LARGEST = 10**9
# Totals carry more than their parts, and a zero protects nothing if it can be guessed.
_DEAR = 4.0


@dataclass(frozen=True, slots=True)
class Relation:
    """The count at row ``total`` (a position) is the sum of the counts at ``parts``.

    ``kind`` is ``answers`` when the total is the number of respondents of a group and the parts
    are their answers, ``groups`` when a group is the sum of its subgroups, and ``same`` when one
    number stands in two places.
    """

    total: int
    parts: tuple[int, ...]
    kind: Literal["answers", "groups", "same"]


def protect_tables(
    cells: pd.DataFrame,
    *,
    groups: Sequence[str],
    threshold: int,
    question: str = "question",
    answer: str = "answer",
    total: str = "total",
    multiple: Collection[str] = (),
) -> pd.DataFrame:
    """Return ``cells`` with the columns ``suppressed`` and ``share_suppressed``.

    :func:`margins` and :func:`protect` in one call; see there. The rows and their order stay.
    """
    complete, relations = margins(
        cells, groups=groups, question=question, answer=answer, total=total, multiple=multiple
    )
    marked = protect(complete, relations, threshold=threshold).iloc[: len(cells)]
    columns = [*cells.columns, "suppressed", "share_suppressed"]
    return marked[columns].astype(cells.dtypes.to_dict()).set_axis(cells.index)


def margins(
    cells: pd.DataFrame,
    *,
    groups: Sequence[str],
    question: str = "question",
    answer: str = "answer",
    total: str = "total",
    multiple: Collection[str] = (),
) -> tuple[pd.DataFrame, list[Relation]]:
    """Return the cells with what they imply, and all additive relations among them.

    ``cells`` has one row per published number, with the columns ``question``, the ``groups``,
    ``answer`` and ``n``. The label ``total`` in ``answer`` is the number of respondents of the
    group, and is required for every group; in a column of ``groups`` it means that the group is
    not broken down by that column. A breakdown within another one carries the label of both:
    a municipality of the experiment has role ``experiment`` if the municipalities of the
    experiment add up to it. ``multiple`` names the questions with more answers per respondent.

    Where the parts fall short of their total, a row ``(rest)`` with ``published`` False stands
    for the difference, which a reader can work out. Equal totals of one group at different
    questions are taken to be the same respondents. The index of the result is 0, 1, ….
    Raises ValueError for missing columns and labels, counts that are not whole and not negative,
    a cell stated twice, a group without total, unknown questions in ``multiple``, parts that
    exceed their total.
    """
    keys = [question, *groups, answer]
    _check(cells, keys)
    frame = cells.reset_index(drop=True)
    if unknown := set(multiple) - set(frame[question]):
        msg = f"multiple names questions that are not in the cells: {sorted(unknown)}"
        raise ValueError(msg)
    sums = _Sums(frame, keys)
    for rows in frame.groupby([question, *groups], sort=False).indices.values():
        own = rows[frame[answer].to_numpy()[rows] == total]
        if not len(own):
            msg = f"no row with {answer} = {total!r} for {_label(frame, rows[0], keys[:-1])}"
            raise ValueError(msg)
        parts = rows[rows != own[0]]
        several = frame[question].iloc[rows[0]] in multiple
        for part in [[row] for row in parts] if several else [list(parts)]:
            sums.add(int(own[0]), part, answer, "answers", rest=several)
    for column in groups:
        others = [key for key in keys if key != column]
        for rows in frame.groupby(others, sort=False).indices.values():
            whole = frame[column].to_numpy()[rows] == total
            if whole.any():
                sums.add(int(rows[whole][0]), list(rows[~whole]), column, "groups")
    totals = frame.index[frame[answer] == total]
    for rows in frame.loc[totals].groupby([*groups, "n"], sort=False).indices.values():
        first, *same = totals[rows]
        sums.relations += [Relation(int(first), (int(row),), "same") for row in same]
    return sums.frame(), sums.relations


class _Sums:
    """Collects relations, and rows for what the parts of a total fall short."""

    def __init__(self, frame: pd.DataFrame, keys: list[str]) -> None:
        self.cells, self.keys = frame, keys
        self.counts = _counts(frame)
        self.rests: list[dict[str, object]] = []
        self.relations: list[Relation] = []

    def add(
        self,
        total: int,
        parts: list[int],
        column: str,
        kind: Literal["answers", "groups"],
        *,
        rest: bool = False,
    ) -> None:
        """Add that ``parts`` are the total, with a row for the rest if any or if asked for."""
        if not parts:
            return
        missing = int(self.counts[total] - self.counts[parts].sum())
        if missing < 0:
            label = _label(self.cells, total, self.keys)
            msg = f"the parts of {label} over {column} are {-missing} more than the total"
            raise ValueError(msg)
        rows = [int(row) for row in parts]
        if missing or rest:
            rows.append(len(self.cells) + len(self.rests))
            label = _label(self.cells, total, self.keys)
            self.rests.append(label | {column: REST, "n": missing, "cost": 1.0})
        self.relations.append(Relation(total, tuple(rows), kind))

    def frame(self) -> pd.DataFrame:
        """Return the cells and the rests, with the column ``published``."""
        cells = self.cells
        if "published" not in cells:
            cells = cells.assign(published=True)
        if not self.rests:
            return cells
        rests = pd.DataFrame(self.rests).assign(published=False)
        if "cost" not in cells:
            rests = rests.drop(columns="cost")
        return pd.concat([cells, rests], ignore_index=True)


def protect(cells: pd.DataFrame, relations: Iterable[Relation], *, threshold: int) -> pd.DataFrame:
    """Return ``cells`` with the columns ``suppressed`` and ``share_suppressed``.

    ``cells`` has the counts ``n``, and may have ``published`` (False for a number that no table
    shows but that follows from others; default True), ``sensitive`` (False for a number that may
    be known, such as how many gave no answer; default True) and ``cost`` (positive, the loss of
    leaving a cell out; default 1 + log(1 + n), four times as much for totals and zeros).
    ``relations`` refer to rows by position. ``suppressed`` is ``""``, ``"primary"`` or
    ``"secondary"``; ``share_suppressed`` is True where the count or the number of respondents is
    suppressed. The cheapest set of cells is not guaranteed, the protection is (see the module).
    Raises ValueError for a threshold that is not a whole number of at least 2, counts that are
    not whole and not negative, relations that do not hold or point outside the frame, costs that
    are not positive.
    """
    known = list(relations)
    system = _system(cells, known)
    down, up = _needs(system, known, threshold, _sensitive(cells))
    hidden = hide(system, down, up) & system.published
    primary = ((down > 0) | (up > 0)) & system.published
    share = hidden.copy()
    for relation in known:
        if relation.kind == "answers" and hidden[relation.total]:
            share[list(relation.parts)] = True
    return cells.assign(
        suppressed=np.select([primary, hidden], ["primary", "secondary"], ""),
        share_suppressed=share,
    )


def audit(cells: pd.DataFrame, relations: Iterable[Relation], *, threshold: int) -> pd.DataFrame:
    """Return what a reader can work out about every cell when ``suppressed`` is not ``""``.

    The columns are ``n``, ``lower`` and ``upper`` (the extremes that a reader cannot rule out,
    infinite without a limit), ``sensitive`` and ``safe``: sensitive cells have the interval that
    the module asks for, other hidden cells at least two possible counts. It searches every
    extreme anew, and shares nothing with the choice of the cells but the equations. Raises
    ValueError as :func:`protect` does, and without the column ``suppressed``.
    """
    if "suppressed" not in cells:
        msg = "audit needs the column suppressed; call protect first"
        raise ValueError(msg)
    known = list(relations)
    system = _system(cells, known)
    down, up = _needs(system, known, threshold, _sensitive(cells))
    marked = cells["suppressed"].fillna("").to_numpy() != ""
    hidden = marked | ~system.published
    lower, upper = intervals(system, hidden)
    n, sensitive = system.counts, (down > 0) | (up > 0)
    reached = (lower <= n - down) & (upper >= n + up)
    safe = np.where(sensitive, hidden & reached, ~marked | (lower < upper))
    return pd.DataFrame(
        {"n": n, "lower": lower, "upper": upper, "sensitive": sensitive, "safe": safe},
        index=cells.index,
    )


def blank(
    cells: pd.DataFrame, *, counts: Sequence[str] = ("n",), shares: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the rows as a reader may see them.

    ``counts`` are empty where ``suppressed``, ``shares`` (and their standard errors and limits)
    where ``share_suppressed``. In place of both columns comes ``hidden``, one mark for primary
    and secondary; rows that are not ``published`` are gone. Raises ValueError for columns that
    are not there.
    """
    needed = ["suppressed", "share_suppressed", *counts, *shares]
    if absent := [name for name in needed if name not in cells]:
        msg = f"columns not found: {absent}"
        raise ValueError(msg)
    rows = cells
    if "published" in cells:
        rows = cells[cells["published"].astype(bool)].drop(columns="published")
    hidden = rows["suppressed"] != ""
    columns = {name: rows[name].astype("Int64").mask(hidden) for name in counts}
    columns |= {name: rows[name].mask(rows["share_suppressed"]) for name in shares}
    return rows.assign(**columns, hidden=hidden).drop(columns=["suppressed", "share_suppressed"])


def _label(cells: pd.DataFrame, row: int, keys: Sequence[str]) -> dict[str, object]:
    """Return the labels of one row, by position."""
    return {key: cells[key].iloc[row] for key in keys}


def _check(cells: pd.DataFrame, keys: list[str]) -> None:
    """Raise ValueError for missing columns or labels, and for cells stated twice."""
    if absent := [name for name in [*keys, "n"] if name not in cells]:
        msg = f"columns not found: {absent}"
        raise ValueError(msg)
    _counts(cells)
    if cells[keys].isna().any(axis=None):
        msg = f"a label is missing in {[key for key in keys if cells[key].isna().any()]}"
        raise ValueError(msg)
    twice = cells.duplicated(keys)
    if twice.any():
        label = _label(cells, int(twice.to_numpy().argmax()), keys)
        msg = f"the cell {label} is stated twice; state each number once, whatever tables show it"
        raise ValueError(msg)


def _counts(cells: pd.DataFrame) -> IntArray:
    """Return the counts (n,); raises ValueError unless they are whole and not negative."""
    if "n" not in cells:
        msg = "columns not found: ['n']"
        raise ValueError(msg)
    if not len(cells):
        msg = "there are no cells"
        raise ValueError(msg)
    n = pd.to_numeric(cells["n"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    bad = ~((n >= 0) & (n <= _LARGEST) & (n == np.floor(n)))
    if bad.any():
        msg = f"counts must be whole numbers from 0, found {cells['n'].iloc[int(bad.argmax())]!r}"
        raise ValueError(msg)
    return n.astype(np.int64)


def _system(cells: pd.DataFrame, relations: list[Relation]) -> System:
    """Return counts, equations and costs; raises ValueError for relations that do not hold."""
    counts = _counts(cells)
    rows: list[int] = []
    columns: list[int] = []
    values: list[int] = []
    for i, relation in enumerate(relations):
        own = [relation.total, *relation.parts]
        if len(own) < 2 or len(set(own)) < len(own) or not 0 <= min(own) <= max(own) < len(cells):
            msg = f"{relation} must name different positions from 0 to {len(cells) - 1}"
            raise ValueError(msg)
        gap = int(counts[list(relation.parts)].sum() - counts[relation.total])
        if gap:
            msg = f"{relation} does not hold: the parts minus the total are {gap}"
            raise ValueError(msg)
        rows += [i] * len(own)
        columns += own
        values += [-1] + [1] * len(relation.parts)
    shape = (len(relations), len(cells))
    equations = sparse.csr_array((np.array(values, dtype=np.int64), (rows, columns)), shape=shape)
    published = np.ones(len(cells), dtype=bool)
    if "published" in cells:
        published = cells["published"].to_numpy(dtype=bool)
    links = np.array([relation.kind == "same" for relation in relations], dtype=bool)
    return System(counts, equations, links, published, _costs(cells, counts, relations))


def _costs(cells: pd.DataFrame, counts: IntArray, relations: list[Relation]) -> np.ndarray:
    """Return the positive cost (n,) of leaving a cell out."""
    if "cost" in cells:
        costs = cells["cost"].to_numpy(dtype=float)
        if not (np.isfinite(costs) & (costs > 0)).all():
            msg = "costs must be finite and positive"
            raise ValueError(msg)
        return costs
    costs = 1 + np.log1p(counts)
    dear = counts == 0
    dear[[relation.total for relation in relations]] = True
    return np.where(dear, _DEAR * costs, costs)


def _sensitive(cells: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which counts (n,) say something of persons."""
    if "sensitive" in cells:
        return cells["sensitive"].to_numpy(dtype=bool)
    return np.ones(len(cells), dtype=bool)


def _needs(
    system: System, relations: list[Relation], threshold: int, personal: npt.NDArray[np.bool_]
) -> tuple[IntArray, IntArray]:
    """Return how far (n,), (n,) below and above its count a sensitive cell must be possible."""
    if isinstance(threshold, bool) or threshold != int(threshold) or threshold < 2:
        msg = f"threshold must be a whole number of at least 2, found {threshold!r}"
        raise ValueError(msg)
    counts = system.counts
    small = (counts > 0) & (counts < threshold)
    down, up = np.where(small, counts, 0), np.where(small, threshold - counts, 0)
    for relation in relations:
        parts = np.array(relation.parts)
        held = counts[parts]
        size = counts[relation.total]
        if relation.kind != "answers" or not size:
            continue
        # A part that no table shows may hold everybody: then the shown ones are plain zeros.
        if size < threshold or (held[system.published[parts]] == size).any():
            up[parts[held == 0]] = threshold
            down[parts[held >= threshold]] = threshold
    return np.where(personal, down, 0), np.where(personal, up, 0)
