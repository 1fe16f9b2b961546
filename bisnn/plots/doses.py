"""Dose and response: help by dose of empathy, its psychometric fit, and its threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bisnn.plots import style

MARKERS = ("o", "s", "^", "v")
Point = tuple[float, float, float, float]
"""Dose, mean response, lower and upper end of its interval."""


@style.styled
def dose_response(
    points: Mapping[str, Sequence[Point]],
    *,
    fit: Mapping[str, Mapping[str, Any]] | None = None,
    threshold: Mapping[str, Mapping[str, Any]] | None = None,
    xlabel: str = "dose",
    ylabel: str = "help rate",
    ax: Axes | None = None,
) -> Axes:
    """Response by dose, agent by agent.

    `points`: agent -> (dose, mean, lo, hi) of every condition. `fit`: agent -> `{"threshold", "width", "ceiling"}`
    of a / (1 + exp(-(x - t) / s)). `threshold`: agent -> `{"value", "ci95"}`, a line with its interval as a band.
    What is None is left out.
    """
    ax = style.axes(ax, 5.2, 3.2)
    highest = max((row[0] for rows in points.values() for row in rows), default=1.0)
    grid = np.linspace(0.0, 1.02 * highest if highest > 0 else 1.0, 600)
    for number, (agent, rows) in enumerate(points.items()):
        colour = style.colour(agent, style.ARMS, number)
        words = _threshold(ax, (threshold or {}).get(agent, {}), colour)
        _points(ax, rows, colour, MARKERS[number % len(MARKERS)], number % 2 == 0, style.arm_name(agent) + words)
        shape = (fit or {}).get(agent, {})
        if all(shape.get(key) is not None for key in ("threshold", "width", "ceiling")):
            exponent = np.clip((grid - shape["threshold"]) / shape["width"], -60.0, 60.0)
            ax.plot(grid, shape["ceiling"] / (1.0 + np.exp(-exponent)), color=colour, lw=1.6, zorder=2)
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(-0.03, 1.05), xlim=(-0.02 * grid[-1], grid[-1]))
    if points:
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), labelspacing=1.2)
    return ax


def _points(ax: Axes, rows: Sequence[Point], colour: str, marker: str, full: bool, label: str) -> None:
    """The conditions of one agent with their intervals."""
    dose, mean, low, high = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    ax.errorbar(
        dose,
        mean,
        yerr=np.clip(np.stack((mean - low, high - mean)), 0.0, None),
        fmt=marker,
        ms=4.2,
        mfc=colour if full else "white",
        color=colour,
        elinewidth=0.8,
        lw=0,
        alpha=0.9,
        label=label,
        zorder=3,
    )


def _threshold(ax: Axes, at: Mapping[str, Any], colour: str) -> str:
    """Mark a threshold and its interval; returns them in words."""
    if at.get("value") is None:
        return ""
    low, high = at.get("ci95") or (at["value"], at["value"])
    ax.axvspan(low, high, color=colour, alpha=0.15, lw=0, zorder=0)
    ax.axvline(at["value"], color=colour, lw=0.9, ls=(0, (4, 2)), zorder=1)
    return f"\nthreshold {at['value']:.2f} [{low:.2f}, {high:.2f}]"
