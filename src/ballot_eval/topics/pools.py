"""Who the experiment municipalities are compared with: pools of controls, chosen by fixed rules."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.matching import (
    BalanceTable,
    balance,
    entropy_balance,
    match_controls,
)
from ballot_eval.municipalities import load_municipalities, neighbours_of
from ballot_eval.panel import Contrast, Panel

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

#: Size classes of the votes cast, with about as many municipalities each.
SIZE_CLASSES = 5

#: Controls matched to each experiment municipality.
MATCHES = 5

#: What municipalities are matched on, besides their earlier rates.
COVARIATES = (
    "log_inhabitants",
    "log_density",
    "higher_education_share",
    "mean_income_eur_thousands",
)


def covariates(codes: tuple[str, ...]) -> FloatArray:
    """Return the public facts of municipalities (n, k), in the order of ``COVARIATES``.

    Raises ValueError naming municipalities that are not in the table of 2025.
    """
    table = load_municipalities()
    if unknown := [code for code in codes if code not in table.index]:
        msg = f"no public facts on {', '.join(unknown)}"
        raise ValueError(msg)
    rows = table.loc[list(codes)]
    return np.column_stack(
        [
            np.log(rows["inhabitants_count"]),
            np.log(rows["inhabitants_per_km2"]),
            rows["higher_education_share"],
            rows["mean_income_eur_thousands"],
        ]
    ).astype(float)


def earlier_rates(panel: Panel, data: Contrast, outcome: str) -> FloatArray:
    """Return the rates (n, elections) at every election before the study's."""
    columns = []
    for election in panel.study.needed_elections()[:-1]:
        counts = panel.counts(election, outcome).reindex(list(data.codes))
        columns.append((counts["numerator"] / counts["denominator"]).to_numpy(dtype=float))
    return np.column_stack(columns)


def control_pools(panel: Panel, data: Contrast, outcome: str) -> Iterator[tuple[str, BoolArray]]:
    """Yield (name, which municipalities take part), the experiment municipalities always in.

    ``all``; ``reference``, those of the plan; ``same_size``, the size classes that hold an
    experiment municipality; ``same_province``, the provinces that do; ``without_neighbours`` of
    the experiment municipalities; ``matched``, the nearest in public facts and earlier rates. A
    pool without controls, or that needs facts that are not known, is left out.
    """
    t = data.treated
    yield "all", np.ones(len(t), dtype=bool)
    now = panel.counts(panel.study.election, outcome).loc[list(data.codes)]
    pools: dict[str, BoolArray] = {"reference": now["is_reference"].to_numpy(dtype=bool)}
    ranks = np.argsort(np.argsort(data.votes_cast, kind="stable"), kind="stable")
    classes = ranks * SIZE_CLASSES // len(ranks)
    pools["same_size"] = np.isin(classes, classes[t])
    provinces = load_municipalities()["province"].reindex(list(data.codes)).to_numpy()
    known = np.array([isinstance(p, str) for p in provinces])
    pools["same_province"] = known & np.isin(
        provinces.astype(str), provinces[t & known].astype(str)
    )
    experiment = [code for code, role in zip(data.codes, t, strict=True) if role]
    pools["without_neighbours"] = ~np.isin(data.codes, _neighbours(experiment))
    matched = matched_pool(panel, data, outcome)
    if matched is not None:
        pools["matched"] = matched
    for name, keep in pools.items():
        if (keep & ~t).any():
            yield name, keep | t


def _neighbours(codes: list[str]) -> tuple[str, ...]:
    known = load_municipalities().index
    return neighbours_of([code for code in codes if code in known])


def matched_pool(panel: Panel, data: Contrast, outcome: str) -> BoolArray | None:
    """Return who is matched, or None when the facts or enough controls are lacking."""
    try:
        x = np.column_stack([covariates(data.codes), earlier_rates(panel, data, outcome)])
        matches = match_controls(x, data.treated, k=MATCHES, replace=False, order="closest")
    except ValueError:
        return None
    return np.asarray(matches.weights > 0, dtype=bool)


def balancing_weights(panel: Panel, data: Contrast, outcome: str) -> FloatArray:
    """Return weights (n,) that give the controls the means of the experiment municipalities.

    On public facts and earlier rates, by entropy balancing; experiment municipalities have 1 and
    the controls' weights sum to their number. Raises ValueError where facts are not known or no
    such weights exist.
    """
    x = np.column_stack([covariates(data.codes), earlier_rates(panel, data, outcome)])
    found = entropy_balance(x, data.treated)
    controls = found.weights[~data.treated]
    weights = np.ones(len(data.codes))
    weights[~data.treated] = controls * data.treated.sum() / controls.sum()
    return weights


def balance_of_matches(
    panel: Panel, data: Contrast, outcome: str
) -> tuple[tuple[str, ...], BalanceTable, BoolArray] | None:
    """Return names, balance before and after matching, and who is matched; None without."""
    matched = matched_pool(panel, data, outcome)
    if matched is None:
        return None
    x = np.column_stack([covariates(data.codes), earlier_rates(panel, data, outcome)])
    names = (*COVARIATES, *(f"rate_{e}" for e in panel.study.needed_elections()[:-1]))
    return names, balance(x, data.treated, matched.astype(float)), matched
