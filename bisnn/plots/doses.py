"""Dose and response: help by dose of empathy, its psychometric fit, and its threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bisnn.plots import style

MARKERS = ("o", "s", "^", "v")


@style.styled
def dose_response(
    points: Mapping[str, Sequence[tuple[float, float, float, float]]],
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
        dose, mean, low, high = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)) if rows else [np.zeros(0)] * 4
        spread = np.clip(np.stack((mean - low, high - mean)), 0.0, None)
        at, name = (threshold or {}).get(agent, {}), style.arm_name(agent)
        if at.get("value") is not None:
            low_end, high_end = at.get("ci95") or (at["value"], at["value"])
            ax.axvspan(low_end, high_end, color=colour, alpha=0.15, lw=0, zorder=0)
            ax.axvline(at["value"], color=colour, lw=0.9, ls=(0, (4, 2)), zorder=1)
            name += f"\nthreshold {at['value']:.2f} [{low_end:.2f}, {high_end:.2f}]"
        ax.errorbar(
            dose,
            mean,
            yerr=spread,
            fmt=MARKERS[number % len(MARKERS)],
            ms=4.2,
            mfc=colour if number % 2 == 0 else "white",
            color=colour,
            elinewidth=0.8,
            lw=0,
            alpha=0.9,
            label=name,
            zorder=3,
        )
        shape = (fit or {}).get(agent, {})
        if all(shape.get(key) is not None for key in ("threshold", "width", "ceiling")):
            exponent = np.clip((grid - shape["threshold"]) / shape["width"], -60.0, 60.0)
            ax.plot(grid, shape["ceiling"] / (1.0 + np.exp(-exponent)), color=colour, lw=1.6, zorder=2)
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(-0.03, 1.05), xlim=(-0.02 * grid[-1], grid[-1]))
    if points:
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), labelspacing=1.2)
    return ax
