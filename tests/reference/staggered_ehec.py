"""Make `staggered_ehec.json`: an event study with confidence sets printed by R's HonestDiD.

The README of the R package HonestDiD (github.com/asheshrambachan/HonestDiD) estimates the effect
of the Medicaid expansion of 2014 on the share of insured adults: 43 states, 2008-2015, states that
expanded in 2014 against the others without those of 2015, reference year 2013, and prints the C-LF
confidence sets of Δ^RM for the effect of 2014. The data are `Exercises/Data/ehec_data.csv` of
github.com/Mixtape-Sessions/Advanced-DID (from the American Community Survey); they are not stored
here, only the seven coefficients and their covariance.

In this balanced two-group panel the two-way fixed-effects coefficients are differences of mean
changes, and the covariance clustered by state is the outer product of the states' residuals, with
the small-sample factor (n-1)/(n-14)·G/(G-1) (7 coefficients, 7 years; state effects nested).

``python staggered_ehec.py ehec_data.csv``; needs numpy 2.3 only.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np

PRINTED = {
    "mbar": [0.5, 1.0, 1.5, 2.0],
    "lower": [0.0240, 0.0170, 0.00824, -0.000916],
    "upper": [0.0672, 0.0720, 0.0797, 0.0881],
}


def main(path: str) -> None:
    states: dict[str, dict[int, float]] = {}
    adopted: dict[str, str] = {}
    with Path(path).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if int(row["year"]) < 2016 and row["yexp2"] != "2015":
                states.setdefault(row["stfips"], {})[int(row["year"])] = float(row["dins"])
                adopted[row["stfips"]] = row["yexp2"]
    names = sorted(states)
    y = np.array([[states[s][year] for year in range(2008, 2016)] for s in names])
    first = np.array([adopted[s] == "2014" for s in names])
    change = np.delete(y - y[:, [5]], 5, axis=1)
    beta = change[first].mean(axis=0) - change[~first].mean(axis=0)
    scores = np.zeros_like(change)
    for side in (first, ~first):
        scores[side] = (change[side] - change[side].mean(axis=0)) / side.sum()
    # A state's score enters with the sign of its side, which cancels in the outer product.
    n, clusters = y.size, len(y)
    sigma = scores.T @ scores * (n - 1) / (n - 14) * clusters / (clusters - 1)
    reference = {
        "made_by": "staggered_ehec.py; printed limits: README of the R package HonestDiD, C-LF",
        "pre": beta[:5].tolist(),
        "post": beta[5:].tolist(),
        "covariance": sigma.tolist(),
        "printed": PRINTED,
    }
    text = json.dumps(reference, indent=1)
    (Path(__file__).parent / "staggered_ehec.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
