"""What the figures of learning are drawn from, and pieces of their words."""

from __future__ import annotations

import numpy as np

NAN, INF = float("nan"), float("inf")

TIMES = ["EP2024", "TK2025", "GR2026"]
POOLED = ([0.0052, 0.0025, 0.0019], [NAN, 0.0017, 0.0011], [NAN, 0.0033, 0.0027])
SINGLES = {
    "Alphen aan den Rijn": [0.0050, 0.0027, 0.0021],
    "Boekel": [0.0041, 0.0038, 0.0024],
    "Borne": [0.0081, 0.0024, NAN],
    "Midden-Delfland": [0.0032, 0.0022, 0.0020],
    "Tynaarlo": [0.0051, 0.0017, 0.0014],
}
ROUNDING = ([0.00512, NAN, NAN], [0.00532, NAN, NAN])


def _many(n: int, columns: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    names = ["Alphen aan den Rijn", "\u2019s-Hertogenbosch", "Noordoostpolder", "Meierijstad"]
    return {
        f"{names[i % 4]} {i}" if i > 3 else names[i]: rng.normal(0.0022, 0.0007, columns)
        for i in range(n)
    }


THIRD = {"Alphen aan den Rijn": 0.0021, "Boekel": 0.0024, "Midden-Delfland": 0.0020}
THIRD |= {"Tynaarlo": 0.0014}
FIRST = {
    "Gouda": 0.0035,
    "Leiden": 0.0028,
    "Meierijstad": 0.0031,
    "Nijmegen": 0.0026,
    "Noordoostpolder": 0.0044,
    "\u2019s-Hertogenbosch": 0.0030,
    "Soest": 0.0019,
}
GROUPS = {"derde keer": THIRD, "eerste keer": FIRST}
MEANS = [0.001975, 0.003043]
DIFFERENCE = (-0.00107, -0.0021, 0.0, 0.048)
NEVER = np.random.default_rng(2).normal(0, 0.0011, 330)

STEPS = [
    "EP2024, vijf gemeenten",
    "toetreders (zeven gemeenten)",
    "vertrekker (Borne)",
    "beweging in gemeenten zonder het nieuwe stembiljet",
    "soort verkiezing: eigen uitgangspunt",
    "leren: daling van het extra aandeel",
    "GR2026, elf gemeenten",
]
PARTS = np.array([0.0008, -0.0003, 0.0006, -0.0002, -0.0035])
LOW = np.array([NAN, -0.0011, 0.00055, NAN, -0.0044])
HIGH = np.array([NAN, 0.0, 0.00065, NAN, -0.0026])

SCENARIOS = ["zonder verder leren", "eerste gebruik", "leren zoals gezien", "als de beste gemeente"]
RATE = 0.0026
SHARES = np.array([0.0053, 0.0058, 0.0046, 0.0040])
LOWER, UPPER = SHARES - 0.0007, SHARES + 0.0008
LOWER[3] = UPPER[3] = NAN
FAR = {"range_lower": [0.0040, 0.0044, 0.0040, NAN], "range_upper": [0.0070, 0.0070, 0.0050, NAN]}
NATION = {"control_rate": RATE, "votes_cast": 10_640_324}


def _both_scales() -> tuple:
    labels = [name for name in SCENARIOS for _ in range(2)]
    shares = np.repeat(SHARES, 2) + np.tile([0, 0.0004], 4)
    lower, upper = np.repeat(LOWER, 2), np.repeat(UPPER, 2) + np.tile([0, 0.0009], 4)
    return labels, shares, lower, upper


#: What each figure is drawn from; after a colon, a variant of the same figure.
CASES = {
    "excess_by_exposure": (
        (TIMES, [1, 2, 3], *POOLED),
        {"municipalities": SINGLES, "rounded": ROUNDING},
    ),
    "excess_by_exposure:blank": (
        (TIMES, [1, 2, 3], *POOLED),
        {
            "municipalities": {"Boekel": SINGLES["Boekel"]},
            "rounded": ROUNDING,
            "own_rounded": {"Boekel": ([0.0036, NAN, NAN], [0.0047, NAN, NAN])},
            "kind": "blank",
        },
    ),
    "excess_by_exposure:plain": (
        (["TK2025", "GR2026"], [1, 2], [0.0025, 0.0019], [0.0017, 0.0011], [0.0033, 0.0027]),
        {},
    ),
    "excess_by_exposure:one": (
        (["gemeenteraadsverkiezing 2026"], [3], [0.0019], [0.0011], [0.0027]),
        {"municipalities": {"Boekel": [0.0024]}},
    ),
    "excess_by_exposure:many": (
        (
            [*TIMES, "PS2027", "EP2029"],
            [1, 2, 3, 4, 5],
            [NAN, 0.0025, 0.0019, 0.0017, 0.0016],
            [NAN, 0.0017, -0.0011, NAN, 0.0010],
            [NAN, 0.0033, 0.0027, NAN, 0.0020],
        ),
        {
            "municipalities": _many(22, 5),
            "rounded": ([0.0042, NAN, NAN, 0.0012, NAN], [0.0061, NAN, NAN, 0.0022, NAN]),
        },
    ),
    "later_against_first": ((GROUPS, MEANS, DIFFERENCE), {"never_exposed": NEVER}),
    "later_against_first:plain": (
        (
            {"later": {"Boekel": 0.002}, "first": {"Soest": 0.003}},
            [0.002, 0.003],
            (-1e-3,) * 3 + (1.0,),
        ),
        {},
    ),
    "later_against_first:unbounded": (
        (GROUPS, MEANS, (-0.0011, -INF, 0.004, 0.0000003)),
        {"never_exposed": NEVER},
    ),
    "later_against_first:many": (
        (
            {
                "derde keer en vaker": dict(zip("abcdefghijkl", NEVER[:12] + 0.002, strict=True)),
                "eerste keer": {str(i): v + 0.003 for i, v in enumerate(NEVER[:150].tolist())},
            },
            [0.0021, 0.0030],
            (-0.0009, -0.0016, -0.0002, 0.012),
        ),
        {"never_exposed": NEVER},
    ),
    "waterfall": ((STEPS, PARTS, 0.0074, 0.0048), {"lower": LOW, "upper": HIGH}),
    "waterfall:exact": (
        (["EP2024", "trend", "verschil", "TK2025"], [0.00082345, -0.00341234], 0.0074, 0.00481111),
        {},
    ),
    "waterfall:up": ((["A", "erbij", "B"], [0.0021], 0.0002, 0.0023), {}),
    "waterfall:many": (
        (
            [
                "begin",
                *(f"deel {i} met een naam die over twee regels loopt" for i in range(10)),
                "eind",
            ],
            [0.001, -0.0005] * 5,
            0.004,
            0.0065,
        ),
        {"lower": [0.0005, -0.001] * 5, "upper": [0.0015, 0.0] * 5},
    ),
    "forecast": ((SCENARIOS, SHARES, LOWER, UPPER), NATION | FAR),
    "forecast:scales": (_both_scales(), NATION | {"scales": ["additive", "ratio"] * 4}),
    "forecast:one": (
        (["a"], [0.0010], [0.0], [0.0030]),
        {"control_rate": 0.0028, "votes_cast": 90_000},
    ),
}

#: Pieces of the alternative text in Dutch and in English.
TEXTS = {
    "excess_by_exposure": (
        [
            "EP2024 (1e keer) +0,52; TK2025 (2e keer) +0,25 (+0,17 tot +0,33)",
            "is bekend: EP2024 +0,51 tot +0,53.",
            "Borne +0,81, +0,24, niet gemeten",
        ],
        ["EP2024 (use 1) +0.52; TK2025 (use 2) +0.25 (+0.17 to +0.33)", "Borne +0.81, +0.24, not"],
    ),
    "excess_by_exposure:blank": (
        ["Boekel +0,41 (door afronding +0,36 tot +0,47), +0,38, +0,24."],
        ["Boekel +0.41 (by rounding +0.36 to +0.47), +0.38"],
    ),
    "excess_by_exposure:plain": (["GR2026 (2e keer) +0,19 ("], ["GR2026 (use 2) +0.19 ("]),
    "excess_by_exposure:one": (["Boekel +0,24."], ["Boekel +0.24."]),
    "excess_by_exposure:many": (["EP2024 (1e keer) niet gemeten"], ["(use 1) not measured"]),
    "later_against_first": (
        [
            "derde keer gemiddeld +0,20 (4 gemeenten: Boekel +0,24, Alphen aan den Rijn +0,21",
            "verschil tussen de groepen is −0,11 (−0,21 tot 0,00), p-waarde 0,048",
            "De middelste 95% van de gemeenten zonder",
        ],
        ["derde keer mean +0.20 (4 municipalities: Boekel +0.24", "is −0.11 (−0.21 to 0.00), p-v"],
    ),
    "later_against_first:plain": (
        ["later gemiddeld +0,20 (1 gemeente: "],
        ["later mean +0.20 (1 municipality: "],
    ),
    "later_against_first:unbounded": (
        ["−0,11 (−∞ tot +0,40), p-waarde < 0,000001"],
        ["−0.11 (−∞ to +0.40), p-value < 0.000001"],
    ),
    "later_against_first:many": (["+0,30 (150 gemeenten)"], ["+0.30 (150 municipalities)"]),
    "waterfall": (
        [
            "van EP2024, vijf gemeenten (0,74%) naar GR2026, elf gemeenten (0,48%)",
            "vertrekker (Borne) −0,03 (door afronding −0,11 tot 0,00)",
            "tellen precies op tot −0,26 procentpunt",
        ],
        ["vertrekker (Borne) −0.03 (by rounding −0.11 to 0.00)", "to −0.26 percentage points"],
    ),
    "waterfall:exact": (["trend +0,08"], ["trend +0.08"]),
    "waterfall:up": (["erbij +0,21. De delen"], ["erbij +0.21. The parts"]),
    "waterfall:many": (["+0,25 procentpunt"], ["+0.25 percentage points"]),
    "forecast": (
        [
            "zonder verder leren, zelfde verschil in procentpunt: 0,53% (0,46–0,61%), 56.400 "
            "ongeldige stemmen, +28.700 extra, afzonderlijke gemeenten 0,40–0,70%",
            "0,40% (zonder interval), 42.600",
            "Zonder het nieuwe stembiljet is het 0,26%.",
        ],
        ["0.53% (0.46–0.61%), 56,400 invalid votes, +28,700 extra", "0.40% (no interval)"],
    ),
    "forecast:scales": (["zelfde verhouding: 0,57%"], ["same ratio: 0.57%"]),
    "forecast:one": (["0,10% (0,00–0,30%), 90 ongeldige stemmen, −162 extra"], ["−162 extra"]),
}
