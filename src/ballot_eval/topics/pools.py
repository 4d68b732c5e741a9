"""Who the experiment municipalities are compared with: pools of controls, chosen by fixed rules."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

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

#: How a note on municipalities that took no part begins.
LEFT_OUT = "left out without all facts and earlier rates: "

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
    with contextlib.suppress(ValueError):
        pools["matched"] = matched_pool(panel, data, outcome).members
    for name, keep in pools.items():
        if (keep & ~t).any():
            yield name, keep | t


def _neighbours(codes: list[str]) -> tuple[str, ...]:
    known = load_municipalities().index
    return neighbours_of([code for code in codes if code in known])


def balancing_facts(
    panel: Panel, data: Contrast, outcome: str
) -> tuple[FloatArray, BoolArray, tuple[str, ...]]:
    """Return public facts and earlier rates (m, k) of who has them, who does (n,), and names (k,).

    A control without a rate at an earlier election, or that is not in the table of facts, is left
    out. Raises ValueError naming an experiment municipality without facts, and when no control
    has them all.
    """
    rates = earlier_rates(panel, data, outcome)
    known = np.isin(data.codes, load_municipalities().index)
    kept = np.isfinite(rates).all(axis=1) & (known | data.treated)
    elections = panel.study.needed_elections()
    if not (kept & ~data.treated).any():
        msg = f"no control municipality has results at all of {', '.join(elections)}"
        raise ValueError(msg)
    part = data.subset(kept)
    names = (*COVARIATES, *(f"rate_{e}" for e in elections[:-1]))
    return np.column_stack([covariates(part.codes), rates[kept]]), kept, names


def left_out_note(data: Contrast, kept: BoolArray) -> str:
    """Return which municipalities took no part for want of facts; empty when all did."""
    codes = [code for code, k in zip(data.codes, kept, strict=True) if not k]
    if not codes:
        return ""
    return f"{LEFT_OUT}{', '.join(codes)}"


@dataclass(frozen=True, slots=True)
class MatchedPool:
    """Who is matched (n,), the balance before and after, and the note on who was left out.

    ``names`` are the facts of ``balance``; ``compared`` (n,) are the municipalities that have
    all of them.
    """

    members: BoolArray
    compared: BoolArray
    names: tuple[str, ...]
    balance: BalanceTable
    note: str


def matched_pool(panel: Panel, data: Contrast, outcome: str) -> MatchedPool:
    """Return the controls nearest to the experiment municipalities in facts and earlier rates.

    Raises ValueError when facts are not known or there are too few controls.
    """
    x, kept, names = balancing_facts(panel, data, outcome)
    roles = data.treated[kept]
    weights = match_controls(x, roles, k=MATCHES, replace=False, order="closest").weights
    members = np.zeros(len(kept), dtype=bool)
    members[kept] = weights > 0
    table = balance(x, roles, (weights > 0).astype(float))
    return MatchedPool(members, kept, names, table, left_out_note(data, kept))


def balancing_weights(panel: Panel, data: Contrast, outcome: str) -> tuple[BoolArray, FloatArray]:
    """Return who takes part (n,) and weights (m,) that give controls the experiment's means.

    On public facts and earlier rates, by entropy balancing; experiment municipalities have 1 and
    the controls' weights sum to their number. Raises ValueError where facts are not known or no
    such weights exist.
    """
    x, kept, _ = balancing_facts(panel, data, outcome)
    roles = data.treated[kept]
    found = entropy_balance(x, roles)
    controls = found.weights[~roles]
    weights = np.ones(len(roles))
    weights[~roles] = controls * roles.sum() / controls.sum()
    return kept, weights
