"""The worlds that can be simulated, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ballot_eval.simulation.candidates import CANDIDATE_TRUTH, CandidateTruth
from ballot_eval.simulation.counting_times import COUNTING_TIME_TRUTH, CountingTimeTruth
from ballot_eval.simulation.marking import MARKING_TRUTH, MarkingTruth
from ballot_eval.simulation.stations import STATION_TRUTH, StationTruth
from ballot_eval.simulation.survey import SURVEY_TRUTH, SurveyTruth
from ballot_eval.simulation.voting_times import VOTING_TIME_TRUTH, VotingTimeTruth


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the new ballot does.

    ``effect_factor`` multiplies the effect on the invalid rate that is asked for; the share
    ``learning`` of it is lost with every further use; in municipalities that left it is
    ``leaver_factor`` times as large. The truths are those of the other tables. With ``faults``
    the finished folder gets mistakes for validation to find.
    """

    effect_factor: float = 1.0
    learning: float = 0.0
    leaver_factor: float = 1.0
    voting: VotingTimeTruth = VOTING_TIME_TRUTH
    counting: CountingTimeTruth = COUNTING_TIME_TRUTH
    stations: StationTruth = STATION_TRUTH
    marking: MarkingTruth = MARKING_TRUTH
    candidates: CandidateTruth = CANDIDATE_TRUTH
    surveys: SurveyTruth = SURVEY_TRUTH
    faults: bool = False


def _counting(dso: float, cso: float, central: float) -> CountingTimeTruth:
    """Return the usual truth with other ratios of new to old ballot."""
    usual = COUNTING_TIME_TRUTH
    return replace(
        usual,
        dso=replace(usual.dso, ratio=dso),
        cso=replace(usual.cso, ratio=cso),
        central=replace(usual.central, ratio=central),
    )


#: In ``no-effect`` nothing at all depends on the ballot. In ``counting-faster`` the count gains
#: more than usual and goes wrong half as often. In ``composition`` nobody learns, but a
#: municipality with a large effect leaves, which lowers the average. ``messy`` is ``introduction``
#: with planted mistakes.
SCENARIOS = {
    "introduction": Scenario(),
    "no-effect": Scenario(
        effect_factor=0.0,
        voting=replace(VOTING_TIME_TRUTH, ratio=1.0, first_use_ratio=1.0),
        counting=_counting(1.0, 1.0, 1.0),
        marking=replace(MARKING_TRUTH, party_only_share=0.0),
        candidates=replace(CANDIDATE_TRUTH, party_only_share=0.0, repeat_share=0.0),
        surveys=replace(SURVEY_TRUTH, effects={}),
    ),
    "half-learning": Scenario(learning=0.5),
    "full-learning": Scenario(learning=1.0),
    "composition": Scenario(leaver_factor=2.25),
    "counting-faster": Scenario(
        counting=_counting(0.65, 0.80, 0.70),
        stations=replace(STATION_TRUTH, difference_factor=0.5),
    ),
    "messy": Scenario(faults=True),
}
