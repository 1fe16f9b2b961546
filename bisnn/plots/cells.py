"""Counts of cells: how many units an individual has of each kind."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import offset_copy
from numpy.typing import ArrayLike

from bisnn.plots import style

KINDS: Mapping[str, tuple[str, str]] = {
    "mirror_pain": ("mirror cells: pain", "#D55E00"),
    "mirror_neutral": ("mirror cells: calm", "#0072B2"),
    "non_selective": ("fires for all", "#9A9A9A"),
    "anti_mirror_sma": ("anti-mirror, SMA", "#009E73"),
    "anti_mirror_m1": ("anti-mirror, M1", "#117733"),
}
"""Kind of cell -> its name and colour."""


@style.styled
def census(
    counts: Mapping[str, Mapping[str, ArrayLike]],
    *,
    kinds: tuple[str, ...] = tuple(KINDS),
    total: int | None = None,
    names: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """A bar per arm, made of its mean count of each of `kinds`.

    `counts`: arm -> kind -> a count or counts `[seeds]`. `total`: how many cells there are; what no kind claims
    is left white in an outline. `names`: write the names of the arms. The legend stands below the axes.
    """
    ax = style.axes(ax, 5.2, 1.0 + 0.28 * len(counts))
    means = {arm: {kind: _mean(row.get(kind, 0)) for kind in kinds} for arm, row in counts.items()}
    places = np.arange(len(means))
    left = np.zeros(len(means))
    if total is not None:
        ax.barh(places, total, 0.62, fill=False, ec="#AAAAAA", lw=0.7, zorder=1)
    widest = total or max((sum(row.values()) for row in means.values()), default=1.0)
    for kind in kinds:
        name, colour = KINDS.get(kind, (kind.replace("_", " "), style.GREY))
        size = np.array([row[kind] for row in means.values()])
        ax.barh(places, size, 0.62, left=left, color=colour, label=name, zorder=2)
        for place, (middle, value) in enumerate(zip(left + size / 2, size, strict=True)):
            if value >= 0.06 * widest:
                ax.text(middle, place, f"{value:.3g}", ha="center", va="center", color="white", fontsize="x-small")
        left = left + size
    ax.set_yticks(places, [style.arm_name(arm) for arm in means] if names else [])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set(ylim=(len(means) - 0.5, -0.5), xlabel="cells", xlim=(0, 1.02 * widest))
    below = offset_copy(ax.transAxes, fig=ax.get_figure(root=True), y=-28, units="points")
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=below,
        ncols=len(kinds),
        columnspacing=1.2,
        handlelength=1.0,
    )
    return ax


def _mean(values: ArrayLike) -> float:
    found = np.asarray(values, dtype=np.float64).ravel()
    return float(found.mean()) if found.size else 0.0
