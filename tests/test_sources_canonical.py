"""Any raw table written as canonical CSV reads back the same, cell by cell."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ballot_eval.cli_convert import write_table
from ballot_eval.schema import TABLES
from ballot_eval.sources import read_raw

#: Drawn often: what a CSV has to quote.
SPECIAL = st.text("\r\n\"';, x", max_size=4)

#: Any text but what no reader takes: NUL, surrogates, and cells of blanks alone in a whole row.
CELLS = SPECIAL | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


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
    written = pd.DataFrame(rows, columns=columns)
    split = data.draw(st.integers(0, len(rows)))
    write_table(tmp_path / f"{name}.csv", [written[:split], written[split:]])
    found = read_raw(None, tmp_path).tables[name].astype("str")
    expected = written.reindex(columns=table.names, fill_value="")
    assert found[list(table.names)].to_numpy().tolist() == expected.to_numpy().tolist()


def test_a_lone_cr_in_a_cell_is_written_so_that_it_reads_back(tmp_path):
    table = TABLES["municipality_results"]
    cells = dict.fromkeys(table.required, "1") | {"municipality_name": "Boekel\rUden"}
    write_table(tmp_path / "municipality_results.csv", [pd.DataFrame([cells])])
    found = read_raw(None, tmp_path).tables["municipality_results"]
    assert found["municipality_name"].tolist() == ["Boekel\rUden"]
