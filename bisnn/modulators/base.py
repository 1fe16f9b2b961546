"""What a neuromodulator is: release in, level out.

A modulator that listens to an area has a field `source: str | None`; where it names one, the spikes of that area
in this tick, `[*B, n]`, are handed to its step after `dt`.
"""

from __future__ import annotations

import math
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from bisnn.errors import ShapeMismatch


@runtime_checkable
class Modulator(Protocol):
    """A neuromodulator; its fields are parameters, its state a NamedTuple of tensors `[*B]` or `[*B, ...]`."""

    def init(self, like: Tensor) -> Any:
        """The state before any release, on the shape `[*B]`, device and dtype of `like`."""
        ...

    def step(self, state: Any, release: Tensor, dt: float) -> tuple[Tensor, Any]:
        """One tick: `release` `[*B]` in, `level` `[*B]` and the next state out."""
        ...


def source(modulator: object) -> str | None:
    """The area whose spikes the modulator's step is handed, if any."""
    found: str | None = getattr(modulator, "source", None)
    return found


def cleared(level: Tensor, release: Tensor, tau: float, dt: float) -> Tensor:
    """A concentration `[*B]` after one tick: what is left after `dt` ms at time constant `tau` (0: nothing), plus
    the release."""
    keep = math.exp(-dt / tau) if tau > 0 else 0.0
    return level * keep + release


def check_cells(modulator: object, spikes: Tensor, cells: int) -> None:
    """Raises `ShapeMismatch` unless the area that the modulator listens to has so many cells."""
    if spikes.shape[-1] != cells:
        raise ShapeMismatch(
            f"{type(modulator).__name__} knows {cells} cues, its source has {spikes.shape[-1]} cells; "
            f"set cues to the n of that area"
        )
