"""Calibrating every replicate of a survey, all at once.

Raking changes the weights of respondents with the same labels by the same factor. It suffices to
rake the sums of weights by combination of labels, of which there are far fewer than respondents,
with one column per replicate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.survey.calibration import rake_table
from ballot_eval.estimation.survey.margins import CellTable, MarginInput, cell_table, read_margins
from ballot_eval.estimation.survey.replicates import ReplicateWeights, cell_sums, named

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


def rake_replicates(
    replicates: ReplicateWeights,
    margins: Sequence[MarginInput],
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 1_000,
    exclude_failed: bool = False,
) -> ReplicateWeights:
    """Return the replicates with the whole sample and every replicate raked to ``margins``.

    ``margins`` as in :func:`~ballot_eval.estimation.survey.calibration.rake`; one margin is post-
    stratification. All replicates are raked at once on the table of the combinations of labels.
    With ``exclude_failed`` replicates of the bootstrap that cannot be raked are left out, named in
    ``failed`` and the scale adapted; the others then describe samples in which that went well.

    Raises ValueError for replicates that were raked already, margins that the whole sample
    cannot be raked to, and replicates that fail: they are named with the reason.
    """
    if replicates.adjustments.shape[1] > 1 or (replicates.adjustments != 1).any():
        msg = "these replicates are calibrated already; start from those that are not"
        raise ValueError(msg)
    if not 0 < tolerance < 1 or max_iterations < 1:
        msg = "tolerance must lie between 0 and 1, and there must be an iteration"
        raise ValueError(msg)
    start = replicates.weights
    table = cell_table(read_margins(margins, start, tolerance))
    sums = table.sums(start)
    whole, _ = rake_table(sums, table, tolerance=tolerance, max_iterations=max_iterations)
    off = _worst(_margin_sums((sums * whole)[:, None], table), table)[0]
    if not off <= tolerance:
        msg = f"the whole sample is {100 * off:.3g}% off after raking; rake it first to see where"
        raise ValueError(msg)
    drawn = cell_sums(start, table.cells, replicates.clusters, replicates.multipliers)
    factors, worst, empty = _rake_columns(drawn, table, tolerance, max_iterations)
    failed = np.flatnonzero(~(worst <= tolerance))
    if len(failed) and not (exclude_failed and replicates.method == "bootstrap"):
        raise ValueError(_failures(failed, worst, empty, replicates))
    raked = replace(
        replicates,
        weights=start * whole[table.cells],
        cells=table.cells,
        adjustments=np.ascontiguousarray((factors / whole[:, None]).T),
    )
    return _without(raked, failed) if len(failed) else raked


def _rake_columns(
    sums: FloatArray, table: CellTable, tolerance: float, max_iterations: int
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Rake each column of ``sums`` (cells, replicates) by itself.

    Returns the factors (cells, replicates), the largest remaining difference (replicates,), and
    whether a group has nobody in a replicate (replicates,). Replicates that are done leave.
    """
    factors = np.ones_like(sums)
    worst = np.full(sums.shape[1], np.inf)
    empty: BoolArray = np.min([s.min(axis=0) for s in _margin_sums(sums, table)], axis=0) <= 0
    active = np.flatnonzero(~empty)
    cells, multiplied = sums[:, active], factors[:, active]
    adders = _adders(table)
    for _ in range(max_iterations):
        for codes, targets, adder in zip(table.codes, table.targets, adders, strict=True):
            ratio = (targets[:, None] / (adder @ cells))[codes]
            cells *= ratio
            multiplied *= ratio
        worst[active] = _worst([adder @ cells for adder in adders], table)
        done = worst[active] <= tolerance
        if done.any():
            factors[:, active[done]] = multiplied[:, done]
            active, cells, multiplied = active[~done], cells[:, ~done], multiplied[:, ~done]
        if not len(active):
            break
    return factors, worst, empty


def _adders(table: CellTable) -> list[FloatArray]:
    """Return for each margin the matrix (groups, cells) that adds cells up to groups."""
    parts = zip(table.codes, table.targets, strict=True)
    return [np.eye(len(targets))[:, codes] for codes, targets in parts]


def _margin_sums(cells: FloatArray, table: CellTable) -> list[FloatArray]:
    return [adder @ cells for adder in _adders(table)]


def _worst(sums: Sequence[FloatArray], table: CellTable) -> FloatArray:
    """Return the largest relative difference of sums (groups, replicates) per replicate."""
    parts = zip(sums, table.targets, strict=True)
    off = [np.abs(s / targets[:, None] - 1).max(axis=0) for s, targets in parts]
    result: FloatArray = np.max(off, axis=0)
    return result


def _failures(
    failed: IntArray, worst: FloatArray, empty: BoolArray, replicates: ReplicateWeights
) -> str:
    """Return what to say of replicates that were not raked."""
    parts = []
    bare, slow = failed[empty[failed]], failed[~empty[failed]]
    if len(bare):
        parts.append(f"a group of the margins has nobody in {named(bare)}; join groups")
    if len(slow):
        off = 100 * worst[slow].max()
        parts.append(f"raking did not converge in {named(slow)} (at worst {off:.3g}% off)")
    if replicates.method == "jackknife":
        parts.append("a jackknife needs all its replicates")
    return "; ".join(parts)


def _without(replicates: ReplicateWeights, failed: IntArray) -> ReplicateWeights:
    """Return the replicates of a bootstrap without those that failed."""
    kept = np.setdiff1d(np.arange(replicates.n_replicates), failed)
    if len(kept) < 2:
        msg = "fewer than two replicates could be raked"
        raise ValueError(msg)
    return replace(
        replicates,
        multipliers=replicates.multipliers[kept],
        adjustments=replicates.adjustments[kept],
        rscales=replicates.rscales[kept],
        scale=1 / (len(kept) - 1),
        failed=tuple(int(position) for position in failed),
    )
