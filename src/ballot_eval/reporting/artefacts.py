"""What the report takes in, written to a folder: variables, tables and figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joblib import Parallel, delayed

from ballot_eval.reporting.drawings.invalid_votes import save_figures
from ballot_eval.reporting.language import LANGUAGES, Language
from ballot_eval.reporting.names import display_names
from ballot_eval.reporting.pages import municipality_pages
from ballot_eval.reporting.tables import invalid_votes
from ballot_eval.reporting.tables.candidates import candidate_tables
from ballot_eval.reporting.tables.dictionary import dictionary_tables
from ballot_eval.reporting.tables.differences import difference_tables
from ballot_eval.reporting.tables.learning import learning_tables
from ballot_eval.reporting.tables.reasons import reason_tables
from ballot_eval.reporting.tables.stations import station_tables
from ballot_eval.reporting.tables.survey import survey_tables
from ballot_eval.reporting.tables.times import time_tables
from ballot_eval.reporting.wording.variables import report_variables

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def write_artefacts(outcome: Outcome, folder: Path, *, processes: int = 1) -> None:
    """Write ``_variables.yml`` and ``_generated/`` for the report into ``folder``, per language.

    With two ``processes`` or more, each language has its own.
    """
    generated = folder / "_generated"
    made_of = delayed(_in_language)
    made = Parallel(n_jobs=min(processes, len(LANGUAGES)))(
        made_of(say, outcome, generated / say.code) for say in LANGUAGES
    )
    languages = dict(zip((say.code for say in LANGUAGES), made, strict=True))
    lines = []
    for code, made in languages.items():
        # A JSON string is a YAML double-quoted string.
        texts = [
            f"  {k}: {json.dumps(v, ensure_ascii=False)}" for k, v in made["variables"].items()
        ]
        lines += [f"{code}:", *texts]
    _write(folder / "_variables.yml", "\n".join(lines) + "\n")
    study = outcome.study
    study_date = study.election_by_id(study.election).date
    listing = {
        "study": study.id,
        # What ``report/prepare.py`` compares, to know whether to make all this again.
        "plan": {"study.toml": study.sha256} | {q.file: q.sha256 for q in study.questionnaires},
        "inputs": {f.path: f.sha256 for f in outcome.raw.files},
        "date": study_date.isoformat(),
        "languages": languages,
    }
    _write(generated / "artefacts.json", json.dumps(listing, ensure_ascii=False, indent=1) + "\n")


def _in_language(say: Language, outcome: Outcome, folder: Path) -> dict[str, Any]:
    """Write tables, figures, pages and the notice; return what there is in this language."""
    for part in ("tables", "figures", "pages"):
        (folder / part).mkdir(parents=True)
    variables = report_variables(say, outcome)
    made = _tables(say, outcome)
    for name, text in made.items():
        _write(folder / "tables" / f"{name}.md", text)
    _write(folder / "notice.txt", variables["data_notice"])
    drawn = save_figures(say, outcome, folder / "figures")
    pages, drawn_on_pages = municipality_pages(say, outcome, folder / "figures")
    _write(folder / "pages" / "municipalities.md", pages)
    return {
        "notice": variables["data_notice"],
        "variables": variables,
        "tables": list(made),
        "figures": drawn,
        "page_figures": drawn_on_pages,
    }


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


def _tables(say: Language, outcome: Outcome) -> dict[str, str]:
    names = display_names(outcome.study)
    made = invalid_votes.vote_tables(say, outcome, names) | reason_tables(say, outcome)
    made |= candidate_tables(say, outcome.results, outcome.study, names)
    made |= difference_tables(say, outcome) | station_tables(say, outcome)
    return (
        made
        | time_tables(say, outcome)
        | learning_tables(say, outcome)
        | survey_tables(say, outcome)
        | dictionary_tables(say, outcome)
    )
