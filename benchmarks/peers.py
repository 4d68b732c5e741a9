"""The same estimates by other packages. Each import stays inside, as every package is optional.

A function here prepares what its package wants to be given (a data frame, a fitted model) and
returns the work that is timed, so that preparation costs the peer nothing.
"""

from __future__ import annotations

import importlib

import numpy as np
import pandas as pd
from samples import LONG, UNITS, Samples
from timing import Values, Work


def _panel_frame(data: Samples, outcomes: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"y": outcomes.ravel(), "u": data.unit, "t": data.period})


def _two_way_fit(data: Samples) -> object:
    import pyfixest as pf

    frame = _panel_frame(data, data.panel).assign(d=data.new_ballot)
    plain = pf.ssc(k_adj=False, G_adj=False)
    return pf.feols("y ~ d | u + t", frame, vcov={"CRV1": "u"}, ssc=plain)


def pyfixest_ritest(data: Samples, draws: int, kind: str) -> Work:
    """Randomisation test of the regression of the change on the role."""
    import pyfixest as pf

    frame = pd.DataFrame({"y": data.change, "d": data.role.astype(float)})
    fit = pf.feols("y ~ d", frame)

    def work() -> Values:
        rng = np.random.default_rng(1)
        found = fit.ritest("d", reps=draws, type=f"randomization-{kind}", rng=rng)
        return {"estimate": float(found["Estimate"]), "p": float(found["Pr(>|t|)"])}

    return work


def ritest_python(data: Samples, draws: int) -> Work:
    """Randomisation test of the regression of the change on the role."""
    from ritest import ritest

    frame = pd.DataFrame({"y": data.change, "d": data.role.astype(float)})

    def work() -> Values:
        found = ritest(
            df=frame,
            permute_var="d",
            formula="y ~ d",
            stat="d",
            reps=draws,
            seed=1,
            ci_mode="none",
        )
        return {"p": float(found.pval)}

    return work


def pyfixest_bootstrap(data: Samples, draws: int) -> Work:
    """Restricted wild cluster bootstrap after a two-way fit."""
    # pyfixest hands the work over to wildboottest, and says so only when it is called.
    importlib.import_module("wildboottest")
    fit = _two_way_fit(data)

    def work() -> Values:
        found = fit.wildboottest(reps=draws, param="d", seed=1)
        return {"p": float(found["Pr(>|t|)"])}

    return work


def wildboottest_bootstrap(data: Samples, draws: int) -> Work:
    """Restricted wild cluster bootstrap of a dummy-variable regression."""
    import statsmodels.api as sm
    from wildboottest.wildboottest import wildboottest

    frame, regressors = _dummies(data)
    model = sm.OLS(frame["y"], regressors)

    def work() -> Values:
        found = wildboottest(
            model, B=draws, cluster=frame["u"], param="d", seed=1, parallel=False, show=False
        )
        return {"p": float(found["p-value"].iloc[0])}

    return work


def diff_diff_bootstrap(data: Samples, draws: int) -> Work:
    """Restricted wild cluster bootstrap of a dummy-variable regression, with its interval."""
    from diff_diff.utils import wild_bootstrap_se

    frame, regressors = _dummies(data)
    x, y, unit = regressors.to_numpy(), frame["y"].to_numpy(), frame["u"].to_numpy()
    residuals = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]

    def work() -> Values:
        found = wild_bootstrap_se(x, y, residuals, unit, 1, n_bootstrap=draws, seed=1)
        return {"p": float(found.p_value)}

    return work


def _dummies(data: Samples) -> tuple[pd.DataFrame, pd.DataFrame]:
    frame = _panel_frame(data, data.panel).assign(d=data.new_ballot)
    regressors = pd.get_dummies(
        frame[["d", "u", "t"]], columns=["u", "t"], drop_first=True, dtype=float
    )
    regressors.insert(0, "constant", 1.0)
    return frame, regressors


def pyfixest_crv3(data: Samples, _draws: int) -> Work:
    """CRV3 errors of a two-way fit that is there already, without small-sample factor."""
    fit = _two_way_fit(data)

    def work() -> Values:
        fit.vcov({"CRV3": "u"})
        return {"estimate": float(fit.coef()["d"]), "se": float(fit.se()["d"])}

    return work


def corncob(data: Samples, _draws: int) -> Work:
    """Beta-binomial regression, analytic gradient, constant correlation."""
    from corncob import Corncob

    x = pd.DataFrame(data.design, columns=["constant", "slope", "step"])
    constant = pd.DataFrame({"constant": np.ones(len(x))})

    def work() -> Values:
        model = Corncob(total=data.totals, count=data.counts, X=x, X_star=constant)
        model.fit()
        rho = 1 / (1 + np.exp(-model.theta[-1]))
        return {"slope": float(model.theta[1]), "rho": float(rho)}

    return work


