"""Worlds seen from above: the rooms, what lies in them, and the ways of those who walk there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from bisnn.errors import ShapeMismatch
from bisnn.plots import style

Cell = tuple[int, int]
"""(column, row), from (0, 0) at the top left."""
LONG = 24
"""Moments from which on a way is not numbered."""


@style.styled
def trajectory(
    path: ArrayLike,
    *,
    size: Cell,
    wall: int | None = None,
    goal: Cell | None = None,
    switch: Cell | None = None,
    hazards: Sequence[Cell] = (),
    victim: ArrayLike | None = None,
    pain: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A grid of `size` (columns, rows) with the way of the helper, from light to dark as time goes on.

    The moments of a short way are numbered; a hollow mark is a start. `path`, `victim`: (column, row) `[T, 2]` at
    successive moments. `wall`: column that parts the rooms. `pain` `[T]`: when the victim is in pain, its place
    is ringed. Raises `ShapeMismatch`.
    """
    columns, rows = size
    ax = style.axes(ax, 0.55 * columns, 0.55 * rows + 0.9)
    ax.add_patch(Rectangle((-0.5, -0.5), columns, rows, fc="none", ec=style.DARK, lw=1.2, zorder=3.5))
    ax.axis("off")
    _grid(ax, columns, rows)
    if wall is not None:
        ax.add_patch(Rectangle((wall - 0.5, -0.5), 1, rows, fc="#6B6B6B", lw=0, zorder=2))
    for number, cell in enumerate(hazards):
        _tile(ax, cell, "#F6D5C6", "hazard (hurts the victim)" if number == 0 else None, "×", "#B2182B")
    if goal is not None:
        _tile(ax, goal, "#FCE9B8", "goal of the helper", "★", "#A67C00")
    if switch is not None:
        _tile(ax, switch, "#CFEBDD", "switch (ends the pain)", "●", "#007A58")
    if victim is not None:
        _walk(ax, _cells(victim), "Oranges", "#D55E00", "victim", marker="s")
        _ring(ax, _cells(victim), pain)
    numbered = " (numbers: steps taken)" if len(_cells(path)) <= LONG else ""
    _walk(ax, _cells(path), "Blues", "#0072B2", f"helper{numbered}", marker="o")
    _number(ax, _cells(path))
    ax.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), aspect="equal")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=3, handlelength=1.2, columnspacing=1.6)
    return ax


def _cells(path: ArrayLike) -> NDArray[np.float64]:
    cells = np.asarray(path, dtype=np.float64)
    if cells.ndim != 2 or cells.shape[1] != 2:
        raise ShapeMismatch(f"a path of shape {cells.shape}; give (column, row) at every moment, [T, 2]")
    return cells


def _grid(ax: Axes, columns: int, rows: int) -> None:
    """Thin lines between the cells."""
    ax.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, colors="#DDDDDD", lw=0.6, zorder=1.5)
    ax.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, colors="#DDDDDD", lw=0.6, zorder=1.5)


def _tile(ax: Axes, cell: Cell, ground: str, label: str | None, sign: str, ink: str) -> None:
    """A cell that means something: its ground and a sign in its corner."""
    ax.add_patch(Rectangle((cell[0] - 0.5, cell[1] - 0.5), 1, 1, fc=ground, ec="white", lw=0.8, label=label, zorder=2))
    ax.text(cell[0] - 0.33, cell[1] - 0.28, sign, ha="center", va="center", color=ink, fontsize=8, zorder=3)


def _walk(ax: Axes, cells: NDArray[np.float64], shades: str, colour: str, label: str, marker: str) -> None:
    """A way: steps as lines that darken with time, its start hollow, its end full; waiting is one dot."""
    from matplotlib import colormaps

    if not len(cells):
        return
    shift = 0.07 * np.sin(np.linspace(0.0, 2.6, len(cells)))[:, None]  # ways that overlap stay apart
    at = cells + shift
    shade = colormaps[shades](np.linspace(0.35, 0.95, max(len(cells) - 1, 1)))
    for start, stop, ink in zip(at[:-1], at[1:], shade, strict=False):
        ax.plot((start[0], stop[0]), (start[1], stop[1]), color=ink, lw=2.2, zorder=4)
    ax.plot(*at[0], marker, ms=7, mfc="white", mec=colour, mew=1.4, zorder=5)
    ax.plot(*at[-1], marker, ms=7, color=colour, mec="white", mew=0.8, zorder=6, label=label)


def _number(ax: Axes, cells: NDArray[np.float64]) -> None:
    """Write beside each cell of a way the moments spent there, unless the way is long."""
    if len(cells) > LONG:
        return
    moments: dict[tuple[float, float], list[list[int]]] = {}
    for moment, (column, row) in enumerate(cells.tolist()):
        stays = moments.setdefault((column, row), [])
        if stays and stays[-1][-1] == moment - 1:
            stays[-1].append(moment)
        else:
            stays.append([moment])
    for (column, row), stays in moments.items():
        text = ", ".join(str(stay[0]) if len(stay) == 1 else f"{stay[0]}–{stay[-1]}" for stay in stays)
        ax.text(column + 0.45, row + 0.3, text, ha="right", va="center", color="#0B3C66", fontsize=6.5, zorder=8)


def _ring(ax: Axes, cells: NDArray[np.float64], pain: ArrayLike | None) -> None:
    """Ring the places at which the victim is in pain."""
    if pain is None:
        return
    hurt = cells[np.asarray(pain, dtype=bool)[: len(cells)]]
    if len(hurt):
        ax.scatter(hurt[:, 0], hurt[:, 1], s=150, fc="none", ec="#B2182B", lw=1.2, zorder=7, label="in pain")
