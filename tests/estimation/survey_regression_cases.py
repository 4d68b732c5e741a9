"""The designs of survey_regression_reference.R, and a simulated population to draw surveys from."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from scipy.optimize import linprog

from ballot_eval.estimation.survey.design import survey_design

REFERENCE = Path(__file__).parents[1] / "reference"
NUMBERS = json.loads((REFERENCE / "survey_regression_reference.json").read_text(encoding="utf-8"))
DESIGNS = list(NUMBERS["linear"])


@cache
def schools(sample):
    """Return a sample of schools: apistrat or apiclus1."""
    return np.genfromtxt(
        REFERENCE / f"survey_{sample}.csv", delimiter=",", names=True, dtype=None, encoding="utf-8"
    )


def school_design(name):
    """Return the schools, the design and the domain of a case of the reference script."""
    stratified = name.startswith("strat")
    data = schools("apistrat" if stratified else "apiclus1")
    design = survey_design(
        data["pw"],
        strata=data["stype"] if stratified else None,
        clusters=None if stratified else data["dnum"],
        population=None if name.endswith("nofpc") else data["fpc"],
    )
    if name.startswith("calibrated"):
        design = calibrated(design, data)
    domain = None
    if name.endswith("domain"):
        domain = data["enroll"] > 400 if stratified else data["stype"] == "E"
    return data, design, domain


def calibrated(design, data):
    """Return the design calibrated (linear distance) on school types and the scores of 1999."""
    x = columns(len(data), data["stype"] == "H", data["stype"] == "M", data["api99"])
    w = design.weights
    totals = np.array([6194, 755, 1018, 3914069])
    factors = 1 + x @ np.linalg.solve(x.T @ (w[:, None] * x), totals - w @ x)
    return design.reweighted(w * factors, x, w)


def columns(n, *values):
    """Return a column of ones and ``values`` as a matrix of numbers."""
    return np.column_stack([np.ones(n), *values]).astype(float)


def covariance_error(found, expected):
    """Return the largest difference, in units of the standard errors."""
    expected = np.asarray(expected)
    scale = np.sqrt(np.diag(expected))
    return np.abs((found - expected) / np.outer(scale, scale)).max()


def sandwich(design, scores, information):
    """Return the covariance of a with-replacement design, written out cluster by cluster."""
    inverse = np.linalg.inv(information)
    middle = np.zeros_like(inverse)
    for stratum in np.unique(design.strata):
        inside = design.strata == stratum
        clusters = np.unique(design.clusters[inside])
        totals = [
            sum(design.weights[i] * scores[i] for i in np.flatnonzero(design.clusters == c))
            for c in clusters
        ]
        mean = sum(totals) / len(clusters)
        factor = len(clusters) / (len(clusters) - 1)
        middle += factor * sum(np.outer(t - mean, t - mean) for t in totals)
    return inverse @ middle @ inverse


def separated(margins):
    """Return whether a direction moves some of the ``margins`` (rows) up and none down."""
    found = linprog(
        -margins.sum(axis=0), A_ub=-margins, b_ub=np.zeros(len(margins)), bounds=(-1, 1)
    )
    return bool(found.fun < -1e-7)


def population(seed, clusters=300, size=40):
    """Return stratum, cluster, two columns and a noise with a shared part of a population.

    The noise is logistic within each cluster, so a model with it holds only on average.
    """
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), size)
    stratum = (cluster >= clusters // 3).astype(int)
    indicator = (rng.random(len(cluster)) < 0.4).astype(float)
    other = rng.normal(size=len(cluster)) + rng.normal(0, 0.7, clusters)[cluster]
    noise = rng.logistic(size=len(cluster)) + rng.normal(0, 0.5, clusters)[cluster]
    return stratum, cluster, np.column_stack([indicator, other]), noise


def draw(rng, stratum, cluster, drawn=(20, 15)):
    """Return the rows of a stratified sample of clusters, and its design."""
    rows, weights, sizes = [], [], []
    for s, count in enumerate(drawn):
        labels = np.unique(cluster[stratum == s])
        chosen = np.flatnonzero(np.isin(cluster, rng.choice(labels, count, replace=False)))
        rows.append(chosen)
        weights.append(np.full(len(chosen), len(labels) / count))
        sizes.append(np.full(len(chosen), len(labels)))
    row = np.concatenate(rows)
    design = survey_design(
        np.concatenate(weights),
        strata=stratum[row],
        clusters=cluster[row],
        population=np.concatenate(sizes),
    )
    return row, design
