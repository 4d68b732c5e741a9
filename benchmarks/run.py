"""Time this package's estimators beside other packages, or a whole run on official files.

Run: python benchmarks/run.py [--only KEY ...] [--runs N] [--raw DIR [--study FOLDER]]

Everything is run once unmeasured first, so that just-in-time compilation, imports and caches
do not count. A peer that is not installed is named as such and skipped.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from importlib import metadata
from pathlib import Path

import samples
from cases import Case, Peer, all_cases
from samples import Samples
from timing import Timing, Values, agreement, figure, measure

import ballot_eval

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "numba",
    "statsmodels",
    "pyfixest",
    "wildboottest",
    "ritest-python",
    "diff-diff",
    "pysyncon",
    "corncob",
    "csdid",
    "moderndid",
)
ROOT = Path(__file__).resolve().parents[1]
#: Seconds after which no further run of one line starts.
PATIENCE = 20.0


def machine() -> str:
    """Return versions, cores and load as lines of text."""
    lines = [f"ballot-eval {ballot_eval.__version__}, Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            lines.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            lines.append(f"{name} not installed")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{'; '.join(lines)}\n{os.cpu_count()} cores, load {load}"


def row(*cells: str) -> None:
    """Print one row of the table at once, as a long run should be seen to move."""
    widths = (58, 46, 33, 4, 6)
    padded = [c.ljust(w) for c, w in zip(cells, widths, strict=False)]
    print("| " + " | ".join([*padded, *cells[len(widths) :]]) + " |", flush=True)


def time_case(case: Case, data: Samples, runs: int) -> None:
    """Print the line of ours and one line per peer."""
    ours = measure(case.ours, warm=case.ours, runs=runs, patience=PATIENCE)
    row(f"**{case.name}**", case.size, str(ours), str(len(ours.milliseconds)), "1", "")
    for peer in case.peers:
        time_peer(case, peer, ours, data, runs)


def time_peer(case: Case, peer: Peer, ours: Timing, data: Samples, runs: int) -> None:
    """Print the line of a peer, or that it is not installed."""
    draws = peer.draws or case.draws
    try:
        warm = peer.prepare(data, min(peer.warm_draws, draws))
        work = peer.prepare(data, draws)
        found = measure(work, warm=warm, runs=runs, patience=PATIENCE, factor=case.draws / draws)
    except ImportError as error:
        row(peer.name, f"not installed ({error.name or error})", "", "", "", "")
        return
    except Exception as error:  # a peer that fails must not end the comparison
        row(peer.name, f"failed: {type(error).__name__}: {error}"[:120], "", "", "", "")
        return
    size = "same" if draws == case.draws else f"{draws:,} of {case.draws:,}, time scaled up"
    verdict = agreement(
        ours.values,
        found.values,
        own_draws=case.draws,
        peer_draws=draws,
        relative=case.relative,
        note=peer.note,
    )
    ratio = figure(found.median / ours.median)
    row(peer.name, size, str(found), str(len(found.milliseconds)), ratio, verdict)


def time_whole(study_folder: Path, raw: Path, runs: int) -> None:
    """Print the time of a whole run, without and with its report."""
    study = ballot_eval.load_study(study_folder)
    with tempfile.TemporaryDirectory() as folder:
        for report in (False, True):

            def work(*, report: bool = report) -> Values:
                ballot_eval.run(study, raw=raw, out=Path(folder) / "out", report=report)
                return {}

            name = f"**whole run, {'with' if report else 'without'} report**"
            found = measure(work, warm=work, runs=runs, patience=PATIENCE)
            row(name, f"study {study.id}", str(found), str(len(found.milliseconds)), "", "")


def main() -> None:
    """Parse the call and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="KEY", help="only these cases")
    parser.add_argument("--runs", type=int, default=9, help="most runs of one line (9)")
    parser.add_argument("--raw", type=Path, help="official files: time a whole run, nothing else")
    parser.add_argument("--study", type=Path, default=ROOT / "analysis/tk2025", help="its study")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    data = samples.make(seed=1)
    cases = all_cases(data)
    known = [case.key for case in cases]
    if unknown := set(options.only or []) - set(known):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(known)}")
    print(machine(), end="\n\n")
    row("ours in bold, then peers", "size", "median ms (min–max)", "runs", "ratio", "peer − ours")
    row("---", "---", "---:", "---:", "---:", "---")
    if options.raw:
        time_whole(options.study, options.raw, options.runs)
        return
    for case in cases:
        if not options.only or case.key in options.only:
            time_case(case, data, options.runs)


if __name__ == "__main__":
    main()
