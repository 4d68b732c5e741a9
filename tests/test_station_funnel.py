"""The funnel of polling stations: each group around its own rate, stations outside by name."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from ballot_eval import figures
from ballot_eval.estimation.funnel import funnel_dispersion, funnel_limits
from ballot_eval.panel import Panel
from ballot_eval.topics.marking.station_funnel import BEYOND, funnel_measures, station_funnels
from figure_funnel_cases import funnel_rows

COUNTS = ["votes_cast_count", "invalid_votes_count", "blank_votes_count"]


@pytest.fixture(scope="module")
def world(gr2026):
    """Return a panel of 12 municipalities with 40 stations each; two have the experiment."""
    rng = np.random.default_rng(9)
    codes = np.repeat([f"90{i:02}" for i in range(13)], 40)
    frame = pd.DataFrame({"election_id": "GR2026", "municipality_code": codes})
    frame["polling_station_id"] = [str(j + 1) for _ in range(13) for j in range(40)]
    frame["votes_cast_count"] = rng.integers(200, 1400, len(frame))
    rate = np.where(codes < "9002", 0.006, 0.0023)
    frame["invalid_votes_count"] = rng.binomial(frame["votes_cast_count"], rate)
    frame["blank_votes_count"] = 0
    frame.loc[[3, 400], "invalid_votes_count"] += 40
    results = frame.groupby("municipality_code")[COUNTS].sum().reset_index()
    results = results.assign(election_id="GR2026", is_reference=False, municipality_name="")
    roles = ["experiment"] * 2 + ["control"] * 10 + ["former"]
    return Panel(gr2026, results.assign(role=roles), pd.DataFrame()), frame


def test_each_group_has_its_own_centre_and_dispersion(world):
    panel, frame = world
    funnels = {f.unit: f for f in station_funnels(frame, panel)}
    assert list(funnels) == ["control", "experiment"]
    for unit, role in (("control", slice("9002", "9011")), ("experiment", slice("9000", "9001"))):
        rows = frame.set_index("municipality_code").loc[role]
        x, n = (rows[c].to_numpy() for c in ("invalid_votes_count", "votes_cast_count"))
        funnel = funnels[unit]
        assert funnel.rate == pytest.approx(x.sum() / n.sum())
        assert funnel.phi == pytest.approx(funnel_dispersion(x, n, funnel.rate), abs=1e-6)
        for level in (0.95, 0.998):
            lower, upper = funnel_limits(n, funnel.rate, funnel.phi, level=level)
            outside = (x / n < lower) | (x / n > upper)
            assert funnel.outside[level].sum() == outside.sum()


def test_stations_far_outside_are_named_and_shares_are_counts(world):
    panel, frame = world
    items = list(funnel_measures({"station_results": frame}, panel))
    far = {(m.unit, m.level): m for m in items if m.quantity == BEYOND}
    assert {("9000", "4"), ("9010", "1")} <= set(far)
    own = far["9000", "4"]
    assert (own.numerator, own.denominator) == tuple(
        frame.loc[3, ["invalid_votes_count", "votes_cast_count"]]
    )
    for unit, codes in (
        ("experiment", {"9000", "9001"}),
        ("control", {f"90{i:02}" for i in range(2, 12)}),
    ):
        share = next(m for m in items if (m.unit, m.quantity) == (unit, "outside_99_8_share"))
        assert share.numerator == sum(u in codes for u, _ in far)
        assert share.denominator == share.count == 40 * len(codes)


def test_without_such_votes_there_is_a_reason_and_no_limit(world):
    panel, frame = world
    none = frame.assign(invalid_votes_count=0)
    items = list(funnel_measures({"station_results": none}, panel))
    assert {m.quantity for m in items} == {"rate", "phi"}
    assert all(math.isnan(m.estimate) and "rate must lie" in m.note for m in items)
    assert station_funnels(frame.head(0), panel) == ()


@pytest.mark.parametrize("language", ["nl", "en"])
def test_titles_stand_beside_each_other_on_the_page(language):
    figure = figures.station_funnel(*funnel_rows(count=9000), language=language)
    figure.canvas.draw()
    boxes = [axes._left_title.get_window_extent() for axes in figure.axes]
    assert boxes[0].x1 < boxes[1].x0
    assert boxes[1].x1 <= figure.bbox.x1


def test_thousands_of_points_leave_the_file_moderate(tmp_path):
    figures.save(figures.station_funnel(*funnel_rows(count=9000)), tmp_path, "funnel")
    assert (tmp_path / "funnel.svg").stat().st_size < 400_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, c: (s.drop(columns="rate"), c), "lack the column rate"),
        (lambda s, c: (s, c.drop(columns="centre")), "lack the column centre"),
        (lambda s, c: (s.assign(unit="other"), c), "control or experiment"),
        (lambda s, c: (s.head(0), c), "control or experiment"),
        (lambda s, c: (s, c[c["unit"] == "control"]), "no limits of experiment"),
        (lambda s, c: (s.assign(rate=2.0), c), "must be fractions"),
        (lambda s, c: (s, c.assign(lower_95=1.0)), "lies above the upper bound"),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        figures.station_funnel(*change(*funnel_rows(count=100)))
