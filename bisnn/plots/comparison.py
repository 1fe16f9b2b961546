"""Arms side by side: mean, interval and every seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from bisnn.plots import style

SPREAD = 0.28
"""Half the height over which the seeds of an arm are spread."""


@style.styled
def arms(
    seeds: Mapping[str, ArrayLike],
    summary: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    xlabel: str = "",
    reference: str | None = "intact",
    limits: tuple[float, float] | None = None,
    names: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """A row per arm, the first at the top: a dot per seed, the mean, and its 95 % interval.

    `seeds`: arm -> `[seeds]`; NaN is left out. `summary`: arm -> `{"mean", "ci95"}`; without it only the mean of
    the seeds is marked. A dashed line continues the mean of `reference`. `names`: write the names of the arms.
    """
    ax = style.axes(ax, 4.6, 0.9 + 0.3 * len(seeds))
    for row, (arm, given) in enumerate(seeds.items()):
        values = np.asarray(given, dtype=np.float64)
        values = values[np.isfinite(values)]
        colour = style.colour(arm, style.ARMS, row)
        if row % 2 == 0:
            ax.axhspan(row - 0.5, row + 0.5, color="#F5F5F5", lw=0, zorder=0)
        _, width = _range(limits, seeds)
        ax.scatter(values, row + _spread(values, width), s=9, color=colour, alpha=0.45, lw=0, zorder=2, clip_on=False)
        mean, interval = _centre(values, (summary or {}).get(arm, {}))
        if mean is None:
            ax.text(0.02, row, "no values", transform=ax.get_yaxis_transform(), va="center", color=style.GREY)
            continue
        if interval is not None:
            ax.plot(interval, (row, row), color=colour, lw=2.0, zorder=3, solid_capstyle="butt")
        ax.plot(mean, row, "D", ms=5.5, mfc=colour, mec="white", mew=0.9, zorder=4, clip_on=False)
        if arm == reference:
            ax.axvline(mean, color=colour, lw=0.9, ls=(0, (4, 2)), alpha=0.8, zorder=1)
    ax.set_yticks(range(len(seeds)), [style.arm_name(arm) for arm in seeds] if names else [])
    for label, arm in zip(ax.get_yticklabels(), seeds, strict=False):
        label.set_fontweight("bold" if arm == reference else "normal")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set(ylim=(len(seeds) - 0.5, -0.5), xlabel=xlabel)
    if limits is not None:
        ax.set_xlim(*limits)
    return ax


def _range(limits: tuple[float, float] | None, seeds: Mapping[str, ArrayLike]) -> tuple[float, float]:
    """Least value and width of the axis."""
    if limits is None:
        every = np.concatenate([np.asarray(values, dtype=np.float64) for values in seeds.values()])
        every = every[np.isfinite(every)]
        limits = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
    return limits[0], max(limits[1] - limits[0], 1e-9)


def _spread(values: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Vertical places of dots, so that those of nearly the same value stand side by side; the same every time."""
    place = np.zeros(len(values))
    bins = np.round(values / width * 60.0)
    for level in np.unique(bins):
        here = np.flatnonzero(bins == level)
        step = min(0.1, 2.0 * SPREAD / max(len(here) - 1, 1))
        place[here] = (np.arange(len(here)) - (len(here) - 1) / 2) * step
    return place


def _centre(values: NDArray[np.float64], known: Mapping[str, Any]) -> tuple[float | None, Any]:
    """Mean and interval: those of the summary, or the mean of the values."""
    if known.get("mean") is not None:
        return float(known["mean"]), known.get("ci95")
    return (float(values.mean()), None) if values.size else (None, None)
