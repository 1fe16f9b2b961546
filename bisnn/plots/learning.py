"""Learning curves: a measure over a life, arm by arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bisnn.plots import style


class CurveLike(Protocol):
    """A mean over time with its interval; all `[k]`."""

    @property
    def centres(self) -> NDArray[Any]:
        """Where each value stands (episode)."""

    @property
    def mean(self) -> NDArray[Any]:
        """The mean."""

    @property
    def lo(self) -> NDArray[Any]:
        """Lower end of its interval."""

    @property
    def hi(self) -> NDArray[Any]:
        """Upper end of its interval."""


class Band(NamedTuple):
    """A plain `CurveLike`."""

    centres: NDArray[np.float64]
    mean: NDArray[np.float64]
    lo: NDArray[np.float64]
    hi: NDArray[np.float64]


@style.styled
def curves(
    data: Mapping[str, CurveLike],
    *,
    ylabel: str = "",
    xlabel: str = "episode",
    reference: str | None = "intact",
    legend: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """One line per arm with its interval as a band; that of `reference` is bold, and the others run over it.

    The legend stands to the right of the axes; `legend=False` leaves it to the caller.
    """
    ax = style.axes(ax, 6.0, 3.0)
    for number, (arm, curve) in enumerate(data.items()):
        colour = style.colour(arm, style.ARMS, number)
        first = arm == reference
        ax.fill_between(curve.centres, curve.lo, curve.hi, color=colour, alpha=0.16, lw=0, zorder=2)
        ax.plot(
            curve.centres,
            curve.mean,
            color=colour,
            ls="-" if first else style.DASHES[number % len(style.DASHES)],
            lw=3.4 if first else 1.3,
            marker="o" if len(curve.centres) < 2 else None,
            label=style.arm_name(arm),
            zorder=3 if first else 4,
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.margins(x=0.01)
    if legend and data:
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax
