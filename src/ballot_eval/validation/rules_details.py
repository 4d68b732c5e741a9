"""The rules on records of a count, polling stations, lists and candidates.

F and W are the codes of the counting software. Its F.301 to F.304, F.310 and F.311 are about
boxes ticked on the paper record, which no data file holds; F.403 is about two copies of one total
on it, of which a file gives one.

What the official files break in places (7 of 11,986 stations of GR2022 break F.201, some 70 a rule
on more and fewer ballots) is a warning: nobody can mend an official result, and the rates of
invalid votes do not rest on these counts.
"""

from __future__ import annotations

from ballot_eval.schema import COUNTED_TABLES, RESULT_TABLES
from ballot_eval.validation import checks_details as checks
from ballot_eval.validation.checks import rows_of
from ballot_eval.validation.rule import Rule

ADMITTED, CAST = "admitted_voters_count", "votes_cast_count"
PARTS = ("poll_card_count", "proxy_certificate_count", "voter_card_count")
DIFFERENCE = (ADMITTED, CAST, "more_ballots_count", "fewer_ballots_count")
STATIONS = ("station_results",)

RECORD_RULES = (
    Rule(
        "F.201",
        "warning",
        "Stempassen, volmachten en kiezerspassen (A+B+C) tellen niet op tot de toegelaten "
        "kiezers (D)",
        "Poll cards, proxies and voter cards (A+B+C) do not add up to admitted voters (D)",
        rows_of(COUNTED_TABLES, checks.admitted_differ, *PARTS, ADMITTED),
    ),
    Rule(
        "F.204",
        "error",
        "Lijsten hebben stemmen, maar het aantal geldige stemmen (E) is 0",
        "Lists have votes, but the number of valid votes (E) is 0",
        checks.valid_missing,
        excludes=True,
    ),
    Rule(
        "F.202",
        "error",
        "Stemmen op lijsten tellen niet op tot de geldige stemmen (E)",
        "Votes of lists do not add up to valid votes (E)",
        checks.lists_differ,
        excludes=True,
    ),
    Rule(
        "F.305",
        "warning",
        "Evenveel stembiljetten als toegelaten kiezers (H = D), maar I of J is ingevuld",
        "As many ballots as admitted voters (H = D), but I or J is given",
        rows_of(STATIONS, checks.equal_but_counted, *DIFFERENCE),
    ),
    Rule(
        "F.307",
        "warning",
        "Meer stembiljetten dan toegelaten kiezers (H > D), maar J is ingevuld",
        "More ballots than admitted voters (H > D), but J is given",
        rows_of(STATIONS, checks.more_and_fewer, *DIFFERENCE),
    ),
    Rule(
        "F.306",
        "warning",
        "Meer stembiljetten dan toegelaten kiezers (H > D), maar I is niet H - D",
        "More ballots than admitted voters (H > D), but I is not H - D",
        rows_of(STATIONS, checks.more_differ, *DIFFERENCE),
    ),
    Rule(
        "F.309",
        "warning",
        "Minder stembiljetten dan toegelaten kiezers (H < D), maar I is ingevuld",
        "Fewer ballots than admitted voters (H < D), but I is given",
        rows_of(STATIONS, checks.fewer_and_more, *DIFFERENCE),
    ),
    Rule(
        "F.308",
        "warning",
        "Minder stembiljetten dan toegelaten kiezers (H < D), maar J is niet D - H",
        "Fewer ballots than admitted voters (H < D), but J is not D - H",
        rows_of(STATIONS, checks.fewer_differ, *DIFFERENCE),
    ),
    Rule(
        "F.312",
        "warning",
        "Toegelaten kiezers (D) zijn niet H - I + J",
        "Admitted voters (D) are not H - I + J",
        # In totals more and fewer both occur, so only their balance can be checked.
        rows_of(tuple(RESULT_TABLES), checks.total_differs, *DIFFERENCE),
    ),
    Rule(
        "F.401",
        "error",
        "Kandidaten hebben stemmen, maar het totaal van hun lijst is 0",
        "Candidates have votes, but the total of their list is 0",
        checks.list_total_missing,
        excludes=True,
    ),
    Rule(
        "F.402",
        "error",
        "Stemmen op kandidaten tellen niet op tot het totaal van hun lijst",
        "Votes of candidates do not add up to the total of their list",
        checks.candidates_differ,
        excludes=True,
    ),
    Rule(
        "W.203",
        "warning",
        "Toegelaten kiezers en uitgebrachte stemmen verschillen 15 of meer en 2% of meer",
        "Admitted voters and votes cast differ by 15 or more and by 2% or more",
        rows_of(COUNTED_TABLES, checks.large_difference, ADMITTED, CAST),
        "15 and 2%",
        CAST,
    ),
)

LEVEL_RULES = (
    Rule(
        "K.106",
        "warning",
        "Lijsten of kandidaten komen uit een andere bron dan hun totaal en tellen daar niet toe op",
        "Lists or candidates come from another source than their total and do not add up to it",
        checks.other_source,
    ),
    Rule(
        "P.114",
        "warning",
        "Stembureaus tellen niet op tot de uitslag van hun gemeente",
        "Polling stations do not add up to the result of their municipality",
        checks.stations_differ,
    ),
    Rule(
        "P.115",
        "warning",
        "Uitslagen per stembureau, lijst of kandidaat van een gemeente zonder bruikbare uitslag",
        "Results by polling station, list or candidate of a municipality without a usable result",
        checks.without_result,
    ),
    Rule(
        "P.116",
        "info",
        "Stembureaus waar de verklaringen niet optellen tot meer en minder getelde stembiljetten "
        "(I + J); wat geen vakje verklaart, staat in de resultaten apart",
        "Polling stations where explanations do not add up to more and fewer ballots (I + J); what "
        "no box explains is shown separately in the results",
        checks.explanations_differ,
    ),
)
