"""Makes counts_panel.csv: invented counts of 24 municipalities at 4 elections.

Beta-binomial counts with municipality and election effects and an odds ratio of 1.5 for the new
ballot. Municipality 23 has no events at all. Made with numpy 2.4 (default_rng, seed 20260101).
"""

from pathlib import Path

import numpy as np

rng = np.random.default_rng(20260101)
places, elections = 24, 4
municipality = np.repeat(np.arange(places), elections)
election = np.tile(np.arange(elections), places)
new_ballot = (municipality < 5) & (election == elections - 1)
total = np.repeat(rng.integers(2_000, 40_000, places), elections) + rng.integers(0, 900, 96)
eta = np.repeat(rng.normal(-5.8, 0.3, places), elections) + 0.1 * election
p = 1 / (1 + np.exp(-(eta + np.log(1.5) * new_ballot)))
scale = (1 - 5e-4) / 5e-4
count = np.where(municipality == 23, 0, rng.binomial(total, rng.beta(p * scale, (1 - p) * scale)))
rows = zip(municipality, election, new_ballot.astype(int), count, total, strict=True)
lines = ["municipality,election,new_ballot,count,total", *(",".join(map(str, r)) for r in rows)]
text = "\n".join(["# Made by counts_panel.py; invented.", *lines, ""])
Path(__file__).with_name("counts_panel.csv").write_text(text, encoding="utf-8")
