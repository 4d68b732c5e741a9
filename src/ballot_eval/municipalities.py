"""The 342 municipalities of the Netherlands in 2025: public facts for choosing controls.

Figures are from Statistics Netherlands (CBS), open data under CC BY 4.0; ``data/SOURCES.md``
names them one by one. Codes are four digits, as text, and equal those of the results of the
parliamentary election of 29 October 2025 (TK2025).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import pandas as pd

#: Columns of :func:`load_municipalities` that hold numbers; shares are fractions.
FIGURES = (
    "inhabitants_count",
    "inhabitants_per_km2",
    "higher_education_share",
    "mean_income_eur_thousands",
    "lowest_income_households_share",
    "highest_income_households_share",
    "address_density",
)


def load_municipalities() -> pd.DataFrame:
    """Return the municipalities of 2025, one row each, indexed by ``municipality_code``.

    The caller gets a copy. Source of the figures: CBS, open data, CC BY 4.0. Columns:

    - ``municipality_name``, ``province``: text;
    - ``inhabitants_count``, ``inhabitants_per_km2``: 2025;
    - ``higher_education_share``: share with a degree of hbo or university, 2024;
    - ``mean_income_eur_thousands``: per inhabitant and year, in thousands of euros;
    - ``lowest_income_households_share``, ``highest_income_households_share``: households in the
      lowest 40 and in the highest 20 per cent of the national distribution, as shares of the
      households of the municipality;
    - ``address_density``: addresses per km² around an address, 2019. NaN for Eemsdelta, Dijk en
      Waard, Land van Cuijk, Maashorst and Voorne aan Zee, which did not exist then. Purmerend and
      Amsterdam have the figure of before Beemster and Weesp joined them.
    """
    return _municipalities().copy()


@cache
def _municipalities() -> pd.DataFrame:
    path = files("ballot_eval") / "data" / "municipalities.csv"
    with path.open(encoding="utf-8") as handle:
        table = pd.read_csv(handle, dtype={"municipality_code": str})
    return table.set_index("municipality_code")
