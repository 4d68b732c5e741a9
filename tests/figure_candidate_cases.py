"""What the figure of repeated numbers is drawn from, and pieces of its words."""

from __future__ import annotations

import pandas as pd

NAN = float("nan")
COLUMNS = ["number", "unit", "count", "estimate", "ci_lower", "ci_upper"]


def number_rows(last: int = 12) -> pd.DataFrame:
    rows = []
    for number in (*range(2, last + 1), 0):
        count = 11 if number else 83
        half = 0.05 / (number or 8)
        rows.append((number, "experiment", count, 0.02, 0.02 - half, 0.02 + half))
        rows.append((number, "control", 30 * count, 0.0005, -0.001, 0.002))
    frame = pd.DataFrame(rows, columns=COLUMNS)
    # One list has no interval; two have a very wide one.
    frame.loc[frame.index[-4], COLUMNS[2:]] = [1, 0.03, NAN, NAN]
    frame.loc[frame.index[-6], COLUMNS[2:]] = [2, 0.01, -0.2, 0.22]
    return frame


CASES = {
    "repeated_numbers": ((number_rows(),), {}),
    "repeated_numbers:national": ((number_rows(26),), {}),
    "repeated_numbers:one": ((number_rows().query("number == 0"),), {}),
}

#: Pieces that the Dutch and the English alternative text must hold.
TEXTS = {
    "repeated_numbers": (
        [
            "2: experimentgemeenten +2,00 (−0,50 tot +4,50; 11 lijsten), controlegemeenten +0,05",
            "12: experimentgemeenten +3,00 (zonder interval; 1 lijst)",
            "alle nummers samen: experimentgemeenten +2,00",
        ],
        [
            "2: experiment municipalities +2.00 (−0.50 to +4.50; 11 lists)",
            "(no interval; 1 list)",
            "all numbers together",
        ],
    ),
    "repeated_numbers:national": (["26: experimentgemeenten"], ["26: experiment municipalities"]),
    "repeated_numbers:one": (["alle nummers samen"], ["all numbers together"]),
}
