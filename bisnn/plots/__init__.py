"""Figures: each function takes recorded data and axes (`ax`; None: new ones), draws, and returns the axes.

    from bisnn import plots
    ax = plots.raster(recording, ("perception", "ifg"))
    ax.figure.savefig("raster.png")

Nothing here simulates or shows a window; matplotlib is imported when the first function is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bisnn.plots.cells import census as census
    from bisnn.plots.comparison import arms as arms
    from bisnn.plots.doses import dose_response as dose_response
    from bisnn.plots.learning import Band as Band
    from bisnn.plots.learning import curves as curves
    from bisnn.plots.matrices import heat as heat
    from bisnn.plots.matrices import weights as weights
    from bisnn.plots.rasters import Events as Events
    from bisnn.plots.rasters import raster as raster
    from bisnn.plots.traces import spans as spans
    from bisnn.plots.traces import trace as trace
    from bisnn.plots.worlds import trajectory as trajectory

_HOME = {
    "Band": "learning",
    "Events": "rasters",
    "arms": "comparison",
    "census": "cells",
    "curves": "learning",
    "dose_response": "doses",
    "heat": "matrices",
    "raster": "rasters",
    "spans": "traces",
    "trace": "traces",
    "trajectory": "worlds",
    "weights": "matrices",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"bisnn.plots.{_HOME[name]}"), name)
    raise AttributeError(f"module 'bisnn.plots' has no attribute {name!r}; it has {', '.join(sorted(_HOME))}")


def __dir__() -> list[str]:
    return sorted((*globals(), *_HOME))
