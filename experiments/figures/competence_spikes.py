"""Two trials of the competence experiment in spikes: one in which it tries, one in which it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bisnn import plots
from bisnn.experiments.figures.data import events, missing
from bisnn.experiments.results import Run
from bisnn.experiments.storage import Columns
from bisnn.systems.competence import Competence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AREAS = ("difficulty", "feature", "competence", "helper", "cost", "attempt", "ask", "own", "other")
"""Areas, from the task to the act."""
SHORT = {"own": "efference copy: own act", "other": "efference copy: other's act", "feature": "irrelevant feature"}
"""Areas that are not called as they are written in code."""


def spikes(view: Run) -> Figure:
    """A judgement and the act that follows, of the first recorded individual: one it tries, one it leaves."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 4.3)
        found = _chosen(view)
        if found is None:
            missing(figure.add_subplot())
            return figure
        arm, seed, trials = found
        axes = figure.subplots(1, len(trials), squeeze=False)[0]
        for letter, ax, (verb, number) in zip("ab", axes, trials, strict=False):
            _trial(ax, view, (arm, seed, number), f"{letter}   It {verb}")
        for ax in axes[1:]:
            ax.set_yticks([])
        text = (
            f"individual {seed}; row: a cell; grey: the act, then its outcome; a task cell fires most at its own value"
        )
        figure.supxlabel(text, fontsize=7, color=style.GREY)
        return figure


def _chosen(view: Run) -> tuple[str, int, list[tuple[str, int]]] | None:
    """Arm and seed that were recorded, and the clearest of their free trials of each kind before the injury."""
    if not view.spikes:
        return None
    arm, rows = view.manifest.arms[0], view.episodes
    mine = view.spikes["arm"] == arm
    if not mine.any():
        return None
    seed = int(view.spikes["seed"][mine].min())
    kept = np.unique(view.spikes["episode"][mine & (view.spikes["seed"] == seed)])
    here = (rows["arm"] == arm) & (rows["seed"] == seed) & np.isin(rows["episode"], kept)
    free = here & rows["testing"] & ~rows["scheduled"]
    trials = []
    for verb, asked, sign in (("tries", False, -1.0), ("asks", True, 1.0)):
        which = np.flatnonzero(free & (rows["asked"] == asked))
        if which.size:
            trials.append((verb, int(rows["episode"][which[np.argmin(sign * rows["confidence"][which])]])))
    return (arm, seed, trials) if trials else None


def _trial(ax: Axes, view: Run, which: tuple[str, int, int], title: str) -> None:
    """One trial: the judgement, then the act."""
    plan = Competence()
    columns, rows = view.spikes, view.episodes
    end, total = plan.ticks * plan.dt, (plan.ticks + plan.acting + 1) * plan.dt
    mine, row = (_of(table, which) for table in (columns, rows))
    plots.raster(events(view, mine, plan.circuit, AREAS, SHORT, stretch=plan.ticks), end=total, ax=ax)
    ax.axvspan(end, total, color="#000000", alpha=0.1, lw=0, zorder=1.5)
    values = {name: float(rows[name][row][0]) for name in ("difficulty", "confidence", "chance", "error", "success")}
    outcome = "success" if values["success"] else "failure"
    who = "helper: " if bool(rows["asked"][row][0]) else ""
    ax.set_title(
        f"{title}: difficulty {values['difficulty']:.2f}\n"
        f"confidence {values['confidence']:.2f} (truth {values['chance']:.2f}), {who}{outcome}",
        fontsize=7.5,
    )


def _of(table: Columns, which: tuple[str, int, int]) -> np.ndarray:
    """The rows of an arm, seed and trial."""
    arm, seed, number = which
    found: np.ndarray = (table["arm"] == arm) & (table["seed"] == seed) & (table["episode"] == number)
    return found
