"""Any raw table written as canonical CSV reads back the same, cell by cell."""

from __future__ import annotations

import csv

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ballot_eval.schema import TABLES
from ballot_eval.sources import read_raw

#: Any text but what no reader takes: NUL, surrogates, and cells of blanks alone in a whole row.
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@pytest.mark.parametrize("name", list(TABLES))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_canonical_table_reads_back_the_same(tmp_path, name, data):
    table = TABLES[name]
    optional = [c.name for c in table if c.optional]
    left_out = data.draw(st.sets(st.sampled_from(optional))) if optional else set()
    columns = data.draw(st.permutations([c for c in table.names if c not in left_out]))
    row = st.tuples(*(CELLS for _ in columns)).filter(lambda cells: any(map(str.strip, cells)))
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, quoting=csv.QUOTE_ALL)
        writer.writerow(columns)
        writer.writerows(rows)
    found = read_raw(None, tmp_path).tables[name].astype("str")
    expected = pd.DataFrame(rows, columns=columns).reindex(columns=table.names, fill_value="")
    assert found[list(table.names)].to_numpy().tolist() == expected.to_numpy().tolist()
