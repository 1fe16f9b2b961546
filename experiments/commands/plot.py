"""`bisnn plot`: the figures of a finished run, drawn again from its files alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bisnn.errors import ConfigError, RunCorrupt, pick
from bisnn.experiments import storage
from bisnn.experiments.base import Experiment, find
from bisnn.experiments.commands.flags import ABSENT, parse, pieces
from bisnn.experiments.commands.options import PlotOptions
from bisnn.experiments.results import Run, load_run
from bisnn.experiments.runner import draw


def answer(argv: list[str]) -> tuple[dict[str, Any], Callable[[], None]]:
    """Draw what the arguments ask for."""
    options = parse(PlotOptions, argv, "bisnn plot", PlotOptions.__doc__)
    view = load_run(options.run)
    if view.manifest.state != "complete":
        raise RunCorrupt(f"{options.run} is not finished; {storage.RESUME}")
    experiment = find(view.manifest.experiment)
    named = pieces(options.figure)
    if options.figure and not named:
        raise ConfigError(f"--figure names none; figures: {', '.join(experiment.figures)}; leave it out to draw all")
    names = tuple(pick("figure", name, experiment.figures) for name in named)
    if options.out == ABSENT:
        paths = draw(experiment, view, names)
    else:
        paths = [_one(experiment, view, names, Path(options.out))]
    found = {"run": str(view.path), "figures": [str(path) for path in paths]}

    def show() -> None:
        for path in paths:
            print(path)

    return found, show


def _one(experiment: Experiment, view: Run, names: tuple[str, ...], out: Path) -> Path:
    """Write one figure to a file of its own. Raises `ConfigError` for several, or an ending that is no format."""
    names = names or tuple(experiment.figures)
    if len(names) != 1:
        raise ConfigError(f"--out takes one figure; add --figure with one of {', '.join(names) or 'none'}")
    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder; name a file")
    import matplotlib.pyplot as plt
    from matplotlib.backend_bases import FigureCanvasBase

    formats = FigureCanvasBase.get_supported_filetypes()
    form = out.suffix.lstrip(".").lower()
    if form not in formats:
        raise ConfigError(f"--out {out}: its ending gives the format, one of {', '.join(sorted(formats))}")
    from bisnn.plots import style

    with style.use():
        figure = experiment.figures[names[0]](view)
        held = io.BytesIO()
        figure.savefig(held, format=form)
        plt.close(figure)
    storage.write_whole(out, lambda file: file.write(held.getvalue()))
    return out
