"""Figure of one mirror test: the spikes of every area, movement by movement, and the evidence that they leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bisnn import plots
from bisnn.experiments.figures.data import missing, reference
from bisnn.experiments.results import Run
from bisnn.systems.mirror_self import TAIL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AREAS: Mapping[str, str] = {
    "vpmc": "vPMC: command",
    "ipl_m": "IPL, motor",
    "sts": "STS: images seen",
    "ipl_v": "IPL, visual",
    "insula": "insula: coincidence",
}
"""Areas from command to comparison, in words."""
GAP = 6.0
"""Blank ms between two movements of a figure; the pauses themselves are longer."""
LATEST = 0.75
"""Part of a movement after which the evidence is drawn as grown; the insula fires shortly before."""


def recorded(view: Run, arm: str) -> tuple[int, Mapping[str, Any]] | None:
    """Seed and tensors of the first recorded individual of an arm."""
    found = [
        (int(view.notes(name)["seed"]), tensors)
        for name, tensors in view.recordings.items()
        if view.notes(name).get("arm") == arm and "weight" in tensors
    ]
    return min(found, key=lambda one: one[0]) if found else None


def trial(view: Run) -> Figure:
    """One test of the reference, spike by spike, where the own image follows and where none does; and the evidence."""
    from bisnn.plots import style

    with style.use():
        who = recorded(view, reference(view))
        if who is None or not view.spikes:
            figure = style.figure(6.8, 3.0)
            missing(figure.add_subplot())
            return figure
        seed, tensors = who
        count = len(tensors["trial"])
        figure = style.figure(6.8 if count > 1 else 4.6, 5.8)
        panels = figure.subplots(2, count, squeeze=False, sharex=True, height_ratios=(2.4, 1.0))
        levels = (min(view.summary["contingency"]), max(view.summary["contingency"]))
        for place in range(count):
            column = count - 1 - place  # the highest contingency first
            own = int(tensors["own"][place]) if levels[place] > 0.0 else None
            _test(view, seed, int(tensors["trial"][place]), own, panels[0, column], column == 0)
            _evidence(view, np.asarray(tensors["met"][place], dtype=np.float64), own, panels[1, column])
            what = "no image follows" if own is None else f"image {own + 1} follows"
            panels[0, column].set_title(f"{'ab'[column]}   Contingency {levels[place]:g}: {what}")
        panels[1, 0].set_ylabel("evidence: movements\nthat met the prediction")
        figure.supxlabel(
            f"individual {seed}; a row is an angle, a tick one spike; pauses between movements are cut short",
            fontsize=7, color=style.GREY,
        )  # fmt: skip
        return figure


def _slot(view: Run) -> float:
    """From one movement of the figure to the next, ms."""
    return float(view.manifest.configuration["delay"]) + TAIL + GAP


def _image(number: int, own: int | None) -> str:
    return f"image {number + 1}{' (own)' if number == own else ''}"


def _test(view: Run, seed: int, episode: int, own: int | None, ax: Axes, first: bool) -> None:
    """The spikes of one test, area under area."""
    columns, configuration = view.spikes, view.manifest.configuration
    mine = (columns["seed"] == seed) & (columns["episode"] == episode)
    mine &= columns["arm"] == reference(view)
    bodies, angles = configuration["bodies"], configuration["angles"]
    found = {}
    for area in AREAS:
        here = mine & (columns["area"] == area)
        times = columns["step"][here].astype(np.float64) * _slot(view) + columns["tick"][here]
        units = bodies * angles if area in ("sts", "insula") else angles
        found[area] = plots.Events(times, columns["unit"][here].astype(np.int64), units)
    groups = {_image(k, own): (k * angles, (k + 1) * angles) for k in range(bodies)}
    plots.raster(
        found, groups={"sts": groups, "insula": groups}, end=configuration["actions"] * _slot(view) - GAP, ax=ax
    )
    ax.set_yticklabels(list(AREAS.values()) if first else [])
    ax.set_xlabel("")
    for action in range(1, configuration["actions"]):
        ax.axvline(action * _slot(view) - GAP / 2, color="white", lw=1.4, zorder=0.5)


def _evidence(view: Run, met: NDArray[np.float64], own: int | None, ax: Axes) -> None:
    """The evidence for every image over the movements of one test, and the criterion; `met`: `[movements, images]`."""
    from bisnn.plots import style

    criterion = view.summary["criterion"]["evidence"]
    edges = np.concatenate(
        ([0.0], np.arange(len(met)) * _slot(view) + LATEST * (_slot(view) - GAP), [len(met) * _slot(view)])
    )
    for k in range(met.shape[1]):
        mine = k == own
        height = np.concatenate(([0.0], met[:, k].cumsum(), [met[:, k].sum()]))
        colour = "#0072B2" if mine else style.SPARE[(k + 1) % len(style.SPARE)]
        ax.plot(
            edges, height, color=colour, drawstyle="steps-post", lw=2.4 if mine else 1.3,
            ls="-" if mine else style.DASHES[1 + k % 3], label=_image(k, own),
        )  # fmt: skip
    ax.axhline(criterion, color="black", lw=0.8, ls=":")
    ax.annotate(f"criterion {criterion}", (0.0, criterion), xytext=(3, 2), textcoords="offset points", fontsize="small")
    ax.set(xlabel="time (ms)", ylim=(-0.3, max(len(met), criterion) + 0.5))
    ax.legend(loc="upper left", bbox_to_anchor=(0.0, 0.98), fontsize=6.5)
