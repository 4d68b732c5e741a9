"""What the figures of surveys are drawn from, and pieces of their words."""

from __future__ import annotations

import numpy as np

NAN, INF = float("nan"), float("inf")

EASE = "Hoe moeilijk of makkelijk was het invullen van het stembiljet?"
CLEAR = "Hoe duidelijk was de uitleg op het stembiljet?"
LONG = (
    "Hoe moeilijk of makkelijk was het om kiezers die daar om vroegen uit te leggen hoe zij met "
    "het nieuwe stembiljet een kandidaat kiezen, ook als zij niet goed kunnen lezen?"
)
BALLOTS = ["nieuw", "oud"]
EASY = ("Heel moeilijk", "Heel makkelijk")
SHARES = np.array(
    [
        [[0.02, 0.07, 0.14, 0.38, 0.39], [0.04, 0.09, 0.16, 0.40, 0.31]],
        [[0.03, 0.09, 0.14, 0.41, 0.33], [NAN, NAN, 0.17, 0.40, 0.30]],
        [[0.50, 0.30, 0.20, 0.00, 0.00], [0.00, 0.00, 0.00, 0.10, 0.90]],
    ]
)
SIZES = np.array([[1271, 1249], [1262, 1242], [88, 91]])

LABELS = [f"{EASE} Makkelijk of heel makkelijk", "Wist u het zeker? Ja", f"{LONG} Ja", "Kort Ja"]
ESTIMATES = np.array([0.050, -0.014, NAN, 0.0])
LOWER, UPPER = np.array([0.018, -0.052, NAN, -INF]), np.array([0.127, 0.024, NAN, INF])
INNER = (np.array([0.030, -0.040, NAN, NAN]), np.array([0.080, 0.012, NAN, NAN]))
FOUND = np.array([True, False, False, False])

CASES = {
    "survey_answers": (([EASE, CLEAR, LONG], [EASY] * 3, BALLOTS, SHARES, SIZES), {}),
    "survey_answers:two": (
        (
            ["Had u hulp nodig?"],
            [("Ja", "Nee")],
            ["gemeenten met het nieuwe stembiljet", "oud"],
            [[[0.1, 0.9], [0.104, 0.896]]],
            [[1000, NAN]],
        ),
        {},
    ),
    "survey_differences": ((LABELS, ESTIMATES, LOWER, UPPER, FOUND, *INNER), {}),
    "survey_differences:one": (
        (LABELS[:1], ESTIMATES[:1], LOWER[:1], UPPER[:1], FOUND[:1], *(v[:1] for v in INNER)),
        {},
    ),
}

#: Pieces that the Dutch and the English alternative text must hold.
TEXTS = {
    "survey_answers": (
        [
            f"{EASE.rstrip('?')}: nieuw van ‘Heel moeilijk’ tot ‘Heel makkelijk’ 2%, 7%, 14%",
            "en oud niet getoond: te weinig antwoorden.",
        ],
        ["from ‘Heel moeilijk’ to ‘Heel makkelijk’ 2%, 7%", "oud not shown: too few answers."],
    ),
    "survey_answers:two": (["‘Ja’ tot ‘Nee’ 10%, 90%"], ["‘Ja’ to ‘Nee’ 10%, 90%"]),
    "survey_differences": (
        [
            "+5,0 (+1,8 tot +12,7), verschil aangetoond",
            "zeker? Ja: −1,4 (−5,2 tot +2,4), geen verschil aangetoond",
            "lezen? Ja: niet getoond;",
        ],
        ["+5.0 (+1.8 to +12.7), difference found", "lezen? Ja: not shown;"],
    ),
    "survey_differences:one": (["makkelijk: +5,0 (+1,8"], ["makkelijk: +5.0 (+1.8"]),
}
