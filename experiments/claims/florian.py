"""Reinforcement of XOR: a network of integrate-and-fire cells learns from one global reward, by MSTDP and by MSTDPET.

    r(t + dt) = +1 at a spike of the output cell while exactly one input is on, -1 while both are on, else 0

Two binary inputs, each coded by the rate of its own inputs (on: Poisson spikes, off: none), half of them excitatory
and half inhibitory, then one hidden layer and one output cell. Cells, windows and reward are Florian's: tau 20 ms,
threshold 16 mV above rest, reset to rest, weights in mV within hard bounds, A+ = 1, A- = -1, tau+- 20 ms, tau_z 25 ms.
Other than his are the size (20-40-1 instead of 60-60-1), the length (40 epochs instead of 200) and, since fewer inputs
must drive a cell, the bound (8 instead of 5 mV) and the rate (60 instead of 40 Hz). A pattern lasts 500 ms, as his do;
when it lasted 100 ms, so that much of the eligibility met the reward of the next pattern, half of the networks failed
by MSTDPET. Spikes travel within a tick. The silent pattern (both off) moves no weight and is left out of training.

Criterion, his: XOR is learned if, with learning off, the output fires less for both inputs on than for either alone
(for both off it is silent). Nearly all of his networks learned. Here at least 90 % of the seeds must, by either rule,
and at most 10 % in every control: the sign of the reward flipped, the rewards of another seed, no learning.

Florian (2007) Neural Comput. 19:1468, doi:10.1162/neco.2007.19.6.1468
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.experiments.claims.base import Claim
from bisnn.initialisers import Uniform
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, LIF
from bisnn.plasticity import MSTDP, MSTDPET
from bisnn.recording import Probe

PAPER = "Florian (2007) Neural Comput. 19:1468, doi:10.1162/neco.2007.19.6.1468"
RULES = ("mstdp", "mstdpet")
ARMS = ("learning", "flipped", "yoked")
SIDES = ("excitatory", "inhibitory")
PATTERNS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


@dataclass(frozen=True, kw_only=True)
class Xor:
    """The network, its inputs and its training."""

    inputs: int = 10
    """Inputs that code one bit; half of them are inhibitory."""
    hidden: int = 40
    """Hidden cells."""
    bound: float = 8.0
    """Largest absolute weight, mV; initial weights are uniform up to it."""
    rate: float = 0.06
    """Spikes per ms of an input whose bit is on."""
    duration: int = 500
    """A pattern is shown for this long, ms."""
    epochs: int = 40
    """Rounds through the three patterns with a bit on, in a random order each."""
    mstdp: float = 0.1
    """Learning rate of MSTDP, mV."""
    mstdpet: float = 0.625
    """Learning rate of MSTDPET, mV ms."""

    @cached_property
    def circuit(self) -> Circuit:
        """Two networks on the same inputs, one for each rule, each with its own reward."""
        keep = math.exp(-1.0 / 20.0)
        cell = LIF(tau=20.0, threshold=16.0 * (1.0 - keep), reset=0.0, refractory=0.0)  # a weight is then a jump in mV
        areas = {side: Area(n=self.inputs, neuron=IF()) for side in SIDES}
        projections: list[Projection] = []
        for name, rule in (
            ("mstdp", MSTDP(modulator="mstdp", rate=self.mstdp)),
            ("mstdpet", MSTDPET(modulator="mstdpet", rate=self.mstdpet, tau_e=25.0)),
        ):
            hidden, output = f"hidden_{name}", f"output_{name}"
            areas |= {hidden: Area(n=self.hidden, neuron=cell), output: Area(n=1, neuron=cell)}
            for source, target, low, high in (
                ("excitatory", hidden, 0.0, self.bound),
                ("inhibitory", hidden, -self.bound, 0.0),
                (hidden, output, 0.0, self.bound),
            ):
                weight = Uniform(low, high)
                projections.append(
                    Projection(source=source, target=target, weight=weight, rule=rule, bounds=(low, high), delay=0)
                )
        modulators = {name: Dopamine(tau=0.0) for name in RULES}
        return Circuit(areas=areas, projections=tuple(projections), modulators=modulators)

    def spikes(self, key: Tensor, pattern: Tensor, tick: int, ticks: int) -> dict[str, Tensor]:
        """Poisson spikes of the inputs `[*B, ticks, inputs]` for patterns `[*B]`, from `tick` on."""
        moments = tick + torch.arange(ticks)
        active = PATTERNS[pattern].repeat_interleave(self.inputs // 2, dim=-1)[..., None, :]
        found = {}
        for side in SIDES:
            draws = rng.uniform(key[..., None].expand(*key.shape, ticks), f"xor/{side}", moments, self.inputs)
            found[side] = (draws < self.rate * active).to(torch.float32)
        return found


class Trained(NamedTuple):
    """What a training leaves."""

    state: CircuitState
    curve: dict[str, Tensor]  # rule -> output spikes per s, [epoch, arm, seed, pattern 01 10 11]


def train(plan: Xor, seeds: Tensor) -> Trained:
    """Trains every arm and seed `[arm, seed]`; all arms of a seed start alike and see the same inputs."""
    key = rng.keys(seeds)
    batch = (len(ARMS), len(seeds))
    state = plan.circuit.init(key.expand(batch))
    release = {rule: torch.zeros(batch) for rule in RULES}
    curve = {rule: torch.zeros(plan.epochs, *batch, 3) for rule in RULES}
    for epoch in range(plan.epochs):
        order = rng.uniform(key, "xor/order", epoch, 3).argsort(-1)
        for place, shown in enumerate(order.unbind(-1)):
            count = {rule: torch.zeros(batch) for rule in RULES}
            trains = plan.spikes(key, shown + 1, (epoch * 3 + place) * plan.duration, plan.duration)
            worth = torch.where(shown == 2, -1.0, 1.0)
            for now in range(plan.duration):
                drive = {side: train[:, now].expand(*batch, -1) for side, train in trains.items()}
                state = plan.circuit.step(state, drive, release)
                for rule in RULES:
                    fired = state.spikes[f"output_{rule}"][0][..., 0]
                    count[rule] += fired
                    own = fired * worth
                    release[rule] = torch.stack([own[0], -own[1], own[0].roll(1, -1)])
            for rule in RULES:
                index = shown.expand(batch)[..., None]
                curve[rule][epoch].scatter_(-1, index, count[rule][..., None] * (1000.0 / plan.duration))
    return Trained(state, curve)


def rates(plan: Xor, state: CircuitState, seeds: Tensor, ticks: int = 2000) -> dict[str, Tensor]:
    """Output spikes per s `[*B, 4]` of the four patterns by rule, without learning."""
    key = rng.keys(seeds)
    some = next(iter(state.weights.values()))
    found = {rule: torch.zeros(*some.shape[:-2], 4) for rule in RULES}
    for pattern in range(4):
        trains = plan.spikes(key, torch.full(key.shape, pattern), 10**6 + pattern * ticks, ticks)
        drive = {side: train.expand(*some.shape[:-2], *train.shape[-2:]) for side, train in trains.items()}
        probes = [Probe(target=f"output_{rule}", field="spikes") for rule in RULES]
        _, seen = plan.circuit.run(plan.circuit.rest(state), drive, steps=ticks, learning=False, probes=probes)
        for rule in RULES:
            found[rule][..., pattern] = seen[f"output_{rule}.spikes"].float().sum((-2, -1)) * (1000.0 / ticks)
    return found


def learned(found: Tensor) -> Tensor:
    """Whether the output fires less for both inputs on than for either alone, by rates `[*B, 4]`."""
    return found[..., 3] < found[..., 1:3].amin(-1)


SEEDS = 20


def measure_xor() -> Mapping[str, float]:
    """Fraction of seeds that learned, by rule and arm, and the mean rates of the learners."""
    plan, seeds = Xor(), torch.arange(SEEDS)
    untrained = rates(plan, plan.circuit.init(rng.keys(seeds)), seeds)
    trained = rates(plan, train(plan, seeds).state, seeds)
    measured = {}
    for rule in RULES:
        for row, arm in enumerate(ARMS):
            measured[f"{rule}_{arm}"] = float(learned(trained[rule][row]).float().mean())
        measured[f"{rule}_untrained"] = float(learned(untrained[rule]).float().mean())
        one, both = trained[rule][0, :, 1:3].mean(), trained[rule][0, :, 3].mean()
        measured |= {f"{rule}_silent_hz": float(trained[rule][0, :, 0].max())}
        measured |= {f"{rule}_one_hz": float(one), f"{rule}_both_hz": float(both)}
    return measured


CONTROLS = ("flipped", "yoked", "untrained")
CLAIMS = (
    Claim(
        name="florian/XOR",
        claim="MSTDP and MSTDPET teach a network XOR by one global reward; wrong or no rewards do not.",
        source=PAPER,
        expected={f"{rule}_learning": 1.0 for rule in RULES}
        | {f"{rule}_{arm}": 0.0 for rule in RULES for arm in CONTROLS},
        tolerance={f"{rule}_learning": (0.9, 1.0) for rule in RULES}
        | {f"{rule}_{arm}": (0.0, 0.1) for rule in RULES for arm in CONTROLS}
        | {f"{rule}_silent_hz": (0.0, 0.0) for rule in RULES},
        measure=measure_xor,
        seconds=50.0,
    ),
)
