"""The names that the package offers, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ballot_eval as be

HEAVY = ("matplotlib", "statsmodels", "scipy", "pandera", "typer")


def test_every_name_is_there_and_only_those():
    assert {*be._HOMES, "figures"} == set(be.__all__)
    assert all(getattr(be, name) is not None for name in be.__all__)
    assert set(be.__all__) <= set(dir(be))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = be.nonsense


def test_reading_needs_no_statistics_and_no_figures():
    loaded = f"import sys, ballot_eval.sources.eml; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
