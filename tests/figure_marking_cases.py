"""What the figures of marking are drawn from, and pieces of their words."""

from __future__ import annotations

import pandas as pd

from ballot_eval.figures.invalid_reasons import COLORS

VOTES = (30, 23, 13, 4, 14, 5, 3, 8, 0)
NAMES = ("Alle samen", "Boekel", "Noordoostpolder", "\u2019s-Hertogenbosch", "Tynaarlo")


def reason_rows(names: tuple[str, ...] = NAMES) -> pd.DataFrame:
    rows = [
        (name, level, votes + (i * k) % 7, 0.0048 + 0.0003 * i)
        for i, name in enumerate(names)
        for k, (level, votes) in enumerate(zip(COLORS, VOTES, strict=True))
    ]
    return pd.DataFrame(rows, columns=["unit", "level", "votes", "rate"])


CASES = {
    "invalid_reasons": ((reason_rows(),), {}),
    "invalid_reasons:one": ((reason_rows()[:8],), {}),
    "invalid_reasons:eleven": ((reason_rows(tuple(f"Gemeente {i}" for i in range(12))),), {}),
}

TEXTS = {
    "invalid_reasons": (
        [
            "Alle samen (100 ongeldige stemmen, 0,48% van de uitgebrachte): meer dan één partij "
            "(stembiljet) 30%",
            "één partij, meer nummers (onzeker) 4%",
            "zonder opgegeven reden",
        ],
        ["more than one party (ballot) 30%", "no reason given"],
    ),
    "invalid_reasons:one": (["een andere reden 8%"], ["another reason 8%"]),
    "invalid_reasons:eleven": (["Gemeente 11 ("], ["Gemeente 11 ("]),
}
