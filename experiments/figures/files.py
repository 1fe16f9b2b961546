"""A figure of a run becomes files, each whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from bisnn.experiments import storage
from bisnn.experiments.results import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[Run], "Figure"]
"""What draws a figure of a run, from its files alone."""
BARE: Mapping[str, Mapping[str, None]] = {
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}
"""Metadata of each format: no dates and no versions, so that the same run gives the same file."""


def save(view: Run, name: str, function: Draw) -> list[Path]:
    """Draw one figure of a run and write figures/NAME.png and figures/NAME.pdf, each whole or not at all."""
    from bisnn.plots import style

    written = []
    with style.use():
        figure = function(view)
        for form, metadata in BARE.items():
            path = storage.confine(view.path, f"figures/{name}.{form}")
            storage.write_whole(path, partial(_write, figure, form, dict(metadata)))
            written.append(path)
    return written


def _write(figure: Figure, form: str, metadata: dict[str, Any], file: BinaryIO) -> None:
    figure.savefig(file, format=form, metadata=metadata)
