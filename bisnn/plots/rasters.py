"""Raster plots: one row per unit, silent ones included, areas stacked under their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bisnn.errors import ShapeMismatch, UnknownName
from bisnn.plots import style
from bisnn.recording import Recording

Groups = Mapping[str, Mapping[str, tuple[int, int]]]
"""Area -> name of a group of its units -> (first, past the last)."""
LEAST = 0.055
"""Least height of an area, as a fraction of all."""
MANY = 4000
"""Spikes above which an area is drawn as pixels also in a vector file."""


class Events(NamedTuple):
    """The spikes of one area."""

    times: NDArray[np.float64]  # [k] ms
    units: NDArray[np.int64]  # [k] from 0
    n: int  # units of the area, silent ones included
    end: float | None = None  # ms, when recording ended; None: not known


def events(recording: Recording, area: str) -> Events:
    """The spikes of `area` in the recording of one individual. Raises `UnknownName`, `ShapeMismatch` for a batch."""
    spikes = recording[f"{area}.spikes"]
    if spikes.dim() != 2:
        raise ShapeMismatch(f"{area}.spikes has shape {tuple(spikes.shape)}; pick an individual: recording.of(0)")
    tick, unit = spikes.nonzero().unbind(-1)
    times = recording.times(f"{area}.spikes").numpy()
    end = float(times[-1]) + recording.dt if len(times) else None
    return Events(times[tick.cpu().numpy()], unit.cpu().numpy().astype(np.int64), int(spikes.shape[-1]), end)


@style.styled
def raster(
    data: Recording | Mapping[str, Events],
    areas: str | Sequence[str] | None = None,
    *,
    groups: Groups | None = None,
    end: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The spikes of `areas` (None: of all), the first at the top; unit 0 of each is its top row.

    `data`: the recording of one individual, or events by area. `groups` names ranges of units at the right edge.
    `end`: last time shown, ms; None: the end of the recording, also where nothing fired. Raises `UnknownName`.
    """
    found = _events(data, areas)
    ax = style.axes(ax, 6.0, 0.9 + 0.35 * len(found))
    total = sum(each.n for each in found.values())
    last = end or max((each.end or float(each.times.max(initial=0.0)) + 1.0 for each in found.values()), default=1.0)
    thick = float(np.clip(0.4 * 72.0 * ax.get_figure(root=True).get_figwidth() / last, 0.6, 2.4))  # type: ignore[union-attr]
    top, ticks = 0.0, []
    for number, (area, each) in enumerate(found.items()):
        height = max(each.n, LEAST * total)
        colour = style.colour(area, style.AREAS, number)
        ax.axhspan(top, top + height, color=style.PALE if number % 2 else "#F7F7F7", lw=0, zorder=0)
        row = top + (each.units + 0.5) * height / each.n
        half = 0.45 * height / each.n
        dense = len(row) > MANY
        ax.vlines(each.times + 0.5, row - half, row + half, colors=colour, lw=thick, rasterized=dense, gid=area)
        _name_groups(ax, (groups or {}).get(area, {}), top, height / each.n, each.n / total)
        ticks.append((top + height / 2, f"{style.area_name(area)} ({each.n})", colour))
        top += height + 0.012 * total
    ax.set_yticks([place for place, _, _ in ticks], [name for _, name, _ in ticks])
    for label, (_, _, colour) in zip(ax.get_yticklabels(), ticks, strict=True):
        label.set_color(colour)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set(ylim=(top, 0.0), xlim=(0.0, last), xlabel="time (ms)")
    return ax


def _events(data: Recording | Mapping[str, Events], areas: str | Sequence[str] | None) -> dict[str, Events]:
    """The events of the areas that are asked for."""
    if isinstance(data, Recording):
        known = [name.removesuffix(".spikes") for name in data if name.endswith(".spikes")]
    else:
        known = list(data)
    wanted = known if areas is None else [areas] if isinstance(areas, str) else list(areas)
    if missing := [area for area in wanted if area not in known]:
        raise UnknownName("recorded area", missing[0], known)
    return {area: events(data, area) if isinstance(data, Recording) else data[area] for area in wanted}


def _name_groups(ax: Axes, groups: Mapping[str, tuple[int, int]], top: float, row: float, share: float) -> None:
    """Name ranges of units beside the right edge, with a line where one ends; small areas have no room for it."""
    for name, (first, last) in groups.items():
        if first:
            ax.axhline(top + first * row, color="white", lw=0.8, zorder=1)
        if share * (last - first) / max(end for _, end in groups.values()) > 0.03:
            ax.annotate(
                name,
                (1.0, top + (first + last) / 2 * row),
                xycoords=("axes fraction", "data"),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize="x-small",
                color=style.GREY,
            )
