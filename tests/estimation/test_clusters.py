import json
from pathlib import Path

import numpy as np
import pytest

from ballot_eval.estimation.clusters import cluster_design, cluster_ols

REFERENCE = Path(__file__).parents[1] / "reference"
NUMBERS = json.loads((REFERENCE / "clusters_reference.json").read_text(encoding="utf-8"))

# R solves the regression with its own QR; both agree to about ten digits.
TIGHT = {"rel": 1e-8, "abs": 1e-12}


def read_csv(name):
    return np.genfromtxt(REFERENCE / name, delimiter=",", names=True, dtype=None, encoding="utf-8")


def grunfeld(effects=(), *, explicit=False, **options):
    data = read_csv("clusters_grunfeld.csv")
    x = np.column_stack([data["value"], data["capital"]])
    if explicit:
        x = np.column_stack([x, dummies(data["firm"]), dummies(data["year"])[:, 1:]])
    elif not effects:
        x = np.column_stack([x, np.ones(len(x))])
    design = cluster_design(x, data["firm"], effects=[data[e] for e in effects], **options)
    return design, data["invest"]


def did(effects, **options):
    data = read_csv("clusters_did.csv")
    x = np.column_stack([data["exposed"], data["covariate"]])
    if not effects:
        x = np.column_stack([x, np.ones(len(x))])
    design = cluster_design(x, data["cluster"], effects=[data[e] for e in effects], **options)
    return design, data["outcome"]


def dummies(labels):
    return np.equal.outer(labels, np.unique(labels)).astype(float)


CASES = {
    "grunfeld_pooled": lambda **o: grunfeld(**o),
    "grunfeld_firm": lambda **o: grunfeld(["firm"], **o),
    "grunfeld_firm_year": lambda **o: grunfeld(["firm", "year"], **o),
    "did": lambda **o: did(["unit", "period"], **o),
    "did_pooled": lambda **o: did([], **o),
}


def column(results, name):
    return [getattr(r, name) for r in results]


@pytest.mark.parametrize("case", CASES)
def test_crv1_is_that_of_r_sandwich(case):
    design, y = CASES[case](count_nested=True)
    results = cluster_ols(design, y, method="crv1", columns=[0, 1])
    assert design.n_parameters == NUMBERS[case]["rank"]
    assert column(results, "estimate") == pytest.approx(NUMBERS[case]["estimate"], **TIGHT)
    assert column(results, "se") == pytest.approx(NUMBERS[case]["crv1_se"], **TIGHT)
    assert column(results, "df") == [NUMBERS[case]["clusters"] - 1] * 2


@pytest.mark.parametrize("case", CASES)
def test_cr2_is_that_of_r_clubsandwich_with_explicit_dummies(case):
    design, y = CASES[case]()
    results = cluster_ols(design, y, method="cr2", columns=[0, 1])
    numbers = NUMBERS[case]
    for ours, theirs in [
        ("se", "cr2_se"),
        ("df", "cr2_df"),
        ("p_value", "cr2_p"),
        ("ci_lower", "cr2_lower"),
        ("ci_upper", "cr2_upper"),
    ]:
        # Its roots of nearly singular matrices carry about nine digits.
        assert column(results, ours) == pytest.approx(numbers[theirs], rel=1e-7), ours


@pytest.mark.parametrize("case", CASES)
def test_crv3_is_the_jackknife_by_leaving_clusters_out(case):
    design, y = CASES[case]()
    summed = cluster_ols(design, y, method="crv3", columns=[0, 1], crv3_scale="sum")
    numbers = NUMBERS[case]
    assert column(summed, "se") == pytest.approx(numbers["jackknife_sum_se"], **TIGHT)
    if numbers["cr3_sum_se"] is not None:
        assert column(summed, "se") == pytest.approx(numbers["cr3_sum_se"], **TIGHT)
    default = cluster_ols(design, y, method="crv3", columns=[0, 1])
    g = numbers["clusters"]
    expected = np.array(column(summed, "se")) * np.sqrt((g - 1) / g)
    assert column(default, "se") == pytest.approx(expected)


