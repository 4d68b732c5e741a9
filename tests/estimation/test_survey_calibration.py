import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from ballot_eval.estimation.survey.calibration import (
    calibrate,
    poststratify,
    rake,
    trim_weights,
)
from ballot_eval.estimation.survey.design import covariance, survey_design

REFERENCE = Path(__file__).parents[1] / "reference"
NUMBERS = json.loads((REFERENCE / "survey_calibration_reference.json").read_text(encoding="utf-8"))
TOTALS = NUMBERS["totals"]
TIGHT = 1e-9


def sample(name):
    path = REFERENCE / f"survey_api{name}.csv"
    return np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8")


CLUS, STRAT = sample("clus1"), sample("strat")
MARGINS = [(CLUS["stype"], TOTALS["stype"]), (CLUS["schwide"], TOTALS["sch.wide"])]
STRAT_MARGINS = [(STRAT["schwide"], TOTALS["sch.wide"]), (STRAT["awards"], TOTALS["awards"])]


def clus_design(*, fpc=False):
    population = CLUS["fpc"] if fpc else None
    return survey_design(CLUS["pw"], clusters=CLUS["dnum"], population=population)


def strat_design():
    return survey_design(STRAT["pw"], strata=STRAT["stype"], population=STRAT["fpc"])


def estimates(design, data):
    """Mean, total, ratio and mean of a domain with standard errors, written out from scores."""
    w = design.weights
    y, enroll, students = (data[k].astype(float) for k in ("api00", "enroll", "apistu"))
    inside = data["schwide"] == "Yes"
    mean, ratio = w @ y / w.sum(), w @ students / (w @ enroll)
    domain = w @ (y * inside) / (w @ inside)
    scores = {
        "mean": (mean, (y - mean) / w.sum()),
        "total": (w @ enroll, enroll),
        "ratio": (ratio, (students - ratio * enroll) / (w @ enroll)),
        "domain": (domain, inside * (y - domain) / (w @ inside)),
    }
    return {
        key: (value, float(np.sqrt(covariance(design, score[:, None])[0, 0])))
        for key, (value, score) in scores.items()
    }


def api99_variables(data):
    return np.column_stack(
        [np.ones(len(data)), data["stype"] == "H", data["stype"] == "M", data["api99"]]
    )


API99 = [TOTALS["size"], TOTALS["stype"]["H"], TOTALS["stype"]["M"], TOTALS["api99"]]


def by_api99(design, data, **options):
    return calibrate(design, api99_variables(data), API99, **options)


