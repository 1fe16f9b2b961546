"""Arms side by side: mean, interval and every seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from bisnn.plots import style

GROUND = "#F5F5F5"
"""Behind every other arm."""
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
    number: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A row per arm, the first at the top: a dot per seed, the mean, and its 95 % interval.

    `seeds`: arm -> `[seeds]`; NaN is left out. `summary`: arm -> `{"mean", "ci95"}`; without it only the mean of
    the seeds is marked. A dashed line continues the mean of `reference`. `limits`: ends of the axis; an arm whose
    mean lies outside is an arrow with its number. `names`: write the names of the arms. `number`: format in which
    means are written beside them, such as "{:.2f}".
    """
    ax = style.axes(ax, 4.6, 0.9 + 0.3 * len(seeds))
    ends = _range(limits, seeds)
    for row, (arm, given) in enumerate(seeds.items()):
        if row % 2 == 0:
            ax.axhspan(row - 0.5, row + 0.5, color=GROUND, lw=0, zorder=0)
        colour = style.colour(arm, style.ARMS, row)
        mean = _row(ax, row, np.asarray(given, dtype=np.float64), (summary or {}).get(arm, {}), ends, colour, number)
        if mean is not None and arm == reference:
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


def _row(
    ax: Axes,
    row: int,
    values: NDArray[np.float64],
    known: Mapping[str, Any],
    ends: tuple[float, float],
    colour: str,
    number: str | None,
) -> float | None:
    """One arm: seeds (those past an end stand there as arrow heads), interval, mean; returns the mean if it is in."""
    values = values[np.isfinite(values)]
    low, high = ends
    mean, interval = _centre(values, known)
    if mean is None:
        ax.text(0.02, row, "no values", transform=ax.get_yaxis_transform(), va="center", color=style.GREY)
        return None
    if not low <= mean <= high:
        _arrow(ax, row, mean, mean < low, colour, number or "{:.3g}")
        return None
    place = row + _spread(values, max(high - low, 1e-9))
    for marker, chosen in (("o", (values >= low) & (values <= high)), ("<", values < low), (">", values > high)):
        at = np.clip(values[chosen], low, high)
        ax.scatter(at, place[chosen], s=9, marker=marker, color=colour, alpha=0.45, lw=0, zorder=2, clip_on=False)
    if interval is not None:
        ax.plot(np.clip(interval, low, high), (row, row), color=colour, lw=2.0, zorder=3, solid_capstyle="butt")
    ax.plot(mean, row, "D", ms=5.5, mfc=colour, mec="white", mew=0.9, zorder=4, clip_on=False)
    if number is not None:
        _write(ax, row, mean, [mean, *np.clip([*values, *(interval or ())], low, high)], ends, number)
    return mean


def _range(limits: tuple[float, float] | None, seeds: Mapping[str, ArrayLike]) -> tuple[float, float]:
    """Ends of the axis: those given, or those of the values."""
    if limits is None:
        every = np.concatenate([np.zeros(0), *(np.asarray(values, dtype=np.float64) for values in seeds.values())])
        every = every[np.isfinite(every)]
        limits = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
    return limits


def _arrow(ax: Axes, row: int, mean: float, below: bool, colour: str, number: str) -> None:
    """An arm that lies outside of the axis."""
    text = f"◂ {_minus(number.format(mean))}" if below else f"{_minus(number.format(mean))} ▸"
    side = 0.01 if below else 0.99
    ax.text(
        side, row, text, transform=ax.get_yaxis_transform(), ha="left" if below else "right", va="center",
        color=colour, fontweight="bold",
    )  # fmt: skip


def _write(ax: Axes, row: int, mean: float, taken: list[float], ends: tuple[float, float], number: str) -> None:
    """The mean in figures, on the side of the row with more room; above the mean where neither side has any."""
    before, after = min(taken) - ends[0], ends[1] - max(taken)
    place, shift, align = (min(taken), (-7, 0), "right") if before > after else (max(taken), (7, 0), "left")
    if max(before, after) < 0.16 * (ends[1] - ends[0]):
        place, shift, align = mean, (0, 7), "center"
    ax.annotate(
        _minus(number.format(mean)),
        (place, row),
        xytext=shift,
        textcoords="offset points",
        ha=align,
        va="center",
        fontsize="small",
        bbox={"boxstyle": "square,pad=0.1", "fc": GROUND if row % 2 == 0 else "white", "lw": 0},
        zorder=1.5,
    )


def _minus(text: str) -> str:
    return text.replace("-", "−")


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
