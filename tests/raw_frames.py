"""Raw tables made of frames, as a reader would deliver them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ballot_eval.raw import RawData, SourceFile
from ballot_eval.schema import COUNTED_TABLES, TABLES
from ballot_eval.sources.frames import Block, block, joined, joined_lines


def raw_tables(frames: Mapping[str, pd.DataFrame], files: Sequence[SourceFile] = ()) -> RawData:
    """Return raw data of some tables: text cells, lines from 2, file ``m.csv`` unless given."""
    blocks: dict[str, list[tuple[str, Block]]] = {name: [] for name in TABLES}
    for name, frame in frames.items():
        cells = {c: list(frame[c]) for c in frame.columns if not c.startswith("source_")}
        lines = frame.get("source_line", pd.Series(range(2, len(frame) + 2)))
        whole = block(name, cells, list(lines))
        path = frame["source_file"].iloc[0] if "source_file" in frame else "m.csv"
        blocks[name].append((path, whole))
    tables = {name: joined(table, blocks[name]) for name, table in TABLES.items()}
    for name, frame in frames.items():
        if "source_file" in frame:
            tables[name]["source_file"] = list(frame["source_file"])
    lines = {name: joined_lines([part for _, part in blocks[name]]) for name in COUNTED_TABLES}
    return RawData(tables, lines, tuple(files))
