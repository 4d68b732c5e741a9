"""Tables of which a row is about a whole or about a part of it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def whole_or_parts(frame: pd.DataFrame, part: str, keys: Sequence[str]) -> pd.DataFrame:
    """Return the rows about a whole, or those about its parts where it has none of its own.

    ``part`` is empty in a row about a whole; ``keys`` tell wholes apart.
    """
    is_whole = frame[part] == ""
    own, wholes = (pd.MultiIndex.from_frame(d[list(keys)]) for d in (frame, frame[is_whole]))
    return frame[is_whole | ~own.isin(wholes)]
