"""The parts of a circuit and its state: areas, projections, what changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from torch import Tensor

from bisnn.initialisers import Constant, Initialiser
from bisnn.neurons.base import Neuron, StochasticNeuron
from bisnn.plasticity.base import Rule
from bisnn.receptors import Receptor
from bisnn.synapses import Filter

ZERO = Constant(0.0)
"""Initial weights of 0."""
SIGNS = ("any", "excitatory", "inhibitory")
"""What the synapses of an area may do."""


@dataclass(frozen=True, kw_only=True)
class Area:
    """A population of `n` neurons of one model."""

    n: int
    """Number of neurons."""
    neuron: Neuron | StochasticNeuron
    """Their model."""
    sign: Literal["any", "excitatory", "inhibitory"] = "any"
    """Dale's law: the sign of every weight from this area, also after learning."""
    receptors: tuple[Receptor, ...] = ()
    """What scales its input current."""


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
    mask: Initialiser | None = None
    """Which synapses exist (1) and which do not (0: no weight, no learning); None: all."""
    filter: Filter | None = None
    """Time course of the postsynaptic current; None: a spike acts for one tick."""
    normalise: float | None = None
    """Absolute weight into every target cell in sum, from the start on and as far as the bounds allow; None: free."""
    receptors: tuple[Receptor, ...] = ()
    """What scales the transmitted current."""
    plasticity_receptors: tuple[Receptor, ...] = ()
    """What scales the weight change."""

    @property
    def name(self) -> str:
        """`source->target`."""
        return f"{self.source}->{self.target}"


class Clock(NamedTuple):
    """Where in its random streams a circuit is."""

    key: Tensor  # int64 [*B] seed
    tick: Tensor  # int64 [*B] ticks so far; rest does not turn it back


class CircuitState(NamedTuple):
    """Everything that changes in a circuit."""

    neurons: dict[str, Any]  # area -> neuron state, leaves [*B, n]
    spikes: dict[str, tuple[Tensor, ...]]  # area -> spikes of the last ticks, newest first, each [*B, n]
    weights: dict[str, Tensor]  # projection -> [*B, pre, post]
    traces: dict[str, Any]  # plastic projection -> trace of its rule
    modulators: dict[str, Any]  # modulator -> state, leaves [*B] or [*B, ...]
    currents: dict[str, Tensor]  # filtered projection -> current left, [*B, post]
    masks: dict[str, Tensor]  # masked projection -> [*B, pre, post] 1 where the synapse exists
    levels: dict[str, Tensor]  # modulator that a receptor feels -> level of the last tick, [*B]
    clock: Clock | None  # only where an area is stochastic
