"""Which municipality uses the ballot for which time, said once and also for a single one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ballot_eval.reporting.language import DUTCH, ENGLISH
from ballot_eval.reporting.wording.experiment import experiment_sentences


def said(say, study):
    return experiment_sentences(say, SimpleNamespace(study=study))["experiment_uses_text"]


@pytest.mark.parametrize(
    ("say", "start", "end"),
    [
        (
            DUTCH,
            "Bij GR2026 (18 maart 2026) is het nieuwe stembiljet gebruikt in elf gemeenten: voor "
            "de derde keer in Alphen aan den Rijn, Boekel,",
            "; voor de eerste keer in Gouda, ",
        ),
        (
            ENGLISH,
            "At GR2026 (18 March 2026) the new ballot paper was used in eleven municipalities: for "
            "the third time in Alphen aan den Rijn, Boekel,",
            "; for the first time in Gouda, ",
        ),
    ],
    ids=["nl", "en"],
)
def test_every_municipality_is_named_once(gr2026, say, start, end):
    text = said(say, gr2026)
    assert text.startswith(start)
    assert end in text
    assert text.count("Gouda") == 1


def test_one_municipality_is_said_in_the_singular(gr2026):
    elections = tuple(
        e.model_copy(update={"new_ballot": ("0755",)}) if e.id == gr2026.election else e
        for e in gr2026.elections
    )
    study = gr2026.model_copy(update={"elections": elections})
    assert said(DUTCH, study).endswith("gebruikt in één gemeente: voor de derde keer in Boekel.")
    assert said(ENGLISH, study).endswith("in one municipality: for the third time in Boekel.")
