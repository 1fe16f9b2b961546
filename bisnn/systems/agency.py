"""The sense of agency: self-evidence that grows while what is sensed was predicted, and falls while it was not.

    A <- A + (1/tau) (evidence - A)        evidence = max(0, 1 - |e| / |s'|)

|e|: spikes of the error areas (felt and missing together) in one step, |s'|: spikes of the sensory area. A lies between
0 (the world moves me) and 1 (I move). Steps are movements, so the sums run over the ticks of one movement.

Steps without movement. A step counts only where at least `least` spikes were predicted or sensed; any other step is
evidence of nothing and leaves A exactly as it is, so standing still neither adds agency nor takes it away. A step in
which a movement was predicted and nothing at all was sensed counts, with evidence 0.

The circuit computes the evidence in spikes and without a division: agency cell j of n is excited by s' with weight
1 - (j + 1/2)/n and inhibited by e with weight 1, so that in every tick n evidence cells fire, to the nearest cell.

"Agency" means this number and nothing else: no awareness is claimed.

Wolpert, Ghahramani, Jordan (1995) Science 269:1880 (forward model). doi:10.1126/science.7569931;
Blakemore, Wolpert, Frith (1998) Nat. Neurosci. 1:635 (comparator). doi:10.1038/2870;
Frith, Blakemore, Wolpert (2000) Phil. Trans. R. Soc. B 355:1771 (agency). doi:10.1098/rstb.2000.0734
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError
from bisnn.initialisers import Blocks, Constant
from bisnn.neurons import IF
from bisnn.parameters import counts, fraction, positive


@dataclass(frozen=True, kw_only=True)
class Agency:
    """The self-evidence integrator (equation and references: module docstring).

    Raises `ConfigError` for a tau below 1 step, an initial value outside 0 to 1, or sizes that are not whole and above
    0.
    """

    tau: float = 4.0
    """Time constant of the integration in steps, at least 1: `tau` times the ms of one movement."""
    initial: float = 0.5
    """Agency before any evidence."""
    least: float = 1.0
    """Spikes, predicted or sensed, from which a step counts as a movement."""
    inputs: int = 80
    """Cells of the sensory area and of the error areas together, each."""
    cells: int = 20
    """Agency cells of the circuit."""

    def __post_init__(self) -> None:
        positive(self, "tau", "least")
        fraction(self, "initial")
        counts(self, "inputs", "cells")
        if self.tau < 1.0:
            raise ConfigError(f"Agency: tau is {self.tau}; evidence is taken in steps, so give at least 1")

    @cached_property
    def circuit(self) -> Circuit:
        """sensed, error -> agency: how many agency cells fire is the evidence of the tick."""
        graded = tuple(
            ((0, self.inputs), (cell, cell + 1), 1.0 - (cell + 0.5) / self.cells) for cell in range(self.cells)
        )
        relay, compare = IF(), IF(threshold=1e-3, floor=0.0)
        return Circuit(
            areas={
                "sensed": Area(n=self.inputs, neuron=relay, sign="excitatory"),
                "error": Area(n=self.inputs, neuron=relay, sign="inhibitory"),
                "agency": Area(n=self.cells, neuron=compare),
            },
            projections=(
                Projection(source="sensed", target="agency", weight=Blocks(graded), delay=0),
                Projection(source="error", target="agency", weight=Constant(-1.0), delay=0),
            ),
        )

    def init(self, key: Tensor) -> Tensor:
        """Agency before any step, float32 `[*B]`, for individuals `key` int64 `[*B]`."""
        return torch.full(key.shape, self.initial, device=key.device)

    def evidence(self, error: Tensor, sensed: Tensor) -> Tensor:
        """max(0, 1 - |e|/|s'|) of one step `[*B]`; 0 where nothing was sensed."""
        some = sensed > 0.0
        share = error / torch.where(some, sensed, 1.0)
        return torch.where(some, (1.0 - share).clamp_(min=0.0), 0.0)

    def step(self, state: Tensor, error: Tensor, predicted: Tensor, sensed: Tensor) -> tuple[Tensor, Tensor]:
        """One movement: spikes of the error areas, the prediction and the senses, each `[*B]`; to (agency, state)."""
        moved = (predicted >= self.least) | (sensed >= self.least)
        grown = state + (self.evidence(error, sensed) - state) / self.tau
        after = torch.where(moved, grown, state)
        return after, after


EXAMPLES = (Agency(), Agency(tau=10.0, initial=0.0, inputs=40, cells=8))
