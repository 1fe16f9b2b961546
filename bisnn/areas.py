"""The parts of a circuit and its state: areas, projections, what changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor

from bisnn.initialisers import Constant, Initialiser
from bisnn.neurons.base import Neuron
from bisnn.plasticity.base import Rule

ZERO = Constant(0.0)
"""Initial weights of 0."""


@dataclass(frozen=True, kw_only=True)
class Area:
    """A population of `n` neurons of one model."""

    n: int
    """Number of neurons."""
    neuron: Neuron
    """Their model."""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """A bundle of synapses from one area to another."""

    source: str
    target: str
    weight: Initialiser = ZERO
    """Initial weights."""
    rule: Rule | None = None
    """Plasticity; None: fixed."""
    bounds: tuple[float, float] = (-1.0, 1.0)
    """Lowest and highest weight that learning can reach."""
    delay: int = 1
    """Ticks from the spike of the source to the current in the target."""

    @property
    def name(self) -> str:
        """`source->target`."""
        return f"{self.source}->{self.target}"


class CircuitState(NamedTuple):
    """Everything that changes in a circuit."""

    neurons: dict[str, Any]  # area -> neuron state, leaves [*B, n]
    spikes: dict[str, tuple[Tensor, ...]]  # area -> spikes of the last ticks, newest first, each [*B, n]
    weights: dict[str, Tensor]  # projection -> [*B, pre, post]
    traces: dict[str, Any]  # plastic projection -> trace of its rule
    modulators: dict[str, Any]  # modulator -> state, leaves [*B]
