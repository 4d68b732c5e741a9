"""Results as matplotlib figures. Nothing is computed beyond placing marks; nothing is shown.

Every figure has a partner ``alt_text_<figure>`` that takes the same arguments and returns its
alternative text. Both take ``language``, "nl" or "en", for words and numbers.
"""

from __future__ import annotations

from ballot_eval.figures.base import BLUE, GREY, ORANGE, WIDTH, save
from ballot_eval.figures.booths import alt_text_booths_needed, booths_needed
from ballot_eval.figures.candidates import alt_text_repeated_numbers, repeated_numbers
from ballot_eval.figures.counting import alt_text_counting_rates, counting_rates
from ballot_eval.figures.diagnostics import (
    alt_text_love_plot,
    alt_text_placebo_distribution,
    alt_text_residuals,
    love_plot,
    placebo_distribution,
    residuals,
)
from ballot_eval.figures.effects import (
    alt_text_event_study,
    alt_text_methods,
    event_study,
    methods,
)
from ballot_eval.figures.finishing import alt_text_finished_by_clock, finished_by_clock
from ballot_eval.figures.funnel import alt_text_station_funnel, station_funnel
from ballot_eval.figures.introduction import alt_text_forecast, forecast
from ballot_eval.figures.invalid_reasons import alt_text_invalid_reasons, invalid_reasons
from ballot_eval.figures.invalid_votes import (
    alt_text_before_after,
    alt_text_invalid_rates,
    alt_text_leave_one_out,
    alt_text_randomisation,
    before_after,
    invalid_rates,
    leave_one_out,
    randomisation,
)
from ballot_eval.figures.later_first import alt_text_later_against_first, later_against_first
from ballot_eval.figures.learning import alt_text_excess_by_exposure, excess_by_exposure
from ballot_eval.figures.municipality import (
    alt_text_municipality_history,
    municipality_history,
)
from ballot_eval.figures.power import alt_text_power_curve, power_curve
from ballot_eval.figures.quantiles import alt_text_quantile_effects, quantile_effects
from ballot_eval.figures.ridges import alt_text_voting_time_ridges, voting_time_ridges
from ballot_eval.figures.specifications import (
    alt_text_specification_curve,
    specification_curve,
)
from ballot_eval.figures.stations import alt_text_station_rates, station_rates
from ballot_eval.figures.survey import (
    alt_text_survey_answers,
    alt_text_survey_differences,
    survey_answers,
    survey_differences,
)
from ballot_eval.figures.tile_map import alt_text_tile_map, tile_map
from ballot_eval.figures.waterfall import alt_text_waterfall, waterfall

__all__ = [
    "BLUE",
    "GREY",
    "ORANGE",
    "WIDTH",
    "alt_text_before_after",
    "alt_text_booths_needed",
    "alt_text_counting_rates",
    "alt_text_event_study",
    "alt_text_excess_by_exposure",
    "alt_text_finished_by_clock",
    "alt_text_forecast",
    "alt_text_invalid_rates",
    "alt_text_invalid_reasons",
    "alt_text_later_against_first",
    "alt_text_leave_one_out",
    "alt_text_love_plot",
    "alt_text_methods",
    "alt_text_municipality_history",
    "alt_text_placebo_distribution",
    "alt_text_power_curve",
    "alt_text_quantile_effects",
    "alt_text_randomisation",
    "alt_text_repeated_numbers",
    "alt_text_residuals",
    "alt_text_specification_curve",
    "alt_text_station_funnel",
    "alt_text_station_rates",
    "alt_text_survey_answers",
    "alt_text_survey_differences",
    "alt_text_tile_map",
    "alt_text_voting_time_ridges",
    "alt_text_waterfall",
    "before_after",
    "booths_needed",
    "counting_rates",
    "event_study",
    "excess_by_exposure",
    "finished_by_clock",
    "forecast",
    "invalid_rates",
    "invalid_reasons",
    "later_against_first",
    "leave_one_out",
    "love_plot",
    "methods",
    "municipality_history",
    "placebo_distribution",
    "power_curve",
    "quantile_effects",
    "randomisation",
    "repeated_numbers",
    "residuals",
    "save",
    "specification_curve",
    "station_funnel",
    "station_rates",
    "survey_answers",
    "survey_differences",
    "tile_map",
    "voting_time_ridges",
    "waterfall",
]
