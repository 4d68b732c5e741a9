"""How far a download is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

from ballot_eval.sources.transfer import Progress, ProgressFunction


@contextmanager
def download_progress(console: Console) -> Iterator[ProgressFunction]:
    """Yield a function that shows on ``console`` how far each file is."""
    if not console.is_terminal:
        yield _plain_lines(console)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=console, transient=True) as bars:

        def show(state: Progress) -> None:
            name, count, total = state.file_name, state.bytes_count, state.total_bytes
            if state.note:
                console.print(f"… {name}: {state.note}")
            elif name in tasks:
                bars.update(tasks[name], completed=count, total=total)
            else:
                tasks[name] = bars.add_task(name, completed=count, total=total)

        yield show


def _plain_lines(console: Console) -> ProgressFunction:
    """Return a function that prints a line when a file begins and whenever there is a note."""
    begun: set[str] = set()

    def show(state: Progress) -> None:
        if state.note:
            console.print(f"… {state.file_name}: {state.note}")
        elif state.file_name not in begun:
            begun.add(state.file_name)
            size = "" if state.total_bytes is None else f" ({state.total_bytes} bytes)"
            console.print(f"… {state.file_name}{size}")

    return show
