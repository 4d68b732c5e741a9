"""Makes counts_seeds.json: Crowder's beta-binomial regression solved to 40 digits.

Root of the five likelihood equations with mpmath 1.4 (mpmath.findroot); no optimiser involved,
so the figures settle the eighth digit, where those of R packages differ.
"""

import json
from pathlib import Path

import mpmath

mpmath.mp.dps = 40
COUNTS = [10, 23, 23, 26, 17, 5, 53, 55, 32, 46, 10, 8, 10, 8, 23, 0, 3, 22, 15, 32, 3]
TOTALS = [39, 62, 81, 51, 39, 6, 74, 72, 51, 79, 13, 16, 30, 28, 45, 4, 12, 41, 30, 51, 7]
SEED = [0] * 11 + [1] * 10
EXTRACT = [0] * 5 + [1] * 6 + [0] * 5 + [1] * 5


def equations(*parameters):
    """Return the derivatives in the four coefficients and in log s."""
    *b, tau = parameters
    s = mpmath.exp(tau)
    total = [mpmath.mpf(0)] * 5
    for y, n, u, v in zip(COUNTS, TOTALS, SEED, EXTRACT, strict=True):
        p = 1 / (1 + mpmath.exp(-(b[0] + b[1] * u + b[2] * v + b[3] * u * v)))
        q = 1 - p
        first = mpmath.psi(0, y + p * s) - mpmath.psi(0, p * s)
        second = mpmath.psi(0, n - y + q * s) - mpmath.psi(0, q * s)
        both = mpmath.psi(0, n + s) - mpmath.psi(0, s)
        slope = s * p * q * (first - second)
        total = [
            t + x
            for t, x in zip(
                total,
                [slope, slope * u, slope * v, slope * u * v, s * (p * first + q * second - both)],
                strict=True,
            )
        ]
    return total


root = mpmath.findroot(equations, [-0.54, 0.1, 1.3, -0.8, 4.4], tol=1e-30)
result = {
    "made_by": f"counts_seeds.py with mpmath {mpmath.__version__}",
    "counts": COUNTS,
    "totals": TOTALS,
    "seed": SEED,
    "extract": EXTRACT,
    "coefficients": [float(value) for value in root[:4]],
    "rho": float(1 / (1 + mpmath.exp(root[4]))),
}
Path(__file__).with_name("counts_seeds.json").write_text(json.dumps(result, indent=1) + "\n")
