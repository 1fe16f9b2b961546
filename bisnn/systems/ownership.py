"""Ownership of an image: evidence that grows while what is seen to move is what the own body was predicted to do.

    match = expected AND seen;   mismatch = (seen - expected)+ + (expected - seen)+
    E <- lambda E + (1 - lambda) (match - mismatch)          match, mismatch in cells of movement

The prediction of the forward model (an efference copy, in the code of the body's displacement) excites the expected
area, the moving image the superior temporal sulcus (sts), unit by unit. Two error areas fire for what is seen and not
expected (novel) and for what is expected and not seen (absent); insula cells need both inputs and are held down by
either error. E lies between -2 (an image that always moves otherwise) and 1 (one that moves as predicted); steps in
which nothing moves take it towards 0. The image is in the frame of the body: what a mirror does to directions is not
learned here (see `mirror_self`).

"Ownership" means this number and nothing else: evidence of contingency, no awareness is claimed.

Zeng, Zhao, Bai, Xu (2018) Cogn. Comput. 10:307 (coincidence in the insula). doi:10.1007/s12559-017-9505-1;
Gallagher (2000) Trends Cogn. Sci. 4:14 (ownership and agency). doi:10.1016/S1364-6613(99)01417-5
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import CURRENT
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import OneToOne
from bisnn.neurons import IF
from bisnn.parameters import below_one, counts
from bisnn.recording import Probe, Recording

PROBES = tuple(Probe(area) for area in ("expected", "sts", "insula", "novel", "absent"))
"""What is recorded of one look."""


class Comparison(NamedTuple):
    """What one look at the image says, `[*B]` each, in cells of movement."""

    match: Tensor  # seen as expected
    mismatch: Tensor  # seen and not expected, or expected and not seen


@dataclass(frozen=True, kw_only=True)
class Ownership:
    """Spiking comparison of an image with the prediction of the own body (equation and references: module docstring).

    Raises `ConfigError` for sizes that are not whole and above 0, or a memory that is not between 0 and 1.
    """

    units: int = 80
    """Units of a displacement."""
    per_cell: int = 5
    """Units of one cell of displacement."""
    memory: float = 0.85
    """What is left of the evidence after a step, lambda."""
    ticks: int = 5
    """Ticks of one look."""
    backend: str = "torch"
    """Backend of the circuit."""

    def __post_init__(self) -> None:
        counts(self, "units", "per_cell", "ticks")
        below_one(self, "memory")

    @cached_property
    def circuit(self) -> Circuit:
        """expected, sts -> insula, novel, absent, unit by unit."""
        cell, both = IF(floor=-0.5), IF(threshold=0.9, floor=0.0)

        def fixed(source: str, target: str, value: float) -> Projection:
            return Projection(source=source, target=target, weight=OneToOne(value), delay=0)

        areas = {name: Area(n=self.units, neuron=cell) for name in ("expected", "sts", "novel", "absent")}
        return Circuit(
            areas={**areas, "insula": Area(n=self.units, neuron=both)},
            projections=(
                fixed("expected", "insula", 0.6),
                fixed("sts", "insula", 0.6),
                fixed("novel", "insula", -0.6),
                fixed("absent", "insula", -0.6),
                fixed("sts", "novel", 6.0),
                fixed("expected", "novel", -6.0),
                fixed("expected", "absent", 6.0),
                fixed("sts", "absent", -6.0),
            ),
            backend=self.backend,
        )

    def init(self, key: Tensor) -> CircuitState:
        """The comparison at rest, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def look(
        self, state: CircuitState, expected: Tensor, seen: Tensor, gates: Gates = NO_GATES
    ) -> tuple[Comparison, Recording]:
        """Compare the units `[*B, units]` (0 or 1) of what is `expected` with those of what is `seen`, from rest."""
        drive = {"expected": expected * CURRENT, "sts": seen * CURRENT}
        _, found = self.circuit.run(
            self.circuit.rest(state), drive, None, gates, steps=self.ticks, learning=False, probes=PROBES
        )
        count = {
            name: (found[f"{name}.spikes"].sum(-2) * 2.0 > self.ticks).sum(-1).to(torch.float32) / self.per_cell
            for name in ("insula", "novel", "absent")
        }
        return Comparison(count["insula"], count["novel"] + count["absent"]), found

    def step(self, evidence: Tensor, comparison: Comparison) -> Tensor:
        """E after a look, `[*B]`."""
        return evidence * self.memory + (comparison.match - comparison.mismatch) * (1.0 - self.memory)


EXAMPLES = (Ownership(), Ownership(units=24, per_cell=3, memory=0.5, ticks=7))
"""Systems of the exams."""
