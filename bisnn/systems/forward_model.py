"""A spiking forward model: an efference copy predicts the displacement that will be felt, and errors teach it.

    felt = [s' - s^]+      missing = [s^ - s']+      dw = rate x (felt - missing) at the apical dendrite

The copy of a motor command reaches the prediction area through plastic synapses. The prediction s^ waits `lag`, the
latency of the senses, and meets the sensory spikes s' in a signed pair of leaky error areas: felt but not predicted,
and predicted but not felt. Each error cell reaches the apical dendrite of the prediction cell that it judges, felt by
excitation, missing by inhibition, and the rule `ErrorDriven` learns and unlearns by the potential of that dendrite. It
does not make the cell fire: errors teach, they do not correct the prediction of the moment.

Displacements are a population code: `per_cell` cells for each grid cell, in four directions; n = 4 per_cell reach.

    command [actions command_cells]   sensory [n]   felt [n]   missing [n]   prediction [2 n]: n somata, n dendrites

Miall, Weir, Wolpert, Stein (1993) J. Mot. Behav. 25:203 (lag). doi:10.1080/00222895.1993.9942050;
Wolpert, Ghahramani, Jordan (1995) Science 269:1880. doi:10.1126/science.7569931;
Keller, Mrsic-Flogel (2018) Neuron 100:424 (signed pair of errors). doi:10.1016/j.neuron.2018.10.003;
Urbanczik, Senn (2014) Neuron 81:521 (dendritic teaching). doi:10.1016/j.neuron.2013.11.030
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import CURRENT
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import OneToOne
from bisnn.neurons import IF, LIF
from bisnn.parameters import below_one, counts, positive
from bisnn.plasticity import ErrorDriven
from bisnn.recording import Probe, Recording

AREAS = ("command", "prediction", "sensory", "felt", "missing")
"""The areas, in the order in which a movement reaches them."""
LEARNED = "command->prediction"
"""The plastic projection."""
TAUGHT = ("felt->prediction", "missing->prediction")
"""The projections that teach it."""


class Sensation(NamedTuple):
    """One movement in spikes, all ticks and cells together."""

    felt: Tensor  # [*B] felt, not predicted
    missing: Tensor  # [*B] predicted, not felt
    predicted: Tensor  # [*B]
    sensed: Tensor  # [*B]
    mismatch: Tensor  # [*B] sum over cells of |predicted - driven|, counted outside of the error areas and the senses

    @property
    def error(self) -> Tensor:
        """Spikes of both error areas."""
        return self.felt + self.missing


@dataclass(frozen=True, kw_only=True)
class ForwardModel:
    """The forward model (equation, areas and references: module docstring).

    Raises `ConfigError` for sizes and numbers of ticks that are not whole and above 0, times and rates not above 0,
    `teaching` outside 0 to 1, ticks below 1 ms, and where a movement ends before it was sensed.
    """

    actions: int = 4
    """Motor commands."""
    command_cells: int = 2
    """Cells of the efference copy for each command."""
    per_cell: int = 5
    """Cells recruited per grid cell of displacement."""
    reach: int = 2
    """Largest displacement that is coded, grid cells."""
    burst: int = 10
    """Ticks for which a command, and the movement that it causes, last."""
    lag: int = 5
    """Ticks from a command to the first sensation of its movement; the prediction waits as long."""
    ticks: int = 20
    """Ticks of one movement, from the command to the last error."""
    rate: float = 0.006
    """Learning rate: weight per unit of trace and dendritic potential, in one tick."""
    tau: float = 20.0
    """Membrane time constant of prediction and error cells, ms; command and sensory cells are relays."""
    tau_trace: float = 100.0
    """Time constant of the trace of the efference copy, ms."""
    teaching: float = 0.9
    """Dendritic potential that an error cell holds by firing in every tick; below 1, so that dendrites do not fire."""
    dt: float = 10.0
    """Length of a tick, ms."""
    backend: str = "torch"
    """Backend of the circuit."""

    def __post_init__(self) -> None:
        counts(self, "actions", "command_cells", "per_cell", "reach", "burst", "lag", "ticks")
        positive(self, "rate", "tau", "tau_trace", "dt")
        below_one(self, "teaching")
        if self.dt < 1.0:
            raise ConfigError(f"ForwardModel: dt is {self.dt} ms; its relays fire once a tick from 1 ms on")
        if self.ticks < self.burst + self.lag + 1:
            raise ConfigError(
                f"ForwardModel: ticks = {self.ticks}, but sensation ends after burst + lag = {self.burst + self.lag}; "
                f"give at least {self.burst + self.lag + 1}"
            )

    @property
    def n(self) -> int:
        """Cells of the displacement code."""
        return 4 * self.per_cell * self.reach

    @property
    def strong(self) -> float:
        """Weight of a spike that makes a cell at rest fire at once, with a fifth to spare."""
        return 1.2 / -math.expm1(-self.dt / self.tau)

    @cached_property
    def circuit(self) -> Circuit:
        """command -> prediction (learned); sensory, prediction -> felt, missing -> dendrites of prediction."""
        n, cell, strong = self.n, LIF(tau=self.tau, refractory=0.0), self.strong
        relays = {"command": self.actions * self.command_cells, "sensory": n}
        sizes = {"command": relays["command"], "prediction": 2 * n, "sensory": n, "felt": n, "missing": n}

        def pair(source: str, target: str, weight: float, delay: int = 0) -> Projection:
            apical = n if target == "prediction" else 0
            return Projection(
                source=source, target=target, weight=OneToOne(weight, count=n, first_post=apical), delay=delay
            )

        return Circuit(
            areas={name: Area(n=size, neuron=IF() if name in relays else cell) for name, size in sizes.items()},
            projections=(
                Projection(
                    source="command",
                    target="prediction",
                    rule=ErrorDriven(rate=self.rate, tau=self.tau_trace),
                    bounds=(0.0, 2.0 * strong),
                    delay=0,
                ),
                pair("sensory", "felt", strong),
                pair("prediction", "felt", -strong, self.lag),
                pair("prediction", "missing", strong, self.lag),
                pair("sensory", "missing", -strong),
                pair("felt", "prediction", self.teaching, 1),
                pair("missing", "prediction", -self.teaching, 1),
            ),
            dt=self.dt,
            backend=self.backend,
        )

    def init(self, key: Tensor) -> CircuitState:
        """A model that predicts nothing yet, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def rounds(self, key: Tensor, stream: str, count: int) -> Tensor:
        """`count` commands in turn, int64 `[*B, count]`: rounds in which each comes once, in an order drawn anew."""
        number = torch.arange(-(-count // self.actions), device=key.device)
        keys = key[..., None].expand(*key.shape, len(number))
        return rng.uniform(keys, stream, number, self.actions).argsort(dim=-1, stable=True).flatten(-2)[..., :count]

    def arrived(self, key: Tensor, stream: str, step: Tensor | int, loss: float) -> Tensor:
        """Which sensory spikes of a movement arrive, bool `[*B, burst, n]`: each is lost with probability `loss`."""
        draws = rng.uniform(key, stream, step, self.burst * self.n)
        return (draws >= loss).reshape(*draws.shape[:-1], self.burst, self.n)

    def copied(self, action: Tensor, ticks: int | None = None) -> Tensor:
        """Drive `[*B, T, command]` of the efference copy of commands int64 `[*B]`; -1: no command."""
        cells = torch.arange(self.actions * self.command_cells, device=action.device) // self.command_cells
        now = torch.arange(ticks or self.ticks, device=action.device) < self.burst
        return ((action[..., None] == cells)[..., None, :] & now[:, None]).to(torch.float32) * CURRENT

    def displacement(self, moved: Tensor) -> Tensor:
        """Which cells code a displacement (dx, dy) `[*B, 2]` in grid cells, bool `[*B, n]`: right, left, down, up."""
        signed = torch.stack((moved[..., 0], -moved[..., 0], moved[..., 1], -moved[..., 1]), dim=-1)
        rank = torch.arange(self.n // 4, device=moved.device, dtype=torch.float32)
        return ((signed * self.per_cell)[..., None] > rank + 0.5).flatten(-2)

    def sensed(self, moved: Tensor, kept: Tensor | None = None, extra: int = 0) -> Tensor:
        """Drive `[*B, T, n]` of the senses by displacements `[*B, 2]`, `extra` ticks later than usual.

        `kept` bool `[*B, burst, n]` says which sensory spikes arrive; None: all. T = ticks + extra. Raises
        `ConfigError` when a displacement exceeds `reach` or `extra` is below 0.
        """
        if bool((moved.abs() > self.reach).any()):
            raise ConfigError(
                f"a displacement exceeds the reach of {self.reach} cells; build the model with a larger reach"
            )
        if extra < 0:
            raise ConfigError(f"the senses are {extra} ticks late; give 0 or more")
        code = self.displacement(moved)[..., None, :].expand(*moved.shape[:-1], self.burst, self.n)
        during = (code if kept is None else code & kept).to(torch.float32) * CURRENT
        drive = during.new_zeros(*moved.shape[:-1], self.ticks + extra, self.n)
        first = self.lag + extra
        drive[..., first : first + self.burst, :] = during
        return drive

    def move(
        self,
        state: CircuitState,
        action: Tensor,
        sensed: Tensor,
        gates: Gates = NO_GATES,
        *,
        learning: bool = True,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Sensation, CircuitState, Recording]:
        """One movement from rest: the commands int64 `[*B]` (-1: none) and the drive `sensed` of the senses.

        Without a command the senses are driven all the same: something else moves the body.
        """
        counted = tuple(Probe(name) for name in AREAS[1:])
        steps = sensed.shape[-2]
        after, seen = self.circuit.run(
            self.circuit.rest(state),
            {"command": self.copied(action, steps), "sensory": sensed},
            None,
            gates,
            steps=steps,
            learning=learning,
            probes=(*counted, *(probe for probe in probes if probe not in counted)),
        )
        felt, missing, sensory = (seen[f"{name}.spikes"].sum(-2) for name in ("felt", "missing", "sensory"))
        predicted = seen["prediction.spikes"][..., : self.n].sum(-2)
        mismatch = (predicted - (sensed > 0.0).sum(-2)).abs()
        found = Sensation(*(part.sum(-1) for part in (felt, missing, predicted, sensory, mismatch)))
        return found, after, seen


EXAMPLES = (ForwardModel(), ForwardModel(actions=3, command_cells=1, per_cell=2, reach=1, burst=4, lag=2, ticks=9))
