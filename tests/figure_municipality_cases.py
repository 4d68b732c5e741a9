"""What the figure of one municipality is drawn from, and pieces of its words."""

from __future__ import annotations

import pandas as pd

NAN = float("nan")

COLUMNS = (
    *("election", "new_ballot", "rate", "ci_lower", "ci_upper"),
    *("control_lower", "control_median", "control_upper"),
)


def history_rows(elections=7) -> pd.DataFrame:
    """Return a municipality that had the new ballot at its last three elections."""
    rows = [
        ("GR2018", False, 0.0013, 0.0010, 0.0016, 0.0011, 0.0022, 0.0044),
        ("EP2019", False, 0.0007, 0.0005, 0.0010, NAN, NAN, NAN),
        ("GR2022", False, 0.0008, 0.0006, 0.0011, 0.0009, 0.0023, 0.0049),
        ("TK2023", False, NAN, NAN, NAN, 0.0011, 0.0022, 0.0041),
        ("EP2024", True, 0.0070, 0.0065, 0.0075, NAN, NAN, NAN),
        ("TK2025", True, 0.0041, 0.0037, 0.0046, 0.0011, 0.0023, 0.0043),
        ("GR2026", True, 0.0038, 0.0033, 0.0044, 0.0010, 0.0023, 0.0042),
    ]
    return pd.DataFrame(rows[:elections], columns=list(COLUMNS))


CASES = {
    "municipality_history": ((history_rows(), "\u2019s-Hertogenbosch"), {}),
    "municipality_history:one": ((history_rows(1), "Boekel"), {"kind": "residual"}),
}

#: Pieces that the Dutch and the English alternative text must hold.
TEXTS = {
    "municipality_history": (
        [
            "in \u2019s-Hertogenbosch per verkiezing",
            "EP2019 oud stembiljet 0,07%;",
            "TK2023 oud stembiljet niet gemeten (controlegemeenten 0,11–0,41%)",
            "GR2026 nieuw stembiljet 0,38% (controlegemeenten 0,10–0,42%).",
        ],
        ["TK2023 old ballot not measured", "GR2026 new ballot 0.38%", "0.10–0.42%"],
    ),
    "municipality_history:one": (
        ["ongeldige en blanco stemmen samen in Boekel"],
        ["invalid and blank votes together in Boekel"],
    ),
}