CASES = {
    "clus_poststratified": lambda: (poststratify(clus_design(), *MARGINS[0]), CLUS),
    "clus_fpc_poststratified": lambda: (poststratify(clus_design(fpc=True), *MARGINS[0]), CLUS),
    "strat_poststratified": lambda: (poststratify(strat_design(), *STRAT_MARGINS[0]), STRAT),
    "clus_raked": lambda: (rake(clus_design(), MARGINS), CLUS),
    "strat_raked": lambda: (rake(strat_design(), STRAT_MARGINS, regression="equal"), STRAT),
    "strat_raked_design": lambda: (rake(strat_design(), STRAT_MARGINS), STRAT),
    "clus_linear": lambda: (by_api99(clus_design(), CLUS), CLUS),
    "clus_raking": lambda: (by_api99(clus_design(), CLUS, distance="raking"), CLUS),
    "clus_logit": lambda: (
        by_api99(clus_design(), CLUS, distance="logit", bounds=(0.5, 2.5)),
        CLUS,
    ),
    "clus_linear_bounded": lambda: (by_api99(clus_design(), CLUS, bounds=(0.6, 2)), CLUS),
    "clus_raking_bounded": lambda: (
        by_api99(clus_design(), CLUS, distance="raking", bounds=(0.7, 1.9)),
        CLUS,
    ),
    "clus_margins_bounded": lambda: (
        rake(
            clus_design(),
            [*MARGINS, (CLUS["awards"], TOTALS["awards"])],
            bounds=(0.85, 1.92),
        ),
        CLUS,
    ),
    "strat_linear": lambda: (by_api99(strat_design(), STRAT), STRAT),
    "strat_logit": lambda: (
        by_api99(strat_design(), STRAT, distance="logit", bounds=(0.8, 1.2)),
        STRAT,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_estimates_and_errors_are_those_of_r(name):
    calibration, data = CASES[name]()
    expected = NUMBERS[name]
    # R stops the regression after rake at ten rounds over the margins, ours is exact: see the test
    # of ten rounds.
    close = 3e-6 if name == "strat_raked" else TIGHT
    for key, (value, error) in estimates(calibration.design, data).items():
        assert value == pytest.approx(expected[key]["estimate"], rel=TIGHT), key
        assert error == pytest.approx(expected[key]["se"], rel=close), key
    weights = calibration.design.weights
    assert [weights.min(), weights.max()] == pytest.approx(expected["weights"], rel=TIGHT)


def test_published_numbers_of_the_cluster_sample():
    raked = estimates(rake(clus_design(), MARGINS).design, CLUS)["mean"]
    assert raked == pytest.approx((641.2303209268, 23.9420099146), rel=1e-11)
    grouped = estimates(poststratify(clus_design(), *MARGINS[0]).design, CLUS)["mean"]
    assert grouped == pytest.approx((642.31078821, 24.16106058), rel=1e-9)


def test_ten_rounds_of_regression_are_those_of_r_after_rake():
    design = rake(strat_design(), STRAT_MARGINS).design
    w = design.weights
    y = STRAT["api00"].astype(float)
    scores = (y - w @ y / w.sum()) / w.sum()
    for _ in range(10):
        for labels, _ in STRAT_MARGINS:
            codes = np.unique(labels, return_inverse=True)[1]
            scores = scores - (np.bincount(codes, weights=scores) / np.bincount(codes))[codes]
    plain = replace(design, auxiliary=None, auxiliary_weights=None)
    error = np.sqrt(covariance(plain, scores[:, None])[0, 0])
    assert error == pytest.approx(NUMBERS["strat_raked"]["mean"]["se"], rel=TIGHT)


def test_bounds_are_reached_and_kept():
    c, _ = CASES["clus_margins_bounded"]()
    assert (c.smallest_ratio, c.largest_ratio) == pytest.approx((0.85, 1.92), rel=1e-12)


def test_calibration_variables_have_no_variance():
    x = api99_variables(STRAT)
    for design in (
        by_api99(strat_design(), STRAT).design,
        by_api99(strat_design(), STRAT, distance="raking").design,
    ):
        assert design.weights @ x == pytest.approx(API99, rel=1e-9)
        scale = np.sqrt(np.diag(covariance(strat_design(), x)).max())
        assert np.sqrt(np.abs(covariance(design, x)).max()) < 1e-8 * scale


def test_raking_distance_equals_raking_by_margins():
    x = np.column_stack([np.ones(len(STRAT)), STRAT["schwide"] == "Yes", STRAT["awards"] == "Yes"])
    totals = [TOTALS["size"], TOTALS["sch.wide"]["Yes"], TOTALS["awards"]["Yes"]]
    by_totals = calibrate(strat_design(), x, totals, distance="raking")
    by_margins = rake(strat_design(), STRAT_MARGINS)
    assert by_totals.design.weights == pytest.approx(by_margins.design.weights, rel=1e-9)
    y = STRAT["api00"][:, None].astype(float)
    assert covariance(by_totals.design, y) == pytest.approx(
        covariance(by_margins.design, y), rel=1e-7
    )


def test_one_margin_is_poststratification():
    raked, grouped = rake(clus_design(), MARGINS[:1]), poststratify(clus_design(), *MARGINS[0])
    assert raked.design.weights == pytest.approx(grouped.design.weights, rel=1e-12)
    assert raked.iterations == 1


def test_diagnostics():
    c = rake(clus_design(), MARGINS)
    ratio = c.design.weights / CLUS["pw"]
    assert 1 < c.iterations < 50
    assert 0 <= c.worst <= 1e-10
    assert (c.smallest_ratio, c.largest_ratio) == pytest.approx((ratio.min(), ratio.max()))
    assert c.ratio_cv == pytest.approx(ratio.std() / ratio.mean())
    w = c.design.weights
    assert c.design_effect == pytest.approx(len(w) * (w**2).sum() / w.sum() ** 2)


def made_up(n=40, seed=3):
    rng = np.random.default_rng(seed)
    design = survey_design(rng.uniform(5, 30, n), clusters=np.arange(n) // 2)
    x = np.column_stack([np.ones(n), rng.normal(5, 2, n), rng.integers(0, 2, n)])
    return design, x, design.weights @ x * np.array([1.05, 1.1, 0.95])


@pytest.mark.parametrize(
    ("distance", "bounds"),
    [("linear", None), ("linear", (0.85, 1.3)), ("raking", None), ("raking", (0.85, 1.3)),
     ("logit", (0.8, 1.4))],
)  # fmt: skip
def test_weights_are_the_nearest_that_meet_the_totals(distance, bounds):
    design, x, totals = made_up()
    found = calibrate(design, x, totals, distance=distance, bounds=bounds)
    low, high = bounds or (1e-6, np.inf)
    d = design.weights

    def apart(g):
        if distance == "linear":
            return d @ (g - 1) ** 2 / 2
        if distance == "raking":
            return d @ (g * np.log(g) - g + 1)
        steep = (high - low) / ((1 - low) * (high - 1))
        down = (g - low) * np.log((g - low) / (1 - low))
        return d @ (down + (high - g) * np.log((high - g) / (high - 1))) / steep

    edge = 1e-7 if distance == "logit" else 0
    best = minimize(
        apart,
        np.ones(design.n),
        method="SLSQP",
        bounds=[(low + edge, high - edge)] * design.n,
        constraints={"type": "eq", "fun": lambda g: (d * g) @ x / totals - 1},
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert best.success
    # The numerical optimum is good to about five digits, and no better than ours.
    assert found.design.weights / d == pytest.approx(best.x, abs=1e-4)
    ours = np.clip(found.design.weights / d, low + edge, high - edge)
    assert apart(ours) <= best.fun * (1 + 1e-6) + 1e-9


def test_far_starting_weights():
    design = survey_design(np.ones(len(CLUS)), clusters=CLUS["dnum"])
    for distance in ("linear", "raking"):
        c = by_api99(design, CLUS, distance=distance)
        assert c.design.weights @ api99_variables(CLUS) == pytest.approx(API99, rel=1e-9)


def test_recalibration_leaves_the_last_totals():
    once = rake(clus_design(), MARGINS).design
    twice = poststratify(once, *MARGINS[0])
    assert twice.design.auxiliary.shape == (len(CLUS), 3)
    assert twice.smallest_ratio == pytest.approx(1, rel=1e-9)


def test_trimming_keeps_limits_and_totals():
    before = rake(clus_design(), MARGINS).design
    upper, lower = 0.9999 * before.weights.max(), 30.0
    after = trim_weights(before, lower, upper)
    w = after.design.weights
    assert lower <= w.min() < w.max() <= upper
    assert before.weights @ before.auxiliary == pytest.approx(w @ before.auxiliary, rel=1e-9)
    # The regression behind the variance does not change, the weights of its residuals do.
    assert after.design.auxiliary is before.auxiliary
    assert estimates(after.design, CLUS)["mean"][1] != estimates(before, CLUS)["mean"][1]


def test_trimming_without_calibration_keeps_the_sum():
    weights = np.array([1.0, 2.0, 3.0, 4.0, 50.0])
    after = trim_weights(survey_design(weights), 2.5, 30.0).design.weights
    # 60 in all: 30 cut off and left over for the others in proportion, none below 2.5.
    assert after == pytest.approx([2.5 + 0.5, 6, 9, 12, 30], rel=1e-9)
    assert trim_weights(survey_design(weights), 0, 60).design.weights == pytest.approx(weights)


def test_variance_of_trimmed_weights_covers_the_truth():
    # Known totals, unequal chances to be drawn: intervals hold the mean about as often as said.
    rng = np.random.default_rng(11)
    group, chance = rng.integers(0, 3, 4000), rng.choice([1.0, 2.0, 8.0], 4000)
    y = group * 2 + rng.normal(0, 1, 4000)
    totals = dict(enumerate(np.bincount(group)))
    held, errors, means = 0, [], []
    for _ in range(400):
        rows = rng.choice(4000, 200, p=chance / chance.sum())
        design = survey_design(chance.sum() / chance[rows] / 200)
        c = trim_weights(poststratify(design, group[rows], totals).design, 6, 45)
        assert c.largest_ratio > 1 > c.smallest_ratio
        w = c.design.weights
        mean = w @ y[rows] / w.sum()
        score = (y[rows] - mean) / w.sum()
        error = float(np.sqrt(covariance(c.design, score[:, None])[0, 0]))
        held += abs(mean - y.mean()) < 1.96 * error
        errors.append(error)
        means.append(mean)
    assert 0.91 < held / 400 < 0.98
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.12)


def changed(position, **values):
    margins = [(labels, dict(population)) for labels, population in MARGINS]
    margins[position][1].update(values)
    return margins


@pytest.mark.parametrize(
    ("margins", "message"),
    [
        ([], "no margins"),
        (changed(0, X=10.0), "nobody in the sample represents X"),
        (changed(0, H=0.0), "no people in H"),
        (changed(0, H=-1.0), "not negative: H"),
        (changed(0, H=float("nan")), "not negative: H"),
        (changed(0, H=800.0), "populations of different size"),
        ([(CLUS["stype"], {"E": 10.0, "H": 3.0})], "no population total for M"),
        ([(CLUS["stype"][1:], TOTALS["stype"])], "one label per row"),
        ([(np.where(CLUS["stype"] == "H", None, "E"), {"E": 1.0})], "missing"),
    ],
)
def test_bad_margins(margins, message):
    with pytest.raises(ValueError, match=message):
        rake(clus_design(), margins)


def test_a_group_without_people_and_respondents_is_no_error():
    margins = changed(0, X=0.0)
    assert rake(clus_design(), margins).worst <= 1e-10


def test_margins_that_contradict_each_other_are_named():
    first = np.array(["a", "a", "b", "b"])
    second = np.array(["x", "x", "y", "y"])
    margins = [(first, {"a": 30, "b": 70}), (second, {"x": 60, "y": 40})]
    with pytest.raises(ValueError, match=r"no weights can meet .* Worst is margin 1, label a"):
        rake(survey_design(np.ones(4)), margins)


def test_raking_that_stops_early_says_how_far_it_got():
    with pytest.raises(
        ValueError, match=r"did not converge in 2 iterations\. Worst is margin 1, label .* of"
    ):
        rake(clus_design(), MARGINS, max_iterations=2)


def test_bounds_that_are_too_narrow():
    with pytest.raises(ValueError, match=r"within ratios 0.8 to 1.5 .* no weights can meet"):
        rake(clus_design(), MARGINS, bounds=(0.8, 1.5))
    with pytest.raises(ValueError, match="no weights within the limits"):
        by_api99(clus_design(), CLUS, bounds=(0.9, 1.1))
    with pytest.raises(ValueError, match="no weights within the limits"):
        trim_weights(poststratify(clus_design(), *MARGINS[0]).design, 0, 40)


def test_totals_that_contradict_each_other():
    x = np.column_stack([np.ones(len(CLUS)), np.full(len(CLUS), 2.0)])
    assert calibrate(clus_design(), x, [6000, 12000]).worst < 1e-10
    with pytest.raises(ValueError, match="no weights within the limits"):
        calibrate(clus_design(), x, [6000, 13000])


def test_bad_calibration_input():
    design, x = clus_design(), api99_variables(CLUS)
    with pytest.raises(ValueError, match="finite array"):
        calibrate(design, np.full_like(x, np.nan), API99)
    with pytest.raises(ValueError, match="finite array"):
        calibrate(design, x[1:], API99)
    with pytest.raises(ValueError, match="4 finite numbers"):
        calibrate(design, x, API99[1:])
    with pytest.raises(ValueError, match="around 1"):
        by_api99(design, CLUS, bounds=(1.0, 2.0))
    with pytest.raises(ValueError, match="needs bounds"):
        by_api99(design, CLUS, distance="logit")
    with pytest.raises(ValueError, match="linear, raking or logit"):
        by_api99(design, CLUS, distance="other")
    with pytest.raises(ValueError, match="design or equal"):
        rake(design, MARGINS, regression="other")
    with pytest.raises(ValueError, match="tolerance"):
        rake(design, MARGINS, tolerance=0)
    with pytest.raises(ValueError, match="ordered"):
        trim_weights(design, 40, 30)


def test_negative_weights_are_shown_and_not_calibrated_again():
    design, x, totals = made_up()
    c = calibrate(design, x, totals * np.array([1, 1.4, 1]))
    assert c.smallest_ratio < 0
    with pytest.raises(ValueError, match="negative weights"):
        trim_weights(c.design, 0, 100)
