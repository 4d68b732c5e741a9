"""Make `staggered_reference.json` and `staggered_mpdta.csv` from other programmes.

Needs moderndid 0.2.0, csdid 0.4.3, diff-diff 3.13.0, honestdid 0.1.1 (none of them a dependency)
and takes a minute. Run from this folder: ``python staggered_reference.py``.

`mpdta` is the county teen employment panel of Callaway & Sant'Anna (2021) (500 counties,
2003-2007, log teen employment per year, log population `lpop`, and `first.treat`, the first year of
a higher minimum wage, 0 for never), built from United States government statistics. It comes with
the R package `did` and, under the MIT licence, with moderndid; it is stored from the latter with
one row per county.

What is compared:
* unweighted: csdid, moderndid and diff-diff agree to all digits; csdid is stored.
* weighted by exp(lpop): csdid and diff-diff agree; moderndid 0.2.0 drops the weights when it
  averages over groups, so it is not used.
* common base: moderndid with ``base_period="universal"``.
* same type: periods alternate between types A (2003, 2005, 2007) and B (2004, 2006). csdid is run
  on the periods of one type and one group at a time, with adoption moved to the group's first
  period of that type.
* relative magnitudes: honestdid, a port of the R package HonestDiD (identified set by linear
  programme), on the common-base event study of mpdta.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import moderndid
import numpy as np
from csdid.att_gt import ATTgt
from honestdid.core import _compute_IDset_DeltaRM

warnings.filterwarnings("ignore")
FOLDER = Path(__file__).parent
KINDS = ("simple", "dynamic", "group", "calendar")
TARGETS = ([1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25], [0.0, 0.0, -1.0, 1.0])
MBARS = [0.0, 0.5, 1.0, 2.0]


def numbers(values) -> list[float]:
    return [float(v) for v in np.asarray(values, dtype=float).ravel()]


def csdid_effects(frame, weights=None):
    model = ATTgt(
        "lemp",
        "year",
        "countyreal",
        "g",
        frame,
        control_group="nevertreated",
        weights_name=weights,
    )
    return model.fit(est_method="reg", base_period="varying", bstrap=False)


def effects_of(result) -> dict:
    found = result.results
    return {
        "group": numbers(found["group"]),
        "period": numbers(found["year"]),
        "estimate": numbers(found["att"]),
        "std_error": numbers(found["se"]),
    }


def averages_of(result) -> dict:
    out = {}
    for kind in KINDS:
        a = result.aggte(typec=kind, bstrap=False, cband=False).atte
        out[kind] = {"overall": [float(a["overall_att"]), float(a["overall_se"])]}
        if kind != "simple":
            out[kind] |= {
                "label": numbers(a["egt"]),
                "estimate": numbers(a["att_egt"]),
                "std_error": numbers(a["se_egt"]),
            }
    return out


def same_type(frame) -> list[list[float]]:
    rows = []
    for years in ((2003, 2005, 2007), (2004, 2006)):
        for group in (2004, 2006, 2007):
            later = [y for y in years if y >= group]
            if not later or later[0] == years[0]:
                continue
            part = frame[frame.year.isin(years) & frame.g.isin([0, group])].copy()
            part.loc[part.g == group, "g"] = later[0]
            found = effects_of(csdid_effects(part))
            rows += [
                [group, *row]
                for row in zip(found["period"], found["estimate"], found["std_error"], strict=True)
            ]
    return rows


def identified_set(mbar: float, beta, target: list[float], pre: int) -> list[float]:
    found = _compute_IDset_DeltaRM(mbar, beta, np.array(target), pre, len(beta) - pre)
    return numbers([found["id_lb"], found["id_ub"]])


def sensitivity(result) -> dict:
    study = moderndid.aggte(result, type="dynamic", boot=False, cband=False)
    keep = np.asarray(study.event_times) != -1
    beta = np.asarray(study.att_by_event)[keep]
    psi = np.asarray(study.influence_func)[:, keep]
    sigma = psi.T @ psi / len(psi) ** 2
    pre = int((np.asarray(study.event_times) < -1).sum())
    rows = [
        {"target": target, "mbar": mbar, "identified": identified_set(mbar, beta, target, pre)}
        for target in TARGETS
        for mbar in MBARS
    ]
    return {
        "pre": numbers(beta[:pre]),
        "post": numbers(beta[pre:]),
        "std_error": numbers(np.sqrt(np.diag(sigma))),
        "rows": rows,
    }


def main() -> None:
    table = moderndid.load_mpdta()
    wide = table.pivot(values="lemp", index=["countyreal", "first.treat", "lpop"], on="year")
    years = ["2003", "2004", "2005", "2006", "2007"]
    wide = wide.sort("countyreal").select(["countyreal", "first.treat", "lpop", *years])
    wide.write_csv(FOLDER / "staggered_mpdta.csv")
    table = table.rename({"first.treat": "g"})
    frame = table.to_pandas()
    frame["w"] = np.exp(frame.lpop)
    plain, weighted = csdid_effects(frame), csdid_effects(frame, "w")
    universal = moderndid.att_gt(
        table, "lemp", "year", "countyreal", "g", est_method="reg", base_period="universal"
    )
    reference = {
        "made_by": "staggered_reference.py: csdid 0.4.3, moderndid 0.2.0, honestdid 0.1.1",
        "plain": {"effects": effects_of(plain), "averages": averages_of(plain)},
        "weighted": {"effects": effects_of(weighted), "averages": averages_of(weighted)},
        "common_base": [
            numbers(row)
            for row in zip(
                universal.groups, universal.times, universal.att_gt, universal.se_gt, strict=True
            )
            if np.isfinite(row[3])
        ],
        "same_type": same_type(frame),
        "relative_magnitudes": sensitivity(universal),
    }
    text = json.dumps(reference, indent=1)
    (FOLDER / "staggered_reference.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
