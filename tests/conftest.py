"""Shared fixtures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def official() -> Path:
    """Return the folder with the official result files, or skip where it is absent."""
    folder = Path(os.environ.get("BALLOT_EVAL_OFFICIAL", ROOT.parent / "shared/data/kiesraad"))
    if not folder.is_dir():
        pytest.skip("the official result files are not on this machine")
    return folder
