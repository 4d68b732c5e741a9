"""Two kinds of respondents compared at the same polling stations.

Weighted least squares with an indicator per station. Only stations with respondents of both kinds
say anything on the difference, and those with many of them say most, so neither the number of all
stations nor that of the design gives the degrees of freedom. The standard error is CR2 with
Satterthwaite's degrees of freedom (Bell & McCaffrey 2002; Pustejovsky & Tipton 2018).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.clusters import CoefficientResult, cluster_design, cluster_ols
from ballot_eval.estimation.labels import label_codes

FloatArray = npt.NDArray[np.float64]

#: Below as many degrees of freedom the approximation by t is not to be relied on (Tipton 2015,
#: Psychological Methods 20).
LEAST_DF = 4.0


def within_difference(
    values: npt.ArrayLike,
    kind: npt.ArrayLike,
    stations: npt.ArrayLike,
    weights: npt.ArrayLike,
    *,
    confidence_level: float = 0.95,
) -> CoefficientResult:
    """Return the mean of ``values`` (n,) where ``kind`` (n,) is true less the others', per station.

    ``stations`` (n,) are labels, the clusters; ``weights`` (n,) are positive. The weights are taken
    as known: that they were calibrated is left out of the standard error. Rows of stations without
    both kinds are not used.

    Multiplied by the root of the weights and with the stations taken out, the regression is one
    without weights or effects, and so are its CR2 adjustment and degrees of freedom (Pustejovsky &
    Tipton 2018, theorem 2: the errors that the adjustment is exact for have variances that go as
    one over the weights).

    Raises ValueError for fewer than two stations with both kinds, fewer than ``LEAST_DF`` degrees
    of freedom, and values without variance.
    """
    y, x = np.asarray(values, dtype=float), np.asarray(kind, dtype=bool)
    w = np.asarray(weights, dtype=float)
    names, codes = label_codes(stations, "stations", len(y))
    both = np.logical_and(
        np.bincount(codes, weights=x) > 0, np.bincount(codes, weights=~x) > 0, dtype=bool
    )
    if both.sum() < 2:
        msg = (
            f"{int(both.sum())} of {len(names)} stations have respondents of both kinds; a "
            "comparison within stations needs at least two"
        )
        raise ValueError(msg)
    used = both[codes]
    codes, w = codes[used], w[used]
    rows = [
        np.sqrt(w) * (column - _means(column, codes, w)[codes])
        for column in (y[used], x[used].astype(float))
    ]
    design = cluster_design(rows[1][:, None], codes)
    found = cluster_ols(design, rows[0], method="cr2", confidence_level=confidence_level)[0]
    if found.df < LEAST_DF:
        msg = (
            f"{int(both.sum())} of {len(names)} stations have respondents of both kinds; that "
            f"leaves {found.df:.1f} degrees of freedom, and fewer than {LEAST_DF:g} give no test"
        )
        raise ValueError(msg)
    return found


def _means(column: FloatArray, codes: npt.NDArray[np.intp], weights: FloatArray) -> FloatArray:
    """Return the weighted mean of every station, 0 where it has no rows."""
    sums = np.bincount(codes, weights=weights)
    totals = np.bincount(codes, weights=weights * column)
    return np.divide(totals, sums, out=np.zeros_like(sums), where=sums > 0)
