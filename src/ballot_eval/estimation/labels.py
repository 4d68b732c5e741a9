"""Labels of rows (stations, municipalities, groups …) as codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.intp]


def label_codes(labels: npt.ArrayLike, name: str, n: int) -> tuple[npt.NDArray[Any], IntArray]:
    """Return the distinct ``labels``, sorted, and the position (n,) of every row's label in them.

    Raises ValueError, with ``name``, for another number of labels than ``n``, for missing labels
    and for labels that cannot be sorted.
    """
    values = np.asarray(labels)
    if values.shape != (n,):
        msg = f"{name} must have one label per row: expected {n}, found shape {values.shape}"
        raise ValueError(msg)
    try:
        distinct, codes = np.unique(values, return_inverse=True)
    except TypeError as error:  # None or NaN among texts cannot be sorted
        msg = f"{name} holds missing labels or labels of different types; leave those rows out"
        raise ValueError(msg) from error
    # A missing number or date differs from itself.
    if any(label is None for label in distinct) or bool(np.not_equal(distinct, distinct).any()):
        msg = f"{name} holds missing labels; leave those rows out"
        raise ValueError(msg)
    return distinct, codes.astype(np.intp)