@pytest.mark.parametrize("method", ["cr2", "crv3"])
def test_dummies_of_the_clusters_themselves_need_no_special_care(method):
    absorbed, y = grunfeld(["firm", "year"])
    explicit, _ = grunfeld(explicit=True)
    a = cluster_ols(absorbed, y, method=method)
    b = cluster_ols(explicit, y, method=method, columns=[0, 1])
    assert column(a, "se") == pytest.approx(column(b, "se"), rel=1e-8)
    assert column(a, "df") == pytest.approx(column(b, "df"), rel=1e-8)


def brute_force_cr2(x, y, clusters, column):
    """The definition, with n × n matrices: the root of the pseudo-inverse and the trace df."""
    x = x / np.linalg.norm(x, axis=0)
    bread = np.linalg.pinv(x)
    residual_maker = np.eye(len(y)) - x @ bread
    residuals = residual_maker @ y
    vectors = []
    variance = 0.0
    for g in np.unique(clusters):
        rows = np.flatnonzero(clusters == g)
        values, basis = np.linalg.eigh(residual_maker[np.ix_(rows, rows)])
        root = np.where(values > 1e-9, np.abs(np.maximum(values, 1e-30)) ** -0.5, 0.0)
        weights = (basis * root) @ basis.T @ bread[column, rows]
        variance += (weights @ residuals[rows]) ** 2
        vectors.append(residual_maker[:, rows] @ weights)
    p = np.array(vectors) @ np.array(vectors).T
    return variance, np.trace(p) ** 2 / (p**2).sum()


def random_panel(seed, *, n_clusters=9, experiment=3):
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(n_clusters), rng.integers(3, 8, size=n_clusters))
    period = np.concatenate([np.arange(n) for n in np.bincount(clusters)])
    exposed = ((clusters < experiment) & (period >= 2)).astype(float)
    covariate = rng.normal(size=len(clusters))
    y = rng.normal(size=n_clusters)[clusters] + exposed + covariate + rng.normal(size=len(clusters))
    return exposed, covariate, y, clusters, period


@pytest.mark.parametrize("seed", range(4))
def test_cr2_is_its_definition_with_large_matrices(seed):
    exposed, covariate, y, clusters, period = random_panel(seed)
    names = np.array([f"cluster {c}" for c in clusters])
    design = cluster_design(np.column_stack([exposed, covariate]), names, effects=[names, period])
    result = cluster_ols(design, y, method="cr2")[0]
    x = np.column_stack([exposed, covariate, dummies(clusters), dummies(period)[:, 1:]])
    scaled, df = brute_force_cr2(x, y, clusters, 0)
    assert result.se * np.linalg.norm(exposed) == pytest.approx(np.sqrt(scaled), rel=1e-8)
    assert result.df == pytest.approx(df, rel=1e-8)


def test_order_of_rows_and_kind_of_labels_do_not_matter():
    exposed, covariate, y, clusters, period = random_panel(7)
    x = np.column_stack([exposed, covariate])
    first = cluster_ols(cluster_design(x, clusters, effects=[clusters, period]), y, method="cr2")
    mix = np.random.default_rng(0).permutation(len(y))
    texts = np.array([f"GM{c}" for c in clusters])[mix]
    design = cluster_design(x[mix], texts, effects=[period[mix], texts])
    second = cluster_ols(design, y[mix], method="cr2")
    for name in ("estimate", "se", "df", "ci_lower", "ci_upper", "p_value", "partial_leverage"):
        assert column(first, name) == pytest.approx(column(second, name), rel=1e-9)


def test_inputs_are_not_changed():
    exposed, covariate, y, clusters, period = random_panel(7)
    x = np.column_stack([exposed, covariate])
    before = x.copy(), y.copy(), clusters.copy()
    cluster_ols(cluster_design(x, clusters, effects=[clusters, period]), y, method="cr2")
    assert all(np.array_equal(a, b) for a, b in zip(before, (x, y, clusters), strict=True))


