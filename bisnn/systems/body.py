"""The bodily self: a spiking forward model predicts the displacement that an action causes; pain is its error.

    felt = [sensory - prediction]+      missing = [prediction - sensory]+      pain cells ~ sum(felt) + sum(missing)

Motor command and touch excite the prediction area through weights that the body learns by babbling; the
displacement that the senses report excites (felt) or inhibits (missing) the two error areas. Pain cells have
graded thresholds, so their number grows with the mismatch: five cells per grid cell of mismatch by default.

Feng, Zeng (2022) Front. Neurorobot. doi:10.3389/fnbot.2022.1025338;
Feng, Zeng, Lu (2022) Front. Comput. Neurosci. doi:10.3389/fncom.2022.784967
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import CURRENT
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Constant, OneToOne
from bisnn.neurons import IF
from bisnn.plasticity import PreTraceSTDP
from bisnn.recording import Probe, Recording

INTENDED = ((0.0, -1.0), (0.0, 1.0), (1.0, 0.0), (-1.0, 0.0))
"""Displacement (dx, dy) that each action causes in a free, healthy body: up, down, right, left."""


class Feeling(NamedTuple):
    """What the body feels of one movement."""

    pain: Tensor  # [*B, n_pain] 1 where a pain cell is active
    felt: Tensor  # [*B, 4] cells of displacement felt but not predicted: right, left, down, up
    missing: Tensor  # [*B, 4] cells of displacement predicted but not felt
    mismatch: Tensor  # [*B] total mismatch, in grid cells


def squared_error(mismatch: Tensor, pixels: float = 40.0, vertices: int = 5) -> Tensor:
    """Squared prediction error of the polygon body, px^2: vertices (pixels mismatch)^2, `[*B]`."""
    return (mismatch * pixels) * (mismatch * pixels) * vertices


def free_energy(mismatch: Tensor, precision: float = 1.0) -> Tensor:
    """Free-energy proxy F = 0.5 precision mismatch^2, `[*B]`."""
    return mismatch * mismatch * (0.5 * precision)


@dataclass(frozen=True, kw_only=True)
class Body:
    """The default body: population codes, two-sided and graded error (module docstring)."""

    command_cells: int = 3
    """Motor-command cells for each action and touch (free or blocked)."""
    per_cell: int = 5
    """Units recruited per grid cell of displacement."""
    reach: int = 4
    """Largest displacement that is coded, grid cells."""
    n_pain: int = 20
    """Pain cells."""
    ticks: int = 5
    """Ticks per movement."""
    epochs: int = 10
    """Times that babbling visits every command."""
    rate: float = 0.02
    """Learning rate of the forward model."""
    backend: str = "torch"
    """Backend of the circuit."""

    @property
    def side(self) -> int:
        """Units of one direction."""
        return self.per_cell * self.reach

    @cached_property
    def circuit(self) -> Circuit:
        """command -> prediction (learned); sensory, prediction -> felt, missing -> pain."""
        n, cell = 4 * self.side, IF(floor=-0.5)
        areas = {"command": 8 * self.command_cells, "prediction": n, "sensory": n, "felt": n, "missing": n}

        def fixed(source: str, target: str, value: float) -> Projection:
            weight = Constant(value) if target == "pain" else OneToOne(value)
            return Projection(source=source, target=target, weight=weight, delay=0)

        return Circuit(
            areas={name: Area(n=size, neuron=cell) for name, size in {**areas, "pain": self.n_pain}.items()},
            projections=(
                Projection(
                    source="command",
                    target="prediction",
                    rule=PreTraceSTDP(rate=self.rate),
                    bounds=(0.0, 6.0),
                    delay=0,
                ),
                fixed("sensory", "felt", 6.0),
                fixed("prediction", "felt", -6.0),
                fixed("prediction", "missing", 6.0),
                fixed("sensory", "missing", -6.0),
                fixed("felt", "pain", 1.0),
                fixed("missing", "pain", 1.0),
            ),
            backend=self.backend,
        )

    def init(self, key: Tensor) -> CircuitState:
        """A body that predicts nothing yet, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def command(self, action: Tensor, blocked: Tensor) -> Tensor:
        """Drive `[*B, 8 command_cells]` of a command int64 `[*B]`, with or without touch ahead (bool `[*B]`)."""
        group = action * 2 + blocked.to(torch.int64)
        cells = torch.arange(8 * self.command_cells, device=action.device) // self.command_cells
        return (group[..., None] == cells).to(torch.float32) * CURRENT

    def displacement(self, moved: Tensor) -> Tensor:
        """Drive `[*B, 4 side]` of a displacement (dx, dy) `[*B, 2]` in grid cells: right, left, down, up."""
        signed = torch.stack((moved[..., 0], -moved[..., 0], moved[..., 1], -moved[..., 1]), dim=-1)
        rank = torch.arange(self.side, device=moved.device, dtype=torch.float32)
        return ((signed * self.per_cell)[..., None] > rank).to(torch.float32).flatten(-2) * CURRENT

    def pain_thresholds(self, key: Tensor) -> Tensor:
        """Tonic inhibition `[*B, n_pain]` that makes pain cell j fire from j + 1 active error units."""
        return -(torch.arange(self.n_pain, device=key.device, dtype=torch.float32) + 0.25).expand(
            *key.shape, self.n_pain
        )

    def babble(self, state: CircuitState, gates: Gates = NO_GATES) -> CircuitState:
        """Learn the forward model: every command, free and blocked, with the displacement that it really causes."""
        weight = state.weights["command->prediction"]
        batch, device = weight.shape[:-2], weight.device
        for _ in range(self.epochs):
            for action, intended in enumerate(INTENDED):
                for blocked in (False, True):
                    moved = torch.tensor((0.0, 0.0) if blocked else intended, device=device).expand(*batch, 2)
                    drive = {
                        "command": self.command(
                            torch.full(batch, action, device=device), torch.full(batch, blocked, device=device)
                        ),
                        "prediction": self.displacement(moved),
                    }
                    state, _ = self.circuit.run(self.circuit.rest(state), drive, None, gates, steps=self.ticks)
        return self.circuit.rest(state)

    def feel(
        self,
        state: CircuitState,
        action: Tensor,
        blocked: Tensor,
        moved: Tensor,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Feeling, Recording]:
        """Feel one movement: `action` int64 `[*B]`, touch `blocked` bool `[*B]`, `moved` (dx, dy) `[*B, 2]` in cells.

        The body is at rest before and keeps no trace of the movement. Raises `ConfigError` when the displacement
        exceeds `reach`.
        """
        if bool((moved.abs() > self.reach).any()):
            raise ConfigError(
                f"a displacement exceeds the reach of {self.reach} cells; build the body with a larger reach"
            )
        drive = {
            "command": self.command(action, blocked),
            "sensory": self.displacement(moved),
            "pain": self.pain_thresholds(action),
        }
        wanted = tuple(Probe(name) for name in ("felt", "missing", "pain"))
        extra = tuple(probe for probe in probes if probe not in wanted)
        state = self.circuit.rest(state)
        _, seen = self.circuit.run(
            state, drive, None, gates, steps=self.ticks, learning=False, probes=(*wanted, *extra)
        )
        felt, missing, pain = (
            (seen[f"{name}.spikes"].sum(-2) > 0).to(torch.float32) for name in ("felt", "missing", "pain")
        )
        sides = [x.unflatten(-1, (4, self.side)).sum(-1) * (1.0 / self.per_cell) for x in (felt, missing)]
        return Feeling(pain, sides[0], sides[1], sides[0].sum(-1) + sides[1].sum(-1)), seen


EXAMPLES = (Body(), Body(per_cell=3, reach=2, n_pain=12))
