"""Known population totals of groups of respondents, and the table of all their combinations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.labels import label_codes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
#: Labels (n,) of the respondents with the population total of every label.
MarginInput = tuple[npt.ArrayLike, Mapping[Any, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Margin:
    """Groups of ``n`` respondents: names (groups,), codes (n,) and population totals (groups,)."""

    labels: npt.NDArray[Any]
    codes: IntArray
    targets: FloatArray

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.targets)

    def indicators(self) -> FloatArray:
        """Return 1 where a respondent is in a group, (n, groups)."""
        result: FloatArray = np.eye(self.groups)[self.codes]
        return result


@dataclass(frozen=True, slots=True, eq=False)
class CellTable:
    """The combinations of groups that occur among ``n`` respondents.

    - ``cells`` (n,): combination of every respondent;
    - ``codes``: for each margin the group of every combination (combinations,);
    - ``targets``: for each margin the population totals of its groups.
    """

    cells: IntArray
    codes: tuple[IntArray, ...]
    targets: tuple[FloatArray, ...]

    @property
    def n_cells(self) -> int:
        """Number of combinations that occur."""
        return len(self.codes[0])

    def sums(self, weights: FloatArray) -> FloatArray:
        """Return the sums (combinations,) of weights (n,)."""
        return np.bincount(self.cells, weights=weights, minlength=self.n_cells).astype(float)

    def indicators(self) -> FloatArray:
        """Return 1 where a combination is in a group, for all groups of all margins."""
        parts = zip(self.codes, self.targets, strict=True)
        return np.column_stack([np.eye(len(targets))[codes] for codes, targets in parts])


def read_margin(
    labels: npt.ArrayLike, population: Mapping[Any, float], weights: FloatArray, name: str
) -> Margin:
    """Return a margin of respondents with ``weights`` (n,).

    Raises ValueError, with ``name``, for labels that are missing or without a total, totals that
    are not positive and finite, and a total of people whom no respondent represents. A group
    without people and without respondents is left out.
    """
    distinct, codes = label_codes(labels, name, len(weights))
    unknown = [str(label) for label in distinct if label not in population]
    if unknown:
        msg = f"{name}: no population total for {', '.join(unknown[:10])}"
        raise ValueError(msg)
    wrong = [str(k) for k, total in population.items() if not (0 <= total < math.inf)]
    if wrong:
        msg = f"{name}: totals must be finite and not negative: {', '.join(wrong[:10])}"
        raise ValueError(msg)
    present = set(distinct.tolist())
    empty = [str(k) for k, total in population.items() if total > 0 and k not in present]
    sums = np.bincount(codes, weights=weights, minlength=len(distinct))
    empty += [str(distinct[k]) for k in np.flatnonzero(sums <= 0)]
    if empty:
        msg = (
            f"{name}: nobody in the sample represents {', '.join(empty[:10])}, who are in the "
            "population; join groups"
        )
        raise ValueError(msg)
    targets = np.array([float(population[label]) for label in distinct])
    if (targets == 0).any():
        gone = ", ".join(str(label) for label in distinct[targets == 0][:10])
        msg = f"{name}: there are respondents but no people in {gone}; leave those rows out"
        raise ValueError(msg)
    return Margin(distinct, codes, targets)


def read_margins(
    margins: Sequence[MarginInput], weights: FloatArray, tolerance: float
) -> tuple[Margin, ...]:
    """Return margins whose totals agree with each other within ``tolerance`` of their size."""
    if not len(margins):
        msg = "there are no margins to calibrate to"
        raise ValueError(msg)
    found = tuple(
        read_margin(labels, population, weights, f"margin {number}")
        for number, (labels, population) in enumerate(margins, 1)
    )
    totals = [float(margin.targets.sum()) for margin in found]
    if max(totals) - min(totals) > tolerance * max(totals):
        shown = ", ".join(f"{number}: {total:.12g}" for number, total in enumerate(totals, 1))
        msg = f"the margins describe populations of different size ({shown}); scale them first"
        raise ValueError(msg)
    return found


def cell_table(margins: Sequence[Margin]) -> CellTable:
    """Return the table of the combinations of groups of ``margins``."""
    codes = np.column_stack([margin.codes for margin in margins])
    distinct, cells = np.unique(codes, axis=0, return_inverse=True)
    return CellTable(
        cells.reshape(-1).astype(np.intp),
        tuple(np.ascontiguousarray(column) for column in distinct.T),
        tuple(margin.targets for margin in margins),
    )
