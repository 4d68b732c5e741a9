"""Strata of a comparison: the size groups of the plan, within which roles are compared."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ballot_eval.panel import Contrast


def has_strata(data: Contrast) -> bool:
    """Return whether the municipalities are in more than one stratum."""
    return bool(np.ptp(data.strata))


def stratum_dummies(data: Contrast) -> npt.NDArray[np.float64]:
    """Return one column per stratum but the first (n, s − 1), for changes within strata.

    Raises ValueError naming the municipalities of a stratum that holds only experiment
    municipalities: nobody there shows what would have happened.
    """
    for stratum in np.unique(data.strata) if has_strata(data) else ():
        if data.treated[data.strata == stratum].all():
            codes = [c for c, s in zip(data.codes, data.strata, strict=True) if s == stratum]
            msg = f"a stratum holds only experiment municipalities: {', '.join(codes)}"
            raise ValueError(msg)
    dummies = data.strata[:, None] == np.unique(data.strata)[1:]
    return np.asarray(dummies, dtype=float)
