"""What all commands share: where they print, how much, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console

# Square brackets and colons in names of files and studies are text, never markup.
out_console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)
err_console = Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)

#: So many findings or differences are printed; the rest is counted.
MAX_SHOWN = 15


def refuse_existing(file: Path) -> None:
    """Raise a usage error when a file is there already."""
    if file.exists():
        raise typer.BadParameter(f"{file} exists; give another folder or remove it")
