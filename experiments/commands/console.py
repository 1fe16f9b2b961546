"""What a person sees: tables on standard output, progress and notes on standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 140
"""Columns where the output is no terminal."""
Report = Callable[[str, int, int], None]


def forgiving() -> None:
    """Characters that a terminal cannot show are replaced, not fatal."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def console(stream: TextIO) -> Console:
    """A console that prints text as it is: names hold brackets and colons."""
    from rich.console import Console

    plain = Console(file=stream, markup=False, emoji=False, highlight=False)
    return plain if plain.is_terminal else Console(
        file=stream, markup=False, emoji=False, highlight=False, width=WIDE, color_system=None
    )  # fmt: skip


def note(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr, flush=True)


def show(header: list[str], rows: list[list[str]], title: str | None = None) -> None:
    """A table on standard output; columns of numbers are set to the right and keep each cell in one line."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    look: dict[str, Any] = {"title_justify": "left", "title_style": "bold", "padding": (0, 1, 0, 0)}
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, **look)
    for i, name in enumerate(header):
        cells = [row[i] for row in rows]
        numeric = bool(cells) and all(cell[:1] in "0123456789-−+–<." for cell in cells)
        width = max(map(len, [*cells, *name.split()])) if numeric else None
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold", width=width)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console(sys.stdout).print(table)


@contextlib.contextmanager
def progress(total: int, quiet: bool, unit: str = "episodes") -> Iterator[Report]:
    """A bar of all episodes on standard error, with their number per second and the time left; nothing where standard
    error is no terminal. Gives what `run` reports to."""
    screen = console(sys.stderr)
    if quiet or not screen.is_terminal:
        yield lambda shard, done, whole: None
        return
    from rich import progress as bars

    columns: tuple[Any, ...] = (
        bars.BarColumn(bar_width=None),
        bars.MofNCompleteColumn(),
        bars.TextColumn(unit + " {task.fields[pace]}"),
        bars.TimeElapsedColumn(),
        bars.TextColumn("left"),
        bars.TimeRemainingColumn(),
    )
    parts: dict[str, int] = {}
    bar = bars.Progress(*columns, console=screen, transient=True)
    task = bar.add_task("", total=total, pace="")

    def report(shard: str, done: int, whole: int) -> None:
        bar.start()  # does nothing once it runs
        parts[shard] = done
        speed = bar.tasks[0].speed
        bar.update(task, completed=sum(parts.values()), pace=f"{speed:.1f}/s" if speed else "")

    try:
        yield report
    finally:
        bar.stop()
