"""What a neuron model is: a frozen dataclass with `init` and a pure `step`."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Neuron(Protocol):
    """A neuron model; its fields are parameters, its state a NamedTuple of `[*B, n]` tensors."""

    def init(self, shape: tuple[int, ...], like: Tensor) -> Any:
        """The state at rest, leaves of `shape` `[*B, n]` on the device and dtype of `like`."""
        ...

    def step(self, state: Any, current: Tensor, dt: float) -> tuple[Tensor, Any]:
        """One tick: `current` `[*B, n]` in, spikes 0/1 `[*B, n]` and the next state out."""
        ...


def exceeds(v: Tensor, threshold: float) -> Tensor:
    """1 where `v > threshold`, else 0, in the dtype of `v`."""
    return torch.gt(v, threshold, out=torch.empty_like(v))


def reaches(v: Tensor, threshold: float) -> Tensor:
    """1 where `v >= threshold`, else 0, in the dtype of `v`."""
    return torch.ge(v, threshold, out=torch.empty_like(v))
