"""The rules on reasons of invalidity and on votes for a party alone.

Those who fill in these tables can mend them, so what cannot be true is an error. What is given in
part only is a warning, and the results show how much is missing.
"""

from __future__ import annotations

from ballot_eval.validation import checks_marking as checks
from ballot_eval.validation.rule import Rule

MARKING_RULES = (
    Rule(
        "M.101",
        "error",
        "Reden die alleen het nieuwe stembiljet kent, in een gemeente met het oude stembiljet",
        "Reason that exists only with the new ballot, in a municipality with the old ballot",
        checks.new_reasons_with_old_ballot,
        excludes=True,
    ),
    Rule(
        "M.102",
        "error",
        "Stemmen op alleen een partij in een gemeente met het oude stembiljet",
        "Votes for a party alone in a municipality with the old ballot",
        checks.party_only_with_old_ballot,
        excludes=True,
    ),
    Rule(
        "M.103",
        "error",
        "Stembureaus, of lijsten, zijn samen meer dan het geheel dat ook is opgegeven",
        "Polling stations, or lists, together exceed the total that is also given",
        checks.parts_exceed,
        excludes=True,
    ),
    Rule(
        "M.104",
        "error",
        "Meer redenen van ongeldigheid dan ongeldige stemmen",
        "More reasons of invalidity than invalid votes",
        checks.reasons_exceed,
        denominator="invalid_votes_count",
        excludes=True,
    ),
    Rule(
        "M.105",
        "error",
        "Meer stemmen op alleen een partij dan stemmen op de eerste kandidaat",
        "More votes for a party alone than votes for the first candidate",
        checks.party_only_exceeds_first,
        excludes=True,
    ),
    Rule(
        "M.106",
        "error",
        "Meer stemmen op alleen een partij dan geldige stemmen",
        "More votes for a party alone than valid votes",
        checks.party_only_exceeds_valid,
        denominator="valid_votes_count",
        excludes=True,
    ),
    Rule(
        "M.107",
        "warning",
        "Niet van elke ongeldige stem is een reden opgegeven",
        "Not every invalid vote has a reason",
        checks.reasons_missing,
        denominator="invalid_votes_count",
    ),
    Rule(
        "M.108",
        "warning",
        "Stembureaus, of lijsten, zijn samen minder dan het geheel dat ook is opgegeven",
        "Polling stations, or lists, together fall short of the total that is also given",
        checks.parts_missing,
    ),
    Rule(
        "M.109",
        "warning",
        "Redenen of stemmen op alleen een partij van een gemeente zonder bruikbare uitslag",
        "Reasons or votes for a party alone of a municipality without a usable result",
        checks.marking_without_result,
    ),
    Rule(
        "M.110",
        "warning",
        "Stemmen op alleen een partij van sommige stembureaus met een uitslag, niet van alle",
        "Votes for a party alone of some polling stations with a result, not of all",
        checks.stations_missing,
    ),
)
