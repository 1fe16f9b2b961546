"""Figures of empathy-dose-response: help by dose, and by level and strength of empathy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bisnn import plots
from bisnn.experiments.figures.data import missing
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.results import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EMPTY = "This run holds no doses."


def _entries(view: Run, agent: str | None = None) -> list[dict[str, Any]]:
    """The doses of the summary at which help could be measured."""
    found = [entry for entry in view.summary.get("dose") or () if agent in (None, entry.get("agent"))]
    return [entry for entry in found if (entry.get("help_rate") or {}).get("mean") is not None]


def dose_response(view: Run) -> Figure:
    """Help by dose, for each agent, with the fitted curve and the threshold."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(6.8, 3.2)
        ax = figure.add_subplot()
        entries = _entries(view)
        if not entries:
            missing(ax, EMPTY)
            return figure
        points: dict[str, list[tuple[float, float, float, float]]] = {}
        for entry in sorted(entries, key=lambda one: float(one["dose"])):
            rate = entry["help_rate"]
            low, high = rate.get("ci95") or (rate["mean"], rate["mean"])
            points.setdefault(entry["agent"], []).append((entry["dose"], rate["mean"], low, high))
        plots.dose_response(
            points,
            fit=view.summary.get("fit"),
            threshold=view.summary.get("threshold"),
            xlabel="dose of empathy  λ · α · f  (strength × fraction of free mirror cells)",
            ylabel="help rate",
            ax=ax,
        )
        ax.set_title("Help by dose of empathy")
        return figure


def dose_map(view: Run) -> Figure:
    """Help rate of the spiking agents by empathy level and strength."""
    from bisnn.plots import style

    with style.use():
        entries = _entries(view, "spiking")
        levels = sorted({float(entry["level"]) for entry in entries})
        strengths = sorted({float(entry["lambda"]) for entry in entries})
        figure = style.figure(max(3.6, 1.7 + 0.5 * len(strengths)), max(2.6, 1.1 + 0.3 * len(levels)))
        ax = figure.add_subplot()
        if not entries:
            missing(ax, EMPTY)
            return figure
        table = np.full((len(levels), len(strengths)), np.nan)
        for entry in entries:
            row, column = levels.index(float(entry["level"])), strengths.index(float(entry["lambda"]))
            table[row, column] = entry["help_rate"]["mean"]
        names = [f"{level:g}" for level in levels], [f"{strength:g}" for strength in strengths]
        plots.heat(table, *names, label="help rate", ax=ax)
        ax.set(xlabel="empathy strength λ", ylabel="empathy level (free mirror cells)")
        ax.set_title("Help rate of the spiking agents")
        return figure


FIGURES: Mapping[str, Draw] = {"dose_response": dose_response, "dose_map": dose_map}
"""Figures of empathy-dose-response."""
