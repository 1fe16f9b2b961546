"""The reference body `brp_snn`: latency codes, unsigned and all-or-none pain.

Gaussian-receptive-field codes of the action (state, 12 cells) learn to predict those of the intended
displacement (prediction, 24 cells); sensory minus prediction excites the error area, and any error cell
excites the first 12 p of 24 pain cells, whatever the size of the mismatch: the first half of the pain area
stands for pain, the second for its absence. A displacement that is predicted but not felt stays silent.

Feng, Zeng (2022) Front. Neurorobot. doi:10.3389/fnbot.2022.1025338 (equations from the authors' released code)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import gaussian_latency
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Blocks, OneToOne
from bisnn.neurons import IF
from bisnn.plasticity import PreTraceSTDP
from bisnn.recording import Probe, Recording
from bisnn.systems.body import INTENDED

TEACH = 6.0
"""Drive of a coded spike, and weight of every fixed one-to-one projection."""


@dataclass(frozen=True, kw_only=True)
class LatencyBody:
    """The reference body `brp_snn` (module docstring)."""

    p: float = 0.5
    """Fraction of the first half of the pain cells that any error excites."""
    n_pain: int = 24
    """Pain cells."""
    ticks: int = 100
    """Ticks per movement."""
    epochs: int = 10
    """Times that every action is practised."""

    @cached_property
    def circuit(self) -> Circuit:
        """state -> prediction (learned); sensory - prediction -> error -> pain."""
        painful = round(self.n_pain * self.p / 2)
        sizes = {"state": 12, "prediction": 24, "sensory": 24, "error": 24, "pain": self.n_pain}
        return Circuit(
            areas={name: Area(n=n, neuron=IF()) for name, n in sizes.items()},
            projections=(
                Projection(
                    source="state", target="prediction", rule=PreTraceSTDP(rate=1.0), bounds=(0.0, 6.0), delay=0
                ),
                Projection(source="sensory", target="error", weight=OneToOne(TEACH), delay=0),
                Projection(source="prediction", target="error", weight=OneToOne(-TEACH), delay=0),
                Projection(source="error", target="pain", weight=Blocks((((0, 24), (0, painful), 1.0),)), delay=0),
            ),
        )

    def init(self, key: Tensor) -> CircuitState:
        """A body that predicts nothing yet, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def action_code(self, action: Tensor) -> Tensor:
        """Latency-coded drive `[*B, ticks, 12]` of `action` int64 `[*B]`."""
        return gaussian_latency(action[..., None], 0.0, 3.0, ticks=self.ticks) * TEACH

    def displacement_code(self, moved: Tensor) -> Tensor:
        """Latency-coded drive `[*B, ticks, 24]` of a displacement (dx, dy) `[*B, 2]` in [-1, 1]."""
        return gaussian_latency(moved, -1.0, 1.0, ticks=self.ticks) * TEACH

    def babble(self, state: CircuitState, gates: Gates = NO_GATES) -> CircuitState:
        """Learn to predict the displacement that each action intends."""
        weight = state.weights["state->prediction"]
        batch, device = weight.shape[:-2], weight.device
        for _ in range(self.epochs):
            for action, intended in enumerate(INTENDED):
                drive = {
                    "state": self.action_code(torch.full(batch, action, device=device)),
                    "prediction": self.displacement_code(torch.tensor(intended, device=device).expand(*batch, 2)),
                }
                state, _ = self.circuit.run(self.circuit.rest(state), drive, None, gates, steps=self.ticks)
        return self.circuit.rest(state)

    def feel(
        self, state: CircuitState, action: Tensor, moved: Tensor, gates: Gates = NO_GATES
    ) -> tuple[Tensor, Recording]:
        """Feel one movement: active pain cells `[*B, n_pain]` and the spikes of every area."""
        drive = {"state": self.action_code(action), "sensory": self.displacement_code(moved)}
        probes = tuple(Probe(name) for name in self.circuit.areas)
        state = self.circuit.rest(state)
        _, seen = self.circuit.run(state, drive, None, gates, steps=self.ticks, learning=False, probes=probes)
        return (seen["pain.spikes"].sum(-2) > 0).to(torch.float32), seen


def brp_snn(p: float = 0.5) -> LatencyBody:
    """The reference preset; the first 12 `p` of its 24 pain cells answer to any error."""
    return LatencyBody(p=p)


EXAMPLES = (brp_snn(), brp_snn(p=1.0))