def generic_likelihood(data: Samples, _draws: int) -> Work:
    """Maximise scipy's beta-binomial density with statsmodels, as a tutorial would."""
    from scipy.special import expit
    from scipy.stats import betabinom
    from statsmodels.base.model import GenericLikelihoodModel

    class BetaBinomial(GenericLikelihoodModel):
        """Counts with the last parameter the logit of the correlation."""

        def nloglikeobs(self, params: np.ndarray) -> np.ndarray:
            """Return minus the log-likelihood of every row."""
            mean, scale = expit(self.exog @ params[:-1]), np.exp(-params[-1])
            return -betabinom.logpmf(self.endog, data.totals, mean * scale, (1 - mean) * scale)

    start = np.array([np.log(data.counts.sum() / data.totals.sum()), 0.0, 0.0, -6.0])

    def work() -> Values:
        model = BetaBinomial(data.counts, data.design, extra_params_names=["logit_rho"])
        found = model.fit(start_params=start, method="bfgs", maxiter=200, disp=0)
        return {"slope": float(found.params[1]), "rho": float(expit(found.params[-1]))}

    return work


def diff_diff_placebos(data: Samples, _draws: int) -> Work:
    """Synthetic control of one unit on equally weighted outcomes, placebos for all others."""
    from diff_diff import SyntheticControl

    frame = _long_frame(data)
    frame["d"] = ((frame["u"] == 0) & (frame["t"] == LONG - 1)).astype(int)

    def work() -> Values:
        model = SyntheticControl(
            v_method="custom", custom_v=np.ones(LONG - 1), standardize="none", seed=1
        )
        found = model.fit(frame, "y", "d", "u", "t", post_periods=[LONG - 1])
        found.in_space_placebo()
        return {"estimate": float(found.att)}

    return work


def pysyncon_placebos(data: Samples, draws: int) -> Work:
    """Fit synthetic controls of the first ``draws`` units on all other units."""
    from pysyncon import Synth

    before = pd.DataFrame(data.long[:, :-1].T)

    def fit(unit: int) -> float:
        others, own = before.drop(columns=unit), before[unit]
        model = Synth()
        model.fit(X0=others, X1=own, Z0=others, Z1=own, custom_V=np.ones(LONG - 1))
        return float(data.long[unit, -1] - np.delete(data.long[:, -1], unit) @ model.W)

    return lambda: {"estimate": np.array([fit(unit) for unit in range(draws)])[0]}


def diff_diff_sdid(data: Samples, draws: int) -> Work:
    """Synthetic difference-in-differences: placebo error, or the jackknife without draws."""
    from diff_diff import SyntheticDiD

    frame = _long_frame(data)
    frame["d"] = data.role[frame["u"]].astype(int)
    name = "jackknife se" if draws == 1 else "placebo se"
    options = (
        {"variance_method": "jackknife"}
        if draws == 1
        else {"variance_method": "placebo", "n_bootstrap": draws}
    )

    def work() -> Values:
        model = SyntheticDiD(seed=1, **options)
        found = model.fit(frame, "y", "d", "u", "t", post_periods=[LONG - 1])
        return {"estimate": float(found.att), name: float(found.se)}

    return work


def _long_frame(data: Samples) -> pd.DataFrame:
    unit, period = np.repeat(np.arange(UNITS), LONG), np.tile(np.arange(LONG), UNITS)
    return pd.DataFrame({"y": data.long.ravel(), "u": unit, "t": period})


def _staggered_frame(data: Samples) -> pd.DataFrame:
    # Peers number units and periods from 1, because 0 means never.
    first = np.where(np.isfinite(data.first_adoption), data.first_adoption + 1, 0)
    frame = _panel_frame(data, data.staggered).assign(g=first.astype(int)[data.unit])
    return frame.assign(u=frame["u"] + 1, t=frame["t"] + 1)


def csdid(data: Samples, draws: int) -> Work:
    """Group-time effects and their multiplier bootstrap."""
    from csdid.att_gt import ATTgt

    frame = _staggered_frame(data)

    def work() -> Values:
        names = {"yname": "y", "tname": "t", "idname": "u", "gname": "g"}
        model = ATTgt(
            **names, data=frame, control_group="nevertreated", biters=draws, cband=True
        ).fit(est_method="reg", bstrap=True)
        return _last(model.results["att"], model.results["se"])

    return work


def diff_diff_staggered(data: Samples, draws: int) -> Work:
    """Group-time effects and their multiplier bootstrap."""
    from diff_diff import CallawaySantAnna

    frame = _staggered_frame(data)

    def work() -> Values:
        model = CallawaySantAnna(
            n_bootstrap=draws, bootstrap_weights="mammen", seed=1, estimation_method="reg"
        )
        effects = model.fit(frame, "y", "u", "t", "g").group_time_effects
        last = effects[max(effects)]
        return _last([last["effect"]], [last["se"]])

    return work


def moderndid(data: Samples, draws: int) -> Work:
    """Group-time effects and their multiplier bootstrap."""
    from moderndid import att_gt

    frame = _staggered_frame(data)
    names = {"yname": "y", "tname": "t", "idname": "u", "gname": "g"}

    def work() -> Values:
        found = att_gt(frame, **names, boot=True, biters=draws, est_method="reg", random_state=1)
        return _last(found.att_gt, found.se_gt)

    return work


def _last(effects: object, errors: object) -> Values:
    """Return the effect of the last group in the last period, which every peer puts last."""
    return {
        "estimate": float(np.asarray(effects)[-1]),
        "bootstrap se": float(np.asarray(errors)[-1]),
    }
