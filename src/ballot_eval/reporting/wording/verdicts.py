"""The rules by which the summary answers: chosen from an estimate, its interval and the margin.

- ``not_measured``: there is no estimate.
- ``not_tested``: there is an estimate without interval; its size is given, its direction is not.
- ``more`` or ``less``: the interval leaves out what would be no difference (0, or a ratio of 1).
- ``not_shown``: the interval holds it, also when it just touches it. That is never called
  "no difference": a difference as large as the interval allows may be there.

Against a margin of the plan, the verdict is that of the one-sided test that was made
(:mod:`ballot_eval.estimation.decisions`): ``equivalent``, else ``non_inferior``, else
``not_shown``; a limit that equals the margin shows nothing. Of several questions that were asked
together, the p-value for all of them together decides in the place of the interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.wording.notes import why
from ballot_eval.results import Check

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

Verdict = Literal["more", "less", "not_shown", "not_tested", "not_measured"]

MarginVerdict = Literal["equivalent", "non_inferior", "not_shown", "not_tested", "no_margin"]


def verdict(estimate: float, lower: float, upper: float, *, neutral: float = 0.0) -> Verdict:
    """Return what an estimate and its interval show; ``neutral`` is the value of no difference."""
    if math.isnan(estimate):
        return "not_measured"
    if math.isnan(lower) or math.isnan(upper):
        return "not_tested"
    if lower > neutral:
        return "more"
    return "less" if upper < neutral else "not_shown"


def joint_verdict(estimate: float, p_adjusted: float, *, alpha: float) -> Verdict:
    """Return what an estimate shows among several, with the p-value for all of them together."""
    if math.isnan(estimate):
        return "not_measured"
    if math.isnan(p_adjusted):
        return "not_tested"
    if p_adjusted >= alpha or not estimate:
        return "not_shown"
    return "more" if estimate > 0 else "less"


def margin_verdict(checks: Sequence[Check]) -> MarginVerdict:
    """Return the strongest verdict that the tests against the margin of the plan allow."""
    found = {c.check: c for c in checks if c.check in ("non_inferiority", "equivalence")}
    if not found:
        return "no_margin"
    if all(math.isnan(c.estimate) for c in found.values()):
        return "not_tested"
    shown = {c.variant for c in found.values()}
    if "equivalent" in shown:
        return "equivalent"
    return "non_inferior" if "non_inferior" in shown else "not_shown"


def level_text(say: Language, outcome: Outcome) -> str:
    """Return what an interval of the plan is called: ``95%-interval``."""
    level = say.level(outcome.study.analysis.confidence_level)
    return say(nl=f"{level}-interval", en=f"{level} interval")


def not_estimated(say: Language, outcome: Outcome, note: str) -> str:
    """Return that there is no estimate, with the reason where one is known."""
    reason = f": {why(say, note, outcome)}" if note else ""
    return say(nl=f"Dat is niet te schatten{reason}.", en=f"This cannot be estimated{reason}.")
