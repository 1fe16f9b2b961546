"""Matrices: synaptic weights, and tables of numbers as heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
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
    ax: Axes | None = None,
) -> Axes:
    """Weights `[pre, post]` of one projection: excitation red, inhibition blue, none white.

    `limit`: weight of the darkest colour (default: the largest there is); give panels that are compared the same
    one. `bar`: draw the colour bar. Raises `ShapeMismatch`.
    """
    values = _table(matrix)
    ax = style.axes(ax, 4.2, 3.2)
    most = limit if limit is not None else float(np.abs(values).max(initial=0.0))
    most = most if most > 0.0 else 1.0
    image = ax.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto", origin="upper")
    _frame(ax)
    ax.set(xlabel=f"{style.area_name(target)} cell", ylabel=f"{style.area_name(source)} cell")
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
            dark = value < low + 0.6 * (high - low)
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize="x-small", color="white" if dark else "black")
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


def _frame(ax: Axes) -> None:
    for side in ax.spines.values():
        side.set_visible(True)


def _bar(ax: Axes, image: Any, label: str) -> None:
    bar = ax.figure.colorbar(image, ax=ax, label=label, fraction=0.05, pad=0.02, aspect=22)
    bar.outline.set_linewidth(0.5)  # type: ignore[operator]
