"""Quantities over time: membrane potentials, dopamine, reward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from bisnn.errors import ShapeMismatch
from bisnn.plots import style
from bisnn.recording import Recording

Floats = NDArray[np.float64]


@style.styled
def trace(
    data: Recording | ArrayLike,
    name: str = "",
    *,
    times: ArrayLike | None = None,
    units: Sequence[int] | None = None,
    threshold: float | None = None,
    colour: str | None = None,
    label: str | None = None,
    xlabel: str = "time (ms)",
    ax: Axes | None = None,
) -> Axes:
    """One line per unit of a quantity over time.

    `data`: the recording of one individual, of which `name` is drawn ("ifg.v", "dopamine.level"), or values `[T]`
    or `[T, n]` at `times` `[T]` (default 0, 1, ... ms), with `name` on the axis. `units`: which to draw.
    `threshold`: drawn as a dashed line. Raises `UnknownName`, `ShapeMismatch`.
    """
    when, values = _series(data, name, times)
    values = values if units is None else values[:, list(units)]
    ax = style.axes(ax, 5.0, 2.0)
    area = name.partition(".")[0]
    shade = colour or style.AREAS.get(area)
    single = values.shape[1] == 1
    for number in range(values.shape[1]):
        ax.plot(
            when,
            values[:, number],
            color=shade,
            lw=1.3 if single else 0.7,
            alpha=1.0 if single else 0.55,
            label=label if number == 0 else None,
        )
    if threshold is not None:
        ax.axhline(threshold, color=style.GREY, lw=0.8, ls=(0, (4, 2)))
    ax.set(xlabel=xlabel, ylabel=_title(name))
    ax.margins(x=0.0)
    return ax


def _series(data: Recording | ArrayLike, name: str, times: ArrayLike | None) -> tuple[Floats, Floats]:
    """Times `[T]` and values `[T, n]`."""
    if isinstance(data, Recording):
        values, when = np.asarray(data[name], dtype=np.float64), np.asarray(data.times(name), dtype=np.float64)
    else:
        values = np.asarray(data, dtype=np.float64)
        when = np.asarray(np.arange(len(values)) if times is None else times, dtype=np.float64)
    if values.ndim not in (1, 2) or when.shape != values.shape[:1]:
        raise ShapeMismatch(f"values {values.shape} at times {when.shape}; give [T] or [T, units] of one individual")
    return when, values.reshape(len(values), -1)


def _title(name: str) -> str:
    area, _, field = name.partition(".")
    words = {"v": "membrane potential", "level": "level"}
    return f"{style.area_name(area)} {words.get(field, field)}".strip()


@style.styled
def spans(times: ArrayLike, on: ArrayLike, *, colour: str = style.PAIN, ax: Axes | None = None) -> Axes:
    """Shade the time in which `on` `[T]` is true; it holds from its own time to the next of `times` `[T]`."""
    ax = style.axes(ax, 5.0, 2.0)
    when, state = np.asarray(times, dtype=np.float64), np.asarray(on, dtype=bool)
    if when.shape != state.shape or when.ndim != 1:
        raise ShapeMismatch(f"times {when.shape} and states {state.shape}; give [T] of both")
    length = float(np.median(np.diff(when))) if len(when) > 1 else 1.0
    edges = np.diff(np.concatenate(([0], state.astype(np.int64), [0])))
    stops = np.append(when, when[-1:] + length)
    for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        ax.axvspan(stops[start], stops[stop], color=colour, lw=0, zorder=0)
    return ax
