"""What a neuromodulator is: release in, level out."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Modulator(Protocol):
    """A neuromodulator; its fields are parameters, its state a NamedTuple of `[*B]` tensors."""

    def init(self, like: Tensor) -> Any:
        """The state before any release, on the shape `[*B]`, device and dtype of `like`."""
        ...

    def step(self, state: Any, release: Tensor, dt: float) -> tuple[Tensor, Any]:
        """One tick: `release` `[*B]` in, `level` `[*B]` and the next state out."""
        ...
