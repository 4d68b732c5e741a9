"""Validation: findings on raw tables, in two passes; nothing raised, nothing dropped silently."""

from __future__ import annotations

from ballot_eval.validation.engine import validate
from ballot_eval.validation.findings import Finding, ValidationReport

__all__ = ["Finding", "ValidationReport", "validate"]