def test_large_level_of_the_outcome_is_harmless():
    exposed, covariate, y, clusters, period = random_panel(3)
    design = cluster_design(
        np.column_stack([exposed, covariate]), clusters, effects=[clusters, period]
    )
    plain = cluster_ols(design, y, method="crv3")[0]
    shifted = cluster_ols(design, y + 1e6, method="crv3")[0]
    assert shifted.estimate == pytest.approx(plain.estimate, rel=1e-8)
    assert shifted.se == pytest.approx(plain.se, rel=1e-8)


def test_one_mean_has_the_textbook_standard_error():
    # One row per cluster and an intercept only: all three are s/√n, the jackknife exactly so.
    y = np.array([1.0, 4.0, 2.0, 9.0, 5.0])
    design = cluster_design(np.ones((5, 1)), np.arange(5))
    for method in ("crv1", "cr2", "crv3"):
        result = cluster_ols(design, y, method=method)[0]
        assert result.estimate == pytest.approx(y.mean())
        assert result.se == pytest.approx(y.std(ddof=1) / np.sqrt(5))
        assert result.df == pytest.approx(4)
        assert result.partial_leverage == pytest.approx(0.2)


def test_nested_effects_count_as_one_unless_asked():
    firm, _ = grunfeld(["firm", "year"])
    counted, _ = grunfeld(["firm", "year"], count_nested=True)
    assert firm.n_parameters == 2 + 19 + 1
    assert counted.n_parameters == 2 + 19 + 11


def test_intervals_of_a_panel_with_five_experiment_clusters_cover_the_truth():
    # Shocks per cluster and period; the jackknife is conservative, CRV1 far too narrow.
    rng = np.random.default_rng(5)
    unit, period = np.repeat(np.arange(60), 6), np.tile(np.arange(6), 60)
    exposed = ((unit < 5) & (period >= 4)).astype(float)
    design = cluster_design(exposed[:, None], unit, effects=[unit, period])
    covered = {"crv1": 0, "cr2": 0, "crv3": 0}
    trials = 400
    for _ in range(trials):
        drift = rng.normal(size=60)[unit] * (period >= 4)
        y = 0.3 * exposed + drift + rng.normal(size=len(unit))
        for method in covered:
            result = cluster_ols(design, y, method=method)[0]
            covered[method] += result.ci_lower <= 0.3 <= result.ci_upper
    share = {method: count / trials for method, count in covered.items()}
    assert share["crv1"] < 0.91
    assert 0.91 < share["cr2"] < 0.99
    assert share["crv1"] < share["crv3"] < 0.97


# Bad input


def good():
    exposed, covariate, y, clusters, period = random_panel(1)
    return np.column_stack([exposed, covariate]), y, clusters, period


def test_one_cluster_is_refused():
    x, _, clusters, _ = good()
    with pytest.raises(ValueError, match="at least two clusters"):
        cluster_design(x, np.zeros_like(clusters))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    x, y, clusters, period = good()
    broken = x.copy()
    broken[3, 1] = bad
    with pytest.raises(ValueError, match="x holds missing or infinite"):
        cluster_design(broken, clusters)
    y[2] = bad
    with pytest.raises(ValueError, match="y holds missing or infinite"):
        cluster_ols(cluster_design(x, clusters, effects=[period]), y, method="crv1")


@pytest.mark.parametrize(
    "label",
    [
        lambda c: np.where(c == 1, np.nan, c.astype(float)),
        lambda c: np.array([None if i == 1 else str(i) for i in c], dtype=object),
        lambda c: np.array([np.nan if i == 1 else str(i) for i in c], dtype=object),
        lambda c: np.where(c == 1, np.datetime64("NaT"), np.datetime64("2025-10-29")),
    ],
)
def test_missing_labels_are_refused(label):
    x, _, clusters, _ = good()
    with pytest.raises(ValueError, match="clusters holds missing labels"):
        cluster_design(x, label(clusters))
    with pytest.raises(ValueError, match="effect 0 holds missing labels"):
        cluster_design(x, clusters, effects=[label(clusters)])


