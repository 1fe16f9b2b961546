"""An autoassociative memory that acetylcholine turns from retrieval to encoding.

    I_j = strong p_j + diffuse sum_i p_i + suppression(ACh) sum_i w_ij s_i
    dw_ij = enabling(ACh) rate r_i z_j                                          (`PreTraceSTDP`)

Cells of CA3 get a pattern p of cortical spikes, most of it each from its own cell, some of it from all, and excite each
other through plastic recurrent synapses. While a second pattern is stored that shares cells with the first, the shared
cells call up the rest of the first; what is active together is tied together, and later a cue of the one recalls
both. With acetylcholine high during encoding the recurrent current is too weak for that, and the synapses
still learn; with acetylcholine low during retrieval the same synapses complete a cue. A tick is one gamma cycle.

Hasselmo (2006) Curr. Opin. Neurobiol. 16:710 (the mechanism; sizes and weights are ours).
doi:10.1016/j.conb.2006.09.002
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates
from bisnn.modulators import Acetylcholine
from bisnn.modulators.acetylcholine import enabling, suppression
from bisnn.neurons import IF, EscapeRateLIF
from bisnn.plasticity import PreTraceSTDP
from bisnn.propagate import on_grid
from bisnn.recording import Probe

RECURRENT = "ca3->ca3"
"""The synapses that store."""


@dataclass(frozen=True)
class Focused:
    """A strong weight from each cell to its own, a weak one to all others."""

    strong: float
    diffuse: float

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return abs(self.strong) + abs(self.diffuse)

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`, the same for all."""
        matrix = torch.eye(pre, post) * self.strong + self.diffuse
        return matrix.to(key.device).expand(*key.shape, pre, post)


class Patterns(NamedTuple):
    """Two patterns of one individual, as masks 0/1 `[*B, n]`."""

    first: Tensor  # cells of the first pattern
    second: Tensor  # cells of the second pattern
    cue: Tensor  # some cells that the first has for itself


@dataclass(frozen=True, kw_only=True)
class EncodingRetrieval:
    """The autoassociative memory (module docstring). Raises `ConfigError` for patterns that do not fit."""

    n: int = 40
    """Cells."""
    size: int = 10
    """Cells of a pattern."""
    shared: int = 2
    """Cells that both patterns have."""
    cued: int = 5
    """Cells of a cue, of those that its pattern has for itself."""
    ticks: int = 60
    """Ticks for which a pattern or a cue is given."""
    strong: float = 3.0
    """Current from cortex into the cells of a pattern."""
    diffuse: float = 0.042
    """Current from every cell of the pattern into all cells."""
    bound: float = 0.3
    """Largest recurrent weight."""
    delta_u: float = 0.018
    """Noise of the cells: potential over which their rate grows by a factor of e, thresholds."""
    rate: float = 0.005
    """Learning rate without acetylcholine."""
    dt: float = 25.0
    """Length of a tick, ms."""

    def __post_init__(self) -> None:
        own = self.size - self.shared
        if not (0 <= self.shared < self.size and 1 <= self.cued <= own and self.size + own <= self.n):
            raise ConfigError(
                f"two patterns of {self.size} cells that share {self.shared} do not fit {self.n} cells and a cue of "
                f"{self.cued}; the cue is part of the {own} cells that a pattern has for itself"
            )

    @cached_property
    def circuit(self) -> Circuit:
        """cortex -> ca3; ca3 -> ca3, plastic, with acetylcholine at both sites."""
        return Circuit(
            areas={
                "cortex": Area(n=self.n, neuron=IF()),
                "ca3": Area(n=self.n, neuron=EscapeRateLIF(tau=10.0, delta_u=self.delta_u, refractory=0.0)),
            },
            projections=(
                Projection(source="cortex", target="ca3", weight=Focused(self.strong, self.diffuse), delay=0),
                Projection(
                    source="ca3",
                    target="ca3",
                    rule=PreTraceSTDP(rate=self.rate, tau=10.0),
                    bounds=(0.0, self.bound),
                    receptors=(suppression(),),
                    plasticity_receptors=(enabling(),),
                ),
            ),
            modulators={"acetylcholine": Acetylcholine(tau=0.0)},
            dt=self.dt,
        )

    def init(self, key: Tensor) -> CircuitState:
        """An empty memory, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def patterns(self, key: Tensor) -> Patterns:
        """The two patterns of individuals `key` int64 `[*B]`, drawn from their own stream."""
        rank = rng.uniform(key, "ca3/patterns", 0, self.n).argsort(dim=-1, stable=True).argsort(dim=-1, stable=True)
        own = self.size - self.shared
        first, second, cue = rank < self.size, (rank >= own) & (rank < own + self.size), rank < self.cued
        return Patterns(first.to(torch.float32), second.to(torch.float32), cue.to(torch.float32))

    def present(
        self, state: CircuitState, pattern: Tensor, level: float, gates: Gates = NO_GATES
    ) -> tuple[CircuitState, Tensor]:
        """Give `pattern` `[*B, n]` at a `level` of acetylcholine: the state after it, and the spikes of each cell in
        the second half, `[*B, n]`."""
        release = torch.full((*pattern.shape[:-1], self.ticks), level, device=pattern.device, dtype=pattern.dtype)
        state, seen = self.circuit.run(
            self.circuit.rest(state),
            {"cortex": pattern},
            {"acetylcholine": release},
            gates,
            steps=self.ticks,
            probes=(Probe("ca3"),),
        )
        late = seen["ca3.spikes"][..., self.ticks // 2 :, :]
        return state, late.sum(-2)

    def encode(self, state: CircuitState, patterns: Patterns, gates: Gates = NO_GATES) -> CircuitState:
        """Store the first pattern, then the second, with acetylcholine high."""
        for pattern in (patterns.first, patterns.second):
            state, _ = self.present(state, pattern, 1.0, gates)
        return state

    def retrieve(self, state: CircuitState, patterns: Patterns, gates: Gates = NO_GATES) -> tuple[Tensor, Tensor]:
        """Cue the first pattern with acetylcholine low: how often its other cells fire, and how often the second's own
        cells, spikes per tick `[*B]` each."""
        _, fired = self.present(state, patterns.cue, 0.0, gates)
        ticks = self.ticks - self.ticks // 2
        wanted, foreign = patterns.first - patterns.cue, patterns.second * (1.0 - patterns.first)
        recalled = (fired * wanted).sum(-1) / (wanted.sum(-1) * ticks)
        return recalled, (fired * foreign).sum(-1) / (foreign.sum(-1) * ticks)

    def crosstalk(self, state: CircuitState, patterns: Patterns) -> Tensor:
        """Mean weight from the first pattern's own cells to the second's, as a share of the bound, `[*B]`."""
        own = patterns.first * (1.0 - patterns.second)
        foreign = patterns.second * (1.0 - patterns.first)
        pairs = own[..., :, None] * foreign[..., None, :]
        return (on_grid(state.weights[RECURRENT]) * pairs).sum((-2, -1)) / (pairs.sum((-2, -1)) * self.bound)


EXAMPLES = (EncodingRetrieval(), EncodingRetrieval(n=30, size=8, shared=2, cued=5, ticks=40))
