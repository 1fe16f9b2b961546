"""The network of Izhikevich (2007) that solves the distal reward problem: plan, task, rule, and its `Circuit`.

    v <- two half steps of 0.04 v^2 + 5 v + 140 - u + I,   I = width (U - 1/2) + spikes of the tick before
    x_i = 0.1 at a spike, then x 0.95 a tick;  y_j likewise;
    c_ij <- c_ij + x_i z_j - 1.5 y_j s_i;      every 10 ticks: w <- clip(w + (tonic + d) c), then c <- 0.99 c
    d <- 0.995 d + 0.5 for every reward

A tick is 1 ms. The reinforced synapse joins excitatory unit 0 (n1) to one of its excitatory targets (n2) and starts
at 0. If n2 fires less than 20 ms after n1 (not at the same tick), a reward comes 1 s + U(0, 2 s) later.

Conventions, where the author's script daspnet.m leaves a choice or counts otherwise:

- spikes s_i are those that arrive (fired the tick before, delay 1), z_j those of this tick, as everywhere in bisnn;
  so the depression of a pre spike is booked one tick later than in the script, with the same trace y (before this
  tick's spikes). A post spike at the tick of the pre spike depresses, as in the script.
- a release counts from its own tick on; in the script from the next.
- the `fan_out` targets of a unit are distinct and never itself; the script draws with replacement.
- n2 is excitatory; in the script it may be inhibitory.
- a weight acts rounded to the grid of `bisnn.propagate`, 2^-12.

Noise, wiring and reward latencies are streams of `bisnn.rng` by seed; conditions of one seed share them.

Izhikevich (2007) Cereb. Cortex 17:2443, doi:10.1093/cercor/bhl152; constants: the author's script daspnet.m.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisnn import rng
from bisnn.circuit import Area, Circuit, Projection
from bisnn.modulators import Dopamine
from bisnn.neurons import Izhikevich
from bisnn.plasticity.base import outer

BLOCK = 100
"""Ticks of noise that are drawn at once."""
LONG_AGO = -(2**40)
"""The tick of a spike that never was."""
CLEARANCE = Dopamine(tau=-1.0 / math.log(0.995))
"""Dopamine that falls by the factor 0.995 a tick."""
REGULAR = Izhikevich(a=0.02, b=0.2, c=-65.0, d=8.0, substeps=2, v_init=-65.0)
"""Regular spiking."""
FAST = Izhikevich(a=0.1, b=0.2, c=-65.0, d=2.0, substeps=2, v_init=-65.0)
"""Fast spiking."""


class SetTraceState(NamedTuple):
    """Traces of `SetTraceRSTDP`."""

    pre: Tensor  # [*B, pre] set by a spike, then decaying
    post: Tensor  # [*B, post] likewise
    eligibility: Tensor  # [*B, pre, post] what dopamine turns into weight
    clock: Tensor  # [*B] ticks since the last update


@dataclass(frozen=True, kw_only=True)
class SetTraceRSTDP:
    """R-STDP as the script has it: traces are set, not summed, and weights move every tenth tick (module docstring)."""

    modulator: str = "dopamine"
    """Name of the modulator whose level is the third factor."""
    amplitude: float = 0.1
    """Value of a trace at its spike."""
    depression: float = 1.5
    """Eligibility for post before pre, in units of that for pre before post."""
    keep_trace: float = 0.95
    """Factor of a trace per tick; of 1 ms."""
    keep_eligibility: float = 0.99
    """Factor of the eligibility per update."""
    every: int = 10
    """Ticks between updates."""
    tonic: float = 0.002
    """Level without any release."""

    def init(self, weight: Tensor) -> SetTraceState:
        """Empty traces for weights `[*B, pre, post]`."""
        zero = torch.zeros(weight.shape, device=weight.device, dtype=weight.dtype)
        pre, post = zero[..., 0].clone(), zero[..., 0, :].clone()
        return SetTraceState(pre=pre, post=post, eligibility=zero, clock=zero[..., 0, 0].clone())

    def step(
        self, trace: SetTraceState, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, SetTraceState]:
        """One tick: spikes `[*B, pre]`, `[*B, post]` and level `[*B]` to the weight change `[*B, pre, post]`."""
        assert level is not None
        x = torch.where(pre > 0, self.amplitude, trace.pre * self.keep_trace)
        eligibility = trace.eligibility + outer(x, post)
        eligibility = eligibility - outer(pre, trace.post * self.depression)
        y = torch.where(post > 0, self.amplitude, trace.post * self.keep_trace)
        clock = trace.clock + 1.0
        due = (clock >= self.every)[..., None, None]
        change = torch.where(due, eligibility * (level + self.tonic)[..., None, None], 0.0)
        kept = torch.where(due, eligibility * self.keep_eligibility, eligibility)
        return change, SetTraceState(x, y, kept, torch.where(clock >= self.every, 0.0, clock))


@dataclass(frozen=True, kw_only=True)
class DistalReward:
    """Plan of network and task; defaults are the author's (module docstring)."""

    excitatory: int = 800
    """Excitatory units, regular spiking."""
    inhibitory: int = 200
    """Inhibitory units, fast spiking."""
    fan_out: int = 100
    """Targets of every unit; those of inhibitory units are excitatory."""
    noise: float = 13.0
    """Width of the uniform current that every unit gets at every tick."""
    start: float = 1.0
    """Initial weight of excitatory synapses."""
    ceiling: float = 4.0
    """Largest weight."""
    window: int = 20
    """Ticks within which n2 must follow n1."""
    latency: tuple[int, int] = (1000, 3000)
    """A reward comes more than the first and at most the second many ticks after the pair."""
    reward: float = 0.5
    """Dopamine released by a reward."""
    rule: SetTraceRSTDP = SetTraceRSTDP()
    """Plasticity of excitatory synapses."""
    dopamine: Dopamine = CLEARANCE
    """Clearance of dopamine: 0.995 a tick."""
    excitatory_neuron: Izhikevich = REGULAR
    """Regular spiking."""
    inhibitory_neuron: Izhikevich = FAST
    """Fast spiking."""

    @property
    def n(self) -> int:
        """All units; the excitatory ones come first."""
        return self.excitatory + self.inhibitory

    @property
    def dopamine_kept(self) -> float:
        """Factor of the dopamine level per tick."""
        return math.exp(-1.0 / self.dopamine.tau)

    def targets(self, key: Tensor) -> tuple[Tensor, Tensor]:
        """Targets of every unit int64 `[*B, n, fan_out]` in rising order, and n2 int64 `[*B]`."""
        n, e = self.n, self.excitatory
        draws = rng.uniform(key, "daspnet/targets", 0, n * n).reshape(*key.shape, n, n)
        allowed = ~torch.eye(n, dtype=torch.bool)
        allowed[e:, e:] = False
        draws = torch.where(allowed, draws, 2.0)
        targets = draws.argsort(dim=-1, stable=True)[..., : self.fan_out].sort(dim=-1).values
        return targets, draws[..., 0, :e].argmin(dim=-1)

    def drive(self, key: Tensor, block: int) -> Tensor:
        """Currents float32 `[*B, BLOCK, n]` of the ticks from `block * BLOCK` on."""
        draws = rng.uniform(key, "daspnet/noise", block, BLOCK * self.n)
        return ((draws - 0.5) * self.noise).reshape(*key.shape, BLOCK, self.n)

    def circuit(self) -> Circuit:
        """The network as a dense circuit: the definition to which `EventNetwork` is held."""
        e, ends = self.excitatory, {"exc": (0, self.excitatory), "inh": (self.excitatory, self.n)}
        parts = [("exc", "exc"), ("exc", "inh"), ("inh", "exc")]
        projections = []
        for source, target in parts:
            wiring = Wiring(plan=self, rows=ends[source], columns=ends[target])
            weight = Wiring(plan=self, rows=ends[source], columns=ends[target], weights_of=True)
            plastic = self.rule if source == "exc" else None
            bounds = (0.0, self.ceiling)
            projections.append(
                Projection(source=source, target=target, weight=weight, mask=wiring, rule=plastic, bounds=bounds)
            )
        areas = {
            "exc": Area(n=e, neuron=self.excitatory_neuron),
            "inh": Area(n=self.inhibitory, neuron=self.inhibitory_neuron),
        }
        return Circuit(areas=areas, projections=tuple(projections), modulators={"dopamine": self.dopamine})


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """An initialiser: the block rows x columns of the fan-out of a plan, 0/1 or its initial weights."""

    plan: DistalReward
    rows: tuple[int, int]
    columns: tuple[int, int]
    weights_of: bool = False
    """Initial weights instead of 0/1."""

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return max(1.0, self.plan.start)

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`, own to every individual."""
        plan = self.plan
        targets, second = plan.targets(key)
        matrix = torch.zeros(*key.shape, plan.n, plan.n).scatter_(-1, targets, 1.0)
        if self.weights_of:
            matrix[..., : plan.excitatory, :] *= plan.start
            matrix[..., plan.excitatory :, :] *= -1.0
            matrix[..., 0, :].scatter_(-1, second[..., None], 0.0)
        return matrix[..., slice(*self.rows), slice(*self.columns)]


class Pairing:
    """The task: watches n1 and n2 of every individual and says when rewards are due. It changes in place.

    `masters[b]` is the individual whose pairs bring the rewards of individual b: itself, another (yoked), or None.
    """

    def __init__(self, plan: DistalReward, seeds: Sequence[int], masters: Sequence[int | None]) -> None:
        self.plan, self.seeds = plan, list(seeds)
        self.fed = np.array([master is not None for master in masters], dtype=np.float32)
        self.master = np.array([0 if master is None else master for master in masters])
        self.due = np.zeros((len(self.seeds), plan.latency[1] + 1), dtype=np.float32)
        self.first = np.full(len(self.seeds), LONG_AGO, dtype=np.int64)
        self.pairs = np.zeros(len(self.seeds), dtype=np.int64)

    def release(self, tick: int) -> NDArray[np.float32]:
        """Dopamine released at `tick`, `[B]`; to be asked once for every tick, in order."""
        column = self.due[:, tick % self.due.shape[1]]
        found: NDArray[np.float32] = column[self.master] * self.fed
        column[:] = 0.0
        return found

    def watch(self, tick: int, one: NDArray[np.bool_], two: NDArray[np.bool_]) -> None:
        """Take notice of the spikes of n1 and n2, `[B]` each, at `tick`, after `release`."""
        self.first[one] = tick
        for b in np.flatnonzero(two):
            if 0 < tick - self.first[b] < self.plan.window:
                self.pairs[b] += 1
                low, high = self.plan.latency
                draw = float(rng.uniform(torch.tensor(self.seeds[b]), "daspnet/latency", tick, 1))
                when = tick + low + 1 + int(draw * (high - low))
                self.due[b, when % self.due.shape[1]] += self.plan.reward