def test_collinear_columns_are_named():
    x, _, clusters, period = good()
    with pytest.raises(ValueError, match="column 2 of x is collinear"):
        cluster_design(np.column_stack([x, x @ [2.0, -1.0]]), clusters, effects=[period])
    with pytest.raises(ValueError, match="column 1 of x is collinear"):
        cluster_design(np.column_stack([x[:, 0], clusters == 2]), clusters, effects=[clusters])
    with pytest.raises(ValueError, match="column 0 of x is collinear"):
        cluster_design(np.zeros((len(x), 1)), clusters)
    with pytest.raises(ValueError, match="column 0 of x is collinear"):
        cluster_design((period >= 2)[:, None], clusters, effects=[clusters, period])


def test_shapes_that_differ_are_refused():
    x, y, clusters, period = good()
    with pytest.raises(ValueError, match="clusters must have one label per row"):
        cluster_design(x, clusters[1:])
    with pytest.raises(ValueError, match="effect 0 must have one label per row"):
        cluster_design(x, clusters, effects=[period[1:]])
    with pytest.raises(ValueError, match="at least one column"):
        cluster_design(x[:, 0], clusters)
    with pytest.raises(ValueError, match="y must have"):
        cluster_ols(cluster_design(x, clusters), y[1:], method="crv1")


def test_no_residual_freedom_is_refused():
    with pytest.raises(ValueError, match="no residual freedom"):
        cluster_design(np.array([[0.0], [1.0], [0.0], [2.0]]), [0, 0, 1, 1], effects=[[0, 1, 2, 2]])


@pytest.mark.parametrize("method", ["crv1", "cr2", "crv3"])
def test_a_coefficient_that_rests_on_one_cluster_is_refused(method):
    exposed, covariate, y, clusters, period = random_panel(1, experiment=1)
    design = cluster_design(
        np.column_stack([exposed, covariate]), clusters, effects=[clusters, period]
    )
    with pytest.raises(ValueError, match="column 0 rests on cluster 0 alone"):
        cluster_ols(design, y, method=method)
    # The other coefficient is fine.
    assert cluster_ols(design, y, method=method, columns=[1])[0].se > 0


@pytest.mark.parametrize("method", ["crv1", "cr2", "crv3"])
def test_residuals_that_are_all_zero_are_refused(method):
    x, y, clusters, period = good()
    design = cluster_design(x, clusters, effects=[clusters, period])
    for fitted in (np.zeros_like(y), 2 * x[:, 0] + clusters, np.full_like(y, 0.1)):
        with pytest.raises(ValueError, match="all residuals are zero"):
            cluster_ols(design, fitted, method=method)


def test_scores_that_are_all_zero_are_refused():
    # Residuals that cancel within each cluster: a standard error of 0 would be an illusion.
    y = np.tile([1.0, -1.0], 6)
    design = cluster_design(np.ones((12, 1)), np.repeat(np.arange(6), 2))
    with pytest.raises(ValueError, match="standard error is zero"):
        cluster_ols(design, y, method="crv1")


@pytest.mark.parametrize("index", [-1, 2])
def test_a_column_out_of_range_is_refused(index):
    x, y, clusters, _ = good()
    with pytest.raises(ValueError, match="there is no column"):
        cluster_ols(cluster_design(x, clusters), y, method="crv1", columns=[index])


def test_unknown_choices_are_refused():
    x, y, clusters, _ = good()
    design = cluster_design(x, clusters)
    with pytest.raises(ValueError, match="unknown method"):
        cluster_ols(design, y, method="hc3")
    with pytest.raises(ValueError, match="crv3_scale"):
        cluster_ols(design, y, method="crv3", crv3_scale="mean")
    with pytest.raises(ValueError, match="confidence_level"):
        cluster_ols(design, y, method="crv1", confidence_level=95)
