"""Matrices: synaptic weights, and tables of numbers as heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from bisnn.errors import ShapeMismatch
from bisnn.plots import style


@style.styled
def weights(
    matrix: ArrayLike,
    source: str = "pre",
    target: str = "post",
    *,
    limit: float | None = None,
    bar: bool = True,
    groups: Mapping[str, Mapping[str, tuple[int, int]]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Weights `[pre, post]` of one projection: excitation red, inhibition blue, none white.

    `limit`: weight of the darkest colour (default: the largest there is); give panels that are compared the same
    one. `bar`: draw the colour bar. `groups`: area -> name of a group of its units -> (first, past the last); they
    stand on the axes in place of numbers. Raises `ShapeMismatch`.
    """
    values = _table(matrix)
    ax = style.axes(ax, 4.2, 3.2)
    most = limit if limit is not None else float(np.abs(values).max(initial=0.0))
    most = most if most > 0.0 else 1.0
    image = ax.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto", origin="upper")
    _frame(ax)
    ax.set(xlabel=f"{style.area_name(target)} cell", ylabel=f"{style.area_name(source)} cell")
    _name_groups(ax.xaxis, (groups or {}).get(target, {}))
    _name_groups(ax.yaxis, (groups or {}).get(source, {}), upright=True)
    if not values.any():
        ax.text(0.5, 0.5, "all weights are 0", transform=ax.transAxes, ha="center", va="center", color=style.GREY)
    if bar:
        _bar(ax, image, "weight")
    return ax


@style.styled
def heat(
    values: ArrayLike,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    label: str = "",
    limits: tuple[float, float] = (0.0, 1.0),
    ax: Axes | None = None,
) -> Axes:
    """A table `[rows, columns]` as a heat map with its numbers; what is unknown is grey. Raises `ShapeMismatch`."""
    table = _table(values)
    if table.shape != (len(rows), len(columns)):
        raise ShapeMismatch(f"a table of shape {table.shape} has {len(rows)} row and {len(columns)} column names")
    ax = style.axes(ax, 1.6 + 0.45 * len(columns), 1.0 + 0.3 * len(rows))
    low, high = limits
    ax.set_facecolor("#D8D8D8")
    image = ax.imshow(np.ma.masked_invalid(table), cmap="viridis", vmin=low, vmax=high, aspect="auto", origin="lower")
    for (row, column), value in np.ndenumerate(table):
        if np.isfinite(value):
            ink = "white" if value < low + 0.6 * (high - low) else "black"
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize="x-small", color=ink)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    _frame(ax)
    _bar(ax, image, label)
    return ax


def _table(values: ArrayLike) -> NDArray[np.float64]:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2:
        raise ShapeMismatch(f"a matrix of shape {table.shape}; give [rows, columns] of one individual")
    return table


def _name_groups(axis: Axis, groups: Mapping[str, tuple[int, int]], upright: bool = False) -> None:
    """Names of groups of units in place of their numbers, with a tick where each begins and ends."""
    if groups:
        axis.set_ticks(sorted({edge - 0.5 for pair in groups.values() for edge in pair}), minor=True)
        names = [f"{name} ({first}–{last - 1})" for name, (first, last) in groups.items()]
        axis.set_ticks([(first + last - 1) / 2 for first, last in groups.values()], names)
        axis.set_tick_params(which="major", length=0)
        axis.set_tick_params(which="minor", length=4)
        if upright:
            axis.set_tick_params(which="major", rotation=90)
            for label in axis.get_ticklabels():
                label.set_verticalalignment("center")


def _frame(ax: Axes) -> None:
    for side in ax.spines.values():
        side.set_visible(True)


def _bar(ax: Axes, image: Any, label: str) -> None:
    bar = ax.figure.colorbar(
        image, ax=ax, label=label, fraction=0.05, pad=0.02, aspect=22, ticks=MaxNLocator(4, steps=[1, 2, 5, 10])
    )
    bar.outline.set_linewidth(0.5)
