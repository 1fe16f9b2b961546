"""What a neuron model is: a frozen dataclass with `init` and a pure `step`."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, runtime_checkable

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


@runtime_checkable
class StochasticNeuron(Protocol):
    """A neuron model that draws: its class says `stochastic: ClassVar[bool] = True`.

    Its state has a leaf `expected`: the probability of a spike in this tick, which rules may read.
    """

    stochastic: ClassVar[bool]

    def init(self, shape: tuple[int, ...], like: Tensor) -> Any:
        """The state at rest, leaves of `shape` `[*B, n]` on the device and dtype of `like`."""
        ...

    def step(self, state: Any, current: Tensor, dt: float, noise: Tensor) -> tuple[Tensor, Any]:
        """One tick: `current` and uniform `noise` in [0, 1), `[*B, n]` each, to spikes 0/1 and the next state."""
        ...


def stochastic(neuron: object) -> bool:
    """Whether the circuit must hand noise to the neuron's step."""
    return bool(getattr(neuron, "stochastic", False))


def elementwise(neuron: object) -> bool:
    """Whether all cells of the model are alike; a model whose cells differ or interact says
    `elementwise: ClassVar[bool] = False`."""
    return bool(getattr(neuron, "elementwise", True))


def exceeds(v: Tensor, threshold: float) -> Tensor:
    """1 where `v > threshold`, else 0, in the dtype of `v`."""
    return torch.gt(v, threshold, out=torch.empty_like(v))


def reaches(v: Tensor, threshold: float) -> Tensor:
    """1 where `v >= threshold`, else 0, in the dtype of `v`."""
    return torch.ge(v, threshold, out=torch.empty_like(v))


def ticks(time: float, dt: float) -> float:
    """A time in ms as whole ticks: the nearest number (half a tick: the even one)."""
    return float(round(time / dt))
