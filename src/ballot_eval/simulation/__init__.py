"""Simulated raw data with a known truth, marked as simulated."""

from __future__ import annotations

from ballot_eval.simulation.candidates import (
    CANDIDATE_TRUTH,
    CandidateTruth,
    simulate_candidates,
)
from ballot_eval.simulation.counting_times import (
    CountingTimeTruth,
    CountTruth,
    simulate_counting_times,
)
from ballot_eval.simulation.folder import simulate, write_mark
from ballot_eval.simulation.marking import (
    MARKING_TRUTH,
    MarkingTruth,
    simulate_party_only,
    simulate_reasons,
)
from ballot_eval.simulation.results import (
    BLANK_RATE,
    BLANK_RATES,
    ELIGIBLE_SHARE,
    INVALID_RATE,
    INVALID_RATES,
    PERSISTENT_SD,
    SHOCK_SD,
    TURNOUT,
    simulate_panel,
)
from ballot_eval.simulation.scenarios import SCENARIOS, Scenario
from ballot_eval.simulation.stations import STATION_TRUTH, StationTruth, simulate_stations
from ballot_eval.simulation.survey import SURVEY_TRUTH, SurveyTruth, simulate_surveys
from ballot_eval.simulation.voting_times import VotingTimeTruth, simulate_voting_times

__all__ = [
    "BLANK_RATE",
    "BLANK_RATES",
    "CANDIDATE_TRUTH",
    "ELIGIBLE_SHARE",
    "INVALID_RATE",
    "INVALID_RATES",
    "MARKING_TRUTH",
    "PERSISTENT_SD",
    "SCENARIOS",
    "SHOCK_SD",
    "STATION_TRUTH",
    "SURVEY_TRUTH",
    "TURNOUT",
    "CandidateTruth",
    "CountTruth",
    "CountingTimeTruth",
    "MarkingTruth",
    "Scenario",
    "StationTruth",
    "SurveyTruth",
    "VotingTimeTruth",
    "simulate",
    "simulate_candidates",
    "simulate_counting_times",
    "simulate_panel",
    "simulate_party_only",
    "simulate_reasons",
    "simulate_stations",
    "simulate_surveys",
    "simulate_voting_times",
    "write_mark",
]
